package attendance

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// rollData is what the script needs: how to say sums, and under which name it keeps
// what was tapped and not saved.
func rollData(ctx context.Context, s sheet) templ.Attributes {
	attrs := templ.Attributes{
		"data-roll":    s.Sitting.ID,
		"data-day":     s.Sitting.Day,
		"data-late":    strconv.Itoa(s.Late),
		"data-since":   strconv.Itoa(int(s.Opened.Sub(s.Sitting.StartsAt) / time.Second)),
		"data-title":   s.title(),
		"data-touched": page.T(ctx, "attendance.touched"),
		"data-offline": page.T(ctx, "attendance.notsaved.offline"),
	}
	if v, ok := page.ViewerFrom(ctx); ok {
		attrs["data-account"] = v.Account
	}
	if s.JustSaved {
		attrs["data-saved"] = true
	}
	attrs["data-say-present"] = page.T(ctx, "attendance.sum.present", "n", 1) + "|" + page.T(ctx, "attendance.sum.present", "n", 2)
	attrs["data-say-absent"] = page.T(ctx, "attendance.sum.absent", "n", 1) + "|" + page.T(ctx, "attendance.sum.absent", "n", 2)
	attrs["data-say-late"] = page.T(ctx, "attendance.sum.late", "n", 1) + "|" + page.T(ctx, "attendance.sum.late", "n", 2)
	return attrs
}

func rollTitle(ctx context.Context, s sheet) string {
	if s.JustSaved {
		return page.T(ctx, "attendance.saved.title", "hour", page.Hour(ctx, s.Roll.SavedAt), "sitting", s.title())
	}
	return page.T(ctx, "attendance.roll") + " · " + s.title()
}

// rollWhere says when and where: Mardi 6 avril, 8 h 05 – 9 h 00, salle 204.
func rollWhere(ctx context.Context, s sheet) []string {
	parts := []string{page.Capital(page.Date(ctx, s.Sitting.StartsAt)), hours(ctx, s.Sitting)}
	if s.Sitting.Room != "" {
		parts = append(parts, page.T(ctx, "attendance.room", "room", s.Sitting.Room))
	}
	return parts
}

func rollSay(ctx context.Context, s sheet) string {
	var away []string
	if n := s.away(Elsewhere); n > 0 {
		away = append(away, page.T(ctx, "attendance.away.elsewhere", "n", n))
	}
	if n := s.away(Inside); n > 0 {
		away = append(away, page.T(ctx, "attendance.away.inside", "n", n))
	}
	if n := s.away(AtHome); n > 0 {
		away = append(away, page.T(ctx, "attendance.away.home", "n", n))
	}
	if len(away) == 0 {
		return page.T(ctx, "attendance.default")
	}
	return page.T(ctx, "attendance.default.but", "away", strings.Join(away, ", "))
}

func rollState(ctx context.Context, s sheet) string {
	switch {
	case !s.Called:
		return page.T(ctx, "attendance.unsaved")
	case s.SavedBy == "":
		return page.T(ctx, "attendance.saved", "hour", page.Hour(ctx, s.Roll.SavedAt))
	}
	return page.T(ctx, "attendance.saved.by", "hour", page.Hour(ctx, s.Roll.SavedAt), "name", s.SavedBy)
}

// sumText: 25 présents, 2 absents, 1 retard. What is nought is left out.
func sumText(ctx context.Context, s Sums) string {
	parts := []string{page.T(ctx, "attendance.sum.present", "n", s.Present)}
	if s.Absent > 0 {
		parts = append(parts, page.T(ctx, "attendance.sum.absent", "n", s.Absent))
	}
	if s.Late > 0 {
		parts = append(parts, page.T(ctx, "attendance.sum.late", "n", s.Late))
	}
	return strings.Join(parts, ", ")
}

func rowLegend(ctx context.Context, r row) string {
	note := rowNote(ctx, r)
	if note == "" {
		return r.Pupil.FullName()
	}
	return r.Pupil.FullName() + ", " + note
}

