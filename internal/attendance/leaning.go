package attendance

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// LeaningOn tells what leans on an import: marks of rolls and statements about pupils who
// came with it.
func LeaningOn(ctx context.Context, tx database.Tx, t directory.Touched) ([]directory.Leaning, error) {
	l := directory.Leaning{What: "roll"}
	for part := range slices.Chunk(t.Added, 500) {
		for _, of := range []any{(*Mark)(nil), (*Statement)(nil), (*Slip)(nil)} {
			var pupils []string
			err := tx.NewSelect().Model(of).Column("pupil").Where("?TableAlias.school = ? AND ?TableAlias.pupil IN (?)", t.School, bun.List(part)).Scan(ctx, &pupils)
			if err != nil {
				return nil, err
			}
			l.N, l.Who = l.N+len(pupils), append(l.Who, pupils...)
		}
	}
	return l.Some(), nil
}
