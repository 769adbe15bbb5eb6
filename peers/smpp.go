package peers

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// SMSStage is a moment of an SMPP session at which a fault can be played.
type SMSStage string

// The stages.
const (
	AtAccept SMSStage = "connect" // before anything is read: SMSDrop, SMSStall
	AtBind   SMSStage = "bind"    // SMSRefuse, SMSDrop, SMSStall
	AtRead   SMSStage = "read"    // a submit_sm arrives and is not taken: SMSDrop
	AtSubmit SMSStage = "submit"  // a submit_sm was read to the last byte: anything
	AtLink   SMSStage = "link"    // enquire_link: SMSStall ignores it for ever
	AtCancel SMSStage = "cancel"  // cancel_sm: SMSRefuse, SMSDrop, SMSStall; the message is not cancelled
)

// SMSDo is what a fault does at its stage. At AtSubmit, a message is taken when a
// telephone would ring.
type SMSDo string

// What can go wrong.
const (
	SMSDrop       SMSDo = "drop"        // the connection ends without a word; at AtSubmit the message is taken
	SMSStall      SMSDo = "stall"       // no answer until Release; at AtSubmit the message is taken
	SMSTwice      SMSDo = "twice"       // taken, and answered twice
	SMSRefuse     SMSDo = "refuse"      // not taken; a header of 16 bytes with Status
	SMSRefuseBody SMSDo = "refuse-body" // not taken; Status and an empty message id
	SMSNack       SMSDo = "nack"        // not taken; generic_nack with Status
)

// Some values of SMSFault.Status (SMPP 3.4, section 5.1.3).
const (
	ESMESystemError = 0x08
	ESMEInvalidDest = 0x0b
	ESMEBindFailed  = 0x0d
	ESMEQueueFull   = 0x14
	ESMEThrottled   = 0x58
)

// SMSFault is one thing that goes wrong at the SMS centre.
type SMSFault struct {
	At     SMSStage `json:"at"`
	Do     SMSDo    `json:"do"`
	Status int      `json:"status,omitempty"` // the command_status of a refusal
	Times  int      `json:"times,omitempty"`  // how often; 0 means once, Always means every time
	To     string   `json:"to,omitempty"`     // only for this destination, as written in the PDU: no plus
}

// SMSReceipts is how the centre gives receipts of what it takes.
type SMSReceipts string

// The modes.
const (
	NoReceipts      SMSReceipts = ""          // only those ordered by Deliver
	SMSDelivered    SMSReceipts = "delivered" // after the answer
	SMSFailed       SMSReceipts = "failed"    // after the answer
	SMSEarly        SMSReceipts = "early"     // before the submit_sm_resp
	SMSReceiptTwice SMSReceipts = "twice"     // after the answer, the same twice
	SMSOtherCase    SMSReceipts = "othercase" // its id in capitals
	SMSDecimal      SMSReceipts = "decimal"   // its hexadecimal id written in decimal
	SMSPadded       SMSReceipts = "padded"    // its id with zeros before it
	SMSUnknownID    SMSReceipts = "unknown"   // an id that nobody was given
)

// SMSCentreOptions says how the SMS centre behaves. The zero value takes everything from
// anybody, as fast as it comes.
type SMSCentreOptions struct {
	SystemID, Password string // asked for when not empty
	TLS                bool
	PerSecond          int // more messages than this in a second are throttled (0x58); 0: no limit
	Receipts           SMSReceipts
	Faults             []SMSFault // the plan to start with

	// Perl runs Debian's Net::SMPP, an implementation that shares nothing with the other.
	// It has neither TLS, limit nor faults, gives receipts for SMSDelivered alone, and
	// serves one connection at a time.
	Perl bool
}

// Short is a submit_sm that the centre has read to the last byte.
type Short struct {
	Taken     bool   `json:"taken"`     // a telephone would ring; false: it was refused
	Throttled bool   `json:"throttled"` // refused for its pace
	ID        string `json:"id"`        // the message id of the answer, whether or not it was heard
	User      string `json:"user"`      // system id of the session
	From      string `json:"from"`
	To        string `json:"to"`   // no plus
	Text      string `json:"text"` // decoded by the centre, without the header
	Raw       []byte `json:"raw"`  // short_message as it came, header included

	// Ref, Total and Part are 0 without a header of a message in parts; Part counts from 1.
	Ref   int `json:"ref"`
	Total int `json:"total"`
	Part  int `json:"part"`

	Coding     int    `json:"coding"`     // data_coding
	Class      int    `json:"esm"`        // esm_class
	Registered int    `json:"registered"` // registered_delivery
	Validity   string `json:"validity"`   // validity_period as sent
	Reference  int    `json:"reference"`  // user_message_reference, 0 without
	Sequence   int    `json:"sequence"`
	SourceTON  int    `json:"sourceTON"`
	SourceNPI  int    `json:"sourceNPI"`
	DestTON    int    `json:"destTON"`
	DestNPI    int    `json:"destNPI"`
}

