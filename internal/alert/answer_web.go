package alert

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// Refusals of these pages.
var (
	errAnswer = page.Invalid("answer", "alert.answer.wrong")
	errMany   = &page.Refusal{Status: http.StatusTooManyRequests, Key: "alert.answer.many"}
)

// answerView is what the page behind a link shows: no more than the message did.
type answerView struct {
	School  string // its short name
	Phone   string
	First   string
	Initial string
	Sitting string
	Since   time.Time
	Now     time.Time
	State   State // of the episode
	Because Because
	OverAt  time.Time
	Place   string // "au lycée"
	Asks    askView
	Err     error
}

// askView is the question to one person, and what they answered last.
type askView struct {
	To      string // local path that takes the answer
	First   string
	Morning bool // a half-day is not the whole day yet
	Given   bool
	Last    Answer
}

func (p *Pages) view(q asked, lang, to string, now time.Time) answerView {
	t := p.Alert.letters.texts[p.Alert.letters.Lang(lang)]
	w := words{school: q.school, at: q.episode.FirstAt, code: q.letter.Code}
	v := answerView{School: q.school.Name, Phone: q.school.Phone, Now: now, State: q.episode.State, Because: q.episode.Because, OverAt: q.episode.SettledAt,
		Place: t.fields(lang, w).kind}
	v.Asks = newAsk(to, q.episode, q.own())
	return v
}

func newAsk(to string, e Episode, own []Answer) askView {
	a := askView{To: to, Morning: strings.HasSuffix(e.HalfDay, "/am")}
	if last := Latest(own); len(last) > 0 {
		a.Given, a.Last = true, last[0]
	}
	return a
}

// discreet sets what keeps an answer page to its reader: kept nowhere, indexed by nobody,
// and no address of it in any request that leaves it. Not "no-referrer": with it, phones
// that are a few years old send forms of which nobody could tell that they are ours.
func discreet(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

// asked finds what a token asks. A token that this installation did not write, a letter
// of another day, one that was void or whose reader may no longer be told: ErrNotFound;
// the school is given with it where the token is genuine.
func (p *Pages) asked(ctx context.Context, tx database.Tx, token string, now time.Time) (asked, error) {
	code, ok := p.Alert.codeOf(token)
	if !ok {
		return asked{}, ErrNotFound
	}
	l, err := courier.ByCode(ctx, tx, code)
	if errors.Is(err, courier.ErrNotFound) || err == nil && l.Code != code {
		return asked{}, ErrNotFound
	}
	if err != nil {
		return asked{}, err
	}
	return askedBy(ctx, tx, l, now)
}

// showAnswer shows what a link asks. It has no effect: scanners of mail open links too.
func (p *Pages) showAnswer(w http.ResponseWriter, r *http.Request) error {
	return p.answerPage(w, r, http.StatusOK, nil)
}

func (p *Pages) answerPage(w http.ResponseWriter, r *http.Request, status int, refused error) error {
	discreet(w)
	token, now := r.PathValue("token"), p.Now()
	var q asked
	var v answerView
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if q, err = p.asked(ctx, tx, token, now); err != nil {
			return err
		}
		r = page.ForReader(r, q.letter.Lang, q.school.zone)
		v = p.view(q, page.Lang(r.Context()), "/r/"+token, now)
		return p.fillAnswer(ctx, tx, q, page.Lang(r.Context()), &v)
	})
	if errors.Is(err, ErrNotFound) {
		return page.Show(w, r, http.StatusNotFound, gonePage(q.school.Phone))
	}
	if err != nil {
		return err
	}
	v.Err = refused
	return page.Show(w, r, status, answerPage(v))
}

// fillAnswer adds what the message said: the child's first name, the sitting.
func (p *Pages) fillAnswer(ctx context.Context, tx database.Tx, q asked, lang string, v *answerView) error {
	pupil, err := directory.PersonByID(ctx, tx, q.school.ID, q.row.Pupil)
	if err != nil {
		return err
	}
	sitting, err := timetable.ByID(ctx, tx, q.school.ID, q.episode.Sitting)
	if err != nil {
		return err
	}
	v.First, v.Initial, v.Since, v.Sitting = plainName(pupil.FirstName), initial(pupil.LastName), sitting.StartsAt, sitting.ShortLabel
	if !namesSubject(sitting) {
		v.Sitting = p.Alert.letters.texts[p.Alert.letters.Lang(lang)]["class"]
	}
	v.Asks.First = v.First
	return nil
}

// giveAnswer takes what somebody answers behind a link.
func (p *Pages) giveAnswer(w http.ResponseWriter, r *http.Request) error {
	discreet(w)
	if err := r.ParseForm(); err != nil {
		return err
	}
	token, now := r.PathValue("token"), p.Now()
	var school string
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		q, err := p.asked(ctx, tx, token, now)
		school = q.letter.School
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return p.answerPage(w, r, http.StatusNotFound, nil)
	}
	if err != nil {
		return err
	}
	err = p.DB.InSchool(database.Urgent(r.Context()), school, func(ctx context.Context, tx database.Tx) error {
		q, err := p.asked(ctx, tx, token, now)
		if err != nil {
			return err
		}
		return p.Alert.take(ctx, tx, q, ByLink, readAnswer(r), now)
	})
	switch {
	case errors.Is(err, ErrAnswer):
		return p.answerPage(w, r, http.StatusUnprocessableEntity, errAnswer)
	case errors.Is(err, ErrMany):
		return p.answerPage(w, r, http.StatusTooManyRequests, errMany)
	case err != nil && !errors.Is(err, ErrOver) && !errors.Is(err, ErrNotFound):
		return err
	}
	p.Alert.Poke()
	return page.See(w, r, "/r/"+token) // which says what became of it
}

// readAnswer reads an answer's form.
func readAnswer(r *http.Request) said {
	w := said{Answer: FamilySays(r.PostForm.Get("answer"))}
	if w.Answer == Announced {
		w.Reason, w.Span = r.PostForm.Get("reason"), Span(r.PostForm.Get("span"))
		if w.Reason == "" {
			w.Reason = "?" // an SMS may leave it out, the page asks
		}
		if w.Span == "" {
			w.Span = HalfDay
		}
	}
	if w.Answer == Unclear {
		w.Answer = "" // only a machine says so
	}
	return w
}

// answerHere takes what the signed-in reader of a letter answers on their own page.
func (p *Pages) answerHere(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	letter, err := idOf(r, "letter")
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return err
	}
	err = p.DB.InSchool(database.Urgent(r.Context()), v.School, func(ctx context.Context, tx database.Tx) error {
		l, err := courier.ByID(ctx, tx, v.School, letter)
		if errors.Is(err, courier.ErrNotFound) || err == nil && l.Person != v.ID {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		q, err := askedBy(ctx, tx, l, p.Now())
		if err != nil {
			return err
		}
		return p.Alert.take(ctx, tx, q, ByPage, readAnswer(r), p.Now())
	})
	switch {
	case errors.Is(err, ErrAnswer):
		return errAnswer
	case errors.Is(err, ErrMany):
		return errMany
	case err != nil && !errors.Is(err, ErrOver):
		return refusal(err)
	}
	p.Alert.Poke()
	return page.See(w, r, "/")
}
