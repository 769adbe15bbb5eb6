package account

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// A sign-in leaves role, school and class in the browser, for half a year on one's own device
// and for twelve hours on another; nothing that names anybody, and nothing that opens.
func TestHint(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		for whose, life := range map[string]time.Duration{"own": hintOwn, "shared": hintShared} {
			b := s.browser(t)
			a := b.post("/sign-in", "identifier", "lea.benali", "password", good, "device", whose)
			var cookie *http.Cookie
			for _, c := range a.Cookies() {
				if c.Name == "preau-hint" {
					cookie = c
				}
			}
			if cookie == nil || cookie.MaxAge != int(life/time.Second) || !cookie.HttpOnly {
				t.Fatalf("%s: %v", whose, cookie)
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.AddCookie(cookie)
			if h, ok := s.HintOf(r); !ok || h.Role != page.Pupil || h.School != lycee {
				t.Errorf("%s: %+v, %v", whose, h, ok)
			}
			for _, part := range strings.Split(cookie.Value, ".") {
				plain, _ := base64.RawURLEncoding.DecodeString(part)
				for _, secret := range []string{lea.ID, "lea.benali", "Benali", "lea"} {
					if part == secret || string(plain) == secret {
						t.Errorf("%s: the hint says %q", whose, secret)
					}
				}
			}
			if _, ok := s.Viewer(r); ok {
				t.Error("a hint opens a page")
			}
			s.clock.after(life)
			if _, ok := s.HintOf(r); ok {
				t.Errorf("%s: it is remembered for longer than %v", whose, life)
			}
			s.clock.after(-life)
			b.post("/sign-out")
			form := b.get("/sign-in")
			if got := strings.Contains(form.body, `value="own" checked`); got != (whose == "own") {
				t.Errorf("%s: the form proposes own: %v", whose, got)
			}
		}
	})
}

// TestHintOfStaff: the machine of an office is one that others use too, and known on the day
// after a holiday; whoever signs in there next is remembered instead.
func TestHintOfStaff(t *testing.T) {
	t.Parallel()
	s := newSite(t, databasetest.SQLite(t), false)
	create(t, s.db, Account{School: lycee, Person: "office", Role: page.Supervisor, Identifier: "gate"}, good)
	create(t, s.db, Account{School: lycee, Person: "lea", Role: page.Pupil, Identifier: "lea"}, good)
	b := s.browser(t)
	life := func(who string) time.Duration {
		for _, c := range b.post("/sign-in", "identifier", who, "password", good, "device", "shared").Cookies() {
			if c.Name == "preau-hint" {
				return time.Duration(c.MaxAge) * time.Second
			}
		}
		return 0
	}
	if got := life("gate"); got != hintWork {
		t.Errorf("the supervisor's hint lasts %v", got)
	}
	b.post("/sign-out")
	if got := life("lea"); got != hintShared {
		t.Errorf("the pupil's hint at the same machine lasts %v", got)
	}
}

// FuzzHint: whatever a browser shows, nothing is taken that was not signed here as a hint, and
// what is taken was once given.
func FuzzHint(f *testing.F) {
	h := Hint{Role: page.Pupil, School: "lycée.1", Class: "2de 3"}
	given := testKeys.writeHint(h, tuesday.Add(hintOwn))
	bare := testKeys.writeHint(Hint{Role: page.Operator}, tuesday.Add(time.Hour))
	for _, value := range []string{
		given, bare, "", ".", "1.head.9999999999..", strings.Repeat(".", 600), "\x00",
		testKeys.writeHint(h, tuesday), testKeys.writeHint(h, tuesday.Add(2*hintOwn)), testKeys.writeHint(Hint{Role: "root"}, tuesday.Add(time.Hour)),
		newKeys([]byte("another key")).writeHint(h, tuesday.Add(hintOwn)), testKeys.writeDevice(device{ID: "d"}),
		seal(testKeys.hint, "1.head.x.YQ.YQ"), seal(testKeys.hint, "1.head.1809583200.*.YQ"), seal(testKeys.hint, "2.head.1809583200.YQ.YQ"),
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, ok := testKeys.readHint(value, tuesday)
		if ok != (value == given || value == bare) {
			t.Errorf("%q: %+v, %v", value, got, ok)
		}
		if value == given && got != h {
			t.Errorf("given %+v, read %+v", h, got)
		}
	})
}
