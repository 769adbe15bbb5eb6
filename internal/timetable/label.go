package timetable

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ShortLabelMax is the most characters a short label has: with the school, the name,
// the hour and the telephone the message stays in one part.
const ShortLabelMax = 14

// gsm holds the letters beyond ASCII of the GSM 03.38 default alphabet that may stand
// in a label. Its ASCII part lacks the grave accent and what needs an escape, which
// counts double.
const gsm = "èéùìòÇØøÅåÆæßÉÄÖÑÜäöñüà"

func inGSM(r rune) bool {
	switch {
	case r == '`' || strings.ContainsRune(`[\]^{|}~`, r):
		return false
	case r >= ' ' && r < 0x7f:
		return true
	}
	return strings.ContainsRune(gsm, r)
}

// FitsMessage tells whether a short label may stand in an SMS: 1 to ShortLabelMax
// characters, all of GSM 03.38, without an escape.
func FitsMessage(short string) bool {
	n := 0
	for _, r := range short {
		if !inGSM(r) {
			return false
		}
		n++
	}
	return n > 0 && n <= ShortLabelMax && strings.TrimSpace(short) == short
}

// known are subjects whose everyday short form is not their beginning.
var known = []struct{ begins, short string }{
	{"mathematiques", "maths"},
	{"histoire-geographie", "hist-géo"},
	{"histoire geographie", "hist-géo"},
	{"physique-chimie", "phys-chimie"},
	{"sciences de la vie et de la terre", "SVT"},
	{"sciences economiques et sociales", "SES"},
	{"sciences numeriques et technologie", "SNT"},
	{"numerique et sciences informatiques", "NSI"},
	{"education physique", "EPS"},
	{"enseignement moral et civique", "EMC"},
	{"enseignement scientifique", "ens. sci."},
	{"accompagnement personnalise", "AP"},
	{"education musicale", "musique"},
	{"arts plastiques", "arts plast."},
	{"philosophie", "philo"},
	{"permanence", "permanence"},
	{"physical education", "PE"},
	{"mathematics", "maths"},
}

// ShortLabel derives from a label the words that fill "n'est pas en … depuis" in a
// message: the usual short form of a subject, else the label itself in lower case
// (short words in capitals stay so), in GSM characters, cut at a word where that
// leaves enough. It is never empty: "cours" when nothing of the label can be written.
func ShortLabel(label string) string {
	text := strings.Join(strings.Fields(toGSM(label)), " ")
	key := strings.ToLower(bare(text))
	for _, k := range known {
		if rest, ok := strings.CutPrefix(key, k.begins); ok && (rest == "" || !unicode.IsLetter(rune(rest[0]))) {
			return k.short
		}
	}
	words := strings.Fields(text)
	for i, w := range words {
		if utf8.RuneCountInString(w) > 4 || strings.ToUpper(w) != w {
			words[i] = lower(w)
		}
	}
	short := cut(strings.Join(words, " "))
	if !FitsMessage(short) {
		return "cours"
	}
	return short
}

// lower is strings.ToLower, except for what GSM has only as a capital.
func lower(w string) string {
	return toGSM(strings.ToLower(w))
}

// cut shortens to ShortLabelMax, at the end of a word when at least half remains.
func cut(s string) string {
	r := []rune(s)
	if len(r) > ShortLabelMax {
		at := ShortLabelMax
		for i := ShortLabelMax; i >= ShortLabelMax/2; i-- {
			if r[i] == ' ' {
				at = i
				break
			}
		}
		r = r[:at]
	}
	return strings.TrimRight(string(r), " -,;:('/")
}

// toGSM writes a text in GSM characters: accents that the alphabet lacks are taken
// off, ligatures and typographic marks spelled out, the rest becomes a space.
func toGSM(s string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(s) {
		switch {
		case inGSM(r):
			b.WriteRune(r)
		case r == 'œ':
			b.WriteString("oe")
		case r == 'Œ':
			b.WriteString("OE")
		case r == '’' || r == '‘' || r == '`' || r == '´':
			b.WriteByte('\'')
		case r == '–' || r == '—' || r == '‑':
			b.WriteByte('-')
		default:
			if base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(r))); base != r && inGSM(base) {
				b.WriteRune(base)
			} else {
				b.WriteByte(' ')
			}
		}
	}
	return b.String()
}

// bare takes all accents off, for comparing.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}
