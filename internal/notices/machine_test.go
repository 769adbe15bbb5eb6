package notices_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
)

// bigger is a school whose announcements are written in several transactions.
func bigger(t testing.TB, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, town: fictional.School(3, fictional.Options{Weeks: 1, Pupils: 120}), adults: 4, service: true, carriers: courier.Pretend()}
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

// A program that ends after any of its transactions leaves the rest to the next one: each
// address gets its letter, once.
func TestACrashBetweenTransactions(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := bigger(t, db)
		r := w.announce(notices.Wish{Text: notices.Strike, Choice: "some", Day: w.now.Format(time.DateOnly), Level: notices.WholeSchool})
		if r.Addresses < 201 {
			t.Fatalf("only %d addresses", r.Addresses)
		}
		crashes := 0
		for w.request(r.ID).State != notices.Written {
			ctx, end := context.WithCancel(t.Context())
			w.step = func(string) { crashes++; end() }
			w.start()
			if err := w.notices.Pass(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			end()
			if n := len(w.letters(r.ID)); n > r.Addresses {
				t.Fatalf("%d letters of %d", n, r.Addresses)
			}
			if err := w.courier.Pass(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if crashes < 3 {
			t.Errorf("only %d crashes", crashes)
		}
		w.once(r)
	})
}

// Two programs that write at once write each letter once.
func TestTwoProgramsWrite(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := bigger(t, db)
		r := w.announce(notices.Wish{Text: notices.Denial, Choice: "plain", Level: notices.WholeSchool})
		var all sync.WaitGroup
		for range 2 {
			w.start()
			n := w.notices
			all.Go(func() {
				if err := n.Pass(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.settle()
		w.once(r)
	})
}

// once: every address of a request has its letter, which left.
func (w *world) once(r notices.Request) {
	w.t.Helper()
	seen := map[string]bool{}
	for _, l := range w.letters(r.ID) {
		if seen[l.Contact] || l.State != courier.Left {
			w.t.Fatalf("%s, %s: %s, twice: %v", l.Person, l.Contact, l.State, seen[l.Contact])
		}
		seen[l.Contact] = true
	}
	if len(seen) != r.Addresses {
		w.t.Fatalf("%d letters of %d", len(seen), r.Addresses)
	}
}

// TestMachine does what offices, families, clocks and restarts do in any order, and asks
// after each step: did anything leave that two people had not asked for, to somebody who
// had not been counted, after it was taken back, while everything was stopped, too late,
// or twice?
func TestMachine(t *testing.T) {
	schema, err := os.ReadFile(schemaFile(t))
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "preau-notices-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.WriteFile(filepath.Join(dir, "preau.db"), schema, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := database.Open(context.Background(), "sqlite:"+filepath.Join(dir, "preau.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		m := &machine{t: t, db: db, town: fictional.Small(time.Time{}), asked: map[string]*known{}, silent: map[string]bool{}, left: map[string]bool{}}
		m.now = m.town.Tuesday
		if m.journal, err = journal.New(bytes.Repeat([]byte{3}, journal.MinKey)); err != nil {
			t.Fatal(err)
		}
		m.must(fictional.Save(context.Background(), db, m.town))
		m.restart()
		t.Repeat(map[string]func(*rapid.T){
			"":         func(*rapid.T) { left = max(left, m.check()) },
			"ask":      m.ask,
			"confirm":  m.confirm,
			"withdraw": m.withdraw,
			"write":    func(*rapid.T) { m.must(m.notices.Pass(context.Background())) },
			"send":     func(*rapid.T) { m.must(m.courier.Pass(context.Background())) },
			"later": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.SampledFrom([]int{1, 10, 29, 31, 119, 121}).Draw(t, "minutes")) * time.Minute)
			},
			"restart": func(*rapid.T) { m.restart() },
			"stop": func(*rapid.T) {
				m.in(func(ctx context.Context, tx database.Tx) error {
					_, err := m.courier.Stop(ctx, tx, m.school(), "office", m.now)
					return err
				})
				m.stopped = true
			},
			"lift": func(*rapid.T) {
				if !m.stopped {
					return
				}
				m.in(func(ctx context.Context, tx database.Tx) error {
					if err := m.courier.AskLift(ctx, tx, m.school(), "office", m.now); err != nil {
						return err
					}
					return m.courier.Lift(ctx, tx, m.school(), "cpe", m.now)
				})
				m.stopped = false
			},
			"say stop": func(t *rapid.T) {
				c := rapid.SampledFrom(m.town.Rows.Contacts).Draw(t, "point")
				m.in(func(ctx context.Context, tx database.Tx) error {
					_, err := directory.StopAddress(ctx, tx, m.school(), c.Channel, c.Address, "stop", m.now)
					return err
				})
				m.silent[c.ID] = true
			},
		})
	})
	if left == 0 {
		t.Error("nothing ever left: this machine shows nothing")
	}
}

func schemaFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "preau.db")
	db, err := database.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Migrate(t.Context(), database.Upgrade{}), db.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// known is what the machine remembers of a request.
type known struct {
	counted   map[string]bool // contact points
	confirmed time.Time
	gone      bool
}

type machine struct {
	t       *rapid.T
	db      *database.DB
	town    fictional.Town
	journal *journal.Journal
	courier *courier.Courier
	notices *notices.Notices
	now     time.Time
	asked   map[string]*known
	ids     []string
	stopped bool
	silent  map[string]bool // contact points
	left    map[string]bool // letters
}

func (m *machine) school() string { return m.town.School.ID }

