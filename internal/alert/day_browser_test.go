package alert_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/peers/browser"
)

// stands waits until a pupil stands somewhere on the open board.
func standsIn(tab *browser.Tab, sheet, pupil string) {
	tab.Wait("#" + sheet + " #row-" + pupil)
}

func focused(tab *browser.Tab) string { return browser.Eval[string](tab, "document.activeElement.id") }

// A secretary with the keyboard alone: the board is live, letters do what the buttons with
// them do, the keyboard stays in the list, and nothing asks whether one is sure.
func TestDayByKeyboard(t *testing.T) {
	m := newMorning(t, databasetest.SQLite(t))
	s := newSite(m).withRolls()
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	m.mark("maths", m.town.Cast.Unreachable, attendance.Absent, 0)
	tab := browser.Start(t).Tab(t, browser.Options{})
	lookAs(tab, s.server.URL+"/day", "secretary:office")
	standsIn(tab, "day-held", "lea")

	// Live: what a teacher saves appears by itself.
	m.mark("maths", "nora", attendance.Absent, 0)
	standsIn(tab, "day-held", "nora")

	// A finger that comes down in the moment after a change opens the row, and no other page.
	browser.Eval[bool](tab, "(document.addEventListener('htmx:afterSwap', () => document.getElementById('open-nora').click(), {once: true}), true)")
	m.mark("maths", "ewen", attendance.Absent, 0)
	standsIn(tab, "day-held", "ewen")
	tab.Wait("#acts-nora [data-key=a]")
	if at := browser.Eval[string](tab, "location.pathname"); at != "/day" {
		t.Fatalf("the finger led to %s", at)
	}
	tab.Click("#open-nora")
	tab.Do(chromedp.WaitNotPresent(chromedp.CSS("#acts-nora > *")))

	tab.Press("/")
	if got := focused(tab); got != "day-find" {
		t.Fatalf("/ leads to %q", got)
	}
	tab.Type("#day-find", "had")
	tab.Do(chromedp.WaitNotVisible(chromedp.CSS("#row-lea")))
	tab.Press("Enter")
	if got := focused(tab); got != "open-nora" {
		t.Fatalf("Enter leads from the search to %q", got)
	}
	tab.Press("a")
	standsIn(tab, "day-expected", "nora")
	if got := m.stands("nora"); got != alert.AtElsewhere {
		t.Fatalf("Nora stands at %q", got)
	}
	tab.Press("/")
	tab.Press("Escape")
	tab.Wait("#row-lea")
	tab.Press("k")
	tab.Press("j")
	first := focused(tab)
	tab.Press("Enter")
	tab.Wait("#" + strings.Replace(first, "open-", "acts-", 1) + " [data-key=i]")

	// Time passes, and everything of it is in the list: what was opened stays open.
	m.at("08:17")
	standsIn(tab, "day-told", "lea")
	standsIn(tab, "day-call", m.town.Cast.Unreachable)
	browser.Eval[bool](tab, fmt.Sprintf("(document.getElementById('open-%s').focus(), true)", m.town.Cast.Unreachable))
	tab.Press("2")
	standsIn(tab, "day-called", m.town.Cast.Unreachable)
	if got := m.stands(m.town.Cast.Unreachable); got != alert.AtCalled {
		t.Errorf("after an answering machine: %q", got)
	}

	// What is withdrawn is missed again, and letters that were turned off do nothing.
	browser.Eval[bool](tab, "(document.getElementById('open-nora').focus(), true)")
	tab.Press("r")
	tab.Do(chromedp.WaitNotPresent(chromedp.CSS("#day-expected")))
	tab.Press("?")
	tab.Wait("#day-keys[open]")
	tab.Click("[data-keys-on]")
	tab.Press("Escape")
	tab.Do(chromedp.WaitNotVisible(chromedp.CSS("#day-keys")))
	browser.Eval[bool](tab, "(document.getElementById('open-lea').focus(), true)")
	tab.Press("j")
	if got := focused(tab); got != "open-lea" {
		t.Errorf("a letter that was turned off leads to %q", got)
	}
	tab.Quiet("the page")
}

