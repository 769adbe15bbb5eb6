package timetable

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/preau-ent/preau/internal/directory"
)

// ShortLabelMax is the most characters a short label has: with the school, the name,
// the hour and the telephone the message stays in one part.
const ShortLabelMax = 14

// fitsMessage tells whether a short label may stand in an SMS: 1 to ShortLabelMax
// characters, all of GSM 03.38, without an escape.
func fitsMessage(short string) bool {
	n := 0
	for _, r := range short {
		if !directory.InGSM(r) {
			return false
		}
		n++
	}
	return n > 0 && n <= ShortLabelMax && strings.TrimSpace(short) == short
}

type everyday struct{ begins, short string }

// known are subjects whose everyday short form is not their beginning.
func known() []everyday {
	return []everyday{
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
}

// ShortLabel derives from a label the words that fill "n'est pas en … depuis" in a
// message: the usual short form of a subject, else the label itself in lower case
// (short words in capitals stay so), in GSM characters, cut at a word where that
// leaves enough. It is never empty: "cours" when nothing of the label can be written.
func ShortLabel(label string) string {
	text := strings.Join(strings.Fields(directory.ToGSM(label)), " ")
	key := strings.ToLower(bare(text))
	for _, k := range known() {
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
	if !fitsMessage(short) {
		return "cours"
	}
	return short
}

// lower is strings.ToLower, except for what GSM has only as a capital.
func lower(w string) string {
	return directory.ToGSM(strings.ToLower(w))
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

// bare takes all accents off, for comparing.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s))
}
