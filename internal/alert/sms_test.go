package alert

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/directory"
)

// What is in a name: letters of GSM and not, combining marks, emoji, hidden characters,
// what templates and telephones could trip over.
var inNames = []rune("abcdeéèàÉÇçœïëôîûŁşžАлексейΩ李小نور'’-–. \u00a0\u0301\u0327\u200d\u202e{}€[]~|\n😀👩")

// Two parts at most, whatever the child, the school and the sitting are called, in every
// language, for every message; and the child's name stands in it, whole.
func TestSMSNeverTakesThree(t *testing.T) {
	l := lettersForTest(t)
	rapid.Check(t, func(t *rapid.T) {
		w := someWords()
		w.school.ShortName = rapid.StringOfN(rapid.SampledFrom(inNames), 0, 60, -1).Draw(t, "school")
		w.school.Phone = rapid.StringOfN(rapid.SampledFrom([]rune("0123 +.é–")), 0, 20, -1).Draw(t, "phone")
		w.sitting.ShortLabel = rapid.StringOfN(rapid.SampledFrom(inNames), 0, 30, -1).Draw(t, "sitting")
		w.sitting.Label = rapid.SampledFrom([]string{"Mathématiques", "Cours"}).Draw(t, "label")
		w.pupil.FirstName = rapid.StringOfN(rapid.SampledFrom(inNames), 1, 120, -1).Draw(t, "first")
		w.pupil.LastName = rapid.StringOfN(rapid.SampledFrom(inNames), 0, 3, -1).Draw(t, "last")
		w.link = "https://" + strings.Repeat("h", rapid.IntRange(1, linkMost-26).Draw(t, "host")) + "/r/ABCDEF2GHJKLMNP"
		w.ask = rapid.SampledFrom([]ask{askLink, askPhone, askReply}).Draw(t, "ask")
		kind := rapid.SampledFrom([]courier.Kind{courier.Absence, courier.Arrived, courier.Correction}).Draw(t, "kind")
		lang := rapid.SampledFrom([]string{"fr", "en"}).Draw(t, "lang")
		_, text := l.write(lang, kind, directory.SMS, rapid.Bool().Draw(t, "again"), w)
		if n := courier.SMSParts(text); n > 2 {
			t.Fatalf("%d parts: %s", n, text)
		}
		if !utf8.ValidString(text) || strings.ContainsAny(text, "\n\r\u202e") {
			t.Fatalf("not one plain line: %q", text)
		}
		if kind == courier.Absence && w.ask == askLink && !strings.HasSuffix(text, w.link) {
			t.Fatalf("the link is not whole: %s", text)
		}
		whole := plainName(w.pupil.FirstName)
		if n := utf8.RuneCountInString(whole); n <= firstMost && !strings.Contains(text, whole) {
			t.Fatalf("%q is not in it: %s", whole, text)
		}
		if bare := withoutAccents(whole); bare != whole && !strings.Contains(text, whole) && !strings.Contains(text, bare) {
			t.Fatalf("neither %q nor %q is in it: %s", whole, bare, text)
		}
		if gsm := !strings.ContainsFunc(whole, func(r rune) bool { return !directory.InGSM(r) }); gsm && !strings.Contains(text, whole) {
			t.Fatalf("a name of GSM is cut: %q in %s", whole, text)
		}
	})
}

// A name that is not in the telephones' alphabet is written as it is; what the school is
// called gives way first, then the sitting.
func TestSMSOfNamesOutsideGSM(t *testing.T) {
	t.Parallel()
	l := lettersForTest(t)
	w := someWords()
	w.school.ShortName, w.sitting.ShortLabel = "Lycée Françoise Dolto", "français"
	for first, want := range map[string]string{
		"Léa":                  "Lycée Françoise Dolto",
		"Loïc":                 "Loïc B. n'est pas en",
		"Franc\u0327ois":       "François B. n'est pas en",
		"Jean-François-Xavier": "Jean-François-Xavier B. n'est pas en",
		"D’Arcy":               "D'Arcy B. n'est pas en",
		"李小龙":                  "李小龙 B. n'est pas en",
	} {
		w.pupil.FirstName = first
		_, text := l.write("fr", courier.Absence, directory.SMS, false, w)
		if first == "Léa" {
			want = "Lycée Francoise Dolto: Léa B. n'est pas en francais depuis 8h05, 24/11."
		}
		if !strings.Contains(text, want) || courier.SMSParts(text) > 2 || !strings.Contains(text, w.link) {
			t.Errorf("%s: %d parts: %s", first, courier.SMSParts(text), text)
		}
	}
	// As little as needed, at a word, without a comma at the end.
	f := fields{school: "Lycee Alice-Guy, Paris", sitting: "hist-geo", first: "L"}
	room := strings.Repeat("ï", 134-len("Lycee Alice-Guy hist-geo L"))
	if s, ok := fit("{school} {sitting} {first}"+room, f); !ok || !strings.HasPrefix(s, "Lycee Alice-Guy hist-geo L") {
		t.Errorf("%v %s", ok, s)
	}
	room = strings.Repeat("ï", 134-len("Lycee hist L"))
	if s, ok := fit("{school} {sitting} {first}"+room, f); !ok || !strings.HasPrefix(s, "Lycee hist L") {
		t.Errorf("%v %s", ok, s)
	}
	room += "ï"
	if s, ok := fit("{school} {sitting} {first}"+room, f); ok {
		t.Errorf("cut below what may be cut: %s", s)
	}
}

