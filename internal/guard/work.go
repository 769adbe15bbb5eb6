package guard

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// Guard keeps the messages of one school's tool, and lets them leave.
type Guard struct {
	db      *database.DB
	journal *journal.Journal
	courier *courier.Courier
	file    File
	limits  Limits
	school  string // id; see Begin
	now     func() time.Time
	log     *slog.Logger
	poke    chan struct{}
	step    func(string)
	purged  time.Time
}

// Config of a Guard. Now is the installation's clock.
type Config struct {
	DB      *database.DB
	Journal *journal.Journal
	Courier *courier.Courier
	File    File
	Now     func() time.Time
	Log     *slog.Logger
	// Step, where set, hears each durable step: see courier.Config.
	Step func(step string)
}

// StepAccepted: a message is committed and the tool has not heard so.
const StepAccepted = "guard-accepted"

// New makes a guard, and registers with the courier that it keeps what is relayed.
func New(c Config) *Guard {
	if c.Step == nil {
		c.Step = func(string) {}
	}
	g := &Guard{db: c.DB, journal: c.Journal, courier: c.Courier, file: c.File, limits: c.File.Limits(), now: c.Now, log: c.Log, poke: make(chan struct{}, 1), step: c.Step}
	c.Courier.OnRelayed(g.became)
	return g
}

// Poke tells the running guard that there may be something to do now.
func (g *Guard) Poke() {
	select {
	case g.poke <- struct{}{}:
	default:
	}
}

const rest = time.Second // between two looks at what waits

