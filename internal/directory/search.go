package directory

import (
	"context"

	"github.com/preau-ent/preau/internal/database"
)

// FindPupils finds pupils who belong to a school on a day by what somebody types of their
// names, with or without accents, in any order: at most so many, by name. Nothing typed finds
// nobody.
func FindPupils(ctx context.Context, tx database.Tx, school, day, typed string, most int) ([]Person, error) {
	if len(parts(typed)) == 0 {
		return nil, nil
	}
	all, err := Of(ctx, tx, school, KindPupil, day)
	if err != nil {
		return nil, err
	}
	found := named(all, typed)
	return found[:min(len(found), most)], nil
}

// ByName orders people as a list in French does.
func ByName(people []Person) { byName(people) }
