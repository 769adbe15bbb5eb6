package directory_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/peers/browser"
)

type look struct{ name, path, as string }

func looks() []look {
	return []look{
		{"list", "/pupils", "secretary"},
		{"list-silent", "/pupils?silent=yes", "head"},
		{"list-none", "/pupils?name=zzz", "secretary"},
		{"pupil", "/pupils/lea?done=point", "secretary"},
		{"denied-head", "/pupils/malo", "head"},
		{"denied-office", "/pupils/malo", "secretary"},
		{"unreachable", "/pupils/awa", "secretary"},
		{"grown", "/pupils/grown", "head"},
		{"point", "/pupils/lea/adults/karim/points", "secretary"},
		{"adult", "/pupils/lea/adults", "secretary"},
		{"decision", "/pupils/lea/adults/karim/decisions", "head"},
		{"objection", "/pupils/grown/objections", "cpe"},
		{"school", "/school", "head"},
	}
}

// TestLooks opens every page in Chromium: nothing that axe finds, nothing that the
// browser complains about, nothing wider than the screen. With PREAU_PICTURES it also
// draws each page at 360 and 1280 in light and dark.
func TestLooks(t *testing.T) {
	h := tableHouse(t, databasetest.SQLite(t))
	brought := h.importLooks(t)
	h.post(t, "head", "/pupils/malo/adults/ronan/decisions", "id", "0123456789abcdefghjk", "reference", "TJ Lyon, 12 mai 2026, RG 26/00123", "from", "2026-05-12")
	server := httptest.NewServer(h.routes)
	t.Cleanup(server.Close)
	b := browser.Start(t)
	tabs := map[string]*browser.Tab{}
	for _, l := range append(looks(), brought...) {
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
		tab.Looks("directory-" + l.name)
	}
	for as, tab := range tabs {
		for _, c := range tab.Complaints() {
			t.Errorf("as %s: the browser complains: %s", as, c)
		}
	}
}

// importLooks brings files, so that each page of an import has something to show.
func (h *house) importLooks(t *testing.T) []look {
	t.Helper()
	h.in(t, func(ctx context.Context, tx database.Tx) error { // a task that is closed with a reason
		return directory.Add(ctx, tx, directory.Batch{Tasks: []directory.Task{{School: "alice-guy", ID: "double", Kind: directory.TaskSamePerson, Person: "lea", Detail: "BENALI Léa", OpenedAt: tuesday}}})
	})
	const as = "head@other"
	first := h.mapped(t, "eleves-2026.csv", familyTable(30))
	seen, _ := h.look(t, as, first)
	h.post(t, as, first+"/take", "seen", seen)
	less := h.mapped(t, "eleves-2027.csv", familyTable(20))
	_, asked := h.bring(t, as, "liste.xlsx", string(asWorkbook(t, familyTable(5))))
	_, refused := h.bring(t, as, "fusion.xlsx", mergedWorkbook(t))
	return []look{{"import", "/import", as}, {"import-reading", asked + "/reading", as}, {"import-difference", less, as}, {"import-refused", refused, as}, {"import-taken", first, as}, {"import-operator", "/import", "operator"}}
}
