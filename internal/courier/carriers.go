package courier

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"strings"

	"github.com/preau-ent/preau/internal/courier/internal/smtp"
	"github.com/preau-ent/preau/internal/directory"
)

// Mail says which mail server carries e-mail. With an empty Host there is none.
type Mail struct {
	Host     string
	Port     int
	TLS      string // starttls (default), tls, none (this machine only)
	Username string
	Password string
	From     string // the sender's address
	FromName string
	Roots    string // a PEM file of who may vouch for the server; empty: the system's
}

// Carriers are the ways out that this installation has.
type Carriers struct {
	by     map[directory.Channel]carrier
	domain string // of Message-IDs
}

// Pretend is every channel with its last metre pretended: nothing leaves, each letter
// is as if it had. It is what an empty configuration gives.
func Pretend() Carriers {
	return Carriers{by: map[directory.Channel]carrier{directory.Email: pretend{}, directory.SMS: pretend{}}, domain: "preau.invalid"}
}

// Real is the carriers of a configuration: e-mail by SMTP. A channel without a carrier
// sends nothing; its families are telephoned.
func Real(m Mail) (Carriers, error) {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return Carriers{}, fmt.Errorf("courier: the sender's address %q is not one", m.From)
	}
	conf := smtp.Config{Host: m.Host, Port: m.Port, TLS: m.TLS, Username: m.Username, Password: m.Password, From: from.Address, FromName: m.FromName}
	if m.Roots != "" {
		pem, err := os.ReadFile(m.Roots)
		if err != nil {
			return Carriers{}, fmt.Errorf("courier: certificates: %w", err)
		}
		conf.Roots = x509.NewCertPool()
		if !conf.Roots.AppendCertsFromPEM(pem) {
			return Carriers{}, errors.New("courier: no certificate in " + m.Roots)
		}
	}
	c, err := smtp.New(conf)
	if err != nil {
		return Carriers{}, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return Carriers{by: map[directory.Channel]carrier{directory.Email: bySMTP{c}}, domain: domain}, nil
}

// Has tells whether a channel has a carrier, real or pretended.
func (c Carriers) Has(ch directory.Channel) bool { return c.by[ch] != nil }

// Replies tells whether a family can answer a message of this channel by a message.
func (c Carriers) Replies(directory.Channel) bool { return false }

// Pretended tells whether nothing can leave.
func (c Carriers) Pretended() bool {
	for _, one := range c.by {
		if _, ok := one.(pretend); !ok {
			return false
		}
	}
	return true
}

// Names lists, for doctor, which carrier each channel has.
func (c Carriers) Names() map[directory.Channel]string {
	out := map[directory.Channel]string{}
	for ch, one := range c.by {
		out[ch] = one.name()
	}
	return out
}

// pretend is a carrier whose last metre is not there.
type pretend struct{}

func (pretend) name() string { return "pretend" }

func (pretend) send(_ context.Context, _ Errand, before func() error) Result {
	if err := before(); err != nil {
		return Result{Outcome: NotWritten, Answer: err.Error()}
	}
	return Result{Outcome: Accepted, Answer: "pretended"}
}

// bySMTP is a mail server.
type bySMTP struct{ *smtp.Carrier }

func (bySMTP) name() string { return "smtp" }

func (c bySMTP) send(ctx context.Context, e Errand, before func() error) Result {
	r := c.Send(ctx, smtp.Letter{MessageID: e.Letter.MessageID, To: e.Address, Subject: e.Letter.Subject, Text: e.Letter.Body,
		Lang: e.Letter.Lang, Date: e.Letter.CreatedAt}, before)
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
