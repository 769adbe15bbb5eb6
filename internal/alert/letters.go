package alert

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

//go:embed letters/*.json
var letterFiles embed.FS

// Letters are the texts of messages, by language and key, with {fields}.
type Letters struct {
	texts map[string]map[string]string
}

// letterKeys are the texts that every language needs.
var letterKeys = []string{
	"absent.sms", "absent.again.sms", "arrived.sms", "correction.sms",
	"absent.email", "absent.email.subject", "absent.again.email", "absent.again.email.subject",
	"absent.again.class.sms", "absent.again.class.email",
	"arrived.email", "arrived.email.subject", "correction.email", "correction.email.subject",
	"class", "kind.lycee", "kind.college", "kind.primary", "kind.other",
}

var (
	field       = regexp.MustCompile(`\{[^{}]*\}`)
	knownFields = map[string]bool{"{school}": true, "{first}": true, "{initial}": true, "{sitting}": true, "{hour}": true, "{date}": true, "{phone}": true, "{kind}": true, "{code}": true}
)

// LoadLetters reads and checks the texts: every key in every language, no unknown
// field, and no character outside GSM 03.38 in an SMS, which would halve its length.
func LoadLetters() (*Letters, error) {
	files, err := fs.Glob(letterFiles, "letters/*.json")
	if err != nil {
		return nil, err
	}
	l := &Letters{texts: map[string]map[string]string{}}
	for _, name := range files {
		b, err := letterFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts := map[string]string{}
		if err := json.Unmarshal(b, &texts); err != nil {
			return nil, fmt.Errorf("alert: %s: %w", name, err)
		}
		for _, key := range letterKeys {
			if err := checkText(key, texts[key]); err != nil {
				return nil, fmt.Errorf("alert: %s: %w", name, err)
			}
		}
		l.texts[strings.TrimSuffix(path.Base(name), ".json")] = texts
	}
	return l, nil
}

func checkText(key, text string) error {
	if text == "" {
		return fmt.Errorf("%s is missing", key)
	}
	for _, f := range field.FindAllString(text, -1) {
		if !knownFields[f] {
			return fmt.Errorf("%s: there is no field %s", key, f)
		}
	}
	if strings.HasSuffix(key, ".sms") {
		for _, r := range field.ReplaceAllString(text, "") {
			if !directory.InGSM(r) {
				return fmt.Errorf("%s: %q is not a GSM character", key, r)
			}
		}
	}
	return nil
}

// Lang gives a language that there are texts in: the first of the wanted ones, else
// French.
func (l *Letters) Lang(wanted ...string) string {
	for _, w := range wanted {
		if _, ok := l.texts[w]; ok {
			return w
		}
	}
	return "fr"
}

// words are what the fields of one letter say.
type words struct {
	school  school
	pupil   directory.Person
	sitting timetable.Sitting
	at      time.Time // of {hour}
	code    string
}

// write gives subject and body of a letter. again: the pupil was seen after an alert.
func (l *Letters) write(lang string, kind courier.Kind, channel directory.Channel, again bool, w words) (subject, body string) {
	key := map[courier.Kind]string{courier.Absence: "absent", courier.Arrived: "arrived", courier.Correction: "correction"}[kind]
	if again && kind == courier.Absence {
		key += ".again"
	}
	texts := l.texts[lang]
	// where is kind.*, with its preposition: "au lycée", "à l'école".
	where, ok := texts["kind."+w.school.Kind]
	if !ok {
		where = texts["kind.other"]
	}
	name, sitting := w.school.Name, midSentence(w.sitting.Label)
	if channel == directory.SMS {
		name, sitting = w.school.ShortName, w.sitting.ShortLabel
	}
	subjectKey := key + ".email.subject"
	if !namesSubject(w.sitting) {
		sitting = texts["class"]
		if again && kind == courier.Absence {
			key += ".class"
		}
	}
	fill := strings.NewReplacer("{school}", name, "{first}", w.pupil.FirstName, "{initial}", initial(w.pupil.LastName),
		"{sitting}", sitting, "{hour}", hour(lang, w.at.In(w.school.zone)), "{date}", date(lang, w.at.In(w.school.zone)),
		"{phone}", w.school.Phone, "{kind}", where, "{code}", w.code)
	if channel == directory.SMS {
		return "", fill.Replace(texts[key+".sms"])
	}
	return fill.Replace(texts[subjectKey]), fill.Replace(texts[key+".email"])
}

// namesSubject tells whether a sitting's label can follow "n'est pas en": that of a
// lesson can, unless it is the one that a roll called without a label gets; "Sortie au
// musée" and "Cours" cannot.
func namesSubject(s timetable.Sitting) bool {
	return s.Kind == timetable.Lesson && !strings.EqualFold(strings.TrimSpace(s.Label), "Cours")
}

// midSentence takes the capital off a label that begins with one, as in "en mathématiques";
// SVT and EPS keep theirs.
func midSentence(label string) string {
	first, n := utf8.DecodeRuneInString(label)
	second, _ := utf8.DecodeRuneInString(label[n:])
	if unicode.IsUpper(second) || second == '.' {
		return label
	}
	return string(unicode.ToLower(first)) + label[n:]
}

// initial is all of a surname that leaves the building.
func initial(last string) string {
	r, n := utf8.DecodeRuneInString(strings.TrimSpace(last))
	if n == 0 || r == utf8.RuneError {
		return "-"
	}
	return strings.ToUpper(string(r))
}

// hour is plain, for SMS: 8h05, 8:05.
func hour(lang string, t time.Time) string {
	if lang == "fr" {
		return fmt.Sprintf("%dh%02d", t.Hour(), t.Minute())
	}
	return t.Format("15:04")
}

func date(lang string, t time.Time) string {
	if lang == "fr" {
		return t.Format("02/01")
	}
	return fmt.Sprintf("%d %s", t.Day(), t.Month())
}
