package register

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// Read reads the half-days that pupils of a school missed, from a first day to a last one. nil
// pupils: of the whole school.
func Read(ctx context.Context, tx database.Tx, school directory.School, zone *time.Location, from, until string, pupils []string) ([]HalfDay, error) {
	marks, err := attendance.Missed(ctx, tx, school.ID, from, until, pupils)
	if err != nil || len(marks) == 0 {
		return nil, err
	}
	var about, sittings []string
	for _, k := range marks {
		about, sittings = append(about, k.Pupil), append(sittings, k.Sitting)
	}
	about, sittings = unique(about), unique(sittings)
	f := Facts{Region: school.Region, Zone: zone, Marks: marks}
	if f.Sittings, err = timetable.Some(ctx, tx, school.ID, sittings); err != nil {
		return nil, err
	}
	first, _, err := timetable.HalfDaySpan(from+"/am", zone)
	if err != nil {
		return nil, ErrHalf
	}
	_, last, err := timetable.HalfDaySpan(until+"/pm", zone)
	if err != nil {
		return nil, ErrHalf
	}
	if f.Statements, err = attendance.StatementsIn(ctx, tx, school.ID, about, first, last); err != nil {
		return nil, err
	}
	if f.Given, err = givenOf(ctx, tx, school.ID, about, from+"/am", until+"/pm"); err != nil {
		return nil, err
	}
	if f.Sent, err = sentOf(ctx, tx, school.ID, about); err != nil {
		return nil, err
	}
	return HalfDays(f), nil
}

