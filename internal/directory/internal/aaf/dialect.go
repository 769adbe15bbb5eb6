package aaf

import (
	"strconv"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Dialect is how the levels of links are to be read: the digit 2 changed its meaning on
// 30 March 2018.
type Dialect string

// The dialects.
const (
	Old         Dialect = "aaf-2013" // 1 and 2 are both legal representatives, 0 is not
	Current     Dialect = "aaf-2018" // 1 is a legal representative, 2 in charge, 3 a contact
	FirstDegree Dialect = "aaf-1d"   // no levels: who has parental authority is listed
)

// Level is what a link makes of an adult.
type Level string

// The levels.
const (
	Legal    Level = "legal"
	InCharge Level = "in charge"
	Contact  Level = "contact"
)

// level reads the fourth field of a packed link in a dialect.
func (d Dialect) level(legal string) Level {
	switch {
	case legal == "1", legal == "2" && d == Old:
		return Legal
	case legal == "2" && d == Current:
		return InCharge
	}
	return Contact
}

// evidence is a place of the files that only one dialect has.
type evidence struct {
	file string
	line int
	what string
}

// sign keeps the first evidence of a dialect.
func (r *reading) sign(d Dialect, file string, line int, what string) {
	if _, there := r.signs[d]; !there && r.missed == nil {
		r.signs[d] = evidence{file, line, what}
	}
}

// signsOf says what a packed link tells of the dialect: its kinship and its level each
// tell one, or nothing.
func signsOf(l Link) []Dialect {
	var out []Dialect
	switch kinship, _ := strconv.Atoi(l.Kinship); {
	case kinship >= 10:
		out = append(out, Current)
	case kinship >= 1 && kinship <= 7:
		out = append(out, Old)
	}
	switch l.Legal {
	case "3":
		out = append(out, Current)
	case "0":
		out = append(out, Old)
	}
	return out
}

// dialect decides, once all files are read, how their levels are meant. Where the files
// say two things, or nothing, nobody can be told anything: all is held back.
func (r *reading) dialect() Dialect {
	var said []Dialect
	for _, d := range []Dialect{Old, Current, FirstDegree} {
		if _, there := r.signs[d]; there {
			said = append(said, d)
		}
	}
	_, first := r.signs[FirstDegree]
	switch {
	case len(said) == 2 && !first && r.asked != "":
		return r.asked
	case len(said) > 1:
		one, two := r.signs[said[0]], r.signs[said[1]]
		r.stopFile(two.file, &intake.Stop{Line: two.line, Reason: whyTwoDialects, Args: []any{two.what, string(said[1]), one.what, string(said[0]), one.file, one.line}})
		return ""
	case len(said) == 1 && r.asked != "" && r.asked != said[0]:
		one := r.signs[said[0]]
		r.stopFile(one.file, &intake.Stop{Line: one.line, Reason: whyNotDialect, Args: []any{one.what, string(said[0]), string(r.asked)}})
		return ""
	case len(said) == 1:
		return said[0]
	case r.asked != "":
		return r.asked
	}
	// Without a sign of either, a first level means the same in both.
	for _, p := range r.pupils {
		for _, l := range p.Links {
			if l.Legal == "2" {
				r.stopFile(l.File, &intake.Stop{Line: l.Line, Reason: whyNoDialect, Args: []any{intake.Shorten(l.Raw)}})
				return ""
			}
		}
	}
	return Current
}

// levels gives every link its level. Pupils of whom it cannot be told who their
// guardians are, are not handed over.
func (r *reading) levels(d Dialect) {
	if d == "" {
		clear(r.pupils)
	}
	for _, p := range r.pupils {
		for i := range p.Links {
			switch l := &p.Links[i]; {
			case d == FirstDegree:
				l.Level = Legal // only who has parental authority is listed
			default:
				l.Level = d.level(l.Legal)
			}
		}
	}
}
