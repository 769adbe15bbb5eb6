package page

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed locale
var own embed.FS

// Languages are the languages of the pages, the first one first.
func Languages() []string { return []string{"fr", "en"} }

// Words holds every sentence of the pages in every language. It is made once,
// at the start, and only read afterwards.
//
// A capability keeps its sentences in locale/fr.json and locale/en.json beside
// its pages, embeds that folder and hands it to NewWords. A key begins with the
// capability's name; fields are written {name}; a message with {n} may have
// plural forms:
//
//	{
//	  "attendance.save":   "Enregistrer l'appel de {class}",
//	  "attendance.absent": {"one": "{n} absent", "other": "{n} absents"}
//	}
//
// Sentences are typed with plain spaces and straight apostrophes; the spaces
// before ; : ! ? and inside « », and the apostrophe, become typographic here.
type Words struct {
	plain  map[string]map[string]string        // language → key → sentence without plural forms
	plural map[string]map[string]*i18n.Message // language → key → sentence with them
	keys   map[string]map[string]string        // language → key → file it came from
	fields map[string]map[string]string        // language → key → its fields, sorted
}

// NewWords reads every locale/*.json of the given folders, and page's own. An
// error names the file and the key: a key in two files, a key in one language
// only, a file of a language that the pages do not have.
func NewWords(folders ...fs.FS) (*Words, error) {
	w := &Words{
		plain:  map[string]map[string]string{},
		plural: map[string]map[string]*i18n.Message{},
		keys:   map[string]map[string]string{},
		fields: map[string]map[string]string{},
	}
	for _, lang := range Languages() {
		w.plain[lang] = map[string]string{}
		w.plural[lang] = map[string]*i18n.Message{}
		w.keys[lang] = map[string]string{}
		w.fields[lang] = map[string]string{}
	}
	for _, folder := range append([]fs.FS{own}, folders...) {
		files, err := fs.Glob(folder, "locale/*.json")
		if err != nil {
			return nil, fmt.Errorf("words: %w", err)
		}
		for _, file := range files {
			if err := w.read(folder, file); err != nil {
				return nil, fmt.Errorf("words: %s: %w", file, err)
			}
		}
	}
	if err := w.complete(); err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	return w, nil
}

func (w *Words) read(folder fs.FS, file string) error {
	lang := strings.TrimSuffix(path.Base(file), ".json")
	if _, ok := w.keys[lang]; !ok {
		return fmt.Errorf("the pages have no language %q: name the file fr.json or en.json", lang)
	}
	raw, err := fs.ReadFile(folder, file)
	if err != nil {
		return err
	}
	parsed, err := i18n.ParseMessageFileBytes(raw, lang+".json", map[string]i18n.UnmarshalFunc{"json": json.Unmarshal})
	if err != nil {
		return err
	}
	for _, m := range parsed.Messages {
		if _, twice := w.keys[lang][m.ID]; twice {
			return fmt.Errorf("key %q is already in another file: begin it with the capability's name", m.ID)
		}
		w.keys[lang][m.ID] = file
		w.fields[lang][m.ID] = fieldsOf(m.Other)
		for _, form := range []*string{&m.Zero, &m.One, &m.Two, &m.Few, &m.Many, &m.Other} {
			*form = typeset(lang, *form)
		}
		if m.Other == "" {
			return fmt.Errorf("key %q has no form \"other\"", m.ID)
		}
		if m.One == "" {
			w.plain[lang][m.ID] = m.Other
		} else {
			w.plural[lang][m.ID] = m
		}
	}
	return nil
}

