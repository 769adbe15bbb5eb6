package alert

import (
	"context"
	"database/sql"
	"errors"
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
	service Service // zero: none
}

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
	out.service, _, err = ServiceOf(ctx, tx, id)
	return out, err
}

// SetHold sets how long a school's absences are held.
func SetHold(ctx context.Context, tx database.Tx, school string, hold time.Duration) error {
	_, err := tx.NewRaw("INSERT INTO alert_settings (school, hold_seconds) VALUES (?, ?) ON CONFLICT (school) DO UPDATE SET hold_seconds = EXCLUDED.hold_seconds",
		school, int64(hold/time.Second)).Exec(ctx)
	return err
}

// ServiceOf gives the school's last service, opened or asked for.
func ServiceOf(ctx context.Context, tx database.Tx, school string) (Service, bool, error) {
	var v Service
	err := tx.NewSelect().Model(&v).Where("v.school = ?", school).OrderExpr("(v.closed_at IS NULL) DESC, v.asked_at DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Service{}, false, nil
	}
	return v, err == nil, err
}

// facts reads what decisions about a mark look at.
func facts(ctx context.Context, tx database.Tx, s school, k attendance.Mark, now time.Time) (Facts, error) {
	f := Facts{Now: now, Zone: s.zone, Mark: k, Sittings: map[string]timetable.Sitting{}, Hold: s.hold,
		InService: InService(s.service, timetable.Day(now, s.zone))}
	var err error
	if f.Marks, err = attendance.OfPupil(ctx, tx, s.ID, k.Pupil, k.Day); err != nil {
		return f, err
	}
	for _, other := range append(f.Marks, k) {
		if _, ok := f.Sittings[other.Sitting]; !ok {
			if f.Sittings[other.Sitting], err = timetable.ByID(ctx, tx, s.ID, other.Sitting); err != nil {
				return f, err
			}
		}
	}
	f.Sitting = f.Sittings[k.Sitting]
	statements, err := attendance.Statements(ctx, tx, s.ID, []string{k.Pupil}, now)
	if err != nil {
		return f, err
	}
	f.Statements = statements[k.Pupil]
	if f.Closed, err = timetable.IsClosed(ctx, tx, s.ID, timetable.Day(now, s.zone)); err != nil {
		return f, err
	}
	err = tx.NewSelect().Model(&f.Episodes).Where("e.school = ? AND e.pupil = ? AND e.half_day IN (?)", s.ID, k.Pupil, bun.List([]string{k.Day + "/am", k.Day + "/pm"})).
		Order("first_at", "half_day", "seq").Scan(ctx)
	return f, err
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

// letterByID reads what vouches for a letter; ErrNotFound: nobody does.
func letterByID(ctx context.Context, tx database.Tx, school, id string) (letterRow, error) {
	w := letterRow{School: school, Letter: id}
	err := tx.NewSelect().Model(&w).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return w, ErrNotFound
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
