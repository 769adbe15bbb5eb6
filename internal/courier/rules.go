package courier

import (
	"time"

	"github.com/preau-ent/preau/internal/directory"
)

// Reasons why a letter is void, in words of the program.
const (
	BecauseExpired   = "expired"
	BecauseNoCarrier = "no-carrier"
	BecauseGone      = "contact-ended"
	BecauseCap       = "too-many-today"
	BecauseUnvouched = "unvouched" // nobody answers for it: a row put in by other hands
	BecauseFenced    = "fenced"    // this installation is not the one that its folder remembers
)

// MaxADay is the most letters that leave for one address in a day, of any kind: a loop
// of ours must not ring a family all morning.
const MaxADay = 6

// pauses before a letter that provably did not leave is tried again.
var pauses = []time.Duration{15 * time.Second, time.Minute, 4 * time.Minute}

func pause(attempts int) time.Duration {
	return pauses[min(max(attempts, 1), len(pauses))-1]
}

// secondTry is how long an e-mail whose fate is not known waits before it is sent once
// more, with the same Message-ID.
const secondTry = 15 * time.Second

// MayTryAgain tells whether an unsure letter will be sent a second time by the machine:
// an e-mail once, in its time and while nothing was found against it; an SMS never.
func MayTryAgain(l Letter, now time.Time) bool {
	return l.Channel == directory.Email && l.State == Unsure && l.Attempts == 1 && l.Because == unsureBefore && now.Before(l.ExpiresAt)
}

// refusal decides, before anything is asked of the database, what keeps a claimed
// letter from leaving. An unsure letter is never void: it may have left.
func refusal(l Letter, now time.Time, hasCarrier bool, point directory.ContactPoint, today int) string {
	switch {
	case tooLate(l, l.ExpiresAt.Sub(now)):
		return BecauseExpired
	case !hasCarrier:
		return BecauseNoCarrier
	case point.Person != l.Person || point.Channel != l.Channel || point.Address == "" || !point.EndedAt.IsZero() || !point.StoppedAt.IsZero():
		return BecauseGone
	case today >= MaxADay:
		return BecauseCap
	}
	return ""
}

// tooLate tells whether a letter with so much time left is not handed over any more.
func tooLate(l Letter, left time.Duration) bool {
	return left <= 0 || (l.Channel == directory.SMS && left < minLife)
}

// settled is a letter's state after a carrier's answer, given to an attempt of it. An
// answer may be late: the letter was shown unsure meanwhile. moved is false when the
// answer changes nothing. others: the channel has other accounts to try.
func settled(l Letter, attempt int, r Result, others bool, now time.Time) (state State, because string, due time.Time, moved bool) {
	if l.Attempts != attempt {
		return "", "", time.Time{}, false
	}
	switch {
	case l.State == Leaving:
		state, because, due = next(l, r, now)
		if state == Waiting && others && (attempt == 1 || r.Outcome == NotWritten) {
			due = now // another account may take it at once
		}
		return state, because, due, true
	case l.State != Unsure:
		return "", "", time.Time{}, false
	case r.Outcome == Accepted:
		return Left, "", l.DueAt, true
	case l.Because != BecauseStillWaiting:
		return "", "", time.Time{}, false
	case r.Outcome == RefusedByAll && attempt == 1:
		return Refused, r.Answer, l.DueAt, true
	}
	// It did not leave, or nobody knows. It was shown unsure, and is tried again as an
	// unsure one is, where its channel allows.
	return Unsure, unsureBefore, now.Add(secondTry), true
}

// next is the letter's state after an attempt.
func next(l Letter, r Result, now time.Time) (state State, because string, due time.Time) {
	switch r.Outcome {
	case Accepted:
		return Left, "", l.DueAt
	}
	if r.Outcome != NoAnswer && l.Attempts > 1 && l.Because == unsureBefore {
		// The first attempt may have left: that it did not leave now does not make
		// it a letter that never left.
		return Unsure, unsureBefore, l.DueAt
	}
	switch r.Outcome {
	case RefusedByAll:
		return Refused, r.Answer, l.DueAt
	case Later, NotWritten:
		return Waiting, string(r.Outcome), now.Add(pause(l.Attempts))
	}
	return Unsure, unsureBefore, now.Add(secondTry)
}

// BecauseStillWaiting is the reason kept with a letter whose carrier has not answered for
// two minutes and may still: it is shown unsure, and settled when the answer comes or the
// wait for it ends.
const BecauseStillWaiting = "still-waiting"

// unsureBefore is the reason kept with a letter whose fate was not known.
const unsureBefore = "no-answer"
