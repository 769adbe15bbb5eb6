package account_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// peopleDay is the morning of these tests.
var peopleDay = time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)

// office is the small town's school and another one, with the pages of People and of
// signing in on top.
type office struct {
	db     *database.DB
	j      *journal.Journal
	keeper *account.Keeper
	routes *page.Routes
}

func openOffice(t testing.TB, db *database.DB) *office {
	t.Helper()
	ctx := t.Context()
	if err := fictional.Save(ctx, db, fictional.Small(peopleDay)); err != nil {
		t.Fatal(err)
	}
	other := directory.School{ID: "other", UAI: "0000002X", Name: "Collège Voisin", ShortName: "Voisin", Kind: "college", Zone: "Europe/Paris", Region: "FR", Lang: "fr", Phone: "01 99 00 20 00"}
	err := db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		if err := directory.AddSchool(ctx, tx, other); err != nil {
			return err
		}
		return directory.Add(ctx, tx, directory.Batch{
			People: []directory.Person{
				{School: "other", ID: "far-pupil", Kind: directory.KindPupil, Source: "fictional", SourceKey: "1", LastName: "Lointain", FirstName: "Paul", Born: "2012-01-01"},
				{School: "other", ID: "far-adult", Kind: directory.KindAdult, Source: "fictional", SourceKey: "2", LastName: "Lointain", FirstName: "Anne"},
				{School: "other", ID: "far-staff", Kind: directory.KindStaff, Source: "fictional", SourceKey: "3", LastName: "Voisine", FirstName: "Marthe"},
			},
			Links:   []directory.Link{{School: "other", Pupil: "far-pupil", Adult: "far-adult", Level: directory.Legal, SMSConsent: directory.ConsentUnknown, Source: "hand"}},
			Groups:  []directory.Group{{School: "other", ID: "far-class", Kind: "class", Code: "6A", Label: "6e A"}},
			Members: []directory.Member{{School: "other", Grp: "far-class", Person: "far-pupil"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	o := &office{db: db}
	if o.j, err = journal.New(bytes.Repeat([]byte{1}, journal.MinKey)); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	o.keeper, err = account.NewKeeper(account.Settings{DB: db, Key: bytes.Repeat([]byte{2}, 32), Clock: func() time.Time { return peopleDay },
		Cost: account.Cost{Memory: 64, Passes: 1, Threads: 1}, Log: quiet, Journal: o.j})
	if err != nil {
		t.Fatal(err)
	}
	words, err := page.NewWords(account.Words)
	if err != nil {
		t.Fatal(err)
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	o.routes = page.NewRoutes(&page.Site{Words: words, Assets: assets, Log: quiet, Version: "0.1", Viewer: o.viewer,
		Bar: func(ctx context.Context) page.Bar {
			v, _ := page.ViewerFrom(ctx)
			if v.Role == page.Operator {
				return page.Bar{Links: []page.Link{{ID: "schools", Href: "/schools", Text: "Établissements"}}}
			}
			return page.Bar{Links: []page.Link{{ID: "today", Href: "/", Text: "Aujourd’hui"}, {ID: "accounts", Href: "/accounts", Text: "Comptes"}}}
		}})
	o.keeper.Register(o.routes)
	(&account.People{DB: db, Keeper: o.keeper, Journal: o.j, Now: func() time.Time { return peopleDay }}).Register(o.routes)
	return o
}

// viewer believes the cookie "as" ("head", "head@other"), and the real session without
// one.
func (o *office) viewer(r *http.Request) (page.Viewer, bool) {
	c, err := r.Cookie("as")
	if err != nil {
		return o.keeper.Viewer(r)
	}
	role, school, _ := strings.Cut(c.Value, "@")
	v := page.Viewer{ID: role, Account: "a-" + role, School: "alice-guy", SchoolName: "Lycée Alice-Guy", Role: page.Role(role), Name: "Hélène Marchetti"}
	if school == "other" {
		v.School, v.SchoolName = "other", "Collège Voisin"
	}
	if v.Role == page.Operator {
		v.School, v.SchoolName, v.Name = "", "", "Exploitation"
	}
	return v, true
}

func (o *office) send(t testing.TB, as, method, path string, pairs ...string) (int, string) {
	t.Helper()
	w := o.answer(as, method, path, pairs...)
	if w.Code == http.StatusSeeOther {
		return w.Code, w.Header().Get("Location")
	}
	return w.Code, page.Plain(w.Body.String())
}

func (o *office) answer(as, method, path string, pairs ...string) *httptest.ResponseRecorder {
	var body io.Reader
	if method == "POST" {
		form := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			form.Add(pairs[i], pairs[i+1])
		}
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, path, body)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept-Language", "fr")
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "as", Value: as})
	}
	w := httptest.NewRecorder()
	o.routes.ServeHTTP(w, r)
	return w
}

func (o *office) accounts(t testing.TB, school, person string) []account.Account {
	t.Helper()
	var all []account.Account
	err := o.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		all, err = account.OfPeople(ctx, tx, school, person)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// acts lists what the journal of a school says was done, in order.
func (o *office) acts(t testing.TB, school string) []string {
	t.Helper()
	var acts []string
	err := o.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		if _, faults, err := o.j.Verify(ctx, tx, nil); err != nil || len(faults) > 0 {
			return fmt.Errorf("verify: %v %v", faults, err)
		}
		return tx.NewSelect().TableExpr("journal_lines").ColumnExpr("act").Where("school = ?", school).Order("year", "seq").Scan(ctx, &acts)
	})
	if err != nil {
		t.Fatal(err)
	}
	return acts
}

