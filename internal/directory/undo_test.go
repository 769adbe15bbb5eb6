package directory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory/internal/aaf/aaftest"
	"github.com/preau-ent/preau/internal/directory/internal/siecle/siecletest"
)

// everything is each row of each directory table as text, but for the record of imports
// and what is kept of them.
func everything(t interface {
	Helper()
	Fatal(...any)
}, db *database.DB) (out []string) {
	t.Helper()
	err := db.Read(context.Background(), func(ctx context.Context, tx database.Tx) error {
		list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'directory_%'"
		if db.Engine() == database.Postgres {
			list = "SELECT table_name FROM information_schema.tables WHERE table_name LIKE 'directory_%'"
		}
		var tables []string
		if err := tx.NewRaw(list).Scan(ctx, &tables); err != nil {
			return err
		}
		if len(tables) < 10 {
			return fmt.Errorf("only these tables: %v", tables)
		}
		for _, table := range tables {
			if table == "directory_imports" || table == "directory_undo" {
				continue
			}
			var rows []map[string]any
			if err := tx.NewRaw("SELECT * FROM "+table).Scan(ctx, &rows); err != nil {
				return err
			}
			for _, r := range rows {
				text := table
				for _, column := range slices.Sorted(maps.Keys(r)) {
					text += fmt.Sprintf(" %s=%v", column, r[column])
				}
				out = append(out, text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// An import and its undo leave every row of the directory as it was, whatever two files
// said, in SIECLE and in AAF form; and what comes after it is as if it never was.
func TestAnImportUndoneNeverWas(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j, n := aJournal(t), 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			dir, err := os.MkdirTemp("", "undo")
			if err != nil {
				rt.Fatal(err)
			}
			defer os.RemoveAll(dir)
			siecle := rapid.Bool().Draw(rt, "siecle")
			export := func(which string) *Export {
				sub := dir + "/" + which
				if err := os.Mkdir(sub, 0o700); err != nil {
					rt.Fatal(err)
				}
				seed, pupils := rapid.Uint64().Draw(rt, which+" seed"), rapid.IntRange(1, 10).Draw(rt, which+" pupils")
				var err error
				if siecle {
					_, err = siecletest.Generate(sub, seed, siecletest.Size{First: n, Schools: 1, Pupils: pupils, Old: rapid.Bool().Draw(rt, "old")})
				} else {
					_, err = aaftest.Generate(sub, seed, aaftest.Size{Schools: 1, Pupils: pupils, Staff: 3, Current: rapid.Bool().Draw(rt, "current")})
				}
				if err != nil {
					rt.Fatal(err)
				}
				e, err := ReadExport(t.Context(), []string{sub}, Reading{English: true, Day: then.Format(time.DateOnly)})
				if err != nil {
					rt.Fatal(err)
				}
				uai := fmt.Sprintf("%07dX", n)
				for i := range e.schools {
					s := &e.schools[i]
					of := s.incoming
					s.uai, s.incoming = uai, func() incoming {
						in := of()
						in.school.UAI = uai
						return in
					}
				}
				return e
			}
			take := func(e *Export, at time.Time) int {
				r, err := Import(t.Context(), db, j, e, Order{By: "test", AcceptLoss: true}, at)
				if err != nil || r.Schools == 0 {
					rt.Fatal(err, fmt.Sprintf("%+v", r.Refused))
				}
				return r.Changed
			}
			first, second := export("first"), export("second")
			take(first, then)
			school := byHand(t, rt, db, j, fmt.Sprintf("%07dX", n))
			before := everything(rt, db)
			changed := take(second, then.Add(time.Hour))
			after := everything(rt, db)
			if changed == 0 {
				if !slices.Equal(before, after) {
					rt.Fatal("nothing changed, and rows did")
				}
				return
			}
			undo := func(at time.Time) (u Undo, err error) {
				err = db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) (err error) {
					u, err = UndoImport(ctx, tx, j, school, "", "head", nil, at)
					return err
				})
				return u, err
			}
			u, err := undo(then.Add(2 * time.Hour))
			if err != nil || u.Rows != changed {
				rt.Fatalf("undone: %d rows, %v, %d rows changed", u.Rows, err, changed)
			}
			if got := everything(rt, db); !slices.Equal(got, before) {
				rt.Fatalf("not as before:\n%s", differing(before, got))
			}
			if _, err := undo(then.Add(3 * time.Hour)); !errors.Is(err, ErrNoUndo) {
				rt.Fatal("undone twice: ", err)
			}
			if again := take(first, then.Add(4*time.Hour)); again != 0 {
				rt.Fatalf("the first file changed %d rows of what it had made", again)
			}
			if again := take(second, then.Add(5*time.Hour)); again != changed {
				rt.Fatalf("the second file changed %d rows, then %d", changed, again)
			}
		})
	})
}

