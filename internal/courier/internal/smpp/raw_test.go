package smpp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// raw is the far end of a connection, byte by byte: for what a centre that is right
// cannot do.
type raw struct {
	t *testing.T
	net.Conn
}

// hear reads one PDU.
func (r raw) hear() frame {
	f, err := readFrame(r)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
		r.t.Logf("the fake heard %v", err)
	}
	return f
}

func (r raw) say(pdus ...[]byte) { _, _ = r.Write(bytes.Join(pdus, nil)) }

// response is a PDU with a body.
func response(c command, sequence uint32, s status, body string) []byte {
	b := append(header(c, sequence, s), body...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// fake is a session with a centre that binds it and then plays script, connection after
// connection.
func fake(t *testing.T, in sms.Inbox, script func(r raw), change ...func(*Session)) *Session {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r := raw{t, conn}
			f := r.hear()
			r.say(response(bindResp, f.sequence, statusOK, "fake\x00"))
			script(r)
			_ = conn.Close()
		}
	})
	s, err := New(Config{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, TLS: NoTLS, SystemID: "preau", Source: "LYCEE",
		Timeouts: Timeouts{Answer: 500 * time.Millisecond, Again: 10 * time.Millisecond, Most: 20 * time.Millisecond, Farewell: 100 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { _ = s.Run(ctx, in) })
	t.Cleanup(func() { cancel(); ran.Wait(); _ = listener.Close(); served.Wait() })
	until(t, s, func(room int) bool { return room > 0 })
	return s
}

// TestStrangeAnswers: what comes after a message was read.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		say  func(r raw, sequence uint32)
		want sms.Outcome
		ids  string
	}{
		"byte by byte": {func(r raw, n uint32) {
			for _, b := range response(submitSMResp, n, statusOK, "a1\x00") {
				r.say([]byte{b})
			}
		}, sms.Accepted, "a1"},
		"yes, header only": {func(r raw, n uint32) { r.say(header(submitSMResp, n, statusOK)) }, sms.Accepted, ""},
		"no end of the id": {func(r raw, n uint32) { r.say(response(submitSMResp, n, statusOK, "a1")) }, sms.Accepted, "a1"},
		"id of noise":      {func(r raw, n uint32) { r.say(response(submitSMResp, n, statusOK, "\r\n\xff\x00")) }, sms.Accepted, ""},
		"a vendor's field": {func(r raw, n uint32) {
			r.say(response(submitSMResp, n, statusOK, "a1\x00\x14\x00\x00\x02hi\x14\x01\x00"))
		}, sms.Accepted, "a1"},
		"a field too long": {func(r raw, n uint32) { r.say(response(submitSMResp, n, statusOK, "a1\x00\x14\x00\xff\xff\x00")) }, sms.Accepted, "a1"},
		"answer to another first": {func(r raw, n uint32) {
			r.say(response(submitSMResp, n+7, 0x0b, ""), response(submitSMResp, n, statusOK, "a1\x00"), response(submitSMResp, n, 0x0b, ""))
		}, sms.Accepted, "a1"},
		"answer of another kind first": {func(r raw, n uint32) {
			r.say(header(enquireResp, n, statusOK), header(unbindResp+1, n, statusOK), response(submitSMResp, n, statusOK, "a1\x00"))
		}, sms.Accepted, "a1"},
		"nack of nothing, then yes": {func(r raw, n uint32) {
			r.say(header(genericNack, 0, 3), response(submitSMResp, n, statusOK, "a1\x00"))
		}, sms.Accepted, "a1"},
		"nack without a fault": {func(r raw, n uint32) { r.say(header(genericNack, n, statusOK)); r.hear() }, sms.Unsure, ""},
		"half an answer":       {func(r raw, n uint32) { r.say(response(submitSMResp, n, statusOK, "a1\x00")[:17]) }, sms.Unsure, ""},
		"half a header":        {func(r raw, n uint32) { r.say(header(submitSMResp, n, statusOK)[:9]) }, sms.Unsure, ""},
		"huge": {func(r raw, n uint32) {
			r.say([]byte{0x7f, 255, 255, 255}, header(submitSMResp, n, statusOK)[4:])
			r.hear()
		}, sms.Unsure, ""},
		"tiny":             {func(r raw, n uint32) { r.say([]byte{0, 0, 0, 15}, header(submitSMResp, n, statusOK)[4:]); r.hear() }, sms.Unsure, ""},
		"another protocol": {func(r raw, n uint32) { r.say([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")); r.hear() }, sms.Unsure, ""},
		"silence":          {func(r raw, n uint32) { r.hear() }, sms.Unsure, ""},
		"reset": {func(r raw, n uint32) {
			_ = r.Conn.(*net.TCPConn).SetLinger(0)
		}, sms.Unsure, ""},
		"unbind instead": {func(r raw, n uint32) {
			r.say(header(unbind, 1, statusOK))
			if f := r.hear(); f.command != unbindResp || f.sequence != 1 {
				r.t.Errorf("unbind was answered %+v", f)
			}
		}, sms.Unsure, ""},
		"no, with words": {func(r raw, n uint32) {
			r.say(response(submitSMResp, n, 0x45, "\x00\x00\x1d\x00\x1233639980001 barred"))
		}, sms.Refused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fake(t, sms.Inbox{}, func(r raw) {
				if f := r.hear(); f.command == command(4) {
					tc.say(r, f.sequence)
				}
				if tc.want == sms.Accepted {
					r.hear()
				}
			})
			got := s.Send(t.Context(), message(1, "Léa"), yes)
			expect(t, got, tc.want)
			if ids := strings.Join(got.Parts, ","); ids != tc.ids {
				t.Errorf("ids %q, want %q", ids, tc.ids)
			}
			if name == "no, with words" && !strings.HasSuffix(got.Answer, "33639980001 barred") {
				t.Errorf("answer %q", got.Answer)
			}
		})
	}
}

// stubborn is a connection whose writes end as told.
type stubborn struct {
	net.Conn
	mu      sync.Mutex
	written int // bytes of the next write that go through; -1: all of them
}

func (c *stubborn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.written < 0 {
		return c.Conn.Write(b)
	}
	n, err := c.Conn.Write(b[:min(c.written, len(b))])
	return n, errors.Join(err, io.ErrClosedPipe)
}

// TestPartialWrites: only a write that moved nothing is "not written", and never over
// an encrypted connection.
func TestPartialWrites(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		written   int
		encrypted bool
		want      sms.Outcome
	}{
		"nothing":            {0, false, sms.NotWritten},
		"nothing, encrypted": {0, true, sms.Unsure},
		"one byte":           {1, false, sms.Unsure},
		"a header":           {16, false, sms.Unsure},
		"all, and an error":  {1 << 20, false, sms.Unsure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var conns []*stubborn
			s := fake(t, sms.Inbox{}, func(r raw) { _, _ = io.Copy(io.Discard, r) }, func(s *Session) {
				dial := s.dial
				s.dial = func(ctx context.Context) (net.Conn, error) {
					conn, err := dial(ctx)
					if err != nil {
						return nil, err
					}
					mu.Lock()
					defer mu.Unlock()
					c := &stubborn{Conn: conn, written: -1}
					conns = append(conns, c)
					return c, nil
				}
			})
			s.mu.Lock()
			s.link.encrypted = tc.encrypted
			s.mu.Unlock()
			mu.Lock()
			first := conns[0]
			mu.Unlock()
			first.mu.Lock()
			first.written = tc.written
			first.mu.Unlock()
			expect(t, s.Send(t.Context(), message(1, "Léa"), yes), tc.want)
			if s.Room() != 0 {
				t.Errorf("room for %d on a connection that is broken", s.Room())
			}
			// Nothing more is written on that connection.
			first.mu.Lock()
			first.written = -1
			first.mu.Unlock()
			if got := s.Send(t.Context(), message(2, "Léa"), yes); got.Outcome != sms.NotWritten {
				t.Errorf("then %v (%v)", got.Outcome, got.Err)
			}
		})
	}
}

