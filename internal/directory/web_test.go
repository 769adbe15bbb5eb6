package directory_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// secret is the reference of the document in these tests: it must reach nobody but head
// and CPE.
const secret = "TJ Ys 26-00123"

// furnished is the house with a decision of a court about Malo and Ronan.
func furnished(t *testing.T, db *database.DB) *house {
	h := openHouse(t, db)
	if code, to := h.post(t, "head", "/pupils/malo/adults/ronan/decisions", "id", "0123456789abcdefghjk", "reference", secret, "from", "2026-05-12"); code != http.StatusSeeOther || to != "/pupils/malo?done=decision#a-ronan" {
		t.Fatalf("the decision: %d %s", code, to)
	}
	return h
}

// ours and theirs fill the parameters of a path.
var (
	ours = map[string]string{"pupil": "malo", "adult": "ronan", "point": "ronan-sms", "decision": "0123456789abcdefghjk", "objection": "none", "task": "none", "upload": "none", "form": "none"}
	far  = map[string]string{"pupil": "far-pupil", "adult": "far-adult", "point": "far-point", "decision": "far-decision", "objection": "far-objection", "task": "far-task", "upload": "farupload", "form": "far-form"}
	hole = regexp.MustCompile(`\{(\w+)\}`)
)

func fill(pattern string, with map[string]string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, hole.ReplaceAllStringFunc(path, func(p string) string { return url.PathEscape(with[strings.Trim(p, "{}")]) })
}

// anyForm is a form that every route here would take.
func anyForm() []string {
	return []string{"channel", "sms", "address", "06 39 98 01 60", "told", "yes", "id", "0123456789abcdefghjz", "last", "Le Bihan", "first", "Yann", "kinship", "uncle",
		"level", "contact", "reference", "RG 2", "from", "2026-11-24", "until", "", "short", "Lycee", "phone", "01 99 00 10 00", "lang", "fr", "next", "/pupils"}
}

func (h *house) ask(t testing.TB, as, method, path string) (int, string) {
	if method == "POST" {
		return h.post(t, as, path, anyForm()...)
	}
	return h.get(t, as, path)
}

// other reads all that the other school has, as text.
func (h *house) other(t testing.TB) string {
	t.Helper()
	var out string
	err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		for _, table := range []string{"directory_schools WHERE id", "directory_people WHERE school", "directory_contacts WHERE school", "directory_links WHERE school",
			"directory_decisions WHERE school", "directory_objections WHERE school", "directory_tasks WHERE school", "journal_lines WHERE school"} {
			var rows []map[string]any
			if err := tx.NewRaw("SELECT * FROM "+table+" = 'other'").Scan(ctx, &rows); err != nil {
				return err
			}
			out += fmt.Sprint(rows)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every route, for everybody: who may not is refused, what is of another school is not
// there, and nothing of it changes.
func TestEveryRouteForEverybody(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnished(t, db)
		before := h.other(t)
		routes := 0
		for _, route := range h.routes.All() {
			if !strings.Contains(route.Pattern, "/pupils") && !strings.Contains(route.Pattern, "/tasks") && !strings.Contains(route.Pattern, "/school") {
				continue
			}
			routes++
			for _, role := range append(page.Roles(), "") {
				method, path := fill(route.Pattern, far)
				code, body := h.ask(t, string(role), method, path)
				want := http.StatusNotFound
				switch {
				case role == "" && method == "GET":
					want = http.StatusSeeOther
				case role == "":
					want = http.StatusUnauthorized
				case !route.Rule.Allows(role):
					want = http.StatusForbidden
				case !strings.Contains(route.Pattern, "{"):
					want = map[string]int{"GET": http.StatusOK, "POST": http.StatusSeeOther}[method]
				}
				if code != want {
					t.Errorf("%s as %q: %d, want %d", route.Pattern, role, code, want)
				}
				if strings.Contains(body, "Lointain") || strings.Contains(body, "Voisin") {
					t.Errorf("%s as %q shows the other school", route.Pattern, role)
				}
				if route.Rule.Allows(page.Teacher) || route.Rule.Allows(page.Operator) || route.Rule.Allows(page.Guardian) || route.Rule.Allows(page.Pupil) {
					t.Errorf("%s lets in by the rule %s", route.Pattern, route.Rule)
				}
			}
		}
		if routes != 20 {
			t.Errorf("%d routes, want 20: is the new one in the table of what it needs?", routes)
		}
		if after := h.other(t); after != before {
			t.Errorf("the other school changed:\n%s\n%s", before, after)
		}
		// The other way round: their head does not reach ours.
		for _, route := range h.routes.All() {
			if !strings.Contains(route.Pattern, "{") {
				continue
			}
			method, path := fill(route.Pattern, ours)
			if code, _ := h.ask(t, "head@other", method, path); code != http.StatusNotFound {
				t.Errorf("%s as the other school's head: %d", route.Pattern, code)
			}
		}
	})
}

