package aaf_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
	"github.com/preau-ent/preau/internal/directory/internal/aaf/aaftest"
	"github.com/preau-ent/preau/internal/directory/internal/intake/heaptest"
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
	peak := heaptest.Watch()
	for b.Loop() {
		_, refusals, err := aaf.Read(b.Context(), []string{dir}, aaf.Options{})
		if err != nil || len(refusals) > 0 {
			b.Fatal(err, refusals)
		}
	}
	b.ReportMetric(peak(), "peak-MB")
	b.ReportMetric(float64(total)/(1<<20), "read-MB")
}
