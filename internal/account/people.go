package account

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
)

// People are the pages on which a school opens accounts for its people, and on which
// the operator opens the first one of a school. The operator sees the names of staff,
// and of pupils and guardians nothing but their number.
type People struct {
	DB      *database.DB
	Keeper  *Keeper // knows the site's address
	Journal *journal.Journal
	Now     func() time.Time
}

// Register mounts the pages.
func (p *People) Register(routes *page.Routes) {
	small := page.Body(16 << 10)
	office, heads, operator := page.SchoolOffice(), page.Only(page.Head, page.CPE), page.Only(page.Operator)
	routes.Handle("GET /accounts", office, p.list)
	routes.Handle("POST /accounts/class", office, p.openClass, small, page.Again())
	routes.Handle("GET /schools", operator, p.schools)
	for base, rules := range map[string][2]page.Rule{"": {office, heads}, "/schools/{school}": {operator, operator}} {
		rule := rules[0]
		routes.Handle("GET "+base+"/accounts/staff", rules[1], p.staffForm)
		routes.Handle("POST "+base+"/accounts/staff", rules[1], p.addStaff, small)
		routes.Handle("GET "+base+"/people/{person}/accounts", rule, p.person)
		routes.Handle("POST "+base+"/people/{person}/accounts", rule, p.open, small, page.Again())
		routes.Handle("POST "+base+"/accounts/{account}", rule, p.change, small, page.Again())
	}
	routes.Handle("GET /schools/{school}/accounts", operator, p.list)
}

// where is the school that a request is about: the viewer's own or, for the operator,
// the one in the path.
type where struct {
	Viewer page.Viewer
	ID     string
	Base   string // of the addresses
}

func whereOf(r *http.Request) where {
	v, _ := page.ViewerFrom(r.Context())
	if v.Role == page.Operator {
		id := r.PathValue("school")
		return where{v, id, "/schools/" + url.PathEscape(id)}
	}
	return where{v, v.School, ""}
}

// sees tells whether the viewer may see the accounts of a person: an operator those of
// staff, a secretary those of families.
func (w where) sees(k directory.Kind) bool {
	switch w.Viewer.Role {
	case page.Operator:
		return k == directory.KindStaff
	case page.Secretary:
		return k != directory.KindStaff
	}
	return true
}

func (p *People) desk(w where) Desk {
	return Desk{Journal: p.Journal, By: w.Viewer.Account, Role: w.Viewer.Role, Now: p.Now()}
}

// notHere turns what is not there, here, into the page that says so.
func notHere(err error) error {
	if errors.Is(err, directory.ErrNotFound) || errors.Is(err, ErrNone) || errors.Is(err, database.ErrNoSchool) {
		return page.NotFound()
	}
	return err
}

// schoolDay reads a school and its own date.
func schoolDay(ctx context.Context, tx database.Tx, id string, now time.Time) (directory.School, string, error) {
	s, err := directory.SchoolByID(ctx, tx, id)
	if err != nil {
		return s, "", err
	}
	day, err := dayIn(s, now)
	return s, day, err
}

type listView struct {
	where
	School    directory.School
	Staff     []holder
	Classes   []directory.Group
	Class     directory.Group // zero: the staff is shown
	Pupils    []holder
	Guardians []holder
	Now       time.Time
	Day       string // the school's
	Done      string
}

// list shows the staff, or a class's pupils and guardians. The operator is shown the
// staff, whatever was asked.
func (p *People) list(w http.ResponseWriter, r *http.Request) error {
	v := listView{where: whereOf(r), Now: p.Now(), Done: r.URL.Query().Get("done")}
	class := r.URL.Query().Get("class")
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		var day string
		var err error
		if v.School, day, err = schoolDay(ctx, tx, v.ID, v.Now); err != nil {
			return err
		}
		v.Day = day
		if v.Viewer.Role == page.Operator {
			v.Staff, err = staffOf(ctx, tx, v.ID, day)
			return err
		}
		if v.Classes, err = classes(ctx, tx, v.ID); err != nil {
			return err
		}
		if !v.sees(directory.KindStaff) && class == "" {
			if len(v.Classes) == 0 {
				return nil
			}
			class = v.Classes[0].ID
		}
		if class == "" {
			v.Staff, err = staffOf(ctx, tx, v.ID, day)
			return err
		}
		if v.Class, err = classOf(v.Classes, class); err != nil {
			return err
		}
		v.Pupils, v.Guardians, err = ofClass(ctx, tx, v.ID, class, day)
		return err
	})
	if err != nil {
		return notHere(err)
	}
	return private(w, r, http.StatusOK, peoplePage(v))
}

