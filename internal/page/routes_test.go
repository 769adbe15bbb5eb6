package page_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// ask sends one request to h and returns the answer with its body, typography
// taken out.
func ask(t *testing.T, h http.Handler, method, target, as string, change ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Accept-Language", "fr")
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "as", Value: as})
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, page.Plain(string(body))
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func form(values url.Values) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = io.NopCloser(strings.NewReader(values.Encode()))
	}
}

func fine(w http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(w, "done")
	return err
}

func TestARouteNeedsARuleAndAMethod(t *testing.T) {
	t.Parallel()
	for name, register := range map[string]func(*page.Routes){
		"no rule":            func(rs *page.Routes) { rs.Handle("GET /x", page.Rule{}, fine) },
		"no roles":           func(rs *page.Routes) { rs.Handle("GET /x", page.Only(), fine) },
		"no method":          func(rs *page.Routes) { rs.Handle("/x", page.Anyone(), fine) },
		"memory with a rule": func(rs *page.Routes) { rs.Handle("GET /x", page.SignedIn(), fine, page.FromMemory()) },
		"twice": func(rs *page.Routes) {
			rs.Handle("GET /x", page.Anyone(), fine)
			rs.Handle("GET /x", page.Anyone(), fine)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("registered")
				}
			}()
			register(page.NewRoutes(&page.Site{}))
		})
	}
}

// TestEveryRuleForEveryRole walks all routes of the gallery with every role and
// nobody, and compares with what the rule says.
func TestEveryRuleForEveryRole(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	routes.Handle("POST /guarded", page.Only(page.Teacher, page.Head), fine)
	for _, route := range routes.All() {
		method, path, _ := strings.Cut(route.Pattern, " ")
		path = strings.TrimSuffix(path, "{$}")
		if path == "/broken" || path == "/language" {
			continue
		}
		for _, role := range append(page.Roles(), "") {
			res, body := ask(t, routes, method, path, string(role))
			want := http.StatusOK
			switch {
			case role == "" && route.Rule.Public():
			case role == "" && method == http.MethodGet:
				want = http.StatusSeeOther
			case role == "":
				want = http.StatusUnauthorized
			case !route.Rule.Allows(role):
				want = http.StatusForbidden
			}
			if res.StatusCode != want {
				t.Errorf("%s (%s) as %q: %d, want %d", route.Pattern, route.Rule, role, res.StatusCode, want)
			}
			if want != http.StatusOK && strings.Contains(body, "done") {
				t.Errorf("%s as %q: the handler ran", route.Pattern, role)
			}
			if role != "" && res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s as %q may be kept by the browser", route.Pattern, role)
			}
		}
	}
}

func TestSignedOut(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	routes.Handle("POST /guarded", page.SignedIn(), fine)

	res, _ := ask(t, routes, "GET", "/office?day=2027-04-06", "")
	if got := res.Header.Get("Location"); got != "/sign-in?next=%2Foffice%3Fday%3D2027-04-06" {
		t.Errorf("led to %q", got)
	}
	res, body := ask(t, routes, "POST", "/guarded", "")
	if res.StatusCode != 401 || !strings.Contains(body, "Rien de ce que vous veniez d'envoyer n'a été enregistré.") {
		t.Errorf("POST: %d %s", res.StatusCode, body)
	}
	res, _ = ask(t, routes, "GET", "/office", "", header("HX-Request", "true"), header("HX-Current-URL", "http://example.com/roll?x=1"))
	if got := res.Header.Get("HX-Redirect"); res.StatusCode != 401 || got != "/sign-in?next=%2Froll%3Fx%3D1" {
		t.Errorf("a script was led to %q with %d", got, res.StatusCode)
	}
}

