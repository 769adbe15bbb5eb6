package httpsms

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// MostCallback is how many bytes of a callback's body are worth reading.
const MostCallback = 64 << 10

// mostItems bounds what one callback may bring.
const mostItems = 1000

// callbackSecret is the name of the secret that ends the address of callbacks.
const callbackSecret = "callback"

// segmentSigns are what that secret is made of.
const segmentSigns = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

var (
	// ErrCallback says that a callback did not prove that the provider made it. It
	// says nothing else, to nobody: answer as if there were no such address.
	ErrCallback = errors.New("httpsms: a callback without proof of who made it")
	// ErrUnreadable says that an authentic callback is not what the description knows.
	// Answered with an error, it may come again.
	ErrUnreadable = errors.New("httpsms: a callback that the description does not know")
)

// Callback says what the provider calls us with. Receipts and replies may come to the
// same address; Where tells them apart.
type Callback struct {
	Auth    CallbackAuth   `json:"auth"` // beside the secret in the address, which is always asked
	Receipt *Receipt       `json:"receipt"`
	Reply   *Reply         `json:"reply"`
	Answer  CallbackAnswer `json:"answer"`
}

// CallbackAuth is how the provider proves that a callback is its own.
type CallbackAuth struct {
	Kind      string `json:"kind"` // none, basic, parameter or hmac
	User      string `json:"user"` // of basic
	Name      string `json:"name"` // of the header or of the parameter of the address
	Secret    string `json:"secret"`
	Algorithm string `json:"algorithm"` // of hmac: sha1, sha256, sha512
	Encoding  string `json:"encoding"`  // of hmac: hex or base64
	Prefix    string `json:"prefix"`    // before the encoded digest, such as sha256=
	Over      string `json:"over"`      // of hmac: body, or address_and_form as Twilio has it
}

// Source is where the values of a callback are.
type Source struct {
	Method string  `json:"method"` // POST or GET
	As     string  `json:"as"`     // form, json or query
	Each   string  `json:"each"`   // in JSON, the list of which each entry is one; "" when the whole is one
	Where  []Where `json:"where"`  // it is one of these only if all hold
}

// Receipt says where a receipt has what. ID or Letter is needed.
type Receipt struct {
	Source
	ID     string `json:"id"`     // the provider's id
	Letter string `json:"letter"` // our id
	To     string `json:"to"`
	Status string `json:"status"`
	Code   string `json:"code"`
	Fates  Fates  `json:"fates"`
}

// Fates are the provider's words for what became of a message. A word that is not
// listed settles nothing.
type Fates struct {
	Delivered oneOf `json:"delivered"`
	Failed    oneOf `json:"failed"`
	Underway  oneOf `json:"underway"`
	Unknown   oneOf `json:"unknown"`
}

// Reply says where a message from a telephone has what.
type Reply struct {
	Source
	ID   string `json:"id"`
	From string `json:"from"`
	Text string `json:"text"`
}

// CallbackAnswer is what the provider wants to hear when all has been kept.
type CallbackAnswer struct {
	Status int    `json:"status"` // 200 when 0
	Type   string `json:"type"`   // text/plain; charset=utf-8 when empty
	Body   string `json:"body"`
}

// Called is what a callback brought.
type Called struct {
	Receipts []sms.Receipt
	Incoming []sms.Incoming
	Unread   int            // entries that were not understood
	Answer   CallbackAnswer // for when all of it has been kept
}

// Callback authenticates and reads one. raw is the body, read up to MostCallback+1
// bytes; the last segment of the request's path is the secret. Its error is
// ErrCallback or ErrUnreadable. It keeps nothing and changes nothing.
func (p *Provider) Callback(r *http.Request, raw []byte) (Called, error) {
	c := p.d.Callback
	if c == nil || !p.authentic(r, raw) {
		return Called{}, ErrCallback
	}
	if len(raw) > MostCallback {
		return Called{}, ErrUnreadable
	}
	called := Called{Answer: c.Answer}
	if c.Receipt != nil {
		all, unread := c.Receipt.entries(r, raw)
		called.Unread += unread
		for _, e := range all {
			if receipt, ok := c.Receipt.read(e); ok {
				called.Receipts = append(called.Receipts, receipt)
			} else {
				called.Unread++
			}
		}
	}
	if c.Reply != nil {
		all, unread := c.Reply.entries(r, raw)
		called.Unread += unread
		for _, e := range all {
			if incoming, ok := c.Reply.read(e); ok {
				called.Incoming = append(called.Incoming, incoming)
			} else {
				called.Unread++
			}
		}
	}
	if len(called.Receipts)+len(called.Incoming) == 0 {
		return Called{}, ErrUnreadable
	}
	return called, nil
}

