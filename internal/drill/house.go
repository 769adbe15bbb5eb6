package drill

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
)

// house is an installation with its fictional school, its carriers' far side, and the
// program that serves it while it runs.
type house struct {
	app.DrillHouse
	replay    *replay
	town      fictional.Town
	book      *book
	neighbour fictional.Town // another school of the installation, in which nothing happens
	zone      *time.Location
	data      string
	owns      string // folder to remove at the end
	sink      *sink
	now       time.Time    // that the clock was last set to
	nights    atomic.Int64 // changes when it jumps by a night
	setAt     time.Time    // when, by the machine's clock
	prog      *program
	people    map[string]*person // who is signed in
	beside    bool               // another program of this installation's carriers runs
	core      int                // that the program runs on alone; -1: any

	burns *fire // of a drill under fire

	links bool // messages have a link to answer by: the program is told its own address

	// Of a crowd.
	hold              time.Duration // of the first school
	addr              string        // that the program listens at
	entrance          string        // that people come to: the program, or a link before it
	comers            map[page.Role][]comer
	switched          sync.Mutex
	offFrom, offUntil time.Time // when the drill switched the program off, and it was on again

	pausedFrom, pausedUntil time.Time // of that time, what the drill waited
}

// perSecond is what the drill's SMS centre takes, whatever the scale: an ordinary contract.
const perSecond = 50

// rate is what the centre of this drill takes in a second; where speed is not looked at, more.
func (r *replay) rate() int {
	if r.options.day != nil {
		return 20 * perSecond
	}
	return perSecond
}

// newHouse makes one with so many pupils. Nothing of it runs yet. who says who can sign in
// beside those who do in every drill.
func (r *replay) newHouse(ctx context.Context, pupils, number int, who ...func(*app.DrillTown)) (*house, error) {
	neighbour := fictional.School(r.options.Seed, fictional.Options{Pupils: 60, Number: 100 + number, Tuesday: tuesday})
	town := fictional.School(r.options.Seed, fictional.Options{Pupils: pupils, Number: number, Tuesday: tuesday})
	h, err := r.emptyHouse(town)
	if err != nil {
		return nil, err
	}
	h.neighbour = neighbour
	all := []app.DrillTown{{Town: town, Who: map[string]page.Role{}, Staffed: true}, {Town: neighbour}}
	if r.options.Fire {
		h.core = 0
		h.comersOf(&all[0])
	}
	for _, more := range who {
		more(&all[0])
	}
	h.town = all[0].Town
	if h.DrillHouse, err = app.MakeDrillOf(ctx, h.config(), h.town.DaysBefore(rehearsed + 1)[0], all...); err != nil {
		return nil, err
	}
	return h, h.writeCarrier()
}

// writeCarrier describes the SMS centre as an operator would, in a file of its own.
func (h *house) writeCarrier() error {
	folder := filepath.Join(h.data, "carriers")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "password"), []byte("drill\n"), 0o600); err != nil {
		return err
	}
	b, err := json.Marshal(map[string]any{"kind": "smpp", "sender": "LYCEE", "secrets": map[string]any{"password": map[string]string{"file": "password"}},
		"smpp": map[string]any{"host": "127.0.0.1", "port": h.sink.smpp.port(), "tls": "none", "system_id": "drill", "window": 10, "per_second": h.replay.rate()}})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "centre.json"), b, 0o600)
}

func (h *house) close() {
	if h.prog != nil {
		h.quench()
		h.prog.stop()
	}
	if h.sink != nil {
		h.sink.close()
	}
	if h.owns != "" {
		os.RemoveAll(h.owns)
	}
}

// config is the installation's, for what the drill itself opens of it.
func (h *house) config() app.Config {
	return app.Config{Data: h.data, Addr: "127.0.0.1:0", Database: h.replay.options.Database}
}

// start starts the program at a moment of its clock.
func (h *house) start(ctx context.Context, at time.Time) error {
	if !h.beside { // the account has one session, and the carrier may not have noticed its end
		h.sink.smpp.free(goneWithin)
	}
	var more []string
	if h.links {
		more = []string{"--url", "http://" + h.addr}
	}
	if at := h.replay.options.Database; at != "" {
		more = append(more, "--database", at)
	}
	p, err := startProgram(ctx, h.replay.options.Program, h.data, h.sink.mail.port(), at, h.core, cmp.Or(h.addr, "127.0.0.1:0"), more...)
	if err != nil {
		return err
	}
	h.prog, h.now, h.setAt = p, at, time.Now()
	if h.replay.burnt != nil {
		return h.light(ctx)
	}
	return nil
}

// stop ends it as an operator does.
func (h *house) stop() error {
	if h.prog == nil {
		return nil
	}
	h.quench()
	err := h.prog.stop()
	h.prog = nil
	return err
}

// kill ends it as a failure of the machine does.
func (h *house) kill() {
	h.quench()
	h.prog.kill()
	h.prog = nil
}

// goneWithin is how long that is waited for; lookEvery is the pause between two looks at a
// page that is not yet as it has to be.
const (
	goneWithin = 5 * time.Second
	lookEvery  = 50 * time.Millisecond
)

// step is how far the clock is moved at once: a program sees days pass, not weeks.
const step = 48 * time.Hour

// night is how far a jump may be before somebody at a shared device is signed out by it.
const night = 5 * time.Hour

