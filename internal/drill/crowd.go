package drill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// crowd is many people before the door, each at a browser of their own: they come whether or
// not the program keeps up (open loop), do what the waiting page says, or reload.
type crowd struct {
	house  *house
	at     string // host and port that they come to
	people []*visitor
	link   *traffic

	mu   sync.Mutex
	late []time.Duration // by which the generator was late, at each arrival and each look
}

// manners are how somebody behaves.
type manners struct {
	reloads  time.Duration // looks at least this often, whatever the page says; 0: as it says
	stubborn bool          // looks exactly as often as that, whatever the page says
	patience time.Duration // then they close the page; 0: they stay
	forgets  bool          // types a wrong password first
	own      bool          // has a live session
	known    bool          // has no session, at a browser that had one
	calls    bool          // has a roll to call, and reads what the waiting page says of it
}

// visitor is one of them.
type visitor struct {
	comer
	manners
	*browser
	arrives time.Duration

	came    time.Time // before the door
	through time.Time // behind it
	in      time.Time // signed in with their day before them
	waited  time.Time // saw the waiting page first
	left    time.Time // closed the page
	looked  time.Time
	told    time.Duration // until their turn, as they were told first
	looks   int
	late    time.Duration // the most by which a look came after it was due
	refused int           // connections that nobody took: the program was off
	beside  bool          // took the way of teachers who have a roll to call
	err     error
	hand    chan struct{}                         // of room one, where a crowd is larger than the school and several come by one name; nil: they are alone
	then    func(context.Context, *visitor) error // what they do when they are in
}

// line is among whom the order is kept: whoever a door can know of the same lane and school
// and class, and those of whom it can know nothing.
func (v *visitor) line() string {
	if v.beside {
		return "beside" // of those who have a lesson: another lane, once the password says so
	}
	if !v.own {
		return map[bool]string{true: "known " + string(v.role) + v.school, false: ""}[v.known]
	}
	return string(v.role) + " " + v.school + " " + v.class
}

// fromAnywhere draws an address of this machine's own network, which nobody else has.
func fromAnywhere(random *rand.Rand) net.IP {
	return net.IPv4(127, byte(1+random.IntN(250)), byte(random.IntN(256)), byte(1+random.IntN(250)))
}

// newCrowd makes people who come evenly over a time.
func (h *house) newCrowd(who []comer, within time.Duration, behave func(i int) manners) *crowd {
	c := &crowd{house: h, at: h.entrance, link: &traffic{}}
	random := h.replay.random
	schools := map[string]net.IP{}
	for i, one := range who {
		v := &visitor{comer: one, manners: behave(i), arrives: time.Duration(random.Int64N(max(1, int64(within))))}
		from := fromAnywhere(random)
		if random.IntN(100) < atSchool { // at a school's own address, which many share
			if schools[one.school] == nil {
				schools[one.school] = from
			}
			from = schools[one.school]
		}
		v.browser = &browser{at: c.at, from: from, jar: map[string]string{}, link: c.link}
		c.people = append(c.people, v)
	}
	return c
}

// atSchool is how many people of a hundred share their school's address.
const atSchool = 30

// usual is how people behave: some reload, some forget, some close the page.
func (r *replay) usual(reloading float64) func(int) manners {
	return func(int) manners {
		m := manners{forgets: r.random.IntN(100) < 5}
		if r.random.Float64() < reloading {
			m.reloads = 10 * time.Second
		}
		if r.random.IntN(100) < 3 {
			m.patience = time.Duration(20+r.random.IntN(60)) * time.Second
		}
		return m
	}
}

