package aaf_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
)

// read reads texts as the files 1.xml, 2.xml…
func read(t *testing.T, texts ...string) (*aaf.Export, []aaf.Refusal, string) {
	t.Helper()
	named := make(map[string]string)
	for i, text := range texts {
		named[fmt.Sprintf("%d.xml", i+1)] = text
	}
	dir := files(t, named)
	export, refusals, err := aaf.Read(t.Context(), []string{dir}, aaf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return export, refusals, dir
}

// places writes refusals as file:line.
func places(refusals []aaf.Refusal) []string {
	var out []string
	for _, r := range refusals {
		out = append(out, fmt.Sprintf("%s:%d", filepath.Base(r.File), r.Line))
	}
	return out
}

var (
	schoolB = strings.NewReplacer("52000", "52001", "FICTIF", "AUTRE", "0990001A", "0990002B").Replace(schoolA)
	// A pupil of the school B, whose father is 201.
	pupilB  = strings.NewReplacer("100", "101", "52000", "52001", "Léa", "Noé", "200$2$1$1", "201$1$1$1").Replace(pupilA)
	fatherB = strings.NewReplacer("200", "201", "Hélène", "Noël").Replace(motherA)
)

func TestRefusalHoldsBackItsSchoolsOnly(t *testing.T) {
	t.Parallel()
	sound := []string{whole(schoolA, schoolB), whole(pupilA, pupilB), whole(motherA, fatherB), whole(staffA), whole(subjectA)}
	broken := func(i int, text string) []string {
		texts := slices.Clone(sound)
		texts[i] = text
		return texts
	}
	cases := []struct {
		name          string
		texts         []string
		heldA, heldB  bool
		refused       []string
		pupils, links int
		unresolved    int
		guardians     int
	}{
		{"nothing wrong", sound, false, false, nil, 2, 2, 0, 2},
		{"a pupil's link", broken(1, whole(with(pupilA, "200$2$1$1$0$0", "200"), pupilB)), true, false, []string{"2.xml:13"}, 1, 1, 0, 2},
		{"a pupil of two schools' making", broken(1, whole(pupilA, pupilB, with(pupilB, ">Noé<", ">Zoé<"))), false, true, []string{"2.xml:36"}, 1, 1, 0, 2},
		{"a pupil who changes school", broken(1, whole(pupilA, pupilB, strings.Replace(pupilA, "52000", "52001", 1))), true, true, []string{"2.xml:36"}, 1, 1, 0, 2},
		{"a guardian twice", broken(2, whole(motherA, fatherB, with(fatherB, "CALMEVAL", "AUTRE"))), false, true, []string{"3.xml:24"}, 2, 2, 1, 1},
		{"a guardian without an identifier", broken(2, whole(motherA, with(fatherB, "<id>201</id>", "<id/>"))), false, true, []string{"3.xml:15"}, 2, 2, 1, 1},
		{"a guardian of two identifiers", broken(2, whole(motherA, with(fatherB, "<id>201</id>", "<id>202</id>"), fatherB)), false, false, []string{"3.xml:15"}, 2, 2, 0, 2},
		{"a guardian of nobody twice", broken(2, whole(motherA, fatherB, strings.ReplaceAll(fatherB, "201", "209"), strings.NewReplacer("201", "209", "CALMEVAL", "AUTRE").Replace(fatherB))), false, false, []string{"3.xml:33"}, 2, 2, 0, 2},
		{"a school twice", broken(0, whole(schoolA, schoolB, with(schoolB, "AUTRE", "MEME"))), false, true, []string{"1.xml:24"}, 1, 1, 0, 2},
		{"two schools of one UAI", broken(0, whole(schoolA, with(schoolB, "0990002B", "0990001A"))), true, true, []string{"1.xml:13"}, 2, 2, 0, 2},
		{"two schools without a UAI", broken(0, whole(with(schoolA, "0990001A", ""), with(schoolB, "0990002B", ""))), false, false, nil, 2, 2, 0, 2},
		{"a school missing", broken(0, whole(schoolA)), false, true, []string{"2.xml:19"}, 1, 1, 0, 2},
		{"staff of school A", broken(3, whole(with(staffA, "52000$ENS$ENSEIGNEMENT$L0202$LETTRES", "ENS"))), true, false, []string{"4.xml:11"}, 2, 2, 0, 2},
		{"a subject without an identifier", broken(4, whole(with(subjectA, "<id>020700</id>", "<id/>"))), false, false, []string{"5.xml:6"}, 2, 2, 0, 2},
		{"a subjects' file cut short", broken(4, head+subjectA), true, true, []string{"5.xml:11"}, 2, 2, 0, 2},
		{"a guardians' file cut short", broken(2, head+motherA+fatherB), true, true, []string{"3.xml:22"}, 2, 2, 2, 0},
		{"a pupils' file cut short", broken(1, head+pupilA+pupilB), true, true, []string{"2.xml:34"}, 0, 0, 0, 2},
		{"a guardian in no file", broken(2, whole(motherA)), false, false, nil, 2, 2, 1, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			export, refusals, _ := read(t, c.texts...)
			if got := places(refusals); !slices.Equal(got, c.refused) {
				t.Errorf("refused at %v, want %v: %+v", got, c.refused, refusals)
			}
			if export.HeldBack("52000") != c.heldA || export.HeldBack("52001") != c.heldB {
				t.Errorf("held back: %v, %v; want %v, %v", export.HeldBack("52000"), export.HeldBack("52001"), c.heldA, c.heldB)
			}
			for _, r := range refusals {
				for key, held := range map[string]bool{"52000": c.heldA, "52001": c.heldB} {
					if slices.Contains(r.Schools, key) && !held {
						t.Errorf("a refusal names school %s", key)
					}
				}
				if !r.HoldsBackAll && len(r.Schools) == 0 && (c.heldA || c.heldB) {
					t.Errorf("the refusal does not say whom it holds back: %+v", r)
				}
			}
			n := export.Counts()
			if n.Pupils != c.pupils || n.Links != c.links || n.Unresolved != c.unresolved || n.Guardians != c.guardians {
				t.Errorf("counts %+v", n)
			}
			if n.MayBeTold != c.links-c.unresolved || len(export.Unresolved()) != c.unresolved {
				t.Errorf("%d may be told, %d listed as unresolved", n.MayBeTold, len(export.Unresolved()))
			}
		})
	}
}

