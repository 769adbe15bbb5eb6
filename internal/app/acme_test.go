package app_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/app"
)

// authority is as much of an ACME authority (RFC 8555, RFC 8737) as one order needs. It
// checks what it would check: that who asks for a name answers under that name.
type authority struct {
	t      *testing.T
	server *httptest.Server
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate

	mu      sync.Mutex
	host    string // where the name is answered
	thumb   string // of the account's key
	proved  bool
	issued  []byte
	orders  int
	refused error
}

const acmeName, acmeToken = "ent.example.org", "a-token-of-the-test"

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.server = httptest.NewTLSServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.server.Close)
	return a
}

// roots writes who vouches for the authority's own address.
func (a *authority) roots(dir string) string {
	file := filepath.Join(dir, "acme-roots.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.server.Certificate().Raw}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

func (a *authority) serve(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.server.URL
	w.Header().Set("Replay-Nonce", "a-nonce")
	say := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	if r.URL.Path == "/directory" {
		say(200, map[string]string{"newNonce": at + "/nonce", "newAccount": at + "/account", "newOrder": at + "/order", "revokeCert": at + "/revoke", "keyChange": at + "/key"})
		return
	}
	protected, payload := a.read(r)
	order := map[string]any{"status": "pending", "identifiers": []any{map[string]string{"type": "dns", "value": acmeName}}, "authorizations": []string{at + "/authz"}, "finalize": at + "/finalize"}
	if a.proved {
		order["status"] = "ready"
	}
	if a.issued != nil {
		order["status"], order["certificate"] = "valid", at+"/cert"
	}
	challenge := map[string]any{"type": "tls-alpn-01", "url": at + "/challenge", "token": acmeToken, "status": map[bool]string{false: "pending", true: "valid"}[a.proved]}
	switch r.URL.Path {
	case "/nonce":
	case "/account":
		jwk, _ := protected["jwk"].(map[string]any)
		sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]))
		a.thumb = base64.RawURLEncoding.EncodeToString(sum[:])
		w.Header().Set("Location", at+"/account/1")
		say(201, map[string]any{"status": "valid"})
	case "/order":
		a.orders++
		w.Header().Set("Location", at+"/orders/1")
		say(201, order)
	case "/orders/1":
		say(200, order)
	case "/authz":
		say(200, map[string]any{"status": challenge["status"], "identifier": map[string]string{"type": "dns", "value": acmeName}, "challenges": []any{challenge}})
	case "/challenge":
		if a.refused = a.prove(); a.refused == nil {
			a.proved, challenge["status"] = true, "valid"
		}
		say(200, challenge)
	case "/finalize":
		csr, err := base64.RawURLEncoding.DecodeString(payload["csr"].(string))
		if err == nil && a.proved {
			err = a.issue(csr)
		}
		if err != nil || !a.proved {
			say(403, map[string]string{"type": "urn:ietf:params:acme:error:unauthorized", "detail": fmt.Sprint(err)})
			return
		}
		order["status"], order["certificate"] = "valid", at+"/cert"
		w.Header().Set("Location", at+"/orders/1")
		say(200, order)
	case "/cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(a.issued)
	default:
		say(404, map[string]string{"type": "urn:ietf:params:acme:error:malformed"})
	}
}

func (a *authority) read(r *http.Request) (protected, payload map[string]any) {
	var jws struct{ Protected, Payload string }
	b, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(b, &jws)
	for text, into := range map[string]*map[string]any{jws.Protected: &protected, jws.Payload: &payload} {
		if raw, err := base64.RawURLEncoding.DecodeString(text); err == nil {
			_ = json.Unmarshal(raw, into)
		}
	}
	return protected, payload
}

// prove looks whether the name is answered by who asked: RFC 8737.
func (a *authority) prove() error {
	conn, err := tls.Dial("tcp", a.host, &tls.Config{ServerName: acmeName, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}) // the certificate of a challenge vouches for itself
	if err != nil {
		return err
	}
	defer conn.Close()
	sum := sha256.Sum256([]byte(acmeToken + "." + a.thumb))
	for _, e := range conn.ConnectionState().PeerCertificates[0].Extensions {
		var said []byte
		if e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}) {
			if _, err := asn1.Unmarshal(e.Value, &said); err == nil && bytes.Equal(said, sum[:]) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s does not answer the challenge", acmeName)
}

func (a *authority) issue(csr []byte) error {
	asked, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: acmeName}, DNSNames: asked.DNSNames, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, asked.PublicKey, a.key)
	if err != nil {
		return err
	}
	a.issued = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})...)
	return nil
}

// TestCertificateByACME: the first visitor of the name brings its certificate, an ECDSA one
// that is kept; another name gets none.
func TestCertificateByACME(t *testing.T) {
	a := newAuthority(t)
	var data string
	s := serve(t, func(c *app.Config) {
		data = c.Data
		c.Web = app.WebConfig{ACME: []string{acmeName}, ACMEDirectory: a.server.URL + "/directory", ACMERoots: a.roots(t.TempDir())}
	}, app.Limits{})
	a.mu.Lock()
	a.host = s.addr
	a.mu.Unlock()
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	for range 2 {
		conn, err := tls.Dial("tcp", s.addr, &tls.Config{ServerName: acmeName, RootCAs: roots, NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatalf("%v; the authority: %v", err, a.refused)
		}
		state := conn.ConnectionState()
		conn.Close()
		if _, ok := state.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey); !ok || state.NegotiatedProtocol != "h2" {
			t.Errorf("a %T, %q", state.PeerCertificates[0].PublicKey, state.NegotiatedProtocol)
		}
	}
	if conn, err := tls.Dial("tcp", s.addr, &tls.Config{ServerName: "other.example.org", RootCAs: roots}); err == nil {
		conn.Close()
		t.Error("a certificate for a name that nobody configured")
	}
	if a.orders != 1 {
		t.Errorf("%d orders", a.orders)
	}
	kept, err := os.ReadDir(filepath.Join(data, "acme"))
	if err != nil || len(kept) < 2 {
		t.Errorf("%d files are kept, %v: each start would ask for a new certificate", len(kept), err)
	}
	for _, f := range kept {
		if info, err := f.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others", f.Name())
		}
	}
}
