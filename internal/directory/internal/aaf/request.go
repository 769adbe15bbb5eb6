package aaf

import (
	"cmp"
	"encoding/xml"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// request reads one addRequest: operationalAttributes, identifier, attributes. What it
// says is in f.rec.
func (f *fileReader) request() error {
	rec := &f.rec
	clear(f.names)
	f.content.Reset()
	*rec = record{line: f.Line, attrs: rec.attrs[:0], refusals: rec.refusals[:0]}
	f.file.Records++
	step := 0
	for {
		tok, err := f.Element("addRequest")
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			break
		}
		if err := f.noAttributes(start); err != nil {
			return err
		}
		var next int
		switch start.Name.Local {
		case "operationalAttributes":
			next, err = 1, f.category(step)
		case "identifier":
			next, err = 2, f.identifier(step)
		case "attributes":
			next, err = 3, f.attributes(step)
		default:
			err = f.Unexpected(start.Name.Local, "addRequest")
		}
		if err != nil {
			return err
		}
		step = next
	}
	if rec.category == "" {
		return &intake.Stop{Line: rec.line, Reason: whyNoCategory}
	}
	if rec.id == "" && len(rec.refusals) == 0 {
		f.refuse(rec.line, whyNoID, rec.category)
	}
	if step < 3 {
		f.refuse(rec.line, whyNoAttributes, rec.category)
	}
	return nil
}

// refuse tells what is wrong with the record at hand; the file goes on.
func (f *fileReader) refuse(line int, why intake.Reason, args ...any) {
	f.rec.refusals = append(f.rec.refusals, Refusal{
		File: f.file.Path, Line: line, Reason: why.Text(f.r.english, args...),
	})
}

// refuseAt tells what is wrong with a value of the record, where the value stands: a
// delta may have brought it.
func (f *fileReader) refuseAt(a attrValue, why intake.Reason, args ...any) {
	f.rec.refusals = append(f.rec.refusals, Refusal{
		File: cmp.Or(a.file, f.file.Path), Line: a.line, Reason: why.Text(f.r.english, args...),
	})
}

// category reads operationalAttributes.
func (f *fileReader) category(step int) error {
	if step != 0 {
		return f.Unexpected("operationalAttributes", "addRequest")
	}
	tok, err := f.Element("operationalAttributes")
	if err != nil {
		return err
	}
	start, ok := tok.(xml.StartElement)
	if !ok {
		return f.Stop(whyNoCategory)
	}
	name, err := f.attrName(start)
	if err != nil {
		return err
	}
	category := ""
	for {
		tok, err := f.Element("attr")
		if err != nil {
			return err
		}
		value, ok := tok.(xml.StartElement)
		if !ok {
			break
		}
		text, err := f.value(value, name)
		if err != nil {
			return err
		}
		if category != "" {
			return f.Stop(whyTwoCategories)
		}
		category = strings.TrimSpace(string(text))
		known := false
		if f.rec.kind, known = kindOf(name, category); !known {
			return f.Stop(whyCategory, intake.Shorten(name), intake.Shorten(category))
		}
	}
	if category == "" {
		return f.Stop(whyNoCategory)
	}
	f.rec.category = category
	tok, err = f.Element("operationalAttributes")
	if err != nil {
		return err
	}
	if _, ok := tok.(xml.StartElement); ok {
		return f.Stop(whyTwoCategories)
	}
	return nil
}

// identifier reads identifier and its id.
func (f *fileReader) identifier(step int) error {
	if step != 1 {
		return f.Unexpected("identifier", "addRequest")
	}
	for n := 0; ; n++ {
		tok, err := f.Element("identifier")
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			return nil
		}
		if start.Name.Local != "id" || n > 0 {
			return f.Unexpected(start.Name.Local, "identifier")
		}
		if err := f.noAttributes(start); err != nil {
			return err
		}
		f.rec.idLine = f.Line
		text, err := f.Characters("id", "id", maxValue)
		if err != nil {
			return err
		}
		id := strings.TrimSpace(string(text))
		switch {
		case id == "":
			f.refuse(f.rec.idLine, whyNoID, f.rec.category)
		case !goodID(id):
			f.refuse(f.rec.idLine, whyBadID, intake.Shorten(id), maxID)
		}
		f.rec.id = id
	}
}

// goodID says whether an identifier can be used in packed values.
func goodID(id string) bool {
	if len(id) > maxID {
		return false
	}
	for _, c := range id {
		if c <= ' ' || c == '$' || c == 0x7F || c == 0xA0 {
			return false
		}
	}
	return true
}
