package courier_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
	"github.com/preau-ent/preau/web"
)

// office is a school whose letters have left, and the page that shows them.
type office struct {
	t      *testing.T
	db     *database.DB
	town   fictional.Town
	now    time.Time
	server *httptest.Server
}

const smsText = "Lycee Alice-Guy: Léa B. n'est pas en maths depuis 8h05, 24/11. Merci de nous joindre au 01 99 00 10 00 ou sur Préau. Réf ABCDEF2"
const mailText = "Bonjour,\n\nLéa B. n'est pas en Mathématiques depuis 8h05, 24/11.\n\nSi Léa arrive, nous vous l'écrirons.\n\nLycée Alice-Guy\nRéférence de ce message : ABCDEF3\n"

func newOffice(t *testing.T, db *database.DB, demo bool, carriers courier.Carriers) *office {
	t.Helper()
	o := &office{t: t, db: db, town: fictional.Small(time.Time{})}
	o.now = o.town.Tuesday.Add(17 * time.Minute)
	if err := fictional.Save(t.Context(), db, o.town); err != nil {
		t.Fatal(err)
	}
	j, err := journal.New(bytes.Repeat([]byte{5}, journal.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	c := courier.New(courier.Config{DB: db, Journal: j, Carriers: carriers, Now: func() time.Time { return o.now }, Log: log})
	yes := func(_ context.Context, _ database.Tx, letters []courier.Letter, _ time.Time) (map[string]string, error) {
		because := map[string]string{}
		for _, l := range letters {
			because[l.ID] = ""
		}
		return because, nil
	}
	for _, k := range []courier.Kind{courier.Absence, courier.Arrived, courier.Correction} {
		c.VouchFor(k, yes)
	}
	for i, d := range []courier.Draft{
		{ID: "one", Code: "ABCDEF2", Kind: courier.Absence, Person: "nadia", Contact: "nadia-sms", Channel: directory.SMS, Body: smsText},
		{ID: "two", Code: "ABCDEF3", Kind: courier.Absence, Person: "karim", Contact: "karim-email", Channel: directory.Email, Subject: "Léa n'est pas en classe (8h05)", Body: mailText},
		{ID: "three", Code: "ABCDEF4", Kind: courier.Arrived, Person: "nadia", Contact: "nadia-sms", Channel: directory.SMS, Body: "Lycee Alice-Guy: Léa B. est maintenant au lycée (8h20). <b>Réf</b> ABCDEF4"},
		{ID: "never", Code: "ABCDEF5", Kind: courier.Absence, Person: "adeline", Contact: "adeline-sms", Channel: directory.SMS, Body: "nobody got this"},
	} {
		d.Ref, d.Pupil, d.Lang, d.ExpiresAt = "episode", "lea", "fr", o.now.Add(time.Hour)
		if d.DueAt = o.now; d.ID == "never" {
			d.DueAt = o.now.Add(time.Minute)
		}
		err := db.InSchool(t.Context(), o.town.School.ID, func(ctx context.Context, tx database.Tx) error {
			return c.Put(ctx, tx, o.town.School.ID, o.now, d)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			o.now = o.now.Add(3 * time.Minute)
		}
	}
	words, err := page.NewWords(courier.Words)
	if err != nil {
		t.Fatal(err)
	}
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	zone, err := o.town.School.Location()
	if err != nil {
		t.Fatal(err)
	}
	routes := page.NewRoutes(&page.Site{Words: words, Assets: assets, Log: log, Zone: zone, Viewer: func(r *http.Request) (page.Viewer, bool) {
		cookie, err := r.Cookie("as")
		if err != nil {
			return page.Viewer{}, false
		}
		role, school, _ := strings.Cut(cookie.Value, ":")
		return page.Viewer{ID: "x", Account: "x", Role: page.Role(role), School: school, Name: role, Zone: zone}, true
	}})
	(&courier.Pages{DB: db, Courier: c, Now: func() time.Time { return o.now }, Demo: demo}).Register(routes)
	o.server = httptest.NewServer(routes)
	t.Cleanup(o.server.Close)
	return o
}

func (o *office) get(as string) (int, string) {
	o.t.Helper()
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodGet, o.server.URL+"/courrier", nil)
	if err != nil {
		o.t.Fatal(err)
	}
	if as != "" {
		r.AddCookie(&http.Cookie{Name: "as", Value: as})
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestTheOfficeReadsTheLetters(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db, false, courier.Pretend())
		for _, role := range page.Roles() {
			status, text := o.get(string(role) + ":" + o.town.School.ID)
			if allowed := role == page.Head || role == page.CPE || role == page.Secretary; allowed != (status == http.StatusOK) || !allowed && strings.Contains(text, "Nadia") {
				t.Errorf("%s: %d", role, status)
			}
			if status, text := o.get(string(role) + ":elsewhere"); status == http.StatusOK || strings.Contains(text, "Nadia") {
				t.Errorf("%s of another school: %d", role, status)
			}
		}
		if status, _ := o.get(""); status != http.StatusSeeOther {
			t.Errorf("signed out: %d", status)
		}
		_, raw := o.get("secretary:" + o.town.School.ID)
		text := page.Plain(html.UnescapeString(raw))
		for _, want := range []string{"Rien n'est sorti du bâtiment", "Nadia Benali", "Karim Benali", smsText, mailText, "Léa n'est pas en classe (8h05)", `href="/explain/one"`, "Réf. ABCDEF3 : pourquoi ?", "mardi 24 novembre, 8 h 17"} {
			if !strings.Contains(text, page.Plain(want)) {
				t.Errorf("the page does not say %q", want)
			}
		}
		if strings.Contains(raw, "<b>Réf</b>") {
			t.Error("a letter's words became markup")
		}
		if strings.Contains(text, "nobody got this") {
			t.Error("a letter is shown that has not begun to leave")
		}
		if strings.Contains(text, "06 39 98") || strings.Contains(text, "@") {
			t.Error("addresses are shown outside a demonstration")
		}
		if strings.Index(text, "ABCDEF4") > strings.Index(text, "ABCDEF2") {
			t.Error("the newest letter is not first")
		}
	})
}

func TestInADemonstrationEverybodyReadsTheLetters(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		o := newOffice(t, db, true, courier.Pretend())
		for _, as := range []string{"", "operator:", "pupil:" + o.town.School.ID, "secretary:" + o.town.School.ID} {
			status, text := o.get(as)
			if status != http.StatusOK || !strings.Contains(text, "Nadia") || !strings.Contains(text, "06 39 98") || !strings.Contains(text, ".example") {
				t.Errorf("%q: %d", as, status)
			}
			if explains := strings.Contains(text, "/explain"); explains != strings.HasPrefix(as, "secretary") {
				t.Errorf("%q: a link to explain: %v", as, explains)
			}
		}
	})
}

