package notices_test

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// site serves this package's pages to whoever a cookie says: "role:person[:school]".
type site struct {
	*world
	routes *page.Routes
	server *httptest.Server
	zone   *time.Location
}

func newSite(w *world) *site {
	w.t.Helper()
	s := &site{world: w}
	var err error
	if s.zone, err = w.town.School.Location(); err != nil {
		w.t.Fatal(err)
	}
	words, err := page.NewWords(notices.Words)
	if err != nil {
		w.t.Fatal(err)
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		w.t.Fatal(err)
	}
	bar := func(ctx context.Context) (b page.Bar) {
		v, ok := page.ViewerFrom(ctx)
		if !ok || !page.SchoolOffice().Allows(v.Role) && v.Role != page.Operator {
			return b
		}
		w.in(func(_ context.Context, tx database.Tx) (err error) {
			if b.Banners, err = w.notices.Banners(ctx, tx, v.School); v.Role == page.Operator {
				b.Banners, err = w.notices.OperatorBanners(ctx, tx)
			}
			return err
		})
		return b
	}
	s.routes = page.NewRoutes(&page.Site{Words: words, Assets: assets, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Viewer: s.viewer, Bar: bar, Zone: s.zone, Version: "test"})
	(&notices.Pages{DB: w.db, Notices: w.notices, Now: func() time.Time { return w.now }}).Register(s.routes)
	s.server = httptest.NewServer(s.routes)
	w.t.Cleanup(s.server.Close)
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
		v.School, v.ID = "", ""
	}
	return v, true
}

func (s *site) get(as, path string) (int, string) { return s.do(http.MethodGet, as, path, nil) }

// post sends a form; fields may repeat.
func (s *site) post(as, path string, fields ...string) (int, string) {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return s.do(http.MethodPost, as, path, form)
}

func (s *site) do(method, as, path string, form url.Values) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "as", Value: as})
	}
	r.Header.Set("Accept-Language", "fr")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	text := page.Plain(html.UnescapeString(string(b)))
	if to := resp.Header.Get("Location"); to != "" {
		text = "→ " + to + "\n" + text
	}
	return resp.StatusCode, text
}

// hidden reads the fields of the form whose button says label.
func hidden(t *testing.T, text, label string) (fields []string) {
	t.Helper()
	at := strings.Index(text, label)
	if at < 0 {
		t.Fatalf("no button %q in\n%s", label, text)
	}
	form := text[strings.LastIndex(text[:at], "<form"):at]
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		fields = append(fields, m[1], m[2])
	}
	return fields
}

