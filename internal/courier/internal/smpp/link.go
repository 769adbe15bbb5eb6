package smpp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/linxGnu/gosmpp/pdu"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// link is one connection to the centre, bound. Every PDU of ours that wants an answer is
// in pending until it has one or the link ends.
type link struct {
	s         *Session
	conn      net.Conn
	encrypted bool
	reader    *bufio.Reader

	writing chan struct{} // holds one token: whoever has it may write

	mu      sync.Mutex
	last    uint32 // sequence number
	pending map[uint32]*request
	broken  error // why nothing more may be written
	down    error // why nothing more will be read

	gone     chan struct{} // closed when down
	incoming chan frame    // deliver_sm that the inbox has not taken yet
	late     sync.WaitGroup
}

// request is a PDU of ours without an answer.
type request struct {
	answer  command // the command that answers it
	answers chan answer
	late    func(answer) // set when nobody waits any more
}

// mostIncoming is how many receipts and messages wait for the inbox; those beyond are
// answered "later", and the centre gives them again.
const mostIncoming = 64

var (
	errNotBound  = errors.New("not connected")
	errSilent    = errors.New("the centre does not answer enquire_link")
	errUnbound   = errors.New("the centre ended the session")
	errOurUnbind = errors.New("unbound")
	errHalf      = errors.New("a message was written in part")
	errHoarse    = errors.New("no message is answered any more")
)

// dialAndBind opens a link. Its error is a *failure.
func (s *Session) dialAndBind(ctx context.Context) (*link, error) {
	t := s.config.Timeouts
	dialling, cancel := context.WithTimeout(ctx, t.Connect)
	defer cancel()
	conn, err := s.dial(dialling)
	if err != nil {
		return nil, &failure{doing: "connect", cause: err}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	_, encrypted := conn.(*tls.Conn)
	l := &link{s: s, conn: conn, encrypted: encrypted, reader: bufio.NewReaderSize(conn, 1<<12), writing: make(chan struct{}, 1),
		pending: map[uint32]*request{}, gone: make(chan struct{}), incoming: make(chan frame, mostIncoming)}
	l.writing <- struct{}{}
	err = l.bind(t.Bind)
	if !stop() && err == nil {
		err = &failure{doing: "bind", cause: ctx.Err()}
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return l, nil
}

// bind signs in and waits for the answer.
func (l *link) bind(limit time.Duration) error {
	if err := l.conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return &failure{doing: "bind", cause: err}
	}
	l.last++
	b, err := encode(l.s.config.bindRequest(), l.last, statusOK)
	if err == nil {
		_, err = l.conn.Write(b)
	}
	for heard := 0; err == nil; heard++ {
		var f frame
		if f, err = readFrame(l.reader); err != nil {
			break
		}
		switch {
		case f.command == bindResp && f.status == statusOK:
			return l.conn.SetDeadline(time.Time{})
		case f.command == bindResp, f.command == genericNack:
			return &failure{doing: "bind", status: f.status}
		case heard > 10:
			return &failure{doing: "bind", cause: errNotSMPP}
		}
	}
	return &failure{doing: "bind", cause: err}
}

// write hands one PDU to the network.
func (l *link) write(b []byte) error {
	_, err := l.writeSoon(b, time.Hour)
	return err
}

// writeSoon is write, unless others write for so long that it is no longer wanted.
// unwritten says that provably not a byte of it went out.
func (l *link) writeSoon(b []byte, wanted time.Duration) (unwritten bool, err error) {
	asked := time.Now()
	select {
	case <-l.writing:
	case <-l.gone:
		return true, l.why()
	}
	defer func() { l.writing <- struct{}{} }()
	if err := l.why(); err != nil {
		return true, err
	}
	if time.Since(asked) > wanted {
		return true, os.ErrDeadlineExceeded
	}
	if err := l.conn.SetWriteDeadline(time.Now().Add(l.s.config.Timeouts.Write)); err != nil {
		return true, err
	}
	n, err := l.conn.Write(b)
	if err == nil {
		return false, nil
	}
	l.mute(err)
	// Of a plain connection, n counts what the system has taken. What encryption has
	// written of a record when it reports 0 is not known.
	return n == 0 && !l.encrypted, err
}

// mute ends writing. Answers may still be on their way: reading goes on for a moment.
func (l *link) mute(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = cause
		_ = l.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	}
}

