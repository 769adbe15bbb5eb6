package browser

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// site serves small pages under the policy that Préau's own pages have.
func site(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	page := func(path, body string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; img-src 'self'")
			fmt.Fprintf(w, `<!doctype html><html lang="fr"><head><title>Essai</title><meta name="viewport" content="width=device-width"><link rel="icon" href="/dot.svg"><link rel="stylesheet" href="/style.css"></head><body><main><h1>Essai</h1>%s</main></body></html>`, body)
		})
	}
	page("/good", `<p>Tout va bien.</p><form action="/next"><label for="n">Nom</label> <input id="n" name="n"> <button id="send">Continuer</button></form>`)
	page("/bad", `<p class="pale">Qui me lit ?</p><img src="/dot.svg"><input name="nobody-names-me">`)
	page("/small", `<p><a class="tiny" href="/good">a</a><a class="tiny" href="/bad">b</a></p>`)
	page("/script", `<p id="said">sans</p><script src="/say.js"></script>`)
	page("/inline", `<p>x</p><script>document.title = "inline"</script>`)
	page("/outside", `<p>x</p><script src="http://tracker.example/t.js"></script><script src="/nowhere.js"></script>`)
	mux.HandleFunc("GET /next", func(w http.ResponseWriter, r *http.Request) {
		if who, err := r.Cookie("who"); err == nil {
			fmt.Fprintf(w, `<!doctype html><title>Suite</title><p id="again">encore %s</p>`, who.Value)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "who", Value: url.QueryEscape(r.FormValue("n"))})
		fmt.Fprintf(w, `<!doctype html><title>Suite</title><p id="hello">bonjour %s, %s</p>`, r.FormValue("n"), r.Header.Get("Accept-Language"))
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		fmt.Fprint(w, `body{background:#fff;color:#000} .pale{color:#ddd} .tiny{display:inline-block;width:9px;height:9px;font-size:9px}
			@media (prefers-color-scheme:dark){body{background:#000;color:#fff}}`)
	})
	mux.HandleFunc("GET /say.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, `document.getElementById("said").textContent = "avec"`)
	})
	mux.HandleFunc("GET /dot.svg", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestBrowser(t *testing.T) {
	site, chromium := site(t), Start(t)

	t.Run("a good page has no violation", func(t *testing.T) {
		tab := chromium.Tab(t, Options{})
		tab.Go(site + "/good")
		tab.NoViolations("/good")
		if c := tab.Complaints(); len(c) != 0 {
			t.Errorf("complaints: %q", c)
		}
	})

	t.Run("violations are found", func(t *testing.T) {
		for path, rules := range map[string][]string{
			"/bad":   {"color-contrast", "image-alt", "label"},
			"/small": {"target-size"},
		} {
			tab := chromium.Tab(t, Options{})
			tab.Go(site + path)
			var found []string
			for _, v := range tab.Axe() {
				found = append(found, v.ID)
				if len(v.Where) == 0 || v.Help == "" || v.Impact == "" {
					t.Errorf("%v says too little", v)
				}
			}
			for _, rule := range rules {
				if !slices.Contains(found, rule) {
					t.Errorf("%s: %s is not among %v", path, rule, found)
				}
			}
		}
	})

	t.Run("without scripts", func(t *testing.T) {
		with, without := chromium.Tab(t, Options{}), chromium.Tab(t, Options{NoScript: true})
		with.Go(site + "/script")
		without.Go(site + "/script")
		if a, b := with.Text("#said"), without.Text("#said"); a != "avec" || b != "sans" {
			t.Errorf("with scripts %q, without %q", a, b)
		}
		// A person without scripts can still fill in a form, and axe still looks.
		without.Go(site + "/good")
		without.Type("#n", "Inès")
		without.Click("#send")
		if got := without.Text("#hello"); got != "bonjour Inès, fr" {
			t.Errorf("after the form: %q", got)
		}
		without.Go(site + "/bad")
		if len(without.Axe()) == 0 {
			t.Error("axe found nothing without scripts")
		}
		without.Go(site + "/script")
		if got := without.Text("#said"); got != "sans" {
			t.Errorf("after axe, scripts are back: %q", got)
		}
	})

	t.Run("each tab is another person", func(t *testing.T) {
		teacher, guardian := chromium.Tab(t, Options{}), chromium.Tab(t, Options{Lang: "en"})
		teacher.Go(site + "/next?n=enseignante")
		guardian.Go(site + "/next?n=parent")
		if got := guardian.Text("p"); got != "bonjour parent, en" {
			t.Errorf("the guardian sees %q", got)
		}
		teacher.Go(site + "/next")
		if got := teacher.Text("#again"); got != "encore enseignante" {
			t.Errorf("the teacher sees %q", got)
		}
	})

	t.Run("complaints", func(t *testing.T) {
		for path, want := range map[string]string{
			"/inline":  "Content Security Policy",
			"/outside": "tracker.example",
		} {
			tab := chromium.Tab(t, Options{})
			tab.Go(site + path)
			if all := strings.Join(tab.Complaints(), "\n"); !strings.Contains(all, want) {
				t.Errorf("%s: %q is not in the complaints:\n%s", path, want, all)
			}
			if all := strings.Join(tab.Complaints(), "\n"); path == "/outside" && !strings.Contains(all, "404 for "+site+"/nowhere.js") {
				t.Errorf("the missing part is not in the complaints:\n%s", all)
			}
		}
	})

	t.Run("nothing outside can be reached", func(t *testing.T) {
		tab := chromium.Tab(t, Options{})
		// The second address is this machine's as well: without our rule it would be
		// tried, and refuse the connection.
		for _, outside := range []string{"http://preau.example/", "http://127.0.0.2:8099/"} {
			err := chromedp.Do(tab.Context(), chromedp.Navigate(outside))
			if err == nil || !strings.Contains(err.Error(), "ERR_NAME_NOT_RESOLVED") {
				t.Errorf("%s gave %v", outside, err)
			}
		}
	})

	t.Run("looks", func(t *testing.T) {
		tab := chromium.Tab(t, Options{Width: 320, Height: 640})
		tab.Go(site + "/good")
		picture := func(name string) (width int, bright bool) {
			data := tab.Screenshot(filepath.Join(t.TempDir(), name))
			image, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			red, _, _, _ := image.At(2, 2).RGBA()
			return image.Bounds().Dx(), red > 0x8000
		}
		if width, bright := picture("light.png"); width != 320 || !bright {
			t.Errorf("light at 320: %d wide, bright %v", width, bright)
		}
		tab.Look(800, 600, true)
		if width, bright := picture("dark.png"); width != 800 || bright {
			t.Errorf("dark at 800: %d wide, bright %v", width, bright)
		}
	})
}

func TestWithoutChromiumSaysWhatToDo(t *testing.T) {
	t.Setenv("PREAU_CHROMIUM", "")
	t.Setenv("PATH", t.TempDir())
	if _, err := Path(); err == nil || !strings.Contains(err.Error(), "run make setup") {
		t.Errorf("without Chromium: %v", err)
	}
}
