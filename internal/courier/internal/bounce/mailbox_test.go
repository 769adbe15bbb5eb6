package bounce

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/preau-ent/preau/peers"
)

// sample is a message of testdata.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// failure is a report on the letter of a token.
func failure(token string) []byte {
	return fmt.Appendf(nil, "From: MAILER-DAEMON@mx.mail.example\nTo: retour+%s@ent.example\n"+
		"Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nAction: failed\nStatus: 5.1.1\n", token)
}

func box(t testing.TB, peer *peers.MailboxServer, change ...func(*Config)) *Mailbox {
	t.Helper()
	c := Config{Host: peer.Host(), Port: peer.Port(), TLS: NoTLS, Username: peers.MailboxUser, Password: peers.MailboxPassword,
		Return: template, Timeout: 20 * time.Second}
	for _, f := range change {
		f(&c)
	}
	m, err := NewMailbox(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// handed collects what is handed over.
type handed []Bounce

func (h *handed) take(b Bounce) error { *h = append(*h, b); return nil }

func (h *handed) tokens() string {
	var all []string
	for _, b := range *h {
		all = append(all, b.Token)
	}
	return strings.Join(all, " ")
}

func visit(t *testing.T, m *Mailbox) handed {
	t.Helper()
	var h handed
	if more, err := m.Visit(t.Context(), h.take); err != nil || more {
		t.Fatalf("more %v, %v", more, err)
	}
	return h
}

// TestReportsGoAndLettersStay reads a mailbox over each kind of line.
func TestReportsGoAndLettersStay(t *testing.T) {
	t.Parallel()
	for kind, offered := range map[string]string{NoTLS: "", StartTLS: "starttls", TLS: "tls"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			peer := peers.POP3(t, peers.MailboxOptions{TLS: offered})
			stay := []string{"person", "away", "person-forwards", "qmail-too-long"}
			for _, name := range []string{"postfix-failed", "person", "complaint", "away", "qmail", "backscatter", "person-forwards", "qmail-too-long", "postfix-delayed"} {
				peer.Deliver(t, sample(t, name))
			}
			peer.Deliver(t, []byte("no message\n"))
			peer.Deliver(t, append(failure("BIG"), bytes.Repeat([]byte("x\n"), largest/2)...))
			m := box(t, peer, func(c *Config) { c.TLS, c.Roots = kind, peer.Roots() })
			got := visit(t, m)
			var kinds []Kind
			for _, b := range got {
				kinds = append(kinds, b.Kind)
			}
			want := []Kind{Failed, Unknown, Complaint, AutoReply, Failed, Failed, Unknown, Delayed}
			if !slices.Equal(kinds, want) {
				t.Errorf("handed over %v, want %v", kinds, want)
			}
			left := peer.Left(t)
			if len(left) != len(stay)+2 {
				t.Fatalf("%d messages are left", len(left))
			}
			for i, name := range stay {
				if left[i] != string(sample(t, name)) {
					t.Errorf("%s is not left, or changed:\n%s", name, left[i])
				}
			}
			// What stays is not read again, and what comes new is.
			before := len(peer.Commands())
			peer.Deliver(t, failure("NEW"))
			if got := visit(t, m); got.tokens() != "NEW" {
				t.Errorf("then handed over %v", got)
			}
			if kind == NoTLS {
				want := []string{"USER", "PASS", "LIST", "UIDL", "RETR", "DELE", "QUIT"}
				if got := peer.Commands()[before:]; !slices.Equal(got, want) {
					t.Errorf("the second visit said %v, want %v", got, want)
				}
			}
			if n := len(peer.Left(t)); n != len(stay)+2 {
				t.Errorf("%d messages are left", n)
			}
		})
	}
}

// TestRefusedIsHandedOverAgain: one message that cannot be written down stays, and
// stands before no other.
func TestRefusedIsHandedOverAgain(t *testing.T) {
	t.Parallel()
	peer := peers.POP3(t)
	for _, token := range []string{"A", "POISON", "B"} {
		peer.Deliver(t, failure(token))
	}
	m := box(t, peer)
	var got []string
	full := errors.New("the disk is full")
	handle := func(b Bounce) error {
		got = append(got, b.Token)
		if b.Token == "POISON" {
			return full
		}
		return nil
	}
	for range 2 {
		if _, err := m.Visit(t.Context(), handle); !errors.Is(err, full) {
			t.Errorf("the refusal is not told: %v", err)
		}
		peer.Deliver(t, failure("C"))
	}
	if want := []string{"A", "POISON", "B", "C", "POISON"}; !slices.Equal(got, want) {
		t.Errorf("handed over %v, want %v", got, want)
	}
	if left := peer.Left(t); len(left) != 2 || !strings.Contains(left[0], "POISON") {
		t.Errorf("left %q", left)
	}
	if got := visit(t, m); got.tokens() != "C POISON" || len(peer.Left(t)) != 0 {
		t.Errorf("at last %v, %d left", got, len(peer.Left(t)))
	}
}

