package intake

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// XML reads a file token by token. It has no entities but the five of XML itself, no
// document type that declares anything, bounded tokens and a bounded depth; it compares
// every end tag with what is open. Nothing outside the file is ever opened.
type XML struct {
	Line     int    // where the last token began
	Encoding string // as declared, in lower case; "utf-8" when nothing is declared

	// OnComment is called with each comment between elements; nil: they say nothing.
	OnComment func([]byte) error

	in      *input
	dec     *xml.Decoder
	counted *countingReader
	root    string // the element that a truncated file stops before
	rooted  bool
	doctype bool
	first   bool // nothing but the declaration may still come
	text    []byte
	open    []string // elements that Skip is in
}

// maxDepth is how far elements may stand within one another where they are passed over.
const maxDepth = 64

// NewXML looks at the first bytes. Expected is the root that the file should have, for
// the sentence about a truncated one.
func NewXML(src io.Reader, expected string) (*XML, error) {
	counted := &countingReader{src: src}
	in, err := newXMLInput(counted)
	if err != nil {
		return nil, err
	}
	x := &XML{in: in, counted: counted, root: expected, first: true, Encoding: in.encoding}
	x.dec = xml.NewDecoder(in)
	// The bytes are UTF-8 already, whatever the declaration says.
	x.dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return x, nil
}

// Bytes is how many have been read of the file.
func (x *XML) Bytes() int64 { return x.counted.n }

type countingReader struct {
	src io.Reader
	n   int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += int64(n)
	return n, err
}

// Stop refuses the file at the line of the last token.
func (x *XML) Stop(why Reason, args ...any) error {
	return &Stop{Line: x.Line, Reason: why, Args: args}
}

// Token reads the next token, whatever it is. io.EOF is the end of the file.
func (x *XML) Token() (xml.Token, error) {
	x.Line, _ = x.dec.InputPos()
	// RawToken spares the decoder a stack: the end tags are compared here, where it is
	// known which must come.
	tok, err := x.dec.RawToken()
	x.in.took()
	if err == nil || err == io.EOF {
		return tok, err
	}
	var stopped *Stop
	if errors.As(err, &stopped) {
		if stopped.Reason == whyTokenTooLong {
			stopped.Line = x.Line
		}
		return nil, stopped
	}
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		if strings.HasPrefix(err.Error(), "xml: ") {
			return nil, x.Stop(whyMalformed, strings.TrimPrefix(err.Error(), "xml: "))
		}
		return nil, fmt.Errorf("reading: %w", err)
	}
	switch {
	case syntax.Msg == "unexpected EOF":
		return nil, &Stop{Line: syntax.Line, Reason: whyTruncated, Args: []any{x.root}}
	case strings.HasPrefix(syntax.Msg, "invalid character entity "):
		entity := strings.TrimPrefix(syntax.Msg, "invalid character entity ")
		return nil, &Stop{Line: syntax.Line, Reason: whyEntity, Args: []any{entity}}
	}
	return nil, &Stop{Line: syntax.Line, Reason: whyMalformed, Args: []any{syntax.Msg}}
}

// Outside is the parent of the root; no end tag closes it.
const Outside = "document"

// Element reads on to the next start of an element in parent or to the end of parent:
// blanks, comments and processing instructions are passed over, anything else stops.
// Outside the root io.EOF is the end of the file; within, the file is truncated.
func (x *XML) Element(parent string) (xml.Token, error) {
	for {
		tok, err := x.Token()
		if err == io.EOF && parent != Outside {
			return nil, x.Stop(whyTruncated, x.root)
		}
		if err != nil {
			return nil, err
		}
		first := x.first
		x.first = false
		switch t := tok.(type) {
		case xml.StartElement:
			if t.Name.Space != "" {
				return nil, x.Stop(whyElement, t.Name.Space+":"+t.Name.Local, parent)
			}
			return t, nil
		case xml.EndElement:
			return t, x.Ends(t, parent)
		case xml.CharData:
			if !Blank(t) {
				before := len(t) - len(bytes.TrimLeft(t, " \t\r\n"))
				x.Line += bytes.Count(t[:before], newline)
				return nil, x.Stop(whyText, parent)
			}
		case xml.Comment:
			if x.OnComment != nil {
				if err := x.OnComment(t); err != nil {
					return nil, err
				}
			}
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") && !first {
				return nil, x.Stop(whyMalformed, "<?xml ?> must come first")
			}
		case xml.Directive:
			if err := x.Directive(t); err != nil {
				return nil, err
			}
		}
	}
}

