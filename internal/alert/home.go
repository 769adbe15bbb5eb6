package alert

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// Family is what one person may see of the day: a guardian of each child that they may
// be told about, a pupil of themselves. It holds nothing of anybody else: not who else
// is told, nor whether.
type Family struct {
	School   directory.School
	Now      time.Time
	Closed   bool // the school is closed today
	Children []Child
}

// Child is one pupil's day.
type Child struct {
	Pupil    directory.Person
	Class    string
	State    Whereabouts
	At       time.Time         // of the mark, or of what comes next
	Sitting  timetable.Sitting // that the state speaks of
	Minutes  int               // of lateness
	Said     []Said            // to this very person, in order
	Ask      *askView          // what this very person may answer; nil: nothing
	Sittings []timetable.Sitting
}

// Whereabouts is where a pupil is, as far as families are told.
type Whereabouts string

// Where a pupil is. While an alert is held the roll is still being called, as far as a
// family is concerned: what is held is told to nobody, by page either.
const (
	InClass     Whereabouts = "in-class"
	WasLate     Whereabouts = "late"
	NotedAbsent Whereabouts = "absent"
	KnownAway   Whereabouts = "known"    // the school knows why
	InsideNow   Whereabouts = "inside"   // in the building, not in the room
	RollIsOn    Whereabouts = "roll"     // being called, or being looked into
	NextAt      Whereabouts = "next"     // between two sittings
	NoSitting   Whereabouts = "none"     // nothing today
	DayIsOver   Whereabouts = "finished" // nothing more today
)

// Said is one message that began to leave for this person.
type Said struct {
	At      time.Time
	Kind    courier.Kind
	Channel directory.Channel
	Sure    bool // false: nobody knows whether it arrived
}

// Home reads a guardian's page: each child that the directory says they may be told
// about today. An adult who may be told of nobody has no child here.
func Home(ctx context.Context, tx database.Tx, school, adult string, now time.Time) (Family, error) {
	return family(ctx, tx, school, adult, now, func(day string) ([]directory.Person, error) {
		return directory.Children(ctx, tx, school, adult, day)
	})
}

// PupilHome reads a pupil's own page. Messages are shown to a pupil to whom they were
// addressed, which the law does from the eighteenth birthday on.
func PupilHome(ctx context.Context, tx database.Tx, school, pupil string, now time.Time) (Family, error) {
	return family(ctx, tx, school, pupil, now, func(day string) ([]directory.Person, error) {
		p, err := directory.PersonByID(ctx, tx, school, pupil)
		if err != nil || p.Kind != directory.KindPupil || (p.LeftOn != "" && p.LeftOn <= day) {
			return nil, err
		}
		return []directory.Person{p}, nil
	})
}

func family(ctx context.Context, tx database.Tx, schoolID, reader string, now time.Time, whose func(day string) ([]directory.Person, error)) (Family, error) {
	s, err := directory.SchoolByID(ctx, tx, schoolID)
	if err != nil {
		return Family{}, err
	}
	zone, err := s.Location()
	if err != nil {
		return Family{}, err
	}
	day := timetable.Day(now, zone)
	f := Family{School: s, Now: now}
	children, err := whose(day)
	if err != nil || len(children) == 0 {
		return f, err
	}
	if f.Closed, err = timetable.IsClosed(ctx, tx, schoolID, day); err != nil {
		return f, err
	}
	h := home{tx: tx, of: school{School: s, zone: zone}, reader: reader, day: day, now: now, children: children}
	if err := h.read(ctx); err != nil {
		return f, err
	}
	for _, p := range children {
		f.Children = append(f.Children, h.child(p))
	}
	return f, nil
}

