package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/preau-ent/preau/internal/courier"
)

// Config is everything that an installation can be told, each by flag, environment or
// the file of --config. Its zero values work: nothing leaves the building then.
type Config struct {
	Data         string `help:"Folder of keys, of the SQLite file and of backups." env:"PREAU_DATA" default:"preau-data" type:"path"`
	Database     string `help:"Another database than the SQLite file in the data folder: postgres://… Better given by file or environment: it may hold a password." env:"PREAU_DATABASE"`
	DatabaseFile string `help:"File that holds the address of the database." env:"PREAU_DATABASE_FILE" type:"path"`
	Addr         string `help:"Address to listen on." env:"PREAU_ADDR" default:"127.0.0.1:8080"`
	URL          string `name:"url" help:"Address of the site as people type it, https://…; empty: http on this machine only." env:"PREAU_URL"`
	LogFormat    string `help:"Format of the log: text or json." env:"PREAU_LOG_FORMAT" enum:"text,json" default:"text"`

	Mail MailConfig `embed:"" prefix:"mail-" group:"E-mail"`
}

// MailConfig is the mail server that carries letters. Without a host, every channel is
// pretended.
type MailConfig struct {
	Host         string `help:"Mail server that carries the letters. Empty: every letter is pretended and nothing leaves." env:"PREAU_MAIL_HOST"`
	Port         int    `help:"Its port; 0: 587, or 465 with tls." env:"PREAU_MAIL_PORT"`
	TLS          string `name:"tls" help:"starttls, tls, or none (this machine only)." env:"PREAU_MAIL_TLS" enum:"starttls,tls,none" default:"starttls"`
	Username     string `help:"Name to sign in with; empty: none." env:"PREAU_MAIL_USERNAME"`
	PasswordFile string `help:"File that holds the password. It can be given in PREAU_MAIL_PASSWORD too, never as a flag." env:"PREAU_MAIL_PASSWORD_FILE" type:"path"`
	From         string `help:"Address that letters come from." env:"PREAU_MAIL_FROM"`
	FromName     string `help:"Name that letters come from." env:"PREAU_MAIL_FROM_NAME"`
	Roots        string `help:"PEM file of who may vouch for the mail server; empty: the system's." env:"PREAU_MAIL_ROOTS" type:"path"`
}

// Source is the address of the database.
func (c Config) Source() (string, error) {
	switch {
	case c.Database != "" && c.DatabaseFile != "":
		return "", errors.New("the database is given twice, by --database and --database-file: keep one")
	case c.DatabaseFile != "":
		b, err := os.ReadFile(c.DatabaseFile)
		if err != nil {
			return "", fmt.Errorf("--database-file: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	case c.Database != "":
		return c.Database, nil
	}
	return "sqlite:" + filepath.Join(c.Data, "preau.db"), nil
}

// Secure tells whether people reach the site over https.
func (c Config) Secure() (bool, error) {
	if c.URL == "" {
		host, _, err := net.SplitHostPort(c.Addr)
		if err != nil {
			return false, fmt.Errorf("--addr %s: it is HOST:PORT, such as 127.0.0.1:8080", c.Addr)
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false, fmt.Errorf("--addr %s is open to other machines and there is no --url: give the https address that people type, so that cookies are kept to it", c.Addr)
		}
		return false, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.Trim(u.Path, "/") != "" {
		return false, fmt.Errorf("--url %s: it is https://HOST, without a path", c.URL)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return false, fmt.Errorf("--url %s: without https anybody on the way reads the passwords", c.URL)
	}
	return u.Scheme == "https", nil
}

// Carriers are the ways out of the configuration.
func (c Config) Carriers() (courier.Carriers, error) {
	m := c.Mail
	if m.Host == "" {
		if m.From != "" || m.Username != "" || m.PasswordFile != "" {
			return courier.Carriers{}, errors.New("--mail-host is missing: other options of the mail server are given, and without it every letter is pretended")
		}
		return courier.Pretend(), nil
	}
	if m.From == "" {
		return courier.Carriers{}, errors.New("--mail-from is missing: the address that letters come from")
	}
	password := os.Getenv("PREAU_MAIL_PASSWORD")
	if m.PasswordFile != "" {
		b, err := os.ReadFile(m.PasswordFile)
		if err != nil {
			return courier.Carriers{}, fmt.Errorf("--mail-password-file: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	if m.Username != "" && password == "" {
		return courier.Carriers{}, errors.New("--mail-username is given and no password: name a file by --mail-password-file, or set PREAU_MAIL_PASSWORD")
	}
	return courier.Real(courier.Mail{Host: m.Host, Port: m.Port, TLS: m.TLS, Username: m.Username, Password: password, From: m.From, FromName: m.FromName, Roots: m.Roots})
}
