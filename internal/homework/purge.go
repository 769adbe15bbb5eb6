package homework

import (
	"context"
	"errors"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/timetable"
)

// Purge removes what pupils did in lessons of the school years that are over: their answers, which
// steps they finished and what they handed in are kept until 31 July. What the teacher wrote stays, for the year that comes.
func Purge(ctx context.Context, tx database.Tx, now time.Time) error {
	began := database.Stamp(timetable.YearBegan(now))
	_, answers := tx.NewDelete().Model((*answer)(nil)).Where("at < ?", began).Exec(ctx)
	_, steps := tx.NewDelete().Model((*done)(nil)).Where("at < ?", began).Exec(ctx)
	_, works := tx.NewDelete().Model((*Work)(nil)).Where("handed_at < ?", began).Exec(ctx)
	return errors.Join(answers, steps, works)
}
