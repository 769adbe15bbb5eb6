package directory

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/preau-ent/preau/internal/database"
	"github.com/uptrace/bun"
)

// ErrNotFound: there is no such school, person, link or group in this school.
var ErrNotFound = errors.New("directory: not found")

// Batch is rows to add together.
type Batch struct {
	People     []Person
	Contacts   []ContactPoint
	Links      []Link
	Decisions  []Decision
	Objections []Objection
	Groups     []Group
	Members    []Member
	Tasks      []Task
}

// AddSchool adds a school, and the row that everything of it hangs on.
func AddSchool(ctx context.Context, tx database.Tx, s School) error {
	if _, err := time.LoadLocation(s.Zone); err != nil {
		return err
	}
	if err := database.AddSchool(ctx, tx, s.ID); err != nil {
		return err
	}
	_, err := tx.NewInsert().Model(&s).Exec(ctx)
	return err
}

// Add adds the rows of a batch, in an order that satisfies their keys.
func Add(ctx context.Context, tx database.Tx, b Batch) error {
	for _, step := range []func() error{
		func() error { return insert(ctx, tx, b.People) },
		func() error { return insert(ctx, tx, b.Contacts) },
		func() error { return insert(ctx, tx, b.Links) },
		func() error { return insert(ctx, tx, b.Decisions) },
		func() error { return insert(ctx, tx, b.Objections) },
		func() error { return insert(ctx, tx, b.Groups) },
		func() error { return insert(ctx, tx, b.Members) },
		func() error { return insert(ctx, tx, b.Tasks) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func insert[T any](ctx context.Context, tx database.Tx, rows []T) error {
	for part := range slices.Chunk(rows, 500) {
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// SchoolByID reads a school; ErrNotFound.
func SchoolByID(ctx context.Context, tx database.Tx, id string) (School, error) {
	var s School
	err := tx.NewSelect().Model(&s).Where("s.id = ?", id).Scan(ctx)
	return s, found(err)
}

// Schools lists all schools by name.
func Schools(ctx context.Context, tx database.Tx) ([]School, error) {
	var all []School
	err := tx.NewSelect().Model(&all).Order("name", "id").Scan(ctx)
	return all, err
}

// PersonByID reads a person of a school; ErrNotFound.
func PersonByID(ctx context.Context, tx database.Tx, school, id string) (Person, error) {
	var p Person
	err := tx.NewSelect().Model(&p).Where("p.school = ? AND p.id = ?", school, id).Scan(ctx)
	return p, found(err)
}

// People reads persons by id. Ids that are not of the school are left out.
func People(ctx context.Context, tx database.Tx, school string, ids []string) (map[string]Person, error) {
	out := make(map[string]Person, len(ids))
	for part := range slices.Chunk(ids, 500) {
		var rows []Person
		if err := tx.NewSelect().Model(&rows).Where("p.school = ? AND p.id IN (?)", school, bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		for _, p := range rows {
			out[p.ID] = p
		}
	}
	return out, nil
}

// Of lists the people of a kind who belong to the school on a day, by name.
func Of(ctx context.Context, tx database.Tx, school string, kind Kind, day string) ([]Person, error) {
	var rows []Person
	err := tx.NewSelect().Model(&rows).Where("p.school = ? AND p.kind = ?", school, kind).
		Where("p.left_on = '' OR p.left_on > ?", day).Scan(ctx)
	if err != nil {
		return nil, err
	}
	byName(rows)
	return rows, nil
}

// CountPupils counts the pupils who belong to the school on a day.
func CountPupils(ctx context.Context, tx database.Tx, school, day string) (int64, error) {
	return tx.NewSelect().Model((*Person)(nil)).Where("p.school = ? AND p.kind = ?", school, KindPupil).
		Where("p.left_on = '' OR p.left_on > ?", day).Count(ctx)
}

// Groups lists the classes and groups of a school by kind and label.
func Groups(ctx context.Context, tx database.Tx, school string) ([]Group, error) {
	var rows []Group
	err := tx.NewSelect().Model(&rows).Where("g.school = ?", school).Order("kind", "label").Scan(ctx)
	return rows, err
}

// GroupPupils lists, by name and each once, the pupils who are in one of the groups on
// a day.
func GroupPupils(ctx context.Context, tx database.Tx, school string, groups []string, day string) ([]Person, error) {
	if len(groups) == 0 {
		return nil, nil
	}
	// By the members of the groups, and no word of their kind: SQLite would begin with
	// every pupil of the school.
	members := tx.NewSelect().TableExpr("directory_members AS m").Column("m.person").
		Where("m.school = ? AND m.grp IN (?)", school, bun.List(groups)).
		Where("m.from_on <= ? AND (m.until_on = '' OR m.until_on > ?)", day, day)
	var rows []Person
	err := tx.NewSelect().Model(&rows).Where("p.school = ? AND p.id IN (?)", school, members).Scan(ctx)
	rows = slices.DeleteFunc(rows, func(p Person) bool {
		return p.Kind != KindPupil || p.LeftOn != "" && p.LeftOn <= day
	})
	if err != nil {
		return nil, err
	}
	byName(rows)
	return rows, nil
}

// ClassesOf gives the label of the class of each pupil on a day.
func ClassesOf(ctx context.Context, tx database.Tx, school string, pupils []string, day string) (map[string]string, error) {
	out := make(map[string]string, len(pupils))
	for part := range slices.Chunk(pupils, 500) {
		var rows []struct{ Person, Label string }
		err := tx.NewSelect().TableExpr("directory_members AS m").
			Join("JOIN directory_groups AS g ON g.school = m.school AND g.id = m.grp AND g.kind = 'class'").
			ColumnExpr("m.person, g.label").
			Where("m.school = ? AND m.person IN (?)", school, bun.List(part)).
			Where("m.from_on <= ? AND (m.until_on = '' OR m.until_on > ?)", day, day).
			Scan(ctx, &rows)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.Person] = r.Label
		}
	}
	return out, nil
}

// ClassIDs gives the class of each pupil of a school on a day, by its id.
func ClassIDs(ctx context.Context, tx database.Tx, school, day string) (map[string]string, error) {
	var rows []struct{ Person, Grp string }
	err := tx.NewSelect().TableExpr("directory_members AS m").
		Join("JOIN directory_groups AS g ON g.school = m.school AND g.id = m.grp AND g.kind = 'class'").
		ColumnExpr("m.person, m.grp").
		Where("m.school = ? AND m.from_on <= ? AND (m.until_on = '' OR m.until_on > ?)", school, day, day).
		Scan(ctx, &rows)
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.Person] = r.Grp
	}
	return out, err
}

// Children lists the pupils that an adult may be told about on a day: what the adult's
// own page may show. It asks Entitled, never the link alone.
func Children(ctx context.Context, tx database.Tx, school, adult, day string) ([]Person, error) {
	var pupils []string
	err := tx.NewSelect().Model((*Link)(nil)).Column("pupil").Where("l.school = ? AND l.adult = ?", school, adult).Scan(ctx, &pupils)
	if err != nil {
		return nil, err
	}
	cases, err := Cases(ctx, tx, school, pupils)
	if err != nil {
		return nil, err
	}
	var out []Person
	for _, c := range cases {
		for _, s := range Entitled(c, day) {
			if s.Person == adult && s.Told {
				out = append(out, c.Pupil)
			}
		}
	}
	byName(out)
	return out, nil
}

// Cases reads what is recorded about whom to tell, for each pupil of the list.
func Cases(ctx context.Context, tx database.Tx, school string, pupils []string) ([]Case, error) {
	if len(pupils) == 0 {
		return nil, nil
	}
	people, err := People(ctx, tx, school, pupils)
	if err != nil {
		return nil, err
	}
	var links []Link
	var decisions []Decision
	var objections []Objection
	for part := range slices.Chunk(pupils, 500) {
		var ls []Link
		var ds []Decision
		var os []Objection
		if err := tx.NewSelect().Model(&ls).Where("l.school = ? AND l.pupil IN (?)", school, bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		if err := tx.NewSelect().Model(&ds).Where("d.school = ? AND d.pupil IN (?)", school, bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		if err := tx.NewSelect().Model(&os).Where("o.school = ? AND o.pupil IN (?)", school, bun.List(part)).Scan(ctx); err != nil {
			return nil, err
		}
		links, decisions, objections = append(links, ls...), append(decisions, ds...), append(objections, os...)
	}
	var adults []string
	for _, l := range links {
		adults = append(adults, l.Adult)
	}
	known, err := People(ctx, tx, school, adults)
	if err != nil {
		return nil, err
	}
	byPupil := map[string]*Case{}
	var out []Case
	for _, id := range pupils {
		if p, ok := people[id]; ok && byPupil[id] == nil {
			byPupil[id] = &Case{Pupil: p, Adults: known}
		}
	}
	for _, l := range links {
		if c := byPupil[l.Pupil]; c != nil {
			c.Links = append(c.Links, l)
		}
	}
	for _, d := range decisions {
		if c := byPupil[d.Pupil]; c != nil {
			c.Decisions = append(c.Decisions, d)
		}
	}
	for _, o := range objections {
		if c := byPupil[o.Pupil]; c != nil {
			c.Objections = append(c.Objections, o)
		}
	}
	for _, id := range pupils {
		if c := byPupil[id]; c != nil {
			out = append(out, *c)
			delete(byPupil, id)
		}
	}
	return out, nil
}

// Recipient is an entitled person with the contact points that may carry a message.
type Recipient struct {
	Person Person
	Why    Reason
	Points []ContactPoint // usable for messages, each channel and address once
	Not    []Unused       // the others, and why
}

// Unused is a contact point that carries no message.
type Unused struct {
	Point ContactPoint
	Why   PointReason
}

// Told is the answer to the one question of an absence: who may be told about a pupil,
// and where; and who may not, with the reason, for the journal and for explain.
type Told struct {
	Recipients []Recipient
	Not        []Standing
}

// MayBeTold answers the one question of an absence about one pupil; see MayBeToldOf.
// ErrNotFound if the pupil is not of the school.
func MayBeTold(ctx context.Context, tx database.Tx, school, pupil string, at time.Time) (told []Recipient, not []Standing, err error) {
	all, err := MayBeToldOf(ctx, tx, school, []string{pupil}, at)
	if err != nil {
		return nil, nil, err
	}
	t, ok := all[pupil]
	if !ok {
		return nil, nil, ErrNotFound
	}
	return t.Recipients, t.Not, nil
}

// MayBeToldOf answers, for each pupil, who may be told about them at this moment, and
// where. A pupil that is not of the school has no answer.
func MayBeToldOf(ctx context.Context, tx database.Tx, school string, pupils []string, at time.Time) (map[string]Told, error) {
	s, err := SchoolByID(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	loc, err := s.Location()
	if err != nil {
		return nil, err
	}
	cases, err := Cases(ctx, tx, school, pupils)
	if err != nil || len(cases) == 0 {
		return nil, err
	}
	day := at.In(loc).Format(time.DateOnly)
	var ids []string
	standings := make([][]Standing, len(cases))
	for i, c := range cases {
		standings[i] = Entitled(c, day)
		ids = append(ids, c.Pupil.ID)
		for _, st := range standings[i] {
			ids = append(ids, st.Person)
		}
	}
	points, err := points(ctx, tx, school, ids)
	if err != nil {
		return nil, err
	}
	all := make(map[string]Told, len(cases))
	for i, c := range cases {
		all[c.Pupil.ID] = whoIsTold(c, standings[i], points)
	}
	return all, nil
}

func whoIsTold(c Case, standings []Standing, points map[string][]ContactPoint) (t Told) {
	for _, st := range standings {
		if !st.Told {
			t.Not = append(t.Not, st)
			continue
		}
		r := Recipient{Person: c.Adults[st.Person], Why: st.Why}
		if st.Person == c.Pupil.ID {
			r.Person = c.Pupil
		}
		for _, p := range points[st.Person] {
			if why := usable(p, st, c.Pupil.ID, points[c.Pupil.ID]); why != PointUsable {
				r.Not = append(r.Not, Unused{p, why})
			} else {
				r.Points = append(r.Points, p)
			}
		}
		t.Recipients = append(t.Recipients, r)
	}
	return t
}

// OpenTasks lists what has to be settled, oldest first.
func OpenTasks(ctx context.Context, tx database.Tx, school string) ([]Task, error) {
	var rows []Task
	err := tx.NewSelect().Model(&rows).Where("t.school = ? AND t.closed_at IS NULL", school).Order("opened_at", "id").Scan(ctx)
	return rows, err
}

// byName orders people as a French reader expects: last name, first name.
func byName(people []Person) {
	c := collate.New(language.French, collate.IgnoreCase)
	var buf collate.Buffer
	keys := make(map[string][]byte, len(people))
	for _, p := range people {
		keys[p.ID] = slices.Clone(c.KeyFromString(&buf, p.LastName+"\x00"+p.FirstName))
		buf.Reset()
	}
	slices.SortStableFunc(people, func(a, b Person) int {
		if x := slices.Compare(keys[a.ID], keys[b.ID]); x != 0 {
			return x
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}

func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
