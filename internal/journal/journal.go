// Package journal keeps, per school and school year, the chain of what was done: each
// line carries a keyed digest of itself and of the line before, so that a line that is
// altered, missing or cut off shows.
//
// Its promise: a line is written in the transaction of the deed it describes, or the
// deed does not happen. Lines hold ids and keyed digests only, never a name, a number
// or the words of a message: those live with what they belong to and are purged on
// time, and Verify still passes afterwards. The key is kept outside the database.
package journal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Line is one deed. At is text with microseconds, the very bytes that are digested.
type Line struct {
	bun.BaseModel `bun:"table:journal_lines,alias:j"`
	School        string `bun:",pk"`
	Year          string `bun:",pk"` // of the school: 2026-2027
	Seq           int64  `bun:",pk"`
	At            string
	Act           string // what was done: mark, held, left…
	Actor         string // account, or the part of the program that did it
	Subject       string // what it was done to: pupil, letter, episode
	Detail        string // ids as JSON, keys in order
	Mac           string
}

type head struct {
	bun.BaseModel `bun:"table:journal_heads,alias:h"`
	School        string `bun:",pk"`
	Year          string `bun:",pk"`
	Seq           int64
	Mac           string
}

// Deed is what a capability asks the journal to keep.
type Deed struct {
	Act     string
	Actor   string
	Subject string
	Detail  map[string]string // ids and words of the program; no personal data
}

// Journal writes and checks the chains with one key.
type Journal struct{ key []byte }

// MinKey is the least number of bytes of a key.
const MinKey = 32

// New makes a journal that chains with a key of at least MinKey bytes.
func New(key []byte) (*Journal, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("journal: the key has %d bytes, it needs %d", len(key), MinKey)
	}
	return &Journal{key: key}, nil
}

// Year names the school year that a moment belongs to: it turns on 1 August.
func Year(now time.Time) string {
	y := now.Year()
	if now.Month() < time.August {
		y--
	}
	return fmt.Sprintf("%d-%d", y, y+1)
}

const stamp = "2006-01-02T15:04:05.000000Z"

// Append writes deeds at the end of the school's chain, in the transaction of the
// school (see database.InSchool: without its lock two nodes would take one number).
func (j *Journal) Append(ctx context.Context, tx database.Tx, school string, now time.Time, deeds ...Deed) error {
	if len(deeds) == 0 {
		return nil
	}
	now = database.Stamp(now)
	h := head{School: school, Year: Year(now)}
	err := tx.NewSelect().Model(&h).WherePK().Scan(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("journal: %w", err)
	}
	lines := make([]Line, 0, len(deeds))
	for _, d := range deeds {
		detail, err := canonical(d.Detail)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		l := Line{School: school, Year: h.Year, Seq: h.Seq + 1, At: now.Format(stamp), Act: d.Act, Actor: d.Actor, Subject: d.Subject, Detail: detail}
		l.Mac = j.mac(h.Mac, l)
		h.Seq, h.Mac = l.Seq, l.Mac
		lines = append(lines, l)
	}
	if _, err := tx.NewInsert().Model(&lines).Exec(ctx); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	_, err = tx.NewInsert().Model(&h).On("CONFLICT (school, year) DO UPDATE").Set("seq = EXCLUDED.seq, mac = EXCLUDED.mac").Exec(ctx)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// Digest is a keyed digest of words that the journal must recognise and not hold.
func (j *Journal) Digest(parts ...string) string {
	m := hmac.New(sha256.New, j.key)
	m.Write([]byte("digest"))
	write(m.Write, parts...)
	return hex.EncodeToString(m.Sum(nil))
}

func (j *Journal) mac(prev string, l Line) string {
	m := hmac.New(sha256.New, j.key)
	m.Write([]byte("line"))
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], uint64(l.Seq))
	m.Write(seq[:])
	write(m.Write, prev, l.School, l.Year, l.At, l.Act, l.Actor, l.Subject, l.Detail)
	return hex.EncodeToString(m.Sum(nil))
}

// write puts each part's length before it, so that no two lists of parts give the same
// bytes.
func write(w func([]byte) (int, error), parts ...string) {
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		w(n[:])
		w([]byte(p))
	}
}

func canonical(detail map[string]string) (string, error) {
	if len(detail) == 0 {
		return "{}", nil
	}
	b, err := json.Marshal(detail) // map keys come out sorted
	return string(b), err
}

// Head is the last line of a chain: printed, or kept elsewhere, it shows a cut tail.
type Head struct {
	School string `json:"school"`
	Year   string `json:"year"`
	Seq    int64  `json:"seq"`
	Mac    string `json:"mac"`
}

// Heads lists the heads of all chains, by school and year.
func Heads(ctx context.Context, tx database.Tx) ([]Head, error) {
	var rows []head
	if err := tx.NewSelect().Model(&rows).Order("school", "year").Scan(ctx); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	out := make([]Head, len(rows))
	for i, h := range rows {
		out[i] = Head{h.School, h.Year, h.Seq, h.Mac}
	}
	return out, nil
}

// Fault is the first thing wrong with a chain.
type Fault struct {
	School string
	Year   string
	Seq    int64  // the first line concerned
	What   string // altered, missing, cut-off
}