// TestStalledNetwork: a centre that reads nothing more is left after the time of a write.
func TestStalledNetwork(t *testing.T) {
	t.Parallel()
	client, server := net.Pipe()
	s := fake(t, sms.Inbox{}, func(raw) {}, func(s *Session) {
		s.config.Timeouts.Write = 100 * time.Millisecond
		first := true
		dial := s.dial
		s.dial = func(ctx context.Context) (net.Conn, error) {
			if !first {
				return dial(ctx)
			}
			first = false
			go func() {
				r := raw{t, server}
				f := r.hear()
				r.say(response(bindResp, f.sequence, statusOK, "\x00"))
				_, _ = io.ReadFull(r, make([]byte, 20)) // and never again
			}()
			return client, nil
		}
	})
	defer server.Close()
	got := s.Send(t.Context(), message(1, "Léa"), yes)
	expect(t, got, sms.Unsure)
	if !errors.Is(got.Err, errHalf) {
		t.Errorf("%v", got.Err)
	}
}

// TestSlowLoris: a PDU that never ends keeps neither memory nor the session.
func TestSlowLoris(t *testing.T) {
	t.Parallel()
	dripped := make(chan struct{})
	connections := 0
	s := fake(t, sms.Inbox{}, func(r raw) {
		if connections++; connections > 1 {
			r.hear()
			return
		}
		_, _ = r.Write([]byte{0, 0, 0xff, 0xff})
		for {
			if _, err := r.Write([]byte{0}); err != nil {
				break
			}
			_ = r.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			_, _ = r.Read(make([]byte, 100))
		}
		close(dripped)
	}, func(s *Session) {
		s.config.Timeouts.Enquire, s.config.Timeouts.Alive = 50*time.Millisecond, 50*time.Millisecond
	})
	select {
	case <-dripped:
	case <-soon(t).Done():
		t.Fatal("the session is kept")
	}
	until(t, s, func(room int) bool { return room > 0 })
	if state := s.State(); !strings.Contains(state.Trouble, "enquire_link") {
		t.Errorf("%+v", state)
	}
}

