package account

import (
	"context"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// LeaningOn tells which accounts lean on an import: those of people who came with it, and
// those opened since for people whom it concerns.
func LeaningOn(ctx context.Context, tx database.Tx, t directory.Touched) ([]directory.Leaning, error) {
	l := directory.Leaning{What: "account"}
	for part := range slices.Chunk(t.Around, 500) {
		var rows []Account
		err := tx.NewSelect().Model(&rows).Where("a.school = ? AND a.person IN (?)", t.School, bun.List(part)).Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("account: %w", err)
		}
		for _, a := range rows {
			if _, added := slices.BinarySearch(t.Added, a.Person); added || !a.CreatedAt.Before(t.Since) {
				l.N, l.Who = l.N+1, append(l.Who, a.Person)
			}
		}
	}
	return l.Some(), nil
}
