package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door/waits"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Settings are what a Keeper is made of.
type Settings struct {
	DB *database.DB
	// Key signs the cookies: MinKey bytes at random at least, kept outside the
	// database (see Key). Whoever has it can be anybody.
	Key []byte
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
	// Pool is how many passwords are worked on at once; 0 is half the cores.
	Pool int
	// Secure: the site is reached over https; cookies are then marked for it and
	// named so that no other host can set them.
	Secure bool
	// URL is the site's address as people type it, printed in letters; empty: as each
	// request names it.
	URL string
	// Log gets a line for what was refused, with ids only; nil is slog.Default.
	Log *slog.Logger
	// Journal gets a line for each code and password; nil: none is kept.
	Journal *journal.Journal
	// Cost of a password; the zero Cost is right for everything but tests.
	Cost Cost
}

// Keeper signs people in and knows who they are afterwards. It is safe for
// concurrent use.
type Keeper struct {
	db      *database.DB
	keys    keys
	clock   func() time.Time
	pool    *pool
	secure  bool
	url     string
	log     *slog.Logger
	journal *journal.Journal
	cost    Cost
	full    func(http.ResponseWriter, *http.Request, time.Duration) // see WhenFull; nil: a page of ours
	met     atomic.Pointer[met]
	trying  trying
	floods  *floods
	seat    func(*http.Request) string             // see ToldApartBy; nil: by cookies of ours alone
	wait    func(*http.Request) (waits.Wait, bool) // see WaitOf; nil: nobody has waited
	nobody  Hash                                   // checked where there is no password to check
	hashes  atomic.Int64                           // begun since the start: tests see by it that a wrong name costs what a wrong password does
}

// NewKeeper makes a Keeper. It hashes once, which takes tens of milliseconds.
func NewKeeper(s Settings) (*Keeper, error) {
	if len(s.Key) < MinKey {
		return nil, fmt.Errorf("account: the key of sessions has %d bytes, it needs %d", len(s.Key), MinKey)
	}
	if s.Clock == nil {
		s.Clock = time.Now
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	k := &Keeper{db: s.DB, keys: newKeys(s.Key), clock: s.Clock, pool: newPool(s.Pool), secure: s.Secure, url: strings.TrimRight(s.URL, "/"), log: s.Log, journal: s.Journal, cost: s.Cost.orUsual()}
	k.floods = newFloods(k.enrolment)
	k.nobody = HashPassword(newCode(), k.cost)
	return k, nil
}

// WhenFull says what whoever asks is shown while too many passwords wait: their turn,
// and after how long the form comes back by itself. Call it before anything is served.
func (k *Keeper) WhenFull(show func(http.ResponseWriter, *http.Request, time.Duration)) {
	k.full = show
}

// ToldApartBy gives another way to tell browsers apart, beside this package's own cookie: the
// seat that whoever is inside holds. Empty: none. Call it before anything is served.
func (k *Keeper) ToldApartBy(seat func(*http.Request) string) { k.seat = seat }

// met is what is kept in memory of the accounts that there are.
type met struct {
	staff     map[string]page.Role // by identifier: who goes first in the pool
	enrolment map[string]int       // by school: how many come from its address
}

func (k *Keeper) enrolment(school string) int {
	if m := k.met.Load(); m != nil {
		return m.enrolment[school]
	}
	return 0
}

// Meet tells the Keeper which accounts there are: see Open. Whom it has not met waits like
// everybody.
func (k *Keeper) Meet(all []Account) {
	m := &met{staff: map[string]page.Role{}, enrolment: map[string]int{}}
	for _, a := range all {
		if a.Role != page.Guardian {
			m.enrolment[a.School]++
		}
		if a.Role != page.Pupil && a.Role != page.Guardian {
			m.staff[a.Identifier] = a.Role
		}
	}
	k.met.Store(m)
}

// place is where somebody waits for the pool.
type place struct {
	kind     kind
	since    time.Time // when they first came; zero: now
	patience time.Duration
}

// inside is the place of whoever is signed in, or holds the code of a letter.
var inside = place{kind: first, patience: signedPatience}

// placeOf is the place of an identifier as typed. The names of staff go first: of a name it
// can be learnt on a crowded morning, by how long it waits, whether it is one of theirs.
// Each name is tried a few times at most.
func (k *Keeper) placeOf(identifier string, v visitor) place {
	p := place{kind: ordinary, since: v.since, patience: poolPatience}
	if len(v.client.browser) == 0 {
		p.kind = last // whoever came to the page with a browser has a cookie
		return p
	}
	if m := k.met.Load(); m != nil {
		if _, ok := m.staff[identifier]; ok {
			p.kind = first
		}
	}
	return p
}

// Hash makes what is stored of a new password, when a worker of the pool is free.
// ErrBusy, or the context's error.
func (k *Keeper) Hash(ctx context.Context, password string) (Hash, error) {
	leave, err := k.pool.come(ctx, inside.kind, inside.since, inside.patience)
	if err != nil {
		return "", err
	}
	defer leave()
	k.hashes.Add(1)
	var h Hash
	err = k.pool.work(ctx, func() { h = HashPassword(password, k.cost) })
	return h, err
}

// proof says that somebody gave the right password of an account.
type proof struct {
	account Account
	bucket  string // of failures
	failed  bool   // there were some, to be forgotten
	fresh   Hash   // at today's cost, where the stored one is not; else empty
}

// prove checks a password. Whatever is typed, the work is the same: one look at the
// account, two at its count, one hash. ErrWrong (with a
// *WaitError when the next try must wait), *WaitError alone when nothing was tried,
// ErrBusy, or the context's error.
func (k *Keeper) prove(ctx context.Context, typed, password string, d device, at place) (proof, error) {
	identifier := foldIdentifier(typed)
	var p proof
	var count Bucket
	err := k.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		a, err := byIdentifier(ctx, tx, identifier)
		if err != nil && !errors.Is(err, ErrNone) {
			return err
		}
		p.account, p.bucket = a, k.keys.bucketOf(identifier)
		if k.keys.knows(d, a) {
			p.bucket = k.keys.bucketOfDevice(d, a)
		}
		count, err = bucket(ctx, tx, p.bucket)
		return err
	})
	if err != nil {
		return proof{}, err
	}
	if count.Wait(k.clock()) > 0 {
		return p, &WaitError{Until: count.Until}
	}
	leave, err := k.pool.come(ctx, at.kind, at.since, at.patience)
	if err != nil {
		return p, err
	}
	defer leave()
	// Looked at again only now that the work is about to be done: somebody who waits in our
	// line and reloads the page has tried nothing, and what others tried meanwhile counts.
	done, under := k.trying.begin(p.bucket)
	defer done()
	err = k.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		count, err = bucket(ctx, tx, p.bucket)
		return err
	})
	if err != nil {
		return p, err
	}
	if count.Wait(k.clock()) > 0 {
		return p, &WaitError{Until: count.Until}
	}
	if wait := waitAfter(count.Failures + under); wait > 0 && under > 0 {
		return p, &WaitError{Until: k.clock().Add(wait)} // as if those under way had failed
	}
	p.failed = count.Failures > 0
	stored := p.account.Password
	if stored == "" {
		stored = k.nobody
	}
	k.hashes.Add(1)
	right := false
	gone := k.pool.work(ctx, func() { right, err = stored.check(password) })
	if err != nil {
		return p, fmt.Errorf("account %s: %w", p.account.ID, err)
	}
	if gone != nil {
		return p, gone
	}
	if !right || p.account.Password == "" {
		err := k.db.Write(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			count, err = charge(ctx, tx, k.clock(), p.bucket)
			return err
		})
		if _, waits := errors.AsType[*WaitError](err); err != nil && !waits {
			return p, err
		}
		if count.Wait(k.clock()) > 0 {
			// The next try will have to wait: say so now.
			return p, errors.Join(ErrWrong, &WaitError{Until: count.Until})
		}
		return p, ErrWrong
	}
	if stored.stale(k.cost) {
		k.hashes.Add(1)
		return p, k.pool.work(ctx, func() { p.fresh = HashPassword(password, k.cost) })
	}
	return p, nil
}

