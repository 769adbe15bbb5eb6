package app_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/classroom"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/followup"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/register"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/internal/whereabouts"
	"github.com/preau-ent/preau/peers/browser"
)

// newOffice is a school in the middle of November: Léa missed five half-days, Malo one, and on
// this Tuesday morning everything is said of somebody. ids are what paths name.
func newOffice(t *testing.T) (*onlineSchool, map[string]string) {
	t.Helper()
	s := newOnlineSchool(t)
	school, zone := s.town.School.ID, s.clock.Now().Location()
	hash := account.HashPassword(walkPassword, account.Cost{})
	err := s.app.DB.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		for identifier, role := range map[string]page.Role{"head": page.Head, "nadia": page.Guardian, "karim": page.Guardian, "lea": page.Pupil, "gate": page.Supervisor, "nurse": page.Nurse} {
			person := identifier
			if role == page.Supervisor || role == page.Nurse {
				person = "supervisor" // who is a teacher too, by another account
			}
			a, err := account.Create(ctx, tx, account.Account{School: school, Person: person, Role: role, Identifier: identifier, CreatedAt: s.clock.Now()})
			if err != nil {
				return err
			}
			if err := account.SetPassword(ctx, tx, s.clock.Now(), a.ID, hash); err != nil {
				return err
			}
		}
		return s.app.PutInService(ctx, tx, s.town)
	})
	if err != nil {
		t.Fatal(err)
	}
	days := []int{3, 5, 12, 19, 20}
	ids := map[string]string{"school": school, "sitting": "maths", "pupil": "lea", "group": "2de3", "class": "2de3", "person": "lea", "adult": "nadia"}
	do := func(fn func(context.Context, database.Tx) error) {
		t.Helper()
		if err := s.app.DB.InSchool(t.Context(), school, fn); err != nil {
			t.Fatal(err)
		}
	}
	for i, day := range days {
		do(func(ctx context.Context, tx database.Tx) error {
			id := fmt.Sprint("eps-", day)
			starts := time.Date(2026, time.November, day, 8+6*(i%2), 5, 0, 0, zone)
			one := timetable.Sitting{School: school, ID: id, Kind: timetable.Lesson, Label: "Sport", ShortLabel: "sport", Source: timetable.FromPage, SourceKey: id, Groups: []string{"2de3"}, Staff: []timetable.Charge{{Person: "roy"}}}
			one.At(starts, starts.Add(55*time.Minute), zone)
			if err := timetable.Add(ctx, tx, one); err != nil {
				return err
			}
			entries := []attendance.Entry{{Pupil: "lea", Value: attendance.Absent}, {Pupil: "awa", Value: attendance.Late, Minutes: 7}}
			if i == 2 {
				entries = append(entries, attendance.Entry{Pupil: "malo", Value: attendance.Absent})
			}
			_, err := attendance.SaveRoll(ctx, tx, s.app.Journal, starts.Add(10*time.Minute), attendance.Save{School: school, Sitting: id, Day: one.Day, Pupils: []string{"lea", "malo", "awa"}, Entries: entries, By: "x", Origin: attendance.FromRoll})
			return err
		})
	}
	now := s.clock.Now()
	do(func(ctx context.Context, tx database.Tx) error {
		_, err := attendance.SaveRoll(ctx, tx, s.app.Journal, now, attendance.Save{School: school, Sitting: "maths", Day: "2026-11-24", Pupils: []string{"lea", "malo", "awa", "ewen", "nora"}, By: "x", Origin: attendance.FromRoll,
			Entries: []attendance.Entry{{Pupil: "lea", Value: attendance.Absent}, {Pupil: "malo", Value: attendance.Absent}, {Pupil: "awa", Value: attendance.Absent}, {Pupil: "ewen", Value: attendance.Absent}, {Pupil: "nora", Value: attendance.Absent}}})
		return err
	})
	do(func(ctx context.Context, tx database.Tx) error {
		plan, err := whereabouts.Announce(ctx, tx, s.app.Journal, now, zone, whereabouts.Plan{School: school, Reason: "announced", Via: whereabouts.ByPage, FromOn: "2026-11-24", UntilOn: "2026-11-26", Claimant: "nadia", By: "x"}, []string{"lea"})
		if err != nil {
			return err
		}
		ids["plan"] = plan.ID
		for pupil, reason := range map[string]string{"malo": "suspended", "sami": "internship"} {
			p := whereabouts.Plan{School: school, Reason: reason, Via: whereabouts.BySelf, FromOn: "2026-11-24", UntilOn: "2026-12-15", By: "x"}
			if pupil == "sami" {
				p.Weekdays, p.FromHour, p.UntilHour = "23", "09:00", "16:30"
			}
			if _, err := whereabouts.Announce(ctx, tx, s.app.Journal, now, zone, p, []string{pupil}); err != nil {
				return err
			}
		}
		if err := attendance.State(ctx, tx, s.app.Journal, now, attendance.Statement{School: school, Pupil: "awa", Says: attendance.Inside, Reason: "infirmary", FromAt: now, UntilAt: now.Add(3 * time.Hour), By: "x"}); err != nil {
			return err
		}
		maths, err := timetable.ByID(ctx, tx, school, "maths")
		if err != nil {
			return err
		}
		slip, err := attendance.GiveSlip(ctx, tx, s.app.Journal, now.Add(5*time.Minute), school, "nora", maths, "x")
		if err != nil {
			return err
		}
		ids["slip"] = slip.ID
		j, err := register.Send(ctx, tx, s.app.Journal, now, "FR", zone, register.Justification{School: school, Pupil: "lea", Person: "nadia", FromHalf: "2026-11-19/am", UntilHalf: "2026-11-20/pm", Reason: "illness", By: "x"}, register.Document{})
		if err != nil {
			return err
		}
		ids["justification"] = j.ID
		return register.Give(ctx, tx, s.app.Journal, now, s.town.School, "lea", []string{"2026-11-03/am"}, "contagion", "x")
	})
	do(func(ctx context.Context, tx database.Tx) error {
		_, err := timetable.OpenHome(ctx, tx, timetable.Home{School: school, Reason: "illness", FromOn: "2026-11-24", UntilOn: "2026-11-26", OpenedBy: "x", Pupils: []string{"lea"}}, now, zone)
		return err
	})
	do(func(ctx context.Context, tx database.Tx) error {
		hand := directory.Hand{Journal: s.app.Journal, By: "x", Now: now}
		return hand.GiveForm(ctx, tx, directory.FormTeacher{School: school, Grp: "2de3", Person: "roy", FromOn: "2026-11-24", UntilOn: "2027-07-31"}, "2026-11-24")
	})
	do(func(ctx context.Context, tx database.Tx) error {
		f := followup.Followup{Journal: s.app.Journal, Evidence: &classroom.Evidence{}}
		_, err := f.Open(ctx, tx, followup.Period{School: school, Purpose: "Retrouver les élèves dont nous n'avons plus de nouvelles", Days: 3, UntilOn: "2027-07-01", OpenedBy: "x"}, now, zone)
		return err
	})
	s.clock.Advance(6 * time.Minute)
	return s, ids
}

