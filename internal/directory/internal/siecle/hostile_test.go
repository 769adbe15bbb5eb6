package siecle_test

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/siecle"
	"github.com/preau-ent/preau/internal/directory/internal/siecle/siecletest"
)

const (
	head      = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	params    = "<PARAMETRES>\n<UAJ>0990001A</UAJ>\n<ANNEE_SCOLAIRE>2025</ANNEE_SCOLAIRE>\n<DATE_EXPORT>05/06/2026</DATE_EXPORT>\n</PARAMETRES>\n"
	oldParams = "<PARAMETRES>\n<UAJ>0990001A</UAJ>\n<ANNEE_SCOLAIRE>2017</ANNEE_SCOLAIRE>\n<DATE_EXPORT>29/03/2018</DATE_EXPORT>\n</PARAMETRES>\n"
	pupils    = head + "<BEE_ELEVES VERSION=\"3.0\">\n" + params + `<DONNEES>
<ELEVES>
<ELEVE ELEVE_ID="1">
<NOM_DE_FAMILLE>CALMEVAL</NOM_DE_FAMILLE>
<PRENOM>Léa</PRENOM>
<DATE_NAISS>01/01/2012</DATE_NAISS>
<ACCEPTE_SMS>0</ACCEPTE_SMS>
</ELEVE>
</ELEVES>
<STRUCTURES><STRUCTURES_ELEVE ELEVE_ID="1"><STRUCTURE><TYPE_STRUCTURE>D</TYPE_STRUCTURE><CODE_STRUCTURE>301</CODE_STRUCTURE></STRUCTURE></STRUCTURES_ELEVE></STRUCTURES>
</DONNEES>
</BEE_ELEVES>
` // the pupil begins on line 10
	person    = "<PERSONNES>\n<PERSONNE PERSONNE_ID=\"7\">\n<NOM_DE_FAMILLE>CALMEVAL</NOM_DE_FAMILLE>\n<PRENOM>Inès</PRENOM>\n<TEL_PORTABLE>0639980101</TEL_PORTABLE>\n<ACCEPTE_SMS>1</ACCEPTE_SMS>\n</PERSONNE>\n</PERSONNES>\n"
	newLink   = "<RESPONSABLE_ELEVE>\n<ELEVE_ID>1</ELEVE_ID>\n<PERSONNE_ID>7</PERSONNE_ID>\n<NIVEAU_RESPONSABILITE>1</NIVEAU_RESPONSABILITE>\n<CODE_PARENTE>10</CODE_PARENTE>\n<PAIE_FRAIS_SCOLAIRES>1</PAIE_FRAIS_SCOLAIRES>\n</RESPONSABLE_ELEVE>\n"
	oldLink   = "<RESPONSABLE_ELEVE>\n<ELEVE_ID>1</ELEVE_ID>\n<PERSONNE_ID>7</PERSONNE_ID>\n<RESP_LEGAL>1</RESP_LEGAL>\n<CODE_PARENTE>2</CODE_PARENTE>\n<RESP_FINANCIER>1</RESP_FINANCIER>\n</RESPONSABLE_ELEVE>\n"
	linksHead = "<RESPONSABLES>\n"
	linksFoot = "</RESPONSABLES>\n</DONNEES>\n</BEE_RESPONSABLES>\n"
)

// guardians is a file of guardians; its first link begins on line 18.
func guardians(params string, links ...string) string {
	return head + "<BEE_RESPONSABLES VERSION=\"2.1\">\n" + params + "<DONNEES>\n" + person + linksHead + strings.Join(links, "") + linksFoot
}

// with replaces the one occurrence of old.
func with(text, old, replacement string) string {
	if strings.Count(text, old) != 1 {
		panic("not once in the text: " + old)
	}
	return strings.Replace(text, old, replacement, 1)
}

