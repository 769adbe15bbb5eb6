package account

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// How long each role's session lives, on each device: the cookie, the row and a change of
// role agree.
func TestSpans(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		head := create(t, db, Account{School: lycee, Person: "head", Role: page.Head}, good)
		for _, c := range []struct {
			a    Account
			on   Device
			ages []time.Duration // used at each of these times after it began; all but the last find it open
		}{
			{lea, Own, []time.Duration{29 * 24 * time.Hour, 58 * 24 * time.Hour, 88*24*time.Hour - time.Minute, 120 * 24 * time.Hour}},
			{lea, Shared, []time.Duration{5 * time.Hour, SessionShared - time.Minute, SessionShared}},
			{head, Own, []time.Duration{6 * time.Hour, SessionStaff - time.Minute, SessionStaff}},
			{head, Shared, []time.Duration{SessionShared - time.Minute, SessionShared}},
			{head, Passkey, []time.Duration{13 * 24 * time.Hour, 26 * 24 * time.Hour, 41 * 24 * time.Hour}},
		} {
			began := s.clock.time()
			b := s.browser(t)
			w := recorder{http.Header{}}
			v := visitor{device: device{ID: "d"}, on: c.on}
			a, session, err := s.signIn(t.Context(), c.a.Identifier, good, v)
			if err != nil {
				t.Fatal(err)
			}
			s.welcome(w, httptest.NewRequest("GET", "/", nil), a, session, v)
			for _, cookie := range (&http.Response{Header: w.h}).Cookies() {
				b.setCookie(cookie)
			}
			for i, age := range c.ages {
				s.clock.after(began.Add(age).Sub(s.clock.time()))
				want := http.StatusOK
				if i == len(c.ages)-1 {
					want = http.StatusSeeOther
				}
				if got := b.get("/account").StatusCode; got != want {
					t.Errorf("%s on %s after %v: %d, want %d", c.a.Role, c.on, age, got, want)
				}
			}
		}
		// A session of before there were devices, and somebody who now works in the school.
		_, session, err := s.signIn(t.Context(), lea.Identifier, good, visitor{device: device{ID: "d"}})
		if err != nil {
			t.Fatal(err)
		}
		lives := func() bool {
			return read(t, db, func(ctx context.Context, tx database.Tx) (bool, error) {
				_, ok, err := look(ctx, tx, s.clock.time(), ticket{Session: session.ID, Account: lea.ID})
				return ok, err
			})
		}
		s.clock.after(24 * time.Hour)
		if !lives() {
			t.Error("a pupil's session ended after a day")
		}
		write(t, db, func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewUpdate().Model((*Account)(nil)).Set("role = ?", page.Teacher).Where("id = ?", lea.ID).Exec(ctx)
			return err
		})
		if lives() {
			t.Error("a teacher's session of yesterday goes on")
		}
	})
}

type recorder struct{ h http.Header }

func (r recorder) Header() http.Header         { return r.h }
func (r recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r recorder) WriteHeader(int)             {}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// What matters most asks once more who it is: not within ten minutes of a sign-in; later the
// page holds everything that was sent, and with the password it is done at once.
func TestAgain(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, "")
		create(t, db, Account{School: lycee, Person: "head", Role: page.Head}, good)
		b := s.browser(t)
		b.signIn("zoe.oeuvrard", good)
		issue := func(fields ...string) answer {
			return b.post("/people/"+lea.ID+"/code?x=1", append([]string{"note", "a & b", "note", "c"}, fields...)...)
		}
		issued := func(a answer) bool { return codeShape.MatchString(a.body) }
		s.clock.after(provenFor - time.Second)
		if !issued(issue()) {
			t.Fatal("ten minutes after the sign-in it is asked already")
		}
		s.clock.after(time.Second)
		asked := issue()
		b.want(asked, http.StatusOK, "C'est bien vous", `action="/people/`+lea.ID+`/code?x=1"`)
		if issued(asked) {
			t.Fatal("a code was issued without being asked who it is")
		}
		form := url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(asked.body, -1) {
			form.Add(m[1], strings.ReplaceAll(m[2], "&amp;", "&"))
		}
		if got := form["note"]; len(got) != 2 || got[0] != "a & b" || got[1] != "c" {
			t.Errorf("what was sent is lost: %v", form)
		}
		wrong := issue(againField, bad)
		b.want(wrong, http.StatusUnauthorized, "ne correspond pas")
		if issued(wrong) || strings.Contains(wrong.body, bad) {
			t.Error("a code for a wrong password, or the page repeats it")
		}
		if issued(issue()) {
			t.Error("the wrong password was enough for the next")
		}
		if !issued(issue(againField, good)) {
			t.Error("with the password it is not done")
		}
		s.clock.after(provenFor - time.Second)
		if !issued(issue()) {
			t.Error("the password of nine minutes ago is asked again")
		}
		s.clock.after(time.Second)
		for range freeFailures + 1 {
			issue(againField, bad)
		}
		if held := issue(againField, good); held.StatusCode != http.StatusTooManyRequests || issued(held) {
			t.Errorf("a stolen session may try passwords without end: %d", held.StatusCode)
		}
		// A clock that was put back proves nothing.
		s.clock.after(-time.Hour)
		if issued(issue()) {
			t.Error("proven in the future")
		}
	})
}

// A page that is asked for, and not a form, is led back to.
func TestAgainForPage(t *testing.T) {
	t.Parallel()
	s := newSite(t, databasetest.SQLite(t), false)
	create(t, s.db, Account{School: lycee, Person: "head", Role: page.Head}, good)
	b := s.browser(t)
	b.signIn("zoe.oeuvrard", good)
	s.clock.after(time.Hour)
	b.want(b.post("/account/again", "next", "/account"), http.StatusOK, "C'est bien vous")
	if a := b.post("/account/again", "next", "/account", againField, good); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/account" {
		t.Errorf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := b.post("/account/again", "next", "//evil.example"); a.Header.Get("Location") != "/" {
		t.Errorf("led to %q", a.Header.Get("Location"))
	}
}
