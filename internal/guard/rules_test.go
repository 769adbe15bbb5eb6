package guard

import (
	"testing"
	"time"
)

func TestSameText(t *testing.T) {
	same := [][2]string{
		{"Votre enfant est absent ce jour à 8h05", "votre enfant est absent ce jour à 10h30"},
		{"Votre enfant est absent.", "VOTRE ENFANT EST ABSENT"},
		{"Élève absent le 24/11 (réf. A-1203)", "Eleve absent le 25/11 (ref A-88)"},
		{"Absent : appelez le 01 99 00 10 01", "Absent : appelez le 01 99 00 10 02"},
		{"absent\u00a0ce\u202fjour", "absent ce jour"},
		{"abs\u200bent", "absent"},
	}
	for _, pair := range same {
		if sameText(pair[0]) != sameText(pair[1]) {
			t.Errorf("%q and %q are told apart: %q, %q", pair[0], pair[1], sameText(pair[0]), sameText(pair[1]))
		}
	}
	for _, pair := range [][2]string{
		{"Lycée: Léa B. n'est pas en cours", "Lycée: Léa C. n'est pas en cours"},
		{"Lycée: Léa B. est absente", "Lycée: Zoé B. est absente"},
	} {
		if sameText(pair[0]) == sameText(pair[1]) {
			t.Errorf("%q and %q are taken for the same", pair[0], pair[1])
		}
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		seen seen
		want Sign
	}{
		"an ordinary message":                  {seen{same: 1, rate: 1, share: 70}, ""},
		"a pupil of four who are told":         {seen{same: 4, rate: 4, share: 70}, ""},
		"one text to five":                     {seen{same: 5, rate: 5, share: 5}, SignSame},
		"ten in a minute":                      {seen{same: 1, rate: 10, share: 10}, ""},
		"eleven in a minute":                   {seen{same: 1, rate: 11, share: 11}, SignRate},
		"eleven, where thirty are usual":       {seen{same: 1, rate: 11, share: 11, peak: 30}, ""},
		"more than twice what is usual":        {seen{same: 1, rate: 61, share: 61, peak: 30}, SignRate},
		"a quarter of the families":            {seen{same: 1, rate: 3, share: 300}, ""},
		"more than a quarter of the families":  {seen{same: 1, rate: 3, share: 301}, SignShare},
		"the narrowest sign comes first":       {seen{same: 9, rate: 90, share: 900}, SignSame},
		"rate before share, it is seen sooner": {seen{same: 1, rate: 90, share: 900}, SignRate},
	} {
		sign, _, _, tripped := ordinary.judge(c.seen)
		if sign != c.want || tripped != (c.want != "") {
			t.Errorf("%s: %q", name, sign)
		}
	}
}

func TestAgrees(t *testing.T) {
	for _, c := range []struct {
		counted, typed int
		want           bool
	}{{1500, 1500, true}, {1500, 1400, true}, {1500, 1650, true}, {1500, 1349, false}, {1500, 1, false}, {1500, 0, false}, {5, 6, true}, {5, 7, false}, {1, 0, false}, {1, 2, true}, {1500, -1500, false}} {
		if agrees(c.counted, c.typed) != c.want {
			t.Errorf("%d counted, %d typed: not %v", c.counted, c.typed, c.want)
		}
	}
}

func TestBusiest(t *testing.T) {
	at := func(seconds ...int) (out []time.Time) {
		for _, s := range seconds {
			out = append(out, time.Unix(int64(s), 0))
		}
		return out
	}
	for _, c := range []struct {
		at   []time.Time
		want int
	}{{nil, 0}, {at(1), 1}, {at(0, 30, 59), 3}, {at(0, 30, 60), 2}, {at(0, 1, 100, 101, 102, 200), 3}} {
		if got := busiest(c.at); got != c.want {
			t.Errorf("%v: %d, want %d", c.at, got, c.want)
		}
	}
}
