package app

import (
	"sync/atomic"
	"time"
)

// Clock is the installation's clock: the machine's, shifted in a demonstration only.
type Clock struct{ shift atomic.Int64 }

// NewClock makes a clock that shows start now; the zero time: the machine's clock.
func NewClock(start time.Time) *Clock {
	c := &Clock{}
	if !start.IsZero() {
		c.shift.Store(int64(time.Until(start)))
	}
	return c
}

// Now is the time it shows.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.shift.Load())).Round(0) }

// Advance moves it forward.
func (c *Clock) Advance(d time.Duration) { c.shift.Add(int64(max(d, 0))) }
