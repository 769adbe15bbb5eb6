package drill

import (
	"context"
	"time"
)

// eure is 16 March 2020: fifteen thousand people in five minutes where five thousand could be
// held. Everybody has to give a password, three in ten reload every ten seconds whatever the
// page says, and teachers call their rolls. The program has one core, the crowd the other.
func eure(ctx context.Context, r *replay) error {
	back, err := r.apart()
	if err != nil {
		return err
	}
	defer back()
	n := r.scaled(15_000, int(r.least(300)))
	within := eureFor(n)
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
	r.say("fault", "%d people begin to come, %d a second, and %d teachers among them; the program has one core", n, eureRate, len(w.teachers.people))
	w.live(ctx, within+8*time.Minute)
	r.said(w)
	return r.judgeEure(ctx, h, w, within)
}

// eureRate is how many people come a second, whatever the scale.
const eureRate = 50

func eureFor(n int) time.Duration { return time.Duration(n) * time.Second / eureRate }

// judgeEure adds what that morning has of its own: everybody is in, and the last one soon.
func (r *replay) judgeEure(ctx context.Context, h *house, w wave, within time.Duration) error {
	var first, last time.Time
	outside := 0
	for _, v := range w.visitors() {
		switch {
		case v.in.IsZero():
			if v.left.IsZero() || v.patience == 0 {
				outside++
			}
		case first.IsZero() || v.in.Before(first):
			first = v.in
		}
		if v.in.After(last) {
			last = v.in
		}
	}
	r.is("still_outside", outside, 0)
	r.within("last_after_first_s", last.Sub(first), within+time.Duration(float64(3*time.Minute)*max(r.options.Scale, 0.2)))
	return r.judge(ctx, h, w)
}

// live lets the crowd of a wave come.
func (w *wave) live(ctx context.Context, most time.Duration) {
	w.began = time.Now()
	w.crowd.live(ctx, most)
	w.over = time.Now()
}

// said tells how a wave went.
func (r *replay) said(w wave) {
	in := 0
	for _, v := range w.visitors() {
		if !v.in.IsZero() {
			in++
		}
	}
	r.say("sent", "%d are in after %.0f s; at most %d waited at once; %d of %d rolls were saved meanwhile", in, w.over.Sub(w.began).Seconds(), w.line(), len(w.teachers.saved), len(w.teachers.people))
}
