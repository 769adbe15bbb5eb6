package directory

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// double is something of two or more people that may be a mistake of the file: a task
// asks about it, and nothing is joined, parted or left out because of it.
type double struct {
	kind   string
	person string // on whose page, or whose pupil's, it is settled
	detail string // the others, by name
	sign   string // what it is about: another fact is another sign
}

// doubtfulKinds are those that this looks for, and closes itself once the file no longer
// says so.
var doubtfulKinds = []string{TaskSamePerson, TaskSameAccount, TaskSameContact, TaskStaffGuardian}

// NeedsReason tells whether whoever closes a task of that kind says why.
func NeedsReason(kind string) bool { return slices.Contains(doubtfulKinds, kind) }

// doublesOf looks for people who may be there twice and for addresses that two families
// share. It is pure. People are those who belong to the school, links and points those
// that have not ended.
//
//   - Two pupils of the same names and date of birth, without regard to accents, hyphens
//     and capitals. Twins have two first names: they are two.
//   - Two adults of the same names and one address.
//   - Pupils who have one mail address or mobile of their own: they would share an account.
//   - Adults who have one address and no pupil in common: not of one household.
//   - An adult around pupils who is called as a member of staff.
func doublesOf(people []Person, links []Link, points []ContactPoint) []double {
	by := map[string]Person{}
	for _, p := range people {
		by[p.ID] = p
	}
	pupils := map[string][]string{} // of an adult
	for _, l := range links {
		if _, here := by[l.Pupil]; here {
			pupils[l.Adult] = append(pupils[l.Adult], l.Pupil)
		}
	}
	sharing := map[string][]Person{} // address of a kind → who has it
	for _, c := range points {
		p, here := by[c.Person]
		k := string(p.Kind) + " " + string(c.Channel) + " " + strings.ToLower(c.Address)
		if here && c.Address != "" && !slices.ContainsFunc(sharing[k], func(o Person) bool { return o.ID == p.ID }) {
			sharing[k] = append(sharing[k], p)
		}
	}
	var out []double
	add := func(kind, fact string, who []Person) {
		slices.SortFunc(who, func(a, b Person) int { return cmp.Compare(a.ID, b.ID) })
		out = append(out, doubleOf(kind, fact, who))
	}

	named := map[string][]Person{}
	staff := slices.ContainsFunc(people, func(p Person) bool { return p.Kind == KindStaff })
	for _, p := range people {
		switch {
		case p.Kind == KindPupil && p.Born != "":
			k := "pupil " + sameName(p) + " " + p.Born
			named[k] = append(named[k], p)
		case staff && (p.Kind == KindStaff || p.Kind == KindAdult && len(pupils[p.ID]) > 0):
			named["grown "+sameName(p)] = append(named["grown "+sameName(p)], p)
		}
	}
	for k, who := range named {
		if strings.HasPrefix(k, "pupil ") {
			if len(who) > 1 {
				add(TaskSamePerson, k, who)
			}
			continue
		}
		if !slices.ContainsFunc(who, func(p Person) bool { return p.Kind == KindStaff }) {
			continue
		}
		for _, p := range who {
			if p.Kind == KindAdult {
				add(TaskStaffGuardian, k, []Person{p})
			}
		}
	}
	twice := map[string]bool{} // of adults whom one task asks about already
	for k, who := range sharing {
		if len(who) < 2 {
			continue
		}
		switch who[0].Kind {
		case KindPupil:
			if !strings.HasPrefix(k, string(KindPupil)+" "+string(Phone)) { // a landline is the family's
				add(TaskSameAccount, k, who)
			}
		case KindAdult:
			same := map[string][]Person{}
			var homes []Person
			for _, p := range who {
				if len(pupils[p.ID]) > 0 {
					same[sameName(p)] = append(same[sameName(p)], p)
				}
			}
			for name, ps := range same {
				homes = append(homes, ps[0])
				if ids := joined(ps); len(ps) > 1 && !twice[ids] {
					twice[ids] = true
					add(TaskSamePerson, "grown "+name, ps)
				}
			}
			if apart := households(homes, pupils); len(apart) > 1 {
				add(TaskSameContact, k, apart)
			}
		}
	}
	slices.SortFunc(out, func(a, b double) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.sign, b.sign)) })
	return out
}

