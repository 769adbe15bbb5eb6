package courier

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

// ByReference reads a letter of a school by its id or by the reference that its reader
// has before them; ErrNotFound.
func ByReference(ctx context.Context, tx database.Tx, school, reference string) (Letter, error) {
	return oneLetter(ctx, tx, "l.school = ? AND (l.id = ? OR l.code = ?)", school, reference, Reference(reference))
}

// ByCode reads a letter of any school by the reference that its reader has before them;
// ErrNotFound.
func ByCode(ctx context.Context, tx database.Tx, code string) (Letter, error) {
	return oneLetter(ctx, tx, "l.code = ?", code)
}

// Exists tells whether there is a letter of a kind about a subject.
func Exists(ctx context.Context, tx database.Tx, school string, kind Kind, ref string) (bool, error) {
	return tx.NewSelect().Model((*Letter)(nil)).Where("l.school = ? AND l.kind = ? AND l.ref = ?", school, kind, ref).Exists(ctx)
}

// AboutTo lists the letters of subjects that are addressed to one person, oldest first:
// what this person may have got, so no exercise.
func AboutTo(ctx context.Context, tx database.Tx, school string, refs []string, person string) ([]Letter, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var rows []Letter
	err := tx.NewSelect().Model(&rows).Where("l.school = ? AND l.ref IN (?) AND l.person = ? AND NOT l.exercise", school, bun.List(refs), person).
		Order("created_at", "id").Scan(ctx)
	return rows, err
}

// HeldRefs lists the subjects whose letters are held in the name of something that begins
// so; see Courier.Hold.
func HeldRefs(ctx context.Context, tx database.Tx, school, by string) ([]string, error) {
	var refs []string
	err := tx.NewSelect().TableExpr("courier_letters AS l").ColumnExpr("DISTINCT l.ref").
		Where("l.school = ? AND l.held_by <> '' AND substr(l.held_by, 1, ?) = ? AND l.state IN (?)", school, len(by), by, bun.List([]State{Waiting, Unsure})).Scan(ctx, &refs)
	return refs, err
}

// StatesAbout lists the letters of subjects, oldest first, without their words and
// digests: what a list of many needs.
func StatesAbout(ctx context.Context, tx database.Tx, school string, refs []string) ([]Letter, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var rows []Letter
	err := tx.NewSelect().Model(&rows).
		Column("school", "id", "code", "kind", "ref", "pupil", "person", "contact", "channel", "lang", "exercise", "state", "because", "attempts", "created_at", "expires_at", "leaving_at", "settled_at").
		Where("l.school = ? AND l.ref IN (?)", school, bun.List(refs)).Order("created_at", "id").Scan(ctx)
	return rows, err
}

// AtRest tells whether nothing is left to be done now about any letter: none is leaving,
// and what waits waits for its time, for a stop to be lifted or for what holds it.
func (c *Courier) AtRest(ctx context.Context, tx database.Tx) (bool, error) {
	now := c.now()
	var rows []struct {
		School string
		State  State
		Kind   Kind
	}
	err := tx.NewSelect().Model((*Letter)(nil)).ColumnExpr("DISTINCT l.school, l.state, l.kind").
		Where("l.state = ? OR (l.state = ? AND l.due_at <= ? AND l.held_by = '')", Leaving, Waiting, database.Stamp(now)).Scan(ctx, &rows)
	for _, r := range rows {
		if r.State == Leaving {
			return false, err
		}
		doors, e := readDoors(ctx, tx, r.School)
		if e != nil {
			return false, e
		}
		if !(doors.stopped || c.pausing(now)) || !r.Kind.Stoppable() {
			return false, err
		}
	}
	return err == nil, err
}
