package notices

import (
	"regexp"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/page"
)

// Refusals of the rules, in the words of the page.
var (
	ErrText      = page.Invalid("text", "notices.text.wrong")
	ErrChoice    = page.Invalid("choice", "notices.choice.wrong")
	ErrDay       = page.Invalid("day", "notices.day.wrong", "n", mostDays)
	ErrHour      = page.Invalid("hour", "notices.hour.wrong")
	ErrLevel     = page.Invalid("level", "notices.level.wrong")
	ErrNobody    = page.Conflict("notices.nobody")
	ErrCounted   = page.Conflict("notices.counted")
	ErrToday     = page.Conflict("notices.cap.today")
	ErrWeek      = page.Conflict("notices.cap.week")
	ErrQuiet     = page.Conflict("notices.quiet")
	ErrClosedDay = page.Conflict("notices.closedday")
	ErrService   = page.Conflict("notices.service")
	ErrLocked    = page.Conflict("notices.locked")
	ErrSettled   = page.Conflict("notices.settled")
	ErrSecond    = page.Forbidden("notices.second")
	ErrOperator  = page.Forbidden("notices.operator")
	ErrPrepare   = page.Forbidden("notices.prepare")
)

const (
	// confirmWithin is how long a request waits for its second person.
	confirmWithin = 30 * time.Minute
	// life is how long a notice is worth sending after its confirmation.
	life = 2 * time.Hour
	// mostDays is how far ahead a notice may speak of a day.
	mostDays = 14
)

// Caps of confirmed requests of one school; the schema holds the same. An ordinary
// school makes none for months: more than these is a mistake or a break-in.
const (
	capDay         = 2 // ordinary texts, together
	capWeek        = 6 // ordinary texts, in seven days
	capConfinement = 8 // a day: it begins, every half-hour of a morning, it is over
	capDenial      = 2 // a day
)

var hourPattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]$`)

// Check refuses a wish that no prepared text can say. levels are those of the school.
func Check(w Wish, today string, levels []string) error {
	switch {
	case !slices.Contains(Texts(), w.Text):
		return ErrText
	case !slices.Contains(w.Text.Choices(), w.Choice):
		return ErrChoice
	case w.Text.HasDay() != (w.Day != ""), w.Day != "" && !dayWithin(w.Day, today):
		return ErrDay
	case w.Text.HasHour(w.Choice) != (w.Hour != ""), w.Hour != "" && !hourPattern.MatchString(w.Hour):
		return ErrHour
	case w.Level != WholeSchool && !slices.Contains(levels, w.Level):
		return ErrLevel
	}
	return nil
}

// dayWithin tells whether a text is a day between today and mostDays later.
func dayWithin(day, today string) bool {
	d, err := time.Parse(time.DateOnly, day)
	from, err2 := time.Parse(time.DateOnly, today)
	return err == nil && err2 == nil && !d.Before(from) && !d.After(from.AddDate(0, 0, mostDays))
}

// Hours between which ordinary notices leave, as absences do (half past seven to half
// past six in the evening, on the school's days).
const (
	quietUntil = 7*time.Hour + 30*time.Minute
	quietFrom  = 18*time.Hour + 30*time.Minute
)

// clock is how far a local day has come.
func clock(at time.Time) time.Duration {
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
}

// Quiet refuses a text that does not leave at this local moment: at night, on a Sunday
// and, unless it says that the school is closed, on a day on which it is.
func Quiet(t Text, at time.Time, closed bool) error {
	switch {
	case t.Urgent():
		return nil
	case clock(at) < quietUntil || clock(at) >= quietFrom || at.Weekday() == time.Sunday:
		return ErrQuiet
	case closed && t != Closed:
		return ErrClosedDay
	}
	return nil
}

// expires is when a notice confirmed at a local moment is no longer sent: two hours
// later, and an ordinary one not in the evening.
func expires(t Text, at time.Time) time.Time {
	end := at.Add(life)
	if t.Urgent() {
		return end
	}
	night := time.Date(at.Year(), at.Month(), at.Day(), 18, 30, 0, 0, at.Location())
	if end.After(night) {
		return night
	}
	return end
}

// Capped refuses one more notice of a text on a day. past are the confirmed requests of
// the last seven days.
func Capped(t Text, past []Request, day string) error {
	today, week := 0, 0
	for _, r := range past {
		same := r.Text == t
		if !t.Urgent() {
			same = !r.Text.Urgent()
		}
		if !same || !withinWeek(r.ConfirmedOn, day) {
			continue
		}
		if week++; r.ConfirmedOn == day {
			today++
		}
	}
	most := map[Text]int{Confinement: capConfinement, Denial: capDenial}[t]
	if most == 0 {
		most = capDay
	}
	switch {
	case today >= most:
		return ErrToday
	case !t.Urgent() && week >= capWeek:
		return ErrWeek
	}
	return nil
}

// withinWeek tells whether a day is one of the seven that end with another.
func withinWeek(day, last string) bool {
	return day <= last && day > weekBefore(last)
}

// weekBefore is the day a week before another.
func weekBefore(day string) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return d.AddDate(0, 0, -7).Format(time.DateOnly)
}

// MayPrepare tells whether a role asks for announcements.
func MayPrepare(role page.Role) bool { return role == page.Head || role == page.CPE }

// Second is who wants to confirm.
type Second struct {
	ID   string // person; of an operator the account
	Role page.Role
}

// MayConfirm refuses somebody who is not the second person: it is another person of the
// head, the CPE and the office; where the school has one such person at most, the
// operator. adults is how many it has.
func MayConfirm(r Request, by Second, adults int) error {
	switch by.Role {
	case page.Head, page.CPE, page.Secretary:
		if by.ID == "" || by.ID == r.AskedBy {
			return ErrSecond
		}
		return nil
	case page.Operator:
		if by.ID == "" || by.ID == r.AskedBy || adults > 1 {
			return ErrOperator
		}
		return nil
	}
	return ErrSecond
}

// lapsed tells whether the second person came too late.
func lapsed(r Request, now time.Time) bool {
	return r.State == Asked && !now.Before(r.AskedAt.Add(confirmWithin))
}
