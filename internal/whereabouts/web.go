package whereabouts

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages are the pages of this package.
type Pages struct {
	DB      *database.DB
	Journal *journal.Journal
	Now     func() time.Time
	// Saved is called after each change, so that whoever follows absences looks at once. It
	// must not wait for them. nil: nobody does.
	Saved func()
	// Names gives the names of accounts of a school, as colleagues read them. nil: no name.
	Names func(ctx context.Context, tx database.Tx, school string, accounts []string) (map[string]string, error)
}

// Register mounts the pages. Why a pupil is away is seen by those who follow absences and
// nobody else: the nurse sees who is in the infirmary, and no reason.
func (p *Pages) Register(rs *page.Routes) {
	small := page.Body(256 << 10)
	life, infirmary, family := page.SchoolLife(), page.Infirmary(), page.Only(page.Guardian)
	rs.Handle("GET /absences", life, p.list)
	rs.Handle("GET /absences/new", life, p.newForm)
	rs.Handle("POST /absences", life, p.announce, small)
	rs.Handle("POST /absences/{plan}/settle", life, p.settle, small)
	rs.Handle("GET /inside", infirmary, p.inside)
	rs.Handle("POST /pupils/{pupil}/inside", infirmary, p.enter, small)
	rs.Handle("POST /statements/{statement}/end", infirmary, p.leave, small)
	rs.Handle("GET /slips/{slip}", life, p.slip)
	rs.Handle("GET /children/{pupil}/announce", family, p.claimForm)
	rs.Handle("POST /children/{pupil}/announce", family, p.claim, small)
	rs.Handle("POST /children/{pupil}/announce/{plan}/withdraw", family, p.unclaim, small)
}

// change makes one change in the viewer's school, ahead of what can wait, then lets whoever
// follows absences look.
func (p *Pages) change(r *http.Request, fn func(context.Context, database.Tx, page.Viewer) error) error {
	v := page.ViewerOf(r)
	err := p.DB.InSchool(database.Urgent(r.Context()), v.School, func(ctx context.Context, tx database.Tx) error { return fn(ctx, tx, v) })
	if err == nil && p.Saved != nil {
		p.Saved()
	}
	return failed(err)
}

// failed turns the refusals of this package into those of pages.
func failed(err error) error {
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, attendance.ErrNotFound), errors.Is(err, directory.ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrReason), errors.Is(err, attendance.ErrReason):
		return page.Invalid("reason", "whereabouts.reason.wrong")
	case errors.Is(err, ErrWhen), errors.Is(err, attendance.ErrSpan):
		return page.Invalid("from_on", "whereabouts.when.wrong")
	case errors.Is(err, ErrMany):
		return page.Invalid("pupil", "whereabouts.many")
	case errors.Is(err, ErrNobody):
		return page.Invalid("pupil", "whereabouts.nobody")
	case errors.Is(err, ErrSettled):
		return page.Conflict("whereabouts.settled")
	}
	return err
}

// list shows what is announced: what a family claims first, then today, then what comes.
func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	v, now := page.ViewerOf(r), p.Now()
	view := listView{Now: now, Today: timetable.Day(now, page.Zone(r.Context())), Done: r.URL.Query().Get("done")}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		plans, err := notOver(ctx, tx, v.School, now)
		if err != nil {
			return err
		}
		if view.Done != "" && !slices.ContainsFunc(plans, func(one Plan) bool { return one.ID == view.Done }) {
			view.Done = "" // an address that was kept
		}
		all, err := listed(ctx, tx, v.School, view.Today, plans, p.Names)
		if err != nil {
			return err
		}
		for _, l := range all {
			switch {
			case l.State == Claimed:
				view.Claims = append(view.Claims, l)
			case l.on(view.Today):
				view.On = append(view.On, l)
			default:
				view.Coming = append(view.Coming, l)
			}
			if l.ID == view.Done {
				view.Noted = l
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, listPage(view))
}

type listView struct {
	Now                time.Time
	Today              string
	Done               string
	Noted              Listed
	Claims, On, Coming []Listed
}

