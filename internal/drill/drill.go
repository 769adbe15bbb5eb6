// Package drill replays the real mornings of INCIDENTS: it starts the real program on a
// folder of its own, lives a day as people do, over HTTP, with the carriers' protocols to a
// sink beyond the wire, injects what went wrong that morning, and judges by what the sink
// counted.
//
// Its promise: a figure is what the far side received, or what somebody at a page read;
// nothing is taken from the program's own word for it. Its traffic stays on this machine.
//
// Words: the program is preau serve, in a process of its own. The house is its installation
// and the fictional school in it. The sink is the carriers' far side. A check is one figure
// that must be what it is.
package drill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Options of a drill.
type Options struct {
	Program string    // path of the program to try
	Scale   float64   // of the school and the day, in (0, 1]; 0 is 1. Rates stay as they are.
	Seed    int64     // of the school, of who is absent and of what goes wrong
	Log     io.Writer // what happens, a line each; nil: nobody reads it
	Fire    bool      // of a wrong-message drill: six-april runs against the same program meanwhile

	// Database of the year: an empty PostgreSQL database of this machine. Empty: SQLite.
	Database string

	plant func(Message) []Message     // see sink
	leak  func(when string) []Message // of tests: what a program with a fault lets out at a moment

	days int                     // of tests: the year ends after so many; 0: it is whole
	day  func(*schoolYear) error // of tests: looks at an evening of the year; the program is off

	omits string // of tests: what a program with a fault would not know of: line, outage, silence

	quick bool // of tests: fewer people than say anything, on the program's core
}

// Check is one figure with what it has to be.
type Check struct {
	Name string
	Want string
	Got  float64
	OK   bool
}

// Event is something that happened, for the drawing: seconds since the drill began.
type Event struct {
	At   float64
	What string // one sentence
	Kind string // sent, wrong, held, corrected, fault, person
}

// Result is how a drill ended: passed, not passed, or void. A void one shows nothing, for the
// reason given.
type Result struct {
	Drill   string             `json:"drill"`
	Passed  bool               `json:"passed"`
	Void    string             `json:"void,omitempty"`
	Seconds float64            `json:"seconds"`
	Figures map[string]float64 `json:"figures"`

	Title  string  `json:"-"`
	Seed   int64   `json:"-"`
	Scale  float64 `json:"-"`
	Checks []Check `json:"-"`
	Events []Event `json:"-"`
	Sent   []Dot   `json:"-"`
	Crowd  Crowd   `json:"-"`
}

// Crowd is the drawing of a crowd: numbers at each Step seconds from Began on.
type Crowd struct {
	Began, Step          float64
	Arrivals, Admissions []float64 // a second
	Line                 []int     // people
}

// Dot is one message at the sink: seconds since the drill began.
type Dot struct {
	At   float64
	Kind string // absence, arrival, correction, denial
}

// drills are the mornings by name.
var drills = map[string]struct {
	title string
	run   func(context.Context, *replay) error
}{
	"saint-philippe":  {"A system that nobody operates tells nobody", saintPhilippe},
	"rodez":           {"No screen, command or list reaches 1,500 families", rodez},
	"bastogne":        {"An inverted morning is held before its first message", bastogne},
	"late-bus":        {"Who walks in is taken back, and who was told hears of it", lateBus},
	"ordinary-monday": {"Seventy absences, one gesture each, and nobody is left untold", ordinaryMonday},
	"quiet-pupils":    {"A fortnight at home: who is silent is named, and nobody whom we kept is absent", quietPupils},
	"year":            {"A hundred and eighty school days, and the last costs what the first did", year},
	"eure":            {"Fifteen thousand come in five minutes, each with a password", eure},
	"six-april":       {"Ten times more people than the machine serves, none of them listening", sixApril},
	"cned":            {"After an outage everybody comes in thirty seconds, and the program stops once more", cned},
	"hour-bell":       {"Four hundred classes begin in the same minute", hourBell},
	"one-address":     {"Ten thousand pupils and an attacker behind one address", oneAddress},
	"slow-database":   {"The database is ten times slower while everybody comes", slowDatabase},
	"roll-under-fire": {"Two thousand teachers save their rolls while everybody comes", rollUnderFire},
	"waiting-page":    {"What the waiting page costs, against a bare server", waitingPage},
}

// Names lists the drills.
func Names() []string {
	return []string{"saint-philippe", "rodez", "bastogne", "late-bus", "ordinary-monday", "quiet-pupils", "year", "eure", "six-april", "cned", "hour-bell", "one-address", "slow-database", "roll-under-fire", "waiting-page"}
}

// wrongMessages are those that can be run under fire.
var wrongMessages = []string{"saint-philippe", "rodez", "bastogne", "late-bus", "ordinary-monday"}

