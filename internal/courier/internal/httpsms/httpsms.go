// Package httpsms carries one short message through a provider's HTTP interface, as a
// [Description] says, and says truthfully what became of it.
//
// The promise is in [sms.Outcome]. A message is Accepted only when the whole answer
// is the yes that the description knows; Refused or Later only when it is a no that
// the description knows; NotWritten only when the request was not begun. Everything
// else is Unsure: no answer in time, a reset, a redirection, an error of the server, a
// yes with something unreadable after it, an answer that is both yes and no.
//
// One connection, one request, one recipient for each message. The request is written
// and the answer read here, not by http.Client: that one repeats a request silently
// when a connection that it kept turns out to be closed, follows redirections and
// obeys proxies of the environment. Nothing here does.
//
// A provider that documents an idempotency header is asked once more, with the same
// bytes, when its answer was lost: see [Provider.Send].
package httpsms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// Config says which provider carries our messages, and as whom.
type Config struct {
	Description Description       // from Parse
	Secrets     map[string]string // by the names that the description uses, and "callback"
	Source      string            // the sender that people see
	// CallbackURL is where the provider calls us; its last segment is the secret
	// named "callback". Empty when nobody can call: {callback} is then left out.
	CallbackURL string
	Roots       *x509.CertPool   // who may vouch for the provider; the system's when nil
	Now         func() time.Time // for what the provider is told of the time; time.Now when nil
	// Timeout bounds the connection, and then each request and its answer; 30 s when 0.
	Timeout time.Duration
}

// Provider speaks with one provider. It is safe for use by several goroutines at once.
type Provider struct {
	d       Description
	config  Config
	address *url.URL

	more chan struct{} // has a token when there may be more room

	mu      sync.Mutex
	flying  int           // requests under way
	recent  int           // begun less than a second ago
	changed chan struct{} // closed and replaced when there may be more room
}

// New checks the configuration and returns a provider. It opens no connection.
func New(c Config) (*Provider, error) {
	d := c.Description
	if !d.ready {
		return nil, errors.New("httpsms: the description was not read by Parse")
	}
	for _, name := range slices.Concat(d.Auth.secrets(), d.Callback.secrets()) {
		secret := c.Secrets[name]
		if secret == "" {
			return nil, fmt.Errorf("httpsms: the secret %q is missing: give it under secrets, as a file or a variable of the environment", name)
		}
		if !printable(secret) || strings.TrimSpace(secret) != secret {
			return nil, fmt.Errorf("httpsms: the secret %q is not one line of plain ASCII without spaces around it", name)
		}
	}
	if d.Callback != nil {
		if secret := c.Secrets[callbackSecret]; len(secret) < 20 || strings.Trim(secret, segmentSigns) != "" {
			return nil, fmt.Errorf("httpsms: the secret %q is part of an address: at least 20 letters and digits, made by a machine", callbackSecret)
		}
	}
	if d.body.uses("from") && c.Source == "" {
		return nil, errors.New("httpsms: the description sends {from}, and the carrier has no sender")
	}
	if !printable(c.Source) || len(c.Source) > 20 {
		return nil, errors.New("httpsms: the sender has at most 20 characters of plain ASCII")
	}
	if c.CallbackURL != "" {
		u, err := url.Parse(c.CallbackURL)
		if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || !printable(c.CallbackURL) ||
			(u.Scheme != "https" && (u.Scheme != "http" || !sms.ThisMachine(u.Hostname()))) {
			return nil, errors.New("httpsms: the address of callbacks is of the form https://site/carriers/NAME/SECRET")
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	address, err := url.Parse(d.URL)
	if err != nil {
		return nil, errors.New("httpsms: the provider's address cannot be read")
	}
	return &Provider{d: d, config: c, address: address, more: make(chan struct{}, 1), changed: make(chan struct{})}, nil
}

// Room says how many messages may be given to Send now without waiting. With 0 a
// message is better not claimed yet.
func (p *Provider) Room() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.room()
}

func (p *Provider) room() int {
	return max(0, min(p.d.Window-p.flying, p.d.PerSecond-p.recent))
}

// Changed gets a token whenever Room may have grown. It is for one who waits: a token
// that was taken is gone.
func (p *Provider) Changed() <-chan struct{} { return p.more }

// enter waits for room and takes a place, which leave gives back. A place counts for
// the pace of a second from when it was taken.
func (p *Provider) enter(ctx context.Context) (leave func(), err error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		p.mu.Lock()
		if p.room() > 0 {
			p.flying++
			p.recent++
			p.mu.Unlock()
			time.AfterFunc(time.Second, func() { p.free(&p.recent) })
			return func() { p.free(&p.flying) }, nil
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// free gives back one of what is counted.
func (p *Provider) free(counter *int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*counter--
	close(p.changed)
	p.changed = make(chan struct{})
	select {
	case p.more <- struct{}{}:
	default: // the last one was not taken yet
	}
}

// dial connects to address and, for https, encrypts. The end of ctx ends it.
func (p *Provider) dial(ctx context.Context, address *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.Timeout)
	defer cancel()
	port := address.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[address.Scheme]
	}
	target := net.JoinHostPort(address.Hostname(), port)
	if address.Scheme == "https" {
		secure := &tls.Config{ServerName: address.Hostname(), RootCAs: p.config.Roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
		return (&tls.Dialer{Config: secure}).DialContext(ctx, "tcp", target)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", target)
}

// Check sends no message: it resolves, connects and encrypts, and signs in when the
// description has a request for that. Its error says in words what is wrong, with the
// provider's own words, which at this point are about us and nobody else.
func (p *Provider) Check(ctx context.Context) error {
	address := p.address
	if p.d.Check != nil {
		var err error
		if address, err = url.Parse(p.d.Check.URL); err != nil {
			return errors.New("httpsms: http.check.url cannot be read")
		}
	}
	conn, err := p.dial(ctx, address)
	if err != nil {
		return fmt.Errorf("httpsms: %s: %w", address.Host, &failure{stage: connecting, cause: err})
	}
	defer conn.Close()
	if p.d.Check == nil {
		return nil
	}
	request, err := p.request(http.MethodGet, address, nil, http.Header{})
	if err != nil {
		return err
	}
	a := p.exchange(ctx, conn, request)
	switch {
	case a.err != nil:
		return fmt.Errorf("httpsms: %s: %w", address.Host, &failure{stage: answering, cause: a.err})
	case slices.Contains(p.d.Check.Status, a.status):
		return nil
	case a.status == 401 || a.status == 403:
		return fmt.Errorf("httpsms: %s does not let us sign in: look at http.auth and its secrets: it answered %s", address.Host, p.words(a))
	}
	return fmt.Errorf("httpsms: %s: http.check was answered %s", address.Host, p.words(a))
}

// Tells says whether the description lets the provider bring receipts, and what telephones
// answer.
func (p *Provider) Tells() (receipts, replies bool) {
	c := p.d.Callback
	return c != nil && c.Receipt != nil, c != nil && c.Reply != nil
}

// SignsIn tells whether Check does more than connect.
func (p *Provider) SignsIn() bool { return p.d.Check != nil }
