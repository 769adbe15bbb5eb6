package smtp

import (
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/peers"
)

func TestEncryptedAndSignedIn(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{StartTLS, TLS} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			peer := peers.SMTP(t, peers.MailServerOptions{TLS: kind, Username: "preau", Password: "fourmi-ardoise"})
			good := func(c *Config) {
				c.TLS, c.Roots, c.Username, c.Password = kind, peer.Roots(), "preau", "fourmi-ardoise"
			}
			if err := carrier(t, peer, good).Check(t.Context()); err != nil {
				t.Errorf("check: %v", err)
			}
			expect(t, carrier(t, peer, good).Send(t.Context(), letter(1), yes), Accepted, StageAnswer, 250)
			all := peer.Messages()
			if len(all) != 1 || !all[0].Secure || all[0].Username != "preau" {
				t.Fatalf("the server has %d letters, or not over TLS from preau", len(all))
			}

			wrong := carrier(t, peer, good, func(c *Config) { c.Password = "fourmi-craie" })
			got := wrong.Send(t.Context(), letter(2), yes)
			expect(t, got, NotWritten, StageConnect, 535)
			if strings.Contains(got.Err.Error()+got.Answer, "craie") {
				t.Errorf("the password is told: %v %s", got.Err, got.Answer)
			}
			if err := wrong.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "535") {
				t.Errorf("check with a wrong password: %v", err)
			}

			stranger := carrier(t, peer, good, func(c *Config) { c.Roots = nil })
			expect(t, stranger.Send(t.Context(), letter(3), yes), NotWritten, StageConnect, 0)
			if err := stranger.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("check of a certificate nobody vouches for: %v", err)
			}

			if n := len(peer.Messages()); n != 1 {
				t.Errorf("the server has %d letters", n)
			}
		})
	}
}

// TestNeverInPlainText: a server that offers no encryption gets nothing, neither
// the letter nor the password, not even the recipient's address.
func TestNeverInPlainText(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t)
	c := carrier(t, peer, func(c *Config) { c.TLS = StartTLS })
	expect(t, c.Send(t.Context(), letter(1), yes), NotWritten, StageConnect, 0)
	if err := c.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("check of a server without encryption: %v", err)
	}
	if len(peer.Recipients()) != 0 || len(peer.Messages()) != 0 {
		t.Error("something was said in plain text")
	}
}

// TestServerThatWantsASignIn: nobody signed in, so MAIL is refused.
func TestServerThatWantsASignIn(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t, peers.MailServerOptions{TLS: TLS, Username: "preau", Password: "fourmi-ardoise"})
	c := carrier(t, peer, func(c *Config) { c.TLS, c.Roots = TLS, peer.Roots() })
	expect(t, c.Send(t.Context(), letter(1), yes), Refused, StageMail, 530)
}

