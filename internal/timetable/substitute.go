package timetable

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// For how long a substitute is named.
const (
	ForOne = "one" // this sitting
	ForDay = "day" // it and every other one of that day of whoever was foreseen, that is not over
)

var errSubstitute = page.Invalid("person", "timetable.substitute.wrong")

// replaced lists the sittings that a substitute takes over with one: itself, or all of that
// day of the people who were foreseen in it. What does not take place, or is over, is left
// out; so is what the substitute has already.
func replaced(one Sitting, day []Sitting, substitute string, now time.Time) []Sitting {
	foreseen := map[string]bool{}
	for _, c := range one.Staff {
		if c.TakenAt.IsZero() {
			foreseen[c.Person] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(day), func(s Sitting) bool {
		theirs := s.ID == one.ID || slices.ContainsFunc(s.Staff, func(c Charge) bool { return c.TakenAt.IsZero() && foreseen[c.Person] })
		return !theirs || s.Cancelled() || s.In(substitute) || s.ID != one.ID && !now.Before(s.EndsAt)
	})
}

// Substitute puts somebody of the staff in charge of a sitting, or of a day, in the place of
// whoever is away, and gives the sittings. Whoever was foreseen stays in charge too: who comes
// after all need not ask. ErrNotFound; ErrCancelled; errSubstitute for who is not of the staff.
func Substitute(ctx context.Context, tx database.Tx, school, sitting, person, span string, now time.Time) ([]Sitting, error) {
	s, err := ByID(ctx, tx, school, sitting)
	if err != nil {
		return nil, err
	}
	if s.Cancelled() {
		return nil, ErrCancelled
	}
	p, err := directory.PersonByID(ctx, tx, school, person)
	if errors.Is(err, directory.ErrNotFound) || err == nil && (p.Kind != directory.KindStaff || p.LeftOn != "" && p.LeftOn <= s.Day) {
		return nil, errSubstitute
	}
	if err != nil {
		return nil, err
	}
	day := []Sitting{s}
	switch span {
	case ForOne:
	case ForDay:
		if day, err = OfDay(ctx, tx, school, s.Day); err != nil {
			return nil, err
		}
	default:
		return nil, errSubstitute
	}
	taken := replaced(s, day, person, now)
	for _, one := range taken {
		if err := Take(ctx, tx, school, one.ID, person, now); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// substitute names one: who, in a list, and a button that says for how long.
func (p *Pages) substitute(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v, id := page.ViewerOf(r), r.PathValue("sitting")
	person, span := r.PostForm.Get("person"), r.PostForm.Get("for")
	var s Sitting
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) (err error) {
		if s, err = ByID(ctx, tx, v.School, id); err != nil {
			return err
		}
		taken, err := Substitute(ctx, tx, v.School, id, person, span, p.Now())
		if err != nil {
			return err
		}
		for _, one := range taken {
			if err := p.journaled(ctx, tx, v, "substitute", one.ID, map[string]string{"person": person, "for": span}); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errSubstitute) {
		return p.showSitting(w, r, http.StatusUnprocessableEntity, sittingView{Short: s.ShortLabel, Wrong: errSubstitute})
	}
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, sittingPath(s))
}

// substitutes are who may be named: the staff, without whoever is in charge already.
func (n names) substitutes(s Sitting) []page.Option {
	all := []page.Option{{Value: "", Text: "—"}}
	for _, p := range n.Staff {
		if !s.In(p.ID) {
			all = append(all, page.Option{Value: p.ID, Text: n.staff[p.ID]})
		}
	}
	return all
}
