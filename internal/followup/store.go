package followup

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/classroom"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// Followup names those of whom there is no sign of life.
type Followup struct {
	Journal  *journal.Journal
	Evidence *classroom.Evidence
}

// Open begins a period. ErrPurpose, ErrOpen.
func (f *Followup) Open(ctx context.Context, tx database.Tx, p Period, now time.Time, zone *time.Location) (Period, error) {
	p.FromOn = timetable.Day(now, zone)
	if err := p.Check(p.FromOn); err != nil {
		return p, err
	}
	if _, err := Of(ctx, tx, p.School, p.FromOn); err == nil {
		return p, ErrOpen
	} else if !errors.Is(err, ErrOff) {
		return p, err
	}
	if err := f.end(ctx, tx, p.School, "followup", now); err != nil { // one that is over and was not removed yet
		return p, err
	}
	p.ID, p.OpenedAt = database.NewID(), database.Stamp(now)
	if _, err := tx.NewInsert().Model(&p).Exec(ctx); err != nil {
		return p, err
	}
	return p, f.Journal.Append(ctx, tx, p.School, now, journal.Deed{Act: "followup.opened", Actor: p.OpenedBy, Subject: p.ID, Detail: map[string]string{"purpose": p.Purpose, "until": p.UntilOn}})
}

// Of is the period that holds on a day; ErrOff.
func Of(ctx context.Context, tx database.Tx, school, day string) (Period, error) {
	var p Period
	err := tx.NewSelect().Model(&p).Where("fp.school = ? AND fp.closed_at IS NULL AND fp.until_on >= ?", school, day).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrOff
	}
	return p, err
}

// Close ends a period, and removes what was kept for it.
func (f *Followup) Close(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	return f.end(ctx, tx, school, by, now)
}

func (f *Followup) end(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	res, err := tx.NewUpdate().Model((*Period)(nil)).Set("closed_by = ?, closed_at = ?", by, database.Stamp(now)).Where("school = ? AND closed_at IS NULL", school).Exec(ctx)
	if err != nil {
		return err
	}
	for _, table := range []string{"followup_pages", "followup_notes"} {
		if _, err := tx.NewRaw("DELETE FROM "+table+" WHERE school = ?", school).Exec(ctx); err != nil {
			return err
		}
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return f.Journal.Append(ctx, tx, school, now, journal.Deed{Act: "followup.closed", Actor: by, Subject: school})
}

// Over lists the schools whose period is over and was not ended.
func Over(ctx context.Context, tx database.Tx, now time.Time) (out []string, err error) {
	// A day later than the day it ends on, wherever the school is.
	err = tx.NewSelect().Model((*Period)(nil)).Column("school").Where("fp.closed_at IS NULL AND fp.until_on < ?", now.UTC().AddDate(0, 0, -1).Format(time.DateOnly)).Scan(ctx, &out)
	return out, err
}

// opened keeps that pupils opened a page today, where the head opened a period.
func opened(ctx context.Context, tx database.Tx, school, day string, people []string) error {
	if _, err := Of(ctx, tx, school, day); errors.Is(err, ErrOff) {
		return nil
	} else if err != nil {
		return err
	}
	for some := range slices.Chunk(people, 500) {
		rows := make([]pageRow, len(some))
		for i, p := range some {
			rows[i] = pageRow{School: school, Person: p, Day: day}
		}
		if _, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pageRow is that a pupil opened a page on a day.
type pageRow struct {
	bun.BaseModel `bun:"table:followup_pages"`
	School        string `bun:",pk"`
	Person        string `bun:",pk"`
	Day           string `bun:",pk"`
}

// Named is one pupil of whom there is no sign of life, or hardly any left.
type Named struct {
	Pupil directory.Person
	Class string
	Why   Why
	Days  []Day
	Notes []Note
}

// Names lists them by class and name: never by how much is missing. classes: of these alone;
// nil: of the whole school.
func (f *Followup) Names(ctx context.Context, tx database.Tx, school string, classes []string, now time.Time, zone *time.Location) ([]Named, Period, error) {
	today := timetable.Day(now, zone)
	p, err := Of(ctx, tx, school, today)
	if err != nil {
		return nil, p, err
	}
	var pupils []directory.Person
	if classes == nil {
		pupils, err = directory.Of(ctx, tx, school, directory.KindPupil, today)
	} else {
		pupils, err = directory.GroupPupils(ctx, tx, school, classes, today)
	}
	if err != nil {
		return nil, p, err
	}
	days, err := f.days(ctx, tx, p, pupils, now, zone)
	if err != nil {
		return nil, p, err
	}
	var out []Named
	var ids []string
	for _, who := range pupils {
		if why, ok := Judge(days[who.ID], today, p.Days); ok {
			out, ids = append(out, Named{Pupil: who, Why: why, Days: days[who.ID]}), append(ids, who.ID)
		}
	}
	labels, err := directory.ClassesOf(ctx, tx, school, ids, today)
	if err != nil {
		return nil, p, err
	}
	written, err := notes(ctx, tx, school, ids)
	if err != nil {
		return nil, p, err
	}
	for i := range out {
		out[i].Class, out[i].Notes = labels[out[i].Pupil.ID], written[out[i].Pupil.ID]
	}
	slices.SortStableFunc(out, func(a, b Named) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Pupil.LastName, b.Pupil.LastName), cmp.Compare(a.Pupil.FirstName, b.Pupil.FirstName))
	})
	return out, p, nil
}