func TestUnresolvedSaysWhere(t *testing.T) {
	t.Parallel()
	export, refusals, dir := read(t, whole(schoolA), whole(pupilA))
	lost := export.Unresolved()
	if len(refusals) != 0 || len(lost) != 1 || lost[0].Line != 13 || lost[0].File != filepath.Join(dir, "2.xml") || lost[0].GuardianKey != "200" {
		t.Errorf("%+v %+v", refusals, lost)
	}
}

func TestDuplicateNamesTheFirst(t *testing.T) {
	t.Parallel()
	_, refusals, dir := read(t, whole(schoolA), whole(pupilA), whole(with(pupilA, "Léa", "Zoé")))
	if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, filepath.Join(dir, "2.xml")+" ligne 6") {
		t.Errorf("%+v", refusals)
	}
	if want := []string{"3.xml:6"}; !slices.Equal(places(refusals), want) {
		t.Errorf("at %v", places(refusals))
	}
}

// The digit 2 is a legal representative until March 2018 and none afterwards: the file
// says which, or somebody does, or nobody is told.
func TestDialects(t *testing.T) {
	t.Parallel()
	version := func(v string) string {
		return strings.Replace(head, "AAF-VE1301", v, 1)
	}
	no := strings.Replace(head, `<!-- versionAF="AAF-VE1301" -->`, "", 1)
	for _, c := range []struct {
		name, head, link string
		asked            aaf.Dialect
		level            aaf.Level // "": refused
		words            string
	}{
		{"old, level 1", head, "200$2$1$1$0$0", "", aaf.Legal, ""},
		{"old, level 2", head, "200$1$0$2$0$0", "", aaf.Legal, ""},
		{"old, level 0", head, "200$1$0$0$1$0", "", aaf.Contact, ""},
		{"old by its kinship", no, "200$1$0$2$0$0", "", aaf.Legal, ""},
		{"current, level 1", version("AAF-VE2410"), "200$10$1$1$0$0", "", aaf.Legal, ""},
		{"current, level 2", version("AAF-VE2410"), "200$10$1$2$1$0", "", aaf.InCharge, ""},
		{"current, level 3", version("AAF-VE2410"), "200$39$0$3$1$0", "", aaf.Contact, ""},
		{"current by its kinship, level 2", no, "200$10$1$2$0$0", "", aaf.InCharge, ""},
		{"current by its version, kinship unknown", version("AAF-VE2410"), "200$0$1$2$0$0", "", aaf.InCharge, ""},
		{"nothing tells, level 1", no, "200$0$1$1$0$0", "", aaf.Legal, ""},
		{"nothing tells, level 2", no, "200$0$1$2$0$0", "", "", "--dialect before-2018"},
		{"somebody tells: old", no, "200$0$1$2$0$0", aaf.Old, aaf.Legal, ""},
		{"somebody tells: current", no, "200$0$1$2$0$0", aaf.Current, aaf.InCharge, ""},
		{"somebody tells otherwise", head, "200$1$0$2$0$0", aaf.Current, "", "--dialect"},
		{"a version of ours beside links of the other", version("AAF-VE2410"), "200$1$0$2$0$0", "", "", "aaf-2013"},
		{"a link that is both", no, "200$1$0$3$0$0", "", "", "aaf-2013"},
		{"a link that is both, and somebody decides", no, "200$20$0$0$0$0", aaf.Old, aaf.Contact, ""},
		{"a version of ours beside links of the other, and somebody decides", version("AAF-VE2410"), "200$1$0$2$0$0", aaf.Current, aaf.InCharge, ""},
		{"a level nobody knows", head, "200$1$0$4$0$0", "", "", "légal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := func(records ...string) string { return c.head + strings.Join(records, "") + foot }
			dir := files(t, map[string]string{"1.xml": file(schoolA), "2.xml": file(with(pupilA, "200$2$1$1$0$0", c.link)), "3.xml": file(motherA)})
			export, refusals, err := aaf.Read(t.Context(), []string{dir}, aaf.Options{Dialect: c.asked})
			if err != nil {
				t.Fatal(err)
			}
			if c.level == "" {
				if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, c.words) || !export.HeldBack("52000") || export.Counts().MayBeTold != 0 {
					t.Errorf("%+v, %+v", refusals, export.Counts())
				}
				return
			}
			if len(refusals) > 0 || export.HeldBack("52000") {
				t.Fatalf("refused: %+v", refusals)
			}
			if got := export.Pupils[0].Links[0]; got.Level != c.level || got.LegalRepresentative() != (c.level == aaf.Legal) {
				t.Errorf("read as %+v", got)
			}
		})
	}
}

