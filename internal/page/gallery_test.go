package page_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/web"
)

// The gallery shows every component as the capabilities use them, on fictional
// pages, so that they can be looked at, measured and checked in a real browser.

// paris is the zone of the gallery's school.
func paris(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func mustWords(t testing.TB, folders ...fs.FS) *page.Words {
	t.Helper()
	words, err := page.NewWords(folders...)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

func mustAssets(t testing.TB) *page.Assets {
	t.Helper()
	assets, err := page.NewAssets(web.Files())
	if err != nil {
		t.Fatal(err)
	}
	return assets
}

// people are who may look at the gallery: the cookie "as" names one.
func people(zone *time.Location) map[string]page.Viewer {
	school := page.Viewer{School: "s1", SchoolName: "Lycée Alice-Guy", Zone: zone}
	as := func(role page.Role, name string) page.Viewer {
		v := school
		v.ID, v.Account, v.Role, v.Name = "p-"+string(role), "a-"+string(role), role, name
		return v
	}
	return map[string]page.Viewer{
		"operator":  {ID: "p-operator", Account: "a-operator", Role: page.Operator, Name: "Exploitation"},
		"head":      as(page.Head, "M. Faure"),
		"cpe":       as(page.CPE, "Mme Roy"),
		"office":    as(page.Secretary, "Mme Roy"),
		"secretary": as(page.Secretary, "Mme Roy"), "supervisor": as(page.Supervisor, "M. Kerbrat"), "nurse": as(page.Nurse, "Mme Diallo"),
		"teacher":  as(page.Teacher, "Mme Castelnau-Desroches"),
		"pupil":    as(page.Pupil, "Léa Benali"),
		"guardian": as(page.Guardian, "M. Benali"),
	}
}

func asCookie(r *http.Request, zone *time.Location) (page.Viewer, bool) {
	cookie, err := r.Cookie("as")
	if err != nil {
		return page.Viewer{}, false
	}
	v, ok := people(zone)[cookie.Value]
	return v, ok
}

// gallerySite is a whole site around the gallery's pages.
func gallerySite(t testing.TB, log io.Writer) (*page.Site, *page.Routes) {
	t.Helper()
	zone := paris(t)
	now := time.Date(2027, 4, 6, 8, 21, 0, 0, zone)
	site := &page.Site{
		Words: mustWords(t), Assets: mustAssets(t), Version: "0.1", Zone: zone,
		Log:    slog.New(slog.NewTextHandler(log, nil)),
		Viewer: func(r *http.Request) (page.Viewer, bool) { return asCookie(r, zone) },
		Bar: func(ctx context.Context) page.Bar {
			bar := page.Bar{Demo: &page.Demo{Now: now}}
			if v, ok := page.ViewerFrom(ctx); ok && v.School != "" {
				bar.Status = &page.Status{Tone: page.Here, Text: "En service jusqu’au 20 avril", Href: "/status"}
				bar.Links = []page.Link{
					{ID: "today", Href: "/office", Text: "Aujourd’hui"}, {ID: "roll", Href: "/roll", Text: "Appels"},
					{ID: "calls", Href: "/parts", Text: "Familles à appeler", N: 3}, {ID: "letters", Href: "/courrier", Text: "Courrier"},
					{ID: "people", Href: "/people", Text: "Élèves"},
				}
			}
			return bar
		},
	}
	routes := page.NewRoutes(site)
	show := func(pattern string, rule page.Rule, c templ.Component) {
		routes.Handle(pattern, rule, func(w http.ResponseWriter, r *http.Request) error {
			return page.Show(w, r, http.StatusOK, c)
		})
	}
	show("GET /{$}", page.Anyone(), page.Landing())
	show("GET /accessibility", page.Anyone(), page.Accessibility())
	show("GET /sign-in", page.Anyone(), signInPage())
	show("GET /office", page.SchoolOffice(), officePage())
	show("GET /roll", page.Staff(), rollPage())
	show("GET /guardian", page.Only(page.Pupil, page.Guardian), guardianPage())
	show("GET /parts", page.SignedIn(), partsPage())
	routes.Handle("GET /broken", page.Anyone(), func(http.ResponseWriter, *http.Request) error {
		return errors.New("secret detail of the failure")
	})
	return site, routes
}

func galleryServer(t testing.TB) *httptest.Server {
	_, routes := gallerySite(t, io.Discard)
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	return server
}

// in renders c with those children.
func in(c templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return c.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

func html(format string, args ...any) templ.Component { return templ.Raw(fmt.Sprintf(format, args...)) }

func small(label string) templ.Component { return page.Button(page.Press{Label: label, Small: true}) }

func officePage() templ.Component {
	type held struct {
		name, class, subject, told string
		left                       int
		text                       string
	}
	rows := []templ.Component{html(`<thead><tr><th scope="col">Élève<th scope="col">Classe<th scope="col">Séance<th scope="col">Qui sera prévenu<th scope="col">Reste<th scope="col"><span class="unseen">Que faire</span></thead><tbody>`)}
	for _, h := range []held{
		{"BENALI Léa", "3e B", "maths", "2 responsables", 62, "6:12"}, {"HADDAD Rayan", "3e B", "maths", "1 responsable", 62, "6:12"},
		{"ROUX Emma", "2de 4", "anglais", "2 responsables", 57, "5:40"}, {"TRAORÉ Ali", "2de 4", "anglais", "2 responsables", 57, "5:40"},
		{"VIDAL Tom", "1re 2", "espagnol", "1 responsable", 31, "3:05"}, {"WEBER Lina", "1re 2", "espagnol", "2 responsables", 31, "3:05"},
		{"YILMAZ Ela", "Tle 1", "philo", "elle-même, 2 parents", 28, "2:48"}, {"ZANI Marco", "Tle 1", "philo", "2 responsables", 5, "0:31"},
	} {
		rows = append(rows, html(`<tr><th scope="row" class="nowrap">%s</th><td class="nowrap">%s</td><td>%s</td><td class="nowrap">%s</td><td>`, h.name, h.class, h.subject, h.told),
			page.TimeLeft(h.left, h.text), html(`</td><td>`), in(page.Acts(),
				page.Act(page.Action{To: "/expected", Press: page.Press{Label: "Attendue", Says: h.name, Small: true}}),
				page.Act(page.Action{To: "/inside", Press: page.Press{Label: "Dans les murs", Says: h.name, Small: true}})), html(`</td></tr>`))
	}
	rows = append(rows, html(`</tbody>`))
	return in(page.Frame(page.Meta{Title: "Vie scolaire", Active: "today", Width: page.Wide}),
		page.Heading("Mardi 6 avril, 8 h 21", "Ce matin : 68 absents sur 1 204, un mardi ordinaire"),
		in(page.Figures(),
			page.Figure(page.Fig{N: "31", Label: "attendus ou dans les murs", Note: "annoncés 19, stage 9, infirmerie 3"}),
			page.Figure(page.Fig{N: "22", Label: "retenus", Note: "partent entre 8 h 23 et 8 h 28"}),
			page.Figure(page.Fig{N: "12", Label: "familles prévenues", Note: "23 messages : 22 remis, 1 sans réponse sûre"}),
			page.Figure(page.Fig{N: "3", Label: "familles à appeler", Note: "rien n’est parti, ou rien de sûr", Tone: page.Absent, Href: "/parts"})),
		html(`<div class="cols">`),
		in(page.Sheet(page.SheetHead{Title: "Retenus", Note: "partent si rien ne change", Flush: true}),
			in(page.Table("Alertes retenues"), rows...), html(`<p class="soft">et 14 autres, par ordre de départ</p>`)),
		in(page.Sheet(page.SheetHead{Title: "À faire", Note: "5", Flush: true}), in(page.Rows(),
			in(page.Row("Appeler la famille de Malo K.", "SMS parti, réponse perdue à 8 h 17 ; il ne sera pas renvoyé"),
				page.Button(page.Press{Label: "Joint", Kind: page.Main, Small: true}), small("Répondeur"), small("Mauvais numéro")),
			page.Row("Appeler la famille d’Ana V.", "aucun contact valable"),
			page.Row("Sami L. : présent à 8 h, absent à 9 h", "vu en classe ce matin : à vérifier d’abord"),
			page.Row("Appel non fait : 2de 4, salle 112", "M. Petit, remplacé ? depuis 16 min"))),
		html(`</div>`))
}

func rollPage() templ.Component {
	type pupil struct{ name, note, mark string }
	parts := []templ.Component{
		page.Heading("Mardi 6 avril · 8 h 05 – 9 h 00 · salle 204", "Mathématiques, 3e B"),
		html(`<p class="soft">Présents tant que vous ne dites rien. 1 élève est attendu ailleurs.</p><form method="post" action="/roll" class="stack"><ul class="roll">`),
	}
	for i, p := range []pupil{
		{"ALVES Inès", "", ""}, {"BENALI Léa", "absente", "absent"}, {"COULIBALY Moussa", "", ""}, {"DA SILVA Tiago", "attendu ailleurs", ""},
		{"DUPONT Zoé", "8 min", "late"}, {"FERRAND Hugo", "", ""}, {"DE LA ROCHEFOUCAULD-MONTBEL Anne-Sophie", "", ""}, {"HADDAD Rayan", "absent", "absent"},
		{"KELLER Noé", "", ""}, {"LEROY Éloïse", "", ""},
	} {
		mark := func(value, text string) string {
			checked := ""
			if p.mark == value {
				checked = " checked"
			}
			return fmt.Sprintf(`<label><input type="checkbox" name="p%d" value="%s"%s><span>%s<span class="unseen"> : %s</span></span></label>`, i, value, checked, text, p.name)
		}
		note := ""
		if p.note != "" {
			note = `<p class="soft">` + p.note + `</p>`
		}
		parts = append(parts, html(`<li class="roll-row"><div><strong>%s</strong>%s</div><div class="seg">%s%s</div></li>`,
			p.name, note, mark("absent", "Absent"), mark("late", "Retard")))
	}
	parts = append(parts, html(`</ul><div class="savebar"><p class="num"><strong>25</strong> présents · <strong>2</strong> absents · <strong>1</strong> retard</p>`),
		page.Button(page.Press{Label: "Enregistrer", Kind: page.Main}), html(`</div></form>`))
	return in(page.Frame(page.Meta{Title: "L’appel", Active: "roll", Width: page.Narrow}), parts...)
}

func guardianPage() templ.Component {
	return in(page.Frame(page.Meta{Title: "Vos enfants", Width: page.Narrow}),
		page.Heading("Mardi 6 avril", "Vos enfants"),
		in(page.Sheet(page.SheetHead{}),
			html(`<div class="split"><h2>Léa, 3e B</h2>`), page.Tag(page.Absent, "absente à 8 h 05"), html(`</div><p>Elle n’était pas en classe en mathématiques, de 8 h 05 à 9 h 00.</p>`),
			in(page.Acts(), page.Button(page.Press{Label: "Je préviens de l’absence", Kind: page.Main}), page.Button(page.Press{Label: "Elle est au lycée"})),
			html(`<p class="soft">Message envoyé à 8 h 17. Inutile d’appeler : votre réponse arrive tout de suite à la vie scolaire.</p>`)),
		in(page.Sheet(page.SheetHead{}),
			html(`<div class="split"><h2>Ilyes, 6e 1</h2>`), page.Tag(page.Here, "en classe"), html(`</div><dl class="facts"><dt class="num">9 h 00<dd>Histoire <span class="soft">salle 12</span><dt class="num">10 h 10<dd>Sport `),
			page.Tag(page.Late, "gymnase fermé : salle 31"), html(`<dt>demain<dd>Français : lire le chapitre 3</dl>`)))
}

func signInPage() templ.Component {
	return in(page.Frame(page.Meta{Title: "Se connecter", Bare: true, Width: page.Narrow}),
		page.Heading("", "Se connecter"),
		in(page.Sheet(page.SheetHead{}), html(`<form class="form" method="post" action="/sign-in">`),
			page.Field(page.Input{Name: "name", Label: "Identifiant", Auto: "username", Required: true, Value: "l.benali", Hint: "Il est sur la lettre de votre établissement."}),
			page.Field(page.Input{Name: "password", Label: "Mot de passe", Type: "password", Auto: "current-password", Required: true, Error: "L’identifiant ou le mot de passe ne correspond pas."}),
			page.Button(page.Press{Label: "Se connecter", Kind: page.Main}), html(`</form>`)),
		in(page.Details("Première connexion ?"), html(`<p>Votre établissement vous a remis une lettre avec un code.</p>`)))
}

func partsPage() templ.Component {
	return in(page.Frame(page.Meta{Title: "Composants", Active: "calls"}),
		in(page.Heading("Galerie", "Tous les composants, un par un"), page.Button(page.Press{Label: "Imprimer la liste"}), page.Button(page.Press{Label: "Ajouter une séance", Kind: page.Main, Href: "/new"})),
		page.Notice(page.Info, "Les cours à la maison commencent à 10 h."),
		in(page.Notice(page.Done, "L’appel de 3e B est enregistré."), html(`<p>25 présents, 2 absents, 1 retard.</p>`)),
		page.Notice(page.Warn, "Rien ne part : l’établissement n’est pas en service depuis le 3 avril."),
		in(page.Notice(page.Stop, "550 élèves sont notés absents. D’habitude, 55 à 90. Rien n’est parti."), page.Button(page.Press{Label: "Ces appels sont faux : les faire refaire", Kind: page.Danger})),
		in(page.Sheet(page.SheetHead{Title: "Boutons et étiquettes"}),
			in(page.Acts(), page.Button(page.Press{Label: "Prévenir 2 responsables de Léa M.", Kind: page.Main}), page.Button(page.Press{Label: "Attendue"}),
				page.Button(page.Press{Label: "Plus tard", Kind: page.Quiet}), page.Button(page.Press{Label: "Tout arrêter", Kind: page.Danger}), small("Petit")),
			html(`<p>`), page.Tag(page.Soft, "prévu"), html(" "), page.Tag(page.Absent, "absente"), html(" "), page.Tag(page.Late, "8 min"), html(" "), page.Tag(page.Here, "en classe"), html(" "), page.Tag(page.Held, "part à 8 h 23"), html(`</p><p>`),
			page.TimeLeft(100, "10:00"), html(" "), page.TimeLeft(75, "7:30"), html(" "), page.TimeLeft(50, "5:00"), html(" "), page.TimeLeft(12, "1:12"), html(" "), page.TimeLeft(0, "0:00"), html(`</p>`),
			page.Progress(64, "Lecture des fichiers : 642 élèves sur 1 003")),
		html(`<div class="cols even">`),
		in(page.Sheet(page.SheetHead{Title: "Un formulaire"}), html(`<form class="form" method="post" action="/x">`),
			page.Field(page.Input{Name: "room", Label: "Salle", Value: "204"}),
			page.Field(page.Input{Name: "phone", Label: "Téléphone", Type: "tel", Mode: "tel", Auto: "tel", Required: true, Value: "06 39 98 01", Hint: "Celui que la famille préfère.", Error: "Il manque deux chiffres."}),
			page.Pick(page.Choice{Name: "class", Label: "Classe", Value: "b", Options: []page.Option{{Value: "a", Text: "3e A"}, {Value: "b", Text: "3e B"}}}),
			page.Radios(page.Choice{Name: "outcome", Label: "Résultat de l’appel", Value: "reached", Options: []page.Option{{Value: "reached", Text: "Joint"}, {Value: "machine", Text: "Répondeur", Note: "sans laisser le motif"}, {Value: "none", Text: "Pas de réponse"}}}),
			page.Field(page.Input{Name: "note", Label: "Remarque", Type: "textarea"}),
			page.Button(page.Press{Label: "Enregistrer la séance", Kind: page.Main}), html(`</form>`)),
		html(`<div class="stack">`),
		in(page.Sheet(page.SheetHead{Title: "Pourquoi ce message", Note: "de l’écran à l’opérateur"}), in(page.Timeline(),
			page.TimelineStep(page.Step{When: "8 h 07", What: "Léa est notée absente", Note: "Mathématiques, 3e B", Tone: page.Absent}),
			page.TimelineStep(page.Step{When: "8 h 07", What: "Retenu jusqu’à 8 h 17", Note: "attendue ? non. dans les murs ? non.", Tone: page.Held}),
			in(page.TimelineStep(page.Step{When: "8 h 17", What: "Message écrit pour M. B."}), html(`<p class="letter">Lycée Alice-Guy: Léa B. n&#39;est pas en mathématiques depuis 8:05, mardi 6 avril.</p>`)),
			page.TimelineStep(page.Step{When: "8 h 17", What: "Remis à l’opérateur", Tone: page.Here}))),
		in(page.Sheet(page.SheetHead{}), in(page.Empty("Personne à appeler", "Toutes les familles concernées ont été prévenues, ou ont répondu."), page.Button(page.Press{Label: "Voir la journée", Href: "/office"}))),
		html(`</div></div>`))
}

// keepPictures keeps a picture of every page of the gallery, to be looked at, where
// PREAU_PICTURES names a folder:
//
//	PREAU_PICTURES=/tmp/pictures go test ./internal/page -run Gallery
func keepPictures(t *testing.T, browser *browser, server string) {
	t.Helper()
	dir := os.Getenv("PREAU_PICTURES")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range galleryPages() {
		for _, width := range []int64{360, 1280} {
			for _, dark := range []bool{false, true} {
				name := fmt.Sprintf("%s/%s-%d.png", dir, p.name, width)
				if dark {
					name = fmt.Sprintf("%s/%s-%d-dark.png", dir, p.name, width)
				}
				seen := browser.open(t, server+p.path, p.as, width, dark)
				if err := os.WriteFile(name, seen.picture(t), 0o644); err != nil {
					t.Fatal(err)
				}
				seen.close()
			}
		}
	}
}

type galleryPage struct{ name, path, as string }

func galleryPages() []galleryPage {
	return []galleryPage{
		{"landing", "/", ""}, {"sign-in", "/sign-in", ""}, {"office", "/office", "office"}, {"roll", "/roll", "teacher"},
		{"guardian", "/guardian", "guardian"}, {"parts", "/parts", "cpe"}, {"notfound", "/nowhere", "head"},
		{"forbidden", "/office", "pupil"}, {"broken", "/broken", ""}, {"accessibility", "/accessibility", ""},
	}
}
