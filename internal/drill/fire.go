package drill

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/page"
)

// A wrong-message drill under fire: while its acts are played, six-april's crowd is before the
// same program. Whoever works in the school is inside when it begins, as on any morning.

// fire is a crowd that never ends.
type fire struct {
	crowd   *crowd
	random  *rand.Rand
	stop    context.CancelFunc
	done    chan struct{}
	figures *burnt
	most    int64 // outside at once; whoever comes then goes away. 0: as many as come
}

// burnt counts over all programs of a drill.
type burnt struct {
	arrived, admitted, failed, outside, line atomic.Int64
	mu                                       sync.Mutex
	odd                                      []error
	late                                     []time.Duration
}

// fireRate is ten times what one core signs in a second by passwords.
const fireRate = 300

// underFire lights it on the program that runs, and on each that is started from here on.
func (h *house) underFire(ctx context.Context) error {
	r := h.replay
	if !r.options.Fire {
		return nil
	}
	if r.burnt == nil { // else it is the crowd of another program, which comes on
		r.burnt = &burnt{}
	}
	r.say("fault", "from here on six-april is before the same program: %d people a second, each reloading every 3 s", fireRate)
	if err := h.light(ctx); err != nil {
		return err
	}
	// The acts begin when it burns.
	for began := time.Now(); r.burnt.outside.Load() < r.least(burning) && time.Since(began) < kindled; {
		if err := rest(ctx, lookEvery); err != nil {
			return err
		}
	}
	return nil
}

// It burns when so many are outside, or after so long.
const (
	burning = 2_000
	kindled = 15 * time.Second
)

// light signs in who works in the school, and lets the crowd come.
func (h *house) light(ctx context.Context) error {
	staff := []string{h.town.Cast.Head, h.town.Cast.CPE, h.town.Cast.Office, h.town.Cast.Supervisor, h.town.Cast.Nadia, h.town.Cast.Lea, app.DrillOperator}
	for _, s := range h.town.Sittings {
		staff = append(staff, s.Staff[0].Person)
	}
	for _, id := range staff {
		if _, err := h.see(id, "/"); err != nil { // who was signed out for the night signs in before the crowd
			return err
		}
	}
	ctx, stop := context.WithCancel(ctx)
	f := &fire{crowd: &crowd{house: h, at: h.prog.addr(), link: &traffic{}}, random: rand.New(rand.NewPCG(uint64(h.replay.options.Seed), 406)), stop: stop, done: make(chan struct{}), figures: h.replay.burnt}
	if h.replay.options.quick { // a test asks whether it is right, on a machine that does other things too
		f.most = h.replay.least(burning)
	}
	h.burns = f
	who := append(h.comers[page.Pupil][:len(h.comers[page.Pupil]):len(h.comers[page.Pupil])], h.comers[page.Guardian]...)
	go f.live(ctx, who)
	return nil
}

func (f *fire) live(ctx context.Context, who []comer) {
	defer close(f.done)
	hands := map[string]chan struct{}{}
	for _, c := range who {
		hands[c.id] = make(chan struct{}, 1)
	}
	var all sync.WaitGroup
	began := time.Now()
	for n := 0; ; n++ {
		due := began.Add(time.Duration(n) * time.Second / fireRate)
		if rest(ctx, time.Until(due)) != nil {
			break
		}
		f.crowd.wasLate(time.Since(due))
		if f.most > 0 && f.figures.outside.Load() >= f.most {
			continue
		}
		v := &visitor{comer: who[f.random.IntN(len(who))], manners: manners{reloads: 3 * time.Second, stubborn: true, patience: time.Duration(20+f.random.IntN(50)) * time.Second}}
		v.hand = hands[v.id]
		v.browser = &browser{at: f.crowd.at, from: fromAnywhere(f.random), jar: map[string]string{}, link: f.crowd.link}
		all.Go(func() { f.visit(ctx, v) })
	}
	all.Wait()
}

func (f *fire) visit(ctx context.Context, v *visitor) {
	b := f.figures
	b.arrived.Add(1)
	b.line.Store(max(b.line.Load(), b.outside.Add(1)))
	defer b.outside.Add(-1)
	defer v.close()
	err := f.crowd.visit(ctx, v)
	switch {
	case !v.in.IsZero():
		b.admitted.Add(1)
	case err != nil && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded):
		b.failed.Add(1)
		b.mu.Lock()
		if len(b.odd) < mostOdd {
			b.odd = append(b.odd, err)
		}
		b.mu.Unlock()
	}
}

// quench ends the crowd before the program ends.
func (h *house) quench() {
	f := h.burns
	if f == nil {
		return
	}
	h.burns = nil
	f.stop()
	<-f.done
	f.figures.mu.Lock()
	f.figures.late = append(f.figures.late, f.crowd.late...)
	f.figures.mu.Unlock()
}

// ashes writes what the crowd of a drill was.
func (r *replay) ashes() {
	b := r.burnt
	if b == nil {
		return
	}
	for _, err := range b.odd {
		r.say("wrong", "in the crowd: %v", err)
	}
	r.figure("fire_arrived", float64(b.arrived.Load()))
	r.figure("fire_admitted", float64(b.admitted.Load()))
	r.figure("fire_line_max", float64(b.line.Load()))
	r.is("fire_errors", int(b.failed.Load()), 0)
	if late := percentile(b.late, 99); late > lateGenerator {
		r.nothing("the crowd itself was late: one in a hundred came or looked %.1f s after their time, at most 1 s is allowed", late.Seconds())
	}
	if b.line.Load() < 10*leastLine {
		r.nothing("no line formed: %d people were outside at once at most", b.line.Load())
	}
}
