package alert

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// measure counts what a school's marks say now. It asks the marks and not the episodes:
// what is not decided yet is counted too.
func measure(ctx context.Context, tx database.Tx, s school, ended []Trip, now time.Time) (m Measure, err error) {
	day := timetable.Day(now, s.zone)
	pupils, err := directory.CountPupils(ctx, tx, s.ID, day)
	if err != nil {
		return m, err
	}
	m.Pupils = int(pupils)
	absent, err := attendance.AbsentPupils(ctx, tx, s.ID, day)
	if err != nil {
		return m, err
	}
	if absent, err = unknown(ctx, tx, s.ID, absent, now); err != nil {
		return m, err
	}
	m.Absent = len(absent)
	marks, err := attendance.OfPupils(ctx, tx, s.ID, absent, day)
	if err != nil {
		return m, err
	}
	noted, said := map[string]time.Time{}, lastRelease(ended, "")
	for pupil, all := range marks {
		at := since(all)
		noted[pupil] = at
		before, recent := !at.After(said), now.Sub(at) <= rateSpan
		if recent {
			m.Recent++
		}
		if before {
			m.Said++
		}
		if before && recent {
			m.SaidRecent++
		}
	}
	if m.Rolls, err = rollsNow(ctx, tx, s, noted, ended, day, now); err != nil {
		return m, err
	}
	m.Here, err = saidHere(ctx, tx, s, ended, day)
	return m, err
}

// unknown leaves out the pupils who are known to be elsewhere or in the building.
func unknown(ctx context.Context, tx database.Tx, school string, pupils []string, now time.Time) ([]string, error) {
	stated, err := attendance.Statements(ctx, tx, school, pupils, now)
	return slices.DeleteFunc(pupils, func(p string) bool {
		_, elsewhere := attendance.At(stated[p], attendance.Elsewhere, now)
		_, inside := attendance.At(stated[p], attendance.Inside, now)
		return elsewhere || inside
	}), err
}

// since is when a pupil who is absent now was first noted so, without having been seen
// meanwhile.
func since(marks []attendance.Mark) (at time.Time) {
	for _, k := range slices.Backward(marks) {
		if k.Value != attendance.Absent {
			break
		}
		at = k.At
	}
	return at
}

// lastRelease is when a scope was last let go by itself; the zero time: never.
func lastRelease(ended []Trip, sitting string) (at time.Time) {
	for _, t := range ended {
		if t.Sitting == sitting {
			at = later(at, t.EndedAt)
		}
	}
	return at
}

// rollsNow gives the rolls of the last hour on which many are absent. noted says since
// when each absent pupil is.
func rollsNow(ctx context.Context, tx database.Tx, s school, noted map[string]time.Time, ended []Trip, day string, now time.Time) ([]RollMeasure, error) {
	rolls, err := attendance.SavedSince(ctx, tx, s.ID, day, now.Add(-rollSpan))
	if err != nil {
		return nil, err
	}
	var out []RollMeasure
	for _, r := range rolls {
		m := RollMeasure{Sitting: r.Sitting, By: r.SavedBy, OpenedAt: r.OpenedAt, SavedAt: r.SavedAt}
		for _, k := range r.Marks {
			at, absent := noted[k.Pupil]
			if k.Value != attendance.Absent || !absent {
				continue
			}
			m.Absent = append(m.Absent, k.Pupil)
			if released := lastRelease(ended, r.Sitting); !released.IsZero() && at.After(released) {
				m.Fresh++
			}
		}
		if len(m.Absent) < wholeLeast {
			continue
		}
		sitting, err := timetable.ByID(ctx, tx, s.ID, r.Sitting)
		if err != nil {
			return nil, err
		}
		people, err := timetable.Pupils(ctx, tx, s.ID, sitting)
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(people))
		for i, p := range people {
			ids[i] = p.ID
		}
		if ids, err = unknown(ctx, tx, s.ID, ids, now); err != nil {
			return nil, err
		}
		m.Of = len(ids)
		slices.Sort(m.Absent)
		out = append(out, m)
	}
	return out, nil
}

// saidHere counts the pupils of the day whose family says that they should be in class,
// since a second person last said that what was held is true.
func saidHere(ctx context.Context, tx database.Tx, s school, ended []Trip, day string) (int, error) {
	from, err := time.ParseInLocation(time.DateOnly, day, s.zone)
	if err != nil {
		return 0, err
	}
	for _, t := range ended {
		if t.Sitting == "" && t.EndedAt.After(from) {
			from = t.EndedAt
		}
	}
	var pupils []string
	err = tx.NewSelect().TableExpr("alert_answers AS f").ColumnExpr("DISTINCT f.pupil").
		Where("f.school = ? AND f.answer = ? AND f.at > ?", s.ID, ShouldBeHere, database.Stamp(from)).Scan(ctx, &pupils)
	return len(pupils), err
}

// historyDays is how far back an ordinary day is looked for.
const historyDays = 60

