package homework

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/homework/internal/gift"
	"github.com/preau-ent/preau/internal/timetable"
)

// answer is the last answer of a pupil to a question of a step.
type answer struct {
	bun.BaseModel `bun:"table:homework_answers,alias:an"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	Step          int    `bun:",pk"`
	Question      int    `bun:",pk"` // from 0
	Pupil         string `bun:",pk"`
	Said          string // a line for each part
	IsRight       bool
	Tries         int
	At            time.Time
}

func (a answer) parts() []string { return strings.Split(a.Said, "\n") }

// done says that a pupil finished a step. They say so themselves.
type done struct {
	bun.BaseModel `bun:"table:homework_done,alias:dn"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	Step          int    `bun:",pk"`
	Pupil         string `bun:",pk"`
	At            time.Time
}

// mostSaid is the longest answer to a question, in bytes.
const mostSaid = 2_000

// stepOf finds a step that a pupil works on. ErrNotFound before the release, for whoever is not
// enrolled, and where there is no such step.
func (d desk) stepOf(n int) (Step, error) {
	i := slices.IndexFunc(d.Steps, func(s Step) bool { return s.N == n })
	if d.Pupil == "" || i < 0 {
		return Step{}, ErrNotFound
	}
	return d.Steps[i], nil
}

// finish keeps that a pupil finished a step, or that they did not after all. ErrNotFound.
func finish(ctx context.Context, tx database.Tx, d desk, n int, is bool, now time.Time) error {
	if _, err := d.stepOf(n); err != nil {
		return err
	}
	row := done{School: d.Lesson.School, Sitting: d.Lesson.Sitting, Step: n, Pupil: d.Pupil, At: database.Stamp(now)}
	if !is {
		_, err := tx.NewDelete().Model(&row).WherePK().Exec(ctx)
		return err
	}
	_, err := tx.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx)
	return err
}

// reply judges an answer of a pupil and keeps it. Who was right once has nothing to answer any
// more. ErrNotFound, ErrAnswer.
func reply(ctx context.Context, tx database.Tx, d desk, n, question int, said []string, now time.Time) error {
	s, err := d.stepOf(n)
	if err != nil {
		return err
	}
	quiz, err := gift.Parse(s.Quiz)
	if err != nil {
		return err
	}
	if question < 0 || question >= len(quiz) {
		return ErrNotFound
	}
	text := strings.Join(said, "\n")
	verdict, ok := quiz[question].Judge(said)
	if !ok || len(text) > mostSaid {
		return ErrAnswer
	}
	a := answer{School: d.Lesson.School, Sitting: d.Lesson.Sitting, Step: n, Question: question, Pupil: d.Pupil, Said: text, IsRight: verdict.Right, Tries: 1, At: database.Stamp(now)}
	_, err = tx.NewInsert().Model(&a).On("CONFLICT (school, sitting, step, question, pupil) DO UPDATE").
		Set("said = EXCLUDED.said").Set("is_right = EXCLUDED.is_right").Set("tries = an.tries + 1").Set("at = EXCLUDED.at").
		Where("an.is_right = ?", false).Exec(ctx)
	return err
}

// progress is how far the pupils of a lesson are, by name and never by how far.
type progress struct {
	Pupils []directory.Person
	Done   map[string]map[int]bool // by pupil and step
	Right  map[string]int          // questions answered rightly, by pupil
	Asked  int                     // questions of the lesson
	Missed map[int]map[int]missed  // by step and question
}

// missed says of a question how many answered it, and how many of them not rightly yet.
type missed struct{ Answered, Wrong int }

// readWork reads what the reader's pupils did: of whoever writes the lesson, everybody's.
func (d *desk) readWork(ctx context.Context, tx database.Tx) error {
	ofLesson := func(q *bun.SelectQuery) *bun.SelectQuery {
		q = q.Where("school = ? AND sitting = ?", d.Lesson.School, d.Lesson.Sitting)
		if !d.Writes {
			q = q.Where("pupil = ?", d.Pupil)
		}
		return q
	}
	if !d.Writes && d.Pupil == "" {
		return nil
	}
	var finished []done
	if err := ofLesson(tx.NewSelect().Model(&finished)).Scan(ctx); err != nil {
		return err
	}
	var answers []answer
	if err := ofLesson(tx.NewSelect().Model(&answers)).Scan(ctx); err != nil {
		return err
	}
	if err := d.readWorks(ctx, tx); err != nil {
		return err
	}
	if d.Writes {
		pupils, err := timetable.Pupils(ctx, tx, d.Lesson.School, d.Sitting)
		d.Progress = progressOf(pupils, finished, answers)
		return err
	}
	d.Done, d.Answers = map[int]bool{}, map[int]map[int]answer{}
	for _, f := range finished {
		d.Done[f.Step] = true
	}
	for _, a := range answers {
		if d.Answers[a.Step] == nil {
			d.Answers[a.Step] = map[int]answer{}
		}
		d.Answers[a.Step][a.Question] = a
	}
	return nil
}

func progressOf(pupils []directory.Person, finished []done, answers []answer) progress {
	p := progress{Pupils: pupils, Done: map[string]map[int]bool{}, Right: map[string]int{}, Missed: map[int]map[int]missed{}}
	directory.ByName(p.Pupils)
	for _, f := range finished {
		if p.Done[f.Pupil] == nil {
			p.Done[f.Pupil] = map[int]bool{}
		}
		p.Done[f.Pupil][f.Step] = true
	}
	for _, a := range answers {
		if p.Missed[a.Step] == nil {
			p.Missed[a.Step] = map[int]missed{}
		}
		m := p.Missed[a.Step][a.Question]
		if m.Answered++; a.IsRight {
			p.Right[a.Pupil]++
		} else {
			m.Wrong++
		}
		p.Missed[a.Step][a.Question] = m
	}
	return p
}
