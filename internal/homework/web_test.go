package homework

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// school is the small town the evening before its Tuesday's mathematics at 08:05 (Camille Roy,
// with Léa). The cookie "as" says who looks.
type school struct {
	t      *testing.T
	now    time.Time
	zone   *time.Location
	server *httptest.Server
	db     *database.DB
}

var roles = map[string]page.Role{"roy": page.Teacher, "stranger": page.Teacher, "head": page.Head, "cpe": page.CPE, "office": page.Secretary, "supervisor": page.Supervisor, "nadia": page.Guardian, "ronan": page.Guardian, "sylvie": page.Guardian}

func each(t *testing.T, fn func(*school)) {
	t.Helper()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		town := fictional.Small(time.Time{})
		s := &school{t: t, db: db, zone: town.Tuesday.Location(), now: town.Tuesday.Add(-12 * time.Hour)}
		j, err := journal.New(make([]byte, journal.MinKey))
		if err != nil {
			t.Fatal(err)
		}
		if err := fictional.Save(t.Context(), db, town); err != nil {
			t.Fatal(err)
		}
		other := town.School
		other.ID, other.UAI, other.Name, other.ShortName = "elsewhere", "9990042X", "Lycée Ailleurs", "Lycee Ailleurs"
		if err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error { return directory.AddSchool(ctx, tx, other) }); err != nil {
			t.Fatal(err)
		}
		words, err := page.NewWords(Words)
		if err != nil {
			t.Fatal(err)
		}
		routes := page.NewRoutes(&page.Site{Words: words, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Zone: s.zone, Viewer: func(r *http.Request) (page.Viewer, bool) {
			c, err := r.Cookie("as")
			if err != nil {
				return page.Viewer{}, false
			}
			v := page.Viewer{ID: c.Value, Account: "a-" + c.Value, School: town.School.ID, Role: page.Pupil, Name: c.Value, Zone: s.zone}
			if role, ok := roles[c.Value]; ok {
				v.Role = role
			}
			if c.Value == "elsewhere" { // the head of another school
				v.School, v.Role = "elsewhere", page.Head
			}
			return v, true
		}})
		(&Pages{DB: db, Journal: j, Now: func() time.Time { return s.now }}).Register(routes)
		s.server = httptest.NewServer(routes)
		t.Cleanup(s.server.Close)
		fn(s)
	})
}

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
	return res.StatusCode, page.Plain(string(body))
}

func (s *school) do(as, what string, status int, fields ...string) {
	s.t.Helper()
	if got, body := s.ask(as, "POST", "/lesson/maths/"+what, fields...); got != status {
		s.t.Fatalf("%s %s %v: %d, want %d: %s", as, what, fields, got, status, body)
	}
}

const secret = "le théorème de Thalès"

// Prepared ahead, read from the hour on, and only by those whose lesson it is.
func TestPreparedAheadAndReleasedAtTheHour(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		reads := func(as string, status int, text bool) {
			t.Helper()
			got, body := s.ask(as, "GET", "/lesson/maths")
			if got != status || strings.Contains(body, secret) != text {
				t.Errorf("at %s %s: %d, text %v; want %d, %v", s.now, as, got, strings.Contains(body, secret), status, text)
			}
		}
		nobody := func() {
			t.Helper()
			for _, as := range []string{"sami", "ronan", "stranger", "cpe", "office", "supervisor", "elsewhere"} {
				reads(as, http.StatusNotFound, false)
			}
		}
		s.do("roy", "step", http.StatusSeeOther, "title", "Lire", "text", "Voici **"+secret+"**.")
		reads("roy", http.StatusOK, true)
		s.do("roy", "release", http.StatusSeeOther, "at", "2026-11-24T08:05")
		for _, as := range []string{"lea", "nadia", "sylvie", "head"} {
			reads(as, http.StatusOK, false)
		}
		nobody()
		s.now = time.Date(2026, 11, 24, 8, 4, 59, 0, s.zone)
		reads("lea", http.StatusOK, false)
		s.now = s.now.Add(time.Second)
		for _, as := range []string{"roy", "lea", "nadia", "sylvie", "head"} {
			reads(as, http.StatusOK, true)
		}
		nobody()
		if _, body := s.ask("lea", "GET", "/lesson/maths"); strings.Contains(body, "<form class=\"form\"") {
			t.Error("a pupil is shown a form")
		}
		s.do("roy", "release", http.StatusSeeOther, "do", "back")
		reads("lea", http.StatusOK, false)
	})
}

// Nobody else writes, and what is refused is shown again and not kept.
func TestWhoWrites(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.do("roy", "step", http.StatusSeeOther, "title", "Un", "text", secret)
		for _, what := range []string{"step", "remove", "release"} {
			fields := []string{"title", "Intrus", "text", "intrus", "n", "1", "do", "now"}
			for _, as := range []string{"stranger", "head", "cpe", "office", "supervisor", "elsewhere"} {
				s.do(as, what, http.StatusNotFound, fields...)
			}
			for _, as := range []string{"lea", "sami", "nadia"} {
				s.do(as, what, http.StatusForbidden, fields...)
			}
		}
		s.do("roy", "step", http.StatusUnprocessableEntity, "title", "", "text", "à garder")
		if _, body := s.ask("roy", "POST", "/lesson/maths/step", "title", "", "text", "à garder"); !strings.Contains(body, "à garder</textarea>") {
			t.Error("what was typed is lost")
		}
		s.do("roy", "step", http.StatusUnprocessableEntity, "title", "Long", "text", strings.Repeat("é", mostText+1))
		s.do("roy", "step", http.StatusNotFound, "n", "9", "title", "Neuf", "text", "neuf")
		s.do("roy", "step", http.StatusNotFound, "n", "x", "title", "Neuf", "text", "neuf")
		s.do("roy", "release", http.StatusUnprocessableEntity, "at", "demain")
		s.do("roy", "step", http.StatusSeeOther, "title", "Deux", "text", "deux")
		s.do("roy", "step", http.StatusSeeOther, "n", "1", "title", "Premier", "text", "autre")
		_, body := s.ask("roy", "GET", "/lesson/maths")
		if !strings.Contains(body, "1. Premier") || !strings.Contains(body, "2. Deux") || strings.Contains(body, "ntrus") || strings.Contains(body, secret) {
			t.Error(body)
		}
		s.do("roy", "remove", http.StatusSeeOther, "n", "1")
		s.do("roy", "remove", http.StatusNotFound, "n", "1")
		if _, body = s.ask("roy", "GET", "/lesson/maths"); !strings.Contains(body, "1. Deux") {
			t.Error(body)
		}
		for range mostSteps - 1 {
			s.do("roy", "step", http.StatusSeeOther, "title", "Encore", "text", "encore")
		}
		s.do("roy", "step", http.StatusConflict, "title", "Trop", "text", "trop")
	})
}
