package courier

import (
	"context"
	"errors"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/smpp"
	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// bySMPP is a session with an SMS centre.
type bySMPP struct {
	bySMS
	session *smpp.Session
	late    func(letter string, r Result) // set by New
}

func (c *bySMPP) run(ctx context.Context, in sms.Inbox) error { return c.session.Run(ctx, in) }

// answeredLate hears the answer to a message that was given up as unsure.
func (c *bySMPP) answeredLate(letter string, r sms.Result) {
	if c.late != nil {
		c.late(letter, fromSMS(r))
	}
}

// answeredLate settles a letter that was unsure by an answer that came after all. What
// cannot be kept leaves it unsure, which is what a person has seen.
func (c *Courier) answeredLate(ctx context.Context, a *account, letter string, r Result) {
	e := Errand{account: a}
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		if e.Letter, err = oneLetter(ctx, tx, "l.id = ?", letter); err != nil {
			return err
		}
		point, err := directory.PointByID(ctx, tx, e.Letter.School, e.Letter.Contact)
		e.Address, e.Attempt = point.Address, e.Letter.Attempts
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = c.relayedLate(ctx, a, letter, r)
	} else if err == nil && (e.Letter.State == Unsure || e.Letter.State == Leaving) {
		err = c.settleInSchool(ctx, e.Letter.School, []answered{{e: e, r: r}})
	}
	if err != nil {
		c.log.Error("courier: a late answer could not be kept", "carrier", a.name, "letter", letter, "err", err)
	}
}

// takenFor is how long a centre may say that our account is bound already before it is
// believed: it forgets a session of ours that broke within that time.
const takenFor = 2 * time.Minute

// watchBinds locks every school when another program is connected to a carrier as us: what
// a copied machine cannot know of itself, its carrier can tell.
func (c *Courier) watchBinds(ctx context.Context) error {
	for _, a := range c.carriers.all() {
		by, ok := a.carrier.(*bySMPP)
		if !ok {
			continue
		}
		if since := by.session.Taken(); !since.IsZero() && c.now().Sub(since) > takenFor {
			c.log.Error("courier: the centre says that another program is connected as us: every school is locked", "carrier", a.name)
			return c.LockAll(ctx, WhyBound)
		}
	}
	return nil
}
