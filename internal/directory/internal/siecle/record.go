package siecle

import (
	"encoding/xml"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// The fields of each kind of record, in the order in which they are packed.
const (
	pupilID = iota
	pupilLast
	pupilUsual
	pupilFirst
	pupilBorn
	pupilLeft
	pupilMEF
	pupilStatus
	pupilRegime
	pupilSex
	pupilSMS
	pupilPhone
	pupilMobile
	pupilEmail
	pupilFields
)

const (
	personID = iota
	personTitle
	personLast
	personUsual
	personFirst
	personPhone
	personMobile
	personWork
	personEmail
	personSMS
	personFields
)

const (
	linkPupil = iota
	linkPerson
	linkLegal // RESP_LEGAL
	linkLevel // NIVEAU_RESPONSABILITE
	linkKinship
	linkPays
	linkAid
	linkHouses
	linkFirst
	linkFinancial
	linkPaid
	linkContact
	linkFields
)

// linkNames are the elements of a link in the order of its fields.
var linkNames = [linkFields]string{"ELEVE_ID", "PERSONNE_ID", "RESP_LEGAL", "NIVEAU_RESPONSABILITE", "CODE_PARENTE",
	"PAIE_FRAIS_SCOLAIRES", "PERCOIT_LES_AIDES", "HEBERGE_ELEVE", "A_CONTACTER_EN_PRIORITE", "RESP_FINANCIER", "PERS_PAIMENT", "PERS_CONTACT"}

func pupilField(name string) int {
	switch name {
	case "ELEVE_ID":
		return pupilID
	case "NOM_DE_FAMILLE", "NOM":
		return pupilLast
	case "NOM_USAGE":
		return pupilUsual
	case "PRENOM":
		return pupilFirst
	case "DATE_NAISS":
		return pupilBorn
	case "DATE_SORTIE":
		return pupilLeft
	case "CODE_MEF":
		return pupilMEF
	case "CODE_STATUT":
		return pupilStatus
	case "CODE_REGIME":
		return pupilRegime
	case "CODE_SEXE":
		return pupilSex
	case "ACCEPTE_SMS":
		return pupilSMS
	case "TEL_PERSONNEL":
		return pupilPhone
	case "TEL_PORTABLE":
		return pupilMobile
	case "MEL":
		return pupilEmail
	}
	return -1
}

func personField(name string) int {
	switch name {
	case "PERSONNE_ID":
		return personID
	case "LC_CIVILITE":
		return personTitle
	case "NOM_DE_FAMILLE", "NOM":
		return personLast
	case "NOM_USAGE":
		return personUsual
	case "PRENOM":
		return personFirst
	case "TEL_PERSONNEL":
		return personPhone
	case "TEL_PORTABLE":
		return personMobile
	case "TEL_PROFESSIONNEL":
		return personWork
	case "MEL":
		return personEmail
	case "ACCEPTE_SMS":
		return personSMS
	}
	return -1
}

func linkField(name string) int {
	for i, n := range linkNames {
		if n == name {
			return i
		}
	}
	return -1
}

// maxValue is how long a value may be; those of real files have some dozen bytes.
const maxValue = 4096

// fields reads the record that has begun: of its attributes and elements those that
// field gives a place, the others are passed over and counted. The same field twice
// with two values is a contradiction.
func (f *fileReader) fields(start xml.StartElement, n int, field func(string) int) error {
	name := start.Name.Local
	f.line = f.Line
	f.values = f.values[:0]
	for range n {
		f.values = append(f.values, "")
	}
	for _, a := range start.Attr {
		if i := field(a.Name.Local); i >= 0 && a.Name.Space == "" {
			if len(a.Value) > maxValue {
				return f.Stop(whyLong, maxValue, a.Name.Local)
			}
			f.set(i, a.Name.Local, clean(a.Value))
		}
	}
	for {
		tok, err := f.Element(name)
		if err != nil {
			return err
		}
		child, ok := tok.(xml.StartElement)
		if !ok {
			return nil
		}
		i := field(child.Name.Local)
		if i < 0 {
			if err := f.aside(name, child.Name.Local); err != nil {
				return err
			}
			continue
		}
		text, err := f.Characters(child.Name.Local, child.Name.Local, maxValue)
		if err != nil {
			return err
		}
		f.set(i, child.Name.Local, clean(string(text)))
	}
}

func (f *fileReader) set(i int, name, value string) {
	switch before := f.values[i]; {
	case value == "" || before == value:
	case before == "":
		f.values[i] = value
	case name == "NOM": // beside NOM_DE_FAMILLE, in files of the change
	default:
		f.refuse(whyTwice, name, intake.Shorten(before), intake.Shorten(value))
	}
}

// pack keeps the values as one text.
func (f *fileReader) pack() packed {
	return packed{text: strings.Join(f.values, between), file: f.number, line: int32(f.line)}
}

// clean takes away the blanks around a value and line breaks within.
func clean(s string) string {
	if strings.ContainsAny(s, "\n\r\t") {
		return strings.Join(strings.Fields(s), " ")
	}
	return strings.TrimSpace(s)
}

// date turns dd/mm/yyyy, or yyyy-mm-dd, into yyyy-mm-dd.
func (f *fileReader) date(i int) {
	written := f.values[i]
	if written == "" {
		return
	}
	day, ok := readDate(written)
	if !ok {
		f.refuse(whyDate, intake.Shorten(written))
	}
	f.values[i] = day
}

func readDate(s string) (string, bool) {
	for _, form := range []string{"02/01/2006", time.DateOnly} {
		if len(s) >= 10 {
			if t, err := time.Parse(form, s[:10]); err == nil && (len(s) == 10 || s[10] == ' ' || s[10] == 'T') {
				return t.Format(time.DateOnly), true
			}
		}
	}
	return "", false
}

// goodID says whether something can be the identifier that other records name.
func (f *fileReader) goodID(i int, what string) {
	id := f.values[i]
	if id == "" || len(id) > 64 || strings.ContainsAny(id, " \u00a0") {
		f.refuse(whyID, what, intake.Shorten(id))
	}
}

// yesOrNo refuses an answer that is none: an unreadable refusal is no consent.
func (f *fileReader) yesOrNo(i int, name string) {
	if v := f.values[i]; v != "" && answer(v) == NotAsked {
		f.refuse(whyAnswer, name, intake.Shorten(v))
	}
}

func (f *fileReader) pupil(start xml.StartElement) error {
	if err := f.fields(start, pupilFields, pupilField); err != nil {
		return err
	}
	f.goodID(pupilID, "ELEVE_ID")
	f.date(pupilBorn)
	f.date(pupilLeft)
	f.yesOrNo(pupilSMS, "ACCEPTE_SMS")
	if f.values[pupilLast] == "" && f.values[pupilUsual] == "" {
		f.refuse(whyNoName, intake.Shorten(f.values[pupilID]))
	}
	f.pupils = append(f.pupils, Pupil{f.pack()})
	return nil
}

func (f *fileReader) person(start xml.StartElement) error {
	if err := f.fields(start, personFields, personField); err != nil {
		return err
	}
	f.goodID(personID, "PERSONNE_ID")
	f.yesOrNo(personSMS, "ACCEPTE_SMS")
	f.people = append(f.people, Person{f.pack()})
	return nil
}

func (f *fileReader) link(start xml.StartElement) error {
	if err := f.fields(start, linkFields, linkField); err != nil {
		return err
	}
	f.goodID(linkPupil, "ELEVE_ID")
	f.goodID(linkPerson, "PERSONNE_ID")
	f.signs()
	f.links = append(f.links, Link{f.pack()})
	return nil
}

// places reads a STRUCTURES_ELEVE.
func (f *fileReader) places(start xml.StartElement) error {
	pupil := ""
	for _, a := range start.Attr {
		if a.Name.Local == "ELEVE_ID" {
			pupil = clean(a.Value)
		}
	}
	from := len(f.inPlaces)
	for {
		tok, err := f.Element("STRUCTURES_ELEVE")
		if err != nil {
			return err
		}
		child, ok := tok.(xml.StartElement)
		if !ok {
			break
		}
		switch child.Name.Local {
		case "ELEVE_ID":
			text, err := f.Characters("ELEVE_ID", "ELEVE_ID", maxValue)
			if err != nil {
				return err
			}
			pupil = clean(string(text))
		case "STRUCTURE":
			if err := f.fields(child, 3, placeField); err != nil {
				return err
			}
			kind, code := strings.ToUpper(f.values[1]), f.values[2]
			if code == "" {
				continue
			}
			if kind != "D" && kind != "G" {
				f.note("STRUCTURE/TYPE_STRUCTURE")
				continue
			}
			f.values[1] = kind
			f.inPlaces = append(f.inPlaces, Place{f.pack()})
		default:
			if err := f.aside("STRUCTURES_ELEVE", child.Name.Local); err != nil {
				return err
			}
		}
	}
	for i := range f.inPlaces[from:] {
		f.inPlaces[from+i].text = pupil + f.inPlaces[from+i].text
	}
	return nil
}

func placeField(name string) int {
	switch name {
	case "TYPE_STRUCTURE":
		return 1
	case "CODE_STRUCTURE":
		return 2
	}
	return -1
}

// group reads a DIVISION or a GROUPE of Structures.xml.
func (f *fileReader) group(start xml.StartElement, kind string) error {
	err := f.fields(start, 2, func(name string) int {
		switch name {
		case "CODE_STRUCTURE", "CODE":
			return 0
		case "LIBELLE_LONG", "LIBELLE":
			return 1
		}
		return -1
	})
	if err == nil && f.values[0] != "" {
		f.groups = append(f.groups, Group{kind, f.values[0], f.values[1]})
	}
	return err
}