// TestCentreAsks: what a centre may send of itself.
func TestCentreAsks(t *testing.T) {
	t.Parallel()
	heard := make(chan frame, 10)
	fake(t, sms.Inbox{}, func(r raw) {
		r.say(header(enquireLink, 41, statusOK), header(command(0x103), 42, statusOK), response(deliverSM, 43, statusOK, "cut short"), response(deliverSM, 44, statusOK, mo(0, 0, "STOP")))
		for range 4 {
			heard <- r.hear()
		}
		r.hear()
	})
	got := map[uint32]frame{}
	for range 4 {
		select {
		case f := <-heard:
			got[f.sequence] = f
		case <-soon(t).Done():
			t.Fatalf("heard %+v", got)
		}
	}
	for sequence, want := range map[uint32]frame{
		41: {command: enquireResp}, 42: {command: genericNack, status: statusInvalidCommand},
		43: {command: deliverSMResp, status: statusPermanent}, 44: {command: deliverSMResp, status: statusTemporary}, // nobody takes it
	} {
		if f := got[sequence]; f.command != want.command || f.status != want.status {
			t.Errorf("%d was answered %+v, want %+v", sequence, f, want)
		}
	}
}

// mo is the body of a deliver_sm.
func mo(class, coding byte, text string, options ...string) string {
	return "\x00\x01\x0133639980001\x00\x05\x00LYCEE\x00" + string([]byte{class, 0, 0, 0, 0, 0, 0, coding, 0, byte(len(text))}) + text + strings.Join(options, "")
}

// TestFlood: an inbox that stands still neither stops the answers to our messages nor
// lets memory grow: what is too much is given back.
func TestFlood(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	const flood = mostIncoming + 50
	back, taken := make(chan uint32, flood), make(chan uint32, flood)
	var mu sync.Mutex
	var order []string
	in := sms.Inbox{Incoming: func(m sms.Incoming) error {
		<-release
		mu.Lock()
		defer mu.Unlock()
		order = append(order, m.Text)
		return nil
	}}
	s := fake(t, in, func(r raw) {
		for i := range flood {
			r.say(response(deliverSM, uint32(100+i), statusOK, mo(0, 0, string(rune('A'+i%26)))))
		}
		for {
			switch f := r.hear(); f.command {
			case deliverSMResp:
				if f.status == statusTemporary {
					back <- f.sequence
				} else {
					taken <- f.sequence
				}
			case command(4):
				r.say(response(submitSMResp, f.sequence, statusOK, "a1\x00"))
			case 0:
				return
			}
		}
	})
	expect(t, s.Send(t.Context(), message(1, "Léa"), yes), sms.Accepted)
	count := func(c chan uint32, n int) (last uint32) {
		t.Helper()
		for range n {
			select {
			case sequence := <-c:
				if sequence <= last {
					t.Errorf("%d after %d", sequence, last)
				}
				last = sequence
			case <-soon(t).Done():
				t.Fatalf("less than %d", n)
			}
		}
		return last
	}
	// One may already be with the inbox when the queue is full.
	count(back, flood-mostIncoming-1)
	close(release)
	count(taken, mostIncoming)
	mu.Lock()
	defer mu.Unlock()
	if len(order) < mostIncoming || order[0] != "A" || order[1] != "B" || order[25] != "Z" {
		t.Errorf("taken in another order: %v", order)
	}
}
