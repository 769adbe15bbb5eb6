package smpp

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/peers"
)

func TestNotBoundIsNotWritten(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{Faults: []peers.SMSFault{{At: peers.AtBind, Do: peers.SMSStall}}})
	s, _ := running(t, peer, sms.Inbox{})
	if err := peer.WaitStalled(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	expect(t, s.Send(t.Context(), message(1, "Léa"), yes), sms.NotWritten)
	if state := s.State(); s.Room() != 0 || state.Bound {
		t.Errorf("room for %d, %+v", s.Room(), state)
	}
	peer.Release()
	until(t, s, func(room int) bool { return room == 10 })
	if state := s.State(); !state.Bound || state.Since.IsZero() || state.Trouble != "" {
		t.Errorf("%+v", state)
	}
	expect(t, s.Send(t.Context(), message(1, "Léa"), yes), sms.Accepted)
}

// TestBindsAgain: whatever ends a session, another is bound.
func TestBindsAgain(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{Faults: []peers.SMSFault{
		{At: peers.AtAccept, Do: peers.SMSDrop}, {At: peers.AtAccept, Do: peers.SMSStall}, {At: peers.AtBind, Do: peers.SMSDrop}, {At: peers.AtBind, Do: peers.SMSRefuse, Status: peers.ESMEBindFailed}, {At: peers.AtBind, Do: peers.SMSRefuse, Status: 5}}})
	s, end := session(t, peer, sms.Inbox{}, func(c *Config) {
		c.Timeouts.Bind, c.Timeouts.Enquire, c.Timeouts.Alive = time.Second, 200*time.Millisecond, 500*time.Millisecond
	})
	bound := 1
	again := func(what, words string) {
		t.Helper()
		bound++
		good := func() (n int) {
			for _, b := range peer.Binds() {
				if b.Status == 0 {
					n++
				}
			}
			return n
		}
		if err := peer.WaitFor(soon(t), func() bool { return good() == bound }); err != nil {
			t.Fatalf("%s: %d binds: %v", what, good(), err)
		}
		until(t, s, func(room int) bool { return room == 10 })
		if state := s.State(); !state.Bound || !strings.Contains(state.Trouble, words) {
			t.Errorf("%s: %+v", what, state)
		}
	}
	peer.Drop()
	again("dropped", "closed the connection")
	peer.Unbind()
	again("unbound by the centre", "the centre ended the session")
	if peer.Unbound() != 1 {
		t.Errorf("its unbind was answered %d times", peer.Unbound())
	}
	peer.Plan(peers.SMSFault{At: peers.AtLink, Do: peers.SMSStall})
	again("silent", "does not answer enquire_link")
	expect(t, s.Send(t.Context(), message(1, "Léa"), yes), sms.Accepted)
	end()
	if peer.Unbinds() != 1 {
		t.Errorf("%d unbinds", peer.Unbinds())
	}
}

// TestFarewell: told to end, a session begins nothing and waits for what is on its way.
func TestFarewell(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t)
	s := unbound(t, peer, func(c *Config) { c.Timeouts.Farewell = 15 * time.Second })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, sms.Inbox{}) }()
	until(t, s, func(room int) bool { return room > 0 })
	peer.Plan(peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSStall})
	result := make(chan sms.Result, 1)
	go func() { result <- s.Send(t.Context(), message(1, long), yes) }()
	if err := peer.WaitStalled(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	until(t, s, func(room int) bool { return room == 0 })
	expect(t, s.Send(t.Context(), message(2, "Léa"), yes), sms.NotWritten)
	if peer.Unbinds() != 0 {
		t.Error("unbound with a message on its way")
	}
	peer.Release()
	expect(t, <-result, sms.Accepted) // its other parts too
	if err := <-ended; err != nil || peer.Unbinds() != 1 || len(peer.Messages()) != sms.Parts(long) {
		t.Errorf("%v, %d unbinds, %d messages", err, peer.Unbinds(), len(peer.Messages()))
	}
}

// TestFarewellIsBounded: a centre that does not answer does not keep the program.
func TestFarewellIsBounded(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{Faults: []peers.SMSFault{{At: peers.AtSubmit, Do: peers.SMSStall}}})
	s, end := session(t, peer, sms.Inbox{}, func(c *Config) { c.Timeouts.Farewell = 100 * time.Millisecond })
	result := make(chan sms.Result, 1)
	go func() { result <- s.Send(t.Context(), message(1, "Léa"), yes) }()
	if err := peer.WaitStalled(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	end()
	expect(t, <-result, sms.Unsure)
	if peer.Unbinds() != 1 {
		t.Errorf("%d unbinds", peer.Unbinds())
	}
}

