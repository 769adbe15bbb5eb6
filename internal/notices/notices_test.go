package notices_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
)

// everybody of the small school who may be told of a pupil and has an address: once,
// however many children; not the parent whom a court denies one of them.
var everybody = []string{"adeline email", "adeline sms", "karim email", "nadia email", "nadia sms", "sylvie email", "sylvie sms", "tarek sms"}

func TestWhatWasCountedIsWhatLeaves(t *testing.T) {
	both(t, func(w *world) {
		r := w.mustAsk(closedTomorrow)
		if r.People != 5 || r.Addresses != 8 || r.State != notices.Asked {
			t.Fatalf("%+v", r)
		}
		w.settle()
		if n := len(w.letters(r.ID)); n != 0 {
			t.Fatalf("%d letters before the second person", n)
		}
		if void, err := w.confirm(r.ID, cpe); err != nil || void != "" {
			t.Fatal(void, err)
		}
		w.settle()
		letters := w.letters(r.ID)
		if got := readers(letters); !slices.Equal(got, everybody) {
			t.Errorf("it went to %v", got)
		}
		for _, l := range letters {
			for _, p := range w.town.Rows.People {
				if p.Kind == directory.KindPupil && (strings.Contains(l.Subject+l.Body, p.FirstName) || strings.Contains(l.Subject+l.Body, p.LastName)) {
					t.Errorf("it names %s: %s", p.FirstName, l.Body)
				}
			}
			if l.State != courier.Left || l.Kind != courier.Notice || l.Pupil != "" || !l.ExpiresAt.Equal(w.now.Add(2*time.Hour)) || !strings.Contains(l.Body, "mercredi 25/11") {
				t.Errorf("%+v", l)
			}
		}
		if got := w.request(r.ID); got.State != notices.Written || got.ConfirmedBy != "cpe" {
			t.Errorf("%+v", got)
		}
		if got := w.acts(r.ID); !slices.Equal(got, []string{"notice.asked", "notice.confirmed", "notice.written"}) {
			t.Errorf("the journal: %v", got)
		}
	})
}

func TestALevelIsItsClasses(t *testing.T) {
	both(t, func(w *world) {
		wish := closedTomorrow
		wish.Level = "1re"
		r := w.announce(wish)
		w.settle()
		if got := readers(w.letters(r.ID)); !slices.Equal(got, []string{"karim email", "nadia email", "nadia sms"}) {
			t.Errorf("%v", got)
		}
		wish.Level = "6e"
		if _, err := w.ask(wish); !errors.Is(err, notices.ErrLevel) {
			t.Errorf("a level that is not there: %v", err)
		}
	})
}

func TestTwoPeople(t *testing.T) {
	both(t, func(w *world) {
		r := w.mustAsk(closedTomorrow)
		for _, c := range []struct {
			by     notices.Second
			adults int
			want   error
		}{
			{notices.Second{ID: "head", Role: page.Head}, 4, notices.ErrSecond},
			{notices.Second{ID: "head", Role: page.CPE}, 4, notices.ErrSecond}, // another account of the same person
			{notices.Second{ID: "", Role: page.CPE}, 4, notices.ErrSecond},
			{notices.Second{ID: "roy", Role: page.Teacher}, 4, notices.ErrSecond},
			{notices.Second{ID: "nadia", Role: page.Guardian}, 1, notices.ErrSecond},
			{notices.Second{ID: "a-operator", Role: page.Operator}, 2, notices.ErrOperator},
		} {
			w.adults = c.adults
			if _, err := w.confirm(r.ID, c.by); !errors.Is(err, c.want) {
				t.Errorf("%+v of %d: %v", c.by, c.adults, err)
			}
		}
		w.adults = 1
		if void, err := w.confirm(r.ID, notices.Second{ID: "a-operator", Role: page.Operator}); err != nil || void != "" {
			t.Errorf("the operator of a school of one adult: %s %v", void, err)
		}
		for _, role := range []page.Role{page.Secretary, page.Teacher, page.Operator, page.Guardian, page.Pupil} {
			err := w.try(func(ctx context.Context, tx database.Tx) error {
				p, err := w.notices.Preview(ctx, tx, w.school, closedTomorrow, w.now)
				if err != nil {
					return err
				}
				_, err = w.notices.Ask(ctx, tx, w.school, closedTomorrow, p.Counted, "somebody", role, w.now)
				return err
			})
			if !errors.Is(err, notices.ErrPrepare) {
				t.Errorf("%s prepares: %v", role, err)
			}
		}
	})
}

