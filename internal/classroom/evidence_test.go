package classroom

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/timetable"
)

// scripted is one hour of a class, drawn at random, and what truly happened in it.
type scripted struct {
	*school
	sitting timetable.Sitting
	waited  map[string]bool
	long    bool
	came    map[string]bool
	lines   map[string]func() // of open lines: how to end them
	outage  bool
}

func (s *scripted) line(_ context.Context, _ database.Tx, _ string, pupils []string, from, until time.Time) (map[string]Line, error) {
	out := map[string]Line{}
	for _, p := range pupils {
		var l Line
		if s.waited[p] {
			l.Waited = []Span{{from, until}}
		}
		if s.long {
			l.Long = []Span{{from, until}}
		}
		out[p] = l
	}
	return out, nil
}

// beat is what the running program does every pulse.
func (s *scripted) beat(t *rapid.T, first bool) {
	if err := s.pages.Beat(s.t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := s.pages.Pulse(s.t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *scripted) enter(t *rapid.T, person string) {
	v := viewerOf(s.school, person)
	if err := s.pages.enter(s.t.Context(), v, s.sitting.ID); err != nil {
		t.Fatal(err)
	}
	s.leave(person)
	_, leave, err := s.pages.live.join(seat{v.School, s.sitting.ID, person}, "p", false, s.pages.versions)
	if err != nil {
		t.Fatal(err)
	}
	s.lines[person] = leave
}

func (s *scripted) leave(person string) {
	if end := s.lines[person]; end != nil {
		end()
		delete(s.lines, person)
	}
}

// However pupils come and go, wait, are thrown out by our restarts and by outages of any length:
// nobody is found or proposed absent who came, who waited or may have, or while we were away; and
// whoever truly did not come, with nothing of ours in the way, is.
func TestOnlyWhoDidNotComeIsAbsent(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		base, days, absent, held := newSchool(t, db), 0, 0, 0
		rapid.Check(t, func(t *rapid.T) {
			days++
			// Each drawn class has a day of its own, on which the program was there long before.
			s := &scripted{school: base, waited: map[string]bool{}, came: map[string]bool{}, lines: map[string]func(){}}
			start := time.Date(2026, time.November, 24, 8, 5, 0, 0, base.zone).AddDate(0, 0, days)
			s.sitting = timetable.Sitting{School: base.town.School.ID, ID: fmt.Sprint("drawn-", days), Kind: timetable.Lesson, Label: "Maths", ShortLabel: "maths", Source: timetable.FromPage, SourceKey: fmt.Sprint("drawn-", days),
				Groups: []string{"2de3"}, Staff: []timetable.Charge{{Person: "roy"}}}
			s.sitting.At(start, start.Add(55*time.Minute), base.zone)
			s.now = start.Add(-30 * time.Minute)
			s.pages.live.seen = map[seat]*attending{}
			s.pages.Evidence.Lines = s.line
			base.write(func(ctx context.Context, tx database.Tx) error {
				if err := timetable.Add(ctx, tx, s.sitting); err != nil {
					return err
				}
				if _, err := timetable.OpenHome(ctx, tx, timetable.Home{School: base.town.School.ID, Reason: "closed", FromOn: s.sitting.Day, UntilOn: s.sitting.Day, OpenedBy: "a-head", Whole: true}, s.now, base.zone); err != nil {
					return err
				}
				_, err := tx.NewRaw("DELETE FROM classroom_pulses").Exec(ctx) // it was off for the night, and the day before is over
				return err
			})
			s.beat(t, true)
			s.now = start.Add(-16 * time.Minute)
			s.beat(t, false)
			pupils := []string{"lea", "malo", "awa", "ewen"}
			for _, p := range pupils {
				s.waited[p] = rapid.IntRange(0, 5).Draw(t, "waited "+p) == 0
			}
			s.long = rapid.IntRange(0, 4).Draw(t, "long") == 0
			opens := rapid.IntRange(0, 6).Draw(t, "opens") > 0
			up := true
			for i := range rapid.IntRange(1, 14).Draw(t, "steps") {
				s.now = s.now.Add(time.Duration(rapid.IntRange(5, 50).Draw(t, "seconds")) * time.Second)
				if up {
					s.beat(t, false)
				}
				if i == 0 {
					s.now = start.Add(-5 * time.Minute)
					s.beat(t, true) // between two classes: a restart that everybody lives through
					s.outage = true
					if rapid.IntRange(0, 2).Draw(t, "calm") > 0 {
						base.write(func(ctx context.Context, tx database.Tx) error {
							_, err := tx.NewRaw("DELETE FROM classroom_outages").Exec(ctx)
							return err
						})
						s.outage = false
					}
					if opens {
						s.enter(t, "roy")
					}
				}
				p := rapid.SampledFrom(pupils).Draw(t, "who")
				switch what := rapid.SampledFrom([]string{"enter", "leave", "break", "nothing", "nothing", "outage", "restart"}).Draw(t, "what"); {
				case what == "enter" && up, what == "break" && up && s.lines[p] != nil:
					s.enter(t, p)
					s.came[p] = true
				case what == "leave":
					s.leave(p)
				case what == "outage" && rapid.IntRange(0, 3).Draw(t, "rare") == 0:
					for who := range s.lines {
						s.leave(who)
					}
					s.now = s.now.Add(time.Duration(rapid.IntRange(71, 900).Draw(t, "away")) * time.Second)
					s.outage = true
					if up = rapid.Bool().Draw(t, "back"); up {
						s.beat(t, false)
					}
				case what == "restart" && up && rapid.IntRange(0, 3).Draw(t, "rare") == 0:
					s.beat(t, true)
					s.outage = true
				}
			}
			if s.now.Before(start.Add(absentAfter)) && up {
				for s.now.Before(start.Add(absentAfter)) {
					s.now = s.now.Add(pulse)
					s.beat(t, false)
				}
			}
			var known map[string]Known
			var proposed map[string]attendance.Proposal
			base.read(func(ctx context.Context, tx database.Tx) (err error) {
				if known, err = s.pages.Evidence.Find(ctx, tx, base.town.School.ID, s.sitting, pupils, s.now); err != nil {
					return err
				}
				proposed, err = s.pages.Propose(ctx, tx, s.sitting, pupils, s.now)
				return err
			})
			for _, p := range pupils {
				ours := s.waited[p] || s.long || s.outage
				truly := opens && !s.came[p] && !ours
				if got := known[p].Finding == attendance.FoundAbsent; got != truly {
					t.Fatalf("%s: found %q; came %v, waited %v, long %v, outage %v, opened %v", p, known[p].Finding, s.came[p], s.waited[p], s.long, s.outage, opens)
				}
				if proposed[p].Value == attendance.Absent && !truly {
					t.Fatalf("%s is proposed absent: %q", p, known[p].Finding)
				}
				if s.came[p] && opens && proposed[p].Value == attendance.Unsaid {
					t.Fatalf("%s came, and nothing is proposed", p)
				}
				if truly {
					absent++
				} else if !s.came[p] && ours {
					held++
				}
			}
			for who := range s.lines {
				s.leave(who)
			}
		})
		if absent < 10 || held < 10 {
			t.Errorf("only %d truly absent and %d held were drawn", absent, held)
		}
	})
}

