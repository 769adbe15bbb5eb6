package aaf_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
)

const (
	head = `<!DOCTYPE ficAlimMENESR SYSTEM "ficAlimMENESR.dtd">
<ficAlimMENESR>
<!-- versionAF="AAF-VE1301" -->
` // lines 1 to 3
	foot = "</ficAlimMENESR>\n"

	schoolA = `<addRequest>
<operationalAttributes><attr name="categorieStructure"><value>EtabEducNat</value></attr></operationalAttributes>
<identifier><id>52000</id></identifier>
<attributes>
<attr name="ENTStructureJointure"><value>52000</value></attr>
<attr name="ENTStructureUAI"><value>0990001A</value></attr>
<attr name="ENTStructureNomCourant"><value>COLLEGE FICTIF</value></attr>
</attributes>
</addRequest>
` // 9 lines
	motherA = `<addRequest>
<operationalAttributes><attr name="categoriePersonne"><value>PersRelEleve</value></attr></operationalAttributes>
<identifier><id>200</id></identifier>
<attributes>
<attr name="ENTPersonJointure"><value>200</value></attr>
<attr name="sn"><value>CALMEVAL</value></attr>
<attr name="givenName"><value>Hélène</value></attr>
</attributes>
</addRequest>
`
	pupilA = `<addRequest>
<operationalAttributes><attr name="categoriePersonne"><value>Eleve</value></attr></operationalAttributes>
<identifier><id>100</id></identifier>
<attributes>
<attr name="ENTPersonJointure"><value>100</value></attr>
<attr name="ENTPersonDateNaissance"><value>14/09/1995</value></attr>
<attr name="ENTPersonNomPatro"><value>CALMEVAL</value></attr>
<attr name="sn"><value>CALMEVAL</value></attr>
<attr name="givenName"><value>Léa</value></attr>
<attr name="ENTElevePersRelEleve"><value>200$2$1$1$0$0</value></attr>
<attr name="ENTPersonStructRattach"><value>52000</value></attr>
<attr name="ENTEleveClasses"><value>52000$6E 1</value></attr>
<attr name="ENTEleveGroupes"><value/></attr>
</attributes>
</addRequest>
` // 15 lines; in whole(…) it starts on line 4
	staffA = `<addRequest>
<operationalAttributes><attr name="categoriePersonne"><value>PersEducNat</value></attr></operationalAttributes>
<identifier><id>300</id></identifier>
<attributes>
<attr name="ENTPersonJointure"><value>300</value></attr>
<attr name="sn"><value>PASSEBOISSE</value></attr>
<attr name="ENTPersonStructRattach"><value>52000</value></attr>
<attr name="ENTPersonFonctions"><value>52000$ENS$ENSEIGNEMENT$L0202$LETTRES</value></attr>
</attributes>
</addRequest>
`
	subjectA = `<addRequest>
<operationalAttributes><attr name="categorieMatiere"><value>MatEducNat</value></attr></operationalAttributes>
<identifier><id>020700</id></identifier>
<attributes>
<attr name="ENTMatJointure"><value>020700</value></attr>
</attributes>
</addRequest>
`
)

func whole(records ...string) string { return head + strings.Join(records, "") + foot }

// with replaces the one occurrence of old.
func with(text, old, replacement string) string {
	if strings.Count(text, old) != 1 {
		panic("not once in the text: " + old)
	}
	return strings.Replace(text, old, replacement, 1)
}

// refusal is what a test expects: a line, and words that the reason must have.
type refusal struct {
	line  int
	words string
}