// home is what is read for a Family.
type home struct {
	tx       database.Tx
	of       school
	reader   string
	day      string
	now      time.Time
	children []directory.Person

	classes    map[string]string
	groups     map[string][]string
	sittings   []timetable.Sitting
	others     map[string]timetable.Sitting // of marks, not in the timetable
	marks      map[string][]attendance.Mark
	findings   map[int64]attendance.Finding // of absences from classes at home
	statements map[string][]attendance.Statement
	episodes   map[string][]Episode
	letters    map[string][]courier.Letter // to the reader, by pupil
	answers    map[string][]Answer         // of anybody, by pupil
}

func (h *home) read(ctx context.Context) (err error) {
	ids := make([]string, len(h.children))
	for i, p := range h.children {
		ids[i] = p.ID
	}
	if h.classes, err = directory.ClassesOf(ctx, h.tx, h.of.ID, ids, h.day); err != nil {
		return err
	}
	if h.groups, err = directory.GroupsOf(ctx, h.tx, h.of.ID, ids, h.day); err != nil {
		return err
	}
	var groups []string
	for _, g := range h.groups {
		groups = append(groups, g...)
	}
	if h.sittings, err = timetable.OfGroups(ctx, h.tx, h.of.ID, unique(groups), h.day); err != nil {
		return err
	}
	if h.marks, err = attendance.OfPupils(ctx, h.tx, h.of.ID, ids, h.day); err != nil {
		return err
	}
	if h.findings, err = findings(ctx, h.tx, h.of.ID, h.marks); err != nil {
		return err
	}
	if err := h.readOtherSittings(ctx); err != nil {
		return err
	}
	if h.statements, err = attendance.Statements(ctx, h.tx, h.of.ID, ids, h.now); err != nil {
		return err
	}
	episodes, err := ofPupils(ctx, h.tx, h.of.ID, ids, h.day)
	if err != nil {
		return err
	}
	h.episodes = map[string][]Episode{}
	refs := make([]string, len(episodes))
	for i, e := range episodes {
		refs[i] = e.ID
		h.episodes[e.Pupil] = append(h.episodes[e.Pupil], e)
	}
	if h.answers, err = answersOfPupils(ctx, h.tx, h.of, ids, h.now); err != nil {
		return err
	}
	letters, err := courier.AboutTo(ctx, h.tx, h.of.ID, refs, h.reader)
	h.letters = map[string][]courier.Letter{}
	for _, l := range letters {
		h.letters[l.Pupil] = append(h.letters[l.Pupil], l)
	}
	return err
}

// readOtherSittings reads the sittings of marks that the timetable does not lead to: of
// a group that a child has left since, of a roll called for somebody else's class.
func (h *home) readOtherSittings(ctx context.Context) (err error) {
	known := map[string]bool{}
	for _, s := range h.sittings {
		known[s.ID] = true
	}
	var missing []string
	for _, marks := range h.marks {
		for _, k := range marks {
			if !known[k.Sitting] {
				missing = append(missing, k.Sitting)
			}
		}
	}
	h.others, err = timetable.Some(ctx, h.tx, h.of.ID, unique(missing))
	return err
}

func (h *home) child(p directory.Person) Child {
	c := Child{Pupil: p, Class: h.classes[p.ID]}
	for _, s := range h.sittings {
		if slices.ContainsFunc(s.Groups, func(g string) bool { return slices.Contains(h.groups[p.ID], g) }) {
			c.Sittings = append(c.Sittings, s)
		}
	}
	for _, l := range h.letters[p.ID] {
		if l.Person == h.reader && l.State.MayHaveLeft() {
			c.Said = append(c.Said, Said{At: l.LeavingAt, Kind: l.Kind, Channel: l.Channel, Sure: l.State != courier.Unsure})
		}
	}
	h.whereabouts(&c)
	c.Ask = h.ask(p)
	return c
}

