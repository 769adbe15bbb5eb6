package courier

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// ErrNotFound: no such letter in this school.
var ErrNotFound = errors.New("courier: not found")

// Draft is a letter before it is put in the queue.
type Draft struct {
	ID        string // chosen by the writer, who vouches for it
	Code      string // its reference; see NewCode
	Kind      Kind
	Ref       string
	Pupil     string
	Person    string
	Contact   string
	Channel   directory.Channel
	Lang      string
	Subject   string
	Body      string
	Exercise  bool
	DueAt     time.Time
	ExpiresAt time.Time
}

// Put puts a letter in the queue, in the transaction of the decision that made it, and
// writes its journal line. The same letter twice is an error of the database.
func (c *Courier) Put(ctx context.Context, tx database.Tx, school string, now time.Time, d Draft) error {
	point, err := directory.PointByID(ctx, tx, school, d.Contact)
	if err != nil {
		return err
	}
	l := Letter{School: school, ID: d.ID, Code: d.Code, Kind: d.Kind, Ref: d.Ref, Pupil: d.Pupil, Person: d.Person, Contact: d.Contact,
		Channel: d.Channel, Lang: d.Lang, Subject: d.Subject, Body: d.Body, MessageID: d.ID + "@" + c.carriers.domain, Exercise: d.Exercise, State: Waiting, CreatedAt: database.Stamp(now), DueAt: database.Stamp(d.DueAt), ExpiresAt: database.Stamp(d.ExpiresAt)}
	l.Digest = c.digest(l, point)
	if _, err := tx.NewInsert().Model(&l).Exec(ctx); err != nil {
		return err
	}
	detail := map[string]string{"kind": string(l.Kind), "ref": l.Ref, "pupil": l.Pupil, "person": l.Person, "channel": string(l.Channel), "contact": l.Contact, "digest": l.Digest}
	if l.Exercise {
		detail["exercise"] = "yes"
	}
	return c.journal.Append(ctx, tx, school, now, journal.Deed{Act: "letter.waiting", Actor: "courier", Subject: l.ID, Detail: detail})
}

// digest binds a letter's words to its recipient, its address, what it is about and its
// time, with the key that is not in the database: a row made or changed by other hands
// does not leave.
func (c *Courier) digest(l Letter, p directory.ContactPoint) string {
	bound := []string{l.School, l.ID, l.Code, string(l.Kind), l.Ref, l.Pupil, l.Person, l.Contact, string(l.Channel), p.Address, p.Person, l.MessageID,
		l.ExpiresAt.UTC().Format(time.RFC3339Nano), l.Subject, l.Body}
	if l.Exercise {
		bound = append(bound, "exercise")
	}
	return c.journal.Digest(bound...)
}

// Recall makes the letters of a subject that have not begun to leave void. A letter
// that is leaving is left alone: it is settled first.
func (c *Courier) Recall(ctx context.Context, tx database.Tx, school, ref string, kind Kind, because string, now time.Time) error {
	return c.voidWhere(ctx, tx, school, because, now, func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("l.ref = ? AND l.kind = ?", ref, kind) })
}

// voidWhere makes letters that wait void, many at once: a school's transaction is short
// even where a whole school is written to.
func (c *Courier) voidWhere(ctx context.Context, tx database.Tx, school, because string, now time.Time, which func(*bun.SelectQuery) *bun.SelectQuery) error {
	var ids []string
	if err := which(tx.NewSelect().Model((*Letter)(nil)).Column("id").Where("l.school = ? AND l.state = ?", school, Waiting)).Order("id").Scan(ctx, &ids); err != nil {
		return err
	}
	for part := range slices.Chunk(ids, 500) {
		res, err := tx.NewUpdate().Model((*Letter)(nil)).Set("state = ?, because = ?, settled_at = ?", Void, because, database.Stamp(now)).
			Where("l.school = ? AND l.id IN (?) AND l.state = ?", school, bun.List(part), Waiting).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n != int64(len(part)) {
			return errors.Join(err, errMoved)
		}
		deeds := make([]journal.Deed, len(part))
		for i, id := range part {
			deeds[i] = journal.Deed{Act: "letter.void", Actor: "courier", Subject: id, Detail: map[string]string{"because": because}}
		}
		if err := c.journal.Append(ctx, tx, school, now, deeds...); err != nil {
			return err
		}
	}
	return nil
}