func TestStoppedByContext(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{Faults: []peers.SMSFault{{At: peers.AtSubmit, Do: peers.SMSStall}}})
	late := make(chan sms.Result, 1)
	s, _ := session(t, peer, sms.Inbox{}, func(c *Config) {
		c.Late = func(letter string, r sms.Result) {
			if letter != "letter-1" {
				t.Errorf("late for %s", letter)
			}
			late <- r
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan sms.Result, 1)
	go func() { result <- s.Send(ctx, message(1, "Léa"), yes) }()
	if err := peer.WaitStalled(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	got := <-result
	expect(t, got, sms.Unsure)
	if !errors.Is(got.Err, context.Canceled) {
		t.Errorf("%v", got.Err)
	}
	// Its place stays taken until the centre answers, which is told.
	if s.Room() != 9 {
		t.Errorf("room for %d", s.Room())
	}
	peer.Release()
	answered := <-late
	expect(t, answered, sms.Accepted)
	if len(answered.Parts) != 1 || answered.Parts[0] != peer.Messages()[0].ID {
		t.Errorf("late: %+v", answered)
	}
	until(t, s, func(room int) bool { return room == 10 })
	expect(t, s.Send(ctx, message(2, "Léa"), yes), sms.NotWritten)
	if len(peer.Messages()) != 1 {
		t.Errorf("%d messages", len(peer.Messages()))
	}
}

// TestWindow: never more unanswered than the window, and Room says so.
func TestWindow(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{Faults: []peers.SMSFault{{At: peers.AtSubmit, Do: peers.SMSStall, Times: peers.Always}}})
	s, _ := session(t, peer, sms.Inbox{}, func(c *Config) { c.Window, c.Timeouts.Room = 3, 100*time.Millisecond })
	if s.Room() != 3 {
		t.Fatalf("room for %d", s.Room())
	}
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() { expectOutcome(t, s.Send(t.Context(), message(i, "Léa"), yes), sms.Accepted) })
	}
	if err := peer.WaitStalled(soon(t), 3); err != nil {
		t.Fatal(err)
	}
	if s.Room() != 0 || s.State().Unanswered != 3 {
		t.Errorf("room for %d with %d unanswered", s.Room(), s.State().Unanswered)
	}
	got := s.Send(t.Context(), message(4, "Léa"), yes)
	expect(t, got, sms.NotWritten)
	if !errors.Is(got.Err, errNoRoom) || len(peer.Submits()) != 3 {
		t.Errorf("%v, the centre has read %d", got.Err, len(peer.Submits()))
	}
	for range s.Changed() { // an old token
		break
	}
	peer.Plan()
	peer.Release()
	until(t, s, func(room int) bool { return room == 3 })
	all.Wait()
}

func expectOutcome(t *testing.T, got sms.Result, want sms.Outcome) {
	t.Helper()
	if got.Outcome != want {
		t.Errorf("outcome %v (%v), want %v", got.Outcome, got.Err, want)
	}
}

// TestHoarse: a centre that answers enquire_link but no message any more is left when
// every place is lost, and bound anew.
func TestHoarse(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{Faults: []peers.SMSFault{{At: peers.AtSubmit, Do: peers.SMSStall, Times: 2}}})
	s, _ := session(t, peer, sms.Inbox{}, func(c *Config) {
		c.Window, c.Timeouts.Answer, c.Timeouts.Throttle = 2, 200*time.Millisecond, time.Second
	})
	for i := range 2 {
		expect(t, s.Send(t.Context(), message(i, "Léa"), yes), sms.Unsure)
	}
	until(t, s, func(room int) bool { return room == 2 })
	expect(t, s.Send(t.Context(), message(3, "Léa"), yes), sms.Accepted)
	if len(peer.Binds()) != 2 || len(peer.Messages()) != 3 {
		t.Errorf("%d binds, %d messages", len(peer.Binds()), len(peer.Messages()))
	}
}

