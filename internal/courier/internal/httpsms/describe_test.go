package httpsms

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
)

// described is jsonProvider with an address, edited.
func described(edits ...string) []byte {
	return []byte(strings.NewReplacer(append(edits, "%URL%", "https://sms.provider.example")...).Replace(jsonProvider))
}

func TestDescriptionsRefused(t *testing.T) {
	t.Parallel()
	if _, err := Parse(described()); err != nil {
		t.Fatal(err)
	}
	const fields = `{"to": "{to}", "from": "{from}", "text": "{text}", "ttl": "{ttl}", "reference": "{id}", "kind": "alert"}`
	body := func(replaced string) []string { return []string{fields, replaced} }
	// Each says where, and what to do.
	for want, edits := range map[string][]string{
		`http.urll: this name is not known; known here: accept, allow_plain, auth`: {`"url": "%URL%/messages"`, `"urll": "x"`},
		`http.URL: this name is not known`:                                         {`"url": "%URL%/messages"`, `"URL": "x"`},
		`http.accept.where.0.equals: this name is not known`:                       {`"is": "queued"`, `"equals": "queued"`},
		`http.callback.receipt.fates.deliverd: this name`:                          {`"delivered": "delivered"`, `"deliverd": "x"`},
		`http.url: it stands twice`:                                                {`"body": `, `"url": "https://a.example", "body": `},
		`http.accept.status: it is a list`:                                         {`[201]`, `201`},
		`http.accept.status.0: it is a whole number, not a string`:                 {`[201]`, `["201"]`},
		`http.window: it is a whole number`:                                        {`"window": 100`, `"window": 1.5`},
		`http.auth: it is a group of names`:                                        {`{"kind": "bearer", "secret": "password"}`, `"bearer"`},
		`http: line 3 is not JSON`:                                                 {`"auth":`, `"auth"`},
		`http.method: it is POST or GET`:                                           {`"body": `, `"method": "PUT", "body": `},
		`http.body.as: a GET has no body`:                                          {`"body": `, `"method": "GET", "body": `},
		`http.url: http can be read by anybody`:                                    {"%URL%/messages", "http://sms.provider.example/messages"},
		`http.url: it begins with https://`:                                        {"%URL%/messages", "ftp://sms.provider.example/messages"},
		`http.url: it holds a user or a password`:                                  {"%URL%/messages", "https://a:b@sms.provider.example/messages"},
		`http.url: it has a # or a {field}`:                                        {"%URL%/messages", "https://sms.provider.example/{to}"},
		`http.url: it is not an address`:                                           {"%URL%/messages", "https:///x"},
		`http.url: it is missing`:                                                  {"%URL%/messages", ""},
		`http.auth.kind: it is none, basic`:                                        {`"bearer"`, `"digest"`},
		`http.auth.secret: it is missing`:                                          {`"kind": "bearer", "secret": "password"`, `"kind": "bearer"`},
		`http.auth.user: the kind bearer has none`:                                 {`"kind": "bearer"`, `"kind": "bearer", "user": "x"`},
		`http.auth.name: "Host" is not the name of a header`:                       {`"kind": "bearer"`, `"kind": "header", "name": "Host"`},
		`http.auth.kind: form goes with`:                                           {`"kind": "bearer"`, `"kind": "form", "name": "key"`, `"check": {"url": "%URL%/check"},`, ``},
		`http.headers.Authorization: say it under http.auth`:                       {`"body": `, `"headers": {"Authorization": "x"}, "body": `},
		`http.headers.host: Préau writes this header itself`:                       {`"body": `, `"headers": {"host": "x"}, "body": `},
		`http.headers.X: it is one line`:                                           {`"body": `, `"headers": {"X": "a\r\nb"}, "body": `},
		`http.body.as: it is form, json or query`:                                  {`"as": "json", "fields"`, `"as": "xml", "fields"`},
		`http.body.fields: {to}, {to_digits} or {to_00} stands 0 times`:            body(`{"text": "{text}", "ttl": "{ttl}"}`),
		`http.body.fields: {to}, {to_digits} or {to_00} stands 2 times`:            body(`{"to": "{to}", "cc": "{to_00}", "text": "{text}", "ttl": "{ttl}"}`),
		`http.body.fields.to: the list with the recipient has one entry`:           body(`{"to": ["{to}", "x"], "text": "{text}", "ttl": "{ttl}"}`),
		`http.body.fields.to: beside the recipient there is room`:                  body(`{"to": "{to},", "text": "{text}", "ttl": "{ttl}"}`),
		`http.body.fields.cc: it is a telephone number`:                            body(`{"to": "{to}", "cc": "+33639980009", "text": "{text}", "ttl": "{ttl}"}`),
		`http.body.fields.cc.0: it is a telephone number`:                          body(`{"to": "{to}", "cc": [33639980009], "text": "{text}", "ttl": "{ttl}"}`),
		`http.body.fields: {text} stands 0 times`:                                  body(`{"to": "{to}", "ttl": "{ttl}"}`),
		`http.body.fields.to: {number is no field; known: {to}`:                    body(`{"to": "{number}", "text": "{text}"}`),
		`http.body.fields.to: a } without its {`:                                   body(`{"to": "to}", "text": "{text}"}`),
		`http.body.fields.text: it stands twice`:                                   body(`{"to": "{to}", "text": "{text}", "text": "x"}`),
		`http.ttl: no field of http.body.fields has {ttl}`:                         body(`{"to": "{to}", "text": "{text}"}`),
		`http.ttl.unit: it is seconds or minutes; or none`:                         {`"seconds"`, `"hours"`},
		`http.ttl.unit: the body has {ttl}`:                                        {`"seconds"`, `"none"`},
		`http.ttl.most: give the provider's maximum, in seconds`:                   {`"most": 86400`, `"most": 0`},
		`http.coding: the body has {coding}`:                                       {`"kind": "alert"`, `"coding": "{coding}"`},
		`http.accept.status: 302 is no yes`:                                        {`[201]`, `[302]`},
		`http.accept: a status alone`:                                              {`"where": [{"path": "state", "is": "queued"}], "id": {"path": "message.id"}`, `"where": []`},
		`http.accept.id: it has either a path or a match`:                          {`{"path": "message.id"}`, `{}`},
		`http.accept.id.match: it has one group`:                                   {`{"path": "message.id"}`, `{"match": "id"}`},
		`http.accept.match: it is not a regular expression`:                        {`"id": {"path": "message.id"}`, `"match": "("`},
		`http.refuse.2.status: 503 alone does not prove`:                           {`"where": [{"path": "error", "is": "queue_full"}], `, ``},
		`http.refuse.0.then: it is refused (final) or later`:                       {`"then": "refused"`, `"then": "maybe"`},
		`http.refuse.1.status: 302 is no answer`:                                   {`[401, 429]`, `[302]`},
		`http.refuse.1.status: 408 alone`:                                          {`[401, 429]`, `[408]`},
		`http.refuse.1.status: 409 alone may mean`:                                 {`[401, 429]`, `[409]`, `"accept"`, `"idempotency_header": "Key", "accept"`},
		`http.idempotency_header: "a b" is not the name`:                           {`"accept"`, `"idempotency_header": "a b", "accept"`},
		`http.per_second: it is between 1 and 1000`:                                {`"per_second": 1000`, `"per_second": -1`},
		`http.callback.auth.algorithm: it is sha1`:                                 {`"sha256", "encoding"`, `"md5", "encoding"`},
		`http.callback.auth.secret: every kind but none`:                           {`"secret": "signing", `, ``},
		`http.callback.receipt.letter: the address is not signed`:                  {`"letter": "reference"`, `"letter": "?reference"`},
		`http.callback.receipt.method: it is POST or GET`:                          {`{"method": "POST", "as": "json", "each": "events", "where": [{"path": "kind", "is": "receipt"}]`, `{"as": "json"`},
		`http.callback.receipt.fates: a word stands twice`:                         {`"underway": "sent"`, `"underway": "expired"`},
		`http.callback: receipts and replies come the same way`:                    {`"where": [{"path": "kind", "is": "reply"}], `, ``},
		`http.check.url: http can be read`:                                         {`%URL%/check`, `http://sms.provider.example/`},
	} {
		_, err := Parse(described(edits...))
		if err == nil {
			t.Errorf("accepted, want %s", want)
		} else if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %q\n       want %q", err, want)
		}
	}
	for _, raw := range []string{"", " ", "null", "[]", "{}", `"x"`, `{"body": null}`, strings.Repeat("[", 100000), `{"a":` + strings.Repeat(" ", mostDescription) + "1}"} {
		if _, err := Parse([]byte(raw)); err == nil || !strings.HasPrefix(err.Error(), "http") {
			t.Errorf("%.20q: %v", raw, err)
		}
	}
	for _, edits := range [][]string{
		{"%URL%/messages", "http://127.0.0.1:8000/messages"},
		{"%URL%/messages", "http://sms.provider.example/messages", `"body": `, `"allow_plain": true, "body": `},
		body(`{"to": ["{to}"], "account": 12345678, "text": "{text}", "until": "{validity_date}"}`),
	} {
		if _, err := Parse(described(edits...)); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
}

