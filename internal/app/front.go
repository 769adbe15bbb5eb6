package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/door/waits"
	"github.com/preau-ent/preau/internal/durable"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// front is what stands before the pages while they are served: the door, and the limiter of
// whoever is inside.
type front struct {
	app     *App
	door    *door.Door
	gate    *door.Gate
	limiter *door.Limiter
	known   atomic.Pointer[map[string]known] // by account
	teach   atomic.Pointer[map[string]bool]  // identifiers of whoever has a class about now
	meter   meter
	counts  counts
	bodies  *bodies
	entries entries
	bore    time.Time // when evidence was last written; of run alone
}

// known is what the door knows of an account.
type known struct {
	who     door.Who
	teaches []string // the classes of their sitting about now
}

// How many requests work at once for each core, how long one waits for a worker before its
// reader is shown their turn instead, and around a lesson how long its teacher goes first.
const (
	workersPerCore = 8
	workerWait     = 8 * time.Second
	workerAgain    = 4 * time.Second
	aroundLesson   = 15 * time.Minute
)

// newFront makes it. now is the machine's clock: whoever waits does so in real time, whatever
// a demonstration's clock shows.
func (a *App) newFront(secure bool, now func() time.Time) (*front, error) {
	f := &front{app: a}
	cores := runtime.GOMAXPROCS(0)
	f.limiter, f.bodies = door.NewLimiter(workersPerCore*cores, now), newBodies(workersPerCore*cores)
	f.door = door.New(door.Config{Key: a.sessionKey, Now: now, Who: f.who, Cores: cores, Load: f.load})
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, err
	}
	if f.gate, err = door.NewGate(door.GateConfig{Door: f.door, Secure: secure, Zone: zone, Free: free, Waited: f.waited}); err != nil {
		return nil, err
	}
	a.Keeper.WhenFull(f.gate.Later)
	a.Keeper.ToldApartBy(f.gate.Seat)
	a.Keeper.WaitOf(func(r *http.Request) (waits.Wait, bool) {
		e, ok := f.gate.EntryOf(r)
		return waitOf(e), ok
	})
	b, err := os.ReadFile(f.file())
	if err == nil {
		err = f.door.Restore(b)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.log.Error("the line of before could not be read: it begins anew", "err", err)
	}
	return f, nil
}

func (f *front) file() string { return filepath.Join(f.app.Config.Data, "line.json") }

// around is the handler that everybody meets.
func (f *front) around(next http.Handler) http.Handler {
	return f.beside(f.gate.Around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fromMemory(r) || passwords(r) || streams(r) {
			next.ServeHTTP(w, r)
			return
		}
		if one, _ := f.knows(r); len(one.teaches) > 0 {
			f.door.Begin(one.teaches) // a teacher is inside: their class may come
		}
		a := &answer{ResponseWriter: w, since: time.Now()}
		how := answered
		defer func() { f.counts.note(r, a, how) }()
		more, err := f.bodies.read(r)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			r = r.WithContext(context.WithoutCancel(r.Context())) // they are there, and are told
		} else if err != nil {
			return
		}
		class, ctx, cancel := door.Usual, r.Context(), context.CancelFunc(func() {})
		if vital(r) {
			class = door.Vital
		} else {
			ctx, cancel = context.WithTimeout(ctx, workerWait)
		}
		leave, err := f.worker(ctx, class, more)
		cancel()
		if err != nil {
			if r.Context().Err() == nil {
				how = shown
				f.gate.Later(a, r, workerAgain)
			}
			return
		}
		defer leave()
		next.ServeHTTP(a, r)
	})))
}

