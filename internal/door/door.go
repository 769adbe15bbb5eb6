// Package door keeps the place in line of whoever comes while the house is full.
//
// Its promise: nobody meets an error. Who is inside stays inside. A newcomer passes while
// there is room; else they get a signed ticket and a small page that says when their turn
// comes and enters by itself. A place never moves back, within a line nobody overtakes who
// came ten seconds later (while at most ten thousand wait), and what matters goes first. What is kept does not grow with
// people waiting: the ticket is theirs, the door keeps counts.
//
// Words: a lane is who goes before whom (see Lane). A line is one school in one lane. A
// bucket is a few seconds in which tickets were given; inside a bucket the order is drawn by
// lot. Serving is how many places of a line have been called. A seat is what whoever
// entered holds: with it they pass, until they have been away for half an hour.
package door

import (
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Lane says who goes first. Each has a share of the places that is lent when it is not used.
type Lane uint8

// Lanes.
const (
	Unknown Lane = iota // a device that we have not seen
	Family              // guardians
	Pupil
	Staff
	InClass // whoever has a sitting about now: enters at the first request
	lanes
)

// weights are the lanes' shares of the places.
var weights = [lanes]float64{Unknown: 10, Family: 15, Pupil: 25, Staff: 20, InClass: 40}

// Who is somebody at the door, as far as it is known without asking a database.
type Who struct {
	Lane   Lane
	School string // id; empty: not known
}

// Bounds of the door.
const (
	// Bucket is the time in which the order is by lot. With the time between two looks near
	// the head it is less than ten seconds: nobody is overtaken by more.
	Bucket   = 4 * time.Second
	seatLife = 30 * time.Minute // without a request
	renewals = 5 * time.Minute  // a seat is given anew when it is older
	maxKept  = 6 * time.Hour    // a ticket's life
	tick     = 250 * time.Millisecond
	shortest = 2 * time.Second // between two looks of who is near the head
	longest  = 5 * time.Second
	pollsMax = 2000 // a second, of all who wait
)

// Config of a Door. Now is the machine's clock: tickets are of the real time, whatever a
// demonstration's clock shows.
type Config struct {
	Key   []byte // signs tickets and seats
	Now   func() time.Time
	Who   func(r *http.Request) Who // nil: nobody is known
	Rate  float64                   // people a second at first; 0: startRate for each core
	Cores int
	Load  func() Load // what the house says of its load; nil: never full
}

// Request is what Who looks at.
type Request interface {
	Cookie(name string) (string, bool)
}

// Load is how full the house is.
type Load struct {
	Queue time.Duration // time that most requests waited for a worker, lately
	CPU   float64       // part of the processors in use
}

// startRate is what one core admits a second before anything was measured: a third of what
// the passwords of as many people cost.
const startRate = 40

// Door is the line of one installation.
type Door struct {
	keys keys
	now  func() time.Time
	who  func(*http.Request) Who
	load func() Load

	mu      sync.Mutex
	lines   map[lineKey]*line
	budget  float64 // places that may be taken now
	skip    float64 // how fast the line moves on past places that nobody takes
	took    bool    // somebody entered since the last tick
	quiet   int     // ticks since somebody did
	rate    float64 // people a second
	ticked  time.Time
	steered time.Time
	spent   spent
	waiting atomic.Int64
	figures figures
	watched watched
}

type lineKey struct {
	lane   Lane
	school uint32
}

// figures are counted for whoever operates the door.
type figures struct {
	admitted, tickets, polls [lanes]atomic.Int64
	refused                  atomic.Int64 // forged, foreign or spent
}

// New makes a Door.
func New(c Config) *Door {
	if c.Now == nil {
		c.Now = time.Now
	}
	rate := c.Rate
	if rate == 0 {
		rate = startRate * float64(max(1, c.Cores))
	}
	now := c.Now()
	return &Door{keys: newKeys(c.Key), now: c.Now, who: c.Who, load: c.Load, lines: map[lineKey]*line{}, rate: rate, budget: 2 * rate, skip: 1, ticked: now, steered: now, spent: newSpent()}
}

// Verdict is what the door says to one request.
type Verdict struct {
	Enter   bool
	Seat    string // to be kept by whoever entered; empty: theirs is good
	Ticket  string // to be kept by whoever waits
	Arrived time.Time
	Wait    Wait
}

// Wait is what somebody who waits is told.
type Wait struct {
	From, Until time.Duration // to their turn
	Next        time.Duration // to their next look
	Rate        float64       // people entering a second
	Ahead       int
}

// Look is one request of somebody: enters, or is told when. seat and ticket are their
// cookies, "" where they have none.
func (d *Door) Look(seat, ticket string, who Who) Verdict {
	now := d.now()
	if s, ok := d.keys.seat(seat, now); ok {
		v := Verdict{Enter: true, Arrived: s.arrived}
		if now.Sub(s.seen) > renewals {
			v.Seat = d.keys.giveSeat(seatOf{id: s.id, arrived: s.arrived, seen: now})
		}
		return v
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance(now)
	t, ok := d.keys.ticket(ticket, now)
	if ticket != "" && (!ok || d.spent.has(t.id)) {
		d.figures.refused.Add(1)
		ok = false
	}
	if !ok {
		return d.newcomer(who, now)
	}
	return d.poll(t, now)
}

// newcomer enters where there is room and nobody waits before them, else gets a ticket. A
// teacher with a sitting now takes the next place there is.
func (d *Door) newcomer(who Who, now time.Time) Verdict {
	l := d.line(who)
	if d.budget >= 1 && (d.waiting.Load() == 0 || who.Lane == InClass) {
		d.budget--
		return d.enter(ticketOf{lane: who.Lane, id: newID(), arrived: now}, now)
	}
	t := ticketOf{lane: who.Lane, school: schoolHash(who.School), id: newID(), arrived: now}
	l.give(now)
	d.count()
	d.figures.tickets[t.lane].Add(1)
	v := Verdict{Ticket: d.keys.giveTicket(t), Arrived: t.arrived, Wait: d.wait(l, t)}
	d.watched.gave(t, v.Wait, now)
	return v
}

// poll is a look of somebody who has a ticket.
func (d *Door) poll(t ticketOf, now time.Time) Verdict {
	d.figures.polls[t.lane].Add(1)
	l := d.lines[lineKey{t.lane, t.school}]
	if l == nil { // this program is younger than the ticket: the line is made again of who comes
		l = d.lineOf(lineKey{t.lane, t.school})
	}
	l.remember(t.arrived)
	l.reach(bucketOf(now)) // a bucket that is over is closed, whatever the clock does
	// Whoever looks is not gone, whatever was thought of them: nobody waits behind nobody.
	if alone := l.waiting() < 1; (alone || l.place(t) <= l.serving) && d.take(l) {
		d.took = true
		l.entered++
		l.gone = min(l.gone, max(0, float64(l.given)-float64(l.entered)))
		d.spent.add(t.id)
		v := d.enter(t, now)
		d.count()
		return v
	}
	w := d.wait(l, t)
	d.watched.looked(t, w, now)
	return Verdict{Ticket: "", Arrived: t.arrived, Wait: w}
}

func (d *Door) enter(t ticketOf, now time.Time) Verdict {
	d.figures.admitted[t.lane].Add(1)
	d.watched.entered(t, now)
	return Verdict{Enter: true, Arrived: t.arrived, Seat: d.keys.giveSeat(seatOf{id: t.id, arrived: t.arrived, seen: now})}
}

func (d *Door) line(w Who) *line { return d.lineOf(lineKey{w.Lane, schoolHash(w.School)}) }

func (d *Door) lineOf(k lineKey) *line {
	l := d.lines[k]
	if l == nil {
		l = &line{}
		d.lines[k] = l
	}
	return l
}

// count says how many wait, over all lines.
func (d *Door) count() {
	n := 0.0
	for _, l := range d.lines {
		n += l.waiting()
	}
	d.waiting.Store(int64(n))
}

// Waiting is how many people are in line.
func (d *Door) Waiting() int { return int(d.waiting.Load()) }

// Rate is how many people enter a second at most.
func (d *Door) Rate() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rate
}

func newID() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