// SMSDeliver is a deliver_sm: an incoming message, or a receipt when Class is 4.
type SMSDeliver struct {
	From      string `json:"from"`
	FromTON   int    `json:"fromTON,omitempty"` // 1 when 0
	To        string `json:"to"`
	Class     int    `json:"esm,omitempty"`
	Coding    int    `json:"coding,omitempty"`
	Text      string `json:"text,omitempty"`      // encoded by the centre as Coding says
	Raw       []byte `json:"raw,omitempty"`       // instead of Text
	Payload   []byte `json:"payload,omitempty"`   // as message_payload, with an empty short_message
	Receipted string `json:"receipted,omitempty"` // receipted_message_id
	State     int    `json:"state,omitempty"`     // message_state
	Reference int    `json:"reference,omitempty"` // user_message_reference
}

// SMSGiven is the answer to a deliver_sm.
type SMSGiven struct {
	Known  bool   `json:"known"` // it answers one that was given in this session
	Status int    `json:"status"`
	ID     string `json:"id"`   // its receipted_message_id
	Text   string `json:"text"` // its text
}

// SMSBind is a bind that was asked for.
type SMSBind struct {
	As      string `json:"as"` // bind_transceiver, …
	User    string `json:"user"`
	Type    string `json:"type"`
	Status  int    `json:"status"` // as answered
	Version int    `json:"version"`
}

