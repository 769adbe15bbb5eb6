package app

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

// TestTheDoorKnowsWhoHasAClass: a teacher with a sitting about now goes first, and their
// pupils are known by the class that comes with them.
func TestTheDoorKnowsWhoHasAClass(t *testing.T) {
	town := fictional.School(1, fictional.Options{Pupils: 60})
	a, err := Open(t.Context(), Config{Data: t.TempDir(), Addr: "127.0.0.1:0"}, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: StandingClock(town.Tuesday.Add(7 * time.Minute)), For: Installing})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := fictional.Save(t.Context(), a.DB, town); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	const password = "une porte pour la classe"
	hash := account.HashPassword(password, account.Cost{Memory: 64, Passes: 1, Threads: 1})
	give := func(role page.Role, person string) {
		err := a.DB.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			made, err := account.Create(ctx, tx, account.Account{School: town.School.ID, Person: person, Role: role, Identifier: person, CreatedAt: town.Tuesday})
			if err != nil {
				return err
			}
			ids[person] = made.ID
			return account.SetPassword(ctx, tx, town.Tuesday, made.ID, hash)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c := town.Cast
	for person, role := range map[string]page.Role{c.Teacher: page.Teacher, c.Office: page.Office, c.Lea: page.Pupil, c.Nadia: page.Guardian} {
		give(role, person)
	}
	now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	f, err := a.newFront(false, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if err := f.meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	of := func(person string) known { return (*f.known.Load())[ids[person]] }
	for person, lane := range map[string]door.Lane{c.Teacher: door.InClass, c.Office: door.Staff, c.Lea: door.Pupil, c.Nadia: door.Family} {
		if k := of(person); k.who.Lane != lane || k.who.School != town.School.ID {
			t.Errorf("%s is %+v", person, k)
		}
	}
	if class := of(c.Lea).who.Class; class == "" || !slices.Contains(of(c.Teacher).teaches, class) {
		t.Errorf("Léa is of %q, and her teacher teaches %v", class, of(c.Teacher).teaches)
	}

	// A crowd, and Léa at its end.
	for f.door.Waiting() < 3000 {
		f.door.Look("", "", door.Who{Lane: door.Pupil, School: town.School.ID})
	}
	now = now.Add(door.Bucket) // in one bucket the order is by lot
	lea := f.door.Look("", "", of(c.Lea).who)
	look := func() bool {
		now = now.Add(time.Second)
		return f.door.Look("", lea.Ticket, door.Who{}).Enter
	}
	for range 5 {
		if look() {
			t.Fatal("Léa is in before anybody")
		}
	}
	// Her teacher comes.
	signIn := httptest.NewRequest("POST", "/sign-in", strings.NewReader(url.Values{"identifier": {c.Teacher}, "password": {password}}.Encode()))
	signIn.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	a.Handler().ServeHTTP(answer, signIn)
	visit := httptest.NewRequest("GET", "/", nil)
	for _, cookie := range answer.Result().Cookies() {
		visit.AddCookie(cookie)
	}
	answer = httptest.NewRecorder()
	f.around(a.Handler()).ServeHTTP(answer, visit)
	if !strings.Contains(answer.Body.String(), `action="/sign-out"`) {
		t.Fatalf("the teacher is not inside: %s", answer.Body)
	}
	for range 5 {
		if look() {
			return
		}
	}
	t.Error("Léa's teacher is inside, and her class is not let in")
}
