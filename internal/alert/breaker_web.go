package alert

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// oddMorning is what the page about a held morning shows: either what strikes, or to the
// second person the question alone.
type oddMorning struct {
	Now     time.Time
	Base    string // of the page's addresses: empty, or the operator's of a school
	Me      string // person
	School  directory.School
	Absent  int
	Told    int // pupils of the day whose families were told before
	Pupils  int
	Usual   Usual
	Scopes  []oddScope
	Refusal string // what kept the last answer from being taken
}

// oddScope is what is held together and let go together: the school, or one roll.
type oddScope struct {
	Sitting   string
	Title     string
	Held      int
	ExpiresAt time.Time // of the first held episode to lose its time
	Signs     []Trip
	Rolls     []oddRoll
	Request   Request
	Second    bool               // the viewer may answer
	Drawn     []directory.Person // of a roll's request
	Classes   map[string]string
}

type oddRoll struct {
	Sitting timetable.Sitting
	Classes string
	Absent  int
	Of      int
	By      string // name; empty: unknown
	At      time.Time
	Seconds int // that it took, where that strikes; 0: it does not
}

var errBreakerDo = page.Invalid("do", "alert.breaker.do.wrong")

// registerBreaker mounts the page of a held morning. Where a school has one adult only,
// the operator is the second person.
func (p *Pages) registerBreaker(routes *page.Routes) {
	small := page.Body(4 << 10)
	for base, rule := range map[string]page.Rule{"": page.SchoolOffice(), "/schools/{school}": page.Only(page.Operator)} {
		routes.Handle("GET "+base+"/breaker", rule, p.showBreaker)
		routes.Handle("POST "+base+"/breaker", rule, p.changeBreaker, small, page.Again("answer"))
	}
}

// looker is who looks at the page: of which school, as which person, with which accounts.
type looker struct {
	school, person, base string
	operator             bool
	accounts             []string
}

func (p *Pages) looker(ctx context.Context, tx database.Tx, r *http.Request) (l looker, err error) {
	v, _ := page.ViewerFrom(ctx)
	l = looker{school: v.School, person: v.ID, accounts: []string{v.Account}}
	if v.Role == page.Operator {
		l.school, l.person, l.operator = r.PathValue("school"), "operator:"+v.Account, true
		l.base = "/schools/" + url.PathEscape(l.school)
		n, err := p.Adults(ctx, tx, l.school)
		if err != nil {
			return l, err
		}
		if n > 1 {
			return l, page.Forbidden("alert.breaker.enough")
		}
		return l, nil
	}
	if p.Accounts != nil && v.ID != "" {
		l.accounts, err = p.Accounts(ctx, tx, v.School, v.ID)
	}
	return l, err
}

func (p *Pages) showBreaker(w http.ResponseWriter, r *http.Request) error {
	return p.breaker(w, r, http.StatusOK, "")
}

func (p *Pages) breaker(w http.ResponseWriter, r *http.Request, status int, refusal string) error {
	var m oddMorning
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		l, err := p.looker(ctx, tx, r)
		if err != nil {
			return err
		}
		m, err = p.oddMorning(ctx, tx, l)
		return err
	})
	if errors.Is(err, directory.ErrNotFound) {
		return page.NotFound()
	}
	if err != nil {
		return err
	}
	m.Refusal = refusal
	return page.Show(w, r, status, breakerPage(m))
}

func (p *Pages) oddMorning(ctx context.Context, tx database.Tx, l looker) (m oddMorning, err error) {
	s, err := loadSchool(ctx, tx, l.school)
	if err != nil {
		return m, err
	}
	m = oddMorning{Now: p.Now(), Base: l.base, Me: l.person, School: s.School}
	day := timetable.Day(m.Now, s.zone)
	all, err := HeldNow(ctx, tx, s.ID, day, "")
	if err != nil || len(all.Trips) == 0 {
		return m, err
	}
	if m.Usual, err = p.Alert.usualOf(ctx, tx, s, day); err != nil {
		return m, err
	}
	measured, err := measure(ctx, tx, s, nil, m.Now)
	if err != nil {
		return m, err
	}
	m.Absent, m.Pupils = measured.Absent, measured.Pupils
	episodes, err := OfDay(ctx, tx, s.ID, day)
	if err != nil {
		return m, err
	}
	for _, e := range episodes {
		if e.State == Told && !slices.Contains(all.Episodes, e.ID) {
			m.Told++
		}
	}
	var scopes []string
	for _, t := range all.Trips {
		if !slices.Contains(scopes, t.Sitting) {
			scopes = append(scopes, t.Sitting)
		}
	}
	if slices.Contains(scopes, "") {
		scopes = []string{""} // the school's release lets all of it go
	}
	for _, sitting := range scopes {
		sc, err := p.oddScope(ctx, tx, s, l, day, sitting, measured)
		if err != nil {
			return m, err
		}
		m.Scopes = append(m.Scopes, sc)
	}
	return m, nil
}

