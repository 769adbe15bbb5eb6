package attendance

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// The fields of the form, each followed by the pupil's id.
const (
	fieldValue   = "v-"
	fieldMinutes = "m-"
	fieldBase    = "b-"
)

// filled is what a form says.
type filled struct {
	Why, Words string // of the office's correction
	Entries    []Entry
	Typed      map[string]string // minutes as they were typed
	Wrong      map[string]string // pupil → key of the sentence
	Changed    bool              // it speaks of a pupil who is not in the sitting
	Gone       int               // of how many
}

// readForm reads what was sent, pupil by pupil. A pupil of whom the form does not speak
// joined the sitting after the page was opened: nothing is said of that pupil.
func readForm(form url.Values, s timetable.Sitting, pupils []directory.Person, now time.Time) filled {
	f := filled{Typed: map[string]string{}, Wrong: map[string]string{}}
	in := make(map[string]bool, len(pupils))
	for _, p := range pupils {
		in[p.ID] = true
		if !form.Has(fieldValue + p.ID) {
			continue
		}
		e := Entry{Pupil: p.ID, Value: Value(form.Get(fieldValue + p.ID))}
		typed := strings.TrimSpace(form.Get(fieldMinutes + p.ID))
		f.Typed[p.ID] = typed
		switch e.Value {
		case Present, Absent, Unsaid:
		case Late:
			n, err := strconv.Atoi(typed)
			switch {
			case typed == "":
				n = minutesLate(s.StartsAt, now)
			case err != nil || n < 1 || n > maxLate:
				f.Wrong[p.ID] = "attendance.minutes.wrong"
			}
			e.Minutes = n
		default:
			e.Value = Present
			f.Wrong[p.ID] = "attendance.value.wrong"
		}
		// A number that cannot be read is one that was never shown.
		e.Base, _ = strconv.ParseInt(form.Get(fieldBase+p.ID), 10, 64)
		f.Entries = append(f.Entries, e)
	}
	for field := range form {
		if id, ok := strings.CutPrefix(field, fieldValue); ok && !in[id] {
			f.Changed = true
			f.Gone++
		}
	}
	return f
}

// fill puts what a form said back onto the page.
func (s *sheet) fill(f filled) {
	s.Why, s.Words = f.Why, f.Words
	said := make(map[string]Entry, len(f.Entries))
	for _, e := range f.Entries {
		said[e.Pupil] = e
	}
	for i := range s.Rows {
		r := &s.Rows[i]
		e, ok := said[r.Pupil.ID]
		if !ok {
			continue
		}
		r.Value, r.Base, r.Minutes, r.Wrong = e.Value, e.Base, f.Typed[r.Pupil.ID], f.Wrong[r.Pupil.ID]
		if r.Wrong != "" {
			s.Wrong++
		}
	}
}

func minutesText(k Mark) string {
	if k.Value != Late {
		return ""
	}
	return strconv.Itoa(k.Minutes)
}
