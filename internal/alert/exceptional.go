package alert

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// ExceptionalDay is a day on which a school knows why many are absent: snow, a strike, a
// blockade. Rolls are called, and nobody is told of an absence of that day by a message of this
// program, whenever: closing it keeps a new day from being opened, and lets nothing go. Who
// must be told all the same is telephoned, or reads an announcement that somebody prepares.
type ExceptionalDay struct {
	bun.BaseModel `bun:"table:alert_exceptional,alias:x"`
	School        string `bun:",pk"`
	Day           string `bun:",pk"`
	Reason        string // of ExceptionalReasons
	OpenedBy      string // person
	OpenedAt      time.Time
	ClosedBy      string
	ClosedAt      time.Time `bun:",nullzero"`
}

// Open tells whether it lasts. What it holds, it holds afterwards too.
func (x ExceptionalDay) Open() bool { return x.Day != "" && x.ClosedAt.IsZero() }

// ExceptionalReasons lists why a day may be exceptional, in the order of the page. It is the
// reason that is proposed for the absences of that day too.
func ExceptionalReasons() []string { return []string{"snow", "strike", "blockade", "other"} }

// exceptionalAhead is how many days before one it may be opened: a strike is announced.
const exceptionalAhead = 14

// Refusals of opening and closing one.
var (
	ErrExceptional = errors.New("alert: this day is exceptional already, or was")
	ErrReason      = errors.New("alert: no such reason for an exceptional day")
)

// mayBeExceptional tells whether a day may be opened on another: today, or soon. A day that is
// over has told whom it told.
func mayBeExceptional(day, today string) bool {
	t, err := time.Parse(time.DateOnly, today)
	return err == nil && timetable.CheckDay(day) == nil && day >= today && day <= t.AddDate(0, 0, exceptionalAhead).Format(time.DateOnly)
}

// ExceptionalOn reads whether a day is exceptional, or was for a while.
func ExceptionalOn(ctx context.Context, tx database.Tx, school, day string) (x ExceptionalDay, is bool, err error) {
	err = tx.NewSelect().Model(&x).Where("x.school = ? AND x.day = ?", school, day).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return ExceptionalDay{}, false, nil
	}
	return x, err == nil, err
}

// OpenExceptional says that a day is exceptional. What is held is withdrawn at the next pass,
// and letters about absences of that day that have not begun to leave are recalled here: both
// or neither. Arrivals and corrections of what had left go on. ErrDay, ErrReason,
// ErrExceptional.
func (a *Alert) OpenExceptional(ctx context.Context, tx database.Tx, school, day, reason, by, today string, now time.Time) error {
	switch {
	case !mayBeExceptional(day, today):
		return ErrDay
	case !slices.Contains(ExceptionalReasons(), reason):
		return ErrReason
	}
	if _, is, err := ExceptionalOn(ctx, tx, school, day); err != nil || is {
		return errors.Join(err, ErrExceptional)
	}
	x := ExceptionalDay{School: school, Day: day, Reason: reason, OpenedBy: by, OpenedAt: database.Stamp(now)}
	if _, err := tx.NewInsert().Model(&x).Exec(ctx); err != nil {
		return err
	}
	episodes, err := OfDay(ctx, tx, school, day)
	if err != nil {
		return err
	}
	for _, e := range episodes {
		if e.State != Told {
			continue
		}
		if err := a.courier.Recall(ctx, tx, school, e.ID, courier.Absence, string(Exceptional), now); err != nil {
			return err
		}
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "exceptional.opened", Actor: by, Subject: day, Detail: map[string]string{"reason": reason}})
}

// CloseExceptional says that it is over. It lets nothing of that day go. ErrNotFound.
func (a *Alert) CloseExceptional(ctx context.Context, tx database.Tx, school, day, by string, now time.Time) error {
	x, _, err := ExceptionalOn(ctx, tx, school, day)
	if err != nil {
		return err
	}
	if !x.Open() {
		return ErrNotFound
	}
	_, err = tx.NewUpdate().Model((*ExceptionalDay)(nil)).Set("closed_by = ?, closed_at = ?", by, database.Stamp(now)).Where("x.school = ? AND x.day = ?", school, day).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "exceptional.closed", Actor: by, Subject: day})
}

// ExceptionalBanners say on every page of the office that nothing leaves today, and why.
func ExceptionalBanners(ctx context.Context, tx database.Tx, school string, now time.Time) ([]page.Banner, error) {
	x, is, err := ExceptionalOn(ctx, tx, school, timetable.Day(now, page.Zone(ctx)))
	if err != nil || !is {
		return nil, err
	}
	return []page.Banner{{Tone: page.Held, Text: page.T(ctx, "alert.exceptional.banner", "reason", page.T(ctx, "alert.exceptional.reason."+x.Reason)), Href: "/exceptional", Action: page.T(ctx, "alert.exceptional.see")}}, nil
}
