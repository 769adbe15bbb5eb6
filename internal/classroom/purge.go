package classroom

import (
	"context"
	"errors"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/timetable"
)

// PurgeTalk removes what was written in classes, and whose hand was up, of the school years that
// are over: they are kept with their lessons until 31 July. Who came, and when, stays with the
// roll.
func PurgeTalk(ctx context.Context, tx database.Tx, now time.Time) error {
	began := database.Stamp(timetable.YearBegan(now))
	_, words := tx.NewDelete().Model((*Word)(nil)).Where("at < ?", began).Exec(ctx)
	_, hands := tx.NewDelete().Model((*Hand)(nil)).Where("raised_at < ?", began).Exec(ctx)
	return errors.Join(words, hands)
}
