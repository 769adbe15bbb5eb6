package bounce

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Bounds of what a mailbox server may say.
const (
	longestLine = 8 << 10 // bytes; RFC 1939 allows 512, messages have longer ones
	longestList = 20_000  // messages in the mailbox
	longestMail = 2 << 20 // bytes of one message, see largest
)

// conversation is one connection to a POP3 server (RFC 1939), signed in.
//
// We speak the protocol ourselves, since github.com/knadh/go-pop3 v1.0.2 waits without
// end, reads lines and messages of any length, and knows neither STLS nor roots.
type conversation struct {
	conn    net.Conn
	r       *bufio.Reader
	timeout time.Duration
	stop    func() bool // forgets the context
}

// refusal is an answer that begins with -ERR.
type refusal struct{ said string }

func (r *refusal) Error() string {
	if r.said == "" {
		return "refused"
	}
	return "refused: " + r.said
}

// connect opens a connection and begins to speak. Its error says in words at which step
// it ended.
func connect(ctx context.Context, c Config) (*conversation, error) {
	beginning, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(beginning, "tcp", net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
	if err != nil {
		return nil, fmt.Errorf("connection: %w", reason(err))
	}
	t := over(ctx, conn, c.Timeout)
	if err := t.begin(ctx, c); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// over is a conversation that nobody has begun. The end of ctx closes the connection.
func over(ctx context.Context, conn net.Conn, timeout time.Duration) *conversation {
	return &conversation{conn: conn, r: bufio.NewReaderSize(conn, longestLine), timeout: timeout,
		stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}
}

// begin hears the greeting, encrypts and signs in.
func (t *conversation) begin(ctx context.Context, c Config) error {
	if c.TLS == TLS {
		if err := t.encrypt(ctx, c); err != nil {
			return err
		}
	}
	if err := t.wait(); err != nil {
		return fmt.Errorf("greeting: %w", reason(err))
	}
	if _, err := t.status(); err != nil {
		return fmt.Errorf("greeting: %w", reason(err))
	}
	if c.TLS == StartTLS {
		if _, err := t.ask("STLS"); err != nil {
			return fmt.Errorf("encryption (STLS): %w", reason(err))
		}
		if t.r.Buffered() > 0 { // somebody on the way speaks for the server
			return errors.New("encryption (STLS): the server spoke on in plain text")
		}
		if err := t.encrypt(ctx, c); err != nil {
			return err
		}
	}
	_, err := t.ask("USER " + c.Username)
	if err == nil {
		_, err = t.ask("PASS " + c.Password)
	}
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		// Some servers repeat the command that they do not like.
		refused.said = strings.ReplaceAll(refused.said, c.Password, "…")
	}
	if err != nil {
		return fmt.Errorf("sign-in: %w", reason(err))
	}
	return nil
}

func (t *conversation) encrypt(ctx context.Context, c Config) error {
	limited, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	line := tls.Client(t.conn, &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12})
	if err := line.HandshakeContext(limited); err != nil {
		return fmt.Errorf("encryption: %w", reason(err)) // names the certificate, nobody
	}
	t.conn, t.r = line, bufio.NewReaderSize(line, longestLine)
	return nil
}

// close hangs up. Without a QUIT before it, the server deletes nothing.
func (t *conversation) close() {
	t.stop()
	_ = t.conn.Close()
}

// wait gives the next answer its time, all of it together.
func (t *conversation) wait() error { return t.conn.SetDeadline(time.Now().Add(t.timeout)) }

// ask sends a command and reads the first line of its answer.
func (t *conversation) ask(command string) (said string, err error) {
	if err := t.wait(); err != nil {
		return "", err
	}
	if _, err := io.WriteString(t.conn, command+"\r\n"); err != nil {
		return "", err
	}
	return t.status()
}

var errNotPOP3 = errors.New("the answer is not POP3")

// status reads +OK or -ERR and the words behind it.
func (t *conversation) status() (string, error) {
	line, err := t.line()
	if err != nil {
		return "", err
	}
	verdict, said, _ := strings.Cut(string(line), " ")
	switch verdict {
	case "+OK":
		return said, nil
	case "-ERR":
		return "", &refusal{words(said, nil)}
	}
	return "", errNotPOP3
}

// line reads one line, without its end.
func (t *conversation) line() ([]byte, error) {
	line, err := t.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, errNotPOP3
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), nil
}

// list reads a numbered list, of sizes or of names.
func (t *conversation) list(command string) (map[int]string, error) {
	if _, err := t.ask(command); err != nil {
		return nil, err
	}
	all := map[int]string{}
	for {
		line, err := t.line()
		if err != nil {
			return nil, err
		}
		if string(line) == "." {
			return all, nil
		}
		fields := strings.Fields(string(line))
		if len(fields) < 2 || len(fields[1]) > 100 {
			return nil, errNotPOP3
		}
		number, err := strconv.Atoi(fields[0])
		if _, twice := all[number]; err != nil || number < 1 || twice {
			return nil, errNotPOP3
		}
		if len(all) == longestList {
			return nil, fmt.Errorf("the mailbox holds more than %d messages: somebody must empty it", longestList)
		}
		all[number] = fields[1]
	}
}

// message reads one message, its lines ending in CRLF.
func (t *conversation) message(number int) ([]byte, error) {
	if _, err := t.ask("RETR " + strconv.Itoa(number)); err != nil {
		return nil, err
	}
	var raw bytes.Buffer
	begins := true // of a line
	for {
		piece, err := t.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		ends := err == nil
		if begins && ends && strings.TrimRight(string(piece), "\r\n") == "." {
			return raw.Bytes(), nil
		}
		if begins && piece[0] == '.' {
			piece = piece[1:]
		}
		if raw.Len()+len(piece) > longestMail {
			return nil, errors.New("a message is longer than the server said")
		}
		raw.Write(piece)
		begins = ends
	}
}

// reason puts a network error into words that name no server twice.
func reason(err error) error {
	var refused *refusal
	switch {
	case errors.As(err, &refused), errors.Is(err, errNotPOP3):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection")
	}
	return err
}
