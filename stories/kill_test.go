package stories

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/peers"
)

// The program under test is this test's own binary, started again as a process that
// serves and can be killed: no door for it exists in the program that schools run.
const (
	childData     = "PREAU_CHILD_DATA"
	childDatabase = "PREAU_CHILD_DATABASE"
	childPort     = "PREAU_CHILD_MAIL_PORT"
	childClock    = "PREAU_CHILD_CLOCK"
	childAddr     = "PREAU_CHILD_ADDR"
	childKillAt   = "PREAU_CHILD_KILL_AT" // the step whose n-th passing ends the process: "claimed 2"
)

func TestMain(m *testing.M) {
	if os.Getenv(childData) != "" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child serves, and kills itself as kill -9 does at the step it was given. Lines on its
// standard input advance its clock; the end of its standard input stops it.
func child() error {
	start, err := time.Parse(time.RFC3339Nano, os.Getenv(childClock))
	if err != nil {
		return err
	}
	var port int
	if _, err := fmt.Sscan(os.Getenv(childPort), &port); err != nil {
		return err
	}
	killAt, nth := "", 1
	fmt.Sscan(os.Getenv(childKillAt), &killAt, &nth)
	config := app.Config{Data: os.Getenv(childData), Database: os.Getenv(childDatabase), Addr: cmp.Or(os.Getenv(childAddr), "127.0.0.1:0"),
		Mail: app.MailConfig{Host: "127.0.0.1", Port: port, TLS: "none", From: "vie-scolaire@alice-guy.example", FromName: "Lycée Alice-Guy"}}
	if addr := os.Getenv(childAddr); addr != "" {
		config.URL = "http://" + addr
	}
	clock := app.NewClock(start)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var mu sync.Mutex
	step := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		if name != killAt {
			return
		}
		if nth--; nth == 0 {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal is on its way: nothing more happens here
		}
	}
	a, err := app.Open(ctx, config, app.Options{Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Clock: clock, Step: step})
	if err != nil {
		return err
	}
	defer a.Close()
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			if d, err := time.ParseDuration(lines.Text()); err == nil {
				clock.Advance(d)
				a.Alert.Poke()
				a.Courier.Poke()
				if a.Guard != nil {
					a.Guard.Poke()
				}
			}
		}
		stop()
	}()
	return a.Serve(ctx, func(string) { fmt.Println("ready") })
}

// steps are where a process is killed: each durable step of an absence.
var steps = []string{alert.StepDecided, alert.StepTold, courier.StepClaimed, courier.StepWriting, courier.StepAnswered, courier.StepSettled}

// TestKilledAtEachStep kills the serving process at each step of a letter, in many
// seeded mornings with a mail server that misbehaves, and counts at the mail server: no
// letter to anybody who is not entitled, none lost without being visibly unsure or on
// the telephone list, at most two by e-mail with the same Message-ID.
func TestKilledAtEachStep(t *testing.T) {
	runs := 100
	if testing.Short() {
		runs = 12
	}
	server := peers.SMTP(t)
	for seed := range runs {
		engine := database.SQLite
		if seed%5 == 4 {
			engine = database.Postgres
		}
		t.Run(fmt.Sprintf("%03d-%s-%s", seed, steps[seed%len(steps)], engine), func(t *testing.T) {
			k := newKilling(t, uint64(seed), engine, server)
			k.run(steps[seed%len(steps)])
		})
	}
}

type killing struct {
	t      *testing.T
	random *rand.Rand
	server *peers.MailServer
	before int // letters that the server had read before this run
	db     *database.DB
	env    []string
	town   fictional.Town
	now    time.Time
	absent []string
	addrs  []string // where each program listens; any free port
	// patience, where set, is asked what to do while the program is busy: how far to move
	// its clock.
	patience func(busy int) time.Duration
	release  func() // lets what stalls at the far sides go on
	// rests, where set, is asked in place of idle.
	rests func() (idle bool, wait time.Duration)
}

func newKilling(t *testing.T, seed uint64, engine database.Engine, server *peers.MailServer) *killing {
	k := &killing{t: t, random: rand.New(rand.NewPCG(seed, 7)), server: server, before: len(server.Messages()), town: fictional.Small(time.Time{})}
	k.now = k.town.Tuesday.Add(7 * time.Minute)
	data := t.TempDir()
	k.env = []string{childData + "=" + data, childPort + "=" + fmt.Sprint(server.Port())}
	config := app.Config{Data: data, Addr: "127.0.0.1:0"}
	if engine == database.Postgres {
		config.Database = databasetest.NewPostgres(t)
		k.env = append(k.env, childDatabase+"="+config.Database)
	}
	a, err := app.Open(t.Context(), config, app.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: app.StandingClock(k.now), For: app.Installing})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	k.furnish(a)
	if k.db, err = database.Open(t.Context(), "sqlite:"+filepath.Join(data, "preau.db")); engine == database.Postgres {
		k.db, err = database.Open(t.Context(), config.Database)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.db.Close() })
	return k
}