// Line is one pupil's days, whether they are named or not. ErrNotFound.
func (f *Followup) Line(ctx context.Context, tx database.Tx, school, pupil string, now time.Time, zone *time.Location) (Named, Period, error) {
	today := timetable.Day(now, zone)
	p, err := Of(ctx, tx, school, today)
	if err != nil {
		return Named{}, p, err
	}
	who, err := directory.PersonByID(ctx, tx, school, pupil)
	if errors.Is(err, directory.ErrNotFound) || err == nil && who.Kind != directory.KindPupil {
		return Named{}, p, ErrNotFound
	} else if err != nil {
		return Named{}, p, err
	}
	days, err := f.days(ctx, tx, p, []directory.Person{who}, now, zone)
	if err != nil {
		return Named{}, p, err
	}
	out := Named{Pupil: who, Days: days[pupil]}
	if why, ok := Judge(out.Days, today, p.Days); ok {
		out.Why = why
	}
	written, err := notes(ctx, tx, school, []string{pupil})
	out.Notes = written[pupil]
	return out, p, err
}

// back is how many days before today are read.
func (p Period) back() int { return 5*p.Days + 16 }

// days reads the days of pupils, from the period's first one on, in order, today's last.
func (f *Followup) days(ctx context.Context, tx database.Tx, p Period, pupils []directory.Person, now time.Time, zone *time.Location) (map[string][]Day, error) {
	today := timetable.Day(now, zone)
	first, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return nil, err
	}
	from := max(first.AddDate(0, 0, -p.back()).Format(time.DateOnly), p.FromOn)
	begins, _, err := timetable.HalfDaySpan(from+"/am", zone)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(pupils))
	for i, who := range pupils {
		ids[i] = who.ID
	}
	signs, err := f.signs(ctx, tx, p.School, from, today, begins, now, zone)
	if err != nil {
		return nil, err
	}
	statements, err := attendance.StatementsIn(ctx, tx, p.School, ids, begins, now)
	if err != nil {
		return nil, err
	}
	closures, err := timetable.Closures(ctx, tx, p.School, from)
	if err != nil {
		return nil, err
	}
	sittings, err := timetable.Between(ctx, tx, p.School, from, today)
	if err != nil {
		return nil, err
	}
	groups, err := directory.Memberships(ctx, tx, p.School, ids, from, today)
	if err != nil {
		return nil, err
	}
	ours, err := f.ours(ctx, tx, p.School, ids, begins, now)
	if err != nil {
		return nil, err
	}
	out := map[string][]Day{}
	for d, err := time.Parse(time.DateOnly, from); err == nil && d.Format(time.DateOnly) <= today; d = d.AddDate(0, 0, 1) {
		day := d.Format(time.DateOnly)
		held := slices.DeleteFunc(sittings[day], timetable.Sitting.Cancelled)
		if _, closed := timetable.ClosedOn(closures, day); closed {
			held = nil
		}
		begin, end := span(held, now)
		away := end.After(begin) && ours.away(begin, end)
		for _, who := range ids {
			one := Day{Day: day, Signs: signs[who][day], Ours: away}
			if one.Signs == nil {
				one.Signs = map[Kind]int{}
			}
			if end.After(begin) {
				waited, long := ours.line(who, begin, end)
				one.Ours = one.Ours || long
				if waited > 0 {
					one.Signs[Line] += waited
				}
			}
			for _, s := range held {
				if !slices.ContainsFunc(groups[who], func(m directory.Member) bool { return m.On(day) && slices.Contains(s.Groups, m.Grp) }) {
					continue
				}
				if _, elsewhere := attendance.At(statements[who], attendance.Elsewhere, s.StartsAt); !elsewhere {
					one.Expected = true
				}
			}
			out[who] = append(out[who], one)
		}
	}
	return out, nil
}

