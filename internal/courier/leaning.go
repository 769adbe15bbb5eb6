package courier

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// LeaningOn tells which letters lean on an import: those written since to people whom it
// concerns. Who was written to, and why, stays as it was then.
func LeaningOn(ctx context.Context, tx database.Tx, t directory.Touched) ([]directory.Leaning, error) {
	l := directory.Leaning{What: "letter"}
	for part := range slices.Chunk(t.Around, 500) {
		var people []string
		err := tx.NewSelect().Model((*Letter)(nil)).Column("person").Where("l.school = ? AND l.created_at >= ? AND l.person IN (?)", t.School, t.Since, bun.List(part)).Scan(ctx, &people)
		if err != nil {
			return nil, err
		}
		l.N, l.Who = l.N+len(people), append(l.Who, people...)
	}
	return l.Some(), nil
}
