package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

func someWords() words {
	return words{
		school:  school{School: directory.School{Name: "Lycée Alice-Guy", ShortName: "Lycee Alice-Guy", Kind: "lycee", Phone: "01 99 00 10 00"}, zone: paris},
		pupil:   directory.Person{FirstName: "Maximilienne", LastName: "Benali"},
		sitting: timetable.Sitting{Kind: timetable.Lesson, Label: "Mathématiques", ShortLabel: "maths"},
		at:      time.Date(2026, 11, 24, 7, 5, 0, 0, time.UTC),
		code:    "ABCDEF2",
		link:    "https://preau.alice-guy.example/r/ABCDEF2GHJKLMNP",
	}
}

func lettersForTest(t *testing.T) *Letters {
	t.Helper()
	l, err := LoadLetters(letterFiles)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Each kind of school has its own preposition.
func TestArrivedNamesThePlace(t *testing.T) {
	t.Parallel()
	l := lettersForTest(t)
	for kind, place := range map[string]string{"lycee": "au lycée", "college": "au collège", "primary": "à l'école", "other": "dans l'établissement", "unheard-of": "dans l'établissement"} {
		for lang, want := range map[string]string{"fr": "est maintenant " + place + " (", "en": "is now at school ("} {
			w := someWords()
			w.school.Kind = kind
			_, sms := l.write(lang, courier.Arrived, directory.SMS, false, w)
			subject, mail := l.write(lang, courier.Arrived, directory.Email, false, w)
			for _, text := range []string{sms, subject, mail} {
				if !strings.Contains(text, want) {
					t.Errorf("%s, %s: %q lacks %q", kind, lang, text, want)
				}
			}
		}
	}
}

// A lesson is named by its subject; what "en" cannot precede is "class".
func TestAbsentNamesTheSubjectOrTheClass(t *testing.T) {
	t.Parallel()
	l := lettersForTest(t)
	for _, c := range []struct {
		kind            timetable.Kind
		label, short    string
		sms, mail       string
		again, againEng string
	}{
		{timetable.Lesson, "Mathématiques", "maths", "n'est pas en maths depuis", "n'est pas en mathématiques depuis", "était en classe et n'est pas en maths depuis", "has not been in maths since"},
		{timetable.Lesson, "SVT", "SVT", "n'est pas en SVT depuis", "n'est pas en SVT depuis", "était en classe et n'est pas en SVT depuis", "has not been in SVT since"},
		{timetable.Lesson, "Cours", "cours", "n'est pas en classe depuis", "n'est pas en classe depuis", "était en classe et n'y est plus depuis", "was in class and has not been there since"},
		{timetable.Outing, "Sortie au musée", "sortie", "n'est pas en classe depuis", "n'est pas en classe depuis", "était en classe et n'y est plus depuis", "was in class and has not been there since"},
		{timetable.HalfDays, "Matin", "matin", "n'est pas en classe depuis", "n'est pas en classe depuis", "était en classe et n'y est plus depuis", "was in class and has not been there since"},
	} {
		w := someWords()
		w.sitting = timetable.Sitting{Kind: c.kind, Label: c.label, ShortLabel: c.short}
		_, sms := l.write("fr", courier.Absence, directory.SMS, false, w)
		_, mail := l.write("fr", courier.Absence, directory.Email, false, w)
		_, again := l.write("fr", courier.Absence, directory.SMS, true, w)
		subject, againMail := l.write("fr", courier.Absence, directory.Email, true, w)
		_, english := l.write("en", courier.Absence, directory.SMS, true, w)
		for text, want := range map[string]string{sms: c.sms, mail: c.mail, again: c.again, subject: "Maximilienne n'est plus en classe (8h05)", againMail: "était en classe aujourd'hui, et n", english: c.againEng} {
			if !strings.Contains(text, want) {
				t.Errorf("%s %q: %q lacks %q", c.kind, c.label, text, want)
			}
		}
	}
}

// With ordinary fields every SMS is one part, but for the correction, which apologises,
// and never more than two.
func TestSMSAreShort(t *testing.T) {
	t.Parallel()
	l := lettersForTest(t)
	for _, lang := range []string{"fr", "en"} {
		for _, label := range []string{"Mathématiques", "Cours"} {
			for _, kind := range []courier.Kind{courier.Absence, courier.Arrived, courier.Correction} {
				for _, again := range []bool{false, true} {
					for _, asks := range []ask{askLink, askPhone, askReply} {
						w := someWords()
						w.sitting.Label, w.ask = label, asks
						_, text := l.write(lang, kind, directory.SMS, again, w)
						most := 1
						if kind == courier.Correction {
							most = 2
						}
						if n := courier.SMSParts(text); n > most {
							t.Errorf("%s, %s, again %v%s: %d parts, %d characters: %s", lang, kind, again, asks, n, len([]rune(text)), text)
						}
						if strings.ContainsAny(text, "{}") {
							t.Errorf("a field is left: %s", text)
						}
						if has := strings.Contains(text, w.link); has != (kind == courier.Absence && asks == askLink) {
							t.Errorf("the link, asked%s: %s", asks, text)
						}
					}
				}
			}
		}
	}
}

// The link of an e-mail stands on a line of its own, and only where it is wanted.
func TestEmailLink(t *testing.T) {
	t.Parallel()
	l := lettersForTest(t)
	for _, lang := range []string{"fr", "en"} {
		for _, again := range []bool{false, true} {
			for _, label := range []string{"Mathématiques", "Cours"} {
				w := someWords()
				w.sitting.Label = label
				if _, text := l.write(lang, courier.Absence, directory.Email, again, w); !strings.Contains(text, "\n"+w.link+"\n") || !strings.Contains(text, w.school.Phone) {
					t.Errorf("%s", text)
				}
				w.ask = askPhone
				if _, text := l.write(lang, courier.Absence, directory.Email, again, w); strings.Contains(text, "http") || !strings.Contains(text, w.school.Phone) {
					t.Errorf("%s", text)
				}
			}
		}
	}
}
