package notices

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// Words are the sentences of this package's pages, for page.NewWords.
//
//go:embed locale
var Words embed.FS

// Pages are this package's pages.
type Pages struct {
	DB      *database.DB
	Notices *Notices
	Now     func() time.Time
	// Corrections is where a message of ours is corrected.
	Corrections string
}

// Register mounts the pages: what is prepared is for the head and the CPE, what is
// confirmed for the office, and for the operator where a school has one adult.
func (p *Pages) Register(routes *page.Routes) {
	small, prepare := page.Body(4<<10), page.Only(page.Head, page.CPE)
	routes.Handle("GET /notices/new", prepare, p.showWish)
	routes.Handle("POST /notices", prepare, p.ask, small)
	for base, rule := range map[string]page.Rule{"": page.SchoolOffice(), "/schools/{school}": page.Only(page.Operator)} {
		routes.Handle("GET "+base+"/notices", rule, p.showList)
		routes.Handle("GET "+base+"/notices/{notice}", rule, p.showRequest)
		routes.Handle("POST "+base+"/notices/{notice}", rule, p.change, small)
	}
}

// Refusals of these pages.
var (
	errDeed  = page.Invalid("do", "notices.do.wrong")
	errTwice = page.Invalid("text", "notices.twice")
)

func refusal(err error) error {
	if errors.Is(err, ErrNotFound) || errors.Is(err, directory.ErrNotFound) || errors.Is(err, database.ErrNoSchool) {
		return page.NotFound()
	}
	return err
}

// visitor is who looks, and at which school.
type visitor struct {
	Second
	school   string
	base     string // of addresses: empty, or the operator's of a school
	operator bool
}

func visit(r *http.Request) visitor {
	v, _ := page.ViewerFrom(r.Context())
	who := visitor{Second: Second{ID: v.ID, Role: v.Role}, school: v.School}
	if v.Role == page.Operator {
		who.ID, who.school, who.operator = "operator:"+v.Account, asID(r.PathValue("school")), true
		who.base = "/schools/" + url.PathEscape(who.school)
	}
	return who
}

// asID is an id in a path; what cannot be one becomes one that nothing has, without asking
// a database, of which one refuses what the other would look for.
func asID(id string) string {
	if len(id) > 64 || strings.ContainsFunc(id, func(c rune) bool { return c < '!' || c > '~' }) {
		return ""
	}
	return id
}

// mayLook refuses an operator whom a school does not need.
func (p *Pages) mayLook(ctx context.Context, tx database.Tx, v visitor) error {
	if !v.operator {
		return nil
	}
	if _, err := directory.SchoolByID(ctx, tx, v.school); err != nil {
		return err
	}
	n, err := p.Notices.adults(ctx, tx, v.school)
	if err == nil && n > 1 {
		err = ErrOperator
	}
	return err
}

// wishFrom reads a wish as a form says it. A field that is said twice is refused: none
// of them is a list.
func wishFrom(f url.Values) (Wish, error) {
	for name, values := range f {
		if len(values) > 1 && slices.Contains([]string{"text", "choice", "day", "hour", "level", "counted"}, name) {
			return Wish{}, errTwice
		}
	}
	w := Wish{Text: Text(f.Get("text")), Choice: f.Get("choice"), Day: f.Get("day"), Hour: f.Get("hour"), Level: f.Get("level")}
	// Fields that the chosen wording does not have are not its own.
	if !w.Text.HasDay() {
		w.Day = ""
	}
	if !w.Text.HasHour(w.Choice) {
		w.Hour = ""
	}
	return w, nil
}

// ours is what our own journal says of today, before a message is denied.
type ours struct {
	Absences int64
	Last     time.Time
	Link     string
}

