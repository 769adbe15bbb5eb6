package attendance

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// Refusals of the store, told apart by web.go.
var (
	// ErrNotInSitting: the page speaks of a pupil who is not in this sitting.
	ErrNotInSitting = errors.New("attendance: the pupil is not in this sitting")
	// ErrReason: the reason is not in the list.
	ErrReason = errors.New("attendance: no such reason")
	// ErrSpan: a statement must end after it begins, within longestStatement.
	ErrSpan = errors.New("attendance: the statement does not end after it begins, or is too long")
	// ErrNotFound: no such mark or statement.
	ErrNotFound = errors.New("attendance: not found")
)

// Save is one press of the save button.
type Save struct {
	School  string
	Sitting string
	Day     string   // local date of the sitting
	Pupils  []string // who is in the sitting
	Entries []Entry
	By      string
	Origin  Origin
	// OpenedAt is when the page was opened, as it says itself; the zero time: unknown.
	OpenedAt time.Time
	// Late: it was pressed without a network, at MadeAt, and comes by itself.
	Late   bool
	MadeAt time.Time
	// After is the key of the save of the same person that its page showed, where the page
	// was a copy that the device kept. Empty: none.
	After string
	// MustSay: it is the office's, and what it changes of somebody else's needs Why, one of
	// Whys; Words are free.
	MustSay    bool
	Why, Words string
}

// SaveRoll appends what a page says to the roll and keeps, in the same transaction,
// which of the new marks somebody must decide about, and the journal's line.
func SaveRoll(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, s Save) (merge, error) {
	now = database.Stamp(now)
	for _, e := range s.Entries {
		if !slices.Contains(s.Pupils, e.Pupil) {
			return merge{}, ErrNotInSitting
		}
	}
	current, err := Current(ctx, tx, s.School, s.Sitting)
	if err != nil {
		return merge{}, err
	}
	shown, err := shownMarks(ctx, tx, s, current)
	if err != nil {
		return merge{}, err
	}
	if s.Late {
		if err := ownHand(ctx, tx, &s, current, shown); err != nil {
			return merge{}, err
		}
		// How long the page was open is what it was, whenever this comes.
		if !s.OpenedAt.IsZero() {
			s.OpenedAt = database.Stamp(now.Add(-s.MadeAt.Sub(s.OpenedAt)))
		}
	}
	m := mergeRoll(s.Entries, current, shown, s.Late)
	corrected := correcting(m.Append, current, s.By)
	if err := checkWhy(s, corrected); err != nil {
		return merge{}, err
	}
	home, err := timetable.AtHome(ctx, tx, s.School, s.Pupils, s.Day)
	if err != nil {
		return merge{}, err
	}
	marks, err := appendMarks(ctx, tx, now, s, m.Append, home)
	if err != nil {
		return merge{}, err
	}
	if err := keepWhy(ctx, tx, s, marks, corrected); err != nil {
		return merge{}, err
	}
	if err := keepUndecided(ctx, tx, s, marks); err != nil {
		return merge{}, err
	}
	roll := Roll{School: s.School, Sitting: s.Sitting, Day: s.Day, FirstSavedAt: now, FirstSavedBy: s.By, SavedAt: now, SavedBy: s.By, OpenedAt: s.OpenedAt}
	_, err = tx.NewInsert().Model(&roll).On("CONFLICT (school, sitting) DO UPDATE").
		Set("saved_at = EXCLUDED.saved_at, saved_by = EXCLUDED.saved_by, opened_at = EXCLUDED.opened_at").Exec(ctx)
	if err != nil {
		return merge{}, err
	}
	return m, j.Append(ctx, tx, s.School, now, journal.Deed{Act: "roll", Actor: s.By, Subject: s.Sitting, Detail: rollDetail(s, m, marks)})
}

func rollDetail(s Save, m merge, marks []Mark) map[string]string {
	d := map[string]string{"origin": string(s.Origin), "marks": "0"}
	if len(marks) > 0 {
		d["marks"] = fmt.Sprintf("%d-%d", marks[0].N, marks[len(marks)-1].N)
	}
	var absent, late []string
	for _, k := range marks {
		switch k.Value {
		case Absent:
			absent = append(absent, strconv.FormatInt(k.N, 10))
		case Late:
			late = append(late, strconv.FormatInt(k.N, 10))
		}
	}
	d["absent"], d["late"] = strings.Join(absent, " "), strings.Join(late, " ")
	if s.Why != "" {
		d["why"] = s.Why
	}
	if s.Late {
		d["made"], d["kept"] = s.MadeAt.UTC().Format(time.RFC3339), numbersText(m.Kept)
	}
	return d
}

