// Package databasetest gives each test a database of its own, on both engines.
package databasetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

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
	schema, err := sqliteSchema()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "preau.db")
	if err := os.WriteFile(path, schema, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, "sqlite:"+path)
}

// sqliteSchema is a migrated and empty database file, made once per program.
var sqliteSchema = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "preau-schema-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "preau.db")
	if err := migrate("sqlite:" + path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// Postgres is a new database of the server that PREAU_TEST_POSTGRES names; it is
// dropped at the end of the test.
func Postgres(t testing.TB) *database.DB {
	t.Helper()
	name, err := postgresSchema()
	if err != nil {
		t.Fatal(err)
	}
	return open(t, newPostgres(t, " TEMPLATE "+name))
}

// NewPostgres makes an empty PostgreSQL database for the test and gives its address.
func NewPostgres(t testing.TB) string {
	t.Helper()
	return newPostgres(t, "")
}

func newPostgres(t testing.TB, how string) string {
	t.Helper()
	name := newName()
	if err := onServer("CREATE DATABASE " + name + how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := onServer("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return address(name)
}

// postgresSchema is the name of a migrated and empty database, made once per program.
// It goes with the server, which make test stops.
var postgresSchema = sync.OnceValues(func() (string, error) {
	name := newName() + "_schema"
	if err := onServer("CREATE DATABASE " + name); err != nil {
		return "", err
	}
	return name, migrate(address(name))
})

func newName() string {
	var b [8]byte
	rand.Read(b[:])
	return "preau_test_" + hex.EncodeToString(b[:])
}

func address(name string) string {
	u, err := url.Parse(os.Getenv("PREAU_TEST_POSTGRES"))
	if err != nil {
		return "postgres://" // which does not open, and says so
	}
	u.Path = "/" + name
	return u.String()
}

func onServer(statement string) error {
	server := os.Getenv("PREAU_TEST_POSTGRES")
	if server == "" {
		return errors.New("no PostgreSQL for the tests: run `make test`, which starts one (PREAU_TEST_POSTGRES is not set)")
	}
	db, err := database.Open(context.Background(), server)
	if err != nil {
		return err
	}
	return errors.Join(db.Statement(context.Background(), statement), db.Close())
}

func migrate(source string) error {
	db, err := database.Open(context.Background(), source)
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(context.Background(), database.Upgrade{}), db.Close())
}

func open(t testing.TB, source string) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
