package sms

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/linxGnu/gosmpp/data"
	"pgregory.net/rapid"
)

// The table is judged by one that we did not write.
func TestAlphabet(t *testing.T) {
	for r := rune(1); r < 0x2100; r++ {
		if r == 0x1b || (r >= 0xd800 && r < 0xe000) {
			continue
		}
		theirs := len(data.ValidateGSM7String(string(r))) == 0
		if r == '\f' { // theirs lacks the page break, which is in the standard
			continue
		}
		if ours := InGSM(r); ours != theirs {
			t.Errorf("%q (%U): ours %v, theirs %v", r, r, ours, theirs)
		}
	}
	for _, text := range []string{"Léa B. n'est pas en maths depuis 8h05, 24/11", "{[€]}|~^\\", "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"} {
		theirs, err := data.GSM7BIT.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, parts := Split(text); string(parts[0]) != string(theirs) {
			t.Errorf("%q: ours % x, theirs % x", text, parts[0], theirs)
		}
	}
}

func TestParts(t *testing.T) {
	for text, want := range map[string]int{
		"":                            1,
		strings.Repeat("a", 160):      1,
		strings.Repeat("a", 161):      2,
		strings.Repeat("€", 80):       1,
		strings.Repeat("€", 81):       2,
		strings.Repeat("a", 306):      2,
		strings.Repeat("a", 307):      3,
		strings.Repeat("ê", 70):       1,
		strings.Repeat("ê", 71):       2,
		strings.Repeat("ê", 134):      2,
		strings.Repeat("ê", 135):      3,
		"ê" + strings.Repeat("a", 69): 1,
	} {
		if got := Parts(text); got != want {
			t.Errorf("%d parts, want %d: %.20s…", got, want, text)
		}
	}
}

// Whatever the text, the parts put together again are the text, none is too long, and
// none begins or ends within a character.
func TestSplitJoins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := Plain(rapid.StringOfN(rapid.SampledFrom([]rune("aé€{ êïœç𝄞😀\n0")), 0, 400, -1).Draw(t, "text"))
		coding, parts := Split(text)
		var all strings.Builder
		for _, p := range parts {
			most := 160
			if coding == UCS2 {
				most = 140
			}
			if len(parts) > 1 {
				most -= 7
				if coding == UCS2 {
					most = 134
				}
			}
			if len(p) > most {
				t.Fatalf("a part of %d bytes", len(p))
			}
			if coding == GSM {
				s, err := data.GSM7BIT.Decode(p)
				if err != nil {
					t.Fatalf("a part cannot be read: %v", err)
				}
				all.WriteString(s)
				continue
			}
			units := make([]uint16, len(p)/2)
			for i := range units {
				units[i] = uint16(p[2*i])<<8 | uint16(p[2*i+1])
			}
			if len(units) > 0 && units[0] >= 0xdc00 && units[0] < 0xe000 {
				t.Fatal("a part begins within a character")
			}
			all.WriteString(string(utf16.Decode(units)))
		}
		if all.String() != text {
			t.Fatalf("%q became %q", text, all.String())
		}
	})
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"l’élève – « Zoë » …": `l'élève - "Zoë" ...`,
		"8\u202fh\u00a005":    "8 h 05",
		"Franc\u0327ois":      "François",
		"Loïc":                "Loïc",
	} {
		if got := Plain(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