// settle forgets the failures and keeps the password at today's cost. It returns
// the account with the hash that is now stored.
func (k *Keeper) settle(ctx context.Context, tx database.Tx, p proof) (Account, error) {
	if p.failed {
		if err := clearBucket(ctx, tx, p.bucket); err != nil {
			return Account{}, err
		}
	}
	if p.fresh != "" {
		ok, err := replacePassword(ctx, tx, p.account.ID, p.account.Password, p.fresh)
		if err != nil {
			return Account{}, err
		}
		if ok {
			p.account.Password = p.fresh
		}
	}
	return p.account, nil
}

// visitor is the browser that a sign-in comes from.
type visitor struct {
	device  device
	old     ticket // the session that it is signed in with; its Session may be empty
	browser string
	on      Device    // empty: one's own
	since   time.Time // when they first came with this identifier; zero: now
	client  client
	wait    waits.Wait // in our line, by the machine's clock; without a Ticket: none
}

// signIn checks a password and opens a session.
func (k *Keeper) signIn(ctx context.Context, typed, password string, v visitor) (Account, Session, error) {
	if until := k.floods.wait(k.clock(), v.client); !until.IsZero() {
		err := &WaitError{Until: until, Many: true}
		k.refused(ctx, "sign-in", "", err)
		return Account{}, Session{}, err
	}
	k.floods.tried(k.clock(), v.client)
	p, err := k.prove(ctx, typed, password, v.device, k.placeOf(foldIdentifier(typed), v))
	if errors.Is(err, ErrWrong) {
		k.floods.failed(k.clock(), v.client)
	}
	if err != nil {
		k.refused(ctx, "sign-in", p.account.ID, err)
		return Account{}, Session{}, err
	}
	k.floods.entered(k.clock(), v.client, p.account.School, p.account.ID)
	var a Account
	var s Session
	err = k.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		var err error
		if a, err = k.settle(ctx, tx, p); err != nil {
			return err
		}
		s, err = k.open(ctx, tx, a, v)
		return err
	})
	if err != nil {
		k.refused(ctx, "sign-in", p.account.ID, err)
		return Account{}, Session{}, err
	}
	return a, s, nil
}

