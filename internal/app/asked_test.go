package app_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// asks is how many statements a page takes, with who asks, what surrounds it, and the BEGIN and
// COMMIT of each read. A figure
// here goes up only on purpose.
var asks = map[string]map[page.Role]int64{
	"/":          {page.Head: 19, page.CPE: 19, page.Secretary: 19, page.Supervisor: 19, page.Teacher: 22, page.Pupil: 22, page.Guardian: 27},
	"/day":       {page.Head: 19, page.Supervisor: 19},
	"/inside":    {page.Secretary: 26, page.Nurse: 9},
	"/absences":  {page.Secretary: 18},
	"/roll/…":    {page.Secretary: 28, page.Teacher: 23},
	"/register":  {page.Secretary: 27},
	"/form":      {page.Teacher: 24},
	"/pupils":    {page.Secretary: 30},
	"/timetable": {page.Secretary: 22, page.Teacher: 17},
	"/schools":   {page.Operator: 18},
}

// TestWhatPagesAsk: a page asks the database as often when everybody is absent as when one
// pupil is, and exactly as often as it did.
func TestWhatPagesAsk(t *testing.T) {
	h := newHouse(t)
	h.leads(t)
	h.absentNow(t, h.ours.Cast.Lea)
	var asked atomic.Int64
	*h.app.DB = *h.app.DB.Counting(&asked)
	counted := func(when string) {
		t.Helper()
		for path, roles := range asks {
			for role, want := range roles {
				at := strings.Replace(path, "…", h.ours.Cast.Sitting, 1)
				h.send(t, role, http.MethodGet, at) // what is remembered for a while is remembered
				asked.Store(0)
				status, _ := h.send(t, role, http.MethodGet, at)
				if got := asked.Load(); status != http.StatusOK || got != want {
					t.Errorf("%s, %s as %s: %d, %d statements, want %d", when, path, role, status, got, want)
				}
			}
		}
	}
	counted("one is absent")
	h.called(t, func(string) bool { return true })
	counted("everybody is absent")
}

// leads names the teacher of the cast for the cast's class.
func (h *house) leads(t *testing.T) {
	t.Helper()
	school, now := h.ours.School.ID, h.app.Clock.Now()
	day := timetable.Day(now, now.Location())
	err := h.app.DB.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		return directory.Hand{Journal: h.app.Journal, By: "x", Now: now}.GiveForm(ctx, tx, directory.FormTeacher{School: school, Grp: h.ours.Cast.Class, Person: h.ours.Cast.Teacher, FromOn: day, UntilOn: day}, day)
	})
	if err != nil {
		t.Fatal(err)
	}
}
