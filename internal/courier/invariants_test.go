package courier

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// ways are how a letter comes into each state, as statements: %s is its id.
var ways = map[State][]string{
	Waiting:   nil,
	Leaving:   {leaves},
	Left:      {leaves, goes(Left)},
	Delivered: {leaves, goes(Left), goes(Delivered)},
	Unheard:   {leaves, goes(Left), goes(Unheard)},
	Refused:   {leaves, goes(Refused)},
	Unsure:    {leaves, goes(Unsure)},
	Void:      {goes(Void)},
}

// onward are the states that may follow each; back to waiting only after an attempt that is
// known not to have been taken, and from unsure to leaving only by e-mail, once.
var onward = map[State][]State{
	Waiting: {Leaving, Void, Refused},
	Leaving: {Left, Refused, Unsure, Void},
	Unsure:  {Left, Delivered, Refused, Unheard},
	Left:    {Delivered, Unheard, Refused},
	Unheard: {Delivered, Refused},
}

const leaves = "UPDATE courier_letters SET state = 'leaving', attempts = attempts + 1, leaving_at = created_at WHERE id = '%s'"

func goes(to State) string {
	return "UPDATE courier_letters SET state = '" + string(to) + "' WHERE id = '%s'"
}

// TestStatesAgainstSQL tries every change of every state, by SMS and by e-mail: whoever
// writes the SQL, a state moves forward only, an SMS whose fate is unknown does not leave
// again, and nothing leaves twice.
func TestStatesAgainstSQL(t *testing.T) {
	states := []State{Waiting, Leaving, Left, Delivered, Unheard, Refused, Unsure, Void}
	onDesks(t, func(t *testing.T, d *desk) {
		for _, contact := range []string{"mobile", "mail"} {
			for _, from := range states {
				for _, to := range states {
					id := fmt.Sprint(contact, from, to)
					d.putKind(id, Absence, false, contact)
					for _, q := range ways[from] {
						d.mustSQL(q, id)
					}
					allowed := slices.Contains(onward[from], to) || from == to || from == Unsure && to == Leaving && contact == "mail"
					q := goes(to)
					if to == Leaving && from != to {
						q = leaves
					}
					if err := d.sql(q, id); (err == nil) != allowed {
						t.Errorf("%s, %s to %s: %v", contact, from, to, err)
					}
				}
			}
		}
	})
}

func (d *desk) sql(q string, id string) error {
	return d.db.Statement(d.t.Context(), strings.ReplaceAll(q, "%s", id))
}

func (d *desk) mustSQL(q string, id string) {
	d.t.Helper()
	if err := d.sql(q, id); err != nil {
		d.t.Fatalf("%s: %v", strings.ReplaceAll(q, "%s", id), err)
	}
}