// What a court decided reaches head and CPE. The office reads that somebody is no
// recipient, and no more; the operator reads nothing at all.
func TestCourtDecisionsReachTheHeadOnly(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnished(t, db)
		tells := regexp.MustCompile(`(?i)TJ Ys|26-00123|justice|court|juge|JAF|tribunal|lever`)
		for _, role := range []string{"head", "cpe"} {
			if _, body := h.get(t, role, "/pupils/malo"); !strings.Contains(body, secret) || !strings.Contains(body, "parce qu'une décision de justice l'interdit") {
				t.Errorf("the %s does not read the decision", role)
			}
		}
		_, body := h.get(t, "secretary", "/pupils/malo")
		if !strings.Contains(body, "non destinataire") || !strings.Contains(body, "Ronan Tisserand") {
			t.Errorf("the office does not read that he is no recipient:\n%s", body)
		}
		for _, role := range []page.Role{page.Secretary, page.Operator, page.Teacher, page.Pupil, page.Guardian} {
			for _, route := range h.routes.All() {
				if strings.HasSuffix(route.Pattern, "/end") {
					continue // ends what the next one looks at
				}
				method, path := fill(route.Pattern, ours)
				code, body := h.ask(t, string(role), method, path)
				if found := tells.FindString(strings.Replace(body, "Tout le monde", "", 1)); found != "" {
					t.Errorf("%s as %s (%d) says %q", route.Pattern, role, code, found)
				}
			}
		}
		// In English too, and on the list.
		if _, body := h.get(t, "secretary", "/pupils?name=tisserand"); tells.MatchString(body) || !strings.Contains(body, "Tisserand") {
			t.Error("the list tells")
		}
		// And the office can neither record nor lift one.
		c := h.circle(t, "malo")
		n, _ := c.Adult("ronan")
		if n.Told || len(n.Decisions) != 2 || !n.Decisions[0].LiftedAt.IsZero() {
			t.Errorf("after all that: told %v, decisions %+v", n.Told, n.Decisions)
		}
	})
}

// What cannot be taken is said beside the field, what was typed is still there, and
// nothing was changed.
func TestFormsLoseNothing(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		h := openHouse(t, db)
		for _, c := range []struct {
			as, path string
			form     []string
			field    string
			says     string
			keeps    []string
		}{
			{"secretary", "/pupils/lea/adults/karim/points", []string{"channel", "phone", "address", "06 39 98"}, "f-address", "Ce n'est pas un numéro valable ici", []string{`value="06 39 98"`, `value="phone" checked`}},
			{"secretary", "/pupils/lea/adults/karim/points", []string{"channel", "email", "address", `"><script>alert(1)</script>`}, "f-address", "Ce n'est pas une adresse e-mail", []string{`&lt;script&gt;`}},
			{"secretary", "/pupils/lea/adults/karim/points", nil, "f-channel", "Choisissez mobile", nil},
			{"secretary", "/pupils/lea/adults", []string{"id", "0123456789abcdefghjk", "last", "Le Bihan", "first", "", "kinship", "uncle", "level", "carer"}, "f-first", "Écrivez le prénom", []string{`value="Le Bihan"`, `value="uncle" selected`, `value="carer" checked`, `value="0123456789abcdefghjk"`}},
			{"cpe", "/pupils/lea/adults/karim/decisions", []string{"id", "0123456789abcdefghjk", "reference", "RG 7", "from", "2026-11-24", "until", "2026-11-01"}, "f-until", "Le dernier jour vient après", []string{`value="RG 7"`, `value="2026-11-24"`, `value="2026-11-01"`, `value="0123456789abcdefghjk"`}},
			{"head", "/pupils/grown/objections", []string{"reference", " "}, "f-reference", "Écrivez la référence", nil},
			{"head", "/school", []string{"short", "Forêt", "phone", "01 99 00 10 09", "lang", "en"}, "f-short", "De 1 à 20 caractères", []string{`value="Forêt"`, `value="01 99 00 10 09"`, `value="en" selected`}},
		} {
			code, body := h.post(t, c.as, c.path, c.form...)
			if code != http.StatusUnprocessableEntity {
				t.Errorf("%s %v: %d", c.path, c.form, code)
			}
			if !strings.Contains(body, `id="`+c.field+`-error"`) || !strings.Contains(body, c.says) || !strings.Contains(body, `aria-invalid="true"`) {
				t.Errorf("%s %v: nothing beside %s", c.path, c.form, c.field)
			}
			for _, keep := range c.keeps {
				if !strings.Contains(body, keep) {
					t.Errorf("%s %v: %s is lost", c.path, c.form, keep)
				}
			}
		}
		if acts := h.acts(t, 0); len(acts) != 0 || h.changes != 0 {
			t.Errorf("the journal has %v, %d changes were told", acts, h.changes)
		}
	})
}

