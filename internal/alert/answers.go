package alert

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// Refusals of an answer.
var (
	// ErrOver: the absence is over, or another message has taken its place.
	ErrOver = errors.New("alert: the absence is over")
	// ErrAnswer: it is none of the answers, or its reason none of the reasons.
	ErrAnswer = errors.New("alert: no such answer")
	// ErrMany: the same person has answered too often.
	ErrMany = errors.New("alert: too many answers")
)

// mostAnswers is how often one person may change their mind about one episode.
const mostAnswers = 20

// said is what somebody answers.
type said struct {
	Answer FamilySays
	Reason string
	Span   Span
}

func (w said) check() error {
	switch w.Answer {
	case Announced:
		if w.Span != HalfDay && w.Span != WholeDay || w.Reason != "" && !slices.Contains(FamilyReasons(), w.Reason) {
			return ErrAnswer
		}
		return nil
	case ShouldBeHere, Coming, Unclear:
		if w.Reason != "" || w.Span != "" {
			return ErrAnswer
		}
		return nil
	}
	return ErrAnswer
}

// asked is a letter that somebody may answer now, with what it is about.
type asked struct {
	school  school
	letter  courier.Letter
	row     letterRow
	episode Episode
	answers []Answer // of the episode, by anybody, in order
}

// own are the answers of the letter's reader.
func (q asked) own() []Answer {
	return slices.DeleteFunc(slices.Clone(q.answers), func(f Answer) bool { return f.Person != q.row.Person })
}

// askedBy reads what a letter asks, as its reader may know it now. ErrNotFound: it is not
// about an absence of today, its reader never got it, or may no longer be told: a court's
// decision closes the link too.
func askedBy(ctx context.Context, tx database.Tx, l courier.Letter, now time.Time) (asked, error) {
	q := asked{letter: l}
	var err error
	if q.school, err = loadSchool(ctx, tx, l.School); err != nil {
		return q, err
	}
	if l.Kind != courier.Absence || l.State == courier.Waiting || l.State == courier.Void || timetable.Day(l.CreatedAt, q.school.zone) != timetable.Day(now, q.school.zone) {
		return q, ErrNotFound
	}
	if q.row, err = letterByID(ctx, tx, l.School, l.ID); err != nil {
		return q, err
	}
	// A number or an address that the school took away may be somebody else's.
	point, err := directory.PointByID(ctx, tx, l.School, l.Contact)
	if err != nil {
		return q, err
	}
	if !point.EndedAt.IsZero() {
		return q, ErrNotFound
	}
	told, _, err := directory.MayBeTold(ctx, tx, l.School, q.row.Pupil, now)
	if err != nil {
		return q, err
	}
	if !slices.ContainsFunc(told, func(r directory.Recipient) bool { return r.Person.ID == q.row.Person }) {
		return q, ErrNotFound
	}
	if q.episode, err = EpisodeByID(ctx, tx, l.School, q.row.Episode); err != nil {
		return q, err
	}
	q.answers, err = answersOf(ctx, tx, l.School, q.episode.ID)
	return q, err
}

// take keeps an answer, and does in the same transaction what follows from it. The same
// answer twice is one. ErrOver, ErrAnswer, ErrMany.
func (a *Alert) take(ctx context.Context, tx database.Tx, q asked, via Via, w said, now time.Time) error {
	if err := w.check(); err != nil {
		return err
	}
	if !Answerable(q.episode) && w.Answer != Unclear {
		return ErrOver
	}
	own := q.own()
	if n := len(own); n > 0 {
		if last := own[n-1]; w == (said{last.Answer, last.Reason, last.Span}) {
			return nil // pressed twice, or brought twice by a carrier
		}
		if n >= mostAnswers {
			return ErrMany
		}
	}
	f := Answer{School: q.school.ID, ID: database.NewID(), Episode: q.episode.ID, N: len(q.answers) + 1, Letter: q.letter.ID, Pupil: q.row.Pupil, Person: q.row.Person,
		Via: via, Answer: w.Answer, Reason: w.Reason, Span: w.Span, At: database.Stamp(now)}
	if _, err := tx.NewInsert().Model(&f).Exec(ctx); err != nil {
		return err
	}
	err := a.journal.Append(ctx, tx, f.School, now, journal.Deed{Act: "answer." + string(f.Answer), Actor: f.Person, Subject: f.Episode,
		Detail: map[string]string{"answer": f.ID, "letter": f.Letter, "person": f.Person, "via": string(via), "reason": f.Reason, "span": string(f.Span)}})
	if err != nil {
		return err
	}
	if w.Answer == Unclear {
		return a.openCall(ctx, tx, q.episode, f.Person, Replied, now)
	}
	q.answers = append(q.answers, f)
	if err := a.quieten(ctx, tx, q, now); err != nil {
		return err
	}
	if w.Answer == ShouldBeHere {
		return nil
	}
	return a.answeredCall(ctx, tx, q.episode, f.Person, now)
}

