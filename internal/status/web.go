package status

import (
	"net/http"

	"github.com/preau-ent/preau/internal/page"
)

// Register mounts the public page and its feed, from memory, and the pages of whoever
// writes.
func (s *Status) Register(routes *page.Routes) {
	memory := page.FromMemory()
	routes.Handle("GET /etat", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		return s.serve(w, r, "/"+language(r))
	}, memory)
	routes.Handle("GET /etat.atom", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		return s.serve(w, r, "/atom/"+language(r))
	}, memory)
	routes.Handle("GET /status", page.Anyone(), func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, "/etat", http.StatusMovedPermanently)
		return nil
	}, memory)
	s.registerIncidents(routes)
	s.registerHere(routes)
}

// language is what the address says, else what the visitor's browser or cookie does.
func language(r *http.Request) string {
	for _, lang := range page.Languages() {
		if r.URL.Query().Get("lang") == lang {
			return lang
		}
	}
	return page.Lang(r.Context())
}
