package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/page"
	"github.com/preau-ent/preau/peers/browser"
)

// TestLessonFromTodayToToday: a teacher goes from their day to a lesson, writes and releases;
// the pupil reads it from theirs. Both pages are looked at, in two widths and two lights.
func TestLessonFromTodayToToday(t *testing.T) {
	s, _ := newOffice(t)
	roy := s.enter("roy")
	post := func(what string, fields url.Values) {
		t.Helper()
		res, err := roy.PostForm(s.url("/lesson/maths/"+what), fields)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d", what, res.StatusCode)
		}
	}
	b := browser.Start(t)
	lea := s.phone(b, browser.Options{})
	lea.signIn("lea")
	lea.Wait(".menu")
	post("step", url.Values{"title": {"Lire"}, "text": {"# Thalès\n\nLire la **page 42**, puis :\n\n1. tracer\n2. mesurer\n\nVoir [le cours](https://ecole.example/thales-" + strings.Repeat("long", 20) + ")."},
		"until": {"2026-11-25T18:00"},
		"quiz":  {"Deux droites parallèles coupent deux sécantes : les longueurs sont… {=proportionnelles#C'est le théorème. ~égales#Regarde la figure.}\n\nRelie. {=AB -> petit côté =BC -> grand côté = -> aucun}\n\nLesquels sont pairs ? {~%50%2 ~%50%4 ~%-100%3}\n\n3 × 4 ? {#12}\n\nLe théorème de {=Thalès}."}})
	lea.Go(s.url("/"))
	if strings.Contains(lea.Text("main"), "Cours du jour") {
		t.Error("a lesson shows before its release")
	}
	post("release", url.Values{"do": {"now"}})
	lea.Go(s.url("/"))
	lea.Click(`a[href="/lesson/maths"]`)
	lea.Wait(".lesson-text")
	if text := page.Plain(lea.Text("main")); !strings.Contains(text, "page 42") {
		t.Errorf("the pupil reads %q", text)
	}
	lea.Click("#q-1-0 .choice:last-of-type")
	lea.Click("#q-1-0 .btn")
	lea.Wait("#q-1-0 .tag.late")
	if text := lea.Text("#q-1-0"); !strings.Contains(text, "Regarde la figure") || strings.Contains(text, "C'est le théorème") {
		t.Errorf("a wrong answer is told %q", text)
	}
	lea.Click("#q-1-0 .choice")
	lea.Click("#q-1-0 .btn")
	lea.Wait("#q-1-0 .tag.here")
	lea.Type("#f-work-1", "J'ai tracé *les droites*.")
	lea.Click("#work-1 .btn")
	lea.Wait("#work-1 .tag.here")
	lea.Click(".finished .btn")
	lea.Wait(".finished .tag.here")
	teacher := s.phone(b, browser.Options{})
	teacher.signIn("roy")
	teacher.Wait(".menu")
	teacher.Click(`a[href="/lesson/maths"]`)
	teacher.Wait(`form[action="/lesson/maths/step"]`)
	teacher.Click("#work-1-lea summary")
	if text := teacher.Text("#work-1-lea"); !strings.Contains(text, "les droites") {
		t.Errorf("the teacher reads of Léa's work: %q", text)
	}
	if text := teacher.Text("#progress"); !strings.Contains(text, "✓") {
		t.Errorf("the teacher reads of the class: %q", text)
	}
	for name, tab := range map[string]phone{"pupil": lea, "teacher": teacher} {
		tab.Looks("lesson-" + name)
		tab.Quiet(name)
	}
}
