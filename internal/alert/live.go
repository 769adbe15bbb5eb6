package alert

import (
	"context"
	"net/http"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// How often a stream says that it is alive, and how long it lasts (its browser opens another,
// as whoever is signed in by then).
const (
	beatEvery = 25 * time.Second
	liveLife  = 15 * time.Minute
)

var errTooManyStreams = &page.Refusal{Status: http.StatusServiceUnavailable, Key: "alert.day.nostream"}

// EndStreams ends every open stream: a server that is told to stop waits for its answers.
func (p *Pages) EndStreams() { p.looking.End() }

// lengths tells how long the journals of schools are (see keptBoards): whatever is done for
// one makes it longer.
func (p *Pages) lengths(ctx context.Context, schools []string) (now map[string]int64, err error) {
	err = p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		now, err = journal.Lengths(ctx, tx, schools, p.Now())
		return err
	})
	return now, err
}

// dayEvents tells an open board that something was done for its school. It carries nothing:
// the page reads again what its reader may see.
func (p *Pages) dayEvents(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	changed, leave, ok := p.looking.Listen(v.School, p.lengths)
	if !ok {
		return errTooManyStreams
	}
	defer leave()
	s, err := page.OpenStream(w, "day")
	if err != nil {
		return nil // the browser is gone
	}
	ended := p.looking.Ended()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	over := time.NewTimer(liveLife)
	defer over.Stop()
	for err == nil {
		select {
		case <-r.Context().Done():
			return nil
		case <-ended:
			return nil
		case <-changed:
			err = s.Send("day", "")
		case <-beat.C:
			err = s.Beat()
		case <-over.C:
			return nil
		}
	}
	return nil
}
