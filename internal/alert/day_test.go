package alert_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/timetable"
)

func (m *morning) dayBoard() (d alert.DayBoard) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		d, err = alert.ReadDayBoard(ctx, tx, m.school, m.now)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return d
}

func (m *morning) stands(pupil string) alert.Standing {
	m.t.Helper()
	r, _ := m.dayBoard().Of(pupil)
	return r.Standing
}

// One morning through the board: who is held, told, to telephone, expected; what is unusual
// is said first, in words.
func TestDayFollowsTheMorning(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		c := m.town.Cast
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", c.Unreachable, attendance.Absent, 0)
		m.mark("histoire", "sami", attendance.Absent, 0)
		m.state("sami", attendance.Inside, "infirmary")
		for pupil, want := range map[string]alert.Standing{"lea": alert.AtHeld, c.Unreachable: alert.AtHeld, "sami": alert.AtInside} {
			if got := m.stands(pupil); got != want {
				t.Errorf("%s stands at %q, want %q", pupil, got, want)
			}
		}
		_, text := s.get("secretary:office", "/day")
		for _, want := range []string{"Ce matin : 3 absents sur 6", "3 absents = 2 retenus + 1 dans les murs", "part à 8 h 17", "10 min", "À l'infirmerie", "BENALI Léa"} {
			if !strings.Contains(text, want) {
				t.Errorf("the board does not say %q:\n%s", want, text)
			}
		}
		m.at("08:17")
		if got := m.stands("lea"); got != alert.AtTold {
			t.Errorf("Léa stands at %q", got)
		}
		if got := m.stands(c.Unreachable); got != alert.AtCall {
			t.Errorf("whom nobody can write to stands at %q", got)
		}
		call := m.board().Calls[0]
		s.post("secretary:office", "/calls/"+call.ID+"/outcome", "outcome", "reached")
		if got := m.stands(c.Unreachable); got != alert.AtCalled {
			t.Errorf("after the call: %q", got)
		}

		// Present at eight, absent at nine.
		m.at("09:07")
		m.mark("francais", "nora", attendance.Absent, 0)
		_, text = s.get("secretary:office", "/day")
		first := strings.Index(text, `id="day-odd"`)
		if first < 0 || first > strings.Index(text, `id="day-inside"`) || !strings.Contains(text, "présent à 8 h 05, absent à 9 h 05") {
			t.Errorf("what is unusual is not said first:\n%s", text)
		}
		if status, text := s.get("secretary:office", "/day/nora", "HX-Request", "true"); status != http.StatusOK || !strings.Contains(text, `data-key="a"`) || strings.Contains(text, "<html") {
			t.Errorf("%d %s", status, text)
		}
		if status, text := s.get("secretary:office", "/day/nora"); status != http.StatusOK || !strings.Contains(text, "HADDAD Nora") || !strings.Contains(text, "</html>") {
			t.Errorf("without script: %d %s", status, text)
		}
		if status, _ := s.get("secretary:office", "/day/ewen"); status != http.StatusNotFound {
			t.Errorf("somebody who is present has a row: %d", status)
		}
		if _, text := s.get("secretary:office", "/day?at=held"); strings.Contains(text, "BENALI Sami") || !strings.Contains(text, "HADDAD Nora") {
			t.Errorf("one standing alone:\n%s", text)
		}

		// The next day: what nobody settled in time is still to be telephoned, and nobody is absent.
		m.now = m.now.Add(23 * time.Hour)
		m.settle()
		if d := m.dayBoard(); d.Absent != 0 || len(d.Rows) != 1 || d.Rows[0].Standing != alert.AtOwed {
			t.Errorf("the next morning begins with %+v", d.Rows)
		}
	})
}

