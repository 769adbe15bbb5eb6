package alert

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// Rehearsal is the time before a school's first service: everything is done as it will be,
// except that letters are exercises, which the pretended carrier takes, and that every
// family is a telephone row. The office says of each day what was right, and the head ends
// it by a decision.
type Rehearsal struct {
	bun.BaseModel `bun:"table:alert_rehearsals,alias:h"`
	School        string `bun:",pk"`
	ID            string `bun:",pk"`
	StartedBy     string // person
	StartedAt     time.Time
	EndedBy       string
	EndedAt       time.Time `bun:",nullzero"`
	Outcome       Readiness
	Days          int // that the decision stands on
	Wrong, Missed int // disagreements in them
}

// Readiness is what a rehearsal ends with.
type Readiness string

// Decisions.
const (
	Ready     Readiness = "ready"   // the school may be put in service
	Postponed Readiness = "stopped" // it may rehearse again
)

// verdict is what the office says of a day. The last one holds.
type verdict struct {
	bun.BaseModel `bun:"table:alert_verdicts,alias:g"`
	School        string `bun:",pk"`
	Rehearsal     string `bun:",pk"`
	Day           string `bun:",pk"`
	N             int    `bun:",pk"`
	Wrong         string // episodes
	Missed        int
	By            string
	At            time.Time
}

// rehearsedDays is the fewest school days, with a roll called and looked at, after which a
// rehearsal may be found right.
const rehearsedDays = 5

// Errors of rehearsals and of being in service.
var (
	// ErrRehearse: the school was never in service and has no rehearsal that was found right.
	ErrRehearse = errors.New("alert: a school rehearses before it is in service")
	// ErrRehearsing: a rehearsal is on, or there is nothing to rehearse: a service runs.
	ErrRehearsing = errors.New("alert: a rehearsal is on, or a service runs")
	// ErrTooSoon: fewer than five days were called and looked at.
	ErrTooSoon = errors.New("alert: the rehearsal is too short")
	// ErrNotRunning: there is no service, or no rehearsal, to speak of.
	ErrNotRunning = errors.New("alert: not running")
)

// RehearsalOf gives the school's open rehearsal, else its last one.
func RehearsalOf(ctx context.Context, tx database.Tx, school string) (h Rehearsal, found bool, err error) {
	err = tx.NewSelect().Model(&h).Where("h.school = ?", school).OrderExpr("(h.ended_at IS NULL) DESC, h.started_at DESC").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Rehearsal{}, false, nil
	}
	return h, err == nil, err
}

// Open tells whether it goes on.
func (h Rehearsal) Open() bool { return h.ID != "" && h.EndedAt.IsZero() }

// Rehearsed tells whether a school may be put in service: a rehearsal was found right, or it
// was in service before. September does not start it again.
func Rehearsed(ctx context.Context, tx database.Tx, school string) (bool, error) {
	ready, err := tx.NewSelect().Model((*Rehearsal)(nil)).Where("h.school = ? AND h.outcome = ?", school, Ready).Exists(ctx)
	if err != nil || ready {
		return ready, err
	}
	_, before, err := ServiceOf(ctx, tx, school)
	return before, err
}

// StartRehearsal begins one. Addresses that belong to nobody are put into the directory:
// one that meets a carrier tells. ErrRehearsing.
func (a *Alert) StartRehearsal(ctx context.Context, tx database.Tx, school, by string, now time.Time) error {
	s, err := loadSchool(ctx, tx, school)
	if err != nil {
		return err
	}
	if s.rehearsal.Open() || s.service.runs() {
		return ErrRehearsing
	}
	if err := a.DropService(ctx, tx, school, by, now); err != nil {
		return err
	}
	if err := directory.PlaceTripwires(ctx, tx, school); err != nil {
		return err
	}
	h := Rehearsal{School: school, ID: database.NewID(), StartedBy: by, StartedAt: database.Stamp(now)}
	if _, err := tx.NewInsert().Model(&h).Exec(ctx); err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "rehearsal.started", Actor: by, Subject: h.ID})
}

// JudgeDay keeps what the office says of a day: which episodes would have been told
// wrongly, and how many absent pupils nobody would have heard of. ErrNotRunning, ErrNotFound
// for an episode of another day.
func (a *Alert) JudgeDay(ctx context.Context, tx database.Tx, school, day string, wrong []string, missed int, by string, now time.Time) error {
	s, err := loadSchool(ctx, tx, school)
	if err != nil {
		return err
	}
	if !s.rehearsal.Open() || day < timetable.Day(s.rehearsal.StartedAt, s.zone) || day > timetable.Day(now, s.zone) {
		return ErrNotRunning
	}
	episodes, err := OfDay(ctx, tx, school, day)
	if err != nil {
		return err
	}
	for _, id := range wrong {
		if !slices.ContainsFunc(episodes, func(e Episode) bool { return e.ID == id }) {
			return ErrNotFound
		}
	}
	n, err := tx.NewSelect().Model((*verdict)(nil)).Where("g.school = ? AND g.rehearsal = ? AND g.day = ?", school, s.rehearsal.ID, day).Count(ctx)
	if err != nil {
		return err
	}
	g := verdict{School: school, Rehearsal: s.rehearsal.ID, Day: day, N: int(n) + 1, Wrong: strings.Join(unique(slices.Clone(wrong)), " "), Missed: missed, By: by, At: database.Stamp(now)}
	if _, err := tx.NewInsert().Model(&g).Exec(ctx); err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "rehearsal.judged", Actor: by, Subject: s.rehearsal.ID,
		Detail: map[string]string{"day": day, "wrong": strconv.Itoa(len(strings.Fields(g.Wrong))), "missed": strconv.Itoa(missed)}})
}