// Empty forms and ids that nobody made change nothing and break nothing.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnished(t, db)
		before := len(h.acts(t, 0))
		evil := []string{"..", "%00", "\x00", "\xff\xfe", "' OR '1'='1", strings.Repeat("9", 4000), "lea lea", "é", "<script>", "lea;karim", "lea,malo"}
		for _, route := range h.routes.All() {
			if !strings.Contains(route.Pattern, "{") {
				continue
			}
			for _, id := range evil {
				ids := map[string]string{}
				for k := range ours {
					ids[k] = id
				}
				if method, path := fill(route.Pattern, ids); true {
					if code, _ := h.ask(t, "head", method, path); code != http.StatusNotFound && code != http.StatusMovedPermanently && code != http.StatusTemporaryRedirect {
						t.Errorf("%s with %.20q: %d", route.Pattern, id, code)
					}
				}
			}
			method, path := fill(route.Pattern, ours)
			if method != "POST" || strings.HasSuffix(path, "/end") || strings.HasSuffix(path, "/verify") || strings.HasSuffix(path, "/lift") {
				continue // nothing is typed there
			}
			if code, _ := h.post(t, "head", path); code != http.StatusUnprocessableEntity && code != http.StatusNotFound && code != http.StatusConflict {
				t.Errorf("%s empty: %d", route.Pattern, code)
			}
		}
		for _, q := range []string{"page=-1", "silent=yes", "silent=yes&name=zzz", "page=99999999999999999999", "page=x", "class=%00", "name=%FF%FE", "name=" + strings.Repeat("a", 9000), "class=far-class", "done=<script>"} {
			if code, body := h.get(t, "secretary", "/pupils?"+q); code != http.StatusOK || strings.Contains(body, "<script>") || strings.Contains(body, "Lointain") {
				t.Errorf("/pupils?%.40s: %d", q, code)
			}
		}
		if code, to := h.post(t, "head", "/tasks/none/close", "next", "https://evil.example/"); code != http.StatusNotFound {
			t.Errorf("%d %s", code, to)
		}
		if acts := h.acts(t, before); len(acts) != 0 {
			t.Errorf("the journal has %v", acts)
		}
	})
}

