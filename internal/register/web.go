package register

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
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

// Pages are the pages of this package.
type Pages struct {
	DB      *database.DB
	Journal *journal.Journal
	Now     func() time.Time
	// Documents is the folder of the documents that guardians send.
	Documents string
}

// Register mounts the pages.
func (p *Pages) Register(rs *page.Routes) {
	small, file := page.Body(64<<10), page.Body(mostDocument+256<<10)
	office, family := page.SchoolOffice(), page.Only(page.Guardian)
	rs.Handle("GET /register", office, p.month)
	rs.Handle("GET /register/export", office, p.export)
	rs.Handle("GET /pupils/{pupil}/register", office, p.pupil)
	rs.Handle("POST /pupils/{pupil}/register", office, p.give, small)
	rs.Handle("POST /justifications/{justification}/settle", office, p.settle, small)
	rs.Handle("GET /justifications/{justification}/document", office, p.document)
	rs.Handle("GET /form", page.Only(page.Teacher), p.form)
	rs.Handle("GET /form/pupils/{pupil}", page.Only(page.Teacher), p.formPupil)
	rs.Handle("GET /children/{pupil}/register", family, p.child)
	rs.Handle("POST /children/{pupil}/register", family, p.send, file)
	rs.Handle("GET /children/{pupil}/justifications/{justification}/document", family, p.ownDocument)
}

// failed turns the refusals of this package into those of pages.
func failed(err error) error {
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, directory.ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrReason):
		return page.Invalid("reason", "register.reason.wrong")
	case errors.Is(err, ErrHalf):
		return page.Invalid("half", "register.half.wrong")
	case errors.Is(err, ErrDocument):
		return page.Invalid("document", "register.document.wrong")
	case errors.Is(err, ErrMany):
		return page.Conflict("register.many")
	case errors.Is(err, ErrSettled):
		return page.Conflict("register.settled")
	}
	return err
}

// monthView is one month of the school, or of a class.
type monthView struct {
	Month   string // 2026-11
	Today   string
	Class   string
	Classes []directory.Group
	Count   Count
	Pupils  []pupilRow
	File    []pupilRow // the list for the academic authority
	Waiting []waitingRow
	Days    []string // school days of the month
	Region  string

	from, until string // the month's days
	plain       bool   // for a form teacher
}

type pupilRow struct {
	Pupil directory.Person
	Class string
	Count Count
	Half  []HalfDay
}

type waitingRow struct {
	Justification
	Pupil  directory.Person
	Class  string
	Person directory.Person
}

func (p *Pages) month(w http.ResponseWriter, r *http.Request) error {
	view, err := p.readMonth(r)
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, monthPage(view))
}

// readMonth reads the month and the class that the address names: this month, every class.
func (p *Pages) readMonth(r *http.Request) (monthView, error) {
	v, q, zone := page.ViewerOf(r), r.URL.Query(), page.Zone(r.Context())
	view := monthView{Today: timetable.Day(p.Now(), zone), Class: q.Get("class")}
	if err := view.ofMonth(q.Get("month")); err != nil {
		return view, err
	}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		groups, err := directory.Groups(ctx, tx, v.School)
		if err != nil {
			return err
		}
		view.Classes = slices.DeleteFunc(groups, func(g directory.Group) bool { return g.Kind != "class" })
		directory.ByLabel(view.Classes)
		if view.Class != "" && !slices.ContainsFunc(view.Classes, func(g directory.Group) bool { return g.ID == view.Class }) {
			return ErrNotFound
		}
		if err := view.read(ctx, tx, v.School); err != nil {
			return err
		}
		return view.waiting(ctx, tx, v.School)
	})
	return view, err
}

// ofMonth says which month it is: this one, where none is named.
func (v *monthView) ofMonth(asked string) error {
	first, err := time.Parse("2006-01", asked)
	if err != nil {
		if first, err = time.Parse("2006-01", v.Today[:7]); err != nil {
			return err
		}
	}
	v.Month = first.Format("2006-01")
	v.from, v.until = first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly)
	return nil
}

// read reads who missed what in the month, of the class or of everybody.
func (v *monthView) read(ctx context.Context, tx database.Tx, schoolID string) error {
	school, err := directory.SchoolByID(ctx, tx, schoolID)
	if err != nil {
		return err
	}
	v.Region = school.Region
	var only []string
	if v.Class != "" {
		day := min(v.until, max(v.from, v.Today))
		if v.plain {
			day = v.Today // whoever was of the class then is another's now
		}
		people, err := directory.GroupPupils(ctx, tx, schoolID, []string{v.Class}, day)
		if err != nil {
			return err
		}
		only = []string{}
		for _, one := range people {
			only = append(only, one.ID)
		}
	}
	all, err := Read(ctx, tx, school, page.Zone(ctx), v.from, v.until, only)
	if err != nil {
		return err
	}
	if v.plain {
		all = plain(all)
	}
	v.Count = CountOf(all)
	if err := v.rows(ctx, tx, schoolID, byPupil(all)); err != nil {
		return err
	}
	closures, err := timetable.Closures(ctx, tx, schoolID, v.from)
	if err != nil {
		return err
	}
	v.Days = schoolDays(closures, v.from, v.until)
	return nil
}

