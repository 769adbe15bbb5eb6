package app

import (
	"net/http/httptest"
	"testing"
)

// TestACopyCanWait: a roll that is saved or looked at meets no line; one that a device
// fetches for its copy does. What is served from memory meets none.
func TestACopyCanWait(t *testing.T) {
	for _, c := range []struct {
		method, path string
		copy         bool
		want         bool
	}{
		{"GET", "/roll/x", false, true}, {"GET", "/roll/x", true, false}, {"POST", "/roll/x", false, true}, {"POST", "/roll/late", false, true},
		{"GET", "/", false, false}, {"GET", "/worker.js", false, true}, {"GET", "/offline", false, true}, {"GET", "/offline/who", false, false},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		if c.copy {
			r.Header.Set("Preau-Copy", "1")
		}
		if got := free(r); got != c.want {
			t.Errorf("%s %s, for a copy %v: free %v", c.method, c.path, c.copy, got)
		}
	}
}
