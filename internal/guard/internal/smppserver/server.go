// Package smppserver is an SMS centre as a school's tool sees one: it takes messages by
// SMPP 3.4 and tells later what became of them.
//
// A message is answered after Config.Submit has kept it and not before; one that comes on
// a connection which breaks has no answer, and is given once more by whoever keeps to the
// protocol. A PDU that is not understood is answered with generic_nack and the session
// goes on; one whose length cannot be ends it. Nobody speaks before the password, and the
// wrong one costs time.
package smppserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Message is a submit_sm.
type Message struct {
	To      string // with + where it is international
	From    string
	Text    string
	Receipt bool          // asked for
	Life    time.Duration // validity_period; 0: none
	Part    Part          // zero: whole
}

// Part is what the header of a message in parts says.
type Part struct{ Ref, Total, N int }

// Receipt is what became of a message.
type Receipt struct {
	ID        string
	From      string // the telephone, E.164
	To        string // the sender as the tool wrote it
	State     State
	Submitted time.Time
	Done      time.Time
}

// State is message_state (section 5.2.28).
type State byte

// States.
const (
	Enroute       State = 1
	Delivered     State = 2
	Expired       State = 3
	Deleted       State = 4
	Undeliverable State = 5
	Accepted      State = 6
	Unknown       State = 7
	Rejected      State = 8
)

var stats = map[State]string{Enroute: "ENROUTE", Delivered: "DELIVRD", Expired: "EXPIRED", Deleted: "DELETED", Undeliverable: "UNDELIV", Accepted: "ACCEPTD", Unknown: "UNKNOWN", Rejected: "REJECTD"}

// Config says who may connect and who keeps what they bring.
type Config struct {
	SystemID, Password string
	Latin1             bool // data_coding 0 is ISO 8859-1 and not the telephones' alphabet
	Now                func() time.Time
	Log                *slog.Logger

	// Submit keeps a message and gives its id, or says why not.
	Submit func(ctx context.Context, m Message) (id string, s Status)
	// Query says what became of a message; false: there is none.
	Query func(ctx context.Context, id string) (Receipt, bool)
	// Receipts lists what the tool is to be told; Told notes that it was.
	Receipts func(ctx context.Context) ([]Receipt, error)
	Told     func(ctx context.Context, id string) error

	Timeouts Timeouts
}

// Timeouts bound the waits. A zero field has the default named beside it.
type Timeouts struct {
	Bind  time.Duration // 10 s: from the connection to the bind
	Whole time.Duration // 20 s: for the rest of a PDU that began
	Idle  time.Duration // 60 s: silence before we enquire
	Alive time.Duration // 20 s: the answer to an enquire_link or a deliver_sm
	Write time.Duration // 10 s
	Tell  time.Duration // 1 s: between two looks at receipts
	Wrong time.Duration // 1 s: a wrong password waits for its answer
}

func (t *Timeouts) setDefaults() {
	for _, one := range []struct {
		field     *time.Duration
		otherwise time.Duration
	}{{&t.Bind, 10 * time.Second}, {&t.Whole, 20 * time.Second}, {&t.Idle, time.Minute}, {&t.Alive, 20 * time.Second}, {&t.Write, 10 * time.Second}, {&t.Tell, time.Second}, {&t.Wrong, time.Second}} {
		if *one.field <= 0 {
			*one.field = one.otherwise
		}
	}
}

// Bounds of what one address may do.
const (
	mostSessions = 16
	mostWrong    = 5 // wrong passwords in a minute from one address
)

// Server is an SMS centre.
type Server struct {
	c        Config
	mu       sync.Mutex
	sessions map[*session]bool
	wrong    map[string][]time.Time
}

// New makes a server; Serve makes it work.
func New(c Config) *Server {
	c.Timeouts.setDefaults()
	return &Server{c: c, sessions: map[*session]bool{}, wrong: map[string][]time.Time{}}
}

// Serve takes connections until ctx ends, and closes them.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		<-ctx.Done()
		ln.Close()
	})
	all.Go(func() { s.tell(ctx) })
	for {
		conn, err := ln.Accept()
		if err != nil {
			cancel()
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		one := newSession(s, conn)
		s.mu.Lock()
		full := len(s.sessions) >= mostSessions
		if !full {
			s.sessions[one] = true
		}
		s.mu.Unlock()
		if full {
			conn.Close()
			continue
		}
		all.Go(func() {
			defer func() {
				s.mu.Lock()
				delete(s.sessions, one)
				s.mu.Unlock()
			}()
			if err := one.run(ctx); err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
				s.c.Log.Info("guard: an SMPP session ended", "err", err)
			}
		})
	}
}

// letsIn tells whether a name and a password are right. The answer's time does not say how
// much of them was.
func (s *Server) letsIn(name, password string) bool {
	same := func(a, b string) int {
		x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
		return subtle.ConstantTimeCompare(x[:], y[:])
	}
	return same(name, s.c.SystemID)&same(password, s.c.Password) == 1
}

// guessing tells whether too many wrong passwords came from an address.
func (s *Server) guessing(host string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var recent []time.Time
	for _, at := range s.wrong[host] {
		if time.Since(at) < time.Minute {
			recent = append(recent, at)
		}
	}
	if len(recent) == 0 {
		delete(s.wrong, host)
		return false
	}
	s.wrong[host] = recent
	return len(recent) >= mostWrong
}

func (s *Server) guessed(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.wrong) > 1000 {
		clear(s.wrong)
	}
	s.wrong[host] = append(s.wrong[host], time.Now())
}

// tell gives receipts to whoever is bound to receive them, one at a time: one that is not
// acknowledged is given again.
func (s *Server) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.c.Timeouts.Tell):
		}
		to := s.receiver()
		if to == nil {
			continue
		}
		all, err := s.c.Receipts(ctx)
		if err != nil && ctx.Err() == nil {
			s.c.Log.Error("guard: receipts could not be read", "err", err)
		}
		for _, r := range all {
			if err := to.deliver(ctx, r); err != nil {
				break
			}
			if err := s.c.Told(ctx, r.ID); err != nil && ctx.Err() == nil {
				s.c.Log.Error("guard: a receipt could not be noted", "err", err)
				break
			}
		}
	}
}

func (s *Server) receiver() *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.sessions {
		if one.mayReceive() {
			return one
		}
	}
	return nil
}
