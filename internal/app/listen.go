package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// WebConfig is how people reach the pages: through a web server in front, or directly, with
// a certificate of files or one that is asked for by ACME.
type WebConfig struct {
	CertFile       string   `name:"tls-cert" help:"PEM file of the certificate and its chain; read again when it changes. Better an ECDSA one: a handshake costs a third." env:"PREAU_TLS_CERT" type:"path" placeholder:"FILE"`
	KeyFile        string   `name:"tls-key" help:"PEM file of its key." env:"PREAU_TLS_KEY" type:"path" placeholder:"FILE"`
	ACME           []string `name:"acme" help:"Ask for the certificate of these names by ACME (Let's Encrypt) and renew it; you accept its terms of service. Port 443 of this machine must be reached by them." env:"PREAU_ACME" placeholder:"HOST"`
	ACMEMail       string   `name:"acme-email" help:"Where the authority writes to when something is wrong with the certificate." env:"PREAU_ACME_EMAIL" placeholder:"ADDRESS"`
	ACMEDirectory  string   `name:"acme-directory" help:"Another ACME authority than Let's Encrypt: the address of its directory." env:"PREAU_ACME_DIRECTORY" placeholder:"URL"`
	ACMERoots      string   `name:"acme-roots" help:"PEM file of who may vouch for that authority; empty: the system's." env:"PREAU_ACME_ROOTS" type:"path" placeholder:"FILE"`
	PlainAddr      string   `name:"http-addr" help:"With a certificate of our own: address without encryption that leads to the encrypted one, such as :80. ACME may be answered there too." env:"PREAU_HTTP_ADDR" placeholder:"HOST:PORT"`
	TrustedProxies []string `name:"trusted-proxies" help:"Addresses of the web servers in front: what they say of a visitor's address (X-Forwarded-For, X-Forwarded-Proto) is believed, and nobody else's word." env:"PREAU_TRUSTED_PROXIES" placeholder:"ADDRESS"`
}

// Encrypts tells whether TLS is ours.
func (c WebConfig) Encrypts() bool { return c.CertFile != "" || len(c.ACME) > 0 }

// check says what is wrong with the configuration, before anything is opened.
func (c WebConfig) check() error {
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("--tls-cert and --tls-key belong together: one is missing")
	case c.CertFile != "" && len(c.ACME) > 0:
		return errors.New("the certificate is given by --tls-cert and asked for by --acme: keep one")
	case len(c.ACME) == 0 && (c.ACMEMail != "" || c.ACMEDirectory != "" || c.ACMERoots != ""):
		return errors.New("--acme is missing: it names the host that the certificate is for")
	case c.PlainAddr != "" && !c.Encrypts():
		return errors.New("--http-addr leads to the encrypted address, and there is none: give --tls-cert or --acme")
	}
	for _, host := range c.ACME {
		if strings.ContainsAny(host, ":/* ") || !strings.Contains(host, ".") {
			return fmt.Errorf("--acme %s: it is a name such as ent.example.org, without https and without a star", host)
		}
	}
	_, err := c.proxies()
	return err
}

