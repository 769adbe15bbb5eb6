package peers

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Stage is a moment of an SMTP conversation at which a fault can be played.
type Stage string

// The stages, in the order of a conversation.
const (
	AtConnect Stage = "connect" // before the greeting
	AtMail    Stage = "mail"    // at MAIL FROM
	AtRcpt    Stage = "rcpt"    // at RCPT TO
	AtData    Stage = "data"    // at DATA, instead of 354
	AtContent Stage = "content" // after 354, with nothing read
	AtAnswer  Stage = "answer"  // everything read, nothing answered yet
	After     Stage = "after"   // 250 answered; only Drop is possible
)

// Do is what a fault does at its stage.
type Do string

// What can go wrong.
const (
	Refuse Do = "refuse" // answer with Code and Text
	Drop   Do = "drop"   // close the connection without a word
	Stall  Do = "stall"  // say nothing until Release, then go on as usual
)

// Fault is one thing that goes wrong at the mail server.
type Fault struct {
	At    Stage  `json:"at"`
	Do    Do     `json:"do"`
	Code  int    `json:"code,omitempty"`  // with Refuse: the SMTP answer, 400 to 599
	Text  string `json:"text,omitempty"`  // with Refuse: the words after the code
	Times int    `json:"times,omitempty"` // how often; 0 means once, Always means every time
	To    string `json:"to,omitempty"`    // only for this recipient; from AtRcpt on
}

// Always as Fault.Times plays the fault every time.
const Always = -1

// MailServerOptions says what the mail server asks of its clients. The zero
// value is plain text and no authentication.
type MailServerOptions struct {
	Username, Password string  // asked for when Username is not empty; never over plain text
	TLS                string  // "" none, "starttls" offered, "tls" from the first byte
	Faults             []Fault // the plan to start with
}

// MailServer is a running npm smtp-server, a process of its own. It dies with
// the process that started it, also when that one is killed.
type MailServer struct {
	port    int
	cert    []byte // its own, for 127.0.0.1 and localhost, in PEM; nil without TLS
	command *exec.Cmd
	stdin   io.WriteCloser
	stderr  tail
	ended   chan struct{} // closed when stdout has ended

	mu       sync.Mutex
	events   []event
	done     map[int]chan struct{} // orders not acknowledged yet
	orders   int
	changed  chan struct{} // closed and replaced at each event
	orderErr error
	closed   bool
}

// event is one line of the peer's standard output.
type event struct {
	Event  string   `json:"event"`
	ID     string   `json:"id"`
	At     Stage    `json:"at"`
	N      int      `json:"n"`
	Number int      `json:"number"`
	From   string   `json:"from"`
	To     anyNames `json:"to"`
	User   string   `json:"user"`
	Secure bool     `json:"secure"`
	OK     bool     `json:"ok"`
	Code   int      `json:"code"`
	Raw    []byte   `json:"raw"`
	Text   string   `json:"text"`

	// Only in the first line.
	Port  int    `json:"port"`
	Error string `json:"error"`
}

// anyNames reads one address or a list of them.
type anyNames []string

// UnmarshalJSON accepts a string or a list of strings.
func (n *anyNames) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var one string
		if err := json.Unmarshal(data, &one); err != nil {
			return err
		}
		*n = anyNames{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(n))
}

// SMTP starts a mail server for one test and stops it with the test. At most one
// set of options is read. The test fails when the server cannot be started.
func SMTP(t testing.TB, options ...MailServerOptions) *MailServer {
	t.Helper()
	var o MailServerOptions
	if len(options) > 0 {
		o = options[0]
	}
	server, err := StartMailServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("mail server: %v", err)
		}
	})
	return server
}

// StartMailServer starts a mail server on a free port of 127.0.0.1, outside a
// test. The caller closes it. The working directory is inside the repository.
func StartMailServer(o MailServerOptions) (*MailServer, error) {
	program, err := node()
	if err != nil {
		return nil, err
	}
	if _, err := Installed("smtp-server"); err != nil {
		return nil, err
	}
	folder, err := Folder()
	if err != nil {
		return nil, err
	}
	config := map[string]any{"user": o.Username, "pass": o.Password, "tls": o.TLS, "faults": o.Faults}
	s := &MailServer{ended: make(chan struct{}), done: map[int]chan struct{}{}, changed: make(chan struct{})}
	switch o.TLS {
	case "":
	case "starttls", "tls":
		cert, key, err := selfSigned()
		if err != nil {
			return nil, err
		}
		config["cert"], config["key"], s.cert = string(cert), string(key), cert
	default:
		return nil, fmt.Errorf("peers: TLS %q: only \"\", \"starttls\" and \"tls\" are known", o.TLS)
	}
	argument, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}

	s.command = exec.Command(program, filepath.Join(folder, "smtp-peer.mjs"), string(argument))
	s.command.Stderr = &s.stderr
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	// A pipe of our own: StdoutPipe's is closed by Wait while lines may still be unread.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	s.command.Stdout = write
	if err := s.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("peers: %w", err), read.Close(), write.Close())
	}
	if err := write.Close(); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	lines := bufio.NewReaderSize(read, 1<<20)
	first, err := lines.ReadBytes('\n')
	var hello event
	if err == nil {
		err = json.Unmarshal(first, &hello)
	}
	if err == nil && hello.Error != "" {
		err = errors.New(hello.Error)
	}
	if err != nil {
		_ = s.stdin.Close()
		_ = s.command.Wait()
		_ = read.Close()
		return nil, fmt.Errorf("peers: the mail server did not start: %w %s", err, s.stderr.String())
	}
	s.port = hello.Port
	go s.follow(read, lines)
	return s, nil
}

