package door

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// mostTicks is what is made up for at once after a pause.
const mostTicks = int(10 * time.Second / tick)

// advance does what the time that passed brings: places, and the next calls. It is asked at
// each look, and does something a few times a second.
func (d *Door) advance(now time.Time) {
	if back := d.latest.Sub(now); back > 0 && back < clockStep {
		now = d.latest // the clock was put back a little: nobody's place moves
	}
	if now.Before(d.latest) {
		d.startAgain(now)
	}
	d.latest = now
	since := now.Sub(d.ticked)
	if since < tick {
		return
	}
	d.ticked = now
	d.steer(now)
	d.pace(now)
	d.window(now)
	d.divide()
	for range min(int(since/tick), mostTicks) {
		// What was given ahead, to teachers and whole classes, is paid back first, by no more
		// than their share while others wait.
		places := d.rate * tick.Seconds()
		most := places
		if d.waiting.Load() > 0 {
			most *= weights[InClass] / allWeights
		}
		paid := min(d.debt, most)
		d.debt -= paid
		left := places - paid
		// Each line has its own share of the places; what none needs is anybody's.
		part := left / places
		for _, l := range d.lines {
			if l.share > 0 {
				left -= l.earn(part * tick.Seconds())
			}
		}
		d.budget = min(d.budget+max(0, left), 2*d.rate)
		for _, l := range d.lines {
			l.call(now)
		}
		d.openBlocks(now)
	}
	d.count()
}

// startAgain is for a clock that was put back by more than a little: tickets of the time that
// never was are good for nothing, and the lines are made again of who comes.
func (d *Door) startAgain(now time.Time) {
	d.lines, d.classes, d.asked, d.debt = map[lineKey]*line{}, map[uint32]*class{}, nil, 0
	d.ticked, d.turned, d.steered, d.paced, d.over = now, now, now, now, 0
	d.count()
}

// window moves the window of looks on: it is twice as long as the longest time between two.
func (d *Door) window(now time.Time) {
	if now.Sub(d.turned) >= d.width {
		if now.Sub(d.turned) >= 2*d.width {
			d.turned = now // nobody looked for longer than a window
		} else {
			d.turned = d.turned.Add(d.width)
		}
		d.width = 2 * d.longest()
		for _, l := range d.lines {
			l.turn()
		}
		for _, c := range d.classes {
			c.alive.before, c.alive.now = c.alive.now, 0
		}
	}
	d.over = float64(now.Sub(d.turned)) / float64(d.width)
	for _, l := range d.lines {
		l.over = d.over
	}
}

// take takes one place for somebody of the line who was called, if there is one: of its own
// share, else of what nobody needs. Whoever stands in a bucket that was called whole takes one
// ahead: they are not outrun again and again by those called after them.
func (d *Door) take(l *line, t ticketOf) bool {
	least := 1.0
	if bucketOf(t.arrived) < l.first {
		least = -headway * l.share
	}
	switch {
	case l.share > 0 && l.credit >= least:
		l.credit--
	case d.budget >= 1:
		d.budget--
	default:
		return false
	}
	return true
}

// divide divides the rate among the lines that have somebody waiting: among the lanes by
// their weight, in a lane among the schools by their size. What a line does not need is lent.
func (d *Door) divide() {
	type needy struct {
		line *line
		lane Lane
		size float64
		need float64
	}
	var all []needy
	for k, l := range d.lines {
		if l.share = 0; l.waiting() > 0.05 {
			all = append(all, needy{l, k.lane, d.size(k.school), l.waiting() / shortest.Seconds()})
		}
	}
	left := d.rate
	for range 4 { // what is lent is lent on
		sum, sizes := 0.0, [lanes]float64{}
		for _, n := range all {
			if n.need > 1e-9 {
				if sizes[n.lane] == 0 {
					sum += weights[n.lane]
				}
				sizes[n.lane] += n.size
			}
		}
		if sum == 0 || left < 1e-9 {
			return
		}
		gave := 0.0
		for i := range all {
			n := &all[i]
			if n.need > 1e-9 {
				part := min(n.need, left*weights[n.lane]/sum*n.size/sizes[n.lane])
				n.line.share += part
				n.need -= part
				gave += part
			}
		}
		left -= gave
	}
}

// Enrol tells the door how many people each school has: by it the places of a lane are
// divided among the schools that wait.
func (d *Door) Enrol(sizes map[string]int) {
	of, names := make(map[uint32]float64, len(sizes)), make(map[uint32][]string, len(sizes))
	for school, n := range sizes {
		h := hashOf(school)
		of[h], names[h] = float64(max(1, n)), append(names[h], school)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sizes, d.names = of, names
}

// size is a school's, in people; whoever's school is not known counts as one of usual size.
func (d *Door) size(school uint32) float64 {
	if n, ok := d.sizes[school]; ok {
		return n
	}
	return usualSize
}

// wait says when somebody's turn comes, and when to look again.
func (d *Door) wait(l *line, t ticketOf) Wait {
	tickets, people := l.before(t)
	if l.isCalled(t) {
		tickets, people = 0, 0
	}
	if l.share == 0 {
		d.divide() // the first of a line
	}
	turn := 0.0 // in seconds, if all places were taken at once
	if l.share > 0 {
		turn = people / (l.share + l.others.share)
	}
	eta := d.announced(turn)
	w := Wait{From: eta * 4 / 5, Until: eta*5/4 + shortest, Rate: d.rate, Since: max(0, d.latest.Sub(t.arrived)), Ahead: int(math.Ceil(tickets)), reader: readerOf(t)}
	next := d.every(min(eta, time.Duration(turn*float64(time.Second)))) // early rather than late
	if l.isCalled(t) {
		next = time.Second // the next place there is
	}
	// In whole seconds, as pages say it, rounded by lot: what is counted is what was told.
	w.Next = time.Duration(max(1, math.Floor(next.Seconds()*(0.9+rand.Float64()/5)+rand.Float64()))) * time.Second
	return w
}

// announced is when a turn comes that would come after so many seconds if every place were
// taken at once.
func (d *Door) announced(seconds float64) time.Duration {
	return time.Duration(min(seconds*d.rate/d.usual, maxKept.Seconds()) * float64(time.Second))
}

// readerOf is who holds a ticket, as far as it says.
func readerOf(t ticketOf) reader {
	switch {
	case t.lane == Pupil && t.school != 0:
		return pupil
	case t.lane == Staff || t.lane == InClass:
		return staff
	}
	return anybody
}

// every is how often somebody looks whose turn comes in a time.
func (d *Door) every(eta time.Duration) time.Duration {
	return min(max(eta/5, shortest), d.longest())
}

// longest is the longest time between two looks: so many wait at most that all their looks
// are a small part of a core's work.
func (d *Door) longest() time.Duration {
	return max(longest, time.Duration(float64(d.waiting.Load())/pollsMax*float64(time.Second)))
}

// hashOf stands for a school or a class in tickets and lines; 0: not known.
func hashOf(id string) uint32 {
	if id == "" {
		return 0
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	return max(1, h.Sum32())
}
