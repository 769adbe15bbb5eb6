package courier

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// claim takes the next letters of a school that may leave and for which there is room,
// in one transaction: everything that could keep one is asked again, its address is
// read, and leaving is committed.
func (c *Courier) claim(ctx context.Context, school string) (errands []Errand, did found, err error) {
	tripped := false
	err = c.db.InSchool(database.Urgent(ctx), school, func(ctx context.Context, tx database.Tx) error {
		now := c.now()
		rooms := c.carriers.rooms(now)
		errands = nil
		doors, err := readDoors(ctx, tx, school)
		if err != nil {
			return err
		}
		kept := func(k Kind) bool { return !doors.locked && (doors.stopped || c.pausing(now)) && k.Stoppable() }
		letters, err := due(ctx, tx, school, now, rooms.channels(c.carriers), kept, mostAtOnce)
		if err != nil || len(letters) == 0 {
			return err
		}
		if did = some; len(letters) == mostAtOnce {
			did = more
		}
		x, err := c.examination(ctx, tx, school, letters, now)
		if err != nil {
			return err
		}
		for _, l := range letters {
			because := x.keeps(c, l, now)
			if doors.locked {
				because = BecauseFenced
			}
			if because != "" {
				if err := c.keepBack(ctx, tx, l, because, now); err != nil {
					return err
				}
				continue
			}
			e := Errand{Letter: l, Address: x.points[l.Contact].Address}
			if tripped = !l.Exercise && directory.Tripwire(l.Channel, e.Address) && !c.carriers.Pretended(); tripped {
				errands, did = nil, some
				return c.Lock(ctx, tx, school, WhyTripwire, now)
			}
			if err := c.choose(ctx, tx, &e, &rooms); err != nil {
				return err
			}
			if e.account == nil {
				did = some // its channel is full by now
				continue
			}
			x.leaves(l)
			errands = append(errands, e)
		}
		return c.leave(ctx, tx, school, errands, now)
	})
	if err == nil && tripped {
		c.log.Error("courier: a letter was about to leave for an address that belongs to nobody: every school is locked", "school", school)
		err = c.LockAll(ctx, WhyTripwire)
	}
	if err != nil {
		return nil, nothing, fmt.Errorf("claim: %w", err)
	}
	for _, e := range errands {
		e.account.expect(1)
		c.step(StepClaimed)
	}
	return errands, did, nil
}

// choose gives an errand its account.
func (c *Courier) choose(ctx context.Context, tx database.Tx, e *Errand, r *rooms) error {
	if e.Letter.Exercise {
		e.account = c.carriers.exercise
		return nil
	}
	last := ""
	if e.Letter.Attempts > 0 && len(c.carriers.by[e.Letter.Channel]) > 1 {
		before, err := Attempts(ctx, tx, e.Letter.School, e.Letter.ID)
		if err != nil {
			return err
		}
		last = before[len(before)-1].Carrier
	}
	e.account = r.take(c.carriers.by[e.Letter.Channel], e.Letter.ID, e.Letter.Attempts, last)
	return nil
}

// examination is what may keep letters from leaving, read for all of them together.
type examination struct {
	points  map[string]directory.ContactPoint
	same    map[string][]string // contact points of the same address
	today   map[string]int      // letters to the address of each contact point
	vouched map[string]string   // by letter; one that is not in it has nobody who answers for it
}

func (c *Courier) examination(ctx context.Context, tx database.Tx, school string, letters []Letter, now time.Time) (x examination, err error) {
	byKind, contacts := map[Kind][]Letter{}, make([]string, len(letters))
	for i, l := range letters {
		byKind[l.Kind] = append(byKind[l.Kind], l)
		contacts[i] = l.Contact
	}
	if x.points, err = directory.PointsByID(ctx, tx, school, contacts); err != nil {
		return x, err
	}
	if x.same, err = directory.SameAddresses(ctx, tx, school, slices.Collect(maps.Values(x.points))); err != nil {
		return x, err
	}
	if x.today, err = lettersSince(ctx, tx, school, x.same, now.Add(-24*time.Hour)); err != nil {
		return x, err
	}
	x.vouched = map[string]string{}
	for kind, some := range byKind {
		if vouch := c.vouch[kind]; vouch != nil {
			because, err := vouch(ctx, tx, some, now)
			if err != nil {
				return x, err
			}
			maps.Copy(x.vouched, because)
		}
	}
	return x, nil
}

