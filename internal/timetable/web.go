package timetable

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages are the pages of this capability.
type Pages struct {
	DB      *database.DB
	Journal *journal.Journal
	// Now is the installation's clock.
	Now func() time.Time
	// Called tells which rolls were saved, so that a calendar read again leaves them
	// alone. nil: nobody can tell, and it changes no sitting that is there.
	Called Called
	// Changed is called after days at home are opened or withdrawn: who is absent may depend on
	// it. nil: nobody asks.
	Changed func()
}

// Register adds the pages to the table of routes.
func (p *Pages) Register(rs *page.Routes) {
	small := page.Body(16 << 10)
	staff, office := page.Staff(), page.SchoolOffice()
	rs.Handle("GET /timetable", staff, p.day)
	rs.Handle("GET /timetable/new", staff, p.newForm)
	rs.Handle("POST /timetable/new", staff, p.add, small)
	rs.Handle("GET /timetable/now", staff, p.nowForm)
	rs.Handle("POST /timetable/now", staff, p.callNow, small)
	rs.Handle("GET /timetable/sittings/{sitting}", office, p.sitting)
	rs.Handle("POST /timetable/sittings/{sitting}/label", office, p.relabel, small)
	rs.Handle("POST /timetable/sittings/{sitting}/cancel", office, p.cancel, small)
	rs.Handle("POST /timetable/sittings/{sitting}/substitute", office, p.substitute, small)
	rs.Handle("GET /timetable/calendar", staff, p.calendarForm)
	rs.Handle("POST /timetable/calendar", staff, p.bring, page.Body(maxCalendarBytes+64<<10))
	rs.Handle("GET /timetable/closures", office, p.closures)
	rs.Handle("POST /timetable/closures", office, p.close, small)
	rs.Handle("POST /timetable/closures/{closure}/remove", office, p.reopen, small)
	p.registerHome(rs)
}

// isOffice tells whether the viewer follows the whole school.
func isOffice(v page.Viewer) bool { return page.SchoolOffice().Allows(v.Role) }

// failed says what the visitor may know of an error.
func failed(err error) error {
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, directory.ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrCancelled):
		return page.Conflict("timetable.cancelled.refused")
	}
	return err
}

// journaled writes a deed of the viewer in the transaction of the deed.
func (p *Pages) journaled(ctx context.Context, tx database.Tx, v page.Viewer, act, subject string, detail map[string]string) error {
	if p.Journal == nil {
		return nil // a test of pages
	}
	return p.Journal.Append(ctx, tx, v.School, p.Now(), journal.Deed{Act: act, Actor: v.Account, Subject: subject, Detail: detail})
}

// names are the groups and staff of a school, as lists offer them.
type names struct {
	Groups []directory.Group
	Staff  []directory.Person
	group  map[string]string
	staff  map[string]string
}

func namesOf(ctx context.Context, tx database.Tx, school, day string) (names, error) {
	n := names{group: map[string]string{}, staff: map[string]string{}}
	var err error
	if n.Groups, err = directory.Groups(ctx, tx, school); err != nil {
		return n, err
	}
	slices.SortStableFunc(n.Groups, func(a, b directory.Group) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), naturally(a.Label, b.Label))
	})
	if n.Staff, err = directory.Of(ctx, tx, school, directory.KindStaff, day); err != nil {
		return n, err
	}
	for _, g := range n.Groups {
		n.group[g.ID] = g.Label
	}
	for _, s := range n.Staff {
		n.staff[s.ID] = s.FirstName + " " + s.LastName
	}
	return n, nil
}

