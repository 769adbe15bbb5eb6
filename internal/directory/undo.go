package directory

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// ErrNoUndo: the school has no import that can be undone: none was ever taken, the last
// one was undone already or is older than UndoFor, or another one came since.
var ErrNoUndo = errors.New("directory: no import to undo")

// Why an import can no longer be undone, beside what capabilities above say.
const (
	LeansEdited = "edited" // a row that it wrote was changed since, by hand or by what came back
	LeansByHand = "hand"   // something was typed in about somebody who came with it
	LeansOther  = "other"  // the database knows of something that nobody asked about
)

// Leaning is one reason why an import can no longer be undone: so many things that would
// have nothing to stand on.
type Leaning struct {
	What string   `json:"what"`
	N    int      `json:"n"`
	Who  []string `json:"who,omitempty"` // ids of a few of the people
}

// Touched is what an import did to people, for whoever knows what leans on it.
type Touched struct {
	School string
	Since  time.Time
	Added  []string // people who came with it
	Around []string // people whom it joined, parted or gave other addresses; and Added
	Groups []string // classes and groups that came with it
}

// Asks tell what leans on an import.
type Asks []func(context.Context, database.Tx, Touched) ([]Leaning, error)

// Undo is what undoing the last import of a school means.
type Undo struct {
	Import  ImportRecord `json:"-"`
	Until   time.Time    `json:"until"`             // from then on it cannot be undone
	Rows    int          `json:"rows"`              // that would be put back or taken away
	Added   int          `json:"added"`             // people who came with it
	Because []Leaning    `json:"because,omitempty"` // it cannot be undone; empty: it can

	kept []kept
	now  holding
}

// UndoRefused: something leans on the import.
type UndoRefused struct{ Because []Leaning }

func (e *UndoRefused) Error() string {
	var parts []string
	for _, l := range e.Because {
		parts = append(parts, l.String())
	}
	return "the last import cannot be undone: " + strings.Join(parts, "; ") + ". Bring a corrected file instead: it changes what is wrong and keeps the rest"
}

func (l Leaning) String() string {
	words := map[string]string{
		LeansEdited: "%d rows that it wrote were changed since",
		LeansByHand: "%d things were typed in about people who came with it",
		LeansOther:  "something recorded since stands on people or classes that came with it",
		"account":   "%d accounts were opened for people whom it concerns",
		"roll":      "%d roll entries or statements are about pupils who came with it",
		"letter":    "%d messages were written to people whom it concerns",
		"timetable": "%d lessons are of classes or teachers who came with it",
	}
	text, known := words[l.What]
	if !known {
		return fmt.Sprintf("%d %s", l.N, l.What)
	}
	if strings.Contains(text, "%d") {
		return fmt.Sprintf(text, l.N)
	}
	return text
}

// UndoOf tells what undoing the last import of a school means, and what leans on it. It
// writes nothing. ErrNoUndo.
func UndoOf(ctx context.Context, tx database.Tx, school string, asks Asks, now time.Time) (Undo, error) {
	var u Undo
	var r undoRow
	err := tx.NewSelect().Model(&r).Where("u.school = ?", school).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !now.Before(r.At.Add(UndoFor)) {
		return u, ErrNoUndo
	}
	if err != nil {
		return u, err
	}
	if err := tx.NewSelect().Model(&u.Import).Where("i.school = ? AND i.id = ?", school, r.Import).Scan(ctx); err != nil {
		return u, err
	}
	if err := json.Unmarshal([]byte(r.Kept), &u.kept); err != nil {
		return u, fmt.Errorf("what import %s wrote over: %w", r.Import, err)
	}
	u.Until, u.Rows = r.At.Add(UndoFor), len(u.kept)
	if u.now, err = holdingOf(ctx, tx, school); err != nil {
		return u, err
	}
	t := u.touched(school)
	u.Added = len(t.Added)
	u.Because = u.edited()
	if u.Because, err = u.byHand(ctx, tx, t); err != nil {
		return u, err
	}
	for _, ask := range asks {
		more, err := ask(ctx, tx, t)
		if err != nil {
			return u, err
		}
		u.Because = append(u.Because, more...)
	}
	return u, nil
}

// touched reads from what was kept whom the import added and whom it concerns.
func (u *Undo) touched(school string) Touched {
	t := Touched{School: school, Since: u.Import.At}
	for _, k := range u.kept {
		r := u.now[k.Shelf][k.Key]
		added := len(k.Was) == 0
		switch {
		case r == nil:
		case k.Shelf == "people" && added:
			t.Added = append(t.Added, k.Key)
			t.Around = append(t.Around, k.Key)
		case k.Shelf == "people" || k.Shelf == "links" || k.Shelf == "contacts":
			t.Around = append(t.Around, r.people()...)
		case k.Shelf == "groups" && added:
			t.Groups = append(t.Groups, k.Key)
		}
	}
	for _, ids := range []*[]string{&t.Added, &t.Around, &t.Groups} {
		slices.Sort(*ids)
		*ids = slices.Compact(*ids)
	}
	return t
}

// edited finds the rows that are no longer what the import made of them.
func (u *Undo) edited() []Leaning {
	l := Leaning{What: LeansEdited}
	for _, k := range u.kept {
		r := u.now[k.Shelf][k.Key]
		mark := ""
		if r != nil {
			mark = markOf(r)
		}
		if mark != k.Mark {
			l.N++
			if r != nil {
				l.Who = append(l.Who, r.people()...)
			}
		}
	}
	return l.Some()
}