func TestUnknownAndWrongMethod(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	routes.Handle("GET /other-school", page.SignedIn(), func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("pupil 7: %w", page.NotFound())
	})
	_, unknown := ask(t, routes, "GET", "/nowhere", "head")
	res, hidden := ask(t, routes, "GET", "/other-school", "head")
	if res.StatusCode != 404 {
		t.Errorf("status %d", res.StatusCode)
	}
	if strings.ReplaceAll(hidden, "/other-school", "/nowhere") != unknown {
		t.Error("a thing of another school does not look like a thing that does not exist")
	}
	res, _ = ask(t, routes, "DELETE", "/office", "head")
	if res.StatusCode != 405 || res.Header.Get("Allow") != "GET" {
		t.Errorf("wrong method: %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
	}
}

func TestFailureShowsANumberAndNothingElse(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]page.Handler{
		"error": func(http.ResponseWriter, *http.Request) error { return errors.New("secret") },
		"panic": func(http.ResponseWriter, *http.Request) error { panic("secret") },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			_, routes := gallerySite(t, &log)
			routes.Handle("GET /fails/{id}", page.SignedIn(), h)
			res, body := ask(t, routes, "GET", "/fails/benali", "office")
			if res.StatusCode != 500 || strings.Contains(body, "secret") {
				t.Errorf("%d %s", res.StatusCode, body)
			}
			lines := strings.Split(strings.TrimSpace(log.String()), "\n")
			if len(lines) != 1 {
				t.Fatalf("%d log lines, want one: %s", len(lines), log.String())
			}
			_, after, _ := strings.Cut(lines[0], "request=")
			number, _, _ := strings.Cut(after, " ")
			if number == "" || !strings.Contains(body, number) {
				t.Errorf("the page does not show the request's number %q", number)
			}
			for _, want := range []string{"secret", "account=a-secretary", `route="GET /fails/{id}"`} {
				if !strings.Contains(lines[0], want) {
					t.Errorf("the log has no %s: %s", want, lines[0])
				}
			}
			for _, never := range []string{"Roy", "Alice-Guy", "benali"} {
				if strings.Contains(lines[0], never) {
					t.Errorf("the log names %s: %s", never, lines[0])
				}
			}
		})
	}
}

func TestRefusalSpeaksItsOwnWords(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	refusal := page.Invalid("lang", "page.language.unknown")
	routes.Handle("GET /refuses", page.Anyone(), func(http.ResponseWriter, *http.Request) error {
		return fmt.Errorf("save: %w", refusal)
	})
	res, body := ask(t, routes, "GET", "/refuses", "")
	if res.StatusCode != 422 || !strings.Contains(body, "Cette langue n'est pas encore disponible.") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	res, body = ask(t, routes, "GET", "/refuses", "", header("Accept-Language", "en-GB"))
	if res.StatusCode != 422 || !strings.Contains(body, "This language is not available yet.") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if !errors.Is(fmt.Errorf("save: %w", refusal), refusal) {
		t.Error("a declared refusal is not found by errors.Is")
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	read := func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return fmt.Errorf("read the form: %w", err)
		}
		return fine(w, r)
	}
	routes.Handle("POST /usual", page.Anyone(), read)
	routes.Handle("POST /large", page.Anyone(), read, page.Body(4<<20))
	big := url.Values{"x": {strings.Repeat("a", 1<<20)}}
	if res, body := ask(t, routes, "POST", "/usual", "", form(big)); res.StatusCode != 413 || !strings.Contains(body, "dépasse la taille acceptée") {
		t.Errorf("usual: %d %s", res.StatusCode, body)
	}
	if res, _ := ask(t, routes, "POST", "/large", "", form(big)); res.StatusCode != 200 {
		t.Errorf("large: %d", res.StatusCode)
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	routes.Handle("POST /usual", page.Anyone(), fine)
	cross := header("Sec-Fetch-Site", "cross-site")
	if res, _ := ask(t, routes, "POST", "/usual", "head", cross); res.StatusCode != 403 {
		t.Errorf("another site posted: %d", res.StatusCode)
	}
	if res, _ := ask(t, routes, "POST", "/usual", "head", header("Origin", "https://elsewhere.example")); res.StatusCode != 403 {
		t.Errorf("another origin posted: %d", res.StatusCode)
	}
	if res, _ := ask(t, routes, "POST", "/usual", "head", header("Sec-Fetch-Site", "same-origin")); res.StatusCode != 200 {
		t.Errorf("our own page cannot post: %d", res.StatusCode)
	}
}

