package drill

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// ordinaryMonday is the office's morning, and the rest of the day: a school of 1,204 of whom
// six in a hundred are absent, most of them expected, then a vocational lycée of whom ten are.
// It is the first day in service of both. Whoever was not expected is told, or on the
// telephone list, half an hour after the bell; nobody else hears anything.
func ordinaryMonday(ctx context.Context, r *replay) error {
	d := &mondays{}
	for number, school := range []struct{ pupils, perTenThousand int }{{1_204, 600}, {420, vocationalAbsence}} {
		if err := d.school(ctx, r, r.scaled(school.pupils, 120), school.perTenThousand, number); err != nil {
			return err
		}
	}
	f := r.figures
	r.atLeast("absent", int(f["absent"]), 1)
	r.atLeast("expected", int(f["expected"]), 1)
	r.atLeast("unexpected", int(f["unexpected"]), 1)
	r.is("told_or_to_telephone_by_bell_plus_30_min", d.inTime, int(f["unexpected"]))
	r.is("late_rolls_that_the_office_and_the_teacher_see", d.chased, int(f["late_rolls"]))
	r.atMost("gestures_per_case", float64(d.taps)/max(f["absent"], 1), gesturesMost)
	r.share("rolls_done_by_plus_15_ratio", float64(d.rolls-int(f["late_rolls"]))/float64(max(d.rolls, 1)), rollsInTime)
	r.within("first_mark_to_first_byte_p95_s", percentile(d.lags, 95), mondayHold+alertUsually)
	r.within("slowest_correction_s", d.slowest, 180*time.Second)
	r.figure("detected_s", 0)
	r.figure("held", f[string(withdrawn)]) // and let go by itself: nobody was told
	r.ashes()
	r.clean()
	return nil
}

// What an ordinary Monday is judged by.
const (
	mondayHold   = 10 * time.Minute
	toldWithin   = 30 * time.Minute // of the bell
	gesturesMost = 1.5              // of the office, for each absent pupil
	rollsInTime  = 0.85             // of the rolls, by the bell and a quarter of an hour
)

// mondays is what both schools' days come to.
type mondays struct {
	inTime, chased, taps, rolls int
	lags                        []time.Duration // from a roll to the first byte about it, by the program's clock
	slowest                     time.Duration   // from a gesture to the last who hears that it is over
}

// monday is the day of one school, in the order in which it happens.
type monday struct {
	*house
	*mondays
	day    time.Time
	bells  []time.Time
	noon   int                            // the first bell of the afternoon
	tales  map[string]*tale               // by pupil
	rolled map[string]time.Duration       // by sitting: how long after the bell it is called
	hands  map[string]string              // by sitting: who calls it
	later  []deed                         // what is still to come
	jumps  []jump                         // of the program's clock
	want   []saying                       // what families have to hear, in order
	before int                            // messages at the sink when the day began
	seats  []map[string]timetable.Sitting // by bell and pupil
}

// deed is one thing that somebody does at a moment of the program's clock.
type deed struct {
	at time.Time
	do func() error
}

type jump struct{ real, program time.Time }

// school lives the day of one school.
func (d *mondays) school(ctx context.Context, r *replay, pupils, perTenThousand, number int) error {
	cold := r.burnt // the crowd of the first school went home with it
	r.burnt = nil
	h, err := r.newHouse(ctx, pupils, number, ofAMonday)
	if err != nil {
		return err
	}
	m := &monday{house: h, mondays: d, day: h.town.Tuesday, tales: map[string]*tale{}, rolled: map[string]time.Duration{}, hands: map[string]string{}}
	if h.addr, err = freePort(); err != nil {
		return err
	}
	h.links = true
	if err := h.enterService(ctx); err != nil {
		return err
	}
	m.plan(perTenThousand)
	if err := m.beforeTheBell(); err != nil {
		return err
	}
	r.burnt = cold
	if err := h.underFire(ctx); err != nil {
		return err
	}
	if err := m.live(); err != nil {
		return err
	}
	if err := m.sums(perTenThousand); err != nil {
		return err
	}
	return h.account(ctx)
}

// ofAMonday has a school rehearse until the Friday and be in service from the Monday on, and
// gives an account to whoever may announce an absence.
func ofAMonday(t *app.DrillTown) {
	t.Tuesday = t.Tuesday.AddDate(0, 0, 6)
	zone, err := t.School.Location()
	if err != nil {
		panic(err) // a mistake of package fictional
	}
	b := newBook(t.Town, zone)
	for _, p := range b.pupils {
		if g := b.guardian(p); g != "" {
			t.Who[g] = page.Guardian
		}
	}
}