func TestAChangeOfTheSetVoidsTheRequest(t *testing.T) {
	both(t, func(w *world) {
		r := w.mustAsk(closedTomorrow)
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := directory.StopAddress(ctx, tx, w.school, directory.SMS, w.address("tarek-sms"), "stop", w.now)
			return err
		})
		if void, err := w.confirm(r.ID, cpe); err != nil || void != notices.Changed {
			t.Fatalf("%q %v", void, err)
		}
		w.settle()
		if n := len(w.letters(r.ID)); n != 0 {
			t.Errorf("%d letters of a set that nobody saw", n)
		}
		if got := w.request(r.ID); got.State != notices.Void || got.Because != notices.Changed {
			t.Errorf("%+v", got)
		}
		if _, err := w.confirm(r.ID, cpe); !errors.Is(err, notices.ErrSettled) {
			t.Errorf("confirmed again: %v", err)
		}
		// And between the preview and the asking.
		err := w.try(func(ctx context.Context, tx database.Tx) error {
			_, err := w.notices.Ask(ctx, tx, w.school, closedTomorrow, r.Digest, "head", page.Head, w.now)
			return err
		})
		if !errors.Is(err, notices.ErrCounted) {
			t.Errorf("asked for another set than was shown: %v", err)
		}
	})
}

func (w *world) address(point string) string {
	for _, c := range w.town.Rows.Contacts {
		if c.ID == point {
			return c.Address
		}
	}
	w.t.Fatalf("no %s", point)
	return ""
}

func TestHalfAnHourToConfirm(t *testing.T) {
	both(t, func(w *world) {
		r := w.mustAsk(closedTomorrow)
		w.now = w.now.Add(30*time.Minute - time.Second)
		late := w.mustAsk(notices.Wish{Text: notices.Strike, Level: notices.WholeSchool, Choice: "some", Day: "2026-11-26"})
		if void, err := w.confirm(r.ID, cpe); err != nil || void != "" {
			t.Errorf("in time: %q %v", void, err)
		}
		w.now = w.now.Add(30 * time.Minute)
		if void, err := w.confirm(late.ID, cpe); err != nil || void != notices.Lapsed {
			t.Errorf("late: %q %v", void, err)
		}
		forgotten := w.mustAsk(notices.Wish{Text: notices.Exercise, Level: notices.WholeSchool, Choice: "shelter", Day: "2026-11-26"})
		w.now = w.now.Add(time.Hour)
		w.settle()
		if got := w.request(forgotten.ID); got.State != notices.Void || got.Because != notices.Lapsed {
			t.Errorf("forgotten: %+v", got)
		}
	})
}

