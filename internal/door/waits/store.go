package waits

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
)

type waitRow struct {
	bun.BaseModel `bun:"table:door_waits,alias:w"`

	Ticket    string `bun:",pk"`
	School    string `bun:",nullzero"`
	Person    string `bun:",nullzero"`
	ArrivedAt time.Time
	EnteredAt time.Time
}

type longRow struct {
	bun.BaseModel `bun:"table:door_long,alias:l"`

	School  string    `bun:",pk"`
	FromAt  time.Time `bun:",pk"`
	UntilAt time.Time
	Why     string `bun:",pk"`
}

// Bind makes a wait somebody's who signs in now: a pupil's, or nobody's where both are empty.
// false: it is another's already, or too old, and nothing is kept.
func Bind(ctx context.Context, tx database.Tx, now time.Time, w Wait, school, pupil string) (bool, error) {
	if !w.good(now) {
		return false, nil
	}
	row := waitRow{Ticket: w.Ticket, School: school, Person: pupil, ArrivedAt: database.Stamp(w.Arrived), EnteredAt: database.Stamp(w.Entered)}
	res, err := tx.NewInsert().Model(&row).On("CONFLICT (ticket) DO NOTHING").Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("waits: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return false, fmt.Errorf("waits: %w", err)
	}
	return n > 0, nil
}

// Crowded says that a school's line is long now, and since when it is known to be; "" is the
// line of those of whom no school is known.
type Crowded struct {
	School string
	Since  time.Time
}

// Watch keeps which lines are long now, and that somebody watched. The first to watch after a
// time in which nobody did notes that too: nobody could enter then. machine is the machine's
// clock, by which it is told how long that was: a demonstration's jumps.
func Watch(ctx context.Context, tx database.Tx, machine, now time.Time, lines []Crowded) error {
	machine, now = database.Stamp(machine), database.Stamp(now)
	var last []time.Time
	if err := tx.NewSelect().TableExpr("door_watch").ColumnExpr("at").Scan(ctx, &last); err != nil {
		return fmt.Errorf("waits: %w", err)
	}
	if len(last) > 0 && machine.Sub(last[0]) > Long {
		if err := lasts(ctx, tx, longRow{FromAt: now.Add(-machine.Sub(last[0])), UntilAt: now, Why: "away"}); err != nil {
			return err
		}
	}
	_, err := tx.NewRaw("INSERT INTO door_watch (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = EXCLUDED.at", machine).Exec(ctx)
	if err != nil {
		return fmt.Errorf("waits: %w", err)
	}
	for _, c := range lines {
		since := database.Stamp(c.Since)
		if since.After(now) {
			since = now
		}
		if err := lasts(ctx, tx, longRow{School: c.School, FromAt: since, UntilAt: now, Why: "line"}); err != nil {
			return err
		}
	}
	return nil
}

// lasts goes on with the long time that this one touches, else begins it.
func lasts(ctx context.Context, tx database.Tx, row longRow) error {
	var before []longRow
	err := tx.NewSelect().Model(&before).Where("school = ? AND why = ? AND until_at >= ? AND from_at <= ?", row.School, row.Why, row.FromAt.Add(-together), row.UntilAt).
		Order("until_at DESC").Limit(1).Scan(ctx)
	if err != nil {
		return fmt.Errorf("waits: %w", err)
	}
	if len(before) > 0 {
		if !row.UntilAt.After(before[0].UntilAt) {
			return nil // a clock was put back, or another node said so
		}
		_, err = tx.NewUpdate().Model(&before[0]).Set("until_at = ?", row.UntilAt).WherePK().Exec(ctx)
	} else {
		_, err = tx.NewInsert().Model(&row).On("CONFLICT (school, from_at, why) DO NOTHING").Exec(ctx)
	}
	if err != nil {
		return fmt.Errorf("waits: %w", err)
	}
	return nil
}

// Lines gives when a line that concerns a school was long between two moments, oldest first.
func Lines(ctx context.Context, tx database.Tx, school string, from, until time.Time) ([]Period, error) {
	var rows []longRow
	err := tx.NewSelect().Model(&rows).Where("l.school IN (?, '') AND l.until_at >= ? AND l.from_at <= ?", school, database.Stamp(from), database.Stamp(until)).
		Order("l.from_at", "l.until_at").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("waits: %w", err)
	}
	all := make([]Period, len(rows))
	for i, r := range rows {
		all[i] = Period{r.FromAt, r.UntilAt}
	}
	return join(all), nil
}

// Of says what is known of some pupils of a school and a time, by pupil: a sitting's, most
// often. Who still stands in line is undecided until they enter.
func Of(ctx context.Context, tx database.Tx, school string, pupils []string, from, until time.Time) (map[string]Evidence, error) {
	out := make(map[string]Evidence, len(pupils))
	if len(pupils) == 0 {
		return out, nil
	}
	long, err := Lines(ctx, tx, school, from, until)
	if err != nil {
		return nil, err
	}
	var rows []waitRow
	err = tx.NewSelect().Model(&rows).Where("w.school = ? AND w.person IN (?) AND w.entered_at >= ? AND w.arrived_at <= ?", school, bun.List(pupils), database.Stamp(from), database.Stamp(until)).
		Order("w.arrived_at", "w.ticket").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("waits: %w", err)
	}
	waited := map[string][]Period{}
	for _, r := range rows {
		waited[r.Person] = append(waited[r.Person], Period{r.ArrivedAt, r.EnteredAt})
	}
	for _, p := range pupils {
		out[p] = Evidence{Waited: waited[p], Long: long}
	}
	return out, nil
}

// Purge removes what has had its time.
func Purge(ctx context.Context, tx database.Tx, now time.Time) error {
	if _, err := tx.NewDelete().Model((*waitRow)(nil)).Where("entered_at < ?", database.Stamp(now.Add(-keepWaits))).Exec(ctx); err != nil {
		return fmt.Errorf("waits: purge: %w", err)
	}
	if _, err := tx.NewDelete().Model((*longRow)(nil)).Where("until_at < ?", database.Stamp(now.Add(-keepLong))).Exec(ctx); err != nil {
		return fmt.Errorf("waits: purge: %w", err)
	}
	return nil
}
