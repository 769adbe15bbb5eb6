package oneroster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// build puts together what was read, school by school.
func (r *reading) build() {
	schools := map[string]*School{}
	for _, key := range slices.Sorted(maps.Keys(r.orgs)) {
		if top := r.schoolOf(key); top != nil && schools[top.key] == nil {
			schools[top.key] = &School{Key: top.key, Identifier: top.identifier, Name: top.name, File: top.file, Line: top.line}
		}
	}
	slices.Sort(r.order)
	for _, key := range r.order {
		u := r.users[key]
		if u == nil || u.gone {
			continue
		}
		r.place(u, schools)
	}
	r.links(schools)
	r.groups(schools)
	for _, key := range slices.Sorted(maps.Keys(schools)) {
		if s := schools[key]; len(s.Pupils)+len(s.Staff) > 0 {
			r.out.Schools = append(r.out.Schools, *s)
		}
	}
}

// schoolOf finds the school of an org: a department is its school's, where the file has
// it; a district and what is above are no school.
func (r *reading) schoolOf(key string) *org {
	first := r.orgs[key]
	for at, steps := first, 0; at != nil; at, steps = r.orgs[at.parent], steps+1 {
		if at.kind == "school" {
			return at
		}
		if steps > len(r.orgs) {
			r.refuse(first.file, first.line, nil, whyOrgLoop, intake.Shorten(key))
			return nil
		}
	}
	if first != nil && first.kind == "department" {
		return first
	}
	return nil
}

func guardian(name string) bool { return name == "guardian" || name == "parent" }

// staff are the roles of those who work there.
func staff(name string) bool {
	switch name {
	case "teacher", "administrator", "aide", "proctor", "counselor", "districtadministrator", "principal", "siteadministrator", "systemadministrator":
		return true
	}
	return false
}

func known(name string) bool {
	return guardian(name) || staff(name) || name == "student" || name == "relative"
}

// place puts a user where the roles say: a pupil, or staff, of each school.
func (r *reading) place(u *user, schools map[string]*School) {
	in := map[string]bool{}
	isPupil, isAny, isFamily := false, false, false
	for _, role := range u.roles {
		isPupil = isPupil || role.name == "student"
		isAny = isAny || known(role.name)
		isFamily = isFamily || guardian(role.name) || role.name == "relative"
		at := r.schoolOf(role.org)
		if at == nil || role.name != "student" && !staff(role.name) {
			continue
		}
		s, kind := schools[at.key], role.name == "student"
		if in[fmt.Sprint(at.key, kind)] {
			continue
		}
		in[fmt.Sprint(at.key, kind)] = true
		if kind {
			if u.Last == "" {
				r.refuse(u.File, u.Line, []string{at.key}, whyNoName, intake.Shorten(u.Key))
			}
			s.Pupils = append(s.Pupils, u.Person)
		} else {
			s.Staff = append(s.Staff, u.Person)
		}
	}
	if isFamily {
		r.out.Guardians++
	}
	switch {
	case isPupil && len(in) == 0:
		r.refuse(u.File, u.Line, nobody, whyNoSchool, intake.Shorten(u.Key))
	case !isAny:
		r.say(u.File, u.Line, sayNobodyIs, u.Key, intake.Shorten(strings.Join(roleNames(u.roles), ", ")))
	}
}

