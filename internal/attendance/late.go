package attendance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// lateSaves is what a device delivers: the rolls that were called on it without a network,
// in the order in which they were saved.
type lateSaves struct {
	// Account is whose they are. The device asks while somebody else may be signed in.
	Account string     `json:"account"`
	Saves   []lateSave `json:"saves"`
}

type lateSave struct {
	Key     string `json:"key"`
	Sitting string `json:"sitting"`
	After   string `json:"after"` // the key of the save that the page showed; empty: none
	Age     int64  `json:"age"`   // milliseconds since the button was pressed, by the device's own clock
	Form    string `json:"form"`  // of the roll, as a browser posts it
}

// What becomes of a late save.
const (
	lateSaved   = "saved"
	lateReview  = "review"  // saved, and somebody changed something meanwhile: to be looked at
	lateRefused = "refused" // nothing of it was taken
)

// lateAnswer is said to the device about one save, in the reader's language. It names no
// pupil: the page that it leads to does.
type lateAnswer struct {
	Key   string `json:"key"`
	State string `json:"state"`
	Text  string `json:"text"`
	Page  string `json:"page"`
}

// maxLateSaves is how many a device delivers at once.
const maxLateSaves = 50

// takeLate takes what a device kept while it had no network. All of it is one transaction:
// whoever follows absences never sees an absence without the correction that was made a
// minute later.
func (p *Pages) takeLate(w http.ResponseWriter, r *http.Request) error {
	var in lateSaves
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return fmt.Errorf("attendance: late rolls: %w", errors.Join(page.Invalid("saves", "attendance.key"), err))
	}
	v, now := page.ViewerOf(r), p.Now()
	if in.Account != v.Account {
		return page.Forbidden("attendance.late.account")
	}
	if len(in.Saves) > maxLateSaves {
		return page.Invalid("saves", "attendance.key")
	}
	answers := make([]lateAnswer, len(in.Saves))
	_, err := p.commit(r, func(ctx context.Context, tx database.Tx) error {
		for i, save := range in.Saves {
			var err error
			if answers[i], err = p.lateSave(ctx, tx, v, now, save); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answers)
}

// lateSave saves one. A save that cannot be taken keeps none of the others from being so.
func (p *Pages) lateSave(ctx context.Context, tx database.Tx, v page.Viewer, now time.Time, in lateSave) (lateAnswer, error) {
	answer := lateAnswer{Key: in.Key, Page: "/roll/" + url.PathEscape(in.Sitting)}
	refuse := func(key string, args ...any) (lateAnswer, error) {
		answer.State, answer.Text = lateRefused, page.T(ctx, "attendance.late.refused", "why", page.T(ctx, key, args...))
		return answer, nil
	}
	form, err := url.ParseQuery(in.Form)
	if err != nil || !keyed(in.Key) {
		return refuse("attendance.key")
	}
	done, gone, err := p.lateOnce(ctx, tx, v, now, in, form)
	if refusal, ok := errors.AsType[*page.Refusal](err); ok {
		return refuse(refusal.Key)
	}
	switch {
	case errors.Is(err, ErrEarly), errors.Is(err, ErrCancelled), errors.Is(err, ErrOver):
		return refuse(lateClosed(err))
	case errors.Is(err, errForm):
		return refuse("attendance.value.wrong")
	case err != nil:
		return answer, err
	}
	kept, _ := readKept(done.Kept)
	answer.State, answer.Page = lateSaved, done.address(in.Sitting)
	answer.Text = page.T(ctx, "attendance.late.sent", "made", page.Hour(ctx, done.MadeAt), "hour", page.Hour(ctx, done.ReceivedAt))
	if n := len(kept) + gone; n > 0 {
		answer.State, answer.Text = lateReview, page.T(ctx, "attendance.late.review", "n", n)
	}
	return answer, nil
}

// lateOnce saves one and counts the pupils that it speaks of and who are not in the sitting
// any more.
func (p *Pages) lateOnce(ctx context.Context, tx database.Tx, v page.Viewer, now time.Time, in lateSave, form url.Values) (receipt, int, error) {
	s, err := sittingOf(ctx, tx, v, in.Sitting)
	if err != nil {
		return receipt{}, 0, err
	}
	pupils, err := timetable.Pupils(ctx, tx, v.School, s)
	if err != nil {
		return receipt{}, 0, err
	}
	made := madeAt(s.StartsAt.Add(-earlyRoll), now, time.Duration(in.Age)*time.Millisecond)
	f := readForm(form, s, pupils, made)
	if was, ok, err := receiptOf(ctx, tx, v.School, v.Account, in.Key); err != nil || ok {
		return was, f.Gone, err
	}
	if !mayCall(v, s) {
		return receipt{}, 0, page.Forbidden("attendance.notyours.refused")
	}
	if err := maySave(s, made, page.Zone(ctx), isOffice(v)); err != nil {
		return receipt{}, 0, err
	}
	if len(f.Wrong) > 0 || len(f.Entries) == 0 {
		return receipt{}, 0, errForm
	}
	save := Save{School: v.School, Sitting: s.ID, Day: s.Day, Entries: f.Entries, By: v.Account, Origin: FromOffice,
		OpenedAt: opened(form.Get("opened"), made), Late: true, MadeAt: made, After: in.After}
	if inCharge(v, s) {
		save.Origin = FromRoll
	}
	for _, pupil := range pupils {
		save.Pupils = append(save.Pupils, pupil.ID)
	}
	done, err := saveOnce(ctx, tx, p.Journal, now, save, in.Key)
	return done, f.Gone, err
}

func lateClosed(refusal error) string {
	switch {
	case errors.Is(refusal, ErrEarly):
		return "attendance.late.early"
	case errors.Is(refusal, ErrCancelled):
		return "attendance.cancelled"
	}
	return "attendance.over"
}
