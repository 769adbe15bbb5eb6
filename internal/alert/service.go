package alert

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// schoolYearEnds is the day and month on which pages propose that a service ends.
const schoolYearEnds = "07-04"

// How long a school stays in service without anybody saying that it should, and how long
// before the end Today says so: school days. A system that nobody operates falls silent.
const (
	keptDays     = 10
	announceDays = 3
)

// ProposedEnd is the last day of the school year that a day belongs to: the next 4 July.
func ProposedEnd(day string) string {
	end := day[:4] + "-" + schoolYearEnds
	if end < day {
		if next, err := time.Parse(time.DateOnly, end); err == nil {
			end = next.AddDate(1, 0, 0).Format(time.DateOnly)
		}
	}
	return end
}

// MayEndOn tells whether a service asked for on a day may last until another: it is a
// day, not past, and not after the last one of the school year's summer.
func MayEndOn(until, day string) bool {
	return timetable.CheckDay(until) == nil && day <= until && until <= ProposedEnd(day)[:4]+"-08-31"
}

// ServiceOf gives the service that runs, else the last one that did. One that runs may have
// lapsed: see InService.
func ServiceOf(ctx context.Context, tx database.Tx, school string) (Service, bool, error) {
	return oneService(ctx, tx, school, "v.opened_at IS NOT NULL", "(v.closed_at IS NULL) DESC, v.opened_at DESC")
}

// AskedService gives the service that a second person may open.
func AskedService(ctx context.Context, tx database.Tx, school string) (Service, bool, error) {
	return oneService(ctx, tx, school, "v.opened_at IS NULL AND v.closed_at IS NULL", "v.asked_at DESC")
}

func oneService(ctx context.Context, tx database.Tx, school, which, order string) (v Service, found bool, err error) {
	err = tx.NewSelect().Model(&v).Where("v.school = ?", school).Where(which).OrderExpr(order).Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Service{}, false, nil
	}
	return v, err == nil, err
}

// AskService asks for the school to be put in service until a day (included). It opens
// nothing, a second person does, and it ends nothing: what runs goes on until then. by is a
// person, not an account: somebody with two accounts is not two persons. ErrDay: see
// MayEndOn. ErrRehearse: the school was never in service, and has no rehearsal behind it;
// ErrRehearsing: its rehearsal has not ended.
func (a *Alert) AskService(ctx context.Context, tx database.Tx, school, by string, role page.Role, untilOn, today string, now time.Time) error {
	if !MayEndOn(untilOn, today) {
		return ErrDay
	}
	if h, _, err := RehearsalOf(ctx, tx, school); err != nil || h.Open() {
		return cmp.Or(err, ErrRehearsing)
	}
	if ready, err := Rehearsed(ctx, tx, school); err != nil || !ready {
		return cmp.Or(err, ErrRehearse)
	}
	if err := a.DropService(ctx, tx, school, by, now); err != nil {
		return err
	}
	v := Service{School: school, ID: database.NewID(), AskedBy: by, AskedRole: role, AskedAt: database.Stamp(now), UntilOn: untilOn}
	if _, err := tx.NewInsert().Model(&v).Exec(ctx); err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "service.asked", Actor: by, Subject: v.ID, Detail: map[string]string{"until": untilOn, "role": string(role)}})
}

// OpenService puts the school in service, by a second person; what ran ends with it.
// ErrSecond.
func (a *Alert) OpenService(ctx context.Context, tx database.Tx, school, by string, role page.Role, today string, now time.Time) error {
	v, ok, err := AskedService(ctx, tx, school)
	if err != nil {
		return err
	}
	if !ok || today > v.UntilOn || !MayOpen(v, by, role == page.Head, v.AskedRole == page.Head) {
		return ErrSecond
	}
	if err := a.closeRunning(ctx, tx, school, by, now); err != nil {
		return err
	}
	until, err := keptUntil(ctx, tx, v, today)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Service)(nil)).Set("opened_by = ?, opened_at = ?, kept_by = ?, kept_at = ?, kept_until = ?", by, database.Stamp(now), by, database.Stamp(now), until).
		Where("v.school = ? AND v.id = ?", school, v.ID).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "service.opened", Actor: by, Subject: v.ID, Detail: map[string]string{"role": string(role), "kept": until}})
}