// An export of the first degree has other names for the same things, and lists who has
// parental authority.
func TestFirstDegree(t *testing.T) {
	t.Parallel()
	pupil := strings.NewReplacer(`name="sn"`, `name="ENTPersonNom"`, `name="givenName"`, `name="ENTPersonPrenom"`,
		`<attr name="ENTElevePersRelEleve"><value>200$2$1$1$0$0</value></attr>`, `<attr name="ENTEleveAutoriteParentale"><value>200</value><value>201$1</value></attr>`,
		`<attr name="ENTEleveClasses"><value>52000$6E 1</value></attr>`, `<attr name="ENTPersonClasses"><value>52000$CYC2$CP$9876$CP de Mme Roux</value></attr>`).Replace(pupilA)
	mother := strings.NewReplacer(`name="sn"`, `name="ENTPersonNom"`, `name="givenName"`, `name="ENTPersonPrenom"`,
		`</attributes>`, `<attr name="ENTPersRelEleveTelMobile"><value>0639980101</value></attr><attr name="ENTPersonMail"><value>h@calmeval.example</value></attr></attributes>`).Replace(motherA)
	one := func(records ...string) string {
		return strings.Replace(whole(records...), `versionAF="AAF-VE1301"`, `versionAF="1D-5.2" degre="1D"`, 1)
	}
	export, refusals, _ := read(t, one(schoolA), one(pupil), one(mother, strings.ReplaceAll(mother, "200", "201")))
	if len(refusals) > 0 || export.Dialect != aaf.FirstDegree {
		t.Fatalf("%+v", refusals)
	}
	n := export.Counts()
	if n.Pupils != 1 || n.Links != 2 || n.MayBeTold != 2 || n.Unresolved != 0 {
		t.Errorf("%+v", n)
	}
	p := export.Pupils[0]
	if p.Usual != "CALMEVAL" || p.First != "Léa" || !slices.Equal(p.Classes, []aaf.Place{{SchoolKey: "52000", Code: "9876"}}) || export.Schools[0].Classes[0].Label != "CP de Mme Roux" {
		t.Errorf("%+v %+v", p, export.Schools)
	}
	if g, _ := export.Guardian("200"); g.Mobile != "0639980101" || g.Email != "h@calmeval.example" || g.First != "Hélène" {
		t.Errorf("%+v", g)
	}
	_, refusals, _ = read(t, one(schoolA), one(strings.Replace(pupil, "201$1", "201$1$0$2", 1)), one(mother))
	if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "201$1$0$2") {
		t.Errorf("a list that says more than we know: %+v", refusals)
	}
}

