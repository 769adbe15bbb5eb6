package smpp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/peers"
)

// message is to a fictional guardian; number tells messages apart.
func message(number int, text string) sms.Message {
	return sms.Message{Letter: fmt.Sprintf("letter-%d", number), To: fmt.Sprintf("+3363998%04d", number), Text: text, Reference: uint16(number)}
}

func yes() (time.Duration, error) { return 90 * time.Minute, nil }

// inbox keeps what came.
type inbox struct {
	mu       sync.Mutex
	receipts []sms.Receipt
	incoming []sms.Incoming
	refuse   int // so many times
}

func (b *inbox) taking() sms.Inbox {
	refused := func() error {
		if b.refuse > 0 {
			b.refuse--
			return errors.New("the disk is full")
		}
		return nil
	}
	return sms.Inbox{
		Receipt: func(r sms.Receipt) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.receipts = append(b.receipts, r)
			return refused()
		},
		Incoming: func(m sms.Incoming) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.incoming = append(b.incoming, m)
			return refused()
		},
	}
}

func (b *inbox) all() ([]sms.Receipt, []sms.Incoming) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.receipts), slices.Clone(b.incoming)
}

// soon ends after 20 s: what has not happened by then will not.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// until waits for Room to be as said, woken by Changed alone.
func until(t testing.TB, s *Session, enough func(room int) bool) {
	t.Helper()
	ctx := soon(t)
	for !enough(s.Room()) {
		select {
		case <-s.Changed():
		case <-ctx.Done():
			t.Fatalf("room stays %d, %+v", s.Room(), s.State())
		}
	}
}

// session speaks with the peer and is bound; end ends Run.
func session(t testing.TB, peer *peers.SMSCentre, in sms.Inbox, change ...func(*Config)) (s *Session, end func()) {
	t.Helper()
	s, end = running(t, peer, in, change...)
	until(t, s, func(room int) bool { return room > 0 })
	return s, end
}

func running(t testing.TB, peer *peers.SMSCentre, in sms.Inbox, change ...func(*Config)) (s *Session, end func()) {
	t.Helper()
	s = unbound(t, peer, change...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, in) }()
	end = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Run is still there 20 s after the order to end")
		}
	})
	t.Cleanup(end)
	return s, end
}

