package timetable

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Some reads sittings by id, without their groups and people in charge: what a list
// needs to name them. Ids that are not of the school are left out.
func Some(ctx context.Context, tx database.Tx, school string, ids []string) (map[string]Sitting, error) {
	out := make(map[string]Sitting, len(ids))
	for part := range slices.Chunk(ids, 500) {
		var rows []Sitting
		if err := tx.NewSelect().Model(&rows).Where("t.school = ? AND t.id IN (?)", school, bun.List(part)).Scan(ctx); err != nil {
			return nil, fmt.Errorf("timetable: reading sittings: %w", err)
		}
		for _, s := range rows {
			out[s.ID] = s
		}
	}
	return out, nil
}
