package page_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/preau-ent/preau/internal/page"
)

// TestContrast computes every pair of colours that a page puts together, in both
// themes, from the tokens of the style sheet itself.
func TestContrast(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../web/src/preau.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string][2]string{}
	for _, m := range regexp.MustCompile(`--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindAllStringSubmatch(string(source), -1) {
		tokens[m[1]] = [2]string{m[2], m[3]}
	}
	const text, shape = 4.5, 3.0
	pairs := []struct {
		over, under string
		least       float64
	}{
		{"ink", "paper", 7}, {"ink", "sheet", 7}, {"ink", "wash", 7},
		{"soft", "paper", text}, {"soft", "sheet", text}, {"soft", "wash", text},
		{"roof", "paper", text}, {"roof", "sheet", text}, {"roof", "wash", text}, {"roof", "roof-bg", text},
		{"roof-deep", "paper", text}, {"roof-deep", "sheet", text}, {"roof-ink", "roof", text}, {"roof-ink", "roof-deep", text},
		{"edge", "sheet", shape}, {"edge", "paper", shape}, {"roof", "sheet", shape},
	}
	for _, state := range []string{"absent", "late", "here", "held"} {
		pairs = append(pairs, []struct {
			over, under string
			least       float64
		}{
			{state, state + "-bg", text}, {state, "sheet", text}, {state, "paper", text},
			{"sheet", state, text}, // the pressed button
			{"ink", state + "-bg", text}, {"soft", state + "-bg", text}, {"roof", state + "-bg", text},
		}...)
	}
	for _, p := range pairs {
		over, ok := tokens[p.over]
		under, ok2 := tokens[p.under]
		if !ok || !ok2 {
			t.Errorf("preau.css has no token --%s or --%s", p.over, p.under)
			continue
		}
		for side, theme := range []string{"light", "dark"} {
			if got := contrast(t, over[side], under[side]); got < p.least {
				t.Errorf("%s: --%s (%s) on --%s (%s) has a contrast of %.2f, less than %.1f", theme, p.over, over[side], p.under, under[side], got, p.least)
			}
		}
	}
}

// contrast is the ratio of WCAG 2.2, 1 to 21.
func contrast(t *testing.T, a, b string) float64 {
	l1, l2 := luminance(t, a), luminance(t, b)
	return (max(l1, l2) + 0.05) / (min(l1, l2) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	var parts [3]float64
	for i := range parts {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			parts[i] = c / 12.92
		} else {
			parts[i] = math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*parts[0] + 0.7152*parts[1] + 0.0722*parts[2]
}

// TestGalleryInABrowser opens every page of the gallery in Chromium and refuses
// what overflows at 320 px, what the browser complains about (a style or script
// that the content policy stops), small targets, and every violation that axe
// finds, in both themes.
func TestGalleryInABrowser(t *testing.T) {
	axe, err := os.ReadFile("../../peers/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal("axe-core is not installed: run make setup")
	}
	b := newBrowser(t)
	server := galleryServer(t)
	keepPictures(t, b, server.URL)
	for _, p := range galleryPages() {
		for _, screen := range []struct {
			width int64
			dark  bool
		}{{320, false}, {1280, true}} {
			t.Run(fmt.Sprintf("%s at %d", p.name, screen.width), func(t *testing.T) {
				seen := b.open(t, server.URL+p.path, p.as, screen.width, screen.dark)
				defer seen.close()

				var wide []string
				seen.eval(t, overflowing, &wide)
				if len(wide) > 0 {
					t.Errorf("wider than the screen: %s", strings.Join(wide, "; "))
				}
				var little []string
				seen.eval(t, littleTargets, &little)
				if len(little) > 0 {
					t.Errorf("too small to be tapped: %s", strings.Join(little, "; "))
				}
				seen.eval(t, "(() => {"+string(axe)+"})()", nil)
				var violations []string
				seen.eval(t, axeRun, &violations)
				for _, v := range violations {
					t.Error(v)
				}
				for _, complaint := range seen.complained() {
					t.Errorf("the browser complains: %s", complaint)
				}
			})
		}
	}
}

// overflowing lists what makes the page itself scroll sideways.
const overflowing = `(() => {
	const width = document.documentElement.clientWidth;
	if (document.documentElement.scrollWidth <= width) return [];
	const scrolls = (e) => e.closest('.scroll, .links, .unseen');
	const found = [...document.querySelectorAll('body *')]
		.filter((e) => !scrolls(e) && e.getBoundingClientRect().right > width + 0.5)
		.map((e) => e.tagName + '.' + (e.getAttribute('class') ?? '') + ' ' + Math.round(e.getBoundingClientRect().right));
	return found.length ? found : ['the page is ' + document.documentElement.scrollWidth + ' px wide'];
})()`

// littleTargets lists buttons and inputs lower than 36 px (24 is the rule's floor;
// 44 is what everything outside a table's row has).
const littleTargets = `[...document.querySelectorAll('button, .btn, summary, select, input:not([type=hidden], [type=radio], [type=checkbox])')]
	.filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < (e.matches('.small, .demo *') ? 36 : 44))
	.map((e) => e.textContent.trim() + ' ' + e.getBoundingClientRect().height)`

const axeRun = `axe.run(document, {resultTypes: ['violations']}).then((found) =>
	found.violations.flatMap((v) => v.nodes.map((n) => v.id + ': ' + v.help + ' in ' + n.html.slice(0, 160))))`

// TestLiveRegion sees in a browser that an event makes the page read its piece
// again, and only then.
func TestLiveRegion(t *testing.T) {
	b := newBrowser(t)
	_, routes := gallerySite(t, io.Discard)
	var asked atomic.Int64
	routes.Handle("GET /board", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		n := asked.Add(1)
		return page.Show(w, r, http.StatusOK, in(page.Frame(page.Meta{Title: "Tableau"}), page.Heading("", "Tableau"),
			in(page.Live(page.Region{ID: "held", Stream: "/changes", On: "changed"}), html(`<p id="n">%d</p>`, n))))
	})
	change := make(chan struct{})
	routes.Handle("GET /changes", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		stream, err := page.OpenStream(w, "changed")
		if err != nil {
			return err
		}
		for {
			select {
			case <-r.Context().Done():
				return nil
			case <-change:
				if err := stream.Send("changed", "held"); err != nil {
					return err
				}
			}
		}
	})
	server := httptest.NewServer(routes)
	defer server.Close()
	seen := b.open(t, server.URL+"/board", "", 360, false)
	defer server.CloseClientConnections()
	defer seen.close()
	// The stream's opening is the first event; two more follow at once.
	for want := 2; want <= 4; want++ {
		if want > 2 {
			select {
			case change <- struct{}{}:
			case <-time.After(20 * time.Second):
				t.Fatal("the page did not open its stream")
			}
		}
		var got string
		seen.eval(t, fmt.Sprintf(`new Promise((done) => {
			const look = () => {
				const text = document.querySelector('#n').textContent;
				if (text === '%d') done(text); else setTimeout(look, 20);
			};
			setTimeout(() => done('still ' + document.querySelector('#n').textContent), 10000);
			look();
		})`, want), &got)
		if got != strconv.Itoa(want) {
			t.Fatalf("after the event the page shows %s, want %d", got, want)
		}
	}
	if complaints := seen.complained(); len(complaints) > 0 {
		t.Errorf("the browser complains: %v", complaints)
	}
}

// BenchmarkFrame is what every page costs before its own content.
func BenchmarkFrame(b *testing.B) {
	_, routes := gallerySite(b, io.Discard)
	for _, p := range []galleryPage{{"landing", "/", ""}, {"office", "/office", "office"}} {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", p.path, nil)
				if p.as != "" {
					r.AddCookie(&http.Cookie{Name: "as", Value: p.as})
				}
				routes.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

// BenchmarkSentence is one sentence with a field and one with plural forms.
func BenchmarkSentence(b *testing.B) {
	words := mustWords(b, fstest.MapFS{
		"locale/fr.json": {Data: []byte(`{"x.n": {"one": "{n} absent", "other": "{n} absents"}}`)},
		"locale/en.json": {Data: []byte(`{"x.n": {"one": "{n} absent", "other": "{n} absent"}}`)},
	})
	ctx := page.In(b.Context(), &page.Site{Words: words}, "fr")
	b.Run("field", func(b *testing.B) {
		for b.Loop() {
			page.T(ctx, "page.failed.number", "number", "AB")
		}
	})
	b.Run("plural", func(b *testing.B) {
		for b.Loop() {
			page.T(ctx, "x.n", "n", 12)
		}
	})
}
