// Package workbook reads the cells of an .xlsx workbook row by row, as the texts that a
// person sees in them.
//
// Its promise: it believes nothing. A workbook is an archive of XML: both are opened by
// intake, which refuses bombs, entities and what is cut short; the texts that cells share
// are bounded; a sheet passes by and is never held. What would have to be guessed is
// refused with the row: merged cells, an error, a formula without its result, a number of
// which the spreadsheet lost digits. A formula is never computed: what stands in its cell
// is what the spreadsheet put there last.
package workbook

import (
	"encoding/xml"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Limits. A school of 3,000 pupils makes a sheet of some 5 MiB.
const (
	maxParts   = 256 << 20 // bytes of all parts that are read
	maxShared  = 32 << 20  // bytes of the texts that cells share
	maxStrings = 1 << 20   // and how many
	maxText    = 128 << 10 // bytes of one text: a cell has 32,767 characters at most
	maxStyles  = 1 << 16
	maxSheets  = 200
	maxColumns = 1_000
	maxLine    = 1 << 20 // what a sheet can have
)

var (
	whyNoBook    = intake.Why("ce n'est pas un classeur de cellules, ou il est abîmé (%s) : enregistrez la feuille en .xlsx ou en CSV", "not a workbook of cells, or a damaged one (%s): save the sheet as .xlsx or CSV")
	whyBinary    = intake.Why("classeur binaire (.xlsb) : enregistrez-le en .xlsx ou en CSV", "binary workbook (.xlsb): save it as .xlsx or CSV")
	whyLarge     = intake.Why("le classeur fait plus de %d Mio une fois décompressé : gardez la seule feuille des élèves, ou enregistrez-la en CSV", "the workbook has more than %d MiB once unpacked: keep the sheet of the pupils only, or save it as CSV")
	whyTexts     = intake.Why("le classeur contient plus de textes qu'aucune école n'en a : gardez la seule feuille des élèves", "the workbook holds more texts than any school has: keep the sheet of the pupils only")
	whyCut       = intake.Why("classeur tronqué ou abîmé (%s) : copiez-le de nouveau, ou enregistrez la feuille en CSV", "truncated or damaged workbook (%s): copy it again, or save the sheet as CSV")
	whyNoSheet   = intake.Why("aucune feuille « %s » dans ce classeur (feuilles : %s)", "no sheet %q in this workbook (sheets: %s)")
	whySheets    = intake.Why("plusieurs feuilles ont des lignes (%s) : dites laquelle lire, avec --sheet ou sur la page, ou enregistrez-la seule", "several sheets have rows (%s): say which to read, with --sheet or on the page, or save it alone")
	whyNothing   = intake.Why("aucune feuille visible n'a de ligne : vérifiez le classeur", "no visible sheet has a row: check the workbook")
	whyMerged    = intake.Why("cellules fusionnées (%s) : défusionnez-les et répétez la valeur sur chaque ligne, une fusion ne dit pas à qui elle appartient", "merged cells (%s): unmerge them and repeat the value on each row, a merge does not say whose it is")
	whyError     = intake.Why("la cellule %s porte une erreur (%s) : corrigez-la ou videz-la", "cell %s holds an error (%s): correct or clear it")
	whyNoResult  = intake.Why("la formule de la cellule %s n'a pas de résultat enregistré : ouvrez le classeur dans un tableur et enregistrez-le, ou collez les valeurs", "the formula of cell %s has no stored result: open the workbook in a spreadsheet and save it, or paste the values")
	whyDigits    = intake.Why("le nombre de la cellule %s a plus de 15 chiffres, le tableur en a perdu : mettez la colonne au format texte et collez-la de nouveau", "the number of cell %s has more than 15 digits, the spreadsheet lost some: format the column as text and paste it again")
	whyCell      = intake.Why("cellule %s illisible : le classeur est abîmé, enregistrez la feuille en CSV", "unreadable cell %s: the workbook is damaged, save the sheet as CSV")
	whyWide      = intake.Why("la cellule %s est au-delà du dernier titre de colonne : donnez un titre à sa colonne ou videz-la", "cell %s lies beyond the last column title: give its column a title or clear it")
	whyManyWide  = intake.Why("la cellule %s est au-delà de %d colonnes : ce n'est pas une liste d'élèves", "cell %s lies beyond %d columns: this is no list of pupils")
	whyManySheet = intake.Why("plus de %d feuilles : enregistrez à part celle des élèves", "more than %d sheets: save the one of the pupils apart")
)

// Sheet is one sheet of cells.
type Sheet struct {
	Name   string
	Hidden bool
	part   string
}

// Book is an opened workbook: its sheets, the texts that cells share, and which numbers
// are dates.
type Book struct {
	Sheets []Sheet

	file     intake.File
	shared   []string
	styles   []style
	date1904 bool
	read     int64 // bytes of the parts that were opened
}

// Is tells whether a file is a workbook, or another document of the same make.
func Is(f intake.File) bool { return f.Parts != nil }

// Open reads what stands around the cells.
func Open(f intake.File) (*Book, error) {
	b := &Book{file: f}
	main, err := b.main()
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(main, ".bin") {
		return nil, &intake.Stop{Reason: whyBinary}
	}
	rels, err := b.relations(path.Join(path.Dir(main), "_rels", path.Base(main)+".rels"), path.Dir(main))
	if err != nil {
		return nil, err
	}
	if err := b.sheets(main, rels); err != nil {
		return nil, err
	}
	for _, r := range rels {
		switch {
		case r.outside:
		case strings.HasSuffix(r.kind, "/sharedStrings"):
			err = b.texts(r.target)
		case strings.HasSuffix(r.kind, "/styles"):
			err = b.formats(r.target)
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Choose finds the sheet of that name; without one, the only visible sheet that has a
// row. Hidden ones are read only by name.
func (b *Book) Choose(name string) (Sheet, error) {
	var full []Sheet
	for _, s := range b.Sheets {
		if name != "" && intake.Fold(s.Name) == intake.Fold(name) {
			return s, nil
		}
		if name != "" || s.Hidden {
			continue
		}
		some, err := b.some(s)
		if err != nil {
			return s, err
		}
		if some {
			full = append(full, s)
		}
	}
	switch {
	case name != "":
		return Sheet{}, &intake.Stop{Reason: whyNoSheet, Args: []any{intake.Shorten(name), names(b.Sheets)}}
	case len(full) == 0:
		return Sheet{}, &intake.Stop{Reason: whyNothing}
	case len(full) > 1:
		return Sheet{}, &intake.Stop{Reason: whySheets, Args: []any{names(full)}}
	}
	return full[0], nil
}

func names(sheets []Sheet) string {
	var all []string
	for _, s := range sheets {
		all = append(all, intake.Shorten(s.Name))
	}
	if len(all) > 10 {
		all = append(all[:10], "…")
	}
	return strings.Join(all, ", ")
}

// some tells whether a sheet has a row with something in it.
func (b *Book) some(s Sheet) (bool, error) {
	p, err := b.open(s.part)
	if err != nil {
		return false, err
	}
	defer p.Close()
	for {
		t, err := p.next()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if start, ok := t.(xml.StartElement); ok && (start.Name.Local == "v" || start.Name.Local == "is") {
			return true, nil
		}
	}
}

// relation joins a part to another one.
type relation struct {
	id, kind, target string
	outside          bool
}

func (b *Book) relations(part, base string) ([]relation, error) {
	if _, ok := b.file.Parts[strings.ToLower(part)]; !ok {
		return nil, nil
	}
	var out []relation
	err := b.each(part, "Relationship", func(e xml.StartElement) error {
		r := relation{id: attr(e, "Id"), kind: attr(e, "Type"), target: attr(e, "Target"), outside: strings.EqualFold(attr(e, "TargetMode"), "External")}
		if strings.HasPrefix(r.target, "/") {
			r.target = path.Clean(r.target)[1:]
		} else {
			r.target = path.Join(base, r.target)
		}
		if len(out) < 10*maxSheets {
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

func (b *Book) main() (string, error) {
	rels, err := b.relations("_rels/.rels", ".")
	if err != nil {
		return "", err
	}
	for _, r := range rels {
		if strings.HasSuffix(r.kind, "/officeDocument") && !r.outside {
			return r.target, nil
		}
	}
	return "xl/workbook.xml", nil
}

func (b *Book) sheets(main string, rels []relation) error {
	p, err := b.open(main)
	if err != nil {
		return err
	}
	defer p.Close()
	first := true
	for {
		t, err := p.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		e, ok := t.(xml.StartElement)
		switch {
		case !ok:
		case first && e.Name.Local != "workbook":
			return &intake.Stop{Reason: whyNoBook, Args: []any{intake.Shorten(e.Name.Local)}}
		case e.Name.Local == "workbookPr":
			b.date1904 = attr(e, "date1904") == "1" || attr(e, "date1904") == "true"
		case e.Name.Local == "sheet":
			if len(b.Sheets) == maxSheets {
				return &intake.Stop{Reason: whyManySheet, Args: []any{maxSheets}}
			}
			i := slices.IndexFunc(rels, func(r relation) bool { return r.id == relID(e) && !r.outside })
			if i >= 0 && strings.HasSuffix(rels[i].kind, "/worksheet") { // not a chart's
				b.Sheets = append(b.Sheets, Sheet{Name: attr(e, "name"), Hidden: attr(e, "state") != "" && attr(e, "state") != "visible", part: rels[i].target})
			}
		}
		first = first && !ok
	}
	if len(b.Sheets) == 0 {
		return &intake.Stop{Reason: whyNothing}
	}
	return nil
}

// texts reads the texts that cells share. What tells how to pronounce them is no part of
// them.
func (b *Book) texts(part string) error {
	p, err := b.open(part)
	if err != nil {
		return err
	}
	defer p.Close()
	total := 0
	for {
		t, err := p.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); !ok || e.Name.Local != "si" {
			continue
		}
		text, err := p.text("si")
		if err != nil {
			return err
		}
		if total += len(text) + 16; total > maxShared || len(b.shared) == maxStrings {
			return &intake.Stop{Reason: whyTexts}
		}
		b.shared = append(b.shared, text)
	}
}

// each calls do with every element of that name in a part.
func (b *Book) each(part, name string, do func(xml.StartElement) error) error {
	p, err := b.open(part)
	if err != nil {
		return err
	}
	defer p.Close()
	for {
		t, err := p.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == name {
			if err := do(e); err != nil {
				return err
			}
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// relID is r:id; a plain id says nothing.
func relID(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return ""
}
