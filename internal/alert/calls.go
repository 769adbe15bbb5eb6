package alert

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
)

// unknownMost is how long a letter's fate may be unknown before a person sees it as a
// family to telephone (sending.md F9).
const unknownMost = 2 * time.Minute

// openCall adds a telephone row, once per episode and adult. One that the program closed,
// because a message was to follow or the pupil came, is open again: whoever asks for it
// knows better.
func (a *Alert) openCall(ctx context.Context, tx database.Tx, e Episode, adult string, why Because, now time.Time) error {
	c := Call{School: e.School, ID: database.NewID(), Episode: e.ID, Pupil: e.Pupil, Adult: adult, Because: why, OpenedAt: database.Stamp(now)}
	res, err := tx.NewInsert().Model(&c).On("CONFLICT (school, episode, adult) DO NOTHING").Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		if err := tx.NewSelect().Model(&c).Where("c.school = ? AND c.episode = ? AND c.adult = ?", e.School, e.ID, adult).Scan(ctx); err != nil || c.Outcome != NotNeeded {
			return err
		}
		_, err := tx.NewUpdate().Model((*Call)(nil)).Set("outcome = '', closed_at = NULL, closed_by = ''").Where("c.school = ? AND c.id = ?", e.School, c.ID).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return a.journal.Append(ctx, tx, e.School, now, journal.Deed{Act: "call.opened", Actor: "alert", Subject: e.ID,
		Detail: map[string]string{"call": c.ID, "adult": adult, "because": string(why)}})
}

// telephoneAll opens a row for each person entitled to be told of an episode that no
// message may tell, or one without a name where nobody is.
func (a *Alert) telephoneAll(ctx context.Context, tx database.Tx, e Episode, why Because, now time.Time) error {
	recipients, not, err := directory.MayBeTold(ctx, tx, e.School, e.Pupil, now)
	if err != nil {
		return err
	}
	for _, r := range recipients {
		if err := a.openCall(ctx, tx, e, r.Person.ID, why, now); err != nil {
			return err
		}
	}
	if len(recipients) == 0 {
		if err := a.openCall(ctx, tx, e, "", NobodyToTell, now); err != nil {
			return err
		}
	}
	return a.journalStandings(ctx, tx, e.School, e, recipients, not, now)
}

// spareCalls closes the open rows of an episode whose pupil arrived. Who was told and
// said STOP since gets no message about the arrival: that row stays.
func (a *Alert) spareCalls(ctx context.Context, tx database.Tx, e Episode, now time.Time) error {
	_, err := tx.NewUpdate().Model((*Call)(nil)).Set("outcome = ?, closed_at = ?, closed_by = ?", NotNeeded, database.Stamp(now), "alert").
		Where("c.school = ? AND c.episode = ? AND c.outcome = '' AND (c.because <> ? OR c.adult NOT IN (?))", e.School, e.ID, Stopped,
			tx.NewSelect().TableExpr("alert_letters AS w").ColumnExpr("w.person").Where("w.school = ? AND w.episode = ?", e.School, e.ID)).Exec(ctx)
	return err
}

// CloseCall closes a telephone row by what a person answered. ErrClosed if it has an
// outcome already, ErrNotFound if there is no such row or outcome.
func (a *Alert) CloseCall(ctx context.Context, tx database.Tx, school, id string, outcome Outcome, by string, now time.Time) error {
	if !slices.Contains(Outcomes(), outcome) {
		return ErrNotFound
	}
	var c Call
	err := tx.NewSelect().Model(&c).Where("c.school = ? AND c.id = ?", school, id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	if c.Outcome != "" {
		return ErrClosed
	}
	_, err = tx.NewUpdate().Model((*Call)(nil)).Set("outcome = ?, closed_at = ?, closed_by = ?", outcome, database.Stamp(now), by).
		Where("c.school = ? AND c.id = ?", school, id).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "call.closed", Actor: by, Subject: c.Episode, Detail: map[string]string{"call": id, "outcome": string(outcome)}})
}

// waitingMost is how long a letter may wait for a carrier that cannot be reached before
// somebody telephones: the law says "immediately". It is long enough for a whole school's
// letters to leave one after the other.
const waitingMost = 5 * time.Minute

// troubled says why a letter's recipient must be telephoned, "" if they need not be.
func troubled(l courier.Letter, now time.Time) Because {
	switch {
	case l.State == courier.Refused:
		return RefusedBy
	case l.State == courier.Unheard:
		return Unheard
	case l.State == courier.Unsure && (!courier.MayTryAgain(l, now) || now.Sub(l.SettledAt) >= unknownMost):
		return Unsure
	case l.State == courier.Leaving && now.Sub(l.LeavingAt) >= unknownMost:
		return Unsure // its carrier has not answered: nobody knows
	case l.State == courier.Waiting && now.Sub(l.CreatedAt) >= waitingMost:
		return NotYet
	case l.State == courier.Void && l.Because == courier.BecauseExpired:
		return Lapsed
	case l.State == courier.Void && l.Because == courier.BecauseFenced:
		return Fenced
	case l.State == courier.Void && (l.Because == string(NotEntitled) || l.Because == courier.BecauseUnvouched):
		return NotEntitled // whoever is entitled and reached by nothing else: see callFamilies
	case l.State == courier.Void && l.Because == courier.BecauseNoCarrier:
		return NoCarrier
	case l.State == courier.Void && (l.Because == courier.BecauseGone || l.Because == courier.BecauseCap):
		return NoContact
	case l.State == courier.Void && l.Because == string(NotInService):
		return NotInService
	case l.State == courier.Void && l.Because == string(TooLate):
		return Lapsed
	}
	return ""
}

