package drill

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"time"
)

// sixApril is 6 April 2021: ten times more people than the machine serves, each reloading,
// none of them listening to what the page says. What gets done must not collapse, and when
// they are gone the next one enters as if nothing had been.
func sixApril(ctx context.Context, r *replay) error {
	if _, err := exec.LookPath("taskset"); err != nil {
		return errors.New("this drill gives the program a core of its own: taskset (util-linux) is missing")
	}
	wave := max(20*time.Second, time.Duration(float64(5*time.Minute)*r.options.Scale))
	const calm = 600 // people of the measurement before
	h, err := r.houseOf(ctx, calm+2_000+100, 0, true)
	if err != nil {
		return err
	}
	h.core = 0
	if err := h.start(ctx, h.clock(h.town.Tuesday, "08:06")); err != nil {
		return err
	}
	ids := slices.Clone(h.book.pupils)
	teacher, err := h.newRolls()
	if err != nil {
		return err
	}
	// The best: as many as the door lets in while somebody always waits, after it has learned.
	before := h.newCrowd(ids[:calm], calm/60*time.Second, r.random, 0)
	before.live(ctx, 5*time.Minute)
	best := rateOf(before.people, 0.4, 0.95)
	r.say("person", "the best: %.1f people a second are signed in and see their day", best)
	// Everybody at once: more than there are accounts for, so people come again and again.
	n := int(10 * best * wave.Seconds())
	many := make([]string, n)
	for i := range many {
		many[i] = ids[calm+i%2_000]
	}
	c := h.newCrowd(many, wave, r.random, 1)
	for _, v := range c.people {
		v.reloads = 3 * time.Second
	}
	r.say("fault", "%d come in %.0f s and reload every 3 s, whatever the page says", n, wave.Seconds())
	ended, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		teacher.live(ctx, ended)
	}()
	began := time.Now()
	c.live(ctx, wave) // and then they all give up
	gone := time.Now()
	close(ended)
	<-over
	in, failed := 0, 0
	for _, v := range c.people {
		if !v.in.IsZero() {
			in++
		} else if v.err != nil && !errors.Is(v.err, context.DeadlineExceeded) {
			if failed++; failed <= 3 {
				r.say("wrong", "%v", v.err)
			}
		}
	}
	good := 0
	for _, v := range c.people { // without the first seconds, in which the line begins
		if v.in.After(began.Add(wave / 4)) {
			good++
		}
	}
	goodput := float64(good) / (gone.Sub(began) - wave/4).Seconds()
	r.say("sent", "%d were in, %.1f a second; at most %d were outside at once", in, goodput, c.most.Load())
	// The next one.
	next := h.newCrowd(ids[calm+2_000:calm+2_001], time.Millisecond, r.random, 0)
	next.live(ctx, 2*time.Minute)
	recovered := 2 * time.Minute
	if v := next.people[0]; !v.in.IsZero() {
		recovered = v.in.Sub(gone)
	}
	r.say("corrected", "%.1f s after they gave up the next one is in", recovered.Seconds())
	memory, err := peak(h.prog.cmd.Process.Pid)
	if err != nil {
		return err
	}
	r.figure("arrived", float64(n))
	r.figure("admitted", float64(in))
	r.is("errors", failed, 0)
	r.figure("line_max", float64(c.most.Load()))
	r.figure("best_per_s", best)
	r.figure("goodput_per_s", goodput)
	r.atLeast("goodput_percent", int(100*goodput/max(best, 0.1)), 95)
	r.within("recovered_s", recovered, 30*time.Second)
	r.within("order_inversion_max_s", c.inversion(), 10*time.Second)
	r.figure("rolls_saved", float64(teacher.saved))
	r.is("rolls_refused", teacher.refused, 0)
	r.within("roll_save_p99", teacher.p99(), 500*time.Millisecond)
	r.figure("rss_max_mib", memory)
	r.within("generator_late_s", time.Duration(c.late.Load())*time.Microsecond, 2*time.Second)
	r.atLeast("waited", waited(c), 1)
	return h.stop()
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
