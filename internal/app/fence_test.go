package app_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
)

// fenced is an installation that has served once, with a letter waiting, and its clock.
type fenced struct {
	t        *testing.T
	dir      string
	database string // empty: in the folder
	town     fictional.Town
	clock    *app.Clock
}

func newFenced(t *testing.T) *fenced {
	t.Helper()
	f := &fenced{t: t, dir: t.TempDir(), town: fictional.Small(time.Time{})}
	f.clock = app.StandingClock(f.town.Tuesday)
	a, err := app.Open(t.Context(), app.Config{Data: f.dir, Addr: "127.0.0.1:0"}, app.Options{Log: quiet, For: app.Installing, Clock: f.clock})
	if err != nil {
		t.Fatal(err)
	}
	if err := fictional.Save(t.Context(), a.DB, f.town); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	f.serve(func(a *app.App) {
		if why := f.why(a); why != "" {
			t.Fatalf("locked at the first start: %s", why)
		}
	})
	return f
}

// serve starts the installation, does something once it listens, and stops it.
func (f *fenced) serve(do func(*app.App)) {
	f.t.Helper()
	a, err := app.Open(f.t.Context(), app.Config{Data: f.dir, Database: f.database, Addr: "127.0.0.1:0"}, app.Options{Log: quiet, Clock: f.clock})
	if err != nil {
		f.t.Fatal(err)
	}
	defer a.Close()
	ctx, stop := context.WithCancel(f.t.Context())
	defer stop()
	if err := a.Serve(ctx, func(string) { do(a); stop() }); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fenced) why(a *app.App) courier.Why {
	f.t.Helper()
	var k courier.Lock
	if err := a.DB.Read(f.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		k, _, err = courier.LockOf(ctx, tx, f.town.School.ID)
		return err
	}); err != nil {
		f.t.Fatal(err)
	}
	return k.Why
}

func (f *fenced) file() string { return filepath.Join(f.dir, "installation.json") }

// remember changes what the folder remembers.
func (f *fenced) remember(change func(map[string]any)) {
	f.t.Helper()
	b, err := os.ReadFile(f.file())
	if err != nil {
		f.t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		f.t.Fatal(err)
	}
	change(m)
	if b, err = json.Marshal(m); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.file(), b, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fenced) copy(from, to string) {
	f.t.Helper()
	b, err := os.ReadFile(filepath.Join(f.dir, from))
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, to), b, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// Whatever makes an installation another than the one that its folder remembers locks it,
// at the next start and at every start after it, until two persons arm it.
func TestFence(t *testing.T) {
	for name, c := range map[string]struct {
		then func(f *fenced)
		want courier.Why
	}{
		"the same again":            {func(*fenced) {}, ""},
		"after a week-end":          {func(f *fenced) { f.clock.Advance(62 * time.Hour) }, ""},
		"days ahead":                {func(f *fenced) { f.clock.Advance(4 * 24 * time.Hour) }, courier.WhyAhead},
		"clock put back":            {func(f *fenced) { f.clock = app.StandingClock(f.clock.Now().Add(-time.Hour)) }, courier.WhyBehind},
		"another machine":           {func(f *fenced) { f.remember(func(m map[string]any) { m["machine"] = "0000000000000000" }) }, courier.WhyMachine},
		"another database":          {func(f *fenced) { f.remember(func(m map[string]any) { m["id"] = "another" }) }, courier.WhyIdentity},
		"a database of another age": {func(f *fenced) { f.remember(func(m map[string]any) { m["epoch"] = 7 }) }, courier.WhyIdentity},
		"without the folder's file": {func(f *fenced) { os.Remove(f.file()) }, courier.WhyIdentity},
		"copied": {func(f *fenced) {
			dir := filepath.Join(f.t.TempDir(), "copy")
			if err := os.CopyFS(dir, os.DirFS(f.dir)); err != nil {
				f.t.Fatal(err)
			}
			for _, key := range []string{"session.key", "journal.key", "live.key"} {
				if err := os.Chmod(filepath.Join(dir, key), 0o600); err != nil {
					f.t.Fatal(err)
				}
			}
			f.dir = dir
		}, courier.WhyFolder},
		"restored": {func(f *fenced) {
			f.serve(func(a *app.App) {
				if err := a.DB.Statement(f.t.Context(), "VACUUM INTO ?", filepath.Join(f.dir, "backup")); err != nil {
					f.t.Fatal(err)
				}
				f.line(a)
			})
			for _, rest := range []string{"-wal", "-shm"} {
				os.Remove(filepath.Join(f.dir, "preau.db"+rest))
			}
			f.copy("backup", "preau.db")
		}, courier.WhyJournal},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFenced(t)
			f.serve(f.line)
			c.then(f)
			for range 2 {
				f.serve(func(a *app.App) {
					if got := f.why(a); got != c.want {
						t.Fatalf("locked for %q, want %q", got, c.want)
					}
				})
			}
			if c.want == "" {
				return
			}
			f.serve(func(a *app.App) {
				f.arm(a)
				if _, faults, err := a.Verify(t.Context()); err != nil || len(faults) > 0 {
					t.Fatalf("verify: %v %v", faults, err)
				}
			})
			if c.want == courier.WhyBehind {
				f.clock.Advance(time.Hour) // armed or not, a clock that is behind locks until it is right
			}
			f.serve(func(a *app.App) {
				if why := f.why(a); why != "" {
					t.Fatalf("locked again after it was armed: %s", why)
				}
			})
		})
	}
}

