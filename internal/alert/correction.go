package alert

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// Correct is one press of one person: what was said of a roll, or of everybody in a
// half-day, was a mistake. It names no recipient: those who were told are told again, and
// what is held is withdrawn. It is worked off in the background, and goes on after a crash.
type Correct struct {
	bun.BaseModel `bun:"table:alert_corrections,alias:x"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	HalfDay       string
	Sitting       string // empty: everything of the half-day
	By            string // person
	At            time.Time
	Pupils        int
	DoneAt        time.Time `bun:",nullzero"`
}

// ErrNothingSaid: there is nothing to correct in that scope.
var ErrNothingSaid = errors.New("alert: nothing was said that could be corrected")

// covers tells whether an episode is one that the correction ends: held, told or
// telephoned.
func (x Correct) covers(e Episode) bool {
	return e.HalfDay == x.HalfDay && (x.Sitting == "" || x.Sitting == e.Sitting) && isOpen(e) && !e.FirstAt.After(x.At)
}

// correctable lists the open episodes of a scope.
func correctable(ctx context.Context, tx database.Tx, school string, x Correct) ([]Episode, error) {
	all, err := OfDay(ctx, tx, school, x.HalfDay[:len(time.DateOnly)])
	return slices.DeleteFunc(all, func(e Episode) bool { return !x.covers(e) }), err
}

// PressCorrection says that what was said of a roll, or with an empty sitting of the whole
// half-day that is now, was a mistake. by is a person. It returns at once. ErrNothingSaid.
func (a *Alert) PressCorrection(ctx context.Context, tx database.Tx, school, halfDay, sitting, by string, now time.Time) (Correct, error) {
	x := Correct{School: school, ID: database.NewID(), HalfDay: halfDay, Sitting: sitting, By: by, At: database.Stamp(now)}
	if _, _, err := timetable.HalfDaySpan(halfDay, time.UTC); err != nil {
		return x, ErrNothingSaid
	}
	episodes, err := correctable(ctx, tx, school, x)
	if err != nil {
		return x, err
	}
	if x.Pupils = len(episodes); x.Pupils == 0 {
		return x, ErrNothingSaid
	}
	if _, err := tx.NewInsert().Model(&x).Exec(ctx); err != nil {
		return x, err
	}
	return x, a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "correction.pressed", Actor: by, Subject: x.ID, Detail: map[string]string{
		"half-day": halfDay, "sitting": sitting, "pupils": itoa(int64(x.Pupils))}})
}

// correctAtOnce is how many episodes are ended in one transaction: the first corrections
// leave while the others are written.
const correctAtOnce = 25

// correctOpen works off the corrections that were pressed.
func (a *Alert) correctOpen(ctx context.Context, id string) error {
	for {
		var open []Correct
		err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
			return tx.NewSelect().Model(&open).Where("x.school = ? AND x.done_at IS NULL", id).Order("at", "id").Limit(1).Scan(ctx)
		})
		if err != nil || len(open) == 0 {
			return err
		}
		if err := a.correctSome(ctx, open[0]); err != nil {
			return err
		}
		a.courier.Poke()
		a.step(StepCorrected)
	}
}

// correctSome ends the next episodes of a correction, or the correction itself when there
// are none left.
func (a *Alert) correctSome(ctx context.Context, x Correct) error {
	return a.inSchool(ctx, x.School, func(ctx context.Context, tx database.Tx, _ school, now time.Time) error {
		episodes, err := correctable(ctx, tx, x.School, x)
		if err != nil {
			return err
		}
		for _, e := range episodes[:min(correctAtOnce, len(episodes))] {
			act := "alert." + string(End)
			if e.State == Held {
				act = "alert." + string(Withdraw)
			}
			if err := a.takeBack(ctx, tx, e, now); err != nil {
				return err
			}
			if err := a.journal.Append(ctx, tx, x.School, now, journal.Deed{Act: act, Actor: "alert", Subject: e.ID, Detail: map[string]string{"pupil": e.Pupil, "because": string(Corrected), "correction": x.ID}}); err != nil {
				return err
			}
		}
		if len(episodes) > correctAtOnce {
			return nil
		}
		res, err := tx.NewUpdate().Model((*Correct)(nil)).Set("done_at = ?", database.Stamp(now)).Where("x.school = ? AND x.id = ? AND x.done_at IS NULL", x.School, x.ID).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err // another node was faster
		}
		return a.journal.Append(ctx, tx, x.School, now, journal.Deed{Act: "correction.done", Actor: "alert", Subject: x.ID})
	})
}

// takeBack ends an episode that was a mistake.
func (a *Alert) takeBack(ctx context.Context, tx database.Tx, e Episode, now time.Time) error {
	if e.State == Held {
		return a.withdraw(ctx, tx, e, Corrected, now)
	}
	return a.end(ctx, tx, e, Corrected, now)
}

// corrected tells whether a correction covers an episode that was decided after its press:
// its mark was there already. One that was made without a network and came later was not:
// whoever pressed did not see it.
func corrected(ctx context.Context, tx database.Tx, e Episode, k attendance.Mark) (bool, error) {
	pressed, err := CorrectionsOf(ctx, tx, e.School, e.day())
	return slices.ContainsFunc(pressed, func(x Correct) bool { return x.covers(e) && !k.KnownAt().After(x.At) }), err
}

// ByProgram tells whether the journal proves that the program was wrong and not the
// school: a letter left although the roll that it speaks of said already that the pupil
// was there. marks are the pupil's on that roll, in order.
func ByProgram(marks []attendance.Mark, leftAt time.Time) bool {
	said := attendance.Unsaid
	for _, k := range marks {
		if k.KnownAt().Before(leftAt) {
			said = k.Value
		}
	}
	return said == attendance.Present || said == attendance.Late
}

// CorrectionsOf lists what was corrected on a day, oldest first.
func CorrectionsOf(ctx context.Context, tx database.Tx, school, day string) ([]Correct, error) {
	var rows []Correct
	err := tx.NewSelect().Model(&rows).Where("x.school = ? AND x.half_day IN (?)", school, bun.List([]string{day + "/am", day + "/pm"})).Order("at", "id").Scan(ctx)
	return rows, err
}
