package smtp

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// DKIM says how letters are signed (RFC 6376), so that a mailbox can tell ours from a
// forgery. The zero value signs nothing.
type DKIM struct {
	// Domain takes responsibility for the letter; the sender's own when empty.
	Domain   string
	Selector string        // which of the domain's keys, as the DNS names it
	Key      crypto.Signer // RSA or Ed25519, as [ReadKey] gives
}

// RecordName is the name of the TXT record that holds the public key.
func (d DKIM) RecordName() string { return d.Selector + "._domainkey." + d.Domain }

// smallestKey is in bits. RFC 8301 allows 1024; large mailbox providers do not like it.
const smallestKey = 2048

// signedHeaders are covered by the signature. Each is named once more than it is there:
// one that somebody adds on the way, a second From above all, breaks the signature.
// Mailing lists rewrite letters and would break it too; our letters go to one person.
var signedHeaders = []string{"From", "To", "Subject", "Date", "Message-ID", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "Content-Language", "Auto-Submitted"}

// neverWritten are headers that no letter of ours has, and that nobody may add.
var neverWritten = []string{"Cc", "Reply-To", "Sender"}

// sign returns the DKIM-Signature header of a rendered letter, relaxed/relaxed. The time
// in it is the letter's own: the same letter is the same bytes.
//
// We write it ourselves, since go-mail v0.8.1 folds a long list of headers in the middle
// of a name, after having signed it unfolded, and go-msgauth knows no time but now.
func (d DKIM) sign(content []byte, at time.Time) ([]byte, error) {
	head, body, found := bytes.Cut(content, []byte("\r\n\r\n"))
	if !found {
		return nil, errors.New("dkim: the letter has no body")
	}
	there := map[string]string{}
	for field := range strings.SplitSeq(unfold(string(head)), "\r\n") {
		line := relaxedHeader(field)
		name, _, _ := strings.Cut(line, ":")
		if _, twice := there[name]; twice {
			return nil, errors.New("dkim: the letter has a header twice")
		}
		there[name] = line
	}
	digest := sha256.New()
	for _, name := range signedHeaders {
		if line, ok := there[strings.ToLower(name)]; ok {
			fmt.Fprintf(digest, "%s\r\n", line)
		}
	}
	// Named and absent: nothing is hashed, nothing may come. See RFC 6376, 5.4.2.
	named := slices.Concat(signedHeaders, signedHeaders, neverWritten)

	algorithm, how := "rsa-sha256", crypto.SignerOpts(crypto.SHA256)
	if _, ok := d.Key.Public().(ed25519.PublicKey); ok {
		algorithm, how = "ed25519-sha256", crypto.Hash(0) // RFC 8463 signs the digest as a message
	}
	bodyHash := sha256.Sum256(relaxedBody(body))
	header := fmt.Sprintf("DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n d=%s; s=%s; t=%d;\r\n h=%s;\r\n bh=%s;\r\n b=",
		algorithm, d.Domain, d.Selector, at.Unix(), strings.Join(named, ":\r\n  "), base64.StdEncoding.EncodeToString(bodyHash[:]))
	digest.Write([]byte(relaxedHeader(unfold(header)))) // without its end of line: RFC 6376, 3.7
	signature, err := d.Key.Sign(rand.Reader, digest.Sum(nil), how)
	if err != nil {
		return nil, errors.New("dkim: the key did not sign")
	}
	for i, c := range []byte(base64.StdEncoding.EncodeToString(signature)) {
		if i > 0 && i%70 == 0 {
			header += "\r\n  "
		}
		header += string(c)
	}
	return []byte(header + "\r\n"), nil
}

// unfold joins the lines of each header field.
func unfold(head string) string {
	return strings.NewReplacer("\r\n ", " ", "\r\n\t", " ").Replace(head)
}

// relaxedHeader is a header field in the form that is signed (RFC 6376, 3.4.2).
func relaxedHeader(field string) string {
	name, value, _ := strings.Cut(field, ":")
	return strings.ToLower(strings.TrimRight(name, " \t")) + ":" + strings.Trim(oneSpace(value), " ")
}

