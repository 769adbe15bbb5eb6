package oneroster_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/directory/internal/oneroster"
	"github.com/preau-ent/preau/internal/directory/internal/oneroster/onerostertest"
)

// FuzzRead gives any bytes as the users and as the roles of a roster whose other files
// are sound.
func FuzzRead(f *testing.F) {
	for i, size := range []onerostertest.Size{{Schools: 1, Pupils: 3, Staff: 2, Version: "1.2"}, {Schools: 2, Pupils: 2, Staff: 1, Version: "1.2", Misspelled: true, BOM: true, CRLF: true}} {
		files, _ := onerostertest.Generate(uint64(i), size)
		f.Add(files["users.csv"], files["roles.csv"])
	}
	sound := small("1.2")
	f.Add(sound["users.csv"], sound["roles.csv"])
	for _, text := range []string{"", "\"", "a\"b,c", "\ufeff", "sourcedId;status\n\"a\"\"b\";", "PK\x03\x04", "\xff\xfe", strings.Repeat(",", 500)} {
		f.Add([]byte(text), sound["roles.csv"])
	}
	f.Fuzz(func(t *testing.T, users, roles []byte) {
		files := small("1.2")
		files["users.csv"], files["roles.csv"] = users, roles
		e, refusals := read(t, files, oneroster.Options{Day: "2026-11-24"})
		for _, r := range append(refusals, e.Remarks...) {
			if r.Reason == "" || strings.Contains(r.Reason, "%!") && !bytes.Contains(users, []byte("%")) && !bytes.Contains(roles, []byte("%")) || r.Line < 0 {
				t.Errorf("refusal %+v", r)
			}
		}
		for _, s := range e.Schools {
			pupils, adults := map[string]bool{}, map[string]bool{}
			for _, p := range s.Pupils {
				if p.Key == "" || pupils[p.Key] {
					t.Errorf("pupil %+v twice or nameless", p)
				}
				pupils[p.Key] = true
			}
			for _, a := range s.Adults {
				adults[a.Key] = true
			}
			for _, l := range s.Links {
				if !pupils[l.Pupil] || !adults[l.Adult] {
					t.Errorf("link %+v leads nowhere", l)
				}
				if l.Guardian && l.Role != "guardian" && l.Role != "parent" {
					t.Errorf("a guardian by %q", l.Role)
				}
			}
		}
	})
}
