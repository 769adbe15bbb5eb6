package account

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// site is the whole thing: routes, pages and a database, reached over HTTP.
type site struct {
	*Keeper
	db     *database.DB
	clock  *clock
	server *httptest.Server
	log    *bytes.Buffer
}

func newSite(t testing.TB, db *database.DB, secure bool) *site {
	t.Helper()
	schools(t, db)
	s := &site{db: db, clock: &clock{now: tuesday}, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	j, err := journal.New([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	s.Keeper, err = NewKeeper(Settings{DB: db, Key: []byte("0123456789abcdef0123456789abcdef"), Clock: s.clock.time, Cost: cheap, Log: log, Secure: secure, Journal: j})
	if err != nil {
		t.Fatal(err)
	}
	words, err := page.NewWords(Words)
	if err != nil {
		t.Fatal(err)
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	routes := page.NewRoutes(&page.Site{Words: words, Assets: assets, Log: log, Viewer: s.Viewer, Again: s.Again, Secure: secure})
	s.Register(routes)
	routes.Handle("GET /{$}", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		v, ok := page.ViewerFrom(r.Context())
		if !ok {
			_, err := io.WriteString(w, "nobody")
			return err
		}
		zone := ""
		if v.Zone != nil {
			zone = v.Zone.String()
		}
		_, err := io.WriteString(w, strings.Join([]string{v.Name, string(v.Role), v.School, v.SchoolName, v.ID, zone, v.Lang}, "|"))
		return err
	})
	routes.Handle("GET /status", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "public, max-age=10")
		_, err := io.WriteString(w, "fine")
		return err
	}, page.FromMemory())
	s.server = httptest.NewServer(s.Renew(routes))
	t.Cleanup(s.server.Close)
	return s
}

// browser is somebody at a computer.
type browser struct {
	t    testing.TB
	site *site
	*http.Client
}

func (s *site) browser(t testing.TB) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

type answer struct {
	*http.Response
	body string
}

// says tells whether the page has the sentence, whatever its printing marks.
func (a answer) says(text string) bool { return strings.Contains(page.Plain(a.body), page.Plain(text)) }

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	r.Header.Set("Accept-Language", "fr")
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	r, err := http.NewRequest("GET", b.site.server.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

func (b *browser) post(path string, pairs ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest("POST", b.site.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	return b.do(r)
}

func (b *browser) signIn(identifier, password string) {
	b.t.Helper()
	if a := b.post("/sign-in", "identifier", identifier, "password", password, "device", "own"); a.StatusCode != http.StatusSeeOther {
		b.t.Fatalf("%s does not get in: %d", identifier, a.StatusCode)
	}
}

func (b *browser) want(a answer, status int, sentences ...string) {
	b.t.Helper()
	if a.StatusCode != status {
		b.t.Errorf("%s %s: status %d, want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, status)
	}
	for _, s := range sentences {
		if !a.says(s) {
			b.t.Errorf("%s %s does not say %q:\n%s", a.Request.Method, a.Request.URL.Path, s, a.body)
		}
	}
}

// signedRequest is a request as a signed-in browser makes it.
func signedRequest(k *Keeper, a Account, s Session) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: k.sessionCookie(), Value: k.keys.writeTicket(ticket{Session: s.ID, Account: a.ID, Ends: k.clock().Add(SessionIdle), Idle: SessionIdle})})
	return r
}

func TestSignInOverHTTP(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		create(t, db, Account{School: college, Person: "head", Role: page.Head}, good)
		create(t, db, Account{Role: page.Operator, Identifier: "exploitation"}, good)
		b := s.browser(t)

		b.want(b.get("/"), http.StatusOK, "nobody")
		if a := b.get("/account"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/sign-in?next=%2Faccount" {
			t.Errorf("a page for the signed-in: %d to %q", a.StatusCode, a.Header.Get("Location"))
		}
		form := b.get("/sign-in?next=/account")
		b.want(form, http.StatusOK, `name="next" value="/account"`, "Première connexion")
		if form.Header.Get("Cache-Control") != "no-store" {
			t.Error("the sign-in page may be kept")
		}
		wrong := b.post("/sign-in", "identifier", "lea.benali", "password", bad, "next", "/account")
		b.want(wrong, http.StatusUnauthorized, "ne correspond pas", `value="lea.benali"`, `name="next" value="/account"`)
		if strings.Contains(wrong.body, bad) {
			t.Error("the page repeats the password")
		}
		in := b.post("/sign-in", "identifier", "lea.benali", "password", good, "next", "/account")
		if in.StatusCode != http.StatusSeeOther || in.Header.Get("Location") != "/account" {
			t.Fatalf("signed in: %d to %q", in.StatusCode, in.Header.Get("Location"))
		}
		b.want(b.get("/"), http.StatusOK, "Léa Benali|pupil|lycee|Lycée des Tilleuls|lea|Europe/Paris|")
		if a := b.get("/sign-in?next=/account"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/account" {
			t.Errorf("the sign-in page, signed in: %d to %q", a.StatusCode, a.Header.Get("Location"))
		}

		head := s.browser(t)
		head.signIn("anais.hoarau", good)
		head.want(head.get("/"), http.StatusOK, "Anaïs Hoarau|head|college|Collège du Port|head|Indian/Reunion|")
		operator := s.browser(t)
		operator.signIn("exploitation", good)
		operator.want(operator.get("/"), http.StatusOK, "exploitation|operator|||||")

		old := b.cookie("preau")
		out := b.post("/sign-out")
		if out.StatusCode != http.StatusSeeOther || out.Header.Get("Location") != "/" {
			t.Errorf("signed out: %d to %q", out.StatusCode, out.Header.Get("Location"))
		}
		b.want(b.get("/"), http.StatusOK, "nobody")
		b.setCookie(old)
		b.want(b.get("/"), http.StatusOK, "nobody") // the cookie that somebody kept
		b.want(b.post("/sign-out"), http.StatusSeeOther)
		head.want(head.get("/"), http.StatusOK, "Anaïs Hoarau")
	})
}

