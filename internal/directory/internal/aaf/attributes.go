package aaf

import (
	"encoding/xml"
	"strings"
)

// attributes reads the attributes of a record: it keeps the values of those that are
// of use for its kind, and a fingerprint of all.
func (f *fileReader) attributes(step int) error {
	if step != 2 && step != 1 {
		return f.stop(whyElement, "attributes", "addRequest")
	}
	useful := f.r.useful(&f.rec)
	for n := 0; ; n++ {
		tok, err := f.element("attributes")
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			return nil
		}
		if n == maxAttrs {
			return f.stop(whyTooManyAttrs, maxAttrs)
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
		f.refuse(f.line, whyRepeatedAttr, shorten(name))
	}
	f.names[name] = struct{}{}
	if rec.kind != kindSkipped && firstDegree(name) {
		return f.stop(whyFirstDegree, name)
	}
	keep := useful(name)
	f.content.WriteString(name)
	f.content.WriteByte(0)
	for n := 0; ; n++ {
		tok, err := f.element("attr")
		if err != nil {
			return err
		}
		value, ok := tok.(xml.StartElement)
		if !ok {
			f.content.WriteByte(1)
			return nil
		}
		if n == maxValues {
			return f.stop(whyTooManyValues, maxValues, shorten(name))
		}
		line := f.line
		if err := f.value(value, name); err != nil {
			return err
		}
		f.content.Write(f.text)
		f.content.WriteByte(0)
		if keep && !blank(f.text) {
			rec.attrs = append(rec.attrs, attrValue{name, string(f.text), line})
		}
	}
}

// attrName reads the start of an attr.
func (f *fileReader) attrName(start xml.StartElement) (string, error) {
	if start.Name.Local != "attr" {
		return "", f.stop(whyElement, shorten(start.Name.Local), "attributes")
	}
	switch {
	case len(start.Attr) == 0:
		return "", f.stop(whyNoAttrName)
	case len(start.Attr) > 1:
		return "", f.stop(whyAttribute, shorten(start.Attr[1].Name.Local), "attr")
	case start.Attr[0].Name.Space != "" || start.Attr[0].Name.Local != "name":
		return "", f.stop(whyAttribute, shorten(start.Attr[0].Name.Local), "attr")
	case start.Attr[0].Value == "":
		return "", f.stop(whyNoAttrName)
	case len(start.Attr[0].Value) > maxValue:
		return "", f.stop(whyValueTooLong, maxValue, "name")
	}
	return start.Attr[0].Value, nil
}

// value reads a value into f.text.
func (f *fileReader) value(start xml.StartElement, name string) error {
	if start.Name.Local != "value" {
		return f.stop(whyElement, shorten(start.Name.Local), "attr")
	}
	if err := f.noAttributes(start); err != nil {
		return err
	}
	return f.characters("value", name)
}

// characters reads the text of an element up to its end into f.text; name is that of
// the attribute, for refusals.
func (f *fileReader) characters(element, name string) error {
	f.text = f.text[:0]
	for {
		tok, err := f.token()
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.EndElement:
			return f.ends(t, element)
		case xml.CharData:
			if len(f.text)+len(t) > maxValue {
				return f.stop(whyValueTooLong, maxValue, shorten(name))
			}
			f.text = append(f.text, t...)
		case xml.StartElement:
			return f.stop(whyElement, shorten(t.Name.Local), element)
		case xml.Directive:
			return f.directive(t)
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") {
				return f.stop(whyMalformed, "<?xml ?> must come first")
			}
		case xml.Comment: // within a value it says nothing
		}
	}
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
		"ENTStructureClasses", "ENTStructureGroupes":
		return true
	}
	return false
}

func usefulOfPupil(name string) bool {
	switch name {
	case "ENTPersonJointure", "ENTPersonStructRattach", "ENTPersonDateNaissance",
		"ENTPersonNomPatro", "sn", "givenName", "personalTitle", "homePhone", "mobile", "mail",
		"ENTEleveRegime", "ENTEleveStatutEleve", "ENTEleveLibelleMEF", "ENTEleveClasses",
		"ENTEleveGroupes", "ENTEleveAutoriteParentale", "ENTEleveParents", "ENTElevePersRelEleve":
		return true
	}
	return false
}

func usefulOfGuardian(name string) bool {
	switch name {
	case "ENTPersonJointure", "ENTPersonNomPatro", "sn", "givenName", "personalTitle",
		"homePhone", "telephoneNumber", "mobile", "ENTPersonMobileSMS", "mail":
		return true
	}
	return false
}

func usefulOfStaff(name string) bool {
	switch name {
	case "ENTPersonJointure", "ENTPersonStructRattach", "ENTPersonNomPatro", "sn",
		"givenName", "personalTitle", "mail", "ENTPersonFonctions", "ENTAuxEnsClasses",
		"ENTAuxEnsGroupes", "ENTAuxEnsClassesPrincipal", "PersEducNatPresenceDevantEleves":
		return true
	}
	return false
}

func usefulForID(name string) bool { return name == "ENTPersonJointure" }

func usefulForNothing(string) bool { return false }

// shorten keeps what a sentence can bear of something the file says.
func shorten(s string) string {
	const most = 60
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
