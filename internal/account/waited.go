package account

import (
	"context"
	"net/http"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door/waits"
	"github.com/preau-ent/preau/internal/page"
)

// A pupil who waits in our line shows no name there. Who they were is known at their sign-in,
// or at their entry where their session goes on: there the wait becomes theirs.

// leastAtPool is from when on a wait for the pool of passwords is worth keeping.
const leastAtPool = 5 * time.Second

// WaitOf says how to read the wait of a browser that is inside, by the machine's clock; false:
// it has not waited. Call it before anything is served.
func (k *Keeper) WaitOf(read func(*http.Request) (waits.Wait, bool)) { k.wait = read }

// Entry is a browser that enters with a session after it waited.
type Entry struct {
	session ticket
	wait    waits.Wait
}

// EntryOf is the entry of a request, by the signature of its session alone; false: it has none.
func (k *Keeper) EntryOf(r *http.Request, w waits.Wait) (Entry, bool) {
	t, ok := k.ticket(r)
	return Entry{t, w}, ok
}

// BindEntries makes the waits of those who entered theirs: of pupils whose session still is.
// Others have nothing to prove, and a child who then signs in on the same device has.
func (k *Keeper) BindEntries(ctx context.Context, tx database.Tx, entries []Entry) error {
	for _, e := range entries {
		s, good, err := look(ctx, tx, k.clock(), e.session)
		if err != nil {
			return err
		}
		if !good || s.Role != page.Pupil {
			continue
		}
		if _, err := waits.Bind(ctx, tx, k.clock(), k.here(e.wait), s.School, s.Person); err != nil {
			return err
		}
	}
	return nil
}

// here is a wait by the installation's clock, which a demonstration shifts.
func (k *Keeper) here(w waits.Wait) waits.Wait {
	shift := time.Until(k.clock())
	w.Arrived, w.Entered = w.Arrived.Add(shift), w.Entered.Add(shift)
	return w
}

// bindWait makes the wait of a browser that of whoever signs in with it now, and the time for
// which they were sent away from the pool of passwords too. Whoever is no pupil uses it up.
func (k *Keeper) bindWait(ctx context.Context, tx database.Tx, a Account, s Session, v visitor) error {
	school, person := "", ""
	if a.Role == page.Pupil {
		school, person = a.School, a.Person
	}
	all := []waits.Wait{v.wait}
	if now := time.Now(); person != "" && !v.since.IsZero() && now.Sub(v.since) >= leastAtPool {
		all = append(all, waits.Wait{Ticket: "password " + s.ID, Arrived: v.since, Entered: now})
	}
	for _, w := range all {
		if w.Ticket == "" {
			continue
		}
		if _, err := waits.Bind(ctx, tx, k.clock(), k.here(w), school, person); err != nil {
			return err
		}
	}
	return nil
}
