package attendance

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Missed lists the marks that say now that a pupil missed a sitting, from a first day to a last
// one: of each pupil and sitting the last mark counts. An absence from a class at home that may
// be our own doing is not missed. No pupils: of the whole school.
func Missed(ctx context.Context, tx database.Tx, school, from, until string, pupils []string) ([]Mark, error) {
	if pupils != nil && len(pupils) == 0 {
		return nil, nil
	}
	if pupils == nil {
		return missed(ctx, tx, school, from, until, nil)
	}
	var out []Mark
	for part := range slices.Chunk(pupils, 500) {
		rows, err := missed(ctx, tx, school, from, until, part)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

func missed(ctx context.Context, tx database.Tx, school, from, until string, pupils []string) ([]Mark, error) {
	var rows []Mark
	// The value is written out so that SQLite finds the index on absent marks.
	q := tx.NewSelect().Model(&rows).Column("school", "n", "sitting", "day", "pupil", "value").
		Where("k.school = ? AND k.day >= ? AND k.day <= ? AND k.value = 'absent'", school, from, until).
		// The last by its number, one look at an index for each: what PostgreSQL makes of "no
		// later one exists" is seconds as long as it has not counted the table.
		Where("k.n = (SELECT max(m.n) FROM attendance_marks AS m WHERE m.school = k.school AND m.sitting = k.sitting AND m.pupil = k.pupil)").
		// An absence from a class at home is one only where nothing of ours may have caused it.
		Where("NOT (k.at_home AND NOT EXISTS (SELECT 1 FROM attendance_home_findings AS hf WHERE hf.school = k.school AND hf.n = k.n AND hf.finding = 'absent'))").
		Order("k.day", "k.n")
	if pupils != nil {
		// Written out so that SQLite finds the index of what is said of a pupil.
		q = q.Where("k.pupil IN (?) AND k.value <> 'present'", bun.List(pupils))
	}
	return rows, q.Scan(ctx)
}

// LateTimes counts, of one pupil, the sittings to which they came late, from a first day to a
// last one, and the minutes in all.
func LateTimes(ctx context.Context, tx database.Tx, school, pupil, from, until string) (times, minutes int, err error) {
	// The value is written out so that SQLite finds the index of what is said of a pupil.
	err = tx.NewSelect().TableExpr("attendance_marks AS k").ColumnExpr("count(*), coalesce(sum(k.minutes), 0)").
		Where("k.school = ? AND k.pupil = ? AND k.day >= ? AND k.day <= ? AND k.value <> 'present' AND k.value = 'late'", school, pupil, from, until).
		Where("k.n = (SELECT max(m.n) FROM attendance_marks AS m WHERE m.school = k.school AND m.sitting = k.sitting AND m.pupil = k.pupil)").
		Scan(ctx, &times, &minutes)
	return times, minutes, err
}

// Seen is that a roll of a day says that a pupil was there.
type Seen struct{ Pupil, Day string }

// SeenOn lists which pupils the rolls of which days, from a first one to a last one, show present
// or late, each once a day.
func SeenOn(ctx context.Context, tx database.Tx, school, from, until string) (rows []Seen, err error) {
	err = tx.NewSelect().TableExpr("attendance_marks AS k").ColumnExpr("DISTINCT k.pupil, k.day").
		Where("k.school = ? AND k.day >= ? AND k.day <= ? AND k.value IN ('present', 'late')", school, from, until).Scan(ctx, &rows)
	return rows, err
}