func folder(t testing.TB, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	sound := guardians(params, newLink)
	for _, c := range []struct {
		name, text string // of the file of guardians; that of pupils is sound
		line       int
		words      string // of the one refusal; empty: none
	}{
		{"sound", sound, 0, ""},
		{"sound, of before", guardians(strings.Replace(oldParams, "2017", "2025", 1), oldLink), 0, ""},
		{"prefixed root", strings.ReplaceAll(sound, "BEE_RESPONSABLES", "BEE_EPHC_RESPONSABLES"), 0, ""},
		{"what nobody has heard of", with(sound, "<CODE_PARENTE>", "<DEPUIS><X a=\"b\">1</X></DEPUIS><CODE_PARENTE>"), 0, ""},
		{"nothing but what is needed", with(with(sound, "<CODE_PARENTE>10</CODE_PARENTE>\n", ""), "<PAIE_FRAIS_SCOLAIRES>1</PAIE_FRAIS_SCOLAIRES>\n", ""), 0, ""},
		{"the same link twice", guardians(params, newLink, newLink), 0, ""},

		{"outside entity", with(sound, "<BEE_RESPONSABLES VERSION=\"2.1\">", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n<BEE_RESPONSABLES>"), 2, "DTD interne"},
		{"a billion laughs", with(sound, "<BEE_RESPONSABLES VERSION=\"2.1\">", "<!DOCTYPE a [\n<!ENTITY a \"haha\">\n<!ENTITY b \"&a;&a;&a;&a;\">\n]>\n<BEE_RESPONSABLES>"), 2, "DTD interne"},
		{"entity out of nowhere", with(sound, "Inès", "In&egrave;s"), 12, "&egrave;"},
		{"truncated", sound[:len(sound)/2], 13, "tronqué"},
		{"truncated between records", sound[:strings.Index(sound, linksFoot)], 25, "tronqué"},
		{"NUL", with(sound, "Inès", "In\x00s"), 12, "0x00"},
		{"Latin bytes in UTF-8", with(sound, "Inès", "In\xe8s"), 12, "0xE8"},
		{"UTF-8 that declares ISO-8859-15", with(sound, "UTF-8", "ISO-8859-15"), 12, "UTF-8"},
		{"an unknown encoding", with(sound, "UTF-8", "EBCDIC"), 1, "EBCDIC"},
		{"empty", "", 0, "vide"},
		{"no XML", "nom;prénom\n", 1, "XML"},
		{"deep", with(sound, "<CODE_PARENTE>", strings.Repeat("<A>", 1000)+"<CODE_PARENTE>"), 22, "64 éléments"},
		{"endless value", with(sound, "Inès", strings.Repeat("a", 5000)), 12, "4096"},
		{"endless attribute", with(sound, "PERSONNE_ID=\"7\"", "PERSONNE_ID=\""+strings.Repeat("7", 5000)+"\""), 10, "4096"},
		{"endless tag", with(sound, "<PERSONNE ", "<PERSONNE "+strings.Repeat("a=\"b\" ", 400_000)), 10, "1024 Kio"},
		{"an element in a value", with(sound, "<PRENOM>Inès</PRENOM>", "<PRENOM><B>Inès</B></PRENOM>"), 12, "<B>"},
		{"crossed tags", with(sound, "Inès</PRENOM>", "Inès</NOM>"), 12, "mal formé"},
		{"text between records", with(sound, linksHead, linksHead+"bonjour\n"), 18, "texte"},
		{"two lists", with(sound, linksHead, "<RESPONSABLES/>\n"+linksHead), 18, "répété"},
		{"two roots", sound + "<A/>", 28, "<A>"},
		{"wrong kind", "<STS_EDT/>", 1, "STS_EDT"},
		{"wrong kind: the return flow", "<IMPORT_ELEVES/>", 1, "IMPORT_ELEVES"},
		{"no list", head + "<BEE_RESPONSABLES>\n" + params + "<DONNEES/>\n</BEE_RESPONSABLES>", 9, "RESPONSABLES"},
		{"no school", with(sound, "<UAJ>0990001A</UAJ>\n", ""), 1, "UAJ"},
		{"a school that is none", with(sound, "0990001A", "WRONGUAI"), 1, "WRONGUAI"},

		{"another year", with(sound, "2025", "2024"), 1, "deux années"},
		{"no level", with(sound, "<NIVEAU_RESPONSABILITE>1</NIVEAU_RESPONSABILITE>\n", ""), 18, "sans NIVEAU"},
		{"an empty level", with(sound, "<NIVEAU_RESPONSABILITE>1</NIVEAU_RESPONSABILITE>", "<NIVEAU_RESPONSABILITE/>"), 18, "sans NIVEAU"},
		{"a level of before", with(sound, "RESPONSABILITE>1<", "RESPONSABILITE>0<"), 18, "niveau de responsabilité « 0 »"},
		{"a level in words", with(sound, "RESPONSABILITE>1<", "RESPONSABILITE>légal<"), 18, "légal"},
		{"a level of after", guardians(strings.Replace(oldParams, "2017", "2025", 1), with(oldLink, "LEGAL>1<", "LEGAL>3<")), 18, "niveau de responsabilité « 3 »"},
		{"two levels", with(sound, "<CODE_PARENTE>", "<NIVEAU_RESPONSABILITE>3</NIVEAU_RESPONSABILITE><CODE_PARENTE>"), 18, "deux valeurs"},
		{"both dialects in one link", with(sound, "<CODE_PARENTE>", "<RESP_LEGAL>1</RESP_LEGAL><CODE_PARENTE>"), 18, "RESP_LEGAL (ligne 18)"},
		{"links that contradict", guardians(params, newLink, with(newLink, "RESPONSABILITE>1<", "RESPONSABILITE>3<")), 25, "contradictoires"},
		{"two people of one identifier", with(sound, "</PERSONNES>", "<PERSONNE PERSONNE_ID=\"7\"><NOM_DE_FAMILLE>AUTRE</NOM_DE_FAMILLE></PERSONNE></PERSONNES>"), 16, "a déjà servi"},
		{"no identifier", with(sound, " PERSONNE_ID=\"7\"", ""), 10, "PERSONNE_ID"},
		{"an identifier with a space", with(sound, "PERSONNE_ID=\"7\"", "PERSONNE_ID=\"7 8\""), 10, "PERSONNE_ID"},
		{"a consent in words", with(sound, "SMS>1<", "SMS>peut-être<"), 10, "peut-être"},
		{"a link to nobody", with(sound, "<PERSONNE_ID>7</PERSONNE_ID>", "<PERSONNE_ID/>"), 18, "PERSONNE_ID"},
		{"another school's pupils", with(sound, "<ELEVE_ID>1<", "<ELEVE_ID>2<"), 0, "deux extractions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{"1.xml": pupils, "2.xml": c.text, "LISEZMOI.txt": "bonjour"})
			e, refusals := read(t, siecle.Options{}, dir)
			if (c.words == "") != (len(refusals) == 0) {
				t.Fatalf("refused: %+v", refusals)
			}
			if c.words == "" {
				if s := e.Schools[0]; e.HeldBack("0990001A") || len(s.Links) != 1 || s.Counts().Unresolved != 0 {
					t.Errorf("%+v", s)
				}
				return
			}
			if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, c.words) || refusals[0].Line != c.line || filepath.Base(refusals[0].File) != "2.xml" || !e.HeldBack("0990001A") {
				t.Errorf("refused %+v, want line %d, …%s…", refusals, c.line, c.words)
			}
		})
	}
}

