package alert

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// Refusals of the store.
var (
	// ErrNotFound: no such episode, call or letter in this school.
	ErrNotFound = errors.New("alert: not found")
	// ErrClosed: the telephone row has an outcome already.
	ErrClosed = errors.New("alert: closed already")
	// ErrSecond: a service is opened by a second person, and one of the two is the head.
	ErrSecond = errors.New("alert: a second person opens")
	// ErrDay: a service does not last until that day.
	ErrDay = errors.New("alert: not a day until which a service may last")
)

// school is what decisions need of a school.
type school struct {
	directory.School
	zone    *time.Location
	hold    time.Duration
	answers string  // how families answer: see Answering; empty: what can be done best
	service Service // that runs, or the last that did; zero: none

	rehearsal Rehearsal // the open one; zero: none
}

// sends tells whether the school tells families on a day.
func (s school) sends(day string) bool { return InService(s.service, day) }

func loadSchool(ctx context.Context, tx database.Tx, id string) (school, error) {
	s, err := directory.SchoolByID(ctx, tx, id)
	if err != nil {
		return school{}, err
	}
	zone, err := s.Location()
	if err != nil {
		return school{}, err
	}
	out := school{School: s, zone: zone, hold: DefaultHold}
	var seconds int64
	err = tx.NewRaw("SELECT hold_seconds, answers FROM alert_settings WHERE school = ?", id).Scan(ctx, &seconds, &out.answers)
	switch {
	case err == nil:
		out.hold = time.Duration(seconds) * time.Second
	case !errors.Is(err, sql.ErrNoRows):
		return school{}, err
	}
	if out.service, _, err = ServiceOf(ctx, tx, id); err != nil || out.service.runs() {
		return out, err // whoever is in service does not rehearse
	}
	h, _, err := RehearsalOf(ctx, tx, id)
	if h.Open() {
		out.rehearsal = h
	}
	return out, err
}

// SetHold sets how long a school's absences are held.
func SetHold(ctx context.Context, tx database.Tx, school string, hold time.Duration) error {
	_, err := tx.NewRaw("INSERT INTO alert_settings (school, hold_seconds) VALUES (?, ?) ON CONFLICT (school) DO UPDATE SET hold_seconds = EXCLUDED.hold_seconds",
		school, int64(hold/time.Second)).Exec(ctx)
	return err
}

// facts reads what decisions about a mark look at.
func facts(ctx context.Context, tx database.Tx, s school, k attendance.Mark, now time.Time) (Facts, error) {
	d, err := readDay(ctx, tx, s, []string{k.Pupil}, k.Day, now)
	return d.facts(k), err
}

// dayRead is what decisions about the marks of some pupils of one day look at.
type dayRead struct {
	school     school
	now        time.Time
	closed     bool                         // that day, which may be over
	unusual    bool                         // it is exceptional, or was
	marks      map[string][]attendance.Mark // by pupil, in order
	sittings   map[string]timetable.Sitting
	statements map[string][]attendance.Statement
	episodes   map[string][]Episode         // by pupil, in order
	home       map[string]timetable.Home    // who follows that day from home
	findings   map[int64]attendance.Finding // of marks at home
}

func readDay(ctx context.Context, tx database.Tx, s school, pupils []string, day string, now time.Time) (d dayRead, err error) {
	d = dayRead{school: s, now: now, episodes: map[string][]Episode{}}
	if d.marks, err = attendance.OfPupils(ctx, tx, s.ID, pupils, day); err != nil {
		return d, err
	}
	var sittings []string
	for _, marks := range d.marks {
		for _, k := range marks {
			sittings = append(sittings, k.Sitting)
		}
	}
	if d.home, err = timetable.AtHome(ctx, tx, s.ID, pupils, day); err != nil {
		return d, err
	}
	if d.findings, err = findings(ctx, tx, s.ID, d.marks); err != nil {
		return d, err
	}
	if d.sittings, err = timetable.Some(ctx, tx, s.ID, unique(sittings)); err != nil {
		return d, err
	}
	from, _, err := timetable.HalfDaySpan(day+"/am", s.zone)
	if err != nil {
		return d, err
	}
	if d.statements, err = attendance.StatementsIn(ctx, tx, s.ID, pupils, from, now.Add(time.Microsecond)); err != nil {
		return d, err
	}
	if err := dropContradicted(ctx, tx, s, d.statements, now); err != nil {
		return d, err
	}
	if d.closed, err = timetable.IsClosed(ctx, tx, s.ID, day); err != nil {
		return d, err
	}
	if _, d.unusual, err = ExceptionalOn(ctx, tx, s.ID, day); err != nil {
		return d, err
	}
	episodes, err := ofPupils(ctx, tx, s.ID, pupils, day)
	for _, e := range episodes {
		d.episodes[e.Pupil] = append(d.episodes[e.Pupil], e)
	}
	return d, err
}

