package whereabouts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// claimView is the page on which a guardian announces an absence of one child.
type claimView struct {
	Now   time.Time
	Child directory.Person
	Own   []Plan // what this very person announced, the last first
	Form  form
	Done  bool
	Err   error
}

// child is the pupil of the path, where the viewer may be told about them today: the link to a
// child alone is not enough. ErrNotFound.
func child(ctx context.Context, tx database.Tx, v page.Viewer, pupil, day string) (directory.Person, error) {
	all, err := directory.Children(ctx, tx, v.School, v.ID, day)
	i := slices.IndexFunc(all, func(c directory.Person) bool { return c.ID == pupil })
	if err != nil || i < 0 {
		return directory.Person{}, errors.Join(err, ErrNotFound)
	}
	return all[i], nil
}

func (p *Pages) claimForm(w http.ResponseWriter, r *http.Request) error {
	return p.showClaim(w, r, http.StatusOK, form{}, nil)
}

func (p *Pages) showClaim(w http.ResponseWriter, r *http.Request, status int, f form, problem error) error {
	v, now := page.ViewerOf(r), p.Now()
	view := claimView{Now: now, Form: f, Done: r.URL.Query().Get("done") == "yes", Err: problem}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if view.Child, err = child(ctx, tx, v, r.PathValue("pupil"), timetable.Day(now, page.Zone(ctx))); err != nil {
			return err
		}
		view.Own, err = ofPupil(ctx, tx, v.School, view.Child.ID, v.ID)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, status, claimPage(view))
}

// mostClaims is how many claims about one child one person may have that are not over.
const mostClaims = 20

// claim keeps what a guardian announces of their own child. It counts at once.
func (p *Pages) claim(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("whereabouts: reading the form: %w", err)
	}
	f, now, zone := readForm(r.PostForm), p.Now(), page.Zone(r.Context())
	pupil := r.PathValue("pupil")
	err := p.change(r, func(ctx context.Context, tx database.Tx, v page.Viewer) error {
		if _, err := child(ctx, tx, v, pupil, timetable.Day(now, zone)); err != nil {
			return err
		}
		f.Weekdays, f.Group = nil, ""
		f.Reason, f.Via = attendance.Announced, string(ByPage)
		plan, err := f.plan(v.School, v.Account, now, zone)
		if err != nil {
			return err
		}
		plan.Claimant = v.ID
		own, err := ofPupil(ctx, tx, v.School, pupil, v.ID)
		if err != nil {
			return err
		}
		open := 0
		for _, o := range own {
			if o.Holds() && o.EndsAt.After(now) {
				open++
			}
			if o.Holds() && o.FromOn == plan.FromOn && o.UntilOn == plan.UntilOn && o.FromHour == plan.FromHour && o.UntilHour == plan.UntilHour {
				return nil // pressed twice
			}
		}
		if open >= mostClaims {
			return page.Conflict("whereabouts.claims.many")
		}
		_, err = Announce(ctx, tx, p.Journal, now, zone, plan, []string{pupil})
		return err
	})
	if refusal, ok := errors.AsType[*page.Refusal](err); ok && refusal.Field != "" {
		return p.showClaim(w, r, refusal.Status, f, err)
	}
	if err != nil {
		return err
	}
	return page.See(w, r, "/children/"+url.PathEscape(pupil)+"/announce?done=yes")
}

// unclaim takes back what this very person announced.
func (p *Pages) unclaim(w http.ResponseWriter, r *http.Request) error {
	pupil := r.PathValue("pupil")
	err := p.change(r, func(ctx context.Context, tx database.Tx, v page.Viewer) error {
		if _, err := child(ctx, tx, v, pupil, timetable.Day(p.Now(), page.Zone(ctx))); err != nil {
			return err
		}
		plan, err := ByID(ctx, tx, v.School, r.PathValue("plan"))
		if err == nil && plan.Claimant != v.ID {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		return Settle(ctx, tx, p.Journal, p.Now(), v.School, plan.ID, Withdrawn, "", v.Account)
	})
	if err != nil {
		return err
	}
	return page.See(w, r, "/children/"+url.PathEscape(pupil)+"/announce")
}
