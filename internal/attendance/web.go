package attendance

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages are the pages of this capability.
type Pages struct {
	DB      *database.DB
	Journal *journal.Journal
	// Now is the installation's clock.
	Now func() time.Time
	// Saved is called after a roll or a statement is committed, so that whoever
	// follows absences looks at once. It must not wait for them. nil: nobody does.
	Saved func()
	// Names gives the names of accounts of a school, as colleagues read them: marks
	// hold accounts, and who owns one is not ours to know. nil: no name is shown.
	Names func(ctx context.Context, tx database.Tx, school string, accounts []string) (map[string]string, error)
	// Propose gives what the roll proposes of pupils who follow the sitting from home, by pupil:
	// who came to its class is not ours to know. nil: nothing is proposed.
	Propose func(ctx context.Context, tx database.Tx, s timetable.Sitting, pupils []string, now time.Time) (map[string]Proposal, error)
}

// patience is how long a save goes on for a browser that is gone already: a telephone
// that loses its network in the corridor has sent its roll all the same.
const patience = 20 * time.Second

// Register adds the pages to the table of routes.
func (p *Pages) Register(rs *page.Routes) {
	rs.Handle("GET /roll/{sitting}", page.Staff(), p.showRoll)
	rs.Handle("POST /roll/{sitting}", page.Staff(), p.saveRoll)
	rs.Handle("POST /roll/late", page.Staff(), p.takeLate)
	rs.Handle("POST /roll/{sitting}/take", page.Staff(), p.take)
	rs.Handle("POST /pupils/{pupil}/statement", page.SchoolLife(), p.state)
	rs.Handle("POST /statements/{statement}/withdraw", page.SchoolLife(), p.withdraw)
}

// showRoll shows a roll. After a save its address says so, and carries the numbers of
// the marks that others made meanwhile: never a name.
func (p *Pages) showRoll(w http.ResponseWriter, r *http.Request) error {
	asked := r.URL.Query()
	var s sheet
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		var err error
		if s, err = p.sheetOf(ctx, tx, page.ViewerOf(r), r.PathValue("sitting"), p.Now()); err != nil {
			return err
		}
		if s.JustSaved = s.Called && s.Mine && asked.Has("saved"); s.JustSaved {
			kept, said := readKept(asked.Get("kept"))
			s.Meanwhile, err = p.meanwhileOf(ctx, tx, s, kept, numbers(asked.Get("over")), said)
		}
		return err
	})
	if err != nil {
		return err
	}
	if !s.Mine {
		return page.Show(w, r, http.StatusOK, notYoursPage(s))
	}
	if s.Closed == ErrEarly && page.ForCopy(r) {
		s.Closed = nil // the copy is for when it is time
	}
	if inCharge(page.ViewerOf(r), s.Sitting) && s.Closed == nil {
		page.MayKeep(w, r)
	}
	return page.Show(w, r, http.StatusOK, rollPage(s))
}

