package directory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/directory/internal/siecle/siecletest"
)

// BenchmarkImport takes a school of 1,200 pupils into an installation that has others:
// first everything is new, then nothing has changed. Meanwhile somebody else writes, one
// small transaction after another, as a roll does: held-ms is the longest that they waited.
func BenchmarkImport(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *database.DB
	}{{"sqlite", databasetest.SQLite}, {"postgres", databasetest.Postgres}} {
		for _, again := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/again=%v", engine.name, again), func(b *testing.B) {
				db := engine.open(b)
				first := 0
				fresh := func() *directory.Export {
					dir := b.TempDir()
					if !again || first == 0 {
						first++
					}
					if _, err := siecletest.Generate(dir, 7, siecletest.Size{Schools: 1, Pupils: 1200, First: first, CountsOnly: true}); err != nil {
						b.Fatal(err)
					}
					e, err := directory.ReadExport(b.Context(), []string{dir}, directory.Reading{})
					if err != nil {
						b.Fatal(err)
					}
					return e
				}
				taken := func(e *directory.Export) {
					if r, err := directory.Import(b.Context(), db, theJournal(b), e, directory.Order{By: "bench"}, tuesday); err != nil || r.Schools != 1 || r.Changed == 0 && !again {
						b.Fatal(r, err)
					}
				}
				taken(fresh())
				var held time.Duration
				for b.Loop() {
					b.StopTimer()
					e := fresh()
					stop := whoWrites(b, db)
					b.StartTimer()
					taken(e)
					b.StopTimer()
					held = max(held, stop())
					b.StartTimer()
				}
				b.ReportMetric(float64(held.Microseconds())/1000, "held-ms")
			})
		}
	}
}

// whoWrites writes one row after another until stopped, and gives the longest wait.
func whoWrites(b *testing.B, db *database.DB) (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(b.Context())
	longest := make(chan time.Duration)
	started := make(chan struct{})
	go func() {
		var most time.Duration
		for n := 0; ctx.Err() == nil; n++ {
			begun := time.Now()
			err := db.Write(context.WithoutCancel(ctx), func(ctx context.Context, tx database.Tx) error {
				return database.AddSchool(ctx, tx, database.NewID())
			})
			if err != nil {
				b.Error(err)
			}
			most = max(most, time.Since(begun))
			if n == 0 {
				close(started)
			}
		}
		longest <- most
	}()
	<-started
	return func() time.Duration { cancel(); return <-longest }
}
