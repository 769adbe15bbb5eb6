package stories

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/peers"
)

// crowd is a school whose queue holds many letters about an absence.
type crowd struct {
	b       *testing.B
	app     *app.App
	school  string
	letters int
	zone    *time.Location
}

// newCrowd puts letters in the queue of an installation: every pupil of a lycée is noted
// absent, a morning that only a measurement may have.
func newCrowd(b *testing.B, config app.Config, letters int) *crowd {
	b.Helper()
	town := fictional.School(1, fictional.Options{Weeks: 1, Pupils: 1_800})
	now := town.Tuesday.Add(10 * time.Minute)
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
	b.Cleanup(func() { a.Close() })
	c := &crowd{b: b, app: a, school: town.School.ID}
	if err := fictional.Save(b.Context(), a.DB, town); err != nil {
		b.Fatal(err)
	}
	c.in(func(ctx context.Context, tx database.Tx) error {
		if err := a.PutInService(ctx, tx, town); err != nil {
			return err
		}
		return alert.SetHold(ctx, tx, c.school, 0)
	})
	c.zone, err = town.School.Location()
	if err != nil {
		b.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range town.Sittings {
		if s.Day != town.Tuesday.Format(time.DateOnly) || s.StartsAt.After(now) || c.waiting() >= letters {
			continue
		}
		c.in(func(ctx context.Context, tx database.Tx) error {
			people, err := timetable.Pupils(ctx, tx, c.school, s)
			if err != nil {
				return err
			}
			save := attendance.Save{School: c.school, Sitting: s.ID, Day: s.Day, By: "x", Origin: attendance.FromRoll}
			for _, p := range people {
				if !seen[p.ID] {
					seen[p.ID] = true
					save.Pupils = append(save.Pupils, p.ID)
					save.Entries = append(save.Entries, attendance.Entry{Pupil: p.ID, Value: attendance.Absent})
				}
			}
			_, err = attendance.SaveRoll(ctx, tx, a.Journal, a.Clock.Now(), save)
			return err
		})
		c.pass()
	}
	if c.letters = c.waiting(); c.letters < letters {
		b.Fatalf("only %d letters", c.letters)
	}
	return c
}

// pass decides. A morning on which everybody is absent is held: a second person says that
// it is true, as often as it grows.
func (c *crowd) pass() {
	c.b.Helper()
	day := c.app.Clock.Now().In(c.zone).Format(time.DateOnly)
	for range 2 {
		if err := c.app.Alert.Pass(c.b.Context()); err != nil {
			c.b.Fatal(err)
		}
		c.in(func(ctx context.Context, tx database.Tx) error {
			h, err := alert.HeldNow(ctx, tx, c.school, day, "")
			if err != nil || len(h.Trips) == 0 {
				return err
			}
			now := c.app.Clock.Now()
			if err := c.app.Alert.AskRelease(ctx, tx, c.school, "", "head", now); err != nil {
				return err
			}
			refusal, err := c.app.Alert.AnswerRelease(ctx, tx, c.school, "", "cpe", nil, alert.Word{Expected: len(h.Pupils)}, now)
			return errors.Join(err, refusal)
		})
	}
}

// until looks ten times a second whether something is so, for three minutes at most.
func (c *crowd) until(so func() bool) {
	c.b.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); !so(); <-tick.C {
		if time.Since(begin) > 3*time.Minute {
			c.b.Fatalf("after three minutes: %d waiting, %d left, %d void, %d refused, %d corrected", c.waiting(), c.count(courier.Left), c.count(courier.Void), c.count(courier.Refused), c.corrected())
		}
	}
}

// corrected counts the corrections that have left.
func (c *crowd) corrected() (n int) {
	c.b.Helper()
	err := c.app.DB.Read(c.b.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.NewRaw("SELECT count(*) FROM courier_letters WHERE kind = 'correction' AND state = 'left'").Scan(ctx, &n)
	})
	if err != nil {
		c.b.Fatal(err)
	}
	return n
}

func (c *crowd) in(fn func(context.Context, database.Tx) error) {
	c.b.Helper()
	if err := c.app.DB.InSchool(c.b.Context(), c.school, fn); err != nil {
		c.b.Fatal(err)
	}
}

func (c *crowd) count(state courier.State) (n int) {
	c.b.Helper()
	err := c.app.DB.Read(c.b.Context(), func(ctx context.Context, tx database.Tx) error {
		all, err := courier.Counts(ctx, tx)
		n = all[state]
		return err
	})
	if err != nil {
		c.b.Fatal(err)
	}
	return n
}

func (c *crowd) waiting() int { return c.count(courier.Waiting) }

// commits measures what the same database takes of the smallest commits that a letter
// could make: one line of the journal, of the same school.
func (c *crowd) commits(n int) float64 {
	begin := time.Now()
	for i := range n {
		c.in(func(ctx context.Context, tx database.Tx) error {
			return c.app.Journal.Append(ctx, tx, c.school, c.app.Clock.Now(), journal.Deed{Act: "measure", Actor: "x", Subject: fmt.Sprint(i)})
		})
	}
	return float64(n) / time.Since(begin).Seconds()
}

