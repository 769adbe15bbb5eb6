package directory

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages are the pages on which the school office sees who would be told about a pupil,
// and changes it by hand. Nothing here takes a recipient or a list: every change is
// about one adult and one pupil.
type Pages struct {
	DB      *database.DB
	Journal *journal.Journal
	Now     func() time.Time
	Changed func() // after each change; nil: nobody wants to know
	Uploads string // folder of the files that were brought and not decided about; empty: none are taken

	turns chan struct{} // places for reading files
}

// Register mounts the pages.
func (p *Pages) Register(routes *page.Routes) {
	small := page.Body(16 << 10)
	office, heads := page.SchoolOffice(), page.Only(page.Head, page.CPE)
	routes.Handle("GET /pupils", office, p.list)
	routes.Handle("GET /pupils/{pupil}", office, p.pupil)
	routes.Handle("GET /pupils/{pupil}/adults/{adult}/points", office, p.pointForm)
	routes.Handle("POST /pupils/{pupil}/adults/{adult}/points", office, p.addPoint, small)
	routes.Handle("POST /pupils/{pupil}/points/{point}/end", office, p.endPoint, small)
	routes.Handle("POST /pupils/{pupil}/points/{point}/verify", office, p.verifyPoint, small)
	routes.Handle("POST /pupils/{pupil}/points/{point}/resume", office, p.resumePoint, small)
	routes.Handle("POST /pupils/{pupil}/adults/{adult}/choose", office, p.choose, small)
	routes.Handle("GET /pupils/{pupil}/adults", office, p.adultForm)
	routes.Handle("POST /pupils/{pupil}/adults", office, p.addAdult, small)
	routes.Handle("POST /pupils/{pupil}/adults/{adult}/end", office, p.endLink, small)
	routes.Handle("GET /pupils/{pupil}/adults/{adult}/decisions", heads, p.decisionForm)
	routes.Handle("POST /pupils/{pupil}/adults/{adult}/decisions", heads, p.recordDecision, small, page.Again())
	routes.Handle("POST /pupils/{pupil}/decisions/{decision}/lift", heads, p.liftDecision, small, page.Again())
	routes.Handle("GET /pupils/{pupil}/objections", heads, p.objectionForm)
	routes.Handle("POST /pupils/{pupil}/objections", heads, p.recordObjection, small)
	routes.Handle("POST /pupils/{pupil}/objections/{objection}/withdraw", heads, p.withdrawObjection, small)
	routes.Handle("POST /tasks/{task}/close", office, p.closeTask, small)
	routes.Handle("GET /classes", heads, p.forms)
	routes.Handle("POST /classes", heads, p.giveForm, small)
	routes.Handle("POST /classes/{form}/end", heads, p.endForm, small)
	p.registerImport(routes)
	routes.Handle("GET /school", heads, p.school)
	routes.Handle("POST /school", heads, p.saveSchool, small)
}

// mayKnow tells whether a role reads what courts decided and what pupils wrote.
func mayKnow(role page.Role) bool { return role == page.Head || role == page.CPE }

// list shows the pupils of a class, or those whose name was typed.
func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	q := r.URL.Query()
	n, _ := strconv.Atoi(q.Get("page"))
	asked := Asked{Name: clipped(q.Get("name"), maxName), Class: q.Get("class"), Silent: q.Get("silent") == "yes", Page: n}
	var view listView
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if view.List, err = listPupils(ctx, tx, v.School, p.Now(), asked); err != nil {
			return err
		}
		view.Tasks, view.TaskCount, err = tasksWithPupils(ctx, tx, v.School, 5)
		return err
	})
	if err != nil {
		return failed(err)
	}
	view.Role, view.Done = v.Role, q.Get("done")
	return page.Show(w, r, http.StatusOK, listPage(view))
}

type listView struct {
	List
	Tasks     []pupilTask
	TaskCount int
	Role      page.Role
	Done      string
}

