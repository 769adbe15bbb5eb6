package table

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

// CSV is a text file being read. Make it with OpenCSV.
type CSV struct {
	src    *bufio.Reader
	delim  rune
	line   int // of the next character
	rows   int
	width  int // columns of the header
	most   int // with the empty cells at its end
	header []string
	cell   []byte
	cells  []string
}

// Options of OpenCSV.
type Options struct {
	Ragged bool // rows may be shorter than the header, or longer
}

// OpenCSV reads the header. The delimiter is the one of comma, semicolon and tab that
// the header has most. Empty cells at the header's end are no columns. The error is a
// *Stop, or one of the reading itself.
func OpenCSV(src io.Reader, o Options) (*CSV, error) {
	c := &CSV{src: bufio.NewReaderSize(src, 64<<10), line: 1, delim: ','}
	head, err := c.src.Peek(4096)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, &intake.Stop{Reason: whyEmpty}
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("\xFE\xFF")), len(head) > 1 && (head[0] == 0 || head[1] == 0):
		return nil, &intake.Stop{Line: 1, Reason: whyUTF16}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\x1F\x8B")), bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0")):
		return nil, &intake.Stop{Reason: whyArchive}
	}
	if bom := []byte("\xEF\xBB\xBF"); bytes.HasPrefix(head, bom) {
		head = head[len(bom):]
		if _, err := c.src.Discard(len(bom)); err != nil {
			return nil, err
		}
	}
	first, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte("\n"))
	c.delim = delimiter(first)
	for c.header == nil {
		row, _, err := c.row()
		if err == io.EOF {
			return nil, &intake.Stop{Reason: whyEmpty}
		}
		if err != nil {
			return nil, err
		}
		c.most = len(row)
		for len(row) > 0 && strings.TrimSpace(row[len(row)-1]) == "" {
			row = row[:len(row)-1]
		}
		if len(row) > 0 {
			c.header = append([]string{}, row...)
		}
	}
	c.width = len(c.header)
	if o.Ragged {
		c.width = -1
	}
	return c, nil
}

// delimiter counts outside of quotes.
func delimiter(line []byte) rune {
	count := map[byte]int{}
	quoted := false
	for _, b := range line {
		switch {
		case b == '"':
			quoted = !quoted
		case !quoted:
			count[b]++
		}
	}
	best := byte(',')
	for _, d := range []byte(";\t") {
		if count[d] > count[best] {
			best = d
		}
	}
	return rune(best)
}

// Header is the first row that holds something.
func (c *CSV) Header() []string { return c.header }

// Next gives the next row that holds something, and the line it begins on; its cells
// are as many as the header's columns, unless ragged. At the end the error is io.EOF;
// else it is a *Stop, or one of the reading itself. The cells stand until the next call.
func (c *CSV) Next() (cells []string, line int, err error) {
	for {
		row, line, err := c.row()
		if err != nil {
			return nil, 0, err
		}
		if blank(row) {
			continue
		}
		if c.rows++; c.rows > MaxRows {
			return nil, 0, &intake.Stop{Line: line, Reason: whyRows, Args: []any{MaxRows}}
		}
		switch {
		case c.width < 0:
		case len(row) < c.width:
			return nil, 0, &intake.Stop{Line: line, Reason: whyShortRow, Args: []any{len(row), c.width}}
		case len(row) > c.most, !blank(row[c.width:]):
			// Also where the last cell is empty: the others may have moved by one.
			return nil, 0, &intake.Stop{Line: line, Reason: whyLongerRow, Args: []any{len(row), c.width}}
		default:
			row = row[:c.width]
		}
		return row, line, nil
	}
}

func blank(row []string) bool {
	for _, cell := range row {
		if strings.TrimSpace(cell) != "" {
			return false
		}
	}
	return true
}

// row reads one row, whatever it holds.
func (c *CSV) row() (cells []string, line int, err error) {
	c.cells, c.cell, line = c.cells[:0], c.cell[:0], c.line
	const (
		begin  = iota // of a cell
		plain         // within a cell without quotes
		quoted        // within quotes
		closed        // after the closing quote
	)
	state, size := begin, 0
	end := func() error {
		if len(c.cells) == MaxColumns {
			return &intake.Stop{Line: line, Reason: whyColumns, Args: []any{MaxColumns}}
		}
		c.cells, c.cell, state = append(c.cells, string(c.cell)), c.cell[:0], begin
		return nil
	}
	for {
		r, n, err := c.char()
		if err == io.EOF {
			switch {
			case state == quoted:
				return nil, 0, &intake.Stop{Line: line, Reason: whyOpenQuote}
			case state == begin && len(c.cells) == 0:
				return nil, 0, io.EOF
			}
			err := end()
			return c.cells, line, err
		}
		if err != nil {
			return nil, 0, err
		}
		if size += n; size > MaxRow {
			return nil, 0, &intake.Stop{Line: line, Reason: whyLongRow, Args: []any{MaxRow >> 10}}
		}
		switch {
		case state == quoted && r == '"':
			state = closed
			continue
		case state == quoted:
		case state == closed && r == '"':
			state = quoted
		case r == c.delim:
			if err := end(); err != nil {
				return nil, 0, err
			}
			continue
		case r == '\n':
			if err := end(); err != nil {
				return nil, 0, err
			}
			return c.cells, line, nil
		case state == closed:
			return nil, 0, &intake.Stop{Line: c.line, Reason: whyQuote}
		case state == begin && r == '"':
			state = quoted
			continue
		default:
			state = plain
		}
		if c.cell = utf8.AppendRune(c.cell, r); len(c.cell) > MaxCell {
			return nil, 0, &intake.Stop{Line: line, Reason: whyLongCell, Args: []any{MaxCell}}
		}
	}
}

// char reads one character; a line break is '\n' however it is written.
func (c *CSV) char() (r rune, size int, err error) {
	r, size, err = c.src.ReadRune()
	if err != nil {
		return 0, 0, err
	}
	if r == utf8.RuneError && size == 1 {
		if err := c.src.UnreadRune(); err != nil {
			return 0, 0, err
		}
		b, err := c.src.ReadByte()
		if err != nil {
			return 0, 0, err
		}
		return 0, 0, &intake.Stop{Line: c.line, Reason: whyBadUTF8, Args: []any{b}}
	}
	switch {
	case r == '\n':
		c.line++
	case r == '\r':
		if next, _ := c.src.Peek(1); len(next) == 1 && next[0] == '\n' {
			if _, err := c.src.Discard(1); err != nil {
				return 0, 0, err
			}
			size++
		}
		c.line++
		return '\n', size, nil
	case r < ' ' && r != '\t', r >= 0x7F && r < 0xA0, r == 0xFFFE, r == 0xFFFF:
		return 0, 0, &intake.Stop{Line: c.line, Reason: whyControl, Args: []any{r}}
	}
	return r, size, nil
}