// TestOnceAgainstSQL: no second letter, no second attempt and no later hour, whoever writes
// the SQL.
func TestOnceAgainstSQL(t *testing.T) {
	attempt := func(n int) string {
		return fmt.Sprintf("INSERT INTO courier_attempts (school, letter, n, instance, carrier, started_at) VALUES ('s', '%%s', %d, 'x', 'one', '2026-11-24 07:17:00')", n)
	}
	ended := func(n int, o Outcome) string {
		return fmt.Sprintf("UPDATE courier_attempts SET outcome = '%s' WHERE letter = '%%s' AND n = %d", o, n)
	}
	const columns = "school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, created_at, due_at, expires_at"
	copied := func(replace string, with string) string {
		return "INSERT INTO courier_letters (" + columns + ") SELECT " + strings.Replace(columns, replace, with, 1) + " FROM courier_letters WHERE id = '%s'"
	}
	onDesks(t, func(t *testing.T, d *desk) {
		refused := func(what, q, id string) {
			t.Helper()
			if err := d.sql(q, id); err == nil {
				t.Errorf("%s: taken: %s", what, q)
			}
		}
		d.putKind("one", Absence, false, "mobile")
		refused("the same letter again", copied("id, code", "'two', 'TWO'"), "one")
		refused("another letter with its reference", copied("id, code, kind, ref", "'two', code, kind, 'other'"), "one")
		refused("one that has left already", copied("id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state", "'two', 'TWO', kind, 'other', pupil, person, contact, channel, lang, subject, body, digest, message_id, 'left'"), "one")
		refused("another state on a conflict", copied("", "")+" ON CONFLICT (school, id) DO UPDATE SET state = 'left'", "one")
		refused("it leaves after its time", strings.Replace(leaves, "leaving_at = created_at", "leaving_at = expires_at", 1), "one")
		refused("it has a longer life", "UPDATE courier_letters SET expires_at = '2027-01-01 00:00:00' WHERE id = '%s'", "one")
		refused("it leaves without being counted", "UPDATE courier_letters SET state = 'leaving', leaving_at = created_at WHERE id = '%s'", "one")
		refused("it is counted before it leaves", "UPDATE courier_letters SET attempts = 1 WHERE id = '%s'", "one")
		refused("it says something else", "UPDATE courier_letters SET body = 'x' WHERE id = '%s'", "one")
		refused("it says nothing", "UPDATE courier_letters SET body = '' WHERE id = '%s'", "one")
		refused("a second attempt before the first", attempt(2), "one")
		d.mustSQL(leaves, "one")
		d.mustSQL(attempt(1), "one")
		refused("counted twice", "UPDATE courier_letters SET attempts = attempts + 1 WHERE id = '%s'", "one")
		refused("back while its fate is unknown", goes(Waiting), "one")
		refused("a second attempt while the first goes on", attempt(2), "one")
		for _, o := range []Outcome{NoAnswer, Accepted, RefusedByAll} {
			id := "after-" + string(o)
			d.putKind(id, Absence, false, "mobile")
			d.mustSQL(leaves, id)
			d.mustSQL(attempt(1), id)
			d.mustSQL(ended(1, o), id)
			refused(string(o)+", and back", goes(Waiting), id)
			refused(string(o)+", and a second attempt", attempt(2), id)
			refused(string(o)+", and said not to be written", ended(1, NotWritten), id)
		}
		for _, o := range []Outcome{Later, NotWritten} {
			id := "after-" + string(o)
			d.putKind(id, Absence, false, "mobile")
			d.mustSQL(leaves, id)
			d.mustSQL(attempt(1), id)
			d.mustSQL(ended(1, o), id)
			d.mustSQL(goes(Waiting), id)
			d.mustSQL(leaves, id)
			d.mustSQL(attempt(2), id)
			refused("back by the first attempt's outcome", goes(Waiting), id)
		}
		// By e-mail, the same message once more is better than none: twice at most.
		d.putKind("letter", Absence, false, "mail")
		d.mustSQL(leaves, "letter")
		d.mustSQL(attempt(1), "letter")
		d.mustSQL(ended(1, NoAnswer), "letter")
		d.mustSQL(goes(Unsure), "letter")
		d.mustSQL(leaves, "letter")
		d.mustSQL(attempt(2), "letter")
		d.mustSQL(ended(2, NoAnswer), "letter")
		d.mustSQL(goes(Unsure), "letter")
		refused("an e-mail a third time", leaves, "letter")
	})
}

// TestLettersAgainstSQL attacks every row of the letters, their attempts and their parts.
func TestLettersAgainstSQL(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.vouchAll()
		d.accepts()
		for i, contact := range []string{"mobile", "mobile", "mail", "mobile"} {
			d.putKind(fmt.Sprint("l", i), Absence, false, contact)
		}
		for d.work() > 0 {
		}
		d.putKind("waits", Absence, false, "mobile")
		d.in(func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewRaw("INSERT INTO courier_parts (school, letter, attempt, n, provider, key, address) SELECT school, letter, n, 9, 'p', letter, 'x' FROM courier_attempts").Exec(ctx)
			return err
		})
		databasetest.Withstand(t, d.db, []databasetest.Guarded{
			{Name: "courier_letters", MayChange: []string{"lang", "subject", "body", "state", "because", "attempts", "due_at", "leaving_at", "settled_at", "held_by"}},
			{Name: "courier_attempts", MayChange: []string{"ended_at", "outcome", "answer"}},
			{Name: "courier_parts", MayChange: []string{"fate"}},
			{Name: "directory_contacts", MayChange: []string{"raw", "source", "verified_at", "ended_at", "stopped_at", "stopped_why"}},
		})
	})
}
