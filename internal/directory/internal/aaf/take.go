package aaf

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// take makes of a record what it is, and keeps it.
func (r *reading) take(f *fileReader) error {
	rec := &f.rec
	if r.missed != nil {
		if _, ok := r.missed[rec.id]; ok && rec.kind == kindGuardian && r.guardians[rec.id] == nil {
			r.guardians[rec.id] = f.guardian()
		}
		return nil
	}
	if rec.kind == kindSkipped {
		r.refuse(rec.refusals, nil)
		return nil
	}
	f.checkID()
	before, again := mark{}, false
	key := r.hash(rec.kind, rec.id)
	if rec.id != "" {
		content := f.content.Sum64()
		before, again = r.seen[key]
		if again && before.content == content {
			return nil
		}
		if !again {
			number := int32(len(r.files) - 1)
			r.seen[key] = mark{content: content, file: number, line: int32(rec.idLine), kind: rec.kind}
		} else {
			f.refuse(rec.idLine, whyDuplicate, intake.Shorten(rec.id), rec.category, r.files[before.file].Path, before.line)
		}
	}
	var err error
	switch rec.kind {
	case kindSchool:
		r.takeSchool(f)
	case kindPupil:
		err = r.takePupil(f)
	case kindGuardian:
		r.takeGuardian(f)
	case kindStaff:
		r.takeStaff(f)
	}
	if rec.id != "" && len(rec.refusals) > 0 {
		m := r.seen[key]
		m.bad = true
		r.seen[key] = m
	}
	return err
}

// refuse writes refusals of one record down and holds back the schools they touch.
// It returns the place of the last one, or -1 when it is only counted.
func (r *reading) refuse(refusals []Refusal, schools []string) int {
	for _, s := range schools {
		r.heldBack[s] = true
	}
	place := -1
	for _, refusal := range refusals {
		if len(r.refusals) >= maxRefusals {
			r.more++
			continue
		}
		refusal.Schools = schools
		r.refusals = append(r.refusals, refusal)
		place = len(r.refusals) - 1
	}
	return place
}

// checkID compares the identifier with the one that the attributes repeat.
func (f *fileReader) checkID() {
	name := "ENTPersonJointure"
	if f.rec.kind == kindSchool {
		name = "ENTStructureJointure"
	}
	if f.rec.id == "" {
		return // said already
	}
	switch repeated := f.one(name); repeated {
	case f.rec.id:
	case "":
		f.refuse(f.rec.line, whyNoID, f.rec.category+" ("+name+")")
	default:
		f.refuse(f.rec.idLine, whyTwoIDs, intake.Shorten(f.rec.id), intake.Shorten(repeated))
	}
}

// one returns the value of an attribute that has at most one.
func (f *fileReader) one(name string) string {
	out, found := "", false
	for _, a := range f.rec.attrs {
		if a.name != name {
			continue
		}
		if found {
			f.refuse(a.line, whySeveralValues, name)
			return out
		}
		out, found = clean(a.text), true
	}
	return out
}

// anyOf returns the first value of an attribute that may have several, or "".
func (f *fileReader) anyOf(name string) string {
	for _, a := range f.rec.attrs {
		if a.name == name {
			return clean(a.text)
		}
	}
	return ""
}

// either is what an attribute says, or the one that the first degree has for it.
func (f *fileReader) either(name, first string) string { return cmp.Or(f.anyOf(name), f.anyOf(first)) }

// clean takes away the blanks around a value, and line breaks within, which no name
// and no number has.
func clean(s string) string {
	if strings.ContainsAny(s, "\n\r\t") {
		return strings.Join(strings.Fields(s), " ")
	}
	return strings.TrimSpace(s)
}

