package whereabouts

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

type planPupil struct {
	bun.BaseModel `bun:"table:whereabouts_plan_pupils,alias:pp"`
	School        string `bun:",pk"`
	Plan          string `bun:",pk"`
	Pupil         string `bun:",pk"`
}

// Announce keeps a plan about some pupils, and states each of its times. Pupils who are not of
// the school, or left it before it ends, are ErrNotFound. ErrWhen, ErrReason, ErrNobody, ErrMany.
func Announce(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, zone *time.Location, p Plan, pupils []string) (Plan, error) {
	pupils = slices.Clone(pupils)
	slices.Sort(pupils)
	pupils = slices.Compact(pupils)
	if len(pupils) == 0 {
		return p, ErrNobody
	}
	if err := p.Check(now, zone); err != nil {
		return p, err
	}
	times := p.Occurrences(zone)
	switch {
	case len(times) == 0:
		return p, ErrWhen
	case len(times)*len(pupils) > mostTimes:
		return p, ErrMany
	}
	people, err := directory.Names(ctx, tx, p.School, pupils)
	if err != nil {
		return p, err
	}
	today := timetable.Day(now, zone)
	for _, id := range pupils {
		if who, ok := people[id]; !ok || who.Kind != directory.KindPupil || who.LeftOn != "" && who.LeftOn <= min(today, p.FromOn) {
			return p, ErrNotFound
		}
	}
	p.ID, p.At, p.Pupils = database.NewID(), database.Stamp(now), len(pupils)
	p.EndsAt = database.Stamp(times[len(times)-1].Until)
	p.State = Noted
	if p.Claimant != "" {
		p.State = Claimed
	}
	if _, err := tx.NewInsert().Model(&p).Exec(ctx); err != nil {
		return p, err
	}
	rows := make([]planPupil, len(pupils))
	var statements []attendance.Statement
	for i, id := range pupils {
		rows[i] = planPupil{School: p.School, Plan: p.ID, Pupil: id}
		for _, t := range times {
			statements = append(statements, attendance.Statement{School: p.School, Pupil: id, Says: attendance.Elsewhere, Reason: p.Reason,
				FromAt: t.From, UntilAt: t.Until, By: p.By, Plan: p.ID, Claimant: p.Claimant})
		}
	}
	for part := range slices.Chunk(rows, 500) {
		if _, err := tx.NewInsert().Model(&part).Exec(ctx); err != nil {
			return p, err
		}
	}
	if err := attendance.StateAll(ctx, tx, now, statements); err != nil {
		return p, err
	}
	return p, j.Append(ctx, tx, p.School, now, journal.Deed{Act: "plan", Actor: p.By, Subject: p.ID, Detail: map[string]string{
		"reason": p.Reason, "via": string(p.Via), "from": p.FromOn + " " + p.FromHour, "until": p.UntilOn + " " + p.UntilHour, "weekdays": p.Weekdays,
		"claimant": p.Claimant, "pupil": one(pupils), "pupils": strconv.Itoa(len(pupils)), "times": strconv.Itoa(len(times))}})
}

func one(pupils []string) string {
	if len(pupils) == 1 {
		return pupils[0]
	}
	return ""
}

// ByID reads a plan; ErrNotFound.
func ByID(ctx context.Context, tx database.Tx, school, id string) (Plan, error) {
	p := Plan{School: school, ID: id}
	err := tx.NewSelect().Model(&p).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return p, ErrNotFound
	}
	return p, err
}

// Settle moves a plan on: a claim is accepted or refused, a plan that holds is withdrawn.
// What no longer holds is no longer stated. The same again is no change. ErrSettled, ErrReason,
// ErrNotFound.
func Settle(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, school, id string, to State, refusal, by string) error {
	p, err := ByID(ctx, tx, school, id)
	if err != nil {
		return err
	}
	switch {
	case (to == Refused) != (refusal != "") || refusal != "" && !slices.Contains(Refusals(), refusal):
		return ErrReason
	case p.State == to && p.Refusal == refusal:
		return nil
	case !p.Holds(),
		to == Accepted && p.State != Claimed,
		to == Refused && p.Claimant == "",
		to != Accepted && to != Refused && to != Withdrawn:
		return ErrSettled
	}
	_, err = tx.NewUpdate().Model((*Plan)(nil)).Set("state = ?, refusal = ?, settled_by = ?, settled_at = ?", to, refusal, by, database.Stamp(now)).
		Where("school = ? AND id = ?", school, id).Exec(ctx)
	if err != nil {
		return err
	}
	if to != Accepted {
		if err := attendance.WithdrawPlan(ctx, tx, now, school, id); err != nil {
			return err
		}
	}
	return j.Append(ctx, tx, school, now, journal.Deed{Act: "plan." + string(to), Actor: by, Subject: id, Detail: map[string]string{"refusal": refusal}})
}

