package alert

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// AskService asks for the school to be put in service until a day (included). It opens
// nothing: a second person does.
func (a *Alert) AskService(ctx context.Context, tx database.Tx, school, by, untilOn string, now time.Time) error {
	if err := a.CloseService(ctx, tx, school, by, now); err != nil {
		return err
	}
	v := Service{School: school, ID: database.NewID(), AskedBy: by, AskedAt: database.Stamp(now), UntilOn: untilOn}
	if _, err := tx.NewInsert().Model(&v).Exec(ctx); err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "service.asked", Actor: by, Subject: v.ID, Detail: map[string]string{"until": untilOn}})
}

// OpenService puts the school in service, by a second person. ErrSecond.
func (a *Alert) OpenService(ctx context.Context, tx database.Tx, school, by string, byHead, askedByHead bool, now time.Time) error {
	v, ok, err := ServiceOf(ctx, tx, school)
	if err != nil {
		return err
	}
	if !ok || !MayOpen(v, by, byHead, askedByHead) {
		return ErrSecond
	}
	_, err = tx.NewUpdate().Model((*Service)(nil)).Set("opened_by = ?, opened_at = ?", by, database.Stamp(now)).Where("v.school = ? AND v.id = ?", school, v.ID).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "service.opened", Actor: by, Subject: v.ID})
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
