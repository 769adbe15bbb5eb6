// Package fictional makes schools up: their pupils, families, staff and timetable, for
// the demonstration, the drills and the tests.
//
// Its promise: nobody in it exists and nothing in it can be reached. Names are drawn at
// random from lists of first and last names, mobile and landline numbers come from the
// ranges that the French regulator keeps for fiction, mail addresses end in .example.
// The same seed and options make the same school, to the byte. What makes real
// schools difficult is there: two households, one parent, a grandmother in charge,
// refusals, numbers that are wrong, shared or the pupil's own, a court's decisions,
// pupils of age.
//
// Words: a town is one school with its families. The cast is the handful of people
// who are always there, and whom stories call by name.
package fictional

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// Sizes of a town.
const (
	DemoPupils = 1_200
	MinPupils  = 10
	MaxPupils  = 50_000
)

// Options say which town to make. The zero value is the demonstration's.
type Options struct {
	// Tuesday is the school day around which the timetable is made; see DemoTuesday.
	// Zero: 24 November 2026.
	Tuesday time.Time
	// Pupils is their number, from MinPupils to MaxPupils; 0 is DemoPupils.
	Pupils int
	// Weeks is how many weeks of timetable to make, from the Tuesday's own on; 0 is 2.
	Weeks int
	// Number tells towns of one installation apart. 0 is Lycée Alice-Guy.
	Number int
	// Closures are the days on which the school is closed; nil: those of [Closures]. School
	// and id are not looked at.
	Closures []timetable.Closure
}

// Town is one school with its families, as rows that can be saved.
type Town struct {
	School   directory.School
	Rows     directory.Batch
	Sittings []timetable.Sitting
	Closures []timetable.Closure
	Tuesday  time.Time // at 08:00
	Cast     Cast
}

// Cast holds the ids of the people who are always there.
type Cast struct {
	Head, CPE, Office string
	Supervisor        string // of the study hall; works with the office
	Nurse             string
	Teacher           string // Camille Roy, who has Léa's class on the Tuesday at 08:05

	Class   string // Léa's class: 2de 3
	Sitting string // mathematics on the Tuesday at 08:05

	Lea   string // Léa Benali
	Nadia string // her mother: SMS and e-mail
	Karim string // her father: e-mail only
	Sami  string // her brother, in another class, of the same parents

	// Of Léa's class: a pupil with one parent to whom a court denies any news.
	Denied, DeniedTold, DeniedParent string
	// Of Léa's class: a pupil whose only guardian left no number and no address.
	Unreachable, UnreachableParent string
}

// Account is an account that the demonstration opens for somebody of the cast. The
// roles are those of package account.
type Account struct {
	Role       string
	Identifier string
	Person     string
	Name       string // as it is printed
}

// Accounts lists an account for each role.
func (t Town) Accounts() []Account {
	names := make(map[string]directory.Person)
	for _, p := range t.Rows.People {
		names[p.ID] = p
	}
	var all []Account
	for _, a := range []struct{ role, person string }{
		{"head", t.Cast.Head},
		{"cpe", t.Cast.CPE},
		{"secretary", t.Cast.Office},
		{"supervisor", t.Cast.Supervisor},
		{"nurse", t.Cast.Nurse},
		{"teacher", t.Cast.Teacher},
		{"guardian", t.Cast.Nadia},
		{"guardian", t.Cast.Karim},
		{"pupil", t.Cast.Lea},
	} {
		p := names[a.person]
		all = append(all, Account{Role: a.role, Identifier: identifier(p.FirstName, p.LastName), Person: p.ID, Name: p.FirstName + " " + p.LastName})
	}
	return all
}

// School makes a town. It panics for a number of pupils out of range and for a
// Tuesday that is none: those are mistakes of the program.
func School(seed int64, opts Options) Town {
	if opts.Pupils == 0 {
		opts.Pupils = DemoPupils
	}
	if opts.Weeks == 0 {
		opts.Weeks = 2
	}
	if opts.Pupils < MinPupils || opts.Pupils > MaxPupils {
		panic(fmt.Sprintf("fictional: a town of %d pupils: from %d to %d", opts.Pupils, MinPupils, MaxPupils))
	}
	m := newMaker(seed, opts)
	m.makeSchool()
	m.makeClasses()
	m.makeCastStaff()
	m.makeFamilies()
	m.makeTimetable()
	m.otherStaff()
	return m.town
}

// maker holds what is needed while a town is made.
type maker struct {
	seed    int64
	opts    Options
	year    int // in which the school year began
	loc     *time.Location
	town    Town
	people  *rand.Rand // who lives in the town
	hours   *rand.Rand // when they sit together; its own, so that one more week changes nobody
	names   names
	serial  map[string]int
	taken   map[string]int // identifiers and mail addresses
	mobiles int
	lines   int
	classes []class
	seats   []int // class of each pupil to come, in random order
}

func newMaker(seed int64, opts Options) *maker {
	loc, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic("fictional: no time zones in this program: " + err.Error())
	}
	tuesday := opts.Tuesday
	if tuesday.IsZero() {
		tuesday = time.Date(2026, time.November, 24, 8, 0, 0, 0, loc)
	}
	y, mo, d := tuesday.In(loc).Date()
	tuesday = time.Date(y, mo, d, 8, 0, 0, 0, loc)
	if tuesday.Weekday() != time.Tuesday {
		panic("fictional: the day is a " + tuesday.Weekday().String())
	}
	return &maker{
		seed: seed, opts: opts, loc: loc, year: schoolYear(tuesday),
		town:   Town{Tuesday: tuesday},
		people: rand.New(rand.NewPCG(uint64(seed), uint64(opts.Number)<<8|1)),
		hours:  rand.New(rand.NewPCG(uint64(seed), uint64(opts.Number)<<8|2)),
		names:  names{girls(), boys(), women(), men(), lastNames()},
		serial: map[string]int{}, taken: map[string]int{},
	}
}

var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// id makes the next identifier of a kind of rows: like those of package database,
// but the same each time.
func (m *maker) id(kind string) string {
	m.serial[kind]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d/%s/%d", m.seed, m.opts.Number, kind, m.serial[kind]))
	return idText.EncodeToString(sum[:13])[:20]
}

func (m *maker) makeSchool() {
	name, short := "Lycée Alice-Guy", "Lycee Alice-Guy"
	if n := m.opts.Number; n > 0 {
		name, short = "Lycée fictif n° "+strconv.Itoa(n), "Lycee fictif "+strconv.Itoa(n)
	}
	m.town.School = directory.School{
		ID: m.id("school"), UAI: uai(9_990_042 + m.opts.Number), Name: name, ShortName: short,
		Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr", Phone: "01 99 00 10 00",
	}
	closures := m.opts.Closures
	if closures == nil {
		closures = Closures(m.year)
	}
	for _, c := range closures {
		c.School, c.ID = m.town.School.ID, m.id("closure")
		m.town.Closures = append(m.town.Closures, c)
	}
}

// uai writes a number of the form that the ministry gives to schools, with its check
// letter. No département begins with 999.
func uai(n int) string {
	return fmt.Sprintf("%07d%c", n, "ABCDEFGHJKLMNPRSTUVWXYZ"[n%23])
}

// chance is true p times out of a hundred.
func chance(r *rand.Rand, p float64) bool { return r.Float64()*100 < p }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
