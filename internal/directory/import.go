package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory/internal/aaf"
	"github.com/preau-ent/preau/internal/journal"
)

// ImportReport is what an import found and what it changed. Its JSON is the interface
// of `preau import --json`.
type ImportReport struct {
	Format       string         `json:"format"`
	Schools      int            `json:"schools"`
	Pupils       int            `json:"pupils"`
	Guardians    int            `json:"guardians"` // in the files, linked to a pupil or not
	Links        int            `json:"links"`
	Unresolved   int            `json:"unresolved"` // links whose guardian is in none of the files
	MayBeTold    int            `json:"may_be_told"`
	MayNotBeTold int            `json:"may_not_be_told"`
	Changed      int            `json:"changed"` // rows written; 0 when the same files come again
	DryRun       bool           `json:"dry_run"`
	Refused      []aaf.Refusal  `json:"refused"`
	PerSchool    []SchoolImport `json:"per_school"`
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
}

// Export is a directory export read whole, before anything of it is written.
type Export struct {
	aaf      *aaf.Export
	refusals []aaf.Refusal
}

// ReadExport reads the files of one export. The error is a failure of the machine; what
// the files say wrong is in the report's Refused.
func ReadExport(ctx context.Context, paths []string, english bool) (*Export, error) {
	e, refusals, err := aaf.Read(ctx, paths, aaf.Options{English: english})
	if err != nil {
		return nil, err
	}
	return &Export{e, refusals}, nil
}

// Report counts what would be taken: of the schools that nothing holds back.
func (e *Export) Report() ImportReport {
	r := ImportReport{Format: "aaf", Refused: e.refusals}
	if r.Refused == nil {
		r.Refused = []aaf.Refusal{}
	}
	if e.allHeldBack() {
		return r
	}
	r.Guardians = e.aaf.GuardiansRead
	for _, s := range e.aaf.Schools {
		one := SchoolImport{UAI: s.UAI, Name: s.Name, Taken: !e.aaf.HeldBack(s.Key)}
		if one.Taken {
			r.Schools++
			for _, p := range e.aaf.PupilsOf(s.Key) {
				one.Pupils++
				for _, l := range p.Links {
					one.Links++
					switch {
					case l.Unresolved:
						r.Unresolved++
						one.Unresolved++
					case l.LegalRepresentative():
						r.MayBeTold++
						one.MayBeTold++
					default:
						r.MayNotBeTold++
					}
				}
			}
			r.Pupils += one.Pupils
			r.Links += one.Links
		}
		r.PerSchool = append(r.PerSchool, one)
	}
	return r
}

func (e *Export) allHeldBack() bool {
	for _, r := range e.refusals {
		if r.HoldsBackAll {
			return true
		}
	}
	return false
}

// Order is who runs an import, and how far it may go.
type Order struct {
	By string
	// AcceptLoss: a school may lose more than a tenth of its pupils or of its links.
	// Without it such a school is held back: files are often missing.
	AcceptLoss bool
}

