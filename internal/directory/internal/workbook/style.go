package workbook

import (
	"encoding/xml"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// style is what a cell's format makes of its number.
type style struct {
	date  bool
	zeros int // it is shown with so many digits
}

// formats reads which styles show a number as a date.
func (b *Book) formats(name string) error {
	p, err := b.open(name)
	if err != nil {
		return err
	}
	defer p.Close()
	own := map[string]style{}
	within := false
	for {
		t, err := p.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "numFmt":
				if len(own) < maxStyles {
					own[attr(t, "numFmtId")] = styleOf(attr(t, "formatCode"))
				}
			case "cellXfs":
				within = true
			case "xf":
				if !within || len(b.styles) == maxStyles {
					continue
				}
				id := attr(t, "numFmtId")
				s, ok := own[id]
				if !ok {
					s = builtIn(id)
				}
				b.styles = append(b.styles, s)
			}
		case xml.EndElement:
			if t.Name.Local == "cellXfs" {
				within = false
			}
		}
	}
}

// builtIn are the formats that have a number only: dates, times, and those of East Asia.
func builtIn(id string) style {
	n, err := strconv.Atoi(id)
	return style{date: err == nil && (n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58)}
}

// styleOf reads a format: a day or a year in it makes a date; zeros alone are digits that
// are always shown.
func styleOf(code string) style {
	if code != "" && strings.Trim(code, "0") == "" {
		return style{zeros: min(len(code), 15)}
	}
	code, _, _ = strings.Cut(code, ";")
	if strings.EqualFold(code, "general") || strings.EqualFold(code, "standard") {
		return style{}
	}
	quoted, bracket, skip := false, false, false
	for _, c := range strings.ToLower(code) {
		switch {
		case skip:
			skip = false
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\\' || c == '_' || c == '*':
			skip = true
		case c == '[':
			bracket = true
		case c == ']':
			bracket = false
		case !bracket && (c == 'd' || c == 'y'):
			return style{date: true}
		}
	}
	return style{}
}

// number writes a number as its cell shows it; false: digits of it are lost.
func (b *Book) number(f float64, s style) (string, bool) {
	if s.date {
		if text, ok := b.day(f); ok {
			return text, true
		}
	}
	if f != math.Trunc(f) {
		return strconv.FormatFloat(f, 'f', -1, 64), true
	}
	if math.Abs(f) >= 1e15 {
		return "", false
	}
	text := strconv.FormatFloat(f, 'f', 0, 64)
	if f >= 0 && len(text) < s.zeros {
		text = strings.Repeat("0", s.zeros-len(text)) + text
	}
	return text, true
}

// day is the date that a number of days stands for. A time of the day is kept: whoever
// wants a date refuses it.
func (b *Book) day(f float64) (string, bool) {
	if f < 0 || f > 2_958_465 {
		return "", false
	}
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case b.date1904:
		base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case f < 60:
		base = base.AddDate(0, 0, 1) // 1900 is a leap year there, and only there
	}
	days := math.Floor(f + 1e-6)
	at := base.AddDate(0, 0, int(days))
	if seconds := math.Round((f - days) * 86400); seconds > 0 {
		return at.Add(time.Duration(seconds) * time.Second).Format(time.DateTime), true
	}
	return at.Format(time.DateOnly), true
}
