// Package app puts the house together: configuration, database, capabilities, pages,
// loops. It decides nothing that a capability decides; what it owns is who knows whom,
// today's page, and the order in which things start and stop.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	_ "time/tzdata" // schools have zones, machines may not

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/classroom"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/door/waits"
	"github.com/preau-ent/preau/internal/followup"
	"github.com/preau-ent/preau/internal/guard"
	"github.com/preau-ent/preau/internal/homework"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/live"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/status"
)

// Version is shown in the footer and by --version.
const Version = "0.1.0"

// App is one installation, put together.
type App struct {
	Config  Config
	DB      *database.DB
	Journal *journal.Journal
	Keeper  *account.Keeper
	Alert   *alert.Alert
	Courier *courier.Courier
	Notices *notices.Notices
	Guard   *guard.Guard // nil: no other tool sends through this installation
	Status  *status.Status
	Live    *live.Engine // of the live classes
	Routes  *page.Routes
	Clock   *Clock

	// Signalling is the way of people's browsers to Live.
	Signalling *live.Proxy

	log          *slog.Logger
	control      *Control // of a drill; nil: none
	demo         bool
	sessionKey   []byte
	lock         *os.File                 // held while serving
	seen         atomic.Pointer[identity] // what the folder remembers; nil in a demonstration
	alertPages   *alert.Pages
	courierPages *courier.Pages
	classPages   *classroom.Pages
	evidence     *classroom.Evidence // of who came to classes at home
	followup     *followup.Pages
	guardAt      atomic.Pointer[guard.Endpoints]
	limits       Limits
	began        time.Time               // by the machine's clock
	minute       []Pages                 // counts of the last minute; of measure alone
	metricsAt    atomic.Value            // net.Addr
	front        atomic.Pointer[front]   // while it serves
	last         atomic.Pointer[Figures] // as the page of the state was made from
	mayEnter     MayEnter                // a live class; nil: nobody
}

// Purpose is what an installation is opened for.
type Purpose int

// Purposes. Only Serving and Installing read the mail server's configuration or make
// keys; only Installing makes an installation; Reading changes nothing, not even the
// schema.
const (
	Serving Purpose = iota
	Installing
	Writing
	Reading
)

// ErrNoInstallation: there is nothing where the configuration points.
var ErrNoInstallation = errors.New("there is no installation here: preau init makes one (is --data right?)")

// Options are what a program decides and not its configuration.
type Options struct {
	Log        *slog.Logger
	Clock      *Clock // nil: the machine's
	Demo       bool   // a demonstration: its clock can be advanced, its letters are read by anyone
	HaveBackup bool   // see database.Upgrade
	For        Purpose
	// Control is a drill's hand on the clock; only an installation made for a drill takes it.
	Control *Control
	// Pause before letters that are found waiting leave; see courier.Config.
	Pause time.Duration
	// Step hears each durable step of an absence; see courier.Config.
	Step func(step string)
	// Asked hears each statement that the database is asked; of tests. See database.Heard.
	Asked func(statement string)
	// Limits of connections; zero: those that people meet.
	Limits Limits
}

