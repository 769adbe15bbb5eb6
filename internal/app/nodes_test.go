package app_test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

// Two programs serve one database. Whoever is signed out on one is out on the other at its
// very next request, whichever way it happened: by themselves, everywhere at once, by another
// password, by the account being closed. The promise is five seconds; nothing is waited for.
func TestSignedOutOnEveryNode(t *testing.T) {
	source := databasetest.NewPostgres(t)
	first := t.TempDir()
	one := node(t, first, source, app.Installing)
	town := fictional.Small(time.Time{})
	if err := fictional.Save(t.Context(), one.DB, town); err != nil {
		t.Fatal(err)
	}
	other := node(t, first, source, app.Serving) // the same keys: what both machines are given
	const password = "un préau pour deux"
	hash := account.HashPassword(password, account.Cost{Memory: 64, Passes: 1, Threads: 1})
	identifier, id := "", ""
	err := one.DB.InSchool(t.Context(), town.School.ID, func(ctx context.Context, tx database.Tx) error {
		a, err := account.Create(ctx, tx, account.Account{School: town.School.ID, Person: town.Cast.Head, Role: page.Head, CreatedAt: time.Now()})
		if err != nil {
			return err
		}
		identifier, id = a.Identifier, a.ID
		return account.SetPassword(ctx, tx, time.Now(), id, hash)
	})
	if err != nil {
		t.Fatal(err)
	}
	here, there := httptest.NewServer(one.Handler()), httptest.NewServer(other.Handler())
	t.Cleanup(here.Close)
	t.Cleanup(there.Close)
	// Cookies know no ports: one browser is signed in to both.
	signIn := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := &http.Client{Jar: jar}
		res, err := c.PostForm(here.URL+"/sign-in", url.Values{"identifier": {identifier}, "password": {password}, "device": {"own"}})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return c
	}
	isIn := func(c *http.Client, node *httptest.Server) bool {
		res, err := c.Get(node.URL + "/account")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(b), `action="/sign-out"`)
	}
	post := func(c *http.Client, path string, form url.Values) {
		res, err := c.PostForm(there.URL+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode >= 400 {
			t.Fatalf("POST %s: %d", path, res.StatusCode)
		}
	}
	// Each way leaves the cookie where it is: the browser keeps it, or somebody copied it.
	copied := func(c *http.Client) *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(here.URL)
		jar.SetCookies(u, c.Jar.Cookies(u))
		return &http.Client{Jar: jar}
	}
	for _, way := range []struct {
		name string
		end  func(c *http.Client)
	}{
		{"by themselves", func(c *http.Client) { post(c, "/sign-out", nil) }},
		{"everywhere", func(*http.Client) { post(signIn(), "/account", url.Values{"do": {"everywhere"}}) }},
		{"another password", func(*http.Client) {
			post(signIn(), "/account", url.Values{"do": {"password"}, "present": {password}, "password": {"un préau pour trois"}, "again": {"un préau pour trois"}})
			err := other.DB.InSchool(t.Context(), town.School.ID, func(ctx context.Context, tx database.Tx) error {
				return account.SetPassword(ctx, tx, time.Now(), id, hash) // for the next
			})
			if err != nil {
				t.Fatal(err)
			}
		}},
		{"the account is closed", func(*http.Client) {
			err := other.DB.InSchool(t.Context(), town.School.ID, func(ctx context.Context, tx database.Tx) error {
				_, err := account.CloseAll(ctx, tx, town.School.ID, time.Now())
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}},
	} {
		c := signIn()
		stolen := copied(c)
		if !isIn(c, here) || !isIn(c, there) || !isIn(stolen, here) {
			t.Fatalf("%s: not signed in to both", way.name)
		}
		way.end(c)
		if isIn(stolen, here) || isIn(stolen, there) {
			t.Errorf("%s: a copy of the cookie still opens a node", way.name)
		}
	}
}

// node is a program of its own on a database, with the keys of a folder.
func node(t *testing.T, dir, source string, p app.Purpose) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Data: dir, Database: source, Addr: "127.0.0.1:0"}, app.Options{Log: quiet, For: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}
