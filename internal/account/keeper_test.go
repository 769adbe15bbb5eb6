package account

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

const (
	good = "un préau sous la pluie"
	bad  = "un parapluie sous le préau"
)

func keeper(t testing.TB, db *database.DB, c *clock) *Keeper {
	t.Helper()
	k, err := NewKeeper(Settings{DB: db, Key: []byte("0123456789abcdef0123456789abcdef"), Clock: c.time, Cost: cheap, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Whoever is asked for, whatever was wrong: as many hashes, as many rows counted,
// the same answer.
func TestSameWork(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		c := &clock{now: tuesday}
		k := keeper(t, db, c)
		create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		create(t, db, Account{School: lycee, Person: "mother", Role: page.Guardian}, "") // no password yet
		closed := create(t, db, Account{School: lycee, Person: "teacher", Role: page.Teacher}, good)
		write(t, db, func(ctx context.Context, tx database.Tx) error { return disable(ctx, tx, tuesday, closed.ID) })

		for _, typed := range []string{"lea.benali", "samira.benali", "jean-noel.ndiaye", "nobody.atall", "", "a password typed in the wrong field"} {
			for try := 1; try <= freeFailures+3; try++ {
				before, rows := k.hashes.Load(), attemptRows(t, db)
				_, _, err := k.signIn(t.Context(), typed, bad, visitor{device: device{ID: "new"}})
				hashes, counted := k.hashes.Load()-before, attemptRows(t, db)-rows
				wait, waits := errors.AsType[*WaitError](err)
				switch {
				case try <= freeFailures && (hashes != 1 || !errors.Is(err, ErrWrong) || waits):
					t.Errorf("%q, try %d: %d hashes and %v; want 1 and ErrWrong", typed, try, hashes, err)
				case try == freeFailures+1 && (hashes != 1 || !errors.Is(err, ErrWrong) || !waits || !wait.Until.Equal(tuesday.Add(firstWait))):
					t.Errorf("%q, try %d: %d hashes and %v; want 1, ErrWrong and a wait", typed, try, hashes, err)
				case try > freeFailures+1 && (hashes != 0 || errors.Is(err, ErrWrong) || !waits):
					t.Errorf("%q, try %d: %d hashes and %v; want none and a wait", typed, try, hashes, err)
				}
				if want := map[bool]int64{true: 1, false: 0}[try == 1]; counted != want {
					t.Errorf("%q, try %d: %d rows more, want %d", typed, try, counted, want)
				}
			}
		}
	})
}

func attemptRows(t testing.TB, db *database.DB) int64 {
	return read(t, db, func(ctx context.Context, tx database.Tx) (int64, error) {
		return tx.NewSelect().Model((*attempts)(nil)).Count(ctx)
	})
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		c := &clock{now: tuesday}
		k := keeper(t, db, c)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		closed := create(t, db, Account{School: lycee, Person: "teacher", Role: page.Teacher}, good)
		write(t, db, func(ctx context.Context, tx database.Tx) error { return disable(ctx, tx, tuesday, closed.ID) })
		stranger := visitor{device: device{ID: "stranger"}}

		for _, typed := range []string{"lea.benali", " Léa.Benali "} {
			a, s, err := k.signIn(t.Context(), typed, good, stranger)
			if err != nil || a.ID != lea.ID || s.Account != lea.ID {
				t.Fatalf("%q: %v", typed, err)
			}
		}
		if _, _, err := k.signIn(t.Context(), closed.Identifier, good, stranger); !errors.Is(err, ErrDisabled) {
			t.Errorf("a closed account with its password: %v, want ErrDisabled", err)
		}

		// Failures slow down, success forgets them.
		for range freeFailures {
			_, _, _ = k.signIn(t.Context(), "lea.benali", bad, stranger)
		}
		if _, _, err := k.signIn(t.Context(), "lea.benali", good, stranger); err != nil {
			t.Fatalf("the right password after %d wrong ones: %v", freeFailures, err)
		}
		for range freeFailures {
			if _, _, err := k.signIn(t.Context(), "lea.benali", bad, stranger); !errors.Is(err, ErrWrong) {
				t.Fatal(err)
			}
		}
		if _, _, err := k.signIn(t.Context(), "lea.benali", bad, stranger); !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
		if _, _, err := k.signIn(t.Context(), "lea.benali", good, stranger); err == nil || errors.Is(err, ErrWrong) {
			t.Errorf("the right password during the wait: %v, want a wait", err)
		}
		c.after(firstWait)
		if _, _, err := k.signIn(t.Context(), "lea.benali", good, stranger); err != nil {
			t.Errorf("the right password after the wait: %v", err)
		}
	})
}

