package smtp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/preau-ent/preau/peers"
)

// Keys of nobody, made from nothing secret.
var (
	edKey  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte("préau"), 6)[:ed25519.SeedSize])
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	})
)

func smallKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func curveKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// verify asks another implementation, which reads the key from the record that we tell
// people to publish. It returns nil when the one signature is good.
func verify(t *testing.T, content []byte, d DKIM) error {
	t.Helper()
	all, err := dkim.VerifyWithOptions(bytes.NewReader(content), &dkim.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) {
			if name != d.RecordName() {
				t.Errorf("asked for %s, the record is at %s", name, d.RecordName())
			}
			return []string{DKIMRecord(d.Key)}, nil
		}})
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return fmt.Errorf("%d signatures", len(all))
	}
	return all[0].Err
}

// TestSignedLetter: what the mail server read is signed, for both kinds of key; and
// whatever is changed on the way is noticed.
func TestSignedLetter(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t)
	for name, d := range map[string]DKIM{
		"rsa":     {"preau.example", "preau2026", rsaKey()},
		"ed25519": {"ecole.preau.example", "e1", edKey},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(peer.Messages())
			c := carrier(t, peer, func(c *Config) { c.DKIM = d })
			l := letter(7)
			expect(t, c.Send(t.Context(), l, yes), Accepted, StageAnswer, 250)
			m := peer.Messages()[before]
			if m.From != "retour+L-7@preau.example" {
				t.Errorf("bounces go to %s", m.From)
			}
			if err := verify(t, m.Raw, d); err != nil {
				t.Fatalf("%v\n%s", err, m.Raw)
			}
			first, err := c.Render(l)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := c.Render(l); err != nil || !bytes.Equal(first, again) {
				t.Errorf("two renderings differ (%v)", err)
			}
			tags := m.Header.Get("DKIM-Signature")
			for _, want := range []string{"c=relaxed/relaxed", "t=1791267300", "a=" + name + "-sha256", "d=" + d.Domain} {
				if !strings.Contains(tags, want) {
					t.Errorf("the signature has no %s: %s", want, tags)
				}
			}
			for _, line := range bytes.Split(m.Raw, []byte("\r\n")) {
				if len(line) > 998 {
					t.Errorf("a line of %d bytes", len(line))
				}
			}

			raw := string(m.Raw)
			for change, altered := range map[string]string{
				"a word of the body":   strings.Replace(raw, "Merci", "Inutile", 1),
				"a line more":          raw + "Rappelez le 06 39 98 09 99\r\n",
				"the subject":          strings.Replace(raw, "\r\nSubject:", "\r\nSubject: Re:", 1),
				"the recipient":        strings.Replace(raw, "camille.7@", "camille.8@", 1),
				"the date":             strings.Replace(raw, "Tue, 06 Oct 2026", "Wed, 07 Oct 2026", 1),
				"the message id":       strings.Replace(raw, "<alert-7.1@", "<alert-8.1@", 1),
				"the language":         strings.Replace(raw, "Content-Language: fr", "Content-Language: en", 1),
				"the type":             strings.Replace(raw, "text/plain", "text/html", 1),
				"the transfer":         strings.Replace(raw, "quoted-printable", "7bit", 1),
				"who wrote it":         strings.Replace(raw, "auto-generated", "no", 1),
				"a second From":        "From: Direction <d@preau.example>\r\n" + raw,
				"a second subject":     "Subject: Urgent\r\n" + raw,
				"a second type":        "Content-Type: text/html\r\n" + raw,
				"a reply address":      "Reply-To: x@mail.example\r\n" + raw,
				"a copy":               "Cc: x@mail.example\r\n" + raw,
				"a sender":             "Sender: x@mail.example\r\n" + raw,
				"without its language": strings.Replace(raw, "Content-Language: fr\r\n", "", 1),
			} {
				if altered == raw {
					t.Errorf("%s: nothing was changed", change)
				}
				if err := verify(t, []byte(altered), d); err == nil {
					t.Errorf("%s was changed and nobody noticed", change)
				}
			}
			// What relays may do.
			for change, altered := range map[string]string{
				"a trace":         "Received: from a by b; Tue, 06 Oct 2026 06:15:01 +0000\r\n" + raw,
				"an empty line":   raw + "\r\n",
				"folding":         strings.Replace(raw, "Auto-Submitted: ", "Auto-Submitted:\r\n\t", 1),
				"name in capital": strings.Replace(raw, "Auto-Submitted: ", "AUTO-SUBMITTED: ", 1),
			} {
				if err := verify(t, []byte(altered), d); err != nil {
					t.Errorf("%s: %v", change, err)
				}
			}
		})
	}
}

