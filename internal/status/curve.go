package status

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The drawing of the last hour: who waits as an area, who entered as bars of a minute. It is
// said in words and in a table too.

const (
	drawWidth, drawHeight = 640, 160
	drawFoot              = 32 // under it stand the hours
)

// drawing is the last hour as shapes.
type drawing struct {
	Area     string // of the line's length, a path
	Edge     string
	Bars     []bar
	Marks    []mark
	Most     int // people waiting
	MostAt   time.Time
	Entered  int
	Top      int // of the scale
	Nobody   bool
	FromTime time.Time
}

type bar struct{ X, Y, W, H string }

type mark struct {
	X  string
	At time.Time
}

// draw draws the hour before a moment. Minutes of which nothing is known stay empty.
func draw(points []Point, now time.Time) drawing {
	d := drawing{FromTime: now.Add(-hourShown * minute), Nobody: true}
	for _, p := range points {
		if p.Waiting > d.Most {
			d.Most, d.MostAt = p.Waiting, p.At
		}
		d.Entered += p.Admitted
		d.Top = max(d.Top, p.Waiting, p.Admitted)
	}
	d.Nobody = d.Top == 0
	d.Top = rounded(max(10, d.Top))
	x := func(t time.Time) float64 {
		return drawWidth * float64(t.Sub(d.FromTime)) / float64(hourShown*minute)
	}
	y := func(n int) float64 { return (drawHeight - drawFoot) * (1 - float64(n)/float64(d.Top)) }
	var edge strings.Builder
	width := float64(drawWidth) / hourShown
	before := time.Time{}
	start := 0.0
	var area strings.Builder
	flush := func(end float64) {
		if area.Len() > 0 {
			fmt.Fprintf(&area, "L%.1f %d", end, drawHeight-drawFoot)
			d.Area += area.String() + "Z"
			area.Reset()
		}
	}
	last := 0.0
	for _, p := range points {
		at := max(0, x(p.At))
		if at > drawWidth {
			continue
		}
		if before.IsZero() || p.At.Sub(before) > 3*minute { // it was off, or began
			flush(last)
			start = at
			fmt.Fprintf(&edge, "M%.1f %.1f", at, y(p.Waiting))
			fmt.Fprintf(&area, "M%.1f %dL%.1f %.1f", start, drawHeight-drawFoot, at, y(p.Waiting))
		} else {
			fmt.Fprintf(&edge, "L%.1f %.1f", at, y(p.Waiting))
			fmt.Fprintf(&area, "L%.1f %.1f", at, y(p.Waiting))
		}
		before, last = p.At, at
		if p.Admitted > 0 {
			top := y(p.Admitted)
			d.Bars = append(d.Bars, bar{number(at), number(top), number(max(1, width-3)), number(drawHeight - drawFoot - top)})
		}
	}
	flush(last)
	d.Edge = edge.String()
	for t := d.FromTime.Truncate(15 * minute).Add(15 * minute); t.Before(now); t = t.Add(15 * minute) {
		if at := x(t); at > 30 && at < drawWidth-30 {
			d.Marks = append(d.Marks, mark{number(at), t})
		}
	}
	return d
}

func number(f float64) string { return fmt.Sprintf("%.1f", f) }

// rounded is the next 1, 2 or 5 times a power of ten: a scale that people can read.
func rounded(n int) int {
	power := int(math.Pow10(int(math.Log10(float64(n)))))
	for _, k := range []int{1, 2, 5, 10} {
		if n <= k*power {
			return k * power
		}
	}
	return 10 * power
}

// steps are the hour in steps of five minutes, for whoever reads a table.
func steps(points []Point) (out []Point) {
	for _, p := range points {
		at := p.At.Truncate(5 * minute)
		if n := len(out); n == 0 || !out[n-1].At.Equal(at) {
			out = append(out, Point{At: at})
		}
		last := &out[len(out)-1]
		last.Waiting, last.Admitted = max(last.Waiting, p.Waiting), last.Admitted+p.Admitted
	}
	return out
}
