package directory

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// PointsByID reads contact points by id, ended ones too. Ids that are not of the
// school are left out.
func PointsByID(ctx context.Context, tx database.Tx, school string, ids []string) (map[string]ContactPoint, error) {
	out := make(map[string]ContactPoint, len(ids))
	for part := range slices.Chunk(ids, 500) {
		var rows []ContactPoint
		if err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.id IN (?)", school, bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		for _, p := range rows {
			out[p.ID] = p
		}
	}
	return out, nil
}

// GroupsOf gives the ids of the class and groups of each person on a day.
func GroupsOf(ctx context.Context, tx database.Tx, school string, people []string, day string) (map[string][]string, error) {
	out := make(map[string][]string, len(people))
	for part := range slices.Chunk(people, 500) {
		var rows []Member
		err := tx.NewSelect().Model(&rows).Where("m.school = ? AND m.person IN (?)", school, bun.List(part)).
			Where("m.from_on <= ? AND (m.until_on = '' OR m.until_on > ?)", day, day).Order("grp").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range rows {
			out[m.Person] = append(out[m.Person], m.Grp)
		}
	}
	return out, nil
}