func (f Fault) Error() string {
	switch f.What {
	case "missing":
		return fmt.Sprintf("school %s, year %s: line %d is missing", f.School, f.Year, f.Seq)
	case "cut-off":
		return fmt.Sprintf("school %s, year %s: the chain is cut off: line %d and what followed are gone", f.School, f.Year, f.Seq)
	}
	return fmt.Sprintf("school %s, year %s: line %d was altered", f.School, f.Year, f.Seq)
}

// Verify reads every chain from its first line and gives the first fault of each, in
// order, and the number of lines read. known are heads kept outside the database (the
// file that serve keeps, the head's letter): they show a tail that was cut off together
// with the database's own record of it.
func (j *Journal) Verify(ctx context.Context, tx database.Tx, known []Head) (lines int64, faults []Fault, err error) {
	inside, err := Heads(ctx, tx)
	if err != nil {
		return 0, nil, err
	}
	type chain struct{ School, Year string }
	expect := map[chain][]Head{}
	for _, h := range append(inside, known...) {
		c := chain{h.School, h.Year}
		expect[c] = append(expect[c], h)
	}
	var found []chain
	err = tx.NewSelect().Model((*Line)(nil)).ColumnExpr("DISTINCT j.school, j.year").Scan(ctx, &found)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, nil, fmt.Errorf("journal: %w", err)
	}
	for _, c := range found {
		if _, ok := expect[c]; !ok {
			expect[c] = nil
		}
	}
	chains := make([]chain, 0, len(expect))
	for c := range expect {
		chains = append(chains, c)
	}
	sort.Slice(chains, func(a, b int) bool {
		return chains[a].School < chains[b].School || (chains[a].School == chains[b].School && chains[a].Year < chains[b].Year)
	})
	for _, c := range chains {
		n, fault, err := j.verifyChain(ctx, tx, c.School, c.Year, expect[c])
		if err != nil {
			return lines, faults, err
		}
		lines += n
		if fault != nil {
			faults = append(faults, *fault)
		}
	}
	return lines, faults, nil
}

func (j *Journal) verifyChain(ctx context.Context, tx database.Tx, school, year string, heads []Head) (int64, *Fault, error) {
	at := map[int64][]string{}
	var longest int64
	for _, h := range heads {
		at[h.Seq] = append(at[h.Seq], h.Mac)
		longest = max(longest, h.Seq)
	}
	var prev string
	var n int64
	for {
		var part []Line
		err := tx.NewSelect().Model(&part).Where("j.school = ? AND j.year = ? AND j.seq > ?", school, year, n).Order("seq").Limit(1000).Scan(ctx)
		if err != nil {
			return n, nil, fmt.Errorf("journal: %w", err)
		}
		for _, l := range part {
			switch {
			case l.Seq != n+1:
				return n, &Fault{school, year, n + 1, "missing"}, nil
			case !hmac.Equal([]byte(j.mac(prev, l)), []byte(l.Mac)):
				return n, &Fault{school, year, l.Seq, "altered"}, nil
			}
			prev, n = l.Mac, l.Seq
			for _, mac := range at[n] {
				if mac != prev {
					return n, &Fault{school, year, n, "altered"}, nil
				}
			}
		}
		if len(part) == 0 {
			break
		}
	}
	if n < longest {
		return n, &Fault{school, year, n + 1, "cut-off"}, nil
	}
	return n, nil, nil
}

// Of lists the lines about subjects, oldest first: the material of explain.
func Of(ctx context.Context, tx database.Tx, school string, subjects ...string) ([]Line, error) {
	var rows []Line
	err := tx.NewSelect().Model(&rows).Where("j.school = ? AND j.subject IN (?)", school, bun.List(subjects)).Order("year", "seq").Scan(ctx)
	return rows, err
}

// Last is the moment of the last line of any chain; the zero time where there is none.
func Last(ctx context.Context, tx database.Tx) (time.Time, error) {
	var at sql.NullString
	if err := tx.NewSelect().Model((*Line)(nil)).ColumnExpr("max(j.at)").Scan(ctx, &at); err != nil {
		return time.Time{}, fmt.Errorf("journal: %w", err)
	}
	if !at.Valid {
		return time.Time{}, nil
	}
	return time.Parse(stamp, at.String)
}

// VerifyTails checks the last line of every chain against its key and against the heads
// kept outside the database: cheap, for each start. It gives the first fault of each.
func (j *Journal) VerifyTails(ctx context.Context, tx database.Tx, known []Head) ([]Fault, error) {
	inside, err := Heads(ctx, tx)
	if err != nil {
		return nil, err
	}
	var faults []Fault
	for _, h := range append(inside, known...) {
		var lines []Line
		err := tx.NewSelect().Model(&lines).Where("j.school = ? AND j.year = ? AND j.seq IN (?)", h.School, h.Year, bun.List([]int64{h.Seq - 1, h.Seq})).Order("seq").Scan(ctx)
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		prev := ""
		if len(lines) > 1 {
			prev = lines[0].Mac
		}
		switch {
		case len(lines) == 0 || lines[len(lines)-1].Seq != h.Seq:
			faults = append(faults, Fault{h.School, h.Year, h.Seq, "cut-off"})
		case lines[len(lines)-1].Mac != h.Mac || j.mac(prev, lines[len(lines)-1]) != h.Mac:
			faults = append(faults, Fault{h.School, h.Year, h.Seq, "altered"})
		}
	}
	return faults, nil
}
