// Package aaf reads full exports of the French ministry's school directory (AAF,
// annuaire académique fédérateur): second degree in both dialects, and first degree.
//
// Its promise: what it hands over is exactly what the files say, or it says which
// file, which line and what to do. It never guesses. A file that it cannot read to
// the last byte gives nothing; a record that contradicts another gives nothing and
// holds back the schools it touches, so that a school is taken whole or not at all.
//
// It knows nothing of the database. Memory grows with what is useful: the schools,
// the pupils, the staff, and the guardians linked to a pupil. Of the other guardians
// (nine in ten of an export) only a fingerprint of their identifier stays.
//
// Dialects. The digit 2 changed its meaning on 30 March 2018. Until then levels 1 and
// 2 of a link were both legal representatives and 0 was not; afterwards 1 is a legal
// representative, 2 a person in charge and 3 a contact, and kinship codes have two
// digits (10 mother, 20 father). Reading one as the other drops a parent or promotes a
// stranger. So the dialect is told by the files, all together: by the version that they
// declare, their kinship codes, the levels 0 and 3. Files of which one says one dialect
// and another the other are refused whole, and so are those that say nothing and have a
// level 2, unless somebody says the dialect.
//
// First degree. Exports of primary schools name the same things otherwise and have no
// levels: who has parental authority is listed, and nobody else is linked. A list that
// says more than identifiers and kinship is refused: we do not know what it says.
//
// Deltas. A partial export (modifyRequest, deleteRequest) is read together with the
// full export that it changes, and gives what a full export of that day would.
//
// What it still refuses: a delta alone, files of two degrees at once, a root, an element
// or a category that the ministry's DTD and annex do not have.
//
// Sources of the format: the ministry's own DTD (ficAlimMENESR.dtd), which comes with
// every export, the SDET's AAF annex, and a real anonymised export of January 2013.
package aaf

