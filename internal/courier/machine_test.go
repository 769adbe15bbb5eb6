package courier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// far is the far side of the wire: it knows what it took, whatever was answered.
type far struct {
	next  func() deed
	early func(id, to string) // a receipt before the answer
	taken map[string]int      // letter → copies taken
	count int
	said  map[string][]Outcome
	ids   map[string]string // letter → id of what was taken of it
	heard map[string]sms.Fate
	// meanwhile, where set, is what people do between the claim and the last look; begins
	// hears of each submission that begins.
	meanwhile, begins func(Letter)
}

// deed is what the far side does with one attempt.
type deed struct {
	take    bool
	outcome Outcome
	die     bool // the program ends before the answer is kept
	early   bool // it says that the message arrived before it says that it took it
}

func (f *far) room() int                { return 5 }
func (f *far) changed() <-chan struct{} { return nil }

var errDied = errors.New("the program ended")

func (f *far) send(_ context.Context, e Errand, before sms.Before) Result {
	if f.meanwhile != nil {
		f.meanwhile(e.Letter)
	}
	if _, err := before(); err != nil {
		return Result{Outcome: NotWritten, Answer: err.Error()}
	}
	if f.begins != nil {
		f.begins(e.Letter)
	}
	d := f.next()
	r := Result{Outcome: d.outcome, Answer: "as told"}
	if d.take {
		f.taken[e.Letter.ID]++
		f.count++
		f.ids[e.Letter.ID] = fmt.Sprintf("00AB%d", f.count)
		if d.outcome == Accepted {
			r.Parts = []string{f.ids[e.Letter.ID]}
		}
		if d.early {
			f.heard[e.Letter.ID] = sms.Delivered
			f.early(f.ids[e.Letter.ID], e.Address)
		}
	}
	if d.die {
		panic(errDied)
	}
	f.said[e.Letter.ID] = append(f.said[e.Letter.ID], d.outcome)
	return r
}

// deeds are all that can happen: what is taken or not, and what is heard of it.
var deeds = []deed{
	{true, Accepted, false, false},
	{true, Accepted, false, true},
	{false, RefusedByAll, false, false},
	{false, Later, false, false},
	{false, NotWritten, false, false},
	{true, NoAnswer, false, false},
	{true, NoAnswer, false, true},
	{false, NoAnswer, false, false},
	{true, Pending, true, false},
	{false, Pending, true, false},
}

type machine struct {
	t       *rapid.T
	db      *database.DB
	journal *journal.Journal
	far     *far
	courier *Courier
	now     time.Time
	untrue  map[string]bool // letters that nobody vouches for any more
	letters []string
	quiet   bool // receipts that came before their answer were looked at again
}

