package alert

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages are this package's pages and pieces of pages.
type Pages struct {
	DB     *database.DB
	Alert  *Alert
	Now    func() time.Time
	Actors Actors // names accounts; nil: ids
	// Beside, where set, adds to the office's list of what there is to do: the rolls
	// not called, which belong to another package. It is read with the board.
	Beside func(ctx context.Context, tx database.Tx, school string, now time.Time) (templ.Component, error)
	// Elsewhere is where letters that are not about an absence are explained, by kind: an
	// address that ends where the letter's ref begins.
	Elsewhere map[courier.Kind]string

	// Adults counts the persons of a school's office, and Accounts lists those of a person:
	// accounts are above this package.
	Adults   func(ctx context.Context, tx database.Tx, school string) (int, error)
	Accounts func(ctx context.Context, tx database.Tx, school, person string) ([]string, error)

	kept    keptBoards
	looking page.Lookers[string] // schools whose day somebody has open
}

// Register mounts the pages of this package.
func (p *Pages) Register(routes *page.Routes) {
	small := page.Body(4 << 10)
	routes.Handle("GET /board", page.SchoolLife(), p.showBoard)
	routes.Handle("POST /calls/{call}/outcome", page.SchoolLife(), p.closeCall, small)
	routes.Handle("GET /explain", page.SchoolOffice(), p.findLetter)
	routes.Handle("GET /explain/{letter}", page.SchoolOffice(), p.showExplain)
	routes.Handle("GET /r/{token}", page.Anyone(), p.showAnswer)
	routes.Handle("POST /r/{token}", page.Anyone(), p.giveAnswer, small)
	routes.Handle("POST /letters/{letter}/answer", page.Only(page.Guardian, page.Pupil), p.answerHere, small)
	p.registerDay(routes)
	p.registerExceptional(routes)
	p.registerBreaker(routes)
	p.registerCorrections(routes)
	p.registerService(routes)
}

// Refusals of these pages.
var (
	errCallClosed = page.Conflict("alert.call.closed")
	errOutcome    = page.Invalid("outcome", "alert.call.outcome.wrong")
	errSecond     = page.Forbidden("alert.service.second")
	errUntil      = page.Invalid("until", "alert.service.until.wrong")
	errDeed       = page.Invalid("do", "alert.service.do.wrong")
	errAnswers    = page.Invalid("answers", "alert.answers.wrong")
	errHeads      = page.Forbidden("alert.answers.heads")
	errRehearse   = page.Conflict("alert.service.rehearse")
	errRehearsing = page.Conflict("alert.rehearsal.on")
	errNotRunning = page.Conflict("alert.service.notrunning")
)

// refusal turns this package's named errors into what a page says.
func refusal(err error) error {
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, directory.ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrClosed):
		return errCallClosed
	case errors.Is(err, ErrSecond):
		return errSecond
	case errors.Is(err, ErrDay):
		return errUntil
	case errors.Is(err, ErrRehearse):
		return errRehearse
	case errors.Is(err, ErrRehearsing):
		return errRehearsing
	case errors.Is(err, ErrNotRunning):
		return errNotRunning
	}
	return err
}

// Office reads the office's day as a piece of the page *Today*. It refreshes itself. next is
// the page that its forms lead back to.
func (p *Pages) Office(ctx context.Context, tx database.Tx, next string) (templ.Component, error) {
	v, _ := page.ViewerFrom(ctx)
	now := p.Now()
	b, err := p.kept.read(ctx, tx, v.School, now)
	if err != nil {
		return nil, err
	}
	var beside templ.Component = templ.NopComponent
	if p.Beside != nil {
		if beside, err = p.Beside(ctx, tx, v.School, now); err != nil {
			return nil, err
		}
	}
	return OfficeBoard(b.forRole(v.Role).today(now), next, beside), nil
}

// Guardian reads the signed-in guardian's children as a piece of the page *Today*.
func (p *Pages) Guardian(ctx context.Context, tx database.Tx) (templ.Component, error) {
	v, _ := page.ViewerFrom(ctx)
	f, err := Home(ctx, tx, v.School, v.ID, p.Now())
	return GuardianHome(f), refusal(err)
}

// Pupil reads the signed-in pupil's own day as a piece of the page *Today*.
func (p *Pages) Pupil(ctx context.Context, tx database.Tx) (templ.Component, error) {
	v, _ := page.ViewerFrom(ctx)
	f, err := PupilHome(ctx, tx, v.School, v.ID, p.Now())
	return OwnDay(f), refusal(err)
}

// showBoard gives the board alone to the script that refreshes it, and a page of its
// own to a browser.
func (p *Pages) showBoard(w http.ResponseWriter, r *http.Request) error {
	alone, next := r.Header.Get("HX-Request") == "true", page.ReturnPath(r.Context())
	if alone {
		next = "/"
		if u, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && u.Path != "" {
			next = page.Local(u.RequestURI())
		}
	}
	var c templ.Component
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		c, err = p.Office(ctx, tx, next)
		return err
	})
	if err != nil {
		return refusal(err)
	}
	if !alone {
		c = boardPage(c)
	}
	return page.Show(w, r, http.StatusOK, c)
}

// idOf is the id in a path. What cannot be one is not found without asking a database,
// of which one refuses what the other would look for.
func idOf(r *http.Request, name string) (string, error) {
	id := r.PathValue(name)
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' }) {
		return "", page.NotFound()
	}
	return id, nil
}

func (p *Pages) closeCall(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	call, err := idOf(r, "call")
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return err
	}
	outcome := Outcome(r.PostForm.Get("outcome"))
	if !slices.Contains(Outcomes(), outcome) {
		return errOutcome
	}
	err = p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		return p.Alert.CloseCall(ctx, tx, v.School, call, outcome, v.Account, p.Now())
	})
	if err != nil {
		return refusal(err)
	}
	return page.See(w, r, r.PostForm.Get("next"))
}

// findLetter leads from the reference that somebody reads out to its story.
func (p *Pages) findLetter(w http.ResponseWriter, r *http.Request) error {
	ref := courier.Reference(r.URL.Query().Get("ref"))
	if ref == "" {
		return page.NotFound()
	}
	return page.See(w, r, "/explain/"+url.PathEscape(ref))
}

func (p *Pages) showExplain(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	letter, err := idOf(r, "letter")
	if err != nil {
		return err
	}
	q := Question{School: v.School, Letter: letter, Court: v.Role == page.Head || v.Role == page.CPE, Actors: p.Actors}
	var s Story
	to := ""
	err = p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		l, err := courier.ByReference(ctx, tx, q.School, q.Letter)
		if at := p.Elsewhere[l.Kind]; err == nil && at != "" {
			to = at + url.PathEscape(l.Ref)
			return nil
		}
		s, err = Explain(ctx, tx, q)
		return err
	})
	if err != nil {
		return refusal(err)
	}
	if to != "" {
		return page.See(w, r, to)
	}
	return page.Show(w, r, http.StatusOK, explainPage(s))
}

// chooses tells whether a role says how the school's families answer.
func chooses(role page.Role) bool { return role == page.Head || role == page.CPE }

// chooseAnswers keeps how families answer.
func (p *Pages) chooseAnswers(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	if !chooses(v.Role) {
		return errHeads
	}
	how := r.PostForm.Get("answers")
	if !slices.Contains(p.Alert.ways(), how) {
		return errAnswers
	}
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		return p.Alert.SetAnswers(ctx, tx, v.School, how, v.Account, p.Now())
	})
	if err != nil {
		return err
	}
	return page.See(w, r, "/service?done=answers#answers")
}