// quieten makes what is stated of the pupil what the family says now: that they are
// expected elsewhere, or nothing. What still waits to leave about the episode is recalled
// where the family has announced the absence.
func (a *Alert) quieten(ctx context.Context, tx database.Tx, q asked, now time.Time) error {
	stated, err := familyStatements(ctx, tx, q.school, q.row.Pupil, now)
	if err != nil {
		return err
	}
	wanted, quiet := Quieting(q.answers)
	until, err := QuietUntil(wanted, q.episode, q.school.zone)
	if err != nil {
		return err
	}
	quiet = quiet && until.After(now)
	kept := false
	for _, s := range stated {
		if quiet && !kept && s.By == wanted.Person && s.UntilAt.Equal(database.Stamp(until)) {
			kept = true
			continue
		}
		if err := attendance.Withdraw(ctx, tx, a.journal, now, q.school.ID, s.ID, "alert"); err != nil {
			return err
		}
	}
	if !quiet || kept {
		return nil
	}
	err = attendance.State(ctx, tx, a.journal, now, attendance.Statement{School: q.school.ID, Pupil: q.row.Pupil, Says: attendance.Elsewhere, Reason: announcedReason,
		FromAt: now, UntilAt: until, By: wanted.Person})
	if err != nil {
		return err
	}
	return a.courier.Recall(ctx, tx, q.school.ID, q.episode.ID, courier.Absence, string(Expected), now)
}

// announcedReason is attendance's reason for what a family announced. The family's own
// reason stays with the answer.
const announcedReason = "announced"

// familyStatements are the statements of a pupil that stand because somebody of the
// family answered today.
func familyStatements(ctx context.Context, tx database.Tx, s school, pupil string, now time.Time) ([]attendance.Statement, error) {
	all, err := attendance.Statements(ctx, tx, s.ID, []string{pupil}, now)
	if err != nil {
		return nil, err
	}
	answers, err := answersOfPupils(ctx, tx, s, []string{pupil}, now)
	return slices.DeleteFunc(all[pupil], func(st attendance.Statement) bool { return !byFamily(st, answers[pupil]) }), err
}

// byFamily tells whether a statement was made of a family's answer.
func byFamily(s attendance.Statement, answers []Answer) bool {
	return s.Says == attendance.Elsewhere && s.Reason == announcedReason && slices.ContainsFunc(answers, func(f Answer) bool { return f.Person == s.By })
}

// answeredCall closes the telephone row of somebody who has answered.
func (a *Alert) answeredCall(ctx context.Context, tx database.Tx, e Episode, person string, now time.Time) error {
	calls, err := callsOf(ctx, tx, e.School, []string{e.ID})
	if err != nil {
		return err
	}
	for _, c := range calls {
		if c.Adult == person && c.Outcome == "" {
			return a.CloseCall(ctx, tx, e.School, c.ID, Reached, person, now)
		}
	}
	return nil
}

// answersOf lists the answers about an episode, in order.
func answersOf(ctx context.Context, tx database.Tx, school, episode string) ([]Answer, error) {
	var rows []Answer
	err := tx.NewSelect().Model(&rows).Where("f.school = ? AND f.episode = ?", school, episode).Order("n").Scan(ctx)
	return rows, err
}

