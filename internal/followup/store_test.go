package followup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/classroom"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// weeks is the small town from its Tuesday on, with a lesson of its class on every school day.
type weeks struct {
	t      *testing.T
	db     *database.DB
	town   fictional.Town
	now    time.Time
	zone   *time.Location
	pages  *Pages
	routes *page.Routes
	as     page.Viewer
	waited map[string][]string // pupils by the day on which they waited in our line
	long   map[string]bool     // days
}

func newWeeks(t *testing.T, db *database.DB) *weeks {
	t.Helper()
	w := &weeks{t: t, db: db, town: fictional.Small(time.Time{}), waited: map[string][]string{}, long: map[string]bool{}}
	w.now, w.zone = w.town.Tuesday, w.town.Tuesday.Location()
	j, err := journal.New(make([]byte, journal.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	if err := fictional.Save(t.Context(), db, w.town); err != nil {
		t.Fatal(err)
	}
	w.in(func(ctx context.Context, tx database.Tx) error {
		for i := range 12 {
			id := fmt.Sprint("day-", i)
			s := timetable.Sitting{School: w.town.School.ID, ID: id, Kind: timetable.Lesson, Label: "Maths", ShortLabel: "maths", Source: timetable.FromPage, SourceKey: id, Groups: []string{"2de3"}, Staff: []timetable.Charge{{Person: "roy"}}}
			start := time.Date(2026, time.November, 24+i, 10, 5, 0, 0, w.zone)
			if wd := start.Weekday(); wd == time.Saturday || wd == time.Sunday {
				continue
			}
			s.At(start, start.Add(55*time.Minute), w.zone)
			if err := timetable.Add(ctx, tx, s); err != nil {
				return err
			}
		}
		_, err := tx.NewRaw("INSERT INTO classroom_pulses (node, first_at, at, machine_at) VALUES ('here', '2026-11-01 00:00:00', '2026-12-31 00:00:00', '2026-12-31 00:00:00')").Exec(ctx)
		return err
	})
	evidence := &classroom.Evidence{Machine: func() time.Time { return w.now }, Lines: func(_ context.Context, _ database.Tx, _ string, pupils []string, from, until time.Time) (map[string]classroom.Line, error) {
		out := map[string]classroom.Line{}
		for _, p := range pupils {
			var l classroom.Line
			for at := from; at.Before(until); at = at.Add(24 * time.Hour) {
				day := timetable.Day(at, w.zone)
				morning, _ := time.ParseInLocation(time.DateOnly, day, w.zone)
				hour := classroom.Span{From: morning.Add(10 * time.Hour), Until: morning.Add(11 * time.Hour)}
				if slices.Contains(w.waited[day], p) {
					l.Waited = append(l.Waited, hour)
				}
				if w.long[day] {
					l.Long = append(l.Long, hour)
				}
			}
			out[p] = l
		}
		return out, nil
	}}
	words, err := page.NewWords(Words)
	if err != nil {
		t.Fatal(err)
	}
	w.pages = &Pages{DB: db, Followup: &Followup{Journal: j, Evidence: evidence}, Now: func() time.Time { return w.now }}
	w.routes = page.NewRoutes(&page.Site{Words: words, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Zone: w.zone, Viewer: func(*http.Request) (page.Viewer, bool) { return w.as, true }})
	w.pages.Register(w.routes)
	return w
}

func (w *weeks) in(fn func(context.Context, database.Tx) error) {
	w.t.Helper()
	if err := w.db.InSchool(w.t.Context(), w.town.School.ID, fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *weeks) ask(role page.Role, method, path string, fields ...string) (int, string) {
	w.t.Helper()
	w.as = page.Viewer{ID: string(role), Account: "a-" + string(role), School: w.town.School.ID, Role: role, Zone: w.zone}
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	rec := httptest.NewRecorder()
	w.routes.ServeHTTP(rec, r)
	return rec.Code, page.Plain(rec.Body.String())
}

// named gives who is named on a day, and why.
func (w *weeks) named(day int) map[string]Because {
	w.t.Helper()
	w.now = time.Date(2026, time.November, day, 18, 0, 0, 0, w.zone)
	out := map[string]Because{}
	w.in(func(ctx context.Context, tx database.Tx) error {
		all, _, err := w.pages.Followup.Names(ctx, tx, w.town.School.ID, nil, w.now, w.zone)
		for _, n := range all {
			out[n.Pupil.ID] = n.Why.Because
		}
		return err
	})
	return out
}

const purpose = "Retrouver les élèves dont nous n'avons plus de nouvelles depuis la fermeture"

// It is off, and keeps nothing, until the head says what for; and its end removes what it kept.
func TestOffUntilTheHeadOpens(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWeeks(t, db)
		pages := func() (n int) {
			w.in(func(ctx context.Context, tx database.Tx) error {
				return tx.NewRaw("SELECT (SELECT count(*) FROM followup_pages) + (SELECT count(*) FROM followup_notes)").Scan(ctx, &n)
			})
			return n
		}
		keep := func() {
			t.Helper()
			w.pages.Opened(w.town.School.ID, "lea")
			if err := w.pages.Keep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		keep()
		if pages() != 0 {
			t.Error("it keeps before anybody opened it")
		}
		if status, body := w.ask(page.CPE, "GET", "/followup"); status != 200 || !strings.Contains(body, "n'est pas ouvert") || strings.Contains(body, "followup/open") {
			t.Error("the CPE reads that it is off, and opens nothing", status)
		}
		// A teacher who leads no class finds nothing there.
		for role, want := range map[page.Role]int{page.Secretary: 403, page.Teacher: 404, page.Pupil: 403, page.Guardian: 403} {
			if status, _ := w.ask(role, "GET", "/followup"); status != want {
				t.Errorf("%s reads it: %d, want %d", role, status, want)
			}
		}
		if status, _ := w.ask(page.CPE, "POST", "/followup/open", "purpose", purpose, "days", "3", "until", "2027-07-01"); status != 403 {
			t.Error("the CPE opens it", status)
		}
		if status, _ := w.ask(page.Head, "POST", "/followup/open", "purpose", "suivi", "days", "3", "until", "2027-07-01"); status != 422 {
			t.Error("without a purpose", status)
		}
		if status, _ := w.ask(page.Head, "POST", "/followup/open", "purpose", purpose, "days", "3", "until", "2027-07-01"); status != 303 {
			t.Fatal(status)
		}
		if status, _ := w.ask(page.Head, "POST", "/followup/open", "purpose", purpose, "days", "3", "until", "2027-07-01"); status != 409 {
			t.Error("opened twice", status)
		}
		keep()
		if status, _ := w.ask(page.CPE, "POST", "/followup/pupils/lea/note", "what", "called"); status != 303 {
			t.Error(status)
		}
		if status, _ := w.ask(page.CPE, "POST", "/followup/pupils/nadia/note", "what", "called"); status != 404 {
			t.Error("a guardian is no pupil", status)
		}
		if status, body := w.ask(page.CPE, "GET", "/followup/pupils/lea"); status != 200 || !strings.Contains(body, "a ouvert Préau") || !strings.Contains(body, "Appelé, sans réponse") {
			t.Error("Léa's line", status)
		}
		if pages() != 2 {
			t.Error("a page and a note are kept", pages())
		}
		w.now = time.Date(2027, time.July, 4, 9, 0, 0, 0, w.zone)
		if err := w.pages.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if pages() != 0 {
			t.Error("its end removes what it kept")
		}
		if status, body := w.ask(page.Head, "GET", "/followup"); status != 200 || !strings.Contains(body, "n'est pas ouvert") {
			t.Error("it is over", status)
		}
	})
}

// Who gives no sign is named, who gives any is not, and what was our own doing names nobody.
func TestWhoMakesNoNoise(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWeeks(t, db)
		if status, _ := w.ask(page.Head, "POST", "/followup/open", "purpose", purpose, "days", "3", "until", "2027-07-01"); status != 303 {
			t.Fatal(status)
		}
		// Malo is on every roll, Nora opens a page each day, Awa stands in our line, Ewen is ill as
		// his family said. Of Léa there is nothing. Sami is expected on one day alone.
		w.in(func(ctx context.Context, tx database.Tx) error {
			return attendance.State(ctx, tx, w.pages.Followup.Journal, w.now, attendance.Statement{School: w.town.School.ID, Pupil: "ewen", Says: attendance.Elsewhere, Reason: attendance.Announced, FromAt: w.now, UntilAt: w.now.AddDate(0, 0, 20), By: "x"})
		})
		for _, day := range []int{24, 25, 26, 27, 30} {
			w.now = time.Date(2026, time.November, day, 10, 10, 0, 0, w.zone)
			date := w.now.Format(time.DateOnly)
			w.waited[date] = []string{"awa"}
			w.pages.Opened(w.town.School.ID, "nora")
			if err := w.pages.Keep(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.in(func(ctx context.Context, tx database.Tx) error {
				_, err := attendance.SaveRoll(ctx, tx, w.pages.Followup.Journal, w.now, attendance.Save{School: w.town.School.ID, Sitting: fmt.Sprint("day-", day-24), Day: date, Pupils: []string{"lea", "malo"}, By: "x", Origin: attendance.FromRoll,
					Entries: []attendance.Entry{{Pupil: "malo", Value: attendance.Present}, {Pupil: "lea", Value: attendance.Absent}}})
				return err
			})
		}
		for day, want := range map[int]int{26: 0, 27: 1, 30: 1} {
			got := w.named(day)
			if len(got) != want || want == 1 && got["lea"] != Silent {
				t.Errorf("on the %d: %v", day, got)
			}
		}
		// On a day with a long line of ours nothing can be said.
		w.long["2026-11-25"] = true
		if got := w.named(27); len(got) != 0 {
			t.Errorf("our line was long: %v", got)
		}
		if got := w.named(30); len(got) != 1 {
			t.Errorf("and a day later: %v", got)
		}
		// A sign of today is a sign.
		w.now = time.Date(2026, time.November, 30, 18, 0, 0, 0, w.zone)
		w.pages.Opened(w.town.School.ID, "lea")
		if err := w.pages.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.named(30); len(got) != 0 {
			t.Errorf("Léa opened a page: %v", got)
		}
	})
}

// A page that was opened is a sign of its own day, also where it is written on the next one, and
// where it could not be written at first.
func TestALookIsKept(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWeeks(t, db)
		w.in(func(ctx context.Context, tx database.Tx) error {
			_, err := w.pages.Followup.Open(ctx, tx, Period{School: w.town.School.ID, Purpose: purpose, Days: 2, UntilOn: "2026-12-01", OpenedBy: "a"}, w.now, w.zone)
			return err
		})
		w.now = time.Date(2026, time.November, 24, 23, 59, 50, 0, w.zone)
		w.pages.Opened(w.town.School.ID, "lea")
		w.pages.Opened("left", "nora") // a school that is no more keeps nothing waiting
		w.now = w.now.Add(20 * time.Second)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.pages.Keep(gone); err == nil {
			t.Fatal("it was written without a database")
		}
		if err := w.pages.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		var days []string
		if err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			return tx.NewRaw("SELECT day FROM followup_pages WHERE person = 'lea'").Scan(ctx, &days)
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(days, []string{"2026-11-24"}) {
			t.Errorf("kept for %v", days)
		}
		if w.pages.looked != nil {
			t.Errorf("still waiting: %v", w.pages.looked)
		}
	})
}

