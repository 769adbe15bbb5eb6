package courier

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// Stop is one press of the office: no absence letter and no notice begins to leave after
// its commit, on any node. It is lifted by two persons.
type Stop struct {
	bun.BaseModel `bun:"table:courier_stops,alias:s"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	By            string // person
	At            time.Time
	Lifting
}

// Lock is the fence of one school: nothing of any kind leaves. It is lifted by two
// persons.
type Lock struct {
	bun.BaseModel `bun:"table:courier_locks,alias:k"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Why           Why
	At            time.Time
	Lifting
}

// Lifting is what two persons do to a stop or a lock: one asks, another lifts.
type Lifting struct {
	AskedBy  string
	AskedAt  time.Time `bun:",nullzero"`
	LiftedBy string
	LiftedAt time.Time `bun:",nullzero"`
}

// Why a school's transports are locked.
type Why string

// Reasons of a lock.
const (
	WhyIdentity Why = "identity" // the database is not the one that its folder knows
	WhyMachine  Why = "machine"  // the folder was moved to another machine
	WhyFolder   Why = "folder"   // the folder was copied or moved on this machine
	WhyJournal  Why = "journal"  // the journal is older than what the folder remembers
	WhyBehind   Why = "behind"   // the clock is behind what was written last
	WhyAhead    Why = "ahead"    // the clock is days ahead of what was written last
	WhyBound    Why = "bound"    // the carrier says that another program is connected as us
	WhyGone     Why = "gone"     // the school left this installation: never lifted
	WhyTripwire Why = "tripwire" // an address that belongs to nobody was about to be written to
)

var (
	// ErrSecond: a stop or a lock is lifted by another person than the one who asked, and
	// only after somebody asked.
	ErrSecond = errors.New("courier: a second person lifts")
	// ErrOpen: there is nothing to lift.
	ErrOpen = errors.New("courier: nothing is stopped")
)

// Bury makes a school's queue void and locks it for good: it left. It gives how many
// letters became void.
func (c *Courier) Bury(ctx context.Context, tx database.Tx, school string, now time.Time) (int, error) {
	waiting, err := tx.NewSelect().Model((*Letter)(nil)).Where("l.school = ? AND l.state = ?", school, Waiting).Count(ctx)
	if err != nil {
		return 0, err
	}
	if k, locked, err := LockOf(ctx, tx, school); err != nil || locked && k.Why == WhyGone {
		return 0, err
	} else if locked {
		// Another lock's second person must not open what is buried: it is lifted by name.
		if _, err := tx.NewUpdate().Model((*Lock)(nil)).Set("asked_by = 'courier', asked_at = ?", database.Stamp(now)).Where("k.school = ? AND k.id = ?", school, k.ID).Exec(ctx); err != nil {
			return 0, err
		}
		k.AskedBy = "courier"
		if err := c.lift(ctx, tx, (*Lock)(nil), "fence", school, k.ID, k.Lifting, "burial", now); err != nil {
			return 0, err
		}
	}
	return int(waiting), c.Lock(ctx, tx, school, WhyGone, now)
}

// MayLift tells whether a person may lift what another asked to be lifted.
func (l Lifting) MayLift(by string) bool { return l.AskedBy != "" && by != "" && by != l.AskedBy }

// Stop keeps every absence letter and notice that has not begun to leave. by is a
// person. A second press changes nothing.
func (c *Courier) Stop(ctx context.Context, tx database.Tx, school, by string, now time.Time) (Stop, error) {
	if s, open, err := StopOf(ctx, tx, school); err != nil || open {
		return s, err
	}
	s := Stop{School: school, ID: database.NewID(), By: by, At: database.Stamp(now)}
	if _, err := tx.NewInsert().Model(&s).Exec(ctx); err != nil {
		return s, err
	}
	return s, c.journal.Append(ctx, tx, school, now, journal.Deed{Act: "stop.pressed", Actor: by, Subject: s.ID})
}

// StopOf gives the stop in force.
func StopOf(ctx context.Context, tx database.Tx, school string) (s Stop, open bool, err error) {
	err = tx.NewSelect().Model(&s).Where("s.school = ? AND s.lifted_at IS NULL", school).Scan(ctx)
	return s, err == nil, noRows(err)
}

// AskLift asks for the stop to be lifted. ErrOpen.
func (c *Courier) AskLift(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	s, open, err := StopOf(ctx, tx, school)
	if err != nil || !open {
		return errors.Join(err, ErrOpen)
	}
	return c.ask(ctx, tx, (*Stop)(nil), "stop", school, s.ID, by, now)
}

