package account_test

import (
	"context"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// TestPeopleLooks opens every page of People in Chromium without scripts: nothing that
// axe finds, nothing that the browser complains about, nothing wider than the screen.
// With PREAU_PICTURES it also draws each page at 360 and 1280 in light and dark.
func TestPeopleLooks(t *testing.T) {
	o := openOffice(t, databasetest.SQLite(t))
	for person, role := range map[string]page.Role{"head": page.Head, "cpe": page.CPE, "roy": page.Teacher, "lea": page.Pupil, "nadia": page.Guardian, "karim": page.Guardian} {
		a, _, err := o.openFor(t, page.Head, person, role)
		if err != nil {
			t.Fatal(err)
		}
		if person == "roy" || person == "nadia" {
			o.choose(t, a.ID)
		}
	}
	server := httptest.NewServer(o.routes)
	t.Cleanup(server.Close)
	b := browser.Start(t)
	tabs := map[string]*browser.Tab{}
	for _, l := range []struct{ name, as, path, press string }{
		{"staff", "head", "/accounts", ""},
		{"class", "head", "/accounts?class=2de3", ""},
		{"person", "head", "/people/roy/accounts", ""},
		{"person-none", "head", "/people/office/accounts", ""},
		{"person-head-by-cpe", "cpe", "/people/head/accounts", ""},
		{"person-guardian", "cpe", "/people/karim/accounts?done=reopen", ""},
		{"add-staff", "head", "/accounts/staff", ""},
		{"letter", "head", "/people/office/accounts", "main form[action$=accounts] .btn.main"},
		{"schools", "operator", "/schools", ""},
		{"school", "operator", "/schools/alice-guy/accounts", ""},
		{"school-person", "operator", "/schools/other/people/far-staff/accounts", ""},
	} {
		tab := tabs[l.as]
		if tab == nil {
			tab = b.Tab(t, browser.Options{NoScript: true})
			tabs[l.as] = tab
			tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "as", Value: l.as, URL: server.URL})
				return err
			}))
		}
		tab.Go(server.URL + l.path)
		if l.press != "" {
			if l.name == "letter" {
				tab.Click("input[name=role][value=secretary]")
			}
			tab.Click(l.press)
			tab.Wait(".sheet-of-paper")
			if got, want := printed(t, tab), browser.Eval[int](tab, `document.querySelectorAll(".sheet-of-paper").length`); got != want {
				t.Errorf("%s: %d letters are printed on %d pages", l.name, want, got)
			}
		}
		tab.Looks("people-" + l.name)
	}
	for as, tab := range tabs {
		for _, c := range tab.Complaints() {
			t.Errorf("as %s: the browser complains: %s", as, c)
		}
	}
}

// printed counts the pages that the browser would print.
func printed(t *testing.T, tab *browser.Tab) int {
	t.Helper()
	var pdf []byte
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		out, err := cdp.Call(ctx, target, cdppage.PrintToPDF, cdppage.PrintToPDFParams{})
		pdf = out.Data
		return err
	}))
	return len(regexp.MustCompile(`/Type /Page\b[^s]`).FindAll(pdf, -1))
}
