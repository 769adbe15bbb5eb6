package guard

import (
	"context"
	"embed"
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
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Adults counts the persons of a school who could be a second one: head, CPE, office.
type Adults func(ctx context.Context, tx database.Tx, school string) (int, error)

// Pages are this package's pages.
type Pages struct {
	DB     *database.DB
	Guard  *Guard // nil: there is no other tool here
	Now    func() time.Time
	Adults Adults
}

// Register mounts the pages, for the school's office and, where a school has only one
// adult, the operator.
func (p *Pages) Register(routes *page.Routes) {
	for base, rule := range map[string]page.Rule{"": page.SchoolOffice(), "/schools/{school}": page.Only(page.Operator)} {
		routes.Handle("GET "+base+"/guard", rule, p.show)
		routes.Handle("POST "+base+"/guard/{trip}", rule, p.change, page.Body(4<<10))
	}
}

var (
	errDeed      = page.Invalid("do", "guard.do.wrong")
	errExpected  = page.Invalid("expected", "guard.expected.wrong")
	errSecond    = page.Forbidden("guard.second")
	errDecided   = page.Conflict("guard.decided")
	errChanged   = page.Conflict("guard.changed")
	errNotNeeded = page.Forbidden("guard.enough")
)

// asID is an id in a path; what cannot be one becomes one that nothing has.
func asID(id string) string {
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' }) {
		return ""
	}
	return id
}

// visitor is who looks, and at which school.
type visitor struct {
	by, school, base string
	operator         bool
}

func visit(r *http.Request) visitor {
	v, _ := page.ViewerFrom(r.Context())
	who := visitor{by: v.ID, school: v.School}
	if v.Role == page.Operator {
		who = visitor{by: "operator:" + v.Account, school: asID(r.PathValue("school")), operator: true}
		who.base = "/schools/" + url.PathEscape(who.school)
	}
	return who
}

// mayLook refuses another school than the tool's, and an operator whom it does not need.
func (p *Pages) mayLook(ctx context.Context, tx database.Tx, v visitor) error {
	if p.Guard == nil || v.school == "" || p.Guard.School() != v.school {
		return page.NotFound()
	}
	if !v.operator {
		return nil
	}
	n, err := p.Adults(ctx, tx, v.school)
	if err == nil && n > 1 {
		err = errNotNeeded
	}
	return err
}

// view is the page of what is held.
type view struct {
	Base     string
	By       string
	Operator bool
	School   directory.School
	Now      time.Time
	Open     []shown
	Past     []shown
	Today    map[State]int
	Call     []Message // to telephone
	Failed   string    // trip whose release the two persons did not agree on
	Why      string
	Limits   Limits
	People   map[string]directory.Person
}

// shown is a trip with what it holds.
type shown struct {
	Trip
	Holding
}

// Second tells whether somebody else asked, so that the viewer may be the second person.
func (s shown) Second(by string) bool { return s.AskedBy != "" && s.AskedBy != by }

// Blind tells whether the viewer may be the second person of something: the page has no
// figures for them.
func (v view) Blind() bool {
	return slices.ContainsFunc(v.Open, func(t shown) bool { return t.Second(v.By) })
}

const (
	tripsShown = 20
	callsShown = 200
)

func (p *Pages) show(w http.ResponseWriter, r *http.Request) error {
	return p.page(w, r, http.StatusOK, "", "")
}

