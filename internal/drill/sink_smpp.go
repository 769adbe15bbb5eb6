package drill

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

// centre is an SMS centre of its own writing: the few units of SMPP 3.4 that a drill needs.
// It takes perSecond submissions a second at most, as a contract would.
type centre struct {
	sink   *sink
	ln     net.Listener
	pace   time.Duration
	mu     sync.Mutex
	next   time.Time
	ids    int
	parts  map[string]map[int]string // of a message in parts, by sender, number and reference
	conns  map[net.Conn]bool
	bound  net.Conn // the account's one session
	second int      // sessions refused because the account had one
	closed bool
}

// The commands that it knows; an answer has the top bit set.
const (
	submitSM     = 0x00000004
	deliverSM    = 0x00000005
	unbind       = 0x00000006
	cancelSM     = 0x00000008
	bindTrx      = 0x00000009
	enquireLink  = 0x00000015
	genericNack  = 0x80000000
	answerBit    = 0x80000000
	statusBound  = 0x00000005
	statusUnable = 0x00000003
	mostUnit     = 4096
)

func newCentre(s *sink, perSecond int) (*centre, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &centre{sink: s, ln: ln, parts: map[string]map[int]string{}, conns: map[net.Conn]bool{}}
	if perSecond > 0 {
		c.pace = time.Second / time.Duration(perSecond)
	}
	go c.accept()
	return c, nil
}

func (c *centre) port() int { return c.ln.Addr().(*net.TCPAddr).Port }

func (c *centre) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.ln.Close()
	c.dropAll()
}

func (c *centre) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		conn.Close()
	}
}

func (c *centre) accept() {
	for {
		conn, err := c.ln.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.conns[conn] = true
		c.mu.Unlock()
		go func() {
			c.serve(conn)
			conn.Close()
			c.mu.Lock()
			if delete(c.conns, conn); c.bound == conn {
				c.bound = nil
			}
			c.mu.Unlock()
		}()
	}
}

// bind gives a connection the account's session, if nobody has it.
func (c *centre) bind(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bound != nil {
		c.second++
		return false
	}
	c.bound = conn
	return true
}

// secondBinds is how many sessions were refused because the account had one.
func (c *centre) secondBinds() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.second
}

// free waits until nobody has the account's session, but not for ever.
func (c *centre) free(within time.Duration) {
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c.mu.Lock()
		bound := c.bound
		c.mu.Unlock()
		if bound == nil {
			return
		}
	}
}

// unit is one protocol unit.
type unit struct {
	command, status, sequence uint32
	body                      []byte
}

func (u unit) bytes() []byte {
	b := make([]byte, 16, 16+len(u.body))
	binary.BigEndian.PutUint32(b, uint32(16+len(u.body)))
	binary.BigEndian.PutUint32(b[4:], u.command)
	binary.BigEndian.PutUint32(b[8:], u.status)
	binary.BigEndian.PutUint32(b[12:], u.sequence)
	return append(b, u.body...)
}

func readUnit(r io.Reader) (u unit, err error) {
	head := make([]byte, 16)
	if _, err := io.ReadFull(r, head); err != nil {
		return u, err
	}
	n := binary.BigEndian.Uint32(head)
	if n < 16 || n > mostUnit {
		return u, fmt.Errorf("a unit of %d octets", n)
	}
	u = unit{binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[8:]), binary.BigEndian.Uint32(head[12:]), make([]byte, n-16)}
	_, err = io.ReadFull(r, u.body)
	return u, err
}

// serve answers one connection. It writes from this goroutine alone, receipts too.
func (c *centre) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	sequence := uint32(0)
	for {
		u, err := readUnit(r)
		if err != nil || c.sink.isDown() {
			return
		}
		answer := unit{command: u.command | answerBit, sequence: u.sequence}
		var receipt *unit
		switch u.command {
		case bindTrx:
			if answer.body = []byte("sink\x00"); !c.bind(conn) {
				answer.status, answer.body = statusBound, nil
			}
		case enquireLink, unbind:
		case cancelSM:
			answer.status = statusUnable // what was taken here is on its way
		case submitSM:
			id := c.take(u.body)
			answer.body = append([]byte(id), 0)
			sequence++
			receipt = &unit{command: deliverSM, sequence: sequence, body: receiptOf(u.body, id)}
		default:
			if u.command&answerBit != 0 {
				continue // an answer to a receipt
			}
			answer = unit{command: genericNack, status: statusUnable, sequence: u.sequence}
		}
		if _, err := conn.Write(answer.bytes()); err != nil {
			return
		}
		if receipt != nil {
			if _, err := conn.Write(receipt.bytes()); err != nil {
				return
			}
		}
		if u.command == unbind || u.command == bindTrx && answer.status != 0 {
			return
		}
	}
}

