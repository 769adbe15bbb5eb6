package smpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// Session speaks with one SMS centre. It is safe for use by several goroutines at once.
type Session struct {
	config   Config
	from     address
	dial     func(context.Context) (net.Conn, error)
	interval time.Duration // between two messages; 0: none
	numbers  atomic.Uint32 // of messages in parts

	changed chan struct{}

	mu      sync.Mutex
	link    *link // nil: not bound
	leaving bool  // Run was told to end
	since   time.Time
	trouble error
	taken   time.Time     // since when the centre says that our account is bound already; zero: it does not
	active  int           // Sends under way: each has one part unanswered at most
	waiting int           // those that wait for a place
	next    time.Time     // before it, the pace allows no message
	resume  time.Time     // before it, the centre wants none
	pause   time.Duration // the last one
	moved   chan struct{} // closed and replaced whenever a place or the link may be another
	idle    chan struct{} // closed when active falls to 0 while leaving
}

// State is what an operator reads of a session.
type State struct {
	Bound      bool
	Since      time.Time // when it was bound, or lost; the zero time before the first attempt
	Unanswered int       // messages that the centre has not answered yet
	Throttled  bool      // the centre wants no message for a moment
	Trouble    string    // why it is not bound, or why it last was not; "" when it never failed
}

func newSession(c Config, from address) *Session {
	s := &Session{config: c, from: from, changed: make(chan struct{}, 1), moved: make(chan struct{})}
	s.numbers.Store(rand.Uint32())
	if c.PerSecond > 0 {
		// A little slower than allowed: what leaves evenly arrives less so.
		s.interval = time.Duration(1.02 * float64(time.Second) / c.PerSecond)
	}
	s.dial = func(ctx context.Context) (net.Conn, error) {
		address := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
		if c.TLS == TLS {
			return (&tls.Dialer{Config: c.tlsConfig()}).DialContext(ctx, "tcp", address)
		}
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	return s
}

// Run keeps the session until ctx ends: it binds, reads, enquires, and binds again when
// the session is lost, with longer and longer waits in between. What the centre brings
// is given to in, one at a time in its order.
//
// When ctx ends, no new message is begun; the answers to those on their way are waited
// for as long as Timeouts.Farewell, then the session is unbound. Run returns nil then.
// It is called once at a time.
func (s *Session) Run(ctx context.Context, in sms.Inbox) error {
	s.mu.Lock()
	s.leaving = false
	s.mu.Unlock()
	leaving := s.whenLeaving(ctx)
	wait := s.config.Timeouts.Again
	for {
		began := time.Now()
		l, err := s.dialAndBind(ctx)
		if err == nil {
			s.config.Log.Info("smpp: bound", "host", s.config.Host)
			s.bound(l)
			err = &failure{doing: "session", cause: l.serve(leaving, in)}
		}
		s.lost(err, ctx.Err() == nil)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > s.config.Timeouts.Most {
			wait = s.config.Timeouts.Again // it was a session, not an attempt
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2+1))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		wait = min(2*wait, s.config.Timeouts.Most)
	}
}

// whenLeaving is done a moment after ctx: when no new message can be begun any more.
func (s *Session) whenLeaving(ctx context.Context) context.Context {
	leaving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		s.leaving = true
		s.move()
		s.mu.Unlock()
		cancel()
	})
	return leaving
}

// bound makes a link the one that is spoken over.
func (s *Session) bound(l *link) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link, s.since, s.taken = l, s.config.Now(), time.Time{}
	s.move()
}

// lost notes that there is no link, and why.
func (s *Session) lost(err error, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The same trouble, attempt after attempt, is told once.
	again := s.link == nil && s.trouble != nil && s.trouble.Error() == err.Error()
	if s.link != nil || s.since.IsZero() {
		s.since = s.config.Now()
	}
	s.link = nil
	if f := (*failure)(nil); errors.As(err, &f) && f.status == alreadyBound && s.taken.IsZero() {
		s.taken = s.config.Now()
	}
	if tell {
		s.trouble = err
		if !again {
			s.config.Log.Warn("smpp: not bound", "host", s.config.Host, "err", err)
		}
	}
	s.move()
}

// move wakes whoever waits for a place. The lock is held.
func (s *Session) move() {
	close(s.moved)
	s.moved = make(chan struct{})
	if s.leaving && s.active == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
	s.tell()
}

// tell puts a token into changed.
func (s *Session) tell() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// freed says that a message was answered.
func (s *Session) freed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move()
}

// quiet is closed when no message is on its way any more. The session is leaving.
func (s *Session) quiet() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active == 0 {
		idle := make(chan struct{})
		close(idle)
		return idle
	}
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	return s.idle
}

