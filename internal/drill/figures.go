package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The figures that every crowded morning has, and the goals that each of them is judged by.
// A figure is counted at the browsers of the drill or at its own far side of the wire.

// goals of every crowded morning.
const (
	mostInversion   = 10 * time.Second
	teacherUsually  = 5 * time.Second // nineteen of twenty
	teacherAtMost   = 30 * time.Second
	rollUsually     = 500 * time.Millisecond // ninety-nine of a hundred
	alertUsually    = time.Minute            // nineteen of twenty
	backToNormal    = 30 * time.Second
	normal          = 3 * time.Second // from the first request to one's day, password included
	announcedRight  = 0.9
	lateGenerator   = time.Second // ninety-nine of a hundred arrivals and looks
	leastLine       = 10          // people who wait at once, for a line
	onTime          = 1500 * time.Millisecond
	rateWindow      = 10 * time.Second
	recoverPatience = 2 * time.Minute
)

// wave is a crowd that came, with its teachers.
type wave struct {
	*crowd
	teachers *teachers
	began    time.Time
	over     time.Time // everybody is in or gone
	best     float64   // people a second before anything was too much; 0: the best of this wave
}

// judge writes the figures of a wave and ends the program.
func (r *replay) judge(ctx context.Context, h *house, w wave) error {
	recovered, err := h.recover(ctx, w.over)
	if err != nil {
		return err
	}
	lags, missed := w.teachers.alerts(ctx)
	memory, err := peak(h.prog.cmd.Process.Pid)
	if err != nil {
		return err
	}
	in, gone, failed := 0, 0, 0
	for _, v := range w.visitors() {
		switch {
		case !v.in.IsZero():
			in++
		case !v.left.IsZero():
			gone++
		case v.err != nil:
			if failed++; failed <= mostOdd {
				r.say("wrong", "%s: %v", v.id, v.err)
			}
		}
	}
	for _, v := range w.teachers.people {
		if v.err != nil && !errors.Is(v.err, context.DeadlineExceeded) {
			if failed++; failed <= mostOdd {
				r.say("wrong", "a teacher: %v", v.err)
			}
		}
	}
	r.draw(w)
	line := w.line()
	r.figure("arrived", float64(in+gone+failed))
	r.figure("admitted", float64(in))
	r.figure("gave_up", float64(gone))
	r.is("errors", failed, 0)
	r.figure("line_max", float64(line))
	r.within("order_inversion_max_s", w.inversion(), mostInversion)
	best, during := w.rates()
	r.figure("best_per_s", cmp.Or(w.best, best))
	r.figure("goodput_per_s", during)
	r.figure("goodput_ratio", during/max(cmp.Or(w.best, best), 0.001))
	r.within("recovered_s", recovered, backToNormal)
	t := w.teachers
	r.figure("teachers", float64(len(t.people)))
	r.figure("rolls_saved", float64(len(t.saved)))
	r.is("rolls_refused", t.refused, 0)
	r.millis("roll_save_p99_ms", percentile(t.took, 99), rollUsually)
	r.within("teacher_wait_p95_s", percentile(t.waits(false), 95), teacherUsually)
	r.figure("teacher_with_session_wait_p95_s", percentile(t.waits(true), 95).Seconds())
	r.within("teacher_wait_max_s", percentile(t.waits(false), 100), teacherAtMost)
	r.within("alert_lag_p95_s", percentile(lags, 95), alertUsually)
	r.figure("alerts", float64(len(lags)))
	r.is("alerts_missed", missed, 0)
	r.share("eta_within_ratio", w.kept(), announcedRight)
	r.figure("fairness_jain", w.fairness())
	r.figure("rss_max_mib", memory)
	r.figure("generator_late_p99_s", percentile(w.late, 99).Seconds())
	r.figure("bytes_down_per_admission", float64(w.link.down.Load())/float64(max(in, 1)))
	r.figure("bytes_up_per_admission", float64(w.link.up.Load())/float64(max(in, 1)))
	if late := percentile(w.late, 99); late > lateGenerator {
		r.nothing("the crowd itself was late: one in a hundred came or looked %.1f s after their time, at most 1 s is allowed. Give it a machine on which nothing else runs", late.Seconds())
	}
	if line < leastLine {
		r.nothing("no line formed: %d people waited at once at most, so the door was never asked", line)
	}
	if err := h.stop(); err != nil {
		return err
	}
	lost, err := t.lost(ctx)
	if err != nil {
		return err
	}
	r.is("rolls_lost", lost, 0)
	return nil
}

// nothing says why a run shows nothing: neither passed nor failed.
func (r *replay) nothing(format string, args ...any) {
	if r.void == "" {
		r.void = fmt.Sprintf(format, args...)
	}
}

// visitors are the crowd without its teachers.
func (w wave) visitors() []*visitor {
	return slices.DeleteFunc(slices.Clone(w.people), func(v *visitor) bool { return v.then != nil || v.came.IsZero() })
}

// recover waits until a newcomer with a password is in as on any morning, and gives how long
// after the crowd that is.
func (h *house) recover(ctx context.Context, since time.Time) (time.Duration, error) {
	for n := 0; time.Since(since) < recoverPatience; n++ {
		c := h.newCrowd(h.draw(1), time.Millisecond, func(int) manners { return manners{} })
		c.live(ctx, recoverPatience)
		v := c.people[0]
		if v.err != nil {
			return 0, fmt.Errorf("after the crowd, %s: %w", v.id, v.err)
		}
		if v.in.Sub(v.came) <= normal {
			return max(0, v.in.Sub(since)), nil
		}
	}
	return time.Since(since), nil
}