// Listed is a plan with whom it is about, for a page.
type Listed struct {
	Plan
	Who      []directory.Person // a few of them, by name
	Class    string             // of a plan about one pupil, or of the class that was picked
	By       string             // who announced it: a name; empty: not known
	Claimant directory.Person   // zero: none
}

// whoShown is how many pupils a plan names on a page.
const whoShown = 4

// notOver lists a school's plans that are not over, and those that a family claimed lately and
// nobody settled: by their beginning.
func notOver(ctx context.Context, tx database.Tx, school string, now time.Time) ([]Plan, error) {
	var rows []Plan
	err := tx.NewSelect().Model(&rows).Where("p.school = ?", school).
		Where("(p.ends_at > ? AND p.state IN ('noted', 'claimed', 'accepted')) OR (p.state = 'claimed' AND p.ends_at > ?)", database.Stamp(now), database.Stamp(now.AddDate(0, 0, -claimsBack))).
		OrderExpr("p.from_on, p.from_hour, p.at, p.id").Limit(mostListed).Scan(ctx)
	return rows, err
}

// mostListed is how many plans one page reads.
const mostListed = 300

// ofPupil lists the plans about a pupil, the last made first; claimant: only that person's.
func ofPupil(ctx context.Context, tx database.Tx, school, pupil, claimant string) ([]Plan, error) {
	var rows []Plan
	q := tx.NewSelect().Model(&rows).Join("JOIN whereabouts_plan_pupils AS pp ON pp.school = p.school AND pp.plan = p.id").
		Where("p.school = ? AND pp.pupil = ?", school, pupil).OrderExpr("p.at DESC, p.id").Limit(50)
	if claimant != "" {
		q = q.Where("p.claimant = ?", claimant)
	}
	err := q.Scan(ctx)
	return rows, err
}

// pupilsOf lists the pupils of plans, by plan.
func pupilsOf(ctx context.Context, tx database.Tx, school string, plans []Plan) (map[string][]string, error) {
	out := map[string][]string{}
	ids := make([]string, len(plans))
	for i, p := range plans {
		ids[i] = p.ID
	}
	for part := range slices.Chunk(ids, 500) {
		var rows []planPupil
		err := tx.NewSelect().Model(&rows).Where("pp.school = ? AND pp.plan IN (?)", school, bun.List(part)).Order("pp.plan", "pp.pupil").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.Plan] = append(out[r.Plan], r.Pupil)
		}
	}
	return out, nil
}

// listed puts names to plans.
func listed(ctx context.Context, tx database.Tx, school, day string, plans []Plan, names func(context.Context, database.Tx, string, []string) (map[string]string, error)) ([]Listed, error) {
	about, err := pupilsOf(ctx, tx, school, plans)
	if err != nil {
		return nil, err
	}
	var people, accounts []string
	for _, p := range plans {
		people = append(people, about[p.ID]...)
		if p.Claimant != "" {
			people = append(people, p.Claimant)
		}
		accounts = append(accounts, p.By)
	}
	slices.Sort(people)
	people = slices.Compact(people)
	known, err := directory.Names(ctx, tx, school, people)
	if err != nil {
		return nil, err
	}
	classes, err := directory.ClassesOf(ctx, tx, school, people, day)
	if err != nil {
		return nil, err
	}
	labels, err := directory.Labels(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	var by map[string]string
	if names != nil {
		slices.Sort(accounts)
		if by, err = names(ctx, tx, school, slices.Compact(accounts)); err != nil {
			return nil, err
		}
	}
	out := make([]Listed, len(plans))
	for i, p := range plans {
		l := Listed{Plan: p, Class: labels[p.Grp], By: by[p.By], Claimant: known[p.Claimant]}
		for _, id := range about[p.ID] {
			l.Who = append(l.Who, known[id])
		}
		directory.ByName(l.Who)
		if len(l.Who) == 1 {
			l.Class = classes[l.Who[0].ID]
		}
		l.Who = l.Who[:min(len(l.Who), whoShown)]
		out[i] = l
	}
	return out, nil
}