// unopened are the staff who have no account at all.
func (v listView) unopened() []holder {
	return slices.DeleteFunc(slices.Clone(v.Staff), func(h holder) bool { return len(h.Accounts) > 0 })
}

func classes(ctx context.Context, tx database.Tx, school string) ([]directory.Group, error) {
	groups, err := directory.Groups(ctx, tx, school)
	groups = slices.DeleteFunc(groups, func(g directory.Group) bool { return g.Kind != "class" })
	directory.ByLabel(groups)
	return groups, err
}

func classOf(all []directory.Group, id string) (directory.Group, error) {
	for _, g := range all {
		if g.ID == id {
			return g, nil
		}
	}
	return directory.Group{}, directory.ErrNotFound
}

type personView struct {
	where
	School directory.School
	Holder holder
	Now    time.Time
	Day    string // the school's
	Done   string
	Role   string // chosen in the form
	Period Period // typed in the form
	Of     string // the account whose period was typed; empty: one that is to be opened
	Err    error
}

// May lists the roles in which the viewer may open an account for this person, and has
// not yet.
func (v personView) May() []page.Role {
	return slices.DeleteFunc(mayOpen(v.Viewer.Role, v.Holder.Person.Kind), func(r page.Role) bool { return v.Holder.In(r).ID != "" })
}

// Mine tells whether the viewer may change an account of this person.
func (v personView) Mine(a Account) bool {
	return a.ID != v.Viewer.Account && mayIssueCode(v.Viewer.Role, a.Role)
}

func (p *People) holder(r *http.Request, who string) (personView, error) {
	v := personView{where: whereOf(r), Now: p.Now(), Done: r.URL.Query().Get("done")}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		var err error
		if v.School, v.Day, err = schoolDay(ctx, tx, v.ID, v.Now); err != nil {
			return err
		}
		v.Period.From = v.Day
		person, err := directory.PersonByID(ctx, tx, v.ID, who)
		if err != nil {
			return err
		}
		if !v.sees(person.Kind) {
			return directory.ErrNotFound
		}
		some, err := holders(ctx, tx, v.ID, []directory.Person{person})
		if err == nil {
			v.Holder = some[0]
		}
		return err
	})
	return v, notHere(err)
}

// person shows the accounts of one person and what can be done with them.
func (p *People) person(w http.ResponseWriter, r *http.Request) error {
	v, err := p.holder(r, r.PathValue("person"))
	if err != nil {
		return err
	}
	return private(w, r, http.StatusOK, personPage(v))
}

// open opens an account and shows its letter, the one time that anybody sees the code.
func (p *People) open(w http.ResponseWriter, r *http.Request) error {
	at := whereOf(r)
	if err := r.ParseForm(); err != nil {
		return err
	}
	var l letter
	err := p.DB.InSchool(r.Context(), at.ID, func(ctx context.Context, tx database.Tx) error {
		s, err := directory.SchoolByID(ctx, tx, at.ID)
		if err != nil {
			return err
		}
		person, err := directory.PersonByID(ctx, tx, at.ID, r.PathValue("person"))
		if err != nil {
			return err
		}
		if !at.sees(person.Kind) {
			return directory.ErrNotFound
		}
		during := periodOf(r)
		if during.From == "" {
			if during.From, err = dayIn(s, p.Now()); err != nil {
				return err
			}
		}
		l, err = p.letter(ctx, tx, r, at, s, person, page.Role(r.PostForm.Get("role")), during)
		return err
	})
	if errors.Is(err, ErrRole) || errors.Is(err, ErrFrom) || errors.Is(err, ErrUntil) {
		v, err2 := p.holder(r, r.PathValue("person"))
		if err2 != nil {
			return err2
		}
		v.Err, v.Role, v.Period = err, r.PostForm.Get("role"), periodOf(r)
		return private(w, r, http.StatusUnprocessableEntity, personPage(v))
	}
	if err != nil {
		return notHere(err)
	}
	return private(w, r, http.StatusOK, letterPage(handed{letter: l}, at.Base+"/people/"+url.PathEscape(r.PathValue("person"))+"/accounts"))
}

// periodOf is the period that a form says.
func periodOf(r *http.Request) Period {
	return Period{strings.TrimSpace(r.PostForm.Get("from")), strings.TrimSpace(r.PostForm.Get("until"))}
}

