package onde_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/onde"
	"github.com/preau-ent/preau/internal/directory/internal/onde/ondetest"
)

const sampleFolder = "../../../../../shared/samples/onde"

func read(t testing.TB, paths ...string) (*onde.Export, []intake.Refusal) {
	t.Helper()
	found, err := intake.Find(paths, false)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	e, refusals, err := onde.ReadFiles(t.Context(), found, onde.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e, refusals
}

func TestSampleCounts(t *testing.T) {
	dir, err := filepath.Abs(sampleFolder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("LEFT OUT: the sample of ONDE is not in %s, so its counts were not checked", sampleFolder)
	}
	e, refusals := read(t, dir)
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	if n := e.Counts(); n != (onde.Counts{Pupils: 247, Guardians: 469, Teachers: 14, Children: 491, Sure: 491}) {
		t.Errorf("%+v", n)
	}
	for _, f := range e.Files {
		if f.Encoding != "iso-8859-15" {
			t.Errorf("%+v", f)
		}
	}
}

// What is sure is what was written as sure, in both vintages, ragged or not.
func TestReadsWhatWasGenerated(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		size := ondetest.Size{Pupils: 150, Extension: seed%2 == 0, Ragged: seed%3 == 0, UTF8: seed%4 == 0}
		dir := t.TempDir()
		truth, err := ondetest.Generate(dir, seed, size)
		if err != nil {
			t.Fatal(err)
		}
		e, refusals := read(t, dir)
		if len(refusals) > 0 {
			t.Fatal(refusals)
		}
		n := e.Counts()
		if want := (onde.Counts{Pupils: truth.Pupils, Guardians: truth.Rows, Teachers: 1, Children: truth.Sure + truth.Doubtful + truth.Unknown, Sure: truth.Sure, Doubtful: truth.Doubtful, Unknown: truth.Unknown}); n != want {
			t.Fatalf("%+v\n got %+v\nwant %+v", size, n, want)
		}
		byKey := map[string]onde.Pupil{}
		for _, p := range e.Pupils {
			byKey[p.Key] = p
		}
		for _, g := range e.Adults {
			for _, c := range g.Children {
				if c.Pupil == "" {
					continue
				}
				p := byKey[c.Pupil]
				if !truth.Sures[strings.Join([]string{g.First, g.Last, p.First, p.Last, p.Classes[0]}, "|")] {
					t.Fatalf("joined without a right: %+v to %+v", g, p)
				}
			}
		}
	}
}

const (
	pupils    = "\"Nom Elève\";\"Nom d'usage Elève\";\"Prénom Elève\";\"Date naissance\";\" Cycle\";\"Classe\"\r\n"
	guardians = "Civilité Responsable;Nom usage responsable;Nom responsable;Prénom responsable;Courriel;Téléphone domicile;Téléphone travail;Numéro de poste;Téléphone portable;Nom d'usage enfant;Nom de famille enfant;Prénom enfant;Classes enfants\r\n"
)

func folder(t testing.TB, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".csv"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHowSureALinkIs(t *testing.T) {
	t.Parallel()
	school := pupils + "CALMEVAL;;Léa;2018-01-02;C2;CP\r\nCALMEVAL;;Noé;2018-01-02;C2;CP\r\nDUO;;Ana;2018-03-04;C2;CE1\r\nDUO;;Ana;2018-05-06;C2;CE1\r\nDUO;;Ana;2019-05-06;C2;CE2\r\nBEC;NOIX;Zoé;2017-01-01;C2;CM1\r\n"
	for _, c := range []struct {
		name, row       string
		sure, doubtful  int
		mobile, perhaps string
	}{
		{"exact", "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;Léa;CP", 1, 0, "0639980101", ""},
		{"another case, no accents", "Mme;;CALMEVAL;Inès;;;;;0639980101;;calmeval;LEA;cp", 1, 0, "0639980101", ""},
		{"another class", "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;Léa;CE2", 0, 1, "0639980101", "lea"},
		{"no class", "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;Léa", 0, 1, "0639980101", "lea"},
		{"a brother", "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;Léo;CP", 0, 0, "0639980101", ""},
		{"namesakes in one class", "M.;;DUO;Yann;;;;;;;DUO;Ana;CE1", 0, 1, "", "ana"},
		{"a namesake alone in the class", "M.;;DUO;Yann;;;;;;;DUO;Ana;CE2", 1, 0, "", ""},
		{"by the name in use", "M.;;NOIX;Yann;;;;;;NOIX;;Zoé;CM1", 1, 0, "", ""},
		{"by either name", "M.;;NOIX;Yann;;;;;;NOIX;BEC;Zoé;CM1", 1, 0, "", ""},
		{"the row lacks the extension", "Mme;;CALMEVAL;Inès;;;;0639980101;;CALMEVAL;Léa;CP", 1, 0, "0639980101", ""},
		{"beyond the header", "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;Léa;CP;;CALMEVAL;Noé;CP;;;;;", 2, 0, "0639980101", ""},
		{"no child", "Mme;;CALMEVAL;Inès;;;;;0639980101", 0, 0, "0639980101", ""},
		{"a child without a first name", "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;;CP", 0, 0, "0639980101", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, order := range [][]string{{school, guardians + c.row + "\r\n"}, {guardians + c.row + "\r\n", school}} {
				e, refusals := read(t, folder(t, order...))
				if len(refusals) > 0 || len(e.Adults) != 1 {
					t.Fatal(refusals)
				}
				n := e.Counts()
				if n.Sure != c.sure || n.Doubtful != c.doubtful || e.Adults[0].Mobile != c.mobile {
					t.Errorf("%+v %+v", n, e.Adults[0])
				}
				if c.doubtful > 0 && !strings.Contains(strings.Join(e.Adults[0].Children[0].Perhaps, " "), c.perhaps) {
					t.Errorf("perhaps %v", e.Adults[0].Children[0].Perhaps)
				}
			}
		})
	}
}

