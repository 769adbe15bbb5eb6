// Package oneroster reads rosters in the CSV binding of OneRoster 1.1 and 1.2 (1EdTech):
// a zip or a folder with manifest.csv, orgs.csv, users.csv and, in 1.2, roles.csv.
//
// Its promise: what it hands over is what the files say, or it says which file, which
// line and what to do. OneRoster knows no custody, no legal level, no priority and no
// consent. All that it says of a family is that a user has agents, and what an agent is
// in the school. So a link is that of a guardian only where that person's role is
// guardian or parent, in force, and nothing else beside it in the pupil's school: a
// teacher who is also a guardian may be the agent of a pupil as either, and the file
// does not say as which. Every other agent is read, told in Remarks, and no guardian.
//
// A link is taken from either side, as both occur: a pupil's agents are adults, an
// adult's agents are pupils. An agent who is a pupil is told, and makes no link.
//
// It reads bulk files: a file that the manifest declares as a delta is refused, because
// what it leaves out would be taken for what left. What says "tobedeleted" or
// "inactive" is left out and counted. Columns that it does not know are kept aside and
// counted; a misspelled one is taken where it can be one only.
//
// It knows nothing of the database. Memory grows with the users, never with the rows of
// the enrolments of others.
package oneroster

import (
	"io"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Sheet is one file of the roster: from a folder or within a zip.
type Sheet struct {
	Path string // as people find it
	Open func() (io.ReadCloser, error)
}

// Options of Read.
type Options struct {
	English bool   // reasons in English instead of French
	Day     string // of the import, YYYY-MM-DD: a guardian's role that ended before is none
	// Version is for a roster without a manifest, of which nothing tells bulk from delta:
	// "1.1" or "1.2" says that it is that, in bulk.
	Version string
}

// Export is a roster read whole and cross-checked; its lists are sorted by key.
type Export struct {
	Version string // "1.1" or "1.2"
	Files   []File // read, by name
	Ignored []string
	Schools []School
	// Guardians counts the users whose role is guardian, parent or relative, linked to a
	// pupil or not.
	Guardians int
	LeftOut   int // rows that are to be deleted or inactive
	// Remarks are agents who are no guardians, and what else somebody should look at. It
	// was taken as it is, and nobody is told anything because of it.
	Remarks []intake.Refusal

	heldBack    map[string]bool
	allHeldBack bool
}

// File is one file that was read to its end.
type File struct {
	Name    string
	Rows    int
	Unknown []string // columns kept aside
}

// School is an org that pupils or staff are in. A department is its school's.
type School struct {
	Key        string // sourcedId
	Identifier string // as written; a French school has its UAI there
	Name       string
	Pupils     []Person
	Adults     []Person // those whom Links name
	Staff      []Person
	Links      []Link
	Groups     []Group
	Unresolved int // agents that users.csv has not
	File       string
	Line       int
}

// Person is one user.
type Person struct {
	Key   string
	Last  string
	First string
	Born  string // YYYY-MM-DD, from demographics.csv
	Email string
	SMS   string // as written
	Phone string // as written
	File  string
	Line  int
}

// Link is what one user is to one pupil of the school.
type Link struct {
	Pupil, Adult string
	Guardian     bool   // a legal representative; see the package's comment
	Role         string // "guardian", "parent", "relative", "teacher"…
	Raw          string // what the files say: both ends and every role
	File         string
	Line         int
}

// Group is a class of classes.csv; Homeroom is the one that a pupil belongs to.
type Group struct {
	Key      string
	Title    string
	Code     string
	Homeroom bool
	Pupils   []Member
	Teachers []Member
}

// Member is a user in a class from a day to another, both within; empty: no such day.
type Member struct{ Key, From, To string }

// HeldBack says whether a refusal forbids taking the school, whole as it must be.
func (e *Export) HeldBack(key string) bool { return e.allHeldBack || e.heldBack[key] }
