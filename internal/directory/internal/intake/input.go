package intake

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// MaxToken is how many bytes one tag, comment, text or line may have. The longest value
// of a real export has 89.
const MaxToken = 1 << 20

// input gives a decoder the bytes of a file as UTF-8, and lets
// nothing else through: no control character, no invalid byte, and no more than
// MaxToken bytes between two calls of took. It keeps its own count of lines, because
// encoding/xml only says where it gave up.
type input struct {
	src       io.Reader
	buf       []byte
	r, w      int // what is left to give is buf[r:w]
	held      int // bytes after w that begin a character still to come
	line      int // of buf[0], from 1
	sinceTook int // bytes filled since took
	err       error
	latin     *latinWatch // nil when the file is UTF-8
	encoding  string
}

var (
	encodingInDecl = regexp.MustCompile(`\sencoding\s*=\s*["']([^"'<>]*)["']`)
	bomUTF8        = []byte("\xEF\xBB\xBF")
)

// start looks at the first bytes of a file, whatever it is: what it can tell is wrong at
// once it returns as a *Stop. A byte order mark is passed over.
func start(src io.Reader) (br *bufio.Reader, head []byte, bom bool, err error) {
	br = bufio.NewReaderSize(src, 64<<10)
	head, err = br.Peek(1024)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, false, err
	}
	switch {
	case len(head) == 0:
		return nil, nil, false, &Stop{Reason: whyEmptyFile}
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("\xFE\xFF")),
		bytes.HasPrefix(head, []byte("<\x00")), bytes.HasPrefix(head, []byte("\x00")):
		return nil, nil, false, &Stop{Line: 1, Reason: whyUTF16}
	case isArchive(head):
		return nil, nil, false, &Stop{Reason: whyArchive}
	}
	if bom = bytes.HasPrefix(head, bomUTF8); bom {
		head = head[len(bomUTF8):]
		if _, err := br.Discard(len(bomUTF8)); err != nil {
			return nil, nil, false, err
		}
	}
	return br, head, bom, nil
}

// newXMLInput reads a file in the encoding that its XML declaration says.
func newXMLInput(src io.Reader) (*input, error) {
	br, head, bom, err := start(src)
	if err != nil {
		return nil, err
	}
	if t := bytes.TrimLeft(head, " \t\r\n"); len(t) == 0 || t[0] != '<' {
		return nil, &Stop{Line: 1, Reason: whyNotXML}
	}
	in := &input{src: br, buf: make([]byte, 64<<10), line: 1, encoding: "utf-8"}
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return in, nil
	}
	decl, _, _ := bytes.Cut(head, []byte("?>"))
	m := encodingInDecl.FindSubmatch(decl)
	if m == nil {
		return in, nil
	}
	in.encoding = strings.ToLower(string(m[1]))
	var table *charmap.Charmap
	switch in.encoding {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return in, nil
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1":
		table = charmap.ISO8859_1
	case "iso-8859-15", "iso8859-15", "iso_8859-15", "latin9", "latin-9":
		table = charmap.ISO8859_15
	case "windows-1252", "cp1252":
		table = charmap.Windows1252
	default:
		return nil, &Stop{Line: 1, Reason: whyEncoding, Args: []any{string(m[1])}}
	}
	if bom {
		return nil, &Stop{Line: 1, Reason: whyReallyUTF8, Args: []any{string(m[1])}}
	}
	in.in(table)
	return in, nil
}

// in reads what follows in a single-byte encoding.
func (in *input) in(table *charmap.Charmap) {
	in.latin = &latinWatch{src: in.src, line: 1, table: table}
	in.src = transform.NewReader(in.latin, table.NewDecoder())
}

