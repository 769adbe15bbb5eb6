package account

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testKeys = newKeys([]byte("0123456789abcdef0123456789abcdef"))

func TestTicket(t *testing.T) {
	t.Parallel()
	given := ticket{Session: "s1", Account: "a1", Ends: tuesday.Add(SessionIdle), Idle: SessionIdle}
	value := testKeys.writeTicket(given)
	if got, ok := testKeys.readTicket(value, tuesday); !ok || got != given {
		t.Fatalf("read back %+v, %v; want %+v", got, ok, given)
	}
	if _, ok := testKeys.readTicket(value, tuesday.Add(SessionIdle)); ok {
		t.Error("a cookie that has ended is taken")
	}
	if _, ok := newKeys([]byte("another key, another installation")).readTicket(value, tuesday); ok {
		t.Error("a cookie of another installation is taken")
	}
	for i := range len(value) {
		for _, c := range []byte{value[i] ^ 1, 'A', '.', 0} {
			forged := value[:i] + string(c) + value[i+1:]
			if forged == value {
				continue
			}
			if _, ok := testKeys.readTicket(forged, tuesday); ok {
				t.Fatalf("a cookie changed at byte %d is taken: %q", i, forged)
			}
		}
	}
	// What is signed for another use, or for another version, is no ticket.
	text := value[:strings.LastIndexByte(value, '.')]
	for what, forged := range map[string]string{
		"unsigned":             text,
		"an empty signature":   text + ".",
		"signed as a device":   seal(testKeys.device, text),
		"another version":      seal(testKeys.session, "2"+text[1:]),
		"one field too many":   seal(testKeys.session, text+".x"),
		"one field too few":    seal(testKeys.session, text[:strings.LastIndexByte(text, '.')]),
		"another kind":         seal(testKeys.session, strings.Replace(text, ".k.", ".z.", 1)),
		"no session":           seal(testKeys.session, strings.Replace(text, ".s1.", "..", 1)),
		"an end that is words": seal(testKeys.session, "1.k.s1.a1.never"),
		"longer than ours":     seal(testKeys.session, "1.k.s1."+strings.Repeat("a", 600)+".1900000000"),
		"empty":                "",
		"a dot":                ".",
	} {
		if _, ok := testKeys.readTicket(forged, tuesday); ok {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestTicketRenewed(t *testing.T) {
	t.Parallel()
	kept := ticket{Session: "s1", Account: "a1", Ends: tuesday.Add(SessionIdle), Idle: SessionIdle}
	for after, want := range map[time.Duration]bool{
		0: false, renewAfter - time.Second: false, renewAfter: true, SessionIdle - time.Second: true,
	} {
		got, ok := kept.renewed(tuesday.Add(after))
		if ok != want || ok && (got.Ends != tuesday.Add(after+SessionIdle) || got.Session != kept.Session || got.Account != kept.Account) {
			t.Errorf("after %v: %+v, %v; want %v", after, got, ok, want)
		}
	}
	shared := ticket{Session: "s1", Account: "a1", Ends: tuesday.Add(SessionShared), Shared: true}
	if _, ok := shared.renewed(tuesday.Add(SessionShared - time.Second)); ok {
		t.Error("a session on a shared computer is renewed")
	}
}

func TestDevice(t *testing.T) {
	t.Parallel()
	lea := Account{ID: "lea", Password: "$h1"}
	d := device{ID: "d1"}
	if testKeys.knows(d, lea) {
		t.Error("a new browser is known")
	}
	d = testKeys.remember(d, lea)
	back, ok := testKeys.readDevice(testKeys.writeDevice(d))
	if !ok || !testKeys.knows(back, lea) {
		t.Fatalf("a browser that signed in is not known: %+v, %v", back, ok)
	}
	for what, other := range map[string]bool{
		"another account":                    testKeys.knows(back, Account{ID: "tom", Password: "$h1"}),
		"another password":                   testKeys.knows(back, Account{ID: "lea", Password: "$h2"}),
		"no account":                         testKeys.knows(back, Account{}),
		"an account without password":        testKeys.knows(testKeys.remember(d, Account{ID: "x"}), Account{ID: "x"}),
		"another browser with the same mark": testKeys.knows(device{ID: "d2", Marks: back.Marks}, lea),
	} {
		if other {
			t.Errorf("%s is known", what)
		}
	}
	if _, ok := testKeys.readDevice(testKeys.writeTicket(ticket{Session: "1", Account: "d1", Ends: tuesday})); ok {
		t.Error("a session's cookie is taken for a browser's")
	}
	for i := range 2 * maxMarks {
		d = testKeys.remember(d, Account{ID: fmt.Sprint(i), Password: "$h"})
	}
	if len(d.Marks) != maxMarks || testKeys.knows(d, lea) || !testKeys.knows(d, Account{ID: "15", Password: "$h"}) {
		t.Errorf("a browser keeps the last %d accounts, it has %d", maxMarks, len(d.Marks))
	}
	if again := testKeys.remember(d, Account{ID: "15", Password: "$h"}); len(again.Marks) != maxMarks || again.Marks[0] != d.Marks[0] {
		t.Error("an account is remembered twice")
	}
	if len(testKeys.writeDevice(d)) > maxCookie {
		t.Error("a browser with many accounts gets a cookie that is too long to be read back")
	}
}

// No count of failures is another's.
func TestBucketNames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		names := []string{testKeys.bucketOf(a), testKeys.bucketOfDevice(device{ID: a}, Account{ID: "x"}), testKeys.bucketOfDevice(device{ID: "d"}, Account{ID: a})}
		if a != b {
			names = append(names, testKeys.bucketOf(b))
		}
		seen := map[string]bool{}
		for _, n := range names {
			if seen[n] && !(a == "x" || a == "d") {
				t.Fatalf("two counts have one name: %q", names)
			}
			seen[n] = true
		}
	})
}

