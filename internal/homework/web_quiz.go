package homework

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/homework/internal/gift"
	"github.com/preau-ent/preau/internal/page"
)

// asked is a question as one person meets it.
type asked struct {
	gift.Question
	Step, N  int // of the step, from 0
	HTML     string
	Answers  bool // the reader answers
	Answer   answer
	Answered bool
	Says     []string // of the answer; HTML
	Missed   missed   // what whoever writes the lesson is told
}

// gap is where the answer of a question belongs that goes on behind it.
const gap = "**. . . . . .**"

// asked reads the questions of a step, with what its reader answered.
func (v *view) asked(s Step) ([]asked, error) {
	quiz, err := gift.Parse(s.Quiz)
	if err != nil {
		return nil, err
	}
	out := make([]asked, len(quiz))
	for n, q := range quiz {
		a := &out[n]
		*a = asked{Question: q, Step: s.N, N: n, Answers: v.Pupil != "" && q.Asked(), Missed: v.Progress.Missed[s.N][n]}
		text := q.Before
		if q.After != "" {
			text += " " + gap + " " + q.After
		}
		if a.HTML, err = html(text); err != nil {
			return nil, err
		}
		if a.Answer, a.Answered = v.Answers[s.N][n]; !a.Answered {
			continue
		}
		verdict, _ := q.Judge(a.Answer.parts())
		for _, one := range verdict.Says {
			says, err := html(one)
			if err != nil {
				return nil, err
			}
			a.Says = append(a.Says, says)
		}
	}
	return out, nil
}

// open tells whether the form of a question is shown: until its answer is right.
func (a asked) open() bool { return a.Answers && !a.Answer.IsRight }

func (a asked) id() string { return "q-" + strconv.Itoa(a.Step) + "-" + strconv.Itoa(a.N) }

type work func(ctx context.Context, tx database.Tx, d desk, f url.Values) (at string, err error)

// works lets an enrolled pupil, and nobody else, do something of their own. It is not in the
// journal, which is what staff did.
func (p *Pages) works(do work) page.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, sitting := page.ViewerOf(r), r.PathValue("sitting")
		if err := r.ParseForm(); err != nil {
			return err
		}
		at := ""
		err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
			d, err := deskOf(ctx, tx, v, sitting, p.Now())
			if err != nil {
				return err
			}
			at, err = do(ctx, tx, d, r.PostForm)
			return err
		})
		if err != nil {
			return failed(err)
		}
		return page.See(w, r, "/lesson/"+sitting+"#"+at)
	}
}

func (p *Pages) done(ctx context.Context, tx database.Tx, d desk, f url.Values) (string, error) {
	s := typed(f)
	return "step-" + strconv.Itoa(s.N), finish(ctx, tx, d, s.N, f.Get("do") != "back", p.Now())
}

func (p *Pages) answer(ctx context.Context, tx database.Tx, d desk, f url.Values) (string, error) {
	s := typed(f)
	q, err := strconv.Atoi(f.Get("q"))
	if err != nil {
		return "", ErrNotFound
	}
	return asked{Step: s.N, N: q}.id(), reply(ctx, tx, d, s.N, q, f["answer"], p.Now())
}
