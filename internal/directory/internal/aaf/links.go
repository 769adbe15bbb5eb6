package aaf

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// links reads the packed values of ENTElevePersRelEleve. The error is the *intake.Stop of a
// file that names guardians in a way that says no level.
func (f *fileReader) links(p *Pupil) error {
	if _, has := f.names["ENTElevePersRelEleve"]; !has {
		if f.rec.firstDegree {
			f.authority(p)
			return nil
		}
		// Without the packed values there is no level. A pupil who has no guardian at
		// all may lack them; where guardians are named another way, this is no export of
		// 2013 and reading on would lose every parent without a word.
		for _, a := range f.rec.attrs {
			if a.name == "ENTEleveAutoriteParentale" || a.name == "ENTEleveParents" {
				return &intake.Stop{Line: a.line, Reason: whyNoLinkAtAll}
			}
		}
		return nil
	}
	for _, a := range f.rec.attrs {
		if a.name != "ENTElevePersRelEleve" {
			continue
		}
		l, why := parseLink(a.text)
		l.File, l.Line = cmp.Or(a.file, f.file.Path), a.line
		switch {
		case why != "":
			f.refuseAt(a, whyPackedLink, intake.Shorten(a.text), why)
			continue
		}
		for _, d := range signsOf(l) {
			f.r.sign(d, cmp.Or(a.file, f.file.Path), a.line, intake.Shorten(l.Raw))
		}
		same := slices.IndexFunc(p.Links, func(o Link) bool { return o.GuardianKey == l.GuardianKey })
		switch {
		case same < 0:
			p.Links = append(p.Links, l)
		case strings.TrimSpace(p.Links[same].Raw) != strings.TrimSpace(l.Raw):
			f.refuseAt(a, whyTwoLinks, intake.Shorten(p.Links[same].Raw), intake.Shorten(l.Raw))
		}
	}
	return nil
}

// authority reads the guardians of a pupil of the first degree: those who have parental
// authority are listed, and nobody else. What may follow an identifier is what they are
// to the pupil, in a code; more than that we do not know how to read.
func (f *fileReader) authority(p *Pupil) {
	for _, a := range f.rec.attrs {
		if a.name != "ENTEleveAutoriteParentale" {
			continue
		}
		raw := clean(a.text)
		key, rest, more := strings.Cut(raw, "$")
		if !goodID(key) || key == "" || more && !digits(rest) {
			f.refuseAt(a, whyAuthority, intake.Shorten(raw))
			continue
		}
		if !slices.ContainsFunc(p.Links, func(l Link) bool { return l.GuardianKey == key }) {
			p.Links = append(p.Links, Link{GuardianKey: key, Kinship: rest, Raw: raw, File: cmp.Or(a.file, f.file.Path), Line: a.line})
		}
	}
}

// parseLink takes a packed link apart: guardian $ kinship $ financial $ legal $ contact
// $ payment. It says what is wrong with it, in the file's own terms, or "".
func parseLink(raw string) (l Link, wrong string) {
	f := strings.Split(strings.TrimSpace(raw), "$")
	if len(f) != 6 {
		return Link{}, strconv.Itoa(len(f)) + "/6"
	}
	l = Link{GuardianKey: f[0], Kinship: f[1], Financial: f[2], Legal: f[3], Contact: f[4], Payment: f[5], Raw: raw}
	yesOrNo := func(s string) bool { return s == "0" || s == "1" }
	switch {
	case l.GuardianKey == "" || !goodID(l.GuardianKey):
		return l, "identifiant"
	case !digits(l.Kinship):
		return l, "parenté"
	case !yesOrNo(l.Financial):
		return l, "financier"
	case l.Legal != "0" && l.Legal != "1" && l.Legal != "2" && l.Legal != "3":
		return l, "légal"
	case !yesOrNo(l.Contact):
		return l, "contact"
	case !yesOrNo(l.Payment):
		return l, "paiement"
	}
	return l, ""
}

// digits says whether s is a number of one to three digits.
func digits(s string) bool {
	if s == "" || len(s) > 3 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
