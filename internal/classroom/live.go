package classroom

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// live are the open lines of this node: one for each page of a class that somebody looks at,
// and one for each sound. One pulse writes down who is there.
type live struct {
	looking page.Lookers[class]

	mu    sync.Mutex
	seen  map[seat]*attending // who had a line since the last pulse
	fault Span                // when entries met an error of ours, and it is not written down yet
}

// failed notes that somebody who asked to enter met an error of ours.
func (l *live) failed(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault.From.IsZero() {
		l.fault.From = now
	}
	l.fault.Until = now
}

func (l *live) faults() Span {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

// told forgets a fault that is written down.
func (l *live) told(s Span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault == s {
		l.fault = Span{}
	}
}

// class is a sitting of a school.
type class struct{ School, Sitting string }

type seat struct{ School, Sitting, Person string }

func (s seat) class() class { return class{s.School, s.Sitting} }

// line is one event stream.
type line struct {
	changed <-chan struct{}
	ours    bool // we ended it: what comes back then was no break
}

// attending is what this node knows of somebody between two pulses.
type attending struct {
	lines  int
	held   bool   // a line or a sound was open all the time since the last pulse
	breaks int    // since the last pulse
	page   string // of the last line: a line of the same page came back by itself
	hearing
	carried bool // the sound has gone on since the last line ended: what comes back then was no break
}

// How often a line looks at the door again and says that it is alive, and how long it lasts
// (its browser opens another).
const (
	beatEvery = 20 * time.Second
	liveLife  = 15 * time.Minute
)

var errTooManyLines = &page.Refusal{Status: http.StatusServiceUnavailable, Key: "classroom.nolines"}

// join opens a line. p names the page that it belongs to; waits: it stands in the lobby, and
// is not there yet.
func (l *live) join(s seat, p string, waits bool, versions page.Versions[class]) (*line, func(), error) {
	changed, leave, ok := l.looking.Listen(s.class(), versions)
	if !ok {
		return nil, nil, errTooManyLines
	}
	one := &line{changed: changed}
	if waits {
		return one, leave, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.of(s)
	if a.lines == 0 && p != "" && p == a.page && !a.carried {
		a.breaks++
	}
	a.lines, a.page, a.carried = a.lines+1, p, false
	return one, func() {
		leave()
		l.mu.Lock()
		defer l.mu.Unlock()
		a := l.seen[s]
		if a == nil {
			return
		}
		if a.lines--; a.lines == 0 {
			a.carried = a.heard()
			a.held = a.held && a.passes()
		}
		if one.ours && a.page == p {
			a.page = ""
		}
	}, nil
}

// of is what is known of somebody. The lock is held.
func (l *live) of(s seat) *attending {
	if l.seen == nil {
		l.seen = map[seat]*attending{}
	}
	if l.seen[s] == nil {
		l.seen[s] = &attending{}
	}
	return l.seen[s]
}

// sights lists who is there now, by school, and begins the next pulse.
func (l *live) sights() map[string][]sight {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string][]sight{}
	for s, a := range l.seen {
		if a.lines > 0 || a.heard() {
			out[s.School] = append(out[s.School], sight{Sitting: s.Sitting, Person: s.Person, Held: a.held, Breaks: a.breaks})
			a.held, a.breaks = a.lines > 0 || a.passes(), 0
		}
	}
	return out
}

// forget lets go of whoever has had no line for so long that theirs can no longer come back.
func (l *live) forget(over func(seat) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s, a := range l.seen {
		if a.lines == 0 && a.open == 0 && !a.heard() && over(s) {
			delete(l.seen, s)
		}
	}
}

// EndStreams ends every open line: a server that is told to stop waits for its answers.
func (p *Pages) EndStreams() { p.live.looking.End() }

// versions tells the versions of classes: whatever is done in one makes it higher.
func (p *Pages) versions(ctx context.Context, open []class) (map[class]int64, error) {
	sittings := make([]string, len(open))
	for i, c := range open {
		sittings[i] = c.Sitting
	}
	out := map[class]int64{}
	err := p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		var rows []Class
		err := tx.NewSelect().Model(&rows).Column("school", "sitting", "version").Where("cl.sitting IN (?)", bun.List(sittings)).Scan(ctx)
		for _, c := range rows {
			out[class{c.School, c.Sitting}] = c.Version
		}
		return err
	})
	return out, err
}

