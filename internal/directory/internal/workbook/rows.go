package workbook

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// Rows reads a sheet row by row. The first row that says something is the header: those
// below are as wide as it.
type Rows struct {
	Formulas int // cells whose text is what a formula gave last
	Hidden   int // rows that the spreadsheet does not show

	book  *Book
	part  *part
	line  int
	width int
}

// Rows opens a sheet. Merged cells are listed behind the rows: it is read once for them.
func (b *Book) Rows(s Sheet) (*Rows, error) {
	var merged []string
	n := 0
	err := b.each(s.part, "mergeCell", func(e xml.StartElement) error {
		if n++; n <= 5 {
			merged = append(merged, intake.Shorten(attr(e, "ref")))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if n > 5 {
		merged = append(merged, "…")
	}
	if n > 0 {
		line, _ := strconv.Atoi(strings.TrimLeft(merged[0][:max(0, strings.IndexByte(merged[0]+":", ':'))], "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		return nil, &intake.Stop{Line: max(line, 0), Reason: whyMerged, Args: []any{strings.Join(merged, ", ")}}
	}
	p, err := b.open(s.part)
	if err != nil {
		return nil, err
	}
	return &Rows{book: b, part: p}, nil
}

// Close closes the sheet.
func (r *Rows) Close() error { return r.part.Close() }

// Line is the number of the last row.
func (r *Rows) Line() int { return r.line }

// Stop refuses the sheet at the last row.
func (r *Rows) Stop(why intake.Reason, args ...any) error {
	return &intake.Stop{Line: r.line, Reason: why, Args: args}
}

// Row reads the next row that says something; io.EOF is the end.
func (r *Rows) Row() ([]string, error) {
	for {
		t, err := r.part.next()
		if err != nil {
			return nil, r.at(err)
		}
		e, ok := t.(xml.StartElement)
		if !ok || e.Name.Local != "row" {
			continue
		}
		line := r.line + 1
		if s := attr(e, "r"); s != "" {
			if line, err = strconv.Atoi(s); err != nil {
				line = 0
			}
		}
		if line <= r.line || line > maxLine {
			return nil, r.Stop(whyCell, intake.Shorten(attr(e, "r")))
		}
		r.line = line
		row, err := r.cells()
		if err != nil {
			return nil, r.at(err)
		}
		if len(row) == 0 {
			continue
		}
		if attr(e, "hidden") == "1" || attr(e, "hidden") == "true" {
			r.Hidden++
		}
		if r.width == 0 {
			r.width = len(row)
			return row, nil
		}
		if len(row) > r.width {
			return nil, r.Stop(whyWide, r.name(len(row)-1))
		}
		return append(row, make([]string, r.width-len(row))...), nil
	}
}

// at says the row where the XML would say a line of its own, which nobody sees.
func (r *Rows) at(err error) error {
	var stopped *intake.Stop
	if errors.As(err, &stopped) {
		return &intake.Stop{Line: r.line, Reason: stopped.Reason, Args: stopped.Args}
	}
	return err
}

// cells reads the row that has just begun, up to its last cell with something in it.
func (r *Rows) cells() ([]string, error) {
	var row []string
	at := -1
	depth := len(r.part.open)
	for {
		t, err := r.part.next()
		if err == io.EOF {
			return nil, r.Stop(whyCut, intake.Shorten(r.part.name))
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if len(r.part.open) < depth {
				return row, nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			col := at + 1
			if ref := attr(t, "r"); ref != "" {
				col = column(ref)
			}
			if col <= at {
				return nil, r.Stop(whyCell, intake.Shorten(attr(t, "r")))
			}
			at = col
			text, err := r.cell(t, col)
			if err != nil {
				return nil, err
			}
			if strings.TrimSpace(text) == "" {
				continue
			}
			if col >= maxColumns {
				return nil, r.Stop(whyManyWide, r.name(col), maxColumns)
			}
			for len(row) < col {
				row = append(row, "")
			}
			row = append(row, text)
		}
	}
}

// cell reads one cell that has just begun.
func (r *Rows) cell(c xml.StartElement, col int) (string, error) {
	kind := attr(c, "t")
	depth := len(r.part.open)
	text, value, formula, has := "", "", false, false
	for {
		t, err := r.part.next()
		if err == io.EOF {
			return "", r.Stop(whyCut, intake.Shorten(r.part.name))
		}
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "f":
				formula = true
			case "v":
				if value, err = r.part.value(); err != nil {
					return "", err
				}
				has = true
			case "is":
				if text, err = r.part.text("is"); err != nil {
					return "", err
				}
			}
		case xml.EndElement:
			if len(r.part.open) >= depth {
				continue
			}
			if formula && !has {
				return "", r.Stop(whyNoResult, r.name(col))
			}
			if formula {
				r.Formulas++
			}
			return r.shown(kind, attr(c, "s"), text, value, col)
		}
	}
}

// shown is the text that a person sees in a cell.
func (r *Rows) shown(kind, styled, text, value string, col int) (string, error) {
	switch kind {
	case "inlineStr":
		return text, nil
	case "str", "d":
		return unspelt(value), nil
	case "e":
		return "", r.Stop(whyError, r.name(col), intake.Shorten(value))
	case "b":
		if strings.TrimSpace(value) == "1" || value == "true" {
			return "true", nil
		}
		return "false", nil
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || i < 0 || i >= len(r.book.shared) {
			return "", r.Stop(whyCell, r.name(col))
		}
		return r.book.shared[i], nil
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return "", nil
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || f != f || f > 1e300 || f < -1e300 {
		return "", r.Stop(whyCell, r.name(col))
	}
	var s style
	if i, err := strconv.Atoi(styled); err == nil && i >= 0 && i < len(r.book.styles) {
		s = r.book.styles[i]
	}
	shown, ok := r.book.number(f, s)
	if !ok {
		return "", r.Stop(whyDigits, r.name(col))
	}
	return shown, nil
}

// column is the number of the column of a reference like BC12, from 0; -1: it is none.
func column(ref string) int {
	n := 0
	for i, c := range ref {
		switch {
		case c >= 'A' && c <= 'Z' && i < 4:
			n = n*26 + int(c-'A') + 1
		case c >= '0' && c <= '9' && i > 0:
			return n - 1
		default:
			return -1
		}
	}
	return -1
}

// name is a cell of the last row as the spreadsheet calls it.
func (r *Rows) name(col int) string { return Column(col) + strconv.Itoa(r.line) }

// Column is how a spreadsheet calls a column.
func Column(col int) string {
	name := ""
	for col++; col > 0; col = (col - 1) / 26 {
		name = string(rune('A'+(col-1)%26)) + name
	}
	return name
}
