package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/durable"
	"github.com/preau-ent/preau/internal/journal"
)

// The heads of the journal's chains are kept in a file beside the database, so that a
// tail cut off together with the database's own record of it shows (see verify).
func headsFile(data string) string { return filepath.Join(data, "journal-heads.json") }

// checkKey refuses to serve a database whose journal another key wrote, or whose last
// lines were altered: nothing that this program would write could be believed.
func (a *App) checkKey(ctx context.Context) error {
	faults, err := a.tails(ctx, nil)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("nothing is served and nothing leaves: %w. Is it another journal.key? docs/operating.md says what to do", faults[0])
	}
	return nil
}

// headsTrouble tells whether the journal is the one that this folder remembers: a restored
// copy would send again what was sent.
func (a *App) headsTrouble(ctx context.Context) (courier.Why, error) {
	known, err := knownHeads(a.Config.Data)
	if err != nil {
		return "", fmt.Errorf("%s: %w", headsFile(a.Config.Data), err)
	}
	faults, err := a.tails(ctx, known)
	if err != nil || len(faults) == 0 {
		return "", err
	}
	a.log.Error("the journal is not the one that this folder remembers", "err", faults[0])
	return courier.WhyJournal, nil
}

func (a *App) tails(ctx context.Context, known []journal.Head) (faults []journal.Fault, err error) {
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		faults, err = a.Journal.VerifyTails(ctx, tx, known)
		return err
	})
	return faults, err
}

// forgetHeads sets aside what the folder remembers of a journal that is no longer there:
// verify says so no more, the lock's line in the journal does.
func (a *App) forgetHeads(now time.Time) error {
	err := os.Rename(headsFile(a.Config.Data), filepath.Join(a.Config.Data, "journal-heads-until-"+now.UTC().Format("20060102T150405Z")+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (a *App) keepHeads(ctx context.Context) error {
	var heads []journal.Head
	err := a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		heads, err = journal.Heads(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(heads, "", "  ")
	if err != nil {
		return err
	}
	// Whole or not at all: a half-written file would accuse the journal.
	return durable.WriteFile(headsFile(a.Config.Data), append(b, '\n'), 0o600)
}

// knownHeads reads the file; without one there is nothing to compare with.
func knownHeads(data string) ([]journal.Head, error) {
	b, err := os.ReadFile(headsFile(data))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var heads []journal.Head
	return heads, json.Unmarshal(b, &heads)
}

// Verify checks every chain of the journal against itself and against the heads kept
// outside the database.
func (a *App) Verify(ctx context.Context) (lines int64, faults []journal.Fault, err error) {
	known, err := knownHeads(a.Config.Data)
	if err != nil {
		return 0, nil, err
	}
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		lines, faults, err = a.Journal.Verify(ctx, tx, known)
		return err
	})
	return lines, faults, err
}
