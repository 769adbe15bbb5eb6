package courier

import (
	"context"
	"errors"
	"strings"

	"github.com/preau-ent/preau/internal/courier/internal/bounce"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// returnToken names a letter in the address that its bounces come to. Who did not get
// the letter cannot make it, since what it proves is in the digest.
func (c *Courier) returnToken(l Letter) string {
	proof := strings.ToUpper(c.journal.Digest("return", l.School, l.ID, l.Code))
	return l.Code + "-" + proof[:16]
}

// errNotYet: the letter of a bounce is still leaving; it is looked at again later.
var errNotYet = errors.New("courier: the letter is not settled yet")

// bounced takes what a mail server sent back about a letter. An error means that it is
// to be given again. What is about no letter of ours changes nothing.
func (c *Courier) bounced(ctx context.Context, b bounce.Bounce) error {
	l, ok, err := c.bouncedLetter(ctx, b)
	if err != nil || !ok {
		return err
	}
	return c.db.InSchool(ctx, l.School, func(ctx context.Context, tx database.Tx) error {
		now := c.now()
		l, err := ByID(ctx, tx, l.School, l.ID)
		if err != nil {
			return err
		}
		if l.State == Leaving {
			return errNotYet
		}
		if state, because := afterBounce(l, b); state != l.State {
			if err := settle(ctx, tx, l, state, because, l.DueAt, now); err != nil {
				return err
			}
			if err := c.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "letter." + string(state), Actor: "courier", Subject: l.ID,
				Detail: map[string]string{"bounce": b.Kind.String(), "code": b.Status}}); err != nil {
				return err
			}
		}
		why := stopAfter(b)
		if why == "" {
			return nil
		}
		point, err := directory.PointByID(ctx, tx, l.School, l.Contact)
		if err != nil {
			return err
		}
		return c.stop(ctx, tx, l.School, directory.Email, point.Address, why, now)
	})
}

// bouncedLetter finds the letter of a bounce: by the token of the address it came to, or
// by the Message-ID of what it returns, which only who got the letter knows.
func (c *Courier) bouncedLetter(ctx context.Context, b bounce.Bounce) (l Letter, ok bool, err error) {
	code, _, hasToken := strings.Cut(b.Token, "-")
	err = c.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		switch {
		case hasToken:
			l, err = ByCode(ctx, tx, code)
			ok = err == nil && c.returnToken(l) == b.Token
		case b.MessageID != "":
			l, err = oneLetter(ctx, tx, "l.message_id = ?", b.MessageID)
			ok = err == nil
		}
		return err
	})
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	if ok = ok && l.Channel == directory.Email; err == nil && !ok {
		c.log.Warn("courier: a returned message is about no letter of ours", "kind", b.Kind.String())
	}
	return l, ok, err
}

// afterBounce is a letter's state after what a mail server sent back about it.
func afterBounce(l Letter, b bounce.Bounce) (State, string) {
	if l.State != Left && l.State != Unheard && l.State != Unsure {
		return l.State, l.Because
	}
	switch b.Kind {
	case bounce.Failed:
		return Refused, strings.TrimSpace("returned " + b.Status + " " + b.Words)
	case bounce.Delivered:
		return Delivered, ""
	case bounce.Relayed:
		return Left, ""
	}
	return l.State, l.Because
}

// stopAfter says why nothing more goes to the address of a bounce, "" if more may: only
// an address that does not exist, or whose owner complained, is given up.
func stopAfter(b bounce.Bounce) string {
	switch {
	case b.Kind == bounce.Complaint:
		return StopComplaint
	case b.Kind == bounce.Failed && (strings.HasPrefix(b.Status, "5.1.") || b.Status == "5.2.1"):
		return StopBounced
	}
	return ""
}
