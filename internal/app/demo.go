package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// Demo is a running fictional school.
type Demo struct {
	*App
	School string
	People []DemoPerson

	zone *time.Location
}

// DemoPerson is an account that can be used in a demonstration. Nobody else in it has
// a password: hashing them all would take more than a minute.
type DemoPerson struct{ Name, Role, Identifier, Password string }

// demoSeed makes the same school each time.
const demoSeed = 1

// OpenDemo opens a demonstration in the data folder: a fictional school, made there if
// the folder has none, whose clock shows a school Tuesday at 08:00, or goes on where an
// earlier demonstration in the same folder stopped.
func OpenDemo(ctx context.Context, c Config, log *slog.Logger) (*Demo, error) {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, err
	}
	// A folder that init made holds a real school, or will.
	mark := filepath.Join(c.Data, "demonstration")
	if _, err := os.Stat(journalKeyFile(c.Data)); err == nil {
		if _, err := os.Stat(mark); err != nil {
			return nil, fmt.Errorf("%s is a real installation: give the demonstration a folder of its own", c.Data)
		}
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder: %w", err)
	}
	if err := os.WriteFile(mark, []byte("Everybody here is fictional.\n"), 0o600); err != nil {
		return nil, fmt.Errorf("the data folder: %w", err)
	}
	clock := NewClock(fictional.DemoTuesday(time.Now(), zone))
	a, err := Open(ctx, c, Options{Log: log, Demo: true, Clock: clock})
	if err != nil {
		return nil, err
	}
	d := &Demo{App: a, zone: zone}
	if err := d.furnish(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return d, nil
}

// Time is what the demonstration's clock shows.
func (d *Demo) Time() string { return d.Clock.Now().In(d.zone).Format("Monday 2 January 2006, 15:04") }

func (d *Demo) furnish(ctx context.Context) error {
	var schools []directory.School
	var last time.Time
	err := d.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		if schools, err = directory.Schools(ctx, tx); err == nil {
			last, err = journal.Last(ctx, tx)
		}
		return err
	})
	if err != nil {
		return err
	}
	// The clock never shows a time before what the journal has.
	if ahead := last.Sub(d.Clock.Now()); ahead > 0 {
		d.Clock.Advance(ahead)
	}
	town := fictional.School(demoSeed, fictional.Options{Tuesday: fictional.DemoTuesday(time.Now(), d.zone)})
	d.School = town.School.Name
	if len(schools) == 0 {
		if err := fictional.Save(ctx, d.DB, town); err != nil {
			return err
		}
		err := d.DB.InSchool(ctx, town.School.ID, func(ctx context.Context, tx database.Tx) error {
			if err := d.PutInService(ctx, tx, town); err != nil {
				return err
			}
			hand, day := directory.Hand{Journal: d.Journal, By: "demonstration", Now: d.Clock.Now()}, timetable.Day(d.Clock.Now(), d.zone)
			return hand.GiveForm(ctx, tx, directory.FormTeacher{School: town.School.ID, Grp: town.Cast.Class, Person: town.Cast.Teacher, FromOn: day, UntilOn: directory.YearEnd(day)}, day)
		})
		if err != nil {
			return err
		}
	}
	return d.openAccounts(ctx, town)
}

// openAccounts gives each printed account a new password, at each start.
func (d *Demo) openAccounts(ctx context.Context, t fictional.Town) error {
	password := demoPassword()
	hash, err := d.Keeper.Hash(ctx, password)
	if err != nil {
		return err
	}
	for _, p := range t.Accounts() {
		err := d.DB.InSchool(ctx, t.School.ID, func(ctx context.Context, tx database.Tx) error {
			have, err := account.OfPeople(ctx, tx, t.School.ID, p.Person)
			if err != nil {
				return err
			}
			var mine account.Account
			for _, one := range have {
				if string(one.Role) == p.Role {
					mine = one
				}
			}
			if mine.ID == "" {
				mine, err = account.Create(ctx, tx, account.Account{School: t.School.ID, Person: p.Person, Role: page.Role(p.Role), Identifier: p.Identifier, CreatedAt: d.Clock.Now()})
				if err != nil {
					return err
				}
			}
			return account.SetPassword(ctx, tx, d.Clock.Now(), mine.ID, hash)
		})
		if err != nil {
			return err
		}
		d.People = append(d.People, DemoPerson{Name: p.Name, Role: p.Role, Identifier: p.Identifier, Password: password})
	}
	return nil
}

// demoPassword is one password for all printed accounts: typed often, and worth nothing.
func demoPassword() string {
	return "preau-" + strings.ToLower(rand.Text()[:6])
}
