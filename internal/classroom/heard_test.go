package classroom

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// However the page of a class and its sound come and go, each apart: who has either is there,
// without a gap and without a break; who has neither is gone once the engine left them out twice,
// also where a dead connection still looks open to us.
func TestWhoIsHeardIsThere(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSchool(t, db)
		at := seat{s.town.School.ID, "maths", "lea"}
		s.get("lea")
		var answers bool
		var listed map[string]Floor
		s.pages.Media = &Media{Sends: func(context.Context, string, string) (map[string]Floor, error) {
			if !answers {
				return nil, errors.New("the engine is not there")
			}
			return listed, nil
		}}
		now, carried, dead := s.now, 0, 0
		rapid.Check(t, func(t *rapid.T) {
			s.pages.live.seen, s.now = map[seat]*attending{}, now
			s.write(func(ctx context.Context, tx database.Tx) error {
				_, err := tx.NewRaw("DELETE FROM classroom_presence").Exec(ctx)
				return err
			})
			var leave func()
			page, sound, hung := false, false, false // hung: they are gone, and their connection looks open
			open := func() {
				_, end, err := s.pages.live.join(at, "one", false, s.pages.versions)
				if err != nil {
					t.Fatal(err)
				}
				leave, page = end, true
			}
			joins := func() {
				s.pages.Joined(at.School, at.Sitting, at.Person)
				sound = true
			}
			// pulsed is the next pulse: whether they were seen at it, and their stays.
			pulsed := func(truly bool) (bool, []Presence) {
				listed = map[string]Floor{}
				if truly {
					listed["lea"] = Floor{}
				}
				s.now = s.now.Add(pulse)
				if err := s.pages.Pulse(s.t.Context()); err != nil {
					t.Fatal(err)
				}
				var all []Presence
				s.read(func(ctx context.Context, tx database.Tx) error {
					by, err := stays(ctx, tx, at.School, at.Sitting)
					all = by["lea"]
					return err
				})
				return len(all) > 0 && here(all[len(all)-1], s.now), all
			}
			if rapid.Bool().Draw(t, "begins with the page") {
				open()
			} else {
				joins()
			}
			always, wasHung := true, false // without a moment in which they had neither
			for range rapid.IntRange(1, 16).Draw(t, "pulses") {
				answers = rapid.IntRange(0, 3).Draw(t, "answers") > 0
				for range rapid.IntRange(0, 3).Draw(t, "what happens") {
					switch what := rapid.SampledFrom([]string{"page", "page cut", "sound", "sound", "sound ends", "sound dies"}).Draw(t, "what"); {
					case what == "page" && !page:
						open()
					case what == "page cut" && page:
						leave()
						page = false
						if sound {
							carried++
						}
					case what == "sound" && !sound:
						if hung {
							s.pages.Left(at.School, at.Sitting, at.Person)
							hung = false
						}
						joins()
					case what == "sound ends" && sound:
						s.pages.Left(at.School, at.Sitting, at.Person)
						sound = false
					case what == "sound dies" && sound:
						sound, hung = false, true
					}
					always = always && (page || sound)
				}
				if there, all := pulsed(sound); (page || sound) && !there {
					t.Fatalf("page %v, sound %v, the engine answers %v, and they are not there: %+v", page, sound, answers, all)
				} else if always && (len(all) != 1 || all[0].Breaks != 0) {
					t.Fatalf("there all the time, in %+v", all)
				}
			}
			if page {
				leave()
			}
			if wasHung = hung || sound && rapid.Bool().Draw(t, "dies"); sound && !wasHung {
				s.pages.Left(at.School, at.Sitting, at.Person)
			}
			answers = true
			for range missedMost + 2 { // left out as often, and a minute more
				pulsed(false)
			}
			if there, all := pulsed(false); there {
				t.Fatalf("gone, with a connection that looks open %v, and there: %+v", wasHung, all)
			}
			if wasHung {
				dead++
			}
		})
		if carried < 20 || dead < 20 {
			t.Errorf("only %d pages cut under a sound and %d dead connections were drawn", carried, dead)
		}
	})
}

// A trial of one's own sound is no class, and leaves nothing.
func TestATrialIsNoPresence(t *testing.T) {
	t.Parallel()
	var p Pages
	p.Joined("school", trialOf("lea"), "lea")
	p.live.corrected(map[class]map[string]Floor{{"school", trialOf("lea")}: {"lea": {}}})
	if got := p.live.sights(); len(got) != 0 || len(p.live.classes()) != 0 {
		t.Errorf("%v", got)
	}
	p.Joined("school", "maths", "lea")
	p.Left("school", "maths", "lea")
	p.Left("school", "maths", "lea")
	if got := p.live.sights(); len(got) != 0 {
		t.Errorf("a connection that ended: %v", got)
	}
	p.Joined("school", "maths", "lea")
	if got := p.live.sights(); len(got["school"]) != 1 {
		t.Errorf("one that came back: %v", got)
	}
}
