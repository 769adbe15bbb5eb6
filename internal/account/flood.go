package account

import (
	"hash/maphash"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// A school is one address: ten thousand pupils behind it are not a flood. What is tried is
// counted by account (see Bucket), then by browser, and by address only for what cannot be
// told apart otherwise: browsers that fail again and again, and clients that keep no cookie.
// A browser's own first mistakes are never held against its address.

// Bounds of a browser and of an address.
const (
	// A browser may fail so many times in a row, and then once in so long.
	deviceBurst = 10
	deviceEvery = 30 * time.Second
	// deviceOwn are the failures of a browser that its address is not blamed for.
	deviceOwn = freeFailures
	// An address may post so many times a minute without cookies; where schools are seen
	// behind it, as many as they have people.
	addressLeast = 100
	// Of failures it may have the tenth part of that: nobody's whole school mistypes in a
	// minute. Not fewer than the least either.
	addressFails = 10
	// A school is seen behind an address when so many of its accounts signed in there: a
	// family's never is.
	schoolSeen = 8
	// How long it is remembered, and how many at one address.
	schoolKept  = 7 * 24 * time.Hour
	schoolsMost = 4
	// How many browsers and addresses are counted at most. Beyond, those that say least go.
	devicesMost   = 100_000
	addressesMost = 20_000
)

// floods keeps the counts, in a bounded room. Every node has its own.
type floods struct {
	seed      maphash.Seed
	enrolment func(school string) int

	mu        sync.Mutex
	devices   map[uint64]time.Time // when the browser's failures will be forgotten
	addresses map[netip.Prefix]*spot
	swept     time.Time
}

// spot is an address: when its failures and its posts without cookies will be forgotten, and
// which schools were seen behind it.
type spot struct {
	fails, bare time.Time
	schools     [schoolsMost]schoolAt
}

type schoolAt struct {
	id       string
	accounts [schoolSeen]uint64
	n        int
	last     time.Time
}

func newFloods(enrolment func(string) int) *floods {
	return &floods{seed: maphash.MakeSeed(), enrolment: enrolment, devices: map[uint64]time.Time{}, addresses: map[netip.Prefix]*spot{}}
}

// client is where a sign-in comes from, as far as floods matter.
type client struct {
	address netip.Prefix
	browser []string // what the browser is told apart by; none: it keeps no cookie
}

// wait is until when this client tries nothing; zero: it may try now.
func (f *floods) wait(now time.Time, c client) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	most := time.Time{} // of the browser's
	for _, b := range c.browser {
		if t := f.devices[f.hash(b)]; t.After(most) {
			most = t
		}
	}
	// The times are those at which all would be forgotten: a debt, paid off as time goes.
	if until := most.Add(-(deviceBurst - 1) * deviceEvery); until.After(now) {
		return until
	}
	if len(c.browser) > 0 && most.Sub(now) <= (deviceOwn-1)*deviceEvery {
		return time.Time{}
	}
	a := f.addresses[c.address]
	if a == nil {
		return time.Time{}
	}
	posts, fails := f.ceilings(now, a)
	until := a.fails.Add(-time.Minute + time.Minute/time.Duration(fails))
	if len(c.browser) == 0 {
		if u := a.bare.Add(-time.Minute + time.Minute/time.Duration(posts)); u.After(until) {
			until = u
		}
	}
	if until.After(now) {
		return until
	}
	return time.Time{}
}

// ceilings are how many posts without cookies and how many failures an address may have a
// minute.
func (f *floods) ceilings(now time.Time, a *spot) (posts, fails int) {
	for _, s := range a.schools {
		if s.n >= schoolSeen && now.Sub(s.last) < schoolKept {
			posts += f.enrolment(s.id)
		}
	}
	return max(addressLeast, posts), max(addressLeast, posts/addressFails)
}

// tried counts a try of a client that keeps no cookie.
func (f *floods) tried(now time.Time, c client) {
	if len(c.browser) > 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.spot(now, c.address)
	posts, _ := f.ceilings(now, a)
	a.bare = later(a.bare, now).Add(time.Minute / time.Duration(posts))
}

// failed counts a wrong password.
func (f *floods) failed(now time.Time, c client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, b := range c.browser {
		if len(f.devices) >= devicesMost {
			f.sweep(now)
		}
		h := f.hash(b)
		f.devices[h] = later(f.devices[h], now).Add(deviceEvery)
	}
	a := f.spot(now, c.address)
	_, fails := f.ceilings(now, a)
	a.fails = later(a.fails, now).Add(time.Minute / time.Duration(fails))
}

// entered remembers that an account of a school signed in from an address.
func (f *floods) entered(now time.Time, c client, school, account string) {
	if school == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.spot(now, c.address)
	at := &a.schools[0]
	for i := range a.schools { // its own place, else the one that was not seen for longest
		s := &a.schools[i]
		if s.id == school {
			at = s
			break
		}
		if s.last.Before(at.last) {
			at = s
		}
	}
	if at.id != school || now.Sub(at.last) >= schoolKept {
		*at = schoolAt{id: school}
	}
	at.last = now
	h := f.hash(account)
	for _, seen := range at.accounts[:at.n] {
		if seen == h {
			return
		}
	}
	if at.n < schoolSeen {
		at.accounts[at.n] = h
		at.n++
	}
}

func (f *floods) spot(now time.Time, p netip.Prefix) *spot {
	a := f.addresses[p]
	if a == nil {
		if len(f.addresses) >= addressesMost {
			f.sweep(now)
		}
		a = &spot{}
		f.addresses[p] = a
	}
	return a
}

// sweep makes room: what is over goes, and where that is not enough, whatever comes first,
// but no address behind which a school is seen.
func (f *floods) sweep(now time.Time) {
	thorough := now.Sub(f.swept) >= time.Second || now.Before(f.swept)
	if thorough {
		f.swept = now
		for h, t := range f.devices {
			if !t.After(now) {
				delete(f.devices, h)
			}
		}
		for p, a := range f.addresses {
			if !a.fails.After(now) && !a.bare.After(now) && !f.school(now, a) {
				delete(f.addresses, p)
			}
		}
	}
	for h := range f.devices {
		if len(f.devices) < devicesMost {
			break
		}
		delete(f.devices, h)
	}
	for p, a := range f.addresses {
		if len(f.addresses) < addressesMost {
			break
		}
		if !f.school(now, a) {
			delete(f.addresses, p)
		}
	}
	for p := range f.addresses { // schools behind every one of them
		if len(f.addresses) < addressesMost {
			break
		}
		delete(f.addresses, p)
	}
}

func (f *floods) school(now time.Time, a *spot) bool {
	for _, s := range a.schools {
		if s.n >= schoolSeen && now.Sub(s.last) < schoolKept {
			return true
		}
	}
	return false
}

func (f *floods) hash(s string) uint64 { return maphash.String(f.seed, s) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// addressOf is the address of a request: of IPv6 the network that one customer has. Behind a
// web server on this machine it is the one that this server adds last.
func addressOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	if a.Unmap().IsLoopback() {
		via := r.Header.Values("X-Forwarded-For")
		if len(via) > 0 {
			all := strings.Split(via[len(via)-1], ",")
			if b, err := netip.ParseAddr(strings.TrimSpace(all[len(all)-1])); err == nil {
				a = b
			}
		}
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 56
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