func newMachine(t *rapid.T, tb testing.TB, db *database.DB) *machine {
	j, err := journal.New(bytes.Repeat([]byte{5}, journal.MinKey))
	if err != nil {
		tb.Fatal(err)
	}
	m := &machine{t: t, db: db, journal: j, now: time.Date(2026, 11, 24, 7, 17, 0, 0, time.UTC), untrue: map[string]bool{}}
	m.far = &far{taken: map[string]int{}, said: map[string][]Outcome{}, ids: map[string]string{}, heard: map[string]sms.Fate{}, early: m.receipt(sms.Delivered), next: func() deed { return rapid.SampledFrom(deeds).Draw(t, "deed") }}
	err = db.Write(tb.Context(), func(ctx context.Context, tx database.Tx) error {
		return directory.AddSchool(ctx, tx, directory.School{ID: "s", UAI: "9990001X", Name: "S", ShortName: "S", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"})
	})
	if err != nil {
		tb.Fatal(err)
	}
	m.in(func(ctx context.Context, tx database.Tx) error {
		return directory.Add(ctx, tx, directory.Batch{
			People: []directory.Person{{School: "s", ID: "p", Kind: directory.KindPupil, Source: "t", SourceKey: "p"}, {School: "s", ID: "a", Kind: directory.KindAdult, Source: "t", SourceKey: "a"}},
			Contacts: []directory.ContactPoint{{School: "s", ID: "mail", Person: "a", Channel: directory.Email, Address: "a@famille.example"},
				{School: "s", ID: "mobile", Person: "a", Channel: directory.SMS, Address: "+33639980100"}},
		})
	})
	m.restart()
	return m
}

func (m *machine) in(fn func(context.Context, database.Tx) error) {
	if err := m.db.InSchool(context.Background(), "s", fn); err != nil {
		m.t.Fatal(err)
	}
}

// restart is a new program on the same database: the one before is dead.
func (m *machine) restart() {
	m.courier = New(Config{DB: m.db, Journal: m.journal, Carriers: Carriers{domain: "t.example", by: map[directory.Channel][]*account{directory.Email: {{name: "mail", provider: "mail", weight: 1, carrier: m.far}},
		directory.SMS: {{name: "one", provider: "centre", weight: 1, receipts: true, carrier: m.far}, {name: "two", provider: "centre", weight: 3, receipts: true, carrier: m.far}}}},
		Now: func() time.Time { return m.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	for _, k := range []Kind{Absence, Arrived, Correction} {
		m.courier.VouchFor(k, func(_ context.Context, _ database.Tx, letters []Letter, _ time.Time) (map[string]string, error) {
			because := map[string]string{}
			for _, l := range letters {
				because[l.ID] = ""
				if m.untrue[l.ID] {
					because[l.ID] = "arrived"
				}
			}
			return because, nil
		})
	}
	if err := m.db.Statement(context.Background(), "UPDATE courier_instances SET ended_at = ? WHERE ended_at IS NULL", database.Stamp(m.now)); err != nil {
		m.t.Fatal(err)
	}
	if err := m.courier.begin(context.Background()); err != nil {
		m.t.Fatal(err)
	}
}

// receipt gives the courier a receipt as a carrier does that changes the case of ids and
// drops their zeros.
func (m *machine) receipt(fate sms.Fate) func(id, to string) {
	return func(id, to string) {
		said := sms.Receipt{ID: strings.ToLower(strings.TrimLeft(id, "0")), To: to, Fate: fate, Code: "X"}
		if err := m.courier.receive(context.Background(), m.courier.carriers.named("two"), said); err != nil {
			m.t.Fatal(err)
		}
	}
}

// one claims what there is room for and carries it, as the program does. The end of the
// program in the middle is a restart: what was claimed and what was answered is lost.
func (m *machine) one() {
	defer func() {
		if died := recover(); died != nil {
			if died != errDied {
				panic(died)
			}
			m.restart()
		}
	}()
	errands, _, err := m.courier.claim(context.Background(), "s")
	if err != nil {
		m.t.Fatal(err)
	}
	var batch []answered
	for _, e := range errands {
		m.courier.carry(context.Background(), e, func() {})
		batch = append(batch, <-m.courier.answers)
	}
	m.courier.settleTogether(context.Background(), batch)
}

func (m *machine) check() {
	var letters []Letter
	err := m.db.Read(context.Background(), func(ctx context.Context, tx database.Tx) (err error) {
		letters, err = About(ctx, tx, "s", m.letters)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	if len(letters) != len(m.letters) {
		m.t.Fatalf("%d letters, %d were put", len(letters), len(m.letters))
	}
	for _, l := range letters {
		taken := m.far.taken[l.ID]
		most := 1
		if l.Channel == directory.Email {
			most = 2
		}
		if taken > most {
			m.t.Fatalf("%s: the far side took %d copies", l.Channel, taken)
		}
		switch l.State {
		case Left, Unheard:
			if taken == 0 {
				m.t.Fatal("said to have left, and the far side took nothing")
			}
			if _, ok := m.far.heard[l.ID]; ok && l.Channel == directory.SMS && m.quiet {
				m.t.Fatal("a receipt that was given is forgotten")
			}
		case Delivered:
			if m.far.heard[l.ID] != sms.Delivered {
				m.t.Fatal("said to be delivered, and nobody said so")
			}
		case Refused, Void, Waiting:
			if taken != 0 && m.far.heard[l.ID] != sms.Failed {
				m.t.Fatalf("said to be %s, and the far side took it", l.State)
			}
		}
		if l.State == Unsure && l.Because == "" {
			m.t.Fatal("unsure without a reason")
		}
		if !l.LeavingAt.IsZero() && !l.LeavingAt.Before(l.ExpiresAt) {
			m.t.Fatal("left after its time")
		}
	}
}

// The letter's state machine, with the far side as judge: whatever it does and whenever
// the program ends, no SMS is taken twice, no e-mail three times, and no state says what
// is not so.
func TestLettersMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(rt, t, databasetest.SQLite(t))
		n := 0
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { m.check() },
			"put": func(rt *rapid.T) {
				n++
				id := fmt.Sprint("letter-", n)
				d := Draft{ID: id, Code: NewCode(), Kind: Absence, Ref: id, Pupil: "p", Person: "a", Contact: "mail", Channel: directory.Email, Lang: "fr", Subject: "s", Body: "b",
					DueAt: m.now, ExpiresAt: m.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(rt, "minutes")) * time.Minute)}
				if rapid.Bool().Draw(rt, "sms") {
					d.Contact, d.Channel, d.Subject = "mobile", directory.SMS, ""
				}
				m.letters = append(m.letters, id)
				m.in(func(ctx context.Context, tx database.Tx) error { return m.courier.Put(ctx, tx, "s", m.now, d) })
			},
			"work":  func(*rapid.T) { m.one() },
			"again": func(*rapid.T) { m.now = m.now.Add(20 * time.Second); m.one() },
			"time": func(rt *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 600).Draw(rt, "seconds")) * time.Second)
			},
			"crash": func(*rapid.T) { m.restart() },
			"receipt": func(rt *rapid.T) {
				for _, id := range m.letters {
					if to := m.far.ids[id]; to != "" && m.far.heard[id] == sms.Underway && rapid.Bool().Draw(rt, "this") {
						fate := rapid.SampledFrom([]sms.Fate{sms.Delivered, sms.Failed}).Draw(rt, "fate")
						m.far.heard[id] = fate
						for range rapid.IntRange(1, 2).Draw(rt, "times") {
							m.receipt(fate)(to, "+33639980100")
						}
						return
					}
				}
			},
			"watch": func(*rapid.T) {
				if err := errors.Join(m.courier.watch(context.Background()), m.courier.matchOpen(context.Background())); err != nil {
					m.t.Fatal(err)
				}
				m.quiet = true
				m.check()
				m.quiet = false
			},
			"untrue": func(rt *rapid.T) { m.untrue[fmt.Sprint("letter-", rapid.IntRange(1, 5).Draw(rt, "which"))] = true },
			"recall": func(rt *rapid.T) {
				ref := fmt.Sprint("letter-", rapid.IntRange(1, 5).Draw(rt, "which"))
				m.in(func(ctx context.Context, tx database.Tx) error {
					return m.courier.Recall(ctx, tx, "s", ref, Absence, "arrived", m.now)
				})
			},
		})
	})
}
