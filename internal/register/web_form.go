package register

import (
	"context"
	"net/http"
	"slices"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// What a form teacher reads of their class: how many half-days were missed, and which of them
// still want a word of the family. Why a pupil was absent, and what became of a justification,
// is the office's: it is taken away before anything is counted, put in order or drawn. They read
// of those who are of the class today, this school year.

// plain leaves of half-days what a form teacher may know.
func plain(all []HalfDay) []HalfDay {
	out := slices.Clone(all)
	for i, h := range out {
		out[i].Reason = ""
		if h.State != Open {
			out[i].State = Excused // settled or about to be: which is not theirs to know
		}
	}
	return out
}

// formView is one class of a form teacher, and who of it is absent now.
type formView struct {
	monthView
	Class  directory.Group
	Mine   []directory.Group  // the classes they lead
	Absent []directory.Person // says their last roll today
}

// AbsentOf names the pupils of each class whose last roll of a day says absent.
func AbsentOf(ctx context.Context, tx database.Tx, school string, classes []directory.Group, day string) ([][]directory.Person, error) {
	absent, err := attendance.AbsentPupils(ctx, tx, school, day)
	if err != nil {
		return nil, err
	}
	of := make([][]directory.Person, len(classes))
	for i, g := range classes {
		people, err := directory.GroupPupils(ctx, tx, school, []string{g.ID}, day)
		if err != nil {
			return nil, err
		}
		of[i] = slices.DeleteFunc(people, func(p directory.Person) bool { return !slices.Contains(absent, p.ID) })
		directory.ByName(of[i])
	}
	return of, nil
}

func (p *Pages) form(w http.ResponseWriter, r *http.Request) error {
	v, asked := page.ViewerOf(r), r.URL.Query().Get("class")
	var view formView
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		view.Today = timetable.Day(p.Now(), page.Zone(ctx))
		if view.Mine, err = directory.FormClasses(ctx, tx, v.School, v.ID, view.Today); err != nil {
			return err
		}
		if len(view.Mine) == 0 {
			return ErrNotFound
		}
		i := 0
		if asked != "" {
			i = slices.IndexFunc(view.Mine, func(g directory.Group) bool { return g.ID == asked })
		}
		if i < 0 {
			return ErrNotFound
		}
		view.Class = view.Mine[i]
		view.monthView.Class, view.plain = view.Class.ID, true
		if err := view.ofMonth(r.URL.Query().Get("month")); err != nil {
			return err
		}
		if view.Month < firstMonth(view.Today) {
			return ErrNotFound
		}
		if err := view.read(ctx, tx, v.School); err != nil {
			return err
		}
		absent, err := AbsentOf(ctx, tx, v.School, []directory.Group{view.Class}, view.Today)
		if err != nil {
			return err
		}
		view.Absent = absent[0]
		return nil
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, formPage(view))
}

// formPupil is one pupil of the class: the year, without a reason.
func (p *Pages) formPupil(w http.ResponseWriter, r *http.Request) error {
	v, pupil := page.ViewerOf(r), r.PathValue("pupil")
	view := pupilView{plain: true}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		view.Today = timetable.Day(p.Now(), page.Zone(ctx))
		if err = directory.Leads(ctx, tx, v.School, v.ID, pupil, view.Today); err != nil {
			return err
		}
		if view.Pupil, err = pupilOf(ctx, tx, v.School, pupil); err != nil {
			return err
		}
		if err := view.read(ctx, tx, v.School, v.ID); err != nil {
			return err
		}
		view.Told = nil // what guardians sent is the office's
		return nil
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, formPupilPage(view))
}
