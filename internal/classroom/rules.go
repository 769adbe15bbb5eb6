package classroom

import (
	"time"

	"github.com/preau-ent/preau/internal/timetable"
)

// Door is what the door of a class answers to somebody.
type Door string

// Answers of the door.
const (
	DoorOpen      Door = "open"      // come in
	DoorAsk       Door = "ask"       // not theirs, or locked: they may ask
	DoorAsked     Door = "asked"     // they wait for the teacher
	DoorRefused   Door = "refused"   // the teacher said no
	DoorRemoved   Door = "removed"   // the teacher took them out
	DoorEarly     Door = "early"     // too early
	DoorOver      Door = "over"      // ended, or its time is over
	DoorCancelled Door = "cancelled" // the sitting does not take place
	DoorNone      Door = "none"      // nobody follows it from home
)

// How long before its sitting a class may be entered, and how long after it one may stay.
const (
	earlyClass = 15 * time.Minute
	lateClass  = 15 * time.Minute
)

// facts are all that the door looks at.
type facts struct {
	Now      time.Time
	Sitting  timetable.Sitting
	Person   string
	Enrolled bool // of the sitting's pupils on its day
	Home     bool // some pupil follows the sitting from home
	Class    Class
	Entry    Entry // of the person; zero: they never asked
}

// answer is what the door says to somebody, and what they are in the class. Whoever is in
// charge enters whenever there is a class; a pupil enters as long as they are enrolled, were
// not taken out, and the class is not locked before they came. Everybody else asks.
func answer(f facts) (Door, Part) {
	part := Guest
	switch {
	case f.Sitting.In(f.Person):
		part = Teacher
	case f.Enrolled:
		part = Pupil
	}
	switch {
	case f.Sitting.Cancelled():
		return DoorCancelled, part
	case !f.Home:
		return DoorNone, part
	case f.Now.Before(f.Sitting.StartsAt.Add(-earlyClass)):
		return DoorEarly, part
	case !f.Now.Before(f.Sitting.EndsAt.Add(lateClass)):
		return DoorOver, part
	case part == Teacher:
		return DoorOpen, part
	case !f.Class.EndedAt.IsZero():
		return DoorOver, part
	}
	switch f.Entry.State {
	case Removed:
		return DoorRemoved, part
	case Refused:
		return DoorRefused, part
	case Asked:
		if part == Pupil && f.Class.LockedAt.IsZero() {
			return DoorOpen, part // enrolled since, or unlocked since
		}
		return DoorAsked, part
	case In:
		// Whom the teacher let in stays; whose enrolment let them in stays while it lasts.
		if part == Pupil || f.Entry.Part == Guest {
			return DoorOpen, part
		}
		return DoorAsk, part
	}
	if part == Pupil && f.Class.LockedAt.IsZero() {
		return DoorOpen, part
	}
	return DoorAsk, part
}

// mayWrite tells whether somebody may write, and to whom.
func mayWrite(c Class, part Part) (ok, toAll bool) {
	switch {
	case part == Teacher:
		return true, true
	case c.Talk == TalkAll:
		return true, true
	case c.Talk == TalkTeacher:
		return true, false
	}
	return false, false
}

// reads tells whether somebody reads a word: what is hidden is read by the teacher alone, what
// was written to the teacher by the teacher and whoever wrote it.
func reads(w Word, person string, part Part) bool {
	switch {
	case part == Teacher:
		return true
	case !w.HiddenAt.IsZero():
		return false
	}
	return w.ToAll || w.Person == person
}

// Bounds of what one person writes in one class.
const (
	mostWords  = 500 // characters of one word
	mostSaid   = 300 // words of one person
	wordsEvery = time.Second
)
