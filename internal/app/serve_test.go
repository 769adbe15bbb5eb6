package app_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/page"
)

// soon bounds what must happen at once; a test that waits so long has failed.
const soon = 10 * time.Second

// serving is a real program of a new installation, on the loopback.
type serving struct {
	*app.App
	addr string
}

func serve(t *testing.T, change func(*app.Config), limits app.Limits) serving {
	t.Helper()
	dir := t.TempDir()
	made, err := open(t, dir, app.Installing)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := made.Init(t.Context(), "operator", false); err != nil {
		t.Fatal(err)
	}
	made.Close()
	c := app.Config{Data: dir, Addr: "127.0.0.1:0"}
	if change != nil {
		change(&c)
	}
	a, err := app.Open(t.Context(), c, app.Options{Log: quiet, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended, ready := make(chan error, 1), make(chan string, 1)
	go func() { ended <- a.Serve(ctx, func(addr string) { ready <- addr }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		a.Close()
	})
	select {
	case addr := <-ready:
		return serving{a, addr}
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return serving{}
}

func (s serving) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// answerOf reads one answer from a connection; "" where it was cut without one.
func answerOf(t *testing.T, conn net.Conn) (status int, text string) {
	t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, ""
	}
	if err != nil {
		t.Fatalf("neither answered nor cut within %v: %v", soon, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, page.Plain(string(b))
}

func (s serving) get(t *testing.T, path string) (int, string) {
	t.Helper()
	client := &http.Client{Timeout: soon}
	defer client.CloseIdleConnections()
	res, err := client.Get("http://" + s.addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, page.Plain(string(b))
}

const slowHeader = "GET / HTTP/1.1\r\nHost: ent.example\r\nX-Slow: "

// TestSlowHeaderIsCut: who never ends a header is cut, and keeps nobody else waiting.
func TestSlowHeaderIsCut(t *testing.T) {
	s := serve(t, nil, app.Limits{Header: 200 * time.Millisecond})
	conns := make([]net.Conn, 100)
	for n := range conns {
		conns[n] = s.dial(t)
		if _, err := io.WriteString(conns[n], slowHeader); err != nil {
			t.Fatal(err)
		}
	}
	if status, _ := s.get(t, "/"); status != http.StatusOK {
		t.Errorf("somebody else gets %d meanwhile", status)
	}
	for _, conn := range conns {
		if _, err := io.ReadAll(conn); err != nil {
			t.Fatalf("it was not cut: %v", err)
		}
	}
}

// TestSlowBodiesHoldNobody: as many people as the house has workers, and more, send a form
// that never ends. They hold no worker, and each of them is told.
func TestSlowBodiesHoldNobody(t *testing.T) {
	s := serve(t, nil, app.Limits{Read: 2 * time.Second})
	var slow []net.Conn
	for range 200 {
		conn := s.dial(t)
		if _, err := io.WriteString(conn, "POST /roll/none HTTP/1.1\r\nHost: "+s.addr+"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nv-1=absent"); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, conn)
	}
	began := time.Now()
	if status, text := s.get(t, "/sign-in"); status != http.StatusOK || !strings.Contains(text, "Mot de passe") {
		t.Errorf("somebody else gets %d: %s", status, text)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("somebody else waited %v", took)
	} else {
		t.Logf("somebody else waited %v", took)
	}
	for _, conn := range slow {
		// Signed out it is refused before its form is read; all the same it ends, with words.
		if status, text := answerOf(t, conn); status < 400 || status >= 500 || !strings.Contains(text, "<h1>") {
			t.Fatalf("%d %s", status, text)
		}
	}
}

// TestSlowFormIsTold: a form that does not arrive whole is told in words, and is no failure
// of ours.
func TestSlowFormIsTold(t *testing.T) {
	s := serve(t, nil, app.Limits{Read: 300 * time.Millisecond})
	conn := s.dial(t)
	if _, err := io.WriteString(conn, "POST /sign-in HTTP/1.1\r\nHost: "+s.addr+"\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nidentifier=x"); err != nil {
		t.Fatal(err)
	}
	if status, text := answerOf(t, conn); status != http.StatusRequestTimeout || !strings.Contains(text, "La connexion est trop lente") {
		t.Errorf("%d %s", status, text)
	}
}

// TestLargeBodyIsTold: what is too large is answered by a page with words, however its
// length is said, also while it is still being sent.
func TestLargeBodyIsTold(t *testing.T) {
	s := serve(t, nil, app.Limits{})
	for name, path := range map[string]string{"a small form": "/sign-in", "any form": "/language"} {
		for _, chunked := range []bool{false, true} {
			body := strings.NewReader("lang=fr&identifier=" + strings.Repeat("x", 3<<20))
			req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			if chunked {
				req.ContentLength, req.Body = -1, io.NopCloser(body)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Errorf("%s, chunked %v: %v", name, chunked, err)
				continue
			}
			b, err := io.ReadAll(res.Body)
			res.Body.Close()
			if text := page.Plain(string(b)); err != nil || res.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(text, "C'est trop volumineux") {
				t.Errorf("%s, chunked %v: %d %v %s", name, chunked, res.StatusCode, err, text)
			}
		}
	}
}

func TestLargeHeaderIsRefused(t *testing.T) {
	s := serve(t, nil, app.Limits{HeaderBytes: 8 << 10})
	conn := s.dial(t)
	go func() { // it is cut while it is still writing
		_, _ = io.WriteString(conn, slowHeader+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	}()
	if status, _ := answerOf(t, conn); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d, want 431", status)
	}
}

// TestSlowReaderIsCut: who asks and does not take the answers is cut.
func TestSlowReaderIsCut(t *testing.T) {
	s := serve(t, nil, app.Limits{Write: 300 * time.Millisecond})
	conn := s.dial(t)
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	// It goes on asking until the server has closed: where the server keeps what nobody takes,
	// every buffer is full in the end and nothing moves any more.
	asked := strings.Repeat("GET /etat HTTP/1.1\r\nHost: ent.example\r\n\r\n", 1000)
	for {
		if _, err := io.WriteString(conn, asked); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("it was not cut within %v", soon)
		} else if err != nil {
			return
		}
	}
}

// certificate makes an ECDSA certificate for 127.0.0.1 and gives its files and who vouches.
func certificate(t *testing.T, dir, name string) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return cert, key, roots
}

// TestEncryptedHere: HTTP/2, an ECDSA certificate, resumed sessions, nothing old, the
// promise to browsers, and the way there from the unencrypted address.
func TestEncryptedHere(t *testing.T) {
	dir := t.TempDir()
	cert, key, roots := certificate(t, dir, "first")
	plain := freePort(t)
	s := serve(t, func(c *app.Config) {
		c.URL, c.Web = "https://127.0.0.1", app.WebConfig{CertFile: cert, KeyFile: key, PlainAddr: plain}
	}, app.Limits{})
	config := &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	client := &http.Client{Transport: transport, Timeout: soon, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for n := range 2 {
		res, err := client.Get("https://" + s.addr + "/etat")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.ProtoMajor != 2 || res.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("HTTP/%d, %q", res.ProtoMajor, res.Header.Get("Strict-Transport-Security"))
		}
		if _, ok := res.TLS.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey); !ok {
			t.Error("the certificate is not an ECDSA one")
		}
		if res.TLS.DidResume != (n == 1) {
			t.Errorf("connection %d: resumed %v", n, res.TLS.DidResume)
		}
		transport.CloseIdleConnections()
	}
	if conn, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}); err == nil {
		conn.Close()
		t.Error("TLS 1.1 was taken")
	}
	res, err := client.Get("http://" + plain + "/etat?lang=en")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusPermanentRedirect || res.Header.Get("Location") != "https://127.0.0.1/etat?lang=en" {
		t.Errorf("%d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	cookie := ""
	if res, err = client.Post("https://"+s.addr+"/language", "application/x-www-form-urlencoded", strings.NewReader("lang=en")); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for _, c := range res.Cookies() {
		if c.Name == "preau_language" && c.Secure {
			cookie = c.Name
		}
	}
	if cookie == "" {
		t.Error("a cookie may leave by http")
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// TestNoPromiseWithoutTLS: where TLS is not ours, what browsers are promised is not ours.
func TestNoPromiseWithoutTLS(t *testing.T) {
	s := serve(t, nil, app.Limits{})
	res, err := http.Get("http://" + s.addr + "/etat")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Header.Get("Strict-Transport-Security"); got != "" {
		t.Error(got)
	}
}

// TestConfigurationOfTheWeb: what cannot work is said before anything is opened.
func TestConfigurationOfTheWeb(t *testing.T) {
	for want, c := range map[string]app.Config{
		"one is missing":        {Web: app.WebConfig{CertFile: "x"}},
		"keep one":              {Web: app.WebConfig{CertFile: "x", KeyFile: "y", ACME: []string{"ent.example.org"}}},
		"--acme is missing":     {Web: app.WebConfig{ACMEMail: "x@example.org"}},
		"without a star":        {Web: app.WebConfig{ACME: []string{"https://ent.example.org"}}},
		"there is none":         {Web: app.WebConfig{PlainAddr: ":80"}},
		"that is everybody":     {Web: app.WebConfig{TrustedProxies: []string{"0.0.0.0/0"}}},
		"it is an address such": {Web: app.WebConfig{TrustedProxies: []string{"proxy.example.org"}}},
		"--url is missing":      {Web: app.WebConfig{CertFile: "x", KeyFile: "y"}},
		"begins with https":     {URL: "http://127.0.0.1", Web: app.WebConfig{CertFile: "x", KeyFile: "y"}},
		"open to other":         {Addr: "0.0.0.0:8080"},
	} {
		if c.Addr == "" {
			c.Addr = "127.0.0.1:0"
		}
		if _, err := c.Secure(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	c := app.Config{Addr: ":443", Web: app.WebConfig{ACME: []string{"ent.example.org"}}}
	if secure, err := c.Secure(); !secure || err != nil || c.Site(false) != "https://ent.example.org" {
		t.Errorf("%v %v %s", secure, err, c.Site(false))
	}
}

// TestMetrics: the metrics have an address of their own, and the pages have none of them.
func TestMetrics(t *testing.T) {
	s := serve(t, func(c *app.Config) { c.MetricsAddr = "127.0.0.1:0" }, app.Limits{})
	for range 3 {
		s.get(t, "/sign-in")
	}
	if status, _ := s.get(t, "/metrics"); status != http.StatusNotFound {
		t.Errorf("the pages' address answers /metrics with %d", status)
	}
	res, err := http.Get(fmt.Sprintf("http://%s/metrics", s.MetricsAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, name := range app.MetricNames() {
		if !strings.Contains(text, "# TYPE preau_"+name+" ") && name != "door_looks_per_person" {
			t.Errorf("there is no preau_%s", name)
		}
		if !strings.Contains(string(guide), "`preau_"+name) {
			t.Errorf("the operating guide does not say what preau_%s means", name)
		}
	}
	for _, want := range []string{"process_resident_memory_bytes", "go_goroutines", "preau_database_up 1", "preau_rolls_refused_total 0", `preau_door_wait_seconds_bucket{lane="in-class",le="5"} 0`, "preau_goodput_ratio 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestCrowdIsSeen: thousands come whom nobody knows. They wait, and whoever asks for the state
// is told at once, and reads how long.
func TestCrowdIsSeen(t *testing.T) {
	s := serve(t, nil, app.Limits{})
	client := &http.Client{Timeout: soon}
	defer client.CloseIdleConnections()
	turns := 0
	for range 8000 {
		res, err := client.Get("http://" + s.addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		if res.Header.Get("Retry-After") != "" {
			turns++
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	if turns < 4000 {
		t.Fatalf("only %d people were shown their turn: there is no crowd", turns)
	}
	for end := time.Now().Add(soon); ; {
		s.Status.Poke()
		status, text := s.get(t, "/etat")
		if status != http.StatusOK || strings.Contains(text, "Votre tour") {
			t.Fatalf("the state waits in line: %d", status)
		}
		if strings.Contains(text, "personnes attendent.") { // how long depends on the machine's cores
			return
		}
		if time.Now().After(end) {
			t.Fatalf("thousands wait, and the page says: %s", text)
		}
	}
}