// on tells whether a plan speaks of a day.
func (p Plan) on(day string) bool {
	d, err := time.Parse(dayForm, day)
	return err == nil && p.FromOn <= day && day <= p.UntilOn && (p.Weekdays == "" || strings.ContainsRune(p.Weekdays, weekday(d)))
}

// formView is the page on which an absence is announced.
type formView struct {
	Now     time.Time
	Picked  []directory.Person
	Classes map[string]string // by pupil, of those picked and found
	Groups  []directory.Group // the classes to pick from
	Group   string
	Name    string // as typed
	Found   []directory.Person
	Form    form
	Err     error
}

// form is what was chosen, as it was typed.
type form struct {
	Pupils            []string
	Group             string
	Reason            string
	Via               string
	Span              string // half, day, tomorrow, dates
	FromOn, UntilOn   string
	FromHour, UntilAt string
	Weekdays          []string
}

// mostPicked is how many pupils one page may pick.
const mostPicked = 600

func readForm(v url.Values) form {
	f := form{Pupils: v["pupil"], Group: v.Get("group"), Reason: v.Get("reason"), Via: v.Get("via"), Span: v.Get("span"),
		FromOn: strings.TrimSpace(v.Get("from_on")), UntilOn: strings.TrimSpace(v.Get("until_on")),
		FromHour: strings.TrimSpace(v.Get("from_hour")), UntilAt: strings.TrimSpace(v.Get("until_hour")), Weekdays: v["weekday"]}
	f.Pupils = f.Pupils[:min(len(f.Pupils), mostPicked)]
	return f
}

// plan is what the form says, now.
func (f form) plan(school, by string, now time.Time, zone *time.Location) (Plan, error) {
	today := timetable.Day(now, zone)
	p := Plan{School: school, Reason: f.Reason, Via: Via(f.Via), Grp: f.Group, By: by, FromOn: today, UntilOn: today}
	switch f.Span {
	case "half":
		// Until the afternoon begins, or to the end of the day: the half-day that runs.
		if _, until, err := timetable.HalfDaySpan(timetable.HalfDay(now, zone), zone); err != nil {
			return p, ErrWhen
		} else if timetable.Day(until, zone) == today {
			p.UntilHour = until.In(zone).Format(hourForm)
		} else {
			p.FromHour = onHalf(now, zone)
		}
	case "day":
	case "tomorrow":
		d, err := time.Parse(dayForm, today)
		if err != nil {
			return p, ErrWhen
		}
		p.FromOn = d.AddDate(0, 0, 1).Format(dayForm)
		p.UntilOn = p.FromOn
	case "dates":
		p.FromOn, p.UntilOn, p.FromHour, p.UntilHour = f.FromOn, f.UntilOn, f.FromHour, f.UntilAt
		if p.FromOn == "" {
			p.FromOn = today
		}
		if p.UntilOn == "" {
			p.UntilOn = p.FromOn
		}
		days := slices.Clone(f.Weekdays)
		slices.Sort(days)
		p.Weekdays = strings.Join(slices.Compact(days), "")
	default:
		return p, ErrWhen
	}
	return p, nil
}

// onHalf is the hour at which the running half-day began.
func onHalf(now time.Time, zone *time.Location) string {
	from, _, err := timetable.HalfDaySpan(timetable.HalfDay(now, zone), zone)
	if err != nil {
		return ""
	}
	return from.In(zone).Format(hourForm)
}

// newForm shows the form with whom the address picks, and whom it finds.
func (p *Pages) newForm(w http.ResponseWriter, r *http.Request) error {
	return p.showForm(w, r, http.StatusOK, readForm(r.URL.Query()), nil)
}

