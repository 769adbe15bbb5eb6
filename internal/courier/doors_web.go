package courier

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// doorsView is what the page about stop and fence shows.
type doorsView struct {
	Now     time.Time
	Base    string // of the page's own addresses: empty, or the operator's of a school
	School  directory.School
	Stop    Stop
	Stopped bool
	Lock    Lock
	Locked  bool
	Left    int // messages that had begun to leave today when it was stopped
	Waiting int
	Resumes time.Time
	Second  bool // an operator looks, and the school has nobody else to be the second
	By      string
}

var (
	errDoor     = page.Invalid("do", "courier.doors.do.wrong")
	errNeedTwo  = page.Forbidden("courier.doors.second")
	errNotOpen  = page.Invalid("do", "courier.doors.open")
	errNotYours = page.Forbidden("courier.doors.enough")
)

// registerDoors mounts the page of stop and fence, for the school's office and, where a
// school has only one adult, the operator.
func (p *Pages) registerDoors(routes *page.Routes) {
	for base, rule := range map[string]page.Rule{"": page.SchoolOffice(), "/schools/{school}": page.Only(page.Operator)} {
		routes.Handle("GET "+base+"/stop", rule, p.showDoors)
		routes.Handle("POST "+base+"/stop", rule, p.changeDoors, page.Body(4<<10), page.Again("lift", "arm"))
	}
}

// doorsOf reads what the page shows. An operator is let in where the school needs one.
func (p *Pages) doorsOf(ctx context.Context, tx database.Tx, r *http.Request) (d doorsView, err error) {
	v, _ := page.ViewerFrom(ctx)
	d = doorsView{Now: p.Now(), By: v.ID, Resumes: p.Courier.Resumes()}
	school := v.School
	if v.Role == page.Operator {
		school, d.By, d.Second = r.PathValue("school"), "operator:"+v.Account, true
		d.Base = "/schools/" + url.PathEscape(school)
	}
	if d.School, err = directory.SchoolByID(ctx, tx, school); err != nil {
		if errors.Is(err, directory.ErrNotFound) {
			return d, page.NotFound()
		}
		return d, err
	}
	if d.Second {
		n, err := p.Adults(ctx, tx, school)
		if err != nil {
			return d, err
		}
		if n > 1 {
			return d, errNotYours
		}
	}
	if d.Stop, d.Stopped, err = StopOf(ctx, tx, school); err != nil {
		return d, err
	}
	if d.Lock, d.Locked, err = LockOf(ctx, tx, school); err != nil {
		return d, err
	}
	d.Left, d.Waiting, err = leftToday(ctx, tx, school, d.Now)
	return d, err
}

// leftToday counts the letters of a school that began to leave in the last hours of this
// day, and those that wait.
func leftToday(ctx context.Context, tx database.Tx, school string, now time.Time) (left, waiting int, err error) {
	var rows []struct {
		Gone bool
		N    int
	}
	err = tx.NewSelect().TableExpr("courier_letters AS l").ColumnExpr("l.attempts > 0 AS gone, count(*) AS n").
		Where("l.school = ? AND l.created_at > ? AND NOT l.exercise AND (l.state = ? OR l.attempts > 0)", school, database.Stamp(now.Add(-12*time.Hour)), Waiting).
		GroupExpr("l.attempts > 0").Scan(ctx, &rows)
	for _, r := range rows {
		if r.Gone {
			left = r.N
		} else {
			waiting = r.N
		}
	}
	return left, waiting, err
}

func (p *Pages) showDoors(w http.ResponseWriter, r *http.Request) error {
	var d doorsView
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		d, err = p.doorsOf(ctx, tx, r)
		return err
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, doorsPage(d))
}