// However many passwords are tried at one moment, from however many browsers, as many are
// looked at as if they came one after the other.
func TestTriedAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		k := keeper(t, db, &clock{now: tuesday})
		k.pool = newPool(8)
		create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		before := k.hashes.Load()
		var all sync.WaitGroup
		for range 60 {
			all.Go(func() {
				_, err := k.prove(t.Context(), "lea.benali", bad, device{ID: "d"}, place{kind: ordinary, patience: time.Minute})
				if _, waits := errors.AsType[*WaitError](err); !waits && !errors.Is(err, ErrWrong) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := k.hashes.Load() - before; n < 1 || n > freeFailures+1 {
			t.Errorf("%d passwords were looked at, want %d at most", n, freeFailures+1)
		}
	})
}

// A browser that signed in before is not held up by what others try, and has a
// limit of its own.
func TestKnownBrowser(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		c := &clock{now: tuesday}
		k := keeper(t, db, c)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		tom := create(t, db, Account{School: college, Person: "tom", Role: page.Pupil}, good)
		stranger, hers := visitor{device: device{ID: "stranger"}}, visitor{device: k.keys.remember(device{ID: "hers"}, lea)}
		toms := visitor{device: k.keys.remember(device{ID: "toms"}, tom)}
		try := func(v visitor, password string) error {
			_, _, err := k.signIn(t.Context(), "lea.benali", password, v)
			return err
		}
		for range freeFailures + 1 {
			_ = try(stranger, bad)
		}
		if _, waits := errors.AsType[*WaitError](try(toms, good)); !waits {
			t.Error("a browser of somebody else's is let through")
		}
		if err := try(hers, good); err != nil {
			t.Errorf("her own browser is held up by what others tried: %v", err)
		}
		if _, waits := errors.AsType[*WaitError](try(stranger, good)); !waits {
			t.Error("her signing in at home ended the others' wait")
		}
		for range freeFailures + 1 {
			if err := try(hers, bad); !errors.Is(err, ErrWrong) {
				t.Fatal(err)
			}
		}
		if _, waits := errors.AsType[*WaitError](try(hers, good)); !waits {
			t.Error("a known browser may try without end")
		}
	})
}

func TestRehash(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		c := &clock{now: tuesday}
		k := keeper(t, db, c)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		stored := func() Hash {
			return read(t, db, func(ctx context.Context, tx database.Tx) (Account, error) { return ByID(ctx, tx, lea.ID) }).Password
		}
		if _, _, err := k.signIn(t.Context(), "lea.benali", good, visitor{device: device{ID: "d"}}); err != nil {
			t.Fatal(err)
		}
		if stored() != lea.Password {
			t.Error("a hash at today's cost was replaced")
		}
		k.cost = Cost{Memory: 128, Passes: 2, Threads: 1}
		if _, _, err := k.signIn(t.Context(), "lea.benali", bad, visitor{device: device{ID: "d"}}); !errors.Is(err, ErrWrong) || stored() != lea.Password {
			t.Errorf("a wrong password: %v, or it was kept", err)
		}
		a, _, err := k.signIn(t.Context(), "lea.benali", good, visitor{device: device{ID: "d"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := stored(); got == lea.Password || got.stale(k.cost) || got != a.Password {
			t.Errorf("the hash is still at yesterday's cost: %s", got)
		}
		if _, _, err := k.signIn(t.Context(), "lea.benali", good, visitor{device: device{ID: "d"}}); err != nil {
			t.Errorf("the same password, hashed anew, is refused: %v", err)
		}
	})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		schools(t, db)
		c := &clock{now: tuesday}
		k := keeper(t, db, c)
		lea := create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
		v := visitor{device: device{ID: "d"}}
		_, here, err := k.signIn(t.Context(), "lea.benali", good, v)
		if err != nil {
			t.Fatal(err)
		}
		_, elsewhere, err := k.signIn(t.Context(), "lea.benali", good, v)
		if err != nil {
			t.Fatal(err)
		}
		is := func(s Session) bool {
			return read(t, db, func(ctx context.Context, tx database.Tx) (bool, error) {
				_, ok, err := look(ctx, tx, tuesday, ticket{Session: s.ID, Account: lea.ID})
				return ok, err
			})
		}
		change := func(present, next string) error {
			_, err := k.changePassword(t.Context(), lea.ID, here.ID, present, next, v.device)
			return err
		}
		if err := change(good, "azertyuiop"); err != errSequence {
			t.Errorf("a bad new password: %v, want errSequence", err)
		}
		if err := change(bad, "cheval agrafe"); !errors.Is(err, ErrWrong) {
			t.Errorf("a wrong present password: %v, want ErrWrong", err)
		}
		if !is(here) || !is(elsewhere) {
			t.Error("a refusal ended a session")
		}
		if err := change(good, "cheval agrafe"); err != nil {
			t.Fatal(err)
		}
		if !is(here) || is(elsewhere) {
			t.Error("a new password keeps this session and ends the others")
		}
		if _, _, err := k.signIn(t.Context(), "lea.benali", good, v); !errors.Is(err, ErrWrong) {
			t.Errorf("the old password: %v, want ErrWrong", err)
		}
		if _, _, err := k.signIn(t.Context(), "lea.benali", "cheval agrafe", v); err != nil {
			t.Errorf("the new password: %v", err)
		}
		// A stolen session is no way round the limit.
		for range freeFailures + 1 {
			_ = change(bad, "agrafe cheval")
		}
		if _, waits := errors.AsType[*WaitError](change("cheval agrafe", "agrafe cheval")); !waits {
			t.Error("the present password may be tried without end")
		}
	})
}

