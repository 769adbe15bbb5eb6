//go:build unix

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/preau-ent/preau/internal/database"
)

// lockData lets one program at a time serve a SQLite file: what another left leaving is
// then known to be left by a dead one. On PostgreSQL programs tell by heartbeats.
func (a *App) lockData() error {
	if a.DB.Engine() != database.SQLite {
		return nil
	}
	path := filepath.Join(a.Config.Data, "serving.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return fmt.Errorf("another Préau is serving %s", a.Config.Data)
	}
	a.lock = f
	return nil
}
