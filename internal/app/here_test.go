package app_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// TestStateOfOneSchool: a school reads what keeps its own messages, as the real parts of the
// house say it.
func TestStateOfOneSchool(t *testing.T) {
	h := newHouse(t)
	if err := h.app.Status.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	read := func(role page.Role, school string) string {
		t.Helper()
		status, body := h.send(t, role, http.MethodGet, "/schools/"+url.PathEscape(school)+"/etat")
		if status != http.StatusOK {
			t.Fatalf("%d", status)
		}
		return page.Plain(body)
	}
	if text := read(page.Head, h.ours.School.ID); !strings.Contains(text, "n'est pas en service") {
		t.Error("our school is not in service, and its page does not say so")
	}
	theirs := h.theirs.School.ID
	if text := read(page.Operator, theirs); strings.Contains(text, "n'est pas en service") || strings.Contains(text, "a tout arrêté") {
		t.Error("their school is in service")
	}
	err := h.app.DB.InSchool(t.Context(), theirs, func(ctx context.Context, tx database.Tx) error {
		_, err := h.app.Courier.Stop(ctx, tx, theirs, "x", h.app.Clock.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if text := read(page.Operator, theirs); !strings.Contains(text, "a tout arrêté") {
		t.Error("their school stopped, and its page does not say so")
	}
	if err := h.app.Courier.LockAll(t.Context(), courier.WhyMachine); err != nil {
		t.Fatal(err)
	}
	if text := read(page.Operator, theirs); !strings.Contains(text, "sont verrouillés") {
		t.Error("their school is locked, and its page does not say so")
	}
	if err := h.app.Status.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, body := h.send(t, "", http.MethodGet, "/etat"); status != http.StatusOK || strings.Contains(body, h.theirs.School.Name) {
		t.Errorf("%d, or everybody reads the name of a school", status)
	}
}

// TestRollNow: a teacher comes to the roll of the lesson that they have now, whoever has none to
// their day.
func TestRollNow(t *testing.T) {
	h := newHouse(t)
	for role, want := range map[page.Role]string{page.Teacher: "/roll/" + h.ours.Cast.Sitting, page.Secretary: "/", page.Head: "/"} {
		res, err := h.who[role].Get(h.server.URL + "/roll/now")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || to != want {
			t.Errorf("%s: %d to %q, want %q", role, res.StatusCode, to, want)
		}
	}
}
