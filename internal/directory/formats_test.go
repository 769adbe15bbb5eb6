package directory_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/directory/internal/onde/ondetest"
	"github.com/preau-ent/preau/internal/directory/internal/siecle/siecletest"
)

func sampleOf(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "samples", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("LEFT OUT: the sample %s is not here, so its counts were not checked", name)
	}
	return path
}

// take reads and imports; the reading must succeed.
func take(t interface {
	Helper()
	Fatal(...any)
}, db *database.DB, j testing.TB, paths []string, o directory.Reading, order directory.Order) directory.ImportReport {
	t.Helper()
	e, err := directory.ReadExport(context.Background(), paths, o)
	if err != nil {
		t.Fatal(err)
	}
	order.By = "test"
	r, err := directory.Import(context.Background(), db, theJournal(j), e, order, tuesday)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// told lists who may be told about the pupils of a school, by the source's keys:
// "pupil guardian", and with "+sms" where an SMS may go.
func told(t interface {
	Helper()
	Fatal(...any)
}, db *database.DB, uai string) (out []string) {
	t.Helper()
	err := db.Read(context.Background(), func(ctx context.Context, tx database.Tx) error {
		var people []directory.Person
		if err := tx.NewSelect().Model(&people).Where("p.school = (SELECT id FROM directory_schools WHERE uai = ?)", uai).Scan(ctx); err != nil {
			return err
		}
		key := map[string]string{}
		var pupils []string
		for _, p := range people {
			key[p.ID] = p.SourceKey
			if p.Kind == directory.KindPupil {
				pupils = append(pupils, p.ID)
			}
		}
		if len(pupils) == 0 {
			return nil
		}
		all, err := directory.MayBeToldOf(ctx, tx, people[0].School, pupils, tuesday)
		for pupil, t := range all {
			for _, r := range t.Recipients {
				one := key[pupil] + " " + key[r.Person.ID]
				for _, p := range r.Points {
					if p.Channel == directory.SMS {
						one += "+sms"
					}
				}
				out = append(out, one)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// In both dialects, on both engines, in any order of the files: exactly the legal
// representatives may be told, whoever pays, houses or comes first; a court's decision
// takes one of them out and no import brings them back; whoever refused SMS gets none.
func TestSIECLETellsTheRightGuardians(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		next := 0
		rapid.Check(t, func(rt *rapid.T) {
			next++
			dir, err := os.MkdirTemp("", "siecle")
			if err != nil {
				rt.Fatal(err)
			}
			defer os.RemoveAll(dir)
			truth, err := siecletest.Generate(dir, rapid.Uint64().Draw(rt, "seed"), siecletest.Size{First: next, Schools: 1, Pupils: rapid.IntRange(1, 25).Draw(rt, "pupils"), Old: rapid.Bool().Draw(rt, "old")})
			if err != nil {
				rt.Fatal(err)
			}
			uai := truth.UAIs[0]
			r := take(rt, db, t, rapid.Permutation(truth.Files).Draw(rt, "order"), directory.Reading{}, directory.Order{})
			if len(r.Refused) > 0 || r.Schools != 1 || r.Pupils != truth.Pupils || r.Left != truth.Left || r.Guardians != truth.People || r.Unresolved != 0 {
				rt.Fatalf("%+v against %+v", r, truth)
			}
			var want []string
			for _, l := range truth.Links {
				if l.Level == "legal" && !l.Left {
					one := l.Pupil + " " + l.Person
					if l.Consent != "no" {
						one += "+sms"
					}
					want = append(want, one)
				}
			}
			slices.Sort(want)
			if got := told(rt, db, uai); !slices.Equal(got, want) || r.MayBeTold != len(want) {
				rt.Fatalf("told %d\n%v\nwant\n%v", r.MayBeTold, got, want)
			}
			if again := take(rt, db, t, rapid.Permutation(truth.Files).Draw(rt, "another order"), directory.Reading{Format: "siecle"}, directory.Order{}); again.Changed != 0 {
				rt.Fatalf("the same files changed %d rows", again.Changed)
			}
			if len(want) == 0 {
				return
			}
			denied := rapid.SampledFrom(want).Draw(rt, "denied")
			deny(rt, db, uai, strings.TrimSuffix(denied, "+sms"))
			take(rt, db, t, []string{dir}, directory.Reading{}, directory.Order{})
			want = slices.DeleteFunc(want, func(s string) bool { return s == denied })
			if got := told(rt, db, uai); !slices.Equal(got, want) {
				rt.Fatalf("after a decision told\n%v\nwant\n%v", got, want)
			}
		})
	})
}

// deny records a court's decision about "pupil guardian".
func deny(t *rapid.T, db *database.DB, uai, pair string) {
	pupil, adult, _ := strings.Cut(pair, " ")
	err := db.Write(context.Background(), func(ctx context.Context, tx database.Tx) error {
		ids := map[string]directory.Person{}
		var people []directory.Person
		if err := tx.NewSelect().Model(&people).Where("p.school = (SELECT id FROM directory_schools WHERE uai = ?)", uai).Scan(ctx); err != nil {
			return err
		}
		for _, p := range people {
			ids[string(p.Kind)+p.SourceKey] = p
		}
		p, a := ids["pupil"+pupil], ids["adult"+adult]
		return directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: p.School, ID: database.NewID(), Pupil: p.ID, Adult: a.ID, Reference: "JAF-1", FromOn: "2026-01-01", RecordedBy: "head", RecordedAt: tuesday}}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ONDE does not say who is a legal representative: nobody is told until the school
// vouches, and then exactly the sure ones are. A doubt is a task, once.
func TestONDETellsNobodyOnItsOwn(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		for seed := range uint64(4) {
			dir := t.TempDir()
			truth, err := ondetest.Generate(dir, seed, ondetest.Size{Pupils: 60, Extension: seed%2 == 0, Ragged: seed > 1})
			if err != nil {
				t.Fatal(err)
			}
			uai := fmt.Sprintf("061000%dA", seed)
			if r := take(t, db, t, []string{dir}, directory.Reading{English: true}, directory.Order{}); r.Schools != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, "--uai") {
				t.Fatalf("without a school: %+v", r)
			}
			r := take(t, db, t, []string{dir}, directory.Reading{UAI: uai}, directory.Order{})
			if r.Pupils != truth.Pupils || r.Guardians != truth.Rows || r.MayNotBeTold != truth.Sure || r.MayBeTold != 0 || r.Unresolved != truth.Doubtful+truth.Unknown {
				t.Fatalf("%+v against %+v", r, truth)
			}
			if got := told(t, db, uai); len(got) != 0 {
				t.Fatalf("told although nothing says who may be: %v", got)
			}
			tasks := doubts(t, db, uai)
			if len(tasks) == 0 || len(tasks) > r.Doubtful {
				t.Fatalf("%d tasks of %d doubts", len(tasks), r.Doubtful)
			}
			if again := take(t, db, t, []string{dir}, directory.Reading{UAI: uai}, directory.Order{}); again.Changed != 0 || len(doubts(t, db, uai)) != len(tasks) {
				t.Fatalf("the same files changed %d rows", again.Changed)
			}
			vouched := take(t, db, t, []string{dir}, directory.Reading{UAI: uai, AllLegal: true}, directory.Order{})
			if got := told(t, db, uai); vouched.MayBeTold != truth.Sure || len(got) != truth.Sure {
				t.Fatalf("told %d of %d sure ones", len(got), truth.Sure)
			}
		}
	})
}

func doubts(t testing.TB, db *database.DB, uai string) (out []directory.Task) {
	t.Helper()
	err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Model(&out).Where("t.kind = ? AND t.school = (SELECT id FROM directory_schools WHERE uai = ?)", directory.TaskDoubtfulLink, uai).Scan(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range out {
		if d.Detail == "" {
			t.Errorf("a task that does not say what it is about: %+v", d)
		}
	}
	return out
}

// A school's pupils come from one source: a second one would make each of them two.
func TestASecondSourceIsRefused(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		first, second := t.TempDir(), t.TempDir()
		truth, err := siecletest.Generate(first, 1, siecletest.Size{Schools: 1, Pupils: 10})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ondetest.Generate(second, 1, ondetest.Size{Pupils: 10}); err != nil {
			t.Fatal(err)
		}
		take(t, db, t, []string{first}, directory.Reading{}, directory.Order{})
		before := told(t, db, truth.UAIs[0])
		r := take(t, db, t, []string{second}, directory.Reading{UAI: truth.UAIs[0], AllLegal: true}, directory.Order{AcceptLoss: true})
		if r.Schools != 0 || r.Changed != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, "siecle") {
			t.Fatalf("%+v", r)
		}
		if after := told(t, db, truth.UAIs[0]); !slices.Equal(before, after) {
			t.Errorf("%v became %v", before, after)
		}
	})
}