// shownMarks reads the marks that the page showed when it was opened.
func shownMarks(ctx context.Context, tx database.Tx, s Save, current map[string]Mark) (map[int64]Mark, error) {
	shown := map[int64]Mark{}
	var older []int64
	for _, e := range s.Entries {
		if k, ok := current[e.Pupil]; ok && k.N == e.Base {
			shown[k.N] = k
		} else if e.Base > 0 {
			older = append(older, e.Base)
		}
	}
	rows, err := marksOf(ctx, tx, s.School, s.Sitting, older)
	for _, k := range rows {
		shown[k.N] = k
	}
	return shown, err
}

// marksOf reads marks of one sitting by number, in order. Numbers of other sittings
// are left out.
func marksOf(ctx context.Context, tx database.Tx, school, sitting string, ns []int64) ([]Mark, error) {
	if len(ns) == 0 {
		return nil, nil
	}
	var rows []Mark
	err := tx.NewSelect().Model(&rows).Where("k.school = ? AND k.sitting = ? AND k.n IN (?)", school, sitting, bun.List(ns)).Order("k.n").Scan(ctx)
	return rows, err
}

func appendMarks(ctx context.Context, tx database.Tx, now time.Time, s Save, entries []Entry, home map[string]timetable.Home) ([]Mark, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var last sql.NullInt64
	if err := tx.NewSelect().TableExpr("attendance_marks").ColumnExpr("max(n)").Where("school = ?", s.School).Scan(ctx, &last); err != nil {
		return nil, err
	}
	marks := make([]Mark, len(entries))
	for i, e := range entries {
		marks[i] = Mark{School: s.School, N: last.Int64 + int64(i) + 1, Sitting: s.Sitting, Day: s.Day, Pupil: e.Pupil, Value: e.Value, By: s.By, At: now, Origin: s.Origin}
		_, marks[i].AtHome = home[e.Pupil]
		if e.Value == Late {
			marks[i].Minutes = e.Minutes
		}
		if s.Late {
			marks[i].At, marks[i].ReceivedAt = database.Stamp(s.MadeAt), now
		}
	}
	_, err := tx.NewInsert().Model(&marks).Exec(ctx)
	return marks, err
}

// keepUndecided notes the marks that somebody who follows absences must decide about:
// each absence, and what is said later that day of a pupil who was marked absent.
func keepUndecided(ctx context.Context, tx database.Tx, s Save, marks []Mark) error {
	var others []string
	for _, k := range marks {
		if k.Value != Absent {
			others = append(others, k.Pupil)
		}
	}
	wasAbsent := map[string]bool{}
	if len(others) > 0 {
		var pupils []string
		err := tx.NewSelect().Model((*Mark)(nil)).ColumnExpr("DISTINCT k.pupil").
			Where("k.school = ? AND k.day = ? AND k.value = ? AND k.pupil IN (?)", s.School, s.Day, Absent, bun.List(others)).Scan(ctx, &pupils)
		if err != nil {
			return err
		}
		for _, p := range pupils {
			wasAbsent[p] = true
		}
	}
	type undecided struct {
		bun.BaseModel `bun:"table:attendance_undecided"`
		School        string
		N             int64
	}
	var rows []undecided
	for _, k := range marks {
		if k.Value == Absent || wasAbsent[k.Pupil] {
			rows = append(rows, undecided{School: k.School, N: k.N})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.NewInsert().Model(&rows).Exec(ctx)
	return err
}

// Current gives the mark that holds for each pupil of a sitting.
func Current(ctx context.Context, tx database.Tx, school, sitting string) (map[string]Mark, error) {
	var rows []Mark
	err := tx.NewSelect().Model(&rows).Where("k.school = ? AND k.sitting = ?", school, sitting).Order("k.pupil", "k.n").Scan(ctx)
	out := make(map[string]Mark, len(rows))
	for _, k := range rows {
		out[k.Pupil] = k
	}
	return out, err
}

// rollOf gives the roll of a sitting, and whether it was saved at all.
func rollOf(ctx context.Context, tx database.Tx, school, sitting string) (Roll, bool, error) {
	r := Roll{School: school, Sitting: sitting}
	err := tx.NewSelect().Model(&r).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Roll{}, false, nil
	}
	return r, err == nil, err
}

// calledOn lists the sittings of a day whose roll was saved.
func calledOn(ctx context.Context, tx database.Tx, school, day string) ([]string, error) {
	var sittings []string
	err := tx.NewSelect().Model((*Roll)(nil)).Column("sitting").Where("r.school = ? AND r.day = ?", school, day).Scan(ctx, &sittings)
	return sittings, err
}

// RollsOf gives the saved rolls among sittings.
func RollsOf(ctx context.Context, tx database.Tx, school string, sittings []string) (map[string]Roll, error) {
	out := map[string]Roll{}
	if len(sittings) == 0 {
		return out, nil
	}
	var rows []Roll
	err := tx.NewSelect().Model(&rows).Where("r.school = ? AND r.sitting IN (?)", school, bun.List(sittings)).Scan(ctx)
	for _, r := range rows {
		out[r.Sitting] = r
	}
	return out, err
}

// sumsOf counts what the rolls of sittings say; a sitting without a mark is left out.
func sumsOf(ctx context.Context, tx database.Tx, school string, sittings []string) (map[string]Sums, error) {
	out := map[string]Sums{}
	for part := range slices.Chunk(sittings, 500) {
		var rows []struct {
			Sitting string
			Value   Value
			Pupils  int
		}
		later := tx.NewSelect().TableExpr("attendance_marks AS l").ColumnExpr("1").
			Where("l.school = k.school AND l.sitting = k.sitting AND l.pupil = k.pupil AND l.n > k.n")
		err := tx.NewSelect().Model((*Mark)(nil)).ColumnExpr("k.sitting, k.value, count(*) AS pupils").
			Where("k.school = ? AND k.sitting IN (?)", school, bun.List(part)).Where("NOT EXISTS (?)", later).
			Group("k.sitting", "k.value").Scan(ctx, &rows)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			sums := out[r.Sitting]
			sums.Add(r.Value, r.Pupils)
			out[r.Sitting] = sums
		}
	}
	return out, nil
}

