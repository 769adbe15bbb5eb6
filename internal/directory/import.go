package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/journal"
)

// ImportReport is what an import found and what it changed. Its JSON is the interface
// of `preau import --json`.
type ImportReport struct {
	Format       string           `json:"format"`
	Schools      int              `json:"schools"`
	Pupils       int              `json:"pupils"`
	Guardians    int              `json:"guardians"` // in the files, linked to a pupil or not
	Links        int              `json:"links"`
	Unresolved   int              `json:"unresolved"` // links whose guardian is in none of the files
	MayBeTold    int              `json:"may_be_told"`
	MayNotBeTold int              `json:"may_not_be_told"`
	Changed      int              `json:"changed"`  // rows written; 0 when the same files come again
	Doubtful     int              `json:"doubtful"` // links to settle by hand, among the unresolved
	Left         int              `json:"left"`     // pupils whom the files call gone: not among the pupils
	DryRun       bool             `json:"dry_run"`
	Aside        map[string]int   `json:"aside,omitempty"` // what the files hold and nothing is done with
	Notes        []string         `json:"notes,omitempty"` // what the person who imports should know
	Refused      []intake.Refusal `json:"refused"`
	Remarks      []intake.Refusal `json:"remarks,omitempty"` // taken as it is; somebody should look at it
	PerSchool    []SchoolImport   `json:"per_school"`
	Difference   []Difference     `json:"difference,omitempty"` // of a dry run beside an installation
}

// SchoolImport is one school's part of an import.
type SchoolImport struct {
	UAI     string `json:"uai"`
	Name    string `json:"name"`
	Pupils  int    `json:"pupils"`
	Links   int    `json:"links"`
	Changed int    `json:"changed"`
	Taken   bool   `json:"taken"`

	MayBeTold  int `json:"may_be_told"`
	Unresolved int `json:"unresolved"`
	Doubtful   int `json:"doubtful"`
}

// Export is a directory export read whole before anything of it is written. Each format
// has one function that makes it; nothing behind knows formats.
type Export struct {
	format    string
	schools   []inSchool // in the order of the report
	guardians int        // in the files, linked to a pupil or not
	left      int        // pupils of the files who left
	refusals  []intake.Refusal
	remarks   []intake.Refusal
	refused   bool // nothing can be taken
	aside     map[string]int
	notes     []string
}

// inSchool is one school of an export. It is put into our words when it is wanted, one
// school after the other: a region in our words is several times its files.
type inSchool struct {
	uai, name string
	heldBack  bool // a refusal touches it
	incoming  func() incoming
}

// Report counts what would be taken: of the schools that nothing holds back.
func (e *Export) Report() ImportReport {
	r := ImportReport{Format: e.format, Refused: e.refusals, Remarks: e.remarks, Notes: e.notes, Aside: e.aside}
	if r.Refused == nil {
		r.Refused = []intake.Refusal{}
	}
	if e.refused {
		return r
	}
	r.Guardians, r.Left = e.guardians, e.left
	for _, s := range e.schools {
		one := SchoolImport{UAI: s.uai, Name: s.name, Taken: !s.heldBack}
		if one.Taken {
			in := s.incoming()
			r.Schools++
			one.Pupils, one.Links, one.Unresolved, one.Doubtful = in.pupils(), len(in.links)+in.unresolved, in.unresolved, len(in.doubts)
			for _, l := range in.links {
				if l.level == Legal {
					one.MayBeTold++
				}
			}
			r.Pupils += one.Pupils
			r.Links += one.Links
			r.Unresolved += one.Unresolved
			r.Doubtful += one.Doubtful
			r.MayBeTold += one.MayBeTold
			r.MayNotBeTold += one.Links - one.Unresolved - one.MayBeTold
		}
		r.PerSchool = append(r.PerSchool, one)
	}
	return r
}

// Order is who runs an import, and how far it may go.
type Order struct {
	By string
	// AcceptLoss: a school may lose more than a tenth of its pupils or of its links.
	// Without it such a school is held back: files are often missing.
	AcceptLoss bool
	// Accepted are the losses that somebody agreed to one by one, by the school's code.
	Accepted map[string][]Loss
	// Seen are digests of the differences that somebody looked at, by the school's code: a
	// school of which the difference is another one by now is not taken. Nil: nobody
	// looked.
	Seen map[string]string
}

// Import writes the schools of an export that nothing holds back, each in one short
// transaction, whole or not at all. It alerts nobody: it makes no mark. Coming again
// with the same files it changes nothing.
func Import(ctx context.Context, db *database.DB, j *journal.Journal, e *Export, o Order, now time.Time) (ImportReport, error) {
	r := e.Report()
	if e.refused {
		return r, nil
	}
	for i, s := range e.schools {
		if s.heldBack {
			continue
		}
		if s.uai == "" {
			r.refuse(i, errors.New("these files do not say which school they are of: say its code with --uai"))
			continue
		}
		changed, err := importSchool(ctx, db, j, s.incoming(), o, now)
		var loss *lossError
		switch {
		case errors.Is(err, ErrGone):
			r.refuse(i, errors.New("this school left this installation: nothing of it is taken"))
		case errors.Is(err, ErrTwoSources), errors.Is(err, ErrChanged):
			r.refuse(i, err)
		case errors.As(err, &loss):
			r.refuse(i, loss)
		case err != nil:
			return r, fmt.Errorf("school %s: nothing of it was taken: %w", s.uai, err)
		default:
			r.Changed += changed
			r.PerSchool[i].Changed = changed
		}
	}
	return r, nil
}

