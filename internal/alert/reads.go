package alert

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// ofPupils lists the episodes of pupils on a day, in order.
func ofPupils(ctx context.Context, tx database.Tx, school string, pupils []string, day string) ([]Episode, error) {
	var all []Episode
	for part := range slices.Chunk(pupils, 500) {
		var rows []Episode
		err := tx.NewSelect().Model(&rows).Where("e.school = ? AND e.pupil IN (?) AND e.half_day IN (?)", school, bun.List(part), bun.List([]string{day + "/am", day + "/pm"})).
			Order("first_at", "half_day", "seq").Scan(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// decisionsOf lists what was decided about the marks that concern an episode, in order.
func decisionsOf(ctx context.Context, tx database.Tx, school, episode string) ([]Decision, error) {
	var rows []Decision
	err := tx.NewSelect().Model(&rows).Where("d.school = ? AND d.episode = ?", school, episode).Order("mark").Scan(ctx)
	return rows, err
}
