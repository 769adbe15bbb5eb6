package page_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/preau-ent/preau/internal/page"
)

// A path with bytes that no id holds reaches no handler.
func TestPathsThatNoIDHolds(t *testing.T) {
	t.Parallel()
	routes := page.NewRoutes(&page.Site{Words: mustWords(t)})
	asked := 0
	routes.Handle("GET /pupils/{pupil}", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		asked++
		return nil
	})
	for path, want := range map[string]int{"/pupils/l%C3%A9a": 200, "/pupils/l%00a": 404, "/pupils/l%FFa": 404, "/%00": 404} {
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	if asked != 1 {
		t.Errorf("the handler was asked %d times", asked)
	}
}
