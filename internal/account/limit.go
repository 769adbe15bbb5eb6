package account

import (
	"sync"
	"time"
)

// How much is tried against one account, or from one known browser, before it has
// to wait. At the longest wait that is 96 passwords a day.
const (
	freeFailures = 4                // no wait after these
	firstWait    = 30 * time.Second // after the next one, doubled after each further
	longestWait  = 15 * time.Minute
	forgetAfter  = 12 * time.Hour // without a failure: all is forgotten
)

// Bucket counts what failed lately against one account, or from one known browser
// against one account. The zero Bucket is one that nothing failed in.
type Bucket struct {
	Failures int
	Until    time.Time // nothing is tried before; the last failure when it brought no wait
}

// Wait is how long nothing may be tried; 0: now.
func (b Bucket) Wait(now time.Time) time.Duration { return max(0, b.Until.Sub(now)) }

// Fail is the bucket after one more failure.
func (b Bucket) Fail(now time.Time) Bucket {
	if b.Failures < 0 || now.Sub(b.Until) >= forgetAfter {
		b = Bucket{}
	}
	b.Failures++
	b.Until = now.Add(waitAfter(b.Failures))
	return b
}

func waitAfter(failures int) time.Duration {
	wait := firstWait
	for n := freeFailures + 1; n < failures && wait < longestWait; n++ {
		wait *= 2
	}
	if failures <= freeFailures {
		return 0
	}
	return min(wait, longestWait)
}

// trying counts the passwords that are being worked on, by bucket: a thousand tries at once
// are judged as if each came after the failure of the one before.
type trying struct {
	mu  sync.Mutex
	now map[string]int
}

// begin counts one more and tells how many others are under way.
func (t *trying) begin(bucket string) (done func(), others int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == nil {
		t.now = map[string]int{}
	}
	others = t.now[bucket]
	t.now[bucket]++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.now[bucket]--; t.now[bucket] == 0 {
			delete(t.now, bucket)
		}
	}, others
}
