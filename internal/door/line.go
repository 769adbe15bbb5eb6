package door

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// line is one school in one lane: how many tickets were given in each bucket, and how many
// of its places were called. It holds nothing of anybody.
type line struct {
	first   int64    // number of the first bucket kept
	before  []uint64 // tickets given before each bucket kept
	given   uint64
	serving float64 // places called
	entered uint64
	called  []float64 // serving at each of the last ticks: who was called long ago and has not come is gone
	gone    float64
	credit  float64 // places of the line's own share that nobody has taken yet
}

func bucketOf(t time.Time) int64 { return t.UnixNano() / int64(Bucket) }

// give counts one ticket, given now.
func (l *line) give(now time.Time) {
	l.reach(bucketOf(now))
	l.given++
}

// reach makes the line know the buckets up to one.
func (l *line) reach(b int64) {
	if l.before == nil {
		l.first, l.before = b, []uint64{l.given}
	}
	for l.first+int64(len(l.before)) <= b {
		l.before = append(l.before, l.given)
	}
	if over := len(l.before) - int(maxKept/Bucket); over > 0 {
		l.before, l.first = l.before[over:], l.first+int64(over)
	}
}

// remember makes the line of a program that was just started know a ticket that an earlier
// one gave: whoever waits is counted by their looking.
func (l *line) remember(arrived time.Time) {
	if l.before != nil {
		return
	}
	l.reach(bucketOf(arrived))
	l.given++
}

// place is where a ticket stands: how many were given before its bucket, and of those of its
// bucket a part that was drawn by lot.
func (l *line) place(t ticketOf) float64 {
	i := bucketOf(t.arrived) - l.first
	switch {
	case l.before == nil || i < 0:
		return 0 // from before what is known: its turn is now
	case i >= int64(len(l.before)):
		return float64(l.given)
	}
	from, to := l.before[i], l.given
	if i+1 < int64(len(l.before)) {
		to = l.before[i+1]
	}
	return float64(from) + t.lot()*float64(to-from)
}

// drawn tells whether the lot of a ticket's bucket is drawn: no more tickets are given in it.
func (l *line) drawn(t ticketOf) bool {
	return bucketOf(t.arrived)-l.first+1 < int64(len(l.before))
}

// waiting is how many of the line are neither in nor gone.
func (l *line) waiting() float64 {
	return max(0, float64(l.given)-float64(l.entered)-l.gone)
}

// patience is how long somebody who was called may take to look: who has not by then is
// gone, and their place is given on.
const patience = 5 * shortest

// ahead is how many seconds' worth of people are called at once: fewer than look again in
// that time would leave places empty, more would make those who are called wait for one
// another.
const ahead = 2.0

// mostSkip bounds how fast the line moves on past places that nobody takes.
const mostSkip = 8.0

// call calls places: as many as are likely to come, beyond those who came or are gone. It is
// asked at each tick.
func (l *line) call(share float64) {
	l.called = append(l.called, l.serving)
	if n := len(l.called) - int(patience/tick); n > 0 {
		l.gone = max(l.gone, l.called[n-1]-float64(l.entered))
		l.called = l.called[n:]
	}
	l.serving = min(float64(l.given), max(l.serving, float64(l.entered)+l.gone+share*ahead+1))
}

// advance does what the time that passed brings: places, and the next calls. It is asked at
// each look, and does something a few times a second.
func (d *Door) advance(now time.Time) {
	since := now.Sub(d.ticked)
	if since < 0 { // the clock was put back: nothing is taken from anybody
		d.ticked = now
		return
	}
	if since < tick {
		return
	}
	d.ticked = now
	d.steer(now)
	shares := map[lineKey]float64{}
	if d.waiting.Load() > 0 {
		shares = d.shares()
	}
	for range min(int(since/tick), int(patience/tick)) {
		// Each line has its own share of the places; what none needs is anybody's.
		left := d.rate * tick.Seconds()
		for k, share := range shares {
			left -= d.lines[k].earn(share)
		}
		d.budget = min(d.budget+max(0, left), 2*d.rate)
		d.move(shares)
	}
	d.count()
}

