package app

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/account"
	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/classroom"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/followup"
	"github.com/preau-ent/preau/internal/guard"
	"github.com/preau-ent/preau/internal/homework"
	"github.com/preau-ent/preau/internal/notices"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/internal/register"
	"github.com/preau-ent/preau/internal/status"
	"github.com/preau-ent/preau/internal/timetable"
	"github.com/preau-ent/preau/internal/whereabouts"
	"github.com/preau-ent/preau/internal/yearstart"
	"github.com/preau-ent/preau/web"
)

//go:embed locale
var words embed.FS

// register makes the table of routes: every capability's, and today's page.
func (a *App) register(secure bool) error {
	words, err := Words()
	if err != nil {
		return err
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		return err
	}
	// Where no school is known, pages read the hour where most schools are.
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return err
	}
	now := a.Clock.Now
	site := &page.Site{Words: words, Assets: assets, Log: a.log, Viewer: a.viewer, Again: a.Keeper.Again, Bar: a.bar, Version: Version, Secure: secure, Zone: zone}
	a.Routes = page.NewRoutes(site)
	a.Status = status.New(status.Config{DB: a.DB, Journal: a.Journal, Now: now, Log: a.log, Measure: a.measure, Here: a.hereOf, Site: site, Out: a.Config.StatusDir, File: filepath.Join(a.Config.Data, "hour.json"), URL: a.Config.Site(a.demo)})
	a.Status.Register(a.Routes)
	a.Keeper.Register(a.Routes)
	(&account.People{DB: a.DB, Keeper: a.Keeper, Journal: a.Journal, Now: now}).Register(a.Routes)
	(&directory.Pages{DB: a.DB, Journal: a.Journal, Now: now, Changed: a.Alert.Poke, Uploads: filepath.Join(a.Config.Data, "imports")}).Register(a.Routes)
	(&timetable.Pages{DB: a.DB, Journal: a.Journal, Now: now, Called: called, Changed: a.Alert.Poke}).Register(a.Routes)
	(&whereabouts.Pages{DB: a.DB, Journal: a.Journal, Now: now, Saved: a.Alert.Poke, Names: names}).Register(a.Routes)
	a.classPages = &classroom.Pages{DB: a.DB, Journal: a.Journal, Now: now, Evidence: a.evidence, Node: node(a.Config), Media: a.sound()}
	a.mayEnter = a.mayEnterClass
	a.classPages.Register(a.Routes)
	(&homework.Pages{DB: a.DB, Journal: a.Journal, Now: now}).Register(a.Routes)
	a.followup = &followup.Pages{DB: a.DB, Followup: &followup.Followup{Journal: a.Journal, Evidence: a.evidence}, Now: now}
	a.followup.Register(a.Routes)
	(&attendance.Pages{DB: a.DB, Journal: a.Journal, Now: now, Saved: a.Alert.Poke, Names: names, Propose: a.classPages.Propose}).Register(a.Routes)
	(&register.Pages{DB: a.DB, Journal: a.Journal, Now: now, Documents: filepath.Join(a.Config.Data, "documents")}).Register(a.Routes)
	(&yearstart.Pages{DB: a.DB, Journal: a.Journal, Now: now, Leaning: leaning(), Changed: a.Alert.Poke, Names: names}).Register(a.Routes)
	a.alertPages = &alert.Pages{DB: a.DB, Alert: a.Alert, Now: now, Actors: actors, Beside: a.uncalled, Elsewhere: map[courier.Kind]string{courier.Notice: "/notices/", courier.Daily: "/courrier#"}, Adults: a.adults, Accounts: accountsOf}
	a.alertPages.Register(a.Routes)
	a.courierPages = &courier.Pages{DB: a.DB, Courier: a.Courier, Now: now, Demo: a.demo, Adults: a.adults}
	a.courierPages.Register(a.Routes)
	(&notices.Pages{DB: a.DB, Notices: a.Notices, Now: now, Corrections: "/corrections"}).Register(a.Routes)
	(&guard.Pages{DB: a.DB, Guard: a.Guard, Now: now, Adults: a.adults}).Register(a.Routes)
	if err := a.registerOffline(secure); err != nil {
		return err
	}
	a.Routes.Handle("GET /{$}", page.Anyone(), a.today)
	a.Routes.Handle("GET /roll/now", page.Anyone(), a.rollNow)
	a.Routes.Handle("GET /accessibility", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		return page.Show(w, r, http.StatusOK, page.Accessibility())
	})
	a.registerLive()
	a.Routes.Handle("GET /healthz", page.Anyone(), a.healthz, page.FromMemory())
	if a.demo {
		a.Routes.Handle("POST /demo/advance", page.Anyone(), a.advance)
	}
	return nil
}

