package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/account"
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
}

// DrillOperator is the identifier of a drill's operator.
const DrillOperator = "operator"

// MakeDrill makes an installation for a drill in the configuration's folder, with a town in
// which nobody exists. The installation's identity says what it is: see Control. everybody:
// pupils can sign in, too. neighbours are other schools of it, in which nobody can.
func MakeDrill(ctx context.Context, c Config, t fictional.Town, now time.Time, everybody bool, neighbours ...fictional.Town) (h DrillHouse, err error) {
	a, err := Open(ctx, c, Options{Log: slog.New(slog.DiscardHandler), Clock: StandingClock(now), For: Installing})
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	h = DrillHouse{Password: demoPassword()}
	hash, err := a.Keeper.Hash(ctx, h.Password)
	if err != nil {
		return h, err
	}
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
	for _, one := range append([]fictional.Town{t}, neighbours...) {
		if err := fictional.Save(ctx, a.DB, one); err != nil {
			return h, err
		}
	}
	return h, a.DB.InSchool(ctx, t.School.ID, func(ctx context.Context, tx database.Tx) error {
		staff := staffOf(t)
		if everybody {
			for _, p := range t.Rows.People {
				if p.Kind == directory.KindPupil {
					staff[p.ID] = page.Pupil
				}
			}
		}
		for person, role := range staff {
			if err := drillAccount(ctx, tx, account.Account{School: t.School.ID, Person: person, Role: role, Identifier: drillIdentifier(person)}, hash, now); err != nil {
				return err
			}
		}
		return nil
	})
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
	staff[t.Cast.Head], staff[t.Cast.CPE], staff[t.Cast.Office], staff[t.Cast.Supervisor] = page.Head, page.CPE, page.Office, page.Office
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
