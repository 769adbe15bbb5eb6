package classroom

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// Media is the engine of sound and picture, as a class uses it: it is told what our tables say,
// and says nothing that they do not. Without one a class has neither, and all the rest.
type Media struct {
	// Address is where a browser asks for a class's sound, on this site.
	Address func(school, sitting string) string
	// Missing tells that this installation has no engine, so that nobody waits for it.
	Missing func() bool
	// Floor changes what somebody who is connected may send; an error where they are not.
	Floor func(ctx context.Context, school, sitting, person string, m Member) error
	// Out ends somebody's connection.
	Out func(ctx context.Context, school, sitting, person string) error
	// Sends is what each connected person of a class sends now.
	Sends func(ctx context.Context, school, sitting string) (map[string]Floor, error)
}

// How long the engine is told of a change, how often, and how long after it was heard it is told
// again: for some seconds after a reconnection the engine does not know whoever is there, and a
// connection that was on its way while the change was made has what was true before.
const (
	alignFor   = 12 * time.Second
	alignEvery = time.Second
	alignAgain = 2 * time.Second
)

// aligning are the people of whom the engine is being told. One at a time is told of a person,
// and what is told is read when it is: of two changes the last one holds.
type aligning struct {
	mu   sync.Mutex
	busy map[seat]chan struct{} // a change that came meanwhile is sent here
}

// align makes the engine do at once what the tables say of a person.
func (p *Pages) align(s seat) {
	p.aligning.mu.Lock()
	defer p.aligning.mu.Unlock()
	if more := p.aligning.busy[s]; more != nil {
		select {
		case more <- struct{}{}:
		default: // told already that there is more
		}
		return
	}
	if p.aligning.busy == nil {
		p.aligning.busy = map[seat]chan struct{}{}
	}
	more := make(chan struct{}, 1)
	p.aligning.busy[s] = more
	go p.alignUntilHeard(s, more)
}

func (p *Pages) alignUntilHeard(s seat, more chan struct{}) {
	ended := p.live.looking.Ended()
	began, heard := time.Now(), false
	for {
		err := p.told(s)
		wait := alignEvery
		switch {
		case err == nil && heard, time.Since(began) > alignFor:
			p.aligning.mu.Lock()
			if len(more) == 0 {
				delete(p.aligning.busy, s)
				p.aligning.mu.Unlock()
				if errors.Is(err, errUnread) { // whoever is only not connected is no failure
					slog.Error("classroom: the engine could not be told who may speak", "sitting", s.Sitting, "person", s.Person, "err", err)
				}
				return
			}
			p.aligning.mu.Unlock()
		case err == nil:
			heard, wait = true, alignAgain
		}
		t := time.NewTimer(wait)
		select {
		case <-more:
			began, heard = time.Now(), false
		case <-t.C:
		case <-ended:
			t.Stop()
			return
		}
		t.Stop()
	}
}

// errUnread: what is true of a person could not be read.
var errUnread = errors.New("who may speak could not be read")

// told tells the engine once what is true of a person.
func (p *Pages) told(s seat) error {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	m, err := p.MayEnter(ctx, s.School, s.Person, s.Sitting)
	switch {
	case errors.Is(err, ErrNotIn):
		return p.Media.Out(ctx, s.School, s.Sitting, s.Person)
	case err != nil:
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	return p.Media.Floor(ctx, s.School, s.Sitting, s.Person, m)
}

// heard does a deed, and has the engine follow: of the person that it names, or of everybody.
func (p *Pages) heard(do page.Handler) page.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := do(w, r); err != nil || p.Media == nil {
			return err
		}
		v, sitting := page.ViewerOf(r), r.PathValue("sitting")
		if person := r.PostForm.Get("person"); person != "" {
			p.align(seat{v.School, sitting, person})
			return nil
		}
		err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
			people, err := entries(ctx, tx, v.School, sitting)
			for _, e := range people {
				if e.State == In {
					p.align(seat{v.School, sitting, e.Person})
				}
			}
			return err
		})
		if err != nil { // it is done and kept; the sweep tells the engine
			slog.Error("classroom: the engine is told later who may speak", "sitting", sitting, "err", err)
		}
		return nil
	}
}

// sending asks the engine who is connected in every class that somebody looks at or has the
// sound of, and what each sends. A class of which the engine says nothing is left out.
func (p *Pages) sending(ctx context.Context) map[class]map[string]Floor {
	if p.Media == nil {
		return nil
	}
	out := map[class]map[string]Floor{}
	for _, c := range p.live.classes() {
		if sends, err := p.Media.Sends(ctx, c.School, c.Sitting); err == nil {
			out[c] = sends
		}
	}
	return out
}

// sweep looks at what is sent: whoever sends what they may not, by a change that the engine did
// not hear, does so no longer.
func (p *Pages) sweep(ctx context.Context, said map[class]map[string]Floor) {
	for c, sends := range said {
		for person, f := range sends {
			m, err := p.MayEnter(ctx, c.School, person, c.Sitting)
			if errors.Is(err, ErrNotIn) || err == nil && f.exceeds(m.Floor) {
				slog.Warn("classroom: somebody sent what they may not", "sitting", c.Sitting, "person", person)
				p.align(seat{c.School, c.Sitting, person})
			}
		}
	}
}