func (f *fenced) line(a *app.App) {
	f.in(a, func(ctx context.Context, tx database.Tx) error {
		return a.Courier.Put(ctx, tx, f.town.School.ID, f.clock.Now(), courier.Draft{ID: database.NewID(), Code: courier.NewCode(), Kind: courier.Absence, Ref: database.NewID(), Pupil: "lea",
			Person: "nadia", Contact: "nadia-sms", Channel: directory.SMS, Lang: "fr", Body: "x", DueAt: f.clock.Now().Add(time.Hour), ExpiresAt: f.clock.Now().Add(2 * time.Hour)})
	})
}

func (f *fenced) in(a *app.App, fn func(context.Context, database.Tx) error) {
	f.t.Helper()
	if err := a.DB.InSchool(f.t.Context(), f.town.School.ID, fn); err != nil {
		f.t.Fatal(err)
	}
}

// arm lifts the lock as two persons do; one alone cannot.
func (f *fenced) arm(a *app.App) {
	now := f.clock.Now()
	f.in(a, func(ctx context.Context, tx database.Tx) error {
		if err := a.Courier.AskUnlock(ctx, tx, f.town.School.ID, "head", now); err != nil {
			return err
		}
		if err := a.Courier.Unlock(ctx, tx, f.town.School.ID, "head", now); err == nil {
			f.t.Fatal("one person armed it alone")
		}
		waiting, err := tx.NewSelect().TableExpr("courier_letters").Where("state = 'waiting'").Count(ctx)
		if err != nil || waiting != 0 {
			f.t.Fatalf("%d letters wait behind the fence: %v", waiting, err)
		}
		return a.Courier.Unlock(ctx, tx, f.town.School.ID, "cpe", now)
	})
}

// TestTwoNodes: a second node has a folder of its own beside the same database. It locks
// once, until two persons say that it is theirs; then both start and stop as they like.
func TestTwoNodes(t *testing.T) {
	f := newFenced(t)
	f.serve(f.line)
	first := f.dir
	f.database = "sqlite:" + filepath.Join(first, "preau.db")
	second := filepath.Join(t.TempDir(), "second")
	if err := os.MkdirAll(second, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"session.key", "journal.key"} {
		b, err := os.ReadFile(filepath.Join(first, key))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(second, key), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.dir = second
	f.serve(func(a *app.App) {
		if why := f.why(a); why != courier.WhyIdentity {
			t.Fatalf("a folder that the database does not know: %q", why)
		}
		f.arm(a)
	})
	for i, dir := range []string{first, second, first, second} {
		f.dir = dir
		f.serve(func(a *app.App) {
			if why := f.why(a); why != "" {
				t.Fatalf("start %d, in %s: locked for %q", i, dir, why)
			}
			f.line(a)
		})
	}
}
