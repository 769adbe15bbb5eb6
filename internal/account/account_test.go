package account

import (
	"context"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/page"
)

// tuesday is a school day's morning, 08:00 in Paris.
var tuesday = time.Date(2027, 4, 6, 6, 0, 0, 0, time.UTC)

// cheap makes tests quick; what it weakens is not what they look at.
var cheap = Cost{Memory: 64, Passes: 1, Threads: 1}

// clock is a given clock that tests advance.
type clock struct{ now time.Time }

func (c *clock) time() time.Time       { return c.now }
func (c *clock) after(d time.Duration) { c.now = c.now.Add(d) }

const (
	lycee   = "lycee"
	college = "college"
)

// schools adds two schools with some people each.
func schools(t testing.TB, db *database.DB) {
	t.Helper()
	write(t, db, func(ctx context.Context, tx database.Tx) error {
		for _, s := range []directory.School{
			{ID: lycee, UAI: "0000001A", Name: "Lycée des Tilleuls", ShortName: "Lycee Tilleuls", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"},
			{ID: college, UAI: "0000002B", Name: "Collège du Port", ShortName: "College Port", Kind: "college", Zone: "Indian/Reunion", Region: "RE", Lang: "fr"},
		} {
			if err := directory.AddSchool(ctx, tx, s); err != nil {
				return err
			}
		}
		return directory.Add(ctx, tx, directory.Batch{People: []directory.Person{
			person(lycee, "lea", directory.KindPupil, "Léa", "Benali"),
			person(lycee, "lea-2", directory.KindPupil, "Lea", "Bénali"),
			person(lycee, "lea-3", directory.KindPupil, "LÉA", "BENALI"),
			person(lycee, "mother", directory.KindAdult, "Samira", "Benali"),
			person(lycee, "teacher", directory.KindStaff, "Jean-Noël", "N'Diaye"),
			person(lycee, "office", directory.KindStaff, "Maud", "Le Goff"),
			person(lycee, "head", directory.KindStaff, "Zoé", "Œuvrard"),
			person(college, "tom", directory.KindPupil, "Tom", "Payet"),
			person(college, "head", directory.KindStaff, "Anaïs", "Hoarau"),
		}})
	})
}

func person(school, id string, kind directory.Kind, first, last string) directory.Person {
	return directory.Person{School: school, ID: id, Kind: kind, Source: "hand", SourceKey: id, FirstName: first, LastName: last}
}

// create adds an account with a password; an empty password is none.
func create(t testing.TB, db *database.DB, a Account, password string) Account {
	t.Helper()
	a.CreatedAt = tuesday
	write(t, db, func(ctx context.Context, tx database.Tx) (err error) {
		if a, err = Create(ctx, tx, a); err != nil || password == "" {
			return err
		}
		a.Password = HashPassword(password, cheap)
		return SetPassword(ctx, tx, tuesday, a.ID, a.Password)
	})
	return a
}

func write(t testing.TB, db *database.DB, fn func(context.Context, database.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func read[T any](t testing.TB, db *database.DB, fn func(context.Context, database.Tx) (T, error)) T {
	t.Helper()
	var got T
	err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		got, err = fn(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestMayIssueCode(t *testing.T) {
	t.Parallel()
	want := map[page.Role]string{
		page.Operator:   "operator head",
		page.Head:       "head cpe secretary supervisor nurse teacher pupil guardian",
		page.CPE:        "supervisor teacher pupil guardian",
		page.Secretary:  "pupil guardian",
		page.Supervisor: "", page.Nurse: "", page.Teacher: "", page.Pupil: "", page.Guardian: "",
	}
	for by, roles := range want {
		got := ""
		for _, of := range page.Roles() {
			if mayIssueCode(by, of) {
				if got != "" {
					got += " "
				}
				got += string(of)
			}
		}
		if got != roles {
			t.Errorf("%s issues codes for %q, want %q", by, got, roles)
		}
	}
}
