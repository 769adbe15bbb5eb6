// Package yearstart leads a school from its file to the first day: what is there, what is
// missing, what is doubtful, and where each is settled.
//
// Its promise: one page, one moment, counts that add up. It decides nothing and keeps
// nothing of its own: it asks the capabilities, and the question of who may be told is the
// one that an absence asks. The one thing that it does is to undo the last import, and
// directory says whether that can be done.
//
// Words: a step is one thing of the start of the year; it is done, doubtful (the school can
// open, somebody should look) or missing (it cannot).
package yearstart

import (
	"context"
	"embed"
	"errors"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Facts are what the page is made of, all of one moment.
type Facts struct {
	School    directory.School
	Import    directory.ImportRecord // the last one that stands; zero: none
	Undone    directory.ImportRecord // a later one that was undone
	Undo      *directory.Undo        // what undoing Import means; nil: it cannot be, and nothing says why
	Directory directory.Readiness

	Sittings  int // of the coming month
	Staff     map[account.State]int
	Guardians map[account.State]int
	Pupils    map[account.State]int

	Rehearsed bool // a rehearsal was found right, or the school was in service
	Rehearsal bool // one is going on
	InService bool
	Until     string // last day of service
}

// ahead is how many days the timetable is looked at.
const ahead = 30

// FactsOf reads the facts of a school in one transaction.
func FactsOf(ctx context.Context, tx database.Tx, school string, asks directory.Asks, now time.Time) (f Facts, err error) {
	if f.School, err = directory.SchoolByID(ctx, tx, school); err != nil {
		return f, err
	}
	zone, err := f.School.Location()
	if err != nil {
		return f, err
	}
	today := timetable.Day(now, zone)
	imports, err := directory.Imports(ctx, tx, school)
	if err != nil {
		return f, err
	}
	for _, i := range imports {
		if i.UndoneAt.IsZero() {
			f.Import = i
			break
		}
		if f.Undone.ID == "" {
			f.Undone = i
		}
	}
	u, err := directory.UndoOf(ctx, tx, school, asks, now)
	switch {
	case err == nil:
		f.Undo = &u
	case !errors.Is(err, directory.ErrNoUndo):
		return f, err
	}
	if f.Directory, err = directory.ReadinessOf(ctx, tx, school, now); err != nil {
		return f, err
	}
	if f.Sittings, err = timetable.Ahead(ctx, tx, school, today, timetable.Day(now.AddDate(0, 0, ahead), zone)); err != nil {
		return f, err
	}
	pupils, err := directory.Of(ctx, tx, school, directory.KindPupil, today)
	if err != nil {
		return f, err
	}
	ids := make([]string, len(pupils))
	for i, p := range pupils {
		ids[i] = p.ID
	}
	for _, one := range []struct {
		to     *map[account.State]int
		people []string
		roles  []page.Role
	}{{&f.Staff, f.Directory.Staff, account.StaffRoles()}, {&f.Guardians, f.Directory.Guardians, []page.Role{page.Guardian}}, {&f.Pupils, ids, []page.Role{page.Pupil}}} {
		if *one.to, err = account.States(ctx, tx, school, one.people, now, one.roles...); err != nil {
			return f, err
		}
	}
	return f, f.service(ctx, tx, today)
}

func (f *Facts) service(ctx context.Context, tx database.Tx, today string) error {
	service, _, err := alert.ServiceOf(ctx, tx, f.School.ID)
	if err != nil {
		return err
	}
	f.InService, f.Until = alert.InService(service, today), service.UntilOn
	rehearsal, _, err := alert.RehearsalOf(ctx, tx, f.School.ID)
	if err != nil {
		return err
	}
	f.Rehearsal = rehearsal.Open()
	f.Rehearsed, err = alert.Rehearsed(ctx, tx, f.School.ID)
	return err
}