// EndRehearsal ends it by a decision. ErrTooSoon: it is found right only after five days
// that were called and looked at, all of them. ErrNotRunning.
func (a *Alert) EndRehearsal(ctx context.Context, tx database.Tx, school string, outcome Readiness, by string, now time.Time) error {
	s, err := loadSchool(ctx, tx, school)
	if err != nil {
		return err
	}
	if !s.rehearsal.Open() {
		return ErrNotRunning
	}
	days, err := rehearsed(ctx, tx, s)
	if err != nil {
		return err
	}
	sum := sumOf(days)
	if outcome == Ready && !sum.enough() {
		return ErrTooSoon
	}
	_, err = tx.NewUpdate().Model((*Rehearsal)(nil)).Set("ended_by = ?, ended_at = ?, outcome = ?, days = ?, wrong = ?, missed = ?", by, database.Stamp(now), outcome, sum.Judged, sum.Wrong, sum.Missed).
		Where("h.school = ? AND h.id = ?", school, s.rehearsal.ID).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "rehearsal.ended", Actor: by, Subject: s.rehearsal.ID,
		Detail: map[string]string{"outcome": string(outcome), "days": strconv.Itoa(sum.Judged), "wrong": strconv.Itoa(sum.Wrong), "missed": strconv.Itoa(sum.Missed)}})
}

// RehearsedDay is one day of a rehearsal: what would have been sent, beside what the office
// says.
type RehearsedDay struct {
	Day    string
	Rolls  int
	Rows   []RehearsedRow
	Judged bool
	By     string // person
	At     time.Time
	Missed int
}

// RehearsedRow is one absence of such a day.
type RehearsedRow struct {
	Episode  Episode
	Known    time.Time // when its first mark had reached us and was decided about
	Messages int       // exercises written, arrivals and corrections not counted
	Followed courier.Kind
	Wrong    bool
}

// rehearsalSum is what a decision stands on.
type rehearsalSum struct{ Called, Judged, Wrong, Missed, Messages int }

// enough tells whether it may be found right.
func (s rehearsalSum) enough() bool { return s.Judged >= rehearsedDays && s.Judged == s.Called }

func sumOf(days []RehearsedDay) (s rehearsalSum) {
	for _, d := range days {
		s.Called++
		if d.Judged {
			s.Judged++
		}
		s.Missed += d.Missed
		for _, r := range d.Rows {
			s.Messages += r.Messages
			if r.Wrong {
				s.Wrong++
			}
		}
	}
	return s
}

// rehearsed reads the days of the school's rehearsal on which a roll was called, in order.
func rehearsed(ctx context.Context, tx database.Tx, s school) ([]RehearsedDay, error) {
	h := s.rehearsal
	rolls, err := attendance.RollDays(ctx, tx, s.ID, timetable.Day(h.StartedAt, s.zone))
	if err != nil {
		return nil, err
	}
	var words []verdict
	if err := tx.NewSelect().Model(&words).Where("g.school = ? AND g.rehearsal = ?", s.ID, h.ID).Order("day", "n").Scan(ctx); err != nil {
		return nil, err
	}
	last := map[string]verdict{}
	for _, g := range words {
		last[g.Day] = g
	}
	var days []RehearsedDay
	for day, n := range rolls {
		if !h.EndedAt.IsZero() && day > timetable.Day(h.EndedAt, s.zone) {
			continue
		}
		d := RehearsedDay{Day: day, Rolls: n}
		g, judged := last[day]
		if judged {
			d.Judged, d.By, d.At, d.Missed = true, g.By, g.At, g.Missed
		}
		if d.Rows, err = rehearsedRows(ctx, tx, s.ID, day, strings.Fields(g.Wrong)); err != nil {
			return nil, err
		}
		// What was said before an absence came says nothing of it.
		d.Judged = d.Judged && !slices.ContainsFunc(d.Rows, func(r RehearsedRow) bool { return r.Known.After(g.At) })
		days = append(days, d)
	}
	slices.SortFunc(days, func(a, b RehearsedDay) int { return strings.Compare(a.Day, b.Day) })
	return days, nil
}

func rehearsedRows(ctx context.Context, tx database.Tx, school, day string, wrong []string) ([]RehearsedRow, error) {
	episodes, err := OfDay(ctx, tx, school, day)
	if err != nil || len(episodes) == 0 {
		return nil, err
	}
	ids := make([]string, len(episodes))
	at := map[string]int{}
	rows := make([]RehearsedRow, len(episodes))
	for i, e := range episodes {
		ids[i], at[e.ID] = e.ID, i
		rows[i] = RehearsedRow{Episode: e, Known: e.FirstAt, Wrong: slices.Contains(wrong, e.ID)}
	}
	for part := range slices.Chunk(ids, 500) {
		var first []struct {
			Episode string
			At      time.Time
		}
		err := tx.NewSelect().Model((*Decision)(nil)).ColumnExpr("d.episode, d.at").Join("JOIN alert_episodes AS e ON e.school = d.school AND e.mark = d.mark").
			Where("d.school = ? AND e.id IN (?)", school, bun.List(part)).Scan(ctx, &first)
		if err != nil {
			return nil, err
		}
		for _, d := range first {
			if i, ok := at[d.Episode]; ok {
				rows[i].Known = d.At
			}
		}
	}
	letters, err := courier.StatesAbout(ctx, tx, school, ids)
	if err != nil {
		return nil, err
	}
	for _, l := range letters {
		switch r := &rows[at[l.Ref]]; {
		case !l.Exercise || l.State == courier.Void:
		case l.Kind == courier.Absence:
			r.Messages++
		default:
			r.Followed = l.Kind
		}
	}
	return rows, nil
}