// entry is one receipt or reply as it came.
type entry struct {
	tree    any
	address any // the parameters of the address
}

// text is what a path names; one that begins with ? names a parameter of the address.
func (e entry) text(path string) string {
	if name, ok := strings.CutPrefix(path, "?"); ok {
		return textAt(e.address, name)
	}
	return textAt(e.tree, path)
}

// entries are what the source finds in a request; unread are those beyond the bound.
func (s Source) entries(r *http.Request, raw []byte) (all []entry, unread int) {
	if r.Method != s.Method {
		return nil, 0
	}
	address := parameters(r.URL.RawQuery)
	var trees []any
	switch s.As {
	case "json":
		tree := parseJSON(raw)
		if s.Each == "" {
			trees = []any{tree}
			break
		}
		trees, _ = at(tree, s.Each).([]any)
		if len(trees) > mostItems {
			trees, unread = trees[:mostItems], len(trees)-mostItems
		}
	case "form":
		trees = []any{parameters(string(raw))}
	case "query":
		trees = []any{address}
	}
	for _, tree := range trees {
		if tree != nil && allHold(s.Where, tree) {
			all = append(all, entry{tree, address})
		}
	}
	return all, unread
}

// parameters reads a form as a tree; of a name that stands twice, the first counts.
func parameters(encoded string) any {
	values, err := url.ParseQuery(encoded)
	if err != nil || len(values) == 0 {
		return nil
	}
	tree := map[string]any{}
	for name, all := range values {
		tree[name] = all[0]
	}
	return tree
}

func (r *Receipt) read(e entry) (sms.Receipt, bool) {
	word := e.text(r.Status)
	out := sms.Receipt{ID: e.text(r.ID), Letter: e.text(r.Letter), To: number(e.text(r.To))}
	if out.ID != "" && !idLike(out.ID) || out.Letter != "" && !letterID.MatchString(out.Letter) {
		return sms.Receipt{}, false
	}
	if word == "" || out.ID == "" && out.Letter == "" {
		return sms.Receipt{}, false
	}
	switch {
	case slices.Contains(r.Fates.Delivered, word):
		out.Fate = sms.Delivered
	case slices.Contains(r.Fates.Failed, word):
		out.Fate = sms.Failed
	case slices.Contains(r.Fates.Unknown, word):
		out.Fate = sms.Unknown
	}
	out.Code = sms.OneLine(word+" "+e.text(r.Code), 60)
	return out, true
}

