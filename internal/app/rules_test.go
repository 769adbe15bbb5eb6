package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/page"
)

// letters of the roles in the table below: O operator, H head, C CPE, S secretary,
// V supervisor (vie scolaire), N nurse, T teacher, P pupil, G guardian.
const roleLetters = "OHCSVNTPG"

// The whole table: who may use which page. What stands here is a promise to a school; a
// route that is not here, or for somebody else, fails.
var whoMay = map[string][]string{
	"OHCSVNTPG": {"GET /account", "POST /account", "POST /account/again"},
	// The day's absences, and the rolls of everybody.
	"HCSVT": {"POST /lesson/{sitting}/step", "POST /lesson/{sitting}/remove", "POST /lesson/{sitting}/release", "POST /lesson/{sitting}/back",
		"POST /class/{sitting}/talk", "POST /class/{sitting}/lock", "POST /class/{sitting}/end", "POST /class/{sitting}/person", "POST /class/{sitting}/floor", "POST /class/{sitting}/lower", "POST /class/{sitting}/hide",
		"GET /roll/{sitting}", "POST /roll/{sitting}", "POST /roll/late", "POST /roll/{sitting}/take",
		"GET /timetable", "GET /timetable/new", "POST /timetable/new", "GET /timetable/now", "POST /timetable/now", "GET /timetable/calendar", "POST /timetable/calendar"},
	"HCSV": {"POST /pupils/{pupil}/statement", "POST /statements/{statement}/withdraw",
		"GET /board", "POST /calls/{call}/outcome", "GET /day", "GET /day/events", "GET /day/{pupil}", "GET /exceptional",
		"GET /absences", "GET /absences/new", "POST /absences", "POST /absences/{plan}/settle", "GET /slips/{slip}"},
	// The infirmary: a nurse sees it and nothing else.
	"HCSVN": {"GET /inside", "POST /pupils/{pupil}/inside", "POST /statements/{statement}/end"},
	// What is answered for before families and the law.
	"HCS": {"GET /timetable/home",
		"GET /timetable/sittings/{sitting}", "POST /timetable/sittings/{sitting}/label", "POST /timetable/sittings/{sitting}/cancel", "POST /timetable/sittings/{sitting}/substitute",
		"GET /timetable/closures", "POST /timetable/closures", "POST /timetable/closures/{closure}/remove",
		"GET /explain", "GET /explain/{letter}", "GET /corrections", "POST /corrections", "GET /rehearsal", "POST /rehearsal",
		"GET /service", "POST /service", "GET /breaker", "POST /breaker", "GET /stop", "POST /stop", "GET /courrier",
		"GET /notices", "GET /notices/{notice}", "POST /notices/{notice}", "GET /guard", "POST /guard/{trip}",
		"GET /register", "GET /register/export", "GET /pupils/{pupil}/register", "POST /pupils/{pupil}/register", "POST /justifications/{justification}/settle", "GET /justifications/{justification}/document",
		"GET /pupils", "GET /pupils/{pupil}", "GET /pupils/{pupil}/adults/{adult}/points", "POST /pupils/{pupil}/adults/{adult}/points",
		"POST /pupils/{pupil}/points/{point}/end", "POST /pupils/{pupil}/points/{point}/verify", "POST /pupils/{pupil}/points/{point}/resume", "POST /pupils/{pupil}/adults/{adult}/choose",
		"GET /pupils/{pupil}/adults", "POST /pupils/{pupil}/adults", "POST /pupils/{pupil}/adults/{adult}/end", "POST /tasks/{task}/close",
		"GET /accounts", "POST /accounts/class", "GET /people/{person}/accounts", "POST /people/{person}/accounts", "POST /accounts/{account}"},
	// A court's decisions, the school itself, its staff, announcements to many.
	"HC": {"POST /timetable/home", "POST /timetable/home/{home}/withdraw", "GET /classes", "POST /classes", "POST /classes/{form}/end", "GET /start", "GET /start/list",
		"POST /exceptional", "GET /notices/new", "POST /notices", "GET /accounts/staff", "POST /accounts/staff", "GET /school", "POST /school",
		"GET /pupils/{pupil}/adults/{adult}/decisions", "POST /pupils/{pupil}/adults/{adult}/decisions", "POST /pupils/{pupil}/decisions/{decision}/lift",
		"GET /pupils/{pupil}/objections", "POST /pupils/{pupil}/objections", "POST /pupils/{pupil}/objections/{objection}/withdraw"},
	"OHCS": {"GET /people/{account}/letter", "POST /people/{account}/code", "GET /schools/{school}/etat", "GET /schools/{school}/etat/{whom}"},
	// Of their own class alone; a teacher who leads none finds nothing there.
	"HCT": {"GET /followup", "GET /followup/pupils/{pupil}", "POST /followup/pupils/{pupil}/note"},
	"T":   {"POST /offline/keep", "GET /form", "GET /form/pupils/{pupil}"},
	"P":   {"POST /lesson/{sitting}/done", "POST /lesson/{sitting}/answer", "POST /lesson/{sitting}/hand"},
	"PG":  {"POST /letters/{letter}/answer"},
	"G": {"GET /children/{pupil}/announce", "POST /children/{pupil}/announce", "POST /children/{pupil}/announce/{plan}/withdraw",
		"GET /children/{pupil}/register", "POST /children/{pupil}/register", "GET /children/{pupil}/justifications/{justification}/document"},
	"O": {"GET /schools/{school}/start", "POST /schools/{school}/start/undo",
		"GET /schools", "GET /schools/{school}/accounts", "GET /schools/{school}/accounts/staff", "POST /schools/{school}/accounts/staff",
		"GET /schools/{school}/people/{person}/accounts", "POST /schools/{school}/people/{person}/accounts", "POST /schools/{school}/accounts/{account}",
		"GET /schools/{school}/service", "POST /schools/{school}/service", "GET /schools/{school}/breaker", "POST /schools/{school}/breaker", "GET /schools/{school}/stop", "POST /schools/{school}/stop",
		"GET /schools/{school}/notices", "GET /schools/{school}/notices/{notice}", "POST /schools/{school}/notices/{notice}", "GET /schools/{school}/guard", "POST /schools/{school}/guard/{trip}",
		"GET /incidents", "POST /incidents", "POST /incidents/{incident}"},
	"OH":      {"GET /import", "POST /import", "GET /import/{upload}", "GET /import/{upload}/reading", "POST /import/{upload}/reading", "GET /import/{upload}/difference.csv", "POST /import/{upload}/take", "POST /import/{upload}/discard"},
	"HCSVTPG": {"GET /lesson/{sitting}", "GET /class/try", "GET /class/{sitting}", "GET /class/{sitting}/events", "POST /class/{sitting}/ask", "POST /class/{sitting}/hand", "POST /class/{sitting}/say"},
	"H":       {"POST /followup/open", "POST /followup/close", "POST /start/undo"},
	// Signed in or not. Those that speak of somebody's school ask for a secret of their own.
	"anyone": {"GET /sign-in/roll", "POST /sign-in/roll", "GET /roll/now", "GET /live/{room}/{way...}",
		"GET /{$}", "GET /accessibility", "GET /healthz", "POST /language", "GET /worker.js", "GET /offline", "GET /offline/who",
		"GET /sign-in", "POST /sign-in", "POST /sign-in/passkey", "GET /sign-in/passkey", "POST /sign-out", "GET /first-sign-in", "POST /first-sign-in",
		"GET /r/{token}", "POST /r/{token}", "GET /carriers/{carrier}/{secret}", "POST /carriers/{carrier}/{secret}", "GET /etat", "GET /etat.atom", "GET /status"},
}

