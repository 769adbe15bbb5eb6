package alert

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// live wakes the open pages of schools for which something was done. One question a second
// asks for all of them how long their journals are (see keptBoards): it hears what was done
// on this node and on any other, and whoever does it need not know that somebody looks.
type live struct {
	mu      sync.Mutex
	open    map[string]map[chan struct{}]bool // by school
	looking bool
	ended   chan struct{} // closed when the program is told to stop
	once    sync.Once
}

// How often journals are asked, how often a stream says that it is alive, how long it lasts
// (its browser opens another, as whoever is signed in by then), and how many one node keeps
// open: a page that has none asks every few seconds instead.
const (
	liveEvery = time.Second
	beatEvery = 25 * time.Second
	liveLife  = 15 * time.Minute
	liveMost  = 5000
)

var errTooManyStreams = &page.Refusal{Status: http.StatusServiceUnavailable, Key: "alert.day.nostream"}

// listen gives a channel that says, at most once until it is read, that something was done
// for the school. leave ends it.
func (l *live) listen(school string) (changed chan struct{}, leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, some := range l.open {
		n += len(some)
	}
	if n >= liveMost {
		return nil, nil, errTooManyStreams
	}
	if l.open == nil {
		l.open = map[string]map[chan struct{}]bool{}
	}
	if l.open[school] == nil {
		l.open[school] = map[chan struct{}]bool{}
	}
	changed = make(chan struct{}, 1)
	l.open[school][changed] = true
	return changed, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.open[school], changed)
		if len(l.open[school]) == 0 {
			delete(l.open, school)
		}
	}, nil
}

// wake tells the pages of a school.
func (l *live) wake(school string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open[school] {
		select {
		case c <- struct{}{}:
		default: // it has not looked yet
		}
	}
}

// schools lists those with open pages. Where there are none, whoever looks stops.
func (l *live) schools() (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.open {
		all = append(all, s)
	}
	l.looking = len(all) > 0
	return all
}

// begin tells whether somebody must begin to look: nobody does.
func (l *live) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.looking
	l.looking = true
	return !was
}

func (l *live) ending() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = make(chan struct{})
	}
	return l.ended
}

// EndStreams ends every open stream: a server that is told to stop waits for its answers.
func (p *Pages) EndStreams() { p.live.once.Do(func() { close(p.live.ending()) }) }

// watch asks how long the journals of schools with open pages are, until nobody has one.
func (p *Pages) watch() {
	ended := p.live.ending()
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	known := map[string]int64{}
	for {
		schools := p.live.schools()
		if len(schools) == 0 {
			return
		}
		var now map[string]int64
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
			now, err = journal.Lengths(ctx, tx, schools, p.Now())
			return err
		})
		cancel()
		if err != nil {
			slog.Error("alert: who looks at a day is not told what is new", "err", err)
		}
		for _, s := range schools {
			// Not known yet: something may have been done since the page was read.
			if was, ok := known[s]; err == nil && (!ok || was != now[s]) {
				known[s] = now[s]
				p.live.wake(s)
			}
		}
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}

// dayEvents tells an open board that something was done for its school. It carries nothing:
// the page reads again what its reader may see.
func (p *Pages) dayEvents(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	changed, leave, err := p.live.listen(v.School)
	if err != nil {
		return err
	}
	defer leave()
	if p.live.begin() {
		go p.watch()
	}
	s, err := page.OpenStream(w, "day")
	if err != nil {
		return nil // the browser is gone
	}
	ended := p.live.ending()
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
		case <-changed:
			err = s.Send("day", "")
		case <-beat.C:
			err = s.Beat()
		case <-over.C:
			return nil
		}
	}
	return nil
}
