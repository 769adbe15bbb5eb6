package followup

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages are the pages of this capability.
type Pages struct {
	DB       *database.DB
	Followup *Followup
	// Now is the installation's clock.
	Now func() time.Time

	mu     sync.Mutex
	looked map[string]map[look]bool // of a school, which are not kept yet
}

// look is that a pupil opened a page within a quarter of an hour: no day of any zone begins in
// the middle of one.
type look struct {
	pupil string
	at    time.Time
}

// Register adds the pages to the table of routes: the head opens and ends, the head and the CPE
// read and note, and so does a form teacher for the pupils of their class.
func (p *Pages) Register(rs *page.Routes) {
	reads, small := page.Only(page.Head, page.CPE, page.Teacher), page.Body(16<<10)
	rs.Handle("GET /followup", reads, p.list)
	rs.Handle("POST /followup/open", page.Only(page.Head), p.open, small, page.Again())
	rs.Handle("POST /followup/close", page.Only(page.Head), p.end, small)
	rs.Handle("GET /followup/pupils/{pupil}", reads, p.one)
	rs.Handle("POST /followup/pupils/{pupil}/note", reads, p.note, small)
}

// Opened hears that a pupil looks at a page. It asks no database.
func (p *Pages) Opened(school, pupil string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.again(school, look{pupil, p.Now().Truncate(15 * time.Minute)})
}

func (p *Pages) again(school string, one look) {
	if p.looked == nil {
		p.looked = map[string]map[look]bool{}
	}
	if p.looked[school] == nil {
		p.looked[school] = map[look]bool{}
	}
	p.looked[school][one] = true
}

// Keep writes down who opened a page, where somebody asked for it, and ends what is over. What
// could not be written is kept for the next time.
func (p *Pages) Keep(ctx context.Context) error {
	p.mu.Lock()
	looked := p.looked
	p.looked = nil
	p.mu.Unlock()
	now := p.Now()
	var first error
	for school, looks := range looked {
		err := p.DB.InSchool(ctx, school, func(ctx context.Context, tx database.Tx) error {
			s, err := directory.SchoolByID(ctx, tx, school)
			if err != nil {
				return err
			}
			zone, err := s.Location()
			if err != nil {
				return err
			}
			days := map[string][]string{}
			for one := range looks {
				day := timetable.Day(one.at, zone)
				days[day] = append(days[day], one.pupil)
			}
			for day, ids := range days {
				if err := opened(ctx, tx, school, day, ids); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, database.ErrNoSchool) { // which left meanwhile
			first = cmp.Or(first, err)
			p.mu.Lock()
			for one := range looks {
				p.again(school, one)
			}
			p.mu.Unlock()
		}
	}
	var over []string
	if err := p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		over, err = Over(ctx, tx, now)
		return err
	}); err != nil && first == nil {
		first = err
	}
	for _, school := range over {
		err := p.DB.InSchool(ctx, school, func(ctx context.Context, tx database.Tx) error {
			return p.Followup.Close(ctx, tx, school, "followup", now)
		})
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}

func failed(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrOff):
		return page.Conflict("followup.off")
	case errors.Is(err, ErrOpen):
		return page.Conflict("followup.open.already")
	}
	return err
}

type listView struct {
	Off    bool
	Head   bool
	Now    time.Time
	Period Period
	Named  []Named
	Form   Period
	End    string // of the school year
	Err    error
}

func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, http.StatusOK, Period{Days: 3}, nil)
}

func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, form Period, problem error) error {
	v, zone := page.ViewerOf(r), page.Zone(r.Context())
	view := listView{Head: v.Role == page.Head, Now: p.Now(), Form: form, End: directory.YearEnd(timetable.Day(p.Now(), zone)), Err: problem}
	if view.Form.UntilOn == "" {
		view.Form.UntilOn = view.End
	}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		var classes []string // every one
		if v.Role == page.Teacher {
			if classes, err = led(ctx, tx, v, timetable.Day(view.Now, zone)); err != nil {
				return err
			}
		}
		view.Named, view.Period, err = p.Followup.Names(ctx, tx, v.School, classes, view.Now, zone)
		return err
	})
	if view.Off = errors.Is(err, ErrOff); err != nil && !view.Off {
		return failed(err)
	}
	return page.Show(w, r, status, listPage(view))
}

// led lists the classes of a form teacher; ErrNotFound: they lead none.
func led(ctx context.Context, tx database.Tx, v page.Viewer, day string) ([]string, error) {
	classes, err := directory.FormClasses(ctx, tx, v.School, v.ID, day)
	if err == nil && len(classes) == 0 {
		err = ErrNotFound
	}
	ids := make([]string, len(classes))
	for i, g := range classes {
		ids[i] = g.ID
	}
	return ids, err
}

// mayRead refuses a teacher a pupil of a class that they do not lead. ErrNotFound.
func (p *Pages) mayRead(ctx context.Context, tx database.Tx, v page.Viewer, pupil string) error {
	if v.Role != page.Teacher {
		return nil
	}
	err := directory.Leads(ctx, tx, v.School, v.ID, pupil, timetable.Day(p.Now(), page.Zone(ctx)))
	if errors.Is(err, directory.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

func (p *Pages) open(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v := page.ViewerOf(r)
	days, _ := strconv.Atoi(r.PostForm.Get("days")) // what is no number is refused below
	form := Period{School: v.School, Purpose: strings.Join(strings.Fields(r.PostForm.Get("purpose")), " "), Days: days, UntilOn: r.PostForm.Get("until"), OpenedBy: v.Account}
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		_, err := p.Followup.Open(ctx, tx, form, p.Now(), page.Zone(ctx))
		return err
	})
	if errors.Is(err, ErrPurpose) {
		return p.show(w, r, http.StatusUnprocessableEntity, form, page.Invalid("purpose", "followup.purpose.wrong", "least", leastPurpose))
	}
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, "/followup")
}

func (p *Pages) end(w http.ResponseWriter, r *http.Request) error {
	v := page.ViewerOf(r)
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		return p.Followup.Close(ctx, tx, v.School, v.Account, p.Now())
	})
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, "/followup")
}

func (p *Pages) one(w http.ResponseWriter, r *http.Request) error {
	v := page.ViewerOf(r)
	var named Named
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if _, err = directory.PersonByID(ctx, tx, v.School, r.PathValue("pupil")); errors.Is(err, directory.ErrNotFound) {
			return ErrNotFound // whether it is open or not
		}
		if err = p.mayRead(ctx, tx, v, r.PathValue("pupil")); err != nil {
			return err
		}
		named, _, err = p.Followup.Line(ctx, tx, v.School, r.PathValue("pupil"), p.Now(), page.Zone(ctx))
		return err
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, pupilPage(named))
}

func (p *Pages) note(w http.ResponseWriter, r *http.Request) error {
	v, pupil := page.ViewerOf(r), r.PathValue("pupil")
	n := Note{School: v.School, Pupil: pupil, What: r.PostFormValue("what"), By: v.Account}
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		if err := p.mayRead(ctx, tx, v, pupil); err != nil {
			return err
		}
		return p.Followup.note(ctx, tx, n, p.Now(), page.Zone(ctx))
	})
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, "/followup/pupils/"+url.PathEscape(pupil))
}