// A whole visit without script: from the list to a second contact point, a chosen aunt
// and an adult typed in, pressed twice at once.
func TestVisit(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		h := openHouse(t, db)
		if _, body := h.get(t, "secretary", "/pupils?name=sangare"); !strings.Contains(body, `href="/pupils/awa"`) || !strings.Contains(body, "à appeler") {
			t.Fatalf("the list: %s", body)
		}
		if _, body := h.get(t, "secretary", "/pupils/awa"); !strings.Contains(body, "Aucun message ne peut partir pour Awa") || !strings.Contains(body, "aucun moyen de joindre") {
			t.Errorf("nobody can be reached, and the page does not say so")
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if code, to := h.post(t, "secretary", "/pupils/awa/adults/lamine/points", "channel", "sms", "address", "06 39 98 01 70"); code != http.StatusSeeOther || to != "/pupils/awa?done=point#a-lamine" {
					t.Errorf("add: %d %s", code, to)
				}
			})
		}
		all.Wait()
		_, body := h.get(t, "secretary", "/pupils/awa?done=point")
		for _, says := range []string{"SMS 06 39 98 01 70", "C'est ajouté", "1 personne, 1 message", "parce que c'est un représentant légal de Awa", "reçoit le message"} {
			if !strings.Contains(body, says) {
				t.Errorf("afterwards the page does not say %q", says)
			}
		}
		if acts := h.acts(t, 0); !slices.Equal(acts, []string{"directory.point.added"}) {
			t.Errorf("four presses made %v", acts)
		}
		if code, _ := h.post(t, "secretary", "/pupils/grown/adults/aunt/choose", "told", "yes"); code != http.StatusSeeOther {
			t.Errorf("choose: %d", code)
		}
		_, body = h.get(t, "secretary", "/pupils/grown")
		for _, says := range []string{"parce que l'établissement a choisi cette personne pour Inès", "Ne plus prévenir Dominique Morel", "à appeler : 01 99 00 12 34",
			"ENT_Complet_20260901_PersRelEleve_0000.xml, export du 1er septembre 2026, AAF 2013", "c'est aussi le numéro de l'élève", "parce que Inès a 18 ans ou plus"} {
			if !strings.Contains(body, says) {
				t.Errorf("the page does not say %q", says)
			}
		}
		if strings.Contains(body, "somebody") {
			t.Error("the page says where the file lay")
		}
		if strings.Contains(body, "Opposition") {
			t.Error("the office is offered an objection")
		}
		if code, to := h.post(t, "head", "/pupils/grown/objections", "reference", "lettre du 24"); code != http.StatusSeeOther {
			t.Errorf("objection: %d %s", code, to)
		}
		_, body = h.get(t, "secretary", "/pupils/grown")
		if !strings.Contains(body, "s'y oppose par écrit") || strings.Contains(body, "lettre du 24") || strings.Contains(body, "C'est réglé") {
			t.Errorf("after the objection the office reads: %s", body)
		}
		if _, body = h.get(t, "secretary", "/pupils"); !strings.Contains(body, "Inès Morel ne veut plus que ses parents soient prévenus") {
			t.Error("the list does not show the task")
		}
		_, body = h.get(t, "head", "/pupils/grown")
		task := regexp.MustCompile(`/tasks/(\w+)/close`).FindString(body)
		if task == "" || !strings.Contains(body, "lettre du 24") {
			t.Fatalf("the head has no task: %s", body)
		}
		if code, to := h.post(t, "head", task, "next", "/pupils/grown?done=task"); code != http.StatusSeeOther || to != "/pupils/grown?done=task" {
			t.Errorf("task: %d %s", code, to)
		}
		if code, _ := h.get(t, "head", "/pupils/lea/objections"); code != http.StatusConflict {
			t.Errorf("a minor's form: %d", code)
		}
		if code, to := h.post(t, "cpe", "/school", "short", "Alice-Guy", "phone", "01 99 00 10 01", "lang", "fr"); code != http.StatusSeeOther || to != "/school?done=saved" {
			t.Errorf("school: %d %s", code, to)
		}
		if h.changes < 6 {
			t.Errorf("%d changes were told", h.changes)
		}
	})
}

// Every sentence of every page exists in both languages.
func TestNoBareKeys(t *testing.T) {
	t.Parallel()
	h := furnished(t, databasetest.SQLite(t))
	for _, form := range [][2]string{{"/pupils/grown/objections", "head"}, {"/pupils/grown/adults/aunt/choose", "head"}, {"/pupils/nora/adults/nora/points", "secretary"}, {"/pupils/lea/adults", "secretary"}} {
		if code, body := h.ask(t, form[1], "POST", form[0]); code != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", form[0], code, body)
		}
	}
	bare := regexp.MustCompile(`\b(directory|page|app)\.[a-z-]+[a-z.-]*|\{[a-z]+\}`)
	paths := []string{"/pupils/nora", "/pupils/grown?done=objection", "/pupils?page=2", "/school?done=saved"}
	for _, l := range looks() {
		paths = append(paths, l.path)
	}
	for _, path := range paths {
		for lang, other := range map[string]string{"fr": "Nobody", "en": "Élèves"} {
			r := httptest.NewRequest("GET", path, nil)
			r.AddCookie(&http.Cookie{Name: "preau_language", Value: lang})
			_, body := h.send(t, "head", r)
			main := body[strings.Index(body, "<main"):]
			if found := bare.FindString(main); found != "" {
				t.Errorf("%s in %s says %q", path, lang, found)
			}
			if strings.Contains(main, other) {
				t.Errorf("%s in %s is in the other language", path, lang)
			}
		}
	}
}
