package alert

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

func (p *Pages) registerExceptional(routes *page.Routes) {
	routes.Handle("GET /exceptional", page.SchoolLife(), p.showExceptional)
	routes.Handle("POST /exceptional", page.Only(page.Head, page.CPE), p.changeExceptional, page.Body(4<<10))
}

// exceptionalView is the page of an exceptional day: what it is, who is absent, and what may
// be done about it.
type exceptionalView struct {
	Day    ExceptionalDay // zero: the day is like any other
	Board  DayBoard
	Today  string
	Latest string // day for which one may be opened
	May    bool   // the viewer opens and closes one
	Wrong  error
}

func (p *Pages) exceptional(ctx context.Context) (v exceptionalView, err error) {
	who, _ := page.ViewerFrom(ctx)
	v.May = chooses(who.Role)
	err = p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		now := p.Now()
		b, err := p.kept.read(ctx, tx, who.School, now)
		if err != nil {
			return err
		}
		v.Board, v.Today = b.dayOf(now), b.day
		v.Latest = now.In(b.school.zone).AddDate(0, 0, exceptionalAhead).Format(time.DateOnly)
		v.Day, _, err = ExceptionalOn(ctx, tx, who.School, b.day)
		return err
	})
	return v, refusal(err)
}

func (p *Pages) showExceptional(w http.ResponseWriter, r *http.Request) error {
	v, err := p.exceptional(r.Context())
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, exceptionalPage(v))
}

func (p *Pages) changeExceptional(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	who, _ := page.ViewerFrom(r.Context())
	now := p.Now()
	today := timetable.Day(now, page.Zone(r.Context()))
	err := p.DB.InSchool(database.Urgent(r.Context()), who.School, func(ctx context.Context, tx database.Tx) error {
		switch r.PostForm.Get("do") {
		case "open":
			return p.Alert.OpenExceptional(ctx, tx, who.School, r.PostForm.Get("day"), r.PostForm.Get("reason"), who.ID, today, now)
		case "close":
			return p.Alert.CloseExceptional(ctx, tx, who.School, today, who.ID, now)
		}
		return errDeed
	})
	var wrong error
	switch {
	case errors.Is(err, ErrReason):
		wrong = page.Invalid("reason", "alert.exceptional.reason.wrong")
	case errors.Is(err, ErrDay):
		wrong = page.Invalid("day", "alert.exceptional.day.wrong")
	case errors.Is(err, ErrExceptional):
		return page.Conflict("alert.exceptional.already")
	case err != nil:
		return refusal(err)
	}
	if wrong != nil {
		v, err := p.exceptional(r.Context())
		if err != nil {
			return err
		}
		v.Wrong = wrong
		return page.Show(w, r, http.StatusUnprocessableEntity, exceptionalPage(v))
	}
	p.Alert.Poke()
	return page.See(w, r, "/exceptional")
}

// noticeFor is where an announcement about such a day is prepared: its form with the text
// chosen. Nothing is sent from here.
func noticeFor(reason string) string {
	if reason == "strike" {
		return "/notices/new?text=strike"
	}
	return "/notices/new?text=closed"
}

func exceptionalReasons(ctx context.Context) (all []page.Option) {
	for _, r := range ExceptionalReasons() {
		all = append(all, page.Option{Value: r, Text: page.Capital(page.T(ctx, "alert.exceptional.reason."+r))})
	}
	return all
}

// absentRows are the absent of the day, with the reason that is proposed for each.
func (v exceptionalView) absentRows() (out []DayRow) {
	for _, r := range v.Board.Rows {
		if r.Standing.Absent() {
			out = append(out, r)
		}
	}
	return out
}
