package whereabouts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/timetable"
)

func zoneOf(t interface{ Fatal(...any) }, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestWeeklyOverTheClockChange: every Tuesday from two to four is from two to four by the clock
// on the wall, before and after the clocks change, wherever the school is.
func TestWeeklyOverTheClockChange(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Paris", "America/Toronto", "Indian/Reunion", "America/Havana", "Africa/Cairo", "Pacific/Auckland"}
	rapid.Check(t, func(t *rapid.T) {
		zone := zoneOf(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		first := time.Date(2026, time.August, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 300).Draw(t, "first"))
		days := rapid.IntRange(0, longestWeekly).Draw(t, "days")
		from, until := rapid.IntRange(7*60, 18*60).Draw(t, "from"), 0
		until = rapid.IntRange(from+1, 19*60).Draw(t, "until")
		weekdays := rapid.SliceOfNDistinct(rapid.IntRange(1, 7), 1, 7, rapid.ID[int]).Draw(t, "weekdays")
		p := Plan{FromOn: first.Format(dayForm), UntilOn: first.AddDate(0, 0, days).Format(dayForm), FromHour: clock(from), UntilHour: clock(until)}
		for _, d := range weekdays {
			p.Weekdays += fmt.Sprint(d)
		}
		got := p.Occurrences(zone)
		want := 0
		for i := range days + 1 {
			if strings.ContainsRune(p.Weekdays, weekday(first.AddDate(0, 0, i))) {
				want++
			}
		}
		if len(got) != want {
			t.Fatalf("%d times, want %d", len(got), want)
		}
		for i, s := range got {
			a, b := s.From.In(zone), s.Until.In(zone)
			if a.Format(hourForm) != p.FromHour || b.Format(hourForm) != p.UntilHour {
				t.Fatalf("on the wall: %s to %s, said %s to %s", a, b, p.FromHour, p.UntilHour)
			}
			day := a.Format(dayForm)
			if day != b.Format(dayForm) || day < p.FromOn || day > p.UntilOn || !slices.Contains(weekdays, (int(a.Weekday())+6)%7+1) {
				t.Fatalf("not one of its days: %s", a)
			}
			if i > 0 && !got[i-1].Until.Before(s.From) {
				t.Fatalf("not in order: %s, %s", got[i-1].Until, s.From)
			}
		}
	})
}

func clock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// TestWholeDays: without hours a plan covers every moment of its days and none of others, also
// where a day has 23 or 25 hours or begins at one.
func TestWholeDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := zoneOf(t, rapid.SampledFrom([]string{"Europe/Paris", "America/Havana", "America/Santiago"}).Draw(t, "zone"))
		first := time.Date(2026, time.August, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 365).Draw(t, "first"))
		days := rapid.IntRange(0, longestOnce).Draw(t, "days")
		p := Plan{FromOn: first.Format(dayForm), UntilOn: first.AddDate(0, 0, days).Format(dayForm)}
		got := p.Occurrences(zone)
		if len(got) != 1 {
			t.Fatalf("%d times", len(got))
		}
		s := got[0]
		in := timetable.Day(s.From, zone) == p.FromOn && timetable.Day(s.Until.Add(-time.Second), zone) == p.UntilOn
		out := timetable.Day(s.From.Add(-time.Second), zone) < p.FromOn && timetable.Day(s.Until, zone) > p.UntilOn
		if !in || !out {
			t.Fatalf("%s to %s is not %s to %s", s.From.In(zone), s.Until.In(zone), p.FromOn, p.UntilOn)
		}
	})
}

func TestPlansThatCannotBe(t *testing.T) {
	t.Parallel()
	zone := zoneOf(t, "Europe/Paris")
	now := time.Date(2026, time.November, 24, 8, 12, 0, 0, zone)
	good := Plan{Reason: "announced", Via: ByPhone, FromOn: "2026-11-24", UntilOn: "2026-11-24"}
	if err := good.Check(now, zone); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Plan){
		"no such reason":                   func(p *Plan) { p.Reason = "flu" },
		"inside is no reason to be away":   func(p *Plan) { p.Reason = "infirmary" },
		"no such way":                      func(p *Plan) { p.Via = "pigeon" },
		"not a day":                        func(p *Plan) { p.FromOn = "24/11/2026" },
		"ends before it begins":            func(p *Plan) { p.UntilOn = "2026-11-23" },
		"five months without a break":      func(p *Plan) { p.UntilOn = "2027-04-24" },
		"three months ago":                 func(p *Plan) { p.FromOn = "2026-08-20" },
		"hours in the wrong order":         func(p *Plan) { p.FromHour, p.UntilHour = "10:00", "09:00" },
		"not an hour":                      func(p *Plan) { p.FromHour = "8h" },
		"not a weekday":                    func(p *Plan) { p.Weekdays = "8" },
		"two years of Tuesdays":            func(p *Plan) { p.Weekdays, p.UntilOn = "2", "2028-11-24" },
		"a family announces last month":    func(p *Plan) { p.Claimant, p.FromOn = "nadia", "2026-10-24" },
		"a family announces a year ahead":  func(p *Plan) { p.Claimant, p.FromOn, p.UntilOn = "nadia", "2027-11-01", "2027-11-02" },
		"an hour that begins with a blank": func(p *Plan) { p.FromHour = " 8:00" },
	} {
		p := good
		change(&p)
		if err := p.Check(now, zone); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