func lettersOf(rule page.Rule) string {
	if rule.Public() {
		return "anyone"
	}
	var b strings.Builder
	for i, role := range page.Roles() {
		if rule.Allows(role) {
			b.WriteByte(roleLetters[i])
		}
	}
	return b.String()
}

func TestWhoMayUseWhichPage(t *testing.T) {
	h := newHouse(t)
	want := map[string]string{}
	for who, patterns := range whoMay {
		for _, p := range patterns {
			if want[p] != "" {
				t.Errorf("%s stands twice in the table", p)
			}
			want[p] = who
		}
	}
	for _, route := range h.app.Routes.All() {
		who, ok := want[route.Pattern]
		if got := lettersOf(route.Rule); !ok {
			t.Errorf("%s is not in the table; its rule is %s", route.Pattern, got)
		} else if got != who {
			t.Errorf("%s is for %s, want %s", route.Pattern, got, who)
		}
		delete(want, route.Pattern)
	}
	for pattern := range want {
		t.Errorf("%s is in the table, and no route", pattern)
	}
	if len(page.Roles()) != len(roleLetters) {
		t.Fatalf("the table knows %d roles, there are %d", len(roleLetters), len(page.Roles()))
	}
}

// A page of a role shows no way to a page that would refuse it.
func TestNoLinkLeadsToARefusal(t *testing.T) {
	h := newHouse(t)
	for _, role := range []page.Role{page.Secretary, page.Supervisor, page.Nurse} {
		for _, path := range []string{"/", "/day", "/absences", "/absences/new", "/inside", "/timetable", "/exceptional", "/accounts"} {
			status, body := h.send(t, role, "GET", path)
			if status != 200 {
				continue // the table above says for whom it is
			}
			for _, at := range linksOf(body) {
				if slices.Contains([]string{"/sign-out"}, at) || strings.HasPrefix(at, "/assets/") {
					continue
				}
				if got, _ := h.send(t, role, "GET", at); got == 403 {
					t.Errorf("%s as %s leads to %s, which is refused", path, role, at)
				}
			}
		}
	}
}

// linksOf lists the addresses of this site that a page leads to.
func linksOf(body string) []string {
	var out []string
	for _, part := range strings.Split(body, ` href="`)[1:] {
		at, _, _ := strings.Cut(part, `"`)
		if strings.HasPrefix(at, "/") && !slices.Contains(out, at) {
			out = append(out, strings.ReplaceAll(at, "&amp;", "&"))
		}
	}
	return out
}
