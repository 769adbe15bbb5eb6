package attendance

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// ask sends one request as somebody and gives the answer, its typography taken out.
func (w *world) ask(as, method, target string, form url.Values) (*http.Response, string) {
	w.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Accept-Language", "fr")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "as", Value: as})
	}
	rec := httptest.NewRecorder()
	w.site().ServeHTTP(rec, r)
	res := rec.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, page.Plain(string(body))
}

// form is what a browser sends from the page as it is shown to somebody, with taps:
// pupil → value, or late and the minutes: "late 8".
func (w *world) form(as, sitting string, taps map[string]string) url.Values {
	w.t.Helper()
	var s sheet
	v := viewers(w.zone)[as]
	w.site()
	w.read(func(ctx context.Context, tx database.Tx) error {
		var err error
		s, err = w.pages.sheetOf(page.WithViewer(ctx, v), tx, v, sitting, w.now)
		return err
	})
	form := url.Values{}
	for _, r := range s.Rows {
		id := r.Pupil.ID
		value, minutes := string(r.Value), r.Minutes
		if tap, ok := taps[id]; ok {
			value, minutes, _ = strings.Cut(tap, " ")
		}
		form.Set("v-"+id, value)
		form.Set("m-"+id, minutes)
		form.Set("b-"+id, numbersOf(r.Base))
	}
	return form
}

func numbersOf(n int64) string { return strings.TrimSpace(numbersText([]Mark{{N: n}})) }

func TestARollIsSaved(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 5)
		ines, lea, zoe := w.pupils[0], w.pupils[1], w.pupils[4]
		res, body := w.ask("roy", "GET", "/roll/maths", nil)
		for _, want := range []string{"Mardi 24 novembre</span>", "8 h 05 – 9 h 00</span>", "salle 204</span>", "Mathématiques, 2de 3", "Présents tant que vous ne dites rien.", "5 présents", "Pas encore enregistré"} {
			if !strings.Contains(body, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
		if res.StatusCode != 200 || w.saved != 0 {
			t.Errorf("looking: %d, saved %d", res.StatusCode, w.saved)
		}

		res, _ = w.ask("roy", "POST", "/roll/maths", w.form("roy", maths, map[string]string{lea: "absent", zoe: "late 8"}))
		if res.StatusCode != 303 || res.Header.Get("Location") != "/roll/maths?saved=1" || w.saved != 1 {
			t.Fatalf("saving: %d to %s, poked %d", res.StatusCode, res.Header.Get("Location"), w.saved)
		}
		marks := w.current(maths)
		if len(marks) != 5 || marks[lea].Value != Absent || marks[zoe].Value != Late || marks[zoe].Minutes != 8 || marks[ines].Value != Present {
			t.Errorf("marks: %+v", marks)
		}
		if k := marks[lea]; k.By != "a-roy" || k.Origin != FromRoll || !k.At.Equal(w.now) || k.Day != "2026-11-24" {
			t.Errorf("the mark: %+v", k)
		}
		_, body = w.ask("roy", "GET", "/roll/maths?saved=1", nil)
		for _, want := range []string{"<title>Enregistré à 8 h 07 · Mathématiques, 2de 3 · Préau</title>", "Enregistré à 8 h 07 par Camille Roy", "3 présents, 1 absent, 1 retard"} {
			if !strings.Contains(body, want) {
				t.Errorf("after saving the page does not say %q", want)
			}
		}

		// A second press of the button says nothing new.
		w.now = w.at(8, 9)
		w.ask("roy", "POST", "/roll/maths", w.form("roy", maths, nil))
		if again := w.current(maths); again[zoe].N != marks[zoe].N {
			t.Errorf("the same roll made new marks: %+v", again)
		}
	})
}

func TestTwoPeopleSaveTheSameRoll(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 6)
		lea, zoe := w.pupils[1], w.pupils[4]
		teacher := w.form("roy", maths, map[string]string{zoe: "late 8"})
		office := w.form("office", maths, map[string]string{lea: "absent", zoe: "absent"})
		if res, _ := w.ask("office", "POST", "/roll/maths", office); res.StatusCode != 303 {
			t.Fatalf("the office: %d", res.StatusCode)
		}
		res, _ := w.ask("roy", "POST", "/roll/maths", teacher)
		_, body := w.ask("roy", "GET", res.Header.Get("Location"), nil)
		for _, want := range []string{"Odile Ferrand a noté entre-temps", "Léa B. : absence (gardé)", "Zoé D. : absence (remplacé par votre saisie)"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q", res.Header.Get("Location"), want)
			}
		}
		marks := w.current(maths)
		if marks[lea].Value != Absent || marks[lea].Origin != FromOffice || marks[zoe].Value != Late {
			t.Errorf("marks: %+v", marks)
		}
		if strings.Contains(res.Header.Get("Location"), "L") {
			t.Errorf("the address carries more than numbers: %s", res.Header.Get("Location"))
		}
		// Numbers of another roll say nothing.
		w.save(french, "a-roy", w.all()...)
		if _, body := w.ask("roy", "GET", "/roll/francais?saved=1&kept=2.3.x&over=-1", nil); strings.Contains(body, "entre-temps") {
			t.Error("marks of another roll are told")
		}
	})
}

func TestNothingIsLostWhenARollIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t), 5)
	ines, lea, zoe := w.pupils[0], w.pupils[1], w.pupils[4]
	checked := func(body, pupil, value string) bool {
		return strings.Contains(body, `name="v-`+pupil+`" value="`+value+`" checked`)
	}
	for name, c := range map[string]struct {
		change func(url.Values)
		now    time.Time
		status int
		says   string
	}{
		"minutes that are no number": {func(f url.Values) { f.Set("m-"+zoe, "huit") }, w.at(8, 7), 422, "De 1 à 240 minutes"},
		"no minutes at all":          {func(f url.Values) { f.Set("m-"+zoe, "0") }, w.at(8, 7), 422, "De 1 à 240 minutes"},
		"more minutes than a day":    {func(f url.Values) { f.Set("m-"+zoe, "241") }, w.at(8, 7), 422, "Rien n'est enregistré : 1 élève à revoir"},
		"an unknown word":            {func(f url.Values) { f.Set("v-"+ines, "ill") }, w.at(8, 7), 422, "Dites présent, absent ou retard"},
		"a pupil of another class":   {func(f url.Values) { f.Set("v-sami", "absent") }, w.at(8, 7), 422, "la liste des élèves a changé"},
		"too early":                  {func(url.Values) {}, w.at(7, 40), 409, "L'appel s'ouvre à 7 h 50"},
		"the day after":              {func(url.Values) {}, w.at(8, 7).AddDate(0, 0, 1), 409, "seule la vie scolaire peut encore le corriger"},
	} {
		w.now = w.at(8, 7)
		form := w.form("roy", maths, map[string]string{lea: "absent", zoe: "late 8"})
		c.change(form)
		w.now = c.now
		res, body := w.ask("roy", "POST", "/roll/maths", form)
		if res.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d, does not say %q", name, res.StatusCode, c.says)
		}
		if !checked(body, lea, "absent") || !checked(body, zoe, "late") || !strings.Contains(body, `value="`+form.Get("m-"+zoe)+`"`) {
			t.Errorf("%s: what was tapped is lost", name)
		}
	}
	if len(w.current(maths)) != 0 || w.saved != 0 {
		t.Error("something was saved")
	}
}

func TestMinutesLeftEmptyAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t), 5)
	w.now = w.at(8, 13)
	w.ask("roy", "POST", "/roll/maths", w.form("roy", maths, map[string]string{w.pupils[0]: "late"}))
	if k := w.current(maths)[w.pupils[0]]; k.Value != Late || k.Minutes != 8 {
		t.Errorf("%+v", k)
	}
}

// TestABrowserThatIsGone: what a telephone sent before it lost its network is saved.
func TestABrowserThatIsGone(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 3)
		gone, leave := context.WithCancel(context.Background())
		leave()
		r := httptest.NewRequest("POST", "/roll/maths", strings.NewReader(w.form("roy", maths, nil).Encode())).WithContext(gone)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "as", Value: "roy"})
		w.site().ServeHTTP(httptest.NewRecorder(), r)
		if len(w.current(maths)) != 3 || w.saved != 1 {
			t.Errorf("%d marks, poked %d", len(w.current(maths)), w.saved)
		}
	})
}

