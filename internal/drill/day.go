package drill

import (
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/timetable"
)

// drawn draws who is absent: so many in ten thousand, at least one.
func (h *house) drawn(perTenThousand int) func(string) bool {
	absent := h.replay.pick(h.book.pupils, h.share(perTenThousand))
	return func(pupil string) bool { return slices.Contains(absent, pupil) }
}

// share is how many pupils so many in ten thousand are.
func (h *house) share(perTenThousand int) int {
	return max(1, (len(h.book.pupils)*perTenThousand+5_000)/10_000)
}

// How many pupils in ten thousand are absent in an ordinary hour: 70 of 1,200, and 120 in a
// vocational lycée.
const (
	ordinaryAbsence   = 583
	vocationalAbsence = 1_000
)

// An ordinary day's small things.
const (
	announced   = 10 // of a hundred absent ones, of whom the office knows before the first bell
	comingLater = 15 // of a hundred absent ones, who are there an hour later
	lateRolls   = 3  // of an hour, that are called a quarter of an hour late
)

// morning is a day as the people of a school live it.
type morning struct {
	*house
	day     time.Time
	known   map[string]bool // pupils whose family called
	missing map[string]bool // the others who are not there
	noted   map[string]bool // of these, who are on a roll already
	before  int             // messages at the sink when it began
	want    []saying
}

// ordinaryDay lives a day on which nothing is wrong: families call the office, every teacher
// calls, some late, pupils come back and others leave. Nothing may be held, and by the bell
// and thirty minutes every family of whom nobody knew why is told or on the telephone list.
func (h *house) ordinaryDay(day time.Time, perTenThousand int) error {
	r, n := h.replay, h.share(perTenThousand)
	m, err := h.newMorning(day, r.pick(h.book.pupils, n))
	if err != nil {
		return err
	}
	bells := h.bells(day)
	bells = bells[:min(len(bells), r.scaled(3, 1))]
	for i, bell := range bells {
		if i > 0 {
			m.move()
		}
		if err := m.hour(bell); err != nil {
			return err
		}
	}
	t := h.judge(h.sink.since(m.before), m.want)
	r.say("sent", "an ordinary day: %d of %d pupils absent at once, %d of them announced, %d hours called: %d messages, %g held", n, len(h.book.pupils), len(m.known), len(bells), t.right, r.figures["held_without_reason"])
	return nil
}

// newMorning begins a day on which some are absent: of a part of them the office knows before
// the first bell.
func (h *house) newMorning(day time.Time, absent []string) (*morning, error) {
	n := len(absent)
	m := &morning{house: h, day: day, known: map[string]bool{}, missing: map[string]bool{}, noted: map[string]bool{}, before: h.sink.count()}
	if err := h.at(h.clock(day, "07:40")); err != nil {
		return nil, err
	}
	known := min(n-1, (n*announced+99)/100)
	for i, p := range absent[:known] {
		reason := []string{"announced", "announced", "internship", "outing"}[i%4]
		if _, err := h.press(h.town.Cast.Office, "/pupils/"+p+"/statement", "says", "elsewhere", "reason", reason, "next", "/"); err != nil {
			return nil, err
		}
		m.known[p] = true
	}
	for _, p := range absent[known:] {
		m.missing[p] = true
	}
	return m, nil
}

// move is what changes between two hours: some come, as many do not.
func (m *morning) move() {
	r := m.replay
	var came []string
	for _, p := range m.book.pupils { // in their order: the same seed is the same day
		if m.missing[p] && r.random.IntN(100) < comingLater {
			came = append(came, p)
		}
	}
	gone := r.pick(slices.DeleteFunc(slices.Clone(m.book.pupils), func(p string) bool { return m.missing[p] || m.known[p] }), len(came))
	for _, p := range came {
		delete(m.missing, p)
	}
	for _, p := range gone {
		m.missing[p] = true
	}
}

