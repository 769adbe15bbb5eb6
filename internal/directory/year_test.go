package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
)

// A year of one school: a class change, an arrival, somebody who leaves and comes back, an
// announced departure, the next year's classes. On each day the class of that day is what
// it was, also when it is asked for later; who left is nobody's to tell about; who comes
// back is the same person; and the same file twice changes nothing.
func TestAYearOfChanges(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j := aJournal(t)
		at := func(day string) time.Time {
			d, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}
			return d.Add(9 * time.Hour)
		}
		// file is what the school's file says: pupils with their class. Pupil x has the
		// guardian gx with one number; lea and tom are siblings.
		file := func(class map[string]string) incoming {
			in := incoming{source: "siecle", dialect: "siecle", school: School{UAI: "0000001X", SourceKey: "1", Name: "Collège", ShortName: "College", Kind: "college", Zone: "Europe/Paris", Region: "FR", Lang: "fr"}}
			of := map[string][]string{}
			var keys []string
			for key := range class {
				keys = append(keys, key)
			}
			slices.Sort(keys)
			seen := map[string]bool{}
			for i, key := range keys {
				name, leaves, _ := strings.Cut(key, "@")
				in.people = append(in.people, inPerson{kind: KindPupil, key: name, last: "Benali", first: name, born: "2014-05-14", leaves: leaves})
				guardian := "g" + name
				if name == "tom" {
					guardian = "glea"
				}
				if !seen[guardian] {
					seen[guardian] = true
					in.people = append(in.people, inPerson{kind: KindAdult, key: guardian, last: "Benali", first: guardian, points: []inPoint{{SMS, fmt.Sprintf("+3363998010%d", i), "06"}}})
				}
				in.links = append(in.links, inLink{pupil: name, adult: guardian, level: Legal, consent: ConsentUnknown})
				of[class[key]] = append(of[class[key]], name)
			}
			for _, label := range []string{"6A", "6B", "5A", "5B"} {
				if len(of[label]) > 0 {
					in.groups = append(in.groups, inGroup{kind: "class", code: label, label: label, pupils: of[label]})
				}
			}
			return in
		}
		take := func(day string, class map[string]string) {
			t.Helper()
			for n := range 2 {
				changed, err := importSchool(t.Context(), db, j, file(class), Order{By: "test", AcceptLoss: true}, at(day).Add(time.Duration(n)*time.Minute))
				if err != nil || n == 1 && changed != 0 {
					t.Fatalf("%s, time %d: %d rows, %v", day, n+1, changed, err)
				}
			}
		}
		ids := map[string]string{}
		read := func(f func(ctx context.Context, tx database.Tx, school string) error) {
			t.Helper()
			err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				s, err := schoolByUAI(ctx, tx, "0000001X")
				if err != nil {
					return err
				}
				var people []Person
				if err := tx.NewSelect().Model(&people).Scan(ctx); err != nil {
					return err
				}
				for _, p := range people {
					if was := ids[p.SourceKey]; was != "" && was != p.ID {
						t.Errorf("%s is another person now", p.SourceKey)
					}
					ids[p.SourceKey] = p.ID
				}
				return f(ctx, tx, s.ID)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		inClass := func(day, label, want string) {
			t.Helper()
			read(func(ctx context.Context, tx database.Tx, school string) error {
				groups, err := Groups(ctx, tx, school)
				if err != nil {
					return err
				}
				for _, g := range groups {
					if g.Label != label {
						continue
					}
					pupils, err := GroupPupils(ctx, tx, school, []string{g.ID}, day)
					if err != nil {
						return err
					}
					var names []string
					for _, p := range pupils {
						names = append(names, p.FirstName)
					}
					slices.Sort(names)
					if got := strings.Join(names, " "); got != want {
						t.Errorf("on %s %s is %q, want %q", day, label, got, want)
					}
					return nil
				}
				t.Errorf("there is no %s", label)
				return nil
			})
		}
		told := func(day, pupil, want string) {
			t.Helper()
			read(func(ctx context.Context, tx database.Tx, school string) error {
				all, _, err := MayBeTold(ctx, tx, school, ids[pupil], at(day))
				var names []string
				for _, r := range all {
					names = append(names, fmt.Sprint(r.Person.FirstName, len(r.Points)))
				}
				if got := strings.Join(names, " "); got != want {
					t.Errorf("on %s told of %s: %q, want %q", day, pupil, got, want)
				}
				return err
			})
		}

		take("2026-09-01", map[string]string{"lea": "6A", "noe": "6A", "tom": "6B", "zoe": "6B"})
		inClass("2026-09-01", "6A", "lea noe")
		inClass("2026-08-31", "6A", "lea noe") // the first file says nothing of when

		take("2026-11-10", map[string]string{"lea": "6A", "noe": "6B", "tom": "6B", "zoe": "6B"}) // noe changes
		inClass("2026-11-09", "6A", "lea noe")
		inClass("2026-11-09", "6B", "tom zoe")
		inClass("2026-11-10", "6A", "lea")
		inClass("2026-11-10", "6B", "noe tom zoe")

		take("2027-01-12", map[string]string{"ada": "6A", "lea": "6A", "noe": "6B", "tom": "6B", "zoe": "6B"}) // ada arrives
		inClass("2027-01-11", "6A", "lea")
		inClass("2027-01-12", "6A", "ada lea")
		told("2027-01-12", "ada", "gada1")

		take("2027-02-02", map[string]string{"ada": "6A", "noe": "6B", "tom": "6B", "zoe@2027-03-01": "6B"}) // lea left, zoe will
		inClass("2027-02-02", "6A", "ada")
		told("2027-02-02", "lea", "")
		told("2027-02-02", "tom", "glea1") // the sibling's guardian is there for tom
		told("2027-02-28", "zoe", "gzoe1")
		inClass("2027-02-28", "6B", "noe tom zoe")
		inClass("2027-03-01", "6B", "noe tom")

		take("2027-02-10", map[string]string{"ada": "6A", "noe": "6B", "tom": "6B"}) // zoe left earlier than announced
		inClass("2027-02-10", "6B", "noe tom")
		told("2027-02-10", "zoe", "")

		take("2027-03-15", map[string]string{"ada": "6A", "lea": "6A", "noe": "6B", "tom": "6B", "zoe": "6B"}) // both come back
		inClass("2027-03-15", "6A", "ada lea")
		told("2027-03-15", "lea", "glea1")
		told("2027-03-15", "zoe", "gzoe1")

		take("2027-08-30", map[string]string{"ada": "5A", "lea": "5B", "noe": "5B", "tom": "5A", "new": "6A"}) // the next year
		for label, want := range map[string]string{"6A": "new", "6B": "", "5A": "ada tom", "5B": "lea noe"} {
			inClass("2027-08-30", label, want)
		}
		inClass("2027-08-29", "5A", "")
		inClass("2027-08-29", "6B", "noe tom zoe")
		told("2027-08-30", "new", "gnew1")
		told("2027-08-30", "zoe", "")
		read(func(ctx context.Context, tx database.Tx, school string) error {
			r, err := ReadinessOf(ctx, tx, school, at("2027-08-30"))
			if r.Pupils != 5 || r.Classes != 4 || len(r.Empty) != 1 || r.Empty[0].Label != "6B" || len(r.NoClass) != 0 || len(r.Guardians) != 4 {
				t.Errorf("ready: %+v", r)
			}
			return err
		})
	})
}
