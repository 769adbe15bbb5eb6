package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/app"
	"github.com/preau-ent/preau/internal/page"
)

// teachers come among the crowd with a sitting now: each opens their roll and saves it once,
// and a part of the first school's marks are absences, of which its families are told.
type teachers struct {
	house   *house
	crowd   *crowd
	people  []*visitor
	absent  map[string]bool // pupils of the first school who are not there
	mu      sync.Mutex
	saved   []app.SavedRoll
	took    []time.Duration // by saves
	when    []time.Time     // they were pressed
	refused int
	marked  map[string]mark // by pupil
	before  int             // messages at the sink before them
}

// mark is when a pupil was noted absent, as the teacher's browser knows it.
type mark struct {
	at  time.Time
	who *visitor
}

// Of so many teachers one has to give a password at a browser that never had a session, and
// one at a browser that had: fewer than one in twenty is unknown, and goes where the waiting
// page sends whoever has a roll to call.
const teachersOfWhom = 25

// newTeachers makes those of a crowd: they come in the same time, on their own devices.
func (h *house) newTeachers(c *crowd, n int, within time.Duration) *teachers {
	t := &teachers{house: h, crowd: c, absent: map[string]bool{}, marked: map[string]mark{}, before: h.sink.count()}
	all := h.comers[page.Teacher]
	// Those of the first school come first in the list, and all of them come.
	all = all[:min(len(all), n)]
	r := h.replay
	for _, p := range r.pick(h.book.pupils, h.share(ordinaryAbsence)) {
		t.absent[p] = true
	}
	some := h.newCrowd(all, within, func(i int) manners {
		i %= teachersOfWhom
		return manners{own: i != teachersOfWhom/2 && i != teachersOfWhom/4, known: i == teachersOfWhom/2, calls: i == teachersOfWhom/4}
	})
	for _, v := range some.people {
		v.then = t.call
		v.link = c.link
	}
	t.people = some.people
	c.people = append(c.people, some.people...)
	return t
}

// call opens the roll, looks at it for a moment, and saves it.
func (t *teachers) call(ctx context.Context, v *visitor) error {
	path := "/roll/" + v.sitting.ID
	a, err := t.crowd.polite(ctx, v, http.MethodGet, path, nil)
	if err != nil {
		return t.notSaved(ctx, err)
	}
	form, err := formTo(a.text, path)
	if err != nil {
		return t.notSaved(ctx, fmt.Errorf("%d, %w", a.status, err))
	}
	var absent []string
	for name := range form {
		if p, ok := strings.CutPrefix(name, "v-"); ok && t.absent[p] {
			form.Set(name, "absent")
			absent = append(absent, p)
		}
	}
	t.mu.Lock()
	thinks := time.Second + time.Duration(t.house.replay.random.IntN(2_000))*time.Millisecond
	t.mu.Unlock()
	if err := rest(ctx, thinks); err != nil {
		return t.notSaved(ctx, err)
	}
	a, err = t.crowd.polite(ctx, v, http.MethodPost, path, form)
	pressed := v.looked
	if err != nil {
		return t.notSaved(ctx, err)
	}
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, path) {
		return t.notSaved(ctx, fmt.Errorf("the roll was answered %d %s: %s", a.status, a.to, words(a.text)))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took, t.when = append(t.took, time.Since(pressed)), append(t.when, pressed)
	t.saved = append(t.saved, app.SavedRoll{School: v.school, Sitting: v.sitting.ID, Absent: absent})
	for _, p := range absent {
		t.marked[p] = mark{pressed, v}
	}
	return nil
}

// notSaved counts a roll that was refused. One whose time was over is not.
func (t *teachers) notSaved(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		t.mu.Lock()
		t.refused++
		t.mu.Unlock()
	}
	return err
}

// alertPatience is how long the drill waits for the last alert after everybody is in.
const alertPatience = 90 * time.Second

// alerts waits until the families of everybody noted absent have heard of it, and gives how
// long after mark and hold the first byte of each was at the sink. missed are those of whom
// nobody heard in time: each counts as the whole time.
func (t *teachers) alerts(ctx context.Context) (lags []time.Duration, missed int) {
	want := map[string]mark{}
	for p, m := range t.marked {
		if len(t.house.book.addresses(p)) > 0 {
			want[p] = m
		}
	}
	first := map[string]time.Time{}
	seen := t.before
	for deadline := time.Now().Add(alertPatience + t.house.hold); len(first) < len(want) && time.Now().Before(deadline) && ctx.Err() == nil; {
		for _, m := range t.house.sink.since(seen) {
			seen++
			for p, k := range want {
				if _, had := first[p]; !had && m.kind() == absence && slices.Contains(t.house.book.addresses(p), m.To) && t.house.book.says(saying{absence, p, k.who.sitting}, m) {
					first[p] = m.At
					break
				}
			}
		}
		_ = rest(ctx, lookEvery)
	}
	for p, k := range want {
		at, heard := first[p]
		if !heard {
			missed++
			lags = append(lags, alertPatience)
			continue
		}
		lags = append(lags, max(0, at.Sub(k.at)-t.house.hold))
	}
	return lags, missed
}

// lost counts the rolls that were said to be saved and that the program's own database does
// not have. The program has ended.
func (t *teachers) lost(ctx context.Context) (n int, err error) {
	a, err := app.Open(ctx, app.Config{Data: t.house.data, Addr: "127.0.0.1:0"}, app.Options{Log: slog.New(slog.DiscardHandler), For: app.Reading})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return a.LostRolls(ctx, t.saved)
}

// waits are how long teachers stood before the door, from their first request to their day:
// all of them, or those with a live session.
func (t *teachers) waits(own bool) (out []time.Duration) {
	for _, v := range t.people {
		switch {
		case own && !v.own:
		case !v.in.IsZero():
			out = append(out, v.in.Sub(v.came)-t.house.paused(v.came, v.in))
		case !v.came.IsZero():
			out = append(out, time.Since(v.came)-t.house.paused(v.came, time.Now()))
		}
	}
	return out
}

// saves is what half of the saves of a time took at most.
func (t *teachers) saves(from, until time.Time) time.Duration {
	var some []time.Duration
	for i, at := range t.when {
		if !at.Before(from) && at.Before(until) {
			some = append(some, t.took[i])
		}
	}
	return percentile(some, 50)
}
