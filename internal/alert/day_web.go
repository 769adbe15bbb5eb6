package alert

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

func (p *Pages) registerDay(routes *page.Routes) {
	routes.Handle("GET /day", page.SchoolLife(), p.showDay)
	routes.Handle("GET /day/events", page.SchoolLife(), p.dayEvents)
	routes.Handle("GET /day/{pupil}", page.SchoolLife(), p.showDayPupil)
}

// dayView is the day's board as somebody asked for it.
type dayView struct {
	DayBoard
	Only   Standing // empty: everybody
	Path   string   // of the page itself: where its buttons lead back to
	Beside templ.Component
}

// reads tells whether the script of a page asks, which takes a piece of it.
func reads(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

func (p *Pages) dayBoard(ctx context.Context, beside bool) (v dayView, err error) {
	who, _ := page.ViewerFrom(ctx)
	v.Beside = templ.NopComponent
	err = p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		now := p.Now()
		b, err := p.kept.read(ctx, tx, who.School, now)
		if err != nil {
			return err
		}
		v.DayBoard = b.forRole(who.Role).dayOf(now)
		if beside && p.Beside != nil {
			v.Beside, err = p.Beside(ctx, tx, who.School, now)
		}
		return err
	})
	return v, refusal(err)
}

// showDay shows the day's board, and gives its content alone to the script that refreshes it.
func (p *Pages) showDay(w http.ResponseWriter, r *http.Request) error {
	v, err := p.dayBoard(r.Context(), true)
	if err != nil {
		return err
	}
	v.Path = "/day"
	if only := Standing(r.URL.Query().Get("at")); slices.Contains(Standings(), only) {
		v.Only, v.Path = only, "/day?at="+string(only)
	}
	if reads(r) {
		return page.Show(w, r, http.StatusOK, dayContent(v))
	}
	return page.Show(w, r, http.StatusOK, dayPage(v))
}

// showDayPupil shows what can be done about one pupil: under their row, or as a page to a
// browser without script.
func (p *Pages) showDayPupil(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r, "pupil")
	if err != nil {
		return err
	}
	v, err := p.dayBoard(r.Context(), false)
	if err != nil {
		return err
	}
	row, ok := v.Of(id)
	if !ok {
		return page.NotFound()
	}
	if v.Path = "/day"; reads(r) {
		if u, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && u.Path == "/day" {
			v.Path = page.Local(u.RequestURI())
		}
		return page.Show(w, r, http.StatusOK, dayActs(v, row))
	}
	return page.Show(w, r, http.StatusOK, dayPupilPage(v, row))
}

// minutesLeft is a wait as people say it.
func minutesLeft(d time.Duration) int { return int((d + time.Minute - time.Second) / time.Minute) }