func unique(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

func givenOf(ctx context.Context, tx database.Tx, school string, pupils []string, from, until string) (map[string]Given, error) {
	out := map[string]Given{}
	for part := range slices.Chunk(pupils, 500) {
		var rows []Given
		err := tx.NewSelect().Model(&rows).Where("r.school = ? AND r.pupil IN (?) AND r.half >= ? AND r.half <= ?", school, bun.List(part), from, until).Order("r.n").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, g := range rows {
			out[key(g.Pupil, g.Half)] = g
		}
	}
	return out, nil
}

func sentOf(ctx context.Context, tx database.Tx, school string, pupils []string) (map[string][]Justification, error) {
	out := map[string][]Justification{}
	for part := range slices.Chunk(pupils, 500) {
		var rows []Justification
		err := tx.NewSelect().Model(&rows).Where("j.school = ? AND j.pupil IN (?) AND j.state = 'sent'", school, bun.List(part)).Order("j.at").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, j := range rows {
			out[j.Pupil] = append(out[j.Pupil], j)
		}
	}
	return out, nil
}

// Give says why a pupil missed some half-days. Nothing else changes, and nobody is told.
// ErrReason, ErrHalf.
func Give(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, school directory.School, pupil string, halves []string, reason, by string) error {
	if _, ok := reasonOf(school.Region, reason); !ok {
		return ErrReason
	}
	if len(halves) == 0 {
		return ErrHalf
	}
	for _, h := range halves {
		if _, _, err := readHalf(h); err != nil {
			return err
		}
	}
	if err := give(ctx, tx, now, school.ID, pupil, halves, reason, "", by); err != nil {
		return err
	}
	return j.Append(ctx, tx, school.ID, now, journal.Deed{Act: "reason", Actor: by, Subject: pupil,
		Detail: map[string]string{"reason": reason, "from": slices.Min(halves), "until": slices.Max(halves), "halves": strconv.Itoa(len(halves))}})
}

func give(ctx context.Context, tx database.Tx, now time.Time, school, pupil string, halves []string, reason, justification, by string) error {
	halves = unique(slices.Clone(halves))
	before, err := givenOf(ctx, tx, school, []string{pupil}, halves[0], halves[len(halves)-1])
	if err != nil {
		return err
	}
	rows := make([]Given, len(halves))
	for i, h := range halves {
		rows[i] = Given{School: school, Pupil: pupil, Half: h, N: before[key(pupil, h)].N + 1, Reason: reason, Justification: justification, By: by, At: database.Stamp(now)}
	}
	_, err = tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// mostSent is how many justifications of one child one guardian may have waiting.
const mostSent = 20

// Send keeps what a guardian says. doc is the kept document's; its zero value: none.
// ErrReason, ErrHalf, ErrMany.
func Send(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, region string, zone *time.Location, w Justification, doc Document) (Justification, error) {
	r, ok := reasonOf(region, w.Reason)
	if !ok || !r.Family {
		return w, ErrReason
	}
	if _, err := span(w.FromHalf, w.UntilHalf); err != nil {
		return w, err
	}
	day := timetable.Day(now, zone)
	if w.FromHalf < yearFrom(day) || w.UntilHalf > timetable.Day(now.AddDate(0, 0, longestJustified), zone)+"/pm" {
		return w, ErrHalf
	}
	waiting, err := sentOf(ctx, tx, w.School, []string{w.Pupil})
	if err != nil {
		return w, err
	}
	if len(waiting[w.Pupil]) >= mostSent {
		return w, ErrMany
	}
	w.ID, w.Media, w.Size, w.Digest = doc.ID, doc.Media, doc.Size, doc.Digest
	if w.ID == "" {
		w.ID = database.NewID()
	}
	w.State, w.At = Sent, database.Stamp(now)
	if _, err := tx.NewInsert().Model(&w).Exec(ctx); err != nil {
		return w, err
	}
	return w, j.Append(ctx, tx, w.School, now, journal.Deed{Act: "justification", Actor: w.By, Subject: w.Pupil,
		Detail: map[string]string{"id": w.ID, "person": w.Person, "from": w.FromHalf, "until": w.UntilHalf, "reason": w.Reason, "document": w.Digest}})
}

// ByID reads a justification; ErrNotFound.
func ByID(ctx context.Context, tx database.Tx, school, id string) (Justification, error) {
	j := Justification{School: school, ID: id}
	err := tx.NewSelect().Model(&j).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return j, ErrNotFound
	}
	return j, err
}

// Settle accepts a justification, with the reason that the school takes (empty: the guardian's
// own), or refuses it. ErrSettled, ErrReason, ErrNotFound.
func Settle(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, school directory.School, id string, to JustificationState, reason, refusal, by string) (Justification, error) {
	w, err := ByID(ctx, tx, school.ID, id)
	if err != nil {
		return w, err
	}
	switch {
	case to != Accepted && to != Refused, (to == Refused) != (refusal != ""), refusal != "" && !slices.Contains(Refusals(), refusal):
		return w, ErrReason
	case w.State != Sent:
		return w, ErrSettled
	}
	if reason == "" {
		reason = w.Reason
		if r, _ := reasonOf(school.Region, reason); to == Accepted && !r.Legitimate {
			reason = "admitted" // what is accepted is admitted
		}
	}
	if _, ok := reasonOf(school.Region, reason); !ok {
		return w, ErrReason
	}
	w.State, w.Refusal, w.SettledBy, w.SettledAt = to, refusal, by, database.Stamp(now)
	if _, err := tx.NewUpdate().Model(&w).Column("state", "refusal", "settled_by", "settled_at").WherePK().Exec(ctx); err != nil {
		return w, err
	}
	if to == Accepted {
		halves, err := span(w.FromHalf, w.UntilHalf)
		if err != nil {
			return w, err
		}
		if err := give(ctx, tx, now, school.ID, w.Pupil, halves, reason, w.ID, by); err != nil {
			return w, err
		}
	}
	return w, j.Append(ctx, tx, school.ID, now, journal.Deed{Act: "justification." + string(to), Actor: by, Subject: w.Pupil,
		Detail: map[string]string{"id": id, "reason": reason, "refusal": refusal}})
}

// waiting lists the justifications of a school that somebody must examine, the oldest first.
func waiting(ctx context.Context, tx database.Tx, school string) ([]Justification, error) {
	var rows []Justification
	err := tx.NewSelect().Model(&rows).Where("j.school = ? AND j.state = 'sent'", school).Order("j.at", "j.id").Limit(200).Scan(ctx)
	return rows, err
}

// ofPupil lists the justifications about a pupil since a day, the last first; person: only
// that guardian's.
func ofPupil(ctx context.Context, tx database.Tx, school, pupil, person, since string) ([]Justification, error) {
	var rows []Justification
	q := tx.NewSelect().Model(&rows).Where("j.school = ? AND j.pupil = ? AND j.until_half >= ?", school, pupil, since).Order("j.from_half DESC", "j.at DESC").Limit(100)
	if person != "" {
		q = q.Where("j.person = ?", person)
	}
	return rows, q.Scan(ctx)
}
