package classroom

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/timetable"
)

// Span is a run of time.
type Span struct{ From, Until time.Time }

// Touches tells whether a span has a moment in common with a time, ends included.
func (s Span) Touches(from, until time.Time) bool {
	return !s.Until.Before(from) && !s.From.After(until)
}

// Line is what our own line did to a pupil during a time.
type Line struct {
	Waited []Span // by this pupil, proven
	Long   []Span // when the line was long, and nothing shows whether they stood in it
}

// Lines tells, for some pupils of a school and a time, what our line did. A pupil who is left
// out was kept by none.
type Lines func(ctx context.Context, tx database.Tx, school string, pupils []string, from, until time.Time) (map[string]Line, error)

// Evidence tells who came to a class at home, and whether something of ours kept the others.
type Evidence struct {
	// Lines is the line's own word. nil: nobody can tell who waited, and nobody who did not
	// come is absent.
	Lines Lines
	// Machine is the clock of the machine, by which pulses are measured. nil: time.Now.
	Machine func() time.Time
}

func (e *Evidence) machine() time.Time {
	if e.Machine == nil {
		return database.Stamp(time.Now())
	}
	return database.Stamp(e.Machine())
}

// Known is all that is known of one pupil at home and one class.
type Known struct {
	Finding attendance.Finding
	Arrival time.Time // zero: they never asked to enter
	Stays   []Presence
	Breaks  int  // how often their line went and came back, in all
	Waited  bool // in our line, proven
	Outage  bool // we were not there all the time
}

// manyBreaks is from how many breaks on a line kept breaking.
const manyBreaks = 3

// Find says what is known of each pupil of one sitting at a moment.
func (e *Evidence) Find(ctx context.Context, tx database.Tx, school string, s timetable.Sitting, pupils []string, now time.Time) (map[string]Known, error) {
	from, until := s.StartsAt.Add(-earlyClass), s.EndsAt
	if now.Before(until) {
		until = now
	}
	if until.Before(from) {
		until = from
	}
	var c Class
	err := tx.NewSelect().Model(&c).Where("cl.school = ? AND cl.sitting = ?", school, s.ID).Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	people, err := entries(ctx, tx, school, s.ID)
	if err != nil {
		return nil, err
	}
	came := map[string]Entry{}
	for _, p := range people {
		came[p.Person] = p
	}
	all, err := stays(ctx, tx, school, s.ID)
	if err != nil {
		return nil, err
	}
	outages, err := e.outages(ctx, tx, from, until)
	if err != nil {
		return nil, err
	}
	var lines map[string]Line
	if e.Lines != nil {
		if lines, err = e.Lines(ctx, tx, school, pupils, from, until); err != nil {
			return nil, err
		}
	}
	out := make(map[string]Known, len(pupils))
	for _, p := range pupils {
		k := Known{Arrival: came[p].AskedAt, Stays: all[p], Waited: len(lines[p].Waited) > 0, Outage: len(outages) > 0}
		for _, stay := range k.Stays {
			k.Breaks += stay.Breaks
		}
		k.Breaks += max(len(k.Stays)-1, 0)
		k.Finding = judge(witness{Opened: !c.OpenedAt.IsZero(), Known: k, Line: lines[p], LineKnown: e.Lines != nil, Outages: outages, Now: now})
		out[p] = k
	}
	return out, nil
}

// witness is all that a finding looks at.
type witness struct {
	Opened    bool // somebody in charge opened the class
	Known     Known
	Line      Line
	LineKnown bool
	Outages   []Span // during the sitting, and the quarter of an hour before
	Now       time.Time
}

// judge says what is known of a pupil. Who came, came, whatever became of them; who did not is
// absent only where the class was open, nothing of ours was away, and the line is known not to
// have kept them.
func judge(w witness) attendance.Finding {
	switch k := w.Known; {
	case !k.Arrival.IsZero() && thrownOut(w):
		return attendance.FoundThrown
	case !k.Arrival.IsZero() && k.Breaks >= manyBreaks:
		return attendance.FoundBreaking
	case !k.Arrival.IsZero():
		return attendance.FoundCame
	case len(w.Line.Waited) > 0:
		return attendance.FoundLine
	case len(w.Outages) > 0:
		return attendance.FoundOutage
	case len(w.Line.Long) > 0:
		return attendance.FoundLine
	case !w.LineKnown:
		return attendance.FoundUnknown
	case !w.Opened:
		return attendance.FoundNoClass
	}
	return attendance.FoundAbsent
}

// thrownOut tells whether somebody was last seen when we went away, and has not come back.
func thrownOut(w witness) bool {
	stays := w.Known.Stays
	if len(stays) == 0 {
		return false
	}
	last := stays[len(stays)-1]
	if here(last, w.Now) {
		return false
	}
	for _, o := range w.Outages {
		if !last.SeenAt.Before(o.From.Add(-gapsUnder)) && !last.SeenAt.After(o.Until.Add(gapsUnder)) {
			return true
		}
	}
	return false
}

