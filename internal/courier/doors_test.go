package courier

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// accepts is a carrier that takes everything and counts it.
func (d *desk) accepts() *int {
	n := 0
	d.carrier.do = func(Errand) Result { n++; return Result{Outcome: Accepted} }
	return &n
}

func (d *desk) putKind(id string, k Kind, exercise bool, contact string) {
	d.t.Helper()
	channel := directory.SMS
	if strings.HasSuffix(contact, "mail") {
		channel = directory.Email
	}
	d.in(func(ctx context.Context, tx database.Tx) error {
		draft := Draft{ID: id, Code: NewCode(), Kind: k, Ref: id, Pupil: "p", Person: "a", Contact: contact, Channel: channel, Lang: "fr", Body: id, Exercise: exercise, DueAt: d.now, ExpiresAt: d.now.Add(time.Hour)}
		if k == Notice || k == Daily {
			draft.Pupil = ""
		}
		if k != Notice {
			return d.c.Put(ctx, tx, "s", d.now, draft)
		}
		// No notice leaves that two persons did not ask for: here they did.
		for _, q := range []string{
			"INSERT INTO notices_requests (school, id, text, choice, level, asked_by, asked_role, asked_at, people, addresses, digest, state) VALUES ('s', '" + id + "', 'confinement', 'over', 'whole school', 'x', 'head', '2026-11-24 07:00:00', 1, 1, '', 'asked')",
			"INSERT INTO notices_letters (school, request, n, person, channel, contact, address) VALUES ('s', '" + id + "', 1, 'a', '" + string(channel) + "', '" + contact + "', '')",
			"UPDATE notices_requests SET state = 'confirmed', confirmed_by = 'y', confirmed_at = asked_at, confirmed_on = '2026-11-24', expires_at = asked_at, seal = 'z' WHERE id = '" + id + "'",
		} {
			if _, err := tx.NewRaw(q).Exec(ctx); err != nil {
				return err
			}
		}
		if err := d.c.Put(ctx, tx, "s", d.now, draft); err != nil {
			return err
		}
		_, err := tx.NewRaw("UPDATE notices_letters SET letter = ? WHERE request = ?", id, id).Exec(ctx)
		return err
	})
}

func (d *desk) vouchAll() {
	for _, k := range kinds() {
		d.c.VouchFor(k, func(_ context.Context, _ database.Tx, letters []Letter, _ time.Time) (map[string]string, error) {
			m := map[string]string{}
			for _, l := range letters {
				m[l.ID] = ""
			}
			return m, nil
		})
	}
}

// One press keeps what has not begun to leave; what corrects goes on; two persons lift.
func TestStopKeepsAndTwoLift(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		n := d.accepts()
		d.putKind("before", Absence, false, "mobile")
		if d.work(); *n != 1 {
			t.Fatal("nothing left before the stop")
		}
		d.putKind("absence", Absence, false, "mobile")
		d.putKind("notice", Notice, false, "mobile")
		d.putKind("arrived", Arrived, false, "mobile")
		d.putKind("correction", Correction, false, "mobile")
		d.in(func(ctx context.Context, tx database.Tx) error {
			first, err := d.c.Stop(ctx, tx, "s", "office", d.now)
			if err != nil {
				return err
			}
			again, err := d.c.Stop(ctx, tx, "s", "other", d.now)
			if err == nil && again.ID != first.ID {
				t.Error("a second press made another stop")
			}
			return err
		})
		for d.work() > 0 {
		}
		if *n != 3 {
			t.Errorf("%d letters left, want the one before, the arrival and the correction", *n)
		}
		d.want("absence", Waiting)
		d.want("notice", Waiting)
		refuse := func(by string, want error, do func(context.Context, database.Tx, string, string, time.Time) error) {
			t.Helper()
			err := d.db.InSchool(t.Context(), "s", func(ctx context.Context, tx database.Tx) error { return do(ctx, tx, "s", by, d.now) })
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", by, err, want)
			}
		}
		refuse("cpe", ErrSecond, d.c.Lift) // nobody asked
		refuse("office", nil, d.c.AskLift)
		refuse("office", ErrSecond, d.c.Lift)
		refuse("", ErrSecond, d.c.Lift)
		refuse("cpe", nil, d.c.Lift)
		refuse("cpe", ErrOpen, d.c.Lift)
		refuse("cpe", ErrOpen, d.c.AskLift)
		for d.work() > 0 {
		}
		if *n != 5 {
			t.Errorf("%d letters left after the lift, want 5", *n)
		}
	})
}