func (m *machine) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) in(fn func(context.Context, database.Tx) error) {
	m.must(m.db.InSchool(context.Background(), m.school(), fn))
}

func (m *machine) restart() {
	clock := func() time.Time { return m.now }
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	m.courier = courier.New(courier.Config{DB: m.db, Journal: m.journal, Carriers: courier.Pretend(), Now: clock, Log: log})
	var err error
	m.notices, err = notices.New(notices.Config{DB: m.db, Journal: m.journal, Courier: m.courier, Now: clock, Log: log,
		InService: func(context.Context, database.Tx, string, time.Time) (bool, error) { return true, nil },
		Adults:    func(context.Context, database.Tx, string) (int, error) { return 4, nil }})
	m.must(err)
}

func (m *machine) ask(t *rapid.T) {
	text := rapid.SampledFrom(notices.Texts()).Draw(t, "text")
	wish := notices.Wish{Text: text, Choice: text.Choices()[0], Level: rapid.SampledFrom([]string{notices.WholeSchool, "1re", "2de"}).Draw(t, "level")}
	if text.HasDay() {
		wish.Day = m.now.Format(time.DateOnly)
	}
	if text.HasHour(wish.Choice) {
		wish.Hour = "10:00"
	}
	var r notices.Request
	counted := map[string]bool{}
	err := m.db.InSchool(context.Background(), m.school(), func(ctx context.Context, tx database.Tx) error {
		p, err := m.notices.Preview(ctx, tx, m.school(), wish, m.now)
		if err != nil {
			return err
		}
		var pupils []string
		for _, member := range m.town.Rows.Members {
			if wish.Level == notices.WholeSchool || member.Grp[:3] == wish.Level {
				pupils = append(pupils, member.Person)
			}
		}
		told, err := directory.MayBeToldOfAny(ctx, tx, m.school(), pupils, m.now)
		for _, one := range told {
			for _, c := range one.Points {
				counted[c.ID] = true
			}
		}
		if err != nil {
			return err
		}
		r, err = m.notices.Ask(ctx, tx, m.school(), wish, p.Counted, "head", page.Head, m.now)
		return err
	})
	if _, refused := errors.AsType[*page.Refusal](err); refused {
		return
	}
	m.must(err)
	if r.Addresses != len(counted) {
		m.t.Fatalf("%d were counted, %d may be told", r.Addresses, len(counted))
	}
	m.asked[r.ID], m.ids = &known{counted: counted}, append(m.ids, r.ID)
}

func (m *machine) some(t *rapid.T) (string, bool) {
	if len(m.ids) == 0 {
		return "", false
	}
	return rapid.SampledFrom(m.ids).Draw(t, "request"), true
}

func (m *machine) confirm(t *rapid.T) {
	id, ok := m.some(t)
	if !ok {
		return
	}
	by := rapid.SampledFrom([]notices.Second{cpe, {ID: "office", Role: page.Secretary}, {ID: "head", Role: page.Head}, {ID: "roy", Role: page.Teacher}}).Draw(t, "by")
	err := m.db.InSchool(context.Background(), m.school(), func(ctx context.Context, tx database.Tx) error {
		void, err := m.notices.Confirm(ctx, tx, m.school(), id, by, m.now)
		if err == nil && void == "" {
			if by.ID == "head" || by.ID == "roy" {
				return fmt.Errorf("%s confirmed", by.ID)
			}
			m.asked[id].confirmed = m.now
		}
		return err
	})
	if _, refused := errors.AsType[*page.Refusal](err); !refused {
		m.must(err)
	}
}

func (m *machine) withdraw(t *rapid.T) {
	id, ok := m.some(t)
	if !ok {
		return
	}
	err := m.db.InSchool(context.Background(), m.school(), func(ctx context.Context, tx database.Tx) error {
		return m.notices.Withdraw(ctx, tx, m.school(), id, "office", m.now)
	})
	if err == nil {
		m.asked[id].gone = true
	} else if !errors.Is(err, notices.ErrSettled) {
		m.t.Fatal(err)
	}
}

// check judges every letter that has left, and gives how many there are.
func (m *machine) check() (left int) {
	var letters []courier.Letter
	m.in(func(ctx context.Context, tx database.Tx) (err error) {
		letters, err = courier.About(ctx, tx, m.school(), m.ids)
		return err
	})
	to := map[string]bool{}
	for _, l := range letters {
		k := m.asked[l.Ref]
		if k.confirmed.IsZero() {
			m.t.Fatalf("a letter that nobody confirmed: %+v", l)
		}
		if !k.counted[l.Contact] {
			m.t.Fatalf("%s was not counted", l.Contact)
		}
		if to[l.Ref+l.Contact] {
			m.t.Fatalf("%s twice", l.Contact)
		}
		to[l.Ref+l.Contact] = true
		if l.Attempts == 0 {
			continue
		}
		left++
		if m.left[l.ID] {
			continue // it was judged when it left
		}
		m.left[l.ID] = true
		switch {
		case l.Attempts > 1:
			m.t.Fatalf("%d attempts", l.Attempts)
		case m.now.Sub(k.confirmed) >= 2*time.Hour:
			m.t.Fatalf("it left at %v and was confirmed at %v", m.now, k.confirmed)
		case k.gone:
			m.t.Fatalf("it was taken back, and left at %v", l.LeavingAt)
		case m.stopped:
			m.t.Fatalf("it left at %v while everything was stopped", l.LeavingAt)
		case m.silent[l.Contact]:
			m.t.Fatalf("%s had said stop", l.Contact)
		}
	}
	return left
}
