package notices

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

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
)

//go:embed letters/*.json
var letterFiles embed.FS

// Letters are the prepared texts, by language and key.
type Letters struct{ texts map[string]map[string]string }

const (
	// mostParts is how many short messages a notice takes at most.
	mostParts = 2
	// schoolMost is how much of a school's short name an SMS has room for, in characters.
	schoolMost = 20
)

// fields of the texts. None is about a pupil, and none is anybody's own words.
var knownFields = []string{"{school}", "{day}", "{hour}", "{moment}", "{code}"}

var field = regexp.MustCompile(`\{[^{}]*\}`)

// Keys lists the texts that every language needs.
func Keys() []string {
	keys := []string{"moment.morning", "moment.afternoon"}
	for _, t := range Texts() {
		keys = append(keys, string(t)+".subject")
		for _, c := range t.Choices() {
			keys = append(keys, key(t, c)+".sms", key(t, c)+".email")
		}
	}
	return keys
}

func key(t Text, choice string) string { return string(t) + "." + choice }

// LoadLetters reads and checks the texts, one language a file letters/LANG.json: every
// key and no other, no field that is not known, an SMS in the telephones' own alphabet
// and of two parts at most with the longest fields.
func LoadLetters(files fs.FS) (*Letters, error) {
	names, err := fs.Glob(files, "letters/*.json")
	if err != nil {
		return nil, err
	}
	l := &Letters{texts: map[string]map[string]string{}}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		t := map[string]string{}
		if err := json.Unmarshal(b, &t); err != nil {
			return nil, fmt.Errorf("notices: %s: %w", name, err)
		}
		if err := check(t); err != nil {
			return nil, fmt.Errorf("notices: %s: %w", name, err)
		}
		l.texts[strings.TrimSuffix(path.Base(name), ".json")] = t
	}
	if l.texts["fr"] == nil {
		return nil, errors.New("notices: letters/fr.json is missing")
	}
	return l, nil
}

func check(t map[string]string) error {
	keys := Keys()
	for k := range t {
		if !slices.Contains(keys, k) {
			return fmt.Errorf("no notice has the text %s", k)
		}
	}
	for _, k := range keys {
		text := t[k]
		if text == "" {
			return fmt.Errorf("%s is missing", k)
		}
		for _, f := range field.FindAllString(text, -1) {
			if !slices.Contains(knownFields, f) {
				return fmt.Errorf("%s: there is no field %s", k, f)
			}
		}
		if strings.HasSuffix(k, ".email") || strings.HasSuffix(k, ".subject") {
			continue
		}
		for _, r := range field.ReplaceAllString(text, "") {
			if !courier.InSMS(r) {
				return fmt.Errorf("%s: %q is not a GSM character", k, r)
			}
		}
		if strings.HasSuffix(k, ".sms") {
			if n := courier.SMSParts(longest().fill(text)); n > mostParts {
				return fmt.Errorf("%s: it takes %d short messages and may take %d", k, n, mostParts)
			}
		}
	}
	return nil
}

// longest are the longest fields that a text must have room for; a bracket counts twice
// in a short message.
func longest() fields {
	return fields{school: strings.Repeat("[", schoolMost), day: "Wednesday 30 September", hour: "10h05", moment: strings.Repeat("W", 20), code: "WWWWWWW"}
}

// fields are what stands in the places of a text.
type fields struct{ school, day, hour, moment, code string }

func (f fields) fill(text string) string {
	return strings.NewReplacer("{school}", f.school, "{day}", f.day, "{hour}", f.hour, "{moment}", f.moment, "{code}", f.code).Replace(text)
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

// Languages lists those that there are texts in, French first.
func (l *Letters) Languages() []string {
	out := []string{"fr"}
	for lang := range l.texts {
		if lang != "fr" {
			out = append(out, lang)
		}
	}
	slices.Sort(out[1:])
	return out
}

// write gives subject and body of a letter. asked is the local moment at which it was
// asked for: what "this morning" means.
func (l *Letters) write(lang string, channel directory.Channel, s directory.School, w Wish, asked time.Time, code string) (subject, body string) {
	t := l.texts[lang]
	f := fields{school: s.Name, day: dayText(lang, w.Day), hour: hourText(lang, w.Hour), moment: t["moment.morning"], code: code}
	if asked.Hour() >= 13 {
		f.moment = t["moment.afternoon"]
	}
	if channel == directory.SMS {
		f.school = shortName(s.ShortName)
		return "", f.fill(t[key(w.Text, w.Choice)+".sms"])
	}
	return f.fill(t[string(w.Text)+".subject"]), f.fill(t[key(w.Text, w.Choice)+".email"])
}

// shortName is what an SMS calls the school: in the telephones' alphabet, and cut at the
// end of a word where it is too long.
func shortName(name string) string {
	name = strings.Join(strings.Fields(directory.ToGSM(name)), " ")
	r := []rune(name)
	if len(r) <= schoolMost {
		return name
	}
	at := schoolMost
	for i := schoolMost; i > schoolMost/2; i-- {
		if r[i] == ' ' || r[i] == '-' {
			at = i
			break
		}
	}
	return strings.TrimRight(string(r[:at]), " -,;:('/.")
}

// dayText is plain, for SMS: mardi 24/11, Tuesday 24 November.
func dayText(lang, day string) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ""
	}
	if lang == "en" {
		return fmt.Sprintf("%s %d %s", d.Weekday(), d.Day(), d.Month())
	}
	return [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}[d.Weekday()] + " " + d.Format("02/01")
}

// hourText is plain, for SMS: 8h05, 8:05.
func hourText(lang, hour string) string {
	h, err := time.Parse("15:04", hour)
	if err != nil {
		return ""
	}
	if lang == "en" {
		return h.Format("15:04")
	}
	return fmt.Sprintf("%dh%02d", h.Hour(), h.Minute())
}
