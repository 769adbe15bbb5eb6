package page_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/preau-ent/preau/internal/page"
)

func TestWordsOfACapability(t *testing.T) {
	t.Parallel()
	words := mustWords(t, fstest.MapFS{
		"locale/fr.json": {Data: []byte(`{"x.absent": {"one": "{n} absent", "other": "{n} absents"}, "x.who": "D'où vient « {name} » ?"}`)},
		"locale/en.json": {Data: []byte(`{"x.absent": {"one": "{n} absent", "other": "{n} absent pupils"}, "x.who": "Where does {name} come from?"}`)},
	})
	fr := page.In(context.Background(), &page.Site{Words: words}, "fr")
	en := page.In(context.Background(), &page.Site{Words: words}, "en")
	for _, c := range []struct{ got, want string }{
		{page.T(fr, "x.absent", "n", 0), "0 absent"},
		{page.T(fr, "x.absent", "n", 1), "1 absent"},
		{page.T(fr, "x.absent", "n", 2), "2 absents"},
		{page.T(fr, "x.absent", "n", 1204), "1\u202f204 absents"},
		{page.T(fr, "x.absent", "n", 2000000), "2\u202f000\u202f000 absents"},
		{page.T(en, "x.absent", "n", 0), "0 absent pupils"},
		{page.T(en, "x.absent", "n", 1204), "1,204 absent pupils"},
		{page.T(fr, "x.who", "name", "l'oubli {n}"), "D’où vient «\u00a0l'oubli {n}\u00a0»\u202f?"},
		{page.T(fr, "x.unknown"), "x.unknown"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestWordsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"one language only": {fstest.MapFS{"locale/fr.json": {Data: []byte(`{"x.a": "a"}`)}}, `key "x.a" of locale/fr.json is missing in en`},
		"taken":             {fstest.MapFS{"locale/fr.json": {Data: []byte(`{"page.skip": "a"}`)}}, `locale/fr.json: key "page.skip" is already in another file`},
		"language":          {fstest.MapFS{"locale/de.json": {Data: []byte(`{}`)}}, `no language "de"`},
		"not JSON":          {fstest.MapFS{"locale/fr.json": {Data: []byte(`{`)}}, `locale/fr.json`},
		"other fields": {fstest.MapFS{
			"locale/fr.json": {Data: []byte(`{"x.a": "à {hour}"}`)}, "locale/en.json": {Data: []byte(`{"x.a": "at {time}"}`)},
		}, `key "x.a" has the fields {hour} in fr and {time} in en`},
	} {
		if _, err := page.NewWords(c.files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestTypography(t *testing.T) {
	t.Parallel()
	zone := paris(t)
	site := &page.Site{Zone: zone}
	fr, en := page.In(context.Background(), site, "fr"), page.In(context.Background(), site, "en")
	at := time.Date(2027, 4, 6, 6, 5, 0, 0, time.UTC) // 8:05 in Paris
	first := time.Date(2027, 5, 1, 10, 0, 0, 0, zone)
	for _, c := range []struct{ got, want string }{
		{page.Hour(fr, at), "8 h 05"}, {page.Hour(en, at), "8:05"},
		{page.Date(fr, at), "mardi 6 avril"}, {page.Date(en, at), "Tuesday 6 April"},
		{page.Date(fr, first), "samedi 1er mai"}, {page.DateYear(fr, first), "1er mai 2027"}, {page.DateYear(en, first), "1 May 2027"},
		{page.Capital(page.DateHour(fr, at)), "Mardi 6 avril, 8 h 05"}, {page.Capital("été"), "Été"}, {page.Capital(""), ""},
		{page.Number(fr, 1204), "1 204"}, {page.Number(fr, 999), "999"}, {page.Number(fr, 1234567), "1 234 567"},
		{page.Number(en, 1204), "1,204"}, {page.Number(fr, -1204), "-1 204"}, {page.Number(fr, 0), "0"},
		{page.Left(372 * time.Second), "6:12"}, {page.Left(-time.Second), "0:00"}, {page.Left(time.Hour + 5*time.Second), "1:00:05"},
	} {
		if page.Plain(c.got) != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if strings.Contains(page.Hour(fr, at), " ") || strings.Contains(page.Number(fr, 1204), " ") {
		t.Error("an hour or a number may break at the end of a line")
	}
	school := page.WithViewer(fr, page.Viewer{Zone: time.FixedZone("Montréal", -4*3600)})
	if got := page.Plain(page.Hour(school, at)); got != "2 h 05" {
		t.Errorf("in the school's zone: %s", got)
	}
}

var (
	// page.T(ctx, "key"…), T(ctx, "key"…) inside this package, and the
	// constructors of refusals.
	usedKey = regexp.MustCompile(`\b(?:T\(ctx, |Forbidden\(|Conflict\(|Invalid\("[^"]*", |Key: +)"([a-z][\w.-]*)"(\+|\s*\+)?`)
)

// TestEveryKeyUsedExists reads every page and program of the house for the keys
// of its sentences, and every locale folder for the sentences: none is missing
// in either language, and none is left over in page's own files.
func TestEveryKeyUsedExists(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	folders := localeFolders(t, root)
	words := mustWords(t)
	known := map[string]bool{}
	for _, key := range words.Keys() {
		known[key] = true
	}
	for _, folder := range folders {
		if folder == filepath.Join(root, "internal", "page") {
			continue
		}
		own, err := page.NewWords(os.DirFS(folder))
		if err != nil {
			t.Errorf("%s: %v", folder, err)
			continue
		}
		for _, key := range own.Keys() {
			known[key] = true
		}
	}

	var all []fs.FS
	for _, folder := range folders {
		if folder != filepath.Join(root, "internal", "page") {
			all = append(all, os.DirFS(folder))
		}
	}
	if _, err := page.NewWords(all...); err != nil {
		t.Errorf("all capabilities together: %v", err)
	}

	used := map[string]bool{}
	prefixes := map[string]bool{}
	files := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		generated := strings.HasSuffix(path, "_templ.go") || strings.HasSuffix(path, "_test.go")
		if d.IsDir() || generated || (filepath.Ext(path) != ".go" && filepath.Ext(path) != ".templ") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for i, line := range strings.Split(string(source), "\n") {
			if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "//") {
				continue
			}
			for _, m := range usedKey.FindAllStringSubmatch(line, -1) {
				key := m[1]
				if !strings.Contains(key, ".") {
					continue // not a sentence's key: they begin with the capability's name
				}
				if m[2] != "" {
					prefixes[key] = true
					if !slices.ContainsFunc(keysOf(known), func(k string) bool { return strings.HasPrefix(k, key) }) {
						t.Errorf("%s:%d: no sentence begins with %q", path, i+1, key)
					}
					continue
				}
				used[key] = true
				if !known[key] {
					t.Errorf("%s:%d: there is no sentence %q: add it to locale/fr.json and locale/en.json", path, i+1, key)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 || len(used) < 10 {
		t.Fatalf("read only %d files and found %d keys: is this the root of the house?", files, len(used))
	}
	for _, key := range words.Keys() {
		begun := slices.ContainsFunc(keysOf(prefixes), func(p string) bool { return strings.HasPrefix(key, p) })
		if !used[key] && !begun {
			t.Errorf("nobody uses the sentence %q of internal/page", key)
		}
	}
}

func keysOf(set map[string]bool) []string {
	var keys []string
	for key := range set {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// localeFolders are the folders that hold a locale folder.
func localeFolders(t *testing.T, root string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "internal", "*", "locale"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	return found
}