// ask is the question to the reader about a child: that of the last message which they
// may have got, as long as it takes an answer.
func (h *home) ask(p directory.Person) *askView {
	for _, l := range slices.Backward(h.letters[p.ID]) {
		if l.Person != h.reader || l.Kind != courier.Absence || !l.State.MayHaveLeft() {
			continue
		}
		i := slices.IndexFunc(h.episodes[p.ID], func(e Episode) bool { return e.ID == l.Ref })
		if i < 0 || !Answerable(h.episodes[p.ID][i]) {
			return nil
		}
		own := slices.DeleteFunc(slices.Clone(h.answers[p.ID]), func(f Answer) bool { return f.Person != h.reader || f.Episode != l.Ref })
		a := newAsk("/letters/"+l.ID+"/answer", h.episodes[p.ID][i], own)
		a.First = p.FirstName
		return &a
	}
	return nil
}

// told are the statements of a child that the reader may know of: what another of the
// family announced says nothing to them, not even that somebody did.
func (h *home) told(pupil string) []attendance.Statement {
	return slices.DeleteFunc(slices.Clone(h.statements[pupil]), func(s attendance.Statement) bool {
		return s.Claimant != "" && s.Claimant != h.reader || s.By != h.reader && byFamily(s, h.answers[pupil])
	})
}

// whereabouts says where a child is: first what is known beside the roll, then the
// last mark of the latest sitting, then the timetable.
func (h *home) whereabouts(c *Child) {
	now, next, over := h.clock(c.Sittings)
	latest, sitting := h.latestMark(c)
	statements := h.told(c.Pupil.ID)
	_, elsewhere := attendance.At(statements, attendance.Elsewhere, h.now)
	_, inside := attendance.At(statements, attendance.Inside, h.now)
	switch {
	case elsewhere:
		c.State = KnownAway
	case inside:
		c.State = InsideNow
	case latest.Value == attendance.Absent && (!h.mayBeSeen(c.Pupil.ID) || unproven(latest, h.findings)):
		c.State, c.Sitting = RollIsOn, sitting
	case latest.Value == attendance.Absent:
		c.State, c.At, c.Sitting = NotedAbsent, latest.At, sitting
	case now.ID != "" && latest.Sitting == now.ID && latest.Value == attendance.Late:
		c.State, c.Minutes, c.At, c.Sitting = WasLate, latest.Minutes, latest.At, now
	case now.ID != "" && latest.Sitting == now.ID:
		c.State, c.Sitting = InClass, now
	case now.ID != "":
		c.State, c.Sitting = RollIsOn, now
	case next.ID != "":
		c.State, c.At, c.Sitting = NextAt, next.StartsAt, next
	case over:
		c.State = DayIsOver
	default:
		c.State = NoSitting
	}
}

// mayBeSeen tells whether the pupil's absence is past its hold: told, or handed to the
// telephone at the hour at which it would have been told.
func (h *home) mayBeSeen(pupil string) bool {
	for _, e := range slices.Backward(h.episodes[pupil]) {
		switch e.State {
		case Told:
			return true
		case Untold:
			return !h.now.Before(e.LeavesAt)
		}
	}
	return false
}

// clock finds the sitting that runs and the one that comes next.
func (h *home) clock(sittings []timetable.Sitting) (now, next timetable.Sitting, over bool) {
	for _, s := range sittings {
		switch {
		case s.Cancelled():
		case !h.now.Before(s.StartsAt) && h.now.Before(s.EndsAt):
			now = s
		case h.now.Before(s.StartsAt) && next.ID == "":
			next = s
		case !h.now.Before(s.EndsAt):
			over = true
		}
	}
	return now, next, over
}

// latestMark is the mark that holds on the latest roll of the day.
func (h *home) latestMark(c *Child) (attendance.Mark, timetable.Sitting) {
	byID := map[string]timetable.Sitting{}
	maps.Copy(byID, h.others)
	for _, s := range c.Sittings {
		byID[s.ID] = s
	}
	var latest attendance.Mark
	var sitting timetable.Sitting
	for _, k := range h.marks[c.Pupil.ID] {
		if s := byID[k.Sitting]; latest.N == 0 || !s.StartsAt.Before(sitting.StartsAt) {
			latest, sitting = k, s
		}
	}
	return latest, sitting
}
