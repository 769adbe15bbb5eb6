package yearstart_test

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

// TestLooks opens the page in Chromium: nothing that axe finds, nothing that the browser
// complains about, nothing wider than the screen. With PREAU_PICTURES it also draws it at
// 360 and 1280 in light and dark.
func TestLooks(t *testing.T) {
	w := newWorld(t, databasetest.SQLite(t))
	err := w.db.InSchool(t.Context(), w.town.School.ID, func(ctx context.Context, tx database.Tx) error {
		return directory.Add(ctx, tx, directory.Batch{
			People: []directory.Person{{School: w.town.School.ID, ID: "alone", Kind: directory.KindPupil, Source: "hand", SourceKey: "alone", LastName: "Seul", FirstName: "Paul"}},
			Tasks:  []directory.Task{{School: w.town.School.ID, ID: "doubt", Kind: directory.TaskDoubtfulLink, Person: "alone", OpenedAt: tuesday}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.routes)
	t.Cleanup(server.Close)
	b := browser.Start(t)
	for _, l := range []struct{ name, as, path string }{
		{"start", "head", "/start"},
		{"imported", "head@" + w.imported, "/start"},
		{"undone", "head@" + w.imported, "/start?done=undone"},
		{"empty", "cpe@empty", "/start"},
		{"list", "head", "/start/list?of=noclass"},
		{"list-guardians", "head", "/start/list?of=unreachable"},
		{"operator", "operator", "/schools/" + w.imported + "/start"},
	} {
		if l.name == "undone" {
			w.leans = []directory.Leaning{{What: "roll", N: 3}, {What: directory.LeansEdited, N: 1}, {What: directory.LeansOther, N: 1}}
		}
		tab := b.Tab(t, browser.Options{NoScript: true})
		tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "as", Value: l.as, URL: server.URL})
			return err
		}))
		tab.Go(server.URL + l.path)
		if l.name == "imported" || l.name == "undone" {
			tab.Click("details.details summary")
		}
		tab.Looks("yearstart-" + l.name)
		tab.Quiet(l.name)
	}
}
