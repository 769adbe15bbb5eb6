package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/guard"
	"github.com/preau-ent/preau/internal/journal"
)

// Departure is what a school that leaves loses.
type Departure struct {
	School   directory.School
	Letters  int // waiting, now void
	Contacts int // erased
	Accounts int // closed
}

// ErrNotThatName: what was typed is not the school's name.
var ErrNotThatName = errors.New("the name is not the school's: nothing was done")

// Decommission ends a school in this installation, for good: it is taken out of service,
// its queue is void, its accounts are closed, its contacts are erased, and a tombstone in
// the database and in the data folder keeps it so, whatever backup is put back. name must
// be the school's own, typed by whoever decides. One transaction: all of it or nothing.
func (a *App) Decommission(ctx context.Context, uai, name, by string) (d Departure, err error) {
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		all, err := directory.Schools(ctx, tx)
		for _, s := range all {
			if s.UAI == uai {
				d.School = s
			}
		}
		return err
	})
	switch {
	case err != nil:
		return d, err
	case d.School.ID == "":
		return d, fmt.Errorf("no school has the number %s here", uai)
	case d.School.Name != name:
		return d, ErrNotThatName
	}
	c := courier.New(courier.Config{DB: a.DB, Journal: a.Journal, Carriers: courier.Pretend(), Now: a.Clock.Now, Log: a.log})
	al, err := alert.New(alert.Config{DB: a.DB, Journal: a.Journal, Courier: c, Now: a.Clock.Now, Log: a.log})
	if err != nil {
		return d, err
	}
	// The folder first: a crash in between leaves a school that start-up ends.
	if err := a.rememberGone(d.School.ID); err != nil {
		return d, err
	}
	err = a.DB.InSchool(ctx, d.School.ID, func(ctx context.Context, tx database.Tx) (err error) {
		now, id := a.Clock.Now(), d.School.ID
		if gone, err := directory.Gone(ctx, tx, id); err != nil || gone {
			return errors.Join(err, map[bool]error{true: directory.ErrGone}[gone])
		}
		if err := al.CloseService(ctx, tx, id, by, now); err != nil {
			return err
		}
		if d.Letters, err = c.Bury(ctx, tx, id, now); err != nil {
			return err
		}
		relayed, err := guard.Forget(ctx, tx, a.Journal, id, now)
		if err != nil {
			return err
		}
		d.Letters += relayed
		if d.Accounts, err = account.CloseAll(ctx, tx, id, now); err != nil {
			return err
		}
		if d.Contacts, err = directory.Leave(ctx, tx, id, by, now); err != nil {
			return err
		}
		return a.Journal.Append(ctx, tx, id, now, journal.Deed{Act: "school.left", Actor: by, Subject: id, Detail: map[string]string{
			"letters": fmt.Sprint(d.Letters), "contacts": fmt.Sprint(d.Contacts), "accounts": fmt.Sprint(d.Accounts)}})
	})
	return d, err
}

// rememberGone writes a school's tombstone into the data folder.
func (a *App) rememberGone(school string) error {
	known, there, err := knownIdentity(a.Config.Data)
	if err != nil {
		return err
	}
	if !there {
		if known, _, err = a.here(context.Background()); err != nil {
			return err
		}
	}
	if slices.Contains(known.Gone, school) {
		return nil
	}
	known.Gone = append(known.Gone, school)
	return a.keepIdentity(known)
}

// buryAgain locks the schools that left and that a backup brought back.
func (a *App) buryAgain(ctx context.Context, gone []string) error {
	for _, school := range gone {
		err := a.DB.InSchool(ctx, school, func(ctx context.Context, tx database.Tx) error {
			is, err := directory.Gone(ctx, tx, school)
			if err != nil || is {
				return err
			}
			a.log.Error("a school that left this installation is in its database again: it sends nothing", "school", school)
			_, err = a.Courier.Bury(ctx, tx, school, a.Clock.Now())
			return err
		})
		if err != nil && !errors.Is(err, database.ErrNoSchool) {
			return err
		}
	}
	return nil
}
