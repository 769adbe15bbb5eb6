package peers

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// GatewayMode is the kind of provider that a gateway behaves like.
type GatewayMode string

// The modes. The credentials of [GatewayOptions] mean what each has.
const (
	Twilio GatewayMode = "twilio" // User and Password are the account and its token
	OVH    GatewayMode = "ovh"    // User is the application, Password its secret, Secret the consumer
	Plain  GatewayMode = "plain"  // User and Password are parameters, as Kannel has them
	JSON   GatewayMode = "json"   // Password is a bearer token; Secret signs callbacks; Idempotency-Key is honoured
)

// GatewayDo is what a fault of a gateway does. A message is taken when a telephone
// would have rung.
type GatewayDo string

// What can go wrong.
const (
	GatewayDropUnread GatewayDo = "drop-unread" // the connection ends before anything is read
	GatewayDrop       GatewayDo = "drop"        // read whole and taken, no answer
	GatewayStall      GatewayDo = "stall"       // taken; answers after Release
	GatewayAnswer     GatewayDo = "answer"      // taken; answers Status and Body
	GatewayRefuse     GatewayDo = "refuse"      // not taken; answers Status and Body
	GatewayHuge       GatewayDo = "huge"        // taken; the usual answer and 8 MB of spaces
	GatewayRedirect   GatewayDo = "redirect"    // taken; 307 to another path of the same server
	GatewaySlow       GatewayDo = "slow"        // taken; half of the answer, the rest after Release
	GatewayCut        GatewayDo = "cut"         // taken; half of the answer, then a reset
	GatewayReset      GatewayDo = "reset"       // taken; the whole answer, then a reset
	GatewayRaw        GatewayDo = "raw"         // taken; Body as bytes on the connection, then its end
	GatewayEarly      GatewayDo = "early"       // taken; its receipt is brought before the answer
)

// GatewayFault is one thing that goes wrong at a gateway.
type GatewayFault struct {
	Do     GatewayDo `json:"do"`
	Status int       `json:"status,omitempty"`
	Body   string    `json:"body,omitempty"`
	Type   string    `json:"type,omitempty"`  // of Body; application/json when empty
	Times  int       `json:"times,omitempty"` // 0 means once, Always means every time
	To     string    `json:"to,omitempty"`    // only for this recipient; not with GatewayDropUnread
}

// GatewayOptions says what a gateway asks of its clients.
type GatewayOptions struct {
	Mode                   GatewayMode
	User, Password, Secret string
	TLS                    bool
	Callback               string // where OVH and JSON bring receipts; the others are told in each request
	CheckStatus            int    // what GET /check answers; 200 when 0
	Faults                 []GatewayFault
}

// GatewayRequest is a request that the gateway has read to the last byte.
type GatewayRequest struct {
	Number   int      `json:"number"`
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	Query    string   `json:"query"` // as sent
	Body     []byte   `json:"body"`
	To       []string `json:"to"` // every recipient that it names
	From     string   `json:"from"`
	Text     string   `json:"text"`
	TTL      string   `json:"ttl"`
	ID       string   `json:"id"` // our id
	Coding   string   `json:"coding"`
	Callback string   `json:"callback"`
	Key      string   `json:"key"`   // Idempotency-Key
	Given    string   `json:"given"` // the gateway's id
	Auth     bool     `json:"auth"`
	Taken    bool     `json:"taken"`
	Again    bool     `json:"again"` // known by its Idempotency-Key, and not taken again
	// Headers by their names in small letters; a list where one stands several times.
	Headers map[string]any `json:"headers"`
	// Transactional is OVH's noStopClause.
	Transactional bool `json:"transactional"`
}

// GatewayReport is a receipt to bring.
type GatewayReport struct {
	Number int    // of the request
	Status string // the mode's own word: delivered, 1, …
	Code   string
	ID     string // instead of the id that was given, when not empty
}

