package alert

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var eight = time.Date(2026, 11, 24, 7, 5, 0, 0, time.UTC)

// anHour makes one hour of a school: classes whose rolls are all saved within a quarter of
// an hour, each pupil absent with a probability in thousandths.
func anHour(t *rapid.T, pupils, perMille int) Measure {
	m := Measure{Pupils: pupils}
	chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "chance"), 1)) // rapid's own draws are not even
	for left, n := pupils, 0; left > 0; n++ {
		size := min(left, 20+chance.IntN(16))
		left -= size
		r := RollMeasure{Sitting: fmt.Sprint("s", n), Of: size, By: fmt.Sprint("teacher ", n%70), OpenedAt: eight.Add(-30 * time.Second),
			SavedAt: eight.Add(time.Duration(chance.IntN(900)) * time.Second)}
		for i := range size {
			if chance.IntN(1000) < perMille {
				r.Absent = append(r.Absent, fmt.Sprint(n, "-", i))
			}
		}
		m.Absent += len(r.Absent)
		m.Rolls = append(m.Rolls, r)
	}
	m.Recent = m.Absent // the worst case: all in one quarter of an hour
	return m
}

// An ordinary hour strikes nobody, from the first day on, when nothing is known of the
// school: 70 absent of 1,200, and 120 in a vocational lycée.
func TestOrdinaryHoursStrikeNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pupils := rapid.SampledFrom([]int{180, 400, 700, 1200, 1800}).Draw(t, "pupils")
		perMille := rapid.SampledFrom([]int{0, 30, 58, 100}).Draw(t, "absence")
		m := anHour(t, pupils, perMille)
		m.Here = rapid.IntRange(0, 1).Draw(t, "here")
		if struck := Strikes(m, Usual{}, nil, eight.Add(15*time.Minute)); len(struck) > 0 {
			t.Fatalf("%d of %d absent: %+v", m.Absent, m.Pupils, struck)
		}
	})
}

// An hour in which a good part of the school is inverted always strikes, whatever is
// usual there.
func TestInvertedHoursStrike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anHour(t, rapid.SampledFrom([]int{180, 700, 1200}).Draw(t, "pupils"), rapid.IntRange(550, 1000).Draw(t, "absence"))
		u := Usual{Rate: rapid.IntRange(0, m.Pupils/3).Draw(t, "rate"), Part: rapid.IntRange(0, m.Pupils/3).Draw(t, "part")}
		got := Strikes(m, u, nil, eight.Add(15*time.Minute))
		if !slices.ContainsFunc(got, func(s Trip) bool { return s.Sitting == "" }) {
			t.Fatalf("%d of %d absent: %+v", m.Absent, m.Pupils, got)
		}
	})
}

