package alert_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/timetable"
)

// doors is a random morning on which people press what holds and takes back. What is
// stopped, locked or out of service is what they would tell themselves; what the breaker
// holds is read from its page.
type doors struct {
	*morning
	rt                       *rapid.T
	met                      map[string]int
	stopped, locked, serving bool
	left                     map[string]bool // letters that have begun to leave
}

// TestAlertDoorsMachine lives random mornings with whole rolls absent, releases right and
// wrong, stops and lifts, locks and arms, corrections and arrivals. After each step no
// absence letter has begun to leave behind a closed door, no two pupils' families read the
// same, and whoever may have been told what was corrected has exactly one correction, and
// nobody else has.
func TestAlertDoorsMachine(t *testing.T) {
	met := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		d := &doors{morning: newMorning(t, databasetest.SQLite(t)), rt: rt, met: met, serving: true, left: map[string]bool{}}
		d.now = d.town.Tuesday.Add(7 * time.Minute)
		if rapid.Bool().Draw(rt, "told") {
			d.mark("maths", "lea", attendance.Absent, 0)
			d.mark("maths", "ewen", attendance.Absent, 0)
			d.now = d.now.Add(11 * time.Minute)
			d.settle()
		}
		// Doors are open most of the time: what never leaves proves nothing.
		seldom := func(rt *rapid.T) {
			if rapid.IntRange(0, 3).Draw(rt, "seldom") != 0 {
				rt.Skip("not this time")
			}
		}
		class := []string{"lea", "malo", "awa", "ewen", "nora"}
		roll := func() string { return rapid.SampledFrom([]string{"maths", "maths", "francais"}).Draw(rt, "roll") }
		rt.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { holds(rt, d.morning); d.judge() },
			"mark": func(*rapid.T) {
				who, v := rapid.SampledFrom(class).Draw(rt, "who"), rapid.SampledFrom([]attendance.Value{attendance.Present, attendance.Absent, attendance.Absent, attendance.Late}).Draw(rt, "value")
				d.roll(roll(), func(p string, was attendance.Value) attendance.Value {
					if p == who {
						return v
					}
					return was
				})
			},
			"everybody": func(*rapid.T) {
				d.roll(roll(), func(string, attendance.Value) attendance.Value { return attendance.Absent })
			},
			"put right": func(*rapid.T) {
				really := rapid.SampledFrom(class).Draw(rt, "really")
				d.roll(roll(), func(p string, _ attendance.Value) attendance.Value {
					if p == really {
						return attendance.Absent
					}
					return attendance.Present
				})
			},
			"time": func(*rapid.T) {
				d.now = d.now.Add(time.Duration(rapid.IntRange(1, 15).Draw(rt, "minutes")) * time.Minute)
				d.settle()
			},
			"the hold": func(*rapid.T) {
				d.now = d.now.Add(11 * time.Minute)
				d.settle()
			},
			"restart": func(*rapid.T) { d.restart(); d.settle() },
			"stop": func(rt *rapid.T) {
				seldom(rt)
				d.in(func(ctx context.Context, tx database.Tx) error {
					_, err := d.courier.Stop(ctx, tx, d.school, "office", d.now)
					return err
				})
				d.stopped = true
				d.met["stopped"]++
				d.settle()
			},
			"lift": func(*rapid.T) {
				if !d.stopped {
					rt.Skip("nothing is stopped")
				}
				d.in(func(ctx context.Context, tx database.Tx) error {
					return errors.Join(d.courier.AskLift(ctx, tx, d.school, "office", d.now), d.courier.Lift(ctx, tx, d.school, "cpe", d.now))
				})
				d.stopped = false
				d.settle()
			},
			"lock": func(rt *rapid.T) {
				seldom(rt)
				d.in(func(ctx context.Context, tx database.Tx) error {
					return d.courier.Lock(ctx, tx, d.school, courier.WhyFolder, d.now)
				})
				d.locked = true
				d.met["locked"]++
				d.settle()
			},
			"arm": func(*rapid.T) {
				if !d.locked {
					rt.Skip("nothing is locked")
				}
				d.in(func(ctx context.Context, tx database.Tx) error {
					return errors.Join(d.courier.AskUnlock(ctx, tx, d.school, "head", d.now), d.courier.Unlock(ctx, tx, d.school, "cpe", d.now))
				})
				d.locked = false
				d.settle()
			},
			"service": func(rt *rapid.T) {
				if d.serving {
					seldom(rt)
				}
				d.serving = !d.serving
				d.serve(d.serving)
				d.settle()
			},
			"release": func(*rapid.T) {
				scope := rapid.SampledFrom([]string{"maths", "maths", "francais", ""}).Draw(rt, "scope")
				d.release(scope, rapid.IntRange(0, 3).Draw(rt, "wrongly") == 0)
				d.settle()
			},
			"correct": func(*rapid.T) { d.correct(rapid.SampledFrom([]string{"maths", "francais", ""}).Draw(rt, "scope")) },
		})
	})
	t.Logf("met: %v", met)
	for _, what := range []string{"left", "tripped", "released", "refused", "stopped", "locked", "corrected", "withdrawn by a correction"} {
		if met[what] == 0 && !testing.Short() {
			t.Errorf("no run met: %s (%v)", what, met)
		}
	}
}

