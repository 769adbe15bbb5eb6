package courier

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// Relayed is a short message that a school's other program gave us to carry. It is no
// letter: whom it is for and what it says are that program's. Who keeps it (see
// internal/guard) decides when it may leave; everything that keeps a letter in the
// building keeps it too.
type Relayed struct {
	ID        string
	To        string // E.164
	Text      string
	ExpiresAt time.Time
	Attempts  int // that were made already
}

// Relay is told, inside the school's transaction, what became of a relayed message. A
// state that it already has, or that comes too late, is ignored by it.
type Relay func(ctx context.Context, tx database.Tx, school, id string, s State, because string, due, now time.Time) error

// OnRelayed registers who keeps relayed messages.
func (c *Courier) OnRelayed(r Relay) { c.relay = r }

// RelayClaim is what ClaimRelayed decided.
type RelayClaim struct {
	Errands []Errand          // they leave as soon as the transaction is committed
	Kept    map[string]string // by id, why one is void
	// Tripped: one of them was for an address that belongs to nobody. The school is locked;
	// the caller locks all of them (LockAll) once its transaction is committed.
	Tripped bool
}

// relay is one attempt at a relayed message.
type relay struct {
	bun.BaseModel `bun:"table:courier_relays,alias:y"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	N             int    `bun:",pk"`
	Instance      string
	Carrier       string
	Provider      string
	Address       string
	Reference     int
	StartedAt     time.Time
	EndedAt       time.Time `bun:",nullzero"`
	Outcome       Outcome
	Answer        string
}

// relayPart is one short message of an attempt at a relayed one.
type relayPart struct {
	bun.BaseModel `bun:"table:courier_relay_parts,alias:p"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Attempt       int    `bun:",pk"`
	N             int    `bun:",pk"`
	Provider      string
	Key           string
	Address       string
	Fate          string
}

// RelayRoom is how many relayed messages could be handed over now. It is 0 while a program
// that was just started pauses.
func (c *Courier) RelayRoom() int {
	now := c.now()
	if c.pausing(now) {
		return 0
	}
	n := 0
	for _, a := range c.carriers.by[directory.SMS] {
		n += a.open(now)
	}
	return min(n, mostAtOnce)
}

// NumberDigest stands for a telephone number where only sameness matters.
func (c *Courier) NumberDigest(e164 string) string { return c.numberDigest(e164) }

// ClaimRelayed takes, in the transaction of the school, messages that leave now: their
// time, the stop, the lock, the cap of their number and the tripwires are asked, each gets
// its carrier, and leaving is committed with the transaction. Those that are in neither
// list wait. The caller counts one attempt more for each errand in the same transaction,
// and carries it afterwards with CarryRelayed.
func (c *Courier) ClaimRelayed(ctx context.Context, tx database.Tx, school string, ms []Relayed, now time.Time) (RelayClaim, error) {
	out := RelayClaim{Kept: map[string]string{}}
	d, err := readDoors(ctx, tx, school)
	if err != nil || len(ms) == 0 {
		return out, err
	}
	today, err := c.relayedToday(ctx, tx, school, ms, now)
	if err != nil {
		return out, err
	}
	rooms := c.carriers.rooms(now)
	for _, m := range ms {
		l := Letter{School: school, ID: m.ID, Kind: Notice, Channel: directory.SMS, Body: m.Text, ExpiresAt: m.ExpiresAt, Attempts: m.Attempts}
		digest := c.numberDigest(m.To)
		counted := today[digest]
		if m.Attempts > 0 {
			counted-- // itself
		}
		switch {
		case d.locked:
			out.Kept[m.ID] = BecauseFenced
			continue
		case tooLate(l, m.ExpiresAt.Sub(now)):
			out.Kept[m.ID] = BecauseExpired
			continue
		case !c.carriers.Has(directory.SMS):
			out.Kept[m.ID] = BecauseNoCarrier
			continue
		case d.stopped || c.pausing(now):
			continue
		case counted >= MaxADay:
			out.Kept[m.ID] = BecauseCap
			continue
		case directory.Tripwire(directory.SMS, m.To) && !c.carriers.Pretended():
			return RelayClaim{Tripped: true}, c.Lock(ctx, tx, school, WhyTripwire, now)
		}
		last := ""
		if m.Attempts > 0 {
			var before relay
			if err := tx.NewSelect().Model(&before).Where("y.school = ? AND y.id = ? AND y.n = ?", school, m.ID, m.Attempts).Scan(ctx); err != nil {
				return out, err
			}
			last = before.Carrier
		}
		e := Errand{Letter: l, Address: m.To, account: rooms.take(c.carriers.by[directory.SMS], m.ID, m.Attempts, last)}
		if e.account == nil {
			continue // there is no room now
		}
		e.reference = uint16(crc32.ChecksumIEEE([]byte(m.ID))%0xffff) + 1
		e.Letter.Attempts++
		e.Letter.State, e.Letter.LeavingAt = Leaving, now
		e.Attempt = e.Letter.Attempts
		if m.Attempts == 0 {
			today[digest]++
		}
		out.Errands = append(out.Errands, e)
	}
	return out, c.relayLeaves(ctx, tx, school, out.Errands, now)
}

