package guard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// The fifth number with one text holds the four before it too, and all that follow; what
// says something else leaves.
func TestOneTextToMany(t *testing.T) {
	both(t, func(w *world) {
		other := w.give(500, "Lycée: Léa B. n'est pas en cours depuis 8h05.")
		w.rodez(4)
		if by := w.states(); by[Held] != 0 || by[courier.Waiting] != 5 {
			w.t.Fatalf("%v", by)
		}
		w.rodez(40)
		by, trips := w.states(), w.trips()
		if by[Held] != 40 || by[courier.Waiting] != 1 || len(trips) != 1 || trips[0].Sign != SignSame || trips[0].Seen != 5 {
			w.t.Fatalf("%v %+v", by, trips)
		}
		w.pass(2 * time.Minute)
		if by := w.states(); by[Held] != 40 || w.message(other).State != courier.Left {
			w.t.Errorf("%v, the other is %s", by, w.message(other).State)
		}
		// Nothing lets it go by itself: it expires, and is shown.
		w.pass(3 * time.Hour)
		if by := w.states(); by[courier.Void] != 40 {
			w.t.Errorf("%v", by)
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			call, err := ToTelephone(ctx, tx, w.school, time.Time{}, 100)
			if len(call) != 40 || call[0].Because != courier.BecauseExpired {
				w.t.Errorf("%d to telephone", len(call))
			}
			return err
		})
		if trips := w.trips(); trips[0].Outcome != Open {
			w.t.Error("the trip ended by itself")
		}
	})
}

// However slowly one text comes, at most four of it have left when the fifth is seen.
func TestOneTextComesSlowly(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 20 * time.Second, time.Minute, 3 * time.Minute} {
		both(t, func(w *world) {
			for i := range 30 {
				w.give(i, "Votre enfant est absent de l'établissement ce jour.")
				w.pass(every)
			}
			if left := w.states()[courier.Left]; left > 4 || (every <= time.Minute/5 && left > 0) {
				w.t.Errorf("one every %s: %d left", every, left)
			}
		})
	}
}

// Different texts, faster than ever: the minute's rest lets all of them be seen before the
// first leaves.
func TestManyNumbersInAMinute(t *testing.T) {
	both(t, func(w *world) {
		for i := range 70 {
			w.give(i, fmt.Sprintf("Lycée: %c%c est absent.", 'a'+i%26, 'a'+i/26))
		}
		by, trips := w.states(), w.trips()
		if by[Held] != 70 || len(trips) != 1 || trips[0].Sign != SignRate {
			w.t.Fatalf("%v %+v", by, trips)
		}
		if err := w.ask(trips[0].ID, "office", 70); err != nil {
			w.t.Fatal(err)
		}
		if agreed, err := w.release(trips[0].ID, "cpe", 70); agreed != nil || err != nil {
			w.t.Fatal(agreed, err)
		}
		w.pass(time.Minute)
		if by := w.states(); by[courier.Left] != 70 {
			w.t.Errorf("%v", by)
		}
		// Two persons said that such a minute is right: the next day it is usual.
		w.now = w.now.Add(24 * time.Hour)
		for i := range 70 {
			w.give(i, fmt.Sprintf("Lycée: %c%c est absent aujourd'hui.", 'a'+i%26, 'a'+i/26))
		}
		w.pass(2 * time.Minute)
		if by := w.states(); by[courier.Left] != 140 || len(w.trips()) != 1 {
			w.t.Errorf("%v, %d trips", by, len(w.trips()))
		}
	})
}

// A slow bleed of different texts is seen by the part of the school that it reached.
func TestALargePartOfTheSchool(t *testing.T) {
	both(t, func(w *world) {
		for i := range 400 {
			w.give(i, fmt.Sprintf("Lycée: %c%c est absent.", 'a'+i%26, 'a'+i/26))
			if i%9 == 8 {
				w.pass(time.Minute)
			}
		}
		by, trips := w.states(), w.trips()
		if len(trips) != 1 || trips[0].Sign != SignShare || by[courier.Left] > 301 || by[Held] < 99 {
			w.t.Errorf("%v %+v", by, trips)
		}
	})
}

