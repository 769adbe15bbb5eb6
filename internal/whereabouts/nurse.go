package whereabouts

import (
	"context"
	"slices"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// infirmary is the one place of which a nurse says who comes and who leaves.
const infirmary Place = "infirmary"

// placesFor lists the places of which a role may say that a pupil is there.
func placesFor(role page.Role) []Place {
	if role == page.Nurse {
		return []Place{infirmary}
	}
	return Places()
}

// ofNurse tells whether a nurse may end a statement: of a pupil who is in the infirmary now.
// Whatever else is known of pupils does not exist for them.
func ofNurse(stated []attendance.Statement, id string) bool {
	return slices.ContainsFunc(stated, func(s attendance.Statement) bool { return s.ID == id && s.Reason == string(infirmary) })
}

// fillNurse names who is in the infirmary, and whom a nurse looks for: by name, or a whole
// class where the name is not understood. Nobody is shown who was not asked for: who is
// noted absent is not a nurse's to know.
func (v *insideView) fillNurse(ctx context.Context, tx database.Tx, school, day string, stated []attendance.Statement) error {
	groups, err := directory.Groups(ctx, tx, school)
	if err != nil {
		return err
	}
	directory.ByLabel(groups)
	v.Groups = slices.DeleteFunc(groups, func(g directory.Group) bool { return g.Kind != "class" })
	here := slices.DeleteFunc(slices.Clone(stated), func(s attendance.Statement) bool { return s.Reason != string(infirmary) })
	if v.Group != "" && !v.Asked {
		if !slices.ContainsFunc(v.Groups, func(g directory.Group) bool { return g.ID == v.Group }) {
			return ErrNotFound
		}
		if v.Class, err = directory.GroupPupils(ctx, tx, school, []string{v.Group}, day); err != nil {
			return err
		}
		directory.ByName(v.Class)
		v.Asked = true
	}
	return v.fill(ctx, tx, school, day, nil, here)
}
