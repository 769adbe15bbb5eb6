package status

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

var operator = page.Viewer{ID: "", Account: "operator-account", Role: page.Operator, Name: "Opératrice"}

func head(school string) page.Viewer {
	return page.Viewer{ID: "head", Account: "head-account", School: school, SchoolName: "Lycée " + school, Role: page.Head, Name: "Direction"}
}

func (w *world) post(path string, form url.Values) (int, string) {
	w.t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.PostForm(w.server.URL+path, form)
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

// TestOperatorSays: from a prepared sentence to the page that everybody reads, and its end.
func TestOperatorSays(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil)
		w.viewer = operator
		w.look()
		code, text := w.get("/incidents?with=messages")
		if code != http.StatusOK || !strings.Contains(text, "Les messages aux familles ne partent pas depuis 8 h 05.\nL'appel fonctionne.") || !strings.Contains(text, "Prochaine nouvelle à 8 h 35.") || !strings.Contains(text, "Messages to families have not left since 8:05.") {
			t.Fatalf("%d %s", code, text)
		}
		form := url.Values{"fr": {"Les messages attendent <ici>.\nNous cherchons."}, "en": {""}, "touches": {"alerts", "messages", "nonsense"}, "grade": {"stopped"}, "from": {"2026-11-24T07:50"}}
		for field, wrong := range map[string]string{"fr": " ", "from": "2020-01-01T08:00", "until": "2026-11-24T07:00"} {
			bad := url.Values{}
			for k, v := range form {
				bad[k] = v
			}
			bad.Set(field, wrong)
			code, text := w.post("/incidents", bad)
			if code != http.StatusUnprocessableEntity || !strings.Contains(text, `aria-invalid="true"`) {
				t.Errorf("a wrong %s: %d", field, code)
			}
			if field != "fr" && !strings.Contains(text, "Les messages attendent &lt;ici&gt;.") {
				t.Errorf("a wrong %s loses what was typed", field)
			}
		}
		if code, text := w.post("/incidents", form); code != http.StatusSeeOther {
			t.Fatalf("%d %s", code, text)
		}
		w.look()
		_, text = w.get("/etat")
		for _, want := range []string{"<h1>Les messages attendent &lt;ici&gt;.</h1>", "Depuis mardi 24 novembre, 7 h 50", `<span class="t stopped">Arrêté</span> <span class="why">Voyez ce qui est dit plus haut.`} {
			if !strings.Contains(text, want) {
				t.Errorf("the page does not say %q: %s", want, text)
			}
		}
		id := w.status.Report().Open[0].ID
		w.now = w.now.Add(20 * time.Minute)
		if code, _ := w.post("/incidents/"+id, url.Values{"fr": {"Cela continue."}, "do": {"say"}}); code != http.StatusSeeOther {
			t.Fatal(code)
		}
		w.look()
		if _, text := w.get("/etat"); !strings.Contains(text, "<h1>Cela continue.</h1>") || !strings.Contains(text, "Les messages attendent &lt;ici&gt;.") {
			t.Errorf("what was said before is not there any more: %s", text)
		}
		if code, _ := w.post("/incidents/"+id, url.Values{"fr": {"C'est réparé."}, "do": {"end"}}); code != http.StatusSeeOther {
			t.Fatal(code)
		}
		w.look()
		if _, text := w.get("/etat"); !strings.Contains(text, "<h1>Tout fonctionne.</h1>") || !strings.Contains(text, "C'est réparé.") || !strings.Contains(text, "Du mardi 24 novembre, 7 h 50 au mardi 24 novembre, 8 h 25") {
			t.Errorf("%s", text)
		}
		for path, do := range map[string]string{"/incidents/nothing": "say", "/incidents/" + id: "x"} {
			if code, _ := w.post(path, url.Values{"fr": {"x"}, "do": {do}}); code != http.StatusNotFound && code != http.StatusUnprocessableEntity {
				t.Errorf("%s %s: %d", path, do, code)
			}
		}
	})
}

