package app_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// A school that leaves sends nothing more, has no account and no address left, and comes
// back neither by import, by SQL, nor with a backup of the day before.
func TestDecommission(t *testing.T) {
	f := newFenced(t)
	school := f.town.School
	f.serve(func(a *app.App) {
		f.line(a)
		f.in(a, func(ctx context.Context, tx database.Tx) error {
			_, err := account.Create(ctx, tx, account.Account{School: school.ID, Person: "head", Role: page.Head, Identifier: "head", CreatedAt: f.clock.Now()})
			return err
		})
		if err := a.DB.Statement(t.Context(), "VACUUM INTO ?", filepath.Join(f.dir, "backup")); err != nil {
			t.Fatal(err)
		}
	})
	a, err := app.Open(t.Context(), app.Config{Data: f.dir}, app.Options{Log: quiet, Clock: f.clock, For: app.Writing})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Decommission(t.Context(), school.UAI, "another name", "test"); !errors.Is(err, app.ErrNotThatName) {
		t.Fatalf("without its name: %v", err)
	}
	d, err := a.Decommission(t.Context(), school.UAI, school.Name, "test")
	if err != nil || d.Letters != 1 || d.Accounts != 1 || d.Contacts < 10 {
		t.Fatalf("%+v %v", d, err)
	}
	if _, err := a.Decommission(t.Context(), school.UAI, school.Name, "test"); !errors.Is(err, directory.ErrGone) {
		t.Errorf("a second time: %v", err)
	}
	err = a.DB.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		left, err := tx.NewSelect().TableExpr("directory_contacts").Where("raw <> '' OR address NOT LIKE 'erased %' OR ended_at IS NULL").Count(ctx)
		if left != 0 {
			t.Errorf("%d addresses are left", left)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for what, q := range map[string]string{
		"an address comes back":    "UPDATE directory_contacts SET address = '+33639980101' WHERE id = 'nadia-sms'",
		"an address is added":      "INSERT INTO directory_contacts (school, id, person, channel, address, raw, source) SELECT school, 'new', person, channel, '+33639980101', '', source FROM directory_contacts WHERE id = 'nadia-sms'",
		"the tombstone is removed": "DELETE FROM directory_tombstones",
		"the tombstone is moved":   "UPDATE directory_tombstones SET school = 'x'",
		"a letter is added":        "INSERT INTO courier_letters (school, id, code, kind, ref, pupil, person, contact, channel, lang, subject, body, digest, message_id, state, created_at, due_at, expires_at) SELECT school, 'n', 'n', kind, 'n', pupil, person, contact, channel, lang, subject, body, digest, message_id, 'waiting', created_at, due_at, expires_at FROM courier_letters",
	} {
		if err := a.DB.Statement(t.Context(), q); err == nil {
			t.Errorf("%s: %s", what, q)
		}
	}
	a.Close()
	f.serve(func(a *app.App) {
		if why := f.why(a); why != courier.WhyGone {
			t.Errorf("locked for %q", why)
		}
		err := a.DB.InSchool(t.Context(), school.ID, func(ctx context.Context, tx database.Tx) error {
			return a.Courier.AskUnlock(ctx, tx, school.ID, "head", f.clock.Now())
		})
		if !errors.Is(err, courier.ErrOpen) {
			t.Errorf("somebody may ask for it to be armed: %v", err)
		}
	})
	for _, rest := range []string{"-wal", "-shm"} {
		os.Remove(filepath.Join(f.dir, "preau.db"+rest))
	}
	f.copy("backup", "preau.db")
	f.serve(func(a *app.App) {
		if why := f.why(a); why != courier.WhyGone {
			t.Errorf("a backup of before brought it back: locked for %q", why)
		}
	})
}
