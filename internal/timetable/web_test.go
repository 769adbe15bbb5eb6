package timetable_test

import (
	"bytes"
	"context"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// site is the pages over the small town, and another school beside it.
type site struct {
	t      *testing.T
	db     *database.DB
	town   fictional.Town
	routes *page.Routes
	as     page.Viewer
	now    time.Time
	called map[string]bool
}

func newSite(t *testing.T, db *database.DB) *site {
	t.Helper()
	s := &site{t: t, db: db, town: fictional.Small(time.Time{}), called: map[string]bool{}}
	s.now = s.town.Tuesday.Add(7 * time.Minute)
	if err := fictional.Save(t.Context(), db, s.town); err != nil {
		t.Fatal(err)
	}
	school(t, db, "elsewhere")
	in(t, db, "elsewhere", func(ctx context.Context, tx database.Tx) error {
		theirs := sitting("theirs", s.now, s.now.Add(time.Hour))
		theirs.School = "elsewhere"
		return timetable.Add(ctx, tx, theirs)
	})
	words, err := page.NewWords(timetable.Words)
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(bytes.Repeat([]byte("k"), journal.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	s.routes = page.NewRoutes(&page.Site{Words: words, Log: slog.New(slog.DiscardHandler), Viewer: func(*http.Request) (page.Viewer, bool) { return s.as, s.as.Role != "" }})
	(&timetable.Pages{DB: db, Journal: j, Now: func() time.Time { return s.now },
		Called: func(context.Context, database.Tx, string, []string) (map[string]bool, error) { return s.called, nil }}).Register(s.routes)
	return s
}

func (s *site) signIn(person string, role page.Role) {
	s.as = page.Viewer{ID: person, Account: "a-" + person, School: s.town.School.ID, Role: role, Name: person, Zone: s.town.Tuesday.Location()}
}

func (s *site) get(path string, status int) string {
	s.t.Helper()
	return s.answer(httptest.NewRequest("GET", path, nil), status)
}

func (s *site) post(path string, status int, fields ...string) string {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.answer(r, status)
}

func (s *site) upload(file string, status int, fields ...string) string {
	s.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		m.WriteField(fields[i], fields[i+1])
	}
	if file != "" {
		w, _ := m.CreateFormFile("file", "edt.ics")
		w.Write([]byte(file))
	}
	m.Close()
	r := httptest.NewRequest("POST", "/timetable/calendar", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	return s.answer(r, status)
}

// answer gives the page in plain characters, or where a redirect leads.
func (s *site) answer(r *http.Request, status int) string {
	s.t.Helper()
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	s.routes.ServeHTTP(w, r)
	if w.Code != status {
		s.t.Fatalf("%s %s: %d, want %d\n%s", r.Method, r.URL, w.Code, status, page.Plain(w.Body.String()))
	}
	if to := w.Header().Get("Location"); to != "" {
		return to
	}
	text := page.Plain(w.Body.String())
	if strings.Contains(text, "timetable.") {
		s.t.Errorf("%s shows a key: %s", r.URL, regexp.MustCompile(`timetable\.[\w.-]+`).FindString(text))
	}
	if strings.Contains(text, "style=") || strings.Contains(text, "<style") || strings.Contains(text, "onclick") {
		s.t.Errorf("%s has a style or script of its own", r.URL)
	}
	return text
}

func (s *site) sees(text string, wanted ...string) {
	s.t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			s.t.Errorf("the page does not say %q:\n%s", w, text)
		}
	}
}

func (s *site) ofDay(day string) (all []timetable.Sitting) {
	s.t.Helper()
	in(s.t, s.db, s.town.School.ID, func(ctx context.Context, tx database.Tx) (err error) {
		all, err = timetable.OfDay(ctx, tx, s.town.School.ID, day)
		return err
	})
	return all
}

func TestDayPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, databasetest.SQLite(t))
	s.signIn("roy", page.Teacher)
	s.sees(s.get("/timetable", 200), "Votre emploi du temps", "Mardi 24 novembre", "Mathématiques · 2de 3", "8 h 05 – 9 h 00", "salle A103", `href="/roll/maths"`, "Français")
	if text := s.get("/timetable", 200); strings.Contains(text, "/timetable/sittings/maths") || strings.Contains(text, "Histoire") {
		t.Error("a teacher is offered what is the office's, or somebody else's lesson as hers")
	}
	s.sees(s.get("/timetable?class=1re5", 200), "Emploi du temps : 1re 5", "Histoire-géographie", "Samir Aubertin")
	s.sees(s.get("/timetable?day=2026-11-25", 200), "Pas de cours ce jour-là", "day=2026-11-26", "day=2026-11-24")
	s.sees(s.get("/timetable?day=nonsense", 200), "Mathématiques")
	s.sees(s.get("/timetable?done=nonsense", 200), "Mathématiques")
	s.get("/timetable?class=g", 404) // another school's
	s.get("/timetable?staff=kerbrat", 404)

	s.signIn("cpe", page.CPE)
	s.sees(s.get("/timetable", 200), "Emploi du temps : 1re 5") // the first class
	s.sees(s.get("/timetable?staff=roy", 200), "Camille Roy", `href="/timetable/sittings/maths"`, "/timetable/closures")
	s.as.Lang = "en"
	s.sees(s.get("/timetable?staff=roy", 200), "Timetable: Camille Roy", "8:05 – 9:00")
}