// span is from a quarter of an hour before the first of a day's sittings until the end of the
// last, or until now; nothing without sittings.
func span(sittings []timetable.Sitting, now time.Time) (begin, end time.Time) {
	for i, s := range sittings {
		if i == 0 {
			begin = s.StartsAt.Add(-15 * time.Minute)
		}
		end = later(end, s.EndsAt)
	}
	return begin, earlier(end, now)
}

// doing is what our line and our absences did during a time, read once for all its days.
type doing struct {
	lines map[string]classroom.Line
	there *classroom.There // nil: nothing is known of it, and none counts
}

// ours reads what was our own doing during a time.
func (f *Followup) ours(ctx context.Context, tx database.Tx, school string, pupils []string, from, until time.Time) (d doing, err error) {
	if f.Evidence == nil {
		return d, nil
	}
	if f.Evidence.Lines != nil {
		if d.lines, err = f.Evidence.Lines(ctx, tx, school, pupils, from, until); err != nil {
			return d, err
		}
	}
	there, err := f.Evidence.There(ctx, tx, from, until)
	d.there = &there
	return d, err
}

// line tells how often a pupil waited in our line during a part of it, and whether that was so
// long that nobody can tell who stood in it.
func (d doing) line(pupil string, from, until time.Time) (waited int, long bool) {
	touches := func(s classroom.Span) bool { return s.Touches(from, until) }
	for _, s := range d.lines[pupil].Waited {
		if touches(s) {
			waited++
		}
	}
	return waited, slices.ContainsFunc(d.lines[pupil].Long, touches)
}

// away tells whether we were away for more than half of a part of it: a restart takes no day
// from anybody.
func (d doing) away(from, until time.Time) bool {
	if d.there == nil {
		return false
	}
	var lost time.Duration
	for _, o := range d.there.Outages(from, until) {
		lost += earlier(o.Until, until).Sub(later(o.From, from))
	}
	return lost > until.Sub(from)/2
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// signs reads what pupils did, by pupil and day.
func (f *Followup) signs(ctx context.Context, tx database.Tx, school, from, today string, begins, now time.Time, zone *time.Location) (map[string]map[string]map[Kind]int, error) {
	out := map[string]map[string]map[Kind]int{}
	add := func(person, day string, k Kind) {
		if out[person] == nil {
			out[person] = map[string]map[Kind]int{}
		}
		if out[person][day] == nil {
			out[person][day] = map[Kind]int{}
		}
		out[person][day][k]++
	}
	seen, err := attendance.SeenOn(ctx, tx, school, from, today)
	if err != nil {
		return nil, err
	}
	for _, s := range seen {
		add(s.Pupil, s.Day, Seen)
	}
	done, err := classroom.Signs(ctx, tx, school, begins, now.Add(time.Second))
	if err != nil {
		return nil, err
	}
	for _, s := range done {
		add(s.Person, timetable.Day(s.At, zone), Kind(s.Kind))
	}
	var pages []struct{ Person, Day string }
	if err := tx.NewRaw("SELECT person, day FROM followup_pages WHERE school = ? AND day >= ?", school, from).Scan(ctx, &pages); err != nil {
		return nil, err
	}
	for _, s := range pages {
		add(s.Person, s.Day, Page)
	}
	return out, nil
}

// note keeps what somebody did. ErrOff, ErrNotFound.
func (f *Followup) note(ctx context.Context, tx database.Tx, n Note, now time.Time, zone *time.Location) error {
	if _, _, err := f.Line(ctx, tx, n.School, n.Pupil, now, zone); err != nil {
		return err
	}
	if !slices.Contains(Deeds(), n.What) {
		return ErrNotFound
	}
	n.ID, n.At = database.NewID(), database.Stamp(now)
	if _, err := tx.NewInsert().Model(&n).Exec(ctx); err != nil {
		return err
	}
	return f.Journal.Append(ctx, tx, n.School, now, journal.Deed{Act: "followup.note", Actor: n.By, Subject: n.Pupil, Detail: map[string]string{"what": n.What}})
}

// notes reads what was done about some pupils, by pupil, in order.
func notes(ctx context.Context, tx database.Tx, school string, pupils []string) (map[string][]Note, error) {
	out := map[string][]Note{}
	for some := range slices.Chunk(pupils, 500) {
		var rows []Note
		if err := tx.NewSelect().Model(&rows).Where("fn.school = ? AND fn.pupil IN (?)", school, bun.List(some)).Order("fn.at").Scan(ctx); err != nil {
			return nil, err
		}
		for _, n := range rows {
			out[n.Pupil] = append(out[n.Pupil], n)
		}
	}
	return out, nil
}
