package plain

import (
	"errors"
	"io"
	"strings"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/workbook"
)

// rows is a table of either make: intake.Table of a CSV file, workbook.Rows of a sheet.
type rows interface {
	Row() ([]string, error)
	Stop(intake.Reason, ...any) error
	Close() error
}

// openRows opens the rows of a CSV file, or of the sheet of a workbook, whose name it
// gives.
func openRows(f intake.File, sheet string) (rows, string, error) {
	if !workbook.Is(f) {
		t, err := intake.OpenTable(f)
		if err != nil {
			return nil, "", err
		}
		return t, "", nil
	}
	b, err := workbook.Open(f)
	if err != nil {
		return nil, "", err
	}
	s, err := b.Choose(sheet)
	if err != nil {
		return nil, "", err
	}
	r, err := b.Rows(s)
	if err != nil {
		return nil, s.Name, err
	}
	return r, s.Name, nil
}

func lineOf(r rows) int {
	switch r := r.(type) {
	case *intake.Table:
		return r.Line
	case *workbook.Rows:
		return r.Line()
	}
	return 0
}

// Column is a column of a table, as somebody sees it who says what it is.
type Column struct {
	Name   string   // as written; may be empty, or another's too
	Place  string   // A, B…
	Values []string // the first that are not empty, at most three
	Field  string   // proposed; empty: nothing can be said
}

// Seen is what a table looks like before anybody said what its columns are.
type Seen struct {
	Columns []Column
	Rows    int      // at most maxLook
	Sheets  []string // of a workbook with several; the first rows are of Sheet
	Sheet   string
}

// maxLook is how many rows are looked at for values.
const maxLook = 200

// Look reads the head of a table. What is wrong with it is a refusal.
func Look(f intake.File, sheet string, english bool) (Seen, *intake.Refusal, error) {
	s, err := look(f, sheet)
	var stopped *intake.Stop
	if errors.As(err, &stopped) {
		path := f.Path
		if s.Sheet != "" {
			path += " [" + intake.Shorten(s.Sheet) + "]"
		}
		why := stopped.Refusal(path, english)
		return s, &why, nil
	}
	return s, nil, err
}

func look(f intake.File, sheet string) (Seen, error) {
	var s Seen
	if workbook.Is(f) {
		b, err := workbook.Open(f)
		if err != nil {
			return s, err
		}
		for _, one := range b.Sheets {
			if !one.Hidden {
				s.Sheets = append(s.Sheets, one.Name)
			}
		}
	}
	t, name, err := openRows(f, sheet)
	s.Sheet = name
	if err != nil {
		return s, err
	}
	defer t.Close()
	header, err := t.Row()
	if err == io.EOF {
		return s, &intake.Stop{Reason: whyNeeds}
	}
	if err != nil {
		return s, err
	}
	for i, h := range header {
		s.Columns = append(s.Columns, Column{Name: strings.Join(strings.Fields(clip(h)), " "), Place: workbook.Column(i)})
	}
	for s.Rows < maxLook {
		row, err := t.Row()
		if err == io.EOF {
			break
		}
		if err != nil {
			return s, err
		}
		s.Rows++
		for i, cell := range row[:min(len(row), len(header))] {
			if cell = strings.TrimSpace(cell); cell != "" && len(s.Columns[i].Values) < 3 {
				s.Columns[i].Values = append(s.Columns[i].Values, intake.Shorten(cell))
			}
		}
	}
	propose(s.Columns)
	return s, nil
}

func clip(s string) string { return s[:min(len(s), maxCell)] }
