package fictional

import (
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory"
)

// makeFamilies fills the seats of all classes, the cast's first.
func (m *maker) makeFamilies() {
	m.castFamilies()
	for len(m.seats) > 0 {
		m.family()
	}
}

// castFamilies: their class sits at 08:05 with Camille Roy.
func (m *maker) castFamilies() {
	c := &m.town.Cast
	here := m.castClass()
	c.Class = m.classes[here].group
	elsewhere := min(m.firstOf(1)+4, len(m.classes)-1)
	day := func(back, month, d int) time.Time {
		return time.Date(m.year-back, time.Month(month), d, 0, 0, 0, 0, time.UTC)
	}

	m.sitDown(here)
	m.sitDown(elsewhere)
	c.Lea = m.child("Léa", "Benali", "", here, day(15, 5, 14)).ID
	c.Sami = m.child("Sami", "Benali", "", elsewhere, day(16, 9, 2)).ID
	nadia := m.person(directory.KindAdult, "Nadia", "Benali", "", "")
	karim := m.person(directory.KindAdult, "Karim", "Benali", "", "")
	c.Nadia, c.Karim = nadia.ID, karim.ID
	m.mobile(nadia.ID, m.newMobile())
	m.mail(nadia, families)
	m.mail(karim, families)
	for _, pupil := range []string{c.Lea, c.Sami} {
		m.link(pupil, c.Nadia, directory.Legal, "mother", 1, directory.ConsentYes)
		m.link(pupil, c.Karim, directory.Legal, "father", 2, directory.ConsentUnknown)
	}

	m.sitDown(here)
	c.Denied = m.child("Malo", "Tisserand", "", here, day(15, 2, 20)).ID
	told := m.person(directory.KindAdult, "Adeline", "Jaouen", "", "")
	denied := m.person(directory.KindAdult, "Ronan", "Tisserand", "", "")
	c.DeniedTold, c.DeniedParent = told.ID, denied.ID
	for _, p := range []directory.Person{told, denied} {
		m.mobile(p.ID, m.newMobile())
		m.mail(p, families)
	}
	m.link(c.Denied, told.ID, directory.Legal, "mother", 1, directory.ConsentYes)
	m.link(c.Denied, denied.ID, directory.Legal, "father", 2, directory.ConsentYes)
	m.deny(c.Denied, denied.ID)

	m.sitDown(here)
	c.Unreachable = m.child("Awa", "Sangaré", "", here, day(15, 11, 3)).ID
	c.UnreachableParent = m.person(directory.KindAdult, "Lamine", "Sangaré", "", "").ID
	m.link(c.Unreachable, c.UnreachableParent, directory.Legal, "father", 1, directory.ConsentUnknown)
}

// family makes the next family: one to three children who have seats, and the adults
// around them.
func (m *maker) family() {
	r := m.people
	n := 1
	if chance(r, 14) {
		n = 2
	} else if chance(r, 1.5) {
		n = 3
	}
	lang := ""
	if chance(r, 5) {
		lang = "en"
	}
	father, mother := pick(r, m.names.last), pick(r, m.names.last)
	last := father
	switch x := r.Float64() * 100; {
	case x < 10:
		last = mother
	case x < 20:
		last = double(father, mother)
	}
	if chance(r, 45) && last == father {
		mother = father // one name of the family
	}

	kids := m.children(n, last, lang)
	switch x := r.Float64() * 100; {
	case x < 60:
		m.parents(kids, mother, father, lang, true)
	case x < 77:
		m.parents(kids, mother, father, lang, false)
	case x < 96.5:
		m.alone(kids, last, lang)
	default:
		m.grandmother(kids, last, lang)
	}
	if chance(r, 9) {
		m.neighbour(kids, lang)
	}
	for _, k := range kids {
		m.ownNumber(k)
	}
}

func double(a, b string) string {
	if strings.ContainsAny(a+b, "- ") || a == b {
		return a
	}
	return a + "-" + b
}

// kid is a pupil while the family is made.
type kid struct {
	directory.Person
	level  int
	born   time.Time
	number bool // has the number that a parent gave as their own
}

// children seats n siblings. Two of one level are twins.
func (m *maker) children(n int, last, lang string) []kid {
	var kids []kid
	for range min(n, len(m.seats)) {
		class := m.nextSeat(kids)
		level := m.classes[class].level
		born := m.birthday(level)
		for _, k := range kids {
			if k.level == level {
				born = k.born
			}
		}
		first := m.names.girls
		if chance(m.people, 49) {
			first = m.names.boys
		}
		name := pick(m.people, first)
		for taken(kids, name) {
			name = pick(m.people, first)
		}
		kids = append(kids, kid{Person: m.child(name, last, lang, class, born), level: level, born: born})
	}
	return kids
}

func taken(kids []kid, first string) bool {
	for _, k := range kids {
		if k.FirstName == first {
			return true
		}
	}
	return false
}

