package homework

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// back gives the work of a pupil back as the teacher's page has it.
func (s *school) back(pupil, word string, status int) {
	s.t.Helper()
	_, body := s.ask("roy", "GET", "/lesson/maths")
	handed := regexp.MustCompile(`name="handed" value="([^"]*)"`).FindStringSubmatch(between(body, `id="work-1-`+pupil+`"`, "</form>"))
	if handed == nil {
		s.t.Fatalf("no work of %s to give back", pupil)
	}
	s.do("roy", "back", status, "n", "1", "pupil", pupil, "handed", handed[1], "word", word)
}

// A pupil hands in, replaces it until they get it back, and reads the teacher's word; late is said
// and refused by nobody. Nobody else reads it.
func TestWorkIsHandedInAndGivenBack(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.do("roy", "step", 303, "title", "Écrire", "text", "Dix lignes.", "until", "2026-11-24T18:00")
		s.do("lea", "hand", 404, "n", "1", "work", "trop tôt")
		s.do("roy", "release", 303, "do", "now")
		s.do("lea", "hand", 422, "n", "1", "work", " ")
		s.do("lea", "hand", 422, "n", "1", "work", strings.Repeat("x", mostText+1))
		s.do("lea", "hand", 303, "n", "1", "work", "Le **premier** texte <script>alert(1)</script>")
		s.says("lea", "<strong>premier</strong>", "-<script>alert", "-en retard", "Rendre ce texte à la place")
		s.do("lea", "hand", 303, "n", "1", "work", "Le second texte")
		s.says("roy", "Le second texte", "-premier", "1 sur ", "pas rendu")
		s.now = s.now.Add(48 * time.Hour)
		s.do("nora", "hand", 303, "n", "1", "work", "Le texte de Nora")
		s.says("nora", "rendu en retard", "-Le second texte")
		s.says("roy", "rendu en retard", "2 sur ")
		for _, as := range []string{"nadia", "head"} {
			s.says(as, "À rendre", "-Le second texte", "-Le texte de Nora", "-2 sur ")
		}
		s.back("lea", "Très bien, *continue*.", 303)
		s.says("lea", "corrigé", "<em>continue</em>", "-Rendre ce texte")
		s.says("nora", "-continue")
		s.do("lea", "hand", 409, "n", "1", "work", "Après coup")
		s.back("lea", "Un autre mot", 303)
		s.do("roy", "remove", 409, "n", "1")
		s.says("lea", "Un autre mot", "Le second texte", "-continue")
	})
}

// What was handed in after the teacher opened the page is not given back unread; and who may not
// hand in or give back does not.
func TestWorkIsGivenBackOnlyWhenItWasRead(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.do("roy", "step", 303, "title", "Écrire", "text", "Dix lignes.", "until", "2026-11-24T18:00")
		s.do("roy", "step", 303, "title", "Lire", "text", "Rien à rendre.")
		s.do("roy", "step", 422, "title", "Écrire", "text", "Dix lignes.", "until", "demain")
		s.do("roy", "release", 303, "do", "now")
		s.do("lea", "hand", 404, "n", "2", "work", "un texte")
		s.do("lea", "hand", 303, "n", "1", "work", "un texte")
		_, body := s.ask("roy", "GET", "/lesson/maths")
		handed := regexp.MustCompile(`name="handed" value="([^"]*)"`).FindStringSubmatch(body)[1]
		s.now = s.now.Add(time.Minute)
		s.do("lea", "hand", 303, "n", "1", "work", "un autre texte")
		s.do("roy", "back", 404, "n", "1", "pupil", "lea", "handed", handed, "word", "vu")
		s.do("roy", "back", 404, "n", "1", "pupil", "nora", "handed", handed, "word", "vu")
		s.do("roy", "back", 422, "n", "1", "pupil", "lea", "handed", handed, "word", strings.Repeat("x", mostWord+1))
		for as, status := range map[string]int{"stranger": 404, "cpe": 404, "head": 404, "lea": 403, "nadia": 403, "elsewhere": 404} {
			s.do(as, "back", status, "n", "1", "pupil", "lea", "handed", handed, "word", "vu")
		}
		for as, status := range map[string]int{"roy": 403, "nadia": 403, "sami": 404, "elsewhere": 403} {
			s.do(as, "hand", status, "n", "1", "work", "à sa place")
		}
		s.says("lea", "un autre texte", "-corrigé", "-à sa place")
	})
}
