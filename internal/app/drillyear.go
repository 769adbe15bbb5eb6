package app

import (
	"context"
	"fmt"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
)

// BrokenOn says what of a school's day is not as it must always be (docs/invariants.md), a
// sentence each; none: all is well. It is asked in the evening, when nothing is held or on its
// way any more.
func (a *App) BrokenOn(ctx context.Context, school, day string) (broken []string, err error) {
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		episodes, err := alert.OfDay(ctx, tx, school, day)
		if err != nil {
			return err
		}
		byID, open, ids := map[string]alert.Episode{}, map[string]int{}, []string{}
		for _, e := range episodes {
			byID[e.ID], ids = e, append(ids, e.ID)
			switch e.State {
			case alert.Held:
				say("an absence of %s is still held", e.Pupil)
			case alert.Told, alert.Untold:
				if open[e.Pupil+e.HalfDay]++; open[e.Pupil+e.HalfDay] > 1 {
					say("two absences of %s are open in %s", e.Pupil, e.HalfDay)
				}
			}
		}
		letters, err := courier.About(ctx, tx, school, ids)
		if err != nil {
			return err
		}
		brokenLetters(byID, letters, say)
		_, faults, err := a.Journal.Verify(ctx, tx, nil)
		for _, f := range faults {
			say("the journal: %v", f)
		}
		return err
	})
	return broken, err
}

// brokenLetters looks at the letters of a day.
func brokenLetters(byID map[string]alert.Episode, letters []courier.Letter, say func(string, ...any)) {
	once, told, follows := map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, l := range letters {
		e, to := byID[l.Ref], l.Ref+" "+l.Contact
		key := fmt.Sprint(to, l.Kind, l.Person, l.Channel)
		if once[key] {
			say("the same letter twice to %s about %s", l.Person, l.Pupil)
		}
		once[key] = true
		switch {
		case l.Pupil != e.Pupil:
			say("a letter about %s of an absence of %s", l.Pupil, e.Pupil)
		case l.State == courier.Waiting || l.State == courier.Leaving:
			say("a letter to %s about %s is still %s in the evening", l.Person, l.Pupil, l.State)
		}
		if l.Kind != courier.Absence {
			if follows[to]++; follows[to] > 1 || e.State != alert.Over {
				say("a letter of the kind %s to %s about %s, whose absence is %s", l.Kind, l.Person, l.Pupil, e.State)
			}
			continue
		}
		told[to] = told[to] || l.State.MayHaveLeft()
		switch {
		case l.CreatedAt.Before(e.LeavesAt):
			say("a letter about %s was written before its hold was over", l.Pupil)
		case l.State.MayHaveLeft() && !l.LeavingAt.Before(e.ExpiresAt):
			say("a letter about %s left after its time", l.Pupil)
		case e.State == alert.Withdrawn:
			say("a letter about %s, whose absence was withdrawn in its hold", l.Pupil)
		}
	}
	for to := range follows {
		if !told[to] {
			say("somebody is told that an absence is over of which they never heard: %s", to)
		}
	}
}
