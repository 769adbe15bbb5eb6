package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is many people before the door, each at a browser of their own: they come whether or
// not the program keeps up (open loop), do what the waiting page says, or reload.
type crowd struct {
	house   *house
	base    string
	client  *http.Client
	people  []*visitor
	waiting atomic.Int64
	most    atomic.Int64
	late    atomic.Int64 // microseconds by which the generator was late, at most
}

// visitor is one of them.
type visitor struct {
	id                string // person
	arrives           time.Duration
	reloads           time.Duration // every so often, whatever the page says; 0: not
	came, through, in time.Time     // before the door, behind it, signed in with their day before them
	told              time.Duration // until their turn, as they were told first
	looks             int
	err               error
	jar               map[string]string
}

// newCrowd makes the people: their arrivals are drawn evenly over a time.
func (h *house) newCrowd(ids []string, within time.Duration, random *rand.Rand, reloading float64) *crowd {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	c := &crowd{house: h, base: h.prog.url, client: &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: dialer.DialContext, MaxIdleConns: 4096, MaxIdleConnsPerHost: 4096, DisableCompression: true}}}
	for _, id := range ids {
		v := &visitor{id: id, arrives: time.Duration(random.Int64N(int64(within))), jar: map[string]string{}}
		if random.Float64() < reloading {
			v.reloads = 10 * time.Second
		}
		c.people = append(c.people, v)
	}
	slices.SortFunc(c.people, func(a, b *visitor) int { return int(a.arrives - b.arrives) })
	return c
}

// live lets everybody come and waits until all are in, or the time is over.
func (c *crowd) live(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	began := time.Now()
	var all sync.WaitGroup
	for _, v := range c.people {
		select {
		case <-time.After(time.Until(began.Add(v.arrives))):
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		v.came = time.Now()
		c.late.Store(max(c.late.Load(), v.came.Sub(began.Add(v.arrives)).Microseconds()))
		all.Go(func() { v.err = c.enter(ctx, v) })
	}
	all.Wait()
}

var (
	refreshWords = regexp.MustCompile(`http-equiv="refresh" content="(\d+)"`)
	turnWords    = regexp.MustCompile(`dans (\d+) à (\d+) minutes`)
)

var errNotIn = errors.New("signed in, and not inside")

// enter is one person's way in: the page, their turn, the password, their day.
func (c *crowd) enter(ctx context.Context, v *visitor) error {
	c.most.Store(max(c.most.Load(), c.waiting.Add(1)))
	defer c.waiting.Add(-1)
	for {
		text, _, err := c.ask(ctx, v, http.MethodGet, "/sign-in", nil)
		if err != nil {
			return err
		}
		if wait, ok := c.turn(v, text); ok {
			if err := rest(ctx, wait); err != nil {
				return err
			}
			continue
		}
		if v.through.IsZero() {
			v.through = time.Now()
		}
		_, to, err := c.ask(ctx, v, http.MethodPost, "/sign-in", url.Values{"identifier": {c.house.Identifier(v.id)}, "password": {c.house.Password}})
		if err != nil {
			return err
		}
		if to == "" {
			continue // the seat was lost meanwhile, or the password waits: the page says when
		}
		text, _, err = c.ask(ctx, v, http.MethodGet, "/", nil)
		if err != nil {
			return err
		}
		if strings.Contains(text, `action="/sign-out"`) {
			v.in = time.Now()
			return nil
		}
		return errNotIn
	}
}

// turn reads the waiting page; false: it is another one.
func (c *crowd) turn(v *visitor, text string) (time.Duration, bool) {
	next := refreshWords.FindStringSubmatch(text)
	if next == nil {
		return 0, false
	}
	if v.looks++; v.told == 0 {
		v.told = 30 * time.Second
		if m := turnWords.FindStringSubmatch(strings.ReplaceAll(text, "\u00a0", " ")); m != nil {
			from, _ := strconv.Atoi(m[1])
			until, _ := strconv.Atoi(m[2])
			v.told = time.Duration(from+until) * time.Minute / 2
		}
	}
	seconds, _ := strconv.Atoi(next[1])
	wait := time.Duration(seconds) * time.Second
	if v.reloads > 0 {
		wait = min(wait, v.reloads)
	}
	return wait, true
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask is one request with the person's cookies. A status that says that something failed is
// an error: nobody may meet one.
func (c *crowd) ask(ctx context.Context, v *visitor, method, path string, form url.Values) (text, to string, err error) {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return "", "", err
	}
	r.Header.Set("Origin", c.base)
	r.Header.Set("Accept-Language", "fr")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range v.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	res, err := c.client.Do(r)
	if err != nil {
		return "", "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", "", err
	}
	for _, k := range res.Cookies() {
		if v.jar[k.Name] = k.Value; k.MaxAge < 0 {
			delete(v.jar, k.Name)
		}
	}
	if res.StatusCode >= 400 {
		return "", "", fmt.Errorf("%s %s: %d: %s", method, path, res.StatusCode, words(string(b)))
	}
	return string(b), res.Header.Get("Location"), nil
}

// inversion is the most by which somebody who came later was behind the door earlier, of
// those who did what the page said and of those who reloaded alike.
func (c *crowd) inversion() (worst time.Duration) {
	in := slices.DeleteFunc(slices.Clone(c.people), func(v *visitor) bool { return v.through.IsZero() || v.told == 0 })
	slices.SortFunc(in, func(a, b *visitor) int { return a.through.Compare(b.through) })
	var latest time.Time
	for _, v := range in {
		if !latest.IsZero() {
			worst = max(worst, latest.Sub(v.came))
		}
		if v.came.After(latest) {
			latest = v.came
		}
	}
	return worst
}

// kept is the part of those who waited whose turn came when they were told: within a quarter
// of it, or half a minute.
func (c *crowd) kept() float64 {
	n, well := 0, 0
	for _, v := range c.people {
		if v.told == 0 || v.in.IsZero() {
			continue
		}
		n++
		off := math.Abs((v.through.Sub(v.came) - v.told).Seconds())
		if off <= 30 || off <= v.told.Seconds()/4 {
			well++
		}
	}
	if n == 0 {
		return 1
	}
	return float64(well) / float64(n)
}
