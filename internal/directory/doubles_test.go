package directory

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/page"
)

// TestDoubles: what is asked about, and what is not.
func TestDoubles(t *testing.T) {
	t.Parallel()
	pupil := func(id, last, first, born string) Person {
		return Person{ID: id, Kind: KindPupil, LastName: last, FirstName: first, Born: born}
	}
	adult := func(id, last, first string) Person {
		return Person{ID: id, Kind: KindAdult, LastName: last, FirstName: first}
	}
	of := func(pupil, adult string) Link { return Link{Pupil: pupil, Adult: adult} }
	at := func(person string, c Channel, address string) ContactPoint {
		return ContactPoint{Person: person, Channel: c, Address: address}
	}
	lea, tom := pupil("p1", "Benali", "Léa", "2012-03-04"), pupil("p2", "Roux", "Tom", "2011-01-01")
	nadia, eve := adult("a1", "Benali", "Nadia"), adult("a2", "Roux", "Ève")
	for name, c := range map[string]struct {
		people []Person
		links  []Link
		points []ContactPoint
		want   []string // kind and person
	}{
		"one person under two ids, accents and hyphens": {people: []Person{pupil("p1", "Le Gall-Morvan", "Anne-Maëlle", "2012-03-04"), pupil("p2", "LE GALL MORVAN", "Anne Maelle", "2012-03-04")}, want: []string{"same-person p1"}},
		"twins":                       {people: []Person{pupil("p1", "Benali", "Léo", "2012-03-04"), pupil("p2", "Benali", "Léa", "2012-03-04")}},
		"namesakes of two days":       {people: []Person{lea, pupil("p2", "Benali", "Léa", "2012-03-05")}},
		"namesakes of no day":         {people: []Person{pupil("p1", "Benali", "Léa", ""), pupil("p2", "Benali", "Léa", "")}},
		"siblings of one account":     {people: []Person{lea, pupil("p2", "Benali", "Sami", "2013-01-01")}, points: []ContactPoint{at("p1", Email, "Famille@benali.example"), at("p2", Email, "famille@benali.example")}, want: []string{"same-account p1"}},
		"siblings of one landline":    {people: []Person{lea, pupil("p2", "Benali", "Sami", "2013-01-01")}, points: []ContactPoint{at("p1", Phone, "+33199001234"), at("p2", Phone, "+33199001234")}},
		"two households, one number":  {people: []Person{lea, tom, nadia, eve}, links: []Link{of("p1", "a1"), of("p2", "a2")}, points: []ContactPoint{at("a1", SMS, "+33639980101"), at("a2", SMS, "+33639980101")}, want: []string{"same-contact a1"}},
		"parents of one child":        {people: []Person{lea, nadia, eve}, links: []Link{of("p1", "a1"), of("p1", "a2")}, points: []ContactPoint{at("a1", SMS, "+33639980101"), at("a2", SMS, "+33639980101")}},
		"joined by a third":           {people: []Person{lea, tom, nadia, eve, adult("a3", "Roux", "Paul")}, links: []Link{of("p1", "a1"), of("p2", "a2"), of("p1", "a3"), of("p2", "a3")}, points: []ContactPoint{at("a1", SMS, "+3361"), at("a2", SMS, "+3361"), at("a3", SMS, "+3361")}},
		"an adult under two ids":      {people: []Person{lea, tom, nadia, adult("a2", "BENALI", "Nàdia")}, links: []Link{of("p1", "a1"), of("p2", "a2")}, points: []ContactPoint{at("a1", SMS, "+3361"), at("a2", SMS, "+3361"), at("a1", Email, "n@b.example"), at("a2", Email, "n@b.example")}, want: []string{"same-person a1"}},
		"a guardian who is staff too": {people: []Person{lea, nadia, {ID: "s1", Kind: KindStaff, LastName: "BENALI", FirstName: "nadia"}}, links: []Link{of("p1", "a1")}, want: []string{"staff-guardian a1"}},
		"an adult of a pupil who left": {people: []Person{tom, nadia, eve, {ID: "s1", Kind: KindStaff, LastName: "BENALI", FirstName: "nadia"}}, links: []Link{of("gone", "a1"), of("p2", "a2")},
			points: []ContactPoint{at("a1", SMS, "+33639980101"), at("a2", SMS, "+33639980101")}},
		"many of one address": {people: []Person{lea, tom, pupil("p3", "A", "A", "2012-01-01")}, points: []ContactPoint{at("p1", Email, "x@y.example"), at("p2", Email, "x@y.example"), at("p3", Email, "x@y.example")}, want: []string{"same-account p1"}},
	} {
		for range 2 { // in any order
			var got []string
			for _, d := range doublesOf(c.people, c.links, c.points) {
				got = append(got, d.kind+" "+d.person)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: %v, want %v", name, got, c.want)
			}
			slices.Reverse(c.people)
			slices.Reverse(c.points)
		}
	}
}