func (r *reading) takeSchool(f *fileReader) {
	s := &School{
		Key: f.rec.id, File: f.file.Path, Line: f.rec.line,
		UAI: f.one("ENTStructureUAI"), Name: f.one("ENTStructureNomCourant"),
		Type: f.one("ENTStructureTypeStruct"), Phone: f.either("telephoneNumber", "ENTStructureTelephone"),
		PostalCode: f.either("postalCode", "ENTStructureCodePostal"), City: f.either("l", "ENTStructureVille"), Academy: f.anyOf("ENTServAcAcademie"),
		Classes: f.divisions("ENTStructureClasses"), Groups: f.divisions("ENTStructureGroupes"),
	}
	if len(f.rec.refusals) > 0 {
		delete(r.schools, s.Key)
		r.refuse(f.rec.refusals, []string{s.Key})
		return
	}
	r.schools[s.Key] = s
}

// divisions reads code$label$…, as schools declare their classes and groups.
func (f *fileReader) divisions(name string) []Division {
	var out []Division
	for _, a := range f.rec.attrs {
		if a.name != name {
			continue
		}
		fields := strings.Split(a.text, "$")
		code, label := clean(fields[0]), ""
		if len(fields) > 1 {
			label = clean(fields[1])
		}
		if code == "" {
			f.refuse(a.line, whyPacked, intake.Shorten(a.text), name, "code$libellé…")
			continue
		}
		out = append(out, Division{Code: code, Label: label})
	}
	return out
}

func (r *reading) takePupil(f *fileReader) error {
	p := &Pupil{
		Key: f.rec.id, File: f.file.Path, Line: f.rec.line,
		SchoolKey: r.word(f.one("ENTPersonStructRattach")),
		Last:      f.one("ENTPersonNomPatro"), Usual: cmp.Or(f.one("sn"), f.one("ENTPersonNom")), First: cmp.Or(f.one("givenName"), f.one("ENTPersonPrenom")),
		Title: r.word(cmp.Or(f.one("personalTitle"), f.one("ENTPersonCivilite"))),
		Born:  f.date("ENTPersonDateNaissance"), Regime: r.word(f.one("ENTEleveRegime")),
		Status: r.word(f.one("ENTEleveStatutEleve")), Grade: r.word(cmp.Or(f.one("ENTEleveLibelleMEF"), f.one("ENTEleveNiveau"))),
		Classes: append(r.places(f, "ENTEleveClasses"), r.places(f, "ENTPersonClasses")...), Groups: append(r.places(f, "ENTEleveGroupes"), r.places(f, "ENTPersonGroupes")...),
		HomePhone: f.anyOf("homePhone"), Mobile: f.anyOf("mobile"), Email: f.anyOf("mail"),
	}
	if p.Usual == "" {
		p.Usual = p.Last
	}
	if p.Usual == "" {
		f.refuse(f.rec.line, whyNoName, f.rec.category)
	}
	var schools []string
	if p.SchoolKey == "" {
		f.refuse(f.rec.line, whyNoSchool)
	} else {
		schools = []string{p.SchoolKey}
	}
	if err := f.links(p); err != nil {
		return err
	}
	if len(f.rec.refusals) > 0 {
		if other := r.pupils[p.Key]; other != nil {
			schools = append(schools, other.SchoolKey)
			delete(r.pupils, p.Key)
		}
		r.refuse(f.rec.refusals, schools)
		return nil
	}
	r.pupils[p.Key] = p
	for _, l := range p.Links {
		r.wanted[l.GuardianKey] = struct{}{}
	}
	return nil
}

// date turns dd/mm/yyyy into yyyy-mm-dd.
func (f *fileReader) date(name string) string {
	written := f.one(name)
	if written == "" {
		return ""
	}
	day, err := time.Parse("02/01/2006", written)
	if err != nil {
		f.refuse(f.valueLine(name), whyBirthDate, intake.Shorten(written))
		return ""
	}
	return day.Format(time.DateOnly)
}

func (f *fileReader) valueLine(name string) int {
	for _, a := range f.rec.attrs {
		if a.name == name {
			return a.line
		}
	}
	return f.rec.line
}

