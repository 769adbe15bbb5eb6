package httpsms

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// mostAnswer bounds an answer, its headers included. A longer one is not understood.
const mostAnswer = 256 << 10

// errTooLate says that the provider could not be told so short a time.
var errTooLate = errors.New("httpsms: too little time is left to tell the provider of it")

// Send makes one attempt to hand the message to the provider.
//
// before is the caller's last look. It is called once, with the connection open and
// nothing of the request written. Its error ends the attempt as NotWritten and is
// found in Result.Err by errors.Is; so does a time that is less than one unit of what
// the provider can be told.
//
// When ctx ends the connection is closed at once: NotWritten before the request,
// Unsure from then on. Give a context that outlives an orderly stop by some seconds.
//
// With an idempotency header, a request whose answer was lost or not understood is
// repeated once, on a new connection, if a timeout still fits in the time that before
// gave. Its bytes are the same, so the lifetime told is shorter by that timeout. Only
// a yes to the repetition counts: its no may be about the repetition alone.
func (p *Provider) Send(ctx context.Context, m sms.Message, before sms.Before) sms.Result {
	if before == nil {
		return sms.Result{Outcome: sms.NotWritten, Err: errors.New("httpsms: no last look given")}
	}
	if err := checkMessage(m); err != nil {
		return sms.Result{Outcome: sms.Refused, Err: err}
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return notWritten(&failure{stage: waiting, cause: err})
	}
	defer leave()
	conn, err := p.dial(ctx, p.address)
	if err != nil {
		return notWritten(&failure{stage: connecting, cause: because(ctx, err)})
	}
	defer conn.Close()
	left, err := before()
	if err != nil {
		return notWritten(fmt.Errorf("httpsms: held back by the last look: %w", err))
	}
	asked := time.Now()
	request, err := p.prepare(m, left)
	if err != nil {
		return notWritten(err)
	}
	if err := context.Cause(ctx); err != nil {
		return notWritten(&failure{stage: connecting, cause: err})
	}
	result := p.judge(p.exchange(ctx, conn, request))
	if result.Outcome != sms.Unsure || p.d.IdempotencyHeader == "" || ctx.Err() != nil || time.Since(asked)+p.config.Timeout > left {
		return result
	}
	again, err := p.dial(ctx, p.address)
	if err != nil {
		return result
	}
	defer again.Close()
	if second := p.judge(p.exchange(ctx, again, request)); second.Outcome == sms.Accepted {
		return second
	}
	return result
}

func notWritten(err error) sms.Result {
	return sms.Result{Outcome: sms.NotWritten, Err: err}
}

// because is the reason why ctx ended, if it did, and err otherwise.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// answer is what came back, whole, or why it did not.
type answer struct {
	status int // 0 when not even that was read
	body   []byte
	err    error // not nil when the answer was not read whole
}

// exchange writes a request and reads its answer, once, within the timeout.
func (p *Provider) exchange(ctx context.Context, conn net.Conn, request []byte) (a answer) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	fail := func(err error) answer {
		a.err = because(ctx, err)
		return a
	}
	if err := conn.SetDeadline(time.Now().Add(p.config.Timeout)); err != nil {
		return fail(err)
	}
	if _, err := conn.Write(request); err != nil {
		return fail(err)
	}
	limited := &io.LimitedReader{R: conn, N: mostAnswer}
	reader := bufio.NewReader(limited)
	for range 5 { // some preliminary answers may come before the answer
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return fail(err)
		}
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		a.status = response.StatusCode
		a.body, err = io.ReadAll(response.Body)
		if limited.N <= 0 {
			err = errors.New("the answer is too long")
		}
		if err != nil {
			return fail(err)
		}
		return a
	}
	return fail(errors.New("preliminary answers only"))
}

// judge says what an answer means.
func (p *Provider) judge(a answer) sms.Result {
	result := sms.Result{Outcome: sms.Unsure}
	if a.status != 0 {
		result.Answer = p.words(a)
	}
	if a.err != nil {
		result.Err = &failure{stage: answering, status: a.status, cause: a.err}
		return result
	}
	said := reading{status: a.status, body: a.body, tree: parseJSON(a.body)}
	id, yes := p.d.Accept.holds(said)
	var no sms.Outcome
	for _, rule := range p.d.Refuse {
		if rule.holds(said) {
			no = map[string]sms.Outcome{"refused": sms.Refused, "later": sms.Later}[rule.Then]
			break
		}
	}
	switch {
	case yes && no == sms.Unsure:
		return sms.Result{Outcome: sms.Accepted, Parts: []string{id}, Answer: result.Answer}
	case no != sms.Unsure && !yes:
		result.Outcome = no
		result.Err = &failure{stage: answering, status: a.status}
	default:
		result.Err = &failure{stage: answering, status: a.status, cause: errNotUnderstood}
	}
	return result
}

var errNotUnderstood = errors.New("the answer is not one that the description knows")

// words is the provider's answer as one short line, without our secrets.
func (p *Provider) words(a answer) string {
	said := fmt.Sprintf("%d %s", a.status, a.body[:min(len(a.body), 4096)])
	for _, name := range p.d.Auth.secrets() {
		said = strings.ReplaceAll(said, p.config.Secrets[name], "…")
	}
	if secret := p.config.Secrets[callbackSecret]; secret != "" {
		said = strings.ReplaceAll(said, secret, "…")
	}
	return sms.OneLine(said, 200)
}

// stage is how far an attempt came.
type stage string

const (
	waiting    stage = "waiting for room"
	connecting stage = "connecting"
	preparing  stage = "preparing"
	answering  stage = "answer"
)

// failure is an error whose text is safe to log: the stage, the status and the kind of
// trouble, without the provider's words and without the request's address, which may
// hold a number and a secret.
type failure struct {
	stage  stage
	status int
	cause  error
}

// Error says at which stage and why.
func (f *failure) Error() string {
	text := "httpsms: " + string(f.stage)
	if f.status != 0 {
		text += fmt.Sprintf(" %d", f.status)
	}
	if f.cause == nil {
		return text
	}
	return text + ": " + f.reason()
}

func (f *failure) reason() string {
	var network *net.OpError
	switch {
	case errors.Is(f.cause, context.Canceled):
		return "stopped by us"
	case errors.Is(f.cause, context.DeadlineExceeded), errors.Is(f.cause, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.Is(f.cause, errNotUnderstood):
		return errNotUnderstood.Error()
	case errors.Is(f.cause, io.EOF), errors.Is(f.cause, io.ErrUnexpectedEOF):
		return "the provider closed the connection"
	case errors.As(f.cause, &network):
		return network.Error()
	case f.stage == connecting:
		return f.cause.Error() // of the resolver and of crypto/tls; nothing was said yet
	case f.stage == preparing:
		return "a header or an address is not valid"
	}
	return "the answer is not HTTP or was cut short"
}

// Unwrap gives the cause to errors.Is and errors.As.
func (f *failure) Unwrap() error { return f.cause }