// A contact who is no legal representative is read, and may not be told.
func TestContactMayNotBeTold(t *testing.T) {
	t.Parallel()
	pupil := with(pupilA, "<value>200$2$1$1$0$0</value>", "<value>200$2$1$1$0$0</value><value>201$1$0$2$0$0</value><value>202$4$0$0$1$0</value>")
	contact := strings.ReplaceAll(motherA, "200", "202")
	export, refusals, _ := read(t, whole(schoolA), whole(pupil), whole(motherA, fatherB, contact))
	if len(refusals) > 0 {
		t.Fatal(refusals)
	}
	n := export.Counts()
	if n.Links != 3 || n.MayBeTold != 2 || n.MayNotBeTold != 1 {
		t.Errorf("counts %+v", n)
	}
	l := export.Pupils[0].Links[2]
	if l.Kinship != "4" || l.Financial != "0" || l.Legal != "0" || l.Contact != "1" || l.Payment != "0" || l.Raw != "202$4$0$0$1$0" {
		t.Errorf("read as %+v", l)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{
		"Eleve.xml": whole(schoolA), "EtabEducNat": whole(motherA), "releve.TXT": whole(pupilA),
		"ficAlimMENESR.dtd": "<!ELEMENT value (#PCDATA)>", "LISEZMOI.txt": "Bonjour", ".cache.xml": "<html/>",
	})
	if err := os.Mkdir(filepath.Join(dir, "2012.xml"), 0o755); err != nil {
		t.Fatal(err)
	}
	all := func(paths ...string) (*aaf.Export, []aaf.Refusal) {
		t.Helper()
		for i, p := range paths {
			paths[i] = filepath.Join(dir, p)
		}
		export, refusals, err := aaf.Read(t.Context(), paths, aaf.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return export, refusals
	}
	export, refusals := all("")
	if n := export.Counts(); len(refusals) > 0 || n.Schools != 1 || n.Pupils != 1 || n.Guardians != 1 {
		t.Errorf("the folder: %+v %+v", n, refusals)
	}
	if want := []string{filepath.Join(dir, "LISEZMOI.txt"), filepath.Join(dir, "ficAlimMENESR.dtd")}; !slices.Equal(export.Ignored, want) {
		t.Errorf("ignored %v", export.Ignored)
	}
	export, refusals = all("releve.TXT", "Eleve.xml", "ficAlimMENESR.dtd", "EtabEducNat", "Eleve.xml", "")
	if n := export.Counts(); len(refusals) > 0 || n.Schools != 1 || n.Pupils != 1 || n.Guardians != 1 || len(export.Files) != 3 {
		t.Errorf("files, some of them twice: %+v %+v", n, refusals)
	}
	for name, words := range map[string]string{
		"absent": "introuvable", "2012.xml": "aucun fichier", "LISEZMOI.txt": "XML",
	} {
		export, refusals = all(name)
		if len(refusals) != 1 || refusals[0].Line > 1 || !strings.Contains(refusals[0].Reason, words) || !refusals[0].HoldsBackAll || len(export.Files) > 0 {
			t.Errorf("%s: %+v", name, refusals)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"1.xml": whole(schoolA)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := aaf.Read(ctx, []string{dir}, aaf.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A file wrong in every record does not fill the memory with refusals.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 2500 {
		b.WriteString(strings.NewReplacer("100", fmt.Sprint(1000+i), "200$2", "$2").Replace(pupilA))
	}
	export, refusals, _ := read(t, whole(schoolA), whole(b.String()))
	if len(refusals) != 1001 || !strings.Contains(refusals[1000].Reason, "1500") || !export.HeldBack("52000") || len(export.Pupils) != 0 {
		t.Errorf("%d refusals, last %+v", len(refusals), refusals[len(refusals)-1])
	}
}

func TestRefusalAsJSON(t *testing.T) {
	t.Parallel()
	r := aaf.Refusal{File: "a.xml", Line: 3, Reason: "parce que", HoldsBackAll: true, Schools: []string{"1"}}
	got, err := json.Marshal(r)
	if err != nil || string(got) != `{"file":"a.xml","line":3,"reason":"parce que"}` {
		t.Errorf("%s %v", got, err)
	}
	got, err = json.Marshal(aaf.Counts{Schools: 10, Pupils: 642, Guardians: 9975, Links: 1064, MayBeTold: 911, MayNotBeTold: 153, Staff: 701, LinkedGuardians: 1029})
	if err != nil || string(got) != `{"schools":10,"pupils":642,"guardians":9975,"links":1064,"unresolved":0,"may_be_told":911,"may_not_be_told":153}` {
		t.Errorf("%s %v", got, err)
	}
}

func TestReasonsInEnglish(t *testing.T) {
	t.Parallel()
	dir := files(t, map[string]string{"1.xml": with(whole(schoolA), "VE1301", "VE2407")})
	_, refusals, err := aaf.Read(t.Context(), []string{dir}, aaf.Options{English: true, Dialect: aaf.Old})
	if err != nil || len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "leave --dialect out") {
		t.Errorf("%+v %v", refusals, err)
	}
}

func TestKinshipWords(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, code := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		fr, en := aaf.Kinship(code)
		if fr == "" || en == "" || seen[fr] || seen[en] {
			t.Errorf("%s: %q, %q", code, fr, en)
		}
		seen[fr], seen[en] = true, true
	}
	if fr, en := aaf.Kinship("1"); fr != "père" || en != "father" {
		t.Errorf("1 is %s, %s", fr, en)
	}
	if fr, en := aaf.Kinship("2"); fr != "mère" || en != "mother" {
		t.Errorf("2 is %s, %s", fr, en)
	}
}

func TestReadsStaff(t *testing.T) {
	t.Parallel()
	export, refusals, _ := read(t, whole(schoolA), whole(staffA))
	if len(refusals) > 0 || len(export.Staff) != 1 {
		t.Fatal(refusals)
	}
	want := []aaf.Function{{SchoolKey: "52000", Code: "ENS", Label: "ENSEIGNEMENT"}}
	if got := export.Staff[0]; !reflect.DeepEqual(got.Functions, want) || got.Teaches || !slices.Equal(got.Schools, []string{"52000"}) {
		t.Errorf("%+v", got)
	}
}
