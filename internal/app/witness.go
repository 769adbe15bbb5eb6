package app

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door"
	"github.com/preau-ent/preau/internal/door/waits"
)

// The door asks no database on anybody's way in. What is evidence of their wait it tells at
// once, and it is written every few seconds: of a program that dies in between, the long line
// that is kept stands for them.

// entries are pupils who entered with a session and whose wait is not written yet.
type entries struct {
	mu  sync.Mutex
	all []account.Entry
}

// mostEntries bounds what waits for a database that is slow or gone.
const mostEntries = 20_000

// watchedEvery is how often it is noted that the line is watched, while there is none. More
// than this and two minutes without is a time in which nobody could enter.
const watchedEvery = 30 * time.Second

func waitOf(e door.Entry) waits.Wait {
	return waits.Wait{Ticket: strconv.FormatUint(e.Place, 36), Arrived: e.Arrived, Entered: e.Entered}
}

// waited hears of whoever enters after they waited. Most pupils have a session; of the others
// the sign-in tells.
func (f *front) waited(r *http.Request, e door.Entry) {
	one, ok := f.app.Keeper.EntryOf(r, waitOf(e))
	if !ok {
		return
	}
	f.entries.mu.Lock()
	defer f.entries.mu.Unlock()
	if len(f.entries.all) < mostEntries {
		f.entries.all = append(f.entries.all, one)
	}
}

// bear writes what is evidence: who entered, which lines are long, and that somebody watched.
func (f *front) bear(ctx context.Context) {
	f.entries.mu.Lock()
	all := f.entries.all
	f.entries.all = nil
	f.entries.mu.Unlock()
	lines := f.door.Crowded(waits.Long)
	machine, now := time.Now(), f.app.Clock.Now()
	if len(all) == 0 && len(lines) == 0 && machine.Sub(f.bore) < watchedEvery {
		return
	}
	shift := now.Sub(machine)
	long := make([]waits.Crowded, len(lines))
	for i, l := range lines {
		long[i] = waits.Crowded{School: l.School, Since: l.Since.Add(shift)}
	}
	err := f.app.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		if err := waits.Watch(ctx, tx, machine, now, long); err != nil {
			return err
		}
		return f.app.Keeper.BindEntries(ctx, tx, all)
	})
	if err == nil {
		f.bore = machine
		return
	}
	if ctx.Err() == nil {
		f.app.log.Error("who waited in line could not be kept: it is tried again", "err", err)
	}
	f.entries.mu.Lock()
	defer f.entries.mu.Unlock()
	f.entries.all = append(all, f.entries.all...)
	f.entries.all = f.entries.all[:min(len(f.entries.all), mostEntries)]
}
