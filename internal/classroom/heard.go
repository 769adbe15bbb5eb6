package classroom

import "strings"

// hearing is what is known of somebody's sound and picture. Their connection passes through this
// node ([Pages.Joined], [Pages.Left]); the engine, asked each pulse, corrects what that says.
type hearing struct {
	open   int  // connections that passed here and have not ended
	listed bool // the engine named them when it was asked last
	missed int  // how often in a row it answered and did not name them, while a connection was open
}

// missedMost is how often the engine must leave somebody out before their open connection counts
// no more: for some seconds after a reconnection it does not know whoever is there.
const missedMost = 2

// passes tells whether a connection of theirs is open here, and the engine does not deny it.
func (h hearing) passes() bool { return h.open > 0 && h.missed < missedMost }

// heard tells whether somebody is there by their sound: the engine may know it from a connection
// through another node.
func (h hearing) heard() bool { return h.listed || h.passes() }

// Joined says that somebody's sound was connected: they are there, whether or not the page of
// the class can still tell.
func (p *Pages) Joined(school, sitting, person string) {
	if isTrial(sitting) {
		return
	}
	p.live.mu.Lock()
	defer p.live.mu.Unlock()
	a := p.live.of(seat{school, sitting, person})
	a.open, a.missed = a.open+1, 0
}

// Left says that a connection of somebody's sound ended. They may have another.
func (p *Pages) Left(school, sitting, person string) {
	p.live.mu.Lock()
	defer p.live.mu.Unlock()
	a := p.live.seen[seat{school, sitting, person}]
	if a == nil || a.open == 0 {
		return
	}
	if a.open--; a.open == 0 {
		a.listed = false // what the engine said was of that connection; it is asked again at the pulse
		a.silent()
	}
}

// silent notes what no longer holds where no sound is left of somebody.
func (a *attending) silent() {
	a.carried = a.carried && a.heard()
	a.held = a.held && (a.lines > 0 || a.passes())
}

// corrected takes what the engine said of some classes: who is in their sound, and who is not.
func (l *live) corrected(said map[class]map[string]Floor) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, people := range said {
		for person := range people {
			if !isTrial(c.Sitting) {
				l.of(seat{c.School, c.Sitting, person})
			}
		}
	}
	for s, a := range l.seen {
		people, answered := said[s.class()]
		_, listed := people[s.Person]
		switch {
		case listed:
			a.listed, a.missed = true, 0
			continue
		case answered && a.open > 0:
			a.missed++
		}
		a.listed = false
		a.silent()
	}
}

// classes are those that somebody looks at, or has the sound of.
func (l *live) classes() []class {
	out := l.looking.Open()
	known := make(map[class]bool, len(out))
	for _, c := range out {
		known[c] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for s, a := range l.seen {
		if c := s.class(); (a.open > 0 || a.listed) && !known[c] {
			known[c] = true
			out = append(out, c)
		}
	}
	return out
}

// isTrial tells whether a room is somebody's own, and no class.
func isTrial(sitting string) bool { return strings.HasPrefix(sitting, trialOf("")) }
