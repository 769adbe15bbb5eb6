package drill

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// Ready replays six-april on the installation's own machine with a copy of nobody: as many
// people as the directory has, none of them real, carriers and ports of the drill's own. It
// says how many people this machine holds, and what limits it.

// ReadyOptions of Ready. Pupils, Staff and Guardians are the directory's.
type ReadyOptions struct {
	Program                  string
	Pupils, Staff, Guardians int
	Link                     float64 // Mbit/s of the line; 0: without a limit
	Scale                    float64 // of the wave; 0 is 1
	Seed                     int64
	Folder                   string // where the copy is made, so that the disk is the installation's; empty: the machine's place for such things
	Log                      io.Writer
}

// Readiness is what a machine holds, on a day.
type Readiness struct {
	On        string  `json:"on"` // date and hour
	Cores     int     `json:"cores"`
	Pupils    int     `json:"pupils"`
	Staff     int     `json:"staff"`
	Guardians int     `json:"guardians"`
	LinkMbit  float64 `json:"link_mbit_per_s"`
	Holds     int     `json:"holds"` // people in a quarter of an hour, each with a password, with waits
	PerSecond float64 `json:"admitted_per_s"`
	Everybody float64 `json:"everybody_minutes"` // until the whole directory would be in
	LimitedBy string  `json:"limited_by"`
	BytesDown float64 `json:"bytes_down_per_admission"`
	BytesUp   float64 `json:"bytes_up_per_admission"`
	Limits    []Limit `json:"limits"`
	Drill     Result  `json:"drill"`
}

// Limit is how many people a second one part of the machine would let in alone.
type Limit struct {
	Name      string  `json:"name"`
	PerSecond float64 `json:"per_s"`
}

// quarter is the time that a machine is measured by: the half-hour before the first bell has
// two of them.
const quarter = 15 * time.Minute

// Ready runs it.
func Ready(ctx context.Context, o ReadyOptions) (out Readiness, err error) {
	if o.Pupils+o.Staff+o.Guardians == 0 {
		return out, errors.New("nobody is in this installation's directory: say how many with --pupils, --staff and --guardians")
	}
	if o.Scale == 0 {
		o.Scale = 1
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	r := &replay{options: Options{Program: o.Program, Scale: o.Scale, Seed: o.Seed, Log: o.Log}, random: rand.New(rand.NewPCG(uint64(o.Seed), 11)), began: time.Now(), figures: map[string]float64{}, folder: o.Folder}
	defer r.close()
	back, err := r.apart()
	if err != nil {
		return out, err
	}
	defer back()
	h, err := r.crowdOf(ctx, min(50_000, max(o.Pupils, calmPeople+600)))
	if err != nil {
		return out, err
	}
	if err := h.open(ctx); err != nil {
		return out, err
	}
	l, err := newLink(ctx, h.prog.addr(), o.Link*1e6)
	if err != nil {
		return out, err
	}
	defer l.close()
	h.entrance = l.addr()
	commit, err := h.commits(ctx)
	if err != nil {
		return out, err
	}
	before, err := cpu(h.prog.cmd.Process.Pid)
	if err != nil {
		return out, err
	}
	began := time.Now()
	w, err := h.sixApril(ctx)
	if err != nil {
		return out, err
	}
	used, err := cpu(h.prog.cmd.Process.Pid)
	if err != nil {
		return out, err
	}
	took := time.Since(began)
	if err := r.judgeSixApril(ctx, h, w); err != nil {
		return out, err
	}
	f := r.figures
	out = Readiness{On: time.Now().Format("2006-01-02 15:04"), Cores: runtime.NumCPU(), Pupils: o.Pupils, Staff: o.Staff, Guardians: o.Guardians, LinkMbit: o.Link,
		PerSecond: round(f["goodput_per_s"]), BytesDown: round(f["bytes_down_per_admission"]), BytesUp: round(f["bytes_up_per_admission"])}
	out.Holds = int(out.PerSecond*quarter.Seconds()) / 100 * 100
	out.Everybody = round(float64(o.Pupils+o.Staff+o.Guardians) / max(out.PerSecond, 0.001) / 60)
	busy := (used - before).Seconds() / took.Seconds()
	// What each part would let in alone. The processor is judged by the share of its core that
	// the program used; a sign-in writes twice.
	out.Limits = []Limit{
		{"passwords", round(1 / h.HashTook.Seconds())},
		{"processor", round(out.PerSecond / max(min(busy, 1), 0.001))},
		{"database writer", round(1 / (writesPerSignIn * commit.Seconds()))},
	}
	if o.Link > 0 {
		out.Limits = append(out.Limits, Limit{"link", round(o.Link * 1e6 / 8 / max(out.BytesDown, out.BytesUp, 1))})
	}
	slices.SortFunc(out.Limits, func(a, b Limit) int { return cmp.Compare(a.PerSecond, b.PerSecond) })
	out.LimitedBy = out.Limits[0].Name
	out.Drill = Result{Drill: "ready", Title: "What this machine holds", Seed: o.Seed, Scale: o.Scale, Seconds: round(time.Since(r.began).Seconds()), Figures: r.figures, Checks: r.checks, Events: r.events, Crowd: r.crowd, Void: r.void}
	out.Drill.Passed = out.Drill.Void == "" && !slices.ContainsFunc(r.checks, func(c Check) bool { return !c.OK })
	return out, nil
}

// writesPerSignIn is how often a sign-in commits: a failure is counted beforehand, and taken
// back with the session.
const writesPerSignIn = 2

// commits is what a commit takes on this disk.
func (h *house) commits(ctx context.Context) (time.Duration, error) {
	o, err := newOtherWriter(filepath.Join(h.data, "preau.db"))
	if err != nil {
		return 0, err
	}
	defer o.close()
	return o.measure(ctx)
}

// WriteJSON writes one object.
func (y Readiness) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(y)
}

// WriteWords writes one page for whoever has to say how many this machine holds.
func (y Readiness) WriteWords(w io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p("\nWhat this machine holds, measured on %s\n", y.On)
	if y.Drill.Void != "" {
		p("\nNothing: this run is void, %s.", y.Drill.Void)
		return
	}
	p("\n  %d people in a quarter of an hour, each with a password.", y.Holds)
	p("  While more come than that, they wait in line; the last of a directory of %d people", y.Pupils+y.Staff+y.Guardians)
	p("  would be in after %.0f minutes. Whoever has a live session needs far less.", y.Everybody)
	p("\nWhat limits it: %s.", y.LimitedBy)
	for _, l := range y.Limits {
		p("  %-16s %8.0f people a second alone", l.Name, l.PerSecond)
	}
	p("  %-16s %8.1f people a second", "measured", y.PerSecond)
	p("\nEach admission took %.0f kB down the line and %.0f kB up, the looks of those who waited included.", y.BytesDown/1000, y.BytesUp/1000)
	if y.LinkMbit > 0 {
		p("The line was held at %g Mbit/s each way.", y.LinkMbit)
	}
	p("The program had one of %d cores and the crowd another: with more, passwords and pages are shared among them,", y.Cores)
	p("and this number is too small. On the worst of it %.0f people waited at once; ten times the best rate came and", y.Drill.Figures["line_max"])
	p("reloaded every 3 s, and %.0f %% of the best was kept (goal: 95 %%).", 100*y.Drill.Figures["goodput_ratio"])
	wrong := 0
	for _, c := range y.Drill.Checks {
		if !c.OK {
			if wrong++; wrong == 1 {
				p("\nNot as it should be:")
			}
			p("  %s is %s, and has to be %s", c.Name, number(c.Got), c.Want)
		}
	}
	p("")
}
