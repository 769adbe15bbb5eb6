package attendance

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// sheet is what the page of a roll shows.
type sheet struct {
	Sitting timetable.Sitting
	Classes string // the groups' labels
	Staff   []hand // who is in charge
	Mine    bool   // the viewer may call this roll, at the right time
	Closed  error  // why it cannot be saved now; nil: it can
	Rows    []row
	Roll    Roll
	Called  bool
	SavedBy string // who saved last; empty: not known
	Late    int    // minutes of lateness of who enters now
	// Proposed: how many rows at home say what is proposed, and nobody has saved it.
	Proposed int
	Opened   time.Time

	JustSaved bool
	Refused   bool // a save was refused because it is Closed
	Meanwhile []meanwhile
	Wrong     int    // rows to look at again
	Corrects  bool   // a change is the office's correction, which says why
	Why       string // as it was typed
	Words     string
	NoWhy     bool   // it was not said
	Problem   string // key of a sentence, of what kept the roll from being saved
}

// hand is a person in charge of the sitting.
type hand struct {
	Name    string
	TakenAt time.Time // zero: foreseen
}

// row is one pupil on the page.
type row struct {
	Pupil   directory.Person
	Away    Says
	Value   Value
	Minutes string // as typed
	Base    int64
	Wrong   string    // key of a sentence beside the row
	Slip    time.Time // when the office gave a late slip; zero: it did not
	Home    string    // how they came to the class at home, in the reader's language

	Corrected corrected // by the office; zero: it was not
}

// Rest is the value that a row has when nobody taps on it.
func (r row) Rest() Value {
	if r.Base == BaseUnsaid {
		return Unsaid
	}
	return Present
}

// meanwhile is what one other person marked while this one called the roll.
type meanwhile struct {
	Name       string // empty: not known
	Kept, Over []marked
}

type marked struct {
	Pupil string // Ana V.
	Mark  Mark
	Said  Entry // what the viewer's save said instead; Unsaid: nothing
}

func (s sheet) title() string { return sittingTitle(s.Sitting, s.Classes) }

func (s sheet) sums() Sums {
	var sums Sums
	for _, r := range s.Rows {
		sums.Add(r.Value, 1)
	}
	return sums
}

func (s sheet) away(says Says) int {
	n := 0
	for _, r := range s.Rows {
		if r.Value == Unsaid && r.Away == says {
			n++
		}
	}
	return n
}

// sheetOf reads a roll for its page. page.NotFound for a sitting that is not of the
// viewer's school.
func (p *Pages) sheetOf(ctx context.Context, tx database.Tx, v page.Viewer, sitting string, now time.Time) (sheet, error) {
	var s sheet
	var err error
	if s.Sitting, err = sittingOf(ctx, tx, v, sitting); err != nil {
		return s, err
	}
	s.Mine, s.Opened = mayCall(v, s.Sitting), now
	s.Closed = maySave(s.Sitting, now, page.Zone(ctx), isOffice(v))
	s.Late = minutesLate(s.Sitting.StartsAt, now)
	labels, err := directory.Labels(ctx, tx, v.School)
	if err != nil {
		return s, err
	}
	s.Classes = classesOf(labels, s.Sitting)
	hands, err := handsOf(ctx, tx, v.School, s.Sitting)
	if s.Staff = hands[sitting]; err != nil || !s.Mine {
		return s, err
	}
	pupils, err := timetable.Pupils(ctx, tx, v.School, s.Sitting)
	if err != nil {
		return s, err
	}
	ids := make([]string, len(pupils))
	for i, pupil := range pupils {
		ids[i] = pupil.ID
	}
	current, err := Current(ctx, tx, v.School, sitting)
	if err != nil {
		return s, err
	}
	at := s.Sitting.Nearest(now)
	statements, err := Statements(ctx, tx, v.School, ids, at)
	if err != nil {
		return s, err
	}
	home, err := timetable.AtHome(ctx, tx, v.School, ids, s.Sitting.Day)
	if err != nil {
		return s, err
	}
	slips, err := slipsOf(ctx, tx, v.School, sitting)
	if err != nil {
		return s, err
	}
	s.Rows = make([]row, len(pupils))
	for i, pupil := range pupils {
		_, atHome := home[pupil.ID]
		r := row{Pupil: pupil, Slip: slips[pupil.ID], Away: away(statements[pupil.ID], at, atHome), Value: Present, Base: BasePresent}
		if k, ok := current[pupil.ID]; ok {
			r.Value, r.Base, r.Minutes = k.Value, k.N, minutesText(k)
		} else if r.Away != "" {
			r.Value, r.Base = Unsaid, BaseUnsaid
		}
		s.Rows[i] = r
	}
	if err := p.propose(ctx, tx, &s, now); err != nil {
		return s, err
	}
	if s.Roll, s.Called, err = rollOf(ctx, tx, v.School, sitting); err != nil || !s.Called {
		return s, err
	}
	s.Corrects = corrects(v, s.Sitting, s.Called)
	if err := p.readCorrections(ctx, tx, v, &s, current); err != nil {
		return s, err
	}
	names, err := p.names(ctx, tx, v.School, s.Roll.SavedBy)
	s.SavedBy = names[s.Roll.SavedBy]
	return s, err
}

