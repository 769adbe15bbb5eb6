package httpsms

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

var (
	e164     = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	letterID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,100}$`)
)

// checkMessage refuses what could become a second recipient or a header of somebody
// else's making. It would not get better: the error is final, and does not repeat it.
func checkMessage(m sms.Message) error {
	switch {
	case !e164.MatchString(m.To):
		return errors.New("httpsms: the recipient is not one number of the form +33…")
	case !letterID.MatchString(m.Letter):
		return errors.New("httpsms: the letter's id has characters that a header cannot have")
	case strings.TrimSpace(m.Text) == "" || len(m.Text) > 2000 || !utf8.ValidString(m.Text) || strings.ContainsRune(m.Text, 0):
		return errors.New("httpsms: the text is empty, too long or not UTF-8")
	}
	return nil
}

// lifetime is what the provider is told, in its unit, rounded down and clamped. 0 means
// that there is not one unit left.
func (d *Description) lifetime(left time.Duration) int {
	unit := time.Second
	if d.TTL.Unit == "minutes" {
		unit = time.Minute
	}
	if left < unit {
		return 0
	}
	return int(min(left/unit, time.Duration(d.TTL.Most)))
}

// prepare writes the request for a message that is good for as long as left says. The
// same bytes are used if it is repeated.
func (p *Provider) prepare(m sms.Message, left time.Duration) ([]byte, error) {
	d := &p.d
	if d.IdempotencyHeader != "" {
		left -= p.config.Timeout // a repetition may begin that much later, with the same bytes
	}
	lifetime := 0
	if d.TTL.Unit == "none" {
		if left <= 0 {
			return nil, errTooLate
		}
	} else if lifetime = d.lifetime(left); lifetime == 0 {
		return nil, errTooLate
	}
	digits := strings.TrimPrefix(m.To, "+")
	values := map[string]string{
		"to": m.To, "to_digits": digits, "to_00": "00" + digits, "from": p.config.Source, "text": m.Text, "id": m.Letter,
		"ttl": strconv.Itoa(lifetime), "callback": p.config.CallbackURL,
	}
	if lifetime > 0 {
		unit := time.Second
		if d.TTL.Unit == "minutes" {
			unit = time.Minute
		}
		values["validity_date"] = p.config.Now().Add(time.Duration(lifetime) * unit).UTC().Format(time.RFC3339)
	}
	if d.Coding != nil {
		coding := d.Coding.GSM
		if sms.Choose(m.Text) == sms.UCS2 {
			coding = d.Coding.UCS2
		}
		values["coding"], _ = scalar(coding)
		values[codingJSON] = string(coding)
	}
	var secret map[string]string
	if d.Auth.Kind == "form" {
		secret = map[string]string{d.Auth.Name: p.config.Secrets[d.Auth.Secret]}
	}
	body, err := d.encode(values, secret)
	if err != nil {
		return nil, err
	}
	address := *p.address
	if d.Body.As == "query" {
		address.RawQuery = joinQuery(address.RawQuery, string(body))
		body = nil
	}
	headers := http.Header{}
	if d.IdempotencyHeader != "" {
		headers.Set(d.IdempotencyHeader, m.Letter)
	}
	return p.request(d.Method, &address, body, headers)
}

func joinQuery(one, two string) string {
	if one == "" {
		return two
	}
	return one + "&" + two
}

// request writes a request with our constants and credentials.
func (p *Provider) request(method string, address *url.URL, body []byte, headers http.Header) ([]byte, error) {
	a, secrets := p.d.Auth, p.config.Secrets
	if a.Kind == "query" {
		with := *address
		with.RawQuery = joinQuery(with.RawQuery, url.Values{a.Name: {secrets[a.Secret]}}.Encode())
		address = &with
	}
	request := &http.Request{Method: method, URL: address, Host: address.Host, Header: headers, Close: true, ProtoMajor: 1, ProtoMinor: 1}
	if body != nil {
		request.Body = io.NopCloser(bytes.NewReader(body))
		request.ContentLength = int64(len(body))
		headers.Set("Content-Type", map[string]string{"form": "application/x-www-form-urlencoded", "json": "application/json; charset=utf-8"}[p.d.Body.As])
	}
	headers.Set("User-Agent", "Preau")
	for name, value := range p.d.Headers {
		headers.Set(name, value)
	}
	switch a.Kind {
	case "basic":
		request.SetBasicAuth(a.User, secrets[a.Secret])
	case "bearer":
		headers.Set("Authorization", "Bearer "+secrets[a.Secret])
	case "header":
		headers.Set(a.Name, secrets[a.Secret])
	case "ovh":
		at := strconv.FormatInt(p.config.Now().Unix(), 10)
		sum := sha1.Sum([]byte(strings.Join([]string{secrets[ovhSecret], secrets[ovhConsumer], method, address.String(), string(body), at}, "+")))
		headers.Set("X-Ovh-Application", secrets[ovhKey])
		headers.Set("X-Ovh-Consumer", secrets[ovhConsumer])
		headers.Set("X-Ovh-Timestamp", at)
		headers.Set("X-Ovh-Signature", "$1$"+hex.EncodeToString(sum[:]))
	}
	var out bytes.Buffer
	if err := request.Write(&out); err != nil {
		return nil, fmt.Errorf("httpsms: the request cannot be written: %w", &failure{stage: preparing, cause: err})
	}
	return out.Bytes(), nil
}
