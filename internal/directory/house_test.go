package directory_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// tuesday is the morning of these tests.
var tuesday = time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)

// house is the small town's school and another one, with the pages on top.
type house struct {
	db      *database.DB
	routes  *page.Routes
	changes int
	uploads string
}

// openHouse saves the town of the stories and a second school with one family.
func openHouse(t testing.TB, db *database.DB) *house {
	t.Helper()
	ctx := t.Context()
	town := fictional.Small(tuesday)
	if err := fictional.Save(ctx, db, town); err != nil {
		t.Fatal(err)
	}
	// A pupil of age, whom the town has not.
	err := db.InSchool(ctx, town.School.ID, func(ctx context.Context, tx database.Tx) error {
		return directory.Add(ctx, tx, directory.Batch{
			People: []directory.Person{
				{School: "alice-guy", ID: "grown", Kind: directory.KindPupil, Source: "fictional", SourceKey: "grown", LastName: "Morel", FirstName: "Inès", Born: "2008-11-01"},
				{School: "alice-guy", ID: "mum", Kind: directory.KindAdult, Source: "fictional", SourceKey: "mum", LastName: "Morel", FirstName: "Claude"},
				{School: "alice-guy", ID: "aunt", Kind: directory.KindAdult, Source: "aaf", SourceKey: "77", LastName: "Morel", FirstName: "Dominique"},
			},
			Contacts: []directory.ContactPoint{
				{School: "alice-guy", ID: "grown-sms", Person: "grown", Channel: directory.SMS, Address: "+33639980190", Raw: "0639980190", Source: "fictional"},
				{School: "alice-guy", ID: "mum-sms", Person: "mum", Channel: directory.SMS, Address: "+33639980190", Raw: "0639980190", Source: "fictional"},
				{School: "alice-guy", ID: "mum-email", Person: "mum", Channel: directory.Email, Address: "claude@morel.example", Raw: "claude@morel.example", Source: "fictional"},
				{School: "alice-guy", ID: "aunt-phone", Person: "aunt", Channel: directory.Phone, Address: "+33199001234", Raw: "0199001234", Source: "aaf"},
			},
			Links: []directory.Link{
				{School: "alice-guy", Pupil: "grown", Adult: "mum", Level: directory.Legal, Kinship: "mother", SMSConsent: directory.ConsentYes, Source: "fictional"},
				{School: "alice-guy", Pupil: "grown", Adult: "aunt", Level: directory.Contact, Kinship: "aunt", SMSConsent: directory.ConsentUnknown, Source: "aaf",
					SourceFile: "/home/somebody/exports/ENT_Complet_20260901_PersRelEleve_0000.xml", SourceDate: "AAF-VE1301", Dialect: "aaf-2013"},
			},
			Members: []directory.Member{{School: "alice-guy", Grp: "1re5", Person: "grown"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	other := directory.School{ID: "other", UAI: "0000002X", Name: "Collège Voisin", ShortName: "Voisin", Kind: "college", Zone: "Europe/Paris", Region: "FR", Lang: "fr", Phone: "01 99 00 20 00"}
	err = db.Write(ctx, func(ctx context.Context, tx database.Tx) error {
		if err := directory.AddSchool(ctx, tx, other); err != nil {
			return err
		}
		return directory.Add(ctx, tx, directory.Batch{
			People: []directory.Person{
				{School: "other", ID: "far-pupil", Kind: directory.KindPupil, Source: "fictional", SourceKey: "1", LastName: "Lointain", FirstName: "Paul", Born: "2008-01-01"},
				{School: "other", ID: "far-adult", Kind: directory.KindAdult, Source: "fictional", SourceKey: "2", LastName: "Lointain", FirstName: "Anne"},
			},
			Contacts:   []directory.ContactPoint{{School: "other", ID: "far-point", Person: "far-adult", Channel: directory.Email, Address: "anne@lointain.example", Source: "fictional"}},
			Links:      []directory.Link{{School: "other", Pupil: "far-pupil", Adult: "far-adult", Level: directory.Contact, SMSConsent: directory.ConsentUnknown, Source: "hand"}},
			Decisions:  []directory.Decision{{School: "other", ID: "far-decision", Pupil: "far-pupil", Adult: "far-adult", Reference: "LOIN-1", FromOn: "2030-01-01", RecordedBy: "a", RecordedAt: tuesday}},
			Objections: []directory.Objection{{School: "other", ID: "far-objection", Pupil: "far-pupil", Reference: "lettre", RecordedBy: "a", RecordedAt: tuesday}},
			Tasks:      []directory.Task{{School: "other", ID: "far-task", Kind: directory.TaskSameNumber, Person: "far-adult", OpenedAt: tuesday}},
			Groups:     []directory.Group{{School: "other", ID: "far-class", Kind: "class", Code: "6A", Label: "6e A"}},
			Members:    []directory.Member{{School: "other", Grp: "far-class", Person: "far-pupil"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{db: db}
	words, err := page.NewWords(directory.Words)
	if err != nil {
		t.Fatal(err)
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	h.routes = page.NewRoutes(&page.Site{
		Words: words, Assets: assets, Zone: zone, Version: "0.1", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Viewer: func(r *http.Request) (page.Viewer, bool) {
			c, err := r.Cookie("as")
			if err != nil {
				return page.Viewer{}, false
			}
			role, school, _ := strings.Cut(c.Value, "@")
			v := page.Viewer{ID: role, Account: "a-" + role, School: "alice-guy", SchoolName: "Lycée Alice-Guy", Role: page.Role(role), Name: "Odile Ferrand", Zone: zone}
			if school == "other" {
				v.School, v.SchoolName = "other", "Collège Voisin"
			}
			if v.Role == page.Operator {
				v.School, v.SchoolName = "", ""
			}
			return v, true
		},
		Bar: func(ctx context.Context) page.Bar {
			return page.Bar{Links: []page.Link{{ID: "today", Href: "/", Text: "Aujourd’hui"}, {ID: "pupils", Href: "/pupils", Text: "Élèves"}, {ID: "school", Href: "/school", Text: "Établissement"}}}
		},
	})
	h.uploads = filepath.Join(t.TempDir(), "imports")
	pages := &directory.Pages{DB: db, Journal: theJournal(t), Now: func() time.Time { return tuesday }, Changed: func() { h.changes++ }, Uploads: h.uploads}
	pages.Register(h.routes)
	return h
}

// get asks for a page as somebody: "secretary", "head", "head@other", "" for nobody.
func (h *house) get(t testing.TB, as, path string) (int, string) {
	t.Helper()
	return h.send(t, as, httptest.NewRequest("GET", path, nil))
}

// post sends a form.
func (h *house) post(t testing.TB, as, path string, pairs ...string) (int, string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return h.send(t, as, r)
}

func (h *house) send(t testing.TB, as string, r *http.Request) (int, string) {
	t.Helper()
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "as", Value: as})
	}
	w := httptest.NewRecorder()
	h.routes.ServeHTTP(w, r)
	if w.Code == http.StatusSeeOther {
		return w.Code, w.Header().Get("Location")
	}
	return w.Code, page.Plain(w.Body.String())
}

// in runs something in the town's school.
func (h *house) in(t testing.TB, fn func(context.Context, database.Tx) error) {
	t.Helper()
	if err := h.db.InSchool(t.Context(), "alice-guy", fn); err != nil {
		t.Fatal(err)
	}
}

// circle reads a circle as the head sees it.
func (h *house) circle(t testing.TB, pupil string) directory.Circle {
	t.Helper()
	var c directory.Circle
	err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		c, err = directory.CircleOf(ctx, tx, "alice-guy", pupil, tuesday, true)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// circleIn is circle within a transaction that is open.
func (h *house) circleIn(ctx context.Context, tx database.Tx, pupil string) directory.Circle {
	c, err := directory.CircleOf(ctx, tx, "alice-guy", pupil, tuesday, true)
	if err != nil {
		panic(err)
	}
	return c
}
