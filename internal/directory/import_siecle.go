package directory

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/siecle"
)

var otherCode = intake.Why("%s dit venir de l'établissement « %s », ce qui n'est pas un code : le fichier est pris pour %s", "%s says that it is of school %q, which is no code: it is taken as of %s")

var noGuardians = intake.Why("l'établissement %s n'a aucun responsable dans ces fichiers : personne ne sera prévenu ; ajoutez ResponsablesAvecAdresses.xml", "school %s has no guardian in these files: nobody will be told; add ResponsablesAvecAdresses.xml")

// readSIECLE reads what schools take out of SIECLE.
func readSIECLE(ctx context.Context, found *intake.Found, o Reading) (*Export, error) {
	e, refusals, err := siecle.ReadFiles(ctx, found, siecle.Options{English: o.English, Dialect: siecle.Dialect(o.Dialect), UAI: o.UAI})
	if err != nil {
		return nil, err
	}
	out := &Export{format: "siecle", refusals: refusals, aside: e.Aside}
	for _, f := range e.Files {
		if f.Said != "" {
			out.notes = append(out.notes, otherCode.Text(o.English, filepath.Base(f.Path), intake.Shorten(f.Said), f.UAI))
		}
	}
	for _, r := range refusals {
		out.refused = out.refused || r.HoldsBackAll
	}
	for i := range e.Schools {
		s := &e.Schools[i]
		n := s.Counts()
		out.guardians += n.People
		out.left += n.Left
		one := inSchool{uai: s.UAI, name: s.UAI, heldBack: e.HeldBack(s.UAI), incoming: func() incoming { return fromSIECLE(e, s) }}
		if len(s.Links) == 0 && !one.heldBack {
			out.notes = append(out.notes, noGuardians.Text(o.English, s.UAI))
		}
		out.schools = append(out.schools, one)
	}
	return out, nil
}

// levelOfSIECLE is the one place where a level of SIECLE becomes one of ours. Until 30
// March 2018 RESP_LEGAL 1 and 2 were the two legal representatives, and 0 was not one;
// since then NIVEAU_RESPONSABILITE 1 is a legal representative, both parents have it, 2
// is in charge of the pupil without being one, 3 is to be reached. Who pays, who houses
// and who comes first make nobody a legal representative.
func levelOfSIECLE(d siecle.Dialect, level string) Level {
	switch {
	case level == "1", d == siecle.Before2018 && level == "2":
		return Legal
	case d == siecle.After2018 && level == "2":
		return Carer
	}
	return Contact
}

// consentOfSIECLE is what somebody answered to SMS. Where nobody asked, nothing was
// refused.
func consentOfSIECLE(a siecle.Answer) Consent {
	switch a {
	case siecle.Yes:
		return ConsentYes
	case siecle.No:
		return ConsentNo
	}
	return ConsentUnknown
}

// fromSIECLE puts one school into our words. Pupils who had left on the day of the
// export are not among its people.
func fromSIECLE(e *siecle.Export, s *siecle.School) incoming {
	zone, region := zoneOfUAI(s.UAI)
	in := incoming{source: "siecle", dialect: "siecle", date: s.Date, school: School{UAI: s.UAI, SourceKey: s.UAI, Name: s.UAI, ShortName: s.UAI,
		Kind: "other", Zone: zone, Region: region, Lang: "fr"}}
	if s.Dialect != siecle.Unsaid {
		in.dialect = "siecle-" + string(s.Dialect)
	}
	here := map[string]bool{}
	levels := map[byte]int{}
	for _, p := range s.Pupils {
		d := p.Data()
		if d.Gone(s.Date) {
			continue
		}
		here[d.ID] = true
		if d.MEF != "" {
			levels[d.MEF[0]]++
		}
		one := inPerson{kind: KindPupil, key: d.ID, last: cmp.Or(d.Usual, d.Last), first: d.First, born: d.Born, leaves: d.Left}
		if d.AcceptsSMS == siecle.No {
			one.points = readPoints(region, d.Email, "", "", d.Mobile, d.Phone)
		} else {
			one.points = readPoints(region, d.Email, "", d.Mobile, d.Phone)
		}
		in.people = append(in.people, one)
	}
	in.school.Kind = kindOfMEFs(levels)
	linked := map[string]bool{}
	for _, l := range s.Links {
		d := l.Data()
		if !here[d.Pupil] {
			if !s.HasPupil(d.Pupil) {
				in.unresolved++
			}
			continue
		}
		person, ok := s.Person(d.Person)
		if !ok {
			in.unresolved++ // there is nobody to join
			continue
		}
		a := person.Data()
		if !linked[a.ID] {
			linked[a.ID] = true
			in.people = append(in.people, inPerson{kind: KindAdult, key: a.ID, last: cmp.Or(a.Usual, a.Last), first: a.First,
				points: readPoints(region, a.Email, "", a.Mobile, a.Phone, a.Work)})
		}
		in.links = append(in.links, inLink{pupil: d.Pupil, adult: a.ID, level: levelOfSIECLE(s.Dialect, d.Level), kinship: siecle.Kinship(s.Dialect, d.Kinship),
			consent: consentOfSIECLE(a.AcceptsSMS), raw: d.Raw, file: filepath.Base(e.FileOf(l))})
	}
	in.groups = groupsOfSIECLE(s, here)
	return in
}

func groupsOfSIECLE(s *siecle.School, here map[string]bool) []inGroup {
	words := map[string]string{"D": "class", "G": "group"}
	at := map[[2]string]int{}
	var out []inGroup
	for _, g := range s.Groups {
		at[[2]string{g.Kind, g.Code}] = len(out)
		out = append(out, inGroup{kind: words[g.Kind], code: g.Code, label: cmp.Or(g.Label, g.Code)})
	}
	for _, p := range s.Places {
		pupil, kind, code := p.Data()
		if !here[pupil] {
			continue
		}
		k := [2]string{kind, code}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, inGroup{kind: words[kind], code: code, label: code})
		}
		out[i].pupils = append(out[i].pupils, pupil)
	}
	return out
}

// kindOfMEFs tells a collège from a lycée by the first digit of what its pupils study.
func kindOfMEFs(levels map[byte]int) string {
	switch {
	case levels['1'] > 0 && levels['2'] == 0:
		return "college"
	case levels['2'] > 0 && levels['1'] == 0:
		return "lycee"
	}
	return "other"
}

// zoneOfUAI is the clock and the telephone region of a school, by the department that
// its code begins with.
func zoneOfUAI(uai string) (zone, region string) {
	academy := map[string]string{"971": "GUADELOUPE", "972": "MARTINIQUE", "973": "GUYANE", "974": "REUNION", "975": "SAINT-PIERRE-ET-MIQUELON",
		"976": "MAYOTTE", "986": "WALLIS ET FUTUNA", "987": "POLYNESIE FRANCAISE", "988": "NOUVELLE-CALEDONIE"}[uai[:min(3, len(uai))]]
	if z, ok := zones[strings.ToUpper(academy)]; ok {
		return z[0], z[1]
	}
	return "Europe/Paris", "FR"
}
