package drill

import (
	"encoding/csv"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/preau-ent/preau/internal/timetable"
)

// rolls has every roll of a bell called: the teacher opens it and saves what it proposes. Where
// something of ours was wrong, one in two says "absent" of everybody of whom nothing is proposed,
// as people in a hurry do.
func (q *fortnight) rolls(l lesson) error {
	if err := q.until(l.bell.Add(12 * time.Minute)); err != nil {
		return err
	}
	for i, s := range l.sittings {
		// Whose family was told in the morning is said absent again.
		told := l.outage && slices.ContainsFunc(q.who(l, staysAway), func(id string) bool { return l.seats[id].ID == s.ID })
		if err := q.homeRoll(l, s, l.oursToAnswer() && (i%2 == 1 || told)); err != nil {
			return err
		}
	}
	return nil
}

// homeRoll calls one roll, and judges what it proposed and what it then says.
func (q *fortnight) homeRoll(l lesson, s timetable.Sitting, hasty bool) error {
	who, path, r := s.Staff[0].Person, "/roll/"+s.ID, q.replay
	text, err := q.see(who, path)
	if err != nil {
		return err
	}
	form, err := formTo(text, path)
	if err != nil {
		return err
	}
	rows := chosen(form)
	for _, pupil := range slices.Sorted(maps.Keys(rows)) {
		f, proposed := q.fate(l, pupil), rows[pupil]
		if l.seats[pupil].ID != s.ID {
			return fmt.Errorf("%s is on the roll of %s, and not in its groups", pupil, s.ID)
		}
		switch {
		case f.comes() && proposed == "absent":
			r.addTo("present_proposed_absent", 1)
			r.say("wrong", "%s %s: %s, and is proposed absent", l.day, l.half, f)
		case f.comes() && proposed == "":
			r.addTo("present_not_proposed", 1)
			r.say("wrong", "%s %s: %s, and nothing is proposed", l.day, l.half, f)
		case f == staysAway && !l.oursToAnswer() && proposed != "absent":
			r.addTo("absent_not_proposed", 1)
			r.say("wrong", "%s %s: %s, and %q is proposed", l.day, l.half, f, proposed)
		}
		switch {
		case f == staysAway && !l.oursToAnswer():
			q.want = append(q.want, saying{absence, pupil, s})
			q.absent[pupil+" "+l.day+" "+l.half] = true
		default:
			q.ours = append(q.ours, saying{absence, pupil, s})
		}
		if hasty && proposed == "" {
			form.Set("v-"+pupil, "absent")
			r.addTo("said_absent_in_a_hurry", 1)
		}
		r.addTo("seats", 1)
	}
	p, err := q.as(who)
	if err != nil {
		return err
	}
	status, text, err := p.post(path, form)
	if err == nil && status != 200 {
		err = fmt.Errorf("%s saves %s: %d: %s", who, path, status, words(text))
	}
	if err != nil {
		return err
	}
	return q.readRoll(l, s, hasty)
}

// readRoll is the CPE with the saved roll: who is absent on it, and of whom it says in words
// that this is undecided.
func (q *fortnight) readRoll(l lesson, s timetable.Sitting, hasty bool) error {
	path := "/roll/" + s.ID
	text, err := q.see(q.town.Cast.CPE, path)
	if err != nil {
		return err
	}
	form, err := formTo(text, path)
	if err != nil {
		return err
	}
	notes := rollNotes(text)
	for pupil, value := range chosen(form) {
		f := q.fate(l, pupil)
		if value == "absent" && !hasty && (f != staysAway || l.oursToAnswer()) {
			q.false[pupil+" "+l.day+" "+l.half] = true
			q.replay.say("wrong", "%s %s: %s, and the roll says absent", l.day, l.half, f)
		}
		if !f.comes() && l.oursToAnswer() {
			q.replay.addTo("may_have_been_kept", 1)
		}
		if strings.Contains(fold(notes[pupil]), "indecis") {
			q.replay.addTo("undecided", 1)
		}
		if must := q.shownAs(l, pupil); must != "" {
			q.replay.addTo("kept_or_cut_off_and_came", 1)
			if strings.Contains(fold(notes[pupil]), must) {
				q.replay.addTo("shown_as_such", 1)
			} else {
				q.replay.say("wrong", "%s %s: the roll does not say %q, but %q", l.day, l.half, must, notes[pupil])
			}
		}
	}
	return nil
}

// shownAs is what the roll has to say of somebody who came, and whom something kept or cut off.
func (s script) shownAs(l lesson, pupil string) string {
	switch i := slices.Index(s.broken, pupil); {
	case s.fate(l, pupil) == waited:
		return "file d'attente"
	case l.outage && s.thrown[pupil]:
		return "notre panne"
	case l.breaking && i >= 0 && i%2 == 0 && s.fate(l, pupil).comes():
		return "sa ligne a coupe"
	}
	return ""
}

// judgeNames reads, as the head on the morning after the fortnight, who is named.
func (q *fortnight) judgeNames() error {
	last := q.days[len(q.days)-1]
	if err := q.until(q.clock(last.AddDate(0, 0, 1), "07:30")); err != nil {
		return err
	}
	named, err := q.namedTo(q.town.Cast.Head)
	if err != nil {
		return err
	}
	n := 0
	for id := range named {
		if _, ok := q.quiet[id]; ok {
			n++
			continue
		}
		q.replay.addTo("named_wrongly", 1)
		q.replay.say("wrong", "after the fortnight %s is named, who is not silent", q.book.people[id].FirstName)
	}
	for _, id := range slices.Sorted(maps.Keys(q.quiet)) {
		if !named[id] {
			q.replay.say("wrong", "%s has been silent since day %d, and is not named", q.book.people[id].FirstName, q.quiet[id]+1)
		}
	}
	r := q.replay
	r.say("person", "the morning after: the head reads the names of %d pupils of whom there is no sign; %d are silent", len(named), len(q.quiet))
	r.figure("pupils", float64(len(q.book.pupils)))
	r.figure("kept_waiting", float64(len(q.kept)))
	r.figure("broken_lines", float64(len(q.broken)))
	r.atLeast("silent", len(q.quiet), 1)
	r.is("named", n, len(q.quiet))
	r.is("silent_not_named", len(q.quiet)-n, 0)
	r.is("named_wrongly", int(r.figures["named_wrongly"]), 0)
	return nil
}