// hangUp ends the link now. What has no answer by then never gets one here.
func (l *link) hangUp(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down == nil {
		if l.broken != nil {
			cause = l.broken
		}
		l.down, l.broken = cause, cause
		_ = l.conn.Close()
		close(l.gone)
	}
}

// why nothing can be written; nil when it can.
func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// expect registers a request under the next sequence number.
func (l *link) expect(response command) (uint32, *request) {
	r := &request{answer: response, answers: make(chan answer, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last++; l.last > longestSeq {
		l.last = 1
	}
	l.pending[l.last] = r
	return l.last, r
}

// forget takes back a request that was not written.
func (l *link) forget(sequence uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pending, sequence)
}

// await waits for an answer. When none came, late is what the answer is given to if it
// still comes, and ok is false.
func (l *link) await(ctx context.Context, r *request, limit time.Duration, late func(answer)) (a answer, ok bool, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case a := <-r.answers:
		return a, true, nil
	case <-l.gone:
		err = l.why()
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = os.ErrDeadlineExceeded
	}
	// An answer that came at the same moment counts.
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case a := <-r.answers:
		return a, true, nil
	default:
		r.late = late
		return answer{}, false, err
	}
}

// serve reads until the link ends and returns why. Inbox and late callbacks have
// returned by then.
func (l *link) serve(ctx context.Context, in sms.Inbox) error {
	var helpers sync.WaitGroup
	helpers.Go(func() { l.enquire() })
	helpers.Go(func() { l.take(in) })
	helpers.Go(func() {
		select {
		case <-ctx.Done():
			l.leave()
		case <-l.gone:
		}
	})
	l.hangUp(l.read())
	helpers.Wait()
	l.late.Wait()
	return l.why()
}

// read reads and deals out PDUs.
func (l *link) read() error {
	for {
		f, err := readFrame(l.reader)
		if errors.Is(err, errNotSMPP) {
			_ = l.write(header(genericNack, f.sequence, statusInvalidLength))
		}
		if err != nil {
			return err
		}
		switch {
		case f.command == unbind:
			_ = l.write(header(unbindResp, f.sequence, statusOK))
			return errUnbound
		case f.command&responseBit != 0:
			l.answered(f)
			if f.command == unbindResp {
				return errOurUnbind
			}
		case f.command == enquireLink:
			_ = l.write(header(enquireResp, f.sequence, statusOK))
		case f.command == deliverSM:
			select {
			case l.incoming <- f:
			default:
				_ = l.write(deliverAnswer(f.sequence, statusTemporary))
			}
		default:
			_ = l.write(header(genericNack, f.sequence, statusInvalidCommand))
		}
	}
}

// answered gives an answer to whoever waits for it, or did.
func (l *link) answered(f frame) {
	l.mu.Lock()
	r, known := l.pending[f.sequence]
	// A generic_nack is an answer to anything, but never a yes.
	known = known && (f.command == r.answer || (f.command == genericNack && f.status != statusOK))
	if !known {
		l.mu.Unlock()
		if f.command != unbindResp {
			l.s.config.Log.Warn("smpp: an answer to nothing that was asked", "command", fmt.Sprintf("%#x", uint32(f.command)), "status", f.status.String())
		}
		return
	}
	delete(l.pending, f.sequence)
	a, late := readAnswer(f), r.late
	if late == nil {
		r.answers <- a
	}
	l.mu.Unlock()
	if late != nil {
		l.late.Go(func() { late(a) })
	}
	l.s.freed()
}

// unanswered counts the messages in the window.
func (l *link) unanswered() (n, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.pending {
		if r.answer == submitSMResp {
			n++
			if r.late != nil {
				lost++
			}
		}
	}
	return n, lost
}

