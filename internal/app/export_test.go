package app

import (
	"context"

	"github.com/preau-ent/preau/internal/database"
)

// MetricNames lists our metrics.
func MetricNames() (names []string) {
	for _, m := range metricList() {
		names = append(names, m.name)
	}
	return names
}

// Adults counts who may decide for a school today.
func (a *App) Adults(ctx context.Context, tx database.Tx, school string) (int, error) {
	return a.adults(ctx, tx, school)
}

// LetEnter says who may enter live classes.
func (a *App) LetEnter(m MayEnter) { a.mayEnter = m }
