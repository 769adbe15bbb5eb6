//go:build unix

package database

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lockSchema lets one program at a time upgrade a SQLite file. PostgreSQL has its own
// lock (see Migrate).
func (db *DB) lockSchema(context.Context) (unlock func(), err error) {
	path, ok := strings.CutPrefix(db.source, "sqlite:")
	if !ok {
		return func() {}, nil
	}
	f, err := os.OpenFile(path+".upgrade-lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("database: %w", err)
	}
	return func() { f.Close() }, nil
}
