package app

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// adults counts the persons of a school who may be the second one where two are needed:
// the head, the CPE, the office, each once, with an account that is open. Where it is
// one at most, the operator is the second.
func adults(ctx context.Context, tx database.Tx, school string) (int, error) {
	persons := map[string]bool{}
	for _, role := range []page.Role{page.Head, page.CPE, page.Office} {
		accounts, err := account.OfSchool(ctx, tx, school, role)
		if err != nil {
			return 0, err
		}
		for _, a := range accounts {
			if a.DisabledAt.IsZero() && a.Person != "" {
				persons[a.Person] = true
			}
		}
	}
	return len(persons), nil
}

// inService tells whether a school sends to families at a moment.
func inService(ctx context.Context, tx database.Tx, school string, now time.Time) (bool, error) {
	s, err := directory.SchoolByID(ctx, tx, school)
	if err != nil {
		return false, err
	}
	zone, err := s.Location()
	if err != nil {
		return false, err
	}
	v, ok, err := alert.ServiceOf(ctx, tx, school)
	return ok && alert.InService(v, timetable.Day(now, zone)), err
}