// From the list to the last message, as two people do it.
func TestAnAnnouncementOnThePages(t *testing.T) {
	both(t, func(w *world) {
		s := newSite(w)
		status, text := s.get("head:head", "/notices")
		if status != http.StatusOK || !strings.Contains(text, "/notices/new?text=strike") || !strings.Contains(text, "C'est l'ordinaire") {
			t.Fatal(status, text)
		}
		if _, text := s.get("secretary:office", "/notices"); strings.Contains(text, "/notices/new") {
			t.Error("the office is offered what it may not do")
		}
		_, text = s.get("head:head", "/notices/new?text=strike&choice=canteen&day=2026-11-26&level=whole+school")
		for _, want := range []string{"Lycee Alice-Guy: grève jeudi 26/11. La cantine est fermée: prévoyez un repas.", "Grève jeudi 26/11", "Demander l'envoi à 5 personnes", "4 SMS, 4 e-mails", "1 responsable n'a ni mobile", "Strike on Thursday 26 November"} {
			if !strings.Contains(text, want) {
				t.Errorf("the preview does not say %q:\n%s", want, text)
			}
		}
		status, to := s.post("head:head", "/notices", hidden(t, text, "Demander l'envoi à 5 personnes")...)
		path := strings.TrimSpace(strings.TrimPrefix(strings.SplitN(to, "\n", 2)[0], "→ "))
		if status != http.StatusSeeOther || !strings.HasPrefix(path, "/notices/") {
			t.Fatal(status, to)
		}
		if _, text := s.get("head:head", path); strings.Contains(text, "Envoyer à") || !strings.Contains(text, "C'est à une autre personne") {
			t.Errorf("who asked is offered the second button:\n%s", text)
		}
		if status, _ := s.post("head:head", path, "do", "confirm"); status != http.StatusForbidden {
			t.Errorf("who asked confirms: %d", status)
		}
		_, text = s.get("secretary:office", "/notices")
		if !strings.Contains(text, "Une annonce attend une seconde personne jusqu'à 8 h 30 : Grève.") || !strings.Contains(text, "Demandé par Hélène Marchetti à 8 h 00, à 5 personnes") {
			t.Errorf("the second person is not told:\n%s", text)
		}
		_, text = s.get("secretary:office", path)
		if status, _ := s.post("secretary:office", path, hidden(t, text, "Envoyer à 5 personnes")...); status != http.StatusSeeOther {
			t.Fatal(status)
		}
		if _, text := s.get("secretary:office", path); !strings.Contains(text, "Grève : en train de partir") || !strings.Contains(text, "Retirer : 8 messages ne sont pas partis") {
			t.Errorf("%s", text)
		}
		w.settle()
		if _, text := s.get("secretary:office", path); !strings.Contains(text, "Grève : 8 messages partis") || !strings.Contains(text, "Odile Ferrand a confirmé") || strings.Contains(text, "hx-get") {
			t.Errorf("%s", text)
		}
	})
}

// Forms are closed sets: nothing of a form reaches a text, a list or an address.
func TestNoListNoFilterNoAddress(t *testing.T) {
	both(t, func(w *world) {
		s := newSite(w)
		good := []string{"text", "closed", "choice", "plain", "day", "2026-11-25", "level", "whole school"}
		counted := func() string {
			var p notices.Preview
			w.in(func(ctx context.Context, tx database.Tx) (err error) {
				p, err = w.notices.Preview(ctx, tx, w.school, closedTomorrow, w.now)
				return err
			})
			return p.Counted
		}()
		for name, more := range map[string][]string{
			"two levels":      {"level", "1re"},
			"two texts":       {"text", "denial"},
			"two counts":      {"counted", "x"},
			"the same twice":  {"level", "whole school"},
			"two wordings":    {"choice", "home"},
			"a day twice":     {"day", "2026-11-26"},
			"an hour and day": {"hour", "08:00", "hour", "09:00"},
		} {
			if status, _ := s.post("head:head", "/notices", append(slices.Concat(good, []string{"counted", counted}), more...)...); status != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", name, status)
			}
		}
		for _, change := range [][2]string{
			{"level", ""}, {"level", "*"}, {"level", "%"}, {"level", "1RE"}, {"level", "2de,1re"}, {"level", "school"}, {"level", "whole  school"}, {"text", ""}, {"text", "absence"}, {"text", "*"}, {"choice", ""}, {"choice", "Votre enfant est absent"},
			{"day", ""}, {"day", "demain"}, {"day", "2026-11-23"}, {"day", "2026-12-09"}, {"day", "2026-02-30"},
		} {
			fields := slices.Clone(good)
			for i := 0; i < len(fields); i += 2 {
				if fields[i] == change[0] {
					fields[i+1] = change[1]
				}
			}
			if status, _ := s.post("head:head", "/notices", append(fields, "counted", counted)...); status != http.StatusUnprocessableEntity {
				t.Errorf("%s=%q: %d", change[0], change[1], status)
			}
		}
		for _, hour := range []string{"", "8h", "25:00", "08:60", "08:00 rendez-vous", "<b>"} {
			if status, _ := s.post("head:head", "/notices", "text", "confinement", "choice", "begins", "level", "whole school", "hour", hour, "counted", counted); status != http.StatusUnprocessableEntity {
				t.Errorf("hour %q: %d", hour, status)
			}
		}
		// Whatever else a form says is not read: it asks for exactly the same.
		status, to := s.post("head:head", "/notices", append(slices.Concat(good, []string{"counted", counted}), "to", "+33639980101", "pupil", "lea", "pupils", "*", "group", "2de3", "body", "Bonjour", "hour", "09:00", "message", "x")...)
		if status != http.StatusSeeOther {
			t.Fatal(status, to)
		}
		r := w.request(strings.TrimPrefix(strings.SplitN(to, "\n", 2)[0], "→ /notices/"))
		if r.Addresses != 8 || r.Hour != "" || r.Wish != closedTomorrow {
			t.Errorf("%+v", r)
		}
		if status, text := s.post("head:head", "/notices", append(good, "counted", "0")...); status != http.StatusConflict || !strings.Contains(text, "Le nombre de personnes a changé") || !strings.Contains(text, "Demander l'envoi à 5 personnes") {
			t.Errorf("a count that nobody was shown: %d %s", status, text)
		}
	})
}

