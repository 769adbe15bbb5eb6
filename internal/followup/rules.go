package followup

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/preau-ent/preau/internal/directory"
)

// Bounds of what the head says.
const (
	leastPurpose = 20
	mostPurpose  = 400
	leastDays    = 2
	mostDays     = 5
)

// Check refuses a period that cannot be.
func (p Period) Check(today string) error {
	_, err := time.Parse(time.DateOnly, p.UntilOn)
	n := utf8.RuneCountInString(strings.TrimSpace(p.Purpose))
	if err != nil || n < leastPurpose || n > mostPurpose || p.Days < leastDays || p.Days > mostDays || p.UntilOn < today || p.UntilOn > directory.YearEnd(today) {
		return ErrPurpose
	}
	return nil
}

// Day is one day of one pupil.
type Day struct {
	Day   string
	Signs map[Kind]int
	// Expected: the pupil had a sitting, and nobody said that they are elsewhere.
	Expected bool
	// Ours: our line was long, or we were away: a day without a sign says nothing.
	Ours bool
}

// Counts tells whether a day without a sign says something of the pupil.
func (d Day) Counts() bool { return d.Expected && !d.Ours }

func (d Day) signs() (n int) {
	for _, k := range d.Signs {
		n += k
	}
	return n
}

// Because is why a pupil is named.
type Because string

// Reasons to name a pupil.
const (
	Silent  Because = "silent"
	Falling Because = "falling"
)

// Why is a name's whole reason: what was counted, in plain numbers.
type Why struct {
	Because Because
	Days    int // that count, without a sign, or with few
	Now     int // signs in them
	Before  int // signs in as many days before
	Since   string
}

// Few and many: what falling means.
const (
	many  = 4 // signs a day before
	fewer = 4 // times fewer now
)

// Judge tells whether a pupil is named, from their days in order, today's last. Only days that
// count and are over count; a sign on any day since the first of them is a sign, today's too.
func Judge(days []Day, today string, n int) (Why, bool) {
	var counted []int
	for i, d := range days {
		if d.Counts() && d.Day < today {
			counted = append(counted, i)
		}
	}
	if len(counted) < n {
		return Why{}, false
	}
	first := counted[len(counted)-n]
	w := Why{Days: n, Since: days[first].Day}
	for _, d := range days[first:] {
		w.Now += d.signs()
	}
	if w.Now == 0 {
		w.Because = Silent
		return w, true
	}
	if len(counted) < 2*n {
		return w, false
	}
	for _, d := range days[counted[len(counted)-2*n]:first] {
		w.Before += d.signs()
	}
	w.Because = Falling
	return w, w.Before >= many*n && w.Now*fewer <= w.Before
}
