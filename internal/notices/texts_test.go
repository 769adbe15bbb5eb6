package notices

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
)

func lettersForTest(t testing.TB) *Letters {
	t.Helper()
	l, err := LoadLetters(letterFiles)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// everyNotice calls fn with every text, wording, language and half of the day that can be
// asked for, and days of a whole year.
func everyNotice(l *Letters, fn func(lang string, w Wish, asked time.Time)) {
	first := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	for _, lang := range l.Languages() {
		for _, text := range Texts() {
			for _, choice := range text.Choices() {
				// Every weekday and month, and the longest of all: Wednesday 30 September.
				for day := 8; day < 366; day += 11 {
					w := Wish{Text: text, Choice: choice, Level: WholeSchool}
					if text.HasDay() {
						w.Day = first.AddDate(0, 0, day).Format(time.DateOnly)
					} else if day > 8 {
						break
					}
					if text.HasHour(choice) {
						w.Hour = "10:05"
					}
					fn(lang, w, first)
					fn(lang, w, first.Add(6*time.Hour))
				}
			}
		}
	}
}

// Every text in every language, for the longest names that a school can have: two short
// messages at most, in the telephones' own alphabet, every field filled.
func TestEverySMSFits(t *testing.T) {
	t.Parallel()
	l := lettersForTest(t)
	longest := []string{strings.Repeat("W", 200), strings.Repeat("[", 200), strings.Repeat("€ ", 60), "Ecole elementaire publique Saint-Philippe-de-Neri", "Lycée polyvalent Œuvre-Notre-Dame-du-Très-Saint-Sacrement", strings.Repeat("ê", 200), ""}
	n := 0
	for _, name := range longest {
		everyNotice(l, func(lang string, w Wish, asked time.Time) {
			n++
			s := directory.School{Name: name, ShortName: name, Lang: lang, Phone: "01 99 00 10 00"}
			_, sms := l.write(lang, directory.SMS, s, w, asked, "ABCDEF2")
			if parts := courier.SMSParts(sms); parts > 2 {
				t.Fatalf("%d parts: %s", parts, sms)
			}
			if i := strings.IndexFunc(sms, func(r rune) bool { return !courier.InSMS(r) }); i >= 0 {
				t.Fatalf("not in the telephones' alphabet: %s", sms[i:])
			}
			subject, mail := l.write(lang, directory.Email, s, w, asked, "ABCDEF2")
			if all := sms + subject + mail; strings.ContainsAny(strings.ReplaceAll(all, name, ""), "{}") || name != "" && !strings.Contains(mail, name) || !strings.Contains(sms, "ABCDEF2") || !strings.Contains(mail, "ABCDEF2") {
				t.Fatalf("%s\n%s\n%s", sms, subject, mail)
			}
		})
	}
	if n < 5_000 {
		t.Fatalf("only %d notices", n)
	}
}

// With an ordinary name a notice is one short message, but for the longest wordings.
func TestOrdinarySMSAreOnePart(t *testing.T) {
	t.Parallel()
	l := lettersForTest(t)
	two := map[string]bool{}
	everyNotice(l, func(lang string, w Wish, asked time.Time) {
		_, sms := l.write(lang, directory.SMS, directory.School{ShortName: "Lycee Alice-Guy"}, w, asked, "ABCDEF2")
		if courier.SMSParts(sms) > 1 {
			two[lang+" "+key(w.Text, w.Choice)] = true
		}
	})
	for k := range two {
		if k != "fr denial.roll-made" && k != "en denial.roll-made" && !strings.HasPrefix(k, "en closed.buses-home") && !strings.HasPrefix(k, "fr closed.buses-home") {
			t.Errorf("%s takes two short messages", k)
		}
	}
}

func TestAnySchoolsName(t *testing.T) {
	l := lettersForTest(t)
	in := []rune("abcdeéèàÉÇçœïëôîûŁşžАлексейΩ李小نور'’-–. \u00a0\u0301\u200d\u202e{}€[]~|\n😀")
	rapid.Check(t, func(t *rapid.T) {
		s := directory.School{ShortName: rapid.StringOfN(rapid.SampledFrom(in), 0, 80, -1).Draw(t, "name")}
		text := rapid.SampledFrom(Texts()).Draw(t, "text")
		w := Wish{Text: text, Choice: rapid.SampledFrom(text.Choices()).Draw(t, "choice"), Day: "2026-09-30", Hour: "10:05"}
		_, sms := l.write(rapid.SampledFrom(l.Languages()).Draw(t, "lang"), directory.SMS, s, w, time.Time{}, "ABCDEF2")
		if courier.SMSParts(sms) > 2 || !utf8.ValidString(sms) || strings.ContainsAny(sms, "\n\r\u202e") || strings.ContainsFunc(sms, func(r rune) bool { return !courier.InSMS(r) }) {
			t.Fatalf("%d parts: %q", courier.SMSParts(sms), sms)
		}
	})
}

// An "absence" word never stands in a notice except in the denial, in any language that
// there are texts in; and no text has a place for a pupil.
func TestNoNoticeSpeaksOfAbsence(t *testing.T) {
	t.Parallel()
	absence := regexp.MustCompile(`(?i)absen|manqu|retard|n'est pas (en|là)|missing|truan|late\b`)
	child := regexp.MustCompile(`(?i)votre (enfant|fils|fille)|your (child|son|daughter)|\{first\}|\{initial\}|\{pupil\}`)
	l := lettersForTest(t)
	denials := 0
	for lang, texts := range l.texts {
		for k, text := range texts {
			denial := strings.HasPrefix(k, "denial.")
			if denial && absence.MatchString(text) {
				denials++
			}
			if !denial && absence.MatchString(text) {
				t.Errorf("%s %s: %s", lang, k, text)
			}
			if child.MatchString(text) {
				t.Errorf("%s %s names a pupil: %s", lang, k, text)
			}
		}
	}
	if denials != 2*2*2 {
		t.Errorf("%d denials speak of it: this test looks for the wrong words", denials)
	}
	if got := []string{"{school}", "{day}", "{hour}", "{moment}", "{code}"}; !slices.Equal(knownFields, got) {
		t.Errorf("the fields are %v: is one of them somebody's, or somebody's own words?", knownFields)
	}
}

// The word EXERCICE comes first in all that a reader sees of an exercise, and nowhere else.
func TestAnExerciseSaysSoFirst(t *testing.T) {
	t.Parallel()
	l := lettersForTest(t)
	word := map[string]string{"fr": "EXERCICE", "en": "EXERCISE"}
	everyNotice(l, func(lang string, w Wish, asked time.Time) {
		s := directory.School{Name: "Lycée Alice-Guy", ShortName: "Lycee Alice-Guy"}
		_, sms := l.write(lang, directory.SMS, s, w, asked, "ABCDEF2")
		subject, mail := l.write(lang, directory.Email, s, w, asked, "ABCDEF2")
		_, body, _ := strings.Cut(mail, "\n\n")
		for _, text := range []string{sms, subject, body} {
			if strings.HasPrefix(text, word[lang]) != (w.Text == Exercise) {
				t.Fatalf("%s", text)
			}
		}
	})
}

// A file that breaks a rule does not load, and the error names the text.
func TestTextsRefused(t *testing.T) {
	t.Parallel()
	fr := lettersForTest(t).texts["fr"]
	for name, c := range map[string]struct{ key, text, want string }{
		"missing":           {"strike.some.sms", "", "strike.some.sms is missing"},
		"a field of nobody": {"strike.some.email", "{first}", "there is no field {first}"},
		"not GSM":           {"strike.some.sms", "{school}: fête", "'ê' is not a GSM character"},
		"three parts":       {"strike.some.sms", strings.Repeat("{school} grève ", 12), "it takes"},
		"another text":      {"greeting.sms", "Bonjour", "no notice has the text greeting.sms"},
	} {
		texts := map[string]string{}
		for k, v := range fr {
			texts[k] = v
		}
		if texts[c.key] = c.text; c.text == "" {
			delete(texts, c.key)
		}
		b, err := json.Marshal(texts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := LoadLetters(fstest.MapFS{"letters/fr.json": {Data: b}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