// Two rows of one name around one child: which of them somebody chose could not be told
// the next time, so neither is joined.
func TestNamesakesAroundOneChild(t *testing.T) {
	t.Parallel()
	school := pupils + "CALMEVAL;;Léa;2018-01-02;C2;CP\r\nCALMEVAL;;Noé;2019-01-02;C2;PS\r\n"
	row := "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;Léa;CP\r\n"
	for rows, sure := range map[string]int{
		row: 1, row + row: 1,
		row + strings.Replace(row, "0101", "0102", 1):                  0,
		row + strings.Replace(row, "Léa;CP", "Noé;PS", 1):              2,
		row + strings.Replace(row, "Mme;;CALMEVAL", "M.;;CALMEVAL", 1): 2,
	} {
		e, refusals := read(t, folder(t, school, guardians+rows))
		if n := e.Counts(); len(refusals) > 0 || n.Sure != sure || n.Children != max(sure, n.Doubtful) {
			t.Errorf("%q: %+v %v", rows, n, refusals)
		}
	}
}

func TestHostileTables(t *testing.T) {
	t.Parallel()
	sound := pupils + "CALMEVAL;;Léa;2018-01-02;C2;CP\r\n"
	for _, c := range []struct {
		name, text string
		line       int
		words      string
	}{
		{"sound", sound, 0, ""},
		{"with a byte order mark", "\ufeff" + sound, 0, ""},
		{"with tabs", strings.ReplaceAll(sound, ";", "\t"), 0, ""},
		{"with commas", strings.ReplaceAll(sound, ";", ","), 0, ""},
		{"nothing but a header", pupils, 1, "en-tête"},
		{"a NUL", pupils + "CAL\x00MEVAL;;Léa;2018-01-02;C2;CP\r\n", 2, "0x00"},
		{"quotes never closed", pupils + "\"CALMEVAL;;Léa;2018-01-02;C2;CP\r\nX;;Y\r\n", 2, "guillemets"},
		{"quotes never closed in a large file", pupils + "\"CALMEVAL" + strings.Repeat(";;Léa;2018-01-02;C2;CP\r\n", 100_000), 0, "1024 Kio"},
		{"cut short", pupils + "CALMEVAL;;Léa;2018-01-02;C2;CP\r\nBEC;;Z", 3, "tronqué"},
		{"no name", pupils + ";;Léa;2018-01-02;C2;CP\r\n", 2, "sans nom"},
		{"a day that does not exist", pupils + "CALMEVAL;;Léa;2018-02-31;C2;CP\r\n", 2, "2018-02-31"},
		{"a long value", pupils + strings.Repeat("A", 5000) + ";;Léa;2018-01-02;C2;CP\r\n", 2, "4096"},
		{"many columns", pupils + strings.Repeat(";", 2000) + "\r\n", 2, "1000 colonnes"},
		{"UTF-16", "\xff\xfeN\x00o\x00", 1, "UTF-16"},
		{"another table", "Jour;Heure;Salle\r\nlundi;8;12\r\n", 1, "colonnes"},
		{"guardians only", guardians + "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;Léa;CP\r\n", 0, "fichier d'élèves"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, refusals := read(t, filepath.Join(folder(t, c.text), "a.csv"))
			if c.words == "" {
				if len(refusals) > 0 || len(e.Pupils) != 1 || e.Pupils[0].First != "Léa" {
					t.Fatalf("%+v %+v", e, refusals)
				}
				return
			}
			if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, c.words) || c.line > 0 && refusals[0].Line != c.line || len(e.Pupils) > 0 || len(e.Adults) > 0 {
				t.Errorf("%+v", refusals)
			}
		})
	}
	t.Run("two schools", func(t *testing.T) {
		if _, refusals := read(t, folder(t, sound, sound)); len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "une école à la fois") {
			t.Errorf("%+v", refusals)
		}
	})
}

// FuzzRead gives any bytes as the table of guardians of a sound school, and as its pupils.
func FuzzRead(f *testing.F) {
	for _, text := range []string{guardians + "Mme;;CALMEVAL;Inès;;;;;0639980101;;CALMEVAL;Léa;CP\r\n", guardians + "\"Mme\";;;;;\r\n;;;;;;;;;;;;;;;;;;;;;;;;", pupils, "", "\xff\xfe", "Prénom enfant;Nom responsable\n;;", "a;b\n\"", "Nom El\xe8ve;Pr\xe9nom El\xe8ve;Classe\nX;Y;Z\n"} {
		f.Add([]byte(text))
	}
	school := pupils + "CALMEVAL;;Léa;2018-01-02;C2;CP\r\nCALMEVAL;;Noé;2018-01-02;C2;CP\r\n"
	f.Fuzz(func(t *testing.T, text []byte) {
		e, refusals := read(t, folder(t, school, string(text)))
		keys := map[string]bool{}
		for _, p := range e.Pupils {
			keys[p.Key] = true
		}
		adults := map[string]bool{}
		for _, g := range e.Adults {
			if adults[g.Key] {
				t.Errorf("two people of the key %q", g.Key)
			}
			adults[g.Key] = true
			for _, c := range g.Children {
				if c.Pupil != "" && (!keys[c.Pupil] || len(c.Perhaps) > 0) {
					t.Errorf("%+v", c)
				}
			}
		}
		for _, r := range refusals {
			if r.Reason == "" || strings.Contains(r.Reason, "%!") && !bytes.Contains(text, []byte("%")) || r.Line < 0 {
				t.Errorf("%+v", r)
			}
		}
	})
}
