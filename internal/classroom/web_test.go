package classroom

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// school is the small town at 08:07 of its Tuesday. Léa, Malo and Awa are at home; mathematics
// (Camille Roy) is their class at 08:05. The cookie "as" says who looks.
type school struct {
	t      *testing.T
	db     *database.DB
	town   fictional.Town
	now    time.Time
	zone   *time.Location
	pages  *Pages
	server *httptest.Server
	roles  map[string]page.Role // of whoever has another than usual
}

func each(t *testing.T, fn func(*school)) {
	t.Helper()
	databasetest.Each(t, func(t *testing.T, db *database.DB) { fn(newSchool(t, db)) })
}

func newSchool(t *testing.T, db *database.DB) *school {
	t.Helper()
	s := &school{t: t, db: db, town: fictional.Small(time.Time{})}
	s.zone = s.town.Tuesday.Location()
	s.now = s.town.Tuesday.Add(7 * time.Minute)
	j, err := journal.New(make([]byte, journal.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	if err := fictional.Save(t.Context(), db, s.town); err != nil {
		t.Fatal(err)
	}
	s.write(func(ctx context.Context, tx database.Tx) error {
		_, err := timetable.OpenHome(ctx, tx, timetable.Home{School: s.town.School.ID, Reason: "illness", FromOn: "2026-11-24", UntilOn: "2026-11-24", OpenedBy: "a-head", Pupils: []string{"lea", "malo", "awa"}}, s.now, s.zone)
		return err
	})
	words, err := page.NewWords(Words, attendance.Words)
	if err != nil {
		t.Fatal(err)
	}
	routes := page.NewRoutes(&page.Site{Words: words, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Zone: s.zone, Viewer: s.viewer})
	s.pages = &Pages{DB: db, Journal: j, Now: func() time.Time { return s.now }, Node: "here", Evidence: &Evidence{Machine: func() time.Time { return s.now }}}
	s.pages.Register(routes)
	(&attendance.Pages{DB: db, Journal: j, Now: s.pages.Now, Propose: s.pages.Propose}).Register(routes)
	s.server = httptest.NewServer(routes)
	t.Cleanup(func() { s.pages.EndStreams(); s.server.Close() })
	return s
}

func (s *school) viewer(r *http.Request) (page.Viewer, bool) {
	c, err := r.Cookie("as")
	if err != nil {
		return page.Viewer{}, false
	}
	return viewerOf(s, c.Value), true
}

func viewerOf(s *school, person string) page.Viewer {
	role := page.Pupil
	switch person {
	case "roy":
		role = page.Teacher
	case "cpe":
		role = page.CPE
	case "nadia":
		role = page.Guardian
	}
	if other, ok := s.roles[person]; ok {
		role = other
	}
	return page.Viewer{ID: person, Account: "a-" + person, School: s.town.School.ID, Role: role, Name: person, Zone: s.zone}
}

// A study hall is a sitting of a supervisor's: whoever is in charge opens the class, also who is
// no teacher.
func TestASupervisorOpensTheirClass(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.roles = map[string]page.Role{"roy": page.Supervisor}
		status, body := s.ask("roy", "GET", "/class/maths")
		if status != http.StatusOK || !strings.Contains(body, "part-teacher") {
			t.Errorf("%d: %s", status, page.Plain(body))
		}
	})
}

