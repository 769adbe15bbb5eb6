package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Fits fails the test when the page is wider than the window and would scroll sideways.
func (tab *Tab) Fits(where string) {
	tab.t.Helper()
	if wide := Eval[float64](tab, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
		tab.t.Errorf("%s: %v px wider than the screen", where, wide)
	}
}

// Looks looks at the page as it is on each screen, light and dark: it fits, axe finds nothing,
// and where PREAU_PICTURES names a folder, pictures are left there under this name. 320 px is
// what 1280 is at 400 %: what matters there is that the page fits.
func (tab *Tab) Looks(name string) {
	tab.t.Helper()
	for _, screen := range []struct {
		width int
		dark  bool
	}{{320, false}, {360, false}, {360, true}, {1280, false}, {1280, true}} {
		tab.Look(screen.width, 800, screen.dark)
		where := fmt.Sprintf("%s-%d-%s", name, screen.width, Shade(screen.dark))
		tab.Fits(where)
		if screen.width != 320 {
			tab.NoViolations(where)
			tab.Keep(where)
		}
	}
}

// Shade is a colour scheme in the name of a picture.
func Shade(dark bool) string {
	if dark {
		return "dark"
	}
	return "light"
}

// Keep leaves a picture of the page where PREAU_PICTURES names a folder.
func (tab *Tab) Keep(name string) {
	tab.t.Helper()
	if folder := os.Getenv("PREAU_PICTURES"); folder != "" {
		tab.Screenshot(filepath.Join(folder, name+".png"))
	}
}

// Quiet fails the test when the browser complained.
func (tab *Tab) Quiet(where string) {
	tab.t.Helper()
	for _, c := range tab.Complaints() {
		tab.t.Errorf("%s: the browser complains: %s", where, c)
	}
}

// Still fails the test when something on the page moves although the reader asked for less
// movement, which Look does.
func (tab *Tab) Still(where string) {
	tab.t.Helper()
	if n := Eval[int](tab, "document.getAnimations().filter((a) => a.playState === 'running').length"); n > 0 {
		tab.t.Errorf("%s: %d things move", where, n)
	}
}

// reachable numbers what the keyboard must reach, and says how many there are. Of radio buttons
// with one name the keyboard stops at one.
const reachable = `(() => {
	const groups = new Set();
	let n = 0;
	for (const e of document.querySelectorAll('[data-stop]')) delete e.dataset.stop;
	for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')) {
		if (e.disabled || e.tabIndex < 0 || !e.checkVisibility({visibilityProperty: true})) continue;
		if (e.matches('details:not([open]) > :not(summary:first-of-type), details:not([open]) > :not(summary:first-of-type) *')) continue;
		if (e.type === 'radio') {
			const group = (e.form?.action ?? '') + ' ' + [...document.forms].indexOf(e.form) + ' ' + e.name;
			if (groups.has(group)) continue;
			groups.add(group);
			const chosen = [...document.querySelectorAll('input[type=radio]')].find((o) => o.checked && o.name === e.name && o.form === e.form);
			(chosen ?? e).dataset.stop = n++;
			continue;
		}
		e.dataset.stop = n++;
	}
	document.activeElement?.blur();
	document.getSelection()?.removeAllRanges();
	return n;
})()`

// stopped says which control the keyboard is at, and what is wrong with how it is shown.
const stopped = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return '|';
	// A control that is drawn by what follows it shows the focus there.
	const shown = [e, e.nextElementSibling, e.closest('label'), e.parentElement].filter(Boolean)
		.some((one) => { const s = getComputedStyle(one); return (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1) || s.boxShadow !== 'none' && one === e; });
	return (e.dataset.stop ?? '') + '|' + (shown ? '' : e.outerHTML.slice(0, 120));
})()`

// Stop says at which of the numbered controls the keyboard is, and, when nobody can see that it
// is there, what it is at.
func (tab *Tab) Stop() (number, hidden string) {
	tab.t.Helper()
	number, hidden, _ = strings.Cut(Eval[string](tab, stopped), "|")
	return number, hidden
}

// Keyboard goes through the page with Tab and fails the test when a control is not reached,
// when the keyboard is caught somewhere, or when one cannot see where it is.
func (tab *Tab) Keyboard(where string) {
	tab.t.Helper()
	want := Eval[int](tab, reachable)
	reached := map[string]bool{}
	hidden := map[string]bool{}
	// Fields of a date or an hour have several stops each.
	for range 4*want + 20 {
		tab.Press("Tab")
		stop, dark := tab.Stop()
		if stop != "" {
			reached[stop] = true
		}
		if dark != "" && !hidden[dark] {
			hidden[dark] = true
			tab.t.Errorf("%s: the focus cannot be seen at %s", where, dark)
		}
		if len(reached) == want {
			return
		}
	}
	missed := Eval[string](tab, fmt.Sprintf(`(() => { const got = new Set(%s); return [...document.querySelectorAll('[data-stop]')].filter((e) => !got.has(e.dataset.stop)).map((e) => e.outerHTML.slice(0, 120)).join('\n    '); })()`, list(reached)))
	tab.t.Errorf("%s: the keyboard reaches %d of %d controls, not\n    %s", where, len(reached), want, missed)
}

func list(of map[string]bool) string {
	var b strings.Builder
	b.WriteByte('[')
	for one := range of {
		fmt.Fprintf(&b, "%q,", one)
	}
	b.WriteByte(']')
	return b.String()
}

// Prints looks at the page as a printer does, on the width of a sheet of A4, and fails the test
// when the navigation is printed, when the ground is not white, or when something is cut.
func (tab *Tab) Prints(where string) {
	tab.t.Helper()
	media := func(name string) {
		tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: name})
			return err
		}))
	}
	media("print")
	tab.Do(chromedp.EmulateViewport(718, 1000)) // 190 mm at 96 dots an inch
	wrong := Eval[string](tab, `(() => {
		const out = [];
		for (const e of document.querySelectorAll('.top, .skip, .bottom, nav.links')) if (e.checkVisibility()) out.push('prints ' + e.className);
		const clear = 'rgba(0, 0, 0, 0)';
		const ground = [document.documentElement, document.body].map((e) => getComputedStyle(e).backgroundColor).find((c) => c !== clear) ?? 'rgb(255, 255, 255)';
		if (ground !== 'rgb(255, 255, 255)') out.push('the ground is ' + ground);
		if (document.documentElement.scrollWidth > document.documentElement.clientWidth) out.push('wider than the paper by ' + (document.documentElement.scrollWidth - document.documentElement.clientWidth));
		for (const e of document.querySelectorAll('main *')) {
			const s = getComputedStyle(e);
			if (e.checkVisibility() && !e.closest('.unseen') && s.overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && !e.matches('input, select, textarea, progress')) out.push('cuts ' + e.tagName + '.' + e.className);
		}
		return out.join('; ');
	})()`)
	media("")
	if wrong != "" {
		tab.t.Errorf("%s on paper: %s", where, wrong)
	}
}
