package timetable_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/timetable"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// zones are those of schools here, and one whose clocks change at midnight.
func zones() []string {
	return []string{"Europe/Paris", "Indian/Reunion", "America/Martinique", "America/Montreal", "Pacific/Noumea", "Africa/Cairo", "UTC"}
}

func TestHalfDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, at, want string }{
		{"Europe/Paris", "2026-11-24T07:05:00Z", "2026-11-24/am"},
		{"Europe/Paris", "2026-11-24T11:59:59Z", "2026-11-24/am"},
		{"Europe/Paris", "2026-11-24T12:00:00Z", "2026-11-24/pm"},
		{"Europe/Paris", "2026-06-16T10:59:59Z", "2026-06-16/am"}, // summer time
		{"Europe/Paris", "2026-06-16T11:00:00Z", "2026-06-16/pm"},
		{"Europe/Paris", "2026-10-25T00:30:00Z", "2026-10-25/am"}, // 02:30, the first of two
		{"Europe/Paris", "2026-10-25T01:30:00Z", "2026-10-25/am"}, // 02:30 again
		{"Indian/Reunion", "2026-11-24T08:59:59Z", "2026-11-24/am"},
		{"Indian/Reunion", "2026-11-24T21:00:00Z", "2026-11-25/am"}, // already tomorrow there
		{"America/Martinique", "2026-11-24T16:59:59Z", "2026-11-24/am"},
		{"America/Martinique", "2026-11-25T02:00:00Z", "2026-11-24/pm"}, // still today there
		{"America/Montreal", "2026-11-24T18:00:00Z", "2026-11-24/pm"},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := timetable.HalfDay(at, zone(t, c.zone)); got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.at, c.zone, got, c.want)
		}
	}
}

// A half-day holds exactly its moments: its span begins and ends where the name
// changes, through every change of the clocks.
func TestHalfDaySpan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		loc := zone(t, rapid.SampledFrom(zones()).Draw(t, "zone"))
		from := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
		at := time.Unix(rapid.Int64Range(from, from+4*366*24*3600).Draw(t, "at"), 0)
		half := timetable.HalfDay(at, loc)
		begin, end, err := timetable.HalfDaySpan(half, loc)
		if err != nil {
			t.Fatal(err)
		}
		if at.Before(begin) || !at.Before(end) {
			t.Fatalf("%s is not within %s, %s to %s", at.In(loc), half, begin, end)
		}
		if timetable.HalfDay(begin, loc) != half || timetable.HalfDay(end.Add(-time.Nanosecond), loc) != half {
			t.Fatalf("%s: its ends are of other half-days: %s, %s", half, begin, end)
		}
		if timetable.HalfDay(begin.Add(-time.Nanosecond), loc) == half || timetable.HalfDay(end, loc) == half {
			t.Fatalf("%s goes on beyond its span %s, %s", half, begin, end)
		}
		if d := end.Sub(begin); d < 10*time.Hour || d > 14*time.Hour {
			t.Fatalf("%s lasts %s", half, d)
		}
		if !strings.HasPrefix(half, timetable.Day(at, loc)+"/") {
			t.Fatalf("%s is not of %s", half, timetable.Day(at, loc))
		}
	})
	for _, bad := range []string{"", "2026-11-24", "2026-11-24/", "2026-11-24/noon", "2026-02-30/am", "/am"} {
		if _, _, err := timetable.HalfDaySpan(bad, time.UTC); !errors.Is(err, timetable.ErrDay) {
			t.Errorf("%q: %v, want ErrDay", bad, err)
		}
	}
}

func TestCallTimes(t *testing.T) {
	t.Parallel()
	paris := zone(t, "Europe/Paris")
	for now, want := range map[string]string{
		"08:07:31": "08:05 09:00",
		"08:05:00": "08:05 09:00",
		"08:45:00": "08:45 09:00",
		"08:51:00": "08:50 10:00", // ten minutes are too short
		"08:00:00": "08:00 09:00",
		"23:58:00": "23:55 01:00",
	} {
		at, _ := time.ParseInLocation("2006-01-02 15:04:05", "2026-11-24 "+now, paris)
		from, until := timetable.CallTimes(at, paris)
		if got := from.In(paris).Format("15:04") + " " + until.In(paris).Format("15:04"); got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		loc := zone(t, rapid.SampledFrom(zones()).Draw(t, "zone"))
		now := time.Unix(1_700_000_000+rapid.Int64Range(0, 3*366*24*3600).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		from, until := timetable.CallTimes(now, loc)
		if from.After(now) || now.Sub(from) >= 5*time.Minute || !until.After(now) || from.In(loc).Minute()%5 != 0 ||
			from.Second() != 0 || from.Nanosecond() != 0 || until.In(loc).Minute() != 0 || until.Sub(from) < 15*time.Minute || until.Sub(from) >= 75*time.Minute {
			t.Fatalf("at %s: %s to %s", now.In(loc), from.In(loc), until.In(loc))
		}
	})
}