func (r *Reply) read(e entry) (sms.Incoming, bool) {
	out := sms.Incoming{ID: e.text(r.ID), From: number(e.text(r.From)), Text: e.text(r.Text)}
	if out.From == "" || out.ID != "" && !idLike(out.ID) {
		return sms.Incoming{}, false
	}
	out.Text = strings.Map(func(c rune) rune {
		if c < ' ' && c != '\n' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(out.Text, "?"))
	if runes := []rune(out.Text); len(runes) > 2000 {
		out.Text = string(runes[:2000])
	}
	return out, true
}

// number writes a telephone number as E.164, or gives "" for what has no country. A +
// that was not escaped in an address has become a space.
func number(s string) string {
	s = strings.TrimSpace(s)
	if digits, ok := strings.CutPrefix(s, "00"); ok {
		s = digits
	}
	if !strings.HasPrefix(s, "+") {
		s = "+" + s
	}
	if !e164.MatchString(s) || len(s) < 9 {
		return ""
	}
	return s
}

// authentic asks for the secret in the path, and for what the description asks besides.
// Nothing of the body has been interpreted before.
func (p *Provider) authentic(r *http.Request, raw []byte) bool {
	if r.URL == nil || !same(path.Base(r.URL.Path), p.config.Secrets[callbackSecret]) {
		return false
	}
	a := p.d.Callback.Auth
	secret := p.config.Secrets[a.Secret]
	switch a.Kind {
	case "none":
		return true
	case "basic":
		user, password, ok := r.BasicAuth()
		return ok && same(user, a.User) && same(password, secret)
	case "parameter":
		values, err := url.ParseQuery(r.URL.RawQuery)
		return err == nil && len(values[a.Name]) == 1 && same(values.Get(a.Name), secret)
	case "hmac":
		given := r.Header.Values(a.Name)
		return len(given) == 1 && same(given[0], p.signature(r, raw))
	}
	return false
}

func same(given, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// algorithms of hmac.
var algorithms = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

// signature is what the header must hold; "" when there can be none.
func (p *Provider) signature(r *http.Request, raw []byte) string {
	a := p.d.Callback.Auth
	mac := hmac.New(algorithms[a.Algorithm], []byte(p.config.Secrets[a.Secret]))
	if a.Over == "address_and_form" {
		address := p.config.CallbackURL
		if r.URL.RawQuery != "" {
			address += "?" + r.URL.RawQuery
		}
		mac.Write([]byte(address))
		if r.Method == http.MethodPost {
			values, err := url.ParseQuery(string(raw[:min(len(raw), MostCallback)]))
			if err != nil {
				return ""
			}
			names := make([]string, 0, len(values))
			for name := range values {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				for _, value := range values[name] {
					mac.Write([]byte(name + value))
				}
			}
		}
	} else {
		mac.Write(raw)
	}
	sum := mac.Sum(nil)
	if a.Encoding == "base64" {
		return a.Prefix + base64.StdEncoding.EncodeToString(sum)
	}
	return a.Prefix + hex.EncodeToString(sum)
}

// secrets lists the names of the secrets that it needs.
func (c *Callback) secrets() []string {
	if c == nil {
		return nil
	}
	if c.Auth.Kind == "none" {
		return []string{callbackSecret}
	}
	return []string{callbackSecret, c.Auth.Secret}
}

// judge is the part of Parse about callbacks.
func (c *Callback) judge() error {
	if c == nil {
		return nil
	}
	if err := c.judgeAuth(); err != nil {
		return err
	}
	if c.Receipt == nil && c.Reply == nil {
		return wrong("callback", "describe a receipt, a reply or both")
	}
	if r := c.Receipt; r != nil {
		if err := c.judgeSource("callback.receipt", r.Source); err != nil {
			return err
		}
		if r.ID == "" && r.Letter == "" {
			return wrong("callback.receipt", "say where the provider's id is (id), or ours (letter)")
		}
		if strings.HasPrefix(r.Letter, "?") && c.Auth.Kind == "hmac" && c.Auth.Over == "body" {
			return wrong("callback.receipt.letter", "the address is not signed by an hmac over the body: take the letter from the body")
		}
		if r.Status == "" {
			return wrong("callback.receipt.status", "say where the word is that tells what became of the message")
		}
		if len(r.Fates.Delivered) == 0 || len(r.Fates.Failed) == 0 {
			return wrong("callback.receipt.fates", "list the words of delivered and of failed")
		}
		words := slices.Concat(r.Fates.Delivered, r.Fates.Failed, r.Fates.Underway, r.Fates.Unknown)
		slices.Sort(words)
		if len(slices.Compact(slices.Clone(words))) != len(words) {
			return wrong("callback.receipt.fates", "a word stands twice")
		}
		if err := judgePaths("callback.receipt", map[string]string{"id": r.ID, "letter": r.Letter, "to": r.To, "status": r.Status, "code": r.Code}); err != nil {
			return err
		}
	}
	if r := c.Reply; r != nil {
		if err := c.judgeSource("callback.reply", r.Source); err != nil {
			return err
		}
		if r.From == "" || r.Text == "" {
			return wrong("callback.reply", "say where the telephone's number is (from) and what it wrote (text)")
		}
		if err := judgePaths("callback.reply", map[string]string{"id": r.ID, "from": r.From, "text": r.Text}); err != nil {
			return err
		}
		if o := c.Receipt; o != nil && o.Method == r.Method && o.As == r.As && (len(o.Where) == 0 || len(r.Where) == 0) && o.Each == r.Each {
			return wrong("callback", "receipts and replies come the same way: tell them apart with where in both")
		}
	}
	if c.Answer.Status == 0 {
		c.Answer.Status = 200
	}
	if c.Answer.Status < 200 || c.Answer.Status > 299 {
		return wrong("callback.answer.status", "it is between 200 and 299")
	}
	if c.Answer.Type == "" {
		c.Answer.Type = "text/plain; charset=utf-8"
	}
	if !printable(c.Answer.Type) || len(c.Answer.Body) > 1000 {
		return wrong("callback.answer", "the type is one line of plain ASCII; the body has at most 1000 bytes")
	}
	return nil
}

func (c *Callback) judgeAuth() error {
	a := &c.Auth
	if a.Kind == "" {
		a.Kind = "none"
	}
	needs := map[string][2]bool{"none": {}, "basic": {true, false}, "parameter": {false, true}, "hmac": {false, true}}
	need, known := needs[a.Kind]
	if !known {
		return wrong("callback.auth.kind", "it is none, basic, parameter or hmac")
	}
	if (a.Secret == "") != (a.Kind == "none") || a.Secret == callbackSecret {
		return wrong("callback.auth.secret", "every kind but none names a secret, other than %q", callbackSecret)
	}
	if (a.User != "") != need[0] || (a.Name != "") != need[1] {
		return wrong("callback.auth", "basic has a user; parameter and hmac have a name")
	}
	if a.Kind != "hmac" {
		if a.Algorithm+a.Encoding+a.Prefix+a.Over != "" {
			return wrong("callback.auth", "algorithm, encoding, prefix and over are for the kind hmac")
		}
		return nil
	}
	if algorithms[a.Algorithm] == nil {
		return wrong("callback.auth.algorithm", "it is sha1, sha256 or sha512")
	}
	if a.Encoding != "hex" && a.Encoding != "base64" {
		return wrong("callback.auth.encoding", "it is hex or base64")
	}
	if a.Over != "body" && a.Over != "address_and_form" {
		return wrong("callback.auth.over", "it is body, or address_and_form as Twilio signs")
	}
	if !printable(a.Prefix) || !headerName.MatchString(a.Name) {
		return wrong("callback.auth", "the name is that of a header, and the prefix is plain ASCII")
	}
	return nil
}

func (c *Callback) judgeSource(at string, s Source) error {
	switch {
	case s.Method != "POST" && s.Method != "GET":
		return wrong(at+".method", "it is POST or GET")
	case s.As != "form" && s.As != "json" && s.As != "query":
		return wrong(at+".as", "it is form, json or query")
	case s.Method == "GET" && s.As != "query":
		return wrong(at+".as", "a GET has no body: it is query")
	case s.As != "json" && s.Each != "":
		return wrong(at+".each", "only JSON has lists")
	case s.As == "query" && c.Auth.Kind == "hmac" && c.Auth.Over == "body":
		return wrong(at+".as", "the query is not signed by an hmac over the body")
	case s.As != "form" && s.Method == "POST" && c.Auth.Over == "address_and_form":
		return wrong(at+".as", "an hmac over address_and_form signs forms only")
	}
	if s.Each != "" && !pathLike(s.Each) {
		return wrong(at+".each", "it is names and numbers joined by dots")
	}
	return judgeWhere(at+".where", s.Where)
}

func judgePaths(at string, paths map[string]string) error {
	for name, p := range paths {
		if p != "" && !pathLike(p) {
			return wrong(fmt.Sprintf("%s.%s", at, name), "it is a name, or names and numbers joined by dots")
		}
	}
	return nil
}
