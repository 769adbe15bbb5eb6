package yearstart_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/yearstart"
)

func facts(t testing.TB, db *database.DB, school string) (f yearstart.Facts) {
	t.Helper()
	err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		f, err = yearstart.FactsOf(ctx, tx, school, nil, tuesday)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func sum(of map[account.State]int) (n int) {
	for _, k := range of {
		n += k
	}
	return n
}

// The counts add up, agree with what an absence would ask, and cost a bounded number of
// questions, whatever the size of the school.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		var asked atomic.Int64
		f := facts(t, db.Counting(&asked), w.town.School.ID)
		if n := asked.Load(); n > 45 {
			t.Errorf("%d questions for one page", n)
		}
		d := f.Directory
		guardians, nobody, unreachable := map[string]bool{}, 0, map[string]bool{}
		withClass := 0
		err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			pupils, err := directory.Of(ctx, tx, w.town.School.ID, directory.KindPupil, "2026-11-24")
			if err != nil {
				return err
			}
			classes, err := directory.ClassIDs(ctx, tx, w.town.School.ID, "2026-11-24")
			if err != nil {
				return err
			}
			for _, p := range pupils {
				if classes[p.ID] != "" {
					withClass++
				}
				told, _, err := directory.MayBeTold(ctx, tx, w.town.School.ID, p.ID, tuesday)
				if err != nil {
					return err
				}
				if len(told) == 0 {
					nobody++
				}
				for _, r := range told {
					if r.Person.ID == p.ID {
						continue
					}
					guardians[r.Person.ID] = true
					voice, err := directory.Voice(ctx, tx, w.town.School.ID, []string{r.Person.ID})
					if err != nil {
						return err
					}
					unreachable[r.Person.ID] = len(r.Points) == 0 && len(voice[r.Person.ID]) == 0
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		silent := 0
		for _, is := range unreachable {
			if is {
				silent++
			}
		}
		if d.Pupils != 100 || withClass+len(d.NoClass) != d.Pupils || len(d.NoGuardian) != nobody || len(d.Guardians) != len(guardians) || len(d.Unreachable) != silent || silent == 0 {
			t.Errorf("%d pupils, %d with a class, %d without; %d of nobody (want %d); %d guardians (want %d); %d unreachable (want %d)",
				d.Pupils, withClass, len(d.NoClass), len(d.NoGuardian), nobody, len(d.Guardians), len(guardians), len(d.Unreachable), silent)
		}
		if sum(f.Pupils) != d.Pupils || sum(f.Guardians) != len(d.Guardians) || sum(f.Staff) != len(d.Staff) {
			t.Errorf("accounts %v %v %v of %d pupils, %d guardians, %d staff", f.Pupils, f.Guardians, f.Staff, d.Pupils, len(d.Guardians), len(d.Staff))
		}
		if f.Sittings == 0 || f.Import.ID != "" || f.InService {
			t.Errorf("%d sittings, import %q, in service %v", f.Sittings, f.Import.ID, f.InService)
		}
		if !slices.ContainsFunc(d.Unreachable, func(g directory.GuardianOf) bool {
			return g.Guardian.ID == w.town.Cast.UnreachableParent && g.Pupil.ID == w.town.Cast.Unreachable
		}) {
			t.Errorf("who left no address is not listed: %+v", d.Unreachable)
		}
	})
}

