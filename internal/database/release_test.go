package database_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// keep names a version whose schema is about to be released: with it, TestReleasedSchemas
// writes what every later program must be able to upgrade.
//
//	make test ARGS="./internal/database -run TestReleasedSchemas -keep 0.1.0"
var keep = flag.String("keep", "", "write the present schema as that of a released version")

// seed is the little that a released database holds here: enough to see that rows, and
// what refuses, survive an upgrade.
var seed = []string{
	"INSERT INTO database_schools (id) VALUES ('s')",
	"INSERT INTO directory_schools (id, uai, name, short_name, kind, zone, region, lang) VALUES ('s', '9990001X', 'Lycée', 'Lycee', 'lycee', 'Europe/Paris', 'FR', 'fr')",
	"INSERT INTO directory_people (school, id, kind, source, source_key, last_name, first_name) VALUES ('s', 'p', 'pupil', 'fictional', 'p', 'Benali', 'Léa')",
	"INSERT INTO journal_lines (school, year, seq, at, act, actor, subject, detail, mac) VALUES ('s', '2026-2027', 1, '2026-11-24T07:00:00.000000Z', 'import', 'x', 's', '{}', 'aa')",
}

// TestReleasedSchemas upgrades the database of every released version: the copy is made
// first, the rows are still there, and the schema is the one that a new database gets.
func TestReleasedSchemas(t *testing.T) {
	if *keep != "" {
		keepSchema(t, *keep)
	}
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		files, err := filepath.Glob(filepath.Join("testdata", "released", "*."+string(engine)+".sql"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no released schema of %s is kept: %v", engine, err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) { upgrade(t, engine, file) })
		}
	}
}

func upgrade(t *testing.T, engine database.Engine, file string) {
	ctx := t.Context()
	source := "sqlite:" + filepath.Join(t.TempDir(), "old.db")
	fresh := databasetest.SQLite
	if engine == database.Postgres {
		source, fresh = databasetest.NewPostgres(t), databasetest.Postgres
	}
	db, err := database.Open(ctx, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Statement(ctx, string(old)); err != nil {
		t.Fatal(err)
	}
	have, newest, err := db.Versions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	backups := t.TempDir()
	if err := db.Migrate(ctx, database.Upgrade{Backups: backups, Now: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	if copies, _ := os.ReadDir(backups); have < newest && len(copies) != 1 {
		t.Errorf("upgraded from %d to %d with %d copies made before", have, newest, len(copies))
	}
	if got, want := shape(t, db), shape(t, fresh(t)); !slices.Equal(got, want) {
		for _, line := range got {
			if !slices.Contains(want, line) {
				t.Errorf("the upgraded schema has, and a new one has not: %s", line)
			}
		}
		for _, line := range want {
			if !slices.Contains(got, line) {
				t.Errorf("a new schema has, and the upgraded one has not: %s", line)
			}
		}
	}
	var name, line string
	err = db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		if err := tx.NewRaw("SELECT first_name FROM directory_people WHERE id = 'p'").Scan(ctx, &name); err != nil {
			return err
		}
		return tx.NewRaw("SELECT mac FROM journal_lines WHERE seq = 1").Scan(ctx, &line)
	})
	if err != nil || name != "Léa" || line != "aa" {
		t.Errorf("rows after the upgrade: %q, %q, %v", name, line, err)
	}
	if err := db.Statement(ctx, "UPDATE journal_lines SET mac = 'bb'"); err == nil {
		t.Error("the journal's lines can be changed after the upgrade")
	}
}

// shape lists tables, columns, indexes and triggers.
func shape(t *testing.T, db *database.DB) []string {
	t.Helper()
	q := "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'"
	if db.Engine() == database.Postgres {
		q = `SELECT 'column ' || table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
			UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
			UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace`
	}
	var rows []string
	if err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error { return tx.NewRaw(q).Scan(ctx, &rows) }); err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		rows[i] = strings.Join(strings.Fields(r), " ")
	}
	slices.Sort(rows)
	return rows
}

func keepSchema(t *testing.T, version string) {
	t.Helper()
	dir := filepath.Join("testdata", "released")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(engine database.Engine, dump string) {
		if err := os.WriteFile(filepath.Join(dir, version+"."+string(engine)+".sql"), []byte(dump), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lite := databasetest.SQLite(t)
	source := databasetest.NewPostgres(t)
	post, err := database.Open(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	defer post.Close()
	if err := post.Migrate(t.Context(), database.Upgrade{}); err != nil {
		t.Fatal(err)
	}
	for _, db := range []*database.DB{lite, post} {
		for _, q := range seed {
			if err := db.Statement(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(database.SQLite, dumpSQLite(t, lite))
	out, err := exec.CommandContext(t.Context(), "pg_dump", "--inserts", "--no-owner", "--no-privileges", "--dbname="+source).Output()
	if err != nil {
		t.Fatalf("pg_dump: %v", err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(out)) {
		// What belongs to psql and to one connection is not part of the schema.
		if !strings.HasPrefix(line, "\\") && !strings.HasPrefix(line, "SET ") && !strings.HasPrefix(line, "--") && !strings.Contains(line, "set_config") && strings.TrimSpace(line) != "" {
			b.WriteString(line)
		}
	}
	write(database.Postgres, b.String())
}

// dumpSQLite writes tables, then rows, then what refuses rows.
func dumpSQLite(t *testing.T, db *database.DB) string {
	t.Helper()
	var tables, rest []struct{ Name, Sql string }
	var b strings.Builder
	err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		if err := tx.NewRaw("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid").Scan(ctx, &tables); err != nil {
			return err
		}
		for _, one := range tables {
			fmt.Fprintf(&b, "%s;\n", one.Sql)
		}
		for _, one := range tables {
			var columns []string
			if err := tx.NewRaw("SELECT name FROM pragma_table_info(?)", one.Name).Scan(ctx, &columns); err != nil {
				return err
			}
			var rows []string
			quoted := "quote(" + strings.Join(columns, ") || ', ' || quote(") + ")"
			if err := tx.NewRaw("SELECT "+quoted+" FROM "+one.Name).Scan(ctx, &rows); err != nil {
				return err
			}
			for _, r := range rows {
				fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES (%s);\n", one.Name, strings.Join(columns, ", "), r)
			}
		}
		if err := tx.NewRaw("SELECT name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL ORDER BY rowid").Scan(ctx, &rest); err != nil {
			return err
		}
		for _, one := range rest {
			fmt.Fprintf(&b, "%s;\n", one.Sql)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