// What is released is what was asked for, by another person, who means the same number.
func TestTwoPersonsLetGo(t *testing.T) {
	both(t, func(w *world) {
		w.rodez(20)
		trip := w.trips()[0].ID
		if _, err := w.release(trip, "cpe", 20); !errors.Is(err, ErrSecond) {
			w.t.Errorf("nobody had asked: %v", err)
		}
		if err := w.ask(trip, "office", 19); !errors.Is(err, ErrChanged) {
			w.t.Errorf("another number than what is held: %v", err)
		}
		if err := w.ask(trip, "office", 20); err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.release(trip, "office", 20); !errors.Is(err, ErrSecond) {
			w.t.Errorf("the same person: %v", err)
		}
		if agreed, err := w.release(trip, "cpe", 2); !errors.Is(agreed, ErrNumbers) || err != nil {
			w.t.Errorf("2 expected of 20: %v %v", agreed, err)
		}
		if _, err := w.release(trip, "cpe", 20); !errors.Is(err, ErrSecond) {
			w.t.Errorf("a second guess without a second asking: %v", err)
		}
		if err := w.ask(trip, "office", 20); err != nil {
			w.t.Fatal(err)
		}
		w.rodez(21) // one more came
		if agreed, err := w.release(trip, "cpe", 20); !errors.Is(agreed, ErrChanged) || err != nil {
			w.t.Errorf("another set: %v %v", agreed, err)
		}
		if by := w.states(); by[Held] != 21 {
			w.t.Fatalf("%v", by)
		}
		if err := w.ask(trip, "office", 21); err != nil {
			w.t.Fatal(err)
		}
		if agreed, err := w.release(trip, "cpe", 21); agreed != nil || err != nil {
			w.t.Fatal(agreed, err)
		}
		w.pass(time.Second)
		if by := w.states(); by[courier.Left] != 21 {
			w.t.Errorf("%v", by)
		}
		// The next one with that text is held again: what was shown is what left.
		w.give(99, "Votre enfant est absent de l'établissement ce jour.")
		if trips := w.trips(); len(trips) != 2 || w.states()[Held] != 1 {
			w.t.Errorf("%d trips, %v", len(trips), w.states())
		}
		if _, err := w.release(trip, "cpe", 21); !errors.Is(err, ErrDecided) {
			w.t.Errorf("released twice: %v", err)
		}
	})
}

func TestOnePersonDiscards(t *testing.T) {
	both(t, func(w *world) {
		w.rodez(20)
		trip := w.trips()[0].ID
		w.in(func(ctx context.Context, tx database.Tx) error {
			n, err := w.guard.Discard(ctx, tx, trip, "office", w.now)
			if n != 20 {
				w.t.Errorf("%d", n)
			}
			return err
		})
		w.pass(time.Hour)
		if by := w.states(); by[courier.Void] != 20 {
			w.t.Errorf("%v", by)
		}
		if err := w.ask(trip, "cpe", 20); !errors.Is(err, ErrDecided) {
			w.t.Errorf("asked after it was thrown away: %v", err)
		}
	})
}

// The tool gives a message again because it did not hear our answer: it has the id that it
// had, and leaves once.
func TestGivenAgain(t *testing.T) {
	both(t, func(w *world) {
		first := w.give(1, "Lycée: Léa B. n'est pas en cours.")
		w.now = w.now.Add(9 * time.Minute)
		if again := w.give(1, "Lycée: Léa B. n'est pas en cours."); again != first {
			w.t.Error("a second message")
		}
		if other := w.give(2, "Lycée: Léa B. n'est pas en cours."); other == first {
			w.t.Error("the other parent has the same id")
		}
		w.pass(time.Minute)
		if again := w.give(1, "Lycée: Léa B. n'est pas en cours."); again == first {
			w.t.Error("after ten minutes it is a message of its own")
		}
		if by := w.states(); total(by) != 3 {
			w.t.Errorf("%v", by)
		}
	})
}