// follow reads the peer's events until its standard output ends.
func (s *MailServer) follow(pipe io.Closer, lines *bufio.Reader) {
	defer close(s.ended)
	defer pipe.Close()
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			e = event{Event: "error", Text: "unreadable: " + string(line)}
		}
		s.mu.Lock()
		if e.Event == "done" {
			if waiting, ok := s.done[e.N]; ok {
				close(waiting)
				delete(s.done, e.N)
			}
		} else {
			s.events = append(s.events, e)
		}
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
	}
}

// order sends one order and waits until the peer has carried it out, which also
// means that every event before it has been read.
func (s *MailServer) order(do string, faults []Fault) {
	select {
	case <-s.ended: // everything it ever said has been read
		return
	default:
	}
	s.mu.Lock()
	s.orders++
	number, acknowledged := s.orders, make(chan struct{})
	s.done[number] = acknowledged
	line, err := json.Marshal(map[string]any{"do": do, "faults": faults, "n": number})
	if err == nil {
		_, err = s.stdin.Write(append(line, '\n'))
	}
	if err != nil {
		s.orderErr = errors.Join(s.orderErr, fmt.Errorf("peers: order %s: %w", do, err))
	}
	s.mu.Unlock()
	if err != nil {
		return
	}
	select {
	case <-acknowledged:
	case <-s.ended:
		// The pipe holds what was said before the end; follow has read it all.
	}
}

// Host returns the address the server listens on.
func (s *MailServer) Host() string { return "127.0.0.1" }

// Port returns the port the server listens on.
func (s *MailServer) Port() int { return s.port }

// Addr returns host and port, joined.
func (s *MailServer) Addr() string { return net.JoinHostPort(s.Host(), strconv.Itoa(s.port)) }

// Roots returns a pool that trusts this server and nobody else, or nil without TLS.
func (s *MailServer) Roots() *x509.CertPool {
	if s.cert == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.cert)
	return pool
}

// Plan replaces what will go wrong from now on; without faults, nothing will.
func (s *MailServer) Plan(faults ...Fault) { s.order("plan", faults) }

// Release lets everything that is stalled go on as usual.
func (s *MailServer) Release() { s.order("release", nil) }

// snapshot returns all events up to now, those still in the pipe included.
func (s *MailServer) snapshot() []event {
	s.order("sync", nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

// Connections counts the connections that clients have opened so far.
func (s *MailServer) Connections() int {
	return s.count(func(e event) bool { return e.Event == "connect" })
}

// Recipients lists every address named in a RCPT command so far, in order,
// whether or not a letter followed.
func (s *MailServer) Recipients() []string {
	var all []string
	for _, e := range s.snapshot() {
		if e.Event == "rcpt" {
			all = append(all, e.To...)
		}
	}
	return all
}

// Faulted counts the faults that were played at a stage, so that a test can say
// that its plan was not idle.
func (s *MailServer) Faulted(at Stage) int {
	return s.count(func(e event) bool {
		return e.At == at && (e.Event == "refused" || e.Event == "dropped" || e.Event == "stalled")
	})
}

func (s *MailServer) count(is func(event) bool) int {
	n := 0
	for _, e := range s.snapshot() {
		if is(e) {
			n++
		}
	}
	return n
}

// Wait waits until the server has read n letters in all and returns them. It
// fails when ctx ends or the server does.
func (s *MailServer) Wait(ctx context.Context, n int) ([]Message, error) {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if all := s.Messages(); len(all) >= n {
			return all, nil
		}
		select {
		case <-changed:
		case <-s.ended:
			return s.Messages(), errors.New("peers: the mail server has ended")
		case <-ctx.Done():
			return s.Messages(), fmt.Errorf("peers: waiting for %d letters: %w", n, ctx.Err())
		}
	}
}

// WaitStalled waits until n faults have stalled a conversation in all.
func (s *MailServer) WaitStalled(ctx context.Context, n int) error {
	for {
		s.mu.Lock()
		changed, stalled := s.changed, 0
		for _, e := range s.events {
			if e.Event == "stalled" {
				stalled++
			}
		}
		s.mu.Unlock()
		if stalled >= n {
			return nil
		}
		select {
		case <-changed:
		case <-s.ended:
			return errors.New("peers: the mail server has ended")
		case <-ctx.Done():
			return fmt.Errorf("peers: waiting for %d stalled conversations: %w", n, ctx.Err())
		}
	}
}

// Close stops the server and waits for its end. What it read stays readable. It
// reports orders that could not be given while the server should have been there.
//
// A second call does nothing.
func (s *MailServer) Close() error {
	s.mu.Lock()
	err, again := s.orderErr, s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	_ = s.stdin.Close() // its end is the order to stop
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
		_ = s.command.Process.Kill()
		<-s.ended
	}
	if waitErr := s.command.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("peers: %w %s", waitErr, s.stderr.String()))
	}
	return err
}

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

// Write keeps the last 4 kB.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if len(t.kept) > 4096 {
		t.kept = t.kept[len(t.kept)-4096:]
	}
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