func TestFromMemoryAsksNobody(t *testing.T) {
	t.Parallel()
	asked := 0
	site := &page.Site{Words: mustWords(t), Assets: mustAssets(t), Viewer: func(*http.Request) (page.Viewer, bool) {
		asked++
		return page.Viewer{}, false
	}}
	routes := page.NewRoutes(site)
	routes.Handle("GET /health", page.Anyone(), fine, page.FromMemory())
	ask(t, routes, "GET", "/health", "")
	ask(t, routes, "GET", site.Assets.URL("app.css"), "")
	if asked != 0 {
		t.Errorf("the viewer was asked for %d times", asked)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	site, routes := gallerySite(t, io.Discard)
	for _, path := range []string{"/", "/nowhere", "/broken", site.Assets.URL("app.css")} {
		res, _ := ask(t, routes, "GET", path, "")
		csp := res.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy lacks %s", path, want)
			}
		}
		if strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Referrer-Policy") == "" {
			t.Errorf("%s: headers %v", path, res.Header)
		}
	}
}

// TestPagesHaveNoInlineScriptOrStyle reads every page of the gallery for what
// the policy would stop.
func TestPagesHaveNoInlineScriptOrStyle(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	for _, p := range galleryPages() {
		_, body := ask(t, routes, "GET", p.path, p.as)
		for _, never := range []string{" style=", "<style", "<script>", " onclick=", " onsubmit=", "javascript:"} {
			if strings.Contains(body, never) {
				t.Errorf("%s contains %q", p.path, never)
			}
		}
	}
}

func TestAssetsAreKeptForGood(t *testing.T) {
	t.Parallel()
	site, routes := gallerySite(t, io.Discard)
	for _, name := range []string{"app.css", "app.js", "mark.svg"} {
		address := site.Assets.URL(name)
		if address == "" || address == "/assets/"+name {
			t.Fatalf("%s has the address %q", name, address)
		}
		res, _ := ask(t, routes, "GET", address, "")
		if res.StatusCode != 200 || res.Header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s: %d %q", name, res.StatusCode, res.Header.Get("Cache-Control"))
		}
	}
	if res, _ := ask(t, routes, "GET", "/assets/app-0123456789ab.css", ""); res.StatusCode != 404 || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("an old name: %d %q", res.StatusCode, res.Header.Get("Cache-Control"))
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	lang := func(change ...func(*http.Request)) string {
		_, body := ask(t, routes, "GET", "/", "", change...)
		_, after, _ := strings.Cut(body, `<html lang="`)
		return after[:2]
	}
	chosen := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "preau_language", Value: "en"}) }
	if got := lang(); got != "fr" {
		t.Errorf("a French browser got %s", got)
	}
	if got := lang(header("Accept-Language", "en-US,en;q=0.9")); got != "en" {
		t.Errorf("an English browser got %s", got)
	}
	if got := lang(header("Accept-Language", "tr, ar;q=0.5")); got != "fr" {
		t.Errorf("a browser in another language got %s", got)
	}
	if got := lang(chosen); got != "en" {
		t.Errorf("chosen English, got %s", got)
	}

	res, _ := ask(t, routes, "POST", "/language", "", form(url.Values{"lang": {"en"}, "next": {"/roll?x=1"}}))
	if res.StatusCode != 303 || res.Header.Get("Location") != "/roll?x=1" || len(res.Cookies()) != 1 || res.Cookies()[0].Value != "en" {
		t.Errorf("switch: %d to %q with %v", res.StatusCode, res.Header.Get("Location"), res.Cookies())
	}
	res, _ = ask(t, routes, "POST", "/language", "", form(url.Values{"lang": {"en"}, "next": {"//elsewhere.example"}}))
	if res.Header.Get("Location") != "/" {
		t.Errorf("the switch leads to %q", res.Header.Get("Location"))
	}
	if res, _ = ask(t, routes, "POST", "/language", "", form(url.Values{"lang": {"xx"}})); res.StatusCode != 422 {
		t.Errorf("an unknown language: %d", res.StatusCode)
	}
}

