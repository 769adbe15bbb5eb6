package register

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

func partText(ctx context.Context, half string) string {
	return page.T(ctx, "register.part."+half[len(half)-2:])
}

// halfText: mardi 24 novembre, matin.
func halfText(ctx context.Context, half string) string {
	return dayText(ctx, half[:10]) + ", " + partText(ctx, half)
}

// spanText says the half-days of a justification.
func spanText(ctx context.Context, j Justification) string {
	if j.FromHalf == j.UntilHalf {
		return halfText(ctx, j.FromHalf)
	}
	if j.FromHalf[:10] == j.UntilHalf[:10] {
		return dayText(ctx, j.FromHalf[:10])
	}
	return page.T(ctx, "register.span", "from", halfText(ctx, j.FromHalf), "until", halfText(ctx, j.UntilHalf))
}

func sittingsText(h HalfDay) string {
	names := make([]string, len(h.Sittings))
	for i, s := range h.Sittings {
		names[i] = s.Label
	}
	return strings.Join(names, ", ")
}

func stateText(ctx context.Context, s State) string { return page.T(ctx, "register.state."+string(s)) }

func stateTone(s State) page.Tone {
	switch s {
	case Excused:
		return page.Here
	case Waiting:
		return page.Held
	case Unexcused:
		return page.Absent
	}
	return page.Late
}

// reasonText is a reason in words; France's are those of the law.
func reasonText(ctx context.Context, region, code string) string {
	if code == "" {
		return ""
	}
	if region == "CA" {
		if _, ok := reasonOf(region, code); ok && !slices.Contains([]string{"admitted", "refused", "none"}, code) {
			return page.T(ctx, "register.reason.ca."+code)
		}
	}
	if _, ok := reasonOf(region, code); !ok {
		return code // of a list that the school had before
	}
	return page.T(ctx, "register.reason."+code)
}

func sentTone(s JustificationState) page.Tone {
	switch s {
	case Accepted:
		return page.Here
	case Refused:
		return page.Absent
	}
	return page.Held
}

func familyReasons(region string) []Reason {
	return slices.DeleteFunc(Reasons(region), func(r Reason) bool { return !r.Family })
}

// monthText: novembre 2026.
func monthText(ctx context.Context, month string) string {
	t, err := time.ParseInLocation("2006-01-02 15:04", month+"-02 12:00", page.Zone(ctx))
	if err != nil {
		return month
	}
	_, name, _ := strings.Cut(strings.ReplaceAll(page.DateYear(ctx, t), "\u00a0", " "), " ")
	return name
}

// stepped is another month.
func stepped(month string, by int) string {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		return month
	}
	return t.AddDate(0, by, 0).Format("2006-01")
}

func (v monthView) address(path, month string) string {
	q := url.Values{"month": {month}}
	if v.Class != "" {
		q.Set("class", v.Class)
	}
	return path + "?" + q.Encode()
}

// A month is drawn as a strip: a column a day, the morning above the afternoon.
const (
	cellSize = 9
	cellStep = 10
)

// strip is the path of the cells of some days, of the school days where halves is nil.
func strip(days []string, halves []HalfDay, of State) string {
	var b strings.Builder
	draw := func(i int, part string) {
		y := 0
		if part == "pm" {
			y = cellStep
		}
		fmt.Fprintf(&b, "M%d %dh%dv%dh-%dz", i*cellStep, y, cellSize, cellSize, cellSize)
	}
	if halves == nil {
		for i := range days {
			draw(i, "am")
			draw(i, "pm")
		}
		return b.String()
	}
	for _, h := range halves {
		if i := slices.Index(days, h.Day()); i >= 0 && h.State == of {
			draw(i, h.Half[11:])
		}
	}
	return b.String()
}

func stripBox(days []string) string {
	return "0 0 " + strconv.Itoa(len(days)*cellStep) + " " + strconv.Itoa(2*cellStep)
}

func stripWidth(days []string) string { return strconv.Itoa(len(days) * cellStep) }

// countText: 4 demi-journées, dont 3 sans motif légitime.
func countText(ctx context.Context, c Count) string {
	return page.T(ctx, "register.count", "n", c.All, "open", c.Unjustified())
}

func states() []State { return []State{Open, Waiting, Unexcused, Excused} }

func parts() []string { return []string{"am", "pm"} }

// namesOf lists people in a line.
func namesOf(people []directory.Person) string {
	names := make([]string, len(people))
	for i, p := range people {
		names[i] = p.FullName()
	}
	return strings.Join(names, ", ")
}
