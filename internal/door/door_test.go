package door

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var theKey = bytes.Repeat([]byte{5}, 32)

// morning is a door whose clock the test moves, and the people before it.
type morning struct {
	door *Door
	now  time.Time
}

func newMorning(rate float64) *morning {
	m := &morning{now: time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)}
	m.door = New(Config{Key: theKey, Now: func() time.Time { return m.now }, Rate: rate})
	return m
}

// person comes, looks when told to, and enters.
type person struct {
	who     Who
	arrived time.Time
	ticket  string
	seat    string
	next    time.Time
	entered time.Time
	ahead   int       // as it was told
	drawn   bool      // when the lot of their bucket was drawn
	told    time.Time // when they would enter, as the first look said
}

func (m *morning) look(p *person) {
	v := m.door.Look(p.seat, p.ticket, p.who)
	if v.Ticket != "" {
		p.ticket = v.Ticket
	}
	if v.Enter {
		p.seat, p.entered = v.Seat, m.now
		return
	}
	p.ahead, p.next = v.Wait.Ahead, m.now.Add(v.Wait.Next)
	if p.told.IsZero() {
		p.told = m.now.Add((v.Wait.From + v.Wait.Until) / 2)
	}
}

// wellTold is the part of the people whose first announced time was right: within a quarter of
// their wait, or half a minute.
func wellTold(people []*person) float64 {
	right := 0
	for _, p := range people {
		off := p.entered.Sub(p.told).Abs()
		if p.told.IsZero() || off <= 30*time.Second || off <= p.entered.Sub(p.arrived)/4 {
			right++
		}
	}
	return float64(right) / float64(len(people))
}

// live lets everybody look on time until all are in, or the time is over.
func (m *morning) live(people []*person, until time.Duration) {
	end := m.now.Add(until)
	for m.now.Before(end) {
		inside := 0
		for _, p := range people {
			if !p.entered.IsZero() {
				inside++
				continue
			}
			if !m.now.Before(p.arrived) && !m.now.Before(p.next) {
				m.look(p)
			}
		}
		if inside == len(people) {
			return
		}
		m.now = m.now.Add(100 * time.Millisecond)
	}
}

// crowd comes at random within a time.
func (m *morning) crowd(n int, within time.Duration, who func(int) Who) []*person {
	r := rand.New(rand.NewPCG(1, 2))
	people := make([]*person, n)
	for i := range people {
		people[i] = &person{who: who(i), arrived: m.now.Add(time.Duration(r.Int64N(int64(within))))}
	}
	slices.SortFunc(people, func(a, b *person) int { return a.arrived.Compare(b.arrived) })
	return people
}

// TestSignedInMeanwhile: who waits as somebody whom nobody knows, and signs in as a teacher who
// has a class, enters at the next look; the line counts them no more.
func TestSignedInMeanwhile(t *testing.T) {
	m := newMorning(2)
	m.live(m.crowd(200, 10*time.Second, func(int) Who { return Who{} }), 10*time.Second)
	p := &person{arrived: m.now}
	m.look(p)
	if p.ticket == "" || !p.entered.IsZero() {
		t.Fatal("nobody waits")
	}
	before := m.door.Waiting()
	p.who = Who{Lane: InClass, School: "s"}
	if m.look(p); p.entered.IsZero() || p.seat == "" {
		t.Fatal("a teacher waits as whoever they were before")
	}
	if m.door.Waiting() != before-1 {
		t.Errorf("%d wait after one of %d entered", m.door.Waiting(), before)
	}
	if again := m.door.Look("", p.ticket, Who{}); again.Enter {
		t.Error("the same ticket is good twice")
	}
}

