package notices_test

import (
	"testing"

	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/notices"
)

// A school that was taken out of service after the second person's word sends nothing of
// an ordinary notice any more: neither what waits for its carrier nor what is not written.
func TestOutOfServiceBeforeItLeaves(t *testing.T) {
	both(t, func(w *world) {
		r := w.announce(closedTomorrow)
		if err := w.notices.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if w.states(r.ID)[courier.Waiting] == 0 {
			t.Fatal("no letter waits: this test tries nothing")
		}
		urgent := w.announce(notices.Wish{Text: notices.Denial, Level: notices.WholeSchool, Choice: "plain"})
		w.service = false
		w.settle()
		if got := w.states(r.ID); got[courier.Left] != 0 || got[courier.Void] == 0 {
			t.Errorf("of a school that is not in service: %v", got)
		}
		if got := w.states(urgent.ID); got[courier.Left] == 0 {
			t.Errorf("a denial leaves all the same: %v", got)
		}
	})
}
