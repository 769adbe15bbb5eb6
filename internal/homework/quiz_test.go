package homework

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
)

const questions = `::Somme:: Combien font **deux et deux** ? {=quatre-vingt-un#Bravo, exact ~trois#Compte sur tes doigts}

Le {=abriteur} protège.

Vrai ? {F#Relis la leçon#Bien vu}`

// given writes a step with questions and lets it be read.
func (s *school) given(quiz string) {
	s.t.Helper()
	s.do("roy", "step", 303, "title", "Réviser", "text", "Lisez.", "quiz", quiz)
	s.do("roy", "release", 303, "do", "now")
}

// says wants a page to say some things, and not others, which begin with "-".
func (s *school) says(as string, wants ...string) {
	s.t.Helper()
	status, body := s.ask(as, "GET", "/lesson/maths")
	if status != 200 {
		s.t.Fatalf("%s: %d", as, status)
	}
	for _, want := range wants {
		if bare, not := strings.CutPrefix(want, "-"); strings.Contains(body, bare) == not {
			s.t.Errorf("%s reads the lesson: %q", as, want)
		}
	}
}

// An answer is corrected at once, may be given again until it is right, and is on nobody's page
// before it was given.
func TestAQuizIsCorrectedAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.given(questions)
		s.says("lea", "<strong>deux et deux</strong>", "quatre-vingt-un", "-abriteur", "-Bravo", "-Compte sur", "-Relis", "-Bien vu", "-juste</")
		s.says("nadia", "quatre-vingt-un", "-abriteur", "-Bravo", "-/lesson/maths/answer")
		s.do("lea", "answer", 303, "n", "1", "q", "0", "answer", "1")
		s.says("lea", "pas encore", "Compte sur tes doigts", "-Bravo")
		s.do("lea", "answer", 303, "n", "1", "q", "0", "answer", "0")
		s.says("lea", "Bravo, exact", "-Compte sur")
		s.do("lea", "answer", 303, "n", "1", "q", "0", "answer", "1") // from another page that is still open
		s.says("lea", "Bravo, exact", "-Compte sur")
		s.do("lea", "answer", 303, "n", "1", "q", "1", "answer", " ABRITEUR ")
		s.do("lea", "answer", 303, "n", "1", "q", "2", "answer", "0")
		s.says("lea", "Relis la leçon", "-Bien vu")
		s.says("roy", "1 réponse, dont 0 pas encore juste", "1 réponse, dont 1 pas encore juste")
	})
}

// Whoever is not an enrolled pupil answers nothing and finishes nothing, and no pupil does before
// the lesson is open; what is no answer is refused.
func TestOnlyItsPupilsWorkOnALesson(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.do("roy", "step", 303, "title", "Réviser", "text", "Lisez.", "quiz", questions)
		for _, what := range []string{"answer", "done"} {
			s.do("lea", what, 404, "n", "1", "q", "0", "answer", "0")
		}
		s.do("roy", "release", 303, "do", "now")
		for as, status := range map[string]int{"roy": 403, "nadia": 403, "head": 403, "cpe": 403, "elsewhere": 403, "sami": 404, "nobody": 404} {
			for _, what := range []string{"answer", "done"} {
				s.do(as, what, status, "n", "1", "q", "0", "answer", "0")
			}
		}
		for _, wrong := range [][]string{{"n", "2", "q", "0", "answer", "0"}, {"n", "1", "q", "3", "answer", "0"}, {"n", "1", "q", "-1", "answer", "0"}, {"n", "x", "q", "0", "answer", "0"}, {"n", "1", "q", "x"}} {
			s.do("lea", "answer", 404, wrong...)
		}
		for _, wrong := range []string{"", "7", "-1", "un", strings.Repeat("x", mostSaid+1)} {
			s.do("lea", "answer", 422, "n", "1", "q", "0", "answer", wrong)
		}
		s.do("lea", "answer", 422, "n", "1", "q", "1", "answer", strings.Repeat("x", mostSaid+1))
		s.do("lea", "done", 404, "n", "2")
		s.says("roy", "Pas encore de réponse", "-1 réponse")
	})
}

