package alert

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/timetable"
)

var paris = func() *time.Location {
	l, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return l
}()

func clock(hour, minute int) time.Time { return time.Date(2026, 11, 24, hour, minute, 0, 0, paris) }

// ordinary is an absent mark at 8:07, of a sitting from 8:05 to 9:00, in a school in
// service, with nothing against telling.
func ordinary() Facts {
	s := timetable.Sitting{ID: "maths", Day: "2026-11-24", StartsAt: clock(8, 5), EndsAt: clock(9, 0)}
	k := attendance.Mark{N: 1, Sitting: "maths", Day: "2026-11-24", Pupil: "lea", Value: attendance.Absent, At: clock(8, 7)}
	return Facts{Now: clock(8, 7), Zone: paris, Mark: k, Sitting: s, Marks: []attendance.Mark{k}, Sittings: map[string]timetable.Sitting{"maths": s}, InService: true, Hold: DefaultHold}
}

func says(what attendance.Says) func(*Facts) {
	return func(f *Facts) {
		f.Statements = append(f.Statements, attendance.Statement{Says: what, FromAt: clock(8, 0), UntilAt: clock(12, 0), At: clock(7, 50)})
	}
}

func marked(sitting string, v attendance.Value) func(*Facts) {
	return func(f *Facts) {
		f.Marks = append(f.Marks, attendance.Mark{N: int64(len(f.Marks) + 1), Sitting: sitting, Day: "2026-11-24", Pupil: "lea", Value: v, At: f.Now})
		if _, ok := f.Sittings[sitting]; !ok {
			f.Sittings[sitting] = timetable.Sitting{ID: sitting, Day: "2026-11-24", StartsAt: clock(9, 5), EndsAt: clock(10, 0)}
		}
	}
}

// deciding makes the last mark the one to decide.
func deciding(f *Facts) { f.Mark = f.Marks[len(f.Marks)-1]; f.Sitting = f.Sittings[f.Mark.Sitting] }

func episode(s State) func(*Facts) {
	return func(f *Facts) {
		f.Episodes = append(f.Episodes, Episode{ID: "e", Pupil: "lea", HalfDay: "2026-11-24/am", Seq: len(f.Episodes) + 1, Mark: 1, Sitting: "maths", State: s, LeavesAt: clock(8, 17), ExpiresAt: clock(11, 5)})
	}
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name string
		with []func(*Facts)
		want Verdict
		why  Because
	}{
		{"ordinary", nil, Hold, ""},
		{"a later mark of the roll", []func(*Facts){marked("maths", attendance.Present)}, Not, Superseded},
		{"a mark of another roll says nothing of this one", []func(*Facts){marked("francais", attendance.Present)}, Hold, ""},
		{"yesterday's roll", []func(*Facts){func(f *Facts) { f.Now = f.Now.AddDate(0, 0, 1) }}, Not, NotToday},
		{"a roll of tomorrow", []func(*Facts){func(f *Facts) { f.Mark.Day = "2026-11-25" }}, Not, NotToday},
		{"closed", []func(*Facts){func(f *Facts) { f.Closed = true }}, Not, Closed},
		{"expected elsewhere", []func(*Facts){says(attendance.Elsewhere)}, Not, Expected},
		{"in the building", []func(*Facts){says(attendance.Inside)}, Not, InBuilding},
		{"held already", []func(*Facts){episode(Held)}, Join, Following},
		{"told already", []func(*Facts){episode(Told)}, Join, Following},
		{"telephoned already", []func(*Facts){episode(Untold)}, Join, Following},
		{"seen again, and absent again", []func(*Facts){episode(Over)}, Hold, ""},
		{"withdrawn, and absent again", []func(*Facts){episode(Withdrawn)}, Hold, ""},
		{"saved three hours late", []func(*Facts){func(f *Facts) { f.Now = clock(11, 5) }}, Phone, TooLate},
		{"saved just in time", []func(*Facts){func(f *Facts) { f.Now = clock(11, 4) }}, Hold, ""},
		{"not in service", []func(*Facts){func(f *Facts) { f.InService = false }}, Phone, NotInService},
		{"expected comes before service", []func(*Facts){says(attendance.Elsewhere), func(f *Facts) { f.InService = false }}, Not, Expected},
		{"late while held", []func(*Facts){episode(Held), marked("maths", attendance.Late), deciding}, Withdraw, Arrived},
		{"present while held", []func(*Facts){episode(Held), marked("maths", attendance.Present), deciding}, Withdraw, Corrected},
		{"late after telling", []func(*Facts){episode(Told), marked("maths", attendance.Late), deciding}, End, Arrived},
		{"present on the same roll after telling", []func(*Facts){episode(Told), marked("maths", attendance.Present), deciding}, End, Corrected},
		{"present on the next roll after telling", []func(*Facts){episode(Told), marked("francais", attendance.Present), deciding}, End, Arrived},
		{"present after the telephone list", []func(*Facts){episode(Untold), marked("francais", attendance.Present), deciding}, End, Arrived},
		{"present, and nobody was told", []func(*Facts){marked("francais", attendance.Present), deciding}, Not, NobodyTold},
		{"an earlier roll corrected while absent from a later one", []func(*Facts){episode(Told), marked("francais", attendance.Absent), marked("maths", attendance.Present), deciding}, Join, StillAbsent},
	} {
		f := ordinary()
		for _, with := range c.with {
			with(&f)
		}
		if got, why, _ := Decide(f); got != c.want || why != c.why {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, got, why, c.want, c.why)
		}
	}
}

