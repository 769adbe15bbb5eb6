package peers

import (
	"bufio"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// MailboxOptions says how the mailbox server is spoken to. The zero value is plain text.
type MailboxOptions struct {
	TLS string // "" none, "starttls" offered, "tls" from the first byte
}

// MailboxUser and MailboxPassword open the mailbox of every [MailboxServer].
const (
	MailboxUser     = "retour"
	MailboxPassword = "fourmi-ardoise"
)

// MailboxFault is one thing that goes wrong between the client and the mailbox, once.
// What is encrypted is passed on unseen, so no fault is played there.
type MailboxFault struct {
	At  string // the client's command, such as "DELE"
	Nth int    // which one since the fault was planned; 0 means the first
	Do  Do     // Drop or Stall
	// Late, with Drop, lets the server have the command; its answer is lost.
	Late bool
}

// MailboxServer is a running Dovecot with one mailbox, a process of its own behind a
// door of ours that sees the client's commands and plays the faults. It dies with the
// process that started it.
type MailboxServer struct {
	folder  string
	cert    []byte
	command *exec.Cmd
	stdin   io.WriteCloser
	said    tail
	ended   chan struct{} // closed when Dovecot's log has ended
	door    net.Listener
	tls     string
	inside  string // Dovecot's own address
	conns   sync.WaitGroup
	uid     int // whose the mail is
	gid     int

	mu        sync.Mutex
	delivered int
	commands  []string
	faults    []MailboxFault
	open      map[net.Conn]bool
	closed    bool
}

// POP3 starts a mailbox server for one test and stops it with the test. At most one set
// of options is read. The test fails when the server cannot be started.
func POP3(t testing.TB, options ...MailboxOptions) *MailboxServer {
	t.Helper()
	var o MailboxOptions
	if len(options) > 0 {
		o = options[0]
	}
	server, err := startMailbox(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.close(); err != nil {
			t.Errorf("mailbox server: %v", err)
		}
	})
	return server
}

// startMailbox starts Dovecot on a free port of 127.0.0.1 with a configuration and a
// mailbox that are thrown away.
func startMailbox(o MailboxOptions) (*MailboxServer, error) {
	program, err := exec.LookPath("dovecot")
	if err != nil {
		program = "/usr/sbin/dovecot" // not in everybody's PATH
		if _, err := os.Stat(program); err != nil {
			return nil, errors.New("peers: Dovecot (Debian: dovecot-pop3d) is missing: run make setup")
		}
	}
	if !slices.Contains([]string{"", "starttls", "tls"}, o.TLS) {
		return nil, fmt.Errorf("peers: TLS %q: only \"\", \"starttls\" and \"tls\" are known", o.TLS)
	}
	// Not the test's own folder: the names of Dovecot's sockets must be short.
	folder, err := os.MkdirTemp("", "pop3")
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	s := &MailboxServer{folder: folder, tls: o.TLS, ended: make(chan struct{}), open: map[net.Conn]bool{}}
	// The port is free when it is looked for and may be taken a moment later.
	for range 3 {
		if err = s.start(program); err == nil {
			break
		}
	}
	if err == nil {
		s.door, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.conns.Go(s.answerTheDoor)
	return s, nil
}

// start writes the configuration and waits until Dovecot listens.
func (s *MailboxServer) start(program string) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("peers: %w", err)
	}
	s.inside = free.Addr().String()
	if err := free.Close(); err != nil {
		return fmt.Errorf("peers: %w", err)
	}
	config, err := s.configuration()
	if err != nil {
		return err
	}
	file := filepath.Join(s.folder, "dovecot.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return fmt.Errorf("peers: %w", err)
	}
	// The shell between us ends Dovecot when its standard input ends: Dovecot never
	// outlives the test that started it, however that test dies.
	s.command = exec.Command("/bin/sh", "-c", `"$0" -F -c "$1" </dev/null & child=$!; read -r _; kill "$child" 2>/dev/null; wait "$child"; exit 0`, program, file)
	if s.stdin, err = s.command.StdinPipe(); err != nil {
		return fmt.Errorf("peers: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("peers: %w", err)
	}
	s.command.Stderr = write
	err = s.command.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		s.command = nil
		return fmt.Errorf("peers: %w", err)
	}
	log := bufio.NewReader(read)
	_ = read.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		line, err := log.ReadString('\n')
		_, _ = s.said.Write([]byte(line))
		if strings.Contains(line, "starting up for pop3") {
			break // it has bound its ports before
		}
		if err != nil || strings.Contains(line, "Fatal:") || strings.Contains(line, "Error:") {
			_ = s.stdin.Close()
			_ = s.command.Wait()
			_ = read.Close()
			s.command = nil
			return fmt.Errorf("peers: Dovecot did not start: %s", s.said.String())
		}
	}
	_ = read.SetReadDeadline(time.Time{})
	go func() {
		defer close(s.ended)
		defer read.Close()
		_, _ = io.Copy(&s.said, log)
	}()
	return nil
}