// Some is the leaning as a list, with a few people, each once; empty where there is none.
func (l Leaning) Some() []Leaning {
	if l.N == 0 {
		return nil
	}
	slices.Sort(l.Who)
	l.Who = slices.Compact(l.Who)
	l.Who = l.Who[:min(len(l.Who), 5)]
	return []Leaning{l}
}

// byHand finds what stands on people and classes that came with the import, and did not
// come with it.
func (u *Undo) byHand(ctx context.Context, tx database.Tx, t Touched) ([]Leaning, error) {
	ours := map[[2]string]bool{}
	for _, k := range u.kept {
		ours[[2]string{k.Shelf, k.Key}] = true
	}
	isIn := func(ids []string, id string) bool {
		_, found := slices.BinarySearch(ids, id)
		return found
	}
	l := Leaning{What: LeansByHand}
	for name, rows := range u.now {
		for key, r := range rows {
			if ours[[2]string{name, key}] {
				continue
			}
			on := r.group() != "" && isIn(t.Groups, r.group())
			for _, id := range r.people() {
				if isIn(t.Added, id) {
					on = true
					l.Who = append(l.Who, id)
				}
			}
			if on {
				l.N++
			}
		}
	}
	for part := range slices.Chunk(t.Added, 500) {
		for _, about := range []any{(*Decision)(nil), (*Objection)(nil)} {
			q := tx.NewSelect().Model(about).Where("?TableAlias.school = ? AND ?TableAlias.pupil IN (?)", t.School, bun.List(part))
			if _, of := about.(*Decision); of {
				q = q.WhereOr("?TableAlias.school = ? AND ?TableAlias.adult IN (?)", t.School, bun.List(part))
			}
			n, err := q.Count(ctx)
			if err != nil {
				return nil, err
			}
			l.N += int(n)
		}
	}
	return append(u.Because, l.Some()...), nil
}

// UndoImport puts back what the last import of a school wrote over, in the school's
// transaction (database.InSchool): people, contact points, links, classes, services and
// tasks are what they were before it. The school itself stays, even if it came with the
// import. ErrNoUndo, also when id names another import than the last; *UndoRefused.
func UndoImport(ctx context.Context, tx database.Tx, j *journal.Journal, school, id, by string, asks Asks, now time.Time) (Undo, error) {
	if gone, err := Gone(ctx, tx, school); err != nil || gone {
		return Undo{}, errors.Join(err, map[bool]error{true: ErrGone}[gone])
	}
	u, err := UndoOf(ctx, tx, school, asks, now)
	switch {
	case err != nil:
		return u, err
	case id != "" && id != u.Import.ID:
		return u, ErrNoUndo
	case len(u.Because) > 0:
		return u, &UndoRefused{u.Because}
	}
	if _, err := tx.NewUpdate().Model((*undoRow)(nil)).Set("undoing = ?", true).Where("school = ?", school).Exec(ctx); err != nil {
		return u, err
	}
	if err := u.takeAway(ctx, tx); err != nil {
		return u, err
	}
	if err := u.putBack(ctx, tx); err != nil {
		return u, err
	}
	if err := forgetUndo(ctx, tx, school); err != nil {
		return u, err
	}
	u.Import.UndoneAt, u.Import.UndoneBy = database.Stamp(now), by
	if _, err := tx.NewUpdate().Model(&u.Import).Column("undone_at", "undone_by").WherePK().Exec(ctx); err != nil {
		return u, err
	}
	return u, j.Append(ctx, tx, school, now, journal.Deed{Act: "import.undone", Actor: by, Subject: school,
		Detail: map[string]string{"import": u.Import.ID, "digest": u.Import.Digest, "rows": fmt.Sprint(u.Rows)}})
}

// takeAway removes what came, what stands on others first.
func (u *Undo) takeAway(ctx context.Context, tx database.Tx) error {
	all := shelves()
	slices.Reverse(all)
	came := map[string][]string{}
	for _, k := range u.kept {
		if len(k.Was) == 0 {
			came[k.Shelf] = append(came[k.Shelf], k.Key)
		}
	}
	for _, s := range all {
		err := s.remove(ctx, tx, u.Import.School, came[s.name])
		if err != nil && pointedAt(err) {
			return &UndoRefused{[]Leaning{{What: LeansOther, N: 1}}}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putBack makes the other rows what they were.
func (u *Undo) putBack(ctx context.Context, tx database.Tx) error {
	for _, s := range shelves() {
		for _, k := range u.kept {
			if k.Shelf != s.name || len(k.Was) == 0 {
				continue
			}
			r, err := s.parse(k.Was)
			if err != nil {
				return err
			}
			if k.Mark == "" {
				_, err = tx.NewInsert().Model(r).Exec(ctx)
			} else {
				_, err = tx.NewUpdate().Model(r).WherePK().Exec(ctx)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// pointedAt tells whether the database refused to remove a row because another one points
// at it. The two drivers share no type for it.
func pointedAt(err error) bool {
	text := err.Error()
	return strings.Contains(text, "SQLSTATE 23503") || strings.Contains(text, "FOREIGN KEY constraint failed")
}
