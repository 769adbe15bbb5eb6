package smppserver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// visitor is a connection to a session whose time is virtual.
type visitor struct {
	net.Conn
	kept  []string
	gone  chan struct{} // closed when the session has ended, with why
	why   error
	began time.Time
}

// visit opens a session with the timeouts of the real program. Call it in a bubble.
func visit(t *testing.T) *visitor {
	ours, theirs := net.Pipe()
	v := &visitor{Conn: ours, gone: make(chan struct{}), began: time.Now()}
	s := New(Config{SystemID: "outil", Password: "ardoises", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Submit: func(_ context.Context, m Message) (string, Status) { v.kept = append(v.kept, m.Text); return "id", OK },
		Query:  func(context.Context, string) (Receipt, bool) { return Receipt{}, false }})
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go func() {
		defer close(v.gone)
		v.why = newSession(s, theirs).run(ctx)
	}()
	return v
}

// drip says bytes in pieces, one every so often, until all is said or nobody listens.
func (v *visitor) drip(said []byte, piece int, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for one := range slices.Chunk(said, piece) {
		if _, err := v.Write(one); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-v.gone:
			return
		}
	}
}

// lasted waits for the end of the session, and gives how long it was and why it ended.
func (v *visitor) lasted() (time.Duration, error) {
	<-v.gone
	return time.Since(v.began), v.why
}

// TestNobodyLingersBeforeThePassword: whoever has not signed in is gone in time, whatever
// it says and however slowly: there are only so many places, and the tool needs one.
func TestNobodyLingersBeforeThePassword(t *testing.T) {
	link := header(enquireLink, 1, OK)
	for name, c := range map[string]struct {
		said  []byte
		first int // said at once, before the pieces
		piece int
		every time.Duration
	}{
		"silence":                  {nil, 0, 1, time.Second},
		"a byte a second":          {bindAs("outil", "ardoises"), 0, 1, time.Second},
		"half a bind":              {bindAs("outil", "ardoises")[:20], 0, 20, time.Hour},
		"enquires for ever":        {slices.Repeat(link, 600), 0, 16, time.Second},
		"always within an enquiry": {slices.Repeat(link, 600), 24, 16, time.Second},
		"enquires in a torrent":    {slices.Repeat(link, 4000), 0, 1000, time.Second},
		"submits for ever":         {slices.Repeat(submitTo(2, "33639980100", 0, []byte("Lea")), 300), 0, 40, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := visit(t)
				go io.Copy(io.Discard, v)
				go func() {
					if n := c.first; n > 0 {
						_, _ = v.Write(c.said[:n])
					}
					v.drip(c.said[c.first:], c.piece, c.every)
				}()
				if d, err := v.lasted(); d > 11*time.Second || len(v.kept) != 0 {
					t.Errorf("gone after %s (%v), %d kept", d, err, len(v.kept))
				}
				v.Close()
			})
		})
	}
}

// TestSlowTool: a submission that comes slowly is kept once it is whole, and one that does
// not become whole in time ends the session and is not.
func TestSlowTool(t *testing.T) {
	one := submitTo(2, "33639980100", 0, []byte("Lea"))
	for name, c := range map[string]struct {
		every time.Duration
		want  int
	}{
		"in ten seconds":    {10 * time.Second / time.Duration(len(one)), 1},
		"in thirty seconds": {30 * time.Second / time.Duration(len(one)), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := visit(t)
				go io.Copy(io.Discard, v)
				if _, err := v.Write(bindAs("outil", "ardoises")); err != nil {
					t.Fatal(err)
				}
				v.drip(one, 1, c.every)
				v.Close()
				if _, err := v.lasted(); len(v.kept) != c.want {
					t.Errorf("%d kept, want %d: %v", len(v.kept), c.want, err)
				}
			})
		})
	}
}

// TestToolThatDoesNotListen: a tool that never reads our answers, or does not answer our
// enquiry, holds no place.
func TestToolThatDoesNotListen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := visit(t)
		if _, err := v.Write(bindAs("outil", "ardoises")); err != nil {
			t.Fatal(err)
		}
		if d, err := v.lasted(); d > 15*time.Second || err == nil {
			t.Errorf("gone after %s: %v", d, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		v := visit(t)
		go io.Copy(io.Discard, v)
		if _, err := v.Write(bindAs("outil", "ardoises")); err != nil {
			t.Fatal(err)
		}
		if d, err := v.lasted(); d > 90*time.Second || !errors.Is(err, errSilent) {
			t.Errorf("gone after %s: %v", d, err)
		}
		v.Close()
	})
}