// TestBrokenConnectionLosesNothing drops the line at each command: every report is
// handed over, once by the program that goes on, and none is deleted before.
func TestBrokenConnectionLosesNothing(t *testing.T) {
	t.Parallel()
	peer := peers.POP3(t)
	for _, fault := range []peers.MailboxFault{
		{At: "USER"}, {At: "PASS"}, {At: "PASS", Late: true}, {At: "LIST"}, {At: "UIDL", Late: true},
		{At: "RETR"}, {At: "RETR", Nth: 2, Late: true}, {At: "DELE"}, {At: "DELE", Nth: 2, Late: true}, {At: "DELE", Nth: 3},
		{At: "QUIT"}, {At: "QUIT", Late: true},
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%d/late=%v/restarted=%v", fault.At, fault.Nth, fault.Late, restarted), func(t *testing.T) {
				for _, token := range []string{"A", "B", "C"} {
					peer.Deliver(t, failure(token))
				}
				fault.Do = peers.Drop
				peer.Plan(fault)
				m := box(t, peer)
				var got handed
				_, err := m.Visit(t.Context(), got.take)
				if err == nil || peer.Planned() != 0 {
					t.Fatalf("no error, or the fault was not played: %v", err)
				}
				left := len(peer.Left(t))
				if committed := fault.At == "QUIT" && fault.Late; committed && left != 0 || !committed && left != 3 {
					t.Errorf("%d messages are left", left)
				}
				first := got.tokens()
				if restarted {
					m = box(t, peer)
				}
				if _, err := m.Visit(t.Context(), got.take); err != nil {
					t.Fatal(err)
				}
				all := strings.Fields(got.tokens())
				for _, token := range []string{"A", "B", "C"} {
					if !slices.Contains(all, token) {
						t.Errorf("%s is lost: first %q, in all %v", token, first, all)
					}
				}
				if !restarted && len(all) != 3 {
					t.Errorf("handed over twice: %v", all)
				}
				if n := len(peer.Left(t)); n != 0 {
					t.Errorf("%d messages are left at last", n)
				}
			})
		}
	}
}

// TestSilentServer: a server that says nothing is left after its time, or when we stop.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	peer := peers.POP3(t)
	peer.Deliver(t, failure("A"))
	peer.Plan(peers.MailboxFault{At: "RETR", Do: peers.Stall})
	var h handed
	_, err := box(t, peer, func(c *Config) { c.Timeout = time.Second }).Visit(t.Context(), h.take)
	if err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("silence gave %v", err)
	}
	peer.Plan(peers.MailboxFault{At: "LIST", Do: peers.Stall})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- box(t, peer).Run(ctx, h.take) }()
	for peer.Planned() > 0 {
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("still reading 10 s after the stop")
	}
	if len(h) != 0 || len(peer.Left(t)) != 1 {
		t.Errorf("handed over %v, %d left", h, len(peer.Left(t)))
	}
}

// TestManyAreReadInTurns: deletions are made sure every 200 messages.
func TestManyAreReadInTurns(t *testing.T) {
	t.Parallel()
	peer := peers.POP3(t)
	for i := range mostAVisit + 5 {
		peer.Deliver(t, failure(fmt.Sprint("T-", i)))
	}
	m := box(t, peer)
	var h handed
	if more, err := m.Visit(t.Context(), h.take); err != nil || !more || len(h) != mostAVisit || len(peer.Left(t)) != 5 {
		t.Fatalf("more %v, %v: %d handed over, %d left", more, err, len(h), len(peer.Left(t)))
	}
	if more, err := m.Visit(t.Context(), h.take); err != nil || more || len(h) != mostAVisit+5 || len(peer.Left(t)) != 0 {
		t.Errorf("more %v, %v: %d handed over, %d left", more, err, len(h), len(peer.Left(t)))
	}
}

