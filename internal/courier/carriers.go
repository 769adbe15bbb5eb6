package courier

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/bounce"
	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/courier/internal/smtp"
	"github.com/preau-ent/preau/internal/directory"
)

// Carriers are the ways out that this installation has.
type Carriers struct {
	by       map[directory.Channel][]*account
	exercise *account        // takes what a rehearsal writes, whatever carriers there are
	domain   string          // of Message-IDs
	box      *bounce.Mailbox // where bounces arrive; nil: they are not read
}

// Pretend is every channel with its last metre pretended: nothing leaves, each letter
// is as if it had. It is what an empty configuration gives.
func Pretend() Carriers {
	one := func() []*account { return []*account{pretending()} }
	return Carriers{by: map[directory.Channel][]*account{directory.Email: one(), directory.SMS: one()}, exercise: pretending(), domain: "preau.invalid"}
}

// pretendName is the account of what does not leave; no carrier file has this name.
const pretendName = "pretend"

func pretending() *account {
	return &account{name: pretendName, provider: pretendName, weight: 1, carrier: pretend{}}
}

// Has tells whether a channel has a carrier, real or pretended.
func (c Carriers) Has(ch directory.Channel) bool { return len(c.by[ch]) > 0 }

// Replies tells whether a family can answer a message of this channel by a message,
// whichever account carries it.
func (c Carriers) Replies(ch directory.Channel) bool {
	return c.Has(ch) && !slices.ContainsFunc(c.by[ch], func(a *account) bool { return !a.replies })
}

// Pretended tells whether nothing can leave.
func (c Carriers) Pretended() bool {
	for _, a := range c.all() {
		if _, ok := a.carrier.(pretend); !ok {
			return false
		}
	}
	return true
}

// Nearby tells whether no letter can go farther than this machine: every account is
// pretended, or an SMS centre or mail server on its loopback.
func (c Carriers) Nearby() bool {
	return !slices.ContainsFunc(c.all(), func(a *account) bool {
		_, pretended := a.carrier.(pretend)
		return !pretended && !a.nearby
	})
}

// Names lists which accounts each channel has.
func (c Carriers) Names() map[directory.Channel][]string {
	out := map[directory.Channel][]string{}
	for ch, accounts := range c.by {
		for _, a := range accounts {
			out[ch] = append(out[ch], a.name)
		}
	}
	return out
}

// all lists every account, e-mail first.
func (c Carriers) all() []*account {
	return slices.Concat(c.by[directory.Email], c.by[directory.SMS])
}

// named gives an account by its name; nil: there is none.
func (c Carriers) named(name string) *account {
	for _, a := range c.all() {
		if a.name == name {
			return a
		}
	}
	return nil
}

// giveReceipts lists the accounts that say later whether a message arrived.
func (c Carriers) giveReceipts() []string {
	var names []string
	for _, a := range c.all() {
		if a.receipts {
			names = append(names, a.name)
		}
	}
	return names
}

// pretend is a carrier whose last metre is not there.
type pretend struct{}

func (pretend) room() int                { return mostAtOnce }
func (pretend) changed() <-chan struct{} { return nil }

func (pretend) send(_ context.Context, _ Errand, before sms.Before) Result {
	if _, err := before(); err != nil {
		return Result{Outcome: NotWritten, Answer: err.Error()}
	}
	return Result{Outcome: Accepted, Answer: "pretended"}
}

// byMail is a mail server. It has its connections, one a letter.
type byMail struct {
	*smtp.Carrier
	dkim    smtp.DKIM
	signsIn bool
	mu      sync.Mutex
	busy    int
	freed   chan struct{}
	token   func(l Letter) string // of the address that the letter's bounces go to; nil: the sender's
}

// mailConnections are open at once to the mail server: most servers refuse a client more
// than a few.
const mailConnections = 4

func newByMail(c *smtp.Carrier) *byMail { return &byMail{Carrier: c, freed: make(chan struct{}, 1)} }

func (c *byMail) changed() <-chan struct{} { return c.freed }

func (c *byMail) room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return mailConnections - c.busy
}

func (c *byMail) count(n int) {
	c.mu.Lock()
	c.busy += n
	c.mu.Unlock()
	if n < 0 {
		select {
		case c.freed <- struct{}{}:
		default:
		}
	}
}

func (c *byMail) send(ctx context.Context, e Errand, before sms.Before) Result {
	c.count(1)
	defer c.count(-1)
	l := smtp.Letter{MessageID: e.Letter.MessageID, To: e.Address, Subject: e.Letter.Subject, Text: e.Letter.Body, Lang: e.Letter.Lang, Date: e.Letter.CreatedAt}
	if c.token != nil {
		l.ReturnToken = c.token(e.Letter)
	}
	r := c.Send(ctx, l, func() error { _, err := before(); return err })
	out := Result{Answer: r.Answer}
	if out.Answer == "" && r.Err != nil {
		out.Answer = r.Err.Error()
	}
	switch r.Outcome {
	case smtp.Accepted:
		out.Outcome = Accepted
	case smtp.Refused:
		out.Outcome = RefusedByAll
	case smtp.Later:
		out.Outcome = Later
	case smtp.NotWritten:
		out.Outcome = NotWritten
	default:
		out.Outcome = NoAnswer
	}
	return out
}

// provider is what a carrier of short messages is, by SMPP or over HTTP.
type provider interface {
	Send(ctx context.Context, m sms.Message, before sms.Before) sms.Result
	Room() int
	Changed() <-chan struct{}
	Check(ctx context.Context) error
}

// bySMS is a carrier of short messages.
type bySMS struct{ provider }

func (c bySMS) room() int                { return c.Room() }
func (c bySMS) changed() <-chan struct{} { return c.Changed() }

func (c bySMS) send(ctx context.Context, e Errand, before sms.Before) Result {
	return fromSMS(c.Send(ctx, sms.Message{Letter: e.Letter.ID, To: e.Address, Text: e.Letter.Body, Reference: e.reference}, before))
}

// fromSMS is a result of a carrier of short messages in the courier's words.
func fromSMS(r sms.Result) Result {
	out := Result{Answer: r.Answer, Parts: r.Parts}
	if out.Answer == "" && r.Err != nil {
		out.Answer = r.Err.Error()
	}
	switch r.Outcome {
	case sms.Accepted:
		out.Outcome = Accepted
	case sms.Refused:
		out.Outcome = RefusedByAll
	case sms.Later:
		out.Outcome = Later
	case sms.NotWritten:
		out.Outcome = NotWritten
	default:
		out.Outcome = NoAnswer
	}
	return out
}

// minLife is the least time that a short message must have left to be worth handing to a
// carrier: less than that is not kept by many of them (sending.md C4).
const minLife = 2 * time.Minute
