package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// year is a school year of 180 days: ordinary ones with what happens on them, exceptional ones,
// and some on which everything is stopped; weekends and holidays between them. After each day
// what must always hold is asked of the far side and of the database. What a page costs is
// measured early and on the last day.
func year(ctx context.Context, r *replay) error {
	pupils := r.scaled(400, 120)
	if r.options.quick {
		pupils = 60
	}
	h, err := r.newHouse(ctx, pupils, 0, func(t *app.DrillTown) {
		t.Town = fictional.School(r.options.Seed, fictional.Options{Pupils: pupils, Weeks: 44, Tuesday: firstDay, Closures: yearsClosures()})
		b := newBook(t.Town, paris())
		for _, p := range b.pupils {
			if g := b.guardian(p); g != "" {
				t.Who[g] = page.Guardian
			}
		}
	})
	if err != nil {
		return err
	}
	if h.addr, err = freePort(); err != nil {
		return err
	}
	h.book, h.links = newBook(h.town, h.zone), true
	if err := h.enterService(ctx); err != nil {
		return err
	}
	y := &schoolYear{house: h, ctx: ctx, cost: map[string][]time.Duration{}}
	if y.plan(); len(y.days) != yearDays {
		return fmt.Errorf("the year has %d school days, not %d", len(y.days), yearDays)
	}
	if r.options.days > 0 {
		y.days = y.days[:r.options.days]
	}
	for n, day := range y.days {
		if err := y.live(n, day); err != nil {
			return fmt.Errorf("day %d, %s: %w", n+1, on(day, h.zone), err)
		}
		if n%20 == 19 {
			r.say("person", "%d days lived, until %s: %d messages, %d things that must not be", n+1, on(day, h.zone), h.sink.count(), y.broken)
		}
	}
	r.is("days", y.lived, yearDays)
	r.is("invariants_broken", y.broken, 0)
	r.figure("letters_to_the_head", float64(h.sink.count()-len(y.toFamilies(0))))
	r.figure("exceptional_days", float64(y.exceptional))
	r.figure("stopped_days", float64(y.stopped))
	r.figure("detected_s", 0)
	r.figure("held", 0)
	r.figure("slowest_correction_s", 0)
	if !r.options.quick {
		y.ratios()
	}
	h.counted()
	r.is("messages_asked_for_their_story", y.asked, h.sink.count())
	r.figure("families", float64(h.book.families()))
	r.clean()
	return h.stop()
}

// The year of a drill: from the second Tuesday of September to the last day of June, without
// the winter's holiday and two days of the spring, so that it has as many days as that of a
// country with the most.
const (
	yearDays = 180
	early    = 1  // its second day, the first Wednesday: the last day is a Wednesday, too
	filled   = 16 // the last Wednesday of September: a month's page has a month on it
)

var firstDay = time.Date(2026, time.September, 8, 8, 0, 0, 0, paris())

func yearsClosures() []timetable.Closure {
	all := slices.DeleteFunc(fictional.Closures(firstDay.Year()), func(c timetable.Closure) bool {
		return slices.Contains([]string{"Vacances d'hiver", "Ascension", "Lundi de Pentecôte"}, c.Reason)
	})
	all[0].UntilOn = "2026-08-30" // whoever works there comes a day before the year begins
	return all
}

// schoolYear is what happens in it, and what is seen of that.
type schoolYear struct {
	*house
	ctx  context.Context
	days []time.Time
	same []string // who is absent on the days on which pages are measured
	here string   // a pupil who is there every day: their pages do not grow by what they did
	seen *morning // the ordinary day before, of which families speak in the evening

	lived, broken, exceptional, stopped int
	asked                               int // messages at the sink of which the story was asked

	cost map[string][]time.Duration // by page: early and late
}

// plan lists the days and draws who is absent on those that are compared.
func (y *schoolYear) plan() {
	last := ""
	for _, s := range y.town.Sittings {
		if day := s.StartsAt.In(y.zone); !day.Before(firstDay) && s.Day != last {
			last = s.Day
			y.days = append(y.days, y.clock(day, "08:00"))
		}
	}
	y.days = y.days[:min(len(y.days), yearDays)]
	y.here = y.onlyChild(y.days[early])
	y.same = y.absentees(ordinaryAbsence)
}

