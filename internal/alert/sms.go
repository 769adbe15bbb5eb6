package alert

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// mostParts is how many short messages one letter takes at most, in either alphabet.
const mostParts = 2

// What may be cut of the names in an SMS, in characters.
const (
	schoolLeast  = 8 // of a school's short name
	sittingLeast = 6 // of a sitting's short label
)

// What a text file is checked with, in characters: whoever writes one may count on it.
const (
	firstMost = 20 // of a first name that makes the whole message UCS-2
	linkMost  = 60 // of a link; a longer one is not put into an SMS
	phoneMost = 20 // of the school's number, as people read it
)

// firstLongest is the longest first name that is written whole: nothing longer is one.
const firstLongest = 80

// sms fills a text so that it takes two parts at most. The school and the sitting are in
// the telephones' alphabet; a first name that is not makes the whole message half as
// long. What gives way, in this order: the end of the school's name, that of the
// sitting's, the longer of the two texts, the accents of a very long first name. The
// first name itself is cut only in a language that is not in the telephones' alphabet,
// and where it has more than firstMost characters.
func (t texts) sms(full, short string, f fields) string {
	if short == "" {
		short = full
	}
	for _, text := range []string{full, short} {
		if s, ok := fit(text, f); ok {
			return s
		}
	}
	f.first, f.initial = withoutAccents(f.first), withoutAccents(f.initial)
	for _, text := range []string{full, short} {
		if s, ok := fit(text, f); ok {
			return s
		}
	}
	for n := utf8.RuneCountInString(f.first) - 1; n > 0; n-- {
		f.first = cut(f.first, n)
		if s, ok := fit(short, f); ok {
			return s
		}
	}
	f.first = ""
	s, _ := fit(short, f)
	return s
}

// fit fills a text, and cuts the school's name and then the sitting's as far as they may
// be, as little as needed.
func fit(text string, f fields) (string, bool) {
	fits := func() (string, bool) {
		s := f.fill(text)
		return s, courier.SMSParts(s) <= mostParts
	}
	s, ok := fits()
	for _, c := range []struct {
		name  *string
		least int
	}{{&f.school, schoolLeast}, {&f.sitting, sittingLeast}} {
		whole := *c.name
		for n := utf8.RuneCountInString(whole) - 1; !ok && n >= c.least; n-- {
			*c.name = cut(whole, n)
			s, ok = fits()
		}
	}
	return s, ok
}

// cut shortens to n characters, at the end of a word where that leaves half of them.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	at := n
	for i := n; i > n/2; i-- {
		if r[i] == ' ' || r[i] == '-' {
			at = i
			break
		}
	}
	return strings.TrimRight(string(r[:at]), " -,;:('/.")
}

// smsFields are the fields of an SMS: short names in the telephones' alphabet, the
// child's as it is, with plain typography.
func (t texts) smsFields(lang string, w words) fields {
	f := t.fields(lang, w)
	f.school, f.sitting = oneLine(directory.ToGSM(w.school.ShortName)), oneLine(directory.ToGSM(w.sitting.ShortLabel))
	if !namesSubject(w.sitting) || f.sitting == "" {
		f.sitting = t["class"]
	}
	f.phone = oneLine(directory.ToGSM(f.phone))
	f.first, f.initial = plainName(f.first), plainName(f.initial)
	return f
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// plainName writes a name as telephones show it: composed, plain typography, nothing
// that cannot be seen. Its letters and their accents stay.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r):
			return -1
		case unicode.IsControl(r):
			return ' '
		}
		return r
	}, name)
	name = oneLine(courier.PlainSMS(norm.NFC.String(name)))
	if r := []rune(name); len(r) > firstLongest {
		name = cut(name, firstLongest)
	}
	return name
}

// withoutAccents writes a name in the telephones' alphabet, unless hardly anything of it
// would remain.
func withoutAccents(name string) string {
	bare := oneLine(directory.ToGSM(name))
	if 2*utf8.RuneCountInString(bare) <= utf8.RuneCountInString(name) {
		return name
	}
	return bare
}

// longest are the longest fields that a text must have room for. The first name is one
// that is not in the telephones' alphabet.
func (t texts) longest() fields {
	f := fields{school: strings.Repeat("W", 20), first: strings.Repeat("ï", firstMost), initial: "W", sitting: strings.Repeat("W", timetable.ShortLabelMax),
		hour: "10h05", date: "24 September", phone: strings.Repeat("0", phoneMost), code: "WWWWWWW", link: strings.Repeat("w", linkMost)}
	for _, kind := range []string{"lycee", "college", "primary", "other"} {
		if where := t["kind."+kind]; utf8.RuneCountInString(where) > utf8.RuneCountInString(f.kind) {
			f.kind = where
		}
	}
	return f
}

// checkLength refuses an SMS that would take more than two parts with the longest
// fields, after the cuts, and has no short text to stand in.
func (t texts) checkLength(key string) error {
	if !strings.HasSuffix(key, ".sms") {
		return nil
	}
	if _, ok := fit(t[key], t.longest()); ok || t[shortOf(key)] != "" && shortOf(key) != key {
		return nil
	}
	s, _ := fit(t[key], t.longest())
	return fmt.Errorf("%s: it takes %d short messages and may take %d: with a first name of %d characters outside GSM, a link of %d, a telephone number of %d, "+
		"and %d characters left of the school's name and %d of the sitting's", key, courier.SMSParts(s), mostParts, firstMost, linkMost, phoneMost, schoolLeast, sittingLeast)
}

// shortOf is the key of the text that stands in for one that is too long.
func shortOf(key string) string {
	base, _, _ := strings.Cut(key, ".")
	for _, a := range []ask{askPhone, askReply} {
		if strings.Contains(key, string(a)+".") {
			base += string(a)
		}
	}
	return base + ".short.sms"
}
