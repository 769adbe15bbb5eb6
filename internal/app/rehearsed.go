package app

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// PutInService puts a fictional school in service the way that a real one is: its five days
// before are rehearsed, called and looked at, its head finds them right and asks, its CPE
// opens.
func (a *App) PutInService(ctx context.Context, tx database.Tx, t fictional.Town) error {
	zone, err := t.School.Location()
	if err != nil {
		return err
	}
	days := t.DaysBefore(5)
	if err := a.Alert.StartRehearsal(ctx, tx, t.School.ID, t.Cast.Head, days[0]); err != nil {
		return err
	}
	for _, d := range days {
		if err := fictional.CallEmpty(ctx, tx, a.Journal, t, d); err != nil {
			return err
		}
		if err := a.Alert.JudgeDay(ctx, tx, t.School.ID, timetable.Day(d, zone), nil, 0, t.Cast.Office, d.Add(9*time.Hour)); err != nil {
			return err
		}
	}
	now := days[len(days)-1].Add(10 * time.Hour)
	if err := a.Alert.EndRehearsal(ctx, tx, t.School.ID, alert.Ready, t.Cast.Head, now); err != nil {
		return err
	}
	today := timetable.Day(t.Tuesday, zone)
	if err := a.Alert.AskService(ctx, tx, t.School.ID, t.Cast.Head, page.Head, alert.ProposedEnd(today), today, now); err != nil {
		return err
	}
	return a.Alert.OpenService(ctx, tx, t.School.ID, t.Cast.CPE, page.CPE, today, now)
}
