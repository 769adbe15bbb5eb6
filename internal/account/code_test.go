package account

import (
	"regexp"
	"strings"
	"testing"
)

func TestNewCode(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$`)
	seen, letters := map[string]bool{}, map[rune]bool{}
	for range 500 {
		code := newCode()
		if !shape.MatchString(code) {
			t.Fatalf("%q is not four groups of four", code)
		}
		if seen[code] {
			t.Fatalf("%q came twice", code)
		}
		seen[code] = true
		for _, r := range code {
			letters[r] = true
		}
		if bare, ok := readCode(code); !ok || bare != strings.ReplaceAll(code, "-", "") {
			t.Fatalf("%q is not read back: %q", code, bare)
		}
	}
	if len(letters) != 33 { // 32 letters and the hyphen: 5 bits each, 80 in all
		t.Errorf("%d different characters, want 33", len(letters))
	}
	if codeLength*5 < 80 || codeBytes*8 < 80 {
		t.Error("fewer than 80 bits")
	}
}

func TestReadCode(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"K7QM-2XPD-90RT-VB4H":     "K7QM2XPD90RTVB4H",
		"k7qm 2xpd 90rt vb4h":     "K7QM2XPD90RTVB4H",
		" k7qm2xpdO0rtvb4h ":      "K7QM2XPD00RTVB4H",
		"ilIL-0000-0000-0000":     "1111000000000000",
		"K7QM–2XPD–90RT–VB4H":     "K7QM2XPD90RTVB4H", // what a phone makes of a hyphen
		"":                        "",
		"K7QM-2XPD-90RT-VB4":      "",
		"K7QM-2XPD-90RT-VB4H-0":   "",
		"K7QM-2XPD-90RT-VB4U":     "", // U is not in the alphabet
		"K7QM-2XPD-90RT-VB4é":     "",
		strings.Repeat("-", 1000): "",
		"K7QM-2XPD-90RT-VB4H\x00": "",
	} {
		got, ok := readCode(typed)
		if got != want || ok != (want != "") {
			t.Errorf("readCode(%q) = %q, %v; want %q", typed, got, ok, want)
		}
	}
}
