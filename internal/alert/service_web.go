package alert

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
	"github.com/preau-ent/preau/internal/timetable"
)

// serviceView is what the page about being in service shows.
type serviceView struct {
	Base      string // of the page's addresses: empty, or the operator's of a school
	Operator  bool   // who is only ever the second person
	School    directory.School
	Service   Service // that runs, or the last that did
	Asked     Service // that a second person may open
	Keeping   Keeping
	Rehearsal Rehearsal // the open one, or the last
	Called    int       // its days so far
	Ready     bool      // a service may be asked for
	InService bool
	Now       time.Time
	Today     string
	Until     string // proposed, or what was typed
	Err       error
	MayOpen   bool
	Heads     bool // the viewer may begin a rehearsal
	People    map[string]directory.Person
	Ways      []string // to answer that this school may choose; none: not by this viewer
	Answers   string   // the way that is in force
	Saved     bool     // it was just changed
}

// registerService mounts the pages about being in service, and about the rehearsal before.
// Where a school has one adult only, the operator is the second person.
func (p *Pages) registerService(routes *page.Routes) {
	small := page.Body(4 << 10)
	for base, rule := range map[string]page.Rule{"": page.SchoolOffice(), "/schools/{school}": page.Only(page.Operator)} {
		routes.Handle("GET "+base+"/service", rule, p.showService)
		routes.Handle("POST "+base+"/service", rule, p.changeService, small, page.Again("open"))
	}
	routes.Handle("GET /rehearsal", page.SchoolOffice(), p.showRehearsal)
	routes.Handle("POST /rehearsal", page.SchoolOffice(), p.changeRehearsal, page.Body(64<<10))
}

func (p *Pages) showService(w http.ResponseWriter, r *http.Request) error {
	return p.service(w, r, http.StatusOK, "", nil)
}

func (p *Pages) service(w http.ResponseWriter, r *http.Request, status int, typed string, refused error) error {
	v, _ := page.ViewerFrom(r.Context())
	s := serviceView{Now: p.Now(), Err: refused}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		l, err := p.looker(ctx, tx, r)
		if err != nil {
			return err
		}
		school, err := loadSchool(ctx, tx, l.school)
		if err != nil {
			return err
		}
		s.Base, s.Operator, s.School, s.Heads = l.base, l.operator, school.School, chooses(v.Role)
		s.Service, s.Today = school.service, timetable.Day(s.Now, school.zone)
		if s.Asked, _, err = AskedService(ctx, tx, l.school); err != nil {
			return err
		}
		if s.Keeping, err = keeping(ctx, tx, s.Service, s.Today); err != nil {
			return err
		}
		if s.Rehearsal, _, err = RehearsalOf(ctx, tx, l.school); err != nil {
			return err
		}
		if s.Rehearsal.Open() {
			days, err := rehearsed(ctx, tx, school)
			if err != nil {
				return err
			}
			s.Called = len(days)
		} else if s.Ready, err = Rehearsed(ctx, tx, l.school); err != nil {
			return err
		}
		if s.Heads && !l.operator {
			s.Ways, s.Answers = p.Alert.ways(), p.Alert.answering(school)
		}
		s.MayOpen = s.Asked.ID != "" && MayOpen(s.Asked, l.person, v.Role == page.Head, s.Asked.AskedRole == page.Head)
		s.People, err = directory.People(ctx, tx, l.school, []string{s.Service.AskedBy, s.Service.OpenedBy, s.Service.ClosedBy, s.Service.KeptBy, s.Asked.AskedBy})
		return err
	})
	if err != nil {
		return refusal(err)
	}
	s.InService = InService(s.Service, s.Today)
	s.Saved = r.Method == http.MethodGet && r.URL.Query().Get("done") == "answers"
	if s.Until = typed; typed == "" {
		s.Until = ProposedEnd(s.Today)
	}
	return page.Show(w, r, status, servicePage(s))
}

func (p *Pages) changeService(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	if err := r.ParseForm(); err != nil {
		return err
	}
	do, until := r.PostForm.Get("do"), r.PostForm.Get("until")
	if do == "answers" && v.Role != page.Operator {
		return p.chooseAnswers(w, r)
	}
	id := v.School
	if v.Role == page.Operator {
		id = r.PathValue("school")
	}
	base := ""
	err := p.DB.InSchool(r.Context(), id, func(ctx context.Context, tx database.Tx) error {
		l, err := p.looker(ctx, tx, r)
		if err != nil {
			return err
		}
		base = l.base
		now := p.Now()
		s, err := loadSchool(ctx, tx, id)
		if err != nil {
			return err
		}
		today := timetable.Day(now, s.zone)
		switch {
		case do == "open":
			return p.Alert.OpenService(ctx, tx, id, l.person, v.Role, today, now)
		case l.operator:
			return errDeed
		case do == "ask":
			return p.Alert.AskService(ctx, tx, id, l.person, v.Role, until, today, now)
		case do == "keep":
			return p.Alert.KeepService(ctx, tx, id, l.person, today, now)
		case do == "drop":
			return p.Alert.DropService(ctx, tx, id, l.person, now)
		case do == "close":
			return p.Alert.CloseService(ctx, tx, id, l.person, now)
		}
		return errDeed
	})
	if errors.Is(err, database.ErrNoSchool) {
		return page.NotFound()
	}
	if err = refusal(err); errors.Is(err, errUntil) {
		return p.service(w, r, http.StatusUnprocessableEntity, until, err)
	}
	if err != nil {
		return err
	}
	p.Alert.Poke()
	if next := r.PostForm.Get("next"); do == "keep" && next != "" {
		return page.See(w, r, next)
	}
	return page.See(w, r, base+"/service")
}

