package intake

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// maxColumns is how many a row of a table may have.
const maxColumns = 1_000

// Table reads a file of rows: separated by semicolons, commas or tabs, whichever its
// first row has most of; in UTF-8 if all of it is, else in the Latin encoding that its
// bytes fit. Rows may be ragged.
type Table struct {
	Encoding  string // utf-8, iso-8859-15 or windows-1252
	Separator rune
	Line      int  // where the last row began
	Whole     bool // the file's last row ends as a row does: a file cut short seldom does

	in     *input
	rows   *csv.Reader
	closer io.Closer
}

// OpenTable looks at the whole file once for its encoding, and opens it.
func OpenTable(f File) (*Table, error) {
	encoding, whole, err := encodingOf(f)
	if err != nil {
		return nil, err
	}
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	br, head, _, err := start(r)
	if err != nil {
		r.Close()
		return nil, err
	}
	t := &Table{Encoding: encoding, Whole: whole, Separator: separator(head), closer: r}
	t.in = &input{src: br, buf: make([]byte, 64<<10), line: 1, encoding: encoding}
	switch encoding {
	case "iso-8859-15":
		t.in.in(charmap.ISO8859_15)
	case "windows-1252":
		t.in.in(charmap.Windows1252)
	}
	t.rows = csv.NewReader(t.in)
	t.rows.Comma, t.rows.FieldsPerRecord, t.rows.LazyQuotes = t.Separator, -1, false
	return t, nil
}

// Close closes the file.
func (t *Table) Close() error { return t.closer.Close() }

// Row reads the next row; io.EOF is the end.
func (t *Table) Row() ([]string, error) {
	row, err := t.rows.Read()
	t.in.took()
	var stopped *Stop
	var wrong *csv.ParseError
	switch {
	case err == io.EOF:
		return nil, err
	case errors.As(err, &stopped):
		return nil, stopped
	case errors.As(err, &wrong):
		return nil, &Stop{Line: wrong.StartLine, Reason: whyQuotes}
	case err != nil:
		return nil, err
	case len(row) > maxColumns:
		t.Line, _ = t.rows.FieldPos(0)
		return nil, t.Stop(whyColumns, maxColumns)
	}
	t.Line, _ = t.rows.FieldPos(0)
	return row, nil
}

// Stop refuses the file at the line of the last row.
func (t *Table) Stop(why Reason, args ...any) error {
	return &Stop{Line: t.Line, Reason: why, Args: args}
}

// separator is what the first row has most of, outside quotes.
func separator(head []byte) rune {
	count := map[byte]int{}
	quoted := false
	for _, c := range head {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n':
			return most(count)
		case c == ';' || c == ',' || c == '\t':
			count[c]++
		}
	}
	return most(count)
}

func most(count map[byte]int) rune {
	best := byte(';')
	for _, c := range []byte(",\t") {
		if count[c] > count[best] {
			best = c
		}
	}
	return rune(best)
}

// encodingOf reads a whole file to say what its bytes are. A file of plain ASCII is
// UTF-8. In windows-1252 the bytes 0x80 to 0x9F are letters and quotes, which a Latin
// file does not have.
func encodingOf(f File) (encoding string, whole bool, err error) {
	r, err := f.Open()
	if err != nil {
		return "", false, err
	}
	defer r.Close()
	buf := make([]byte, 64<<10)
	held, isUTF8, c1 := 0, true, false
	for {
		n, err := r.Read(buf[held:])
		p := buf[:held+n]
		if n > 0 {
			whole = p[len(p)-1] == '\n' || p[len(p)-1] == '\r'
		}
		if slices.ContainsFunc(p[held:], func(c byte) bool { return c >= 0x80 && c < 0xA0 }) {
			c1 = true
		}
		held = 0
		for i := 0; isUTF8 && i < len(p); {
			if p[i] < utf8.RuneSelf {
				i++
				continue
			}
			c, size := utf8.DecodeRune(p[i:])
			if c == utf8.RuneError && size == 1 {
				if err == nil && !utf8.FullRune(p[i:]) {
					held = copy(buf, p[i:])
					break
				}
				isUTF8 = false
			}
			i += size
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", false, err
		}
	}
	switch {
	case isUTF8:
		return "utf-8", whole, nil
	case c1:
		return "windows-1252", whole, nil
	}
	return "iso-8859-15", whole, nil
}

// FirstRow is the first row of a file as far as its head shows it, for recognising: in
// lower case, without accents, quotes and blanks around. Nil: it is no table.
func (f File) FirstRow() []string {
	if len(f.Head) == 0 || isArchive(f.Head) {
		return nil
	}
	line := f.Text()
	if i := strings.IndexAny(line, "\r\n"); i >= 0 {
		line = line[:i]
	}
	if !utf8.ValidString(line) {
		if decoded, err := charmap.ISO8859_15.NewDecoder().String(line); err == nil {
			line = decoded
		}
	}
	fields := strings.Split(line, string(separator([]byte(line))))
	if len(fields) < 2 {
		return nil
	}
	for i, field := range fields {
		fields[i] = Fold(strings.Trim(strings.TrimSpace(field), `"`))
	}
	return fields
}
