package attendance

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
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

// BenchmarkSaveRoll saves a roll of 36 pupils with three absences, first save after
// first save, each on a sitting of its own: what a class costs at 08:05. The target is
// 2 ms of processor time, fsync apart.
func BenchmarkSaveRoll(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *database.DB{"sqlite": databasetest.SQLite, "postgres": databasetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, open(b), 36)
			w.addSittings(b.N, "roy", 8, 1)
			form := w.form("roy", "bench-0", map[string]string{w.pupils[1]: "absent", w.pupils[2]: "absent", w.pupils[3]: "absent", w.pupils[4]: "late 8"})
			h := w.site()
			b.ResetTimer()
			from := cpu(b)
			for i := range b.N {
				res := w.post(h, "/roll/"+benchID(i), form)
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
// school of 40 classes with 8 sittings each.
func BenchmarkToday(b *testing.B) {
	w := newWorld(b, databasetest.SQLite(b), 36)
	w.addSittings(320, "petit", 8, 8)
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

func (w *world) post(h http.Handler, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "as", Value: "roy"})
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

func benchID(i int) string { return "bench-" + strconv.Itoa(i) }

// addSittings adds n lessons of 2de 3 with somebody, at each of so many hours in turn.
func (w *world) addSittings(n int, staff string, first, hours int) {
	w.t.Helper()
	w.write(school, func(ctx context.Context, tx database.Tx) error {
		all := make([]timetable.Sitting, n)
		for i := range all {
			all[i] = w.sitting(school, benchID(i), "Physique-chimie", "2de3", staff, first+i%hours, 5)
		}
		return timetable.Add(ctx, tx, all...)
	})
}