// inEsperanto is a third language: the French one with a letter that GSM lacks.
func inEsperanto(t *testing.T, change func(map[string]string)) (*Letters, error) {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"letters/fr.json", "letters/en.json"} {
		b, err := fs.ReadFile(letterFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: b}
	}
	own := map[string]string{}
	for k, v := range lettersForTest(t).texts["fr"] {
		own[k] = v
	}
	change(own)
	files["letters/eo.json"] = &fstest.MapFile{Data: jsonOf(t, own)}
	return LoadLetters(files)
}

// A language more is a file more. What cannot be sent is refused with words, at the
// start and not at eight in the morning.
func TestAThirdLanguage(t *testing.T) {
	t.Parallel()
	const hello = "{school}: {first} {initial}. ne estas en {sitting} de {hour}. Respondu ĉi tie: {link}"
	esperanto := func(own map[string]string) { own["alphabet"], own["absent.sms"] = "ucs2", hello }
	l, err := inEsperanto(t, esperanto)
	if err != nil {
		t.Fatal(err)
	}
	w := someWords()
	if got := l.Lang("eo", "fr"); got != "eo" {
		t.Fatalf("the language is %s", got)
	}
	if _, text := l.write("eo", courier.Absence, directory.SMS, false, w); !strings.Contains(text, "Respondu ĉi tie: "+w.link) || !strings.Contains(text, "Maximilienne B. ne estas") || courier.SMSParts(text) != 2 {
		t.Errorf("%d parts: %s", courier.SMSParts(text), text)
	}
	w.pupil.FirstName = strings.Repeat("Maximilienne ", 9)
	if _, text := l.write("eo", courier.Absence, directory.SMS, false, w); courier.SMSParts(text) > 2 || !strings.Contains(text, "Maximilienne") {
		t.Errorf("%d parts: %s", courier.SMSParts(text), text)
	}
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   string
	}{
		"a letter that GSM lacks":  {func(own map[string]string) { own["absent.sms"] = hello }, `absent.sms: 'ĉ' is not a GSM character`},
		"another alphabet":         {func(own map[string]string) { own["alphabet"] = "latin1" }, "ucs2"},
		"a text true of anybody":   {func(own map[string]string) { own["absent.sms"] = "{school}: votre enfant est absent. {link} {code}" }, "a message names the pupil"},
		"a text too few":           {func(own map[string]string) { delete(own, "absent.reply.sms") }, "absent.reply.sms is missing"},
		"a text too many":          {func(own map[string]string) { own["denial.sms"] = "x" }, "denial.sms"},
		"a field too many":         {func(own map[string]string) { own["absent.sms"] += "{surname}" }, "there is no field {surname}"},
		"a short text too long":    {func(own map[string]string) { own["absent.short.sms"] += strings.Repeat(" mot", 20) }, "absent.short.sms: it takes"},
		"an arrival too long":      {func(own map[string]string) { own["arrived.sms"] += strings.Repeat(" mot", 30) }, "arrived.sms: it takes"},
		"a place too long for it":  {func(own map[string]string) { own["kind.lycee"] = strings.Repeat("loin ", 30) }, "arrived.sms: it takes"},
		"a correction, no shorter": {func(own map[string]string) { own["correction.short.sms"] += strings.Repeat(" mot", 20) }, "correction.short.sms: it takes"},
	} {
		if _, err := inEsperanto(t, c.change); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "letters/eo.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlainName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  Léa \n Marie ":        "Léa Marie",
		norm.NFD.String("Zoë"):   "Zoë",
		"A\u202eB\u200d":         "AB",
		"L’Anne–Marie":           "L'Anne-Marie",
		strings.Repeat("é", 100): strings.Repeat("é", firstLongest),
		"\xff":                   "",
	} {
		if got := plainName(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func jsonOf(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
