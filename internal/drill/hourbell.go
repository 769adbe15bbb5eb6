package drill

import (
	"context"
	"slices"
	"time"
)

// hourBell is a full hour: four hundred classes of thirty begin in the same minute, each with
// its teacher, all of them with a live session. Ten pupils of thirty are no class: what counts
// is how long after the first one of a class the thirtieth is in.
func hourBell(ctx context.Context, r *replay) error {
	back, err := r.apart()
	if err != nil {
		return err
	}
	defer back()
	classes := r.scaled(400, 12)
	h, err := r.crowdOf(ctx, classes*30*5/4) // a class is not always thirty, nor does it always sit as one
	if err != nil {
		return err
	}
	if err := h.open(ctx); err != nil {
		return err
	}
	within := time.Duration(classes) * time.Minute / 400 // 200 a second, whatever the scale
	c := h.newCrowd(nil, within, nil)
	teachers := h.newTeachers(c, len(h.comers["teacher"]), within)
	pupils := map[string][]comer{}
	for _, p := range h.comers["pupil"] {
		pupils[p.class] = append(pupils[p.class], p)
	}
	// Each class comes together, at a moment of the minute, with its teacher.
	n := 0
	teachers.people = slices.DeleteFunc(teachers.people, func(v *visitor) bool {
		if v.class == "" || n >= classes {
			return true
		}
		n++
		at := time.Duration(r.random.Int64N(int64(max(1, within-comesTogether))))
		v.arrives, v.own, v.known = at+time.Duration(r.random.Int64N(int64(comesTogether))), true, false
		some := h.newCrowd(pupils[v.class], comesTogether, func(int) manners { return manners{own: true} })
		for _, p := range some.people {
			p.arrives += at
			p.link = c.link
		}
		c.people = append(c.people, some.people...)
		return false
	})
	c.people = slices.DeleteFunc(c.people, func(v *visitor) bool { return v.then != nil && !slices.Contains(teachers.people, v) })
	w := wave{crowd: c, teachers: teachers}
	r.say("person", "%d people sign in on the day before, and keep their sessions", len(c.people))
	if err := c.prepare(ctx); err != nil {
		return err
	}
	r.say("fault", "%d classes begin in %.0f s, %d people", n, within.Seconds(), len(c.people))
	w.live(ctx, within+8*time.Minute)
	r.said(w)
	whole := cohorts(w.visitors())
	r.figure("classes", float64(len(whole)))
	r.figure("cohort_p50_s", percentile(whole, 50).Seconds())
	r.figure("cohort_p95_s", percentile(whole, 95).Seconds())
	r.within("cohort_max_s", percentile(whole, 100), cohortGoal)
	return r.judge(ctx, h, w)
}

// A class comes in so much time, and is whole so long after its first.
const (
	comesTogether = 5 * time.Second
	cohortGoal    = 10 * time.Second
)

// cohorts are, for each class, the time from the first of its pupils in to the last. A class
// of which somebody is not in takes as long as anybody looked.
func cohorts(people []*visitor) (out []time.Duration) {
	first, last := map[string]time.Time{}, map[string]time.Time{}
	for _, v := range people {
		in := v.in
		if in.IsZero() {
			in = time.Now()
		}
		if f, ok := first[v.class]; !ok || in.Before(f) {
			first[v.class] = in
		}
		if in.After(last[v.class]) {
			last[v.class] = in
		}
	}
	for class := range first {
		out = append(out, last[class].Sub(first[class]))
	}
	return out
}