// journalOf counts what left since midnight, and in the small hours since the evening
// before.
func (p *Pages) journalOf(ctx context.Context, tx database.Tx, school string, zone *time.Location) (ours, error) {
	at := p.Now().In(zone)
	since := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone)
	if before := at.Add(-12 * time.Hour); before.Before(since) {
		since = before
	}
	n, last, err := courier.Sent(ctx, tx, school, courier.Absence, since)
	return ours{n, last, cmp.Or(p.Corrections, "/")}, err
}

// wishView is the page on which a wish is made and read before it is asked for.
type wishView struct {
	Wish
	Today    string
	Last     string // day that it may name
	Levels   []Level
	Err      error // of a field
	Preview  *Preview
	Ours     ours
	Pretend  bool
	Counting bool // it was asked for and the count had changed
}

// Level is a level with its classes.
type Level struct {
	Name    string
	Classes []string
}

func (p *Pages) showWish(w http.ResponseWriter, r *http.Request) error {
	f := r.URL.Query()
	wish, err := wishFrom(f)
	if err != nil {
		return err
	}
	if wish.Text == "" {
		return page.See(w, r, "/notices") // where the texts are
	}
	if !slices.Contains(Texts(), wish.Text) {
		return page.NotFound()
	}
	if !f.Has("choice") {
		wish.Choice, wish.Level = wish.Text.Choices()[0], WholeSchool
	}
	return p.wish(w, r, http.StatusOK, wish, f, false)
}

// wish shows the form, and below it what would be read and by how many, as soon as the
// form says it.
func (p *Pages) wish(w http.ResponseWriter, r *http.Request, status int, wish Wish, typed url.Values, counting bool) error {
	v := visit(r)
	view := wishView{Wish: wish, Pretend: p.Notices.courier.Carriers().Pretended(), Counting: counting}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) error {
		now := p.Now()
		h, err := where(ctx, tx, v.school, now)
		if err != nil {
			return err
		}
		view.Today, view.Last = h.day, h.at.AddDate(0, 0, mostDays).Format(time.DateOnly)
		for _, level := range h.levels {
			view.Levels = append(view.Levels, Level{level, h.labels[level]})
		}
		// What was not chosen yet begins with what is likely.
		if wish.Text.HasDay() && !typed.Has("day") {
			view.Day = h.day
		}
		if wish.Text.HasHour(wish.Choice) && typed.Get("hour") == "" {
			view.Hour = likelyHour(wish.Text, h.at)
		}
		if wish.Text == Denial {
			if view.Ours, err = p.journalOf(ctx, tx, v.school, h.at.Location()); err != nil {
				return err
			}
		}
		preview, err := p.Notices.Preview(ctx, tx, v.school, view.Wish, now)
		if asRefusal(err) {
			view.Err = err
			return nil
		}
		view.Preview = &preview
		return err
	})
	if err != nil {
		return refusal(err)
	}
	if view.Err != nil && status == http.StatusOK {
		status = http.StatusUnprocessableEntity
	}
	return page.Show(w, r, status, wishPage(view))
}

func asRefusal(err error) bool {
	_, ok := errors.AsType[*page.Refusal](err)
	return ok
}

// likelyHour is what the form proposes: lessons at home at eight, the next message of a
// confinement in about half an hour.
func likelyHour(t Text, at time.Time) string {
	if t == Confinement {
		return at.Add(34 * time.Minute).Truncate(5 * time.Minute).Format("15:04")
	}
	return "08:00"
}

// ask asks for what was just read.
func (p *Pages) ask(w http.ResponseWriter, r *http.Request) error {
	v := visit(r)
	if err := r.ParseForm(); err != nil {
		return err
	}
	wish, err := wishFrom(r.PostForm)
	if err != nil {
		return err
	}
	var made Request
	err = p.DB.InSchool(r.Context(), v.school, func(ctx context.Context, tx database.Tx) (err error) {
		made, err = p.Notices.Ask(ctx, tx, v.school, wish, r.PostForm.Get("counted"), v.ID, v.Role, p.Now())
		return err
	})
	if errors.Is(err, ErrCounted) {
		return p.wish(w, r, http.StatusConflict, wish, r.PostForm, true)
	}
	if err != nil {
		return refusal(err)
	}
	return page.See(w, r, "/notices/"+made.ID)
}

