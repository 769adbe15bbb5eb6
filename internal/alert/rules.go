package alert

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/timetable"
)

// Facts are all that a decision looks at. They are read in the transaction that
// decides.
type Facts struct {
	Now        time.Time
	Zone       *time.Location
	Mark       attendance.Mark
	Sitting    timetable.Sitting
	Marks      []attendance.Mark            // of the pupil, this day, in order
	Sittings   map[string]timetable.Sitting // of those marks
	Statements []attendance.Statement
	Episodes   []Episode          // of the pupil, this day, in order
	Closed     bool               // the school is closed on the mark's day
	Unusual    bool               // the mark's day is exceptional, or was for a while
	Home       bool               // the pupil follows the mark's day from home, as it is known now
	Finding    attendance.Finding // of a mark of a pupil at home
	InService  bool
	Rehearsing bool // everything is done, and its letters are exercises
	Hold       time.Duration
}

// Verdict is what becomes of a mark.
type Verdict string

// Verdicts.
const (
	Hold     Verdict = "held"      // a new episode, held
	Tell     Verdict = "tell"      // of a held episode: its time has come
	Phone    Verdict = "telephone" // a new episode that cannot be told
	Not      Verdict = "not"       // nobody is told anything because of it
	Join     Verdict = "joined"    // belongs to an open episode
	Withdraw Verdict = "withdrawn" // ends a held episode: nobody was told
	End      Verdict = "over"      // ends an episode that was told, or telephoned
	Keep     Verdict = "keep"      // of a held episode: nothing changed
)

// guard is one question that a CPE would ask. It answers false to go on.
type guard func(Facts) (Verdict, Because, bool)

// absentGuards are asked of an absent mark, in this order.
var absentGuards = []guard{
	isTheLastWord,
	isOfToday,
	isSchoolOpen,
	isOrdinary,
	takesPlace,
	wasExpected,
	isOutOfTheBuilding,
	isAtHome,
	isProven,
	isNew,
	isSeenSince,
	isInTime,
	isInService,
}

// Decide says what becomes of a mark. open is the episode concerned, if there is one.
func Decide(f Facts) (v Verdict, why Because, open Episode) {
	open, _ = OpenEpisode(f)
	if f.Mark.Value != attendance.Absent {
		v, why = decideSeen(f, open)
		return v, why, open
	}
	for _, ask := range absentGuards {
		if v, why, stop := ask(f); stop {
			return v, why, open
		}
	}
	return Hold, "", open
}

// decideSeen is for a mark that says present or late of a pupil absent before. It
// concerns every open episode of the day (see Endings); open is the last of them.
func decideSeen(f Facts, open Episode) (Verdict, Because) {
	if _, why, stop := isTheLastWord(f); stop {
		return Not, why
	}
	if open.ID == "" {
		return Not, NobodyTold
	}
	if absentNow(f) {
		return Join, StillAbsent
	}
	e := ending(f, open)
	return e.Verdict, e.Because
}

// Ending is what a pupil who is seen ends.
type Ending struct {
	Episode Episode
	Verdict Verdict // Withdraw or End
	Because Because
}

// Endings lists what a pupil who is seen ends: every open episode of the day. Somebody
// told in the morning learns that the pupil came in the afternoon.
func Endings(f Facts) []Ending {
	var out []Ending
	for _, e := range f.Episodes {
		if isOpen(e) {
			out = append(out, ending(f, e))
		}
	}
	return out
}

// ending: present on the very roll of an episode says that its mark was wrong; everything
// else says that the pupil came.
func ending(f Facts, e Episode) Ending {
	out := Ending{e, End, Arrived}
	if f.Mark.Value == attendance.Present && f.Mark.Sitting == e.Sitting {
		out.Because = Corrected
	}
	if e.State == Held {
		out.Verdict = Withdraw
	}
	return out
}

// isTheLastWord: a later mark of the same pupil on the same roll decides instead.
func isTheLastWord(f Facts) (Verdict, Because, bool) {
	return Not, Superseded, slices.ContainsFunc(f.Marks, func(k attendance.Mark) bool { return k.Sitting == f.Mark.Sitting && k.N > f.Mark.N })
}

// isOfToday: a roll of another day is a matter of the register, not of an alert.
func isOfToday(f Facts) (Verdict, Because, bool) {
	return Not, NotToday, f.Mark.Day != timetable.Day(f.Now, f.Zone) || timetable.Day(f.Mark.At, f.Zone) != f.Mark.Day
}

func isSchoolOpen(f Facts) (Verdict, Because, bool) { return Not, Closed, f.Closed }

// isOrdinary: on a day of snow, a strike or a blockade the school tells nobody by itself, of
// that day, ever.
func isOrdinary(f Facts) (Verdict, Because, bool) { return Not, Exceptional, f.Unusual }

// takesPlace: nobody is absent from a lesson that is cancelled, even after its roll.
func takesPlace(f Facts) (Verdict, Because, bool) { return Not, Cancelled, f.Sitting.Cancelled() }

