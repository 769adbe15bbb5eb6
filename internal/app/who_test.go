package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

// At the door a session says who somebody is, to the class that they have now; once it is over
// the browser remembers their role and school, and a pupil's class.
func TestWhoAtTheDoor(t *testing.T) {
	town := fictional.Small(time.Time{})
	clock := StandingClock(town.Tuesday)
	a, err := Open(t.Context(), Config{Data: t.TempDir(), Addr: "127.0.0.1:0"}, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: clock, For: Installing})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := fictional.Save(t.Context(), a.DB, town); err != nil {
		t.Fatal(err)
	}
	const password = "un préau à la porte"
	hash := account.HashPassword(password, account.Cost{Memory: 64, Passes: 1, Threads: 1})
	people := map[page.Role]string{page.Teacher: town.Cast.Teacher, page.Pupil: town.Cast.Lea, page.Guardian: town.Cast.Nadia}
	err = a.DB.InSchool(t.Context(), town.School.ID, func(ctx context.Context, tx database.Tx) error {
		for role, person := range people {
			one, err := account.Create(ctx, tx, account.Account{School: town.School.ID, Person: person, Role: role, Identifier: string(role), CreatedAt: clock.Now()})
			if err != nil {
				return err
			}
			if err := account.SetPassword(ctx, tx, clock.Now(), one.ID, hash); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := a.newFront(false, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	t.Cleanup(server.Close)
	at, _ := url.Parse(server.URL)
	for role, want := range map[page.Role][2]door.Lane{
		page.Teacher:  {door.InClass, door.Staff},
		page.Pupil:    {door.Pupil, door.Pupil},
		page.Guardian: {door.Family, door.Family},
	} {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &http.Client{Jar: jar}
		post := func(path string, form url.Values) {
			res, err := c.PostForm(server.URL+path, form)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
		}
		who := func() door.Who {
			r := httptest.NewRequest("GET", "/", nil)
			for _, cookie := range jar.Cookies(at) {
				r.AddCookie(cookie)
			}
			return f.who(r)
		}
		if got := who(); got != (door.Who{}) {
			t.Errorf("somebody new: %+v", got)
		}
		post("/sign-in", url.Values{"identifier": {string(role)}, "password": {password}, "device": {"own"}})
		got := who()
		if got.Lane != want[0] || got.School != town.School.ID || (got.Class != "") != (role == page.Pupil) {
			t.Errorf("%s, signed in: %+v, want lane %d, and a class for a pupil alone", role, got, want[0])
		}
		r := httptest.NewRequest("GET", "/", nil)
		for _, cookie := range jar.Cookies(at) {
			r.AddCookie(cookie)
		}
		if h, ok := a.Keeper.HintOf(r); !ok || h.Role != role || (h.Class != "") != (role == page.Pupil) {
			t.Errorf("%s: the hint is %+v, %v; want a class for a pupil alone", role, h, ok)
		}
		post("/sign-out", nil)
		if by := who(); by != (door.Who{Lane: want[1], School: town.School.ID, Class: got.Class}) {
			t.Errorf("%s, by the hint: %+v, want lane %d and the class of before", role, by, want[1])
		}
	}
}
