package page

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzhttp"
	"golang.org/x/text/language"
)

// Handler answers a request or returns what kept it from doing so; [Fail] then
// answers. It writes nothing before it can no longer fail: see [Show].
type Handler func(w http.ResponseWriter, r *http.Request) error

// Route is one registered route.
type Route struct {
	Pattern string // as given to Handle: "POST /roll/{sitting}"
	Rule    Rule
}

// Routes is the table of every route with its rule, and the one http.Handler of
// the program's pages.
type Routes struct {
	site   *Site
	mux    *http.ServeMux
	origin *http.CrossOriginProtection
	langs  language.Matcher
	list   []Route
	outer  http.Handler
}

// usualBody is the most that a request may carry: 1 MiB.
const usualBody = 1 << 20

// NewRoutes makes an empty table for that site. It already serves the site's
// assets and POST /language.
func NewRoutes(s *Site) *Routes {
	tags := make([]language.Tag, 0, 2)
	for _, lang := range Languages() {
		tags = append(tags, language.Make(lang))
	}
	rs := &Routes{
		site:   s,
		mux:    http.NewServeMux(),
		origin: http.NewCrossOriginProtection(),
		langs:  language.NewMatcher(tags),
	}
	rs.mux.HandleFunc("/", rs.unknown)
	rs.Handle("POST /language", Anyone(), changeLanguage)

	// The jitter hides the length of a page that mixes a secret with what the
	// visitor typed (BREACH); an event stream must reach the browser line by line.
	wrap, err := gzhttp.NewWrapper(
		gzhttp.RandomJitter(32, 0, false),
		gzhttp.ExceptContentTypes([]string{"text/event-stream"}),
	)
	if err != nil {
		panic("page: gzip: " + err.Error()) // only wrong constants can do this
	}
	rs.outer = wrap(http.HandlerFunc(rs.serve))
	return rs
}

// RouteOption changes how one route is served.
type RouteOption func(*served)

type served struct {
	body   int64
	memory bool
	again  func(*http.Request) (bool, error)
	films  bool
}

// Body sets the most that a request to this route may carry, in bytes.
func Body(limit int64) RouteOption { return func(s *served) { s.body = limit } }

// Again asks whoever uses the route for their password or passkey where they have not given
// one lately: for what lets letters out, decides who may be told, or opens an account to
// somebody. deeds are the values of the field "do" for which that is so; none: always.
func Again(deeds ...string) RouteOption {
	return func(s *served) {
		s.again = func(r *http.Request) (bool, error) {
			if err := r.ParseForm(); err != nil {
				return false, err
			}
			return len(deeds) == 0 || slices.Contains(deeds, r.PostForm.Get("do")), nil
		}
	}
}

// Films lets the page of this route ask for the camera, the microphone and the screen. Every
// other page is refused them by the browser, whatever runs in it.
func Films() RouteOption { return func(s *served) { s.films = true } }

// FromMemory serves the route without asking who is looking, so that it answers
// when the database does not: health, status, the waiting page. It needs the rule
// Anyone.
func FromMemory() RouteOption { return func(s *served) { s.memory = true } }

