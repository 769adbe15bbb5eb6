package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// Create adds an account and returns it as it was kept. CreatedAt is the given
// clock's; an empty ID is made; an empty Identifier is made from the person's
// name. ErrTaken when the identifier, or the person in this role, has one already.
func Create(ctx context.Context, tx database.Tx, a Account) (Account, error) {
	switch {
	case a.CreatedAt.IsZero():
		return Account{}, errors.New("account: an account is created at a time")
	case a.School == "" && (a.Role != page.Operator || a.Person != ""):
		return Account{}, fmt.Errorf("account: a %s belongs to a school", a.Role)
	}
	a.CreatedAt = database.Stamp(a.CreatedAt)
	if a.ID == "" {
		a.ID = database.NewID()
	}
	if a.Identifier != "" {
		if a.Identifier = foldIdentifier(a.Identifier); len(a.Identifier) > maxIdentifier+10 {
			return Account{}, fmt.Errorf("account: an identifier has %d characters at most", maxIdentifier+10)
		}
		added, err := add(ctx, tx, a)
		if err != nil || added {
			return a, err
		}
		return Account{}, ErrTaken
	}
	if a.Person == "" {
		return Account{}, errors.New("account: an account of nobody needs an identifier")
	}
	p, err := directory.PersonByID(ctx, tx, a.School, a.Person)
	if err != nil {
		return Account{}, fmt.Errorf("account: %w", err)
	}
	base := identifierFor(p.FirstName, p.LastName)
	for n := 1; ; {
		if n, err = firstFree(ctx, tx, base, n); err != nil {
			return Account{}, err
		}
		a.Identifier = numbered(base, n)
		if added, err := add(ctx, tx, a); err != nil || added {
			return a, err
		}
		// Somebody took it at this very moment, or the person has an account.
		there, err := tx.NewSelect().Model((*Account)(nil)).
			Where("a.school = ? AND a.person = ? AND a.role = ?", a.School, a.Person, a.Role).Exists(ctx)
		if err != nil {
			return Account{}, fmt.Errorf("account: %w", err)
		}
		if there {
			return Account{}, ErrTaken
		}
	}
}

// add says false, and breaks no transaction, when a unique key is taken.
func add(ctx context.Context, tx database.Tx, a Account) (bool, error) {
	res, err := tx.NewInsert().Model(&a).On("CONFLICT DO NOTHING").Exec(ctx)
	return one(res, err)
}

// firstFree is the least number from n on whose identifier nobody has.
func firstFree(ctx context.Context, tx database.Tx, base string, n int) (int, error) {
	const step = 16
	for ; ; n += step {
		names := make([]string, step)
		for i := range names {
			names[i] = numbered(base, n+i)
		}
		var taken []string
		err := tx.NewSelect().Model((*Account)(nil)).Column("identifier").Where("a.identifier IN (?)", bun.List(names)).Scan(ctx, &taken)
		if err != nil {
			return 0, fmt.Errorf("account: %w", err)
		}
		has := map[string]bool{}
		for _, t := range taken {
			has[t] = true
		}
		for i, name := range names {
			if !has[name] {
				return n + i, nil
			}
		}
	}
}

// ByID reads an account; ErrNone.
func ByID(ctx context.Context, tx database.Tx, id string) (Account, error) {
	return account(tx.NewSelect().Where("a.id = ?", id), ctx)
}

// byIdentifier reads the account of an identifier as typed; ErrNone.
func byIdentifier(ctx context.Context, tx database.Tx, typed string) (Account, error) {
	return account(tx.NewSelect().Where("a.identifier = ?", foldIdentifier(typed)), ctx)
}

func account(q *bun.SelectQuery, ctx context.Context) (Account, error) {
	var a Account
	if err := q.Model(&a).Scan(ctx); errors.Is(err, sql.ErrNoRows) {
		return Account{}, ErrNone
	} else if err != nil {
		return Account{}, fmt.Errorf("account: %w", err)
	}
	return a, nil
}