// earn gives a line its share of a tick, and says how much of it the line has kept: whoever
// looks rarely finds a place, and places are not hoarded.
func (l *line) earn(share float64) float64 {
	before := l.credit
	l.credit = max(before, min(before+share*tick.Seconds(), 2*share+1))
	return l.credit - before
}

// take takes one place for somebody of the line, if there is one: of its own share, else of
// what nobody needs.
func (d *Door) take(l *line) bool {
	switch {
	case l.credit >= 1:
		l.credit--
	case d.budget >= 1:
		d.budget--
	default:
		return false
	}
	return true
}

// move moves the lines on by one tick.
func (d *Door) move(shares map[lineKey]float64) {
	// Nobody has taken a place for longer than anybody who was called takes to look: those
	// called are gone. The line moves on past them, the faster the longer nobody comes. Sooner
	// would call people who came much later than some who are about to look.
	if d.took {
		d.quiet, d.skip = 0, 1
	}
	d.took = false
	idle := 0.0
	if d.quiet++; d.quiet > int((longest+tick)*6/5/tick) {
		idle, d.skip = max(0, d.budget-d.rate/2), min(d.skip*1.3, mostSkip)
	}
	for k, share := range shares {
		l := d.lines[k]
		l.serving = min(float64(l.given), l.serving+idle*d.skip*share/d.rate)
		l.call(share)
	}
}

// shares divides the rate among the lines that have somebody waiting: among the lanes by
// their weight, in a lane among the schools alike. What a line does not need is lent.
func (d *Door) shares() map[lineKey]float64 {
	out := map[lineKey]float64{}
	left := d.rate
	need := map[lineKey]float64{}
	for k, l := range d.lines {
		if w := l.waiting(); w > 0 {
			need[k] = w / shortest.Seconds()
			out[k] = 0
		}
	}
	for range 4 { // what is lent is lent on
		sum, schools := 0.0, [lanes]int{}
		for k := range need {
			if schools[k.lane]++; schools[k.lane] == 1 {
				sum += weights[k.lane]
			}
		}
		if sum == 0 || left < 1e-9 {
			break
		}
		gave := 0.0
		for k, n := range need {
			part := min(n, left*weights[k.lane]/sum/float64(schools[k.lane]))
			out[k] += part
			gave += part
			if need[k] = n - part; need[k] < 1e-9 {
				delete(need, k)
			}
		}
		left -= gave
	}
	return out
}

// wait says when somebody's turn comes, and when to look again.
func (d *Door) wait(l *line, t ticketOf) Wait {
	before := max(0, l.place(t)-l.serving)
	if !l.drawn(t) { // whoever may still be before is counted
		before = max(0, float64(l.given)-l.serving)
	}
	share := d.shareOf(l)
	eta := time.Duration(0)
	if share > 0 {
		eta = time.Duration(before / share * float64(time.Second))
	}
	eta = min(eta, maxKept)
	w := Wait{From: eta * 4 / 5, Until: eta*5/4 + shortest, Rate: d.rate, Ahead: int(math.Ceil(before))}
	next := min(max(eta/4, shortest), longest)
	if before == 0 {
		next = time.Second // called: the next place there is
	}
	next = max(next, time.Duration(float64(d.waiting.Load())/pollsMax*float64(time.Second)))
	w.Next = time.Duration(float64(next) * (0.9 + rand.Float64()/5))
	return w
}

func (d *Door) shareOf(l *line) float64 {
	for k, share := range d.shares() {
		if d.lines[k] == l {
			return share
		}
	}
	return d.rate
}

// schoolHash stands for a school in tickets and lines; 0: not known.
func schoolHash(id string) uint32 {
	if id == "" {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	return max(1, h.Sum32())
}
