package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// A code is 80 bits at random, written as four groups of four characters of an
// alphabet without I, L, O and U (Douglas Crockford's), so that it can be read
// from paper and typed by a ten-year-old: K7QM-2XPD-90RT-VB4H.
const (
	codeBytes  = 10
	codeLength = 16
	codeGroup  = 4
)

const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newCode makes a code. rand.Read never fails and never returns short.
func newCode() string {
	b := make([]byte, codeBytes)
	rand.Read(b)
	text := base32.NewEncoding(codeLetters).WithPadding(base32.NoPadding).EncodeToString(b)
	var groups []string
	for i := 0; i < len(text); i += codeGroup {
		groups = append(groups, text[i:i+codeGroup])
	}
	return strings.Join(groups, "-")
}

// readCode takes what a person typed (small letters, spaces, O for 0, I or L for
// 1) and returns the bare code; false when it cannot be one.
func readCode(typed string) (string, bool) {
	if len(typed) > 100 {
		return "", false
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case ' ', '-', '.', '\u00a0', '\u202f', '\u2010', '\u2011', '\u2013', '\t':
			continue
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(codeLetters, r) {
			return "", false
		}
		b.WriteRune(r)
	}
	if b.Len() != codeLength {
		return "", false
	}
	return b.String(), true
}

// codeHash is what is stored of a bare code. 80 bits at random need no salt and
// no slow hash: nobody tries 2^80 of them.
func codeHash(bare string) string {
	sum := sha256.Sum256([]byte(bare))
	return hex.EncodeToString(sum[:])
}
