package timetable_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

// school makes a school "s" in Paris with a class g, a group h and two teachers.
func school(t *testing.T, db *database.DB, id string) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
		return directory.AddSchool(ctx, tx, directory.School{ID: id, UAI: id, Name: "École", ShortName: "Ecole", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"})
	})
	if err != nil {
		t.Fatal(err)
	}
	person := func(name string, kind directory.Kind) directory.Person {
		return directory.Person{School: id, ID: name, Kind: kind, Source: "fictional", SourceKey: name, LastName: name, FirstName: "A"}
	}
	left := person("Zeller", directory.KindPupil)
	left.LeftOn = "2026-11-01"
	in(t, db, id, func(ctx context.Context, tx database.Tx) error {
		return directory.Add(ctx, tx, directory.Batch{
			People: []directory.Person{
				person("roy", directory.KindStaff), person("kerbrat", directory.KindStaff), left,
				person("Zoé", directory.KindPupil), person("Élie", directory.KindPupil), person("Eve", directory.KindPupil), person("Fanny", directory.KindPupil),
			},
			Groups: []directory.Group{{School: id, ID: "g", Kind: "class", Code: "g", Label: "2de 3"}, {School: id, ID: "h", Kind: "group", Code: "h", Label: "Latin"}},
			Members: []directory.Member{
				{School: id, Grp: "g", Person: "Zoé"}, {School: id, Grp: "g", Person: "Élie"}, {School: id, Grp: "g", Person: "Zeller"},
				{School: id, Grp: "g", Person: "Fanny", FromOn: "2026-11-25"}, {School: id, Grp: "h", Person: "Zoé"}, {School: id, Grp: "h", Person: "Eve"},
			},
		})
	})
}

func in(t *testing.T, db *database.DB, school string, fn func(context.Context, database.Tx) error) {
	t.Helper()
	if err := db.InSchool(t.Context(), school, fn); err != nil {
		t.Fatal(err)
	}
}

func ids(sittings []timetable.Sitting) []string {
	var out []string
	for _, s := range sittings {
		out = append(out, s.ID)
	}
	return out
}

func TestStore(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		school(t, db, "s")
		school(t, db, "other")
		paris := zone(t, "Europe/Paris")
		one := sitting("one", at(7, 5), at(8, 0))
		two := sitting("two", at(8, 5).Add(500*time.Microsecond), at(9, 0))
		two.Groups, two.Staff, two.Room = []string{"g", "h"}, []timetable.Charge{{Person: "kerbrat"}, {Person: "roy"}}, "L1"
		night := sitting("night", at(22, 0), at(23, 30))
		night.At(night.StartsAt, night.EndsAt, paris) // 23:00 in Paris: still the 24th
		night.Staff = nil
		stranger := sitting("one", at(7, 5), at(8, 0))
		stranger.School = "other"
		in(t, db, "other", func(ctx context.Context, tx database.Tx) error { return timetable.Add(ctx, tx, stranger) })
		in(t, db, "s", func(ctx context.Context, tx database.Tx) error {
			if err := timetable.Add(ctx, tx, two, one, night); err != nil {
				return err
			}
			bad := sitting("bad", at(9, 0), at(8, 0))
			if err := timetable.Add(ctx, tx, bad); !errors.Is(err, timetable.ErrTimes) {
				t.Errorf("adding a sitting that ends before it begins: %v", err)
			}
			return nil
		})

		in(t, db, "s", func(ctx context.Context, tx database.Tx) error {
			got, err := timetable.ByID(ctx, tx, "s", "two")
			if err != nil {
				return err
			}
			if !got.StartsAt.Equal(two.StartsAt) || !got.EndsAt.Equal(two.EndsAt) || got.Day != "2026-11-24" || got.Room != "L1" || got.Cancelled() ||
				!slices.Equal(got.Groups, two.Groups) || !slices.Equal(got.Staff, two.Staff) {
				t.Errorf("read back %+v, want %+v", got, two)
			}
			if _, err := timetable.ByID(ctx, tx, "s", "none"); !errors.Is(err, timetable.ErrNotFound) {
				t.Errorf("a sitting that is not there: %v", err)
			}
			for what, c := range map[string]struct {
				list func() ([]timetable.Sitting, error)
				want []string
			}{
				"the day":   {func() ([]timetable.Sitting, error) { return timetable.OfDay(ctx, tx, "s", "2026-11-24") }, []string{"one", "two", "night"}},
				"no day":    {func() ([]timetable.Sitting, error) { return timetable.OfDay(ctx, tx, "s", "2026-11-25") }, nil},
				"a teacher": {func() ([]timetable.Sitting, error) { return timetable.OfStaff(ctx, tx, "s", "roy", "2026-11-24") }, []string{"one", "two"}},
				"another":   {func() ([]timetable.Sitting, error) { return timetable.OfStaff(ctx, tx, "s", "kerbrat", "2026-11-24") }, []string{"two"}},
				"the group": {func() ([]timetable.Sitting, error) {
					return timetable.OfGroups(ctx, tx, "s", []string{"h"}, "2026-11-24")
				}, []string{"two"}},
				"the groups": {func() ([]timetable.Sitting, error) {
					return timetable.OfGroups(ctx, tx, "s", []string{"g", "h"}, "2026-11-24")
				}, []string{"one", "two", "night"}},
				"no group": {func() ([]timetable.Sitting, error) { return timetable.OfGroups(ctx, tx, "s", nil, "2026-11-24") }, nil},
			} {
				got, err := c.list()
				if err != nil {
					return err
				}
				if !slices.Equal(ids(got), c.want) {
					t.Errorf("sittings of %s: %v, want %v", what, ids(got), c.want)
				}
			}
			pupils, err := timetable.Pupils(ctx, tx, "s", got)
			if err != nil {
				return err
			}
			var names []string
			for _, p := range pupils {
				names = append(names, p.LastName)
			}
			if !slices.Equal(names, []string{"Élie", "Eve", "Zoé"}) { // each once, in the order of a French list
				t.Errorf("expected are %v", names)
			}
			return nil
		})

		later := at(8, 10)
		in(t, db, "s", func(ctx context.Context, tx database.Tx) error {
			charge := func(person string) bool {
				s, err := timetable.ByID(ctx, tx, "s", "one")
				if err != nil {
					t.Fatal(err)
				}
				return s.In(person)
			}
			if !charge("roy") || charge("kerbrat") {
				t.Error("who is in charge, before")
			}
			for range 2 { // a second time changes nothing
				if err := timetable.Take(ctx, tx, "s", "one", "kerbrat", later); err != nil {
					return err
				}
			}
			if !charge("roy") || !charge("kerbrat") {
				t.Error("who is in charge, after")
			}
			s, err := timetable.ByID(ctx, tx, "s", "one")
			if err != nil {
				return err
			}
			if len(s.Staff) != 2 || !s.Staff[0].TakenAt.Equal(later) || !s.Staff[1].TakenAt.IsZero() {
				t.Errorf("who took it over is not visible: %+v", s.Staff)
			}
			if err := timetable.Cancel(ctx, tx, "s", "one", later); err != nil {
				return err
			}
			if err := timetable.Cancel(ctx, tx, "s", "one", later.Add(time.Hour)); err != nil {
				return err
			}
			if s, err = timetable.ByID(ctx, tx, "s", "one"); err != nil || !s.CancelledAt.Equal(later) {
				t.Errorf("cancelled at %s, want %s (%v)", s.CancelledAt, later, err)
			}
			if err := timetable.Take(ctx, tx, "s", "one", "kerbrat", later); !errors.Is(err, timetable.ErrCancelled) {
				t.Errorf("taking over what is cancelled: %v", err)
			}
			if err := timetable.Cancel(ctx, tx, "s", "none", later); !errors.Is(err, timetable.ErrNotFound) {
				t.Errorf("cancelling nothing: %v", err)
			}
			if err := timetable.Relabel(ctx, tx, "s", "two", "théâtre"); !errors.Is(err, timetable.ErrLabel) {
				t.Errorf("a label that does not fit: %v", err)
			}
			if err := timetable.Relabel(ctx, tx, "s", "two", "latin"); err != nil {
				return err
			}
			if err := timetable.Relabel(ctx, tx, "s", "none", "latin"); !errors.Is(err, timetable.ErrNotFound) {
				t.Errorf("a label of nothing: %v", err)
			}
			return nil
		})
		// What happened in one school did not happen in the other.
		in(t, db, "other", func(ctx context.Context, tx database.Tx) error {
			s, err := timetable.ByID(ctx, tx, "other", "one")
			if err != nil {
				return err
			}
			if s.Cancelled() || len(s.Staff) != 1 {
				t.Errorf("the other school's sitting changed: %+v", s)
			}
			return nil
		})
	})
}

