package door

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/peers/browser"
)

// crowdedHouse serves a door before which many wait. The address says who comes.
func crowdedHouse(t *testing.T) (at string, move func(time.Duration)) {
	t.Helper()
	m := newMorning(2)
	var ahead atomic.Int64
	begun := time.Now()
	m.door.now = func() time.Time { return m.now.Add(time.Since(begun) + time.Duration(ahead.Load())) }
	known := map[string]Who{"pupil": {Lane: Pupil, School: "s"}, "teacher": {Lane: Staff, School: "s"}, "family": {Lane: Family, School: "s"}, "nobody": {}}
	m.door.who = func(r *http.Request) Who { return known[r.URL.Query().Get("who")] }
	for _, who := range known {
		for range 60 {
			m.door.Look("", "", who)
		}
	}
	g, err := NewGate(GateConfig{Door: m.door, Zone: time.UTC, Free: func(r *http.Request) bool { return r.URL.Path == "/favicon.ico" }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g.Around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><title>Préau</title><main><h1 id=house>La maison</h1></main>")
	})))
	t.Cleanup(server.Close)
	return server.URL, func(d time.Duration) { ahead.Add(int64(d)) }
}

// spoken is what a screen reader finds on the page, in its order: a role and a name a line.
func spoken(t *testing.T, tab *browser.Tab) string {
	t.Helper()
	var out strings.Builder
	tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		tree, err := cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			return err
		}
		nodes := map[accessibility.NodeID]*accessibility.Node{}
		for _, n := range tree.Nodes {
			nodes[n.NodeID] = n
		}
		text := func(v *accessibility.Value) (s string) {
			if v != nil {
				_ = json.Unmarshal(v.Value, &s)
			}
			return s
		}
		var tell func(n *accessibility.Node)
		tell = func(n *accessibility.Node) {
			if n == nil {
				return
			}
			if role := text(n.Role); !n.Ignored && role != "InlineTextBox" {
				fmt.Fprintf(&out, "%s %s\n", role, strings.ReplaceAll(text(n.Name), "\u00a0", " "))
			}
			for _, id := range n.ChildIDs {
				tell(nodes[id])
			}
		}
		if len(tree.Nodes) > 0 {
			tell(tree.Nodes[0])
		}
		return nil
	}))
	return out.String()
}

// TestTheWaitingPageInABrowser opens it at the width of a small phone, of a phone and of a desk,
// in both themes and languages, for each reader, with scripts off: no violation that axe finds,
// no complaint, nothing wider than the screen, and a screen reader hears in order what the
// others see. Whose turn comes enters without a script. With PREAU_PICTURES it leaves a picture
// of each there.
func TestTheWaitingPageInABrowser(t *testing.T) {
	at, move := crowdedHouse(t)
	b := browser.Start(t)
	for _, c := range []struct {
		who, lang string
		width     int
		dark      bool
		hears     []string
		not       string
	}{
		{"pupil", "fr", 320, false, []string{"main ", "heading Votre tour : dans ", "progressbar Depuis votre arrivée", "StaticText Laissez cette page ouverte", "heading Sans attendre", "link L'état du service en clair", "StaticText Votre établissement saura", "button English"}, "Faire l'appel"},
		{"teacher", "fr", 360, true, []string{"main ", "heading Votre tour : dans ", "progressbar ", "heading Sans attendre", "link Professeur en cours ? Faire l'appel maintenant", "link L'état du service", "button English"}, "Votre établissement saura"},
		{"family", "en", 320, true, []string{"main ", "heading Your turn: in ", "progressbar From your arrival", "StaticText Leave this page open", "heading Without waiting", "link State of the service", "button Français"}, "Your school will know"},
		{"nobody", "fr", 1280, false, []string{"main ", "heading Votre tour", "progressbar ", "button English"}, "Votre établissement saura"},
		{"pupil", "en", 1280, true, []string{"main ", "heading Your turn", "progressbar ", "StaticText Your school will know", "button Français"}, "Call the roll"},
	} {
		name := fmt.Sprintf("%s-%s-%d", c.who, c.lang, c.width)
		t.Run(name, func(t *testing.T) {
			tab := b.Tab(t, browser.Options{Width: c.width, Height: 640, Dark: c.dark, NoScript: true, Lang: c.lang})
			tab.Go(at + "/?who=" + c.who)
			tab.Wait("main h1")
			tab.Keep("waiting-" + name)
			for _, v := range tab.Axe() {
				// The turn is an event of real time, which WCAG 2.2.1 excepts: without a script
				// nothing else can bring it.
				if v.ID != "meta-refresh" {
					t.Errorf("%s: %v", name, v)
				}
			}
			for _, complaint := range tab.Complaints() {
				t.Errorf("the browser complains: %s", complaint)
			}
			tab.Fits("the page")
			if small := browser.Eval[float64](tab, "Math.min(...[...document.querySelectorAll('a,button')].map(e => e.getBoundingClientRect().height))"); small < 44 {
				t.Errorf("something to press is %v px high", small)
			}
			heard := spoken(t, tab)
			rest := heard
			for _, want := range c.hears {
				_, after, ok := strings.Cut(rest, "\n"+want)
				if !ok {
					t.Fatalf("a screen reader does not hear %q, in its place:\n%s", want, heard)
				}
				rest = after
			}
			if strings.Contains(heard, c.not) {
				t.Errorf("%q is said to whom it does not concern:\n%s", c.not, heard)
			}
		})
	}
	last := b.Tab(t, browser.Options{Width: 320, NoScript: true})
	last.Go(at + "/?who=nobody")
	last.Wait("main h1")
	move(10 * time.Minute) // everybody before them is gone
	last.Wait("#house")    // the page looks by itself
}
