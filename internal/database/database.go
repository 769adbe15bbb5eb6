// Package database opens the one database of an installation, SQLite or
// PostgreSQL, brings its schema up to date, and lends transactions.
//
// Its promise: whatever is decided for a school is decided inside InSchool, one
// transaction at a time for that school, on either engine and on any number of
// nodes. On SQLite there is one writing connection, and what cannot wait (the roll,
// the alerts) stands first before it. On PostgreSQL the school's row is locked, so
// that two nodes cannot both pass a cap. Nothing outside is ever called inside a
// transaction, and no transaction is opened inside another.
package database

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the SQLite driver, "sqlite"
)

// Engine is one of the two databases that Préau runs on.
type Engine string

// The two engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Tx is what store functions take: one open transaction.
type Tx = bun.Tx

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine Engine
	source string
	write  *bun.DB
	read   *bun.DB
	gate   *gate // nil on PostgreSQL, which queues writers itself
}

// Errors that callers tell apart.
var (
	// ErrNoSchool: InSchool was given a school that is not in this database.
	ErrNoSchool = errors.New("database: no such school")
	// ErrNested: a transaction was asked for inside another one. On SQLite it would
	// wait for itself for ever.
	ErrNested = errors.New("database: a transaction inside a transaction")
)

// Open opens the database that source names: "sqlite:PATH" or a "postgres://" URL.
// It creates a SQLite file that is not there; it does not touch the schema (see
// Migrate).
func Open(ctx context.Context, source string) (*DB, error) {
	if path, ok := strings.CutPrefix(source, "sqlite:"); ok {
		return openSQLite(ctx, source, path)
	}
	if strings.HasPrefix(source, "postgres://") || strings.HasPrefix(source, "postgresql://") {
		return openPostgres(ctx, source)
	}
	return nil, fmt.Errorf("database: %q is neither sqlite:PATH nor postgres://…", redact(source))
}

func openSQLite(ctx context.Context, source, path string) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// The file holds children's data: nobody else on the machine reads it.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	f.Close()
	dsn := func(more ...string) string {
		q := url.Values{}
		for _, p := range []string{"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "busy_timeout(5000)", "recursive_triggers(1)", "temp_store(2)"} {
			q.Add("_pragma", p)
		}
		for i := 0; i+1 < len(more); i += 2 {
			q.Add(more[i], more[i+1])
		}
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	}
	// 16 MB of pages: with the usual 2, a save reads the marks' indexes again each time.
	w, err := sql.Open("sqlite", dsn("_txlock", "immediate", "_pragma", "cache_size(-16000)"))
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	w.SetMaxOpenConns(1)
	r, err := sql.Open("sqlite", dsn("_pragma", "query_only(1)"))
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	r.SetMaxOpenConns(8)
	r.SetMaxIdleConns(8)
	db := &DB{engine: SQLite, source: source, write: bun.NewDB(w, sqlitedialect.New()), read: bun.NewDB(r, sqlitedialect.New()), gate: newGate()}
	if err := w.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("database: cannot open %s: %w", path, err)
	}
	return db, nil
}

func openPostgres(ctx context.Context, source string) (*DB, error) {
	config, err := pgx.ParseConfig(source)
	if err != nil {
		return nil, fmt.Errorf("database: cannot read the address of PostgreSQL (it is not repeated here: it may hold a password)")
	}
	// bun writes values into the text of a query, so that hardly one is asked twice:
	// preparing each would cost two more round trips and a plan that is thrown away.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	p := stdlib.OpenDB(*config)
	p.SetMaxOpenConns(16)
	p.SetMaxIdleConns(16)
	if err := p.PingContext(ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("database: PostgreSQL at %s does not answer: %w", redact(source), err)
	}
	b := bun.NewDB(p, pgdialect.New())
	return &DB{engine: Postgres, source: source, write: b, read: b}, nil
}

// Engine tells which database this is.
func (db *DB) Engine() Engine { return db.engine }

// Where is the database's address without its password, for logs and doctor.
func (db *DB) Where() string { return redact(db.source) }

// Close closes the connections. Open transactions fail.
func (db *DB) Close() error {
	err := db.write.Close()
	if db.read != db.write {
		err = errors.Join(err, db.read.Close())
	}
	return err
}

// Installation is the row of database_schools that is no school: what an operator does for
// all of them is journalled in its chain, in a transaction of its own InSchool.
const Installation = "installation"

type inside struct{}

