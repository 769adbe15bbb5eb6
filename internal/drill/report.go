package drill

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTable writes a result as a table for a terminal.
func (r Result) WriteTable(w io.Writer) {
	fmt.Fprintf(w, "\n%s: %s\n%s, in %.1f s (seed %d, scale %g)\n\n", r.Drill, r.Title, strings.ToUpper(r.Verdict()), r.Seconds, r.Seed, r.Scale)
	if r.Void != "" {
		fmt.Fprintf(w, "This run shows nothing: %s.\n\n", r.Void)
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, c := range r.Checks {
		mark := "ok"
		if !c.OK {
			mark = "NO"
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", mark, c.Name, number(c.Got), c.Want)
	}
	for _, name := range r.told() {
		fmt.Fprintf(t, "  \t%s\t%s\t\n", name, number(r.Figures[name]))
	}
	t.Flush()
}

// Verdict is how it ended, in a word or two.
func (r Result) Verdict() string {
	switch {
	case r.Void != "":
		return "void"
	case r.Passed:
		return "passed"
	}
	return "not passed"
}

// told are the figures that nothing is asked of.
func (r Result) told() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		if !slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Name == name }) {
			names = append(names, name)
		}
	}
	return names
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// WriteJSON writes one object: drill, passed, seconds, figures.
func (r Result) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

//go:embed report.html
var reportText string

// WriteReport draws a result in one file that asks nothing of any other.
func (r Result) WriteReport(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{"number": number, "short": func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }, "title": func(s string) string { return strings.ReplaceAll(s, "_", " ") }}).Parse(reportText)
	if err != nil {
		return err
	}
	passed := 0
	for _, c := range r.Checks {
		if c.OK {
			passed++
		}
	}
	return t.Execute(w, struct {
		Result
		Count  int
		Told   []string
		Ticks  []tick
		Curves []curve
		Most   int
		People *CrowdDrawn
	}{r, passed, r.told(), r.ticks(), r.curves(), len(r.Sent), r.crowdDrawn()})
}

// The drawing: messages at the sink over the time of the drill, and what happened, by number.
const (
	drawnWide = 1000
	drawnHigh = 260
	drawnSide = 44
	drawnTop  = 52
	drawnLow  = 30
)

func (r Result) x(at float64) float64 {
	return drawnSide + at/cmp.Or(r.Seconds, 1)*(drawnWide-2*drawnSide)
}

func (r Result) y(n int) float64 {
	return drawnHigh - drawnLow - float64(n)/float64(max(len(r.Sent), 1))*(drawnHigh-drawnLow-drawnTop)
}

// tick is one event where it is drawn. Two that are close stand in two rows.
type tick struct {
	Event
	N    int
	X, Y float64
}

func (r Result) ticks() (out []tick) {
	for i, e := range r.Events {
		t := tick{Event: e, N: i + 1, X: r.x(e.At), Y: 14}
		if i > 0 && t.X-out[i-1].X < 24 && out[i-1].Y == t.Y {
			t.Y = 38
		}
		out = append(out, t)
	}
	return out
}

// curve is how many messages of a kind had reached the sink.
type curve struct {
	Kind string
	N    int
	Path template.HTMLAttr
	X, Y float64 // of its end
}

func (r Result) curves() (out []curve) {
	for _, k := range []kind{absence, arrival, correction, denial} {
		c := curve{Kind: string(k)}
		var path strings.Builder
		fmt.Fprintf(&path, "M%.1f %.1f", r.x(0), r.y(0))
		for _, d := range r.Sent {
			if d.Kind == c.Kind {
				fmt.Fprintf(&path, "H%.1f", r.x(d.At))
				c.N++
				fmt.Fprintf(&path, "V%.1f", r.y(c.N))
			}
		}
		if c.N == 0 {
			continue
		}
		c.X, c.Y = r.x(r.Seconds), r.y(c.N)
		fmt.Fprintf(&path, "H%.1f", c.X)
		c.Path = template.HTMLAttr(`d="` + path.String() + `"`)
		out = append(out, c)
	}
	return out
}
