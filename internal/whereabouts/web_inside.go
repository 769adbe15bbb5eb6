package whereabouts

import (
	"cmp"
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

// insideView is the page of somebody in front of whom pupils show up, on a phone.
type insideView struct {
	Now    time.Time
	Place  Place
	Name   string
	Asked  bool    // a name was typed
	Rows   []whoIn // who may be the one: found, else noted absent now
	Here   []hereRow
	Slip   attendance.Slip
	SlipOf directory.Person

	Places []Place            // of which the reader says who is there
	Groups []directory.Group  // the classes that a nurse may look through
	Group  string             // the one that they look through
	Class  []directory.Person // its pupils
}

// whoIn is a pupil who may be the one in front of the reader.
type whoIn struct {
	Pupil   directory.Person
	Class   string
	Sitting timetable.Sitting // that is on; zero: none
	Absent  bool              // noted absent, and nothing else known
	Inside  string            // where they are known to be; empty: not
}

// hereRow is a pupil who is in the building now.
type hereRow struct {
	Statement attendance.Statement
	Pupil     directory.Person
	Class     string
}

// mostRows is how many pupils the page offers.
const mostRows = 20

func (p *Pages) inside(w http.ResponseWriter, r *http.Request) error {
	v, now, q := page.ViewerOf(r), p.Now(), r.URL.Query()
	view := insideView{Now: now, Place: Place(q.Get("at")), Name: clipped(q.Get("name"))}
	view.Places = placesFor(v.Role)
	if !slices.Contains(view.Places, view.Place) {
		view.Place = view.Places[0]
	}
	view.Asked = view.Name != ""
	day := timetable.Day(now, page.Zone(r.Context()))
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		var err error
		if id := q.Get("slip"); id != "" && v.Role != page.Nurse {
			if view.Slip, err = attendance.SlipByID(ctx, tx, v.School, id); err == nil {
				view.SlipOf, err = directory.PersonByID(ctx, tx, v.School, view.Slip.Pupil)
			}
			if err != nil && !errors.Is(err, attendance.ErrNotFound) {
				return err
			}
		}
		stated, err := attendance.StatedInside(ctx, tx, v.School, now)
		if err != nil {
			return err
		}
		if v.Role == page.Nurse {
			view.Group = clipped(q.Get("group"))
			return view.fillNurse(ctx, tx, v.School, day, stated)
		}
		absent, err := attendance.AbsentPupils(ctx, tx, v.School, day)
		if err != nil {
			return err
		}
		return view.fill(ctx, tx, v.School, day, absent, stated)
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, insidePage(view))
}