// TestSignedBodies: empty lines and spaces, where the form that is signed differs from
// the letter.
func TestSignedBodies(t *testing.T) {
	t.Parallel()
	d := DKIM{"preau.example", "preau2026", edKey}
	c, err := New(Config{Host: "mail.example", From: "absences@preau.example", DKIM: d})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a", "a\n", "a\n\n\n", "\n\na\n\n\nb\n", "a \n b\t \n\t\n  c  d\n", strings.Repeat("é ", 500), "a\r\n\r\n.\r\n.."} {
		l := letter(1)
		l.Text = text
		content, err := c.Render(l)
		if err == nil {
			err = verify(t, content, d)
		}
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// TestManySignedAtOnce: signers are not shared.
func TestManySignedAtOnce(t *testing.T) {
	t.Parallel()
	d := DKIM{"preau.example", "preau2026", edKey}
	c, err := New(Config{Host: "mail.example", From: "absences@preau.example", DKIM: d})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			content, err := c.Render(letter(i))
			if err == nil {
				err = verify(t, content, d)
			}
			if err != nil {
				t.Errorf("letter %d: %v", i, err)
			}
		})
	}
	all.Wait()
}

func TestReadKey(t *testing.T) {
	t.Parallel()
	pkcs8 := func(key crypto.Signer) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())})
	for name, text := range map[string][]byte{"PKCS#1": pkcs1, "PKCS#8": pkcs8(rsaKey()), "Ed25519": pkcs8(edKey)} {
		key, err := ReadKey(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !strings.HasPrefix(DKIMRecord(key), "v=DKIM1; k=") {
			t.Errorf("%s: the record is %q", name, DKIMRecord(key))
		}
	}
	public, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		text []byte
		want string
	}{
		"nothing":     {nil, "no PEM block"},
		"words":       {[]byte("secret"), "no PEM block"},
		"public":      {pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), "needs the private key"},
		"pass phrase": {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}), "pass phrase"},
		"damaged":     {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")}), "damaged"},
		"damaged RSA": {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("secret")}), "damaged"},
		"small":       {pkcs8(smallKey(t)), "1024 bits"},
		"curve":       {pkcs8(curveKey(t)), "neither RSA nor Ed25519"},
		"other":       {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte{1}}), "neither RSA nor Ed25519"},
	} {
		if _, err := ReadKey(tc.text); err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	if DKIMRecord(nil) != "" || DKIMRecord(curveKey(t)) != "" {
		t.Error("a record for a key that cannot sign")
	}
}

func TestDKIMDomainIsTheSendersUnlessSaid(t *testing.T) {
	c, err := New(Config{Host: "mail.example", From: "absences@preau.example", DKIM: DKIM{Selector: "preau2026", Key: edKey}})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.config.DKIM.RecordName(); got != "preau2026._domainkey.preau.example" {
		t.Errorf("the record is at %s", got)
	}
}

func FuzzReadKey(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())}))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := ReadKey(text)
		if (err == nil) != (key != nil) || err == nil && DKIMRecord(key) == "" {
			t.Errorf("key %T, error %v", key, err)
		}
	})
}