func TestAddSitting(t *testing.T) {
	t.Parallel()
	s := newSite(t, databasetest.SQLite(t))
	s.signIn("cpe", page.CPE)
	s.sees(s.get("/timetable/new?day=2026-11-26&class=2de3", 200), `value="2026-11-26"`, "Qui fait l'appel", "Yanis Kerbrat")
	good := []string{"class", "2de3", "label", "Théâtre", "kind", "lesson", "day", "2026-11-26", "from", "10:15", "until", "11:10", "room", "B2", "staff", "roy"}
	for field, bad := range map[string]string{"class": "g", "label": " ", "kind": "party", "day": "demain", "from": "10h", "until": "10:15", "staff": "kerbrat", "short": "théâtre"} {
		s.sees(s.post("/timetable/new", 422, append(append([]string(nil), good...), field, bad)...), `id="f-`+field+`-error"`)
	}
	to := s.post("/timetable/new", 303, good...)
	if to != "/timetable?class=2de3&day=2026-11-26&done=added" {
		t.Errorf("leads to %s", to)
	}
	s.sees(s.get(to, 200), "Le cours est ajouté", "Théâtre", "10 h 15 – 11 h 10", "Camille Roy")
	all := s.ofDay("2026-11-26")
	if len(all) != 1 || all[0].ShortLabel != "théatre" || all[0].Source != timetable.FromPage {
		t.Fatalf("%+v", all)
	}
	// A second one at the same hour is said before it is done.
	s.sees(s.post("/timetable/new", 409, good...), "Rien n'est encore ajouté", "Ajouter quand même")
	if n := len(s.ofDay("2026-11-26")); n != 1 {
		t.Fatalf("%d sittings", n)
	}
	s.post("/timetable/new", 303, append(good, "anyway", "1")...)

	// A teacher adds for herself, whatever the form says.
	s.signIn("roy", page.Teacher)
	if text := s.get("/timetable/new", 200); strings.Contains(text, "Qui fait l'appel") {
		t.Error("a teacher chooses who calls the roll")
	}
	s.post("/timetable/new", 303, "class", "1re5", "label", "Soutien", "kind", "lesson", "day", "2026-11-27", "from", "10:15", "until", "11:10", "staff", "cpe")
	if all := s.ofDay("2026-11-27"); len(all) != 1 || !all[0].In("roy") || all[0].In("cpe") {
		t.Fatalf("%+v", all)
	}
}