// Root reads up to the root element.
func (x *XML) Root() (xml.StartElement, error) {
	tok, err := x.Element(Outside)
	if err == io.EOF {
		return xml.StartElement{}, x.Stop(whyTruncated, x.root)
	}
	if err != nil {
		return xml.StartElement{}, err
	}
	root, ok := tok.(xml.StartElement)
	if !ok {
		return xml.StartElement{}, x.Stop(whyMalformed, "no root element")
	}
	x.rooted, x.root = true, Shorten(root.Name.Local)
	return root, nil
}

// End reads what follows the root: nothing may. A file that declares another encoding
// than it has is told so now that it has been read whole.
func (x *XML) End() error {
	tok, err := x.Element(Outside)
	if err == nil {
		if start, ok := tok.(xml.StartElement); ok {
			return x.Stop(whyElement, Shorten(start.Name.Local), Outside)
		}
	}
	if err != io.EOF {
		return err
	}
	if x.in.latin != nil {
		if line, yes := x.in.latin.reallyUTF8(); yes {
			return &Stop{Line: line, Reason: whyReallyUTF8, Args: []any{x.in.encoding}}
		}
	}
	return nil
}

// Unexpected refuses an element that has no place in parent.
func (x *XML) Unexpected(name, parent string) error {
	return x.Stop(whyElement, Shorten(name), parent)
}

// Ends checks that an end tag closes what is open.
func (x *XML) Ends(t xml.EndElement, open string) error {
	if t.Name.Space != "" || t.Name.Local != open || open == Outside {
		return x.Stop(whyMalformed, "element <"+Shorten(open)+"> closed by </"+Shorten(t.Name.Local)+">")
	}
	return nil
}

// Characters reads the text of an element up to its end: at most so many bytes. Name is
// what the reason calls it. The bytes are good until the next call.
func (x *XML) Characters(element, name string, most int) ([]byte, error) {
	x.text = x.text[:0]
	for {
		tok, err := x.Token()
		if err == io.EOF {
			return nil, x.Stop(whyTruncated, x.root)
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.EndElement:
			return x.text, x.Ends(t, element)
		case xml.CharData:
			if len(x.text)+len(t) > most {
				return nil, x.Stop(whyValueTooLong, most, Shorten(name))
			}
			x.text = append(x.text, t...)
		case xml.StartElement:
			return nil, x.Stop(whyElement, Shorten(t.Name.Local), element)
		case xml.Directive:
			return nil, x.Directive(t)
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") {
				return nil, x.Stop(whyMalformed, "<?xml ?> must come first")
			}
		case xml.Comment: // within a value it says nothing
		}
	}
}

// Skip passes over the element that has just begun, whatever is in it.
func (x *XML) Skip(name string) error {
	x.open = append(x.open[:0], name)
	for len(x.open) > 0 {
		tok, err := x.Token()
		if err == io.EOF {
			return x.Stop(whyTruncated, x.root)
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if len(x.open) == maxDepth {
				return x.Stop(whyDepth, maxDepth)
			}
			x.open = append(x.open, full(t.Name))
		case xml.EndElement:
			last := x.open[len(x.open)-1]
			if full(t.Name) != last {
				return x.Stop(whyMalformed, "element <"+Shorten(last)+"> closed by </"+Shorten(full(t.Name))+">")
			}
			x.open = x.open[:len(x.open)-1]
		case xml.Directive:
			return x.Directive(t)
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") {
				return x.Stop(whyMalformed, "<?xml ?> must come first")
			}
		}
	}
	return nil
}

func full(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// Directive lets one document type through that points to an outside DTD, which is
// never fetched, and nothing that declares anything.
func (x *XML) Directive(d []byte) error {
	word, _, _ := strings.Cut(string(d[:min(len(d), 40)]), " ")
	if x.rooted || x.doctype || word != "DOCTYPE" {
		return x.Stop(whyDirective, word)
	}
	x.doctype = true
	quote := byte(0)
	for _, c := range d {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '<':
			return x.Stop(whyInternalDTD)
		}
	}
	return nil
}

// Blank says whether there is nothing but white space.
func Blank(p []byte) bool {
	for _, c := range p {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}
