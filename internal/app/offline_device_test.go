package app_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/peers/browser"
)

// cut takes the network from the tab and from its worker, as the browser's own tools do,
// and gives the way to bring it back.
func (p phone) cut() (back func()) {
	p.s.t.Helper()
	targets, err := chromedp.Targets(p.Context())
	if err != nil {
		p.s.t.Fatal(err)
	}
	sessions := []context.Context{p.Context()}
	for _, one := range targets {
		if one.Type == "service_worker" {
			ctx, cancel := chromedp.NewContext(p.Context(), chromedp.WithTargetID(one.TargetID), chromedp.WithDetachOnCancel())
			p.s.t.Cleanup(cancel)
			sessions = append(sessions, ctx)
		}
	}
	if len(sessions) != 2 {
		p.s.t.Fatalf("%d workers", len(sessions)-1)
	}
	network := func(on bool) {
		for _, ctx := range sessions {
			err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
					return err
				}
				conditions := []*network.Conditions{{Offline: !on, DownloadThroughput: -1, UploadThroughput: -1}}
				_, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: conditions})
				return err
			}))
			if err != nil {
				p.s.t.Fatal(err)
			}
		}
		// The page hears of it, as on a telephone.
		p.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: !on, DownloadThroughput: -1, UploadThroughput: -1})
			return err
		}))
	}
	network(false)
	return func() { network(true) }
}

