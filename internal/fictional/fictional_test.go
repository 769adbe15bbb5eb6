package fictional_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/fictional"
	"github.com/preau-ent/preau/internal/timetable"
)

func TestSameSeedSameTown(t *testing.T) {
	t.Parallel()
	a, b := fictional.School(7, fictional.Options{}), fictional.School(7, fictional.Options{})
	if !reflect.DeepEqual(a, b) {
		t.Fatal("the same seed made two towns")
	}
	if c := fictional.School(8, fictional.Options{}); reflect.DeepEqual(a.Rows.People, c.Rows.People) {
		t.Fatal("another seed made the same people")
	}
	longer := fictional.School(7, fictional.Options{Weeks: 3})
	if !reflect.DeepEqual(a.Rows, longer.Rows) {
		t.Fatal("one more week of timetable changed the people")
	}
}

func TestDemoSize(t *testing.T) {
	t.Parallel()
	for seed := range int64(5) {
		town := fictional.School(seed, fictional.Options{})
		n := map[string]int{}
		for _, p := range town.Rows.People {
			n[string(p.Kind)]++
		}
		guardians := map[string]bool{}
		for _, l := range town.Rows.Links {
			if l.Level != directory.Contact {
				guardians[l.Adult] = true
			}
		}
		n["guardians"] = len(guardians)
		for _, g := range town.Rows.Groups {
			n[g.Kind]++
		}
		tuesday := 0
		for _, s := range town.Sittings {
			if s.Day == "2026-11-24" && s.Groups[0] == town.Cast.Class {
				tuesday++
			}
		}
		n["decisions"], n["objections"] = len(town.Rows.Decisions), len(town.Rows.Objections)
		for what, want := range map[string][2]int{
			"pupil": {1200, 1200}, "guardians": {1800, 2050}, "class": {40, 40}, "staff": {100, 120},
			"decisions": {3, 3}, "objections": {3, 3},
		} {
			if n[what] < want[0] || n[what] > want[1] {
				t.Errorf("seed %d: %d %s, want %d to %d", seed, n[what], what, want[0], want[1])
			}
		}
		if seed == 0 {
			t.Logf("%v, %d sittings, %d contacts, %d links, %d members", n, len(town.Sittings), len(town.Rows.Contacts), len(town.Rows.Links), len(town.Rows.Members))
		}
	}
}

// sizes are those that the invariants are tested with.
func sizes() []int { return []int{10, 11, 31, 61, 95, 400, fictional.DemoPupils, 2_000} }

func TestNobodyIsInTwoPlaces(t *testing.T) {
	t.Parallel()
	for _, pupils := range sizes() {
		for seed := range int64(2) {
			town := fictional.School(seed, fictional.Options{Pupils: pupils})
			groupsOf := map[string][]string{}
			for _, m := range town.Rows.Members {
				groupsOf[m.Grp] = append(groupsOf[m.Grp], m.Person)
			}
			busy := map[string]string{}
			hours := map[string]int{}
			for _, s := range town.Sittings {
				who := []string{"room " + s.Room, s.Staff[0].Person}
				for _, g := range s.Groups {
					who = append(who, groupsOf[g]...)
				}
				for _, p := range who {
					key := s.StartsAt.String() + p
					if other, ok := busy[key]; ok {
						t.Fatalf("%d pupils, seed %d: %s is in %s and %s at %s", pupils, seed, p, other, s.ID, s.StartsAt)
					}
					busy[key] = s.ID
					hours[p]++
				}
			}
			for _, p := range town.Rows.People {
				if p.Kind == directory.KindPupil && hours[p.ID] != 2*28 {
					t.Fatalf("%d pupils, seed %d: a pupil has %d hours in two weeks, want 56", pupils, seed, hours[p.ID])
				}
			}
		}
	}
}

