package timetable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// calendar puts events into a file, lines ended as the standard wants.
func calendar(events ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//fictional//FR\n")
	for _, e := range events {
		b.WriteString("BEGIN:VEVENT\n" + strings.TrimSpace(e) + "\nEND:VEVENT\n")
	}
	b.WriteString("END:VCALENDAR\n")
	return strings.ReplaceAll(b.String(), "\n", "\r\n")
}

func year(t *testing.T) timetable.Window {
	return timetable.Window{From: "2026-08-01", Until: "2027-07-31", Zone: zone(t, "Europe/Paris")}
}

// told writes what was read, an event a line, and what was left out.
func told(c timetable.Calendar) string {
	var b strings.Builder
	paris, _ := time.LoadLocation("Europe/Paris")
	for _, e := range c.Events {
		fmt.Fprintf(&b, "%s %s-%s %s", e.UID, e.Starts.In(paris).Format("0102T15:04"), e.Ends.In(paris).Format("15:04"), e.Summary)
		if e.Cancelled {
			b.WriteString(" cancelled")
		}
		b.WriteString("\n")
	}
	for _, s := range c.Skipped {
		fmt.Fprintf(&b, "%d %s line %d\n", s.N, s.Reason, s.Line)
	}
	return b.String()
}

func TestReadCalendar(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, want string }{
		"zones": {calendar(
			"UID:a\nDTSTART;TZID=Europe/Paris:20261124T080500\nDTEND;TZID=Europe/Paris:20261124T090000\nSUMMARY:Maths",
			"UID:b\nDTSTART:20261124T080500Z\nDTEND:20261124T090000Z\nSUMMARY:Zoulou",
			"UID:c\nDTSTART:20261124T103000\nDTEND:20261124T113000\nSUMMARY:D'ici",
			"UID:d\nDTSTART;TZID=Romance Standard Time:20261124T120000\nDURATION:PT1H30M\nSUMMARY:Windows",
			"UID:e\nDTSTART;TZID=\"/softwarestudio.org/Olson/Indian/Reunion\":20261124T170000\nDURATION:PT1H\nSUMMARY:Réunion",
			"UID:f\nDTSTART;TZID=Atlantis:20261124T170000\nDURATION:PT1H\nSUMMARY:x",
			"UID:g\nDTSTART;TZID=Local:20261124T170000\nDURATION:PT1H\nSUMMARY:x",
		), `a 1124T08:05-09:00 Maths
b 1124T09:05-10:00 Zoulou
c 1124T10:30-11:30 D'ici
d 1124T12:00-13:30 Windows
e 1124T14:00-15:00 Réunion
2 zone line 34
`},
		"left out": {calendar(
			"UID:a\nDTSTART;VALUE=DATE:20261124\nSUMMARY:Journée",
			"UID:b\nDTSTART:20250901T080000Z\nDTEND:20250901T090000Z\nSUMMARY:l'an dernier",
			"UID:c\nDTSTART:20261124T080000Z\nSUMMARY:sans fin",
			"UID:d\nDTSTART:20261124T080000Z\nDTEND:20261124T080000Z\nSUMMARY:sans durée",
			"UID:e\nDTSTART:20261124T080000Z\nDTEND:20261128T080000Z\nSUMMARY:voyage",
			"DTSTART:20261124T080000Z\nDTEND:20261124T090000Z\nSUMMARY:sans UID",
			"UID:g\nDTSTART:20270801T060000Z\nDTEND:20270801T070000Z\nSUMMARY:après",
			"UID:h\nDTSTART:20270731T060000Z\nDTEND:20270731T070000Z\nSUMMARY:dernier jour",
		), `h 0731T08:00-09:00 dernier jour
1 all-day line 4
2 outside line 9
3 no-end line 15
1 long line 26
`},
		"weeks through a change of the clocks": {calendar(
			"UID:a\nDTSTART;TZID=Europe/Paris:20261013T080500\nDTEND;TZID=Europe/Paris:20261013T090000\nRRULE:FREQ=WEEKLY;UNTIL=20261110\nEXDATE;TZID=Europe/Paris:20261020T080500\nSUMMARY:Maths",
		), `a 1013T08:05-09:00 Maths
a 1027T08:05-09:00 Maths
a 1103T08:05-09:00 Maths
a 1110T08:05-09:00 Maths
`},
		"one moved, one cancelled, one without its series": {calendar(
			"UID:a\nDTSTART;TZID=Europe/Paris:20261103T080500\nDTEND;TZID=Europe/Paris:20261103T090000\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=4\nSUMMARY:Maths",
			"UID:a\nRECURRENCE-ID;TZID=Europe/Paris:20261105T080500\nDTSTART;TZID=Europe/Paris:20261106T103000\nDTEND;TZID=Europe/Paris:20261106T113000\nSUMMARY:Maths",
			"UID:a\nRECURRENCE-ID:20261110T070500Z\nDTSTART;TZID=Europe/Paris:20261110T080500\nDTEND;TZID=Europe/Paris:20261110T090000\nSTATUS:CANCELLED\nSUMMARY:Maths",
			"UID:z\nRECURRENCE-ID:20261111T070500Z\nDTSTART:20261111T070500Z\nDTEND:20261111T080000Z\nSUMMARY:Seul",
		), `a 1103T08:05-09:00 Maths
a 1106T10:30-11:30 Maths
a 1110T08:05-09:00 Maths cancelled
z 1111T08:05-09:00 Seul
a 1112T08:05-09:00 Maths
`},
		"rules": {calendar(
			"UID:a\nDTSTART:20261201T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=2;COUNT=3\nSUMMARY:jours",
			"UID:b\nDTSTART:20260901T080000Z\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;BYDAY=1TU;UNTIL=20261130T000000Z\nSUMMARY:mois",
			"UID:c\nDTSTART:20261201T080000Z\nDURATION:PT1H\nRDATE:20261208T090000Z,20261215T090000Z\nSUMMARY:dates",
			"UID:d\nDTSTART:20261201T080000Z\nDURATION:PT1H\nRRULE:FREQ=SECONDLY\nSUMMARY:x",
			"UID:e\nDTSTART:20261201T080000Z\nDURATION:PT1H\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31\nSUMMARY:x",
			"UID:f\nDTSTART:19700101T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nSUMMARY:x",
			"UID:g\nDTSTART:20261201T080000Z\nDURATION:PT1H\nRRULE:nonsense\nSUMMARY:x",
			"UID:h\nDTSTART:20260901T080000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20260901T090000Z\nEXDATE;VALUE=DATE:20260901\nSUMMARY:x",
		), `b 0901T10:00-11:00 mois
b 1006T10:00-11:00 mois
b 1103T09:00-10:00 mois
a 1201T09:00-10:00 jours
c 1201T09:00-10:00 dates
a 1203T09:00-10:00 jours
a 1205T09:00-10:00 jours
c 1208T10:00-11:00 dates
c 1215T10:00-11:00 dates
4 rule line 25
1 outside line 53
`},
		"text": {calendar(
			"UID:a\nDTSTART:20261201T080000Z\nDURATION:PT1H\nSUMMARY:Arts\\, lettres\\n et \x00 son\n s\nBEGIN:VALARM\nSUMMARY:pas ceci\nDTSTART:20200101T000000Z\nEND:VALARM\nLOCATION:B 204",
			"uid:b\ndtstart:20261202T080000Z\nduration:PT1H\nsummary;language=fr:minuscules",
			"UID:b\nDTSTART:20261203T080000Z\nDURATION:PT1H\nSUMMARY:le même\\, plus récent",
		), `a 1201T09:00-10:00 Arts, lettres et sons
b 1203T09:00-10:00 le même, plus récent
`},
	} {
		got, err := timetable.ReadCalendar(strings.NewReader(c.file), year(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if told(got) != c.want {
			t.Errorf("%s:\n%swant\n%s", name, told(got), c.want)
		}
	}
}

func TestBadCalendars(t *testing.T) {
	t.Parallel()
	many := make([]string, 10_001)
	for i := range many {
		many[i] = "UID:a"
	}
	for name, c := range map[string]struct {
		file string
		want timetable.FileError
	}{
		"empty":          {"", timetable.FileError{Line: 0, Why: "syntax"}},
		"something else": {"<html>\n", timetable.FileError{Line: 1, Why: "syntax"}},
		"cut off":        {"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\n", timetable.FileError{Line: 3, Why: "syntax"}},
		"no name":        {calendar("UID:a\n:nothing"), timetable.FileError{Line: 6, Why: "syntax"}},
		"bad parameter":  {calendar("UID:a\n\nDTSTART;TZID:20261201T080000Z"), timetable.FileError{Line: 7, Why: "syntax"}},
		"a long line":    {"BEGIN:VCALENDAR\nX:" + strings.Repeat("x", 70_000) + "\nEND:VCALENDAR\n", timetable.FileError{Line: 2, Why: "line"}},
		"a long fold":    {"BEGIN:VCALENDAR\nX:" + strings.Repeat("xxxxxxxxx\n ", 8_000) + "\nEND:VCALENDAR\n", timetable.FileError{Line: 7283, Why: "line"}},
		"a large file":   {"BEGIN:VCALENDAR\n" + strings.Repeat("X:"+strings.Repeat("x", 60_000)+"\n", 80), timetable.FileError{Line: 71, Why: "size"}},
		"too many":       {calendar(many...), timetable.FileError{Line: 30_004, Why: "size"}},
		"too often": {calendar(strings.Split(strings.Repeat("DTSTART:20220901T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nUID:a|", 70), "|")...),
			timetable.FileError{Line: 4 + 6*54, Why: "size"}},
	} {
		began := time.Now()
		_, err := timetable.ReadCalendar(strings.NewReader(c.file), year(t))
		var bad *timetable.FileError
		if !errors.As(err, &bad) || *bad != c.want {
			t.Errorf("%s: %v, want line %d: %s", name, err, c.want.Line, c.want.Why)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("%s took %s", name, d)
		}
	}
}

// Rules that never meet a date, as many as a file may have, are not searched for ever.
func TestCalendarThatNeverHappens(t *testing.T) {
	t.Parallel()
	var events []string
	for i := range 9_000 {
		rule := []string{
			"FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31", "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "FREQ=WEEKLY;BYMONTH=2;INTERVAL=52",
			"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYSETPOS=366;BYDAY=MO",
			"FREQ=WEEKLY;INTERVAL=9000000000000000000", "FREQ=MONTHLY;INTERVAL=2;BYMONTH=2",
		}[i%8]
		events = append(events, fmt.Sprintf("UID:%d\nDTSTART:20260901T080000Z\nDURATION:PT1H\nRRULE:%s", i, rule))
	}
	began := time.Now()
	c, err := timetable.ReadCalendar(strings.NewReader(calendar(events...)), year(t))
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Fatalf("took %s", d)
	}
	t.Log(time.Since(began), len(c.Events), c.Skipped)
}