// A period of any length is read in as many statements as one day.
func TestAPeriodIsReadAtOnce(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWeeks(t, db)
		if status, _ := w.ask(page.Head, "POST", "/followup/open", "purpose", purpose, "days", "5", "until", "2027-07-01"); status != 303 {
			t.Fatal(status)
		}
		var asked atomic.Int64
		w.pages.DB = db.Counting(&asked)
		counts := map[int]int64{}
		for _, day := range []int{24, 30} {
			w.now = time.Date(2026, time.November, day, 9, 0, 0, 0, w.zone)
			asked.Store(0)
			if status, _ := w.ask(page.CPE, "GET", "/followup/pupils/lea"); status != 200 {
				t.Fatal(status)
			}
			counts[day] = asked.Load()
		}
		if counts[24] == 0 || counts[24] != counts[30] {
			t.Errorf("statements by day on which it is read: %v", counts)
		}
		t.Logf("%v", counts)
	})
}

func TestOnePeriod(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWeeks(t, db)
		open := func() error {
			return db.InSchool(t.Context(), w.town.School.ID, func(ctx context.Context, tx database.Tx) error {
				_, err := w.pages.Followup.Open(ctx, tx, Period{School: w.town.School.ID, Purpose: purpose, Days: 2, UntilOn: "2026-12-01", OpenedBy: "a"}, w.now, w.zone)
				return err
			})
		}
		if err := open(); err != nil {
			t.Fatal(err)
		}
		if err := open(); !errors.Is(err, ErrOpen) {
			t.Error(err)
		}
		w.in(func(ctx context.Context, tx database.Tx) error {
			return w.pages.Followup.Close(ctx, tx, w.town.School.ID, "a", w.now)
		})
		if err := open(); err != nil {
			t.Error(err)
		}
	})
}
