package attendance

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
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
		if sums, err = sumsOf(ctx, tx, school, ids); err != nil {
			return nil, err
		}
	}
	labels, err := directory.Labels(ctx, tx, school)
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

// uncalledAfter is how long after its beginning a sitting without a roll is the
// office's business.
const uncalledAfter = 10 * time.Minute

// UncalledRoll is a sitting that began a while ago and whose roll nobody saved.
type UncalledRoll struct {
	Sitting timetable.Sitting
	Classes string
	Staff   []string      // names of who is in charge
	For     time.Duration // since its beginning
}

// Uncalled lists the sittings of a day that began uncalledAfter ago or more, and whose
// roll nobody saved, the latest first: what can still be mended stands on top. Meals
// and nights are called where a school wants it, and not missed here.
func Uncalled(ctx context.Context, tx database.Tx, school string, now time.Time, day string) ([]UncalledRoll, error) {
	called, err := calledOn(ctx, tx, school, day)
	if err != nil {
		return nil, err
	}
	missing, err := timetable.Begun(ctx, tx, school, day, now.Add(-uncalledAfter), called)
	missing = slices.DeleteFunc(missing, func(s timetable.Sitting) bool { return !needsRoll(s) })
	if err != nil || len(missing) == 0 {
		return nil, err
	}
	labels, err := directory.Labels(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	hands, err := handsOf(ctx, tx, school, missing...)
	if err != nil {
		return nil, err
	}
	out := make([]UncalledRoll, 0, len(missing))
	for _, s := range slices.Backward(missing) {
		u := UncalledRoll{Sitting: s, Classes: classesOf(labels, s), For: now.Sub(s.StartsAt)}
		for _, h := range hands[s.ID] {
			u.Staff = append(u.Staff, h.Name)
		}
		out = append(out, u)
	}
	return out, nil
}

func needsRoll(s timetable.Sitting) bool {
	return s.Kind != timetable.Canteen && s.Kind != timetable.Dormitory
}