func unbound(t testing.TB, peer *peers.SMSCentre, change ...func(*Config)) *Session {
	t.Helper()
	config := Config{Host: peer.Host(), Port: peer.Port(), TLS: NoTLS, SystemID: "preau", Password: "ardoise", Source: "LYCEE",
		Timeouts: Timeouts{Answer: 10 * time.Second, Again: 20 * time.Millisecond, Most: 100 * time.Millisecond, Farewell: 2 * time.Second}}
	if peer.Roots() != nil {
		config.TLS, config.Roots = TLS, peer.Roots()
	}
	for _, f := range change {
		f(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// expect fails the test when the result is not as said, or would leak.
func expect(t *testing.T, got sms.Result, want sms.Outcome) {
	t.Helper()
	if got.Outcome != want {
		t.Fatalf("outcome %v (%v, %q), want %v", got.Outcome, got.Err, got.Answer, want)
	}
	if (got.Err == nil) != (want == sms.Accepted) {
		t.Errorf("%v with error %v", got.Outcome, got.Err)
	}
	if got.Err != nil && (strings.Contains(got.Err.Error(), "63998") || strings.Contains(got.Err.Error(), "ardoise")) {
		t.Errorf("the error tells a number or the password: %v", got.Err)
	}
}

const long = "Lycée Anita-Conti : Léa M. n'était pas en classe le mardi 6 octobre à 8 h 05 (français). Merci d'appeler la vie scolaire au 06 39 98 01 02 ou de répondre à ce message. Réf. K7P2 {ok}"

// TestConformance speaks with two centres that share nothing, through everything that a
// session is made of.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]peers.SMSCentreOptions{"node": {}, "node over TLS": {TLS: true}, "perl": {Perl: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.SystemID, o.Password, o.Receipts = "preau", "ardoise", peers.SMSDelivered
			peer := peers.SMPP(t, o)
			var box inbox
			s, end := session(t, peer, box.taking(), func(c *Config) { c.Timeouts.Enquire = 50 * time.Millisecond })
			var ids []string
			for i, text := range []string{"Léa n'est pas en maths.", "Zoë n'est pas en maths.", strings.ReplaceAll(long, "ç", "c"), long, `{[€]}\~|^ 😀`} {
				got := s.Send(t.Context(), message(i+1, text), yes)
				expect(t, got, sms.Accepted)
				all := peer.Messages()
				whole, parts := "", all[len(ids):]
				for n, m := range parts {
					whole += m.Text
					if m.To != message(i+1, "").To[1:] || m.From != "LYCEE" || m.SourceTON != 5 || m.SourceNPI != 0 || m.DestTON != 1 || m.DestNPI != 1 {
						t.Errorf("from %s (%d, %d) to %s (%d, %d)", m.From, m.SourceTON, m.SourceNPI, m.To, m.DestTON, m.DestNPI)
					}
					if m.Registered != 1 || m.Reference != i+1 || (m.Validity != "000000013000000R" && m.Validity != "000000012959000R") {
						t.Errorf("registered %d, reference %d, validity %s", m.Registered, m.Reference, m.Validity)
					}
					if len(parts) > 1 && (m.Total != len(parts) || m.Part != n+1 || m.Ref != parts[0].Ref || m.Class != 0x40) || len(parts) == 1 && (m.Total != 0 || m.Class != 0) {
						t.Errorf("part %d of %d with reference %d and class %#x", m.Part, m.Total, m.Ref, m.Class)
					}
					if got.Parts[n] != m.ID {
						t.Errorf("id %q, the centre says %q", got.Parts[n], m.ID)
					}
					ids = append(ids, m.ID)
				}
				if len(parts) != sms.Parts(text) || len(got.Parts) != len(parts) {
					t.Errorf("%d parts, %d ids", len(parts), len(got.Parts))
				}
				// The Perl centre knows no surrogates: it is judged on the rest.
				if cut := strings.TrimRight(text, "😀"); !strings.HasPrefix(whole, cut) || !o.Perl && whole != text {
					t.Errorf("%q arrived as %q", text, whole)
				}
			}
			if err := peer.WaitGiven(soon(t), len(ids)); err != nil {
				t.Fatal(err)
			}
			receipts, _ := box.all()
			for i, r := range receipts {
				if r.ID != ids[i] || r.Fate != sms.Delivered || r.Code != "DELIVRD 000" || !strings.HasPrefix(r.To, "+33639980") {
					t.Errorf("receipt %+v, want one of %s", r, ids[i])
				}
			}
			peer.Deliver(peers.SMSDeliver{From: "33639980001", To: "LYCEE", Text: "STOP"})
			if err := peer.WaitGiven(soon(t), len(ids)+1); err != nil {
				t.Fatal(err)
			}
			if _, incoming := box.all(); len(incoming) != 1 || incoming[0] != (sms.Incoming{From: "+33639980001", Text: "STOP"}) {
				t.Errorf("incoming %+v", incoming)
			}
			if err := peer.WaitFor(soon(t), func() bool { return peer.Enquiries() > 1 }); err != nil {
				t.Error(err)
			}
			end()
			if got := s.Send(t.Context(), message(9, "late"), yes); got.Outcome != sms.NotWritten || s.Room() != 0 {
				t.Errorf("after the end: %v, room for %d", got.Outcome, s.Room())
			}
			if b := peer.Binds(); len(b) != 1 || b[0].As != "bind_transceiver" || b[0].Version != 0x34 || peer.Unbinds() != 1 || peer.Connections() != 1 || len(peer.Messages()) != len(ids) {
				t.Errorf("%+v, %d unbinds, %d connections, %d messages", b, peer.Unbinds(), peer.Connections(), len(peer.Messages()))
			}
			for _, g := range peer.Given() {
				if g.Status != 0 || !g.Known {
					t.Errorf("answered %+v", g)
				}
			}
		})
	}
}

// TestOutcomes plays what can go wrong with a message and compares what we believe with
// what the centre has taken. two is of a message in two parts whose second is hit.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	refuse := func(status int) peers.SMSFault {
		return peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: status}
	}
	for _, tc := range []struct {
		fault peers.SMSFault
		want  sms.Outcome
		taken int
		words string
	}{
		{peers.SMSFault{At: peers.AtRead, Do: peers.SMSDrop}, sms.Unsure, 0, "closed the connection"},
		{peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSDrop}, sms.Unsure, 1, "closed the connection"},
		{peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSStall}, sms.Unsure, 1, "no answer in time"},
		{peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSTwice}, sms.Accepted, 1, ""},
		{refuse(peers.ESMEThrottled), sms.Later, 0, "ESME_RTHROTTLED"},
		{refuse(peers.ESMEQueueFull), sms.Later, 0, "ESME_RMSGQFUL"},
		{refuse(peers.ESMESystemError), sms.Refused, 0, "ESME_RSYSERR"},
		{refuse(peers.ESMEInvalidDest), sms.Refused, 0, "ESME_RINVDSTADR"},
		{refuse(0x4ab), sms.Refused, 0, "0x4ab"},
		{peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSRefuseBody, Status: peers.ESMEThrottled}, sms.Later, 0, "ESME_RTHROTTLED"},
		{peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSRefuseBody, Status: peers.ESMEInvalidDest}, sms.Refused, 0, "ESME_RINVDSTADR"},
		{peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSNack, Status: 3}, sms.Refused, 0, "ESME_RINVCMDID"},
		{peers.SMSFault{At: peers.AtSubmit, Do: peers.SMSNack, Status: peers.ESMEThrottled}, sms.Later, 0, "ESME_RTHROTTLED"},
	} {
		t.Run(fmt.Sprintf("%s/%s%x", tc.fault.At, tc.fault.Do, tc.fault.Status), func(t *testing.T) {
			t.Parallel()
			peer := peers.SMPP(t)
			s, _ := session(t, peer, sms.Inbox{}, func(c *Config) {
				c.Timeouts.Throttle = time.Millisecond
				if tc.fault.Do == peers.SMSStall {
					c.Timeouts.Answer = time.Second
				}
			})
			peer.Plan(tc.fault)
			got := s.Send(t.Context(), message(1, "Léa"), yes)
			expect(t, got, tc.want)
			if n := len(peer.Messages()); n != tc.taken || peer.Played(tc.fault.At) != 1 {
				t.Errorf("the centre has taken %d, want %d", n, tc.taken)
			}
			if got.Err != nil && !strings.Contains(got.Err.Error(), tc.words) || len(got.Parts) != 0 && tc.want != sms.Accepted {
				t.Errorf("%v, parts %v", got.Err, got.Parts)
			}
			// The next one goes as usual, over a new session where that one is lost.
			peer.Plan()
			until(t, s, func(room int) bool { return room > 0 })
			expect(t, s.Send(t.Context(), message(2, "Léa"), yes), sms.Accepted)
			if n := len(peer.Messages()); n != tc.taken+1 {
				t.Errorf("the centre has taken %d", n)
			}
		})
	}
}

