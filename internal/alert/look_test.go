package alert_test

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

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// view is a page as somebody sees it.
type view struct{ name, path, as, open string }

// gallery is a site in the middle of its day, and every page of this package there.
func gallery(t *testing.T) (small, asks, busy *site, views, answerViews, busyViews []view) {
	t.Helper()
	m := newMorning(t, databasetest.SQLite(t))
	small = newSite(m)
	c := m.town.Cast
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	m.mark("maths", c.Denied, attendance.Absent, 0)
	m.mark("maths", c.Unreachable, attendance.Absent, 0)
	m.mark("histoire", "sami", attendance.Absent, 0)
	m.at("08:17")
	m.at("08:24")
	m.mark("maths", c.Denied, attendance.Late, 19)
	letter := func(person string, kind courier.Kind) string { return m.letter(person, kind).ID }
	views = []view{
		{"explain-cpe", "/explain/" + letter(c.DeniedTold, courier.Arrived), "cpe:cpe", ""},
		{"explain-office", "/explain/" + letter(c.DeniedTold, courier.Arrived), "secretary:office", ""},
		{"guardian", "/guardian", "guardian:nadia", ""},
		{"guardian-denied", "/guardian", "guardian:" + c.DeniedParent, ""},
		{"pupil", "/pupil", "pupil:lea", ""},
		{"service", "/service", "head:head", ""},
		{"board-small", "/office", "secretary:office", ""},
	}

	m = newMorning(t, databasetest.SQLite(t))
	asks = newSite(m)
	m.at("08:07")
	for _, pupil := range []string{"lea", "ewen", c.Denied} {
		m.mark("maths", pupil, attendance.Absent, 0)
	}
	m.mark("histoire", "sami", attendance.Absent, 0)
	m.at("08:17")
	m.at("08:21")
	open := m.linkTo("sylvie", directory.SMS)
	given, over := m.linkTo(c.DeniedTold, directory.SMS), m.linkTo("karim", directory.Email)
	asks.answer(given, "answer", "announced", "reason", "appointment", "span", "day")
	asks.answer(m.linkTo("nadia", directory.SMS), "answer", "should_be_here")
	m.mark("histoire", "sami", attendance.Late, 16)
	answerViews = []view{
		{"answer", open, "", ""},
		{"answer-announce", open, "", ".answer-of summary"},
		{"answer-given", given, "", ""},
		{"answer-change", given, "", ".change > summary"},
		{"answer-over", over, "", ""},
		{"answer-gone", "/r/ABCDEFGHJKLMNPQ", "", ""},
		{"guardian-asked", "/guardian", "guardian:sylvie", ""},
		{"guardian-answered", "/guardian", "guardian:" + c.DeniedTold, ""},
		{"board-alarm", "/office", "secretary:office", ""},
		{"service-answers", "/service", "head:head", ""},
	}

	m = newBusyMorning(t, databasetest.SQLite(t))
	busy = newSite(m)
	busyViews = []view{{"board", "/office", "cpe:cpe", ""}, {"board-held", "/office", "secretary:office", ".held-row:nth-child(2) summary"}, {"board-told", "/office", "secretary:office", ".told-row:nth-child(2) summary"}}
	return small, asks, busy, views, answerViews, busyViews
}

type siteViews struct {
	s     *site
	views []view
}

// oddMornings are a morning whose rolls are inverted, and one with a single odd roll, each
// asked to a second person.
func oddMornings(t *testing.T) (inverted, oneRoll siteViews) {
	t.Helper()
	m := lycee(t, databasetest.SQLite(t))
	alert.UsualForTest(m.alert, m.school, m.town.Tuesday.Format("2006-01-02"), alert.Usual{Days: 20, Rate: 21, Part: 31, Same: []int{22, 27, 19, 31, 24, 25, 20, 28}})
	m.at("08:06")
	m.rolls(func(i int, _ string) bool { return i%17 != 0 })
	inverted = siteViews{newSite(m), []view{{"odd", "/breaker", "cpe:cpe", ""}, {"odd-board", "/office", "secretary:office", ""}, {"odd-second", "/breaker", "head:head", ""}}}
	m.ask("", "cpe")
	m = lycee(t, databasetest.SQLite(t))
	m.at("08:06")
	first := m.firstHour()[0]
	in := m.onRoll(first)
	m.rolls(func(i int, p string) bool { return in[p] || i%20 == 0 })
	m.ask(first.ID, "cpe")
	oneRoll = siteViews{newSite(m), []view{{"odd-roll", "/breaker", "cpe:cpe", ""}, {"odd-roll-second", "/breaker", "head:head", ""}}}
	return inverted, oneRoll
}

