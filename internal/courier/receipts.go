package courier

import (
	"context"
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// part is one short message of an attempt, and what became of it.
type part struct {
	bun.BaseModel `bun:"table:courier_parts,alias:p"`
	School        string `bun:",pk"`
	Letter        string `bun:",pk"`
	Attempt       int    `bun:",pk"`
	N             int    `bun:",pk"`
	Provider      string
	Key           string
	Address       string
	Fate          string
	Given         string // the id as the carrier gave it
}

// receipt is what a carrier said later, until it is known of which letter.
type receipt struct {
	bun.BaseModel `bun:"table:courier_receipts,alias:r"`
	ID            string `bun:",pk"`
	Provider      string
	Key           string
	Letter        string
	Address       string
	Reference     int
	Fate          string
	Code          string
	ReceivedAt    time.Time
	School        string    `bun:",nullzero"`
	About         string    `bun:",nullzero"`
	SettledAt     time.Time `bun:",nullzero"`
}

var fates = map[sms.Fate]string{sms.Underway: "underway", sms.Delivered: "delivered", sms.Failed: "failed", sms.Unknown: "unknown"}

// receiptLife is how long a receipt that fits no letter is looked at again.
const receiptLife = 3 * 24 * time.Hour

var number = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// isNumber tells whether a text is a telephone number in E.164.
func isNumber(s string) bool { return number.MatchString(s) }

// keyOf is the form in which a carrier's ids are compared: they come back in another
// case, with or without leading zeros (jookies/jasmin 643, 916).
func keyOf(id string) string {
	key := strings.TrimLeft(strings.ToLower(strings.TrimSpace(id)), "0")
	if key == "" && id != "" {
		return "0"
	}
	return key
}

// forms are the keys that may mean the same id: as it is, and as the same number in
// hexadecimal or decimal digits (opentelecoms-org/jsmpp 56).
func forms(key string) []string {
	out := []string{key}
	if len(key) == 0 || len(key) > 40 {
		return out
	}
	for _, base := range []struct{ from, to int }{{10, 16}, {16, 10}} {
		if n, ok := new(big.Int).SetString(key, base.from); ok && n.Sign() >= 0 && !strings.ContainsAny(key, "+-_") {
			if other := n.Text(base.to); !slices.Contains(out, other) {
				out = append(out, other)
			}
		}
	}
	return out
}

// partsOf are the short messages that a carrier took of a letter.
func (c *Courier) partsOf(a answered) []part {
	rows := make([]part, len(a.r.Parts))
	for i, id := range a.r.Parts {
		rows[i] = part{School: a.e.Letter.School, Letter: a.e.Letter.ID, Attempt: a.e.Attempt, N: i + 1, Provider: a.e.account.provider, Key: keyOf(id), Given: id, Address: c.numberDigest(a.e.Address)}
	}
	return rows
}

// keepParts keeps the carrier's ids of what it took, and applies receipts that came
// before them.
func (c *Courier) keepParts(ctx context.Context, tx database.Tx, parts []part, now time.Time) ([]journal.Deed, error) {
	parts, err := newParts(ctx, tx, parts)
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	if _, err := tx.NewInsert().Model(&parts).Exec(ctx); err != nil {
		return nil, err
	}
	var keys, providers []string
	for _, p := range parts {
		if p.Key != "" {
			keys, providers = append(keys, forms(p.Key)...), append(providers, p.Provider)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	var early []receipt
	if err := tx.NewSelect().Model(&early).Where("r.settled_at IS NULL AND r.provider IN (?) AND r.key IN (?)", bun.List(providers), bun.List(keys)).
		OrderExpr("r.received_at").Scan(ctx); err != nil {
		return nil, err
	}
	var deeds []journal.Deed
	for _, r := range early {
		// One that speaks of another school's letter is applied in its own transaction.
		p, ok, err := c.about(ctx, tx, r)
		if err != nil {
			return nil, err
		}
		if !ok || p.School != parts[0].School {
			continue
		}
		more, err := c.apply(ctx, tx, r, p, now)
		if err != nil {
			return nil, err
		}
		deeds = append(deeds, more...)
	}
	return deeds, nil
}

// newParts are those that are not kept yet: an answer that comes late may name what an
// earlier one or a receipt has named.
func newParts(ctx context.Context, tx database.Tx, parts []part) ([]part, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	letters := make([]string, len(parts))
	for i, p := range parts {
		letters[i] = p.Letter
	}
	var kept []part
	if err := tx.NewSelect().Model(&kept).Where("p.school = ? AND p.letter IN (?)", parts[0].School, bun.List(letters)).Scan(ctx); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(parts, func(p part) bool {
		return slices.ContainsFunc(kept, func(k part) bool { return k.Letter == p.Letter && k.Attempt == p.Attempt && k.N == p.N })
	}), nil
}

// receive keeps a receipt, then applies it if it is known of which letter it speaks. An
// error means that it is not kept: the carrier is not to think that it is.
func (c *Courier) receive(ctx context.Context, a *account, said sms.Receipt) error {
	r := receipt{ID: database.NewID(), Provider: a.provider, Key: keyOf(said.ID), Letter: said.Letter, Reference: int(said.Reference), Fate: fates[said.Fate], Code: said.Code, ReceivedAt: database.Stamp(c.now())}
	if isNumber(said.To) {
		r.Address = c.numberDigest(said.To)
	} // anything else, a national form or our own name, says nothing of whom it is about
	if r.Key == "" && r.Letter == "" && r.Reference == 0 {
		c.log.Warn("courier: a receipt about nothing", "carrier", a.name, "fate", r.Fate)
		return nil
	}
	err := c.db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewInsert().Model(&r).On("CONFLICT DO NOTHING").Exec(ctx)
		return err
	})
	if err != nil {
		return err
	}
	c.step(StepReceived)
	if err := c.match(ctx, r); err != nil && ctx.Err() == nil {
		// It is kept: it is looked at again.
		c.log.Error("courier: a receipt could not be applied", "carrier", a.name, "err", err)
	}
	return nil
}

// matchOpen looks again at receipts of no letter yet: one may have come before the
// answer that gave its id.
func (c *Courier) matchOpen(ctx context.Context) error {
	var open []receipt
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Model(&open).Where("r.settled_at IS NULL AND r.received_at > ?", database.Stamp(c.now().Add(-receiptLife))).
			OrderExpr("r.received_at DESC").Limit(500).Scan(ctx)
	})
	for _, r := range open {
		err = errors.Join(err, c.match(ctx, r)) // one that cannot be applied does not keep the others
	}
	return err
}

