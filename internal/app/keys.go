package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

func journalKeyFile(data string) string { return filepath.Join(data, "journal.key") }

// journalKey reads the key of the journal, which lives outside the database. It is
// made with the installation and never again: with another key every line of the
// journal would look altered.
func journalKey(ctx context.Context, db *database.DB, data string) ([]byte, error) {
	path := journalKeyFile(data)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var lines []journal.Head
		if err := db.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			lines, err = journal.Heads(ctx, tx)
			return err
		}); err != nil {
			return nil, err
		}
		if len(lines) > 0 {
			return nil, fmt.Errorf("%s is missing and the database has a journal: put the file back from the backup", path)
		}
		key := make([]byte, journal.MinKey)
		rand.Read(key)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("the journal's key: %w", err)
		}
		_, err = f.WriteString(hex.EncodeToString(key) + "\n")
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return nil, fmt.Errorf("the journal's key: %w", err)
		}
		return key, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the journal's key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) < journal.MinKey {
		return nil, fmt.Errorf("%s does not hold %d bytes as hexadecimal digits", path, journal.MinKey)
	}
	return key, nil
}