// percentile is what so many of a hundred are within.
func percentile(of []time.Duration, p int) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Clone(of)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, max(0, (len(sorted)*p+99)/100-1))]
}

// line is how many people waited at once, at most.
func (w wave) line() (most int) {
	for _, n := range w.lengths(w.began, w.over, 250*time.Millisecond) {
		most = max(most, n)
	}
	return most
}

// lengths is how many people were in line at each step of a time: they have seen the
// waiting page, and are neither behind the door nor gone.
func (w wave) lengths(from, until time.Time, step time.Duration) []int {
	n := int(until.Sub(from)/step) + 1
	change := make([]int, n+1)
	at := func(t time.Time) int { return min(n, max(0, int(t.Sub(from)/step))) }
	for _, v := range w.people {
		if v.waited.IsZero() {
			continue
		}
		end := until.Add(step)
		for _, t := range []time.Time{v.left, v.through} {
			if !t.IsZero() {
				end = t
			}
		}
		change[at(v.waited)]++
		change[at(end)]--
	}
	out, sum := make([]int, n), 0
	for i := range out {
		sum += change[i]
		out[i] = sum
	}
	return out
}

// inversion is the most by which somebody who came later was behind the door earlier: among
// people of one lane and school who waited, and who looked when they were told to or sooner.
func (w wave) inversion() (worst time.Duration) {
	lines := map[string][]*visitor{}
	for _, v := range w.people {
		if !v.through.IsZero() && !v.waited.IsZero() && v.late <= onTime {
			lines[v.line()] = append(lines[v.line()], v)
		}
	}
	for _, in := range lines {
		slices.SortFunc(in, func(a, b *visitor) int { return a.through.Compare(b.through) })
		latest := in[0].came
		for _, v := range in {
			worst = max(worst, latest.Sub(v.came))
			if v.came.After(latest) {
				latest = v.came
			}
		}
	}
	return worst
}

// kept is the part of those who waited whose turn came when they were told: within a quarter
// of it, or half a minute.
func (w wave) kept() float64 {
	n, well := 0, 0
	for _, v := range w.people {
		if v.waited.IsZero() || v.through.IsZero() {
			continue
		}
		n++
		off := math.Abs((v.through.Sub(v.waited) - v.told).Seconds())
		if off <= 30 || off <= v.told.Seconds()/4 {
			well++
		}
	}
	if n == 0 {
		return 1
	}
	return float64(well) / float64(n)
}

// fairness is Jain's index over schools of what part of their people was in by the middle of
// the wave, of those who had come by then; 1: alike.
func (w wave) fairness() float64 {
	var ins []time.Time
	for _, v := range w.visitors() {
		if !v.in.IsZero() {
			ins = append(ins, v.in)
		}
	}
	if len(ins) == 0 {
		return 1
	}
	slices.SortFunc(ins, time.Time.Compare)
	middle := ins[len(ins)/2]
	came, in := map[string]float64{}, map[string]float64{}
	for _, v := range w.visitors() {
		if v.came.Before(middle) {
			came[v.school]++
			if !v.in.IsZero() && !v.in.After(middle) {
				in[v.school]++
			}
		}
	}
	sum, squares, n := 0.0, 0.0, 0.0
	for school, all := range came {
		if all < leastLine {
			continue // too few to say anything
		}
		x := in[school] / all
		sum, squares, n = sum+x, squares+x*x, n+1
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (n * squares)
}

// rates are the people who got in a second: in the best ten seconds, and on the whole while
// people waited.
func (w wave) rates() (best, during float64) {
	var ins []time.Time
	for _, v := range w.people {
		if !v.in.IsZero() {
			ins = append(ins, v.in)
		}
	}
	slices.SortFunc(ins, time.Time.Compare)
	for from, until := 0, 0; until < len(ins); until++ {
		for ins[until].Sub(ins[from]) > rateWindow {
			from++
		}
		best = max(best, float64(until-from+1)/rateWindow.Seconds())
	}
	const step = 250 * time.Millisecond
	lengths := w.lengths(w.began, w.over, step)
	first, last := -1, -1
	for i, n := range lengths {
		if n < leastLine {
			continue
		}
		if last = i; first < 0 {
			first = i
		}
	}
	if last <= first {
		return best, 0
	}
	from, until := w.began.Add(time.Duration(first)*step), w.began.Add(time.Duration(last+1)*step)
	n := 0
	for _, t := range ins {
		if !t.Before(from) && t.Before(until) {
			n++
		}
	}
	return best, float64(n) / until.Sub(from).Seconds()
}

// peak is the most memory that a process had, in MiB.
func peak(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	field, _, _ := strings.Cut(strings.TrimSpace(lineAfter(string(b), "VmHWM:")), " ")
	kib, err := strconv.ParseFloat(field, 64)
	if err != nil {
		return 0, errors.New("the program's memory cannot be read")
	}
	return kib / 1024, nil
}

// lineAfter is the rest of the line that a name begins.
func lineAfter(text, name string) string {
	_, after, _ := strings.Cut(text, name)
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}