var codeOnPage = regexp.MustCompile(`[0-9A-Z]{4}(-[0-9A-Z]{4}){3}`)

// The operator opens the first head of a school that was imported; the head signs in
// with the printed code, and opens the others.
func TestOperatorOpensTheFirstHead(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		o := openOffice(t, db)
		if _, body := o.send(t, "operator", "GET", "/schools"); !strings.Contains(body, "Collège Voisin") || !strings.Contains(body, "à ouvrir") {
			t.Fatalf("the list of schools: %s", body)
		}
		if _, body := o.send(t, "operator", "GET", "/schools/other/accounts"); !strings.Contains(body, "Voisine Marthe") {
			t.Fatalf("the staff: %s", body)
		}
		code, body := o.send(t, "operator", "POST", "/schools/other/people/far-staff/accounts", "role", "head")
		printed := codeOnPage.FindString(body)
		if code != 200 || printed == "" || !strings.Contains(body, "marthe.voisine") || !strings.Contains(body, "http://example.com/first-sign-in") {
			t.Fatalf("the letter: %d %s", code, body)
		}
		if got := o.acts(t, "other"); !slices.Equal(got, []string{"account.opened", "account.code"}) {
			t.Errorf("the journal has %v", got)
		}
		// The head comes with the letter.
		w := o.answer("", "POST", "/first-sign-in", "step", "choose", "code", printed, "password", "un préau sous la pluie", "again", "un préau sous la pluie")
		if w.Code != http.StatusSeeOther {
			t.Fatalf("first sign-in: %d %s", w.Code, page.Plain(w.Body.String()))
		}
		r := httptest.NewRequest("GET", "/accounts?class=far-class", nil)
		r.Header.Set("Accept-Language", "fr")
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
		seen := httptest.NewRecorder()
		o.routes.ServeHTTP(seen, r)
		if seen.Code != 200 || !strings.Contains(seen.Body.String(), "Lointain") {
			t.Fatalf("the head's page: %d", seen.Code)
		}
		if _, body := o.send(t, "operator", "GET", "/schools"); !strings.Contains(body, "compte actif") {
			t.Errorf("the operator does not see that the head came in")
		}
	})
}