func at(hour, minute int) time.Time {
	return time.Date(2026, 11, 24, hour, minute, 0, 0, time.UTC)
}

func sitting(id string, from, until time.Time) timetable.Sitting {
	return timetable.Sitting{School: "s", ID: id, Kind: timetable.Lesson, Label: id, ShortLabel: "maths", Day: "2026-11-24",
		StartsAt: from, EndsAt: until, Source: timetable.FromPage, SourceKey: id, Groups: []string{"g"}, Staff: []timetable.Charge{{Person: "roy"}}}
}

func TestCurrent(t *testing.T) {
	t.Parallel()
	off := sitting("off", at(8, 0), at(12, 0))
	off.CancelledAt = at(7, 0)
	day := []timetable.Sitting{
		off,
		sitting("first", at(8, 5), at(9, 0)),
		sitting("second", at(9, 0), at(10, 0)),
		sitting("outing", at(9, 30), at(12, 0)),
		sitting("after", at(14, 0), at(15, 0)),
		sitting("after too", at(14, 5), at(15, 0)),
	}
	for now, want := range map[time.Time]string{
		at(7, 54):  "",
		at(7, 55):  "first",
		at(8, 59):  "first", // it still runs
		at(9, 0):   "second",
		at(9, 30):  "outing", // began last
		at(12, 4):  "outing", // just over
		at(12, 5):  "",
		at(13, 56): "after", // both to come
		at(14, 6):  "after too",
		at(15, 4):  "after too",
		at(15, 5):  "",
	} {
		for range 2 {
			got, ok := timetable.Current(day, now)
			if got.ID != want || ok != (want != "") {
				t.Errorf("at %s: %q, want %q", now.Format("15:04"), got.ID, want)
			}
			slices.Reverse(day)
		}
	}
}

func TestClashes(t *testing.T) {
	t.Parallel()
	one := sitting("one", at(8, 0), at(9, 0))
	next := sitting("next", at(9, 0), at(10, 0))
	otherClass := sitting("other class", at(8, 30), at(8, 45))
	otherClass.Groups = []string{"h"}
	elsewhere := otherClass
	elsewhere.ID, elsewhere.Staff = "elsewhere", nil
	off := sitting("off", at(8, 0), at(9, 0))
	off.CancelledAt = at(7, 0)
	got := timetable.Clashes(one, []timetable.Sitting{one, next, otherClass, elsewhere, off})
	if len(got) != 1 || got[0].ID != "other class" {
		t.Fatalf("clashes: %v", got)
	}
}

func TestShortLabel(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{
		"Mathématiques":                     "maths",
		"MATHEMATIQUES":                     "maths",
		"Histoire-géographie":               "hist-géo",
		"Sciences de la vie et de la Terre": "SVT",
		"Éducation physique et sportive":    "EPS",
		"Permanence":                        "permanence",
		"EPS":                               "EPS",
		"Théâtre":                           "théatre", // GSM has é, and no â
		"Français":                          "francais",
		"Œuvres":                            "oeuvres",
		"Atelier d’écriture":                "atelier",
		"Latin":                             "latin",
		"Grec ancien LCA":                   "grec ancien",
		"Anticonstitutionnellement":         "anticonstituti",
		"数学":                                "cours",
		"":                                  "cours",
		"[maths]":                           "maths",
	} {
		if got := timetable.ShortLabel(label); got != want {
			t.Errorf("%q: %q, want %q", label, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		label := rapid.String().Draw(t, "label")
		if short := timetable.ShortLabel(label); !timetable.FitsMessage(short) {
			t.Fatalf("%q: %q does not fit in a message", label, short)
		}
	})
	for _, bad := range []string{"", "théâtre", "français", "a{b", "quinze lettres!!", " maths", "œuvre", "l’art"} {
		if timetable.FitsMessage(bad) {
			t.Errorf("%q fits in a message", bad)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*timetable.Sitting)
		want   error
	}{
		"as it should be": {func(*timetable.Sitting) {}, nil},
		"no end":          {func(s *timetable.Sitting) { s.EndsAt = s.StartsAt }, timetable.ErrTimes},
		"a week long":     {func(s *timetable.Sitting) { s.EndsAt = s.StartsAt.Add(7 * 24 * time.Hour) }, timetable.ErrTimes},
		"no day":          {func(s *timetable.Sitting) { s.Day = "24/11/2026" }, timetable.ErrDay},
		"no such day":     {func(s *timetable.Sitting) { s.Day = "2026-02-30" }, timetable.ErrDay},
		"no label":        {func(s *timetable.Sitting) { s.Label = " " }, timetable.ErrLabel},
		"short not GSM":   {func(s *timetable.Sitting) { s.ShortLabel = "théâtre" }, timetable.ErrLabel},
		"no kind":         {func(s *timetable.Sitting) { s.Kind = "party" }, timetable.ErrKind},
		"nobody":          {func(s *timetable.Sitting) { s.Groups = nil }, timetable.ErrNobody},
	} {
		s := sitting("one", at(8, 0), at(9, 0))
		c.change(&s)
		if err := s.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