func TestRunComesBack(t *testing.T) {
	t.Parallel()
	peer := peers.POP3(t)
	ctx, cancel := context.WithCancel(t.Context())
	came, ended := make(chan string), make(chan error, 1)
	m := box(t, peer, func(c *Config) { c.Every = 20 * time.Millisecond })
	go func() { ended <- m.Run(ctx, func(b Bounce) error { came <- b.Token; return nil }) }()
	for _, token := range []string{"A", "B"} {
		peer.Deliver(t, failure(token))
		select {
		case got := <-came:
			if got != token {
				t.Errorf("%s came, want %s", got, token)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s never came", token)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestTroubleIsLoggedOnce: a server away for a night is one line, not six hundred.
func TestTroubleIsLoggedOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int32
	port := scripted(t, func(line *bufio.ReadWriter) {
		if calls.Add(1) == 5 {
			cancel()
		}
	})
	var log bytes.Buffer
	m, err := NewMailbox(Config{Host: "127.0.0.1", Port: port, TLS: NoTLS, Username: "a", Password: "fourmi", Return: template,
		Every: time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(ctx, func(Bounce) error { return nil }); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "closed the connection") {
		t.Errorf("%d calls, log:\n%s", calls.Load(), log.String())
	}
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	plain, secure := peers.POP3(t), peers.POP3(t, peers.MailboxOptions{TLS: "starttls"})
	if err := box(t, plain).Check(t.Context()); err != nil {
		t.Errorf("a good mailbox: %v", err)
	}
	trusted := func(c *Config) { c.TLS, c.Roots = StartTLS, secure.Roots() }
	if err := box(t, secure, trusted).Check(t.Context()); err != nil {
		t.Errorf("a good mailbox with encryption: %v", err)
	}
	for want, m := range map[string]*Mailbox{
		"sign-in: refused: [AUTH] Authentication failed.": box(t, plain, func(c *Config) { c.Password = "fourmi-craie" }),
		"encryption (STLS): refused":                      box(t, plain, func(c *Config) { c.TLS = StartTLS }),
		"encryption: tls: failed to verify certificate":   box(t, secure, func(c *Config) { c.TLS = StartTLS }),
		"encryption: tls: first record":                   box(t, plain, func(c *Config) { c.TLS = TLS }),
	} {
		if err := m.Check(t.Context()); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "fourmi") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	before := len(plain.Commands())
	if err := box(t, plain, func(c *Config) { c.TLS = StartTLS }).Check(t.Context()); err == nil {
		t.Error("encryption that is not there was found good")
	}
	if got := plain.Commands()[before:]; !slices.Equal(got, []string{"STLS"}) {
		t.Errorf("without encryption it said %v", got)
	}
}

func TestMailboxesRefused(t *testing.T) {
	good := Config{Host: "mail.example", Username: "retour", Password: "fourmi-ardoise", Return: template}
	m, err := NewMailbox(good)
	if err != nil {
		t.Fatal(err)
	}
	if c := m.config; c.Port != 995 || c.TLS != TLS || c.Every != time.Minute || c.Timeout != 30*time.Second {
		t.Errorf("defaults are %v %v %v %v", c.Port, c.TLS, c.Every, c.Timeout)
	}
	for name, change := range map[string]func(*Config){
		"no host":                func(c *Config) { c.Host = "" },
		"host with port":         func(c *Config) { c.Host = "mail.example:110\r\n" },
		"plain text, outside":    func(c *Config) { c.TLS = NoTLS },
		"plain text, look-alike": func(c *Config) { c.TLS, c.Host = NoTLS, "localhost.mail.example" },
		"unknown tls":            func(c *Config) { c.TLS = "ssl" },
		"port":                   func(c *Config) { c.Port = 70000 },
		"no user":                func(c *Config) { c.Username = "" },
		"no password":            func(c *Config) { c.Password = "" },
		"line in user":           func(c *Config) { c.Username = "a\r\nDELE 1" },
		"line in password":       func(c *Config) { c.Password = "fourmi\r\nDELE 1" },
		"no template":            func(c *Config) { c.Return = "" },
		"template without star":  func(c *Config) { c.Return = "retour@ent.example" },
	} {
		c := good
		change(&c)
		if _, err := NewMailbox(c); err == nil || strings.Contains(err.Error(), "fourmi") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
