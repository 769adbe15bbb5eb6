package directory

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/preau-ent/preau/internal/database"
)

// perPage is how many pupils one page of the list shows.
const perPage = 50

// Asked is what the list of pupils is asked for.
type Asked struct {
	Name  string // in any order, with or without accents; empty: everybody
	Class string // id of a class; empty: all
	// Silent: only those for whom no message can leave.
	Silent bool
	Page   int // from 1
}

// List is one page of the list of pupils.
type List struct {
	Asked   Asked
	Classes []Group
	Pupils  []Circle // of this page, without what courts decided
	N       int      // pupils found
	Pages   int
}

// listPupils finds pupils who belong to the school at a moment, by name, perPage at a
// time. A page beyond the last is the last.
func listPupils(ctx context.Context, tx database.Tx, school string, at time.Time, a Asked) (List, error) {
	s, err := SchoolByID(ctx, tx, school)
	if err != nil {
		return List{}, err
	}
	day, err := dayIn(s, at)
	if err != nil {
		return List{}, err
	}
	groups, err := Groups(ctx, tx, school)
	if err != nil {
		return List{}, err
	}
	l := List{Asked: a, Classes: slices.DeleteFunc(groups, func(g Group) bool { return g.Kind != "class" })}
	ByLabel(l.Classes)
	var all []Person
	switch {
	case a.Class == "":
		all, err = Of(ctx, tx, school, KindPupil, day)
	case slices.ContainsFunc(l.Classes, func(g Group) bool { return g.ID == a.Class }):
		all, err = GroupPupils(ctx, tx, school, []string{a.Class}, day)
	}
	if err != nil {
		return List{}, err
	}
	all = named(all, a.Name)
	if !a.Silent {
		part := all[l.cut(len(all)):min(len(all), l.Asked.Page*perPage)]
		l.Pupils, err = circles(ctx, tx, s, idsOf(part), day, false)
		return l, err
	}
	found, err := circles(ctx, tx, s, idsOf(all), day, false)
	if err != nil {
		return List{}, err
	}
	found = slices.DeleteFunc(found, func(c Circle) bool { return messages(c) > 0 })
	l.Pupils = found[l.cut(len(found)):min(len(found), l.Asked.Page*perPage)]
	return l, nil
}

// cut counts the pages of n pupils and gives where the asked page begins.
func (l *List) cut(n int) int {
	l.N, l.Pages = n, max(1, (n+perPage-1)/perPage)
	l.Asked.Page = min(max(l.Asked.Page, 1), l.Pages)
	return (l.Asked.Page - 1) * perPage
}

func idsOf(people []Person) []string {
	ids := make([]string, len(people))
	for i, p := range people {
		ids[i] = p.ID
	}
	return ids
}

// named keeps the people each of whose typed words begins a part of their name.
func named(people []Person, typed string) []Person {
	words := parts(typed)
	if len(words) == 0 {
		return people
	}
	return slices.DeleteFunc(people, func(p Person) bool {
		has := parts(p.LastName + " " + p.FirstName)
		return slices.ContainsFunc(words, func(w string) bool {
			return !slices.ContainsFunc(has, func(h string) bool { return strings.HasPrefix(h, w) })
		})
	})
}

// parts are the words of a name without accents or capitals.
func parts(name string) []string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(strings.NewReplacer("œ", "oe", "Œ", "oe", "æ", "ae", "ß", "ss").Replace(name))) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(b.String())
}

// ByLabel orders groups as people count them: 2de 4 before 2de 10.
func ByLabel(groups []Group) {
	slices.SortStableFunc(groups, func(a, b Group) int { return natural(a.Label, b.Label) })
}

// natural compares texts with the numbers in them as numbers.
func natural(a, b string) int {
	digits := func(s string) int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n
	}
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if c := strings.Compare(x, y); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// pupilTask is an open task with the pupil on whose page it is settled.
type pupilTask struct {
	Task   Task
	Person Person
	Pupil  Person
}

// tasksWithPupils lists open tasks, oldest first, at most so many, each with a pupil of
// whose page it is a matter; and how many are open in all.
func tasksWithPupils(ctx context.Context, tx database.Tx, school string, most int) ([]pupilTask, int, error) {
	open, err := OpenTasks(ctx, tx, school)
	if err != nil || len(open) == 0 {
		return nil, 0, err
	}
	n := len(open)
	open = open[:min(n, most)]
	var out []pupilTask
	for _, t := range open {
		p, err := PersonByID(ctx, tx, school, t.Person)
		if err != nil {
			return nil, 0, err
		}
		one := pupilTask{Task: t, Person: p, Pupil: p}
		if p.Kind != KindPupil {
			var pupils []string
			err := tx.NewSelect().Model((*Link)(nil)).Column("pupil").Where("l.school = ? AND l.adult = ? AND l.ended_at IS NULL", school, p.ID).
				Order("pupil").Limit(1).Scan(ctx, &pupils)
			if err != nil {
				return nil, 0, err
			}
			if len(pupils) == 0 {
				continue
			}
			if one.Pupil, err = PersonByID(ctx, tx, school, pupils[0]); err != nil {
				return nil, 0, err
			}
		}
		out = append(out, one)
	}
	return out, n, nil
}