// complete checks that every key exists in every language, with the same fields.
func (w *Words) complete() error {
	var missing []string
	langs := Languages()
	for _, lang := range langs {
		for key, file := range w.keys[lang] {
			for _, other := range langs {
				if _, ok := w.keys[other][key]; !ok {
					missing = append(missing, fmt.Sprintf("key %q of %s is missing in %s", key, file, other))
				}
			}
		}
	}
	first := langs[0]
	for key := range w.keys[first] {
		for _, other := range langs[1:] {
			a, b := w.fields[first][key], w.fields[other][key]
			if _, ok := w.keys[other][key]; ok && a != b {
				missing = append(missing, fmt.Sprintf("key %q has the fields %s in %s and %s in %s", key, a, first, b, other))
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	sort.Strings(missing)
	return fmt.Errorf("%s", strings.Join(missing, "; "))
}

// fieldsOf lists the fields of a sentence once each, sorted: "{hour} {n}".
func fieldsOf(text string) string {
	fields := fieldPattern.FindAllString(text, -1)
	slices.Sort(fields)
	return strings.Join(slices.Compact(fields), " ")
}

var fieldPattern = regexp.MustCompile(`\{\w+\}`)

// Has tells whether the key exists; used by tests that read the sources.
func (w *Words) Has(key string) bool {
	_, ok := w.keys[Languages()[0]][key]
	return ok
}

// Keys lists every key, sorted.
func (w *Words) Keys() []string {
	var keys []string
	for key := range w.keys[Languages()[0]] {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// Say is the sentence in that language with its fields filled in. Whole numbers
// are written as the language writes them (1 204); a field "n" chooses the
// plural form. A key that does not exist is returned as it is: visible in a
// test, harmless to a reader.
func (w *Words) Say(lang, key string, args Args) string {
	if _, ok := w.keys[lang]; !ok {
		lang = Languages()[0]
	}
	if text, ok := w.plain[lang][key]; ok {
		return fill(lang, text, args)
	}
	if m, ok := w.plural[lang][key]; ok {
		return fill(lang, form(lang, m, args["n"]), args)
	}
	return key
}

// form chooses the plural form for n by the language's own rule (CLDR): 0 is
// singular in French and plural in English. Millions have a form of their own in
// French, which the files may leave out.
func form(lang string, m *i18n.Message, n any) string {
	var count int
	switch n := n.(type) {
	case int:
		count = n
	case int64:
		count = int(n)
	default:
		return m.Other
	}
	text := ""
	switch plural.Cardinal.MatchPlural(tags[lang], abs(count), 0, 0, 0, 0) {
	case plural.Zero:
		text = m.Zero
	case plural.One:
		text = m.One
	case plural.Two:
		text = m.Two
	case plural.Few:
		text = m.Few
	case plural.Many:
		text = m.Many
	}
	if text == "" {
		return m.Other
	}
	return text
}

var tags = map[string]language.Tag{"fr": language.French, "en": language.English}

// abs also keeps the number within what the plural rules look at.
func abs(n int) int {
	if n < 0 {
		n = -n
	}
	if n > 1_000_000 {
		n = 1_000_000 + n%1_000_000
	}
	return n
}

// T is the sentence of that key in the reader's language. args are pairs of a
// field's name and its value:
//
//	page.T(ctx, "attendance.saved", "n", 25, "hour", page.Hour(ctx, at))
func T(ctx context.Context, key string, args ...any) string {
	return say(ctx, key, pairs(args))
}

func say(ctx context.Context, key string, args Args) string {
	v := visitFrom(ctx)
	if v.site == nil || v.site.Words == nil {
		return key
	}
	return v.site.Words.Say(v.lang, key, args)
}

// Lang is the language of the page being written: "fr" or "en".
func Lang(ctx context.Context) string {
	if lang := visitFrom(ctx).lang; lang != "" {
		return lang
	}
	return Languages()[0]
}

// pairs turns name, value, name, value… into Args. Anything else is a mistake of
// the program, found by the first test that renders the page.
func pairs(list []any) Args {
	if len(list) == 0 {
		return nil
	}
	if len(list) == 1 {
		if args, ok := list[0].(Args); ok {
			return args
		}
	}
	args := make(Args, len(list)/2)
	for i := 0; i+1 < len(list); i += 2 {
		if name, ok := list[i].(string); ok {
			args[name] = list[i+1]
		}
	}
	return args
}

// fill replaces each {name} by its value. An unknown field stays as written.
func fill(lang, text string, args Args) string {
	if len(args) == 0 || !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			break
		}
		value, ok := args[text[open+1:open+end]]
		if !ok {
			b.WriteString(text[:open+end+1])
		} else {
			b.WriteString(text[:open])
			switch n := value.(type) {
			case string:
				b.WriteString(n)
			case int:
				b.WriteString(number(lang, int64(n)))
			case int64:
				b.WriteString(number(lang, n))
			default:
				fmt.Fprint(&b, n)
			}
		}
		text = text[open+end+1:]
	}
	b.WriteString(text)
	return b.String()
}
