package timetable

import (
	"context"

	"github.com/preau-ent/preau/internal/database"
)

// Ahead counts the sittings of a school from a day until another, both included, that are
// not cancelled.
func Ahead(ctx context.Context, tx database.Tx, school, from, until string) (int, error) {
	n, err := tx.NewSelect().Model((*Sitting)(nil)).Where("t.school = ? AND t.day >= ? AND t.day <= ? AND t.cancelled_at IS NULL", school, from, until).Count(ctx)
	return int(n), err
}