// Questions that cannot be read are refused with their line, and are there to be mended.
func TestQuestionsAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		status, body := s.ask("roy", "POST", "/lesson/maths/step", "title", "Réviser", "text", "Lisez.", "quiz", "Bon {T}\n\nMauvais {~non ~non plus}")
		if status != 422 || !strings.Contains(body, "Ligne 3 : aucune réponse n'est juste") || !strings.Contains(body, "Mauvais {~non ~non plus}") {
			t.Errorf("%d %s", status, body)
		}
		s.says("roy", "-Mauvais")
	})
}

// The teacher sees how far each pupil is, by name; nobody else sees it of anybody else. Other
// questions begin anew, and a step that is removed leaves nothing.
func TestProgressIsTheTeachersToSee(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.given(questions)
		s.do("lea", "done", 303, "n", "1")
		s.do("lea", "answer", 303, "n", "1", "q", "0", "answer", "0")
		s.says("lea", "Pas encore", "Votre professeur voit", "-Où en est la classe")
		s.says("nora", "-Bravo", "J'ai terminé cette étape")
		for _, as := range []string{"nadia", "head"} {
			s.says(as, "-Où en est la classe", "-terminée", "-Bravo")
		}
		_, body := s.ask("roy", "GET", "/lesson/maths")
		row := between(body, "Benali Léa", "</tr>")
		if !strings.Contains(row, "terminée") || !strings.Contains(row, ">1</td>") {
			t.Errorf("the teacher reads of Léa: %s", row)
		}
		if row := between(body, "Haddad Nora", "</tr>"); strings.Contains(row, "terminée") || !strings.Contains(row, ">0</td>") {
			t.Errorf("the teacher reads of Nora: %s", row)
		}
		s.do("lea", "done", 303, "n", "1", "do", "back")
		s.says("roy", "-terminée<")
		s.do("roy", "step", 303, "n", "1", "title", "Réviser", "text", "Relisez.", "quiz", questions)
		s.says("lea", "Bravo, exact")
		s.do("roy", "step", 303, "n", "1", "title", "Réviser", "text", "Relisez.", "quiz", questions+"\n\nEncore ? {T}")
		s.says("lea", "-Bravo", "-juste</")
		s.do("lea", "done", 303, "n", "1")
		s.do("lea", "answer", 303, "n", "1", "q", "3", "answer", "0")
		s.do("roy", "remove", 303, "n", "1")
		s.says("roy", "-terminée<", "-réponse,")
	})
}

// What pupils did stays until their school year is over everywhere; what the teacher wrote stays.
func TestWorkIsPurgedWithTheYear(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.given(questions)
		s.do("lea", "done", 303, "n", "1")
		s.do("lea", "answer", 303, "n", "1", "q", "0", "answer", "1")
		for _, c := range []struct {
			at   time.Time
			kept int
		}{{s.now.AddDate(0, 0, 100), 2}, {time.Date(2027, time.August, 1, 23, 59, 0, 0, time.UTC), 2}, {time.Date(2027, time.August, 2, 0, 1, 0, 0, time.UTC), 0}} {
			kept := -1
			err := s.db.Write(t.Context(), func(ctx context.Context, tx database.Tx) error {
				if err := Purge(ctx, tx, c.at); err != nil {
					return err
				}
				return tx.NewRaw("SELECT (SELECT count(*) FROM homework_done) + (SELECT count(*) FROM homework_answers)").Scan(ctx, &kept)
			})
			if err != nil || kept != c.kept {
				t.Errorf("on %s: %d rows, want %d: %v", c.at, kept, c.kept, err)
			}
		}
		s.says("lea", "deux et deux", "-pas encore</")
	})
}

func between(s, from, to string) string {
	_, rest, ok := strings.Cut(s, from)
	if !ok {
		return fmt.Sprintf("no %q", from)
	}
	row, _, _ := strings.Cut(rest, to)
	return row
}
