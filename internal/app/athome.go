package app

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/preau-ent/preau/internal/classroom"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door/waits"
)

// lines is what our line says of who waited in it, and when it was so long that who gave up
// cannot be told from who never came.
func (a *App) lines() classroom.Lines {
	return func(ctx context.Context, tx database.Tx, school string, pupils []string, from, until time.Time) (map[string]classroom.Line, error) {
		found, err := waits.Of(ctx, tx, school, pupils, from, until)
		if err != nil {
			return nil, err
		}
		out := make(map[string]classroom.Line, len(found))
		for pupil, e := range found {
			out[pupil] = classroom.Line{Waited: spans(e.Waited), Long: spans(e.Long)}
		}
		return out, nil
	}
}

func spans(all []waits.Period) (out []classroom.Span) {
	for _, p := range all {
		out = append(out, classroom.Span{From: p.From, Until: p.Until})
	}
	return out
}

// node names this program among those of the installation: by its machine and its data folder,
// which outlive a restart.
func node(c Config) string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	if data, err := filepath.Abs(c.Data); err == nil {
		return host + " " + data
	}
	return host + " " + c.Data
}
