package directory

import (
	"cmp"
	"slices"
	"time"
)

// Reason says, in a word that pages and the journal translate, why a person may or
// may not be told.
type Reason string

// Reasons to tell a person, and not to.
const (
	ToldLegal  Reason = "legal"       // a legal representative
	ToldChosen Reason = "chosen"      // a carer or contact chosen for this pupil
	ToldOfAge  Reason = "of-age"      // the pupil, who is of age
	NotCourt   Reason = "court"       // a court's decision
	NotChosen  Reason = "not-chosen"  // a carer or contact that nobody chose for this pupil
	NotObject  Reason = "objection"   // the pupil, of age, objected in writing
	NotEnded   Reason = "link-ended"  // the source no longer joins them
	NotHere    Reason = "pupil-left"  // the pupil no longer belongs to the school
	NotThere   Reason = "person-left" // the adult was removed
)

// Standing is one person's entitlement to be told about one pupil.
type Standing struct {
	Person string
	Told   bool
	Why    Reason
	Link   Link // zero for the pupil
}

// Case is all that is recorded about whom to tell of one pupil.
type Case struct {
	Pupil      Person
	Links      []Link
	Adults     map[string]Person // by id
	Decisions  []Decision
	Objections []Objection
}

// Entitled decides, for each adult linked to the pupil and for a pupil of age, whether
// they may be told about the pupil on a day (YYYY-MM-DD in the school's zone):
//
//   - every legal representative, unless a court's decision of that day denies it;
//   - a carer or contact, only where chosen for this very pupil, same exception;
//   - from the eighteenth birthday on the pupil too, and then the parents unless the
//     pupil's written objection is recorded;
//   - nobody, of a pupil who left.
//
// The result is ordered: the pupil first, then by priority, level and id.
func Entitled(c Case, day string) []Standing {
	left := gone(c.Pupil, day)
	ofAge := OfAge(c.Pupil.Born, day)
	objects := ofAge && slices.ContainsFunc(c.Objections, func(o Objection) bool { return o.Pupil == c.Pupil.ID && o.WithdrawnAt.IsZero() })
	denied := map[string]bool{}
	for _, d := range c.Decisions {
		if d.Pupil == c.Pupil.ID && inForce(d, day) {
			denied[d.Adult] = true
		}
	}
	links := slices.Clone(c.Links)
	slices.SortFunc(links, func(a, b Link) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Adult, b.Adult))
	})
	var out []Standing
	if ofAge {
		s := Standing{Person: c.Pupil.ID, Told: !left, Why: ToldOfAge}
		if left {
			s.Why = NotHere
		}
		out = append(out, s)
	}
	for _, l := range links {
		if l.Pupil != c.Pupil.ID {
			continue
		}
		s := Standing{Person: l.Adult, Link: l}
		adult, known := c.Adults[l.Adult]
		switch {
		case denied[l.Adult]:
			s.Why = NotCourt
		case left:
			s.Why = NotHere
		case !known || gone(adult, day):
			s.Why = NotThere
		case !l.EndedAt.IsZero():
			s.Why = NotEnded
		case objects:
			s.Why = NotObject
		case l.Level == Legal:
			s.Told, s.Why = true, ToldLegal
		case !l.ChosenAt.IsZero():
			s.Told, s.Why = true, ToldChosen
		default:
			s.Why = NotChosen
		}
		out = append(out, s)
	}
	return out
}

// inForce tells whether a court's decision holds on a day.
func inForce(d Decision, day string) bool {
	return d.LiftedAt.IsZero() && d.FromOn <= day && (d.UntilOn == "" || day <= d.UntilOn)
}

// OfAge tells whether somebody born on a day is 18 on another. An unknown birth date
// is not of age. Born on 29 February, one is of age on 1 March.
func OfAge(born, day string) bool {
	if len(born) != 10 || len(day) != 10 {
		return false
	}
	year := func(d string) int {
		return int(d[0]-'0')*1000 + int(d[1]-'0')*100 + int(d[2]-'0')*10 + int(d[3]-'0')
	}
	years := year(day) - year(born)
	return years > 18 || (years == 18 && day[5:] >= born[5:])
}

func gone(p Person, day string) bool { return p.LeftOn != "" && p.LeftOn <= day }

// rank puts a stated priority first, then legal representatives.
func rank(l Link) int {
	r := 1000
	if l.Priority > 0 {
		r = l.Priority
	}
	switch l.Level {
	case Legal:
		return r * 4
	case Carer:
		return r*4 + 1
	}
	return r*4 + 2
}

// PointReason says why a contact point is not used for messages.
type PointReason string

// Reasons not to use a contact point.
const (
	PointUsable     PointReason = ""
	PointEnded      PointReason = "ended"
	PointNoConsent  PointReason = "no-sms-consent"
	PointPupils     PointReason = "pupil-own-number" // not verified to be the adult's
	PointVoiceOnly  PointReason = "voice-only"
	PointUnreadable PointReason = "unreadable"
	PointStopped    PointReason = "stopped" // STOP, or an address that takes nothing more
)

// usable decides whether a contact point of an entitled person may carry a message
// about a pupil. pupilOwn are the pupil's own contact points: an adult's number that
// is the pupil's too is not used until it is verified to be the adult's.
func usable(p ContactPoint, s Standing, pupil string, pupilOwn []ContactPoint) PointReason {
	switch {
	case !p.EndedAt.IsZero():
		return PointEnded
	case p.Address == "":
		return PointUnreadable
	case p.Channel == Phone:
		return PointVoiceOnly
	case !p.StoppedAt.IsZero():
		return PointStopped
	case p.Channel == SMS && s.Link.SMSConsent == ConsentNo:
		return PointNoConsent
	}
	if s.Person != pupil && p.VerifiedAt.IsZero() {
		for _, own := range pupilOwn {
			if own.Address == p.Address {
				return PointPupils
			}
		}
	}
	return PointUsable
}

// YearEnd is the last day of the school year of a day.
func YearEnd(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	year := t.Year()
	if t.Month() >= time.August {
		year++
	}
	return time.Date(year, time.July, 31, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}
