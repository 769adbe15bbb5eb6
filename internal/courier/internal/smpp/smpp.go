// Package smpp carries short messages through an SMS centre, by SMPP 3.4, and says
// truthfully what became of each.
//
// The promise is in [sms.Outcome]. A part is accepted when the centre said so in
// so many bytes; refused or later when it answered no; not written when provably not a
// byte of it was handed to this machine's network; and in every other case the outcome
// is unsure: a connection that broke, an answer that did not come in time, a write that
// stopped half-way. Nothing is ever sent a second time unless the centre said that it
// did not take it.
//
// One session, bound as a transceiver, is kept by [Session.Run]: it enquires, is
// enquired, and binds again when it is lost. [Session.Send] speaks over it or says at
// once that nobody is there: there is no queue here. Receipts and messages from
// telephones are acknowledged once the [sms.Inbox] has taken them, and not before.
//
// PDUs are written with the codec of github.com/linxGnu/gosmpp. They are read by this
// package: the codec cannot read a refusal of a bind that is a header only, and loses a
// whole receipt for one odd field in it. Its session is not used at all: it reports a
// message as submitted that no peer acknowledged.
package smpp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/linxGnu/gosmpp/pdu"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// Kinds of encryption, for [Config.TLS].
const (
	TLS   = "tls"  // encrypted from the first byte
	NoTLS = "none" // plain text, with the password in it
)

// Config says which SMS centre carries our messages, and as whom.
type Config struct {
	Host string // name or address of the centre; the name its certificate must bear
	Port int    // 0 means 2775, 3550 with TLS
	TLS  string // TLS when empty
	// AllowPlain allows NoTLS to another machine than this one. Many centres are
	// reached over a private network or a tunnel and speak nothing else; whoever sets
	// this has made sure that the way there is one.
	AllowPlain bool
	Roots      *x509.CertPool // who may vouch for the centre; the system's when nil

	// SystemID and Password sign us in. The caller reads them from a file or the
	// environment; they are in no error and no log.
	SystemID, Password string
	SystemType         string

	// Source is what telephones show: 3 to 11 letters and digits with a letter among
	// them, a number in E.164, or a short code of 3 to 8 digits.
	Source string

	Window    int     // messages without an answer at any moment; 10 when 0
	PerSecond float64 // 0: as fast as the window allows

	Timeouts Timeouts
	Now      func() time.Time // for State alone; time.Now when nil
	Log      *slog.Logger     // nothing is logged when nil

	// Late, where set, is told when the answer to a message comes that Send had given
	// up waiting for, with what Send would have said. It is called at most once a
	// message, on a goroutine of its own.
	Late func(letter string, r sms.Result)
}

// Timeouts bound the waits. A zero field has the default named beside it.
type Timeouts struct {
	Connect  time.Duration // 10 s: connection and encryption
	Bind     time.Duration // 10 s: the answer to the bind
	Write    time.Duration // 10 s: handing one PDU to the network
	Answer   time.Duration // 30 s: the answer to a message
	Enquire  time.Duration // 30 s: between two enquire_link
	Alive    time.Duration // 10 s: the answer to an enquire_link
	Room     time.Duration // 5 s: how long Send waits for its turn
	Again    time.Duration // 1 s: before the second attempt to connect; doubled from then on
	Most     time.Duration // 1 min: the longest such wait
	Throttle time.Duration // 1 s: pause after a throttling answer; doubled while they go on, up to 32 times
	Farewell time.Duration // 5 s: for answers on their way when Run is told to end
}

// address is an address as SMPP writes it (section 5.2.5 and 5.2.6).
type address struct {
	ton, npi byte
	text     string
}

var (
	alphanumeric = regexp.MustCompile(`^[A-Za-z0-9]{3,11}$`)
	letters      = regexp.MustCompile(`[A-Za-z]`)
	shortCode    = regexp.MustCompile(`^[0-9]{3,8}$`)
	e164         = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// source reads Config.Source.
func source(s string) (address, error) {
	switch {
	case e164.MatchString(s):
		return address{1, 1, s[1:]}, nil
	case shortCode.MatchString(s):
		return address{3, 0, s}, nil
	case alphanumeric.MatchString(s) && letters.MatchString(s):
		return address{5, 0, s}, nil
	}
	return address{}, errors.New("smpp: the sender is 3 to 11 letters and digits with a letter among them, a number like +33639980001, or a short code of 3 to 8 digits")
}

// New checks the configuration and returns a session that is not bound yet. It opens no
// connection.
func New(c Config) (*Session, error) {
	if c.TLS == "" {
		c.TLS = TLS
	}
	if c.Host == "" || strings.ContainsAny(c.Host, " \t\r\n/") || (strings.Contains(c.Host, ":") && net.ParseIP(c.Host) == nil) {
		return nil, fmt.Errorf("smpp: host %q: give the SMS centre's name or address, without a port", c.Host)
	}
	standard := 3550
	switch c.TLS {
	case TLS:
	case NoTLS:
		standard = 2775
		if !c.AllowPlain && !sms.ThisMachine(c.Host) {
			return nil, fmt.Errorf("smpp: host %s without encryption: the password and the messages would be readable on the way; set tls to %q, or allow_plain to true if the way there is a private network or a tunnel", c.Host, TLS)
		}
	default:
		return nil, fmt.Errorf("smpp: tls %q: it is %q or %q", c.TLS, TLS, NoTLS)
	}
	if c.Port == 0 {
		c.Port = standard
	}
	if c.Port < 1 || c.Port > 65535 {
		return nil, fmt.Errorf("smpp: port %d: it is between 1 and 65535", c.Port)
	}
	for what, value := range map[string]string{"system id": c.SystemID, "password": c.Password, "system type": c.SystemType} {
		if len(value) > 64 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return nil, fmt.Errorf("smpp: the %s is at most 64 characters of ASCII", what)
		}
	}
	if c.SystemID == "" {
		return nil, errors.New("smpp: the system id is missing")
	}
	if c.Window == 0 {
		c.Window = 10
	}
	if c.Window < 1 || c.Window > 1000 {
		return nil, fmt.Errorf("smpp: window %d: it is between 1 and 1000", c.Window)
	}
	if c.PerSecond < 0 || c.PerSecond > 10000 {
		return nil, fmt.Errorf("smpp: %g messages a second: it is between 0 and 10000", c.PerSecond)
	}
	from, err := source(c.Source)
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Timeouts.setDefaults()
	return newSession(c, from), nil
}

func (t *Timeouts) setDefaults() {
	for _, one := range []struct {
		field     *time.Duration
		otherwise time.Duration
	}{
		{&t.Connect, 10 * time.Second},
		{&t.Bind, 10 * time.Second},
		{&t.Write, 10 * time.Second},
		{&t.Answer, 30 * time.Second},
		{&t.Enquire, 30 * time.Second},
		{&t.Alive, 10 * time.Second},
		{&t.Room, 5 * time.Second},
		{&t.Again, time.Second},
		{&t.Most, time.Minute},
		{&t.Throttle, time.Second},
		{&t.Farewell, 5 * time.Second},
	} {
		if *one.field <= 0 {
			*one.field = one.otherwise
		}
	}
}

func (c Config) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
}

// bindRequest is the PDU that signs us in.
func (c Config) bindRequest() pdu.PDU {
	b := pdu.NewBindRequest(pdu.Transceiver)
	b.SystemID, b.Password, b.SystemType = c.SystemID, c.Password, c.SystemType
	return b
}