// at is the address of another page of the same list.
func (v listView) at(n int) string {
	q := url.Values{}
	if v.Asked.Name != "" {
		q.Set("name", v.Asked.Name)
	}
	if v.Asked.Class != "" {
		q.Set("class", v.Asked.Class)
	}
	if v.Asked.Silent {
		q.Set("silent", "yes")
	}
	q.Set("page", strconv.Itoa(n))
	return "/pupils?" + q.Encode()
}

func clipped(s string, most int) string {
	r := []rune(s)
	return string(r[:min(len(r), most)])
}

// pupil shows one pupil's circle.
func (p *Pages) pupil(w http.ResponseWriter, r *http.Request) error {
	view, err := p.circle(r)
	if err != nil {
		return err
	}
	view.Done = r.URL.Query().Get("done")
	return page.Show(w, r, http.StatusOK, pupilPage(view))
}

type circleView struct {
	Circle
	Role page.Role
	Done string
}

// circle reads the circle of the pupil in the path, as far as the viewer may know it.
func (p *Pages) circle(r *http.Request) (circleView, error) {
	v, _ := page.ViewerFrom(r.Context())
	view := circleView{Role: v.Role}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		view.Circle, err = circleOf(ctx, tx, v.School, r.PathValue("pupil"), p.Now(), mayKnow(v.Role))
		return err
	})
	return view, failed(err)
}

// change makes one change in the viewer's school, then tells whoever wants to know and
// leads back to the pupil's page.
func (p *Pages) change(w http.ResponseWriter, r *http.Request, done, anchor string, do func(context.Context, database.Tx, Hand, School) error) error {
	if err := p.inHand(r, do); err != nil {
		return failed(err)
	}
	to := "/pupils/" + url.PathEscape(r.PathValue("pupil")) + "?done=" + done
	if anchor != "" {
		to += "#a-" + url.PathEscape(anchor)
	}
	return page.See(w, r, to)
}

func (p *Pages) inHand(r *http.Request, do func(context.Context, database.Tx, Hand, School) error) error {
	v, _ := page.ViewerFrom(r.Context())
	if err := r.ParseForm(); err != nil {
		return err
	}
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		s, err := SchoolByID(ctx, tx, v.School)
		if err != nil {
			return err
		}
		return do(ctx, tx, Hand{Journal: p.Journal, By: v.Account, Now: p.Now()}, s)
	})
	if err == nil && p.Changed != nil {
		p.Changed()
	}
	return err
}

// failed turns what is not there, here, into the page that says so.
func failed(err error) error {
	if errors.Is(err, ErrNotFound) || errors.Is(err, database.ErrNoSchool) {
		return page.NotFound()
	}
	return err
}

// typed tells whether an error is something beside a field of the form, so that the
// form is shown again with what was typed.
func typed(err error) bool {
	r, ok := errors.AsType[*page.Refusal](err)
	return ok && r.Field != ""
}

// school shows what the school says of itself in messages.
func (p *Pages) school(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	var s School
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		s, err = SchoolByID(ctx, tx, v.School)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, schoolPage(schoolView{School: s, Settings: Settings{s.ShortName, s.Phone, s.Lang}, Done: r.URL.Query().Get("done") == "saved"}))
}

type schoolView struct {
	School   School
	Settings Settings
	Err      error
	Done     bool
}

func (p *Pages) saveSchool(w http.ResponseWriter, r *http.Request) error {
	var view schoolView
	err := p.inHand(r, func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		view.School = s
		view.Settings = Settings{ShortName: r.PostForm.Get("short"), Phone: r.PostForm.Get("phone"), Lang: r.PostForm.Get("lang")}
		return h.SaveSettings(ctx, tx, s.ID, view.Settings)
	})
	if typed(err) {
		view.Err = err
		return page.Show(w, r, http.StatusUnprocessableEntity, schoolPage(view))
	}
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, "/school?done=saved")
}
