package drill

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/timetable"
)

// plot is what one pupil does on an ordinary Monday, and what others do about it. It is the
// drill's own script: who has to be told follows from it and is asked of nobody.
type plot string

// Plots. At the first bell but for the last two.
const (
	byTelephone     plot = "announced by telephone"
	byPage          plot = "announced by a guardian on their page"
	internship      plot = "on internship"
	outing          plot = "on an outing until noon"
	exam            plot = "at an examination for two hours"
	calledMeanwhile plot = "announced by telephone while it is held"
	infirmaryFirst  plot = "at the infirmary before the roll"
	infirmaryHeld   plot = "at the infirmary while it is held"
	slipBefore      plot = "late with a slip, before the roll"
	slipHeld        plot = "late with a slip while it is held"
	lateHeld        plot = "walks in while it is held"
	mendedHeld      plot = "was there: the teacher corrects while it is held"
	away            plot = "away the whole day"
	answered        plot = "away: a guardian answers that it was known"
	shouldBeThere   plot = "away: a guardian answers that they should be there"
	coming          plot = "away for an hour: a guardian answers that they are on the way"
	slipTold        plot = "late with a slip after the family was told"
	lateTold        plot = "walks in after the family was told"
	mendedTold      plot = "was there: the teacher corrects after the family was told"
	cut             plot = "misses one hour in the middle of the day"
	cutSubstitute   plot = "misses the hour that a substitute gives"
)

// sort is how a pupil counts.
type sort string

const (
	expected   sort = "expected"              // somebody said where they are
	inside     sort = "in_the_building"       // they showed up somewhere
	withdrawn  sort = "withdrawn_in_the_hold" // they were there, or walked in, before anybody was told
	unexpected sort = "unexpected"            // their family is told
)

func (p plot) sort() sort {
	switch p {
	case byTelephone, byPage, internship, outing, exam, calledMeanwhile:
		return expected
	case infirmaryFirst, infirmaryHeld:
		return inside
	case slipBefore, slipHeld, lateHeld, mendedHeld:
		return withdrawn
	}
	return unexpected
}

// drawnPlots are those of the first bell, each as often as it happens.
var drawnPlots = []struct {
	plot
	of100 int
}{
	{byTelephone, 20}, {byPage, 14}, {internship, 14}, {outing, 8}, {exam, 6}, {calledMeanwhile, 3},
	{infirmaryFirst, 3}, {infirmaryHeld, 2}, {slipBefore, 4}, {slipHeld, 3}, {lateHeld, 2}, {mendedHeld, 2},
	{away, 7}, {answered, 3}, {shouldBeThere, 1}, {coming, 2}, {slipTold, 3}, {lateTold, 2}, {mendedTold, 1},
}

// tale is one pupil's.
type tale struct {
	plot
	pupil       string
	from, until int // bells at which they are not in class; until is not one of them
	untold      bool
}

// misses tells whether the pupil is noted absent at a bell.
func (t *tale) misses(bell int) bool { return t.from <= bell && bell < t.until }

// knownAt tells whether somebody had said where they are when a roll is called.
func (t *tale) knownAt(bell int) bool {
	switch t.plot {
	case byTelephone, byPage, internship, outing, exam, infirmaryFirst:
		return true
	case calledMeanwhile, infirmaryHeld, answered:
		return bell > t.from
	}
	return false
}

// tells tells whether the family is to hear of an absence at a bell: of the first of each half
// of the day.
func (t *tale) tells(bell, noon int) bool {
	return t.sort() == unexpected && (bell == t.from || bell == noon && t.from < noon && t.plot != answered)
}

// ends tells whether the roll of a bell shows that who was told about is there.
func (t *tale) ends(bell int) bool {
	return bell == t.until && (t.plot == coming || t.plot == cut || t.plot == cutSubstitute)
}

// cast gives everybody who is not in class their tale. However small the school, each happens.
func (m *monday) cast(n int) {
	r := m.replay
	absent := r.pick(m.book.pupils, len(m.book.pupils))
	take := func(p plot, from, until int, fits func(string) bool) bool {
		i := slices.IndexFunc(absent, fits)
		if i < 0 {
			return false
		}
		m.tales[absent[i]] = &tale{plot: p, pupil: absent[i], from: from, until: until}
		absent = slices.Delete(absent, i, i+1)
		return true
	}
	sits := func(p string) bool { return m.seats[0][p].ID != "" }
	// Whoever nothing reaches is away today: only the telephone is left.
	take(away, 0, len(m.bells), func(p string) bool { return p == m.town.Cast.Unreachable })
	take(away, 0, len(m.bells), func(p string) bool { return p == m.town.Cast.Denied })
	for _, one := range drawnPlots {
		from, until, fits := 0, len(m.bells), sits
		switch one.plot {
		case byPage:
			fits = func(p string) bool { return sits(p) && m.book.guardian(p) != "" }
		case answered, shouldBeThere, coming:
			fits = func(p string) bool { return sits(p) && len(m.book.addresses(p)) > 0 }
		case outing, calledMeanwhile, infirmaryFirst, infirmaryHeld:
			until = m.noon
		case exam:
			until = min(2, m.noon)
		case slipBefore:
			until = 0
		}
		switch one.plot {
		case slipHeld, lateHeld, mendedHeld, coming, slipTold, lateTold, mendedTold:
			until = 1
		}
		many := max(1, (n*one.of100+50)/100)
		if one.plot == shouldBeThere {
			many = 1 // two are a matter for everybody: the school's breaker
		}
		for range many {
			take(one.plot, from, until, fits)
		}
	}
	for i := 1; i < len(m.bells); i++ {
		for range max(1, n*3/100) {
			take(cut, i, i+1, func(p string) bool { return m.seats[i][p].ID != "" })
		}
	}
}

