package app_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// noPages are the GET routes that answer with something else than a page to read.
var noPages = []string{"GET /day/events", "GET /class/{sitting}/events", "GET /healthz", "GET /worker.js", "GET /etat.atom", "GET /status", "GET /live/{room}/{way...}",
	"GET /offline/who", "GET /sign-in/passkey", "GET /carriers/{carrier}/{secret}", "GET /schools/{school}/etat/{whom}", "GET /register/export", "GET /roll/now"}

// notHere are the pages that this house has nothing for: what answers is the page of a refusal.
// Each is looked at where its own capability is tested. A page that is missing here and is not
// shown fails, and so does one that stands here and is shown.
var notHere = []string{
	"GET /schools/{school}/people/{person}/accounts",
	"GET /pupils/{pupil}/objections",
	"GET /import/{upload}",
	"GET /import/{upload}/reading",
	"GET /import/{upload}/difference.csv",
	"GET /followup/pupils/{pupil}",
	"GET /justifications/{justification}/document",
	"GET /children/{pupil}/justifications/{justification}/document",
	"GET /start/list",
	"GET /explain",
	"GET /r/{token}",
	"GET /schools/{school}/breaker",
	"GET /schools/{school}/service",
	"GET /schools/{school}/stop",
	"GET /schools/{school}/notices",
	"GET /schools/{school}/notices/{notice}",
	"GET /guard",
	"GET /schools/{school}/guard",
}

// TestEveryPage opens every page that there is a route for, as the first role that is shown it:
// axe finds nothing, nothing is wider than 320 px or than half a screen at 200 %, nothing moves
// for whoever asked for stillness, the keyboard reaches every control and one sees where it is,
// and paper shows the page and not its navigation. A new route is in it by itself.
func TestEveryPage(t *testing.T) {
	h := newHouse(t)
	ids := h.furnish(h.ours, h.app.Clock)
	b := browser.Start(t)
	tabs := map[page.Role]*browser.Tab{}
	seen := 0
	for _, route := range h.app.Routes.All() {
		method, path, _, missing := fill(route.Pattern, ids)
		if method != http.MethodGet || missing != "" || slices.Contains(noPages, route.Pattern) {
			continue
		}
		path = cmp.Or(map[string]string{"/notices/new": "/notices/new?text=closed"}[path], path)
		roles := []page.Role{""}
		if !route.Rule.Public() {
			roles = slices.DeleteFunc(page.Roles(), func(r page.Role) bool { return !route.Rule.Allows(r) })
		}
		role, status := roles[0], 0
		for _, one := range roles {
			code, body := h.send(t, one, method, path)
			if strings.Contains(body, "<html") && (status == 0 || code == http.StatusOK) {
				role, status = one, code
			}
			if status == http.StatusOK {
				break
			}
		}
		if shown := status == http.StatusOK; shown == slices.Contains(notHere, route.Pattern) {
			t.Errorf("%s as %q: %d, and in the list of what this house does not have: %v", route.Pattern, role, status, !shown)
		}
		if status == 0 {
			continue
		}
		tab := tabs[role]
		if tab == nil {
			tab = b.Tab(t, browser.Options{})
			if role != "" {
				tab.Go(h.server.URL + "/sign-in")
				tab.Type("[name=identifier]", string(role))
				tab.Type("[name=password]", walkPassword)
				tab.Click("main form .btn.main")
				tab.Wait("form[action='/sign-out']")
			}
			tabs[role] = tab
		}
		if status == http.StatusOK {
			seen++
		}
		where := route.Pattern + " as " + string(role)
		tab.Look(320, 800, false)
		tab.Go(h.server.URL + path)
		tab.Fits(where + " at 320 px")
		tab.Still(where)
		tab.Look(640, 400, true) // 1280 × 800 at 200 %
		tab.Fits(where + " at 200 %")
		tab.NoViolations(where)
		tab.Look(1280, 800, false)
		tab.Keyboard(where)
		tab.Prints(where)
	}
	if seen < 60 {
		t.Errorf("only %d pages", seen)
	}
}