// office saves one pupil's mark on the roll of mathematics, by somebody of the office.
func (s *onlineSchool) office(pupil string, v attendance.Value, minutes int) {
	s.t.Helper()
	err := s.app.DB.InSchool(s.t.Context(), s.town.School.ID, func(ctx context.Context, tx database.Tx) error {
		sitting, err := timetable.ByID(ctx, tx, s.town.School.ID, "maths")
		if err != nil {
			return err
		}
		var by string
		if err := tx.NewSelect().Table("account_accounts").Column("id").Where("identifier = 'office'").Scan(ctx, &by); err != nil {
			return err
		}
		_, err = attendance.SaveRoll(ctx, tx, s.app.Journal, s.clock.Now(), attendance.Save{School: s.town.School.ID, Sitting: "maths", Day: sitting.Day, By: by,
			Origin: attendance.FromOffice, Pupils: []string{pupil}, Entries: []attendance.Entry{{Pupil: pupil, Value: v, Minutes: minutes}}})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// endSessions ends everybody's session, as an owner does from another device.
func (s *onlineSchool) endSessions() {
	s.t.Helper()
	err := s.app.DB.Write(s.t.Context(), func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewRaw("UPDATE account_sessions SET revoked_at = ? WHERE revoked_at IS NULL", database.Stamp(s.clock.Now())).Exec(ctx)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

const nothing = `(await all('copies')).length === 0 && (await all('keys')).length === 0 && (await all('outbox')).length === 0 && (await caches.keys()).length === 0 && !(await navigator.serviceWorker.getRegistration('/'))`

// TestAConflictIsShown: the office changes the roll while the telephone has no network. It
// stays, and the teacher reads who changed what.
func TestAConflictIsShown(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	back := p.cut()
	p.Go(s.url("/roll/maths"))
	p.says("Pas de réponse du serveur")
	p.saveRoll(tap("lea", "absent"))
	p.says("Enregistré sur ce téléphone")
	s.office("lea", attendance.Late, 12)
	back()
	p.until(`(await all('outbox')).every((r) => r.state === 'review') && (await all('outbox')).length === 1`)
	if k := s.marks()["lea"]; k.Value != attendance.Late || len(s.marks()) < 4 {
		t.Errorf("the store has %+v", s.marks())
	}
	p.Go(s.url("/"))
	p.says("À revoir : 1 élève changé entre-temps")
	p.looks("conflict")
	p.Click("#kept .notice a")
	p.says("Odile Ferrand a noté entre-temps Léa B. : retard de 12 min (gardé) ; vous aviez noté : absence")
	p.looks("conflict-roll")
	p.Go(s.url("/"))
	p.until(`(await all('outbox')).length === 0`)
}

// TestAnAnswerLostOnItsWay: the server saved the roll, and the telephone never heard so. It
// brings the roll again, and it counts once.
func TestAnAnswerLostOnItsWay(t *testing.T) {
	s := newOnlineSchool(t)
	var lose atomic.Bool
	var forms, late atomic.Int64
	lose.Store(true)
	s.before = func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/roll/late":
				late.Add(1)
			case r.Method == "POST" && strings.HasPrefix(r.URL.Path, "/roll/"):
				forms.Add(1)
			}
			if r.Method == "POST" && strings.HasPrefix(r.URL.Path, "/roll/") && lose.Load() {
				h.ServeHTTP(discard{http.Header{}}, r)
				panic(http.ErrAbortHandler)
			}
			h.ServeHTTP(w, r)
		})
	}
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent")) // lost, and then so is the answer to what was brought again
	p.says("Enregistré sur ce téléphone")
	before := late.Load()
	browser.Eval[bool](p.Tab, `window.dispatchEvent(new Event('online')) || true`)
	p.until(`(await all('outbox')).length === 1 && (await all('outbox'))[0].state === 'waiting'`)
	lose.Store(false)
	browser.Eval[bool](p.Tab, `window.dispatchEvent(new Event('online')) || true`)
	p.until(`(await all('outbox')).length === 1 && (await all('outbox'))[0].state === 'sent'`)
	if n := s.count("attendance_marks"); n != len(s.marks()) || s.count("attendance_saves") != 1 || forms.Load() == 0 || late.Load() <= before {
		t.Errorf("%d marks of %d pupils, %d saves, %d forms, delivered late %d times", n, len(s.marks()), s.count("attendance_saves"), forms.Load(), late.Load())
	}
}

// TestLaterRollsWaitForEarlierOnes: the first roll did not get through. The second one, for
// which the way is open, does not overtake it.
func TestLaterRollsWaitForEarlierOnes(t *testing.T) {
	s := newOnlineSchool(t)
	var broken atomic.Bool
	var forms atomic.Int64
	broken.Store(true)
	s.before = func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			late := r.URL.Path == "/roll/late"
			if r.Method == "POST" && strings.HasPrefix(r.URL.Path, "/roll/") && broken.Load() && (late || forms.Add(1) == 1) {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent"))
	p.says("Enregistré sur ce téléphone")
	p.saveRoll(tap("lea", "present"), tap("malo", "absent"))
	p.until(`(await all('outbox')).length === 2 && document.readyState === 'complete' && !document.querySelector('form[data-sent]')`)
	if n := len(s.marks()); n != 0 {
		t.Errorf("the second roll overtook the first: %d marks", n)
	}
	broken.Store(false)
	browser.Eval[bool](p.Tab, `window.dispatchEvent(new Event('online')) || true`)
	p.until(`(await all('outbox')).length === 2 && (await all('outbox')).every((r) => r.state === 'sent')`)
	if m := s.marks(); m["lea"].Value != attendance.Present || m["malo"].Value != attendance.Absent {
		t.Errorf("the store has %+v", m)
	}
}

// TestTheBrowserDeliversByItself: where it can (Background Sync), a roll leaves although no
// page of ours is open.
func TestTheBrowserDeliversByItself(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	registered := make(chan serviceworker.RegistrationID, 20)
	if err := chromedp.Listen(p.Context(), func(event any) {
		if e, ok := event.(*serviceworker.EventWorkerRegistrationUpdated); ok {
			for _, r := range e.Registrations {
				if r.ScopeURL == s.url("/") {
					registered <- r.RegistrationID
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	p.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, serviceworker.Enable, struct{}{})
		return err
	}))
	id := <-registered
	s.stop()
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent"))
	p.says("Enregistré sur ce téléphone")
	p.Go("about:blank")
	came := make(chan struct{}, 20)
	s.before = func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r)
			if r.URL.Path == "/roll/late" {
				came <- struct{}{}
			}
		})
	}
	s.start()
	p.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, serviceworker.DispatchSyncEvent, serviceworker.DispatchSyncEventParams{Origin: s.url(""), RegistrationID: id, Tag: "preau-outbox"})
		return err
	}))
	select {
	case <-came:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	if s.marks()["lea"].Value != attendance.Absent {
		t.Errorf("%+v", s.marks())
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// TestASharedDeviceKeepsNothing: not without the switch, and on a shared computer there is
// none.
func TestASharedDeviceKeepsNothing(t *testing.T) {
	s := newOnlineSchool(t)
	b := browser.Start(t)
	p := s.phone(b, browser.Options{})
	p.signIn("roy")
	p.Wait("#keep")
	p.looks("switch")
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent"))
	p.Wait(".notice.done")
	p.until(nothing + ` && !(await indexedDB.databases()).length && !localStorage.length`)
	shared := s.phone(b, browser.Options{})
	shared.Go(s.url("/sign-in"))
	shared.Type("[name=identifier]", "roy")
	shared.Type("[name=password]", walkPassword)
	shared.Click("main form .btn.main")
	shared.says("Vos cours du jour")
	if browser.Eval[bool](shared.Tab, `!!document.getElementById('keep')`) {
		t.Error("a shared computer is offered as one's own")
	}
	if code := browser.Eval[int](shared.Tab, `fetch('/offline/keep', {method: 'POST', body: new URLSearchParams({keep: 'yes'})}).then((r) => r.status)`); code != http.StatusForbidden {
		t.Errorf("a shared computer as one's own: %d", code)
	}
	shared.Go(s.url("/"))
	shared.until(nothing)
}

// TestTheSwitchOff drops what was kept.
func TestTheSwitchOff(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	p.looks("own")
	p.Click("#keep button")
	p.until(nothing)
}

// TestSigningOutForgets: the key and everything that it opens is gone; a roll that waits is
// named first.
func TestSigningOutForgets(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	s.before = func(h http.Handler) http.Handler { // rolls do not get through
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" && strings.HasPrefix(r.URL.Path, "/roll/") {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent"))
	p.until(`(await all('outbox')).length === 1 && document.readyState === 'complete'`)
	leave := func() { p.Click(".menu summary"); p.Click(".menu [action='/sign-out'] button") }
	leave()
	p.says("Si vous vous déconnectez maintenant, il est effacé")
	p.looks("leaving")
	p.until(`(await all('keys')).length === 1`)
	leave()
	p.Wait(".landing")
	p.until(nothing)
	if len(s.marks()) != 0 {
		t.Errorf("%+v", s.marks())
	}
}

// TestTheSamePersonComesBack: the session ends while a roll waits. It stays closed, nothing
// else is shown, and it leaves when the same person is back.
func TestTheSamePersonComesBack(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	s.stop()
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent"))
	p.says("Enregistré sur ce téléphone")
	s.start()
	s.endSessions()
	p.Go(s.url("/"))
	p.says("Un appel attend sur cet appareil. Reconnectez-vous avec le même compte")
	p.looks("waiting-signed-out")
	p.until(`(await all('copies')).length === 0 && (await all('outbox'))[0].state === 'waiting'`)
	s.stop()
	p.Go(s.url("/roll/maths"))
	p.says("Pas de réseau")
	s.start()
	p.signIn("roy")
	p.until(`(await all('outbox')).every((r) => r.state === 'sent') && (await all('outbox')).length === 1`)
	if s.marks()["lea"].Value != attendance.Absent {
		t.Errorf("%+v", s.marks())
	}
}

// TestAnotherPersonSeesNothing: whoever signs in next sees neither the copies nor the roll,
// and nobody has the key any more; whoever called it learns that it is lost.
func TestAnotherPersonSeesNothing(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	s.stop()
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent"))
	p.says("Enregistré sur ce téléphone")
	s.start()
	s.endSessions()
	p.signIn("office")
	p.until(nothing)
	if len(s.marks()) != 0 {
		t.Errorf("somebody else delivered it: %+v", s.marks())
	}
	s.stop()
	p.until(`fetch('/roll/maths').then(() => false, () => true)`)
}

// owner makes this device that of an account, as its switch did at another time.
func (p phone) owner(identifier string) {
	p.s.t.Helper()
	var id string
	err := p.s.app.DB.Read(p.s.t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Table("account_accounts").Column("id").Where("identifier = ?", identifier).Scan(ctx, &id)
	})
	if err != nil {
		p.s.t.Fatal(err)
	}
	p.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "preau_own", Value: id, URL: p.s.url("/")})
		return err
	}))
}