// guardian is a legal representative who is to hear about a pupil; empty: there is none.
func (b *book) guardian(pupil string) string {
	for _, e := range b.of(pupil) {
		if slices.ContainsFunc(b.links[pupil], func(l directory.Link) bool { return l.Adult == e.person && l.Level == directory.Legal }) {
			return e.person
		}
	}
	return ""
}

// plan draws the day: its bells, when each teacher calls, and the tale of everybody who is
// not in class.
func (m *monday) plan(perTenThousand int) {
	r := m.replay
	all := m.house.bells(m.day)
	if r.options.Scale < 0.2 { // two hours of the morning and one of the afternoon
		all = []time.Time{all[0], all[1], all[4]}
	}
	m.bells = all
	m.noon = slices.IndexFunc(all, func(t time.Time) bool { return t.In(m.zone).Hour() >= 12 })
	for _, bell := range m.bells {
		m.seats = append(m.seats, m.sits(m.sittings(bell)))
		for i, s := range m.sittings(bell) {
			m.hands[s.ID] = s.Staff[0].Person
			m.rolled[s.ID] = time.Duration(120+r.random.IntN(360)) * time.Second
			if i%13 == 4 && i/13 < lateRolls {
				m.rolled[s.ID] = 16*time.Minute + time.Duration(r.random.IntN(60))*time.Second
			}
		}
	}
	m.cast(m.share(perTenThousand))
}

// live lives the day: what happens first is done first.
func (m *monday) live() error {
	for i, bell := range m.bells {
		for _, s := range m.sittings(bell) {
			m.do(bell.Add(m.rolled[s.ID]), func() error { return m.roll(i, s) })
		}
		m.do(bell.Add(time.Minute), func() error { return m.atTheDoor(i) })
		m.do(bell.Add(14*time.Minute), func() error { return m.chase(bell) })
		m.do(bell.Add(toldWithin), m.nothingHeld)
	}
	m.substitute()
	for len(m.later) > 0 {
		next := m.later[0]
		m.later = m.later[1:]
		if err := m.until(next.at); err != nil {
			return err
		}
		if err := next.do(); err != nil {
			return err
		}
	}
	return m.until(m.bells[len(m.bells)-1].Add(time.Hour))
}

// do has something done at a moment.
func (m *monday) do(at time.Time, what func() error) {
	i, _ := slices.BinarySearchFunc(m.later, at, func(d deed, at time.Time) int {
		return cmp.Or(d.at.Compare(at), -1) // of the same moment, what was said first is done first
	})
	m.later = slices.Insert(m.later, i, deed{at, what})
}

// until lets time pass until a moment of the program's clock, which never goes back: what
// leaves at this moment has left before the next one.
func (m *monday) until(t time.Time) error {
	if m.clockNow().Before(t) {
		if err := m.at(t); err != nil {
			return err
		}
		m.jumps = append(m.jumps, jump{m.setAt, t})
	}
	return m.rest()
}

// clockNow is what the program's clock shows.
func (m *monday) clockNow() time.Time { return m.now.Add(time.Since(m.setAt)) }

// shown is what the program's clock showed when something reached the sink.
func (m *monday) shown(real time.Time) time.Time {
	for _, j := range slices.Backward(m.jumps) {
		if !real.Before(j.real) {
			return j.program.Add(real.Sub(j.real))
		}
	}
	return m.now
}

// tap is a gesture of the office: a button that is pressed, or a pupil who is looked for or
// picked.
func (m *monday) tap(who, path string, fields ...string) (string, error) {
	m.taps++
	if len(fields) == 0 {
		return m.see(who, path)
	}
	return m.press(who, path, fields...)
}

// roll calls the roll of a sitting at a bell, as whoever is in charge does.
func (m *monday) roll(bell int, s timetable.Sitting) error {
	began := m.clockNow()
	var mine []*tale
	var over []*tale
	_, err := m.call(m.hands[s.ID], s.ID, func(p string) string {
		t := m.tales[p]
		switch {
		case t == nil || t.plot == slipBefore && bell == 0:
			return "" // the office's slip is on the roll already
		case t.misses(bell):
			if t.knownAt(bell) && m.replay.random.IntN(2) == 0 {
				return "" // the roll says that they are expected elsewhere
			}
			mine = append(mine, t)
			return "absent"
		}
		if t.ends(bell) {
			over = append(over, t)
		}
		return "present"
	})
	if err != nil {
		return err
	}
	m.rolls++
	for _, t := range over {
		m.want = append(m.want, saying{arrival, t.pupil, s})
	}
	if len(over) > 0 {
		if err := m.heard(began); err != nil {
			return err
		}
	}
	for _, t := range mine {
		if t.tells(bell, m.noon) {
			m.want = append(m.want, saying{absence, t.pupil, s})
			m.do(m.clockNow().Add(mondayHold+2*time.Second), func() error { return m.look(t, bell, s, began) })
		}
		if bell == t.from {
			m.follow(t, s)
		}
	}
	return nil
}