// run lets messages leave until ctx ends, then waits for those on their way.
func (g *Guard) run(ctx context.Context) error {
	var carried sync.WaitGroup
	defer carried.Wait()
	for {
		more, err := g.round(ctx, &carried)
		if err != nil && ctx.Err() == nil {
			g.log.Error("guard: round", "err", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-g.poke:
		case <-time.After(rest):
		}
	}
}

// Pass does once all that is to be done now, and returns when each message that left has
// its answer.
func (g *Guard) Pass(ctx context.Context) error {
	if err := g.Begin(ctx); err != nil {
		return err
	}
	for {
		var carried sync.WaitGroup
		more, err := g.round(ctx, &carried)
		carried.Wait()
		if err != nil || !more {
			return err
		}
	}
}

// round tidies, and sets on their way as many messages as there is room for.
func (g *Guard) round(ctx context.Context, carried *sync.WaitGroup) (more bool, err error) {
	if err := errors.Join(g.courier.RelayPass(ctx), g.end(ctx), g.purge(ctx)); err != nil {
		return false, err
	}
	room := g.courier.RelayRoom()
	if room == 0 {
		return false, nil
	}
	var claim courier.RelayClaim
	found := 0
	err = g.db.InSchool(database.Urgent(ctx), g.school, func(ctx context.Context, tx database.Tx) error {
		now := g.now()
		var ms []Message
		err := tx.NewSelect().Model(&ms).Where("m.state IN ('waiting', 'held', 'leaving') AND m.school = ? AND m.state = ? AND m.due_at <= ?", g.school, courier.Waiting, database.Stamp(now)).OrderExpr("m.due_at, m.id").Limit(int64(room)).Scan(ctx)
		if err != nil || len(ms) == 0 {
			return err
		}
		found = len(ms)
		relayed := make([]courier.Relayed, len(ms))
		for i, m := range ms {
			relayed[i] = courier.Relayed{ID: m.ID, To: m.Address, Text: m.Text, ExpiresAt: m.ExpiresAt, Attempts: m.Attempts}
		}
		if claim, err = g.courier.ClaimRelayed(ctx, tx, g.school, relayed, now); err != nil {
			return err
		}
		var ids []string
		for _, e := range claim.Errands {
			ids = append(ids, e.Letter.ID)
		}
		for _, m := range ms {
			if because, void := claim.Kept[m.ID]; void {
				if err := g.void(ctx, tx, m, because, "guard", now); err != nil {
					return err
				}
			}
		}
		if len(ids) == 0 {
			return nil
		}
		res, err := tx.NewUpdate().Model((*Message)(nil)).Set("state = ?, attempts = attempts + 1, leaving_at = ?", courier.Leaving, database.Stamp(now)).
			Where("m.school = ? AND m.id IN (?) AND m.state = ?", g.school, bun.List(ids), courier.Waiting).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || int(n) != len(ids) {
			return errors.Join(err, errMoved)
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	if claim.Tripped {
		g.log.Error("guard: a message was about to leave for a number that belongs to nobody: every school is locked", "school", g.school)
		return true, g.courier.LockAll(ctx, courier.WhyTripwire)
	}
	if len(claim.Errands) == 0 {
		return len(claim.Kept) > 0, nil
	}
	wait := g.courier.CarryRelayed(context.WithoutCancel(ctx), g.school, claim.Errands)
	carried.Go(func() {
		if err := wait(); err != nil {
			g.log.Error("guard: answers could not be kept; their messages will be found unsure", "err", err)
		}
		g.Poke()
	})
	return found == room, nil
}

// became hears from the courier what became of a message.
func (g *Guard) became(ctx context.Context, tx database.Tx, school, id string, s State, because string, due, now time.Time) error {
	m, err := ByID(ctx, tx, school, id)
	if err != nil {
		return err
	}
	if !follows(m.State, s) {
		return nil
	}
	return settle(ctx, tx, m, s, because, due, now)
}

// follows tells whether a state comes after another.
func follows(from, to State) bool {
	switch from {
	case courier.Leaving:
		return to != from
	case courier.Unsure:
		return to == courier.Left || to == courier.Delivered || to == courier.Refused
	case courier.Left:
		return to == courier.Delivered || to == courier.Refused
	}
	return false
}

func (g *Guard) void(ctx context.Context, tx database.Tx, m Message, because, by string, now time.Time) error {
	if err := settle(ctx, tx, m, courier.Void, because, m.DueAt, now); err != nil {
		return err
	}
	return g.journal.Append(ctx, tx, g.school, now, g.deed("void", by, m.ID, map[string]string{"because": because}))
}

// atOnce is how many rows one transaction changes, so that a roll that is saved meanwhile
// waits for no more than these.
const atOnce = 100

// end makes void what lost its time or is locked in, and gives up messages whose parts do
// not come.
func (g *Guard) end(ctx context.Context) error {
	for more := true; more; {
		var due []Message
		var parts []part
		err := g.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
			now := g.now()
			_, locked, err := courier.LockOf(ctx, tx, g.school)
			if err != nil {
				return err
			}
			q := tx.NewSelect().Model(&due).Where("m.state IN ('waiting', 'held', 'leaving') AND m.school = ? AND m.state IN (?)", g.school, bun.List([]State{courier.Waiting, Held}))
			if !locked {
				q = q.Where("m.expires_at <= ?", database.Stamp(now.Add(lastMinutes)))
			}
			if err := q.OrderExpr("m.due_at, m.id").Limit(atOnce).Scan(ctx); err != nil {
				return err
			}
			return tx.NewSelect().Model(&parts).Where("p.message IS NULL AND p.school = ? AND p.received_at <= ?", g.school, database.Stamp(now.Add(-wholeWithin))).Order("received_at").Limit(atOnce).Scan(ctx)
		})
		if err != nil || len(due)+len(parts) == 0 {
			return err
		}
		if more = len(due) == atOnce || len(parts) == atOnce; err == nil {
			err = g.db.InSchool(ctx, g.school, func(ctx context.Context, tx database.Tx) error { return g.endSome(ctx, tx, due, parts) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lastMinutes are too few to hand a message over; see the courier.
const lastMinutes = 2 * time.Minute

func (g *Guard) endSome(ctx context.Context, tx database.Tx, due []Message, parts []part) error {
	now := g.now()
	_, locked, err := courier.LockOf(ctx, tx, g.school)
	if err != nil {
		return err
	}
	for _, m := range due {
		still, err := ByID(ctx, tx, g.school, m.ID)
		if err != nil {
			return err
		}
		because := courier.BecauseExpired
		switch {
		case still.State != m.State:
			continue
		case locked:
			because = courier.BecauseFenced
		}
		if err := g.void(ctx, tx, still, because, "guard", now); err != nil {
			return err
		}
	}
	// The parts that came are one message that will never be whole: it is shown.
	for len(parts) > 0 {
		first := parts[0]
		some := map[int]part{}
		parts = slices.DeleteFunc(parts, func(p part) bool {
			_, there := some[p.N]
			mine := !there && p.Number == first.Number && p.Ref == first.Ref && p.Total == first.Total
			if mine {
				some[p.N] = p
			}
			return mine
		})
		if err := g.giveUp(ctx, tx, some, now); err != nil {
			return err
		}
	}
	return nil
}

// giveUp keeps the parts of a message that will never be whole as one that is void.
func (g *Guard) giveUp(ctx context.Context, tx database.Tx, some map[int]part, now time.Time) error {
	var ids []string
	text, first := "", part{}
	for n := 1; n <= 20; n++ {
		if p, ok := some[n]; ok {
			ids, text = append(ids, p.ID), text+p.Text
			if first.ID == "" {
				first = p
			}
		}
	}
	open, err := tx.NewSelect().Model((*part)(nil)).Where("p.school = ? AND p.id IN (?) AND p.message IS NULL", g.school, bun.List(ids)).Count(ctx)
	if err != nil || int(open) != len(ids) {
		return err // another part came meanwhile
	}
	m := Message{School: g.school, ID: database.NewID(), Number: first.Number, Address: first.Address, Text: text, Same: g.journal.Digest("guard same", sameText(text)),
		Words: g.journal.Digest("guard incomplete", first.ID), Via: "smpp", Sender: first.Sender, State: courier.Waiting, ReceivedAt: first.ReceivedAt, DueAt: database.Stamp(now), ExpiresAt: first.ExpiresAt}
	if _, err := tx.NewInsert().Model(&m).Exec(ctx); err != nil {
		return err
	}
	if _, err := tx.NewUpdate().Model((*part)(nil)).Set("message = ?, address = '', text = ''", m.ID).Where("p.school = ? AND p.id IN (?)", g.school, bun.List(ids)).Exec(ctx); err != nil {
		return err
	}
	return g.void(ctx, tx, m, BecauseIncomplete, "guard", now)
}

// oldest bounds how far back what was not emptied is looked for: a program that rested over
// the summer still finds it.
const oldest = 120 * 24 * time.Hour

// Forget empties the words and numbers of every message of a school that leaves, and makes
// void what waits; nothing of it leaves any more.
func Forget(ctx context.Context, tx database.Tx, j *journal.Journal, school string, now time.Time) (int, error) {
	var open []Message
	err := tx.NewSelect().Model(&open).Where("m.state IN ('waiting', 'held', 'leaving') AND m.school = ? AND m.state IN (?)", school, bun.List([]State{courier.Waiting, Held})).Scan(ctx)
	if err != nil {
		return 0, err
	}
	g := &Guard{journal: j, school: school}
	for _, m := range open {
		if err := g.void(ctx, tx, m, courier.BecauseFenced, "guard", now); err != nil {
			return 0, err
		}
	}
	// One that is leaving keeps its number until its answer came.
	if _, err := tx.NewUpdate().Model((*Message)(nil)).Set("address = '', text = ''").Where("m.school = ? AND m.address <> '' AND m.state <> ?", school, courier.Leaving).Exec(ctx); err != nil {
		return 0, err
	}
	if _, err := tx.NewUpdate().Model((*part)(nil)).Set("address = '', text = ''").Where("p.school = ?", school).Exec(ctx); err != nil {
		return 0, err
	}
	_, err = tx.NewUpdate().Model((*Trip)(nil)).Set("text = ''").Where("t.school = ? AND t.outcome <> ''", school).Exec(ctx)
	return len(open), err
}

// purge empties the words and the numbers of messages that were settled long ago.
func (g *Guard) purge(ctx context.Context) error {
	now := g.now()
	if since := now.Sub(g.purged); since >= 0 && since < time.Minute {
		return nil
	}
	g.purged = now
	before := database.Stamp(now.Add(-kept))
	var old []string
	err := g.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Model((*Message)(nil)).Column("id").Where("m.school = ? AND m.received_at BETWEEN ? AND ? AND m.address <> '' AND m.state NOT IN (?)", g.school, before.Add(-oldest), before, bun.List([]State{courier.Waiting, Held, courier.Leaving})).Limit(atOnce).Scan(ctx, &old)
	})
	if err != nil || len(old) == 0 {
		return err
	}
	return g.db.InSchool(ctx, g.school, func(ctx context.Context, tx database.Tx) error {
		if _, err := tx.NewUpdate().Model((*Message)(nil)).Set("address = '', text = ''").Where("m.school = ? AND m.id IN (?)", g.school, bun.List(old)).Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*Trip)(nil)).Set("text = ''").Where("t.school = ? AND t.outcome <> '' AND t.text <> '' AND t.opened_at <= ?", g.school, before).Exec(ctx)
		return err
	})
}
