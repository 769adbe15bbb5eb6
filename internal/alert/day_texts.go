package alert

import (
	"context"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/page"
)

// dayRowsMost is the most rows that a board shows of one standing: a morning on which
// everything goes wrong must not weigh megabytes each second.
const dayRowsMost = 300

// dayKeys are the keys of what is done most often, in the row on which the keyboard is. A
// reason that has none is chosen with Tab.
var dayKeys = map[string]string{"announced": "a", "internship": "s", "outing": "o", "exam": "x", "office": "v", "infirmary": "i", "corridor": "c"}

// outcomeKeys are those of the telephone, in the order of Outcomes.
var outcomeKeys = []string{"1", "2", "3", "4"}

func keyOf(reason string) string { return dayKeys[reason] }

// shownStandings are those that the board heads a list with.
func (v dayView) shown() []Standing {
	if v.Only != "" {
		return []Standing{v.Only}
	}
	return Standings()
}

// unusualShown are the rows that stand first; where one standing is asked for, those of it.
func (v dayView) unusualShown() []DayRow {
	all := v.Unusual()
	if v.Only == "" {
		return all
	}
	var out []DayRow
	for _, r := range all {
		if r.Standing == v.Only {
			out = append(out, r)
		}
	}
	return out
}

func oddText(ctx context.Context, o Odd) string {
	key := "alert.day.odd." + string(o.Kind)
	switch o.Kind {
	case BetweenTwo:
		return page.T(ctx, key, "seen", page.Hour(ctx, o.Seen), "missed", page.Hour(ctx, o.Missed), "again", page.Hour(ctx, o.Again))
	case ToldBefore:
		return page.T(ctx, key, "date", page.Date(ctx, dateOf(o.On).time()))
	}
	return page.T(ctx, key, "seen", page.Hour(ctx, o.Seen), "missed", page.Hour(ctx, o.Missed))
}

// rowState says in a few words where a row stands.
func rowState(ctx context.Context, r DayRow) string {
	key := "alert.day.row." + string(r.Standing)
	switch r.Standing {
	case AtCall, AtOwed:
		return page.T(ctx, key, "why", page.T(ctx, "alert.because."+string(r.Calls[0].Because)))
	case AtHeld:
		return page.T(ctx, key, "hour", page.Hour(ctx, r.Held.LeavesAt))
	case AtTold:
		if r.Told.Exercise {
			return page.T(ctx, "alert.day.row.exercise", "hour", page.Hour(ctx, r.Told.At), "n", r.Told.People)
		}
		return page.T(ctx, key, "hour", page.Hour(ctx, r.Told.At), "n", r.Told.People)
	case AtElsewhere, AtInside:
		return page.T(ctx, "alert.reason."+r.Known.Reason)
	case AtUnproven:
		return page.T(ctx, key, "why", page.T(ctx, "alert.because."+string(r.Kept)))
	}
	return page.T(ctx, key)
}

// rowMissed says in which lesson a pupil was last missed.
func rowMissed(ctx context.Context, r DayRow) string {
	if r.Sitting.ID == "" {
		return ""
	}
	return page.Hour(ctx, r.Sitting.StartsAt) + " " + shortest(r.Sitting)
}

func toneAt(s Standing) page.Tone {
	switch s {
	case AtCall, AtOwed:
		return page.Absent
	case AtHeld, AtBreaker, AtUnproven:
		return page.Held
	case AtInside, AtBack:
		return page.Here
	}
	return page.Soft
}

// dayFind is what the search of the page looks in.
func dayFind(r DayRow) string {
	return strings.ToLower(r.Pupil.LastName + " " + r.Pupil.FirstName + " " + r.Class)
}

// daySign changes with what can be done about a pupil.
func daySign(r DayRow) string {
	sign := string(r.Standing) + " " + r.Known.ID
	for _, c := range r.Calls {
		sign += " " + c.ID
	}
	return sign
}

// sumText says how the figures add up: "68 absents = 3 à appeler + 22 retenus".
func sumText(ctx context.Context, d DayBoard) string {
	var parts []string
	for _, s := range Standings() {
		if n := d.Counts[s]; s.Absent() && n > 0 {
			parts = append(parts, page.T(ctx, "alert.day.sum."+string(s), "n", n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return page.T(ctx, "alert.day.sum", "n", d.Absent, "parts", strings.Join(parts, " + "))
}

// maySay lists what the office may say of a pupil.
func maySay() []attendance.Says { return []attendance.Says{attendance.Elsewhere, attendance.Inside} }

func untilText(ctx context.Context, now, until time.Time) string {
	if now.In(page.Zone(ctx)).Format(time.DateOnly) == until.In(page.Zone(ctx)).Format(time.DateOnly) {
		return page.Hour(ctx, until)
	}
	return page.DateHour(ctx, until)
}

// dayKeyWords is how many lines the list of keys has.
const dayKeyWords = 9
