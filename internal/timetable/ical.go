package timetable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
)

// Limits of a calendar file. A teacher's year is under 2,000 events and 1 MB.
const (
	maxCalendarBytes = 4 << 20
	maxLine          = 64 << 10
	maxEvents        = 10_000
	maxOccurrences   = 20_000
	maxMonthly       = 50 // rules that repeat by month: each may search long for nothing
	oldest           = 5  // years before the window in which a repeated event may begin
)

// Window is the days, both included, of which a calendar is read, and the zone of
// hours without one.
type Window struct {
	From, Until string
	Zone        *time.Location
}

// schoolYear is the window of the school year of a moment: August to July.
func schoolYear(now time.Time, loc *time.Location) Window {
	local := now.In(loc)
	y := local.Year()
	if local.Month() < time.August {
		y--
	}
	return Window{From: fmt.Sprintf("%04d-08-01", y), Until: fmt.Sprintf("%04d-07-31", y+1), Zone: loc}
}

// Calendar is what was read of a file.
type Calendar struct {
	Events  []Event // by their beginning
	Skipped []Skip  // what was left out, by reason
}

// Event is one occurrence within the window.
type Event struct {
	UID       string
	Repeated  string // of a repeated event, the day this occurrence is planned for
	Starts    time.Time
	Ends      time.Time
	Summary   string
	Location  string
	Text      string // description and categories, to recognise classes and people in
	Cancelled bool
	Line      int // of its BEGIN
}

// Skip says that some events were left out, and why.
type Skip struct {
	Reason SkipReason
	N      int
	Line   int // of the first
}

// SkipReason is a word that the page translates.
type SkipReason string

// Reasons for which events are left out.
const (
	SkipAllDay  SkipReason = "all-day" // it has no hour
	SkipOutside SkipReason = "outside" // not of the school year
	SkipNoEnd   SkipReason = "no-end"  // no end, or one that is not after the beginning
	SkipLong    SkipReason = "long"    // longer than a sitting may be
	SkipRule    SkipReason = "rule"    // repeats in a way that no timetable needs
	SkipZone    SkipReason = "zone"    // hours of an unknown zone
	SkipNobody  SkipReason = "nobody"  // no class or group recognised in it
)

// FileError says that a calendar cannot be read at all: what and on which line.
type FileError struct {
	Line int
	Why  string // a word that the page translates: size, line, event, syntax, empty
}

// Error is for logs and tests.
func (e *FileError) Error() string {
	return fmt.Sprintf("timetable: the calendar cannot be read: %s, line %d", e.Why, e.Line)
}

// rawEvent is a VEVENT as it stands in the file.
type rawEvent struct {
	line                         int
	uid, summary, location, text string
	start, end, duration, id     *ics.BaseProperty // DTSTART, DTEND, DURATION, RECURRENCE-ID
	rules, exdates, rdates       []*ics.BaseProperty
	cancelled                    bool
}

// readCalendar reads an iCalendar file (RFC 5545) and gives the occurrences of its
// events within the window. What is not a lesson with hours is counted, not refused; a
// *FileError is returned for what is not a calendar or is over a limit.
func readCalendar(r io.Reader, w Window) (Calendar, error) {
	raw, err := readEvents(r)
	if err != nil {
		return Calendar{}, err
	}
	return expand(raw, w)
}

// readEvents cuts a file into its events. It reads lines itself, so that an error
// can name the line as an editor shows it, and only looks into properties that it
// needs: the rest of a hostile file costs no more than being read.
func readEvents(r io.Reader) ([]rawEvent, error) {
	lines := &unfolder{b: bufio.NewReader(io.LimitReader(r, maxCalendarBytes+1))}
	var events []rawEvent
	var event *rawEvent
	depth, inside, began := 0, 0, false
	for {
		text, at, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		name, value, _ := strings.Cut(text, ":")
		name = strings.ToUpper(name)
		if !began {
			if name != "BEGIN" || !strings.EqualFold(strings.TrimSpace(value), "VCALENDAR") {
				return nil, &FileError{at, "syntax"}
			}
			began, depth = true, 1
			continue
		}
		switch {
		case depth == 0 && name == "BEGIN" && strings.EqualFold(strings.TrimSpace(value), "VCALENDAR"):
			depth = 1 // some programs put several calendars into one file
		case depth == 0:
			return nil, &FileError{at, "syntax"}
		case name == "BEGIN":
			depth++
			if event == nil && strings.EqualFold(strings.TrimSpace(value), "VEVENT") {
				if len(events) == maxEvents {
					return nil, &FileError{at, "size"}
				}
				event, inside = &rawEvent{line: at}, depth
			}
		case name == "END":
			if event != nil && depth == inside {
				events = append(events, *event)
				event = nil
			}
			depth--
		case event != nil && depth == inside: // not of an alarm within it
			if err := event.property(text, at); err != nil {
				return nil, err
			}
		}
	}
	if !began || depth > 0 {
		return nil, &FileError{lines.line, "syntax"}
	}
	return events, nil
}