func TestCaps(t *testing.T) {
	both(t, func(w *world) {
		wish := func(day string) notices.Wish {
			return notices.Wish{Text: notices.Closed, Level: notices.WholeSchool, Choice: "plain", Day: day}
		}
		first := w.town.Tuesday
		for _, day := range []int{0, 1, 2} {
			w.now = first.AddDate(0, 0, day)
			today := w.now.Format(time.DateOnly)
			w.announce(wish(today))
			second := w.mustAsk(notices.Wish{Text: notices.Strike, Level: notices.WholeSchool, Choice: "some", Day: today})
			third := w.mustAsk(wish(today))
			if _, err := w.confirm(second.ID, cpe); err != nil {
				t.Fatal(err)
			}
			// Both were asked for while there was room: the confirmation counts.
			if _, err := w.confirm(third.ID, cpe); !errors.Is(err, notices.ErrToday) {
				t.Errorf("a third on %s: %v", today, err)
			}
			if _, err := w.ask(notices.Wish{Text: notices.Transport, Level: notices.WholeSchool, Choice: "open", Day: today}); !errors.Is(err, notices.ErrToday) {
				t.Errorf("asking for a third on %s: %v", today, err)
			}
		}
		w.now = first.AddDate(0, 0, 3) // Friday: two today would be fine, but it would be the seventh of the week
		if _, err := w.ask(wish(w.now.Format(time.DateOnly))); !errors.Is(err, notices.ErrWeek) {
			t.Errorf("a seventh in the week: %v", err)
		}
		for range 8 {
			w.announce(notices.Wish{Text: notices.Confinement, Level: notices.WholeSchool, Choice: "goes-on", Hour: "09:30"})
		}
		if _, err := w.ask(notices.Wish{Text: notices.Confinement, Level: notices.WholeSchool, Choice: "over"}); !errors.Is(err, notices.ErrToday) {
			t.Errorf("a ninth confinement: %v", err)
		}
		for range 2 {
			w.announce(notices.Wish{Text: notices.Denial, Level: notices.WholeSchool, Choice: "plain"})
		}
		if _, err := w.ask(notices.Wish{Text: notices.Denial, Level: notices.WholeSchool, Choice: "plain"}); !errors.Is(err, notices.ErrToday) {
			t.Errorf("a third denial: %v", err)
		}
		w.now = first.AddDate(0, 0, 7)
		w.announce(wish(w.now.Format(time.DateOnly)))
	})
}

func TestQuietHoursAndExpiry(t *testing.T) {
	both(t, func(w *world) {
		at := func(day, hhmm string) {
			zone, _ := w.town.School.Location()
			var err error
			if w.now, err = time.ParseInLocation("2006-01-02 15:04", day+" "+hhmm, zone); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			day, hour string
			want      error
		}{{"2026-11-24", "07:29", notices.ErrQuiet}, {"2026-11-24", "07:30", nil}, {"2026-11-24", "18:29", nil}, {"2026-11-24", "18:30", notices.ErrQuiet}, {"2026-11-29", "10:00", notices.ErrQuiet}} {
			at(c.day, c.hour)
			wish := closedTomorrow
			wish.Day = c.day
			if _, err := w.ask(wish); !errors.Is(err, c.want) {
				t.Errorf("%s %s: %v", c.day, c.hour, err)
			}
			if _, err := w.ask(notices.Wish{Text: notices.Denial, Level: notices.WholeSchool, Choice: "plain"}); err != nil {
				t.Errorf("a denial on %s %s: %v", c.day, c.hour, err)
			}
		}
		at("2026-11-24", "17:00")
		r := w.announce(closedTomorrow)
		zone, _ := w.town.School.Location()
		if want := time.Date(2026, 11, 24, 18, 30, 0, 0, zone); !r.ExpiresAt.Equal(want) {
			t.Errorf("it ends at %v", r.ExpiresAt)
		}
		at("2026-11-24", "18:31")
		w.settle()
		if got := w.request(r.ID); got.State != notices.Void || got.Because != notices.Expired || len(w.letters(r.ID)) != 0 {
			t.Errorf("nothing wrote it in time: %+v", got)
		}
	})
}

func TestNotInServiceOnlyTheUrgent(t *testing.T) {
	both(t, func(w *world) {
		w.service = false
		if _, err := w.ask(closedTomorrow); !errors.Is(err, notices.ErrService) {
			t.Errorf("%v", err)
		}
		w.announce(notices.Wish{Text: notices.Denial, Level: notices.WholeSchool, Choice: "plain"})
		w.announce(notices.Wish{Text: notices.Confinement, Level: notices.WholeSchool, Choice: "begins", Hour: "09:00"})
	})
}

