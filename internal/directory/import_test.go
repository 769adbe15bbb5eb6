package directory_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// sample is the real export, where it is there: it is no part of the project.
func sample(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "samples", "aaf-2013")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the real AAF sample is not here; the generated export is read by other tests")
	}
	return dir
}

func theJournal(t testing.TB) *journal.Journal {
	t.Helper()
	j, err := journal.New(bytes.Repeat([]byte{1}, journal.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestImportOfTheRealExport(t *testing.T) {
	dir := sample(t)
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		e, err := directory.ReadExport(t.Context(), []string{dir}, directory.Reading{English: true})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
		r, err := directory.Import(t.Context(), db, theJournal(t), e, directory.Order{By: "test"}, now)
		if err != nil {
			t.Fatal(err)
		}
		got := []int{r.Schools, r.Pupils, r.Guardians, r.Links, r.Unresolved, r.MayBeTold, r.MayNotBeTold, len(r.Refused)}
		want := []int{10, 642, 9975, 1064, 0, 911, 153, 0}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("counts %v, want %v", got, want)
			}
		}
		if r.Changed == 0 {
			t.Fatal("the first import changed nothing")
		}
		again, err := directory.Import(t.Context(), db, theJournal(t), e, directory.Order{By: "test"}, now.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if again.Changed != 0 {
			t.Fatalf("the second import of the same files changed %d rows", again.Changed)
		}
	})
}

// An export without its guardians' files would end every link: it is held back, and
// nothing of it is taken, until somebody says that it is right.
func TestAnExportThatLosesTooMuchIsHeldBack(t *testing.T) {
	whole := filepath.Join("..", "..", "stories", "testdata", "aaf")
	part := t.TempDir()
	files, err := filepath.Glob(filepath.Join(whole, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if b, err := os.ReadFile(f); err != nil {
			t.Fatal(err)
		} else if !strings.Contains(f, "PersRelEleve") {
			if err := os.WriteFile(filepath.Join(part, filepath.Base(f)), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
		run := func(dir string, o directory.Order) directory.ImportReport {
			e, err := directory.ReadExport(t.Context(), []string{dir}, directory.Reading{English: true})
			if err != nil {
				t.Fatal(err)
			}
			r, err := directory.Import(t.Context(), db, theJournal(t), e, o, now)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if r := run(whole, directory.Order{By: "test"}); r.Schools != 1 || len(r.Refused) != 0 {
			t.Fatalf("%+v", r)
		}
		if r := run(part, directory.Order{By: "test"}); r.Schools != 0 || r.Changed != 0 || len(r.Refused) != 1 || r.MayNotBeTold != 0 || r.Unresolved != 0 {
			t.Fatalf("taken without its guardians: %+v", r)
		}
		if r := run(whole, directory.Order{By: "test"}); r.Changed != 0 {
			t.Fatalf("what was held back had changed %d rows", r.Changed)
		}
		if r := run(part, directory.Order{By: "test", AcceptLoss: true}); r.Schools != 1 || r.Changed == 0 {
			t.Fatalf("accepted and not taken: %+v", r)
		}
	})
}
