package attendance

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// RollNow is a saved roll with the last mark of each pupil on it.
type RollNow struct {
	Roll
	Marks []Mark // one a pupil
}

// SavedSince lists the rolls of a day that were saved after a moment, as they are now:
// how a morning is told from an ordinary one.
func SavedSince(ctx context.Context, tx database.Tx, school, day string, since time.Time) ([]RollNow, error) {
	var rolls []Roll
	err := tx.NewSelect().Model(&rolls).Where("r.school = ? AND r.day = ? AND r.saved_at >= ?", school, day, database.Stamp(since)).Order("saved_at", "sitting").Scan(ctx)
	if err != nil || len(rolls) == 0 {
		return nil, err
	}
	sittings := make([]string, len(rolls))
	for i, r := range rolls {
		sittings[i] = r.Sitting
	}
	var marks []Mark
	if err := tx.NewSelect().Model(&marks).Where("k.school = ? AND k.sitting IN (?)", school, bun.List(sittings)).Order("k.n").Scan(ctx); err != nil {
		return nil, err
	}
	last := map[string]map[string]Mark{} // by sitting and pupil
	for _, k := range marks {
		if last[k.Sitting] == nil {
			last[k.Sitting] = map[string]Mark{}
		}
		last[k.Sitting][k.Pupil] = k
	}
	out := make([]RollNow, len(rolls))
	for i, r := range rolls {
		out[i] = RollNow{r, slices.Collect(maps.Values(last[r.Sitting]))}
	}
	return out, nil
}

// LastMark is the number of the school's last mark, 0 where there is none.
func LastMark(ctx context.Context, tx database.Tx, school string) (n int64, err error) {
	err = tx.NewSelect().Model((*Mark)(nil)).ColumnExpr("coalesce(max(k.n), 0)").Where("k.school = ?", school).Scan(ctx, &n)
	return n, err
}

// RollDays counts the saved rolls of each day from a day on.
func RollDays(ctx context.Context, tx database.Tx, school, since string) (map[string]int, error) {
	var rows []struct {
		Day string
		N   int
	}
	err := tx.NewSelect().Model((*Roll)(nil)).ColumnExpr("r.day, count(*) AS n").Where("r.school = ? AND r.day >= ?", school, since).GroupExpr("r.day").Scan(ctx, &rows)
	out := map[string]int{}
	for _, r := range rows {
		out[r.Day] = r.N
	}
	return out, err
}
