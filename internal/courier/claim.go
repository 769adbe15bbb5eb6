package courier

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// claim takes the next letters of a school that may leave and for which there is room,
// in one transaction: everything that could keep one is asked again, its address is
// read, and leaving is committed. looked is false when there was nothing to look at.
func (c *Courier) claim(ctx context.Context, school string) (errands []Errand, looked bool, err error) {
	err = c.db.InSchool(database.Urgent(ctx), school, func(ctx context.Context, tx database.Tx) error {
		now := c.now()
		rooms := c.carriers.rooms(now)
		errands = nil
		var deeds []journal.Deed
		letters, err := due(ctx, tx, school, now, rooms.channels(c.carriers), mostAtOnce)
		if err != nil {
			return err
		}
		looked = len(letters) > 0
		vouched, err := c.vouched(ctx, tx, letters, now)
		if err != nil {
			return err
		}
		for _, l := range letters {
			point, because, err := c.examine(ctx, tx, l, vouched, now)
			if err != nil {
				return err
			}
			if because != "" {
				if err := c.keepBack(ctx, tx, l, because, now); err != nil {
					return err
				}
				continue
			}
			e := Errand{Letter: l, Address: point.Address}
			if err := c.choose(ctx, tx, &e, &rooms); err != nil {
				return err
			}
			if e.account == nil {
				continue // its channel is full by now
			}
			deed, err := c.leave(ctx, tx, &e, now)
			if err != nil {
				return err
			}
			errands, deeds = append(errands, e), append(deeds, deed)
		}
		return c.journal.Append(ctx, tx, school, now, deeds...)
	})
	if err != nil {
		return nil, false, fmt.Errorf("claim: %w", err)
	}
	for _, e := range errands {
		e.account.expect(1)
		c.step(StepClaimed)
	}
	return errands, looked, nil
}

// choose gives an errand its account.
func (c *Courier) choose(ctx context.Context, tx database.Tx, e *Errand, r *rooms) error {
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

// vouched asks who answers for the letters. A letter that nobody answers for is not in
// what it gives.
func (c *Courier) vouched(ctx context.Context, tx database.Tx, letters []Letter, now time.Time) (map[string]string, error) {
	byKind := map[Kind][]Letter{}
	for _, l := range letters {
		byKind[l.Kind] = append(byKind[l.Kind], l)
	}
	all := map[string]string{}
	for kind, some := range byKind {
		vouch := c.vouch[kind]
		if vouch == nil {
			continue
		}
		because, err := vouch(ctx, tx, some, now)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, because)
	}
	return all, nil
}

// examine asks what keeps a letter from leaving: its time, its address, how many went
// there today, whether it is as it was written, and who answers for it.
func (c *Courier) examine(ctx context.Context, tx database.Tx, l Letter, vouched map[string]string, now time.Time) (directory.ContactPoint, string, error) {
	point, err := directory.PointByID(ctx, tx, l.School, l.Contact)
	if err != nil {
		return point, "", err
	}
	today, err := lettersSince(ctx, tx, l.School, point, now.Add(-24*time.Hour))
	if err != nil {
		return point, "", err
	}
	if because := refusal(l, now, c.carriers.Has(l.Channel), point, today); because != "" && !(because == BecauseCap && l.Kind != Absence) {
		return point, because, nil
	}
	because, answered := vouched[l.ID]
	if !answered || l.Digest != c.digest(l, point) {
		return point, BecauseUnvouched, nil
	}
	return point, because, nil
}

// keepBack makes a waiting letter void. An unsure one may have left: it stays unsure
// and is not tried again.
func (c *Courier) keepBack(ctx context.Context, tx database.Tx, l Letter, because string, now time.Time) error {
	if l.State != Unsure {
		return c.void(ctx, tx, l, because, now)
	}
	return settle(ctx, tx, l, Unsure, "no-answer, "+because, l.DueAt, now)
}

func (c *Courier) leave(ctx context.Context, tx database.Tx, e *Errand, now time.Time) (journal.Deed, error) {
	l := &e.Letter
	res, err := tx.NewUpdate().Model((*Letter)(nil)).
		Set("state = ?, attempts = attempts + 1, leaving_at = ?", Leaving, database.Stamp(now)).
		Where("l.school = ? AND l.id = ? AND l.state = ? AND l.attempts = ?", l.School, l.ID, l.State, l.Attempts).Exec(ctx)
	if err := one(res, err); err != nil {
		return journal.Deed{}, err
	}
	l.State, l.Attempts, l.LeavingAt = Leaving, l.Attempts+1, now
	a := Attempt{School: l.School, Letter: l.ID, N: l.Attempts, Instance: c.instance, Carrier: e.account.name, StartedAt: database.Stamp(now)}
	if l.Channel == directory.SMS {
		// Never 0, which is none.
		e.reference = uint16(crc32.ChecksumIEEE([]byte(l.ID))%0xffff) + 1
		a.Provider, a.Address, a.Reference = e.account.provider, c.numberDigest(e.Address), int(e.reference)
	}
	if _, err := tx.NewInsert().Model(&a).Exec(ctx); err != nil {
		return journal.Deed{}, err
	}
	e.Attempt = a.N
	return journal.Deed{Act: "letter.leaving", Actor: c.instance, Subject: l.ID, Detail: detail(*l, a.Carrier)}, nil
}

// numberDigest stands for a telephone number where only sameness matters.
func (c *Courier) numberDigest(e164 string) string { return c.journal.Digest("number", e164) }

var errTooLate = errors.New("expired at the last look")

// carry speaks to the carrier with no transaction open, and hands on its answer. done is
// called when the answer is committed.
func (c *Courier) carry(ctx context.Context, e Errand, done func()) {
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
		c.step(StepWriting)
		return left, nil
	})
	reached()
	if !heldBack {
		e.account.heard(r.Outcome, c.now())
	}
	c.step(StepAnswered)
	c.answers <- answered{e, r, done}
}