func TestLocal(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/roll?x=1#y": "/roll?x=1#y", "/": "/", "": "/", "roll": "/", "//elsewhere.example": "/", "///elsewhere.example": "/", "/\\elsewhere.example": "/",
		"https://elsewhere.example/": "/", "javascript:alert(1)": "/", "/x\r\nSet-Cookie: a=b": "/", "/\t/elsewhere.example": "/", "/%zz": "/",
	} {
		if got := page.Local(path); got != want {
			t.Errorf("Local(%q) = %q, want %q", path, got, want)
		}
	}
}

// FuzzLocal: whatever comes back stays on this site, as a browser resolves it.
func FuzzLocal(f *testing.F) {
	for _, seed := range []string{"/a", "//a", "/\\a", "/\t/a", "/a?b#c", "http://a", "/%2f/a", "/.//a"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://preau.example/here")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := page.Local(path)
		// Browsers drop tabs and line ends and read a backslash as a slash.
		seen := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(got)
		u, err := base.Parse(seen)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme {
			t.Errorf("Local(%q) = %q leads to %v (%v)", path, got, u, err)
		}
	})
}

func TestCompression(t *testing.T) {
	t.Parallel()
	_, routes := gallerySite(t, io.Discard)
	release := make(chan struct{})
	routes.Handle("GET /live", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		stream, err := page.OpenStream(w, "opened")
		if err != nil {
			return err
		}
		if err := stream.Send("changed", "1\nevent: forged"); err != nil {
			return err
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
		return nil
	})
	server := httptest.NewServer(routes)
	defer server.Close()
	defer close(release)
	get := func(path string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip")
		res, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}

	res := get("/")
	defer func() { _ = res.Body.Close() }()
	if res.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("a page came as %q", res.Header.Get("Content-Encoding"))
	}
	unzip, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := io.ReadAll(unzip); err != nil || !bytes.HasSuffix(bytes.TrimSpace(whole), []byte("</html>")) {
		t.Errorf("the page is not whole: %v", err)
	}

	res = get("/assets/nothing.css")
	_ = res.Body.Close()
	if res.StatusCode != 404 {
		t.Errorf("an asset that does not exist: %d", res.StatusCode)
	}
	_, landing := ask(t, routes, "GET", "/", "")
	_, after, _ := strings.Cut(landing, `<script src="`)
	address, _, _ := strings.Cut(after, `"`)
	js := get(address)
	defer func() { _ = js.Body.Close() }()
	unzip, err = gzip.NewReader(js.Body)
	if err != nil {
		t.Fatalf("%s is not packed: %v", address, err)
	}
	want, err := fs.ReadFile(web.Files(), "app.js")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(unzip); err != nil || !bytes.Equal(got, want) {
		t.Errorf("app.js came as %d bytes, want %d (%v)", len(got), len(want), err)
	}

	// The stream's first line must arrive while its handler still runs.
	live := get("/live")
	defer func() { _ = live.Body.Close() }()
	if live.Header.Get("Content-Encoding") != "" {
		t.Errorf("a stream came as %q", live.Header.Get("Content-Encoding"))
	}
	arrived := make(chan string, 1)
	go func() {
		lines, all := bufio.NewReader(live.Body), ""
		for range 6 { // twice event, data, empty line
			line, _ := lines.ReadString('\n')
			all += line
		}
		arrived <- all
	}()
	select {
	case got := <-arrived:
		if got != "event: opened\ndata: \n\nevent: changed\ndata: 1 event: forged\n\n" {
			t.Errorf("the stream began with %q", got)
		}
	case <-time.After(10 * time.Second):
		t.Error("the stream's first line did not arrive")
	}
}
