package drill

import (
	"context"
	"time"
)

// cned is a reopening: after an outage everybody comes in thirty seconds, and in the middle
// of it the program is switched off and on again. Whoever had a place in line has it still.
func cned(ctx context.Context, r *replay) error {
	back, err := r.apart()
	if err != nil {
		return err
	}
	defer back()
	n := r.scaled(9_000, 600)
	within := time.Duration(n) * time.Second / cnedRate
	h, err := r.crowdOf(ctx, n)
	if err != nil {
		return err
	}
	if err := h.open(ctx); err != nil {
		return err
	}
	c := h.newCrowd(h.draw(n), within, r.usual(0.3))
	w := wave{crowd: c, teachers: h.newTeachers(c, len(h.comers["teacher"]), within)}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	r.say("fault", "the service is open again: %d people come in %.0f s, and %d teachers", n, within.Seconds(), len(w.teachers.people))
	again := make(chan error, 1)
	began := time.Now()
	go func() {
		if err := rest(ctx, within*2/3); err != nil {
			again <- err
			return
		}
		again <- h.restart(ctx, cnedOff)
	}()
	w.live(ctx, within+8*time.Minute)
	if err := <-again; err != nil {
		return err
	}
	kept := 0
	for _, v := range w.people {
		if !v.waited.IsZero() && v.waited.Before(h.offFrom) && (v.through.IsZero() || v.through.After(h.offUntil)) {
			kept++
		}
	}
	r.say("fault", "the program was off from %.0f to %.0f s of the wave: %d people were in line before it and after it", h.offFrom.Sub(began).Seconds(), h.offUntil.Sub(began).Seconds(), kept)
	r.said(w)
	outside := 0
	for _, v := range w.visitors() {
		if v.in.IsZero() && v.left.IsZero() {
			outside++
		}
	}
	r.is("still_outside", outside, 0)
	r.atLeast("in_line_across_the_restart", kept, 1)
	return r.judge(ctx, h, w)
}

// How many come a second, and for how long the program is off.
const (
	cnedRate = 300
	cnedOff  = 5 * time.Second
)