func TestHostileFiles(t *testing.T) {
	t.Parallel()
	pupils := whole(pupilA)
	latin := func(s string) string { // the text in ISO-8859-15
		out := make([]byte, 0, len(s))
		for _, r := range s {
			out = append(out, byte(r))
		}
		return string(out)
	}
	cases := []struct {
		name string
		text string // of the pupils' file; the others are sound
		want []refusal
	}{
		{"sound", pupils, nil},
		{"sound with a declaration", `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + pupils, nil},
		{"sound with a byte order mark", "\ufeff" + pupils, nil},
		{"sound in ISO-8859-15", `<?xml version="1.0" encoding="ISO-8859-15"?>` + "\n" + latin(pupils), nil},
		{"sound without an empty value", with(pupils, "<value/>", ""), nil},
		{"sound with CDATA and references", with(pupils, "<value>Léa", "<value><![CDATA[L]]>&#233;<!-- -->&#x61;"), nil},
		{"sound without a document type", with(pupils, `<!DOCTYPE ficAlimMENESR SYSTEM "ficAlimMENESR.dtd">`, ""), nil},
		{"sound of late 2017", with(pupils, "VE1301", "VE1712"), nil},

		// entities and document types
		{"outside entity", `<?xml version="1.0"?>` + "\n" + with(with(pupils, `SYSTEM "ficAlimMENESR.dtd"`, `[<!ENTITY x SYSTEM "file:///etc/passwd">]`), "<value>Léa", "<value>&x;"),
			[]refusal{{2, "DTD interne"}}},
		{"a billion laughs", with(pupils, `<!DOCTYPE ficAlimMENESR SYSTEM "ficAlimMENESR.dtd">`, "\n<!DOCTYPE ficAlimMENESR [\n<!ENTITY a \"haha\">\n<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\n]>"),
			[]refusal{{2, "DTD interne"}}},
		{"internal subset beside an outside one", with(pupils, `"ficAlimMENESR.dtd">`, `"ficAlimMENESR.dtd" [ <!ATTLIST attr name CDATA "sn"> ]>`),
			[]refusal{{1, "DTD interne"}}},
		{"brackets in the name of the outside one", with(pupils, `"ficAlimMENESR.dtd"`, `"http://192.0.2.1/[x]<y>.dtd"`), nil},
		{"two document types", "<!DOCTYPE ficAlimMENESR>\n" + pupils, []refusal{{2, "<!DOCTYPE>"}}},
		{"document type after the root", with(pupils, "<addRequest>", "<!DOCTYPE ficAlimMENESR>\n<addRequest>"), []refusal{{4, "<!DOCTYPE>"}}},
		{"entity out of nowhere", with(pupils, "<value>Léa", "<value>L&eacute;a"), []refusal{{12, "&eacute;"}}},
		{"entity declaration alone", "<!ENTITY a \"b\">\n" + pupils, []refusal{{1, "<!ENTITY>"}}},

		// bytes
		{"NUL", with(pupils, "Léa", "L\x00a"), []refusal{{12, "0x00"}}},
		{"escape", with(pupils, "Léa", "L\x1ba"), []refusal{{12, "0x1B"}}},
		{"reference to NUL", with(pupils, "Léa", "L&#0;a"), []refusal{{12, "illegal character code U+0000"}}},
		{"C1 control in UTF-8", with(pupils, "Léa", "L\u0092a"), []refusal{{12, "0x92"}}},
		{"Latin byte in UTF-8", with(pupils, "Léa", "L\xe9a"), []refusal{{12, "0xE9"}}},
		{"surrogate in UTF-8", with(pupils, "Léa", "L\xed\xa0\x80a"), []refusal{{12, "0xED"}}},
		{"overlong in UTF-8", with(pupils, "Léa", "L\xc0\xafa"), []refusal{{12, "0xC0"}}},
		{"cut inside a character", pupils[:strings.Index(pupils, "é")+1], []refusal{{12, "0xC3"}}},
		{"UTF-8 that declares ISO-8859-15", `<?xml version="1.0" encoding="ISO-8859-15"?>` + "\n" + pupils, []refusal{{13, "UTF-8"}}},
		{"Windows-1252 that declares ISO-8859-15", `<?xml version="1.0" encoding="ISO-8859-15"?>` + "\n" + with(latin(pupils), "L\xe9a", "L\xe9a\x92s"), []refusal{{13, "0x92"}}},
		{"byte order mark and ISO-8859-1", "\ufeff" + `<?xml version="1.0" encoding="ISO-8859-1"?>` + "\n" + pupils, []refusal{{1, "UTF-8"}}},
		{"UTF-16", "\xff\xfe<\x00f\x00", []refusal{{1, "UTF-16"}}},
		{"unknown encoding", `<?xml version="1.0" encoding="EBCDIC-FR"?>` + pupils, []refusal{{1, "EBCDIC-FR"}}},
		{"empty", "", []refusal{{0, "vide"}}},
		{"blank", "  \n\n", []refusal{{1, "XML"}}},
		{"CSV", "nom;prenom\nCALMEVAL;Léa\n", []refusal{{1, "XML"}}},
		{"archive", "PK\x03\x04rest", []refusal{{0, "archive"}}},

		// the XML
		{"truncated between records", head + pupilA, []refusal{{19, "tronqué"}}},
		{"truncated in a tag", pupils[:strings.Index(pupils, "givenName")], []refusal{{12, "tronqué"}}},
		{"truncated in a value", pupils[:strings.Index(pupils, "Léa")+1], []refusal{{12, "tronqué"}}},
		{"truncated in a comment", pupils[:strings.Index(pupils, "VE1301")], []refusal{{3, "tronqué"}}},
		{"nothing but a declaration", `<?xml version="1.0"?>`, []refusal{{1, "tronqué"}}},
		{"declaration not first", "\n" + `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + pupils, []refusal{{2, "must come first"}}},
		{"XML 1.1", `<?xml version="1.1"?>` + "\n" + pupils, []refusal{{1, "1.1"}}},
		{"crossed tags", with(pupils, "<value>Léa</value></attr>", "<value>Léa</attr></value>"), []refusal{{12, "</attr>"}}},
		{"end without a start", "</document>" + pupils, []refusal{{1, "mal formé"}}},
		{"end too many", pupils + "</document>", []refusal{{20, "mal formé"}}},
		{"ampersand alone", with(pupils, "Léa", "A & B"), []refusal{{12, "&"}}},
		{"attribute without quotes", with(pupils, `name="givenName"`, `name=givenName`), []refusal{{12, "mal formé"}}},
		{"two roots", pupils + pupils, []refusal{{20, "<!DOCTYPE>"}}},
		{"two roots without a type", pupils + "<ficAlimMENESR/>", []refusal{{20, "ficAlimMENESR"}}},
		{"text after the root", pupils + "bonjour", []refusal{{20, "texte inattendu"}}},
		{"text between records", with(pupils, "<addRequest>", "bonjour\n<addRequest>"), []refusal{{4, "texte inattendu"}}},
		{"text between attributes", with(pupils, "</attr>\n<attr name=\"sn\">", "</attr>,\n<attr name=\"sn\">"), []refusal{{10, "texte inattendu"}}},
		{"records after a grammar", "<!ELEMENT value (#PCDATA)>\n" + pupils, []refusal{{1, "<!ELEMENT>"}}},
		{"element unknown", with(pupils, `<attr name="sn">`, `<script/><attr name="sn">`), []refusal{{11, "<script>"}}},
		{"element in a value", with(pupils, "Léa", "<b>Léa</b>"), []refusal{{12, "<b>"}}},
		{"element with a prefix", with(pupils, `<attr name="sn">`, `<x:attr name="sn">`), []refusal{{11, "x:attr"}}},
		{"attribute unknown", with(pupils, `<attr name="sn">`, `<attr name="sn" lang="fr">`), []refusal{{11, "lang"}}},
		{"attribute repeated", with(pupils, `<attr name="sn">`, `<attr name="sn" name="givenName">`), []refusal{{11, "name"}}},
		{"attr without a name", with(pupils, `<attr name="sn">`, `<attr>`), []refusal{{11, "name"}}},
		{"deep", with(pupils, "<addRequest>", strings.Repeat("<addRequest>", 100_000)), []refusal{{4, "<addRequest>"}}},
		{"deep below the value", with(pupils, "Léa", strings.Repeat("<value>", 100_000)), []refusal{{12, "<value>"}}},

		// sizes
		{"long value", with(pupils, "Léa", strings.Repeat("a", 20_000)), []refusal{{12, "16384"}}},
		{"long value of references", with(pupils, "Léa", strings.Repeat("&#97;", 20_000)), []refusal{{12, "16384"}}},
		{"endless value", with(pupils, "Léa", strings.Repeat("a\n", 2_000_000)), []refusal{{12, "16384"}}},
		{"endless comment", with(pupils, "<addRequest>", "<!--"+strings.Repeat("a", 3_000_000)+"--><addRequest>"), []refusal{{4, "1024 Kio"}}},
		{"endless tag", with(pupils, `<attr name="sn">`, `<attr `+strings.Repeat(`a="b" `, 500_000)+`>`), []refusal{{11, "1024 Kio"}}},
		{"endless name", with(pupils, `<attr name="sn">`, `<`+strings.Repeat(`a`, 2_000_000)+`>`), []refusal{{11, "1024 Kio"}}},
		{"endless blanks", with(pupils, "<addRequest>", strings.Repeat(" ", 2_000_000)+"<addRequest>"), []refusal{{4, "1024 Kio"}}},
		{"many attributes", with(pupils, `<attr name="sn">`, manyAttrs(600)+`<attr name="sn">`), []refusal{{11, "500"}}},
		{"many values", with(pupils, "<value/>", strings.Repeat("<value>52000$G</value>", 6000)), []refusal{{16, "5000"}}},

		// other files, other dialects
		{"a SIECLE file", `<?xml version="1.0" encoding="ISO-8859-15"?>` + "\n<BEE_ELEVES VERSION=\"2.1\"><PARAMETRES/></BEE_ELEVES>", []refusal{{2, "BEE_ELEVES"}}},
		{"a web page", "<!DOCTYPE html>\n<html><body>404</body></html>", []refusal{{2, "html"}}},
		{"another root", with(with(pupils, "<ficAlimMENESR>", "<annuaire>"), "</ficAlimMENESR>", "</annuaire>"), []refusal{{2, "annuaire"}}},
		{"a later version beside an old one", with(pupils, "VE1301", "VE2407"), []refusal{{3, "AAF-VE2407"}}},
		{"the first later version beside an old one", with(pupils, "VE1301", "VE1804"), []refusal{{3, "aaf-2018"}}},
		{"a version of the spring of 2018", with(pupils, "VE1301", "VE1801"), nil},
		{"an unknown version", with(pupils, "AAF-VE1301", "6.4"), nil},
		{"two versions", with(pupils, "-->", `--><!-- versionAF="AAF-VE1312" -->`), []refusal{{3, "deux versions"}}},
		{"later by its kinship codes", with(pupils, "200$2$1$1$0$0", "200$10$1$1$0$0"), []refusal{{13, "200$10$1$1$0$0"}}},
		{"later by its levels", with(pupils, "200$2$1$1$0$0", "200$4$0$3$0$0"), []refusal{{13, "aaf-2018"}}},
		{"later without a version", with(with(pupils, `<!-- versionAF="AAF-VE1301" -->`, ""), "200$2$1$1$0$0", "200$20$1$1$1$0"), []refusal{{13, "200$20$1$1$1$0"}}},
		{"first degree by its comment", with(pupils, "-->", `--><!-- degre="1D" -->`), []refusal{{3, "aaf-1d"}}},
		{"first degree by its attributes", with(pupils, `name="sn"`, `name="ENTPersonNom"`), []refusal{{11, "aaf-1d"}}},
		{"guardians without links", with(pupils, `<attr name="ENTElevePersRelEleve"><value>200$2$1$1$0$0</value></attr>`, `<attr name="ENTEleveAutoriteParentale"><value>200</value></attr>`), []refusal{{13, "ENTElevePersRelEleve manque"}}},
		{"a delta", with(with(pupils, "<addRequest>", "<modifyRequest>"), "</addRequest>", "</modifyRequest>"), []refusal{{7, "<attributes>"}}},
		{"a delta further on", with(pupils, foot, "<deleteRequest></deleteRequest>"+foot), []refusal{{19, "sans catégorie"}}},
		{"unknown category", with(pupils, "<value>Eleve<", "<value>Voisin<"), []refusal{{5, "Voisin"}}},
		{"unknown kind of category", with(pupils, "categoriePersonne", "categorieAnimal"), []refusal{{5, "categorieAnimal"}}},
		{"no category", with(pupils, `<attr name="categoriePersonne"><value>Eleve</value></attr>`, ""), []refusal{{5, "sans catégorie"}}},
		{"an empty category", with(pupils, `<value>Eleve</value>`, "<value/>"), []refusal{{5, "catégorie"}}},
		{"two categories", with(pupils, `<value>Eleve</value>`, "<value>Eleve</value><value>PersRelEleve</value>"), []refusal{{5, "plusieurs catégories"}}},
		{"category after the rest", with(pupils, `<identifier><id>100</id></identifier>`, "<identifier><id>100</id></identifier><operationalAttributes/>"), []refusal{{6, "operationalAttributes"}}},
		{"nothing in a record", with(pupils, pupilA, "<addRequest></addRequest>\n"), []refusal{{4, "sans catégorie"}}},

		// records
		{"no identifier", with(pupils, `<identifier><id>100</id></identifier>`, ""), []refusal{{4, "sans identifiant"}}},
		{"an empty identifier", with(pupils, `<id>100</id>`, "<id> </id>"), []refusal{{6, "sans identifiant"}}},
		{"identifier only in front", with(pupils, `<attr name="ENTPersonJointure"><value>100</value></attr>`, ""), []refusal{{4, "ENTPersonJointure"}}},
		{"two identifiers", with(pupils, `<attr name="ENTPersonJointure"><value>100</value></attr>`, `<attr name="ENTPersonJointure"><value>101</value></attr>`), []refusal{{6, "deux identifiants"}}},
		{"identifier with a dollar", with(pupils, `<id>100</id>`, "<id>100$2</id>"), []refusal{{6, "100$2"}, {6, "deux identifiants"}}},
		{"identifier too long", with(pupils, `<id>100</id>`, "<id>"+strings.Repeat("1", 65)+"</id>"), []refusal{{6, "au plus 64"}, {6, "deux identifiants"}}},
		{"no attributes", with(pupils, pupilA, pupilA[:strings.Index(pupilA, "<attributes>")]+"</addRequest>\n"), []refusal{
			{4, "sans <attributes>"}, {4, "ENTPersonJointure"}, {4, "sans nom"}, {4, "sans établissement"}}},
		{"attribute twice", with(pupils, `<attr name="ENTEleveGroupes">`, `<attr name="sn"><value>AUTRE</value></attr><attr name="ENTEleveGroupes">`), []refusal{{16, "répété"}, {16, "plusieurs valeurs"}}},
		{"two names", with(pupils, `<value>Léa</value>`, `<value>Léa</value><value>Zoé</value>`), []refusal{{12, "plusieurs valeurs"}}},
		{"no name", with(with(pupils, `"sn"><value>CALMEVAL</value>`, `"sn"><value/>`), `Patro"><value>CALMEVAL</value>`, `Patro"><value/>`), []refusal{{4, "sans nom"}}},
		{"a day that does not exist", with(pupils, "14/09/1995", "31/02/1995"), []refusal{{9, "31/02/1995"}}},
		{"a date written otherwise", with(pupils, "14/09/1995", "1995-09-14"), []refusal{{9, "1995-09-14"}}},
		{"no school", with(pupils, `Rattach"><value>52000</value>`, `Rattach"><value/>`), []refusal{{4, "sans établissement"}}},
		{"an unknown school", with(pupils, `Rattach"><value>52000</value>`, `Rattach"><value>52999</value>`), []refusal{{4, "52999"}}},
		{"a class without a school", with(pupils, `52000$6E 1`, `6E 1`), []refusal{{15, "6E 1"}}},
		{"a class without a code", with(pupils, `52000$6E 1`, `52000$`), []refusal{{15, "52000$"}}},
		{"the same pupil twice", whole(pupilA, pupilA), nil},
		{"another pupil of the same identifier", whole(pupilA, with(pupilA, "Léa", "Zoé")), []refusal{{21, "a déjà servi"}}},

		// links
		{"link of five fields", with(pupils, "200$2$1$1$0$0", "200$2$1$1$0"), []refusal{{13, "5/6"}}},
		{"link of seven fields", with(pupils, "200$2$1$1$0$0", "200$2$1$1$0$0$0"), []refusal{{13, "7/6"}}},
		{"link to nobody", with(pupils, "200$2$1$1$0$0", "$2$1$1$0$0"), []refusal{{13, "identifiant"}}},
		{"link without a level", with(pupils, "200$2$1$1$0$0", "200$2$1$$0$0"), []refusal{{13, "légal"}}},
		{"link of an unknown level", with(pupils, "200$2$1$1$0$0", "200$2$1$7$0$0"), []refusal{{13, "légal"}}},
		{"link of an unknown kinship", with(pupils, "200$2$1$1$0$0", "200$mère$1$1$0$0"), []refusal{{13, "parenté"}}},
		{"link with a word for a figure", with(pupils, "200$2$1$1$0$0", "200$2$oui$1$0$0"), []refusal{{13, "financier"}}},
		{"link with a contact of 2", with(pupils, "200$2$1$1$0$0", "200$2$1$1$2$0"), []refusal{{13, "contact"}}},
		{"link with a payment of x", with(pupils, "200$2$1$1$0$0", "200$2$1$1$0$x"), []refusal{{13, "paiement"}}},
		{"two links that contradict", with(pupils, "200$2$1$1$0$0", "200$2$1$1$0$0</value>\n<value>200$2$1$0$0$0"), []refusal{{14, "contradictoires"}}},
		{"the same link twice", with(pupils, "200$2$1$1$0$0", "200$2$1$1$0$0</value>\n<value>200$2$1$1$0$0"), nil},
		{"several at once", with(with(pupils, "200$2$1$1$0$0", "200$2"), "14/09/1995", "hier"), []refusal{{9, "hier"}, {13, "2/6"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := files(t, map[string]string{
				"1.xml": whole(schoolA), "2.xml": c.text, "3.xml": whole(motherA), "4.xml": whole(subjectA), "5.xml": whole(staffA),
				"ficAlimMENESR.dtd": "<!ELEMENT ficAlimMENESR ANY>",
			})
			file := filepath.Join(dir, "2.xml")
			export, refusals, err := aaf.Read(t.Context(), []string{dir}, aaf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if len(refusals) != len(c.want) {
				t.Fatalf("%d refusals, want %d: %+v", len(refusals), len(c.want), refusals)
			}
			for i, want := range c.want {
				got := refusals[i]
				if got.File != file || got.Line != want.line || !strings.Contains(got.Reason, want.words) {
					t.Errorf("refusal %d\n got line %d, %s (%s)\nwant line %d, …%s…", i, got.Line, got.Reason, got.File, want.line, want.words)
				}
			}
			wantPupils := 1
			if len(c.want) > 0 {
				wantPupils = 0
			}
			if len(export.Pupils) != wantPupils {
				t.Errorf("%d pupils taken, want %d", len(export.Pupils), wantPupils)
			}
			homeless := strings.Contains(c.name, "no school") || c.name == "no attributes" || strings.Contains(c.name, "unknown school")
			if export.HeldBack("52000") != (len(c.want) > 0 && !homeless) {
				t.Errorf("school held back: %v", export.HeldBack("52000"))
			}
			if wantPupils == 1 {
				p := export.Pupils[0]
				if p.First != "Léa" || len(p.Links) != 1 || p.Links[0].Unresolved || p.Links[0].Raw != "200$2$1$1$0$0" || p.Born != "1995-09-14" {
					t.Errorf("read as %+v", p)
				}
			}
		})
	}
}

func manyAttrs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`<attr name="x` + strings.Repeat("y", i) + `"><value/></attr>`)
	}
	return b.String()
}

func files(t testing.TB, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