// roll saves a whole roll: say gives each pupil's value from the last one.
func (d *doors) roll(sitting string, say func(pupil string, was attendance.Value) attendance.Value) {
	d.in(func(ctx context.Context, tx database.Tx) error {
		s, err := timetable.ByID(ctx, tx, d.school, sitting)
		if err != nil {
			return err
		}
		people, err := timetable.Pupils(ctx, tx, d.school, s)
		if err != nil {
			return err
		}
		current, err := attendance.Current(ctx, tx, d.school, sitting)
		if err != nil {
			return err
		}
		save := attendance.Save{School: d.school, Sitting: sitting, Day: s.Day, By: "teacher", Origin: attendance.FromRoll}
		for _, p := range people {
			was := current[p.ID].Value
			if current[p.ID].N == 0 {
				was = attendance.Present
			}
			e := attendance.Entry{Pupil: p.ID, Value: say(p.ID, was), Base: current[p.ID].N}
			if e.Value == attendance.Late {
				e.Minutes = 5
			}
			save.Pupils, save.Entries = append(save.Pupils, p.ID), append(save.Entries, e)
		}
		_, err = attendance.SaveRoll(ctx, tx, d.journal, d.now, save)
		return err
	})
	d.settle()
}

// release: one asks, another answers what the marks say, or the contrary of it.
func (d *doors) release(scope string, wrongly bool) {
	err := d.db.InSchool(d.t.Context(), d.school, func(ctx context.Context, tx database.Tx) error {
		if err := d.alert.AskRelease(ctx, tx, d.school, scope, "cpe", d.now); err != nil {
			return err
		}
		day := d.town.Tuesday.Format(time.DateOnly)
		h, err := alert.HeldNow(ctx, tx, d.school, day, scope)
		if err != nil {
			return err
		}
		absent, err := attendance.AbsentPupils(ctx, tx, d.school, day)
		if err != nil {
			return err
		}
		w := alert.Word{Expected: len(h.Pupils), Absent: map[string]bool{}}
		if wrongly {
			w.Expected += 40
		}
		for _, p := range h.Request.DrawnPupils() {
			w.Absent[p] = slices.Contains(absent, p) != wrongly
		}
		if alone, err := d.alert.AnswerRelease(ctx, tx, d.school, scope, "cpe", nil, w, d.now); !errors.Is(alone, alert.ErrConcerned) {
			return fmt.Errorf("released by who asked: %v %v", alone, err)
		}
		refusal, err := d.alert.AnswerRelease(ctx, tx, d.school, scope, "head", nil, w, d.now)
		if err != nil {
			return err
		}
		trips, err := alert.Trips(ctx, tx, d.school, day)
		if err != nil {
			return err
		}
		open := slices.ContainsFunc(trips, func(t alert.Trip) bool { return t.EndedAt.IsZero() && (scope == "" || t.Sitting == scope) })
		switch {
		case refusal == nil && open:
			return errors.New("released, and a trip of it is open")
		case refusal == nil && wrongly:
			return fmt.Errorf("released by a wrong answer: %+v, held %v", w, h.Pupils)
		case refusal == nil:
			d.met["released"]++
		case !open:
			return fmt.Errorf("refused (%v), and open all the same", refusal)
		default:
			d.met["refused"]++
		}
		return nil
	})
	if err != nil && !errors.Is(err, alert.ErrNothingHeld) && !errors.Is(err, alert.ErrTired) {
		d.rt.Fatal(err)
	}
}