// TestThrottled: the pause grows while the centre throttles, and ends.
func TestThrottled(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{Faults: []peers.SMSFault{{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: peers.ESMEThrottled, Times: 3}}})
	s, _ := session(t, peer, sms.Inbox{}, func(c *Config) { c.Timeouts.Throttle = 200 * time.Millisecond })
	var pauses []time.Duration
	for i := range 3 {
		expect(t, s.Send(t.Context(), message(i, "Léa"), yes), sms.Later)
		began := time.Now()
		if s.Room() != 0 || !s.State().Throttled {
			t.Errorf("room for %d, %+v", s.Room(), s.State())
		}
		until(t, s, func(room int) bool { return room == 10 })
		pauses = append(pauses, time.Since(began))
	}
	for i, p := range pauses {
		if want := 200 * time.Millisecond << i; p < want-20*time.Millisecond || p > want+time.Second {
			t.Errorf("pause %d took %v", i, p)
		}
	}
	expect(t, s.Send(t.Context(), message(4, "Léa"), yes), sms.Accepted)
	if s.pause != 0 {
		t.Errorf("the next pause would begin at %v", s.pause)
	}
}

// TestPace: at a centre that allows 40 a second, nothing is throttled when we keep to it,
// and Room lets as much be claimed.
func TestPace(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{PerSecond: 40})
	s, _ := session(t, peer, sms.Inbox{}, func(c *Config) { c.PerSecond = 40 })
	const messages = 80
	began := time.Now()
	drive(t, s, messages)
	took := time.Since(began)
	if n := len(peer.Messages()); n != messages || peer.Throttled() != 0 {
		t.Errorf("%d taken, %d throttled", n, peer.Throttled())
	}
	if took < (messages-1)*time.Second/40 {
		t.Errorf("%d messages in %v", messages, took)
	}
}

// drive sends as many messages, as the courier does: as Room allows, woken by Changed.
func drive(t testing.TB, s *Session, messages int) {
	var all sync.WaitGroup
	var looked atomic.Int32
	ended := make(chan sms.Result, messages)
	for begun, over := 0, 0; over < messages; {
		coming := begun - int(looked.Load()) // perhaps not counted by the session yet
		for room := s.Room() - coming; room > 0 && begun < messages; room-- {
			begun++
			m := message(begun, "Léa n'est pas en maths.")
			all.Go(func() {
				ended <- s.Send(t.Context(), m, func() (time.Duration, error) { looked.Add(1); return time.Hour, nil })
			})
		}
		select {
		case <-s.Changed():
		case r := <-ended:
			over++
			if r.Outcome != sms.Accepted {
				t.Errorf("%v (%v)", r.Outcome, r.Err)
			}
		}
	}
	all.Wait()
}

