package alert_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

// Every route of this package, for every role of its own school and of another one.
func TestRoutesByRoleAndSchool(t *testing.T) {
	both(t, func(m *morning) {
		other := fictional.School(2, fictional.Options{Number: 1, Pupils: 10})
		if err := fictional.Save(t.Context(), m.db, other); err != nil {
			t.Fatal(err)
		}
		s := newSite(m)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", m.town.Cast.Unreachable, attendance.Absent, 0)
		m.at("08:17")
		letter, call := m.letter("nadia", courier.Absence), m.board().Calls[0]
		walked := 0
		for _, route := range s.routes.All() {
			method, path, _ := strings.Cut(route.Pattern, " ")
			if path == "/language" || strings.HasPrefix(path, "/r/") {
				continue // for anyone; see TestAnswerLink
			}
			path = strings.NewReplacer("{pupil}", m.town.Cast.Unreachable, "{letter}", letter.ID, "{call}", call.ID, "{school}", m.school).Replace(path)
			if strings.Contains(path, "{") {
				t.Fatalf("%s: this test does not know how to fill it in", route.Pattern)
			}
			fields := []string{"outcome", "?", "do", "?"} // refused, once past the rule
			if path == "/explain" {
				path += "?ref=" + letter.Code
			}
			ask := func(as string) (int, string) {
				if method == http.MethodPost {
					return s.post(as, path, fields...)
				}
				return s.get(as, path)
			}
			walked++
			want := "head, cpe, secretary"
			switch {
			case route.Pattern == "POST /exceptional":
				want = "head, cpe"
			case route.Pattern == "GET /exceptional", strings.HasPrefix(path, "/board"), strings.HasPrefix(path, "/calls/"), strings.HasPrefix(path, "/day"):
				want += ", supervisor"
			}
			if strings.HasPrefix(path, "/schools/") {
				want = "operator"
			}
			if !strings.HasPrefix(path, "/guardian") && !strings.HasPrefix(path, "/pupil") && !strings.HasPrefix(path, "/letters/") && route.Rule.String() != want {
				t.Errorf("%s is for %s, not for %s", route.Pattern, route.Rule, want)
			}
			if status, text := ask(""); status != http.StatusSeeOther && status != http.StatusUnauthorized || strings.Contains(text, "Benali") {
				t.Errorf("%s signed out: %d", route.Pattern, status)
			}
			for _, role := range page.Roles() {
				status, text := ask(string(role) + ":somebody")
				if allowed := status != http.StatusForbidden; allowed != route.Rule.Allows(role) {
					t.Errorf("%s as %s: %d, the rule is %s", route.Pattern, role, status, route.Rule)
				}
				if status >= 500 {
					t.Errorf("%s as %s: %d", route.Pattern, role, status)
				}
				if !route.Rule.Allows(role) && strings.Contains(text, "Benali") {
					t.Errorf("%s as %s shows a family", route.Pattern, role)
				}
				if role == page.Operator {
					continue
				}
				status, text = ask(string(role) + ":" + other.Cast.Office + ":" + other.School.ID)
				if strings.Contains(text, letter.Body) || strings.Contains(text, "Sangaré") || strings.Contains(text, letter.ID) && status == http.StatusOK {
					t.Errorf("%s as %s of another school: %d\n%s", route.Pattern, role, status, text)
				}
				if route.Rule.Allows(role) && strings.Contains(route.Pattern, "{") && status != http.StatusNotFound && status != http.StatusUnprocessableEntity {
					t.Errorf("%s as %s of another school: %d", route.Pattern, role, status)
				}
			}
		}
		if walked < 6 {
			t.Fatalf("only %d routes", walked)
		}
		as := "secretary:" + other.Cast.Office + ":" + other.School.ID
		if status, _ := s.post(as, "/calls/"+call.ID+"/outcome", "outcome", "reached"); status != http.StatusNotFound {
			t.Errorf("another school closes a call: %d", status)
		}
		if len(m.board().Calls) != 1 {
			t.Error("another school closed a call")
		}
		if status, _ := s.get(as, "/explain/"+letter.Code); status != http.StatusNotFound {
			t.Errorf("another school reads a letter by its reference: %d", status)
		}
		if status, text := s.get("secretary:office", "/explain?ref="+url.QueryEscape(" "+strings.ToLower(letter.Code)+" ")); status != http.StatusSeeOther || !strings.HasPrefix(text, "→ /explain/"+letter.Code) {
			t.Errorf("a reference as somebody types it: %d %s", status, text)
		}
		if status, text := s.get("secretary:office", "/explain/"+letter.Code); status != http.StatusOK || !strings.Contains(text, letter.Code) {
			t.Errorf("by its reference: %d", status)
		}
	})
}