// Demo has no effect where letters can really leave.
func TestADemonstrationThatIsNone(t *testing.T) {
	real, err := courier.Real(courier.Settings{Mail: courier.Mail{Host: "127.0.0.1", Port: 1, TLS: "none", From: "vie-scolaire@lycee.example"}})
	if err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, databasetest.SQLite(t), true, real)
	if status, _ := o.get(""); status != http.StatusSeeOther {
		t.Errorf("signed out: %d", status)
	}
	if status, text := o.get("secretary:" + o.town.School.ID); status != http.StatusOK || strings.Contains(text, "Rien n") || strings.Contains(text, ".example") || !strings.Contains(text, "Courrier<") {
		t.Errorf("%d %s", status, text)
	}
}

// TestLettersInABrowser looks at the page at the width of a phone and of a desk, in
// both themes. With PREAU_PICTURES it leaves a picture of each there.
func TestLettersInABrowser(t *testing.T) {
	o := newOffice(t, databasetest.SQLite(t), true, courier.Pretend())
	b := browser.Start(t)
	for _, width := range []int{360, 1280} {
		for _, dark := range []bool{false, true} {
			if os.Getenv("PREAU_PICTURES") == "" && dark != (width == 1280) {
				continue // each width and each theme once
			}
			t.Run(fmt.Sprintf("%d-%v", width, dark), func(t *testing.T) {
				tab := b.Tab(t, browser.Options{Width: width, Dark: dark})
				tab.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
					_, err := cdp.Call(ctx, target, network.SetCookie, network.SetCookieParams{Name: "as", Value: "secretary:" + o.town.School.ID, URL: o.server.URL})
					return err
				}))
				tab.Go(o.server.URL + "/courrier")
				tab.Wait("main h1")
				tab.Keep(fmt.Sprintf("courrier-%d-%s", width, browser.Shade(dark)))
				tab.NoViolations("courrier")
				tab.Quiet("the page")
				tab.Fits("the page")
			})
		}
	}
}
