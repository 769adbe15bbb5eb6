package attendance

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
)

// StateAll records the statements of one announced absence, whose name is in each. Whoever
// announces it writes the journal's line, which names it. ErrReason, ErrSpan.
func StateAll(ctx context.Context, tx database.Tx, now time.Time, statements []Statement) error {
	return stateAll(ctx, tx, now, slices.Clone(statements))
}

func stateAll(ctx context.Context, tx database.Tx, now time.Time, statements []Statement) error {
	for i := range statements {
		s := &statements[i]
		switch {
		case !slices.Contains(Reasons(s.Says), s.Reason):
			return ErrReason
		case !s.UntilAt.After(s.FromAt) || s.UntilAt.Sub(s.FromAt) > longestStatement:
			return ErrSpan
		}
		s.ID, s.At = database.NewID(), database.Stamp(now)
		s.FromAt, s.UntilAt = database.Stamp(s.FromAt), database.Stamp(s.UntilAt)
	}
	for part := range slices.Chunk(statements, 500) {
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// WithdrawPlan takes back every statement of an announced absence.
func WithdrawPlan(ctx context.Context, tx database.Tx, now time.Time, school, plan string) error {
	_, err := tx.NewUpdate().Model((*Statement)(nil)).Set("withdrawn_at = ?", database.Stamp(now)).
		Where("school = ? AND plan = ? AND plan <> '' AND withdrawn_at IS NULL", school, plan).Exec(ctx)
	return err
}

// End ends a statement now: the pupil has left the infirmary. What it said until then stays
// true. What is over already, or withdrawn, stays so. ErrNotFound.
func End(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, school, id, by string) error {
	s := Statement{School: school, ID: id}
	err := tx.NewSelect().Model(&s).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	now = database.Stamp(now)
	switch {
	case err != nil || !s.WithdrawnAt.IsZero() || !s.UntilAt.After(now):
		return err
	case !now.After(s.FromAt):
		return Withdraw(ctx, tx, j, now, school, id, by)
	}
	_, err = tx.NewUpdate().Model((*Statement)(nil)).Set("until_at = ?", now).Where("school = ? AND id = ?", school, id).Exec(ctx)
	if err != nil {
		return err
	}
	return j.Append(ctx, tx, school, now, journal.Deed{Act: "statement-ended", Actor: by, Subject: s.Pupil, Detail: map[string]string{"id": id}})
}

// Statements lists what was stated of pupils and holds at a moment.
func Statements(ctx context.Context, tx database.Tx, school string, pupils []string, at time.Time) (map[string][]Statement, error) {
	return StatementsIn(ctx, tx, school, pupils, at, at.Add(time.Microsecond))
}

// StatementsIn lists what was stated of pupils and holds at some moment of a span, in the
// order in which it was said.
func StatementsIn(ctx context.Context, tx database.Tx, school string, pupils []string, from, until time.Time) (map[string][]Statement, error) {
	out := map[string][]Statement{}
	for part := range slices.Chunk(pupils, 500) {
		var rows []Statement
		err := tx.NewSelect().Model(&rows).Where("st.school = ? AND st.pupil IN (?) AND st.until_at > ? AND st.from_at < ? AND st.withdrawn_at IS NULL",
			school, bun.List(part), database.Stamp(from), database.Stamp(until)).OrderExpr("st.at, st.id").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range rows {
			out[s.Pupil] = append(out[s.Pupil], s)
		}
	}
	return out, nil
}

// StatedInside lists what says at a moment that a pupil of the school is in the building, the
// last said first.
func StatedInside(ctx context.Context, tx database.Tx, school string, at time.Time) ([]Statement, error) {
	var rows []Statement
	err := tx.NewSelect().Model(&rows).Where("st.school = ? AND st.says = ? AND st.until_at > ? AND st.from_at <= ? AND st.withdrawn_at IS NULL",
		school, Inside, database.Stamp(at), database.Stamp(at)).OrderExpr("st.at DESC, st.id").Scan(ctx)
	return rows, err
}