func differing(a, b []string) string {
	var out []string
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, "- "+s)
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			out = append(out, "+ "+s)
		}
	}
	return strings.Join(out, "\n")
}

// What leans on an import keeps it: what a hand changed or added, a STOP, a later import,
// time. Each says which it is, and nothing is changed.
func TestAnImportThatSomethingLeansOnStays(t *testing.T) {
	t.Parallel()
	base := func() incoming {
		return incoming{source: "aaf", dialect: "aaf-2013", date: "2026-09-01",
			school: School{UAI: "0000001X", SourceKey: "1", Name: "Lycée", ShortName: "Lycee", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"},
			people: []inPerson{{kind: KindPupil, key: "p", last: "Benali", first: "Léa", born: "2005-05-14"},
				{kind: KindAdult, key: "a", last: "Benali", first: "Nadia", points: []inPoint{{SMS, "+33639980101", "0639980101"}}}},
			links: []inLink{{pupil: "p", adult: "a", level: Legal, consent: ConsentUnknown}}}
	}
	more := base()
	more.people = append(more.people, inPerson{kind: KindPupil, key: "q", last: "Roux", first: "Noé", born: "2005-01-01"},
		inPerson{kind: KindAdult, key: "b", last: "Roux", first: "Ève", points: []inPoint{{SMS, "+33639980102", "0639980102"}}})
	more.links = append(more.links, inLink{pupil: "q", adult: "b", level: Legal, consent: ConsentUnknown}, inLink{pupil: "p", adult: "b", level: Contact, consent: ConsentUnknown})
	more.groups = []inGroup{{kind: "class", code: "2A", label: "2de A", pupils: []string{"p", "q"}}}

	type world struct {
		ctx    context.Context
		tx     database.Tx
		h      Hand
		school School
		ids    map[string]string // keys of the source
		point  map[string]string // of a person's key
	}
	for name, c := range map[string]struct {
		do   func(w world) error
		why  string // "": ErrNoUndo
		asks Asks
		at   time.Duration
	}{
		"a guardian who was there is chosen": {do: func(w world) error { return w.h.Choose(w.ctx, w.tx, w.school, w.ids["p"], w.ids["b"], true) }, why: LeansEdited},
		"a number that came is verified":     {do: func(w world) error { return w.h.VerifyPoint(w.ctx, w.tx, w.school.ID, w.ids["q"], w.point["b"]) }, why: LeansEdited},
		"a number that came is ended":        {do: func(w world) error { return w.h.EndPoint(w.ctx, w.tx, w.school.ID, w.ids["q"], w.point["b"]) }, why: LeansEdited},
		"a number is typed in": {do: func(w world) error {
			_, err := w.h.AddPoint(w.ctx, w.tx, w.school, w.ids["q"], w.ids["b"], Email, "eve@roux.example")
			return err
		}, why: LeansByHand},
		"an adult is typed in": {do: func(w world) error {
			return w.h.AddAdult(w.ctx, w.tx, w.school, w.ids["q"], NewAdult{ID: database.NewID(), Last: "Roux", First: "Paul", Kinship: "uncle", Level: Contact})
		}, why: LeansByHand},
		"a court decides": {do: func(w world) error {
			return w.h.RecordDecision(w.ctx, w.tx, w.school.ID, w.ids["p"], w.ids["b"], NewDecision{ID: database.NewID(), Reference: "JAF 1", FromOn: "2026-09-01"})
		}, why: LeansByHand},
		"a pupil objects": {do: func(w world) error { return w.h.RecordObjection(w.ctx, w.tx, w.school, w.ids["q"], "lettre") }, why: LeansByHand},
		"something above leans": {do: func(world) error { return nil }, why: "roll", asks: Asks{func(_ context.Context, _ database.Tx, t Touched) ([]Leaning, error) {
			if len(t.Added) != 2 || len(t.Groups) != 1 || len(t.Around) < 3 {
				return nil, fmt.Errorf("touched %+v", t)
			}
			return []Leaning{{What: "roll", N: len(t.Added)}}, nil
		}}},
		"two weeks pass": {do: func(world) error { return nil }, at: UndoFor},
		"the school leaves": {do: func(w world) error {
			_, err := Leave(w.ctx, w.tx, w.school.ID, "operator", then)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			databasetest.Each(t, func(t *testing.T, db *database.DB) {
				j := aJournal(t)
				take := func(in incoming, at time.Time) {
					t.Helper()
					if _, err := importSchool(t.Context(), db, j, in, Order{By: "test", AcceptLoss: true}, at); err != nil {
						t.Fatal(err)
					}
				}
				take(base(), then)
				take(more, then.Add(time.Hour))
				var school School
				in := func(f func(w world) error) error {
					return db.InSchool(t.Context(), school.ID, func(ctx context.Context, tx database.Tx) error {
						w := world{ctx: ctx, tx: tx, h: Hand{Journal: j, By: "head", Now: then.Add(2 * time.Hour)}, school: school, ids: map[string]string{}, point: map[string]string{}}
						var people []Person
						if err := tx.NewSelect().Model(&people).Scan(ctx); err != nil {
							return err
						}
						for _, p := range people {
							w.ids[p.SourceKey] = p.ID
							ps, err := points(ctx, tx, school.ID, []string{p.ID})
							if err != nil {
								return err
							}
							for _, pt := range ps[p.ID] {
								w.point[p.SourceKey] = pt.ID
							}
						}
						return f(w)
					})
				}
				err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
					school, err = schoolByUAI(ctx, tx, "0000001X")
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := in(c.do); err != nil {
					t.Fatal(err)
				}
				before := everything(t, db)
				err = in(func(w world) error {
					_, err := UndoImport(w.ctx, w.tx, j, school.ID, "", "head", c.asks, then.Add(3*time.Hour+c.at))
					return err
				})
				var refused *UndoRefused
				switch {
				case c.why != "" && (!errors.As(err, &refused) || len(refused.Because) != 1 || refused.Because[0].What != c.why):
					t.Fatalf("%v, want %s", err, c.why)
				case c.why == "" && !errors.Is(err, ErrNoUndo) && !errors.Is(err, ErrGone):
					t.Fatal(err)
				}
				if got := everything(t, db); !slices.Equal(got, before) {
					t.Fatalf("refused, and changed:\n%s", differing(before, got))
				}
			})
		})
	}
}

// Only the last import can be undone, by its own name; what it wrote over is forgotten
// with the next one or in time, and holds no address once the school left.
func TestOnlyTheLastImportCanBeUndone(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j := aJournal(t)
		in := incoming{source: "aaf", dialect: "aaf-2013", date: "2026-09-01",
			school: School{UAI: "0000001X", SourceKey: "1", Name: "Lycée", ShortName: "Lycee", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"}}
		var of []string
		var school string
		for i := range 3 {
			in.people = append(in.people, inPerson{kind: KindPupil, key: fmt.Sprint(i), last: "Benali", first: "Léa"})
			if _, err := importSchool(t.Context(), db, j, in, Order{By: "test"}, then.Add(time.Duration(i)*time.Hour)); err != nil {
				t.Fatal(err)
			}
			err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				s, err := schoolByUAI(ctx, tx, "0000001X")
				if err != nil {
					return err
				}
				school = s.ID
				all, err := Imports(ctx, tx, school)
				of = append(of, all[0].ID)
				if n, e := tx.NewSelect().Model((*undoRow)(nil)).Count(ctx); e != nil || n != 1 {
					return fmt.Errorf("%d imports are kept for an undo: %w", n, e)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		undo := func(id string) error {
			return db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
				_, err := UndoImport(ctx, tx, j, school, id, "head", nil, then.Add(4*time.Hour))
				return err
			})
		}
		for _, id := range []string{of[0], of[1], "x"} {
			if err := undo(id); !errors.Is(err, ErrNoUndo) {
				t.Fatalf("undone %s: %v", id, err)
			}
		}
		purge := func(at time.Duration) (n int64) {
			err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
				if err := PurgeUndo(ctx, tx, then.Add(2*time.Hour+at)); err != nil {
					return err
				}
				n, err = tx.NewSelect().Model((*undoRow)(nil)).Count(ctx)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := purge(UndoFor - time.Second); n != 1 {
			t.Fatal("forgotten too soon")
		}
		if err := undo(of[2]); err != nil {
			t.Fatal(err)
		}
		if _, err := importSchool(t.Context(), db, j, in, Order{By: "test"}, then.Add(2*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n := purge(UndoFor); n != 0 {
			t.Fatal("kept for ever")
		}
	})
}
