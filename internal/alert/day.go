package alert

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// DayBoard is the day's board: one row for each absent pupil, and for whoever is to be telephoned
// about or was missed between two presences. It is a Today seen pupil by pupil.
type DayBoard struct {
	Today
	Rows   []DayRow
	Counts map[Standing]int // those that Standing.Absent says add up to Today.Absent
	Whole  []WholeRoll      // classes that are absent as a whole
}

// WholeRoll is a roll on which everybody is absent.
type WholeRoll struct {
	Sitting timetable.Sitting
	Classes string
	Absent  int
}

// DayRow is one pupil on the board.
type DayRow struct {
	Pupil    directory.Person
	Class    string
	Standing Standing
	Odd      []Odd
	Sitting  timetable.Sitting    // the last in which the pupil was missed; zero: none today
	Episode  string               // open; empty: none
	Held     HeldRow              // of AtHeld and AtBreaker
	Told     ToldRow              // where messages were written today
	Calls    []CallRow            // open
	Known    attendance.Statement // of AtElsewhere and AtInside
	Kept     Because              // of AtUnproven: by what, perhaps
}

// ReadDayBoard reads the day's board, in a number of queries that does not grow with it.
func ReadDayBoard(ctx context.Context, tx database.Tx, school string, now time.Time) (DayBoard, error) {
	b, err := readBoard(ctx, tx, school, now)
	if err != nil {
		return DayBoard{}, err
	}
	return b.dayOf(now), nil
}

// readMarks reads the rolls of whoever was noted absent today, which rolls saw nobody, and
// whose family was told on the last day before.
func (b *board) readMarks(ctx context.Context, tx database.Tx) error {
	noted, err := attendance.NotedAbsent(ctx, tx, b.school.ID, b.day)
	if err != nil {
		return err
	}
	if b.marks, err = attendance.OfPupils(ctx, tx, b.school.ID, noted, b.day); err != nil {
		return err
	}
	if b.findings, err = findings(ctx, tx, b.school.ID, b.marks); err != nil {
		return err
	}
	absent := map[string]int{}
	for _, marks := range b.marks {
		last := map[string]attendance.Value{}
		for _, k := range marks {
			last[k.Sitting] = k.Value
		}
		for sitting, v := range last {
			if v == attendance.Absent {
				absent[sitting]++
			}
		}
	}
	var many []string
	for sitting, n := range absent {
		if n >= wholeLeastSeen {
			many = append(many, sitting)
		}
	}
	slices.Sort(many)
	if b.sums, err = attendance.Counted(ctx, tx, b.school.ID, many); err != nil {
		return err
	}
	return b.readLastDay(ctx, tx)
}

// lastDayMost is how far back the last day is looked for: what was said before the holidays
// says nothing of today.
const lastDayMost = 5

func (b *board) readLastDay(ctx context.Context, tx database.Tx) error {
	today, err := time.Parse(time.DateOnly, b.day)
	if err != nil {
		return err
	}
	var rows []struct{ Pupil, HalfDay string }
	err = tx.NewSelect().Model((*Episode)(nil)).ColumnExpr("DISTINCT e.pupil, e.half_day").
		Where("e.school = ? AND e.half_day >= ? AND e.half_day < ?", b.school.ID, today.AddDate(0, 0, -lastDayMost).Format(time.DateOnly), b.day).
		Where("(e.state IN ('told', 'untold') OR e.state = 'over' AND e.because <> ?)", Corrected).Scan(ctx, &rows)
	if err != nil {
		return err
	}
	b.toldThen = map[string]bool{}
	for _, r := range rows {
		b.toldOn = max(b.toldOn, r.HalfDay[:len(time.DateOnly)])
	}
	for _, r := range rows {
		if strings.HasPrefix(r.HalfDay, b.toldOn) {
			b.toldThen[r.Pupil] = true
		}
	}
	return nil
}