// saveRoll saves what the form says, or shows it again with what is wrong.
func (p *Pages) saveRoll(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("attendance: reading the roll: %w", err)
	}
	now := p.Now()
	var form filled
	var done receipt
	key := r.PostForm.Get("key")
	if key != "" && !keyed(key) {
		return page.Invalid("key", "attendance.key")
	}
	refusal, err := p.commit(r, func(ctx context.Context, tx database.Tx) error {
		v := page.ViewerOf(r)
		s, err := sittingOf(ctx, tx, v, r.PathValue("sitting"))
		if err != nil {
			return err
		}
		if !mayCall(v, s) {
			return page.Forbidden("attendance.notyours.refused")
		}
		pupils, err := timetable.Pupils(ctx, tx, v.School, s)
		if err != nil {
			return err
		}
		if was, ok, err := receiptOf(ctx, tx, v.School, v.Account, key); err != nil || ok {
			done = was
			return err
		}
		form = readForm(r.PostForm, s, pupils, now)
		if err := maySave(s, now, page.Zone(ctx), isOffice(v)); err != nil {
			return err
		}
		if form.Changed || len(form.Wrong) > 0 {
			return errForm
		}
		save := Save{School: v.School, Sitting: s.ID, Day: s.Day, Entries: form.Entries, By: v.Account, Origin: FromOffice, OpenedAt: opened(r.PostForm.Get("opened"), now)}
		if inCharge(v, s) {
			save.Origin = FromRoll
		} else {
			save.MustSay, save.Why, save.Words = true, r.PostForm.Get("why"), strings.TrimSpace(r.PostForm.Get("words"))
			form.Why, form.Words = save.Why, save.Words
		}
		for _, pupil := range pupils {
			save.Pupils = append(save.Pupils, pupil.ID)
		}
		done, err = saveOnce(ctx, tx, p.Journal, now, save, key)
		return err
	})
	if err != nil {
		return err
	}
	if refusal != nil {
		return p.showAgain(w, r, form, refusal, now)
	}
	return page.See(w, r, done.address(r.PathValue("sitting")))
}

// address is the page of a roll that says what became of a save.
func (r receipt) address(sitting string) string {
	answer := url.Values{"saved": {"1"}}
	if r.Kept != "" {
		answer.Set("kept", r.Kept)
	}
	if r.Over != "" {
		answer.Set("over", r.Over)
	}
	return "/roll/" + url.PathEscape(sitting) + "?" + answer.Encode()
}

// opened reads when the page says that it was opened. It is no evidence: what is in the
// future, or of another day, is not known.
func opened(text string, now time.Time) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	at := time.UnixMilli(ms)
	if err != nil || at.After(now) || now.Sub(at) > 24*time.Hour {
		return time.Time{}
	}
	return database.Stamp(at)
}

// errForm: the form says something that cannot be taken.
var errForm = errors.New("attendance: the form cannot be taken")

// commit runs fn in the school's transaction, ahead of what can wait and even when the
// browser is gone. What keeps a roll from being saved, and is to be said on the roll
// itself, comes back as the first error.
func (p *Pages) commit(r *http.Request, fn func(context.Context, database.Tx) error) (refusal, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	err = p.DB.InSchool(database.Urgent(ctx), page.ViewerOf(r).School, fn)
	for _, known := range []error{errForm, ErrWhy, ErrEarly, ErrOver, ErrCancelled} {
		if errors.Is(err, known) {
			return known, nil
		}
	}
	if err == nil && p.Saved != nil {
		p.Saved()
	}
	return nil, err
}

// showAgain shows the roll as the form left it, with what kept it from being saved.
func (p *Pages) showAgain(w http.ResponseWriter, r *http.Request, f filled, refusal error, now time.Time) error {
	var s sheet
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		var err error
		s, err = p.sheetOf(ctx, tx, page.ViewerOf(r), r.PathValue("sitting"), now)
		return err
	})
	if err != nil {
		return err
	}
	s.fill(f)
	status := http.StatusUnprocessableEntity
	switch {
	case refusal == ErrWhy:
		s.Problem, s.NoWhy = "attendance.why.wrong", true
	case refusal != errForm:
		status, s.Refused = http.StatusConflict, true // Closed says why
	case f.Changed:
		s.Problem = "attendance.changed"
	}
	return page.Show(w, r, status, rollPage(s))
}

