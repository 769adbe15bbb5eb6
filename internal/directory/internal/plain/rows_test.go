package plain

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/intake"
	"github.com/preau-ent/preau/internal/directory/internal/workbook/workbooktest"
)

// TestWorkbookIsTheSameTable: the cells of a workbook say what the same CSV says, and
// whoever lost the zero of a telephone number is the same person.
func TestWorkbookIsTheSameTable(t *testing.T) {
	t.Parallel()
	var cells [][]string
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		cells = append(cells, strings.Split(strings.Replace(line, "0639980101", "639980101", 1), ";"))
	}
	o := Options{Map: mapping, UAI: "0990001a"}
	csv, refusals := read(t, table, o)
	xlsx, refusals2 := read(t, string(workbooktest.Texts(t, cells...)), o)
	if len(refusals)+len(refusals2) > 0 || len(csv.Schools) != 1 || len(xlsx.Schools) != 1 {
		t.Fatal(refusals, refusals2)
	}
	if a, b := csv.Schools[0], xlsx.Schools[0]; !reflect.DeepEqual(a.Links, b.Links) || len(a.Pupils) != len(b.Pupils) || len(a.Adults) != len(b.Adults) {
		t.Errorf("%+v\n%+v", a, b)
	}
	for _, same := range [][2]string{{"06 39 98 01 01", "639980101"}, {"+33 6 39 98 01 01", "0639980101"}, {"0033639980101", "33639980101"}} {
		if number(same[0]) != number(same[1]) {
			t.Errorf("%q and %q are two numbers: %s %s", same[0], same[1], number(same[0]), number(same[1]))
		}
	}
	if number("0139980101") == number("139980102") {
		t.Error("two numbers are one")
	}
}

// TestRefusalsNameTheSheet: file, sheet, row, reason.
func TestRefusalsNameTheSheet(t *testing.T) {
	t.Parallel()
	_, refusals := read(t, string(workbooktest.Texts(t, []string{"Nom", "Prénom", "Né le"}, []string{"Benali", "Léa", "le 3 mai"})), Options{Map: "Nom=last,Prénom=first,Né le=born", UAI: "0990001A"})
	if len(refusals) != 1 || !strings.HasSuffix(refusals[0].File, " [Feuil1]") || refusals[0].Line != 2 || !strings.Contains(refusals[0].Reason, "unreadable date") {
		t.Errorf("%+v", refusals)
	}
}

// TestLook: columns with their first values, and what they probably are.
func TestLook(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.csv")
	text := "Nom;Prénom;Né le;Classe;Nom responsable 1;Prénom responsable 1;Portable mère;Mère portable;Qualité;Cantine\n" +
		"Benali;Léa;14/05/2011;6e A;Benali;Nadia;0639980101;;légal;DP\nBenali;Sami;;6e B;;;;;;\nRoux;Ève;1/1/2012;;;;;;;\nRoux;Zoé;1/1/2012;;;;;;;\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := intake.Find([]string{path}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	s, refusal, err := Look(found.Files[0], "", true)
	if err != nil || refusal != nil {
		t.Fatal(refusal, err)
	}
	var fields []string
	for _, c := range s.Columns {
		fields = append(fields, c.Field)
	}
	want := []string{"last", "first", "born", "class", "g1.last", "g1.first", "g1.sms", "", "g1.level", ""}
	if !reflect.DeepEqual(fields, want) || s.Rows != 4 || !reflect.DeepEqual(s.Columns[0].Values, []string{"Benali", "Benali", "Roux"}) || s.Columns[2].Place != "C" {
		t.Errorf("%q\n%q %+v", fields, want, s)
	}
	for _, f := range Fields(9) {
		if !IsField(f) {
			t.Error(f)
		}
	}
}
