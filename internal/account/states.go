package account

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// States counts how far people of a school have come with their accounts in some roles:
// each person once, by the account that got furthest. The counts add up to the people.
func States(ctx context.Context, tx database.Tx, school string, people []string, now time.Time, roles ...page.Role) (map[State]int, error) {
	far := []State{StateNone, StateClosed, StateNew, StateCode, StateReady}
	best := make(map[string]State, len(people))
	for part := range slices.Chunk(people, 500) {
		accounts, err := OfPeople(ctx, tx, school, part...)
		if err != nil {
			return nil, err
		}
		for _, a := range accounts {
			state := a.StateAt(now)
			if slices.Contains(roles, a.Role) && slices.Index(far, state) > slices.Index(far, best[a.Person]) {
				best[a.Person] = state
			}
		}
	}
	out := map[State]int{}
	for _, id := range people {
		if best[id] == "" {
			out[StateNone]++
		} else {
			out[best[id]]++
		}
	}
	return out, nil
}

// StaffRoles are the roles that somebody who works in a school may have an account in.
func StaffRoles() []page.Role { return rolesFor(directory.KindStaff) }