// rehearsalView is the report of a rehearsal.
type rehearsalView struct {
	Now       time.Time
	Rehearsal Rehearsal // zero: there was none
	Days      []RehearsedDay
	Sum       rehearsalSum
	People    map[string]directory.Person
	Classes   map[string]string
	Zone      *time.Location
	Running   bool // a service runs: nothing to rehearse
	Heads     bool // may begin it
	Head      bool // may end it by finding it right
	Refusal   string
}

func (p *Pages) showRehearsal(w http.ResponseWriter, r *http.Request) error {
	return p.rehearsal(w, r, http.StatusOK, "")
}

func (p *Pages) rehearsal(w http.ResponseWriter, r *http.Request, status int, words string) error {
	v, _ := page.ViewerFrom(r.Context())
	h := rehearsalView{Now: p.Now(), Heads: chooses(v.Role), Head: v.Role == page.Head, Refusal: words}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		s, err := loadSchool(ctx, tx, v.School)
		if err != nil {
			return err
		}
		h.Zone, h.Running = s.zone, s.service.runs()
		var found bool
		if h.Rehearsal, found, err = RehearsalOf(ctx, tx, v.School); err != nil || !found {
			return err
		}
		s.rehearsal = h.Rehearsal
		if h.Days, err = rehearsed(ctx, tx, s); err != nil {
			return err
		}
		h.Sum = sumOf(h.Days)
		people := []string{h.Rehearsal.StartedBy, h.Rehearsal.EndedBy}
		var pupils []string
		for _, d := range h.Days {
			people = append(people, d.By)
			for _, row := range d.Rows {
				pupils = append(pupils, row.Episode.Pupil)
			}
		}
		if h.People, err = directory.People(ctx, tx, v.School, unique(slices.Concat(people, pupils))); err != nil {
			return err
		}
		h.Classes, err = directory.ClassesOf(ctx, tx, v.School, unique(pupils), timetable.Day(h.Now, s.zone))
		return err
	})
	if err != nil {
		return refusal(err)
	}
	slices.Reverse(h.Days) // the last day is the one to look at
	return page.Show(w, r, status, rehearsalPage(h))
}

func (p *Pages) changeRehearsal(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	if err := r.ParseForm(); err != nil {
		return err
	}
	form := r.PostForm
	missed, notNumber := strconv.Atoi(form.Get("missed"))
	outcome := Readiness(form.Get("outcome"))
	do := form.Get("do")
	switch {
	case do == "start" && !chooses(v.Role):
		return errHeads
	case do == "end" && outcome == Ready && v.Role != page.Head, do == "end" && !chooses(v.Role):
		return page.Forbidden("alert.rehearsal.head")
	case do == "end" && outcome != Ready && outcome != Postponed:
		return errDeed
	case do == "day" && (notNumber != nil || missed < 0 || missed > 100_000 || timetable.CheckDay(form.Get("day")) != nil):
		return p.rehearsal(w, r, http.StatusUnprocessableEntity, "alert.rehearsal.missed.wrong")
	}
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		switch do {
		case "start":
			return p.Alert.StartRehearsal(ctx, tx, v.School, v.ID, p.Now())
		case "day":
			return p.Alert.JudgeDay(ctx, tx, v.School, form.Get("day"), form["wrong"], missed, v.ID, p.Now())
		case "end":
			return p.Alert.EndRehearsal(ctx, tx, v.School, outcome, v.ID, p.Now())
		}
		return errDeed
	})
	if errors.Is(err, ErrTooSoon) {
		return p.rehearsal(w, r, http.StatusConflict, "alert.rehearsal.toosoon")
	}
	if err != nil {
		return refusal(err)
	}
	p.Alert.Poke()
	if do == "end" && outcome == Ready {
		return page.See(w, r, "/service")
	}
	return page.See(w, r, "/rehearsal")
}

// OperatorBanners say to the operator what waits for a second person in schools that have
// one adult only: to be put in service, or what the breaker holds.
func (p *Pages) OperatorBanners(ctx context.Context, tx database.Tx) (out []page.Banner, err error) {
	for _, ask := range []struct{ at, words, query string }{
		{"/service", "alert.operator.service", "SELECT DISTINCT school FROM alert_services WHERE opened_at IS NULL AND closed_at IS NULL"},
		{"/breaker", "alert.operator.breaker", "SELECT DISTINCT school FROM alert_requests WHERE outcome = ''"},
	} {
		var schools []string
		if err := tx.NewRaw(ask.query).Scan(ctx, &schools); err != nil {
			return nil, err
		}
		for _, id := range schools {
			n, err := p.Adults(ctx, tx, id)
			if err != nil {
				return nil, err
			}
			if n > 1 {
				continue
			}
			s, err := directory.SchoolByID(ctx, tx, id)
			if err != nil {
				return nil, err
			}
			out = append(out, page.Banner{Tone: page.Held, Text: page.T(ctx, ask.words, "school", s.Name), Href: "/schools/" + url.PathEscape(id) + ask.at, Action: page.T(ctx, "alert.breaker.banner.see")})
		}
	}
	return out, nil
}
