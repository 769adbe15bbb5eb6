package account

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	b, now := Bucket{}, tuesday
	var waits []time.Duration
	for range 12 {
		now = now.Add(b.Wait(now))
		b = b.Fail(now)
		waits = append(waits, b.Wait(now))
	}
	want := []time.Duration{0, 0, 0, 0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute,
		15 * time.Minute, 15 * time.Minute, 15 * time.Minute}
	for i, w := range want {
		if waits[i] != w {
			t.Fatalf("after %d failures the wait is %v, want %v", i+1, waits[i], w)
		}
	}
	if b = b.Fail(now.Add(15*time.Minute + forgetAfter)); b.Failures != 1 || b.Wait(b.Until) != 0 {
		t.Errorf("half a day later everything is forgotten: %+v", b)
	}
}

// Whatever the moments at which passwords are tried: nothing is tried during a
// wait, waits never exceed the longest, and whoever tries without pause is held to
// a hundred a day or so.
func TestBucketProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, now := Bucket{}, tuesday
		tried := 0
		for day := now.Add(24 * time.Hour); now.Before(day); {
			now = now.Add(time.Duration(rapid.Int64Range(int64(time.Second), int64(20*time.Minute)).Draw(t, "pause")))
			if b.Wait(now) > 0 {
				continue // refused, and nothing is counted
			}
			before := b
			b = b.Fail(now)
			tried++
			switch wait := b.Wait(now); {
			case wait > longestWait:
				t.Fatalf("a wait of %v", wait)
			case before.Failures >= freeFailures && now.Sub(before.Until) < forgetAfter && wait == 0:
				t.Fatalf("no wait after %d failures", b.Failures)
			case before.Failures > freeFailures && wait < min(longestWait, 2*waitAfter(before.Failures)):
				t.Fatalf("the wait does not grow: %v after %v", wait, waitAfter(before.Failures))
			case b.Until.Before(before.Until):
				t.Fatalf("a failure made the wait shorter")
			}
		}
		if most := int(24*time.Hour/longestWait) + freeFailures + 6; tried > most {
			t.Fatalf("%d passwords tried in a day, want %d at most", tried, most)
		}
	})
}