// callFamilies opens telephone rows for the letters of told episodes that did not, or
// may not have, reached anybody, and for those who were told of an absence and could not be
// told of its end.
func (a *Alert) callFamilies(ctx context.Context, id string) error {
	type need struct {
		e      Episode
		person string
		why    Because
	}
	var needs []need
	err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		var told []Episode
		err := tx.NewSelect().Model(&told).Where("e.school = ? AND (e.state = ? OR e.state = ? AND e.because IN (?)) AND e.first_at > ?", id, Told, Over, bun.List([]Because{Arrived, Corrected}),
			database.Stamp(a.now().Add(-24*time.Hour))).Scan(ctx)
		if err != nil || len(told) == 0 {
			return err
		}
		ids := make([]string, len(told))
		byID := map[string]Episode{}
		for i, e := range told {
			ids[i], byID[e.ID] = e.ID, e
		}
		letters, err := courier.StatesAbout(ctx, tx, id, ids)
		if err != nil {
			return err
		}
		calls, err := callsOf(ctx, tx, id, ids)
		if err != nil {
			return err
		}
		has := map[[2]string]bool{}
		for _, c := range calls {
			// The program's own word is not a person's. Who heard nothing, because the address
			// takes nothing, need not hear of the end.
			has[[2]string{c.Episode, c.Adult}] = c.Outcome != NotNeeded || c.Because == Bounced
		}
		kept, err := a.keptBack(ctx, tx, id, letters, byID)
		if err != nil {
			return err
		}
		for _, l := range letters {
			why, over := troubled(l, a.now()), byID[l.Ref].State == Over
			if kept[l.ID] {
				why = KeptBack
			}
			if why == "" || over != (l.Kind != courier.Absence) {
				continue
			}
			people := []string{l.Person}
			if over && (why == NotEntitled || l.Exercise) {
				continue // by a court's decision; or the family was told of nothing
			}
			if over {
				why = Uncorrected
			}
			if why == NotEntitled || why == KeptBack {
				if people, err = a.reachedByNothing(ctx, tx, byID[l.Ref], letters); err != nil {
					return err
				}
				if why == NotEntitled {
					why = NoContact
				}
			}
			for _, person := range people {
				if !has[[2]string{l.Ref, person}] {
					has[[2]string{l.Ref, person}] = true
					needs = append(needs, need{byID[l.Ref], person, why})
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range needs {
		if err := a.inSchool(ctx, id, func(ctx context.Context, tx database.Tx, _ school, now time.Time) error {
			return a.openCall(ctx, tx, n.e, n.person, n.why, now)
		}); err != nil {
			return err
		}
	}
	return nil
}

// keptBack gives the letters of told episodes that are void because their pupil was known
// to be elsewhere, in the building or seen, where that is no longer so: what was said is
// taken back, or the pupil was missed again since. That the time of a statement ends says
// nothing by itself: a pupil who is at the dentist's until noon is not missed at noon.
func (a *Alert) keptBack(ctx context.Context, tx database.Tx, id string, letters []courier.Letter, byID map[string]Episode) (map[string]bool, error) {
	out := map[string]bool{}
	var s school
	for _, l := range letters {
		e := byID[l.Ref]
		if l.Kind != courier.Absence || l.State != courier.Void || e.State != Told || troubled(l, a.now()) != "" {
			continue
		}
		if s.zone == nil {
			var err error
			if s, err = loadSchool(ctx, tx, id); err != nil {
				return nil, err
			}
		}
		absent := func(at time.Time) (is bool, err error) {
			err = lookAgain(ctx, tx, s, []Episode{e}, at, func(_ Episode, v Verdict, _ Because) { is = v != Withdraw })
			return is, err
		}
		now, err := absent(a.now())
		if err != nil || !now {
			if err != nil {
				return nil, err
			}
			continue
		}
		if out[l.ID], err = absent(l.SettledAt); err != nil {
			return nil, err
		}
		marks, err := attendance.OfPupil(ctx, tx, id, e.Pupil, e.day())
		if err != nil {
			return nil, err
		}
		for _, k := range marks {
			if !out[l.ID] && k.Value == attendance.Absent && k.KnownAt().After(l.SettledAt) {
				if out[l.ID], err = absent(k.KnownAt()); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// reachedByNothing lists who may be told of an episode now and whom no letter reached or
// may still reach: a letter to an address that two people share may have been kept back
// because of one of them.
func (a *Alert) reachedByNothing(ctx context.Context, tx database.Tx, e Episode, letters []courier.Letter) ([]string, error) {
	told, _, err := directory.MayBeTold(ctx, tx, e.School, e.Pupil, a.now())
	if err != nil {
		return nil, err
	}
	hopeful := map[string]bool{} // people and addresses
	for _, l := range letters {
		if l.Ref != e.ID || l.Kind != courier.Absence || !(l.State.MayHaveLeft() || l.State == courier.Waiting || l.State == courier.Leaving) {
			continue
		}
		p, err := directory.PointByID(ctx, tx, e.School, l.Contact)
		if err != nil {
			return nil, err
		}
		hopeful[l.Person], hopeful[p.Address] = true, true
	}
	var out []string
	for _, r := range told {
		shared := slices.ContainsFunc(r.Points, func(p directory.ContactPoint) bool { return hopeful[p.Address] })
		if !hopeful[r.Person.ID] && !shared {
			out = append(out, r.Person.ID)
		}
	}
	return out, nil
}
