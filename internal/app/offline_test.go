package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// school is an installation on a real address that can be stopped and started again, with
// the same files and at the same address.
type onlineSchool struct {
	t      *testing.T
	dir    string
	addr   string
	town   fictional.Town
	clock  *app.Clock
	app    *app.App
	server *http.Server
	before func(http.Handler) http.Handler // stands before the pages; nil: nothing
	change []func(*app.Config)
}

func newOnlineSchool(t *testing.T, change ...func(*app.Config)) *onlineSchool {
	t.Helper()
	s := &onlineSchool{t: t, dir: t.TempDir(), addr: "127.0.0.1:0", town: fictional.Small(time.Time{}), change: change}
	s.clock = app.StandingClock(s.town.Tuesday.Add(7 * time.Minute))
	s.open()
	if err := fictional.Save(t.Context(), s.app.DB, s.town); err != nil {
		t.Fatal(err)
	}
	hash := account.HashPassword(walkPassword, account.Cost{})
	err := s.app.DB.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		for person, role := range map[string]page.Role{"roy": page.Teacher, "office": page.Secretary, "supervisor": page.Teacher} {
			a, err := account.Create(ctx, tx, account.Account{School: s.town.School.ID, Person: person, Role: role, Identifier: person, CreatedAt: s.clock.Now()})
			if err != nil {
				return err
			}
			if err := account.SetPassword(ctx, tx, s.clock.Now(), a.ID, hash); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *onlineSchool) open() {
	s.t.Helper()
	config := app.Config{Data: s.dir, Addr: s.addr}
	for _, change := range s.change {
		change(&config)
	}
	var err error
	s.app, err = app.Open(s.t.Context(), config, app.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: s.clock, For: app.Installing})
	if err != nil {
		s.t.Fatal(err)
	}
}

// start serves; after a stop the program is a new one.
func (s *onlineSchool) start() {
	s.t.Helper()
	if s.app == nil {
		s.open()
	}
	ln, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	s.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := s.app.Handler()
		if s.before != nil {
			h = s.before(h)
		}
		h.ServeHTTP(w, r)
	})}
	go s.server.Serve(ln)
}

// stop ends the program: nothing answers, and what it had in memory is gone.
func (s *onlineSchool) stop() {
	if s.app == nil {
		return
	}
	s.server.Close()
	if err := s.app.Close(); err != nil {
		s.t.Error(err)
	}
	s.app = nil
}

func (s *onlineSchool) url(path string) string { return "http://" + s.addr + path }

func (s *onlineSchool) marks() map[string]attendance.Mark {
	s.t.Helper()
	var out map[string]attendance.Mark
	err := s.app.DB.Read(s.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		out, err = attendance.Current(ctx, tx, s.town.School.ID, "maths")
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *onlineSchool) count(table string) (n int) {
	s.t.Helper()
	err := s.app.DB.Read(s.t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Table(table).ColumnExpr("count(*)").Scan(ctx, &n)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// phone is a tab in which somebody signs in.
type phone struct {
	*browser.Tab
	s *onlineSchool
}

func (s *onlineSchool) phone(b *browser.Browser, o browser.Options) phone {
	s.t.Helper()
	if o.Width == 0 {
		o.Width, o.Height = 360, 740
	}
	p := phone{b.Tab(s.t, o), s}
	// What a worker fetches does not carry the tab's language.
	p.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "preau_language", Value: "fr", URL: s.url("/")})
		return err
	}))
	return p
}

func (p phone) signIn(who string) {
	p.s.t.Helper()
	p.Go(p.s.url("/sign-in"))
	p.Type("[name=identifier]", who)
	p.Type("[name=password]", walkPassword)
	for range 5 { // the page may still move under the finger
		p.Click("[name=device][value=own]")
		if browser.Eval[bool](p.Tab, `document.querySelector("[name=device][value=own]").checked`) {
			break
		}
	}
	p.Click("main form .btn.main")
}

// own turns the switch on and waits until the device has kept today's page and roll.
func (p phone) own() {
	p.s.t.Helper()
	p.Click("#keep button")
	p.Wait("#keep [data-keep], #keep button")
	p.until(`(await all('copies')).filter((c) => ['/', '/roll/maths', '/roll/francais'].includes(c.path)).length === 3 && (await caches.keys()).length === 1 && !!navigator.serviceWorker.controller`)
}

// stores are words for until: what the browser keeps.
const stores = `
	const all = (store) => new Promise((resolve, reject) => {
		const opening = indexedDB.open('preau-kept');
		opening.onupgradeneeded = () => opening.transaction.abort();
		opening.onerror = () => resolve([]);
		opening.onsuccess = () => {
			const request = opening.result.transaction(store).objectStore(store).getAll();
			request.onsuccess = () => { opening.result.close(); resolve(request.result); };
			request.onerror = () => reject(request.error);
		};
	});`

