package directory

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestOnPage(t *testing.T) {
	for why, want := range map[string]string{
		"dites lequel avec --dialect before-2018 ou --dialect after-2018, ou écrivez « légal »": "dites lequel avec « Lire », ou écrivez « légal »",
		`say what each column is, as in --map "Name=last,Born=born" (columns: %s)`:              "say what each column is, as in « Lire » (columns: %s)",
		"tell it with --dialect oneroster-1.1 or --dialect oneroster-1.2":                       "tell it with preau import",
		"several sheets have rows (A, B): say which to read, with --sheet or on the page":       "several sheets have rows (A, B): say which to read, with « Lire » or on the page",
		"fichier vide : demandez une nouvelle extraction":                                       "fichier vide : demandez une nouvelle extraction",
	} {
		if got := onPage(why, "Lire", "preau import"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// No sentence of a reader, in either language, leaves an option of the command on the page.
func TestNoOptionOnPage(t *testing.T) {
	found := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(source), "Why(") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name, _ := call.Fun.(*ast.Ident)
			if of, ok := call.Fun.(*ast.SelectorExpr); ok {
				name = of.Sel
			}
			if name == nil || name.Name != "Why" {
				return true
			}
			for _, arg := range call.Args {
				text, ok := arg.(*ast.BasicLit)
				if !ok {
					continue
				}
				why, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(why, "--") {
					found++
				}
				if said := onPage(why, "Lire", "preau import"); strings.Contains(said, "--") {
					t.Errorf("%s: the page would say %q", path, said)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 10 {
		t.Errorf("only %d sentences with an option were found: this test looks in the wrong place", found)
	}
}
