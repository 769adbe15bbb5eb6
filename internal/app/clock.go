package app

import (
	"sync/atomic"
	"time"
)

// Clock is the installation's clock: the machine's, shifted in a demonstration, or one
// that stands still and is moved by hand in tests.
type Clock struct {
	shift     atomic.Int64 // from the machine's clock
	stands    bool
	stoppedAt atomic.Int64 // Unix nanoseconds, where it stands still
}

// NewClock makes a clock that shows start now and goes on; the zero time: the
// machine's clock.
func NewClock(start time.Time) *Clock {
	c := &Clock{}
	if !start.IsZero() {
		c.shift.Store(int64(time.Until(start)))
	}
	return c
}

// StandingClock makes a clock that moves only when it is advanced.
func StandingClock(at time.Time) *Clock {
	c := &Clock{stands: true}
	c.stoppedAt.Store(at.UnixNano())
	return c
}

// Now is the time it shows.
func (c *Clock) Now() time.Time {
	if c.stands {
		return time.Unix(0, c.stoppedAt.Load()).UTC()
	}
	return time.Now().Add(time.Duration(c.shift.Load())).Round(0)
}

// Set makes it show a moment and go on from there: a drill's clock.
func (c *Clock) Set(t time.Time) {
	c.shift.Store(int64(time.Until(t)))
	c.stoppedAt.Store(t.UnixNano())
}

// Advance moves it forward.
func (c *Clock) Advance(d time.Duration) {
	c.shift.Add(int64(max(d, 0)))
	c.stoppedAt.Add(int64(max(d, 0)))
}
