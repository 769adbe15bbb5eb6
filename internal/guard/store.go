package guard

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// ErrNotFound: no such message or trip in this school.
var ErrNotFound = errors.New("guard: not found")

var errMoved = errors.New("guard: it moved meanwhile")

func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errMoved
}

// earlier finds the message that was given with the same number and words a moment ago.
func earlier(ctx context.Context, tx database.Tx, school, words string, now time.Time) (Message, bool, error) {
	var rows []Message
	err := tx.NewSelect().Model(&rows).Where("m.school = ? AND m.words = ? AND m.received_at > ?", school, words, database.Stamp(now.Add(-again))).OrderExpr("m.received_at DESC").Limit(1).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return Message{}, false, err
	}
	return rows[0], true, nil
}

// look counts what the signs count, for a message that was just put in.
func look(ctx context.Context, tx database.Tx, m Message, day string, now time.Time) (s seen, err error) {
	numbers := func(since time.Duration, where string, args ...any) (n int, err error) {
		err = tx.NewSelect().TableExpr("guard_messages AS m").ColumnExpr("count(DISTINCT m.number)").
			Where("m.school = ? AND m.received_at > ?", m.School, database.Stamp(now.Add(-since))).Where(where, args...).Scan(ctx, &n)
		return n, err
	}
	if s.same, err = numbers(sameWithin, "m.same = ?", m.Same); err != nil {
		return s, err
	}
	// What a text holds by itself is no part of how many there are: it holds nobody else's.
	if s.rate, err = numbers(rateWithin, "NOT EXISTS (SELECT 1 FROM guard_trips t WHERE t.school = m.school AND t.id = m.trip AND t.sign = ?)", SignSame); err != nil {
		return s, err
	}
	if s.share, err = numbers(shareWithin, "m.trip IS NULL AND m.state <> ?", courier.Void); err != nil {
		return s, err
	}
	err = tx.NewRaw("SELECT coalesce(max(peak), 0) FROM (SELECT peak FROM guard_days WHERE school = ? AND day < ? ORDER BY day DESC LIMIT ?) AS d", m.School, day, history).Scan(ctx, &s.peak)
	return s, err
}

// usual notes an ordinary minute of a day.
func usual(ctx context.Context, tx database.Tx, school, day string, numbers, peak int) error {
	_, err := tx.NewRaw("INSERT INTO guard_days (school, day, numbers, peak) VALUES (?, ?, ?, ?) ON CONFLICT (school, day) DO UPDATE SET numbers = guard_days.numbers + EXCLUDED.numbers, peak = CASE WHEN EXCLUDED.peak > guard_days.peak THEN EXCLUDED.peak ELSE guard_days.peak END",
		school, day, numbers, peak).Exec(ctx)
	return err
}

// openTrip gives the trip that holds a text, or any; false: there is none.
func openTrip(ctx context.Context, tx database.Tx, school, same string) (Trip, bool, error) {
	var rows []Trip
	err := tx.NewSelect().Model(&rows).Where("t.school = ? AND t.outcome = '' AND t.same IN (?, '')", school, same).OrderExpr("t.same DESC").Limit(1).Scan(ctx)
	if err != nil || len(rows) == 0 {
		return Trip{}, false, err
	}
	return rows[0], true, nil
}