// Pulse asks the engine who is in the sound of its classes, and writes down who is there now.
func (p *Pages) Pulse(ctx context.Context) error {
	return p.pulse(ctx, p.sending(ctx))
}

// pulse writes down who is there, by the lines of this node and by what the engine said.
func (p *Pages) pulse(ctx context.Context, said map[class]map[string]Floor) error {
	p.live.corrected(said)
	var first error
	for school, some := range p.live.sights() {
		err := p.DB.InSchool(ctx, school, func(ctx context.Context, tx database.Tx) error {
			_, err := seen(ctx, tx, school, some, p.Now())
			return err
		})
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}

// Beat says that this program is there; the first time, that it is there again.
func (p *Pages) Beat(ctx context.Context, first bool) error {
	fault := p.live.faults()
	err := p.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		if first {
			if err := PurgeOutages(ctx, tx, p.Now()); err != nil {
				return err
			}
		}
		if !fault.From.IsZero() {
			if err := failedSpan(ctx, tx, p.Node, fault); err != nil {
				return err
			}
		}
		return p.Evidence.beat(ctx, tx, p.Node, p.Now(), first)
	})
	if err == nil {
		p.live.told(fault)
	}
	return err
}

// Run says that this program is there and writes down who is in its classes, until ctx ends.
func (p *Pages) Run(ctx context.Context) error {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	first := true
	for beats := 1; ; beats++ {
		if err := p.Beat(ctx, first); err == nil {
			first = false
		} else if ctx.Err() == nil {
			slog.Error("classroom: that the program is there could not be written down", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		said := p.sending(ctx)
		if err := p.pulse(ctx, said); err != nil && ctx.Err() == nil {
			slog.Error("classroom: who is there could not be written down", "err", err)
		}
		p.sweep(ctx, said)
		if beats%100 == 1 { // soon after a start, and each forty minutes
			err := p.DB.Write(ctx, func(ctx context.Context, tx database.Tx) error { return PurgeTalk(ctx, tx, p.Now()) })
			if err != nil && ctx.Err() == nil {
				slog.Error("classroom: what was written in the year that is over could not be removed", "err", err)
			}
		}
		if beats%100 == 0 {
			open := p.live.looking.Open()
			p.live.forget(func(s seat) bool { return !slices.Contains(open, s.class()) })
		}
	}
}

// events tells an open page of a class that something changed. It carries nothing: the page
// reads again what its reader may see. The door is asked before the first event, after each
// change and at each beat; whoever may no longer stay is told so once, and the line ends.
func (p *Pages) events(w http.ResponseWriter, r *http.Request) error {
	v := page.ViewerOf(r)
	sitting := r.PathValue("sitting")
	room, err := p.look(r.Context(), v, sitting)
	if err != nil {
		return err
	}
	waits := room.Door == DoorAsked
	if room.Door != DoorOpen && !waits || room.Door == DoorOpen && room.Entry.State != In {
		return page.Forbidden("classroom.notin")
	}
	one, leave, err := p.live.join(seat{v.School, sitting, v.ID}, r.URL.Query().Get("page"), waits, p.versions)
	if err != nil {
		return err
	}
	defer leave()
	s, err := page.OpenStream(w, "class")
	if err != nil {
		return nil // the browser is gone
	}
	ended := p.live.looking.Ended()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	over := time.NewTimer(liveLife)
	defer over.Stop()
	for err == nil {
		select {
		case <-r.Context().Done():
			return nil
		case <-ended:
			return nil
		case <-over.C:
			one.ours = true
			return nil
		case <-one.changed:
		case <-beat.C:
			if err = s.Beat(); err != nil {
				return nil
			}
			if now, e := p.look(r.Context(), v, sitting); e == nil && now.Door == room.Door {
				continue
			}
		}
		now, e := p.look(r.Context(), v, sitting)
		err = s.Send("class", "")
		if e != nil || now.Door != room.Door {
			return nil // the page that reads again says why
		}
	}
	return nil
}

// look reads a class as the viewer meets it.
func (p *Pages) look(ctx context.Context, v page.Viewer, sitting string) (room, error) {
	var out room
	err := p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		out, err = roomOf(ctx, tx, v.School, sitting, v.ID, p.Now())
		return err
	})
	return out, failed(err)
}
