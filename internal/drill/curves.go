package drill

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
)

// draw keeps a wave's curves for the report: a hundred and fifty steps at most.
func (r *replay) draw(w wave) {
	step := max(time.Second, w.over.Sub(w.began)/150).Round(time.Second)
	n := int(w.over.Sub(w.began)/step) + 1
	c := Crowd{Began: round(w.began.Sub(r.began).Seconds()), Step: step.Seconds(), Arrivals: make([]float64, n), Admissions: make([]float64, n), Line: w.lengths(w.began, w.over, step)}
	for _, v := range w.people {
		for _, one := range []struct {
			at time.Time
			to []float64
		}{{v.came, c.Arrivals}, {v.in, c.Admissions}} {
			if i := int(one.at.Sub(w.began) / step); !one.at.IsZero() && i >= 0 && i < n {
				one.to[i] += 1 / step.Seconds()
			}
		}
	}
	r.crowd = c
}

// drawing is a curve over the time of a crowd, and its highest point.
type drawing struct {
	Path template.HTMLAttr
	Area template.HTMLAttr // the same, closed beneath
	Most string
	X, Y float64 // of the highest point
}

// Where a crowd is drawn.
const (
	crowdWide = 1000
	crowdHigh = 230
	crowdSide = 44
	crowdBase = 205
	crowdTop  = 24
)

// drawn draws values with the scale that their highest has.
func drawn(values []float64, highest float64) (d drawing) {
	if len(values) < 2 || highest <= 0 {
		return d
	}
	var path strings.Builder
	x := func(i int) float64 {
		return crowdSide + float64(i)/float64(len(values)-1)*(crowdWide-2*crowdSide)
	}
	most := 0
	for i, v := range values {
		y := crowdBase - v/highest*(crowdBase-crowdTop)
		fmt.Fprintf(&path, "%c%.1f %.1f", "LM"[btoi(i == 0)], x(i), y)
		if v > values[most] {
			most = i
		}
	}
	d.Path = template.HTMLAttr(`d="` + path.String() + `"`)
	d.Area = template.HTMLAttr(fmt.Sprintf(`d="%sL%.1f %dL%d %dZ"`, path.String(), x(len(values)-1), crowdBase, crowdSide, crowdBase))
	d.X, d.Y = min(crowdWide-140, max(140, x(most))), crowdBase-values[most]/highest*(crowdBase-crowdTop)-8
	d.Most = fmt.Sprintf("%.0f", values[most])
	return d
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// CrowdDrawn are a crowd's curves as the report shows them.
type CrowdDrawn struct {
	Arrivals, Admissions, Line drawing
	From, Until                string
}

func (r Result) crowdDrawn() *CrowdDrawn {
	c := r.Crowd
	if len(c.Line) < 2 {
		return nil
	}
	line := make([]float64, len(c.Line))
	for i, n := range c.Line {
		line[i] = float64(n)
	}
	most := max(slices.Max(c.Arrivals), slices.Max(c.Admissions))
	return &CrowdDrawn{drawn(c.Arrivals, most), drawn(c.Admissions, most), drawn(line, slices.Max(line)),
		fmt.Sprintf("%.0f s", c.Began), fmt.Sprintf("%.0f s", c.Began+c.Step*float64(len(c.Line)-1))}
}
