// Package siecletest writes SIECLE exports about people who do not exist, in the shape of
// the ministry's, at any size: for tests, for fuzzing and for measurements. The same seed
// and size give the same bytes.
//
// It keeps what a reader must not trip over: ISO-8859-15 with œ and €, booleans of two
// kinds in one file, several persons of level 1, payers who are no representatives,
// contacts, leavers, pupils without a class, structures in either order, empty elements
// written two ways, one number of two persons, elements that nobody has heard of.
package siecletest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// Size says how much to write, and how.
type Size struct {
	Schools int
	Pupils  int // per school
	// Old writes the levels of before 30 March 2018.
	Old bool
	// Addresses writes ElevesAvecAdresses instead of ElevesSansAdresses.
	Addresses bool
	// CountsOnly leaves Truth.Links out: for large sizes.
	CountsOnly bool
	// First numbers the first school: two exports of other numbers share none.
	First int
}

// Link is what a reader must find of one link.
type Link struct {
	UAI, Pupil, Person string
	Level              string // legal, carer or contact
	Consent            string // yes, no or unknown
	Left               bool   // the pupil had left
}

// Truth is what a reader must find.
type Truth struct {
	UAIs                         []string
	Pupils, Left, People, NLinks int
	Links                        []Link
	Files                        []string
}

// Generate writes an export into the folder dir.
func Generate(dir string, seed uint64, size Size) (Truth, error) {
	g := &generator{rng: rand.New(rand.NewPCG(seed, seed^0x51EC1E)), size: size, next: 600_000}
	for i := range size.Schools {
		i += size.First
		if err := g.school(dir, i); err != nil {
			return Truth{}, fmt.Errorf("writing a fictional export: %w", err)
		}
	}
	return g.truth, nil
}

type generator struct {
	rng   *rand.Rand
	size  Size
	next  int
	truth Truth
}

func (g *generator) id() string {
	g.next += 1 + g.rng.IntN(4)
	return fmt.Sprint(g.next)
}

func (g *generator) chance(percent int) bool { return g.rng.IntN(100) < percent }

func (g *generator) pick(from []string) string { return from[g.rng.IntN(len(from))] }

// mobile is in the range that the regulator keeps for fiction.
func (g *generator) mobile() string {
	n := 100 + g.rng.IntN(9_900)
	if g.chance(50) {
		return fmt.Sprintf("+3363998%04d", n)
	}
	return fmt.Sprintf("063998%04d", n)
}

func (g *generator) landline() string { return fmt.Sprintf("+3319900%04d", g.rng.IntN(10_000)) }

func uai(i int) string {
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
	n := 990_000 + i%9_999
	return fmt.Sprintf("%07d%c", n, letters[n%len(letters)])
}

func (g *generator) date() string {
	if g.size.Old {
		return "12/09/2017"
	}
	return "05/06/2026"
}

func (g *generator) school(dir string, i int) error {
	code := uai(i)
	g.truth.UAIs = append(g.truth.UAIs, code)
	var pupils, people, links, structures strings.Builder
	classes := max(1, g.size.Pupils/28)
	for left := g.size.Pupils; left > 0; {
		children := min(left, []int{1, 1, 1, 1, 1, 1, 2, 2, 3}[g.rng.IntN(9)])
		g.family(code, children, classes, &pupils, &people, &links, &structures)
		left -= children
	}
	name := "ElevesSansAdresses"
	addresses := ""
	if g.size.Addresses {
		name, addresses = "ElevesAvecAdresses", "    <ADRESSES>\n      <ADRESSE ADRESSE_ID=\"1\"><LIGNE1_ADRESSE>1 RUE INVENTÉE</LIGNE1_ADRESSE></ADRESSE>\n    </ADRESSES>\n"
	}
	var declared strings.Builder
	declared.WriteString("    <DIVISIONS>\n")
	for n := range classes {
		fmt.Fprintf(&declared, "      <DIVISION CODE_STRUCTURE=\"%s\"><LIBELLE_LONG>%s</LIBELLE_LONG><MEFS_APPARTENANCE><MEF_APPARTENANCE><CODE_MEF>10310019110</CODE_MEF></MEF_APPARTENANCE></MEFS_APPARTENANCE></DIVISION>\n", class(n), "CLASSE "+class(n))
	}
	declared.WriteString("    </DIVISIONS>\n    <GROUPES/>\n")
	for _, f := range []struct{ name, root, version, body string }{
		{name, "BEE_ELEVES", "3.0", "    <ELEVES>\n" + pupils.String() + "    </ELEVES>\n    <OPTIONS/>\n    <STRUCTURES>\n" + structures.String() + "    </STRUCTURES>\n    <BOURSES />\n" + addresses},
		{"ResponsablesAvecAdresses", "BEE_RESPONSABLES", "2.1", "    <PERSONNES>\n" + people.String() + "    </PERSONNES>\n    <RESPONSABLES>\n" + links.String() + "    </RESPONSABLES>\n    <ADRESSES/>\n"},
		{"Structures", "BEE_STRUCTURES", "1.0", declared.String()},
		{"Nomenclature", "BEE_NOMENCLATURES", "3.1", "    <MEFS>\n      <MEF CODE_MEF=\"10310019110\"><FORMATION>3EME</FORMATION></MEF>\n    </MEFS>\n    <MATIERES/>\n"},
	} {
		path := filepath.Join(dir, code+"_"+f.name+".xml")
		if err := g.write(path, code, f.root, f.version, f.body); err != nil {
			return err
		}
		g.truth.Files = append(g.truth.Files, path)
	}
	return nil
}