func TestWithdrawByOne(t *testing.T) {
	both(t, func(w *world) {
		r := w.announce(closedTomorrow)
		if err := w.notices.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := w.states(r.ID)[courier.Waiting]; n != 8 {
			t.Fatalf("%d wait", n)
		}
		withdraw := func(id string) error {
			return w.try(func(ctx context.Context, tx database.Tx) error {
				return w.notices.Withdraw(ctx, tx, w.school, id, "office", w.now)
			})
		}
		if err := withdraw(r.ID); err != nil {
			t.Fatal(err)
		}
		if got := w.states(r.ID); got[courier.Void] != 8 { // at once, before anything looks at them
			t.Errorf("%v", got)
		}
		w.settle()
		if got := w.states(r.ID); got[courier.Void] != 8 {
			t.Errorf("%v", got)
		}
		if err := withdraw(r.ID); !errors.Is(err, notices.ErrSettled) {
			t.Errorf("twice: %v", err)
		}
		all := w.announce(notices.Wish{Level: "1re", Text: notices.Strike, Choice: "some", Day: "2026-11-25"})
		w.settle()
		if err := withdraw(all.ID); !errors.Is(err, notices.ErrSettled) || w.request(all.ID).State != notices.Written {
			t.Errorf("everything had left: %v", err)
		}
		asked := w.mustAsk(notices.Wish{Level: notices.WholeSchool, Text: notices.Denial, Choice: "plain"})
		if err := withdraw(asked.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.confirm(asked.ID, cpe); !errors.Is(err, notices.ErrSettled) {
			t.Errorf("confirmed after it was dropped: %v", err)
		}
	})
}

func TestStopHoldsAndTheFenceVoids(t *testing.T) {
	both(t, func(w *world) {
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := w.courier.Stop(ctx, tx, w.school, "office", w.now)
			return err
		})
		held := w.announce(closedTomorrow)
		w.settle()
		if got := w.states(held.ID); got[courier.Waiting] != 8 {
			t.Errorf("under a stop: %v", got)
		}
		asked := w.mustAsk(notices.Wish{Text: notices.Denial, Level: notices.WholeSchool, Choice: "plain"})
		confirmed := w.announce(notices.Wish{Text: notices.Strike, Level: notices.WholeSchool, Choice: "none", Day: "2026-11-25"})
		w.in(func(ctx context.Context, tx database.Tx) error {
			return w.courier.Lock(ctx, tx, w.school, courier.WhyMachine, w.now)
		})
		w.settle()
		if got := w.states(held.ID); got[courier.Void] != 8 {
			t.Errorf("behind the fence: %v", got)
		}
		for _, id := range []string{asked.ID, confirmed.ID} {
			if r := w.request(id); r.State != notices.Void || r.Because != notices.Fenced || len(w.letters(id)) != 0 {
				t.Errorf("behind the fence: %+v", r)
			}
		}
		if _, err := w.ask(notices.Wish{Text: notices.Denial, Level: notices.WholeSchool, Choice: "plain"}); !errors.Is(err, notices.ErrLocked) {
			t.Errorf("asked behind the fence: %v", err)
		}
	})
}

// Whoever loses the right between the confirmation and the claim is not written to.
func TestEntitledAtTheClaim(t *testing.T) {
	both(t, func(w *world) {
		r := w.announce(closedTomorrow)
		if err := w.notices.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: w.school, ID: "d-1", Pupil: "lea", Adult: "karim", Reference: "1", FromOn: "2026-11-24", RecordedBy: "head", RecordedAt: w.now}}})
		})
		w.settle()
		for _, l := range w.letters(r.ID) {
			want := courier.Left
			if l.Person == "karim" { // of his other child too: the notice is about both
				want = courier.Void
			}
			if l.State != want {
				t.Errorf("%s %s: %s %s", l.Person, l.Channel, l.State, l.Because)
			}
		}
	})
}

// A letter in the queue that no request stands behind does not leave.
func TestNobodyVouches(t *testing.T) {
	both(t, func(w *world) {
		w.in(func(ctx context.Context, tx database.Tx) error {
			return w.courier.Put(ctx, tx, w.school, w.now, courier.Draft{ID: "l-1", Code: courier.NewCode(), Kind: courier.Notice, Ref: "r-1", Person: "nadia", Contact: "nadia-sms",
				Channel: directory.SMS, Lang: "fr", Body: "x", DueAt: w.now, ExpiresAt: w.now.Add(time.Hour)})
		})
		w.settle()
		if got := w.letters("r-1"); len(got) != 1 || got[0].State != courier.Void || got[0].Because != courier.BecauseUnvouched {
			t.Errorf("%+v", got)
		}
	})
}

