// Package smtp carries one letter to one mailbox through a mail server, and says
// truthfully what became of it.
//
// The promise is in [Outcome]. A letter is Accepted only when the server said so;
// NotWritten only when not a byte of it left; and whenever the server may have
// taken it without our hearing the answer, the outcome is Unsure: never "failed",
// never "try again". An answer counts, whatever breaks afterwards.
//
// One connection, one transaction, one recipient for each letter, so that no
// family ever sees another's address and no outcome is shared. The package knows
// nothing of our database: the caller has committed that the letter is leaving,
// and gives a last check that is called when everything but the content has been
// said. There is no queue here and no second attempt.
//
// SMTP tells nobody how long a letter is worth delivering (RFC 2852 does, and
// servers do not), so that last check is the last word on expiry: a relay that
// accepted may still deliver late.
//
// The conversation is held with github.com/wneessen/go-mail: its Client connects,
// encrypts and signs in; its Msg renders. The transaction itself is spoken
// command by command on its smtp.Client, because Client.Send has no moment
// between RCPT and DATA, sends RSET after an accepted letter and then reports an
// error for it, and reads the class of an error from the first letter of its text.
package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Kinds of encryption, for [Config.TLS].
const (
	StartTLS = "starttls" // plain text first, then encrypted or not at all (RFC 3207)
	TLS      = "tls"      // encrypted from the first byte (RFC 8314)
	NoTLS    = "none"     // plain text; on this machine only
)

// Config says which mail server carries our letters, and as whom.
type Config struct {
	Host string // name or address of the server; the name its certificate must bear
	Port int    // 0 means 587 for StartTLS, 465 for TLS, 25 for NoTLS
	TLS  string // StartTLS when empty; NoTLS is refused for any host but this machine

	// Username and Password sign us in when Username is not empty, by
	// SCRAM-SHA-256, PLAIN or LOGIN. The caller reads them from a file or the
	// environment; they are in no error and no log.
	Username, Password string

	From     string         // the sender's address, also the return path of letters without a token
	FromName string         // the sender's name as people see it
	HELO     string         // our name in EHLO; the machine's own when empty
	Roots    *x509.CertPool // who may vouch for the server; the system's when nil

	// Return is the address that bounces go to, with a star for the letter's token:
	// "retour+*@ent.example". When empty they go to From.
	Return string
	DKIM   DKIM

	Timeouts Timeouts
}

// Timeouts bound the waits. A zero field has the default named beside it.
type Timeouts struct {
	Connect time.Duration // 30 s: connection, greeting, encryption and sign-in together
	Command time.Duration // 1 min: each of MAIL, RCPT, DATA, and writing the content
	// Answer is the wait for the answer to the final dot, 10 min. RFC 5321 section
	// 4.5.3.2.6 asks for at least that: who hangs up sooner makes duplicates.
	Answer time.Duration
}

// Letter is one e-mail to one person.
type Letter struct {
	// MessageID is chosen by the caller, "<id@domain>" or without the brackets. A
	// second attempt of the same letter has the same one, so that mailboxes show it once.
	MessageID string
	To        string // one address, bare: user@domain.example
	Subject   string // one line
	Text      string // plain text, any line endings
	Lang      string // BCP 47 tag of the text, such as "fr"; none when empty
	Date      time.Time
	// ReturnToken replaces the star of Config.Return, so that the address a bounce comes
	// to tells which letter bounced: 1 to 40 of A-Z, 0-9 and "-", not to be guessed.
	// Without a token, or without Config.Return, bounces go to Config.From.
	ReturnToken string
}

// Carrier speaks with one mail server. It holds no connection and is safe for
// use by several goroutines at once.
type Carrier struct {
	config Config
	// slowData is how long the server may take over DATA before the last check is
	// repeated: what was true a second ago is true enough.
	slowData time.Duration
}

