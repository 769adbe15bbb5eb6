package alert

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/timetable"
)

//go:embed letters/*.json
var letterFiles embed.FS

// Letters are the texts of messages, by language and key, with {fields}.
type Letters struct {
	texts map[string]texts
}

// texts are one language's, by key.
type texts map[string]string

// letterKeys are the texts that every language needs. Short ones stand in where a name
// that is not in the telephones' alphabet leaves half the room; see sms.go.
var letterKeys = []string{
	"absent.sms", "absent.nolink.sms", "absent.reply.sms", "absent.short.sms", "absent.nolink.short.sms", "absent.reply.short.sms",
	"absent.again.sms", "absent.again.nolink.sms", "absent.again.reply.sms",
	"absent.again.class.sms", "absent.again.class.nolink.sms", "absent.again.class.reply.sms",
	"arrived.sms", "correction.sms", "correction.short.sms", "correction.program.sms", "correction.program.short.sms",
	"absent.email", "absent.nolink.email", "absent.email.subject",
	"absent.again.email", "absent.again.nolink.email", "absent.again.email.subject",
	"absent.again.class.email", "absent.again.class.nolink.email",
	"arrived.email", "arrived.email.subject", "correction.email", "correction.email.subject",
	"correction.program.email", "correction.program.email.subject",
	"class", "kind.lycee", "kind.college", "kind.primary", "kind.other",
}

// alphabetKey is where a language says that it is written in letters that the telephones'
// own alphabet does not have: its messages are half as long.
const alphabetKey = "alphabet"

var (
	field       = regexp.MustCompile(`\{[^{}]*\}`)
	knownFields = map[string]bool{"{school}": true, "{first}": true, "{initial}": true, "{sitting}": true, "{hour}": true, "{date}": true, "{phone}": true,
		"{kind}": true, "{code}": true, "{link}": true}
)

// LoadLetters reads and checks the texts, one language a file letters/LANG.json: every
// key, no unknown field, no character outside GSM 03.38 in an SMS unless the file says
// "alphabet": "ucs2", and two parts at most with the longest fields (see longest).
func LoadLetters(files fs.FS) (*Letters, error) {
	names, err := fs.Glob(files, "letters/*.json")
	if err != nil {
		return nil, err
	}
	l := &Letters{texts: map[string]texts{}}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		t := texts{}
		if err := json.Unmarshal(b, &t); err != nil {
			return nil, fmt.Errorf("alert: %s: %w", name, err)
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("alert: %s: %w", name, err)
		}
		l.texts[strings.TrimSuffix(path.Base(name), ".json")] = t
	}
	if l.texts["fr"] == nil {
		return nil, errors.New("alert: letters/fr.json is missing")
	}
	return l, nil
}

func (t texts) check() error {
	if a, ok := t[alphabetKey]; ok && a != "ucs2" {
		return fmt.Errorf("%s: the only one to name is ucs2, not %q", alphabetKey, a)
	}
	for _, key := range letterKeys {
		if err := t.checkText(key); err != nil {
			return err
		}
	}
	for key := range t {
		if key != alphabetKey && !slices.Contains(letterKeys, key) {
			return fmt.Errorf("no message has the text %s", key)
		}
	}
	for _, key := range letterKeys {
		if err := t.checkLength(key); err != nil {
			return err
		}
	}
	return nil
}

func (t texts) checkText(key string) error {
	text := t[key]
	if text == "" {
		return fmt.Errorf("%s is missing", key)
	}
	for _, f := range field.FindAllString(text, -1) {
		if !knownFields[f] {
			return fmt.Errorf("%s: there is no field %s", key, f)
		}
	}
	for _, need := range needed(key) {
		if !strings.Contains(text, need) {
			return fmt.Errorf("%s: a message names the pupil, the lesson and the hour: %s is missing", key, need)
		}
	}
	inSMS := strings.HasSuffix(key, ".sms") || strings.HasPrefix(key, "kind.") || key == "class"
	if !inSMS || t[alphabetKey] != "" {
		return nil
	}
	for _, r := range field.ReplaceAllString(text, "") {
		if !courier.InSMS(r) {
			return fmt.Errorf("%s: %q is not a GSM character; a language that cannot do without says %q: %q", key, r, alphabetKey, "ucs2")
		}
	}
	return nil
}

