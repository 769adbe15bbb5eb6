package account

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/door/waits"
	"github.com/preau-ent/preau/internal/page"
)

// TestASignInBindsTheWait: of a pupil who signs in it is kept that they waited, in the sign-in's
// own transaction and by the installation's clock. On a device of several people the wait is of
// the first alone; a teacher's is nobody's; a pupil whose session goes on has theirs at entry.
func TestASignInBindsTheWait(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		tom := create(t, db, Account{School: lycee, Person: "lea-2", Role: page.Pupil}, good)
		mother := create(t, db, Account{School: lycee, Person: "mother", Role: page.Guardian}, good)
		teacher := create(t, db, Account{School: lycee, Person: "teacher", Role: page.Teacher}, good)
		var seat waits.Wait // of the browser that asks
		s.WaitOf(func(*http.Request) (waits.Wait, bool) { return seat, seat.Ticket != "" })
		waited := func(ticket string, minutes time.Duration) waits.Wait {
			now := time.Now() // the machine's: the door knows no other
			return waits.Wait{Ticket: ticket, Arrived: now.Add(-minutes * time.Minute), Entered: now.Add(-time.Minute)}
		}
		of := func(a Account) waits.Evidence {
			t.Helper()
			var e waits.Evidence
			err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				all, err := waits.Of(ctx, tx, a.School, []string{a.Person}, tuesday.Add(-time.Hour), tuesday.Add(time.Hour))
				e = all[a.Person]
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		about := func(got time.Time, want time.Time) bool { return got.Sub(want).Abs() < 30*time.Second }

		seat = waited("one", 9)
		b := s.browser(t)
		b.post("/sign-in", "identifier", lea.Identifier, "password", bad)
		if e := of(lea); e.Answer() != waits.NoLine {
			t.Errorf("a wrong password proves %+v", e)
		}
		b.signIn(lea.Identifier, good)
		if e := of(lea); e.Answer() != waits.Proven || !about(e.Waited[0].From, tuesday.Add(-9*time.Minute)) || !about(e.Waited[0].Until, tuesday.Add(-time.Minute)) {
			t.Errorf("Léa waited from 7:51 to 7:59: %+v", e)
		}
		b.post("/sign-out")
		b.signIn(tom.Identifier, good)
		if e := of(tom); e.Answer() != waits.NoLine {
			t.Errorf("who comes second to the device has the first one's wait: %+v", e)
		}
		seat = waited("two", 5)
		s.browser(t).signIn(teacher.Identifier, good)
		s.browser(t).signIn(tom.Identifier, good)
		if e := of(tom); e.Answer() != waits.NoLine {
			t.Errorf("a pupil has the teacher's wait: %+v", e)
		}
		seat = waited("three", 40)
		seat.Entered = seat.Entered.Add(-waits.Claimable)
		s.browser(t).signIn(tom.Identifier, good)
		if e := of(tom); e.Answer() != waits.NoLine {
			t.Errorf("a wait that was over long ago proves %+v", e)
		}

		// Sessions that go on.
		seat = waits.Wait{}
		enter := func(a Account, w waits.Wait, over bool) {
			t.Helper()
			write(t, db, func(ctx context.Context, tx database.Tx) error {
				session, err := begin(ctx, tx, tuesday, a.ID, a.Password, Own, "")
				if err != nil {
					return err
				}
				e, ok := s.EntryOf(signedRequest(s.Keeper, a, session), w)
				if !ok {
					t.Fatal("the session is not known by its signature")
				}
				if over {
					if err := endSession(ctx, tx, tuesday, a.ID, session.ID); err != nil {
						return err
					}
				}
				return s.BindEntries(ctx, tx, []Entry{e})
			})
		}
		enter(mother, waited("four", 7), false)
		enter(tom, waited("five", 7), true)
		if e := of(tom); e.Answer() != waits.NoLine {
			t.Errorf("a session that is over proves %+v", e)
		}
		enter(tom, waited("four", 7), false)
		if e := of(tom); e.Answer() != waits.Proven || !about(e.Waited[0].From, tuesday.Add(-7*time.Minute)) {
			t.Errorf("Tom, on the device of his mother: %+v", e)
		}
		if e := of(mother); e.Answer() != waits.NoLine {
			t.Errorf("of a guardian it is kept that they waited: %+v", e)
		}
	})
}

// TestTheWaitForThePool: whoever was sent away while too many signed in waited too.
func TestTheWaitForThePool(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db, false)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		for since, want := range map[time.Duration]int{0: 0, 2 * time.Second: 0, time.Minute: 1} {
			v := visitor{on: Own}
			if since > 0 {
				v.since = time.Now().Add(-since)
			}
			if _, _, err := s.signIn(t.Context(), lea.Identifier, good, v); err != nil {
				t.Fatal(err)
			}
			n := 0
			err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				return tx.NewRaw("SELECT count(*) FROM door_waits").Scan(ctx, &n)
			})
			if err != nil {
				t.Fatal(err)
			}
			if n != want {
				t.Errorf("sent away %v ago: %d waits", since, n)
			}
			write(t, db, func(ctx context.Context, tx database.Tx) error {
				_, err := tx.NewRaw("DELETE FROM door_waits").Exec(ctx)
				return err
			})
		}
	})
}
