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

	"github.com/preau-ent/preau/internal/directory"
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
	return firstOf(h.town.Sittings, day, h.zone)
}

func firstOf(sittings []timetable.Sitting, day time.Time, zone *time.Location) []timetable.Sitting {
	on := day.In(zone).Format(time.DateOnly)
	var first []timetable.Sitting
	for _, s := range sittings {
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

// addTo adds to a count that is checked at the end.
func (r *replay) addTo(name string, n int) { r.figures[name] += float64(n) }

// clean checks the counts that every drill has.
func (r *replay) clean() {
	for _, name := range []string{"wrong_messages", "duplicates", "missed", "held_without_reason", "unexplained"} {
		r.is(name, int(r.figures[name]), 0)
	}
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

// onlyChild is a pupil of a day's first hour of whom two addresses may hear, and who has no
// sister or brother here: what is done to others' pages does not touch theirs.
func (h *house) onlyChild(day time.Time) string {
	adults := map[string]int{}
	for _, l := range h.town.Rows.Links {
		adults[l.Adult]++
	}
	for _, p := range h.withFamilies(day, len(h.book.pupils)) {
		if !slices.ContainsFunc(h.book.links[p], func(l directory.Link) bool { return adults[l.Adult] > 1 }) {
			return p
		}
	}
	panic("drill: a town of brothers and sisters") // a mistake of package fictional
}

// withFamilies finds n pupils at most of a day's first hour of whom two addresses or more may hear.
// There always are some: a town of which half cannot be reached is a mistake of this program.
func (h *house) withFamilies(day time.Time, n int) []string {
	var out []string
	for p := range h.sits(h.firstHour(day)) {
		if len(h.book.addresses(p)) >= 2 {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out[:min(n, len(out))]
}

// sits says where each pupil sits, among some sittings.
func (h *house) sits(among []timetable.Sitting) map[string]timetable.Sitting {
	of, out := map[string]timetable.Sitting{}, map[string]timetable.Sitting{}
	for _, s := range among {
		for _, g := range s.Groups {
			of[g] = s
		}
	}
	for _, m := range h.town.Rows.Members {
		if s, ok := of[m.Grp]; ok {
			out[m.Person] = s
		}
	}
	return out
}

// toSay is what has to be said about pupils of a day's first hour.
func (h *house) toSay(k kind, day time.Time, pupils []string) (out []saying) {
	sits := h.sits(h.firstHour(day))
	for _, p := range pupils {
		out = append(out, saying{k, p, sits[p]})
	}
	return out
}

// judge adds what the sink counted of some sayings to the figures of every drill.
func (h *house) judge(messages []Message, want []saying) tally {
	t := h.book.tally(messages, want)
	for _, what := range t.odd {
		h.replay.say("wrong", "%s", what)
	}
	h.replay.addTo("wrong_messages", t.wrong)
	h.replay.addTo("missed", t.missed)
	h.replay.addTo("duplicates", t.duplicates)
	return t
}

// appears waits, for a minute at most, until a row of the office's page says something.
func (h *house) appears(class, what string) (time.Time, error) {
	for began := time.Now(); ; time.Sleep(lookEvery) {
		text, err := h.see(h.town.Cast.Office, "/")
		says := slices.ContainsFunc(elements(text, class), func(row string) bool { return strings.Contains(fold(row), fold(what)) })
		if err != nil || says || time.Since(began) > time.Minute {
			return time.Now(), err
		}
	}
}

// telephoned adds to those who are missed whoever is to hear of an absence, cannot be reached
// by a message, and is not on the office's telephone list.
func (h *house) telephoned(want []saying) error {
	text, err := h.see(h.town.Cast.Office, "/")
	off := h.book.offTheList(elements(text, "call"), want)
	for _, who := range off {
		h.replay.say("wrong", "no message reaches them, and the telephone list does not name them: %s", who)
	}
	h.replay.addTo("missed", len(off))
	return err
}
