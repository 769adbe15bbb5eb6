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
	verdict := "PASSED"
	if !r.Passed {
		verdict = "NOT PASSED"
	}
	fmt.Fprintf(w, "\n%s: %s\n%s, in %.1f s (seed %d, scale %g)\n\n", r.Drill, r.Title, verdict, r.Seconds, r.Seed, r.Scale)
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
	t, err := template.New("report").Funcs(template.FuncMap{"number": number, "title": func(s string) string { return strings.ReplaceAll(s, "_", " ") }}).Parse(reportText)
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
		Count int
		Told  []string
		Line  []tick
		High  int
	}{r, passed, r.told(), r.line(), 60 + 34*len(r.Events)})
}

// tick is one event where it is drawn.
type tick struct {
	Event
	X, Y   int
	Anchor string
}

// lineWide is how wide the time line is drawn.
const lineWide = 900

// line places events along the time that the drill took, each on a row of its own.
func (r Result) line() []tick {
	var out []tick
	end := cmp.Or(r.Seconds, 1)
	for i, e := range r.Events {
		t := tick{Event: e, X: 30 + int(e.At/end*(lineWide-60)), Y: 44 + 34*i, Anchor: "start"}
		if t.X > lineWide/2 {
			t.Anchor = "end"
		}
		out = append(out, t)
	}
	return out
}