// absentees draws who is absent on a day.
func (y *schoolYear) absentees(perTenThousand int) []string {
	all := slices.DeleteFunc(slices.Clone(y.book.pupils), func(p string) bool { return p == y.here })
	return y.replay.pick(all, max(4, y.share(perTenThousand)))
}

// live lives one day, from the morning to what is asked in the evening.
func (y *schoolYear) live(n int, day time.Time) (err error) {
	y.book.day = on(day, y.zone) // who is of age today hears for themselves
	measured := n == early || n == filled || n == yearDays-1
	absent := y.same
	if !measured {
		absent = y.absentees(450 + y.replay.random.IntN(250))
	}
	switch {
	case n%40 == 20:
		y.exceptional++
		err = y.exceptionally(day, absent)
	case n%60 == 30:
		y.stopped++
		err = y.stoppedAllDay(day, absent)
	default:
		err = y.ordinarily(n, day, absent)
	}
	if err != nil {
		return err
	}
	if err := y.at(y.clock(day, "17:45")); err != nil {
		return err
	}
	if err := y.afternoon(n); err != nil {
		return err
	}
	if err := y.at(y.clock(day, "18:00")); err != nil {
		return err
	}
	if err := y.rest(); err != nil {
		return err
	}
	y.replay.leak(y.sink, "evening")
	y.lived++
	if err := y.holds(n, day); err != nil {
		return err
	}
	if y.replay.options.day != nil && (n == filled || n == yearDays-1) {
		if err := y.beside(); err != nil {
			return err
		}
	}
	if measured && !y.replay.options.quick {
		return y.measure(n, day)
	}
	return nil
}

// beside lets a test look at the installation while the program is off.
func (y *schoolYear) beside() error {
	at := y.now.Add(time.Since(y.setAt))
	if err := y.stop(); err != nil {
		return err
	}
	if err := y.replay.options.day(y); err != nil {
		return err
	}
	return y.start(y.ctx, at)
}

// holds asks what must always hold of the day: of the far side, and of the database.
func (y *schoolYear) holds(n int, day time.Time) (err error) {
	a, err := app.Open(y.ctx, y.config(), app.Options{Log: slog.New(slog.DiscardHandler), For: app.Reading})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	broken, err := a.BrokenOn(y.ctx, y.town.School.ID, on(day, y.zone))
	if err != nil {
		return err
	}
	for _, m := range y.sink.since(y.asked) { // those of the night before, too
		y.asked++
		ok, err := a.AccountsFor(y.ctx, m.reference())
		if err != nil {
			return err
		}
		if !ok {
			y.replay.addTo("unexplained", 1)
			broken = append(broken, "a message at the sink has no story: "+m.Text)
		}
	}
	f := y.replay.figures
	if odd := f["wrong_messages"] + f["duplicates"] + f["missed"] + f["held_without_reason"] - f["odd_before"]; odd > 0 {
		broken = append(broken, fmt.Sprintf("%g messages wrong, twice, missed or held", odd))
		f["odd_before"] += odd
	}
	for _, what := range broken {
		y.replay.say("wrong", "day %d: %s", n+1, what)
	}
	y.broken += len(broken)
	return nil
}

// ordinarily lives a day of two hours: some absences are announced, one family answers, one
// pupil comes late to the office, one was there after all.
func (y *schoolYear) ordinarily(n int, day time.Time, absent []string) error {
	if err := y.substitute(n, day); err != nil {
		return err
	}
	m, err := y.newMorning(day, absent)
	if err != nil {
		return err
	}
	hours := 2
	if y.replay.options.quick && n%4 != early {
		hours = 1
	}
	for i, bell := range y.bells(day)[:hours] {
		if i > 0 {
			m.move()
		}
		if err := m.hour(bell); err != nil {
			return err
		}
		if i == 0 {
			if err := y.gestures(m); err != nil {
				return err
			}
		}
	}
	if err := y.at(y.clock(day, "16:30")); err != nil {
		return err
	}
	if err := y.justify(); err != nil {
		return err
	}
	y.judge(y.toFamilies(m.before), m.want)
	y.seen = m
	return nil
}

