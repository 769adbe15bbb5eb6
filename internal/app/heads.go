package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// The heads of the journal's chains are kept in a file beside the database, so that a
// tail cut off together with the database's own record of it shows (see verify).
func headsFile(data string) string { return filepath.Join(data, "journal-heads.json") }

// checkHeads refuses to serve a database whose journal is not the one that this folder
// remembers, or that another key wrote: a restored copy would send again what was sent.
func (a *App) checkHeads(ctx context.Context) error {
	known, err := knownHeads(a.Config.Data)
	if err != nil {
		return fmt.Errorf("%s: %w", headsFile(a.Config.Data), err)
	}
	var faults []journal.Fault
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		faults, err = a.Journal.VerifyTails(ctx, tx, known)
		return err
	})
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return fmt.Errorf("nothing is served and nothing leaves: %w. Is this a restored copy, or another journal.key? docs/operating.md says what to do", faults[0])
	}
	return nil
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
	path := headsFile(a.Config.Data)
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
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
