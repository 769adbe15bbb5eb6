package alert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// refresh does at once what the board does every five seconds, and waits for its end.
func refresh(tab *browser.Tab) {
	browser.Eval[bool](tab, `new Promise((done) => {
		document.addEventListener("htmx:afterRequest", () => setTimeout(() => done(true), 50), {once: true});
		document.getElementById("board").dispatchEvent(new Event("refresh"));
	})`)
}

// The board refreshes itself: what is new appears, what somebody has opened stays open,
// the keyboard stays where it was, and buttons still lead back to the page itself.
func TestBoardRefreshesInABrowser(t *testing.T) {
	m := newMorning(t, databasetest.SQLite(t))
	s := newSite(m)
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	b := browser.Start(t)
	tab := b.Tab(t, browser.Options{})
	lookAs(tab, s.server.URL+"/office", "secretary:office")
	tab.Click("#b-inside-lea")
	tab.Wait("#r-infirmary-lea")
	browser.Eval[bool](tab, `(document.getElementById("r-infirmary-lea").focus(), true)`)

	m.now = m.now.Add(time.Minute)
	m.mark("maths", m.town.Cast.Denied, attendance.Absent, 0)
	refresh(tab)
	if text := tab.Text("#held"); !strings.Contains(text, "TISSERAND Malo") || !strings.Contains(text, "9:00") {
		t.Errorf("the board did not refresh:\n%s", text)
	}
	if !browser.Eval[bool](tab, `document.getElementById("s-inside-lea").open`) {
		t.Error("what was open is closed")
	}
	if got := browser.Eval[string](tab, "document.activeElement.id"); got != "r-infirmary-lea" {
		t.Errorf("the focus is on %q", got)
	}
	if got := browser.Eval[string](tab, `document.querySelector("#s-inside-lea [name=next]").value`); got != "/office" {
		t.Errorf("the buttons lead to %q", got)
	}
	if browser.Eval[bool](tab, `getComputedStyle(document.querySelector(".stale")).display !== "none"`) {
		t.Error("a page that is up to date says that it is not")
	}
	if got := browser.Eval[string](tab, `document.getElementById("board").getAttribute("hx-trigger")`); got != "every 5s, refresh" {
		t.Errorf("it does not refresh by itself: %q", got)
	}

	// The line breaks: the page says so, and stops saying it when the line is back.
	s.broken.Store(true)
	refresh(tab)
	tab.Wait(".stale")
	s.broken.Store(false)
	refresh(tab)
	if browser.Eval[bool](tab, `getComputedStyle(document.querySelector(".stale")).display !== "none"`) {
		t.Error("the line is back, and the page still says that it is not")
	}
	for _, c := range tab.Complaints() {
		if !strings.HasPrefix(c, "503 for ") {
			t.Errorf("the browser complains: %s", c)
		}
	}
}

// Without script the board has a link that reads it again, and every button works.
func TestBoardWithoutScript(t *testing.T) {
	m := newMorning(t, databasetest.SQLite(t))
	s := newSite(m)
	m.serve(false)
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	b := browser.Start(t)
	tab := b.Tab(t, browser.Options{NoScript: true, Width: 360})
	lookAs(tab, s.server.URL+"/office", "secretary:office")
	tab.Click("noscript a")
	tab.Wait("#todo")
	if n := len(m.board().Calls); n != 2 {
		t.Fatalf("%d calls", n)
	}
	first := m.board().Calls[0].ID
	tab.Click("#call-" + first + " button[value=no_answer]")
	tab.Do(chromedp.WaitNotPresent(chromedp.CSS("#call-" + first)))
	if n := len(m.board().Calls); n != 1 {
		t.Errorf("%d calls after an outcome", n)
	}
	tab.Do(chromedp.Navigate(s.server.URL + "/board"))
	tab.Wait("#board")
	tab.Quiet("the page")
}

// A tired parent, an old phone, no script: two taps, and the page says that it is noted.
func TestAnswerInTwoTaps(t *testing.T) {
	m := newMorning(t, databasetest.SQLite(t))
	s := told(m)
	b := browser.Start(t)
	tab := b.Tab(t, browser.Options{NoScript: true, Width: 320})
	tab.Go(s.server.URL + m.linkTo("nadia", directory.SMS))
	tab.Click(".answer-of summary")
	tab.Click("button[value=transport]")
	tab.Wait(".notice.done")
	if got := m.expected("lea"); len(got) != 1 {
		t.Errorf("stated: %v", got)
	}
	tab.Click(".change > summary")
	tab.Click("button[value=should_be_here]")
	tab.Do(chromedp.WaitNotPresent(chromedp.CSS(".change[open]")))
	if text := page.Plain(tab.Text("main")); !strings.Contains(text, "Vous dites que Léa devrait être en classe.") {
		t.Errorf("%s", text)
	}
	if got := m.alarms(); len(got) != 1 || m.expected("lea") != nil {
		t.Errorf("%v %v", got, m.expected("lea"))
	}
	tab.Fits("the page")
	if small := browser.Eval[float64](tab, `Math.min(...[...document.querySelectorAll("main .btn")].filter(b => b.offsetHeight).map(b => b.offsetHeight))`); small < 56 {
		t.Errorf("a button of %v px", small)
	}
	tab.Quiet("the page")
}