// Two guardians, one number: one message to it, and both are counted.
func TestOneMessageToAnAddress(t *testing.T) {
	both(t, func(w *world) {
		w.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Contacts: []directory.ContactPoint{
				{School: w.school, ID: "karim-sms", Person: "karim", Channel: directory.SMS, Address: w.address("nadia-sms"), Source: "hand"},
				{School: w.school, ID: "tarek-email", Person: "tarek", Channel: directory.Email, Address: w.address("adeline-email"), Source: "hand"},
				{School: w.school, ID: "lamine-sms", Person: "lamine", Channel: directory.SMS, Address: w.address("tarek-sms"), Source: "hand"},
			}})
		})
		r := w.announce(closedTomorrow)
		w.settle()
		to := map[string]int{}
		for _, l := range w.letters(r.ID) {
			w.in(func(ctx context.Context, tx database.Tx) error {
				p, err := directory.PointByID(ctx, tx, w.school, l.Contact)
				to[p.Address]++
				return err
			})
		}
		for address, n := range to {
			if n != 1 {
				t.Errorf("%d messages to %s", n, address)
			}
		}
		if r.People != 6 || r.Addresses != 8 || len(to) != 8 {
			t.Errorf("%d people, %d addresses, %d letters", r.People, r.Addresses, len(to))
		}
	})
}

// A pupil who changes class between the confirmation and the claim takes their family out
// of the level's announcement.
func TestALevelAtTheClaim(t *testing.T) {
	both(t, func(w *world) {
		wish := closedTomorrow
		wish.Level = "1re"
		r := w.announce(wish)
		if err := w.notices.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewRaw("UPDATE directory_members SET until_on = '2026-11-24' WHERE person = 'sami'").Exec(ctx)
			return err
		})
		w.settle()
		if got := w.states(r.ID); got[courier.Void] != 3 || got[courier.Left] != 0 {
			t.Errorf("%v", got)
		}
	})
}

// Families read their own language; where there are no texts in it, the school's.
func TestInTheFamilysLanguage(t *testing.T) {
	both(t, func(w *world) {
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewRaw("UPDATE directory_people SET lang = CASE id WHEN 'nadia' THEN 'en' WHEN 'tarek' THEN 'ar' ELSE lang END").Exec(ctx)
			return err
		})
		r := w.announce(closedTomorrow)
		w.settle()
		for _, l := range w.letters(r.ID) {
			want := "est fermé mercredi 25/11"
			if l.Person == "nadia" {
				want = "closed on Wednesday 25 November"
			}
			if !strings.Contains(l.Body, want) || (l.Lang == "en") != (l.Person == "nadia") {
				t.Errorf("%s in %s: %s", l.Person, l.Lang, l.Body)
			}
		}
	})
}

// Many second persons at once, on two connections: one confirmation of a request, and no
// more of a day than there may be.
func TestManyConfirmAtOnce(t *testing.T) {
	both(t, func(w *world) {
		var asked []notices.Request
		for _, wish := range []notices.Wish{
			{Level: notices.WholeSchool, Text: notices.Closed, Choice: "plain", Day: "2026-11-25"},
			{Level: notices.WholeSchool, Text: notices.Strike, Choice: "some", Day: "2026-11-25"},
			{Level: notices.WholeSchool, Text: notices.Transport, Choice: "open", Day: "2026-11-25"},
			{Level: notices.WholeSchool, Text: notices.Exercise, Choice: "shelter", Day: "2026-11-25"},
		} {
			asked = append(asked, w.mustAsk(wish))
		}
		var all sync.WaitGroup
		var confirmed atomic.Int64
		for range 2 {
			for _, r := range asked {
				all.Go(func() {
					void, err := w.confirm(r.ID, cpe)
					if err == nil && void == "" {
						confirmed.Add(1)
					} else if !errors.Is(err, notices.ErrSettled) && !errors.Is(err, notices.ErrToday) {
						t.Errorf("%s %v", void, err)
					}
				})
			}
		}
		all.Wait()
		if confirmed.Load() != 2 {
			t.Errorf("%d were confirmed", confirmed.Load())
		}
	})
}