// Import writes the schools of an export that nothing holds back, each in one short
// transaction, whole or not at all. It alerts nobody: it makes no mark. Coming again
// with the same files it changes nothing.
func Import(ctx context.Context, db *database.DB, j *journal.Journal, e *Export, o Order, now time.Time) (ImportReport, error) {
	r := e.Report()
	if e.allHeldBack() {
		return r, nil
	}
	taken := 0
	for _, s := range e.aaf.Schools {
		if e.aaf.HeldBack(s.Key) {
			taken++
			continue
		}
		b := fromAAF(e.aaf, s)
		changed, err := importSchool(ctx, db, j, b, o, now)
		if errors.Is(err, ErrGone) {
			r.refuse(taken, errors.New("this school left this installation: nothing of it is taken"))
			taken++
			continue
		}
		var loss *lossError
		if errors.As(err, &loss) {
			r.refuse(taken, loss)
			taken++
			continue
		}
		if err != nil {
			return r, fmt.Errorf("school %s: nothing of it was taken: %w", s.UAI, err)
		}
		r.Changed += changed
		r.PerSchool[taken].Changed = changed
		taken++
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
	r.MayBeTold -= one.MayBeTold
	r.MayNotBeTold -= one.Links - one.Unresolved - one.MayBeTold
	r.Refused = append(r.Refused, aaf.Refusal{File: one.UAI, Reason: why.Error()})
}

// incoming is one school as a source says it is now, in our words.
type incoming struct {
	source  string
	dialect string
	date    string
	school  School
	people  []inPerson
	links   []inLink
	groups  []inGroup
}

type inPerson struct {
	kind              Kind
	key               string
	last, first, born string
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
	pupils            []string // keys
}

// zones are the academies whose clocks are not those of Paris, with the region of their
// telephone numbers.
var zones = map[string][2]string{
	"GUADELOUPE": {"America/Guadeloupe", "GP"}, "MARTINIQUE": {"America/Martinique", "MQ"}, "GUYANE": {"America/Cayenne", "GF"},
	"REUNION": {"Indian/Reunion", "RE"}, "LA REUNION": {"Indian/Reunion", "RE"}, "MAYOTTE": {"Indian/Mayotte", "YT"},
	"NOUVELLE-CALEDONIE": {"Pacific/Noumea", "NC"}, "POLYNESIE FRANCAISE": {"Pacific/Tahiti", "PF"}, "WALLIS ET FUTUNA": {"Pacific/Wallis", "WF"},
	"SAINT-PIERRE-ET-MIQUELON": {"America/Miquelon", "PM"},
}

// fromAAF puts one school of an AAF export into our words. Levels 1 and 2 of the
// dialect of 2013 are both legal representatives.
func fromAAF(e *aaf.Export, s aaf.School) incoming {
	zone, region := "Europe/Paris", "FR"
	if z, ok := zones[strings.ToUpper(ToGSM(s.Academy))]; ok {
		zone, region = z[0], z[1]
	}
	uai := s.UAI
	if uai == "" {
		uai = "aaf-" + s.Key
	}
	in := incoming{source: "aaf", dialect: "aaf-2013", school: School{UAI: uai, SourceKey: s.Key, Name: s.Name, ShortName: shortName(s.Name), Kind: schoolKind(s.Type),
		Zone: zone, Region: region, Lang: "fr", Phone: s.Phone}}
	for _, f := range e.Files {
		if f.Version != "" {
			in.dialect = f.Version
		}
		if in.date == "" {
			in.date = dateIn(f.Path)
		}
	}
	// Where a file knows the separate number for SMS, it stands only with people who
	// accepted them: a mobile alone is then a number to telephone.
	saysSMS := false
	for _, g := range e.Guardians {
		saysSMS = saysSMS || g.SMSMobile != ""
	}
	members := map[[2]string][]string{}
	linked := map[string]bool{}
	for _, p := range e.PupilsOf(s.Key) {
		in.people = append(in.people, inPerson{kind: KindPupil, key: p.Key, last: p.Usual, first: p.First, born: p.Born,
			points: readPoints(region, p.Email, "", p.Mobile, p.HomePhone)})
		for _, c := range p.Classes {
			if c.SchoolKey == s.Key {
				members[[2]string{"class", c.Code}] = append(members[[2]string{"class", c.Code}], p.Key)
			}
		}
		for _, c := range p.Groups {
			if c.SchoolKey == s.Key {
				members[[2]string{"group", c.Code}] = append(members[[2]string{"group", c.Code}], p.Key)
			}
		}
		for _, l := range p.Links {
			g, ok := e.Guardian(l.GuardianKey)
			if !ok {
				continue // unresolved: there is nobody to join
			}
			if !linked[g.Key] {
				linked[g.Key] = true
				in.people = append(in.people, inPerson{kind: KindAdult, key: g.Key, last: g.Last, first: g.First, points: guardianPoints(region, g, saysSMS)})
			}
			in.links = append(in.links, linkFromAAF(p.Key, l, g, saysSMS))
		}
	}
	for _, d := range s.Classes {
		in.groups = append(in.groups, inGroup{"class", d.Code, label(d), members[[2]string{"class", d.Code}]})
	}
	for _, d := range s.Groups {
		in.groups = append(in.groups, inGroup{"group", d.Code, label(d), members[[2]string{"group", d.Code}]})
	}
	for _, t := range e.Staff {
		for _, at := range t.Schools {
			if at == s.Key {
				in.people = append(in.people, inPerson{kind: KindStaff, key: t.Key, last: t.Last, first: t.First, points: readPoints(region, t.Email, "", "")})
			}
		}
	}
	return in
}

var dateInName = regexp.MustCompile(`_(\d{4})(\d{2})(\d{2})_`)

// dateIn reads the day of an export from a file's name, where the ministry writes it
// (..._Complet_20130117_...); empty: the name does not say.
func dateIn(path string) string {
	m := dateInName.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return ""
	}
	return m[1] + "-" + m[2] + "-" + m[3]
}

func linkFromAAF(pupil string, l aaf.Link, g aaf.Guardian, saysSMS bool) inLink {
	_, kinship := aaf.Kinship(l.Kinship)
	out := inLink{pupil: pupil, adult: g.Key, level: Contact, kinship: kinship, consent: ConsentUnknown, raw: l.Raw, file: filepath.Base(l.File)}
	if l.LegalRepresentative() {
		out.level = Legal
	}
	switch {
	case g.SMSMobile != "":
		out.consent = ConsentYes
	case saysSMS:
		out.consent = ConsentNo
	}
	return out
}

func guardianPoints(region string, g aaf.Guardian, saysSMS bool) []inPoint {
	if saysSMS {
		return readPoints(region, g.Email, g.SMSMobile, "", g.Mobile, g.HomePhone, g.WorkPhone)
	}
	return readPoints(region, g.Email, "", g.Mobile, g.HomePhone, g.WorkPhone)
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

func label(d aaf.Division) string {
	if d.Label != "" {
		return d.Label
	}
	return d.Code
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
		enc.Encode([]string{string(p.kind), p.key, p.last, p.first, p.born, fmt.Sprint(p.points)})
	}
	for _, l := range in.links {
		enc.Encode([]string{l.pupil, l.adult, string(l.level), l.raw, string(l.consent)})
	}
	for _, g := range in.groups {
		enc.Encode([]string{g.kind, g.code, g.label, strings.Join(g.pupils, " ")})
	}
	return hex.EncodeToString(h.Sum(nil))
}
