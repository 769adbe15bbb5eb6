package directory

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// MayBeToldOfAny answers whom a message that concerns many pupils and names none may be
// written to: everybody who may be told of one of them, once, by id, with the contact
// points that may carry a message about at least one. Whom a court denies one of these
// very pupils is not among them: such a message is about that pupil too.
func MayBeToldOfAny(ctx context.Context, tx database.Tx, school string, pupils []string, at time.Time) ([]Recipient, error) {
	told, err := MayBeToldOf(ctx, tx, school, pupils, at)
	if err != nil {
		return nil, err
	}
	return together(told), nil
}

// together gives each person of many answers once.
func together(told map[string]Told) []Recipient {
	denied, by := map[string]bool{}, map[string]*Recipient{}
	for _, t := range told {
		for _, n := range t.Not {
			denied[n.Person] = denied[n.Person] || n.Why == NotCourt
		}
	}
	for _, t := range told {
		for _, r := range t.Recipients {
			if denied[r.Person.ID] {
				continue
			}
			known := by[r.Person.ID]
			if known == nil {
				known = &Recipient{Person: r.Person, Why: r.Why}
				by[r.Person.ID] = known
			}
			for _, p := range r.Points {
				if !slices.ContainsFunc(known.Points, func(q ContactPoint) bool { return q.ID == p.ID }) {
					known.Points = append(known.Points, p)
				}
			}
		}
	}
	out := make([]Recipient, 0, len(by))
	for _, r := range by {
		slices.SortFunc(r.Points, func(a, b ContactPoint) int { return strings.Compare(a.ID, b.ID) })
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Recipient) int { return strings.Compare(a.Person.ID, b.Person.ID) })
	return out
}

// PupilsAround lists the pupils whom some people are joined to by any link, ended ones
// too, and those of the people who are pupils: of whom to ask again whether these people
// may be told.
func PupilsAround(ctx context.Context, tx database.Tx, school string, people []string) ([]string, error) {
	var out []string
	for part := range slices.Chunk(people, 500) {
		var some []string
		err := tx.NewSelect().Model((*Link)(nil)).Column("pupil").Where("l.school = ? AND l.adult IN (?)", school, bun.List(part)).Scan(ctx, &some)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
		var own []string
		err = tx.NewSelect().Model((*Person)(nil)).Column("id").Where("p.school = ? AND p.id IN (?) AND p.kind = ?", school, bun.List(part), KindPupil).Scan(ctx, &own)
		if err != nil {
			return nil, err
		}
		out = append(out, own...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// YearOf reads the level that a class's label begins with: "2de 3" is of the level 2de,
// 6A of 6, 601 of 6, TSTMG1 of TSTMG, CE1 B of CE1. No source states it by itself. Two
// classes are of one level where this gives the same; a class whose label is one word
// of letters is its own level, and no level has a space.
func YearOf(label string) string {
	words := strings.Fields(label)
	switch {
	case len(words) == 0:
		return ""
	case len(words) > 1:
		return words[0]
	}
	word := []rune(words[0])
	digits := func(r []rune) bool { return !slices.ContainsFunc(r, func(c rune) bool { return !unicode.IsDigit(c) }) }
	switch {
	case len(word) == 1:
		return string(word)
	case digits(word):
		return string(word[:1])
	case slices.Contains([]string{"CE1", "CE2", "CM1", "CM2"}, strings.ToUpper(string(word))):
		return string(word)
	}
	end := len(word)
	for end > 1 && unicode.IsDigit(word[end-1]) {
		end--
	}
	if end == len(word) && end > 1 && unicode.IsDigit(word[end-2]) {
		end-- // 6A
	}
	return strings.TrimRight(string(word[:end]), "-_.")
}