// OfPeople lists the accounts of some people of a school, one per role, by role.
func OfPeople(ctx context.Context, tx database.Tx, school string, people ...string) ([]Account, error) {
	if len(people) == 0 {
		return nil, nil
	}
	var all []Account
	err := tx.NewSelect().Model(&all).Where("a.school = ? AND a.person IN (?)", school, bun.List(people)).Order("a.role", "a.identifier").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return all, nil
}

// OfSchool lists the accounts of a school in one role, by identifier. The school of
// operators is empty.
func OfSchool(ctx context.Context, tx database.Tx, school string, role page.Role) ([]Account, error) {
	var all []Account
	q := tx.NewSelect().Model(&all).Where("a.role = ?", role).Order("a.identifier")
	if school == "" {
		q.Where("a.school IS NULL")
	} else {
		q.Where("a.school = ?", school)
	}
	if err := q.Scan(ctx); err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return all, nil
}

// SetPassword gives an account a password, ends its code and every session of it.
// Make the Hash before the transaction: HashPassword or Keeper.Hash. ErrNone.
func SetPassword(ctx context.Context, tx database.Tx, now time.Time, id string, h Hash) error {
	if _, _, _, err := h.parse(); err != nil {
		return err
	}
	res, err := tx.NewUpdate().Model((*Account)(nil)).Set("password = ?", h).Set("code_hash = ''").Set("code_expires_at = NULL").
		Where("id = ?", id).Exec(ctx)
	if ok, err := one(res, err); err != nil {
		return err
	} else if !ok {
		return ErrNone
	}
	return endSessions(ctx, tx, now, id, "")
}

// IssueCode makes a one-time code with which whoever holds it chooses the account's
// password. It is returned once, in groups to be printed, and kept only as a
// digest; an older code ends, the password that there may be goes on until the
// code is used. ErrNone; ErrDisabled.
func IssueCode(ctx context.Context, tx database.Tx, now time.Time, id string) (code string, err error) {
	code = newCode()
	bare, _ := readCode(code)
	res, err := tx.NewUpdate().Model((*Account)(nil)).Set("code_hash = ?", codeHash(bare)).
		Set("code_expires_at = ?", database.Stamp(now.Add(CodeLife))).Where("id = ? AND disabled_at IS NULL", id).Exec(ctx)
	if ok, err := one(res, err); err != nil {
		return "", err
	} else if !ok {
		if _, err := ByID(ctx, tx, id); err != nil {
			return "", err
		}
		return "", ErrDisabled
	}
	return code, nil
}

// byCode reads the account whose code was typed; ErrCode.
func byCode(ctx context.Context, tx database.Tx, now time.Time, typed string) (Account, error) {
	bare, ok := readCode(typed)
	if !ok {
		return Account{}, ErrCode
	}
	// The second condition is the index's own: without it SQLite would not use it.
	a, err := account(tx.NewSelect().Where("a.code_hash = ? AND a.code_hash <> ''", codeHash(bare)), ctx)
	switch {
	case errors.Is(err, ErrNone):
		return Account{}, ErrCode
	case err != nil:
		return Account{}, err
	case !a.DisabledAt.IsZero() || !now.Before(a.CodeExpiresAt):
		return Account{}, ErrCode
	}
	return a, nil
}

// useCode takes the typed code, gives its account a password and ends its sessions.
// Of two who use one code at once, one gets ErrCode.
func useCode(ctx context.Context, tx database.Tx, now time.Time, typed string, h Hash) (Account, error) {
	a, err := byCode(ctx, tx, now, typed)
	if err != nil {
		return Account{}, err
	}
	// What was read above may be old by now: the row itself decides.
	res, err := tx.NewUpdate().Model((*Account)(nil)).Set("code_hash = ''").
		Where("id = ? AND code_hash = ? AND disabled_at IS NULL", a.ID, a.CodeHash).Exec(ctx)
	if ok, err := one(res, err); err != nil {
		return Account{}, err
	} else if !ok {
		return Account{}, ErrCode
	}
	if err := SetPassword(ctx, tx, now, a.ID, h); err != nil {
		return Account{}, err
	}
	a.Password, a.CodeHash, a.CodeExpiresAt = h, "", time.Time{}
	return a, nil
}

