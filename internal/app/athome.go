package app

import (
	"os"
	"path/filepath"

	"github.com/preau-ent/preau/internal/classroom"
)

// lines is what the line says of who waited in it. Nothing is kept of that yet: so nobody who
// did not come to a class at home is absent, and the office decides.
func (a *App) lines() classroom.Lines { return nil }

// node names this program among those of the installation: by its machine and its data folder,
// which outlive a restart.
func node(c Config) string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	if data, err := filepath.Abs(c.Data); err == nil {
		return host + " " + data
	}
	return host + " " + c.Data
}
