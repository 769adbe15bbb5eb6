package smppserver

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// session is one connection of the tool.
type session struct {
	s    *Server
	conn net.Conn
	in   *bufio.Reader
	host string

	writing sync.Mutex

	mu       sync.Mutex
	bound    command // the bind that it was let in with; 0: not yet
	sequence uint32  // of our own PDUs
	waiting  map[uint32]chan Status
}

func newSession(s *Server, conn net.Conn) *session {
	host, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	return &session{s: s, conn: conn, in: bufio.NewReader(conn), host: host, waiting: map[uint32]chan Status{}}
}

func (x *session) mayReceive() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.bound == bindReceiver || x.bound == bindTransceiver
}

func (x *session) isBound() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.bound != 0
}

var (
	errUnbound = errors.New("nobody signed in in time")
	errSilent  = errors.New("it does not answer any more")
	errWrong   = errors.New("wrong name or password")
)

// run reads PDUs and answers them in order, until the connection or ctx ends. What was
// submitted is kept before it is answered, and a PDU that was begun is waited for only so
// long.
func (x *session) run(ctx context.Context) error {
	defer x.conn.Close()
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-ctx.Done():
			_ = x.write(header(unbind, x.next(), OK))
			x.conn.Close()
		case <-over:
		}
	}()
	signIn := time.Now().Add(x.s.c.Timeouts.Bind) // and not a moment later, whatever is said until then
	enquired := false
	for {
		t := x.s.c.Timeouts
		until := time.Now().Add(t.Idle)
		if !x.isBound() {
			if !time.Now().Before(signIn) {
				return errUnbound
			}
			until = signIn
		} else if enquired {
			until = time.Now().Add(t.Alive)
		}
		_ = x.conn.SetReadDeadline(until)
		if _, err := x.in.Peek(1); err != nil {
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				return err
			}
			switch {
			case !x.isBound():
				return errUnbound
			case enquired:
				return errSilent
			}
			enquired = true
			if err := x.write(header(enquireLink, x.next(), OK)); err != nil {
				return err
			}
			continue
		}
		enquired = false
		if x.isBound() {
			_ = x.conn.SetReadDeadline(time.Now().Add(t.Whole))
		}
		f, err := readFrame(x.in, x.isBound())
		if errors.Is(err, errLength) {
			_ = x.write(header(genericNack, f.sequence, InvalidCommandLength))
			return err
		}
		if err != nil {
			return err
		}
		if more, err := x.take(ctx, f); err != nil || !more {
			return err
		}
	}
}

// take answers one PDU. more is false when the session ends.
func (x *session) take(ctx context.Context, f frame) (more bool, err error) {
	switch f.command {
	case bindTransmitter, bindReceiver, bindTransceiver:
		return x.bind(ctx, f)
	case enquireLink:
		return true, x.write(header(f.command|response, f.sequence, OK))
	case unbind:
		return false, x.write(header(f.command|response, f.sequence, OK))
	case submitSM:
		if !x.maySend() {
			return true, x.write(header(f.command|response, f.sequence, InvalidBindStatus))
		}
		m, status := readSubmit(f.body, x.s.c.Latin1, x.s.c.Now())
		id := ""
		if status == OK {
			id, status = x.s.c.Submit(ctx, m)
		}
		if status != OK {
			return true, x.write(header(f.command|response, f.sequence, status))
		}
		return true, x.write(withBody(f.command|response, f.sequence, OK, cstring(id)))
	case querySM:
		if !x.maySend() {
			return true, x.write(header(f.command|response, f.sequence, InvalidBindStatus))
		}
		in := fields{rest: f.body}
		id := in.text()
		r, ok := Receipt{}, false
		if !in.short && id != "" && len(id) <= 64 {
			r, ok = x.s.c.Query(ctx, id)
		}
		if !ok {
			return true, x.write(header(f.command|response, f.sequence, QueryFailed))
		}
		body := append(cstring(id), cstring(finalDate(r))...)
		return true, x.write(withBody(f.command|response, f.sequence, OK, append(body, byte(r.State), 0)))
	case deliverSM | response, enquireLink | response, genericNack:
		x.mu.Lock()
		heard := x.waiting[f.sequence]
		delete(x.waiting, f.sequence)
		x.mu.Unlock()
		if heard != nil {
			heard <- f.status
		}
		return true, nil
	case unbind | response:
		return false, nil
	}
	if f.command&response != 0 {
		return true, nil // an answer to nothing of ours
	}
	return true, x.write(header(genericNack, f.sequence, InvalidCommand))
}

func (x *session) maySend() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.bound == bindTransmitter || x.bound == bindTransceiver
}

// bind lets the tool in, or ends the session after a wrong password.
func (x *session) bind(ctx context.Context, f frame) (more bool, err error) {
	if x.isBound() {
		return true, x.write(header(f.command|response, f.sequence, AlreadyBound))
	}
	in := fields{rest: f.body}
	name, password := in.text(), in.text()
	if in.short {
		return false, errors.Join(errWrong, x.write(header(f.command|response, f.sequence, BindFailed)))
	}
	// Whoever guesses is not told even of a right guess.
	if x.s.guessing(x.host) || !x.s.letsIn(name, password) {
		x.s.guessed(x.host)
		// Whoever guesses waits; a program that ends does not.
		wait := time.NewTimer(x.s.c.Timeouts.Wrong)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
		return false, errors.Join(errWrong, x.write(header(f.command|response, f.sequence, BindFailed)))
	}
	x.mu.Lock()
	x.bound = f.command
	x.mu.Unlock()
	return true, x.write(withBody(f.command|response, f.sequence, OK, cstring("preau")))
}

func (x *session) write(b []byte) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	_ = x.conn.SetWriteDeadline(time.Now().Add(x.s.c.Timeouts.Write))
	_, err := x.conn.Write(b)
	return err
}

func (x *session) next() uint32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.sequence++; x.sequence > 0x7fffffff {
		x.sequence = 1
	}
	return x.sequence
}

// deliver gives a receipt and waits until the tool has acknowledged it.
func (x *session) deliver(ctx context.Context, r Receipt) error {
	sequence, heard := x.next(), make(chan Status, 1)
	x.mu.Lock()
	x.waiting[sequence] = heard
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		delete(x.waiting, sequence)
		x.mu.Unlock()
	}()
	if err := x.write(withBody(deliverSM, sequence, OK, receiptBody(r))); err != nil {
		return err
	}
	wait := time.NewTimer(x.s.c.Timeouts.Alive)
	defer wait.Stop()
	select {
	case status := <-heard:
		if status != OK {
			return errors.New("the tool did not take it")
		}
		return nil
	case <-wait.C:
		return errSilent
	case <-ctx.Done():
		return ctx.Err()
	}
}