func total(by map[State]int) (n int) {
	for _, one := range by {
		n += one
	}
	return n
}

// The school's stop keeps it, the fence makes it void, and the most that a number gets in a
// day is the courier's.
func TestDoors(t *testing.T) {
	both(t, func(w *world) {
		id := w.give(1, "un")
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := w.courier.Stop(ctx, tx, w.school, "office", w.now)
			return err
		})
		w.pass(10 * time.Minute)
		if m := w.message(id); m.State != courier.Waiting {
			w.t.Fatalf("stopped, and %s", m.State)
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			return errors.Join(w.courier.AskLift(ctx, tx, w.school, "office", w.now), w.courier.Lift(ctx, tx, w.school, "cpe", w.now))
		})
		w.pass(time.Second)
		if m := w.message(id); m.State != courier.Left {
			w.t.Fatalf("lifted, and %s", m.State)
		}
		var last string
		for i := range 6 {
			last = w.give(1, fmt.Sprintf("message %c", 'a'+i))
			w.pass(2 * time.Minute)
		}
		if m := w.message(last); m.State != courier.Void || m.Because != courier.BecauseCap {
			w.t.Errorf("the seventh to one number: %s %s", m.State, m.Because)
		}
		waiting := w.give(2, "deux")
		w.rodez(20)
		w.in(func(ctx context.Context, tx database.Tx) error {
			return w.courier.Lock(ctx, tx, w.school, courier.WhyMachine, w.now)
		})
		late := w.give(3, "trois")
		w.pass(time.Second)
		if by := w.states(); by[Held]+by[courier.Waiting] != 0 {
			w.t.Errorf("locked: %v", by)
		}
		for _, id := range []string{waiting, late} {
			if m := w.message(id); m.Because != courier.BecauseFenced {
				w.t.Errorf("locked: %s %s", m.State, m.Because)
			}
		}
	})
}

// A message in parts is one message; parts that never come make it void, and it is shown.
func TestParts(t *testing.T) {
	both(t, func(w *world) {
		part := func(to, ref, n int, text string) string {
			id, err := w.guard.Accept(w.t.Context(), Offer{To: number(to), Text: text, Via: "smpp", Wanted: true, Part: Part{Ref: ref, Total: 3, N: n}})
			if err != nil {
				w.t.Fatal(err)
			}
			return id
		}
		second := part(1, 7, 2, "deux ")
		if again := part(1, 7, 2, "deux "); again != second {
			w.t.Error("a part given again is another part")
		}
		part(2, 7, 1, "seul")
		first := part(1, 7, 1, "un ")
		third := part(1, 7, 3, "trois")
		if again := part(1, 7, 3, "trois"); again != third {
			w.t.Error("the last part given again is another part")
		}
		w.pass(time.Minute)
		for _, id := range []string{first, second, third} {
			if m := w.message(id); m.State != courier.Left || m.Text != "un deux trois" {
				w.t.Errorf("%s %q", m.State, m.Text)
			}
		}
		w.pass(5 * time.Minute)
		if by := w.states(); by[courier.Left] != 1 || by[courier.Void] != 1 {
			w.t.Errorf("%v", by)
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			call, err := ToTelephone(ctx, tx, w.school, time.Time{}, 10)
			if len(call) != 1 || call[0].Because != BecauseIncomplete || call[0].Text != "seul" {
				w.t.Errorf("%+v", call)
			}
			return err
		})
	})
}

