package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/classroom"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/followup"
	"github.com/preau-ent/preau/internal/homework"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/register"
	"github.com/preau-ent/preau/internal/timetable"
)

// todayView is what the page *Today* shows, all of one moment. What is nil is not there.
type todayView struct {
	Main    templ.Component // what the role is here for
	Home    templ.Component // who of theirs follows the day from home
	Lessons templ.Component // lessons to prepare, or to read
	Led     []ledClass      // classes that a teacher leads
	Device  templ.Component // what a teacher's own device keeps
}

// today is the first page of whoever is signed in: the office's board, a teacher's
// day, a family's children. Signed out it says what Préau is.
func (a *App) today(w http.ResponseWriter, r *http.Request) error {
	v, ok := page.ViewerFrom(r.Context())
	if !ok {
		return page.Show(w, r, http.StatusOK, page.Landing())
	}
	switch v.Role {
	case page.Operator:
		return page.See(w, r, "/schools")
	case page.Nurse:
		return page.See(w, r, "/inside")
	case page.Teacher:
		page.MayKeep(w, r)
	}
	own, now := a.mayOwn(r, v), a.Clock.Now()
	var t todayView
	err := a.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		t, err = a.todayOf(ctx, tx, v, own, now)
		return err
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, todayPage(v.Role, now, t))
}

// todayOf reads it. The office has its board, and nothing beside.
func (a *App) todayOf(ctx context.Context, tx database.Tx, v page.Viewer, own bool, now time.Time) (t todayView, err error) {
	day := timetable.Day(now, page.Zone(ctx))
	switch v.Role {
	case page.Teacher:
		sittings, err := attendance.DayOf(ctx, tx, v.School, v.ID, day)
		if err != nil {
			return t, err
		}
		t.Main, t.Lessons = attendance.TeacherDay(sittings, now), homework.Today(plain(sittings))
		if own {
			t.Device = keepSwitch(v.Personal, sheetsToKeep(sittings, now))
		}
		if t.Led, err = ledClasses(ctx, tx, v, day); err != nil {
			return t, err
		}
	case page.Guardian:
		if t.Main, err = a.alertPages.Guardian(ctx, tx); err != nil {
			return t, err
		}
	case page.Pupil:
		if t.Main, err = a.alertPages.Pupil(ctx, tx); err != nil {
			return t, err
		}
	default:
		t.Main, err = a.alertPages.Office(ctx, tx, page.ReturnPath(ctx))
		return t, err
	}
	if v.Role != page.Teacher {
		if t.Lessons, err = lessonsOf(ctx, tx, v, day, now); err != nil {
			return t, err
		}
	}
	t.Home, err = atHome(ctx, tx, v, day, now)
	return t, err
}

func plain(day []attendance.DaySitting) []timetable.Sitting {
	sittings := make([]timetable.Sitting, len(day))
	for i, d := range day {
		sittings[i] = d.Sitting
	}
	return sittings
}

// ledClass is a class that a teacher leads, as their day shows it.
type ledClass struct {
	directory.Group
	Absent []directory.Person
	Follow bool // those who make no noise are looked after
}

// ledClasses are those of a form teacher.
func ledClasses(ctx context.Context, tx database.Tx, v page.Viewer, day string) (out []ledClass, err error) {
	classes, err := directory.FormClasses(ctx, tx, v.School, v.ID, day)
	if err != nil || len(classes) == 0 {
		return nil, err
	}
	_, off := followup.Of(ctx, tx, v.School, day)
	if off != nil && !errors.Is(off, followup.ErrOff) {
		return nil, off
	}
	absent, err := register.AbsentOf(ctx, tx, v.School, classes, day)
	if err != nil {
		return nil, err
	}
	for i, g := range classes {
		out = append(out, ledClass{g, absent[i], off == nil})
	}
	return out, nil
}

// rollNow leads to the roll of the lesson that the viewer has now, or soon: whoever waits in
// line finds it there, for rolls meet none. Without such a lesson to their day.
func (a *App) rollNow(w http.ResponseWriter, r *http.Request) error {
	v, ok := page.ViewerFrom(r.Context())
	if !ok {
		return page.See(w, r, account.RollSignIn)
	}
	now := a.Clock.Now()
	var day []attendance.DaySitting
	err := a.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		day, err = attendance.DayOf(ctx, tx, v.School, v.ID, timetable.Day(now, page.Zone(ctx)))
		return err
	})
	if err != nil {
		return err
	}
	to := "/"
	for _, d := range day {
		if s := d.Sitting; !s.Cancelled() && !now.Before(s.StartsAt.Add(-aroundLesson)) && now.Before(s.EndsAt) {
			to = "/roll/" + s.ID // of two, the later: who stands before the next one has called the first
		}
	}
	return page.See(w, r, to)
}

