package attendance

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/timetable"
)

// TestMarksAreNumberedWithoutAGap: across sittings and saves, also when many save at once.
func TestMarksAreNumberedWithoutAGap(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 6)
		var wait sync.WaitGroup
		for i, pupil := range w.pupils {
			wait.Go(func() {
				sitting := []string{maths, french}[i%2]
				err := db.InSchool(database.Urgent(context.Background()), school, func(ctx context.Context, tx database.Tx) error {
					_, err := SaveRoll(ctx, tx, w.journal, w.now, Save{School: school, Sitting: sitting, Day: "2026-11-24", Pupils: w.pupils, By: "a-roy", Origin: FromRoll,
						Entries: w.all(Entry{Pupil: pupil, Value: Absent})})
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		var ns []int64
		w.read(func(ctx context.Context, tx database.Tx) error {
			for n := int64(1); ; n++ {
				k, err := MarkByNumber(ctx, tx, school, n)
				if errors.Is(err, ErrNotFound) {
					return nil
				}
				if err != nil {
					return err
				}
				ns = append(ns, k.N)
			}
		})
		// Twelve first marks, and each save after the first of its sitting marks its own
		// pupil absent: nobody touched the others.
		if len(ns) != 16 {
			t.Errorf("%d marks without a gap, want 16", len(ns))
		}
		for _, sitting := range []string{maths, french} {
			absent := 0
			for _, k := range w.current(sitting) {
				if k.Value == Absent {
					absent++
				}
			}
			if absent != 3 {
				t.Errorf("%s: %d absent, want 3: somebody's absence went missing", sitting, absent)
			}
		}
	})
}

// TestWhatIsUndecided: each absence, and what is said later that day of who was absent;
// nothing else.
func TestWhatIsUndecided(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 4)
		a, b, c := w.pupils[0], w.pupils[1], w.pupils[2]
		settle := func(want ...string) {
			t.Helper()
			var got []string
			for _, k := range w.undecided() {
				got = append(got, k.Sitting+" "+k.Pupil+" "+string(k.Value))
				w.write(school, func(ctx context.Context, tx database.Tx) error { return Settled(ctx, tx, school, k.N) })
			}
			if !slices.Equal(got, want) {
				t.Errorf("undecided: %q, want %q", got, want)
			}
		}
		w.save(maths, "a-roy", w.all(Entry{Pupil: a, Value: Absent}, Entry{Pupil: b, Value: Late, Minutes: 4})...)
		settle("maths " + a + " absent")
		w.save(maths, "a-roy", Entry{Pupil: a, Value: Late, Minutes: 9, Base: w.current(maths)[a].N})
		settle("maths " + a + " late")
		w.save(french, "a-roy", w.all(Entry{Pupil: c, Value: Absent})...)
		settle("francais "+a+" present", "francais "+c+" absent")
		w.save(french, "a-roy", Entry{Pupil: b, Value: Late, Minutes: 2, Base: w.current(french)[b].N})
		settle()
		w.read(func(ctx context.Context, tx database.Tx) error {
			schools, err := SchoolsUndecided(ctx, tx)
			if len(schools) != 0 {
				t.Errorf("schools with undecided marks: %q", schools)
			}
			return err
		})
	})
}

func TestARollOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.SQLite(t), 2)
	err := w.db.InSchool(context.Background(), school, func(ctx context.Context, tx database.Tx) error {
		_, err := SaveRoll(ctx, tx, w.journal, w.now, Save{School: school, Sitting: maths, Day: "2026-11-24", Pupils: w.pupils, By: "a-roy", Origin: FromRoll,
			Entries: []Entry{{Pupil: "sami", Value: Absent}}})
		return err
	})
	if !errors.Is(err, ErrNotInSitting) || len(w.current(maths)) != 0 {
		t.Errorf("%v, %+v", err, w.current(maths))
	}
}

// TestMarksCannotBeChanged attacks the marks with raw SQL, on both engines.
func TestMarksCannotBeChanged(t *testing.T) {
	t.Parallel()
	const columns = "(school, n, sitting, day, pupil, value, minutes, by, at, origin)"
	const values = "('alice-guy', %n, 'maths', '2026-11-24', 'p00', 'present', 0, 'x', '2026-11-24 08:00:00', 'roll')"
	attacks := map[string]string{
		"change":            "UPDATE attendance_marks SET value = 'present' WHERE value = 'absent'",
		"change nothing":    "UPDATE attendance_marks SET at = at",
		"delete":            "DELETE FROM attendance_marks WHERE value = 'absent'",
		"delete all":        "DELETE FROM attendance_marks",
		"a number again":    "INSERT INTO attendance_marks " + columns + " VALUES " + strings.ReplaceAll(values, "%n", "1"),
		"a gap":             "INSERT INTO attendance_marks " + columns + " VALUES " + strings.ReplaceAll(values, "%n", "9"),
		"number nought":     "INSERT INTO attendance_marks " + columns + " VALUES " + strings.ReplaceAll(values, "%n", "0"),
		"replace by upsert": "INSERT INTO attendance_marks " + columns + " VALUES " + strings.ReplaceAll(values, "%n", "1") + " ON CONFLICT (school, n) DO UPDATE SET value = 'present'",
	}
	engine := map[database.Engine]map[string]string{
		database.SQLite: {
			"replace":               "REPLACE INTO attendance_marks " + columns + " VALUES " + strings.ReplaceAll(values, "%n", "1"),
			"insert or replace":     "INSERT OR REPLACE INTO attendance_marks " + columns + " VALUES " + strings.ReplaceAll(values, "%n", "2"),
			"update or replace":     "UPDATE OR REPLACE attendance_marks SET n = 1 WHERE n = 2",
			"replace, triggers off": "PRAGMA recursive_triggers = 0; REPLACE INTO attendance_marks " + columns + " VALUES " + strings.ReplaceAll(values, "%n", "1"),
		},
		database.Postgres: {
			"truncate": "TRUNCATE attendance_marks CASCADE",
		},
	}
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 2)
		w.save(maths, "a-roy", w.all(Entry{Pupil: w.pupils[0], Value: Absent})...)
		before := w.current(maths)
		mine := maps.Clone(attacks)
		maps.Copy(mine, engine[db.Engine()])
		for name, statement := range mine {
			// By the guard itself: other tables' keys refuse some of these as well.
			err := db.Statement(context.Background(), statement)
			if err == nil || !strings.Contains(err.Error(), "attendance: marks are ") {
				t.Errorf("%s: not refused by the guard: %v", name, err)
			}
		}
		after := w.current(maths)
		if len(after) != len(before) || after[w.pupils[0]] != before[w.pupils[0]] || after[w.pupils[1]] != before[w.pupils[1]] {
			t.Errorf("the marks changed: %+v, were %+v", after, before)
		}
	})
}