// The digit 2. The element says what it means; where all else in the file says the
// other, a person does.
func TestDialects(t *testing.T) {
	t.Parallel()
	second := func(link, level string) string {
		return strings.NewReplacer("RESPONSABILITE>1<", "RESPONSABILITE>"+level+"<", "LEGAL>1<", "LEGAL>"+level+"<").Replace(link)
	}
	newer := strings.Replace(oldParams, "29/03/2018", "30/03/2018", 1)
	undated := strings.Replace(oldParams, "<DATE_EXPORT>29/03/2018</DATE_EXPORT>", "", 1)
	for _, c := range []struct {
		name, text string
		decided    siecle.Dialect
		is         siecle.Dialect // Unsaid: refused
	}{
		{"new", guardians(newer, second(newLink, "2")), "", siecle.After2018},
		{"old", guardians(oldParams, second(oldLink, "2")), "", siecle.Before2018},
		{"new, no date", guardians(undated, second(newLink, "2")), "", siecle.After2018},
		{"old, no date", guardians(undated, second(oldLink, "2")), "", siecle.Before2018},
		{"old, dated after", guardians(newer, second(oldLink, "2")), "", siecle.Unsaid},
		{"old, dated after, said", guardians(newer, second(oldLink, "2")), siecle.Before2018, siecle.Before2018},
		{"old, dated after, said to be new", guardians(newer, second(oldLink, "2")), siecle.After2018, siecle.After2018},
		{"old, dated after, no 2", guardians(newer, oldLink), "", siecle.Before2018},
		{"new, dated before", guardians(oldParams, second(newLink, "2")), "", siecle.Unsaid},
		{"new, dated before, no 2", guardians(oldParams, second(newLink, "3")), "", siecle.After2018},
		{"old with kinship of after", guardians(oldParams, strings.Replace(second(oldLink, "2"), "PARENTE>2<", "PARENTE>20<", 1)), "", siecle.Unsaid},
		{"new with kinship of before", guardians(newer, strings.Replace(second(newLink, "2"), "PARENTE>10<", "PARENTE>1<", 1)), "", siecle.Unsaid},
		{"old with elements of after", guardians(oldParams, strings.Replace(second(oldLink, "2"), "RESP_FINANCIER", "HEBERGE_ELEVE", 2)), "", siecle.Unsaid},
		{"clear, and said to be the other", guardians(newer, second(newLink, "2")), siecle.Before2018, siecle.After2018},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t, map[string]string{"1.xml": strings.Replace(pupils, "2025", "2017", 1), "2.xml": c.text})
			e, refusals := read(t, siecle.Options{Dialect: c.decided}, dir)
			if c.is == siecle.Unsaid {
				if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "--dialect") || refusals[0].Line != 18 || !e.HeldBack("0990001A") {
					t.Errorf("%+v", refusals)
				}
				return
			}
			if len(refusals) != 0 || e.Schools[0].Dialect != c.is {
				t.Errorf("%q %+v", e.Schools[0].Dialect, refusals)
			}
		})
	}
}

