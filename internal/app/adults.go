package app

import (
	"context"
	"slices"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// adults counts the persons who may decide for a school: those with an open account
// of its office. Where there is one, the operator is the second person.
func adults(ctx context.Context, tx database.Tx, school string) (int, error) {
	people := map[string]bool{}
	for _, role := range []page.Role{page.Head, page.CPE, page.Office} {
		all, err := account.OfSchool(ctx, tx, school, role)
		if err != nil {
			return 0, err
		}
		for _, a := range all {
			if a.DisabledAt.IsZero() {
				people[a.Person] = true
			}
		}
	}
	return len(people), nil
}

// heads lists the persons who lead a school: those with an open account of its head.
func heads(ctx context.Context, tx database.Tx, school string) ([]string, error) {
	all, err := account.OfSchool(ctx, tx, school, page.Head)
	var out []string
	for _, a := range all {
		if a.DisabledAt.IsZero() && !slices.Contains(out, a.Person) {
			out = append(out, a.Person)
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
