// Package intake is what the readers of all formats share: finding the files, reading
// their bytes and their XML without believing them, and saying why something is
// refused.
//
// Its promise: whatever the bytes are, a reader that stands on it ends, in bounded
// memory, with the file, the line, the reason and what to do. It decides nothing about
// what the files mean.
package intake

import "fmt"

// Refusal is something of the files that was not taken, and why, in a sentence for
// the person who runs the import. Line counts line feeds from 1; it is 0 when the
// whole file, or the path, is meant.
type Refusal struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`

	// HoldsBackAll says that no school can be taken as long as this stands: part of
	// the export could not be read. Otherwise Schools lists those it holds back.
	HoldsBackAll bool     `json:"-"`
	Schools      []string `json:"-"`
}

// Place is the file and, where there is one, the line.
func (r Refusal) Place() string {
	if r.Line == 0 {
		return r.File
	}
	return fmt.Sprintf("%s:%d", r.File, r.Line)
}

// Reason is why something is not taken, and what to do about it, for the person who
// runs the import: French first, English second, the same arguments in both.
type Reason struct{ fr, en string }

// Why makes a reason.
func Why(fr, en string) Reason { return Reason{fr, en} }

// Text is the sentence.
func (r Reason) Text(english bool, args ...any) string {
	if english {
		return fmt.Sprintf(r.en, args...)
	}
	return fmt.Sprintf(r.fr, args...)
}

// Stop ends the reading of a file: nothing of it is taken.
type Stop struct {
	Line   int
	Reason Reason
	Args   []any
}

func (s *Stop) Error() string { return s.Reason.Text(true, s.Args...) }

// Refusal is what is told of a file that stopped.
func (s *Stop) Refusal(path string, english bool) Refusal {
	return Refusal{File: path, Line: s.Line, Reason: s.Reason.Text(english, s.Args...), HoldsBackAll: true}
}

// Shorten keeps what a sentence can bear of something the file says.
func Shorten(s string) string {
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