func TestCancel(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t)
	s, _ := session(t, peer, sms.Inbox{})
	got := s.Send(t.Context(), message(1, "Léa"), yes)
	expect(t, got, sms.Accepted)
	if ok, err := s.Cancel(t.Context(), got.Parts[0], message(1, "").To); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if c := peer.Cancelled(); len(c) != 1 || c[0] != (peers.SMSCancel{ID: got.Parts[0], From: "LYCEE", To: "33639980001"}) {
		t.Errorf("%+v", c)
	}
	peer.Plan(peers.SMSFault{At: peers.AtCancel, Do: peers.SMSRefuse})
	if ok, err := s.Cancel(t.Context(), got.Parts[0], message(1, "").To); ok || err == nil || !strings.Contains(err.Error(), "ESME_RCANCELFAIL") {
		t.Errorf("%v %v", ok, err)
	}
	peer.Plan(peers.SMSFault{At: peers.AtCancel, Do: peers.SMSDrop})
	if ok, err := s.Cancel(t.Context(), got.Parts[0], message(1, "").To); ok || err == nil {
		t.Errorf("%v %v", ok, err)
	}
	if _, err := s.Cancel(t.Context(), "", message(1, "").To); err == nil {
		t.Error("cancelled nothing")
	}
	if _, err := unbound(t, peer).Cancel(t.Context(), "1", message(1, "").To); !errors.Is(err, errNotBound) {
		t.Errorf("not bound: %v", err)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t, peers.SMSCentreOptions{SystemID: "preau", Password: "ardoise"})
	secure := peers.SMPP(t, peers.SMSCentreOptions{TLS: true})
	mail := peers.SMTP(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	refuse := func(status int) { peer.Plan(peers.SMSFault{At: peers.AtBind, Do: peers.SMSRefuse, Status: status}) }
	for _, tc := range []struct {
		words string
		plan  func()
		at    func(*Config)
	}{
		{"", nil, nil},
		{"wrong password (ESME_RINVPASWD)", nil, func(c *Config) { c.Password = "craie" }},
		{"wrong system id (ESME_RINVSYSID)", nil, func(c *Config) { c.SystemID = "college" }},
		{"already bound", func() { refuse(5) }, nil},
		{"not allowed (ESME_RBINDFAIL)", func() { refuse(peers.ESMEBindFailed) }, nil},
		{"the centre closed the connection", func() { peer.Plan(peers.SMSFault{At: peers.AtBind, Do: peers.SMSDrop}) }, nil},
		{"no answer in time", func() { peer.Plan(peers.SMSFault{At: peers.AtBind, Do: peers.SMSStall}) }, func(c *Config) { c.Timeouts.Bind = 300 * time.Millisecond }},
		{"nothing listens there", nil, func(c *Config) { c.Port = nobody }},
		{"what came is not SMPP", nil, func(c *Config) { c.Port = mail.Port() }},
		{"does not speak TLS", nil, func(c *Config) { c.TLS, c.Port = TLS, mail.Port() }},
		{"the centre closed the connection", nil, func(c *Config) { c.Port = secure.Port() }},
		{"certificate is not to be trusted", nil, func(c *Config) { c.TLS, c.Port = TLS, secure.Port() }},
		{"", nil, func(c *Config) { c.TLS, c.Port, c.Roots = TLS, secure.Port(), secure.Roots() }},
	} {
		if tc.plan != nil {
			tc.plan()
		}
		change := tc.at
		if change == nil {
			change = func(*Config) {}
		}
		err := unbound(t, peer, change).Check(t.Context())
		if (err == nil) != (tc.words == "") || err != nil && !strings.Contains(err.Error(), tc.words) {
			t.Errorf("%v, want %q", err, tc.words)
		}
		if err != nil && (strings.Contains(err.Error(), "craie") || strings.Contains(err.Error(), "ardoise")) {
			t.Errorf("the password is told: %v", err)
		}
	}
	if peer.Unbinds() != 1 || secure.Unbinds() != 1 || len(peer.Messages()) != 0 {
		t.Errorf("%d and %d unbinds", peer.Unbinds(), secure.Unbinds())
	}
	s, _ := session(t, peer, sms.Inbox{})
	before := peer.Connections()
	if err := s.Check(t.Context()); err != nil || peer.Connections() != before {
		t.Errorf("bound: %v, %d connections more", err, peer.Connections()-before)
	}
}

func TestConfigurationsRefused(t *testing.T) {
	t.Parallel()
	good := Config{Host: "smsc.example", SystemID: "preau", Source: "LYCEE"}
	s, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	if c := s.config; c.TLS != TLS || c.Port != 3550 || c.Window != 10 || c.Timeouts.Answer != 30*time.Second || c.Timeouts.Enquire != 30*time.Second {
		t.Errorf("defaults are %+v", c)
	}
	for name, change := range map[string]func(*Config){
		"no host":             func(c *Config) { c.Host = "" },
		"host with port":      func(c *Config) { c.Host = "smsc.example:2775" },
		"a link":              func(c *Config) { c.Host = "smpp://smsc.example" },
		"plain text outside":  func(c *Config) { c.TLS = NoTLS },
		"unknown encryption":  func(c *Config) { c.TLS = "starttls" },
		"port":                func(c *Config) { c.Port = 70000 },
		"no system id":        func(c *Config) { c.SystemID = "" },
		"system id with NUL":  func(c *Config) { c.SystemID = "pre\x00au" },
		"password not ASCII":  func(c *Config) { c.Password = "clé" },
		"window":              func(c *Config) { c.Window = -1 },
		"pace":                func(c *Config) { c.PerSecond = -1 },
		"no sender":           func(c *Config) { c.Source = "" },
		"sender too long":     func(c *Config) { c.Source = "LYCEEANITACONTI" },
		"sender too short":    func(c *Config) { c.Source = "LY" },
		"sender with accents": func(c *Config) { c.Source = "LYCÉE" },
		"number without plus": func(c *Config) { c.Source = "33639980001" },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || !strings.HasPrefix(err.Error(), "smpp: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for from, want := range map[string]address{"LYCEE": {5, 0, "LYCEE"}, "+33639980001": {1, 1, "33639980001"}, "36000": {3, 0, "36000"}, "3Lycees": {5, 0, "3Lycees"}} {
		c := good
		c.Source, c.TLS, c.AllowPlain = from, NoTLS, true
		s, err := New(c)
		if err != nil || s.from != want || s.config.Port != 2775 {
			t.Errorf("%s: %v %+v", from, err, s)
		}
	}
}