// Called is what our side answered to a callback; Status is 0 when it could not be
// reached.
type Called struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// HTTPGateway is a running SMS provider over HTTP, a process of its own in Node.js. It
// dies with the process that started it.
type HTTPGateway struct {
	port    int
	cert    []byte
	command *exec.Cmd
	stdin   io.WriteCloser
	stderr  tail
	ended   chan struct{} // closed when stdout has ended

	mu       sync.Mutex
	requests []GatewayRequest
	played   map[GatewayDo]int
	connects int
	stalled  int
	done     map[int]chan Called // orders not acknowledged yet
	orders   int
	changed  chan struct{} // closed and replaced at each event
	failures error
	closed   bool
}

// Gateway starts an HTTP SMS provider for one test and stops it with the test.
func Gateway(t testing.TB, o GatewayOptions) *HTTPGateway {
	t.Helper()
	gateway, err := StartGateway(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gateway.Close(); err != nil {
			t.Errorf("gateway: %v", err)
		}
	})
	return gateway
}

// StartGateway starts an HTTP SMS provider on a free port of 127.0.0.1, outside a
// test. The caller closes it. The working directory is inside the repository.
func StartGateway(o GatewayOptions) (*HTTPGateway, error) {
	program, err := node()
	if err != nil {
		return nil, err
	}
	folder, err := Folder()
	if err != nil {
		return nil, err
	}
	g := &HTTPGateway{ended: make(chan struct{}), played: map[GatewayDo]int{}, done: map[int]chan Called{}, changed: make(chan struct{})}
	config := map[string]any{"mode": o.Mode, "user": o.User, "password": o.Password, "secret": o.Secret, "callback": o.Callback,
		"checkStatus": o.CheckStatus, "faults": o.Faults}
	if o.TLS {
		cert, key, err := selfSigned()
		if err != nil {
			return nil, err
		}
		config["cert"], config["key"], g.cert = string(cert), string(key), cert
	}
	argument, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	g.command = exec.Command(program, filepath.Join(folder, "gateway-peer.mjs"), string(argument))
	g.command.Stderr = &g.stderr
	if g.stdin, err = g.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	// A pipe of our own: StdoutPipe's is closed by Wait while lines may still be unread.
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	g.command.Stdout = write
	if err := g.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("peers: %w", err), read.Close(), write.Close())
	}
	if err := write.Close(); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	lines := bufio.NewReaderSize(read, 1<<20)
	var hello struct {
		Port  int
		Error string
	}
	first, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(first, &hello)
	}
	if err == nil && hello.Error != "" {
		err = errors.New(hello.Error)
	}
	if err != nil {
		_ = g.stdin.Close()
		_ = g.command.Wait()
		_ = read.Close()
		return nil, fmt.Errorf("peers: the gateway did not start: %w %s", err, g.stderr.String())
	}
	g.port = hello.Port
	go g.follow(read, lines)
	return g, nil
}

// follow reads the peer's events until its standard output ends.
func (g *HTTPGateway) follow(pipe io.Closer, lines *bufio.Reader) {
	defer close(g.ended)
	defer pipe.Close()
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		g.note(line)
	}
}

// note keeps one event.
func (g *HTTPGateway) note(line []byte) {
	var e struct {
		Event string
		N     int
		Did   GatewayDo
	}
	err := json.Unmarshal(line, &e)
	g.mu.Lock()
	defer g.mu.Unlock()
	switch e.Event {
	case "connect":
		g.connects++
	case "played":
		g.played[e.Did]++
	case "stalled":
		g.stalled++
	case "request":
		var r GatewayRequest
		err = json.Unmarshal(line, &r)
		g.requests = append(g.requests, r)
	case "done":
		var c Called
		err = json.Unmarshal(line, &c)
		if waiting, ok := g.done[e.N]; ok {
			waiting <- c
			delete(g.done, e.N)
		}
	}
	if err != nil {
		g.failures = errors.Join(g.failures, fmt.Errorf("peers: the gateway said %.200q: %w", line, err))
	}
	close(g.changed)
	g.changed = make(chan struct{})
}