func TestRoutesByRoleAndSchool(t *testing.T) {
	both(t, func(w *world) {
		other := fictional.School(2, fictional.Options{Number: 1, Pupils: 10})
		if err := fictional.Save(t.Context(), w.db, other); err != nil {
			t.Fatal(err)
		}
		s := newSite(w)
		r := w.mustAsk(closedTomorrow)
		w.adults = 1
		walked := 0
		for _, route := range s.routes.All() {
			method, path, _ := strings.Cut(route.Pattern, " ")
			if path == "/language" {
				continue
			}
			path = strings.NewReplacer("{notice}", r.ID, "{school}", w.school).Replace(path)
			if strings.HasSuffix(path, "/new") {
				path += "?text=closed"
			}
			walked++
			for _, role := range page.Roles() {
				do := func(as string) int {
					if method == http.MethodPost {
						status, _ := s.post(as, path, "do", "?")
						return status
					}
					status, _ := s.get(as, path)
					return status
				}
				status := do(string(role) + ":somebody")
				if allowed := status != http.StatusForbidden; allowed != route.Rule.Allows(role) || status >= 500 {
					t.Errorf("%s as %s: %d, the rule is %s", route.Pattern, role, status, route.Rule)
				}
				if role == page.Guardian || role == page.Pupil || role == page.Teacher {
					if status != http.StatusForbidden {
						t.Errorf("%s as %s: %d", route.Pattern, role, status)
					}
				}
				if strings.Contains(path, r.ID) && role != page.Operator && route.Rule.Allows(role) {
					if status := do(string(role) + ":" + other.Cast.Head + ":" + other.School.ID); status != http.StatusNotFound {
						t.Errorf("%s of another school: %d", route.Pattern, status)
					}
				}
			}
			if method == http.MethodGet {
				if status, _ := s.get("", path); status != http.StatusSeeOther {
					t.Errorf("%s signed out: %d", route.Pattern, status)
				}
			}
		}
		if walked != 8 {
			t.Errorf("%d routes", walked)
		}
		// The operator, where the school has one adult; and not where it has two.
		if _, text := s.get("head:head", "/notices/"+r.ID); !strings.Contains(text, "c'est à l'exploitant") {
			t.Errorf("%s", text)
		}
		path := "/schools/" + w.school + "/notices/" + r.ID
		if _, text := s.get("operator:o", path); !strings.Contains(text, "Envoyer à 5 personnes") || !strings.Contains(text, `href="`+path+`"`) {
			t.Errorf("%s", text)
		}
		w.adults = 2
		for _, p := range []string{path, "/schools/" + w.school + "/notices"} {
			if status, _ := s.get("operator:o", p); status != http.StatusForbidden {
				t.Errorf("%s: the operator of a school that needs none: %d", p, status)
			}
		}
		if status, _ := s.post("operator:o", path, "do", "confirm"); status != http.StatusForbidden {
			t.Errorf("%d", status)
		}
		w.adults = 1
		if status, _ := s.post("operator:o", path, "do", "confirm"); status != http.StatusSeeOther || w.request(r.ID).ConfirmedBy != "operator:a-o" {
			t.Errorf("%d %+v", status, w.request(r.ID))
		}
		for _, id := range []string{"x", "%00", "a%00b", "%ff%fe", "..%2f..%2fetc", "%e2%80%ae", strings.Repeat("a", 3000), "%25"} {
			for _, p := range []string{"/notices/" + id, "/schools/" + id + "/notices", "/schools/" + w.school + "/notices/" + id} {
				as := "head:head"
				if strings.HasPrefix(p, "/schools") {
					as = "operator:o"
				}
				if status, _ := s.get(as, p); status != http.StatusNotFound {
					t.Errorf("%.60s: %d", p, status)
				}
				if status, _ := s.post(as, p, "do", "confirm"); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
					t.Errorf("POST %.60s: %d", p, status)
				}
			}
		}
	})
}

