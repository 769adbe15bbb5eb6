package waits_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/door/waits"
)

// eight is a school day's morning, 08:00 in Paris.
var eight = time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time {
	return eight.Add(time.Duration(minutes * float64(time.Minute)))
}

type book struct {
	t  *testing.T
	db *database.DB
}

func newBook(t *testing.T, db *database.DB) book {
	b := book{t, db}
	b.write(func(ctx context.Context, tx database.Tx) error {
		for _, id := range []string{"s", "other"} {
			err := directory.AddSchool(ctx, tx, directory.School{ID: id, UAI: id, SourceKey: id, Name: id, ShortName: id, Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"})
			if err != nil {
				return err
			}
		}
		var all []directory.Person
		for _, id := range []string{"lea", "tom"} {
			all = append(all, directory.Person{School: "s", ID: id, Kind: directory.KindPupil, Source: "hand", SourceKey: id, FirstName: id, LastName: id})
		}
		return directory.Add(ctx, tx, directory.Batch{People: all})
	})
	return b
}

func (b book) write(fn func(context.Context, database.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(b.t.Context(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// bind gives a wait from the arrival on to whoever signs in at now.
func (b book) bind(ticket string, arrived, entered, now float64, school, pupil string) (bound bool) {
	b.t.Helper()
	b.write(func(ctx context.Context, tx database.Tx) (err error) {
		bound, err = waits.Bind(ctx, tx, at(now), waits.Wait{Ticket: ticket, Arrived: at(arrived), Entered: at(entered)}, school, pupil)
		return err
	})
	return bound
}

func (b book) watch(now float64, lines ...waits.Crowded) {
	b.t.Helper()
	b.write(func(ctx context.Context, tx database.Tx) error { return waits.Watch(ctx, tx, at(now), at(now), lines) })
}

// of asks about a lesson of the hour from a minute on.
func (b book) of(school, pupil string, from float64) (e waits.Evidence) {
	b.t.Helper()
	err := b.db.Read(b.t.Context(), func(ctx context.Context, tx database.Tx) error {
		all, err := waits.Of(ctx, tx, school, []string{pupil, "tom"}, at(from), at(from+55))
		e = all[pupil]
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// TestEvidence: who waited is proven, who may have waited is undecided, and where no line was
// long nothing of ours kept them.
func TestEvidence(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		b := newBook(t, db)
		for now := 0.0; now <= 9; now += 0.5 {
			b.watch(now, waits.Crowded{School: "s", Since: at(max(-2, now-2.5))})
		}
		if !b.bind("a", -1, 8, 9, "s", "lea") {
			t.Fatal("Léa's wait is not kept")
		}
		lea := b.of("s", "lea", 0)
		if lea.Answer() != waits.Proven || len(lea.Waited) != 1 || !lea.Waited[0].From.Equal(at(-1)) || !lea.Waited[0].Until.Equal(at(8)) {
			t.Errorf("Léa: %+v", lea)
		}
		tom := b.of("s", "tom", 0)
		if tom.Answer() != waits.Undecided || len(tom.Long) != 1 || !tom.Long[0].From.Equal(at(-2)) || !tom.Long[0].Until.Equal(at(9)) {
			t.Errorf("Tom: %+v", tom)
		}
		for name, e := range map[string]waits.Evidence{"the hour after": b.of("s", "lea", 60), "the other school": b.of("other", "lea", 0)} {
			if e.Answer() != waits.NoLine || len(e.Waited)+len(e.Long) > 0 {
				t.Errorf("%s: %+v", name, e)
			}
		}
		// The line of devices that nobody knows is everybody's.
		b.watch(20, waits.Crowded{Since: at(18)})
		if e := b.of("other", "lea", 0); e.Answer() != waits.Undecided {
			t.Errorf("who came with an unknown device may have stood there: %+v", e)
		}
	})
}

// TestOneTicketOneAccount: on a device of several people a wait is of the first who signs in,
// soon after it; nobody takes it from them, whatever time they claim, and nobody's is nobody's.
func TestOneTicketOneAccount(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		b := newBook(t, db)
		for name, c := range map[string]struct {
			ticket                string
			arrived, entered, now float64
		}{
			"no ticket":                  {"", 0, 5, 6},
			"a quarter of an hour later": {"late", 0, 5, 21},
			"before they entered":        {"ahead", 0, 5, 3},
			"backwards":                  {"back", 5, 3, 6},
			"longer than a ticket":       {"old", -400, 5, 6},
		} {
			if b.bind(c.ticket, c.arrived, c.entered, c.now, "s", "lea") {
				t.Errorf("%s: it is kept", name)
			}
		}
		if e := b.of("s", "lea", 0); e.Answer() != waits.NoLine {
			t.Errorf("Léa has proven %+v", e)
		}
		if !b.bind("a", 0, 5, 6, "s", "lea") || b.bind("a", 0, 5, 7, "s", "tom") || b.bind("a", -30, 5, 7, "s", "lea") {
			t.Error("a ticket is not of the first alone")
		}
		if lea, tom := b.of("s", "lea", 0), b.of("s", "tom", 0); lea.Answer() != waits.Proven || !lea.Waited[0].From.Equal(at(0)) || tom.Answer() != waits.NoLine {
			t.Errorf("Léa: %+v, Tom: %+v", lea, tom)
		}
		if !b.bind("teacher", 0, 5, 6, "", "") || b.bind("teacher", 0, 5, 8, "s", "tom") {
			t.Error("a pupil takes the wait of the teacher before them")
		}
	})
}

// TestLongLines: a long time goes on over a restart and from node to node, is never shortened
// by a clock that is put back, and two that are minutes apart are two. A program that was away
// is known to have been.
func TestLongLines(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		b := newBook(t, db)
		lines := func() (out [][2]float64) {
			t.Helper()
			err := b.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				all, err := waits.Lines(ctx, tx, "s", at(-100), at(1000))
				for _, p := range all {
					out = append(out, [2]float64{p.From.Sub(eight).Minutes(), p.Until.Sub(eight).Minutes()})
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		want := func(what string, all ...[2]float64) {
			t.Helper()
			if got := lines(); !slices.Equal(got, all) {
				t.Errorf("%s: %v, want %v", what, got, all)
			}
		}
		now := waits.Crowded{School: "s"}
		long := func(minute float64) {
			t.Helper()
			now.Since = at(minute)
			b.watch(minute, now)
		}
		long(0)
		long(0.5)
		want("two looks", [2]float64{0, 0.5})
		b.watch(1) // below two minutes, for a moment
		long(1.25)
		want("it swings", [2]float64{0, 1.25})
		b.watch(1, now) // another node, whose clock is behind
		want("another node", [2]float64{0, 1.25})
		long(2.2) // the program was started again
		want("a restart", [2]float64{0, 2.2})
		for minute := 3.0; minute < 8; minute++ {
			b.watch(minute)
		}
		long(8)
		want("twice", [2]float64{0, 2.2}, [2]float64{8, 8})
		b.watch(9)
		b.watch(20)
		want("eleven minutes away", [2]float64{0, 2.2}, [2]float64{8, 20})
		b.watch(10) // a clock that was put back
		b.watch(11)
		want("put back", [2]float64{0, 2.2}, [2]float64{8, 20})
	})
}

// TestPurge: waits go after forty days, long lines after a school year.
func TestPurge(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		b := newBook(t, db)
		b.bind("a", 0, 5, 6, "s", "lea")
		b.watch(6, waits.Crowded{School: "s", Since: at(0)})
		for _, c := range []struct {
			days int
			want waits.Answer
		}{{39, waits.Proven}, {41, waits.Undecided}, {399, waits.Undecided}, {401, waits.NoLine}} {
			b.write(func(ctx context.Context, tx database.Tx) error {
				return waits.Purge(ctx, tx, at(6).AddDate(0, 0, c.days))
			})
			if e := b.of("s", "lea", 0); e.Answer() != c.want {
				t.Errorf("after %d days: %+v", c.days, e)
			}
		}
	})
}
