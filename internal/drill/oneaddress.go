package drill

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// oneAddress is a large school behind one address, with an attacker in it: passwords tried
// without end, and requests of nobody. The ten thousand others of that address may not wait
// longer than people anywhere else.
func oneAddress(ctx context.Context, r *replay) error {
	back, err := r.apart()
	if err != nil {
		return err
	}
	defer back()
	n := r.scaled(12_000, 480)
	within := eureFor(n)
	h, err := r.crowdOf(ctx, n)
	if err != nil {
		return err
	}
	if err := h.open(ctx); err != nil {
		return err
	}
	shared := fromAnywhere(r.random)
	c := h.newCrowd(h.draw(n), within, r.usual(0.3))
	for i, v := range c.people {
		v.from = fromAnywhere(r.random)
		if i%6 > 0 {
			v.from = shared
		}
	}
	w := wave{crowd: c, teachers: h.newTeachers(c, len(h.comers["teacher"]), within)}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	r.say("fault", "%d people come, %d a second, five of six from one address; from the same one %d requests of nobody a second, and %d browsers that try passwords without end", n, eureRate, nobodyRate, guessing)
	attack, stop := context.WithCancel(ctx)
	a := attacker{house: h, from: shared}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.live(attack)
	}()
	w.live(ctx, within+8*time.Minute)
	stop()
	<-done
	r.said(w)
	r.say("wrong", "the attacker sent %d requests of nobody and tried %d passwords", a.nobody.Load(), a.tried.Load())
	here, elsewhere := waitsOf(w, shared, true), waitsOf(w, shared, false)
	outside := 0
	for _, v := range w.visitors() {
		if v.in.IsZero() && v.left.IsZero() {
			outside++
		}
	}
	r.is("still_outside", outside, 0)
	r.figure("wait_behind_the_address_s", here.Seconds())
	r.figure("wait_elsewhere_s", elsewhere.Seconds())
	r.atMost("wait_ratio", here.Seconds()/max(elsewhere.Seconds(), 0.001), 1.2)
	r.figure("attacker_requests", float64(a.nobody.Load()))
	r.figure("attacker_passwords", float64(a.tried.Load()))
	return r.judge(ctx, h, w)
}

// The attacker: requests of nobody a second, and browsers that guess.
const (
	nobodyRate = 100
	guessing   = 4
)

// waitsOf is the mean wait of those who come from an address, or of the others.
func waitsOf(w wave, from net.IP, there bool) time.Duration {
	sum, n := time.Duration(0), 0
	for _, v := range w.visitors() {
		if !v.in.IsZero() && v.from.Equal(from) == there {
			sum += v.in.Sub(v.came)
			n++
		}
	}
	return sum / time.Duration(max(n, 1))
}

type attacker struct {
	house         *house
	from          net.IP
	nobody, tried atomic.Int64
}

func (a *attacker) live(ctx context.Context) {
	var all sync.WaitGroup
	for i := range guessing {
		all.Go(func() { a.guess(ctx, i) })
	}
	tick := time.NewTicker(time.Second / nobodyRate)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			continue
		}
		all.Go(func() { // each request is of somebody who was never seen, and comes whatever became of the last
			nobody := &browser{at: a.house.entrance, from: a.from, jar: map[string]string{}, link: &traffic{}}
			defer nobody.close()
			if _, err := nobody.ask(ctx, http.MethodGet, "/sign-in", nil); err == nil {
				a.nobody.Add(1)
			}
		})
	}
	all.Wait()
}

// guess stands in line like anybody, and then tries passwords of other people back to back.
func (a *attacker) guess(ctx context.Context, number int) {
	v := &visitor{browser: &browser{at: a.house.entrance, from: a.from, jar: map[string]string{}, link: &traffic{}}}
	defer v.close()
	c := &crowd{house: a.house, at: a.house.entrance, link: v.link}
	victims := a.house.comers["pupil"]
	for n := number; ctx.Err() == nil; n += guessing {
		page, err := v.ask(ctx, http.MethodPost, "/sign-in", url.Values{"identifier": {a.house.Identifier(victims[n%len(victims)].id)}, "password": {fmt.Sprint("azerty", n)}})
		if err != nil {
			if rest(ctx, time.Second) != nil {
				return
			}
			continue
		}
		if wait, ok := v.turn(page.text); ok {
			v.looked = time.Now()
			if c.rest(ctx, v, wait) != nil {
				return
			}
			continue
		}
		a.tried.Add(1)
		if page.status == http.StatusTooManyRequests {
			if rest(ctx, 100*time.Millisecond) != nil {
				return
			}
		}
	}
}
