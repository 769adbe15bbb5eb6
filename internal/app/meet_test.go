package app

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

// TestTheDoorKnowsWhoHasAClass: a teacher with a sitting about now goes first, and their
// pupils are known by the class that comes with them.
func TestTheDoorKnowsWhoHasAClass(t *testing.T) {
	town := fictional.School(1, fictional.Options{Pupils: 60})
	a, err := Open(t.Context(), Config{Data: t.TempDir(), Addr: "127.0.0.1:0"}, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: StandingClock(town.Tuesday.Add(7 * time.Minute)), For: Installing})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := fictional.Save(t.Context(), a.DB, town); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	give := func(role page.Role, person string) {
		err := a.DB.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
			made, err := account.Create(ctx, tx, account.Account{School: town.School.ID, Person: person, Role: role, Identifier: person, CreatedAt: town.Tuesday})
			ids[person] = made.ID
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	c := town.Cast
	for person, role := range map[string]page.Role{c.Teacher: page.Teacher, c.Office: page.Office, c.Lea: page.Pupil, c.Nadia: page.Guardian} {
		give(role, person)
	}
	f, err := a.newFront(false)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.meet(t.Context()); err != nil {
		t.Fatal(err)
	}
	of := func(person string) known { return (*f.known.Load())[ids[person]] }
	for person, lane := range map[string]door.Lane{c.Teacher: door.InClass, c.Office: door.Staff, c.Lea: door.Pupil, c.Nadia: door.Family} {
		if k := of(person); k.who.Lane != lane || k.who.School != town.School.ID {
			t.Errorf("%s is %+v", person, k)
		}
	}
	if class := of(c.Lea).who.Class; class == "" || !slices.Contains(of(c.Teacher).teaches, class) {
		t.Errorf("Léa is of %q, and her teacher teaches %v", class, of(c.Teacher).teaches)
	}
}