// take puts the viewer in charge of the sitting, where everybody sees it.
func (p *Pages) take(w http.ResponseWriter, r *http.Request) error {
	now := p.Now()
	// What keeps it from being taken is said by the page that follows.
	_, err := p.commit(r, func(ctx context.Context, tx database.Tx) error {
		v := page.ViewerOf(r)
		s, err := sittingOf(ctx, tx, v, r.PathValue("sitting"))
		if err != nil || inCharge(v, s) {
			return err
		}
		if v.ID == "" {
			return page.Forbidden("page.forbidden.text") // an account of nobody
		}
		if err := maySave(s, now, page.Zone(ctx), isOffice(v)); err != nil {
			return err
		}
		if err := timetable.Take(ctx, tx, v.School, s.ID, v.ID, now); err != nil {
			return err
		}
		return p.Journal.Append(ctx, tx, v.School, now, journal.Deed{Act: "take", Actor: v.Account, Subject: s.ID,
			Detail: map[string]string{"person": v.ID}})
	})
	if err != nil {
		return err
	}
	return page.See(w, r, "/roll/"+url.PathEscape(r.PathValue("sitting")))
}

// state records that a pupil is expected elsewhere, or in the building, from now until
// the end of the half-day or the time given.
func (p *Pages) state(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("attendance: reading the statement: %w", err)
	}
	now, v := p.Now(), page.ViewerOf(r)
	until, ok := readUntil(r.PostForm.Get("until"), now, page.Zone(r.Context()))
	if !ok {
		return page.Invalid("until", "attendance.statement.until")
	}
	s := Statement{School: v.School, Pupil: r.PathValue("pupil"), Says: Says(r.PostForm.Get("says")), Reason: r.PostForm.Get("reason"),
		FromAt: now, UntilAt: until, By: v.Account}
	if len(Reasons(s.Says)) == 0 {
		return page.Invalid("says", "attendance.statement.says")
	}
	_, err := p.commit(r, func(ctx context.Context, tx database.Tx) error {
		pupil, err := directory.PersonByID(ctx, tx, v.School, s.Pupil)
		if errors.Is(err, directory.ErrNotFound) || err == nil && pupil.Kind != directory.KindPupil {
			return page.NotFound()
		}
		if err != nil {
			return err
		}
		return State(ctx, tx, p.Journal, now, s)
	})
	switch {
	case errors.Is(err, ErrReason):
		return page.Invalid("reason", "attendance.statement.reason")
	case errors.Is(err, ErrSpan):
		return page.Invalid("until", "attendance.statement.until")
	case err != nil:
		return err
	}
	return page.See(w, r, r.PostForm.Get("next"))
}

// withdraw takes a statement back.
func (p *Pages) withdraw(w http.ResponseWriter, r *http.Request) error {
	v := page.ViewerOf(r)
	_, err := p.commit(r, func(ctx context.Context, tx database.Tx) error {
		return Withdraw(ctx, tx, p.Journal, p.Now(), v.School, r.PathValue("statement"), v.Account)
	})
	if errors.Is(err, ErrNotFound) {
		return page.NotFound()
	}
	if err != nil {
		return err
	}
	return page.See(w, r, r.PostFormValue("next"))
}

// readUntil reads the end of a statement: an hour of today (12:30), a day and an hour
// as browsers write them (2026-11-24T12:30), or nothing: the end of the half-day.
func readUntil(text string, now time.Time, loc *time.Location) (time.Time, bool) {
	switch text = strings.TrimSpace(text); len(text) {
	case 0:
		_, until, err := timetable.HalfDaySpan(timetable.HalfDay(now, loc), loc)
		return until, err == nil
	case len("12:30"):
		text = timetable.Day(now, loc) + "T" + text
	}
	until, err := time.ParseInLocation("2006-01-02T15:04", text, loc)
	return until, err == nil && until.After(now)
}

// maxNumbers is at most as many marks as a roll can have.
const maxNumbers = 100

// numbers reads the marks that an address names.
func numbers(text string) []int64 {
	var ns []int64
	for _, part := range strings.SplitN(text, ".", maxNumbers) {
		if n, err := strconv.ParseInt(part, 10, 64); err == nil && n > 0 {
			ns = append(ns, n)
		}
	}
	return ns
}

func numbersText(marks []Mark) string {
	parts := make([]string, len(marks))
	for i, k := range marks {
		parts[i] = strconv.FormatInt(k.N, 10)
	}
	return strings.Join(parts, ".")
}
