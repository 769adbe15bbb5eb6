package bounce

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHostileServer says what no server should.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	signIn := "+OK\r\n+OK\r\n+OK\r\n"
	for name, tc := range map[string]struct{ says, want string }{
		"another protocol":      {"220 mail.example ESMTP\r\n", "not POP3"},
		"a long greeting":       {"+OK " + long, "not POP3"},
		"the password again":    {"+OK\r\n+OK\r\n-ERR unknown command PASS fourmi-ardoise\r\n", "unknown command PASS …"},
		"an endless list":       {signIn + "+OK\r\n" + numbered(longestList+1, "9"), "must empty it"},
		"an endless line":       {signIn + "+OK\r\n1 " + long, "not POP3"},
		"no list":               {signIn + "+OK\r\nhello\r\n.\r\n", "not POP3"},
		"a negative number":     {signIn + "+OK\r\n-1 5\r\n.\r\n", "not POP3"},
		"a negative size":       {signIn + "+OK\r\n1 -5\r\n.\r\n+OK\r\n1 a\r\n.\r\n", "not POP3"},
		"the same number twice": {signIn + "+OK\r\n1 5\r\n1 5\r\n.\r\n", "not POP3"},
		"no names":              {signIn + "+OK\r\n1 5\r\n.\r\n-ERR no\r\n", "UIDL"},
		"an endless message":    {signIn + "+OK\r\n1 5\r\n.\r\n+OK\r\n1 a\r\n.\r\n+OK\r\n" + strings.Repeat(long+"\r\n", 30), "longer than the server said"},
		"half a message":        {signIn + "+OK\r\n1 5\r\n.\r\n+OK\r\n1 a\r\n.\r\n+OK\r\nTo: a", "closed the connection"},
		"a message refused":     {signIn + "+OK\r\n1 5\r\n.\r\n+OK\r\n1 a\r\n.\r\n-ERR\r\n+OK\r\n", "could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := scripted(t, func(line *bufio.ReadWriter) {
				_, _ = line.WriteString(tc.says)
				_ = line.Flush()
				// Commands are read, so that the end of the connection is an orderly one.
				for n := 1; ; n++ {
					if _, err := line.ReadString('\n'); err != nil || strings.HasPrefix(name, "half") && n == 5 {
						return
					}
				}
			})
			m, err := NewMailbox(Config{Host: "127.0.0.1", Port: port, TLS: NoTLS, Username: "a", Password: "fourmi-ardoise", Return: template, Timeout: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			var h handed
			_, err = m.Visit(t.Context(), h.take)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "fourmi") || len(err.Error()) > 400 {
				t.Errorf("%.400v, want %q", err, tc.want)
			}
			if len(h) != 0 {
				t.Errorf("handed over %v", h)
			}
		})
	}
}

// TestPlainWordsBeforeEncryption: what is said between STLS and the encryption may come
// from anybody on the way (as with STARTTLS, CVE-2011-0411).
func TestPlainWordsBeforeEncryption(t *testing.T) {
	t.Parallel()
	port := scripted(t, func(line *bufio.ReadWriter) {
		_, _ = line.WriteString("+OK\r\n")
		_ = line.Flush()
		_, _ = line.ReadString('\n')
		_, _ = line.WriteString("+OK\r\n+OK\r\n")
		_ = line.Flush()
		_, _ = line.ReadString('\n')
	})
	m, err := NewMailbox(Config{Host: "127.0.0.1", Port: port, TLS: StartTLS, Username: "a", Password: "b", Return: template})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "spoke on in plain text") {
		t.Error(err)
	}
}

// answers is the far side of a conversation: it says what it says, whatever is asked,
// and then no more.
type answers struct {
	net.Conn
	says  io.Reader
	asked bytes.Buffer
}

func (a *answers) Read(p []byte) (int, error)  { return a.says.Read(p) }
func (a *answers) Write(p []byte) (int, error) { return a.asked.Write(p) }
func (*answers) SetDeadline(time.Time) error   { return nil }
func (*answers) Close() error                  { return nil }