func roleNames(roles []role) []string {
	var out []string
	for _, r := range roles {
		out = append(out, r.name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (u *user) is(name string) bool {
	return slices.ContainsFunc(u.roles, func(r role) bool { return r.name == name })
}

// links joins pupils and their agents, whichever of the two names the other.
func (r *reading) links(schools map[string]*School) {
	type pair struct{ pupil, adult string }
	from := map[pair]*user{} // whose row says it
	agentsOf := map[string][]string{}
	for _, key := range r.order {
		u := r.users[key]
		if u == nil || u.gone {
			continue
		}
		for _, agent := range u.agents {
			p := pair{u.Key, agent}
			a := r.users[agent]
			switch {
			case !u.is("student") && (a == nil || a.gone || !a.is("student")):
				continue // neither is a pupil
			case !u.is("student"):
				p = pair{agent, u.Key}
			case agent == u.Key:
				continue
			}
			if from[p] == nil {
				from[p] = u
				agentsOf[p.pupil] = append(agentsOf[p.pupil], p.adult)
			}
		}
	}
	for _, s := range schools {
		adults := map[string]bool{}
		for _, pupil := range s.Pupils {
			for _, agent := range slices.Sorted(slices.Values(agentsOf[pupil.Key])) {
				said := from[pair{pupil.Key, agent}]
				a := r.users[agent]
				switch {
				case a == nil:
					s.Unresolved++
					r.say(said.File, said.Line, sayNobody, intake.Shorten(agent), nameOf(pupil))
					continue
				case a.gone:
					r.say(said.File, said.Line, sayLeft, nameOf(a.Person), nameOf(pupil))
					continue
				case a.is("student"):
					r.say(said.File, said.Line, sayPupil, nameOf(a.Person), nameOf(pupil))
					continue
				}
				l := r.link(s.Key, pupil, a, said)
				s.Links = append(s.Links, l)
				if !adults[a.Key] {
					adults[a.Key] = true
					s.Adults = append(s.Adults, a.Person)
				}
			}
		}
		slices.SortFunc(s.Adults, func(a, b Person) int { return cmp.Compare(a.Key, b.Key) })
	}
}

// link decides what an agent is to a pupil of a school.
func (r *reading) link(school string, pupil Person, a, said *user) Link {
	l := Link{Pupil: pupil.Key, Adult: a.Key, File: said.File, Line: said.Line}
	var beside []string // what the agent is besides, here
	var in, ended *role
	for i := range a.roles {
		role := &a.roles[i]
		at := r.schoolOf(role.org)
		switch {
		case guardian(role.name) && r.holds(*role):
			in = role
		case guardian(role.name):
			ended = role
		case at == nil || at.key == school:
			beside = append(beside, role.name)
		}
	}
	slices.Sort(beside)
	beside = slices.Compact(beside)
	raw := []string{pupil.Key + " " + a.Key}
	for _, role := range a.roles {
		raw = append(raw, strings.Join([]string{role.name, role.org, role.from, role.to}, " "))
	}
	l.Raw = strings.Join(raw, "; ")
	switch {
	case in != nil && len(beside) == 0:
		l.Guardian, l.Role = true, in.name
	case in != nil:
		l.Role = in.name
		r.say(said.File, said.Line, sayAlso, nameOf(a.Person), nameOf(pupil), strings.Join(beside, ", "))
	case ended != nil:
		l.Role = ended.name
		r.say(said.File, said.Line, sayEnded, nameOf(a.Person), nameOf(pupil), ended.name, ended.from, ended.to)
	default:
		l.Role = strings.Join(roleNames(a.roles), ", ")
		if l.Role != "relative" {
			r.say(said.File, said.Line, sayRole, nameOf(a.Person), nameOf(pupil), l.Role)
		}
	}
	return l
}

// holds says whether a role is in force on the day of the import.
func (r *reading) holds(x role) bool {
	return r.o.Day == "" || (x.from == "" || x.from <= r.o.Day) && (x.to == "" || r.o.Day <= x.to)
}

func nameOf(p Person) string {
	return strings.TrimSpace(p.First+" "+p.Last) + " (" + intake.Shorten(p.Key) + ")"
}

func (r *reading) groups(schools map[string]*School) {
	pupils := map[*School]map[string]bool{}
	for _, key := range slices.Sorted(maps.Keys(r.classes)) {
		c := r.classes[key]
		at := r.schoolOf(c.school)
		if at == nil {
			continue
		}
		s := schools[at.key]
		if pupils[s] == nil {
			pupils[s] = map[string]bool{}
			for _, p := range s.Pupils {
				pupils[s][p.Key] = true
			}
		}
		g := Group{Key: c.key, Title: cmp.Or(c.title, c.code, c.key), Code: c.code, Homeroom: c.homeroom}
		for _, who := range slices.Sorted(maps.Keys(c.pupils)) {
			if pupils[s][who] {
				g.Pupils = append(g.Pupils, c.pupils[who])
			}
		}
		for _, who := range slices.Sorted(maps.Keys(c.teachers)) {
			g.Teachers = append(g.Teachers, c.teachers[who])
		}
		s.Groups = append(s.Groups, g)
	}
}
