package guard

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
)

// world is the small school of the stories with a tool of its own. Nothing leaves it.
type world struct {
	t       testing.TB
	db      *database.DB
	town    fictional.Town
	school  string
	journal *journal.Journal
	courier *courier.Courier
	guard   *Guard
	now     time.Time
}

var ordinary = Limits{Families: 1200, Same: 5, PerMinute: 10, Share: 25, Gather: time.Minute, Life: 3 * time.Hour}

func newWorld(t testing.TB, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, town: fictional.Small(time.Time{})}
	w.now, w.school = w.town.Tuesday, w.town.School.ID
	var err error
	if w.journal, err = journal.New(bytes.Repeat([]byte{3}, journal.MinKey)); err != nil {
		t.Fatal(err)
	}
	if err := fictional.Save(t.Context(), db, w.town); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	w.courier = courier.New(courier.Config{DB: db, Journal: w.journal, Carriers: courier.Pretend(), Now: clock, Log: log})
	w.guard = New(Config{DB: db, Journal: w.journal, Courier: w.courier, File: File{School: w.town.School.UAI, SystemID: "outil", Password: "ardoises", limits: ordinary}, Now: clock, Log: log})
	if err := w.guard.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func both(t *testing.T, fn func(w *world)) {
	t.Helper()
	databasetest.Each(t, func(t *testing.T, db *database.DB) { fn(newWorld(t, db)) })
}

func (w *world) in(fn func(context.Context, database.Tx) error) {
	w.t.Helper()
	if err := w.try(fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) try(fn func(context.Context, database.Tx) error) error {
	return w.db.InSchool(w.t.Context(), w.school, fn)
}

// number is a fictional mobile number that is no tripwire.
func number(i int) string { return fmt.Sprintf("+3363998%04d", 100+i) }

// give is the tool giving a message over HTTP.
func (w *world) give(i int, text string) string {
	w.t.Helper()
	id, err := w.guard.Accept(w.t.Context(), Offer{To: number(i), Text: text, Via: "http"})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// pass lets some time go by and does all that is to be done then.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	if err := w.guard.Pass(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) states() (by map[State]int) {
	w.t.Helper()
	w.in(func(ctx context.Context, tx database.Tx) (err error) {
		by, err = Today(ctx, tx, w.school, time.Time{})
		return err
	})
	return by
}

func (w *world) message(id string) (m Message) {
	w.t.Helper()
	w.in(func(ctx context.Context, tx database.Tx) (err error) {
		m, err = StateOf(ctx, tx, w.school, id)
		return err
	})
	return m
}

func (w *world) trips() (all []Trip) {
	w.t.Helper()
	w.in(func(ctx context.Context, tx database.Tx) (err error) {
		all, err = Trips(ctx, tx, w.school, 10)
		return err
	})
	return all
}

func (w *world) ask(trip, by string, n int) error {
	return w.try(func(ctx context.Context, tx database.Tx) error { return w.guard.Ask(ctx, tx, trip, by, n, w.now) })
}

func (w *world) release(trip, by string, n int) (agreed, err error) {
	err = w.try(func(ctx context.Context, tx database.Tx) (err error) {
		_, agreed, err = w.guard.Release(ctx, tx, trip, by, n, w.now)
		return err
	})
	return agreed, err
}

// rodez is what the tool of Rodez said, to so many numbers.
func (w *world) rodez(n int) {
	w.t.Helper()
	for i := range n {
		w.give(i, "Votre enfant est absent de l'établissement ce jour.")
	}
}