// What is taken away shows: each thing turns its own step, and no other.
func TestEachThingTurnsItsStep(t *testing.T) {
	t.Parallel()
	states := func(f yearstart.Facts) map[string]yearstart.State {
		out := map[string]yearstart.State{}
		for _, s := range f.Steps() {
			out[s.Name] = s.State
		}
		return out
	}
	whole := func() yearstart.Facts {
		return yearstart.Facts{Import: directory.ImportRecord{ID: "i"}, Sittings: 5, InService: true,
			Directory: directory.Readiness{Pupils: 3, Classes: 1, Guardians: []string{"a", "b"}, Staff: []string{"s"}, Tasks: map[string]int{}},
			Staff:     map[account.State]int{account.StateReady: 1}, Guardians: map[account.State]int{account.StateCode: 2}, Pupils: map[account.State]int{account.StateReady: 3}}
	}
	for name, state := range states(whole()) {
		if state != yearstart.Done {
			t.Fatalf("%s is %s", name, state)
		}
	}
	one := []directory.Person{{ID: "p"}}
	for name, c := range map[string]struct {
		do   func(*yearstart.Facts)
		step string
		to   yearstart.State
	}{
		"no class":         {func(f *yearstart.Facts) { f.Directory.NoClass = one }, "classes", yearstart.Doubtful},
		"an empty class":   {func(f *yearstart.Facts) { f.Directory.Empty = []directory.Group{{ID: "g"}} }, "classes", yearstart.Doubtful},
		"nobody to tell":   {func(f *yearstart.Facts) { f.Directory.NoGuardian = one }, "guardians", yearstart.Doubtful},
		"nobody at all":    {func(f *yearstart.Facts) { f.Directory.NoGuardian = append(one, one[0], one[0]) }, "guardians", yearstart.Missing},
		"no address":       {func(f *yearstart.Facts) { f.Directory.Unreachable = []directory.GuardianOf{{}} }, "guardians", yearstart.Doubtful},
		"a telephone":      {func(f *yearstart.Facts) { f.Directory.CallOnly = []directory.GuardianOf{{}} }, "guardians", yearstart.Doubtful},
		"a doubtful link":  {func(f *yearstart.Facts) { f.Directory.Tasks[directory.TaskDoubtfulLink] = 1 }, "doubts", yearstart.Doubtful},
		"a task":           {func(f *yearstart.Facts) { f.Directory.Tasks[directory.TaskSameNumber] = 1 }, "doubts", yearstart.Doubtful},
		"no timetable":     {func(f *yearstart.Facts) { f.Sittings = 0 }, "timetable", yearstart.Missing},
		"no account":       {func(f *yearstart.Facts) { f.Staff[account.StateNone] = 1 }, "staff", yearstart.Doubtful},
		"no staff":         {func(f *yearstart.Facts) { f.Directory.Staff = nil }, "staff", yearstart.Missing},
		"no letter":        {func(f *yearstart.Facts) { f.Guardians[account.StateNone] = 1 }, "letters", yearstart.Doubtful},
		"an old letter":    {func(f *yearstart.Facts) { f.Pupils[account.StateNew] = 1 }, "letters", yearstart.Doubtful},
		"not in service":   {func(f *yearstart.Facts) { f.InService = false }, "opening", yearstart.Missing},
		"only rehearsed":   {func(f *yearstart.Facts) { f.InService, f.Rehearsed = false, true }, "opening", yearstart.Doubtful},
		"a rehearsal runs": {func(f *yearstart.Facts) { f.InService, f.Rehearsal = false, true }, "opening", yearstart.Doubtful},
	} {
		f := whole()
		c.do(&f)
		for step, state := range states(f) {
			want := yearstart.Done
			if step == c.step {
				want = c.to
			}
			if state != want {
				t.Errorf("%s: %s is %s, want %s", name, step, state, want)
			}
		}
	}
}

