package attendance

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// AbsentPupils lists the pupils whose last mark of a day says absent.
func AbsentPupils(ctx context.Context, tx database.Tx, school, day string) ([]string, error) {
	var pupils []string
	// The value is written out so that SQLite finds the index on absent marks.
	err := tx.NewSelect().Model((*Mark)(nil)).Column("pupil").Where("k.school = ? AND k.day = ? AND k.value = 'absent'", school, day).
		Where("NOT EXISTS (SELECT 1 FROM attendance_marks AS m WHERE m.school = k.school AND m.pupil = k.pupil AND m.day = k.day AND m.n > k.n)").
		Order("k.pupil").Scan(ctx, &pupils)
	return pupils, err
}

// OfPupils lists several pupils' marks of one day's sittings, each in order.
func OfPupils(ctx context.Context, tx database.Tx, school string, pupils []string, day string) (map[string][]Mark, error) {
	out := make(map[string][]Mark, len(pupils))
	for part := range slices.Chunk(pupils, 500) {
		var rows []Mark
		err := tx.NewSelect().Model(&rows).Where("k.school = ? AND k.pupil IN (?) AND k.day = ?", school, bun.List(part), day).Order("k.n").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, k := range rows {
			out[k.Pupil] = append(out[k.Pupil], k)
		}
	}
	return out, nil
}

// NotedAbsent lists the pupils of whom a roll of a day said absent at some time, whatever was
// said since.
func NotedAbsent(ctx context.Context, tx database.Tx, school, day string) ([]string, error) {
	var pupils []string
	err := tx.NewSelect().Model((*Mark)(nil)).ColumnExpr("DISTINCT k.pupil").Where("k.school = ? AND k.day = ? AND k.value = 'absent'", school, day).Scan(ctx, &pupils)
	slices.Sort(pupils)
	return pupils, err
}

// Counted gives what some rolls say now, counted, by sitting.
func Counted(ctx context.Context, tx database.Tx, school string, sittings []string) (map[string]Sums, error) {
	if len(sittings) == 0 {
		return nil, nil
	}
	return sumsOf(ctx, tx, school, sittings)
}
