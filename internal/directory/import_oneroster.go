package directory

import (
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/oneroster"
)

// exportFromOneRoster puts a OneRoster export into our words, school by school.
func exportFromOneRoster(e *oneroster.Export, refusals []intake.Refusal) *Export {
	out := &Export{format: "oneroster", guardians: e.Guardians, refusals: refusals, remarks: e.Remarks}
	for _, r := range refusals {
		out.refused = out.refused || r.HoldsBackAll
	}
	for _, s := range e.Schools {
		in := fromOneRoster(e, s)
		in.heldBack = e.HeldBack(s.Key)
		out.schools = append(out.schools, in)
	}
	return out
}

var uaiForm = regexp.MustCompile(`^[0-9]{7}[A-Za-z]$`)

// fromOneRoster puts one school into our words. OneRoster tells neither country nor
// zone: a new school is read as one of France, and its numbers as French ones.
func fromOneRoster(e *oneroster.Export, s oneroster.School) incoming {
	const region = "FR"
	uai := "oneroster-" + s.Key
	if uaiForm.MatchString(s.Identifier) {
		uai = strings.ToUpper(s.Identifier)
	}
	in := incoming{source: "oneroster", dialect: "oneroster-" + e.Version, unresolved: s.Unresolved,
		school: School{UAI: uai, SourceKey: s.Key, Name: s.Name, ShortName: shortName(s.Name), Kind: schoolKind(s.Name), Zone: "Europe/Paris", Region: region, Lang: "fr"}}
	add := func(kind Kind, people []oneroster.Person) {
		for _, p := range people {
			in.people = append(in.people, inPerson{kind: kind, key: p.Key, last: p.Last, first: p.First, born: p.Born, points: readPoints(region, p.Email, p.SMS, "", p.Phone)})
		}
	}
	add(KindPupil, s.Pupils)
	add(KindAdult, s.Adults)
	add(KindStaff, s.Staff)
	for _, l := range s.Links {
		one := inLink{pupil: l.Pupil, adult: l.Adult, level: Contact, consent: ConsentUnknown, raw: l.Raw, file: filepath.Base(l.File)}
		switch {
		case l.Guardian:
			one.level = Legal
		case l.Role == "relative":
			one.kinship = "other family member"
		default:
			one.kinship = "other"
		}
		in.links = append(in.links, one)
	}
	for _, g := range s.Groups {
		one := inGroup{kind: "group", code: g.Key, label: g.Title, spans: map[string]span{}}
		if g.Homeroom {
			one.kind = "class"
		}
		for _, m := range g.Pupils {
			one.pupils = append(one.pupils, m.Key)
			if m.From != "" || m.To != "" {
				one.spans[m.Key] = span{m.From, dayAfter(m.To)}
			}
		}
		in.groups = append(in.groups, one)
	}
	return in
}

// dayAfter is the first day on which something no longer is, of the last on which it
// was; empty stays empty.
func dayAfter(last string) string {
	t, err := time.Parse(time.DateOnly, last)
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, 1).Format(time.DateOnly)
}
