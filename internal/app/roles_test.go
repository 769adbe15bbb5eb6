package app_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// post sends a form as a role.
func (h *house) post(t *testing.T, role page.Role, path string, form url.Values) int {
	t.Helper()
	res, err := h.who[role].PostForm(h.server.URL+path, form)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// A nurse sees who is in the infirmary, finds a pupil by name or class, and reads no reason,
// no other place, nobody noted absent.
func TestANurseSeesTheInfirmaryAlone(t *testing.T) {
	h := newHouse(t)
	c, school := h.ours.Cast, h.ours.School.ID
	now := h.app.Clock.Now()
	names := map[string]string{}
	for _, p := range h.ours.Rows.People {
		names[p.ID] = p.FirstName + " " + p.LastName
	}
	var elsewhere string
	err := h.app.DB.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		for _, s := range []attendance.Statement{
			{Pupil: c.Sami, Says: attendance.Inside, Reason: "library"},
			{Pupil: c.Denied, Says: attendance.Elsewhere, Reason: attendance.Reasons(attendance.Elsewhere)[0]},
		} {
			s.School, s.FromAt, s.UntilAt, s.By = school, now, now.Add(time.Hour), "x"
			if err := attendance.State(ctx, tx, h.app.Journal, now, s); err != nil {
				return err
			}
		}
		at, err := attendance.Statements(ctx, tx, school, []string{c.Sami}, now)
		elsewhere = at[c.Sami][0].ID
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := h.send(t, page.Nurse, "GET", "/"); status != http.StatusSeeOther {
		t.Errorf("a nurse's today: %d, want the way to the infirmary", status)
	}
	_, body := h.send(t, page.Nurse, "GET", "/inside")
	if text := page.Plain(body); strings.Contains(text, names[c.Sami]) || strings.Contains(text, names[c.Denied]) || strings.Contains(text, "Bibliothèque") {
		t.Errorf("a nurse reads who is elsewhere: %s", text)
	}
	if status := h.post(t, page.Nurse, "/statements/"+elsewhere+"/end", url.Values{}); status != http.StatusNotFound {
		t.Errorf("a nurse ends a stay in the library: %d, want 404", status)
	}
	if status := h.post(t, page.Nurse, "/pupils/"+c.Lea+"/inside", url.Values{"at": {"study"}}); status != http.StatusUnprocessableEntity {
		t.Errorf("a nurse says that somebody is in study hall: %d, want 422", status)
	}
	_, body = h.send(t, page.Nurse, "GET", "/inside?group="+url.QueryEscape(c.Class))
	if !strings.Contains(body, "/pupils/"+c.Lea+"/inside") {
		t.Fatalf("a nurse does not find her by class")
	}
	_, body = h.send(t, page.Nurse, "GET", "/inside?name=ben")
	if !strings.Contains(body, "/pupils/"+c.Lea+"/inside") {
		t.Fatalf("a nurse does not find her by name")
	}
	if status := h.post(t, page.Nurse, "/pupils/"+c.Lea+"/inside", url.Values{"at": {"infirmary"}}); status != http.StatusSeeOther {
		t.Fatalf("into the infirmary: %d", status)
	}
	_, body = h.send(t, page.Nurse, "GET", "/inside")
	_, after, found := strings.Cut(body, `action="/statements/`)
	id, _, _ := strings.Cut(after, "/end")
	if !found || !strings.Contains(page.Plain(body), names[c.Lea]) {
		t.Fatalf("she is not in the infirmary: %s", page.Plain(body))
	}
	if status := h.post(t, page.Nurse, "/statements/"+id+"/end", url.Values{"next": {"/inside"}}); status != http.StatusSeeOther {
		t.Errorf("out of the infirmary: %d", status)
	}
}

// A supervisor's list of calls names nobody who was taken off: only the head and the CPE
// know of a court's decisions, and the count says nothing either.
func TestASupervisorsListSaysNothingOfACourt(t *testing.T) {
	h := newHouse(t)
	c := h.ours.Cast
	h.absentNow(t, c.Unreachable)
	var parent string
	for _, p := range h.ours.Rows.People {
		if p.ID == c.UnreachableParent {
			parent = p.FirstName + " " + p.LastName
		}
	}
	named := func(role page.Role) bool {
		status, body := h.send(t, role, "GET", "/")
		if status != 200 {
			t.Fatalf("%s: %d", role, status)
		}
		for _, way := range []string{"/explain/", "/corrections", "/breaker", "/service", "/stop"} {
			if role == page.Supervisor && strings.Contains(body, `="`+way) {
				t.Errorf("the board leads a supervisor to %s", way)
			}
		}
		return strings.Contains(page.Plain(body), parent)
	}
	if !named(page.CPE) || !named(page.Supervisor) {
		t.Fatal("whoever telephones does not read whom")
	}
	err := h.app.DB.InSchool(t.Context(), h.ours.School.ID, func(ctx context.Context, tx database.Tx) error {
		now := h.app.Clock.Now()
		err := directory.Add(ctx, tx, directory.Batch{Decisions: []directory.Decision{{School: h.ours.School.ID, ID: "late-decision", Pupil: c.Unreachable, Adult: c.UnreachableParent,
			FromOn: now.AddDate(0, 0, -3).Format(time.DateOnly), Reference: "26/1", RecordedBy: "x", RecordedAt: now}}})
		if err != nil {
			return err
		}
		return h.app.Journal.Append(ctx, tx, h.ours.School.ID, now, journal.Deed{Act: "decision", Actor: "x", Subject: c.Unreachable})
	})
	if err != nil {
		t.Fatal(err)
	}
	for role, want := range map[page.Role]bool{page.CPE: true, page.Supervisor: false} {
		if got := named(role); got != want {
			t.Errorf("a court decided, and %s reads the parent's name: %v, want %v", role, got, want)
		}
	}
}

// absentNow calls the roll of the cast's sitting with one pupil absent, and lets whoever
// follows absences look.
func (h *house) absentNow(t *testing.T, pupil string) {
	t.Helper()
	school := h.ours.School.ID
	err := h.app.DB.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		if err := h.app.PutInService(ctx, tx, h.ours); err != nil {
			return err
		}
		return alert.SetHold(ctx, tx, school, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	h.called(t, func(id string) bool { return id == pupil })
}

// called calls the roll of the cast's sitting, and lets whoever follows absences look.
func (h *house) called(t *testing.T, absent func(pupil string) bool) {
	t.Helper()
	school := h.ours.School.ID
	err := h.app.DB.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		s, err := timetable.ByID(ctx, tx, school, h.ours.Cast.Sitting)
		if err != nil {
			return err
		}
		pupils, err := timetable.Pupils(ctx, tx, school, s)
		if err != nil {
			return err
		}
		save := attendance.Save{School: school, Sitting: s.ID, Day: s.Day, By: "x", Origin: attendance.FromRoll}
		for _, p := range pupils {
			value := attendance.Present
			if absent(p.ID) {
				value = attendance.Absent
			}
			save.Pupils = append(save.Pupils, p.ID)
			save.Entries = append(save.Entries, attendance.Entry{Pupil: p.ID, Value: value})
		}
		_, err = attendance.SaveRoll(ctx, tx, h.app.Journal, h.app.Clock.Now(), save)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.app.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A role that is over stops at the next request, and the person no longer counts as one of
// the two who decide.
func TestARoleThatEndsStopsAtOnce(t *testing.T) {
	h := newHouse(t)
	if status, _ := h.send(t, page.Supervisor, "GET", "/day"); status != 200 {
		t.Fatalf("before: %d", status)
	}
	yesterday := h.app.Clock.Now().AddDate(0, 0, -1).Format(time.DateOnly)
	err := h.app.DB.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		_, err := tx.NewUpdate().Model((*account.Account)(nil)).Set("until_on = ?", yesterday).Where("role IN (?, ?)", page.Supervisor, page.CPE).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := h.send(t, page.Supervisor, "GET", "/day"); status != http.StatusSeeOther {
		t.Errorf("after: %d, want the way to the sign-in", status)
	}
	err = h.app.DB.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		n, err := h.app.Adults(ctx, tx, h.ours.School.ID)
		if n != 2 { // the head and the secretary
			t.Errorf("%d adults decide, want 2", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Today is 30 kB at most for each role.
func TestTodayIsSmallForEachRole(t *testing.T) {
	h := newHouse(t)
	most := map[page.Role]int{page.Head: 30, page.CPE: 30, page.Secretary: 30, page.Supervisor: 30, page.Nurse: 30, page.Teacher: 30, page.Pupil: 30, page.Guardian: 30}
	for role, kilobytes := range most {
		path := "/"
		if role == page.Nurse {
			path = "/inside"
		}
		status, body := h.send(t, role, "GET", path)
		if status != 200 || len(body) > kilobytes*1000 {
			t.Errorf("%s: %d, %d bytes", role, status, len(body))
		}
	}
}
