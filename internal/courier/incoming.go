package courier

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"
	"golang.org/x/text/unicode/norm"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// Reasons why nothing more goes to an address.
const (
	StopAsked     = "stop"      // its owner said so
	StopBounced   = "bounced"   // a mail server said that it does not exist
	StopComplaint = "complaint" // its owner called a letter unwanted
)

// inbox is what an account gives what it hears to.
func (c *Courier) inbox(ctx context.Context, a *account) sms.Inbox {
	return sms.Inbox{
		Receipt:  func(r sms.Receipt) error { return c.receive(ctx, a, r) },
		Incoming: func(m sms.Incoming) error { return c.incoming(ctx, a, m) },
	}
}

// answerLife is how long after a letter a message from its telephone is an answer to it.
const answerLife = 24 * time.Hour

// stopWords end messages to a number: the carriers' own, in French and English. It is a
// word by itself, or with a number that some networks add.
var stopWords = regexp.MustCompile(`^(STOP|STOPALL|ARRET|ARRETER|ARRETEZ|DESABONNER|DESABONNEMENT|UNSUBSCRIBE)( SMS| PREAU| [0-9]{3,6})?$`)

// isStop tells whether a message asks for no more.
func isStop(text string) bool {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1 // the accents of arrêt, désabonner
		}
		return unicode.ToUpper(r)
	}, norm.NFD.String(text))
	words := strings.FieldsFunc(plain, func(r rune) bool { return !(r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') })
	return stopWords.MatchString(strings.Join(words, " "))
}

// incoming takes a message from a telephone: STOP for every school that has the number,
// else an answer to the letters that it got. An error means that it is not taken: the
// carrier gives it again, so what it does is harmless the second time. The text itself
// is handed on and not kept.
func (c *Courier) incoming(ctx context.Context, a *account, m sms.Incoming) error {
	from := map[string]string{} // school → the number as the school has it
	var schools []string
	pupils := 0
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		if from, err = directory.SchoolsOf(ctx, tx, m.From); err != nil {
			return err
		}
		schools = slices.Sorted(maps.Keys(from))
		for _, school := range schools {
			letters, err := answerable(ctx, tx, school, from[school], c.now())
			if err != nil {
				return err
			}
			pupils += len(letters)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, school := range schools {
		err := c.db.InSchool(database.Urgent(ctx), school, func(ctx context.Context, tx database.Tx) error {
			if isStop(m.Text) {
				return c.stop(ctx, tx, school, directory.SMS, from[school], StopAsked, c.now())
			}
			text := m.Text
			if pupils > 1 {
				text = ""
			}
			return c.answer(ctx, tx, school, from[school], text, c.now())
		})
		if err != nil {
			return err
		}
	}
	c.log.Info("incoming", "carrier", a.name, "schools", len(schools), "stop", isStop(m.Text))
	return nil
}

// stop ends messages to an address of a school: what waits for it is void, and whoever
// keeps the office informed is told.
func (c *Courier) stop(ctx context.Context, tx database.Tx, school string, ch directory.Channel, address, why string, now time.Time) error {
	points, err := directory.StopAddress(ctx, tx, school, ch, address, why, now)
	if err != nil || len(points) == 0 {
		return err // stopped already
	}
	ids := make([]string, len(points))
	for i, p := range points {
		ids[i] = p.ID
	}
	var waiting []Letter
	err = tx.NewSelect().Model(&waiting).Where("l.school = ? AND l.contact IN (?) AND l.state = ?", school, bun.List(ids), Waiting).Order("created_at", "id").Scan(ctx)
	if err != nil {
		return err
	}
	for _, l := range waiting {
		if err := c.void(ctx, tx, l, BecauseGone, now); err != nil {
			return err
		}
	}
	if c.stopped == nil {
		return nil
	}
	return c.stopped(ctx, tx, school, points, why, now)
}

// answer hands a family's message to whoever wrote the letter that it answers. Where it
// could be about several pupils it is about none: text is empty, and the office is told
// that somebody wrote, for each.
func (c *Courier) answer(ctx context.Context, tx database.Tx, school, from, text string, now time.Time) error {
	letters, err := answerable(ctx, tx, school, from, now)
	if err != nil {
		return err
	}
	for _, l := range letters {
		if reply := c.reply[l.Kind]; reply != nil {
			if err := reply(ctx, tx, l, text, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// answerable gives the last letter about each pupil that may have reached a number.
func answerable(ctx context.Context, tx database.Tx, school, number string, now time.Time) ([]Letter, error) {
	points, err := directory.PointsWith(ctx, tx, school, directory.SMS, number)
	if err != nil || len(points) == 0 {
		return nil, err
	}
	ids := make([]string, len(points))
	for i, p := range points {
		ids[i] = p.ID
	}
	var letters, latest []Letter
	err = tx.NewSelect().Model(&letters).Where("l.school = ? AND l.contact IN (?) AND l.kind = ? AND l.attempts > 0 AND l.leaving_at > ?",
		school, bun.List(ids), Absence, database.Stamp(now.Add(-answerLife))).OrderExpr("l.leaving_at DESC, l.id").Scan(ctx)
	for _, l := range letters {
		if (l.State.MayHaveLeft() || l.State == Leaving) && !slices.ContainsFunc(latest, func(o Letter) bool { return o.Pupil == l.Pupil }) {
			latest = append(latest, l)
		}
	}
	return latest, err
}
