package account

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// Ten thousand pupils and an attacker behind one address, within a quarter of an hour: one
// pupil in ten mistypes, some three times. No pupil is made to wait; the attacker is held to
// what one browser may do, or without cookies to the address's part, whatever is tried.
func TestPupilsAndAttackerBehindOneAddress(t *testing.T) {
	t.Parallel()
	const enrolment = 10_000
	school := netip.MustParsePrefix("192.0.2.7/32")
	for name, attack := range map[string]struct {
		browser func(n int) []string
		most    int // passwords in the quarter of an hour
	}{
		"one browser":                      {func(int) []string { return []string{"attacker"} }, deviceBurst + 15*2},
		"a new cookie each time, one seat": {func(n int) []string { return []string{fmt.Sprint("attacker", n), "seat 1"} }, deviceBurst + 15*2},
		"no cookie":                        {func(int) []string { return nil }, 16 * enrolment / addressFails},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFloods(func(string) int { return enrolment })
			random := rand.New(rand.NewPCG(1, 2))
			type try struct {
				at    time.Duration
				pupil int // -1: the attacker
				right bool
			}
			var tries []try
			for n := range enrolment {
				at := time.Duration(random.Int64N(int64(15 * time.Minute)))
				if random.IntN(10) == 0 {
					for range 1 + random.IntN(3) {
						tries = append(tries, try{at, n, false})
						at += time.Second
					}
				}
				tries = append(tries, try{at, n, true})
			}
			for at := time.Duration(0); at < 15*time.Minute; at += 20 * time.Millisecond {
				tries = append(tries, try{at, -1, false})
			}
			slices.SortFunc(tries, func(a, b try) int { return int(a.at - b.at) })
			throttled, done := 0, 0
			for i, one := range tries {
				now := tuesday.Add(one.at)
				c := client{school, attack.browser(i)}
				if one.pupil >= 0 {
					c.browser = []string{fmt.Sprint("pupil", one.pupil), fmt.Sprint("seat pupil", one.pupil)}
				}
				switch waits := !f.wait(now, c).IsZero(); {
				case waits && one.pupil >= 0:
					throttled++
				case waits:
				case one.right:
					f.entered(now, c, lycee, fmt.Sprint("pupil", one.pupil))
				default:
					f.tried(now, c)
					f.failed(now, c)
					if one.pupil < 0 {
						done++
					}
				}
			}
			if throttled > 0 {
				t.Errorf("%d pupils were made to wait", throttled)
			}
			if done > attack.most || done == 0 {
				t.Errorf("the attacker tried %d passwords of 45,000, want %d at most", done, attack.most)
			}
		})
	}
}

// An address without a known school has a hundred, and a family's three accounts do not make
// it a school.
func TestSchoolBehindAnAddress(t *testing.T) {
	t.Parallel()
	f := newFloods(func(s string) int { return map[string]int{"a": 3000, "b": 500}[s] })
	c := client{address: netip.MustParsePrefix("192.0.2.7/32")}
	ceilings := func() [2]int {
		f.mu.Lock()
		defer f.mu.Unlock()
		posts, fails := f.ceilings(tuesday, f.spot(tuesday, c.address))
		return [2]int{posts, fails}
	}
	for range 100 {
		for n := range schoolSeen - 1 {
			f.entered(tuesday, c, "a", fmt.Sprint(n))
		}
	}
	if got := ceilings(); got != [2]int{100, 100} {
		t.Errorf("seven people of a school, again and again: %v", got)
	}
	f.entered(tuesday, c, "a", "eighth")
	if got := ceilings(); got != [2]int{3000, 300} {
		t.Errorf("a school of 3,000: %v", got)
	}
	for n := range schoolSeen {
		f.entered(tuesday, c, "b", fmt.Sprint("b", n))
	}
	if got := ceilings(); got != [2]int{3500, 350} {
		t.Errorf("and another of 500 beside it: %v", got)
	}
	for n := range 10 { // one person each of many schools: the two that are seen stay
		f.entered(tuesday.Add(time.Duration(n)), c, fmt.Sprint("other", n), "x")
		f.entered(tuesday.Add(time.Duration(n)), c, "a", "x")
		f.entered(tuesday.Add(time.Duration(n)), c, "b", "x")
	}
	if got := ceilings(); got != [2]int{3500, 350} {
		t.Errorf("visitors of other schools: %v", got)
	}
}

