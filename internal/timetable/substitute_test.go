package timetable_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// A substitute is named in two taps: who, and for how long. Nobody but the office names one,
// nobody is named who is not of the staff of this school, and whoever was foreseen stays.
func TestSubstitute(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		s := newSite(t, db)
		of := func(person string) (ids []string) {
			for _, one := range s.ofDay("2026-11-24") {
				if one.In(person) {
					ids = append(ids, one.ID)
				}
			}
			return ids
		}
		s.signIn("roy", page.Teacher)
		s.post("/timetable/sittings/maths/substitute", 403, "person", "supervisor", "for", "one")
		s.signIn("office", page.Secretary)
		s.sees(s.get("/timetable/sittings/maths", 200), "Pour le cours de 8 h 05", "Pour toute la journée", "Yanis Kerbrat")
		for _, nobody := range []string{"", "lea", "nadia", "theirs", "none"} {
			s.post("/timetable/sittings/maths/substitute", 422, "person", nobody, "for", "one")
		}
		s.post("/timetable/sittings/maths/substitute", 422, "person", "supervisor", "for", "ever")
		s.post("/timetable/sittings/theirs/substitute", 404, "person", "supervisor", "for", "one")
		if got := of("supervisor"); got != nil {
			t.Fatalf("refused, and in charge of %v", got)
		}
		s.post("/timetable/sittings/maths/substitute", 303, "person", "supervisor", "for", "one")
		if got := of("supervisor"); !slices.Equal(got, []string{"maths"}) {
			t.Fatalf("for one sitting: %v", got)
		}
		s.post("/timetable/sittings/maths/substitute", 303, "person", "cpe", "for", "day")
		if got := of("cpe"); !slices.Contains(got, "maths") || !slices.Contains(got, "francais") {
			t.Fatalf("for the day: %v", got)
		}
		if got := of("roy"); !slices.Contains(got, "maths") || !slices.Contains(got, "francais") {
			t.Fatalf("who was foreseen: %v", got)
		}
		// A substitute's substitute is not everybody's: only who was foreseen is replaced.
		in(t, db, s.town.School.ID, func(ctx context.Context, tx database.Tx) error {
			taken, err := timetable.Substitute(ctx, tx, s.town.School.ID, "maths", "office", timetable.ForDay, s.now.Add(24*time.Hour))
			if err == nil && len(taken) != 1 {
				t.Errorf("after the day: %d sittings", len(taken))
			}
			return err
		})
	})
}
