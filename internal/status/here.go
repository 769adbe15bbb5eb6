package status

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// The page of one school: what works there, and words to send to families and staff. What a
// school decided itself (a stop, not being in service) is no failure, and is not on the
// page that everybody reads.

// Here is what keeps one school's messages in the building, by its own decision or for its
// own sake.
type Here struct {
	Service   bool // it sends to families
	Rehearsal bool
	Stopped   bool   // its office pressed the stop
	Locked    bool   // the fence
	Unusual   bool   // the breaker holds something
	Long      []Span // when a line before this school was long lately, the newest first
}

// Span is a time.
type Span struct{ From, Until time.Time }

// LongSince is how far back Here.Long goes.
const LongSince = 7 * 24 * time.Hour

// spanText writes a time of one day, or of two.
func spanText(ctx context.Context, s Span) string {
	if page.Date(ctx, s.From) != page.Date(ctx, s.Until) {
		return page.Capital(page.T(ctx, "status.fromuntil", "from", page.DateHour(ctx, s.From), "until", page.DateHour(ctx, s.Until)))
	}
	return page.Capital(page.T(ctx, "status.long.day", "day", page.Date(ctx, s.From), "from", page.Hour(ctx, s.From), "until", page.Hour(ctx, s.Until)))
}

// keeps gives the reason that weighs most, as a key; empty: none.
func (h Here) keeps() string {
	switch {
	case h.Locked:
		return "status.here.locked"
	case h.Stopped:
		return "status.here.stopped"
	case h.Rehearsal && !h.Service:
		return "status.here.rehearsal"
	case !h.Service:
		return "status.here.service"
	case h.Unusual:
		return "status.here.unusual"
	}
	return ""
}

// hereView is what the page of a school shows.
type hereView struct {
	School directory.School
	Report Report
	Here   Here
	Base   string
	Site   string // of the public page; empty: it has no address that a family could type
}

// parts are how the parts go in this school.
func (v hereView) parts() []PartReport {
	out := make([]PartReport, len(v.Report.Parts))
	copy(out, v.Report.Parts)
	why := v.Here.keeps()
	for n := range out {
		if why != "" && (out[n].Part == Alerts || out[n].Part == Messages) {
			out[n].Why = why
			if v.Here.Unusual && why == "status.here.unusual" {
				out[n].Grade = max(out[n].Grade, Slow)
			} else {
				out[n].Grade = Stopped
			}
		}
	}
	return out
}

// sentence is the state in one sentence, which does not say of this school's messages what
// is true of the others'.
func (v hereView) sentence(ctx context.Context) string {
	r := v.Report
	if len(r.Open) == 0 && v.Here.keeps() != "" {
		switch r.Headline() {
		case "status.head.well":
			return page.T(ctx, "status.here.well")
		case "status.head.line":
			return page.T(ctx, "status.head.line.alone", "low", r.Low, "high", r.High)
		}
	}
	return sentence(ctx, r)
}

// whom a sentence is for.
type whom string

const (
	families whom = "families"
	staff    whom = "staff"
)

// ready is the sentence to send, in the language of the page: what is the matter, what
// holds all the same, where to ask.
func (v hereView) ready(ctx context.Context, to whom) string {
	r := v.Report
	key := strings.TrimPrefix(r.Measured, "status.head.")
	switch {
	case key == "well" && len(r.Open) > 0:
		key = "incident"
	case key == "well" && (v.Here.Stopped || v.Here.Locked):
		key = "messages.stopped"
	}
	incident := ""
	if len(r.Open) > 0 {
		text, _ := r.Open[0].Last().In(page.Lang(ctx))
		incident = strings.ReplaceAll(text, "\n", " ")
	}
	text := page.T(ctx, "status.ready."+string(to)+"."+readyKey(key), "low", r.Low, "high", r.High, "incident", incident, "phone", v.School.Phone)
	if v.Site != "" {
		text += " " + page.T(ctx, "status.ready.more", "url", v.Site+"/etat")
	}
	return text
}

// readyKey is the sentence for a headline: those that a reader would not tell apart have one.
func readyKey(headline string) string {
	switch headline {
	case "line.alone":
		return "line"
	case "starting", "slow":
		return "slow"
	}
	return headline
}

func (s *Status) registerHere(routes *page.Routes) {
	rule := page.Only(page.Operator, page.Head, page.CPE, page.Secretary)
	routes.Handle("GET /schools/{school}/etat", rule, s.showHere)
	routes.Handle("GET /schools/{school}/etat/{whom}", rule, s.showSentence)
}

// lookAt reads what the page of a school shows, for those of that school and the operator.
func (s *Status) lookAt(r *http.Request) (v hereView, err error) {
	id := r.PathValue("school")
	viewer, _ := page.ViewerFrom(r.Context())
	if viewer.Role != page.Operator && viewer.School != id {
		return v, page.NotFound()
	}
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' }) {
		return v, page.NotFound()
	}
	v = hereView{Report: s.Report(), Base: "/schools/" + url.PathEscape(id) + "/etat", Site: s.url}
	err = s.db.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if v.School, err = directory.SchoolByID(ctx, tx, id); err != nil {
			return err
		}
		v.Here, err = s.here(ctx, tx, id, s.now())
		return err
	})
	if errors.Is(err, directory.ErrNotFound) {
		err = page.NotFound()
	}
	return v, err
}

func (s *Status) showHere(w http.ResponseWriter, r *http.Request) error {
	v, err := s.lookAt(r)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, herePage(v))
}

// showSentence gives one sentence alone: what there is to copy where no script copies it.
func (s *Status) showSentence(w http.ResponseWriter, r *http.Request) error {
	v, err := s.lookAt(r)
	if err != nil {
		return err
	}
	to := whom(r.PathValue("whom"))
	if to != families && to != staff {
		return page.NotFound()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(v.ready(r.Context(), to) + "\n"))
	return nil
}

// HereFunc reads what keeps a school's messages in the building.
type HereFunc func(ctx context.Context, tx database.Tx, school string, now time.Time) (Here, error)
