package aaf

import (
	"encoding/xml"
	"hash/maphash"
	"io"
	"regexp"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Limits of what a file may hold. Those of the real export are some hundred times
// smaller: its longest value has 89 bytes, its largest record 32 values in one
// attribute.
const (
	maxValue    = 16 << 10
	maxAttrs    = 500   // <attr> of one record
	maxValues   = 5_000 // <value> of one <attr>
	maxID       = 64
	maxRefusals = 1_000 // listed; the rest is counted
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

	firstDegree bool // it has an attribute that only the first degree has
}

// attrValue is one value that is not empty.
type attrValue struct {
	name, text string
	line       int
	file       string // of a delta; "" for the record's own
}

// fileReader reads one file as the DTD has it, and no other way: an element or a text
// out of place ends it.
type fileReader struct {
	*intake.XML
	r       *reading
	file    File
	delta   bool // what it holds changes the records of other files
	rec     record
	names   map[string]struct{} // of the attributes of rec
	content maphash.Hash        // of the attributes of rec
}

// read reads the whole file and hands each record to r. The error is a *intake.Stop, or one
// of the reading itself.
func (f *fileReader) read(src io.Reader) error {
	x, err := intake.NewXML(src, "ficAlimMENESR")
	if err != nil {
		return err
	}
	x.OnComment = f.comment
	f.XML = x
	f.file.Encoding = x.Encoding
	f.names = make(map[string]struct{})
	f.content.SetSeed(f.r.seed)
	if err := f.document(); err != nil {
		return err
	}
	f.file.Bytes = f.Bytes()
	return nil
}

var (
	versionInComment = regexp.MustCompile(`versionAF\s*=\s*["']?([^"'\s]*)`)
	degreeInComment  = regexp.MustCompile(`degre\s*=\s*["']?1D`)
	knownVersion     = regexp.MustCompile(`^AAF-VE([0-9]{2})(0[1-9]|1[0-2])$`)
)

// SIECLE changed its levels and kinship codes on 30 March 2018: up to lastOld an export
// surely has the dialect of 2013, from firstNew on the current one. In between, and of a
// version that we do not know, the links decide.
const lastOld, firstNew = "1712", "1804"

// comment finds the version in a comment such as <!-- versionAF="AAF-VE1301" -->.
func (f *fileReader) comment(c []byte) error {
	if degreeInComment.Match(c) {
		f.r.sign(FirstDegree, f.file.Path, f.Line, `degre="1D"`)
	}
	m := versionInComment.FindSubmatch(c)
	if m == nil {
		return nil
	}
	version := string(m[1])
	if f.file.Version != "" && f.file.Version != version {
		return f.Stop(whyTwoVersions, f.file.Version, version)
	}
	f.file.Version = intake.Shorten(version)
	if ym := knownVersion.FindStringSubmatch(version); ym != nil {
		switch ym := ym[1] + ym[2]; {
		case ym <= lastOld:
			f.r.sign(Old, f.file.Path, f.Line, version)
		case ym >= firstNew:
			f.r.sign(Current, f.file.Path, f.Line, version)
		}
	}
	return nil
}

// document reads the root and its requests.
func (f *fileReader) document() error {
	root, err := f.Root()
	if err != nil {
		return err
	}
	if root.Name.Local != "ficAlimMENESR" {
		name := intake.Shorten(root.Name.Local)
		if what, ok := otherRoot(root.Name.Local, f.r.english); ok {
			return f.Stop(whyOtherRoot, name, what)
		}
		return f.Stop(whyRoot, name)
	}
	if err := f.noAttributes(root); err != nil {
		return err
	}
	for {
		tok, err := f.Element("ficAlimMENESR")
		if err != nil {
			return err
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
				return err
			}
			if err := f.taken(); err != nil {
				return err
			}
		case "modifyRequest", "deleteRequest":
			if f.r.patches == nil {
				return errDelta
			}
			if err := f.r.ctx.Err(); err != nil {
				return err
			}
			if err := f.noAttributes(start); err != nil {
				return err
			}
			if err := f.change(start.Name.Local); err != nil {
				return err
			}
		default:
			return f.Unexpected(start.Name.Local, "ficAlimMENESR")
		}
	}
	return f.End()
}

func (f *fileReader) noAttributes(start xml.StartElement) error {
	if len(start.Attr) > 0 {
		return f.Stop(whyAttribute, intake.Shorten(start.Attr[0].Name.Local), start.Name.Local)
	}
	return nil
}
