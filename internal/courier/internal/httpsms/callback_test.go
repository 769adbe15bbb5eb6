package httpsms

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/peers"
)

// side is our side of callbacks: what the courier's route does, without keeping.
type side struct {
	*httptest.Server
	mu       sync.Mutex
	provider *Provider
	called   []Called
	refused  []error
	came     chan struct{} // one for each callback
}

// callbacks serves callbacks under its URL, which ends with the secret.
func callbacks(t *testing.T) *side {
	o := &side{came: make(chan struct{}, 1000)}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { o.came <- struct{}{} }()
		raw, err := io.ReadAll(io.LimitReader(r.Body, MostCallback+1))
		if err != nil {
			t.Error(err)
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		called, err := o.provider.Callback(r, raw)
		if err != nil {
			o.refused = append(o.refused, err)
			http.NotFound(w, r)
			return
		}
		o.called = append(o.called, called)
		w.Header().Set("Content-Type", called.Answer.Type)
		w.WriteHeader(called.Answer.Status)
		_, _ = io.WriteString(w, called.Answer.Body)
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *side) url() string { return o.URL + "/carriers/test/" + secrets["callback"] }

// serve lets p read what comes; a callback may come before its Send has ended.
func (o *side) serve(p *Provider) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.provider = p
}

// wait waits for n callbacks in all and returns what they brought.
func (o *side) wait(ctx context.Context, t *testing.T, n int) []Called {
	t.Helper()
	for range n {
		select {
		case <-o.came:
		case <-ctx.Done():
			t.Fatalf("waiting for %d callbacks: %v", n, ctx.Err())
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.called)
}

func (o *side) receipts() (all []sms.Receipt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.called {
		all = append(all, c.Receipts...)
	}
	return all
}

// TestCarrierFiles runs each carrier file of the documentation against a provider that
// behaves like the one it is for.
func TestCarrierFiles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		gateway                              peers.GatewayOptions
		delivered, failed, underway, strange string
		refusal                              peers.GatewayFault
		ttl, coding                          string
		letter, number                       bool // in receipts
		code                                 string
	}{
		"twilio": {
			gateway:   peers.GatewayOptions{Mode: peers.Twilio, User: "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", Password: secrets["auth_token"], TLS: true},
			delivered: "delivered", failed: "undelivered", underway: "sent", strange: "canceled",
			refusal: peers.GatewayFault{Do: peers.GatewayRefuse, Status: 400, Body: `{"code":21211,"message":"The 'To' number +33639980001 is not a valid phone number.","status":400}`},
			ttl:     "1859", letter: true, number: true, code: "30003",
		},
		"ovh": {
			gateway:   peers.GatewayOptions{Mode: peers.OVH, User: secrets["application_key"], Password: secrets["application_secret"], Secret: secrets["consumer_key"], TLS: true},
			delivered: "1", failed: "16", underway: "4", strange: "99",
			refusal: peers.GatewayFault{Do: peers.GatewayRefuse, Status: 200, Body: `{"totalCreditsRemoved":0,"invalidReceivers":["+33639980001"],"ids":[],"validReceivers":[]}`},
			ttl:     "30", coding: "8bit", code: "7",
		},
		"kannel": {
			gateway:   peers.GatewayOptions{Mode: peers.Plain, User: "preau", Password: secrets["password"]},
			delivered: "1", failed: "2", underway: "8", strange: "77",
			refusal: peers.GatewayFault{Do: peers.GatewayRefuse, Status: 403, Body: "Not routable. Do not try again.", Type: "text/html"},
			ttl:     "30", coding: "2", letter: true, number: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := callbacks(t)
			tc.gateway.Callback = o.url()
			g := peers.Gateway(t, tc.gateway)
			p := provider(t, carrierFile(t, name, g.URL()), func(c *Config) { c.Roots, c.CallbackURL = g.Roots(), o.url() })
			o.serve(p)

			m := message()
			m.Text = "Lycée: Zoë n'est pas en maths + 1 % & co."
			got := p.Send(t.Context(), m, halfAnHour)
			expect(t, got, sms.Accepted)
			r := g.Taken()[0]
			if len(r.To) != 1 || r.To[0] != m.To || r.Text != m.Text || r.From != "LYCEE" || r.ID != map[bool]string{true: m.Letter}[tc.letter] || r.TTL != tc.ttl || r.Coding != tc.coding || got.Parts[0] != r.Given {
				t.Errorf("accepted as %q, read %+v", got.Parts, r)
			}
			if name == "ovh" && !r.Transactional {
				t.Error("without noStopClause OVH holds the message back until the morning")
			}
			want := func(fate sms.Fate, code string) sms.Receipt {
				w := sms.Receipt{ID: r.Given, Fate: fate, Code: code}
				if tc.letter {
					w.Letter = m.Letter
				}
				if tc.number {
					w.To = m.To
				}
				return w
			}
			var wanted []sms.Receipt
			report := func(status, code string, fate sms.Fate) {
				answer := g.Report(peers.GatewayReport{Number: 1, Status: status, Code: code})
				if answer.Status != 200 {
					t.Errorf("we answered %+v", answer)
				}
				wanted = append(wanted, want(fate, strings.TrimSpace(status+" "+code)))
			}
			report(tc.underway, "", sms.Underway)
			report(tc.failed, tc.code, sms.Failed)
			report(tc.delivered, "", sms.Delivered)
			report(tc.delivered, "", sms.Delivered) // twice
			if name == "twilio" {
				report(tc.strange, "", sms.Failed)
			} else {
				report(tc.strange, "", sms.Underway) // a word that is not listed settles nothing
			}
			if got := o.receipts(); !slices.Equal(got, wanted) {
				t.Errorf("receipts %+v\n    want %+v", got, wanted)
			}

			// A receipt that comes before the answer.
			g.Plan(peers.GatewayFault{Do: peers.GatewayEarly})
			early := p.Send(t.Context(), m, halfAnHour)
			expect(t, early, sms.Accepted)
			all := o.receipts()
			if last := all[len(all)-1]; last.ID != early.Parts[0] && name != "kannel" || last.Fate != sms.Delivered {
				t.Errorf("the early receipt is %+v", last)
			}

			g.Plan(tc.refusal)
			expect(t, p.Send(t.Context(), m, halfAnHour), sms.Refused)
			g.Plan(peers.GatewayFault{Do: peers.GatewayAnswer, Status: 500, Body: `{"message":"oops"}`})
			expect(t, p.Send(t.Context(), m, halfAnHour), sms.Unsure)
			wrong := provider(t, carrierFile(t, name, g.URL()), func(c *Config) {
				c.Roots = g.Roots()
				c.Secrets = map[string]string{}
				for name, value := range secrets {
					c.Secrets[name] = value + "x"
				}
			})
			expect(t, wrong.Send(t.Context(), m, halfAnHour), sms.Later)
			if n := len(g.Taken()); n != 3 {
				t.Errorf("%d messages were taken", n)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]peers.GatewayOptions{
		"twilio": {Mode: peers.Twilio, User: "AC", Password: secrets["auth_token"]},
		"kannel": {Mode: peers.Plain},
		"json":   {Mode: peers.JSON, Secret: secrets["signing"]},
	} {
		o := callbacks(t)
		g := peers.Gateway(t, options)
		raw := []byte(strings.ReplaceAll(jsonProvider, "%URL%", g.URL()))
		if name != "json" {
			raw = carrierFile(t, name, g.URL())
		}
		o.serve(provider(t, raw, func(c *Config) { c.CallbackURL = o.url() }))
		if answer := g.Reply(o.url(), "+33639980001", "LYCEE", "Arrêt + STOP & fin"); answer.Status/100 != 2 || name == "twilio" && answer.Body != "<Response></Response>" {
			t.Errorf("%s: we answered %+v", name, answer)
		}
		called := o.wait(soon(t), t, 1)
		if len(called) != 1 || len(called[0].Receipts) != 0 || len(called[0].Incoming) != 1 || called[0].Incoming[0].From != "+33639980001" || called[0].Incoming[0].Text != "Arrêt + STOP & fin" {
			t.Errorf("%s: %+v %v", name, called, o.refused)
		}
		// Whoever does not know the secret of the address is nobody.
		if answer := g.Reply(o.URL+"/carriers/test/"+secrets["callback"]+"x", "+33639980001", "LYCEE", "STOP"); answer.Status != 404 || !errors.Is(o.refused[0], ErrCallback) {
			t.Errorf("%s: a stranger was answered %+v (%v)", name, answer, o.refused)
		}
	}
	// Whoever knows it and cannot sign is nobody either.
	for name, options := range map[string]peers.GatewayOptions{"twilio": {Mode: peers.Twilio, Password: "craie"}, "json": {Mode: peers.JSON, Secret: "craie"}} {
		o := callbacks(t)
		g := peers.Gateway(t, options)
		raw := []byte(strings.ReplaceAll(jsonProvider, "%URL%", g.URL()))
		if name != "json" {
			raw = carrierFile(t, name, g.URL())
		}
		o.serve(provider(t, raw, func(c *Config) { c.CallbackURL = o.url() }))
		if answer := g.Reply(o.url(), "+33639980001", "LYCEE", "STOP"); answer.Status != 404 || !errors.Is(o.refused[0], ErrCallback) {
			t.Errorf("%s: a forger was answered %+v (%v)", name, answer, o.refused)
		}
	}
}

// request is a callback as it reaches us.
func request(method, target, body string, headers ...string) (*http.Request, []byte) {
	r := httptest.NewRequest(method, "https://school.example/carriers/test/"+target, bytes.NewReader(nil))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r, []byte(body)
}

func TestCallbackAuthentication(t *testing.T) {
	t.Parallel()
	auth := func(a string) *Provider {
		return provider(t, described(`{"kind": "hmac", "name": "X-Signature", "secret": "signing", "algorithm": "sha256", "encoding": "hex", "prefix": "sha256=", "over": "body"}`, a))
	}
	basic := auth(`{"kind": "basic", "user": "gateway", "secret": "signing"}`)
	parameter := auth(`{"kind": "parameter", "name": "token", "secret": "signing"}`)
	signed := auth(`{"kind": "hmac", "name": "X-Signature", "secret": "signing", "algorithm": "sha256", "encoding": "hex", "prefix": "sha256=", "over": "body"}`)
	none := auth(`{"kind": "none"}`)
	const body = `{"events":[{"kind":"receipt","id":"m-1","state":"delivered"}]}`
	secret := secrets["callback"]
	for name, tc := range map[string]struct {
		p            *Provider
		target, body string
		headers      []string
		want         error
	}{
		"none":                {none, secret, body, nil, nil},
		"none, no secret":     {none, "", body, nil, ErrCallback},
		"none, other secret":  {none, secret[1:], body, nil, ErrCallback},
		"none, other case":    {none, strings.ToLower(secret), body, nil, ErrCallback},
		"none, secret before": {none, secret + "/x", body, nil, ErrCallback},
		"basic":               {basic, secret, body, []string{"Authorization", "Basic Z2F0ZXdheTpzaWduYXR1cmUtY3JhaWU="}, nil},
		"basic, nothing":      {basic, secret, body, nil, ErrCallback},
		"basic, other":        {basic, secret, body, []string{"Authorization", "Basic Z2F0ZXdheTp4"}, ErrCallback},
		"parameter":           {parameter, secret + "?token=signature-craie", body, nil, nil},
		"parameter, twice":    {parameter, secret + "?token=signature-craie&token=x", body, nil, ErrCallback},
		"parameter, empty":    {parameter, secret + "?token=", body, nil, ErrCallback},
		"signed, nothing":     {signed, secret, body, nil, ErrCallback},
		"signed, empty":       {signed, secret, body, []string{"X-Signature", "sha256="}, ErrCallback},
		"unreadable":          {none, secret, `{"events":[]}`, nil, ErrUnreadable},
		"not JSON":            {none, secret, `events`, nil, ErrUnreadable},
		"huge":                {none, secret, body + strings.Repeat(" ", MostCallback), nil, ErrUnreadable},
	} {
		r, raw := request("POST", tc.target, tc.body, tc.headers...)
		called, err := tc.p.Callback(r, raw)
		if !errors.Is(err, tc.want) || (err == nil) != (len(called.Receipts) == 1) {
			t.Errorf("%s: %v, %+v, want %v", name, err, called, tc.want)
		}
	}
	r, raw := request("GET", secret, body)
	if _, err := none.Callback(r, raw); !errors.Is(err, ErrUnreadable) {
		t.Errorf("GET instead of POST: %v", err)
	}
	// A provider that describes no callbacks has none.
	var mute Provider
	if _, err := mute.Callback(r, raw); !errors.Is(err, ErrCallback) {
		t.Errorf("without a description: %v", err)
	}
}

func TestCallbackItems(t *testing.T) {
	t.Parallel()
	p := provider(t, described(`{"kind": "hmac", "name": "X-Signature", "secret": "signing", "algorithm": "sha256", "encoding": "hex", "prefix": "sha256=", "over": "body"}`, `{}`))
	r, raw := request("POST", secrets["callback"], `{"events":[
		{"kind":"receipt","id":9007199254740993,"to":"33639980001","state":"undeliverable","error":21},
		{"kind":"receipt","reference":"L1","to":"06 39 98 00 01","state":"lost\nin space `+strings.Repeat("x", 100)+`"},
		{"kind":"receipt","id":"m-3"}, {"kind":"receipt","state":"delivered"}, {"kind":"receipt","id":{"x":1},"state":"delivered"},
		{"kind":"receipt","reference":"L 1\r\n","state":"delivered"},
		{"kind":"reply","from":"0033639980002","text":"STOP\u0007\u0000"},
		{"kind":"reply","from":"36111","text":"spam"}, {"kind":"other"}, null, 7
	]}`)
	called, err := p.Callback(r, raw)
	if err != nil {
		t.Fatal(err)
	}
	want := []sms.Receipt{{ID: "9007199254740993", To: "+33639980001", Fate: sms.Failed, Code: "undeliverable 21"}, {Letter: "L1", Code: called.Receipts[1].Code}}
	if !slices.Equal(called.Receipts, want) || len([]rune(want[1].Code)) != 60 || strings.Contains(want[1].Code, "\n") {
		t.Errorf("receipts %+v", called.Receipts)
	}
	if !slices.Equal(called.Incoming, []sms.Incoming{{From: "+33639980002", Text: "STOP  "}}) {
		t.Errorf("incoming %+v", called.Incoming)
	}
	if called.Unread != 5 || called.Answer.Status != 204 {
		t.Errorf("%d unread, answer %+v", called.Unread, called.Answer)
	}
	many := `{"events":[` + strings.Repeat(`{"kind":"receipt","id":"m","state":"sent"},`, 1200) + `null]}`
	r, raw = request("POST", secrets["callback"], many)
	if called, err := p.Callback(r, raw); err != nil || len(called.Receipts) != mostItems || called.Unread == 0 {
		t.Errorf("%d receipts, %d unread, %v", len(called.Receipts), called.Unread, err)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"+33639980001": "+33639980001", "33639980001": "+33639980001", "0033639980001": "+33639980001", " 33639980001": "+33639980001",
		"0639980001": "", "36111": "", "LYCEE": "", "": "", "+": "", "++33639980001": "", "+33639980001,+33639980002": "",
	} {
		if got := number(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func FuzzCallback(f *testing.F) {
	none := `{}`
	hmac := `{"kind": "hmac", "name": "X-Signature", "secret": "signing", "algorithm": "sha256", "encoding": "hex", "prefix": "sha256=", "over": "body"}`
	all := []*Provider{
		provider(f, described(hmac, none)), provider(f, described()), provider(f, carrierFile(f, "twilio", "https://sms.provider.example")),
		provider(f, carrierFile(f, "kannel", "https://sms.provider.example")), provider(f, carrierFile(f, "ovh", "https://sms.provider.example")),
	}
	f.Add("POST", "", `{"events":[{"kind":"receipt","id":"m-1","state":"delivered"},{"kind":"reply","from":"+33639980001","text":"STOP"}]}`, "")
	f.Add("GET", "id=26929925&dlr=1&ptt=1", "", "")
	f.Add("GET", "letter=L1&status=1&to=%2B33639980001&code=x", "", "")
	f.Add("POST", "letter=L1", "MessageSid=SM1&MessageStatus=sent&To=%2B33639980001", "dGVzdA==")
	f.Fuzz(func(t *testing.T, method, query, body, signature string) {
		for i, p := range all {
			r := &http.Request{Method: method, Header: http.Header{"X-Signature": {signature}, "X-Twilio-Signature": {signature}}}
			r.URL = p.address.JoinPath("..", "carriers", "x", secrets["callback"])
			r.URL.RawQuery = query
			called, err := p.Callback(r, []byte(body))
			if i == 1 || i == 2 {
				if !errors.Is(err, ErrCallback) {
					t.Fatalf("a forger is heard: %v", err)
				}
				continue
			}
			if err != nil {
				continue
			}
			for _, r := range called.Receipts {
				if r.ID == "" && r.Letter == "" || len(r.ID) > 200 || len([]rune(r.Code)) > 60 || strings.ContainsAny(r.Code+r.ID+r.Letter, "\r\n") || r.To != "" && !e164.MatchString(r.To) {
					t.Fatalf("receipt %+v", r)
				}
			}
			for _, in := range called.Incoming {
				if !e164.MatchString(in.From) || len([]rune(in.Text)) > 2000 {
					t.Fatalf("incoming %+v", in)
				}
			}
			if len(called.Receipts) > mostItems || len(called.Incoming) > mostItems {
				t.Fatal("too many")
			}
		}
	})
}