// TestEverybodyGetsIn: three times more people than the door admits come in a minute, and all
// get in, at the rate, in order: nobody who came ten seconds later is in before somebody of
// the same line by more than the time between two looks.
func TestEverybodyGetsIn(t *testing.T) {
	m := newMorning(20)
	people := m.crowd(3600, time.Minute, func(i int) Who {
		return Who{Lane: Pupil, School: fmt.Sprint("school-", i%3)}
	})
	began := m.now
	m.live(people, 10*time.Minute)
	var last time.Time
	for _, p := range people {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
		if p.entered.After(last) {
			last = p.entered
		}
	}
	if took := last.Sub(began); took < 170*time.Second || took > 220*time.Second {
		t.Errorf("3,600 people at 20 a second took %v", took)
	}
	if worst := inversion(people); worst > 10*time.Second {
		t.Errorf("somebody was overtaken by %v", worst)
	}
}

// inversion is the most by which somebody of a line who came later was in earlier, beyond
// nothing: arrival against arrival.
func inversion(people []*person) (worst time.Duration) {
	byLine := map[Who][]*person{}
	for _, p := range people {
		byLine[p.who] = append(byLine[p.who], p)
	}
	for _, line := range byLine {
		slices.SortFunc(line, func(a, b *person) int { return a.entered.Compare(b.entered) })
		latest := time.Time{} // arrival among those who are in
		for _, p := range line {
			if !latest.IsZero() {
				worst = max(worst, latest.Sub(p.arrived))
			}
			if p.arrived.After(latest) {
				latest = p.arrived
			}
		}
	}
	return worst
}

// TestATeacherEntersAtOnce, whatever the line is.
func TestATeacherEntersAtOnce(t *testing.T) {
	m := newMorning(20)
	people := m.crowd(2000, 20*time.Second, func(int) Who { return Who{Lane: Pupil, School: "s"} })
	m.live(people, 15*time.Second)
	if m.door.Waiting() == 0 {
		t.Fatal("no line formed")
	}
	var waits []time.Duration
	for range 40 {
		p := &person{who: Who{Lane: InClass, School: "s"}, arrived: m.now}
		from := m.now
		m.live(append(people, p), 0)
		for p.entered.IsZero() {
			m.live([]*person{p}, 100*time.Millisecond)
		}
		waits = append(waits, p.entered.Sub(from))
	}
	slices.Sort(waits)
	if p95 := waits[len(waits)*95/100]; p95 > 5*time.Second || waits[len(waits)-1] > 30*time.Second {
		t.Errorf("teachers wait %v at the 95th of a hundred, %v at most", p95, waits[len(waits)-1])
	}
}

// TestSchoolsAreAlike: a school of ten thousand behind one address neither starves a school
// of a hundred nor is starved.
func TestSchoolsAreAlike(t *testing.T) {
	m := newMorning(50)
	people := m.crowd(5000, 10*time.Second, func(i int) Who {
		if i%50 == 0 {
			return Who{Lane: Pupil, School: "small"}
		}
		return Who{Lane: Pupil, School: "large"}
	})
	m.live(people, 10*time.Minute)
	last := map[string]time.Time{}
	for _, p := range people {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
		if p.entered.After(last[p.who.School]) {
			last[p.who.School] = p.entered
		}
	}
	if small := last["small"].Sub(time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)); small > 40*time.Second {
		t.Errorf("a school of a hundred waits %v for a school of 4,900", small)
	}
}

// TestATicketEntersOnce, and what is forged, of another installation or a seat is none.
func TestATicketEntersOnce(t *testing.T) {
	m := newMorning(2)
	for range 10 {
		m.door.Look("", "", Who{Lane: Pupil})
	}
	p := &person{who: Who{Lane: Pupil}, arrived: m.now}
	m.live([]*person{p}, time.Minute)
	if p.seat == "" {
		t.Fatal("nobody got in")
	}
	if v := m.door.Look("", p.ticket, Who{Lane: Pupil}); v.Enter && v.Seat == p.seat {
		t.Error("a ticket was spent twice")
	}
	other := New(Config{Key: bytes.Repeat([]byte{6}, 32), Now: func() time.Time { return m.now }})
	foreign := other.keys.giveTicket(ticketOf{lane: InClass, id: 1, arrived: m.now.Add(-time.Hour)})
	for name, forged := range map[string]string{"foreign": foreign, "a seat": p.seat, "cut": p.ticket[:len(p.ticket)-1], "changed": p.ticket[:9] + flipped(p.ticket[9]) + p.ticket[10:], "long": p.ticket + "A"} {
		if _, ok := m.door.keys.ticket(forged, m.now); ok {
			t.Errorf("%s is taken for a ticket", name)
		}
		if _, ok := m.door.keys.seat(forged, m.now); ok && name != "a seat" {
			t.Errorf("%s is taken for a seat", name)
		}
	}
}

