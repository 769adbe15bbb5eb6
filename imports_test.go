package preau_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is who may import whom among this module's packages: a statement of
// policy. Every capability may also use database, page and journal. A package that is
// not in the table may not exist; tests may import what they like.
var mayImport = map[string][]string{
	"internal/database":              {},
	"internal/database/databasetest": {"internal/database"},
	"internal/page":                  {},
	"internal/journal":               {"internal/database"},

	"internal/directory": {"internal/directory/internal/aaf", "internal/directory/internal/siecle", "internal/directory/internal/onde", "internal/directory/internal/intake",
		"internal/directory/internal/oneroster", "internal/directory/internal/sts", "internal/directory/internal/plain", "internal/durable"},
	"internal/account":                {"internal/durable", "internal/directory", "internal/door/waits", "internal/account/internal/paper"},
	"internal/timetable":              {"internal/directory"},
	"internal/courier":                {"internal/directory", "internal/courier/internal/smtp", "internal/courier/internal/bounce", "internal/courier/internal/sms", "internal/courier/internal/smpp", "internal/courier/internal/httpsms"},
	"internal/attendance":             {"internal/directory", "internal/timetable"},
	"internal/whereabouts":            {"internal/directory", "internal/timetable", "internal/attendance"},
	"internal/classroom":              {"internal/directory", "internal/timetable", "internal/attendance"},
	"internal/homework":               {"internal/directory", "internal/timetable", "internal/homework/internal/gift"},
	"internal/homework/internal/gift": {},
	"internal/followup":               {"internal/directory", "internal/timetable", "internal/attendance", "internal/classroom"},
	"internal/register":               {"internal/directory", "internal/timetable", "internal/attendance", "internal/durable"},
	"internal/alert":                  {"internal/directory", "internal/timetable", "internal/attendance", "internal/courier"},
	"internal/notices":                {"internal/directory", "internal/timetable", "internal/courier"},
	"internal/guard":                  {"internal/directory", "internal/courier", "internal/guard/internal/smppserver"},
	"internal/door":                   {},
	"internal/door/waits":             {},
	"internal/status":                 {"internal/directory", "internal/durable"},
	"internal/yearstart":              {"internal/directory", "internal/account", "internal/timetable", "internal/alert"},
	"internal/fictional":              {"internal/directory", "internal/timetable", "internal/account", "internal/attendance"},

	"internal/directory/internal/aaf":    {"internal/directory/internal/intake"},
	"internal/directory/internal/siecle": {"internal/directory/internal/intake"},
	"internal/directory/internal/onde":   {"internal/directory/internal/intake"},
	"internal/directory/internal/intake": {},

	"internal/directory/internal/siecle/siecletest": {},
	"internal/directory/internal/onde/ondetest":     {},
	"internal/directory/internal/aaf/aaftest":       {"internal/directory/internal/aaf"},
	"internal/guard/internal/smppserver":            {},
	"internal/courier/internal/smtp":                {},
	"internal/courier/internal/bounce":              {},
	"internal/courier/internal/sms":                 {},
	"internal/courier/internal/smpp":                {"internal/courier/internal/sms"},
	"internal/courier/internal/httpsms":             {"internal/courier/internal/sms"},

	"internal/directory/internal/table":                   {"internal/directory/internal/intake"},
	"internal/directory/internal/oneroster":               {"internal/directory/internal/intake", "internal/directory/internal/table"},
	"internal/directory/internal/oneroster/onerostertest": {},
	"internal/directory/internal/sts":                     {"internal/directory/internal/intake"},
	"internal/directory/internal/plain":                   {"internal/directory/internal/intake", "internal/directory/internal/workbook"},
	"internal/directory/internal/workbook":                {"internal/directory/internal/intake"},
	"internal/directory/internal/workbook/workbooktest":   {},
	"internal/directory/internal/intake/heaptest":         {},

	"internal/app":   {"internal/directory", "internal/account", "internal/timetable", "internal/courier", "internal/attendance", "internal/whereabouts", "internal/classroom", "internal/homework", "internal/register", "internal/alert", "internal/notices", "internal/guard", "internal/door", "internal/door/waits", "internal/status", "internal/durable", "internal/fictional", "web", "internal/live", "internal/yearstart", "internal/followup"},
	"internal/drill": {"internal/app", "internal/fictional", "internal/directory", "internal/timetable"},
	"cmd/preau":      {"internal/app", "internal/drill", "internal/alert", "internal/courier", "internal/directory"},

	"internal/account/internal/paper":           {},
	"internal/account/internal/paper/papertest": {},

	"internal/durable": {},
	"internal/live":    {"internal/durable"},

	"web":           {},
	"peers":         {},
	"peers/browser": {"peers"},
	"stories":       {},
}

