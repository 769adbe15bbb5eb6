package directory

import (
	"bytes"
	"context"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/journal"
)

// What a hand ended, chose, added or verified stays when the same file comes again, and
// a file that changed does not bring it back.
func TestImportLeavesTheHandsAlone(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j, err := journal.New(bytes.Repeat([]byte{1}, journal.MinKey))
		if err != nil {
			t.Fatal(err)
		}
		in := incoming{source: "aaf", dialect: "aaf-2013", date: "2026-09-01",
			school: School{UAI: "0000001X", SourceKey: "1", Name: "Lycée", ShortName: "Lycee", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"},
			people: []inPerson{
				{kind: KindPupil, key: "p", last: "Benali", first: "Léa", born: "2011-05-14"},
				{kind: KindAdult, key: "a", last: "Benali", first: "Nadia", points: []inPoint{{SMS, "+33639980101", "0639980101"}, {Email, "nadia@benali.example", "nadia@benali.example"}}},
				{kind: KindAdult, key: "b", last: "Roux", first: "Ève", points: []inPoint{{SMS, "+33639980102", "0639980102"}}},
			},
			links: []inLink{{pupil: "p", adult: "a", level: Legal, consent: ConsentUnknown, raw: "1"}, {pupil: "p", adult: "b", level: Contact, consent: ConsentUnknown, raw: "2"}},
		}
		read := func() int {
			n, err := importSchool(t.Context(), db, j, in, Order{By: "test"}, then)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		read()
		var school, pupil string
		ids := map[string]string{}
		err = db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			all, err := Schools(ctx, tx)
			if err != nil {
				return err
			}
			school = all[0].ID
			var people []Person
			err = tx.NewSelect().Model(&people).Scan(ctx)
			for _, p := range people {
				ids[p.SourceKey] = p.ID
			}
			pupil = ids["p"]
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h := Hand{Journal: j, By: "a", Now: then}
		err = db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
			s, err := SchoolByID(ctx, tx, school)
			if err != nil {
				return err
			}
			all, err := points(ctx, tx, school, []string{ids["a"], ids["b"]})
			if err != nil {
				return err
			}
			for _, p := range all[ids["a"]] {
				if p.Channel == SMS {
					err = h.EndPoint(ctx, tx, school, pupil, p.ID)
				} else {
					err = h.VerifyPoint(ctx, tx, school, pupil, p.ID)
				}
				if err != nil {
					return err
				}
			}
			if err := h.Choose(ctx, tx, s, pupil, ids["b"], true); err != nil {
				return err
			}
			if _, err := h.AddPoint(ctx, tx, s, pupil, ids["b"], Email, "eve@roux.example"); err != nil {
				return err
			}
			return h.AddAdult(ctx, tx, s, pupil, NewAdult{ID: "0123456789abcdefghjk", Last: "Le Bihan", First: "Yann", Kinship: "uncle", Level: Carer})
		})
		if err != nil {
			t.Fatal(err)
		}
		told := func() (out []string) {
			err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				rs, _, err := MayBeTold(ctx, tx, school, pupil, then)
				for _, r := range rs {
					for _, p := range r.Points {
						out = append(out, p.Address)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		want := []string{"nadia@benali.example", "eve@roux.example", "+33639980102"}
		check := func(when string) {
			got := told()
			if len(got) != len(want) {
				t.Fatalf("%s: %v, want %v", when, got, want)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("%s: %v, want %v", when, got, want)
				}
			}
		}
		check("by hand")
		if n := read(); n != 0 {
			t.Errorf("the same file changed %d rows", n)
		}
		check("the same file again")
		in.people[1].first, in.links[1].raw = "Nadia Samira", "2 bis"
		if n := read(); n != 2 {
			t.Errorf("the file of the next week changed %d rows, want 2", n)
		}
		check("the next week's file")
		// STOP: the file still has the number, loses it, has it again and gives it to
		// somebody else; nothing more goes there.
		err = db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
			stopped, err := StopAddress(ctx, tx, school, SMS, "+33639980102", "stop", then)
			if len(stopped) != 1 {
				t.Errorf("stopped %+v", stopped)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		want = want[:2]
		number := in.people[2].points
		for _, now := range []struct {
			when string
			a, b []inPoint
		}{
			{"the file still has it", in.people[1].points, number},
			{"the file has lost it", in.people[1].points, nil},
			{"the file has it again", in.people[1].points, number},
			{"the file gives it to the mother too", append(in.people[1].points, number...), number},
		} {
			in.people[1].points, in.people[2].points = now.a, now.b
			read()
			check(now.when)
		}
	})
}
