package attendance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// lookable is a world on a real address, with a day's page for Today's components.
func lookable(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t, databasetest.SQLite(t), 36)
	show := func(rw http.ResponseWriter, r *http.Request) error {
		var day []DaySitting
		var missing []UncalledRoll
		err := w.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
			var err error
			if day, err = DayOf(ctx, tx, school, "roy", "2026-11-24"); err == nil {
				missing, err = Uncalled(ctx, tx, school, w.now, "2026-11-24")
			}
			return err
		})
		if err != nil {
			return err
		}
		return page.Show(rw, r, http.StatusOK, todayForTests(day, missing, w.now))
	}
	w.site().Handle("GET /{$}", page.Staff(), show)
	server := httptest.NewServer(w.site())
	t.Cleanup(server.Close)
	return w, server.URL
}

// enter signs a tab in as somebody.
func enter(tab *browser.Tab, url, as string) {
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "as", Value: as, URL: url})
		return err
	}))
}

// scene is one page in one state, to be looked at and checked.
type scene struct {
	name, as, path string
	prepare        func(*world)
	tap            func(*world, *browser.Tab)
}

func radio(pupil, value string) string {
	return fmt.Sprintf(`input[name="v-%s"][value="%s"]`, pupil, value)
}

func scenes() []scene {
	return []scene{
		{name: "roll-new", as: "roy", path: "/roll/maths"},
		{name: "roll", as: "roy", path: "/roll/maths", prepare: func(w *world) {
			w.stated(w.pupils[8], Elsewhere, "internship", w.at(13, 0))
			w.stated(w.pupils[12], Inside, "infirmary", w.at(13, 0))
		}, tap: func(w *world, tab *browser.Tab) {
			tab.Click(radio(w.pupils[3], "absent"))
			tab.Click(radio(w.pupils[5], "late"))
			tab.Click(radio(w.pupils[10], "absent"))
			tab.Click(radio(w.pupils[12], "present"))
		}},
		{name: "roll-saved", as: "roy", path: "/roll/maths?saved=1&kept=37&over=5", prepare: func(w *world) {
			w.save(maths, "a-office", w.all(Entry{Pupil: w.pupils[4], Value: Late, Minutes: 5})...)
			w.save(maths, "a-office", Entry{Pupil: w.pupils[7], Value: Absent})
			w.now = w.at(8, 9)
			w.save(maths, "a-roy", Entry{Pupil: w.pupils[4], Value: Absent})
		}},
		{name: "today", as: "roy", path: "/", prepare: func(w *world) { w.now = w.at(8, 21) }},
		{name: "take", as: "petit", path: "/roll/maths"},
		{name: "early", as: "roy", path: "/roll/francais"},
		{name: "over", as: "roy", path: "/roll/maths", prepare: func(w *world) {
			w.save(maths, "a-roy", Entry{Pupil: w.pupils[2], Value: Late, Minutes: 12})
			w.now = w.at(8, 0).AddDate(0, 0, 1)
		}},
	}
}