// order sends one order and waits until the peer has carried it out, which also means
// that every event before it has been read.
func (g *HTTPGateway) order(order map[string]any) Called {
	select {
	case <-g.ended: // everything it ever said has been read
		return Called{}
	default:
	}
	g.mu.Lock()
	g.orders++
	acknowledged := make(chan Called, 1)
	g.done[g.orders] = acknowledged
	order["n"] = g.orders
	line, err := json.Marshal(order)
	if err == nil {
		_, err = g.stdin.Write(append(line, '\n'))
	}
	if err != nil {
		g.failures = errors.Join(g.failures, fmt.Errorf("peers: order %v: %w", order["do"], err))
	}
	g.mu.Unlock()
	if err != nil {
		return Called{}
	}
	select {
	case c := <-acknowledged:
		return c
	case <-g.ended:
		return Called{}
	}
}

// URL returns the gateway's address, without a path.
func (g *HTTPGateway) URL() string {
	scheme := "http"
	if g.cert != nil {
		scheme = "https"
	}
	return scheme + "://127.0.0.1:" + strconv.Itoa(g.port)
}

// Roots returns a pool that trusts this gateway and nobody else, or nil without TLS.
func (g *HTTPGateway) Roots() *x509.CertPool {
	if g.cert == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(g.cert)
	return pool
}

// Plan replaces what will go wrong from now on; without faults, nothing will.
func (g *HTTPGateway) Plan(faults ...GatewayFault) {
	g.order(map[string]any{"do": "plan", "faults": faults})
}

// Release lets everything that is stalled go on as usual.
func (g *HTTPGateway) Release() { g.order(map[string]any{"do": "release"}) }

// Report brings the receipt of a request and returns what our side answered.
func (g *HTTPGateway) Report(r GatewayReport) Called {
	order := map[string]any{"do": "report", "number": r.Number, "status": r.Status, "code": r.Code}
	if r.ID != "" {
		order["id"] = r.ID
	}
	return g.order(order)
}

// Reply brings to url what a telephone wrote and returns what our side answered.
func (g *HTTPGateway) Reply(url, from, to, text string) Called {
	return g.order(map[string]any{"do": "reply", "url": url, "from": from, "to": to, "text": text})
}

// Requests lists every request read to the last byte so far, in order.
func (g *HTTPGateway) Requests() []GatewayRequest {
	g.order(map[string]any{"do": "sync"})
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// Taken lists the requests for which a telephone would have rung.
func (g *HTTPGateway) Taken() []GatewayRequest {
	return slices.DeleteFunc(g.Requests(), func(r GatewayRequest) bool { return !r.Taken })
}

// Connections counts the connections that clients have opened so far.
func (g *HTTPGateway) Connections() int {
	g.order(map[string]any{"do": "sync"})
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connects
}

// Played counts how often a fault was played, so that a test can say that its plan was
// not idle.
func (g *HTTPGateway) Played(do GatewayDo) int {
	g.order(map[string]any{"do": "sync"})
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.played[do]
}

// WaitStalled waits until n faults have stalled an answer in all.
func (g *HTTPGateway) WaitStalled(ctx context.Context, n int) error {
	for {
		g.mu.Lock()
		changed, stalled := g.changed, g.stalled
		g.mu.Unlock()
		if stalled >= n {
			return nil
		}
		select {
		case <-changed:
		case <-g.ended:
			return errors.New("peers: the gateway has ended")
		case <-ctx.Done():
			return fmt.Errorf("peers: waiting for %d stalled answers: %w", n, ctx.Err())
		}
	}
}

// Close stops the gateway and waits for its end. What it read stays readable. A second
// call does nothing.
func (g *HTTPGateway) Close() error {
	g.mu.Lock()
	err, again := g.failures, g.closed
	g.closed = true
	g.mu.Unlock()
	if again {
		return nil
	}
	_ = g.stdin.Close() // its end is the order to stop
	select {
	case <-g.ended:
	case <-time.After(10 * time.Second):
		_ = g.command.Process.Kill()
		<-g.ended
	}
	if waitErr := g.command.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("peers: %w %s", waitErr, g.stderr.String()))
	}
	return err
}

// Header returns the first value of a header of the request.
func (r GatewayRequest) Header(name string) string {
	for is, value := range r.Headers {
		if http.CanonicalHeaderKey(is) != http.CanonicalHeaderKey(name) {
			continue
		}
		switch v := value.(type) {
		case string:
			return v
		case []any:
			if first, ok := v[0].(string); ok {
				return first
			}
		}
	}
	return ""
}
