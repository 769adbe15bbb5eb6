package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// BenchmarkSignIn compares whole sign-ins (account read, try counted, password checked,
// session written) with argon2id alone at the same cost, in alternating rounds of the same
// run. Its figure is the ratio of the two rates for one worker of the pool; the goal is 0.9.
//
//	go test -run '^$' -bench SignIn -benchtime 10x ./internal/account
func BenchmarkSignIn(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *database.DB
	}{{"sqlite", databasetest.SQLite}, {"postgres", databasetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			db := engine.open(b)
			schools(b, db)
			k, err := NewKeeper(Settings{DB: db, Key: []byte("0123456789abcdef0123456789abcdef"), Pool: 1, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			usual := HashPassword(good, Cost{})
			const people = 6
			for n := range people {
				a := create(b, db, Account{School: lycee, Role: page.Pupil, Identifier: fmt.Sprintf("pupil%d", n)}, good)
				write(b, db, func(ctx context.Context, tx database.Tx) error { return SetPassword(ctx, tx, tuesday, a.ID, usual) })
			}
			const round = time.Second
			var bare, whole int64
			var bareTime, wholeTime, bareWork, wholeWork time.Duration
			for b.Loop() {
				runtime.GC()
				worked := work()
				for began := time.Now(); time.Since(began) < round; bare++ {
					if right, err := usual.check(good); !right || err != nil {
						b.Fatal(err)
					}
				}
				bareTime += round
				bareWork += work() - worked
				runtime.GC()
				worked = work()
				began := time.Now()
				var done atomic.Int64
				var all sync.WaitGroup
				for n := range people {
					all.Go(func() {
						for time.Since(began) < round {
							_, _, err := k.signIn(b.Context(), fmt.Sprintf("pupil%d", n), good, visitor{device: device{ID: "d"}})
							switch {
							case err == nil:
								done.Add(1)
							case !errors.Is(err, ErrBusy):
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				whole += done.Load()
				wholeTime += time.Since(began)
				wholeWork += work() - worked
			}
			a, s := float64(bare)/bareTime.Seconds(), float64(whole)/wholeTime.Seconds()
			b.ReportMetric(a, "bare/s")
			b.ReportMetric(s, "sign-ins/s")
			b.ReportMetric(s/a, "ratio")
			// The same by the time of all processors that was used, which neighbours on the
			// machine change less.
			b.ReportMetric(float64(whole)/wholeWork.Seconds()/(float64(bare)/bareWork.Seconds()), "ratio-cpu")
		})
	}
}

// work is the time of all processors that this program has used.
func work() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
