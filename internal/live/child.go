package live

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"time"
)

// How the child is watched and started again. The first time at once: a class waits.
const (
	firstPause  = 100 * time.Millisecond
	lastPause   = 10 * time.Second
	lookAgain   = 10 * time.Second // for a program that is missing
	well        = time.Minute      // whoever lived so long starts anew, without a pause
	startsIn    = 30 * time.Second
	pulse       = time.Second
	pulseWithin = 2 * time.Second
	pulsesLost  = 5
	goodbye     = 4 * time.Second // the child's own farewell is 2 s
)

// settings are what the child is told, as preau-live reads them.
type settings struct {
	Key     string `json:"key"`
	Secret  string `json:"secret"`
	HTTP    int    `json:"http"`
	UDP     int    `json:"udp"`
	TCP     int    `json:"tcp,omitempty"`
	Address string `json:"address,omitempty"`
}

// Run starts the engine once somebody needs it, watches it and starts it again, until ctx
// ends. Of an engine that somebody else runs it only looks whether it answers.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	e.running = ctx
	e.mu.Unlock()
	defer e.late.Wait()
	if e.external {
		return e.watchOutside(ctx)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-e.wanted:
	}
	var pause time.Duration
	for ctx.Err() == nil {
		began := time.Now()
		err := e.live(ctx)
		if ctx.Err() != nil {
			break
		}
		if time.Since(began) > well {
			pause = 0
		}
		wait := pause
		if errors.Is(err, fs.ErrNotExist) {
			why := fmt.Sprintf("the program of the live classes is missing: %v (it is built with preau and stands beside it, or --live-program names it)", err)
			if e.State().Kind != Missing {
				e.log.Warn("no live classes", "err", why)
			}
			e.set(func(s *State) { s.Kind, s.Why = Missing, why })
			wait = lookAgain
		} else {
			why := "it ended by itself"
			if err != nil {
				why = err.Error()
			}
			e.log.Error("the engine of the live classes ended: it is started again", "err", why, "in", wait.String())
			e.set(func(s *State) { s.Kind, s.Why = Down, why })
			pause = min(max(2*pause, firstPause), lastPause)
		}
		sleep(ctx, wait)
	}
	e.set(func(s *State) { s.Kind, s.Why = Idle, "" })
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// live is one life of the child: from its start to its end, which is why it returns.
func (e *Engine) live(ctx context.Context) error {
	program, err := Program(e.c.Program)
	if err != nil {
		return err
	}
	if _, err := os.Stat(program); err != nil {
		return err
	}
	told, err := e.settings()
	if err != nil {
		return err
	}
	cmd := exec.Command(program)
	cmd.Env = childEnv() // nothing that this program knows
	orders, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("a pipe to the engine: %w", err)
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("a pipe from the engine: %w", err)
	}
	trace := &logLines{log: e.log}
	cmd.Stderr = trace
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the engine: %w", err)
	}
	e.set(func(s *State) { s.Kind, s.Why, s.Starts = Starting, "", s.Starts+1 })
	ended := make(chan error, 1)
	ready := make(chan string, 1)
	go func() {
		answer := struct{ Address string }{}
		if json.NewDecoder(answers).Decode(&answer) == nil {
			ready <- answer.Address
		}
		io.Copy(io.Discard, answers)
		ended <- cmd.Wait()
	}()
	defer func() {
		e.mu.Lock()
		e.base, e.pid = nil, 0
		e.mu.Unlock()
		orders.Close()
	}()
	line, err := json.Marshal(told)
	if err == nil {
		_, err = orders.Write(append(line, '\n'))
	}
	if err != nil {
		cmd.Process.Kill()
		return errors.Join(fmt.Errorf("the engine was not told what to do: %w", err), <-ended)
	}
	start := time.NewTimer(startsIn)
	defer start.Stop()
	select {
	case address := <-ready:
		e.mu.Lock()
		e.base = &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", fmt.Sprint(told.HTTP)), Path: "/"}
		e.pid = cmd.Process.Pid
		e.mu.Unlock()
		e.set(func(s *State) { s.Kind, s.Address = Serving, address })
		e.log.Info("the engine of the live classes serves", "address", address, "udp", told.UDP, "tcp", told.TCP)
	case err := <-ended:
		return trace.with(err)
	case <-start.C:
		cmd.Process.Kill()
		<-ended
		return fmt.Errorf("the engine did not start within %s", startsIn)
	case <-ctx.Done():
		cmd.Process.Kill()
		<-ended
		return nil
	}
	lost := make(chan struct{})
	watching, unwatch := context.WithCancel(ctx)
	defer unwatch()
	go e.feel(watching, lost)
	select {
	case err := <-ended:
		return trace.with(err)
	case <-lost:
		cmd.Process.Kill()
		<-ended
		return fmt.Errorf("the engine did not answer for %s", pulsesLost*pulse)
	case <-ctx.Done():
		return e.stop(cmd, orders, ended)
	}
}

