// Package paper writes the letters of a first sign-in as a PDF, to be printed, folded in
// three and handed over.
//
// Its promise: one page a person, and on that page nothing of anybody else; text that can
// be read aloud, searched and copied, in a font that the file carries; the same letters
// make the same bytes. Once folded, only the name is outside.
package paper

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// Letter is one page, in the words of its reader.
type Letter struct {
	School string
	For    string   // whom it is for
	Hand   []string // through whom it is handed over; printed outside
	Hello  string   // its title
	Why    string
	Facts  []Fact
	After  []string // paragraphs below the facts
}

// Fact is a line of the letter that is copied: the address, the code.
type Fact struct{ Name, Value string }

// Document is what the file says of itself.
type Document struct {
	Title string
	Lang  string
	Made  time.Time
}

const (
	family = "go"
	width  = 210.0 // A4, in millimetres
	side   = 22.0  // margins
	fold   = 297.0 / 3
)

// Write writes the letters. The whole file is in memory: about 6 kB a page.
func Write(w io.Writer, d Document, letters []Letter) error {
	r, err := newReader()
	if err != nil {
		return err
	}
	p := page{fpdf.New("P", "mm", "A4", ""), r}
	p.SetCreationDate(d.Made)
	p.SetModificationDate(d.Made)
	p.SetCatalogSort(true)
	p.SetCompression(false) // it would take a new compressor, a megabyte, for each page
	p.SetTitle(d.Title, true)
	p.SetLang(d.Lang)
	p.SetAutoPageBreak(false, 0)
	p.SetMargins(side, side, side)
	p.AddUTF8FontFromBytes(family, "", goregular.TTF)
	p.AddUTF8FontFromBytes(family, "B", gobold.TTF)
	for _, l := range letters {
		p.letter(l)
	}
	if err := p.Output(w); err != nil {
		return fmt.Errorf("paper: %w", err)
	}
	return nil
}

type page struct {
	*fpdf.Fpdf
	*reader
}

// letter draws one page: outside the fold the name alone, inside the code.
func (p page) letter(l Letter) {
	p.AddPage()
	p.SetDrawColor(170, 170, 170)
	for _, y := range []float64{fold, 2 * fold} {
		p.Line(0, y, 8, y)
		p.Line(width-8, y, width, y)
	}
	p.SetXY(side, side)
	p.text("", 10, l.School)
	p.SetXY(width/2-side/2, 45)
	p.block("B", 14, width/2-side/2, l.For)
	p.Ln(1)
	for _, h := range l.Hand {
		p.SetX(width/2 - side/2)
		p.block("", 10, width/2-side/2, h)
	}
	p.SetXY(side, fold+12)
	p.text("B", 17, l.Hello)
	p.Ln(2)
	p.text("", 11, l.Why)
	p.Ln(4)
	for _, f := range l.Facts {
		p.text("", 10, f.Name)
		p.text("B", 15, f.Value)
		p.Ln(2)
	}
	p.Ln(2)
	for _, a := range l.After {
		p.text("", 11, a)
		p.Ln(2)
	}
}

func (p page) text(style string, size float64, s string) {
	p.SetX(side)
	p.block(style, size, width-2*side, s)
}

// block writes lines of a width. A word that is wider gets a smaller size, not a cut.
func (p page) block(style string, size, w float64, s string) {
	s = p.readable(s)
	p.SetFont(family, style, size)
	for _, word := range strings.Fields(s) {
		for size > 6 && p.GetStringWidth(word) > w-3 {
			size--
			p.SetFont(family, style, size)
		}
	}
	p.MultiCell(w, size*0.5, s, "", "L", false)
}

// reader knows which characters the font has.
type reader struct {
	font  *sfnt.Font
	buf   sfnt.Buffer
	known map[rune]bool
}

func newReader() (*reader, error) {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("paper: %w", err)
	}
	return &reader{font: font, known: map[rune]bool{}}, nil
}

func (r *reader) has(c rune) bool {
	has, asked := r.known[c]
	if !asked {
		i, err := r.font.GlyphIndex(&r.buf, c)
		has = err == nil && i != 0
		r.known[c] = has
	}
	return has
}

// readable writes a text with the characters of the font: what it does not have loses an
// accent rather than become an empty box, and what has no such letter becomes a question
// mark.
func (r *reader) readable(s string) string {
	var b strings.Builder
	for _, c := range norm.NFC.String(s) {
		switch {
		case c == '\u202f' || c == '\u2009':
			b.WriteRune('\u00a0')
		case unicode.IsControl(c) || unicode.Is(unicode.Mn, c) || c == '\u2060' || c == '\u00ad':
		case r.has(c):
			b.WriteRune(c)
		default:
			b.WriteString(r.without(c))
		}
	}
	return b.String()
}

// without takes marks off a character until the font has what is left.
func (r *reader) without(c rune) string {
	parts := []rune(norm.NFKD.String(string(c)))
	for n := len(parts); n > 0; n-- {
		whole := []rune(norm.NFC.String(string(parts[:n])))
		if len(whole) == 1 && r.has(whole[0]) {
			return string(whole)
		}
	}
	for n := 1; n < len(parts); n++ { // ligatures and the like
		if r.has(parts[0]) {
			return string(parts[0])
		}
	}
	return "?"
}
