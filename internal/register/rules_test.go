package register

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/timetable"
)

// drawn makes facts of a few pupils over a few weeks around a clock change.
func drawnFacts(t *rapid.T) Facts {
	zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Europe/Paris", "America/Toronto", "Indian/Reunion"}).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	f := Facts{Region: rapid.SampledFrom([]string{"FR", "CA"}).Draw(t, "region"), Zone: zone, Sittings: map[string]timetable.Sitting{},
		Statements: map[string][]attendance.Statement{}, Given: map[string]Given{}, Sent: map[string][]Justification{}}
	for i := range rapid.IntRange(1, 25).Draw(t, "sittings") {
		day := rapid.IntRange(19, 33).Draw(t, "day") // of October: clocks go back on the 25th, in Toronto on 1 November
		starts := time.Date(2026, time.October, day, rapid.IntRange(7, 17).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 0, 0, zone)
		s := timetable.Sitting{ID: fmt.Sprint("s", i), Kind: rapid.SampledFrom([]timetable.Kind{timetable.Lesson, timetable.HalfDays, timetable.Study, timetable.Canteen, timetable.Dormitory}).Draw(t, "kind")}
		s.At(starts, starts.Add(55*time.Minute), zone)
		if rapid.IntRange(0, 6).Draw(t, "cancelled") == 0 {
			s.CancelledAt = starts
		}
		f.Sittings[s.ID] = s
	}
	for n := range rapid.IntRange(0, 40).Draw(t, "marks") {
		pupil := rapid.SampledFrom([]string{"lea", "malo"}).Draw(t, "pupil")
		s := f.Sittings[fmt.Sprint("s", rapid.IntRange(0, len(f.Sittings)-1).Draw(t, "of"))]
		f.Marks = append(f.Marks, attendance.Mark{N: int64(n), Pupil: pupil, Sitting: s.ID, Day: s.Day, Value: attendance.Absent})
	}
	for range rapid.IntRange(0, 4).Draw(t, "statements") {
		pupil := rapid.SampledFrom([]string{"lea", "malo"}).Draw(t, "stated")
		from := time.Date(2026, time.October, rapid.IntRange(19, 33).Draw(t, "from"), rapid.IntRange(0, 23).Draw(t, "at"), 0, 0, 0, zone)
		st := attendance.Statement{Pupil: pupil, Says: attendance.Elsewhere, Reason: rapid.SampledFrom(attendance.Reasons(attendance.Elsewhere)).Draw(t, "reason"), FromAt: from, UntilAt: from.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)}
		f.Statements[pupil] = append(f.Statements[pupil], st)
	}
	return f
}

// TestHalfDayCounts: whatever the rolls say, a half-day is counted once; it never depends on
// the order of marks; a further absence never lowers a count; what did not take place, a meal,
// a night and what the school itself asked for count for nothing.
func TestHalfDayCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := drawnFacts(t)
		all := HalfDays(f)
		seen := map[string]bool{}
		for _, h := range all {
			if seen[key(h.Pupil, h.Half)] || len(h.Sittings) == 0 {
				t.Fatalf("twice, or of nothing: %+v", h)
			}
			seen[key(h.Pupil, h.Half)] = true
			from, until, err := timetable.HalfDaySpan(h.Half, f.Zone)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range h.Sittings {
				if s.StartsAt.Before(from) || !s.StartsAt.Before(until) {
					t.Fatalf("%s does not begin in %s", s.StartsAt.In(f.Zone), h.Half)
				}
				if s.Cancelled() || s.Kind == timetable.Canteen || s.Kind == timetable.Dormitory {
					t.Fatalf("counted: %+v", s)
				}
				for _, st := range f.Statements[h.Pupil] {
					if attendance.BySchool(st.Reason) && st.FromAt.Before(s.EndsAt) && s.StartsAt.Before(st.UntilAt) {
						t.Fatalf("the school had sent the pupil elsewhere: %+v %+v", st, s)
					}
				}
			}
		}
		c := CountOf(all)
		if c.All != len(all) || c.Open+c.Waiting+c.Excused+c.Unexcused != c.All {
			t.Fatalf("counts do not add up: %+v", c)
		}
		turned := f
		turned.Marks = slices.Clone(f.Marks)
		slices.Reverse(turned.Marks)
		if fmt.Sprint(HalfDays(turned)) != fmt.Sprint(all) {
			t.Fatal("the order of marks matters")
		}
		more := f
		more.Marks = append(slices.Clone(f.Marks), attendance.Mark{Pupil: "lea", Sitting: "s0", Value: attendance.Absent})
		if CountOf(HalfDays(more)).All < c.All {
			t.Fatal("a further absence lowers the count")
		}
		// Every mark of a lesson that took place, of a pupil of whom nothing is said, is in one.
		for _, k := range f.Marks {
			s := f.Sittings[k.Sitting]
			if len(f.Statements[k.Pupil]) == 0 && !s.Cancelled() && s.Kind == timetable.Lesson && !seen[key(k.Pupil, timetable.HalfDay(s.StartsAt, f.Zone))] {
				t.Fatalf("not counted: %+v", k)
			}
		}
	})
}

