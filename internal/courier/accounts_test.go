package courier

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/directory"
)

// roomy is a carrier with so many places.
type roomy int

func (r roomy) room() int                                         { return int(r) }
func (roomy) changed() <-chan struct{}                            { return nil }
func (roomy) send(context.Context, Errand, sms.Before) (r Result) { return r }

// Whatever the rooms and weights: nobody gets more than there is room for, a claim takes
// no more than its bound, a letter that was not taken goes by another where one has room,
// and none is left while there is room.
func TestTake(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
		var accounts []*account
		free := 0
		for i := range rapid.IntRange(1, 4).Draw(t, "accounts") {
			a := &account{name: fmt.Sprint(i), weight: rapid.IntRange(1, 1000).Draw(t, "weight"), carrier: roomy(rapid.IntRange(0, 5).Draw(t, "room"))}
			if rapid.Bool().Draw(t, "rests") {
				a.heard(NotWritten, now)
			} else {
				free += a.room()
			}
			accounts = append(accounts, a)
		}
		c := Carriers{by: map[directory.Channel][]*account{directory.SMS: accounts}}
		r := c.rooms(now)
		got := map[*account]int{}
		for n := range 20 {
			last := fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "last"))
			others := 0
			for _, a := range accounts {
				if r.by[a] > 0 && a.name != last {
					others++
				}
			}
			a := r.take(accounts, fmt.Sprint("letter-", n), 1, last)
			if a == nil {
				break
			}
			if got[a]++; others > 0 && a.name == last {
				t.Fatal("the carrier that did not take it is asked again, beside another with room")
			}
		}
		total := 0
		for a, n := range got {
			if total += n; n > a.open(now) {
				t.Fatalf("%d letters for %d places", n, a.open(now))
			}
		}
		if want := min(free, mostAtOnce); total != want {
			t.Fatalf("%d letters were given to %d places, want %d", total, free, want)
		}
	})
}

// The share of each account is that of its weight.
func TestTakeByWeight(t *testing.T) {
	light, heavy := &account{name: "light", weight: 1, carrier: roomy(1)}, &account{name: "heavy", weight: 3, carrier: roomy(1)}
	got := map[*account]int{}
	for n := range 4_000 {
		r := Carriers{by: map[directory.Channel][]*account{directory.SMS: {light, heavy}}}.rooms(time.Time{})
		got[r.take([]*account{light, heavy}, fmt.Sprint(n), 0, "")]++
	}
	if share := float64(got[heavy]) / 4_000; share < 0.72 || share > 0.78 {
		t.Errorf("the heavier of 3 to 1 got %.2f", share)
	}
}

// An account that cannot be reached rests longer each time, comes back, and a clock put
// back does not keep it away.
func TestRest(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	a := &account{carrier: roomy(1)}
	for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second} {
		a.heard(NotWritten, now)
		if a.open(now.Add(want-time.Millisecond)) != 0 || a.open(now.Add(want)) != 1 {
			t.Errorf("it does not rest for %v", want)
		}
	}
	if a.open(now.Add(-time.Hour)) != 1 {
		t.Error("a clock put back lengthens the rest")
	}
	a.heard(Accepted, now)
	if a.open(now) != 1 {
		t.Error("it rests after a yes")
	}
}