// places reads school$code and, as the first degree has it, school$…$…$code$label.
func (r *reading) places(f *fileReader, name string) []Place {
	var out []Place
	for _, a := range f.rec.attrs {
		if a.name != name {
			continue
		}
		school, code, ok := strings.Cut(a.text, "$")
		if all := strings.Split(a.text, "$"); len(all) == 5 && strings.HasPrefix(name, "ENTPerson") {
			code = all[3]
			r.labels[Place{SchoolKey: clean(school), Code: clean(code)}] = r.word(clean(all[4]))
		}
		school, code = clean(school), clean(code)
		if !ok || school == "" || code == "" {
			f.refuse(a.line, whyPacked, intake.Shorten(a.text), name, "idEtab$code")
			continue
		}
		p := Place{SchoolKey: r.word(school), Code: r.word(code)}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func (r *reading) takeGuardian(f *fileReader) {
	key := f.rec.id
	if len(f.rec.refusals) > 0 {
		delete(r.guardians, key)
		// Which schools this touches is known once all pupils are read. Whichever of its
		// two identifiers is wrong, or missing, a link may name the other.
		place := r.refuse(f.rec.refusals, nil)
		r.badGuardians[key] = append(r.badGuardians[key], place)
		if other := f.anyOf("ENTPersonJointure"); other != key {
			r.badGuardians[other] = append(r.badGuardians[other], place)
		}
		return
	}
	if _, wanted := r.wanted[key]; wanted {
		r.guardians[key] = f.guardian()
	}
}

func (f *fileReader) guardian() *Guardian {
	return &Guardian{
		Key: f.rec.id, File: f.file.Path, Line: f.rec.line,
		Last:  cmp.Or(f.either("sn", "ENTPersonNom"), f.anyOf("ENTPersonNomPatro")),
		First: f.either("givenName", "ENTPersonPrenom"), Title: f.r.word(f.either("personalTitle", "ENTPersonCivilite")),
		HomePhone: f.either("homePhone", "ENTPersonTelPerso"), WorkPhone: f.either("telephoneNumber", "ENTPersRelEleveTelPro"),
		Mobile: f.either("mobile", "ENTPersRelEleveTelMobile"), SMSMobile: f.anyOf("ENTPersonMobileSMS"), Email: f.either("mail", "ENTPersonMail"),
	}
}

func (r *reading) takeStaff(f *fileReader) {
	s := &Staff{
		Key: f.rec.id, File: f.file.Path, Line: f.rec.line,
		Last:  cmp.Or(f.either("sn", "ENTPersonNom"), f.anyOf("ENTPersonNomPatro")),
		First: f.either("givenName", "ENTPersonPrenom"), Title: r.word(f.either("personalTitle", "ENTPersonCivilite")), Email: f.either("mail", "ENTPersonMail"),
		Teaches: f.anyOf("PersEducNatPresenceDevantEleves") == "O",
		Classes: r.places(f, "ENTAuxEnsClasses"), Groups: r.places(f, "ENTAuxEnsGroupes"),
		Principal: r.places(f, "ENTAuxEnsClassesPrincipal"),
	}
	for _, a := range f.rec.attrs {
		switch a.name {
		case "ENTPersonStructRattach":
			s.Schools = append(s.Schools, r.word(clean(a.text)))
		case "ENTPersonFonctions":
			fields := strings.Split(a.text, "$")
			if len(fields) < 2 || clean(fields[0]) == "" {
				f.refuse(a.line, whyPacked, intake.Shorten(a.text), a.name, "idEtab$code$libellé…")
				continue
			}
			fn := Function{SchoolKey: r.word(clean(fields[0])), Code: r.word(clean(fields[1]))}
			if len(fields) > 2 {
				fn.Label = r.word(clean(fields[2]))
			}
			s.Functions = append(s.Functions, fn)
		}
	}
	if len(f.rec.refusals) > 0 {
		schools := s.Schools
		if other := r.staff[s.Key]; other != nil {
			schools = slices.Concat(schools, other.Schools)
			delete(r.staff, s.Key)
		}
		r.refuse(f.rec.refusals, schools)
		return
	}
	r.staff[s.Key] = s
}
