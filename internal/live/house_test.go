package live_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/preau-ent/preau/internal/live"
)

// house is a school around an engine: who is signed in by a cookie, who may be where, and
// what the proxy said.
type house struct {
	t      *testing.T
	engine *live.Engine
	proxy  *live.Proxy
	site   *httptest.Server

	mu    sync.Mutex
	may   map[string]map[string]live.Grants // by room, then person
	fails bool                              // nobody knows who may enter
	came  int
	went  int
}

// open makes a house. More handlers can be served beside the proxy.
func open(t *testing.T, e *live.Engine, beside http.Handler) *house {
	h := &house{t: t, engine: e, may: map[string]map[string]live.Grants{}}
	who := func(r *http.Request) (string, bool) {
		c, err := r.Cookie("who")
		if err != nil {
			return "", false
		}
		return c.Value, true
	}
	h.proxy = e.NewProxy("/live/", who, h.check)
	h.proxy.Came = func(room, person string) { h.mu.Lock(); h.came++; h.mu.Unlock() }
	h.proxy.Went = func(room, person string) { h.mu.Lock(); h.went++; h.mu.Unlock() }
	mux := http.NewServeMux()
	mux.Handle("/live/", h.proxy)
	if beside != nil {
		mux.Handle("/", beside)
	}
	h.site = httptest.NewServer(mux)
	t.Cleanup(h.site.Close)
	return h
}

func (h *house) check(_ context.Context, person, room string) (live.Grants, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fails {
		return live.Grants{}, errors.New("the database does not answer")
	}
	g, ok := h.may[room][person]
	if !ok {
		return live.Grants{}, live.ErrRefused
	}
	return g, nil
}

func (h *house) enrol(room, person string, g live.Grants) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.may[room] == nil {
		h.may[room] = map[string]live.Grants{}
	}
	g.Name = "Name of " + person
	h.may[room][person] = g
}

func (h *house) dismiss(room, person string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.may[room], person)
}

func (h *house) counts() (came, went int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.came, h.went
}

// present is who is in the room, as the engine says it.
func (h *house) present(room string) (out []string) {
	h.t.Helper()
	all, err := h.engine.Present(h.t.Context(), room)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range all {
		out = append(out, p.Person)
	}
	return out
}

// try asks for a WebSocket as a browser does, and returns the answer and, if it is one, the
// open line.
func (h *house) try(path, person string, change func(*http.Request)) (int, io.ReadWriteCloser) {
	h.t.Helper()
	req, err := http.NewRequest(http.MethodGet, h.site.URL+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	req.Header.Set("Sec-WebSocket-Version", "13")
	req.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	req.Header.Set("Origin", h.site.URL)
	if person != "" {
		req.AddCookie(&http.Cookie{Name: "who", Value: person})
	}
	if change != nil {
		change(req)
	}
	res, err := h.site.Client().Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		line := res.Body.(io.ReadWriteCloser)
		h.t.Cleanup(func() { line.Close() })
		return res.StatusCode, line
	}
	io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16))
	res.Body.Close()
	return res.StatusCode, nil
}

// ended waits until the other side closed a line.
func ended(line io.Reader) <-chan struct{} {
	out := make(chan struct{})
	go func() { io.Copy(io.Discard, line); close(out) }()
	return out
}