func TestEveryPupilHasOneClassAndSomebody(t *testing.T) {
	t.Parallel()
	for _, pupils := range sizes() {
		town := fictional.School(3, fictional.Options{Pupils: pupils})
		class := map[string]bool{}
		for _, g := range town.Rows.Groups {
			class[g.ID] = g.Kind == "class"
		}
		classes, size := map[string]int{}, map[string]int{}
		for _, m := range town.Rows.Members {
			size[m.Grp]++
			if class[m.Grp] {
				classes[m.Person]++
			}
		}
		legal := map[string]int{}
		for _, l := range town.Rows.Links {
			if l.Level == directory.Legal {
				legal[l.Pupil]++
			}
		}
		n := 0
		for _, p := range town.Rows.People {
			if p.Kind != directory.KindPupil {
				continue
			}
			n++
			if classes[p.ID] != 1 || legal[p.ID] == 0 || legal[p.ID] > 2 {
				t.Fatalf("a pupil has %d classes and %d legal representatives", classes[p.ID], legal[p.ID])
			}
		}
		if n != pupils {
			t.Fatalf("%d pupils, want %d", n, pupils)
		}
		for g, k := range size {
			if k > 36 {
				t.Fatalf("group %s has %d pupils: more than the roll's 36", g, k)
			}
		}
	}
}

func TestNothingCanBeReached(t *testing.T) {
	t.Parallel()
	for _, pupils := range []int{fictional.DemoPupils, 6_000} {
		town := fictional.School(1, fictional.Options{Pupils: pupils})
		mobiles := map[string]int{}
		for _, c := range town.Rows.Contacts {
			switch c.Channel {
			case directory.Email:
				if !strings.HasSuffix(c.Address, ".example") || strings.ContainsFunc(c.Address, func(r rune) bool { return r > 127 || r == ' ' }) {
					t.Fatalf("mail address %q", c.Address)
				}
			case directory.SMS:
				mobiles[c.Address]++
				n, err := strconv.Atoi(strings.TrimPrefix(c.Address, "+3363998"))
				if err != nil || len(c.Address) != 12 || n < 100 || n > 9999 {
					t.Fatalf("mobile number %q outside 06 39 98 01 00 to 06 39 98 99 99", c.Address)
				}
				if "+33"+strings.ReplaceAll(c.Raw, " ", "")[1:] != c.Address {
					t.Fatalf("%q is not %q", c.Raw, c.Address)
				}
			case directory.Phone:
				if !strings.HasPrefix(c.Address, "+3319900") || len(c.Address) != 12 {
					t.Fatalf("landline %q outside 01 99 00", c.Address)
				}
			}
		}
		if pupils == fictional.DemoPupils {
			shared := 0
			for _, n := range mobiles {
				if n > 1 {
					shared++
				}
			}
			if shared < 5 || shared > 80 {
				t.Errorf("%d numbers are of two people; want some, not many", shared)
			}
		}
	}
}

