package drill

import (
	"context"
	"time"
)

// rollUnderFire is the eure's morning with two thousand teachers, who save their rolls between
// 8:05 and 8:15.
func rollUnderFire(ctx context.Context, r *replay) error {
	back, err := r.apart()
	if err != nil {
		return err
	}
	defer back()
	n := r.scaled(15_000, 450)
	within := eureFor(n)
	h, err := r.crowdOf(ctx, 4*n)
	if err != nil {
		return err
	}
	if err := h.open(ctx); err != nil {
		return err
	}
	c := h.newCrowd(h.draw(n), within, r.usual(0.3))
	w := wave{crowd: c, teachers: h.newTeachers(c, r.scaled(2_000, 60), 2*within)}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	r.say("fault", "%d people begin to come, %d a second, and %d teachers in %.0f s", n, eureRate, len(w.teachers.people), 2*within.Seconds())
	w.live(ctx, within+8*time.Minute)
	r.said(w)
	r.is("rolls_not_saved", len(w.teachers.people)-len(w.teachers.saved), 0)
	return r.judgeEure(ctx, h, w, 2*within)
}
