package courier

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
)

// doorsModel is what people have done to the doors, as they would tell it themselves: it
// asks the program nothing.
type doorsModel struct {
	stopped, locked bool
	kinds           map[string]Kind
	held            map[string]string // letter → in whose name
	lockedWith      map[string]bool   // letters that waited when the school was locked
}

// The doors, with the far side as judge: whatever is stopped, lifted, locked, armed, held
// and let go, also between the claim and the first byte, nothing begins to leave behind a
// closed door, what corrects goes by a stop, and what the lock made void never leaves.
func TestDoorsMachine(t *testing.T) {
	met := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(rt, t, databasetest.SQLite(t))
		doors := doorsModel{kinds: map[string]Kind{}, held: map[string]string{}, lockedWith: map[string]bool{}}
		do := func(fn func(context.Context, database.Tx) error) { m.in(fn) }
		stop := func() {
			do(func(ctx context.Context, tx database.Tx) error {
				_, err := m.courier.Stop(ctx, tx, "s", "office", m.now)
				return err
			})
			doors.stopped = true
		}
		lock := func() {
			for id, l := range m.all() {
				if l.State == Waiting && !doors.locked {
					doors.lockedWith[id] = true
				}
			}
			do(func(ctx context.Context, tx database.Tx) error {
				return m.courier.Lock(ctx, tx, "s", WhyFolder, m.now)
			})
			doors.locked = true
		}
		m.far.begins = func(l Letter) {
			met["begins"]++
			kind := doors.kinds[l.ID]
			switch {
			case doors.locked:
				rt.Fatalf("%s begins to leave a locked school", kind)
			case doors.stopped && kind == Absence:
				rt.Fatalf("%s begins to leave a stopped school", kind)
			case doors.held[l.ID] != "":
				rt.Fatalf("%s begins to leave, and %s holds it", kind, doors.held[l.ID])
			case doors.lockedWith[l.ID]:
				rt.Fatalf("%s leaves that waited when the school was locked", kind)
			}
			if doors.stopped {
				met["corrects under a stop"]++
			}
		}
		m.far.meanwhile = func(Letter) {
			switch rapid.IntRange(0, 7).Draw(rt, "meanwhile") {
			case 0:
				met["stopped meanwhile"]++
				stop()
			case 1:
				met["locked meanwhile"]++
				lock()
			}
		}
		// Doors are open most of the time: what never leaves proves nothing.
		seldom := func(rt *rapid.T) {
			if rapid.IntRange(0, 2).Draw(rt, "seldom") != 0 {
				rt.Skip("not this time")
			}
		}
		n := 0
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { m.check() },
			"put": func(rt *rapid.T) {
				for range rapid.IntRange(1, 3).Draw(rt, "letters") {
					n++
					id := fmt.Sprint("letter-", n)
					kind := rapid.SampledFrom([]Kind{Absence, Absence, Arrived, Correction}).Draw(rt, "kind")
					d := Draft{ID: id, Code: NewCode(), Kind: kind, Ref: id, Pupil: "p", Person: "a", Contact: "mail", Channel: directory.Email, Lang: "fr", Subject: "s", Body: "b", DueAt: m.now, ExpiresAt: m.now.Add(2 * time.Hour)}
					if rapid.Bool().Draw(rt, "sms") {
						d.Contact, d.Channel, d.Subject = "mobile", directory.SMS, ""
					}
					m.letters = append(m.letters, id)
					doors.kinds[id] = kind
					do(func(ctx context.Context, tx database.Tx) error { return m.courier.Put(ctx, tx, "s", m.now, d) })
				}
			},
			"work":  func(*rapid.T) { m.one() },
			"again": func(*rapid.T) { m.now = m.now.Add(20 * time.Second); m.one() },
			"minutes": func(*rapid.T) {
				m.now = m.now.Add(90 * time.Second)
				m.one()
			},
			"crash": func(*rapid.T) { m.restart() },
			"stop": func(rt *rapid.T) {
				seldom(rt)
				stop()
			},
			"lift": func(rt *rapid.T) {
				if !doors.stopped {
					rt.Skip("nothing is stopped")
				}
				do(func(ctx context.Context, tx database.Tx) error {
					if err := m.courier.AskLift(ctx, tx, "s", "office", m.now); err != nil {
						return err
					}
					if rapid.IntRange(0, 3).Draw(rt, "alone") == 0 {
						if err := m.courier.Lift(ctx, tx, "s", "office", m.now); err != ErrSecond {
							rt.Fatalf("lifted by one person: %v", err)
						}
						return nil
					}
					doors.stopped = false
					return m.courier.Lift(ctx, tx, "s", "cpe", m.now)
				})
			},
			"lock": func(rt *rapid.T) {
				seldom(rt)
				lock()
			},
			"arm": func(rt *rapid.T) {
				if !doors.locked {
					rt.Skip("nothing is locked")
				}
				do(func(ctx context.Context, tx database.Tx) error {
					if err := m.courier.AskUnlock(ctx, tx, "s", "head", m.now); err != nil {
						return err
					}
					doors.locked = false
					return m.courier.Unlock(ctx, tx, "s", "cpe", m.now)
				})
				met["armed"]++
			},
			"hold": func(rt *rapid.T) {
				seldom(rt)
				by := rapid.SampledFrom([]string{"trip-1", "trip-2"}).Draw(rt, "by")
				var refs []string
				for id, l := range m.all() {
					if l.Kind == Absence && (l.State == Waiting || l.State == Unsure) {
						refs = append(refs, id)
						if doors.held[id] == "" {
							doors.held[id] = by
							met["held"]++
						}
					}
				}
				do(func(ctx context.Context, tx database.Tx) error {
					_, err := m.courier.Hold(ctx, tx, "s", refs, by, m.now)
					return err
				})
			},
			"release": func(rt *rapid.T) {
				by := rapid.SampledFrom([]string{"trip-1", "trip-2"}).Draw(rt, "by")
				do(func(ctx context.Context, tx database.Tx) error {
					_, err := m.courier.Release(ctx, tx, "s", by, m.now)
					return err
				})
				for id, name := range doors.held {
					if l := m.all()[id]; name == by && (l.State == Waiting || l.State == Unsure) {
						delete(doors.held, id)
						met["released"]++
					}
				}
			},
		})
	})
	t.Logf("met: %v", met)
	for _, what := range []string{"begins", "corrects under a stop", "stopped meanwhile", "locked meanwhile", "armed", "held", "released"} {
		if met[what] == 0 && !testing.Short() {
			t.Errorf("no run met: %s (%v)", what, met)
		}
	}
}

// all gives the letters by id.
func (m *machine) all() map[string]Letter {
	out := map[string]Letter{}
	m.in(func(ctx context.Context, tx database.Tx) error {
		letters, err := About(ctx, tx, "s", m.letters)
		for _, l := range letters {
			out[l.ID] = l
		}
		return err
	})
	return out
}
