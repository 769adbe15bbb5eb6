package smtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"strings"
	"time"
	"unicode"

	gosmtp "github.com/wneessen/go-mail/smtp"
)

// Outcome is what is known of a letter after an attempt.
type Outcome int

const (
	// Unsure: content may have been taken and no answer came. It may be with the
	// family or not; nobody can know. It is the zero value, so that a forgotten
	// outcome is never an invitation to send again.
	Unsure Outcome = iota
	// NotWritten: not a byte of the letter left this machine, or the server was
	// left before it spoke about this letter. It may be tried again.
	NotWritten
	// Accepted: the server answered 2xx after the content. Nothing that breaks
	// afterwards changes that. Accepted is not yet delivered.
	Accepted
	// Refused: the server answered 5xx to this letter. Final.
	Refused
	// Later: the server answered 4xx to this letter and did not take it. It may be
	// tried again after a pause.
	Later
)

// String returns the outcome's name, as journals and logs have it.
func (o Outcome) String() string {
	switch o {
	case NotWritten:
		return "not written"
	case Accepted:
		return "accepted"
	case Refused:
		return "refused"
	case Later:
		return "later"
	default:
		return "unsure"
	}
}

// Stage is how far a conversation came.
type Stage string

// The stages, in order. Up to StageData nothing of the letter has left.
const (
	StageLetter  Stage = "letter"  // the letter itself cannot be sent; nobody was called
	StageConnect Stage = "connect" // connection, greeting, encryption, sign-in
	StageMail    Stage = "mail"    // MAIL FROM
	StageRcpt    Stage = "rcpt"    // RCPT TO
	StageCheck   Stage = "check"   // the caller's last check said no
	StageData    Stage = "data"    // DATA, no 354 came
	StageContent Stage = "content" // writing the content
	StageAnswer  Stage = "answer"  // waiting for the answer to the final dot
)

// Result is what became of one attempt.
type Result struct {
	Outcome Outcome
	Stage   Stage // how far it came; StageAnswer when Accepted
	Code    int   // the server's answer, 0 when it gave none
	// Answer is the server's words, one line of at most 200 characters. Servers
	// like to repeat the address in them: keep them with the letter, never in a log.
	Answer string
	// Err is nil only when Accepted. Its text carries neither addresses nor the
	// server's words, so it may be logged.
	Err error
}

// farewell bounds what is said after the outcome is known, which changes nothing.
const farewell = 5 * time.Second

// Send makes one attempt to hand the letter to the mail server.
//
// before is the caller's last look at stop and expiry. It is called with MAIL and
// RCPT accepted, immediately before DATA, and once more when the server took over
// a second to answer DATA; it must have no effect of its own. Its error ends the
// attempt as NotWritten at StageCheck and is found in Result.Err by errors.Is.
//
// When ctx ends the connection is closed at once: NotWritten before the content,
// Unsure from then on. Give a context that outlives an orderly stop by some
// seconds, since most servers answer in less.
func (c *Carrier) Send(ctx context.Context, l Letter, before func() error) Result {
	if before == nil {
		return Result{Outcome: NotWritten, Stage: StageLetter, Err: errors.New("smtp: no last check given")}
	}
	content, err := c.Render(l)
	if err != nil {
		// It will not get better: what refuses is we ourselves, before calling anybody.
		return Result{Outcome: Refused, Stage: StageLetter, Err: err}
	}
	returnPath, err := c.returnPath(l)
	if err != nil {
		return Result{Outcome: Refused, Stage: StageLetter, Err: fmt.Errorf("smtp: letter: %w", err)}
	}

	line, hangUp, err := c.connect(ctx)
	if err != nil {
		// Whatever the server said, it was about us, not about this letter.
		return failed(ctx, NotWritten, StageConnect, err)
	}
	result := c.transact(ctx, line, "<"+returnPath+">", "<"+l.To+">", content, before)
	hangUp(result.Code != 0 || result.Stage == StageCheck)
	return result
}

// transact speaks one transaction. returnPath and to are in angle brackets.
func (c *Carrier) transact(ctx context.Context, line *gosmtp.Client, returnPath, to string, content []byte, before func() error) Result {
	limits := c.config.Timeouts
	if err := command(ctx, line, limits.Command, func() error { return line.Mail(returnPath) }); err != nil {
		return refusedOr(ctx, NotWritten, StageMail, err)
	}
	if err := command(ctx, line, limits.Command, func() error { return line.Rcpt(to) }); err != nil {
		return refusedOr(ctx, NotWritten, StageRcpt, err)
	}
	if err := before(); err != nil {
		return heldBack(err)
	}

	var writer io.WriteCloser
	asked := time.Now()
	err := command(ctx, line, limits.Command, func() (err error) { writer, err = line.Data(); return err })
	if err != nil {
		// Without 354 not a byte of content has been written.
		return refusedOr(ctx, NotWritten, StageData, err)
	}
	if time.Since(asked) > c.slowData {
		if err := before(); err != nil {
			// Only hanging up ends a DATA without a letter: a server that meets the end
			// of the connection before the final dot drops the transaction (RFC 5321, 3.8).
			_ = line.Close()
			return heldBack(err)
		}
	}

	err = command(ctx, line, limits.Command, func() error { _, err := writer.Write(content); return err })
	if err != nil {
		// The server stopped reading. One that refuses early says why before it hangs
		// up; anything else it may say cannot be about a letter it has not got whole.
		answer := command(ctx, line, farewell, writer.Close)
		if code, _ := answerOf(answer); code >= 400 {
			err = answer
		}
		return refusedOr(ctx, Unsure, StageContent, err)
	}
	// Close writes what is still buffered and the final dot, and reads the answer.
	if err := command(ctx, line, limits.Answer, writer.Close); err != nil {
		return refusedOr(ctx, Unsure, StageAnswer, err)
	}
	// The answer is 250. From here on nothing can make it less.
	result := Result{Outcome: Accepted, Stage: StageAnswer, Code: 250}
	if said, ok := writer.(*gosmtp.DataCloser); ok {
		result.Answer = oneShortLine(said.ServerResponse())
	}
	return result
}

