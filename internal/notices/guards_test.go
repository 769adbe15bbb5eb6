package notices_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/notices"
)

const requestColumns = "school, id, text, choice, day, hour, level, asked_by, asked_role, asked_at, people, addresses, digest, state"

// TestGuards attacks the tables with raw SQL, as whoever holds the database's password
// would: each statement is refused, and nothing has changed afterwards.
func TestGuards(t *testing.T) {
	both(t, func(w *world) {
		asked := w.mustAsk(notices.Wish{Level: notices.WholeSchool, Text: notices.Denial, Choice: "plain"})
		done := w.announce(closedTomorrow)
		if err := w.notices.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		letter := w.letters(done.ID)[0]
		other := w.letters(done.ID)[1]
		gone := w.announce(notices.Wish{Level: notices.WholeSchool, Text: notices.Strike, Choice: "some", Day: "2026-11-26"})
		if err := w.notices.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		goneLetter := w.letters(gone.ID)[0]
		w.in(func(ctx context.Context, tx database.Tx) error {
			// Withdrawn by hand, so that its letters still wait.
			_, err := tx.NewRaw("UPDATE notices_requests SET state = 'withdrawn', because = 'withdrawn' WHERE id = ?", gone.ID).Exec(ctx)
			if err != nil {
				return err
			}
			return w.courier.Put(ctx, tx, w.school, w.now, courier.Draft{ID: "alone", Code: courier.NewCode(), Kind: courier.Notice, Ref: "r-1", Person: "nadia", Contact: "nadia-sms",
				Channel: directory.SMS, Lang: "fr", Body: "x", DueAt: w.now, ExpiresAt: w.now.Add(time.Hour)})
		})
		confirming := "UPDATE notices_requests SET state = 'confirmed', confirmed_by = 'cpe', confirmed_at = asked_at, confirmed_on = '2026-11-24', expires_at = asked_at, seal = 'z' WHERE id = '" + asked.ID + "'"
		leaving := "UPDATE courier_letters SET state = 'leaving', attempts = 1, leaving_at = created_at WHERE id = "
		same := "SELECT " + requestColumns + " FROM notices_requests WHERE id = '" + asked.ID + "'"
		insertRow := "INSERT INTO notices_letters (school, request, n, person, channel, contact, address) VALUES ('alice-guy', '%r', 99, 'nadia', 'sms', 'nadia-sms', 'x')"
		refused := map[string]string{
			"a request is changed":                   "UPDATE notices_requests SET level = '1re' WHERE id = '" + asked.ID + "'",
			"its text":                               "UPDATE notices_requests SET text = 'closed' WHERE state = 'asked'",
			"its words after it was confirmed":       "UPDATE notices_requests SET choice = 'home', state = 'withdrawn' WHERE id = '" + done.ID + "'",
			"its count":                              "UPDATE notices_requests SET people = 1, state = 'void' WHERE id = '" + asked.ID + "'",
			"who asked":                              "UPDATE notices_requests SET asked_by = 'nobody', state = 'void' WHERE id = '" + asked.ID + "'",
			"who confirmed":                          "UPDATE notices_requests SET confirmed_by = 'office', state = 'withdrawn' WHERE id = '" + done.ID + "'",
			"its seal":                               "UPDATE notices_requests SET seal = 'y', state = 'withdrawn' WHERE id = '" + done.ID + "'",
			"until when":                             "UPDATE notices_requests SET expires_at = '2036-01-01 00:00:00', state = 'withdrawn' WHERE id = '" + done.ID + "'",
			"backwards":                              "UPDATE notices_requests SET state = 'asked' WHERE id = '" + done.ID + "'",
			"again":                                  "UPDATE notices_requests SET state = 'confirmed' WHERE id = '" + done.ID + "'",
			"out of the void":                        "UPDATE notices_requests SET state = 'written' WHERE id = '" + gone.ID + "'",
			"standing still":                         "UPDATE notices_requests SET because = 'x' WHERE id = '" + asked.ID + "'",
			"confirmed without its set":              confirming,
			"confirmed by who asked":                 strings.Replace(confirming, "'cpe'", "'head'", 1),
			"confirmed by nobody":                    "UPDATE notices_requests SET state = 'confirmed' WHERE id = '" + asked.ID + "'",
			"written without a second":               "UPDATE notices_requests SET state = 'written' WHERE id = '" + asked.ID + "'",
			"a request begins confirmed":             "INSERT INTO notices_requests (" + requestColumns + ", confirmed_by, confirmed_at, confirmed_on, expires_at, seal) SELECT school, 'new', text, choice, day, hour, level, asked_by, asked_role, asked_at, people, addresses, digest, 'confirmed', 'cpe', asked_at, '2026-11-24', asked_at, 'z' FROM notices_requests WHERE id = '" + asked.ID + "'",
			"asked by the office":                    "INSERT INTO notices_requests (" + requestColumns + ") SELECT school, 'new', text, choice, day, hour, level, asked_by, 'office', asked_at, people, addresses, digest, state FROM notices_requests WHERE id = '" + asked.ID + "'",
			"a text of one's own":                    "INSERT INTO notices_requests (" + requestColumns + ") SELECT school, 'new', 'bonjour', choice, day, hour, level, asked_by, asked_role, asked_at, people, addresses, digest, state FROM notices_requests WHERE id = '" + asked.ID + "'",
			"nobody's level":                         "INSERT INTO notices_requests (" + requestColumns + ") SELECT school, 'new', text, choice, day, hour, '', asked_by, asked_role, asked_at, people, addresses, digest, state FROM notices_requests WHERE id = '" + asked.ID + "'",
			"deleted":                                "DELETE FROM notices_requests",
			"a recipient is added to what left":      strings.Replace(insertRow, "%r", done.ID, 1),
			"a recipient of a request that is void":  strings.Replace(insertRow, "%r", gone.ID, 1),
			"a recipient gets another letter":        "UPDATE notices_letters SET letter = 'alone' WHERE letter = '" + letter.ID + "'",
			"a recipient loses its letter":           "UPDATE notices_letters SET letter = NULL WHERE letter = '" + letter.ID + "'",
			"a recipient is another":                 "UPDATE notices_letters SET person = 'nadia', contact = 'nadia-sms' WHERE letter = '" + letter.ID + "'",
			"two recipients are one":                 "UPDATE notices_letters SET letter = '" + letter.ID + "' WHERE letter = '" + other.ID + "'",
			"recipients are deleted":                 "DELETE FROM notices_letters",
			"a letter that nobody asked for leaves":  leaving + "'alone'",
			"a letter that was taken back leaves":    leaving + "'" + goneLetter.ID + "'",
			"a letter is of another kind and leaves": "UPDATE courier_letters SET kind = 'daily', state = 'leaving', attempts = 1 WHERE id = 'alone'",
		}
		if w.db.Engine() == database.SQLite {
			insert := "INTO notices_requests (" + requestColumns + ") " + same
			refused["replaced"] = "REPLACE " + insert
			refused["replaced, recursive triggers off"] = "PRAGMA recursive_triggers = 0; REPLACE " + insert
			refused["inserted or replaced"] = "INSERT OR REPLACE " + insert
			refused["replaced by its row"] = "REPLACE INTO notices_requests (rowid, " + requestColumns + ") SELECT rowid, school, 'new', text, choice, day, hour, level, asked_by, asked_role, asked_at, people, addresses, digest, state FROM notices_requests WHERE id = '" + asked.ID + "'"
			refused["updated or replaced"] = "UPDATE OR REPLACE notices_requests SET id = '" + done.ID + "', state = 'void' WHERE id = '" + asked.ID + "'"
			refused["a recipient is replaced"] = "REPLACE INTO notices_letters (school, request, n, person, channel, contact, address) SELECT school, request, n, 'nadia', 'sms', 'nadia-sms', address FROM notices_letters WHERE letter = '" + letter.ID + "'"
			refused["a recipient is updated or replaced"] = "UPDATE OR REPLACE notices_letters SET n = 1 WHERE n = 2"
		} else {
			refused["requests are truncated"] = "TRUNCATE notices_requests CASCADE"
			refused["recipients are truncated"] = "TRUNCATE notices_letters"
			refused["upserted"] = "INSERT INTO notices_requests (" + requestColumns + ") " + same + " ON CONFLICT (school, id) DO UPDATE SET level = '1re'"
		}
		before := w.dump()
		for name, sql := range refused {
			if err := w.db.Statement(t.Context(), sql); err == nil {
				t.Errorf("%s: %s", name, sql)
			}
		}
		databasetest.Withstand(t, w.db, []databasetest.Guarded{
			{Name: "notices_requests", MayChange: []string{"state", "because", "confirmed_by", "confirmed_at", "confirmed_on", "expires_at", "seal", "settled_by", "settled_at"}},
			{Name: "notices_letters", MayChange: []string{"letter"}},
		})
		if after := w.dump(); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
		// What was refused is refused for the reason it is meant for: the same deed, done
		// as it should be, is taken.
		w.now = w.now.Add(time.Minute)
		if void, err := w.confirm(asked.ID, cpe); err != nil || void != "" {
			t.Fatal(void, err)
		}
		w.settle()
		if got := w.states(done.ID); got[courier.Left] != 8 {
			t.Errorf("%v", got)
		}
		if got := w.states(gone.ID); got[courier.Left] != 0 {
			t.Errorf("%v", got)
		}
	})
}