import (
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Export is what a set of files of one full export holds, read whole and
// cross-checked. Its lists are sorted by key, so that the order in which the files
// were named, and their names, change nothing but File and Line.
type Export struct {
	Dialect   Dialect    // "" where it could not be told, and then all is held back
	Files     []File     // read and kept, by path
	Ignored   []string   // found in a folder and left aside: not XML, or a DTD
	Schools   []School   // by Key
	Pupils    []Pupil    // by SchoolKey, then Key
	Guardians []Guardian // those that a pupil's link names, by Key
	Staff     []Staff    // by Key

	// GuardiansRead counts every guardian of the files, linked to a pupil or not.
	GuardiansRead int

	heldBack    map[string]bool // schools that a refusal touches
	allHeldBack bool
}

// File is one file that was read to its end.
type File struct {
	Path     string
	Version  string // versionAF as written, as in "AAF-VE1301"; "" when the file has none
	Encoding string // as declared, in lower case; "utf-8" when nothing is declared
	Records  int    // addRequest elements, of every kind
	Bytes    int64
}

// School is an EtabEducNat record.
type School struct {
	Key        string // ENTStructureJointure: what every other record calls it
	UAI        string // ENTStructureUAI, "" when the file has none
	Name       string // ENTStructureNomCourant
	Type       string // ENTStructureTypeStruct, as in "LYCEE"
	Phone      string // as written
	PostalCode string
	City       string
	Academy    string // ENTServAcAcademie
	// Classes and Groups are those that the school declares and those that its pupils
	// are in: the export of 2013 declares none. By Code.
	Classes []Division
	Groups  []Division
	File    string
	Line    int
}

// Division is a class (division) or a group of one school.
type Division struct {
	Code  string
	Label string // "" unless the school declares one
}

// Place names a class or a group from afar. Its school need not be in the export.
type Place struct {
	SchoolKey string
	Code      string
}

// Pupil is an Eleve record.
type Pupil struct {
	Key       string // ENTPersonJointure
	SchoolKey string // ENTPersonStructRattach; always the key of one of Export.Schools
	Last      string // ENTPersonNomPatro, the family name
	Usual     string // sn, the name in use
	First     string // givenName
	Title     string // personalTitle: "M.", "Mlle", "Mme" or ""
	Born      string // civil date, "2001-09-30", or ""
	Regime    string // ENTEleveRegime, as in "DEMI-PENSIONNAIRE DANS L'ETABLISSEMENT"
	Status    string // ENTEleveStatutEleve, as in "SCOLAIRE"
	Grade     string // ENTEleveLibelleMEF, as in "2DEGT2"
	Classes   []Place
	Groups    []Place
	HomePhone string // as written; the export of 2013 has none for pupils
	Mobile    string
	Email     string
	Links     []Link // in the order of the file
	File      string
	Line      int // of its addRequest
}

// Link is one value of ENTElevePersRelEleve: what one adult is to one pupil. Its
// fields are kept as read.
type Link struct {
	GuardianKey string
	Kinship     string // see Kinship
	Financial   string // "1": pays
	Legal       string // the level as written; what it means is the dialect's
	Level       Level  // what it means
	Contact     string // "1": to be reached; in the old dialect mostly people who are no legal representative
	Payment     string // "1": receives payments
	Raw         string // the packed value as read
	File        string
	Line        int // of the value
	// Unresolved says that no guardian of the export has this key: there is nobody to
	// tell. It is no refusal: Export.Unresolved lists them.
	Unresolved bool
}

// LegalRepresentative says whether the link makes the guardian a legal representative.
// In the real export of 2013 this agrees, for each of its 642 pupils, with the list that
// the same record gives in ENTEleveAutoriteParentale.
func (l Link) LegalRepresentative() bool { return l.Level == Legal }

// Guardian is a PersRelEleve record that a pupil's link names.
type Guardian struct {
	Key       string // ENTPersonJointure
	Last      string // sn, else ENTPersonNomPatro
	First     string
	Title     string
	HomePhone string // homePhone, as written; "0000000000" occurs and means nothing
	WorkPhone string // telephoneNumber, as written
	Mobile    string // mobile; absent in 2013
	SMSMobile string // ENTPersonMobileSMS: another number than Mobile; absent in 2013
	Email     string // mail; absent in 2013
	File      string
	Line      int
}

// Staff is a PersEducNat record.
type Staff struct {
	Key       string
	Last      string // sn, else ENTPersonNomPatro
	First     string
	Title     string
	Email     string
	Teaches   bool       // PersEducNatPresenceDevantEleves is "O"
	Schools   []string   // ENTPersonStructRattach
	Functions []Function // ENTPersonFonctions
	Classes   []Place    // ENTAuxEnsClasses, each once
	Groups    []Place    // ENTAuxEnsGroupes, each once
	Principal []Place    // ENTAuxEnsClassesPrincipal: form teacher of
	File      string
	Line      int
}

// Function is what a member of staff does in one school, which need not be in the
// export.
type Function struct {
	SchoolKey string
	Code      string // "ENS", "DIR", "EDU" (CPE), "AED", "DOC", "ORI"…
	Label     string // as in "ENSEIGNEMENT"
}

// Refusal is what was not taken, and why.
type Refusal = intake.Refusal

// Counts are the numbers of an export. A link counts even when its guardian is
// unknown, but then it is neither among those who may be told nor among the others.
type Counts struct {
	Schools         int `json:"schools"`         // EtabEducNat records
	Pupils          int `json:"pupils"`          // Eleve records
	Guardians       int `json:"guardians"`       // PersRelEleve records, linked to a pupil or not
	Links           int `json:"links"`           // values of ENTElevePersRelEleve
	Unresolved      int `json:"unresolved"`      // links whose guardian is in none of the files
	MayBeTold       int `json:"may_be_told"`     // links of a legal representative
	MayNotBeTold    int `json:"may_not_be_told"` // links of anybody else
	LinkedGuardians int `json:"-"`               // guardians that at least one link names
	Staff           int `json:"-"`
}

// Counts counts the whole export, held back or not. What was refused is not in it.
func (e *Export) Counts() Counts {
	c := Counts{
		Schools: len(e.Schools), Pupils: len(e.Pupils), Guardians: e.GuardiansRead,
		LinkedGuardians: len(e.Guardians), Staff: len(e.Staff),
	}
	for i := range e.Pupils {
		for _, l := range e.Pupils[i].Links {
			c.Links++
			switch {
			case l.Unresolved:
				c.Unresolved++
			case l.LegalRepresentative():
				c.MayBeTold++
			default:
				c.MayNotBeTold++
			}
		}
	}
	return c
}

// Unresolved lists the links whose guardian is in none of the files, in the order of
// the pupils.
func (e *Export) Unresolved() []Link {
	var out []Link
	for i := range e.Pupils {
		for _, l := range e.Pupils[i].Links {
			if l.Unresolved {
				out = append(out, l)
			}
		}
	}
	return out
}

// HeldBack says whether a refusal forbids taking the school, whole as it must be.
func (e *Export) HeldBack(schoolKey string) bool {
	return e.allHeldBack || e.heldBack[schoolKey]
}

// PupilsOf returns the pupils of one school: a part of Pupils, not a copy.
func (e *Export) PupilsOf(schoolKey string) []Pupil {
	bySchool := func(p Pupil, key string) int { return strings.Compare(p.SchoolKey, key) }
	lo, _ := slices.BinarySearchFunc(e.Pupils, schoolKey, bySchool)
	hi, _ := slices.BinarySearchFunc(e.Pupils[lo:], schoolKey, func(p Pupil, key string) int {
		if p.SchoolKey == key {
			return -1
		}
		return 1
	})
	return e.Pupils[lo : lo+hi]
}

// Guardian finds the guardian of a link.
func (e *Export) Guardian(key string) (Guardian, bool) {
	i, ok := slices.BinarySearchFunc(e.Guardians, key, func(g Guardian, key string) int {
		return strings.Compare(g.Key, key)
	})
	if !ok {
		return Guardian{}, false
	}
	return e.Guardians[i], true
}
