package directory

import (
	"regexp"
	"strings"
)

// Readers say what to do as the command is told it, in options. The page has a form for those
// that concern a school, and none for which version of OneRoster a file is of.
var (
	commandOptions = regexp.MustCompile(`--format|--dialect oneroster-[\d.]+(?: (?:ou|or) --dialect oneroster-[\d.]+)?`)
	formOptions    = regexp.MustCompile(`--(?:dialect|map|sheet|uai|all-legal)(?: (?:before|after)-2018| "[^"]*")?(?: (?:ou|or) --dialect (?:before|after)-2018)?`)
)

// onPage says a reader's sentence as somebody before the page can follow it: form is the name of
// the form that says how to read files, command that of the command.
func onPage(why, form, command string) string {
	if !strings.Contains(why, "--") {
		return why
	}
	why = commandOptions.ReplaceAllLiteralString(why, command)
	return formOptions.ReplaceAllLiteralString(why, "« "+form+" »")
}
