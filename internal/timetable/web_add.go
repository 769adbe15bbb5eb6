package timetable

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// form is a sitting as it is being typed.
type form struct {
	Kind, Label, Short, Day, From, Until, Room, Group, Staff string

	Office  bool
	First   []string // groups that are offered first
	Names   names
	Wrong   error     // a *page.Refusal about a field, or nil
	Clashes []Sitting // what it shares an hour with; said once before it is added
}

func readForm(v url.Values) form {
	get := func(name string, most int) string { return clean(v.Get(name), most) }
	return form{Kind: get("kind", 20), Label: get("label", 80), Short: get("short", 40), Day: get("day", 10), From: get("from", 5), Until: get("until", 5),
		Room: get("room", 40), Group: get("class", 40), Staff: get("staff", 40)}
}

// sitting reads what was typed. The error is a *page.Refusal about one field.
func (f form) sitting(school string, loc *time.Location) (Sitting, error) {
	s := Sitting{School: school, ID: database.NewID(), Kind: Kind(f.Kind), Label: f.Label, ShortLabel: f.Short, Room: f.Room, Source: FromPage}
	s.SourceKey = s.ID
	if _, ok := f.Names.group[f.Group]; !ok {
		return s, page.Invalid("class", "timetable.form.class.wrong")
	}
	if f.Label == "" {
		return s, page.Invalid("label", "timetable.form.label.wrong")
	}
	if s.ShortLabel == "" {
		s.ShortLabel = ShortLabel(f.Label)
	}
	if !fitsMessage(s.ShortLabel) {
		return s, page.Invalid("short", "timetable.form.short.wrong", "max", ShortLabelMax)
	}
	if !slices.Contains(kinds(), s.Kind) {
		return s, page.Invalid("kind", "timetable.form.kind.wrong")
	}
	if CheckDay(f.Day) != nil {
		return s, page.Invalid("day", "timetable.form.day.wrong")
	}
	starts, err := time.ParseInLocation(dayForm+" 15:04", f.Day+" "+f.From, loc)
	if err != nil {
		return s, page.Invalid("from", "timetable.form.hour.wrong")
	}
	ends, err := time.ParseInLocation(dayForm+" 15:04", f.Day+" "+f.Until, loc)
	if err != nil {
		return s, page.Invalid("until", "timetable.form.hour.wrong")
	}
	if !ends.After(starts) && s.Kind == Dormitory {
		ends = ends.AddDate(0, 0, 1)
	}
	if !ends.After(starts) {
		return s, page.Invalid("until", "timetable.form.until.wrong")
	}
	if _, ok := f.Names.staff[f.Staff]; f.Staff != "" && !ok {
		return s, page.Invalid("staff", "timetable.form.staff.wrong")
	}
	s.Groups = []string{f.Group}
	if f.Staff != "" {
		s.Staff = []Charge{{Person: f.Staff}}
	}
	s.At(starts, ends, loc)
	return s, s.Check()
}

// newForm is the empty form.
func (p *Pages) newForm(w http.ResponseWriter, r *http.Request) error {
	v, asked := page.ViewerOf(r), r.URL.Query()
	starts, ends := callTimes(p.Now(), page.Zone(r.Context()))
	f := form{Kind: string(Lesson), Day: p.askedDay(r, asked.Get("day")), Group: asked.Get("class"), Staff: asked.Get("staff"),
		From: starts.In(page.Zone(r.Context())).Format("15:04"), Until: ends.In(page.Zone(r.Context())).Format("15:04")}
	if !isOffice(v) {
		f.Staff = v.ID
	}
	return p.showForm(w, r, http.StatusOK, f)
}

func (p *Pages) showForm(w http.ResponseWriter, r *http.Request, status int, f form) error {
	v := page.ViewerOf(r)
	f.Office = isOffice(v)
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		f.Names, err = namesOf(ctx, tx, v.School, p.askedDay(r, f.Day))
		return err
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, status, newPage(f))
}