func TestAbsentPupils(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 4)
		w.save(maths, "a-roy", w.all(Entry{Pupil: w.pupils[0], Value: Absent}, Entry{Pupil: w.pupils[1], Value: Absent})...)
		w.save(french, "a-roy", w.all(Entry{Pupil: w.pupils[1], Value: Absent}, Entry{Pupil: w.pupils[2], Value: Late, Minutes: 3})...)
		w.read(func(ctx context.Context, tx database.Tx) error {
			absent, err := AbsentPupils(ctx, tx, school, "2026-11-24")
			if !slices.Equal(absent, []string{w.pupils[1]}) {
				t.Errorf("absent now: %q", absent)
			}
			if tomorrow, _ := AbsentPupils(ctx, tx, school, "2026-11-25"); len(tomorrow) != 0 {
				t.Errorf("absent tomorrow: %q", tomorrow)
			}
			marks, err2 := OfPupils(ctx, tx, school, w.pupils[:2], "2026-11-24")
			if len(marks) != 2 || len(marks[w.pupils[1]]) != 2 || marks[w.pupils[1]][0].Sitting != maths {
				t.Errorf("marks of the day: %+v", marks)
			}
			return errors.Join(err, err2)
		})
	})
}

func TestToday(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 5)
		w.write(school, func(ctx context.Context, tx database.Tx) error {
			meal := w.sitting(school, "repas", "Repas", "1re5", "petit", 8, 0)
			meal.Kind = timetable.Canteen
			gone := w.sitting(school, "chorale", "Chorale", "1re5", "petit", 8, 0)
			gone.CancelledAt = w.at(7, 0)
			return timetable.Add(ctx, tx, meal, gone)
		})
		uncalled := func(now time.Time) []string {
			t.Helper()
			var out []string
			w.read(func(ctx context.Context, tx database.Tx) error {
				all, err := Uncalled(ctx, tx, school, now, "2026-11-24")
				for _, u := range all {
					out = append(out, u.Sitting.ID+" "+u.Classes+" "+strings.Join(u.Staff, ",")+" "+u.For.String())
				}
				return err
			})
			return out
		}
		if got := uncalled(w.at(8, 14)); len(got) != 0 {
			t.Errorf("nine minutes after: %q", got)
		}
		if got, want := uncalled(w.at(8, 15)), []string{"maths 2de 3 Camille Roy 10m0s", "histoire 1re 5 Paul Petit 10m0s"}; !slices.Equal(got, want) {
			t.Errorf("ten minutes after: %q, want %q", got, want)
		}
		w.save(maths, "a-roy", w.all(Entry{Pupil: w.pupils[0], Value: Absent}, Entry{Pupil: w.pupils[1], Value: Late, Minutes: 3})...)
		w.save(maths, "a-roy", Entry{Pupil: w.pupils[2], Value: Absent, Base: w.current(maths)[w.pupils[2]].N})
		if got, want := uncalled(w.at(9, 20)), []string{"francais 2de 3 Camille Roy 15m0s", "histoire 1re 5 Paul Petit 1h15m0s"}; !slices.Equal(got, want) {
			t.Errorf("after the roll of maths: %q, want %q", got, want)
		}
		w.read(func(ctx context.Context, tx database.Tx) error {
			day, err := DayOf(ctx, tx, school, "roy", "2026-11-24")
			if err != nil || len(day) != 2 {
				t.Fatalf("%v %+v", err, day)
			}
			if d := day[0]; d.Sitting.ID != maths || !d.Called || !d.SavedAt.Equal(w.now) || d.Classes != "2de 3" || d.Sums != (Sums{Present: 2, Absent: 2, Late: 1}) {
				t.Errorf("%+v", d)
			}
			if d := day[1]; d.Sitting.ID != french || d.Called || d.Sums != (Sums{}) {
				t.Errorf("%+v", d)
			}
			none, err := DayOf(ctx, tx, school, "roy", "2026-11-25")
			if len(none) != 0 {
				t.Errorf("tomorrow: %+v", none)
			}
			return err
		})
	})
}
