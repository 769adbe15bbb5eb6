package app

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/door/waits"
	"github.com/preau-ent/preau/internal/status"
)

// hereOf is what keeps one school's messages in the building, and when its line was long, for
// the page of its state.
func (a *App) hereOf(ctx context.Context, tx database.Tx, school string, now time.Time) (h status.Here, err error) {
	if h.Service, err = inService(ctx, tx, school, now); err != nil {
		return h, err
	}
	rehearsal, _, err := alert.RehearsalOf(ctx, tx, school)
	if err != nil {
		return h, err
	}
	h.Rehearsal = rehearsal.Open()
	if _, h.Stopped, err = courier.StopOf(ctx, tx, school); err != nil {
		return h, err
	}
	if _, h.Locked, err = courier.LockOf(ctx, tx, school); err != nil {
		return h, err
	}
	day, err := dayAt(ctx, tx, school, now)
	if err != nil {
		return h, err
	}
	trips, err := alert.Trips(ctx, tx, school, day)
	if err != nil {
		return h, err
	}
	h.Unusual = slices.ContainsFunc(trips, alert.Trip.Open)
	long, err := waits.Lines(ctx, tx, school, now.Add(-status.LongSince), now)
	for _, p := range slices.Backward(long) {
		h.Long = append(h.Long, status.Span{From: p.From, Until: p.Until})
	}
	return h, err
}
