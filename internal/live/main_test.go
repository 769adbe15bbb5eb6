package live_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/live"
)

// program is the real engine, built once for these tests from ../../live.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "preau-live-")
	if err == nil {
		program = filepath.Join(dir, "preau-live")
		build := exec.Command("go", "build", "-trimpath", "-o", program, ".")
		build.Dir = "../../live"
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the engine could not be built from live/:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// journal keeps what is logged, for a test that fails and for those that look into it.
type journal struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.all.String()
}

// start runs an engine on loopback until the test ends.
func start(t *testing.T, change func(*live.Config)) (*live.Engine, *journal) {
	t.Helper()
	j := &journal{}
	c := live.Config{Program: program, Key: filepath.Join(t.TempDir(), "live.key"), Address: "127.0.0.1", Log: slog.New(slog.NewTextHandler(j, nil))}
	if change != nil {
		change(&c)
	}
	e, err := live.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, stop := contextOf(t)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Logf("the engine's log:\n%s", j)
		}
	})
	return e, j
}

// within waits until something is so.
func within(t *testing.T, d time.Duration, what string, so func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		if time.Since(began) > d {
			t.Fatalf("%s: not within %s", what, d)
		}
		<-tick.C
	}
	return time.Since(began)
}
