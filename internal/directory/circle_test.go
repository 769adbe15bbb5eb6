package directory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
)

// The page says what MayBeTold says: the same people, in the same order, by the same
// contact points.
func TestCircleIsMayBeTold(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		town := fictional.School(3, fictional.Options{Pupils: 120, Tuesday: tuesday})
		// Two guardians, one number.
		for _, c := range town.Rows.Contacts {
			if c.Person == town.Cast.Nadia && c.Channel == directory.SMS {
				c.ID, c.Person = "shared", town.Cast.Karim
				town.Rows.Contacts = append(town.Rows.Contacts, c)
				break
			}
		}
		if err := fictional.Save(t.Context(), db, town); err != nil {
			t.Fatal(err)
		}
		seen := map[directory.PointReason]int{}
		err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			pupils, err := directory.Of(ctx, tx, town.School.ID, directory.KindPupil, "2026-11-24")
			if err != nil {
				return err
			}
			if len(pupils) < 100 {
				t.Fatalf("only %d pupils", len(pupils))
			}
			for _, p := range pupils {
				told, not, err := directory.MayBeTold(ctx, tx, town.School.ID, p.ID, tuesday)
				if err != nil {
					return err
				}
				var want, got []string
				written := map[string]bool{}
				for _, r := range told {
					one := r.Person.ID
					for _, pt := range r.Points {
						if a := string(pt.Channel) + pt.Address; !written[a] { // as the alert does
							written[a] = true
							one += " " + pt.ID
						}
					}
					want = append(want, one)
				}
				for _, court := range []bool{true, false} {
					c, err := directory.CircleOf(ctx, tx, town.School.ID, p.ID, tuesday, court)
					if err != nil {
						return err
					}
					got = nil
					for _, n := range c.Told() {
						one := n.Person.ID
						for _, pt := range n.Used() {
							one += " " + pt.ID
						}
						got = append(got, one)
						for _, pt := range n.Points {
							seen[pt.Why]++
						}
					}
					if !slices.Equal(got, want) {
						t.Errorf("pupil %s: the page says %v, MayBeTold %v", p.ID, got, want)
					}
					if n := len(c.Near) - len(c.Told()) + len(c.Gone); n != len(not) {
						t.Errorf("pupil %s: %d are not told, MayBeTold says %d", p.ID, n, len(not))
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, why := range []directory.PointReason{directory.PointUsable, directory.PointVoiceOnly, directory.PointNoConsent, directory.PointSame} {
			if seen[why] == 0 {
				t.Errorf("no contact point of the town is %q", why)
			}
		}
	})
}

func TestListPupils(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		list := func(a directory.Asked) (names []string, l directory.List) {
			err := h.db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
				l, err = directory.ListPupils(ctx, tx, "alice-guy", tuesday, a)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range l.Pupils {
				names = append(names, c.Pupil.ID)
			}
			return names, l
		}
		for typed, want := range map[string]string{
			"": "lea sami nora ewen grown awa malo", "lea": "lea", "LÉA": "lea", "benali": "lea sami", "ben le": "lea", "le ben": "lea",
			"floc'h": "ewen", "floch": "", "h": "nora ewen", "zzz": "", "sangare": "awa", "' OR 1=1 --": "", "%": "lea sami nora ewen grown awa malo", "Lointain": "",
		} {
			if got, _ := list(directory.Asked{Name: typed}); strings.Join(got, " ") != want {
				t.Errorf("%q finds %v, want %s", typed, got, want)
			}
		}
		if got, _ := list(directory.Asked{Class: "1re5"}); strings.Join(got, " ") != "sami grown" {
			t.Errorf("the class has %v", got)
		}
		for _, class := range []string{"far-class", "no-such"} {
			if got, _ := list(directory.Asked{Class: class}); len(got) != 0 {
				t.Errorf("class %s shows %v", class, got)
			}
		}
		if got, l := list(directory.Asked{Silent: true}); strings.Join(got, " ") != "awa" || l.N != 1 {
			t.Errorf("without a message: %v", got)
		}
		if got, _ := list(directory.Asked{Silent: true, Name: "lea"}); len(got) != 0 {
			t.Errorf("Léa without a message: %v", got)
		}
		// Twelve hundred pupils come fifty at a time.
		var many []directory.Person
		for i := range 1200 {
			id := fmt.Sprintf("many-%04d", i)
			many = append(many, directory.Person{School: "alice-guy", ID: id, Kind: directory.KindPupil, Source: "x", SourceKey: id, LastName: "Nombreux", FirstName: fmt.Sprintf("N%04d", i)})
		}
		h.in(t, func(ctx context.Context, tx database.Tx) error {
			return directory.Add(ctx, tx, directory.Batch{People: many})
		})
		for asked, want := range map[int]int{-5: 1, 0: 1, 1: 1, 25: 25, 26: 25, 1 << 40: 25} {
			_, l := list(directory.Asked{Page: asked})
			if l.N != 1207 || l.Pages != 25 || l.Asked.Page != want || len(l.Pupils) > directory.PerPage {
				t.Errorf("page %d: %d found, %d pages, page %d with %d", asked, l.N, l.Pages, l.Asked.Page, len(l.Pupils))
			}
		}
		if _, l := list(directory.Asked{Silent: true, Page: 99}); l.N != 1201 || l.Pages != 25 || len(l.Pupils) != 1 {
			t.Errorf("without a message: %d on %d pages, the last has %d", l.N, l.Pages, len(l.Pupils))
		}
		if got, l := list(directory.Asked{Name: "nombreux n1199"}); len(got) != 1 || l.Pages != 1 {
			t.Errorf("found %v", got)
		}
	})
}

func TestWritePhone(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{{"+33639980102", "FR", "06 39 98 01 02"}, {"+32470123456", "FR", "+32 470 12 34 56"}, {"+14185550123", "CA", "(418) 555-0123"}, {"???", "FR", "???"}} {
		if got := directory.WritePhone(c[0], c[1]); got != c[2] {
			t.Errorf("%s in %s is %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
