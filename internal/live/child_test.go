package live_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/live"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(context.WithoutCancel(t.Context()))
}

// TestRoom: the engine comes when it is needed and not before, makes a room, knows who is in
// it, and ends it.
func TestRoom(t *testing.T) {
	e, _ := start(t, nil)
	if s := e.State(); s.Kind != live.Idle || s.Starts != 0 {
		t.Fatalf("before anybody needs it: %+v", s)
	}
	began := time.Now()
	if err := e.Open(t.Context(), "school/room"); err != nil {
		t.Fatal(err)
	}
	t.Logf("from nothing to a room: %s", time.Since(began))
	if s := e.State(); s.Kind != live.Serving || s.Starts != 1 || s.Address != "127.0.0.1" {
		t.Fatalf("serving: %+v", s)
	}
	if err := e.Open(t.Context(), "school/room"); err != nil {
		t.Fatalf("a room that is there: %v", err)
	}
	all, err := e.Present(t.Context(), "school/room")
	if err != nil || len(all) != 0 {
		t.Fatalf("in an empty room: %v, %v", all, err)
	}
	if all, err := e.Present(t.Context(), "another"); err != nil || len(all) != 0 {
		t.Fatalf("in a room that is not there: %v, %v", all, err)
	}
	for range 2 {
		if err := e.Close(t.Context(), "school/room"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilled: an engine that is killed is back at once, and whoever waits meanwhile is served.
func TestKilled(t *testing.T) {
	e, _ := start(t, nil)
	if err := e.Want(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := syscall.Kill(e.PID(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		within(t, 10*time.Second, "the end is seen", func() bool { return e.State().Starts == i+2 || e.State().Kind != live.Serving })
		began := time.Now()
		if err := e.Open(t.Context(), "room"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("back after %s", took)
		} else {
			t.Logf("killed, and a room again after %s", took)
		}
	}
}

// TestFrozen: an engine that is there and answers nobody is ended and started again.
func TestFrozen(t *testing.T) {
	e, _ := start(t, nil)
	if err := e.Want(t.Context()); err != nil {
		t.Fatal(err)
	}
	frozen := e.PID()
	if err := syscall.Kill(frozen, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	within(t, 40*time.Second, "another engine", func() bool { return e.State().Kind == live.Serving && e.PID() != frozen && e.PID() != 0 })
	if err := syscall.Kill(frozen, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the frozen engine is still there: %v", err)
	}
}

// TestMissing: without its program everything says so, and nothing else happens.
func TestMissing(t *testing.T) {
	e, j := start(t, func(c *live.Config) { c.Program = filepath.Join(t.TempDir(), "preau-live") })
	err := e.Want(t.Context())
	if !errors.Is(err, live.ErrAway) {
		t.Fatalf("without a program: %v", err)
	}
	if s := e.State(); s.Kind != live.Missing || !strings.Contains(s.Why, "--live-program") {
		t.Errorf("the state: %+v", s)
	}
	if !strings.Contains(j.String(), "no live classes") {
		t.Errorf("the log says nothing: %s", j)
	}
}

// TestTakenPort: whoever runs the machine reads which port is taken.
func TestTakenPort(t *testing.T) {
	first, _ := start(t, func(c *live.Config) { c.UDP, c.TCP = 47882, -1 })
	if err := first.Want(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, _ := start(t, func(c *live.Config) { c.UDP, c.TCP = 47882, -1 })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := second.Want(ctx); !errors.Is(err, live.ErrAway) {
		t.Fatalf("on a port that is taken: %v", err)
	}
	within(t, 5*time.Second, "it is down", func() bool { s := second.State(); return s.Kind == live.Down && strings.Contains(s.Why, "47882") })
}

// TestStops: told to stop, the child is gone, and it is told without a signal.
func TestStops(t *testing.T) {
	c := live.Config{Program: program, Key: filepath.Join(t.TempDir(), "live.key"), Address: "127.0.0.1", Drain: time.Second}
	e, err := live.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := contextOf(t)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	if err := e.Want(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid := e.PID()
	stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not stop")
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the child is still there: %v", err)
	}
}

// TestOrphan: the engine ends with its parent, however that one ended. Here the parent is this
// test's own program, killed.
func TestOrphan(t *testing.T) {
	if os.Getenv("PREAU_LIVE_PARENT") != "" {
		e, _ := start(t, func(c *live.Config) { c.Program = os.Getenv("PREAU_LIVE_PARENT") })
		if err := e.Want(t.Context()); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("\nchild %d\n", e.PID())
		select {}
	}
	parent := exec.Command(os.Args[0], "-test.run=^TestOrphan$", "-test.count=1")
	parent.Env = append(os.Environ(), "PREAU_LIVE_PARENT="+program)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		fmt.Sscanf(lines.Text(), "child %d", &pid)
	}
	parent.Process.Kill()
	parent.Wait()
	if pid == 0 {
		t.Fatal("the parent started no engine")
	}
	took := within(t, 5*time.Second, "the engine ends", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) })
	t.Logf("the parent was killed, the engine ended after %s", took)
}

// zombie tells of a process that ended and that nobody asked about.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

// TestKnowsNothing: the child's environment holds none of ours.
func TestKnowsNothing(t *testing.T) {
	t.Setenv("PREAU_MAIL_PASSWORD", "a secret of ours")
	for _, name := range []string{"TMPDIR", "GOMAXPROCS"} { // what it may know is not always there
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	e, _ := start(t, nil)
	if err := e.Want(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Until it is the engine's program it is a copy of this one, environment and all.
	within(t, 20*time.Second, "the engine serves", func() bool { return e.State().Kind == live.Serving })
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", e.PID()))
	if err != nil {
		t.Fatal(err)
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", e.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(environ) + string(args); strings.Contains(text, "PREAU") || strings.Contains(text, "secret") {
		t.Errorf("the child knows %q", text)
	}
}

// TestKeptSecret: the secret is made once, for its owner alone, and outlives the engine.
func TestKeptSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "live.key")
	if _, err := live.New(live.Config{Key: path}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file: %v, %v", info, err)
	}
	first, _ := os.ReadFile(path)
	if _, err := live.New(live.Config{Key: path}); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.ReadFile(path); string(first) != string(second) {
		t.Error("another secret was made")
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := live.New(live.Config{Key: path}); err == nil {
		t.Error("a file that holds no secret is taken")
	}
}

// TestConfig: what cannot be right is said before anything starts.
func TestConfig(t *testing.T) {
	key := filepath.Join(t.TempDir(), "live.key")
	for name, c := range map[string]live.Config{
		"no address":          {Key: key, Address: "school.example.org"},
		"no port":             {Key: key, UDP: 70000},
		"a key alone":         {Key: key, ExternalKey: "k"},
		"an address alone":    {URL: "https://live.example.org"},
		"not encrypted":       {URL: "http://live.example.org", ExternalKey: "k", ExternalSecret: "s"},
		"not encrypted, ws":   {URL: "ws://192.0.2.1:7880", ExternalKey: "k", ExternalSecret: "s"},
		"not an address":      {URL: "live.example.org", ExternalKey: "k", ExternalSecret: "s"},
		"not a scheme we use": {URL: "ftp://live.example.org", ExternalKey: "k", ExternalSecret: "s"},
	} {
		if _, err := live.New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, url := range []string{"https://live.example.org", "wss://live.example.org", "http://127.0.0.1:7880", "ws://[::1]:7880"} {
		if _, err := live.New(live.Config{URL: url, ExternalKey: "k", ExternalSecret: "s"}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
