// Package homework is the lesson of a sitting: what its teacher prepares, step by step, and
// what its pupils read from the hour of its release.
//
// Its promise: whoever is in charge of the sitting writes; the pupils enrolled in it, the
// guardians who may be told about them and the head read, from the release on. For anybody
// else there is no lesson. What is typed is Markdown, and nothing of it is ever run.
package homework

import (
	"errors"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/homework/internal/gift"
	"github.com/preau-ent/preau/internal/timetable"
)

// Lesson is what is prepared for a sitting.
type Lesson struct {
	bun.BaseModel `bun:"table:homework_lessons,alias:le"`
	School        string    `bun:",pk"`
	Sitting       string    `bun:",pk"`
	ReleaseAt     time.Time `bun:",nullzero"` // zero: being prepared
	ChangedBy     string    // account
	ChangedAt     time.Time
}

// Released tells whether those who do not write it may read the lesson.
func (l Lesson) Released(now time.Time) bool {
	return !l.ReleaseAt.IsZero() && !now.Before(l.ReleaseAt)
}

// Step is one step of a lesson, numbered within it.
type Step struct {
	bun.BaseModel `bun:"table:homework_steps,alias:st"`
	School        string `bun:",pk"`
	Sitting       string `bun:",pk"`
	N             int    `bun:",pk"`
	Title         string
	Text          string    // Markdown, as typed
	Quiz          string    // questions in GIFT, as typed; empty: none
	WorkUntil     time.Time `bun:",nullzero"` // until when work is to be handed in; zero: none is
	ChangedBy     string    // account
	ChangedAt     time.Time
}

// Bounds of a lesson: characters of a title and of a text, steps.
const (
	mostTitle = 120
	mostText  = 20_000
	mostSteps = 40
)

// Refusals of this package.
var (
	// ErrNotFound: no such lesson or step, or none for whoever asks.
	ErrNotFound = errors.New("homework: not found")
	// ErrTitle: no title, or too long.
	ErrTitle = errors.New("homework: no title, or too long")
	// ErrText: no text, or too long.
	ErrText = errors.New("homework: no text, or too long")
	// ErrQuiz: questions that are too long.
	ErrQuiz = errors.New("homework: questions too long")
	// ErrAnswer: not an answer to this question.
	ErrAnswer = errors.New("homework: not an answer")
	// ErrSteps: a lesson has no more steps than that.
	ErrSteps = errors.New("homework: too many steps")
	// ErrHour: not a moment.
	ErrHour = errors.New("homework: not a moment")
)

// Check looks at what was typed. ErrTitle, ErrText, or of the questions a *gift.Error.
func (s Step) Check() error {
	switch {
	case s.Title == "" || !utf8.ValidString(s.Title) || utf8.RuneCountInString(s.Title) > mostTitle:
		return ErrTitle
	case s.Text == "" || !utf8.ValidString(s.Text) || utf8.RuneCountInString(s.Text) > mostText:
		return ErrText
	case !utf8.ValidString(s.Quiz) || utf8.RuneCountInString(s.Quiz) > mostText:
		return ErrQuiz
	}
	_, err := gift.Parse(s.Quiz)
	return err
}

// Path is where the lesson of a sitting is.
func Path(s timetable.Sitting) string { return "/lesson/" + s.ID }
