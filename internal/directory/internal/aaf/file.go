package aaf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"regexp"
	"strings"
)

// kind is what a record is about, told by its operationalAttributes and by nothing
// else.
type kind int

const (
	kindSkipped  kind = iota // MEF, subjects, academic services: well-formed, and left
	kindSchool               // EtabEducNat
	kindPupil                // Eleve
	kindGuardian             // PersRelEleve
	kindStaff                // PersEducNat
)

// kindOf knows the categories of the DTD and of the SDET annex.
func kindOf(attr, category string) (kind, bool) {
	switch attr + "=" + category {
	case "categorieStructure=EtabEducNat":
		return kindSchool, true
	case "categoriePersonne=Eleve":
		return kindPupil, true
	case "categoriePersonne=PersRelEleve":
		return kindGuardian, true
	case "categoriePersonne=PersEducNat":
		return kindStaff, true
	case "categorieMef=MefEducNat", "categorieMatiere=MatEducNat", "categorieStructure=ServAc":
		return kindSkipped, true
	}
	return kindSkipped, false
}

// record is one addRequest.
type record struct {
	kind     kind
	category string
	line     int // of <addRequest>
	id       string
	idLine   int
	attrs    []attrValue // the values worth keeping, in the order of the file
	refusals []Refusal   // what is wrong with it
}

// attrValue is one value that is not empty.
type attrValue struct {
	name, text string
	line       int
}

// fileReader reads one file as the DTD has it, and no other way: an element or a text
// out of place ends it.
type fileReader struct {
	r       *reading
	file    File
	in      *input
	dec     *xml.Decoder
	line    int // where the last token began
	rec     record
	names   map[string]struct{} // of the attributes of rec
	content maphash.Hash        // of the attributes of rec
	text    []byte
	rooted  bool
	doctype bool
	first   bool // nothing but the declaration may still come
}

// read reads the whole file and hands each record to r. The error is a *stop, or one
// of the reading itself.
func (f *fileReader) read(src io.Reader) error {
	counted := &countingReader{src: src}
	in, err := newInput(counted)
	if err != nil {
		return err
	}
	f.in, f.first = in, true
	f.file.Encoding = in.encoding
	f.dec = xml.NewDecoder(in)
	// The bytes are UTF-8 already, whatever the declaration says.
	f.dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	f.names = make(map[string]struct{})
	f.content.SetSeed(f.r.seed)
	if err := f.document(); err != nil {
		return err
	}
	f.file.Bytes = counted.n
	if in.latin != nil {
		if line, yes := in.latin.reallyUTF8(); yes {
			return &stop{line: line, reason: whyReallyUTF8, args: []any{in.encoding}}
		}
	}
	return nil
}

type countingReader struct {
	src io.Reader
	n   int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += int64(n)
	return n, err
}

func (f *fileReader) stop(why reason, args ...any) error {
	return &stop{line: f.line, reason: why, args: args}
}

// token reads the next token, whatever it is.
func (f *fileReader) token() (xml.Token, error) {
	f.line, _ = f.dec.InputPos()
	// RawToken spares the decoder a stack: the end tags are compared here, where it is
	// known which must come.
	tok, err := f.dec.RawToken()
	f.in.took()
	if err == nil || err == io.EOF {
		return tok, err
	}
	var stopped *stop
	if errors.As(err, &stopped) {
		if stopped.reason == whyTokenTooLong {
			stopped.line = f.line
		}
		return nil, stopped
	}
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		if strings.HasPrefix(err.Error(), "xml: ") {
			return nil, f.stop(whyMalformed, strings.TrimPrefix(err.Error(), "xml: "))
		}
		return nil, fmt.Errorf("reading %s: %w", f.file.Path, err)
	}
	switch {
	case syntax.Msg == "unexpected EOF":
		return nil, &stop{line: syntax.Line, reason: whyTruncated}
	case strings.HasPrefix(syntax.Msg, "invalid character entity "):
		entity := strings.TrimPrefix(syntax.Msg, "invalid character entity ")
		return nil, &stop{line: syntax.Line, reason: whyEntity, args: []any{entity}}
	}
	return nil, &stop{line: syntax.Line, reason: whyMalformed, args: []any{syntax.Msg}}
}

// element reads on to the next start of an element in parent or to the end of parent:
// blanks, comments and processing instructions are passed over, anything else stops.
func (f *fileReader) element(parent string) (xml.Token, error) {
	for {
		tok, err := f.token()
		if err != nil {
			return nil, err
		}
		first := f.first
		f.first = false
		switch t := tok.(type) {
		case xml.StartElement:
			if t.Name.Space != "" {
				return nil, f.stop(whyElement, t.Name.Space+":"+t.Name.Local, parent)
			}
			return t, nil
		case xml.EndElement:
			return t, f.ends(t, parent)
		case xml.CharData:
			if !blank(t) {
				before := len(t) - len(bytes.TrimLeft(t, " \t\r\n"))
				f.line += bytes.Count(t[:before], newline)
				return nil, f.stop(whyText, parent)
			}
		case xml.Comment:
			if err := f.comment(t); err != nil {
				return nil, err
			}
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") && !first {
				return nil, f.stop(whyMalformed, "<?xml ?> must come first")
			}
		case xml.Directive:
			if err := f.directive(t); err != nil {
				return nil, err
			}
		}
	}
}