// TestAwayIsNotMarked: of a pupil who is known to be elsewhere nothing is said unless
// somebody says it, and nobody reads why.
func TestAwayIsNotMarked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t), 5)
	lea, tiago, zoe := w.pupils[1], w.pupils[3], w.pupils[4]
	w.stated(tiago, Elsewhere, "internship", w.at(13, 0))
	w.stated(zoe, Inside, "infirmary", w.at(13, 0))
	w.stated(lea, Elsewhere, "announced", w.at(13, 0))
	_, body := w.ask("roy", "GET", "/roll/maths", nil)
	for _, want := range []string{"Présents tant que vous ne dites rien, sauf 2 attendus ailleurs, 1 dans l'établissement.", "Tiago Da Silva, attendu ailleurs", "Zoé Dupont, dans l'établissement", "2 présents"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, never := range []string{"stage", "internship", "infirm", "annonc", "announced"} {
		if strings.Contains(strings.ToLower(body), never) {
			t.Errorf("a teacher reads why: %q", never)
		}
	}
	w.ask("roy", "POST", "/roll/maths", w.form("roy", maths, map[string]string{lea: "present"}))
	marks := w.current(maths)
	_, tiagoMarked := marks[tiago]
	_, zoeMarked := marks[zoe]
	if len(marks) != 3 || tiagoMarked || zoeMarked || marks[lea].Value != Present {
		t.Errorf("marks: %+v", marks)
	}
}

// TestWhoMayCallARoll walks every role and both schools through every route.
func TestWhoMayCallARoll(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 3)
		form := w.form("roy", maths, nil)
		statement := url.Values{"says": {"elsewhere"}, "reason": {"outing"}, "next": {"/office"}}
		w.stated(w.pupils[2], Inside, "corridor", w.at(12, 0))
		var id string
		w.read(func(ctx context.Context, tx database.Tx) error {
			all, err := Statements(ctx, tx, school, w.pupils, w.now)
			id = all[w.pupils[2]][0].ID
			return err
		})
		// What each route answers: to the office, to who is in charge, to another teacher;
		// families and the operator are refused by the route, another school finds nothing.
		for _, route := range []struct {
			method, path           string
			form                   url.Values
			office, charge, others int
			staffOnly              bool // the route's rule lets teachers in
		}{
			{"GET", "/roll/maths", nil, 200, 200, 200, true},
			{"POST", "/roll/maths", form, 303, 303, 403, true},
			{"POST", "/pupils/" + w.pupils[0] + "/statement", statement, 303, 403, 403, false},
			{"POST", "/statements/" + id + "/withdraw", url.Values{"next": {"/office"}}, 303, 403, 403, false},
		} {
			for as := range viewers(w.zone) {
				who, other := strings.CutPrefix(as, "other-")
				want := map[string]int{"head": route.office, "cpe": route.office, "office": route.office, "roy": route.charge, "petit": route.others}[who]
				teacher := who == "roy" || who == "petit"
				path := route.path
				switch {
				case want == 0, teacher && !route.staffOnly:
					want = 403
				case other:
					want = 404
					path = strings.Replace(path, w.pupils[0], "nobody", 1) // people have the same ids in both schools
				}
				res, body := w.ask(as, route.method, path, route.form)
				if res.StatusCode != want {
					t.Errorf("%s %s as %s: %d, want %d", route.method, path, as, res.StatusCode, want)
				}
				if (want >= 400 || as == "petit") && strings.Contains(body, "Coulibaly") {
					t.Errorf("%s %s as %s names a pupil", route.method, path, as)
				}
			}
		}
		for _, path := range []string{"/roll/nothing", "/roll/" + foreign} {
			if res, _ := w.ask("head", "GET", path, nil); res.StatusCode != 404 {
				t.Errorf("%s: %d", path, res.StatusCode)
			}
			if res, _ := w.ask("head", "POST", path, form); res.StatusCode != 404 {
				t.Errorf("POST %s: %d", path, res.StatusCode)
			}
			if res, _ := w.ask("petit", "POST", path+"/take", url.Values{}); res.StatusCode != 404 {
				t.Errorf("POST %s/take: %d", path, res.StatusCode)
			}
		}
		// Ids that no database can look for.
		for _, id := range []string{"%00", "a%00b", "%ff"} {
			for _, route := range [][2]string{{"GET", "/roll/" + id}, {"POST", "/roll/" + id}, {"POST", "/roll/" + id + "/take"}, {"POST", "/pupils/" + id + "/statement"}, {"POST", "/statements/" + id + "/withdraw"}} {
				if res, _ := w.ask("cpe", route[0], route[1], statement); res.StatusCode != 404 {
					t.Errorf("%s %s: %d", route[0], route[1], res.StatusCode)
				}
			}
		}
		if res, _ := w.ask("", "GET", "/roll/maths", nil); res.Header.Get("Location") != "/sign-in?next=%2Froll%2Fmaths" {
			t.Errorf("signed out: %d to %s", res.StatusCode, res.Header.Get("Location"))
		}
		// An adult is no pupil.
		if res, _ := w.ask("head", "POST", "/pupils/nadia/statement", statement); res.StatusCode != 404 {
			t.Errorf("a statement of an adult: %d", res.StatusCode)
		}
	})
}

func TestTakingOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t), 3)
	_, body := w.ask("petit", "GET", "/roll/maths", nil)
	for _, want := range []string{"Ce n'est pas votre cours", "Cours de Camille Roy.", "Prendre en charge ce cours"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "Inès") {
		t.Error("a teacher who is not in charge reads the pupils' names")
	}
	w.now = w.at(7, 30)
	w.ask("petit", "POST", "/roll/maths/take", url.Values{})
	if _, body := w.ask("petit", "GET", "/roll/maths", nil); !strings.Contains(body, "L'appel s'ouvre à 7 h 50") || strings.Contains(body, "Prendre en charge ce cours") {
		t.Error("taken too early, or not said")
	}
	w.now = w.at(8, 10)
	res, _ := w.ask("petit", "POST", "/roll/maths/take", url.Values{})
	if res.StatusCode != 303 || res.Header.Get("Location") != "/roll/maths" {
		t.Fatalf("%d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	if res, _ = w.ask("petit", "POST", "/roll/maths", w.form("petit", maths, nil)); res.StatusCode != 303 {
		t.Errorf("who took it over cannot save: %d", res.StatusCode)
	}
	if _, body := w.ask("roy", "GET", "/roll/maths", nil); !strings.Contains(body, "Cours pris en charge par Paul Petit à 8 h 10") {
		t.Error("taking over cannot be seen")
	}
	w.write(school, func(ctx context.Context, tx database.Tx) error {
		lines, faults, err := w.journal.Verify(ctx, tx, nil)
		if lines != 2 || len(faults) > 0 {
			t.Errorf("the journal has %d lines, %v", lines, faults)
		}
		return err
	})
}

func TestStatements(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 3)
		pupil := w.pupils[0]
		last := func() Statement {
			t.Helper()
			var s Statement
			w.read(func(ctx context.Context, tx database.Tx) error {
				all, err := Statements(ctx, tx, school, []string{pupil}, w.now)
				for _, one := range all[pupil] {
					if one.ID > "" && (s.ID == "" || one.At.After(s.At)) {
						s = one
					}
				}
				return err
			})
			return s
		}
		post := func(v url.Values) *http.Response {
			t.Helper()
			w.now = w.now.Add(time.Minute)
			res, _ := w.ask("cpe", "POST", "/pupils/"+pupil+"/statement", v)
			return res
		}
		res := post(url.Values{"says": {"elsewhere"}, "reason": {"outing"}, "next": {"/office?x=1"}})
		if s := last(); res.StatusCode != 303 || res.Header.Get("Location") != "/office?x=1" || s.Says != Elsewhere || s.Reason != "outing" || s.By != "a-cpe" || !s.UntilAt.Equal(w.at(13, 0)) || !s.FromAt.Equal(w.now) || w.saved != 1 {
			t.Errorf("%d %+v, poked %d", res.StatusCode, s, w.saved)
		}
		post(url.Values{"says": {"inside"}, "reason": {"infirmary"}, "until": {"09:30"}, "next": {"//elsewhere.example"}})
		if s := last(); s.Says != Inside || !s.UntilAt.Equal(w.at(9, 30)) {
			t.Errorf("%+v", s)
		}
		post(url.Values{"says": {"elsewhere"}, "reason": {"internship"}, "until": {"2026-12-04T18:00"}})
		if s := last(); !s.UntilAt.Equal(time.Date(2026, 12, 4, 18, 0, 0, 0, w.zone)) {
			t.Errorf("%+v", s)
		}
		before := last()
		for name, v := range map[string]url.Values{
			"no kind":           {"reason": {"outing"}},
			"another's reason":  {"says": {"elsewhere"}, "reason": {"infirmary"}},
			"free words":        {"says": {"inside"}, "reason": {"a fever"}},
			"an hour gone by":   {"says": {"inside"}, "reason": {"office"}, "until": {"07:00"}},
			"no hour":           {"says": {"inside"}, "reason": {"office"}, "until": {"soon"}},
			"longer than terms": {"says": {"elsewhere"}, "reason": {"other"}, "until": {"2027-06-30T18:00"}},
		} {
			if res := post(v); res.StatusCode != 422 {
				t.Errorf("%s: %d", name, res.StatusCode)
			}
		}
		if s := last(); s.ID != before.ID {
			t.Errorf("a refused statement was kept: %+v", s)
		}
		w.ask("head", "POST", "/statements/"+before.ID+"/withdraw", url.Values{"next": {"/"}})
		if s := last(); s.ID == before.ID {
			t.Error("withdrawn and still there")
		}
	})
}
