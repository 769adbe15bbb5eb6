package attendance

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// Slip is a late slip: the pupil showed up at the office then, on the way to a sitting. It is
// the office's; whoever calls that roll reads the hour.
type Slip struct {
	bun.BaseModel `bun:"table:attendance_slips,alias:sl"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Pupil         string
	Sitting       string // empty: none was on
	ArrivedAt     time.Time
	By            string
}

// slipInside is how long a pupil with a slip is known to be in the building where no sitting
// is on.
const slipInside = time.Hour

// GiveSlip writes that a pupil arrives now: the slip, late on the roll of the sitting that is
// on (s; zero: none), in the building until its end. The roll is not called by that: whoever
// is in charge calls it, and finds the pupil late.
func GiveSlip(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, school, pupil string, s timetable.Sitting, by string) (Slip, error) {
	now = database.Stamp(now)
	slip := Slip{School: school, ID: database.NewID(), Pupil: pupil, Sitting: s.ID, ArrivedAt: now, By: by}
	until := now.Add(slipInside)
	if s.ID != "" {
		until = s.EndsAt
	}
	if _, err := tx.NewInsert().Model(&slip).Exec(ctx); err != nil {
		return Slip{}, err
	}
	detail := map[string]string{"slip": slip.ID, "pupil": pupil}
	if s.ID != "" {
		save := Save{School: school, Sitting: s.ID, Day: s.Day, By: by, Origin: FromOffice}
		marks, err := appendMarks(ctx, tx, now, save, []Entry{{Pupil: pupil, Value: Late, Minutes: minutesLate(s.StartsAt, now)}}, nil)
		if err != nil {
			return Slip{}, err
		}
		if err := keepUndecided(ctx, tx, save, marks); err != nil {
			return Slip{}, err
		}
		detail["marks"] = numbersText(marks)
	}
	if err := State(ctx, tx, j, now, Statement{School: school, Pupil: pupil, Says: Inside, Reason: "office", FromAt: now, UntilAt: until, By: by}); err != nil {
		return Slip{}, err
	}
	return slip, j.Append(ctx, tx, school, now, journal.Deed{Act: "slip", Actor: by, Subject: s.ID, Detail: detail})
}

// SlipByID reads a slip; ErrNotFound.
func SlipByID(ctx context.Context, tx database.Tx, school, id string) (Slip, error) {
	s := Slip{School: school, ID: id}
	err := tx.NewSelect().Model(&s).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return s, ErrNotFound
	}
	return s, err
}

// slipsOf gives when pupils showed up on the way to a sitting, by pupil: the last slip counts.
func slipsOf(ctx context.Context, tx database.Tx, school, sitting string) (map[string]time.Time, error) {
	var rows []Slip
	err := tx.NewSelect().Model(&rows).Where("sl.school = ? AND sl.sitting = ?", school, sitting).Order("arrived_at").Scan(ctx)
	out := make(map[string]time.Time, len(rows))
	for _, s := range rows {
		out[s.Pupil] = s.ArrivedAt
	}
	return out, err
}
