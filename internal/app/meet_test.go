package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
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
	for person, role := range map[string]page.Role{c.Teacher: page.Teacher, c.Office: page.Secretary, c.Lea: page.Pupil, c.Nadia: page.Guardian} {
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
	// Her teacher comes to a browser that nobody knows, waits like everybody, and finds the way
	// beside the line; who has no class now does not find it.
	cookies := map[string]string{}
	ask := func(method, path string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		answer := httptest.NewRecorder()
		f.around(a.Handler()).ServeHTTP(answer, r)
		for _, cookie := range answer.Result().Cookies() {
			cookies[cookie.Name] = cookie.Value
		}
		return answer
	}
	if waits := ask("GET", "/sign-in", nil).Body.String(); strings.Contains(waits, `name="password"`) || !strings.Contains(waits, `href="/roll/now"`) {
		t.Fatalf("whoever is nobody yet should wait, and read where teachers go: %s", waits)
	}
	if form := ask("GET", account.RollSignIn, nil).Body.String(); !strings.Contains(form, `action="`+account.RollSignIn) {
		t.Fatalf("the way beside the line is not there: %s", form)
	}
	for _, person := range []string{c.Office, c.Lea, "nobody"} {
		if r := ask("POST", account.RollSignIn, url.Values{"identifier": {person}, "password": {password}}); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/sign-in" || len(r.Result().Cookies()) > 0 {
			t.Errorf("%s goes before the line: %d %v", person, r.Code, r.Header())
		}
	}
	if r := ask("POST", account.RollSignIn, url.Values{"identifier": {c.Teacher}, "password": {"another"}}); r.Code != http.StatusUnauthorized || !strings.Contains(r.Body.String(), `action="`+account.RollSignIn) {
		t.Errorf("a wrong password is answered %d: %s", r.Code, r.Body)
	}
	if home := ask("GET", "/", nil).Body.String(); !strings.Contains(home, `http-equiv="refresh"`) {
		t.Fatalf("whoever knows the name of a teacher is inside: %s", home)
	}
	if r := ask("POST", account.RollSignIn, url.Values{"identifier": {" " + strings.ToUpper(c.Teacher)}, "password": {password}}); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/" {
		t.Fatalf("the teacher cannot sign in beside the line: %d %s", r.Code, r.Body)
	}
	if home := ask("GET", "/", nil).Body.String(); !strings.Contains(home, `action="/sign-out"`) {
		t.Fatalf("the teacher is not inside: %s", home)
	}
	for range 5 {
		if look() {
			return
		}
	}
	t.Error("Léa's teacher is inside, and her class is not let in")
}
