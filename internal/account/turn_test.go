package account

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/page"
	chromium "github.com/preau-ent/preau/peers/browser"
)

// TestNobodyTypesTwice: whoever is sent away while too many sign in does nothing more where the
// browser has scripts: the page keeps what was typed, sends it when it is told to and not
// before, and is in. A wrong password is then said as ever, and tried once. Without scripts the
// form comes back by itself, filled but for the password, and says why.
func TestNobodyTypesTwice(t *testing.T) {
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	gate, err := door.NewGate(door.GateConfig{Door: door.New(door.Config{Key: []byte("0123456789abcdef0123456789abcdef"), Cores: 1}), Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan bool, 100)
	full := func() (open func()) {
		leave := fill(t, s.pool)
		s.pool.mu.Lock()
		spell := s.pool.spell
		s.pool.spell = time.Hour // nobody else is let in to wait
		s.pool.waiting[first] = []*turn{{open: make(chan struct{})}, {open: make(chan struct{})}}
		s.pool.promised = time.Time{}
		s.pool.mu.Unlock()
		return func() {
			s.pool.mu.Lock()
			s.pool.waiting[first], s.pool.spell = nil, spell
			s.pool.mu.Unlock()
			leave()
		}
	}
	// Whoever is sent away is told a second, whatever a spell of an hour would make of it.
	s.WhenFull(func(w http.ResponseWriter, r *http.Request, _ time.Duration) {
		gate.Later(w, r, time.Second)
		told <- true
	})
	b := chromium.Start(t)
	sign := func(tab *chromium.Tab, password string) {
		t.Helper()
		tab.Go(s.server.URL + "/sign-in?next=%2Faccount")
		tab.Type("#f-identifier", "lea.benali")
		tab.Type("#f-password", password)
		press(tab, `form[action^="/sign-in?"] .btn.main`)
	}
	sentAway := func() {
		t.Helper()
		select {
		case <-told:
		case <-time.After(20 * time.Second):
			t.Fatal("nobody is sent away")
		}
	}

	tab := b.Tab(t, chromium.Options{Width: 320})
	open := full()
	sign(tab, good)
	sentAway()
	tab.Wait("[data-turn-says]:not(:empty)")
	looks(tab, "turn")
	if text := page.Plain(tab.Text("[data-turn-says]")); !strings.Contains(text, "Votre tour vient") {
		t.Errorf("the page says %q", text)
	}
	sentAway() // it asks again by itself
	open()
	tab.Wait("#passkeys") // and is in, on the page that was asked for

	wrong := b.Tab(t, chromium.Options{})
	open = full()
	sign(wrong, bad)
	sentAway()
	open()
	wrong.Wait(".notice.stop")
	if text := page.Plain(wrong.Text("main")); !strings.Contains(text, "ne correspond pas") {
		t.Errorf("a wrong password: %q", text)
	}
	if got := chromium.Eval[string](wrong, `document.querySelector("#f-identifier").value + "|" + document.querySelector("#f-password").value + "|" + document.activeElement.id`); got != "lea.benali||f-password" {
		t.Errorf("the form after a wrong password: %q", got)
	}
	if n := attemptRows(t, db); n != 1 {
		t.Errorf("%d counts of failures", n)
	}
	wrong.Type("#f-password", good)
	press(wrong, `form[action^="/sign-in?"] .btn.main`)
	wrong.Wait("#passkeys") // the form that came sends as the first did

	plain := b.Tab(t, chromium.Options{Width: 320, NoScript: true})
	open = full()
	sign(plain, good)
	sentAway()
	plain.Wait("progress") // the page of the line
	open()
	plain.Wait("#f-password")
	looks(plain, "back")
	if text := page.Plain(plain.Text("main")); !strings.Contains(text, "C'est votre tour") || !strings.Contains(text, "Nous n'avons pas gardé votre mot de passe") {
		t.Errorf("the form comes back and says %q", text)
	}
	if got := chromium.Eval[string](plain, `document.querySelector("#f-identifier").value + "|" + document.querySelector("#f-password").value`); got != "lea.benali|" {
		t.Errorf("the form that comes back: %q", got)
	}
	plain.Type("#f-password", good)
	press(plain, `form[action^="/sign-in?"] .btn.main`)
	plain.Wait("#passkeys")
	for name, tab := range map[string]*chromium.Tab{"script": tab, "wrong": wrong, "plain": plain} {
		for _, c := range tab.Complaints() {
			if name == "wrong" && strings.HasPrefix(c, "401 for ") {
				continue // of what a script asks the browser says it
			}
			t.Errorf("%s: the browser complains: %s", name, c)
		}
	}
}