// ReadByte gives the next byte to the XML decoder.
func (in *input) ReadByte() (byte, error) {
	if in.r == in.w {
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	c := in.buf[in.r]
	in.r++
	return c, nil
}

// Read gives what there is at hand.
func (in *input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if in.r == in.w {
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, in.buf[in.r:in.w])
	in.r += n
	return n, nil
}

// took tells that a whole token has been read: the next one may be MaxToken long.
func (in *input) took() { in.sinceTook = in.w - in.r }

// here is the line of the next byte.
func (in *input) here() int { return in.line + bytes.Count(in.buf[:in.r], newline) }

var newline = []byte{'\n'}

func (in *input) fill() error {
	if in.err != nil {
		return in.err
	}
	if in.sinceTook > MaxToken {
		in.err = &Stop{Line: in.here(), Reason: whyTokenTooLong, Args: []any{MaxToken >> 10}}
		return in.err
	}
	in.line += bytes.Count(in.buf[:in.w], newline)
	in.held = copy(in.buf, in.buf[in.w:in.w+in.held])
	in.r, in.w = 0, 0
	n, err := in.src.Read(in.buf[in.held:])
	got := in.held + n
	in.held = 0
	for n == 0 && err == nil { // a reader may return nothing without an error
		n, err = in.src.Read(in.buf[got:])
		got += n
	}
	good, whole, bad := scan(in.buf[:got])
	switch {
	case bad:
		in.err = in.badByte(good, got)
	case !whole && err != nil:
		in.err = in.badByte(good, got) // the file ends inside a character
	case !whole:
		in.held = got - good
	}
	in.w = good
	in.sinceTook += good
	if err != nil && in.err == nil {
		in.err = err
	}
	if in.w == 0 {
		if in.err != nil {
			return in.err
		}
		return in.fill()
	}
	return nil
}

// badByte tells what is wrong at buf[i].
func (in *input) badByte(i, got int) error {
	line := in.line + bytes.Count(in.buf[:i], newline)
	r, size := utf8.DecodeRune(in.buf[i:got])
	switch {
	case r == utf8.RuneError && size <= 1:
		return &Stop{Line: line, Reason: whyBadUTF8, Args: []any{in.buf[i]}}
	default:
		return &Stop{Line: line, Reason: whyControl, Args: []any{r}}
	}
}

// scan returns how many bytes of p are text that XML allows; whole is false when what
// follows is the beginning of a character, bad is true when it is wrong.
func scan(p []byte) (good int, whole, bad bool) {
	for i := 0; i < len(p); {
		c := p[i]
		if c < utf8.RuneSelf {
			if c < 0x20 && c != '\n' && c != '\t' && c != '\r' {
				return i, true, true
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(p[i:])
		if r == utf8.RuneError && size <= 1 {
			return i, utf8.FullRune(p[i:]), utf8.FullRune(p[i:])
		}
		// U+0080 to U+009F are controls, which XML merely discourages: no name has one.
		// The other two are no characters.
		if r < 0xA0 || r == 0xFFFE || r == 0xFFFF {
			return i, true, true
		}
		i += size
	}
	return len(p), true, false
}

// latinWatch passes on the bytes of a file that declares a single-byte encoding. It
// stops at a byte that the encoding does not have: a letter there comes from another
// one, Windows-1252 mostly. And it notices when all that is not ASCII reads as UTF-8:
// in French text of a Latin encoding an accented letter is followed by a plain one,
// which UTF-8 never allows.
type latinWatch struct {
	src     io.Reader
	table   *charmap.Charmap
	line    int
	pending []byte // a run of non-ASCII bytes
	first   int    // line of the first run
	other   bool   // a run that is no UTF-8 was seen
}

func (l *latinWatch) Read(p []byte) (int, error) {
	n, err := l.src.Read(p)
	for i, c := range p[:n] {
		if c < utf8.RuneSelf {
			if len(l.pending) > 0 {
				l.endRun()
			}
			if c == '\n' {
				l.line++
			}
			continue
		}
		if r := l.table.DecodeByte(c); r < 0xA0 || r == utf8.RuneError {
			return i, &Stop{Line: l.line, Reason: whyBadLatin, Args: []any{c}}
		}
		if l.first == 0 {
			l.first = l.line
		}
		if len(l.pending) < 256 {
			l.pending = append(l.pending, c)
		}
	}
	if err != nil {
		l.endRun()
	}
	return n, err
}

func (l *latinWatch) endRun() {
	if !utf8.Valid(l.pending) {
		l.other = true
	}
	l.pending = l.pending[:0]
}

// reallyUTF8 says on which line the file shows that its declaration is wrong, once it
// has been read whole.
func (l *latinWatch) reallyUTF8() (line int, yes bool) { return l.first, l.first > 0 && !l.other }