// Words are the sentences of every capability's pages. They are read once: that takes longer
// than most of what is said with them.
func Words() (*page.Words, error) { return everyWord() }

var everyWord = sync.OnceValues(func() (*page.Words, error) {
	return page.NewWords(words, account.Words, alert.Words, attendance.Words, classroom.Words, courier.Words, directory.Words, followup.Words, guard.Words, homework.Words, notices.Words, register.Words, status.Words, timetable.Words, whereabouts.Words, yearstart.Words)
})

// Handler serves the pages.
func (a *App) Handler() http.Handler { return a.Keeper.Renew(a.Routes) }

// bar is what surrounds a page: the links of the viewer's role, whether the school
// sends, the demonstration's clock.
func (a *App) bar(ctx context.Context) page.Bar {
	var b page.Bar
	if a.demo {
		b.Demo = &page.Demo{Now: a.Clock.Now()}
	}
	v, ok := page.ViewerFrom(ctx)
	if !ok {
		return b
	}
	b.Kept = keptPanel(v)
	link := func(id, href string) {
		b.Links = append(b.Links, page.Link{ID: id, Href: href, Text: page.T(ctx, "app.link."+id)})
	}
	if v.Role != page.Nurse {
		link("today", "/")
	}
	switch v.Role {
	case page.Head, page.CPE, page.Secretary:
		link("day", "/day")
		link("absences", "/absences")
		link("inside", "/inside")
		link("register", "/register")
		link("timetable", "/timetable")
		link("pupils", "/pupils")
		link("courrier", "/courrier")
		link("notices", "/notices")
		if a.Guard != nil && a.Guard.School() == v.School {
			link("guard", "/guard")
		}
		if v.Role == page.Head || v.Role == page.CPE {
			link("start", "/start")
			link("followup", "/followup")
		}
		link("accounts", "/accounts")
		link("state", "/schools/"+url.PathEscape(v.School)+"/etat")
	case page.Supervisor:
		link("day", "/day")
		link("absences", "/absences")
		link("inside", "/inside")
		link("timetable", "/timetable")
	case page.Nurse:
		link("inside", "/inside")
	case page.Teacher:
		link("timetable", "/timetable")
	case page.Operator:
		link("schools", "/schools")
		link("import", "/import")
		link("incidents", "/incidents")
	}
	switch {
	case page.Staff().Allows(v.Role):
		b.Status, b.Banners = a.standing(ctx, v)
	case v.Role == page.Operator:
		b.Banners = a.operatorBanners(ctx)
	}
	return b
}

// standing is what every page of the staff says of their school: whether it is in service, and,
// to school life, what keeps its messages in the building. Where that cannot be read, they are
// told so; of the service the page itself will say what is wrong.
func (a *App) standing(ctx context.Context, v page.Viewer) (status *page.Status, banners []page.Banner) {
	life := page.SchoolLife().Allows(v.Role)
	err := a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		if status, err = a.serviceTag(ctx, tx, v); err == nil && life {
			banners, err = a.banners(ctx, tx, v.School)
		}
		return err
	})
	switch {
	case err != nil && life:
		a.log.Error("banners", "err", err)
		return nil, []page.Banner{{Tone: page.Absent, Text: page.T(ctx, "app.banner.unknown")}}
	case err != nil:
		return nil, nil
	case v.Role == page.Supervisor:
		// They read what keeps messages in the building; what is done about it is the office's.
		for i := range banners {
			banners[i].Href, banners[i].Action = "", ""
		}
	}
	return status, banners
}