func (p *Pages) showForm(w http.ResponseWriter, r *http.Request, status int, f form, problem error) error {
	v, now := page.ViewerOf(r), p.Now()
	day := timetable.Day(now, page.Zone(r.Context()))
	if f.Reason == "" {
		f.Reason = attendance.Announced
	}
	if f.Via == "" {
		f.Via = string(ByPhone)
	}
	view := formView{Now: now, Form: f, Group: f.Group, Name: clipped(r.URL.Query().Get("name")), Err: problem}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		groups, err := directory.Groups(ctx, tx, v.School)
		if err != nil {
			return err
		}
		directory.ByLabel(groups)
		view.Groups = slices.DeleteFunc(groups, func(g directory.Group) bool { return g.Kind != "class" })
		if len(f.Pupils) > 0 {
			people, err := directory.Names(ctx, tx, v.School, f.Pupils)
			if err != nil {
				return err
			}
			for _, one := range people {
				if one.Kind == directory.KindPupil {
					view.Picked = append(view.Picked, one)
				}
			}
			if len(view.Picked) == 0 {
				return ErrNotFound // of another school, or nobody
			}
		}
		if f.Group != "" && len(view.Picked) == 0 {
			if !slices.ContainsFunc(view.Groups, func(g directory.Group) bool { return g.ID == f.Group }) {
				return ErrNotFound
			}
			if view.Picked, err = directory.GroupPupils(ctx, tx, v.School, []string{f.Group}, day); err != nil {
				return err
			}
		}
		if view.Found, err = directory.FindPupils(ctx, tx, v.School, day, view.Name, mostFound); err != nil {
			return err
		}
		if len(view.Found) == 1 { // whoever else could be meant
			if !isPicked(view, view.Found[0].ID) {
				view.Picked = append(view.Picked, view.Found[0])
			}
			view.Found, view.Name = nil, ""
		}
		directory.ByName(view.Picked)
		ids := idsOf(view.Picked, view.Found)
		view.Classes, err = directory.ClassesOf(ctx, tx, v.School, ids, day)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, status, formPage(view))
}

// mostFound is how many pupils a search shows.
const mostFound = 12

func idsOf(lists ...[]directory.Person) []string {
	var ids []string
	for _, list := range lists {
		for _, p := range list {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func clipped(s string) string {
	r := []rune(strings.TrimSpace(s))
	return string(r[:min(len(r), 80)])
}

// announce keeps what the form says.
func (p *Pages) announce(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("whereabouts: reading the form: %w", err)
	}
	f, now, zone := readForm(r.PostForm), p.Now(), page.Zone(r.Context())
	var made Plan
	err := p.change(r, func(ctx context.Context, tx database.Tx, v page.Viewer) error {
		plan, err := f.plan(v.School, v.Account, now, zone)
		if err != nil {
			return err
		}
		if plan.Via == ByPage {
			return ErrReason // only a family comes that way
		}
		if err := wholeClass(ctx, tx, &plan, f.Pupils, timetable.Day(now, zone)); err != nil {
			return err
		}
		made, err = Announce(ctx, tx, p.Journal, now, zone, plan, f.Pupils)
		return err
	})
	if refusal, ok := errors.AsType[*page.Refusal](err); ok && refusal.Field != "" {
		return p.showForm(w, r, refusal.Status, f, err)
	}
	if err != nil {
		return err
	}
	return page.See(w, r, "/absences?done="+url.QueryEscape(made.ID))
}

// wholeClass keeps a plan's class where the pupils are still the whole of it: a list of names
// says more when somebody was taken out.
func wholeClass(ctx context.Context, tx database.Tx, p *Plan, pupils []string, day string) error {
	if p.Grp == "" {
		return nil
	}
	all, err := directory.GroupPupils(ctx, tx, p.School, []string{p.Grp}, day)
	if err != nil {
		return err
	}
	picked := slices.Clone(pupils)
	slices.Sort(picked)
	if !slices.Equal(idsOf(all), slices.Compact(picked)) {
		p.Grp = ""
	}
	return nil
}

// settle accepts or refuses a claim, or withdraws a plan.
func (p *Pages) settle(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("whereabouts: reading the form: %w", err)
	}
	err := p.change(r, func(ctx context.Context, tx database.Tx, v page.Viewer) error {
		refusal := r.PostForm.Get("refusal")
		to := State(r.PostForm.Get("to"))
		if refusal != "" {
			to = Refused
		}
		return Settle(ctx, tx, p.Journal, p.Now(), v.School, r.PathValue("plan"), to, refusal, v.Account)
	})
	if err != nil {
		return err
	}
	return page.See(w, r, "/absences")
}