// Handle registers h for a pattern of [http.ServeMux] that begins with its
// method. It panics, and the program does not start, when there is no rule, no
// method, or the pattern is taken.
func (rs *Routes) Handle(pattern string, rule Rule, h Handler, options ...RouteOption) {
	if rule.kind == noRule {
		panic("page: route " + pattern + " has no rule: say who may use it")
	}
	if method, _, ok := strings.Cut(pattern, " "); !ok || method != strings.ToUpper(method) {
		panic("page: route " + pattern + " has no method: begin it with GET or POST")
	}
	how := served{body: usualBody}
	for _, option := range options {
		option(&how)
	}
	if how.memory && !rule.Public() {
		panic("page: route " + pattern + " is served from memory: its rule must be Anyone")
	}
	rs.list = append(rs.list, Route{Pattern: pattern, Rule: rule})
	rs.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		defer func() { caught(recover(), w, r) }() // r as it is by then, with its viewer
		if err := rs.origin.Check(r); err != nil {
			Fail(w, r, Forbidden("page.origin.text"))
			return
		}
		if how.films {
			w.Header().Set("Permissions-Policy", filming)
		}
		whole := r.Body
		limited := &limitedBody{ReadCloser: http.MaxBytesReader(w, whole, how.body)}
		r.Body = limited
		viewer, signedIn := Viewer{}, false
		if !how.memory && rs.site.Viewer != nil {
			viewer, signedIn = rs.site.Viewer(r)
		}
		if signedIn {
			w.Header().Set("Cache-Control", "no-store")
			r = rs.seenBy(r, viewer)
		}
		switch {
		case !signedIn && !rule.Public():
			askToSignIn(w, r)
		case signedIn && !rule.Allows(viewer.Role):
			Fail(w, r, Forbidden("page.forbidden.text"))
		default:
			if err := rs.asked(how, h, w, r); err != nil {
				if limited.err != nil { // a handler may have taken what was cut for an empty form
					err = limited.err
				}
				Fail(w, r, err)
				if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
					drain(w, whole)
				}
			}
		}
	})
}

// How much of what is too large is still taken, and for how long: a browser that is cut while
// it sends shows an error of its own, and not the page that says why.
const (
	mostDrained  = 8 << 20
	drainedAfter = 5 * time.Second
)

func drain(w http.ResponseWriter, body io.Reader) {
	c := http.NewResponseController(w)
	_ = c.Flush()
	if c.SetReadDeadline(time.Now().Add(drainedAfter)) == nil {
		_, _ = io.CopyN(io.Discard, body, mostDrained)
	}
}

// limitedBody remembers what broke the reading of a body: too much, or too slow.
type limitedBody struct {
	io.ReadCloser
	err error
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge || errors.Is(err, os.ErrDeadlineExceeded) {
		b.err = err
	}
	return n, err
}

// asked calls the handler, once the viewer showed who they are where the route says so.
func (rs *Routes) asked(how served, h Handler, w http.ResponseWriter, r *http.Request) error {
	if how.again != nil && rs.site.Again != nil {
		asks, err := how.again(r)
		if err != nil {
			return err
		}
		if asks {
			if goes, err := rs.site.Again(w, r); err != nil || !goes {
				return err
			}
		}
	}
	return h(w, r)
}

// All lists every route, in the order of registration.
func (rs *Routes) All() []Route {
	return append([]Route(nil), rs.list...)
}

// ServeHTTP serves assets and routes.
func (rs *Routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if rs.site.Assets != nil && strings.HasPrefix(r.URL.Path, assetsPath) && rs.site.Assets.serve(w, r) {
		return
	}
	rs.outer.ServeHTTP(w, r)
}

func (rs *Routes) serve(w http.ResponseWriter, r *http.Request) {
	out := &response{ResponseWriter: w}
	ctx := context.WithValue(r.Context(), visitKey{}, visit{
		site: rs.site, lang: rs.language(r, ""), path: returnPath(r), id: requestNumber(),
	})
	r = r.WithContext(ctx)
	if !utf8.ValidString(r.URL.Path) || strings.ContainsRune(r.URL.Path, 0) {
		// No id of ours holds such bytes, and a database fails on them.
		Fail(out, r, NotFound())
		return
	}
	rs.mux.ServeHTTP(out, r)
}

// caught turns a panic into the page of an unexpected failure.
func caught(value any, w http.ResponseWriter, r *http.Request) {
	if value == nil {
		return
	}
	err, ok := value.(error)
	if ok && errors.Is(err, http.ErrAbortHandler) {
		panic(value)
	}
	if !ok {
		err = fmt.Errorf("%v", value)
	}
	out, ok := w.(*response)
	begun := ok && out.wrote
	Fail(w, r, fmt.Errorf("panic: %w\n%s", err, debug.Stack()))
	if begun {
		// Half a page has left: cutting the connection is the only way to
		// tell the browser that it is not whole.
		panic(http.ErrAbortHandler)
	}
}