// heldBack is the result when the caller's last check said no.
func heldBack(err error) Result {
	return Result{Outcome: NotWritten, Stage: StageCheck, Err: fmt.Errorf("smtp: held back by the last check: %w", err)}
}

// Check connects, encrypts, signs in and leaves; it sends nothing. Its error says
// in words what is wrong, with the server's own words, which at this point are
// about us and nobody else.
func (c *Carrier) Check(ctx context.Context) error {
	_, hangUp, err := c.connect(ctx)
	if err != nil {
		code, words := answerOf(err)
		return fmt.Errorf("smtp: %s port %d: %w%s", c.config.Host, c.config.Port,
			&failure{stage: StageConnect, code: code, cause: err}, strings.TrimRight(": "+words, ": "))
	}
	hangUp(true)
	return nil
}

// connect opens a conversation up to the sign-in. hangUp closes it, with a QUIT
// first when the server is in a state to read one. Until then the end of ctx
// closes it too.
//
// The answer to QUIT is not waited for: until the caller has written the outcome
// down, a crash turns it into Unsure, and a slow 221 would only lengthen that.
func (c *Carrier) connect(ctx context.Context) (line *gosmtp.Client, hangUp func(quit bool), err error) {
	var conn net.Conn
	stop := func() bool { return true }
	client, err := c.client(func(dialling context.Context, network, address string) (net.Conn, error) {
		opened, err := c.dial(dialling, network, address)
		if err == nil {
			conn, stop = opened, context.AfterFunc(ctx, func() { _ = opened.Close() })
		}
		return opened, err
	})
	if err != nil {
		return nil, nil, err
	}
	line, err = client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		stop()
		if conn != nil { // go-mail leaves it open when the greeting or the sign-in fails
			_ = conn.Close()
		}
		return nil, nil, err
	}
	return line, func(quit bool) {
		if quit && line.HasConnection() && line.UpdateDeadline(farewell) == nil {
			_, _ = line.Text.Cmd("QUIT")
		}
		stop()
		_ = conn.Close()
	}, nil
}

// command does one step of the conversation within a time.
func command(ctx context.Context, line *gosmtp.Client, limit time.Duration, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := line.UpdateDeadline(limit); err != nil {
		return err
	}
	return do()
}

// refusedOr is Refused or Later when the server gave its answer to this letter in
// so many digits, and otherwise what silence means at this stage.
func refusedOr(ctx context.Context, silence Outcome, stage Stage, err error) Result {
	code, _ := answerOf(err)
	switch code / 100 {
	case 2:
		// Another 2xx than the expected one. Before the content it says nothing about
		// the letter; after it, RFC 5321 section 4.2.1 makes the first digit decide.
		if stage == StageAnswer {
			r := failed(ctx, Accepted, stage, err)
			r.Err = nil
			return r
		}
	case 4:
		return failed(ctx, Later, stage, err)
	case 5:
		return failed(ctx, Refused, stage, err)
	}
	return failed(ctx, silence, stage, err)
}

// failed builds the result of an attempt that ended with err.
func failed(ctx context.Context, outcome Outcome, stage Stage, err error) Result {
	code, words := answerOf(err)
	if ended := context.Cause(ctx); ended != nil && code == 0 {
		err = ended
	}
	return Result{Outcome: outcome, Stage: stage, Code: code, Answer: words,
		Err: &failure{stage: stage, code: code, cause: err}}
}

// answerOf returns the code and the words of a server's answer in err, or 0.
func answerOf(err error) (code int, words string) {
	var answer *textproto.Error
	if !errors.As(err, &answer) || answer.Code < 200 || answer.Code > 599 {
		return 0, ""
	}
	return answer.Code, oneShortLine(answer.Msg)
}

// failure is an error whose text is safe to log: the stage, the code and the kind
// of trouble, without the words of the server, which may hold an address.
type failure struct {
	stage Stage
	code  int
	cause error
}

// Error says at which stage and why.
func (f *failure) Error() string {
	return "smtp: " + string(f.stage) + ": " + f.reason()
}

func (f *failure) reason() string {
	var network *net.OpError
	switch {
	case f.code != 0:
		return fmt.Sprintf("answered %d", f.code)
	case errors.Is(f.cause, context.Canceled):
		return "stopped by us"
	case errors.Is(f.cause, context.DeadlineExceeded), errors.Is(f.cause, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.Is(f.cause, io.EOF), errors.Is(f.cause, io.ErrUnexpectedEOF):
		return "the server closed the connection"
	case errors.As(f.cause, new(textproto.ProtocolError)):
		return "the answer is not SMTP"
	case errors.As(f.cause, &network):
		return network.Error()
	case f.stage == StageConnect:
		// Encryption and sign-in: go-mail's and crypto/tls's own words, no address yet.
		return f.cause.Error()
	default:
		return "the connection failed"
	}
}

// Unwrap gives the cause to errors.Is and errors.As.
func (f *failure) Unwrap() error { return f.cause }

// oneShortLine makes somebody else's words safe to keep: one line, printable, at
// most 200 characters.
func oneShortLine(words string) string {
	words = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(words, " "))
	runes := []rune(strings.Join(strings.Fields(words), " "))
	if len(runes) > 200 {
		runes = append(runes[:199], '…')
	}
	return string(runes)
}