// prepare signs in whoever has been signed in before the crowd, and closes their browsers:
// their places in the house are over, their cookies are not.
func (c *crowd) prepare(ctx context.Context) error {
	todo := make(chan *visitor)
	errs := make(chan error, 4)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for v := range todo {
				if err := c.signedInBefore(ctx, v); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for _, v := range c.people {
		if v.own || v.known {
			todo <- v
		}
	}
	close(todo)
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func (c *crowd) signedInBefore(ctx context.Context, v *visitor) error {
	early := &visitor{comer: v.comer, browser: &browser{at: c.house.prog.addr(), from: v.from, jar: v.jar, link: &traffic{}}}
	defer early.close()
	if err := c.enter(ctx, early); err != nil {
		return fmt.Errorf("%s cannot sign in before the crowd: %w", v.id, err)
	}
	for name := range v.jar {
		if strings.HasSuffix(name, "-seat") || strings.HasSuffix(name, "-line") || v.known && (name == "preau" || name == "__Host-preau") {
			delete(v.jar, name)
		}
	}
	return nil
}

// live lets everybody come and waits until all are in or gone, or the time is over.
func (c *crowd) live(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	slices.SortFunc(c.people, func(a, b *visitor) int { return cmp.Compare(a.arrives, b.arrives) })
	began := time.Now()
	var all sync.WaitGroup
	for _, v := range c.people {
		if rest(ctx, time.Until(began.Add(v.arrives))) != nil {
			break
		}
		v.came = time.Now()
		c.wasLate(v.came.Sub(began.Add(v.arrives)))
		all.Go(func() {
			defer v.close()
			if v.err = c.visit(ctx, v); v.err == nil && v.then != nil && !v.in.IsZero() {
				v.err = v.then(ctx, v)
			}
		})
	}
	all.Wait()
}

func (c *crowd) wasLate(by time.Duration) {
	c.mu.Lock()
	c.late = append(c.late, by)
	c.mu.Unlock()
}

// visit is a whole visit: until they are in, or their patience is over.
func (c *crowd) visit(ctx context.Context, v *visitor) error {
	if v.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, v.patience, errGaveUp)
		defer cancel()
	}
	err := c.enter(ctx, v)
	if err != nil && errors.Is(context.Cause(ctx), errGaveUp) {
		v.left = time.Now()
		return nil
	}
	if ctx.Err() != nil {
		v.left = time.Now()
	}
	return err
}

var (
	errGaveUp = errors.New("closed the page")
	errNotIn  = errors.New("signed in, and not inside")
	errBeside = errors.New("took the way beside the line")
)

// rollNow is where the waiting page sends teachers who have a lesson, rollSignIn where it
// leads whoever is not signed in, and found is how long one of them reads until they see it.
const (
	rollNow    = "/roll/now"
	rollSignIn = "/sign-in/roll"
	found      = 5 * time.Second
)

// retypes is how long somebody takes until they send a password again.
const retypes = 2 * time.Second

// mostTries is how often somebody types their password who does not get in by it.
const mostTries = 20

// enter is one person's way in: the page, their turn, the password, their day.
func (c *crowd) enter(ctx context.Context, v *visitor) error {
	path, to := "/sign-in", "/sign-in"
	if v.own {
		path = "/"
	}
	nights := c.house.nights.Load()
	for range mostTries {
		a, err := c.look(ctx, v, path)
		if errors.Is(err, errBeside) {
			v.beside = true
			path, to = rollNow, rollSignIn
			continue
		}
		if err != nil {
			return err
		}
		if strings.Contains(a.text, `action="/sign-out"`) {
			v.in = time.Now()
			return nil
		}
		if path = to; !strings.Contains(a.text, `name="password"`) {
			slept := c.house.nights.Load()
			switch {
			case a.to != "":
				path = a.to
			case slept == nights:
				path = "/"
			}
			nights = slept // whoever was signed out by a night that passed signs in again
			continue
		}
		password := c.house.Password
		if v.forgets {
			password, v.forgets = "je-ne-sais-plus", false
		}
		if a, err = v.types(ctx, func() (answer, error) {
			return c.polite(ctx, v, http.MethodPost, to, url.Values{"identifier": {c.house.Identifier(v.id)}, "password": {password}})
		}); err != nil {
			return err
		}
		if wait, ok := v.turn(a.text); ok { // the seat was lost meanwhile, or the password waits: the page says when
			if err := c.rest(ctx, v, wait); err != nil {
				return err
			}
			continue
		}
		if a.to != "" {
			path = a.to
			continue
		}
		// The form came back: mistyped, or somebody tries the same name at the same moment.
		if err := rest(ctx, retypes); err != nil {
			return err
		}
	}
	return errNotIn
}

