package directory

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/database/databasetest"
	"github.com/preau-ent/preau/internal/journal"
)

func aJournal(t testing.TB) *journal.Journal {
	t.Helper()
	j, err := journal.New(bytes.Repeat([]byte{1}, journal.MinKey))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// aSchool draws what a source may say of a school: a few pupils and adults, some of
// whom come and go between two draws.
func aSchool(t *rapid.T, uai, when string) incoming {
	in := incoming{source: "aaf", dialect: "aaf-2013", date: when,
		school: School{UAI: uai, SourceKey: "1", Name: "Lycée", ShortName: "Lycee", Kind: "lycee", Zone: "Europe/Paris", Region: "FR", Lang: "fr"}}
	here := map[string]bool{}
	for i := range 5 {
		if key := fmt.Sprint("p", i); rapid.IntRange(0, 4).Draw(t, when+key) > 0 {
			here[key] = true
			in.people = append(in.people, inPerson{kind: KindPupil, key: key, last: "Benali", first: "P" + fmt.Sprint(i), born: rapid.SampledFrom([]string{"2011-05-14", "2005-01-01"}).Draw(t, "born")})
		}
	}
	for i := range 5 {
		if key := fmt.Sprint("a", i); rapid.IntRange(0, 4).Draw(t, when+key) > 0 {
			here[key] = true
			in.people = append(in.people, inPerson{kind: KindAdult, key: key, last: "Roux", first: "A" + fmt.Sprint(i)})
		}
	}
	for p := range 5 {
		for a := range 5 {
			pupil, adult := fmt.Sprint("p", p), fmt.Sprint("a", a)
			if here[pupil] && here[adult] && rapid.Bool().Draw(t, when+pupil+adult) {
				in.links = append(in.links, inLink{pupil: pupil, adult: adult, level: rapid.SampledFrom([]Level{Legal, Legal, Carer, Contact}).Draw(t, "level"), consent: ConsentUnknown, raw: when})
			}
		}
	}
	return in
}

// What the difference says is what happens: the names of who came, and exactly those
// who may be told afterwards, also beside choices, a court's decision and an objection.
func TestTheDifferenceIsWhatHappens(t *testing.T) {
	t.Parallel()
	databasetest.Each(t, func(t *testing.T, db *database.DB) {
		j, n := aJournal(t), 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			uai := fmt.Sprintf("%07dX", n)
			first, second := aSchool(rt, uai, "first"), aSchool(rt, uai, "second")
			take := func(in incoming, now time.Time) {
				if _, err := importSchool(t.Context(), db, j, in, Order{By: "test", AcceptLoss: true}, now); err != nil {
					rt.Fatal(err)
				}
			}
			day := then.Format(time.DateOnly)
			if d := differ(census{}, first, day); !d.New || d.ToldBefore != 0 || len(d.Pupils.Left)+len(d.LinksLost)+len(d.ToldLost) > 0 || d.Loss != "" {
				rt.Fatalf("of a school that is not there: %+v", d)
			}
			take(first, then)
			school := byHand(t, rt, db, j, uai)
			now := func() (c census) {
				err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
					c, err = censusOf(ctx, tx, school)
					c.there = true
					return err
				})
				if err != nil {
					rt.Fatal(err)
				}
				return c
			}
			before := now()
			d := differ(before, second, day)
			take(second, then.Add(time.Hour))
			after := now()
			if again := differ(after, second, day); !again.Empty() {
				rt.Fatalf("after the import there still is a difference: %+v", again)
			}
			was, _ := names(before, day)
			is, why := names(after, day)
			for who := range is {
				if !was[who] && !slices.Contains(d.ToldGained, ToldChange{who[0], who[1], why[who]}) {
					rt.Fatalf("%v may be told now and the difference does not say so: %+v", who, d)
				}
			}
			for who := range was {
				if !is[who] && !slices.ContainsFunc(d.ToldLost, func(c ToldChange) bool { return c.Pupil == who[0] && c.Who == who[1] }) {
					rt.Fatalf("%v may no longer be told and the difference does not say so: %+v", who, d)
				}
			}
			told, _ := after.told(day)
			if d.ToldAfter != len(told) || d.ToldAfter-d.ToldBefore != len(d.ToldGained)-len(d.ToldLost) {
				rt.Fatalf("%d told after, the difference says %+v", len(told), d)
			}
		})
	})
}