// fill names who is here and who may be in front of the reader.
func (v *insideView) fill(ctx context.Context, tx database.Tx, school, day string, absent []string, stated []attendance.Statement) error {
	inside := map[string]attendance.Statement{}
	for _, s := range slices.Backward(stated) {
		inside[s.Pupil] = s // the last said
	}
	var some []directory.Person
	var err error
	if len(v.Class) > 0 {
		some = v.Class
	} else if v.Asked {
		if some, err = directory.FindPupils(ctx, tx, school, day, v.Name, mostRows); err != nil {
			return err
		}
	} else {
		known, err := attendance.Statements(ctx, tx, school, absent, v.Now)
		if err != nil {
			return err
		}
		missing := slices.DeleteFunc(slices.Clone(absent), func(id string) bool { return len(known[id]) > 0 })
		people, err := directory.Names(ctx, tx, school, missing)
		if err != nil {
			return err
		}
		for _, one := range people {
			some = append(some, one)
		}
		directory.ByName(some)
		some = some[:min(len(some), mostRows)]
	}
	ids := idsOf(some)
	for id := range inside {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	people, err := directory.Names(ctx, tx, school, ids)
	if err != nil {
		return err
	}
	classes, err := directory.ClassesOf(ctx, tx, school, ids, day)
	if err != nil {
		return err
	}
	on, err := sittingsOn(ctx, tx, school, idsOf(some), day, v.Now)
	if err != nil {
		return err
	}
	for _, one := range some {
		s, in := inside[one.ID]
		row := whoIn{Pupil: one, Class: classes[one.ID], Sitting: on[one.ID], Absent: !in && slices.Contains(absent, one.ID)}
		if in {
			row.Inside = s.Reason
		}
		v.Rows = append(v.Rows, row)
	}
	for _, s := range stated {
		if inside[s.Pupil].ID == s.ID {
			v.Here = append(v.Here, hereRow{Statement: s, Pupil: people[s.Pupil], Class: classes[s.Pupil]})
		}
	}
	slices.SortStableFunc(v.Here, func(a, b hereRow) int {
		return cmp.Compare(placeRank(a.Statement.Reason), placeRank(b.Statement.Reason))
	})
	return nil
}

func placeRank(reason string) int { return slices.Index(attendance.Reasons(attendance.Inside), reason) }

// sittingsOn gives the sitting that is on, or begins within ten minutes, for each pupil.
func sittingsOn(ctx context.Context, tx database.Tx, school string, pupils []string, day string, now time.Time) (map[string]timetable.Sitting, error) {
	groups, err := directory.GroupsOf(ctx, tx, school, pupils, day)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, g := range groups {
		all = append(all, g...)
	}
	slices.Sort(all)
	sittings, err := timetable.OfGroups(ctx, tx, school, slices.Compact(all), day)
	if err != nil {
		return nil, err
	}
	out := map[string]timetable.Sitting{}
	for _, pupil := range pupils {
		own := slices.DeleteFunc(slices.Clone(sittings), func(s timetable.Sitting) bool {
			return !slices.ContainsFunc(s.Groups, func(g string) bool { return slices.Contains(groups[pupil], g) }) || !now.Before(s.EndsAt)
		})
		if s, ok := timetable.Current(own, now); ok {
			out[pupil] = s
		}
	}
	return out, nil
}

// enter writes that a pupil is here: with a late slip, on the way to class, or at a place.
func (p *Pages) enter(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("whereabouts: reading the form: %w", err)
	}
	at, now, zone := Place(r.PostForm.Get("at")), p.Now(), page.Zone(r.Context())
	if !slices.Contains(placesFor(page.ViewerOf(r).Role), at) {
		return page.Invalid("at", "whereabouts.place.wrong")
	}
	back := url.Values{"at": {string(at)}}
	err := p.change(r, func(ctx context.Context, tx database.Tx, v page.Viewer) error {
		day := timetable.Day(now, zone)
		pupil, err := directory.PersonByID(ctx, tx, v.School, r.PathValue("pupil"))
		if err != nil {
			return err
		}
		if pupil.Kind != directory.KindPupil || pupil.LeftOn != "" && pupil.LeftOn <= day {
			return ErrNotFound
		}
		on, err := sittingsOn(ctx, tx, v.School, []string{pupil.ID}, day, now)
		if err != nil {
			return err
		}
		s := on[pupil.ID]
		if err := leavePlaces(ctx, tx, p, v, pupil.ID, now); err != nil {
			return err
		}
		if at == Late {
			if now.Before(s.StartsAt) {
				s = timetable.Sitting{} // nobody is late yet
			}
			slip, err := attendance.GiveSlip(ctx, tx, p.Journal, now, v.School, pupil.ID, s, v.Account)
			back.Set("slip", slip.ID)
			return err
		}
		return attendance.State(ctx, tx, p.Journal, now, attendance.Statement{School: v.School, Pupil: pupil.ID, Says: attendance.Inside, Reason: string(at),
			FromAt: now, UntilAt: until(at, s.EndsAt, now, zone), By: v.Account})
	})
	if err != nil {
		return err
	}
	return page.See(w, r, "/inside?"+back.Encode())
}

// leavePlaces ends what said that a pupil is somewhere in the building: nobody is at two places.
func leavePlaces(ctx context.Context, tx database.Tx, p *Pages, v page.Viewer, pupil string, now time.Time) error {
	all, err := attendance.Statements(ctx, tx, v.School, []string{pupil}, now)
	if err != nil {
		return err
	}
	for _, s := range all[pupil] {
		if s.Says == attendance.Inside {
			if err := attendance.End(ctx, tx, p.Journal, now, v.School, s.ID, v.Account); err != nil {
				return err
			}
		}
	}
	return nil
}

// leave ends a pupil's stay: they have left the place.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request) error {
	err := p.change(r, func(ctx context.Context, tx database.Tx, v page.Viewer) error {
		id := r.PathValue("statement")
		if v.Role == page.Nurse {
			stated, err := attendance.StatedInside(ctx, tx, v.School, p.Now())
			if err != nil {
				return err
			}
			if !ofNurse(stated, id) {
				return ErrNotFound
			}
		}
		return attendance.End(ctx, tx, p.Journal, p.Now(), v.School, id, v.Account)
	})
	if err != nil {
		return err
	}
	return page.See(w, r, r.PostFormValue("next"))
}

// slipView is a slip as it is printed.
type slipView struct {
	Slip    attendance.Slip
	Pupil   directory.Person
	Class   string
	Sitting timetable.Sitting
	By      string
}

func (p *Pages) slip(w http.ResponseWriter, r *http.Request) error {
	v := page.ViewerOf(r)
	var view slipView
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if view.Slip, err = attendance.SlipByID(ctx, tx, v.School, r.PathValue("slip")); err != nil {
			return err
		}
		if view.Pupil, err = directory.PersonByID(ctx, tx, v.School, view.Slip.Pupil); err != nil {
			return err
		}
		classes, err := directory.ClassesOf(ctx, tx, v.School, []string{view.Pupil.ID}, timetable.Day(view.Slip.ArrivedAt, page.Zone(ctx)))
		if err != nil {
			return err
		}
		view.Class = classes[view.Pupil.ID]
		if view.Slip.Sitting != "" {
			if view.Sitting, err = timetable.ByID(ctx, tx, v.School, view.Slip.Sitting); err != nil {
				return err
			}
		}
		if p.Names != nil {
			names, err := p.Names(ctx, tx, v.School, []string{view.Slip.By})
			view.By = names[view.Slip.By]
			return err
		}
		return nil
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, slipPage(view))
}
