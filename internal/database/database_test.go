package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

func TestInSchool(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		if err := db.InSchool(ctx, "nowhere", func(context.Context, database.Tx) error { return nil }); !errors.Is(err, database.ErrNoSchool) {
			t.Fatalf("a school that is not there: %v, want ErrNoSchool", err)
		}
		if err := db.Write(ctx, func(ctx context.Context, tx database.Tx) error { return database.AddSchool(ctx, tx, "s") }); err != nil {
			t.Fatal(err)
		}
		err := db.InSchool(ctx, "s", func(ctx context.Context, tx database.Tx) error {
			return db.Read(ctx, func(context.Context, database.Tx) error { return nil })
		})
		if !errors.Is(err, database.ErrNested) {
			t.Fatalf("a transaction inside a transaction: %v, want ErrNested", err)
		}
		if err := db.Migrate(ctx, database.Upgrade{Now: time.Unix(0, 0)}); err != nil {
			t.Fatalf("a second Migrate: %v", err)
		}
		if err := db.Statement(ctx, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, database.Upgrade{Now: time.Unix(0, 0)}); !errors.Is(err, database.ErrNewer) {
			t.Fatalf("a newer schema: %v, want ErrNewer", err)
		}
	})
}
