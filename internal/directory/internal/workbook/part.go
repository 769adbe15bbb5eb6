package workbook

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// maxNesting is how deep the elements of a part stand within one another.
const maxNesting = 64

// part is one part of the workbook, being read.
type part struct {
	x      *intake.XML
	closer io.Closer
	name   string
	open   []string // elements
	rooted bool
}

// open opens a part, as long as all that were opened stay within bounds.
func (b *Book) open(name string) (*part, error) {
	f, ok := b.file.Parts[strings.ToLower(name)]
	if !ok {
		return nil, &intake.Stop{Reason: whyNoBook, Args: []any{intake.Shorten(name)}}
	}
	if f.Size > maxParts || b.read > 4*maxParts { // a sheet is opened up to three times
		return nil, &intake.Stop{Reason: whyLarge, Args: []any{maxParts >> 20}}
	}
	b.read += f.Size
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	x, err := intake.NewXML(r, name)
	if err != nil {
		r.Close()
		return nil, err
	}
	return &part{x: x, closer: r, name: name}, nil
}

func (p *part) Close() error { return p.closer.Close() }

// next is the next token that says something; io.EOF is the end of a part that is whole.
func (p *part) next() (xml.Token, error) {
	for {
		t, err := p.x.Token()
		if err == io.EOF && (len(p.open) > 0 || !p.rooted) {
			return nil, p.x.Stop(whyCut, intake.Shorten(p.name))
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(p.open) == maxNesting || p.rooted && len(p.open) == 0 {
				return nil, p.x.Stop(whyCut, intake.Shorten(p.name))
			}
			p.rooted = true
			p.open = append(p.open, t.Name.Local)
			return t, nil
		case xml.EndElement:
			if len(p.open) == 0 || p.open[len(p.open)-1] != t.Name.Local {
				return nil, p.x.Stop(whyCut, intake.Shorten(p.name))
			}
			p.open = p.open[:len(p.open)-1]
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Directive:
			if err := p.x.Directive(t); err != nil {
				return nil, err
			}
		}
	}
}

// text reads the texts in an element that has just begun, to its end.
func (p *part) text(element string) (string, error) {
	var b strings.Builder
	depth := len(p.open)
	in, spoken := false, 0
	for {
		t, err := p.next()
		if err == io.EOF {
			return "", p.x.Stop(whyCut, intake.Shorten(p.name))
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "rPh" && spoken == 0 {
				spoken = len(p.open)
			}
			in = t.Name.Local == "t" && spoken == 0
		case xml.EndElement:
			in = false
			if len(p.open) < spoken {
				spoken = 0
			}
			if len(p.open) < depth {
				return unspelt(b.String()), nil
			}
		case xml.CharData:
			if in {
				if b.Len()+len(t) > maxText {
					return "", &intake.Stop{Reason: whyTexts}
				}
				b.Write(t)
			}
		}
	}
}

// value reads the plain text of an element that has just begun.
func (p *part) value() (string, error) {
	var b strings.Builder
	depth := len(p.open)
	for {
		t, err := p.next()
		if err == io.EOF {
			return "", p.x.Stop(whyCut, intake.Shorten(p.name))
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if len(p.open) < depth {
				return b.String(), nil
			}
		case xml.CharData:
			if b.Len()+len(t) > maxText {
				return "", &intake.Stop{Reason: whyTexts}
			}
			b.Write(t)
		}
	}
}
