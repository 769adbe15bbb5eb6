package account

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// pool lets a few passwords be worked on at once and has the others wait, in
// order, as long as their people do. Unbounded, 128 sign-ins took a page of 0.2 ms
// to 2 s and the heap to 4 GiB.
type pool struct {
	slots   chan struct{}
	waiting atomic.Int64
	most    int64 // how many may wait

	checked, waited, away atomic.Int64 // see Figures
}

// waitingPerSlot is about five seconds of work: longer than that, people reload.
const waitingPerSlot = 150

// newPool makes a pool of that many workers; 0 is half the cores.
func newPool(size int) *pool {
	if size <= 0 {
		size = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &pool{slots: make(chan struct{}, size), most: int64(size) * waitingPerSlot}
}

// enter waits for a worker; leave gives it back. ErrBusy at once when too many
// wait already, the context's error when the person went away.
func (p *pool) enter(ctx context.Context) (leave func(), err error) {
	select {
	case p.slots <- struct{}{}:
		p.checked.Add(1)
		return p.leave, nil
	default:
	}
	if p.waiting.Add(1) > p.most {
		p.waiting.Add(-1)
		p.away.Add(1)
		return nil, ErrBusy
	}
	defer p.waiting.Add(-1)
	since := time.Now()
	select {
	case p.slots <- struct{}{}:
		p.checked.Add(1)
		p.waited.Add(int64(time.Since(since)))
		return p.leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pool) leave() { <-p.slots }
