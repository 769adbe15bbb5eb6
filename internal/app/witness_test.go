package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/door/waits"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

// TestWhoWaitedIsKnown: a pupil whose session goes on stands in a long line. While she waits it
// is undecided whether she does; when she has entered it is proven, without a sign-in. A pupil
// who never came stays undecided, and the school's office reads when the line was long.
func TestWhoWaitedIsKnown(t *testing.T) {
	town := fictional.School(1, fictional.Options{Pupils: 60})
	clock := StandingClock(town.Tuesday.Add(7 * time.Minute))
	a, err := Open(t.Context(), Config{Data: t.TempDir(), Addr: "127.0.0.1:0"}, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: clock, For: Installing})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := fictional.Save(t.Context(), a.DB, town); err != nil {
		t.Fatal(err)
	}
	const password = "une file pour Léa"
	hash := account.HashPassword(password, account.Cost{Memory: 64, Passes: 1, Threads: 1})
	school, lea := town.School.ID, town.Cast.Lea
	for person, role := range map[string]page.Role{lea: page.Pupil, town.Cast.Head: page.Head} {
		err = a.DB.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			made, err := account.Create(ctx, tx, account.Account{School: school, Person: person, Role: role, Identifier: person, CreatedAt: town.Tuesday})
			if err != nil {
				return err
			}
			return account.SetPassword(ctx, tx, town.Tuesday, made.ID, hash)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// Ten minutes ago: the wait takes no time of this machine.
	begun := time.Now().Add(-10 * time.Minute)
	now := begun
	f, err := a.newFront(false, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if err := f.meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	house := f.around(a.Handler())
	ask := func(r *http.Request, jar map[string]string) string {
		t.Helper()
		for name, value := range jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		house.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			if jar[c.Name] = c.Value; c.MaxAge < 0 {
				delete(jar, c.Name)
			}
		}
		return w.Body.String()
	}
	signIn := func(person string) map[string]string {
		jar := map[string]string{}
		r := httptest.NewRequest("POST", "/sign-in", strings.NewReader(url.Values{"identifier": {person}, "password": {password}, "device": {"own"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		ask(r, jar)
		delete(jar, "preau-seat")
		return jar
	}
	jar, head := signIn(lea), signIn(town.Cast.Head)
	headSeat := f.door.Look("", "", door.Who{}).Seat
	for f.door.Waiting() < 15_000 {
		f.door.Look("", "", door.Who{Lane: door.Pupil, School: school})
	}
	if page := ask(httptest.NewRequest("GET", "/", nil), jar); !strings.Contains(page, "Votre tour") {
		t.Fatalf("Léa does not wait: %s", page)
	}
	of := func(pupil string) (e waits.Evidence) {
		t.Helper()
		err := a.DB.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			all, err := waits.Of(ctx, tx, school, []string{pupil}, clock.Now().Add(-time.Hour), clock.Now().Add(time.Hour))
			e = all[pupil]
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := of(lea); e.Answer() != waits.NoLine {
		t.Errorf("nothing is kept yet, and %+v", e)
	}
	f.bear(t.Context())
	if e := of(lea); e.Answer() != waits.Undecided {
		t.Errorf("Léa waits in a long line: %+v", e)
	}
	entered := false
	for range 500 {
		now = now.Add(time.Second)
		if entered = strings.Contains(ask(httptest.NewRequest("GET", "/", nil), jar), `action="/sign-out"`); entered {
			break
		}
	}
	if !entered {
		t.Fatal("Léa never enters")
	}
	waited := now.Sub(begun)
	f.entries.mu.Lock()
	n := len(f.entries.all)
	f.entries.mu.Unlock()
	if n != 1 {
		t.Fatalf("%d entries wait to be written", n)
	}
	f.bear(t.Context())
	e := of(lea)
	if e.Answer() != waits.Proven || (e.Waited[0].Until.Sub(e.Waited[0].From)-waited).Abs() > 2*time.Second {
		t.Errorf("Léa waited %v: %+v", waited, e)
	}
	if e := of(town.Cast.Sami); e.Answer() != waits.Undecided {
		t.Errorf("Sami never came: %+v", e)
	}
	head["preau-seat"] = headSeat
	text := page.Plain(ask(httptest.NewRequest("GET", "/schools/"+url.PathEscape(school)+"/etat", nil), head))
	if !strings.Contains(text, "on attendait plus de deux minutes") || !strings.Contains(text, "attendait peut-être") {
		t.Errorf("the head does not read of the line: %s", text)
	}
}
