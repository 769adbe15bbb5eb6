// Package databasetest gives each test a database of its own, on both engines.
package databasetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

// Each runs fn once on SQLite and once on PostgreSQL, each time on a new database with
// the newest schema. It fails, and does not skip, where PostgreSQL is missing.
func Each(t *testing.T, fn func(t *testing.T, db *database.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// SQLite is a new SQLite database in a folder of the test.
func SQLite(t testing.TB) *database.DB {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "preau.db"), true)
}

var admin sync.Mutex

// Postgres is a new database of the server that PREAU_TEST_POSTGRES names; it is
// dropped at the end of the test.
func Postgres(t testing.TB) *database.DB {
	t.Helper()
	return open(t, NewPostgres(t), true)
}

// NewPostgres makes an empty PostgreSQL database for the test and gives its address.
func NewPostgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("PREAU_TEST_POSTGRES")
	if server == "" {
		t.Fatal("no PostgreSQL for the tests: run `make test`, which starts one (PREAU_TEST_POSTGRES is not set)")
	}
	var b [8]byte
	rand.Read(b[:])
	name := "preau_test_" + hex.EncodeToString(b[:])
	onServer(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { onServer(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("PREAU_TEST_POSTGRES: %v", err)
	}
	u.Path = "/" + name
	return u.String()
}

func onServer(t testing.TB, server, statement string) {
	t.Helper()
	admin.Lock()
	defer admin.Unlock()
	db, err := database.Open(context.Background(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Statement(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, source string, migrate bool) *database.DB {
	t.Helper()
	ctx := context.Background()
	db, err := database.Open(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if migrate {
		if err := db.Migrate(ctx, database.Upgrade{Backups: t.TempDir(), Now: time.Unix(0, 0)}); err != nil {
			t.Fatal(err)
		}
	}
	return db
}