// configuration is the smallest one: one user, one Maildir, one listener.
func (s *MailboxServer) configuration() (string, error) {
	me, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("peers: %w", err)
	}
	owner, services := me, ""
	if me.Uid == "0" {
		// Dovecot keeps no mail for root, and its log-in has an account of its own.
		if owner, err = user.Lookup("nobody"); err != nil {
			return "", fmt.Errorf("peers: %w", err)
		}
	} else {
		group, err := user.LookupGroupId(me.Gid)
		if err != nil {
			return "", fmt.Errorf("peers: %w", err)
		}
		services = fmt.Sprintf("default_internal_user = %s\ndefault_internal_group = %s\ndefault_login_user = %s\nservice anvil {\n  chroot =\n}\nservice stats {\n  chroot =\n}\n",
			me.Username, group.Name, me.Username)
	}
	if err := os.Chmod(s.folder, 0o755); err != nil { // the log-in's account reads here
		return "", fmt.Errorf("peers: %w", err)
	}
	if s.uid, err = strconv.Atoi(owner.Uid); err != nil {
		return "", fmt.Errorf("peers: %w", err)
	}
	if s.gid, err = strconv.Atoi(owner.Gid); err != nil {
		return "", fmt.Errorf("peers: %w", err)
	}
	for _, name := range []string{"", "new", "cur", "tmp"} {
		at := filepath.Join(s.folder, "mail", name)
		if err := os.MkdirAll(at, 0o700); err != nil {
			return "", fmt.Errorf("peers: %w", err)
		}
		if err := os.Chown(at, s.uid, s.gid); err != nil {
			return "", fmt.Errorf("peers: %w", err)
		}
	}
	encrypted := "ssl = no"
	if s.tls != "" {
		cert, key, err := selfSigned()
		if err != nil {
			return "", err
		}
		s.cert = cert
		if err := errors.Join(os.WriteFile(filepath.Join(s.folder, "cert.pem"), cert, 0o600),
			os.WriteFile(filepath.Join(s.folder, "key.pem"), key, 0o600)); err != nil {
			return "", fmt.Errorf("peers: %w", err)
		}
		encrypted = fmt.Sprintf("ssl = yes\nssl_cert = <%[1]s/cert.pem\nssl_key = <%[1]s/key.pem", s.folder)
	}
	_, port, err := net.SplitHostPort(s.inside)
	if err != nil {
		return "", fmt.Errorf("peers: %w", err)
	}
	plain, tls := port, "0"
	if s.tls == "tls" {
		plain, tls = "0", port
	}
	return fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = /dev/stderr
protocols = pop3
listen = 127.0.0.1
%[2]s
disable_plaintext_auth = no
auth_failure_delay = 0
mail_location = maildir:%[1]s/mail
first_valid_uid = 1
first_valid_gid = 1
passdb {
  driver = static
  args = user=%[3]s password=%[4]s
}
userdb {
  driver = static
  args = uid=%[5]d gid=%[6]d home=%[1]s/mail
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = %[7]s
  }
  inet_listener pop3s {
    port = %[8]s
    ssl = yes
  }
}
%[9]s`, s.folder, encrypted, MailboxUser, MailboxPassword, s.uid, s.gid, plain, tls, services), nil
}

// Host returns the address the server listens on.
func (s *MailboxServer) Host() string { return "127.0.0.1" }

// Port returns the port the server listens on.
func (s *MailboxServer) Port() int { return s.door.Addr().(*net.TCPAddr).Port }

// Roots returns a pool that trusts this server and nobody else, or nil without TLS.
func (s *MailboxServer) Roots() *x509.CertPool {
	if s.cert == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.cert)
	return pool
}

// Deliver puts a message into the mailbox, as a mail server does.
func (s *MailboxServer) Deliver(t testing.TB, raw []byte) {
	t.Helper()
	s.mu.Lock()
	s.delivered++
	name := fmt.Sprintf("%d.M%06dP1.peer", time.Now().Unix(), s.delivered)
	s.mu.Unlock()
	mail := filepath.Join(s.folder, "mail")
	written := filepath.Join(mail, "tmp", name)
	if err := os.WriteFile(written, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(written, s.uid, s.gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(written, filepath.Join(mail, "new", name)); err != nil {
		t.Fatal(err)
	}
}

// Left returns the messages that are still in the mailbox, in the order of delivery.
func (s *MailboxServer) Left(t testing.TB) []string {
	t.Helper()
	// Dovecot moves files from new to cur, also after a client has gone.
	for range 100 {
		left, err := s.left()
		if err == nil {
			return left
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	t.Fatal("peers: the mailbox never stood still")
	return nil
}

// left reads the Maildir once; a file that moves meanwhile is os.ErrNotExist.
func (s *MailboxServer) left() ([]string, error) {
	found := map[string]string{} // paths by the number of delivery
	for _, sub := range []string{"new", "cur"} {
		folder := filepath.Join(s.folder, "mail", sub)
		all, err := os.ReadDir(folder)
		if err != nil {
			return nil, err
		}
		for _, f := range all {
			_, number, _ := strings.Cut(f.Name(), ".M")
			number, _, _ = strings.Cut(number, "P") // Dovecot adds its flags behind
			found[number] = filepath.Join(folder, f.Name())
		}
	}
	var left []string
	for _, number := range slices.Sorted(maps.Keys(found)) {
		raw, err := os.ReadFile(found[number])
		if err != nil {
			return nil, err
		}
		left = append(left, string(raw))
	}
	return left, nil
}

// close stops the server and removes what it held. A second call does nothing.
func (s *MailboxServer) close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	if again {
		return nil
	}
	if s.door != nil {
		_ = s.door.Close()
		s.conns.Wait()
	}
	var err error
	if s.command != nil {
		_ = s.stdin.Close() // its end is the order to stop
		select {
		case <-s.ended:
		case <-time.After(10 * time.Second):
			err = fmt.Errorf("peers: Dovecot did not stop: %s", s.said.String())
			_ = s.command.Process.Kill()
		}
		err = errors.Join(err, s.command.Wait())
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