// match applies a receipt to the letter that it speaks of; without one, it does nothing.
func (c *Courier) match(ctx context.Context, r receipt) error {
	var p part
	var ok bool
	err := c.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		p, ok, err = c.about(ctx, tx, r)
		return err
	})
	if err != nil || !ok {
		return err
	}
	return c.db.InSchool(ctx, p.School, func(ctx context.Context, tx database.Tx) error {
		// The row that is there: the same receipt may have come twice at once.
		err := tx.NewSelect().Model(&r).Where("r.provider = ? AND r.key = ? AND r.letter = ? AND r.address = ? AND r.reference = ? AND r.fate = ? AND r.code = ?",
			r.Provider, r.Key, r.Letter, r.Address, r.Reference, r.Fate, r.Code).Scan(ctx)
		if err != nil || !r.SettledAt.IsZero() {
			return err
		}
		p, ok, err := c.about(ctx, tx, r)
		if err != nil || !ok {
			return err
		}
		now := c.now()
		deeds, err := c.apply(ctx, tx, r, p, now)
		if err != nil {
			return err
		}
		return c.journal.Append(ctx, tx, p.School, now, deeds...)
	})
}

// about finds the part that a receipt speaks of: by the carrier's id and the number; else
// by what the carrier echoes of ours, which is all there is for a letter whose answer was
// lost, or whose carrier gives no ids. Where two fit, none is taken.
func (c *Courier) about(ctx context.Context, tx database.Tx, r receipt) (part, bool, error) {
	if r.Key != "" {
		var rows []part
		if err := tx.NewSelect().Model(&rows).Where("p.provider = ? AND p.key IN (?)", r.Provider, bun.List(forms(r.Key))).Limit(10).Scan(ctx); err != nil {
			return part{}, false, err
		}
		// Without a number only the very same id will do.
		rows = slices.DeleteFunc(rows, func(p part) bool { return p.Address != r.Address && (r.Address != "" || p.Key != r.Key) })
		if exact := slices.DeleteFunc(slices.Clone(rows), func(p part) bool { return p.Key != r.Key }); len(exact) > 0 {
			rows = exact
		}
		if r.Letter != "" { // what the carrier echoes of ours says more than its own id
			rows = slices.DeleteFunc(rows, func(p part) bool { return p.Letter != r.Letter })
		}
		if len(rows) > 0 {
			return rows[0], len(rows) == 1, nil
		}
	}
	a, ok, err := attemptOf(ctx, tx, r)
	if err != nil || !ok {
		return part{}, false, err
	}
	var all []part
	if err := tx.NewSelect().Model(&all).Where("p.school = ? AND p.letter = ? AND p.attempt = ?", a.School, a.Letter, a.N).Order("n").Scan(ctx); err != nil {
		return part{}, false, err
	}
	for _, p := range all {
		if p.Key == "" && p.Fate == "" {
			return p, true, nil
		}
	}
	return part{School: a.School, Letter: a.Letter, Attempt: a.N, N: len(all) + 1, Provider: r.Provider, Key: r.Key, Address: a.Address}, true, nil
}

