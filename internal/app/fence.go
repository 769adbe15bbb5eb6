package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/durable"
	"github.com/preau-ent/preau/internal/journal"
)

// identity is what the data folder knows of its installation, outside the database: a
// database that is put back, a folder that is copied and a machine that is cloned show.
// A whole virtual machine cloned with its disk cannot know it of itself: the operating
// guide says what the carrier can tell.
type identity struct {
	ID      string    `json:"id"`
	Epoch   int       `json:"epoch"`
	Machine string    `json:"machine"` // digest of the machine's id; empty where it has none
	Folder  string    `json:"folder"`
	Seen    time.Time `json:"seen"`           // when this program last served, by its clock
	Gone    []string  `json:"gone,omitempty"` // schools that left: no backup brings them back
}

func identityFile(data string) string { return filepath.Join(data, "installation.json") }

// What the clock may do between two looks, and while no program served.
const (
	clockBehind = 2 * time.Minute
	clockAhead  = 3 * 24 * time.Hour
)

// disagreement says why what the folder remembers and what is there are not one
// installation; empty: they are. last is the moment of whatever was written last.
func disagreement(known, here identity, last, now time.Time) courier.Why {
	switch {
	case known.ID != here.ID || known.Epoch != here.Epoch:
		return courier.WhyIdentity
	case known.Machine != "" && here.Machine != "" && known.Machine != here.Machine:
		return courier.WhyMachine
	case known.Folder != here.Folder:
		return courier.WhyFolder
	}
	return clockTrouble(last, now)
}

// clockTrouble says what is wrong with a clock, from what was written last by it.
func clockTrouble(last, now time.Time) courier.Why {
	switch {
	case last.IsZero():
	case now.Before(last.Add(-clockBehind)):
		return courier.WhyBehind
	case now.After(last.Add(clockAhead)):
		return courier.WhyAhead
	}
	return ""
}

// raiseFence compares the installation with what its folder remembers, before anything
// works. Where they disagree every school's transports are locked, and the folder
// remembers the new state: the lock is lifted by two persons and by nothing else.
func (a *App) raiseFence(ctx context.Context) error {
	if err := a.checkKey(ctx); err != nil {
		return err
	}
	if a.demo {
		return nil // nothing can leave, and its clock is moved by hand
	}
	here, last, err := a.here(ctx)
	if err != nil {
		return err
	}
	known, there, err := knownIdentity(a.Config.Data)
	if err != nil {
		return err
	}
	now := a.Clock.Now()
	why := courier.Why("")
	switch {
	case there:
		if here.Epoch == 0 {
			here.Epoch = known.Epoch // the file was written and then the program ended
		}
		if known.Seen.After(last) {
			last = known.Seen
		}
		why = disagreement(known, here, last, now)
	case here.Epoch != 0:
		why = courier.WhyIdentity // a database that some folder knows, in one that does not
	}
	if why == "" {
		if why, err = a.headsTrouble(ctx); err != nil {
			return err
		}
	}
	if why != "" {
		a.log.Error("this installation is not the one that its folder remembers: nothing leaves until two persons arm it again", "why", string(why))
		if err := a.Courier.LockAll(ctx, why); err != nil {
			return err
		}
		if err := a.forgetHeads(now); err != nil {
			return err
		}
	}
	// An older database begins a new age: every folder that knew it locks, once. A folder
	// that is older, or new to this database as another node's is, only learns the age.
	if older := known.ID == here.ID && known.Epoch > here.Epoch; here.Epoch == 0 || older || why == courier.WhyJournal {
		here.Epoch = max(here.Epoch, known.Epoch) + 1
	}
	if err := a.buryAgain(ctx, known.Gone); err != nil {
		return err
	}
	here.Gone = known.Gone
	// The folder first: a crash in between leaves a database that is younger, and locks.
	here.Seen = now.UTC()
	if err := a.keepIdentity(here); err != nil {
		return err
	}
	a.seen.Store(&here)
	return a.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewRaw("UPDATE database_installation SET epoch = ? WHERE one = 1", here.Epoch).Exec(ctx)
		return err
	})
}

// here is what the database and the machine say now, and the last moment of the journal.
func (a *App) here(ctx context.Context) (id identity, last time.Time, err error) {
	err = a.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		// Whoever served before installations had an identity has none yet.
		if err := database.Install(ctx, tx, a.Clock.Now()); err != nil {
			return err
		}
		if err := tx.NewRaw("SELECT id, epoch FROM database_installation WHERE one = 1").Scan(ctx, &id.ID, &id.Epoch); err != nil {
			return err
		}
		last, err = journal.Last(ctx, tx)
		return err
	})
	if err != nil {
		return id, last, fmt.Errorf("the installation's identity: %w", err)
	}
	if id.Folder, err = filepath.Abs(a.Config.Data); err != nil {
		return id, last, err
	}
	if real, err := filepath.EvalSymlinks(id.Folder); err == nil {
		id.Folder = real
	}
	id.Machine = machine()
	return id, last, nil
}

// machine is a digest of this machine's id; empty where it has none.
func machine() string {
	b, err := os.ReadFile("/etc/machine-id")
	if text := strings.TrimSpace(string(b)); err == nil && text != "" {
		sum := sha256.Sum256([]byte("preau " + text))
		return hex.EncodeToString(sum[:8])
	}
	return ""
}

func knownIdentity(data string) (id identity, there bool, err error) {
	b, err := os.ReadFile(identityFile(data))
	if errors.Is(err, fs.ErrNotExist) {
		return id, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &id)
	}
	if err != nil {
		return id, false, fmt.Errorf("%s: %w", identityFile(data), err)
	}
	return id, true, nil
}

func (a *App) keepIdentity(id identity) error {
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(identityFile(a.Config.Data), append(b, '\n'), 0o600)
}

// watchClock notes that the program is still there, and locks when the clock jumped.
func (a *App) watchClock(ctx context.Context) error {
	known := a.seen.Load()
	if known == nil {
		return nil // a demonstration
	}
	now := a.Clock.Now()
	if why := clockTrouble(known.Seen, now); why != "" {
		a.log.Error("the clock jumped: nothing leaves until two persons arm the installation again", "why", string(why), "was", known.Seen, "is", now)
		if err := a.Courier.LockAll(ctx, why); err != nil {
			return err
		}
	}
	next := *known
	next.Seen = now.UTC()
	// A command may have ended a school meanwhile.
	if file, there, err := knownIdentity(a.Config.Data); err != nil {
		return err
	} else if there {
		next.Gone = file.Gone
	}
	if err := a.keepIdentity(next); err != nil {
		return err
	}
	a.seen.Store(&next)
	return nil
}
