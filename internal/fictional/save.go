package fictional

import (
	"context"
	"fmt"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// Save writes a town into a database: the school first, then everything of it in one
// transaction of the school.
func Save(ctx context.Context, db *database.DB, t Town) error {
	err := db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		return directory.AddSchool(ctx, tx, t.School)
	})
	if err != nil {
		return fmt.Errorf("fictional: saving the school: %w", err)
	}
	err = db.InSchool(ctx, t.School.ID, func(ctx context.Context, tx database.Tx) error {
		if err := directory.Add(ctx, tx, t.Rows); err != nil {
			return err
		}
		if err := directory.PlaceTripwires(ctx, tx, t.School.ID); err != nil {
			return err
		}
		if err := timetable.AddClosure(ctx, tx, t.Closures...); err != nil {
			return err
		}
		return timetable.Add(ctx, tx, t.Sittings...)
	})
	if err != nil {
		return fmt.Errorf("fictional: saving the town: %w", err)
	}
	return nil
}