// take waits for the contract's next place, keeps the message or a part of it, and gives its
// id.
func (c *centre) take(body []byte) string {
	c.mu.Lock()
	now := time.Now()
	if c.next.Before(now) {
		c.next = now
	}
	wait := c.next.Sub(now)
	c.next = c.next.Add(c.pace)
	c.ids++
	id := fmt.Sprintf("d%08x", c.ids)
	c.mu.Unlock()
	time.Sleep(wait)
	s, ok := readSubmit(body)
	if !ok {
		return id
	}
	text := s.text()
	if s.of > 1 {
		c.mu.Lock()
		key := fmt.Sprintf("%s %s %d", s.from, s.to, s.ref)
		if c.parts[key] == nil {
			c.parts[key] = map[int]string{}
		}
		c.parts[key][s.part] = text
		whole := len(c.parts[key]) == s.of
		if whole {
			text = ""
			for i := 1; i <= s.of; i++ {
				text += c.parts[key][i]
			}
			delete(c.parts, key)
		}
		c.mu.Unlock()
		if !whole {
			return id
		}
	}
	c.sink.take(Message{To: "sms +" + strings.TrimPrefix(s.to, "+"), Text: text})
	return id
}

// submit is what a submit_sm says.
type submit struct {
	from, to      string
	coding        byte
	message       []byte
	ref, part, of int
}

func readSubmit(b []byte) (s submit, ok bool) {
	text := func() string {
		for i, c := range b {
			if c == 0 {
				v := string(b[:i])
				b = b[i+1:]
				return v
			}
		}
		b = nil
		return ""
	}
	octet := func() byte {
		if len(b) == 0 {
			return 0
		}
		v := b[0]
		b = b[1:]
		return v
	}
	text() // service type
	octet()
	octet()
	s.from = text()
	octet()
	octet()
	s.to = text()
	class := octet()
	octet()
	octet()
	text() // when
	text() // until
	octet()
	octet()
	s.coding = octet()
	octet()
	n := int(octet())
	if n > len(b) {
		return s, false
	}
	s.message = b[:n]
	if class&0x40 != 0 && n > 0 { // a header stands before the text
		h := int(s.message[0]) + 1
		if h > n {
			return s, false
		}
		head := s.message[1:h]
		s.message = s.message[h:]
		switch {
		case len(head) >= 5 && head[0] == 0 && head[1] == 3:
			s.ref, s.of, s.part = int(head[2]), int(head[3]), int(head[4])
		case len(head) >= 6 && head[0] == 8 && head[1] == 4:
			s.ref, s.of, s.part = int(head[2])<<8|int(head[3]), int(head[4]), int(head[5])
		}
	}
	return s, true
}

// gsm is the telephones' own alphabet (3GPP 23.038), by its code; the second is what follows
// the escape.
const gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

var (
	gsmLetters = []rune(gsm)
	gsmEscaped = map[byte]rune{0x14: '^', 0x28: '{', 0x29: '}', 0x2f: '\\', 0x3c: '[', 0x3d: '~', 0x3e: ']', 0x40: '|', 0x65: '€'}
)

func (s submit) text() string {
	if s.coding == 8 {
		units := make([]uint16, len(s.message)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(s.message[2*i:])
		}
		return string(utf16.Decode(units))
	}
	var b strings.Builder
	for i := 0; i < len(s.message); i++ {
		c := s.message[i]
		switch {
		case c == 0x1b && i+1 < len(s.message):
			i++
			b.WriteRune(gsmEscaped[s.message[i]])
		case int(c) < len(gsmLetters):
			b.WriteRune(gsmLetters[c])
		}
	}
	return b.String()
}

// receiptOf is the receipt of a submission: delivered at once.
func receiptOf(body []byte, id string) []byte {
	s, _ := readSubmit(body)
	text := fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:", id)
	var b []byte
	b = append(b, 0, 1, 1)
	b = append(append(b, s.to...), 0)
	b = append(b, 1, 1)
	b = append(append(b, s.from...), 0)
	b = append(b, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(text)))
	return append(b, text...)
}
