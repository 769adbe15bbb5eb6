package peers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// KannelOptions says how Kannel is set up.
type KannelOptions struct {
	Password string // of the user preau, who may send
	// ReplyURL is called with what telephones write, as parameters from and text; not
	// when empty.
	ReplyURL string
	// Centre, where set, is the address of another SMS centre than the peer's, which is
	// signed in to with these.
	Centre, SystemID, CentrePassword string
}

// KannelGateway is Debian's Kannel, a real HTTP gateway that somebody else wrote: its
// bearerbox speaks SMPP to an SMS centre, its smsbox speaks HTTP to us. It is a peer,
// not a recommendation: when the centre drops the connection, Kannel sends again what
// the centre may have taken (see docs/carriers.md).
type KannelGateway struct {
	port  int
	boxes []*kannelBox
}

// Kannel starts a Kannel in front of an SMS centre for one test and stops it with the
// test. The test fails when it cannot be started.
func Kannel(t testing.TB, centre *SMSCentre, o KannelOptions) *KannelGateway {
	t.Helper()
	kannel, err := StartKannel(t.TempDir(), centre, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kannel.Close)
	return kannel
}

// StartKannel starts a Kannel on free ports of 127.0.0.1, outside a test, with its
// configuration in folder. centre may be nil where the options name another. It returns when messages can be given to it and it has
// reached the centre. The caller closes it.
func StartKannel(folder string, centre *SMSCentre, o KannelOptions) (*KannelGateway, error) {
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	at := o.Centre
	if at == "" {
		at, o.SystemID, o.CentrePassword = net.JoinHostPort("127.0.0.1", strconv.Itoa(centre.Port())), "preau", "preau"
	}
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	for _, value := range []string{o.Password, o.ReplyURL, o.SystemID, o.CentrePassword, host, port} {
		if strings.ContainsAny(value, "\"\\\r\n") {
			return nil, errors.New("peers: Kannel's configuration cannot hold that")
		}
	}
	config := filepath.Join(folder, "kannel.conf")
	if err := os.WriteFile(config, []byte(kannelConfig(ports, host, port, o)), 0o600); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	k := &KannelGateway{port: ports[2]}
	// Each says when it is there; bearerbox has then begun to call the centre.
	for _, box := range []struct {
		program string
		ready   []string
	}{
		{"bearerbox", []string{"Start-up done", "type_name: bind_transceiver_resp"}},
		{"smsbox", []string{"Set up send sms service", "Connected to bearerbox"}},
	} {
		b, err := startKannelBox(folder, box.program, config, box.ready)
		if err != nil {
			k.Close()
			return nil, err
		}
		k.boxes = append(k.boxes, b)
	}
	if err := k.answers(); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

// answers waits until smsbox answers over HTTP: it says that it listens before it does, and
// closes what comes in between.
func (k *KannelGateway) answers() error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		response, err := http.Get(k.URL() + "/cgi-bin/sendsms") // nobody: refused, in words
		if err == nil {
			return response.Body.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("peers: smsbox does not answer: %w\n%s", err, k.boxes[len(k.boxes)-1].said.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// kannelConfig is the configuration of both programs. ports are those of the
// administration, of smsbox and of HTTP.
func kannelConfig(ports []int, host, port string, o KannelOptions) string {
	config := fmt.Sprintf(`group = core
admin-port = %d
admin-interface = 127.0.0.1
admin-password = none-may-enter
admin-deny-ip = "*.*.*.*"
smsbox-port = %d
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-level = 0

group = smsc
smsc = smpp
smsc-id = centre
host = %s
port = %s
smsc-username = "%s"
smsc-password = "%s"
system-type = ""
transceiver-mode = true
reconnect-delay = 1
source-addr-autodetect = true

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %d
sendsms-interface = 127.0.0.1
mo-recode = true
log-level = 0

group = sendsms-user
username = preau
password = "%s"
max-messages = 5
concatenation = true
`, ports[0], ports[1], host, port, o.SystemID, o.CentrePassword, ports[2], o.Password)
	if o.ReplyURL != "" {
		config += fmt.Sprintf(`
group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "%s?from=%%p&text=%%a"
`, o.ReplyURL)
	}
	return config
}

// freePorts finds ports of 127.0.0.1 that nobody has at this moment.
func freePorts(n int) (ports []int, err error) {
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("peers: %w", err)
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// URL returns the gateway's address, without a path.
func (k *KannelGateway) URL() string { return "http://127.0.0.1:" + strconv.Itoa(k.port) }

// Close ends both programs. A second call does nothing.
func (k *KannelGateway) Close() {
	for i := len(k.boxes) - 1; i >= 0; i-- {
		k.boxes[i].stop()
	}
	k.boxes = nil
}

// kannelBox is one of Kannel's programs.
type kannelBox struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	log     *os.File
	ended   chan struct{} // closed when its log has ended
	said    tail
}

// keeper runs a program until standard input ends, so that it dies with whoever
// started it, also when that one is killed.
const keeper = `exec 3<&0; "$@" </dev/null 2>&1 & cat <&3 >/dev/null; kill -9 $!; wait`

// startKannelBox starts a program and waits until its log has had each line of ready.
func startKannelBox(folder, program, config string, ready []string) (*kannelBox, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		path = filepath.Join("/usr/sbin", program) // not in everybody's PATH on Debian
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("peers: Kannel (the program %s) is missing: run make setup", program)
		}
	}
	b := &kannelBox{command: exec.Command("sh", "-c", keeper, "sh", path, config), ended: make(chan struct{})}
	b.command.Dir = folder
	if b.stdin, err = b.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	b.log, b.command.Stdout, b.command.Stderr = read, write, &b.said
	if err := b.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("peers: %w", err), read.Close(), write.Close())
	}
	if err := write.Close(); err != nil {
		return nil, fmt.Errorf("peers: %w", err)
	}
	there := make(chan struct{})
	go b.follow(ready, there)
	select {
	case <-there:
		return b, nil
	case <-b.ended:
	case <-time.After(30 * time.Second):
	}
	b.stop()
	return nil, fmt.Errorf("peers: %s did not start: %s", program, b.said.String())
}

// follow reads the log to its end; there is closed when every line of ready was seen.
func (b *kannelBox) follow(ready []string, there chan struct{}) {
	defer close(b.ended)
	lines := bufio.NewScanner(b.log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		_, _ = b.said.Write(append(lines.Bytes(), '\n'))
		for i, want := range ready {
			if strings.Contains(lines.Text(), want) {
				if ready = append(ready[:i:i], ready[i+1:]...); len(ready) == 0 {
					close(there)
				}
				break
			}
		}
	}
	_, _ = io.Copy(io.Discard, b.log) // after a line that is too long
}

func (b *kannelBox) stop() {
	_ = b.stdin.Close() // its end is the order to stop
	select {
	case <-b.ended:
	case <-time.After(10 * time.Second):
		_ = b.command.Process.Kill()
	}
	_ = b.command.Wait() // it was killed: its status says nothing
	_ = b.log.Close()
}
