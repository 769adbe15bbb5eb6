package directory

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// gsm holds the letters beyond ASCII of the GSM 03.38 default alphabet that stand in
// names and labels. Its ASCII part lacks the grave accent and what needs an escape, which
// counts double.
const gsm = "èéùìòÇØøÅåÆæßÉÄÖÑÜäöñüà"

// InGSM tells whether a character is one septet of GSM 03.38: what an SMS may hold
// without halving its length.
func InGSM(r rune) bool {
	switch {
	case r == '`' || strings.ContainsRune(`[\]^{|}~`, r):
		return false
	case r >= ' ' && r < 0x7f:
		return true
	}
	return strings.ContainsRune(gsm, r)
}

// ToGSM writes a text in GSM characters: accents that the alphabet lacks are taken
// off, ligatures and typographic marks spelled out, the rest becomes a space.
func ToGSM(s string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(s) {
		switch {
		case InGSM(r):
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
			if base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(r))); base != r && InGSM(base) {
				b.WriteRune(base)
			} else {
				b.WriteByte(' ')
			}
		}
	}
	return b.String()
}
