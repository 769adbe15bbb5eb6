package app

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/status"
)

// Figures are the installation's, of one moment: the page of the service's state and the
// metrics are both made from them.
type Figures struct {
	At      time.Time
	Door    door.Figures
	Limiter door.LimiterFigures
	Pool    account.Figures
	Pages   Pages
	Goodput float64 // part of the last minute's page views that were answered well; 1 when there were none
	Courier courier.Figures

	Database   bool          // it answers
	Asked      time.Duration // how long it took
	AlertsSeen time.Duration // since the alerts were last all looked at
	AlertLag   time.Duration
}

// Pages count what was asked of the pages of whoever is inside, since the start.
type Pages struct {
	Offered, Well              int64 // page views; and those that were answered, soon and without a failure of ours
	Failed, Slow, Shed, Gone   int64 // the others: a failure, later than goodWithin, shown their turn, nobody waited for it
	Rolls, RollsTaken          int64 // saved rolls, whole or refused by a rule with a reason
	RollsLost, RollsLostLately int64 // must stay 0; in the last minutes
}

// goodWithin is how soon a page comes that nobody reloads.
const goodWithin = 3 * time.Second

// lately is what RollsLostLately looks back on.
const lately = 5 * time.Minute

// counts are what the front counts.
type counts struct {
	offered, well, failed, slow, shed, gone, rolls, taken, lost atomic.Int64

	mu   sync.Mutex
	when []time.Time // rolls were lost, lately
}

// answer notes what becomes of one request.
type answer struct {
	http.ResponseWriter
	since  time.Time
	status int
	first  time.Duration
}

// WriteHeader notes the first answer.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status, a.first = status, time.Since(a.since)
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status, a.first = http.StatusOK, time.Since(a.since)
	}
	return a.ResponseWriter.Write(b)
}

// Flush sends what is written so far: compression asks for it by this name.
func (a *answer) Flush() { _ = http.NewResponseController(a.ResponseWriter).Flush() }

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// outcome is how a request ended that got no answer of a page's own.
type outcome int

const (
	answered outcome = iota
	shown            // their turn, instead of the page
)

// note counts one request that is over.
func (c *counts) note(r *http.Request, a *answer, o outcome) {
	roll := isRoll(r)
	view := r.Method == http.MethodGet && r.Header.Get("Accept") != "text/event-stream"
	gone := r.Context().Err() != nil && a.status == 0
	if roll {
		c.rolls.Add(1)
		switch {
		case gone: // saved or not, nobody was there to be told
		case o == shown || a.status >= 500 || a.status == 0:
			c.lose(time.Now())
		default:
			c.taken.Add(1)
		}
	}
	if !view {
		return
	}
	c.offered.Add(1)
	switch {
	case gone:
		c.gone.Add(1)
	case o == shown:
		c.shed.Add(1)
	case a.status >= 500 || a.status == 0:
		c.failed.Add(1)
	case a.first > goodWithin:
		c.slow.Add(1)
	default:
		c.well.Add(1)
	}
}

func isRoll(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, "/roll/")
}

func (c *counts) lose(now time.Time) {
	c.lost.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.when = append(c.forget(now), now)
}

// forget drops what is long ago; c.mu is held.
func (c *counts) forget(now time.Time) []time.Time {
	for len(c.when) > 0 && (now.Sub(c.when[0]) > lately || len(c.when) > 1000) {
		c.when = c.when[1:]
	}
	return c.when
}

func (c *counts) pages(now time.Time) Pages {
	c.mu.Lock()
	c.when = c.forget(now)
	few := int64(len(c.when))
	c.mu.Unlock()
	return Pages{Offered: c.offered.Load(), Well: c.well.Load(), Failed: c.failed.Load(), Slow: c.slow.Load(), Shed: c.shed.Load(), Gone: c.gone.Load(),
		Rolls: c.rolls.Load(), RollsTaken: c.taken.Load(), RollsLost: c.lost.Load(), RollsLostLately: few}
}

// figuresWait is how long the database may take to tell its part.
const figuresWait = 2 * time.Second

// Figures measures. It answers within figuresWait whatever is broken.
func (a *App) Figures(ctx context.Context) Figures {
	f := Figures{At: time.Now(), Goodput: 1}
	f.Pool = a.Keeper.Figures()
	if front := a.front.Load(); front != nil {
		f.Door, f.Limiter, f.Pages = front.door.Figures(), front.limiter.Figures(), front.counts.pages(f.At)
	}
	// A program that was just started has looked at nothing yet; that is no failure.
	f.AlertsSeen = min(f.At.Sub(a.Alert.LastPass()), f.At.Sub(a.began))
	ctx, cancel := context.WithTimeout(ctx, figuresWait)
	defer cancel()
	done := make(chan error, 1)
	var lag time.Duration
	var sent courier.Figures
	go func() { // a driver may hear of the end later than we can wait
		done <- a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			if lag, err = alert.Lag(ctx, tx, a.Clock.Now()); err == nil {
				sent, err = a.Courier.Figures(ctx, tx, a.Clock.Now())
			}
			return err
		})
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	f.Asked = time.Since(f.At)
	if err != nil {
		a.log.Error("figures: the database does not answer", "err", err)
		return f
	}
	f.Database, f.AlertLag, f.Courier = true, lag, sent
	return f
}

// passwordTime is what one password takes a worker, roughly.
const passwordTime = 50 * time.Millisecond

// looksInAMinute is about how often measure is asked in a minute.
const looksInAMinute = 13

// goodput is the part of what was offered between two counts that was answered well. Whoever
// did not wait for the answer is counted: an answer that nobody waits for is work lost.
func goodput(from, to Pages) float64 { return part(to.Well-from.Well, to.Offered-from.Offered) }

// measure gives the figures as the page of the service's state reads them.
func (a *App) measure(ctx context.Context) status.Figures {
	f := a.Figures(ctx)
	a.minute = append(a.minute, f.Pages)
	if len(a.minute) > looksInAMinute {
		a.minute = a.minute[1:]
	}
	f.Goodput = goodput(a.minute[0], f.Pages)
	a.last.Store(&f)
	return status.Figures{
		Known: true, Waiting: f.Door.Waiting, From: f.Door.From, Until: f.Door.Until, Admitted: f.Door.Admitted,
		Passwords: time.Duration(f.Pool.Waiting) * passwordTime / time.Duration(max(1, f.Pool.Workers)),
		Queue:     f.Limiter.P90, RollsLost: int(f.Pages.RollsLostLately), Database: f.Database,
		AlertsSeen: f.AlertsSeen, AlertLag: f.AlertLag,
		LetterLag: f.Courier.Lag, Locked: f.Courier.Locked, Unreached: f.Courier.Unreached, Pretended: f.Courier.Pretended,
	}
}