func TestClosures(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		school(t, db, "s")
		in(t, db, "s", func(ctx context.Context, tx database.Tx) error {
			if err := timetable.AddClosure(ctx, tx,
				timetable.Closure{School: "s", ID: "b", FromOn: "2026-12-19", UntilOn: "2027-01-03", Reason: "Noël"},
				timetable.Closure{School: "s", ID: "a", FromOn: "2026-11-11", UntilOn: "2026-11-11", Reason: "Armistice"}); err != nil {
				return err
			}
			for day, want := range map[string]bool{"2026-11-10": false, "2026-11-11": true, "2026-11-12": false, "2026-12-19": true, "2027-01-03": true, "2027-01-04": false} {
				got, err := timetable.IsClosed(ctx, tx, "s", day)
				if err != nil {
					return err
				}
				all, err := timetable.Closures(ctx, tx, "s", "2026-01-01")
				if err != nil {
					return err
				}
				if _, pure := timetable.ClosedOn(all, day); got != want || pure != want {
					t.Errorf("closed on %s: %t, %t, want %t", day, got, pure, want)
				}
			}
			for _, bad := range []timetable.Closure{
				{FromOn: "2026-12-20", UntilOn: "2026-12-19", Reason: "x"},
				{FromOn: "20/12/2026", UntilOn: "2026-12-21", Reason: "x"},
				{FromOn: "2026-12-20", UntilOn: "2026-12-21"},
			} {
				bad.School, bad.ID = "s", "bad"
				if err := timetable.AddClosure(ctx, tx, bad); err == nil {
					t.Errorf("taken: %+v", bad)
				}
			}
			if err := timetable.RemoveClosure(ctx, tx, "s", "a"); err != nil {
				return err
			}
			if err := timetable.RemoveClosure(ctx, tx, "s", "a"); !errors.Is(err, timetable.ErrNotFound) {
				t.Errorf("a closure taken back twice: %v", err)
			}
			left, err := timetable.Closures(ctx, tx, "s", "2026-01-01")
			if err != nil || len(left) != 1 || left[0].ID != "b" {
				t.Errorf("left: %v %v", left, err)
			}
			return nil
		})
	})
}