func (s *school) write(fn func(context.Context, database.Tx) error) {
	s.t.Helper()
	if err := s.db.InSchool(s.t.Context(), s.town.School.ID, fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *school) read(fn func(context.Context, database.Tx) error) {
	s.t.Helper()
	if err := s.db.Read(s.t.Context(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// ask sends a request as somebody, and gives the status and the body.
func (s *school) ask(as, method, path string, fields ...string) (int, string) {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "as", Value: as})
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (s *school) get(as string) string {
	s.t.Helper()
	status, body := s.ask(as, "GET", "/class/maths")
	if status != 200 {
		s.t.Fatalf("%s: %d", as, status)
	}
	return body
}

func (s *school) do(as, what string, status int, fields ...string) {
	s.t.Helper()
	if got, _ := s.ask(as, "POST", "/class/maths/"+what, fields...); got != status {
		s.t.Fatalf("%s %s %v: %d, want %d", as, what, fields, got, status)
	}
}

// A class is entered by account, from its sitting: who is in charge and who is enrolled. Nobody
// else is told more than that it is not theirs; they ask, wait, and enter when the teacher opens.
func TestWhoEnters(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		inside := func(as string) bool {
			return strings.Contains(s.get(as), `sse-connect="/class/maths/events?page=`) && !strings.Contains(s.get(as), "Votre demande")
		}
		if !strings.Contains(page.Plain(s.get("lea")), "Le professeur n'est pas encore là") {
			t.Error("Léa's arrival is noted before her teacher's")
		}
		if !inside("roy") || !inside("malo") || inside("sami") || inside("nadia") || inside("cpe") {
			t.Error("who enters")
		}
		s.now = s.now.Add(time.Minute)
		for _, as := range []string{"sami", "nadia"} {
			s.do(as, "hand", 403)
			s.do(as, "say", 403, "words", "bonjour")
			if status, _ := s.ask(as, "GET", "/class/maths/events"); status != 403 {
				t.Errorf("%s listens at the door: %d", as, status)
			}
			s.do(as, "ask", 303)
			if inside(as) {
				t.Errorf("%s enters by asking", as)
			}
		}
		if body := s.get("roy"); !strings.Contains(body, "Sami Benali") || !strings.Contains(body, "Nadia Benali") {
			t.Error("the teacher does not see who asks")
		}
		if body := s.get("lea"); strings.Contains(body, "Sami") || strings.Contains(body, "Nadia") {
			t.Error("a pupil sees who waits")
		}
		s.do("roy", "person", 303, "person", "sami", "to", "in")
		s.do("roy", "person", 303, "person", "nadia", "to", "refused")
		if !inside("sami") || inside("nadia") {
			t.Error("what the teacher said to them")
		}
		// Locked: who was there comes back, who was not asks.
		s.do("roy", "lock", 303)
		if !inside("lea") || inside("ewen") {
			t.Error("a locked class")
		}
		s.do("ewen", "ask", 303)
		s.do("roy", "lock", 303, "lock", "no")
		if !inside("ewen") {
			t.Error("unlocked, and still outside")
		}
		// Taken out: neither by the page, nor by asking, nor by acting.
		s.do("roy", "person", 303, "person", "lea", "to", "removed")
		s.do("lea", "ask", 303)
		s.do("lea", "hand", 403)
		if inside("lea") {
			t.Error("taken out, and inside")
		}
		s.do("roy", "person", 303, "person", "lea", "to", "in")
		if !inside("lea") {
			t.Error("let back, and outside")
		}
		s.do("roy", "end", 303)
		if inside("malo") || !inside("roy") {
			t.Error("a class that is over")
		}
	})
}

// A class that is nobody's at home, too early, over, or of another school has no door.
func TestNoClass(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		if status, body := s.ask("sami", "GET", "/class/histoire"); status != 200 || !strings.Contains(page.Plain(body), "il a lieu en salle") {
			t.Error("a lesson that nobody follows from home", status)
		}
		if status, body := s.ask("lea", "GET", "/class/francais"); status != 200 || !strings.Contains(page.Plain(body), "La classe ouvre à") {
			t.Error("an hour before", status)
		}
		if status, _ := s.ask("lea", "GET", "/class/unknown"); status != 404 {
			t.Error(status)
		}
		s.now = s.now.Add(2 * time.Hour)
		if !strings.Contains(s.get("lea"), "La classe est finie") {
			t.Error("after it")
		}
	})
}

// A pupil acts on nobody: each deed of the teacher's is refused to every pupil, to guests, and
// to a teacher who is not in charge; a pupil lowers no hand but their own.
func TestAPupilActsOnNobody(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.get("roy")
		s.get("lea")
		s.get("malo")
		s.do("lea", "hand", 303)
		s.do("roy", "talk", 303, "talk", "all")
		s.do("lea", "say", 303, "words", "bonjour")
		for _, as := range []string{"lea", "malo", "sami", "nadia", "cpe"} {
			for what, fields := range map[string][]string{"talk": {"talk", "off"}, "lock": nil, "end": nil, "person": {"person", "lea", "to", "removed"}, "lower": {"n", "1"}, "hide": {"n", "1"}} {
				if status, _ := s.ask(as, "POST", "/class/maths/"+what, fields...); status != 403 {
					t.Errorf("%s does %s: %d", as, what, status)
				}
			}
		}
		s.do("malo", "hand", 303, "up", "no", "n", "1", "person", "lea")
		if body := s.get("malo"); !strings.Contains(body, "Léa B.") || !strings.Contains(body, "bonjour") {
			t.Error("Léa's hand and words are there")
		}
		s.do("roy", "person", 404, "person", "roy", "to", "removed")
	})
}