// furnish makes the school, in service, without a hold, and calls a roll with several
// pupils absent.
func (k *killing) furnish(a *app.App) {
	k.t.Helper()
	if err := fictional.Save(k.t.Context(), a.DB, k.town); err != nil {
		k.t.Fatal(err)
	}
	school := k.town.School.ID
	for _, p := range []string{"lea", "malo", "ewen", "awa"} {
		if p == "lea" || k.random.IntN(2) == 0 {
			k.absent = append(k.absent, p)
		}
	}
	err := a.DB.InSchool(k.t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		if err := a.PutInService(ctx, tx, k.town); err != nil {
			return err
		}
		if err := alert.SetHold(ctx, tx, school, 0); err != nil {
			return err
		}
		s, err := timetable.ByID(ctx, tx, school, "maths")
		if err != nil {
			return err
		}
		people, err := timetable.Pupils(ctx, tx, school, s)
		if err != nil {
			return err
		}
		save := attendance.Save{School: school, Sitting: s.ID, Day: s.Day, By: "roy", Origin: attendance.FromRoll}
		for _, p := range people {
			value := attendance.Present
			if slices.Contains(k.absent, p.ID) {
				value = attendance.Absent
			}
			save.Pupils = append(save.Pupils, p.ID)
			save.Entries = append(save.Entries, attendance.Entry{Pupil: p.ID, Value: value})
		}
		_, err = attendance.SaveRoll(ctx, tx, a.Journal, k.now, save)
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
}

// faults are what the mail server may do to one letter of a run.
var faults = []peers.Fault{
	{At: peers.AtConnect, Do: peers.Drop},
	{At: peers.AtRcpt, Do: peers.Refuse, Code: 451},
	{At: peers.AtRcpt, Do: peers.Refuse, Code: 550},
	{At: peers.AtData, Do: peers.Drop},
	{At: peers.AtContent, Do: peers.Drop},
	{At: peers.AtAnswer, Do: peers.Drop},
	{At: peers.After, Do: peers.Drop},
}

func (k *killing) run(step string) {
	if k.random.IntN(2) == 0 {
		k.server.Plan(faults[k.random.IntN(len(faults))])
	} else {
		k.server.Plan()
	}
	// Once killed at the step, sometimes twice, then left in peace.
	kills := 1 + k.random.IntN(2)
	for range kills {
		k.live(step + " " + fmt.Sprint(1+k.random.IntN(2)))
		k.now = k.now.Add(2 * time.Second)
	}
	k.live("")
	k.judge()
}

// live runs the program until it is killed, or has nothing left to do: one program for
// each step to be killed at, beside one another on the same database.
func (k *killing) live(killAt ...string) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 2*time.Minute)
	defer cancel()
	type program struct {
		cmd   *exec.Cmd
		stdin io.WriteCloser
		said  strings.Builder
		ended chan error
	}
	var running []*program
	for i, at := range killAt {
		p := &program{cmd: exec.CommandContext(ctx, os.Args[0]), ended: make(chan error, 1)}
		p.cmd.Env = append(os.Environ(), append(k.env, childClock+"="+k.now.Format(time.RFC3339Nano), childKillAt+"="+at)...)
		if i < len(k.addrs) {
			p.cmd.Env = append(p.cmd.Env, childAddr+"="+k.addrs[i])
		}
		p.cmd.Stderr = &p.said
		var err error
		if p.stdin, err = p.cmd.StdinPipe(); err != nil {
			k.t.Fatal(err)
		}
		if err := p.cmd.Start(); err != nil {
			k.t.Fatal(err)
		}
		go func() { p.ended <- p.cmd.Wait() }()
		running = append(running, p)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	asked, busy := false, 0
	for len(running) > 0 {
		for i, p := range running {
			select {
			case err := <-p.ended:
				var status *exec.ExitError
				killed := errors.As(err, &status) && status.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
				if err != nil && (!killed || ctx.Err() != nil) {
					k.t.Fatalf("the program ended: %v\n%s", err, p.said.String())
				}
				if said := p.said.String(); strings.Contains(said, "level=ERROR msg=\"alert") {
					k.t.Logf("the program said:\n%s", said)
				}
				running = slices.Delete(running, i, i+1)
			default:
				continue
			}
			break
		}
		<-tick.C
		if asked {
			continue
		}
		rests := k.idle
		if k.rests != nil {
			rests = k.rests
		}
		idle, wait := rests()
		if busy++; k.patience != nil && !idle && wait == 0 {
			wait = k.patience(busy)
		}
		if wait > 0 {
			k.now = k.now.Add(wait)
		}
		if idle && k.release != nil {
			k.release()
		}
		for _, p := range running {
			switch {
			case idle:
				asked = true
				p.stdin.Close()
			case wait > 0: // what waits for its time is brought nearer, at most a few minutes a step
				fmt.Fprintln(p.stdin, wait)
			}
		}
	}
}