// TestAPlaceNeverMovesBack: whatever others do, and whatever small step the clock takes, who
// waits is told of fewer people before them each time, once the lot is drawn; and nobody is
// overtaken by more than a bucket and the time between two looks.
func TestAPlaceNeverMovesBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMorning(float64(rapid.IntRange(2, 60).Draw(rt, "rate")))
		schools := rapid.IntRange(1, 4).Draw(rt, "schools")
		people := m.crowd(rapid.IntRange(10, 600).Draw(rt, "people"), time.Duration(rapid.IntRange(5, 60).Draw(rt, "seconds"))*time.Second,
			func(i int) Who { return Who{Lane: Lane(i % int(InClass)), School: fmt.Sprint(i % schools)} })
		gone := rapid.IntRange(0, 3).Draw(rt, "gone")
		for i, p := range people {
			if gone > 0 && i%4 < gone {
				p.next = m.now.Add(30 * time.Second) // looks late, or not at all
			}
		}
		steps := 0
		for range 900 {
			for _, p := range people {
				if !p.entered.IsZero() || m.now.Before(p.arrived) || m.now.Before(p.next) {
					continue
				}
				before, was := p.ahead, p.drawn
				m.look(p)
				if !p.entered.IsZero() {
					continue
				}
				ticket, ok := m.door.keys.ticket(p.ticket, m.now)
				if !ok {
					rt.Fatal("a ticket is none any more")
				}
				p.drawn = m.door.lines[lineKey{ticket.lane, ticket.school}].drawn(ticket)
				if was && (!p.drawn || p.ahead > before) {
					rt.Fatalf("%d were before somebody, and now %d are; drawn %v", before, p.ahead, p.drawn)
				}
			}
			m.now = m.now.Add(250 * time.Millisecond)
			if steps++; steps%97 == 0 {
				m.now = m.now.Add(time.Duration(rapid.IntRange(-10, 10).Draw(rt, "step")) * time.Second)
			}
		}
	})
}

