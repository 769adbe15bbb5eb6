package drill

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// browser is one person's: their address, their cookies, one connection that is kept while
// the program keeps it. A crowd has thousands, so it is no more than that: the client of
// net/http costs its generator several times as much.
type browser struct {
	at   string // host and port of the program
	from net.IP // of this person; nil: any
	jar  map[string]string
	link *traffic

	conn net.Conn
	in   *bufio.Reader
	used bool // the connection has answered before
}

// traffic counts what went over the wire, in bytes.
type traffic struct{ up, down atomic.Int64 }

// answer is what came back.
type answer struct {
	status int
	to     string // where it leads
	text   string
}

// requestMost is how long anybody waits for one answer: browsers wait longer.
const requestMost = time.Minute

var errNoAnswer = errors.New("the connection ended without an answer")

// ask sends one request and reads its answer whole. A connection that had ended meanwhile is
// made anew, once, as browsers do.
func (b *browser) ask(ctx context.Context, method, path string, form url.Values) (answer, error) {
	for {
		used := b.conn != nil && b.used
		a, err := b.try(ctx, method, path, form)
		if err == nil {
			return a, nil
		}
		b.close()
		if ctx.Err() != nil {
			return a, ctx.Err()
		}
		if !used || !errors.Is(err, errNoAnswer) {
			return a, err
		}
	}
}

func (b *browser) close() {
	if b.conn != nil {
		b.conn.Close()
		b.conn, b.in = nil, nil
	}
}

func (b *browser) dial(ctx context.Context) error {
	d := net.Dialer{Timeout: requestMost}
	if b.from != nil {
		d.LocalAddr = &net.TCPAddr{IP: b.from}
	}
	conn, err := d.DialContext(ctx, "tcp", b.at)
	if err != nil {
		return err
	}
	b.conn, b.used = counted{conn, b.link}, false
	b.in = bufio.NewReaderSize(b.conn, 2<<10)
	return nil
}

func (b *browser) try(ctx context.Context, method, path string, form url.Values) (answer, error) {
	if b.conn == nil {
		if err := b.dial(ctx); err != nil {
			return answer{}, err
		}
	}
	conn := b.conn
	if err := conn.SetDeadline(time.Now().Add(requestMost)); err != nil {
		return answer{}, err
	}
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(conn, b.request(method, path, form)); err != nil {
		return answer{}, errors.Join(errNoAnswer, err)
	}
	if _, err := b.in.Peek(1); err != nil {
		if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "reset") {
			return answer{}, errors.Join(errNoAnswer, err)
		}
		return answer{}, err
	}
	res, err := http.ReadResponse(b.in, nil)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	b.used = true
	if res.Close {
		b.close()
	}
	b.keep(res)
	return answer{res.StatusCode, res.Header.Get("Location"), string(text)}, nil
}

// request is what is sent.
func (b *browser) request(method, path string, form url.Values) string {
	var w strings.Builder
	fmt.Fprintf(&w, "%s %s HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nAccept-Language: fr\r\nUser-Agent: Mozilla/5.0 (drill)\r\n", method, path, b.at, b.at)
	for name, value := range b.jar {
		w.WriteString("Cookie: " + name + "=" + value + "\r\n")
	}
	if form == nil {
		w.WriteString("\r\n")
		return w.String()
	}
	body := form.Encode()
	fmt.Fprintf(&w, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return w.String()
}

func (b *browser) keep(res *http.Response) {
	if len(res.Header["Set-Cookie"]) == 0 {
		return
	}
	for _, k := range res.Cookies() {
		if b.jar[k.Name] = k.Value; k.MaxAge < 0 {
			delete(b.jar, k.Name)
		}
	}
}

// counted is a connection that counts.
type counted struct {
	net.Conn
	link *traffic
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.link.down.Add(int64(n))
	return n, err
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.link.up.Add(int64(n))
	return n, err
}
