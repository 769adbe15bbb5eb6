package alert_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// explained is a story as plain text.
func (m *morning) explained(letter, lang string, court bool) string {
	m.t.Helper()
	words, err := page.NewWords(alert.Words, directory.Words)
	if err != nil {
		m.t.Fatal(err)
	}
	var s alert.Story
	err = m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		s, err = alert.Explain(ctx, tx, alert.Question{School: m.school, Letter: letter, Court: court, Actors: actors})
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	var b strings.Builder
	if err := alert.WriteExplain(m.t.Context(), &b, words, lang, s); err != nil {
		m.t.Fatal(err)
	}
	if text := b.String(); strings.Contains(text, "alert.") || strings.Contains(text, "page.role.") || strings.Contains(text, "{") {
		m.t.Errorf("a sentence is missing:\n%s", text)
	}
	return b.String()
}

// inOrder checks that a text says things, one after the other.
func inOrder(t testing.TB, text string, wanted ...string) {
	t.Helper()
	rest := text
	for _, w := range wanted {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			t.Errorf("the story does not say, in this order, %q:\n%s", w, text)
			return
		}
		rest = after
	}
}

const (
	unrecordedFr = "Le journal n'a aucune ligne sur cette étape."
	unrecordedEn = "The journal has no line about this step."
)

func TestExplainEveryKindOfLetter(t *testing.T) {
	both(t, func(m *morning) {
		m.at("08:07")
		m.mark("maths", "lea", attendance.Absent, 0)
		m.at("08:17")
		m.at("08:20")
		m.mark("maths", "lea", attendance.Late, 15)
		m.at("08:30")
		m.mark("histoire", "sami", attendance.Absent, 0)
		m.at("08:40")
		m.mark("histoire", "sami", attendance.Present, 0)

		french := m.explained(m.letterAbout("nadia", "lea", courier.Absence).ID, "fr", false)
		inOrder(t, french, "Message "+m.letterAbout("nadia", "lea", courier.Absence).Code+" à Nadia Benali au sujet de Léa Benali", "Lycée Alice-Guy, heures de Europe/Paris", "Mardi 24 novembre 2026",
			"08:07:00  Léa Benali : absence notée", "par Camille Roy (Professeur), sur la page d'appel", "pointage n° 1 de l'appel : Mathématiques, de 8 h 05 à 9 h 00", "journal : ligne",
			"Retenu 10 min : part à 8 h 17", "Un pointage plus récent du même appel ? Non.", "L'établissement est-il hors service ? Non.",
			"08:17:00  Dernière vérification", "Qui doit être prévenu", "Nadia Benali (mère) : représentant légal", "Karim Benali (père) : représentant légal",
			"Message d'absence pour", "Envoi n° 1, par le courrier simulé", "Accepté", "réponse : pretended",
			"08:20:00  Léa Benali : retard de 15 min noté", "L'absence est finie : dans l'établissement", "Message d'arrivée pour")
		inOrder(t, french, "empreinte ", "…, la même au journal", "| ", "Léa B. n'est pas en ")
		english := m.explained(m.letterAbout("karim", "lea", courier.Arrived).Code, "en", false)
		inOrder(t, english, "Message ", " to Karim Benali about Léa Benali", "Tuesday 24 November 2026", "marked absent", "by Camille Roy (Teacher), on the roll's page", "Held for 10 min: leaves at 8:17",
			"Who is to be told", "Absence message to Karim Benali (father), by e-mail", "marked 15 min late", "The absence is over: in school", "Arrival message to Karim Benali", "Léa B. est maintenant au", "Attempt no. 1")
		correction := m.explained(m.letter("nadia", courier.Correction).ID, "fr", false)
		inOrder(t, correction, "Sami Benali : absence notée", "Sami Benali : présence notée", "L'absence est finie : le pointage était une erreur", "Correction pour", "erreur de l'établissement")
		for _, text := range []string{french, english, correction} {
			if strings.Contains(text, unrecordedFr) || strings.Contains(text, unrecordedEn) {
				t.Errorf("a step without a line of the journal:\n%s", text)
			}
		}
	})
}

// letterAbout finds a letter that left, by its reader, its pupil and its kind.
func (m *morning) letterAbout(person, pupil string, kind courier.Kind, on ...directory.Channel) (found courier.Letter) {
	m.t.Helper()
	err := m.db.Read(m.t.Context(), func(ctx context.Context, tx database.Tx) error {
		letters, err := courier.About(ctx, tx, m.school, m.episodes(ctx, tx))
		for _, l := range letters {
			if l.Person == person && l.Pupil == pupil && l.Kind == kind && (len(on) == 0 || l.Channel == on[0]) {
				found = l
			}
		}
		return err
	})
	if err != nil || found.ID == "" {
		m.t.Fatalf("no %s letter to %s about %s: %v", kind, person, pupil, err)
	}
	return found
}

