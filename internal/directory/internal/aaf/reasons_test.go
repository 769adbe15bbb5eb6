package aaf

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// Each reason takes the same arguments in both languages.
func TestReasonsTakeTheSameArguments(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	verb := regexp.MustCompile(`%[0-9]*[a-zA-Z]`)
	kind := func(v string) string {
		if v == "%s" || v == "%q" {
			return "text"
		}
		return v
	}
	seen := 0
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) != 2 {
			return true
		}
		var verbs [2][]string
		for i, e := range lit.Elts {
			text, err := strconv.Unquote(e.(*ast.BasicLit).Value)
			if err != nil || text == "" {
				t.Errorf("%v: %v", e, err)
			}
			for _, v := range verb.FindAllString(text, -1) {
				verbs[i] = append(verbs[i], kind(v))
			}
		}
		if !slices.Equal(verbs[0], verbs[1]) {
			t.Errorf("%v against %v in %s", verbs[0], verbs[1], lit.Elts[1].(*ast.BasicLit).Value)
		}
		seen++
		return true
	})
	if seen < 50 {
		t.Errorf("only %d reasons found", seen)
	}
}
