package account

import (
	"errors"
	"strings"
	"testing"
)

func TestHash(t *testing.T) {
	t.Parallel()
	h := HashPassword("un préau sous la pluie", cheap)
	if !strings.HasPrefix(string(h), "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Fatalf("not a PHC string of that cost: %s", h)
	}
	for password, want := range map[string]bool{
		"un préau sous la pluie":       true,
		"un pre\u0301au sous la pluie": true, // é typed as e and an accent
		"un préau sous la pluie ":      false,
		"un preau sous la pluie":       false,
		"":                             false,
	} {
		got, err := h.check(password)
		if err != nil || got != want {
			t.Errorf("check(%q) = %v, %v; want %v", password, got, err, want)
		}
	}
	if again := HashPassword("un préau sous la pluie", cheap); again == h {
		t.Error("two hashes of one password are the same: no salt")
	}
	if h.stale(cheap) || !h.stale(usualCost) {
		t.Error("a hash is stale at another cost and not at its own")
	}
	if usualCost != (Cost{Memory: 12288, Passes: 3, Threads: 1}) || (Cost{}).orUsual() != usualCost {
		t.Error("the usual cost is 12 MiB, three passes, one thread")
	}
}

// A test vector of the reference implementation (argon2id, version 19, 64 MiB, two
// passes, password "password", salt "somesalt").
func TestHashOfOthers(t *testing.T) {
	t.Parallel()
	const theirs = Hash("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	if ok, err := theirs.check("password"); err != nil || !ok {
		t.Errorf("a known hash: %v, %v", ok, err)
	}
}

func TestHashUnreadable(t *testing.T) {
	t.Parallel()
	good := string(HashPassword("x", cheap))
	for _, bad := range []string{
		"", "$", "password", "$2y$10$abcdefghijklmnopqrstuv",
		strings.Replace(good, "argon2id", "argon2i", 1),
		strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=4194304", 1), // 4 GiB
		strings.Replace(good, "m=64", "m=0", 1),
		strings.Replace(good, "t=1", "t=4000000000", 1),
		strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=300", 1),
		strings.Replace(good, "m=64,t=1", "t=1,m=64", 1),
		good + "$", good + "=", good[:len(good)-30],
	} {
		ok, err := Hash(bad).check("x")
		if ok || !errors.Is(err, errHash) {
			t.Errorf("%q: %v, %v; want it refused", bad, ok, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for password, want := range map[string]error{
		"un préau sous la pluie": nil,
		"cheval agrafe":          nil,
		"correcthorse":           nil,
		"7n2p9x4k1q":             nil,
		"marine bleue":           nil,
		"Lea aime les chats":     nil, // the name among other words is no worse than they are
		"sous 2 tilleuls":        nil,
		"日本語のひみつのことば":            nil,

		"":                        errShort,
		"neuf cara":               errShort,
		"éééééé":                  errShort, // characters are counted, not bytes
		strings.Repeat("ab", 200): errLong,

		"lea.benali":          errOwnName,
		"Léa.Benali2027":      errOwnName,
		"lea-benali!":         errOwnName,
		"benali.lea":          errOwnName,
		"benali2012":          errOwnName,
		"leabenali leabenali": errOwnName,
		"aaaaaaaaaa":          errRepeated,
		"1111111111":          errRepeated,
		"abababababab":        errRepeated,
		"Azert Azert Azert ":  errRepeated,
		"1122112211":          errRepeated,
		"1234567890":          errSequence,
		"0987654321":          errSequence,
		"azertyuiop":          errSequence,
		"poiuytreza":          errSequence,
		"abcdefghij":          errSequence,
		"azerty123456":        errSequence,
		"qwerty-123456":       errSequence,
		"motdepasse":          errCommon,
		"MotDePasse1!":        errCommon,
		"Password2027":        errCommon,
		"Bonjour12345":        errCommon,
		"15/03/2011":          errBirthDate,
		"2011-03-15":          errBirthDate,
		"15 03 2011":          errBirthDate,
	} {
		if got := checkPassword(password, "lea.benali"); got != want {
			t.Errorf("checkPassword(%q) = %v, want %v", password, got, want)
		}
	}
}