func TestConfigurationsRefused(t *testing.T) {
	t.Parallel()
	d, err := Parse(described())
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"not read by Parse":                   func(c *Config) { c.Description = Description{URL: "https://sms.provider.example"} },
		`the secret "password" is missing`:    func(c *Config) { c.Secrets = map[string]string{"signing": "x", "callback": secrets["callback"]} },
		`the secret "callback" is part of an`: func(c *Config) { c.Secrets = map[string]string{"password": "x", "signing": "x", "callback": "fourmi"} },
		`the secret "password" is not one line`: func(c *Config) {
			c.Secrets = map[string]string{"password": "fourmi\n", "signing": "x", "callback": "x"}
		},
		"the carrier has no sender":                  func(c *Config) { c.Source = "" },
		"the sender has at most 20":                  func(c *Config) { c.Source = "LYCEE\r\n" },
		"the address of callbacks is of the form ht": func(c *Config) { c.CallbackURL = "http://school.example/x" },
	} {
		c := Config{Description: d, Secrets: secrets, Source: "LYCEE"}
		change(&c)
		_, err := New(c)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		} else {
			leaks(t, err.Error(), "fourmi")
		}
	}
}

// TestTextIsNeverStructure: whatever a text holds, the body has it as one value and one
// recipient, and nothing else.
func TestTextIsNeverStructure(t *testing.T) {
	t.Parallel()
	sent := func(t *rapid.T, p *Provider, m sms.Message) (head string, body string) {
		request, err := p.prepare(m, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ = strings.Cut(string(request), "\r\n\r\n")
		return head, body
	}
	asJSON := provider(t, described())
	asForm := provider(t, described(`"as": "json", "fields"`, `"as": "form", "fields"`, `"kind": "bearer"`, `"kind": "form", "name": "key"`, `"check": {"url": "%URL%/check"},`, ``))
	asQuery := provider(t, carrierFile(t, "kannel", "http://127.0.0.1:9"))
	rapid.Check(t, func(t *rapid.T) {
		m := message()
		m.Text = rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("\"\\{}to,:[]&=+%\r\n <>\u2028\U0001f600é")))).Draw(t, "text")
		if checkMessage(m) != nil {
			t.Skip("not a text")
		}
		head, body := sent(t, asJSON, m)
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		if len(got) != 6 || got["text"] != m.Text || got["to"] != m.To || got["ttl"] != 3600.0 || got["reference"] != m.Letter {
			t.Fatalf("body %s", body)
		}
		if strings.Count(head, "\r\n") != 6 || !strings.HasPrefix(head, "POST /messages HTTP/1.1\r\n") {
			t.Fatalf("head %q", head)
		}
		_, body = sent(t, asForm, m)
		form, err := url.ParseQuery(body)
		if err != nil || len(form) != 7 || form.Get("text") != m.Text || len(form["to"]) != 1 || form.Get("key") != secrets["password"] {
			t.Fatalf("form %s (%v)", body, err)
		}
		head, body = sent(t, asQuery, m)
		target := strings.Fields(head)[1]
		u, err := url.Parse(target)
		if err != nil || body != "" {
			t.Fatalf("%q: %v", target, err)
		}
		if q := u.Query(); q.Get("text") != m.Text || len(q["to"]) != 1 || q.Get("to") != m.To || q.Has("dlr-url") || q.Get("validity") != "60" {
			t.Fatalf("query %s", target)
		}
	})
}

