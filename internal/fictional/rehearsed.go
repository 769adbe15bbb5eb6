package fictional

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// DaysBefore are the last n school days before a town's Tuesday, at 08:00, in order.
func (t Town) DaysBefore(n int) []time.Time {
	var days []time.Time
	for d := t.Tuesday.AddDate(0, 0, -1); len(days) < n; d = d.AddDate(0, 0, -1) {
		if next, err := timetable.SchoolDayAfter(t.Closures, d.AddDate(0, 0, -1).Format(time.DateOnly), 1); err == nil && next == d.Format(time.DateOnly) {
			days = append([]time.Time{d}, days...)
		}
	}
	return days
}

// CallEmpty calls one roll of a day, of the study hall, on which nobody is absent: a day of
// a town's past.
func CallEmpty(ctx context.Context, tx database.Tx, j *journal.Journal, t Town, at time.Time) error {
	zone, err := t.School.Location()
	if err != nil {
		return err
	}
	s := timetable.Sitting{School: t.School.ID, ID: "before-" + at.In(zone).Format(time.DateOnly), Kind: timetable.Study, Label: "Étude", ShortLabel: "etude", Room: "CDI",
		Source: timetable.Fictional, SourceKey: at.Format(time.DateOnly), Groups: []string{t.Cast.Class}, Staff: []timetable.Charge{{Person: t.Cast.Supervisor}}}
	s.At(at, at.Add(55*time.Minute), zone)
	if err := timetable.Add(ctx, tx, s); err != nil {
		return err
	}
	people, err := timetable.Pupils(ctx, tx, t.School.ID, s)
	if err != nil {
		return err
	}
	roll := attendance.Save{School: t.School.ID, Sitting: s.ID, Day: s.Day, By: t.Cast.Supervisor, Origin: attendance.FromRoll}
	for _, p := range people {
		roll.Pupils = append(roll.Pupils, p.ID)
		roll.Entries = append(roll.Entries, attendance.Entry{Pupil: p.ID, Value: attendance.Present})
	}
	_, err = attendance.SaveRoll(ctx, tx, j, at, roll)
	return err
}