// Somebody who goes away while waiting for a worker has tried nothing.
func TestGoneWhileWaiting(t *testing.T) {
	t.Parallel()
	db := databasetest.SQLite(t)
	schools(t, db)
	k := keeper(t, db, &clock{now: tuesday})
	create(t, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
	k.pool = newPool(1)
	leave := fill(t, k.pool)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := k.prove(ctx, "lea.benali", good, device{ID: "d"}, place{kind: ordinary, patience: time.Hour})
		done <- err
	}()
	for k.pool.crowd() == 0 {
		if len(done) > 0 {
			t.Fatal("nobody waited")
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("went away: %v, want context.Canceled", err)
	}
	if n := attemptRows(t, db); n != 0 {
		t.Error("a try that was never made was counted")
	}
	leave()
	if _, _, err := k.signIn(t.Context(), "lea.benali", good, visitor{device: device{ID: "d"}}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "session.key")
	first, err := Key(path)
	if err != nil || len(first) != MinKey {
		t.Fatalf("a new key: %d bytes, %v", len(first), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file has mode %v, want 0600 (%v)", info.Mode(), err)
	}
	if again, err := Key(path); err != nil || string(again) != string(first) {
		t.Errorf("the key is not read back: %v", err)
	}
	other, err := Key(filepath.Join(t.TempDir(), "session.key"))
	if err != nil || string(other) == string(first) {
		t.Errorf("two installations have one key (%v)", err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Key(path); err == nil {
		t.Error("a key that everybody can read is taken")
	}
	short := filepath.Join(t.TempDir(), "short.key")
	if err := os.WriteFile(short, []byte("00112233"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Key(short); err == nil {
		t.Error("a key of four bytes is taken")
	}
	if _, err := Key(filepath.Join(t.TempDir(), "none", "session.key")); err == nil {
		t.Error("a key in a folder that is not there")
	}
	if _, err := NewKeeper(Settings{Key: []byte("too short")}); err == nil {
		t.Error("a keeper with a short key")
	}
}

func BenchmarkViewer(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *database.DB
	}{{"sqlite", databasetest.SQLite}, {"postgres", databasetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			db := engine.open(b)
			schools(b, db)
			k := keeper(b, db, &clock{now: tuesday})
			create(b, db, Account{School: lycee, Person: "lea", Role: page.Pupil}, good)
			a, s, err := k.signIn(b.Context(), "lea.benali", good, visitor{device: device{ID: "d"}})
			if err != nil {
				b.Fatal(err)
			}
			r := signedRequest(k, a, s)
			for b.Loop() {
				if _, ok := k.Viewer(r); !ok {
					b.Fatal("nobody is signed in")
				}
			}
		})
	}
}
