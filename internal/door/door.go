// Package door keeps the place in line of whoever comes while the house is full.
//
// Its promise: nobody meets an error. Who is inside stays inside. A newcomer passes while
// there is room; else they get a signed ticket and a small page that says when their turn
// comes and enters by itself. A place never moves back, within a line nobody overtakes who
// came ten seconds later (while at most four thousand wait), and what matters goes first.
// What is kept does not grow with people waiting: the ticket is theirs, the door keeps counts.
//
// Words: a lane is who goes before whom (see Lane). A line is one school in one lane. A
// bucket is a few seconds in which tickets were given; inside a bucket the order is drawn by
// lot. A line is called bucket by bucket: who was called enters at their next look. A seat is
// what whoever entered holds: with it they pass, until they have been away for half an hour.
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

const allWeights = 10 + 15 + 25 + 20 + 40

// Who is somebody at the door, as far as it is known without asking a database.
type Who struct {
	Lane   Lane
	School string // id; empty: not known
	Class  string // whose lessons a pupil has; empty: not known
}

// Bounds of the door.
const (
	// Bucket is the time in which the order is by lot. With the time between two looks near
	// the head it is less than ten seconds: nobody is overtaken by more.
	Bucket   = 2 * time.Second
	seatLife = 30 * time.Minute // without a request
	renewals = 5 * time.Minute  // a seat is given anew when it is older
	maxKept  = 6 * time.Hour    // a ticket's life
	tick     = 250 * time.Millisecond
	shortest = 2 * time.Second // between two looks of who is near the head
	longest  = 4 * time.Second
	pollsMax = 1000 // a second, of all who wait

	clockStep = 30 * time.Second // a clock put back by less moves nobody's place
	usualSize = 600              // people of a school whose size is not known
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

// Load is how full the house is.
type Load struct {
	Queue     time.Duration // time that most requests waited for a worker, lately
	Passwords time.Duration // that the workers need for the passwords that wait
	CPU       float64       // part of the processors in use
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
	classes map[uint32]*class // with pupils who wait, or a teacher inside
	asked   []uint32          // classes whose turn comes, in the order of their teachers
	sizes   map[uint32]float64
	names   map[uint32][]string // of the schools whose size is known
	budget  float64             // places that may be taken now
	debt    float64             // places that were given ahead, to teachers and classes
	rate    float64             // people a second
	usual   float64             // those who really enter: see pace
	entries float64             // since then
	paced   time.Time
	ticked  time.Time
	latest  time.Time // the latest time seen
	turned  time.Time // since when the window of looks is
	width   time.Duration
	over    float64 // the part of it that is over
	steered time.Time
	spent   spent

	spentLately, begunLately recent // for the other nodes

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
	return &Door{keys: newKeys(c.Key), now: c.Now, who: c.Who, load: c.Load, lines: map[lineKey]*line{}, classes: map[uint32]*class{},
		rate: rate, usual: rate, paced: now, budget: 2 * rate, ticked: now, latest: now, turned: now, width: 2 * longest, steered: now, spent: newSpent()}
}

// Verdict is what the door says to one request.
type Verdict struct {
	Enter   bool
	Seat    string // to be kept by whoever entered; empty: theirs is good
	Ticket  string // to be kept by whoever waits
	Arrived time.Time
	Entry   Entry // of whoever enters after they waited, once; else zero
	Wait    Wait
}

// Entry is what whoever entered can show of their wait: the number of their place, when they
// came and when they entered, by the machine's clock.
type Entry struct {
	Place            uint64
	Arrived, Entered time.Time
}

// Waited tells whether there was a wait at all: most people enter as they come.
func (e Entry) Waited() bool { return e.Entered.After(e.Arrived) }

// Wait is what somebody who waits is told.
type Wait struct {
	From, Until time.Duration // to their turn
	Next        time.Duration // to their next look
	Rate        float64       // people entering a second
	Since       time.Duration // from their arrival
	Ahead       int           // tickets before theirs
	reader      reader
}

// Look is one request of somebody: enters, or is told when. seat and ticket are their
// cookies, "" where they have none.
func (d *Door) Look(seat, ticket string, who Who) Verdict {
	now := d.now()
	if s, ok := d.keys.seat(seat, now); ok {
		v := Verdict{Enter: true, Arrived: s.arrived}
		if now.Sub(s.seen) > renewals {
			v.Seat = d.keys.giveSeat(seatOf{id: s.id, arrived: s.arrived, entered: s.entered, seen: now})
		}
		return v
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance(now)
	now = d.latest
	t, ok := d.keys.ticket(ticket, now)
	if ticket != "" && (!ok || d.spent.has(t.id)) {
		d.figures.refused.Add(1)
		ok = false
	}
	if !ok {
		return d.newcomer(who, now)
	}
	return d.poll(t, who.Lane, now)
}

// newcomer enters where there is room and nobody waits before them, else gets a ticket. A
// teacher with a sitting now enters, and so does a pupil whose class is inside.
func (d *Door) newcomer(who Who, now time.Time) Verdict {
	t := ticketOf{lane: who.Lane, school: hashOf(who.School), class: hashOf(who.Class), id: newID(), arrived: now}
	switch {
	case d.budget >= 1 && d.waiting.Load() == 0:
		d.budget--
		return d.enter(t, now)
	case who.Lane == InClass && d.debt < d.mostDebt():
		d.debt++
		return d.enter(t, now)
	case d.withClass(t.class, now):
		return d.enter(t, now)
	}
	l := d.lineOf(lineKey{t.lane, t.school})
	l.give(t)
	if t.class != 0 {
		c := d.class(t.class)
		c.given++
		c.alive.join(1, d.over)
	}
	d.waiting.Add(1)
	d.figures.tickets[t.lane].Add(1)
	w := d.wait(l, t)
	l.looked(t, float64(w.Next)/float64(2*d.width), now) // half of what a look weighs: they are at its begin
	d.watched.gave(t, w, now)
	return Verdict{Ticket: d.keys.giveTicket(t), Arrived: t.arrived, Wait: w}
}

// poll is a look of somebody who has a ticket, and is of a lane now.
func (d *Door) poll(t ticketOf, lane Lane, now time.Time) Verdict {
	d.figures.polls[t.lane].Add(1)
	key := lineKey{t.lane, t.school}
	l := d.lines[key]
	if l == nil { // this program is younger than the ticket: the line is made again of who comes
		l = d.lineOf(key)
		l.first, l.young = bucketOf(t.arrived), now.Add(longest*6/5)
		l.reach(bucketOf(now))
	}
	switch {
	case lane == InClass && t.lane != InClass && d.debt < d.mostDebt():
		d.debt++ // nobody knew who they are when they came, and they have signed in since
		l.leaves(t, d.looking())
		t.lane = InClass
	case d.withClass(t.class, now):
		l.leaves(t, d.looking())
		t.lane = InClass // nobody of their line was overtaken by them
	case l.isCalled(t) && d.take(l, t):
		l.leaves(t, d.looking())
		d.enters(t.class, now)
	default:
		w := d.wait(l, t)
		weight := float64(w.Next) / float64(d.width)
		l.looked(t, weight, now)
		if c := d.classes[t.class]; c != nil && t.class != 0 {
			if c.alive.now += weight; c.alive.people(d.over) > c.given {
				c.alive.times(c.given / c.alive.people(d.over))
			}
		}
		d.watched.looked(t, w, now)
		return Verdict{Arrived: t.arrived, Wait: w}
	}
	l.entered++
	d.spent.add(t.id)
	d.spentLately.add(t.id, now)
	d.waiting.Store(max(0, d.waiting.Load()-1))
	return d.enter(t, now)
}

// looking is what somebody counts for at the moment at which they look again: one, in the
// mean, and half a look less just before the next.
func (d *Door) looking() float64 { return 1 - float64(shortest)/float64(2*d.width) }

func (d *Door) enter(t ticketOf, now time.Time) Verdict {
	d.figures.admitted[t.lane].Add(1)
	d.entries++
	d.watched.entered(t, now)
	s := seatOf{id: t.id, arrived: t.arrived, entered: now, seen: now}
	if s.arrived.After(now) {
		s.arrived = now // a clock was put back a little meanwhile: what is proven is no wait
	}
	return Verdict{Enter: true, Arrived: t.arrived, Entry: Entry{s.id, s.arrived, s.entered}, Seat: d.keys.giveSeat(s)}
}

func (d *Door) lineOf(k lineKey) *line {
	l := d.lines[k]
	if l == nil {
		l = &line{over: d.over}
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
