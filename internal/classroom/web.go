package classroom

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
	// Evidence is what is known of who came, and who may have been kept.
	Evidence *Evidence
	// Node names this program among those of the installation, also after a restart.
	Node string
	// Media is the engine of sound and picture; nil: none.
	Media *Media

	live     live
	aligning aligning
}

// Register adds the pages to the table of routes. A class has no link of its own: each of these
// asks who looks, and whether the class is theirs.
func (p *Pages) Register(rs *page.Routes) {
	school := page.Only(page.Head, page.CPE, page.Secretary, page.Supervisor, page.Teacher, page.Pupil, page.Guardian)
	staff, small := page.Staff(), page.Body(16<<10)
	rs.Handle("GET /class/try", school, p.try, page.Films())
	rs.Handle("GET /class/{sitting}", school, p.class, page.Films())
	rs.Handle("GET /class/{sitting}/events", school, p.events)
	rs.Handle("POST /class/{sitting}/ask", school, p.ask, small)
	rs.Handle("POST /class/{sitting}/hand", school, p.hand, small)
	rs.Handle("POST /class/{sitting}/say", school, p.say, small)
	rs.Handle("POST /class/{sitting}/talk", staff, p.teaches(p.talk), small)
	rs.Handle("POST /class/{sitting}/lock", staff, p.teaches(p.lock), small)
	rs.Handle("POST /class/{sitting}/end", staff, p.heard(p.teaches(p.end)), small)
	rs.Handle("POST /class/{sitting}/person", staff, p.heard(p.teaches(p.person)), small)
	rs.Handle("POST /class/{sitting}/floor", staff, p.heard(p.teaches(p.floor)), small)
	rs.Handle("POST /class/{sitting}/lower", staff, p.teaches(p.lower), small)
	rs.Handle("POST /class/{sitting}/hide", staff, p.teaches(p.hide), small)
}

// failed says what the visitor may know of an error.
func failed(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return page.NotFound()
	case errors.Is(err, ErrNotIn):
		return page.Forbidden("classroom.notin")
	case errors.Is(err, ErrTalk):
		return page.Conflict("classroom.talk.closed")
	case errors.Is(err, ErrWords):
		return page.Invalid("words", "classroom.words.wrong", "max", mostWords)
	}
	return err
}

// view is what the page of a class shows.
type view struct {
	room
	Classes string // labels of its groups
	Page    string // of this page: a line that comes back says so
	Up      bool   // the viewer's hand is up
	Hands   []handRow
	Lobby   []personRow
	People  []personRow // for who is in charge: the pupils, and whom they let in
	There   int         // how many are there now, without who is in charge
	Words   []wordRow
	Address string // of the sound; empty: this installation has none
}

type handRow struct {
	Hand
	Name  string
	Floor Floor
}

type personRow struct {
	ID     string
	Name   string
	Kind   directory.Kind
	Home   bool // a pupil who follows the sitting from home
	Here   bool
	Entry  Entry
	Floor  Floor
	Stays  []Presence
	Breaks int
}

type wordRow struct {
	Word
	Name string
	Mine bool
}

// again is how long after somebody was seen their page is not written down once more.
const again = 20 * time.Second

// class is the page. To ask for it is to enter, for whoever may.
func (p *Pages) class(w http.ResponseWriter, r *http.Request) error {
	v, sitting := page.ViewerOf(r), r.PathValue("sitting")
	if v.ID == "" {
		return page.Forbidden("page.forbidden.text") // an account of nobody
	}
	now, err := p.look(r.Context(), v, sitting)
	if err == nil && now.Door == DoorOpen {
		err = failed(p.enter(r.Context(), v, sitting))
	}
	if err != nil {
		if refusal := (*page.Refusal)(nil); !errors.As(err, &refusal) {
			p.live.failed(p.Now()) // whoever meets this is not absent
		}
		return err
	}
	var out view
	err = p.DB.Read(r.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		out, err = p.viewOf(ctx, tx, v, sitting)
		return err
	})
	if err != nil {
		return failed(err)
	}
	return page.Show(w, r, http.StatusOK, classPage(out))
}

