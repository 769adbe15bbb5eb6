package alert

import (
	"context"
	"database/sql"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// Refusals of a release.
var (
	// ErrNothingHeld: the breaker holds nothing there.
	ErrNothingHeld = errors.New("alert: nothing is held")
	// ErrChanged: what is held is no longer what was shown; it is asked again.
	ErrChanged = errors.New("alert: what is held has changed")
	// ErrWrong: the answer does not speak for what is held.
	ErrWrong = errors.New("alert: the answer does not fit")
	// ErrTired: it was answered wrongly too often today; what is held is telephoned.
	ErrTired = errors.New("alert: answered wrongly too often")
	// ErrConcerned: whoever saved one of these rolls, or asked, is not the second person.
	ErrConcerned = errors.New("alert: somebody concerned cannot decide")
)

// digestOf stands for exactly these episodes.
func (a *Alert) digestOf(h HeldBack) string {
	return a.journal.Digest(append([]string{"held"}, h.Episodes...)...)
}

// AskRelease asks a second person whether what is held in a scope is true. by is a
// person. ErrNothingHeld, ErrTired.
func (a *Alert) AskRelease(ctx context.Context, tx database.Tx, school, sitting, by string, now time.Time) error {
	s, err := loadSchool(ctx, tx, school)
	if err != nil {
		return err
	}
	day := timetable.Day(now, s.zone)
	h, err := HeldNow(ctx, tx, school, day, sitting)
	if err != nil {
		return err
	}
	if len(h.Trips) == 0 {
		return ErrNothingHeld
	}
	wrong, err := tx.NewSelect().Model((*Request)(nil)).Where("q.school = ? AND q.day = ? AND q.sitting = ? AND q.outcome = ?", school, day, sitting, RequestWrong).Count(ctx)
	if err != nil {
		return err
	}
	if wrong >= mostWrong {
		return ErrTired
	}
	if h.Request.ID != "" {
		if h.Request.AskedBy == by && h.Request.Shown == a.digestOf(h) {
			return nil // pressed twice
		}
		if err := a.endRequest(ctx, tx, h.Request, RequestChanged, by, now); err != nil {
			return err
		}
	}
	q := Request{School: school, ID: database.NewID(), Day: day, Sitting: sitting, AskedBy: by, AskedAt: database.Stamp(now), Shown: a.digestOf(h)}
	if sitting != "" {
		if q.Drawn, err = draw(ctx, tx, school, day, h, q.ID); err != nil {
			return err
		}
	}
	if _, err := tx.NewInsert().Model(&q).Exec(ctx); err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "breaker.asked", Actor: by, Subject: q.ID, Detail: map[string]string{"sitting": sitting, "held": itoa(int64(len(h.Episodes)))}})
}

// draw chooses the pupils that a second person looks for: two of those held, and one who
// is noted present on another roll of the day, so that no answer is always right.
func draw(ctx context.Context, tx database.Tx, school, day string, h HeldBack, salt string) (string, error) {
	held := shuffled(h.Pupils, salt)
	drawn := held[:min(2, len(held))]
	rolls, err := attendance.SavedSince(ctx, tx, school, day, time.Time{})
	if err != nil {
		return "", err
	}
	var here []string
	for _, r := range rolls {
		for _, k := range r.Marks {
			if k.Value == attendance.Present && !slices.Contains(h.Pupils, k.Pupil) {
				here = append(here, k.Pupil)
			}
		}
	}
	slices.Sort(here)
	here = slices.Compact(here) // once, whoever is on several rolls
	drawn = append(drawn, shuffled(here, salt)[:min(3-len(drawn), len(here))]...)
	return strings.Join(shuffled(drawn, salt+"order"), " "), nil
}

// shuffled puts ids into an order that only the salt gives.
func shuffled(ids []string, salt string) []string {
	key := func(id string) uint64 {
		h := fnv.New64a()
		h.Write([]byte(salt + "/" + id))
		return h.Sum64()
	}
	out := slices.Clone(ids)
	slices.SortFunc(out, func(a, b string) int {
		if key(a) < key(b) {
			return -1
		}
		return 1
	})
	return out
}

// Word is what the second person answers: how many absent pupils they expect in the
// school, or of each drawn pupil whether they are in class.
type Word struct {
	Expected int
	Absent   map[string]bool
}