func TestWhatIsDifficultIsThere(t *testing.T) {
	t.Parallel()
	town := fictional.School(1, fictional.Options{})
	people := map[string]directory.Person{}
	for _, p := range town.Rows.People {
		people[p.ID] = p
	}
	points := map[string]map[directory.Channel]int{}
	for _, c := range town.Rows.Contacts {
		if points[c.Person] == nil {
			points[c.Person] = map[directory.Channel]int{}
		}
		points[c.Person][c.Channel]++
	}
	found := map[string]int{}
	children := map[string]int{}
	for _, l := range town.Rows.Links {
		children[l.Adult]++
		p := points[l.Adult]
		for what, is := range map[string]bool{
			"carer chosen":       l.Level == directory.Carer && !l.ChosenAt.IsZero(),
			"contact not chosen": l.Level == directory.Contact && l.ChosenAt.IsZero(),
			"contact chosen":     l.Level == directory.Contact && !l.ChosenAt.IsZero(),
			"no SMS consent":     l.SMSConsent == directory.ConsentNo,
			"unreachable":        l.Level == directory.Legal && len(p) == 0,
			"landline only":      len(p) == 1 && p[directory.Phone] > 0,
			"e-mail only":        len(p) == 1 && p[directory.Email] > 0,
			"English":            people[l.Adult].Lang == "en",
		} {
			if is {
				found[what]++
			}
		}
	}
	for _, n := range children {
		if n > 1 {
			found["siblings"]++
		}
	}
	for _, p := range town.Rows.People {
		if directory.OfAge(p.Born, "2026-11-24") {
			found["of age"]++
		}
		for what, letters := range map[string]string{"hyphen": "-", "apostrophe": "'’", "space": " ", "accent": "éèëïçôâ"} {
			if strings.ContainsAny(p.LastName, letters) {
				found[what]++
			}
		}
	}
	for _, k := range town.Rows.Tasks {
		found[k.Kind]++
	}
	for _, what := range []string{"carer chosen", "contact not chosen", "contact chosen", "no SMS consent", "unreachable", "landline only",
		"e-mail only", "English", "siblings", "of age", "hyphen", "apostrophe", "space", "accent", directory.TaskObjection, directory.TaskSameNumber} {
		if found[what] < 2 {
			t.Errorf("%s: %d", what, found[what])
		}
	}
	t.Log(found)
}

func TestCast(t *testing.T) {
	t.Parallel()
	for _, pupils := range sizes() {
		checkCast(t, fictional.School(1, fictional.Options{Pupils: pupils}))
	}
	checkCast(t, fictional.Small(time.Time{}))
}

func checkCast(t *testing.T, town fictional.Town) {
	t.Helper()
	c := town.Cast
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		if v.Field(i).String() == "" {
			t.Fatalf("nobody is %s", v.Type().Field(i).Name)
		}
	}
	i := slices.IndexFunc(town.Sittings, func(s timetable.Sitting) bool { return s.ID == c.Sitting })
	if i < 0 {
		t.Fatal("the cast's sitting is not there")
	}
	s := town.Sittings[i]
	if !s.In(c.Teacher) || !slices.Equal(s.Groups, []string{c.Class}) || s.ShortLabel != "maths" ||
		s.StartsAt.Sub(town.Tuesday) != 5*time.Minute || s.EndsAt.Sub(s.StartsAt) != 55*time.Minute {
		t.Fatalf("the cast's sitting is %+v", s)
	}
	member := func(p, g string) bool {
		return slices.ContainsFunc(town.Rows.Members, func(m directory.Member) bool { return m.Person == p && m.Grp == g })
	}
	if !member(c.Lea, c.Class) || !member(c.Denied, c.Class) || !member(c.Unreachable, c.Class) || member(c.Sami, c.Class) {
		t.Fatal("the cast sits in the wrong classes")
	}
	roles := map[string]bool{}
	ids := map[string]bool{}
	for _, a := range town.Accounts() {
		if a.Person == "" || a.Name == "" || ids[a.Identifier] {
			t.Fatalf("account %+v", a)
		}
		roles[a.Role], ids[a.Identifier] = true, true
	}
	if len(roles) != 8 || !ids["camille.roy"] || !ids["lea.benali"] || !ids["nadia.benali"] {
		t.Fatalf("accounts %v", ids)
	}
	// What the stories count on, by the directory's own rule.
	told := func(pupil string) []string {
		one := directory.Case{Links: town.Rows.Links, Decisions: town.Rows.Decisions, Adults: map[string]directory.Person{}}
		for _, p := range town.Rows.People {
			one.Adults[p.ID] = p
			if p.ID == pupil {
				one.Pupil = p
			}
		}
		var ids []string
		for _, st := range directory.Entitled(one, s.Day) {
			if st.Told {
				ids = append(ids, st.Person)
			}
		}
		return ids
	}
	for pupil, want := range map[string][]string{
		c.Lea: {c.Nadia, c.Karim}, c.Sami: {c.Nadia, c.Karim}, c.Denied: {c.DeniedTold}, c.Unreachable: {c.UnreachableParent},
	} {
		if got := told(pupil); !slices.Equal(got, want) {
			t.Fatalf("told of %s: %v, want %v", pupil, got, want)
		}
	}
	has := map[string]string{}
	for _, p := range town.Rows.Contacts {
		has[p.Person] += string(p.Channel) + " "
	}
	if has[c.Nadia] != "sms email " || has[c.Karim] != "email " || has[c.UnreachableParent] != "" {
		t.Fatalf("reached by %q, %q, %q", has[c.Nadia], has[c.Karim], has[c.UnreachableParent])
	}
}