// Whose family was told on the last day is said; a family that was told by mistake is not.
func TestDaySaysWhoWasToldYesterday(t *testing.T) {
	both(t, func(m *morning) {
		tuesday := m.town.Tuesday
		monday := timetable.Sitting{School: m.school, ID: "lundi", Kind: timetable.Lesson, Label: "Anglais", ShortLabel: "anglais", Source: timetable.Fictional, SourceKey: "lundi", Groups: []string{"2de3"}, Staff: []timetable.Charge{{Person: "roy"}}}
		monday.At(tuesday.AddDate(0, 0, -1).Add(5*time.Minute), tuesday.AddDate(0, 0, -1).Add(time.Hour), m.zone())
		m.in(func(ctx context.Context, tx database.Tx) error { return timetable.Add(ctx, tx, monday) })
		for _, pupil := range []string{"lea", "nora"} {
			m.now = monday.StartsAt.Add(2 * time.Minute)
			m.mark("lundi", pupil, attendance.Absent, 0)
		}
		m.now = monday.StartsAt.Add(13 * time.Minute)
		m.settle()
		m.mark("lundi", "nora", attendance.Present, 0)
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.mark("maths", "nora", attendance.Absent, 0)
		d := m.dayBoard()
		if lea, _ := d.Of("lea"); len(lea.Odd) != 1 || lea.Odd[0] != (alert.Odd{Kind: alert.ToldBefore, On: "2026-11-23"}) {
			t.Errorf("Léa: %+v", lea.Odd)
		}
		if nora, _ := d.Of("nora"); len(nora.Odd) != 0 {
			t.Errorf("Nora, who was in class on Monday: %+v", nora.Odd)
		}
		if _, text := newSite(m).get("secretary:office", "/day"); !strings.Contains(text, "famille déjà prévenue lundi 23 novembre") {
			t.Errorf("%s", text)
		}
	})
}

// A class that is absent as a whole is one sentence, and not thirty rows.
func TestDaySaysThatAWholeClassIsAbsent(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		for _, pupil := range []string{"lea", "malo", "awa", "ewen", "nora"} {
			m.mark("maths", pupil, attendance.Absent, 0)
		}
		if d := m.dayBoard(); len(d.Whole) != 1 || d.Whole[0].Sitting.ID != "maths" || d.Whole[0].Absent != 5 {
			t.Errorf("%+v", d.Whole)
		}
		m.mark("maths", "awa", attendance.Present, 0)
		if d := m.dayBoard(); len(d.Whole) != 0 {
			t.Errorf("one is there: %+v", d.Whole)
		}
	})
}

// The board asks as much about seventy absent pupils as about three: what it costs does not
// grow with the morning.
func TestDayAsksAsMuchOfAnyMorning(t *testing.T) {
	both(t, func(small *morning) {
		small.at("08:07")
		for _, pupil := range []string{"lea", small.town.Cast.Unreachable, "nora"} {
			small.mark("maths", pupil, attendance.Absent, 0)
		}
		small.at("08:17")
		busy := newBusyMorning(t, small.db)
		count := func(m *morning) int64 {
			var asked atomic.Int64
			err := m.db.Counting(&asked).Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
				_, err := alert.ReadDayBoard(ctx, tx, m.school, m.now)
				return err
			})
			if err != nil {
				m.t.Fatal(err)
			}
			return asked.Load()
		}
		few, many := count(small), count(busy)
		t.Logf("%d questions about 3 absent pupils, %d about 70", few, many)
		if many > few+2 || many > dayQueries {
			t.Errorf("%d questions about 70 absent pupils, %d about 3", many, few)
		}
	})
}

// dayQueries is the most that a board asks.
const dayQueries = 30

// A page that is open hears of what was done, from whatever node; and the server that is told
// to stop does not wait for it.
func TestDayIsLive(t *testing.T) {
	both(t, func(m *morning) {
		s := newSite(m)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/day/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "as", Value: "secretary:office"})
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
			t.Fatal(got)
		}
		lines := bufio.NewScanner(res.Body)
		next := func() (event string) {
			for lines.Scan() {
				if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
					event = name
				} else if lines.Text() == "" && event != "" {
					return event
				}
			}
			return ""
		}
		for _, want := range []string{"day", "day"} { // on opening, and after the first look
			if got := next(); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
		}
		m.mark("maths", "lea", attendance.Absent, 0)
		if got := next(); got != "day" {
			t.Fatalf("a roll was saved, and the page hears %q", got)
		}
		s.pages.EndStreams()
		for lines.Scan() {
		}
		if err := lines.Err(); err != nil {
			t.Errorf("the stream ends: %v", err)
		}
	})
}