// look looks whether a family is told, or on the telephone list, when its hold is over.
func (m *monday) look(t *tale, bell int, s timetable.Sitting, marked time.Time) error {
	about := saying{absence, t.pupil, s}
	told := false
	addresses := m.book.addresses(t.pupil)
	for _, one := range m.sink.since(m.before) {
		if one.kind() == absence && slices.Contains(addresses, one.To) && m.book.says(about, one) {
			if !told {
				m.lags = append(m.lags, m.shown(one.At).Sub(marked))
			}
			told = true
		}
	}
	text, err := m.see(m.town.Cast.Office, "/")
	if err != nil {
		return err
	}
	off := m.book.offTheList(elements(text, "call"), []saying{about})
	for _, who := range off {
		m.replay.say("wrong", "no message reaches them, and the telephone list does not name them: %s", who)
	}
	m.replay.addTo("missed", len(off))
	listed := len(addresses) < 1 && len(off) == 0
	if !told && !listed || len(off) > 0 || m.clockNow().After(m.bells[bell].Add(toldWithin)) {
		t.untold = true
		m.replay.say("wrong", "%s, %s: not told %s after the bell", m.book.people[t.pupil].FirstName, t.plot, m.clockNow().Sub(m.bells[bell]).Round(time.Second))
	}
	if listed && t.plot == away {
		return m.telephone(t.pupil)
	}
	return nil
}

// telephone is the office with the list: each row once, and its outcome pressed.
func (m *monday) telephone(pupil string) error {
	text, err := m.tap(m.town.Cast.Office, "/day/"+pupil)
	if err != nil {
		return err
	}
	rows, err := m.outcomes(text)
	m.taps += rows
	return err
}

// heard keeps how long it took until the last of those who were told heard that it is over.
func (m *monday) heard(pressed time.Time) error {
	if err := m.rest(); err != nil {
		return err
	}
	all := m.sink.since(m.before)
	if len(all) > 0 {
		if last := all[len(all)-1]; last.kind() != absence {
			m.slowest = max(m.slowest, m.shown(last.At).Sub(pressed))
		}
	}
	return nil
}

// chase looks for the rolls that nobody called: on the office's screen, and on their own.
func (m *monday) chase(bell time.Time) error {
	text, err := m.see(m.town.Cast.Office, "/day")
	if err != nil {
		return err
	}
	for _, s := range m.sittings(bell) {
		if m.rolled[s.ID] < 15*time.Minute {
			continue
		}
		m.replay.addTo("late_rolls", 1)
		own, err := m.see(m.hands[s.ID], "/")
		if err != nil {
			return err
		}
		if strings.Contains(text, `href="/roll/`+s.ID+`"`) && strings.Contains(own, `href="/roll/`+s.ID+`"`) {
			m.chased++
		}
	}
	return nil
}

// nothingHeld counts whom the office's page says that the breaker holds.
func (m *monday) nothingHeld() error {
	text, err := m.see(m.town.Cast.Office, "/breaker")
	if err == nil {
		f := m.replay.figures
		f["held_without_reason"] = max(f["held_without_reason"], float64(numberIn(text, "Préau retient")))
	}
	return err
}

// sums adds a school's day to the figures.
func (m *monday) sums(perTenThousand int) error {
	r := m.replay
	t := m.judge(m.sink.since(m.before), m.want)
	r.addTo("pupils", len(m.book.pupils))
	told, before := 0, m.inTime
	for _, one := range m.tales {
		r.addTo("absent", 1)
		r.addTo(string(one.plot.sort()), 1)
		if one.plot.sort() == unexpected {
			told++
			if !one.untold {
				m.inTime++
			}
		}
	}
	r.addTo("untold", told-(m.inTime-before))
	r.addTo("families", m.book.families())
	r.say("sent", "%s: %d pupils, %d in a hundred of them absent; of %d who are not in class at some hour %d are not expected: %d messages", m.town.School.Name, len(m.book.pupils), perTenThousand/100, len(m.tales), told, t.right)
	return nil
}
