package courier

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// scripted is a carrier that does as it is told.
type scripted struct{ do func(Errand) Result }

func (s *scripted) room() int                { return 5 }
func (s *scripted) changed() <-chan struct{} { return nil }

func (s *scripted) send(_ context.Context, e Errand, before sms.Before) Result {
	if _, err := before(); err != nil {
		return Result{Outcome: NotWritten, Answer: err.Error()}
	}
	return s.do(e)
}

// desk is one courier of one school, with two accounts of one centre.
type desk struct {
	t       *testing.T
	db      *database.DB
	c       *Courier
	now     time.Time
	carrier *scripted
}

const deskNumber = "+33639980100"

// onDesks runs a test on both databases.
func onDesks(t *testing.T, test func(*testing.T, *desk)) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j, err := journal.New(bytes.Repeat([]byte{5}, journal.MinKey))
		if err != nil {
			t.Fatal(err)
		}
		d := &desk{t: t, db: db, now: time.Date(2026, 11, 24, 7, 17, 0, 0, time.UTC), carrier: &scripted{}}
		if err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			return directory.AddSchool(ctx, tx, directory.School{ID: "s", UAI: "9990001X", Name: "S", ShortName: "S", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"})
		}); err != nil {
			t.Fatal(err)
		}
		d.in(func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{
				People: []directory.Person{{School: "s", ID: "p", Kind: directory.KindPupil, Source: "t", SourceKey: "p"}, {School: "s", ID: "a", Kind: directory.KindAdult, Source: "t", SourceKey: "a"}},
				Contacts: []directory.ContactPoint{{School: "s", ID: "mail", Person: "a", Channel: directory.Email, Address: "a@famille.example"},
					{School: "s", ID: "mobile", Person: "a", Channel: directory.SMS, Address: deskNumber}},
			})
		})
		named := func(name string, weight int) *account {
			return &account{name: name, provider: "centre", weight: weight, receipts: true, carrier: d.carrier}
		}
		d.c = New(Config{DB: db, Journal: j, Now: func() time.Time { return d.now }, Log: slog.New(slog.DiscardHandler),
			Carriers: Carriers{domain: "t.example", exercise: pretending(), by: map[directory.Channel][]*account{directory.SMS: {named("one", 1), named("two", 3)}}}})
		for _, k := range []Kind{Absence, Arrived} {
			d.c.VouchFor(k, func(_ context.Context, _ database.Tx, letters []Letter, _ time.Time) (map[string]string, error) {
				m := map[string]string{}
				for _, l := range letters {
					m[l.ID] = ""
				}
				return m, nil
			})
		}
		if err := d.c.begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		test(t, d)
	})
}

func (d *desk) in(fn func(context.Context, database.Tx) error) {
	d.t.Helper()
	if err := d.db.InSchool(context.Background(), "s", fn); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) put(id, body string) {
	d.t.Helper()
	d.in(func(ctx context.Context, tx database.Tx) error {
		return d.c.Put(ctx, tx, "s", d.now, Draft{ID: id, Code: NewCode(), Kind: Absence, Ref: id, Pupil: "p", Person: "a", Contact: "mobile", Channel: directory.SMS, Lang: "fr", Body: body,
			DueAt: d.now, ExpiresAt: d.now.Add(time.Hour)})
	})
}

// work claims, carries and settles what there is room for, and tells how much it was.
func (d *desk) work() int {
	d.t.Helper()
	errands, _, err := d.c.claim(context.Background(), "s")
	if err != nil {
		d.t.Fatal(err)
	}
	var batch []answered
	for _, e := range errands {
		d.c.carry(context.Background(), e, func() {})
		batch = append(batch, <-d.c.answers)
	}
	d.c.settleTogether(context.Background(), batch)
	return len(batch)
}

func (d *desk) receipt(r sms.Receipt) {
	d.t.Helper()
	if err := d.c.receive(context.Background(), d.c.carriers.named("two"), r); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) state(id string) State {
	d.t.Helper()
	var l Letter
	d.in(func(ctx context.Context, tx database.Tx) (err error) { l, err = ByID(ctx, tx, "s", id); return err })
	return l.State
}

func (d *desk) want(id string, states ...State) {
	d.t.Helper()
	got := d.state(id)
	for _, s := range states {
		if got == s {
			return
		}
	}
	d.t.Errorf("%s is %s, want %v", id, got, states)
}

func (d *desk) match() {
	d.t.Helper()
	if err := errors.Join(d.c.watch(context.Background()), d.c.matchOpen(context.Background())); err != nil {
		d.t.Fatal(err)
	}
}

// long is a text of two parts.
const long = "Lycee Alice-Guy: Zoë B. n'est pas en mathématiques depuis 8h05, 24/11. Inutile d'appeler, répondez ici: ent.example/r/ABCDEFGHJKLMNPQ"

// Half of a message is not a message: what is known of one part proves nothing of the other.
func TestHalfAMessage(t *testing.T) {
	if sms.Parts(long) != 2 {
		t.Fatal("the text is not of two parts")
	}
	onDesks(t, func(t *testing.T, d *desk) {
		d.carrier.do = func(Errand) Result { return Result{Outcome: NoAnswer, Parts: []string{"77"}} }
		d.put("l", long)
		d.work()
		d.receipt(sms.Receipt{ID: "77", To: deskNumber, Fate: sms.Underway, Code: "ENROUTE"})
		d.want("l", Unsure)
		d.receipt(sms.Receipt{ID: "77", To: deskNumber, Fate: sms.Delivered, Code: "DELIVRD"})
		d.want("l", Unsure)
		// The other part, by what the centre echoes of ours.
		var reference int
		d.in(func(ctx context.Context, tx database.Tx) error {
			a, err := Attempts(ctx, tx, "s", "l")
			reference = a[0].Reference
			return err
		})
		d.receipt(sms.Receipt{ID: "78", To: deskNumber, Fate: sms.Delivered, Code: "DELIVRD", Reference: uint16(reference)})
		d.want("l", Delivered)
	})
}