// idle tells whether the program has nothing left to do, and else how long the next
// letter is still to wait by the program's clock.
func (k *killing) idle() (idle bool, wait time.Duration) {
	err := k.db.Read(k.t.Context(), func(ctx context.Context, tx database.Tx) error {
		var undecided, held, open int
		for q, n := range map[string]*int{
			"SELECT count(*) FROM attendance_undecided":                                  &undecided,
			"SELECT count(*) FROM alert_episodes WHERE state = 'held'":                   &held,
			"SELECT count(*) FROM courier_letters WHERE state IN ('waiting', 'leaving')": &open,
		} {
			if err := tx.NewRaw(q).Scan(ctx, n); err != nil {
				return err
			}
		}
		letters, err := courier.Recent(ctx, tx, k.town.School.ID, 1000)
		again := false
		for _, l := range letters {
			// On PostgreSQL a dead program is known by its silence.
			silent := l.State == courier.Leaving && k.db.Engine() == database.Postgres
			if courier.MayTryAgain(l, k.now) || (l.State == courier.Waiting && l.Attempts > 0) || silent {
				again = true
			}
		}
		calls, err2 := alert.OpenCalls(ctx, tx, k.town.School.ID)
		missing := 0
		for _, l := range letters {
			if (l.State == courier.Refused || l.State == courier.Unsure) && !slices.ContainsFunc(calls, func(c alert.Call) bool { return c.Adult == l.Person && c.Pupil == l.Pupil }) {
				missing++
			}
		}
		if again {
			wait = 20 * time.Second
		}
		idle = undecided == 0 && held == 0 && open == 0 && !again && missing == 0
		return errors.Join(err, err2)
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return idle, wait
}

// judge counts at the mail server.
func (k *killing) judge() {
	entitled := map[string][]string{"lea": {"nadia", "karim"}, "malo": {"adeline"}, "ewen": {"sylvie"}, "awa": {}}
	var letters []courier.Letter
	var calls []alert.Call
	address := map[string]string{}
	err := k.db.Read(k.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if letters, err = courier.About(ctx, tx, k.town.School.ID, k.episodes(ctx, tx)); err != nil {
			return err
		}
		for _, l := range letters {
			p, err := directory.PointByID(ctx, tx, k.town.School.ID, l.Contact)
			if err != nil {
				return err
			}
			address[l.ID] = p.Address
		}
		calls, err = alert.OpenCalls(ctx, tx, k.town.School.ID)
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	read := k.server.Messages()[k.before:]
	count := map[string]int{}   // by Message-ID
	to := map[string][]string{} // Message-ID → recipients
	for _, m := range read {
		count[m.MessageID()]++
		to[m.MessageID()] = append(to[m.MessageID()], m.To...)
	}
	byID := map[string]courier.Letter{}
	for _, l := range letters {
		byID["<"+l.MessageID+">"] = l
	}
	for id, n := range count {
		l, ours := byID[id]
		if !ours || !slices.Contains(entitled[l.Pupil], l.Person) || slices.ContainsFunc(to[id], func(a string) bool { return a != address[l.ID] }) {
			k.t.Errorf("a letter went to %v, who is not entitled", to[id])
		}
		if n > 2 {
			k.t.Errorf("%d copies of one letter", n)
		}
	}
	for _, pupil := range k.absent {
		for _, adult := range entitled[pupil] {
			k.judgeOne(pupil, adult, letters, calls, count)
		}
		if pupil == "awa" && !slices.ContainsFunc(calls, func(c alert.Call) bool { return c.Pupil == "awa" }) {
			k.t.Error("nobody telephones the family that has no address")
		}
	}
}

func (k *killing) judgeOne(pupil, adult string, letters []courier.Letter, calls []alert.Call, count map[string]int) {
	telephoned := slices.ContainsFunc(calls, func(c alert.Call) bool { return c.Pupil == pupil && c.Adult == adult })
	found := 0
	for _, l := range letters {
		if l.Pupil != pupil || l.Person != adult || l.Channel != directory.Email {
			continue
		}
		found++
		at := count["<"+l.MessageID+">"]
		switch {
		case l.State == courier.Left && at == 0:
			k.t.Errorf("%s about %s: said to have left, and the mail server never read it", adult, pupil)
		case l.State != courier.Left && !telephoned:
			k.t.Errorf("%s about %s: %s (%s) and nobody telephones", adult, pupil, l.State, l.Because)
		case l.State == courier.Refused && at > 0:
			k.t.Errorf("%s about %s: said to be refused, and the mail server read it", adult, pupil)
		}
	}
	if found != 1 {
		k.t.Errorf("%s about %s: %d letters, want 1", adult, pupil, found)
	}
}

func (k *killing) episodes(ctx context.Context, tx database.Tx) []string {
	rows, err := alert.OfDay(ctx, tx, k.town.School.ID, k.town.Tuesday.Format(time.DateOnly))
	if err != nil {
		k.t.Fatal(err)
	}
	if len(rows) != len(k.absent) {
		k.t.Errorf("%d episodes for %d absent pupils", len(rows), len(k.absent))
	}
	ids := make([]string, len(rows))
	for i, e := range rows {
		ids[i] = e.ID
	}
	return ids
}
