package directory

import (
	"context"
	"fmt"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/sts"
)

// readSTS reads the staff and services of schools, one file each.
func readSTS(ctx context.Context, found *intake.Found, o Reading) (*Export, error) {
	out := &Export{format: "sts", refusals: found.Refusals, refused: len(found.Refusals) > 0, aside: map[string]int{}}
	from := map[string]string{} // the file of each school
	for _, f := range found.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !f.Named && !sts.Recognise(f) {
			out.aside["files"]++
			continue
		}
		e, err := sts.Read(f)
		if err == nil && from[e.UAI] != "" {
			err = &intake.Stop{Reason: whySameSchool, Args: []any{e.UAI, from[e.UAI]}}
		}
		if err != nil {
			refusal, err := sts.Refusal(err, f.Path, o.English)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", f.Path, err)
			}
			out.refused, out.refusals = true, append(out.refusals, refusal)
			continue
		}
		from[e.UAI] = f.Path
		for name, n := range e.Aside {
			out.aside[name] += n
		}
		if e.Unknown > 0 {
			out.aside["ENSEIGNANT"] += e.Unknown
		}
		out.schools = append(out.schools, inSchool{uai: e.UAI, name: e.Name, incoming: func() incoming { return fromSTS(e) }})
	}
	return out, nil
}

var whySameSchool = intake.Why("l'établissement %s est déjà dans %s : donnez un seul fichier par établissement", "school %s is in %s already: give one file for each school")

// fromSTS puts one file into our words. It has no pupil and no guardian.
func fromSTS(e *sts.Export) incoming {
	name := e.Name
	if name == "" {
		name = e.UAI
	}
	in := incoming{source: "sts", dialect: "sts", date: e.Year, staffOnly: true,
		school: School{UAI: e.UAI, SourceKey: e.UAI, Name: name, ShortName: shortName(name), Kind: schoolKind(name), Zone: "Europe/Paris", Region: "FR", Lang: "fr"}}
	for _, s := range e.Staff {
		in.people = append(in.people, inPerson{kind: KindStaff, key: s.Key, last: s.Last, first: s.First})
	}
	for _, g := range e.Groups {
		one := inGroup{kind: "group", code: g.Code, label: g.Label}
		if g.Class {
			one.kind = "class"
		}
		if one.label == "" {
			one.label = g.Code
		}
		in.groups = append(in.groups, one)
		for _, s := range g.Services {
			for _, t := range s.Teachers {
				in.services = append(in.services, inService{staff: t, groupKind: one.kind, code: g.Code, subject: s.Subject, label: s.Label})
			}
		}
	}
	for _, s := range e.Staff {
		for _, class := range s.Principal {
			in.services = append(in.services, inService{staff: s.Key, groupKind: "class", code: class, subject: leading})
		}
	}
	return in
}