// hangUpWhenHoarse ends the link when every place of the window is a message whose answer
// nobody waits for any more: what is lost is lost already, and no other can be sent.
func (l *link) hangUpWhenHoarse() {
	if _, lost := l.unanswered(); lost >= l.s.config.Window {
		l.hangUp(errHoarse)
	}
}

// enquire asks now and then whether the centre is there, and hangs up when it is not.
func (l *link) enquire() {
	t := l.s.config.Timeouts
	ticker := time.NewTicker(t.Enquire)
	defer ticker.Stop()
	for {
		select {
		case <-l.gone:
			return
		case <-ticker.C:
		}
		sequence, r := l.expect(enquireResp)
		if err := l.write(header(enquireLink, sequence, statusOK)); err != nil {
			return // reading ends soon, and with it the link
		}
		if _, ok, _ := l.await(context.Background(), r, t.Alive, func(answer) {}); !ok {
			l.hangUp(errSilent)
			return
		}
	}
}

// take gives what comes to the inbox, one by one in its order, and acknowledges it once
// it is taken.
func (l *link) take(in sms.Inbox) {
	for {
		var f frame
		select {
		case <-l.gone:
			return
		case f = <-l.incoming:
		}
		s, err := give(f, in)
		if err != nil {
			l.s.config.Log.Warn("smpp: not taken: the centre is told", "status", s.String(), "err", err)
		}
		_ = l.write(deliverAnswer(f.sequence, s)) // if it is not heard, it is given again
	}
}

// leave ends the session in order: no new message, a while for the answers on their
// way, unbind, the end.
func (l *link) leave() {
	limit := time.NewTimer(l.s.config.Timeouts.Farewell)
	defer limit.Stop()
	select {
	case <-l.s.quiet():
	case <-limit.C:
	case <-l.gone:
		return
	}
	sequence, r := l.expect(unbindResp)
	b, err := encode(pdu.NewUnbind(), sequence, statusOK)
	if err == nil {
		err = l.write(b)
	}
	if err == nil {
		_, _, _ = l.await(context.Background(), r, min(l.s.config.Timeouts.Farewell, 2*time.Second), func(answer) {})
	}
	l.hangUp(errOurUnbind)
}

// failure is an error whose text is safe to log: what was being done, the centre's code
// and the kind of trouble.
type failure struct {
	doing  string
	status status
	cause  error
}

// Error says what was being done and why it failed.
func (f *failure) Error() string {
	var network *net.OpError
	var certificate *tls.CertificateVerificationError
	why := "the connection failed"
	switch {
	case f.status != statusOK:
		why = "answered " + f.status.String()
	case f.cause == nil:
		why = "answered with nothing"
	case errors.Is(f.cause, context.Canceled):
		why = "stopped by us"
	case errors.Is(f.cause, context.DeadlineExceeded), errors.Is(f.cause, os.ErrDeadlineExceeded):
		why = "no answer in time"
	case errors.Is(f.cause, io.EOF), errors.Is(f.cause, io.ErrUnexpectedEOF):
		why = "the centre closed the connection"
	case errors.Is(f.cause, syscall.ECONNREFUSED):
		why = "nothing listens there"
	case errors.As(f.cause, new(*net.DNSError)):
		why = "the centre's name is not known"
	case errors.As(f.cause, &certificate):
		why = "the centre's certificate is not to be trusted: " + certificate.Err.Error()
	case errors.As(f.cause, new(tls.RecordHeaderError)):
		why = "the centre does not speak TLS there"
	case errors.As(f.cause, &network):
		why = network.Error()
	case errors.Is(f.cause, errNotSMPP), errors.Is(f.cause, errNotBound), errors.Is(f.cause, errSilent), errors.Is(f.cause, errUnbound),
		errors.Is(f.cause, errOurUnbind), errors.Is(f.cause, errHalf), errors.Is(f.cause, errHoarse), errors.Is(f.cause, errNoRoom), f.doing == "hold", f.doing == "connect":
		why = f.cause.Error()
	}
	return "smpp: " + f.doing + ": " + why
}

// Unwrap gives the cause to errors.Is and errors.As.
func (f *failure) Unwrap() error { return f.cause }
