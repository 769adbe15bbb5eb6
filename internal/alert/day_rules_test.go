package alert

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// aBoard draws what may be read of a day, however odd: episodes in any state, calls of any
// day, statements of anybody, marks in any order.
func aBoard(t *rapid.T) *board {
	now := time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	b := &board{now: now, day: "2026-11-24", school: school{zone: time.UTC}, people: map[string]directory.Person{}, classes: map[string]string{}, statements: map[string][]attendance.Statement{},
		sittings: map[string]timetable.Sitting{}, marks: map[string][]attendance.Mark{}, answers: map[string][]Answer{}, toldThen: map[string]bool{}, toldOn: "2026-11-23"}
	for h := range 4 {
		id := fmt.Sprint("s", h)
		b.sittings[id] = timetable.Sitting{ID: id, Label: id, StartsAt: now.Add(time.Duration(h-2) * time.Hour)}
	}
	n := int64(0)
	for i := range rapid.IntRange(0, 12).Draw(t, "pupils") {
		id := fmt.Sprint("p", i)
		b.people[id] = directory.Person{ID: id, LastName: id}
		for range rapid.IntRange(0, 4).Draw(t, "marks") {
			n++
			b.marks[id] = append(b.marks[id], attendance.Mark{N: n, Pupil: id, Sitting: rapid.SampledFrom([]string{"s0", "s1", "s2", "s3"}).Draw(t, "sitting"), At: now,
				Value: rapid.SampledFrom([]attendance.Value{attendance.Absent, attendance.Present, attendance.Late}).Draw(t, "value")})
		}
		if all := b.marks[id]; len(all) > 0 && all[len(all)-1].Value == attendance.Absent {
			b.absent = append(b.absent, id)
		}
		for seq := range rapid.IntRange(0, 2).Draw(t, "episodes") {
			b.episodes = append(b.episodes, Episode{ID: fmt.Sprint(id, "e", seq), Pupil: id, HalfDay: "2026-11-24/am", State: rapid.SampledFrom([]State{Held, Told, Withdrawn, Untold, Over}).Draw(t, "state"), FirstAt: now, LeavesAt: now.Add(10 * time.Minute)})
		}
		if rapid.Bool().Draw(t, "call") {
			b.calls = append(b.calls, Call{ID: "c" + id, Pupil: id, Episode: id + "e0", Because: NoContact, OpenedAt: now.AddDate(0, 0, -rapid.IntRange(0, 1).Draw(t, "days"))})
		}
		if rapid.Bool().Draw(t, "known") {
			b.statements[id] = []attendance.Statement{{ID: "k" + id, Pupil: id, Says: rapid.SampledFrom([]attendance.Says{attendance.Elsewhere, attendance.Inside}).Draw(t, "says"), FromAt: now.Add(-time.Hour), UntilAt: now.Add(time.Hour)}}
		}
		b.toldThen[id] = rapid.Bool().Draw(t, "before")
	}
	return b
}

// The counts of the day add up, whatever there is: each absent pupil stands in exactly one
// row, and nobody else is counted.
func TestDayAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := aBoard(t)
		d := b.dayOf(b.now)
		sum, rows, seen := 0, 0, map[string]bool{}
		for s, n := range d.Counts {
			if !slices.Contains(Standings(), s) {
				t.Fatalf("a standing that the board does not know: %q", s)
			}
			if rows += n; s.Absent() {
				sum += n
			}
		}
		if sum != d.Absent {
			t.Fatalf("%d absent, and the counts say %d: %v", d.Absent, sum, d.Counts)
		}
		if rows != len(d.Rows) {
			t.Fatalf("%d rows, and the counts say %d", len(d.Rows), rows)
		}
		shown := len(d.Unusual())
		for _, s := range Standings() {
			shown += len(d.In(s))
		}
		if shown != len(d.Rows) {
			t.Fatalf("%d rows are shown of %d", shown, len(d.Rows))
		}
		for _, r := range d.Rows {
			if seen[r.Pupil.ID] || r.Pupil.ID == "" {
				t.Fatalf("%q has two rows", r.Pupil.ID)
			}
			seen[r.Pupil.ID] = true
			if wants := r.Standing == AtCall || r.Standing == AtOwed; wants != (len(r.Calls) > 0) {
				t.Fatalf("%+v", r)
			}
		}
		for _, pupil := range b.absent {
			if r, ok := d.Of(pupil); !ok || !r.Standing.Absent() {
				t.Fatalf("%s is absent and has no row", pupil)
			}
		}
		for _, c := range b.calls {
			if !seen[c.Pupil] {
				t.Fatalf("%s is to be telephoned about and has no row", c.Pupil)
			}
		}
	})
}

func TestOddities(t *testing.T) {
	at := func(h int) time.Time { return time.Date(2026, 11, 24, h, 0, 0, 0, time.UTC) }
	sittings := map[string]timetable.Sitting{"8": {ID: "8", StartsAt: at(8)}, "9": {ID: "9", StartsAt: at(9)}, "9b": {ID: "9b", StartsAt: at(9)}, "10": {ID: "10", StartsAt: at(10)},
		"x": {ID: "x", StartsAt: at(9), CancelledAt: at(7)}}
	for name, c := range map[string]struct {
		marks string // sitting=value, in the order in which they were made
		want  []Odd
	}{
		"absent all along":           {"8=absent 9=absent", nil},
		"present at 8, absent at 9":  {"8=present 9=absent", []Odd{{Kind: SeenThenAbsent, Seen: at(8), Missed: at(9)}}},
		"late at 8, absent since 9":  {"8=late 9=absent 10=absent", []Odd{{Kind: SeenThenAbsent, Seen: at(8), Missed: at(9)}}},
		"between two presences":      {"8=present 9=absent 10=present", []Odd{{Kind: BetweenTwo, Seen: at(8), Missed: at(9), Again: at(10)}}},
		"rolls called out of order":  {"10=present 9=absent 8=present", []Odd{{Kind: BetweenTwo, Seen: at(8), Missed: at(9), Again: at(10)}}},
		"a mark that was corrected":  {"8=present 9=absent 9=present", nil},
		"came at 9":                  {"8=absent 9=present", nil},
		"two lists at one hour":      {"8=present 9=absent 9b=present", nil},
		"a lesson that is cancelled": {"8=present x=absent", nil},
	} {
		var marks []attendance.Mark
		for _, one := range strings.Fields(c.marks) {
			sitting, value, _ := strings.Cut(one, "=")
			marks = append(marks, attendance.Mark{N: int64(len(marks) + 1), Sitting: sitting, Value: attendance.Value(value)})
		}
		if got := oddities(marks, sittings); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
