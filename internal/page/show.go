package page

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// Show renders c completely, then sends it with that status: an error while
// rendering leaves nothing half sent, and the handler can return it.
func Show(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		return fmt.Errorf("render %s: %w", r.Pattern, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	// The visitor may be gone; that is not our failure and cannot be mended.
	_, _ = w.Write(b.Bytes())
	return nil
}

// See answers a POST that was done: the browser goes and gets path, so that
// reloading repeats nothing. path is local; anything else becomes "/".
func See(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, Local(path), http.StatusSeeOther)
	return nil
}

// Local returns path when it leads to a page of this site, and "/" for
// everything that a browser could take for another host ("//host", "/\host",
// "https:…", control characters). Use it on every address that came with a
// request.
func Local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\") {
		return "/"
	}
	for _, c := range path {
		if c < 0x20 || c == 0x7f {
			return "/"
		}
	}
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" {
		return "/"
	}
	return path
}
