package directory

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/onde"
)

var (
	levelUnsaid = intake.Why("ces fichiers ne disent pas qui est représentant légal : les %d liens sont gardés comme de simples contacts et personne ne sera prévenu ; choisissez-les à la main, ou, si l'école s'en porte garante pour tous, relancez avec --all-legal", "these files do not say who is a legal representative: the %d links are kept as mere contacts and nobody will be told; choose them by hand or, if the school vouches for all of them, run again with --all-legal")
	uaiUnsaid   = intake.Why("ces fichiers ne disent pas de quelle école ils viennent : donnez son code avec --uai", "these files do not say which school they are of: give its code with --uai")
	childUnsure = intake.Why("%s ligne %d : enfant %s non rattaché (%s)", "%s line %d: child %s not joined (%s)")
	childNobody = intake.Why("dans aucun fichier d'élèves", "in no file of pupils")
	childDoubt  = intake.Why("à régler par l'école : même nom, mais pas dans cette classe ou pas seul", "to be settled by the school: the same name, but not in this class or not alone")
	childrenCut = intake.Why("et %d autres enfants non rattachés", "and %d more children not joined")
)

// readONDE reads what a primary school takes out of ONDE.
func readONDE(ctx context.Context, found *intake.Found, o Reading) (*Export, error) {
	e, refusals, err := onde.ReadFiles(ctx, found, onde.Options{English: o.English})
	if err != nil {
		return nil, err
	}
	out := &Export{format: "onde", refusals: refusals, refused: len(refusals) > 0, aside: e.Aside, guardians: len(e.Adults)}
	if out.refused {
		return out, nil
	}
	n := e.Counts()
	if n.Guardians == 0 {
		out.notes = append(out.notes, noGuardians.Text(o.English, o.UAI))
	}
	if !o.AllLegal && n.Sure > 0 {
		out.notes = append(out.notes, levelUnsaid.Text(o.English, n.Sure))
	}
	if o.UAI == "" {
		out.notes = append(out.notes, uaiUnsaid.Text(o.English))
	}
	const most = 50
	left := 0
	for _, g := range e.Adults {
		for _, c := range g.Children {
			if c.Pupil != "" {
				continue
			}
			why := childNobody
			if len(c.Perhaps) > 0 {
				why = childDoubt
			}
			if left++; left <= most {
				out.notes = append(out.notes, childUnsure.Text(o.English, filepath.Base(g.File), c.Line, intake.Shorten(c.First+" "+cmp.Or(c.Usual, c.Last)+" "+c.Class), why.Text(o.English)))
			}
		}
	}
	if left > most {
		out.notes = append(out.notes, childrenCut.Text(o.English, left-most))
	}
	uai := strings.ToUpper(o.UAI)
	out.schools = []inSchool{{uai: uai, name: uai, incoming: func() incoming { return fromONDE(e, uai, levelOfONDE(o.AllLegal)) }}}
	return out, nil
}

// levelOfONDE is the one place where a guardian of ONDE gets a level. The files say
// nothing of it: such a link gives no right, until somebody chooses the guardian for the
// pupil, or the school vouches for all.
func levelOfONDE(allLegal bool) Level {
	if allLegal {
		return Legal
	}
	return Contact
}

// fromONDE puts the school into our words.
func fromONDE(e *onde.Export, uai string, level Level) incoming {
	zone, region := zoneOfUAI(uai)
	in := incoming{source: "onde", dialect: "onde", school: School{UAI: uai, SourceKey: uai, Name: uai, ShortName: uai, Kind: "primary", Zone: zone, Region: region, Lang: "fr"}}
	classes := map[string]int{}
	for _, p := range e.Pupils {
		in.people = append(in.people, inPerson{kind: KindPupil, key: p.Key, last: cmp.Or(p.Usual, p.Last), first: p.First, born: p.Born})
		for _, c := range p.Classes {
			i, ok := classes[c]
			if !ok {
				i = len(in.groups)
				classes[c] = i
				in.groups = append(in.groups, inGroup{kind: "class", code: c, label: c})
			}
			in.groups[i].pupils = append(in.groups[i].pupils, p.Key)
		}
	}
	for _, g := range e.Adults {
		joined := map[string]bool{}
		name := strings.TrimSpace(g.First + " " + cmp.Or(g.Usual, g.Last))
		for _, c := range g.Children {
			switch {
			case joined[c.Pupil]:
			case c.Pupil != "":
				joined[c.Pupil] = true
				in.links = append(in.links, inLink{pupil: c.Pupil, adult: g.Key, level: level, kinship: "other", consent: ConsentUnknown, raw: c.Raw, file: filepath.Base(g.File)})
			default:
				in.unresolved++
				for _, p := range c.Perhaps {
					in.doubts = append(in.doubts, inDoubt{pupil: p, detail: name + " (" + strings.TrimSpace(c.First+" "+cmp.Or(c.Usual, c.Last)+" "+c.Class) + ")"})
				}
			}
		}
		if len(joined) > 0 {
			in.people = append(in.people, inPerson{kind: KindAdult, key: g.Key, last: cmp.Or(g.Usual, g.Last), first: g.First, points: readPoints(region, g.Email, "", g.Mobile, g.Home, g.Work)})
		}
	}
	for _, t := range e.Teachers {
		in.people = append(in.people, inPerson{kind: KindStaff, key: t.Key, last: cmp.Or(t.Usual, t.Last), first: t.First, points: readPoints(region, t.Email, "", "")})
	}
	return in
}
