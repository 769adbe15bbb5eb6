package alert

import (
	"context"
	"slices"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
)

// readAnswers reads what families answered about the day's episodes.
func (b *board) readAnswers(ctx context.Context, tx database.Tx) error {
	var pupils, unread []string
	for _, e := range b.episodes {
		if e.State != Held && e.State != Withdrawn {
			pupils = append(pupils, e.Pupil)
		}
	}
	byPupil, err := answersOfPupils(ctx, tx, b.school, unique(pupils), b.now)
	if err != nil {
		return err
	}
	b.answers = map[string][]Answer{}
	for _, answers := range byPupil {
		for _, f := range answers {
			b.answers[f.Episode] = append(b.answers[f.Episode], f)
			if f.Answer == Unclear {
				unread = append(unread, f.Episode)
			}
		}
	}
	b.closed, err = callsOf(ctx, tx, b.school.ID, unique(unread))
	return err
}

// alarms lists what the office acts on before everything else, what is most urgent first.
// An alarm ends when the pupil is seen, when the office says where they are, or when
// whoever raised it says otherwise.
func (b *board) alarms(now time.Time) []AlarmRow {
	var out []AlarmRow
	for _, e := range b.episodes {
		answers := b.answers[e.ID]
		why := b.alarm(e, answers, now)
		if why == "" {
			continue
		}
		r := AlarmRow{Episode: e.ID, Why: why, Pupil: b.people[e.Pupil], Class: b.classes[e.Pupil]}
		for _, f := range Latest(answers) {
			r.Voices = append(r.Voices, b.voice(f, true))
		}
		for _, f := range answers {
			if why == AlarmUnread && f.Answer == Unclear && b.unread(f) {
				r.Voices = append(r.Voices, b.voice(f, true))
			}
		}
		out = append(out, r)
	}
	urgent := []AlarmWhy{AlarmMissed, AlarmContradicts, AlarmOverdue, AlarmUnread}
	slices.SortStableFunc(out, func(a, b AlarmRow) int { return slices.Index(urgent, a.Why) - slices.Index(urgent, b.Why) })
	return out
}

func (b *board) alarm(e Episode, answers []Answer, now time.Time) AlarmWhy {
	if !Answerable(e) && !(e.State == Over && e.Because == Following) {
		return ""
	}
	latest := Latest(answers)
	missed := Missed(answers)
	if len(missed) > 0 && !b.found(e.Pupil, missed[len(missed)-1].At, now) {
		if Contradicts(answers) {
			return AlarmContradicts
		}
		return AlarmMissed
	}
	switch {
	case len(missed) > 0:
	case slices.ContainsFunc(latest, func(f Answer) bool { return Overdue(f, now) && !b.found(e.Pupil, f.At, now) }):
		return AlarmOverdue
	case slices.ContainsFunc(answers, b.unread):
		return AlarmUnread
	}
	return ""
}

// found tells whether the school itself has said since a moment where a pupil is.
func (b *board) found(pupil string, since, now time.Time) bool {
	var answers []Answer
	for _, e := range b.episodes {
		if e.Pupil == pupil {
			answers = append(answers, b.answers[e.ID]...)
		}
	}
	ours := slices.DeleteFunc(slices.Clone(b.statements[pupil]), func(s attendance.Statement) bool { return s.At.Before(since) || byFamily(s, answers) })
	_, inside := attendance.At(ours, attendance.Inside, now)
	_, elsewhere := attendance.At(ours, attendance.Elsewhere, now)
	return inside || elsewhere
}

// unread tells whether an SMS that no machine understood came after its telephone row was
// closed without anybody having been reached: no row asks for a call any more.
func (b *board) unread(f Answer) bool {
	return f.Answer == Unclear && slices.ContainsFunc(b.closed, func(c Call) bool {
		return c.Episode == f.Episode && c.Adult == f.Person && c.Outcome != "" && c.Outcome != Reached && c.ClosedAt.Before(f.At)
	})
}

func (b *board) voice(f Answer, numbers bool) Voice {
	v := Voice{Person: b.people[f.Person], Says: f.Answer, Reason: f.Reason, Span: f.Span, At: f.At}
	for _, s := range b.standings[f.Pupil] {
		if s.Person != f.Person {
			continue
		}
		v.Kinship = s.Link.Kinship
		if numbers && s.Told {
			for _, p := range b.numbers[f.Person] {
				if !slices.Contains(v.Numbers, p.Address) {
					v.Numbers = append(v.Numbers, p.Address)
				}
			}
		}
	}
	return v
}
