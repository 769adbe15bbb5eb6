package peers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"time"
)

// Message is a letter that the mail server has read to the last byte. Whether
// the client ever heard so is another question: see Answered.
type Message struct {
	From     string      // the envelope's return path
	To       []string    // the envelope's recipients
	Header   mail.Header // as sent; encoded words still encoded
	Subject  string      // decoded
	Text     string      // the body, decoded, lines ending in \n
	Raw      []byte      // the letter as it came
	Answered int         // 250, the refusing code, or 0 when nothing was answered
	Username string      // who had signed in, if anybody
	Secure   bool        // over TLS
	Err      error       // the letter could not be read as RFC 5322 and MIME
}

// MessageID returns the Message-ID with its angle brackets.
func (m Message) MessageID() string { return m.Header.Get("Message-ID") }

// Messages lists every letter read to the last byte so far, in order.
func (s *MailServer) Messages() []Message {
	events := s.snapshot()
	answered := map[int]int{}
	for _, e := range events {
		if e.Event == "answered" {
			answered[e.Number] = e.Code
		}
	}
	var all []Message
	for _, e := range events {
		if e.Event != "content" {
			continue
		}
		m := Message{From: e.From, To: e.To, Raw: e.Raw, Answered: answered[e.Number], Username: e.User, Secure: e.Secure}
		m.Err = m.read()
		all = append(all, m)
	}
	return all
}

// read takes the letter apart with the standard library, which shares nothing
// with the library that put it together.
func (m *Message) read() error {
	parsed, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		return fmt.Errorf("peers: letter: %w", err)
	}
	m.Header = parsed.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		return fmt.Errorf("peers: subject: %w", err)
	}
	body := parsed.Body
	switch encoding := strings.ToLower(parsed.Header.Get("Content-Transfer-Encoding")); encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "", "7bit", "8bit":
	default:
		return fmt.Errorf("peers: transfer encoding %q is not known", encoding)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("peers: body: %w", err)
	}
	m.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
	return nil
}

// selfSigned makes a certificate for 127.0.0.1 and localhost, good for a day.
func selfSigned() (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("peers: key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "mail.peer.example"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:         true, BasicConstraintsValid: true,
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, fmt.Errorf("peers: certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("peers: key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}
