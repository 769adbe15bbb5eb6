package door

import "time"

// Crowded is a line that is long: of a school, or "" of those of whom no school is known. Since
// is when whoever waits longest of those who look came, where they came before now.
type Crowded struct {
	School string
	Since  time.Time
}

// Crowded gives the lines that a pupil may stand in and that are longer than a time: whoever
// comes now is told more, or whoever is next has waited more. A pupil may come with a device of
// their family, and with one that nobody knows.
func (d *Door) Crowded(than time.Duration) []Crowded {
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance(now)
	now = d.latest
	since := map[uint32]time.Time{}
	for key, l := range d.lines {
		if key.lane == Staff || key.lane == InClass || l.waiting() < 0.5 {
			continue
		}
		at, long := now, false
		if _, people := l.before(ticketOf{arrived: now}); l.share+l.others.share > 0 {
			long = people/(l.share+l.others.share) > than.Seconds()
		}
		if came := l.oldest(); now.Sub(came) > than {
			at, long = came, true
		}
		if before, ok := since[key.school]; long && (!ok || at.Before(before)) {
			since[key.school] = at
		}
	}
	var out []Crowded
	for school, at := range since {
		if school == 0 {
			out = append(out, Crowded{"", at})
		}
		for _, id := range d.names[school] {
			out = append(out, Crowded{id, at})
		}
	}
	return out
}

// oldest is when the first bucket that anybody still looks in was given.
func (l *line) oldest() time.Time {
	at := l.first
	for _, b := range l.buckets {
		if l.called.people(l.over)+b.alive.people(l.over) >= 0.5 {
			break
		}
		at++
	}
	return time.Unix(0, at*int64(Bucket))
}
