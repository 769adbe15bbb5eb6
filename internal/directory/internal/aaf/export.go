package aaf

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// export puts together what was read: links find their guardians, pupils their
// schools, refused guardians the schools that they hold back.
func (r *reading) export() *Export {
	e := &Export{Dialect: r.dialect(), heldBack: r.heldBack}
	e.allHeldBack = r.allHeldBack
	r.levels(e.Dialect)
	for _, f := range r.files {
		if f.Path != "" {
			e.Files = append(e.Files, f)
		}
	}
	slices.SortFunc(e.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, m := range r.seen {
		if m.kind == kindGuardian && !m.bad {
			e.GuardiansRead++
		}
	}
	r.twins()
	r.homeless()
	r.resolve()
	e.Schools = sorted(r.schools, func(a, b *School) int { return strings.Compare(a.Key, b.Key) })
	e.Pupils = sorted(r.pupils, func(a, b *Pupil) int {
		return cmp.Or(strings.Compare(a.SchoolKey, b.SchoolKey), strings.Compare(a.Key, b.Key))
	})
	e.Guardians = sorted(r.guardians, func(a, b *Guardian) int { return strings.Compare(a.Key, b.Key) })
	e.Staff = sorted(r.staff, func(a, b *Staff) int { return strings.Compare(a.Key, b.Key) })
	addDivisions(e, r.labels)
	return e
}

// sorted empties a map into a sorted slice.
func sorted[T any](m map[string]*T, compare func(a, b *T) int) []T {
	ptrs := make([]*T, 0, len(m))
	for _, v := range m {
		ptrs = append(ptrs, v)
	}
	clear(m)
	slices.SortFunc(ptrs, compare)
	out := make([]T, len(ptrs))
	for i, p := range ptrs {
		out[i] = *p
		ptrs[i] = nil
	}
	return out
}

// twins holds back schools that share a UAI, the code that the rest of the world knows
// a school by: taking both would mix them up.
func (r *reading) twins() {
	byUAI := make(map[string]*School)
	all := slices.SortedFunc(maps.Values(r.schools), func(a, b *School) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line)
	})
	for _, s := range all {
		first := byUAI[s.UAI]
		if first == nil || s.UAI == "" {
			byUAI[s.UAI] = s
			continue
		}
		r.refuse([]Refusal{{
			File: s.File, Line: s.Line,
			Reason: whySameUAI.Text(r.english, intake.Shorten(s.UAI), intake.Shorten(s.Key), intake.Shorten(first.Key), first.File, first.Line),
		}}, []string{first.Key, s.Key})
	}
}

// homeless takes out the pupils of schools that the files do not describe, with one
// refusal per school, at its first pupil.
func (r *reading) homeless() {
	type group struct {
		first *Pupil
		n     int
	}
	groups := make(map[string]group)
	for key, p := range r.pupils {
		if r.schools[p.SchoolKey] != nil {
			continue
		}
		delete(r.pupils, key)
		if m, refused := r.seen[r.hash(kindSchool, p.SchoolKey)]; refused && m.bad {
			continue // its school has a refusal of its own
		}
		g := groups[p.SchoolKey]
		g.n++
		if g.first == nil || p.File < g.first.File || p.File == g.first.File && p.Line < g.first.Line {
			g.first = p
		}
		groups[p.SchoolKey] = g
	}
	for school, g := range groups {
		r.refuse([]Refusal{{
			File: g.first.File, Line: g.first.Line,
			Reason: whyUnknownSchool.Text(r.english, intake.Shorten(school), g.n),
		}}, []string{school})
	}
}

// resolve marks the links that lead nowhere and drops the guardians that no link of a
// pupil who was taken names.
func (r *reading) resolve() {
	named := make(map[string]struct{}, len(r.guardians))
	for _, p := range r.pupils {
		for i := range p.Links {
			l := &p.Links[i]
			if _, found := r.guardians[l.GuardianKey]; found {
				named[l.GuardianKey] = struct{}{}
				continue
			}
			l.Unresolved = true
			for _, place := range r.badGuardians[l.GuardianKey] {
				r.heldBack[p.SchoolKey] = true
				if place >= 0 && !slices.Contains(r.refusals[place].Schools, p.SchoolKey) {
					r.refusals[place].Schools = append(r.refusals[place].Schools, p.SchoolKey)
				}
			}
		}
	}
	for key := range r.guardians {
		if _, ok := named[key]; !ok {
			delete(r.guardians, key)
		}
	}
}

// addDivisions adds to each school the classes and groups that its pupils are in.
func addDivisions(e *Export, labels map[Place]string) {
	classes := make(map[string]map[string]string)
	groups := make(map[string]map[string]string)
	for i := range e.Schools {
		s := &e.Schools[i]
		classes[s.Key], groups[s.Key] = make(map[string]string), make(map[string]string)
		for _, d := range s.Classes {
			classes[s.Key][d.Code] = d.Label
		}
		for _, d := range s.Groups {
			groups[s.Key][d.Code] = d.Label
		}
	}
	add := func(known map[string]map[string]string, places []Place) {
		for _, p := range places {
			if of := known[p.SchoolKey]; of != nil {
				if _, ok := of[p.Code]; !ok {
					of[p.Code] = labels[p]
				}
			}
		}
	}
	for i := range e.Pupils {
		add(classes, e.Pupils[i].Classes)
		add(groups, e.Pupils[i].Groups)
	}
	list := func(m map[string]string) []Division {
		var out []Division
		for code, label := range m {
			out = append(out, Division{Code: code, Label: label})
		}
		slices.SortFunc(out, func(a, b Division) int { return strings.Compare(a.Code, b.Code) })
		return out
	}
	for i := range e.Schools {
		s := &e.Schools[i]
		s.Classes, s.Groups = list(classes[s.Key]), list(groups[s.Key])
	}
}