// relaxedBody is a body in the form that is signed (RFC 6376, 3.4.4).
func relaxedBody(body []byte) []byte {
	var out bytes.Buffer
	empty := 0
	for line := range strings.SplitSeq(string(body), "\r\n") {
		line = strings.TrimRight(oneSpace(line), " ")
		if line == "" {
			empty++ // counts only when something follows
			continue
		}
		out.WriteString(strings.Repeat("\r\n", empty))
		empty = 0
		out.WriteString(line + "\r\n")
	}
	return out.Bytes()
}

// oneSpace makes every run of spaces and tabs one space.
func oneSpace(s string) string {
	var out strings.Builder
	inside := false
	for i := range len(s) {
		space := s[i] == ' ' || s[i] == '\t'
		switch {
		case !space:
			out.WriteByte(s[i])
		case !inside:
			out.WriteByte(' ')
		}
		inside = space
	}
	return out.String()
}

// check says what is wrong with a configuration for letters from a domain.
func (d DKIM) check(from string) error {
	if d.Key == nil {
		return errors.New("dkim: a domain or a selector without a key")
	}
	if err := checkKey(d.Key); err != nil {
		return fmt.Errorf("dkim: %w", err)
	}
	if !hostLike(d.Selector) || strings.Contains(d.Selector, ":") {
		return fmt.Errorf("dkim: selector %q: it is a word such as preau2026, the first part of the record's name", d.Selector)
	}
	if !hostLike(d.Domain) || strings.Contains(d.Domain, ":") {
		return fmt.Errorf("dkim: domain %q: it is the name of a domain", d.Domain)
	}
	if !aligned(d.Domain, from) {
		return fmt.Errorf("dkim: domain %s signs letters from %s: mailboxes would not count the signature (DMARC); give the sender's domain, or one above or below it", d.Domain, from)
	}
	return nil
}

// aligned reports whether DMARC's relaxed alignment can hold between two domains: the
// same, or one below the other. Two sisters under one organisation are not recognised:
// that needs the public suffix list, and a refusal is the safe mistake.
func aligned(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) < len(b) {
		a, b = b, a
	}
	return a == b || strings.Contains(b, ".") && strings.HasSuffix(a, "."+b)
}

// ReadKey reads the private key of [DKIM] from PEM: RSA of at least 2048 bits ("RSA
// PRIVATE KEY" or "PRIVATE KEY") or Ed25519 ("PRIVATE KEY"). Its error says in words
// what the file is instead, and holds nothing of it.
func ReadKey(text []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("smtp: the key file holds no PEM block (-----BEGIN PRIVATE KEY-----)")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("smtp: the key is protected by a pass phrase: write it without one, readable by Préau alone")
		}
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("smtp: the key is protected by a pass phrase: write it without one, readable by Préau alone")
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, fmt.Errorf("smtp: the key file holds a %s: signing needs the private key", strings.ToLower(block.Type))
	default:
		return nil, errors.New("smtp: the key is neither RSA nor Ed25519")
	}
	if err != nil {
		return nil, errors.New("smtp: the key file is damaged")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("smtp: the key is neither RSA nor Ed25519")
	}
	if err := checkKey(signer); err != nil {
		return nil, fmt.Errorf("smtp: %w", err)
	}
	return signer, nil
}

func checkKey(key crypto.Signer) error {
	switch public := key.Public().(type) {
	case ed25519.PublicKey:
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < smallestKey {
			return fmt.Errorf("the RSA key has %d bits: %d at least", bits, smallestKey)
		}
	default:
		return errors.New("the key is neither RSA nor Ed25519")
	}
	return nil
}

// DKIMRecord is the text of the TXT record to publish under [DKIM.RecordName], or
// nothing for a key that [ReadKey] would not give. A zone file wants it cut into
// strings of at most 255 characters.
func DKIMRecord(key crypto.Signer) string {
	if key == nil || checkKey(key) != nil {
		return ""
	}
	switch public := key.Public().(type) {
	case ed25519.PublicKey: // RFC 8463: the 32 bytes themselves
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return ""
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der)
	}
	return ""
}
