package account

import (
	"testing"

	"pgregory.net/rapid"
)

func TestIdentifierFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ first, last, want string }{
		{"Léa", "Benali", "lea.benali"},
		{"Jean-Noël", "N'Diaye", "jean-noel.ndiaye"},
		{"Marie  Ange", "de La Tour", "marie-ange.de-la-tour"},
		{"Zoé", "Œuvrard", "zoe.oeuvrard"},
		{"Łukasz", "Ångström", "lukasz.angstrom"},
		{"Thuỳ", "Nguyễn", "thuy.nguyen"},
		{"İpek", "Yıldız", "ipek.yildiz"},
		{"", "Benali", "benali"},
		{"Léa", "", "lea"},
		{"美玲", "王", "compte"},
		{"Мария", "Benali", "benali"},
		{"- .'", "’", "compte"},
		{"Anne-Sophie-Charlotte", "de Montmorency-Laval d'Auvergne", "anne-sophie-charlotte.de-montmorency-lav"},
	} {
		if got := identifierFor(c.first, c.last); got != c.want {
			t.Errorf("identifierFor(%q, %q) = %q, want %q", c.first, c.last, got, c.want)
		}
	}
}

// Whatever the name, the identifier can be typed on any keyboard, and is found again
// as it is.
func TestIdentifierProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := numbered(identifierFor(rapid.String().Draw(t, "first"), rapid.String().Draw(t, "last")), rapid.IntRange(1, 50).Draw(t, "n"))
		if id == "" || len(id) > maxIdentifier+10 || foldIdentifier(id) != id {
			t.Fatalf("%q is not as it is looked for: %q", id, foldIdentifier(id))
		}
		for _, r := range id {
			if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-') {
				t.Fatalf("%q has a character that not everybody can type: %q", id, r)
			}
		}
	})
}

func TestFoldIdentifier(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		" Léa.Benali ": "lea.benali", "LEA.BENALI2": "lea.benali2", "lea. benali": "lea.benali", "\tlea.benali\n": "lea.benali",
	} {
		if got := foldIdentifier(typed); got != want {
			t.Errorf("foldIdentifier(%q) = %q, want %q", typed, got, want)
		}
	}
	if a, b := numbered("agent47", 2), numbered("agent4", 72); a == b {
		t.Errorf("two names give one identifier: %q", a)
	}
}