// proxies are the addresses whose word is believed.
func (c WebConfig) proxies() (out []netip.Prefix, err error) {
	for _, text := range c.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			addr, e := netip.ParseAddr(text)
			if e != nil {
				return nil, fmt.Errorf("--trusted-proxies %s: it is an address such as 192.0.2.1, or a range such as 192.0.2.0/24", text)
			}
			p = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("--trusted-proxies %s: that is everybody, and everybody could say to be anybody", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// tlsConfig is how the pages are encrypted; nil: they are not, by us. plain is what the
// unencrypted address answers.
func (c WebConfig) tlsConfig(data string) (config *tls.Config, plain http.Handler, err error) {
	redirect := http.HandlerFunc(toEncrypted)
	switch {
	case len(c.ACME) > 0:
		m := &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(c.ACME...), Cache: autocert.DirCache(filepath.Join(data, "acme")), Email: c.ACMEMail}
		if c.ACMEDirectory != "" || c.ACMERoots != "" {
			if m.Client, err = c.acmeClient(); err != nil {
				return nil, nil, err
			}
		}
		config, plain = m.TLSConfig(), m.HTTPHandler(redirect)
	case c.CertFile != "":
		files := &certificateFiles{cert: c.CertFile, key: c.KeyFile}
		if _, err := files.get(nil); err != nil {
			return nil, nil, err
		}
		config, plain = &tls.Config{GetCertificate: files.get, NextProtos: []string{"h2", "http/1.1"}}, redirect
	default:
		return nil, nil, nil
	}
	config.MinVersion = tls.VersionTLS12 // session tickets are on by default: a handshake that is resumed costs half
	return config, plain, nil
}

func (c WebConfig) acmeClient() (*acme.Client, error) {
	client := &acme.Client{DirectoryURL: c.ACMEDirectory}
	if client.DirectoryURL == "" {
		client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	if c.ACMERoots != "" {
		pem, err := os.ReadFile(c.ACMERoots)
		if err != nil {
			return nil, fmt.Errorf("--acme-roots: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--acme-roots %s: there is no certificate in it", c.ACMERoots)
		}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		client.HTTPClient = &http.Client{Transport: transport, Timeout: 30 * time.Second}
	}
	return client, nil
}

// certificateFiles give the certificate of two files, and the new one when they change.
type certificateFiles struct {
	cert, key string

	mu      sync.Mutex
	loaded  *tls.Certificate
	changed time.Time // of the certificate's file
	looked  time.Time
}

// lookAgain is how often the files' time is asked: a renewal is in force a minute later.
const lookAgain = time.Minute

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if f.loaded != nil && now.Sub(f.looked) < lookAgain {
		return f.loaded, nil
	}
	f.looked = now
	info, err := os.Stat(f.cert)
	if err == nil && f.loaded != nil && info.ModTime().Equal(f.changed) {
		return f.loaded, nil
	}
	var cert tls.Certificate
	if err == nil {
		cert, err = tls.LoadX509KeyPair(f.cert, f.key)
	}
	if err != nil {
		if f.loaded != nil {
			return f.loaded, nil // a renewal that is half written: the old one, and another look
		}
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	f.loaded, f.changed = &cert, info.ModTime()
	return f.loaded, nil
}

// weak says of a certificate of files what makes handshakes dear; empty: nothing.
func (f *certificateFiles) weak() string {
	cert, err := f.get(nil)
	if err != nil || cert.Leaf == nil {
		return ""
	}
	if _, ok := cert.Leaf.PublicKey.(*ecdsa.PublicKey); !ok {
		return "the certificate is not an ECDSA one: each new connection costs about three times the processor time; ask for one with an ECDSA key (P-256)"
	}
	return ""
}

// toEncrypted leads from the unencrypted address to the same page of the encrypted one.
// Nothing is taken there.
func toEncrypted(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "" || strings.ContainsAny(host, "/\\@") {
		http.Error(w, "https", http.StatusBadRequest)
		return
	}
	to := url.URL{Scheme: "https", Host: host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	w.Header().Set("Connection", "close")
	http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
}

// hstsLife is for how long a browser comes by https alone once it did.
const hstsLife = "max-age=31536000"

// strict says so to browsers, where TLS is ours to promise.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", hstsLife)
		next.ServeHTTP(w, r)
	})
}

// visitorOf makes a request's address the visitor's where a proxy in front that we trust
// says it, and takes such words away where anybody else says them.
func visitorOf(trusted []netip.Prefix, next http.Handler) http.Handler {
	believed := func(addr netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr.Unmap()) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said, proto := r.Header.Values("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto")
		for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-Ip"} {
			r.Header.Del(h)
		}
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !believed(from.Addr()) {
			next.ServeHTTP(w, r)
			return
		}
		// From the nearest to the farthest: the first whom we do not know is the visitor. What
		// stands before was said by them.
		hops := strings.Split(strings.Join(said, ","), ",")
		for _, hop := range slices.Backward(hops) {
			addr, err := netip.ParseAddr(strings.TrimSpace(hop))
			if err != nil {
				break
			}
			r.RemoteAddr = netip.AddrPortFrom(addr.Unmap(), 0).String()
			if !believed(addr) {
				break
			}
		}
		if proto == "http" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			toEncrypted(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// listeners are where people come.
type listeners struct {
	server *http.Server
	ln     net.Listener
	plain  *http.Server // nil: there is none
	at     net.Listener
}

// listenWeb opens the pages' address, and the unencrypted one where there is one.
func (a *App) listenWeb() (*listeners, error) {
	config, plain, err := a.Config.Web.tlsConfig(a.Config.Data)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", a.Config.Addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", a.Config.Addr, err)
	}
	w := &listeners{ln: ln, server: a.limits.server(a.log)}
	w.server.TLSConfig = config
	if a.Config.Web.CertFile != "" {
		if weak := (&certificateFiles{cert: a.Config.Web.CertFile, key: a.Config.Web.KeyFile}).weak(); weak != "" {
			a.log.Warn(weak)
		}
	}
	if at := a.Config.Web.PlainAddr; at != "" {
		if w.at, err = net.Listen("tcp", at); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot listen on %s: %w", at, err), ln.Close())
		}
		w.plain = a.limits.server(a.log)
		w.plain.Handler = plain
	}
	return w, nil
}

// handler is what people meet, from the outside in.
func (a *App) handler(f *front) (http.Handler, error) {
	proxies, err := a.Config.Web.proxies()
	if err != nil {
		return nil, err
	}
	h := visitorOf(proxies, f.around(a.Handler()))
	if a.Config.Web.Encrypts() {
		h = strict(h)
	}
	return h, nil
}

func (w *listeners) close() error {
	err := w.ln.Close()
	if w.at != nil {
		err = errors.Join(err, w.at.Close())
	}
	return err
}

// serve serves until shutdown.
func (w *listeners) serve() error {
	if w.plain != nil {
		go func() { _ = w.plain.Serve(w.at) }() // it only leads to the other
	}
	if w.server.TLSConfig != nil {
		return w.server.ServeTLS(w.ln, "", "")
	}
	return w.server.Serve(w.ln)
}

func (w *listeners) shutdown(ctx context.Context) error {
	if w.plain != nil {
		w.plain.Close()
	}
	return w.server.Shutdown(ctx)
}