// Room is how many messages may be handed to Send right now: 0 when it is not bound, the
// centre throttles, the window is full, or the pace says to wait.
func (s *Session) Room() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.link == nil || s.leaving || s.link.why() != nil || now.Before(s.resume) {
		return 0
	}
	// Every Send has one part on its way at most. A message whose answer was given up
	// keeps its place: the centre may still count it.
	_, lost := s.link.unanswered()
	room := s.config.Window - s.active - lost
	if s.interval > 0 {
		paced := 0
		if wait := max(0, s.next.Sub(now)); wait <= lookAhead {
			paced = 1 + int((lookAhead-wait)/s.interval)
		}
		room = min(room, paced-s.waiting)
	}
	return max(0, room)
}

// lookAhead is how long Send may have to wait for the pace alone: so many messages can be
// handed to it at once, rather than one by one.
const lookAhead = 250 * time.Millisecond

// Changed gets a token whenever Room may have grown.
func (s *Session) Changed() <-chan struct{} { return s.changed }

// State tells how the session stands.
func (s *Session) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := State{Bound: s.link != nil, Since: s.since, Throttled: time.Now().Before(s.resume)}
	if s.link != nil {
		state.Unanswered, _ = s.link.unanswered()
	}
	if s.trouble != nil {
		state.Trouble = s.trouble.Error()
	}
	return state
}

// alreadyBound is ESME_RALYBND: somebody holds a session with our account (SMPP 3.4, 5.1.3).
const alreadyBound status = 0x05

// Taken is since when the centre answers each bind that our account is bound already; the
// zero time when it does not. A session of ours that the centre has not forgotten yet
// passes; a copy of this installation does not.
func (s *Session) Taken() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// begin counts a Send. Its error says why there can be none now.
func (s *Session) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == nil || s.leaving {
		return errNotBound
	}
	s.active++
	return nil
}

// end counts it out.
func (s *Session) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	s.move()
}

// errNoRoom: the window, the pace or the centre gave no place in time.
var errNoRoom = errors.New("no place in the window in time")

// place waits for a place in the window, for the pace and for the centre's mood, at most
// until limit, and takes the place: a message is expected to be answered under sequence.
// The caller writes it, or has the link forget it.
func (s *Session) place(ctx context.Context, limit time.Duration, first bool) (l *link, sequence uint32, r *request, err error) {
	patience := time.NewTimer(limit)
	defer patience.Stop()
	s.count(1)
	defer s.count(-1)
	for {
		s.mu.Lock()
		l, now := s.link, time.Now()
		if l == nil || (first && s.leaving) {
			s.mu.Unlock()
			return nil, 0, nil, errNotBound
		}
		wait := max(s.resume.Sub(now), s.next.Sub(now))
		if wait <= 0 {
			if unanswered, _ := l.unanswered(); unanswered < s.config.Window {
				// A timer that woke late is made up for, as far as timers are late.
				s.next = later(s.next, now.Add(-lateTimer)).Add(s.interval)
				sequence, r = l.expect(submitSMResp)
				s.mu.Unlock()
				if s.interval > 0 {
					time.AfterFunc(s.interval, s.tell)
				}
				return l, sequence, r, nil
			}
			wait = limit // until an answer frees a place
		}
		moved := s.moved
		s.mu.Unlock()
		turn := time.NewTimer(wait)
		select {
		case <-turn.C:
		case <-moved:
		case <-patience.C:
			err = errNoRoom
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		turn.Stop()
		if err != nil {
			return nil, 0, nil, err
		}
	}
}

const lateTimer = 2 * time.Millisecond

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// count counts who waits for a place.
func (s *Session) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting += n
}

// throttled pauses the session: longer each time, until something is accepted.
func (s *Session) throttled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.resume) {
		return // several answers about the same moment are one pause
	}
	s.pause = max(s.config.Timeouts.Throttle, min(2*s.pause, 32*s.config.Timeouts.Throttle))
	s.resume = now.Add(s.pause)
	time.AfterFunc(s.pause, s.tell)
}

// welcome ends the growing of pauses.
func (s *Session) welcome() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause = 0
}

// Check connects, binds and unbinds; it sends nothing. Its error says in words what is
// wrong. A session that is bound is right as it is: many centres allow no second one.
func (s *Session) Check(ctx context.Context) error {
	if s.State().Bound {
		return nil
	}
	l, err := s.dialAndBind(ctx)
	if err != nil {
		return fmt.Errorf("%s port %d: %w", s.config.Host, s.config.Port, err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	_ = l.serve(done, sms.Inbox{}) // why it ended: we did
	return nil
}