// A further receipt about what is settled changes nothing and keeps nobody.
func TestReceiptsAfterTheLast(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		next := 76
		d.carrier.do = func(Errand) Result {
			next++
			return Result{Outcome: Accepted, Parts: []string{string(rune('0'+next/10)) + string(rune('0'+next%10))}}
		}
		d.put("one", "b")
		d.work()
		for _, r := range []sms.Receipt{{Fate: sms.Delivered, Code: "DELIVRD 000"}, {Fate: sms.Underway, Code: "ENROUTE"}, {Fate: sms.Delivered, Code: "DELIVRD 001"}, {Fate: sms.Failed, Code: "UNDELIV"}} {
			r.ID, r.To = "77", deskNumber
			d.receipt(r)
		}
		d.want("one", Delivered)
		// Two that come before the answer: it is kept all the same.
		for _, code := range []string{"DELIVRD 000", "DELIVRD 001"} {
			d.receipt(sms.Receipt{ID: "78", To: deskNumber, Fate: sms.Delivered, Code: code})
		}
		d.put("two", "b")
		d.work()
		d.want("two", Delivered)
		d.match()
	})
}

// A number that is no number proves nothing; without one, only the very same id does.
func TestWhoseReceipt(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.carrier.do = func(Errand) Result { return Result{Outcome: Accepted, Parts: []string{"10"}} }
		d.put("l", "b")
		d.work()
		for _, r := range []sms.Receipt{{ID: "16"}, {ID: "A"}, {ID: "10", To: "+33639980101"}, {ID: "10", Letter: "another"}} {
			r.Fate, r.Code = sms.Failed, "X"
			d.receipt(r)
			d.want("l", Left)
		}
		d.receipt(sms.Receipt{ID: "10", To: "0639980100", Fate: sms.Delivered})
		d.want("l", Delivered)
	})
}

// "Not now" from every account is a pause, not a loop.
func TestLaterEverywhere(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.carrier.do = func(Errand) Result { return Result{Outcome: Later} }
		d.put("l", "b")
		n := 0
		for range 20 {
			n += d.work()
		}
		if n != 2 {
			t.Errorf("%d attempts while the clock stood, want one for each account", n)
		}
	})
}

// A program that others believed dead goes on as another one, and its letters with it.
func TestBelievedDead(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		before := d.c.instance()
		if err := d.db.Statement(t.Context(), "UPDATE courier_instances SET ended_at = ?", database.Stamp(d.now)); err != nil {
			t.Fatal(err)
		}
		if err := d.c.beat(t.Context()); err != nil || d.c.instance() == before {
			t.Fatalf("after its heartbeat it is still the one that ended: %v", err)
		}
		d.carrier.do = func(Errand) Result { return Result{Outcome: NotWritten} }
		d.put("l", "b")
		errands, _, err := d.c.claim(t.Context(), "s")
		if err != nil || len(errands) != 1 {
			t.Fatal(err)
		}
		if err := d.c.beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.want("l", Leaving)
	})
}

// The answer to a second part that comes late is kept, whatever was kept before it; and
// one that comes before the letter is known to be unsure.
func TestLateAnswers(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.carrier.do = func(Errand) Result { return Result{Outcome: NoAnswer, Parts: []string{"77"}} }
		d.put("l", long)
		d.work()
		d.c.answeredLate(t.Context(), d.c.carriers.named("two"), "l", Result{Outcome: Accepted, Parts: []string{"77", "78"}})
		d.want("l", Left)
		for _, id := range []string{"77", "78"} {
			d.receipt(sms.Receipt{ID: id, To: deskNumber, Fate: sms.Delivered, Code: id})
		}
		d.want("l", Delivered)

		d.put("m", "b")
		errands, _, err := d.c.claim(t.Context(), "s")
		if err != nil || len(errands) != 1 {
			t.Fatalf("%d claimed: %v", len(errands), err)
		}
		d.c.answeredLate(t.Context(), errands[0].account, "m", Result{Outcome: Accepted, Parts: []string{"79"}})
		d.c.settleTogether(t.Context(), []answered{{errands[0], Result{Outcome: NoAnswer}, func() {}}})
		d.want("m", Left)
	})
}

// The day's cap counts other letters, not the attempts of this one.
func TestCapCountsLetters(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		d.carrier.do = func(e Errand) Result {
			if e.Letter.ID == "f" && e.Attempt == 1 {
				return Result{Outcome: Later}
			}
			return Result{Outcome: Accepted, Parts: []string{""}}
		}
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			d.put(id, "b")
		}
		d.work()
		d.now = d.now.Add(time.Minute)
		d.work()
		d.work()
		left, void := 0, 0
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			switch d.state(id) {
			case Left:
				left++
			case Void:
				void++
			}
		}
		if left != MaxADay || void != 1 {
			t.Errorf("%d left and %d are void, want %d and 1", left, void, MaxADay)
		}
	})
}

// STOP in the form in which a network writes numbers at home.
func TestStopFromANationalNumber(t *testing.T) {
	onDesks(t, func(t *testing.T, d *desk) {
		if err := d.c.incoming(t.Context(), d.c.carriers.named("two"), sms.Incoming{From: "06 39 98 01 00", Text: "stop"}); err != nil {
			t.Fatal(err)
		}
		d.put("l", "b")
		d.work()
		d.want("l", Void)
	})
}