// banners say what keeps a school's messages in the building, the gravest first.
func (a *App) banners(ctx context.Context, tx database.Tx, school string) ([]page.Banner, error) {
	out, err := a.Courier.Banners(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	odd, err := alert.BreakerBanners(ctx, tx, school, a.Clock.Now())
	if err != nil {
		return nil, err
	}
	unusual, err := alert.ExceptionalBanners(ctx, tx, school, a.Clock.Now())
	if err != nil {
		return nil, err
	}
	waiting, err := a.Notices.Banners(ctx, tx, school)
	if err != nil {
		return nil, err
	}
	held, err := a.Guard.Banners(ctx, tx, school)
	return slices.Concat(out, unusual, odd, held, waiting), err
}

// operatorBanners say on the operator's pages where a school with one adult needs them.
func (a *App) operatorBanners(ctx context.Context) (out []page.Banner) {
	err := a.DB.Read(ctx, func(ctx context.Context, tx database.Tx) (err error) {
		if out, err = a.courierPages.OperatorBanners(ctx, tx); err != nil {
			return err
		}
		held, err := a.alertPages.OperatorBanners(ctx, tx)
		if err != nil {
			return err
		}
		out = append(out, held...)
		waiting, err := a.Notices.OperatorBanners(ctx, tx)
		out = append(out, waiting...)
		return err
	})
	if err != nil {
		a.log.Error("banners", "err", err)
	}
	return out
}

// serviceTag says whether messages of the viewer's school leave.
func (a *App) serviceTag(ctx context.Context, tx database.Tx, v page.Viewer) (*page.Status, error) {
	service, _, err := alert.ServiceOf(ctx, tx, v.School)
	if err != nil {
		return nil, err
	}
	rehearsal, _, err := alert.RehearsalOf(ctx, tx, v.School)
	if err != nil {
		return nil, err
	}
	zone := v.Zone
	if zone == nil {
		zone = time.UTC
	}
	if a.Courier.Carriers().Pretended() && !a.demo {
		s := &page.Status{Tone: page.Absent, Text: page.T(ctx, "app.service.pretend")}
		if page.SchoolOffice().Allows(v.Role) {
			s.Href = "/courrier"
		}
		return s, nil
	}
	s := &page.Status{Tone: page.Absent, Text: page.T(ctx, "app.service.no")}
	if alert.InService(service, timetable.Day(a.Clock.Now(), zone)) {
		until, err := time.ParseInLocation(time.DateOnly, service.UntilOn, zone)
		if err != nil {
			return nil, err
		}
		s = &page.Status{Tone: page.Here, Text: page.T(ctx, "app.service.yes", "until", page.DateYear(ctx, until))}
	} else if rehearsal.Open() {
		s = &page.Status{Tone: page.Late, Text: page.T(ctx, "app.service.rehearsal")}
	}
	if page.SchoolOffice().Allows(v.Role) {
		s.Href = "/service"
	}
	return s, nil
}

// healthz is for the machine that watches: 200 while requests are served.
func (a *App) healthz(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("ok\n"))
	return err
}

// advance moves the demonstration's clock, then does at once what the time that passed
// brings: the page that follows shows it.
func (a *App) advance(w http.ResponseWriter, r *http.Request) error {
	by, err := time.ParseDuration(r.PostFormValue("by"))
	if err != nil || by <= 0 || by > 24*time.Hour {
		return page.Invalid("by", "app.advance.invalid")
	}
	a.Clock.Advance(by)
	if err := a.Settle(r.Context()); err != nil {
		return err
	}
	return page.See(w, r, r.PostFormValue("next"))
}

// Settle does once all that the loops have to do now.
func (a *App) Settle(ctx context.Context) error {
	for range 3 { // decide and write, carry, follow what the carriers answered
		if err := a.Alert.Pass(ctx); err != nil {
			return err
		}
		if err := a.Notices.Pass(ctx); err != nil {
			return err
		}
		if a.Guard != nil {
			if err := a.Guard.Pass(ctx); err != nil {
				return err
			}
		}
		if err := a.Courier.Pass(ctx); err != nil {
			return err
		}
	}
	return nil
}