// SMSCancel is a cancel_sm that was answered with yes.
type SMSCancel struct {
	ID   string `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
}

// SMSCentre is a running SMS centre, a process of its own. It dies with the process that
// started it, also when that one is killed.
type SMSCentre struct {
	port    int
	cert    []byte
	command *exec.Cmd
	stdin   io.WriteCloser
	stderr  tail
	ended   chan struct{}

	mu         sync.Mutex
	messages   []Short
	binds      []SMSBind
	given      []SMSGiven
	cancelled  []SMSCancel
	played     []SMSFault
	counts     map[string]int
	unreadable []string
	done       map[int]chan struct{}
	orders     int
	orderErr   error
	changed    chan struct{}
	closed     bool
}

// SMPP starts an SMS centre for one test and stops it with the test. At most one set of
// options is read. The test fails when the centre cannot be started.
func SMPP(t testing.TB, options ...SMSCentreOptions) *SMSCentre {
	t.Helper()
	var o SMSCentreOptions
	if len(options) > 0 {
		o = options[0]
	}
	centre, err := StartSMSCentre(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := centre.Close(); err != nil {
			t.Errorf("SMS centre: %v", err)
		}
	})
	return centre
}

// StartSMSCentre starts an SMS centre on a free port of 127.0.0.1, outside a test. The
// caller closes it. The working directory is inside the repository.
func StartSMSCentre(o SMSCentreOptions) (*SMSCentre, error) {
	folder, err := Folder()
	if err != nil {
		return nil, err
	}
	config := map[string]any{"user": o.SystemID, "pass": o.Password, "tls": o.TLS, "perSecond": o.PerSecond, "receipts": o.Receipts, "faults": o.Faults}
	c := &SMSCentre{ended: make(chan struct{}), done: map[int]chan struct{}{}, changed: make(chan struct{}), counts: map[string]int{}}
	var program, script string
	if o.Perl {
		script = "smpp-peer.pl"
		if program, err = exec.LookPath("perl"); err != nil {
			return nil, errors.New("peers: perl is missing: run make setup")
		}
		if o.TLS || o.PerSecond != 0 || len(o.Faults) > 0 || (o.Receipts != NoReceipts && o.Receipts != SMSDelivered) {
			return nil, errors.New("peers: the SMS centre in Perl has neither TLS, limit nor faults, and gives receipts for SMSDelivered alone")
		}
	} else {
		script = "smpp-peer.mjs"
		if program, err = node(); err != nil {
			return nil, err
		}
		if _, err := Installed("smpp"); err != nil {
			return nil, err
		}
	}
	if o.TLS {
		cert, key, err := selfSigned()
		if err != nil {
			return nil, err
		}
		config["cert"], config["key"], c.cert = string(cert), string(key), cert
	}
	argument, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	c.command = exec.Command(program, filepath.Join(folder, script), string(argument))
	return c, c.start()
}

// start runs the program and reads its first line.
func (c *SMSCentre) start() (err error) {
	c.command.Stderr = &c.stderr
	if c.stdin, err = c.command.StdinPipe(); err != nil {
		return fmt.Errorf("peers: %w", err)
	}
	// A pipe of our own: StdoutPipe's is closed by Wait while lines may still be unread.
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("peers: %w", err)
	}
	c.command.Stdout = write
	if err := c.command.Start(); err != nil {
		return errors.Join(fmt.Errorf("peers: %w", err), read.Close(), write.Close())
	}
	if err := write.Close(); err != nil {
		return fmt.Errorf("peers: %w", err)
	}
	lines := bufio.NewReaderSize(read, 1<<16)
	first, err := lines.ReadBytes('\n')
	var hello struct {
		Port  int
		Error string
	}
	if err == nil {
		err = json.Unmarshal(first, &hello)
	}
	if err == nil && hello.Error != "" {
		err = errors.New(hello.Error)
	}
	if err != nil {
		_ = c.stdin.Close()
		_ = c.command.Wait()
		_ = read.Close()
		return fmt.Errorf("peers: the SMS centre did not start: %w %s", err, c.stderr.String())
	}
	c.port = hello.Port
	go c.follow(read, lines)
	return nil
}

// follow reads the peer's events until its standard output ends.
func (c *SMSCentre) follow(pipe io.Closer, lines *bufio.Reader) {
	defer close(c.ended)
	defer pipe.Close()
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		c.mu.Lock()
		if c.note(line) {
			close(c.changed)
			c.changed = make(chan struct{})
		}
		c.mu.Unlock()
	}
}

// note keeps one event and tells whether it is news: what answers our own order is not,
// or who waits would ask for ever. The lock is held.
func (c *SMSCentre) note(line []byte) bool {
	var head struct {
		Event string
		N     int
	}
	err := json.Unmarshal(line, &head)
	c.counts[head.Event]++
	switch head.Event {
	case "done":
		if waiting, ok := c.done[head.N]; ok {
			close(waiting)
			delete(c.done, head.N)
		}
	case "submit":
		err = keep(&c.messages, line)
	case "bind":
		err = keep(&c.binds, line)
	case "given":
		err = keep(&c.given, line)
	case "cancel":
		err = keep(&c.cancelled, line)
	case "played":
		err = keep(&c.played, line)
	}
	if err != nil {
		c.unreadable = append(c.unreadable, string(line))
	}
	return head.Event != "done"
}

func keep[T any](list *[]T, line []byte) error {
	var one T
	err := json.Unmarshal(line, &one)
	*list = append(*list, one)
	return err
}

// order sends one order and waits until the peer has carried it out, which also means
// that every event before it has been read.
func (c *SMSCentre) order(order map[string]any) {
	select {
	case <-c.ended: // everything it ever said has been read
		return
	default:
	}
	c.mu.Lock()
	c.orders++
	acknowledged := make(chan struct{})
	order["n"] = c.orders
	c.done[c.orders] = acknowledged
	line, err := json.Marshal(order)
	if err == nil {
		_, err = c.stdin.Write(append(line, '\n'))
	}
	if err != nil {
		c.orderErr = errors.Join(c.orderErr, fmt.Errorf("peers: order %v: %w", order["do"], err))
	}
	c.mu.Unlock()
	if err != nil {
		return
	}
	select {
	case <-acknowledged:
	case <-c.ended:
	}
}

// Host returns the address the centre listens on.
func (c *SMSCentre) Host() string { return "127.0.0.1" }

// Port returns the port the centre listens on.
func (c *SMSCentre) Port() int { return c.port }

// Roots returns a pool that trusts this centre and nobody else, or nil without TLS.
func (c *SMSCentre) Roots() *x509.CertPool {
	if c.cert == nil {
		return nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.cert)
	return pool
}

// Certificate returns its certificate in PEM, or nil without TLS.
func (c *SMSCentre) Certificate() []byte { return slices.Clone(c.cert) }

// Plan replaces what will go wrong from now on; without faults, nothing will.
func (c *SMSCentre) Plan(faults ...SMSFault) {
	c.order(map[string]any{"do": "plan", "faults": faults})
}

// Release lets everything that is stalled go on as usual.
func (c *SMSCentre) Release() { c.order(map[string]any{"do": "release"}) }

// Deliver gives a receipt or an incoming message to a session that is bound, or to the
// next one. What is answered with 0x64, or not at all, is given again.
func (c *SMSCentre) Deliver(d SMSDeliver) { c.order(map[string]any{"do": "deliver", "deliver": d}) }

// Unbind asks every session to end.
func (c *SMSCentre) Unbind() { c.order(map[string]any{"do": "unbind"}) }

// Drop ends every connection without a word.
func (c *SMSCentre) Drop() { c.order(map[string]any{"do": "drop"}) }

// Close stops the centre and waits for its end. What it read stays readable. A second
// call does nothing.
func (c *SMSCentre) Close() error {
	c.mu.Lock()
	err, again := c.orderErr, c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return nil
	}
	_ = c.stdin.Close() // its end is the order to stop
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		_ = c.command.Process.Kill()
		<-c.ended
	}
	if n := len(c.unreadable); n > 0 {
		err = errors.Join(err, fmt.Errorf("peers: %d unreadable lines of the SMS centre: %s", n, c.unreadable[0]))
	}
	if waitErr := c.command.Wait(); waitErr != nil {
		err = errors.Join(err, fmt.Errorf("peers: %w %s", waitErr, c.stderr.String()))
	}
	return err
}
