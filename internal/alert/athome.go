package alert

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
)

// FindHome tells what is known now of absent marks of pupils at home, by number: whether they
// were absent, or something of ours may have kept them away. What it leaves out is not known.
type FindHome func(ctx context.Context, tx database.Tx, school string, marks []attendance.Mark, now time.Time) (map[int64]attendance.Finding, error)

// findHome asks what is known of those marks that are absences from a class at home, and keeps
// it: when they are decided, when their time has come, and when a letter is to leave.
func (a *Alert) findHome(ctx context.Context, tx database.Tx, school string, marks []attendance.Mark, now time.Time) error {
	var home []attendance.Mark
	for _, k := range marks {
		if k.AtHome && k.Value == attendance.Absent {
			home = append(home, k)
		}
	}
	if len(home) == 0 {
		return nil
	}
	found := map[int64]attendance.Finding{}
	if a.home != nil {
		var err error
		if found, err = a.home(ctx, tx, school, home, now); err != nil {
			return err
		}
	}
	for _, k := range home {
		f := found[k.N]
		if f == attendance.NotFound {
			f = attendance.FoundUnknown
		}
		if _, err := attendance.FindHome(ctx, tx, now, school, k.N, f); err != nil {
			return err
		}
	}
	return nil
}

// findHomeOf is findHome for marks by their numbers.
func (a *Alert) findHomeOf(ctx context.Context, tx database.Tx, school string, ns []int64, now time.Time) error {
	for _, n := range ns {
		k, err := attendance.MarkByNumber(ctx, tx, school, n)
		if err != nil {
			return err
		}
		if err := a.findHome(ctx, tx, school, []attendance.Mark{k}, now); err != nil {
			return err
		}
	}
	return nil
}