// afternoon is the office with what is left of its list, each row once; and every Friday the
// head, who says that the school still uses Préau.
func (y *schoolYear) afternoon(n int) error {
	text, err := y.see(y.town.Cast.Office, "/")
	if err != nil {
		return err
	}
	if _, err := y.outcomes(text); err != nil {
		return err
	}
	if n%5 == 3 && strings.Contains(text, `value="keep"`) {
		y.replay.addTo("kept", 1)
		_, err = y.press(y.town.Cast.Head, "/service", "do", "keep")
	}
	return err
}

// toFamilies is what the sink got since it had so many, without the letter of the day before to
// the head: that one leaves in the evening, and may come while the next day has begun.
func (y *schoolYear) toFamilies(before int) []Message {
	var heads []string
	for _, c := range y.book.points[y.town.Cast.Head] {
		heads = append(heads, string(c.Channel)+" "+c.Address)
	}
	return slices.DeleteFunc(y.sink.since(before), func(m Message) bool {
		return slices.Contains(heads, m.To) && strings.Contains(fold(m.Text), "gardez cette lettre")
	})
}

// gestures are what happens after families were told.
func (y *schoolYear) gestures(m *morning) error {
	var told []saying
	for _, s := range m.want {
		if s.kind == absence && m.missing[s.pupil] && len(y.book.addresses(s.pupil)) > 0 {
			told = append(told, s)
		}
	}
	for i, s := range told[:min(3, len(told))] {
		var err error
		switch {
		case i == 0 && y.linkAbout(s, m.before) != "":
			err = y.answerTo(s, m.before, "answer", "announced", "reason", "family", "span", "day")
			m.known[s.pupil] = true
		case i == 1:
			_, err = y.press(y.town.Cast.Supervisor, "/pupils/"+s.pupil+"/inside", "at", "late")
			m.want = append(m.want, saying{arrival, s.pupil, s.sitting})
		case i == 2:
			_, err = y.call(s.sitting.Staff[0].Person, s.sitting.ID, func(p string) string {
				if p == s.pupil {
					return "present"
				}
				return ""
			})
			m.want = append(m.want, saying{correction, s.pupil, s.sitting})
		default:
			continue
		}
		if err != nil {
			return err
		}
		delete(m.missing, s.pupil)
		delete(m.noted, s.pupil)
		y.replay.addTo("gestures", 1)
	}
	return y.rest()
}

// substitute is the office, once a week: somebody who is free has the day's last lesson.
func (y *schoolYear) substitute(n int, day time.Time) error {
	if n%5 != 3 {
		return nil
	}
	bells := y.bells(day)
	last := y.sittings(bells[len(bells)-1])
	for _, s := range y.town.Sittings {
		who := s.Staff[0].Person
		if who == y.town.Cast.Supervisor || slices.ContainsFunc(last, func(l timetable.Sitting) bool { return l.Staff[0].Person == who }) {
			continue
		}
		if err := y.at(y.clock(day, "07:30")); err != nil {
			return err
		}
		if _, err := y.press(y.town.Cast.Office, "/timetable/sittings/"+last[0].ID+"/substitute", "person", who, "for", "one"); err != nil {
			return err
		}
		y.replay.addTo("substitutes", 1)
		return nil
	}
	return nil
}

var settles = regexp.MustCompile(`action="(/justifications/[^/"]+/settle)"`)

// justify is a family in the evening, which says why of the day before, and the office, which
// accepts it.
func (y *schoolYear) justify() error {
	if y.seen == nil {
		return nil
	}
	day := on(y.seen.day, y.zone)
	for _, p := range y.book.pupils {
		g := y.book.guardian(p)
		if !y.seen.noted[p] || g == "" {
			continue
		}
		path := "/children/" + p + "/register"
		if _, err := y.press(g, path, "from_day", day, "from_part", "am", "until_day", day, "until_part", "am", "reason", "illness"); err != nil {
			return err
		}
		text, err := y.see(y.town.Cast.Office, "/register")
		if err != nil {
			return err
		}
		for _, m := range settles.FindAllStringSubmatch(text, 1) {
			if _, err := y.press(y.town.Cast.Office, m[1], "to", "accepted", "next", "/register"); err != nil {
				return err
			}
			y.replay.addTo("justified", 1)
		}
		return nil
	}
	return nil
}

