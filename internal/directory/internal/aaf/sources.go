package aaf

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Recognise says whether a file looks like one of an export. It reads the beginning of
// what it holds and never its name.
func Recognise(f intake.File) bool {
	return strings.Contains(string(f.Head), "<ficAlimMENESR")
}

// source is one file to read.
type source struct {
	intake.File
	guardians bool // it seems to hold guardians, which are read last
}

// sources lists the files to read: those of guardians last, for by then it is known
// which are wanted; otherwise by path.
func (r *reading) sources(found *intake.Found) (list []source, ignored []string) {
	for _, refusal := range found.Refusals {
		r.allHeldBack = true
		r.refusals = append(r.refusals, refusal)
	}
	for _, f := range found.Files {
		look, guardians := peek(f)
		if look == notXML && !f.Named && !strings.HasSuffix(strings.ToLower(f.Path), ".xml") || look == dtd {
			ignored = append(ignored, f.Path)
			continue
		}
		list = append(list, source{f, guardians})
	}
	if len(list) == 0 && len(r.refusals) == 0 && len(ignored) > 0 {
		r.stopFile(filepath.Dir(ignored[0]), &intake.Stop{Reason: whyNoFile})
	}
	slices.SortFunc(list, func(a, b source) int {
		if a.guardians != b.guardians {
			if a.guardians {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Path, b.Path)
	})
	slices.Sort(ignored)
	return list, ignored
}

type look int

const (
	notXML look = iota
	dtd
	perhapsXML
)

// peek looks at the beginning of a file to choose whether and when to read it. It
// decides nothing else: reading finds out for itself what each record is.
func peek(f intake.File) (look, bool) {
	head, text := string(f.Head), f.Text()
	switch {
	case strings.HasPrefix(text, "<!ELEMENT") && !strings.Contains(head, "<ficAlimMENESR"):
		return dtd, false
	case strings.HasPrefix(text, "<"), strings.HasPrefix(head, "\xFF\xFE"), strings.HasPrefix(head, "\xFE\xFF"):
		return perhapsXML, strings.Contains(head, "<value>PersRelEleve<")
	}
	return notXML, false
}
