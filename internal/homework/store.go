package homework

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// desk is a lesson as one person meets it.
type desk struct {
	Lesson  Lesson
	Sitting timetable.Sitting
	Writes  bool   // in charge of the sitting
	Steps   []Step // what they may read, in order
	Pupil   string // who works on it: an enrolled pupil; empty: somebody else

	Done     map[int]bool            // of that pupil, by step
	Answers  map[int]map[int]answer  // and by question
	Works    map[int]map[string]Work // by step and pupil: the pupil's own, or of whoever writes it all
	Progress progress                // of whoever writes it
}

// deskOf reads a lesson for somebody. ErrNotFound for whoever is neither in charge, nor
// enrolled, nor told about somebody enrolled, nor the head.
func deskOf(ctx context.Context, tx database.Tx, v page.Viewer, sitting string, now time.Time) (d desk, err error) {
	d.Lesson = Lesson{School: v.School, Sitting: sitting}
	if d.Sitting, err = timetable.ByID(ctx, tx, v.School, sitting); errors.Is(err, timetable.ErrNotFound) {
		return d, ErrNotFound
	} else if err != nil {
		return d, err
	}
	d.Writes = v.ID != "" && d.Sitting.In(v.ID)
	if v.Role == page.Pupil {
		d.Pupil = v.ID
	}
	if may, err := reads(ctx, tx, v, d.Sitting); err != nil {
		return d, err
	} else if !d.Writes && !may {
		return d, ErrNotFound
	}
	if err := tx.NewSelect().Model(&d.Lesson).WherePK().Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return d, err
	}
	if !d.Writes && !d.Lesson.Released(now) {
		return d, nil
	}
	if err := tx.NewSelect().Model(&d.Steps).Where("school = ? AND sitting = ?", v.School, sitting).Order("n").Scan(ctx); err != nil {
		return d, err
	}
	return d, d.readWork(ctx, tx)
}

// reads tells whether somebody who does not write a lesson reads it once it is released.
func reads(ctx context.Context, tx database.Tx, v page.Viewer, s timetable.Sitting) (bool, error) {
	var theirs []string
	switch v.Role {
	case page.Head:
		return true, nil
	case page.Pupil:
		theirs = []string{v.ID}
	case page.Guardian:
		children, err := directory.Children(ctx, tx, v.School, v.ID, s.Day)
		if err != nil {
			return false, err
		}
		for _, c := range children {
			theirs = append(theirs, c.ID)
		}
	default:
		return false, nil
	}
	pupils, err := timetable.Pupils(ctx, tx, v.School, s)
	return slices.ContainsFunc(pupils, func(p directory.Person) bool { return slices.Contains(theirs, p.ID) }), err
}

// touch notes who changed a lesson, and makes its row where there is none.
func touch(ctx context.Context, tx database.Tx, l *Lesson, by string, now time.Time) error {
	l.ChangedBy, l.ChangedAt = by, database.Stamp(now)
	_, err := tx.NewInsert().Model(l).On("CONFLICT (school, sitting) DO UPDATE").
		Set("release_at = EXCLUDED.release_at").Set("changed_by = EXCLUDED.changed_by").Set("changed_at = EXCLUDED.changed_at").Exec(ctx)
	return err
}

// write adds a step, or changes one that is there. ErrTitle, ErrText, ErrSteps, ErrNotFound.
func write(ctx context.Context, tx database.Tx, d desk, s Step, now time.Time) error {
	if err := s.Check(); err != nil {
		return err
	}
	if err := touch(ctx, tx, &d.Lesson, s.ChangedBy, now); err != nil {
		return err
	}
	s.School, s.Sitting, s.ChangedAt = d.Lesson.School, d.Lesson.Sitting, database.Stamp(now)
	if s.N != 0 {
		res, err := tx.NewUpdate().Model(&s).Column("title", "text", "quiz", "work_until", "changed_by", "changed_at").WherePK().Exec(ctx)
		if err := found(res, err); err != nil {
			return err
		}
		if was := slices.IndexFunc(d.Steps, func(o Step) bool { return o.N == s.N }); was >= 0 && d.Steps[was].Quiz == s.Quiz {
			return nil
		}
		// Other questions: what was answered says nothing of them.
		_, err = tx.NewDelete().Model((*answer)(nil)).Where("school = ? AND sitting = ? AND step = ?", s.School, s.Sitting, s.N).Exec(ctx)
		return err
	}
	if len(d.Steps) >= mostSteps {
		return ErrSteps
	}
	s.N = 1
	if n := len(d.Steps); n > 0 {
		s.N = d.Steps[n-1].N + 1
	}
	_, err := tx.NewInsert().Model(&s).Exec(ctx)
	return err
}

// remove takes a step away, and what pupils answered; not one with work that was handed in.
// ErrNotFound, ErrHanded.
func remove(ctx context.Context, tx database.Tx, d desk, n int, by string, now time.Time) error {
	if len(d.Works[n]) > 0 {
		return ErrHanded
	}
	s := Step{School: d.Lesson.School, Sitting: d.Lesson.Sitting, N: n}
	res, err := tx.NewDelete().Model(&s).WherePK().Exec(ctx)
	if err := found(res, err); err != nil {
		return err
	}
	return touch(ctx, tx, &d.Lesson, by, now)
}

func found(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// release lets a lesson be read from a moment on; the zero moment takes it back.
func release(ctx context.Context, tx database.Tx, d desk, at time.Time, by string, now time.Time) error {
	d.Lesson.ReleaseAt = time.Time{}
	if !at.IsZero() {
		d.Lesson.ReleaseAt = database.Stamp(at)
	}
	return touch(ctx, tx, &d.Lesson, by, now)
}

// Any tells whether a school has a released lesson at all.
func Any(ctx context.Context, tx database.Tx, school string, now time.Time) (bool, error) {
	return tx.NewSelect().Model((*Lesson)(nil)).Where("school = ? AND release_at <= ?", school, database.Stamp(now)).Exists(ctx)
}

// OfPupils lists, by their beginning and each once, the sittings of a day whose lesson is
// released and read by any of some pupils.
func OfPupils(ctx context.Context, tx database.Tx, school string, pupils []string, day string, now time.Time) ([]timetable.Sitting, error) {
	groups, err := directory.GroupsOf(ctx, tx, school, pupils, day)
	if err != nil {
		return nil, err
	}
	var theirs []string
	for _, ids := range groups {
		theirs = append(theirs, ids...)
	}
	slices.Sort(theirs)
	sittings, err := timetable.OfGroups(ctx, tx, school, slices.Compact(theirs), day)
	if err != nil || len(sittings) == 0 {
		return nil, err
	}
	ids := make([]string, len(sittings))
	for i, s := range sittings {
		ids[i] = s.ID
	}
	var lessons []Lesson
	if err := tx.NewSelect().Model(&lessons).Where("school = ? AND sitting IN (?)", school, bun.List(ids)).Scan(ctx); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(sittings, func(s timetable.Sitting) bool {
		return !slices.ContainsFunc(lessons, func(l Lesson) bool { return l.Sitting == s.ID && l.Released(now) })
	}), nil
}
