package intake

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// Each reason of each reader takes the same arguments in both languages, in the same
// order.
func TestReasonsTakeTheSameArguments(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("../*/*.go")
	if err != nil || len(sources) < 10 {
		t.Fatal(sources, err)
	}
	verb := regexp.MustCompile(`%[0-9]*[a-zA-Z]`)
	kind := func(v string) string {
		if v == "%s" || v == "%q" {
			return "text"
		}
		return v
	}
	seen := 0
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 {
				return true
			}
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				ok = f.Sel.Name == "Why"
			case *ast.Ident:
				ok = f.Name == "Why"
			default:
				ok = false
			}
			if !ok {
				return true
			}
			var verbs [2][]string
			for i, e := range call.Args {
				lit, isText := e.(*ast.BasicLit)
				if !isText {
					t.Errorf("%s: a reason is written out", source)
					return true
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil || text == "" {
					t.Errorf("%v: %v", e, err)
				}
				for _, v := range verb.FindAllString(text, -1) {
					verbs[i] = append(verbs[i], kind(v))
				}
			}
			if !slices.Equal(verbs[0], verbs[1]) {
				t.Errorf("%s: %v against %v in %s", source, verbs[0], verbs[1], call.Args[1].(*ast.BasicLit).Value)
			}
			seen++
			return true
		})
	}
	if seen < 60 {
		t.Errorf("only %d reasons found", seen)
	}
}
