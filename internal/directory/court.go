package directory

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// Refusals about a court's decisions, objections and tasks.
var (
	ErrReference = page.Invalid("reference", "directory.reference.wrong", "n", maxReference)
	ErrFrom      = page.Invalid("from", "directory.decision.from.wrong")
	ErrUntil     = page.Invalid("until", "directory.decision.until.wrong")
	ErrNotOfAge  = page.Conflict("directory.objection.minor")
	ErrForHead   = page.Forbidden("directory.task.forhead")
)

// maxReference is the longest reference of a document, in characters: its number and
// court, never what it says.
const maxReference = 80

// NewDecision is a court's decision as typed in.
type NewDecision struct {
	ID        string // made by the form: pressed twice, it is one decision
	Reference string
	FromOn    string // YYYY-MM-DD
	UntilOn   string // last day; empty: until lifted
}

// RecordDecision keeps a court's decision that an adult is told nothing of a pupil.
// From that day on it wins over every file and choice. The journal gets its id, never
// its words. ErrReference, ErrFrom, ErrUntil.
func (h Hand) RecordDecision(ctx context.Context, tx database.Tx, school, pupil, adult string, n NewDecision) error {
	if adult == pupil {
		return ErrNotFound
	}
	if _, err := beside(ctx, tx, school, pupil, adult); err != nil {
		return err
	}
	n.Reference = strings.Join(strings.Fields(n.Reference), " ")
	switch {
	case !madeID(n.ID):
		return errForm
	case !goodReference(n.Reference):
		return ErrReference
	case !goodDay(n.FromOn):
		return ErrFrom
	case n.UntilOn != "" && (!goodDay(n.UntilOn) || n.UntilOn < n.FromOn):
		return ErrUntil
	}
	if old, err := decisionByID(ctx, tx, school, n.ID); err == nil {
		if old.Pupil != pupil || old.Adult != adult {
			return errForm
		}
		return nil
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	d := Decision{School: school, ID: n.ID, Pupil: pupil, Adult: adult, Reference: n.Reference, FromOn: n.FromOn, UntilOn: n.UntilOn,
		RecordedBy: h.By, RecordedAt: database.Stamp(h.Now)}
	if err := Add(ctx, tx, Batch{Decisions: []Decision{d}}); err != nil {
		return err
	}
	return h.note(ctx, tx, school, "decision.recorded", pupil, map[string]string{"decision": d.ID, "adult": adult, "from": d.FromOn, "until": d.UntilOn})
}

// LiftDecision ends a court's decision of this pupil: the adult is told again, as
// before it.
func (h Hand) LiftDecision(ctx context.Context, tx database.Tx, school, pupil, id string) error {
	d, err := decisionByID(ctx, tx, school, id)
	switch {
	case err != nil:
		return err
	case d.Pupil != pupil:
		return ErrNotFound
	case !d.LiftedAt.IsZero():
		return nil
	}
	d.LiftedBy, d.LiftedAt = h.By, database.Stamp(h.Now)
	if _, err := tx.NewUpdate().Model(&d).Column("lifted_by", "lifted_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	return h.note(ctx, tx, school, "decision.lifted", pupil, map[string]string{"decision": d.ID, "adult": d.Adult})
}

func decisionByID(ctx context.Context, tx database.Tx, school, id string) (Decision, error) {
	d := Decision{School: school, ID: id}
	err := tx.NewSelect().Model(&d).WherePK().Scan(ctx)
	return d, found(err)
}

// RecordObjection keeps that a pupil of age wrote that the parents are no longer to be
// told, and gives the head a task. ErrNotOfAge, ErrReference. One that stands already
// stays as it is.
func (h Hand) RecordObjection(ctx context.Context, tx database.Tx, s School, pupil, reference string) error {
	p, err := PersonByID(ctx, tx, s.ID, pupil)
	if err != nil {
		return err
	}
	day, err := dayIn(s, h.Now)
	if err != nil {
		return err
	}
	reference = strings.Join(strings.Fields(reference), " ")
	switch {
	case p.Kind != KindPupil:
		return ErrNotFound
	case !OfAge(p.Born, day):
		return ErrNotOfAge
	case !goodReference(reference):
		return ErrReference
	}
	stands, err := tx.NewSelect().Model((*Objection)(nil)).Where("o.school = ? AND o.pupil = ? AND o.withdrawn_at IS NULL", s.ID, pupil).Exists(ctx)
	if err != nil || stands {
		return err
	}
	o := Objection{School: s.ID, ID: database.NewID(), Pupil: pupil, Reference: reference, RecordedBy: h.By, RecordedAt: database.Stamp(h.Now)}
	if err := Add(ctx, tx, Batch{Objections: []Objection{o}}); err != nil {
		return err
	}
	if err := h.note(ctx, tx, s.ID, "objection.recorded", pupil, map[string]string{"objection": o.ID}); err != nil {
		return err
	}
	return h.openTask(ctx, tx, s.ID, TaskObjection, pupil)
}

// WithdrawObjection ends an objection: the parents are told again. The head's task is
// done with it.
func (h Hand) WithdrawObjection(ctx context.Context, tx database.Tx, school, pupil, id string) error {
	o := Objection{School: school, ID: id}
	err := found(tx.NewSelect().Model(&o).WherePK().Scan(ctx))
	switch {
	case err != nil:
		return err
	case o.Pupil != pupil:
		return ErrNotFound
	case !o.WithdrawnAt.IsZero():
		return nil
	}
	o.WithdrawnAt = database.Stamp(h.Now)
	if _, err := tx.NewUpdate().Model(&o).Column("withdrawn_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	if err := h.note(ctx, tx, school, "objection.withdrawn", pupil, map[string]string{"objection": o.ID}); err != nil {
		return err
	}
	open, err := tasksOf(ctx, tx, school, []string{pupil})
	if err != nil {
		return err
	}
	for _, t := range open {
		if t.Kind != TaskObjection {
			continue
		}
		if err := h.closeTask(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// CloseTask says that a task is settled, and why where its kind asks for it. ErrForHead: an objection is the head's to talk
// about with the pupil.
func (h Hand) CloseTask(ctx context.Context, tx database.Tx, school, id string, role page.Role, reason string) error {
	reason = strings.TrimSpace(reason)
	t := Task{School: school, ID: id}
	err := found(tx.NewSelect().Model(&t).WherePK().Scan(ctx))
	switch {
	case err != nil:
		return err
	case t.Kind == TaskObjection && role != page.Head:
		return ErrForHead
	case NeedsReason(t.Kind) && !goodReference(reason):
		return errReason
	case !t.ClosedAt.IsZero():
		return nil
	}
	if NeedsReason(t.Kind) {
		t.Reason = reason
	}
	return h.closeTask(ctx, tx, t)
}

func goodDay(s string) bool {
	t, err := time.Parse(time.DateOnly, s)
	return err == nil && t.Year() >= 1990 && t.Year() <= 2100
}

func goodReference(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxReference &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
