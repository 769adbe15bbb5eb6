package alert

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/preau-ent/preau/internal/page"
)

func oddTitle(ctx context.Context, m oddMorning, s oddScope) string {
	if s.Sitting != "" {
		name := ""
		if len(s.Rolls) > 0 {
			name = rollName(s.Rolls[0])
		}
		return page.T(ctx, "alert.breaker.head.roll", "n", s.Held, "roll", name)
	}
	left := page.T(ctx, "alert.breaker.left", "n", m.Told)
	if m.Told == 0 {
		left = page.T(ctx, "alert.breaker.left.none")
	}
	if len(m.Usual.Same) == 0 {
		return page.T(ctx, "alert.breaker.head.new", "n", m.Absent) + " " + left
	}
	return page.T(ctx, "alert.breaker.head", "n", m.Absent, "low", page.Number(ctx, slices.Min(m.Usual.Same)), "high", page.Number(ctx, slices.Max(m.Usual.Same))) + " " + left
}

func expiry(ctx context.Context, s oddScope) string {
	if s.ExpiresAt.IsZero() {
		return ""
	}
	return page.T(ctx, "alert.breaker.expires", "at", page.Hour(ctx, s.ExpiresAt))
}

func chartTitle(ctx context.Context, m oddMorning) string {
	return page.T(ctx, "alert.breaker.chart", "n", len(m.Usual.Same), "day", page.T(ctx, fmt.Sprintf("alert.breaker.days.%d", m.Now.In(page.Zone(ctx)).Weekday())))
}

func chartText(ctx context.Context, m oddMorning) string {
	if len(m.Usual.Same) == 0 {
		return page.T(ctx, "alert.breaker.chart.new", "n", m.Absent)
	}
	return page.T(ctx, "alert.breaker.chart.text", "n", m.Absent, "low", page.Number(ctx, slices.Min(m.Usual.Same)), "high", page.Number(ctx, slices.Max(m.Usual.Same)))
}

// bar is one column of the chart.
type bar struct {
	N, Height int
	Now       bool
}

const barHeight = 96

func bars(m oddMorning) (out []bar) {
	most := max(1, m.Absent)
	for _, n := range m.Usual.Same {
		most = max(most, n)
	}
	for _, n := range m.Usual.Same {
		out = append(out, bar{N: n, Height: max(2, n*barHeight/most)})
	}
	return append(out, bar{N: m.Absent, Height: max(2, m.Absent*barHeight/most), Now: true})
}

func percent(n, of int) int { return n * 100 / max(of, 1) }

func rollName(r oddRoll) string { return strings.TrimSpace(r.Classes + " · " + shortest(r.Sitting)) }

func savedBy(ctx context.Context, r oddRoll) string {
	out := page.T(ctx, "alert.breaker.saved", "at", page.Hour(ctx, r.At), "by", r.By)
	if r.By == "" {
		out = page.T(ctx, "alert.breaker.saved.unknown", "at", page.Hour(ctx, r.At))
	}
	if r.Seconds > 0 {
		out += ", " + page.T(ctx, "alert.breaker.fast", "n", r.Seconds)
	}
	return out
}

func bannerWords(open []Trip) string {
	if slices.ContainsFunc(open, func(t Trip) bool { return t.Sitting == "" }) {
		return "alert.breaker.banner.school"
	}
	return "alert.breaker.banner.roll"
}
