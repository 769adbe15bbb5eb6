package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fill takes every place near a worker.
func fill(t testing.TB, p *pool) (leave func()) {
	t.Helper()
	var all []func()
	for range 2 * p.size() {
		leave, err := p.come(t.Context(), first, time.Time{}, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, leave)
	}
	return func() {
		for _, leave := range all {
			leave()
		}
	}
}

// Staff are called before others, and within a kind who first came is called first,
// however often they were sent away. Nobody is shut out: after three of staff somebody
// else is called.
func TestPoolOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1)
		fill(t, p)
		begin := time.Now()
		var mu sync.Mutex
		var called []string
		var all sync.WaitGroup
		come := func(name string, k kind, since time.Time) {
			all.Go(func() {
				away, err := p.come(t.Context(), k, since, time.Hour)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				mu.Lock()
				called = append(called, name)
				mu.Unlock()
				time.Sleep(time.Millisecond)
				away()
			})
			synctest.Wait()
			time.Sleep(time.Millisecond)
		}
		for n := range 3 {
			come(fmt.Sprintf("pupil%d", n), ordinary, time.Time{})
		}
		come("back", ordinary, begin.Add(-time.Minute)) // was here a minute ago
		come("liar", ordinary, begin.Add(time.Hour))    // nobody comes from the future
		for n := range 5 {
			come(fmt.Sprintf("staff%d", n), first, time.Time{})
		}
		p.away() // one place only, to see an order
		all.Wait()
		if want := "[staff0 staff1 staff2 back staff3 staff4 pupil0 pupil1 pupil2 liar]"; fmt.Sprint(called) != want {
			t.Errorf("called %v, want %s", called, want)
		}
	})
}

// Nobody waits longer than the patience, a part of the places is kept for staff, and
// whoever waited in vain or went away leaves nothing behind.
func TestPoolPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(1)
		leave := fill(t, p)
		p.spell = 50 * time.Millisecond // ten places, three of them kept
		answers := make(chan error, 100)
		ask := func(ctx context.Context, k kind) {
			go func() {
				away, err := p.come(ctx, k, time.Time{}, poolPatience)
				if err == nil {
					away()
				}
				answers <- err
			}()
			synctest.Wait()
		}
		for range 20 {
			ask(t.Context(), ordinary)
		}
		if len(answers) != 13 || p.crowd() != 7 {
			t.Fatalf("%d were told at once that it takes too long and %d wait; want 13 and 7", len(answers), p.crowd())
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range 12 {
			ask(ctx, first)
		}
		if p.crowd() != 17 {
			t.Errorf("%d wait, want ten of staff beside the seven", p.crowd())
		}
		cancel()
		synctest.Wait()
		if p.crowd() != 7 {
			t.Errorf("%d wait after those of staff went away, want 7", p.crowd())
		}
		time.Sleep(poolPatience)
		synctest.Wait()
		if p.crowd() != 0 {
			t.Errorf("%d wait longer than the patience", p.crowd())
		}
		busy := 0
		for len(answers) > 0 {
			switch err := <-answers; {
			case errors.Is(err, ErrBusy):
				busy++
			case !errors.Is(err, context.Canceled):
				t.Errorf("an answer %v", err)
			}
		}
		if busy != 13+2+7 {
			t.Errorf("%d heard that it is busy, want 22", busy)
		}
		leave()
		if p.free != 2 {
			t.Errorf("%d places are free in an empty pool, want 2", p.free)
		}
		// However slow passwords are, somebody may wait, and one place is for staff.
		p.spell = time.Minute
		if got := []int{p.places(ordinary), p.places(first)}; !slices.Equal(got, []int{1, 2}) {
			t.Errorf("places of others and of staff: %v", got)
		}
		if n := newPool(0).size(); n < 1 {
			t.Errorf("a pool of %d", n)
		}
	})
}

// No more passwords are worked on at once than there are workers.
func TestPoolWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(2)
		var mu sync.Mutex
		now, most := 0, 0
		var all sync.WaitGroup
		for range 12 {
			all.Go(func() {
				away, err := p.come(t.Context(), ordinary, time.Time{}, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				defer away()
				_ = p.work(t.Context(), func() {
					mu.Lock()
					now++
					most = max(most, now)
					mu.Unlock()
					time.Sleep(40 * time.Millisecond)
					mu.Lock()
					now--
					mu.Unlock()
				})
			})
		}
		all.Wait()
		if most != 2 {
			t.Errorf("%d at once, want 2", most)
		}
		if p.spell < 30*time.Millisecond || p.spell > 40*time.Millisecond {
			t.Errorf("a password takes 40 ms; it is held to take %v", p.spell)
		}
	})
}

// Whoever is sent away comes back when a worker is free for them, and not all at once; they
// count for the door until then, unless a worker has nothing to do.
func TestPoolAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPool(2)
		p.spell = 100 * time.Millisecond
		leave := fill(t, p)
		for n := range 20 {
			if got, want := p.again(), poolPatience+time.Duration(n+1)*50*time.Millisecond; got != want {
				t.Errorf("number %d comes back in %v, want %v", n, got, want)
			}
		}
		if got := p.backlog(); got != time.Second {
			t.Errorf("twenty were told to come back, and the workers need %v, want 1 s", got)
		}
		time.Sleep(time.Second)
		if got := p.backlog(); got != 0 {
			t.Errorf("a second later they need %v", got)
		}
		if got := p.again(); got != poolPatience+100*time.Millisecond && got != poolPatience+50*time.Millisecond {
			t.Errorf("the next comes back in %v", got)
		}
		for range 20 {
			p.again()
		}
		leave()
		if got := p.backlog(); got != 0 {
			t.Errorf("workers with nothing to do need %v", got)
		}
	})
}