// changeDoors does one deed: stop, or what lifts a stop or a lock. A press of stop asks
// nothing more: whoever presses it may be wrong, and nothing is lost by it.
func (p *Pages) changeDoors(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	school, base := v.School, ""
	if v.Role == page.Operator {
		school = r.PathValue("school")
		base = "/schools/" + url.PathEscape(school)
	}
	err := p.DB.InSchool(database.Urgent(r.Context()), school, func(ctx context.Context, tx database.Tx) error {
		d, err := p.doorsOf(ctx, tx, r)
		if err != nil {
			return err
		}
		now := p.Now()
		switch do := r.PostFormValue("do"); {
		case do == "stop" && !d.Second:
			_, err = p.Courier.Stop(ctx, tx, school, d.By, now)
		case do == "ask" && !d.Second:
			err = p.Courier.AskLift(ctx, tx, school, d.By, now)
		case do == "lift":
			err = p.Courier.Lift(ctx, tx, school, d.By, now)
		case do == "arm-ask" && !d.Second:
			err = p.Courier.AskUnlock(ctx, tx, school, d.By, now)
		case do == "arm":
			err = p.Courier.Unlock(ctx, tx, school, d.By, now)
		default:
			err = errDoor
		}
		return err
	})
	switch {
	case errors.Is(err, database.ErrNoSchool):
		return page.NotFound()
	case errors.Is(err, ErrSecond):
		return errNeedTwo
	case errors.Is(err, ErrOpen):
		return errNotOpen
	case err != nil:
		return err
	}
	p.Courier.Poke()
	return page.See(w, r, base+"/stop")
}

// Banners says on every page of a school's office what keeps its messages in the
// building.
func (c *Courier) Banners(ctx context.Context, tx database.Tx, school string) ([]page.Banner, error) {
	var out []page.Banner
	k, locked, err := LockOf(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	if locked {
		out = append(out, page.Banner{Tone: page.Absent, Text: page.T(ctx, "courier.banner.locked", "why", page.T(ctx, "courier.why."+string(k.Why))), Href: "/stop", Action: page.T(ctx, "courier.banner.see")})
	}
	s, stopped, err := StopOf(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	if stopped {
		left, _, err := leftToday(ctx, tx, school, s.At)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Banner{Tone: page.Absent, Text: page.T(ctx, "courier.banner.stopped", "at", page.Hour(ctx, s.At), "n", left), Href: "/stop", Action: page.T(ctx, "courier.banner.see")})
	}
	if at := c.Resumes(); !at.IsZero() && !locked && !stopped {
		_, waiting, err := leftToday(ctx, tx, school, c.now())
		if err != nil {
			return nil, err
		}
		if waiting > 0 {
			out = append(out, page.Banner{Tone: page.Held, Text: page.T(ctx, "courier.banner.pause", "at", page.Hour(ctx, at), "n", waiting), Href: "/stop", Action: page.T(ctx, "courier.banner.stop")})
		}
	}
	return out, nil
}

// OperatorBanners say to the operator which schools with one adult have asked for a stop or
// a lock to be lifted, and wait for a second person.
func (p *Pages) OperatorBanners(ctx context.Context, tx database.Tx) (out []page.Banner, err error) {
	var schools []string
	err = tx.NewRaw("SELECT school FROM courier_stops WHERE asked_at IS NOT NULL AND lifted_at IS NULL UNION SELECT school FROM courier_locks WHERE asked_at IS NOT NULL AND lifted_at IS NULL ORDER BY 1").Scan(ctx, &schools)
	for _, id := range schools {
		n, e := p.Adults(ctx, tx, id)
		if e != nil {
			return nil, e
		}
		if n > 1 {
			continue
		}
		s, e := directory.SchoolByID(ctx, tx, id)
		if e != nil {
			return nil, e
		}
		out = append(out, page.Banner{Tone: page.Held, Text: page.T(ctx, "courier.banner.second", "school", s.Name), Href: "/schools/" + url.PathEscape(id) + "/stop", Action: page.T(ctx, "courier.banner.see")})
	}
	return out, err
}
