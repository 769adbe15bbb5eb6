package page_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/preau-ent/preau/internal/page"
)

// Who looks is told of another version, and of what was done here at once; each for itself.
func TestLookers(t *testing.T) {
	t.Parallel()
	var l page.Lookers[string]
	defer l.End()
	var version, asked atomic.Int64
	versions := func(_ context.Context, of []string) (map[string]int64, error) {
		asked.Add(1)
		out := map[string]int64{}
		for _, k := range of {
			out[k] = version.Load()
		}
		return out, nil
	}
	here, leave, ok := l.Listen("here", versions)
	if !ok {
		t.Fatal("nobody may look")
	}
	told := func(c <-chan struct{}, why string) {
		t.Helper()
		select {
		case <-c:
		case <-t.Context().Done():
			t.Fatalf("not told: %s", why)
		}
	}
	told(here, "something may have been done since the page was read")
	version.Add(1) // on another node
	told(here, "another version")
	there, gone, _ := l.Listen("there", versions)
	told(there, "a second thing is looked at")
	l.Wake("there")
	told(there, "done here")
	select {
	case <-here:
		t.Error("told of another thing")
	default:
	}
	gone()
	gone() // once is enough
	if open := l.Open(); len(open) != 1 || open[0] != "here" {
		t.Errorf("open: %v", open)
	}
	leave()
	if open := l.Open(); len(open) != 0 {
		t.Errorf("open: %v", open)
	}
}

// So many look and no more; who leaves makes room.
func TestTooManyLookers(t *testing.T) {
	t.Parallel()
	var l page.Lookers[int]
	defer l.End()
	none := func(context.Context, []int) (map[int]int64, error) { return nil, nil }
	var leave func()
	n := 0
	for ; n < 100_000; n++ {
		_, last, ok := l.Listen(n, none)
		if !ok {
			break
		}
		leave = last
	}
	if n == 100_000 {
		t.Fatal("there is no end")
	}
	leave()
	if _, _, ok := l.Listen(-1, none); !ok {
		t.Error("who left made no room")
	}
	select {
	case <-l.Ended():
		t.Error("ended by itself")
	default:
	}
}