// refuse takes a school out of the report, with the reason.
func (r *ImportReport) refuse(i int, why error) {
	one := &r.PerSchool[i]
	one.Taken = false
	r.Schools--
	r.Pupils -= one.Pupils
	r.Links -= one.Links
	r.Unresolved -= one.Unresolved
	r.Doubtful -= one.Doubtful
	r.MayBeTold -= one.MayBeTold
	r.MayNotBeTold -= one.Links - one.Unresolved - one.MayBeTold
	r.Refused = append(r.Refused, intake.Refusal{File: one.UAI, Reason: why.Error()})
}

// incoming is one school as a source says it is now, in our words.
type incoming struct {
	source  string
	dialect string
	date    string
	school  School
	people  []inPerson
	links   []inLink // to people who are here
	groups  []inGroup

	unresolved int       // links to somebody who is in none of the files, or in doubt
	doubts     []inDoubt // links that a person has to settle
	services   []inService
	staffOnly  bool // the source says nothing of the school itself, of pupils and of guardians
}

// inDoubt is a link that a source only hints at: nothing is made of it but a task.
type inDoubt struct {
	pupil  string // key of the pupil it may be about
	detail string // what the source says, for the person who settles it
}

func (in *incoming) pupils() int {
	n := 0
	for _, p := range in.people {
		if p.kind == KindPupil {
			n++
		}
	}
	return n
}

type inPerson struct {
	kind              Kind
	key               string
	last, first, born string
	leaves            string // first day on which the source says the person will be gone
	points            []inPoint
}

type inPoint struct {
	channel Channel
	address string
	raw     string
}

type inLink struct {
	pupil, adult string // keys
	level        Level
	kinship      string
	consent      Consent
	raw, file    string
}

type inGroup struct {
	kind, code, label string
	pupils            []string        // keys
	spans             map[string]span // of the pupils who are in it for a time
}

// span is a time in days: from the first until the first on which it is over; empty: no
// such day.
type span struct{ from, until string }

// zones are the academies whose clocks are not those of Paris, with the region of their
// telephone numbers.
var zones = map[string][2]string{
	"GUADELOUPE": {"America/Guadeloupe", "GP"}, "MARTINIQUE": {"America/Martinique", "MQ"}, "GUYANE": {"America/Cayenne", "GF"},
	"REUNION": {"Indian/Reunion", "RE"}, "LA REUNION": {"Indian/Reunion", "RE"}, "MAYOTTE": {"Indian/Mayotte", "YT"},
	"NOUVELLE-CALEDONIE": {"Pacific/Noumea", "NC"}, "POLYNESIE FRANCAISE": {"Pacific/Tahiti", "PF"}, "WALLIS ET FUTUNA": {"Pacific/Wallis", "WF"},
	"SAINT-PIERRE-ET-MIQUELON": {"America/Miquelon", "PM"},
}

// readPoints reads a mail address, a number for SMS, a mobile, and numbers for the
// voice. What cannot be read is left out: it can reach nobody.
func readPoints(region, email, sms, mobile string, voice ...string) []inPoint {
	var out []inPoint
	seen := map[string]bool{}
	add := func(ch Channel, address, raw string) {
		if !seen[address] {
			seen[address] = true
			out = append(out, inPoint{ch, address, raw})
		}
	}
	if a, ok := readEmail(email); ok {
		add(Email, a, email)
	}
	for _, raw := range []string{sms, mobile} {
		if n, ch, ok := readPhone(raw, region); ok {
			add(ch, n, raw)
		}
	}
	for _, raw := range voice {
		if n, _, ok := readPhone(raw, region); ok {
			add(Phone, n, raw)
		}
	}
	return out
}

func schoolKind(kind string) string {
	kind = strings.ToUpper(ToGSM(kind))
	switch {
	case strings.Contains(kind, "LYCEE"):
		return "lycee"
	case strings.Contains(kind, "COLLEGE"):
		return "college"
	case strings.Contains(kind, "ECOLE"):
		return "primary"
	}
	return "other"
}

// shortName is a school's name for messages: at most 20 GSM characters.
func shortName(name string) string {
	r := []rune(strings.Join(strings.Fields(ToGSM(name)), " "))
	return strings.TrimSpace(string(r[:min(len(r), 20)]))
}

// digest names what was read for one school.
func (in incoming) digest() string {
	h := sha256.New()
	enc := json.NewEncoder(h)
	enc.Encode(in.school)
	for _, p := range in.people {
		enc.Encode([]string{string(p.kind), p.key, p.last, p.first, p.born, p.leaves, fmt.Sprint(p.points)})
	}
	for _, l := range in.links {
		enc.Encode([]string{l.pupil, l.adult, string(l.level), l.raw, string(l.consent)})
	}
	for _, d := range in.doubts {
		enc.Encode([]string{d.pupil, d.detail})
	}
	for _, v := range in.services {
		enc.Encode([]string{v.staff, v.groupKind, v.code, v.subject, v.label})
	}
	for _, g := range in.groups {
		enc.Encode([]string{g.kind, g.code, g.label, strings.Join(g.pupils, " ")})
		for _, p := range g.pupils {
			if s := g.spans[p]; s != (span{}) {
				enc.Encode([]string{p, s.from, s.until})
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
