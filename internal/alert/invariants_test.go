package alert_test

import (
	"context"
	"errors"
	"testing"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// guarded are the tables behind the seventeen invariants (docs/invariants.md), with what of
// a row moves on. Everything else is for good.
var guarded = []databasetest.Guarded{
	{Name: "journal_lines"},
	{Name: "attendance_marks"},
	{Name: "directory_contacts", MayChange: []string{"raw", "source", "verified_at", "ended_at", "stopped_at", "stopped_why"}},
	{Name: "directory_decisions", MayChange: []string{"lifted_by", "lifted_at"}},
	{Name: "directory_objections", MayChange: []string{"withdrawn_at"}},
	{Name: "courier_letters", MayChange: []string{"subject", "body", "state", "because", "attempts", "due_at", "leaving_at", "settled_at", "held_by", "lang"}},
	{Name: "courier_attempts", MayChange: []string{"ended_at", "outcome", "answer"}},
	{Name: "courier_parts", MayChange: []string{"fate"}},
	{Name: "courier_stops", MayChange: []string{"asked_by", "asked_at", "lifted_by", "lifted_at"}},
	{Name: "courier_locks", MayChange: []string{"asked_by", "asked_at", "lifted_by", "lifted_at"}},
	{Name: "alert_episodes", MayChange: []string{"state", "because", "settled_at"}},
	{Name: "alert_decisions"},
	{Name: "alert_letters"},
	{Name: "alert_calls", MayChange: []string{"outcome", "closed_at", "closed_by"}},
	{Name: "alert_answers"},
	{Name: "alert_trips", MayChange: []string{"ended_at", "ended_by"}},
	{Name: "alert_requests", MayChange: []string{"tries", "outcome", "ended_at", "ended_by"}},
	{Name: "alert_corrections", MayChange: []string{"done_at"}},
	{Name: "alert_services", MayChange: []string{"opened_by", "opened_at", "closed_by", "closed_at", "kept_until", "kept_by", "kept_at"}},
	{Name: "alert_rehearsals", MayChange: []string{"ended_by", "ended_at", "outcome", "days", "wrong", "missed"}},
	{Name: "alert_verdicts"},
}

// TestInvariantsAgainstSQL attacks every row behind the invariants with raw SQL, after a
// morning in which each table was written to.
func TestInvariantsAgainstSQL(t *testing.T) {
	both(t, func(m *morning) {
		m.full()
		databasetest.Withstand(m.t.(*testing.T), m.db, guarded)
		// The morning goes on, and the journal is whole.
		m.at("09:30")
		var faults []journal.Fault
		if err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
			_, faults, err = m.journal.Verify(ctx, tx, nil)
			return err
		}); err != nil || len(faults) > 0 {
			m.t.Error(err, faults)
		}
	})
}

