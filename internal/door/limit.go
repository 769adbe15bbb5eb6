package door

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Class is how much a request matters once it is inside.
type Class int

// Classes, the first first. Vital requests are never refused: rolls, and what stops, lets go
// and takes back.
const (
	Vital Class = iota
	Usual
	classes
)

// Limiter lets so many requests work at once. The others wait in the order of their class,
// and within it the last come first while the house is in trouble: who came last is still
// there. Work for people who went away is not begun.
type Limiter struct {
	mu      sync.Mutex
	workers int
	free    int
	noted   noted
	waiting [classes][]*turn
	asked   time.Time // when Queue was
	now     func() time.Time
}

type turn struct {
	since time.Time
	open  chan struct{}
}

// keptWaits is how many waits the load is judged by.
const keptWaits = 256

// NewLimiter makes one with so many workers.
func NewLimiter(workers int, now func() time.Time) *Limiter {
	return &Limiter{workers: workers, free: workers, now: now}
}

// Enter waits for a worker; leave gives it back. It fails with the context's error when the
// person went away, or waited as long as they will.
func (l *Limiter) Enter(ctx context.Context, c Class) (leave func(), err error) {
	l.mu.Lock()
	if l.free > 0 {
		l.free--
		l.noted.add(c, 0, l.now())
		l.mu.Unlock()
		return l.leave, nil
	}
	t := &turn{since: l.now(), open: make(chan struct{})}
	l.waiting[c] = append(l.waiting[c], t)
	l.mu.Unlock()
	select {
	case <-t.open:
		return l.leave, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-t.open: // both at once: the worker goes on to the next
		l.pass()
	default:
		l.noted.add(c, l.now().Sub(t.since), l.now())
		l.noted.left[c]++
		l.waiting[c] = slices.DeleteFunc(l.waiting[c], func(o *turn) bool { return o == t })
	}
	return nil, ctx.Err()
}

func (l *Limiter) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass()
}

// pass gives the worker to the next who waits, else keeps it.
func (l *Limiter) pass() {
	for c := range l.waiting {
		q := l.waiting[c]
		if len(q) == 0 {
			continue
		}
		i := 0
		if l.now().Sub(q[0].since) > trouble && Class(c) != Vital {
			i = len(q) - 1
		}
		t := q[i]
		l.waiting[c] = slices.Delete(q, i, i+1)
		l.noted.add(Class(c), l.now().Sub(t.since), l.now())
		close(t.open)
		return
	}
	l.free++
}

// Queue is how long nine of ten requests waited at most since it was last asked, of those
// who still wait too.
func (l *Limiter) Queue() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := l.asked
	l.asked = l.now()
	return l.nineOfTen(since)
}

// nineOfTen is what nine of ten requests waited at most that got a worker, or gave up, after
// a moment, and those who still wait.
func (l *Limiter) nineOfTen(since time.Time) time.Duration {
	var waits []time.Duration
	for _, one := range l.noted.last {
		if one.at.After(since) {
			waits = append(waits, one.wait)
		}
	}
	for _, q := range l.waiting {
		for _, t := range q {
			waits = append(waits, l.now().Sub(t.since))
		}
	}
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	return waits[len(waits)*9/10]
}