func TestLifetime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		unit string
		most int
		left time.Duration
		want int
	}{
		{"seconds", 36000, 90*time.Second + 999*time.Millisecond, 90},
		{"seconds", 60, time.Hour, 60},
		{"seconds", 60, 999 * time.Millisecond, 0},
		{"minutes", 2880, 119 * time.Second, 1},
		{"minutes", 2880, 59 * time.Second, 0},
		{"minutes", 5, 100 * time.Hour, 5},
		{"minutes", 5, -time.Hour, 0},
		{"minutes", 2880, 1<<63 - 1, 2880},
	} {
		d := Description{TTL: TTL{Unit: tc.unit, Most: tc.most}}
		if got := d.lifetime(tc.left); got != tc.want {
			t.Errorf("%v in %s of at most %d: %d, want %d", tc.left, tc.unit, tc.most, got, tc.want)
		}
	}
	now := time.Date(2026, 11, 24, 8, 5, 0, 0, time.FixedZone("CET", 3600))
	p := provider(t, described(`"ttl": "{ttl}"`, `"ttl": "{ttl}", "until": "{validity_date}"`, `"most": 86400`, `"most": 86400, "text": true`), func(c *Config) { c.Now = func() time.Time { return now } })
	request, err := p.prepare(message(), 90*time.Minute)
	if err != nil || !strings.Contains(string(request), `"until":"2026-11-24T08:35:00Z"`) || !strings.Contains(string(request), `"ttl":"5400"`) {
		t.Errorf("%v\n%s", err, request)
	}
}

