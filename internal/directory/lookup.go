package directory

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// PointsByID reads contact points by id, ended ones too. Ids that are not of the
// school are left out.
func PointsByID(ctx context.Context, tx database.Tx, school string, ids []string) (map[string]ContactPoint, error) {
	out := make(map[string]ContactPoint, len(ids))
	for part := range slices.Chunk(ids, 500) {
		var rows []ContactPoint
		if err := tx.NewSelect().Model(&rows).Where("c.school = ? AND c.id IN (?)", school, bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		for _, p := range rows {
			out[p.ID] = p
		}
	}
	return out, nil
}

// GroupsOf gives the ids of the class and groups of each person on a day.
func GroupsOf(ctx context.Context, tx database.Tx, school string, people []string, day string) (map[string][]string, error) {
	rows, err := Memberships(ctx, tx, school, people, day, day)
	out := make(map[string][]string, len(rows))
	for person, all := range rows {
		for _, m := range all {
			out[person] = append(out[person], m.Grp)
		}
	}
	return out, err
}

// Memberships gives the class and groups of each person that hold on a day of a period, first
// and last one included, with their days.
func Memberships(ctx context.Context, tx database.Tx, school string, people []string, first, last string) (map[string][]Member, error) {
	out := make(map[string][]Member, len(people))
	for part := range slices.Chunk(people, 500) {
		var rows []Member
		err := tx.NewSelect().Model(&rows).Where("m.school = ? AND m.person IN (?)", school, bun.List(part)).
			Where("m.from_on <= ? AND (m.until_on = '' OR m.until_on > ?)", last, first).Order("grp").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range rows {
			out[m.Person] = append(out[m.Person], m)
		}
	}
	return out, nil
}

// On tells whether the person is in the group on a day.
func (m Member) On(day string) bool { return m.FromOn <= day && (m.UntilOn == "" || m.UntilOn > day) }

// Names reads persons by id with their names, kind, birth date and the day on which
// they left, and nothing else: what a list of many needs.
func Names(ctx context.Context, tx database.Tx, school string, ids []string) (map[string]Person, error) {
	out := make(map[string]Person, len(ids))
	for part := range slices.Chunk(ids, 500) {
		var rows []Person
		err := tx.NewSelect().Model(&rows).Column("id", "kind", "last_name", "first_name", "born", "left_on").
			Where("p.school = ? AND p.id IN (?)", school, bun.List(part)).Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range rows {
			out[p.ID] = p
		}
	}
	return out, nil
}

// LeanCases reads what Entitled looks at for each pupil of the list, and the names,
// kinship and nothing else: links come without consent, source and evidence.
func LeanCases(ctx context.Context, tx database.Tx, school string, pupils []string) ([]Case, error) {
	if len(pupils) == 0 {
		return nil, nil
	}
	var links []Link
	var decisions []Decision
	var objections []Objection
	for part := range slices.Chunk(pupils, 500) {
		in := bun.List(part)
		var ls []Link
		err := tx.NewSelect().Model(&ls).Column("pupil", "adult", "level", "kinship", "priority", "chosen_at", "ended_at").
			Where("l.school = ? AND l.pupil IN (?)", school, in).Scan(ctx)
		if err != nil {
			return nil, err
		}
		var ds []Decision
		if err := tx.NewSelect().Model(&ds).Where("d.school = ? AND d.pupil IN (?)", school, in).Scan(ctx); err != nil {
			return nil, err
		}
		var os []Objection
		if err := tx.NewSelect().Model(&os).Where("o.school = ? AND o.pupil IN (?)", school, in).Scan(ctx); err != nil {
			return nil, err
		}
		links, decisions, objections = append(links, ls...), append(decisions, ds...), append(objections, os...)
	}
	ids := slices.Clone(pupils)
	for _, l := range links {
		ids = append(ids, l.Adult)
	}
	slices.Sort(ids)
	people, err := Names(ctx, tx, school, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	return casesOf(pupils, people, links, decisions, objections), nil
}

// casesOf puts together what was read, in the order of the pupils, each once.
func casesOf(pupils []string, people map[string]Person, links []Link, decisions []Decision, objections []Objection) []Case {
	at := make(map[string]int, len(pupils))
	var out []Case
	for _, id := range pupils {
		if _, twice := at[id]; twice {
			continue
		}
		if p, ok := people[id]; ok {
			at[id] = len(out)
			out = append(out, Case{Pupil: p, Adults: people})
		}
	}
	for _, l := range links {
		if i, ok := at[l.Pupil]; ok {
			out[i].Links = append(out[i].Links, l)
		}
	}
	for _, d := range decisions {
		if i, ok := at[d.Pupil]; ok {
			out[i].Decisions = append(out[i].Decisions, d)
		}
	}
	for _, o := range objections {
		if i, ok := at[o.Pupil]; ok {
			out[i].Objections = append(out[i].Objections, o)
		}
	}
	return out
}

// WorkMail gives the address at which each of some members of staff takes mail, where they
// have one.
func WorkMail(ctx context.Context, tx database.Tx, school string, people []string) (map[string]ContactPoint, error) {
	if len(people) == 0 {
		return nil, nil
	}
	all, err := points(ctx, tx, school, people)
	out := map[string]ContactPoint{}
	for id, ps := range all {
		for _, p := range ps {
			if p.Channel == Email && p.EndedAt.IsZero() && p.StoppedAt.IsZero() && p.Address != "" {
				out[id] = p
				break
			}
		}
	}
	return out, err
}

// FullName is a name as it is said: Léa Benali.
func (p Person) FullName() string { return strings.TrimSpace(p.FirstName + " " + p.LastName) }

// ShortName is a first name and an initial, where no surname is needed: Léa B.
func (p Person) ShortName() string {
	for _, initial := range p.LastName {
		return p.FirstName + " " + string(unicode.ToUpper(initial)) + "."
	}
	return p.FirstName
}

// Labels gives the labels of a school's classes and groups by id.
func Labels(ctx context.Context, tx database.Tx, school string) (map[string]string, error) {
	groups, err := Groups(ctx, tx, school)
	labels := make(map[string]string, len(groups))
	for _, g := range groups {
		labels[g.ID] = g.Label
	}
	return labels, err
}