// spoken is a conversation with a server that says this.
func spoken(t *testing.T, says string) (*conversation, *answers) {
	t.Helper()
	far := &answers{says: strings.NewReader(says)}
	return over(t.Context(), far, time.Minute), far
}

func TestDotsOfAMessage(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", longestLine) // so that the next piece begins with a dot
	for says, want := range map[string]string{
		"..\r\n...\r\n.x\r\nx.\r\n.\r\n": ".\r\n..\r\nx\r\nx.\r\n",
		".\r\n":                          "",
		"\r\n\r\n.\r\n":                  "\r\n\r\n",
		long + ".\r\n.\r\n":              long + ".\r\n",
		long + "..x\r\n.\n":              long + "..x\r\n",
	} {
		talk, _ := spoken(t, "+OK\r\n"+says)
		got, err := talk.message(1)
		if err != nil || string(got) != want {
			t.Errorf("%.60q gave %.60q, %v", says, got, err)
		}
	}
}

// TestSameNameTwice: a server that gives two messages one name does not make us delete
// the one that nobody has seen.
func TestSameNameTwice(t *testing.T) {
	t.Parallel()
	listed := "+OK\r\n1 5\r\n2 5\r\n.\r\n+OK\r\n1 same\r\n2 same\r\n.\r\n"
	says := func(token string) string {
		return "+OK\r\n" + strings.ReplaceAll(string(failure(token)), "\n", "\r\n") + "\r\n.\r\n"
	}
	m := &Mailbox{config: Config{Return: template}, known: map[string]fate{}}
	var h handed
	talk, _ := spoken(t, listed+says("A")+"+OK\r\n"+says("B")+"+OK\r\n+OK\r\n")
	_, err := m.read(talk, h.take)
	if err != nil || h.tokens() != "A B" || len(m.known) != 0 {
		t.Errorf("handed over %v, remembered %v, %v", h, m.known, err)
	}
}

// numbered is a list of POP3 that goes on.
func numbered(n int, value string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d %s\r\n", i+1, value)
	}
	return b.String()
}

// FuzzAnswers: whatever a server says, the conversation ends, and nothing is deleted
// that was not handed over.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte("+OK\r\n+OK\r\n+OK\r\n+OK\r\n1 5\r\n2 6\r\n.\r\n+OK\r\n1 a\r\n2 b\r\n.\r\n+OK\r\n" +
		strings.ReplaceAll(string(failure("A")), "\n", "\r\n") + "\r\n.\r\n+OK\r\n-ERR\r\n+OK\r\n"))
	f.Add([]byte("+OK\r\n+OK\r\n+OK\r\n+OK\r\n1 5\r\n.\r\n+OK\r\n1 a\r\n.\r\n+OK\r\n..\r\n.\r\n+OK\r\n"))
	f.Add([]byte("+OK\r\n+OK\r\n+OK\r\n+OK\r\n1 5\r\n.\r\n+OK\r\n1 a\r\n.\r\n+OK\r\nTo: retour+A@ent.example\r\n\r\nhello\r\n.\r\n+OK\r\n+OK\r\n"))
	f.Add([]byte("-ERR no"))
	f.Fuzz(func(t *testing.T, says []byte) {
		c := Config{TLS: NoTLS, Username: "a", Password: "b", Return: template}
		m := &Mailbox{config: c, known: map[string]fate{}}
		talk, far := spoken(t, string(says))
		defer talk.close()
		var h handed
		if err := talk.begin(t.Context(), c); err == nil {
			_, _ = m.read(talk, h.take)
		}
		reports := 0
		for _, b := range h {
			if b.Kind.Report() {
				reports++
			}
		}
		if n := strings.Count(far.asked.String(), "DELE "); n > reports {
			t.Errorf("%d deletions, %d reports:\n%s", n, reports, far.asked.String())
		}
	})
}

// scripted answers each connection with talk until the test ends.
func scripted(t *testing.T, talk func(line *bufio.ReadWriter)) (port int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	ended.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line := bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
			talk(line)
			_ = line.Flush()
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = listener.Close(); ended.Wait() })
	return listener.Addr().(*net.TCPAddr).Port
}