// full lives a morning after which there is something in every table.
func (m *morning) full() {
	m.t.Helper()
	m.in(func(ctx context.Context, tx database.Tx) error {
		at := m.now
		return directory.Add(ctx, tx, directory.Batch{
			Decisions:  []directory.Decision{{School: m.school, ID: "d1", Pupil: "malo", Adult: "adeline", Reference: "26/1", FromOn: "2026-12-01", RecordedBy: "head", RecordedAt: at}, {School: m.school, ID: "d2", Pupil: "malo", Adult: "adeline", Reference: "26/2", FromOn: "2026-12-01", RecordedBy: "head", RecordedAt: at}},
			Objections: []directory.Objection{{School: m.school, ID: "o1", Pupil: "nora", Reference: "26/3", RecordedBy: "head", RecordedAt: at}, {School: m.school, ID: "o2", Pupil: "malo", Reference: "26/4", RecordedBy: "head", RecordedAt: at}},
		})
	})
	// In service, stopped by its head, and in service again.
	m.serve(false)
	m.serve(true)
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	m.mark("maths", "ewen", attendance.Absent, 0)
	m.mark("maths", m.town.Cast.Unreachable, attendance.Absent, 0)
	m.in(func(ctx context.Context, tx database.Tx) error {
		for range 2 {
			if _, err := m.courier.Stop(ctx, tx, m.school, "office", m.now); err != nil {
				return err
			}
			if err := errors.Join(m.courier.AskLift(ctx, tx, m.school, "office", m.now), m.courier.Lift(ctx, tx, m.school, "cpe", m.now)); err != nil {
				return err
			}
		}
		return nil
	})
	for range 2 {
		m.in(func(ctx context.Context, tx database.Tx) error {
			if err := m.courier.Lock(ctx, tx, m.school, courier.WhyFolder, m.now); err != nil {
				return err
			}
			return errors.Join(m.courier.AskUnlock(ctx, tx, m.school, "head", m.now), m.courier.Unlock(ctx, tx, m.school, "cpe", m.now))
		})
	}
	m.at("08:18")
	m.mark("maths", "lea", attendance.Late, 11)
	m.at("08:30")
	m.mark("histoire", "sami", attendance.Absent, 0) // held
	school, at := m.school, database.Stamp(m.now)
	for _, one := range []struct {
		query string
		args  []any
	}{
		{"INSERT INTO alert_answers (school, id, episode, n, letter, pupil, person, via, answer, at) SELECT school, 'a1', episode, 1, letter, pupil, person, 'sms', 'coming', ? FROM alert_letters WHERE kind = 'absence' AND pupil = 'lea' LIMIT 1", []any{at}},
		{"INSERT INTO alert_answers (school, id, episode, n, letter, pupil, person, via, answer, at) SELECT school, 'a2', episode, 2, letter, pupil, person, 'sms', 'unclear', ? FROM alert_answers", []any{at}},
		{"INSERT INTO alert_calls (school, id, episode, pupil, adult, because, opened_at) SELECT school, 'k2', episode, pupil, 'somebody', because, opened_at FROM alert_calls", nil},
		{"INSERT INTO courier_parts (school, letter, attempt, n, provider, key, address) SELECT school, letter, n, 1, 'p', letter, 'x' FROM courier_attempts", nil},
		{"INSERT INTO alert_trips (school, id, day, sitting, sign, seen, most, at) VALUES (?, 't1', '2026-11-24', 'francais', 'hand', 5, 4, ?)", []any{school, at}},
		{"INSERT INTO alert_trips (school, id, day, sitting, sign, seen, most, at) VALUES (?, 't2', '2026-11-24', 'anglais', 'hand', 5, 4, ?)", []any{school, at}},
		{"INSERT INTO alert_requests (school, id, day, sitting, asked_by, asked_at, shown, drawn) VALUES (?, 'q1', '2026-11-24', 'francais', 'cpe', ?, 'x', 'lea')", []any{school, at}},
		{"INSERT INTO alert_requests (school, id, day, sitting, asked_by, asked_at, shown, drawn) VALUES (?, 'q2', '2026-11-24', 'anglais', 'cpe', ?, 'y', 'ewen')", []any{school, at}},
		{"INSERT INTO alert_corrections (school, id, half_day, sitting, by, at, pupils) VALUES (?, 'c1', '2026-11-24/am', 'francais', 'cpe', ?, 1)", []any{school, at}},
		{"INSERT INTO alert_corrections (school, id, half_day, sitting, by, at, pupils) VALUES (?, 'c2', '2026-11-24/am', 'anglais', 'cpe', ?, 1)", []any{school, at}},
		{"INSERT INTO alert_rehearsals (school, id, started_by, started_at) VALUES (?, 'h2', 'head', ?)", []any{school, at}},
	} {
		m.in(func(ctx context.Context, tx database.Tx) error {
			_, err := tx.NewRaw(one.query, one.args...).Exec(ctx)
			return err
		})
	}
}

// TestHeldAgainstSQL: what the breaker holds leaves after two persons ended its trip, whoever
// writes the SQL.
func TestHeldAgainstSQL(t *testing.T) {
	both(t, func(m *morning) {
		m.lettersWritten()
		m.in(func(ctx context.Context, tx database.Tx) error {
			for _, q := range []string{
				"INSERT INTO alert_trips (school, id, day, sitting, sign, seen, most, at) SELECT school, 't1', '2026-11-24', 'maths', 'hand', 5, 4, created_at FROM courier_letters LIMIT 1",
				"UPDATE courier_letters SET held_by = 'breaker/2026-11-24/maths'",
			} {
				if _, err := tx.NewRaw(q).Exec(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		for _, q := range []string{
			"UPDATE courier_letters SET held_by = ''",
			"UPDATE courier_letters SET held_by = 'breaker/2026-11-24/none'",
			"UPDATE courier_letters SET held_by = '', state = 'void'",
			"UPDATE courier_letters SET state = 'leaving', attempts = 1, leaving_at = created_at",
		} {
			if err := m.db.Statement(m.t.Context(), q); err == nil {
				m.t.Errorf("taken: %s", q)
			}
		}
		m.settle()
		m.want(nil, nil)
		m.in(func(ctx context.Context, tx database.Tx) error {
			for _, q := range []string{
				"INSERT INTO alert_requests (school, id, day, sitting, asked_by, asked_at, shown, drawn) SELECT school, 'q', day, sitting, 'cpe', at, 'x', '' FROM alert_trips",
				"UPDATE alert_requests SET outcome = 'released', ended_by = 'head', ended_at = asked_at",
				"UPDATE alert_trips SET ended_by = 'head', ended_at = at",
				"UPDATE courier_letters SET held_by = ''",
			} {
				if _, err := tx.NewRaw(q).Exec(ctx); err != nil {
					m.t.Errorf("%s: %v", q, err)
				}
			}
			return nil
		})
		m.settle()
		m.want(leaTold, nil)
	})
}
