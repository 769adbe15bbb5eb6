package directory

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// What somebody verified, corrected or chose by hand stays while the file does not
// change it; where the file says otherwise the office is asked, once.
func TestAnImportAsksWhereItContradictsAHand(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j := aJournal(t)
		mobile := []inPoint{{SMS, "+33639980101", "0639980101"}}
		in := incoming{source: "aaf", dialect: "aaf-2013", date: "2026-09-01",
			school: School{UAI: "0000001X", SourceKey: "1", Name: "Lycée", ShortName: "Lycee", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"},
			people: []inPerson{
				{kind: KindPupil, key: "p", last: "Benali", first: "Léa"},
				{kind: KindAdult, key: "a", last: "Benali", first: "Nadia", points: mobile},
				{kind: KindAdult, key: "b", last: "Roux", first: "Ève", points: []inPoint{{SMS, "+33639980102", "0639980102"}}},
			},
			links: []inLink{{pupil: "p", adult: "a", level: Legal, consent: ConsentUnknown, raw: "1"}, {pupil: "p", adult: "b", level: Contact, consent: ConsentUnknown, raw: "2"}},
		}
		now := then
		read := func() {
			t.Helper()
			now = now.Add(time.Hour)
			if _, err := importSchool(t.Context(), db, j, in, Order{By: "test", AcceptLoss: true}, now); err != nil {
				t.Fatal(err)
			}
		}
		read()
		var s School
		ids := map[string]string{}
		inside := func(fn func(ctx context.Context, tx database.Tx) error) {
			t.Helper()
			if err := db.InSchool(t.Context(), s.ID, fn); err != nil {
				t.Fatal(err)
			}
		}
		err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
			if s, err = schoolByUAI(ctx, tx, "0000001X"); err != nil {
				return err
			}
			var people []Person
			err = tx.NewSelect().Model(&people).Scan(ctx)
			for _, p := range people {
				ids[p.SourceKey] = p.ID
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		pointOf := func(person, address string) (out ContactPoint) {
			t.Helper()
			inside(func(ctx context.Context, tx database.Tx) error {
				all, err := points(ctx, tx, s.ID, []string{ids[person]})
				for _, p := range all[ids[person]] {
					if p.Address == address {
						out = p
					}
				}
				return err
			})
			return out
		}
		tasks := func() (out []string) {
			t.Helper()
			inside(func(ctx context.Context, tx database.Tx) error {
				open, err := OpenTasks(ctx, tx, s.ID)
				for _, k := range open {
					out = append(out, k.Kind)
				}
				return err
			})
			slices.Sort(out)
			return out
		}
		want := func(when string, kinds ...string) {
			t.Helper()
			if got := tasks(); !slices.Equal(got, kinds) {
				t.Fatalf("%s: asked %v, want %v", when, got, kinds)
			}
		}
		h := Hand{Journal: j, By: "office", Now: then}

		// Verified: it stays so through imports.
		verified := pointOf("a", "+33639980101")
		inside(func(ctx context.Context, tx database.Tx) error {
			if err := h.VerifyPoint(ctx, tx, s.ID, ids["p"], verified.ID); err != nil {
				return err
			}
			return h.Choose(ctx, tx, s, ids["p"], ids["b"], true)
		})
		read()
		in.people[1].first = "Nadia Samira"
		read()
		if p := pointOf("a", "+33639980101"); p.VerifiedAt.IsZero() || !p.EndedAt.IsZero() {
			t.Fatalf("verified, and the import made it %+v", p)
		}
		want("the same file, and another first name")

		// The file drops the verified number, and has it again: nobody verified it since.
		in.people[1].points = nil
		read()
		want("a verified number gone", TaskVerifiedGone)
		read()
		want("the same again", TaskVerifiedGone)
		in.people[1].points = mobile
		read()
		if p := pointOf("a", "+33639980101"); !p.VerifiedAt.IsZero() || !p.EndedAt.IsZero() {
			t.Fatalf("back after it was gone: %+v", p)
		}

		// Corrected by hand: the file keeps the wrong number, then has a third one.
		inside(func(ctx context.Context, tx database.Tx) error {
			if err := h.EndPoint(ctx, tx, s.ID, ids["p"], verified.ID); err != nil {
				return err
			}
			_, err := h.AddPoint(ctx, tx, s, ids["p"], ids["a"], SMS, "06 39 98 01 09")
			return err
		})
		read()
		if p := pointOf("a", "+33639980101"); p.EndedAt.IsZero() {
			t.Fatal("the import brought back what a hand ended")
		}
		want("corrected, and the file is as before", TaskVerifiedGone)
		in.people[1].points = []inPoint{{SMS, "+33639980103", "0639980103"}, {Email, "n@benali.example", "n@benali.example"}}
		read()
		if p := pointOf("a", "+33639980109"); !p.EndedAt.IsZero() || p.Source != ByHand {
			t.Fatalf("the correction is lost: %+v", p)
		}
		want("a third number", TaskFileDiffers, TaskVerifiedGone)

		// Chosen: the file no longer has the link.
		in.links = in.links[:1]
		read()
		want("a chosen contact gone", TaskChoiceEnded, TaskFileDiffers, TaskVerifiedGone)
	})
}
