package guard

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
)

// Refusals of a decision.
var (
	ErrDecided = errors.New("guard: it was decided already")
	ErrSecond  = errors.New("guard: a second person lets go, after one who asked")
	ErrNumbers = errors.New("guard: the two persons do not mean the same")
	ErrChanged = errors.New("guard: it holds something else than what was shown")
)

// Ask asks for what a trip holds to be let go, by a person who has read how many it is.
// ErrDecided, ErrChanged.
func (g *Guard) Ask(ctx context.Context, tx database.Tx, trip, by string, counted int, now time.Time) error {
	t, h, err := g.open(ctx, tx, trip)
	if err != nil {
		return err
	}
	if h.People != counted || counted == 0 {
		return ErrChanged
	}
	if _, err := tx.NewUpdate().Model((*Trip)(nil)).Set("asked_by = ?, asked_at = ?, counted = ?", by, database.Stamp(now), counted).Where("t.school = ? AND t.id = ?", t.School, t.ID).Exec(ctx); err != nil {
		return err
	}
	return g.journal.Append(ctx, tx, t.School, now, g.deed("asked", by, t.ID, map[string]string{"people": count(counted)}))
}

// Release lets go what a trip holds, by another person than the one who asked, who says how
// many people should read it without having been shown. When they do not agree, or when it
// holds something else by now, nothing leaves and the first person asks again: agreed says
// which it was, and the caller commits in any case. ErrDecided, ErrSecond.
func (g *Guard) Release(ctx context.Context, tx database.Tx, trip, by string, expected int, now time.Time) (n int, agreed error, err error) {
	t, h, err := g.open(ctx, tx, trip)
	if err != nil {
		return 0, nil, err
	}
	if t.AskedBy == "" || by == "" || by == t.AskedBy {
		return 0, nil, ErrSecond
	}
	switch {
	case h.People != t.Counted:
		agreed = ErrChanged
	case !agrees(t.Counted, expected):
		agreed = ErrNumbers
	}
	if agreed != nil {
		if _, err := tx.NewUpdate().Model((*Trip)(nil)).Set("asked_by = '', asked_at = NULL, counted = 0").Where("t.school = ? AND t.id = ?", t.School, t.ID).Exec(ctx); err != nil {
			return 0, nil, err
		}
		return 0, agreed, g.journal.Append(ctx, tx, t.School, now, g.deed("not-released", by, t.ID, map[string]string{"asked": t.AskedBy, "people": count(h.People), "expected": count(expected)}))
	}
	if err := decide(ctx, tx, t, Released, by, expected, now); err != nil {
		return 0, nil, err
	}
	if err := g.learn(ctx, tx, t, h, now); err != nil {
		return 0, nil, err
	}
	res, err := tx.NewUpdate().Model((*Message)(nil)).Set("state = ?, due_at = ?", courier.Waiting, database.Stamp(now)).Where("m.school = ? AND m.trip = ? AND m.state = ?", t.School, t.ID, Held).Exec(ctx)
	if err != nil {
		return 0, nil, err
	}
	rows, err := res.RowsAffected()
	if err != nil {
		return 0, nil, err
	}
	g.Poke()
	return int(rows), nil, g.journal.Append(ctx, tx, t.School, now, g.deed("released", by, t.ID, map[string]string{"asked": t.AskedBy, "people": count(h.People), "expected": count(expected), "messages": count(int(rows))}))
}

// Discard makes void what a trip holds, by one person. ErrDecided.
func (g *Guard) Discard(ctx context.Context, tx database.Tx, trip, by string, now time.Time) (int, error) {
	t, _, err := g.open(ctx, tx, trip)
	if err != nil {
		return 0, err
	}
	if err := decide(ctx, tx, t, Discarded, by, 0, now); err != nil {
		return 0, err
	}
	res, err := tx.NewUpdate().Model((*Message)(nil)).Set("state = ?, because = ?, settled_at = ?", courier.Void, BecauseDiscarded, database.Stamp(now)).Where("m.school = ? AND m.trip = ? AND m.state = ?", t.School, t.ID, Held).Exec(ctx)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, err
	}
	g.Poke()
	return int(n), g.journal.Append(ctx, tx, t.School, now, g.deed("discarded", by, t.ID, map[string]string{"messages": count(int(n))}))
}

func (g *Guard) open(ctx context.Context, tx database.Tx, trip string) (Trip, Holding, error) {
	t, err := TripByID(ctx, tx, g.school, trip)
	if err != nil {
		return t, Holding{}, err
	}
	if t.Outcome != Open {
		return t, Holding{}, ErrDecided
	}
	h, err := HoldingOf(ctx, tx, t)
	return t, h, err
}

func decide(ctx context.Context, tx database.Tx, t Trip, o Outcome, by string, expected int, now time.Time) error {
	return one(tx.NewUpdate().Model((*Trip)(nil)).Set("outcome = ?, decided_by = ?, decided_at = ?, expected = ?", o, by, database.Stamp(now), expected).Where("t.school = ? AND t.id = ? AND t.outcome = ''", t.School, t.ID).Exec(ctx))
}

// learn makes usual what two persons said was right: a busy minute of different messages.
// The same text to many, and a large part of the school, never become usual.
func (g *Guard) learn(ctx context.Context, tx database.Tx, t Trip, h Holding, now time.Time) error {
	if t.Sign != SignRate || h.People > g.limits.mostShare() {
		return nil
	}
	var rows []Message
	err := tx.NewSelect().Model(&rows).Column("received_at").Where("m.school = ? AND m.trip = ? AND m.state IN (?)", t.School, t.ID, bun.List([]State{Held})).OrderExpr("m.received_at").Scan(ctx)
	if err != nil {
		return err
	}
	at := make([]time.Time, len(rows))
	for i, m := range rows {
		at[i] = m.ReceivedAt
	}
	// The day of the installation's clock will do: it is a bound, not a date.
	return usual(ctx, tx, t.School, now.Format(time.DateOnly), len(at), busiest(at))
}