// TestNoMemoryOfPeople: a hundred thousand tickets take no more room than a thousand.
func TestNoMemoryOfPeople(t *testing.T) {
	m := newMorning(2)
	heap := func() uint64 {
		runtime.GC()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	give := func(n int) {
		for range n {
			m.door.Look("", "", Who{Lane: Pupil, School: "s"})
		}
	}
	give(1000)
	before := heap()
	give(100_000)
	if grown := int64(heap()) - int64(before); grown > 64<<10 {
		t.Errorf("a hundred thousand tickets took %d bytes", grown)
	}
	runtime.KeepAlive(m)
}

func flipped(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

// gateOf is a gate at which somebody waits.
func gateOf(t testing.TB, m *morning) *Gate {
	t.Helper()
	g, err := NewGate(GateConfig{Door: m.door, Zone: time.UTC, Free: func(r *http.Request) bool { return r.URL.Path == "/status" }})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestTheWaitingPage: small, whole, in the reader's language, and it enters by itself.
func TestTheWaitingPage(t *testing.T) {
	m := newMorning(2)
	g := gateOf(t, m)
	house := g.Around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the house") }))
	for range 300 {
		m.door.Look("", "", Who{})
	}
	get := func(path, lang string, jar map[string]string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Language", lang)
		for name, value := range jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		house.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			if jar != nil {
				jar[c.Name] = c.Value
			}
		}
		return w.Result()
	}
	for lang, want := range map[string]string{"fr": "Votre tour\u00a0: dans ", "en-GB,en;q=0.9": "Your turn: in ", "de": "Votre tour"} {
		res := get("/", lang, nil)
		b, _ := io.ReadAll(res.Body)
		text := string(b)
		if res.StatusCode != http.StatusOK || !strings.Contains(text, want) || !strings.Contains(text, `http-equiv="refresh" content="`) || res.Header.Get("Retry-After") == "" || res.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d %v\n%s", lang, res.StatusCode, res.Header, text)
		}
		if len(b) > 4000 {
			t.Errorf("%s: %d bytes", lang, len(b))
		}
		if !regexp.MustCompile(`http-equiv="refresh" content="[1-9][0-9]*"><title>(Votre tour|Your turn).*<h1>(Votre tour\x{a0}: dans|Your turn: in) .*>\d+ (personnes|people) `).MatchString(strings.ReplaceAll(text, "\n", " ")) {
			t.Errorf("the numbers stand in the wrong places:\n%s", text)
		}
		for _, outside := range []string{"<script", "http://", "https://", "url(", "@gap@", "style=", " : ", " ?", "\ufffd"} {
			if strings.Contains(text, outside) {
				t.Errorf("%s: it has %q", lang, outside)
			}
		}
	}
	if b, _ := io.ReadAll(get("/status", "fr", nil).Body); string(b) != "the house" {
		t.Errorf("what is free waits: %s", b)
	}
	jar := map[string]string{}
	get("/", "fr", jar)
	ticket := jar[ticketCookie]
	entered := false
	for range 2000 {
		m.now = m.now.Add(time.Second)
		b, _ := io.ReadAll(get("/", "fr", jar).Body)
		if jar[ticketCookie] != ticket && string(b) != "the house" {
			t.Fatal("reloading changed the ticket")
		}
		if entered = string(b) == "the house"; entered {
			break
		}
	}
	if !entered || jar[seatCookie] == "" {
		t.Fatal("nobody enters")
	}
	if b, _ := io.ReadAll(get("/", "fr", jar).Body); string(b) != "the house" {
		t.Error("whoever is inside waits again")
	}
}

// FuzzTickets: nothing that was not signed here is a ticket or a seat, and reading it does
// not fall over.
func FuzzTickets(f *testing.F) {
	k := newKeys(theKey)
	now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	f.Add(k.giveTicket(ticketOf{lane: Pupil, school: 7, id: 9, arrived: now}))
	f.Add(k.giveSeat(seatOf{id: 9, arrived: now, seen: now}))
	f.Add("")
	f.Fuzz(func(t *testing.T, value string) {
		if v, ok := k.ticket(value, now); ok && k.giveTicket(v) != value {
			t.Errorf("%q has two spellings", value)
		}
		if v, ok := k.seat(value, now); ok && k.giveSeat(v) != value {
			t.Errorf("%q has two spellings", value)
		}
	})
}

// BenchmarkWaiting is the waiting page of somebody who looks again, beside a bare handler
// that checks the same signature and answers as many bytes.
func BenchmarkWaiting(b *testing.B) {
	m := newMorning(2)
	g := gateOf(b, m)
	for range 100_000 {
		m.door.Look("", "", Who{Lane: Pupil, School: "s"})
	}
	v := m.door.Look("", "", Who{Lane: Pupil, School: "s"})
	house := g.Around(http.NotFoundHandler())
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.AddCookie(&http.Cookie{Name: ticketCookie, Value: v.Ticket})
	w := httptest.NewRecorder()
	house.ServeHTTP(w, request)
	page := w.Body.Bytes()
	for name, h := range map[string]http.Handler{"page": house, "bare": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie(ticketCookie)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := m.door.keys.ticket(c.Value, m.now); !ok {
			b.Fatal("forged")
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(page)
	})} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, request)
			}
		})
	}
}

