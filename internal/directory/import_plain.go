package directory

import (
	"context"
	"path/filepath"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/plain"
)

var (
	noteFormulas = intake.Why("%d cellules du classeur sont des formules : leur dernier résultat enregistré est lu", "%d cells of the workbook are formulas: their last stored result is read")
	noteHidden   = intake.Why("%d lignes masquées du classeur sont lues comme les autres", "%d hidden rows of the workbook are read like the others")
)

var whyOneTable = intake.Why("un tableau simple à la fois : donnez un seul fichier", "one plain table at a time: give one file")

// readPlain reads a table that somebody made, with a mapping.
func readPlain(_ context.Context, found *intake.Found, o Reading) (*Export, error) {
	out := &Export{format: "plain", refusals: found.Refusals, refused: len(found.Refusals) > 0}
	if out.refused {
		return out, nil
	}
	if len(found.Files) != 1 {
		path := ""
		if len(found.Files) > 1 {
			path = found.Files[1].Path
		}
		out.refused, out.refusals = true, append(out.refusals, (&intake.Stop{Reason: whyOneTable}).Refusal(path, o.English))
		return out, nil
	}
	f := found.Files[0]
	e, refusals, err := plain.Read(f, plain.Options{English: o.English, Map: o.Map, UAI: o.UAI, AllLegal: o.AllLegal, Digits: o.Dialect, Columns: o.Columns, Sheet: o.Sheet})
	if err != nil {
		return nil, err
	}
	out.aside, out.refusals, out.refused = e.Aside, refusals, len(refusals) > 0
	if e.Formulas > 0 {
		out.notes = append(out.notes, noteFormulas.Text(o.English, e.Formulas))
	}
	if e.Hidden > 0 {
		out.notes = append(out.notes, noteHidden.Text(o.English, e.Hidden))
	}
	for _, s := range e.Schools {
		out.guardians += len(s.Adults)
		out.schools = append(out.schools, inSchool{uai: s.UAI, name: s.Name, heldBack: out.refused, incoming: func() incoming { return fromPlain(s, filepath.Base(f.Path)) }})
	}
	return out, nil
}

func fromPlain(s plain.School, file string) incoming {
	const region = "FR"
	in := incoming{source: "plain", dialect: "plain",
		school: School{UAI: s.UAI, SourceKey: s.UAI, Name: s.Name, ShortName: shortName(s.Name), Kind: schoolKind(s.Name), Zone: "Europe/Paris", Region: region, Lang: "fr"}}
	members := map[[2]string][]string{}
	var order [][2]string
	put := func(kind, code, pupil string) {
		if code == "" {
			return
		}
		k := [2]string{kind, code}
		if members[k] == nil {
			order = append(order, k)
		}
		members[k] = append(members[k], pupil)
	}
	for _, p := range s.Pupils {
		in.people = append(in.people, inPerson{kind: KindPupil, key: p.Key, last: p.Last, first: p.First, born: p.Born, points: readPoints(region, p.Email, p.SMS, "", p.Phone)})
		put("class", p.Class, p.Key)
		put("group", p.Group, p.Key)
	}
	for _, a := range s.Adults {
		in.people = append(in.people, inPerson{kind: KindAdult, key: a.Key, last: a.Last, first: a.First, points: readPoints(region, a.Email, a.SMS, "", a.Phone)})
	}
	for _, l := range s.Links {
		one := inLink{pupil: l.Pupil, adult: l.Adult, level: Contact, kinship: l.Kinship, consent: ConsentUnknown, raw: l.Raw, file: file}
		switch l.Level {
		case plain.Legal:
			one.level = Legal
		case plain.Carer:
			one.level = Carer
		}
		switch l.Consent {
		case "yes":
			one.consent = ConsentYes
		case "no":
			one.consent = ConsentNo
		}
		in.links = append(in.links, one)
	}
	for _, k := range order {
		in.groups = append(in.groups, inGroup{kind: k[0], code: k[1], label: k[1], pupils: members[k]})
	}
	return in
}