// dropContradicted leaves out what one of the family claims of a pupil of whom somebody told
// today says that they should be in class: a pupil whose whereabouts are contradicted is not
// expected elsewhere.
func dropContradicted(ctx context.Context, tx database.Tx, s school, statements map[string][]attendance.Statement, now time.Time) error {
	claimed := func(st attendance.Statement) bool { return st.Claimant != "" }
	var pupils []string
	for pupil, all := range statements {
		if slices.ContainsFunc(all, claimed) {
			pupils = append(pupils, pupil)
		}
	}
	if len(pupils) == 0 {
		return nil
	}
	answers, err := answersOfPupils(ctx, tx, s, pupils, now)
	for pupil, all := range answers {
		if len(Missed(all)) > 0 {
			statements[pupil] = slices.DeleteFunc(statements[pupil], claimed)
		}
	}
	return err
}

// facts are those of one mark of the day.
func (d dayRead) facts(k attendance.Mark) Facts {
	_, home := d.home[k.Pupil]
	return Facts{Now: d.now, Zone: d.school.zone, Mark: k, Sitting: d.sittings[k.Sitting], Marks: d.marks[k.Pupil], Sittings: d.sittings, Statements: d.statements[k.Pupil],
		Episodes: d.episodes[k.Pupil], Closed: d.closed, Unusual: d.unusual, Home: home, Finding: d.findings[k.N], InService: d.school.sends(timetable.Day(d.now, d.school.zone)), Rehearsing: d.school.rehearsal.Open(), Hold: d.school.hold}
}

// mark gives a mark of the day by its number. ErrNotFound.
func (d dayRead) mark(pupil string, n int64) (attendance.Mark, error) {
	for _, k := range d.marks[pupil] {
		if k.N == n {
			return k, nil
		}
	}
	return attendance.Mark{}, ErrNotFound
}

// EpisodeByID reads an episode; ErrNotFound.
func EpisodeByID(ctx context.Context, tx database.Tx, school, id string) (Episode, error) {
	e := Episode{School: school, ID: id}
	err := tx.NewSelect().Model(&e).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return e, ErrNotFound
	}
	return e, err
}

// OfDay lists the episodes of a day, first to leave first.
func OfDay(ctx context.Context, tx database.Tx, school, day string) ([]Episode, error) {
	var rows []Episode
	err := tx.NewSelect().Model(&rows).Where("e.school = ? AND e.half_day IN (?)", school, bun.List([]string{day + "/am", day + "/pm"})).
		Order("leaves_at", "id").Scan(ctx)
	return rows, err
}

// schoolsAtWork lists the schools with something that this package may have to do.
func schoolsAtWork(ctx context.Context, tx database.Tx, now time.Time) ([]string, error) {
	undecided, err := attendance.SchoolsUndecided(ctx, tx)
	if err != nil {
		return nil, err
	}
	var mine []string
	// Two questions with an index each: asked as one, they would read the year's episodes.
	err = tx.NewRaw("SELECT school FROM alert_episodes WHERE state = 'held' UNION SELECT school FROM alert_episodes WHERE first_at > ?",
		database.Stamp(now.Add(-24*time.Hour))).Scan(ctx, &mine)
	seen := map[string]bool{}
	var out []string
	for _, s := range append(undecided, mine...) {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out, err
}

// settleEpisode moves an episode on, only from the state that was read.
func settleEpisode(ctx context.Context, tx database.Tx, e Episode, to State, why Because, now time.Time) error {
	res, err := tx.NewUpdate().Model((*Episode)(nil)).Set("state = ?, because = ?, settled_at = ?", to, why, database.Stamp(now)).
		Where("e.school = ? AND e.id = ? AND e.state = ?", e.School, e.ID, e.State).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errors.New("alert: the episode moved meanwhile"))
	}
	return nil
}