// TestOnlyALegitimateReasonExcuses: for every list and code, what is given decides, a later
// justification waits, and the list for the authority follows from the count.
func TestOnlyALegitimateReasonExcuses(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.November, 24, 9, 0, 0, 0, time.UTC)
	for _, region := range []string{"FR", "RE", "CA"} {
		for _, r := range Reasons(region) {
			f := Facts{Region: region, Given: map[string]Given{"lea 2026-11-24/am": {Reason: r.Code, At: at}}, Sent: map[string][]Justification{}}
			h := HalfDay{Pupil: "lea", Half: "2026-11-24/am"}
			want := Unexcused
			if r.Legitimate {
				want = Excused
			}
			if got, _ := stateOf(f, h); got != want {
				t.Errorf("%s %s: %s, want %s", region, r.Code, got, want)
			}
			f.Sent["lea"] = []Justification{{State: Sent, FromHalf: "2026-11-23/am", UntilHalf: "2026-11-24/am", At: at.Add(time.Minute)}}
			if got, _ := stateOf(f, h); got != Waiting {
				t.Errorf("%s %s, justified since: %s", region, r.Code, got)
			}
		}
	}
	for n := range 10 {
		for waits := range n + 1 {
			c := Count{All: n + 2, Open: n - waits, Waiting: waits, Excused: 2}
			if InFile(c) != (n >= 4) {
				t.Errorf("%d without a legitimate reason, %d of them waiting: %v", n, waits, InFile(c))
			}
		}
	}
	codes := func(region string, n int) (out []string) {
		for _, r := range Reasons(region)[:n] {
			out = append(out, r.Code)
		}
		return out
	}
	// The five of article L131-8, in its order.
	if got := codes("FR", 5); !slices.Equal(got, []string{"illness", "contagion", "solemn", "transport", "following"}) {
		t.Errorf("the law's reasons: %q", got)
	}
}

// TestWhatIsNoAbsence: what the school itself asked for, and the building.
func TestWhatIsNoAbsence(t *testing.T) {
	t.Parallel()
	starts := time.Date(2026, time.November, 24, 8, 5, 0, 0, time.UTC)
	s := timetable.Sitting{ID: "maths", Kind: timetable.Lesson, StartsAt: starts, EndsAt: starts.Add(55 * time.Minute), Day: "2026-11-24"}
	for _, c := range []struct {
		says          attendance.Says
		reason        string
		counts, known bool
	}{
		{attendance.Elsewhere, "internship", false, false}, {attendance.Elsewhere, "outing", false, false}, {attendance.Elsewhere, "exam", false, false},
		{attendance.Elsewhere, "exempt", false, false}, {attendance.Elsewhere, "home", false, false}, {attendance.Elsewhere, "suspended", false, false},
		{attendance.Elsewhere, "announced", true, true}, {attendance.Elsewhere, "early", true, true}, {attendance.Elsewhere, "other", true, true},
		{attendance.Inside, "infirmary", false, false}, {attendance.Inside, "office", false, false},
	} {
		f := Facts{Region: "FR", Zone: time.UTC, Sittings: map[string]timetable.Sitting{"maths": s}, Marks: []attendance.Mark{{Pupil: "lea", Sitting: "maths", Value: attendance.Absent}},
			Statements: map[string][]attendance.Statement{"lea": {{Says: c.says, Reason: c.reason, FromAt: starts, UntilAt: starts.Add(time.Hour)}}}}
		all := HalfDays(f)
		if (len(all) == 1) != c.counts || c.counts && all[0].Known != c.known {
			t.Errorf("%s: %+v", c.reason, all)
		}
	}
}

func TestSpansOfHalfDays(t *testing.T) {
	t.Parallel()
	got, err := span("2026-11-24/pm", "2026-11-26/am")
	if want := []string{"2026-11-24/pm", "2026-11-25/am", "2026-11-25/pm", "2026-11-26/am"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v", got, err)
	}
	for _, c := range [][2]string{{"2026-11-24/pm", "2026-11-24/am"}, {"2026-11-24/am", "2027-11-24/am"}, {"", ""}, {"2026-11-24", "2026-11-24/pm"}, {"2026-11-24/xx", "2026-11-24/pm"}, {"2026-02-30/am", "2026-03-01/am"}} {
		if _, err := span(c[0], c[1]); !errors.Is(err, ErrHalf) {
			t.Errorf("%q: %v", c, err)
		}
	}
}