// concerned tells whether somebody asked for a release or saved one of the rolls that are
// held. accounts are those of the person who answers.
func concerned(ctx context.Context, tx database.Tx, h HeldBack, by string, accounts []string) (bool, error) {
	if by == h.Request.AskedBy {
		return true, nil
	}
	var sittings []string
	episodes, err := OfDay(ctx, tx, h.Request.School, h.Request.Day)
	if err != nil {
		return false, err
	}
	for _, e := range episodes {
		if slices.Contains(h.Episodes, e.ID) {
			sittings = append(sittings, e.Sitting)
		}
	}
	rolls, err := attendance.RollsOf(ctx, tx, h.Request.School, unique(sittings))
	if err != nil {
		return false, err
	}
	for _, r := range rolls {
		if slices.Contains(accounts, r.SavedBy) || slices.Contains(accounts, r.FirstSavedBy) {
			return true, nil
		}
	}
	// Whoever noted one of them, although somebody else saved the roll before and after.
	marks, err := attendance.OfPupils(ctx, tx, h.Request.School, unique(slices.Clone(h.Pupils)), h.Request.Day)
	for _, all := range marks {
		if slices.ContainsFunc(all, func(k attendance.Mark) bool {
			return slices.Contains(sittings, k.Sitting) && slices.Contains(accounts, k.By)
		}) {
			return true, nil
		}
	}
	return false, err
}

// unseen tells whether an absent mark of a scope is saved and not decided yet: nobody was
// shown it.
func unseen(ctx context.Context, tx database.Tx, school, sitting string) (bool, error) {
	marks, err := attendance.Undecided(ctx, tx, school, mostUnseen)
	return len(marks) == mostUnseen || slices.ContainsFunc(marks, func(k attendance.Mark) bool {
		return k.Value == attendance.Absent && (sitting == "" || k.Sitting == sitting)
	}), err
}

// mostUnseen is how many undecided marks are looked through: where there are more, the
// morning is not over.
const mostUnseen = 2000

// AnswerRelease is the second person's word. What was shown when it was asked is what is
// released, and nothing else. ErrNothingHeld, ErrConcerned, ErrChanged, ErrWrong; the last
// two are kept with the request: the transaction must be committed.
func (a *Alert) AnswerRelease(ctx context.Context, tx database.Tx, school, sitting, by string, accounts []string, w Word, now time.Time) (refusal, err error) {
	s, err := loadSchool(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	h, err := HeldNow(ctx, tx, school, timetable.Day(now, s.zone), sitting)
	if err != nil {
		return nil, err
	}
	if h.Request.ID == "" {
		return ErrNothingHeld, nil
	}
	if is, err := concerned(ctx, tx, h, by, accounts); err != nil || is {
		return ErrConcerned, err
	}
	more, err := unseen(ctx, tx, school, sitting)
	if err != nil {
		return nil, err
	}
	if more || h.Request.Shown != a.digestOf(h) {
		return ErrChanged, a.endRequest(ctx, tx, h.Request, RequestChanged, by, now)
	}
	right := Plausible(w.Expected, len(h.Pupils))
	if sitting != "" {
		if right, err = fits(ctx, tx, s, h, w, now); err != nil {
			return nil, err
		}
	}
	if !right {
		if h.Request.Tries+1 >= mostTries {
			return ErrWrong, a.endRequest(ctx, tx, h.Request, RequestWrong, by, now)
		}
		_, err := tx.NewUpdate().Model((*Request)(nil)).Set("tries = tries + 1").Where("q.school = ? AND q.id = ?", school, h.Request.ID).Exec(ctx)
		if err == nil {
			err = a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "breaker.wrong", Actor: by, Subject: h.Request.ID, Detail: map[string]string{"expected": itoa(int64(w.Expected))}})
		}
		return ErrWrong, err
	}
	if err := a.endRequest(ctx, tx, h.Request, RequestReleased, by, now); err != nil {
		return nil, err
	}
	return nil, a.release(ctx, tx, h, by, now)
}

// fits tells whether what is said of the drawn pupils is what their marks say.
func fits(ctx context.Context, tx database.Tx, s school, h HeldBack, w Word, now time.Time) (bool, error) {
	drawn := strings.Fields(h.Request.Drawn)
	absent, err := attendance.AbsentPupils(ctx, tx, s.ID, timetable.Day(now, s.zone))
	if err != nil || len(w.Absent) != len(drawn) || len(drawn) == 0 {
		return false, err
	}
	for _, p := range drawn {
		said, ok := w.Absent[p]
		if !ok || said != slices.Contains(absent, p) {
			return false, nil
		}
	}
	return true, nil
}

