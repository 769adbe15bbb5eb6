package aaf_test

import (
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
	"github.com/preau-ent/preau/internal/directory/internal/aaf/aaftest"
)

// BenchmarkRead reads ten schools of 600 pupils, with as many guardians of nobody as
// a real export has, and BenchmarkReadSample the real one. peak-MB is the largest heap
// seen while reading, garbage included.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	if _, err := aaftest.Generate(dir, 1, aaftest.Size{Schools: 10, Pupils: 600, Staff: 60, Strays: 2000}); err != nil {
		b.Fatal(err)
	}
	benchmark(b, dir)
}

func BenchmarkReadSample(b *testing.B) { benchmark(b, sample(b)) }

func benchmark(b *testing.B, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	if err != nil {
		b.Fatal(err)
	}
	var total int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		total += info.Size()
	}
	b.SetBytes(total)
	b.ReportAllocs()
	stop, done := make(chan struct{}), make(chan struct{})
	var peak atomic.Uint64
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				var mem runtime.MemStats
				runtime.ReadMemStats(&mem)
				peak.Store(max(peak.Load(), mem.HeapAlloc))
			}
		}
	}()
	for b.Loop() {
		_, refusals, err := aaf.Read(b.Context(), []string{dir}, aaf.Options{})
		if err != nil || len(refusals) > 0 {
			b.Fatal(err, refusals)
		}
	}
	close(stop)
	<-done
	b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MB")
	b.ReportMetric(float64(total)/(1<<20), "read-MB")
}