// newcomers are a school before its first service: not begun, in the middle of its
// rehearsal, and asked for; and one that nobody has kept in service.
func newcomers(t *testing.T) (out []siteViews) {
	t.Helper()
	fresh := func() *morning {
		m := &morning{t: t, db: databasetest.SQLite(t), town: fictional.Small(time.Time{}), url: "https://preau.alice-guy.example"}
		m.found()
		return m
	}
	m := fresh()
	out = append(out, siteViews{newSite(m), []view{{"service-first", "/service", "head:head", ""}, {"rehearsal-none", "/rehearsal", "secretary:office", ""}, {"board-first", "/office", "secretary:office", ""}}})
	m = fresh()
	m.in(func(ctx context.Context, tx database.Tx) error {
		return m.alert.StartRehearsal(ctx, tx, m.school, "head", m.now.AddDate(0, 0, -1))
	})
	m.at("08:07")
	for _, pupil := range []string{"lea", "ewen", "awa"} {
		m.mark("maths", pupil, attendance.Absent, 0)
	}
	m.at("08:17")
	m.mark("maths", "ewen", attendance.Late, 15)
	m.at("08:20")
	out = append(out, siteViews{newSite(m), []view{{"rehearsal", "/rehearsal", "secretary:office", ""}, {"service-rehearsing", "/service", "head:head", ""}, {"board-rehearsing", "/office", "secretary:office", ""}, {"corrections", "/corrections", "secretary:office", ""}}})
	m = newMorning(t, databasetest.SQLite(t))
	m.day(10)
	out = append(out, siteViews{newSite(m), []view{{"board-keep", "/office", "secretary:office", ""}, {"service-keep", "/service", "secretary:office", ""}}})
	m = newMorning(t, databasetest.SQLite(t))
	m.day(15)
	m.in(func(ctx context.Context, tx database.Tx) error {
		return m.alert.AskService(ctx, tx, m.school, "head", page.Head, "2027-06-30", m.now.Format(time.DateOnly), m.now)
	})
	return append(out, siteViews{newSite(m), []view{{"board-asleep", "/office", "secretary:office", ""}, {"service-asked", "/service", "cpe:cpe", ""}, {"service-operator", "/schools/alice-guy/service", "operator:marie", ""}}})
}

// letter finds a letter that left, by its reader and kind.
func (m *morning) letter(person string, kind courier.Kind) courier.Letter {
	m.t.Helper()
	var found courier.Letter
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		recent, err := courier.Recent(ctx, tx, m.school, 1000)
		for _, l := range recent {
			if l.Person == person && l.Kind == kind {
				found = l
			}
		}
		return err
	})
	if err != nil || found.ID == "" {
		m.t.Fatalf("no %s letter to %s: %v", kind, person, err)
	}
	return found
}

func lookAs(tab *browser.Tab, url, as string) {
	if as == "" {
		tab.Go(url)
		return
	}
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
	small, asks, busy, views, answerViews, busyViews := gallery(t)
	inverted, oneRoll := oddMornings(t)
	b := browser.Start(t)
	for _, on := range append([]siteViews{{small, views}, {asks, answerViews}, {busy, busyViews}, inverted, oneRoll}, newcomers(t)...) {
		for _, v := range on.views {
			for _, width := range []int{360, 1280} {
				for _, dark := range []bool{false, true} {
					if pictures == "" && dark != (width == 1280) {
						continue // each width and each theme once
					}
					t.Run(fmt.Sprintf("%s-%d-%v", v.name, width, dark), func(t *testing.T) {
						tab := b.Tab(t, browser.Options{Width: width, Dark: dark})
						lookAs(tab, on.s.server.URL+v.path, v.as)
						tab.Wait("main h1")
						if text := tab.Text("main"); strings.Contains(page.Plain(text), "Nous n'avons pas réussi") {
							t.Fatal(text)
						}
						if v.open != "" {
							tab.Click(v.open)
						}
						tab.Keep(fmt.Sprintf("%s-%d-%s", v.name, width, browser.Shade(dark)))
						tab.NoViolations(v.name)
						for _, c := range tab.Complaints() {
							if strings.HasPrefix(c, "404 for ") && v.name == "answer-gone" {
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
}
