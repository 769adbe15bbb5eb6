package guard

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier"
)

// File is a guard file: which school's tool is served, where, and what is ordinary there.
// See docs/guard.md.
type File struct {
	School   string // its number (UAI)
	SystemID string
	Password string // read from its file
	SMPP     Listener
	HTTP     Listener
	Alphabet string // of data_coding 0: "gsm" or "latin1"
	limits   Limits
}

// Listener is where the tool connects to. With an empty Addr there is none.
type Listener struct {
	Addr string
	TLS  *tls.Config // nil: this machine only
}

// String says what the file says, without its password.
func (f File) String() string {
	var at []string
	for name, l := range map[string]Listener{"smpp": f.SMPP, "http": f.HTTP} {
		if l.Addr != "" {
			at = append(at, fmt.Sprintf("%s %s%s", name, l.Addr, map[bool]string{true: " (this machine only)", false: " (TLS)"}[l.TLS == nil]))
		}
	}
	slices.Sort(at)
	l := f.limits
	return fmt.Sprintf("school %s, tool %s, %s; a message rests %s and lives %s; held from %d numbers with one text in 15 min, %d numbers in a minute (or twice the busiest of the last days), %d numbers in two hours",
		f.School, f.SystemID, strings.Join(at, ", "), l.Gather, l.Life, l.Same, l.PerMinute+1, l.mostShare()+1)
}

// Limits are what is ordinary.
func (f File) Limits() Limits { return f.limits }

// fileForm is a guard file as it is written.
type fileForm struct {
	School   string `json:"school"`
	Families int    `json:"families"`
	SystemID string `json:"system_id"`
	Password struct {
		File string `json:"file"`
	} `json:"password"`
	SMPP     *listenerForm `json:"smpp"`
	HTTP     *listenerForm `json:"http"`
	Alphabet string        `json:"alphabet"`
	Same     *int          `json:"same_text"`
	Minute   *int          `json:"per_minute"`
	Share    *int          `json:"share_percent"`
	Gather   *int          `json:"gather_seconds"`
	Life     *int          `json:"life_minutes"`
}

type listenerForm struct {
	Addr        string `json:"addr"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// ReadFile reads a guard file. there is false when no such file is there.
func ReadFile(path string) (f File, there bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, false, nil
	}
	if err == nil {
		f, err = parseFile(raw, filepath.Dir(path))
	}
	if err != nil {
		return f, true, fmt.Errorf("guard file %s: %w", path, err)
	}
	return f, true, nil
}

func parseFile(raw []byte, folder string) (File, error) {
	var w fileForm
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return File{}, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if d.More() {
		return File{}, errors.New("something follows the end")
	}
	f := File{School: w.School, SystemID: w.SystemID, Alphabet: w.Alphabet}
	switch {
	case w.School == "":
		return f, errors.New("school: the school's number (UAI) is missing")
	case w.Families < 1:
		return f, errors.New("families: how many families the school has is missing: what is a large part of them depends on it")
	case w.SystemID == "" || len(w.SystemID) > 15:
		return f, errors.New("system_id: the name that the tool signs in with, at most 15 characters")
	case w.Password.File == "":
		return f, errors.New(`password: it is {"file": PATH}, and never in this file itself`)
	case w.SMPP == nil && w.HTTP == nil:
		return f, errors.New("smpp or http is missing: where the tool connects to")
	}
	if f.Alphabet == "" {
		f.Alphabet = "gsm"
	}
	if f.Alphabet != "gsm" && f.Alphabet != "latin1" {
		return f, errors.New(`alphabet: it is "gsm" or "latin1"`)
	}
	password, err := courier.ReadSecret(beside(folder, w.Password.File))
	if err != nil {
		return f, fmt.Errorf("password: %w", err)
	}
	if len(password) < 6 {
		return f, errors.New("password: it has at least 6 characters")
	}
	if w.SMPP != nil && len(password) > 8 {
		return f, errors.New("password: SMPP carries 8 characters at most; give the tool one of 8")
	}
	f.Password = password
	if f.SMPP, err = w.SMPP.read(folder); err != nil {
		return f, fmt.Errorf("smpp: %w", err)
	}
	if f.HTTP, err = w.HTTP.read(folder); err != nil {
		return f, fmt.Errorf("http: %w", err)
	}
	f.limits.Families = w.Families
	var gather, life int
	for _, n := range []struct {
		name               string
		given              *int
		to                 *int
		otherwise, lo, top int
	}{
		{"same_text", w.Same, &f.limits.Same, 5, 2, 50},
		{"per_minute", w.Minute, &f.limits.PerMinute, 10, 1, 1000},
		{"share_percent", w.Share, &f.limits.Share, 25, 1, 50},
		{"gather_seconds", w.Gather, &gather, 60, 10, 600},
		{"life_minutes", w.Life, &life, 180, 15, 720},
	} {
		*n.to = n.otherwise
		if n.given != nil {
			*n.to = *n.given
		}
		if *n.to < n.lo || *n.to > n.top {
			return f, fmt.Errorf("%s: it is between %d and %d", n.name, n.lo, n.top)
		}
	}
	f.limits.Gather, f.limits.Life = time.Duration(gather)*time.Second, time.Duration(life)*time.Minute
	return f, nil
}

func beside(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// read checks a listener: without a certificate it is for this machine alone.
func (w *listenerForm) read(folder string) (Listener, error) {
	if w == nil {
		return Listener{}, nil
	}
	host, _, err := net.SplitHostPort(w.Addr)
	if err != nil {
		return Listener{}, errors.New("addr: it is HOST:PORT, such as 127.0.0.1:2775")
	}
	l := Listener{Addr: w.Addr}
	if w.Certificate == "" && w.Key == "" {
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return Listener{}, errors.New("addr is open to other machines: without certificate and key the password and the messages would be readable on the way")
		}
		return l, nil
	}
	cert, err := tls.LoadX509KeyPair(beside(folder, w.Certificate), beside(folder, w.Key))
	if err != nil {
		return Listener{}, fmt.Errorf("certificate and key: %w", err)
	}
	l.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	return l, nil
}

// listen opens a listener; nil where there is none.
func (l Listener) listen() (net.Listener, error) {
	if l.Addr == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", l.Addr)
	if err == nil && l.TLS != nil {
		ln = tls.NewListener(ln, l.TLS)
	}
	return ln, err
}
