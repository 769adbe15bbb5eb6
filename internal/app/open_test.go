package app_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func open(t *testing.T, dir string, p app.Purpose) (*app.App, error) {
	t.Helper()
	a, err := app.Open(t.Context(), app.Config{Data: dir, Addr: "127.0.0.1:0"}, app.Options{Log: quiet, For: p})
	if err == nil {
		t.Cleanup(func() { a.Close() })
	}
	return a, err
}

// A command in the wrong folder says so, and makes nothing there: "no such message"
// about an installation that is elsewhere would be false evidence.
func TestNothingIsMadeWhereThereIsNoInstallation(t *testing.T) {
	for _, p := range []app.Purpose{app.Serving, app.Writing, app.Reading} {
		dir := filepath.Join(t.TempDir(), "mistyped")
		if _, err := open(t, dir, p); !errors.Is(err, app.ErrNoInstallation) {
			t.Errorf("%d: %v", p, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%d: the folder was made", p)
		}
	}
}

// served makes an installation with a journal of two lines and its heads kept, and gives
// its folder.
func served(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	a, err := open(t, dir, app.Installing)
	if err != nil {
		t.Fatal(err)
	}
	town := fictional.Small(time.Time{})
	if err := fictional.Save(t.Context(), a.DB, town); err != nil {
		t.Fatal(err)
	}
	line := func() {
		err := a.DB.InSchool(t.Context(), town.School.ID, func(ctx context.Context, tx database.Tx) error {
			return a.Journal.Append(ctx, tx, town.School.ID, town.Tuesday, journal.Deed{Act: "test", Actor: "x", Subject: "y"})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	line()
	if err := a.DB.Statement(t.Context(), "VACUUM INTO ?", filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	line()
	if err := serveBriefly(t, a); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func serveBriefly(t *testing.T, a *app.App) error {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	return a.Serve(ctx, func(string) { stop() })
}

func TestAnotherKeyIsNotServed(t *testing.T) {
	dir := served(t)
	if err := os.WriteFile(filepath.Join(dir, "journal.key"), bytes.Repeat([]byte("a"), 64), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := open(t, dir, app.Serving)
	if err != nil {
		t.Fatal(err)
	}
	if err := serveBriefly(t, a); err == nil {
		t.Fatal("it was served")
	}
}
