// Package heaptest says how much memory a reader took at most, for the tests and
// measurements of all formats.
package heaptest

import (
	"runtime"
	"sync/atomic"
	"time"
)

// Watch looks at the heap until peak is called, which gives the largest one that was
// seen, in MB, garbage included. What is between two looks is missed.
func Watch() (peak func() float64) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	var most atomic.Uint64
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			most.Store(max(most.Load(), mem.HeapAlloc))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	return func() float64 {
		close(stop)
		<-stopped
		return float64(most.Load()) / (1 << 20)
	}
}