// beside sends whoever signs in to call a roll, and has no class now, to the line: before it
// goes only the password of somebody who teaches.
func (f *front) beside(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if identifier, claims := account.ClaimOf(r); claims {
			if all := f.teach.Load(); all == nil || !(*all)[identifier] {
				http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// worker waits for one; large requests are few at once, and keep theirs while they come.
func (f *front) worker(ctx context.Context, c door.Class, large bool) (leave func(), err error) {
	if !large {
		return f.limiter.Enter(ctx, c)
	}
	done, err := f.bodies.place(ctx)
	if err != nil {
		return nil, err
	}
	free, err := f.limiter.Enter(ctx, c)
	if err != nil {
		done()
		return nil, err
	}
	return func() { free(); done() }, nil
}

// fromMemory tells what is served whatever happens.
func fromMemory(r *http.Request) bool {
	p := r.URL.Path
	return strings.HasPrefix(p, "/assets/") || p == "/healthz" || p == "/etat" || p == "/etat.atom" || p == "/status" || p == "/favicon.ico" || p == "/worker.js" || p == "/offline"
}

// streams tells what stays open for as long as somebody looks, and works for a moment a second
// at most: it must not keep a worker.
func streams(r *http.Request) bool {
	class, ok := strings.CutPrefix(r.URL.Path, "/class/")
	return r.URL.Path == "/day/events" || strings.HasPrefix(r.URL.Path, "/live/") || ok && strings.HasSuffix(class, "/events")
}

// passwords tells what waits for a worker of its own, and must not keep one of these.
func passwords(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == "/sign-in" || r.URL.Path == account.RollSignIn || r.URL.Path == "/first-sign-in" || r.URL.Path == "/account")
}

// vital tells what matters more than anybody's place: rolls, and what stops, lets go and
// takes back. A roll that a device fetches for its copy can wait.
func vital(r *http.Request) bool {
	if page.ForCopy(r) {
		return false
	}
	p := strings.TrimPrefix(r.URL.Path, "/schools/")
	if p != r.URL.Path {
		_, p, _ = strings.Cut(p, "/")
		p = "/" + p
	}
	for _, begins := range []string{"/roll/", "/stop", "/breaker", "/corrections", "/calls/", "/carriers/"} {
		if strings.HasPrefix(p, begins) {
			return true
		}
	}
	return false
}

// free tells which requests meet no line: what is in memory, what is vital, the password of a
// teacher who has a class now, and a family's answer to a message, which spares the school a
// call.
func free(r *http.Request) bool {
	return fromMemory(r) || vital(r) || r.URL.Path == "/language" || r.URL.Path == account.RollSignIn || strings.HasPrefix(r.URL.Path, "/r/")
}

// who is somebody by the signature of their session alone, else by what their browser remembers
// of its last session: the door asks no database. Who signs in anew with a pupil's own browser
// has the class that it remembers: they enter with it, and the door lets no more in than a class.
func (f *front) who(r *http.Request) door.Who {
	if one, ok := f.knows(r); ok {
		return one.who
	}
	if h, ok := f.app.Keeper.HintOf(r); ok {
		who := door.Who{Lane: laneOf(h.Role), School: h.School}
		if h.Role == page.Pupil && h.Class != "" {
			who.Class = h.School + "/" + h.Class
		}
		return who
	}
	return door.Who{}
}

// knows is what was learnt of whoever is signed in; not of an account of this minute.
func (f *front) knows(r *http.Request) (known, bool) {
	all := f.known.Load()
	id, ok := f.app.Keeper.AccountOf(r)
	if !ok || all == nil {
		return known{}, false
	}
	one, ok := (*all)[id]
	return one, ok
}

// meet keeps whom the door knows: everybody's lane, who has a class about now, and how many
// people a school has.
func (f *front) meet(ctx context.Context) error {
	now := f.app.Clock.Now()
	met, sizes, teach := map[string]known{}, map[string]int{}, map[string]bool{}
	err := f.app.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		all, err := account.Open(ctx, tx)
		if err != nil {
			return err
		}
		schools, err := directory.Schools(ctx, tx)
		if err != nil {
			return err
		}
		teaches, classes := map[[2]string][]string{}, map[[2]string]string{}
		for _, s := range schools {
			zone, err := s.Location()
			if err != nil {
				return err
			}
			day := timetable.Day(now, zone)
			charges, err := timetable.InCharge(ctx, tx, s.ID, day, now.Add(-aroundLesson), now.Add(aroundLesson))
			if err != nil {
				return err
			}
			for _, c := range charges {
				teaches[[2]string{s.ID, c.Person}] = append(teaches[[2]string{s.ID, c.Person}], s.ID+"/"+c.Group)
			}
			ids, err := directory.ClassIDs(ctx, tx, s.ID, day)
			if err != nil {
				return err
			}
			for pupil, class := range ids {
				classes[[2]string{s.ID, pupil}] = s.ID + "/" + class
			}
		}
		f.app.Keeper.Meet(all)
		for _, a := range all {
			one := known{who: door.Who{Lane: laneOf(a.Role), School: a.School}}
			switch at := [2]string{a.School, a.Person}; one.who.Lane {
			case door.Staff:
				if one.teaches = teaches[at]; len(one.teaches) > 0 {
					one.who.Lane = door.InClass
					teach[a.Identifier] = true
				}
			case door.Pupil:
				one.who.Class = classes[at]
			}
			met[a.ID] = one
			sizes[a.School]++
		}
		return nil
	})
	if err == nil {
		f.known.Store(&met)
		f.teach.Store(&teach)
		f.door.Enrol(sizes)
	}
	return err
}

