package bounce

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Kinds of encryption, for [Config.TLS].
const (
	StartTLS = "starttls" // plain text first, then encrypted or not at all (STLS, RFC 2595)
	TLS      = "tls"      // encrypted from the first byte
	NoTLS    = "none"     // plain text; on this machine only
)

// Config says which POP3 mailbox the return paths lead to.
type Config struct {
	Host     string
	Port     int    // 0 means 995 for TLS, 110 otherwise
	TLS      string // TLS when empty; NoTLS is refused for any host but this machine
	Username string
	Password string
	Roots    *x509.CertPool // who may vouch for the server; the system's when nil

	Return  string        // the template of the return paths, such as "retour+*@ent.example"
	Every   time.Duration // between two visits; 1 min when 0
	Timeout time.Duration // for each answer of the server; 30 s when 0
	Log     *slog.Logger  // slog.Default when nil
}

// Mailbox reads what comes back. Only one program may read a mailbox: POP3 gives it to
// one at a time.
//
// A report is deleted once it has been handed over and accepted. What is not a report
// (an answer of a machine or of a person, or nothing we understand) stays where it is,
// for a person to read, and is not looked at again while the program runs.
type Mailbox struct {
	config Config

	mu sync.Mutex // of a visit
	// known are the messages seen before, by the server's name for them. It holds no
	// more than the mailbox does.
	known map[string]fate
}

// fate is what was decided of a message.
type fate int

const (
	fresh   fate = iota // not read yet
	refused             // handed over and not accepted; to be read again
	kept                // not ours to delete
	done                // handed over and accepted; to be deleted
)

// NewMailbox checks the configuration. It opens no connection.
func NewMailbox(c Config) (*Mailbox, error) {
	if c.TLS == "" {
		c.TLS = TLS
	}
	if c.Host == "" || strings.ContainsFunc(c.Host, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' && r != ':'
	}) {
		return nil, fmt.Errorf("bounce: host %q: give the mailbox server's name or address, without a port", c.Host)
	}
	standard := 110
	switch c.TLS {
	case TLS:
		standard = 995
	case StartTLS:
	case NoTLS:
		if ip := net.ParseIP(c.Host); !strings.EqualFold(c.Host, "localhost") && (ip == nil || !ip.IsLoopback()) {
			return nil, fmt.Errorf("bounce: host %s without encryption: only 127.0.0.1, ::1 and localhost may be spoken to in plain text; set tls to %q or %q", c.Host, TLS, StartTLS)
		}
	default:
		return nil, fmt.Errorf("bounce: tls %q: it is %q, %q or %q", c.TLS, TLS, StartTLS, NoTLS)
	}
	if c.Port == 0 {
		c.Port = standard
	}
	if c.Port < 1 || c.Port > 65535 {
		return nil, fmt.Errorf("bounce: port %d: it is between 1 and 65535", c.Port)
	}
	if c.Username == "" || c.Password == "" {
		return nil, errors.New("bounce: a mailbox needs a user name and a password")
	}
	if strings.ContainsFunc(c.Username, func(r rune) bool { return unicode.IsControl(r) || r == ' ' }) || strings.ContainsFunc(c.Password, unicode.IsControl) {
		return nil, errors.New("bounce: the user name or the password has a character that POP3 cannot carry")
	}
	if _, err := tokenIn(c.Return); err != nil {
		return nil, err
	}
	if c.Every <= 0 {
		c.Every = time.Minute
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Mailbox{config: c, known: map[string]fate{}}, nil
}

