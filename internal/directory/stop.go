package directory

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// ErrNote: whoever begins to write again to somebody who said STOP says why.
var ErrNote = page.Invalid("note", "directory.point.resume.wrong", "n", maxNote)

// maxNote is the longest note of why a contact point begins again, in characters.
const maxNote = 120

// StopAddress stops every contact point of a school that has a channel and address: its
// owner said STOP, or it takes nothing more. It gives those that were not stopped
// before and have not ended. A stopped point stays so whatever a file says, and another
// person's point of the same address begins stopped: see [Hand.ResumePoint].
func StopAddress(ctx context.Context, tx database.Tx, school string, channel Channel, address, why string, now time.Time) ([]ContactPoint, error) {
	all, err := PointsWith(ctx, tx, school, channel, address)
	if err != nil {
		return nil, err
	}
	var stopped []ContactPoint
	for _, p := range all {
		if !p.StoppedAt.IsZero() {
			continue
		}
		p.StoppedAt, p.StoppedWhy = database.Stamp(now), why
		if _, err := tx.NewUpdate().Model(&p).Column("stopped_at", "stopped_why").WherePK().Exec(ctx); err != nil {
			return nil, err
		}
		if p.EndedAt.IsZero() {
			stopped = append(stopped, p)
		}
	}
	return stopped, nil
}

// Stopped keeps in the journal that contact points were stopped, and asks the office,
// once a person, to find another way to tell them.
func (h Hand) Stopped(ctx context.Context, tx database.Tx, school string, points []ContactPoint, why string) error {
	for _, p := range points {
		if err := h.note(ctx, tx, school, "point.stopped", p.Person, map[string]string{"point": p.ID, "channel": string(p.Channel), "why": why}); err != nil {
			return err
		}
		kind := TaskMailBounced
		if p.Channel == SMS {
			kind = TaskSMSStopped
		}
		open, err := tx.NewSelect().Model((*Task)(nil)).Where("t.school = ? AND t.person = ? AND t.kind = ? AND t.closed_at IS NULL", school, p.Person, kind).Exists(ctx)
		if err != nil {
			return err
		}
		if open {
			continue
		}
		if err := h.openTask(ctx, tx, school, kind, p.Person); err != nil {
			return err
		}
	}
	return nil
}

// ResumePoint writes again to a stopped contact point, and to everybody else's of the
// same address, because somebody asked for it: note says who and when. ErrNote.
func (h Hand) ResumePoint(ctx context.Context, tx database.Tx, school, pupil, point, note string) error {
	p, err := h.pointBeside(ctx, tx, school, pupil, point)
	if err != nil {
		return err
	}
	note = strings.Join(strings.Fields(note), " ")
	if n := utf8.RuneCountInString(note); n == 0 || n > maxNote || !utf8.ValidString(note) || strings.ContainsFunc(note, unicode.IsControl) {
		return ErrNote
	}
	if p.StoppedAt.IsZero() {
		return nil
	}
	same, err := PointsWith(ctx, tx, school, p.Channel, p.Address)
	if err != nil {
		return err
	}
	for _, one := range same {
		if one.StoppedAt.IsZero() {
			continue
		}
		one.StoppedAt, one.StoppedWhy = time.Time{}, note
		if _, err := tx.NewUpdate().Model(&one).Column("stopped_at", "stopped_why").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := h.note(ctx, tx, school, "point.resumed", one.Person, map[string]string{"point": one.ID, "channel": string(one.Channel), "pupil": pupil}); err != nil {
			return err
		}
	}
	return nil
}