func TestSittingsOfCalendar(t *testing.T) {
	t.Parallel()
	c, err := timetable.ReadCalendar(strings.NewReader(calendar(
		"UID:a\nDTSTART:20261124T070500Z\nDURATION:PT55M\nSUMMARY:2de 3 - Mathématiques\nDESCRIPTION:Professeur : ROY C.\nLOCATION:A103",
		"UID:b\nDTSTART:20261124T080500Z\nDURATION:PT55M\nSUMMARY:Permanence\nCATEGORIES:2DE 30",
		"UID:c\nDTSTART:20261124T090500Z\nDURATION:PT55M\nSUMMARY:Conseil d'enseignement",
		"UID:d\nDTSTART:20261124T100500Z\nDURATION:PT55M\nSUMMARY:2de 3\\, 2de 30\nDESCRIPTION:avec LE FLOC’H",
	)), year(t))
	if err != nil {
		t.Fatal(err)
	}
	groups := []directory.Group{{ID: "g3", Code: "2DE03", Label: "2de 3"}, {ID: "g30", Code: "2DE30", Label: "2de 30"}}
	staff := []directory.Person{{ID: "roy", LastName: "Roy"}, {ID: "yann", LastName: "Le Floc'h"}, {ID: "x", LastName: "Conseil"}, {ID: "y", LastName: "Conseil"}}
	show := func(list []timetable.Sitting, skipped []timetable.Skip) string {
		var b strings.Builder
		for _, s := range list {
			fmt.Fprintf(&b, "%s %s %s %v", s.Kind, s.ShortLabel, s.Day, s.Groups)
			for _, c := range s.Staff {
				b.WriteString(" " + c.Person)
			}
			b.WriteString("\n")
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		}
		for _, s := range skipped {
			fmt.Fprintf(&b, "%d %s line %d\n", s.N, s.Reason, s.Line)
		}
		return b.String()
	}
	if got, want := show(c.Sittings("s", year(t), timetable.Target{Staff: "roy"}, groups, staff)), `lesson maths 2026-11-24 [g3] roy
study permanence 2026-11-24 [g30] roy
lesson 2de 3, 2de 30 2026-11-24 [g3 g30] roy
1 nobody line 19
`; got != want {
		t.Errorf("a teacher's:\n%swant\n%s", got, want)
	}
	if got, want := show(c.Sittings("s", year(t), timetable.Target{Group: "g3"}, groups, staff)), `lesson maths 2026-11-24 [g3] roy
study permanence 2026-11-24 [g3]
lesson conseil 2026-11-24 [g3]
lesson 2de 3, 2de 30 2026-11-24 [g3] yann
`; got != want {
		t.Errorf("a class's:\n%swant\n%s", got, want)
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		school(t, db, "s")
		var staff []directory.Person
		var groups []directory.Group
		in(t, db, "s", func(ctx context.Context, tx database.Tx) (err error) {
			if staff, err = directory.Of(ctx, tx, "s", directory.KindStaff, "2026-11-24"); err != nil {
				return err
			}
			groups, err = directory.Groups(ctx, tx, "s")
			return err
		})
		now := at(6, 0)
		roll := map[string]bool{}
		whose := ""
		bring := func(file string, target timetable.Target) (report timetable.Report) {
			t.Helper()
			c, err := timetable.ReadCalendar(strings.NewReader(file), year(t))
			if err != nil {
				t.Fatal(err)
			}
			sittings, _ := c.Sittings("s", year(t), target, groups, staff)
			in(t, db, "s", func(ctx context.Context, tx database.Tx) (err error) {
				report, err = timetable.Import(ctx, tx, "s", whose, sittings, func(context.Context, database.Tx, string, []string) (map[string]bool, error) {
					return roll, nil
				}, now)
				return err
			})
			return report
		}
		day := func(day string) (all []timetable.Sitting) {
			in(t, db, "s", func(ctx context.Context, tx database.Tx) (err error) {
				all, err = timetable.OfDay(ctx, tx, "s", day)
				return err
			})
			return all
		}
		event := func(uid, from, more string) string {
			return "UID:" + uid + "\nDTSTART;TZID=Europe/Paris:" + from + "\nDURATION:PT55M\nSUMMARY:Mathématiques\n" + more
		}
		class := timetable.Target{Group: "g"}

		series := event("w", "20261124T080500", "RRULE:FREQ=WEEKLY;COUNT=3\nDESCRIPTION:M. Roy")
		file := calendar(series, event("one", "20261124T101500", ""))
		if got := bring(file, class); got != (timetable.Report{Added: 4}) {
			t.Fatalf("first: %+v", got)
		}
		first := day("2026-11-24")
		if len(first) != 2 || first[0].ShortLabel != "maths" || !first[0].In("roy") || !first[0].StartsAt.Equal(at(7, 5)) {
			t.Fatalf("first: %+v", first)
		}
		if got := bring(file, class); got != (timetable.Report{Same: 4}) {
			t.Fatalf("the same file again: %+v", got)
		}
		// A teacher's file moves no colleague's lesson, and the teacher's own it does.
		whose = "somebody-else"
		others := calendar(event("one", "20261124T111500", ""))
		if got := bring(others, class); got != (timetable.Report{Taken: 1}) {
			t.Fatalf("somebody else's file: %+v", got)
		}
		whose = ""
		in(t, db, "s", func(ctx context.Context, tx database.Tx) error {
			return timetable.Relabel(ctx, tx, "s", first[0].ID, "algebre")
		})

		// The lesson of the 24th moves to 13:30, that of the 1st is cancelled, the other is in room 7.
		changed := calendar(series,
			event("w", "20261124T133000", "RECURRENCE-ID;TZID=Europe/Paris:20261124T080500\nDESCRIPTION:Kerbrat"),
			event("w", "20261201T080500", "RECURRENCE-ID;TZID=Europe/Paris:20261201T080500\nSTATUS:CANCELLED"),
			event("one", "20261124T101500", "LOCATION:7"))
		roll[first[1].ID] = true
		if got := bring(changed, class); got != (timetable.Report{Changed: 1, Cancelled: 1, Same: 1, Called: 1}) {
			t.Fatalf("changed: %+v", got)
		}
		after := day("2026-11-24")
		moved := after[1]
		if moved.ID != first[0].ID || !moved.StartsAt.Equal(at(12, 30)) || moved.ShortLabel != "algebre" || !moved.In("kerbrat") || !moved.In("roy") {
			t.Fatalf("moved: %+v", after)
		}
		if after[0].Room != "" {
			t.Fatal("a sitting whose roll was saved has changed")
		}
		if off := day("2026-12-01"); len(off) != 1 || !off[0].CancelledAt.Equal(now) {
			t.Fatalf("cancelled: %+v", off)
		}
		if got := bring(changed, class); got != (timetable.Report{Same: 3, Called: 1}) {
			t.Fatalf("the changed file again: %+v", got)
		}

		// The group's own file has the same lesson; another program's has the same UID.
		if got := bring(calendar(event("w", "20261124T133000", "RECURRENCE-ID;TZID=Europe/Paris:20261124T080500")), timetable.Target{Group: "h"}); got != (timetable.Report{Changed: 1}) {
			t.Fatalf("a second group: %+v", got)
		}
		if got := day("2026-11-24")[1].Groups; len(got) != 2 {
			t.Fatalf("groups: %v", got)
		}
		if got := bring(calendar(event("one", "20261125T080500", "")), timetable.Target{Group: "h"}); got != (timetable.Report{Taken: 1}) {
			t.Fatalf("another lesson of the same UID: %+v", got)
		}
	})
}