// readUsual reads what the school's own days say: the last twenty, and the last eight of the
// same weekday. A day that the breaker held and nobody released says nothing.
func readUsual(ctx context.Context, tx database.Tx, s school, day string) (Usual, error) {
	today, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return Usual{}, err
	}
	var rows []struct {
		HalfDay string
		FirstAt time.Time
	}
	err = tx.NewSelect().Model((*Episode)(nil)).ColumnExpr("e.half_day, e.first_at").
		Where("e.school = ? AND e.half_day >= ? AND e.half_day < ? AND e.because <> ?", s.ID, today.AddDate(0, 0, -historyDays).Format(time.DateOnly), day, Corrected).
		OrderExpr("e.first_at").Scan(ctx, &rows)
	if err != nil {
		return Usual{}, err
	}
	var odd []string
	err = tx.NewSelect().Model((*Trip)(nil)).ColumnExpr("DISTINCT t.day").Where("t.school = ? AND t.sitting = '' AND t.ended_at IS NULL", s.ID).Scan(ctx, &odd)
	if err != nil {
		return Usual{}, err
	}
	var exceptional []string
	if err = tx.NewSelect().Model((*ExceptionalDay)(nil)).Column("day").Where("x.school = ?", s.ID).Scan(ctx, &exceptional); err != nil {
		return Usual{}, err
	}
	odd = append(odd, exceptional...)
	halves := map[string][]time.Time{}
	for _, r := range rows {
		if !slices.Contains(odd, r.HalfDay[:len(time.DateOnly)]) {
			halves[r.HalfDay] = append(halves[r.HalfDay], r.FirstAt)
		}
	}
	return summarize(halves, today), nil
}

// summarize makes of the first marks of each half-day what is usual on a day.
func summarize(halves map[string][]time.Time, today time.Time) (u Usual) {
	type one struct {
		day        string
		rate, part int
	}
	byDay := map[string]*one{}
	var days []*one
	for half, at := range halves {
		day := half[:len(time.DateOnly)]
		d := byDay[day]
		if d == nil {
			d = &one{day: day}
			byDay[day], days = d, append(days, d)
		}
		d.part = max(d.part, len(at))
		first := 0
		for i := range at {
			for at[i].Sub(at[first]) > rateSpan {
				first++
			}
			d.rate = max(d.rate, i-first+1)
		}
	}
	slices.SortFunc(days, func(a, b *one) int {
		if a.day > b.day {
			return -1
		}
		return 1
	})
	for i, d := range days { // the last first
		t, err := time.Parse(time.DateOnly, d.day)
		same := err == nil && t.Weekday() == today.Weekday() && len(u.Same) < 8
		if same {
			u.Same = append([]int{d.part}, u.Same...)
		}
		if i < 20 || same {
			u.Days++
			u.Rate, u.Part = max(u.Rate, d.rate), max(u.Part, d.part)
		}
	}
	return u
}

// Trips lists the trips of a day, oldest first.
func Trips(ctx context.Context, tx database.Tx, school, day string) ([]Trip, error) {
	var rows []Trip
	err := tx.NewSelect().Model(&rows).Where("t.school = ? AND t.day = ?", school, day).Order("at", "id").Scan(ctx)
	return rows, err
}

// Open tells whether a trip still holds.
func (t Trip) Open() bool { return t.EndedAt.IsZero() }

func openTrips(trips []Trip) []Trip {
	return slices.DeleteFunc(slices.Clone(trips), func(t Trip) bool { return !t.Open() })
}

// judge looks whether the school's morning is like its others, and trips if it is not, in
// the transaction of whoever is about to tell or has just decided. It gives the trips in
// force. What was judged already, up to its last mark and answer, is not judged again.
func (a *Alert) judge(ctx context.Context, tx database.Tx, s school, now time.Time) (open []Trip, state judged, err error) {
	day := timetable.Day(now, s.zone)
	all, err := Trips(ctx, tx, s.ID, day)
	if err != nil {
		return nil, state, err
	}
	open = openTrips(all)
	if state, err = judgedState(ctx, tx, s.ID); err != nil {
		return nil, state, err
	}
	if was, ok := a.judged.Load(s.ID); ok && was == state {
		return open, state, nil
	}
	// Where nothing leaves, a morning that is like no other is no news.
	if _, unusual, err := ExceptionalOn(ctx, tx, s.ID, day); err != nil || unusual {
		return open, state, err
	}
	ended := slices.DeleteFunc(slices.Clone(all), Trip.Open)
	m, err := measure(ctx, tx, s, ended, now)
	if err != nil {
		return nil, state, err
	}
	u, err := a.usualOf(ctx, tx, s, day)
	if err != nil {
		return nil, state, err
	}
	fresh := false
	for _, t := range Strikes(m, u, ended, now) {
		if slices.ContainsFunc(open, func(o Trip) bool { return o.Sign == t.Sign && o.Sitting == t.Sitting }) {
			continue
		}
		t.School, t.ID, t.Day, t.At = s.ID, database.NewID(), day, database.Stamp(now)
		if _, err := tx.NewInsert().Model(&t).Exec(ctx); err != nil {
			return nil, state, err
		}
		err := a.journal.Append(ctx, tx, s.ID, now, journal.Deed{Act: "breaker.tripped", Actor: "alert", Subject: t.ID, Detail: map[string]string{
			"sign": string(t.Sign), "sitting": t.Sitting, "seen": itoa(int64(t.Seen)), "most": itoa(int64(t.Most)), "pupils": itoa(int64(m.Pupils)), "absent": itoa(int64(m.Absent))}})
		if err != nil {
			return nil, state, err
		}
		open, fresh = append(open, t), true
	}
	if fresh {
		if err := a.holdWaiting(ctx, tx, s.ID, open, now); err != nil {
			return nil, state, err
		}
		a.log.Warn("alert: an unusual morning is held", "school", s.ID, "signs", len(open))
	}
	return open, state, nil
}