// needed are the fields without which a text would be true of anybody: two families never
// read the same (sending.md F16).
func needed(key string) []string {
	part, _, _ := strings.Cut(key, ".")
	switch {
	case part != "absent" && part != "arrived" && part != "correction":
		return nil
	case strings.HasSuffix(key, ".subject"):
		return []string{"{first}"}
	case part == "absent" && !strings.Contains(key, ".class."):
		return []string{"{first}", "{initial}", "{sitting}", "{hour}"}
	}
	return []string{"{first}", "{initial}", "{hour}"}
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

// ask is how a message about an absence asks the family to answer.
type ask string

// Ways to ask: by a link, by a telephone number alone, by an answer to the SMS.
const (
	askLink  ask = ""
	askPhone ask = ".nolink"
	askReply ask = ".reply"
)

// words are what the fields of one letter say.
type words struct {
	school  school
	pupil   directory.Person
	sitting timetable.Sitting
	at      time.Time // of {hour}
	code    string
	ask     ask
	link    string // of askLink
	program bool   // of a correction: the mistake was the program's
}

// write gives subject and body of a letter. again: the pupil was seen after an alert.
func (l *Letters) write(lang string, kind courier.Kind, channel directory.Channel, again bool, w words) (subject, body string) {
	t := l.texts[lang]
	key := map[courier.Kind]string{courier.Absence: "absent", courier.Arrived: "arrived", courier.Correction: "correction"}[kind]
	short, asks := key, ""
	if kind == courier.Absence {
		asks = string(w.ask)
		if again {
			key += ".again"
		}
	}
	if kind == courier.Correction && w.program {
		key, short = key+".program", key+".program"
	}
	subjectKey := key + ".email.subject"
	if again && kind == courier.Absence && !namesSubject(w.sitting) {
		key += ".class"
	}
	if channel == directory.SMS {
		return "", t.sms(t[key+asks+".sms"], t[short+asks+".short.sms"], t.smsFields(lang, w))
	}
	f := t.fields(lang, w)
	f.school, f.sitting = w.school.Name, midSentence(w.sitting.Label)
	if !namesSubject(w.sitting) {
		f.sitting = t["class"]
	}
	return f.fill(t[subjectKey]), f.fill(t[key+asks+".email"])
}

// fields are what stands in the places of a text.
type fields struct {
	school, first, initial, sitting, hour, date, phone, kind, code, link string
}

func (f fields) fill(text string) string {
	return strings.NewReplacer("{school}", f.school, "{first}", f.first, "{initial}", f.initial, "{sitting}", f.sitting, "{hour}", f.hour, "{date}", f.date,
		"{phone}", f.phone, "{kind}", f.kind, "{code}", f.code, "{link}", f.link).Replace(text)
}

func (t texts) fields(lang string, w words) fields {
	// where is kind.*, with its preposition: "au lycée", "à l'école".
	where, ok := t["kind."+w.school.Kind]
	if !ok {
		where = t["kind.other"]
	}
	at := w.at.In(w.school.zone)
	return fields{first: w.pupil.FirstName, initial: initial(w.pupil.LastName), hour: hour(lang, at), date: date(lang, at),
		phone: w.school.Phone, kind: where, code: w.code, link: w.link}
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
	r, n := utf8.DecodeRuneInString(norm.NFC.String(strings.TrimSpace(last)))
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
	if lang == "en" {
		return fmt.Sprintf("%d %s", t.Day(), t.Month())
	}
	return t.Format("02/01")
}
