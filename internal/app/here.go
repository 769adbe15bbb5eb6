package app

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/status"
)

// hereOf is what keeps one school's messages in the building, for the page of its state.
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
	h.Unusual = slices.ContainsFunc(trips, alert.Trip.Open)
	return h, err
}