func TestLookAgain(t *testing.T) {
	for _, c := range []struct {
		name string
		with []func(*Facts)
		at   time.Time
		want Verdict
		why  Because
	}{
		{"during the hold", nil, clock(8, 16), Keep, ""},
		{"its time has come", nil, clock(8, 17), Tell, ""},
		{"expected after all", []func(*Facts){says(attendance.Elsewhere)}, clock(8, 17), Withdraw, Expected},
		{"in the building after all", []func(*Facts){says(attendance.Inside)}, clock(8, 10), Withdraw, InBuilding},
		{"seen meanwhile", []func(*Facts){marked("maths", attendance.Late)}, clock(8, 17), Withdraw, Arrived},
		{"closed meanwhile", []func(*Facts){func(f *Facts) { f.Closed = true }}, clock(8, 17), Withdraw, Closed},
		{"no longer in service", []func(*Facts){func(f *Facts) { f.InService = false }}, clock(8, 10), Phone, NotInService},
		{"slept through", nil, clock(11, 5), Phone, TooLate},
	} {
		f := ordinary()
		episode(Held)(&f)
		for _, with := range c.with {
			with(&f)
		}
		f.Now = c.at
		if got, why := LookAgain(f, f.Episodes[0]); got != c.want || why != c.why {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, got, why, c.want, c.why)
		}
	}
}

// Whatever the morning, nobody is told of a pupil whom anything speaks for, and time
// bounds hold in every zone and on the days on which the clocks change.
func TestTimesProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Europe/Paris", "Indian/Reunion", "America/Martinique", "America/Montreal", "Pacific/Noumea"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(t, "month")), rapid.IntRange(1, 31).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 0, 0, zone)
		s := timetable.Sitting{StartsAt: start, EndsAt: start.Add(time.Hour), Kind: rapid.SampledFrom([]timetable.Kind{timetable.Lesson, timetable.Study, timetable.Dormitory}).Draw(t, "kind")}
		expires, until := Expires(s, zone), "18:30"
		if s.Kind == timetable.Dormitory {
			until = "23:00"
		}
		if expires.Sub(start) > alertLife {
			t.Fatalf("worth a message for %v", expires.Sub(start))
		}
		if local := expires.In(zone); local.Format("15:04") > until {
			t.Fatalf("a message may leave at %s", local.Format("15:04"))
		}
		first := start.Add(time.Duration(rapid.IntRange(0, 180).Draw(t, "after")) * time.Minute)
		hold := time.Duration(rapid.IntRange(0, 3600).Draw(t, "hold")) * time.Second
		leaves := Leaves(first, hold, zone)
		if leaves.Before(first.Add(hold)) {
			t.Fatalf("leaves before the hold is over")
		}
		if local := leaves.In(zone); leaves.Before(expires) && (local.Hour() < 7 || local.Hour() == 7 && local.Minute() < 30) {
			t.Fatalf("leaves at %s", local.Format("15:04"))
		}
	})
}
