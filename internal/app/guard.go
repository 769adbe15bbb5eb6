package app

import (
	"context"
	"errors"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/guard"
)

// wireGuard makes the guard of a guard file. A demonstration has none: nobody else's tool
// is to think that what it sent has left.
func (a *App) wireGuard(o Options) error {
	if o.For != Serving {
		return nil
	}
	file, there, err := a.Config.Guard()
	if err != nil || !there {
		return err
	}
	if o.Demo {
		return errors.New("a demonstration sends nothing: it serves no other tool")
	}
	// What is taken from a tool and then only pretended would be lost without a word.
	if c := a.Courier.Carriers(); c.Pretended() || !c.Has(directory.SMS) {
		return errors.New("there is a guard file and no carrier of short messages: what the tool sends would go nowhere (docs/guard.md)")
	}
	a.Guard = guard.New(guard.Config{DB: a.DB, Journal: a.Journal, Courier: a.Courier, File: file, Now: a.Clock.Now, Log: a.log, Step: o.Step})
	return nil
}

// listenGuard finds the guard's school and opens its endpoints.
func (a *App) listenGuard(ctx context.Context) (e guard.Endpoints, err error) {
	if a.Guard == nil {
		return e, nil
	}
	if err := a.Guard.Begin(ctx); err != nil {
		return e, err
	}
	if e, err = a.Guard.Listen(); err != nil {
		return e, err
	}
	smpp, http := e.Addresses()
	a.log.Info("guard: a school's tool can connect", "school", a.Guard.School(), "smpp", smpp, "http", http)
	a.guardAt.Store(&e)
	return e, nil
}

// GuardAt gives where a school's tool connects to while the program serves; empty where
// there is no such endpoint.
func (a *App) GuardAt() (smpp, http string) {
	if e := a.guardAt.Load(); e != nil {
		return e.Addresses()
	}
	return "", ""
}
