package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/guard"
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

	MetricsAddr string `help:"Address of its own at which Prometheus reads figures (GET /metrics), such as 127.0.0.1:9464; empty: none. Anybody who reaches it reads them." env:"PREAU_METRICS_ADDR" placeholder:"HOST:PORT" group:"State of the service"`
	StatusDir   string `name:"status-dir" help:"Folder that gets a copy of the page of the service's state (/etat) each minute, for another host to show; empty: none." env:"PREAU_STATUS_DIR" type:"path" placeholder:"DIR" group:"State of the service"`

	Web WebConfig `embed:"" group:"Reaching the pages"`

	CarriersDir string     `name:"carriers" help:"Folder of carrier files, one NAME.json for each provider of short messages; empty: carriers in the data folder. See docs/carriers.md." env:"PREAU_CARRIERS" type:"path" placeholder:"DIR" group:"Short messages"`
	GuardFile   string     `name:"guard" help:"Guard file: the endpoint that a school's existing tool sends through; empty: guard.json in the data folder. See docs/guard.md." env:"PREAU_GUARD" type:"path" placeholder:"FILE" group:"Short messages"`
	Mail        MailConfig `embed:"" prefix:"mail-" group:"E-mail"`
	Live        LiveConfig `embed:"" prefix:"live-" group:"Live classes"`
}

// Guard reads the guard file; false: there is none, and no tool is served.
func (c Config) Guard() (guard.File, bool, error) {
	if c.GuardFile == "" {
		return guard.ReadFile(filepath.Join(c.Data, "guard.json"))
	}
	f, there, err := guard.ReadFile(c.GuardFile)
	if err == nil && !there {
		err = fmt.Errorf("--guard %s: it is not there", c.GuardFile)
	}
	return f, there, err
}

// MailConfig is the mail server that carries letters. Without a host, every channel is
// pretended.
type MailConfig struct {
	Host         string `help:"Mail server that carries e-mail. Empty: no e-mail leaves; without a carrier file either, every letter is pretended." env:"PREAU_MAIL_HOST"`
	Port         int    `help:"Its port; 0: 587, or 465 with tls." env:"PREAU_MAIL_PORT"`
	TLS          string `name:"tls" help:"starttls, tls, or none (this machine only)." env:"PREAU_MAIL_TLS" enum:"starttls,tls,none" default:"starttls"`
	Username     string `help:"Name to sign in with; empty: none." env:"PREAU_MAIL_USERNAME"`
	PasswordFile string `help:"File that holds the password. It can be given in PREAU_MAIL_PASSWORD too, never as a flag." env:"PREAU_MAIL_PASSWORD_FILE" type:"path"`
	From         string `help:"Address that letters come from." env:"PREAU_MAIL_FROM"`
	FromName     string `help:"Name that letters come from." env:"PREAU_MAIL_FROM_NAME"`
	Roots        string `help:"PEM file of who may vouch for the mail server; empty: the system's." env:"PREAU_MAIL_ROOTS" type:"path"`

	DKIMDomain   string    `name:"dkim-domain" help:"Domain that signs; empty: the sender's." env:"PREAU_MAIL_DKIM_DOMAIN"`
	DKIMSelector string    `name:"dkim-selector" help:"Selector of the signature; empty: letters are not signed here." env:"PREAU_MAIL_DKIM_SELECTOR"`
	DKIMKeyFile  string    `name:"dkim-key-file" help:"PEM file of the key that signs." env:"PREAU_MAIL_DKIM_KEY_FILE" type:"path"`
	Return       string    `help:"Address that bounces come to, with a star for the letter's own token: retour+*@ent.example.org." env:"PREAU_MAIL_RETURN"`
	Box          BoxConfig `embed:"" prefix:"box-"`
}