func (a *Alert) endRequest(ctx context.Context, tx database.Tx, q Request, outcome, by string, now time.Time) error {
	res, err := tx.NewUpdate().Model((*Request)(nil)).Set("outcome = ?, ended_at = ?, ended_by = ?, tries = tries + 1", outcome, database.Stamp(now), by).
		Where("q.school = ? AND q.id = ? AND q.ended_at IS NULL", q.School, q.ID).Exec(ctx)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, ErrChanged)
	}
	return a.journal.Append(ctx, tx, q.School, now, journal.Deed{Act: "breaker." + outcome, Actor: by, Subject: q.ID, Detail: map[string]string{"asked": q.AskedBy, "sitting": q.Sitting}})
}

// release ends the trips of a scope and lets the courier have what it held for them.
func (a *Alert) release(ctx context.Context, tx database.Tx, h HeldBack, by string, now time.Time) error {
	keys := []string{holdKey(h.Request.Day, h.Request.Sitting)}
	for _, t := range h.Trips {
		_, err := tx.NewUpdate().Model((*Trip)(nil)).Set("ended_at = ?, ended_by = ?", database.Stamp(now), by).Where("t.school = ? AND t.id = ?", t.School, t.ID).Exec(ctx)
		if err != nil {
			return err
		}
		if key := holdKey(t.Day, t.Sitting); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		if _, err := a.courier.Release(ctx, tx, h.Request.School, key, now); err != nil {
			return err
		}
	}
	// A roll's release does not let go what the whole school's trip covers too.
	all, err := Trips(ctx, tx, h.Request.School, h.Request.Day)
	if err != nil {
		return err
	}
	return a.holdWaiting(ctx, tx, h.Request.School, openTrips(all), now)
}

// callHeld telephones the families of what the breaker has held for too long: the law says
// "immediately", and nobody may have looked at the page.
func (a *Alert) callHeld(ctx context.Context, id string) error {
	var late []Episode
	err := a.db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		any, err := tx.NewSelect().Model((*Trip)(nil)).Where("t.school = ? AND t.ended_at IS NULL", id).Exists(ctx)
		if err != nil || !any {
			return err // asked every second, and nearly always so
		}
		s, err := loadSchool(ctx, tx, id)
		if err != nil {
			return err
		}
		now := a.now()
		day := timetable.Day(now, s.zone)
		all, err := Trips(ctx, tx, id, day)
		open := openTrips(all)
		if err != nil || len(open) == 0 {
			return err
		}
		episodes, err := OfDay(ctx, tx, id, day)
		if err != nil {
			return err
		}
		var ids []string
		for _, e := range episodes {
			ids = append(ids, e.ID)
		}
		calls, err := callsOf(ctx, tx, id, ids)
		if err != nil {
			return err
		}
		called := map[string]bool{}
		for _, c := range calls {
			called[c.Episode] = true
		}
		for _, e := range episodes {
			if e.State != Held || called[e.ID] {
				continue
			}
			for _, t := range open {
				if t.Covers(e) && now.Sub(later(t.At, e.LeavesAt)) >= callAfter {
					late = append(late, e)
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range late {
		err := a.inSchool(ctx, id, func(ctx context.Context, tx database.Tx, _ school, now time.Time) error {
			still, err := EpisodeByID(ctx, tx, id, e.ID)
			if err != nil || still.State != Held {
				return err
			}
			return a.telephoneAll(ctx, tx, still, ByBreaker, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// toldAfterAll closes the rows that the breaker's hold opened: a message follows. Whoever
// gets none, those of but, is telephoned all the same.
func (a *Alert) toldAfterAll(ctx context.Context, tx database.Tx, e Episode, but []string, now time.Time) error {
	q := tx.NewUpdate().Model((*Call)(nil)).Set("outcome = ?, closed_at = ?, closed_by = ?", NotNeeded, database.Stamp(now), "alert").
		Where("c.school = ? AND c.episode = ? AND c.outcome = '' AND c.because = ?", e.School, e.ID, ByBreaker)
	if len(but) > 0 {
		q = q.Where("c.adult NOT IN (?)", bun.List(but))
	}
	_, err := q.Exec(ctx)
	return err
}

// spoken lists who was reached by telephone about an episode: no message follows.
func spoken(ctx context.Context, tx database.Tx, e Episode) (map[string]bool, error) {
	calls, err := callsOf(ctx, tx, e.School, []string{e.ID})
	out := map[string]bool{}
	for _, c := range calls {
		if c.Outcome == Reached {
			out[c.Adult] = true
		}
	}
	return out, err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func noRow(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}