// FuzzCookie: whatever a browser sends, nothing panics, and nothing is taken that
// was not signed here, byte for byte.
func FuzzCookie(f *testing.F) {
	given := ticket{Session: "0123456789abcdefghjk", Account: "zyxwvtsrqpnmkjhgfedc", Ends: tuesday.Add(SessionIdle), Idle: SessionIdle}
	shared := given
	shared.Shared, shared.Idle = true, 0
	known := testKeys.remember(device{ID: "d1"}, Account{ID: "lea", Password: "$h"})
	for _, value := range []string{
		testKeys.writeTicket(given), testKeys.writeTicket(shared), testKeys.writeDevice(known), testKeys.writeDevice(device{ID: "d2"}),
		newKeys([]byte("another key")).writeTicket(given), "", ".", "1.k.a.b.9999999999.", "1.k.a.b.c.d.e.f", strings.Repeat(".", 600), "\x00\xff.\n",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if got, ok := testKeys.readTicket(value, tuesday); ok {
			if got != given && got != shared {
				t.Errorf("taken and never signed: %q is %+v", value, got)
			}
			if again := testKeys.writeTicket(got); again != value {
				t.Errorf("two spellings of one cookie: %q and %q", value, again)
			}
		}
		if got, ok := testKeys.readDevice(value); ok {
			if got.ID != "d1" && got.ID != "d2" {
				t.Errorf("taken and never signed: %q is %+v", value, got)
			}
			if again := testKeys.writeDevice(got); again != value {
				t.Errorf("two spellings of one cookie: %q and %q", value, again)
			}
		}
	})
}

func BenchmarkCookieCheck(b *testing.B) {
	value := testKeys.writeTicket(ticket{Session: "0123456789abcdefghjk", Account: "zyxwvtsrqpnmkjhgfedc", Ends: tuesday.Add(SessionIdle), Idle: SessionIdle})
	for b.Loop() {
		if _, ok := testKeys.readTicket(value, tuesday); !ok {
			b.Fatal("not taken")
		}
	}
}

func BenchmarkCookieForged(b *testing.B) {
	value := newKeys([]byte("another key")).writeTicket(ticket{Session: "0123456789abcdefghjk", Account: "zyxwvtsrqpnmkjhgfedc", Ends: tuesday.Add(SessionIdle), Idle: SessionIdle})
	for b.Loop() {
		if _, ok := testKeys.readTicket(value, tuesday); ok {
			b.Fatal("taken")
		}
	}
}

func BenchmarkPasswordCheck(b *testing.B) {
	h := HashPassword("un préau sous la pluie", usualCost)
	for b.Loop() {
		if ok, err := h.check("un préau sous la pluie"); !ok || err != nil {
			b.Fatal(err)
		}
	}
}
