package timetable

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// LeaningOn tells which sittings lean on an import: those of classes, groups and staff
// that came with it.
func LeaningOn(ctx context.Context, tx database.Tx, t directory.Touched) ([]directory.Leaning, error) {
	l := directory.Leaning{What: "timetable"}
	sittings := map[string]bool{}
	for part := range slices.Chunk(t.Groups, 500) {
		var ids []string
		if err := tx.NewSelect().Model((*groupRow)(nil)).Column("sitting").Where("school = ? AND grp IN (?)", t.School, bun.List(part)).Scan(ctx, &ids); err != nil {
			return nil, err
		}
		for _, id := range ids {
			sittings[id] = true
		}
	}
	for part := range slices.Chunk(t.Added, 500) {
		var rows []staffRow
		if err := tx.NewSelect().Model(&rows).Where("school = ? AND person IN (?)", t.School, bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		for _, r := range rows {
			sittings[r.Sitting] = true
			l.Who = append(l.Who, r.Person)
		}
	}
	l.N = len(sittings)
	return l.Some(), nil
}
