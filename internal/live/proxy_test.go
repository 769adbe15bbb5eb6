package live_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/live"
)

// way is a line that needs no description of sound and picture.
const way = "/rtc?auto_subscribe=1&protocol=15&sdk=js&version=2.23.0"

// TestEnters: whoever is enrolled enters under the name that the school gives them.
func TestEnters(t *testing.T) {
	e, _ := start(t, nil)
	h := open(t, e, nil)
	h.enrol("room", "pupil", live.Grants{})
	status, line := h.try("/live/room"+way, "pupil", nil)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("an enrolled pupil gets %d", status)
	}
	within(t, 5*time.Second, "the pupil is there", func() bool { return slices.Equal(h.present("room"), []string{"pupil"}) })
	all, err := e.Present(t.Context(), "room")
	if err != nil || len(all) != 1 || all[0].Name != "Name of pupil" || time.Since(all[0].Since) > time.Minute {
		t.Errorf("in the room: %+v, %v", all, err)
	}
	if came, went := h.counts(); came != 1 || went != 0 {
		t.Errorf("came %d, went %d", came, went)
	}
	line.Close()
	within(t, 5*time.Second, "the end is heard", func() bool { _, went := h.counts(); return went == 1 })
}

// TestIntruders: whoever may not enter does not, whatever they bring. What is counted is
// counted in the engine.
func TestIntruders(t *testing.T) {
	e, _ := start(t, nil)
	h := open(t, e, nil)
	const room, other = "rosa-parks.3B", "other-school.3B"
	h.enrol(room, "pupil", live.Grants{})
	h.enrol(other, "stranger", live.Grants{Microphone: true, Camera: true, Screen: true})
	h.enrol(room, "removed", live.Grants{})
	if status, _ := h.try("/live/"+room+way, "pupil", nil); status != http.StatusSwitchingProtocols {
		t.Fatalf("the pupil gets %d", status)
	}
	if status, line := h.try("/live/"+room+way, "removed", nil); status != http.StatusSwitchingProtocols {
		t.Fatalf("before their removal: %d", status)
	} else {
		line.Close()
	}
	h.dismiss(room, "removed")
	if err := e.Remove(t.Context(), room, "removed"); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, "they are out", func() bool { return !slices.Contains(h.present(room), "removed") })

	stolen := e.Token(room, "pupil", live.Grants{Microphone: true}) // a real one of somebody else
	own := e.Token(room, "removed", live.Grants{})                  // one that the engine would still take
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	tries := []struct {
		name, path, person string
		change             func(*http.Request)
		want               int
	}{
		{"no session", "/live/" + room + way, "", nil, http.StatusUnauthorized},
		{"no session, a stolen token", "/live/" + room + way + "&access_token=" + stolen, "", nil, http.StatusUnauthorized},
		{"no session, a stolen token in the header", "/live/" + room + way, "", bearer(stolen), http.StatusUnauthorized},
		{"another school's person", "/live/" + room + way, "stranger", nil, http.StatusForbidden},
		{"another school's person, a stolen token", "/live/" + room + way + "&access_token=" + stolen, "stranger", nil, http.StatusForbidden},
		{"a removed person", "/live/" + room + way, "removed", nil, http.StatusForbidden},
		{"a removed person, their token of before", "/live/" + room + way + "&access_token=" + own, "removed", bearer(own), http.StatusForbidden},
		{"a removed person who resumes", "/live/" + room + way + "&reconnect=1&sid=PA_abc&access_token=" + own, "removed", nil, http.StatusForbidden},
		{"a removed person who asks why", "/live/" + room + "/rtc/validate?access_token=" + own, "removed", nil, http.StatusForbidden},
		{"a pupil, another room", "/live/" + other + way, "pupil", nil, http.StatusForbidden},
		{"a room by its other name", "/live/" + strings.ReplaceAll(room, ".", "%2e") + "%2f" + way[1:], "stranger", nil, http.StatusForbidden},
		{"a name in the query", "/live/" + room + way + "&identity=pupil&room=" + room, "stranger", nil, http.StatusForbidden},
		{"the engine's calls", "/live/" + room + "/twirp/livekit.RoomService/ListRooms", "pupil", nil, http.StatusNotFound},
		{"the engine's calls, climbing", "/live/" + room + "/rtc/../twirp/livekit.RoomService/ListRooms", "pupil", nil, http.StatusNotFound},
		{"the agents' entry", "/live/" + room + "/agent", "pupil", nil, http.StatusNotFound},
		{"no room", "/live//rtc", "pupil", nil, http.StatusNotFound},
		{"from another site", "/live/" + room + way, "pupil", func(r *http.Request) { r.Header.Set("Origin", "https://elsewhere.example") }, http.StatusForbidden},
		{"from a page without a site", "/live/" + room + way, "pupil", func(r *http.Request) { r.Header.Set("Origin", "null") }, http.StatusForbidden},
	}
	for _, try := range tries {
		status, _ := h.try(try.path, try.person, try.change)
		if status != try.want && (try.want != http.StatusNotFound || status != http.StatusMovedPermanently && status != http.StatusTemporaryRedirect) {
			t.Errorf("%s: %d, not %d", try.name, status, try.want)
		}
	}
	came, _ := h.counts()
	began := time.Now()
	const each = 700
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range each * len(tries) / 8 {
				try := tries[(i*8+n)%len(tries)]
				if status, _ := h.try(try.path, try.person, try.change); status == http.StatusSwitchingProtocols {
					t.Errorf("%s: entered", try.name)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d tries in %s", each*len(tries)/8*8, time.Since(began))
	if after, _ := h.counts(); after != came {
		t.Errorf("%d lines were opened", after-came)
	}
	if in := h.present(room); !slices.Equal(in, []string{"pupil"}) {
		t.Errorf("in the class: %v", in)
	}
	if in := h.present(other); len(in) != 0 {
		t.Errorf("in the other class: %v", in)
	}
}

// TestNobodyKnows: while nobody knows who may enter, nobody does, and it is our failure.
func TestNobodyKnows(t *testing.T) {
	e, j := start(t, nil)
	h := open(t, e, nil)
	h.enrol("room", "pupil", live.Grants{})
	h.fails = true
	if status, _ := h.try("/live/room"+way, "pupil", nil); status != http.StatusServiceUnavailable {
		t.Errorf("it answers %d", status)
	}
	if !strings.Contains(j.String(), "nobody does") {
		t.Error("the log says nothing")
	}
}

// TestRemoved: a removal cuts the line, takes them out of the room, and holds.
func TestRemoved(t *testing.T) {
	e, _ := start(t, nil)
	h := open(t, e, nil)
	h.enrol("room", "pupil", live.Grants{})
	_, line := h.try("/live/room"+way, "pupil", nil)
	within(t, 5*time.Second, "the pupil is there", func() bool { return len(h.present("room")) == 1 })
	gone := ended(line)
	h.dismiss("room", "pupil")
	h.proxy.Cut("room", "pupil")
	if err := e.Remove(t.Context(), "room", "pupil"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Fatal("their line is open")
	}
	within(t, 12*time.Second, "they are out", func() bool { return len(h.present("room")) == 0 })
	if status, _ := h.try("/live/room"+way, "pupil", nil); status != http.StatusForbidden {
		t.Errorf("they come back and get %d", status)
	}
}

// TestLooksAgain: whoever may no longer be there is put out without anybody's gesture, and
// nobody is while we do not know.
func TestLooksAgain(t *testing.T) {
	e, _ := start(t, nil)
	h := open(t, e, nil)
	h.enrol("room", "stays", live.Grants{})
	h.enrol("room", "leaves", live.Grants{})
	_, stays := h.try("/live/room"+way, "stays", nil)
	_, leaves := h.try("/live/room"+way, "leaves", nil)
	within(t, 5*time.Second, "both are there", func() bool { return len(h.present("room")) == 2 })
	still, gone := ended(stays), ended(leaves)
	h.mu.Lock()
	h.fails = true
	h.mu.Unlock()
	live.Look(h.proxy, t.Context())
	h.mu.Lock()
	h.fails = false
	h.mu.Unlock()
	if n := len(h.present("room")); n != 2 {
		t.Fatalf("our failure put out %d", 2-n)
	}
	h.dismiss("room", "leaves")
	live.Look(h.proxy, t.Context())
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Fatal("the line of whoever left the class is open")
	}
	within(t, 12*time.Second, "one is there", func() bool { return slices.Equal(h.present("room"), []string{"stays"}) })
	select {
	case <-still:
		t.Error("the line of whoever stays was cut")
	default:
	}
}

