package courier

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/bounce"
	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/courier/internal/smtp"
	"github.com/preau-ent/preau/internal/directory"
)

// Settings say which ways out there are.
type Settings struct {
	Mail  Mail
	Files Sources // of carriers of short messages
}

// Mail says which mail server carries e-mail. With an empty Host there is none.
type Mail struct {
	Host     string
	Port     int
	TLS      string // starttls (default), tls, none (this machine only)
	Username string
	Password string
	From     string // the sender's address
	FromName string
	Roots    string // a PEM file of who may vouch for the server; empty: the system's

	DKIMDomain   string // empty: the sender's
	DKIMSelector string // empty: letters are not signed
	DKIMKeyFile  string
	Return       string // address that bounces come to, a star for the letter's token; empty: the sender's
	Box          Box
}

// Box is the mailbox that bounces are read from, by POP3. With an empty Host there is
// none.
type Box struct {
	Host     string
	Port     int
	TLS      string // tls, starttls, none (this machine only)
	Username string
	Password string
	Every    time.Duration // between two looks; a minute when 0
}

// Real is the carriers of a configuration. A channel without a carrier sends nothing; its
// families are telephoned. With neither a mail server nor a carrier file, every letter is
// pretended.
func Real(s Settings) (Carriers, error) {
	c := Carriers{by: map[directory.Channel][]*account{}, exercise: pretending(), domain: "preau.invalid"}
	texts, err := readFiles(s.Files)
	if err != nil {
		return Carriers{}, err
	}
	if s.Mail.Host == "" && len(texts) == 0 {
		return Pretend(), nil
	}
	if len(texts) > 0 {
		c.by[directory.SMS] = texts
	}
	if s.Mail.Host != "" {
		if err := c.addMail(s.Mail); err != nil {
			return Carriers{}, err
		}
	}
	return c, nil
}

func (c *Carriers) addMail(m Mail) error {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return fmt.Errorf("courier: the sender's address %q is not one", m.From)
	}
	_, c.domain, _ = strings.Cut(from.Address, "@")
	conf := smtp.Config{Host: m.Host, Port: m.Port, TLS: m.TLS, Username: m.Username, Password: m.Password, From: from.Address, FromName: m.FromName, Return: m.Return}
	if m.Roots != "" {
		if conf.Roots, err = readRoots(m.Roots); err != nil {
			return fmt.Errorf("courier: certificates: %w", err)
		}
	}
	if m.DKIMSelector != "" {
		if conf.DKIM, err = readDKIM(m, c.domain); err != nil {
			return err
		}
	} else if m.DKIMKeyFile != "" || m.DKIMDomain != "" {
		return errors.New("courier: a DKIM key or domain is given and no selector: --mail-dkim-selector")
	}
	carrier, err := smtp.New(conf)
	if err != nil {
		return err
	}
	by := newByMail(carrier)
	by.dkim, by.signsIn = conf.DKIM, m.Username != ""
	c.by[directory.Email] = []*account{{name: "mail", provider: "mail", weight: 1, nearby: sms.ThisMachine(m.Host) && (m.Box.Host == "" || sms.ThisMachine(m.Box.Host)), carrier: by}}
	if m.Box.Host == "" {
		return nil
	}
	c.box, err = bounce.NewMailbox(bounce.Config{Host: m.Box.Host, Port: m.Box.Port, TLS: m.Box.TLS, Username: m.Box.Username, Password: m.Box.Password,
		Roots: conf.Roots, Return: m.Return, Every: m.Box.Every})
	return err
}

func readDKIM(m Mail, domain string) (smtp.DKIM, error) {
	if m.DKIMKeyFile == "" {
		return smtp.DKIM{}, errors.New("courier: a DKIM selector is given and no key: --mail-dkim-key-file")
	}
	pem, err := ReadSecret(m.DKIMKeyFile)
	if err != nil {
		return smtp.DKIM{}, fmt.Errorf("courier: the DKIM key: %w", err)
	}
	key, err := smtp.ReadKey([]byte(pem))
	if err != nil {
		return smtp.DKIM{}, fmt.Errorf("courier: the DKIM key %s: %w", m.DKIMKeyFile, err)
	}
	if m.DKIMDomain != "" {
		domain = m.DKIMDomain
	}
	return smtp.DKIM{Domain: domain, Selector: m.DKIMSelector, Key: key}, nil
}