// A stop between the claim and the write keeps the letter: the last look sees it, and the
// letter waits again.
func TestStopAtTheLastLook(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		n := d.accepts()
		d.putKind("absence", Absence, false, "mobile")
		errands, _, err := d.c.claim(t.Context(), "s")
		if err != nil || len(errands) != 1 {
			t.Fatal(errands, err)
		}
		d.in(func(ctx context.Context, tx database.Tx) error {
			_, err := d.c.Stop(ctx, tx, "s", "office", d.now)
			return err
		})
		d.c.carry(t.Context(), errands[0], func() {})
		d.c.settleTogether(t.Context(), []answered{<-d.c.answers})
		if d.want("absence", Waiting); *n != 0 {
			t.Error("it was written after the stop")
		}
	})
}

// Nothing of any kind leaves a locked school, and what waits is void.
func TestLockVoidsEverything(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		n := d.accepts()
		for _, k := range kinds() {
			d.putKind("before-"+string(k), k, false, "mobile")
		}
		if err := d.c.LockAll(t.Context(), WhyMachine); err != nil {
			t.Fatal(err)
		}
		for _, k := range kinds() {
			d.putKind("after-"+string(k), k, false, "mobile")
		}
		for range 3 {
			d.work()
		}
		for _, k := range kinds() {
			d.want("before-"+string(k), Void)
			d.want("after-"+string(k), Void)
		}
		if *n != 0 {
			t.Errorf("%d letters left a locked school", *n)
		}
	})
}

// What is held waits; the rest leaves; what is held too long expires, and is never late.
func TestHoldAndRelease(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		n := d.accepts()
		for _, id := range []string{"one", "two", "free"} {
			d.putKind(id, Absence, false, "mobile")
		}
		d.putKind("correction", Correction, false, "mobile")
		hold := func(refs ...string) (held int) {
			d.in(func(ctx context.Context, tx database.Tx) (err error) {
				held, err = d.c.Hold(ctx, tx, "s", refs, "trip", d.now)
				return err
			})
			return held
		}
		if held := hold("one", "two", "correction"); held != 2 {
			t.Errorf("%d letters held, want 2: a correction is never held", held)
		}
		for d.work() > 0 {
		}
		if d.want("one", Waiting); *n != 2 {
			t.Errorf("%d letters left, want 2", *n)
		}
		d.in(func(ctx context.Context, tx database.Tx) error {
			released, err := d.c.Release(ctx, tx, "s", "trip", d.now)
			if released != 2 {
				t.Errorf("%d released", released)
			}
			return err
		})
		if held := hold("two"); held != 1 {
			t.Errorf("%d held again", held)
		}
		d.work()
		d.want("one", Left)
		d.now = d.now.Add(time.Hour)
		d.work()
		if d.want("two", Void); *n != 3 {
			t.Errorf("%d letters left, want 3", *n)
		}
	})
}

// An exercise is taken by the pretended carrier, whatever carriers there are.
func TestAnExerciseMeetsNoCarrier(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		n := d.accepts()
		d.putKind("exercise", Absence, true, "mobile")
		d.putKind("by-mail", Absence, true, "mail") // there is no mail server at all
		for d.work() > 0 {
		}
		d.want("exercise", Left)
		d.want("by-mail", Left)
		if *n != 0 {
			t.Error("an exercise met a carrier")
		}
	})
}