// TestCallbackAddress: what follows the address is part of it; without one, nothing is said.
func TestCallbackAddress(t *testing.T) {
	t.Parallel()
	raw := described(`"kind": "alert"`, `"hook": "{callback}?letter={id}&to={to_00}&from={from}", "hooks": ["{callback}", "x"]`, `"to": "{to}", "from": "{from}", `, ``)
	for address, want := range map[string]string{
		"https://school.example/carriers/x/y": `{"hook":"https://school.example/carriers/x/y?letter=a%3Ab&to=0033639980001&from=R+%26+D","hooks":["https://school.example/carriers/x/y","x"],`,
		"":                                    `{"hooks":["x"],`,
	} {
		p := provider(t, raw, func(c *Config) { c.CallbackURL, c.Source = address, "R & D" })
		m := message()
		m.Letter = "a:b"
		request, err := p.prepare(m, time.Hour)
		if _, body, _ := strings.Cut(string(request), "\r\n\r\n"); err != nil || !strings.HasPrefix(body, want) {
			t.Errorf("%v: %s", err, body)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(described())
	for _, name := range []string{"ovh", "twilio", "kannel"} {
		f.Add(carrierFile(f, name, "https://sms.provider.example"))
	}
	f.Add([]byte(`{"body":{"fields":[{}]},"accept":{"match":"(a"},"callback":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := Parse(raw)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "http") || len(err.Error()) > 2000 {
				t.Fatalf("error %q", err)
			}
			return
		}
		p := &Provider{d: d, config: Config{Secrets: map[string]string{}, Now: time.Now, Source: "LYCEE"}}
		if p.address, err = url.Parse(d.URL); err != nil {
			t.Fatal(err)
		}
		m := message()
		if request, err := p.prepare(m, 24*time.Hour); err == nil {
			digits := m.To[1:]
			if n := strings.Count(string(request), digits); n != 1 {
				t.Fatalf("the recipient stands %d times: %s", n, request)
			}
		}
	})
}

func FuzzAnswer(f *testing.F) {
	p := provider(f, described())
	ovh := provider(f, carrierFile(f, "ovh", "https://sms.provider.example"))
	kannel := provider(f, carrierFile(f, "kannel", "https://sms.provider.example"))
	f.Add(201, []byte(`{"message":{"id":"m-1"},"state":"queued"}`))
	f.Add(200, []byte(`{"ids":[9007199254740993],"validReceivers":["+33639980001"],"invalidReceivers":[]}`))
	f.Add(202, []byte("0: Accepted for delivery"))
	f.Add(400, []byte(`{"error":["a",{"b":null}]}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, p := range []*Provider{p, ovh, kannel} {
			got := p.judge(answer{status: status, body: body})
			expectShort(t, got)
			if got.Outcome == sms.Accepted && (status < 200 || status > 299) {
				t.Fatalf("%d is accepted", status)
			}
			if status >= 500 && got.Outcome == sms.Refused {
				t.Fatalf("%d is final", status)
			}
		}
	})
}

func expectShort(t *testing.T, got sms.Result) {
	if len([]rune(got.Answer)) > 200 || strings.ContainsAny(got.Answer, "\r\n") || (got.Err == nil) != (got.Outcome == sms.Accepted) {
		t.Fatalf("%+v", got)
	}
	for _, id := range got.Parts {
		if len(id) > 200 {
			t.Fatalf("an id of %d bytes", len(id))
		}
	}
}
