package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// begin opens a session of an account whose password was just proven to be proven.
// ErrWrong when the password was changed meanwhile, ErrDisabled when the account
// was closed, ErrPeriod when its role is not held today.
func begin(ctx context.Context, tx database.Tx, now time.Time, id string, proven Hash, on Device, browser string) (Session, error) {
	a, err := ByID(ctx, tx, id)
	switch {
	case errors.Is(err, ErrNone):
		return Session{}, ErrWrong
	case err != nil:
		return Session{}, err
	case a.Password != proven:
		return Session{}, ErrWrong
	case !a.DisabledAt.IsZero():
		return Session{}, ErrDisabled
	}
	if held, err := heldNow(ctx, tx, a, now); err != nil {
		return Session{}, err
	} else if !held {
		return Session{}, ErrPeriod
	}
	at := database.Stamp(now)
	s := Session{ID: database.NewID(), Account: id, Browser: browser, Device: on, CreatedAt: at, ProvenAt: at,
		ExpiresAt: database.Stamp(now.Add(spanOf(a.Role, on).most))}
	if _, err := tx.NewInsert().Model(&s).Exec(ctx); err != nil {
		return Session{}, fmt.Errorf("account: %w", err)
	}
	return s, nil
}

// seen is what one look at the database says of a session.
type seen struct {
	Account    string
	School     string `bun:",nullzero"`
	Person     string `bun:",nullzero"`
	Role       page.Role
	Identifier string
	DisabledAt time.Time `bun:",nullzero"`
	FromOn     string
	UntilOn    string
	ExpiresAt  time.Time
	RevokedAt  time.Time `bun:",nullzero"`
	Device     Device
	CreatedAt  time.Time
	ProvenAt   time.Time `bun:",nullzero"`
}

// look reads a session and its account by their keys, in one statement; false when
// there is no such session of that account, or it has ended, or the account is
// closed.
func look(ctx context.Context, tx database.Tx, now time.Time, t ticket) (seen, bool, error) {
	var s seen
	err := tx.NewSelect().TableExpr("account_sessions AS s").Join("JOIN account_accounts AS a ON a.id = s.account").
		ColumnExpr("s.account, s.expires_at, s.revoked_at, s.device, s.created_at, s.proven_at, a.school, a.person, a.role, a.identifier, a.disabled_at, a.from_on, a.until_on").
		Where("s.id = ?", t.Session).Scan(ctx, &s)
	if errors.Is(err, sql.ErrNoRows) {
		return seen{}, false, nil
	}
	if err != nil {
		return seen{}, false, fmt.Errorf("account: %w", err)
	}
	// The role decides too, as it is now: whoever was given another one lives by its span.
	over := !now.Before(s.ExpiresAt) || !now.Before(s.CreatedAt.Add(spanOf(s.Role, s.Device).most))
	good := s.Account == t.Account && s.RevokedAt.IsZero() && s.DisabledAt.IsZero() && !over
	return s, good, nil
}

// sessionsOf lists the sessions of an account that have not ended, newest first. One
// that nobody used for SessionIdle is still in it: only its browser knows.
func sessionsOf(ctx context.Context, tx database.Tx, now time.Time, id string) ([]Session, error) {
	var all []Session
	err := tx.NewSelect().Model(&all).Where("s.account = ? AND s.revoked_at IS NULL AND s.expires_at > ?", id, database.Stamp(now)).
		Order("s.created_at DESC", "s.id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return all, nil
}

// prove keeps that the person of a session showed again who they are.
func prove(ctx context.Context, tx database.Tx, now time.Time, session string) error {
	_, err := tx.NewUpdate().Model((*Session)(nil)).Set("proven_at = ?", database.Stamp(now)).Where("id = ? AND revoked_at IS NULL", session).Exec(ctx)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	return nil
}

// endSession ends one session of an account; none is no error.
func endSession(ctx context.Context, tx database.Tx, now time.Time, id, session string) error {
	_, err := tx.NewUpdate().Model((*Session)(nil)).Set("revoked_at = ?", database.Stamp(now)).
		Where("id = ? AND account = ? AND revoked_at IS NULL", session, id).Exec(ctx)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	return nil
}

// endSessions ends every session of an account but one; empty: all of them.
func endSessions(ctx context.Context, tx database.Tx, now time.Time, id, but string) error {
	_, err := tx.NewUpdate().Model((*Session)(nil)).Set("revoked_at = ?", database.Stamp(now)).
		Where("account = ? AND id <> ? AND revoked_at IS NULL", id, but).Exec(ctx)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	return nil
}

// attempts is a Bucket as it is kept.
type attempts struct {
	bun.BaseModel `bun:"table:account_attempts,alias:t"`
	Bucket        string `bun:",pk"`
	Failures      int
	WaitUntil     time.Time
}

// bucket reads a count of failures; none is the zero Bucket.
func bucket(ctx context.Context, tx database.Tx, key string) (Bucket, error) {
	t := attempts{}
	err := tx.NewSelect().Model(&t).Where("t.bucket = ?", key).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Bucket{}, nil
	}
	if err != nil {
		return Bucket{}, fmt.Errorf("account: %w", err)
	}
	return Bucket{Failures: t.Failures, Until: t.WaitUntil}, nil
}

// charge counts a failure. A *WaitError, and nothing counted, when nothing may be tried now:
// another node counted one meanwhile. The row stays locked until the transaction ends.
func charge(ctx context.Context, tx database.Tx, now time.Time, key string) (Bucket, error) {
	now = database.Stamp(now)
	t := attempts{Bucket: key, Failures: 1, WaitUntil: now}
	_, err := tx.NewInsert().Model(&t).On("CONFLICT (bucket) DO UPDATE").Set("failures = t.failures + 1").
		Returning("failures, wait_until").Exec(ctx)
	if err != nil {
		return Bucket{}, fmt.Errorf("account: %w", err)
	}
	before := Bucket{Failures: t.Failures - 1, Until: t.WaitUntil}
	if before.Wait(now) > 0 {
		return before, &WaitError{Until: before.Until}
	}
	after := before.Fail(now)
	_, err = tx.NewUpdate().Model(&attempts{Bucket: key, Failures: after.Failures, WaitUntil: database.Stamp(after.Until)}).WherePK().Exec(ctx)
	if err != nil {
		return Bucket{}, fmt.Errorf("account: %w", err)
	}
	return after, nil
}

// clearBucket forgets the failures: the right password was given.
func clearBucket(ctx context.Context, tx database.Tx, key string) error {
	if _, err := tx.NewDelete().Model((*attempts)(nil)).Where("bucket = ?", key).Exec(ctx); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	return nil
}