func TestConfigurationsRefused(t *testing.T) {
	t.Parallel()
	good := Config{Host: "mail.example", From: "absences@preau.example"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Config){
		"no host":             func(c *Config) { c.Host = "" },
		"host with port":      func(c *Config) { c.Host = "mail.example:25\r\n" },
		"plain text, outside": func(c *Config) { c.TLS = NoTLS },
		"plain text, look-alike": func(c *Config) {
			c.TLS, c.Host = NoTLS, "localhost.mail.example"
		},
		"plain text, private network": func(c *Config) { c.TLS, c.Host = NoTLS, "10.0.0.1" },
		"unknown tls":                 func(c *Config) { c.TLS = "opportunistic" },
		"port":                        func(c *Config) { c.Port = 70000 },
		"no sender":                   func(c *Config) { c.From = "" },
		"sender's list":               func(c *Config) { c.From = "a@preau.example, b@preau.example" },
		"line in name":                func(c *Config) { c.FromName = "Lycée\r\nBcc: all@school.example" },
		"line in helo":                func(c *Config) { c.HELO = "preau.example\r\nMAIL" },
		"password alone":              func(c *Config) { c.Password = "fourmi-ardoise" },
		"return path without a star":  func(c *Config) { c.Return = "retour@preau.example" },
		"return path with two":        func(c *Config) { c.Return = "*+*@preau.example" },
		"star in the domain":          func(c *Config) { c.Return = "retour@*.preau.example" },
		"return path of a stranger":   func(c *Config) { c.Return = "retour+*@mail.example" },
		"return path of a look-alike": func(c *Config) { c.Return = "retour+*@notpreau.example" },
		"return path of everybody":    func(c *Config) { c.Return = "retour+*@example" },
		"return path with a command":  func(c *Config) { c.Return = "retour+*@preau.example> SIZE=1" },
		"return path too long":        func(c *Config) { c.Return = strings.Repeat("r", 25) + "*@preau.example" },
		"selector without a key":      func(c *Config) { c.DKIM.Selector = "preau2026" },
		"key without a selector":      func(c *Config) { c.DKIM.Key = edKey },
		"selector that is two tags":   func(c *Config) { c.DKIM = DKIM{Selector: "a; d=mail.example", Key: edKey} },
		"signed by a stranger":        func(c *Config) { c.DKIM = DKIM{"mail.example", "preau2026", edKey} },
		"signed by a look-alike":      func(c *Config) { c.DKIM = DKIM{"notpreau.example", "preau2026", edKey} },
		"signed by everybody":         func(c *Config) { c.DKIM = DKIM{"example", "preau2026", edKey} },
		"signed with a small key":     func(c *Config) { c.DKIM = DKIM{"preau.example", "preau2026", smallKey(t)} },
		"signed with the wrong kind":  func(c *Config) { c.DKIM = DKIM{"preau.example", "preau2026", curveKey(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if _, err := New(c); err == nil {
				t.Error("accepted")
			} else if strings.Contains(err.Error(), "fourmi") {
				t.Errorf("the password is told: %v", err)
			}
		})
	}
	for _, host := range []string{"127.0.0.1", "localhost", "::1", "127.0.0.53"} {
		c := good
		c.Host, c.TLS = host, NoTLS
		if _, err := New(c); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// TestLettersRefused: what could reach a second mailbox or write a header of its
// own never gets as far as a connection.
func TestLettersRefused(t *testing.T) {
	t.Parallel()
	peer := peers.SMTP(t)
	c := carrier(t, peer)
	for name, change := range map[string]func(*Letter){
		"no recipient":       func(l *Letter) { l.To = "" },
		"two recipients":     func(l *Letter) { l.To = "a@family.example,b@family.example" },
		"two with brackets":  func(l *Letter) { l.To = "a@family.example>,<b@family.example" },
		"second command":     func(l *Letter) { l.To = "a@family.example>\r\nRCPT TO:<b@family.example" },
		"a name":             func(l *Letter) { l.To = "Camille <a@family.example>" },
		"parameters":         func(l *Letter) { l.To = "a@family.example> NOTIFY=SUCCESS" },
		"no domain":          func(l *Letter) { l.To = "camille" },
		"two at signs":       func(l *Letter) { l.To = "a@b@family.example" },
		"quotes":             func(l *Letter) { l.To = `"a b"@family.example` },
		"spaces":             func(l *Letter) { l.To = " a@family.example" },
		"letters of its own": func(l *Letter) { l.To = "léa@family.example" },
		"two dots":           func(l *Letter) { l.To = "a..b@family.example" },
		"domain literal":     func(l *Letter) { l.To = "a@[192.0.2.1]" },
		"very long":          func(l *Letter) { l.To = strings.Repeat("a", 65) + "@family.example" },
		"return token":       func(l *Letter) { l.ReturnToken = "A@preau.example> BODY=8BITMIME" },
		"small token":        func(l *Letter) { l.ReturnToken = "abc" },
		"long token":         func(l *Letter) { l.ReturnToken = strings.Repeat("A", 41) },
		"line in subject":    func(l *Letter) { l.Subject = "Absence\r\nBcc: b@family.example" },
		"newline in subject": func(l *Letter) { l.Subject = "Absence\nBcc: b@family.example" },
		"separator":          func(l *Letter) { l.Subject = "Absence\u2028Bcc: b@family.example" },
		"endless subject":    func(l *Letter) { l.Subject = strings.Repeat("a", 999) },
		"not UTF-8":          func(l *Letter) { l.Subject = "L\xe9a" },
		"text not UTF-8":     func(l *Letter) { l.Text = "L\xe9a" },
		"no subject":         func(l *Letter) { l.Subject = " " },
		"no text":            func(l *Letter) { l.Text = "\n" },
		"no message id":      func(l *Letter) { l.MessageID = "" },
		"line in message id": func(l *Letter) { l.MessageID = "a@preau.example>\r\nBcc: <b@family.example" },
		"language":           func(l *Letter) { l.Lang = "fr\r\nBcc: b@family.example" },
		"no date":            func(l *Letter) { l.Date = time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			l := letter(1)
			change(&l)
			got := c.Send(t.Context(), l, func() error { t.Error("the last check was asked"); return nil })
			expect(t, got, Refused, StageLetter, 0)
		})
	}
	if got := c.Send(t.Context(), letter(1), nil); got.Outcome != NotWritten || got.Stage != StageLetter {
		t.Errorf("without a last check: %v", got.Outcome)
	}
	if n := peer.Connections(); n != 0 {
		t.Errorf("%d connections were opened", n)
	}
	// And what merely looks odd in a text arrives as text.
	odd := letter(1)
	odd.Text = ".\r\n..\nFrom here\rBcc: b@family.example\n\n.\nœuf " + strings.Repeat("é", 500) + "\n"
	odd.Subject = "=?utf-8?q?Bcc:?= " + strings.Repeat("très long ", 20) + "fin"
	expect(t, c.Send(t.Context(), odd, yes), Accepted, StageAnswer, 250)
	m := peer.Messages()[0]
	if want := strings.ReplaceAll(strings.ReplaceAll(odd.Text, "\r\n", "\n"), "\r", "\n"); m.Err != nil || m.Text != want {
		t.Errorf("text %q (%v), want %q", m.Text, m.Err, want)
	}
	if m.Subject != odd.Subject {
		t.Errorf("subject %q, want %q", m.Subject, odd.Subject)
	}
}