// TestOfficeLooks opens every page of the office's morning and of a guardian in Chromium, in the
// whole frame: nothing that axe finds, nothing that the browser complains about, nothing wider
// than the screen. PREAU_PICTURES=DIR keeps pictures.
func TestOfficeLooks(t *testing.T) {
	s, ids := newOffice(t)
	b := browser.Start(t)
	for _, look := range []struct{ name, as, path string }{
		{"absences", "office", "/absences"},
		{"absences-new", "office", "/absences/new"},
		{"absences-found", "office", "/absences/new?pupil=lea&name=ben"},
		{"absences-class", "office", "/absences/new?group=2de3"},
		{"inside", "office", "/inside?at=infirmary"},
		{"inside-found", "office", "/inside?name=san"},
		{"inside-slip", "office", "/inside?at=late&slip=" + ids["slip"]},
		{"slip", "office", "/slips/" + ids["slip"]},
		{"register", "head", "/register"},
		{"form", "roy", "/form"},
		{"form-pupil", "roy", "/form/pupils/lea"},
		{"form-today", "roy", "/"},
		{"classes", "head", "/classes"},
		{"register-class", "office", "/register?class=2de3"},
		{"register-none", "office", "/register?month=2026-09"},
		{"register-pupil", "office", "/pupils/lea/register"},
		{"pupil", "office", "/pupils/lea"},
		{"family-today", "nadia", "/"},
		{"family-announce", "nadia", "/children/lea/announce?done=yes"},
		{"family-register", "nadia", "/children/lea/register"},
		{"roll-slip", "roy", "/roll/maths"},
		{"at-home", "head", "/timetable/home?pupil=lea&name=ben"},
		{"at-home-classes", "head", "/timetable/home"},
		{"teacher-today", "roy", "/"},
		{"pupil-today", "lea", "/"},
		{"followup", "head", "/followup"},
		{"followup-pupil", "head", "/followup/pupils/lea"},
		{"class-guest", "nadia", "/class/maths"},
		{"class-pupil", "lea", "/class/maths"},
		{"class-teacher", "roy", "/class/maths"},
		{"roll-correct", "office", "/roll/maths"},
		{"supervisor-today", "gate", "/"},
		{"supervisor-day", "gate", "/day"},
		{"supervisor-inside", "gate", "/inside"},
		{"nurse", "nurse", "/inside"},
		{"nurse-class", "nurse", "/inside?group=2de3"},
		{"accounts-families", "office", "/accounts"},
	} {
		tab := s.phone(b, browser.Options{})
		tab.signIn(look.as)
		tab.Wait(".menu")
		tab.Go(s.url(look.path))
		tab.Looks("office-" + look.name)
		tab.Quiet(look.name)
	}
}

