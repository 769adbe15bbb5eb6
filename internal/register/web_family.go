package register

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// childView is a guardian's page about one child's absences: those that are over, and what this
// very person sent.
type childView struct {
	pupilView
	Form childForm
}

// childForm is what was typed.
type childForm struct{ FromDay, FromPart, UntilDay, UntilPart, Reason string }

func readChildForm(f url.Values) childForm {
	return childForm{FromDay: f.Get("from_day"), FromPart: f.Get("from_part"), UntilDay: f.Get("until_day"), UntilPart: f.Get("until_part"), Reason: f.Get("reason")}
}

// child is the pupil of the path, where the viewer may be told about them today.
func (p *Pages) childOf(ctx context.Context, tx database.Tx, v page.Viewer, pupil string) (directory.Person, error) {
	all, err := directory.Children(ctx, tx, v.School, v.ID, timetable.Day(p.Now(), page.Zone(ctx)))
	i := slices.IndexFunc(all, func(c directory.Person) bool { return c.ID == pupil })
	if err != nil || i < 0 {
		return directory.Person{}, errors.Join(err, ErrNotFound)
	}
	return all[i], nil
}

func (p *Pages) child(w http.ResponseWriter, r *http.Request) error {
	return p.showChild(w, r, http.StatusOK, childForm{}, nil)
}

func (p *Pages) showChild(w http.ResponseWriter, r *http.Request, status int, f childForm, problem error) error {
	v := page.ViewerOf(r)
	view := childView{Form: f}
	view.Err, view.Done = problem, r.URL.Query().Get("done")
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		view.Today = timetable.Day(p.Now(), page.Zone(ctx))
		if view.Pupil, err = p.childOf(ctx, tx, v, r.PathValue("pupil")); err != nil {
			return err
		}
		if err := view.read(ctx, tx, v.School, v.ID); err != nil {
			return err
		}
		view.forFamily()
		return nil
	})
	if err != nil {
		return failed(err)
	}
	if view.Form.FromDay == "" {
		view.Form = view.propose()
	}
	return page.Show(w, r, status, childPage(view))
}

// forFamily leaves out what a guardian must not read here: absences of today, which may be held
// or a mistake, and what another guardian sent.
func (v *childView) forFamily() {
	var all []HalfDay
	for _, m := range v.Months {
		for _, h := range m.Half {
			if h.Day() >= v.Today {
				continue
			}
			if h.State == Waiting && !slices.ContainsFunc(v.Told, func(j waitingRow) bool { return j.State == Sent && j.Covers(h.Half) }) {
				h.State, h.Reason = Open, ""
			}
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b HalfDay) int {
		if a.Half < b.Half {
			return -1
		}
		return 1
	})
	days := map[string][]string{}
	for _, m := range v.Months {
		days[m.Month] = m.Days
	}
	v.Months, v.Count = months(all, nil), CountOf(all)
	for i := range v.Months {
		v.Months[i].Days = days[v.Months[i].Month]
	}
}

// propose fills the form with the last half-days that nobody has justified.
func (v childView) propose() childForm {
	for _, m := range v.Months {
		for _, h := range slices.Backward(m.Half) {
			if h.State == Open {
				return childForm{FromDay: h.Day(), FromPart: h.Half[11:], UntilDay: h.Day(), UntilPart: h.Half[11:]}
			}
		}
	}
	return childForm{FromDay: v.Today, FromPart: "am", UntilDay: v.Today, UntilPart: "pm"}
}

// send keeps what a guardian says, with its document. The document is on the disk before the
// row that names it, and goes again where there is none.
func (p *Pages) send(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return err // the frame says what is too large
	}
	defer func() {
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll()
		}
	}()
	v, f, pupil := page.ViewerOf(r), readChildForm(r.Form), r.PathValue("pupil")
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		_, err := p.childOf(ctx, tx, v, pupil)
		return err
	})
	if err != nil {
		return failed(err)
	}
	doc, err := p.taken(r, v.School)
	if err == nil {
		err = p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
			if _, err := p.childOf(ctx, tx, v, pupil); err != nil {
				return err
			}
			school, err := directory.SchoolByID(ctx, tx, v.School)
			if err != nil {
				return err
			}
			until := readHalfForm(f.UntilDay, f.UntilPart)
			if until == "" {
				until = readHalfForm(f.FromDay, "pm")
			}
			_, err = Send(ctx, tx, p.Journal, p.Now(), school.Region, page.Zone(ctx), Justification{School: v.School, Pupil: pupil, Person: v.ID,
				FromHalf: readHalfForm(f.FromDay, f.FromPart), UntilHalf: until, Reason: f.Reason, By: v.Account}, doc)
			return err
		})
		if err != nil {
			forget(p.Documents, v.School, doc)
		}
	}
	if err := failed(err); err != nil {
		if refusal, ok := errors.AsType[*page.Refusal](err); ok && refusal.Field != "" {
			return p.showChild(w, r, refusal.Status, f, err)
		}
		return err
	}
	return page.See(w, r, "/children/"+url.PathEscape(pupil)+"/register?done=sent")
}

// taken keeps the document of a form; none is the zero value.
func (p *Pages) taken(r *http.Request, school string) (Document, error) {
	if r.MultipartForm == nil || len(r.MultipartForm.File["document"]) == 0 {
		return Document{}, nil
	}
	head := r.MultipartForm.File["document"][0]
	if head.Size == 0 && head.Filename == "" {
		return Document{}, nil
	}
	file, err := head.Open()
	if err != nil {
		return Document{}, err
	}
	defer file.Close()
	return keep(p.Documents, school, file)
}

func (p *Pages) ownDocument(w http.ResponseWriter, r *http.Request) error {
	v, pupil := page.ViewerOf(r), r.PathValue("pupil")
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		_, err := p.childOf(ctx, tx, v, pupil)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return p.serveDocument(w, r, func(j Justification) bool { return j.Person == v.ID && j.Pupil == pupil })
}

// dayText writes a day: noon is on it in every zone.
func dayText(ctx context.Context, day string) string {
	t, err := time.ParseInLocation("2006-01-02 15:04", day+" 12:00", page.Zone(ctx))
	if err != nil {
		return day
	}
	return page.Date(ctx, t)
}
