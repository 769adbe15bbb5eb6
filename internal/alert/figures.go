package alert

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
)

// mostLate bounds what Lag reads: one late episode is enough to know.
const mostLate = 200

// Lag is how long the oldest absence has been late: a mark that nobody has decided about, or
// an episode whose time to tell has come and that nothing holds. What the breaker holds is
// not late: it waits for a person.
func Lag(ctx context.Context, tx database.Tx, now time.Time) (time.Duration, error) {
	lag := time.Duration(0)
	oldest, any, err := attendance.OldestUndecided(ctx, tx)
	if err != nil {
		return 0, err
	}
	if any {
		lag = max(0, now.Sub(oldest))
	}
	var due []Episode
	if err := tx.NewSelect().Model(&due).Where("e.state = ? AND e.leaves_at <= ?", Held, database.Stamp(now)).OrderExpr("e.leaves_at").Limit(mostLate).Scan(ctx); err != nil {
		return 0, err
	}
	open := map[[2]string][]Trip{}
	for _, e := range due {
		key := [2]string{e.School, e.day()}
		if _, read := open[key]; !read {
			trips, err := Trips(ctx, tx, e.School, e.day())
			if err != nil {
				return 0, err
			}
			open[key] = openTrips(trips)
		}
		if !trippedOf(open[key], e) {
			return max(lag, now.Sub(e.LeavesAt)), nil
		}
	}
	return lag, nil
}
