// Package aaftest writes AAF exports about people who do not exist, in the shape of
// the ministry's of January 2013, at any size: for tests, for fuzzing and for
// measurements. The same seed and size give the same bytes.
//
// It keeps what a reader must not trip over: several files per kind, empty attributes
// written three ways, packed links, fathers and mothers at levels 1 and 2, contacts at
// level 0, guardians of nobody (nine in ten of the real export), siblings in one
// school or two, pupils without a class or without any guardian, pupils of age who are
// their own guardian, staff whose functions name schools outside the export, accents,
// ampersands and apostrophes.
package aaftest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
)

// Size says how much to write, and how. The zero value writes an empty export.
type Size struct {
	Schools int
	Pupils  int // per school
	Staff   int // per school
	Strays  int // guardians of nobody, per school

	PerFile int // records of one file; 2000 when zero

	// Later writes the last exports before March 2018 (AAF-VE1711): the same dialect,
	// with mobile, ENTPersonMobileSMS and mail, and with declared classes and groups.
	Later bool
	// Current writes the dialect of after March 2018: both parents at level 1, people in
	// charge at 2, contacts at 3, kinship in two digits; with all that Later has.
	Current bool
	// Latin writes ISO-8859-15 instead of UTF-8.
	Latin bool
	// CRLF ends lines as Windows does.
	CRLF bool
	// Unnamed leaves the comment with the version out.
	Unnamed bool
}

// Lycee is the size of one lycée: 1,200 pupils, about 1,700 guardians, 110 staff.
func Lycee() Size { return Size{Schools: 1, Pupils: 1200, Staff: 110} }

// Generate writes an export into the folder dir, which it makes, and returns what a
// reader must find in it, without Files, File and Line. Telephone numbers are of the
// ranges that the French regulator keeps for fiction.
func Generate(dir string, seed uint64, size Size) (*aaf.Export, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	size.Later = size.Later || size.Current
	g := &generator{rng: rand.New(rand.NewPCG(seed, seed^0x5EED)), size: size, nextKey: 2_000_000}
	for i := range size.Schools {
		g.school(i)
	}
	for i := range g.out.Schools {
		g.population(i)
	}
	if err := g.write(dir); err != nil {
		return nil, fmt.Errorf("writing a fictional export: %w", err)
	}
	return g.expected(), nil
}

type generator struct {
	rng     *rand.Rand
	size    Size
	nextKey int
	out     aaf.Export
	strays  []aaf.Guardian
}

func (g *generator) key() string {
	g.nextKey += 1 + g.rng.IntN(3)
	return fmt.Sprint(g.nextKey)
}

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func pick[T any](g *generator, from []T) T { return from[g.rng.IntN(len(from))] }

// uai makes a code of the right form, with its check letter, in a department that
// does not exist.
func uai(n int) string {
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
	number := 990_000 + n%9_999
	return fmt.Sprintf("%07d%c", number, letters[number%len(letters)])
}

func (g *generator) school(i int) {
	kind := []string{"LYCEE", "COLLEGE", "LYCEE PROFESSIONNEL"}[i%3]
	s := aaf.School{
		Key: fmt.Sprint(52_000 + i), UAI: uai(i), Type: kind,
		Name:  fmt.Sprintf("%s %s-%s", kind, pick(g, schoolNames), pick(g, towns)),
		Phone: g.landline(), PostalCode: fmt.Sprintf("99%03d", i%1000), City: pick(g, towns), Academy: "ACADEMIE FICTIVE",
	}
	levels := map[string][]string{"LYCEE": {"2DE", "1S", "1ES", "TS", "TL"}, "COLLEGE": {"6E", "5E", "4E", "3E"}, "LYCEE PROFESSIONNEL": {"1CAP", "2CAP", "TERM"}}[kind]
	for n := range max(1, (g.size.Pupils+29)/30) {
		code := fmt.Sprintf("%s %d", levels[n%len(levels)], n/len(levels)+1)
		d := aaf.Division{Code: code}
		if g.size.Later {
			d.Label = "CLASSE " + code
		}
		s.Classes = append(s.Classes, d)
		if n%3 == 0 {
			s.Groups = append(s.Groups, aaf.Division{Code: code + " GP1"})
		}
	}
	g.out.Schools = append(g.out.Schools, s)
}

// population fills one school: families with their pupils, staff, and strays.
func (g *generator) population(i int) {
	for left := g.size.Pupils; left > 0; {
		children := min(left, []int{1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3}[g.rng.IntN(11)])
		g.family(i, children)
		left -= children
	}
	for n := range g.size.Staff {
		g.staff(i, n)
	}
	for range g.size.Strays {
		g.strays = append(g.strays, g.guardian(pick(g, surnames), ""))
	}
}

