package app

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

// TestVisitorOf: an address is believed from who we trust, hop by hop, and from nobody else.
func TestVisitorOf(t *testing.T) {
	trusted, err := WebConfig{TrustedProxies: []string{"10.0.0.0/8", "2001:db8::1"}}.proxies()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from  string
		said  []string
		proto string
		want  string // the visitor's address; "" where they are led to https
	}{
		"from nobody we know":         {"203.0.113.9:4", []string{"192.0.2.1"}, "https", "203.0.113.9:4"},
		"that proto is not believed":  {"203.0.113.9:4", nil, "http", "203.0.113.9:4"},
		"one proxy":                   {"10.0.0.1:4", []string{"192.0.2.1"}, "https", "192.0.2.1:0"},
		"what the visitor added":      {"10.0.0.1:4", []string{"198.51.100.7, 192.0.2.1"}, "https", "192.0.2.1:0"},
		"in two lines":                {"10.0.0.1:4", []string{"198.51.100.7", "192.0.2.1"}, "", "192.0.2.1:0"},
		"two proxies":                 {"10.0.0.1:4", []string{"192.0.2.1, 10.9.9.9"}, "https", "192.0.2.1:0"},
		"nothing but proxies":         {"10.0.0.1:4", []string{"10.0.0.3, 10.9.9.9"}, "https", "10.0.0.3:0"},
		"nothing said":                {"10.0.0.1:4", nil, "https", "10.0.0.1:4"},
		"nonsense":                    {"10.0.0.1:4", []string{"<script>"}, "https", "10.0.0.1:4"},
		"nonsense behind a proxy":     {"10.0.0.1:4", []string{"unknown, 10.0.0.2"}, "https", "10.0.0.2:0"},
		"six":                         {"[2001:db8::1]:4", []string{"2001:db8:1::5"}, "https", "[2001:db8:1::5]:0"},
		"four as six":                 {"[::ffff:10.0.0.1]:4", []string{"::ffff:192.0.2.1"}, "https", "192.0.2.1:0"},
		"not encrypted on the way in": {"10.0.0.1:4", []string{"192.0.2.1"}, "http", ""},
	} {
		got, left := "", ""
		h := visitorOf(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = r.RemoteAddr
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "X-Forwarded-Host"} {
				left += r.Header.Get(name)
			}
		}))
		r := httptest.NewRequest(http.MethodGet, "http://ent.example.org/etat?x=1", nil)
		r.RemoteAddr = c.from
		for _, line := range c.said {
			r.Header.Add("X-Forwarded-For", line)
		}
		r.Header.Set("X-Real-Ip", "192.0.2.77")
		r.Header.Set("Forwarded", "for=192.0.2.77")
		r.Header.Set("X-Forwarded-Host", "evil.example")
		if c.proto != "" {
			r.Header.Set("X-Forwarded-Proto", c.proto)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got != c.want || left != "" {
			t.Errorf("%s: %q, want %q; %q is left for others to believe", name, got, c.want, left)
		}
		if c.want == "" && w.Header().Get("Location") != "https://ent.example.org/etat?x=1" {
			t.Errorf("%s: led to %q", name, w.Header().Get("Location"))
		}
	}
}

// TestProxiesAreRanges: a range is its whole range, whatever address of it was written.
func TestProxiesAreRanges(t *testing.T) {
	got, err := WebConfig{TrustedProxies: []string{"192.0.2.77/24", "::ffff:10.0.0.1"}}.proxies()
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.1/32")}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%v %v", got, err)
	}
}

// TestStateMeetsNoLine: the page of the service's state waits for nothing, and what asks a
// database does not slip through beside it.
func TestStateMeetsNoLine(t *testing.T) {
	for path, want := range map[string]bool{"/etat": true, "/etat?lang=en": true, "/etat.atom": true, "/status": true, "/healthz": true, "/": false, "/etat/x": false, "/incidents": false, "/schools/x/etat": false} {
		if got := free(httptest.NewRequest(http.MethodGet, path, nil)); got != want {
			t.Errorf("%s meets no line: %v, want %v", path, got, want)
		}
	}
}

// TestCounts: every page view is counted once, by what became of it, and a roll that was
// not taken is never missed.
func TestCounts(t *testing.T) {
	var c counts
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, one := range []struct {
		method, path string
		ctx          context.Context
		status       int
		first        time.Duration
		how          outcome
	}{
		{"GET", "/", t.Context(), 200, time.Millisecond, answered},
		{"GET", "/", t.Context(), 404, time.Millisecond, answered},
		{"GET", "/", t.Context(), 500, time.Millisecond, answered},
		{"GET", "/", t.Context(), 200, 4 * time.Second, answered},
		{"GET", "/", t.Context(), 200, time.Second, shown},
		{"GET", "/", gone, 0, 0, answered},
		{"POST", "/roll/x", t.Context(), 303, 0, answered},
		{"POST", "/roll/x", t.Context(), 422, 0, answered},
		{"POST", "/roll/x", t.Context(), 500, 0, answered},
		{"POST", "/roll/x", t.Context(), 200, 0, shown},
		{"POST", "/roll/x", t.Context(), 0, 0, answered},
		{"POST", "/roll/x", gone, 0, 0, answered},
		{"POST", "/stop", t.Context(), 500, 0, answered},
	} {
		r := httptest.NewRequest(one.method, one.path, nil).WithContext(one.ctx)
		c.note(r, &answer{status: one.status, first: one.first}, one.how)
	}
	got := c.pages(time.Now())
	want := Pages{Offered: 6, Well: 2, Failed: 1, Slow: 1, Shed: 1, Gone: 1, Rolls: 6, RollsTaken: 2, RollsLost: 3, RollsLostLately: 3}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if later := c.pages(time.Now().Add(lately + time.Second)); later.RollsLost != 3 || later.RollsLostLately != 0 {
		t.Errorf("later %+v", later)
	}
	if g := goodput(Pages{Offered: 4, Well: 2}, got); g != 0 {
		t.Errorf("goodput %v", g)
	}
}

// TestAnswerIsSeen: the first status that a person gets is what counts, also through a flush.
func TestAnswerIsSeen(t *testing.T) {
	for want, h := range map[int]http.HandlerFunc{
		http.StatusOK: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") },
		http.StatusServiceUnavailable: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		http.StatusCreated: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			w.(http.Flusher).Flush()
		},
	} {
		a := &answer{ResponseWriter: httptest.NewRecorder(), since: time.Now()}
		h(a, httptest.NewRequest(http.MethodGet, "/", nil))
		if a.status != want {
			t.Errorf("%d, want %d", a.status, want)
		}
	}
}
