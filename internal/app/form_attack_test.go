package app_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/register"
	"github.com/preau-ent/preau/internal/timetable"
)

// formHouse is newOffice, whose teacher Roy leads 2de 3, and what an attack on it needs.
type formHouse struct {
	*onlineSchool
	t      *testing.T
	school string
	roy    *http.Client
}

func newFormHouse(t *testing.T) *formHouse {
	t.Helper()
	s, _ := newOffice(t)
	return &formHouse{s, t, s.town.School.ID, s.enter("roy")}
}

func (h *formHouse) in(fn func(context.Context, database.Tx) error) {
	h.t.Helper()
	if err := h.app.DB.InSchool(h.t.Context(), h.school, fn); err != nil {
		h.t.Fatal(err)
	}
}

// write runs a statement that a file or a hand would have run.
func (h *formHouse) write(query string, args ...any) {
	h.t.Helper()
	h.in(func(ctx context.Context, tx database.Tx) error {
		res, err := tx.NewRaw(query, args...).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			h.t.Fatalf("%s: nothing written, %v", query, err)
		}
		return nil
	})
}

// missed marks pupils absent from one lesson.
func (h *formHouse) missed(starts time.Time, pupils ...string) {
	h.t.Helper()
	h.in(func(ctx context.Context, tx database.Tx) error {
		id := database.NewID()
		s := timetable.Sitting{School: h.school, ID: id, Kind: timetable.Lesson, Label: "Sport", ShortLabel: "sport", Source: timetable.FromPage, SourceKey: id, Groups: []string{"2de3"}}
		s.At(starts, starts.Add(55*time.Minute), starts.Location())
		if err := timetable.Add(ctx, tx, s); err != nil {
			return err
		}
		save := attendance.Save{School: h.school, Sitting: id, Day: s.Day, Pupils: pupils, By: "x", Origin: attendance.FromRoll}
		for _, p := range pupils {
			save.Entries = append(save.Entries, attendance.Entry{Pupil: p, Value: attendance.Absent})
		}
		_, err := attendance.SaveRoll(ctx, tx, h.app.Journal, starts, save)
		return err
	})
}

func (h *formHouse) get(path string) (int, string) {
	h.t.Helper()
	status, text, err := read(h.roy.Get(h.url(path)))
	if err != nil {
		h.t.Fatal(err)
	}
	return status, text
}

func (h *formHouse) note(pupil string) int {
	h.t.Helper()
	status, _, err := read(h.roy.PostForm(h.url("/followup/pupils/"+pupil+"/note"), url.Values{"what": {"called"}}))
	if err != nil {
		h.t.Fatal(err)
	}
	return status
}

// TestAFormTeachersPastMonthsNameNobodyElses: by the address of a past month a form teacher
// reads those who are of the class today, and no month of another school year.
func TestAFormTeachersPastMonthsNameNobodyElses(t *testing.T) {
	h := newFormHouse(t)
	zone := h.clock.Now().Location()
	h.missed(time.Date(2026, time.October, 14, 8, 5, 0, 0, zone), "lea", "malo")
	h.missed(time.Date(2026, time.June, 10, 8, 5, 0, 0, zone), "lea")
	h.write("UPDATE directory_members SET until_on = '2026-11-02' WHERE school = ? AND grp = '2de3' AND person = 'malo'", h.school)
	status, text := h.get("/form?month=2026-10")
	if status != http.StatusOK || !strings.Contains(text, "/form/pupils/lea") {
		t.Errorf("%d: October does not name who was absent: %s", status, page.Plain(text))
	}
	if strings.Contains(text, "/form/pupils/malo") || strings.Contains(text, "Tisserand") {
		t.Error("October names a pupil who is of another class now")
	}
	for _, month := range []string{"2026-07", "2026-06", "2025-11", "0001-01"} {
		if status, text := h.get("/form?month=" + month); status != http.StatusNotFound || strings.Contains(text, "Benali") {
			t.Errorf("%s, of another school year: %d, want 404", month, status)
		}
	}
	if status, text := h.get("/form?month=2026-08"); status != http.StatusOK || strings.Contains(text, "month=2026-07") {
		t.Errorf("the first month of the year: %d, or it leads to one before", status)
	}
}

// TestAFormTeacherReadsNobodyWhoLeft: a file says a day of leaving and leaves the pupil in the
// class; from that day on there is nothing to read, nor to note.
func TestAFormTeacherReadsNobodyWhoLeft(t *testing.T) {
	h := newFormHouse(t)
	paths := []string{"/form/pupils/malo", "/followup/pupils/malo"}
	for _, path := range paths {
		if status, _ := h.get(path); status != http.StatusOK {
			t.Fatalf("%s before: %d", path, status)
		}
	}
	h.write("UPDATE directory_people SET left_on = '2026-11-24' WHERE school = ? AND id = 'malo'", h.school)
	for _, path := range paths {
		if status, _ := h.get(path); status != http.StatusNotFound {
			t.Errorf("%s of somebody who left: %d, want 404", path, status)
		}
	}
	if got := h.note("malo"); got != http.StatusNotFound {
		t.Errorf("a note about somebody who left: %d, want 404", got)
	}
}

// TestAPupilOfTwoClassesHasTwoFormTeachers: who is enrolled in a second class (an ULIS, say) is
// still of the first.
func TestAPupilOfTwoClassesHasTwoFormTeachers(t *testing.T) {
	h := newFormHouse(t)
	h.in(func(ctx context.Context, tx database.Tx) error {
		var all []directory.Group
		var members []directory.Member
		for _, id := range []string{"0-ulis", "zz-ulis"} { // whichever a database gives last
			all = append(all, directory.Group{School: h.school, ID: id, Kind: "class", Code: id, Label: id})
			members = append(members, directory.Member{School: h.school, Grp: id, Person: "lea"})
		}
		return directory.Add(ctx, tx, directory.Batch{Groups: all, Members: members})
	})
	for _, path := range formPages("lea") {
		if status, _ := h.get(path); status != http.StatusOK {
			t.Errorf("%s: %d, want 200", path, status)
		}
	}
}

// TestTheOrderOfAFormTeachersListTellsNothing: of two pupils who missed as much, one excused and
// one not, the list must not put the second first: what became of a reason is the office's.
func TestTheOrderOfAFormTeachersListTellsNothing(t *testing.T) {
	h := newFormHouse(t)
	now := h.clock.Now()
	h.missed(time.Date(2026, time.October, 14, 8, 5, 0, 0, now.Location()), "nora", "malo", "awa")
	order := func(text string) []int {
		var at []int
		for _, id := range []string{"nora", "awa", "malo"} { // Haddad, Sangaré, Tisserand
			at = append(at, strings.Index(text, "/form/pupils/"+id))
		}
		return at
	}
	for round, said := range []map[string]string{{"nora": "illness", "malo": "none"}, {"nora": "none", "malo": "illness"}} {
		h.in(func(ctx context.Context, tx database.Tx) error {
			for pupil, reason := range said {
				if err := register.Give(ctx, tx, h.app.Journal, now, h.town.School, pupil, []string{"2026-10-14/am"}, reason, "x"); err != nil {
					return err
				}
			}
			return nil
		})
		_, text := h.get("/form?month=2026-10")
		at := order(text)
		if at[0] < 0 || at[2] < 0 || at[0] > at[2] {
			t.Errorf("round %d: the order of the list tells whose reason was taken: %v", round, at)
		}
		if at[1] > slices.Min([]int{at[0], at[2]}) {
			t.Errorf("round %d: who still wants a word of the family does not come first: %v", round, at)
		}
	}
}
