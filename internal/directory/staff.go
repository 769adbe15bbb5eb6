package directory

import (
	"context"
	"errors"
	"strings"

	"github.com/preau-ent/preau/internal/database"
)

// NewStaff is somebody who works in the school and stands in no file.
type NewStaff struct {
	ID          string // made by the form: pressed twice, it is one person
	Last, First string
}

// AddStaff adds a member of staff who stands in no file: supervisors and secretaries
// often do not. ErrLastName, ErrFirstName.
func (h Hand) AddStaff(ctx context.Context, tx database.Tx, school string, n NewStaff) error {
	n.Last, n.First = strings.Join(strings.Fields(n.Last), " "), strings.Join(strings.Fields(n.First), " ")
	switch {
	case !madeID(n.ID):
		return errForm
	case !goodName(n.Last):
		return ErrLastName
	case !goodName(n.First):
		return ErrFirstName
	}
	if taken, err := PersonByID(ctx, tx, school, n.ID); err == nil {
		if taken.Kind != KindStaff || taken.Source != ByHand {
			return errForm
		}
		return nil
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	err := Add(ctx, tx, Batch{People: []Person{{School: school, ID: n.ID, Kind: KindStaff, Source: ByHand, SourceKey: n.ID, LastName: n.Last, FirstName: n.First}}})
	if err != nil {
		return err
	}
	return h.note(ctx, tx, school, "staff.added", n.ID, nil)
}

// CountPeople counts the people of each school and kind who have not been removed, without
// the tripwires, who are nobody.
func CountPeople(ctx context.Context, tx database.Tx) (map[string]map[Kind]int, error) {
	var rows []struct {
		School string
		Kind   Kind
		N      int
	}
	err := tx.NewSelect().Model((*Person)(nil)).ColumnExpr("p.school, p.kind, count(*) AS n").Where("p.left_on = '' AND p.id <> ?", tripwirePerson).
		GroupExpr("p.school, p.kind").Scan(ctx, &rows)
	out := map[string]map[Kind]int{}
	for _, r := range rows {
		if out[r.School] == nil {
			out[r.School] = map[Kind]int{}
		}
		out[r.School][r.Kind] = r.N
	}
	return out, err
}