// stop lets classes end if there is time, then has everybody told that the engine stops.
func (e *Engine) stop(cmd *exec.Cmd, orders io.WriteCloser, ended <-chan error) error {
	if e.c.Drain > 0 {
		if _, err := io.WriteString(orders, "drain\n"); err == nil {
			t := time.NewTimer(e.c.Drain)
			defer t.Stop()
			select {
			case <-ended:
				return nil
			case <-t.C:
			}
		}
	}
	orders.Close()
	t := time.NewTimer(goodbye)
	defer t.Stop()
	select {
	case <-ended:
	case <-t.C:
		cmd.Process.Kill()
		<-ended
	}
	return nil
}

// feel looks each second whether the engine answers, and closes lost when it no longer does:
// a process that is there and serves nobody is ended.
func (e *Engine) feel(ctx context.Context, lost chan<- struct{}) {
	for missed := 0; ; {
		sleep(ctx, pulse)
		if ctx.Err() != nil {
			return
		}
		if e.answers(ctx) == nil {
			missed = 0
		} else if missed++; missed == pulsesLost {
			close(lost)
			return
		}
	}
}

// answers asks the engine whether it is well.
func (e *Engine) answers(ctx context.Context) error {
	e.mu.Lock()
	base := e.base
	e.mu.Unlock()
	if base == nil {
		return ErrAway
	}
	ctx, cancel := context.WithTimeout(ctx, pulseWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.String(), nil)
	if err != nil {
		return err
	}
	res, err := e.client.Do(req)
	if err != nil {
		return err
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the engine answers %s", res.Status)
	}
	return nil
}

// watchOutside says whether the engine that somebody else runs answers. Calls are made
// whatever it says.
func (e *Engine) watchOutside(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := e.answers(ctx); err != nil && ctx.Err() == nil {
			if e.State().Kind != Down {
				e.log.Error("the engine of the live classes does not answer", "url", e.c.URL, "err", err)
			}
			e.set(func(s *State) { s.Kind, s.Why = Down, err.Error() })
		} else {
			e.set(func(s *State) { s.Kind, s.Why = Serving, "" })
		}
		sleep(ctx, 5*pulse)
	}
	return nil
}

// settings chooses the ports of one life of the child.
func (e *Engine) settings() (settings, error) {
	s := settings{Key: e.key, Secret: e.secret, Address: e.c.Address, UDP: e.c.UDP, TCP: e.c.TCP}
	http, tcp, udp, err := freePorts()
	if err != nil {
		return s, fmt.Errorf("a port for the engine: %w", err)
	}
	s.HTTP = http
	if addr, err := netip.ParseAddr(e.c.Address); err != nil || !addr.IsLoopback() {
		tcp, udp = usualTCP, usualUDP
	}
	if s.UDP == 0 {
		s.UDP = udp
	}
	switch {
	case s.TCP == 0:
		s.TCP = tcp
	case s.TCP < 0:
		s.TCP = 0
	}
	return s, nil
}

// freePorts are ports that nobody uses now. Somebody may take one before the child does: it
// then says so, ends, and is started with others.
func freePorts() (http, tcp, udp int, err error) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, 0, err
	}
	defer first.Close()
	second, err := net.Listen("tcp", ":0") // the child listens on every address
	if err != nil {
		return 0, 0, 0, err
	}
	defer second.Close()
	third, err := net.ListenPacket("udp", ":0")
	if err != nil {
		return 0, 0, 0, err
	}
	defer third.Close()
	return first.Addr().(*net.TCPAddr).Port, second.Addr().(*net.TCPAddr).Port, third.LocalAddr().(*net.UDPAddr).Port, nil
}

// childEnv is what the child knows of the environment: nothing that holds a password.
func childEnv() []string {
	out := []string{} // never nil: to exec that is all of ours
	for _, name := range []string{"TMPDIR", "GOMAXPROCS"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	return out
}

// logLines takes the child's log, one JSON object a line, into ours. What is no JSON, such
// as the trace of a crash, is kept to say why the child ended.
type logLines struct {
	log  *slog.Logger
	rest []byte
	last string
}

func (l *logLines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	for {
		n, line, err := bufio.ScanLines(l.rest, false)
		if err != nil || n == 0 {
			if len(l.rest) > 1<<16 {
				l.rest = nil // a line without an end
			}
			return len(b), nil
		}
		l.say(line)
		l.rest = l.rest[n:]
	}
}

func (l *logLines) say(line []byte) {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		if l.last == "" && len(line) > 0 {
			l.last = string(line[:min(len(line), 300)])
		}
		l.log.Error("the engine of the live classes", "says", string(line))
		return
	}
	level := slog.LevelInfo
	if text, ok := fields["level"].(string); ok {
		level.UnmarshalText([]byte(text))
	}
	msg, _ := fields["msg"].(string)
	args := make([]any, 0, 2*len(fields))
	for name, v := range fields {
		if name != "time" && name != "level" && name != "msg" {
			args = append(args, slog.Any(name, v))
		}
	}
	if why, ok := fields["err"].(string); ok && msg == farewell {
		l.last = why
	}
	l.log.Log(context.Background(), level, "live: "+msg, args...)
}

// farewell is what the child says of an error that it ends with.
const farewell = "the engine could not serve"

// with adds what the child said before it ended.
func (l *logLines) with(err error) error {
	if l.last == "" {
		return err
	}
	return fmt.Errorf("%s (%w)", l.last, orEnded(err))
}

func orEnded(err error) error {
	if err == nil {
		return errors.New("it ended")
	}
	return err
}
