// Package account knows who is asking: accounts, passwords, one-time codes,
// sessions.
//
// Its promise: somebody who signed in once stays signed in for weeks, since a
// signed cookie costs some microseconds to check and a password tens of
// milliseconds of a whole core; a cookie that we did not sign never reaches the
// database; and whoever signs out, changes a password or loses an account is out
// at the next request. What is tried against an account slows that account down
// and never an address: a school is one address. Whether an account exists is
// told to nobody, neither by words nor by work done.
//
// Words: an account is a person of one school in one role, or an operator, who
// has no school. A role of staff is held for a period: days of the school, asked at
// each request. Its identifier is typed, its id is ours. A code is typed once,
// from a printed letter, to choose a password. A session is one browser signed
// in; a device is a browser that has been signed in before, and so is not held
// up by what others try against the account.
//
// How long: on a device of their own, a pupil's or a guardian's session ends 30 days after its
// last use ([SessionIdle]) and 300 days, a school year, after it began ([SessionMax]). Whoever
// works in the school signs in once a day ([SessionStaff]); with a passkey, after two weeks
// without use ([PasskeyIdle]). On a computer that others use too, 10 hours after it
// began ([SessionShared]) or when the browser closes. A code lives 30 days ([CodeLife]).
//
// What matters most (see page.Again) asks for the password or a passkey once more where
// neither was given in the last ten minutes.
//
// What this does not stop: whoever keeps trying can keep strangers' browsers waiting
// before an account. Its owner's own browsers, and a new code, go around that.
//
// Passwords are checked by a bounded number of workers ([Keeper]), half the
// cores: with more, every other page of the school waits.
package account

import (
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/page"
)

// How long things last.
const (
	// SessionIdle: a session that is not used for this long ends. The cookie is
	// signed anew about once a day while it is used, which writes nothing.
	SessionIdle = 30 * 24 * time.Hour
	// SessionMax: no session lives longer, however much it is used.
	SessionMax = 300 * 24 * time.Hour
	// SessionStaff: the same for whoever works in a school, or looks after the installation.
	SessionStaff = 12 * time.Hour
	// PasskeyIdle and PasskeyMax: for them, when they signed in with a passkey on a device of
	// their own.
	PasskeyIdle = 14 * 24 * time.Hour
	PasskeyMax  = 90 * 24 * time.Hour
	// SessionShared: the same on a computer that others use too.
	SessionShared = 10 * time.Hour
	// CodeLife: a one-time code that is not used for this long ends.
	CodeLife = 30 * 24 * time.Hour
)

// Account is one person of one school in one role, or an operator (School and
// Person empty). Several roles are several accounts.
type Account struct {
	bun.BaseModel `bun:"table:account_accounts,alias:a"`
	ID            string `bun:",pk"`
	School        string `bun:",nullzero"`
	Person        string `bun:",nullzero"` // in directory; empty: nobody of it
	Role          page.Role
	Identifier    string    // as foldIdentifier writes it
	Password      Hash      // empty: none chosen yet
	CodeHash      string    // SHA-256 of the one-time code; empty: none
	CodeExpiresAt time.Time `bun:",nullzero"`
	CreatedAt     time.Time
	DisabledAt    time.Time `bun:",nullzero"`
	FromOn        string    // see Period
	UntilOn       string
}

// Device says what a session is on.
type Device string

// Devices: one's own, one that others use too, one's own that was signed in with a passkey.
const (
	Own     Device = "own"
	Shared  Device = "shared"
	Passkey Device = "passkey"
)

// span is how long a session lives: for so long without use, and in all. idle 0: it is not
// made longer by being used.
type span struct{ idle, most time.Duration }

func spanOf(role page.Role, d Device) span {
	switch family := role == page.Pupil || role == page.Guardian; {
	case d == Shared:
		return span{0, SessionShared}
	case family:
		return span{SessionIdle, SessionMax}
	case d == Passkey:
		return span{PasskeyIdle, PasskeyMax}
	}
	return span{0, SessionStaff}
}

// Session is one browser signed in to an account.
type Session struct {
	bun.BaseModel `bun:"table:account_sessions,alias:s"`
	ID            string `bun:",pk"`
	Account       string
	Browser       string // "Firefox, Android": what its owner recognises it by
	Device        Device
	CreatedAt     time.Time
	ExpiresAt     time.Time // whatever the cookie says
	RevokedAt     time.Time `bun:",nullzero"`
	ProvenAt      time.Time `bun:",nullzero"` // when a password or passkey was last given
}

// Errors that callers tell apart.
var (
	// ErrNone: there is no such account.
	ErrNone = errors.New("account: no such account")
	// ErrTaken: the identifier, or the person in this role, already has an account.
	ErrTaken = errors.New("account: there is already such an account")
	// ErrWrong: identifier and password do not belong together, or the account is
	// not there or has no password: which of these is not said.
	ErrWrong = errors.New("account: wrong identifier or password")
	// ErrDisabled: the password was right, and the account is closed.
	ErrDisabled = errors.New("account: disabled")
	// ErrCode: the code was never issued, was used, was replaced or is too old.
	ErrCode = errors.New("account: not a valid code")
	// ErrBusy: too many people are waiting for their password to be checked.
	ErrBusy = errors.New("account: too many sign-ins at once")
)

// WaitError says that nothing is tried against this account before Until; Many: nothing from
// this browser, or from this address without cookies.
type WaitError struct {
	Until time.Time
	Many  bool
}

// Error tells the moment; the account is not named.
func (e *WaitError) Error() string {
	return fmt.Sprintf("account: nothing is tried before %s", e.Until.UTC().Format(time.RFC3339))
}

// mayIssueCode tells whether somebody in role by may issue a code for an account
// in role of. Whoever issues a code can sign in as that person, so nobody issues
// one for a role that sees more than their own: the secretary looks after families,
// the CPE after supervisors and teachers too, the head after the whole school, the
// operator after heads. That
// both belong to the same school is for the caller to see.
func mayIssueCode(by, of page.Role) bool {
	switch by {
	case page.Operator:
		return of == page.Operator || of == page.Head
	case page.Head:
		return of != page.Operator
	case page.CPE:
		return of == page.Supervisor || of == page.Teacher || of == page.Pupil || of == page.Guardian
	case page.Secretary:
		return of == page.Pupil || of == page.Guardian
	}
	return false
}
