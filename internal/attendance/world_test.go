package attendance

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/web"
)

// The world of these tests: two schools. In the first, 2de 3 has mathematics at 08:05
// and French at 09:05 with Camille Roy; Paul Petit teaches another class.
const (
	school  = "alice-guy"
	elsewhr = "autre-lycee"
	maths   = "maths"
	french  = "francais"
	history = "histoire"
	foreign = "chimie" // of the other school
)

var names = [][2]string{
	{"Alves", "Inès"}, {"Benali", "Léa"}, {"Coulibaly", "Moussa"}, {"Da Silva", "Tiago"}, {"Dupont", "Zoé"}, {"Ferrand", "Hugo"},
	{"Garnier", "Jeanne"}, {"Haddad", "Rayan"}, {"Keller", "Noé"}, {"Leroy", "Éloïse"}, {"Le Floc'h", "Ewen"}, {"Marchetti", "Ana"},
	{"de La Rochefoucauld-Montbel", "Anne-Sophie"}, {"Nguyen", "Minh"}, {"Oliveira", "Tomás"}, {"Petitjean", "Lou"}, {"Quéméner", "Maël"}, {"Roux", "Emma"},
	{"Sangaré", "Awa"}, {"Tisserand", "Malo"}, {"Traoré", "Ali"}, {"Urbain", "Salomé"}, {"Vidal", "Tom"}, {"Weber", "Lina"},
	{"Xavier", "Gabin"}, {"Yilmaz", "Ela"}, {"Zani", "Marco"}, {"Abadie", "Clémence"}, {"Bertrand", "Jules"}, {"Caron", "Maya"},
	{"Diallo", "Fatou"}, {"Étienne", "Sacha"}, {"Fontaine", "Louise"}, {"Gomes", "Rafael"}, {"Hervé", "Margaux"}, {"Jaouen", "Titouan"},
}

// world is a database with both schools, and how to look into it.
type world struct {
	t       testing.TB
	db      *database.DB
	journal *journal.Journal
	zone    *time.Location
	pupils  []string // of 2de 3, by name
	saved   int      // how often Saved was called
	now     time.Time
	pages   *Pages
	routes  *page.Routes
}

