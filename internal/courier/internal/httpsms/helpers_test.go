package httpsms

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/peers"
)

// secrets are what the carriers of the tests are given.
var secrets = map[string]string{
	"password": "fourmi-ardoise", "auth_token": "fourmi-ardoise", "application_key": "application", "application_secret": "fourmi-ardoise",
	"consumer_key": "consommateur", "signing": "signature-craie", "callback": "cAllBackSecret0123456789",
}

// jsonProvider is a description for the gateway's mode json; %URL% is its address.
const jsonProvider = `{
	"url": "%URL%/messages",
	"auth": {"kind": "bearer", "secret": "password"},
	"body": {"as": "json", "fields": {"to": "{to}", "from": "{from}", "text": "{text}", "ttl": "{ttl}", "reference": "{id}", "kind": "alert"}},
	"ttl": {"unit": "seconds", "most": 86400},
	"accept": {"status": [201], "where": [{"path": "state", "is": "queued"}], "id": {"path": "message.id"}},
	"refuse": [
		{"status": [400], "where": [{"path": "error"}], "then": "refused"},
		{"status": [401, 429], "then": "later"},
		{"status": [503], "where": [{"path": "error", "is": "queue_full"}], "then": "later"}
	],
	"callback": {
		"auth": {"kind": "hmac", "name": "X-Signature", "secret": "signing", "algorithm": "sha256", "encoding": "hex", "prefix": "sha256=", "over": "body"},
		"receipt": {"method": "POST", "as": "json", "each": "events", "where": [{"path": "kind", "is": "receipt"}],
			"id": "id", "letter": "reference", "to": "to", "status": "state", "code": "error",
			"fates": {"delivered": "delivered", "failed": ["undeliverable", "expired"], "underway": "sent", "unknown": "unknown"}},
		"reply": {"method": "POST", "as": "json", "each": "events", "where": [{"path": "kind", "is": "reply"}], "id": "id", "from": "from", "text": "text"},
		"answer": {"status": 204}
	},
	"check": {"url": "%URL%/check"},
	"per_second": 1000, "window": 100
}`

// carrierFile reads a carrier file of the documentation and gives its part under http,
// spoken to at url.
func carrierFile(t testing.TB, name, url string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "carriers", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var frame struct {
		HTTP json.RawMessage `json:"http"`
	}
	if err := json.Unmarshal(raw, &frame); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"https://eu.api.ovh.com", "https://api.twilio.com", "http://127.0.0.1:13013"} {
		frame.HTTP = bytes.ReplaceAll(frame.HTTP, []byte(host), []byte(url))
	}
	return frame.HTTP
}

// provider makes a carrier of a description.
func provider(t testing.TB, raw []byte, change ...func(*Config)) *Provider {
	t.Helper()
	d, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Description: d, Secrets: secrets, Source: "LYCEE", Timeout: 10 * time.Second}
	for _, f := range change {
		f(&c)
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// byJSON is a carrier to a gateway of the mode json; edits are old, new, old, new, …
func byJSON(t testing.TB, g *peers.HTTPGateway, edits ...string) *Provider {
	t.Helper()
	edits = append(edits, "%URL%", g.URL())
	return provider(t, []byte(strings.NewReplacer(edits...).Replace(jsonProvider)), func(c *Config) { c.Roots = g.Roots() })
}

// idempotent is the edit that lets a request be repeated.
var idempotent = []string{`"accept"`, `"idempotency_header": "Idempotency-Key", "accept"`}

func jsonGateway(t testing.TB, faults ...peers.GatewayFault) *peers.HTTPGateway {
	return peers.Gateway(t, peers.GatewayOptions{Mode: peers.JSON, Password: secrets["password"], Secret: secrets["signing"], Faults: faults})
}

// message is a message to a fictional guardian.
func message() sms.Message {
	return sms.Message{Letter: "01J9-alert.1", To: "+33639980001", Text: "Lycée: Léa B. n'est pas en maths depuis 8h05, 24/11.", Reference: 7}
}

// halfAnHour is a last look that says yes.
func halfAnHour() (time.Duration, error) { return 30*time.Minute + 59*time.Second, nil }

// soon ends after 20 s: what has not happened by then will not.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// expect fails the test when the outcome is not as said, or when an error would leak.
func expect(t *testing.T, got sms.Result, want sms.Outcome) {
	t.Helper()
	if got.Outcome != want {
		t.Fatalf("outcome %v (%v, %q), want %v", got.Outcome, got.Err, got.Answer, want)
	}
	if (got.Err == nil) != (want == sms.Accepted) {
		t.Errorf("%v with error %v", got.Outcome, got.Err)
	}
	if (len(got.Parts) == 1) != (want == sms.Accepted) {
		t.Errorf("%v with parts %v", got.Outcome, got.Parts)
	}
	if got.Err != nil {
		leaks(t, got.Err.Error(), message().To[1:])
	}
	leaks(t, got.Answer, "\n")
}

// leaks fails the test when a text holds a secret, or what else it must not.
func leaks(t *testing.T, text string, others ...string) {
	t.Helper()
	for _, secret := range secrets {
		others = append(others, secret)
	}
	for _, other := range others {
		if strings.Contains(text, other) {
			t.Errorf("%q is told: %s", other, text)
		}
	}
}