// The head undoes the import that the page shows, and no other; what leans on it is said;
// the operator sees counts and no name; who may not does not.
func TestUndoFromThePage(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		head := "head@" + w.imported
		id := func() string {
			t.Helper()
			m := regexp.MustCompile(`name="import" value="([^"]+)"`).FindStringSubmatch(w.send(head, "GET", "/start").Body.String())
			if m == nil {
				t.Fatal("the page has no way to undo the import")
			}
			return m[1]
		}
		first := id()
		if body := page.Plain(w.send(head, "GET", "/start").Body.String()); !strings.Contains(body, "par Odile Ferrand") || !strings.Contains(body, "Annuler l'import") {
			t.Error("the page does not say who brought the file")
		}
		for as, want := range map[string]int{"cpe@" + w.imported: http.StatusForbidden, "office@" + w.imported: http.StatusForbidden, "teacher@" + w.imported: http.StatusForbidden, "head": http.StatusConflict} {
			if res := w.send(as, "POST", "/start/undo", "import", first); res.Code != want {
				t.Errorf("%s: %d, want %d", as, res.Code, want)
			}
		}
		if res := w.send(head, "POST", "/start/undo", "import", "another"); res.Code != http.StatusConflict {
			t.Errorf("another import: %d", res.Code)
		}
		if res := w.send(head, "POST", "/start/undo"); res.Code != http.StatusUnprocessableEntity {
			t.Errorf("no import named: %d", res.Code)
		}
		w.leans = []directory.Leaning{{What: "roll", N: 3}}
		if res := w.send(head, "POST", "/start/undo", "import", first); res.Code != http.StatusConflict || !strings.Contains(page.Plain(res.Body.String()), "3 pointages concernent des élèves arrivés avec lui") {
			t.Errorf("a roll leans on it: %d", res.Code)
		}
		if body := page.Plain(w.send(head, "GET", "/start").Body.String()); strings.Contains(body, `name="import"`) || !strings.Contains(body, "ne peut plus être annulé") {
			t.Error("the page offers what cannot be done")
		}
		w.leans = nil
		if res := w.send(head, "POST", "/start/undo", "import", first); res.Code != http.StatusSeeOther || res.Header().Get("Location") != "/start?done=undone" {
			t.Fatalf("%d %s", res.Code, res.Header().Get("Location"))
		}
		if f := facts(t, db, w.imported); f.Directory.Pupils != 0 || f.Import.ID != "" || f.Undone.UndoneBy != "a-head" || f.Undo != nil {
			t.Errorf("after it: %d pupils, %+v, %+v", f.Directory.Pupils, f.Import, f.Undone)
		}
		w.bring(t)
		path := "/schools/" + w.imported + "/start"
		body := w.send("operator", "GET", path).Body.String()
		if strings.Contains(body, "/pupils") || strings.Contains(body, "/start/list") {
			t.Error("the operator is led to pupils")
		}
		if res := w.send("operator", "POST", path+"/undo", "import", id()); res.Code != http.StatusSeeOther || res.Header().Get("Location") != path+"?done=undone" {
			t.Errorf("the operator: %d %s", res.Code, res.Header().Get("Location"))
		}
		if res := w.send("operator", "GET", "/schools/nowhere/start"); res.Code != http.StatusNotFound {
			t.Errorf("no such school: %d", res.Code)
		}
	})
}

// A list holds who was counted, each once, and leads to their page.
func TestListsHoldWhoWasCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t))
	err := w.db.InSchool(t.Context(), w.town.School.ID, func(ctx context.Context, tx database.Tx) error {
		return directory.Add(ctx, tx, directory.Batch{
			People: []directory.Person{{School: w.town.School.ID, ID: "alone", Kind: directory.KindPupil, Source: "hand", SourceKey: "alone", LastName: "Seul", FirstName: "Paul"}},
			Groups: []directory.Group{{School: w.town.School.ID, ID: "void", Kind: "class", Code: "VOID", Label: "6e Vide"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	f := facts(t, w.db, w.town.School.ID)
	for of, n := range map[string]int{"noclass": len(f.Directory.NoClass), "noguardian": len(f.Directory.NoGuardian), "unreachable": len(f.Directory.Unreachable), "callonly": len(f.Directory.CallOnly), "empty": len(f.Directory.Empty)} {
		res := w.send("head", "GET", "/start/list?of="+of)
		if rows := strings.Count(res.Body.String(), `class="row"`); res.Code != http.StatusOK || rows != n {
			t.Errorf("%s: %d, %d rows, %d were counted", of, res.Code, rows, n)
		}
	}
	if body := w.send("head", "GET", "/start/list?of=noclass").Body.String(); !strings.Contains(body, "Seul Paul") || !strings.Contains(body, `href="/pupils/alone"`) {
		t.Error("who has no class is not in the list")
	}
	for _, of := range []string{"", "pupils", "x"} {
		if res := w.send("head", "GET", "/start/list?of="+of); res.Code != http.StatusNotFound {
			t.Errorf("list %q: %d", of, res.Code)
		}
	}
	if res := w.send("head@empty", "GET", "/start"); res.Code != http.StatusOK || strings.Contains(res.Body.String(), "Seul") {
		t.Errorf("an empty school: %d", res.Code)
	}
}