// Nobody denies our own message: the page says first what our journal knows.
func TestDenialSaysFirstWhatWeSent(t *testing.T) {
	both(t, func(w *world) {
		s := newSite(w)
		if _, text := s.get("head:head", "/notices/new?text=denial"); !strings.Contains(text, "ne connaît aucun message d'absence") || !strings.Contains(text, "un message d'absence circule ce matin") {
			t.Errorf("%s", text)
		}
		w.courier.VouchFor(courier.Absence, func(_ context.Context, _ database.Tx, letters []courier.Letter, _ time.Time) (map[string]string, error) {
			return map[string]string{letters[0].ID: ""}, nil
		})
		w.in(func(ctx context.Context, tx database.Tx) error {
			return w.courier.Put(ctx, tx, w.school, w.now, courier.Draft{ID: "l-1", Code: courier.NewCode(), Kind: courier.Absence, Ref: "e-1", Pupil: "lea", Person: "nadia", Contact: "nadia-sms",
				Channel: directory.SMS, Lang: "fr", Body: "x", DueAt: w.now, ExpiresAt: w.now.Add(time.Hour)})
		})
		w.settle()
		_, text := s.get("head:head", "/notices/new?text=denial")
		if !strings.Contains(text, "Préau a envoyé 1 message d'absence, à 8 h 00.") || !strings.Contains(text, "Corriger nos messages") {
			t.Errorf("%s", text)
		}
		status, to := s.post("head:head", "/notices", hidden(t, text, "Demander l'envoi à 5 personnes")...)
		if status != http.StatusSeeOther {
			t.Fatal(status)
		}
		path := strings.TrimPrefix(strings.SplitN(to, "\n", 2)[0], "→ ")
		if _, text := s.get("cpe:cpe", path); !strings.Contains(text, "Préau a envoyé 1 message d'absence") || !strings.Contains(text, "Envoyer à 5 personnes") {
			t.Errorf("the second person is not told, or cannot go on:\n%s", text)
		}
		w.now = w.now.Add(25 * time.Hour)
		if _, text := s.get("head:head", "/notices/new?text=denial"); !strings.Contains(text, "ne connaît aucun message d'absence") {
			t.Errorf("the next day: %s", text)
		}
	})
}

// What nobody knows and what was refused is said, and not counted as left.
func TestWhatDidNotSimplyLeave(t *testing.T) {
	both(t, func(w *world) {
		s := newSite(w)
		r := w.announce(closedTomorrow)
		w.settle()
		letters := w.letters(r.ID)
		w.in(func(ctx context.Context, tx database.Tx) error {
			// As a receipt would, later.
			_, err := tx.NewRaw("UPDATE courier_letters SET state = 'refused', because = 'no such number' WHERE id = ?", letters[0].ID).Exec(ctx)
			return err
		})
		if _, text := s.get("secretary:office", "/notices/"+r.ID); !strings.Contains(text, "7 messages partis sur 8") || !strings.Contains(text, "1 message refusé par l'opérateur") {
			t.Errorf("%s", text)
		}
	})
}
