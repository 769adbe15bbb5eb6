package notices

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
)

// stillTrue is asked by the courier when letters of a school are about to leave: two
// persons asked for them, nobody took them back, and their readers may still be told of
// a pupil whom they concern.
func (n *Notices) stillTrue(ctx context.Context, tx database.Tx, letters []courier.Letter, now time.Time) (map[string]string, error) {
	school, ids := letters[0].School, make([]string, len(letters))
	for i, l := range letters {
		ids[i] = l.ID
	}
	rows, requests, err := behind(ctx, tx, school, ids)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	serves, err := n.service(ctx, tx, school, now)
	if err != nil {
		return nil, err
	}
	because := map[string]string{}
	people := map[string][]string{} // to ask for, by level
	for _, l := range letters {
		to, ok := rows[l.ID]
		r := requests[to.Request]
		switch {
		case !ok || l.Ref != r.ID || to.Person != l.Person || to.Contact != l.Contact || r.ConfirmedBy == "":
			// unvouched
		case (r.State == Confirmed || r.State == Written) && !serves && !r.Text.Urgent():
			because[l.ID] = string(NotService)
		case r.State == Confirmed || r.State == Written:
			because[l.ID] = string(NotEntitled)
			people[r.Level] = append(people[r.Level], l.Person)
		default:
			because[l.ID] = string(r.Because)
		}
	}
	for level, some := range people {
		told, err := entitled(ctx, tx, school, level, some, now)
		if err != nil {
			return nil, err
		}
		for _, l := range letters {
			if to, ok := rows[l.ID]; ok && requests[to.Request].Level == level && because[l.ID] == string(NotEntitled) && told[l.Contact] {
				because[l.ID] = ""
			}
		}
	}
	return because, nil
}

// entitled gives those contact points of some people that a notice to a level, or to the
// whole school, may use now.
func entitled(ctx context.Context, tx database.Tx, school, level string, people []string, now time.Time) (map[string]bool, error) {
	pupils, err := directory.PupilsAround(ctx, tx, school, people)
	if err != nil {
		return nil, err
	}
	if level != WholeSchool {
		s, err := directory.SchoolByID(ctx, tx, school)
		if err != nil {
			return nil, err
		}
		zone, err := s.Location()
		if err != nil {
			return nil, err
		}
		classes, err := directory.ClassesOf(ctx, tx, school, pupils, now.In(zone).Format(time.DateOnly))
		if err != nil {
			return nil, err
		}
		pupils = slices.DeleteFunc(pupils, func(id string) bool { return directory.YearOf(classes[id]) != level })
	}
	told, err := directory.MayBeToldOfAny(ctx, tx, school, pupils, now)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, r := range told {
		for _, p := range r.Points {
			out[p.ID] = out[p.ID] || slices.Contains(people, r.Person.ID)
		}
	}
	return out, nil
}
