package directory_test

import (
	"archive/zip"
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/directory/internal/aaf/aaftest"
	"github.com/preau-ent/preau/internal/directory/internal/onde/ondetest"
	"github.com/preau-ent/preau/internal/directory/internal/oneroster/onerostertest"
	"github.com/preau-ent/preau/internal/directory/internal/siecle/siecletest"
)

// files are those of an export, by their path in it.
type files map[string][]byte

// each changes every file whose name ends so.
func (f files) each(end string, change func(name, text string) string) files {
	out := files{}
	for name, text := range f {
		if strings.HasSuffix(name, end) {
			text = []byte(change(name, string(text)))
		}
		out[name] = text
	}
	return out
}

func (f files) called(name func(string) string) files {
	out := files{}
	for k, v := range f {
		out[name(k)] = v
	}
	return out
}

func (f files) with(name, text string) files {
	out := maps.Clone(f)
	out[name] = []byte(text)
	return out
}

func (f files) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range f {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (f files) zip(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "EXPORT.ZIP")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFiles(t *testing.T, dir string) files {
	t.Helper()
	out := files{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// found is what must not change with the way in which an export is written.
func found(t *testing.T, path string, o directory.Reading) (r directory.ImportReport, counts [8]int) {
	t.Helper()
	o.English = true
	e, err := directory.ReadExport(t.Context(), []string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	r = e.Report()
	return r, [8]int{r.Schools, r.Pupils, r.Guardians, r.Links, r.Unresolved, r.MayBeTold, r.Doubtful, r.Left}
}

func crlf(_, s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
}
func bom(_, s string) string { return "\xEF\xBB\xBF" + s }
func latin(_, s string) string {
	out, err := charmap.ISO8859_15.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}
func fromLatin(_, s string) string {
	out, err := charmap.ISO8859_15.NewDecoder().String(s)
	if err != nil {
		panic(err)
	}
	return out
}
func declared(as string) func(_, s string) string {
	return func(_, s string) string {
		return regexp.MustCompile(`encoding="[^"]*"`).ReplaceAllString(s, `encoding="`+as+`"`)
	}
}
func upper(name string) string { return strings.ToUpper(name) }

var rootTag = regexp.MustCompile(`<[A-Za-z_]+[ >]`)

// namespaced gives the root what tools of the ministry put there.
func namespaced(_, s string) string {
	at := rootTag.FindStringIndex(s)
	i := at[1] - 1
	return s[:i] + ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="x.xsd"` + s[i:]
}

// commented has a comment and an instruction before the root, and one after.
func commented(_, s string) string {
	at := rootTag.FindStringIndex(s)
	return s[:at[0]] + "<!-- export --><?xml-stylesheet href=\"x.xsl\"?>\n" + s[at[0]:] + "\n<!-- fin -->\n\n"
}

// TestAnExportIsTheSameHoweverItIsWritten reads generated exports, and the same again
// written as other tools and other people write them.
func TestAnExportIsTheSameHoweverItIsWritten(t *testing.T) {
	inFolder := func(name string) string { return "Export du 3 sept/" + name }
	siecle := func(t *testing.T, size siecletest.Size) files {
		dir := t.TempDir()
		if _, err := siecletest.Generate(dir, 5, size); err != nil {
			t.Fatal(err)
		}
		return readFiles(t, dir)
	}
	for _, format := range []struct {
		name    string
		read    directory.Reading
		files   func(*testing.T) files
		changed map[string]func(files) files
	}{
		{"siecle", directory.Reading{}, func(t *testing.T) files { return siecle(t, siecletest.Size{Schools: 2, Pupils: 40, Addresses: true}) }, map[string]func(files) files{
			"utf-8": func(f files) files { return f.each(".xml", fromLatin).each(".xml", declared("UTF-8")) },
			"utf-8 and BOM": func(f files) files {
				return f.each(".xml", fromLatin).each(".xml", declared("UTF-8")).each(".xml", bom)
			},
			"other name of the encoding": func(f files) files { return f.each(".xml", declared("ISO8859-15")) },
			"namespaces":                 func(f files) files { return f.each(".xml", namespaced) },
			"comments":                   func(f files) files { return f.each(".xml", commented) },
			"CRLF":                       func(f files) files { return f.each(".xml", crlf) },
			"upper case":                 func(f files) files { return f.called(upper) },
			"other files beside": func(f files) files {
				return f.with("Communs.xml", `<?xml version="1.0" encoding="ISO-8859-15"?><BEE_COMMUNS VERSION="1.1"><DONNEES/></BEE_COMMUNS>`).
					with("Geographique.xml", `<?xml version="1.0" encoding="ISO-8859-15"?><BEE_GEOGRAPHIQUE VERSION="1.1"><DONNEES/></BEE_GEOGRAPHIQUE>`).
					with("lisezmoi.txt", "bonjour").with("Thumbs.db", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1").with("export.pdf", "%PDF-1.4").with("desktop.ini", "[.ShellClassInfo]\r\nx=1")
			},
			"with and without addresses": func(f files) files {
				out := maps.Clone(f)
				for name, text := range f {
					if bytes.Contains(text, []byte("<BEE_ELEVES")) {
						out[name] = bytes.ReplaceAll(text, []byte("<ACCEPTE_SMS>"), []byte("<TEL_PORTABLE>0639981234</TEL_PORTABLE><MEL>x@ecole.example</MEL><ACCEPTE_SMS>"))
						out["Sans"+name] = text
					}
				}
				return out
			},
			"folder":             func(f files) files { return f.called(inFolder) },
			"folder in a folder": func(f files) files { return f.called(inFolder).called(inFolder).with(".DS_Store", "x") },
		}},
		{"aaf", directory.Reading{}, func(t *testing.T) files {
			dir := t.TempDir()
			if _, err := aaftest.Generate(dir, 5, aaftest.Size{Schools: 2, Pupils: 40, Staff: 5, Strays: 10, Current: true}); err != nil {
				t.Fatal(err)
			}
			return readFiles(t, dir)
		}, map[string]func(files) files{
			"latin":      func(f files) files { return f.each(".xml", latin).each(".xml", declared("ISO-8859-15")) },
			"BOM":        func(f files) files { return f.each(".xml", bom) },
			"comments":   func(f files) files { return f.each(".xml", commented) },
			"CRLF":       func(f files) files { return f.each(".xml", crlf) },
			"upper case": func(f files) files { return f.called(upper) },
			"no doctype": func(f files) files {
				return f.each(".xml", func(_, s string) string { return regexp.MustCompile(`<!DOCTYPE[^>]*>`).ReplaceAllString(s, "") })
			},
			"another doctype": func(f files) files {
				return f.each(".xml", func(_, s string) string {
					return regexp.MustCompile(`<!DOCTYPE[^>]*>`).ReplaceAllString(s, `<!DOCTYPE ficAlimMENESR PUBLIC "-//MEN//DTD//FR" "http://x/ficAlimMENESR.dtd">`)
				})
			},
			"other files beside": func(f files) files {
				return f.with("ficAlimMENESR.dtd", "<!ELEMENT ficAlimMENESR ANY>").with("log.txt", "ok").with("checksum.md5", "abc  x")
			},
			"folder": func(f files) files { return f.called(inFolder) },
			"one per line no indentation": func(f files) files {
				return f.each(".xml", func(_, s string) string { return regexp.MustCompile(`>\s+<`).ReplaceAllString(s, "><") })
			},
		}},
		{"onde", directory.Reading{UAI: "0330001A", AllLegal: true}, func(t *testing.T) files {
			dir := t.TempDir()
			if _, err := ondetest.Generate(dir, 5, ondetest.Size{Pupils: 60}); err != nil {
				t.Fatal(err)
			}
			return readFiles(t, dir)
		}, map[string]func(files) files{
			"utf-8":         func(f files) files { return f.each(".csv", fromLatin) },
			"utf-8 and BOM": func(f files) files { return f.each(".csv", fromLatin).each(".csv", bom) },
			"CRLF":          func(f files) files { return f.each(".csv", crlf) },
			"LF": func(f files) files {
				return f.each(".csv", func(_, s string) string { return strings.ReplaceAll(s, "\r\n", "\n") })
			},
			"tabs": func(f files) files {
				return f.each(".csv", func(_, s string) string { return strings.ReplaceAll(s, ";", "\t") })
			},
			"upper case": func(f files) files { return f.called(upper) },
			"headers in capitals": func(f files) files {
				return f.each(".csv", fromLatin).each(".csv", func(_, s string) string {
					first, rest, _ := strings.Cut(s, "\n")
					return strings.ToUpper(first) + "\n" + rest
				})
			},
			"empty lines": func(f files) files { return f.each(".csv", func(_, s string) string { return s + "\n\n;;;;\n" }) },
			"folder":      func(f files) files { return f.called(inFolder) },
			"dates as people write them": func(f files) files {
				return f.each(".csv", func(_, s string) string {
					return regexp.MustCompile(`\b(20\d\d)-(\d\d)-(\d\d)\b`).ReplaceAllString(s, "$3/$2/$1")
				})
			},
		}},
		{"oneroster", directory.Reading{}, func(t *testing.T) files {
			out, _ := onerostertest.Generate(5, onerostertest.Size{Schools: 2, Pupils: 40, Staff: 5, Version: "1.2"})
			return out
		}, map[string]func(files) files{
			"BOM":         func(f files) files { return f.each(".csv", bom) },
			"CRLF":        func(f files) files { return f.each(".csv", crlf) },
			"upper case":  func(f files) files { return f.called(upper) },
			"capitalised": func(f files) files { return f.called(func(s string) string { return strings.ToUpper(s[:1]) + s[1:] }) },
			"folder":      func(f files) files { return f.called(inFolder) },
			"other files beside": func(f files) files {
				return f.with("readme.txt", "x").with("courses.csv", "sourcedId,status,dateLastModified,title\n").with("academicSessions.csv", "").with("notes.csv", "a,b\n1,2\n")
			},
			"more columns": func(f files) files {
				return f.each("users.csv", func(_, s string) string {
					var out []string
					for i, line := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
						out = append(out, line+map[bool]string{true: ",metadata.xx,sexe", false: ",1,f"}[i == 0])
					}
					return strings.Join(out, "\n") + "\n"
				})
			},
			"version v1.2": func(f files) files {
				return f.each("manifest.csv", func(_, s string) string {
					return strings.Replace(s, "oneroster.version,1.2", "oneroster.version,v1.2", 1)
				})
			},
		}},
	} {
		t.Run(format.name, func(t *testing.T) {
			plain := format.files(t)
			r, want := found(t, plain.write(t), format.read)
			if len(r.Refused) > 0 || want[1] == 0 {
				t.Fatalf("%v, refused: %v", want, r.Refused)
			}
			format.changed["as it is"] = func(f files) files { return f }
			for what, change := range format.changed {
				t.Run(what, func(t *testing.T) {
					changed := change(plain)
					for how, path := range map[string]string{"folder": changed.write(t), "zip": changed.zip(t)} {
						if r, got := found(t, path, format.read); got != want || len(r.Refused) > 0 || r.Format != format.name {
							t.Errorf("%s: %s %v, want %v; refused: %v", how, r.Format, got, want, r.Refused)
						}
					}
				})
			}
		})
	}
}