// TestBrokenOffAfterAPart: once a part was taken, a message is never "not sent".
func TestBrokenOffAfterAPart(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		do     peers.SMSDo
		status int
		times  int
		want   sms.Outcome
		taken  int
	}{
		{peers.SMSRefuse, peers.ESMEInvalidDest, 1, sms.Unsure, 1},
		{peers.SMSDrop, 0, 1, sms.Unsure, 2},
		{peers.SMSRefuse, peers.ESMEThrottled, 2, sms.Accepted, 2},
		{peers.SMSNack, peers.ESMEQueueFull, 3, sms.Accepted, 2},
		{peers.SMSRefuse, peers.ESMEThrottled, peers.Always, sms.Unsure, 1},
	} {
		t.Run(fmt.Sprintf("%s%x×%d", tc.do, tc.status, tc.times), func(t *testing.T) {
			t.Parallel()
			peer := peers.SMPP(t)
			s, _ := session(t, peer, sms.Inbox{}, func(c *Config) { c.Timeouts.Throttle = time.Millisecond })
			looks := 0
			got := s.Send(t.Context(), message(1, long), func() (time.Duration, error) {
				if looks++; looks == 2 {
					peer.Plan(peers.SMSFault{At: peers.AtSubmit, Do: tc.do, Status: tc.status, Times: tc.times})
				}
				if n := len(peer.Messages()); n != looks-1 {
					t.Errorf("at look %d, the centre has taken %d", looks, n)
				}
				return time.Hour, nil
			})
			if looks < 2 {
				t.Fatalf("%d looks", looks)
			}
			expect(t, got, tc.want)
			if n := len(peer.Messages()); tc.want != sms.Accepted && (n != tc.taken || len(got.Parts) != 1) || tc.want == sms.Accepted && n != sms.Parts(long) {
				t.Errorf("the centre has taken %d, we have ids %v", n, got.Parts)
			}
			if looks > sms.Parts(long) {
				t.Errorf("%d looks for %d parts", looks, sms.Parts(long))
			}
		})
	}
}

func TestLastLookHoldsBack(t *testing.T) {
	t.Parallel()
	peer := peers.SMPP(t)
	s, _ := session(t, peer, sms.Inbox{})
	stop := errors.New("the head pressed stop")
	got := s.Send(t.Context(), message(1, "Léa"), func() (time.Duration, error) { return time.Hour, stop })
	expect(t, got, sms.NotWritten)
	if !errors.Is(got.Err, stop) {
		t.Errorf("the reason is lost: %v", got.Err)
	}
	expect(t, s.Send(t.Context(), message(1, "Léa"), func() (time.Duration, error) { return 0, nil }), sms.NotWritten)
	expect(t, s.Send(t.Context(), message(1, "Léa"), nil), sms.NotWritten)
	expect(t, s.Send(t.Context(), sms.Message{To: "0639980001"}, yes), sms.Refused)
	if n := len(peer.Submits()); n != 0 || s.Room() != 10 {
		t.Errorf("the centre has read %d, room for %d", n, s.Room())
	}
	// A stop between two parts: what was taken is not forgotten.
	looks := 0
	got = s.Send(t.Context(), message(1, long), func() (time.Duration, error) {
		if looks++; looks == 2 {
			return 0, stop
		}
		return time.Hour, nil
	})
	expect(t, got, sms.Unsure)
	if len(peer.Messages()) != 1 || len(got.Parts) != 1 || !errors.Is(got.Err, stop) {
		t.Errorf("%d taken, %+v", len(peer.Messages()), got)
	}
}