func TestPupilsRefused(t *testing.T) {
	t.Parallel()
	again := func(old, replacement string) string {
		a, b := strings.Index(pupils, "<ELEVE E"), strings.Index(pupils, "</ELEVES>")
		return pupils[:b] + with(pupils[a:b], old, replacement) + pupils[b:]
	}
	for _, c := range []struct {
		name, text string
		line       int
		words      string
	}{
		{"the same twice", again("Léa", "Léa"), 0, ""},
		{"another of the identifier", again("Léa", "Zoé"), 16, "a déjà servi"},
		{"no name", with(pupils, "<NOM_DE_FAMILLE>CALMEVAL</NOM_DE_FAMILLE>", ""), 10, "sans nom"},
		{"an older name", strings.ReplaceAll(pupils, "NOM_DE_FAMILLE", "NOM"), 0, ""},
		{"both names", with(pupils, "<PRENOM>", "<NOM>ANCIEN</NOM><PRENOM>"), 0, ""},
		{"no such day", with(pupils, "01/01/2012", "31/02/2012"), 10, "31/02/2012"},
		{"identifier as an element", with(pupils, "<ELEVE ELEVE_ID=\"1\">", "<ELEVE><ELEVE_ID>1</ELEVE_ID>"), 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e, refusals := read(t, siecle.Options{}, folder(t, map[string]string{"1.xml": c.text}))
			if c.words == "" {
				if len(refusals) > 0 || e.Schools[0].Counts().Pupils != 1 || e.Schools[0].Pupils[0].Data().Last != "CALMEVAL" {
					t.Errorf("%+v", refusals)
				}
			} else if len(refusals) != 1 || refusals[0].Line != c.line || !strings.Contains(refusals[0].Reason, c.words) {
				t.Errorf("%+v", refusals)
			}
		})
	}
}

