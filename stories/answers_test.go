package stories

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/preau-ent/preau/internal/courier"
)

// The verbs of families' answers.
var _ = func() bool {
	verbs["site"] = told((*world).site)
	verbs["answer"] = told((*world).answer)
	verbs["reads"] = reads
	return true
}()

// site URL: the program ends and starts again, and knows the address at which families
// reach it.
func (w *world) site(_ *testscript.TestScript, args []string) error {
	w.close()
	w.config.URL = args[0]
	return w.open()
}

var inMessage = regexp.MustCompile(`/r/[0-9A-Z]{15}\b`)

// link is the path behind the last absence message to somebody by a channel.
func (w *world) link(person, channel string) (string, error) {
	for _, l := range w.recent() {
		if l.Person == person && string(l.Channel) == channel && l.Kind == courier.Absence {
			if path := inMessage.FindString(l.Body); path != "" {
				return path, nil
			}
			return "", fmt.Errorf("no link in: %s", l.Body)
		}
	}
	return "", fmt.Errorf("no message to %s by %s", person, channel)
}

// answer PERSON CHANNEL FIELD=VALUE…: whoever holds that person's telephone opens the
// link of the last message and sends its form.
func (w *world) answer(_ *testscript.TestScript, args []string) error {
	path, err := w.link(args[0], args[1])
	if err != nil {
		return err
	}
	form := url.Values{}
	for _, f := range args[2:] {
		k, v, _ := strings.Cut(f, "=")
		form.Set(k, v)
	}
	status, text, err := body(http.PostForm(w.server.URL+path, form))
	if err != nil || status != http.StatusOK {
		return errors.Join(err, fmt.Errorf("the answer: %d\n%s", status, plain(text)))
	}
	return w.app.Settle(context.Background())
}

// reads PERSON CHANNEL REGEXP…: the page behind that person's link says all of that; with
// !, none of it.
func reads(ts *testscript.TestScript, neg bool, args []string) {
	w := ts.Value(worldKey{}).(*world)
	path, err := w.link(args[0], args[1])
	if err != nil {
		ts.Fatalf("%v", err)
	}
	status, text, err := body(http.Get(w.server.URL + path))
	if err != nil || status != http.StatusOK {
		ts.Fatalf("%s: %d %v", path, status, err)
	}
	for _, want := range args[2:] {
		if regexp.MustCompile(want).MatchString(plain(text)) == neg {
			ts.Fatalf("%s (expected not to read: %v): %q in\n%s", path, neg, want, plain(text))
		}
	}
}