func TestDemoTuesday(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for today, want := range map[string]string{
		"2026-11-24": "2026-11-24", // itself
		"2026-11-30": "2026-11-24",
		"2026-11-02": "2026-10-13", // All Saints' holidays
		"2027-01-02": "2026-12-15", // Christmas
		"2026-08-20": "2026-06-30", // summer
		"2026-09-03": "2026-09-01",
		"2027-03-29": "2027-03-23",
	} {
		d, _ := time.ParseInLocation(time.DateOnly, today, paris)
		got := fictional.DemoTuesday(d.Add(11*time.Hour), paris)
		if got.Format("2006-01-02 15:04") != want+" 08:00" || got.Weekday() != time.Tuesday {
			t.Errorf("on %s: %s, want %s", today, got, want)
		}
	}
	for d := time.Date(2026, 1, 1, 0, 0, 0, 0, paris); d.Year() < 2032; d = d.AddDate(0, 0, 7) {
		tuesday := fictional.DemoTuesday(d, paris)
		town := fictional.School(1, fictional.Options{Tuesday: tuesday, Pupils: 10, Weeks: 1})
		if town.Cast.Sitting == "" {
			t.Fatalf("on %s the demonstration begins on %s, a day without lessons", d, tuesday)
		}
	}
}

func TestSave(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		ctx := t.Context()
		for i, town := range []fictional.Town{
			fictional.School(1, fictional.Options{Pupils: 400}),
			fictional.School(1, fictional.Options{Pupils: 10, Number: 1}),
		} {
			if err := fictional.Save(ctx, db, town); err != nil {
				t.Fatalf("town %d: %v", i, err)
			}
			err := db.Read(ctx, func(ctx context.Context, tx database.Tx) error {
				s, err := timetable.ByID(ctx, tx, town.School.ID, town.Cast.Sitting)
				if err != nil {
					return err
				}
				pupils, err := timetable.Pupils(ctx, tx, town.School.ID, s)
				if err != nil {
					return err
				}
				if !slices.ContainsFunc(pupils, func(p directory.Person) bool { return p.ID == town.Cast.Lea }) {
					return fmt.Errorf("Léa is not among the %d expected", len(pupils))
				}
				told, _, err := directory.MayBeTold(ctx, tx, town.School.ID, town.Cast.Lea, town.Tuesday)
				if err != nil {
					return err
				}
				if len(told) != 2 || len(told[0].Points) != 2 || len(told[1].Points) != 1 {
					return fmt.Errorf("told of Léa: %+v", told)
				}
				return nil
			})
			if err != nil {
				t.Fatalf("town %d: %v", i, err)
			}
		}
	})
}

func BenchmarkSchool(b *testing.B) {
	for _, pupils := range []int{fictional.DemoPupils, fictional.MaxPupils} {
		b.Run(strconv.Itoa(pupils), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fictional.School(1, fictional.Options{Pupils: pupils})
			}
		})
	}
}

func BenchmarkSave(b *testing.B) {
	town := fictional.School(1, fictional.Options{})
	for b.Loop() {
		b.StopTimer()
		db := databasetest.SQLite(b)
		b.StartTimer()
		if err := fictional.Save(b.Context(), db, town); err != nil {
			b.Fatal(err)
		}
	}
}