// hold keeps what waits and no trip held before: one text, or all when same is empty.
func hold(ctx context.Context, tx database.Tx, t Trip) (int, error) {
	q := tx.NewUpdate().Model((*Message)(nil)).Set("state = ?, trip = ?", Held, t.ID).Where("m.school = ? AND m.state = ? AND m.trip IS NULL AND m.attempts = 0", t.School, courier.Waiting)
	if t.Same != "" {
		q = q.Where("m.same = ?", t.Same)
	}
	res, err := q.Exec(ctx)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// settle moves a message on, only from the state that was read.
func settle(ctx context.Context, tx database.Tx, m Message, to State, because string, due, now time.Time) error {
	q := tx.NewUpdate().Model((*Message)(nil)).Set("state = ?, because = ?, due_at = ?", to, because, database.Stamp(due)).Where("m.school = ? AND m.id = ? AND m.state = ?", m.School, m.ID, m.State)
	if to != courier.Waiting {
		q = q.Set("settled_at = ?", database.Stamp(now))
	}
	return one(q.Exec(ctx))
}

// ByID reads a message; ErrNotFound.
func ByID(ctx context.Context, tx database.Tx, school, id string) (Message, error) {
	var m Message
	err := tx.NewSelect().Model(&m).Where("m.school = ? AND m.id = ?", school, id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return m, err
}

// StateOf says what became of what the tool was given an id for: a message, or a part of
// one, which waits until all of them are there. ErrNotFound.
func StateOf(ctx context.Context, tx database.Tx, school, id string) (Message, error) {
	m, err := ByID(ctx, tx, school, id)
	if !errors.Is(err, ErrNotFound) {
		return m, err
	}
	var p part
	err = tx.NewSelect().Model(&p).Where("p.school = ? AND p.id = ?", school, id).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return m, ErrNotFound
	case err != nil:
		return m, err
	case p.Message == "":
		return Message{School: school, ID: id, State: courier.Waiting, ReceivedAt: p.ReceivedAt, ExpiresAt: p.ExpiresAt}, nil
	}
	return ByID(ctx, tx, school, p.Message)
}

// TripByID reads a trip; ErrNotFound.
func TripByID(ctx context.Context, tx database.Tx, school, id string) (Trip, error) {
	var t Trip
	err := tx.NewSelect().Model(&t).Where("t.school = ? AND t.id = ?", school, id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	return t, err
}

// Trips lists the trips of a school, open ones first, then the last ones.
func Trips(ctx context.Context, tx database.Tx, school string, limit int64) ([]Trip, error) {
	var rows []Trip
	err := tx.NewSelect().Model(&rows).Where("t.school = ?", school).OrderExpr("CASE WHEN t.outcome = '' THEN 0 ELSE 1 END, t.opened_at DESC").Limit(limit).Scan(ctx)
	return rows, err
}

// Holding is what a trip holds, or held.
type Holding struct {
	People   int // distinct numbers still held
	Messages int
	Expired  int // messages whose time ended while they were held
	First    time.Time
	Last     time.Time
	Until    time.Time // when the first of them expires
}

// HoldingOf counts what a trip holds now.
func HoldingOf(ctx context.Context, tx database.Tx, t Trip) (h Holding, err error) {
	var rows []Message
	err = tx.NewSelect().Model(&rows).Column("number", "state", "because", "received_at", "expires_at").Where("m.school = ? AND m.trip = ?", t.School, t.ID).OrderExpr("m.received_at").Scan(ctx)
	people := map[string]bool{}
	for i, m := range rows {
		if i == 0 {
			h.First = m.ReceivedAt
		}
		h.Last = m.ReceivedAt
		switch {
		case m.State == courier.Void && m.Because == courier.BecauseExpired:
			h.Expired++
		case m.State == Held || t.Outcome != Open:
			h.Messages++
			people[m.Number] = true
			if h.Until.IsZero() || m.ExpiresAt.Before(h.Until) {
				h.Until = m.ExpiresAt
			}
		}
	}
	h.People = len(people)
	return h, err
}

// Today counts a school's messages by state since a moment.
func Today(ctx context.Context, tx database.Tx, school string, since time.Time) (map[State]int, error) {
	var rows []struct {
		State State
		N     int
	}
	err := tx.NewSelect().TableExpr("guard_messages AS m").ColumnExpr("m.state, count(*) AS n").Where("m.school = ? AND m.received_at >= ?", school, database.Stamp(since)).GroupExpr("m.state").Scan(ctx, &rows)
	out := map[State]int{}
	for _, r := range rows {
		out[r.State] = r.N
	}
	return out, err
}

// ToTelephone lists the messages since a moment that did not arrive, or of which nobody
// knows: somebody calls.
func ToTelephone(ctx context.Context, tx database.Tx, school string, since time.Time, limit int64) ([]Message, error) {
	var rows []Message
	err := tx.NewSelect().Model(&rows).Where("m.school = ? AND m.received_at >= ? AND (m.state IN (?) OR (m.state = ? AND m.because <> ?))", school, database.Stamp(since),
		bun.List([]State{courier.Unsure, courier.Refused}), courier.Void, BecauseDiscarded).OrderExpr("m.received_at DESC, m.id").Limit(limit).Scan(ctx)
	return rows, err
}

func (g *Guard) deed(act, actor, subject string, detail map[string]string) journal.Deed {
	return journal.Deed{Act: "guard." + act, Actor: actor, Subject: subject, Detail: detail}
}

func count(n int) string { return strconv.Itoa(n) }
