package aaf_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
)

// sampleFolder is a real export of January 2013, anonymised, which is no part of this
// repository.
const sampleFolder = "../../../../../shared/samples/aaf-2013"

func sample(t testing.TB) string {
	t.Helper()
	folder, err := filepath.Abs(sampleFolder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("LEFT OUT: the real export of 2013 is not in %s, so its counts were not checked", sampleFolder)
	}
	return folder
}

func TestSampleCounts(t *testing.T) {
	folder := sample(t)
	start := time.Now()
	export, refusals, err := aaf.Read(t.Context(), []string{folder}, aaf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	if len(refusals) != 0 {
		t.Fatalf("%d refusals, first %+v", len(refusals), refusals[0])
	}
	want := aaf.Counts{
		Schools: 10, Pupils: 642, Guardians: 9975, Links: 1064, Unresolved: 0,
		MayBeTold: 911, MayNotBeTold: 153, LinkedGuardians: 1029, Staff: 701,
	}
	if got := export.Counts(); got != want {
		t.Errorf("counts\n got %+v\nwant %+v", got, want)
	}
	for _, f := range export.Files {
		if f.Version != "AAF-VE1301" || f.Encoding != "utf-8" {
			t.Errorf("%s: version %q, encoding %q", filepath.Base(f.Path), f.Version, f.Encoding)
		}
	}
	if len(export.Files) != 46 || len(export.Ignored) != 1 {
		t.Errorf("%d files, ignored %q", len(export.Files), export.Ignored)
	}
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	t.Logf("read in %v, live heap afterwards %d KiB, export of %d pupils", took, mem.HeapAlloc>>10, len(export.Pupils))
	runtime.KeepAlive(export)
}