// lettersOf lists what vouches for the letters of episodes.
func lettersOf(ctx context.Context, tx database.Tx, school string, episodes []string) ([]letterRow, error) {
	if len(episodes) == 0 {
		return nil, nil
	}
	var rows []letterRow
	err := tx.NewSelect().Model(&rows).Where("w.school = ? AND w.episode IN (?)", school, bun.List(episodes)).Order("letter").Scan(ctx)
	return rows, err
}

// lettersByID reads what vouches for letters of a school, by letter.
func lettersByID(ctx context.Context, tx database.Tx, school string, ids []string) (map[string]letterRow, error) {
	var rows []letterRow
	err := tx.NewSelect().Model(&rows).Where("w.school = ? AND w.letter IN (?)", school, bun.List(ids)).Scan(ctx)
	out := map[string]letterRow{}
	for _, w := range rows {
		out[w.Letter] = w
	}
	return out, err
}

// letterByID reads what vouches for a letter. ErrNotFound.
func letterByID(ctx context.Context, tx database.Tx, school, id string) (letterRow, error) {
	rows, err := lettersByID(ctx, tx, school, []string{id})
	w, ok := rows[id]
	if err == nil && !ok {
		err = ErrNotFound
	}
	return w, err
}

// OpenCalls lists the families to telephone, oldest first.
func OpenCalls(ctx context.Context, tx database.Tx, school string) ([]Call, error) {
	var rows []Call
	err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.outcome = ''", school).Order("opened_at", "id").Scan(ctx)
	return rows, err
}

func callsOf(ctx context.Context, tx database.Tx, school string, episodes []string) ([]Call, error) {
	if len(episodes) == 0 {
		return nil, nil
	}
	var rows []Call
	err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.episode IN (?)", school, bun.List(episodes)).Order("opened_at", "id").Scan(ctx)
	return rows, err
}

// DecisionOf gives what was decided about a mark.
func DecisionOf(ctx context.Context, tx database.Tx, school string, mark int64) (Decision, bool, error) {
	d := Decision{School: school, Mark: mark}
	err := tx.NewSelect().Model(&d).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return d, false, nil
	}
	return d, err == nil, err
}

// AtRest tells whether nothing is left to be decided or told now, in any school: every mark
// is decided, and what is held waits for its time or for the breaker.
func AtRest(ctx context.Context, tx database.Tx, now time.Time) (bool, error) {
	undecided, err := attendance.SchoolsUndecided(ctx, tx)
	if err != nil || len(undecided) > 0 {
		return false, err
	}
	var due []Episode
	if err := tx.NewSelect().Model(&due).Where("e.state = ? AND e.leaves_at <= ?", Held, database.Stamp(now)).Scan(ctx); err != nil {
		return false, err
	}
	for _, e := range due {
		trips, err := Trips(ctx, tx, e.School, e.day())
		if err != nil || !trippedOf(openTrips(trips), e) {
			return false, err
		}
	}
	open, err := tx.NewSelect().Model((*Correct)(nil)).Where("done_at IS NULL").Exists(ctx)
	return !open, err
}

// findings gives what was found of the absences from classes at home among marks, by number.
func findings(ctx context.Context, tx database.Tx, school string, of map[string][]attendance.Mark) (map[int64]attendance.Finding, error) {
	var ns []int64
	for _, marks := range of {
		for _, k := range marks {
			if k.AtHome && k.Value == attendance.Absent {
				ns = append(ns, k.N)
			}
		}
	}
	return attendance.HomeFindings(ctx, tx, school, ns)
}