// wasExpected: announced by the family, on internship, on an outing.
func wasExpected(f Facts) (Verdict, Because, bool) {
	return Not, Expected, stated(f, attendance.Elsewhere)
}

func isOutOfTheBuilding(f Facts) (Verdict, Because, bool) {
	return Not, InBuilding, stated(f, attendance.Inside)
}

// isAtHome: who follows the day from home is not missed in the room, and who was noted in the
// room before that was known is not missed either.
func isAtHome(f Facts) (Verdict, Because, bool) { return Not, AtHome, f.Home && !f.Mark.AtHome }

// isProven: who did not come to a class at home is absent only where nothing of ours may have
// kept them away. Whatever cannot be told goes to the office, and to no family.
func isProven(f Facts) (Verdict, Because, bool) {
	if !f.Mark.AtHome || f.Finding == attendance.FoundAbsent {
		return "", "", false
	}
	return Not, keptBy(f.Finding), true
}

// keptBy says of a finding what may have kept a pupil from a class at home.
func keptBy(f attendance.Finding) Because {
	switch f {
	case attendance.FoundCame:
		return CameAtHome
	case attendance.FoundThrown, attendance.FoundOutage:
		return OurFault
	case attendance.FoundBreaking:
		return BreakingLine
	case attendance.FoundNoClass:
		return NoClass
	}
	return OurLine
}

// unproven tells whether a mark is an absence from a class at home of which the office decides:
// no page says to a family that the pupil was absent from it, whatever was told of the hour before.
func unproven(k attendance.Mark, found map[int64]attendance.Finding) bool {
	return k.AtHome && k.Value == attendance.Absent && found[k.N] != attendance.FoundAbsent
}

// stated tells whether a statement covers now, or the moment of the sitting of which the mark
// speaks: a roll that is called after the bell is about the hour before.
func stated(f Facts, says attendance.Says) bool {
	if _, now := attendance.At(f.Statements, says, f.Now); now {
		return true
	}
	_, then := attendance.At(f.Statements, says, f.Sitting.Nearest(f.Mark.At))
	return then
}

// isNew: one alert for a half-day, except for a pupil seen again and absent again.
func isNew(f Facts) (Verdict, Because, bool) {
	open, ok := OpenEpisode(f)
	return Join, Following, ok && open.HalfDay == timetable.HalfDay(f.Sitting.StartsAt, f.Zone)
}

// isSeenSince: a roll that comes after its time, of a pupil whom a later roll of the day
// shows, is for the register: nobody need telephone about who is in class.
func isSeenSince(f Facts) (Verdict, Because, bool) {
	late := !f.Now.Before(Expires(f.Sitting, f.Zone))
	return Not, Arrived, late && !absentNow(f)
}

// isInTime: a roll saved hours later tells nobody by message.
func isInTime(f Facts) (Verdict, Because, bool) {
	return Phone, TooLate, !f.Now.Before(Expires(f.Sitting, f.Zone))
}

func isInService(f Facts) (Verdict, Because, bool) {
	return Phone, NotInService, !f.InService && !f.Rehearsing
}

// LookAgain says what becomes of a held episode now. f.Mark is its first mark.
func LookAgain(f Facts, e Episode) (Verdict, Because) {
	for _, ask := range []guard{isSchoolOpen, isOrdinary, takesPlace, wasExpected, isOutOfTheBuilding, isAtHome, isProven} {
		if _, why, stop := ask(f); stop {
			return Withdraw, why
		}
	}
	if !absentNow(f) {
		return Withdraw, Arrived
	}
	switch {
	case !f.Now.Before(e.ExpiresAt):
		return Phone, TooLate
	case !f.InService && !f.Rehearsing:
		return Phone, NotInService
	case !f.Now.Before(e.LeavesAt):
		return Tell, ""
	}
	return Keep, ""
}

// OpenEpisode is the pupil's last episode of the day that is not ended.
func OpenEpisode(f Facts) (Episode, bool) {
	for _, e := range slices.Backward(f.Episodes) {
		if isOpen(e) {
			return e, true
		}
	}
	return Episode{}, false
}

func isOpen(e Episode) bool { return e.State == Held || e.State == Told || e.State == Untold }

// absentNow tells whether the latest sitting of the day on whose roll the pupil stands
// says absent. A correction of an earlier roll does not make somebody present later.
func absentNow(f Facts) bool {
	var latest attendance.Mark
	var starts time.Time
	for _, k := range f.Marks { // in order: of one sitting the last mark wins
		if s := f.Sittings[k.Sitting]; !s.Cancelled() && !s.StartsAt.Before(starts) {
			latest, starts = k, s.StartsAt
		}
	}
	return latest.Value == attendance.Absent
}

// The hours between which families get messages, local (sending.md C6).
const (
	quietUntil = 7*time.Hour + 30*time.Minute
	quietFrom  = 18*time.Hour + 30*time.Minute
	// A pupil who is missed in the dormitory is missed now: a family is told until then.
	quietDormitory = 23 * time.Hour
)

