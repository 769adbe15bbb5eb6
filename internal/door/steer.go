package door

import (
	"time"
)

// How the rate follows what is measured: up by little while the house is at ease, down by a
// fifth when requests wait for a worker or the processors are full. Never below what a
// single core serves with its eyes closed, never above what no school has.
const (
	ease      = 10 * time.Millisecond
	trouble   = 20 * time.Millisecond
	easeCPU   = 0.75
	troubled  = 0.90
	up        = 1.05
	down      = 0.8
	leastRate = 2.0
	mostRate  = 20_000.0
)

// steer adapts the rate, once a second, while somebody waits: a door at which nobody waits
// has nothing to learn.
func (d *Door) steer(now time.Time) {
	if d.load == nil || now.Sub(d.steered) < time.Second {
		return
	}
	d.steered = now
	l := d.load()
	switch {
	case l.Queue > trouble || l.CPU > troubled:
		d.rate = max(leastRate, d.rate*down)
	case l.Queue < ease && l.CPU < easeCPU && d.waiting.Load() > 0:
		d.rate = min(mostRate, d.rate*up)
	}
}
