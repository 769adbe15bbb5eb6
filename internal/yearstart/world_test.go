package yearstart_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/yearstart"
	"github.com/preau-ent/preau/web"
)

var tuesday = time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)

// world is a fictional school of a hundred pupils, one that came by a file, and one that
// is empty, with the page on top.
type world struct {
	db       *database.DB
	journal  *journal.Journal
	routes   *page.Routes
	town     fictional.Town
	imported string // id of the school that came by a file
	leans    []directory.Leaning
}

func newWorld(t testing.TB, db *database.DB) *world {
	t.Helper()
	w := &world{db: db, town: fictional.School(1, fictional.Options{Pupils: 100, Tuesday: tuesday})}
	if err := fictional.Save(t.Context(), db, w.town); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.journal, err = journal.New(bytes.Repeat([]byte{1}, journal.MinKey)); err != nil {
		t.Fatal(err)
	}
	w.bring(t)
	err = db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		return directory.AddSchool(ctx, tx, directory.School{ID: "empty", UAI: "0000009X", Name: "Collège Neuf", ShortName: "Neuf", Kind: "college", Zone: "Europe/Paris", Region: "FR", Lang: "fr"})
	})
	if err != nil {
		t.Fatal(err)
	}
	words, err := page.NewWords(yearstart.Words)
	if err != nil {
		t.Fatal(err)
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	w.routes = page.NewRoutes(&page.Site{
		Words: words, Assets: assets, Zone: zone, Version: "0.1", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Again: func(http.ResponseWriter, *http.Request) (bool, error) { return true, nil },
		Viewer: func(r *http.Request) (page.Viewer, bool) {
			c, err := r.Cookie("as")
			if err != nil {
				return page.Viewer{}, false
			}
			role, school, _ := strings.Cut(c.Value, "@")
			v := page.Viewer{ID: role, Account: "a-" + role, School: school, SchoolName: "Lycée", Role: page.Role(role), Name: "Odile Ferrand", Zone: zone}
			if school == "" && v.Role != page.Operator {
				v.School = w.town.School.ID
			}
			return v, true
		},
		Bar: func(context.Context) page.Bar {
			return page.Bar{Links: []page.Link{{ID: "today", Href: "/", Text: "Aujourd’hui"}, {ID: "start", Href: "/start", Text: "Rentrée"}, {ID: "accounts", Href: "/accounts", Text: "Comptes"}}}
		},
	})
	(&yearstart.Pages{DB: db, Journal: w.journal, Now: func() time.Time { return tuesday },
		Leaning: directory.Asks{func(context.Context, database.Tx, directory.Touched) ([]directory.Leaning, error) {
			return w.leans, nil
		}},
		Names: func(_ context.Context, _ database.Tx, _ string, accounts []string) (map[string]string, error) {
			return map[string]string{"a-head": "Odile Ferrand"}, nil
		}}).Register(w.routes)
	return w
}

// bring imports the story's export.
func (w *world) bring(t testing.TB) {
	t.Helper()
	e, err := directory.ReadExport(t.Context(), []string{filepath.Join("..", "..", "stories", "testdata", "aaf")}, directory.Reading{English: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := directory.Import(t.Context(), w.db, w.journal, e, directory.Order{By: "a-head", AcceptLoss: true}, tuesday.Add(-time.Hour))
	if err != nil || r.Schools != 1 || r.Changed == 0 {
		t.Fatalf("%v %+v", err, r)
	}
	err = w.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		all, err := directory.Schools(ctx, tx)
		for _, s := range all {
			if s.UAI == r.PerSchool[0].UAI {
				w.imported = s.ID
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) send(as, method, path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: "as", Value: as})
	rec := httptest.NewRecorder()
	w.routes.ServeHTTP(rec, r)
	return rec
}