func laneOf(r page.Role) door.Lane {
	switch r {
	case page.Guardian:
		return door.Family
	case page.Pupil:
		return door.Pupil
	}
	return door.Staff
}

// How often the door learns who is who, and keeps its line.
const (
	meetEvery = time.Minute
	keepEvery = 5 * time.Second
)

// run keeps the door's knowledge, its line and the evidence of waiting until ctx ends.
func (f *front) run(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	next := time.Time{}
	for {
		if now := time.Now(); !now.Before(next) {
			next = now.Add(meetEvery)
			if err := f.meet(ctx); err != nil && ctx.Err() == nil {
				f.app.log.Error("the door does not know who has a class now", "err", err)
			}
		}
		f.keep()
		f.bear(ctx)
		select {
		case <-ctx.Done():
			f.keep()
			f.bear(context.WithoutCancel(ctx))
			return nil
		case <-tick.C:
		}
	}
}

// exchangeEvery is how often nodes tell one another of the line.
const exchangeEvery = time.Second

// exchange shares the line with the other nodes of this database, until ctx ends.
func (f *front) exchange(ctx context.Context) error {
	if f.app.DB.Engine() != database.Postgres {
		return nil // there is one node
	}
	node, alone := rand.Text(), false
	tick := time.NewTicker(exchangeEvery)
	defer tick.Stop()
	for {
		err := f.door.Exchange(ctx, f.app.DB, node)
		if err != nil && ctx.Err() == nil && !alone {
			f.app.log.Error("the other nodes cannot be heard: this one goes on with its own part of the line", "err", err)
		}
		alone = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (f *front) keep() {
	b, err := f.door.Keep()
	if err == nil {
		err = durable.WriteFile(f.file(), b, 0o600)
	}
	if err != nil {
		f.app.log.Error("the line could not be kept: after a restart it begins anew", "err", err)
	}
}

// load is how full the house is.
func (f *front) load() door.Load {
	return door.Load{Queue: f.limiter.Queue(), Passwords: f.app.Keeper.Backlog(), CPU: f.meter.part(time.Now())}
}

// meter measures the part of the processors that this program used since it was last asked.
type meter struct {
	used time.Duration
	at   time.Time
}

func (m *meter) part(now time.Time) float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	used := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	part := 0.0
	if wall := now.Sub(m.at); !m.at.IsZero() && wall > 0 {
		part = float64(used-m.used) / float64(wall) / float64(runtime.GOMAXPROCS(0))
	}
	m.used, m.at = used, now
	return part
}
