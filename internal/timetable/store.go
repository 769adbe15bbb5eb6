package timetable

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

type groupRow struct {
	bun.BaseModel `bun:"table:timetable_sitting_groups,alias:sg"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	Grp           string `bun:",pk"`
}

type staffRow struct {
	bun.BaseModel `bun:"table:timetable_sitting_staff,alias:ss"`
	School        string    `bun:",pk"`
	Sitting       string    `bun:",pk"`
	Person        string    `bun:",pk"`
	TakenAt       time.Time `bun:",nullzero"`
}

// Add adds sittings with their groups and people in charge. A sitting that Check
// refuses fails the whole.
func Add(ctx context.Context, tx database.Tx, sittings ...Sitting) error {
	rows := make([]Sitting, 0, len(sittings))
	groups := make([]groupRow, 0, len(sittings))
	staff := make([]staffRow, 0, len(sittings))
	for _, s := range sittings {
		if err := s.Check(); err != nil {
			return err
		}
		s.StartsAt, s.EndsAt = database.Stamp(s.StartsAt), database.Stamp(s.EndsAt)
		rows = append(rows, s)
		for _, g := range s.Groups {
			groups = append(groups, groupRow{School: s.School, Sitting: s.ID, Grp: g})
		}
		for _, c := range s.Staff {
			staff = append(staff, staffRow{School: s.School, Sitting: s.ID, Person: c.Person, TakenAt: c.TakenAt})
		}
	}
	if err := insert(ctx, tx, rows); err != nil {
		return fmt.Errorf("timetable: adding sittings: %w", err)
	}
	if err := insert(ctx, tx, groups); err != nil {
		return fmt.Errorf("timetable: adding the groups of sittings: %w", err)
	}
	if err := insert(ctx, tx, staff); err != nil {
		return fmt.Errorf("timetable: adding the staff of sittings: %w", err)
	}
	return nil
}

func insert[T any](ctx context.Context, tx database.Tx, rows []T) error {
	for part := range slices.Chunk(rows, 500) {
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ByID reads a sitting of a school; ErrNotFound.
func ByID(ctx context.Context, tx database.Tx, school, id string) (Sitting, error) {
	rows, err := list(ctx, tx, school, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("t.id = ?", id)
	})
	if err != nil {
		return Sitting{}, err
	}
	if len(rows) == 0 {
		return Sitting{}, ErrNotFound
	}
	return rows[0], nil
}

// OfDay lists the sittings of a school that begin on a day, cancelled ones too, by
// their beginning.
func OfDay(ctx context.Context, tx database.Tx, school, day string) ([]Sitting, error) {
	return list(ctx, tx, school, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("t.day = ?", day)
	})
}

// Between lists the sittings of a school from one day to another, both included, by day,
// cancelled ones too: each day's by their beginning.
func Between(ctx context.Context, tx database.Tx, school, from, until string) (map[string][]Sitting, error) {
	all, err := list(ctx, tx, school, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("t.day >= ? AND t.day <= ?", from, until)
	})
	out := map[string][]Sitting{}
	for _, s := range all {
		out[s.Day] = append(out[s.Day], s)
	}
	return out, err
}

// Begun lists the sittings of a day that began at a moment or before it, without the
// cancelled ones and those that are named.
func Begun(ctx context.Context, tx database.Tx, school, day string, by time.Time, without []string) ([]Sitting, error) {
	return list(ctx, tx, school, func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("t.day = ? AND t.starts_at <= ? AND t.cancelled_at IS NULL", day, database.Stamp(by))
		if len(without) > 0 {
			q = q.Where("t.id NOT IN (?)", bun.List(without))
		}
		return q
	})
}

// OfStaff lists the sittings of a day that a person is in charge of.
func OfStaff(ctx context.Context, tx database.Tx, school, person, day string) ([]Sitting, error) {
	return list(ctx, tx, school, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("t.day = ?", day).Where(
			"EXISTS (SELECT 1 FROM timetable_sitting_staff AS x WHERE x.school = t.school AND x.sitting = t.id AND x.person = ?)", person)
	})
}

// OfGroups lists the sittings of a day in which one of the groups sits: a class, or
// the class and groups of a pupil.
func OfGroups(ctx context.Context, tx database.Tx, school string, groups []string, day string) ([]Sitting, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	return list(ctx, tx, school, func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("t.day = ?", day).Where(
			"EXISTS (SELECT 1 FROM timetable_sitting_groups AS x WHERE x.school = t.school AND x.sitting = t.id AND x.grp IN (?))", bun.List(groups))
	})
}

// list reads sittings with their groups and staff, in three queries for 500 of them.
func list(ctx context.Context, tx database.Tx, school string, only func(*bun.SelectQuery) *bun.SelectQuery) ([]Sitting, error) {
	var rows []Sitting
	err := only(tx.NewSelect().Model(&rows).Where("t.school = ?", school)).Order("t.starts_at", "t.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("timetable: reading sittings: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	at := make(map[string]int, len(rows))
	ids := make([]string, len(rows))
	for i, s := range rows {
		at[s.ID], ids[i] = i, s.ID
	}
	// By the sittings' ids: asked to join or to sort, SQLite begins with the whole year.
	for part := range slices.Chunk(ids, 500) {
		var groups []groupRow
		err = tx.NewSelect().Model(&groups).Where("sg.school = ? AND sg.sitting IN (?)", school, bun.List(part)).Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("timetable: reading the groups of sittings: %w", err)
		}
		for _, g := range groups {
			i := at[g.Sitting]
			rows[i].Groups = append(rows[i].Groups, g.Grp)
		}
		var staff []staffRow
		err = tx.NewSelect().Model(&staff).Where("ss.school = ? AND ss.sitting IN (?)", school, bun.List(part)).Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("timetable: reading the staff of sittings: %w", err)
		}
		for _, c := range staff {
			i := at[c.Sitting]
			rows[i].Staff = append(rows[i].Staff, Charge{Person: c.Person, TakenAt: c.TakenAt})
		}
	}
	for i := range rows {
		slices.Sort(rows[i].Groups)
		slices.SortFunc(rows[i].Staff, func(a, b Charge) int { return cmp.Compare(a.Person, b.Person) })
	}
	return rows, nil
}

// Pupils lists, by name and each once, the pupils who are expected in a sitting by
// their groups on its day.
func Pupils(ctx context.Context, tx database.Tx, school string, s Sitting) ([]directory.Person, error) {
	return directory.GroupPupils(ctx, tx, school, s.Groups, s.Day)
}

// Take puts a person in charge of a sitting beside those who are, and records when. It
// changes nothing for who is in charge already. ErrNotFound, ErrCancelled.
func Take(ctx context.Context, tx database.Tx, school, sitting, person string, now time.Time) error {
	s, err := ByID(ctx, tx, school, sitting)
	switch {
	case err != nil:
		return err
	case s.Cancelled():
		return ErrCancelled
	case s.In(person):
		return nil
	}
	row := staffRow{School: school, Sitting: sitting, Person: person, TakenAt: database.Stamp(now)}
	if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("timetable: taking a sitting over: %w", err)
	}
	return nil
}

// Cancel says that a sitting does not take place. The first time holds. ErrNotFound.
func Cancel(ctx context.Context, tx database.Tx, school, sitting string, now time.Time) error {
	if _, err := ByID(ctx, tx, school, sitting); err != nil {
		return err
	}
	_, err := tx.NewUpdate().Model((*Sitting)(nil)).Set("cancelled_at = ?", database.Stamp(now)).
		Where("school = ? AND id = ? AND cancelled_at IS NULL", school, sitting).Exec(ctx)
	return err
}

// relabel changes the short label of a sitting, which messages use. ErrNotFound,
// ErrLabel.
func relabel(ctx context.Context, tx database.Tx, school, sitting, short string) error {
	if !fitsMessage(short) {
		return ErrLabel
	}
	res, err := tx.NewUpdate().Model((*Sitting)(nil)).Set("short_label = ?", short).
		Where("school = ? AND id = ?", school, sitting).Exec(ctx)
	return changed(res, err)
}

// AddClosure records closures.
func AddClosure(ctx context.Context, tx database.Tx, closures ...Closure) error {
	for _, c := range closures {
		if err := c.Check(); err != nil {
			return err
		}
	}
	return insert(ctx, tx, closures)
}

// removeClosure takes a closure back. ErrNotFound.
func removeClosure(ctx context.Context, tx database.Tx, school, id string) error {
	res, err := tx.NewDelete().Model((*Closure)(nil)).Where("school = ? AND id = ?", school, id).Exec(ctx)
	return changed(res, err)
}

// Closures lists the closures of a school that end on or after a day, by their
// beginning.
func Closures(ctx context.Context, tx database.Tx, school, since string) ([]Closure, error) {
	var rows []Closure
	err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.until_on >= ?", school, since).Scan(ctx)
	slices.SortFunc(rows, func(a, b Closure) int {
		return cmp.Or(cmp.Compare(a.FromOn, b.FromOn), cmp.Compare(a.ID, b.ID))
	})
	return rows, err
}

// IsClosed tells whether a school is closed on a day. A Sunday without a sitting is
// not a closure.
func IsClosed(ctx context.Context, tx database.Tx, school, day string) (bool, error) {
	return tx.NewSelect().Model((*Closure)(nil)).
		Where("c.school = ? AND c.from_on <= ? AND c.until_on >= ?", school, day, day).Exists(ctx)
}

func changed(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotFound
	}
	return nil
}

// Teaching is that somebody is in charge of a sitting of a group; empty: of none.
type Teaching struct{ Person, Group string }

// InCharge lists who is in charge of a sitting of a day that begins before one moment and
// ends after another, and of which groups: who has a class about now.
func InCharge(ctx context.Context, tx database.Tx, school, day string, ends, begins time.Time) (all []Teaching, err error) {
	err = tx.NewRaw(`SELECT DISTINCT s.person AS person, COALESCE(g.grp, '') AS "group" FROM timetable_sittings AS t
		JOIN timetable_sitting_staff AS s ON s.school = t.school AND s.sitting = t.id
		LEFT JOIN timetable_sitting_groups AS g ON g.school = t.school AND g.sitting = t.id
		WHERE t.school = ? AND t.day = ? AND t.starts_at <= ? AND t.ends_at >= ? AND t.cancelled_at IS NULL`, school, day, database.Stamp(begins), database.Stamp(ends)).Scan(ctx, &all)
	return all, err
}
