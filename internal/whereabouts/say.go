package whereabouts

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// who names the pupils of a plan: a class, one pupil, or some and how many more.
func who(ctx context.Context, l Listed) string {
	if l.Grp != "" {
		return l.Class
	}
	names := make([]string, len(l.Who))
	for i, p := range l.Who {
		names[i] = p.FullName()
	}
	text := strings.Join(names, ", ")
	if more := l.Pupils - len(l.Who); more > 0 {
		text += " " + page.T(ctx, "whereabouts.more", "n", more)
	}
	return text
}

// when says the days and hours of a plan: mardi 24 novembre, de 8 h à 10 h; chaque mardi.
func when(ctx context.Context, p Plan) string {
	from, until := dateOf(ctx, p.FromOn), dateOf(ctx, p.UntilOn)
	hours := hoursText(ctx, p)
	switch {
	case p.Weekdays != "":
		days := make([]string, 0, len(p.Weekdays))
		for _, d := range p.Weekdays {
			days = append(days, page.T(ctx, "whereabouts.weekday."+string(d)))
		}
		return joined(page.T(ctx, "whereabouts.weekly", "days", strings.Join(days, ", "), "from", from, "until", until), hours)
	case p.FromOn == p.UntilOn:
		return joined(from, hours)
	}
	if p.FromHour != "" {
		from += " " + hourOf(ctx, p.FromHour)
	}
	if p.UntilHour != "" {
		until += " " + hourOf(ctx, p.UntilHour)
	}
	return page.T(ctx, "whereabouts.span", "from", from, "until", until)
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func hoursText(ctx context.Context, p Plan) string {
	switch {
	case p.FromHour == "" && p.UntilHour == "":
		return page.T(ctx, "whereabouts.allday")
	case p.FromHour == "":
		return page.T(ctx, "whereabouts.untilhour", "hour", hourOf(ctx, p.UntilHour))
	case p.UntilHour == "":
		return page.T(ctx, "whereabouts.fromhour", "hour", hourOf(ctx, p.FromHour))
	}
	return page.T(ctx, "whereabouts.hours", "from", hourOf(ctx, p.FromHour), "until", hourOf(ctx, p.UntilHour))
}

// dateOf writes a day: noon is on it in every zone.
func dateOf(ctx context.Context, day string) string {
	t, err := time.ParseInLocation(dayForm+" "+hourForm, day+" 12:00", page.Zone(ctx))
	if err != nil {
		return day
	}
	return page.Date(ctx, t)
}

// hourOf writes an hour of the wall as pages write hours.
func hourOf(ctx context.Context, hour string) string {
	t, err := time.ParseInLocation(dayForm+" "+hourForm, "2026-01-05 "+hour, page.Zone(ctx))
	if err != nil {
		return hour
	}
	return page.Hour(ctx, t)
}

// from says who announced a plan, and how.
func from(ctx context.Context, l Listed) string {
	name := l.By
	if l.Plan.Claimant != "" {
		name = l.Claimant.FullName()
	}
	text := page.T(ctx, "whereabouts.via."+string(l.Via))
	if name != "" {
		text += " · " + name
	}
	return text + " · " + page.DateHour(ctx, l.At)
}

func note(ctx context.Context, l Listed) string {
	text := when(ctx, l.Plan)
	if l.Class != "" && l.Grp == "" {
		text = l.Class + " · " + text
	}
	return text
}

// pick is the address of the form with one more pupil, or another search.
func pick(v formView, more string, name string) string {
	q := url.Values{}
	for _, p := range v.Picked {
		q.Add("pupil", p.ID)
	}
	if more != "" {
		q.Add("pupil", more)
	}
	if name != "" {
		q.Set("name", name)
	}
	return "/absences/new?" + q.Encode()
}

func isPicked(v formView, id string) bool {
	return slices.ContainsFunc(v.Picked, func(p directory.Person) bool { return p.ID == id })
}

func ways() []Via { return []Via{ByPhone, ByPaper, BySelf} }

// halfLabel says until when the first button reaches.
func halfLabel(ctx context.Context, now time.Time) string {
	if strings.HasSuffix(timetable.HalfDay(now, page.Zone(ctx)), "/am") {
		return page.T(ctx, "whereabouts.press.morning")
	}
	return page.T(ctx, "whereabouts.press.afternoon")
}

func today(ctx context.Context, now time.Time) string { return timetable.Day(now, page.Zone(ctx)) }

func weekdayChosen(f form, day string) bool { return slices.Contains(f.Weekdays, day) }

// stateTone colours what became of a claim.
func stateTone(s State) page.Tone {
	switch s {
	case Refused:
		return page.Absent
	case Withdrawn:
		return page.Soft
	}
	return page.Here
}

func stateText(ctx context.Context, p Plan) string {
	return page.T(ctx, "whereabouts.state."+string(p.State))
}

func insidePath(at Place, name string) string {
	q := url.Values{"at": {string(at)}}
	if name != "" {
		q.Set("name", name)
	}
	return "/inside?" + q.Encode()
}

// rowNote says of a pupil in front of the reader where they should be.
func rowNote(ctx context.Context, r whoIn) string {
	parts := []string{r.Class}
	if r.Sitting.ID != "" {
		parts = append(parts, r.Sitting.Label, page.Hour(ctx, r.Sitting.StartsAt))
		if r.Sitting.Room != "" {
			parts = append(parts, page.T(ctx, "whereabouts.room", "room", r.Sitting.Room))
		}
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

func hereNote(ctx context.Context, r hereRow) string {
	return joined(r.Class, page.T(ctx, "whereabouts.here.since", "since", page.Hour(ctx, r.Statement.FromAt), "until", page.Hour(ctx, r.Statement.UntilAt)))
}

func schoolName(ctx context.Context) string {
	v, _ := page.ViewerFrom(ctx)
	return v.SchoolName
}
