package guard

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// Refusals of an offer: the tool is told so at once, and nothing is kept of it.
var (
	ErrNumber = errors.New("guard: not the number of a mobile telephone")
	ErrText   = errors.New("guard: no text, or one that is too long or cannot be read")
	ErrLife   = errors.New("guard: too short a life: a message rests for a while before it leaves")
	ErrPart   = errors.New("guard: a part that cannot be")
)

// longest text, in characters: ten short messages.
const longest = 1530

// Accept keeps a message that the tool gave us, and gives the id that the tool is told.
// When it returns, the message is committed. The same message to the same number within
// ten minutes is the same one: it gets the id that it has. ErrNumber, ErrText, ErrLife,
// ErrPart; directory.ErrGone where the school left.
func (g *Guard) Accept(ctx context.Context, o Offer) (id string, err error) {
	if strings.TrimSpace(o.Text) == "" && o.Part.Total == 0 || utf8.RuneCountInString(o.Text) > longest || !utf8.ValidString(o.Text) || strings.ContainsRune(o.Text, 0) {
		return "", ErrText
	}
	if p := o.Part; p != (Part{}) && (p.Total < 2 || p.Total > 20 || p.N < 1 || p.N > p.Total) {
		return "", ErrPart
	}
	life := g.limits.Life
	if o.Life > 0 {
		life = min(life, o.Life)
	}
	if life < g.limits.Gather+leastLife {
		return "", ErrLife
	}
	o.Sender = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r > unicode.MaxASCII {
			return -1
		}
		return r
	}, o.Sender)
	if len(o.Sender) > 21 {
		o.Sender = o.Sender[:21]
	}
	err = g.db.InSchool(database.Urgent(ctx), g.school, func(ctx context.Context, tx database.Tx) error {
		now := g.now()
		s, err := directory.SchoolByID(ctx, tx, g.school)
		if err != nil {
			return err
		}
		if gone, err := directory.Gone(ctx, tx, g.school); err != nil || gone {
			return cmp.Or(err, directory.ErrGone) // nobody would read that it did not leave
		}
		to, ok := directory.Mobile(o.To, s.Region)
		if !ok {
			return ErrNumber
		}
		zone, err := s.Location()
		if err != nil {
			return err
		}
		day := now.In(zone).Format(time.DateOnly)
		if o.Part.Total > 0 {
			id, err = g.keepPart(ctx, tx, o, to, day, now, now.Add(life))
			return err
		}
		id, err = g.keep(ctx, tx, o, to, day, now, now.Add(life))
		return err
	})
	if err != nil {
		return "", err
	}
	g.step(StepAccepted)
	g.Poke()
	return id, nil
}

// leastLife is what a message has left, at least, when its rest is over: the courier hands
// over nothing with less.
const leastLife = 3 * time.Minute

// keep commits a whole message, unless it is there already, and holds it and its like if
// it makes a sign.
func (g *Guard) keep(ctx context.Context, tx database.Tx, o Offer, to, day string, now, expires time.Time) (string, error) {
	m := Message{School: g.school, ID: database.NewID(), Number: g.courier.NumberDigest(to), Address: to, Text: o.Text, Same: g.journal.Digest("guard same", sameText(o.Text)),
		Words: g.journal.Digest("guard words", to, o.Text), Via: o.Via, Wanted: o.Wanted, Sender: o.Sender, State: courier.Waiting,
		ReceivedAt: database.Stamp(now), DueAt: database.Stamp(now.Add(g.limits.Gather)), ExpiresAt: database.Stamp(expires)}
	if before, found, err := earlier(ctx, tx, g.school, m.Words, now); err != nil || found {
		return before.ID, err
	}
	if _, err := tx.NewInsert().Model(&m).Exec(ctx); err != nil {
		return "", err
	}
	if err := g.journal.Append(ctx, tx, g.school, now, g.deed("accepted", "guard", m.ID, map[string]string{"number": m.Number, "words": m.Words, "via": m.Via})); err != nil {
		return "", err
	}
	return m.ID, g.watch(ctx, tx, m, day, now)
}

