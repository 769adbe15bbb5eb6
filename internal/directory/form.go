package directory

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// FormTeacher says that a member of staff leads a class (professeur principal), from a day to
// a last one. It opens that class's pages to a teacher, and nothing else.
type FormTeacher struct {
	bun.BaseModel `bun:"table:directory_form_teachers,alias:ft"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	Grp           string
	Person        string
	FromOn        string // YYYY-MM-DD
	UntilOn       string // last day
	GivenBy       string // account
	GivenAt       time.Time
	EndedBy       string
	EndedAt       time.Time `bun:",nullzero"`
}

// leading is the subject of a service by which a source says who leads a class. It is
// information, as every service is: the head's hand gives what it opens.
const leading = "form-teacher"

// Refusals of naming who leads a class.
var (
	ErrFormWho   = page.Invalid("person", "directory.form.person.wrong")
	ErrFormClass = page.Invalid("class", "directory.form.class.wrong")
)

// FormClasses lists the classes that somebody leads on a day, by label. It is asked at each
// request of their pages: what is over opens nothing.
func FormClasses(ctx context.Context, tx database.Tx, school, person, day string) ([]Group, error) {
	var out []Group
	err := tx.NewSelect().Model(&out).Where("g.school = ? AND g.kind = 'class'", school).
		Where("g.id IN (?)", tx.NewSelect().Model((*FormTeacher)(nil)).Column("grp").
			Where("ft.school = ? AND ft.person = ? AND ft.ended_at IS NULL AND ft.from_on <= ? AND ft.until_on >= ?", school, person, day, day)).
		Scan(ctx)
	ByLabel(out)
	return out, err
}

// Leads tells whether a pupil is, on a day, in a class that somebody leads: in one of theirs,
// where they are in two, and still in the school. nil, or ErrNotFound.
func Leads(ctx context.Context, tx database.Tx, school, person, pupil, day string) error {
	classes, err := FormClasses(ctx, tx, school, person, day)
	if err != nil {
		return err
	}
	ids := make([]string, len(classes))
	for i, g := range classes {
		ids[i] = g.ID
	}
	pupils, err := GroupPupils(ctx, tx, school, ids, day)
	if err == nil && !slices.ContainsFunc(pupils, func(p Person) bool { return p.ID == pupil }) {
		err = ErrNotFound
	}
	return err
}

// FormTeachers lists who leads a class of a school, now or later, by class and first day.
func FormTeachers(ctx context.Context, tx database.Tx, school, day string) ([]FormTeacher, error) {
	var out []FormTeacher
	err := tx.NewSelect().Model(&out).Where("ft.school = ? AND ft.ended_at IS NULL AND ft.until_on >= ?", school, day).Order("ft.grp", "ft.from_on", "ft.person").Scan(ctx)
	return out, err
}

// GiveForm names who leads a class. One that stands already stays. ErrFormClass, ErrFormWho,
// ErrFrom, ErrUntil.
func (h Hand) GiveForm(ctx context.Context, tx database.Tx, f FormTeacher, day string) error {
	groups, err := Groups(ctx, tx, f.School)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(groups, func(g Group) bool { return g.ID == f.Grp && g.Kind == "class" }) {
		return ErrFormClass
	}
	who, err := PersonByID(ctx, tx, f.School, f.Person)
	switch {
	case err == nil && who.Kind == KindStaff && !gone(who, day):
	case err == nil || errors.Is(err, ErrNotFound):
		return ErrFormWho
	default:
		return err
	}
	switch {
	case !goodDay(f.FromOn):
		return ErrFrom
	case !goodDay(f.UntilOn) || f.UntilOn < f.FromOn || f.UntilOn < day:
		return ErrUntil
	}
	all, err := FormTeachers(ctx, tx, f.School, day)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(o FormTeacher) bool {
		return o.Grp == f.Grp && o.Person == f.Person && o.FromOn <= f.FromOn && o.UntilOn >= f.UntilOn
	}) {
		return nil
	}
	f.ID, f.GivenBy, f.GivenAt = database.NewID(), h.By, database.Stamp(h.Now)
	if _, err := tx.NewInsert().Model(&f).Exec(ctx); err != nil {
		return err
	}
	return h.note(ctx, tx, f.School, "form.given", f.Person, map[string]string{"class": f.Grp, "from": f.FromOn, "until": f.UntilOn})
}

// EndForm ends it at once. ErrNotFound.
func (h Hand) EndForm(ctx context.Context, tx database.Tx, school, id string) error {
	f := FormTeacher{School: school, ID: id}
	if err := tx.NewSelect().Model(&f).WherePK().Scan(ctx); err != nil {
		return found(err)
	}
	if !f.EndedAt.IsZero() {
		return nil
	}
	f.EndedBy, f.EndedAt = h.By, database.Stamp(h.Now)
	if _, err := tx.NewUpdate().Model(&f).Column("ended_by", "ended_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	return h.note(ctx, tx, school, "form.ended", f.Person, map[string]string{"class": f.Grp})
}

// formsOfSource is whom the file names for each class.
func formsOfSource(ctx context.Context, tx database.Tx, school string) (map[string][]string, error) {
	var rows []Service
	err := tx.NewSelect().Model(&rows).Where("v.school = ? AND v.subject = ?", school, leading).Order("v.staff").Scan(ctx)
	out := map[string][]string{}
	for _, s := range rows {
		out[s.Grp] = append(out[s.Grp], s.Staff)
	}
	return out, err
}