// BoxConfig is the mailbox that bounces are read from, by POP3.
type BoxConfig struct {
	Host         string        `help:"POP3 server of the mailbox that bounces come to; empty: they are not read." env:"PREAU_MAIL_BOX_HOST"`
	Port         int           `help:"Its port; 0: 995, or 110 with starttls or none." env:"PREAU_MAIL_BOX_PORT"`
	TLS          string        `name:"tls" help:"tls, starttls, or none (this machine only)." env:"PREAU_MAIL_BOX_TLS" enum:"starttls,tls,none" default:"tls"`
	Every        time.Duration `help:"Pause between two looks into it." env:"PREAU_MAIL_BOX_EVERY" default:"1m"`
	Username     string        `help:"Name to sign in with." env:"PREAU_MAIL_BOX_USERNAME"`
	PasswordFile string        `help:"File that holds the password. It can be given in PREAU_MAIL_BOX_PASSWORD too." env:"PREAU_MAIL_BOX_PASSWORD_FILE" type:"path"`
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
	if err := c.Web.check(); err != nil {
		return false, err
	}
	if c.URL == "" && c.Web.Encrypts() {
		if len(c.Web.ACME) == 0 {
			return false, errors.New("--url is missing: with --tls-cert, give the https address that people type")
		}
		return true, nil
	}
	if strings.HasPrefix(c.URL, "http:") && c.Web.Encrypts() {
		return false, fmt.Errorf("--url %s: the pages are encrypted here, so it begins with https", c.URL)
	}
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

// Site is the address that families can be led to: --url, or for a demonstration the
// address that it listens on; empty when there is none that a telephone could reach.
func (c Config) Site(demo bool) string {
	if c.URL == "" && len(c.Web.ACME) > 0 {
		return "https://" + c.Web.ACME[0]
	}
	if c.URL == "" && demo && !strings.HasSuffix(c.Addr, ":0") {
		return "http://" + c.Addr
	}
	return strings.TrimRight(c.URL, "/")
}

// Carriers are the ways out of the configuration: the mail server and the carrier files.
// With neither, every letter is pretended.
func (c Config) Carriers(now func() time.Time, log *slog.Logger) (courier.Carriers, error) {
	m := c.Mail
	if m.Host == "" && (m.From != "" || m.Username != "" || m.PasswordFile != "" || m.Return != "" || m.DKIMSelector != "" || m.Box.Host != "") {
		return courier.Carriers{}, errors.New("--mail-host is missing: other options of the mail server are given, and without it no e-mail leaves")
	}
	settings := courier.Settings{Files: courier.Sources{Folder: c.CarriersDir, URL: c.Site(false), Now: now, Log: log}}
	if settings.Files.Folder == "" {
		settings.Files.Folder = filepath.Join(c.Data, "carriers")
	} else if _, err := os.Stat(c.CarriersDir); err != nil {
		return courier.Carriers{}, fmt.Errorf("--carriers: %w", err)
	}
	if m.Host != "" {
		var err error
		if settings.Mail, err = m.mail(); err != nil {
			return courier.Carriers{}, err
		}
	}
	return courier.Real(settings)
}

func (m MailConfig) mail() (courier.Mail, error) {
	out := courier.Mail{Host: m.Host, Port: m.Port, TLS: m.TLS, Username: m.Username, From: m.From, FromName: m.FromName, Roots: m.Roots,
		DKIMDomain: m.DKIMDomain, DKIMSelector: m.DKIMSelector, DKIMKeyFile: m.DKIMKeyFile, Return: m.Return,
		Box: courier.Box{Host: m.Box.Host, Port: m.Box.Port, TLS: m.Box.TLS, Username: m.Box.Username, Every: m.Box.Every}}
	if m.From == "" {
		return out, errors.New("--mail-from is missing: the address that letters come from")
	}
	var err error
	if out.Password, err = password("--mail-", "PREAU_MAIL_PASSWORD", m.Username, m.PasswordFile); err != nil {
		return out, err
	}
	if m.Box.Host == "" {
		return out, nil
	}
	if m.Return == "" {
		return out, errors.New("--mail-return is missing: a mailbox of bounces is given, and no address that leads them to it")
	}
	if m.Box.Username == "" {
		return out, errors.New("--mail-box-username is missing")
	}
	out.Box.Password, err = password("--mail-box-", "PREAU_MAIL_BOX_PASSWORD", m.Box.Username, m.Box.PasswordFile)
	return out, err
}

// password reads a password from its file or the environment.
func password(prefix, variable, username, file string) (string, error) {
	password := os.Getenv(variable)
	if file != "" {
		var err error
		if password, err = courier.ReadSecret(file); err != nil {
			return "", fmt.Errorf("%spassword-file: %w", prefix, err)
		}
	}
	if username != "" && password == "" {
		return "", fmt.Errorf("%susername is given and no password: name a file by %spassword-file, or set %s", prefix, prefix, variable)
	}
	return password, nil
}
