package notices_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
)

// world is the small school of the stories, its clock moved by the test.
type world struct {
	t        testing.TB
	db       *database.DB
	town     fictional.Town
	school   string
	journal  *journal.Journal
	courier  *courier.Courier
	notices  *notices.Notices
	now      time.Time
	adults   int
	service  bool
	carriers courier.Carriers
	step     func(string)
}

func newWorld(t testing.TB, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, town: fictional.Small(time.Time{}), adults: 4, service: true, carriers: courier.Pretend()}
	w.now, w.school = w.town.Tuesday, w.town.School.ID
	var err error
	if w.journal, err = journal.New(bytes.Repeat([]byte{3}, journal.MinKey)); err != nil {
		t.Fatal(err)
	}
	if err := fictional.Save(t.Context(), db, w.town); err != nil {
		t.Fatal(err)
	}
	w.start()
	return w
}

// start makes the program's running parts anew: what a restart does.
func (w *world) start() {
	clock := func() time.Time { return w.now }
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	w.courier = courier.New(courier.Config{DB: w.db, Journal: w.journal, Carriers: w.carriers, Now: clock, Log: log})
	var err error
	w.notices, err = notices.New(notices.Config{DB: w.db, Journal: w.journal, Courier: w.courier, Now: clock, Log: log, Step: w.step,
		InService: func(context.Context, database.Tx, string, time.Time) (bool, error) { return w.service, nil },
		Adults:    func(context.Context, database.Tx, string) (int, error) { return w.adults, nil }})
	if err != nil {
		w.t.Fatal(err)
	}
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

// settle does all that is to be done now.
func (w *world) settle() {
	w.t.Helper()
	if err := w.notices.Pass(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.courier.Pass(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// ask asks for a wish as the head does who has just read the preview.
func (w *world) ask(wish notices.Wish) (r notices.Request, err error) {
	w.t.Helper()
	err = w.try(func(ctx context.Context, tx database.Tx) error {
		p, err := w.notices.Preview(ctx, tx, w.school, wish, w.now)
		if err != nil {
			return err
		}
		r, err = w.notices.Ask(ctx, tx, w.school, wish, p.Counted, "head", page.Head, w.now)
		return err
	})
	return r, err
}

func (w *world) mustAsk(wish notices.Wish) notices.Request {
	w.t.Helper()
	r, err := w.ask(wish)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) confirm(id string, by notices.Second) (void notices.Because, err error) {
	err = w.try(func(ctx context.Context, tx database.Tx) (err error) {
		void, err = w.notices.Confirm(ctx, tx, w.school, id, by, w.now)
		return err
	})
	return void, err
}

var cpe = notices.Second{ID: "cpe", Role: page.CPE}

// announce asks and confirms.
func (w *world) announce(wish notices.Wish) notices.Request {
	w.t.Helper()
	r := w.mustAsk(wish)
	if void, err := w.confirm(r.ID, cpe); err != nil || void != "" {
		w.t.Fatalf("%s %v", void, err)
	}
	return w.request(r.ID)
}

func (w *world) request(id string) (r notices.Request) {
	w.t.Helper()
	w.in(func(ctx context.Context, tx database.Tx) (err error) {
		r, err = notices.ByID(ctx, tx, w.school, id)
		return err
	})
	return r
}

func (w *world) letters(id string) (out []courier.Letter) {
	w.t.Helper()
	w.in(func(ctx context.Context, tx database.Tx) (err error) {
		out, err = courier.About(ctx, tx, w.school, []string{id})
		return err
	})
	return out
}

// readers lists whom letters went to and how, "nadia sms", sorted.
func readers(letters []courier.Letter) (out []string) {
	for _, l := range letters {
		out = append(out, l.Person+" "+string(l.Channel))
	}
	slices.Sort(out)
	return out
}

func (w *world) states(id string) map[courier.State]int {
	out := map[courier.State]int{}
	for _, l := range w.letters(id) {
		out[l.State]++
	}
	return out
}

func (w *world) acts(subject string) (out []string) {
	w.t.Helper()
	w.in(func(ctx context.Context, tx database.Tx) error {
		lines, err := journal.Of(ctx, tx, w.school, subject)
		for _, l := range lines {
			out = append(out, l.Act)
		}
		return err
	})
	return out
}

var closedTomorrow = notices.Wish{Text: notices.Closed, Level: notices.WholeSchool, Choice: "plain", Day: "2026-11-25"}