// at lets time pass until a moment of the program's clock.
func (h *house) at(t time.Time) error {
	for h.now.Before(t.Add(-step)) {
		if err := h.jump(h.now.Add(step)); err != nil {
			return err
		}
	}
	return h.jump(t)
}

// jump sets the program's clock.
func (h *house) jump(t time.Time) error {
	if t.Sub(h.now) >= night { // before and after: whoever signs in meanwhile is signed out too
		h.nights.Add(1)
		defer h.nights.Add(1)
	}
	h.now, h.setAt = t, time.Now()
	return h.prog.command("at " + t.UTC().Format(time.RFC3339Nano))
}

// restMost is how long, by the machine's clock, a program may take until it has nothing left
// to do: a whole school's messages at the centre's rate.
const restMost = 5 * time.Minute

// rest waits until the program has nothing left to do now.
func (h *house) rest() error { return h.prog.command("rest " + restMost.String()) }

// clock is a time of a day in the school's zone.
func (h *house) clock(day time.Time, hhmm string) time.Time {
	t, err := time.Parse("15:04", hhmm)
	if err != nil {
		panic(err) // a mistake of this package
	}
	y, m, d := day.In(h.zone).Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, h.zone)
}

// unexplained counts the messages for which the installation cannot account.
func (h *house) unexplained(ctx context.Context, messages []Message) (n int, err error) {
	a, err := app.Open(ctx, h.config(), app.Options{Log: slog.New(slog.DiscardHandler), For: app.Reading})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	for _, m := range messages {
		ok, err := a.AccountsFor(ctx, m.reference())
		if err != nil {
			return n, err
		}
		if !ok {
			n++
		}
	}
	return n, nil
}

// environment is what a program under test is told: what the drill's own says of an
// installation is not this one's.
func environment(data string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + data, "TZ=UTC"}
}

// explained asks preau explain, the command, whether a message is from here.
func (h *house) explained(ctx context.Context, message string) (bool, error) {
	c := exec.CommandContext(ctx, h.replay.options.Program, "explain", message)
	c.Env = append(environment(h.data), "PREAU_DATA="+h.data)
	out, err := c.CombinedOutput()
	if c.ProcessState == nil {
		return false, err
	}
	switch c.ProcessState.ExitCode() {
	case 0:
		return true, nil
	case 1:
		if strings.Contains(string(out), "it is not from here") {
			return false, nil
		}
	}
	return false, fmt.Errorf("preau explain: %w: %s", err, out)
}

// program is preau serve in a process of its own.
type program struct {
	cmd     *exec.Cmd
	url     string
	control *os.File
	answers *bufio.Scanner
	mu      sync.Mutex
	log     *tail
	ended   chan error
}

// startProgram starts the program and waits until it serves.
func startProgram(ctx context.Context, path, data string, mailPort int, at time.Time, core int, addr string, more ...string) (*program, error) {
	commands, control, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answers, answering, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	env := environment(data)
	before, args := path, []string{}
	if core >= 0 {
		before, args = "taskset", []string{"-c", strconv.Itoa(core), path}
		env = append(env, "GOMAXPROCS=1")
	}
	args = append(args, "serve", "--data", data, "--addr", addr, "--control", "3",
		"--mail-host", "127.0.0.1", "--mail-port", strconv.Itoa(mailPort), "--mail-tls", "none", "--mail-from", "vie-scolaire@ent.example")
	cmd := exec.CommandContext(ctx, before, append(args, more...)...)
	cmd.Env, cmd.ExtraFiles = env, []*os.File{commands, answering}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	p := &program{cmd: cmd, control: control, answers: bufio.NewScanner(answers), log: &tail{}, ended: make(chan error, 1)}
	cmd.Stderr = p.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("the program under test: %w", err)
	}
	commands.Close()
	answering.Close()
	if _, err := fmt.Fprintln(control, "at "+at.UTC().Format(time.RFC3339Nano)); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for p.url == "" && lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "http://"); ok {
			p.url = "http://" + strings.TrimSpace(url)
		}
	}
	go func() {
		io.Copy(io.Discard, out)
		p.ended <- cmd.Wait()
	}()
	if p.url == "" || !p.answers.Scan() || p.answers.Text() != "ready" {
		p.stop()
		return nil, fmt.Errorf("the program under test did not start:\n%s", p.log)
	}
	return p, nil
}

// addr is where it listens.
func (p *program) addr() string { return strings.TrimPrefix(p.url, "http://") }

// command gives one command and waits for its answer.
func (p *program) command(line string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := fmt.Fprintln(p.control, line); err != nil {
		return fmt.Errorf("%s: %w\n%s", line, err, p.log)
	}
	if !p.answers.Scan() {
		return fmt.Errorf("%s: the program under test ended\n%s", line, p.log)
	}
	if answer := p.answers.Text(); answer != "ok" {
		return fmt.Errorf("%s: %s\n%s", line, answer, p.log)
	}
	return nil
}

// stop ends the program and waits for its end.
func (p *program) stop() error {
	p.cmd.Process.Signal(os.Interrupt)
	err := <-p.ended
	p.ended <- err
	p.control.Close()
	return err
}

// kill ends it as a failure of the machine does.
func (p *program) kill() {
	p.cmd.Process.Kill()
	p.ended <- <-p.ended
	p.control.Close()
}

// tail keeps the end of what a program says of itself.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailMost = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if len(t.b) > tailMost {
		t.b = append([]byte(nil), t.b[len(t.b)-tailMost:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
