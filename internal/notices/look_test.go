package notices_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// view is a page as somebody sees it.
type view struct{ name, path, as string }

// gallery is a school in the middle of its announcements, and every page there.
func gallery(t *testing.T) (*site, []view) {
	t.Helper()
	w := newWorld(t, databasetest.SQLite(t))
	s := newSite(w)
	w.courier.VouchFor(courier.Absence, func(_ context.Context, _ database.Tx, letters []courier.Letter, _ time.Time) (map[string]string, error) {
		return map[string]string{letters[0].ID: ""}, nil
	})
	w.in(func(ctx context.Context, tx database.Tx) error {
		return w.courier.Put(ctx, tx, w.school, w.now, courier.Draft{ID: "l-1", Code: courier.NewCode(), Kind: courier.Absence, Ref: "e-1", Pupil: "lea", Person: "nadia", Contact: "nadia-sms",
			Channel: directory.SMS, Lang: "fr", Body: "x", DueAt: w.now, ExpiresAt: w.now.Add(time.Hour)})
	})
	w.settle()
	w.now = w.now.Add(20 * time.Minute)
	left := w.announce(notices.Wish{Level: "1re", Text: notices.Strike, Choice: "some-canteen", Day: "2026-11-26"})
	w.settle()
	gone := w.announce(closedTomorrow)
	w.in(func(ctx context.Context, tx database.Tx) error {
		return w.notices.Withdraw(ctx, tx, w.school, gone.ID, "office", w.now)
	})
	w.settle()
	leaving := w.announce(notices.Wish{Level: notices.WholeSchool, Text: notices.Confinement, Choice: "begins", Hour: "09:00"})
	void := w.mustAsk(notices.Wish{Level: notices.WholeSchool, Text: notices.Denial, Choice: "plain"})
	asked := w.mustAsk(notices.Wish{Level: notices.WholeSchool, Text: notices.Denial, Choice: "roll-made"})
	w.now = w.now.Add(7 * time.Minute)
	return s, []view{
		{"list-head", "/notices", "head:head"},
		{"list-office", "/notices", "secretary:office"},
		{"wish-closed", "/notices/new?text=closed&choice=buses-home&day=2026-11-25&hour=08:30&level=2de", "head:head"},
		{"wish-wrong", "/notices/new?text=transport&choice=home&day=2026-12-31&hour=08:30&level=whole+school", "cpe:cpe"},
		{"wish-denial", "/notices/new?text=denial", "head:head"},
		{"wish-confinement", "/notices/new?text=confinement", "head:head"},
		{"asked-by-me", "/notices/" + asked.ID, "head:head"},
		{"confirm", "/notices/" + asked.ID, "cpe:cpe"},
		{"leaving", "/notices/" + leaving.ID, "secretary:office"},
		{"left", "/notices/" + left.ID, "head:head"},
		{"withdrawn", "/notices/" + gone.ID, "head:head"},
		{"void", "/notices/" + void.ID, "head:head"},
	}
}

func lookAs(tab *browser.Tab, url, as string) {
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "as", Value: as, URL: url})
		return err
	}))
	tab.Go(url)
}

// TestPagesInABrowser opens every page at the width of a phone and of a desk, in both
// themes: no violation that axe finds, no complaint of the browser, nothing wider than
// the screen. With PREAU_PICTURES it also leaves a picture of each there.
func TestPagesInABrowser(t *testing.T) {
	pictures := os.Getenv("PREAU_PICTURES")
	s, views := gallery(t)
	b := browser.Start(t)
	for _, v := range views {
		for _, width := range []int{360, 1280} {
			for _, dark := range []bool{false, true} {
				if pictures == "" && dark != (width == 1280) {
					continue // each width and each theme once
				}
				t.Run(fmt.Sprintf("%s-%d-%v", v.name, width, dark), func(t *testing.T) {
					tab := b.Tab(t, browser.Options{Width: width, Dark: dark})
					lookAs(tab, s.server.URL+v.path, v.as)
					tab.Wait("main h1")
					if text := tab.Text("main"); strings.Contains(page.Plain(text), "Nous n'avons pas réussi") {
						t.Fatal(text)
					}
					tab.Keep(fmt.Sprintf("%s-%d-%s", v.name, width, browser.Shade(dark)))
					tab.NoViolations(v.name)
					for _, c := range tab.Complaints() {
						if v.name == "wish-wrong" && strings.HasPrefix(c, "422 for ") {
							continue
						}
						t.Errorf("the browser complains: %s", c)
					}
					tab.Fits("the page")
				})
			}
		}
	}
}

// The page of a request that is leaving refreshes its count by itself, and stops when
// there is nothing more to wait for; without script a link does.
func TestProgressInABrowser(t *testing.T) {
	w := newWorld(t, databasetest.SQLite(t))
	s := newSite(w)
	r := w.announce(closedTomorrow)
	b := browser.Start(t)
	tab := b.Tab(t, browser.Options{})
	lookAs(tab, s.server.URL+"/notices/"+r.ID, "secretary:office")
	tab.Wait("#progress .danger")
	w.settle()
	tab.Do(chromedp.WaitNotPresent(chromedp.CSS("#progress[hx-get]")))
	if text := page.Plain(tab.Text("#progress")); !strings.Contains(text, "8 messages partis sur 8") {
		t.Errorf("%s", text)
	}
	tab.Quiet("the page")
	plain := b.Tab(t, browser.Options{NoScript: true, Width: 360})
	lookAs(plain, s.server.URL+"/notices/new?text=denial", "head:head")
	plain.Click("#preview .btn.main")
	plain.Wait("#confirm")
	path := browser.Eval[string](plain, "location.pathname")
	lookAs(plain, s.server.URL+path, "cpe:cpe")
	plain.Click("#confirm .btn.main")
	plain.Wait("#sent noscript a")
}