// New checks the configuration and returns a carrier. It opens no connection.
func New(c Config) (*Carrier, error) {
	if c.TLS == "" {
		c.TLS = StartTLS
	}
	if !hostLike(c.Host) {
		return nil, fmt.Errorf("smtp: host %q: give the mail server's name or address, without a port", c.Host)
	}
	standard := 0
	switch c.TLS {
	case StartTLS:
		standard = 587
	case TLS:
		standard = 465
	case NoTLS:
		standard = 25
		if !thisMachine(c.Host) {
			return nil, fmt.Errorf("smtp: host %s without encryption: only 127.0.0.1, ::1 and localhost may be spoken to in plain text; set tls to %q or %q", c.Host, StartTLS, TLS)
		}
	default:
		return nil, fmt.Errorf("smtp: tls %q: it is %q, %q or %q", c.TLS, StartTLS, TLS, NoTLS)
	}
	if c.Port == 0 {
		c.Port = standard
	}
	if c.Port < 1 || c.Port > 65535 {
		return nil, fmt.Errorf("smtp: port %d: it is between 1 and 65535", c.Port)
	}
	if err := checkAddress(c.From); err != nil {
		return nil, fmt.Errorf("smtp: sender's address %q: %w", c.From, err)
	}
	if err := oneLine(c.FromName); err != nil {
		return nil, fmt.Errorf("smtp: sender's name: %w", err)
	}
	if c.Return != "" {
		if err := checkReturn(c.Return, domainOf(c.From)); err != nil {
			return nil, fmt.Errorf("smtp: %w", err)
		}
	}
	if d := c.DKIM; d.Key != nil || d.Domain != "" || d.Selector != "" {
		if c.DKIM.Domain == "" {
			c.DKIM.Domain = domainOf(c.From)
		}
		if err := c.DKIM.check(domainOf(c.From)); err != nil {
			return nil, fmt.Errorf("smtp: %w", err)
		}
	}
	if c.HELO != "" && !hostLike(c.HELO) {
		return nil, fmt.Errorf("smtp: helo %q: it is a host name", c.HELO)
	}
	if c.Username == "" && c.Password != "" {
		return nil, errors.New("smtp: a password without a user name")
	}
	if c.Timeouts.Connect <= 0 {
		c.Timeouts.Connect = 30 * time.Second
	}
	if c.Timeouts.Command <= 0 {
		c.Timeouts.Command = time.Minute
	}
	if c.Timeouts.Answer <= 0 {
		c.Timeouts.Answer = 10 * time.Minute
	}
	return &Carrier{config: c, slowData: time.Second}, nil
}

// client returns a fresh go-mail client, which must not be shared: signing in
// changes it. dial is called instead of its own dialling.
func (c *Carrier) client(dial mail.DialContextFunc) (*mail.Client, error) {
	o := c.config
	options := []mail.Option{
		mail.WithPort(o.Port),
		mail.WithTimeout(o.Timeouts.Connect),
		mail.WithTLSConfig(c.tlsConfig()),
		mail.WithDialContextFunc(dial),
		mail.WithoutNoop(),
		mail.WithoutSMTPUTF8(), // addresses are ASCII, see checkAddress
	}
	switch o.TLS {
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case TLS:
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if o.HELO != "" {
		options = append(options, mail.WithHELO(o.HELO))
	}
	if o.Username != "" {
		options = append(options,
			mail.WithUsername(o.Username), mail.WithPassword(o.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(o.Host, options...)
}

func (c *Carrier) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.config.Host, RootCAs: c.config.Roots, MinVersion: tls.VersionTLS12}
}

// dial opens the connection; for TLS it is a *tls.Conn, by whose type go-mail
// knows that the line is encrypted.
func (c *Carrier) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if c.config.TLS == TLS {
		return (&tls.Dialer{Config: c.tlsConfig()}).DialContext(ctx, network, address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// thisMachine reports whether host can only be the machine we run on.
func thisMachine(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
