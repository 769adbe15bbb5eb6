package account

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pool lets a few passwords be worked on at once. Unbounded, 128 sign-ins took a page of
// 0.2 ms to 2 s and the heap to 4 GiB.
//
// Nobody's password is parked: whoever would wait longer than [poolPatience] is told so at
// once, keeps nothing of the machine, and posts again. Who waits is in the order in which
// they first came, staff before others.
type pool struct {
	slots chan struct{} // the workers

	mu      sync.Mutex
	free    int // places near a worker: two each, so that one is counted while another is hashed
	waiting [kinds][]*turn
	spell   time.Duration // that one password takes a worker, lately
	row     int           // staff called in a row
	// promised is the last moment at which somebody who was sent away was told to come back.
	promised time.Time

	checked, waited, turned atomic.Int64 // see Figures; waited in nanoseconds
}

// kind is who waits for a password to be checked.
type kind int

const (
	first    kind = iota // identifiers of staff, codes of letters, whoever is signed in
	ordinary             // everybody else, and names that nobody has
	last                 // clients that keep no cookie
	kinds
)

type turn struct {
	since time.Time // when they first came, however often they were sent away
	open  chan struct{}
}

// Bounds of the pool.
const (
	// poolPatience is how long a password waits at most.
	poolPatience = 500 * time.Millisecond
	// signedPatience is the same for somebody who is signed in, and would lose a form.
	signedPatience = 5 * time.Second
	// keptForStaff is the part of the waiting places that only staff may take.
	keptForStaff = 30 // in a hundred
	// mostInARow: after so many of staff somebody else is called, so that whoever types
	// the names of staff again and again shuts nobody out.
	mostInARow = 3
	// mostWaiting a worker, however fast passwords are.
	mostWaiting = 150
	// firstSpell is what a password takes before any was measured.
	firstSpell = 25 * time.Millisecond
)

// newPool makes a pool of that many workers; 0 is half the cores.
func newPool(size int) *pool {
	if size <= 0 {
		size = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &pool{slots: make(chan struct{}, size), free: 2 * size, spell: firstSpell}
}

// size is how many passwords are worked on at once.
func (p *pool) size() int { return cap(p.slots) }

// places is how many may wait at once: what is worked off within the patience, and of that
// what is not kept for staff.
func (p *pool) places(k kind) int {
	n := int(poolPatience/max(p.spell, time.Microsecond)) * p.size()
	n = min(max(n, 2), mostWaiting*p.size())
	if k > first {
		n -= max(1, n*keptForStaff/100)
	}
	return n
}

// come waits for a place near a worker, patience at most. since is when the person first
// came; the zero time: now. ErrBusy when too many wait, or for too long; the context's
// error when the person went away. leave gives the place back.
func (p *pool) come(ctx context.Context, k kind, since time.Time, patience time.Duration) (leave func(), err error) {
	now := time.Now()
	if since.IsZero() || since.After(now) {
		since = now
	}
	p.mu.Lock()
	if p.free > 0 {
		p.free--
		p.mu.Unlock()
		return p.away, nil
	}
	t := &turn{since: since, open: make(chan struct{})}
	queue := p.waiting[k]
	at, _ := slices.BinarySearchFunc(queue, t, func(o, t *turn) int {
		if o.since.After(t.since) {
			return 1
		}
		return -1 // who came at the same moment stays before
	})
	ahead := at
	for before := first; before < k; before++ {
		ahead += len(p.waiting[before])
	}
	if patience <= poolPatience && ahead >= p.places(k) || len(queue) >= mostWaiting*p.size() {
		p.mu.Unlock()
		p.turned.Add(1)
		return nil, ErrBusy
	}
	p.waiting[k] = slices.Insert(queue, at, t)
	p.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-t.open:
		p.waited.Add(int64(time.Since(now)))
		return p.away, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		p.turned.Add(1)
		err = ErrBusy
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-t.open: // both at once: the place goes on to the next
		p.pass()
	default:
		p.waiting[k] = slices.DeleteFunc(p.waiting[k], func(o *turn) bool { return o == t })
	}
	return nil, err
}

func (p *pool) away() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pass()
}

// pass gives a place to the next who waits, else keeps it.
func (p *pool) pass() {
	k := first
	if len(p.waiting[first]) == 0 || p.row >= mostInARow && len(p.waiting[ordinary]) > 0 {
		k = ordinary
	}
	if k == ordinary && len(p.waiting[ordinary]) == 0 {
		k = last
	}
	if p.row++; k != first {
		p.row = 0
	}
	if len(p.waiting[k]) == 0 {
		p.free++
		return
	}
	t := p.waiting[k][0]
	p.waiting[k] = slices.Delete(p.waiting[k], 0, 1)
	close(t.open)
}

// work does the work of one password when a worker is free, which whoever is near need not
// wait for long.
func (p *pool) work(ctx context.Context, do func()) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.slots }()
	p.checked.Add(1)
	began := time.Now()
	do()
	took := time.Since(began)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spell += (took - p.spell) / 8
	return nil
}

// crowd is how many wait.
func (p *pool) crowd() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queue()
}

func (p *pool) queue() (n int) {
	for _, q := range p.waiting {
		n += len(q)
	}
	return n
}

// again says when whoever is sent away comes back: each has a moment of their own, one
// password after the other. Told the same time, they would come all at once, again and again,
// and the workers would have nothing to do in between.
func (p *pool) again() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if soonest := now.Add(poolPatience); p.promised.Before(soonest) {
		p.promised = soonest
	}
	p.promised = p.promised.Add(p.spell / time.Duration(p.size()))
	return p.promised.Sub(now)
}

// backlog is how long the workers need for whoever waits and for whoever was told to come back;
// 0 while a worker has nothing to do.
func (p *pool) backlog() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free > 0 {
		return 0
	}
	wait := time.Duration(p.queue()) * p.spell / time.Duration(p.size())
	if later := time.Until(p.promised) - poolPatience; later > 0 {
		wait += later
	}
	return wait
}