// add adds a sitting: for anybody by the office, for oneself by a teacher. What it
// shares an hour with is shown first; a second press adds it all the same.
func (p *Pages) add(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v := page.ViewerOf(r)
	f := readForm(r.PostForm)
	if !isOffice(v) {
		f.Staff = v.ID
	}
	var s Sitting
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) (err error) {
		if f.Names, err = namesOf(ctx, tx, v.School, p.askedDay(r, f.Day)); err != nil {
			return err
		}
		if s, err = f.sitting(v.School, page.Zone(ctx)); err != nil {
			return err
		}
		if c, closed, err := closedOn(ctx, tx, v.School, s.Day); err != nil {
			return err
		} else if closed {
			return page.Invalid("day", "timetable.form.closed", "reason", c.Reason)
		}
		among, err := OfDay(ctx, tx, v.School, s.Day)
		if err != nil {
			return err
		}
		if f.Clashes = clashes(s, among); len(f.Clashes) > 0 && r.PostForm.Get("anyway") == "" {
			return errClash
		}
		if err := Add(ctx, tx, s); err != nil {
			return err
		}
		return p.journaled(ctx, tx, v, "sitting", s.ID, map[string]string{"group": f.Group, "person": f.Staff, "source": string(s.Source)})
	})
	var wrong *page.Refusal
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		f.Wrong = wrong
		return p.showForm(w, r, http.StatusUnprocessableEntity, f)
	case errors.Is(err, errClash):
		return p.showForm(w, r, http.StatusConflict, f)
	case err != nil:
		return failed(err)
	}
	return page.See(w, r, whose{Group: f.Group}.query(s.Day)+"&done=added")
}

// errClash: the sitting shares an hour with others, and nobody said that it may.
var errClash = errors.New("timetable: at the same time as another sitting")

// nowForm asks which class one has in front of one.
func (p *Pages) nowForm(w http.ResponseWriter, r *http.Request) error {
	return p.showNow(w, r, http.StatusOK, nowView{})
}

// nowView is the page "call a roll now".
type nowView struct {
	Group  string
	Label  string
	Wrong  error
	First  []string
	Names  names
	Others []Sitting // sittings of the class that run already
	From   time.Time
	Until  time.Time
}

func (p *Pages) showNow(w http.ResponseWriter, r *http.Request, status int, view nowView) error {
	v, loc := page.ViewerOf(r), page.Zone(r.Context())
	view.From, view.Until = callTimes(p.Now(), loc)
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if view.Names, err = namesOf(ctx, tx, v.School, Day(p.Now(), loc)); err != nil {
			return err
		}
		own, err := OfStaff(ctx, tx, v.School, v.ID, Day(p.Now(), loc))
		for _, s := range own {
			view.First = append(view.First, s.Groups...)
		}
		return err
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, status, nowPage(view))
}

// callNow makes a sitting of a class that begins now, with the viewer in charge, and
// leads to its roll. Where the viewer has a sitting of the class already it leads
// there; where a colleague has, it asks first: two rolls of one class at one hour say
// two things of a pupil.
func (p *Pages) callNow(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v, loc, now := page.ViewerOf(r), page.Zone(r.Context()), p.Now()
	if v.ID == "" {
		return page.Forbidden("page.forbidden.text") // an account of nobody
	}
	view := nowView{Group: clean(r.PostForm.Get("class"), 40), Label: clean(r.PostForm.Get("label"), 80)}
	var to string
	err := p.DB.InSchool(database.Urgent(r.Context()), v.School, func(ctx context.Context, tx database.Tx) error {
		all, err := namesOf(ctx, tx, v.School, Day(now, loc))
		if err != nil {
			return err
		}
		if _, ok := all.group[view.Group]; !ok {
			return page.Invalid("class", "timetable.form.class.wrong")
		}
		s := Sitting{School: v.School, ID: database.NewID(), Kind: Lesson, Label: view.Label, Source: FromCall,
			Groups: []string{view.Group}, Staff: []Charge{{Person: v.ID}}}
		s.SourceKey = s.ID
		if s.Label == "" {
			s.Label = "Cours"
		}
		s.ShortLabel = ShortLabel(s.Label)
		starts, ends := callTimes(now, loc)
		s.At(starts, ends, loc)
		if c, closed, err := closedOn(ctx, tx, v.School, s.Day); err != nil {
			return err
		} else if closed {
			return page.Conflict("timetable.now.closed", "reason", c.Reason)
		}
		mine, others, err := running(ctx, tx, v, view.Group, s.Day, now)
		if err != nil {
			return err
		}
		if mine != "" {
			to = mine
			return nil
		}
		if view.Others = others; len(others) > 0 && r.PostForm.Get("anyway") == "" {
			return errClash
		}
		to = s.ID
		if err := Add(ctx, tx, s); err != nil {
			return err
		}
		return p.journaled(ctx, tx, v, "sitting", s.ID, map[string]string{"group": view.Group, "person": v.ID, "source": string(s.Source)})
	})
	var wrong *page.Refusal
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		view.Wrong = wrong
		return p.showNow(w, r, http.StatusUnprocessableEntity, view)
	case errors.Is(err, errClash):
		return p.showNow(w, r, http.StatusConflict, view)
	case err != nil:
		return failed(err)
	}
	return page.See(w, r, "/roll/"+url.PathEscape(to))
}