// naturally compares labels so that "2de 9" stands before "2de 10".
func naturally(a, b string) int {
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	for a != "" && b != "" {
		if isDigit(a[0]) && isDigit(b[0]) {
			na, nb := 0, 0
			for na < len(a) && isDigit(a[na]) {
				na++
			}
			for nb < len(b) && isDigit(b[nb]) {
				nb++
			}
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// labels writes the groups of a sitting.
func (n names) labels(s Sitting) string {
	var all []string
	for _, g := range s.Groups {
		all = append(all, n.group[g])
	}
	slices.SortFunc(all, naturally)
	return strings.Join(all, ", ")
}

// people writes who is in charge of a sitting.
func (n names) people(s Sitting) string {
	var all []string
	for _, c := range s.Staff {
		if name, ok := n.staff[c.Person]; ok {
			all = append(all, name)
		}
	}
	return strings.Join(all, ", ")
}

// options are the choices of a list of groups, first those given.
func (n names) options(first []string) []page.Option {
	var head, rest []page.Option
	for _, g := range n.Groups {
		o := page.Option{Value: g.ID, Text: g.Label}
		if slices.Contains(first, g.ID) {
			head = append(head, o)
		} else {
			rest = append(rest, o)
		}
	}
	return append(head, rest...)
}

// whose is who a page of the timetable is about: one of the two.
type whose struct{ Group, Staff string }

// query is the address of a day of it.
func (w whose) query(day string) string { return "/timetable?" + w.values(day).Encode() }

func (w whose) values(day string) url.Values {
	q := url.Values{"day": {day}}
	if w.Group != "" {
		q.Set("class", w.Group)
	} else if w.Staff != "" {
		q.Set("staff", w.Staff)
	}
	return q
}

// dayView is one day of a class or of a person.
type dayView struct {
	Day      string
	At       time.Time // noon of the day
	Of       whose
	Title    string
	Sittings []Sitting
	Closed   Closure
	IsClosed bool
	Names    names
	Mine     bool // it is the viewer's own day
	Office   bool
	Today    string
	Done     string // key of a sentence: what was just done
}

func (v dayView) step(days int) string { return v.Of.query(stepped(v.Day, days)) }

func stepped(day string, days int) string {
	t, err := time.Parse(dayForm, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, days).Format(dayForm)
}

// noonOf is a moment well within a day, for writing it.
func noonOf(day string, loc *time.Location) time.Time {
	t, err := time.ParseInLocation(dayForm, day, loc)
	if err != nil {
		return time.Time{}
	}
	return t.Add(12 * time.Hour)
}

// askedDay is the day that an address names, or today.
func (p *Pages) askedDay(r *http.Request, text string) string {
	if CheckDay(text) == nil {
		return text
	}
	return Day(p.Now(), page.Zone(r.Context()))
}

// day shows the sittings of a class or of a person. Without either: one's own, and for
// the office the first class.
func (p *Pages) day(w http.ResponseWriter, r *http.Request) error {
	v, asked := page.ViewerOf(r), r.URL.Query()
	view := dayView{Day: p.askedDay(r, asked.Get("day")), Of: whose{Group: asked.Get("class"), Staff: asked.Get("staff")},
		Office: isOffice(v), Today: p.askedDay(r, "")}
	view.At = noonOf(view.Day, page.Zone(r.Context()))
	if done := asked.Get("done"); slices.Contains([]string{"added", "cancelled", "relabelled"}, done) {
		view.Done = "timetable.done." + done
	}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if view.Names, err = namesOf(ctx, tx, v.School, view.Day); err != nil {
			return err
		}
		if view.Of == (whose{}) {
			view.Of.Staff = v.ID
			if view.Office && len(view.Names.Groups) > 0 {
				view.Of = whose{Group: view.Names.Groups[0].ID}
			}
		}
		if view.Of.Group != "" {
			label, ok := view.Names.group[view.Of.Group]
			if !ok {
				return ErrNotFound
			}
			view.Of.Staff, view.Title = "", label
			view.Sittings, err = OfGroups(ctx, tx, v.School, []string{view.Of.Group}, view.Day)
		} else {
			view.Mine = view.Of.Staff == v.ID
			name, ok := view.Names.staff[view.Of.Staff]
			if !ok && !view.Mine {
				return ErrNotFound
			}
			view.Title = name
			view.Sittings, err = OfStaff(ctx, tx, v.School, view.Of.Staff, view.Day)
		}
		if err != nil {
			return err
		}
		view.Closed, view.IsClosed, err = closedOn(ctx, tx, v.School, view.Day)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, dayPage(view))
}

func closedOn(ctx context.Context, tx database.Tx, school, day string) (Closure, bool, error) {
	all, err := Closures(ctx, tx, school, day)
	if err != nil {
		return Closure{}, false, err
	}
	c, ok := ClosedOn(all, day)
	return c, ok, nil
}