// exceptionally lives a day of snow: rolls are called, and nobody is told.
func (y *schoolYear) exceptionally(day time.Time, absent []string) error {
	if err := y.at(y.clock(day, "07:30")); err != nil {
		return err
	}
	if _, err := y.press(y.town.Cast.CPE, "/exceptional", "do", "open", "day", on(day, y.zone), "reason", "snow"); err != nil {
		return err
	}
	return y.silent(day, absent)
}

// silent calls the first hour of a day on which nothing may leave.
func (y *schoolYear) silent(day time.Time, absent []string) error {
	before := y.sink.count()
	if err := y.at(y.clock(day, "08:10")); err != nil {
		return err
	}
	if _, err := y.callAll(day, func(p string) bool { return slices.Contains(absent, p) }); err != nil {
		return err
	}
	for _, hour := range []string{"08:25", "08:45"} {
		if err := errors.Join(y.at(y.clock(day, hour)), y.rest()); err != nil {
			return err
		}
	}
	y.judge(y.toFamilies(before), nil)
	return nil
}

// stoppedAllDay lives a day on which the head stops everything before the first bell: every
// family is telephoned. In the evening two persons lift it, and nothing leaves any more.
func (y *schoolYear) stoppedAllDay(day time.Time, absent []string) error {
	if err := y.at(y.clock(day, "07:50")); err != nil {
		return err
	}
	if _, err := y.press(y.town.Cast.Head, "/stop", "do", "stop"); err != nil {
		return err
	}
	if err := y.silent(day, absent); err != nil {
		return err
	}
	text, err := y.see(y.town.Cast.Office, "/")
	if err != nil {
		return err
	}
	rows := elements(text, "call")
	for p := range y.sits(y.firstHour(day)) {
		name := y.book.people[p].FirstName + " " + y.book.people[p].LastName
		if slices.Contains(absent, p) && !slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(fold(row), fold(y.book.people[p].FirstName)) }) {
			y.replay.addTo("missed", 1)
			y.replay.say("wrong", "everything is stopped, and the telephone list does not name %s", name)
		}
	}
	if err := y.at(y.clock(day, "17:30")); err != nil {
		return err
	}
	before := y.sink.count()
	if _, err := y.press(y.town.Cast.Head, "/stop", "do", "ask"); err != nil {
		return err
	}
	if _, err := y.press(y.town.Cast.CPE, "/stop", "do", "lift"); err != nil {
		return err
	}
	if err := y.rest(); err != nil {
		return err
	}
	y.judge(y.toFamilies(before), nil)
	return nil
}

// pages are those whose cost is compared, each with who asks for it.
func (y *schoolYear) pages(day time.Time) []costly {
	sits := y.sits(y.sittings(y.bells(day)[0]))
	roll := sits[y.here]
	c := y.town.Cast
	class := ""
	for _, m := range y.town.Rows.Members {
		if m.Person == y.here && slices.ContainsFunc(y.town.Rows.Groups, func(g directory.Group) bool { return g.ID == m.Grp && g.Kind == "class" }) {
			class = m.Grp
		}
	}
	all := []costly{
		{"teacher_today", roll.Staff[0].Person, "/", early},
		{"roll", roll.Staff[0].Person, "/roll/" + roll.ID, early},
		{"office_today", c.Office, "/", early},
		{"day_board", c.Office, "/day", early},
		{"absences", c.Office, "/absences", early},
		{"inside", c.Supervisor, "/inside", early},
		{"register_pupil", c.Office, "/pupils/" + y.here + "/register", early},
		{"register_class", c.Office, "/register?" + url.Values{"class": {class}}.Encode(), filled},
		{"register_school", c.Office, "/register", filled},
		{"courrier", c.Office, "/courrier", early},
	}
	if g := y.book.guardian(y.here); g != "" {
		all = append(all, costly{"guardian_today", g, "/", early}, costly{"guardian_register", g, "/children/" + y.here + "/register", early})
	}
	return all
}
