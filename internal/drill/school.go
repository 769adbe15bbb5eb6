package drill

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/timetable"
)

// tuesday is the day of a drill: a Tuesday in the middle of a term.
var tuesday = time.Date(2026, time.November, 24, 8, 0, 0, 0, paris())

func paris() *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err) // the program carries its zones with it
	}
	return zone
}

// childVariable is handed to the program under test: tests run themselves as the program.
const childVariable = "PREAU_DRILL_CHILD"

// rehearsed is how many days a school rehearses before it is in service.
const rehearsed = 5

// enterService lives the days before a school's first service, as its people would: a roll
// is called each day and looked at, the head finds the rehearsal right and asks, the CPE
// opens. Nothing may reach the sink meanwhile.
func (h *house) enterService(ctx context.Context) error {
	c := h.town.Cast
	days := h.town.DaysBefore(rehearsed)
	if err := h.start(ctx, h.clock(days[0], "07:00")); err != nil {
		return err
	}
	if _, err := h.press(c.CPE, "/rehearsal", "do", "start"); err != nil {
		return err
	}
	for _, d := range days {
		if err := h.at(h.clock(d, "07:15")); err != nil {
			return err
		}
		day := d.In(h.zone).Format(time.DateOnly)
		text, err := h.press(c.Head, "/timetable/new", "kind", "study", "label", "Étude", "day", day, "from", "07:10", "until", "07:50", "class", c.Class)
		if err != nil {
			return err
		}
		_, after, ok := strings.Cut(text, `href="/roll/`)
		if !ok {
			return fmt.Errorf("no roll on %s: %s", day, words(text))
		}
		sitting, _, _ := strings.Cut(after, `"`)
		if _, err := h.call(c.Supervisor, sitting, func(string) string { return "" }); err != nil {
			return err
		}
		if _, err := h.press(c.Office, "/rehearsal", "do", "day", "day", day, "missed", "0"); err != nil {
			return err
		}
	}
	if _, err := h.press(c.Head, "/rehearsal", "do", "end", "outcome", "ready"); err != nil {
		return err
	}
	if _, err := h.press(c.Head, "/service", "do", "ask", "until", "2027-07-04"); err != nil {
		return err
	}
	if _, err := h.press(c.CPE, "/service", "do", "open"); err != nil {
		return err
	}
	if n := h.sink.count(); n > 0 {
		return fmt.Errorf("%d messages reached the sink in the rehearsal", n)
	}
	h.replay.say("person", "%s: five days rehearsed, nothing left; in service by two persons", h.town.School.Name)
	return nil
}

// call calls a roll as somebody at a browser: opens it, changes what is said of pupils ("":
// as it is shown; "absent", "present", "late") and saves. It gives the pupils on it.
func (h *house) call(who, sitting string, say func(pupil string) string) ([]string, error) {
	path := "/roll/" + sitting
	text, err := h.see(who, path)
	if err != nil {
		return nil, err
	}
	form, err := formTo(text, path)
	if err != nil {
		return nil, err
	}
	var pupils []string
	for _, field := range slices.Sorted(maps.Keys(form)) {
		pupil, ok := strings.CutPrefix(field, "v-")
		if !ok {
			continue
		}
		pupils = append(pupils, pupil)
		if v := say(pupil); v != "" {
			form.Set(field, v)
		}
	}
	p, err := h.as(who)
	if err != nil {
		return nil, err
	}
	status, text, err := p.post(path, form)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s saves %s: %d: %s", who, path, status, words(text))
	}
	return pupils, err
}

// firstHour are the sittings with which a day begins, with who is in charge of each.
func (h *house) firstHour(day time.Time) []timetable.Sitting {
	on := day.In(h.zone).Format(time.DateOnly)
	var first []timetable.Sitting
	for _, s := range h.town.Sittings {
		switch {
		case s.Day != on || s.Cancelled():
		case len(first) == 0 || s.StartsAt.Before(first[0].StartsAt):
			first = []timetable.Sitting{s}
		case s.StartsAt.Equal(first[0].StartsAt):
			first = append(first, s)
		}
	}
	return first
}

