package attendance

import (
	"context"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/timetable"
)

// DaySitting is one sitting of a person's day, with what became of its roll.
type DaySitting struct {
	Sitting timetable.Sitting
	Classes string // labels of its groups
	Called  bool
	SavedAt time.Time
	Sums    Sums
}

// DayOf lists the sittings of a day that a person is in charge of, by their beginning.
func DayOf(ctx context.Context, tx database.Tx, school, person, day string) ([]DaySitting, error) {
	sittings, err := timetable.OfStaff(ctx, tx, school, person, day)
	if err != nil || len(sittings) == 0 {
		return nil, err
	}
	ids := make([]string, len(sittings))
	for i, s := range sittings {
		ids[i] = s.ID
	}
	rolls, err := RollsOf(ctx, tx, school, ids)
	if err != nil {
		return nil, err
	}
	sums := map[string]Sums{}
	if len(rolls) > 0 {
		if sums, err = SumsOf(ctx, tx, school, ids); err != nil {
			return nil, err
		}
	}
	labels, err := labelsOf(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	out := make([]DaySitting, len(sittings))
	for i, s := range sittings {
		roll, called := rolls[s.ID]
		out[i] = DaySitting{Sitting: s, Classes: classesOf(labels, s), Called: called, SavedAt: roll.SavedAt, Sums: sums[s.ID]}
	}
	return out, nil
}

// UncalledAfter is how long after its beginning a sitting without a roll is the
// office's business.
const UncalledAfter = 10 * time.Minute

// UncalledRoll is a sitting that began a while ago and whose roll nobody saved.
type UncalledRoll struct {
	Sitting timetable.Sitting
	Classes string
	Staff   []string      // names of who is in charge
	For     time.Duration // since its beginning
}

// Uncalled lists the sittings of a day that began UncalledAfter ago or more, and whose
// roll nobody saved, the latest first: what can still be mended stands on top. Meals
// and nights are called where a school wants it, and not missed here.
func Uncalled(ctx context.Context, tx database.Tx, school string, now time.Time, day string) ([]UncalledRoll, error) {
	all, err := timetable.OfDay(ctx, tx, school, day)
	if err != nil {
		return nil, err
	}
	var begun []timetable.Sitting
	var ids []string
	for _, s := range all {
		if needsRoll(s) && now.Sub(s.StartsAt) >= UncalledAfter {
			begun = append(begun, s)
			ids = append(ids, s.ID)
		}
	}
	rolls, err := RollsOf(ctx, tx, school, ids)
	if err != nil || len(rolls) == len(begun) {
		return nil, err
	}
	labels, err := labelsOf(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	var missing []timetable.Sitting
	for _, s := range begun {
		if _, called := rolls[s.ID]; !called {
			missing = append(missing, s)
		}
	}
	hands, err := handsOf(ctx, tx, school, missing...)
	if err != nil {
		return nil, err
	}
	out := make([]UncalledRoll, 0, len(missing))
	for i := len(missing) - 1; i >= 0; i-- {
		s := missing[i]
		u := UncalledRoll{Sitting: s, Classes: classesOf(labels, s), For: now.Sub(s.StartsAt)}
		for _, h := range hands[s.ID] {
			u.Staff = append(u.Staff, h.Name)
		}
		out = append(out, u)
	}
	return out, nil
}

func needsRoll(s timetable.Sitting) bool {
	return !s.Cancelled() && s.Kind != timetable.Canteen && s.Kind != timetable.Dormitory
}
