package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Upgrade says how Migrate may change a schema that holds data.
type Upgrade struct {
	// Backups is the folder that gets a copy of the database before it is changed.
	Backups string
	// HaveBackup: whoever runs this took a backup by other means. Without it an
	// upgrade of PostgreSQL needs pg_dump on the PATH.
	HaveBackup bool
	Now        time.Time
	Log        *slog.Logger
}

// Errors of Migrate that callers tell apart.
var (
	// ErrNewer: the database was written by a newer Préau. It is left untouched.
	ErrNewer = errors.New("database: its schema is newer than this program; run the newer Préau")
)

// Migrate brings the schema up to date under a lock, so that two programs started
// together do it once. A database of a newer version is refused (ErrNewer), and one
// with an older schema is copied first.
func (db *DB) Migrate(ctx context.Context, up Upgrade) error {
	unlock, err := db.lockSchema(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := db.provider()
	if err != nil {
		return err
	}
	have, newest, err := db.versions(ctx, p)
	if err != nil {
		return err
	}
	switch {
	case have > newest:
		return fmt.Errorf("%w (schema %d, this program knows %d)", ErrNewer, have, newest)
	case have == newest:
		return nil
	case have > 0:
		if err := db.backup(ctx, up, have); err != nil {
			return err
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("database: upgrading the schema from %d to %d: %w", have, newest, err)
	}
	return nil
}

func (db *DB) provider() (*goose.Provider, error) {
	var opts []goose.ProviderOption
	dialect := goose.DialectSQLite3
	if db.engine == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, err
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(dialect, db.write.DB, engineFiles{files, db.engine}, opts...)
	if err != nil {
		return nil, fmt.Errorf("database: migrations: %w", err)
	}
	return p, nil
}

// Versions gives the version of the schema that is there, 0 for none, and the newest
// that this program knows. It changes nothing.
func (db *DB) Versions(ctx context.Context) (have, newest int64, err error) {
	p, err := db.provider()
	if err != nil {
		return 0, 0, err
	}
	return db.versions(ctx, p)
}

func (db *DB) versions(ctx context.Context, p *goose.Provider) (have, newest int64, err error) {
	sources := p.ListSources()
	// Asked without goose: its question would create its own table in a database
	// that is not ours to touch.
	have, err = db.schemaVersion(ctx)
	return have, sources[len(sources)-1].Version, err
}

// schemaVersion is 0 for an empty database.
func (db *DB) schemaVersion(ctx context.Context) (int64, error) {
	var there int
	q := "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'goose_db_version'"
	if db.engine == Postgres {
		q = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('goose_db_version')"
	}
	if err := db.write.NewRaw(q).Scan(ctx, &there); err != nil {
		return 0, fmt.Errorf("database: reading the schema's version: %w", err)
	}
	if there == 0 {
		return 0, nil
	}
	var v sql.NullInt64
	if err := db.write.NewRaw("SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(ctx, &v); err != nil {
		return 0, fmt.Errorf("database: reading the schema's version: %w", err)
	}
	return v.Int64, nil
}

func (db *DB) backup(ctx context.Context, up Upgrade, have int64) error {
	if up.HaveBackup {
		return nil
	}
	if up.Backups == "" {
		return errors.New("database: the schema must be upgraded and there is no folder for the backup")
	}
	if err := os.MkdirAll(up.Backups, 0o700); err != nil {
		return fmt.Errorf("database: backup: %w", err)
	}
	name := filepath.Join(up.Backups, fmt.Sprintf("before-upgrade-of-%d-%s", have, up.Now.UTC().Format("20060102T150405Z")))
	if db.engine == SQLite {
		name += ".db"
		if _, err := db.write.ExecContext(ctx, "VACUUM INTO ?", name); err != nil {
			return fmt.Errorf("database: backup before the upgrade: %w", err)
		}
		os.Chmod(name, 0o600)
	} else {
		name += ".dump"
		cmd := exec.CommandContext(ctx, "pg_dump", "--format=custom", "--file="+name, "--dbname="+db.source)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("database: backup before the upgrade with pg_dump: %w %s; take one yourself and start again with --have-backup", err, firstLine(out))
		}
	}
	if up.Log != nil {
		up.Log.Info("backup before the schema's upgrade", "file", name)
	}
	return nil
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return line
}

// engineFiles shows the migrations of one engine: NNNN_name.sql is for both,
// NNNN_name.sqlite.sql and NNNN_name.postgres.sql for one.
type engineFiles struct {
	fs.FS
	engine Engine
}

// ReadDir lists what is for this engine.
func (f engineFiles) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(f.FS, name)
	if err != nil {
		return nil, err
	}
	var mine []fs.DirEntry
	for _, e := range all {
		if parts := strings.Split(e.Name(), "."); len(parts) == 2 || parts[1] == string(f.engine) {
			mine = append(mine, e)
		}
	}
	return mine, nil
}
