package status

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// The operator's page: what is said now, and a form to say more. Prepared sentences are a
// beginning, to be adapted.

// prepared are the keys of the prepared sentences, with what they touch.
type prepared struct {
	Key     string
	Grade   Grade
	Touches []Part
}

func preparedTexts() []prepared {
	return []prepared{
		{"cause", Slow, nil},
		{"line", Slow, []Part{SignIn}},
		{"slow", Slow, []Part{SignIn, Roll}},
		{"carrier", Slow, []Part{Messages}},
		{"messages", Stopped, []Part{Alerts, Messages}},
		{"classes", Works, nil},
		{"work", Stopped, []Part{SignIn, Roll, Alerts, Messages}},
	}
}

// draft is the form as it was typed.
type draft struct {
	FR, EN      string
	From, Until string // as the browser's field of date and time gives them
	Grade       Grade
	Touches     []Part
}

const fieldTime = "2006-01-02T15:04"

// nextNews is when the prepared sentences promise the next news: in half an hour, at a time
// that people remember.
func nextNews(now time.Time) time.Time { return now.Add(30 * minute).Round(5 * minute) }

// draftOf begins a draft with a prepared sentence, or with nothing.
func draftOf(ctx context.Context, words *page.Words, key string, now time.Time) draft {
	d := draft{From: now.In(page.Zone(ctx)).Format(fieldTime), Grade: Slow}
	for _, p := range preparedTexts() {
		if p.Key == key {
			d.Grade, d.Touches = p.Grade, p.Touches
			d.FR, d.EN = sayIn(ctx, words, "fr", key, now), sayIn(ctx, words, "en", key, now)
		}
	}
	return d
}

// sayIn is a prepared sentence in a language, with the hour and that of the next news.
func sayIn(ctx context.Context, words *page.Words, lang, key string, now time.Time) string {
	in := page.In(ctx, &page.Site{Words: words, Zone: page.Zone(ctx)}, lang)
	return page.T(in, "status.text."+key, "hour", page.Hour(in, now), "next", page.Hour(in, nextNews(now)), "day", page.Date(in, now))
}

// Refusals of the page.
var (
	errWords = page.Invalid("fr", "status.say.fr.wrong")
	errFrom  = page.Invalid("from", "status.say.from.wrong")
	errUntil = page.Invalid("until", "status.say.until.wrong")
	errDeed  = page.Invalid("do", "status.do.wrong")
)

func refusal(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrWords):
		return errWords
	case errors.Is(err, ErrTimes):
		return errUntil
	}
	return err
}

// registerIncidents mounts the operator's page.
func (s *Status) registerIncidents(routes *page.Routes) {
	operator, small := page.Only(page.Operator), page.Body(16<<10)
	routes.Handle("GET /incidents", operator, s.showIncidents)
	routes.Handle("POST /incidents", operator, s.begin, small)
	routes.Handle("POST /incidents/{incident}", operator, s.goOn, small)
}

func (s *Status) showIncidents(w http.ResponseWriter, r *http.Request) error {
	return s.showForm(w, r, http.StatusOK, draftOf(r.Context(), s.site.Words, r.URL.Query().Get("with"), s.now()), nil)
}

func (s *Status) showForm(w http.ResponseWriter, r *http.Request, status int, d draft, wrong error) error {
	now := s.now()
	var all []Incident
	err := s.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		all, err = Since(ctx, tx, now.Add(-pastShown))
		return err
	})
	if err != nil {
		return err
	}
	rep := Judge(s.latest().figures, all, nil, now)
	mended := sayIn(r.Context(), s.site.Words, "fr", "mended", now)
	mendedEN := sayIn(r.Context(), s.site.Words, "en", "mended", now)
	return page.Show(w, r, status, incidentsPage(rep, d, wrong, mended, mendedEN))
}

// begin says something new. What was typed is not lost by a mistake.
func (s *Status) begin(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	f, now := r.PostForm, s.now()
	d := draft{FR: f.Get("fr"), EN: f.Get("en"), From: f.Get("from"), Until: f.Get("until"), Touches: parted(strings.Join(f["touches"], " "))}
	i := Incident{Touches: d.Touches}
	var ok bool
	if i.Grade, ok = gradeOf(f.Get("grade")); !ok {
		return errDeed
	}
	d.Grade = i.Grade
	err := func() error {
		var err error
		zone := page.Zone(r.Context())
		if i.From, err = time.ParseInLocation(fieldTime, d.From, zone); err != nil || i.From.Before(now.Add(-pastShown)) || i.From.After(now.Add(90*24*time.Hour)) {
			return errFrom
		}
		if d.Until != "" {
			if i.Until, err = time.ParseInLocation(fieldTime, d.Until, zone); err != nil {
				return errUntil
			}
		}
		v, _ := page.ViewerFrom(r.Context())
		i.By = v.Account
		return s.in(r, func(ctx context.Context, tx database.Tx) error {
			_, err := Say(ctx, tx, s.journal, i, d.FR, d.EN, now)
			return refusal(err)
		})
	}()
	if wrong, is := errors.AsType[*page.Refusal](err); is {
		return s.showForm(w, r, http.StatusUnprocessableEntity, d, wrong)
	} else if err != nil {
		return err
	}
	return page.See(w, r, "/incidents")
}

// goOn says more of an incident, and ends it where the button says so.
func (s *Status) goOn(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v, _ := page.ViewerFrom(r.Context())
	id, now := r.PathValue("incident"), s.now()
	do := r.PostForm.Get("do")
	if !slices.Contains([]string{"say", "end"}, do) {
		return errDeed
	}
	if strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' }) {
		return page.NotFound()
	}
	err := s.in(r, func(ctx context.Context, tx database.Tx) error {
		i, err := ByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := AddNews(ctx, tx, s.journal, id, v.Account, r.PostForm.Get("fr"), r.PostForm.Get("en"), now); err != nil {
			return err
		}
		if do == "end" && i.When(now) != Over {
			return End(ctx, tx, s.journal, id, v.Account, latest(now, i.From), now)
		}
		return nil
	})
	if err != nil {
		return refusal(err)
	}
	return page.See(w, r, "/incidents")
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// in runs one deed in the installation's chain, and has the page made again.
func (s *Status) in(r *http.Request, fn func(context.Context, database.Tx) error) error {
	err := s.db.InSchool(r.Context(), database.Installation, fn)
	if err == nil {
		s.Poke()
	}
	return err
}