// written is the morning at which Léa's letters wait to leave.
func (m *morning) written() {
	m.t.Helper()
	m.at("08:07")
	m.mark("maths", "lea", attendance.Absent, 0)
	m.now = m.now.Add(10 * time.Minute)
	if err := m.alert.Pass(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
}

func TestExplainWhatDidNotSimplyLeave(t *testing.T) {
	t.Run("waiting, then recalled", func(t *testing.T) {
		both(t, func(m *morning) {
			m.written()
			l := m.letterAbout("karim", "lea", courier.Absence)
			inOrder(t, m.explained(l.ID, "fr", false), "Message d'absence pour Karim", "Pas encore parti")
			m.mark("maths", "lea", attendance.Present, 0)
			text := m.explained(l.ID, "fr", false)
			inOrder(t, text, "présence notée", "L'absence est finie : le pointage était une erreur")
			inOrder(t, text, "N'est pas parti et ne partira pas : le pointage était une erreur", "journal : ligne")
			if strings.Contains(text, "Envoi n°") || strings.Contains(text, unrecordedFr) {
				t.Errorf("%s", text)
			}
		})
	})
	t.Run("unsure, telephoned", func(t *testing.T) {
		both(t, func(m *morning) {
			m.written()
			l := m.letterAbout("nadia", "lea", courier.Absence, directory.SMS)
			m.crash(l)
			m.settle()
			calls := m.board().Calls
			if len(calls) != 1 || calls[0].Because != alert.Unsure || calls[0].Letter != l.ID {
				t.Fatalf("calls %+v", calls)
			}
			m.at("08:25")
			m.in(func(ctx context.Context, tx database.Tx) error {
				return m.alert.CloseCall(ctx, tx, m.school, calls[0].ID, alert.Reached, "a-office", m.now)
			})
			text := m.explained(l.ID, "fr", false)
			inOrder(t, text, "Envoi n° 1", "Aucune réponse sûre : on ne sait pas s'il est parti", "the program ended while the letter was leaving",
				"À appeler : Nadia Benali (mère)", "envoyé, sans réponse sûre de l'opérateur ; ne sera pas renvoyé : appelez", "08:25:00  Appel à Nadia Benali (mère) : Joint", "noté par Odile Ferrand (Secrétariat)")
			if strings.Contains(text, unrecordedFr) {
				t.Errorf("%s", text)
			}
		})
	})
	t.Run("not vouched for, purged, altered, journal without a line", func(t *testing.T) {
		both(t, func(m *morning) {
			m.written()
			l := m.letterAbout("nadia", "lea", courier.Absence)
			m.in(func(ctx context.Context, tx database.Tx) error {
				return m.courier.Put(ctx, tx, m.school, m.now, courier.Draft{ID: "smuggled", Code: "SMUGGLE", Kind: courier.Absence, Ref: "nothing", Pupil: "lea", Person: "nadia",
					Contact: "nadia-email", Channel: directory.Email, Lang: "fr", Subject: "x", Body: "y", DueAt: m.now, ExpiresAt: m.now.Add(time.Hour)})
			})
			m.settle()
			inOrder(t, m.explained("smuggled", "fr", false), "Ce message ne vient d'aucun appel : il ne partira pas.", "N'est pas parti et ne partira pas : ce message ne vient d'aucun appel")

			if err := m.db.Statement(t.Context(), "UPDATE courier_letters SET body = '', subject = '' WHERE id = '"+l.ID+"'"); err != nil {
				t.Fatal(err)
			}
			inOrder(t, m.explained(l.ID, "fr", false), "Le texte a été effacé à la date prévue ; son empreinte reste.", "la même au journal")

			m.without("journal_lines_delete", "journal_lines", "DELETE FROM journal_lines WHERE act = 'letter.waiting'")
			inOrder(t, m.explained(l.ID, "fr", false), "Message d'absence pour Nadia", "Le journal n'a pas l'empreinte de ce message.", unrecordedFr)
		})
	})
	t.Run("not there", func(t *testing.T) {
		both(t, func(m *morning) {
			err := m.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				_, err := alert.Explain(ctx, tx, alert.Question{School: m.school, Letter: "nowhere"})
				return err
			})
			if err != alert.ErrNotFound {
				t.Fatal(err)
			}
		})
	})
}

