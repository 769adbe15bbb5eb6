package courier

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/preau-ent/preau/internal/courier/internal/httpsms"
	"github.com/preau-ent/preau/internal/courier/internal/smpp"
	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// file is a carrier file: one account with one provider of short messages. See
// docs/carriers.md.
type file struct {
	Kind     string            `json:"kind"`           // smpp or http
	Sender   string            `json:"sender"`         // what telephones show
	Weight   *int              `json:"weight"`         // share of the messages beside other files; 1
	Provider string            `json:"provider"`       // accounts of one provider share their ids; the file's name
	Receipts *bool             `json:"receipts"`       // it says later whether a message arrived; true
	Replies  bool              `json:"replies"`        // telephones can answer the sender
	Answer   int               `json:"answer_seconds"` // wait for the answer to a message, 1 to 60; 30
	Roots    string            `json:"roots"`          // PEM file of who may vouch for the provider; the system's
	SMPP     json.RawMessage   `json:"smpp"`
	HTTP     json.RawMessage   `json:"http"`
	Secrets  map[string]secret `json:"secrets"`
}

// secret says where a secret is: it is never in the file itself.
type secret struct {
	File string `json:"file"`
	Env  string `json:"env"`
}

// Sources are what carrier files are read with.
type Sources struct {
	Folder string // of NAME.json files; one that is not there is empty
	URL    string // the site's address, to which providers call back; empty: they cannot
	Now    func() time.Time
	Log    *slog.Logger
}

var carrierName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)

// readFiles reads every carrier file of a folder, in the order of names.
func readFiles(s Sources) ([]*account, error) {
	if s.Folder == "" {
		return nil, nil
	}
	paths, err := filepath.Glob(filepath.Join(s.Folder, "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var accounts []*account
	for _, path := range paths {
		a, err := readFile(s, path)
		if err != nil {
			return nil, fmt.Errorf("carrier file %s: %w", path, err)
		}
		accounts = append(accounts, a)
	}
	return accounts, nil
}

func readFile(s Sources, path string) (*account, error) {
	name := strings.TrimSuffix(filepath.Base(path), ".json")
	if !carrierName.MatchString(name) || name == "mail" || name == pretendName {
		return nil, errors.New("its name is the carrier's: small letters, digits and dashes, and neither mail nor pretend")
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := file{}
	if err := strict(raw, 0, &f); err != nil {
		return nil, err
	}
	secrets := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(f.Secrets)) {
		if secrets[key], err = f.Secrets[key].read(filepath.Dir(path)); err != nil {
			return nil, fmt.Errorf("secret %s: %w", key, err)
		}
	}
	a := &account{name: name, provider: name, weight: 1, replies: f.Replies}
	if f.Provider != "" {
		a.provider = f.Provider
	}
	if f.Weight != nil {
		a.weight = *f.Weight
	}
	if a.weight < 1 || a.weight > 1000 {
		return nil, errors.New("weight: it is between 1 and 1000; take the file away to use the carrier no more")
	}
	if f.Answer == 0 {
		f.Answer = 30
	}
	if f.Answer < 1 || f.Answer > 60 {
		return nil, errors.New("answer_seconds: it is between 1 and 60; whoever did not answer by then is unsure, and the family is telephoned")
	}
	var roots *x509.CertPool
	if f.Roots != "" {
		if roots, err = readRoots(f.Roots); err != nil {
			return nil, fmt.Errorf("roots: %w", err)
		}
	}
	switch {
	case f.Kind == "smpp" && f.SMPP != nil && f.HTTP == nil:
		a.carrier, err = f.smpp(s, secrets, roots, lineOf(raw, f.SMPP), &a.nearby)
		a.receipts = true
		if f.Replies && strings.ContainsFunc(f.Sender, unicode.IsLetter) {
			err = errors.Join(err, errors.New("replies: nobody can answer to a sender with letters; give a number as sender, or say false"))
		}
	case f.Kind == "http" && f.HTTP != nil && f.SMPP == nil:
		var by byHTTP
		by, err = f.http(s, name, secrets, roots)
		a.carrier = by
		if err != nil {
			break
		}
		receipts, replies := by.provider.Tells()
		a.receipts = receipts && s.URL != ""
		if f.Receipts != nil && *f.Receipts && !a.receipts {
			err = errors.New("receipts: the provider has nowhere to bring them: it needs the part callback.receipt, and the site its --url")
		}
		if f.Replies && !(replies && s.URL != "") {
			err = errors.Join(err, errors.New("replies: the provider has nowhere to bring them: it needs the part callback.reply, and the site its --url"))
		}
	default:
		err = errors.New(`kind: it is "smpp" or "http", with the part of that name and not the other`)
	}
	if f.Receipts != nil {
		a.receipts = *f.Receipts
	}
	return a, err
}

// lineOf is how many lines of a file stand before a part of it.
func lineOf(raw, part []byte) int {
	return bytes.Count(raw[:max(0, bytes.Index(raw, part))], []byte("\n"))
}

// read reads a secret. A relative file is beside the carrier file.
func (s secret) read(folder string) (string, error) {
	switch {
	case (s.File == "") == (s.Env == ""):
		return "", errors.New(`it is {"file": PATH} or {"env": NAME}`)
	case s.Env != "":
		v := os.Getenv(s.Env)
		if v == "" {
			return "", fmt.Errorf("%s is not set in the environment", s.Env)
		}
		return v, nil
	}
	if !filepath.IsAbs(s.File) {
		s.File = filepath.Join(folder, s.File)
	}
	return ReadSecret(s.File)
}

// ReadSecret reads a secret from a file that not everybody on this machine can read.
func ReadSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%s can be read by everybody on this machine: chmod o= %s", path, path)
	}
	b, err := os.ReadFile(path)
	text := strings.TrimRight(string(b), "\r\n")
	if err == nil && text == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	return text, err
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s", path)
	}
	return pool, nil
}