func (c *Courier) void(ctx context.Context, tx database.Tx, l Letter, because string, now time.Time) error {
	if err := settle(ctx, tx, l, Void, because, l.DueAt, now); err != nil {
		return err
	}
	return c.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "letter.void", Actor: "courier", Subject: l.ID, Detail: map[string]string{"because": because}})
}

// settle moves a letter on, only from the state that was read.
func settle(ctx context.Context, tx database.Tx, l Letter, to State, because string, due, now time.Time) error {
	res, err := tx.NewUpdate().Model((*Letter)(nil)).
		Set("state = ?, because = ?, due_at = ?, settled_at = ?", to, because, database.Stamp(due), database.Stamp(now)).
		Where("l.school = ? AND l.id = ? AND l.state = ?", l.School, l.ID, l.State).Exec(ctx)
	return one(res, err)
}

var errMoved = errors.New("courier: the letter moved meanwhile")

func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return errMoved
}

// due gives the next letters to look at, at most that many: what corrects goes first,
// then who came, then what was due first. Of the kinds that are kept, only those whose
// time is over.
func due(ctx context.Context, tx database.Tx, school string, now time.Time, open []directory.Channel, kept func(Kind) bool, most int) ([]Letter, error) {
	var out []Letter
	for _, kind := range kinds() {
		var some []Letter
		q := claimable(tx.NewSelect().Model(&some).Where("l.school = ? AND l.kind = ?", school, kind), now, open)
		if kept(kind) {
			q = q.Where("l.expires_at <= ?", database.Stamp(now))
		}
		err := q.OrderExpr("l.due_at, l.id").Limit(int64(most - len(out))).Scan(ctx)
		if err != nil {
			return nil, err
		}
		if out = append(out, some...); len(out) >= most {
			break
		}
	}
	return out, nil
}

// claimable are letters to look at: waiting, or unsure and to be tried once more (see
// MayTryAgain), held by nothing, of a channel that has room now; and those whose time is
// over, whatever room there is. An exercise needs no room.
func claimable(q *bun.SelectQuery, now time.Time, open []directory.Channel) *bun.SelectQuery {
	at := database.Stamp(now)
	q = q.Where("l.state IN ('waiting', 'unsure') AND l.due_at <= ?", at). // in the index's own words
										Where("(l.state = ? OR (l.state = ? AND l.channel = ? AND l.attempts = 1 AND l.because = ? AND l.expires_at > ?))",
			Waiting, Unsure, directory.Email, unsureBefore, at)
	if len(open) == 0 {
		return q.Where("l.expires_at <= ?", at)
	}
	return q.Where("(((l.channel IN (?) OR l.exercise) AND l.held_by = '') OR l.expires_at <= ?)", bun.List(open), at)
}

// schoolsDue lists the schools with a letter to look at, the longest due first.
func schoolsDue(ctx context.Context, tx database.Tx, now time.Time, open []directory.Channel) ([]string, error) {
	var schools []string
	err := claimable(tx.NewSelect().TableExpr("courier_letters AS l").ColumnExpr("l.school"), now, open).
		GroupExpr("l.school").OrderExpr("min(l.due_at)").Scan(ctx, &schools)
	return schools, err
}

