package alert_test

import (
	"context"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// BenchmarkBoard reads and renders the office's day at 1,200 pupils with 70 absences.
func BenchmarkBoard(b *testing.B) {
	m := newBusyMorning(b, databasetest.SQLite(b))
	zone, err := m.town.School.Location()
	if err != nil {
		b.Fatal(err)
	}
	words, err := page.NewWords(alert.Words)
	if err != nil {
		b.Fatal(err)
	}
	ctx := page.In(b.Context(), &page.Site{Words: words, Zone: zone}, "fr")
	ctx = page.WithViewer(ctx, page.Viewer{Role: page.CPE, School: m.school, Zone: zone})
	read := func() (t alert.Today) {
		if err := m.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			t, err = alert.Board(ctx, tx, m.school, m.now)
			return err
		}); err != nil {
			b.Fatal(err)
		}
		return t
	}
	t := read()
	b.Logf("%d absent of %d, %d known, %d held, %d told, %d calls, %d tasks", t.Absent, t.Pupils, t.Known, len(t.Held), len(t.Told), len(t.Calls), len(t.Tasks))
	b.Run("read", func(b *testing.B) { measure(b, func() { read() }) })
	show := func(t alert.Today) {
		if err := alert.OfficeBoard(t, "/", templ.NopComponent).Render(ctx, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("render", func(b *testing.B) { measure(b, func() { show(t) }) })
	b.Run("both", func(b *testing.B) { measure(b, func() { show(read()) }) })
	pages := &alert.Pages{DB: m.db, Alert: m.alert, Now: func() time.Time { return m.now }}
	b.Run("again", func(b *testing.B) {
		measure(b, func() {
			var c templ.Component
			err := m.db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
				c, err = pages.Office(ctx, tx, "/")
				return err
			})
			if err == nil {
				err = c.Render(ctx, io.Discard)
			}
			if err != nil {
				b.Fatal(err)
			}
		})
	})
}

// measure reports the processor's time beside the clock's: on a machine that does
// other things the first is the one that means something.
func measure(b *testing.B, fn func()) {
	b.ReportAllocs()
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for b.Loop() {
		fn()
	}
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	spent := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(spent)/1e3/float64(b.N), "cpu-µs/op")
}