// BenchmarkQueue empties a queue of 1,500 letters into a carrier that takes whatever
// comes at once, and compares with what the database alone could do: one commit before a
// letter leaves and one after its answer.
func BenchmarkQueue(b *testing.B) {
	each(b, func(b *testing.B, config app.Config) (*crowd, time.Duration) {
		c := newCrowd(b, config, 1_500)
		begin := time.Now()
		if err := c.app.Courier.Pass(b.Context()); err != nil {
			b.Fatal(err)
		}
		return c, time.Since(begin)
	})
}

// BenchmarkCentre empties the queue into an SMS centre that we did not write, beyond the
// wire, as fast as its window allows.
func BenchmarkCentre(b *testing.B) { centreAt(b, 0) }

// BenchmarkCentre50 and 200: the centre takes so many a second, and our file says so.
func BenchmarkCentre50(b *testing.B)  { centreAt(b, 50) }
func BenchmarkCentre200(b *testing.B) { centreAt(b, 200) }

func centreAt(b *testing.B, perSecond int) {
	each(b, func(b *testing.B, config app.Config) (*crowd, time.Duration) {
		at := peers.SMPP(b, peers.SMSCentreOptions{PerSecond: perSecond})
		c := newCrowd(b, withCentres(b, config, centre{name: "centre", at: at, perSec: float64(perSecond), window: 10}), 1_500)
		ctx, stop := context.WithCancel(b.Context())
		defer stop()
		ended := make(chan error, 1)
		begin := time.Now()
		go func() { ended <- c.app.Courier.Run(ctx, time.Minute) }()
		if _, err := at.Wait(ctx, c.letters); err != nil {
			b.Fatal(err)
		}
		for c.count(courier.Left) < c.letters { // some are in two parts
			if time.Since(begin) > 10*time.Minute {
				b.Fatalf("%d of %d left", c.count(courier.Left), c.letters)
			}
		}
		took := time.Since(begin)
		stop()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		if perSecond > 0 {
			b.ReportMetric(float64(len(at.Messages()))/took.Seconds()/float64(perSecond), "of-the-carrier")
		}
		b.ReportMetric(float64(at.Throttled()), "throttled")
		return c, took
	})
}

// each measures on both databases, and beside it the commits of the same database in the
// same run.
func each(b *testing.B, empty func(*testing.B, app.Config) (*crowd, time.Duration)) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		b.Run(string(engine), func(b *testing.B) {
			for b.Loop() {
				config := app.Config{Data: b.TempDir(), Addr: "127.0.0.1:0"}
				if engine == database.Postgres {
					config.Database = databasetest.NewPostgres(b)
				}
				c, took := empty(b, config)
				if left := c.count(courier.Left); left < c.letters {
					b.Fatalf("%d of %d left", left, c.letters)
				}
				rate, commits := float64(c.letters)/took.Seconds(), c.commits(1_000)
				b.ReportMetric(float64(c.letters), "letters")
				b.ReportMetric(rate, "letters/s")
				b.ReportMetric(commits, "commits/s")
				b.ReportMetric(rate/(commits/2), "of-two-commits")
			}
		})
	}
}

// BenchmarkCorrection50 corrects a morning that was told wrongly, by one press, through a
// centre that takes 50 a second: how long until the first correction is at the centre,
// and the last.
func BenchmarkCorrection50(b *testing.B) {
	each(b, func(b *testing.B, config app.Config) (*crowd, time.Duration) {
		at := peers.SMPP(b, peers.SMSCentreOptions{})
		c := newCrowd(b, withCentres(b, config, centre{name: "centre", at: at, perSec: 50, window: 10}), 1_500)
		ctx, stop := context.WithCancel(b.Context())
		defer stop()
		ended := make(chan error, 2)
		go func() { ended <- c.app.Courier.Run(ctx, time.Minute) }()
		c.until(func() bool { return c.count(courier.Left) >= c.letters })
		told, sent := c.letters, len(at.Messages())
		go func() { ended <- c.app.Alert.Run(ctx) }()
		begin := time.Now()
		c.in(func(ctx context.Context, tx database.Tx) error {
			_, err := c.app.Alert.PressCorrection(ctx, tx, c.school, timetable.HalfDay(c.app.Clock.Now(), c.zone), "", "office", c.app.Clock.Now())
			return err
		})
		c.app.Alert.Poke()
		if _, err := at.Wait(ctx, sent+1); err != nil {
			b.Fatal(err)
		}
		first := time.Since(begin)
		c.until(func() bool { return c.corrected() >= told })
		took := time.Since(begin)
		stop()
		b.ReportMetric(first.Seconds(), "first-s")
		b.ReportMetric(took.Seconds(), "last-s")
		b.ReportMetric(float64(told), "corrected")
		return c, took
	})
}