// running finds, among the sittings of a group that take place now, the viewer's own
// and those of others.
func running(ctx context.Context, tx database.Tx, v page.Viewer, group, day string, now time.Time) (mine string, others []Sitting, err error) {
	all, err := OfGroups(ctx, tx, v.School, []string{group}, day)
	for _, s := range all {
		switch {
		case s.Cancelled() || now.Before(s.StartsAt) || !now.Before(s.EndsAt):
		case s.In(v.ID):
			mine = s.ID
		default:
			others = append(others, s)
		}
	}
	return mine, others, err
}

// sittingView is one sitting, for the office.
type sittingView struct {
	Sitting Sitting
	Names   names
	Short   string
	Wrong   error
}

func (p *Pages) sitting(w http.ResponseWriter, r *http.Request) error {
	return p.showSitting(w, r, http.StatusOK, sittingView{})
}

func (p *Pages) showSitting(w http.ResponseWriter, r *http.Request, status int, view sittingView) error {
	v := page.ViewerOf(r)
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if view.Sitting, err = ByID(ctx, tx, v.School, r.PathValue("sitting")); err != nil {
			return err
		}
		view.Names, err = namesOf(ctx, tx, v.School, view.Sitting.Day)
		return err
	})
	if err != nil {
		return failed(err)
	}
	if view.Wrong == nil {
		view.Short = view.Sitting.ShortLabel
	}
	return page.Show(w, r, status, sittingPage(view))
}

// relabel changes the words by which messages name a sitting.
func (p *Pages) relabel(w http.ResponseWriter, r *http.Request) error {
	short := strings.TrimSpace(r.PostFormValue("short"))
	s, err := p.change(r, "relabel", func(ctx context.Context, tx database.Tx, s Sitting) error {
		return relabel(ctx, tx, s.School, s.ID, short)
	})
	if errors.Is(err, ErrLabel) {
		return p.showSitting(w, r, http.StatusUnprocessableEntity, sittingView{Short: clean(short, 40),
			Wrong: page.Invalid("short", "timetable.form.short.wrong", "max", ShortLabelMax)})
	}
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, backTo(s)+"&done=relabelled")
}

// cancel says that a sitting does not take place.
func (p *Pages) cancel(w http.ResponseWriter, r *http.Request) error {
	s, err := p.change(r, "cancel", func(ctx context.Context, tx database.Tx, s Sitting) error {
		return Cancel(ctx, tx, s.School, s.ID, p.Now())
	})
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, backTo(s)+"&done=cancelled")
}

func backTo(s Sitting) string { return whose{Group: s.Groups[0]}.query(s.Day) }

// change does something to one sitting, and keeps who did it.
func (p *Pages) change(r *http.Request, act string, fn func(context.Context, database.Tx, Sitting) error) (s Sitting, err error) {
	v := page.ViewerOf(r)
	err = p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		if s, err = ByID(ctx, tx, v.School, r.PathValue("sitting")); err != nil {
			return err
		}
		if err := fn(ctx, tx, s); err != nil {
			return err
		}
		return p.journaled(ctx, tx, v, act, s.ID, nil)
	})
	return s, err
}