// Run runs one drill to its end. An error is a drill that could not be run; one that was
// run and did not pass is a Result.
func Run(ctx context.Context, name string, o Options) (Result, error) {
	d, ok := drills[name]
	if !ok {
		return Result{}, fmt.Errorf("there is no drill %s: %s", name, strings.Join(Names(), ", "))
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Scale < 0 || o.Scale > 1 {
		return Result{}, errors.New("--scale is above 0 and at most 1")
	}
	if o.Fire && !slices.Contains(wrongMessages, name) {
		return Result{}, fmt.Errorf("--under-fire is for %s, and not for %s", strings.Join(wrongMessages, ", "), name)
	}
	if o.Database != "" && name != "year" {
		return Result{}, fmt.Errorf("--database is for year, and not for %s", name)
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	r := &replay{options: o, random: rand.New(rand.NewPCG(uint64(o.Seed), 11)), began: time.Now(), figures: map[string]float64{}}
	defer r.close()
	if o.Fire {
		back, err := r.apart()
		if err != nil {
			return Result{}, err
		}
		defer back()
	}
	if err := d.run(ctx, r); err != nil {
		return Result{}, fmt.Errorf("%s: %w", name, err)
	}
	out := Result{Drill: name, Title: d.title, Seed: o.Seed, Scale: o.Scale, Seconds: round(time.Since(r.began).Seconds()), Figures: r.figures, Checks: r.checks, Events: r.events, Sent: r.sent, Crowd: r.crowd, Void: r.void}
	out.Passed = out.Void == "" && len(r.checks) > 0 && !slices.ContainsFunc(r.checks, func(c Check) bool { return !c.OK })
	return out, nil
}

// replay is one drill being run.
type replay struct {
	options Options
	random  *rand.Rand
	began   time.Time
	houses  []*house
	figures map[string]float64
	checks  []Check
	events  []Event
	sent    []Dot
	void    string // why the run shows nothing
	crowd   Crowd
	burnt   *burnt // of a drill under fire
	folder  string // where houses are made; empty: the machine's place for such things
	// accounted are the sink's messages that another installation than the drill's first has
	// accounted for: from one to before another, in order.
	accounted [][2]int
}

func (r *replay) close() {
	for _, h := range r.houses {
		h.close()
	}
}

// leak lets out, beyond the wire, what a test says that the program would.
func (r *replay) leak(s *sink, when string) {
	if r.options.leak != nil {
		for _, m := range r.options.leak(when) {
			s.take(m)
		}
	}
}

// scaled is a number of pupils at the drill's scale.
func (r *replay) scaled(n, least int) int { return max(least, int(float64(n)*r.options.Scale)) }

// least is the fewest people that say anything; of tests, fewer.
func (r *replay) least(n int64) int64 {
	if r.options.quick {
		return n / 10
	}
	return n
}

// say writes what happens and keeps it for the drawing.
func (r *replay) say(kind, format string, args ...any) {
	e := Event{At: round(time.Since(r.began).Seconds()), What: fmt.Sprintf(format, args...), Kind: kind}
	r.events = append(r.events, e)
	fmt.Fprintf(r.options.Log, "%7.1f s  %s\n", e.At, e.What)
}

// figure keeps a figure that is only told.
func (r *replay) figure(name string, got float64) { r.figures[name] = round(got) }

// is keeps a figure that must be exactly what it is.
func (r *replay) is(name string, got, want int) {
	r.figures[name] = float64(got)
	r.checks = append(r.checks, Check{Name: name, Want: fmt.Sprint(want), Got: float64(got), OK: got == want})
}

// atLeast keeps a figure that must not be less.
func (r *replay) atLeast(name string, got, least int) {
	r.figures[name] = float64(got)
	r.checks = append(r.checks, Check{Name: name, Want: fmt.Sprintf("≥ %d", least), Got: float64(got), OK: got >= least})
}

// within keeps a time that must not be longer.
func (r *replay) within(name string, got, most time.Duration) {
	r.figures[name] = round(got.Seconds())
	r.checks = append(r.checks, Check{Name: name, Want: fmt.Sprintf("≤ %g", most.Seconds()), Got: round(got.Seconds()), OK: got <= most})
}

// millis keeps a time in milliseconds that must not be longer.
func (r *replay) millis(name string, got, most time.Duration) {
	ms := float64(got) / float64(time.Millisecond)
	r.figures[name] = round(ms)
	r.checks = append(r.checks, Check{Name: name, Want: fmt.Sprintf("≤ %d", most.Milliseconds()), Got: round(ms), OK: got <= most})
}

// share keeps a part or a ratio that must not be less.
func (r *replay) share(name string, got, least float64) {
	r.figures[name] = round(got)
	r.checks = append(r.checks, Check{Name: name, Want: fmt.Sprintf("≥ %g", least), Got: round(got), OK: got >= least})
}

// atMost keeps a ratio that must not be more.
func (r *replay) atMost(name string, got, most float64) {
	r.figures[name] = round(got)
	r.checks = append(r.checks, Check{Name: name, Want: fmt.Sprintf("≤ %g", most), Got: round(got), OK: got <= most})
}

func round(x float64) float64 { return float64(int64(x*1000+0.5)) / 1000 }