// TestInABrowser opens every scene in Chromium: nothing wider than the screen, nothing
// that the browser complains about, not one violation that axe finds, in both themes.
// PREAU_PICTURES=DIR keeps pictures of them.
func TestInABrowser(t *testing.T) {
	w, url := lookable(t)
	chromium := browser.Start(t)
	pictures := os.Getenv("PREAU_PICTURES")
	for _, s := range scenes() {
		if s.prepare != nil {
			s.prepare(w)
		}
		tab := chromium.Tab(t, browser.Options{Width: 320, Height: 640})
		enter(tab, url, s.as)
		tab.Go(url + s.path)
		if s.tap != nil {
			s.tap(w, tab)
		}
		for _, screen := range []struct {
			width, height int
			dark, axe     bool
		}{{320, 640, false, true}, {320, 640, true, false}, {360, 740, false, false}, {1280, 800, false, false}, {1280, 800, true, true}} {
			tab.Look(screen.width, screen.height, screen.dark)
			name := fmt.Sprintf("%s-%d", s.name, screen.width)
			if screen.dark {
				name += "-dark"
			}
			if pictures != "" {
				for part, scroll := range []string{"0", "innerHeight", "document.body.scrollHeight"} {
					browser.Eval[bool](tab, "scrollTo(0, "+scroll+"), true")
					picture, err := chromedp.Run(tab.Context(), chromedp.CaptureScreenshot())
					if err == nil {
						err = os.WriteFile(filepath.Join(pictures, fmt.Sprintf("%s-%d.png", name, part)), picture, 0o644)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			if wide := browser.Eval[string](tab, overflowing); wide != "" {
				t.Errorf("%s: wider than the screen: %s", name, wide)
			}
			if little := browser.Eval[string](tab, littleTargets); little != "" {
				t.Errorf("%s: too small to be tapped: %s", name, little)
			}
			if screen.axe {
				tab.NoViolations(name)
			}
		}
		tab.Quiet(s.name)
	}
}

const overflowing = `(() => {
	const width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= width) return '';
	return [...document.querySelectorAll('main *')].filter((e) => !e.closest('.unseen') && e.getBoundingClientRect().right > width + 0.5)
		.map((e) => e.tagName + '.' + (e.getAttribute('class') ?? '')).join(' ') || 'the page';
})()`

const littleTargets = `[...document.querySelectorAll('main button, main .btn, .seg label, .roll-minutes input')]
	.filter((e) => e.checkVisibility() && (e.getBoundingClientRect().height < 36 || e.getBoundingClientRect().width < 44))
	.map((e) => e.textContent.trim() + ' ' + e.getBoundingClientRect().height).join('; ')`

// at taps where an element is, as a finger does: whatever lies on top there is hit.
func at(tab *browser.Tab, css string) {
	tab.Do(chromedp.ScrollIntoView(chromedp.CSS(css)))
	var x, y float64
	spot := browser.Eval[[]float64](tab, `(() => { const r = document.querySelector(`+"`"+css+"`"+`).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`)
	x, y = spot[0], spot[1]
	tab.Do(chromedp.MouseClickXY(x, y))
}

func chosen(tab *browser.Tab, pupil string) string {
	return browser.Eval[string](tab, `document.querySelector('input[name="v-`+pupil+`"]:checked').value`)
}

// TestWithoutScript calls a roll with scripts off, by finger.
func TestWithoutScript(t *testing.T) {
	w, url := lookable(t)
	tab := browser.Start(t).Tab(t, browser.Options{Width: 320, Height: 640, NoScript: true})
	enter(tab, url, "roy")
	tab.Go(url + "/roll/maths")
	lea, zoe, hugo := w.pupils[2], w.pupils[10], w.pupils[12]
	row := func(pupil string) string { return `[data-pupil="` + pupil + `"] ` }
	at(tab, row(lea)+`.seg label:first-child`)
	at(tab, row(zoe)+`.seg label:last-child`)
	at(tab, row(hugo)+`.seg label:first-child`)
	if a, b, c := chosen(tab, lea), chosen(tab, zoe), chosen(tab, hugo); a != "absent" || b != "late" || c != "absent" {
		t.Fatalf("one tap each: %s %s %s", a, b, c)
	}
	// What the style sheet counts cannot be read from the page, only that it counts: see
	// the picture.
	counts := browser.Eval[string](tab, `getComputedStyle(document.querySelector('.roll-counted'), '::before').content + ' ' +
		['present', 'absent', 'late'].map((v) => [...document.querySelectorAll('.roll input[value=' + v + ']')].filter((i) => getComputedStyle(i).counterIncrement === v + ' 1').length).join(' ')`)
	if want := `counter(late) 33 2 1`; !strings.HasSuffix(counts, want) {
		t.Errorf("the style sheet counts %q, want …%q", counts, want)
	}
	tab.Keep("without-script")
	if names := heard(tab, "button"); !slices.Contains(names, "Enregistrer :") {
		t.Errorf("buttons: %q", names)
	}
	at(tab, row(hugo)+`.seg label:first-child`) // a second tap takes it back
	if got := chosen(tab, hugo); got != "present" {
		t.Errorf("a second tap on absent: %s", got)
	}
	at(tab, row(hugo)+`.seg label:last-child`)
	at(tab, row(hugo)+`.roll-name`) // and so does one beside the buttons
	if got := chosen(tab, hugo); got != "present" {
		t.Errorf("a tap beside: %s", got)
	}
	tab.Type("#m-"+zoe, "8")
	tab.Click(".savebar button")
	tab.Wait(".notice.done")
	marks := w.current(maths)
	if len(marks) != 36 || marks[lea].Value != Absent || marks[zoe].Value != Late || marks[zoe].Minutes != 8 || marks[hugo].Value != Present {
		t.Errorf("%d marks, %+v %+v %+v", len(marks), marks[lea], marks[zoe], marks[hugo])
	}
}

// TestWithScript: the sum follows, the name is a button, minutes fill in, what was not
// saved is kept and comes back, and nothing but ids is kept.
func TestWithScript(t *testing.T) {
	w, url := lookable(t)
	tab := browser.Start(t).Tab(t, browser.Options{Width: 360, Height: 740})
	enter(tab, url, "roy")
	w.now = w.at(8, 13)
	tab.Go(url + "/roll/maths")
	lea, zoe := w.pupils[2], w.pupils[10]
	row := func(pupil string) string { return `[data-pupil="` + pupil + `"] ` }
	label := func() string { return page.Plain(strings.Join(strings.Fields(tab.Text(".savebar button")), " ")) }
	if got := label(); got != "Enregistrer : 36 présents" {
		t.Errorf("at first: %q", got)
	}
	at(tab, row(lea)+".roll-name")
	at(tab, row(zoe)+".seg label:last-child")
	if got := label(); got != "Enregistrer : 34 présents, 1 absent, 1 retard" {
		t.Errorf("after two taps: %q", got)
	}
	if got := browser.Eval[string](tab, `document.querySelector('#m-`+zoe+`').value`); got != "8" {
		t.Errorf("minutes: %q", got)
	}
	if got := tab.Text("[data-state]"); got != "Modifié, pas encore enregistré" {
		t.Errorf("state: %q", got)
	}
	kept := browser.Eval[string](tab, `JSON.stringify(Object.entries(localStorage))`)
	for _, name := range names {
		if strings.Contains(kept, name[0]) || strings.Contains(kept, name[1]) {
			t.Errorf("the browser keeps a name: %s", kept)
		}
	}
	if !strings.Contains(kept, lea) {
		t.Errorf("the browser keeps nothing: %s", kept)
	}
	// No network: nothing is sent, and it is said.
	browser.Eval[bool](tab, `Object.defineProperty(navigator, 'onLine', {configurable: true, get: () => false}) && true`)
	tab.Click(".savebar button")
	if got := page.Plain(tab.Text("[data-state]")); !strings.HasPrefix(got, "Pas de réseau : ce que vous avez noté est gardé sur cet appareil.") || len(w.current(maths)) != 0 {
		t.Errorf("without a network: %q", got)
	}
	// The telephone was put away, and the page is opened again; the office was there.
	w.save(maths, "a-office", w.all(Entry{Pupil: zoe, Value: Absent})...)
	tab.Go(url + "/roll/maths")
	if got := label(); got != "Enregistrer : 34 présents, 1 absent, 1 retard" {
		t.Errorf("opened again: %q", got)
	}
	tab.Wait("[data-kept] .notice")
	tab.Click(".savebar button")
	tab.Wait(".notice.done")
	if text := page.Plain(tab.Text(".notice.warn")); !strings.Contains(text, "Odile Ferrand a noté entre-temps") || !strings.Contains(text, "absence (remplacé par votre saisie)") {
		t.Errorf("told: %q", text)
	}
	if kept := browser.Eval[int](tab, `Object.keys(localStorage).length`); kept != 0 {
		t.Errorf("%d things are kept after the save", kept)
	}
	if marks := w.current(maths); marks[lea].Value != Absent || marks[zoe].Value != Late || marks[zoe].Minutes != 8 {
		t.Errorf("%+v %+v", marks[lea], marks[zoe])
	}
	tab.Quiet("the page")
}

// TestByKeyboard marks and saves without a finger.
func TestByKeyboard(t *testing.T) {
	w, url := lookable(t)
	tab := browser.Start(t).Tab(t, browser.Options{})
	enter(tab, url, "roy")
	tab.Go(url + "/roll/maths")
	first, second := w.pupils[0], w.pupils[1]
	tab.Do(chromedp.Focus(chromedp.CSS(radio(first, "present"))))
	press := func(keys ...string) {
		for _, k := range keys {
			tab.Do(chromedp.KeyEvent(k))
		}
	}
	const right, tabKey, enterKey = "\u0303", "\t", "\r"
	press(right, tabKey, right, right, tabKey, "1", "2")
	if a, b := chosen(tab, first), chosen(tab, second); a != "absent" || b != "late" {
		t.Errorf("arrows: %s %s", a, b)
	}
	press(enterKey)
	tab.Wait(".notice.done")
	if marks := w.current(maths); marks[first].Value != Absent || marks[second].Value != Late {
		t.Errorf("%+v %+v", marks[first], marks[second])
	}
}

// heard lists what a screen reader says of everything that has a role: its name, and
// whether it is checked.
func heard(tab *browser.Tab, role string) []string {
	var all []string
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		tree, err := cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			return err
		}
		for _, n := range tree.Nodes {
			if n.Ignored || n.Role == nil || n.Role.Value.String() != strconv.Quote(role) || n.Name == nil {
				continue
			}
			var name string
			if err := json.Unmarshal(n.Name.Value, &name); err != nil {
				return err
			}
			for _, p := range n.Properties {
				if p.Name == "checked" && p.Value.Value.String() == `"true"` {
					name += " *"
				}
			}
			all = append(all, page.Plain(name))
		}
		return nil
	}))
	return all
}

