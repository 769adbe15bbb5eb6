package timetable

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// calendarView is the page on which a calendar file is given, and what became of it.
type calendarView struct {
	Target  string // "class:ID" or "staff:ID"
	Office  bool
	Names   names
	Wrong   error
	Done    bool
	Report  Report
	Skipped []Skip
}

func (p *Pages) calendarForm(w http.ResponseWriter, r *http.Request) error {
	return p.showCalendar(w, r, http.StatusOK, calendarView{Target: "class:" + r.URL.Query().Get("class")})
}

func (p *Pages) showCalendar(w http.ResponseWriter, r *http.Request, status int, view calendarView) error {
	v := page.ViewerOf(r)
	view.Office = isOffice(v)
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		view.Names, err = namesOf(ctx, tx, v.School, p.askedDay(r, ""))
		return err
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, status, calendarPage(view))
}

// bring reads a calendar file into the timetable of a class, group or person; a
// teacher only brings their own. The file is read before the transaction begins.
func (p *Pages) bring(w http.ResponseWriter, r *http.Request) error {
	v := page.ViewerOf(r)
	if err := r.ParseMultipartForm(maxCalendarBytes); err != nil {
		if errors.Is(err, http.ErrNotMultipart) || errors.Is(err, http.ErrMissingBoundary) {
			return page.Invalid("file", "timetable.calendar.file.none")
		}
		return err
	}
	defer r.MultipartForm.RemoveAll()
	view := calendarView{Target: r.PostFormValue("target")}
	if !isOffice(v) {
		view.Target = "staff:" + v.ID
	}
	wrong := func(err error) error {
		view.Wrong = err
		return p.showCalendar(w, r, http.StatusUnprocessableEntity, view)
	}
	file, _, err := r.FormFile("file")
	if err != nil {
		return wrong(page.Invalid("file", "timetable.calendar.file.none"))
	}
	defer file.Close()
	window := schoolYear(p.Now(), page.Zone(r.Context()))
	calendar, err := readCalendar(file, window)
	var bad *FileError
	if errors.As(err, &bad) {
		return wrong(page.Invalid("file", "timetable.calendar.bad."+bad.Why, "line", bad.Line))
	}
	if err != nil {
		return err
	}

	err = p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		n, err := namesOf(ctx, tx, v.School, p.askedDay(r, ""))
		if err != nil {
			return err
		}
		target, ok := n.target(view.Target)
		if !ok {
			return page.Invalid("target", "timetable.calendar.target.wrong")
		}
		var sittings []Sitting
		sittings, view.Skipped = calendar.Sittings(v.School, window, target, n.Groups, n.Staff)
		only := ""
		if v.Role == page.Teacher {
			only = v.ID
		}
		if view.Report, err = Import(ctx, tx, v.School, only, sittings, p.called(), p.Now()); err != nil {
			return err
		}
		return p.journaled(ctx, tx, v, "calendar", target.Group+target.Staff, nil)
	})
	var refusal *page.Refusal
	if errors.As(err, &refusal) && refusal.Field != "" {
		return wrong(refusal)
	}
	if err != nil {
		return failed(err)
	}
	view.Done = true
	return p.showCalendar(w, r, http.StatusOK, view)
}

// target reads "class:ID" or "staff:ID" of this school.
func (n names) target(text string) (Target, bool) {
	kind, id, _ := strings.Cut(text, ":")
	switch kind {
	case "class":
		_, ok := n.group[id]
		return Target{Group: id}, ok
	case "staff":
		_, ok := n.staff[id]
		return Target{Staff: id}, ok
	}
	return Target{}, false
}

// targets are the choices of the form.
func (n names) targets() []page.Option {
	var all []page.Option
	for _, g := range n.Groups {
		all = append(all, page.Option{Value: "class:" + g.ID, Text: g.Label})
	}
	for _, s := range n.Staff {
		all = append(all, page.Option{Value: "staff:" + s.ID, Text: n.staff[s.ID]})
	}
	return all
}

// called asks who knows which rolls were saved; where nobody does, all were.
func (p *Pages) called() Called {
	if p.Called != nil {
		return p.Called
	}
	return func(_ context.Context, _ database.Tx, _ string, sittings []string) (map[string]bool, error) {
		all := map[string]bool{}
		for _, s := range sittings {
			all[s] = true
		}
		return all, nil
	}
}

// closuresView is the page of the closures.
type closuresView struct {
	From, Until, Reason string
	All                 []Closure
	Wrong               error
}

func (p *Pages) closures(w http.ResponseWriter, r *http.Request) error {
	return p.showClosures(w, r, http.StatusOK, closuresView{})
}

func (p *Pages) showClosures(w http.ResponseWriter, r *http.Request, status int, view closuresView) error {
	v, loc := page.ViewerOf(r), page.Zone(r.Context())
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		view.All, err = Closures(ctx, tx, v.School, schoolYear(p.Now(), loc).From)
		return err
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, status, closuresPage(view))
}

// close records a run of days on which the school is closed.
func (p *Pages) close(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v := page.ViewerOf(r)
	view := closuresView{From: clean(r.PostForm.Get("from"), 10), Until: clean(r.PostForm.Get("until"), 10), Reason: clean(r.PostForm.Get("reason"), 80)}
	if view.Until == "" {
		view.Until = view.From // one day
	}
	c := Closure{School: v.School, ID: database.NewID(), FromOn: view.From, UntilOn: view.Until, Reason: view.Reason}
	switch {
	case CheckDay(c.FromOn) != nil:
		view.Wrong = page.Invalid("from", "timetable.form.day.wrong")
	case CheckDay(c.UntilOn) != nil || c.UntilOn < c.FromOn:
		view.Wrong = page.Invalid("until", "timetable.closures.until.wrong")
	case c.Reason == "":
		view.Wrong = page.Invalid("reason", "timetable.closures.reason.wrong")
	}
	if view.Wrong != nil {
		return p.showClosures(w, r, http.StatusUnprocessableEntity, view)
	}
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		if err := AddClosure(ctx, tx, c); err != nil {
			return err
		}
		return p.journaled(ctx, tx, v, "closure", c.ID, map[string]string{"from": c.FromOn, "until": c.UntilOn})
	})
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, "/timetable/closures")
}

// reopen takes a closure back.
func (p *Pages) reopen(w http.ResponseWriter, r *http.Request) error {
	v := page.ViewerOf(r)
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		if err := removeClosure(ctx, tx, v.School, r.PathValue("closure")); err != nil {
			return err
		}
		return p.journaled(ctx, tx, v, "closure-removed", r.PathValue("closure"), nil)
	})
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, "/timetable/closures")
}

func sittingPath(s Sitting) string { return "/timetable/sittings/" + url.PathEscape(s.ID) }