func paris(t testing.TB) *time.Location {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// newWorld fills db with n pupils in 2de 3. Its clock stands at 08:07.
func newWorld(t testing.TB, db *database.DB, n int) *world {
	t.Helper()
	w := &world{t: t, db: db, zone: paris(t)}
	w.now = w.at(8, 7)
	var err error
	if w.journal, err = journal.New(make([]byte, journal.MinKey)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{school, elsewhr} {
		w.write(id, func(ctx context.Context, tx database.Tx) error {
			var b directory.Batch
			person := func(pid, last, first string, kind directory.Kind) {
				b.People = append(b.People, directory.Person{School: id, ID: pid, Kind: kind, Source: "hand", SourceKey: pid, LastName: last, FirstName: first})
			}
			person("roy", "Roy", "Camille", directory.KindStaff)
			person("petit", "Petit", "Paul", directory.KindStaff)
			person("cpe", "Aubertin", "Samir", directory.KindStaff)
			person("nadia", "Benali", "Nadia", directory.KindAdult)
			b.Groups = []directory.Group{{School: id, ID: "2de3", Kind: "class", Code: "2de3", Label: "2de 3"}, {School: id, ID: "1re5", Kind: "class", Code: "1re5", Label: "1re 5"}}
			for i := range n {
				name := [2]string{fmt.Sprintf("Zz%03d", i), "Zoé"}
				if i < len(names) {
					name = names[i]
				}
				pid := fmt.Sprintf("p%02d", i)
				person(pid, name[0], name[1], directory.KindPupil)
				b.Members = append(b.Members, directory.Member{School: id, Grp: "2de3", Person: pid})
			}
			person("sami", "Benali", "Sami", directory.KindPupil)
			b.Members = append(b.Members, directory.Member{School: id, Grp: "1re5", Person: "sami"})
			if err := directory.Add(ctx, tx, b); err != nil {
				return err
			}
			if id != school {
				return timetable.Add(ctx, tx, w.sitting(id, foreign, "Chimie", "2de3", "roy", 8, 5))
			}
			return timetable.Add(ctx, tx, w.sitting(id, maths, "Mathématiques", "2de3", "roy", 8, 5),
				w.sitting(id, french, "Français", "2de3", "roy", 9, 5), w.sitting(id, history, "Histoire-géographie", "1re5", "petit", 8, 5))
		})
	}
	w.read(func(ctx context.Context, tx database.Tx) error {
		people, err := directory.GroupPupils(ctx, tx, school, []string{"2de3"}, "2026-11-24")
		for _, p := range people {
			w.pupils = append(w.pupils, p.ID)
		}
		return err
	})
	return w
}

func (w *world) at(hour, minute int) time.Time {
	return time.Date(2026, time.November, 24, hour, minute, 0, 0, w.zone)
}

func (w *world) sitting(school, id, label, group, staff string, hour, minute int) timetable.Sitting {
	s := timetable.Sitting{School: school, ID: id, Kind: timetable.Lesson, Label: label, ShortLabel: timetable.ShortLabel(label), Room: "204",
		Source: timetable.FromPage, SourceKey: id, Groups: []string{group}, Staff: []timetable.Charge{{Person: staff}}}
	s.At(w.at(hour, minute), w.at(hour, minute+55), w.zone)
	return s
}

// write runs fn in a school's transaction, making the school first.
func (w *world) write(id string, fn func(context.Context, database.Tx) error) {
	w.t.Helper()
	err := w.db.Write(context.Background(), func(ctx context.Context, tx database.Tx) error {
		if _, err := directory.SchoolByID(ctx, tx, id); err == nil {
			return nil
		}
		return directory.AddSchool(ctx, tx, directory.School{ID: id, UAI: id, SourceKey: id, Name: "Lycée " + id, ShortName: id, Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr", Phone: "01 99 00 10 00"})
	})
	if err == nil {
		err = w.db.InSchool(context.Background(), id, fn)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) read(fn func(context.Context, database.Tx) error) {
	w.t.Helper()
	if err := w.db.Read(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// save saves a roll as one person, whatever the clock.
func (w *world) save(sitting, by string, entries ...Entry) merge {
	w.t.Helper()
	var m merge
	w.write(school, func(ctx context.Context, tx database.Tx) error {
		var err error
		m, err = SaveRoll(ctx, tx, w.journal, w.now, Save{School: school, Sitting: sitting, Day: "2026-11-24", Pupils: w.pupils, Entries: entries, By: by, Origin: FromRoll})
		return err
	})
	return m
}

// all makes an entry for each pupil: present, except those said otherwise.
func (w *world) all(but ...Entry) []Entry {
	entries := make([]Entry, len(w.pupils))
	for i, id := range w.pupils {
		entries[i] = Entry{Pupil: id, Value: Present}
		if at := slices.IndexFunc(but, func(e Entry) bool { return e.Pupil == id }); at >= 0 {
			entries[i] = but[at]
		}
	}
	return entries
}

func (w *world) current(sitting string) map[string]Mark {
	w.t.Helper()
	var marks map[string]Mark
	w.read(func(ctx context.Context, tx database.Tx) error {
		var err error
		marks, err = Current(ctx, tx, school, sitting)
		return err
	})
	return marks
}

func (w *world) undecided() []Mark {
	w.t.Helper()
	var marks []Mark
	w.read(func(ctx context.Context, tx database.Tx) error {
		var err error
		marks, err = Undecided(ctx, tx, school, 1000)
		return err
	})
	return marks
}

func (w *world) stated(pupil string, says Says, reason string, until time.Time) {
	w.t.Helper()
	w.write(school, func(ctx context.Context, tx database.Tx) error {
		return State(ctx, tx, w.journal, w.now, Statement{School: school, Pupil: pupil, Says: says, Reason: reason, FromAt: w.now, UntilAt: until, By: "a-office"})
	})
}

// viewers are who may look: the cookie "as" names one.
func viewers(zone *time.Location) map[string]page.Viewer {
	all := map[string]page.Viewer{"operator": {ID: "", Account: "a-operator", Role: page.Operator, Name: "Exploitation"}}
	for name, v := range map[string]page.Viewer{
		"head":     {ID: "", Role: page.Head, Name: "Hélène Faure"},
		"cpe":      {ID: "cpe", Role: page.CPE, Name: "Samir Aubertin"},
		"office":   {ID: "", Role: page.Secretary, Name: "Odile Ferrand"},
		"roy":      {ID: "roy", Role: page.Teacher, Name: "Camille Roy"},
		"petit":    {ID: "petit", Role: page.Teacher, Name: "Paul Petit"},
		"pupil":    {ID: "p01", Role: page.Pupil, Name: "Léa Benali"},
		"guardian": {ID: "nadia", Role: page.Guardian, Name: "Nadia Benali"},
	} {
		v.School, v.SchoolName, v.Zone, v.Account = school, "Lycée Alice-Guy", zone, "a-"+name
		all[name] = v
		v.School, v.SchoolName, v.Account = elsewhr, "Autre lycée", "b-"+name
		all["other-"+name] = v
	}
	return all
}

// site puts the pages on real routes.
func (w *world) site() *page.Routes {
	w.t.Helper()
	if w.routes != nil {
		return w.routes
	}
	sentences, err := page.NewWords(Words)
	if err != nil {
		w.t.Fatal(err)
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		w.t.Fatal(err)
	}
	who := viewers(w.zone)
	w.routes = page.NewRoutes(&page.Site{
		Words: sentences, Assets: assets, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Zone: w.zone,
		Viewer: func(r *http.Request) (page.Viewer, bool) {
			cookie, err := r.Cookie("as")
			if err != nil {
				return page.Viewer{}, false
			}
			v, ok := who[cookie.Value]
			return v, ok
		},
		Bar: func(context.Context) page.Bar {
			return page.Bar{Links: []page.Link{{ID: "today", Href: "/", Text: "Aujourd’hui"}, {ID: "roll", Href: "/roll/" + maths, Text: "L’appel"}}}
		},
	})
	w.pages = &Pages{DB: w.db, Journal: w.journal, Now: func() time.Time { return w.now }, Saved: func() { w.saved++ },
		Names: func(_ context.Context, _ database.Tx, _ string, accounts []string) (map[string]string, error) {
			out := map[string]string{}
			for _, v := range who {
				if slices.Contains(accounts, v.Account) {
					out[v.Account] = v.Name
				}
			}
			return out, nil
		}}
	w.pages.Register(w.routes)
	return w.routes
}