// replacePassword writes a new hash in place of exactly that old one.
func replacePassword(ctx context.Context, tx database.Tx, id string, old, h Hash) (bool, error) {
	res, err := tx.NewUpdate().Model((*Account)(nil)).Set("password = ?", h).
		Where("id = ? AND password = ?", id, old).Exec(ctx)
	return one(res, err)
}

// disable closes an account: nobody signs in to it, its sessions end, its code
// ends. ErrNone. enable opens it again; its password is still there.
func disable(ctx context.Context, tx database.Tx, now time.Time, id string) error {
	res, err := tx.NewUpdate().Model((*Account)(nil)).Set("disabled_at = ?", database.Stamp(now)).
		Set("code_hash = ''").Set("code_expires_at = NULL").Where("id = ?", id).Exec(ctx)
	if ok, err := one(res, err); err != nil {
		return err
	} else if !ok {
		return ErrNone
	}
	return endSessions(ctx, tx, now, id, "")
}

// CloseAll closes every account of a school that leaves, and forgets their passwords. It
// gives how many there were.
func CloseAll(ctx context.Context, tx database.Tx, school string, now time.Time) (int, error) {
	var all []Account
	if err := tx.NewSelect().Model(&all).Where("a.school = ?", school).Scan(ctx); err != nil {
		return 0, fmt.Errorf("account: %w", err)
	}
	for _, a := range all {
		if err := disable(ctx, tx, now, a.ID); err != nil {
			return 0, err
		}
	}
	_, err := tx.NewUpdate().Model((*Account)(nil)).Set("password = ''").Where("school = ?", school).Exec(ctx)
	return len(all), err
}

// enable opens a closed account. ErrNone.
func enable(ctx context.Context, tx database.Tx, id string) error {
	res, err := tx.NewUpdate().Model((*Account)(nil)).Set("disabled_at = NULL").Where("id = ?", id).Exec(ctx)
	if ok, err := one(res, err); err != nil {
		return err
	} else if !ok {
		return ErrNone
	}
	return nil
}

// Purge removes what no longer says anything: sessions that ended, counts of
// failures that are forgotten, codes that are too old.
func Purge(ctx context.Context, tx database.Tx, now time.Time) error {
	now = database.Stamp(now)
	if _, err := tx.NewDelete().Model((*Session)(nil)).Where("expires_at <= ? OR revoked_at <= ?", now, now).Exec(ctx); err != nil {
		return fmt.Errorf("account: purge: %w", err)
	}
	if _, err := tx.NewDelete().Model((*attempts)(nil)).Where("wait_until <= ?", now.Add(-forgetAfter)).Exec(ctx); err != nil {
		return fmt.Errorf("account: purge: %w", err)
	}
	_, err := tx.NewUpdate().Model((*Account)(nil)).Set("code_hash = ''").Set("code_expires_at = NULL").
		Where("code_expires_at <= ?", now).Exec(ctx)
	if err != nil {
		return fmt.Errorf("account: purge: %w", err)
	}
	return nil
}

// one tells whether a statement touched a row.
func one(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, fmt.Errorf("account: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("account: %w", err)
	}
	return n > 0, nil
}

// Open lists every account that can be signed in to, of every school: whom the door knows.
func Open(ctx context.Context, tx database.Tx) ([]Account, error) {
	var all []Account
	err := tx.NewSelect().Model(&all).Column("id", "school", "person", "role", "identifier").Where("a.disabled_at IS NULL").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	return all, nil
}