// InSchool runs fn in one writing transaction for a school and commits it if fn
// returns nil. On PostgreSQL the school's row is locked first, so that decisions of
// one school follow one another across nodes. fn must use the context it is given:
// opening another transaction with it is ErrNested. ErrNoSchool if the school is not
// there.
func (db *DB) InSchool(ctx context.Context, school string, fn func(context.Context, Tx) error) error {
	return db.Write(ctx, func(ctx context.Context, tx Tx) error {
		q := tx.NewSelect().ColumnExpr("id").TableExpr("database_schools").Where("id = ?", school)
		if db.engine == Postgres {
			// NO KEY: rows that point at the school may be written meanwhile by
			// transactions of no school (an account, a session).
			q = q.For("NO KEY UPDATE")
		}
		var id string
		if err := q.Scan(ctx, &id); errors.Is(err, sql.ErrNoRows) {
			return ErrNoSchool
		} else if err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

// Write runs fn in one writing transaction of no school: accounts, sessions, a new
// school. What concerns a school's pupils belongs in InSchool.
func (db *DB) Write(ctx context.Context, fn func(context.Context, Tx) error) error {
	if ctx.Value(inside{}) != nil {
		return ErrNested
	}
	if db.gate != nil {
		if err := db.gate.enter(ctx); err != nil {
			return err
		}
		defer db.gate.leave()
	}
	return run(ctx, db.write, nil, fn)
}

// Read runs fn in one read-only transaction: everything it reads is of one moment.
func (db *DB) Read(ctx context.Context, fn func(context.Context, Tx) error) error {
	if ctx.Value(inside{}) != nil {
		return ErrNested
	}
	opts := &sql.TxOptions{ReadOnly: true}
	if db.engine == Postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	return run(ctx, db.read, opts, fn)
}

func run(ctx context.Context, on *bun.DB, opts *sql.TxOptions, fn func(context.Context, Tx) error) error {
	tx, err := on.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("database: begin: %w", err)
	}
	done := false
	defer func() {
		if !done { // fn failed or panicked
			tx.Rollback()
		}
	}()
	if err := fn(context.WithValue(ctx, inside{}, true), tx); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("database: commit: %w", err)
	}
	return nil
}

// AddSchool makes the row that everything of a school hangs on. It is a no-op for a
// school that is there.
func AddSchool(ctx context.Context, tx Tx, school string) error {
	_, err := tx.NewRaw("INSERT INTO database_schools (id) VALUES (?) ON CONFLICT (id) DO NOTHING", school).Exec(ctx)
	return err
}

var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes an identifier of 20 characters, 100 bits at random: it tells nothing,
// and cannot be guessed from another.
func NewID() string {
	var b [13]byte
	rand.Read(b[:])
	return idText.EncodeToString(b[:])[:20]
}

// Stamp is a moment as both engines keep it: UTC, whole microseconds.
func Stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func redact(source string) string {
	u, err := url.Parse(source)
	if err != nil || u.User == nil {
		if err != nil {
			return "(an address that cannot be read)"
		}
		return source
	}
	return u.Redacted()
}

// Statement runs one statement outside any transaction. It is for the few that need
// that (CREATE DATABASE) and for tests that attack the guards with raw SQL.
func (db *DB) Statement(ctx context.Context, query string, args ...any) error {
	_, err := db.write.ExecContext(ctx, query, args...)
	return err
}

// Install gives the database the identity of its installation, once.
func Install(ctx context.Context, tx Tx, now time.Time) error {
	_, err := tx.NewRaw("INSERT INTO database_installation (one, id, created_at) VALUES (1, ?, ?) ON CONFLICT (one) DO NOTHING", NewID(), Stamp(now)).Exec(ctx)
	return err
}

// drillMark begins the identity of an installation that was made for a drill. A real one
// never has it, and nothing changes an identity.
const drillMark = "drill-"

// InstallDrill is Install for a drill: an installation that takes another clock than the
// machine's, and no carrier but this machine's.
func InstallDrill(ctx context.Context, tx Tx, now time.Time) error {
	_, err := tx.NewRaw("INSERT INTO database_installation (one, id, created_at) VALUES (1, ?, ?)", drillMark+NewID(), Stamp(now)).Exec(ctx)
	return err
}

// DrillMark tells whether an identity says that its installation was made for a drill.
func DrillMark(id string) bool { return strings.HasPrefix(id, drillMark) }

// IsDrill tells whether this installation was made for a drill.
func IsDrill(ctx context.Context, tx Tx) (bool, error) {
	var id string
	err := tx.NewRaw("SELECT id FROM database_installation WHERE one = 1").Scan(ctx, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return DrillMark(id), err
}

// OpenExisting is Open for a database that must be there already: it makes no file.
func OpenExisting(ctx context.Context, source string) (*DB, error) {
	if path, ok := strings.CutPrefix(source, "sqlite:"); ok {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no database in %s yet: preau init makes one", path)
		} else if err != nil {
			return nil, fmt.Errorf("database: %w", err)
		}
	}
	return Open(ctx, source)
}
