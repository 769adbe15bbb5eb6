package alert_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/page"
)

// Every reason of this package has words in both languages: the office reads them on the
// telephone list, and the story of a message gives them.
func TestEveryReasonHasWords(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "alert.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	words, err := page.NewWords(alert.Words)
	if err != nil {
		t.Fatal(err)
	}
	reasons := 0
	ast.Inspect(file, func(n ast.Node) bool {
		c, ok := n.(*ast.ValueSpec)
		if !ok || len(c.Values) != 1 {
			return true
		}
		if kind, ok := c.Type.(*ast.Ident); !ok || kind.Name != "Because" {
			return true
		}
		reason, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		reasons++
		key := "alert.because." + reason
		for _, lang := range page.Languages() {
			if words.Say(lang, key, nil) == key {
				t.Errorf("%s has no %s in its words", lang, key)
			}
		}
		return true
	})
	if reasons < 20 {
		t.Fatalf("only %d reasons were found", reasons)
	}
}
