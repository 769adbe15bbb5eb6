package attendance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// receipt is what became of a save that a device named with a key.
type receipt struct {
	bun.BaseModel `bun:"table:attendance_saves,alias:sv"`
	School        string `bun:",pk"`
	By            string `bun:",pk"`
	Key           string `bun:",pk"`
	Sitting       string
	MadeAt        time.Time
	ReceivedAt    time.Time
	Kept          string // as addresses of pages carry them: see keptText
	Over          string
}

// keyed tells whether a device's key can be one: 16 to 64 letters, digits and hyphens.
func keyed(key string) bool {
	for _, c := range key {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(key) >= 16 && len(key) <= 64
}

// saveOnce saves a roll under a device's key, after receiptOf said, in the same transaction,
// that the key did not come before.
func saveOnce(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, s Save, key string) (receipt, error) {
	r := receipt{School: s.School, By: s.By, Key: key}
	m, err := SaveRoll(ctx, tx, j, now, s)
	if err != nil {
		return receipt{}, err
	}
	r.Sitting, r.MadeAt, r.ReceivedAt = s.Sitting, database.Stamp(now), database.Stamp(now)
	if s.Late {
		r.MadeAt = database.Stamp(s.MadeAt)
	}
	r.Kept, r.Over = keptText(m), numbersText(m.Over)
	if key == "" {
		return r, nil
	}
	if _, err := tx.NewInsert().Model(&r).Exec(ctx); err != nil {
		return receipt{}, fmt.Errorf("attendance: the key of a save: %w", err)
	}
	return r, nil
}

// receiptOf finds what became of a key that came before: it changes nothing again, and is
// answered as it was then. No key never came.
func receiptOf(ctx context.Context, tx database.Tx, school, by, key string) (receipt, bool, error) {
	r := receipt{School: school, By: by, Key: key}
	err := tx.NewSelect().Model(&r).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return receipt{}, false, nil
	}
	return r, err == nil, err
}

// ownHand lets a late save go on from what the same person saved before it: their own mark
// is nobody else's. What the copy showed without being touched stays what it is, except on
// a copy that showed that very save.
func ownHand(ctx context.Context, tx database.Tx, s *Save, current map[string]Mark, shown map[int64]Mark) error {
	follows := false
	if s.After != "" {
		before, ok, err := receiptOf(ctx, tx, s.School, s.By, s.After)
		if err != nil {
			return err
		}
		follows = ok && before.Sitting == s.Sitting
	}
	for i := range s.Entries {
		e := &s.Entries[i]
		k, ok := current[e.Pupil]
		if ok && k.By == s.By && !k.At.After(s.MadeAt) && (follows || !untouched(*e, shown)) {
			e.Base = k.N
			shown[k.N] = k
		}
	}
	return nil
}

// keptText writes the marks that stayed, each with what the save said instead:
// 12.13-late-5 is mark 12, not touched, and mark 13 where the save said five minutes late.
func keptText(m merge) string {
	parts := make([]string, len(m.Kept))
	for i, k := range m.Kept {
		parts[i] = strconv.FormatInt(k.N, 10)
		switch e := m.Said[i]; e.Value {
		case Late:
			parts[i] += fmt.Sprintf("-%s-%d", e.Value, e.Minutes)
		case Present, Absent:
			parts[i] += "-" + string(e.Value)
		}
	}
	return strings.Join(parts, ".")
}

// readKept reads what keptText wrote, and leaves out what it did not: numbers, and what was
// said instead by number.
func readKept(text string) (ns []int64, said map[int64]Entry) {
	said = map[int64]Entry{}
	for _, part := range strings.SplitN(text, ".", maxNumbers) {
		words := strings.Split(part, "-")
		n, err := strconv.ParseInt(words[0], 10, 64)
		if err != nil || n <= 0 {
			continue
		}
		ns = append(ns, n)
		switch e := (Entry{}); {
		case len(words) == 2 && (Value(words[1]) == Present || Value(words[1]) == Absent):
			e.Value = Value(words[1])
			said[n] = e
		case len(words) == 3 && Value(words[1]) == Late:
			if e.Minutes, err = strconv.Atoi(words[2]); err == nil && e.Minutes > 0 && e.Minutes <= maxLate {
				e.Value = Late
				said[n] = e
			}
		}
	}
	return ns, said
}

// lateFor is how long a device may keep a roll before it is the office's to write down: a
// weekend with a holiday.
const lateFor = 4 * 24 * time.Hour

// madeAt is when a late save was made, as its device says: age ago. What cannot be (in the
// future, before the roll was open, too long ago) is not believed: it is made now.
func madeAt(opens, now time.Time, age time.Duration) time.Time {
	at := now.Add(-age)
	if age < 0 || age > lateFor || at.Before(opens) {
		return now
	}
	return at
}
