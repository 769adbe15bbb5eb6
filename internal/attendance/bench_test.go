package attendance

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportCPU reports the processor time of one turn, waiting for the disk apart.
func reportCPU(b *testing.B, from time.Duration) {
	b.ReportMetric(float64((cpu(b)-from).Microseconds())/float64(b.N)/1000, "cpu-ms/op")
}

// BenchmarkSaveRoll saves rolls of 36 pupils with three absences and one who is late,
// class after class, each for the first time: what a morning costs. The target is 2 ms
// of processor time a roll, fsync apart.
func BenchmarkSaveRoll(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, open(b), 36)
			w.crowd()
			w.addSittings(max(b.N, classes))
			forms := make([]string, classes)
			for c := range forms {
				first := fmt.Sprintf("c%02d-", c)
				forms[c] = w.form("roy", benchID(c), map[string]string{first + "01": "absent", first + "17": "absent", first + "31": "absent", first + "23": "late 8"}).Encode()
			}
			h := w.site()
			b.ResetTimer()
			from := cpu(b)
			for i := range b.N {
				res := post(h, "/roll/"+benchID(i), forms[i%classes])
				if res.Code != http.StatusSeeOther {
					b.Fatalf("%d %s", res.Code, res.Body)
				}
			}
			reportCPU(b, from)
		})
	}
}

// BenchmarkRollPage shows a saved roll of 36 pupils.
func BenchmarkRollPage(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, open(b), 36)
			w.crowd()
			w.save(maths, "a-roy", w.all(Entry{Pupil: w.pupils[1], Value: Absent})...)
			h := w.site()
			b.ResetTimer()
			from := cpu(b)
			for range b.N {
				r := httptest.NewRequest("GET", "/roll/maths", nil)
				r.AddCookie(&http.Cookie{Name: "as", Value: "roy"})
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				if rec.Code != http.StatusOK {
					b.Fatal(rec.Code)
				}
			}
			reportCPU(b, from)
		})
	}
}

// BenchmarkToday reads a teacher's day and the office's list of rolls not called in a
// large school.
func BenchmarkToday(b *testing.B) {
	w := newWorld(b, databasetest.SQLite(b), 36)
	w.crowd()
	w.save(maths, "a-roy", w.all()...)
	b.Run("teacher", func(b *testing.B) {
		from := cpu(b)
		for range b.N {
			w.read(func(ctx context.Context, tx database.Tx) error {
				_, err := DayOf(ctx, tx, school, "roy", "2026-11-24")
				return err
			})
		}
		reportCPU(b, from)
	})
	b.Run("office", func(b *testing.B) {
		from := cpu(b)
		for range b.N {
			w.read(func(ctx context.Context, tx database.Tx) error {
				_, err := Uncalled(ctx, tx, school, w.at(8, 30), "2026-11-24")
				return err
			})
		}
		reportCPU(b, from)
	})
}

func post(h http.Handler, path, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "as", Value: "roy"})
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// classes is how many classes a crowd has beside 2de 3.
const classes = 33

func benchID(i int) string { return "bench-" + strconv.Itoa(i) }

// addSittings adds n lessons with Camille Roy, of each class of the crowd in turn.
func (w *world) addSittings(n int) {
	w.t.Helper()
	w.write(school, func(ctx context.Context, tx database.Tx) error {
		all := make([]timetable.Sitting, n)
		for i := range all {
			all[i] = w.sitting(school, benchID(i), "Physique-chimie", fmt.Sprintf("c%02d", i%classes), "roy", 8, 5)
		}
		return timetable.Add(ctx, tx, all...)
	})
}

// crowd makes the school as large as the target says: 1,200 pupils in 34 classes, each
// with a teacher of its own, eight lessons a day, and the marks of the week before.
func (w *world) crowd() {
	w.t.Helper()
	w.write(school, func(ctx context.Context, tx database.Tx) error {
		var b directory.Batch
		var sittings []timetable.Sitting
		var marks []Mark
		for c := range classes {
			group, teacher := fmt.Sprintf("c%02d", c), fmt.Sprintf("t%02d", c)
			b.Groups = append(b.Groups, directory.Group{School: school, ID: group, Kind: "class", Code: group, Label: "2de " + group})
			b.People = append(b.People, directory.Person{School: school, ID: teacher, Kind: directory.KindStaff, Source: "hand", SourceKey: teacher, LastName: teacher, FirstName: "A"})
			var pupils []string
			for i := range 36 {
				id := fmt.Sprintf("%s-%02d", group, i)
				if i%2 == 0 { // ids of real pupils do not lie class by class
					id = fmt.Sprintf("%02d-%s", i, group)
				}
				pupils = append(pupils, id)
				b.People = append(b.People, directory.Person{School: school, ID: id, Kind: directory.KindPupil, Source: "hand", SourceKey: id, LastName: id, FirstName: "A"})
				b.Members = append(b.Members, directory.Member{School: school, Grp: group, Person: id})
			}
			for day := range 6 { // the sixth is today
				for hour := range 8 {
					s := w.sitting(school, fmt.Sprintf("%s-%d-%d", group, day, hour), "Anglais", group, teacher, 8+hour, 5)
					s.At(s.StartsAt.AddDate(0, 0, day-5), s.EndsAt.AddDate(0, 0, day-5), w.zone)
					sittings = append(sittings, s)
					if day == 5 {
						continue
					}
					for i, p := range pupils {
						k := Mark{School: school, N: int64(len(marks)) + 1, Sitting: s.ID, Day: s.Day, Pupil: p, Value: Present, By: "x", At: s.StartsAt, Origin: FromRoll}
						if i == hour {
							k.Value = Absent
						}
						marks = append(marks, k)
					}
				}
			}
		}
		if err := directory.Add(ctx, tx, b); err != nil {
			return err
		}
		if err := timetable.Add(ctx, tx, sittings...); err != nil {
			return err
		}
		for part := range slices.Chunk(marks, 500) {
			if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if w.db.Engine() == database.Postgres { // as its autovacuum does within the minute
		if err := w.db.Statement(context.Background(), "ANALYZE"); err != nil {
			w.t.Fatal(err)
		}
	}
}
