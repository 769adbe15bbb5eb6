package stories

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/peers"
)

// TestFromAnExportToALetter makes an installation as an operator would: init, import of a
// directory export, the first head by a printed code, a second person, in service, one
// sitting and one contact added by page, a roll, and one letter over a real SMTP
// connection to a mail server that we did not write.
func TestFromAnExportToALetter(t *testing.T) {
	exports := map[string]string{"fictional": filepath.Join("testdata", "aaf")}
	if sample := filepath.Join("..", "..", "shared", "samples", "aaf-2013"); exists(sample) {
		exports["real"] = sample
	} else {
		t.Log("LEFT OUT: the real export of 2013 is not here")
	}
	for name, dir := range exports {
		for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
			t.Run(name+" "+string(engine), func(t *testing.T) { fromExportToLetter(t, dir, engine) })
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// installation is an installation being made.
type installation struct {
	*world
	t      *testing.T
	server *peers.MailServer
}

func fromExportToLetter(t *testing.T, export string, engine database.Engine) {
	mail := peers.SMTP(t)
	w := &world{engine: engine, log: slog.New(slog.NewTextHandler(io.Discard, nil)), clock: app.StandingClock(time.Date(2026, 11, 17, 7, 5, 0, 0, time.UTC))}
	w.config = app.Config{Data: t.TempDir(), Addr: "127.0.0.1:0",
		Mail: app.MailConfig{Host: mail.Host(), Port: mail.Port(), TLS: "none", From: "ne-pas-repondre@ent.example", FromName: "Préau"}}
	if engine == database.Postgres {
		w.config.Database = databasetest.NewPostgres(t)
	}
	in := &installation{w, t, mail}
	code := in.init()
	out, err := w.preau("import", export)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)

	operator := in.firstSignIn(code)
	school, class, pupil, adult := in.somebody()
	head := in.firstSignIn(in.hire(operator, "/schools/"+school.ID, "Marchetti", "Hélène", "head"))
	cpe := in.firstSignIn(in.hire(head, "", "Aubertin", "Samir", "cpe"))

	in.post(head, "/pupils/"+pupil.ID+"/adults/"+adult.ID+"/points", url.Values{"channel": {"email"}, "address": {"responsable@famille.example"}})
	in.post(cpe, "/rehearsal", url.Values{"do": {"start"}})
	absent := func() {
		t.Helper()
		day := w.clock.Now().Format(time.DateOnly)
		in.post(head, "/timetable/new", url.Values{"kind": {"lesson"}, "label": {"Mathématiques"}, "day": {day}, "from": {"08:05"}, "until": {"09:00"}, "class": {class}})
		sitting := in.theSitting(school.ID, day)
		_, text := in.get(head, "/roll/"+sitting)
		form, err := readForm(text, "/roll/"+sitting)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("v-"+pupil.ID, "absent")
		in.post(head, "/roll/"+sitting, form)
		in.settle()
	}
	for _, days := range []int{1, 1, 1, 3, 1} { // to the next school day
		absent()
		w.clock.Advance(10 * time.Minute)
		in.settle()
		in.post(cpe, "/rehearsal", url.Values{"do": {"day"}, "day": {w.clock.Now().Format(time.DateOnly)}, "missed": {"0"}})
		w.clock.Advance(time.Duration(days)*24*time.Hour - 10*time.Minute)
		// Whoever works in the school signs in every morning.
		in.signIn(head, "helene.marchetti")
		in.signIn(cpe, "samir.aubertin")
	}
	in.settle()
	if n := len(mail.Messages()); n != 0 {
		t.Fatalf("%d letters left in the rehearsal", n)
	}
	in.post(head, "/rehearsal", url.Values{"do": {"end"}, "outcome": {"ready"}})
	in.post(head, "/service", url.Values{"do": {"ask"}, "until": {"2027-07-04"}})
	in.post(cpe, "/service", url.Values{"do": {"open"}})
	absent()
	if n := len(mail.Messages()); n != 0 {
		t.Fatalf("%d letters left during the hold", n)
	}
	w.clock.Advance(10 * time.Minute)
	in.settle()
	letters := mail.Messages()
	if len(letters) != 1 || len(letters[0].To) != 1 || letters[0].To[0] != "responsable@famille.example" {
		t.Fatalf("the mail server read %+v, want one letter to one address", letters)
	}
	if !strings.Contains(letters[0].Text, pupil.FirstName) || strings.Contains(letters[0].Text, pupil.LastName) {
		t.Fatalf("the letter names the pupil wrongly:\n%s", letters[0].Text)
	}
	reference := regexp.MustCompile(`Référence de ce message : (\w+)`).FindStringSubmatch(letters[0].Text)
	if reference == nil {
		t.Fatalf("the letter has no reference:\n%s", letters[0].Text)
	}
	story, err := w.preau("explain", reference[1])
	if err != nil || !strings.Contains(story, "Accepted") || !strings.Contains(story, pupil.FirstName) {
		t.Fatalf("%v\n%s", err, story)
	}
	if err := w.verify(nil, nil); err != nil {
		t.Fatal(err)
	}
}

func (in *installation) settle() {
	in.t.Helper()
	if err := in.app.Settle(in.t.Context()); err != nil {
		in.t.Fatal(err)
	}
}

// init runs the command and gives the operator's code.
func (in *installation) init() string {
	in.t.Helper()
	out, err := in.preau("init")
	if err != nil {
		in.t.Fatalf("%v\n%s", err, out)
	}
	return codeIn(in.t, out)
}

var code = regexp.MustCompile(`\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3,}\b`)

func codeIn(t *testing.T, text string) string {
	t.Helper()
	found := code.FindString(text)
	if found == "" {
		t.Fatalf("no one-time code in:\n%s", text)
	}
	return found
}

// firstSignIn uses a printed code and chooses a password.
func (in *installation) firstSignIn(code string) *http.Client {
	in.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		in.t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	in.post(c, "/first-sign-in", url.Values{"code": {code}})
	in.post(c, "/first-sign-in", url.Values{"code": {code}, "step": {"choose"}, "password": {password}, "again": {password}})
	return c
}

// signIn signs somebody in with the password that they chose.
func (in *installation) signIn(c *http.Client, identifier string) {
	in.t.Helper()
	in.post(c, "/sign-in", url.Values{"identifier": {identifier}, "password": {password}})
	in.get(c, "/account")
}

// hire adds somebody to the staff, opens their account, and gives the code of the
// printed letter.
func (in *installation) hire(by *http.Client, base, last, first, role string) string {
	in.t.Helper()
	_, text := in.get(by, base+"/accounts/staff")
	form, err := readForm(text, base+"/accounts/staff")
	if err != nil {
		in.t.Fatal(err)
	}
	form.Set("last", last)
	form.Set("first", first)
	in.post(by, base+"/accounts/staff", form)
	path := base + "/people/" + form.Get("id") + "/accounts"
	return codeIn(in.t, plain(in.post(by, path, url.Values{"role": {role}})))
}

func (in *installation) get(c *http.Client, path string) (int, string) {
	in.t.Helper()
	status, text, err := body(c.Get(in.world.server.URL + path))
	if err != nil || status != http.StatusOK {
		in.t.Fatalf("GET %s: %d %v\n%s", path, status, err, plain(text))
	}
	return status, text
}

func (in *installation) post(c *http.Client, path string, form url.Values) string {
	in.t.Helper()
	status, text, err := body(c.PostForm(in.world.server.URL+path, form))
	if err != nil || status != http.StatusOK {
		in.t.Fatalf("POST %s: %d %v\n%s", path, status, err, plain(text))
	}
	return text
}

// somebody finds a pupil of a class who has a legal representative.
func (in *installation) somebody() (school directory.School, class string, pupil, adult directory.Person) {
	in.t.Helper()
	err := in.app.DB.Read(in.t.Context(), func(ctx context.Context, tx database.Tx) error {
		schools, err := directory.Schools(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range schools {
			groups, err := directory.Groups(ctx, tx, s.ID)
			if err != nil {
				return err
			}
			for _, g := range groups {
				pupils, err := directory.GroupPupils(ctx, tx, s.ID, []string{g.ID}, "2026-11-24")
				if err != nil || g.Kind != "class" {
					continue
				}
				for _, p := range pupils {
					told, _, err := directory.MayBeTold(ctx, tx, s.ID, p.ID, in.clock.Now())
					if err != nil {
						return err
					}
					for _, r := range told {
						if r.Why == directory.ToldLegal {
							school, class, pupil, adult = s, g.ID, p, r.Person
							return nil
						}
					}
				}
			}
		}
		return fmt.Errorf("no pupil with a legal representative in %d schools", len(schools))
	})
	if err != nil {
		in.t.Fatal(err)
	}
	return school, class, pupil, adult
}

func (in *installation) theSitting(school, day string) string {
	in.t.Helper()
	var id string
	err := in.app.DB.Read(in.t.Context(), func(ctx context.Context, tx database.Tx) error {
		all, err := timetable.OfDay(ctx, tx, school, day)
		if err == nil && len(all) != 1 {
			err = fmt.Errorf("%d sittings, want the one added", len(all))
		}
		if err == nil {
			id = all[0].ID
		}
		return err
	})
	if err != nil {
		in.t.Fatal(err)
	}
	return id
}
