package app

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// inService tells whether a school sends to families at a moment.
func inService(ctx context.Context, tx database.Tx, school string, now time.Time) (bool, error) {
	day, err := dayAt(ctx, tx, school, now)
	if err != nil {
		return false, err
	}
	v, ok, err := alert.ServiceOf(ctx, tx, school)
	return ok && alert.InService(v, day), err
}

// dayAt is a moment's day at a school.
func dayAt(ctx context.Context, tx database.Tx, school string, now time.Time) (string, error) {
	s, err := directory.SchoolByID(ctx, tx, school)
	if err != nil {
		return "", err
	}
	zone, err := s.Location()
	if err != nil {
		return "", err
	}
	return timetable.Day(now, zone), nil
}