func (b *browser) cookie(name string) *http.Cookie {
	b.t.Helper()
	u, _ := url.Parse(b.site.server.URL)
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == name {
			return c
		}
	}
	b.t.Fatalf("no cookie %s", name)
	return nil
}

func (b *browser) setCookie(c *http.Cookie) {
	u, _ := url.Parse(b.site.server.URL)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
}

func TestCookieFlags(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		db := databasetest.SQLite(t)
		s := newSite(t, db, secure)
		create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		name := map[bool]string{false: "preau", true: "__Host-preau"}[secure]
		for _, whose := range []string{"own", "shared", ""} {
			a := s.browser(t).post("/sign-in", "identifier", "lea.benali", "password", good, "device", whose)
			got := map[string]*http.Cookie{}
			for _, c := range a.Cookies() {
				got[c.Name] = c
				if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != secure {
					t.Errorf("secure %v: %s", secure, c.Raw)
				}
			}
			session, device := got[name], got[name+"-device"]
			switch {
			case session == nil:
				t.Errorf("secure %v, device %q: no cookie %s", secure, whose, name)
			case whose == "own" && (session.MaxAge != int(SessionIdle/time.Second) || device == nil):
				t.Errorf("secure %v: the browser is to keep the session for %v, and its own mark: %s", secure, SessionIdle, session.Raw)
			case whose != "own" && (session.MaxAge != 0 || !session.Expires.IsZero() || device != nil):
				t.Errorf("secure %v: on a shared computer nothing is to stay: %s", secure, session.Raw)
			case whose != "own":
				if ticket, ok := s.keys.readTicket(session.Value, tuesday); !ok || ticket.Ends != tuesday.Add(SessionShared) {
					t.Errorf("secure %v: a session on a shared computer ends at %v", secure, ticket.Ends)
				}
			}
		}
	}
}