func (p *People) letter(ctx context.Context, tx database.Tx, r *http.Request, at where, s directory.School, person directory.Person, role page.Role, during Period) (letter, error) {
	a, code, err := p.desk(at).OpenFor(ctx, tx, s, person.ID, role, during)
	if err != nil {
		return letter{}, err
	}
	return letter{Account: a, Name: person.FirstName + " " + person.LastName, School: s, Address: p.address(r), Code: code}, nil
}

// address is this site's, as it is typed.
func (p *People) address(r *http.Request) string { return p.Keeper.address(r) }

// waiting keeps those who have no account, or those who have not used their letter.
func waiting(people []holder, role page.Role, again bool, now time.Time) []holder {
	return slices.DeleteFunc(slices.Clone(people), func(h holder) bool {
		switch h.In(role).StateAt(now) {
		case StateNone:
			return again
		case StateNew, StateCode:
			return !again
		}
		return true
	})
}

// change closes or reopens an account, or gives it another role or another period.
func (p *People) change(w http.ResponseWriter, r *http.Request) error {
	at := whereOf(r)
	if err := r.ParseForm(); err != nil {
		return err
	}
	id, do := r.PathValue("account"), r.PostForm.Get("do")
	person := ""
	err := p.DB.InSchool(r.Context(), at.ID, func(ctx context.Context, tx database.Tx) error {
		d := p.desk(at)
		a, err := d.mine(ctx, tx, at.ID, id)
		if err != nil {
			return err
		}
		person = a.Person
		switch do {
		case "close":
			return d.Close(ctx, tx, at.ID, id)
		case "reopen":
			return d.Reopen(ctx, tx, at.ID, id)
		case "role":
			return d.ChangeRole(ctx, tx, at.ID, id, page.Role(r.PostForm.Get("role")))
		case "period":
			s, err := directory.SchoolByID(ctx, tx, at.ID)
			if err != nil {
				return err
			}
			return d.ChangePeriod(ctx, tx, s, id, periodOf(r))
		}
		return page.Invalid("do", "account.people.form.wrong")
	})
	if errors.Is(err, ErrFrom) || errors.Is(err, ErrUntil) {
		v, err2 := p.holder(r, person)
		if err2 != nil {
			return err2
		}
		v.Err, v.Of, v.Period = err, id, periodOf(r)
		return private(w, r, http.StatusUnprocessableEntity, personPage(v))
	}
	if err != nil {
		return notHere(err)
	}
	return page.See(w, r, at.Base+"/people/"+url.PathEscape(person)+"/accounts?done="+do)
}

type staffView struct {
	where
	School directory.School
	New    directory.NewStaff
	Err    error
}

func (p *People) staffForm(w http.ResponseWriter, r *http.Request) error {
	v := staffView{where: whereOf(r), New: directory.NewStaff{ID: database.NewID()}}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		v.School, err = directory.SchoolByID(ctx, tx, v.ID)
		return err
	})
	if err != nil {
		return notHere(err)
	}
	return private(w, r, http.StatusOK, staffPage(v))
}

// addStaff adds somebody who works in the school and stands in no file, then leads to
// their page, where the account is opened.
func (p *People) addStaff(w http.ResponseWriter, r *http.Request) error {
	v := staffView{where: whereOf(r)}
	if err := r.ParseForm(); err != nil {
		return err
	}
	v.New = directory.NewStaff{ID: r.PostForm.Get("id"), Last: r.PostForm.Get("last"), First: r.PostForm.Get("first")}
	err := p.DB.InSchool(r.Context(), v.ID, func(ctx context.Context, tx database.Tx) (err error) {
		if v.School, err = directory.SchoolByID(ctx, tx, v.ID); err != nil {
			return err
		}
		hand := directory.Hand{Journal: p.Journal, By: v.Viewer.Account, Now: p.Now()}
		return hand.AddStaff(ctx, tx, v.ID, v.New)
	})
	if errors.Is(err, directory.ErrLastName) || errors.Is(err, directory.ErrFirstName) {
		v.Err = err
		return private(w, r, http.StatusUnprocessableEntity, staffPage(v))
	}
	if err != nil {
		return notHere(err)
	}
	return page.See(w, r, v.Base+"/people/"+url.PathEscape(v.New.ID)+"/accounts")
}

// schools lists the schools for the operator: counts and whether a head can get in.
func (p *People) schools(w http.ResponseWriter, r *http.Request) error {
	var all []schoolCount
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		all, err = countSchools(ctx, tx, p.Now())
		return err
	})
	if err != nil {
		return err
	}
	return private(w, r, http.StatusOK, schoolsPage(all))
}
