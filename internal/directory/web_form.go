package directory

import (
	"context"
	"net/http"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// formsView is who leads which class, and the form that names one more.
type formsView struct {
	Classes []classForms
	Staff   []page.Option
	New     FormTeacher
	Day     string
	Done    string
	Err     error
}

// classForms is one class.
type classForms struct {
	Group
	Leads []namedForm
	Said  []Person // by the file, and not given yet
}

type namedForm struct {
	FormTeacher
	Person Person
}

func (p *Pages) forms(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	return p.showForms(w, r, http.StatusOK, formsView{New: FormTeacher{Grp: q.Get("class"), Person: q.Get("person")}, Done: q.Get("done")})
}

func (p *Pages) showForms(w http.ResponseWriter, r *http.Request, status int, view formsView) error {
	v := page.ViewerOf(r)
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		view.Day = p.day(ctx)
		return view.read(ctx, tx, v.School)
	})
	if err != nil {
		return failed(err)
	}
	if view.New.FromOn == "" {
		view.New.FromOn, view.New.UntilOn = view.Day, YearEnd(view.Day)
	}
	return page.Show(w, r, status, formsPage(view))
}

func (v *formsView) read(ctx context.Context, tx database.Tx, school string) error {
	groups, err := Groups(ctx, tx, school)
	if err != nil {
		return err
	}
	given, err := FormTeachers(ctx, tx, school, v.Day)
	if err != nil {
		return err
	}
	said, err := formsOfSource(ctx, tx, school)
	if err != nil {
		return err
	}
	staff, err := Of(ctx, tx, school, KindStaff, v.Day)
	if err != nil {
		return err
	}
	ByName(staff)
	people := map[string]Person{}
	for _, s := range staff {
		people[s.ID] = s
		v.Staff = append(v.Staff, page.Option{Value: s.ID, Text: s.LastName + " " + s.FirstName})
	}
	ByLabel(groups)
	for _, g := range groups {
		if g.Kind != "class" {
			continue
		}
		one := classForms{Group: g}
		has := map[string]bool{}
		for _, f := range given {
			if f.Grp == g.ID {
				has[f.Person] = true
				one.Leads = append(one.Leads, namedForm{f, people[f.Person]})
			}
		}
		for _, id := range said[g.ID] {
			if who, ok := people[id]; ok && !has[id] {
				one.Said = append(one.Said, who)
			}
		}
		v.Classes = append(v.Classes, one)
	}
	return nil
}

// day is today, where the school of whoever looks is.
func (p *Pages) day(ctx context.Context) string {
	return p.Now().In(page.Zone(ctx)).Format(time.DateOnly)
}

func (p *Pages) giveForm(w http.ResponseWriter, r *http.Request) error {
	var f FormTeacher
	err := p.inHand(r, func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		q := r.PostForm
		f = FormTeacher{School: s.ID, Grp: q.Get("class"), Person: q.Get("person"), FromOn: q.Get("from"), UntilOn: q.Get("until")}
		return h.GiveForm(ctx, tx, f, p.day(ctx))
	})
	if typed(err) {
		return p.showForms(w, r, http.StatusUnprocessableEntity, formsView{New: f, Err: err})
	}
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, "/classes?done=given")
}

func (p *Pages) endForm(w http.ResponseWriter, r *http.Request) error {
	err := p.inHand(r, func(ctx context.Context, tx database.Tx, h Hand, s School) error {
		return h.EndForm(ctx, tx, s.ID, r.PathValue("form"))
	})
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, "/classes?done=ended")
}
