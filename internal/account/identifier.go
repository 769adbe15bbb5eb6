package account

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxIdentifier keeps an identifier short enough to be typed and printed.
const maxIdentifier = 40

// fold takes accents and capitals away: Éléonore is eleonore, Œuvre is oeuvre.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		r = unicode.ToLower(r)
		switch {
		case unicode.Is(unicode.Mn, r): // the accent that was taken off its letter
		case r == 'œ':
			b.WriteString("oe")
		case r == 'æ':
			b.WriteString("ae")
		case r == 'ß':
			b.WriteString("ss")
		case r == 'ø':
			b.WriteByte('o')
		case r == 'đ', r == 'ð':
			b.WriteByte('d')
		case r == 'ł':
			b.WriteByte('l')
		case r == 'þ':
			b.WriteString("th")
		case r == 'ı':
			b.WriteByte('i')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// foldIdentifier is the one way of writing an identifier, whatever was typed:
// small letters without accents, no spaces around.
func foldIdentifier(typed string) string {
	return strings.Join(strings.Fields(fold(typed)), "")
}

// identifierFor makes the readable beginning of an identifier from a name:
// lea.benali. A name without one Latin letter gives "compte".
func identifierFor(first, last string) string {
	name := make([]string, 0, 2)
	for _, s := range []string{first, last} {
		if s = nameLetters(s); s != "" {
			name = append(name, s)
		}
	}
	id := strings.Join(name, ".")
	if len(id) > maxIdentifier {
		id = id[:maxIdentifier]
	}
	if id = strings.Trim(id, ".-"); id == "" {
		return "compte"
	}
	return id
}

// nameLetters keeps letters and digits; what stands between two parts of a
// compound name becomes one hyphen, an apostrophe nothing: N'Diaye is ndiaye.
func nameLetters(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range fold(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
		case r == '\'' || r == '’' || r == 'ʼ' || r == '`':
		default:
			gap = true
		}
	}
	return b.String()
}

// numbered is the n-th identifier that begins this way: lea.benali, lea.benali2…
// A name that itself ends in a digit gets a dot first, so that two different names
// never meet.
func numbered(base string, n int) string {
	if n <= 1 {
		return base
	}
	if last := base[len(base)-1]; last >= '0' && last <= '9' {
		base += "."
	}
	return base + strconv.Itoa(n)
}