// rowNote is what stands under a name: the hour of a late slip, else that the pupil is known
// to be away.
func rowNote(ctx context.Context, r row) string {
	switch {
	case r.Corrected.Why != "":
		return correctedText(ctx, r.Corrected)
	case !r.Slip.IsZero():
		return page.T(ctx, "attendance.slip.note", "hour", page.Hour(ctx, r.Slip))
	case r.Away != "" && r.Home != "":
		return awayText(ctx, r.Away) + " · " + r.Home
	case r.Away != "":
		return awayText(ctx, r.Away)
	}
	return ""
}

// awayText never says why.
func awayText(ctx context.Context, says Says) string {
	switch says {
	case Inside:
		return page.T(ctx, "attendance.inside")
	case AtHome:
		return page.T(ctx, "attendance.home")
	}
	return page.T(ctx, "attendance.elsewhere")
}

func markText(ctx context.Context, k Mark) string {
	switch k.Value {
	case Absent:
		return page.T(ctx, "attendance.mark.absent")
	case Late:
		return page.T(ctx, "attendance.mark.late", "minutes", k.Minutes)
	}
	return page.T(ctx, "attendance.mark.present")
}

// keptMarkText says which mark stayed, and what the viewer had noted instead.
func keptMarkText(ctx context.Context, k marked) string {
	kept := page.T(ctx, "attendance.meanwhile.kept", "pupil", k.Pupil, "mark", markText(ctx, k.Mark))
	if k.Said.Value == Unsaid {
		return kept
	}
	return page.T(ctx, "attendance.meanwhile.instead", "kept", kept, "mark", markText(ctx, Mark{Value: k.Said.Value, Minutes: k.Said.Minutes}))
}

func meanwhileTitle(ctx context.Context, m meanwhile) string {
	if m.Name == "" {
		return page.T(ctx, "attendance.meanwhile.nobody")
	}
	return page.T(ctx, "attendance.meanwhile", "name", m.Name)
}

func closedText(ctx context.Context, s sheet) string {
	switch s.Closed {
	case ErrEarly:
		return page.T(ctx, "attendance.early", "hour", page.Hour(ctx, s.Sitting.StartsAt.Add(-earlyRoll)))
	case ErrCancelled:
		return page.T(ctx, "attendance.cancelled")
	}
	return page.T(ctx, "attendance.over")
}

func closedLevel(s sheet) page.Level {
	if s.Refused {
		return page.Stop
	}
	return page.Info
}

func handNames(hands []hand) string {
	names := make([]string, len(hands))
	for i, h := range hands {
		names[i] = h.Name
	}
	return strings.Join(names, ", ")
}

func rollPath(s timetable.Sitting) string { return "/roll/" + s.ID }

func isCurrent(day []DaySitting, d DaySitting, now time.Time) bool {
	sittings := make([]timetable.Sitting, len(day))
	for i := range day {
		sittings[i] = day[i].Sitting
	}
	c, ok := timetable.Current(sittings, now)
	return ok && c.ID == d.Sitting.ID
}

func sittingTitle(s timetable.Sitting, classes string) string {
	if classes == "" {
		return s.Label
	}
	return s.Label + ", " + classes
}

func hours(ctx context.Context, s timetable.Sitting) string {
	return page.Hour(ctx, s.StartsAt) + " – " + page.Hour(ctx, s.EndsAt)
}

func sittingPlace(ctx context.Context, s timetable.Sitting) string {
	if s.Room == "" {
		return hours(ctx, s)
	}
	return hours(ctx, s) + " · " + page.T(ctx, "attendance.room", "room", s.Room)
}

func countNote(ctx context.Context, n int) string {
	if n == 0 {
		return ""
	}
	return page.Number(ctx, n)
}

func uncalledTitle(ctx context.Context, u UncalledRoll) string {
	title := sittingTitle(u.Sitting, u.Classes)
	if u.Sitting.Room != "" {
		title += " · " + page.T(ctx, "attendance.room", "room", u.Sitting.Room)
	}
	return title
}

func uncalledNote(ctx context.Context, u UncalledRoll) string {
	note := page.T(ctx, "attendance.uncalled.hours", "hour", page.Hour(ctx, u.Sitting.StartsAt))
	if u.For < time.Hour {
		note = page.T(ctx, "attendance.uncalled.since", "n", int(u.For/time.Minute))
	}
	if len(u.Staff) > 0 {
		note = strings.Join(u.Staff, ", ") + " · " + note
	}
	return note
}
