package sts

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
)

const small = `<?xml version="1.0" encoding="ISO-8859-15"?>
<STS_EDT>
<PARAMETRES><UAJ CODE="0990001A"><SIGLE>CLG</SIGLE><DENOM_PRINC>COLLEGE</DENOM_PRINC><DENOM_COMPL>FICTIF</DENOM_COMPL></UAJ><ANNEE_SCOLAIRE ANNEE="2026"><DATE_DEBUT>2026-09-01</DATE_DEBUT></ANNEE_SCOLAIRE></PARAMETRES>
<NOMENCLATURES><MATIERES><MATIERE CODE="020700"><LIBELLE_COURT>FRANC</LIBELLE_COURT><LIBELLE_LONG>FRANCAIS</LIBELLE_LONG><LIBELLE_EDITION>Français</LIBELLE_EDITION></MATIERE></MATIERES><MEFS/></NOMENCLATURES>
<DONNEES>
<INDIVIDUS>
<INDIVIDU ID="12" TYPE="epp"><NOM_USAGE>CALMEVAL</NOM_USAGE><PRENOM>Hélène</PRENOM><DATE_NAISSANCE>1970-01-01</DATE_NAISSANCE><FONCTION>ENS</FONCTION><PROFS_PRINC><PROF_PRINC><CODE_STRUCTURE>6A</CODE_STRUCTURE></PROF_PRINC></PROFS_PRINC></INDIVIDU>
<INDIVIDU ID="12" TYPE="local"><NOM_PATRONYMIQUE>ROUX</NOM_PATRONYMIQUE><PRENOM>Ève</PRENOM><FONCTION>DIR</FONCTION></INDIVIDU>
</INDIVIDUS>
<STRUCTURE>
<DIVISIONS><DIVISION CODE="6A"><LIBELLE_LONG>SIXIEME A</LIBELLE_LONG><SERVICES><SERVICE CODE_MATIERE="020700" CODE_MOD_COURS="CG"><ENSEIGNANTS><ENSEIGNANT ID="12" TYPE="epp"><NB_HEURES>4</NB_HEURES></ENSEIGNANT></ENSEIGNANTS></SERVICE></SERVICES></DIVISION></DIVISIONS>
<GROUPES><GROUPE CODE="6ALAT"><DIVISIONS_APPARTENANCE><DIVISION_APPARTENANCE CODE="6A"/></DIVISIONS_APPARTENANCE><SERVICES><SERVICE CODE_MATIERE="020800"><ENSEIGNANTS><ENSEIGNANT ID="99" TYPE="epp"/></ENSEIGNANTS></SERVICE></SERVICES></GROUPE></GROUPES>
</STRUCTURE>
</DONNEES>
</STS_EDT>
`

func latin(t testing.TB, s string) []byte {
	t.Helper()
	b, err := charmap.ISO8859_15.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadsAFile(t *testing.T) {
	t.Parallel()
	e, err := read(bytes.NewReader(latin(t, small)))
	if err != nil {
		t.Fatal(err)
	}
	if e.UAI != "0990001A" || e.Name != "COLLEGE FICTIF" || e.Year != "2026" || e.Unknown != 1 || e.Aside["MEFS"] != 1 || e.Aside["GRADE"] != 0 {
		t.Errorf("%+v", e)
	}
	want := []Staff{
		{Key: "epp 12", Last: "CALMEVAL", First: "Hélène", Function: "ENS", Principal: []string{"6A"}, Line: 7},
		{Key: "local 12", Last: "ROUX", First: "Ève", Function: "DIR", Line: 8},
	}
	if !reflect.DeepEqual(e.Staff, want) {
		t.Errorf("%+v", e.Staff)
	}
	groups := []Group{
		{Code: "6A", Label: "SIXIEME A", Class: true, Services: []Service{{Subject: "020700", Label: "Français", Teachers: []string{"epp 12"}}}, Line: 11},
		{Code: "6ALAT", Of: []string{"6A"}, Services: []Service{{Subject: "020800"}}, Line: 12},
	}
	if !reflect.DeepEqual(e.Groups, groups) {
		t.Errorf("%+v", e.Groups)
	}
}

func TestHostile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		line           int
		words          string
	}{
		{"the way back", "STS_EDT>", "EDT_STS>", 2, "way back"},
		{"another root", "STS_EDT>", "BEE_ELEVES>", 2, "BEE_ELEVES"},
		{"no UAI", ` CODE="0990001A"`, "", 3, "UAI"},
		{"no staff", small[strings.Index(small, "<INDIVIDU "):strings.Index(small, "</INDIVIDUS>")], "", 0, "no staff"},
		{"the same twice", `TYPE="local"`, `TYPE="epp"`, 8, "lines 7 and 8"},
		{"nobody's number", `<INDIVIDU ID="12" TYPE="local">`, `<INDIVIDU TYPE="local">`, 8, "ID"},
		{"no name", `<NOM_USAGE>CALMEVAL</NOM_USAGE>`, ``, 7, "without a name"},
		{"a class without a code", `DIVISION CODE="6A">`, `DIVISION>`, 11, "CODE"},
		{"truncated", small[strings.Index(small, "<GROUPES>"):], "", 12, "truncated"},
		{"an entity", "Hélène", "&h;", 7, "&h;"},
		{"a document type that declares", "<STS_EDT>\n<PARAM", "<!DOCTYPE STS_EDT [<!ENTITY h SYSTEM \"file:///etc/passwd\">]><STS_EDT>\n<PARAM", 2, "internal DTD"},
		{"a long name", "Hélène", strings.Repeat("a", 10_000), 7, "4096"},
		{"deep", "<MEFS/>", strings.Repeat("<a>", 10_000), 4, "64"},
		{"crossed", "<PRENOM>Hélène</PRENOM>", "<PRENOM>Hélène</NOM>", 7, "closed by"},
		{"another encoding", `encoding="ISO-8859-15"`, `encoding="UTF-8"`, 4, "UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(small, c.old) {
				t.Fatalf("%q is not there", c.old)
			}
			n := 1
			if strings.HasSuffix(c.old, "STS_EDT>") {
				n = -1
			}
			_, err := read(bytes.NewReader(latin(t, strings.Replace(small, c.old, c.new, n))))
			var stopped *intake.Stop
			if !errors.As(err, &stopped) || stopped.Line != c.line || !strings.Contains(stopped.Error(), c.words) {
				t.Errorf("%v (%+v), want line %d and %q", err, stopped, c.line, c.words)
			}
		})
	}
}

