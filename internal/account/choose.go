package account

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/page"
)

// Lengths of a password, in characters. There is no rule about which characters:
// such rules make passwords that are alike.
const (
	minPassword = 10
	maxPassword = 200
)

// Refusals of checkPassword.
var (
	errShort     = page.Invalid("password", "account.password.short", "n", minPassword)
	errLong      = page.Invalid("password", "account.password.long", "n", maxPassword)
	errOwnName   = page.Invalid("password", "account.password.name")
	errRepeated  = page.Invalid("password", "account.password.repeated")
	errSequence  = page.Invalid("password", "account.password.sequence")
	errCommon    = page.Invalid("password", "account.password.common")
	errBirthDate = page.Invalid("password", "account.password.date")
)

// checkPassword refuses a new password that is too short, too long, or among the
// first that anybody would try: the account's own identifier, one thing repeated,
// a walk along the keyboard, a date, a word that everybody takes. nil: it will do.
func checkPassword(password, identifier string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < minPassword:
		return errShort
	case n > maxPassword:
		return errLong
	case !utf8.ValidString(password) || repeated(password):
		return errRepeated
	case date(password):
		return errBirthDate
	case walk(password):
		return errSequence
	}
	plain := letters(password)
	switch {
	case ownName(plain, identifier):
		return errOwnName
	case common(plain):
		return errCommon
	}
	return nil
}

// letters is what remains of a password once accents, capitals, digits and signs
// are gone: Motdepasse-2027! is motdepasse.
func letters(s string) string {
	var b strings.Builder
	for _, r := range fold(s) {
		if r >= 'a' && r <= 'z' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// ownName: nothing but the identifier, or one of its parts, and digits or signs.
func ownName(plain, identifier string) bool {
	if plain == "" {
		return false
	}
	whole := letters(identifier)
	if plain == whole || plain == whole+whole {
		return true
	}
	parts := strings.FieldsFunc(identifier, func(r rune) bool { return !unicode.IsLetter(r) })
	reversed := ""
	for _, part := range parts {
		part = letters(part)
		if plain == part || plain == part+part {
			return true
		}
		reversed = part + reversed
	}
	return plain == reversed
}

// repeated: one unit again and again (aaaaaaaaaa, azertazert, 1212121212), or
// three different characters at most.
func repeated(s string) bool {
	runes := []rune(strings.ToLower(s))
	seen := map[rune]bool{}
	for _, r := range runes {
		seen[r] = true
	}
	if len(seen) <= 3 {
		return true
	}
	for unit := 1; unit <= len(runes)/2; unit++ {
		same := true
		for i := unit; i < len(runes) && same; i++ {
			same = runes[i] == runes[i-unit]
		}
		if same {
			return true
		}
	}
	return false
}

// walk: nothing but pieces of three or more neighbours, on a keyboard or in the
// alphabet, forwards or backwards.
func walk(s string) bool {
	const rows = "1234567890 abcdefghijklmnopqrstuvwxyz azertyuiop qsdfghjklm wxcvbn qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm 0123456789"
	rest := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, fold(s))
	if rest == "" {
		return false
	}
	lines := rows + " " + reverse(rows)
	for rest != "" {
		n := 0
		for n < len(rest) && strings.Contains(lines, rest[:n+1]) {
			n++
		}
		if n < 3 {
			return false
		}
		rest = rest[n:]
	}
	return true
}

func reverse(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// date: nothing but a day, a month and a year, in either order.
func date(s string) bool {
	var digits []byte
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits = append(digits, byte(r-'0'))
		case unicode.IsLetter(r):
			return false
		}
	}
	if len(digits) != 8 {
		return false
	}
	number := func(d []byte) (n int) {
		for _, c := range d {
			n = n*10 + int(c)
		}
		return n
	}
	plausible := func(year, a, b int) bool {
		return year >= 1900 && year < 2100 && a >= 1 && b >= 1 && a <= 31 && b <= 31 && (a <= 12 || b <= 12)
	}
	return plausible(number(digits[4:]), number(digits[:2]), number(digits[2:4])) ||
		plausible(number(digits[:4]), number(digits[4:6]), number(digits[6:]))
}

// common: a word that everybody takes, with whatever digits and signs.
func common(plain string) bool {
	switch plain {
	case "motdepasse", "monmotdepasse", "nouveaumotdepasse", "password", "mypassword", "passwordpassword", "passe",
		"azerty", "azertyuiop", "qwerty", "qwertyuiop", "bonjour", "bonjourbonjour", "coucou", "coucoucoucou",
		"jetaime", "jtaime", "iloveyou", "doudou", "chouchou", "loulou", "soleil", "princesse", "admin",
		"administrateur", "administrator", "secret", "bienvenue", "welcome", "letmein", "changeme", "changezmoi",
		"ecole", "college", "lycee", "eleve", "parent", "parents", "professeur", "prof", "preau", "lepreau",
		"marseille", "paris", "france", "football", "pokemon", "minecraft", "fortnite", "test", "testtest":
		return true
	}
	return false
}