// crash writes what a program that ends while a letter is leaving leaves behind, and
// what the next one makes of it.
func (m *morning) crash(l courier.Letter) {
	m.t.Helper()
	for _, q := range []string{
		"UPDATE courier_letters SET state = 'leaving', attempts = attempts + 1, leaving_at = due_at WHERE id = '" + l.ID + "'",
		fmt.Sprintf("INSERT INTO courier_attempts (school, letter, n, instance, carrier, started_at) SELECT school, id, 1, 'dead', 'pretend', leaving_at FROM courier_letters WHERE id = '%s'", l.ID),
		"INSERT INTO courier_instances (id, started_at, seen_at, ended_at) SELECT 'dead', leaving_at, leaving_at, leaving_at FROM courier_letters WHERE id = '" + l.ID + "'",
	} {
		if err := m.db.Statement(m.t.Context(), q); err != nil {
			m.t.Fatal(err)
		}
	}
	m.in(func(ctx context.Context, tx database.Tx) error {
		return m.journalAppend(ctx, tx, "letter.leaving", l.ID, map[string]string{"attempt": "1", "carrier": "pretend"})
	})
	for _, q := range []string{
		"UPDATE courier_attempts SET outcome = 'unsure', answer = 'the program ended while the letter was leaving', ended_at = started_at WHERE letter = '" + l.ID + "'",
		"UPDATE courier_letters SET state = 'unsure', because = 'no-answer', settled_at = due_at WHERE id = '" + l.ID + "'",
	} {
		if err := m.db.Statement(m.t.Context(), q); err != nil {
			m.t.Fatal(err)
		}
	}
	m.in(func(ctx context.Context, tx database.Tx) error {
		return m.journalAppend(ctx, tx, "letter.unsure", l.ID, map[string]string{"attempt": "1", "outcome": "unsure"})
	})
}

// without runs a statement that a trigger refuses, as somebody would who holds the
// whole database.
func (m *morning) without(trigger, table, q string) {
	m.t.Helper()
	drop := "DROP TRIGGER " + trigger
	if m.db.Engine() == database.Postgres {
		drop += " ON " + table
	}
	for _, one := range []string{drop, q} {
		if err := m.db.Statement(m.t.Context(), one); err != nil {
			m.t.Fatal(err)
		}
	}
}

// Court decisions are seen by the head and the CPE only: to the office every reason
// not to tell reads alike, in the page, on the board and in the source of both.
func TestTheOfficeNeverReadsOfACourt(t *testing.T) {
	both(t, func(m *morning) {
		c := m.town.Cast
		m.in(func(ctx context.Context, tx database.Tx) error { // somebody nobody chose, beside the one whom a court denies
			return directory.Add(ctx, tx, directory.Batch{Links: []directory.Link{{School: m.school, Pupil: c.Denied, Adult: "sylvie", Level: directory.Contact, Kinship: "aunt", SMSConsent: directory.ConsentUnknown, Source: "hand"}}})
		})
		s := newSite(m)
		m.at("08:07")
		m.mark("maths", c.Denied, attendance.Absent, 0)
		m.at("08:17")
		path := "/explain/" + m.letterAbout(c.DeniedTold, c.Denied, courier.Absence).ID
		for _, as := range []string{"head:head", "cpe:cpe"} {
			if _, text := s.get(as, path); !strings.Contains(text, "Ronan Tisserand (père) : non destinataire, par décision de justice JAF") || !strings.Contains(text, "Sylvie Le Floc'h (tante) : non destinataire : l'établissement n'a pas choisi cette personne pour cet élève") {
				t.Errorf("%s may know why:\n%s", as, text)
			}
		}
		for _, p := range []string{path, "/office", "/board"} {
			status, text := s.get("secretary:office", p)
			if status != http.StatusOK {
				t.Fatalf("%s: %d", p, status)
			}
			for _, never := range []string{"justice", "court", "JAF", "fictif", "n'a pas choisi"} {
				if strings.Contains(text, never) {
					t.Errorf("%s: the office reads %q", p, never)
				}
			}
		}
		_, text := s.get("secretary:office", path)
		if !strings.Contains(text, "Ronan Tisserand (père) : non destinataire") || !strings.Contains(text, "Sylvie Le Floc'h (tante) : non destinataire") {
			t.Errorf("the office sees who is no recipient:\n%s", text)
		}
	})
}
