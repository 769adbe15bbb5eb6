package register

import (
	"cmp"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/timetable"
)

// Reason is one entry of a country's closed list.
type Reason struct {
	Code       string
	Legitimate bool
	Family     bool // a guardian may give it
}

// Reasons is the closed list of a country, in the order of its pages. France: article L131-8 of
// the code de l'éducation, then what the school judges itself. Québec: what schools there take
// as a motivated absence; the law leaves it to them.
func Reasons(region string) []Reason {
	school := []Reason{{Code: "admitted", Legitimate: true}, {Code: "refused"}, {Code: "none"}}
	if region == "CA" {
		return append([]Reason{
			{"illness", true, true}, {"medical", true, true}, {"bereavement", true, true}, {"court", true, true}, {"religious", true, true}, {"transport", true, true}, {"family", false, true},
		}, school...)
	}
	return append([]Reason{
		{"illness", true, true}, {"contagion", true, true}, {"solemn", true, true}, {"transport", true, true}, {"following", true, true}, {"other", false, true},
	}, school...)
}

// reasonOf finds a code in a country's list.
func reasonOf(region, code string) (Reason, bool) {
	all := Reasons(region)
	i := slices.IndexFunc(all, func(r Reason) bool { return r.Code == code })
	if i < 0 {
		return Reason{}, false
	}
	return all[i], true
}

// Refusals lists why the office refuses a justification.
func Refusals() []string { return []string{"reason", "document", "dates"} }

// Facts are all that a count looks at.
type Facts struct {
	Region     string
	Zone       *time.Location
	Marks      []attendance.Mark            // absent, of each pupil and sitting the last
	Sittings   map[string]timetable.Sitting // of those marks
	Statements map[string][]attendance.Statement
	Given      map[string]Given // the last by pupil and half: see key
	Sent       map[string][]Justification
}

func key(pupil, half string) string { return pupil + " " + half }

// HalfDays gives the half-days that pupils missed, in order, then by pupil.
//
// One sitting missed makes the half-day missed, as circulaire 2014-159 counts from the first
// hour. A sitting that did not take place, a meal and a night make none; nor does a sitting
// during which the school had sent the pupil elsewhere or had them in the building.
func HalfDays(f Facts) []HalfDay {
	at := map[string]int{}
	var out []HalfDay
	seen := map[string]bool{}
	for _, k := range f.Marks {
		s, ok := f.Sittings[k.Sitting]
		if !ok || k.Value != attendance.Absent || s.Cancelled() || s.Kind == timetable.Canteen || s.Kind == timetable.Dormitory || seen[k.Pupil+" "+s.ID] {
			continue
		}
		seen[k.Pupil+" "+s.ID] = true
		known, excusedBySchool := stated(f.Statements[k.Pupil], s)
		if excusedBySchool {
			continue
		}
		half := timetable.HalfDay(s.StartsAt, f.Zone)
		i, there := at[key(k.Pupil, half)]
		if !there {
			i = len(out)
			at[key(k.Pupil, half)] = i
			out = append(out, HalfDay{Pupil: k.Pupil, Half: half})
		}
		out[i].Sittings = append(out[i].Sittings, s)
		out[i].Known = out[i].Known || known
	}
	for i := range out {
		h := &out[i]
		slices.SortFunc(h.Sittings, func(a, b timetable.Sitting) int {
			return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.ID, b.ID))
		})
		h.State, h.Reason = stateOf(f, *h)
	}
	slices.SortFunc(out, func(a, b HalfDay) int { return cmp.Or(cmp.Compare(a.Half, b.Half), cmp.Compare(a.Pupil, b.Pupil)) })
	return out
}

// stated tells what was said of a pupil during a sitting: that the family announced it, that
// the school itself knows where they were.
func stated(all []attendance.Statement, s timetable.Sitting) (known, bySchool bool) {
	for _, st := range all {
		if !st.WithdrawnAt.IsZero() || !st.FromAt.Before(s.EndsAt) || !st.UntilAt.After(s.StartsAt) {
			continue
		}
		if st.Says == attendance.Inside || attendance.BySchool(st.Reason) {
			bySchool = true
		} else {
			known = true
		}
	}
	return known, bySchool
}

// stateOf: the last word counts. A justification that came after the school's reason waits.
func stateOf(f Facts, h HalfDay) (State, string) {
	given, said := f.Given[key(h.Pupil, h.Half)]
	for _, j := range f.Sent[h.Pupil] {
		if j.State == Sent && j.Covers(h.Half) && (!said || j.At.After(given.At)) {
			return Waiting, j.Reason
		}
	}
	if !said {
		return Open, ""
	}
	if r, ok := reasonOf(f.Region, given.Reason); ok && r.Legitimate {
		return Excused, given.Reason
	}
	return Unexcused, given.Reason
}

// Count says how many half-days are in each state.
type Count struct{ All, Open, Waiting, Excused, Unexcused int }

// Unjustified counts those without a legitimate reason: what waits is not justified yet.
func (c Count) Unjustified() int { return c.All - c.Excused }

// CountOf counts half-days.
func CountOf(all []HalfDay) (c Count) {
	for _, h := range all {
		c.All++
		switch h.State {
		case Open:
			c.Open++
		case Waiting:
			c.Waiting++
		case Excused:
			c.Excused++
		case Unexcused:
			c.Unexcused++
		}
	}
	return c
}

// fileFrom is how many half-days without a legitimate reason in one month the academic
// authority learns of (L131-8, R131-7).
const fileFrom = 4

// InFile tells whether one month's count puts a pupil on the list for the academic authority.
func InFile(c Count) bool { return c.Unjustified() >= fileFrom }

// byPupil parts half-days by pupil.
func byPupil(all []HalfDay) map[string][]HalfDay {
	out := map[string][]HalfDay{}
	for _, h := range all {
		out[h.Pupil] = append(out[h.Pupil], h)
	}
	return out
}

// longestJustified is how many days one justification covers at most.
const longestJustified = 60

// span checks the half-days of a justification, and lists every one of them.
func span(from, until string) ([]string, error) {
	a, partA, err := readHalf(from)
	if err != nil {
		return nil, err
	}
	b, partB, err := readHalf(until)
	if err != nil || until < from || b.Sub(a) > longestJustified*24*time.Hour {
		return nil, ErrHalf
	}
	var out []string
	for d := a; !d.After(b); d = d.AddDate(0, 0, 1) {
		for _, part := range []string{"am", "pm"} {
			if d.Equal(a) && part < partA || d.Equal(b) && part > partB {
				continue
			}
			out = append(out, d.Format(time.DateOnly)+"/"+part)
		}
	}
	return out, nil
}

func readHalf(half string) (time.Time, string, error) {
	if len(half) != len("2006-01-02/am") || half[10] != '/' {
		return time.Time{}, "", ErrHalf
	}
	d, err := time.Parse(time.DateOnly, half[:10])
	part := half[11:]
	if err != nil || part != "am" && part != "pm" {
		return time.Time{}, "", ErrHalf
	}
	return d, part, nil
}

// yearFrom is the first day of the school year of a day: the file is open for one year.
func yearFrom(day string) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	if d.Month() < time.August {
		d = d.AddDate(-1, 0, 0)
	}
	return d.Format("2006") + "-08-01"
}

// firstMonth is the first one of the school year of a day.
func firstMonth(day string) string { return yearFrom(day)[:len("2006-01")] }