// callAll calls every roll of a day's first hour. absent says who is noted absent; it gives
// those who are.
func (h *house) callAll(day time.Time, absent func(pupil string) bool) ([]string, error) {
	noted := map[string]bool{}
	for _, s := range h.firstHour(day) {
		_, err := h.call(s.Staff[0].Person, s.ID, func(p string) string {
			if absent(p) {
				noted[p] = true
				return "absent"
			}
			return "present"
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(noted)), nil
}

// some draws who is absent on an ordinary day: pupils in ten thousand.
func (r *replay) some(perTenThousand int) func(string) bool {
	drawn := map[string]bool{}
	return func(pupil string) bool {
		is, known := drawn[pupil]
		if !known {
			is = r.random.IntN(10_000) < perTenThousand
			drawn[pupil] = is
		}
		return is
	}
}

// ordinaryAbsence is how many pupils in ten thousand are absent in an ordinary hour: 70 of
// 1,200.
const ordinaryAbsence = 583

// ordinaryDay lives the day before the fault: every first roll is called, an ordinary part
// is absent, and their families are told. It gives who was absent.
func (h *house) ordinaryDay(day time.Time) ([]string, error) {
	r := h.replay
	if err := h.at(h.clock(day, "08:06")); err != nil {
		return nil, err
	}
	before := h.sink.count()
	absent, err := h.callAll(day, r.some(ordinaryAbsence))
	if err != nil {
		return nil, err
	}
	if err := h.at(h.clock(day, "08:20")); err != nil {
		return nil, err
	}
	if err := h.rest(); err != nil {
		return nil, err
	}
	odd, err := h.see(h.town.Cast.Office, "/breaker")
	if err != nil {
		return nil, err
	}
	held := 0
	if !strings.Contains(odd, "Rien n") {
		held = len(absent)
	}
	r.addTo("held_without_reason", held)
	t := h.tally(h.sink.since(before), h.expect(absent), absence)
	r.addTo("wrong_messages", t.wrong)
	r.addTo("missed", t.missed)
	r.addTo("duplicates", t.duplicates)
	r.say("sent", "an ordinary day: %d of %d pupils absent, %d messages, %d held", len(absent), len(h.First), t.right, held)
	return absent, nil
}

// addTo adds to a count that is checked at the end.
func (r *replay) addTo(name string, n int) { r.figures[name] += float64(n) }

// clean checks the counts that every drill has.
func (r *replay) clean() {
	for _, name := range []string{"wrong_messages", "duplicates", "missed", "held_without_reason", "unexplained"} {
		r.is(name, int(r.figures[name]), 0)
	}
}

// expect says how often each address hears of these pupils.
func (h *house) expect(pupils []string) map[string]int {
	want := map[string]int{}
	for _, p := range pupils {
		for _, to := range h.Told[p] {
			want[to]++
		}
	}
	return want
}

// tally compares what the sink counted with what had to be.
type tally struct {
	right, wrong, missed, duplicates int
	last                             time.Time
}

// tally counts messages of a kind; anything of another kind, or beyond what had to reach an
// address, is wrong. An SMS that comes twice with the same words is a duplicate as well, and
// so is a second e-mail with another Message-ID.
func (h *house) tally(messages []Message, want map[string]int, k kind) (t tally) {
	left := maps.Clone(want)
	seen := map[string]int{}
	for _, m := range messages {
		if m.At.After(t.last) {
			t.last = m.At
		}
		if strings.HasPrefix(m.To, "email ") && seen[m.ID+m.To] > 0 {
			continue // the same letter again: its reader's mail program shows it once
		}
		key := m.To + m.Text
		if strings.HasPrefix(m.To, "email ") {
			key = m.ID + m.To
		}
		if seen[key]++; seen[key] > 1 {
			t.duplicates++
			continue
		}
		if m.kind() != k || left[m.To] == 0 {
			t.wrong++
			continue
		}
		left[m.To]--
		t.right++
	}
	for _, n := range left {
		t.missed += n
	}
	return t
}

// refused is a form that must not be taken.
func (h *house) refused(who, path string, fields ...string) (bool, error) {
	p, err := h.as(who)
	if err != nil {
		return false, err
	}
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	status, _, err := p.post(path, form)
	return status >= 400, err
}

// withFamilies finds n pupils of a day's first hour of whom two addresses or more may hear.
// There always are some: a town of which half cannot be reached is a mistake of this program.
func (h *house) withFamilies(day time.Time, n int) []string {
	first := map[string]bool{}
	for _, s := range h.firstHour(day) {
		for _, m := range h.town.Rows.Members {
			if slices.Contains(s.Groups, m.Grp) && len(h.Told[m.Person]) >= 2 {
				first[m.Person] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(first))[:n]
}
