package page

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A page for whoever opens a link is in the language of the message, unless another was
// chosen in this browser.
func TestForReader(t *testing.T) {
	reunion, err := time.LoadLocation("Indian/Reunion")
	if err != nil {
		t.Fatal(err)
	}
	words, err := NewWords()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ accept, cookie, lang, want string }{
		{"fr", "", "en", "en"},
		{"en", "", "fr", "fr"},
		{"en", "", "ar", "en"},
		{"en", "", "", "en"},
		{"en", "fr", "en", "fr"},
		{"en", "xx", "fr", "fr"},
	} {
		rs := NewRoutes(&Site{Words: words})
		var lang, hour string
		rs.Handle("GET /x", Anyone(), func(w http.ResponseWriter, r *http.Request) error {
			r = ForReader(r, c.lang, reunion)
			lang, hour = Lang(r.Context()), Hour(r.Context(), time.Date(2026, 11, 24, 8, 5, 0, 0, time.UTC))
			return nil
		})
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Accept-Language", c.accept)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: languageCookie, Value: c.cookie})
		}
		rs.ServeHTTP(httptest.NewRecorder(), r)
		if lang != c.want || Plain(hour) != map[string]string{"fr": "12 h 05", "en": "12:05"}[c.want] {
			t.Errorf("%+v: %s, %s", c, lang, hour)
		}
	}
}