// TestTwoTaps: on a phone, a place and a pupil; from a pupil's page, an announced absence.
func TestTwoTaps(t *testing.T) {
	s, _ := newOffice(t)
	tab := s.phone(browser.Start(t), browser.Options{})
	tab.signIn("office")
	tab.Wait(".menu")
	tab.Go(s.url("/inside"))
	tab.Click(`.tabs a[href*="study"]`) // one
	tab.Wait(`.tabs a[href*="study"][aria-current]`)
	tab.Click(`form[action="/pupils/ewen/inside"] .btn`) // two
	tab.Wait(`#here .row:nth-child(3)`)
	if text := page.Plain(tab.Text("#here")); !strings.Contains(text, "Ewen Le Floc'h") || !strings.Contains(text, "permanence") {
		t.Errorf("in the building: %q", text)
	}
	tab.Go(s.url("/pupils/ewen"))
	tab.Click(`a[href="/absences/new?pupil=ewen"]`) // one
	tab.Wait(`button[value="half"]`)
	tab.Click(`button[value="half"]`) // two
	tab.Wait(".notice.done")
	if text := page.Plain(tab.Text("#on")); !strings.Contains(text, "Ewen Le Floc'h Absence annoncée") || !strings.Contains(text, "jusqu'à 13 h 00") {
		t.Errorf("announced: %q", text)
	}
}

// enter signs somebody in over HTTP.
func (s *onlineSchool) enter(who string) *http.Client {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	res, err := c.PostForm(s.url("/sign-in"), url.Values{"identifier": {who}, "password": {walkPassword}})
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	if res.Request.URL.Path != "/" {
		s.t.Fatalf("%s could not sign in: %s", who, res.Request.URL)
	}
	return c
}