// types sends a password: of those who come by one name, one at a time.
func (v *visitor) types(ctx context.Context, send func() (answer, error)) (answer, error) {
	if v.hand != nil {
		select {
		case v.hand <- struct{}{}:
			defer func() { <-v.hand }()
		case <-ctx.Done():
			return answer{}, ctx.Err()
		}
	}
	return send()
}

// look asks for a page until it is not the waiting page.
func (c *crowd) look(ctx context.Context, v *visitor, path string) (answer, error) {
	for {
		a, err := c.polite(ctx, v, http.MethodGet, path, nil)
		if err != nil {
			return a, err
		}
		wait, ok := v.turn(a.text)
		if !ok {
			if v.through.IsZero() {
				v.through = time.Now()
			}
			return a, nil
		}
		if v.calls && path == "/sign-in" && strings.Contains(a.text, `href="`+rollNow+`"`) {
			return a, cmp.Or(rest(ctx, found), errBeside)
		}
		if err := c.rest(ctx, v, wait); err != nil {
			return a, err
		}
	}
}

// polite is one request. A status that says that something failed is an error: nobody may
// meet one, except whoever typed a wrong password. While the program is switched off by the
// drill, a browser tells its reader so, who tries again.
func (c *crowd) polite(ctx context.Context, v *visitor, method, path string, form url.Values) (answer, error) {
	for {
		v.looked = time.Now()
		a, err := v.ask(ctx, method, path, form)
		if err != nil && ctx.Err() == nil && c.house.off(v.looked) {
			v.refused++
			if err := rest(ctx, time.Second); err != nil {
				return a, err
			}
			continue
		}
		if err != nil {
			return a, err
		}
		if a.status >= 400 && !(a.status == http.StatusUnauthorized && method == http.MethodPost) {
			return a, fmt.Errorf("%s %s: %d: %s", method, path, a.status, words(a.text))
		}
		return a, nil
	}
}

// rest waits for the next look.
func (c *crowd) rest(ctx context.Context, v *visitor, told time.Duration) error {
	wait := told
	switch {
	case v.stubborn:
		wait = v.reloads
	case v.reloads > 0:
		wait = min(wait, v.reloads)
	}
	due := v.looked.Add(wait)
	if err := rest(ctx, time.Until(due)); err != nil {
		return err
	}
	c.wasLate(time.Since(due))
	v.late = max(v.late, time.Since(v.looked.Add(told)))
	return nil
}

// turn reads the waiting page; false: it is another one.
func (v *visitor) turn(text string) (time.Duration, bool) {
	_, after, ok := strings.Cut(text[:min(len(text), 1<<10)], `http-equiv="refresh" content="`)
	if !ok {
		return 0, false
	}
	next, after, _ := strings.Cut(after, `"`)
	seconds, err := strconv.Atoi(next)
	if err != nil {
		return 0, false
	}
	if v.looks++; v.looks == 1 {
		v.waited, v.told = time.Now(), turnTold(after)
	}
	return time.Duration(seconds) * time.Second, true
}

// turnTold is the middle of the time that the waiting page says: "dans 3 à 5 minutes".
func turnTold(text string) time.Duration {
	_, turn, ok := strings.Cut(strings.ReplaceAll(text[:min(len(text), 300)], "\u00a0", " "), "dans ")
	var from, until int
	if n, _ := fmt.Sscanf(turn, "%d à %d minutes", &from, &until); !ok || n < 2 {
		return 30 * time.Second
	}
	return time.Duration(from+until) * time.Minute / 2
}

func rest(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
