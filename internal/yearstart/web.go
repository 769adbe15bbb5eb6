package yearstart

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Pages are the page of the start of the year, for the school's heads and for the operator,
// who sees counts and no name of a pupil or a guardian.
type Pages struct {
	DB      *database.DB
	Journal *journal.Journal
	Now     func() time.Time
	Leaning directory.Asks // what leans on an import
	Changed func()         // after an undo
	// Names says who accounts are, to colleagues of the school.
	Names func(ctx context.Context, tx database.Tx, school string, accounts []string) (map[string]string, error)
}

// Register mounts the pages.
func (p *Pages) Register(routes *page.Routes) {
	heads, operator := page.Only(page.Head, page.CPE), page.Only(page.Operator)
	small := page.Body(4 << 10)
	routes.Handle("GET /start", heads, p.show)
	routes.Handle("GET /start/list", heads, p.list)
	routes.Handle("POST /start/undo", page.Only(page.Head), p.undo, small, page.Again())
	routes.Handle("GET /schools/{school}/start", operator, p.show)
	routes.Handle("POST /schools/{school}/start/undo", operator, p.undo, small, page.Again())
}

type view struct {
	Facts
	Viewer  page.Viewer
	Base    string // of this school's addresses
	By      string // who brought the file
	Steps   []Step
	Now     time.Time
	Done    string
	Refused []directory.Leaning
}

// operator tells whether the viewer looks after many schools, and knows nobody's name.
func (v view) operator() bool { return v.Viewer.Role == page.Operator }

// mayUndo tells whether the viewer is shown the button.
func (v view) mayUndo() bool { return v.operator() || v.Viewer.Role == page.Head }

func (v view) link(i Item) string {
	switch {
	case v.operator():
		return ""
	case i.List:
		return "/start/list?of=" + i.Name
	}
	return i.Link
}

func (p *Pages) view(r *http.Request) (view, error) {
	v := view{Now: p.Now(), Done: r.URL.Query().Get("done")}
	v.Viewer, _ = page.ViewerFrom(r.Context())
	school := v.Viewer.School
	if v.operator() {
		school = r.PathValue("school")
		v.Base = "/schools/" + url.PathEscape(school)
	}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if v.Facts, err = FactsOf(ctx, tx, school, p.Leaning, v.Now); err != nil {
			return err
		}
		names, err := p.Names(ctx, tx, school, []string{v.Import.By})
		v.By = names[v.Import.By]
		return err
	})
	v.Steps = v.Facts.Steps()
	return v, notHere(err)
}

func notHere(err error) error {
	if errors.Is(err, directory.ErrNotFound) || errors.Is(err, database.ErrNoSchool) {
		return page.NotFound()
	}
	return err
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request) error {
	v, err := p.view(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, startPage(v))
}

// list shows who is counted in one line.
func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	v, err := p.view(r)
	if err != nil {
		return err
	}
	l := listView{Of: r.URL.Query().Get("of")}
	pupil := func(one directory.Person) {
		l.Rows = append(l.Rows, listRow{Name: one.LastName + " " + one.FirstName, Href: "/pupils/" + url.PathEscape(one.ID)})
	}
	guardian := func(one directory.GuardianOf) {
		l.Rows = append(l.Rows, listRow{Name: one.Guardian.LastName + " " + one.Guardian.FirstName, Of: one.Pupil.FirstName + " " + one.Pupil.LastName, Href: "/pupils/" + url.PathEscape(one.Pupil.ID)})
	}
	d := v.Directory
	switch l.Of {
	case "noclass":
		each(d.NoClass, pupil)
	case "noguardian":
		each(d.NoGuardian, pupil)
	case "unreachable":
		each(d.Unreachable, guardian)
	case "callonly":
		each(d.CallOnly, guardian)
	case "empty":
		each(d.Empty, func(g directory.Group) { l.Rows = append(l.Rows, listRow{Name: g.Label}) })
	default:
		return page.NotFound()
	}
	return page.Show(w, r, http.StatusOK, listPage(l))
}

func each[T any](all []T, do func(T)) {
	for _, one := range all {
		do(one)
	}
}

type listView struct {
	Of   string
	Rows []listRow
}

type listRow struct{ Name, Of, Href string }

// undo undoes the last import, the one that the page showed and no other.
func (p *Pages) undo(w http.ResponseWriter, r *http.Request) error {
	viewer, _ := page.ViewerFrom(r.Context())
	school, base := viewer.School, ""
	if viewer.Role == page.Operator {
		school = r.PathValue("school")
		base = "/schools/" + url.PathEscape(school)
	}
	id := r.PostFormValue("import")
	if id == "" {
		return page.Invalid("import", "yearstart.undo.wrong")
	}
	err := p.DB.InSchool(r.Context(), school, func(ctx context.Context, tx database.Tx) error {
		_, err := directory.UndoImport(ctx, tx, p.Journal, school, id, viewer.Account, p.Leaning, p.Now())
		return err
	})
	var refused *directory.UndoRefused
	switch {
	case errors.Is(err, directory.ErrNoUndo), errors.Is(err, directory.ErrGone):
		return page.Conflict("yearstart.undo.none")
	case errors.As(err, &refused):
		v, err := p.view(r)
		if err != nil {
			return err
		}
		v.Refused = refused.Because
		return page.Show(w, r, http.StatusConflict, startPage(v))
	case err != nil:
		return notHere(err)
	}
	if p.Changed != nil {
		p.Changed()
	}
	return page.See(w, r, base+"/start?done=undone")
}

// fresh and again are the letters that can be made.
func fresh(of map[account.State]int) int { return of[account.StateNone] }
func again(of map[account.State]int) int { return of[account.StateNew] + of[account.StateCode] }