// byHand chooses, denies and objects, and gives the school's id.
func byHand(t *testing.T, rt *rapid.T, db *database.DB, j *journal.Journal, uai string) (school string) {
	h := Hand{Journal: j, By: "head", Now: then}
	err := db.Read(t.Context(), func(ctx context.Context, tx database.Tx) error {
		s, err := schoolByUAI(ctx, tx, uai)
		school = s.ID
		return err
	})
	if err != nil {
		rt.Fatal(err)
	}
	err = db.InSchool(t.Context(), school, func(ctx context.Context, tx database.Tx) error {
		s, err := SchoolByID(ctx, tx, school)
		if err != nil {
			return err
		}
		c, err := censusOf(ctx, tx, school)
		if err != nil {
			return err
		}
		for _, k := range slices.SortedFunc(maps.Keys(c.links), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
			switch l := c.links[k]; rapid.IntRange(0, 5).Draw(rt, "hand") {
			case 0:
				if l.Level != Legal {
					err = h.Choose(ctx, tx, s, k[0], k[1], true)
				}
			case 1:
				err = Add(ctx, tx, Batch{Decisions: []Decision{{School: school, ID: database.NewID(), Pupil: k[0], Adult: k[1], Reference: "JAF", FromOn: "2020-01-01", RecordedBy: "head", RecordedAt: then}}})
			case 2:
				err = Add(ctx, tx, Batch{Objections: []Objection{{School: school, ID: database.NewID(), Pupil: k[0], Reference: "lettre", RecordedBy: "head", RecordedAt: then}}})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		rt.Fatal(err)
	}
	return school
}

// names are the pairs of who may be told, by name; people of one name are one here.
func names(c census, day string) (map[[2]string]bool, map[[2]string]Reason) {
	told, why := c.told(day)
	out, reasons := map[[2]string]bool{}, map[[2]string]Reason{}
	for k := range told {
		n := [2]string{nameOf(c.people[k[0]]), nameOf(c.people[k[1]])}
		out[n], reasons[n] = true, why[k]
	}
	return out, reasons
}

// A tenth may go; more is held back, whatever it is that goes: pupils, adults, links, or
// the right to be told. And as many contacts who become guardians are held back too.
func TestALossIsHeldBack(t *testing.T) {
	t.Parallel()
	const n = 60
	school := func() incoming {
		in := incoming{source: "aaf"}
		for i := range n {
			p, a := fmt.Sprint("p", i), fmt.Sprint("a", i)
			in.people = append(in.people, inPerson{kind: KindPupil, key: p}, inPerson{kind: KindAdult, key: a})
			level := Legal
			if i >= 50 {
				level = Contact
			}
			in.links = append(in.links, inLink{pupil: p, adult: a, level: level})
		}
		return in
	}
	have := census{}.after(school(), "2026-09-01")
	without := func(kind Kind, count int) incoming {
		in := school()
		gone := map[string]bool{}
		in.people = slices.DeleteFunc(in.people, func(p inPerson) bool {
			if p.kind == kind && len(gone) < count {
				gone[p.key] = true
			}
			return gone[p.key]
		})
		in.links = slices.DeleteFunc(in.links, func(l inLink) bool { return gone[l.pupil] || gone[l.adult] })
		return in
	}
	levels := func(from, to Level, count int) incoming {
		in := school()
		for i := range in.links {
			if in.links[i].level == from && count > 0 {
				in.links[i].level = to
				count--
			}
		}
		return in
	}
	fewer := func(count int) incoming {
		in := school()
		in.links = in.links[count:]
		return in
	}
	for _, c := range []struct {
		name string
		in   incoming
		held bool
	}{
		{"the same", school(), false},
		{"a tenth of the pupils", without(KindPupil, n/10), false},
		{"a pupil more", without(KindPupil, n/10+1), true},
		{"a tenth of the adults", without(KindAdult, n/10), false},
		{"a twentieth of the adults", without(KindAdult, n/20), false},
		{"an adult more than a tenth", without(KindAdult, n/10+1), true},
		{"a few links", fewer(4), false},
		{"too many links", fewer(n/10 + 1), true},
		{"some guardians become contacts", levels(Legal, Contact, 5), false},
		{"too many guardians become carers", levels(Legal, Carer, 6), true},
		{"some contacts become guardians", levels(Contact, Legal, 6), false},
		{"too many contacts become guardians", levels(Contact, Legal, 7), true},
	} {
		if got := lossesOf(have, have.after(c.in, "2026-09-02"), "aaf", "2026-09-02"); (len(got) > 0) != c.held {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if got := lossesOf(have, have.after(incoming{source: "siecle"}, "2026-09-02"), "siecle", "2026-09-02"); len(got) > 0 {
		t.Errorf("of a source that said nothing before: %v", got)
	}
}
