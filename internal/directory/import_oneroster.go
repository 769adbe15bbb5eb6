package directory

import (
	"context"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/oneroster"
)

// readOneRoster reads a OneRoster export and puts it into our words, school by school.
func readOneRoster(ctx context.Context, found *intake.Found, o Reading) (*Export, error) {
	if len(found.Refusals) > 0 {
		return &Export{format: "oneroster", refused: true, refusals: found.Refusals}, nil
	}
	var sheets []oneroster.Sheet
	for _, f := range found.Files {
		sheets = append(sheets, oneroster.Sheet{Path: f.Path, Open: f.Open})
	}
	e, refusals, err := oneroster.Read(ctx, sheets, oneroster.Options{English: o.English, Day: o.Day, Version: strings.TrimPrefix(o.Dialect, "oneroster-")})
	if err != nil {
		return nil, err
	}
	out := &Export{format: "oneroster", guardians: e.Guardians, refusals: refusals, remarks: e.Remarks, aside: map[string]int{}}
	for _, f := range e.Files {
		for _, c := range f.Unknown {
			out.aside[f.Name+".csv: "+c] += f.Rows
		}
	}
	if e.LeftOut > 0 {
		out.aside["tobedeleted, inactive"] = e.LeftOut
	}
	if len(e.Ignored) > 0 {
		out.aside["files"] = len(e.Ignored)
	}
	for _, r := range refusals {
		out.refused = out.refused || r.HoldsBackAll
	}
	for _, s := range e.Schools {
		out.schools = append(out.schools, inSchool{uai: uaiOfOneRoster(s), name: s.Name, heldBack: e.HeldBack(s.Key), incoming: func() incoming { return fromOneRoster(e, s) }})
	}
	return out, nil
}

// recogniseOneRoster knows the manifest, and the users of an export that has none.
func recogniseOneRoster(f intake.File) bool {
	row := f.FirstRow()
	return len(row) >= 2 && row[0] == "propertyname" && row[1] == "value" || slices.Contains(row, "sourcedid") && slices.Contains(row, "givenname")
}

// uaiOfOneRoster is the ministry's code of a French school; others have a name of their
// own.
func uaiOfOneRoster(s oneroster.School) string {
	if uaiForm.MatchString(s.Identifier) {
		return strings.ToUpper(s.Identifier)
	}
	return "oneroster-" + s.Key
}

var uaiForm = regexp.MustCompile(`^[0-9]{7}[A-Za-z]$`)

// fromOneRoster puts one school into our words. OneRoster tells neither country nor
// zone: a new school is read as one of France, and its numbers as French ones.
func fromOneRoster(e *oneroster.Export, s oneroster.School) incoming {
	const region = "FR"
	in := incoming{source: "oneroster", dialect: "oneroster-" + e.Version, unresolved: s.Unresolved,
		school: School{UAI: uaiOfOneRoster(s), SourceKey: s.Key, Name: s.Name, ShortName: shortName(s.Name), Kind: schoolKind(s.Name), Zone: "Europe/Paris", Region: region, Lang: "fr"}}
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
