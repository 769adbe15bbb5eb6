package timetable_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

func (s *site) atHome(day string, pupils ...string) map[string]timetable.Home {
	s.t.Helper()
	var out map[string]timetable.Home
	in(s.t, s.db, s.town.School.ID, func(ctx context.Context, tx database.Tx) (err error) {
		out, err = timetable.AtHome(ctx, tx, s.town.School.ID, pupils, day)
		return err
	})
	return out
}

// Days at home are whose the decision says: a pupil's, a class's with who joins it later, a
// level's, everybody's; on its days and no others; and withdrawing takes no day back that was.
func TestDaysAtHome(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db)
		zone, school := s.town.Tuesday.Location(), s.town.School.ID
		open := func(h timetable.Home) (made timetable.Home, err error) {
			t.Helper()
			h.School, h.OpenedBy = school, "a-head"
			err = db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) (err error) {
				made, err = timetable.OpenHome(ctx, tx, h, s.now, zone)
				return err
			})
			return made, err
		}
		for name, h := range map[string]timetable.Home{
			"yesterday":     {Reason: "strike", Whole: true, FromOn: "2026-11-23", UntilOn: "2026-11-24"},
			"not in order":  {Reason: "strike", Whole: true, FromOn: "2026-11-25", UntilOn: "2026-11-24"},
			"a year":        {Reason: "strike", Whole: true, FromOn: "2026-11-24", UntilOn: "2027-11-24"},
			"no reason":     {Reason: "flu", Whole: true, FromOn: "2026-11-24", UntilOn: "2026-11-24"},
			"nobody":        {Reason: "strike", FromOn: "2026-11-24", UntilOn: "2026-11-24"},
			"all and one":   {Reason: "strike", Whole: true, Pupils: []string{"lea"}, FromOn: "2026-11-24", UntilOn: "2026-11-24"},
			"a guardian":    {Reason: "illness", Pupils: []string{"nadia"}, FromOn: "2026-11-24", UntilOn: "2026-11-24"},
			"another place": {Reason: "illness", Groups: []string{"theirs"}, FromOn: "2026-11-24", UntilOn: "2026-11-24"},
			"no such level": {Reason: "illness", Levels: []string{"6e"}, FromOn: "2026-11-24", UntilOn: "2026-11-24"},
		} {
			if _, err := open(h); !errors.Is(err, timetable.ErrDay) && !errors.Is(err, timetable.ErrHomeReason) && !errors.Is(err, timetable.ErrHomeWhom) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must := func(h timetable.Home) timetable.Home {
			t.Helper()
			made, err := open(h)
			if err != nil {
				t.Fatal(err)
			}
			return made
		}
		one := must(timetable.Home{Reason: "illness", Pupils: []string{"lea", "lea"}, FromOn: "2026-11-24", UntilOn: "2026-11-26"})
		class := must(timetable.Home{Reason: "works", Groups: []string{"2de3"}, FromOn: "2026-11-25", UntilOn: "2026-11-25"})
		must(timetable.Home{Reason: "weather", Levels: []string{"1re"}, FromOn: "2026-11-27", UntilOn: "2026-11-27"})
		must(timetable.Home{Reason: "strike", Whole: true, FromOn: "2026-11-30", UntilOn: "2026-11-30"})
		for day, want := range map[string]map[string]string{
			"2026-11-23": {}, "2026-11-24": {"lea": "illness"}, "2026-11-25": {"lea": "illness", "malo": "works"}, "2026-11-26": {"lea": "illness"},
			"2026-11-27": {"sami": "weather"}, "2026-11-28": {}, "2026-11-30": {"lea": "strike", "malo": "strike", "sami": "strike"},
		} {
			got := map[string]string{}
			for pupil, h := range s.atHome(day, "lea", "malo", "sami") {
				got[pupil] = h.Reason
			}
			if len(got) != len(want) {
				t.Errorf("%s: %v, want %v", day, got, want)
			}
			for pupil, reason := range want {
				if got[pupil] != reason {
					t.Errorf("%s: %s is at home by %q, want %q", day, pupil, got[pupil], reason)
				}
			}
		}
		// Who joins the class later is at home with it.
		in(t, db, school, func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{Members: []directory.Member{{School: school, Grp: "2de3", Person: "sami", FromOn: "2026-11-25"}}})
		})
		if _, ok := s.atHome("2026-11-25", "sami")["sami"]; !ok {
			t.Error("who joined the class is not at home with it")
		}
		withdraw := func(id string) error {
			return db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
				_, err := timetable.WithdrawHome(ctx, tx, school, id, "a-cpe", s.now, zone)
				return err
			})
		}
		s.now = s.now.AddDate(0, 0, 1)
		if err := errors.Join(withdraw(one.ID), withdraw(class.ID), withdraw(class.ID)); err != nil {
			t.Fatal(err)
		}
		if err := withdraw("elsewhere"); !errors.Is(err, timetable.ErrNotFound) {
			t.Error(err)
		}
		if len(s.atHome("2026-11-24", "lea")) != 1 || len(s.atHome("2026-11-25", "lea", "malo")) != 0 {
			t.Error("withdrawn on the 25th: the 24th stays, the 25th does not")
		}
	})
}

