package drill

import (
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
)

// mailServer is a mail server of its own writing: what RFC 5321 asks of one that takes
// everything.
type mailServer struct {
	sink  *sink
	ln    net.Listener
	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newMailServer(s *sink) (*mailServer, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &mailServer{sink: s, ln: ln, conns: map[net.Conn]bool{}}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			m.mu.Lock()
			m.conns[conn] = true
			m.mu.Unlock()
			go func() {
				m.serve(conn)
				conn.Close()
				m.mu.Lock()
				delete(m.conns, conn)
				m.mu.Unlock()
			}()
		}
	}()
	return m, nil
}

func (m *mailServer) port() int { return m.ln.Addr().(*net.TCPAddr).Port }

func (m *mailServer) close() {
	m.ln.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	for conn := range m.conns {
		conn.Close()
	}
}

func (m *mailServer) serve(conn net.Conn) {
	c := textproto.NewConn(conn)
	if m.sink.isDown() {
		c.PrintfLine("421 closed")
		return
	}
	c.PrintfLine("220 sink")
	var to []string
	for {
		line, err := c.ReadLine()
		if err != nil {
			return
		}
		verb, arg, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			c.PrintfLine("250-sink")
			c.PrintfLine("250-8BITMIME")
			c.PrintfLine("250 SMTPUTF8")
		case "HELO", "NOOP":
			c.PrintfLine("250 sink")
		case "MAIL", "RSET":
			to = nil
			c.PrintfLine("250 go on")
		case "RCPT":
			if at := strings.Index(arg, "<"); at >= 0 {
				address, _, _ := strings.Cut(arg[at+1:], ">")
				to = append(to, strings.ToLower(address))
			}
			c.PrintfLine("250 go on")
		case "DATA":
			c.PrintfLine("354 go on")
			text, id, err := readMail(c.DotReader())
			if err != nil {
				return
			}
			for _, address := range to {
				m.sink.take(Message{To: "email " + address, Text: text, ID: id})
			}
			c.PrintfLine("250 taken")
		case "QUIT":
			c.PrintfLine("221 bye")
			return
		default:
			c.PrintfLine("502 not here")
		}
	}
}

// readMail gives the words of a letter and its Message-ID.
func readMail(r io.Reader) (text, id string, err error) {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return "", "", err
	}
	var body io.Reader = m.Body
	if strings.EqualFold(m.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	subject, e := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if e != nil {
		subject = m.Header.Get("Subject")
	}
	return subject + "\n\n" + string(b), strings.Trim(m.Header.Get("Message-Id"), "<> "), err
}