// MarkByNumber reads a mark; ErrNotFound.
func MarkByNumber(ctx context.Context, tx database.Tx, school string, n int64) (Mark, error) {
	k := Mark{School: school, N: n}
	err := tx.NewSelect().Model(&k).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Mark{}, ErrNotFound
	}
	return k, err
}

// Undecided lists, in order, marks that nobody decided about yet.
func Undecided(ctx context.Context, tx database.Tx, school string, limit int64) ([]Mark, error) {
	var rows []Mark
	// By their numbers, few at any time: a join would begin with every mark of the year.
	some := tx.NewSelect().TableExpr("attendance_undecided AS u").Column("u.n").Where("u.school = ?", school).Order("u.n").Limit(limit)
	err := tx.NewSelect().Model(&rows).Where("k.school = ? AND k.n IN (?)", school, some).Order("k.n").Scan(ctx)
	return rows, err
}

// Settled takes a mark off the undecided ones, in the transaction of the decision.
func Settled(ctx context.Context, tx database.Tx, school string, n int64) error {
	_, err := tx.NewRaw("DELETE FROM attendance_undecided WHERE school = ? AND n = ?", school, n).Exec(ctx)
	return err
}

// OfPupil lists a pupil's marks of one day's sittings, in order.
func OfPupil(ctx context.Context, tx database.Tx, school, pupil, day string) ([]Mark, error) {
	var rows []Mark
	err := tx.NewSelect().Model(&rows).Where("k.school = ? AND k.pupil = ? AND k.day = ?", school, pupil, day).Order("k.n").Scan(ctx)
	return rows, err
}

// State records where a pupil is beside the roll. ErrReason, ErrSpan.
func State(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, s Statement) error {
	all := []Statement{s}
	if err := stateAll(ctx, tx, now, all); err != nil {
		return err
	}
	return j.Append(ctx, tx, s.School, now, journal.Deed{Act: "statement", Actor: s.By, Subject: s.Pupil,
		Detail: map[string]string{"id": all[0].ID, "says": string(s.Says), "reason": s.Reason}})
}

// Withdraw takes a statement back; it stays on record. What was withdrawn already stays
// so. ErrNotFound.
func Withdraw(ctx context.Context, tx database.Tx, j *journal.Journal, now time.Time, school, id, by string) error {
	s := Statement{School: school, ID: id}
	err := tx.NewSelect().Model(&s).WherePK().Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil || !s.WithdrawnAt.IsZero() {
		return err
	}
	_, err = tx.NewUpdate().Model((*Statement)(nil)).Set("withdrawn_at = ?", database.Stamp(now)).Where("school = ? AND id = ?", school, id).Exec(ctx)
	if err != nil {
		return err
	}
	return j.Append(ctx, tx, school, now, journal.Deed{Act: "statement-withdrawn", Actor: by, Subject: s.Pupil, Detail: map[string]string{"id": id}})
}

// SchoolsUndecided lists the schools that have undecided marks.
func SchoolsUndecided(ctx context.Context, tx database.Tx) ([]string, error) {
	var schools []string
	err := tx.NewSelect().TableExpr("attendance_undecided").ColumnExpr("DISTINCT school").Scan(ctx, &schools)
	return schools, err
}

// OldestUndecided is when the oldest undecided mark of all schools reached us.
func OldestUndecided(ctx context.Context, tx database.Tx) (at time.Time, any bool, err error) {
	var k Mark
	err = tx.NewSelect().Model(&k).Column("at", "received_at").Join("JOIN attendance_undecided AS u ON u.school = k.school AND u.n = k.n").
		OrderExpr("coalesce(k.received_at, k.at)").Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return at, false, nil
	}
	return k.KnownAt(), err == nil, err
}