// seenBy puts the viewer, and the language that is theirs, into the request.
func (rs *Routes) seenBy(r *http.Request, v Viewer) *http.Request {
	visit := visitFrom(r.Context())
	visit.lang = rs.language(r, v.Lang)
	ctx := context.WithValue(r.Context(), visitKey{}, visit)
	return r.WithContext(WithViewer(ctx, v))
}

const languageCookie = "preau_language"

// language chooses among the pages' languages: what was chosen in this browser,
// else what the account says, else what the browser asks for, else French.
func (rs *Routes) language(r *http.Request, account string) string {
	for _, cookie := range r.CookiesNamed(languageCookie) {
		if known(cookie.Value) {
			return cookie.Value
		}
	}
	if known(account) {
		return account
	}
	_, i := language.MatchStrings(rs.langs, r.Header.Get("Accept-Language"))
	return Languages()[i]
}

func known(lang string) bool {
	for _, l := range Languages() {
		if l == lang {
			return true
		}
	}
	return false
}

func changeLanguage(w http.ResponseWriter, r *http.Request) error {
	lang := r.PostFormValue("lang")
	if !known(lang) {
		return Invalid("lang", "page.language.unknown")
	}
	http.SetCookie(w, &http.Cookie{
		Name: languageCookie, Value: lang, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: visitFrom(r.Context()).site.Secure,
	})
	return See(w, r, r.PostFormValue("next"))
}

// askToSignIn answers somebody who is not signed in: a page they wanted to read
// is kept for after the sign-in; what they wanted to send is not taken.
func askToSignIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	wanted := Local(r.URL.RequestURI())
	if r.Header.Get("HX-Request") == "true" {
		// A script asked for a piece of a page: it must lead the whole page away.
		if current, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && current.Path != "" {
			wanted = Local(current.RequestURI())
		}
		w.Header().Set("HX-Redirect", signInPath(wanted))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		http.Redirect(w, r, signInPath(wanted), http.StatusSeeOther)
		return
	}
	Fail(w, r, &Refusal{Status: http.StatusUnauthorized, Key: "page.unauthorized.text"})
}

func signInPath(next string) string {
	if next == "/" {
		return "/sign-in"
	}
	return "/sign-in?next=" + url.QueryEscape(next)
}

// unknown answers every path without a route, and every known path asked for
// with a method that it does not have.
func (rs *Routes) unknown(w http.ResponseWriter, r *http.Request) {
	defer func() { caught(recover(), w, r) }()
	if rs.site.Viewer != nil {
		if viewer, ok := rs.site.Viewer(r); ok {
			r = rs.seenBy(r, viewer)
		}
	}
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		asked := *r
		asked.Method = method
		if _, pattern := rs.mux.Handler(&asked); pattern != "/" && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		Fail(w, r, &Refusal{Status: http.StatusMethodNotAllowed, Key: "page.method.text"})
		return
	}
	Fail(w, r, NotFound())
}

// secure sets the headers of every answer.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()")
}

// filming is what a page of a live class may ask for.
const filming = "camera=(self), microphone=(self), display-capture=(self), geolocation=(), browsing-topics=()"

// policy lets a page use what this server sent as a file, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// returnPath is where a form on this page may lead back to: the page itself, or
// for a page that answers a POST, the one that it was sent from.
func returnPath(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return Local(r.URL.RequestURI())
	}
	if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
		return Local(from.RequestURI())
	}
	return "/"
}

// requestNumber is short enough to be read out on the telephone.
func requestNumber() string {
	text := rand.Text()
	return text[:4] + "-" + text[4:8]
}

// response knows whether anything was written yet.
type response struct {
	http.ResponseWriter
	wrote bool
}

func (w *response) WriteHeader(status int) {
	w.wrote = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection (flush, deadlines).
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// log is the site's logger.
func (s *Site) log() *slog.Logger {
	if s == nil || s.Log == nil {
		return slog.Default()
	}
	return s.Log
}