// TestRestart: a program that is started again keeps everybody's place.
func TestRestart(t *testing.T) {
	m := newMorning(10)
	people := m.crowd(600, 20*time.Second, func(i int) Who { return Who{Lane: Pupil, School: fmt.Sprint(i % 2)} })
	m.live(people, 30*time.Second)
	b, err := m.door.Keep()
	if err != nil {
		t.Fatal(err)
	}
	waiting := m.door.Waiting()
	m.door = New(Config{Key: theKey, Now: func() time.Time { return m.now }, Rate: 10})
	if err := m.door.Restore(b); err != nil {
		t.Fatal(err)
	}
	if waiting == 0 || m.door.Waiting() != waiting {
		t.Fatalf("%d waited, and now %d do", waiting, m.door.Waiting())
	}
	m.live(people, 10*time.Minute)
	for _, p := range people {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
	}
	if worst := inversion(people); worst > 10*time.Second {
		t.Errorf("somebody was overtaken by %v over a restart", worst)
	}
}

// TestLimiter: what is vital goes first and is never refused; who went away takes no worker.
func TestLimiter(t *testing.T) {
	now := time.Unix(0, 0)
	l := NewLimiter(1, func() time.Time { return now })
	leave, err := l.Enter(t.Context(), Usual)
	if err != nil {
		t.Fatal(err)
	}
	order := make(chan string, 10)
	join := func(name string, c Class) {
		started := make(chan struct{})
		go func() {
			close(started)
			leave, err := l.Enter(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			order <- name
			leave()
		}()
		<-started
		for {
			l.mu.Lock()
			n := len(l.waiting[c])
			l.mu.Unlock()
			if n > 0 && name != "second" || n > 1 {
				break
			}
			runtime.Gosched()
		}
	}
	join("first", Usual)
	join("second", Usual)
	join("roll", Vital)
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Enter(away, Usual); err == nil {
		t.Fatal("somebody who went away was served")
	}
	leave()
	if got := []string{<-order, <-order, <-order}; !slices.Equal(got, []string{"roll", "first", "second"}) {
		t.Errorf("%v", got)
	}
	// In trouble the last come first.
	leave, _ = l.Enter(t.Context(), Usual)
	join("first", Usual)
	join("second", Usual)
	now = now.Add(time.Second)
	leave()
	if got := []string{<-order, <-order}; !slices.Equal(got, []string{"second", "first"}) {
		t.Errorf("%v", got)
	}
	if l.Queue() == 0 {
		t.Error("nobody waited, it says")
	}
}

// TestGhosts: thousands who gave up keep nobody waiting for long.
func TestGhosts(t *testing.T) {
	m := newMorning(30)
	crowd := m.crowd(6000, 20*time.Second, func(int) Who { return Who{Lane: Unknown, School: ""} })
	m.live(crowd, 21*time.Second) // and then all of them go away
	if m.door.Waiting() < 4000 {
		t.Fatalf("only %d wait", m.door.Waiting())
	}
	p := &person{arrived: m.now}
	from := m.now
	m.live([]*person{p}, 5*time.Minute)
	if took := p.entered.Sub(from); p.entered.IsZero() || took > 30*time.Second {
		t.Errorf("after everybody went away somebody waited %v", took)
	}
}

// TestNobodyIsForgotten: people who come while the line runs dry, look late or fall asleep
// are counted for what they are, and all get in.
func TestNobodyIsForgotten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := newMorning(float64(rapid.IntRange(2, 40).Draw(rt, "rate")))
		people := m.crowd(rapid.IntRange(20, 400).Draw(rt, "people"), time.Duration(rapid.IntRange(2, 40).Draw(rt, "seconds"))*time.Second, func(int) Who { return Who{Lane: Pupil, School: "s"} })
		asleep := rapid.IntRange(2, 20).Draw(rt, "asleep")
		for range 20 * 60 * 4 {
			inside := 0
			for i, p := range people {
				if !p.entered.IsZero() {
					inside++
				} else if !m.now.Before(p.arrived) && !m.now.Before(p.next) {
					if m.look(p); i%asleep == 0 {
						p.next = m.now.Add(17 * time.Second) // a tablet that falls asleep
					}
				}
			}
			if inside == len(people) {
				return
			}
			m.now = m.now.Add(250 * time.Millisecond)
		}
		rt.Fatal("somebody is still outside")
	})
}

