package alert

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// mistakes is what the page of corrections shows: what was said in this half-day, by roll,
// and how far the corrections that were pressed have come.
type mistakes struct {
	Now     time.Time
	HalfDay string
	All     whatWasSaid
	Rolls   []whatWasSaid
	Pressed []progress
}

// whatWasSaid is what a correction of a scope would end.
type whatWasSaid struct {
	Sitting string
	Title   string
	Told    int // pupils whose families were told, or may have been
	Held    int // pupils whose families would be told
}

// progress is how far a correction has come.
type progress struct {
	Correct
	Title string
	Left  int // corrections that began to leave
	Of    int // written so far
	Open  int // episodes still to end
}

// registerCorrections mounts the page of corrections, for the school's office.
func (p *Pages) registerCorrections(routes *page.Routes) {
	routes.Handle("GET /corrections", page.SchoolOffice(), p.showCorrections)
	routes.Handle("POST /corrections", page.SchoolOffice(), p.pressCorrection, page.Body(4<<10))
}

func (p *Pages) showCorrections(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	var m mistakes
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		m, err = readMistakes(ctx, tx, v.School, p.Now())
		return err
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, correctionsPage(m))
}

func readMistakes(ctx context.Context, tx database.Tx, schoolID string, now time.Time) (m mistakes, err error) {
	s, err := loadSchool(ctx, tx, schoolID)
	if err != nil {
		return m, err
	}
	m = mistakes{Now: now, HalfDay: timetable.HalfDay(now, s.zone)}
	day := timetable.Day(now, s.zone)
	episodes, err := OfDay(ctx, tx, s.ID, day)
	if err != nil {
		return m, err
	}
	by := map[string]*whatWasSaid{}
	var order, sittings []string
	for _, e := range episodes {
		sittings = append(sittings, e.Sitting)
		if e.HalfDay != m.HalfDay || !isOpen(e) {
			continue
		}
		one := by[e.Sitting]
		if one == nil {
			one = &whatWasSaid{Sitting: e.Sitting}
			by[e.Sitting], order = one, append(order, e.Sitting)
		}
		for _, sc := range []*whatWasSaid{one, &m.All} {
			if e.State == Told {
				sc.Told++
			} else if e.State == Held {
				sc.Held++
			}
		}
	}
	named, err := timetable.Some(ctx, tx, s.ID, unique(sittings))
	if err != nil {
		return m, err
	}
	titles, err := rollTitles(ctx, tx, s.ID, day, episodes, named)
	if err != nil {
		return m, err
	}
	for _, id := range order {
		if by[id].Told+by[id].Held > 0 {
			by[id].Title = titles[id]
			m.Rolls = append(m.Rolls, *by[id])
		}
	}
	slices.SortStableFunc(m.Rolls, func(a, b whatWasSaid) int { return b.Told + b.Held - a.Told - a.Held })
	return m, m.readPressed(ctx, tx, s.ID, day, episodes, titles)
}

// rollTitles names the rolls of episodes: 3e B · Mathématiques.
func rollTitles(ctx context.Context, tx database.Tx, school, day string, episodes []Episode, sittings map[string]timetable.Sitting) (map[string]string, error) {
	first := map[string]string{} // a pupil of each
	var pupils []string
	for _, e := range episodes {
		if first[e.Sitting] == "" {
			first[e.Sitting] = e.Pupil
			pupils = append(pupils, e.Pupil)
		}
	}
	classes, err := directory.ClassesOf(ctx, tx, school, pupils, day)
	out := map[string]string{}
	for id, pupil := range first {
		out[id] = rollName(oddRoll{Sitting: sittings[id], Classes: classes[pupil]})
	}
	return out, err
}

func (m *mistakes) readPressed(ctx context.Context, tx database.Tx, school, day string, episodes []Episode, titles map[string]string) error {
	pressed, err := CorrectionsOf(ctx, tx, school, day)
	if err != nil {
		return err
	}
	for _, x := range slices.Backward(pressed) {
		g := progress{Correct: x, Title: titles[x.Sitting]}
		var refs []string
		for _, e := range episodes {
			if e.HalfDay == x.HalfDay && (x.Sitting == "" || e.Sitting == x.Sitting) && !e.FirstAt.After(x.At) {
				refs = append(refs, e.ID)
				if isOpen(e) {
					g.Open++
				}
			}
		}
		letters, err := courier.StatesAbout(ctx, tx, school, refs)
		if err != nil {
			return err
		}
		for _, l := range letters {
			if l.Kind == courier.Correction && !l.CreatedAt.Before(x.At) {
				if g.Of++; l.State.MayHaveLeft() || l.State == courier.Leaving {
					g.Left++
				}
			}
		}
		m.Pressed = append(m.Pressed, g)
	}
	return nil
}

// wholeHalfDay is what the form says of everybody in the half-day.
const wholeHalfDay = "half-day"

// pressCorrection is the one press. What the page showed is not sent along: who is told is
// read from what was said, here and now.
func (p *Pages) pressCorrection(w http.ResponseWriter, r *http.Request) error {
	v, _ := page.ViewerFrom(r.Context())
	if err := r.ParseForm(); err != nil {
		return err
	}
	err := p.DB.InSchool(database.Urgent(r.Context()), v.School, func(ctx context.Context, tx database.Tx) error {
		now := p.Now()
		s, err := loadSchool(ctx, tx, v.School)
		if err != nil {
			return err
		}
		half := r.PostForm.Get("half")
		if half != timetable.Day(now, s.zone)+"/am" && half != timetable.Day(now, s.zone)+"/pm" {
			return ErrNothingSaid // a page of another day
		}
		// The whole half-day has a word of its own: nothing that is left out means everybody.
		scopes := r.PostForm["scope"]
		if len(scopes) != 1 || scopes[0] == "" {
			return ErrNothingSaid
		}
		scope := scopes[0]
		if scope == wholeHalfDay {
			scope = ""
		}
		_, err = p.Alert.PressCorrection(ctx, tx, v.School, half, scope, v.ID, now)
		return err
	})
	if errors.Is(err, ErrNothingSaid) {
		return page.Conflict("alert.correct.nothing")
	}
	if err != nil {
		return err
	}
	p.Alert.Poke()
	return page.See(w, r, "/corrections")
}
