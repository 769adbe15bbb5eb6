// Package onde reads what a primary school takes out of ONDE, or of BE1D before it: the
// files of pupils, of guardians and of teachers, as tables.
//
// Its promise: what it hands over is what the files say, with how sure it is. The files
// have no identifier: a guardian's row names children by name, first name and class. A
// child who is exactly one pupil of the file is a sure link; a child who may be one is a
// doubt, for a person to settle; nothing is guessed. The files do not say either who is
// a legal representative, nor which school they are of: that is asked elsewhere.
//
// Two vintages differ by a column (Numéro de poste), and rows may be ragged, even by
// that column: a row is read at the shift at which its children are pupils of the school.
//
// Sources of the format: the files of a public project (entcore) in two vintages.
package onde

import (
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Export is what the files of one school hold. The order of the files changes nothing.
type Export struct {
	Files    []File
	Ignored  []string
	Pupils   []Pupil    // by Key
	Adults   []Guardian // by Key
	Teachers []Teacher  // by Key
	Aside    map[string]int
}

// File is one file that was read to its end.
type File struct {
	Path     string
	Encoding string
	Rows     int
}

// Pupil is a row of the file of pupils.
type Pupil struct {
	Key                string // INE where there is one, else the name and the day of birth
	Last, Usual, First string
	Born               string // YYYY-MM-DD or empty
	Classes            []string
	Line               int
}

// Guardian is a row of the file of guardians.
type Guardian struct {
	Key                       string
	Title, Last, Usual, First string
	Email, Home, Work, Mobile string // as written
	Children                  []Child
	File                      string
	Line                      int
}

// Child is whom a guardian's row names.
type Child struct {
	Usual, Last, First, Class string // as written
	Raw                       string
	// Pupil is the key of the one whom it surely is; "" otherwise, and then Perhaps
	// are those whom it may be.
	Pupil   string
	Perhaps []string
	Line    int
}

// Teacher is a row of the file of teachers.
type Teacher struct {
	Key                       string
	Title, Last, Usual, First string
	Email                     string
	Class                     string
	Head                      bool
}

// Counts are the numbers of the files.
type Counts struct {
	Pupils, Guardians, Teachers int
	Children                    int // named by guardians' rows
	Sure, Doubtful, Unknown     int // of them
}

// Counts counts.
func (e *Export) Counts() Counts {
	c := Counts{Pupils: len(e.Pupils), Guardians: len(e.Adults), Teachers: len(e.Teachers)}
	for _, g := range e.Adults {
		for _, child := range g.Children {
			c.Children++
			switch {
			case child.Pupil != "":
				c.Sure++
			case len(child.Perhaps) > 0:
				c.Doubtful++
			default:
				c.Unknown++
			}
		}
	}
	return c
}

// kind is what a table is about, told by its header.
type kind int

const (
	pupilsTable kind = iota + 1
	guardiansTable
	teachersTable
)

// kindOf knows the three tables by their columns.
func kindOf(header []string) kind {
	has := func(names ...string) bool {
		for _, h := range header {
			for _, n := range names {
				if h == n {
					return true
				}
			}
		}
		return false
	}
	switch {
	case has(guardianLast...) && has(childFirst...):
		return guardiansTable
	case has(pupilLast...) && has(pupilFirst...) && has(classNames...):
		return pupilsTable
	case has("directeur") && has("nom") && has("prenom") && has(classNames...):
		return teachersTable
	}
	return 0
}

// The names of columns, folded, in the vintages that are known.
var (
	pupilLast     = []string{"nom eleve", "nom de famille eleve", "nom de naissance eleve"}
	pupilUsual    = []string{"nom d usage eleve", "nom usage eleve"}
	pupilFirst    = []string{"prenom eleve"}
	pupilBorn     = []string{"date naissance", "date de naissance", "date naissance eleve"}
	pupilINE      = []string{"ine", "identifiant national", "numero ine"}
	classNames    = []string{"classe", "libelle classe", "classes"}
	guardianLast  = []string{"nom responsable", "nom de famille responsable"}
	guardianUsual = []string{"nom usage responsable", "nom d usage responsable"}
	guardianFirst = []string{"prenom responsable"}
	guardianTitle = []string{"civilite responsable", "civilite"}
	email         = []string{"courriel", "courriel responsable", "email", "mail"}
	homePhone     = []string{"telephone domicile"}
	workPhone     = []string{"telephone travail", "telephone professionnel"}
	extension     = []string{"numero de poste"}
	mobilePhone   = []string{"telephone portable", "telephone mobile"}
	childUsual    = []string{"nom d usage enfant", "nom usage enfant"}
	childLast     = []string{"nom de famille enfant", "nom enfant"}
	childFirst    = []string{"prenom enfant"}
	childClass    = []string{"classes enfants", "classe enfant", "classes enfant", "classe enfants"}
)

// Recognise says whether a file looks like a table of ONDE, by its first row and never
// by its name.
func Recognise(f intake.File) bool { return kindOf(f.FirstRow()) != 0 }

// same says whether two texts are the same but for case, accents and punctuation.
func same(a, b string) bool { return intake.Fold(a) == intake.Fold(b) }

func join(parts ...string) string {
	for i, p := range parts {
		parts[i] = intake.Fold(p)
	}
	return strings.Join(parts, "|")
}