// judgeSchool judges what was decided, if there is anything new. Only what is committed is
// remembered as judged.
func (a *Alert) judgeSchool(ctx context.Context, id string) error {
	var state judged
	err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		state, err = judgedState(ctx, tx, id)
		return err
	})
	if was, ok := a.judged.Load(id); err != nil || ok && was == state {
		return err
	}
	err = a.inSchool(ctx, id, func(ctx context.Context, tx database.Tx, s school, now time.Time) (err error) {
		_, state, err = a.judge(ctx, tx, s, now)
		return err
	})
	if err == nil {
		a.judged.Store(id, state)
	}
	return err
}

// judged is up to where a school was judged: its last mark, its families' last answer, and
// the last release. Nothing else makes a morning stranger than it was.
type judged struct{ mark, answers, released int64 }

func judgedState(ctx context.Context, tx database.Tx, school string) (j judged, err error) {
	if j.mark, err = attendance.LastMark(ctx, tx, school); err != nil {
		return j, err
	}
	err = tx.NewRaw(`SELECT (SELECT count(*) FROM alert_answers WHERE school = ? AND answer = ?), (SELECT count(*) FROM alert_trips WHERE school = ? AND ended_at IS NOT NULL)`,
		school, ShouldBeHere, school).Scan(ctx, &j.answers, &j.released)
	return j, err
}

// usualDay is what is usual on one day.
type usualDay struct {
	day string
	Usual
}

// usualOf keeps what is usual for as long as the day lasts.
func (a *Alert) usualOf(ctx context.Context, tx database.Tx, s school, day string) (Usual, error) {
	if u, ok := a.usual.Load(s.ID); ok && u.(usualDay).day == day {
		return u.(usualDay).Usual, nil
	}
	u, err := readUsual(ctx, tx, s, day)
	if err == nil {
		a.usual.Store(s.ID, usualDay{day, u})
	}
	return u, err
}

// holdKey names to the courier what is held in a scope of a day.
func holdKey(day, sitting string) string { return "breaker/" + day + "/" + sitting }

// holdWaiting keeps the letters of told episodes that have not begun to leave.
func (a *Alert) holdWaiting(ctx context.Context, tx database.Tx, school string, open []Trip, now time.Time) error {
	if len(open) == 0 {
		return nil
	}
	told, err := OfDay(ctx, tx, school, open[0].Day)
	if err != nil {
		return err
	}
	refs := map[string][]string{}
	for _, e := range told {
		if e.State != Told {
			continue
		}
		// The widest scope holds it: only its release lets it go.
		if i := slices.IndexFunc(open, func(t Trip) bool { return t.Covers(e) && t.Sitting == "" }); i >= 0 {
			refs[""] = append(refs[""], e.ID)
		} else if trippedOf(open, e) {
			refs[e.Sitting] = append(refs[e.Sitting], e.ID)
		}
	}
	for sitting, ids := range refs {
		if _, err := a.courier.Hold(ctx, tx, school, ids, holdKey(open[0].Day, sitting), now); err != nil {
			return err
		}
	}
	return nil
}

// trippedOf tells whether an episode is held by the breaker.
func trippedOf(open []Trip, e Episode) bool {
	return slices.ContainsFunc(open, func(t Trip) bool { return t.Covers(e) })
}

// HeldNow reads what the breaker holds in a scope: a roll, or with an empty one the whole
// school and everything in it.
func HeldNow(ctx context.Context, tx database.Tx, school, day, sitting string) (h HeldBack, err error) {
	all, err := Trips(ctx, tx, school, day)
	if err != nil {
		return h, err
	}
	for _, t := range openTrips(all) {
		if sitting == "" || t.Sitting == sitting {
			h.Trips = append(h.Trips, t)
		}
	}
	episodes, err := OfDay(ctx, tx, school, day)
	if err != nil {
		return h, err
	}
	held, err := courier.HeldRefs(ctx, tx, school, "breaker/"+day+"/")
	if err != nil {
		return h, err
	}
	for _, e := range episodes {
		if trippedOf(h.Trips, e) && (e.State == Held || e.State == Told && slices.Contains(held, e.ID)) {
			h.Episodes, h.Pupils = append(h.Episodes, e.ID), append(h.Pupils, e.Pupil)
		}
	}
	slices.Sort(h.Episodes)
	err = tx.NewSelect().Model(&h.Request).Where("q.school = ? AND q.day = ? AND q.sitting = ? AND q.ended_at IS NULL", school, day, sitting).Scan(ctx)
	return h, noRow(err)
}
