package aaf_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/directory/internal/aaf"
	"github.com/preau-ent/preau/internal/directory/internal/aaf/aaftest"
)

var (
	aRecord    = regexp.MustCompile(`(?s)<addRequest>.*?</addRequest>`)
	anID       = regexp.MustCompile(`<id>(.*?)</id>`)
	operated   = regexp.MustCompile(`(?s)<operationalAttributes>.*?</operationalAttributes>`)
	firstLevel = regexp.MustCompile(`(\$\d+\$\d\$)1(\$\d\$\d)`)
	anAttr     = regexp.MustCompile(`(?s)<attr name="([^"]*)">((?:<value>[^<]*</value>|<value/>)*)</attr>`)
)

func kindAndID(record string) string {
	return operated.FindString(record) + anID.FindStringSubmatch(record)[1]
}

// values are the attributes of a record, as written.
func valuesOf(record string) map[string]string {
	out := map[string]string{}
	_, body, _ := strings.Cut(record, "<attributes>")
	for _, m := range anAttr.FindAllStringSubmatch(body, -1) {
		out[m[1]] = m[2]
	}
	return out
}

// delta writes what leads from some records to others.
func delta(from, to []string) string {
	before := map[string]string{}
	for _, r := range from {
		before[kindAndID(r)] = r
	}
	var out []string
	for _, r := range to {
		old, known := before[kindAndID(r)]
		delete(before, kindAndID(r))
		switch {
		case !known:
			out = append(out, r)
		case old != r:
			was, is := valuesOf(old), valuesOf(r)
			changes := ""
			for name, v := range is {
				if was[name] != v {
					if v == "" {
						v = "<value/>"
					}
					changes += `<modification name="` + name + `" operation="replace">` + v + `</modification>`
				}
			}
			out = append(out, "<modifyRequest>"+operated.FindString(r)+"<identifier><id>"+anID.FindStringSubmatch(r)[1]+"</id></identifier><modifications>"+changes+"</modifications></modifyRequest>")
		}
	}
	for _, r := range before {
		out = append(out, "<deleteRequest>"+operated.FindString(r)+"<identifier><id>"+anID.FindStringSubmatch(r)[1]+"</id></identifier></deleteRequest>")
	}
	slices.Sort(out)
	return "<ficAlimMENESR>\n" + strings.Join(out, "\n") + "\n</ficAlimMENESR>\n"
}

// anotherDay draws what a record is some days later; empty: it is gone.
func anotherDay(t *rapid.T, record string) []string {
	kind := rapid.IntRange(0, 11).Draw(t, "change")
	change := func(name, to string) []string {
		v, ok := valuesOf(record)[name]
		if !ok {
			return []string{record}
		}
		return []string{strings.Replace(record, `<attr name="`+name+`">`+v+`</attr>`, `<attr name="`+name+`">`+to+`</attr>`, 1)}
	}
	pupil, guardian := strings.Contains(record, "<value>Eleve<"), strings.Contains(record, "<value>PersRelEleve<")
	switch {
	case kind == 0 && (pupil || guardian):
		return nil
	case kind == 1 && pupil:
		return change("ENTEleveClasses", "<value>"+regexp.MustCompile(`ENTPersonStructRattach"><value>(\d+)<`).FindStringSubmatch(record)[1]+"$NOUVELLE</value>")
	case kind == 2 && pupil:
		return change("ENTElevePersRelEleve", "<value/>")
	case kind == 3 && pupil:
		v := valuesOf(record)["ENTElevePersRelEleve"]
		return change("ENTElevePersRelEleve", firstLevel.ReplaceAllString(v, "${1}2${2}"))
	case kind == 4 && pupil:
		return []string{record, strings.ReplaceAll(record, anID.FindStringSubmatch(record)[1], "9"+anID.FindStringSubmatch(record)[1])}
	case kind == 5:
		return change("givenName", "<value>Alix</value>")
	case kind == 6 && guardian:
		return change("homePhone", "<value>0199000001</value>")
	case kind == 7 && guardian:
		return []string{record, strings.ReplaceAll(record, anID.FindStringSubmatch(record)[1], "8"+anID.FindStringSubmatch(record)[1])}
	}
	return []string{record}
}