// property takes one line of an event.
func (e *rawEvent) property(text string, at int) error {
	name := strings.ToUpper(text[:max(0, strings.IndexAny(text, ":;"))])
	switch name {
	case "UID", "SUMMARY", "LOCATION", "DESCRIPTION", "CATEGORIES", "STATUS", "DTSTART", "DTEND", "DURATION",
		"RECURRENCE-ID", "RRULE", "EXDATE", "RDATE":
	case "":
		return &FileError{at, "syntax"}
	default:
		return nil
	}
	p, err := ics.ParseProperty(ics.ContentLine(name + text[len(name):]))
	if err != nil || p == nil || p.IANAToken != name {
		return &FileError{at, "syntax"}
	}
	switch name {
	case "UID":
		e.uid = clean(p.Value, 500)
	case "SUMMARY":
		e.summary = clean(p.Value, 200)
	case "LOCATION":
		e.location = clean(p.Value, 80)
	case "DESCRIPTION", "CATEGORIES":
		e.text += " " + clean(p.Value, 2000)
	case "STATUS":
		e.cancelled = strings.EqualFold(p.Value, "CANCELLED")
	case "DTSTART":
		e.start = p
	case "DTEND":
		e.end = p
	case "DURATION":
		e.duration = p
	case "RECURRENCE-ID":
		e.id = p
	case "RRULE":
		e.rules = append(e.rules, p)
	case "EXDATE":
		e.exdates = append(e.exdates, p)
	case "RDATE":
		e.rdates = append(e.rdates, p)
	}
	return nil
}

// clean makes text of a file fit to be kept: no control characters (PostgreSQL refuses
// the NUL), spaces made one, at most so many characters.
func clean(s string, limit int) string {
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == ' ' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		s = strings.TrimSpace(string(r[:limit]))
	}
	return s
}

// unfolder reads the lines of a file, with those that continue them.
type unfolder struct {
	b    *bufio.Reader
	read int
	line int // number of the last line read
	held []byte
	more bool
}

// next gives a line without its folds, and the number of its first part.
func (u *unfolder) next() (text string, at int, err error) {
	var whole []byte
	if u.more {
		whole, u.more = u.held, false
	} else if whole, err = u.physical(); err != nil {
		return "", u.line, err
	}
	at = u.line
	for {
		part, err := u.physical()
		if errors.Is(err, io.EOF) {
			return string(whole), at, nil
		}
		if err != nil {
			return "", u.line, err
		}
		if len(part) == 0 || part[0] != ' ' && part[0] != '\t' {
			u.held, u.more = part, true
			return string(whole), at, nil
		}
		if len(whole)+len(part) > maxLine {
			return "", u.line, &FileError{u.line, "line"}
		}
		whole = append(whole, part[1:]...)
	}
}

func (u *unfolder) physical() ([]byte, error) {
	var line []byte
	for {
		part, err := u.b.ReadSlice('\n')
		u.read += len(part)
		line = append(line, part...)
		switch {
		case u.read > maxCalendarBytes:
			return nil, &FileError{u.line + 1, "size"}
		case len(line) > maxLine:
			return nil, &FileError{u.line + 1, "line"}
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("timetable: reading a calendar: %w", err)
		}
		u.line++
		if u.line == 1 {
			line = []byte(strings.TrimPrefix(string(line), "\ufeff"))
		}
		return []byte(strings.TrimRight(string(line), "\r\n")), nil
	}
}

// moment reads a date with its hour. day is true for a date without one.
func moment(p *ics.BaseProperty, text string, home *time.Location) (t time.Time, day bool, err error) {
	loc := home
	if ids := p.ICalParameters["TZID"]; len(ids) > 0 {
		if loc = location(ids[0]); loc == nil {
			return time.Time{}, false, errZone
		}
	}
	switch {
	case len(text) == len("20060102"):
		t, err = time.ParseInLocation("20060102", text, loc)
		return t, true, err
	case strings.HasSuffix(text, "Z"):
		t, err = time.Parse("20060102T150405Z", text)
		return t, false, err // a rule repeats it by the hour of UTC, as the standard says
	}
	t, err = time.ParseInLocation("20060102T150405", text, loc)
	return t, false, err
}

var errZone = errors.New("timetable: unknown time zone")

// location finds the zone that a file names: as the IANA does, with some program's
// prefix before it, or as Windows does, for the zones of schools here.
func location(name string) *time.Location {
	name = strings.Trim(name, `"`)
	for _, w := range []struct{ windows, iana string }{
		{"Romance Standard Time", "Europe/Paris"},
		{"W. Europe Standard Time", "Europe/Berlin"},
		{"Eastern Standard Time", "America/Toronto"},
		{"SA Western Standard Time", "America/Martinique"},
		{"SA Eastern Standard Time", "America/Cayenne"},
		{"Mauritius Standard Time", "Indian/Reunion"},
		{"Central Pacific Standard Time", "Pacific/Noumea"},
		{"GMT Standard Time", "Europe/London"},
		{"UTC", "UTC"},
	} {
		if strings.EqualFold(name, w.windows) {
			name = w.iana
		}
	}
	parts := strings.Split(name, "/")
	for n := min(3, len(parts)); n > 0; n-- {
		tail := strings.Join(parts[len(parts)-n:], "/")
		if tail == "" || strings.EqualFold(tail, "local") || len(tail) > 60 {
			continue // not the machine's zone: the school's is meant or nothing
		}
		if loc, err := time.LoadLocation(tail); err == nil && (n > 1 || len(parts) == 1) {
			return loc
		}
	}
	return nil
}

var durationForm = regexp.MustCompile(`^\+?P(?:(\d{1,3})W)?(?:(\d{1,3})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?$`)

// lasting reads a DURATION; zero if it is none.
func lasting(text string) time.Duration {
	m := durationForm.FindStringSubmatch(strings.ToUpper(text))
	if m == nil {
		return 0
	}
	var d time.Duration
	for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+1]) // digits or nothing
		d += time.Duration(n) * unit
	}
	return d
}

// skips counts what is left out.
type skips []Skip

func (s *skips) add(why SkipReason, line int) {
	i := slices.IndexFunc(*s, func(x Skip) bool { return x.Reason == why })
	if i < 0 {
		*s = append(*s, Skip{Reason: why, Line: line})
		i = len(*s) - 1
	}
	(*s)[i].N++
}
