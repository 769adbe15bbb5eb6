package courier

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// begin announces this program and finds what dead ones left leaving: unsure.
func (c *Courier) begin(ctx context.Context) error {
	err := c.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		now := database.Stamp(c.now())
		_, err := tx.NewRaw("INSERT INTO courier_instances (id, started_at, seen_at) VALUES (?, ?, ?)", c.instance(), now, now).Exec(ctx)
		if err != nil || c.db.Engine() == database.Postgres {
			return err
		}
		// One program at a time serves a SQLite file (see app): the others are dead.
		_, err = tx.NewRaw("UPDATE courier_instances SET ended_at = ? WHERE id <> ? AND ended_at IS NULL", now, c.instance()).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("courier: begin: %w", err)
	}
	if err := c.recover(ctx); err != nil {
		return err
	}
	return c.wakeSlowly(ctx)
}

func (c *Courier) beat(ctx context.Context) error {
	err := c.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		now := database.Stamp(c.now())
		res, err := tx.NewRaw("UPDATE courier_instances SET seen_at = ? WHERE id = ? AND ended_at IS NULL", now, c.instance()).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			// Another program found this one silent for too long: what it had on its way is
			// unsure by now. It goes on as a new one.
			c.rename()
			if _, err := tx.NewRaw("INSERT INTO courier_instances (id, started_at, seen_at) VALUES (?, ?, ?)", c.instance(), now, now).Exec(ctx); err != nil {
				return err
			}
		}
		_, err = tx.NewRaw("UPDATE courier_instances SET ended_at = ? WHERE ended_at IS NULL AND seen_at < ?", now, now.Add(-deadAfter)).Exec(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return c.recover(ctx)
}

func (c *Courier) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := c.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewRaw("UPDATE courier_instances SET ended_at = ? WHERE id = ?", database.Stamp(c.now()), c.instance()).Exec(ctx)
		return err
	})
	if err != nil {
		c.log.Error("courier: end", "err", err)
	}
}

// recover makes unsure what programs that ended left leaving.
func (c *Courier) recover(ctx context.Context) error {
	var rows []Attempt
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		dead := tx.NewSelect().TableExpr("courier_instances").ColumnExpr("id").Where("ended_at IS NOT NULL")
		return tx.NewSelect().Model(&rows).Where("a.outcome = '' AND a.instance IN (?)", dead).Order("school", "letter").Scan(ctx)
	})
	if err != nil {
		return fmt.Errorf("courier: recover: %w", err)
	}
	for _, a := range rows {
		r := Result{Outcome: NoAnswer, Answer: "the program ended while the letter was leaving"}
		err := c.settleInSchool(ctx, a.School, []answered{{e: Errand{Letter: Letter{School: a.School, ID: a.Letter}, Attempt: a.N}, r: r}})
		if err != nil {
			return fmt.Errorf("courier: recover: %w", err)
		}
	}
	return nil
}

// Times after which silence is shown to a person.
const (
	answerWithin  = 2 * time.Minute  // from leaving to the carrier's answer
	receiptWithin = 15 * time.Minute // from leaving to a receipt, where the carrier gives any
)

// watch shows what was silent for too long.
func (c *Courier) watch(ctx context.Context) error {
	if err := c.moveOn(ctx, Unsure, BecauseStillWaiting, func(q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
		return q.Where("l.state = ? AND l.leaving_at <= ?", Leaving, database.Stamp(now.Add(-answerWithin)))
	}); err != nil {
		return fmt.Errorf("courier: watch: %w", err)
	}
	if tell := c.carriers.giveReceipts(); len(tell) > 0 {
		if err := c.moveOn(ctx, Unheard, "", func(q *bun.SelectQuery, now time.Time) *bun.SelectQuery {
			return q.Join("JOIN courier_attempts AS a ON a.school = l.school AND a.letter = l.id AND a.n = l.attempts").
				Where("l.state = ? AND l.channel = ? AND l.leaving_at BETWEEN ? AND ? AND a.carrier IN (?)", Left, directory.SMS,
					database.Stamp(now.Add(-receiptLife)), database.Stamp(now.Add(-receiptWithin)), bun.List(tell))
		}); err != nil {
			return fmt.Errorf("courier: watch: %w", err)
		}
	}
	return nil
}

// moveOn moves the letters that a question finds to a state, each in its school's
// transaction and only from the state that was found.
func (c *Courier) moveOn(ctx context.Context, to State, because string, which func(*bun.SelectQuery, time.Time) *bun.SelectQuery) error {
	var rows []Letter
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		// The first condition is the index's own: SQLite does not infer it.
		return which(tx.NewSelect().Model(&rows).Where("l.state IN ('leaving', 'left')"), c.now()).OrderExpr("l.leaving_at").Limit(500).Scan(ctx)
	})
	if err != nil {
		return err
	}
	for _, l := range rows {
		err := c.db.InSchool(database.Urgent(ctx), l.School, func(ctx context.Context, tx database.Tx) error {
			now := c.now()
			switch still, err := ByID(ctx, tx, l.School, l.ID); {
			case err != nil:
				return err
			case still.State != l.State || still.Attempts != l.Attempts:
				return nil // it had its answer meanwhile
			}
			if err := settle(ctx, tx, l, to, because, l.DueAt, now); err != nil {
				return err
			}
			return c.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "letter." + string(to), Actor: "courier", Subject: l.ID, Detail: map[string]string{"because": because}})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
