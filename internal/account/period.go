package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// Period is from which day until which a role is held, both of them in it, in the school's
// dates. From empty: since ever; Until empty: no end.
type Period struct{ From, Until string }

// Refusals of a period.
var (
	// ErrPeriod: the password was right, and the role is not held today.
	ErrPeriod = errors.New("account: the role is not held today")
	// ErrFrom and ErrUntil: what was typed is no day, or ends before it begins.
	ErrFrom  = page.Invalid("from", "account.people.period.from.wrong")
	ErrUntil = page.Invalid("until", "account.people.period.until.wrong")
)

// check refuses what is no period.
func (p Period) check() error {
	if !isDay(p.From) {
		return ErrFrom
	}
	if p.Until != "" && (!isDay(p.Until) || p.Until < p.From) {
		return ErrUntil
	}
	return nil
}

func isDay(s string) bool {
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// holds tells whether a day is in the period.
func (p Period) holds(day string) bool {
	return p.From <= day && (p.Until == "" || day <= p.Until)
}

// Period is when the account's role is held.
func (a Account) Period() Period { return Period{a.FromOn, a.UntilOn} }

// Held tells whether the account's role is held on a day of the school.
func (a Account) Held(day string) bool { return a.Period().holds(day) }

// limited tells whether the role has a beginning or an end at all: most have none, and
// nobody need ask in which zone it is for them.
func (p Period) limited() bool { return p.From != "" || p.Until != "" }

// heldNow tells whether an account's role is held at a moment, in its school's zone.
func heldNow(ctx context.Context, tx database.Tx, a Account, now time.Time) (bool, error) {
	if !a.Period().limited() {
		return true, nil
	}
	_, day, err := schoolDay(ctx, tx, a.School, now)
	return a.Held(day), err
}

// given tells whether a role of an account is given for a period: those of staff are. Pupils
// and guardians are what the directory says that they are.
func given(role page.Role) bool {
	return role != page.Operator && role != page.Pupil && role != page.Guardian
}

// ChangePeriod says from when until when an account's role is held. A role that is not held
// today, before or after, has no session: what was signed in then does not come back with
// it. ErrRole for a role that is not given for a period; ErrFrom, ErrUntil.
func (d Desk) ChangePeriod(ctx context.Context, tx database.Tx, s directory.School, id string, p Period) error {
	a, err := d.mine(ctx, tx, s.ID, id)
	if err != nil {
		return err
	}
	if !given(a.Role) {
		return ErrRole
	}
	if p != a.Period() {
		if err := p.check(); err != nil {
			return err
		}
	}
	return d.setPeriod(ctx, tx, s, a, p)
}

func (d Desk) setPeriod(ctx context.Context, tx database.Tx, s directory.School, a Account, p Period) error {
	if p == a.Period() {
		return nil
	}
	day, err := dayIn(s, d.Now)
	if err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*Account)(nil)).Set("from_on = ?", p.From).Set("until_on = ?", p.Until).Where("id = ?", a.ID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if !a.Held(day) || !p.holds(day) {
		if err := endSessions(ctx, tx, d.Now, a.ID, ""); err != nil {
			return err
		}
	}
	return d.note(ctx, tx, a, "period", map[string]string{"role": string(a.Role), "from": p.From, "until": p.Until})
}
