package status

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// world is an installation of which the test gives the figures.
type world struct {
	t       *testing.T
	db      *database.DB
	journal *journal.Journal
	now     time.Time
	figures Figures
	here    Here
	status  *Status
	server  *httptest.Server
	viewer  page.Viewer // who looks; without a role nobody is signed in
}

func newWorld(t *testing.T, db *database.DB, change func(*Config)) *world {
	t.Helper()
	w := &world{t: t, db: db, now: morning, figures: well(), here: Here{Service: true}}
	var err error
	if w.journal, err = journal.New(bytes.Repeat([]byte{7}, journal.MinKey)); err != nil {
		t.Fatal(err)
	}
	words, err := page.NewWords(Words)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		for _, id := range []string{"ours", "theirs"} {
			err := directory.AddSchool(ctx, tx, directory.School{ID: id, UAI: id, SourceKey: id, Name: "Lycée " + id, ShortName: id, Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr", Phone: "01 99 00 10 00"})
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	site := &page.Site{Assets: assets, Words: words, Zone: zone, Log: quiet, Viewer: func(*http.Request) (page.Viewer, bool) { return w.viewer, w.viewer.Role != "" }}
	c := Config{DB: db, Journal: w.journal, Now: func() time.Time { return w.now }, Log: quiet, Measure: func(context.Context) Figures { return w.figures }, Site: site,
		Here: func(context.Context, database.Tx, string, time.Time) (Here, error) { return w.here, nil }, URL: "https://ent.example.org"}
	if change != nil {
		change(&c)
	}
	w.status = New(c)
	routes := page.NewRoutes(site)
	w.status.Register(routes)
	w.server = httptest.NewServer(routes)
	t.Cleanup(w.server.Close)
	return w
}

// say begins an incident as the operator does.
func (w *world) say(i Incident, fr, en string) Incident {
	w.t.Helper()
	i.By = "operator-account"
	w.in(func(ctx context.Context, tx database.Tx) (err error) {
		i, err = Say(ctx, tx, w.journal, i, fr, en, w.now)
		return err
	})
	return i
}

func (w *world) in(fn func(context.Context, database.Tx) error) {
	w.t.Helper()
	if err := w.db.InSchool(w.t.Context(), database.Installation, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) look() {
	w.t.Helper()
	if err := w.status.Look(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}