// TestAnotherOwner: the device of one teacher becomes that of another one. Nothing of the
// first can be read any more, and they learn that their roll never left.
func TestAnotherOwner(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	s.stop()
	p.Go(s.url("/roll/maths"))
	p.saveRoll(tap("lea", "absent"))
	p.says("Enregistré sur ce téléphone")
	s.start()
	s.endSessions()
	p.owner("supervisor")
	p.signIn("supervisor")
	p.until(`(await all('keys')).length === 1 && (await all('copies')).map((c) => c.path).join() === '/' && (await all('outbox')).every((r) => r.state === 'lost' && !r.data)`)
	p.until(`document.getElementById('kept').hidden && !!navigator.serviceWorker.controller`)
	s.stop()
	p.Go(s.url("/roll/maths"))
	p.says("Cette page n'est pas gardée sur cet appareil")
	s.start()
	s.endSessions()
	p.owner("roy")
	p.signIn("roy")
	p.says("sur cet appareil n'est pas parti")
	p.Click("#kept button")
	p.until(`(await all('outbox')).length === 0`)
	if len(s.marks()) != 0 {
		t.Errorf("somebody delivered it: %+v", s.marks())
	}
}

// TestInLineWithACopy: whoever waits in line sees their copy, how old it is, and keeps their
// place; when it is their turn the page comes by itself.
func TestInLineWithACopy(t *testing.T) {
	s := newOnlineSchool(t)
	p := s.phone(browser.Start(t), browser.Options{})
	p.signIn("roy")
	p.own()
	var full atomic.Bool
	full.Store(true)
	gate, err := door.NewGate(door.GateConfig{Door: door.New(door.Config{Key: bytes.Repeat([]byte{7}, 32), Now: time.Now, Rate: 1e-9, Cores: 1}), Zone: time.UTC,
		Free: func(r *http.Request) bool { return r.URL.Path != "/" || !full.Load() }})
	if err != nil {
		t.Fatal(err)
	}
	s.before = gate.Around
	p.Go(s.url("/"))
	p.says("Votre tour")
	p.says("Votre place est gardée. En attendant, voici la copie de")
	p.looks("in-line")
	var ticket string
	p.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		res, err := cdp.Call(ctx, target, network.GetCookies, network.GetCookiesParams{})
		if err != nil {
			return err
		}
		for _, c := range res.Cookies {
			if c.Name == "preau-line" {
				ticket = c.Value
			}
		}
		return nil
	}))
	if ticket == "" {
		t.Error("the place in line is not kept")
	}
	full.Store(false)
	p.until(`!document.documentElement.dataset.kept`)
	if got := p.Text("#keep"); !strings.Contains(got, "Sans réseau") {
		t.Errorf("the page is %q", got)
	}
}

// looks checks what one sees: at 360 and 1280 pixels, light and dark, nothing that axe finds
// and nothing wider than the screen. PREAU_PICTURES=DIR keeps pictures.
func (p phone) looks(name string) {
	p.s.t.Helper()
	for _, look := range []struct {
		width int
		dark  bool
	}{{360, false}, {360, true}, {1280, false}, {1280, true}} {
		p.Look(look.width, 800, look.dark)
		at := fmt.Sprintf("%s-%d-%v", name, look.width, look.dark)
		p.Keep(at)
		if wide := browser.Eval[int](p.Tab, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			p.s.t.Errorf("%s: %d pixels wider than the screen", at, wide)
		}
		p.NoViolations(at)
	}
	p.Look(360, 740, false)
}
