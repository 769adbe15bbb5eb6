package directory

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Service says that a member of staff teaches a subject to a class or a group, as a
// source has it.
type Service struct {
	bun.BaseModel `bun:"table:directory_services,alias:v"`
	School        string `bun:",pk"`
	Staff         string `bun:",pk"`
	Grp           string `bun:",pk"`
	Subject       string `bun:",pk"` // the ministry's code
	Label         string
	Source        string
}

// Services lists who teaches what to whom in a school, by member of staff.
func Services(ctx context.Context, tx database.Tx, school string) ([]Service, error) {
	var rows []Service
	err := tx.NewSelect().Model(&rows).Where("v.school = ?", school).Order("staff", "grp", "subject").Scan(ctx)
	return rows, err
}

// inService is a service in the words of a source.
type inService struct {
	staff           string // key
	groupKind, code string
	subject, label  string
}

// services makes the services of the source those that come.
func (im *importing) services() {
	ids := map[[2]string]string{}
	for _, g := range rowsOf[Group](im.have) {
		ids[[2]string{g.Kind, g.Code}] = g.ID
	}
	type key struct{ staff, grp, subject string }
	have := map[key]Service{}
	for _, s := range rowsOf[Service](im.have) {
		have[key{s.Staff, s.Grp, s.Subject}] = s
	}
	wanted := map[key]bool{}
	var add []Service
	for _, s := range im.in.services {
		want := Service{School: im.school, Staff: im.id(KindStaff, s.staff), Grp: ids[[2]string{s.groupKind, s.code}], Subject: s.subject, Label: s.label, Source: im.in.source}
		k := key{want.Staff, want.Grp, want.Subject}
		if want.Staff == "" || want.Grp == "" || wanted[k] {
			continue
		}
		wanted[k] = true
		old, there := have[k]
		switch {
		case !there:
			add = append(add, want)
		case old.Label != want.Label || old.Source != want.Source:
			im.turned(&old, &want)
			im.update(&want, "label", "source")
		}
	}
	addRows(im, add)
	for _, k := range slices.SortedFunc(maps.Keys(have), func(a, b key) int { return strings.Compare(a.staff+a.grp+a.subject, b.staff+b.grp+b.subject) }) {
		s := have[k]
		if wanted[k] || s.Source != im.in.source {
			continue
		}
		im.changed++
		im.went(&s)
		im.writes = append(im.writes, func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewDelete().Model(&s).WherePK().Exec(ctx)
			return err
		})
	}
}
