package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// leaning asks every capability that knows of people whether something leans on an import.
func leaning() directory.Asks {
	return directory.Asks{attendance.LeaningOn, courier.LeaningOn, account.LeaningOn, timetable.LeaningOn}
}

// UndoImport puts a school back to before its last import; see directory.UndoImport.
func (a *App) UndoImport(ctx context.Context, uai, by string) (u directory.Undo, err error) {
	var school directory.School
	err = a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		all, err := directory.Schools(ctx, tx)
		for _, s := range all {
			if s.UAI == uai {
				school = s
			}
		}
		return err
	})
	switch {
	case err != nil:
		return u, err
	case school.ID == "":
		return u, fmt.Errorf("no school has the number %s here", uai)
	}
	err = a.DB.InSchool(ctx, school.ID, func(ctx context.Context, tx database.Tx) (err error) {
		u, err = directory.UndoImport(ctx, tx, a.Journal, school.ID, "", by, leaning(), a.Clock.Now())
		return err
	})
	switch {
	case errors.Is(err, directory.ErrNoUndo):
		return u, fmt.Errorf("%s has no import that can be undone: none changed anything, the last one was undone, or it is more than %d days old. Bring a corrected file instead", uai, int(directory.UndoFor.Hours()/24))
	case errors.Is(err, directory.ErrGone):
		return u, fmt.Errorf("%s left this installation: nothing of it is changed", uai)
	}
	return u, err
}
