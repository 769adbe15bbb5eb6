package smppserver

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// bindAs is the bind_transceiver of somebody with a password.
func bindAs(name, password string) []byte {
	body := append(append(append(cstring(name), cstring(password)...), cstring("")...), 0x34, 0, 0)
	return withBody(bindTransceiver, 1, OK, append(body, cstring("")...))
}

// submitTo is a submit_sm.
func submitTo(sequence uint32, to string, coding byte, text []byte) []byte {
	var b []byte
	b = append(b, cstring("")...)
	b = append(b, 5, 0)
	b = append(b, cstring("LYCEE")...)
	b = append(b, 1, 1)
	b = append(b, cstring(to)...)
	b = append(b, 0, 0, 0)
	b = append(append(b, cstring("")...), cstring("")...)
	b = append(b, 1, 0, coding, 0, byte(len(text)))
	return withBody(submitSM, sequence, OK, append(b, text...))
}

// speak lets a tool say bytes to a server, in pieces of so many, and gives what was kept and
// how many submissions were answered with a yes. It ends when the server has read all.
func speak(t testing.TB, said []byte, piece int) (kept []Message, yes int) {
	t.Helper()
	s := New(Config{SystemID: "outil", Password: "ardoises", Now: func() time.Time { return time.Date(2026, 11, 24, 7, 5, 0, 0, time.UTC) }, Log: slog.New(slog.DiscardHandler),
		Submit: func(_ context.Context, m Message) (string, Status) {
			kept = append(kept, m)
			return "id", OK
		},
		Query:    func(context.Context, string) (Receipt, bool) { return Receipt{}, false },
		Receipts: func(context.Context) ([]Receipt, error) { return nil, nil },
		Told:     func(context.Context, string) error { return nil },
		// What is half said is not waited for.
		Timeouts: Timeouts{Whole: 100 * time.Millisecond, Idle: 100 * time.Millisecond, Alive: 100 * time.Millisecond},
	})
	ours, theirs := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		newSession(s, theirs).run(t.Context())
		theirs.Close()
	}()
	answers := make(chan int)
	go func() {
		n := 0
		head := make([]byte, headerLength)
		for {
			if _, err := io.ReadFull(ours, head); err != nil {
				answers <- n
				return
			}
			if command(binary.BigEndian.Uint32(head[4:])) == submitSM|response && binary.BigEndian.Uint32(head[8:]) == 0 {
				n++
			}
			if _, err := io.CopyN(io.Discard, ours, int64(binary.BigEndian.Uint32(head))-headerLength); err != nil {
				answers <- n
				return
			}
		}
	}()
	for len(said) > 0 {
		n := min(piece, len(said))
		if _, err := ours.Write(said[:n]); err != nil {
			break // the server has heard enough
		}
		said = said[n:]
	}
	// What was understood is answered before the connection's end is seen.
	ours.SetWriteDeadline(time.Now().Add(time.Minute))
	ours.Write(header(unbind, 0x7fffffff, OK))
	<-ended
	ours.Close()
	return kept, <-answers
}

// FuzzSession: whatever a tool says after a good password, the server neither falls over
// nor says yes to a message that it has not kept, and keeps only what has a recipient and
// words that are words.
func FuzzSession(f *testing.F) {
	f.Add(submitTo(2, "33639980001", 0, []byte("absent")), 7)
	f.Add(append(submitTo(2, "33639980001", 8, []byte{0, 65, 0, 66}), submitTo(3, "33639980002", 3, []byte("\xe9t\xe9"))...), 3)
	f.Add(header(enquireLink, 9, OK), 1)
	f.Add(bytes.Repeat([]byte{0xff}, 40), 40)
	f.Fuzz(func(t *testing.T, said []byte, piece int) {
		if piece < 1 || len(said) > 4096 {
			return
		}
		kept, yes := speak(t, append(bindAs("outil", "ardoises"), said...), piece)
		if yes != len(kept) {
			t.Errorf("%d answered with a yes, %d kept", yes, len(kept))
		}
		for _, m := range kept {
			if m.To == "" || !utf8.ValidString(m.Text) || m.Life < 0 {
				t.Errorf("kept: %+v", m)
			}
		}
	})
}

// TestByteByByte: a session is the same however the network cuts it, and what a cut leaves
// half said is not kept.
func TestByteByByte(t *testing.T) {
	said := append(bindAs("outil", "ardoises"), submitTo(2, "33639980001", 0, []byte("Lea est absente"))...)
	said = append(said, submitTo(3, "33639980002", 0, []byte("Malo est absent"))...)
	for _, piece := range []int{1, 2, 5, 16, 17, len(said)} {
		kept, yes := speak(t, said, piece)
		if len(kept) != 2 || yes != 2 || kept[0].Text != "Lea est absente" || kept[1].To == kept[0].To {
			t.Fatalf("in pieces of %d: %+v, %d answered", piece, kept, yes)
		}
	}
	first := len(bindAs("outil", "ardoises"))
	second := first + len(submitTo(2, "33639980001", 0, []byte("Lea est absente")))
	for cut := range said {
		// A message that was said whole may be kept without its answer being heard: the tool
		// says it once more. One that was not is never kept.
		most := 0
		if cut >= second {
			most = 1
		}
		if kept := keptUntil(t, said[:cut]); len(kept) > most {
			t.Fatalf("cut after %d bytes: %d kept, want %d at most", cut, len(kept), most)
		}
	}
}

// keptUntil gives what is kept of a session that breaks in the middle.
func keptUntil(t *testing.T, said []byte) (kept []Message) {
	t.Helper()
	s := New(Config{SystemID: "outil", Password: "ardoises", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Submit: func(_ context.Context, m Message) (string, Status) { kept = append(kept, m); return "id", OK },
		Query:  func(context.Context, string) (Receipt, bool) { return Receipt{}, false }})
	ours, theirs := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		newSession(s, theirs).run(t.Context())
		theirs.Close()
	}()
	go io.Copy(io.Discard, ours)
	ours.Write(said)
	ours.Close()
	<-ended
	return kept
}

// FuzzPassword: nobody is let in by a name or a password that is another.
func FuzzPassword(f *testing.F) {
	f.Add("outil", "ardoise")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, name, password string) {
		if name == "outil" && password == "ardoises" || strings.ContainsRune(name+password, 0) || len(name)+len(password) > 40 {
			return
		}
		s := New(Config{SystemID: "outil", Password: "ardoises", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if s.letsIn(name, password) {
			t.Errorf("%q %q was let in", name, password)
		}
	})
}