// Where the stream of events is broken, the board asks for itself.
func TestDayWithoutAStream(t *testing.T) {
	m := newMorning(t, databasetest.SQLite(t))
	s := newSite(m).withRolls()
	s.pages.EndStreams()
	m.at("08:07")
	tab := browser.Start(t).Tab(t, browser.Options{})
	lookAs(tab, s.server.URL+"/day", "secretary:office")
	tab.Wait("#day .empty")
	m.mark("maths", "lea", attendance.Absent, 0)
	standsIn(tab, "day-held", "lea")
}

// A supervisor at the gate, without script: three taps, and the pupil is in the building.
func TestDayAtTheGateWithoutScript(t *testing.T) {
	m := newMorning(t, databasetest.SQLite(t))
	s := newSite(m).withRolls()
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	tab := browser.Start(t).Tab(t, browser.Options{NoScript: true, Width: 360})
	lookAs(tab, s.server.URL+"/day", "secretary:office")
	tab.Click("#open-lea")
	tab.Wait("button[value=office]")
	tab.Click("button[value=office]")
	standsIn(tab, "day-inside", "lea")
	tab.Quiet("the page")
}

// TestDayLooks opens the board at its fullest and its emptiest, on a phone and on a desk, in
// both themes. With PREAU_PICTURES it leaves a picture of each there.
func TestDayLooks(t *testing.T) {
	pictures := os.Getenv("PREAU_PICTURES")
	busy := newSite(newBusyMorning(t, databasetest.SQLite(t)))
	later := newMorning(t, databasetest.SQLite(t))
	later.at("08:07")
	later.mark("maths", "lea", attendance.Absent, 0)
	later.mark("maths", later.town.Cast.Unreachable, attendance.Absent, 0)
	later.at("08:17")
	later.now = later.now.Add(50 * time.Minute)
	later.mark("francais", "nora", attendance.Absent, 0)
	small := newSite(later)
	quiet := newSite(newMorning(t, databasetest.SQLite(t)))
	snow := newMorning(t, databasetest.SQLite(t))
	snow.at("08:07")
	for _, pupil := range []string{"lea", "nora", "ewen"} {
		snow.mark("maths", pupil, attendance.Absent, 0)
	}
	snow.declare("2026-11-24", "snow")
	snow.settle()
	snowed := newSite(snow)
	b := browser.Start(t)
	for _, v := range []struct {
		name, path, open string
		s                *site
	}{
		{"day-busy", "/day", "", busy},
		{"day-open", "/day", "#day-held .day-name", busy},
		{"day-call", "/day", "#day-call .day-name", busy},
		{"day-held", "/day?at=held", "", busy},
		{"day-pupil", "/day/nora", "", small},
		{"day-odd", "/day", "", small},
		{"day-keys", "/day", "[data-keys-help]", small},
		{"day-none", "/day", "", quiet},
		{"exceptional-none", "/exceptional", "", quiet},
		{"exceptional", "/exceptional", "", snowed},
	} {
		for _, width := range []int{320, 360, 1280} {
			for _, dark := range []bool{false, true} {
				if pictures == "" && dark != (width == 1280) {
					continue
				}
				t.Run(fmt.Sprintf("%s-%d-%v", v.name, width, dark), func(t *testing.T) {
					tab := b.Tab(t, browser.Options{Width: width, Dark: dark})
					lookAs(tab, v.s.server.URL+v.path, "cpe:cpe")
					tab.Wait("main h1")
					if v.open != "" {
						tab.Click(v.open)
						if !strings.Contains(v.open, "keys") {
							tab.Wait(".day-acts .btn")
						}
					}
					tab.Keep(fmt.Sprintf("%s-%d-%s", v.name, width, browser.Shade(dark)))
					tab.NoViolations(v.name)
					tab.Quiet("the page")
					tab.Fits(v.name)
				})
			}
		}
	}
}
