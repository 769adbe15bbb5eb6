package journal_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/journal"
)

var now = time.Date(2026, 11, 24, 7, 0, 0, 123456789, time.UTC)

func written(t *testing.T, db *database.DB, n int) *journal.Journal {
	t.Helper()
	j, err := journal.New(bytes.Repeat([]byte{7}, journal.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := db.Write(ctx, func(ctx context.Context, tx database.Tx) error { return database.AddSchool(ctx, tx, "s") }); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		err := db.InSchool(ctx, "s", func(ctx context.Context, tx database.Tx) error {
			return j.Append(ctx, tx, "s", now.Add(time.Duration(i)*time.Second), journal.Deed{Act: "mark", Actor: "a", Subject: "p", Detail: map[string]string{"n": fmt.Sprint(i), "é": "✓"}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return j
}

func verify(t *testing.T, db *database.DB, j *journal.Journal, known ...journal.Head) (n int64, faults []journal.Fault) {
	t.Helper()
	err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		n, faults, err = j.Verify(ctx, tx, known)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, faults
}

// The guards are taken away first: verify must find what somebody with the whole
// database in hand did to it.
func dropGuards(t *testing.T, db *database.DB) {
	t.Helper()
	triggers := []string{"journal_lines_order", "journal_lines_update", "journal_lines_delete"}
	for _, name := range triggers {
		q := "DROP TRIGGER " + name
		if db.Engine() == database.Postgres {
			q += " ON journal_lines"
		}
		if err := db.Statement(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVerifyFindsTheFirstFault(t *testing.T) {
	for _, c := range []struct{ name, harm, want string }{
		{"untouched", "", ""},
		{"altered words", "UPDATE journal_lines SET subject = 'other' WHERE seq = 4", "school s, year 2026-2027: line 4 was altered"},
		{"altered time", "UPDATE journal_lines SET at = '2026-11-24T07:00:03.123457Z' WHERE seq = 4", "school s, year 2026-2027: line 4 was altered"},
		{"missing", "DELETE FROM journal_lines WHERE seq = 4", "school s, year 2026-2027: line 4 is missing"},
		{"cut off", "DELETE FROM journal_lines WHERE seq > 4", "school s, year 2026-2027: the chain is cut off: line 5 and what followed are gone"},
		{"emptied", "DELETE FROM journal_lines", "school s, year 2026-2027: the chain is cut off: line 1 and what followed are gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			databasetest.Each(t, func(t *testing.T, db *database.DB) {
				j := written(t, db, 9)
				if c.harm != "" {
					dropGuards(t, db)
					if err := db.Statement(t.Context(), c.harm); err != nil {
						t.Fatal(err)
					}
				}
				_, faults := verify(t, db, j)
				var got string
				if len(faults) > 0 {
					got = faults[0].Error()
				}
				if got != c.want {
					t.Fatalf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestCutTailWithItsHeadShowsByTheHeadKeptOutside(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j := written(t, db, 9)
		var heads []journal.Head
		if err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
			heads, err = journal.Heads(ctx, tx)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		dropGuards(t, db)
		for _, q := range []string{
			"DELETE FROM journal_lines WHERE seq > 4",
			"UPDATE journal_heads SET seq = 4, mac = (SELECT mac FROM journal_lines WHERE seq = 4)",
		} {
			if err := db.Statement(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if _, faults := verify(t, db, j); len(faults) != 0 {
			t.Fatalf("the database alone cannot show this: %v", faults)
		}
		if _, faults := verify(t, db, j, heads...); len(faults) != 1 || faults[0].What != "cut-off" || faults[0].Seq != 5 {
			t.Fatalf("with the head kept outside: %v, want cut-off at 5", faults)
		}
	})
}

func TestAnotherKeyDoesNotVerify(t *testing.T) {
	db := databasetest.SQLite(t)
	written(t, db, 2)
	other, err := journal.New(bytes.Repeat([]byte{8}, journal.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, faults := verify(t, db, other); len(faults) != 1 || faults[0].Seq != 1 {
		t.Fatalf("%v, want line 1 altered", faults)
	}
}

func TestLinesHoldAgainstRawSQL(t *testing.T) {
	attacks := map[database.Engine][]string{
		database.SQLite: {
			"UPDATE journal_lines SET subject = 'x' WHERE seq = 1",
			"DELETE FROM journal_lines WHERE seq = 2",
			"INSERT OR REPLACE INTO journal_lines (school, year, seq, at, act, actor, subject, detail, mac) VALUES ('s', '2026-2027', 1, '', '', '', '', '', '')",
			"PRAGMA recursive_triggers = 0; INSERT OR REPLACE INTO journal_lines (school, year, seq, at, act, actor, subject, detail, mac) VALUES ('s', '2026-2027', 1, '', '', '', '', '', '')",
			"UPDATE OR REPLACE journal_lines SET seq = 2 WHERE seq = 1",
			"INSERT INTO journal_lines (school, year, seq, at, act, actor, subject, detail, mac) VALUES ('s', '2026-2027', 9, '', '', '', '', '', '')",
		},
		database.Postgres: {
			"UPDATE journal_lines SET subject = 'x' WHERE seq = 1",
			"DELETE FROM journal_lines WHERE seq = 2",
			"TRUNCATE journal_lines",
			"TRUNCATE database_schools CASCADE",
			"INSERT INTO journal_lines (school, year, seq, at, act, actor, subject, detail, mac) VALUES ('s', '2026-2027', 1, '', '', '', '', '', '') ON CONFLICT (school, year, seq) DO UPDATE SET subject = 'x'",
			"INSERT INTO journal_lines (school, year, seq, at, act, actor, subject, detail, mac) VALUES ('s', '2026-2027', 9, '', '', '', '', '', '')",
		},
	}
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j := written(t, db, 3)
		for _, q := range attacks[db.Engine()] {
			if err := db.Statement(t.Context(), q); err == nil {
				t.Errorf("went through: %s", q)
			}
		}
		if n, faults := verify(t, db, j); n != 3 || len(faults) != 0 {
			t.Fatalf("%d lines, %v", n, faults)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			j, _ := journal.New(bytes.Repeat([]byte{7}, journal.MinKey))
			ctx := b.Context()
			if err := db.Write(ctx, func(ctx context.Context, tx database.Tx) error { return database.AddSchool(ctx, tx, "s") }); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				err := db.InSchool(ctx, "s", func(ctx context.Context, tx database.Tx) error {
					return j.Append(ctx, tx, "s", now, journal.Deed{Act: "mark", Actor: "a", Subject: "p"})
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