func (p *Pages) page(w http.ResponseWriter, r *http.Request, status int, failed, why string) error {
	who := visit(r)
	v := view{Base: who.base, By: who.by, Operator: who.operator, Now: p.Now(), Failed: failed, Why: why}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if err := p.mayLook(ctx, tx, who); err != nil {
			return err
		}
		v.Limits = p.Guard.limits
		if v.School, err = directory.SchoolByID(ctx, tx, who.school); err != nil {
			return err
		}
		zone, err := v.School.Location()
		if err != nil {
			return err
		}
		trips, err := Trips(ctx, tx, who.school, tripsShown)
		if err != nil {
			return err
		}
		var ids []string
		for _, t := range trips {
			h, err := HoldingOf(ctx, tx, t)
			if err != nil {
				return err
			}
			for _, id := range []string{t.AskedBy, t.DecidedBy} {
				if id != "" && !strings.HasPrefix(id, "operator:") {
					ids = append(ids, id)
				}
			}
			if t.Outcome == Open {
				v.Open = append(v.Open, shown{t, h})
			} else {
				v.Past = append(v.Past, shown{t, h})
			}
		}
		if v.People, err = directory.Names(ctx, tx, who.school, ids); err != nil {
			return err
		}
		at := v.Now.In(zone)
		since := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone)
		if v.Today, err = Today(ctx, tx, who.school, since); err != nil {
			return err
		}
		v.Call, err = ToTelephone(ctx, tx, who.school, since, callsShown)
		return err
	})
	if err != nil {
		return err
	}
	return page.Show(w, r, status, guardPage(v))
}

// change does one deed to a trip: ask, release, discard.
func (p *Pages) change(w http.ResponseWriter, r *http.Request) error {
	who := visit(r)
	trip := asID(r.PathValue("trip"))
	if err := r.ParseForm(); err != nil {
		return err
	}
	do, f := r.PostForm.Get("do"), r.PostForm
	number := func(name string) (int, bool) {
		n, err := strconv.Atoi(strings.TrimSpace(f.Get(name)))
		return n, err == nil && n > 0 && n < 1_000_000 && len(f[name]) == 1
	}
	var disagree error
	err := p.DB.InSchool(database.Urgent(r.Context()), who.school, func(ctx context.Context, tx database.Tx) error {
		if err := p.mayLook(ctx, tx, who); err != nil {
			return err
		}
		now := p.Now()
		switch {
		case do == "ask" && !who.operator:
			n, ok := number("counted")
			if !ok {
				return errDeed
			}
			return p.Guard.Ask(ctx, tx, trip, who.by, n, now)
		case do == "release":
			n, ok := number("expected")
			if !ok {
				disagree = errExpected
				return nil
			}
			var err error
			_, disagree, err = p.Guard.Release(ctx, tx, trip, who.by, n, now)
			return err
		case do == "discard" && !who.operator:
			_, err := p.Guard.Discard(ctx, tx, trip, who.by, now)
			return err
		}
		return errDeed
	})
	switch {
	case errors.Is(err, database.ErrNoSchool), errors.Is(err, ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrSecond):
		return errSecond
	case errors.Is(err, ErrDecided):
		return errDecided
	case errors.Is(err, ErrChanged):
		return errChanged
	case err != nil:
		return err
	case errors.Is(disagree, ErrNumbers):
		return p.page(w, r, http.StatusConflict, trip, "numbers")
	case errors.Is(disagree, ErrChanged):
		return p.page(w, r, http.StatusConflict, trip, "changed")
	case disagree != nil:
		return p.page(w, r, http.StatusUnprocessableEntity, trip, "expected")
	}
	return page.See(w, r, who.base+"/guard")
}

// Banners says on every page of the office that messages of its tool are held, without a
// figure: whoever will be the second person has not seen any. A nil guard holds nothing.
func (g *Guard) Banners(ctx context.Context, tx database.Tx, school string) ([]page.Banner, error) {
	if g == nil || g.school != school || school == "" {
		return nil, nil
	}
	held, err := tx.NewSelect().Model((*Trip)(nil)).Where("t.school = ? AND t.outcome = ''", school).Exists(ctx)
	if err != nil || !held {
		return nil, err
	}
	return []page.Banner{{Tone: page.Held, Text: page.T(ctx, "guard.banner"), Href: "/guard", Action: page.T(ctx, "guard.banner.see")}}, nil
}
