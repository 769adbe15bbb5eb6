// Package siecle reads what a school takes out of SIECLE, the ministry's base of pupils
// of the second degree: ElevesAvecAdresses or ElevesSansAdresses, ResponsablesAvecAdresses,
// Structures and Nomenclature.
//
// Its promise: what it hands over is exactly what the files say, or it says which file,
// which line and what to do. It never guesses. A file that it cannot read to the last
// byte gives nothing; a record that contradicts another holds its school back.
//
// Dialects. On 30 March 2018 RESP_LEGAL (1 and 2 are legal representatives, 0 is not)
// became NIVEAU_RESPONSABILITE (1 is a legal representative, 2 a person in charge, 3 a
// contact). The element says which it is. Where everything else in the file says the
// other, and a level 2 makes it matter, the file is refused until somebody decides.
// Which level gives which right is not decided here.
//
// What the files hold besides is passed over and counted in Export.Aside. Records are
// kept packed, as one text each: a region of 100,000 pupils stays below 200 MB.
//
// Sources of the format: files of 2019 of a public project (dossiersco), the ministry's
// schema of the return flow, and what two public importers (GEPI, dossiersco) read.
package siecle

import (
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Export is what a set of files holds, school by school. The order of the files, and
// their names, change nothing but where refusals point.
type Export struct {
	Files   []File
	Ignored []string // found beside them and left: nothing of SIECLE
	Schools []School // by UAI
	Aside   map[string]int

	heldBack map[string]bool
	all      bool
}

// File is one file that was read to its end.
type File struct {
	Path     string
	Root     string
	UAI      string
	Said     string // instead of UAI, where that was not readable
	Version  string // VERSION of the root, as written
	Encoding string
	Bytes    int64
}

// School is one school of the files. Its lists are sorted, each record once.
type School struct {
	UAI     string
	Year    string // ANNEE_SCOLAIRE
	Date    string // of the export, YYYY-MM-DD; empty: not said
	Dialect Dialect
	Pupils  []Pupil
	People  []Person
	Links   []Link
	Places  []Place // of pupils in divisions and groups
	Groups  []Group // divisions and groups that Structures.xml declares
	MEFs    int     // that Nomenclature.xml declares
}

// Dialect is what the levels of links mean.
type Dialect string

// Dialects.
const (
	Unsaid     Dialect = "" // there is no link
	Before2018 Dialect = "before-2018"
	After2018  Dialect = "after-2018"
)

// A record is kept as its fields with a character between that no file can hold.
const between = "\x1f"

type packed struct {
	text       string
	file, line int32
}

func (p packed) key() string {
	key, _, _ := strings.Cut(p.text, between)
	return key
}

// Line is where the record begins.
func (p packed) Line() int { return int(p.line) }

// Pupil is an ELEVE.
type Pupil struct{ packed }

// PupilData are the fields of a pupil, as written but for the dates.
type PupilData struct {
	ID, Last, Usual, First   string
	Born, Left               string // YYYY-MM-DD or empty
	MEF, Status, Regime, Sex string
	AcceptsSMS               Answer
	Phone, Mobile, Email     string
}

// Data takes a pupil apart.
func (p Pupil) Data() PupilData {
	f := strings.Split(p.text, between)
	return PupilData{ID: f[pupilID], Last: f[pupilLast], Usual: f[pupilUsual], First: f[pupilFirst], Born: f[pupilBorn], Left: f[pupilLeft],
		MEF: f[pupilMEF], Status: f[pupilStatus], Regime: f[pupilRegime], Sex: f[pupilSex], AcceptsSMS: answer(f[pupilSMS]),
		Phone: f[pupilPhone], Mobile: f[pupilMobile], Email: f[pupilEmail]}
}

// Gone says whether a pupil had left on the day of the export: leavers stay in the file.
func (p PupilData) Gone(day string) bool { return p.Left != "" && day != "" && p.Left <= day }

// Person is a PERSONNE.
type Person struct{ packed }

// PersonData are the fields of a person, as written.
type PersonData struct {
	ID, Title, Last, Usual, First string
	Phone, Mobile, Work, Email    string
	AcceptsSMS                    Answer
}

// Data takes a person apart.
func (p Person) Data() PersonData {
	f := strings.Split(p.text, between)
	return PersonData{ID: f[personID], Title: f[personTitle], Last: f[personLast], Usual: f[personUsual], First: f[personFirst],
		Phone: f[personPhone], Mobile: f[personMobile], Work: f[personWork], Email: f[personEmail], AcceptsSMS: answer(f[personSMS])}
}

// Link is a RESPONSABLE_ELEVE: what one person is to one pupil.
type Link struct{ packed }

// LinkData are the fields of a link, as written.
type LinkData struct {
	Pupil, Person string
	Level         string // RESP_LEGAL or NIVEAU_RESPONSABILITE, by the school's dialect
	Kinship       string // CODE_PARENTE
	// Raw is all that the file says of the link, NAME=value, for the record.
	Raw string
}

// Data takes a link apart.
func (l Link) Data() LinkData {
	f := strings.Split(l.text, between)
	d := LinkData{Pupil: f[linkPupil], Person: f[linkPerson], Level: f[linkLegal] + f[linkLevel], Kinship: f[linkKinship]}
	var raw []string
	for i, name := range linkNames {
		if f[i] != "" {
			raw = append(raw, name+"="+f[i])
		}
	}
	d.Raw = strings.Join(raw, " ")
	return d
}

// Place says that a pupil is in a division (D) or a group (G).
type Place struct{ packed }

// Data gives the pupil, D or G, and the code.
func (p Place) Data() (pupil, kind, code string) {
	f := strings.Split(p.text, between)
	return f[0], f[1], f[2]
}

// Group is a division (D) or a group (G) that the school declares.
type Group struct{ Kind, Code, Label string }

// Answer is what somebody said to a question.
type Answer int

// Answers.
const (
	NotAsked Answer = iota
	No
	Yes
)

// answer reads the booleans of SIECLE, of which one file mixes several kinds.
func answer(s string) Answer {
	switch strings.ToLower(s) {
	case "1", "true", "o", "oui":
		return Yes
	case "0", "false", "n", "non":
		return No
	}
	return NotAsked
}

// HeldBack says whether a refusal forbids taking the school, whole as it must be.
func (e *Export) HeldBack(uai string) bool { return e.all || e.heldBack[uai] }

// HasPupil says whether the school's files have a pupil, gone or not.
func (s *School) HasPupil(id string) bool { return has(s.Pupils, id) }

// Person finds the person of a link.
func (s *School) Person(id string) (Person, bool) {
	i, ok := slices.BinarySearchFunc(s.People, id, func(p Person, id string) int { return strings.Compare(p.key(), id) })
	if !ok {
		return Person{}, false
	}
	return s.People[i], true
}

func has[T interface{ key() string }](sorted []T, id string) bool {
	_, ok := slices.BinarySearchFunc(sorted, id, func(p T, id string) int { return strings.Compare(p.key(), id) })
	return ok
}

// Counts are the numbers of a school's files.
type Counts struct {
	Pupils     int // without those who left
	Left       int // pupils who had left on the day of the export
	People     int // PERSONNE
	Links      int // RESPONSABLE_ELEVE
	Unresolved int // links to a pupil or a person who is in none of the files
	OfLeavers  int // links of pupils who left
	Divisions  int // that pupils are in
	Groups     int
}

// Counts counts a school, held back or not.
func (s *School) Counts() Counts {
	c := Counts{People: len(s.People), Links: len(s.Links)}
	gone := map[string]bool{}
	for _, p := range s.Pupils {
		if d := p.Data(); d.Gone(s.Date) {
			c.Left++
			gone[d.ID] = true
		} else {
			c.Pupils++
		}
	}
	for _, l := range s.Links {
		d := l.Data()
		_, known := s.Person(d.Person)
		switch {
		case gone[d.Pupil]:
			c.OfLeavers++
		case !known || !s.HasPupil(d.Pupil):
			c.Unresolved++
		}
	}
	seen := map[string]bool{}
	for _, p := range s.Places {
		if _, kind, code := p.Data(); !seen[kind+code] {
			seen[kind+code] = true
			if kind == "D" {
				c.Divisions++
			} else {
				c.Groups++
			}
		}
	}
	return c
}

// Recognise says whether a file looks like one of SIECLE. It reads the beginning of what
// it holds and never its name.
func Recognise(f intake.File) bool {
	return kindOf(rootOf(f)) != 0
}

// rootOf is the root of a file of SIECLE as far as its beginning shows it; "": it is none.
func rootOf(f intake.File) string {
	head := string(f.Head)
	if i := strings.Index(head, "<BEE_"); i >= 0 && strings.HasPrefix(f.Text(), "<") {
		name := head[i+1:]
		if end := strings.IndexAny(name, " \t\r\n>/"); end >= 0 {
			return name[:end]
		}
	}
	return ""
}

// FileOf is the path of the file that holds a link.
func (e *Export) FileOf(l Link) string { return e.Files[l.file].Path }
