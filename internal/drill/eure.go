package drill

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// eure is 16 March 2020: fifteen thousand people in five minutes where five thousand could be
// held. Everybody has to give a password, three in ten reload every ten seconds whatever the
// page says, and teachers call their rolls. The program has one core, this one the other.
func eure(ctx context.Context, r *replay) error {
	if _, err := exec.LookPath("taskset"); err != nil {
		return errors.New("this drill gives the program a core of its own: taskset (util-linux) is missing")
	}
	n := r.scaled(15_000, 300)
	within := time.Duration(float64(n) / 50 * float64(time.Second)) // 50 a second, whatever the scale
	h, err := r.houseOf(ctx, n, 0, true)
	if err != nil {
		return err
	}
	h.core = 0
	if err := h.start(ctx, h.clock(h.town.Tuesday, "08:06")); err != nil {
		return err
	}
	ids := slices.Clone(h.book.pupils)
	c := h.newCrowd(ids, within, r.random, 0.3)
	rolls, err := h.newRolls()
	if err != nil {
		return err
	}
	r.say("fault", "%d people begin to come, 50 a second; the program has one core", n)
	ended, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		rolls.live(ctx, ended)
	}()
	began := time.Now()
	c.live(ctx, within+8*time.Minute)
	close(ended)
	<-over
	in, failed := 0, 0
	var first, last time.Time
	for _, v := range c.people {
		switch {
		case v.err != nil && v.in.IsZero():
			if failed++; failed <= 3 {
				r.say("wrong", "%v", v.err)
			}
		case !v.in.IsZero():
			in++
			if first.IsZero() || v.in.Before(first) {
				first = v.in
			}
			if v.in.After(last) {
				last = v.in
			}
		}
	}
	r.say("sent", "%d are in after %.0f s; at most %d waited at once; %d rolls saved meanwhile", in, time.Since(began).Seconds(), c.most.Load(), rolls.saved)
	memory, err := peak(h.prog.cmd.Process.Pid)
	if err != nil {
		return err
	}
	r.figure("arrived", float64(n))
	r.is("admitted", in, n)
	r.is("errors", failed, 0)
	r.figure("line_max", float64(c.most.Load()))
	r.within("order_inversion_max_s", c.inversion(), 10*time.Second)
	r.within("last_after_first_s", last.Sub(first), within+time.Duration(float64(3*time.Minute)*max(r.options.Scale, 0.2)))
	r.figure("eta_within_ratio", c.kept())
	r.figure("rolls_saved", float64(rolls.saved))
	r.is("rolls_refused", rolls.refused, 0)
	r.within("roll_save_p99", rolls.p99(), 500*time.Millisecond)
	r.figure("rss_max_mib", memory)
	// A generator that was late, or a morning on which nobody waited, shows nothing.
	r.within("generator_late_s", time.Duration(c.late.Load())*time.Microsecond, time.Second)
	r.atLeast("waited", waited(c), 1)
	return h.stop()
}

func waited(c *crowd) (n int) {
	for _, v := range c.people {
		if v.looks > 0 {
			n++
		}
	}
	return n
}

// peak is the most memory that a process had, in MiB.
func peak(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	field := strings.Fields(after)
	if len(field) == 0 {
		return 0, errors.New("the program's memory cannot be read")
	}
	kib, err := strconv.ParseFloat(field[0], 64)
	return kib / 1024, err
}

// rolls are what teachers save while everybody comes: one roll a second.
type rolls struct {
	house   *house
	teacher *person
	path    string
	form    url.Values
	took    []time.Duration
	saved   int
	refused int
}

// newRolls signs a teacher in and opens their roll, before the crowd.
func (h *house) newRolls() (*rolls, error) {
	s := h.firstHour(h.town.Tuesday)[0]
	p, err := h.as(s.Staff[0].Person)
	if err != nil {
		return nil, err
	}
	path := "/roll/" + s.ID
	text, err := h.see(s.Staff[0].Person, path)
	if err != nil {
		return nil, err
	}
	form, err := formTo(text, path)
	return &rolls{house: h, teacher: p, path: path, form: form}, err
}

func (r *rolls) live(ctx context.Context, ended <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		began := time.Now()
		status, _, err := r.teacher.post(r.path, r.form)
		if r.took = append(r.took, time.Since(began)); err != nil || status != http.StatusOK {
			r.refused++
			continue
		}
		r.saved++
	}
}

func (r *rolls) p99() time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	slices.Sort(r.took)
	return r.took[len(r.took)*99/100]
}
