package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door/waits"
)

// Control is the hand of a drill on the program under test: a pipe that it inherits, of one
// command a line and one answer each. It moves the clock and waits for the program to be at
// rest; everything else a drill does as people do, over HTTP.
//
//	at 2026-11-24T07:05:00Z     the clock shows this and goes on
//	rest 30s                    answered when nothing is left to be done now, or "busy"
//	pulse                       what is written every half minute is written now: who is in a class,
//	                            who opened a page, and that the program is there
//	line SCHOOL FROM UNTIL      the school's line was long then, and this is written as the door's watch writes it
//	waited SCHOOL PUPIL FROM UNTIL   so is that a pupil stood in it, and entered
type Control struct {
	in  *bufio.Scanner
	out io.Writer
}

// ErrNotDrill: a real installation has no other clock than the machine's.
var ErrNotDrill = errors.New("this installation was not made by a drill: nobody moves its clock")

// errFar: a drill's messages stay on this machine.
var errFar = errors.New("this installation was made by a drill, and a carrier or the database of its configuration is not on this machine: nothing is started")

// NewControl reads the first command, which sets the clock before anything is opened.
func NewControl(in io.Reader, out io.Writer) (*Control, *Clock, error) {
	c := &Control{in: bufio.NewScanner(in), out: out}
	if !c.in.Scan() {
		return nil, nil, errors.New("the drill said nothing")
	}
	at, err := time.Parse("at "+time.RFC3339Nano, c.in.Text())
	if err != nil {
		return nil, nil, fmt.Errorf("the drill begins by setting the clock: %w", err)
	}
	return c, NewClock(at), nil
}

// checkDrill keeps a drill and the world apart: its clock is for installations that a drill
// made, and those write to nobody beyond this machine.
func (a *App) checkDrill(ctx context.Context, carriers courier.Carriers, o Options) error {
	if o.For == Installing {
		return nil
	}
	var drill bool
	source, err := a.Config.Source()
	if err != nil {
		return err
	}
	known, _, err := knownIdentity(a.Config.Data)
	if err != nil {
		return err
	}
	marked := database.DrillMark(known.ID)
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		drill, err = database.IsDrill(ctx, tx)
		return err
	})
	switch {
	case err != nil:
		return err
	case o.Control != nil && !(drill && marked):
		return ErrNotDrill
	case (drill || marked) && !(carriers.Nearby() && nearby(source)):
		return errFar
	}
	return nil
}

// nearby tells whether a database is on this machine: a file, or at an address of the
// loopback, which is said in no other way.
func nearby(source string) bool {
	if strings.HasPrefix(source, "sqlite:") {
		return true
	}
	u, err := url.Parse(source)
	if err != nil || u.Query().Has("host") || u.Query().Has("hostaddr") {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// obey does what the drill says, until the drill ends.
func (a *App) obey(ctx context.Context) error {
	if _, err := fmt.Fprintln(a.control.out, "ready"); err != nil {
		return err
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for a.control.in.Scan() {
			select {
			case lines <- a.control.in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, more := <-lines:
			if !more {
				return errors.New("the drill is gone")
			}
			if _, err := fmt.Fprintln(a.control.out, a.command(ctx, line)); err != nil {
				return err
			}
		}
	}
}

func (a *App) command(ctx context.Context, line string) string {
	what, arg, _ := strings.Cut(line, " ")
	switch what {
	case "at":
		t, err := time.Parse(time.RFC3339Nano, arg)
		if err != nil {
			return "error: " + err.Error()
		}
		a.Clock.Set(t)
		if err := a.watchClock(ctx); err != nil { // it passed, as far as the fence is concerned
			return "error: " + err.Error()
		}
		a.Alert.Poke()
		a.Courier.Poke()
		return "ok"
	case "pulse":
		return done(errors.Join(a.classPages.Pulse(ctx), a.classPages.Beat(ctx, false), a.followup.Keep(ctx)))
	case "line", "waited":
		return done(a.waited(ctx, what, strings.Fields(arg)))
	case "rest":
		most, err := time.ParseDuration(arg)
		if err != nil {
			return "error: " + err.Error()
		}
		return a.rest(ctx, most)
	}
	return "error: no such command"
}

func done(err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return "ok"
}

// waited writes what the door writes of a long line and of who stood in it. A line that is
// long takes minutes of the machine's clock, which no drill moves.
func (a *App) waited(ctx context.Context, what string, args []string) error {
	if len(args) != map[string]int{"line": 3, "waited": 4}[what] {
		return errors.New("which school, which pupil, from when, until when?")
	}
	times := args[len(args)-2:]
	from, err := time.Parse(time.RFC3339, times[0])
	until, also := time.Parse(time.RFC3339, times[1])
	if err := errors.Join(err, also); err != nil {
		return err
	}
	return a.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		if what == "line" {
			return waits.Watch(ctx, tx, time.Now(), until, []waits.Crowded{{School: args[0], Since: from}})
		}
		kept, err := waits.Bind(ctx, tx, until, waits.Wait{Ticket: "drill-" + database.NewID(), Arrived: from, Entered: until}, args[0], args[1])
		if err == nil && !kept {
			err = errors.New("no such wait can be")
		}
		return err
	})
}

// lookAgainAfter is the pause between two looks whether anything is left to do.
const lookAgainAfter = 5 * time.Millisecond

// rest answers when there is nothing left to be done now: every mark is decided, what is due
// and neither stopped nor held has left and was answered.
func (a *App) rest(ctx context.Context, most time.Duration) string {
	deadline := time.After(most)
	for {
		if err := errors.Join(a.Alert.Pass(ctx), a.Notices.Pass(ctx)); err != nil {
			return "error: " + err.Error()
		}
		idle := false
		err := a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			if idle, err = alert.AtRest(ctx, tx, a.Clock.Now()); err == nil && idle {
				idle, err = a.Courier.AtRest(ctx, tx)
			}
			return err
		})
		switch {
		case err != nil:
			return "error: " + err.Error()
		case idle:
			return "ok"
		}
		select {
		case <-ctx.Done():
			return "error: ending"
		case <-deadline:
			return "busy"
		case <-time.After(lookAgainAfter):
		}
	}
}