// until waits until an expression about what the browser keeps is true: the browser says so
// itself, or the step's patience ends.
func (p phone) until(expression string) {
	p.s.t.Helper()
	ask := `(async () => {` + stores + `
		let why = '';
		const ends = performance.now() + 25000;
		while (performance.now() < ends) {
			try { // a page that is half there says nothing yet
				if (await (async () => (` + expression + `))()) return '';
			} catch (err) { why = String(err); }
			await new Promise((next) => setTimeout(next, 20));
		}
		return JSON.stringify({ why, copies: (await all('copies')).map((c) => c.path), outbox: (await all('outbox')).map((r) => [r.sitting, r.state, r.text]), keys: (await all('keys')).length, caches: await caches.keys(), worker: !!navigator.serviceWorker.controller, page: document.body?.innerText.slice(0, 500) });
	})()`
	kept, err := "", error(nil)
	for range 10 { // a page that becomes another one takes the question with it
		ctx, cancel := context.WithTimeout(p.Context(), 30*time.Second)
		kept, err = chromedp.Run(ctx, chromedp.Evaluate[string](ask, chromedp.EvalAwaitPromise))
		cancel()
		if err == nil || !strings.Contains(err.Error(), "navigated") && !strings.Contains(err.Error(), "context") {
			break
		}
	}
	if err != nil {
		p.s.t.Fatal(err)
	}
	if kept != "" {
		p.s.t.Fatalf("not so after 25 s: %s\nthe browser keeps %s", expression, kept)
	}
}

func (p phone) says(want string) {
	p.s.t.Helper()
	p.until("(document.body?.innerText ?? '').replace(/\\s+/g, ' ').replaceAll('’', \"'\").includes(" + strconv.Quote(want) + ")")
}

func tap(pupil, value string) string {
	return fmt.Sprintf(`input[name="v-%s"][value="%s"]`, pupil, value)
}

// tapped chooses a value and saves the roll.
func (p phone) saveRoll(taps ...string) {
	p.s.t.Helper()
	for _, css := range taps {
		p.Do(chromedp.ScrollIntoView(chromedp.CSS(css)))
		browser.Eval[bool](p.Tab, "document.querySelector(`"+css+"`).click() || true")
	}
	// The script is there and has counted the taps; and the bar may move while its sum is written.
	p.Wait(".roll-state.touched")
	browser.Eval[bool](p.Tab, "document.querySelector('.savebar button').click() || true")
}

// TestARollWithoutANetwork: the server is stopped. The teacher opens the roll, calls it,
// corrects it; the server starts again, and the store has it once, in order, with the
// time of the tap.
func TestARollWithoutANetwork(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	s.stop()
	p.Go(s.url("/"))
	p.says("Pas de réponse du serveur. Vous voyez la copie de")
	p.says("Mathématiques")
	// The French lesson of 9:05 had no button at 8:07; on the copy it has one, and its roll can be called.
	p.Click(".copy-only a")
	p.says("Français, 2de 3")
	p.Wait(".savebar button")
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent"), tap("malo", "absent"))
	p.Wait("#kept .notice.warn")
	p.says("Mathématiques, 2de 3 · Enregistré sur ce téléphone à")
	p.says("partira tout seul")
	if got := browser.Eval[bool](p.Tab, "document.querySelector(`"+tap("lea", "absent")+"`).checked"); !got {
		t.Error("the copy does not show what was saved on it")
	}
	p.saveRoll(tap("lea", "late"))
	p.until(`(await all('outbox')).filter((r) => r.state === 'waiting').length === 2`)
	p.looks("offline-roll")
	if text := browser.Eval[string](p.Tab, `(async () => {`+stores+` return JSON.stringify((await all('outbox')).concat(await all('copies')).map((r) => ({...r, data: [...new Uint8Array(r.data)].map((b) => String.fromCharCode(b)).join('')}))); })()`); strings.Contains(text, "Léa") || strings.Contains(text, "v-lea") || strings.Contains(text, "Benali") {
		t.Error("a name or a mark is kept in clear")
	}
	s.clock.Advance(10 * time.Minute)
	s.start()
	browser.Eval[bool](p.Tab, `window.dispatchEvent(new Event('online')) || true`)
	p.until(`(await all('outbox')).every((r) => r.state === 'sent') && (await all('outbox')).length === 2`)
	marks := s.marks()
	if marks["lea"].Value != attendance.Late || marks["malo"].Value != attendance.Absent || marks["awa"].Value != attendance.Present {
		t.Errorf("the store has %+v", marks)
	}
	if n, saves := s.count("attendance_marks"), s.count("attendance_saves"); n != len(marks)+1 || saves != 2 {
		t.Errorf("%d marks of %d pupils in %d saves: want one each, and Léa's second", n, len(marks), saves)
	}
	p.Go(s.url("/"))
	p.Wait("#kept .notice.done")
	p.says("Envoyé à 8 h 17 (appel de")
	for _, c := range p.Complaints() {
		if !strings.Contains(c, "ERR_CONNECTION_REFUSED") {
			t.Errorf("the browser complains: %s", c)
		}
	}
}

// TestTheWorkerIsServedAtTheRoot: by the real program, whoever waits in line: its scope is
// every page, and an upgrade reaches devices.
func TestTheWorkerIsServedAtTheRoot(t *testing.T) {
	a, err := app.Open(t.Context(), app.Config{Data: t.TempDir(), Addr: "127.0.0.1:0"}, app.Options{Log: slog.New(slog.DiscardHandler), For: app.Installing})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	addr := make(chan string, 1)
	go func() { served <- a.Serve(ctx, func(at string) { addr <- at }) }()
	select {
	case at := <-addr:
		for path, want := range map[string]string{"/worker.js": "text/javascript; charset=utf-8", "/offline": "text/html; charset=utf-8", "/offline/who": "application/json"} {
			res, err := http.Get("http://" + at + path)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != want || strings.Contains(res.Header.Get("Cache-Control"), "max-age") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("%s: %d %v", path, res.StatusCode, res.Header)
			}
		}
	case err := <-served:
		t.Fatal(err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