// TestHere: a school reads of its own stop, and nobody else does; the sentences say what is,
// and the text alone is what there is to copy.
func TestHere(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, nil)
		w.viewer = head("ours")
		w.look()
		if _, text := w.get("/schools/ours/etat"); !strings.Contains(text, "Préau fonctionne normalement. L'état du service : https://ent.example.org/etat</textarea>") {
			t.Error(text)
		}
		if code, _ := w.get("/schools/theirs/etat"); code != http.StatusNotFound {
			t.Errorf("another school: %d", code)
		}
		for _, path := range []string{"/schools/theirs/etat/families", "/schools/ours/etat/nobody", "/schools/none/etat"} {
			if code, _ := w.get(path); code != http.StatusNotFound {
				t.Errorf("%s: %d", path, code)
			}
		}
		for _, c := range []struct {
			here Here
			want string
		}{
			{Here{}, "n'est pas en service"},
			{Here{Rehearsal: true}, "est en répétition"},
			{Here{Service: true, Stopped: true}, "a tout arrêté"},
			{Here{Service: true, Stopped: true, Locked: true}, "sont verrouillés"},
			{Here{Service: true, Unusual: true}, "Matinée inhabituelle"},
		} {
			w.here = c.here
			if _, text := w.get("/schools/ours/etat"); !strings.Contains(text, c.want) || strings.Contains(text, "Tout fonctionne") {
				t.Errorf("%+v: %s", c.here, text)
			}
			if _, text := w.get("/etat"); !strings.Contains(text, "<h1>Tout fonctionne.</h1>") {
				t.Errorf("%+v: everybody reads of it: %s", c.here, text)
			}
		}
		w.here = Here{Service: true}
		w.figures.Waiting, w.figures.From, w.figures.Until = 4000, 3*time.Minute, 5*time.Minute
		w.look()
		want := "En ce moment, on attend 3 à 5 minutes pour entrer sur Préau. Les professeurs entrent d'abord. Aucun élève ne sera noté absent pour cela. L'état du service : https://ent.example.org/etat\n"
		if _, text := w.get("/schools/ours/etat/families"); text != want {
			t.Errorf("%q", text)
		}
		w.viewer = operator
		if code, _ := w.get("/schools/theirs/etat"); code != http.StatusOK {
			t.Errorf("the operator: %d", code)
		}
	})
}

// TestEverySentence: each state has a sentence for families and one for staff, in both
// languages, with nothing left open.
func TestEverySentence(t *testing.T) {
	w := newWorld(t, databasetest.SQLite(t), nil)
	school := hereView{Report: Report{Low: 3, High: 5}}
	school.School.Phone = "01 99 00 10 00"
	for _, headline := range []string{"starting", "well", "line", "line.alone", "messages", "messages.stopped", "slow", "unknown"} {
		for _, lang := range page.Languages() {
			ctx := page.In(t.Context(), w.status.site, lang)
			if text := page.T(ctx, "status.head."+headline); strings.HasPrefix(text, "status.") {
				t.Errorf("there is no %s", text)
			}
			school.Report.Measured = "status.head." + headline
			for _, to := range []whom{families, staff} {
				if text := school.ready(ctx, to); strings.HasPrefix(text, "status.") || strings.ContainsAny(text, "{}") {
					t.Errorf("%s %s %s: %q", headline, lang, to, text)
				}
			}
		}
	}
	for _, p := range append(preparedTexts(), prepared{Key: "mended"}) {
		for _, lang := range page.Languages() {
			ctx := page.In(t.Context(), w.status.site, "fr")
			text := sayIn(ctx, w.status.site.Words, lang, p.Key, w.now)
			if strings.HasPrefix(text, "status.") || strings.ContainsAny(text, "{}") || len([]rune(text)) > mostWords {
				t.Errorf("%s %s: %q", p.Key, lang, text)
			}
		}
	}
}