// Presence goes on over a gap of less than a minute; two missed pulses end it.
func TestStays(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.get("lea")
		see := func(after time.Duration, sights ...sight) []Presence {
			t.Helper()
			s.now = s.now.Add(after)
			var out []Presence
			s.write(func(ctx context.Context, tx database.Tx) error {
				if _, err := seen(ctx, tx, s.town.School.ID, sights, s.now); err != nil {
					return err
				}
				all, err := stays(ctx, tx, s.town.School.ID, "maths")
				out = all["lea"]
				return err
			})
			return out
		}
		lea := sight{Sitting: "maths", Person: "lea"}
		if got := see(59*time.Second, lea); len(got) != 1 || got[0].SeenAt.Sub(got[0].FromAt) != 59*time.Second {
			t.Errorf("59 s: %+v", got)
		}
		if got := see(60*time.Second, lea); len(got) != 2 {
			t.Errorf("60 s: %+v", got)
		}
		if got := see(5*time.Minute, sight{Sitting: "maths", Person: "lea", Held: true, Breaks: 2}); len(got) != 2 || got[1].Breaks != 2 || got[1].SeenAt.Sub(got[1].FromAt) != 5*time.Minute {
			t.Errorf("a line that was open all the time: %+v", got)
		}
		if got := see(time.Minute, sight{Sitting: "maths", Person: "sami"}); len(got) != 2 {
			t.Errorf("who never entered has no stay: %+v", got)
		}
	})
}

// A line of the same page comes back by itself; another page is no break. A program that is
// there again writes down that it was not.
func TestBreaksAndOutages(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.get("lea")
		at := seat{s.town.School.ID, "maths", "lea"}
		for _, p := range []string{"one", "one", "two", "two"} {
			_, leave, err := s.pages.live.join(at, p, false, s.pages.versions)
			if err != nil {
				t.Fatal(err)
			}
			leave()
		}
		// What we ended after its time and comes back is no break.
		long, end, err := s.pages.live.join(at, "three", false, s.pages.versions)
		if err != nil {
			t.Fatal(err)
		}
		long.ours = true
		end()
		_, leave, err := s.pages.live.join(at, "three", false, s.pages.versions)
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
		sights := s.pages.live.sights()[s.town.School.ID]
		if len(sights) != 1 || sights[0].Breaks != 2 || sights[0].Held {
			t.Errorf("%+v", sights)
		}
		if sights = s.pages.live.sights()[s.town.School.ID]; len(sights) != 1 || sights[0].Breaks != 0 || !sights[0].Held {
			t.Errorf("%+v", sights)
		}
		outages := func() (out []Span) {
			s.read(func(ctx context.Context, tx database.Tx) (err error) {
				out, err = s.pages.Evidence.outages(ctx, tx, s.now.Add(-10*time.Minute), s.now)
				return err
			})
			return out
		}
		if len(outages()) != 1 {
			t.Error("nobody ever said that we were there")
		}
		beat := func(first bool) {
			if err := s.pages.Beat(t.Context(), first); err != nil {
				t.Fatal(err)
			}
		}
		beat(true)
		s.now = s.now.Add(20 * time.Minute)
		beat(false)
		if len(outages()) != 1 { // twenty minutes without a pulse
			t.Errorf("%v", outages())
		}
		s.now = s.now.Add(11 * time.Minute)
		for range 30 {
			beat(false)
			s.now = s.now.Add(pulse)
		}
		if got := outages(); len(got) != 0 {
			t.Errorf("there all the time: %v", got)
		}
		s.pages.live.failed(s.now)
		beat(false)
		if got := outages(); len(got) != 1 {
			t.Errorf("an entry met an error: %v", got)
		}
		s.now = s.now.Add(15 * time.Minute)
		if got := outages(); len(got) != 2 {
			t.Errorf("away now: %v", got)
		}
	})
}