// TestLines: one person holds a few lines at most.
func TestLines(t *testing.T) {
	engine := newFake(t)
	h := open(t, engine.as(t), nil)
	h.enrol("room", "pupil", live.Grants{})
	for i := range 6 {
		want := http.StatusSwitchingProtocols
		if i >= 4 {
			want = http.StatusTooManyRequests
		}
		if status, _ := h.try("/live/room"+way, "pupil", nil); status != want {
			t.Errorf("line %d: %d, not %d", i+1, status, want)
		}
	}
}

// fake is an engine that keeps what it is asked. It is an outside one for the code.
type fake struct {
	site *httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func newFake(t *testing.T) *fake {
	f := &fake{}
	f.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r.Clone(t.Context()))
		f.mu.Unlock()
		if r.Header.Get("Upgrade") == "" {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Write([]byte("{}"))
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		rw.Flush()
		bufio.NewReader(rw).WriteTo(rw)
	}))
	t.Cleanup(f.site.CloseClientConnections)
	return f
}

func (f *fake) as(t *testing.T) *live.Engine {
	e, err := live.New(live.Config{URL: f.site.URL, ExternalKey: "their key", ExternalSecret: "their secret"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (f *fake) last(t *testing.T) *http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) == 0 {
		t.Fatal("the engine was asked nothing")
	}
	return f.seen[len(f.seen)-1]
}

// TestWhatPasses: the engine gets a token of ours and nothing that the browser says it is.
func TestWhatPasses(t *testing.T) {
	engine := newFake(t)
	h := open(t, engine.as(t), nil)
	h.enrol("room", "pupil", live.Grants{Microphone: true, Screen: true})
	status, _ := h.try("/live/room/rtc/v1?join_request=abc&publish=second&access_token=theirs&access_token=twice", "pupil", func(r *http.Request) {
		r.Header.Set("Authorization", "Bearer theirs")
		r.Header.Set("X-Forwarded-For", "192.0.2.7")
		r.Header.Set("Sec-WebSocket-Extensions", "permessage-deflate")
	})
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("it answers %d", status)
	}
	r := engine.last(t)
	if r.URL.Path != "/rtc/v1" || r.URL.Query().Get("join_request") != "abc" {
		t.Errorf("asked for %s", r.URL)
	}
	for _, name := range []string{"Cookie", "X-Forwarded-For", "Origin", "Sec-Websocket-Extensions"} {
		if v := r.Header.Values(name); len(v) > 0 {
			t.Errorf("the engine reads %s: %v", name, v)
		}
	}
	if q := r.URL.Query(); q.Has("access_token") || q.Has("publish") {
		t.Errorf("the engine reads %s", r.URL.RawQuery)
	}
	var claims struct {
		Iss, Sub, Name string
		Nbf, Exp       int64
		Video          map[string]any
	}
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		t.Fatalf("the token: %q", r.Header.Get("Authorization"))
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(body, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	if claims.Iss != "their key" || claims.Sub != "pupil" || claims.Name != "Name of pupil" {
		t.Errorf("the token is %s", body)
	}
	if life := time.Until(time.Unix(claims.Exp, 0)); life > 10*time.Minute || life < 9*time.Minute {
		t.Errorf("it lives %s", life)
	}
	want := map[string]any{"room": "room", "roomJoin": true, "canSubscribe": true, "canPublish": true, "canPublishData": false, "canUpdateOwnMetadata": false,
		"canPublishSources": []any{"microphone", "screen_share", "screen_share_audio"}}
	if got, _ := json.Marshal(claims.Video); string(got) != string(must(json.Marshal(want))) {
		t.Errorf("it grants %s", got)
	}

	req, _ := http.NewRequest(http.MethodGet, h.site.URL+"/live/room/rtc/v1/validate?join_request=abc", nil)
	req.AddCookie(&http.Cookie{Name: "who", Value: "pupil"})
	res, err := h.site.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("asked why: %s, %v", res.Status, res.Header)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestTooMuch: a browser that sends what none of ours sends is cut.
func TestTooMuch(t *testing.T) {
	engine := newFake(t)
	h := open(t, engine.as(t), nil)
	h.enrol("room", "pupil", live.Grants{})
	frame := func(n int) []byte { // masked, of 64-bit length
		b := []byte{0x82, 0xff, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 1, 2, 3, 4}
		return append(b, make([]byte, n)...)
	}
	for name, one := range map[string]struct {
		send []byte
		cut  bool
	}{
		"usual":                  {slices.Repeat(frame(2000), 50), false},
		"large":                  {frame(200 << 10), false},
		"too large":              {frame(1 << 20), true},
		"too many":               {slices.Repeat(frame(2), 2000), true},
		"too much in all":        {slices.Repeat(frame(400<<10), 12), true},
		"a length of the future": {[]byte{0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, line := h.try("/live/room"+way, "pupil", nil)
			gone := ended(line)
			go func() {
				for _, part := range [][]byte{one.send[:3], one.send[3:]} {
					line.Write(part)
				}
			}()
			wait := 5 * time.Second
			if !one.cut {
				wait = 300 * time.Millisecond
			}
			select {
			case <-gone:
				if !one.cut {
					t.Error("it was cut")
				}
			case <-time.After(wait):
				if one.cut {
					t.Error("it was not cut")
				}
			}
			line.Close()
		})
	}
}

// TestOutside: the same calls reach an engine that somebody else runs, by address and key.
func TestOutside(t *testing.T) {
	theirs, _ := start(t, nil)
	if err := theirs.Want(t.Context()); err != nil {
		t.Fatal(err)
	}
	key, secret := theirs.Keys()
	base := must(url.Parse(theirs.Base()))
	base.Scheme = "ws"
	e, _ := start(t, func(c *live.Config) {
		*c = live.Config{URL: base.String(), ExternalKey: key, ExternalSecret: secret, Log: c.Log}
	})
	h := open(t, e, nil)
	h.enrol("room", "pupil", live.Grants{})
	if status, _ := h.try("/live/room"+way, "pupil", nil); status != http.StatusSwitchingProtocols {
		t.Fatalf("it answers %d", status)
	}
	within(t, 5*time.Second, "the pupil is there", func() bool { return slices.Equal(h.present("room"), []string{"pupil"}) })
	if s := e.State(); s.Kind != live.Serving || s.Starts != 0 {
		t.Errorf("the state: %+v", s)
	}
	wrong, _ := start(t, func(c *live.Config) {
		*c = live.Config{URL: base.String(), ExternalKey: key, ExternalSecret: strings.Repeat("x", 40), Log: c.Log}
	})
	if err := wrong.Open(t.Context(), "room"); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong secret: %v", err)
	}
}