// nextSeat takes a seat, of a level that no sibling has where one is near.
func (m *maker) nextSeat(kids []kid) int {
	last := len(m.seats) - 1
	for i := last; i >= max(0, last-20); i-- {
		same := false
		for _, k := range kids {
			same = same || k.level == m.classes[m.seats[i]].level
		}
		if !same {
			m.seats[i], m.seats[last] = m.seats[last], m.seats[i]
			break
		}
	}
	class := m.seats[last]
	m.seats = m.seats[:last]
	return class
}

func (m *maker) adult(first []string, last, lang string) directory.Person {
	return m.person(directory.KindAdult, pick(m.people, first), last, "", lang)
}

func (m *maker) consent() directory.Consent {
	switch x := m.people.Float64() * 100; {
	case x < 70:
		return directory.ConsentYes
	case x < 96:
		return directory.ConsentUnknown
	}
	return directory.ConsentNo
}

func (m *maker) legal(kids []kid, adult string, kinship string, priority int) {
	consent := m.consent()
	for _, k := range kids {
		m.link(k.ID, adult, directory.Legal, kinship, priority, consent)
	}
}

// parents are two, in one household or in two. Some who live together share a mobile
// number; of those who do not, a few are denied by a court, up to three in a town.
func (m *maker) parents(kids []kid, mother, father, lang string, together bool) {
	a, b := m.adult(m.names.women, mother, lang), m.adult(m.names.men, father, lang)
	kinA, kinB := "mother", "father"
	if chance(m.people, 2) { // two mothers
		last := len(m.town.Rows.People) - 1
		b.FirstName, kinB = pick(m.people, m.names.women), "mother"
		m.town.Rows.People[last] = b
	}
	m.legal(kids, a.ID, kinA, 1)
	m.legal(kids, b.ID, kinB, 2)
	if together && chance(m.people, 2.5) {
		n := m.newMobile()
		m.mobile(a.ID, n)
		m.mobile(b.ID, n)
		m.mail(a, families)
		return
	}
	m.reach(a, kids)
	m.reach(b, kids)
	if !together && len(m.town.Rows.Decisions) < 3 && chance(m.people, 12) {
		for _, k := range kids[:1] {
			m.deny(k.ID, b.ID)
		}
	}
}

func (m *maker) alone(kids []kid, last, lang string) {
	first, kinship := m.names.women, "mother"
	if chance(m.people, 20) {
		first, kinship = m.names.men, "father"
	}
	a := m.adult(first, last, lang)
	m.legal(kids, a.ID, kinship, 1)
	m.reach(a, kids)
}

// grandmother brings the children up; a parent far away remains their legal
// representative.
func (m *maker) grandmother(kids []kid, last, lang string) {
	g := m.adult(m.names.women, last, lang)
	for _, k := range kids {
		m.chosen(m.link(k.ID, g.ID, directory.Carer, "grandmother", 1, directory.ConsentUnknown))
	}
	m.reach(g, nil)
	a := m.adult(m.names.men, last, lang)
	m.legal(kids, a.ID, "father", 2)
	if chance(m.people, 50) {
		m.mail(a, families)
	}
}

// neighbour is a contact whom the school may call; it is told only where chosen.
func (m *maker) neighbour(kids []kid, lang string) {
	kinship, first := "aunt", m.names.women
	switch m.people.IntN(4) {
	case 0:
		kinship, first = "grandfather", m.names.men
	case 1:
		kinship = "neighbour"
	case 2:
		kinship, first = "uncle", m.names.men
	}
	n := m.adult(first, pick(m.people, m.names.last), lang)
	chosen := chance(m.people, 25)
	for _, k := range kids {
		l := m.link(k.ID, n.ID, directory.Contact, kinship, 3, directory.ConsentUnknown)
		if chosen {
			m.chosen(l)
		}
	}
	m.mobile(n.ID, m.newMobile())
}

// reach gives an adult the means by which the school can reach them, or fails to.
func (m *maker) reach(a directory.Person, kids []kid) {
	switch x := m.people.Float64() * 100; {
	case x < 86:
		m.mobile(a.ID, m.newMobile())
		m.mail(a, families)
	case x < 91:
		m.mail(a, families)
	case x < 95:
		m.mobile(a.ID, m.newMobile())
	case x < 97:
		m.landline(a.ID)
	case x < 98.5 && len(kids) > 0:
		// The number that the family gave is the child's.
		n := m.newMobile()
		m.mobile(a.ID, n)
		m.mobile(kids[0].ID, n)
		kids[0].number = true
		m.mail(a, families)
		m.task(directory.TaskSameNumber, a.ID)
	}
}

// ownNumber gives pupils numbers of their own, and lets three of age object.
func (m *maker) ownNumber(k kid) {
	ofAge := m.ofAge(k.born)
	if !k.number && (chance(m.people, 60) || ofAge) {
		m.mobile(k.ID, m.newMobile())
	}
	if ofAge {
		m.mail(k.Person, families)
		if len(m.town.Rows.Objections) < 3 && chance(m.people, 30) {
			m.object(k.ID)
		}
	}
}