func TestNoOpenRedirect(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	for next, want := range map[string]string{
		"/account":              "/account",
		"/account?done=x&y=%2F": "/account?done=x&y=%2F",
		"":                      "/",
		"//evil.example":        "/",
		"///evil.example":       "/",
		`/\evil.example`:        "/",
		`\\evil.example`:        "/",
		"https://evil.example":  "/",
		"http:evil.example":     "/",
		"javascript:alert(1)":   "/",
		"evil.example":          "/",
		"/\t/evil.example":      "/",
		"/\n/evil.example":      "/",
		"\t//evil.example":      "/",
		" //evil.example":       "/",
		"/\x00/evil.example":    "/",
		"/\x7f/evil.example":    "/",
	} {
		b := s.browser(t)
		after := b.post("/sign-in", "identifier", "lea.benali", "password", good, "next", next)
		already := b.get("/sign-in?next=" + url.QueryEscape(next))
		form := s.browser(t).get("/sign-in?next=" + url.QueryEscape(next))
		if got := after.Header.Get("Location"); after.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("after signing in, next=%q leads to %q, want %q", next, got, want)
		}
		if got := already.Header.Get("Location"); already.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("signed in already, next=%q leads to %q, want %q", next, got, want)
		}
		to := "/sign-in"
		if want != "/" {
			to += "?next=" + url.QueryEscape(want)
		}
		for _, part := range []string{`method="post" action="` + to + `" data-turn`, `<input type="hidden" name="next" value="` + strings.ReplaceAll(want, "&", "&amp;") + `"`} {
			if !strings.Contains(form.body, part) {
				t.Errorf("next=%q: the form does not lead to %q", next, want)
			}
		}
	}
	// Whatever cleaning does to a path, it stays on this host.
	for _, next := range []string{"/.//evil.example", "/..//evil.example", "/x/..//evil.example", "/%09/evil.example", "/%5cevil.example"} {
		got := s.browser(t).post("/sign-in", "identifier", "lea.benali", "password", good, "next", next).Header.Get("Location")
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(got, "//") || strings.HasPrefix(got, `/\`) || !strings.HasPrefix(got, "/") {
			t.Errorf("next=%q leads to %q", next, got)
		}
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	b := s.browser(t)
	b.signIn("lea.benali", good)
	for _, path := range []string{"/sign-in", "/sign-out", "/first-sign-in", "/account", "/people/" + lea.ID + "/code"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
			r, err := http.NewRequest("POST", s.server.URL+path, strings.NewReader("do=everywhere&identifier=lea.benali"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(name, value)
			if a := b.do(r); a.StatusCode != http.StatusForbidden {
				t.Errorf("POST %s from another site (%s): %d, want 403", path, name, a.StatusCode)
			}
		}
	}
	b.want(b.get("/"), http.StatusOK, "Léa Benali")
}

func TestForgedCookieMeetsNoDatabase(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	_, session, err := s.Keeper.signIn(t.Context(), "lea.benali", good, visitor{device: device{ID: "d"}})
	if err != nil {
		t.Fatal(err)
	}
	signed := signedRequest(s.Keeper, lea, session)
	if _, ok := s.Viewer(signed); !ok {
		t.Fatal("a signed cookie is not taken")
	}
	db.Close()
	forged := httptest.NewRequest("GET", "/", nil)
	forged.AddCookie(&http.Cookie{Name: "preau", Value: newKeys([]byte("another key")).writeTicket(ticket{Session: session.ID, Account: lea.ID, Ends: tuesday.Add(SessionIdle), Idle: SessionIdle})})
	late := signedRequest(s.Keeper, lea, session)
	s.log.Reset()
	if _, ok := s.Viewer(forged); ok || s.log.Len() > 0 {
		t.Errorf("a forged cookie: %v, and the closed database was asked: %s", ok, s.log)
	}
	s.clock.after(SessionIdle)
	if _, ok := s.Viewer(late); ok || s.log.Len() > 0 {
		t.Errorf("a cookie that ended: %v, and the closed database was asked: %s", ok, s.log)
	}
	s.clock.after(-SessionIdle)
	if _, ok := s.Viewer(signed); ok || !strings.Contains(s.log.String(), "who is signed in") {
		t.Errorf("a signed cookie without database: %v, logged %s", ok, s.log)
	}
}

// Whoever finds too many passwords waiting is never told that anything failed: their turn
// comes, the form comes back filled with what they had typed, and they go before those who
// came later.
func TestTurnInThePool(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	leave := fill(t, s.pool)
	s.pool.mu.Lock()
	s.pool.spell = time.Hour // nobody else is let in to wait
	s.pool.waiting[first] = []*turn{{open: make(chan struct{})}, {open: make(chan struct{})}}
	s.pool.mu.Unlock()
	b := s.browser(t)
	sent := func() answer {
		return b.post("/sign-in?next=%2Faccount", "identifier", "lea.benali", "password", good, "device", "own", "next", "/account")
	}
	plain := sent()
	b.want(plain, http.StatusOK, "Beaucoup de monde", `value="lea.benali"`)
	if plain.Header.Get("Retry-After") == "" || strings.Contains(plain.body, good) {
		t.Errorf("Retry-After %q, or the page repeats the password", plain.Header.Get("Retry-After"))
	}
	s.WhenFull(func(w http.ResponseWriter, _ *http.Request, _ time.Duration) { _, _ = io.WriteString(w, "your turn") })
	if a := sent(); a.StatusCode != http.StatusOK || a.body != "your turn" {
		t.Errorf("at the door: %d %s", a.StatusCode, a.body)
	}
	if a := b.post("/first-sign-in", "code", "x"); a.StatusCode == http.StatusServiceUnavailable {
		t.Errorf("a first sign-in: %d", a.StatusCode)
	}
	back := b.get("/sign-in?next=%2Faccount") // what the page of the door refreshes to
	b.want(back, http.StatusOK, `value="lea.benali"`, `name="next" value="/account"`, `value="own" checked`)
	before := b.site.asked(&http.Request{Header: http.Header{"Cookie": {b.cookie("preau-asked").String()}}})
	if before.Since.IsZero() || before.Identifier != "lea.benali" {
		t.Errorf("it is not known since when they wait: %+v", before)
	}
	if n := attemptRows(t, db); n != 0 {
		t.Error("a password that was not looked at was counted")
	}
	s.pool.mu.Lock()
	s.pool.waiting[first] = nil
	s.pool.mu.Unlock()
	leave()
	if a := sent(); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/account" {
		t.Errorf("afterwards: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if again := s.browser(t).get("/sign-in"); strings.Contains(again.body, `value="lea.benali"`) {
		t.Error("somebody else's form is filled")
	}
}

func TestWaitIsTold(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	pages := map[string][]string{}
	number := regexp.MustCompile(`value="(lea\.benali|nobody\.atall)"`)
	for _, typed := range []string{"lea.benali", "nobody.atall"} {
		b := s.browser(t)
		for range freeFailures + 2 {
			a := b.post("/sign-in", "identifier", typed, "password", bad)
			pages[typed] = append(pages[typed], a.Status+a.Header.Get("Retry-After")+number.ReplaceAllString(a.body, ""))
		}
		last := b.post("/sign-in", "identifier", typed, "password", good)
		b.want(last, http.StatusTooManyRequests, "Trop d'essais", "dans 30 secondes")
		if got := last.Header.Get("Retry-After"); got != "30" {
			t.Errorf("Retry-After: %q, want 30", got)
		}
	}
	for i := range pages["lea.benali"] {
		if pages["lea.benali"][i] != pages["nobody.atall"][i] {
			t.Errorf("try %d tells whether the account exists:\n%s\n%s", i+1, pages["lea.benali"][i], pages["nobody.atall"][i])
		}
	}
	s.clock.after(firstWait)
	b := s.browser(t)
	b.signIn("lea.benali", good)
	if got := howLong(context.Background(), 61*time.Second); got != "account.minutes" {
		t.Errorf("61 seconds are told in %s", got)
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	b := s.browser(t)
	b.signIn("lea.benali", good)
	renewed := func(a answer) bool {
		for _, c := range a.Cookies() {
			if c.Name == "preau" && c.Value != "" {
				if c.MaxAge != int(SessionIdle/time.Second) || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
					t.Errorf("renewed as %s", c.Raw)
				}
				return true
			}
		}
		return false
	}
	if renewed(b.get("/account")) {
		t.Error("a cookie of this minute is renewed")
	}
	s.clock.after(25 * time.Hour)
	if renewed(b.get("/status")) {
		t.Error("a page that others may keep carries a session's cookie")
	}
	if renewed(b.post("/account", "do", "nothing")) {
		t.Error("the answer to a form renews the cookie")
	}
	if !renewed(b.get("/account")) {
		t.Error("a cookie of yesterday is not renewed")
	}
	if renewed(b.get("/account")) {
		t.Error("it is renewed twice")
	}
	// Whoever comes back every three weeks stays in, until the school year is over.
	for n := 0; n < 14; n++ {
		s.clock.after(20 * 24 * time.Hour)
		b.want(b.get("/"), http.StatusOK, "Léa Benali")
	}
	s.clock.after(20 * 24 * time.Hour)
	b.want(b.get("/"), http.StatusOK, "nobody")

	b = s.browser(t)
	b.signIn("lea.benali", good)
	s.clock.after(SessionIdle)
	b.want(b.get("/"), http.StatusOK, "nobody")

	// Renewing does not bring back what was ended.
	b = s.browser(t)
	b.signIn("lea.benali", good)
	old := b.cookie("preau")
	b.post("/sign-out")
	s.clock.after(25 * time.Hour)
	b.setCookie(old)
	for range 2 {
		b.want(b.get("/account"), http.StatusSeeOther)
		b.want(b.get("/"), http.StatusOK, "nobody")
	}
}

// A stream of events goes through a renewal line by line.
func TestRenewStreams(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	w := httptest.NewRecorder()
	s.Renew(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if _, ok := w.(http.Flusher); !ok {
			t.Error("no Flusher")
		}
		_, _ = io.WriteString(w, "data: 1\n\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(w, func() *http.Request {
		r := signedRequest(s.Keeper, lea, Session{ID: "s"})
		s.clock.after(48 * time.Hour)
		return r
	}())
	if !w.Flushed || w.Body.String() != "data: 1\n\n" || len(w.Result().Cookies()) != 1 {
		t.Errorf("flushed %v, %q, %v", w.Flushed, w.Body, w.Result().Cookies())
	}
}
