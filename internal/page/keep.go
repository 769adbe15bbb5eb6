package page

import "net/http"

// The headers between a page's server and the service worker of a device that its owner
// called theirs. Without the first one a worker keeps nothing.
const (
	keepHeader = "Preau-Keep" // of an answer: whose copy this page may be kept as
	copyHeader = "Preau-Copy" // of a request: it is for the copy, nobody looks at it now
)

// MayKeep lets the viewer's own device keep an encrypted copy of this page, for when there
// is no network; on every other device it does nothing.
func MayKeep(w http.ResponseWriter, r *http.Request) {
	if v, ok := ViewerFrom(r.Context()); ok && v.Personal {
		w.Header().Set(keepHeader, v.Account)
	}
}

// ForCopy tells whether a request fetches a page that nobody looks at now: it can wait.
func ForCopy(r *http.Request) bool { return r.Header.Get(copyHeader) != "" }