// TestNobodyWaitsBehindNobody: whoever looks is there, whatever was counted.
func TestNobodyWaitsBehindNobody(t *testing.T) {
	m := newMorning(5)
	var p person
	for m.door.Waiting() < 20 {
		v := m.door.Look("", "", Who{Lane: Pupil, School: "s"})
		p.ticket = v.Ticket
	}
	for i := range m.door.lines[lineKey{Pupil, hashOf("s")}].buckets {
		m.door.lines[lineKey{Pupil, hashOf("s")}].buckets[i].alive = looks{} // everybody is thought to be gone
	}
	m.live([]*person{&p}, time.Minute)
	if p.entered.IsZero() {
		t.Fatal("somebody who looks is taken for gone, and never enters")
	}
}

// TestSteer: the rate goes up while nothing waits, stays while some passwords do, whose workers
// then always have work, and goes down when requests wait or too many passwords do.
func TestSteer(t *testing.T) {
	for name, c := range map[string]struct {
		load Load
		want int // more, the same, less
	}{
		"nothing waits":            {Load{}, 1},
		"a password or two":        {Load{Passwords: 100 * time.Millisecond}, 1},
		"enough passwords":         {Load{Passwords: 600 * time.Millisecond}, 0},
		"too many passwords":       {Load{Passwords: 1200 * time.Millisecond}, -1},
		"requests wait":            {Load{Queue: 30 * time.Millisecond}, -1},
		"full, and nothing waits":  {Load{CPU: 0.99}, 0},
		"between ease and trouble": {Load{Queue: 15 * time.Millisecond}, 0},
	} {
		m := newMorning(20)
		m.door.load = func() Load { return c.load }
		m.live(m.crowd(2000, 10*time.Second, func(int) Who { return Who{Lane: Pupil} }), 20*time.Second)
		if got := cmp.Compare(m.door.Rate(), 20); got != c.want {
			t.Errorf("%s: the rate is %.1f after 20", name, m.door.Rate())
		}
	}
}

// TestAClockPutBack: a clock that was an hour ahead and is put right counts nobody twice, and
// the line goes on, with the rate that is measured.
func TestAClockPutBack(t *testing.T) {
	m := newMorning(20)
	steered := 0
	m.door.load = func() Load { steered++; return Load{} }
	people := m.crowd(2000, 20*time.Second, func(int) Who { return Who{Lane: Pupil, School: "s"} })
	m.live(people, 30*time.Second)
	was := m.door.Waiting()
	m.now = m.now.Add(-time.Hour)
	for _, p := range people {
		p.arrived, p.next = m.now, p.next.Add(-time.Hour)
	}
	steered = 0
	m.live(people, 10*time.Second)
	if n := m.door.Waiting(); was == 0 || n > was*5/4 {
		t.Errorf("%d waited before the clock was put back, and %d after it", was, n)
	}
	if steered < 5 {
		t.Errorf("the rate was looked at %d times in ten seconds", steered)
	}
	m.live(people, 10*time.Minute)
	for _, p := range people {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
	}
}

// TestSchoolsBySize: of two schools that wait in a lane each gets places by its size.
func TestSchoolsBySize(t *testing.T) {
	m := newMorning(50)
	m.door.Enrol(map[string]int{"small": 400, "large": 1600})
	people := m.crowd(4000, 10*time.Second, func(i int) Who {
		return Who{Lane: Pupil, School: []string{"small", "large"}[i%2]}
	})
	m.live(people, 40*time.Second)
	entered := map[string]int{}
	for _, p := range people {
		if !p.entered.IsZero() {
			entered[p.who.School]++
		}
	}
	if ratio := float64(entered["large"]) / float64(entered["small"]); ratio < 3 || ratio > 5 {
		t.Errorf("a school four times larger has let in %.1f times as many: %v", ratio, entered)
	}
}

