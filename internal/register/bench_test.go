package register_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/register"
	"github.com/preau-ent/preau/internal/timetable"
)

// BenchmarkMonth reads one month of a school of 1,200 at 6 % after so many school days: what the
// page of the register does. The 180th day should cost what the 20th does.
func BenchmarkMonth(b *testing.B) {
	for _, engine := range []func(testing.TB) *database.DB{databasetest.SQLite, databasetest.Postgres} {
		for _, days := range []int{20, 180} {
			db := engine(b)
			town := fictional.School(1, fictional.Options{})
			year(b, db, town, days)
			if err := db.Statement(b.Context(), "ANALYZE"); err != nil { // PostgreSQL does so by itself each minute
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s-day%d", db.Engine(), days), func(b *testing.B) {
				last := town.Tuesday.AddDate(0, 0, days*7/5)
				from, until := last.AddDate(0, 0, -30).Format(time.DateOnly), last.Format(time.DateOnly)
				for b.Loop() {
					err := db.Read(b.Context(), func(ctx context.Context, tx database.Tx) error {
						all, err := register.Read(ctx, tx, town.School, town.Tuesday.Location(), from, until, nil)
						if len(all) < 500 {
							b.Fatalf("only %d half-days", len(all))
						}
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// year fills school days after the Tuesday: each class six hours a day, 6 % of it absent.
func year(b *testing.B, db *database.DB, town fictional.Town, days int) {
	b.Helper()
	if err := fictional.Save(b.Context(), db, town); err != nil {
		b.Fatal(err)
	}
	school, zone := town.School.ID, town.Tuesday.Location()
	classes := map[string][]string{}
	for _, m := range town.Rows.Members {
		classes[m.Grp] = append(classes[m.Grp], m.Person)
	}
	var groups []directory.Group
	for _, g := range town.Rows.Groups {
		if g.Kind == "class" {
			groups = append(groups, g)
		}
	}
	n := int64(0)
	for d := range days {
		day := town.Tuesday.AddDate(0, 0, 1+d*7/5)
		err := db.InSchool(b.Context(), school, func(ctx context.Context, tx database.Tx) error {
			var sittings []timetable.Sitting
			var marks []attendance.Mark
			for _, g := range groups {
				for hour := range 6 {
					id := fmt.Sprintf("%s-%d-%d", g.ID, d, hour)
					s := timetable.Sitting{School: school, ID: id, Kind: timetable.Lesson, Label: "Sport", ShortLabel: "sport", Source: timetable.FromPage, SourceKey: id, Groups: []string{g.ID}}
					starts := time.Date(day.Year(), day.Month(), day.Day(), 8+hour, 5, 0, 0, zone)
					s.At(starts, starts.Add(55*time.Minute), zone)
					sittings = append(sittings, s)
					for i, pupil := range classes[g.ID] {
						if (i+d*3+hour/3)%17 == 0 {
							n++
							marks = append(marks, attendance.Mark{School: school, N: n, Sitting: id, Day: s.Day, Pupil: pupil, Value: attendance.Absent, By: "x", At: starts, Origin: attendance.FromRoll})
						}
					}
				}
			}
			if err := timetable.Add(ctx, tx, sittings...); err != nil {
				return err
			}
			_, err := tx.NewInsert().Model(&marks).Exec(ctx)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
