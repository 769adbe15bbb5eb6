package directory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/preau-ent/preau/internal/database"
)

// Reasons in place of those that the reader may not know.
const (
	// NotSaid stands for a court's decision where only head and CPE may know of one.
	NotSaid Reason = "not-said"
	// PointNotTold: the person is not told at all, so no contact point is used.
	PointNotTold PointReason = "not-told"
	// PointSame: another person's message already goes to this address.
	PointSame PointReason = "same-address"
)

// Near is somebody around a pupil: an adult, or the pupil.
type Near struct {
	Standing
	Person    Person
	Points    []PointUse
	Decisions []Decision // newest first; empty for those who may not read them
}

// PointUse is a contact point and whether an absence would use it now.
type PointUse struct {
	Point ContactPoint
	Why   PointReason // PointUsable: it would
}

// Used lists the contact points that an absence would use now.
func (n Near) Used() []ContactPoint {
	var out []ContactPoint
	for _, p := range n.Points {
		if p.Why == PointUsable {
			out = append(out, p.Point)
		}
	}
	return out
}

// Current lists the contact points that have not ended.
func (n Near) Current() []PointUse {
	return slices.DeleteFunc(slices.Clone(n.Points), func(p PointUse) bool { return !p.Point.EndedAt.IsZero() })
}

// Circle is everybody around one pupil at one moment, and who of them would be told of
// an absence, how, or why not.
type Circle struct {
	School     School
	Pupil      Person
	Class      string
	Day        string
	OfAge      bool
	Own        []ContactPoint // the pupil's, those that have not ended
	Near       []Near         // the pupil first when of age, then as Entitled orders them
	Gone       []Near         // adults whom the source no longer joins to the pupil
	Objections []Objection    // newest first; empty for those who may not read them
	Tasks      []Task         // open, about the pupil or an adult
}

// Told lists those who would be told.
func (c Circle) Told() []Near {
	return slices.DeleteFunc(slices.Clone(c.Near), func(n Near) bool { return !n.Told })
}

// Adult finds somebody of the circle by id.
func (c Circle) Adult(id string) (Near, bool) {
	for _, n := range append(slices.Clone(c.Near), c.Gone...) {
		if n.Person.ID == id {
			return n, true
		}
	}
	return Near{}, false
}

// circleOf reads the circle of a pupil at a moment, by the very rules of MayBeTold.
// Without court, what courts decided and what the pupil wrote is left out: such an
// adult is not told, and nothing says why. ErrNotFound if the pupil is not of the
// school.
func circleOf(ctx context.Context, tx database.Tx, school, pupil string, at time.Time, court bool) (Circle, error) {
	s, err := SchoolByID(ctx, tx, school)
	if err != nil {
		return Circle{}, err
	}
	day, err := dayIn(s, at)
	if err != nil {
		return Circle{}, err
	}
	circles, err := circles(ctx, tx, s, []string{pupil}, day, court)
	if err != nil {
		return Circle{}, err
	}
	if len(circles) == 0 {
		return Circle{}, ErrNotFound
	}
	c := circles[0]
	if c.Tasks, err = tasksOf(ctx, tx, school, c.ids()); err != nil {
		return Circle{}, err
	}
	return c, nil
}

func (c Circle) ids() []string {
	ids := []string{c.Pupil.ID}
	for _, n := range append(slices.Clone(c.Near), c.Gone...) {
		if n.Person.ID != c.Pupil.ID {
			ids = append(ids, n.Person.ID)
		}
	}
	return ids
}

// circles reads the circles of pupils of a school, in the order of their ids.
func circles(ctx context.Context, tx database.Tx, s School, pupils []string, day string, court bool) ([]Circle, error) {
	cases, err := Cases(ctx, tx, s.ID, pupils)
	if err != nil {
		return nil, err
	}
	classes, err := ClassesOf(ctx, tx, s.ID, pupils, day)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range cases {
		ids = append(ids, c.Pupil.ID)
		for _, l := range c.Links {
			ids = append(ids, l.Adult)
		}
	}
	slices.Sort(ids)
	all := map[string][]ContactPoint{}
	for part := range slices.Chunk(slices.Compact(ids), 500) {
		some, err := points(ctx, tx, s.ID, part)
		if err != nil {
			return nil, err
		}
		for id, ps := range some {
			all[id] = ps
		}
	}
	var out []Circle
	for _, c := range cases {
		if c.Pupil.Kind == KindPupil {
			out = append(out, circle(s, c, classes[c.Pupil.ID], all, day, court))
		}
	}
	return out, nil
}

// circle puts into words what Entitled and usable decide.
func circle(s School, c Case, class string, all map[string][]ContactPoint, day string, court bool) Circle {
	out := Circle{School: s, Pupil: c.Pupil, Class: class, Day: day, OfAge: OfAge(c.Pupil.Born, day)}
	own := all[c.Pupil.ID]
	for _, p := range own {
		if p.EndedAt.IsZero() {
			out.Own = append(out.Own, p)
		}
	}
	taken := map[string]bool{} // channel and address: two guardians, one number, one message
	for _, st := range Entitled(c, day) {
		n := Near{Standing: st, Person: c.Adults[st.Person]}
		if st.Person == c.Pupil.ID {
			n.Person = c.Pupil
		}
		for _, p := range all[st.Person] {
			why := usable(p, st, c.Pupil.ID, own)
			switch address := string(p.Channel) + " " + p.Address; {
			case why != PointUsable:
			case !st.Told:
				why = PointNotTold
			case taken[address]:
				why = PointSame
			default:
				taken[address] = true
			}
			n.Points = append(n.Points, PointUse{p, why})
		}
		for _, d := range c.Decisions {
			if court && d.Adult == st.Person {
				n.Decisions = append(n.Decisions, d)
			}
		}
		slices.SortFunc(n.Decisions, func(a, b Decision) int {
			return cmp.Or(b.RecordedAt.Compare(a.RecordedAt), cmp.Compare(a.ID, b.ID))
		})
		if st.Why == NotCourt && !court {
			n.Why = NotSaid
		}
		if st.Person != c.Pupil.ID && (!st.Link.EndedAt.IsZero() || gone(n.Person, day)) {
			out.Gone = append(out.Gone, n)
			continue
		}
		out.Near = append(out.Near, n)
	}
	if court {
		out.Objections = slices.Clone(c.Objections)
		slices.SortFunc(out.Objections, func(a, b Objection) int {
			return cmp.Or(b.RecordedAt.Compare(a.RecordedAt), cmp.Compare(a.ID, b.ID))
		})
	}
	return out
}

// writePhone writes a number in E.164 as people of the school's region read it.
func writePhone(e164, region string) string {
	n, err := phonenumbers.Parse(e164, region)
	if err != nil {
		return e164
	}
	if int(n.GetCountryCode()) == phonenumbers.GetCountryCodeForRegion(region) {
		return phonenumbers.Format(n, phonenumbers.NATIONAL)
	}
	return phonenumbers.Format(n, phonenumbers.INTERNATIONAL)
}
