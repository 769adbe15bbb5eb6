package siecle

import "strconv"

// evidence is what a file of guardians says of its own dialect, each with the line where
// it first did. 0: it did not.
type evidence struct {
	legal, level           int // RESP_LEGAL, NIVEAU_RESPONSABILITE
	oldKinship, newKinship int // codes of one digit, of two
	oldNames, newNames     int // the elements beside the level
	two                    int // a level 2, which alone means another right in each
}

// signs notes what the link at hand shows.
func (f *fileReader) signs() {
	see := func(at *int, shown bool) {
		if shown && *at == 0 {
			*at = f.line
		}
	}
	v, e := f.values, &f.evidence
	see(&e.legal, v[linkLegal] != "")
	see(&e.level, v[linkLevel] != "")
	see(&e.two, v[linkLegal] == "2" || v[linkLevel] == "2")
	see(&e.oldNames, v[linkFinancial]+v[linkPaid]+v[linkContact] != "")
	see(&e.newNames, v[linkPays]+v[linkAid]+v[linkHouses]+v[linkFirst] != "")
	if n, err := strconv.Atoi(v[linkKinship]); err == nil && n > 0 {
		see(&e.oldKinship, n < 10)
		see(&e.newKinship, n >= 10)
	}
}

// changed is the day on which the levels changed their meaning.
const changed = "2018-03-30"

// dialect tells which one the file has. The element that carries the level says it. What
// speaks against it (the date, the kinship codes, the elements beside it) matters only
// where there is a level 2: then it is for a person to say. The error is a *intake.Stop.
func (f *fileReader) dialect(date string, decided Dialect) (Dialect, error) {
	e := f.evidence
	switch {
	case e.legal == 0 && e.level == 0:
		return Unsaid, nil
	case e.legal > 0 && e.level > 0:
		f.Line = max(e.legal, e.level)
		return Unsaid, f.Stop(whyTwoDialects, e.legal, e.level)
	}
	is, against := After2018, 0
	if e.legal > 0 {
		is, against = Before2018, max(e.newKinship, e.newNames)
	} else {
		against = max(e.oldKinship, e.oldNames)
	}
	dated := date != "" && (date < changed) != (is == Before2018)
	if e.two == 0 || against == 0 && !dated {
		return is, nil
	}
	if decided != Unsaid {
		return decided, nil
	}
	f.Line = e.two
	if is == Before2018 {
		return Unsaid, f.Stop(whyDoubtOld)
	}
	return Unsaid, f.Stop(whyDoubtNew)
}

// levels refuses links whose level is none of the dialect.
func (f *fileReader) levels(d Dialect) {
	for _, l := range f.links {
		level := l.Data().Level
		f.line = l.Line()
		switch {
		case level == "":
			f.refuse(whyNoLevel)
		case d == Before2018 && level != "0" && level != "1" && level != "2",
			d == After2018 && level != "1" && level != "2" && level != "3":
			f.refuse(whyLevel, level)
		}
	}
}

// Kinship says in words what CODE_PARENTE means, in the nomenclature of the dialect. It
// is information for people: who may be told is never derived from it.
func Kinship(d Dialect, code string) string {
	if d == Before2018 {
		switch code {
		case "1":
			return "father"
		case "2":
			return "mother"
		case "3":
			return "appointed guardian"
		case "4":
			return "other family member"
		case "5":
			return "child welfare service"
		case "7":
			return "the pupil"
		}
		return "other"
	}
	switch code {
	case "10":
		return "mother"
	case "20":
		return "father"
	case "37":
		return "sibling"
	case "38", "39":
		return "other family member"
	case "50":
		return "appointed guardian"
	case "51":
		return "child welfare service"
	case "70":
		return "the pupil"
	}
	return "other"
}
