package directory

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// readAAF reads an AAF export and puts it into our words, school by school.
func readAAF(ctx context.Context, found *intake.Found, o Reading) (*Export, error) {
	e, refusals, err := aaf.ReadFiles(ctx, found, aaf.Options{English: o.English, Dialect: map[string]aaf.Dialect{Before2018: aaf.Old, After2018: aaf.Current}[o.Dialect]})
	if err != nil {
		return nil, err
	}
	out := &Export{format: "aaf", guardians: e.GuardiansRead, refusals: refusals}
	for _, r := range refusals {
		out.refused = out.refused || r.HoldsBackAll
	}
	for _, s := range e.Schools {
		one := inSchool{uai: s.UAI, name: s.Name, heldBack: e.HeldBack(s.Key), incoming: func() incoming { return fromAAF(e, s) }}
		if one.uai == "" {
			one.uai = "aaf-" + s.Key
		}
		out.schools = append(out.schools, one)
	}
	return out, nil
}

// fromAAF puts one school of an AAF export into our words. What a level means, its
// dialect has decided.
func fromAAF(e *aaf.Export, s aaf.School) incoming {
	zone, region := "Europe/Paris", "FR"
	if z, ok := zones[strings.ToUpper(ToGSM(s.Academy))]; ok {
		zone, region = z[0], z[1]
	}
	uai := s.UAI
	if uai == "" {
		uai = "aaf-" + s.Key
	}
	in := incoming{source: "aaf", dialect: string(e.Dialect), school: School{UAI: uai, SourceKey: s.Key, Name: s.Name, ShortName: shortName(s.Name), Kind: schoolKind(s.Type),
		Zone: zone, Region: region, Lang: "fr", Phone: s.Phone}}
	for _, f := range e.Files {
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
				in.unresolved++ // there is nobody to join
				continue
			}
			if !linked[g.Key] {
				linked[g.Key] = true
				in.people = append(in.people, inPerson{kind: KindAdult, key: g.Key, last: g.Last, first: g.First, points: guardianPoints(region, g, saysSMS)})
			}
			in.links = append(in.links, linkFromAAF(p.Key, l, g, saysSMS))
		}
	}
	for _, d := range s.Classes {
		in.groups = append(in.groups, inGroup{kind: "class", code: d.Code, label: label(d), pupils: members[[2]string{"class", d.Code}]})
	}
	for _, d := range s.Groups {
		in.groups = append(in.groups, inGroup{kind: "group", code: d.Code, label: label(d), pupils: members[[2]string{"group", d.Code}]})
	}
	for _, t := range e.Staff {
		for _, at := range t.Schools {
			if at == s.Key {
				in.people = append(in.people, inPerson{kind: KindStaff, key: t.Key, last: t.Last, first: t.First, points: readPoints(region, t.Email, "", "")})
			}
		}
		for _, c := range t.Principal {
			if c.SchoolKey == s.Key {
				in.services = append(in.services, inService{staff: t.Key, groupKind: "class", code: c.Code, subject: leading})
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
	switch l.Level {
	case aaf.Legal:
		out.level = Legal
	case aaf.InCharge:
		out.level = Carer
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

func label(d aaf.Division) string {
	if d.Label != "" {
		return d.Label
	}
	return d.Code
}
