package fictional

import (
	"time"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// Small is the town of the stories: the cast, two classmates, two classes and their
// lessons on the Tuesday at 08:05 and 09:05, under ids that can be read: the school is
// "alice-guy", the others are called as in Cast ("lea", "nadia"), the sittings
// "maths", "francais" (2de 3) and "histoire" (Sami's, 1re 5, at 08:05). Zero: 24
// November 2026.
func Small(tuesday time.Time) Town {
	m := newMaker(0, Options{Tuesday: tuesday})
	const school = "alice-guy"
	t := &m.town
	t.School = directory.School{
		ID: school, UAI: uai(9_990_041), Name: "Lycée Alice-Guy", ShortName: "Lycee Alice-Guy",
		Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr", Phone: "01 99 00 10 00",
	}
	t.Cast = Cast{
		Head: "head", CPE: "cpe", Office: "office", Supervisor: "supervisor", Nurse: "nurse", Teacher: "roy",
		Class: "2de3", Sitting: "maths", Lea: "lea", Nadia: "nadia", Karim: "karim", Sami: "sami",
		Denied: "malo", DeniedTold: "adeline", DeniedParent: "ronan",
		Unreachable: "awa", UnreachableParent: "lamine",
	}
	for _, p := range []struct {
		id, first, last string
		kind            directory.Kind
		born            string
		mobile, mail    bool
	}{
		{"head", "Hélène", "Marchetti", directory.KindStaff, "", false, true},
		{"cpe", "Samir", "Aubertin", directory.KindStaff, "", false, true},
		{"office", "Odile", "Ferrand", directory.KindStaff, "", false, true},
		{"supervisor", "Yanis", "Kerbrat", directory.KindStaff, "", false, true},
		{"nurse", "Maud", "Guivarch", directory.KindStaff, "", false, true},
		{"roy", "Camille", "Roy", directory.KindStaff, "", false, true},
		{"nadia", "Nadia", "Benali", directory.KindAdult, "", true, true},
		{"karim", "Karim", "Benali", directory.KindAdult, "", false, true},
		{"adeline", "Adeline", "Jaouen", directory.KindAdult, "", true, true},
		{"ronan", "Ronan", "Tisserand", directory.KindAdult, "", true, true},
		{"lamine", "Lamine", "Sangaré", directory.KindAdult, "", false, false},
		{"sylvie", "Sylvie", "Le Floc'h", directory.KindAdult, "", true, true},
		{"tarek", "Tarek", "Haddad", directory.KindAdult, "", true, false},
		{"lea", "Léa", "Benali", directory.KindPupil, "-05-14", false, false},
		{"malo", "Malo", "Tisserand", directory.KindPupil, "-02-20", false, false},
		{"awa", "Awa", "Sangaré", directory.KindPupil, "-11-03", false, false},
		{"ewen", "Ewen", "Le Floc'h", directory.KindPupil, "-07-08", false, false},
		{"nora", "Nora", "Haddad", directory.KindPupil, "-01-30", true, false},
		{"sami", "Sami", "Benali", directory.KindPupil, "-09-02", false, false},
	} {
		if p.born != "" {
			year := m.year - 15
			if p.id == "sami" {
				year--
			}
			p.born = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006") + p.born
		}
		row := directory.Person{School: school, ID: p.id, Kind: p.kind, Source: source, SourceKey: p.id, LastName: p.last, FirstName: p.first, Born: p.born}
		t.Rows.People = append(t.Rows.People, row)
		if p.mobile {
			m.mobile(p.id, m.newMobile())
		}
		switch {
		case p.mail && p.kind == directory.KindStaff:
			m.mail(row, alice)
		case p.mail:
			m.mail(row, families)
		}
	}
	for i := range t.Rows.Contacts {
		c := &t.Rows.Contacts[i]
		c.ID = c.Person + "-" + string(c.Channel)
	}
	for _, g := range []struct {
		id, label string
		pupils    []string
	}{
		{"2de3", "2de 3", []string{"lea", "malo", "awa", "ewen", "nora"}},
		{"1re5", "1re 5", []string{"sami"}},
	} {
		t.Rows.Groups = append(t.Rows.Groups, directory.Group{School: school, ID: g.id, Kind: "class", Code: g.id, Label: g.label})
		for _, p := range g.pupils {
			m.member(g.id, p)
		}
	}
	for _, l := range []struct {
		pupil, adult, kinship string
		priority              int
		consent               directory.Consent
	}{
		{"lea", "nadia", "mother", 1, directory.ConsentYes},
		{"lea", "karim", "father", 2, directory.ConsentUnknown},
		{"sami", "nadia", "mother", 1, directory.ConsentYes},
		{"sami", "karim", "father", 2, directory.ConsentUnknown},
		{"malo", "adeline", "mother", 1, directory.ConsentYes},
		{"malo", "ronan", "father", 2, directory.ConsentYes},
		{"awa", "lamine", "father", 1, directory.ConsentUnknown},
		{"ewen", "sylvie", "mother", 1, directory.ConsentYes},
		{"nora", "tarek", "father", 1, directory.ConsentYes},
	} {
		m.link(l.pupil, l.adult, directory.Legal, l.kinship, l.priority, l.consent)
	}
	m.deny("malo", "ronan")
	for _, s := range []struct {
		id, label, group, staff, room string
		minutes                       int
	}{
		{"maths", "Mathématiques", "2de3", "roy", "A103", 5},
		{"histoire", "Histoire-géographie", "1re5", "cpe", "B105", 5},
		{"francais", "Français", "2de3", "roy", "A103", 65},
	} {
		sitting := timetable.Sitting{
			School: school, ID: s.id, Kind: timetable.Lesson, Label: s.label, ShortLabel: timetable.ShortLabel(s.label), Room: s.room,
			Source: timetable.Fictional, SourceKey: s.id, Groups: []string{s.group}, Staff: []timetable.Charge{{Person: s.staff}},
		}
		starts := t.Tuesday.Add(time.Duration(s.minutes) * time.Minute)
		sitting.At(starts, starts.Add(55*time.Minute), m.loc)
		t.Sittings = append(t.Sittings, sitting)
	}
	return m.town
}