// listView is the page of all requests.
type listView struct {
	Base    string
	School  directory.School
	Prepare bool // may ask
	By      string
	Open    []Request
	Past    []Request
	People  map[string]directory.Person
}

// shown is how many requests the list goes back.
const shown = 30

func (p *Pages) showList(w http.ResponseWriter, r *http.Request) error {
	v := visit(r)
	view := listView{Base: v.base, Prepare: MayPrepare(v.Role), By: v.ID}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if err := p.mayLook(ctx, tx, v); err != nil {
			return err
		}
		if view.School, err = directory.SchoolByID(ctx, tx, v.school); err != nil {
			return err
		}
		if view.Open, err = Waiting(ctx, tx, v.school, p.Now()); err != nil {
			return err
		}
		all, err := Recent(ctx, tx, v.school, shown)
		if err != nil {
			return err
		}
		view.Past = slices.DeleteFunc(all, func(r Request) bool {
			return slices.ContainsFunc(view.Open, func(o Request) bool { return o.ID == r.ID })
		})
		view.People, err = peopleOf(ctx, tx, v.school, append(slices.Clone(view.Open), view.Past...))
		return err
	})
	if err != nil {
		return refusal(err)
	}
	return page.Show(w, r, http.StatusOK, listPage(view))
}

func peopleOf(ctx context.Context, tx database.Tx, school string, requests []Request) (map[string]directory.Person, error) {
	var ids []string
	for _, r := range requests {
		for _, id := range []string{r.AskedBy, r.ConfirmedBy, r.SettledBy} {
			if id != "" && !strings.HasPrefix(id, "operator:") {
				ids = append(ids, id)
			}
		}
	}
	return directory.Names(ctx, tx, school, ids)
}

// requestView is the page of one request.
type requestView struct {
	Request
	Base    string
	School  directory.School
	Now     time.Time
	Sheets  []Sheet
	Classes []string
	May     error // why the viewer may not confirm; nil: may
	Alone   bool  // the school has nobody else: the operator is the second
	Lapsed  bool
	People  map[string]directory.Person
	Ours    ours
	Left    int // messages that left
	Unsure  int // that left, or did not: nobody knows
	Refused int
	Kept    int // that wait
	Void    int // that will not leave
	Pretend bool
	Stopped bool
}

// To is where the request goes.
func (v requestView) To() string { return v.Base + "/notices/" + v.ID }

// Working tells whether something still changes by itself.
func (v requestView) Working() bool {
	return v.State == Confirmed || v.State == Written && v.Kept > 0
}

func (p *Pages) showRequest(w http.ResponseWriter, r *http.Request) error {
	v := visit(r)
	view := requestView{Base: v.base, Now: p.Now(), Pretend: p.Notices.courier.Carriers().Pretended()}
	err := p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if err := p.mayLook(ctx, tx, v); err != nil {
			return err
		}
		view.Request, err = ByID(ctx, tx, v.school, asID(r.PathValue("notice")))
		if err != nil {
			return err
		}
		h, err := where(ctx, tx, v.school, view.Now)
		if err != nil {
			return err
		}
		view.School, view.Classes = h.School, h.labels[view.Level]
		view.Sheets = p.Notices.sheets(h.School, view.Wish, view.AskedAt.In(h.at.Location()))
		view.Lapsed = lapsed(view.Request, view.Now)
		adults, err := p.Notices.adults(ctx, tx, v.school)
		if err != nil {
			return err
		}
		view.Alone = adults <= 1 && !v.operator
		if view.May = MayConfirm(view.Request, v.Second, adults); view.May == nil {
			view.May = p.Notices.allowed(ctx, tx, h, view.Text, view.Now)
			if view.May != nil && !asRefusal(view.May) {
				return view.May
			}
		}
		if view.Text == Denial {
			if view.Ours, err = p.journalOf(ctx, tx, v.school, h.at.Location()); err != nil {
				return err
			}
		}
		if _, view.Stopped, err = courier.StopOf(ctx, tx, v.school); err != nil {
			return err
		}
		if err := view.count(ctx, tx); err != nil {
			return err
		}
		view.People, err = peopleOf(ctx, tx, v.school, []Request{view.Request})
		return err
	})
	if err != nil {
		return refusal(err)
	}
	return page.Show(w, r, http.StatusOK, requestPage(view))
}