// keeps says what keeps a letter from leaving, empty if nothing does: its time, its
// address, how many went there today, whether it is as it was written, and who answers
// for it.
func (x examination) keeps(c *Courier, l Letter, now time.Time) string {
	point, today := x.points[l.Contact], x.today[l.Contact]
	if l.Attempts > 0 {
		today-- // itself
	}
	if because := refusal(l, now, l.Exercise || c.carriers.Has(l.Channel), point, today); because != "" && !(because == BecauseCap && l.Kind != Absence) {
		return because
	}
	because, answered := x.vouched[l.ID]
	if !answered || l.Digest != c.digest(l, point) {
		return BecauseUnvouched
	}
	return because
}

// leaves counts a letter for those that follow it.
func (x examination) leaves(l Letter) {
	if l.Attempts > 0 {
		return // it is counted already
	}
	for _, id := range x.same[l.Contact] {
		x.today[id]++
	}
}

// keepBack makes a waiting letter void. An unsure one may have left: it stays unsure
// and is not tried again.
func (c *Courier) keepBack(ctx context.Context, tx database.Tx, l Letter, because string, now time.Time) error {
	if l.State != Unsure {
		return c.void(ctx, tx, l, because, now)
	}
	return settle(ctx, tx, l, Unsure, "no-answer, "+because, l.DueAt, now)
}

// leave commits, with the transaction, that letters begin to leave: their attempts, and
// a line of the journal for each.
func (c *Courier) leave(ctx context.Context, tx database.Tx, school string, errands []Errand, now time.Time) error {
	if len(errands) == 0 {
		return nil
	}
	ids, attempts, deeds := make([]string, len(errands)), make([]Attempt, len(errands)), make([]journal.Deed, len(errands))
	for i := range errands {
		e := &errands[i]
		l := &e.Letter
		ids[i] = l.ID
		l.State, l.Attempts, l.LeavingAt = Leaving, l.Attempts+1, now
		e.Attempt = l.Attempts
		attempts[i] = Attempt{School: school, Letter: l.ID, N: l.Attempts, Instance: c.instance(), Carrier: e.account.name, StartedAt: database.Stamp(now)}
		if l.Channel == directory.SMS {
			// Never 0, which is none.
			e.reference = uint16(crc32.ChecksumIEEE([]byte(l.ID))%0xffff) + 1
			attempts[i].Provider, attempts[i].Address, attempts[i].Reference = e.account.provider, c.numberDigest(e.Address), int(e.reference)
		}
		deeds[i] = journal.Deed{Act: "letter.leaving", Actor: c.instance(), Subject: l.ID, Detail: detail(*l, e.account.name)}
	}
	// They were read in this transaction, which holds the school: the state is asked again
	// all the same, and the schema asks that attempts go up by one.
	res, err := tx.NewUpdate().Model((*Letter)(nil)).Set("state = ?, attempts = attempts + 1, leaving_at = ?", Leaving, database.Stamp(now)).
		Where("l.school = ? AND l.id IN (?) AND l.state IN (?)", school, bun.List(ids), bun.List([]State{Waiting, Unsure})).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != int64(len(ids)) {
		return errors.Join(err, errMoved)
	}
	if _, err := tx.NewInsert().Model(&attempts).Exec(ctx); err != nil {
		return err
	}
	return c.journal.Append(ctx, tx, school, now, deeds...)
}

// numberDigest stands for a telephone number where only sameness matters.
func (c *Courier) numberDigest(e164 string) string { return c.journal.Digest("number", e164) }

var errTooLate = errors.New("expired at the last look")

// carry speaks to the carrier with no transaction open, and hands on its answer. done is
// called when the answer is committed.
func (c *Courier) carry(ctx context.Context, e Errand, done func()) {
	c.answers <- answered{e, c.speak(ctx, e), done}
}

// speak hands an errand to its carrier, after a last look.
func (c *Courier) speak(ctx context.Context, e Errand) Result {
	var arrived sync.Once
	reached := func() { arrived.Do(func() { e.account.expect(-1) }) }
	heldBack := false
	r := e.account.send(ctx, e, func() (time.Duration, error) {
		reached()
		left := e.Letter.ExpiresAt.Sub(c.now())
		if tooLate(e.Letter, left) {
			heldBack = true
			return 0, errTooLate
		}
		if err := c.mayStillLeave(ctx, e); err != nil {
			heldBack = true
			return 0, err
		}
		c.step(StepWriting)
		return left, nil
	})
	reached()
	if !heldBack {
		e.account.heard(r.Outcome, c.now())
	}
	c.step(StepAnswered)
	return r
}
