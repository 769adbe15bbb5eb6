package drill

import (
	"context"
	"slices"
	"time"
)

// sixApril is 6 April 2021: ten times more people than the machine serves, each reloading,
// none of them listening to what the page says. What gets done must not collapse, and when
// they are gone the next one enters as if nothing had been.
func sixApril(ctx context.Context, r *replay) error {
	back, err := r.apart()
	if err != nil {
		return err
	}
	defer back()
	h, err := r.crowdOf(ctx, r.scaled(9_000, calmPeople+600))
	if err != nil {
		return err
	}
	if err := h.open(ctx); err != nil {
		return err
	}
	w, err := h.sixApril(ctx)
	if err != nil {
		return err
	}
	return r.judgeSixApril(ctx, h, w)
}

// calmPeople come first, as fast as the door learns, and give the best rate.
const calmPeople = 600

// sixApril measures the best rate, and lets ten times as many come.
func (h *house) sixApril(ctx context.Context) (w wave, err error) {
	r := h.replay
	within := max(20*time.Second, time.Duration(float64(5*time.Minute)*r.options.Scale))
	everybody := h.draw(len(h.comers["pupil"]))
	// The best: as many as the door lets in while somebody always waits, after it has learned.
	before := h.newCrowd(everybody[:min(calmPeople, len(everybody))], calmPeople/60*time.Second, func(int) manners { return manners{} })
	before.live(ctx, 5*time.Minute)
	best := rateOf(before.people, 0.4, 0.95)
	r.say("person", "the best: %.1f people a second are signed in and see their day", best)
	// Everybody at once: more than there are accounts for, so people come again and again.
	others := everybody[min(calmPeople, len(everybody)/2):]
	many := make([]comer, int(10*best*within.Seconds()))
	for i := range many {
		many[i] = others[i%len(others)]
	}
	c := h.newCrowd(many, within, func(int) manners {
		return manners{reloads: 3 * time.Second, stubborn: true, patience: time.Duration(20+r.random.IntN(50)) * time.Second, forgets: r.random.IntN(100) < 5}
	})
	w = wave{crowd: c, teachers: h.newTeachers(c, len(h.comers["teacher"]), within*3/4), best: best}
	for _, v := range c.people {
		if v.then == nil { // at the end of the wave they all give up
			v.patience = max(time.Millisecond, min(v.patience, within-v.arrives))
		}
	}
	if err := c.prepare(ctx); err != nil {
		return w, err
	}
	r.say("fault", "%d come in %.0f s, and %d teachers; each reloads every 3 s, whatever the page says, and gives up after 20 to 70 s", len(many), within.Seconds(), len(w.teachers.people))
	w.live(ctx, within+2*time.Minute)
	w.over = w.began.Add(within)
	r.said(w)
	return w, nil
}

// judgeSixApril adds that what gets done has not collapsed.
func (r *replay) judgeSixApril(ctx context.Context, h *house, w wave) error {
	good := 0
	from := w.began.Add(w.over.Sub(w.began) / 4) // without the first seconds, in which the line begins
	for _, v := range w.people {
		if v.in.After(from) {
			good++
		}
	}
	goodput := float64(good) / w.over.Sub(from).Seconds()
	if err := r.judge(ctx, h, w); err != nil {
		return err
	}
	r.figure("goodput_per_s", goodput)
	r.share("goodput_ratio", goodput/max(w.best, 0.001), 0.95)
	return nil
}

// rateOf is how many people a second entered between two parts of those who did.
func rateOf(people []*visitor, from, until float64) float64 {
	var in []time.Time
	for _, v := range people {
		if !v.in.IsZero() {
			in = append(in, v.in)
		}
	}
	slices.SortFunc(in, time.Time.Compare)
	a, b := int(from*float64(len(in))), int(until*float64(len(in)))
	if b <= a+1 {
		return 0
	}
	return float64(b-a) / in[b-1].Sub(in[a]).Seconds()
}
