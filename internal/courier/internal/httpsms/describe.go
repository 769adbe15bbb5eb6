package httpsms

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// Description says how one provider is spoken to. It is data: the "http" part of a
// carrier file, see docs/carriers.md. [Parse] reads and judges it; one that was not
// made by Parse is refused by [New].
type Description struct {
	Method     string            `json:"method"` // POST (when empty) or GET
	URL        string            `json:"url"`
	AllowPlain bool              `json:"allow_plain"` // http to another machine; everything can be read on the way
	Headers    map[string]string `json:"headers"`     // constants
	Auth       Auth              `json:"auth"`
	Body       Body              `json:"body"`
	TTL        TTL               `json:"ttl"`
	Coding     *Coding           `json:"coding"` // what {coding} becomes

	Accept Accept   `json:"accept"`
	Refuse []Refuse `json:"refuse"`
	// IdempotencyHeader is the header by whose value the provider promises to take a
	// message once, however often it is asked. Only what a provider documents.
	IdempotencyHeader string `json:"idempotency_header"`

	Callback *Callback `json:"callback"`
	Check    *Check    `json:"check"`

	PerSecond int `json:"per_second"` // requests begun in any second; 0 means 10
	Window    int `json:"window"`     // requests under way at once; 0 means 10

	body  object // Body.Fields, its strings cut into fields
	ready bool   // judged by Parse
}

// Auth is how we say who we are. Secrets are named here and given in [Config].
type Auth struct {
	Kind   string `json:"kind"`   // none, basic, bearer, header, query, form or ovh
	User   string `json:"user"`   // of basic
	Name   string `json:"name"`   // of the header or parameter
	Secret string `json:"secret"` // the name of the secret, for all kinds but none and ovh
}

// The names of the secrets of the kind ovh.
const (
	ovhKey      = "application_key"
	ovhSecret   = "application_secret"
	ovhConsumer = "consumer_key"
)

// secrets lists the names of the secrets that it needs.
func (a Auth) secrets() []string {
	switch a.Kind {
	case "", "none":
		return nil
	case "ovh":
		return []string{ovhKey, ovhSecret, ovhConsumer}
	}
	return []string{a.Secret}
}

// Body is what is sent, with {fields} in its strings.
type Body struct {
	As     string          `json:"as"` // form, json or query
	Fields json.RawMessage `json:"fields"`
}

// TTL says how the provider is told how long a message is worth delivering.
type TTL struct {
	Unit string `json:"unit"` // seconds, minutes, or none: it cannot be told
	Most int    `json:"most"` // the provider's maximum, in that unit; longer is clamped
	Text bool   `json:"text"` // in JSON, "30" rather than 30
}

// Coding is what the provider calls the two alphabets: texts or numbers.
type Coding struct {
	GSM  json.RawMessage `json:"gsm"`
	UCS2 json.RawMessage `json:"ucs2"`
}

// Accept is the provider's explicit yes. All of it must hold.
type Accept struct {
	Status []int    `json:"status"`
	Where  []Where  `json:"where"`
	Match  *pattern `json:"match"` // over the whole body as text
	ID     *Pick    `json:"id"`    // the provider's id; an answer without it is not understood
}

// Refuse is an explicit no. All of it must hold.
type Refuse struct {
	Status []int    `json:"status"`
	Where  []Where  `json:"where"`
	Match  *pattern `json:"match"`
	Then   string   `json:"then"` // refused (final) or later
}

// Where asks about one place of an answer or of a callback. With neither Is nor
// Absent, something other than null must be there.
type Where struct {
	Path   string `json:"path"` // names and numbers joined by dots: messages.0.status
	Is     oneOf  `json:"is"`   // any of these; 0 and "0" are the same
	Absent bool   `json:"absent"`
}

// Pick finds the provider's id in an answer.
type Pick struct {
	Path  string   `json:"path"`
	Match *pattern `json:"match"` // its one group
}

// Check is a harmless request that shows whether we may sign in.
type Check struct {
	URL    string `json:"url"`
	Status []int  `json:"status"` // what a good answer has; 200 when empty
}

// Parse reads the "http" part of a carrier file. Its error names the field by its
// path from there, http.accept.status for instance, and says what to do.
func Parse(raw []byte) (Description, error) {
	var d Description
	if err := read(raw, &d); err != nil {
		return Description{}, err
	}
	for _, judge := range []func() error{d.judgeRequest, d.judgeAuth, d.judgeBody, d.judgeTTL, d.judgeAnswers, d.judgeLimits} {
		if err := judge(); err != nil {
			return Description{}, err
		}
	}
	if err := d.Callback.judge(); err != nil {
		return Description{}, err
	}
	d.ready = true
	return d, nil
}

// wrong is an error about a field of the description.
func wrong(path, format string, values ...any) error {
	return fmt.Errorf("http.%s: %s", path, fmt.Sprintf(format, values...))
}

var headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)

// ours are the headers that this package writes.
var ours = []string{"host", "connection", "content-length", "transfer-encoding", "content-type", "expect", "trailer", "upgrade", "user-agent"}

func (d *Description) judgeRequest() error {
	switch d.Method {
	case "":
		d.Method = "POST"
	case "POST", "GET":
	default:
		return wrong("method", "it is POST or GET")
	}
	if err := d.judgeURL("url", d.URL); err != nil {
		return err
	}
	for name, value := range d.Headers {
		if !headerName.MatchString(name) {
			return wrong("headers", "%.40q is not the name of a header", name)
		}
		if slices.Contains(ours, strings.ToLower(name)) {
			return wrong("headers."+name, "Préau writes this header itself: leave it out")
		}
		if strings.EqualFold(name, "authorization") {
			return wrong("headers."+name, "say it under http.auth, so that the secret is not in this file")
		}
		if !printable(value) {
			return wrong("headers."+name, "it is one line of plain ASCII")
		}
	}
	if h := d.IdempotencyHeader; h != "" && (!headerName.MatchString(h) || slices.Contains(ours, strings.ToLower(h))) {
		return wrong("idempotency_header", "%.40q is not the name of a header that can be chosen", h)
	}
	if d.Check != nil {
		if err := d.judgeURL("check.url", d.Check.URL); err != nil {
			return err
		}
		if d.Auth.Kind == "form" {
			return wrong("check", "with http.auth.kind form there is no request that signs in and sends nothing: leave it out")
		}
		if len(d.Check.Status) == 0 {
			d.Check.Status = []int{200}
		}
	}
	return nil
}

