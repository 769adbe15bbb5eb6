// Package live starts and watches the engine of the live classes, preau-live, and is the
// only way to it: tokens, rooms, who speaks, who is out, and the signalling of every browser,
// which passes through our own port and nowhere else.
//
// It promises that nobody is in a class by a token: at every connection and at every
// reconnection the proxy asks who this is and what they may do here, and makes the token
// itself. Whatever a browser brings as a token is thrown away. It promises also that the
// engine's end is nobody's: without it, or while it starts again, everything else works.
//
// Words: a room is one class's place in the engine, and lives only there; a person is known
// in it by their id; grants are what they may send. The engine may be the child of this
// program, or a LiveKit cluster that somebody else runs: the calls are the same.
//
// It decides nothing about who may enter: it is given a function that does.
package live

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/durable"
)

// Grants are what a person may send to a room, each apart. Everybody in it hears and sees.
// Nobody may send data, change their name or act on anybody: chat, hands and moderation are
// the school's own, and go another way.
type Grants struct {
	Name       string // that the others read
	Microphone bool
	Camera     bool
	Screen     bool // with its sound
}

// ErrRefused is what a [Check] returns, alone or wrapped, for somebody who may not be in
// that room. Any other error keeps them out too, and is ours.
var ErrRefused = errors.New("not in this class")

// ErrAway means that the engine does not serve now, or is not there at all: see
// [Engine.State].
var ErrAway = errors.New("the engine of the live classes is not there now")

// Config is what an engine is made with.
type Config struct {
	// Program of the engine; empty: preau-live beside this program.
	Program string
	// Key is the file that keeps the secret shared with the child; made if it is not there.
	Key string
	// Address that people's sound and picture come to: of this machine, or of the router in
	// front. Empty: found on this machine. On loopback nobody comes from elsewhere.
	Address string
	// UDP is the one port of sound and picture, TCP the same where UDP is blocked. 0: the
	// usual ones, or on loopback any free one. TCP below 0: none.
	UDP, TCP int
	// Drain is how long a stop waits for classes to end. At once, they are cut and come
	// back by themselves when the next program is there.
	Drain time.Duration

	// URL, ExternalKey and ExternalSecret are of a LiveKit cluster; with them no child is
	// started.
	URL, ExternalKey, ExternalSecret string

	Log *slog.Logger
}

// The usual ports, those of LiveKit.
const (
	usualUDP = 7882
	usualTCP = 7881
)

// Kind is what can be said of the engine in one word.
type Kind string

// Kinds.
const (
	Idle     Kind = "idle"     // nobody needed it yet
	Starting Kind = "starting" // it was asked for
	Serving  Kind = "serving"
	Down     Kind = "down"    // it ended, and is started again
	Missing  Kind = "missing" // its program is not there
)

// State is how the engine is.
type State struct {
	Kind    Kind
	Why     string // of Down and Missing, for whoever runs the machine
	Since   time.Time
	Starts  int    // how often it was started
	Address string // that sound and picture come to, where the child said it
}

// Engine is the engine, wherever it is.
type Engine struct {
	c        Config
	key      string
	secret   string
	external bool
	log      *slog.Logger
	client   *http.Client

	mu      sync.Mutex
	state   State
	base    *url.URL      // of the engine's HTTP while it serves
	changed chan struct{} // closed and made again with every change
	wanted  chan struct{} // closed once somebody needs it
	pid     int
	asked   bool
	late    sync.WaitGroup // removals that are tried again
	running context.Context
}

// secretBytes is the length of the child's secret.
const secretBytes = 32

// keyName is the child's name of the secret.
const keyName = "preau"

// New makes an engine. It starts nothing: see [Engine.Run].
func New(c Config) (*Engine, error) {
	e := &Engine{c: c, log: c.Log, changed: make(chan struct{}), wanted: make(chan struct{}), running: context.Background(),
		client: &http.Client{Timeout: 10 * time.Second}}
	if e.log == nil {
		e.log = slog.Default()
	}
	e.state = State{Kind: Idle, Since: time.Now()}
	if c.URL != "" {
		return e, e.outside()
	}
	if c.ExternalKey != "" || c.ExternalSecret != "" {
		return nil, errors.New("a key of an outside engine is given, and no address: give its URL too")
	}
	if c.Address != "" {
		if _, err := netip.ParseAddr(c.Address); err != nil {
			return nil, fmt.Errorf("the address of the live classes, %q, is no IP address such as 192.0.2.1", c.Address)
		}
	}
	if c.UDP < 0 || c.UDP > 65535 || c.TCP > 65535 {
		return nil, errors.New("a port of the live classes is not between 1 and 65535")
	}
	// It outlives the child, so that one started again knows the tokens of the one before.
	secret, err := durable.Key(c.Key, secretBytes)
	if err != nil {
		return nil, fmt.Errorf("the key of the live classes: %w", err)
	}
	e.key, e.secret = keyName, hex.EncodeToString(secret)
	return e, nil
}

// outside prepares the calls to an engine that somebody else runs.
func (e *Engine) outside() error {
	u, err := url.Parse(e.c.URL)
	if err != nil || u.Host == "" {
		return fmt.Errorf("the engine's address %q is not understood: it is https://HOST", e.c.URL)
	}
	switch u.Scheme {
	case "wss":
		u.Scheme = "https"
	case "ws":
		u.Scheme = "http"
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Scheme != "https" && (u.Scheme != "http" || err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("the engine's address %q: outside this machine it is https, or anybody on the way can enter classes", e.c.URL)
	}
	if u.Path == "" {
		u.Path = "/" // else what is joined to it has no slash before it
	}
	if e.c.ExternalKey == "" || e.c.ExternalSecret == "" {
		return errors.New("an outside engine is given without its key or secret")
	}
	e.external, e.key, e.secret, e.base = true, e.c.ExternalKey, e.c.ExternalSecret, u
	e.state.Kind = Serving
	return nil
}

// Program is the path of the child's program: what is given, or preau-live beside this one.
func Program(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("where this program is: %w", err)
	}
	return filepath.Join(filepath.Dir(self), "preau-live"), nil
}

// State is how the engine is now.
func (e *Engine) State() State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state
}

// set changes the state and wakes whoever waits for it.
func (e *Engine) set(change func(*State)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.state
	change(&e.state)
	if e.state.Kind != before.Kind {
		e.state.Since = time.Now()
	}
	close(e.changed)
	e.changed = make(chan struct{})
}

// patience is how long a browser or a call waits for an engine that starts.
const patience = 6 * time.Second

// Want asks for the engine, and waits a little for it. It returns ErrAway where the engine
// does not come.
func (e *Engine) Want(ctx context.Context) error {
	_, err := e.at(ctx)
	return err
}

// at is the address of the engine's HTTP, as soon as it serves.
func (e *Engine) at(ctx context.Context) (*url.URL, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		e.mu.Lock()
		if !e.asked {
			e.asked = true
			close(e.wanted)
		}
		base, kind, why, changed := e.base, e.state.Kind, e.state.Why, e.changed
		e.mu.Unlock()
		if base != nil {
			return base, nil
		}
		if kind == Missing {
			return nil, fmt.Errorf("%w: %s", ErrAway, why)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %s", ErrAway, why)
		}
	}
}