// enter writes down that the viewer is there, where that is not known yet.
func (p *Pages) enter(ctx context.Context, v page.Viewer, sitting string) error {
	news, opened := false, false
	err := p.DB.Read(ctx, func(ctx context.Context, tx database.Tx) error {
		r, err := roomOf(ctx, tx, v.School, sitting, v.ID, p.Now())
		if err != nil {
			return err
		}
		last, err := lastStays(ctx, tx, v.School, sitting)
		stay, ok := last[v.ID]
		news = r.Entry.State != In || r.Entry.Part != r.Part && r.Part != Guest || !ok || p.Now().Sub(stay.SeenAt) >= again || r.Part == Teacher && r.Class.OpenedAt.IsZero()
		return err
	})
	if err != nil || !news {
		return err
	}
	err = p.DB.InSchool(ctx, v.School, func(ctx context.Context, tx database.Tx) error {
		r, err := roomOf(ctx, tx, v.School, sitting, v.ID, p.Now())
		if err != nil || r.Door != DoorOpen {
			return err
		}
		opened = r.Part == Teacher && r.Class.OpenedAt.IsZero()
		if _, err := enter(ctx, tx, &r, v.Account); err != nil {
			return err
		}
		if _, err := seen(ctx, tx, v.School, []sight{{Sitting: sitting, Person: v.ID}}, r.Now); err != nil || !opened {
			return err
		}
		return p.journaled(ctx, tx, v, "class.opened", sitting, nil)
	})
	if err == nil {
		p.live.looking.Wake(class{v.School, sitting})
	}
	return err
}

func (p *Pages) journaled(ctx context.Context, tx database.Tx, v page.Viewer, act, subject string, detail map[string]string) error {
	return p.Journal.Append(ctx, tx, v.School, p.Now(), journal.Deed{Act: act, Actor: v.Account, Subject: subject, Detail: detail})
}

// viewOf reads what the page shows to the viewer.
func (p *Pages) viewOf(ctx context.Context, tx database.Tx, v page.Viewer, sitting string) (out view, err error) {
	now := p.Now()
	if out.room, err = roomOf(ctx, tx, v.School, sitting, v.ID, now); err != nil {
		return out, err
	}
	groups, err := directory.Groups(ctx, tx, v.School)
	if err != nil {
		return out, err
	}
	var labels []string
	for _, g := range groups {
		if slices.Contains(out.Sitting.Groups, g.ID) {
			labels = append(labels, g.Label)
		}
	}
	out.Classes, out.Page = strings.Join(labels, ", "), database.NewID()
	if out.Door != DoorOpen {
		return out, nil
	}
	people, err := entries(ctx, tx, v.School, sitting)
	if err != nil {
		return out, err
	}
	ids := make([]string, 0, len(people))
	byID := map[string]Entry{}
	for _, e := range people {
		ids, byID[e.Person] = append(ids, e.Person), e
	}
	names, err := directory.Names(ctx, tx, v.School, ids)
	if err != nil {
		return out, err
	}
	for _, p := range out.Pupils {
		names[p.ID] = p
	}
	all, err := stays(ctx, tx, v.School, sitting)
	if err != nil {
		return out, err
	}
	given, err := floors(ctx, tx, v.School, sitting)
	if err != nil {
		return out, err
	}
	up, err := hands(ctx, tx, v.School, sitting)
	if err != nil {
		return out, err
	}
	for _, h := range up {
		out.Hands = append(out.Hands, handRow{h, names[h.Person].ShortName(), floorOf(out.Class, Pupil, given[h.Person])})
		out.Up = out.Up || h.Person == v.ID
	}
	said, err := words(ctx, tx, &out.room)
	if err != nil {
		return out, err
	}
	for _, w := range said {
		out.Words = append(out.Words, wordRow{w, names[w.Person].ShortName(), w.Person == v.ID})
	}
	if p.Media != nil && !p.Media.Missing() {
		out.Address = p.Media.Address(v.School, sitting)
	}
	row := func(who directory.Person) personRow {
		r := personRow{ID: who.ID, Name: who.FullName(), Kind: who.Kind, Home: out.AtHome[who.ID], Entry: byID[who.ID], Stays: all[who.ID], Floor: floorOf(out.Class, Pupil, given[who.ID])}
		for _, s := range r.Stays {
			r.Breaks += s.Breaks
		}
		r.Here = r.Entry.State == In && len(r.Stays) > 0 && here(r.Stays[len(r.Stays)-1], now)
		return r
	}
	for _, who := range out.Pupils {
		out.People = append(out.People, row(who))
	}
	for _, e := range people {
		enrolled := slices.ContainsFunc(out.Pupils, func(p directory.Person) bool { return p.ID == e.Person })
		switch {
		case e.State == Asked:
			out.Lobby = append(out.Lobby, row(names[e.Person]))
		case !enrolled && !out.Sitting.In(e.Person):
			out.People = append(out.People, row(names[e.Person]))
		}
	}
	for _, r := range out.People {
		if r.Here {
			out.There++
		}
	}
	if out.Part != Teacher {
		out.Lobby, out.People = nil, nil // who else is there, and who waits, is the teacher's to know
	}
	return out, nil
}

// ask puts the viewer into the lobby.
func (p *Pages) ask(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(ctx context.Context, tx database.Tx, room *room, v page.Viewer) error {
		if v.ID == "" {
			return ErrNotIn
		}
		return ask(ctx, tx, room)
	})
}

