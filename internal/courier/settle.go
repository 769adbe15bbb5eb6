package courier

import (
	"context"
	"fmt"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// answered is a carrier's answer that is not committed yet.
type answered struct {
	e    Errand
	r    Result
	done func()
}

// settleAnswers commits answers until there are no more to come. Those that arrive while
// one is committed are committed together: the disk is waited for once.
func (c *Courier) settleAnswers(ctx context.Context) {
	for first := range c.answers {
		batch := []answered{first}
		for more := true; more && len(batch) < 2*mostAtOnce; {
			select {
			case a, ok := <-c.answers:
				if more = ok; ok {
					batch = append(batch, a)
				}
			default:
				more = false
			}
		}
		c.settleTogether(ctx, batch)
		c.Poke()
	}
}

// settleTogether commits answers school by school. What cannot be committed together is
// tried one by one, so that one letter does not keep the others.
func (c *Courier) settleTogether(ctx context.Context, batch []answered) {
	bySchool := map[string][]answered{}
	for _, a := range batch {
		bySchool[a.e.Letter.School] = append(bySchool[a.e.Letter.School], a)
	}
	for school, some := range bySchool {
		err := c.settleInSchool(ctx, school, some)
		for _, a := range some {
			one := err
			if err != nil && len(some) > 1 {
				one = c.settleInSchool(ctx, school, []answered{a})
			}
			if one != nil {
				c.log.Error("courier: an answer could not be kept; the letter will be found unsure", "school", school, "letter", a.e.Letter.ID, "err", one)
			} else {
				c.step(StepSettled)
				c.log.Info("letter", "school", school, "letter", a.e.Letter.ID, "attempt", a.e.Attempt, "carrier", a.e.account.name, "outcome", string(a.r.Outcome))
			}
			a.done()
		}
	}
}

func (c *Courier) settleInSchool(ctx context.Context, school string, some []answered) error {
	ids := make([]string, len(some))
	for i, a := range some {
		ids[i] = a.e.Letter.ID
	}
	return c.db.InSchool(database.Urgent(ctx), school, func(ctx context.Context, tx database.Tx) error {
		now := c.now()
		letters, err := byIDs(ctx, tx, school, ids)
		if err != nil {
			return err
		}
		var deeds []journal.Deed
		var parts []part
		for _, a := range some {
			l, ok := letters[a.e.Letter.ID]
			if !ok {
				return ErrNotFound
			}
			deed, err := c.settleOne(ctx, tx, l, a.e, a.r, now)
			if err != nil {
				return err
			}
			deeds = append(deeds, deed...)
			if l.Channel == directory.SMS {
				parts = append(parts, c.partsOf(a)...)
			}
		}
		more, err := c.keepParts(ctx, tx, parts, now)
		if err != nil {
			return err
		}
		return c.journal.Append(ctx, tx, school, now, append(deeds, more...)...)
	})
}

// settleOne moves a letter on by the answer to one of its attempts.
func (c *Courier) settleOne(ctx context.Context, tx database.Tx, l Letter, e Errand, r Result, now time.Time) ([]journal.Deed, error) {
	state, because, due, moved := settled(l, e.Attempt, r, len(c.carriers.by[l.Channel]) > 1, now)
	if !moved {
		// The letter was settled by other means; its attempt still ends.
		_, err := tx.NewUpdate().Model((*Attempt)(nil)).Set("outcome = ?, answer = ?, ended_at = ?", r.Outcome, r.Answer, database.Stamp(now)).
			Where("a.school = ? AND a.letter = ? AND a.n = ? AND a.outcome = ''", l.School, l.ID, e.Attempt).Exec(ctx)
		return nil, err
	}
	// The attempt of a letter found unsure by its program's silence has its end already.
	if l.State == Leaving || l.Because == BecauseStillWaiting {
		if err := endAttempt(ctx, tx, l, r, now); err != nil {
			return nil, err
		}
	}
	if err := settle(ctx, tx, l, state, because, due, now); err != nil {
		return nil, err
	}
	detail := map[string]string{"attempt": fmt.Sprint(e.Attempt), "outcome": string(r.Outcome)}
	if l.State == Unsure {
		detail["late"] = "yes"
	}
	return []journal.Deed{{Act: "letter." + string(state), Actor: c.instance(), Subject: l.ID, Detail: detail}}, nil
}

func endAttempt(ctx context.Context, tx database.Tx, l Letter, r Result, now time.Time) error {
	res, err := tx.NewUpdate().Model((*Attempt)(nil)).Set("outcome = ?, answer = ?, ended_at = ?", r.Outcome, r.Answer, database.Stamp(now)).
		Where("a.school = ? AND a.letter = ? AND a.n = ? AND a.outcome = ''", l.School, l.ID, l.Attempts).Exec(ctx)
	return one(res, err)
}
