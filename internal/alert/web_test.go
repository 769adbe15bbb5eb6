package alert_test

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// site is the pages of this package around a morning. The cookie "as" says who looks:
// ROLE:PERSON, of the morning's school or of SCHOOL in ROLE:PERSON:SCHOOL.
type site struct {
	*morning
	server *httptest.Server
	pages  *alert.Pages
	routes *page.Routes
	zone   *time.Location
	broken atomic.Bool // nothing answers
}

func newSite(m *morning) *site {
	m.t.Helper()
	zone, err := m.town.School.Location()
	if err != nil {
		m.t.Fatal(err)
	}
	words, err := page.NewWords(alert.Words, attendance.Words)
	if err != nil {
		m.t.Fatal(err)
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		m.t.Fatal(err)
	}
	s := &site{morning: m, zone: zone}
	s.routes = page.NewRoutes(&page.Site{Words: words, Assets: assets, Zone: zone, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Viewer: s.viewer})
	pages := &alert.Pages{DB: m.db, Alert: m.alert, Now: func() time.Time { return m.now }, Actors: actors,
		// One adult, so that the operator may be the second person.
		Adults: func(context.Context, database.Tx, string) (int, error) { return 1, nil }}
	s.pages = pages
	pages.Register(s.routes)
	show := func(pattern string, rule page.Rule, width page.Width, read func(context.Context, database.Tx) (templ.Component, error)) {
		s.routes.Handle(pattern, rule, func(w http.ResponseWriter, r *http.Request) error {
			var c templ.Component
			err := m.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
				c, err = read(ctx, tx)
				return err
			})
			if err != nil {
				return err
			}
			return page.Show(w, r, http.StatusOK, alert.FrameForTest(c, width))
		})
	}
	show("GET /office", page.SchoolOffice(), page.Wide, func(ctx context.Context, tx database.Tx) (templ.Component, error) {
		return pages.Office(ctx, tx, page.ReturnPath(ctx))
	})
	show("GET /guardian", page.Only(page.Guardian), page.Narrow, pages.Guardian)
	show("GET /pupil", page.Only(page.Pupil), page.Narrow, pages.Pupil)
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.broken.Load() {
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		s.routes.ServeHTTP(w, r)
	}))
	m.t.Cleanup(s.server.Close)
	return s
}

// withRolls adds the pages of rolls and statements, to which the board's buttons lead.
func (s *site) withRolls() *site {
	(&attendance.Pages{DB: s.db, Journal: s.journal, Now: func() time.Time { return s.now }, Saved: s.settle}).Register(s.routes)
	return s
}

func (s *site) viewer(r *http.Request) (page.Viewer, bool) {
	cookie, err := r.Cookie("as")
	if err != nil {
		return page.Viewer{}, false
	}
	parts := strings.Split(cookie.Value, ":")
	v := page.Viewer{Role: page.Role(parts[0]), ID: parts[1], Account: "a-" + parts[1], School: s.school, SchoolName: s.town.School.Name, Zone: s.zone, Name: parts[1]}
	if len(parts) > 2 {
		v.School = parts[2]
	}
	if v.Role == page.Operator {
		v.School = ""
	}
	return v, true
}

// actors names the accounts that mornings use.
func actors(_ context.Context, _ database.Tx, _ string, ids []string) (map[string]alert.Actor, error) {
	out := map[string]alert.Actor{}
	for _, id := range ids {
		switch id {
		case "teacher":
			out[id] = alert.Actor{Name: "Camille Roy", Role: page.Teacher}
		case "a-office":
			out[id] = alert.Actor{Name: "Odile Ferrand", Role: page.Secretary}
		}
	}
	return out, nil
}

// get reads a page as somebody and gives its status and its text with plain spaces.
func (s *site) get(as, path string, headers ...string) (int, string) {
	s.t.Helper()
	return s.do(http.MethodGet, as, path, nil, headers...)
}

func (s *site) post(as, path string, fields ...string) (int, string) {
	s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return s.do(http.MethodPost, as, path, strings.NewReader(form.Encode()), "Content-Type", "application/x-www-form-urlencoded")
}

func (s *site) do(method, as, path string, body io.Reader, headers ...string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "as", Value: as})
	}
	r.Header.Set("Accept-Language", "fr")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return resp.StatusCode, "" // it ends when its reader goes
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	text := string(b)
	if location := resp.Header.Get("Location"); location != "" {
		text = "→ " + location + "\n" + text
	}
	return resp.StatusCode, page.Plain(html.UnescapeString(text))
}

func TestBoardAsAPage(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		status, text := s.get("secretary:office", "/office")
		if status != http.StatusOK {
			t.Fatal(status, text)
		}
		for _, want := range []string{"Ce matin : 1 absent sur 6", "BENALI Léa", "2 responsables"} {
			if !strings.Contains(text, want) {
				t.Errorf("the board does not say %q:\n%s", want, text)
			}
		}
	})
}
