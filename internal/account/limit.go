package account

import "time"

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