func TestStrikes(t *testing.T) {
	many := func(n int, prefix string) (ids []string) {
		for i := range n {
			ids = append(ids, fmt.Sprint(prefix, i))
		}
		return ids
	}
	roll := func(id string, of, absent int, by string, took time.Duration) RollMeasure {
		return RollMeasure{Sitting: id, Of: of, Absent: many(absent, id), By: by, SavedAt: eight, OpenedAt: eight.Add(-took)}
	}
	slow := time.Minute
	for name, c := range map[string]struct {
		m     Measure
		u     Usual
		ended []Trip
		want  string
	}{
		"nothing":                         {Measure{Pupils: 1200}, Usual{}, nil, "[]"},
		"a seventh of the school":         {Measure{Pupils: 1200, Absent: 206}, Usual{}, nil, "[]"},
		"more than that":                  {Measure{Pupils: 1200, Absent: 207}, Usual{}, nil, "[part]"},
		"as on other days":                {Measure{Pupils: 1200, Absent: 207}, Usual{Part: 104}, nil, "[]"},
		"a third is never usual":          {Measure{Pupils: 1200, Absent: 421}, Usual{Part: 600}, nil, "[part]"},
		"twelve families of a tiny one":   {Measure{Pupils: 20, Absent: 12, Recent: 12}, Usual{}, nil, "[]"},
		"thirteen of a tiny one":          {Measure{Pupils: 20, Absent: 13, Recent: 13}, Usual{}, nil, "[part rate]"},
		"many at once":                    {Measure{Pupils: 1200, Absent: 207, Recent: 207}, Usual{Part: 200}, nil, "[rate]"},
		"four of a group of four":         {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 4, 4, "x", slow)}}, Usual{}, nil, "[]"},
		"a group of five":                 {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 5, 5, "x", slow)}}, Usual{}, nil, "[whole a]"},
		"seven of ten":                    {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 10, 7, "x", slow)}}, Usual{}, nil, "[]"},
		"eight of thirteen":               {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 13, 8, "x", slow)}}, Usual{}, nil, "[whole a]"},
		"eight of fourteen":               {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 14, 8, "x", slow)}}, Usual{}, nil, "[]"},
		"all, in four seconds":            {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 30, 30, "x", 4*time.Second)}}, Usual{}, nil, "[whole a fast a]"},
		"most, in four seconds":           {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 30, 29, "x", 4*time.Second)}}, Usual{}, nil, "[whole a]"},
		"two rolls of two persons":        {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 30, 30, "x", slow), roll("b", 30, 30, "y", slow)}}, Usual{}, nil, "[whole a whole b]"},
		"two rolls of one person":         {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 30, 30, "x", slow), roll("b", 30, 30, "x", slow)}}, Usual{}, nil, "[whole a whole b hand]"},
		"three rolls":                     {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 30, 30, "x", slow), roll("b", 30, 30, "y", slow), roll("c", 9, 9, "z", slow)}}, Usual{}, nil, "[whole a whole b whole c rolls]"},
		"one family says here":            {Measure{Pupils: 1200, Here: 1}, Usual{}, nil, "[]"},
		"two families say here":           {Measure{Pupils: 1200, Here: 2}, Usual{}, nil, "[here]"},
		"what was released":               {Measure{Pupils: 1200, Absent: 300}, Usual{}, []Trip{{Sign: SignPart, Seen: 300, EndedAt: eight}}, "[]"},
		"what was released has grown":     {Measure{Pupils: 1200, Absent: 404}, Usual{}, []Trip{{Sign: SignPart, Seen: 300, EndedAt: eight}}, "[part]"},
		"a roll that was released":        {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 30, 30, "x", slow)}}, Usual{}, []Trip{{Sign: SignWhole, Sitting: "a", EndedAt: eight}}, "[]"},
		"released before it was saved":    {Measure{Pupils: 1200, Rolls: []RollMeasure{roll("a", 30, 30, "x", slow)}}, Usual{}, []Trip{{Sign: SignPart, EndedAt: eight.Add(-time.Second)}}, "[whole a]"},
		"the same class, a double lesson": {Measure{Pupils: 1200, Rolls: []RollMeasure{{Sitting: "a", Of: 30, Absent: many(30, "p"), By: "x", SavedAt: eight}, {Sitting: "b", Of: 30, Absent: many(30, "p"), By: "x", SavedAt: eight}}}, Usual{}, nil, "[whole a whole b]"},
	} {
		var got []string
		for _, s := range Strikes(c.m, c.u, c.ended, eight.Add(5*time.Minute)) {
			if got = append(got, string(s.Sign)); s.Sitting != "" {
				got = append(got, s.Sitting)
			}
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
}

func TestPlausible(t *testing.T) {
	for _, c := range []struct {
		expected, held int
		want           bool
	}{{70, 70, true}, {60, 70, true}, {40, 70, false}, {70, 550, false}, {0, 3, true}, {0, 4, false}, {413, 550, true}, {412, 550, false}, {-1, 2, true}} {
		if got := Plausible(c.expected, c.held); got != c.want {
			t.Errorf("expected %d, held %d: %v", c.expected, c.held, got)
		}
	}
}

// What is usual comes from the last twenty days and the last eight of the weekday.
func TestSummarize(t *testing.T) {
	today := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) // a Tuesday
	halves := map[string][]time.Time{}
	put := func(daysAgo, n int) {
		day := today.AddDate(0, 0, -daysAgo)
		for i := range n {
			half := day.Format(time.DateOnly) + "/am"
			halves[half] = append(halves[half], day.Add(7*time.Hour+time.Duration(i)*time.Minute))
		}
	}
	put(7, 40)
	put(14, 55)
	put(1, 90)
	put(21, 3)
	u := summarize(halves, today)
	if fmt.Sprint(u.Same) != "[3 55 40]" || u.Part != 90 || u.Rate != 16 || u.Days != 4 {
		t.Errorf("%+v", u)
	}
}