// judgeURL wants https, except for this machine.
func (d *Description) judgeURL(path, address string) error {
	if address == "" {
		return wrong(path, "it is missing: give the provider's address, https://…")
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || !printable(address) {
		return wrong(path, "it is not an address of the form https://host/path")
	}
	if u.User != nil {
		return wrong(path, "it holds a user or a password: say them under http.auth")
	}
	if u.Fragment != "" || strings.ContainsAny(address, "{}#") {
		return wrong(path, "it has a # or a {field}: fields go into http.body.fields")
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !sms.ThisMachine(u.Hostname()) && !d.AllowPlain {
			return wrong(path, "http can be read by anybody on the way: write https, or \"allow_plain\": true if the line is protected otherwise")
		}
	default:
		return wrong(path, "it begins with https://")
	}
	return nil
}

func (d *Description) judgeAuth() error {
	a := &d.Auth
	if a.Kind == "" {
		a.Kind = "none"
	}
	needs := map[string][3]bool{ // user, name, secret
		"none": {}, "ovh": {}, "basic": {true, false, true}, "bearer": {false, false, true},
		"header": {false, true, true}, "query": {false, true, true}, "form": {false, true, true},
	}
	need, known := needs[a.Kind]
	if !known {
		return wrong("auth.kind", "it is none, basic, bearer, header, query, form or ovh")
	}
	for i, field := range []struct{ name, value string }{{"user", a.User}, {"name", a.Name}, {"secret", a.Secret}} {
		switch {
		case need[i] && field.value == "":
			return wrong("auth."+field.name, "it is missing: the kind %s needs it", a.Kind)
		case !need[i] && field.value != "":
			return wrong("auth."+field.name, "the kind %s has none: take it out", a.Kind)
		case !printable(field.value):
			return wrong("auth."+field.name, "it is one line of plain ASCII")
		}
	}
	if a.Kind == "basic" && strings.Contains(a.User, ":") {
		return wrong("auth.user", "it cannot hold a colon")
	}
	if a.Kind == "header" && (!headerName.MatchString(a.Name) || slices.Contains(ours, strings.ToLower(a.Name))) {
		return wrong("auth.name", "%.40q is not the name of a header that can be chosen", a.Name)
	}
	return nil
}

func (d *Description) judgeTTL() error {
	told := d.body.uses("ttl") || d.body.uses("validity_date")
	switch d.TTL.Unit {
	case "seconds", "minutes":
		if !told {
			return wrong("ttl", "no field of http.body.fields has {ttl} or {validity_date}: the provider would not be told how long the message is good")
		}
		if d.TTL.Most < 1 || d.TTL.Most > 31*24*3600 {
			return wrong("ttl.most", "give the provider's maximum, in %s", d.TTL.Unit)
		}
	case "none":
		if told {
			return wrong("ttl.unit", "the body has {ttl} or {validity_date}: the unit is seconds or minutes")
		}
	default:
		return wrong("ttl.unit", "it is seconds or minutes; or none, if the provider cannot be told how long a message is good (it may then arrive late)")
	}
	if d.Coding == nil {
		if d.body.uses("coding") {
			return wrong("coding", "the body has {coding}: say what the provider calls gsm and ucs2")
		}
		return nil
	}
	if !d.body.uses("coding") {
		return wrong("coding", "no field of http.body.fields has {coding}")
	}
	for name, value := range map[string]json.RawMessage{"gsm": d.Coding.GSM, "ucs2": d.Coding.UCS2} {
		if _, ok := scalar(value); !ok {
			return wrong("coding."+name, "it is a text or a number")
		}
	}
	return nil
}

func (d *Description) judgeAnswers() error {
	if len(d.Accept.Status) == 0 {
		return wrong("accept.status", "it is missing: give the status of a yes, such as [200]")
	}
	for _, s := range d.Accept.Status {
		if s < 200 || s > 299 {
			return wrong("accept.status", "%d is no yes: it is between 200 and 299", s)
		}
	}
	if len(d.Accept.Where) == 0 && d.Accept.Match == nil && d.Accept.ID == nil {
		return wrong("accept", "a status alone is what any machine on the way may say: add where, match or id")
	}
	if err := judgeWhere("accept.where", d.Accept.Where); err != nil {
		return err
	}
	if id := d.Accept.ID; id != nil {
		if (id.Path == "") == (id.Match == nil) {
			return wrong("accept.id", "it has either a path or a match")
		}
		if id.Match != nil && id.Match.NumSubexp() != 1 {
			return wrong("accept.id.match", "it has one group in parentheses, which is the id")
		}
		if id.Path != "" && !pathLike(id.Path) {
			return wrong("accept.id.path", "it is names and numbers joined by dots, such as messages.0.id")
		}
	}
	for i, r := range d.Refuse {
		path := fmt.Sprintf("refuse.%d", i)
		if r.Then != "refused" && r.Then != "later" {
			return wrong(path+".then", "it is refused (final) or later")
		}
		if len(r.Status) == 0 {
			return wrong(path+".status", "it is missing: give the statuses of this no, such as [400]")
		}
		if err := judgeWhere(path+".where", r.Where); err != nil {
			return err
		}
		bare := len(r.Where) == 0 && r.Match == nil
		for _, s := range r.Status {
			switch {
			case s < 200 || s > 599 || s/100 == 3:
				return wrong(path+".status", "%d is no answer of a provider", s)
			case bare && (s < 400 || s > 499 || s == 408):
				return wrong(path+".status", "%d alone does not prove that the message was not taken: add where or match, the provider's own words", s)
			case bare && s == 409 && d.IdempotencyHeader != "":
				return wrong(path+".status", "409 alone may mean that the message was taken before: add where or match, the provider's own words")
			}
		}
	}
	return nil
}

func judgeWhere(path string, all []Where) error {
	for i, w := range all {
		if !pathLike(w.Path) {
			return wrong(fmt.Sprintf("%s.%d.path", path, i), "it is names and numbers joined by dots, such as messages.0.status")
		}
		if w.Absent && len(w.Is) > 0 {
			return wrong(fmt.Sprintf("%s.%d", path, i), "it has either is or absent")
		}
	}
	return nil
}

func (d *Description) judgeLimits() error {
	if d.PerSecond == 0 {
		d.PerSecond = 10
	}
	if d.PerSecond < 1 || d.PerSecond > 1000 {
		return wrong("per_second", "it is between 1 and 1000")
	}
	if d.Window == 0 {
		d.Window = 10
	}
	if d.Window < 1 || d.Window > 100 {
		return wrong("window", "it is between 1 and 100")
	}
	return nil
}

// oneOf is a JSON text, number or truth, or a list of them, kept as text.
type oneOf []string

// UnmarshalJSON reads one or several.
func (o *oneOf) UnmarshalJSON(raw []byte) error {
	var several []json.RawMessage
	if len(raw) > 0 && raw[0] == '[' {
		if err := json.Unmarshal(raw, &several); err != nil {
			return err
		}
	} else {
		several = []json.RawMessage{raw}
	}
	*o = nil
	for _, one := range several {
		text, ok := scalar(one)
		if !ok {
			return errors.New("it is a text or a number, or a list of them")
		}
		*o = append(*o, text)
	}
	if len(*o) == 0 {
		return errors.New("the list is empty")
	}
	return nil
}

// pattern is a regular expression (RE2), written as text.
type pattern struct{ *regexp.Regexp }

// UnmarshalText compiles it.
func (p *pattern) UnmarshalText(text []byte) error {
	if len(text) == 0 || len(text) > 500 {
		return errors.New("a pattern has between 1 and 500 characters")
	}
	var err error
	if p.Regexp, err = regexp.Compile(string(text)); err != nil {
		return fmt.Errorf("it is not a regular expression: %w", err)
	}
	return nil
}

// printable reports whether s is plain ASCII on one line.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
