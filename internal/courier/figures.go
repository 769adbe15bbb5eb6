package courier

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// Figures are what the courier tells of all schools together.
type Figures struct {
	Lag       time.Duration // of the oldest letter that is due, that nothing keeps, and that has not begun to leave
	Locked    bool          // every school of this installation is locked
	Unreached bool          // a channel has accounts, and none of them can be reached
	Pretended bool          // nothing can leave
}

// unreachedAfter is how many rests an account must have taken, one after the other, to be
// called out of reach: the first may be a hiccup.
const unreachedAfter = 3

// Figures gives them as they are now. A stop, a lock and the pause at the start are
// decisions: what they keep is not late.
func (c *Courier) Figures(ctx context.Context, tx database.Tx, now time.Time) (f Figures, err error) {
	f.Pretended = c.carriers.Pretended()
	var channels []directory.Channel
	for ch, accounts := range c.carriers.by {
		if len(accounts) == 0 {
			continue
		}
		channels = append(channels, ch)
		reached := false
		for _, a := range accounts {
			reached = reached || !a.outOfReach()
		}
		f.Unreached = f.Unreached || !reached
	}
	schools, err := directory.Schools(ctx, tx)
	if err != nil {
		return f, err
	}
	var locked []string
	if err := tx.NewSelect().Model((*Lock)(nil)).ColumnExpr("DISTINCT k.school").Where("k.lifted_at IS NULL").Scan(ctx, &locked); err != nil {
		return f, err
	}
	f.Locked = len(schools) > 0 && !slices.ContainsFunc(schools, func(s directory.School) bool { return !slices.Contains(locked, s.ID) })
	if len(channels) == 0 {
		return f, nil
	}
	var oldest Letter
	q := claimable(tx.NewSelect().Model(&oldest).Column("due_at", "expires_at"), now, channels).
		Where("NOT EXISTS (SELECT 1 FROM courier_locks AS k WHERE k.school = l.school AND k.lifted_at IS NULL)").
		Where("NOT (l.kind IN (?) AND EXISTS (SELECT 1 FROM courier_stops AS s WHERE s.school = l.school AND s.lifted_at IS NULL))", bun.List(stoppable()))
	if c.pausing(now) {
		q = q.Where("l.kind NOT IN (?)", bun.List(stoppable()))
	}
	err = q.OrderExpr("l.due_at").Limit(1).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return f, nil
	case err != nil:
		return f, err
	}
	f.Lag = max(0, now.Sub(oldest.DueAt))
	return f, nil
}

func stoppable() (out []Kind) {
	for _, k := range kinds() {
		if k.Stoppable() {
			out = append(out, k)
		}
	}
	return out
}

// outOfReach tells whether the last attempts over an account could not be made.
func (a *account) outOfReach() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rested >= unreachedAfter
}