// The schema counts too: a third confirmation of a day is refused whoever writes it.
func TestTheSchemaHoldsTheCaps(t *testing.T) {
	both(t, func(w *world) {
		third := w.mustAsk(notices.Wish{Level: "1re", Text: notices.Transport, Choice: "open", Day: "2026-11-26"})
		w.announce(closedTomorrow)
		w.announce(notices.Wish{Level: notices.WholeSchool, Text: notices.Strike, Choice: "some", Day: "2026-11-26"})
		for i, row := range []string{"'karim', 'email', 'karim-email'", "'nadia', 'email', 'nadia-email'", "'nadia', 'sms', 'nadia-sms'"} {
			n := string(rune('1' + i))
			if err := w.db.Statement(t.Context(), "INSERT INTO notices_letters (school, request, n, person, channel, contact, address) VALUES ('alice-guy', '"+third.ID+"', "+n+", "+row+", '"+n+"')"); err != nil {
				t.Fatal(err)
			}
		}
		confirming := func(day string) error {
			return w.db.Statement(t.Context(), "UPDATE notices_requests SET state = 'confirmed', confirmed_by = 'cpe', confirmed_at = asked_at, confirmed_on = '"+day+"', expires_at = '2026-11-24 10:00:00+00:00', seal = 'z' WHERE id = '"+third.ID+"'")
		}
		if err := confirming("2026-11-24"); err == nil || !strings.Contains(err.Error(), "too many today") {
			t.Errorf("a third: %v", err)
		}
		if err := confirming("2026-11-25"); err != nil {
			t.Errorf("the next day: %v", err)
		}
		// All of it was written by hand, and nothing of it is sent.
		w.settle()
		if r := w.request(third.ID); r.State != notices.Void || r.Because != notices.Unsealed || len(w.letters(third.ID)) != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func (w *world) dump() string {
	w.t.Helper()
	var b strings.Builder
	w.in(func(ctx context.Context, tx database.Tx) error {
		for _, q := range []string{
			"SELECT id || text || choice || level || asked_by || people || state || because || confirmed_by || confirmed_on FROM notices_requests ORDER BY id",
			"SELECT request || n || person || contact || address || coalesce(letter, '') FROM notices_letters ORDER BY request, n",
			"SELECT id || kind || state || person FROM courier_letters ORDER BY id",
		} {
			var rows []string
			if err := tx.NewRaw(q).Scan(ctx, &rows); err != nil {
				return err
			}
			b.WriteString(strings.Join(rows, "\n") + "\n")
		}
		return nil
	})
	return b.String()
}