// KeepService keeps the school in service for two more weeks of school days, or puts it
// back when nobody had: one person of the office suffices, since two opened it for the
// year. ErrNotRunning.
func (a *Alert) KeepService(ctx context.Context, tx database.Tx, school, by, today string, now time.Time) error {
	v, ok, err := ServiceOf(ctx, tx, school)
	if err != nil {
		return err
	}
	if !ok || !v.runs() || today > v.UntilOn {
		return ErrNotRunning
	}
	until, err := keptUntil(ctx, tx, v, today)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Service)(nil)).Set("kept_by = ?, kept_at = ?, kept_until = ?", by, database.Stamp(now), max(until, v.KeptUntil)).
		Where("v.school = ? AND v.id = ?", school, v.ID).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "service.kept", Actor: by, Subject: v.ID, Detail: map[string]string{"until": until}})
}

// keptUntil is the last day for which a human act of a day keeps a service.
func keptUntil(ctx context.Context, tx database.Tx, v Service, today string) (string, error) {
	closures, err := timetable.Closures(ctx, tx, v.School, today)
	if err != nil {
		return "", err
	}
	until, err := timetable.SchoolDayAfter(closures, today, keptDays)
	if errors.Is(err, timetable.ErrDay) {
		return v.UntilOn, nil // closed until its end
	}
	return min(until, v.UntilOn), err
}

// CloseService takes the school out of service at once, and drops what was asked for. One
// person suffices.
func (a *Alert) CloseService(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	if err := a.DropService(ctx, tx, school, by, now); err != nil {
		return err
	}
	return a.closeRunning(ctx, tx, school, by, now)
}

// DropService withdraws what was asked for and not opened.
func (a *Alert) DropService(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	v, ok, err := AskedService(ctx, tx, school)
	if err != nil || !ok {
		return err
	}
	return a.close(ctx, tx, v, "service.dropped", by, now)
}

func (a *Alert) closeRunning(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	v, ok, err := ServiceOf(ctx, tx, school)
	if err != nil || !ok || !v.runs() {
		return err
	}
	return a.close(ctx, tx, v, "service.closed", by, now)
}

func (a *Alert) close(ctx context.Context, tx database.Tx, v Service, act, by string, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Service)(nil)).Set("closed_by = ?, closed_at = ?", by, database.Stamp(now)).Where("v.school = ? AND v.id = ?", v.School, v.ID).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, v.School, now, journal.Deed{Act: act, Actor: by, Subject: v.ID})
}

// Keeping says what is to be done about a running service: how many school days are left
// after today, and whether Today asks for a tap.
type Keeping struct {
	Lapsed bool // nobody kept it: nothing is sent
	Ask    bool
	Days   int
	Until  string // last day for which it is kept
}

// keeping reads it. A school whose service does not run has nothing to keep, and neither
// has one whose last day is near: a new period is asked for on its own page.
func keeping(ctx context.Context, tx database.Tx, v Service, today string) (Keeping, error) {
	if !v.runs() || today > v.UntilOn {
		return Keeping{}, nil
	}
	closures, err := timetable.Closures(ctx, tx, v.School, today)
	if err != nil {
		return Keeping{}, err
	}
	k := Keeping{Lapsed: today > v.KeptUntil, Until: v.KeptUntil, Days: timetable.SchoolDays(closures, today, v.KeptUntil)}
	k.Ask = k.Lapsed || k.Days <= announceDays && v.KeptUntil < v.UntilOn
	return k, nil
}
