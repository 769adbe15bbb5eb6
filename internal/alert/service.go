package alert

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// schoolYearEnds is the day and month on which pages propose that a service ends.
const schoolYearEnds = "07-04"

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

// AskService asks for the school to be put in service until a day (included). It opens
// nothing: a second person does. by is a person, not an account: somebody with two
// accounts is not two persons. ErrDay: see MayEndOn.
func (a *Alert) AskService(ctx context.Context, tx database.Tx, school, by string, role page.Role, untilOn, today string, now time.Time) error {
	if !MayEndOn(untilOn, today) {
		return ErrDay
	}
	if err := a.CloseService(ctx, tx, school, by, now); err != nil {
		return err
	}
	v := Service{School: school, ID: database.NewID(), AskedBy: by, AskedRole: role, AskedAt: database.Stamp(now), UntilOn: untilOn}
	if _, err := tx.NewInsert().Model(&v).Exec(ctx); err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "service.asked", Actor: by, Subject: v.ID, Detail: map[string]string{"until": untilOn, "role": string(role)}})
}

// OpenService puts the school in service, by a second person. ErrSecond.
func (a *Alert) OpenService(ctx context.Context, tx database.Tx, school, by string, role page.Role, now time.Time) error {
	v, ok, err := ServiceOf(ctx, tx, school)
	if err != nil {
		return err
	}
	if !ok || !MayOpen(v, by, role == page.Head, v.AskedRole == page.Head) {
		return ErrSecond
	}
	_, err = tx.NewUpdate().Model((*Service)(nil)).Set("opened_by = ?, opened_at = ?", by, database.Stamp(now)).Where("v.school = ? AND v.id = ?", school, v.ID).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "service.opened", Actor: by, Subject: v.ID, Detail: map[string]string{"role": string(role)}})
}

// CloseService takes the school out of service at once. One person suffices.
func (a *Alert) CloseService(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	v, ok, err := ServiceOf(ctx, tx, school)
	if err != nil || !ok || !v.ClosedAt.IsZero() {
		return err
	}
	_, err = tx.NewUpdate().Model((*Service)(nil)).Set("closed_by = ?, closed_at = ?", by, database.Stamp(now)).Where("v.school = ? AND v.id = ?", school, v.ID).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "service.closed", Actor: by, Subject: v.ID})
}