// TestDoublesBecomeTasks: an import asks once; what somebody closed with a reason stays
// closed while nothing changed; what the file mended closes itself; nobody is told more.
func TestDoublesBecomeTasks(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j, now := aJournal(t), then
		phone := func(s string) []inPoint { return []inPoint{{SMS, s, s}} }
		in := incoming{source: "siecle", dialect: "siecle-after-2018", date: "2026-09-01",
			school: School{UAI: "0000001X", SourceKey: "1", Name: "Lycée", ShortName: "Lycee", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"},
			people: []inPerson{
				{kind: KindPupil, key: "p1", last: "Benali", first: "Léa", born: "2012-03-04"}, {kind: KindPupil, key: "p2", last: "BENALI", first: "Lea", born: "2012-03-04"},
				{kind: KindAdult, key: "a1", last: "Benali", first: "Nadia", points: phone("+33639980101")}, {kind: KindAdult, key: "a2", last: "Roux", first: "Ève", points: phone("+33639980101")},
			},
			links: []inLink{{pupil: "p1", adult: "a1", level: Legal, consent: ConsentUnknown, raw: "1"}, {pupil: "p2", adult: "a2", level: Legal, consent: ConsentUnknown, raw: "1"}},
		}
		school := ""
		read := func(want ...string) (tasks []Task) {
			t.Helper()
			now = now.Add(time.Hour)
			if _, err := importSchool(t.Context(), db, j, in, Order{By: "test", AcceptLoss: true}, now); err != nil {
				t.Fatal(err)
			}
			if changed, err := importSchool(t.Context(), db, j, in, Order{By: "test", AcceptLoss: true}, now); err != nil || changed != 0 {
				t.Fatalf("the same files again change %d: %v", changed, err)
			}
			err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
				s, err := schoolByUAI(ctx, tx, "0000001X")
				if err != nil {
					return err
				}
				school = s.ID
				tasks, err = OpenTasks(ctx, tx, s.ID)
				return err
			})
			var got []string
			for _, k := range tasks {
				got = append(got, k.Kind)
			}
			slices.Sort(got)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("tasks %v, want %v: %v", got, want, err)
			}
			return tasks
		}
		shut := func(k Task, reason string) error {
			return db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
				return Hand{Journal: j, By: "o", Now: now}.CloseTask(ctx, tx, school, k.ID, page.Secretary, reason)
			})
		}
		tasks := read(TaskSameContact, TaskSamePerson)
		for _, k := range tasks {
			if err := shut(k, "  "); !errors.Is(err, errReason) {
				t.Errorf("closed without a reason: %v", err)
			}
			if err := shut(k, "demi-sœurs, vérifié au téléphone"); err != nil {
				t.Fatal(err)
			}
		}
		read()
		in.people[3].points = phone("+33639980102") // mended…
		read()
		in.people[2].points = phone("+33639980102") // …and two others are one again
		tasks = read(TaskSameContact)
		if tasks[0].Detail == "" || tasks[0].Reason != "" {
			t.Errorf("%+v", tasks[0])
		}
		in.people[2].points = phone("+33639980103")
		read() // the file mended it: nobody has to close it
		in.people[2].points = phone("+33639980102")
		read(TaskSameContact) // nobody ever said that it is right
		if err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
			n, err := tx.NewSelect().Model((*Task)(nil)).Where("t.school = ? AND t.reason = ?", school, "demi-sœurs, vérifié au téléphone").Count(ctx)
			if n != 2 {
				t.Errorf("%d reasons are kept", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
