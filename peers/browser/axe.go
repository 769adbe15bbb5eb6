package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/preau-ent/preau/peers"
)

// Violation is a rule of accessibility that a page breaks, and where.
type Violation struct {
	ID     string   // axe's name of the rule, such as "color-contrast"
	Impact string   // minor, moderate, serious or critical
	Help   string   // the rule in words
	Where  []string // the elements: CSS selector, then what is wrong with it
}

// String is the violation on several lines, as a test prints it.
func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s\n    %s", v.ID, v.Impact, v.Help, strings.Join(v.Where, "\n    "))
}

// AxeSource returns the path of axe-core's script.
func AxeSource(t testing.TB) string {
	t.Helper()
	folder, err := peers.Installed("axe-core")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "axe.min.js")
}

// Axe checks the page as it is now, at its width and in its colours, against
// axe-core's rules for WCAG 2.0 to 2.2, levels A and AA, and its best practices.
// Without violations the list is empty. What axe cannot decide by itself is not
// in it: a list that is empty is where a person begins, not a proof.
func (tab *Tab) Axe() []Violation {
	tab.t.Helper()
	source, err := os.ReadFile(AxeSource(tab.t))
	if err != nil {
		tab.t.Fatalf("browser: axe: %v", err)
	}
	// A page's security policy does not bind what the developer tools evaluate.
	result := Eval[string](tab, string(source)+`;
		axe.run(document, {
			resultTypes: ["violations"],
			runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		}).then((r) => JSON.stringify({
			rules: r.passes.length + r.violations.length + r.incomplete.length,
			violations: r.violations.map((v) => ({
				ID: v.id, Impact: v.impact, Help: v.help,
				Where: v.nodes.map((n) => n.target.join(" ") + " · " + n.failureSummary.replace(/\s+/g, " ")),
			})),
		}))`)
	var read struct {
		Rules      int         `json:"rules"`
		Violations []Violation `json:"violations"`
	}
	if err := json.Unmarshal([]byte(result), &read); err != nil {
		tab.t.Fatalf("browser: axe: %v", err)
	}
	if read.Rules == 0 {
		tab.t.Fatal("browser: axe found nothing to look at: is the page empty?")
	}
	return read.Violations
}

// NoViolations fails the test when axe finds something, and prints what and where.
func (tab *Tab) NoViolations(page string) {
	tab.t.Helper()
	for _, v := range tab.Axe() {
		tab.t.Errorf("%s: %v", page, v)
	}
}