// watch asks the signs about a message that was just kept.
func (g *Guard) watch(ctx context.Context, tx database.Tx, m Message, day string, now time.Time) error {
	t, open, err := openTrip(ctx, tx, g.school, m.Same)
	if err != nil {
		return err
	}
	if open {
		t.Same = m.Same // it and its like: the others are held already
		_, err = hold(ctx, tx, t)
		return err
	}
	s, err := look(ctx, tx, m, day, now)
	if err != nil {
		return err
	}
	sign, n, most, tripped := g.limits.judge(s)
	if !tripped {
		return usual(ctx, tx, g.school, day, 1, s.rate)
	}
	t = Trip{School: g.school, ID: database.NewID(), Sign: sign, Text: m.Text, Seen: n, Most: most, OpenedAt: database.Stamp(now)}
	if sign == SignSame {
		t.Same = m.Same
	}
	if _, err := tx.NewInsert().Model(&t).Exec(ctx); err != nil {
		return err
	}
	kept, err := hold(ctx, tx, t)
	if err != nil {
		return err
	}
	g.log.Warn("guard: messages are held", "school", g.school, "trip", t.ID, "sign", string(sign), "numbers", n, "most", most, "held", kept)
	return g.journal.Append(ctx, tx, g.school, now, g.deed("tripped", "guard", t.ID, map[string]string{"sign": string(sign), "numbers": count(n), "most": count(most), "held": count(kept)}))
}

// keepPart commits one part of a message, and the message when it was the last to come.
func (g *Guard) keepPart(ctx context.Context, tx database.Tx, o Offer, to, day string, now, expires time.Time) (string, error) {
	p := part{School: g.school, ID: database.NewID(), Number: g.courier.NumberDigest(to), Address: to, Text: o.Text, Ref: o.Part.Ref, Total: o.Part.Total, N: o.Part.N, Wanted: o.Wanted, Sender: o.Sender,
		ReceivedAt: database.Stamp(now), ExpiresAt: database.Stamp(expires)}
	var all []part
	err := tx.NewSelect().Model(&all).Where("p.school = ? AND p.number = ? AND p.ref = ? AND p.total = ? AND p.received_at > ?", g.school, p.Number, p.Ref, p.Total, database.Stamp(now.Add(-again))).Order("n", "received_at").Scan(ctx)
	if err != nil {
		return "", err
	}
	whole := map[int]part{p.N: p}
	for _, q := range all {
		if q.Message != "" {
			continue
		}
		if q.N == p.N {
			if q.Text == p.Text {
				return q.ID, nil // given once more
			}
			return "", ErrPart // another message in the same clothes: the tool tries again later
		}
		whole[q.N] = q
	}
	if len(whole) == 1 {
		// The last part may be given once more when the message is whole already.
		if id, found, err := g.partAgain(ctx, tx, all, p); err != nil || found {
			return id, err
		}
	}
	if _, err := tx.NewInsert().Model(&p).Exec(ctx); err != nil {
		return "", err
	}
	if len(whole) < p.Total {
		return p.ID, nil
	}
	return p.ID, g.join(ctx, tx, whole, day, now)
}

// partAgain tells whether a part is one of a message that is whole already.
func (g *Guard) partAgain(ctx context.Context, tx database.Tx, all []part, p part) (string, bool, error) {
	for _, q := range all {
		if q.N != p.N || q.Message == "" {
			continue
		}
		m, err := ByID(ctx, tx, g.school, q.Message)
		if err != nil {
			return "", false, err
		}
		if p.Text != "" && strings.Contains(m.Text, p.Text) {
			return q.ID, true, nil
		}
	}
	return "", false, nil
}

// join makes the message of its parts.
func (g *Guard) join(ctx context.Context, tx database.Tx, whole map[int]part, day string, now time.Time) error {
	var text strings.Builder
	var first part
	expires := time.Time{}
	for n := 1; n <= 20; n++ {
		p, ok := whole[n]
		if !ok {
			continue
		}
		if first.ID == "" {
			first = p
		}
		if expires.IsZero() || p.ExpiresAt.Before(expires) {
			expires = p.ExpiresAt
		}
		text.WriteString(p.Text)
	}
	id, err := g.keep(ctx, tx, Offer{Text: text.String(), Sender: first.Sender, Via: "smpp"}, first.Address, day, now, expires)
	if err != nil {
		return err
	}
	for _, p := range whole {
		// What is whole is kept whole, once.
		if err := one(tx.NewUpdate().Model((*part)(nil)).Set("message = ?, address = '', text = ''", id).Where("p.school = ? AND p.id = ? AND p.message IS NULL", g.school, p.ID).Exec(ctx)); err != nil {
			return err
		}
	}
	return nil
}
