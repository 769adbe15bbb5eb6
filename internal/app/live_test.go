package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/live"
	"github.com/preau-ent/preau/internal/page"
)

// TestLiveClassByAccount: the way to the engine knows people by their session, asks who may
// enter of their own school only, and opens nothing until somebody says who may.
func TestLiveClassByAccount(t *testing.T) {
	var mu sync.Mutex
	var taken []string // paths of the lines that the engine took
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			w.Write([]byte("{}"))
			return
		}
		mu.Lock()
		taken = append(taken, r.URL.Path)
		mu.Unlock()
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		rw.Flush()
		conn.Close()
	}))
	defer engine.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("of the cluster\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, func(c *app.Config) { c.Live = app.LiveConfig{URL: engine.URL, Key: "ours", SecretFile: secret} })
	line := func(role page.Role, room string) int {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, h.server.URL+"/live/"+room+"/rtc", nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": h.server.URL, "Accept-Encoding": "gzip"} {
			req.Header.Set(name, value)
		}
		client := h.who[role]
		if role == "" {
			client = &http.Client{}
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	ours, theirs := app.Room(h.ours.School.ID, h.ours.Cast.Sitting), app.Room(h.theirs.School.ID, h.theirs.Cast.Sitting)
	for _, role := range page.Roles() {
		want := http.StatusForbidden
		if role == page.Operator { // belongs to no school
			want = http.StatusUnauthorized
		}
		if got := line(role, ours); got != want {
			t.Errorf("nobody said who may enter, and %s gets %d, not %d", role, got, want)
		}
	}
	var asked []string
	h.app.LetEnter(func(_ context.Context, school, person, sitting string) (live.Grants, error) {
		asked = append(asked, strings.Join([]string{school, person, sitting}, " "))
		if person == h.ours.Cast.Lea && sitting == h.ours.Cast.Sitting {
			return live.Grants{}, nil
		}
		return live.Grants{}, live.ErrRefused
	})
	for _, c := range []struct {
		role page.Role
		room string
		want int
	}{
		{page.Pupil, ours, http.StatusSwitchingProtocols},
		{page.Teacher, ours, http.StatusForbidden},
		{page.Pupil, theirs, http.StatusForbidden},
		{page.Pupil, h.ours.Cast.Sitting, http.StatusForbidden},
		{page.Pupil, h.ours.School.ID + "x." + h.ours.Cast.Sitting, http.StatusForbidden},
		{"", ours, http.StatusUnauthorized},
	} {
		if got := line(c.role, c.room); got != c.want {
			t.Errorf("%s in %s: %d, not %d", c.role, c.room, got, c.want)
		}
	}
	for _, a := range asked {
		if !strings.HasPrefix(a, h.ours.School.ID+" ") || !strings.HasSuffix(a, " "+h.ours.Cast.Sitting) {
			t.Errorf("it was asked about %s", a)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 2 || len(taken) != 1 || taken[0] != "/rtc" {
		t.Errorf("asked %v, the engine took %v", asked, taken)
	}
}

// TestLiveConfiguration: what cannot be right is said before anything is opened.
func TestLiveConfiguration(t *testing.T) {
	for name, c := range map[string]app.LiveConfig{
		"a key alone":         {Key: "ours"},
		"no secret":           {URL: "https://live.example.org", Key: "ours"},
		"no such secret file": {URL: "https://live.example.org", Key: "ours", SecretFile: filepath.Join(t.TempDir(), "none")},
		"not encrypted":       {URL: "http://live.example.org", Key: "ours"},
		"a name":              {Address: "live.example.org"},
	} {
		a, err := app.Open(t.Context(), app.Config{Data: t.TempDir(), Addr: "127.0.0.1:0", Live: c}, app.Options{For: app.Installing})
		if err == nil {
			a.Close()
			t.Errorf("%s: taken", name)
		}
	}
}
