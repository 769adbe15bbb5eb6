package door

import (
	"math"
	"slices"
	"time"
)

// Figures are what the door tells whoever operates it and whoever reads the page of the
// service's state. Counts are since the program was started.
type Figures struct {
	Waiting     int           // people, in all lanes
	Rate        float64       // people a second who may enter
	From, Until time.Duration // what one in ten, and nine in ten, of those in line will still wait
	Lanes       []LaneFigures // in the order of Lane
	Forged      int64         // tickets that were refused: forged, foreign or spent
	Admitted    int64         // people

	// Of those whose whole wait was followed: see watched.
	Followed        int64         // people
	Looks           int64         // that they took, the first included
	Announced       Waits         // difference between the time first announced and the real one
	AnnouncedRight  int64         // within a quarter of it, or 30 seconds
	Inversions      int64         // people who were overtaken by more than ten seconds though they looked when told
	WorstInversion  time.Duration // the longest of all of them
	Fairness        float64       // Jain's index over schools of what part of their people entered; 1: alike
	FairnessSchools int           // over how many
}

// LaneFigures are one lane's.
type LaneFigures struct {
	Name                     string
	Waiting                  int
	Tickets, Looks, Admitted int64
	Waits                    Waits // of those who entered
}

// Name is the lane in figures.
func (l Lane) Name() string {
	return [lanes]string{Unknown: "unknown", Family: "family", Pupil: "pupil", Staff: "staff", InClass: "in-class"}[l]
}

// WaitBounds are the upper bounds of Waits, in seconds.
func WaitBounds() []float64 { return []float64{0, 5, 30, 60, 120, 300, 600, 1200, 1800, 3600} }

// Waits is a histogram of times, in a fixed room.
type Waits struct {
	N     int64
	Sum   time.Duration
	Upto  [10]int64 // how many were within each of WaitBounds
	Worst time.Duration
}

func (w *Waits) add(d time.Duration) {
	d = max(0, d)
	w.N++
	w.Sum += d
	w.Worst = max(w.Worst, d)
	for i, bound := range WaitBounds() {
		if d.Seconds() <= bound {
			w.Upto[i]++
		}
	}
}

// watched is what the door notes for its figures. It follows some people through their
// whole wait, at most mostFollowed at once: one in two, in four, in eight… as more wait.
// Their number by lot chooses them, so that it is a fair sample.
type watched struct {
	waits     [lanes]Waits
	followed  map[uint64]follow
	mask      uint64
	done      int64
	looks     int64
	announced Waits
	right     int64
	inverted  int64
	worst     time.Duration
	newest    map[lineKey]time.Time // who came last of those that entered, by line
}

// follow is what is noted of one person who is followed.
type follow struct {
	arrived   time.Time
	announced time.Duration
	next      time.Time // when they were told to look
	late      bool      // they looked much later once: whoever overtook them did so rightly
	looks     int64
}

const (
	mostFollowed = 1024
	lateAfter    = 3 * time.Second
	overtaken    = 10 * time.Second
)

// gave notes a new ticket and what its holder is told.
func (w *watched) gave(t ticketOf, v Wait, now time.Time) {
	if w.followed == nil {
		w.followed, w.newest = map[uint64]follow{}, map[lineKey]time.Time{}
	}
	if t.id&w.mask != 0 {
		return
	}
	w.followed[t.id] = follow{arrived: now, announced: (v.From + v.Until) / 2, next: now.Add(v.Next), looks: 1}
	for len(w.followed) > mostFollowed {
		w.mask = w.mask<<1 | 1
		for id := range w.followed {
			if id&w.mask != 0 {
				delete(w.followed, id)
			}
		}
	}
}

// looked notes a look that did not let in.
func (w *watched) looked(t ticketOf, v Wait, now time.Time) {
	f, ok := w.followed[t.id]
	if !ok {
		return
	}
	f.late = f.late || now.Sub(f.next) > lateAfter
	f.next, f.looks = now.Add(v.Next), f.looks+1
	w.followed[t.id] = f
}

// entered notes somebody who enters.
func (w *watched) entered(t ticketOf, now time.Time) {
	waited := now.Sub(t.arrived)
	w.waits[t.lane].add(waited)
	key := lineKey{t.lane, t.school}
	f, ok := w.followed[t.id]
	if ok {
		delete(w.followed, t.id)
		if len(w.followed) < mostFollowed/8 {
			w.mask >>= 1
		}
		w.done++
		w.looks += f.looks + 1
		if f.late = f.late || now.Sub(f.next) > lateAfter; !f.late {
			wrong := (waited - f.announced).Abs()
			w.announced.add(wrong)
			if wrong <= max(30*time.Second, f.announced/4) {
				w.right++
			}
			if by := w.newest[key].Sub(t.arrived); by > 0 {
				w.worst = max(w.worst, by)
				if by > overtaken {
					w.inverted++
				}
			}
		}
	}
	if w.newest != nil && t.arrived.After(w.newest[key]) {
		w.newest[key] = t.arrived
	}
}