// propose puts onto the rows of pupils at home, of whom nothing is marked yet, what their coming
// to the class says. The copy that a device keeps is made before anybody could come.
func (p *Pages) propose(ctx context.Context, tx database.Tx, s *sheet, now time.Time) error {
	if p.Propose == nil || s.Sitting.Cancelled() {
		return nil
	}
	var home []string
	for _, r := range s.Rows {
		if r.Away == AtHome {
			home = append(home, r.Pupil.ID)
		}
	}
	if len(home) == 0 {
		return nil
	}
	all, err := p.Propose(ctx, tx, s.Sitting, home, now)
	for i := range s.Rows {
		r := &s.Rows[i]
		said, ok := all[r.Pupil.ID]
		if !ok || r.Away != AtHome {
			continue
		}
		r.Home = said.Note
		if r.Base == BaseUnsaid && said.Value != Unsaid {
			if r.Value = said.Value; r.Value == Late {
				r.Minutes = strconv.Itoa(min(max(said.Minutes, 1), maxLate))
			}
			s.Proposed++
		}
	}
	return err
}

// sittingOf reads a sitting of the viewer's school, page.NotFound for any other.
func sittingOf(ctx context.Context, tx database.Tx, v page.Viewer, id string) (timetable.Sitting, error) {
	s, err := timetable.ByID(ctx, tx, v.School, id)
	if errors.Is(err, timetable.ErrNotFound) {
		return s, page.NotFound()
	}
	return s, err
}

func classesOf(labels map[string]string, s timetable.Sitting) string {
	var names []string
	for _, g := range s.Groups {
		names = append(names, cmp.Or(labels[g], g))
	}
	slices.Sort(names)
	return strings.Join(names, " + ")
}

// handsOf gives who is in charge of sittings, by sitting.
func handsOf(ctx context.Context, tx database.Tx, school string, sittings ...timetable.Sitting) (map[string][]hand, error) {
	var ids []string
	for _, s := range sittings {
		for _, c := range s.Staff {
			ids = append(ids, c.Person)
		}
	}
	people, err := directory.People(ctx, tx, school, ids)
	if err != nil {
		return nil, err
	}
	hands := make(map[string][]hand, len(sittings))
	for _, s := range sittings {
		for _, c := range s.Staff {
			if p, ok := people[c.Person]; ok {
				hands[s.ID] = append(hands[s.ID], hand{Name: p.FullName(), TakenAt: c.TakenAt})
			}
		}
	}
	return hands, nil
}

// meanwhileOf tells what others marked, by the numbers that the address of the page
// carries. Numbers of other rolls are left out.
func (p *Pages) meanwhileOf(ctx context.Context, tx database.Tx, s sheet, kept, over []int64, said map[int64]Entry) ([]meanwhile, error) {
	marks, err := marksOf(ctx, tx, s.Sitting.School, s.Sitting.ID, append(slices.Clone(kept), over...))
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	pupils := map[string]string{}
	for _, r := range s.Rows {
		pupils[r.Pupil.ID] = r.Pupil.ShortName()
	}
	var accounts []string
	for _, k := range marks {
		accounts = append(accounts, k.By)
	}
	names, err := p.names(ctx, tx, s.Sitting.School, accounts...)
	if err != nil {
		return nil, err
	}
	var all []meanwhile
	at := map[string]int{}
	for _, k := range marks {
		if pupils[k.Pupil] == "" {
			continue
		}
		i, ok := at[k.By]
		if !ok {
			i = len(all)
			at[k.By] = i
			all = append(all, meanwhile{Name: names[k.By]})
		}
		m := marked{Pupil: pupils[k.Pupil], Mark: k, Said: said[k.N]}
		if slices.Contains(over, k.N) {
			all[i].Over = append(all[i].Over, m)
		} else {
			all[i].Kept = append(all[i].Kept, m)
		}
	}
	return all, nil
}

// names gives the names of accounts as they may be read; without Pages.Names nobody has
// one.
func (p *Pages) names(ctx context.Context, tx database.Tx, school string, accounts ...string) (map[string]string, error) {
	if p.Names == nil {
		return nil, nil
	}
	slices.Sort(accounts)
	return p.Names(ctx, tx, school, slices.Compact(accounts))
}

// isOffice tells whether the viewer corrects every roll of the school.
func isOffice(v page.Viewer) bool {
	return page.SchoolOffice().Allows(v.Role)
}

func inCharge(v page.Viewer, s timetable.Sitting) bool { return v.ID != "" && s.In(v.ID) }

// mayCall: whoever is in charge, and whoever follows the day's absences, since the roll of
// somebody who is ill is called all the same.
func mayCall(v page.Viewer, s timetable.Sitting) bool {
	return page.SchoolLife().Allows(v.Role) || inCharge(v, s)
}