func TestRefusedAtTheDoor(t *testing.T) {
	both(t, func(w *world) {
		for name, c := range map[string]struct {
			o    Offer
			want error
		}{
			"no text":            {Offer{To: number(1), Text: " "}, ErrText},
			"a very long text":   {Offer{To: number(1), Text: strings.Repeat("a", 1531)}, ErrText},
			"not text":           {Offer{To: number(1), Text: "a\xff"}, ErrText},
			"a zero":             {Offer{To: number(1), Text: "a\x00b"}, ErrText},
			"no number":          {Offer{To: "", Text: "a"}, ErrNumber},
			"a list":             {Offer{To: number(1) + " " + number(2), Text: "a"}, ErrNumber},
			"everybody":          {Offer{To: "*", Text: "a"}, ErrNumber},
			"a landline":         {Offer{To: "+33199001001", Text: "a"}, ErrNumber},
			"too short a life":   {Offer{To: number(1), Text: "a", Life: 3 * time.Minute}, ErrLife},
			"part five of three": {Offer{To: number(1), Text: "a", Part: Part{Total: 3, N: 5}}, ErrPart},
			"parts without end":  {Offer{To: number(1), Text: "a", Part: Part{Total: 255, N: 5}}, ErrPart},
		} {
			c.o.Via = "http"
			if id, err := w.guard.Accept(w.t.Context(), c.o); !errors.Is(err, c.want) || id != "" {
				w.t.Errorf("%s: %q %v", name, id, err)
			}
		}
		if by := w.states(); total(by) != 0 {
			w.t.Errorf("%v", by)
		}
		// As people of the school write it, and a validity shorter than ours.
		id, err := w.guard.Accept(w.t.Context(), Offer{To: "06 39 98 12 34", Text: "a", Via: "http", Life: 20 * time.Minute})
		if err != nil {
			w.t.Fatal(err)
		}
		if m := w.message(id); m.Address != "+33639981234" || m.ExpiresAt.Sub(m.ReceivedAt) != 20*time.Minute {
			w.t.Errorf("%+v", m)
		}
	})
}

// After a week the words and the number are gone; its digests still tell that it was here.
func TestPurge(t *testing.T) {
	both(t, func(w *world) {
		id := w.give(1, "Lycée: Léa B. n'est pas en cours.")
		w.rodez(5)
		trip := w.trips()[0].ID
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := w.guard.Discard(ctx, tx, trip, "office", w.now)
			return err
		})
		w.pass(time.Minute)
		w.pass(6 * 24 * time.Hour)
		if w.message(id).Text == "" {
			w.t.Error("too early")
		}
		w.pass(2 * 24 * time.Hour)
		if m := w.message(id); m.Text != "" || m.Address != "" || m.Number == "" || m.State != courier.Left {
			w.t.Errorf("%+v", m)
		}
		if trip := w.trips()[0]; trip.Text != "" {
			w.t.Errorf("%+v", trip)
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, faults, err := w.journal.Verify(ctx, tx, nil)
			if len(faults) > 0 {
				w.t.Error(faults)
			}
			return err
		})
	})
}

// A school that leaves takes its numbers with it.
func TestForget(t *testing.T) {
	both(t, func(w *world) {
		left := w.give(1, "un")
		w.pass(time.Minute)
		w.rodez(10)
		w.in(func(ctx context.Context, tx database.Tx) error {
			n, err := Forget(ctx, tx, w.journal, w.school, w.now)
			if n != 10 {
				w.t.Errorf("%d", n)
			}
			return err
		})
		w.in(func(ctx context.Context, tx database.Tx) error {
			n, err := tx.NewSelect().Model((*Message)(nil)).Where("m.address <> '' OR m.text <> ''").Count(ctx)
			if n != 0 {
				w.t.Errorf("%d keep their number", n)
			}
			return err
		})
		if m := w.message(left); m.State != courier.Left {
			w.t.Errorf("%s", m.State)
		}
	})
}

