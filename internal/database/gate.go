package database

import (
	"context"
	"sync"
)

// gate lets one writer at a time through to SQLite, the urgent ones first. Without
// it a roll would wait behind whatever import or clean-up came before.
type gate struct {
	mu       sync.Mutex
	busy     bool
	urgent   []chan struct{}
	ordinary []chan struct{}
}

func newGate() *gate { return &gate{} }

type urgent struct{}

// Urgent marks what follows with this context as what cannot wait: the roll and the
// alerts. It only matters on SQLite.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgent{}, true) }

func (g *gate) enter(ctx context.Context) error {
	g.mu.Lock()
	if !g.busy {
		g.busy = true
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	line := &g.ordinary
	if ctx.Value(urgent{}) != nil {
		line = &g.urgent
	}
	*line = append(*line, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	for i, c := range *line {
		if c == turn {
			*line = append((*line)[:i], (*line)[i+1:]...)
			g.mu.Unlock()
			return ctx.Err()
		}
	}
	g.mu.Unlock()
	g.leave() // the turn came at the same moment: pass it on
	return ctx.Err()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, line := range []*[]chan struct{}{&g.urgent, &g.ordinary} {
		if len(*line) > 0 {
			next := (*line)[0]
			*line = (*line)[1:]
			close(next)
			return
		}
	}
	g.busy = false
}
