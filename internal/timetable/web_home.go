package timetable

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// homeForm is days at home as they are being typed.
type homeForm struct {
	Whole  bool
	Levels []string
	Groups []string
	Pupils []string
	Reason string
	From   string
	Until  string
}

// homeView is the page of days at home.
type homeView struct {
	Now    time.Time
	Today  string
	May    bool // the viewer opens and withdraws
	On     []homeRow
	Form   homeForm
	Levels []string
	Groups []directory.Group
	Picked []directory.Person
	Name   string // looked for
	Found  []directory.Person
	Class  map[string]string // of who is found or picked
	Err    error
	Done   bool
}

type homeRow struct {
	Home
	Who []string // levels, labels of groups, names
}

// mostPicked is how many single pupils one decision names on the page.
const mostPicked = 60

func (p *Pages) registerHome(rs *page.Routes) {
	decides, small := page.Only(page.Head, page.CPE), page.Body(64<<10)
	rs.Handle("GET /timetable/home", page.SchoolOffice(), p.home)
	rs.Handle("POST /timetable/home", decides, p.openHome, small)
	rs.Handle("POST /timetable/home/{home}/withdraw", decides, p.withdrawHome, small)
}

// home lists days at home, and has the form for more.
func (p *Pages) home(w http.ResponseWriter, r *http.Request) error {
	asked := r.URL.Query()
	f := homeForm{Pupils: asked["pupil"], From: p.askedDay(r, ""), Until: p.askedDay(r, "")}
	return p.showHome(w, r, http.StatusOK, f, nil)
}

func (p *Pages) showHome(w http.ResponseWriter, r *http.Request, status int, f homeForm, problem error) error {
	v, asked, today := page.ViewerOf(r), r.URL.Query(), p.askedDay(r, "")
	f.Pupils = f.Pupils[:min(len(f.Pupils), mostPicked)]
	view := homeView{Now: p.Now(), Today: today, May: v.Role == page.Head || v.Role == page.CPE, Form: f, Name: clean(asked.Get("name"), 80), Err: problem, Done: asked.Get("done") == "yes"}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		homes, err := Homes(ctx, tx, v.School, today)
		if err != nil {
			return err
		}
		if view.Groups, err = directory.Groups(ctx, tx, v.School); err != nil {
			return err
		}
		view.Levels = levelsOf(view.Groups)
		view.Groups = slices.DeleteFunc(view.Groups, func(g directory.Group) bool { return g.Kind != "class" })
		slices.SortStableFunc(view.Groups, func(a, b directory.Group) int { return naturally(a.Label, b.Label) })
		if view.On, err = homeRows(ctx, tx, v.School, homes); err != nil {
			return err
		}
		if view.Name != "" {
			if view.Found, err = directory.FindPupils(ctx, tx, v.School, today, view.Name, 12); err != nil {
				return err
			}
		}
		people, err := directory.Names(ctx, tx, v.School, f.Pupils)
		if err != nil {
			return err
		}
		for _, id := range f.Pupils {
			if who, ok := people[id]; ok && who.Kind == directory.KindPupil {
				view.Picked = append(view.Picked, who)
			}
		}
		view.Class, err = directory.ClassesOf(ctx, tx, v.School, append(ids(view.Found), ids(view.Picked)...), today)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, status, homePage(view))
}

// homeRows puts names to days at home.
func homeRows(ctx context.Context, tx database.Tx, school string, homes []Home) ([]homeRow, error) {
	groups, err := directory.Groups(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	label := map[string]string{}
	for _, g := range groups {
		label[g.ID] = g.Label
	}
	var pupils []string
	for _, h := range homes {
		pupils = append(pupils, h.Pupils...)
	}
	people, err := directory.Names(ctx, tx, school, pupils)
	out := make([]homeRow, len(homes))
	for i, h := range homes {
		out[i] = homeRow{Home: h, Who: slices.Clone(h.Levels)}
		for _, g := range h.Groups {
			out[i].Who = append(out[i].Who, label[g])
		}
		for _, id := range h.Pupils {
			out[i].Who = append(out[i].Who, people[id].FirstName+" "+people[id].LastName)
		}
	}
	return out, err
}

func (p *Pages) openHome(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v := page.ViewerOf(r)
	f := homeForm{Whole: r.PostForm.Get("whole") != "", Levels: r.PostForm["level"], Groups: r.PostForm["group"], Pupils: r.PostForm["pupil"],
		Reason: r.PostForm.Get("reason"), From: clean(r.PostForm.Get("from"), 10), Until: clean(r.PostForm.Get("until"), 10)}
	if f.Until == "" {
		f.Until = f.From
	}
	if len(f.Levels)+len(f.Groups)+len(f.Pupils) > 500 {
		return page.Invalid("whom", "timetable.home.whom.wrong")
	}
	h := Home{School: v.School, Reason: f.Reason, Whole: f.Whole, FromOn: f.From, UntilOn: f.Until, OpenedBy: v.Account, Levels: f.Levels, Groups: f.Groups, Pupils: f.Pupils}
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) (err error) {
		if h, err = OpenHome(ctx, tx, h, p.Now(), page.Zone(ctx)); err != nil {
			return err
		}
		one := ""
		if len(h.Pupils) == 1 {
			one = h.Pupils[0]
		}
		return p.journaled(ctx, tx, v, "home", h.ID, map[string]string{"reason": h.Reason, "from": h.FromOn, "until": h.UntilOn, "whole": strconv.FormatBool(h.Whole),
			"levels": strconv.Itoa(len(h.Levels)), "groups": strconv.Itoa(len(h.Groups)), "pupils": strconv.Itoa(len(h.Pupils)), "pupil": one})
	})
	switch {
	case errors.Is(err, ErrDay):
		err = page.Invalid("from", "timetable.home.days.wrong", "most", longestHome)
	case errors.Is(err, ErrHomeReason):
		err = page.Invalid("reason", "timetable.home.reason.wrong")
	case errors.Is(err, ErrHomeWhom):
		err = page.Invalid("whom", "timetable.home.whom.wrong")
	case err != nil:
		return failed(err)
	}
	if err != nil {
		return p.showHome(w, r, http.StatusUnprocessableEntity, f, err)
	}
	p.changed()
	return page.See(w, r, "/timetable/home?done=yes")
}

func (p *Pages) withdrawHome(w http.ResponseWriter, r *http.Request) error {
	v := page.ViewerOf(r)
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		h, err := WithdrawHome(ctx, tx, v.School, r.PathValue("home"), v.Account, p.Now(), page.Zone(ctx))
		if err != nil {
			return err
		}
		return p.journaled(ctx, tx, v, "home-withdrawn", h.ID, map[string]string{"on": h.WithdrawnOn})
	})
	if err != nil {
		return failed(err)
	}
	p.changed()
	return page.See(w, r, "/timetable/home")
}

func (p *Pages) changed() {
	if p.Changed != nil {
		p.Changed()
	}
}

// pickHome is the address of the form with one more pupil.
func pickHome(v homeView, more string) string {
	q := url.Values{}
	for _, p := range v.Picked {
		q.Add("pupil", p.ID)
	}
	if more != "" {
		q.Add("pupil", more)
	}
	return "/timetable/home?" + q.Encode() + "#new"
}