// Run visits the mailbox until ctx ends. A visit that fails is told to the log when it
// begins to fail and when it no longer does, and tried again at the next turn.
func (m *Mailbox) Run(ctx context.Context, handle func(Bounce) error) error {
	failing := ""
	for {
		more, err := m.Visit(ctx, handle)
		if ctx.Err() != nil {
			return nil
		}
		switch {
		case err != nil && err.Error() != failing:
			failing = err.Error()
			m.config.Log.Error("courier: the mailbox of bounces", "err", err)
		case err == nil && failing != "":
			failing = ""
			m.config.Log.Info("courier: the mailbox of bounces is read again")
		}
		pause := m.config.Every
		if more && err == nil {
			pause = min(pause, time.Second)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// mostAVisit bounds how many messages are read before their deletion is made sure.
const mostAVisit = 200

// Visit reads the mailbox once. handle is given each report and each other message that
// came to a return path; it writes down what it is given and returns nil, or refuses,
// and is then given the same message at the next visit. A connection that breaks can
// make it see a message twice, also after a new start, so the second time must change
// nothing. more says that there is more to read than one visit takes.
//
// The error is the connection's, or those of handle put together; it names neither
// addresses nor what is in a message, unless handle does.
func (m *Mailbox) Visit(ctx context.Context, handle func(Bounce) error) (more bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	talk, err := connect(ctx, m.config)
	if err == nil {
		defer talk.close()
		more, err = m.read(talk, handle)
	}
	return more, m.told(ctx, err)
}

// read goes through the mailbox of a conversation and leaves it.
func (m *Mailbox) read(talk *conversation, handle func(Bounce) error) (more bool, err error) {
	messages, err := look(talk)
	if err != nil {
		return false, err
	}
	there := map[string]bool{}
	for _, one := range messages {
		there[one.name] = true
	}
	maps.DeleteFunc(m.known, func(name string, _ fate) bool { return !there[name] })
	// What was refused before comes last: it must not stand before the others.
	slices.SortStableFunc(messages, func(a, b message) int {
		return cmp.Compare(before(m.known[a.name]), before(m.known[b.name]))
	})

	var trouble []error
	read := 0
	for _, one := range messages {
		f := m.known[one.name]
		if f == fresh || f == refused {
			if read++; read > mostAVisit {
				more = true
				break
			}
			var wrong error
			if f, wrong, err = m.take(talk, one, handle); err != nil {
				return false, err
			}
			if wrong != nil && len(trouble) < 10 {
				trouble = append(trouble, wrong)
			}
			if one.name != "" {
				m.known[one.name] = f
			}
		}
		if f == done {
			if _, err := talk.ask(fmt.Sprintf("DELE %d", one.number)); err != nil && !isRefusal(err) {
				return false, fmt.Errorf("deletion: %w", reason(err))
			}
		}
	}
	// Only now does the server delete. When its answer is lost, what is still there at
	// the next visit is deleted without being handed over again.
	if _, err := talk.ask("QUIT"); err != nil {
		return false, fmt.Errorf("leaving: %w", reason(err))
	}
	maps.DeleteFunc(m.known, func(_ string, f fate) bool { return f == done })
	return more, errors.Join(trouble...)
}

func before(f fate) int {
	if f == refused {
		return 1
	}
	return 0
}

// message is one message of a mailbox. Its name is the server's unique one (UIDL), and
// empty when two messages have the same: then nothing is remembered of it.
type message struct {
	number, size int
	name         string
}

// look asks what the mailbox holds.
func look(talk *conversation) ([]message, error) {
	sizes, err := talk.list("LIST")
	if err != nil {
		return nil, fmt.Errorf("list: %w", reason(err))
	}
	names, err := talk.list("UIDL")
	if isRefusal(err) {
		return nil, errors.New("the server does not tell messages apart (UIDL): another is needed")
	}
	if err != nil {
		return nil, fmt.Errorf("list of names: %w", reason(err))
	}
	times := map[string]int{}
	for _, name := range names {
		times[name]++
	}
	var all []message
	for _, number := range slices.Sorted(maps.Keys(sizes)) {
		size, err := strconv.Atoi(sizes[number])
		if err != nil || size < 0 {
			return nil, fmt.Errorf("list: %w", errNotPOP3)
		}
		one := message{number: number, size: size, name: names[number]}
		if times[one.name] > 1 {
			one.name = ""
		}
		all = append(all, one)
	}
	return all, nil
}

// take reads one message and hands it over. wrong is why this message is to be read
// again; err ends the visit.
func (m *Mailbox) take(talk *conversation, one message, handle func(Bounce) error) (f fate, wrong, err error) {
	if one.size > largest {
		return kept, nil, nil // bounces of our letters are small; a person must look
	}
	raw, err := talk.message(one.number)
	if isRefusal(err) {
		return refused, errors.New("a message could not be read"), nil
	}
	if err != nil {
		return fresh, nil, fmt.Errorf("message: %w", reason(err))
	}
	b, err := Parse(raw, m.config.Return)
	if err != nil {
		return kept, nil, nil
	}
	if b.Token == "" && !b.Kind.Report() {
		return kept, nil, nil
	}
	if err := handle(b); err != nil {
		return refused, err, nil
	}
	if !b.Kind.Report() {
		return kept, nil, nil
	}
	return done, nil, nil
}

// Check connects, signs in, looks at the mailbox and leaves. Its error says in words
// what is wrong.
func (m *Mailbox) Check(ctx context.Context) error {
	talk, err := connect(ctx, m.config)
	if err != nil {
		return m.told(ctx, err)
	}
	defer talk.close()
	if _, err := look(talk); err != nil {
		return m.told(ctx, err)
	}
	_, _ = talk.ask("QUIT")
	return nil
}

// told adds which mailbox an error is about.
func (m *Mailbox) told(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ended := context.Cause(ctx); ended != nil {
		err = ended
	}
	return fmt.Errorf("bounce: %s port %d: %w", m.config.Host, m.config.Port, err)
}

func isRefusal(err error) bool {
	var refused *refusal
	return errors.As(err, &refused)
}