func (c *Courier) relayLeaves(ctx context.Context, tx database.Tx, school string, errands []Errand, now time.Time) error {
	if len(errands) == 0 {
		return nil
	}
	rows, deeds := make([]relay, len(errands)), make([]journal.Deed, len(errands))
	for i, e := range errands {
		rows[i] = relay{School: school, ID: e.Letter.ID, N: e.Attempt, Instance: c.instance(), Carrier: e.account.name, Provider: e.account.provider, Address: c.numberDigest(e.Address), Reference: int(e.reference), StartedAt: database.Stamp(now)}
		deeds[i] = journal.Deed{Act: "relay.leaving", Actor: c.instance(), Subject: e.Letter.ID, Detail: detail(e.Letter, e.account.name)}
	}
	if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
		return err
	}
	return c.journal.Append(ctx, tx, school, now, deeds...)
}

// relayedToday counts, by digest of the number, what began to leave for it in a day:
// letters and relayed messages.
func (c *Courier) relayedToday(ctx context.Context, tx database.Tx, school string, ms []Relayed, now time.Time) (map[string]int, error) {
	digests := make([]string, len(ms))
	for i, m := range ms {
		digests[i] = c.numberDigest(m.To)
	}
	since := database.Stamp(now.Add(-24 * time.Hour))
	var providers []string
	for _, a := range c.carriers.by[directory.SMS] {
		providers = append(providers, a.provider)
	}
	out := map[string]int{}
	count := func(q *bun.SelectQuery) error {
		var rows []struct {
			Address string
			N       int
		}
		err := q.GroupExpr("address").Scan(ctx, &rows)
		for _, r := range rows {
			out[r.Address] += r.N
		}
		return err
	}
	err := count(tx.NewSelect().TableExpr("courier_relays AS y").ColumnExpr("y.address, count(DISTINCT y.id) AS n").Where("y.school = ? AND y.address IN (?) AND y.started_at >= ?", school, bun.List(digests), since))
	if err == nil && len(providers) > 0 {
		err = count(tx.NewSelect().TableExpr("courier_attempts AS a").ColumnExpr("a.address, count(DISTINCT a.letter) AS n").Where("a.provider IN (?) AND a.address IN (?) AND a.school = ? AND a.started_at >= ?", bun.List(providers), bun.List(digests), school, since))
	}
	return out, err
}

// CarryRelayed speaks to the carriers about claimed messages, all at once and with no
// transaction open, and keeps their answers. wait returns when each has its own; its error
// means that some could not be kept: those messages are found unsure.
func (c *Courier) CarryRelayed(ctx context.Context, school string, errands []Errand) (wait func() error) {
	kept := make(chan error, len(errands))
	for _, e := range errands {
		e.account.expect(1)
		c.step(StepClaimed)
	}
	for _, e := range errands {
		go func() {
			a := answered{e: e, r: c.speak(ctx, e)}
			err := c.settleRelayed(context.WithoutCancel(ctx), school, a)
			if err == nil {
				c.step(StepSettled)
				c.log.Info("relayed", "school", school, "message", e.Letter.ID, "attempt", e.Attempt, "carrier", e.account.name, "outcome", string(a.r.Outcome))
			}
			kept <- err
		}()
	}
	return func() (all error) {
		for range errands {
			all = errors.Join(all, <-kept)
		}
		return all
	}
}