// answersOfPupils lists the answers of a day about pupils, by pupil, in order.
func answersOfPupils(ctx context.Context, tx database.Tx, s school, pupils []string, now time.Time) (map[string][]Answer, error) {
	from, _, err := timetable.HalfDaySpan(timetable.Day(now, s.zone)+"/am", s.zone)
	if err != nil {
		return nil, err
	}
	out := map[string][]Answer{}
	for part := range slices.Chunk(pupils, 500) {
		var rows []Answer
		err := tx.NewSelect().Model(&rows).Where("f.school = ? AND f.pupil IN (?) AND f.at >= ?", s.ID, bun.List(part), database.Stamp(from)).
			OrderExpr("f.at, f.episode, f.n").Scan(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range rows {
			out[f.Pupil] = append(out[f.Pupil], f)
		}
	}
	return out, nil
}

// reply takes an answer by SMS to a letter about an absence. What is not understood asks
// for a call, and its words are not kept: they may speak of somebody's health.
func (a *Alert) reply(ctx context.Context, tx database.Tx, l courier.Letter, text string, now time.Time) error {
	q, err := askedBy(ctx, tx, l, now)
	if errors.Is(err, ErrNotFound) {
		return a.replyToNothing(ctx, tx, l, now)
	}
	if err != nil {
		return err
	}
	w := said{Answer: Unclear}
	if what, ok := ReadReply(text); ok && q.school.answers == AnswerByReply {
		if w.Answer = what; what == Announced {
			w.Span = HalfDay
		}
	}
	err = a.take(ctx, tx, q, BySMS, w, now)
	if errors.Is(err, ErrOver) || errors.Is(err, ErrMany) {
		return a.unanswerable(ctx, tx, l, w.Answer, now)
	}
	return err
}

// replyToNothing keeps that somebody answered a message of another day, or may no longer
// be told: the office is asked to telephone whoever may be.
func (a *Alert) replyToNothing(ctx context.Context, tx database.Tx, l courier.Letter, now time.Time) error {
	e, err := EpisodeByID(ctx, tx, l.School, l.Ref)
	if err == nil {
		err = a.openCall(ctx, tx, e, l.Person, Replied, now)
	} else if errors.Is(err, ErrNotFound) {
		err = nil
	}
	if err != nil {
		return err
	}
	return a.unanswerable(ctx, tx, l, Unclear, now)
}

// unanswerable writes into the journal that an answer came which changes nothing.
func (a *Alert) unanswerable(ctx context.Context, tx database.Tx, l courier.Letter, what FamilySays, now time.Time) error {
	return a.journal.Append(ctx, tx, l.School, now, journal.Deed{Act: "answer.late", Actor: l.Person, Subject: l.Ref,
		Detail: map[string]string{"letter": l.ID, "person": l.Person, "via": string(BySMS), "says": string(what)}})
}

// stopped is told that nothing more goes to contact points: somebody said STOP, or an
// address takes nothing more. Whoever was told of an absence that is open today is
// telephoned, and the office finds another way.
func (a *Alert) stopped(ctx context.Context, tx database.Tx, schoolID string, points []directory.ContactPoint, why string, now time.Time) error {
	if len(points) == 0 {
		return nil
	}
	h := directory.Hand{Journal: a.journal, By: "courier", Now: now}
	if err := h.Stopped(ctx, tx, schoolID, points, why); err != nil {
		return err
	}
	s, err := loadSchool(ctx, tx, schoolID)
	if err != nil {
		return err
	}
	episodes, err := OfDay(ctx, tx, schoolID, timetable.Day(now, s.zone))
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range points {
		if seen[p.Person] {
			continue
		}
		seen[p.Person] = true
		because := Bounced
		if p.Channel == directory.SMS {
			because = Stopped
		}
		// Whoever is to be told of the pupil, whether a letter was addressed to them or to
		// somebody who shares the address.
		children, err := directory.Children(ctx, tx, schoolID, p.Person, timetable.Day(now, s.zone))
		if err != nil {
			return err
		}
		for _, e := range episodes {
			mine := e.Pupil == p.Person || slices.ContainsFunc(children, func(c directory.Person) bool { return c.ID == e.Pupil })
			if !mine || !Answerable(e) {
				continue
			}
			if err := a.openCall(ctx, tx, e, p.Person, because, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetAnswers says how a school's families answer. ErrAnswer.
func (a *Alert) SetAnswers(ctx context.Context, tx database.Tx, school, how, by string, now time.Time) error {
	if how != "" && how != AnswerByLink && how != AnswerByPhone && how != AnswerByReply {
		return ErrAnswer
	}
	s, err := loadSchool(ctx, tx, school)
	if err != nil || s.answers == how {
		return err
	}
	_, err = tx.NewRaw("INSERT INTO alert_settings (school, hold_seconds, answers) VALUES (?, ?, ?) ON CONFLICT (school) DO UPDATE SET answers = EXCLUDED.answers",
		school, int64(s.hold/time.Second), how).Exec(ctx)
	if err != nil {
		return err
	}
	return a.journal.Append(ctx, tx, school, now, journal.Deed{Act: "answers.chosen", Actor: by, Subject: school, Detail: map[string]string{"how": how}})
}