func class(n int) string { return fmt.Sprintf("3%02d", n+1) }

func (g *generator) write(path, code, root, version, body string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buffered := bufio.NewWriterSize(f, 64<<10)
	w := transform.NewWriter(buffered, charmap.ISO8859_15.NewEncoder())
	year := "2025"
	if g.size.Old {
		year = "2017"
	}
	_, err = io.WriteString(w, fmt.Sprintf("<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?>\n<%s VERSION=\"%s\">\n  <PARAMETRES>\n    <UAJ>%s</UAJ>\n    <ANNEE_SCOLAIRE>%s</ANNEE_SCOLAIRE>\n    <DATE_EXPORT>%s</DATE_EXPORT>\n    <HORODATAGE>%s 09:11:46</HORODATAGE>\n  </PARAMETRES>\n  <DONNEES>\n%s  </DONNEES>\n</%s>\n",
		root, version, code, year, g.date(), g.date(), body, root))
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return f.Close()
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;")

func element(b *strings.Builder, indent, name, value string) {
	b.WriteString(indent + "<" + name + ">" + escape.Replace(value) + "</" + name + ">\n")
}

type adult struct{ id, level, consent, kinship, pays string }

// family writes children and the adults around them.
func (g *generator) family(code string, children, classes int, pupils, people, links, structures *strings.Builder) {
	last := g.pick(surnames)
	shared := g.mobile()
	var adults []adult
	add := func(level, kinship string) {
		a := adult{id: g.id(), level: level, kinship: kinship, pays: "0", consent: g.pick([]string{"yes", "no", "unknown"})}
		g.person(people, a, last, shared)
		adults = append(adults, a)
	}
	switch n := g.rng.IntN(100); {
	case n < 55:
		add("legal", "mother")
		add("legal", "father")
	case n < 80:
		add("legal", g.pick([]string{"mother", "father"}))
	case n < 90: // three representatives: old files have no more than two
		add("legal", "mother")
		add("legal", "father")
		if !g.size.Old {
			add("legal", "guardian")
		}
	case n < 96:
		add("legal", "guardian")
	}
	if g.chance(25) && !g.size.Old {
		add("carer", "other")
	}
	if g.chance(30) {
		add("contact", "other")
	}
	if len(adults) > 0 { // anybody may pay
		adults[g.rng.IntN(len(adults))].pays = "1"
	}
	for range children {
		id := g.id()
		gone := g.chance(4)
		g.pupil(pupils, id, last, gone)
		if !g.chance(3) {
			g.places(structures, id, classes)
		}
		legal := 0
		for _, a := range adults {
			if a.level == "legal" {
				legal++
			}
			g.link(links, id, a, legal)
			g.truth.NLinks++
			if !g.size.CountsOnly {
				g.truth.Links = append(g.truth.Links, Link{UAI: code, Pupil: id, Person: a.id, Level: a.level, Consent: a.consent, Left: gone})
			}
		}
		if gone {
			g.truth.Left++
		} else {
			g.truth.Pupils++
		}
	}
}

func (g *generator) person(b *strings.Builder, a adult, last, shared string) {
	g.truth.People++
	fmt.Fprintf(b, "      <PERSONNE PERSONNE_ID=\"%s\">\n", a.id)
	element(b, "        ", "LC_CIVILITE", g.pick([]string{"MME", "M."}))
	if g.chance(30) {
		last = g.pick(surnames)
	}
	element(b, "        ", "NOM_DE_FAMILLE", last)
	element(b, "        ", "PRENOM", g.pick(firsts))
	element(b, "        ", "TEL_PERSONNEL", g.landline())
	mobile := g.mobile()
	if g.chance(10) {
		mobile = shared
	}
	element(b, "        ", "TEL_PORTABLE", mobile)
	switch a.consent {
	case "yes":
		element(b, "        ", "ACCEPTE_SMS", g.pick([]string{"1", "true"}))
	case "no":
		element(b, "        ", "ACCEPTE_SMS", g.pick([]string{"0", "false"}))
	default:
		if g.chance(50) {
			b.WriteString("        <ACCEPTE_SMS/>\n")
		}
	}
	b.WriteString("        <TEL_PROFESSIONNEL></TEL_PROFESSIONNEL>\n")
	element(b, "        ", "MEL", "responsable."+a.id+"@familles.example")
	element(b, "        ", "COMMUNICATION_ADRESSE", g.pick([]string{"0", "1"}))
	element(b, "        ", "ADRESSE_ID", "189317")
	element(b, "        ", "CODE_PROFESSION", "75")
	b.WriteString("      </PERSONNE>\n")
}

func (g *generator) pupil(b *strings.Builder, id, last string, gone bool) {
	fmt.Fprintf(b, "      <ELEVE ELEVE_ID=\"%s\" ELENOET=\"%d\">\n", id, len(id)*1000)
	element(b, "        ", "ID_NATIONAL", "999999998ZZ")
	element(b, "        ", "NOM_DE_FAMILLE", last)
	if g.chance(5) {
		element(b, "        ", "NOM_USAGE", g.pick(surnames))
	}
	element(b, "        ", "PRENOM", g.pick(firsts))
	element(b, "        ", "DATE_NAISS", fmt.Sprintf("%02d/%02d/%d", 1+g.rng.IntN(28), 1+g.rng.IntN(12), 2010+g.rng.IntN(5)))
	element(b, "        ", "ACCEPTE_SMS", "0")
	element(b, "        ", "CODE_REGIME", "24")
	element(b, "        ", "DATE_ENTREE", "01/09/2016")
	if gone {
		element(b, "        ", "DATE_SORTIE", "01/09/2017")
	}
	element(b, "        ", "CODE_SEXE", "1")
	element(b, "        ", "CODE_STATUT", "ST")
	element(b, "        ", "CODE_MEF", "10310019110")
	if g.chance(20) {
		b.WriteString("        <NOUVEAUTE_DE_2027 X=\"1\"><A>b</A></NOUVEAUTE_DE_2027>\n")
	}
	b.WriteString("        <SCOLARITE_AN_DERNIER>\n          <CODE_STRUCTURE>406</CODE_STRUCTURE>\n          <MEL>ce.0990000A@ecole.example</MEL>\n        </SCOLARITE_AN_DERNIER>\n      </ELEVE>\n")
}

func (g *generator) places(b *strings.Builder, id string, classes int) {
	fmt.Fprintf(b, "      <STRUCTURES_ELEVE ELEVE_ID=\"%s\">\n", id)
	code := class(g.rng.IntN(classes))
	parts := []string{"<CODE_STRUCTURE>" + code + "</CODE_STRUCTURE>", "<TYPE_STRUCTURE>D</TYPE_STRUCTURE>"}
	if g.chance(30) {
		parts[0], parts[1] = parts[1], parts[0]
	}
	b.WriteString("        <STRUCTURE>" + parts[0] + parts[1] + "</STRUCTURE>\n")
	if g.chance(40) {
		b.WriteString("        <STRUCTURE><CODE_STRUCTURE>_" + code + "P1</CODE_STRUCTURE><TYPE_STRUCTURE>G</TYPE_STRUCTURE></STRUCTURE>\n")
	}
	b.WriteString("      </STRUCTURES_ELEVE>\n")
}

func (g *generator) link(b *strings.Builder, pupil string, a adult, legal int) {
	b.WriteString("      <RESPONSABLE_ELEVE>\n")
	element(b, "        ", "ELEVE_ID", pupil)
	element(b, "        ", "PERSONNE_ID", a.id)
	if g.size.Old {
		level := "0"
		if a.level == "legal" {
			level = fmt.Sprint(min(legal, 2))
		}
		element(b, "        ", "RESP_LEGAL", level)
		element(b, "        ", "CODE_PARENTE", map[string]string{"father": "1", "mother": "2", "guardian": "3", "other": "4"}[a.kinship])
		element(b, "        ", "RESP_FINANCIER", a.pays)
		element(b, "        ", "PERS_PAIMENT", a.pays)
		element(b, "        ", "PERS_CONTACT", map[bool]string{true: "1", false: "0"}[a.level == "contact"])
	} else {
		element(b, "        ", "NIVEAU_RESPONSABILITE", map[string]string{"legal": "1", "carer": "2", "contact": "3"}[a.level])
		element(b, "        ", "CODE_PARENTE", map[string]string{"father": "20", "mother": "10", "guardian": "50", "other": "39"}[a.kinship])
		element(b, "        ", "PAIE_FRAIS_SCOLAIRES", a.pays)
		element(b, "        ", "PERCOIT_LES_AIDES", g.pick([]string{"true", "false"}))
		element(b, "        ", "HEBERGE_ELEVE", g.pick([]string{"true", "false"}))
		element(b, "        ", "A_CONTACTER_EN_PRIORITE", g.pick([]string{"true", "false"}))
	}
	b.WriteString("      </RESPONSABLE_ELEVE>\n")
}

var surnames = []string{"AUBERGINAC", "BRINDEZINGUE", "CALMEVAL", "D'ORNEMARE", "ÉGLANTOT", "FAUVIGEON", "GRISEMOTTE & FILS", "KERVADIOU", "LŒUILLARD", "MARCHEPOIL", "ORTOLANI-BEC", "QUATREVAULX", "SOUFFLENUIT", "ÇAÏQUE"}

var firsts = []string{"Adèle", "Béatrice", "Chloé", "Désiré", "Élodie", "Fatou", "Gaël", "Hélène", "Ismaël", "Jean-Loïc", "Maëlle", "Noël", "Œdipe", "Pacôme", "Zoé"}
