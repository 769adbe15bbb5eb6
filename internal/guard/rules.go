package guard

import (
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Limits are what a guard file says is still ordinary.
type Limits struct {
	Families  int           // that the school has
	Same      int           // numbers that get one text in a quarter of an hour: that many are too many
	PerMinute int           // numbers in a minute, where history says no more
	Share     int           // part of the families in two hours, in hundredths
	Gather    time.Duration // that a message rests before it leaves
	Life      time.Duration // the longest life of a message
}

// Windows in which the signs count.
const (
	sameWithin  = 15 * time.Minute
	rateWithin  = time.Minute
	shareWithin = 2 * time.Hour
	// again is how long a message that is given once more is the same message.
	again = 10 * time.Minute
	// wholeWithin is how long the parts of a message may take to come.
	wholeWithin = 5 * time.Minute
	// history is how many days say what is usual.
	history = 20
	// kept is how long the words and the number of a settled message stay.
	kept = 7 * 24 * time.Hour
)

// seen is what the signs counted when a message came, itself included.
type seen struct {
	same  int // numbers with this text in the last quarter of an hour
	rate  int // numbers in the last minute
	share int // numbers in the last two hours
	peak  int // numbers of the busiest minute of the last days
}

// mostPerMinute is how many numbers in a minute are usual: what the file says, or twice
// the busiest minute of the last days.
func (l Limits) mostPerMinute(peak int) int { return max(l.PerMinute, 2*peak) }

// mostShare is how many numbers in two hours are usual.
func (l Limits) mostShare() int { return max(1, l.Families*l.Share/100) }

// judge gives the sign that what was seen makes, the narrowest first: it holds the least.
func (l Limits) judge(s seen) (sign Sign, n, most int, tripped bool) {
	switch {
	case s.same >= l.Same:
		return SignSame, s.same, l.Same - 1, true
	case s.rate > l.mostPerMinute(s.peak):
		return SignRate, s.rate, l.mostPerMinute(s.peak), true
	case s.share > l.mostShare():
		return SignShare, s.share, l.mostShare(), true
	}
	return "", 0, 0, false
}

// sameText is a text in the form in which texts are compared: hours, dates and references
// are one, and so are capitals, accents and spaces. Names stay: two pupils' messages are
// not the same.
func sameText(text string) string {
	var b strings.Builder
	digits, space := false, true
	for _, r := range norm.NFD.String(strings.ToLower(text)) {
		switch {
		case unicode.IsDigit(r):
			if !digits {
				b.WriteByte('#')
			}
			digits, space = true, false
			continue
		case unicode.Is(unicode.Mn, r), unicode.In(r, unicode.Cf):
			continue
		case unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsSymbol(r):
			if !space {
				b.WriteByte(' ')
			}
			space = true
		default:
			b.WriteRune(r)
			space = false
		}
		digits = false
	}
	return strings.TrimSpace(b.String())
}

// agrees tells whether a person who has not seen the count said the same: within a tenth,
// and one where there are few.
func agrees(counted, typed int) bool {
	if typed < 1 {
		return false
	}
	return max(counted-typed, typed-counted) <= max(1, counted/10)
}

// busiest is how many of these moments are in the minute with the most.
func busiest(at []time.Time) (most int) {
	for first, last := 0, 0; last < len(at); last++ {
		for at[last].Sub(at[first]) >= rateWithin {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}