func TestCallNow(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db)
		s.signIn("roy", page.Teacher)
		s.sees(s.get("/timetable/now", 200), "De 8 h 05 à 9 h 00", "Quelle classe")
		s.sees(s.post("/timetable/now", 422, "class", ""), `id="f-class-error"`)

		// Her own lesson of the class is there: no second one.
		if to := s.post("/timetable/now", 303, "class", "2de3"); to != "/roll/maths" {
			t.Errorf("leads to %s", to)
		}
		// A colleague's is: she is asked.
		s.sees(s.post("/timetable/now", 409, "class", "1re5"), "1re 5 a déjà cours en ce moment", `href="/roll/histoire"`, "quand même")
		if n := len(s.ofDay("2026-11-24")); n != 3 {
			t.Fatalf("%d sittings, want the 3 of the town", n)
		}
		to := s.post("/timetable/now", 303, "class", "1re5", "label", "Aide aux devoirs", "anyway", "1")
		var made timetable.Sitting
		for _, x := range s.ofDay("2026-11-24") {
			if "/roll/"+x.ID == to {
				made = x
			}
		}
		if made.ID == "" || made.Source != timetable.FromCall || !made.In("roy") || made.ShortLabel != "aide aux" ||
			made.StartsAt.Sub(s.town.Tuesday) != 5*time.Minute || made.EndsAt.Sub(s.town.Tuesday) != time.Hour {
			t.Fatalf("made %+v, leads to %s", made, to)
		}
		// A second press leads to the same roll.
		if again := s.post("/timetable/now", 303, "class", "1re5", "label", "Aide aux devoirs", "anyway", "1"); again != to {
			t.Errorf("a second press made %s beside %s", again, to)
		}
		// Not on a closed day.
		in(t, db, s.town.School.ID, func(ctx context.Context, tx database.Tx) error {
			return timetable.AddClosure(ctx, tx, timetable.Closure{School: s.town.School.ID, ID: "c", FromOn: "2026-11-24", UntilOn: "2026-11-24", Reason: "Neige"})
		})
		s.sees(s.post("/timetable/now", 409, "class", "2de3"), "Neige")
	})
}

func TestOfficeChanges(t *testing.T) {
	t.Parallel()
	s := newSite(t, databasetest.SQLite(t))
	s.signIn("roy", page.Teacher)
	s.get("/timetable/sittings/maths", 403)
	s.post("/timetable/sittings/maths/cancel", 403)
	s.get("/timetable/closures", 403)

	s.signIn("office", page.Secretary)
	s.sees(s.get("/timetable/sittings/maths", 200), `value="maths"`, "Mathématiques de 8 h 05 n'a pas lieu")
	s.sees(s.post("/timetable/sittings/maths/label", 422, "short", "théâtre"), `id="f-short-error"`, `value="théâtre"`)
	s.sees(s.get(s.post("/timetable/sittings/maths/label", 303, "short", "algebre"), 200), "est changé")
	s.sees(s.get(s.post("/timetable/sittings/maths/cancel", 303), 200), "n'a pas lieu")
	got := s.ofDay("2026-11-24")
	if got[1].ID != "maths" || got[1].ShortLabel != "algebre" || !got[1].CancelledAt.Equal(s.now) {
		t.Fatalf("%+v", got[1])
	}
	for _, other := range []string{"theirs", "none"} {
		s.get("/timetable/sittings/"+other, 404)
		s.post("/timetable/sittings/"+other+"/label", 404, "short", "x")
		s.post("/timetable/sittings/"+other+"/cancel", 404)
	}

	s.sees(s.post("/timetable/closures", 422, "from", "2026-12-19", "until", "2026-12-18", "reason", "x"), `id="f-until-error"`)
	s.sees(s.post("/timetable/closures", 422, "from", "", "reason", "x"), `id="f-from-error"`)
	s.sees(s.post("/timetable/closures", 422, "from", "2026-12-19"), `id="f-reason-error"`)
	s.post("/timetable/closures", 303, "from", "2026-12-19", "until", "2027-01-03", "reason", "Vacances de Noël")
	s.post("/timetable/closures", 303, "from", "2026-12-08", "reason", "Neige")
	text := s.get("/timetable/closures", 200)
	s.sees(text, "du 19 décembre 2026 au 3 janvier 2027", "8 décembre 2026", "Neige")
	s.sees(s.get("/timetable?class=2de3&day=2026-12-24", 200), "fermé", "Vacances de Noël")
	s.sees(s.post("/timetable/new", 422, "class", "2de3", "label", "x", "kind", "lesson", "day", "2026-12-24", "from", "10:15", "until", "11:10"), `id="f-day-error"`)
	remove := regexp.MustCompile(`/timetable/closures/[^/]+/remove`).FindAllString(text, -1)
	if len(remove) != 2 {
		t.Fatalf("%v", remove)
	}
	s.post(remove[0], 303)
	s.post(remove[0], 404)
	if text := s.get("/timetable/closures", 200); strings.Contains(text, "Neige") {
		t.Error("the closure is still there")
	}
}

