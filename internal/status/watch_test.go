package status

import (
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

func (w *world) get(path string) (int, string) {
	w.t.Helper()
	res, err := http.Get(w.server.URL + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res.StatusCode, page.Plain(string(b))
}

// TestFromMemory: the page is there, and says what is, when the database is gone.
func TestFromMemory(t *testing.T) {
	db := databasetest.SQLite(t)
	w := newWorld(t, db, nil)
	if code, text := w.get("/etat"); code != http.StatusOK || !strings.Contains(text, "Le service démarre.") {
		t.Fatalf("%d %s", code, text)
	}
	w.look()
	if _, text := w.get("/etat"); !strings.Contains(text, "Tout fonctionne.") || !strings.Contains(text, "Mis à jour mardi 24 novembre, 8 h 05") {
		t.Fatal(text)
	}
	w.say(Incident{From: w.now, Grade: Stopped, Touches: []Part{Messages}}, "Un opérateur ne répond plus.", "A carrier does not answer.")
	w.look()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, text := w.get("/etat"); !strings.Contains(text, "<h1>Un opérateur ne répond plus.</h1>") {
		t.Error("the page needs the database: ", text)
	}
	w.look()
	_, text := w.get("/etat?lang=en")
	for _, want := range []string{"<h1>A carrier does not answer.</h1>", "Something does not work. We do not know the cause yet.", "Stopped"} {
		if !strings.Contains(text, want) {
			t.Errorf("without a database the page does not say %q: %s", want, text)
		}
	}
	if code, _ := w.get("/status"); code != http.StatusOK {
		t.Errorf("the old address leads to %d", code)
	}
}

// TestCopy: the folder holds the page in both languages and the feed, each names its own
// hour, and leads nowhere but to the site.
func TestCopy(t *testing.T) {
	out := filepath.Join(t.TempDir(), "copy")
	w := newWorld(t, databasetest.SQLite(t), func(c *Config) { c.Out, c.File = out, filepath.Join(t.TempDir(), "hour.json") })
	w.figures.Waiting, w.figures.From, w.figures.Until = 4000, 3*time.Minute, 5*time.Minute
	w.say(Incident{From: w.now.Add(-time.Hour), Until: w.now.Add(-time.Minute), Grade: Slow}, "Réparé <b>ici</b> & là.", "")
	w.look()
	w.status.keep()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v %v: a web server must read it", name, info.Mode(), err)
		}
		return page.Plain(string(b))
	}
	fr := read("index.html")
	for _, want := range []string{"Ceci est une copie, écrite mardi 24 novembre, 8 h 05", "on attend 3 à 5 minutes", `href="en.html"`, `href="incidents.atom"`, `href="https://ent.example.org"`, `datetime="2026-11-24T07:05:00Z"`} {
		if !strings.Contains(fr, want) {
			t.Errorf("the copy does not say %q: %s", want, fr)
		}
	}
	for _, never := range []string{`href="/`, `src="`, "<script", "<b>ici"} {
		if strings.Contains(fr, never) {
			t.Errorf("the copy has %q, which another host does not", never)
		}
	}
	if en := read("en.html"); !strings.Contains(en, "This is a copy, written Tuesday 24 November, 8:05") || !strings.Contains(en, `<p class="pre" lang="fr">Réparé`) {
		t.Error(en)
	}
	left, err := os.ReadDir(out)
	if err != nil || len(left) != 4 {
		t.Errorf("%d files, %v: half-written ones are left, or some are missing", len(left), err)
	}
	// A later program goes on with the same hour.
	again := New(Config{DB: w.db, Now: w.status.now, Log: w.status.log, Measure: w.status.measure, Site: w.status.site, File: w.status.file})
	if len(again.points) != 1 || again.points[0].Waiting != 4000 {
		t.Errorf("a restart forgets the hour: %+v", again.points)
	}
}

func TestFeed(t *testing.T) {
	w := newWorld(t, databasetest.SQLite(t), nil)
	first := w.say(Incident{From: w.now, Grade: Stopped, Touches: []Part{Alerts}}, "Panne : les alertes ne partent pas.\nLes établissements téléphonent.", "Failure: alerts do not leave.\nSchools telephone.")
	w.look()
	w.now = w.now.Add(time.Hour)
	w.say(Incident{From: w.now.Add(24 * time.Hour), Until: w.now.Add(25 * time.Hour), Grade: Slow}, "Travaux <demain> & après.", "")
	w.look()
	read := func(path string) (f atomFeed) {
		_, text := w.get(path)
		if err := xml.Unmarshal([]byte(text), &f); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		return f
	}
	f := read("/etat.atom")
	if len(f.Entries) != 2 || f.Entries[0].Title != "Travaux <demain> & après." || f.Updated != "2026-11-24T08:05:00Z" {
		t.Fatalf("%+v", f)
	}
	if want := "https://ent.example.org/etat#" + first.ID + "-1"; f.Entries[1].ID != want || !strings.Contains(f.Entries[1].Content.Text, "Les établissements téléphonent.") {
		t.Errorf("%+v", f.Entries[1])
	}
	if en := read("/etat.atom?lang=en"); en.Entries[1].Title != "Failure: alerts do not leave." {
		t.Errorf("%+v", en)
	}
	if _, text := w.get("/etat.atom?lang=en"); !strings.Contains(text, `xml:lang="en">`) || !strings.Contains(text, `type="text" xml:lang="fr"`) {
		t.Errorf("the feed does not say in which language it is: %s", text)
	}
}

// TestHour: one point a minute, an hour of them, the most of each minute; and people are
// counted once whatever the clock does.
func TestHour(t *testing.T) {
	w := newWorld(t, databasetest.SQLite(t), nil)
	sum := 0
	for n := range 12 * 90 {
		w.figures.Admitted += 3
		w.figures.Waiting = n % 12
		w.look()
		w.now = w.now.Add(5 * time.Second)
	}
	points := w.status.Report().Points
	for _, p := range points {
		sum += p.Admitted
		if p.Waiting != 11 {
			t.Errorf("%v: %d waited at most, want 11", p.At, p.Waiting)
		}
	}
	if len(points) < 59 || len(points) > 61 || sum != 36*len(points) {
		t.Errorf("%d points, %d entered", len(points), sum)
	}
	w.now = w.now.Add(-30 * time.Minute) // a clock that is put back
	w.look()
	if got := len(w.status.Report().Points); got > 61 {
		t.Errorf("%d points", got)
	}
}
