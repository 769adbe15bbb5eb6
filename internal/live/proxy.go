package live

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Who says who asks, by their session and nothing else. The person is known by it in every
// room, so it is unique among all schools.
type Who func(*http.Request) (person string, ok bool)

// Check says what that person may do in that room now, or ErrRefused. It is asked at every
// connection, at every reconnection, and each half minute of whoever is inside.
type Check func(ctx context.Context, person, room string) (Grants, error)

// Proxy is the signalling of every browser: the one way to the engine. Browsers connect to
// PREFIX/{room}, their sound and picture then go straight to the engine's port.
type Proxy struct {
	engine *Engine
	prefix string
	who    Who
	check  Check
	// Came and Went hear of each connection that the engine took and of its end; a
	// reconnection is both. nil: nobody listens.
	Came, Went func(room, person string)

	mu   sync.Mutex
	open map[*line]bool
}

// line is somebody's signalling, open now.
type line struct {
	room, person string
	frames       *frames
}

// perPerson is how many lines one person may have open in one room: one, and those that a
// reconnection leaves behind for a moment.
const perPerson = 4

// again is how often whoever is inside is checked.
const again = 30 * time.Second

// NewProxy makes the proxy for addresses that begin with prefix, such as "/live/".
func (e *Engine) NewProxy(prefix string, who Who, check Check) *Proxy {
	return &Proxy{engine: e, prefix: prefix, who: who, check: check, open: map[*line]bool{}}
}

// ways are the engine's paths for browsers. Its calls (/twirp) and everything else are not
// among them.
var ways = []string{"rtc", "rtc/v1", "rtc/validate", "rtc/v1/validate"}

// ServeHTTP answers PREFIX{room}/rtc and its like.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	room, way, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, p.prefix), "/")
	if !strings.HasPrefix(r.URL.Path, p.prefix) || room == "" || len(room) > 200 || !slices.Contains(ways, way) || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if !sameSite(r) {
		http.Error(w, "another site", http.StatusForbidden)
		return
	}
	person, ok := p.who(r)
	if !ok || person == "" {
		http.Error(w, "not signed in", http.StatusUnauthorized)
		return
	}
	grants, err := p.check(r.Context(), person, room)
	if err != nil {
		p.refuse(w, r, room, person, err)
		return
	}
	if p.count(room, person) >= perPerson {
		http.Error(w, "too many connections", http.StatusTooManyRequests)
		return
	}
	// The room is made again where an engine that ended had it; and this waits for one that
	// is starting, so that the first try of a browser that comes back succeeds.
	if err := p.engine.Open(r.Context(), room); err != nil {
		p.away(w, r, err)
		return
	}
	base, err := p.engine.at(r.Context())
	if err != nil {
		p.away(w, r, err)
		return
	}
	p.pass(w, r, base.JoinPath(way), room, person, grants)
}

// sameSite: a browser says on every WebSocket which site opened it. Who says nothing is no
// browser, and carries no cookie by accident.
func sameSite(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

// refuse answers whoever may not enter.
func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request, room, person string, err error) {
	if errors.Is(err, ErrRefused) {
		http.Error(w, "not in this class", http.StatusForbidden)
		return
	}
	if r.Context().Err() == nil {
		p.engine.log.Error("who may enter a live class is not known: nobody does", "room", room, "person", person, "err", err)
	}
	http.Error(w, "try again", http.StatusServiceUnavailable)
}

func (p *Proxy) away(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		p.engine.log.Warn("a browser found no engine", "err", err)
	}
	http.Error(w, "the live classes are not there now", http.StatusServiceUnavailable)
}

// pass hands the request on, with a token of our own and nothing that tells the engine who
// asks from where.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, to *url.URL, room, person string, g Grants) {
	in := url.Values{}
	for name, values := range r.URL.Query() {
		// A token is ours to make. "publish" would be a second person of the same token.
		if name != "access_token" && name != "publish" {
			in[name] = values
		}
	}
	rp := &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			to := *to
			to.RawQuery = in.Encode()
			pr.Out.URL, pr.Out.Host = &to, ""
			for _, name := range []string{"Cookie", "Authorization", "Origin", "Referer", "X-Forwarded-For", "X-Real-Ip", "Forwarded",
				"Sec-Websocket-Extensions"} { // compression: a small message would become a large one
				pr.Out.Header.Del(name)
			}
			pr.Out.Header.Set("Authorization", "Bearer "+p.engine.token(room, person, g, time.Now()))
		},
		ModifyResponse: func(res *http.Response) error {
			for name := range res.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					res.Header.Del(name)
				}
			}
			if res.StatusCode == http.StatusSwitchingProtocols {
				return p.begin(res, room, person)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { p.away(w, r, err) },
	}
	rp.ServeHTTP(w, r)
}

// begin keeps the line among those that are open, for as long as it is.
func (p *Proxy) begin(res *http.Response, room, person string) error {
	body, ok := res.Body.(io.ReadWriteCloser)
	if !ok {
		return errors.New("the engine's connection cannot be written to")
	}
	l := &line{room: room, person: person}
	l.frames = newFrames(body, time.Now(), func() { p.end(l) })
	res.Body = l.frames
	p.mu.Lock()
	p.open[l] = true
	p.mu.Unlock()
	if p.Came != nil {
		p.Came(room, person)
	}
	return nil
}

func (p *Proxy) end(l *line) {
	p.mu.Lock()
	there := p.open[l]
	delete(p.open, l)
	p.mu.Unlock()
	if there && p.Went != nil {
		p.Went(l.room, l.person)
	}
}

func (p *Proxy) count(room, person string) (n int) {
	return len(p.lines(func(l *line) bool { return l.room == room && l.person == person }))
}

func (p *Proxy) lines(which func(*line) bool) (out []*line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.open {
		if which(l) {
			out = append(out, l)
		}
	}
	return out
}

// Cut ends the signalling of that person in that room; with [Engine.Remove] their sound and
// picture end too. They are back at once if the Check lets them.
func (p *Proxy) Cut(room, person string) {
	for _, l := range p.lines(func(l *line) bool { return l.room == room && l.person == person }) {
		l.frames.Close()
	}
}

// Run asks of everybody inside, each half minute, whether they still may be, until ctx ends:
// who left the class, or whose account was closed, is put out without anybody's gesture.
func (p *Proxy) Run(ctx context.Context) error {
	for {
		sleep(ctx, again)
		if ctx.Err() != nil {
			return nil
		}
		p.look(ctx)
	}
}

func (p *Proxy) look(ctx context.Context) {
	asked := map[[2]string]bool{}
	for _, l := range p.lines(func(*line) bool { return true }) {
		at := [2]string{l.room, l.person}
		if asked[at] {
			continue
		}
		asked[at] = true
		if _, err := p.check(ctx, l.person, l.room); errors.Is(err, ErrRefused) {
			p.Cut(l.room, l.person)
			if err := p.engine.Remove(ctx, l.room, l.person); err != nil && ctx.Err() == nil {
				p.engine.log.Error("somebody who may no longer be in a live class is still heard", "room", l.room, "person", l.person, "err", err)
			}
		}
	}
}