// settleRelayed keeps the answer to an attempt, with the carrier's ids.
func (c *Courier) settleRelayed(ctx context.Context, school string, a answered) error {
	return c.db.InSchool(database.Urgent(ctx), school, func(ctx context.Context, tx database.Tx) error {
		now := c.now()
		var row relay
		if err := tx.NewSelect().Model(&row).Where("y.school = ? AND y.id = ? AND y.n = ?", school, a.e.Letter.ID, a.e.Attempt).Scan(ctx); err != nil {
			return err
		}
		// An answer that comes after it was given up says more than silence did.
		if row.Outcome != Pending && !(row.Outcome == NoAnswer && (a.r.Outcome == Accepted || (a.r.Outcome == RefusedByAll && row.N == 1))) {
			return nil
		}
		if _, err := tx.NewUpdate().Model((*relay)(nil)).Set("outcome = ?, answer = ?, ended_at = ?", a.r.Outcome, a.r.Answer, database.Stamp(now)).
			Where("y.school = ? AND y.id = ? AND y.n = ?", school, row.ID, row.N).Exec(ctx); err != nil {
			return err
		}
		parts := make([]relayPart, len(a.r.Parts))
		for i, id := range a.r.Parts {
			parts[i] = relayPart{School: school, ID: row.ID, Attempt: row.N, N: i + 1, Provider: row.Provider, Key: keyOf(id), Address: row.Address}
		}
		if len(parts) > 0 {
			if _, err := tx.NewInsert().Model(&parts).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
				return err
			}
		}
		state, because, due := next(Letter{Attempts: row.N, Channel: directory.SMS, DueAt: now}, a.r, now)
		return c.relayed(ctx, tx, school, row.ID, state, because, due, now, map[string]string{"attempt": strconv.Itoa(row.N), "outcome": string(a.r.Outcome)})
	})
}

func (c *Courier) relayed(ctx context.Context, tx database.Tx, school, id string, s State, because string, due, now time.Time, detail map[string]string) error {
	if err := c.relay(ctx, tx, school, id, s, because, due, now); err != nil {
		return err
	}
	return c.journal.Append(ctx, tx, school, now, journal.Deed{Act: "relay." + string(s), Actor: "courier", Subject: id, Detail: detail})
}

// RelayPass finds what programs that ended left leaving, which is unsure, and reads the
// receipts of relayed messages.
func (c *Courier) RelayPass(ctx context.Context) error {
	if c.relay == nil {
		return nil
	}
	return errors.Join(c.lostRelays(ctx), c.relayReceipts(ctx))
}

func (c *Courier) lostRelays(ctx context.Context) error {
	var rows []relay
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		dead := tx.NewSelect().TableExpr("courier_instances").ColumnExpr("id").Where("ended_at IS NOT NULL")
		return tx.NewSelect().Model(&rows).Where("y.outcome = '' AND y.instance IN (?)", dead).Order("school", "id").Scan(ctx)
	})
	for _, row := range rows {
		r := Result{Outcome: NoAnswer, Answer: "the program ended while the message was leaving"}
		err = errors.Join(err, c.settleRelayed(ctx, row.School, answered{e: Errand{Letter: Letter{ID: row.ID}, Attempt: row.N}, r: r}))
	}
	if err != nil {
		return fmt.Errorf("courier: relayed messages: %w", err)
	}
	return nil
}

// relayReceipts applies the receipts that speak of relayed messages and takes them away:
// they are no letter's.
func (c *Courier) relayReceipts(ctx context.Context) error {
	var open []receipt
	found := map[string]relayPart{}
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		err := tx.NewSelect().Model(&open).Where("r.settled_at IS NULL AND r.received_at > ?", database.Stamp(c.now().Add(-receiptLife))).OrderExpr("r.received_at DESC").Limit(500).Scan(ctx)
		if err != nil || len(open) == 0 {
			return err
		}
		var keys []string
		for _, r := range open {
			if r.Key != "" {
				keys = append(keys, forms(r.Key)...)
			}
		}
		var parts []relayPart
		if len(keys) > 0 {
			if err := tx.NewSelect().Model(&parts).Where("p.key IN (?)", bun.List(keys)).Scan(ctx); err != nil {
				return err
			}
		}
		for _, r := range open {
			p, ok := relayPartOf(parts, r)
			if !ok {
				if p, ok, err = unsureRelay(ctx, tx, r); err != nil {
					return err
				}
			}
			if ok {
				found[r.ID] = p
			}
		}
		return nil
	})
	for _, r := range open {
		if p, ok := found[r.ID]; ok {
			err = errors.Join(err, c.applyRelayed(ctx, r, p))
		}
	}
	return err
}