func TestFormatsAreRecognised(t *testing.T) {
	t.Parallel()
	siecle, onde, odd := t.TempDir(), t.TempDir(), t.TempDir()
	if _, err := siecletest.Generate(siecle, 1, siecletest.Size{Schools: 1, Pupils: 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := ondetest.Generate(onde, 1, ondetest.Size{Pupils: 3}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"page.xml": "<!DOCTYPE html>\n<html/>", "ElevesSansAdresses.xml": "bonjour", "vide.csv": ""} {
		if err := os.WriteFile(filepath.Join(odd, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aaf := filepath.Join("..", "..", "stories", "testdata", "aaf")
	for _, c := range []struct {
		paths  []string
		format string
		is     string
		words  string // of a refusal
	}{
		{[]string{siecle}, "", "siecle", ""},
		{[]string{onde}, "auto", "onde", ""},
		{[]string{aaf}, "auto", "aaf", ""},
		{[]string{siecle, onde}, "auto", "auto", "--format"},
		{[]string{siecle, aaf}, "", "auto", "--format"},
		{[]string{siecle, onde}, "onde", "onde", ""},
		{[]string{siecle, aaf}, "siecle", "siecle", ""},
		{[]string{siecle}, "aaf", "aaf", ""},
		{[]string{odd}, "", "auto", "html"},
		{[]string{filepath.Join(odd, "ElevesSansAdresses.xml")}, "", "auto", "--format"},
		{[]string{filepath.Join(odd, "vide.csv")}, "", "auto", "empty"},
		{[]string{filepath.Join(odd, "absent")}, "", "auto", "not found"},
	} {
		e, err := directory.ReadExport(t.Context(), c.paths, directory.Reading{Format: c.format, English: true})
		if err != nil {
			t.Fatal(err)
		}
		r := e.Report()
		said := fmt.Sprint(r.Refused)
		if r.Format != c.is || (c.words != "") != (len(r.Refused) > 0) && c.format != "aaf" || !strings.Contains(said, c.words) {
			t.Errorf("%v as %q: %s %v", c.paths, c.format, r.Format, said)
		}
		if c.words != "" && (r.Schools != 0 || r.Pupils != 0) {
			t.Errorf("%v: refused and counted: %+v", c.paths, r)
		}
	}
	if _, err := directory.ReadExport(t.Context(), []string{siecle}, directory.Reading{Format: "edt"}); err == nil {
		t.Error("a format that does not exist was read")
	}
}

// The real samples, through the whole of it.
func TestSamplesOfOtherFormats(t *testing.T) {
	for _, c := range []struct {
		path string
		o    directory.Reading
		want [8]int // schools, pupils, guardians, links, unresolved, told, not told, refused
	}{
		{"siecle/eleves_avec_adresse_avec_double_structure.xml", directory.Reading{}, [8]int{1, 1, 0, 0, 0, 0, 0, 0}},
		{"siecle/responsables_avec_adresses_simple.xml", directory.Reading{}, [8]int{0, 0, 3, 0, 0, 0, 0, 1}},
		{"siecle/siecle-broken.transcribed.xml", directory.Reading{}, [8]int{0, 0, 0, 0, 0, 0, 0, 1}},
		{"siecle", directory.Reading{}, [8]int{0, 0, 0, 0, 0, 0, 0, 2}}, // a truncated file is among them, and guardians without their pupils
		{"onde", directory.Reading{}, [8]int{1, 247, 469, 491, 0, 0, 491, 0}},
		{"onde", directory.Reading{AllLegal: true}, [8]int{1, 247, 469, 491, 0, 491, 0, 0}},
		{"aaf-2013", directory.Reading{}, [8]int{10, 642, 9975, 1064, 0, 911, 153, 0}},
	} {
		path := sampleOf(t, c.path)
		e, err := directory.ReadExport(t.Context(), []string{path}, c.o)
		if err != nil {
			t.Fatal(err)
		}
		r := e.Report()
		if got := [8]int{r.Schools, r.Pupils, r.Guardians, r.Links, r.Unresolved, r.MayBeTold, r.MayNotBeTold, len(r.Refused)}; got != c.want {
			t.Errorf("%s: %v, want %v: %+v", c.path, got, c.want, r.Refused)
		}
	}
}

// The sample of guardians with pupils to match: a shared number, two booleans in one
// file, and consent kept.
func TestTheSampleOfGuardiansWithItsPupils(t *testing.T) {
	guardians := sampleOf(t, "siecle/responsables_avec_adresses_simple.xml")
	pupils := filepath.Join(t.TempDir(), "eleves.xml")
	text := `<?xml version="1.0" encoding="ISO-8859-15"?><BEE_ELEVES VERSION="3.0"><PARAMETRES><UAJ>0140070A</UAJ><ANNEE_SCOLAIRE>2018</ANNEE_SCOLAIRE></PARAMETRES><DONNEES><ELEVES>
<ELEVE ELEVE_ID="610308"><NOM_DE_FAMILLE>ROCK</NOM_DE_FAMILLE><PRENOM>A</PRENOM></ELEVE><ELEVE ELEVE_ID="610305"><NOM_DE_FAMILLE>LOVELACE</NOM_DE_FAMILLE><PRENOM>B</PRENOM></ELEVE></ELEVES></DONNEES></BEE_ELEVES>`
	if err := os.WriteFile(pupils, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		r := take(t, db, t, []string{guardians, pupils}, directory.Reading{}, directory.Order{})
		if r.Schools != 1 || r.Pupils != 2 || r.Guardians != 3 || r.Links != 3 || r.MayBeTold != 3 || r.MayNotBeTold != 0 || r.Unresolved != 0 {
			t.Errorf("%+v", r)
		}
		if got, want := told(t, db, "0140070A"), []string{"610305 209400", "610308 209401+sms", "610308 209406"}; !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	})
}
