package homework

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/homework/internal/gift"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages are the pages of this capability.
type Pages struct {
	DB      *database.DB
	Journal *journal.Journal
	// Now is the installation's clock.
	Now func() time.Time
}

// Register adds the pages to the table of routes. Each asks whose lesson it is.
func (p *Pages) Register(rs *page.Routes) {
	school := page.Only(page.Head, page.CPE, page.Secretary, page.Supervisor, page.Teacher, page.Pupil, page.Guardian)
	rs.Handle("GET /lesson/{sitting}", school, p.lesson)
	rs.Handle("POST /lesson/{sitting}/step", page.Staff(), p.writes("lesson.step", p.step), page.Body(256<<10))
	rs.Handle("POST /lesson/{sitting}/remove", page.Staff(), p.writes("lesson.removed", p.remove), page.Body(16<<10))
	rs.Handle("POST /lesson/{sitting}/done", page.Only(page.Pupil), p.works(p.done), page.Body(16<<10))
	rs.Handle("POST /lesson/{sitting}/answer", page.Only(page.Pupil), p.works(p.answer), page.Body(16<<10))
	rs.Handle("POST /lesson/{sitting}/hand", page.Only(page.Pupil), p.works(p.handIn), page.Body(256<<10))
	rs.Handle("POST /lesson/{sitting}/back", page.Staff(), p.writes("lesson.back", p.giveBack), page.Body(64<<10))
	rs.Handle("POST /lesson/{sitting}/release", page.Staff(), p.writes("lesson.released", p.release), page.Body(16<<10))
}

// view is what the page of a lesson shows.
type view struct {
	desk
	Now   time.Time
	Read  []readStep
	Typed Step  // what was refused, to be typed on
	Err   error // why
}

var errUntil = errors.New("homework: until no moment")

type readStep struct {
	Step
	Handed []handed // what whoever writes the lesson reads
	Own    *handed  // what the pupil handed in
	HTML   string
	Asked  []asked
}

func (p *Pages) lesson(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, http.StatusOK, Step{}, nil)
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, typed Step, refused error) error {
	out := view{Now: p.Now(), Typed: typed, Err: refused}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		out.desk, err = deskOf(ctx, tx, page.ViewerOf(r), r.PathValue("sitting"), out.Now)
		return err
	})
	if err != nil {
		return failed(err)
	}
	for _, s := range out.Steps {
		text, err := html(s.Text)
		if err != nil {
			return err
		}
		asked, err := out.asked(s)
		if err != nil {
			return err
		}
		read := readStep{Step: s, HTML: text, Asked: asked}
		if err := out.handed(&read); err != nil {
			return err
		}
		out.Read = append(out.Read, read)
	}
	return page.Show(w, r, status, lessonPage(out))
}

// failed says what the visitor may know of an error.
func failed(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrTitle):
		return page.Invalid("title", "homework.title.wrong", "max", mostTitle)
	case errors.Is(err, ErrText):
		return page.Invalid("text", "homework.text.wrong", "max", mostText)
	case errors.Is(err, ErrHour):
		return page.Invalid("at", "homework.release.wrong")
	case errors.Is(err, ErrQuiz):
		return page.Invalid("quiz", "homework.quiz.long", "max", mostText)
	case errors.Is(err, ErrWork):
		return page.Invalid("work", "homework.work.wrong", "max", mostText)
	case errors.Is(err, ErrWord):
		return page.Invalid("word", "homework.word.wrong", "max", mostWord)
	case errors.Is(err, ErrHanded):
		return page.Conflict("homework.work.handed")
	case errors.Is(err, ErrBack):
		return page.Conflict("homework.work.back")
	case errors.Is(err, errUntil):
		return page.Invalid("until", "homework.release.wrong")
	case errors.Is(err, ErrAnswer):
		return page.Invalid("answer", "homework.answer.wrong")
	case errors.Is(err, ErrSteps):
		return page.Conflict("homework.steps.most", "max", mostSteps)
	}
	if wrong := (*gift.Error)(nil); errors.As(err, &wrong) {
		return page.Invalid("quiz", "homework.quiz."+string(wrong.Why), "line", wrong.Line)
	}
	return err
}

type deed func(ctx context.Context, tx database.Tx, d desk, v page.Viewer, f url.Values) (map[string]string, error)

// writes lets whoever is in charge of the sitting, and nobody else, do a deed, and keeps that
// it was done. What was typed and refused is shown again.
func (p *Pages) writes(act string, do deed) page.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, sitting := page.ViewerOf(r), r.PathValue("sitting")
		if err := r.ParseForm(); err != nil {
			return err
		}
		err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
			d, err := deskOf(ctx, tx, v, sitting, p.Now())
			if err == nil && !d.Writes {
				err = ErrNotFound
			}
			if err != nil {
				return err
			}
			detail, err := do(ctx, tx, d, v, r.PostForm)
			if err != nil {
				return err
			}
			return p.Journal.Append(ctx, tx, v.School, p.Now(), journal.Deed{Act: act, Actor: v.Account, Subject: sitting, Detail: detail})
		})
		if wrong := (*gift.Error)(nil); errors.Is(err, ErrTitle) || errors.Is(err, ErrText) || errors.Is(err, ErrHour) || errors.Is(err, ErrQuiz) || errors.Is(err, errUntil) || errors.As(err, &wrong) {
			return p.show(w, r, http.StatusUnprocessableEntity, typed(r.PostForm), failed(err))
		}
		if err != nil {
			return failed(err)
		}
		return page.See(w, r, "/lesson/"+sitting)
	}
}

func typedText(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

// typed is the step of a form. A number that is none is of no step.
func typed(f url.Values) Step {
	s := Step{Title: strings.TrimSpace(f.Get("title")), Text: typedText(f.Get("text")), Quiz: typedText(f.Get("quiz"))}
	if n := f.Get("n"); n != "" {
		s.N = -1
		if i, err := strconv.Atoi(n); err == nil && i > 0 {
			s.N = i
		}
	}
	return s
}

func (p *Pages) step(ctx context.Context, tx database.Tx, d desk, v page.Viewer, f url.Values) (map[string]string, error) {
	s := typed(f)
	s.ChangedBy = v.Account
	if until := f.Get("until"); until != "" {
		var err error
		if s.WorkUntil, err = time.ParseInLocation(minute, until, page.Zone(ctx)); err != nil {
			return nil, errUntil
		}
		s.WorkUntil = database.Stamp(s.WorkUntil)
	}
	return map[string]string{"n": strconv.Itoa(s.N)}, write(ctx, tx, d, s, p.Now())
}

func (p *Pages) remove(ctx context.Context, tx database.Tx, d desk, v page.Viewer, f url.Values) (map[string]string, error) {
	s := typed(f)
	return map[string]string{"n": strconv.Itoa(s.N)}, remove(ctx, tx, d, s.N, v.Account, p.Now())
}

// release is at the moment typed, at once, or no more.
func (p *Pages) release(ctx context.Context, tx database.Tx, d desk, v page.Viewer, f url.Values) (map[string]string, error) {
	var at time.Time
	switch f.Get("do") {
	case "now":
		at = p.Now()
	case "back":
	default:
		var err error
		if at, err = time.ParseInLocation(minute, f.Get("at"), page.Zone(ctx)); err != nil {
			return nil, ErrHour
		}
	}
	said := "no"
	if !at.IsZero() {
		said = at.UTC().Format(time.RFC3339)
	}
	return map[string]string{"at": said}, release(ctx, tx, d, at, v.Account, p.Now())
}

// minute is how a browser writes a moment in a field.
const minute = "2006-01-02T15:04"
