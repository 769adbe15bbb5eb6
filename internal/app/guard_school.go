package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// CodeLife is how long a code of a first sign-in is good.
const CodeLife = account.CodeLife

// NewSchool is a school that keeps its own tool, and of whose people we need to know only
// those who decide what is held.
type NewSchool struct {
	UAI, Name, Phone, Zone, Region, Lang string
	People                               []string // FIRST LAST; the first is the head
}

// Decider is a person who was given an account.
type Decider struct{ Name, Identifier, Code string }

// GuardedSchool makes a school without a directory, with accounts for those who decide.
func (a *App) GuardedSchool(ctx context.Context, n NewSchool) (made []Decider, err error) {
	if len(n.People) == 0 {
		return nil, errors.New("somebody must decide: --person")
	}
	if _, err := time.LoadLocation(n.Zone); err != nil {
		return nil, fmt.Errorf("--zone %s: %w", n.Zone, err)
	}
	now := a.Clock.Now()
	id := "guard-" + strings.ToLower(n.UAI)
	err = a.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		all, err := directory.Schools(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range all {
			if s.UAI == n.UAI {
				return fmt.Errorf("the school %s is here already", n.UAI)
			}
		}
		return directory.AddSchool(ctx, tx, directory.School{ID: id, UAI: n.UAI, SourceKey: n.UAI, Name: n.Name, ShortName: n.Name, Kind: "other", Zone: n.Zone, Region: n.Region, Lang: n.Lang, Phone: n.Phone})
	})
	if err != nil {
		return nil, err
	}
	err = a.DB.InSchool(ctx, id, func(ctx context.Context, tx database.Tx) error {
		for i, name := range n.People {
			first, last, _ := strings.Cut(strings.TrimSpace(name), " ")
			person := fmt.Sprintf("decides-%d", i+1)
			if first == "" {
				return errors.New("--person: it is FIRST LAST")
			}
			err := directory.Add(ctx, tx, directory.Batch{People: []directory.Person{{School: id, ID: person, Kind: directory.KindStaff, Source: directory.ByHand, SourceKey: person, FirstName: first, LastName: last}}})
			if err != nil {
				return err
			}
			role := page.Secretary
			if i == 0 {
				role = page.Head
			}
			one, err := account.Create(ctx, tx, account.Account{School: id, Person: person, Role: role, Identifier: fmt.Sprintf("%s-%d", strings.ToLower(n.UAI), i+1), CreatedAt: now})
			if err != nil {
				return err
			}
			code, err := account.IssueCode(ctx, tx, now, one.ID)
			if err != nil {
				return err
			}
			made = append(made, Decider{Name: strings.TrimSpace(name), Identifier: one.Identifier, Code: code})
		}
		return a.Journal.Append(ctx, tx, id, now, journal.Deed{Act: "school.made", Actor: "command", Subject: id, Detail: map[string]string{"people": fmt.Sprint(len(n.People))}})
	})
	return made, err
}
