package peers

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// What an SMS centre has seen up to now, and waiting for it.

// now calls look with everything that the centre has said up to now.
func (c *SMSCentre) now(look func()) {
	c.order(map[string]any{"do": "sync"})
	c.mu.Lock()
	defer c.mu.Unlock()
	look()
}

// Messages lists what the centre has taken, in order: the telephones that would ring.
func (c *SMSCentre) Messages() (taken []Short) {
	return slices.DeleteFunc(c.Submits(), func(m Short) bool { return !m.Taken })
}

// Submits lists every submit_sm that the centre has read to the last byte, also those
// that it refused.
func (c *SMSCentre) Submits() (all []Short) {
	c.now(func() { all = slices.Clone(c.messages) })
	return all
}

// Throttled counts the messages that came faster than PerSecond.
func (c *SMSCentre) Throttled() (n int) {
	for _, m := range c.Submits() {
		if m.Throttled {
			n++
		}
	}
	return n
}

// Binds lists every bind that was answered, also with no.
func (c *SMSCentre) Binds() (all []SMSBind) {
	c.now(func() { all = slices.Clone(c.binds) })
	return all
}

// Given lists the answers to what Deliver and the automatic receipts gave.
func (c *SMSCentre) Given() (all []SMSGiven) {
	c.now(func() { all = slices.Clone(c.given) })
	return all
}

// Cancelled lists the cancel_sm that were answered with yes.
func (c *SMSCentre) Cancelled() (all []SMSCancel) {
	c.now(func() { all = slices.Clone(c.cancelled) })
	return all
}

// Unbinds counts the unbind that clients have asked for.
func (c *SMSCentre) Unbinds() int { return c.count("unbind") }

// Unbound counts the answers to Unbind.
func (c *SMSCentre) Unbound() int { return c.count("unbound") }

// Connections counts the connections that clients have opened so far.
func (c *SMSCentre) Connections() int { return c.count("connect") }

// Enquiries counts the enquire_link that came.
func (c *SMSCentre) Enquiries() int { return c.count("enquire") }

func (c *SMSCentre) count(event string) (n int) {
	c.now(func() { n = c.counts[event] })
	return n
}

// Played counts the faults that were played at a stage, so that a test can say that its
// plan was not idle.
func (c *SMSCentre) Played(at SMSStage) (n int) {
	c.now(func() {
		for _, f := range c.played {
			if f.At == at {
				n++
			}
		}
	})
	return n
}

// Wait waits until the centre has taken n messages in all and returns them.
func (c *SMSCentre) Wait(ctx context.Context, n int) ([]Short, error) {
	err := c.WaitFor(ctx, func() bool { return len(c.Messages()) >= n })
	return c.Messages(), err
}

// WaitGiven waits until n deliver_sm have been answered in all.
func (c *SMSCentre) WaitGiven(ctx context.Context, n int) error {
	return c.WaitFor(ctx, func() bool { return len(c.Given()) >= n })
}

// WaitStalled waits until n faults have stalled something in all.
func (c *SMSCentre) WaitStalled(ctx context.Context, n int) error {
	return c.WaitFor(ctx, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		stalled := 0
		for _, f := range c.played {
			if f.Do == SMSStall {
				stalled++
			}
		}
		return stalled >= n
	})
}

// WaitFor looks again whenever the centre has said something, until enough says yes.
// It fails when ctx ends or the centre does.
func (c *SMSCentre) WaitFor(ctx context.Context, enough func() bool) error {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		if enough() {
			return nil
		}
		select {
		case <-changed:
		case <-c.ended:
			if enough() {
				return nil
			}
			return errors.New("peers: the SMS centre has ended")
		case <-ctx.Done():
			return fmt.Errorf("peers: waiting for the SMS centre: %w", ctx.Err())
		}
	}
}