// TestHalfAreGhosts: where half of those who took a ticket went away, the others enter as if
// these had never come.
func TestHalfAreGhosts(t *testing.T) {
	m := newMorning(30)
	people := m.crowd(6000, time.Minute, func(int) Who { return Who{Lane: Pupil, School: "s"} })
	began := m.now
	m.live(people, time.Minute)
	var there []*person
	for i, p := range people {
		if i%2 == 0 && p.entered.IsZero() {
			there = append(there, p)
		}
	}
	m.live(there, 10*time.Minute)
	var last time.Time
	for _, p := range there {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
		if p.entered.After(last) {
			last = p.entered
		}
	}
	if took, fair := last.Sub(began)-time.Minute, time.Duration(len(there))*time.Second/30; took > fair*5/4+10*time.Second {
		t.Errorf("%d people at 30 a second took %v, beside as many who are not there", len(there), took)
	}
	if worst := inversion(there); worst > 10*time.Second {
		t.Errorf("somebody was overtaken by %v", worst)
	}
}

// TestAClassEntersTogether: when their teacher is inside, whoever of a class waits is in
// within a few seconds of the first of them; classes enter in the order of their teachers, and
// the rate is kept in the mean.
func TestAClassEntersTogether(t *testing.T) {
	m := newMorning(20)
	people := m.crowd(3000, 30*time.Second, func(i int) Who { return Who{Lane: Pupil, School: "s", Class: fmt.Sprint("class-", i%100)} })
	m.live(people, 40*time.Second)
	inside := 0
	for _, p := range people {
		if !p.entered.IsZero() {
			inside++
		}
	}
	from := m.now
	for i := range 10 {
		m.door.Begin([]string{fmt.Sprint("class-", i)})
	}
	m.live(people, 10*time.Minute)
	first, last := map[string]time.Time{}, map[string]time.Time{}
	for _, p := range people {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
		if p.entered.Before(from) {
			continue
		}
		if c := p.who.Class; first[c].IsZero() || p.entered.Before(first[c]) {
			first[c] = p.entered
		}
		if c := p.who.Class; p.entered.After(last[c]) {
			last[c] = p.entered
		}
	}
	for i := range 10 {
		c := fmt.Sprint("class-", i)
		if took := last[c].Sub(first[c]); took > 10*time.Second {
			t.Errorf("%s took %v, from %v to %v", c, took, first[c].Sub(from), last[c].Sub(from))
		}
		if wait := last[c].Sub(from); wait > 60*time.Second {
			t.Errorf("%s was inside after %v", c, wait)
		}
	}
	var end time.Time
	for _, p := range people {
		if p.entered.After(end) {
			end = p.entered
		}
	}
	if took := end.Sub(from); took < time.Duration(float64(len(people)-inside)/20*0.9)*time.Second {
		t.Errorf("%d people entered in %v: more than 20 a second", len(people)-inside, took)
	}
}

// TestWithoutItsFile: a program that was started again and knows nothing still lets people in
// by their tickets, in order.
func TestWithoutItsFile(t *testing.T) {
	m := newMorning(10)
	people := m.crowd(600, 20*time.Second, func(int) Who { return Who{Lane: Pupil, School: "s"} })
	m.live(people, 30*time.Second)
	m.door = New(Config{Key: theKey, Now: func() time.Time { return m.now }, Rate: 10})
	m.door.budget = 0
	m.live(people, 10*time.Minute)
	for _, p := range people {
		if p.entered.IsZero() {
			t.Fatal("somebody is still outside")
		}
	}
	if worst := inversion(people); worst > 10*time.Second {
		t.Errorf("somebody was overtaken by %v over a restart", worst)
	}
}