// doubleOf names people and the fact that they have in common. The first is asked about.
func doubleOf(kind, fact string, who []Person) double {
	const most = 4
	var names []string
	for _, p := range who[1:] {
		if len(names) == most {
			names = append(names, "…")
			break
		}
		names = append(names, nameOf(p))
	}
	sum := sha256.Sum256([]byte(kind + "\n" + fact + "\n" + joined(who)))
	return double{kind: kind, person: who[0].ID, detail: strings.Join(names, ", "), sign: hex.EncodeToString(sum[:16])}
}

func joined(who []Person) string {
	var ids []string
	for _, p := range who {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// sameName is a name for comparing: Jean-Noël, JEAN NOEL and Jeannoël are one.
func sameName(p Person) string {
	fold := func(s string) string { return strings.ReplaceAll(intake.Fold(s), " ", "") }
	return fold(p.LastName) + " " + fold(p.FirstName)
}

// households gives one adult of each household among some: those who are around one pupil
// are of one.
func households(adults []Person, pupils map[string][]string) []Person {
	slices.SortFunc(adults, func(a, b Person) int { return cmp.Compare(a.ID, b.ID) })
	home := map[string]int{} // of a pupil
	var out []Person
	at := make([]int, len(adults))
	for i, a := range adults {
		at[i] = i
		for _, p := range pupils[a.ID] {
			j, known := home[p]
			if !known {
				home[p] = i
				continue
			}
			from, to := at[i], at[j]
			for k := range at[:i+1] { // few adults have one address
				if at[k] == from {
					at[k] = to
				}
			}
		}
	}
	seen := map[int]bool{}
	for i, a := range adults {
		if !seen[at[i]] {
			seen[at[i]] = true
			out = append(out, a)
		}
	}
	return out
}

// doubles opens a task for each double that nobody was asked about, and closes those
// that are none any more. One that somebody closed stays closed while nothing changed.
func (im *importing) doubles() {
	people := slices.DeleteFunc(rowsOf[Person](im.have), func(p Person) bool { return p.ID == tripwirePerson || p.LeftOn != "" && p.LeftOn <= im.day })
	links := slices.DeleteFunc(rowsOf[Link](im.have), func(l Link) bool { return !l.EndedAt.IsZero() })
	points := slices.DeleteFunc(rowsOf[ContactPoint](im.have), func(c ContactPoint) bool { return !c.EndedAt.IsZero() })
	tasks := slices.DeleteFunc(rowsOf[Task](im.have), func(t Task) bool { return t.Sign == "" })
	asked := map[string]bool{}
	for _, t := range tasks {
		// One that an import closed, and that is there again, is asked about again.
		if t.ClosedAt.IsZero() || t.ClosedBy != byImport {
			asked[t.Sign] = true
		}
	}
	still := map[string]bool{}
	var add []Task
	for _, d := range doublesOf(people, links, points) {
		still[d.sign] = true
		if !asked[d.sign] {
			add = append(add, Task{School: im.school, ID: database.NewID(), Kind: d.kind, Person: d.person, Detail: d.detail, Sign: d.sign, OpenedAt: im.now})
		}
	}
	for _, t := range tasks {
		if still[t.Sign] || !t.ClosedAt.IsZero() {
			continue
		}
		was := t
		t.ClosedAt, t.ClosedBy = im.now, byImport
		im.turned(&was, &t)
		im.update(&t, "closed_at", "closed_by")
	}
	addRows(im, add)
}

// byImport closes what a file settled.
const byImport = "import"