// hand raises the viewer's own hand, or lowers it.
func (p *Pages) hand(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(ctx context.Context, tx database.Tx, room *room, v page.Viewer) error {
		switch {
		case !room.inside():
			return ErrNotIn
		case r.PostForm.Get("up") == "no":
			return lower(ctx, tx, room, v.ID, 0, v.ID)
		}
		return raise(ctx, tx, room)
	})
}

// say keeps what the viewer wrote.
func (p *Pages) say(w http.ResponseWriter, r *http.Request) error {
	return p.act(w, r, func(ctx context.Context, tx database.Tx, room *room, v page.Viewer) error {
		if !room.inside() {
			return ErrNotIn
		}
		return say(ctx, tx, room, r.PostForm.Get("words"))
	})
}

// inside tells whether the person of a room has entered, and may still.
func (r *room) inside() bool { return r.Door == DoorOpen && r.Entry.State == In }

// act does something in a class, in the school's transaction, with the door asked anew.
func (p *Pages) act(w http.ResponseWriter, r *http.Request, fn func(context.Context, database.Tx, *room, page.Viewer) error) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	v, sitting := page.ViewerOf(r), r.PathValue("sitting")
	err := p.DB.InSchool(r.Context(), v.School, func(ctx context.Context, tx database.Tx) error {
		room, err := roomOf(ctx, tx, v.School, sitting, v.ID, p.Now())
		if err != nil {
			return err
		}
		return fn(ctx, tx, &room, v)
	})
	if err != nil {
		return failed(err)
	}
	p.live.looking.Wake(class{v.School, sitting})
	return page.See(w, r, "/class/"+url.PathEscape(sitting))
}

// deed is what somebody in charge of a class does.
type deed func(context.Context, database.Tx, *room, page.Viewer, url.Values) (act string, detail map[string]string, err error)

// teaches lets whoever is in charge of the sitting, and nobody else, do a deed, and keeps it.
func (p *Pages) teaches(do deed) page.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		return p.act(w, r, func(ctx context.Context, tx database.Tx, room *room, v page.Viewer) error {
			if room.Part != Teacher || !room.inside() {
				return ErrNotIn
			}
			act, detail, err := do(ctx, tx, room, v, r.PostForm)
			if err != nil || act == "" {
				return err
			}
			return p.journaled(ctx, tx, v, act, room.Class.Sitting, detail)
		})
	}
}

func (p *Pages) talk(ctx context.Context, tx database.Tx, r *room, _ page.Viewer, f url.Values) (string, map[string]string, error) {
	to := Talk(f.Get("talk"))
	if to != TalkOff && to != TalkTeacher && to != TalkAll {
		return "", nil, ErrNotFound
	}
	return "class.talk", map[string]string{"talk": string(to)}, set(ctx, tx, r, "talk", to)
}

func (p *Pages) lock(ctx context.Context, tx database.Tx, r *room, _ page.Viewer, f url.Values) (string, map[string]string, error) {
	if f.Get("lock") == "no" {
		return "class.unlocked", nil, set(ctx, tx, r, "locked_at", nil)
	}
	return "class.locked", nil, set(ctx, tx, r, "locked_at", database.Stamp(r.Now))
}

// end ends the class for everybody else; who ended it by mistake opens it again.
func (p *Pages) end(ctx context.Context, tx database.Tx, r *room, _ page.Viewer, f url.Values) (string, map[string]string, error) {
	if f.Get("end") == "no" {
		return "class.again", nil, set(ctx, tx, r, "ended_at", nil)
	}
	if err := lower(ctx, tx, r, "", 0, r.Person); err != nil {
		return "", nil, err
	}
	return "class.ended", nil, set(ctx, tx, r, "ended_at", database.Stamp(r.Now))
}

func (p *Pages) person(ctx context.Context, tx database.Tx, r *room, v page.Viewer, f url.Values) (string, map[string]string, error) {
	to := State(f.Get("to"))
	return "class.person." + string(to), map[string]string{"person": f.Get("person")}, settle(ctx, tx, r, f.Get("person"), to, v.Account)
}

// lower lowers one hand, or all.
func (p *Pages) lower(ctx context.Context, tx database.Tx, r *room, v page.Viewer, f url.Values) (string, map[string]string, error) {
	n, err := strconv.Atoi(f.Get("n"))
	if err != nil && f.Get("n") != "" {
		return "", nil, ErrNotFound
	}
	return "", nil, lower(ctx, tx, r, "", n, v.ID)
}

func (p *Pages) hide(ctx context.Context, tx database.Tx, r *room, v page.Viewer, f url.Values) (string, map[string]string, error) {
	n, err := strconv.Atoi(f.Get("n"))
	if err != nil {
		return "", nil, ErrNotFound
	}
	return "class.hidden", map[string]string{"n": strconv.Itoa(n)}, hide(ctx, tx, r, n, v.Account)
}

// Path is the address of a sitting's class.
func Path(s timetable.Sitting) string { return "/class/" + s.ID }
