// Package intake is what the readers of all formats share: how a file is refused.
package intake

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
