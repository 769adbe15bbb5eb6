package stories

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// announce PERSON QUERY: reads what a prepared text would say, by how many, and asks for
// it to be sent.
func (w *world) announce(_ *testscript.TestScript, args []string) error {
	status, text, err := w.get(args[0], "/notices/new?"+args[1])
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("%s prepares: %d %v", args[0], status, err)
	}
	form, err := readForm(text, "/notices")
	if err != nil {
		return err
	}
	return w.send(args[0], "/notices", form)
}

// second PERSON DEED: does what can be done about the announcement that the banner leads
// to: confirm, withdraw.
func (w *world) second(_ *testscript.TestScript, args []string) error {
	if w.announced == "" {
		_, text, err := w.get(args[0], "/")
		if err != nil {
			return err
		}
		_, after, ok := strings.Cut(text, `href="/notices/`)
		id, _, _ := strings.Cut(after, `"`)
		if !ok || id == "" {
			return fmt.Errorf("%s is told of no announcement", args[0])
		}
		w.announced = "/notices/" + id
	}
	return w.press(nil, []string{args[0], w.announced, "do=" + args[1]})
}
