package preau_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	tableRow = regexp.MustCompile(`(?m)^\| \d+ \|.*$`)
	inCode   = regexp.MustCompile("`([^`]+)`")
	inGo     = regexp.MustCompile(`^([a-z]+)\.([A-Za-z]+)$`)
	inSchema = regexp.MustCompile(`^(alert|attendance|courier|directory|guard|journal|notices)_[a-z_]+$`)
)

// TestInvariantsTable: each test, function and guard of the schema that docs/invariants.md
// names is there, and every invariant has somebody who tries to break it.
func TestInvariantsTable(t *testing.T) {
	text, err := os.ReadFile("docs/invariants.md")
	if err != nil {
		t.Fatal(err)
	}
	read := func(pattern string) string {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			return ""
		}
		var all strings.Builder
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(b)
		}
		return all.String()
	}
	schema := read("internal/database/migrations/*.sql")
	for _, m := range inCode.FindAllStringSubmatch(string(text), -1) {
		if name := m[1]; inSchema.MatchString(name) && !strings.Contains(schema, " "+name+" ") {
			t.Errorf("the schema has no %s", name)
		}
		where := inGo.FindStringSubmatch(m[1])
		if where == nil {
			continue
		}
		var source string
		for _, folder := range []string{where[1], "internal/" + where[1], "internal/*/" + where[1], "internal/*/internal/" + where[1], "internal/database/" + where[1]} {
			source += read(folder + "/*.go")
		}
		if !regexp.MustCompile(`func (\([^)]*\) )?` + where[2] + `\(`).MatchString(source) {
			t.Errorf("there is no %s", m[1])
		}
	}
	rows := tableRow.FindAllString(string(text), -1)
	if len(rows) != 17 {
		t.Errorf("%d invariants, want 17", len(rows))
	}
	for _, row := range rows {
		cells := strings.Split(row, "|")
		if tries := cells[len(cells)-2]; !strings.Contains(tries, ".Test") && !strings.Contains(tries, "preau drill") {
			t.Errorf("nobody tries to break it: %s", row)
		}
	}
}