func TestHostileIDs(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0) // a row with buttons that lead somewhere
		for _, id := range []string{"x", "%00", "a%00b", "%ff%fe", "..%2f..%2fetc", "'%3b+DROP+TABLE+alert_calls%3b--", "%e2%80%ae", strings.Repeat("a", 5000), "%0d%0aSet-Cookie:+a=b", "%25", "{letter}", "%20"} {
			if status, _ := s.get("secretary:office", "/explain/"+id); status != http.StatusNotFound {
				t.Errorf("/explain/%.40s: %d", id, status)
			}
			if status, _ := s.post("secretary:office", "/calls/"+id+"/outcome", "outcome", "reached"); status != http.StatusNotFound {
				t.Errorf("/calls/%.40s/outcome: %d", id, status)
			}
			if status, text := s.get("secretary:office", "/explain?ref="+id); status != http.StatusNotFound && status != http.StatusSeeOther || strings.Contains(text, "Set-Cookie") && status == http.StatusSeeOther && strings.Contains(strings.SplitN(text, "\n", 2)[0], "\r") {
				t.Errorf("/explain?ref=%.40s: %d", id, status)
			}
		}
		for _, outcome := range []string{"", "not_needed", "REACHED", "reached\x00", strings.Repeat("r", 1000)} {
			if status, _ := s.post("secretary:office", "/calls/x/outcome", "outcome", outcome); status != http.StatusUnprocessableEntity {
				t.Errorf("outcome %.20q: %d", outcome, status)
			}
		}
		if status, _ := s.post("secretary:office", "/calls/x/outcome", "outcome", strings.Repeat("r", 1<<20)); status != http.StatusRequestEntityTooLarge {
			t.Errorf("a megabyte: %d", status)
		}
		for _, current := range []string{"https://evil.example/x", "javascript:alert(1)", "//evil.example", ":", "/office?x=%22%3E%3Cscript%3E"} {
			status, text := s.get("secretary:office", "/board", "HX-Request", "true", "HX-Current-URL", current)
			if status != http.StatusOK || strings.Contains(text, "evil.example") || strings.Contains(text, "<script>") {
				t.Errorf("HX-Current-URL %s: %d", current, status)
			}
		}
	})
}

func TestService(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		in := func() bool { return m.board().InService }
		post := func(as string, fields ...string) int {
			t.Helper()
			status, _ := s.post(as, "/service", fields...)
			return status
		}
		if status, text := s.get("secretary:office", "/service"); status != http.StatusOK || !strings.Contains(text, "En service jusqu'au 4 juillet 2027") || !strings.Contains(text, "Demandé par Hélène Marchetti") || !strings.Contains(text, "Ouvert par Samir Aubertin") {
			t.Fatalf("%d %s", status, text)
		}
		if post("secretary:supervisor", "do", "close") != http.StatusSeeOther || in() {
			t.Fatal("one person suffices to stop")
		}
		if _, text := s.get("secretary:office", "/service"); !strings.Contains(text, "Pas en service") || !strings.Contains(text, "Arrêté par Yanis Kerbrat") || !strings.Contains(text, `value="2027-07-04"`) {
			t.Fatalf("%s", text)
		}
		for _, until := range []string{"", "2026-11-23", "2027-09-01", "2027-02-30", "demain", "2027-07-04\x00", "9999-12-31"} {
			if got := post("cpe:cpe", "do", "ask", "until", until); got != http.StatusUnprocessableEntity {
				t.Errorf("until %q: %d", until, got)
			}
		}
		if _, text := s.post("cpe:cpe", "/service", "do", "ask", "until", "2026-11-23"); !strings.Contains(text, "Choisissez un jour entre aujourd'hui et la fin de cette année scolaire.") || !strings.Contains(text, `aria-invalid="true"`) {
			t.Errorf("the field does not say what is wrong:\n%s", text)
		}
		if post("cpe:cpe", "do", "ask", "until", "2026-12-18") != http.StatusSeeOther || in() {
			t.Fatal("asking opens nothing")
		}
		if post("cpe:cpe", "do", "open") != http.StatusForbidden || in() {
			t.Fatal("the person who asked opened")
		}
		if post("head:cpe", "do", "open") != http.StatusForbidden || in() {
			t.Fatal("the same person opened with another account")
		}
		if post("secretary:office", "do", "open") != http.StatusForbidden || in() {
			t.Fatal("nobody of the two is the head")
		}
		if _, text := s.get("secretary:office", "/service"); strings.Contains(text, "Mettre en service") || !strings.Contains(text, "Quelqu'un d'autre doit l'ouvrir") {
			t.Error("the office is offered a button that would be refused")
		}
		if _, text := s.get("head:head", "/service"); !strings.Contains(text, "Mettre en service jusqu'au 18 décembre 2026") {
			t.Error("the head is not offered the button")
		}
		if post("head:head", "do", "open") != http.StatusSeeOther || !in() {
			t.Fatal("the head is the second person")
		}
		if post("head:head", "do", "dance") != http.StatusUnprocessableEntity {
			t.Error("an unknown deed")
		}
		m.now = time.Date(2026, 12, 8, 22, 0, 0, 0, time.UTC)
		if !in() {
			t.Error("two weeks of school days are not over")
		}
		if _, text := s.get("secretary:office", "/board"); !strings.Contains(text, "Continuer à prévenir les familles") {
			t.Error("the office is not asked whether the school goes on")
		}
		if post("secretary:office", "do", "keep") != http.StatusSeeOther {
			t.Error("the office may not keep the service")
		}
		if _, text := s.get("secretary:office", "/board"); strings.Contains(text, "Continuer à prévenir les familles") {
			t.Error("kept, and asked again")
		}
		m.now = time.Date(2026, 12, 18, 22, 0, 0, 0, time.UTC)
		if !in() {
			t.Error("the last day is included")
		}
		m.now = m.now.Add(3 * time.Hour)
		if in() {
			t.Error("it lasts longer than asked")
		}
	})
}
