package attendance

import (
	"context"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/timetable"
)

// A pupil at home is not missed in the room: nothing is said of them unless somebody says it,
// and what is said then tells that they were at home. The others' marks do not.
func TestAPupilAtHomeIsNotMissedInTheRoom(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, 4)
		home, other, office := w.pupils[0], w.pupils[1], w.pupils[2]
		w.write(school, func(ctx context.Context, tx database.Tx) error {
			_, err := timetable.OpenHome(ctx, tx, timetable.Home{School: school, Reason: "illness", FromOn: "2026-11-24", UntilOn: "2026-11-24", OpenedBy: "a-head", Pupils: []string{home, office}}, w.now, w.zone)
			return err
		})
		w.stated(office, Inside, "office", w.at(9, 0))
		w.site()
		var s sheet
		w.read(func(ctx context.Context, tx database.Tx) (err error) {
			s, err = w.pages.sheetOf(ctx, tx, viewers(w.zone)["roy"], maths, w.now)
			return err
		})
		want := map[string]Says{home: AtHome, other: "", office: Inside}
		for _, r := range s.Rows {
			if away, ok := want[r.Pupil.ID]; ok && (r.Away != away || (away != "") != (r.Value == Unsaid)) {
				t.Errorf("%s: away %q, value %q; want away %q", r.Pupil.ID, r.Away, r.Value, away)
			}
		}
		w.save(maths, "a-roy", Entry{Pupil: home, Value: Unsaid, Base: BaseUnsaid}, Entry{Pupil: other, Value: Absent})
		if _, marked := w.current(maths)[home]; marked {
			t.Error("who was at home and of whom nothing was said has a mark")
		}
		w.save(maths, "a-roy", Entry{Pupil: home, Value: Absent, Base: BaseUnsaid})
		marks := w.current(maths)
		if !marks[home].AtHome || marks[other].AtHome {
			t.Errorf("at home: %v, in the building: %v", marks[home].AtHome, marks[other].AtHome)
		}
	})
}