// alertLife is how long after its sitting's beginning an absence is worth a message.
const alertLife = 3 * time.Hour

// Expires is the moment after which no byte about an absence from a sitting leaves:
// three hours after the sitting's beginning, and not into the quiet hours, which begin later
// for a dormitory.
func Expires(s timetable.Sitting, zone *time.Location) time.Time {
	quiet := quietFrom
	if s.Kind == timetable.Dormitory {
		quiet = quietDormitory
	}
	return earlier(s.StartsAt.Add(alertLife), onDay(s.StartsAt, quiet, zone))
}

// Leaves is when an episode's letters may be written: its first mark plus the hold, not
// before the quiet hours end.
func Leaves(first time.Time, hold time.Duration, zone *time.Location) time.Time {
	t, open := first.Add(hold), onDay(first, quietUntil, zone)
	if t.Before(open) {
		return open
	}
	return t
}

func onDay(t time.Time, hour time.Duration, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, int(hour/time.Hour), int(hour%time.Hour/time.Minute), 0, 0, zone)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// DefaultHold is the school's hold. Decision 1 says what it costs against
// "immediately".
const DefaultHold = 10 * time.Minute

// followLife is how long an arrival or a correction is worth sending.
const followLife = 6 * time.Hour

// saidFor is how long after an absence its end is told by a message: on the next morning,
// and not when somebody tidies the register of last month.
const saidFor = 24 * time.Hour

// MayOpen tells whether a second person may open a service that was asked for. One of
// the two is the head.
func MayOpen(s Service, by string, byHead, askedByHead bool) bool {
	return s.OpenedAt.IsZero() && s.ClosedAt.IsZero() && by != s.AskedBy && (byHead || askedByHead)
}

// InService tells whether a service lets the school send on a day: it runs, its last day is
// not over, and somebody said within two weeks of school days that it is used.
func InService(s Service, day string) bool {
	return s.runs() && day <= s.UntilOn && day <= s.KeptUntil
}

// FamilyReasons lists the reasons that a family may give for an absence, in the order of
// the page. They say nothing of anybody's health, and there are no words of their own.
func FamilyReasons() []string { return []string{"family", "appointment", "transport", "other"} }

// Latest gives what each person says now: their last answer that a machine can read, by
// person, in the order in which they were given.
func Latest(answers []Answer) []Answer {
	var out []Answer
	for i, f := range answers {
		later := slices.ContainsFunc(answers[i+1:], func(g Answer) bool { return g.Person == f.Person && g.Answer != Unclear })
		if f.Answer != Unclear && !later {
			out = append(out, f)
		}
	}
	return out
}

// Missed lists who says now that the pupil should be in class: what a person must look
// at before everything else.
func Missed(answers []Answer) []Answer {
	return slices.DeleteFunc(Latest(answers), func(f Answer) bool { return f.Answer != ShouldBeHere })
}

// Quieting gives the answer that keeps further alerts of an episode from the family: the
// last announcement. As long as anybody says that the pupil should be in class there is
// none: a pupil whose whereabouts are contradicted is not expected elsewhere.
func Quieting(answers []Answer) (Answer, bool) {
	if len(Missed(answers)) > 0 {
		return Answer{}, false
	}
	for _, f := range slices.Backward(Latest(answers)) {
		if f.Answer == Announced {
			return f, true
		}
	}
	return Answer{}, false
}

// Contradicts tells whether one person says that the pupil should be in class, and
// another knows where the pupil is.
func Contradicts(answers []Answer) bool {
	missed := len(Missed(answers))
	return missed > 0 && missed < len(Latest(answers))
}

// QuietUntil is when an announcement ends: with the half-day of its episode, or with
// that day.
func QuietUntil(f Answer, e Episode, zone *time.Location) (time.Time, error) {
	half := e.HalfDay
	if f.Span == WholeDay {
		half = strings.TrimSuffix(half, "/am")
		half = strings.TrimSuffix(half, "/pm") + "/pm"
	}
	_, until, err := timetable.HalfDaySpan(half, zone)
	return until, err
}

// comingPatience is how long somebody who is said to be on the way may take before the
// office looks.
const comingPatience = 45 * time.Minute

// Overdue tells whether somebody said that the pupil is on the way and nobody has seen
// them since.
func Overdue(f Answer, now time.Time) bool {
	return f.Answer == Coming && now.Sub(f.At) >= comingPatience
}

// Answerable tells whether an episode still takes answers: one that is over says what
// became of it instead.
func Answerable(e Episode) bool { return e.State == Told || e.State == Untold }

// ReadReply reads an answer by SMS: 1 announces the absence, 2 says that the pupil should
// be in class. Spaces and punctuation around the digit do not matter; everything else is
// not understood, and a person telephones.
func ReadReply(text string) (FamilySays, bool) {
	if len(text) > 200 {
		return "", false
	}
	digit := strings.TrimFunc(norm.NFKC.String(text), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.IsControl(r) })
	switch digit {
	case "1":
		return Announced, true
	case "2":
		return ShouldBeHere, true
	}
	return "", false
}