// attemptOf finds the one attempt that a receipt echoes something of. An attempt without
// an outcome yet is looked at again when it has one.
func attemptOf(ctx context.Context, tx database.Tx, r receipt) (Attempt, bool, error) {
	var tries []Attempt
	q := tx.NewSelect().Model(&tries).Where("a.provider = ?", r.Provider)
	switch {
	case r.Letter != "":
		q = q.Where("a.letter = ? AND a.outcome IN (?)", r.Letter, bun.List([]Outcome{Accepted, NoAnswer}))
	case r.Reference != 0 && r.Address != "":
		q = q.Where("a.outcome = ? AND a.address = ? AND a.reference = ? AND a.started_at > ?", NoAnswer, r.Address, r.Reference, database.Stamp(r.ReceivedAt.Add(-receiptLife)))
	default:
		return Attempt{}, false, nil
	}
	if err := q.Limit(2).Scan(ctx); err != nil || len(tries) != 1 || (r.Address != "" && tries[0].Address != r.Address) {
		return Attempt{}, false, err
	}
	return tries[0], true, nil
}

// apply settles a part and, with its last part, the letter.
func (c *Courier) apply(ctx context.Context, tx database.Tx, r receipt, p part, now time.Time) ([]journal.Deed, error) {
	_, err := tx.NewUpdate().Model((*receipt)(nil)).Set("school = ?, about = ?, settled_at = ?", p.School, p.Letter, database.Stamp(now)).
		Where("r.id = ? AND r.settled_at IS NULL", r.ID).Exec(ctx)
	if err != nil {
		return nil, err
	}
	if err := keepFate(ctx, tx, p, r.Fate); err != nil {
		return nil, err
	}
	l, err := ByID(ctx, tx, p.School, p.Letter)
	if err != nil {
		return nil, err
	}
	var all []part
	if err := tx.NewSelect().Model(&all).Where("p.school = ? AND p.letter = ? AND p.attempt = ?", p.School, p.Letter, p.Attempt).Scan(ctx); err != nil {
		return nil, err
	}
	state, because := heardOf(l, all, r)
	if state == l.State {
		return nil, nil
	}
	if err := settle(ctx, tx, l, state, because, l.DueAt, now); err != nil {
		return nil, err
	}
	return []journal.Deed{{Act: "letter." + string(state), Actor: "courier", Subject: l.ID, Detail: map[string]string{"receipt": r.Fate, "code": r.Code}}}, nil
}

// keepFate writes a part's fate, once; a part that had no id is added with its receipt.
func keepFate(ctx context.Context, tx database.Tx, p part, fate string) error {
	if fate != "delivered" && fate != "failed" {
		fate = ""
	}
	res, err := tx.NewUpdate().Model((*part)(nil)).Set("fate = ?", fate).
		Where("p.school = ? AND p.letter = ? AND p.attempt = ? AND p.n = ? AND p.fate = ''", p.School, p.Letter, p.Attempt, p.N).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	there, err := tx.NewSelect().Model((*part)(nil)).Where("p.school = ? AND p.letter = ? AND p.attempt = ? AND p.n = ?", p.School, p.Letter, p.Attempt, p.N).Exists(ctx)
	if err != nil || there {
		return err // it has its fate already
	}
	p.Fate = fate
	_, err = tx.NewInsert().Model(&p).Exec(ctx)
	return err
}

// heardOf is a letter's state after a receipt about one of its parts.
func heardOf(l Letter, all []part, r receipt) (State, string) {
	if l.State != Left && l.State != Unheard && l.State != Unsure {
		return l.State, l.Because
	}
	delivered, failed := 0, 0
	for _, p := range all {
		switch p.Fate {
		case "delivered":
			delivered++
		case "failed":
			failed++
		}
	}
	switch {
	case failed > 0:
		return Refused, strings.TrimSpace("undelivered " + r.Code)
	case len(all) < expected(l, all):
		return l.State, l.Because // of another part nothing is known
	case delivered == len(all):
		return Delivered, ""
	case l.State == Unsure && (delivered > 0 || r.Fate == "underway"):
		return Left, "" // whoever knows of it took it
	}
	return l.State, l.Because
}

// expected is how many parts a letter has: those that its carrier named, where it
// answered; else those that its words make.
func expected(l Letter, all []part) int {
	if l.State != Unsure || l.Body == "" {
		return len(all)
	}
	return max(len(all), sms.Parts(l.Body))
}