// Open opens an installation: folder, database, schema, keys, capabilities, routes. It
// starts nothing.
func Open(ctx context.Context, c Config, o Options) (*App, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Clock == nil {
		o.Clock = NewClock(time.Time{})
	}
	carriers, err := courier.Pretend(), error(nil)
	if o.For == Serving {
		if carriers, err = c.Carriers(o.Clock.Now, o.Log); err != nil {
			return nil, err
		}
	}
	if o.Demo && !carriers.Pretended() {
		return nil, errors.New("a demonstration sends nothing: it takes no mail server and no carrier")
	}
	a := &App{Config: c, Clock: o.Clock, log: o.Log, demo: o.Demo, control: o.Control, began: time.Now(), limits: o.Limits}
	if err := a.openDatabase(ctx, o); err != nil {
		return nil, err
	}
	if err := a.checkDrill(ctx, carriers, o); err != nil {
		a.Close()
		return nil, err
	}
	if err := a.wire(ctx, carriers, o); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

func (a *App) openDatabase(ctx context.Context, o Options) error {
	source, err := a.Config.Source()
	if err != nil {
		return err
	}
	if o.For == Installing || o.Demo {
		if err := os.MkdirAll(a.Config.Data, 0o700); err != nil {
			return fmt.Errorf("the data folder: %w", err)
		}
		a.DB, err = database.Open(ctx, source)
	} else if _, err = os.Stat(journalKeyFile(a.Config.Data)); err != nil {
		return fmt.Errorf("%w: %w", ErrNoInstallation, err)
	} else {
		a.DB, err = database.OpenExisting(ctx, source)
	}
	if err != nil {
		return err
	}
	if o.Asked != nil {
		a.DB = a.DB.Heard(o.Asked)
	}
	if o.For == Reading {
		return a.readable(ctx)
	}
	up := database.Upgrade{Backups: a.Config.Data + "/backups", HaveBackup: o.HaveBackup, Now: time.Now(), Log: a.log}
	if err := a.DB.Migrate(ctx, up); err != nil {
		a.DB.Close()
		return err
	}
	return nil
}

// readable refuses a schema that this program would have to change before it reads.
func (a *App) readable(ctx context.Context) error {
	have, newest, err := a.DB.Versions(ctx)
	switch {
	case err != nil:
	case have > newest:
		err = database.ErrNewer
	case have < newest:
		err = fmt.Errorf("the database has schema %d and this program reads %d: start preau serve once, which upgrades it after a backup", have, newest)
	}
	if err != nil {
		a.DB.Close()
	}
	return err
}

func (a *App) wire(ctx context.Context, carriers courier.Carriers, o Options) error {
	key, err := journalKey(ctx, a.DB, a.Config.Data)
	if err != nil {
		return err
	}
	if a.Journal, err = journal.New(key); err != nil {
		return err
	}
	if o.For == Writing || o.For == Reading {
		return nil
	}
	secure, err := a.Config.Secure()
	if err != nil {
		return err
	}
	sessionKey, err := account.Key(a.Config.Data + "/session.key")
	if err != nil {
		return err
	}
	a.sessionKey = sessionKey
	a.Keeper, err = account.NewKeeper(account.Settings{DB: a.DB, Key: sessionKey, Clock: a.Clock.Now, Secure: secure, URL: a.Config.Site(false), Log: a.log, Journal: a.Journal})
	if err != nil {
		return err
	}
	a.Courier = courier.New(courier.Config{DB: a.DB, Journal: a.Journal, Carriers: carriers, Now: a.Clock.Now, Log: a.log, Pause: o.Pause, Step: o.Step})
	a.evidence = &classroom.Evidence{Lines: a.lines()}
	a.Alert, err = alert.New(alert.Config{DB: a.DB, Journal: a.Journal, Courier: a.Courier, Home: a.evidence.FindMarks, URL: a.Config.Site(a.demo), Heads: a.heads, Now: a.Clock.Now, Log: a.log, Step: o.Step})
	if err != nil {
		return err
	}
	a.Notices, err = notices.New(notices.Config{DB: a.DB, Journal: a.Journal, Courier: a.Courier, Now: a.Clock.Now, Log: a.log, InService: inService, Adults: a.adults, Step: o.Step})
	if err != nil {
		return err
	}
	if err := a.wireGuard(o); err != nil {
		return err
	}
	if a.Live, err = a.engine(); err != nil {
		return err
	}
	return a.register(secure)
}

// Close closes what Open opened.
func (a *App) Close() error {
	if a.classPages != nil {
		a.classPages.EndStreams() // and what it still tells the engine
	}
	err := a.DB.Close()
	if a.lock != nil {
		err = errors.Join(err, a.lock.Close())
	}
	return err
}

// farewell is how long letters and requests on their way may take when the program is
// told to stop.
const farewell = 20 * time.Second

// Serve listens, runs the loops, and stops in order when ctx ends: no new request, no
// new letter, then the end of those on their way. ready is called with the address once
// it listens.
func (a *App) Serve(ctx context.Context, ready func(addr string)) error {
	if err := a.lockData(); err != nil {
		return err
	}
	if err := a.raiseFence(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before it began
		}
		return err
	}
	w, err := a.listenWeb()
	if err != nil {
		return err
	}
	endpoints, err := a.listenGuard(ctx)
	if err != nil {
		return errors.Join(err, w.close())
	}
	secure, err := a.Config.Secure()
	if err != nil {
		return errors.Join(err, w.close())
	}
	f, err := a.newFront(secure, time.Now)
	if err != nil {
		return errors.Join(err, w.close())
	}
	a.front.Store(f)
	if w.server.Handler, err = a.handler(f); err != nil {
		return errors.Join(err, w.close())
	}
	metrics, err := a.listenMetrics()
	if err != nil {
		return errors.Join(err, w.close())
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var loops sync.WaitGroup
	loop := func(name string, run func(context.Context) error) {
		loops.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	loop("courier", func(ctx context.Context) error { return a.Courier.Run(ctx, farewell) })
	loop("alert", a.Alert.Run)
	loop("notices", a.Notices.Run)
	loop("classroom", a.classPages.Run)
	if a.Guard != nil {
		loop("guard", func(ctx context.Context) error { return a.Guard.Serve(ctx, endpoints) })
	}
	loop("live", a.Live.Run)
	loop("signalling", a.Signalling.Run)
	loop("keeping", a.keep)
	loop("door", f.run)
	loop("line", f.exchange)
	loop("status", a.Status.Run)
	if metrics != nil {
		loop("metrics", func(ctx context.Context) error { return a.serveMetrics(ctx, metrics) })
	}
	if a.control != nil {
		loop("control", a.obey)
	}
	w.server.RegisterOnShutdown(a.alertPages.EndStreams)
	w.server.RegisterOnShutdown(a.classPages.EndStreams)
	served := make(chan error, 1)
	go func() { served <- w.serve() }()
	ready(w.ln.Addr().String())
	select {
	case <-ctx.Done():
	case err := <-served:
		stop(err)
	}
	bye, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	err = w.shutdown(bye)
	loops.Wait()
	if e := a.keepHeads(context.Background()); e != nil {
		a.log.Error("the journal's heads could not be kept", "err", e)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// keeping is how often what only tidies is done.
const keeping = 30 * time.Second

// keep writes the journal's heads to their file and clears what has had its time.
func (a *App) keep(ctx context.Context) error {
	tick := time.NewTicker(keeping)
	defer tick.Stop()
	for {
		if err := a.keepHeads(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("the journal's heads could not be kept", "err", err)
		}
		if err := a.watchClock(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("the installation's identity could not be kept", "err", err)
		}
		if err := a.followup.Keep(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("who opened a page could not be kept, or what is over not be removed", "err", err)
		}
		err := a.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
			now := a.Clock.Now()
			return errors.Join(account.Purge(ctx, tx, now), directory.PurgeUndo(ctx, tx, now), waits.Purge(ctx, tx, now), homework.Purge(ctx, tx, now))
		})
		if err != nil && ctx.Err() == nil {
			a.log.Error("what has had its time could not be cleared", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