func (g *generator) guardian(last, title string) aaf.Guardian {
	if title == "" {
		title = pick(g, []string{"Mme", "M.", ""})
	}
	a := aaf.Guardian{Key: g.key(), Last: last, First: g.firstName(title), Title: title}
	if g.chance(92) {
		a.HomePhone = g.landline()
	}
	if g.chance(90) {
		a.WorkPhone = pick(g, []string{g.landline(), "0000000000"})
	}
	if g.size.Later {
		if g.chance(85) {
			a.Mobile = g.mobile()
		}
		if g.chance(60) {
			a.SMSMobile = a.Mobile
		}
		if g.chance(75) {
			a.Email = fmt.Sprintf("responsable.%s@familles.example", a.Key)
		}
	}
	return a
}

func (g *generator) firstName(title string) string {
	switch title {
	case "M.":
		return pick(g, boys)
	case "Mme", "Mlle":
		return pick(g, girls)
	}
	return pick(g, append(slices.Clone(boys), girls...))
}

// landline is in 01 99 00, mobile in 06 39 98 01 00 to 06 39 98 99 99: kept for
// fiction by the regulator.
func (g *generator) landline() string { return fmt.Sprintf("019900%04d", g.rng.IntN(10_000)) }
func (g *generator) mobile() string   { return fmt.Sprintf("063998%04d", 100+g.rng.IntN(9_900)) }

// family adds children of the school i, now and then one of them in another school,
// and the adults that their links name.
func (g *generator) family(i, children int) {
	name := pick(g, surnames)
	adults := g.adults(name)
	for range children {
		school := &g.out.Schools[i]
		if g.chance(5) {
			school = &g.out.Schools[g.rng.IntN(len(g.out.Schools))]
		}
		p := g.pupil(school, name)
		p.Links = append(p.Links, adults...)
		if g.chance(24) { // somebody to reach, of this child alone
			p.Links = append(p.Links, g.link(g.keep(g.guardian(pick(g, surnames), "")), pick(g, []string{"4", "4", "6", "3"}), "0", "0", "1"))
		}
		if len(p.Links) == 1 && g.chance(3) { // of age, and their own guardian
			self := g.guardian(p.Last, p.Title)
			self.First = p.First
			p.Links = []aaf.Link{g.link(g.keep(self), "7", "1", "1", "0")}
		}
		g.rng.Shuffle(len(p.Links), func(a, b int) { p.Links[a], p.Links[b] = p.Links[b], p.Links[a] })
		g.out.Pupils = append(g.out.Pupils, p)
	}
}

func (g *generator) keep(a aaf.Guardian) string {
	g.out.Guardians = append(g.out.Guardians, a)
	return a.Key
}

func (g *generator) link(key, kinship, financial, legal, contact string) aaf.Link {
	l := aaf.Link{GuardianKey: key, Kinship: kinship, Financial: financial, Legal: legal, Contact: contact, Payment: "0", Level: aaf.Contact}
	if legal != "0" {
		l.Level = aaf.Legal
	}
	if g.size.Current {
		l.Kinship = map[string]string{"1": "20", "2": "10", "3": "50", "4": "39", "5": "51", "6": "90", "7": "70"}[kinship]
		switch {
		case legal != "0":
			l.Legal = "1"
		case financial == "1" || g.chance(20):
			l.Legal, l.Level = "2", aaf.InCharge
		default:
			l.Legal = "3"
		}
		kinship, legal = l.Kinship, l.Legal
	}
	l.Raw = strings.Join([]string{key, kinship, financial, legal, contact, l.Payment}, "$")
	return l
}

// adults makes the links that all children of a family have, in about the proportions
// of the real export.
func (g *generator) adults(name string) []aaf.Link {
	contact := pick(g, []string{"0", "0", "0", "1"})
	mother := func(financial, legal string) aaf.Link {
		return g.link(g.keep(g.guardian(pick(g, []string{name, pick(g, surnames)}), "Mme")), "2", financial, legal, contact)
	}
	father := func(financial, legal string) aaf.Link {
		return g.link(g.keep(g.guardian(name, "M.")), "1", financial, legal, contact)
	}
	switch n := g.rng.IntN(100); {
	case n < 25:
		return []aaf.Link{mother("1", "1"), father("0", "2")}
	case n < 45:
		return []aaf.Link{father("1", "1"), mother("0", "2")}
	case n < 72:
		return []aaf.Link{mother("1", "1")}
	case n < 90:
		return []aaf.Link{father("1", "1")}
	case n < 94:
		return []aaf.Link{g.link(g.keep(g.guardian(pick(g, surnames), "")), "3", "1", "1", "0")}
	case n < 95:
		return []aaf.Link{g.link(g.keep(aaf.Guardian{Key: g.key(), Last: "AIDE SOCIALE FICTIVE", HomePhone: g.landline()}), "5", "1", "1", "0")}
	case n < 97: // paid for by one, represented by another
		return []aaf.Link{mother("0", "1"), g.link(g.keep(g.guardian(name, "")), "4", "1", "0", "0")}
	default:
		return nil
	}
}