// correct presses a correction, and asks whether it covers exactly those who may have been
// told: one each, to the same person, channel and address, and no one else.
func (d *doors) correct(scope string) {
	half := d.town.Tuesday.Format(time.DateOnly) + "/am"
	before, letters := d.read()
	owed := map[string]bool{}
	withdrawn := 0
	for _, e := range before {
		if e.HalfDay != half || scope != "" && e.Sitting != scope || e.State != alert.Held && e.State != alert.Told && e.State != alert.Untold {
			continue
		}
		if e.State == alert.Held {
			withdrawn++
		}
		for _, l := range letters {
			if l.Ref == e.ID && l.Kind == courier.Absence && l.State.MayHaveLeft() {
				owed[l.Ref+" "+l.Person+" "+l.Contact] = true
			}
		}
	}
	was := map[string]bool{}
	for _, l := range letters {
		was[l.ID] = true
	}
	_, err := d.pressAll(scope)
	if errors.Is(err, alert.ErrNothingSaid) {
		if len(owed) > 0 {
			d.rt.Fatalf("%d were told, and nothing was said", len(owed))
		}
		return
	}
	if err != nil {
		d.rt.Fatal(err)
	}
	d.settle()
	_, letters = d.read()
	for _, l := range letters {
		if was[l.ID] {
			continue
		}
		key := l.Ref + " " + l.Person + " " + l.Contact
		if l.Kind != courier.Correction || !owed[key] {
			d.rt.Fatalf("%s to %s about %s is no part of the correction", l.Kind, l.Person, l.Pupil)
		}
		delete(owed, key)
		d.met["corrected"]++
	}
	if len(owed) > 0 {
		d.rt.Fatalf("told, and not corrected: %v", owed)
	}
	d.met["withdrawn by a correction"] += withdrawn
}

func (d *doors) read() (episodes []alert.Episode, letters []courier.Letter) {
	err := d.db.Read(d.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if episodes, err = alert.OfDay(ctx, tx, d.school, d.town.Tuesday.Format(time.DateOnly)); err != nil {
			return err
		}
		ids := make([]string, len(episodes))
		for i, e := range episodes {
			ids[i] = e.ID
		}
		letters, err = courier.About(ctx, tx, d.school, ids)
		return err
	})
	if err != nil {
		d.rt.Fatal(err)
	}
	return episodes, letters
}

// judge asks of each absence letter that has begun to leave since the last step whether
// every door was open to it.
func (d *doors) judge() {
	episodes, letters := d.read()
	var trips []alert.Trip
	if err := d.db.Read(d.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		trips, err = alert.Trips(ctx, tx, d.school, d.town.Tuesday.Format(time.DateOnly))
		return err
	}); err != nil {
		d.rt.Fatal(err)
	}
	d.met["tripped"] += len(trips)
	byID := map[string]alert.Episode{}
	for _, e := range episodes {
		byID[e.ID] = e
	}
	reads := map[string]string{} // body without its reference → pupil
	for _, l := range letters {
		body := string(l.Kind) + link.ReplaceAllString(strings.ReplaceAll(l.Body, l.Code, ""), "")
		if other, again := reads[body]; again && other != l.Pupil {
			d.rt.Fatalf("the families of %s and %s read the same: %s", other, l.Pupil, l.Body)
		}
		reads[body] = l.Pupil
		begun := !l.LeavingAt.IsZero()
		if begun && d.locked && !d.left[l.ID] {
			d.rt.Fatalf("%s to %s began to leave a locked school", l.Kind, l.Person)
		}
		if !begun || d.left[l.ID] {
			continue
		}
		d.left[l.ID] = true
		if l.Kind != courier.Absence {
			continue
		}
		d.met["left"]++
		switch {
		case d.stopped:
			d.rt.Fatalf("an absence of %s left a stopped school", l.Pupil)
		case !d.serving:
			d.rt.Fatalf("an absence of %s left a school that is not in service", l.Pupil)
		case slices.ContainsFunc(trips, func(t alert.Trip) bool { return t.Covers(byID[l.Ref]) }):
			d.rt.Fatalf("an absence of %s left, and the breaker holds it", l.Pupil)
		}
	}
}

// link is where a family answers: its last part is of the letter alone.
var link = regexp.MustCompile(`/r/\S+`)

// TestDrawnFromFewRolls: a release can be asked for where one pupil alone is present, on two
// rolls, and few are held.
func TestDrawnFromFewRolls(t *testing.T) {
	both(t, func(m *morning) {
		d := &doors{morning: m}
		m.at("08:07")
		present := func(who ...string) func(string, attendance.Value) attendance.Value {
			return func(p string, _ attendance.Value) attendance.Value {
				if slices.Contains(who, p) {
					return attendance.Present
				}
				return attendance.Absent
			}
		}
		d.roll("maths", present())
		m.at("08:30") // held, and the release of all but one of them is no longer needed
		d.roll("maths", present("malo", "awa", "nora", "ewen"))
		d.roll("francais", present("malo"))
		d.roll("maths", present("malo"))
		m.ask("maths", "cpe")
		if h := m.held("maths"); len(h.Request.DrawnPupils()) == 0 {
			m.t.Error("nobody is drawn")
		}
	})
}
