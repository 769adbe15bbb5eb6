package page

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Lookers are the pages open on this node that are told when what they show changed: each
// looks at one thing of a kind, such as a school's day or a class. One question a second asks
// for all of them which version of it there is now: it hears what was done on this node and
// on any other, and whoever does something need not know that somebody looks. The zero value
// is ready.
type Lookers[K comparable] struct {
	mu      sync.Mutex
	open    map[K]map[chan struct{}]bool
	n       int
	looking bool
	ended   chan struct{}
	once    sync.Once
}

// Versions tells the version of each of some things. Another version is a change.
type Versions[K comparable] func(ctx context.Context, of []K) (map[K]int64, error)

// How often versions are asked for, how long one question may take, and how many pages one
// node tells: a page that is not told asks every few seconds instead.
const (
	lookEvery   = time.Second
	lookFor     = 10 * time.Second
	mostLookers = 5000
)

// Listen gives a channel that says, at most once until it is read, that the thing changed.
// leave ends it. false: too many look already.
func (l *Lookers[K]) Listen(k K, versions Versions[K]) (changed <-chan struct{}, leave func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n >= mostLookers {
		return nil, nil, false
	}
	if l.open == nil {
		l.open = map[K]map[chan struct{}]bool{}
	}
	if l.open[k] == nil {
		l.open[k] = map[chan struct{}]bool{}
	}
	c := make(chan struct{}, 1)
	l.open[k][c] = true
	l.n++
	if !l.looking {
		l.looking = true
		go l.watch(versions)
	}
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !l.open[k][c] {
			return
		}
		l.n--
		if delete(l.open[k], c); len(l.open[k]) == 0 {
			delete(l.open, k)
		}
	}, true
}

// Wake tells the pages that look at something.
func (l *Lookers[K]) Wake(k K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open[k] {
		select {
		case c <- struct{}{}:
		default: // it has not looked yet
		}
	}
}

// Open lists what somebody looks at.
func (l *Lookers[K]) Open() []K {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys()
}

func (l *Lookers[K]) keys() (all []K) {
	for k := range l.open {
		all = append(all, k)
	}
	return all
}

// End ends every open stream: a server that is told to stop waits for its answers.
func (l *Lookers[K]) End() {
	l.once.Do(func() { close(l.ending()) })
}

// Ended is closed when the program is told to stop.
func (l *Lookers[K]) Ended() <-chan struct{} { return l.ending() }

func (l *Lookers[K]) ending() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended == nil {
		l.ended = make(chan struct{})
	}
	return l.ended
}

// lookedAt lists what is looked at. Where there is nothing, whoever watches stops.
func (l *Lookers[K]) lookedAt() []K {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.keys()
	l.looking = len(all) > 0
	return all
}

// watch asks for versions until nobody looks.
func (l *Lookers[K]) watch(versions Versions[K]) {
	ended := l.Ended()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	known := map[K]int64{}
	for {
		of := l.lookedAt()
		if len(of) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), lookFor)
		now, err := versions(ctx, of)
		cancel()
		if err != nil {
			slog.Error("page: who looks is not told what is new", "err", err)
		}
		for _, k := range of {
			// Not known yet: something may have been done since the page was read.
			if was, ok := known[k]; err == nil && (!ok || was != now[k]) {
				known[k] = now[k]
				l.Wake(k)
			}
		}
		select {
		case <-ended:
			return
		case <-tick.C:
		}
	}
}
