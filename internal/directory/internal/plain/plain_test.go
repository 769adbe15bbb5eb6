package plain

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

const mapping = "Nom=last,Prénom=first,Né le=born,Classe=class,Mère=g1.last,Prénom mère=g1.first,Portable mère=g1.sms,Droit mère=g1.level,Autre=g2.last,Droit autre=g2.level,Mail autre=g2.email,Accord=g2.consent"

const table = "Nom;Prénom;Né le;Classe;Régime;Mère;Prénom mère;Portable mère;Droit mère;Autre;Droit autre;Mail autre;Accord\n" +
	"Benali;Léa;14/05/2011;6e A;DP;Benali;Nadia;06 39 98 01 01;légal;Roux;en charge;eve@roux.example;non\n" +
	"Benali;Sami;2013-01-02;4e B;;Benali;Nadia;0639980101;Représentant légal;;;;\n" +
	"Calmeval;Zoé;03/03/2012;6e A;;Calmeval;Anne;;;Ortolani;contact;;\n"

func read(t testing.TB, text string, o Options) (*Export, []intake.Refusal) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := intake.Find([]string{path}, true)
	if err != nil || len(found.Files) != 1 {
		t.Fatal(found, err)
	}
	defer found.Close()
	o.English = true
	e, refusals, err := Read(found.Files[0], o)
	if err != nil {
		t.Fatal(err)
	}
	return e, refusals
}

func told(e *Export) (out []string) {
	for _, s := range e.Schools {
		for _, l := range s.Links {
			if l.Level == Legal {
				out = append(out, l.Pupil+" "+l.Adult)
			}
		}
	}
	return out
}