func (g *generator) pupil(s *aaf.School, name string) aaf.Pupil {
	title := pick(g, []string{"M.", "M.", "M.", "Mlle", "Mlle", "Mlle", "Mme", ""})
	p := aaf.Pupil{
		Key: g.key(), SchoolKey: s.Key, Last: name, Usual: name, First: g.firstName(title), Title: title,
		Born:   fmt.Sprintf("%04d-%02d-%02d", 1993+g.rng.IntN(9), 1+g.rng.IntN(12), 1+g.rng.IntN(28)),
		Regime: pick(g, regimes), Status: "SCOLAIRE", Grade: pick(g, grades),
	}
	if g.chance(4) {
		p.Usual = pick(g, surnames)
	}
	if !g.chance(2) {
		p.Classes = []aaf.Place{{SchoolKey: s.Key, Code: pick(g, s.Classes).Code}}
	}
	if g.chance(11) {
		p.Groups = []aaf.Place{{SchoolKey: s.Key, Code: pick(g, s.Groups).Code}}
		if other := (aaf.Place{SchoolKey: s.Key, Code: pick(g, s.Groups).Code}); other != p.Groups[0] {
			p.Groups = append(p.Groups, other)
		}
	}
	if g.size.Later && g.chance(30) {
		p.Mobile = g.mobile()
	}
	return p
}

func (g *generator) staff(i, n int) {
	s := &g.out.Schools[i]
	title := pick(g, []string{"Mme", "M."})
	a := aaf.Staff{
		Key: g.key(), Last: pick(g, surnames), First: g.firstName(title), Title: title, Schools: []string{s.Key},
		Email: fmt.Sprintf("agent.%d@ecole.example", g.nextKey),
	}
	if !g.size.Later {
		a.Email = ""
	}
	switch {
	case n == 0:
		a.Functions = []aaf.Function{{SchoolKey: s.Key, Code: "DIR", Label: "DIRECTION"}}
	case n == 1:
		a.Functions = []aaf.Function{{SchoolKey: s.Key, Code: "EDU", Label: "EDUCATION"}}
	case n%12 == 2:
		a.Functions = []aaf.Function{{SchoolKey: s.Key, Code: "AED", Label: "ASSISTANT D'EDUCATION"}}
	case n%25 == 3: // passing through, as fourteen in a hundred of the real export are
		a.Schools = nil
	default:
		a.Teaches = true
		a.Functions = []aaf.Function{{SchoolKey: s.Key, Code: "ENS", Label: "ENSEIGNEMENT"}}
		if g.chance(12) {
			a.Functions = append(a.Functions, aaf.Function{SchoolKey: "50222", Code: "ORI", Label: "ORIENTATION"})
		}
		for range 1 + g.rng.IntN(6) {
			p := aaf.Place{SchoolKey: s.Key, Code: pick(g, s.Classes).Code}
			if !slices.Contains(a.Classes, p) {
				a.Classes = append(a.Classes, p)
			}
		}
		if g.chance(30) {
			a.Groups = []aaf.Place{{SchoolKey: s.Key, Code: pick(g, s.Groups).Code}}
		}
		if g.chance(14) {
			a.Principal = []aaf.Place{a.Classes[0]}
		}
	}
	g.out.Staff = append(g.out.Staff, a)
}

// expected puts what was written in the order of a reader.
func (g *generator) expected() *aaf.Export {
	e := g.out
	e.GuardiansRead = len(e.Guardians) + len(g.strays)
	named := make(map[string]bool)
	used := make(map[aaf.Place]bool)
	for _, p := range e.Pupils {
		for _, l := range p.Links {
			named[l.GuardianKey] = true
		}
		for _, c := range slices.Concat(p.Classes, p.Groups) {
			used[c] = true
		}
	}
	e.Guardians = slices.DeleteFunc(slices.Clone(e.Guardians), func(a aaf.Guardian) bool { return !named[a.Key] })
	e.Schools = slices.Clone(e.Schools)
	for i := range e.Schools {
		s := &e.Schools[i]
		// What the school does not declare is known through its pupils only.
		unknown := func(d aaf.Division) bool { return !g.size.Later && !used[aaf.Place{SchoolKey: s.Key, Code: d.Code}] }
		s.Classes = orNil(slices.DeleteFunc(slices.Clone(s.Classes), unknown))
		s.Groups = orNil(slices.DeleteFunc(slices.Clone(s.Groups), unknown))
		byCode := func(a, b aaf.Division) int { return strings.Compare(a.Code, b.Code) }
		slices.SortFunc(s.Classes, byCode)
		slices.SortFunc(s.Groups, byCode)
	}
	slices.SortFunc(e.Schools, func(a, b aaf.School) int { return strings.Compare(a.Key, b.Key) })
	e.Pupils = slices.SortedFunc(slices.Values(e.Pupils), func(a, b aaf.Pupil) int {
		if c := strings.Compare(a.SchoolKey, b.SchoolKey); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	slices.SortFunc(e.Guardians, func(a, b aaf.Guardian) int { return strings.Compare(a.Key, b.Key) })
	e.Staff = slices.SortedFunc(slices.Values(e.Staff), func(a, b aaf.Staff) int { return strings.Compare(a.Key, b.Key) })
	return &e
}

func orNil[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}