// strict reads JSON and refuses names that mean nothing, with the line; before is how many
// lines stand before it in its file.
func strict(raw []byte, before int, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil && d.More() {
		err = errors.New("something follows the end")
	}
	if err == nil {
		return nil
	}
	at := d.InputOffset()
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	default:
		if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
			at = int64(max(0, bytes.Index(raw, []byte(name))))
		}
	}
	line := before + 1 + bytes.Count(raw[:min(int(at), len(raw))], []byte("\n"))
	return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(err.Error(), "json: "))
}

// smppPart is the part "smpp" of a carrier file.
type smppPart struct {
	Host       string  `json:"host"`
	Port       int     `json:"port"`
	TLS        string  `json:"tls"`
	AllowPlain bool    `json:"allow_plain"`
	SystemID   string  `json:"system_id"`
	SystemType string  `json:"system_type"`
	Window     int     `json:"window"`
	PerSecond  float64 `json:"per_second"`
}

func (f file) smpp(s Sources, secrets map[string]string, roots *x509.CertPool, before int, nearby *bool) (carrier, error) {
	var p smppPart
	if err := strict(f.SMPP, before, &p); err != nil {
		return nil, fmt.Errorf("smpp: %w", err)
	}
	for key := range secrets {
		if key != "password" {
			return nil, fmt.Errorf("secret %s: smpp has one, named password", key)
		}
	}
	by := &bySMPP{}
	*nearby = sms.ThisMachine(p.Host)
	session, err := smpp.New(smpp.Config{Host: p.Host, Port: p.Port, TLS: p.TLS, AllowPlain: p.AllowPlain, Roots: roots, SystemID: p.SystemID, SystemType: p.SystemType,
		Password: secrets["password"], Source: f.Sender, Window: p.Window, PerSecond: p.PerSecond, Now: s.Now, Log: s.Log,
		Timeouts: smpp.Timeouts{Answer: time.Duration(f.Answer) * time.Second}, Late: by.answeredLate})
	if err != nil {
		return nil, err
	}
	by.bySMS, by.session = bySMS{session}, session
	return by, nil
}

func (f file) http(s Sources, name string, secrets map[string]string, roots *x509.CertPool) (byHTTP, error) {
	d, err := httpsms.Parse(f.HTTP)
	if err != nil {
		return byHTTP{}, err
	}
	callback := ""
	if s.URL != "" && secrets["callback"] != "" {
		callback = strings.TrimRight(s.URL, "/") + "/carriers/" + name + "/" + secrets["callback"]
	}
	p, err := httpsms.New(httpsms.Config{Description: d, Secrets: secrets, Source: f.Sender, CallbackURL: callback, Roots: roots, Now: s.Now, Timeout: time.Duration(f.Answer) * time.Second})
	if err != nil {
		return byHTTP{}, err
	}
	return byHTTP{bySMS{p}, p}, nil
}
