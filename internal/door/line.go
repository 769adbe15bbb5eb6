package door

import "time"

// line is one school in one lane: how many tickets were given in each bucket that was not
// called whole, how many of them are still looked with, and how far it was called. It holds
// nothing of anybody.
type line struct {
	first   int64    // number of the first bucket kept: the one that is being called
	buckets []bucket // from first on
	part    float64  // of the first bucket, by lot, that is called
	called  looks    // who was called, has not entered, and looks
	share   float64  // places a second that it has a right to now
	credit  float64  // places of its share that nobody has taken yet
	entered float64  // by a ticket, since the program was started
	young   time.Time
	over    float64 // part of the window of looks that is over
	others  others
}

// bucket is a few seconds in which tickets were given.
type bucket struct {
	given float64
	alive looks // of those who were not called
}

// looks counts people by their looks, and forgets them: each look weighs as much of a window
// as it is likely to be until the next one. Of the window before counts what is not over yet.
type looks struct{ before, now float64 }

// people is how many there are, when a part of the window is over.
func (k looks) people(over float64) float64 { return k.before*(1-over) + k.now }

// join adds people who look from now on.
func (k *looks) join(n, over float64) {
	k.before, k.now = max(0, k.before+n), max(0, k.now+n*over)
}

// times leaves a part of the people.
func (k *looks) times(part float64) { k.before, k.now = k.before*part, k.now*part }

func bucketOf(t time.Time) int64 { return t.UnixNano() / int64(Bucket) }

// reach makes the line know the buckets up to one.
func (l *line) reach(b int64) {
	if len(l.buckets) == 0 {
		l.first, l.part = max(b, l.first), 0
		l.buckets = append(l.buckets, bucket{})
	}
	for l.first+int64(len(l.buckets)) <= b {
		l.buckets = append(l.buckets, bucket{})
	}
	if over := len(l.buckets) - int(maxKept/Bucket); over > 0 {
		l.buckets, l.first, l.part = l.buckets[over:], l.first+int64(over), 0
	}
}

// isCalled tells whether it is a ticket's turn.
func (l *line) isCalled(t ticketOf) bool {
	b := bucketOf(t.arrived)
	return b < l.first || b == l.first && t.lot() < l.part
}

// give counts a ticket that is given now.
func (l *line) give(t ticketOf) {
	l.reach(bucketOf(t.arrived))
	if l.isCalled(t) {
		l.called.join(1, l.over)
		return
	}
	b := &l.buckets[bucketOf(t.arrived)-l.first]
	b.given++
	b.alive.join(1, l.over)
}

// looked counts a look of somebody who waits. Whoever looks every few seconds is one person
// in the mean of what is forgotten meanwhile; and a bucket holds hardly more people than it has
// tickets, however often they reload. In a line that was just made again, because the program
// was started again, people are known by their looks alone.
func (l *line) looked(t ticketOf, weight float64, now time.Time) {
	i := bucketOf(t.arrived) - l.first
	if l.isCalled(t) && !now.Before(l.young) {
		l.called.now += weight
		return
	}
	if now.Before(l.young) && i < 0 {
		older := make([]bucket, -i, int(-i)+len(l.buckets))
		l.buckets, l.first, l.part, i = append(older, l.buckets...), l.first+i, 0, 0
	}
	if i < 0 || i >= int64(len(l.buckets)) {
		return
	}
	b := &l.buckets[i]
	b.alive.now += weight
	left := b.given * swing
	if i == 0 {
		left *= 1 - l.part
	}
	if n := b.alive.people(l.over); n > left {
		if now.Before(l.young) {
			b.given += (n - left) / swing
		} else {
			b.alive.times(left / n)
		}
	}
}

// swing is by how much the count of people who are all there swings up with their looks.
const swing = 1.25

// leaves notes that somebody is in: called, or before their turn, with their class. n is what
// they counted for until then.
func (l *line) leaves(t ticketOf, n float64) {
	if l.isCalled(t) {
		l.called.join(-n, l.over)
	} else if i := bucketOf(t.arrived) - l.first; i < int64(len(l.buckets)) {
		l.buckets[i].alive.join(-n, l.over)
	}
}

// before is how many tickets stand before one that was not called, and how many people there
// are of them. Those of the ticket's own bucket stand before it by lot; while the lot is not
// drawn, all of them may.
func (l *line) before(t ticketOf) (tickets, people float64) {
	own := int(bucketOf(t.arrived) - l.first)
	for i := 0; i <= own && i < len(l.buckets); i++ {
		b, called, part := l.buckets[i], 0.0, 1.0
		if i == 0 {
			called = l.part
		}
		if i == own && l.drawn(t) {
			part = max(0, t.lot()-called) / max(1-called, 1e-9)
		}
		given, alive := l.others.at(l.first + int64(i))
		tickets += (b.given + given) * (1 - called) * part
		people += (b.alive.people(l.over) + alive) * part
	}
	return tickets, people + l.called.people(l.over) + l.others.called
}

// drawn tells whether the lot of a ticket's bucket is drawn: no more tickets are given in it.
func (l *line) drawn(t ticketOf) bool {
	return bucketOf(t.arrived)-l.first+1 < int64(len(l.buckets))
}

// waiting is how many people of the line are there and not in.
func (l *line) waiting() float64 {
	n := l.called.people(l.over)
	for _, b := range l.buckets {
		n += b.alive.people(l.over)
	}
	return n
}

// headway is how many seconds' worth of people are called at once: fewer than look again in
// that time would leave places empty, more would make those who are called wait for one
// another.
const headway = 2.0

// call calls as many as there are places for, beyond those who were called and still look.
func (l *line) call(now time.Time) {
	current := bucketOf(now)
	l.reach(current)
	if now.Before(l.young) {
		return // who was there before the program is still coming to be known
	}
	if l.others.lead {
		return // another node calls
	}
	need := (l.share+l.others.share)*headway + 1 - l.called.people(l.over) - l.others.called
	for need > 0 {
		_, elsewhere := l.others.at(l.first)
		n := l.buckets[0].alive.people(l.over) + elsewhere
		if n > need {
			l.callTo(l.first, l.part+(1-l.part)*need/n)
			return
		}
		need -= n
		l.callTo(l.first, 1)
		if l.first >= current {
			return
		}
		l.callTo(l.first+1, 0)
	}
}

// callTo calls up to a part of a bucket. It never goes back.
func (l *line) callTo(first int64, part float64) {
	for l.first < first && len(l.buckets) > 0 {
		l.called.join(l.buckets[0].alive.people(l.over), l.over)
		l.buckets, l.first, l.part = l.buckets[1:], l.first+1, 0
	}
	if len(l.buckets) == 0 {
		l.buckets, l.first = append(l.buckets, bucket{}), max(l.first, first)
	}
	if l.first != first || part <= l.part {
		return
	}
	b := &l.buckets[0]
	n := b.alive.people(l.over) * (part - l.part) / (1 - l.part)
	l.called.join(n, l.over)
	b.alive.times((1 - part) / (1 - l.part))
	l.part = part
}

// earn gives a line its share of a time, and says how much of it the line has kept: whoever
// looks rarely finds a place, and places are not hoarded.
func (l *line) earn(seconds float64) float64 {
	before := l.credit
	l.credit = max(before, min(before+l.share*seconds, 2*l.share+1))
	return l.credit - before
}

// turn begins a new window of looks.
func (l *line) turn() {
	l.called = looks{before: l.called.now}
	for i := range l.buckets {
		l.buckets[i].alive.before, l.buckets[i].alive.now = l.buckets[i].alive.now, 0
	}
}
