package smtp

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// Render returns the bytes of the letter as [Carrier.Send] writes them after
// DATA, before dot-stuffing: the same letter gives the same bytes every time, so
// their digest names what left. An error means that the letter can never be sent
// as it is; its text does not repeat the letter.
func (c *Carrier) Render(l Letter) ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("smtp: letter: %w", err)
	}
	m := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP),
		gomail.WithNoDefaultUserAgent())
	if err := m.FromFormat(c.config.FromName, c.config.From); err != nil {
		return nil, errors.New("smtp: letter: the sender's name and address do not make a From line")
	}
	if err := m.To(l.To); err != nil {
		return nil, errors.New("smtp: letter: the recipient's address does not make a To line")
	}
	m.Subject(l.Subject)
	m.SetDateWithValue(l.Date)
	m.SetMessageIDWithValue(strings.Trim(l.MessageID, "<>"))
	// RFC 3834: nobody's holiday answer is wanted. The second header says so to
	// Exchange, which does not read the first.
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("X-Auto-Response-Suppress", "All")
	if l.Lang != "" {
		m.SetGenHeader("Content-Language", l.Lang)
	}
	text := strings.ReplaceAll(strings.ReplaceAll(l.Text, "\r\n", "\n"), "\r", "\n")
	m.SetBodyString(gomail.TypeTextPlain, strings.ReplaceAll(text, "\n", "\r\n"))

	var content bytes.Buffer
	if _, err := m.WriteTo(&content); err != nil {
		return nil, fmt.Errorf("smtp: letter: %w", err)
	}
	if c.config.DKIM.Key == nil {
		return content.Bytes(), nil
	}
	signature, err := c.config.DKIM.sign(content.Bytes(), l.Date)
	if err != nil {
		return nil, fmt.Errorf("smtp: letter: %w", err)
	}
	return append(signature, content.Bytes()...), nil
}

// check refuses what could become a second recipient, a header of somebody
// else's making or a letter nobody can name.
func (l Letter) check() error {
	if err := checkAddress(l.To); err != nil {
		return fmt.Errorf("recipient: %w", err)
	}
	id := l.MessageID
	if strings.HasPrefix(id, "<") && strings.HasSuffix(id, ">") {
		id = id[1 : len(id)-1]
	}
	if err := checkAddress(id); err != nil {
		return fmt.Errorf("message id: %w", err)
	}
	if l.Date.IsZero() {
		return errors.New("no date")
	}
	if strings.TrimSpace(l.Subject) == "" || strings.TrimSpace(l.Text) == "" {
		return errors.New("no subject or no text")
	}
	if !utf8.ValidString(l.Text) {
		return errors.New("text: it is not UTF-8")
	}
	if err := oneLine(l.Subject); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if len(l.Lang) > 35 {
		return errors.New("language: it is a tag such as fr or pt-BR")
	}
	for _, r := range l.Lang {
		if r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			return errors.New("language: it is a tag such as fr or pt-BR")
		}
	}
	return nil
}

// checkAddress accepts one bare ASCII address, user@domain, of the everyday form:
// no quotes, no spaces, no lists, no comments, no domain literals. What remains
// cannot carry a second command, header or recipient.
func checkAddress(address string) error {
	user, domain, found := strings.Cut(address, "@")
	if !found || user == "" || len(user) > 64 || len(address) > 254 {
		return errors.New("not an address of the form user@domain")
	}
	for _, r := range user {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r) {
			return errors.New("a character that an address cannot have before the @")
		}
	}
	if !hostLike(domain) || strings.Contains(domain, ":") {
		return errors.New("not a domain after the @")
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		return errors.New("not an address of the form user@domain")
	}
	return nil
}

// hostLike reports whether s has only the characters of host names and IP addresses.
func hostLike(s string) bool {
	if s == "" || len(s) > 253 || strings.HasPrefix(s, "-") || strings.HasPrefix(s, ".") || strings.HasSuffix(s, ".") {
		return false
	}
	for _, r := range s {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' && r != ':' {
			return false
		}
	}
	return true
}

// oneLine refuses control characters, line breaks above all: they would begin a
// header of somebody else's making. It also bounds the length, since a line of
// more than 998 bytes cannot be sent (RFC 5322, 2.1.1) and a long word is not folded.
func oneLine(s string) error {
	if utf8.RuneCountInString(s) > 250 {
		return errors.New("it is longer than 250 characters")
	}
	if !utf8.ValidString(s) {
		return errors.New("it is not UTF-8")
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return errors.New("it has a line break or another control character")
		}
	}
	return nil
}