// lessonsOf leads to the released lessons of a day: a pupil's, and those of a guardian's
// children. nil where the school has released none, which is one read.
func lessonsOf(ctx context.Context, tx database.Tx, v page.Viewer, day string, now time.Time) (templ.Component, error) {
	if any, err := homework.Any(ctx, tx, v.School, now); err != nil || !any {
		return nil, err
	}
	pupils := []string{v.ID}
	if v.Role == page.Guardian {
		pupils = nil
		children, err := directory.Children(ctx, tx, v.School, v.ID, day)
		if err != nil {
			return nil, err
		}
		for _, c := range children {
			pupils = append(pupils, c.ID)
		}
	}
	sittings, err := homework.OfPupils(ctx, tx, v.School, pupils, day, now)
	return homework.Today(sittings), err
}

// atHome is who of the viewer's follows this day from home: a teacher's pupils, a guardian's
// children that they may be told about, a pupil themselves. nil: nobody.
func atHome(ctx context.Context, tx database.Tx, v page.Viewer, day string, now time.Time) (templ.Component, error) {
	homes, err := timetable.Homes(ctx, tx, v.School, day)
	if err != nil || len(homes) == 0 {
		return nil, err // on most days
	}
	if v.Role == page.Teacher {
		sittings, err := timetable.HomeOfStaff(ctx, tx, v.School, v.ID, day)
		return timetable.HomeTeaching(sittings, classroom.Path), err
	}
	var pupils []directory.Person
	enter := func(timetable.Sitting) string { return "" } // a guardian reads, and enters nowhere
	if v.Role == page.Guardian {
		pupils, err = directory.Children(ctx, tx, v.School, v.ID, day)
	} else {
		var p directory.Person
		p, err = directory.PersonByID(ctx, tx, v.School, v.ID)
		pupils, enter = []directory.Person{p}, classroom.Path
	}
	if err != nil {
		return nil, err
	}
	children, err := timetable.HomeOfPupils(ctx, tx, v.School, pupils, day)
	return timetable.HomeToday(children, now, enter), err
}

// uncalled is what stands beside the office's board: the rolls that nobody called.
func (a *App) uncalled(ctx context.Context, tx database.Tx, school string, now time.Time) (templ.Component, error) {
	rolls, err := attendance.Uncalled(ctx, tx, school, now, timetable.Day(now, page.Zone(ctx)))
	return attendance.UncalledRolls(rolls), err
}

// actors names accounts of a school for those who read its stories: who it is, and
// what they are to the school.
func actors(ctx context.Context, tx database.Tx, school string, accounts []string) (map[string]alert.Actor, error) {
	out := map[string]alert.Actor{}
	for _, id := range accounts {
		a, err := account.ByID(ctx, tx, id)
		if errors.Is(err, account.ErrNone) || a.School != school {
			continue
		}
		if err != nil {
			return nil, err
		}
		p, err := directory.PersonByID(ctx, tx, school, a.Person)
		if err != nil {
			return nil, err
		}
		out[id] = alert.Actor{Name: p.FirstName + " " + p.LastName, Role: a.Role}
	}
	return out, nil
}

// names are the actors' names alone, as colleagues read them on a roll.
func names(ctx context.Context, tx database.Tx, school string, accounts []string) (map[string]string, error) {
	all, err := actors(ctx, tx, school, accounts)
	out := map[string]string{}
	for id, a := range all {
		out[id] = a.Name
	}
	return out, err
}

// called tells which sittings have a saved roll: a calendar file does not move them.
func called(ctx context.Context, tx database.Tx, school string, sittings []string) (map[string]bool, error) {
	rolls, err := attendance.RollsOf(ctx, tx, school, sittings)
	out := map[string]bool{}
	for id := range rolls {
		out[id] = true
	}
	return out, err
}

// todayWidth: the office's board is wide, a phone's page is not.
func todayWidth(role page.Role) page.Width {
	if page.SchoolLife().Allows(role) {
		return page.Wide
	}
	return page.Narrow
}