// Hands stand in the order in which they were raised, each once.
func TestHandsInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.get("roy")
		order := []string{"malo", "lea", "awa"}
		for _, as := range order {
			s.get(as)
			s.do(as, "hand", 303)
		}
		s.do("malo", "hand", 303) // again: it stays where it is
		up := func() (out []string) {
			s.read(func(ctx context.Context, tx database.Tx) error {
				rows, err := hands(ctx, tx, s.town.School.ID, "maths")
				for _, h := range rows {
					out = append(out, h.Person)
				}
				return err
			})
			return out
		}
		if got := up(); !slices.Equal(got, order) {
			t.Errorf("%v", got)
		}
		s.do("malo", "hand", 303, "up", "no")
		s.do("malo", "hand", 303)
		if got := up(); !slices.Equal(got, []string{"lea", "awa", "malo"}) {
			t.Errorf("%v", got)
		}
		s.do("roy", "lower", 303, "n", "3")
		s.do("roy", "person", 303, "person", "lea", "to", "removed")
		if got := up(); !slices.Equal(got, []string{"malo"}) {
			t.Errorf("%v", got)
		}
	})
}

// Words go where the teacher lets them: nowhere, to the teacher, to all; what is hidden is read
// by the teacher alone; who writes is who is signed in.
func TestWords(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.get("roy")
		s.get("lea")
		s.get("malo")
		s.do("lea", "say", 409, "words", "trop tôt")
		s.do("roy", "talk", 303, "talk", "teacher")
		s.do("lea", "say", 303, "words", "une question\u202eretournée", "person", "malo")
		s.do("lea", "say", 422, "words", "trop vite")
		s.now = s.now.Add(2 * time.Second)
		s.do("lea", "say", 422, "words", strings.Repeat("x", mostWords+1))
		s.do("lea", "say", 422, "words", " \n ")
		if body := s.get("roy"); !strings.Contains(body, "une questionretournée") || !strings.Contains(body, "Léa B.") {
			t.Error("the teacher does not read it")
		}
		if strings.Contains(s.get("malo"), "retournée") {
			t.Error("another pupil reads what was for the teacher")
		}
		s.do("roy", "talk", 303, "talk", "all")
		s.do("malo", "say", 303, "words", "<script>x</script>")
		if body := s.get("lea"); !strings.Contains(body, "&lt;script&gt;") || strings.Contains(body, "<script>x") {
			t.Error("words are words")
		}
		s.do("roy", "hide", 303, "n", "2")
		s.do("roy", "hide", 404, "n", "9")
		if strings.Contains(s.get("lea"), "&lt;script&gt;") || strings.Contains(s.get("malo"), "&lt;script&gt;") || !strings.Contains(s.get("roy"), "&lt;script&gt;") {
			t.Error("hidden from all but the teacher")
		}
		// Kept with the lesson.
		s.do("roy", "end", 303)
		if !strings.Contains(s.get("roy"), "une questionretournée") {
			t.Error("gone with the end of the class")
		}
	})
}

// An open page hears that something changed, and a removal ends its line at once.
func TestLines(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.get("roy")
		s.get("lea")
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.server.URL+"/class/maths/events?page=one", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "as", Value: "lea"})
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		heard := func() bool {
			for lines.Scan() {
				if lines.Text() == "event: class" {
					return true
				}
			}
			return false
		}
		if !heard() {
			t.Fatal("a line begins by saying that something may have changed")
		}
		s.do("roy", "talk", 303, "talk", "all")
		if !heard() {
			t.Fatal("it does not hear of a change")
		}
		s.do("roy", "person", 303, "person", "lea", "to", "removed")
		for heard() { // says so, and ends
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
		if status, _ := s.ask("lea", "GET", "/class/maths/events?page=one"); status != 403 {
			t.Errorf("taken out, and listens again: %d", status)
		}
	})
}