func FuzzICal(f *testing.F) {
	f.Add(calendar("UID:a\nDTSTART;TZID=Europe/Paris:20261124T080500\nDTEND;TZID=Europe/Paris:20261124T090000\nSUMMARY:2de 3 - Maths\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE:20261201T070500Z\nCATEGORIES:x"))
	f.Add(calendar("UID:a\nRECURRENCE-ID:20261124T070500Z\nDTSTART:20261124T070500Z\nDURATION:P1DT1H\nSTATUS:CANCELLED", "UID:b\nDTSTART;VALUE=DATE:20261124\nRDATE:20261208T090000Z"))
	f.Add("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;TZID=\"a\r\n b\";X=1,2:20261124T000000\r\nEND:VEVENT\r\nEND:VCALENDAR")
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		f.Fatal(err)
	}
	w := timetable.Window{From: "2026-08-01", Until: "2027-07-31", Zone: paris}
	groups := []directory.Group{{ID: "g", Label: "2de 3"}}
	f.Fuzz(func(t *testing.T, file string) {
		c, err := timetable.ReadCalendar(strings.NewReader(file), w)
		if err != nil {
			var bad *timetable.FileError
			if !errors.As(err, &bad) {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		for _, target := range []timetable.Target{{Group: "g"}, {Staff: "roy"}} {
			keys := map[string]bool{}
			sittings, _ := c.Sittings("s", w, target, groups, nil)
			for _, s := range sittings {
				if err := s.Check(); err != nil {
					t.Fatalf("%+v: %v", s, err)
				}
				if s.Day < w.From || s.Day > w.Until {
					t.Fatalf("%s is outside the window", s.Day)
				}
				if keys[s.SourceKey] {
					t.Fatalf("twice: %s", s.SourceKey)
				}
				keys[s.SourceKey] = true
				if strings.ContainsRune(s.Label+s.Room+s.SourceKey, 0) {
					t.Fatal("a NUL, which PostgreSQL refuses")
				}
			}
		}
	})
}