// forget lets go whoever was followed and has not looked for long: they are gone.
func (w *watched) forget(now time.Time) {
	for id, f := range w.followed {
		if now.Sub(f.next) > 2*time.Minute {
			delete(w.followed, id)
		}
	}
}

// Figures gives them as they are now.
func (d *Door) Figures() Figures {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance(now)
	w := &d.watched
	w.forget(now)
	f := Figures{Waiting: d.Waiting(), Rate: d.rate, Forged: d.figures.refused.Load(), Followed: w.done, Looks: w.looks,
		Announced: w.announced, AnnouncedRight: w.right, Inversions: w.inverted, WorstInversion: w.worst}
	for l := Unknown; l < lanes; l++ {
		one := LaneFigures{Name: l.Name(), Tickets: d.figures.tickets[l].Load(), Looks: d.figures.polls[l].Load(), Admitted: d.figures.admitted[l].Load(), Waits: w.waits[l]}
		for k, line := range d.lines {
			if k.lane == l {
				one.Waiting += int(math.Round(line.waiting()))
			}
		}
		f.Admitted += one.Admitted
		f.Lanes = append(f.Lanes, one)
	}
	f.From, f.Until = d.spread()
	f.Fairness, f.FairnessSchools = d.fairness()
	return f
}

// spread is what people in line will still wait: one in ten less than the first, nine in
// ten less than the second. Whoever comes now stands behind them.
func (d *Door) spread() (from, until time.Duration) {
	type part struct {
		wait   time.Duration
		people float64
	}
	var parts []part
	all := 0.0
	for _, l := range d.lines {
		if n := l.waiting(); n >= 1 && l.share > 0 {
			parts = append(parts, part{d.announced(n / l.share), n})
			all += n
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return int(a.wait - b.wait) })
	seen := 0.0
	for _, p := range parts {
		if seen <= all/10 {
			from = p.wait * 4 / 5
		}
		if seen < all*9/10 {
			until = p.wait*5/4 + shortest
		}
		seen += p.people
	}
	return from, until
}

// leastOfSchool is how many people of a school must have come for it to be compared.
const leastOfSchool = 20

// fairness compares, within each lane, what part of each school's people entered, and gives
// the least fair lane.
func (d *Door) fairness() (jain float64, schools int) {
	jain = 1
	for lane := Unknown; lane < lanes; lane++ {
		n, sum, squares := 0.0, 0.0, 0.0
		for k, l := range d.lines {
			came := l.entered + l.waiting()
			if k.lane != lane || k.school == 0 || came < leastOfSchool {
				continue
			}
			part := l.entered / came
			n, sum, squares = n+1, sum+part, squares+part*part
		}
		if n >= 2 && squares > 0 {
			if one := sum * sum / (n * squares); one <= jain {
				jain, schools = one, int(n)
			}
		}
	}
	return jain, schools
}

// LimiterFigures are what the limiter tells.
type LimiterFigures struct {
	Working, Waiting int
	P90              time.Duration // of the waits of the last ten seconds, and of who still waits
	Waits            [2]Waits      // by class: vital, usual
	Left             [2]int64      // went away, or were shown their turn, before a worker was free
}

// ClassNames are the classes in figures, in the order of Class.
func ClassNames() [2]string { return [2]string{"vital", "usual"} }

// recently is what the limiter's figures look back on.
const recently = 10 * time.Second

// noted is what the limiter notes for its figures: the last waits with their time, and all
// of them by class.
type noted struct {
	last [keptWaits]struct {
		at   time.Time
		wait time.Duration
	}
	at    int
	waits [classes]Waits
	left  [classes]int64
}

func (n *noted) add(c Class, wait time.Duration, now time.Time) {
	n.last[n.at].at, n.last[n.at].wait = now, wait
	n.at = (n.at + 1) % len(n.last)
	n.waits[c].add(wait)
}

// Figures gives them as they are now. Unlike Queue it changes nothing.
func (l *Limiter) Figures() LimiterFigures {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := LimiterFigures{Working: l.workers - l.free, Waits: l.noted.waits, Left: l.noted.left, P90: l.nineOfTen(l.now().Add(-recently))}
	for _, q := range l.waiting {
		f.Waiting += len(q)
	}
	return f
}