// rows names the pupils: those with most to settle first.
func (v *monthView) rows(ctx context.Context, tx database.Tx, school string, all map[string][]HalfDay) error {
	var ids []string
	for id := range all {
		ids = append(ids, id)
	}
	people, err := directory.Names(ctx, tx, school, ids)
	if err != nil {
		return err
	}
	classes, err := directory.ClassesOf(ctx, tx, school, ids, v.Today)
	if err != nil {
		return err
	}
	var named []directory.Person
	for _, id := range ids {
		named = append(named, people[id])
	}
	directory.ByName(named)
	for _, one := range named {
		row := pupilRow{Pupil: one, Class: classes[one.ID], Count: CountOf(all[one.ID]), Half: all[one.ID]}
		v.Pupils = append(v.Pupils, row)
		if InFile(row.Count) {
			v.File = append(v.File, row)
		}
	}
	slices.SortStableFunc(v.Pupils, func(a, b pupilRow) int { return b.Count.Unjustified() - a.Count.Unjustified() })
	slices.SortStableFunc(v.File, func(a, b pupilRow) int { return b.Count.Unjustified() - a.Count.Unjustified() })
	return nil
}

func (v *monthView) waiting(ctx context.Context, tx database.Tx, school string) error {
	all, err := waiting(ctx, tx, school)
	if err != nil {
		return err
	}
	v.Waiting, err = waitingRows(ctx, tx, school, v.Today, all)
	return err
}

func waitingRows(ctx context.Context, tx database.Tx, school, day string, all []Justification) ([]waitingRow, error) {
	var ids, pupils []string
	for _, j := range all {
		ids, pupils = append(ids, j.Pupil, j.Person), append(pupils, j.Pupil)
	}
	people, err := directory.Names(ctx, tx, school, unique(ids))
	if err != nil {
		return nil, err
	}
	classes, err := directory.ClassesOf(ctx, tx, school, unique(pupils), day)
	out := make([]waitingRow, len(all))
	for i, j := range all {
		out[i] = waitingRow{Justification: j, Pupil: people[j.Pupil], Class: classes[j.Pupil], Person: people[j.Person]}
	}
	return out, err
}

// schoolDays lists Monday to Friday without closures.
func schoolDays(closures []timetable.Closure, from, until string) []string {
	d, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return nil
	}
	var out []string
	for ; ; d = d.AddDate(0, 0, 1) {
		day := d.Format(time.DateOnly)
		if day > until {
			return out
		}
		_, closed := timetable.ClosedOn(closures, day)
		if !closed && d.Weekday() != time.Saturday && d.Weekday() != time.Sunday {
			out = append(out, day)
		}
	}
}

// pupilView is the history of one pupil, since the school year began.
type pupilView struct {
	Pupil  directory.Person
	Class  string
	Today  string
	Region string
	Months []monthOf // the last first
	Count  Count
	Late   int
	Mins   int
	Told   []waitingRow // justifications, the last first
	Done   string
	Err    error

	plain bool // for a form teacher
}

// monthOf is one month of one pupil.
type monthOf struct {
	Month string
	Days  []string
	Half  []HalfDay
	Count Count
}

func (p *Pages) pupil(w http.ResponseWriter, r *http.Request) error {
	return p.showPupil(w, r, http.StatusOK, nil)
}

func (p *Pages) showPupil(w http.ResponseWriter, r *http.Request, status int, problem error) error {
	v := page.ViewerOf(r)
	view := pupilView{Done: r.URL.Query().Get("done"), Err: problem}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		view.Today = timetable.Day(p.Now(), page.Zone(ctx))
		if view.Pupil, err = pupilOf(ctx, tx, v.School, r.PathValue("pupil")); err != nil {
			return err
		}
		return view.read(ctx, tx, v.School, "")
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, status, pupilPage(view))
}

func pupilOf(ctx context.Context, tx database.Tx, school, id string) (directory.Person, error) {
	one, err := directory.PersonByID(ctx, tx, school, id)
	if err == nil && one.Kind != directory.KindPupil {
		err = ErrNotFound
	}
	return one, err
}

