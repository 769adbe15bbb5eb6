package aaf

import (
	"slices"
	"strconv"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// links reads the packed values of ENTElevePersRelEleve. The error is the *intake.Stop of a
// file in the later dialect.
func (f *fileReader) links(p *Pupil) error {
	if _, has := f.names["ENTElevePersRelEleve"]; !has {
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
		l.File, l.Line = f.file.Path, a.line
		switch {
		case why != "":
			f.refuse(a.line, whyPackedLink, intake.Shorten(a.text), why)
			continue
		case laterKinship(l.Kinship):
			return &intake.Stop{Line: a.line, Reason: whyLaterKinship, Args: []any{intake.Shorten(a.text), l.Kinship}}
		case l.Legal == "3":
			return &intake.Stop{Line: a.line, Reason: whyLaterLevel, Args: []any{intake.Shorten(a.text), l.Legal}}
		}
		same := slices.IndexFunc(p.Links, func(o Link) bool { return o.GuardianKey == l.GuardianKey })
		switch {
		case same < 0:
			p.Links = append(p.Links, l)
		case strings.TrimSpace(p.Links[same].Raw) != strings.TrimSpace(l.Raw):
			f.refuse(a.line, whyTwoLinks, intake.Shorten(p.Links[same].Raw), intake.Shorten(l.Raw))
		}
	}
	return nil
}

// laterKinship says whether a code is one of after March 2018, which have two digits.
func laterKinship(code string) bool {
	n, err := strconv.Atoi(code)
	return err == nil && n >= 10
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