// A letter to an address that belongs to nobody locks every school, and is not written.
func TestTripwire(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		n := d.accepts()
		if err := d.db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			return directory.AddSchool(ctx, tx, directory.School{ID: "far", UAI: "9990002X", Name: "F", ShortName: "F", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"})
		}); err != nil {
			t.Fatal(err)
		}
		d.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Contacts: []directory.ContactPoint{{School: "s", ID: "trap", Person: "a", Channel: directory.SMS, Address: "+33639980042"}}})
		})
		d.putKind("fine", Absence, false, "mobile")
		d.putKind("exercise", Absence, true, "trap")
		for d.work() > 0 {
		}
		if *n != 1 {
			t.Fatal("an exercise tripped, or nothing left")
		}
		d.putKind("wrong", Absence, false, "trap")
		d.work()
		if d.want("wrong", Void); *n != 1 {
			t.Error("it was written")
		}
		for _, school := range []string{"s", "far"} {
			if err := d.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				k, locked, err := LockOf(ctx, tx, school)
				if !locked || k.Why != WhyTripwire {
					t.Errorf("%s is not locked: %v", school, k.Why)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// What keeps letters in the building holds against whoever writes the SQL.
func TestDoorsAgainstSQL(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		d.accepts()
		d.putKind("held", Absence, false, "mobile")
		d.putKind("free", Absence, false, "mobile")
		d.putKind("exercise", Absence, true, "mobile")
		d.putKind("correction", Correction, false, "mobile")
		d.in(func(ctx context.Context, tx database.Tx) error {
			if _, err := d.c.Hold(ctx, tx, "s", []string{"held"}, "trip", d.now); err != nil {
				return err
			}
			if _, err := d.c.Stop(ctx, tx, "s", "office", d.now); err != nil {
				return err
			}
			return d.c.AskLift(ctx, tx, "s", "office", d.now)
		})
		leave := func(id string) string {
			return "UPDATE courier_letters SET state = 'leaving', attempts = 1, leaving_at = '2026-11-24 07:20:00' WHERE id = '" + id + "'"
		}
		refused := map[string]string{
			"a held letter leaves":              leave("held"),
			"a held one let go in one stroke":   strings.Replace(leave("held"), "SET ", "SET held_by = '', ", 1),
			"a letter leaves a stopped school":  leave("free"),
			"a correction is held":              "UPDATE courier_letters SET held_by = 'x' WHERE id = 'correction'",
			"an exercise becomes real":          "UPDATE courier_letters SET exercise = FALSE WHERE id = 'exercise'",
			"an exercise meets a carrier":       "INSERT INTO courier_attempts (school, letter, n, instance, carrier, started_at) VALUES ('s', 'exercise', 1, 'x', 'one', '2026-11-24 07:20:00')",
			"a stop is deleted":                 "DELETE FROM courier_stops",
			"a stop is lifted by who asked":     "UPDATE courier_stops SET lifted_by = 'office', lifted_at = '2026-11-24 07:20:00'",
			"a stop is lifted in one stroke":    "UPDATE courier_stops SET asked_by = 'x', asked_at = '2026-11-24 07:20:00', lifted_by = 'y', lifted_at = '2026-11-24 07:20:00'",
			"a stop is lifted by nobody":        "UPDATE courier_stops SET lifted_at = '2026-11-24 07:20:00'",
			"a stop is moved to another school": "UPDATE courier_stops SET school = 'x'",
			"a stop that is over already":       "INSERT INTO courier_stops (school, id, by, at, asked_by, asked_at, lifted_by, lifted_at) VALUES ('s', 'y', 'a', '2026-11-24 07:20:00', 'a', '2026-11-24 07:20:00', 'b', '2026-11-24 07:20:00')",
			"a notice about a pupil":            "INSERT INTO courier_letters (school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, created_at, due_at, expires_at) SELECT school, 'n', 'n', 'notice', ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, created_at, due_at, expires_at FROM courier_letters WHERE id = 'free'",
			"an absence of nobody":              "INSERT INTO courier_letters (school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, created_at, due_at, expires_at) SELECT school, 'n', 'n', 'absence', ref, NULL, person, contact, channel, lang, subject, body, digest, message_id, state, created_at, due_at, expires_at FROM courier_letters WHERE id = 'free'",
		}
		if d.db.Engine() == database.SQLite {
			refused["a stop is replaced"] = "INSERT OR REPLACE INTO courier_stops (school, id, by, at) SELECT school, id, 'z', at FROM courier_stops"
			refused["a letter is replaced"] = "INSERT OR REPLACE INTO courier_letters (school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, created_at, due_at, expires_at) SELECT school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, 'other', digest, message_id, state, created_at, due_at, expires_at FROM courier_letters WHERE id = 'free'"
		} else {
			refused["stops are truncated"] = "TRUNCATE courier_stops"
			refused["locks are truncated"] = "TRUNCATE courier_locks"
		}
		for what, q := range refused {
			if err := d.db.Statement(t.Context(), q); err == nil {
				t.Errorf("%s: %s", what, q)
			}
		}
		// Lifted, held by nothing: the same statement is then a claim's.
		d.in(func(ctx context.Context, tx database.Tx) error { return d.c.Lift(ctx, tx, "s", "cpe", d.now) })
		if err := d.db.Statement(t.Context(), leave("free")); err != nil {
			t.Errorf("the guards refuse what a claim does: %v", err)
		}
		if err := d.c.LockAll(t.Context(), WhyFolder); err != nil {
			t.Fatal(err)
		}
		d.putKind("locked", Correction, false, "mobile")
		for what, q := range map[string]string{
			"a letter leaves a locked school": leave("locked"),
			"a lock is deleted":               "DELETE FROM courier_locks",
			"a lock is lifted by one":         "UPDATE courier_locks SET lifted_by = 'x', lifted_at = '2026-11-24 07:20:00'",
			"a lock changes its reason":       "UPDATE courier_locks SET why = 'folder-moved'",
		} {
			if err := d.db.Statement(t.Context(), q); err == nil {
				t.Errorf("%s: %s", what, q)
			}
		}
	})
}
