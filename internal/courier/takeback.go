package courier

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// canceller is a carrier that may give back what it has accepted and not delivered.
type canceller interface {
	// cancel asks for one short message back, by the carrier's id of it. true: it will not
	// be delivered.
	cancel(ctx context.Context, id, to string) (bool, error)
}

func (c *bySMPP) cancel(ctx context.Context, id, to string) (bool, error) {
	return c.session.Cancel(ctx, id, to)
}

// takeBackWithin is how old a message may be that is asked back: what is older was
// delivered.
const takeBackWithin = 15 * time.Minute

// BecauseTakenBack is the reason kept with a letter that its carrier gave back when the
// office stopped everything.
const BecauseTakenBack = "taken-back"

// takeBack asks carriers for the messages that left before stops and were not delivered
// yet. What is not given back stays as it was: it may arrive.
func (c *Courier) takeBack(ctx context.Context, stops []Stop) {
	var letters []Letter
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		for _, s := range stops {
			var some []Letter
			err := tx.NewSelect().Model(&some).Where("l.state IN ('leaving', 'left') AND l.state = ? AND l.school = ? AND l.channel = ? AND l.kind IN (?, ?) AND l.leaving_at > ?",
				Left, s.School, directory.SMS, Absence, Notice, database.Stamp(s.At.Add(-takeBackWithin))).OrderExpr("l.leaving_at DESC").Scan(ctx)
			if err != nil {
				return err
			}
			letters = append(letters, some...)
		}
		return nil
	})
	for _, l := range letters {
		if err != nil || ctx.Err() != nil {
			break
		}
		err = c.takeBackOne(ctx, l)
	}
	if err != nil && ctx.Err() == nil {
		c.log.Error("courier: asking carriers for messages back", "err", err)
	}
}

// newStops gives the stops in force that this program has not seen yet. Only the loop that
// claims asks.
func (c *Courier) newStops(ctx context.Context, tx database.Tx) (fresh []Stop, err error) {
	var open []Stop
	err = tx.NewSelect().Model(&open).Where("s.lifted_at IS NULL").Scan(ctx)
	for _, s := range open {
		if _, seen := c.undone[s.ID]; !seen {
			fresh = append(fresh, s)
		}
	}
	return fresh, err
}

func (c *Courier) takeBackOne(ctx context.Context, l Letter) error {
	var parts []part
	var point directory.ContactPoint
	carrier := ""
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		attempts, err := Attempts(ctx, tx, l.School, l.ID)
		if err != nil || len(attempts) == 0 {
			return err
		}
		carrier = attempts[len(attempts)-1].Carrier
		if point, err = directory.PointByID(ctx, tx, l.School, l.Contact); err != nil {
			return err
		}
		return tx.NewSelect().Model(&parts).Where("p.school = ? AND p.letter = ? AND p.attempt = ?", l.School, l.ID, l.Attempts).Order("n").Scan(ctx)
	})
	if err != nil {
		return err
	}
	var by canceller
	if a := c.carriers.named(carrier); a != nil {
		by, _ = a.carrier.(canceller)
	}
	if by == nil || len(parts) == 0 {
		return nil
	}
	back := true
	for _, p := range parts {
		if p.Given == "" || p.Fate != "" {
			return nil
		}
		given, err := by.cancel(ctx, p.Given, point.Address)
		if err != nil {
			c.log.Info("courier: a message was not given back", "letter", l.ID, "err", err)
		}
		back = back && given
	}
	if !back {
		return nil
	}
	return c.db.InSchool(database.Urgent(ctx), l.School, func(ctx context.Context, tx database.Tx) error {
		still, err := ByID(ctx, tx, l.School, l.ID)
		if err != nil || still.State != Left {
			return err // a receipt came meanwhile: what it says holds
		}
		now := c.now()
		if err := settle(ctx, tx, still, Refused, BecauseTakenBack, still.DueAt, now); err != nil {
			return err
		}
		return c.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "letter.refused", Actor: "courier", Subject: l.ID, Detail: map[string]string{"because": BecauseTakenBack}})
	})
}