// judgeAbsences reads the school's list of absences, and what reached families.
func (q *fortnight) judgeAbsences() error {
	r, listed, missing := q.replay, map[string]int{}, 0
	for _, month := range []string{"2026-11", "2026-12"} {
		if err := q.readRegister(month, listed); err != nil {
			return err
		}
	}
	names := q.names()
	absent := map[string]int{} // by name, class and half-day
	for key := range q.absent {
		id, half, _ := strings.Cut(key, " ")
		absent[names[id]+" "+half]++
	}
	for _, key := range slices.Sorted(maps.Keys(absent)) {
		if n := absent[key] - listed[key]; n > 0 {
			missing += n
			r.say("wrong", "the list of absences does not count %s", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(listed)) {
		if listed[key] > absent[key] {
			q.false[key] = true
			r.say("wrong", "the list of absences counts %s", key)
		}
	}
	t := q.judge(q.sink.since(q.before), q.want)
	about := 0
	for _, m := range q.sink.since(q.before) {
		says := func(s saying) bool { return slices.Contains(q.book.addresses(s.pupil), m.To) && q.book.says(s, m) }
		if m.kind() == absence && slices.ContainsFunc(q.ours, says) && !slices.ContainsFunc(q.want, says) {
			about++
		}
	}
	r.say("sent", "%d messages about whoever was not there, %d about whoever came or may have been kept by us", t.right, about)
	r.is("falsely_absent", len(q.false), 0)
	r.is("alerts_for_our_own_fault", about, 0)
	r.is("families_that_read_of_our_fault", int(r.figures["families_that_read_of_our_fault"]), 0)
	r.atLeast("families_that_looked", int(r.figures["families_that_looked"]), 1)
	r.is("undecided", int(r.figures["undecided"]), int(r.figures["may_have_been_kept"]))
	r.is("shown_as_such", int(r.figures["shown_as_such"]), int(r.figures["kept_or_cut_off_and_came"]))
	for _, name := range []string{"present_proposed_absent", "present_not_proposed", "absent_not_proposed"} {
		r.is(name, int(r.figures[name]), 0)
	}
	r.is("absent_not_in_the_register", missing, 0)
	r.atLeast("absent_half_days", len(q.absent), 1)
	r.atLeast("messages_that_had_to_be", t.right, 1)
	for _, name := range []string{"held", "detected_s", "slowest_correction_s"} {
		r.figure(name, 0) // nothing is held, nothing has to be found or taken back
	}
	return nil
}

// names gives the name and the class of each pupil, as a list says them.
func (q *fortnight) names() map[string]string {
	classes, out := map[string]string{}, map[string]string{}
	for _, g := range q.town.Rows.Groups {
		if g.Kind == "class" {
			classes[g.ID] = g.Label
		}
	}
	for _, m := range q.town.Rows.Members {
		if label := classes[m.Grp]; label != "" {
			who := q.book.people[m.Person]
			out[m.Person] = who.LastName + " " + who.FirstName + " " + label
		}
	}
	return out
}

var registered = regexp.MustCompile(`href="/pupils/([^"]+)/register"`)

// readRegister reads what the office has of a month: the table of who missed which half-day, by
// name, and the page, whose names lead to pupils: two may have one name.
func (q *fortnight) readRegister(month string, into map[string]int) error {
	text, err := q.see(q.town.Cast.Office, "/register/export?month="+month)
	if err != nil {
		return err
	}
	table := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	table.Comma = ';'
	rows, err := table.ReadAll()
	if err != nil || len(rows) == 0 {
		return fmt.Errorf("the list of absences of %s: %w: %.200s", month, err, text)
	}
	for _, row := range rows[1:] {
		half := "pm"
		if strings.Contains(fold(row[4]), "matin") {
			half = "am"
		}
		into[row[0]+" "+row[1]+" "+row[2]+" "+row[3]+" "+half]++
	}
	if text, err = q.see(q.town.Cast.Office, "/register?month="+month); err != nil {
		return err
	}
	absent := map[string]bool{}
	for key := range q.absent {
		if id, half, _ := strings.Cut(key, " "); strings.HasPrefix(half, month) {
			absent[id] = true
		}
	}
	for _, m := range registered.FindAllStringSubmatch(text, -1) {
		if !absent[m[1]] {
			q.false[m[1]+" "+month] = true
			q.replay.say("wrong", "the page of absences of %s names %s", month, q.book.people[m[1]].FirstName)
		}
	}
	return nil
}

// rollNotes reads what a roll says of each pupil beside their name.
func rollNotes(text string) map[string]string {
	out := map[string]string{}
	doc, err := html.Parse(strings.NewReader(text))
	if err != nil {
		return out
	}
	for n := range doc.Descendants() {
		pupil, ok := attr(n, "data-pupil")
		if !ok {
			continue
		}
		for in := range n.Descendants() {
			if of, _ := attr(in, "class"); in.Type == html.ElementNode && of == "roll-note" {
				out[pupil] = said(in)
			}
		}
	}
	return out
}
