package app

import "testing"

// A drill's database is a file, or at an address that can be nobody else's.
func TestNearby(t *testing.T) {
	for source, want := range map[string]bool{
		"sqlite:/var/lib/preau/preau.db":                   true,
		"postgres://preau@127.0.0.1:5432/preau":            true,
		"postgres://preau@[::1]/preau":                     true,
		"postgres://preau@localhost/preau":                 false, // a name is whatever somebody made it
		"postgres://preau@db.region.example/preau":         false,
		"postgres://preau@127.0.0.1/preau?host=db.example": false,
		"postgres:///preau?host=/run/postgresql":           false,
		"host=127.0.0.1 dbname=preau":                      false,
		"postgres://127.0.0.1,db.region.example/preau":     false,
	} {
		if got := nearby(source); got != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}
