package classroom

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// How long after its beginning who has not come to a class is proposed absent, and how late
// somebody comes who is proposed late.
const (
	absentAfter = 10 * time.Minute
	lateAfter   = 5 * time.Minute
)

// propose says what the roll proposes of one pupil: never absent who came, who may have been
// kept by something of ours, or of whom it is too early to say.
func propose(k Known, s timetable.Sitting, opened, now time.Time) (attendance.Value, int) {
	begins := s.StartsAt
	if opened.After(begins) {
		begins = opened
	}
	late := k.Arrival.Sub(begins)
	switch {
	case opened.IsZero():
		return attendance.Unsaid, 0
	case !k.Arrival.IsZero() && len(k.Stays) == 0:
		return attendance.Unsaid, 0 // at the door, and not let in: the teacher knows
	case !k.Arrival.IsZero() && late > lateAfter && !k.Waited && !k.Outage:
		return attendance.Late, int(late / time.Minute)
	case !k.Arrival.IsZero():
		return attendance.Present, 0
	case k.Finding == attendance.FoundAbsent && !now.Before(begins.Add(absentAfter)):
		return attendance.Absent, 0
	}
	return attendance.Unsaid, 0
}

// Propose gives what the roll proposes of pupils at home, from how they came to its class.
func (p *Pages) Propose(ctx context.Context, tx database.Tx, s timetable.Sitting, pupils []string, now time.Time) (map[string]attendance.Proposal, error) {
	var c Class
	err := tx.NewSelect().Model(&c).Where("cl.school = ? AND cl.sitting = ?", s.School, s.ID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) || err == nil && c.OpenedAt.IsZero() {
		return nil, nil // nobody opened it: there is no class to have come to
	}
	if err != nil {
		return nil, err
	}
	known, err := p.Evidence.Find(ctx, tx, s.School, s, pupils, now)
	if err != nil {
		return nil, err
	}
	out := map[string]attendance.Proposal{}
	for id, k := range known {
		value, minutes := propose(k, s, c.OpenedAt, now)
		out[id] = attendance.Proposal{Value: value, Minutes: minutes, Note: note(ctx, k, now)}
	}
	return out, nil
}

// note says how somebody came to the class, or why nothing is proposed of them.
func note(ctx context.Context, k Known, now time.Time) string {
	switch {
	case k.Finding == attendance.FoundThrown:
		return page.T(ctx, "classroom.note.thrown", "hour", page.Hour(ctx, k.Stays[len(k.Stays)-1].SeenAt))
	case k.Finding == attendance.FoundBreaking:
		return page.T(ctx, "classroom.note.breaking", "hour", page.Hour(ctx, k.Arrival), "n", k.Breaks)
	case !k.Arrival.IsZero() && len(k.Stays) == 0:
		return page.T(ctx, "classroom.note.door", "hour", page.Hour(ctx, k.Arrival))
	case !k.Arrival.IsZero() && k.Waited:
		return page.T(ctx, "classroom.note.waited", "hour", page.Hour(ctx, k.Arrival))
	case !k.Arrival.IsZero() && !here(k.Stays[len(k.Stays)-1], now):
		return page.T(ctx, "classroom.note.gone", "hour", page.Hour(ctx, k.Arrival), "until", page.Hour(ctx, k.Stays[len(k.Stays)-1].SeenAt))
	case !k.Arrival.IsZero():
		return page.T(ctx, "classroom.note.came", "hour", page.Hour(ctx, k.Arrival))
	case k.Waited:
		return page.T(ctx, "classroom.note.inline")
	}
	return page.T(ctx, "classroom.note."+string(k.Finding))
}
