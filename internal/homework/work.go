package homework

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Work is what a pupil handed in for a step, and what they got back.
type Work struct {
	bun.BaseModel `bun:"table:homework_work,alias:wk"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	Step          int    `bun:",pk"`
	Pupil         string `bun:",pk"`
	Text          string // Markdown, as typed
	HandedAt      time.Time
	Word          string    // that it was given back with
	BackBy        string    // account
	BackAt        time.Time `bun:",nullzero"` // zero: not given back
}

// Back tells whether it was given back.
func (w Work) Back() bool { return !w.BackAt.IsZero() }

// Late tells whether it came after its time: which is said, and refused by nobody.
func (w Work) Late(s Step) bool { return w.HandedAt.After(s.WorkUntil) }

// Refusals about work.
var (
	// ErrWork: no text, or too long.
	ErrWork = errors.New("homework: no work, or too long")
	// ErrWord: a word that is too long.
	ErrWord = errors.New("homework: word too long")
	// ErrHanded: pupils handed in work for this step.
	ErrHanded = errors.New("homework: work was handed in")
	// ErrBack: what was given back is not written anew.
	ErrBack = errors.New("homework: given back already")
)

// mostWord is the longest word that work is given back with, in characters.
const mostWord = 4_000

// handIn keeps a pupil's work, in place of what they handed in before and did not get back.
// ErrNotFound, ErrWork, ErrBack.
func handIn(ctx context.Context, tx database.Tx, d desk, n int, text string, now time.Time) error {
	s, err := d.stepOf(n)
	if err != nil {
		return err
	}
	switch {
	case s.WorkUntil.IsZero():
		return ErrNotFound
	case text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > mostText:
		return ErrWork
	}
	w := Work{School: d.Lesson.School, Sitting: d.Lesson.Sitting, Step: n, Pupil: d.Pupil, Text: text, HandedAt: database.Stamp(now)}
	res, err := tx.NewInsert().Model(&w).On("CONFLICT (school, sitting, step, pupil) DO UPDATE").
		Set("text = EXCLUDED.text").Set("handed_at = EXCLUDED.handed_at").Where("wk.back_at IS NULL").Exec(ctx)
	if errors.Is(found(res, err), ErrNotFound) {
		return ErrBack
	}
	return err
}

// giveBack gives a pupil's work back, with a word or without; again with another. handed is when
// the text was handed in that was read: a newer one was not. ErrNotFound, ErrWord.
func giveBack(ctx context.Context, tx database.Tx, d desk, n int, pupil, handed, word, by string, now time.Time) error {
	if !utf8.ValidString(word) || utf8.RuneCountInString(word) > mostWord {
		return ErrWord
	}
	w, ok := d.Works[n][pupil]
	if !ok || w.HandedAt.UTC().Format(time.RFC3339Nano) != handed {
		return ErrNotFound
	}
	w.Word, w.BackBy, w.BackAt = word, by, database.Stamp(now)
	res, err := tx.NewUpdate().Model(&w).Column("word", "back_by", "back_at").WherePK().Exec(ctx)
	return found(res, err)
}

// readWorks reads what was handed in: of whoever writes the lesson, everybody's.
func (d *desk) readWorks(ctx context.Context, tx database.Tx) error {
	var all []Work
	q := tx.NewSelect().Model(&all).Where("school = ? AND sitting = ?", d.Lesson.School, d.Lesson.Sitting)
	if !d.Writes {
		q = q.Where("pupil = ?", d.Pupil)
	}
	if err := q.Scan(ctx); err != nil {
		return err
	}
	d.Works = map[int]map[string]Work{}
	for _, w := range all {
		if d.Works[w.Step] == nil {
			d.Works[w.Step] = map[string]Work{}
		}
		d.Works[w.Step][w.Pupil] = w
	}
	return nil
}