// beforeTheBell is what the school knows before anybody is missed: guardians who announce on
// the evening before and in the morning, and the office with the telephone and its lists.
func (m *monday) beforeTheBell() error {
	pages := m.of(byPage)
	for i, span := range []string{"tomorrow", "day"} {
		at := m.clock(m.day.AddDate(0, 0, -1), "19:10")
		if i == 1 {
			at = m.clock(m.day, "07:20")
		}
		if err := m.until(at); err != nil {
			return err
		}
		for j, t := range pages {
			if j%2 != i {
				continue
			}
			who, path := m.book.guardian(t.pupil), "/children/"+t.pupil+"/announce"
			if _, err := m.see(who, path); err != nil {
				return err
			}
			if _, err := m.press(who, path, "span", span); err != nil {
				return err
			}
		}
	}
	if err := m.until(m.clock(m.day, "07:30")); err != nil {
		return err
	}
	m.before = m.sink.count()
	for _, t := range m.of(byTelephone) {
		if err := m.announce([]*tale{t}, "announced", "phone", "span", "day"); err != nil {
			return err
		}
	}
	today := m.day.Format(time.DateOnly)
	lists := []struct {
		plot
		reason string
		hours  []string
	}{
		{internship, "internship", []string{"from_on", today, "until_on", m.day.AddDate(0, 0, 11).Format(time.DateOnly)}},
		{outing, "outing", []string{"from_on", today, "from_hour", "07:45", "until_hour", "13:00"}},
		{exam, "exam", []string{"from_on", today, "from_hour", "08:00", "until_hour", "10:10"}},
	}
	for _, one := range lists {
		if err := m.announce(m.of(one.plot), one.reason, "office", append([]string{"span", "dates"}, one.hours...)...); err != nil {
			return err
		}
	}
	return nil
}

// of lists the tales of a plot, in the order of their pupils.
func (m *monday) of(p plot) (out []*tale) {
	for _, pupil := range m.book.pupils {
		if t := m.tales[pupil]; t != nil && t.plot == p {
			out = append(out, t)
		}
	}
	return out
}

// announce is the office: each pupil looked for and picked, then one button.
func (m *monday) announce(whom []*tale, reason, via string, fields ...string) error {
	if len(whom) == 0 {
		return nil
	}
	office, picked := m.town.Cast.Office, url.Values{}
	fields = append(fields, "reason", reason, "via", via)
	for _, t := range whom {
		p := m.book.people[t.pupil]
		find := url.Values{"name": {p.FirstName + " " + p.LastName}, "pupil": picked["pupil"]}
		text, err := m.tap(office, "/absences/new?"+find.Encode())
		if err != nil {
			return err
		}
		picked.Add("pupil", t.pupil)
		switch {
		case strings.Contains(text, `name="pupil" value="`+t.pupil+`" checked`): // nobody else has that name
		case strings.Contains(text, "pupil="+t.pupil):
			if _, err := m.tap(office, "/absences/new?"+picked.Encode()); err != nil {
				return err
			}
		default:
			return fmt.Errorf("the office looks for %s and does not find the pupil: %s", find.Get("name"), words(text))
		}
		fields = append(fields, "pupil", t.pupil)
	}
	_, err := m.tap(office, "/absences", fields...)
	return err
}