// The page: the head opens, the CPE withdraws, the office reads, a teacher does neither; each
// is a line of the journal, and teachers are told how many, never why.
func TestHomePages(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db)
		s.signIn("head", page.Head)
		s.post("/timetable/home", 422, "from", "2026-11-24", "reason", "illness")
		s.post("/timetable/home", 422, "from", "2026-11-23", "reason", "illness", "pupil", "lea")
		s.post("/timetable/home", 422, "from", "2026-11-24", "reason", "flu", "pupil", "lea")
		if body := s.get("/timetable/home?name=ben", 200); !strings.Contains(body, "pupil=lea") {
			t.Error("Léa is not found by her name")
		}
		s.post("/timetable/home", 303, "from", "2026-11-24", "until", "2026-11-25", "reason", "illness", "pupil", "lea")
		s.signIn("office", page.Secretary)
		if body := s.get("/timetable/home", 200); !strings.Contains(body, "Léa Benali") || strings.Contains(body, "Retirer dès") {
			t.Error("the office reads, and decides nothing")
		}
		s.post("/timetable/home", 403, "from", "2026-11-24", "reason", "illness", "pupil", "lea")
		s.signIn("roy", page.Teacher)
		s.get("/timetable/home", 403)
		var teaching []timetable.HomeSitting
		var id string
		in(t, db, s.town.School.ID, func(ctx context.Context, tx database.Tx) (err error) {
			all, err := timetable.Homes(ctx, tx, s.town.School.ID, "2026-11-24")
			if err == nil {
				id = all[0].ID
				teaching, err = timetable.HomeOfStaff(ctx, tx, s.town.School.ID, "roy", "2026-11-24")
			}
			return err
		})
		if len(teaching) == 0 || teaching[0].Home != 1 || teaching[0].Pupils != 5 {
			t.Errorf("%+v", teaching)
		}
		s.post("/timetable/home/"+id+"/withdraw", 403)
		s.signIn("cpe", page.CPE)
		s.post("/timetable/home/"+id+"/withdraw", 303)
		s.post("/timetable/home/unknown/withdraw", 404)
		if n := len(s.atHome("2026-11-24", "lea")); n != 0 {
			t.Error("withdrawn, and still at home")
		}
		acts := s.acts()
		if !slices.Contains(acts, "home") || !slices.Contains(acts, "home-withdrawn") {
			t.Errorf("the journal says %v", acts)
		}
		var children []timetable.HomeChild
		s.now = s.now.Add(time.Minute)
		in(t, db, s.town.School.ID, func(ctx context.Context, tx database.Tx) (err error) {
			children, err = timetable.HomeOfPupils(ctx, tx, s.town.School.ID, []directory.Person{{ID: "lea"}}, "2026-11-24")
			return err
		})
		if len(children) != 0 {
			t.Errorf("%+v", children)
		}
	})
}

// acts lists what the journal says was done, in order.
func (s *site) acts() (out []string) {
	s.t.Helper()
	var rows []journal.Line
	if err := s.db.Read(s.t.Context(), func(ctx context.Context, tx database.Tx) error {
		return tx.NewSelect().Model(&rows).Order("seq").Scan(ctx)
	}); err != nil {
		s.t.Fatal(err)
	}
	for _, l := range rows {
		out = append(out, l.Act)
	}
	return out
}