// open begins a session and ends the one that the browser had.
func (k *Keeper) open(ctx context.Context, tx database.Tx, a Account, v visitor) (Session, error) {
	now := k.clock()
	if v.old.Session != "" {
		if err := endSession(ctx, tx, now, v.old.Account, v.old.Session); err != nil {
			return Session{}, err
		}
	}
	on := v.on
	if on == "" {
		on = Own
	}
	s, err := begin(ctx, tx, now, a.ID, a.Password, on, v.browser)
	if err != nil {
		return Session{}, err
	}
	return s, k.bindWait(ctx, tx, a, s, v)
}

// firstSignIn takes a one-time code, gives its account the password and opens a
// session. ErrCode, or a refusal of checkPassword.
func (k *Keeper) firstSignIn(ctx context.Context, code, password string, v visitor) (Account, Session, error) {
	a, err := k.byCode(ctx, code)
	if err != nil {
		return a, Session{}, err
	}
	if err := checkPassword(password, a.Identifier); err != nil {
		return a, Session{}, err
	}
	h, err := k.Hash(ctx, password)
	if err != nil {
		k.refused(ctx, "first sign-in", a.ID, err)
		return a, Session{}, err
	}
	var s Session
	used := a
	err = k.inSchoolOf(ctx, a, func(ctx context.Context, tx database.Tx) error {
		var err error
		if used, err = useCode(ctx, tx, k.clock(), code, h); err != nil {
			return err
		}
		if err := clearBucket(ctx, tx, k.keys.bucketOf(used.Identifier)); err != nil {
			return err
		}
		if err := k.note(ctx, tx, used, used.ID, "code-used"); err != nil {
			return err
		}
		s, err = k.open(ctx, tx, used, v)
		return err
	})
	if err != nil {
		k.refused(ctx, "first sign-in", a.ID, err)
		return a, Session{}, err
	}
	return used, s, nil
}

// byCode is the function of that name in a transaction of its own.
func (k *Keeper) byCode(ctx context.Context, code string) (Account, error) {
	var a Account
	err := k.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		var err error
		a, err = byCode(ctx, tx, k.clock(), code)
		return err
	})
	return a, err
}

// changePassword replaces a password by another after the present one was given
// again, and ends every other session of the account.
func (k *Keeper) changePassword(ctx context.Context, id, session, present, next string, d device) (Account, error) {
	var a Account
	err := k.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		a, err = ByID(ctx, tx, id)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	if err := checkPassword(next, a.Identifier); err != nil {
		return Account{}, err
	}
	p, err := k.prove(ctx, a.Identifier, present, d, inside)
	if err != nil {
		k.refused(ctx, "password", id, err)
		return Account{}, err
	}
	h, err := k.Hash(ctx, next)
	if err != nil {
		return Account{}, err
	}
	err = k.inSchoolOf(ctx, a, func(ctx context.Context, tx database.Tx) error {
		p.fresh = ""
		if a, err = k.settle(ctx, tx, p); err != nil {
			return err
		}
		if ok, err := replacePassword(ctx, tx, id, a.Password, h); err != nil {
			return err
		} else if !ok {
			return ErrWrong // somebody else changed it meanwhile
		}
		a.Password = h
		if err := endSessions(ctx, tx, k.clock(), id, session); err != nil {
			return err
		}
		return k.note(ctx, tx, a, id, "password")
	})
	if err != nil {
		return Account{}, err
	}
	return a, nil
}

// inSchoolOf runs fn in the account's school, or in none for an operator.
func (k *Keeper) inSchoolOf(ctx context.Context, a Account, fn func(context.Context, database.Tx) error) error {
	if a.School == "" {
		return k.db.Write(ctx, fn)
	}
	return k.db.InSchool(ctx, a.School, fn)
}

// note writes a line into the journal of the account's school. An operator has no
// school, and so no journal.
func (k *Keeper) note(ctx context.Context, tx database.Tx, a Account, by, act string) error {
	if k.journal == nil || a.School == "" {
		return nil
	}
	return k.journal.Append(ctx, tx, a.School, k.clock(), journal.Deed{Act: "account." + act, Actor: by, Subject: a.ID})
}

// refused logs who was not let in and why: never what they typed.
func (k *Keeper) refused(ctx context.Context, what, id string, err error) {
	why := ""
	switch _, waits := errors.AsType[*WaitError](err); {
	case errors.Is(err, ErrWrong):
		why = "wrong"
	case waits:
		why = "must wait"
	case errors.Is(err, ErrDisabled):
		why = "disabled"
	case errors.Is(err, ErrPeriod):
		why = "not in this role today"
	case errors.Is(err, ErrBusy):
		why = "busy"
	case errors.Is(err, ErrCode):
		why = "code"
	default:
		return // a failure: page.Fail logs it, once
	}
	k.log.InfoContext(ctx, "refused", "what", what, "account", id, "why", why)
}