// lettersSince counts, for each contact point of same, the letters that began to leave
// since a moment for it and for those of the same address.
func lettersSince(ctx context.Context, tx database.Tx, school string, same map[string][]string, since time.Time) (map[string]int, error) {
	out := map[string]int{}
	if len(same) == 0 {
		return out, nil
	}
	var all []string
	for _, ids := range same {
		all = append(all, ids...)
	}
	var rows []struct {
		Contact string
		N       int
	}
	err := tx.NewSelect().TableExpr("courier_letters AS l").ColumnExpr("l.contact, count(*) AS n").
		Where("l.school = ? AND l.contact IN (?) AND l.created_at >= ? AND l.attempts > 0 AND NOT l.exercise", school, bun.List(all), database.Stamp(since)).GroupExpr("l.contact").Scan(ctx, &rows)
	for point, ids := range same {
		for _, r := range rows {
			if slices.Contains(ids, r.Contact) {
				out[point] += r.N
			}
		}
	}
	return out, err
}

// ByID reads a letter; ErrNotFound.
func ByID(ctx context.Context, tx database.Tx, school, id string) (Letter, error) {
	return oneLetter(ctx, tx, "l.school = ? AND l.id = ?", school, id)
}

// byIDs reads letters of a school, by id.
func byIDs(ctx context.Context, tx database.Tx, school string, ids []string) (map[string]Letter, error) {
	var rows []Letter
	err := tx.NewSelect().Model(&rows).Where("l.school = ? AND l.id IN (?)", school, bun.List(ids)).Scan(ctx)
	out := make(map[string]Letter, len(rows))
	for _, l := range rows {
		out[l.ID] = l
	}
	return out, err
}

// Find reads a letter by its id, its Message-ID, the reference or the link that the family
// reads, in any school: for the operator's explain. ErrNotFound.
func Find(ctx context.Context, tx database.Tx, message string) (Letter, error) {
	return oneLetter(ctx, tx, "l.id = ? OR l.code = ? OR l.message_id = ?", message, Reference(message), strings.Trim(message, "<>"))
}

// Reference is the reference in what somebody reads out or pastes: itself, in any case,
// or the link to answer by, which begins with it.
func Reference(text string) string {
	text = strings.ToUpper(strings.TrimSpace(text[strings.LastIndex(text, "/")+1:]))
	if len(text) > codeLength {
		return text[:codeLength]
	}
	return text
}

func oneLetter(ctx context.Context, tx database.Tx, where string, args ...any) (Letter, error) {
	var l Letter
	err := tx.NewSelect().Model(&l).Where(where, args...).Order("created_at").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return l, ErrNotFound
	}
	return l, err
}

// About lists the letters of subjects, oldest first.
func About(ctx context.Context, tx database.Tx, school string, refs []string) ([]Letter, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var rows []Letter
	err := tx.NewSelect().Model(&rows).Where("l.school = ? AND l.ref IN (?)", school, bun.List(refs)).Order("created_at", "id").Scan(ctx)
	return rows, err
}

// Recent lists the last letters of a school that began to leave, newest first. What it asks is
// the index courier_letters_recent, word for word.
func Recent(ctx context.Context, tx database.Tx, school string, limit int64) ([]Letter, error) {
	var rows []Letter
	err := tx.NewSelect().Model(&rows).Where("l.school = ? AND l.attempts > 0", school).OrderExpr("l.leaving_at DESC, l.id").Limit(limit).Scan(ctx)
	return rows, err
}

// Attempts lists the attempts of a letter, in order.
func Attempts(ctx context.Context, tx database.Tx, school, letter string) ([]Attempt, error) {
	var rows []Attempt
	err := tx.NewSelect().Model(&rows).Where("a.school = ? AND a.letter = ?", school, letter).Order("n").Scan(ctx)
	return rows, err
}

// Counts gives how many letters are in each state, of all schools: for the running
// check and for doctor.
func Counts(ctx context.Context, tx database.Tx) (map[State]int, error) {
	var rows []struct {
		State State
		N     int
	}
	err := tx.NewSelect().TableExpr("courier_letters AS l").ColumnExpr("l.state, count(*) AS n").GroupExpr("l.state").Scan(ctx, &rows)
	out := map[State]int{}
	for _, r := range rows {
		out[r.State] = r.N
	}
	return out, err
}

func detail(l Letter, carrier string) map[string]string {
	return map[string]string{"attempt": strconv.Itoa(l.Attempts), "carrier": carrier}
}