func TestBringCalendar(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db)
		file := calendar(
			"UID:a\nDTSTART;TZID=Europe/Paris:20261126T080500\nDURATION:PT55M\nSUMMARY:2de 3 - Mathématiques\nRRULE:FREQ=WEEKLY;COUNT=2",
			"UID:b\nDTSTART;VALUE=DATE:20261126\nSUMMARY:Réunion",
			"UID:c\nDTSTART;TZID=Europe/Paris:20261126T103000\nDURATION:PT55M\nSUMMARY:Concertation")
		s.signIn("roy", page.Teacher)
		s.get("/timetable/calendar", 200)
		// A teacher brings her own, whatever the form says.
		s.sees(s.upload(file, 200, "target", "staff:cpe"), "2 cours ajoutés", "1 événement sans heure", "1 événement où aucune classe n'est reconnue", "ligne 16")
		if all := s.ofDay("2026-11-26"); len(all) != 1 || !all[0].In("roy") || all[0].In("cpe") || all[0].ShortLabel != "maths" {
			t.Fatalf("%+v", all)
		}
		s.sees(s.upload(file, 200), "0 cours ajouté", "2 cours inchangés")
		s.sees(s.upload("", 422), `id="f-file-error"`, "Choisissez un fichier")
		s.sees(s.upload("<html>", 422), "n'est pas un calendrier", "ligne 1")
		s.post("/timetable/calendar", 422, "target", "staff:roy")

		s.signIn("cpe", page.CPE)
		s.sees(s.upload(file, 422, "target", "class:g"), `id="f-target-error"`)
		s.sees(s.upload(file, 422, "target", "everybody"), `id="f-target-error"`)
		s.sees(s.upload(file, 200, "target", "class:2de3"), "1 cours ajouté", "2 cours inchangés")
		for _, x := range s.ofDay("2026-11-26") {
			s.called[x.ID] = true
		}
		s.sees(s.upload(strings.ReplaceAll(file, "T080500", "T090500"), 200, "target", "class:2de3"), "1 cours modifié", "1 cours gardé tel quel")
		if all := s.ofDay("2026-11-26"); all[0].StartsAt.In(s.as.Zone).Hour() != 8 {
			t.Fatal("a sitting whose roll was saved has moved")
		}
	})
}

// Nobody but staff, and nobody of another school, gets anywhere.
func TestRolesOfPages(t *testing.T) {
	t.Parallel()
	s := newSite(t, databasetest.SQLite(t))
	staff := map[page.Role]bool{page.Head: true, page.CPE: true, page.Secretary: true, page.Teacher: true}
	// A supervisor adds the sitting that they are in charge of; they change nobody's.
	adds := []string{"GET /timetable", "GET /timetable/new", "POST /timetable/new", "GET /timetable/now", "POST /timetable/now", "GET /timetable/calendar", "POST /timetable/calendar"}
	for _, route := range s.routes.All() {
		if !strings.Contains(route.Pattern, "/timetable") {
			continue
		}
		for _, role := range page.Roles() {
			if route.Rule.Allows(role) && !staff[role] && !(role == page.Supervisor && slices.Contains(adds, route.Pattern)) {
				t.Errorf("%s is open to %s", route.Pattern, role)
			}
		}
		if route.Rule.Public() {
			t.Errorf("%s is open to anyone", route.Pattern)
		}
	}
}

func TestDirectoryOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t, databasetest.SQLite(t))
	in(t, s.db, s.town.School.ID, func(ctx context.Context, tx database.Tx) error {
		var more []directory.Group
		for _, label := range []string{"2de 10", "2de 9", "2de 03"} {
			more = append(more, directory.Group{School: s.town.School.ID, ID: label, Kind: "class", Code: label, Label: label})
		}
		return directory.Add(ctx, tx, directory.Batch{Groups: more})
	})
	s.signIn("cpe", page.CPE)
	text := s.get("/timetable/new", 200)
	last := 0
	for _, label := range []string{">1re 5<", ">2de 3<", ">2de 9<", ">2de 10<"} {
		i := strings.Index(text, label)
		if i < last {
			t.Fatalf("%s is out of order", label)
		}
		last = i
	}
}