func (p *Pages) oddScope(ctx context.Context, tx database.Tx, s school, l looker, day, sitting string, measured Measure) (sc oddScope, err error) {
	h, err := HeldNow(ctx, tx, s.ID, day, sitting)
	if err != nil {
		return sc, err
	}
	sc = oddScope{Sitting: sitting, Held: len(h.Pupils), Request: h.Request}
	for _, sign := range Signs() {
		for _, t := range h.Trips {
			if t.Sign == sign && t.Sitting == sitting {
				sc.Signs = append(sc.Signs, t)
			}
		}
	}
	episodes, err := OfDay(ctx, tx, s.ID, day)
	if err != nil {
		return sc, err
	}
	for _, e := range episodes {
		if slices.Contains(h.Episodes, e.ID) && (sc.ExpiresAt.IsZero() || e.ExpiresAt.Before(sc.ExpiresAt)) {
			sc.ExpiresAt = e.ExpiresAt
		}
	}
	if sc.Request.ID != "" {
		is, err := concerned(ctx, tx, h, l.person, l.accounts)
		if err != nil {
			return sc, err
		}
		sc.Second = !is
		people, err := directory.People(ctx, tx, s.ID, sc.Request.DrawnPupils())
		if err != nil {
			return sc, err
		}
		for _, id := range sc.Request.DrawnPupils() {
			sc.Drawn = append(sc.Drawn, people[id])
		}
		if sc.Classes, err = directory.ClassesOf(ctx, tx, s.ID, sc.Request.DrawnPupils(), day); err != nil {
			return sc, err
		}
	}
	return sc, p.oddRolls(ctx, tx, s, &sc, measured)
}

// oddRolls names the rolls that strike, with who saved them.
func (p *Pages) oddRolls(ctx context.Context, tx database.Tx, s school, sc *oddScope, measured Measure) error {
	var by []string
	for _, r := range measured.Rolls {
		by = append(by, r.By)
	}
	names := map[string]Actor{}
	if p.Actors != nil {
		var err error
		if names, err = p.Actors(ctx, tx, s.ID, by); err != nil {
			return err
		}
	}
	for _, r := range measured.Rolls {
		if !r.unusual() || sc.Sitting != "" && r.Sitting != sc.Sitting {
			continue
		}
		sitting, err := timetable.ByID(ctx, tx, s.ID, r.Sitting)
		if err != nil {
			return err
		}
		one := oddRoll{Sitting: sitting, Absent: len(r.Absent), Of: r.Of, By: names[r.By].Name, At: r.SavedAt}
		if r.fast() {
			one.Seconds = int(r.SavedAt.Sub(r.OpenedAt) / time.Second)
		}
		classes, err := directory.ClassesOf(ctx, tx, s.ID, r.Absent, sitting.Day)
		if err != nil {
			return err
		}
		for _, p := range r.Absent {
			one.Classes = classes[p]
			break
		}
		sc.Rolls = append(sc.Rolls, one)
	}
	return nil
}

// changeBreaker asks a second person, or is that person's answer.
func (p *Pages) changeBreaker(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	school := ""
	if v, _ := page.ViewerFrom(r.Context()); v.Role == page.Operator {
		school = r.PathValue("school")
	} else {
		school = v.School
	}
	do, sitting := r.PostForm.Get("do"), r.PostForm.Get("scope")
	word := Word{Expected: -1, Absent: map[string]bool{}}
	if n, err := strconv.Atoi(r.PostForm.Get("expected")); err == nil {
		word.Expected = n
	}
	var refused error
	var l looker
	err := p.DB.InSchool(database.Urgent(r.Context()), school, func(ctx context.Context, tx database.Tx) (err error) {
		if l, err = p.looker(ctx, tx, r); err != nil {
			return err
		}
		switch {
		case do == "ask" && !l.operator:
			return p.Alert.AskRelease(ctx, tx, school, sitting, l.person, p.Now())
		case do == "answer":
			for field := range r.PostForm {
				if pupil, ok := strings.CutPrefix(field, "p-"); ok {
					word.Absent[pupil] = r.PostForm.Get(field) == "absent"
				}
			}
			refused, err = p.Alert.AnswerRelease(ctx, tx, school, sitting, l.person, l.accounts, word, p.Now())
			return err
		}
		return errBreakerDo
	})
	if errors.Is(err, database.ErrNoSchool) || errors.Is(err, directory.ErrNotFound) {
		return page.NotFound()
	}
	if errors.Is(err, ErrNothingHeld) || errors.Is(err, ErrTired) {
		refused, err = err, nil
	}
	if err != nil {
		return err
	}
	p.Alert.Poke()
	p.Alert.courier.Poke()
	for known, words := range map[error]string{ErrNothingHeld: "alert.breaker.refused.nothing", ErrTired: "alert.breaker.refused.tired", ErrConcerned: "alert.breaker.refused.concerned", ErrChanged: "alert.breaker.refused.changed", ErrWrong: "alert.breaker.refused.wrong"} {
		if errors.Is(refused, known) {
			return p.breaker(w, r, http.StatusConflict, words)
		}
	}
	return page.See(w, r, l.base+"/breaker")
}

// BreakerBanners says on every page of the office that a morning is held, without a
// figure: whoever will be the second person has not seen any.
func BreakerBanners(ctx context.Context, tx database.Tx, school string, now time.Time) ([]page.Banner, error) {
	all, err := Trips(ctx, tx, school, timetable.Day(now, page.Zone(ctx)))
	open := openTrips(all)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	return []page.Banner{{Tone: page.Held, Text: page.T(ctx, bannerWords(open)), Href: "/breaker", Action: page.T(ctx, "alert.breaker.banner.see")}}, nil
}
