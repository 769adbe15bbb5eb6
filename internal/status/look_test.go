package status

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// crowd is the hour of a crowded morning: a gap, a wave, and its end.
func (w *world) crowd() {
	admitted := int64(0)
	for n := range 58 {
		if n > 8 && n < 15 {
			continue
		}
		at := w.now.Add(time.Duration(n-58) * minute)
		waiting := max(0, 4200-(n-38)*(n-38)*14)
		admitted = int64(min(2400, 200+waiting))
		w.status.points = append(w.status.points, Point{At: at, Waiting: waiting, Admitted: int(admitted)})
	}
}

// TestPagesInABrowser opens every page at the width of a phone and of a desk, in both
// themes: no violation that axe finds, no complaint of the browser, nothing wider than
// the screen. With PREAU_PICTURES it also leaves a picture of each there.
func TestPagesInABrowser(t *testing.T) {
	pictures := os.Getenv("PREAU_PICTURES")
	out := t.TempDir()
	w := newWorld(t, databasetest.SQLite(t), nil)
	quiet := func() {}
	line := func() {
		w.crowd()
		w.figures.Waiting, w.figures.From, w.figures.Until = 3100, 3*time.Minute, 5*time.Minute
	}
	views := []struct {
		name, path string
		as         page.Viewer
		before     func()
	}{
		{"starting", "/etat", page.Viewer{}, nil},
		{"well", "/etat", page.Viewer{}, quiet},
		{"here-well", "/schools/ours/etat", head("ours"), quiet},
		{"line", "/etat", page.Viewer{}, line},
		{"line-en", "/etat?lang=en", page.Viewer{}, quiet},
		{"here-line-stopped", "/schools/ours/etat", head("ours"), func() { w.here.Stopped = true }},
		{"incident", "/etat", page.Viewer{}, func() {
			w.figures.LetterLag = 3 * time.Minute
			w.say(Incident{From: w.now.Add(-26 * time.Hour), Until: w.now.Add(-25 * time.Hour), Grade: Slow}, "Préau était lent hier matin.\nC'est réparé.", "")
			w.say(Incident{From: w.now.Add(48 * time.Hour), Until: w.now.Add(50 * time.Hour), Grade: Stopped, Touches: Parts()}, "Préau sera fermé pour des travaux jeudi soir.", "")
			w.say(Incident{From: w.now.Add(-40 * time.Minute), Grade: Slow, Touches: []Part{Messages}}, "Un opérateur transmet nos messages avec retard depuis 7 h 25.", "")
			w.say(Incident{From: w.now.Add(-10 * time.Minute), Grade: Stopped, Touches: nil}, "Les classes à distance sont interrompues depuis 7 h 55.\nLes cours, documents et discussions restent ouverts. Les élèves concernés ne sont pas comptés absents.", "Live classes have been interrupted since 7:55.")
		}},
		{"copy", "file", page.Viewer{}, quiet},
		{"operator", "/incidents", operator, quiet},
		{"operator-prepared", "/incidents?with=cause", operator, quiet},
		{"here-incident", "/schools/ours/etat", head("ours"), func() {
			w.here.Long = []Span{{w.now.Add(-20 * time.Minute), w.now}, {w.now.Add(-30 * time.Hour), w.now.Add(-26 * time.Hour)}}
		}},
	}
	b := browser.Start(t)
	for _, v := range views {
		if v.before != nil {
			v.before()
			w.look()
		}
		if err := w.status.Copy(out); err != nil {
			t.Fatal(err)
		}
		w.viewer = v.as
		for _, width := range []int{360, 1280} {
			for _, dark := range []bool{false, true} {
				if pictures == "" && dark != (width == 1280) {
					continue // each width and each theme once
				}
				t.Run(fmt.Sprintf("%s-%d-%v", v.name, width, dark), func(t *testing.T) {
					tab := b.Tab(t, browser.Options{Width: width, Dark: dark})
					if v.path == "file" {
						tab.Go("file://" + out + "/index.html")
					} else {
						tab.Go(w.server.URL + v.path)
					}
					tab.Wait("main h1")
					tab.Keep(fmt.Sprintf("%s-%d-%s", v.name, width, browser.Shade(dark)))
					tab.NoViolations(v.name)
					tab.Quiet("the page")
					tab.Fits("the page")
				})
			}
		}
	}
}

// TestCopyASentence: the button copies and says so; without script it leads to the sentence
// alone.
func TestCopyASentence(t *testing.T) {
	w := newWorld(t, databasetest.SQLite(t), nil)
	w.viewer = head("ours")
	w.look()
	b := browser.Start(t)
	tab := b.Tab(t, browser.Options{})
	tab.Go(w.server.URL + "/schools/ours/etat")
	tab.Click(`[data-copy="text-families"]`)
	tab.Do(chromedp.WaitVisible(chromedp.CSS(`#families [role="status"]:not(:empty)`)))
	if text := tab.Text(`#families [role="status"]`); text != "Copiée." {
		t.Errorf("the page says %q", text)
	}
	plain := b.Tab(t, browser.Options{NoScript: true, Width: 360})
	plain.Go(w.server.URL + "/schools/ours/etat")
	plain.Click(`[data-copy="text-families"]`)
	plain.Wait("pre")
	if text := page.Plain(plain.Text("body")); !strings.HasPrefix(text, "Préau fonctionne normalement.") {
		t.Errorf("without script there is %q", text)
	}
}