// TestTeachersNeverReadWhy walks every route as a teacher and as the class's pupil: no page says
// why somebody is away, where in the building, or that a justification came; a teacher reads
// that they are expected elsewhere, and the hour of a slip.
func TestTeachersNeverReadWhy(t *testing.T) {
	s, ids := newOffice(t)
	words := []string{"Exclusion", "exclusion", "Suspended", "infirmerie", "Infirmerie", "infirmary", "En stage", "Stage", "Internship", "Maladie", "maladie", "Illness", "Absence annoncée", "announced", "motif", "Motif", "ustificat", "ustificat", "Karim", "la famille"}
	for _, who := range []string{"roy", "lea"} {
		c, role, walked := s.enter(who), map[string]page.Role{"roy": page.Teacher, "lea": page.Pupil}[who], 0
		for _, route := range s.app.Routes.All() {
			method, path, _, missing := fill(route.Pattern, ids)
			if method != http.MethodGet || missing != "" || strings.Contains(path, "stream") {
				continue
			}
			res, err := c.Get(s.url(path))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
				res.Body = first{res.Body} // it stays open for as long as one looks
			}
			_, text, _ := read(res, nil)
			if !route.Rule.Allows(role) {
				if res.StatusCode != http.StatusForbidden {
					t.Errorf("%s as %s: %d", route.Pattern, who, res.StatusCode)
				}
				continue
			}
			walked++
			for _, w := range words {
				if strings.Contains(page.Plain(text), w) && !strings.HasPrefix(path, "/account") && path != "/accessibility" && path != "/etat" {
					t.Errorf("%s as %s says %q", path, who, w)
				}
			}
			if path == "/roll/maths" && who == "roy" {
				for _, want := range []string{"attendu ailleurs", "dans l'établissement", "arrivé 8 h 12, billet"} {
					if !strings.Contains(page.Plain(text), want) {
						t.Errorf("the roll does not say %q", want)
					}
				}
			}
		}
		if walked < 4 {
			t.Errorf("%s walked %d pages", who, walked)
		}
	}
}

// first is the beginning of a stream: what comes at once.
type first struct{ io.ReadCloser }

func (f first) Read(b []byte) (int, error) {
	n, err := f.ReadCloser.Read(b)
	return n, cmp.Or(err, io.EOF)
}

// TestRegularisingSendsNothing: reasons, justifications and their acceptance change no table
// that leads to a message, and nothing is on its way afterwards.
func TestRegularisingSendsNothing(t *testing.T) {
	s, ids := newOffice(t)
	settle := func() {
		t.Helper()
		if err := s.app.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	s.clock.Advance(20 * time.Minute)
	settle()
	tables := []string{"courier_letters", "courier_attempts", "alert_episodes", "alert_decisions", "alert_calls", "attendance_marks", "attendance_undecided", "attendance_statements", "attendance_rolls"}
	before := map[string]int{}
	for _, table := range tables {
		before[table] = s.count(table)
	}
	if before["courier_letters"] == 0 {
		t.Fatal("nobody was told of anything: this test shows nothing")
	}
	office, family := s.enter("office"), s.enter("nadia")
	press := func(c *http.Client, path string, form url.Values) {
		t.Helper()
		res, err := c.PostForm(s.url(path), form)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", path, res.StatusCode)
		}
	}
	press(office, "/pupils/ewen/register", url.Values{"half": {"2026-11-24/am"}, "reason": {"none"}})
	press(office, "/pupils/lea/register", url.Values{"half": {"2026-11-05/pm", "2026-11-24/am"}, "reason": {"transport"}})
	press(family, "/children/lea/register", url.Values{"from_day": {"2026-11-12"}, "from_part": {"am"}, "until_day": {"2026-11-12"}, "until_part": {"pm"}, "reason": {"illness"}})
	press(office, "/justifications/"+ids["justification"]+"/settle", url.Values{"to": {"accepted"}, "next": {"/register"}})
	settle()
	s.clock.Advance(20 * time.Minute)
	settle()
	for _, table := range tables {
		if after := s.count(table); after != before[table] {
			t.Errorf("%s went from %d rows to %d", table, before[table], after)
		}
	}
	if n := s.count("register_reasons"); n < 4 {
		t.Errorf("%d reasons", n)
	}
}

func read(res *http.Response, err error) (int, string, error) {
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}