// Lift lifts the stop, by another person than the one who asked. ErrOpen, ErrSecond.
func (c *Courier) Lift(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	s, open, err := StopOf(ctx, tx, school)
	if err != nil || !open {
		return errors.Join(err, ErrOpen)
	}
	return c.lift(ctx, tx, (*Stop)(nil), "stop", school, s.ID, s.Lifting, by, now)
}

// Lock locks a school's transports, and makes what waits void: its families are
// telephoned. A school that is locked stays locked for its first reason.
func (c *Courier) Lock(ctx context.Context, tx database.Tx, school string, why Why, now time.Time) error {
	_, open, err := LockOf(ctx, tx, school)
	if err != nil || open {
		return err
	}
	k := Lock{School: school, ID: database.NewID(), Why: why, At: database.Stamp(now)}
	if _, err := tx.NewInsert().Model(&k).Exec(ctx); err != nil {
		return err
	}
	if err := c.journal.Append(ctx, tx, school, now, journal.Deed{Act: "fence.locked", Actor: "courier", Subject: k.ID, Detail: map[string]string{"why": string(why)}}); err != nil {
		return err
	}
	return c.voidWaiting(ctx, tx, school, BecauseFenced, now)
}

// LockAll locks every school of the installation, each in its own transaction.
func (c *Courier) LockAll(ctx context.Context, why Why) error {
	var schools []string
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		return tx.NewRaw("SELECT id FROM database_schools WHERE id <> ? ORDER BY id", database.Installation).Scan(ctx, &schools)
	})
	for _, school := range schools {
		err = errors.Join(err, c.db.InSchool(database.Urgent(ctx), school, func(ctx context.Context, tx database.Tx) error {
			return c.Lock(ctx, tx, school, why, c.now())
		}))
	}
	if err != nil {
		return fmt.Errorf("courier: fence: %w", err)
	}
	return nil
}

// LockOf gives the lock in force.
func LockOf(ctx context.Context, tx database.Tx, school string) (k Lock, locked bool, err error) {
	err = tx.NewSelect().Model(&k).Where("k.school = ? AND k.lifted_at IS NULL", school).Scan(ctx)
	return k, err == nil, noRows(err)
}

// AskUnlock asks for the transports to be armed again. ErrOpen.
func (c *Courier) AskUnlock(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	k, locked, err := LockOf(ctx, tx, school)
	if err != nil || !locked || k.Why == WhyGone {
		return errors.Join(err, ErrOpen)
	}
	return c.ask(ctx, tx, (*Lock)(nil), "fence", school, k.ID, by, now)
}

// Unlock arms the transports again, by another person than the one who asked. ErrOpen,
// ErrSecond.
func (c *Courier) Unlock(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	k, locked, err := LockOf(ctx, tx, school)
	if err != nil || !locked || k.Why == WhyGone {
		return errors.Join(err, ErrOpen)
	}
	return c.lift(ctx, tx, (*Lock)(nil), "fence", school, k.ID, k.Lifting, by, now)
}

func (c *Courier) ask(ctx context.Context, tx database.Tx, model any, what, school, id, by string, now time.Time) error {
	_, err := tx.NewUpdate().Model(model).Set("asked_by = ?, asked_at = ?", by, database.Stamp(now)).Where("school = ? AND id = ? AND lifted_at IS NULL", school, id).Exec(ctx)
	if err != nil {
		return err
	}
	return c.journal.Append(ctx, tx, school, now, journal.Deed{Act: what + ".asked", Actor: by, Subject: id})
}

func (c *Courier) lift(ctx context.Context, tx database.Tx, model any, what, school, id string, l Lifting, by string, now time.Time) error {
	if !l.MayLift(by) {
		return ErrSecond
	}
	res, err := tx.NewUpdate().Model(model).Set("lifted_by = ?, lifted_at = ?", by, database.Stamp(now)).Where("school = ? AND id = ? AND lifted_at IS NULL", school, id).Exec(ctx)
	if err = one(res, err); err != nil {
		return err
	}
	return c.journal.Append(ctx, tx, school, now, journal.Deed{Act: what + ".lifted", Actor: by, Subject: id, Detail: map[string]string{"asked": l.AskedBy}})
}

func (c *Courier) voidWaiting(ctx context.Context, tx database.Tx, school, because string, now time.Time) error {
	return c.voidWhere(ctx, tx, school, because, now, func(q *bun.SelectQuery) *bun.SelectQuery { return q })
}