// below may be used by every capability.
var below = []string{"internal/database", "internal/page", "internal/journal"}

// base are the packages that stand on nothing but what the table says of them.
var base = []string{"internal/database", "internal/database/databasetest", "internal/page", "internal/journal", "internal/durable", "internal/live", "web", "peers", "peers/browser",
	"internal/directory/internal/aaf", "internal/directory/internal/aaf/aaftest", "internal/directory/internal/intake", "internal/directory/internal/intake/heaptest", "internal/directory/internal/siecle", "internal/directory/internal/siecle/siecletest",
	"internal/directory/internal/onde", "internal/directory/internal/onde/ondetest", "internal/courier/internal/smtp", "internal/courier/internal/bounce", "internal/courier/internal/sms",
	"internal/directory/internal/table", "internal/directory/internal/oneroster", "internal/directory/internal/oneroster/onerostertest", "internal/directory/internal/sts", "internal/directory/internal/plain", "internal/directory/internal/workbook", "internal/directory/internal/workbook/workbooktest",
	"internal/courier/internal/smpp", "internal/courier/internal/httpsms", "internal/guard/internal/smppserver", "internal/account/internal/paper", "internal/account/internal/paper/papertest", "internal/homework/internal/gift"}

// onlyCourier are packages of the outside world that one door uses.
var onlyCourier = []string{"net/smtp", "github.com/wneessen/go-mail", "github.com/linxGnu/gosmpp"}

// notSending may use one of them all the same, and opens no connection: the endpoint that a
// school's tool calls reads the telephones' alphabet with it.
var notSending = map[string][]string{"internal/guard/internal/smppserver": {"github.com/linxGnu/gosmpp/data"}}

// calling are the ways to open a connection, which notSending must not use.
var calling = []string{"Dial", "DialTimeout", "DialTCP", "DialContext", "Dialer", "Client", "DefaultClient", "Transport"}

// TestImports reads the sources themselves: a version that asked the go command would
// be answered from the test cache and stay green.
func TestImports(t *testing.T) {
	const module = "github.com/preau-ent/preau/"
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin" || name == "dist") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != "." {
				return filepath.SkipDir // a module of its own, which can import nothing of ours: see TestEngineApart
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || filepath.Dir(path) == "." {
			return nil
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		seen[pkg] = true
		allowed, known := mayImport[pkg]
		if !known {
			return fmt.Errorf("%s: package %s is not in the table: say in imports_test.go whom it may import", path, pkg)
		}
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			for _, outside := range onlyCourier {
				if (name == outside || strings.HasPrefix(name, outside+"/")) && !strings.HasPrefix(pkg, "internal/courier") && !slices.Contains(notSending[pkg], name) {
					t.Errorf("%s imports %s: only the courier speaks to the outside", path, name)
				}
			}
			if slices.Contains(notSending[pkg], name) {
				opensNothing(t, path)
			}
			ours, inside := strings.CutPrefix(name, module)
			if !inside || slices.Contains(allowed, ours) || (slices.Contains(below, ours) && !slices.Contains(base, pkg)) {
				continue
			}
			t.Errorf("%s imports %s, which %s may not", path, ours, pkg)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range mayImport {
		if _, err := os.Stat(pkg); err == nil && !seen[pkg] {
			t.Errorf("%s is in the table and holds no Go", pkg)
		} else if err != nil {
			t.Errorf("%s is in the table and not there", pkg)
		}
	}
}

// TestEngineApart: the engine of the live classes is a program of its own. It has nothing of
// ours inside, and none of what it is made of is in preau.
func TestEngineApart(t *testing.T) {
	for _, source := range must(filepath.Glob("live/*.go")) {
		file := must(parser.ParseFile(token.NewFileSet(), source, nil, parser.ImportsOnly))
		for _, spec := range file.Imports {
			if name := must(strconv.Unquote(spec.Path.Value)); strings.HasPrefix(name, "github.com/preau-ent/") {
				t.Errorf("%s imports %s: the engine knows nothing of the school", source, name)
			}
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		for _, theirs := range []string{"github.com/livekit/", "github.com/pion/"} {
			if strings.Contains(string(must(os.ReadFile(file))), theirs) {
				t.Errorf("%s names %s: it would make preau twice as long to build", file, theirs)
			}
		}
	}
}

// opensNothing reads a whole source: it waits for connections and opens none.
func opensNothing(t *testing.T, path string) {
	t.Helper()
	for _, source := range must(filepath.Glob(filepath.Join(filepath.Dir(path), "*.go"))) {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		ast.Inspect(must(parser.ParseFile(token.NewFileSet(), source, nil, 0)), func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && slices.Contains(calling, s.Sel.Name) {
				t.Errorf("%s uses %s: only the courier speaks to the outside", source, s.Sel.Name)
			}
			return true
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
