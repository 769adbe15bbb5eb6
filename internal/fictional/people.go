package fictional

import (
	"fmt"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/directory"
)

const source = "fictional"

func (m *maker) person(kind directory.Kind, first, last, born, lang string) directory.Person {
	id := m.id("person")
	p := directory.Person{
		School: m.town.School.ID, ID: id, Kind: kind, Source: source, SourceKey: strconv.Itoa(m.serial["person"]),
		LastName: last, FirstName: first, Born: born, Lang: lang,
	}
	m.town.Rows.People = append(m.town.Rows.People, p)
	return p
}

func (m *maker) point(person string, channel directory.Channel, address, raw string) {
	m.town.Rows.Contacts = append(m.town.Rows.Contacts, directory.ContactPoint{
		School: m.town.School.ID, ID: m.id("contact"), Person: person,
		Channel: channel, Address: address, Raw: raw, Source: source,
	})
}

// mail gives a person an address that nobody else in the town has.
func (m *maker) mail(p directory.Person, domain string) {
	local := identifier(p.FirstName, p.LastName)
	m.taken[local+"@"+domain]++
	if n := m.taken[local+"@"+domain]; n > 1 {
		local += strconv.Itoa(n)
	}
	m.point(p.ID, directory.Email, local+"@"+domain, local+"@"+domain)
}

const (
	families    = "famille.example"
	alice       = "lycee-alice-guy.example"
	mobileRange = 9_900  // 06 39 98 01 00 to 06 39 98 99 99; the hundred before are tripwires
	lineRange   = 10_000 // 01 99 00 00 00 to 01 99 00 99 99
)

// newMobile is the next number of the range. The step is coprime to the range, so
// that all of it is used before a number comes again: neighbours in a list do not
// have neighbouring numbers, and a town of more than about 3,000 pupils shares some.
func (m *maker) newMobile() int {
	n := 100 + (1+m.mobiles*37)%mobileRange
	m.mobiles++
	return n
}

func (m *maker) mobile(person string, n int) {
	m.point(person, directory.SMS, fmt.Sprintf("+3363998%04d", n), fmt.Sprintf("06 39 98 %02d %02d", n/100, n%100))
}

func (m *maker) landline(person string) {
	n := (7 + m.lines*73) % lineRange
	if m.lines++; n == 1000 { // the school's own
		n = (7 + m.lines*73) % lineRange
		m.lines++
	}
	m.point(person, directory.Phone, fmt.Sprintf("+3319900%04d", n), fmt.Sprintf("01 99 00 %02d %02d", n/100, n%100))
}

// makeCastStaff makes the staff whom stories call by name.
func (m *maker) makeCastStaff() {
	c := &m.town.Cast
	c.Head = m.staff("Hélène", "Marchetti")
	c.CPE = m.staff("Samir", "Aubertin")
	c.Office = m.staff("Odile", "Ferrand")
	c.Supervisor = m.staff("Yanis", "Kerbrat")
	c.Teacher = m.staff("Camille", "Roy")
	c.Nurse = m.staff("Maud", "Guivarch")
}

// otherStaff are those who have no sitting.
func (m *maker) otherStaff() {
	for range max(1, m.opts.Pupils/100) {
		m.anyStaff()
	}
}

func (m *maker) staff(first, last string) string {
	p := m.person(directory.KindStaff, first, last, "", "")
	m.mail(p, alice)
	return p.ID
}

func (m *maker) anyStaff() string {
	first := m.names.women
	if chance(m.people, 42) {
		first = m.names.men
	}
	return m.staff(pick(m.people, first), pick(m.people, m.names.last))
}

// child makes a pupil of a class.
func (m *maker) child(first, last, lang string, class int, born time.Time) directory.Person {
	p := m.person(directory.KindPupil, first, last, born.Format(time.DateOnly), lang)
	m.enrol(p.ID, class)
	return p
}

// birthday is one that goes with a level: pupils are fifteen in the calendar year in
// which they enter the 2de, some a year older.
func (m *maker) birthday(level int) time.Time {
	year := m.year - 15 - level
	if chance(m.people, 7) {
		year--
	}
	return time.Date(year, time.January, 1+m.people.IntN(365), 0, 0, 0, 0, time.UTC)
}

// ofAge tells whether a pupil is 18 on the Tuesday.
func (m *maker) ofAge(born time.Time) bool {
	return !born.AddDate(18, 0, 0).After(m.town.Tuesday)
}

func (m *maker) link(pupil, adult string, level directory.Level, kinship string, priority int, consent directory.Consent) *directory.Link {
	m.town.Rows.Links = append(m.town.Rows.Links, directory.Link{
		School: m.town.School.ID, Pupil: pupil, Adult: adult, Level: level, Kinship: kinship, Priority: priority,
		SMSConsent: consent, Raw: string(level) + "/" + kinship, Source: source,
		SourceDate: m.entry().Format(time.DateOnly), Dialect: "fictional-1",
	})
	return &m.town.Rows.Links[len(m.town.Rows.Links)-1]
}

// entry is the first day of the school year.
func (m *maker) entry() time.Time { return time.Date(m.year, time.September, 1, 7, 0, 0, 0, time.UTC) }

// chosen marks a carer or contact as chosen for the pupil.
func (m *maker) chosen(l *directory.Link) {
	l.ChosenBy, l.ChosenAt = m.town.Cast.Head, m.entry().AddDate(0, 0, 3)
}

func (m *maker) deny(pupil, adult string) {
	id := m.id("decision")
	m.town.Rows.Decisions = append(m.town.Rows.Decisions, directory.Decision{
		School: m.town.School.ID, ID: id, Pupil: pupil, Adult: adult,
		Reference:  fmt.Sprintf("JAF %d/%04d (fictif)", m.year, 100+m.serial["decision"]),
		FromOn:     m.entry().AddDate(0, -4, 0).Format(time.DateOnly),
		RecordedBy: m.town.Cast.Head, RecordedAt: m.entry(),
	})
}

func (m *maker) object(pupil string) {
	m.town.Rows.Objections = append(m.town.Rows.Objections, directory.Objection{
		School: m.town.School.ID, ID: m.id("objection"), Pupil: pupil, Reference: "courrier remis (fictif)",
		RecordedBy: m.town.Cast.Head, RecordedAt: m.entry().AddDate(0, 0, 14),
	})
	m.task(directory.TaskObjection, pupil)
}

func (m *maker) task(kind, person string) {
	m.town.Rows.Tasks = append(m.town.Rows.Tasks, directory.Task{
		School: m.town.School.ID, ID: m.id("task"), Kind: kind, Person: person, OpenedAt: m.entry().AddDate(0, 0, 14),
	})
}