// What the database itself refuses, whoever writes to it.
func TestSchemaRefuses(t *testing.T) {
	both(t, func(w *world) {
		left := w.give(400, "un autre")
		w.pass(time.Minute)
		w.rodez(10)
		waiting := w.give(401, "encore un autre")
		held := ""
		w.in(func(ctx context.Context, tx database.Tx) error {
			return tx.NewRaw("SELECT id FROM guard_messages WHERE state = 'held' LIMIT 1").Scan(ctx, &held)
		})
		trip := w.trips()[0].ID
		attacks := map[string]string{
			"a held one is let go by nobody":     "UPDATE guard_messages SET state = 'waiting' WHERE id = '" + held + "'",
			"a held one leaves":                  "UPDATE guard_messages SET state = 'leaving', attempts = 1 WHERE id = '" + held + "'",
			"a held one forgets its trip":        "UPDATE guard_messages SET trip = NULL, state = 'waiting' WHERE id = '" + held + "'",
			"one leaves without an attempt":      "UPDATE guard_messages SET state = 'leaving', attempts = 1, leaving_at = received_at WHERE id = '" + waiting + "'",
			"one that left waits again":          "UPDATE guard_messages SET state = 'waiting' WHERE id = '" + left + "'",
			"another number":                     "UPDATE guard_messages SET address = '+33639989999' WHERE id = '" + waiting + "'",
			"other words":                        "UPDATE guard_messages SET text = 'x' WHERE id = '" + left + "'",
			"words emptied while it waits":       "UPDATE guard_messages SET text = '' WHERE id = '" + waiting + "'",
			"a longer life":                      "UPDATE guard_messages SET expires_at = '2030-01-01' WHERE id = '" + waiting + "'",
			"a message deleted":                  "DELETE FROM guard_messages WHERE id = '" + left + "'",
			"released by one person":             "UPDATE guard_trips SET outcome = 'released', decided_by = 'office', decided_at = opened_at, expected = 10 WHERE id = '" + trip + "'",
			"asked and released at once":         "UPDATE guard_trips SET outcome = 'released', asked_by = 'a', asked_at = opened_at, counted = 10, decided_by = 'b', decided_at = opened_at, expected = 10 WHERE id = '" + trip + "'",
			"a trip deleted":                     "DELETE FROM guard_trips WHERE id = '" + trip + "'",
			"a second attempt at one that left":  "INSERT INTO courier_relays (school, id, n, instance, carrier, provider, address, reference, started_at) VALUES ('" + w.school + "', '" + left + "', 2, 'x', 'x', 'x', 'x', 1, '2026-11-24')",
			"an attempt that never was":          "UPDATE courier_relays SET outcome = 'not_written' WHERE id = '" + left + "'",
			"an attempt deleted":                 "DELETE FROM courier_relays WHERE id = '" + left + "'",
			"one begins as if it had left":       "INSERT INTO guard_messages (school, id, number, address, text, same, words, via, wanted, state, received_at, due_at, expires_at) VALUES ('" + w.school + "', 'new', 'x', 'x', 'x', 'x', 'x', 'http', FALSE, 'left', '2026-11-24', '2026-11-24', '2026-11-25')",
			"a trip that is released when made":  "INSERT INTO guard_trips (school, id, sign, same, text, seen, most, opened_at, asked_by, asked_at, decided_by, decided_at, outcome, expected) VALUES ('" + w.school + "', 'new', 'same', 'y', 'x', 5, 4, '2026-11-24', 'a', '2026-11-24', 'b', '2026-11-24', 'released', 5)",
			"a second trip for the same text":    "INSERT INTO guard_trips (school, id, sign, same, text, seen, most, opened_at) SELECT school, 'new', sign, same, text, seen, most, opened_at FROM guard_trips WHERE id = '" + trip + "'",
			"an unreadable state":                "UPDATE guard_messages SET state = 'gone' WHERE id = '" + waiting + "'",
			"a part of a message in parts alone": "INSERT INTO guard_parts (school, id, number, address, text, ref, total, n, wanted, received_at, expires_at) VALUES ('" + w.school + "', 'p', 'x', 'x', 'x', 1, 1, 1, FALSE, '2026-11-24', '2026-11-25')",
		}
		if w.db.Engine() == database.SQLite {
			attacks["replaced"] = "INSERT OR REPLACE INTO guard_messages SELECT * FROM guard_messages WHERE id = '" + held + "'"
			attacks["a trip replaced"] = "INSERT OR REPLACE INTO guard_trips SELECT * FROM guard_trips WHERE id = '" + trip + "'"
			attacks["an attempt replaced"] = "INSERT OR REPLACE INTO courier_relays SELECT * FROM courier_relays"
		} else {
			attacks["truncated"] = "TRUNCATE guard_messages CASCADE"
			attacks["trips truncated"] = "TRUNCATE guard_trips CASCADE"
			attacks["attempts truncated"] = "TRUNCATE courier_relays CASCADE"
		}
		before := w.states()
		for name, statement := range attacks {
			err := w.try(func(ctx context.Context, tx database.Tx) error {
				_, err := tx.NewRaw(statement).Exec(ctx)
				return err
			})
			if err == nil {
				w.t.Errorf("%s: taken", name)
			} else if text := err.Error(); !strings.Contains(text, "guard:") && !strings.Contains(text, "courier:") && !strings.Contains(text, "constraint") {
				w.t.Errorf("%s: refused for another reason: %v", name, err)
			}
		}
		if after := w.states(); fmt.Sprint(after) != fmt.Sprint(before) {
			w.t.Errorf("%v, then %v", before, after)
		}
		// Under a stop and under a lock no attempt can even be written.
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := w.courier.Stop(ctx, tx, w.school, "office", w.now)
			return err
		})
		err := w.try(func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewRaw("INSERT INTO courier_relays (school, id, n, instance, carrier, provider, address, reference, started_at) VALUES (?, ?, 1, 'x', 'x', 'x', 'x', 1, '2026-11-24')", w.school, waiting).Exec(ctx)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "courier:") {
			w.t.Errorf("an attempt under a stop: %v", err)
		}
	})
}