// An address that had its part makes wait who keeps no cookie, whether the passwords were right
// or wrong, and browsers that failed more than a few times; nobody else.
func TestAddressThatHadItsPart(t *testing.T) {
	t.Parallel()
	at := netip.MustParsePrefix("192.0.2.7/32")
	bare := client{address: at}
	waits := func(f *floods, c client) bool { return !f.wait(tuesday, c).IsZero() }
	f := newFloods(func(string) int { return 0 })
	for n := range addressLeast {
		if waits(f, bare) {
			t.Fatalf("the %dth without a cookie waits", n+1)
		}
		f.tried(tuesday, bare) // and the password was right
	}
	if !waits(f, bare) {
		t.Error("a hundred without cookies, and the next is not made to wait")
	}
	if c := (client{at, []string{"b"}}); waits(f, c) {
		t.Error("a browser is made to wait for those without cookies")
	}
	f = newFloods(func(string) int { return 0 })
	for n := range addressLeast - deviceOwn {
		f.failed(tuesday, client{at, []string{fmt.Sprint("b", n)}})
	}
	c := client{at, []string{"clumsy"}}
	for range deviceOwn {
		if waits(f, c) {
			t.Fatal("a browser's own first mistakes are held against it")
		}
		f.failed(tuesday, c)
	}
	if !waits(f, c) || !waits(f, bare) {
		t.Error("a hundred failures at one address, and a browser with four of them goes on, or one without cookies")
	}
	if waits(f, client{netip.MustParsePrefix("192.0.2.8/32"), []string{"clumsy"}}) {
		t.Error("the neighbour's address waits too")
	}
}

// Whatever comes, from however many addresses with however many browsers, the counts stay in
// their room, and a school's address is not what is forgotten.
func TestFloodsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFloods(func(string) int { return 800 })
	school := netip.MustParsePrefix("192.0.2.7/32")
	for n := range schoolSeen {
		f.entered(tuesday, client{address: school}, "a", fmt.Sprint(n))
	}
	now := tuesday
	for n := range 3 * addressesMost {
		now = now.Add(time.Microsecond)
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 32)
		for m := range 3 {
			f.failed(now, client{p, []string{fmt.Sprint("b", n, m), fmt.Sprint("seat", n, m)}})
		}
		f.tried(now, client{address: p})
		if len(f.devices) > devicesMost || len(f.addresses) > addressesMost {
			t.Fatalf("%d browsers and %d addresses are kept", len(f.devices), len(f.addresses))
		}
	}
	if posts, _ := f.ceilings(now, f.spot(now, school)); posts != 800 {
		t.Error("the school's address was forgotten")
	}
	f.sweep(now.Add(time.Hour))
	if len(f.devices) != 0 || len(f.addresses) != 1 {
		t.Errorf("an hour later %d browsers and %d addresses are kept, want the school's alone", len(f.devices), len(f.addresses))
	}
}

func TestAddressOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ remote, via, want string }{
		{"192.0.2.7:5", "", "192.0.2.7/32"},
		{"192.0.2.7:5", "198.51.100.9", "192.0.2.7/32"}, // anybody can write that
		{"127.0.0.1:5", "198.51.100.9", "198.51.100.9/32"},
		{"[::1]:5", "10.0.0.1, 198.51.100.9", "198.51.100.9/32"},
		{"127.0.0.1:5", "rubbish", "127.0.0.1/32"},
		{"127.3.4.5:5", "", "127.3.4.5/32"},
		{"[2001:db8:1:2:3::9]:5", "", "2001:db8:1::/56"},
		{"[2001:db8:1:2ff::1]:5", "", "2001:db8:1:200::/56"},
		{"[::ffff:192.0.2.7]:5", "", "192.0.2.7/32"},
		{"[fe80::1%eth0]:5", "", "fe80::/56"},
		{"nothing", "", "invalid Prefix"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.via != "" {
			r.Header.Set("X-Forwarded-For", c.via)
		}
		if got := addressOf(r).String(); got != c.want {
			t.Errorf("%s via %q: %s, want %s", c.remote, c.via, got, c.want)
		}
	}
}

// The same over HTTP: a browser that fails again and again waits, one beside it does not, and
// what has no cookie waits once its address had its part.
func TestFloodOverHTTP(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	s := newSite(t, db, false)
	create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	attacker, pupil := s.browser(t), s.browser(t)
	attacker.get("/sign-in")
	pupil.get("/sign-in")
	try := func(b *browser, n int) answer {
		return b.post("/sign-in", "identifier", fmt.Sprint("pupil", n), "password", bad)
	}
	for n := range deviceBurst {
		if a := try(attacker, n); a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("try %d: %d", n+1, a.StatusCode)
		}
	}
	held := try(attacker, 99)
	attacker.want(held, http.StatusTooManyRequests, "depuis cet appareil")
	if held.Header.Get("Retry-After") != "30" {
		t.Errorf("Retry-After %q, want 30", held.Header.Get("Retry-After"))
	}
	bare := s.browser(t)
	for n := range addressLeast - deviceBurst {
		bare.Jar = nil
		if a := try(bare, 100+n); a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("without cookies, try %d: %d", n+1, a.StatusCode)
		}
	}
	bare.want(try(bare, 999), http.StatusTooManyRequests, "depuis cet appareil")
	for range freeFailures - 1 {
		pupil.want(pupil.post("/sign-in", "identifier", "lea.benali", "password", bad), http.StatusUnauthorized)
	}
	pupil.signIn("lea.benali", good)
	s.clock.after(deviceEvery)
	attacker.want(try(attacker, 100), http.StatusUnauthorized)
	attacker.want(try(attacker, 101), http.StatusTooManyRequests)
}