// atTheDoor is who shows up at the office or the infirmary before their roll is called.
func (m *monday) atTheDoor(bell int) error {
	if bell != 0 {
		return nil
	}
	for plot, at := range map[plot]string{infirmaryFirst: "infirmary", slipBefore: "late"} {
		for _, t := range m.of(plot) {
			if err := m.enter(t, at, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// enter is the supervisor before whom a pupil stands: looked for by name, or picked among who
// is missing.
func (m *monday) enter(t *tale, at string, looked bool) error {
	who, p := m.town.Cast.Supervisor, m.book.people[t.pupil]
	path := "/inside?" + url.Values{"at": {at}, "name": {p.FirstName + " " + p.LastName}}.Encode()
	text, err := m.see(who, "/inside?at="+at)
	if looked || err == nil && !strings.Contains(text, `"/pupils/`+t.pupil+`/inside"`) {
		text, err = m.tap(who, path)
	}
	if err != nil {
		return err
	}
	if !strings.Contains(text, `"/pupils/`+t.pupil+`/inside"`) {
		return fmt.Errorf("the supervisor does not find %s: %s", t.pupil, words(text))
	}
	_, err = m.tap(who, "/pupils/"+t.pupil+"/inside", "at", at)
	return err
}

// follow is what comes after a pupil was noted absent for the first time.
func (m *monday) follow(t *tale, s timetable.Sitting) {
	soon, told := m.clockNow().Add(4*time.Minute), m.clockNow().Add(mondayHold+3*time.Minute)
	switch t.plot {
	case calledMeanwhile:
		m.do(soon, func() error {
			if _, err := m.tap(m.town.Cast.Office, "/day/"+t.pupil); err != nil {
				return err
			}
			_, err := m.tap(m.town.Cast.Office, "/pupils/"+t.pupil+"/statement", "says", "elsewhere", "reason", "announced", "next", "/day")
			return err
		})
	case infirmaryHeld:
		m.do(soon, func() error { return m.enter(t, "infirmary", false) })
	case slipHeld:
		m.do(soon, func() error { return m.enter(t, "late", false) })
	case lateHeld:
		m.do(soon, func() error { return m.correct(t, s, "late") })
	case mendedHeld:
		m.do(soon, func() error { return m.correct(t, s, "present") })
	case answered:
		m.do(told, func() error { return m.answer(t, "answer", "announced", "reason", "family", "span", "day") })
	case shouldBeThere:
		m.do(told, func() error { return m.answer(t, "answer", "should_be_here") })
	case coming:
		m.do(told, func() error { return m.answer(t, "answer", "coming") })
	case slipTold:
		m.do(told, func() error { return m.over(t, s, arrival, func() error { return m.enter(t, "late", false) }) })
	case lateTold:
		m.do(told, func() error { return m.over(t, s, arrival, func() error { return m.correct(t, s, "late") }) })
	case mendedTold:
		m.do(told, func() error { return m.over(t, s, correction, func() error { return m.correct(t, s, "present") }) })
	}
}

// correct is the teacher, alone, on the roll that was saved.
func (m *monday) correct(t *tale, s timetable.Sitting, value string) error {
	_, err := m.call(m.hands[s.ID], s.ID, func(p string) string {
		if p == t.pupil {
			return value
		}
		return ""
	})
	return err
}

// over is a gesture after which whoever was told hears that it is over.
func (m *monday) over(t *tale, s timetable.Sitting, k kind, gesture func() error) error {
	pressed := m.clockNow()
	if err := gesture(); err != nil {
		return err
	}
	m.want = append(m.want, saying{k, t.pupil, s})
	return m.heard(pressed)
}

// answer is a guardian with the message that they got.
func (m *monday) answer(t *tale, fields ...string) error {
	err := m.answerTo(saying{absence, t.pupil, m.seats[t.from][t.pupil]}, m.before, fields...)
	if errors.Is(err, errUntold) {
		return nil
	}
	return err
}

// substitute is a teacher who is away at the second hour: the office names somebody who is
// free, who calls the roll. In it somebody is expected elsewhere, and somebody is not.
func (m *monday) substitute() {
	const hour = 1
	busy := map[string]bool{}
	for _, s := range m.sittings(m.bells[hour]) {
		busy[s.Staff[0].Person] = true
	}
	free := ""
	for _, s := range m.town.Sittings {
		if who := s.Staff[0].Person; !busy[who] && who != m.town.Cast.Supervisor {
			free = who
			break
		}
	}
	for _, t := range m.of(byTelephone) {
		s := m.seats[hour][t.pupil]
		i := slices.IndexFunc(m.book.pupils, func(p string) bool { return m.tales[p] == nil && m.seats[hour][p].ID == s.ID })
		if s.ID == "" || free == "" || i < 0 || s.Staff[0].Person == m.town.Cast.Supervisor {
			continue
		}
		other := m.book.pupils[i]
		m.tales[other] = &tale{plot: cutSubstitute, pupil: other, from: hour, until: hour + 1}
		m.hands[s.ID] = free
		m.do(m.bells[hour].Add(-5*time.Minute), func() error {
			path := "/timetable/sittings/" + s.ID
			if _, err := m.tap(m.town.Cast.Office, path); err != nil {
				return err
			}
			_, err := m.tap(m.town.Cast.Office, path+"/substitute", "person", free, "for", "one")
			return err
		})
		m.do(m.bells[hour].Add(toldWithin-time.Minute), func() error {
			m.replay.addTo("substitutes", 1)
			m.forge("substitute", t.pupil, s)
			return nil
		})
		return
	}
}

// forge lets out what a program with a fault would: a message about a pupil who is expected.
func (m *monday) forge(when, pupil string, s timetable.Sitting) {
	if m.replay.options.leak == nil || len(m.replay.options.leak(when)) == 0 {
		return
	}
	p, at := m.book.people[pupil], s.StartsAt.In(m.zone)
	for _, to := range m.book.addresses(pupil)[:1] {
		m.sink.take(Message{To: to, Text: fmt.Sprintf("Lycee: %s %c. n'est pas en %s depuis %dh%02d. Réf ABCDEFG", p.FirstName, []rune(p.LastName)[0], s.ShortLabel, at.Hour(), at.Minute())})
	}
}