// read reads the pupil's year. person: only what that guardian sent.
func (v *pupilView) read(ctx context.Context, tx database.Tx, schoolID, person string) error {
	school, err := directory.SchoolByID(ctx, tx, schoolID)
	if err != nil {
		return err
	}
	v.Region = school.Region
	classes, err := directory.ClassesOf(ctx, tx, schoolID, []string{v.Pupil.ID}, v.Today)
	if err != nil {
		return err
	}
	v.Class = classes[v.Pupil.ID]
	from := yearFrom(v.Today)
	all, err := Read(ctx, tx, school, page.Zone(ctx), from, v.Today, []string{v.Pupil.ID})
	if err != nil {
		return err
	}
	if v.Late, v.Mins, err = attendance.LateTimes(ctx, tx, schoolID, v.Pupil.ID, from, v.Today); err != nil {
		return err
	}
	if v.plain {
		all = plain(all)
	}
	v.Count = CountOf(all)
	closures, err := timetable.Closures(ctx, tx, schoolID, from)
	if err != nil {
		return err
	}
	v.Months = months(all, closures)
	sent, err := ofPupil(ctx, tx, schoolID, v.Pupil.ID, person, from)
	if err != nil {
		return err
	}
	v.Told, err = waitingRows(ctx, tx, schoolID, v.Today, sent)
	return err
}

// months parts half-days by month, the last first.
func months(all []HalfDay, closures []timetable.Closure) []monthOf {
	var out []monthOf
	for _, h := range slices.Backward(all) {
		if n := len(out); n == 0 || out[n-1].Month != h.Month() {
			out = append(out, monthOf{Month: h.Month()})
		}
		m := &out[len(out)-1]
		m.Half = append(m.Half, h)
	}
	for i := range out {
		m := &out[i]
		slices.Reverse(m.Half)
		m.Count = CountOf(m.Half)
		first, err := time.Parse("2006-01", m.Month)
		if err == nil {
			m.Days = schoolDays(closures, first.Format(time.DateOnly), first.AddDate(0, 1, -1).Format(time.DateOnly))
		}
	}
	return out
}

// give keeps a reason for the half-days that were ticked.
func (p *Pages) give(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("register: reading the form: %w", err)
	}
	v := page.ViewerOf(r)
	halves := r.PostForm["half"]
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		one, err := pupilOf(ctx, tx, v.School, r.PathValue("pupil"))
		if err != nil {
			return err
		}
		school, err := directory.SchoolByID(ctx, tx, v.School)
		if err != nil {
			return err
		}
		if len(halves) > 2*longestJustified {
			return ErrHalf
		}
		return Give(ctx, tx, p.Journal, p.Now(), school, one.ID, halves, r.PostForm.Get("reason"), v.Account)
	})
	if err := failed(err); err != nil {
		if refusal, ok := errors.AsType[*page.Refusal](err); ok && refusal.Field != "" {
			return p.showPupil(w, r, refusal.Status, err)
		}
		return err
	}
	return page.See(w, r, "/pupils/"+url.PathEscape(r.PathValue("pupil"))+"/register?done=reason")
}

// settle accepts or refuses a justification.
func (p *Pages) settle(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("register: reading the form: %w", err)
	}
	v, f := page.ViewerOf(r), r.PostForm
	to := JustificationState(f.Get("to"))
	if f.Get("refusal") != "" {
		to = Refused
	}
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		school, err := directory.SchoolByID(ctx, tx, v.School)
		if err != nil {
			return err
		}
		_, err = Settle(ctx, tx, p.Journal, p.Now(), school, r.PathValue("justification"), to, f.Get("reason"), f.Get("refusal"), v.Account)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return page.See(w, r, f.Get("next"))
}

func (p *Pages) document(w http.ResponseWriter, r *http.Request) error {
	return p.serveDocument(w, r, func(Justification) bool { return true })
}

func (p *Pages) serveDocument(w http.ResponseWriter, r *http.Request, may func(Justification) bool) error {
	var j Justification
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		j, err = ByID(ctx, tx, page.ViewerOf(r).School, r.PathValue("justification"))
		return err
	})
	if err == nil && !may(j) {
		err = ErrNotFound
	}
	if err != nil {
		return failed(err)
	}
	b, err := read(p.Documents, j)
	if err != nil {
		return failed(err)
	}
	return serve(w, j, b)
}

// readHalfForm reads a day and a part of it as a half-day; empty for nothing.
func readHalfForm(day, part string) string {
	day, part = strings.TrimSpace(day), strings.TrimSpace(part)
	if day == "" {
		return ""
	}
	return day + "/" + part
}