// dayOf says what was read as it stands now, pupil by pupil.
func (b *board) dayOf(now time.Time) DayBoard {
	d := DayBoard{Today: b.today(now), Counts: map[Standing]int{}, Whole: wholeRolls(b.sums, b.sittings)}
	absent, on := map[string]bool{}, map[string]bool{}
	episodes, calls := map[string][]Episode{}, map[string][]CallRow{}
	for _, pupil := range b.absent {
		absent[pupil], on[pupil] = true, true
	}
	for _, e := range b.episodes {
		episodes[e.Pupil] = append(episodes[e.Pupil], e)
		if isOpen(e) {
			absent[e.Pupil], on[e.Pupil] = true, true
		}
	}
	for _, c := range d.Calls {
		calls[c.Pupil.ID] = append(calls[c.Pupil.ID], c)
		on[c.Pupil.ID] = true
	}
	odd := map[string][]Odd{}
	for pupil, marks := range b.marks {
		odd[pupil] = oddities(marks, b.sittings)
		if slices.ContainsFunc(odd[pupil], func(o Odd) bool { return o.Kind == BetweenTwo }) {
			on[pupil] = true
		}
	}
	told := map[string]ToldRow{}
	for _, r := range d.Told {
		if was, ok := told[r.Pupil.ID]; !ok || was.Over != "" {
			told[r.Pupil.ID] = r
		}
	}
	for pupil := range on {
		r := DayRow{Pupil: b.people[pupil], Class: b.classes[pupil], Odd: odd[pupil], Calls: calls[pupil], Told: told[pupil]}
		r.Known, _ = b.knownOf(pupil, now)
		last, unproven := b.unprovenOf(pupil)
		if r.Standing = standingOf(absent[pupil], episodes[pupil], func(e Episode) bool { return trippedOf(b.trips, e) }, len(r.Calls), r.Known.Says, unproven); r.Standing == AtUnproven {
			r.Kept = keptBy(b.findings[last.N])
		}
		if r.Standing == AtTold && keptByDay(r.Told.Letters) {
			r.Standing = AtUndecided
		}
		for _, e := range episodes[pupil] {
			if isOpen(e) {
				r.Episode = e.ID
			}
			if e.State == Held {
				r.Held = b.held(e, now)
			}
		}
		if b.toldThen[pupil] && r.Standing.Absent() && r.Standing != AtElsewhere && r.Standing != AtInside {
			r.Odd = append(r.Odd, Odd{Kind: ToldBefore, On: b.toldOn})
		}
		for _, k := range b.marks[pupil] {
			if s := b.sittings[k.Sitting]; k.Value == attendance.Absent && !s.StartsAt.Before(r.Sitting.StartsAt) {
				r.Sitting = s
			}
		}
		d.Counts[r.Standing]++
		d.Rows = append(d.Rows, r)
	}
	order := Standings()
	slices.SortFunc(d.Rows, func(a, b DayRow) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Standing), slices.Index(order, b.Standing)), a.Held.LeavesAt.Compare(b.Held.LeavesAt),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Pupil.LastName, b.Pupil.LastName), cmp.Compare(a.Pupil.FirstName, b.Pupil.FirstName), cmp.Compare(a.Pupil.ID, b.Pupil.ID))
	})
	return d
}

// unprovenOf is the last mark of a pupil, and whether it is an absence of which the office
// decides.
func (b *board) unprovenOf(pupil string) (attendance.Mark, bool) {
	marks := b.marks[pupil]
	if len(marks) == 0 {
		return attendance.Mark{}, false
	}
	last := marks[len(marks)-1]
	return last, unproven(last, b.findings)
}

// keptByDay tells whether every message of a family was kept back by an exceptional day: then
// nobody was told.
func keptByDay(letters []LetterRow) bool {
	return len(letters) > 0 && !slices.ContainsFunc(letters, func(l LetterRow) bool { return l.State != courier.Void || l.Because != string(Exceptional) })
}

// knownOf is what is known now of a pupil beside the roll.
func (b *board) knownOf(pupil string, now time.Time) (attendance.Statement, bool) {
	if s, ok := attendance.At(b.statements[pupil], attendance.Elsewhere, now); ok {
		return s, true
	}
	return attendance.At(b.statements[pupil], attendance.Inside, now)
}

// Unusual lists the rows that a person looks at first.
func (d DayBoard) Unusual() []DayRow {
	return slices.DeleteFunc(slices.Clone(d.Rows), func(r DayRow) bool { return len(r.Odd) == 0 })
}

// In lists the rows of a standing that nothing is unusual about.
func (d DayBoard) In(s Standing) []DayRow {
	return slices.DeleteFunc(slices.Clone(d.Rows), func(r DayRow) bool { return len(r.Odd) > 0 || r.Standing != s })
}

// Of finds the row of a pupil.
func (d DayBoard) Of(pupil string) (DayRow, bool) {
	i := slices.IndexFunc(d.Rows, func(r DayRow) bool { return r.Pupil.ID == pupil })
	if i < 0 {
		return DayRow{}, false
	}
	return d.Rows[i], true
}