// The story of a message is told by the id that the tool was given.
func TestExplain(t *testing.T) {
	both(t, func(w *world) {
		w.rodez(5)
		trip := w.trips()[0].ID
		if err := w.ask(trip, "office", 5); err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.release(trip, "cpe", 5); err != nil {
			w.t.Fatal(err)
		}
		w.pass(time.Second)
		var id string
		var story Story
		w.in(func(ctx context.Context, tx database.Tx) error {
			if err := tx.NewRaw("SELECT id FROM guard_messages ORDER BY id LIMIT 1").Scan(ctx, &id); err != nil {
				return err
			}
			var found bool
			var err error
			story, found, err = Explain(ctx, tx, id)
			if _, other, _ := Explain(ctx, tx, "x"); !found || other {
				w.t.Error(found, other)
			}
			return err
		})
		words, err := page.NewWords(Words)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, lang := range []string{"fr", "en"} {
			var b strings.Builder
			if err := WriteExplain(&b, words, lang, story); err != nil {
				w.t.Fatal(err)
			}
			if strings.Contains(b.String(), "guard.") || strings.Contains(b.String(), "relay.") || !strings.Contains(b.String(), "5") {
				w.t.Error(b.String())
			}
		}
	})
}

// Numbers that belong to nobody lock every school: see the stories, where a carrier is real.
// A pretended one is no danger.
func TestTripwireIsPretended(t *testing.T) {
	both(t, func(w *world) {
		id, err := w.guard.Accept(w.t.Context(), Offer{To: "+33639980007", Text: "x", Via: "http"})
		if err != nil || !directory.Tripwire(directory.SMS, "+33639980007") {
			w.t.Fatal(err)
		}
		w.pass(time.Minute)
		if m := w.message(id); m.State != courier.Left {
			w.t.Errorf("%s", m.State)
		}
	})
}
