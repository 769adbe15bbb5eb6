package app

import (
	"context"
	"slices"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// adults counts the persons who may decide for a school: those with an open account
// of its office, in a role that they hold today. Where there is one, the operator is the second person.
func (a *App) adults(ctx context.Context, tx database.Tx, school string) (int, error) {
	people := map[string]bool{}
	day, err := dayAt(ctx, tx, school, a.Clock.Now())
	if err != nil {
		return 0, err
	}
	for _, role := range []page.Role{page.Head, page.CPE, page.Secretary} {
		all, err := account.OfSchool(ctx, tx, school, role)
		if err != nil {
			return 0, err
		}
		for _, one := range all {
			if one.DisabledAt.IsZero() && one.Held(day) {
				people[one.Person] = true
			}
		}
	}
	return len(people), nil
}

// heads lists the persons who lead a school: those with an open account of its head, who
// hold that role today.
func (a *App) heads(ctx context.Context, tx database.Tx, school string) ([]string, error) {
	day, err := dayAt(ctx, tx, school, a.Clock.Now())
	if err != nil {
		return nil, err
	}
	all, err := account.OfSchool(ctx, tx, school, page.Head)
	var out []string
	for _, one := range all {
		if one.DisabledAt.IsZero() && one.Held(day) && !slices.Contains(out, one.Person) {
			out = append(out, one.Person)
		}
	}
	return out, err
}

// accountsOf lists the accounts of one person of a school.
func accountsOf(ctx context.Context, tx database.Tx, school, person string) ([]string, error) {
	all, err := account.OfPeople(ctx, tx, school, person)
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = a.ID
	}
	return out, err
}
