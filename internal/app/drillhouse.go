package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

// DrillHouse is an installation made for a drill: a fictional school whose staff can sign in.
// The identifier of a person is their id, the operator's is "operator".
type DrillHouse struct {
	Password string
	HashTook time.Duration // one password, on this machine
}

// DrillOperator is the identifier of a drill's operator.
const DrillOperator = "operator"

// MakeDrill makes an installation for a drill in the configuration's folder, with a town in
// which nobody exists. The installation's identity says what it is: see Control. everybody:
// pupils can sign in, too. neighbours are other schools of it, in which nobody can.
func MakeDrill(ctx context.Context, c Config, t fictional.Town, now time.Time, everybody bool, neighbours ...fictional.Town) (DrillHouse, error) {
	all := []DrillTown{{Town: t, Who: staffOf(t)}}
	if everybody {
		for _, p := range t.Rows.People {
			if p.Kind == directory.KindPupil {
				all[0].Who[p.ID] = page.Pupil
			}
		}
	}
	for _, one := range neighbours {
		all = append(all, DrillTown{Town: one})
	}
	return MakeDrillOf(ctx, c, now, all...)
}

// DrillTown is a school of a drill with those of its people who can sign in, beside the staff
// of a whole school where Staffed says so. Hold is how long its absences are held; 0: as usual.
type DrillTown struct {
	fictional.Town
	Who     map[string]page.Role
	Staffed bool
	Hold    time.Duration
}

// MakeDrillOf makes an installation for a drill with several schools.
func MakeDrillOf(ctx context.Context, c Config, now time.Time, towns ...DrillTown) (h DrillHouse, err error) {
	a, err := Open(ctx, c, Options{Log: slog.New(slog.DiscardHandler), Clock: StandingClock(now), For: Installing})
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	h = DrillHouse{Password: demoPassword()}
	began := time.Now()
	hash, err := a.Keeper.Hash(ctx, h.Password)
	if err != nil {
		return h, err
	}
	h.HashTook = time.Since(began)
	err = a.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		if err := database.InstallDrill(ctx, tx, now); err != nil {
			return err
		}
		return drillAccount(ctx, tx, account.Account{Role: page.Operator, Identifier: DrillOperator}, hash, now)
	})
	if err != nil {
		return h, err
	}
	// The folder says what it is, too, from the first start on.
	here, _, err := a.here(ctx)
	if err != nil {
		return h, err
	}
	here.Seen = now.UTC()
	if err := a.keepIdentity(here); err != nil {
		return h, err
	}
	for _, one := range towns {
		if err := a.settle(ctx, one, hash, now); err != nil {
			return h, err
		}
	}
	return h, nil
}

// settle saves a town and opens the accounts of those who can sign in.
func (a *App) settle(ctx context.Context, t DrillTown, hash account.Hash, now time.Time) error {
	if err := fictional.Save(ctx, a.DB, t.Town); err != nil {
		return err
	}
	who := map[string]page.Role{}
	if t.Staffed {
		who = staffOf(t.Town)
	}
	maps.Copy(who, t.Who)
	return a.DB.InSchool(ctx, t.School.ID, func(ctx context.Context, tx database.Tx) error {
		for person, role := range who {
			if err := drillAccount(ctx, tx, account.Account{School: t.School.ID, Person: person, Role: role, Identifier: drillIdentifier(person)}, hash, now); err != nil {
				return err
			}
		}
		if t.Hold > 0 {
			return alert.SetHold(ctx, tx, t.School.ID, t.Hold)
		}
		return nil
	})
}

// SavedRoll is a roll that somebody's browser was told is saved.
type SavedRoll struct {
	School, Sitting string
	Absent          []string // pupils
}

// LostRolls counts, of rolls that were said to be saved, those that the database does not
// have as they were saved.
func (a *App) LostRolls(ctx context.Context, rolls []SavedRoll) (lost int, err error) {
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		for _, r := range rolls {
			kept, err := attendance.RollsOf(ctx, tx, r.School, []string{r.Sitting})
			if err != nil {
				return err
			}
			marks, err := attendance.Current(ctx, tx, r.School, r.Sitting)
			if err != nil {
				return err
			}
			_, there := kept[r.Sitting]
			absent := 0
			for _, k := range marks {
				if k.Value == attendance.Absent {
					absent++
				}
			}
			there = there && absent == len(r.Absent)
			for _, p := range r.Absent {
				there = there && marks[p].Value == attendance.Absent
			}
			if !there {
				lost++
			}
		}
		return nil
	})
	return lost, err
}

// drillIdentifier is what a person of a drill types.
func drillIdentifier(person string) string {
	return strings.ToLower(strings.NewReplacer("_", "-", " ", "-").Replace(person))
}

// Identifier is what a person of a drill types to sign in.
func (h DrillHouse) Identifier(person string) string { return drillIdentifier(person) }

func drillAccount(ctx context.Context, tx database.Tx, a account.Account, hash account.Hash, now time.Time) error {
	a.CreatedAt = now
	a, err := account.Create(ctx, tx, a)
	if err != nil {
		return fmt.Errorf("the account of %s: %w", a.Identifier, err)
	}
	return account.SetPassword(ctx, tx, now, a.ID, hash)
}

// staffOf gives everybody of a town who has something to do, with their role, and one family.
func staffOf(t fictional.Town) map[string]page.Role {
	staff := map[string]page.Role{}
	for _, s := range t.Sittings {
		for _, c := range s.Staff {
			staff[c.Person] = page.Teacher
		}
	}
	staff[t.Cast.Head], staff[t.Cast.CPE], staff[t.Cast.Office], staff[t.Cast.Supervisor] = page.Head, page.CPE, page.Secretary, page.Supervisor
	staff[t.Cast.Nadia], staff[t.Cast.Lea] = page.Guardian, page.Pupil
	return staff
}

// AccountsFor tells whether this installation can say why a message left, by the reference that
// it bears or its Message-ID.
func (a *App) AccountsFor(ctx context.Context, message string) (bool, error) {
	var b strings.Builder
	err := a.Explain(ctx, &b, message, "en")
	if errors.Is(err, courier.ErrNotFound) {
		return false, nil
	}
	return b.Len() > 0, err
}

// RouteInfo is one page or form of the program and who may use it.
type RouteInfo struct{ Method, Path, Rule string }

// RouteList lists every page and form.
func (a *App) RouteList() []RouteInfo {
	var out []RouteInfo
	for _, r := range a.Routes.All() {
		method, path, found := strings.Cut(r.Pattern, " ")
		if !found {
			method, path = "GET", r.Pattern
		}
		out = append(out, RouteInfo{method, path, r.Rule.String()})
	}
	return out
}

// People counts who is in an installation's directory.
func (a *App) People(ctx context.Context) (pupils, staff, guardians int, err error) {
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		bySchool, err := directory.CountPeople(ctx, tx)
		if err != nil {
			return err
		}
		for _, of := range bySchool {
			pupils, staff, guardians = pupils+of[directory.KindPupil], staff+of[directory.KindStaff], guardians+of[directory.KindAdult]
		}
		return nil
	})
	return pupils, staff, guardians, err
}
