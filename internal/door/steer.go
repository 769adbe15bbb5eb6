package door

import (
	"time"
)

// How the rate follows what is measured: up by little while nobody waits for a worker, and
// passwords for a moment only; down by a tenth when they do. A few passwords should always
// wait: their workers are then never without work. Full processors alone are no trouble: the work is
// to be done, and what matters goes first; but nothing is learned from them. Never below what
// a single core serves with its eyes closed, never above what no school has.
const (
	ease      = 10 * time.Millisecond
	trouble   = 20 * time.Millisecond
	enough    = 300 * time.Millisecond // of passwords that wait
	tooMany   = time.Second
	fullCPU   = 0.97
	up        = 1.05
	down      = 0.9
	leastRate = 2.0
	mostRate  = 20_000.0
	usualOver = 20 * time.Second // what people are told follows the pace of this time
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
	case l.Queue > trouble, l.Passwords > tooMany:
		d.rate = max(leastRate, d.rate*down)
	case l.Queue < ease && l.Passwords < enough && l.CPU < fullCPU && d.waiting.Load() > 0:
		d.rate = min(mostRate, d.rate*up)
	}
}

// pace follows how many enter a second while people wait, once a second: less than the rate,
// by those who were called and come a moment later. What people are told comes of it, and does
// not swing with the rate.
func (d *Door) pace(now time.Time) {
	since := now.Sub(d.paced)
	if since < time.Second {
		return
	}
	if d.waiting.Load() == 0 {
		d.usual = d.rate
	} else {
		d.usual += (d.entries/since.Seconds() - d.usual) * min(1, since.Seconds()/usualOver.Seconds())
	}
	d.usual = min(max(d.usual, d.rate/2), d.rate*5/4) // where hardly anybody looks they tell nothing
	d.paced, d.entries = now, 0
}
