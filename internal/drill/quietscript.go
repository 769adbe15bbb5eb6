package drill

import (
	"maps"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/timetable"
)

// The fortnight, day by day, counted from 0.
const (
	schoolDays = 10
	quietAfter = 3 // school days without a sign, as the head says
	outageDay  = 8 // on which the program is killed in the middle of the last lesson
)

var (
	crowdedDays  = []int{3, 4, 5} // in a row: as many as are needed to be named
	breakingDays = []int{0, 7}
	illDays      = []int{1, 2}
	tiredDays    = []int{6, 7}    // of some who gave up: ill as soon as the line is short again
	silentFrom   = []int{1, 2, 6} // by turns
)

// Parts of the school, in ten thousand.
const (
	fallSilent  = 500
	keptWaiting = 1_000
	poorLines   = 300
	areIll      = 200
	areCutOff   = 300
	areThrown   = 300
)

// script is what everybody does in the fortnight. The program is asked nothing of it.
type script struct {
	days   []time.Time
	quiet  map[string]int // pupil → the first day on which they do not come
	kept   []string       // who stand in our line on the crowded days, each time
	quits  map[string]bool
	tired  map[string]bool // of those who quit: also ill for two days
	broken []string
	ill    map[string]bool
	cut    map[string]bool // come while the program is off, and not again
	thrown map[string]bool // are in when it is killed, and do not come back
}

// quietScript draws who does what. Nobody does two things.
func (r *replay) quietScript(h *house) script {
	s := script{quiet: map[string]int{}, quits: map[string]bool{}, tired: map[string]bool{}, ill: map[string]bool{}, cut: map[string]bool{}, thrown: map[string]bool{}}
	for d := tuesday; len(s.days) < schoolDays; d = d.AddDate(0, 0, 1) {
		if len(h.bells(d)) > 0 {
			s.days = append(s.days, d)
		}
	}
	// Whoever has no lesson that is lived could not be missed in one.
	var all []string
	for _, p := range h.book.pupils {
		misses := false
		for day := range s.days {
			misses = misses || !slices.ContainsFunc(s.lessonsOf(h, day), func(l lesson) bool { return l.seats[p].ID != "" })
		}
		if !misses {
			all = append(all, p)
		}
	}
	all = r.pick(all, len(all))
	take := func(perTenThousand, least int) []string {
		n := min(len(all), max(least, h.share(perTenThousand)))
		some := all[:n]
		all = all[n:]
		return some
	}
	for i, p := range take(fallSilent, len(silentFrom)) {
		s.quiet[p] = silentFrom[i%len(silentFrom)]
	}
	s.kept = take(keptWaiting, 4)
	for i, p := range s.kept {
		s.quits[p] = i%2 == 0
		s.tired[p] = i%4 == 0
	}
	s.broken = take(poorLines, 2)
	for _, p := range take(areIll, 1) {
		s.ill[p] = true
	}
	for _, p := range take(areCutOff, 2) {
		s.cut[p] = true
	}
	for _, p := range take(areThrown, 2) {
		s.thrown[p] = true
	}
	return s
}

// lesson are the sittings of one bell that are lived: one in the morning, one in the afternoon.
type lesson struct {
	number   int // of the day
	day      string
	half     string // of the day
	bell     time.Time
	sittings []timetable.Sitting
	seats    map[string]timetable.Sitting // by pupil
	crowded  bool                         // our line is long
	outage   bool                         // we are away for a moment
	breaking bool                         // lines break
}

// oursToAnswer: something of ours may have kept whoever is not there.
func (l lesson) oursToAnswer() bool { return l.crowded || l.outage }

func (q *fortnight) lessons(day int) []lesson { return q.lessonsOf(q.house, day) }

// lessonsOf gives the first lessons of each half of a day at which most pupils sit.
func (s script) lessonsOf(h *house, day int) (out []lesson) {
	for _, half := range []string{"am", "pm"} {
		best := lesson{}
		for _, bell := range h.bells(s.days[day]) {
			if (bell.In(h.zone).Hour() >= 12) != (half == "pm") {
				continue
			}
			if seats := h.seated(bell); len(seats) > len(best.seats) {
				best = lesson{number: day, day: on(bell, h.zone), half: half, bell: bell, sittings: h.sittings(bell), seats: seats}
			}
		}
		if len(best.seats) > 0 {
			out = append(out, best)
		}
	}
	for i := range out {
		out[i].crowded = slices.Contains(crowdedDays, day)
		out[i].outage = day == outageDay && i == len(out)-1
		out[i].breaking = slices.Contains(breakingDays, day) && i == 0
	}
	return out
}

// fate is what becomes of one pupil at one lesson.
type fate string

const (
	inTime    fate = "comes"
	waited    fate = "waits in our line, and enters"
	gaveUp    fate = "waits in our line, and gives up"
	cutOff    fate = "comes while we are away"
	staysAway fate = "does not come"
)

func (s script) fate(l lesson, pupil string) fate {
	from, silent := s.quiet[pupil]
	switch {
	case silent && l.number >= from, s.ill[pupil] && slices.Contains(illDays, l.number), s.tired[pupil] && slices.Contains(tiredDays, l.number):
		return staysAway
	case l.crowded && s.quits[pupil]:
		return gaveUp
	case l.crowded && slices.Contains(s.kept, pupil):
		return waited
	case l.outage && s.cut[pupil]:
		return cutOff
	}
	return inTime
}

// comes tells whether they are in the class when its roll is called.
func (f fate) comes() bool { return f == inTime || f == waited }

// who lists the pupils of a lesson with a fate.
func (q *fortnight) who(l lesson, f fate) (out []string) {
	for _, id := range slices.Sorted(maps.Keys(l.seats)) {
		if q.fate(l, id) == f {
			out = append(out, id)
		}
	}
	return out
}

// listens tells whether a pupil keeps the class open.
func (q *fortnight) listens(l lesson, id string) bool {
	return slices.Index(q.book.pupils, id)%6 == 0 || l.outage && q.thrown[id] || l.breaking && slices.Contains(q.broken, id)
}