// TestAnnounced: a screen reader hears each pupil's name with the group, whether the
// pupil is expected elsewhere, and the state.
func TestAnnounced(t *testing.T) {
	w, url := lookable(t)
	w.stated(w.pupils[1], Elsewhere, "internship", w.at(13, 0))
	w.save(maths, "a-roy", Entry{Pupil: w.pupils[2], Value: Absent})
	tab := browser.Start(t).Tab(t, browser.Options{})
	enter(tab, url, "roy")
	tab.Go(url + "/roll/maths")
	groups, choices := heard(tab, "group"), heard(tab, "radio")
	for _, want := range []string{"Clémence Abadie", "Inès Alves, attendu ailleurs", "Léa Benali"} {
		if !slices.Contains(groups, want) {
			t.Errorf("no group is called %q: %q", want, groups)
		}
	}
	count := map[string]int{}
	for _, c := range choices {
		count[c]++
	}
	want := map[string]int{"Présent *": 34, "Présent": 2, "Absent *": 1, "Absent": 35, "Retard": 36, "attendu ailleurs *": 1}
	if !maps.Equal(count, want) {
		t.Errorf("choices: %v, want %v", count, want)
	}
}

// todayForTests is a page of today with both components.
func todayForTests(day []DaySitting, missing []UncalledRoll, now time.Time) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		inside := templ.Join(page.Heading("Mardi 24 novembre", "Aujourd’hui"), TeacherDay(day, now), UncalledRolls(missing))
		return page.Frame(page.Meta{Title: "Aujourd’hui", Active: "today"}).Render(templ.WithChildren(ctx, inside), w)
	})
}

// TestTappedBeforeTheScript: what a quick finger did while the page was still coming is a tap
// like any other: it is said that it is not saved, and kept until it is.
func TestTappedBeforeTheScript(t *testing.T) {
	w, url := lookable(t)
	tab := browser.Start(t).Tab(t, browser.Options{Width: 360, Height: 640})
	enter(tab, url, "roy")
	quick := `new MutationObserver((_, seen) => {
		const radio = document.querySelector(` + strconv.Quote(radio(w.pupils[3], "absent")) + `);
		if (radio) { seen.disconnect(); radio.click(); }
	}).observe(document, { childList: true, subtree: true })`
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: quick})
		return err
	}))
	tab.Go(url + "/roll/maths")
	tab.Wait(".roll-state.touched")
	if kept := browser.Eval[string](tab, "JSON.stringify(Object.values(localStorage))"); !strings.Contains(kept, w.pupils[3]) {
		t.Errorf("the tap is not kept: %s", kept)
	}
}