// count counts what became of the request's letters, those not yet written among what
// waits.
func (v *requestView) count(ctx context.Context, tx database.Tx) error {
	if v.ConfirmedBy == "" {
		return nil
	}
	letters, err := courier.StatesAbout(ctx, tx, v.School.ID, []string{v.ID})
	if err != nil {
		return err
	}
	for _, l := range letters {
		switch {
		case l.State == courier.Waiting:
			v.Kept++
		case l.State == courier.Void:
			v.Void++
		case l.State == courier.Refused:
			v.Refused++
		case l.State == courier.Unsure:
			v.Unsure++
		default:
			v.Left++
		}
	}
	if rest := v.Addresses - len(letters); v.State == Confirmed {
		v.Kept += rest
	} else {
		v.Void += rest
	}
	return nil
}

// change does one deed of one request: confirm, or withdraw.
func (p *Pages) change(w http.ResponseWriter, r *http.Request) error {
	v := visit(r)
	do, id := r.PostFormValue("do"), asID(r.PathValue("notice"))
	err := p.DB.InSchool(database.Urgent(r.Context()), v.school, func(ctx context.Context, tx database.Tx) error {
		if err := p.mayLook(ctx, tx, v); err != nil {
			return err
		}
		if _, err := ByID(ctx, tx, v.school, id); err != nil {
			return err
		}
		switch do {
		case "confirm":
			// A request that is void by now says so on its page.
			_, err := p.Notices.Confirm(ctx, tx, v.school, id, v.Second, p.Now())
			return err
		case "withdraw":
			return p.Notices.Withdraw(ctx, tx, v.school, id, v.ID, p.Now())
		}
		return errDeed
	})
	if err != nil {
		return refusal(err)
	}
	if do == "confirm" {
		p.Notices.step(StepConfirmed)
	}
	p.Notices.Poke()
	return page.See(w, r, v.base+"/notices/"+id)
}

// Banners says on every page of a school's office that an announcement waits for a
// second person.
func (n *Notices) Banners(ctx context.Context, tx database.Tx, school string) ([]page.Banner, error) {
	open, err := Waiting(ctx, tx, school, n.now())
	var out []page.Banner
	for _, r := range open {
		out = append(out, n.banner(ctx, "", r))
	}
	return out, err
}

// OperatorBanners says so to the operator, of the schools that have nobody else to be the
// second person.
func (n *Notices) OperatorBanners(ctx context.Context, tx database.Tx) ([]page.Banner, error) {
	open, err := atWork(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []page.Banner
	for _, r := range open {
		if r.State != Asked || lapsed(r, n.now()) {
			continue
		}
		adults, err := n.adults(ctx, tx, r.School)
		if err != nil {
			return nil, err
		}
		if adults <= 1 {
			out = append(out, n.banner(ctx, "/schools/"+url.PathEscape(r.School), r))
		}
	}
	return out, nil
}

func (n *Notices) banner(ctx context.Context, base string, r Request) page.Banner {
	return page.Banner{Tone: page.Held, Text: page.T(ctx, "notices.banner", "text", name(ctx, r.Text), "hour", page.Hour(ctx, r.AskedAt.Add(confirmWithin))),
		Href: base + "/notices/" + r.ID, Action: page.T(ctx, "notices.banner.see")}
}