// relayPartOf finds the part that a receipt speaks of, by the carrier's id and the number;
// without a number only the very same id will do. Where two fit, none is taken.
func relayPartOf(parts []relayPart, r receipt) (relayPart, bool) {
	if r.Key == "" {
		return relayPart{}, false
	}
	could := forms(r.Key)
	var fit []relayPart
	for _, p := range parts {
		if p.Provider == r.Provider && slices.Contains(could, p.Key) && (p.Address == r.Address || (r.Address == "" && p.Key == r.Key)) {
			fit = append(fit, p)
		}
	}
	if exact := slices.DeleteFunc(slices.Clone(fit), func(p relayPart) bool { return p.Key != r.Key }); len(exact) > 0 {
		fit = exact
	}
	if len(fit) != 1 {
		return relayPart{}, false
	}
	return fit[0], true
}

// unsureRelay finds the message without an answer whose reference a receipt echoes.
func unsureRelay(ctx context.Context, tx database.Tx, r receipt) (relayPart, bool, error) {
	if r.Reference == 0 || r.Address == "" {
		return relayPart{}, false, nil
	}
	var rows []relay
	err := tx.NewSelect().Model(&rows).Where("y.provider = ? AND y.address = ? AND y.reference = ? AND y.outcome = 'unsure'", r.Provider, r.Address, r.Reference).Limit(2).Scan(ctx)
	if err != nil || len(rows) != 1 {
		return relayPart{}, false, err
	}
	y := rows[0]
	n, err := tx.NewSelect().Model((*relayPart)(nil)).Where("p.school = ? AND p.id = ? AND p.attempt = ?", y.School, y.ID, y.N).Count(ctx)
	return relayPart{School: y.School, ID: y.ID, Attempt: y.N, N: int(n) + 1, Provider: y.Provider, Key: r.Key, Address: y.Address}, err == nil, err
}

func (c *Courier) applyRelayed(ctx context.Context, r receipt, p relayPart) error {
	return c.db.InSchool(ctx, p.School, func(ctx context.Context, tx database.Tx) error {
		res, err := tx.NewDelete().Model((*receipt)(nil)).Where("r.id = ? AND r.settled_at IS NULL", r.ID).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if r.Fate == "delivered" || r.Fate == "failed" {
			p.Fate = r.Fate
			if _, err := tx.NewInsert().Model(&p).On("CONFLICT (school, id, attempt, n) DO UPDATE").Set("fate = EXCLUDED.fate").Where("p.fate = ''").Exec(ctx); err != nil {
				return err
			}
		}
		var all []relayPart
		if err := tx.NewSelect().Model(&all).Where("p.school = ? AND p.id = ? AND p.attempt = ?", p.School, p.ID, p.Attempt).Scan(ctx); err != nil {
			return err
		}
		state, because := Left, ""
		delivered := 0
		for _, one := range all {
			switch one.Fate {
			case "delivered":
				delivered++
			case "failed":
				state, because = Refused, "undelivered "+r.Code
			}
		}
		if state == Left && delivered == len(all) && delivered > 0 {
			state = Delivered
		}
		if r.Fate == "unknown" && state == Left {
			return nil // the carrier does not know either
		}
		now := c.now()
		return c.relayed(ctx, tx, p.School, p.ID, state, because, now, now, map[string]string{"receipt": r.Fate, "code": r.Code})
	})
}

// relayedLate keeps an answer that came after a relayed message was given up as unsure.
func (c *Courier) relayedLate(ctx context.Context, a *account, id string, r Result) error {
	var rows []relay
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Model(&rows).Where("y.id = ? AND y.carrier = ?", id, a.name).OrderExpr("y.n DESC").Limit(1).Scan(ctx)
	})
	if err != nil || len(rows) == 0 {
		return errors.Join(err, ErrNotFound)
	}
	return c.settleRelayed(ctx, rows[0].School, answered{e: Errand{account: a, Letter: Letter{ID: id}, Attempt: rows[0].N}, r: r})
}
