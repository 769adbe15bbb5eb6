package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Length is the number of lines in a school's chain of the year that a moment belongs
// to. Whatever is done for a school appends a line in its own transaction: as long as
// the length is the same, nothing was done.
func Length(ctx context.Context, tx database.Tx, school string, now time.Time) (int64, error) {
	var n int64
	err := tx.NewRaw("SELECT seq FROM journal_heads WHERE school = ? AND year = ?", school, Year(database.Stamp(now))).Scan(ctx, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	return n, nil
}

// Lengths gives the length of several schools' chains, those without a line left out.
func Lengths(ctx context.Context, tx database.Tx, schools []string, now time.Time) (map[string]int64, error) {
	var rows []struct {
		School string
		Seq    int64
	}
	err := tx.NewRaw("SELECT school, seq FROM journal_heads WHERE school IN (?) AND year = ?", bun.List(schools), Year(database.Stamp(now))).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.School] = r.Seq
	}
	return out, nil
}