// A full export and the deltas since give what a full export of the last day gives.
func TestDeltaAfterFullIsFull(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size := anySize(t)
		size.Latin, size.CRLF, size.PerFile = false, false, 2000
		dir := tempDir(t)
		if _, err := aaftest.Generate(dir, rapid.Uint64().Draw(t, "seed"), size); err != nil {
			t.Fatal(err)
		}
		written, err := filepath.Glob(filepath.Join(dir, "*.xml"))
		if err != nil {
			t.Fatal(err)
		}
		var days [3][]string
		for _, path := range written {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			days[0] = append(days[0], aRecord.FindAllString(string(text), -1)...)
		}
		for i := 1; i < 3; i++ {
			for _, r := range days[i-1] {
				days[i] = append(days[i], anotherDay(t, r)...)
			}
			seen := map[string]bool{} // an identifier made twice is one
			days[i] = slices.DeleteFunc(days[i], func(r string) bool {
				k := kindAndID(r)
				twice := seen[k]
				seen[k] = true
				return twice
			})
		}
		changes := tempDir(t)
		for i := 1; i < 3; i++ {
			text := delta(days[i-1], days[i])
			if err := os.WriteFile(filepath.Join(changes, fmt.Sprintf("ENT_Delta_2026090%d_0000.xml", i)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		last := tempDir(t)
		if err := os.WriteFile(filepath.Join(last, "full.xml"), []byte("<ficAlimMENESR>\n"+strings.Join(days[2], "\n")+"</ficAlimMENESR>\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		dialect := aaf.Old
		if size.Current {
			dialect = aaf.Current
		}
		got, refusals, err := aaf.Read(context.Background(), rapid.Permutation([]string{dir, changes}).Draw(t, "order"), aaf.Options{Dialect: dialect})
		if err != nil || len(refusals) > 0 {
			t.Fatal(err, refusals)
		}
		want, refusals, err := aaf.Read(context.Background(), []string{last}, aaf.Options{Dialect: dialect})
		if err != nil || len(refusals) > 0 {
			t.Fatal(err, refusals)
		}
		if d := difference(got, want); d != "" {
			t.Fatal(d)
		}
	})
}

func TestDeltaRefused(t *testing.T) {
	t.Parallel()
	op := `<operationalAttributes><attr name="categoriePersonne"><value>Eleve</value></attr></operationalAttributes>`
	modify := func(id, name, operation, value string) string {
		return whole("<modifyRequest>" + op + "<identifier><id>" + id + "</id></identifier><modifications>\n<modification name=\"" + name + "\" operation=\"" + operation + "\"><value>" + value + "</value></modification></modifications></modifyRequest>\n")
	}
	for _, c := range []struct {
		name, delta, more string
		line              int
		words             string
	}{
		{"sound", modify("100", "givenName", "replace", "Zoé"), "", 0, ""},
		{"of a record that is nowhere", modify("101", "givenName", "replace", "Zoé"), "", 4, "export complet"},
		{"another operation", modify("100", "givenName", "add", "Zoé"), "", 5, "replace"},
		{"a modification of nothing", modify("100", "", "replace", "Zoé"), "", 5, "name"},
		{"a link that cannot be read", modify("100", "ENTElevePersRelEleve", "replace", "200$2$1"), "", 5, "illisible"},
		{"a link of the other dialect", modify("100", "ENTElevePersRelEleve", "replace", "200$10$1$2$0$0"), "", 5, "aaf-2018"},
		{"two, and no day in their names", modify("100", "givenName", "replace", "Zoé"), modify("100", "givenName", "replace", "Anaïs"), 4, "déjà modifiée"},
		{"cut short", strings.TrimSuffix(modify("100", "givenName", "replace", "Zoé"), foot), "", 6, "tronqué"},
		{"a modification beside an addition's attributes", strings.Replace(modify("100", "givenName", "replace", "Zoé"), "modifications", "attributes", 2), "", 4, "attributes"},
		{"a deletion with attributes", strings.ReplaceAll(modify("100", "givenName", "replace", "Zoé"), "modifyRequest", "deleteRequest"), "", 4, "modifications"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			texts := []string{whole(schoolA), whole(pupilA), whole(motherA), c.delta}
			if c.more != "" {
				texts = append(texts, c.more)
			}
			export, refusals, _ := read(t, texts...)
			if c.words == "" {
				if len(refusals) > 0 || export.Pupils[0].First != "Zoé" || export.Counts().MayBeTold != 1 {
					t.Fatalf("%+v %+v", refusals, export.Pupils)
				}
				return
			}
			if len(refusals) == 0 || !strings.Contains(refusals[0].Reason, c.words) || refusals[0].Line != c.line || !export.HeldBack("52000") {
				t.Errorf("%+v, want line %d and %q", refusals, c.line, c.words)
			}
		})
	}
	// A delta alone is told what it needs.
	export, refusals, _ := read(t, modify("100", "givenName", "replace", "Zoé"))
	if len(refusals) != 1 || !strings.Contains(refusals[0].Reason, "export complet") || !export.HeldBack("52000") {
		t.Errorf("a delta alone: %+v", refusals)
	}
	// Who is deleted is gone, and whoever is linked to them has nobody to tell.
	gone := strings.NewReplacer("Eleve</value>", "PersRelEleve</value>").Replace(whole("<deleteRequest>" + op + "<identifier><id>200</id></identifier></deleteRequest>"))
	export, refusals, _ = read(t, whole(schoolA), whole(pupilA), whole(motherA), gone)
	if n := export.Counts(); len(refusals) > 0 || n.MayBeTold != 0 || n.Unresolved != 1 || n.Guardians != 0 {
		t.Errorf("%+v %+v", refusals, n)
	}
}