func TestReadsATable(t *testing.T) {
	t.Parallel()
	e, refusals := read(t, table, Options{Map: mapping, UAI: "0990001a"})
	if len(refusals) > 0 || len(e.Schools) != 1 {
		t.Fatalf("%+v %+v", refusals, e)
	}
	s := e.Schools[0]
	if s.UAI != "0990001A" || len(s.Pupils) != 3 || len(s.Adults) != 4 || len(s.Links) != 5 || e.Aside["Régime"] != 1 {
		t.Errorf("%+v", e)
	}
	want := []string{"benali|lea|2011-05-14 benali|nadia|0639980101", "benali|sami|2013-01-02 benali|nadia|0639980101"}
	if got := told(e); !slices.Equal(got, want) {
		t.Errorf("told %q", got)
	}
	if l := s.Links[1]; l.Level != Carer || l.Consent != "no" {
		t.Errorf("%+v", l)
	}
	// Of whom nothing is said, nothing is told; unless the school vouches for all.
	if l := s.Links[3]; l.Level != Contact || !strings.HasPrefix(l.Adult, "calmeval|anne|of ") {
		t.Errorf("%+v", l)
	}
	e, _ = read(t, table, Options{Map: mapping, UAI: "0990001A", AllLegal: true})
	if got := told(e); len(got) != 5 {
		t.Errorf("all legal: %q", got)
	}
	e, refusals = read(t, "Nom,Prénom,Id,Tuteur\nBenali,Léa,7,Roux\n", Options{Map: "Nom=last,Prénom=first,Id=id,Tuteur=g1.last,@légal=g1.level,@0990001A=uai"})
	if got := told(e); len(refusals) > 0 || len(got) != 1 {
		t.Errorf("a word for every row: %q %+v", got, refusals)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		o              Options
		line           int
		words          string
	}{
		{"no mapping", "", "", Options{Map: "", UAI: "0990001A"}, 1, "--map"},
		{"a mapping of nothing", "", "", Options{Map: "Nom", UAI: "0990001A"}, 0, "unreadable mapping"},
		{"a field nobody knows", "", "", Options{Map: mapping + ",X=g1.boss", UAI: "0990001A"}, 0, "g1.boss"},
		{"no way to tell namesakes", "", "", Options{Map: "Nom=last,Prénom=first", UAI: "0990001A"}, 0, "namesakes"},
		{"a field twice", "", "", Options{Map: mapping + ",X=last", UAI: "0990001A"}, 0, "twice"},
		{"no school", "", "", Options{Map: mapping}, 2, "--uai"},
		{"a column that is not there", "Droit mère", "Droits de la mère", Options{Map: mapping, UAI: "0990001A"}, 1, "Droit mère"},
		{"two columns of one name", "Régime", "Classe", Options{Map: mapping, UAI: "0990001A"}, 1, "two columns"},
		{"a digit for a level", ";légal;", ";2;", Options{Map: mapping, UAI: "0990001A"}, 2, "before-2018"},
		{"a word nobody knows", ";légal;", ";oui;", Options{Map: mapping, UAI: "0990001A"}, 2, "unknown level"},
		{"nearly the word", ";légal;", ";illégal;", Options{Map: mapping, UAI: "0990001A"}, 2, "unknown level"},
		{"a consent nobody can read", ";non\n", ";peut-être\n", Options{Map: mapping, UAI: "0990001A"}, 2, "consent"},
		{"a date of nowhere", "14/05/2011", "05/14/2011", Options{Map: mapping, UAI: "0990001A"}, 2, "05/14/2011"},
		{"no date", "14/05/2011", "", Options{Map: mapping, UAI: "0990001A"}, 2, "born"},
		{"cut short", ";eve@roux.example;non\n", "", Options{Map: mapping, UAI: "0990001A"}, 2, "truncated"},
		{"a delimiter too many", "Nadia", "Nadia;Samira", Options{Map: mapping, UAI: "0990001A"}, 2, "delimiter"},
		{"the same pupil in two classes", "Benali;Sami;2013-01-02;4e B", "Benali;Léa;14/05/2011;4e B", Options{Map: mapping, UAI: "0990001A"}, 3, "line 2"},
		{"the same link with another right", "Benali;Sami;2013-01-02;4e B;;Benali;Nadia;0639980101;Représentant légal", "Benali;Léa;14/05/2011;6e A;;Benali;Nadia;0639980101;contact", Options{Map: mapping, UAI: "0990001A"}, 3, "contradicting"},
		{"an adult without a name", ";Roux;", ";;", Options{Map: mapping, UAI: "0990001A"}, 2, "g2.last"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(table, c.old) {
				t.Fatalf("%q is not there", c.old)
			}
			_, refusals := read(t, strings.Replace(table, c.old, c.new, 1), c.o)
			if len(refusals) == 0 || refusals[0].Line != c.line || !strings.Contains(refusals[0].Reason, c.words) || !refusals[0].HoldsBackAll {
				t.Errorf("%+v, want line %d and %q", refusals, c.line, c.words)
			}
		})
	}
	for digit, want := range map[string][3]bool{"1": {true, true}, "2": {true, false}} {
		for i, dialect := range []string{"before-2018", "after-2018"} {
			e, refusals := read(t, strings.Replace(table, ";légal;", ";"+digit+";", 1), Options{Map: mapping, UAI: "0990001A", Digits: dialect})
			if got := len(told(e)) == 2; got != want[i] || len(refusals) > 0 {
				t.Errorf("%s %s: told %q %+v", dialect, digit, told(e), refusals)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(table, mapping)
	f.Add("a,b\n\"", "a=last,b=first,b=id")
	f.Add("Nom;Prénom;Id\nA;B;C", "Nom=last,Prénom=first,Id=id,@legal=g1.level,Nom=g1.last")
	f.Fuzz(func(t *testing.T, text, mapping string) {
		if text == "" || strings.HasPrefix(text, "PK") {
			return
		}
		path := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := intake.Find([]string{path}, true)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		for _, file := range found.Files {
			e, refusals, err := Read(file, Options{English: true, Map: mapping, UAI: "0990001A"})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range refusals {
				if r.Reason == "" || strings.Contains(r.Reason, "%!") && !strings.Contains(text, "%") && !strings.Contains(mapping, "%") {
					t.Errorf("%+v", r)
				}
			}
			for _, s := range e.Schools {
				pupils := map[string]bool{}
				for _, p := range s.Pupils {
					pupils[p.Key] = true
				}
				for _, l := range s.Links {
					if !pupils[l.Pupil] || l.Adult == "" {
						t.Errorf("%+v leads nowhere", l)
					}
				}
			}
		}
	})
}
