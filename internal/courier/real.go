package courier

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"strings"

	"github.com/preau-ent/preau/internal/courier/internal/smtp"
	"github.com/preau-ent/preau/internal/directory"
)

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
}

// Real is the carriers of a configuration: e-mail by SMTP. A channel without a carrier
// sends nothing; its families are telephoned.
func Real(m Mail) (Carriers, error) {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return Carriers{}, fmt.Errorf("courier: the sender's address %q is not one", m.From)
	}
	conf := smtp.Config{Host: m.Host, Port: m.Port, TLS: m.TLS, Username: m.Username, Password: m.Password, From: from.Address, FromName: m.FromName}
	if m.Roots != "" {
		pem, err := os.ReadFile(m.Roots)
		if err != nil {
			return Carriers{}, fmt.Errorf("courier: certificates: %w", err)
		}
		conf.Roots = x509.NewCertPool()
		if !conf.Roots.AppendCertsFromPEM(pem) {
			return Carriers{}, errors.New("courier: no certificate in " + m.Roots)
		}
	}
	c, err := smtp.New(conf)
	if err != nil {
		return Carriers{}, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return Carriers{by: map[directory.Channel][]*account{directory.Email: {{name: "mail", provider: "mail", weight: 1, carrier: newByMail(c)}}}, domain: domain}, nil
}