// hour calls every roll that begins at a bell, at the minute that each teacher takes.
func (m *morning) hour(bell time.Time) error {
	type roll struct {
		after   time.Duration
		sitting timetable.Sitting
	}
	var rolls []roll
	for i, s := range m.sittings(bell) {
		one := roll{time.Duration(120+m.replay.random.IntN(360)) * time.Second, s}
		if i%13 == 7 && i/13 < lateRolls {
			one.after += 10 * time.Minute
		}
		rolls = append(rolls, one)
	}
	slices.SortStableFunc(rolls, func(a, b roll) int { return int(a.after - b.after) })
	for _, one := range rolls {
		// What leaves at this minute has left before the next one: no letter waits for its
		// answer longer than letters do.
		if err := m.rest(); err != nil {
			return err
		}
		if err := m.at(bell.Add(one.after)); err != nil {
			return err
		}
		_, err := m.call(one.sitting.Staff[0].Person, one.sitting.ID, func(p string) string {
			switch {
			case m.missing[p] && !m.noted[p]:
				m.noted[p] = true
				m.want = append(m.want, saying{absence, p, one.sitting})
			case !m.missing[p] && m.noted[p]:
				delete(m.noted, p)
				m.want = append(m.want, saying{arrival, p, one.sitting})
			}
			if m.missing[p] {
				return "absent"
			}
			return ""
		})
		if err != nil {
			return err
		}
	}
	for _, after := range []time.Duration{19 * time.Minute, 30 * time.Minute} {
		if err := m.rest(); err != nil {
			return err
		}
		if err := m.at(bell.Add(after)); err != nil {
			return err
		}
		if err := m.rest(); err != nil {
			return err
		}
	}
	var missed []saying // and not come since: whoever comes is telephoned about no more
	for _, s := range m.want {
		if s.kind == absence && m.noted[s.pupil] {
			missed = append(missed, s)
		}
	}
	if err := m.telephoned(missed); err != nil {
		return err
	}
	return m.heldWithoutReason()
}

// outcomes presses the outcome of each row of the telephone list that a page of the office
// shows, and gives how many there were.
func (h *house) outcomes(text string) (rows int, err error) {
	seen := map[string]bool{}
	for _, part := range strings.Split(text, `action="/calls/`)[1:] {
		id, _, _ := strings.Cut(part, "/")
		if seen[id] {
			continue
		}
		seen[id] = true
		if _, err := h.press(h.town.Cast.Office, "/calls/"+id+"/outcome", "outcome", "reached", "next", "/day"); err != nil {
			return rows, err
		}
		rows++
		h.replay.addTo("telephoned", 1)
	}
	return rows, nil
}

// heldWithoutReason counts whom the office's page says are held, and the pupils of whom
// nobody heard whom a message can reach.
func (m *morning) heldWithoutReason() error {
	text, err := m.see(m.town.Cast.Office, "/breaker")
	if err != nil {
		return err
	}
	held, t := 0, m.book.tally(m.sink.since(m.before), m.want)
	for _, s := range m.want {
		if s.kind == absence && t.got[s.pupil] == 0 && len(m.book.addresses(s.pupil)) > 0 {
			held++
		}
	}
	f := m.replay.figures
	f["held_without_reason"] = max(f["held_without_reason"], float64(max(held, numberIn(text, "Préau retient"))))
	return nil
}

// bells lists when sittings of a day begin.
func (h *house) bells(day time.Time) (out []time.Time) {
	on := day.In(h.zone).Format(time.DateOnly)
	for _, s := range h.town.Sittings {
		if s.Day == on && !slices.ContainsFunc(out, s.StartsAt.Equal) {
			out = append(out, s.StartsAt)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// sittings lists those that begin at a bell.
func (h *house) sittings(bell time.Time) (out []timetable.Sitting) {
	for _, s := range h.town.Sittings {
		if s.StartsAt.Equal(bell) {
			out = append(out, s)
		}
	}
	return out
}

// pick draws some of many.
func (r *replay) pick(from []string, n int) []string {
	all := slices.Clone(from)
	r.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}