// generate writes a faithful file of any size about people who do not exist.
func generate(seed uint64, staff, classes int) (string, *Export) {
	rng := rand.New(rand.NewPCG(seed, 7))
	e := &Export{UAI: "0990002B", Name: "LYCEE FICTIF", Year: "2026"}
	var b strings.Builder
	b.WriteString("<STS_EDT><PARAMETRES><UAJ CODE=\"0990002B\"><DENOM_PRINC>LYCEE</DENOM_PRINC><DENOM_COMPL>FICTIF</DENOM_COMPL></UAJ><ANNEE_SCOLAIRE ANNEE=\"2026\"/></PARAMETRES>\n<NOMENCLATURES><MATIERES>")
	for i := range 9 {
		fmt.Fprintf(&b, `<MATIERE CODE="M%d"><LIBELLE_COURT>Matière %d</LIBELLE_COURT></MATIERE>`, i, i)
	}
	b.WriteString("</MATIERES></NOMENCLATURES><DONNEES><INDIVIDUS>\n")
	for i := range staff {
		kind := []string{"epp", "local"}[rng.IntN(2)]
		s := Staff{Key: fmt.Sprintf("%s %05d", kind, i), Last: []string{"ÉGLANTOT", "D'ORNEMARE", "LŒUILLARD & FILS"}[rng.IntN(3)], First: "Zoé", Function: []string{"ENS", "EDU", "DIR"}[rng.IntN(3)]}
		fmt.Fprintf(&b, "<INDIVIDU ID=\"%05d\" TYPE=\"%s\"><NOM_USAGE>%s</NOM_USAGE><PRENOM>Zoé</PRENOM><FONCTION>%s</FONCTION><DISCIPLINES><DISCIPLINE CODE=\"L0202\"/></DISCIPLINES></INDIVIDU>\n", i, kind, strings.ReplaceAll(s.Last, "&", "&amp;"), s.Function)
		e.Staff = append(e.Staff, s)
	}
	b.WriteString("</INDIVIDUS><STRUCTURE>")
	for _, kind := range []string{"DIVISION", "GROUPE"} {
		fmt.Fprintf(&b, "<%sS>\n", kind)
		for i := range classes {
			g := Group{Code: fmt.Sprintf("%c%d", kind[0], i), Class: kind == "DIVISION"}
			fmt.Fprintf(&b, `<%s CODE="%s"><SERVICES>`, kind, g.Code)
			for m := range rng.IntN(4) {
				s := Service{Subject: fmt.Sprintf("M%d", m), Label: fmt.Sprintf("Matière %d", m)}
				fmt.Fprintf(&b, `<SERVICE CODE_MATIERE="%s"><ENSEIGNANTS>`, s.Subject)
				if staff > 0 {
					t := e.Staff[rng.IntN(staff)].Key
					kind, id, _ := strings.Cut(t, " ")
					fmt.Fprintf(&b, `<ENSEIGNANT ID="%s" TYPE="%s"/>`, id, kind)
					s.Teachers = []string{t}
				}
				b.WriteString("</ENSEIGNANTS></SERVICE>")
				g.Services = append(g.Services, s)
			}
			fmt.Fprintf(&b, "</SERVICES></%s>\n", kind)
			e.Groups = append(e.Groups, g)
		}
		fmt.Fprintf(&b, "</%sS>", kind)
	}
	b.WriteString("</STRUCTURE></DONNEES></STS_EDT>\n")
	return b.String(), e
}

func TestReadsWhatWasGenerated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, want := generate(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(1, 30).Draw(t, "staff"), rapid.IntRange(0, 12).Draw(t, "classes"))
		got, err := read(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		got.Aside, got.Encoding = nil, ""
		for i := range got.Staff {
			got.Staff[i].Line = 0
		}
		for i := range got.Groups {
			got.Groups[i].Line = 0
		}
		byKey := map[string]Staff{}
		for _, s := range want.Staff {
			byKey[s.Key] = s
		}
		for _, s := range got.Staff {
			if !reflect.DeepEqual(byKey[s.Key], s) {
				t.Fatalf("got %+v, want %+v", s, byKey[s.Key])
			}
		}
		if len(got.Staff) != len(want.Staff) || !reflect.DeepEqual(got.Groups, want.Groups) || got.Unknown != 0 {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(latin(f, small))
	text, _ := generate(1, 3, 2)
	f.Add([]byte(text))
	f.Add([]byte("<EDT_STS/>"))
	f.Add([]byte("<STS_EDT><DONNEES><STRUCTURE><DIVISIONS><DIVISION CODE=\"\">"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := read(bytes.NewReader(text))
		var stopped *intake.Stop
		if err != nil && (!errors.As(err, &stopped) || strings.Contains(stopped.Error(), "%!") && !bytes.ContainsAny(text, "%&") || stopped.Line < 0) {
			t.Fatalf("%v", err)
		}
		if err == nil && (len(e.Staff) == 0 || len(e.UAI) != 8) {
			t.Fatalf("%+v", e)
		}
	})
}