// FuzzBeforePassword: whatever is said before the password, nothing is kept, and nobody is
// let in by it.
func FuzzBeforePassword(f *testing.F) {
	f.Add(submitTo(2, "33639980001", 0, []byte("absent")))
	f.Add(append(bindAs("outil", "ardoise"), submitTo(2, "33639980001", 0, []byte("absent"))...))
	f.Add(append(bindAs("outil", ""), 0))
	f.Add([]byte{0, 0, 1, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, said []byte) {
		// The password itself is not guessed.
		if len(said) > 4096 || string(said) != "" && containsPassword(said) {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			v := visit(t)
			go io.Copy(io.Discard, v)
			go func() {
				_, _ = v.Write(said)
				_, _ = v.Write(submitTo(9, "33639980001", 0, []byte("absent")))
			}()
			if d, _ := v.lasted(); d > 11*time.Second+time.Second || len(v.kept) != 0 {
				t.Errorf("gone after %s, %d kept", d, len(v.kept))
			}
			v.Close()
		})
	})
}

func containsPassword(said []byte) bool {
	for i := range len(said) - len("outil\x00ardoises") + 1 {
		if string(said[i:i+len("outil\x00ardoises")]) == "outil\x00ardoises" {
			return true
		}
	}
	return false
}

// FuzzSubmit: a body is refused, or it is one message to one number, in words, with a life
// that has not ended.
func FuzzSubmit(f *testing.F) {
	f.Add(submitTo(2, "33639980001", 0, []byte("absent"))[headerLength:], false)
	f.Add(submitTo(2, "+33639980001", 8, []byte("\x05\x00\x03\x07\x02\x01\x00a"))[headerLength:], true)
	f.Add([]byte("\x00\x01\x01LYCEE\x00\x01\x0133639980001\x00\x40\x00\x00\x00991231235959948+\x00\x01\x00\x03\x00\x00\x04\x24\x00\x07\x06\x08\x04\x01\x02\x02\x01"), true)
	f.Add([]byte("\x00\x01\x01\x00\x01\x0133639980001\x00\x00\x00\x00\x00000000030000000R\x00\x01\x00\x00\x00\x01a\x02\x0c\x00\x02\x00\x07\x02\x0e\x00\x01\x02\x02\x0f\x00\x01\x01"), false)
	f.Add([]byte("\x00\x01\x01\x00\x01\x0133639980001\x00\x00\x00\x00\x00261124080459004+\x00\x01\x00\x00\x00\x01a"), false) // ended a second ago
	now := time.Date(2026, 11, 24, 7, 5, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte, latin1 bool) {
		if len(body) > longestPDU-headerLength {
			return
		}
		m, status := readSubmit(body, latin1, now)
		if status != OK {
			if m != (Message{}) {
				t.Errorf("refused with %d, and something is left of it: %+v", status, m)
			}
			return
		}
		if m.To == "" || !utf8.ValidString(m.Text) || m.Life < 0 || m.Life > 110*365*24*time.Hour || len(m.Text) > 3*len(body) {
			t.Errorf("%+v", m)
		}
		if p := m.Part; p != (Part{}) && (p.Total < 2 || p.Total > 255 || p.N < 0 || p.N > 255) {
			t.Errorf("%+v", p)
		}
	})
}

// FuzzOtherHand: what a library that we did not write puts into a submit_sm is what we read.
func FuzzOtherHand(f *testing.F) {
	f.Add("Lycée: Léa B. n'est pas en cours depuis 8h05.", "33639980001", byte(0))
	f.Add("Ελένη 💧", "+33639980001", byte(8))
	f.Add("a[b]{c}€~|^\\", "0639980001", byte(0))
	f.Fuzz(func(t *testing.T, text, to string, coding byte) {
		if !utf8.ValidString(text) || text == "" || len(to) == 0 || len(to) > 20 {
			return
		}
		for _, r := range to {
			if r < '0' || r > '9' {
				return
			}
		}
		var enc data.Encoding = data.UCS2
		if coding == 0 {
			if len(data.ValidateGSM7String(text)) > 0 {
				return
			}
			enc = data.GSM7BIT
		}
		p := pdu.NewSubmitSM().(*pdu.SubmitSM)
		if p.DestAddr.SetAddress(to) != nil || p.Message.SetMessageWithEncoding(text, enc) != nil {
			return
		}
		if raw, err := p.Message.GetMessageData(); err != nil || len(raw) > 254 {
			return // in parts, which the library cuts by itself
		}
		buf := pdu.NewBuffer(nil)
		p.Marshal(buf)
		m, status := readSubmit(buf.Bytes()[headerLength:], false, time.Now())
		if status == InvalidDestination && len(to) > 0 {
			return
		}
		if status != OK || m.Text != text || m.To != to || m.Part != (Part{}) {
			t.Errorf("%q to %s is read as %+v, %d", text, to, m, status)
		}
	})
}
