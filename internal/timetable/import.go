package timetable

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// Called tells which of some sittings of a school have had their roll saved. Package
// attendance knows.
type Called func(ctx context.Context, tx database.Tx, school string, sittings []string) (map[string]bool, error)

// Report says what an import did, in sittings.
type Report struct {
	Added     int
	Changed   int // moved, renamed, other room, one more group or person
	Cancelled int
	Same      int
	Called    int // would have changed, but their roll was saved
	Taken     int // the UID is that of another lesson, or of somebody else's
}

// Import brings the sittings of a calendar into a school: new ones are added, those
// that were imported before follow their event. It never takes a group or a person
// away, never revives a cancelled sitting, never touches one whose roll was saved, and
// leaves alone what the file no longer has. A short label that somebody edited stays
// while the label does. only is the person whose file it is: it changes no sitting that
// somebody else is in charge of; empty for the office, which may change all.
func Import(ctx context.Context, tx database.Tx, school, only string, sittings []Sitting, called Called, now time.Time) (Report, error) {
	have, err := imported(ctx, tx, school, sittings)
	if err != nil {
		return Report{}, err
	}
	var report Report
	var fresh []Sitting
	var change []Sitting
	for _, s := range sittings {
		old, ok := have[s.SourceKey]
		switch {
		case !ok && s.Cancelled():
			report.Same++ // never was, never will be
		case !ok:
			s.ID = database.NewID()
			fresh = append(fresh, s)
		case !sameLesson(old, s), only != "" && !old.In(only):
			report.Taken++
		default:
			next, changed := follow(old, s, now)
			if !changed {
				report.Same++
				continue
			}
			change = append(change, next)
		}
	}
	if err := Add(ctx, tx, fresh...); err != nil {
		return Report{}, err
	}
	report.Added = len(fresh)

	var ids []string
	for _, s := range change {
		ids = append(ids, s.ID)
	}
	saved, err := called(ctx, tx, school, ids)
	if err != nil {
		return Report{}, err
	}
	for _, s := range change {
		if saved[s.ID] {
			report.Called++
			continue
		}
		if err := replace(ctx, tx, s, have[s.SourceKey]); err != nil {
			return Report{}, err
		}
		if s.Cancelled() {
			report.Cancelled++
		} else {
			report.Changed++
		}
	}
	return report, nil
}

// sameLesson tells whether two sittings of one key are one lesson. Some programs
// number the events of every file from one: what is neither at the same time nor of a
// class or person in common is another's.
func sameLesson(old, s Sitting) bool {
	if old.StartsAt.Equal(s.StartsAt) && old.EndsAt.Equal(s.EndsAt) && old.Label == s.Label {
		return true
	}
	return slices.ContainsFunc(s.Groups, func(g string) bool { return slices.Contains(old.Groups, g) }) ||
		slices.ContainsFunc(s.Staff, func(c Charge) bool { return old.In(c.Person) })
}

// follow is what a sitting becomes when its event is read again.
func follow(old, s Sitting, now time.Time) (next Sitting, changed bool) {
	if old.Cancelled() {
		return old, false
	}
	next = old
	next.Groups, next.Staff = slices.Clone(old.Groups), slices.Clone(old.Staff)
	if s.Cancelled() {
		next.CancelledAt = database.Stamp(now)
		return next, true
	}
	if old.Label != s.Label {
		next.Label, next.ShortLabel = s.Label, s.ShortLabel
	}
	next.Kind, next.Room, next.Day, next.StartsAt, next.EndsAt = s.Kind, s.Room, s.Day, database.Stamp(s.StartsAt), database.Stamp(s.EndsAt)
	for _, g := range s.Groups {
		if !slices.Contains(next.Groups, g) {
			next.Groups = append(next.Groups, g)
		}
	}
	for _, c := range s.Staff {
		if !next.In(c.Person) {
			next.Staff = append(next.Staff, c)
		}
	}
	changed = next.Label != old.Label || next.Kind != old.Kind || next.Room != old.Room || next.Day != old.Day ||
		!next.StartsAt.Equal(old.StartsAt) || !next.EndsAt.Equal(old.EndsAt) ||
		len(next.Groups) != len(old.Groups) || len(next.Staff) != len(old.Staff)
	return next, changed
}

// imported reads the sittings of the same keys, as they are.
func imported(ctx context.Context, tx database.Tx, school string, sittings []Sitting) (map[string]Sitting, error) {
	have := map[string]Sitting{}
	for part := range slices.Chunk(sittings, 500) {
		keys := make([]string, len(part))
		for i, s := range part {
			keys[i] = s.SourceKey
		}
		rows, err := list(ctx, tx, school, func(q *bun.SelectQuery) *bun.SelectQuery {
			return q.Where("t.source = ? AND t.source_key IN (?)", FromCalendar, bun.List(keys))
		})
		if err != nil {
			return nil, err
		}
		for _, s := range rows {
			have[s.SourceKey] = s
		}
	}
	return have, nil
}

// replace writes a sitting over what it was.
func replace(ctx context.Context, tx database.Tx, s, old Sitting) error {
	if err := s.Check(); err != nil {
		return err
	}
	if _, err := tx.NewUpdate().Model(&s).WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("timetable: changing a sitting: %w", err)
	}
	var groups []groupRow
	for _, g := range s.Groups {
		if !slices.Contains(old.Groups, g) {
			groups = append(groups, groupRow{School: s.School, Sitting: s.ID, Grp: g})
		}
	}
	var staff []staffRow
	for _, c := range s.Staff {
		if !old.In(c.Person) {
			staff = append(staff, staffRow{School: s.School, Sitting: s.ID, Person: c.Person})
		}
	}
	if err := insert(ctx, tx, groups); err != nil {
		return fmt.Errorf("timetable: adding the groups of a sitting: %w", err)
	}
	if err := insert(ctx, tx, staff); err != nil {
		return fmt.Errorf("timetable: adding the staff of a sitting: %w", err)
	}
	return nil
}
