package app_test

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/fictional"
)

// TestControl: nobody moves the clock of a real installation, and one that a drill made
// writes to nobody beyond this machine.
func TestControl(t *testing.T) {
	control := func() *app.Control {
		t.Helper()
		c, clock, err := app.NewControl(strings.NewReader("at 2026-11-24T07:05:00Z\n"), io.Discard)
		if err != nil || clock.Now().UTC().Format(time.DateTime)[:16] != "2026-11-24 07:05" {
			t.Fatalf("the clock shows %v: %v", clock.Now(), err)
		}
		return c
	}
	options := func(c *app.Control) app.Options {
		return app.Options{Log: slog.New(slog.DiscardHandler), Control: c}
	}
	real := app.Config{Data: t.TempDir(), Addr: "127.0.0.1:0"}
	a, err := app.Open(t.Context(), real, app.Options{Log: slog.New(slog.DiscardHandler), For: app.Installing})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := a.Init(t.Context(), "operator", false); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if a, err := app.Open(t.Context(), real, options(control())); !errors.Is(err, app.ErrNotDrill) {
		t.Errorf("a real installation took another clock: %v %v", a, err)
	}
	drill := app.Config{Data: filepath.Join(t.TempDir(), "data"), Addr: "127.0.0.1:0"}
	if _, err := app.MakeDrill(t.Context(), drill, fictional.Small(time.Time{}), time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC), false); err != nil {
		t.Fatal(err)
	}
	open := func(c app.Config) error {
		a, err := app.Open(t.Context(), c, options(control()))
		if err == nil {
			a.Close()
		}
		return err
	}
	if err := open(drill); err != nil {
		t.Errorf("its own installation: %v", err)
	}
	far := drill
	far.Mail = app.MailConfig{Host: "mail.ent.example", TLS: "starttls", From: "x@ent.example"}
	if err := open(far); err == nil || !strings.Contains(err.Error(), "not on this machine") {
		t.Errorf("a mail server elsewhere: %v", err)
	}
	near := drill
	near.Mail = app.MailConfig{Host: "127.0.0.1", Port: 2525, TLS: "none", From: "x@ent.example"}
	if err := open(near); err != nil {
		t.Errorf("a mail server here: %v", err)
	}
	carriers := filepath.Join(drill.Data, "carriers")
	if err := os.MkdirAll(carriers, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PREAU_TEST_SECRET", "x")
	for name, file := range map[string]string{
		"centre": `{"kind": "smpp", "sender": "LYCEE", "smpp": {"host": "smsc.provider.example", "tls": "tls", "system_id": "x"}, "secrets": {"password": {"env": "PREAU_TEST_SECRET"}}}`,
	} {
		path := filepath.Join(carriers, name+".json")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := open(drill); err == nil || !strings.Contains(err.Error(), "not on this machine") {
			t.Errorf("%s elsewhere: %v", name, err)
		}
		// Without the pipe too: a drill's installation never meets the world.
		if a, err := app.Open(t.Context(), drill, options(nil)); err == nil {
			a.Close()
			t.Errorf("%s elsewhere, without the pipe", name)
		}
		os.Remove(path)
	}
	// A database that a drill made, in a folder that no drill did.
	identity := filepath.Join(drill.Data, "installation.json")
	if err := os.WriteFile(identity, []byte(`{"id": "a-real-one"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(drill); !errors.Is(err, app.ErrNotDrill) {
		t.Errorf("a folder that no drill made took another clock: %v", err)
	}
	if err := os.Remove(identity); err != nil {
		t.Fatal(err)
	}
	if err := open(drill); !errors.Is(err, app.ErrNotDrill) {
		t.Errorf("a folder that does not say what it is took another clock: %v", err)
	}
	for _, first := range []string{"", "now\n", "at yesterday\n"} {
		if _, _, err := app.NewControl(strings.NewReader(first), io.Discard); err == nil {
			t.Errorf("%q began a drill", first)
		}
	}
}
