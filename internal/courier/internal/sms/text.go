package sms

import (
	"strings"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

// Coding is the alphabet of a message.
type Coding int

// The two alphabets. A message is in one of them, whole.
const (
	GSM  Coding = iota // GSM 03.38 default alphabet and its extension: 160 septets, 153 in a part of several
	UCS2               // UTF-16: 70 code units, 67 in a part of several
)

// alphabet is the default alphabet of GSM 03.38 in its order: the index is the septet.
// Septet 0x1b, the escape, is held by NUL, which no text of ours has.
var alphabet = []rune("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x00ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")

// extension is what the escape reaches: each counts two septets.
var extension = map[rune]byte{'\f': 0x0a, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2f, '[': 0x3c, '~': 0x3d, ']': 0x3e, '|': 0x40, '€': 0x65}

var septets = func() map[rune]byte {
	m := make(map[rune]byte, len(alphabet))
	for i, r := range alphabet {
		if r != 0 {
			m[r] = byte(i)
		}
	}
	return m
}()

// Plain writes typography in characters that telephones have: curly quotes, dashes,
// ellipses, special spaces. Letters are left alone, whatever their accents.
func Plain(text string) string {
	return typography.Replace(norm.NFC.String(text))
}

var typography = strings.NewReplacer(
	"’", "'", "‘", "'", "‚", "'", "′", "'", "ʼ", "'", "`", "'", "´", "'",
	"“", `"`, "”", `"`, "„", `"`, "«\u00a0", `"`, "\u00a0»", `"`, "«\u202f", `"`, "\u202f»", `"`, "« ", `"`, " »", `"`, "«", `"`, "»", `"`,
	"–", "-", "—", "-", "‑", "-", "‐", "-", "−", "-", "…", "...",
	"\u00a0", " ", "\u202f", " ", "\u2009", " ", "\u200a", " ", "\u2002", " ", "\u2003", " ", "\t", " ",
	"\u200b", "", "\u200c", "", "\u200d", "", "\u2060", "", "\ufeff", "", "\u00ad", "", "\r\n", "\n", "\r", "\n",
)

// Choose gives the alphabet that a text needs.
func Choose(text string) Coding {
	for _, r := range text {
		if _, ok := septets[r]; ok {
			continue
		}
		if _, ok := extension[r]; !ok {
			return UCS2
		}
	}
	return GSM
}

// InGSM tells whether a character is in the GSM alphabet or its extension.
func InGSM(r rune) bool { return Choose(string(r)) == GSM }

// Split encodes a text: parts of unpacked septets, one a byte, for GSM; of UTF-16BE
// bytes for UCS2. An empty text is one empty part.
func Split(text string) (coding Coding, parts [][]byte) {
	coding = Choose(text)
	var units [][]byte // what must not be cut
	single, several := 160, 153
	for _, r := range text {
		units = append(units, unit(coding, r))
	}
	if coding == UCS2 {
		single, several = 140, 134
	}
	if size(units) <= single {
		return coding, [][]byte{join(units)}
	}
	var part []byte
	for _, u := range units {
		if len(part)+len(u) > several {
			parts = append(parts, part)
			part = nil
		}
		part = append(part, u...)
	}
	return coding, append(parts, part)
}

// Parts is how many parts a text takes.
func Parts(text string) int {
	_, parts := Split(text)
	return len(parts)
}

// unit is one character, encoded.
func unit(c Coding, r rune) []byte {
	if c == GSM {
		if b, ok := extension[r]; ok {
			return []byte{0x1b, b}
		}
		return []byte{septets[r]}
	}
	var out []byte
	for _, u := range utf16.Encode([]rune{r}) {
		out = append(out, byte(u>>8), byte(u))
	}
	return out
}

func size(units [][]byte) (n int) {
	for _, u := range units {
		n += len(u)
	}
	return n
}

func join(units [][]byte) []byte {
	out := make([]byte, 0, size(units))
	for _, u := range units {
		out = append(out, u...)
	}
	return out
}
