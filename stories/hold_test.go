package stories

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/peers"
)

// BenchmarkFirstMarkToFirstByte measures what Préau adds to the hold: from the commit of
// a mark, with a hold of 0 and its loops running, until the mail server has read the
// letter. The figure stands in docs/drills.md, for decision 1.
func BenchmarkFirstMarkToFirstByte(b *testing.B) {
	server := peers.SMTP(b)
	config := app.Config{Data: b.TempDir(), Addr: "127.0.0.1:0", Mail: app.MailConfig{Host: server.Host(), Port: server.Port(), TLS: "none", From: "vie-scolaire@alice-guy.example"}}
	town := fictional.Small(time.Time{})
	clock := app.NewClock(town.Tuesday.Add(7 * time.Minute))
	install(b, config)
	a, err := app.Open(b.Context(), config, app.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	if err := fictional.Save(b.Context(), a.DB, town); err != nil {
		b.Fatal(err)
	}
	in := func(fn func(context.Context, database.Tx) error) {
		b.Helper()
		if err := a.DB.InSchool(b.Context(), town.School.ID, fn); err != nil {
			b.Fatal(err)
		}
	}
	in(func(ctx context.Context, tx database.Tx) error {
		if err := a.PutInService(ctx, tx, town); err != nil {
			return err
		}
		return alert.SetHold(ctx, tx, town.School.ID, 0)
	})
	ctx, stop := context.WithCancel(b.Context())
	served := make(chan error, 1)
	ready := make(chan struct{})
	go func() { served <- a.Serve(ctx, func(string) { close(ready) }) }()
	<-ready
	mark := func(v attendance.Value) {
		in(func(ctx context.Context, tx database.Tx) error {
			s, err := timetable.ByID(ctx, tx, town.School.ID, "maths")
			if err != nil {
				return err
			}
			current, err := attendance.Current(ctx, tx, town.School.ID, s.ID)
			if err != nil {
				return err
			}
			_, err = attendance.SaveRoll(ctx, tx, a.Journal, clock.Now(), attendance.Save{School: town.School.ID, Sitting: s.ID, Day: s.Day, Pupils: []string{"ewen"},
				Entries: []attendance.Entry{{Pupil: "ewen", Value: v, Minutes: 5, Base: current["ewen"].N}}, By: "roy", Origin: attendance.FromRoll})
			return err
		})
		a.Alert.Poke()
	}
	var took []time.Duration
	n := 0
	for range 3 { // the day's cap of one address holds back what would follow, rightly
		// Absent, told; late, told that she arrived: two letters a turn, each timed.
		for _, v := range []attendance.Value{attendance.Absent, attendance.Late} {
			start := time.Now()
			mark(v)
			n++
			if _, err := server.Wait(b.Context(), n); err != nil {
				b.Fatal(err)
			}
			took = append(took, time.Since(start))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms/median")
	b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "ms/worst")
	stop()
	if err := <-served; err != nil {
		b.Fatal(err)
	}
}