// Hold keeps absence letters of subjects that have not begun to leave, in the name of
// what holds them (its id). They keep their time: what is held too long expires. It
// gives how many it held.
func (c *Courier) Hold(ctx context.Context, tx database.Tx, school string, refs []string, by string, now time.Time) (int, error) {
	if len(refs) == 0 {
		return 0, nil
	}
	return c.holdWhere(ctx, tx, school, by, now, "letters.held", func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("held_by = ?", by).Where("l.ref IN (?) AND l.kind = ? AND l.held_by = ''", bun.List(refs), Absence)
	})
}

// Release lets what was held in the name of something leave. It gives how many.
func (c *Courier) Release(ctx context.Context, tx database.Tx, school, by string, now time.Time) (int, error) {
	return c.holdWhere(ctx, tx, school, by, now, "letters.released", func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("held_by = ''").Where("l.held_by = ?", by)
	})
}

func (c *Courier) holdWhere(ctx context.Context, tx database.Tx, school, by string, now time.Time, act string, which func(*bun.UpdateQuery) *bun.UpdateQuery) (int, error) {
	res, err := which(tx.NewUpdate().Model((*Letter)(nil)).Where("l.school = ? AND l.state IN (?)", school, bun.List([]State{Waiting, Unsure}))).Exec(ctx)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil || n == 0 {
		return 0, err
	}
	return int(n), c.journal.Append(ctx, tx, school, now, journal.Deed{Act: act, Actor: "courier", Subject: by, Detail: map[string]string{"letters": fmt.Sprint(n)}})
}

// doors is what keeps letters of a school, whoever they are for.
type doors struct{ stopped, locked bool }

// readDoors asks in one question: it is asked before each letter is written.
func readDoors(ctx context.Context, tx database.Tx, school string) (d doors, err error) {
	err = tx.NewRaw(`SELECT EXISTS (SELECT 1 FROM courier_stops WHERE school = ? AND lifted_at IS NULL),
		EXISTS (SELECT 1 FROM courier_locks WHERE school = ? AND lifted_at IS NULL)`, school, school).Scan(ctx, &d.stopped, &d.locked)
	return d, err
}

var errStopped = errors.New("stopped at the last look")

// mayStillLeave is the last look before a letter is written. What cannot be read keeps it.
func (c *Courier) mayStillLeave(ctx context.Context, e Errand) error {
	return c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		d, err := readDoors(ctx, tx, e.Letter.School)
		if err == nil && (d.locked || (d.stopped && e.Letter.Kind.Stoppable())) {
			return errStopped
		}
		return err
	})
}

// pausing tells whether a program that was just started still lets people see what it
// found waiting.
func (c *Courier) pausing(now time.Time) bool { return now.Unix() < c.resumes.Load() }

// Resumes is when letters that this program found waiting begin to leave; the zero time
// when they may already.
func (c *Courier) Resumes() time.Time {
	if at := time.Unix(c.resumes.Load(), 0); c.pausing(c.now()) {
		return at
	}
	return time.Time{}
}

// wakeSlowly makes void what lost its time while no program ran, before anything leaves,
// and pauses if there is more.
func (c *Courier) wakeSlowly(ctx context.Context) error {
	var late []Letter
	var waiting int64
	now := c.now()
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		q := tx.NewSelect().Model(&late).Where("l.state IN ('waiting', 'unsure') AND l.state = ? AND l.expires_at <= ?", Waiting, database.Stamp(now))
		if err = q.Scan(ctx); err != nil {
			return err
		}
		waiting, err = tx.NewSelect().Model((*Letter)(nil)).Where("l.state IN ('waiting', 'unsure') AND l.state = ?", Waiting).Count(ctx)
		return err
	})
	for _, l := range late {
		if err != nil {
			break
		}
		err = c.db.InSchool(ctx, l.School, func(ctx context.Context, tx database.Tx) error {
			still, err := ByID(ctx, tx, l.School, l.ID)
			if err != nil || still.State != Waiting {
				return err
			}
			return c.void(ctx, tx, still, BecauseExpired, now)
		})
	}
	if err != nil {
		return fmt.Errorf("courier: what waited: %w", err)
	}
	if waiting -= int64(len(late)); waiting > 0 && c.pause > 0 {
		c.resumes.Store(now.Add(c.pause).Unix())
		c.log.Warn("courier: letters were waiting; they leave after a pause", "letters", waiting, "pause", c.pause)
	}
	if len(late) > 0 {
		c.log.Warn("courier: letters had waited for too long; they are void", "letters", len(late))
	}
	return nil
}

func noRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