// outside is the parent of the root; no end tag closes it.
const outside = "document"

// ends checks that an end tag closes what is open.
func (f *fileReader) ends(t xml.EndElement, open string) error {
	if t.Name.Space != "" || t.Name.Local != open || open == outside {
		return f.stop(whyMalformed, "element <"+open+"> closed by </"+shorten(t.Name.Local)+">")
	}
	return nil
}

func blank(p []byte) bool {
	for _, c := range p {
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

// directive lets one document type through that points to an outside DTD, which is
// never fetched, and nothing that declares anything.
func (f *fileReader) directive(d []byte) error {
	word, _, _ := strings.Cut(string(d[:min(len(d), 40)]), " ")
	if f.rooted || f.doctype || word != "DOCTYPE" {
		return f.stop(whyDirective, word)
	}
	f.doctype = true
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
			return f.stop(whyInternalDTD)
		}
	}
	return nil
}

var (
	versionInComment = regexp.MustCompile(`versionAF\s*=\s*["']?([^"'\s]*)`)
	degreeInComment  = regexp.MustCompile(`degre\s*=\s*["']?1D`)
	knownVersion     = regexp.MustCompile(`^AAF-VE([0-9]{2})(0[1-9]|1[0-2])$`)
)

// lastVersion is the last year and month whose exports surely have the dialect of
// 2013: SIECLE changed its levels and kinship codes on 30 March 2018.
const lastVersion = "1712"

// comment finds the version in a comment such as <!-- versionAF="AAF-VE1301" -->.
func (f *fileReader) comment(c []byte) error {
	if degreeInComment.Match(c) {
		return f.stop(whyFirstDegree, `degre="1D"`)
	}
	m := versionInComment.FindSubmatch(c)
	if m == nil {
		return nil
	}
	version := string(m[1])
	if f.file.Version != "" && f.file.Version != version {
		return f.stop(whyTwoVersions, f.file.Version, version)
	}
	ym := knownVersion.FindStringSubmatch(version)
	if ym == nil {
		return f.stop(whyVersion, shorten(version))
	}
	if ym[1]+ym[2] > lastVersion {
		return f.stop(whyLaterVersion, version)
	}
	f.file.Version = version
	return nil
}

// document reads the root and its requests.
func (f *fileReader) document() error {
	tok, err := f.element(outside)
	if err == io.EOF {
		return f.stop(whyTruncated)
	}
	if err != nil {
		return err
	}
	root, ok := tok.(xml.StartElement)
	if !ok {
		return f.stop(whyMalformed, "no root element")
	}
	if root.Name.Local != "ficAlimMENESR" {
		name := shorten(root.Name.Local)
		if what, ok := otherRoot(root.Name.Local, f.r.english); ok {
			return f.stop(whyOtherRoot, name, what)
		}
		return f.stop(whyRoot, name)
	}
	if err := f.noAttributes(root); err != nil {
		return err
	}
	f.rooted = true
	for {
		tok, err := f.element("ficAlimMENESR")
		if err != nil {
			return eofInside(f, err)
		}
		if _, ok := tok.(xml.EndElement); ok {
			break
		}
		switch start := tok.(xml.StartElement); start.Name.Local {
		case "addRequest":
			if err := f.r.ctx.Err(); err != nil {
				return err
			}
			if err := f.noAttributes(start); err != nil {
				return err
			}
			if err := f.request(); err != nil {
				return eofInside(f, err)
			}
		case "modifyRequest", "deleteRequest":
			return f.stop(whyDelta, start.Name.Local)
		default:
			return f.stop(whyElement, shorten(start.Name.Local), "ficAlimMENESR")
		}
	}
	for {
		tok, err := f.element(outside)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if start, ok := tok.(xml.StartElement); ok {
			return f.stop(whyElement, shorten(start.Name.Local), outside)
		}
	}
}

// eofInside turns an end of file between two tokens inside the root into a refusal;
// one within a token is a syntax error of encoding/xml.
func eofInside(f *fileReader, err error) error {
	if err == io.EOF {
		return f.stop(whyTruncated)
	}
	return err
}

func (f *fileReader) noAttributes(start xml.StartElement) error {
	if len(start.Attr) > 0 {
		return f.stop(whyAttribute, shorten(start.Attr[0].Name.Local), start.Name.Local)
	}
	return nil
}
