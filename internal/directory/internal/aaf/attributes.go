package aaf

import (
	"encoding/xml"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// attributes reads the attributes of a record: it keeps the values of those that are
// of use for its kind, and a fingerprint of all.
func (f *fileReader) attributes(step int) error {
	if step != 2 && step != 1 {
		return f.Unexpected("attributes", "addRequest")
	}
	useful := f.r.useful(&f.rec)
	for n := 0; ; n++ {
		tok, err := f.Element("attributes")
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			return nil
		}
		if n == maxAttrs {
			return f.Stop(whyTooManyAttrs, maxAttrs)
		}
		if err := f.attribute(start, useful); err != nil {
			return err
		}
	}
}

func (f *fileReader) attribute(start xml.StartElement, useful func(string) bool) error {
	name, err := f.attrName(start)
	if err != nil {
		return err
	}
	rec := &f.rec
	if _, repeated := f.names[name]; repeated {
		f.refuse(f.Line, whyRepeatedAttr, intake.Shorten(name))
	}
	f.names[name] = struct{}{}
	if rec.kind != kindSkipped && firstDegree(name) {
		rec.firstDegree = true
		f.r.sign(FirstDegree, f.file.Path, f.Line, name)
	}
	keep := useful(name)
	f.content.WriteString(name)
	f.content.WriteByte(0)
	for n := 0; ; n++ {
		tok, err := f.Element("attr")
		if err != nil {
			return err
		}
		value, ok := tok.(xml.StartElement)
		if !ok {
			f.content.WriteByte(1)
			return nil
		}
		if n == maxValues {
			return f.Stop(whyTooManyValues, maxValues, intake.Shorten(name))
		}
		line := f.Line
		text, err := f.value(value, name)
		if err != nil {
			return err
		}
		f.content.Write(text)
		f.content.WriteByte(0)
		if keep && !intake.Blank(text) {
			rec.attrs = append(rec.attrs, attrValue{name: name, text: string(text), line: line})
		}
	}
}

// attrName reads the start of an attr.
func (f *fileReader) attrName(start xml.StartElement) (string, error) {
	if start.Name.Local != "attr" {
		return "", f.Unexpected(start.Name.Local, "attributes")
	}
	switch {
	case len(start.Attr) == 0:
		return "", f.Stop(whyNoAttrName)
	case len(start.Attr) > 1:
		return "", f.Stop(whyAttribute, intake.Shorten(start.Attr[1].Name.Local), "attr")
	case start.Attr[0].Name.Space != "" || start.Attr[0].Name.Local != "name":
		return "", f.Stop(whyAttribute, intake.Shorten(start.Attr[0].Name.Local), "attr")
	case start.Attr[0].Value == "":
		return "", f.Stop(whyNoAttrName)
	case len(start.Attr[0].Value) > maxValue:
		return "", f.Stop(whyValueTooLong, maxValue, "name")
	}
	return start.Attr[0].Value, nil
}

// value reads a value.
func (f *fileReader) value(start xml.StartElement, name string) ([]byte, error) {
	if start.Name.Local != "value" {
		return nil, f.Unexpected(start.Name.Local, "attr")
	}
	if err := f.noAttributes(start); err != nil {
		return nil, err
	}
	return f.Characters("value", name, maxValue)
}

// firstDegree knows the attributes that only exports of the first degree have.
func firstDegree(name string) bool {
	switch name {
	case "ENTPersonIdentifiant", "ENTPersonNom", "ENTPersonPrenom", "ENTPersonTelPerso",
		"ENTPersonMail", "ENTPersRelEleveTelMobile", "ENTPersRelEleveTelPro":
		return true
	}
	return false
}

// The attributes that are kept, per kind: what is not needed is not stored.

func usefulOfSchool(name string) bool {
	switch name {
	case "ENTStructureJointure", "ENTStructureUAI", "ENTStructureNomCourant",
		"ENTStructureTypeStruct", "telephoneNumber", "postalCode", "l", "ENTServAcAcademie",
		"ENTStructureClasses", "ENTStructureGroupes", "ENTStructureTelephone", "ENTStructureCodePostal", "ENTStructureVille":
		return true
	}
	return false
}

func usefulOfPupil(name string) bool {
	switch name {
	case "ENTPersonJointure", "ENTPersonStructRattach", "ENTPersonDateNaissance",
		"ENTPersonNomPatro", "sn", "givenName", "personalTitle", "homePhone", "mobile", "mail",
		"ENTEleveRegime", "ENTEleveStatutEleve", "ENTEleveLibelleMEF", "ENTEleveClasses",
		"ENTEleveGroupes", "ENTEleveAutoriteParentale", "ENTEleveParents", "ENTElevePersRelEleve",
		"ENTPersonNom", "ENTPersonPrenom", "ENTPersonCivilite", "ENTPersonClasses", "ENTPersonGroupes", "ENTEleveNiveau":
		return true
	}
	return false
}

func usefulOfGuardian(name string) bool {
	switch name {
	case "ENTPersonJointure", "ENTPersonNomPatro", "sn", "givenName", "personalTitle",
		"homePhone", "telephoneNumber", "mobile", "ENTPersonMobileSMS", "mail",
		"ENTPersonNom", "ENTPersonPrenom", "ENTPersonCivilite", "ENTPersonTelPerso", "ENTPersRelEleveTelPro", "ENTPersRelEleveTelMobile", "ENTPersonMail":
		return true
	}
	return false
}

func usefulOfStaff(name string) bool {
	switch name {
	case "ENTPersonJointure", "ENTPersonStructRattach", "ENTPersonNomPatro", "sn",
		"givenName", "personalTitle", "mail", "ENTPersonFonctions", "ENTAuxEnsClasses",
		"ENTAuxEnsGroupes", "ENTAuxEnsClassesPrincipal", "PersEducNatPresenceDevantEleves",
		"ENTPersonNom", "ENTPersonPrenom", "ENTPersonCivilite", "ENTPersonMail":
		return true
	}
	return false
}

func usefulForID(name string) bool { return name == "ENTPersonJointure" }

func usefulForNothing(string) bool { return false }
