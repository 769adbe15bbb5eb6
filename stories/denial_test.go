package stories

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers"
)

// denied is how long a denial may take from the second person's press to the last
// family, as INCIDENTS.md asks of saint-philippe.
const denied = 3 * time.Minute

// BenchmarkDenial denies a message to everybody of a school through an SMS centre that
// takes 50 a second: a school that nobody put in service, 1,500 people, the longer wording
// (two short messages each). Counted at the centre, from the press that confirms.
func BenchmarkDenial(b *testing.B) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			for b.Loop() {
				config := app.Config{Data: b.TempDir(), Addr: "127.0.0.1:0"}
				if engine == database.Postgres {
					config.Database = databasetest.NewPostgres(b)
				}
				denial(b, config)
			}
		})
	}
}

func denial(b *testing.B, config app.Config) {
	at := peers.SMPP(b, peers.SMSCentreOptions{PerSecond: 50})
	config = withCentres(b, config, centre{name: "centre", at: at, perSec: 50, window: 10})
	town := fictional.School(1, fictional.Options{Weeks: 1, Pupils: 1_130})
	now := town.Tuesday.Add(75 * time.Minute)
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	install, err := app.Open(b.Context(), config, app.Options{Log: log, Clock: app.StandingClock(now), For: app.Installing})
	if err != nil {
		b.Fatal(err)
	}
	install.Close()
	a, err := app.Open(b.Context(), config, app.Options{Log: log, Clock: app.NewClock(now)})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	if err := fictional.Save(b.Context(), a.DB, town); err != nil {
		b.Fatal(err)
	}
	c := &crowd{b: b, app: a, school: town.School.ID}
	wish := notices.Wish{Text: notices.Denial, Choice: "roll-made", Level: notices.WholeSchool}
	var asked notices.Request
	c.in(func(ctx context.Context, tx database.Tx) error {
		seen, err := a.Notices.Preview(ctx, tx, c.school, wish, a.Clock.Now())
		if err != nil {
			return err
		}
		asked, err = a.Notices.Ask(ctx, tx, c.school, wish, seen.Counted, town.Cast.Head, page.Head, a.Clock.Now())
		return err
	})
	if asked.People < 1_500 {
		b.Fatalf("only %d people", asked.People)
	}
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	ended := make(chan error, 2)
	go func() { ended <- a.Courier.Run(ctx, time.Minute) }()
	go func() { ended <- a.Notices.Run(ctx) }()
	begin := time.Now()
	c.in(func(ctx context.Context, tx database.Tx) error {
		void, err := a.Notices.Confirm(ctx, tx, c.school, asked.ID, notices.Second{ID: town.Cast.CPE, Role: page.CPE}, a.Clock.Now())
		if err == nil && void != "" {
			b.Fatal(void)
		}
		return err
	})
	a.Notices.Poke()
	confirmed := time.Since(begin)
	if _, err := at.Wait(ctx, 1); err != nil {
		b.Fatal(err)
	}
	first := time.Since(begin)
	for c.count(courier.Left) < asked.Addresses {
		if time.Since(begin) > denied {
			b.Fatalf("%d of %d after %s", c.count(courier.Left), asked.Addresses, denied)
		}
	}
	last := time.Since(begin)
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
	}
	to := map[string]int{}
	for _, m := range at.Messages() {
		to[m.To]++
	}
	if len(to) != asked.Addresses {
		b.Fatalf("%d telephones of %d", len(to), asked.Addresses)
	}
	b.ReportMetric(float64(asked.People), "people")
	b.ReportMetric(float64(len(at.Messages())), "short-messages")
	b.ReportMetric(confirmed.Seconds(), "confirmed-s")
	b.ReportMetric(first.Seconds(), "first-s")
	b.ReportMetric(last.Seconds(), "last-s")
}