// FindMarks is Find for absent marks of any sittings, by their numbers: what alerts ask.
func (e *Evidence) FindMarks(ctx context.Context, tx database.Tx, school string, marks []attendance.Mark, now time.Time) (map[int64]attendance.Finding, error) {
	bySitting := map[string][]attendance.Mark{}
	for _, k := range marks {
		bySitting[k.Sitting] = append(bySitting[k.Sitting], k)
	}
	out := map[int64]attendance.Finding{}
	for id, some := range bySitting {
		s, err := timetable.ByID(ctx, tx, school, id)
		if err != nil {
			return nil, err
		}
		pupils := make([]string, len(some))
		for i, k := range some {
			pupils[i] = k.Pupil
		}
		known, err := e.Find(ctx, tx, school, s, pupils, now)
		if err != nil {
			return nil, err
		}
		for _, k := range some {
			out[k.N] = known[k.Pupil].Finding
		}
	}
	return out, nil
}

type pulseRow struct {
	bun.BaseModel `bun:"table:classroom_pulses,alias:pu"`
	Node          string `bun:",pk"`
	FirstAt       time.Time
	At            time.Time
	MachineAt     time.Time
}

type outageRow struct {
	bun.BaseModel `bun:"table:classroom_outages,alias:o"`
	Node          string    `bun:",pk"`
	FromAt        time.Time `bun:",pk"`
	UntilAt       time.Time
}

// A program that has not said for awayAfter that it is there is away; for forgottenAfter, it is
// one that was taken away for good.
const (
	awayAfter      = 70 * time.Second // two pulses missed, and some
	forgottenAfter = 2 * time.Hour
)

// beat says that a program is there. The first of a program that was there before, and one that
// comes late, keep the time in between as an outage.
func (e *Evidence) beat(ctx context.Context, tx database.Tx, node string, now time.Time, first bool) error {
	now, machine := database.Stamp(now), e.machine()
	row := pulseRow{Node: node}
	err := tx.NewSelect().Model(&row).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		row = pulseRow{Node: node, FirstAt: now, At: now, MachineAt: machine}
		_, err = tx.NewInsert().Model(&row).Exec(ctx)
		return err
	}
	if err != nil {
		return err
	}
	if gap := machine.Sub(row.MachineAt); first || gap > awayAfter || gap < -awayAfter {
		from := row.At
		if from.After(now) { // a clock was put back
			from = now.Add(-max(gap, 0))
		}
		o := outageRow{Node: node, FromAt: from, UntilAt: now}
		if _, err := tx.NewInsert().Model(&o).On("CONFLICT (node, from_at) DO UPDATE").Set("until_at = EXCLUDED.until_at").Exec(ctx); err != nil {
			return err
		}
	}
	row.At, row.MachineAt = now, machine // what came late is an outage by now
	_, err = tx.NewUpdate().Model(&row).Column("at", "machine_at").WherePK().Exec(ctx)
	return err
}

// failedSpan keeps a time in which somebody who asked to enter met an error of ours.
func failedSpan(ctx context.Context, tx database.Tx, node string, s Span) error {
	o := outageRow{Node: node + " entries", FromAt: database.Stamp(s.From), UntilAt: database.Stamp(s.Until)}
	_, err := tx.NewInsert().Model(&o).On("CONFLICT (node, from_at) DO UPDATE").Set("until_at = EXCLUDED.until_at").Exec(ctx)
	return err
}

// outages lists when we were not there during a time.
func (e *Evidence) outages(ctx context.Context, tx database.Tx, from, until time.Time) ([]Span, error) {
	t, err := e.There(ctx, tx, from, until)
	return t.Outages(from, until), err
}

// There is what our programs said of being there during a time. It is read once, and asked of
// each part of that time.
type There struct {
	rows    []outageRow
	pulses  []pulseRow
	machine time.Time
}

// There reads what our programs said of a time.
func (e *Evidence) There(ctx context.Context, tx database.Tx, from, until time.Time) (t There, err error) {
	t.machine = e.machine()
	if err := tx.NewSelect().Model(&t.rows).Where("o.until_at >= ? AND o.from_at <= ?", database.Stamp(from), database.Stamp(until)).Order("o.from_at").Scan(ctx); err != nil {
		return t, err
	}
	return t, tx.NewSelect().Model(&t.pulses).Scan(ctx)
}

// Outages lists when we were not there during a part of the time that was read: what was kept,
// who is away now, and all of it where nobody says that they were there from its beginning.
func (t There) Outages(from, until time.Time) (out []Span) {
	from, until = database.Stamp(from), database.Stamp(until)
	for _, r := range t.rows {
		if !r.UntilAt.Before(from) && !r.FromAt.After(until) {
			out = append(out, Span{r.FromAt, r.UntilAt})
		}
	}
	covered := false
	for _, p := range t.pulses {
		gap := t.machine.Sub(p.MachineAt)
		covered = covered || !p.FirstAt.After(from) && (gap <= awayAfter || !p.At.Before(until))
		if gap > awayAfter && gap <= forgottenAfter && !p.At.After(until) {
			out = append(out, Span{p.At, until})
		}
	}
	if !covered {
		out = append(out, Span{from, until})
	}
	return out
}

// PurgeOutages removes what is older than a school year.
func PurgeOutages(ctx context.Context, tx database.Tx, now time.Time) error {
	_, err := tx.NewDelete().Model((*outageRow)(nil)).Where("until_at < ?", database.Stamp(now.AddDate(0, 0, -400))).Exec(ctx)
	return err
}