// A zip archive, a folder and the files in any order are read alike.
func TestZipFolderAndOrder(t *testing.T) {
	t.Parallel()
	dir, truth, _ := generated(t, siecletest.Size{Schools: 2, Pupils: 40})
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	reversed := make([]string, len(truth.Files))
	for i, f := range truth.Files {
		reversed[len(reversed)-1-i] = f
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create("export/" + filepath.Base(f))
		if err == nil {
			_, err = w.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	archive := folder(t, map[string]string{"export.zip": b.String()})
	want, refusals := read(t, siecle.Options{}, dir)
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	for _, paths := range [][]string{{archive}, {filepath.Join(archive, "export.zip")}, reversed} {
		got, refusals := read(t, siecle.Options{}, paths...)
		if len(refusals) > 0 || len(got.Schools) != 2 {
			t.Fatal(refusals)
		}
		for i := range got.Schools {
			if !reflect.DeepEqual(plain(got.Schools[i]), plain(want.Schools[i])) {
				t.Errorf("%v read otherwise", paths)
			}
		}
	}
}

// plain is a school without where its records stood.
func plain(s siecle.School) (out []any) {
	out = append(out, s.UAI, s.Year, s.Date, s.Dialect, s.Groups, s.MEFs)
	for _, p := range s.Pupils {
		out = append(out, p.Data())
	}
	for _, p := range s.People {
		out = append(out, p.Data())
	}
	for _, l := range s.Links {
		out = append(out, l.Data())
	}
	for _, p := range s.Places {
		a, b, c := p.Data()
		out = append(out, a, b, c)
	}
	return out
}

// FuzzRead gives any bytes as the file of guardians of a sound school.
func FuzzRead(f *testing.F) {
	f.Add([]byte(guardians(params, newLink)))
	f.Add([]byte(guardians(oldParams, oldLink)))
	f.Add([]byte(pupils))
	f.Add([]byte("<?xml version=\"1.0\" encoding=\"ISO-8859-15\"?><BEE_STRUCTURES><PARAMETRES><UAJ>0990001A</UAJ></PARAMETRES><DONNEES><DIVISIONS><DIVISION CODE_STRUCTURE=\"\xe9\"/></DIVISIONS></DONNEES></BEE_STRUCTURES>"))
	dir := f.TempDir()
	truth, err := siecletest.Generate(dir, 3, siecletest.Size{Schools: 1, Pupils: 4})
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range truth.Files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := folder(t, map[string]string{"1.xml": pupils, "2.xml": string(text)})
		found, err := intake.Find([]string{dir}, false)
		if err != nil {
			t.Fatal(err)
		}
		defer found.Close()
		e, refusals, err := siecle.ReadFiles(t.Context(), found, siecle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range refusals {
			if r.Reason == "" || strings.Contains(r.Reason, "%!") && !bytes.ContainsAny(text, "%&") || r.Line < 0 || r.Line > bytes.Count(text, []byte{'\n'})+30 {
				t.Errorf("%+v", r)
			}
		}
		for _, s := range e.Schools {
			if e.HeldBack(s.UAI) {
				continue
			}
			for _, l := range s.Links {
				d := l.Data()
				old := s.Dialect == siecle.Before2018 && strings.Contains("012", d.Level)
				after := s.Dialect == siecle.After2018 && strings.Contains("123", d.Level)
				if len(d.Level) != 1 || !old && !after {
					t.Errorf("%q: %+v", s.Dialect, d)
				}
			}
			s.Counts()
		}
	})
}
