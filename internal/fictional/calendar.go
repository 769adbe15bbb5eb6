package fictional

import (
	"time"

	"github.com/preau-ent/preau/internal/timetable"
)

// DemoTuesday is the school Tuesday at 08:00 with which a demonstration begins: the
// day itself if it is a Tuesday, else the last one before, that is no holiday by
// Closures (which has all of July and August).
func DemoTuesday(today time.Time, loc *time.Location) time.Time {
	y, m, d := today.In(loc).Date()
	for {
		t := time.Date(y, m, d, 8, 0, 0, 0, loc)
		if t.Weekday() == time.Tuesday {
			if _, closed := timetable.ClosedOn(Closures(schoolYear(t)), timetable.Day(t, loc)); !closed {
				return t
			}
		}
		d--
	}
}

// schoolYear is the calendar year in which the school year of a day began.
func schoolYear(t time.Time) int {
	if t.Month() < time.August {
		return t.Year() - 1
	}
	return t.Year()
}

// Closures are the holidays of the school year that begins in September of a year, in
// the manner of France but of no real zone: four times two weeks, the public holidays,
// July and August before and after. School and id are empty.
func Closures(year int) []timetable.Closure {
	var all []timetable.Closure
	add := func(reason string, from time.Time, days int) {
		all = append(all, timetable.Closure{FromOn: from.Format(time.DateOnly), UntilOn: from.AddDate(0, 0, days-1).Format(time.DateOnly), Reason: reason})
	}
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	// saturday is the first one on or after a day.
	saturday := func(y int, m time.Month, d int) time.Time {
		t := date(y, m, d)
		return t.AddDate(0, 0, (int(time.Saturday)-int(t.Weekday())+7)%7)
	}
	easter := easterSunday(year + 1)
	add("Vacances d'été", date(year, time.July, 1), 62)
	add("Vacances de la Toussaint", saturday(year, time.October, 17), 16)
	add("Armistice de 1918", date(year, time.November, 11), 1)
	add("Vacances de Noël", saturday(year, time.December, 19), 16)
	add("Vacances d'hiver", saturday(year+1, time.February, 13), 16)
	add("Lundi de Pâques", easter.AddDate(0, 0, 1), 1)
	add("Vacances de printemps", saturday(year+1, time.April, 10), 16)
	add("Fête du travail", date(year+1, time.May, 1), 1)
	add("Victoire de 1945", date(year+1, time.May, 8), 1)
	add("Ascension", easter.AddDate(0, 0, 39), 2)
	add("Lundi de Pentecôte", easter.AddDate(0, 0, 50), 1)
	add("Vacances d'été", date(year+1, time.July, 1), 62)
	return all
}

// easterSunday is computed by the Gregorian rule (Meeus, Jones and Butcher).
func easterSunday(y int) time.Time {
	a, b, c := y%19, y/100, y%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	return time.Date(y, time.Month((h+l-7*m+114)/31), (h+l-7*m+114)%31+1, 0, 0, 0, 0, time.UTC)
}
