package alert

import (
	"cmp"
	"context"
	"time"

	"github.com/preau-ent/preau/internal/page"
)

// notInServiceText says why nothing is sent, and since when.
func notInServiceText(ctx context.Context, t Today) string {
	s := t.Service
	switch {
	case t.Rehearsing:
		return page.T(ctx, "alert.notinservice.rehearsing")
	case s.OpenedAt.IsZero():
		return page.T(ctx, "alert.notinservice.never")
	case !s.ClosedAt.IsZero():
		return page.T(ctx, "alert.notinservice", "date", page.DateYear(ctx, s.ClosedAt))
	case t.Keeping.Lapsed:
		return page.T(ctx, "alert.notinservice.lapsed", "date", dayText(ctx, s.KeptUntil))
	}
	return page.T(ctx, "alert.notinservice", "date", page.DateYear(ctx, dateOf(s.UntilOn).time().AddDate(0, 0, 1)))
}

// keepText announces the day after which nothing is sent, unless somebody says that the
// school uses this.
func keepText(ctx context.Context, k Keeping) string {
	return page.T(ctx, "alert.keep", "date", dayText(ctx, k.Until))
}

func dayText(ctx context.Context, day string) string { return page.Date(ctx, dateOf(day).time()) }

func serviceTitle(ctx context.Context, s serviceView) string {
	switch {
	case s.InService:
		return page.T(ctx, "alert.service.on", "date", page.DateYear(ctx, dateOf(s.Service.UntilOn).time()))
	case s.Keeping.Lapsed:
		return page.T(ctx, "alert.service.lapsed")
	case s.Rehearsal.Open():
		return page.T(ctx, "alert.rehearsal.title")
	case s.Asked.ID != "":
		return page.T(ctx, "alert.service.asked")
	}
	return page.T(ctx, "alert.service.off")
}

func serviceSteps(ctx context.Context, s serviceView) []page.Step {
	v := s.Service
	who := func(id string) string { return cmp.Or(s.People[id].FullName(), id) }
	day := func(t time.Time) string { return page.DateYear(ctx, t) + ", " + page.Hour(ctx, t) }
	steps := []page.Step{{When: page.Hour(ctx, v.AskedAt), What: page.T(ctx, "alert.service.step.asked", "who", who(v.AskedBy), "date", page.DateYear(ctx, dateOf(v.UntilOn).time())), Note: day(v.AskedAt)}}
	steps = append(steps, page.Step{When: page.Hour(ctx, v.OpenedAt), What: page.T(ctx, "alert.service.step.opened", "who", who(v.OpenedBy)), Note: day(v.OpenedAt), Tone: page.Here})
	if v.KeptAt.After(v.OpenedAt) {
		steps = append(steps, page.Step{When: page.Hour(ctx, v.KeptAt), What: page.T(ctx, "alert.service.step.kept", "who", who(v.KeptBy)), Note: day(v.KeptAt), Tone: page.Here})
	}
	if !v.ClosedAt.IsZero() {
		steps = append(steps, page.Step{When: page.Hour(ctx, v.ClosedAt), What: page.T(ctx, "alert.service.step.closed", "who", who(v.ClosedBy)), Note: day(v.ClosedAt), Tone: page.Late})
	}
	return steps
}

func rehearsalTitle(ctx context.Context, h rehearsalView) string {
	switch {
	case h.Rehearsal.Open():
		return page.T(ctx, "alert.rehearsal.title")
	case h.Rehearsal.Outcome == Ready:
		return page.T(ctx, "alert.rehearsal.ended.ready")
	case h.Rehearsal.ID != "":
		return page.T(ctx, "alert.rehearsal.ended.stopped")
	}
	return page.T(ctx, "alert.rehearsal.none")
}

// rehearsedDayNote says how far a day of a rehearsal is.
func rehearsedDayNote(ctx context.Context, h rehearsalView, d RehearsedDay) string {
	if !d.Judged {
		return page.T(ctx, "alert.rehearsal.day.open")
	}
	return page.T(ctx, "alert.rehearsal.day.judged", "who", cmp.Or(h.People[d.By].FullName(), d.By), "hour", page.Hour(ctx, d.At))
}

// rehearsedRowText says what would have been sent about one absence.
func rehearsedRowText(ctx context.Context, h rehearsalView, r RehearsedRow) string {
	e := r.Episode
	said := page.T(ctx, "alert.rehearsal.row.none", "why", page.T(ctx, "alert.because."+cmp.Or(string(e.Because), string(NoContact))))
	switch {
	case r.Messages > 0 && r.Followed != "":
		said = page.T(ctx, "alert.rehearsal.row.followed."+string(r.Followed), "n", r.Messages)
	case r.Messages > 0:
		said = page.T(ctx, "alert.rehearsal.row", "n", r.Messages)
	case e.State == Held:
		said = page.T(ctx, "alert.rehearsal.row.held")
	}
	return page.T(ctx, "alert.rehearsal.row.at", "class", h.Classes[e.Pupil], "hour", page.Hour(ctx, e.FirstAt), "said", said)
}

// orNone is a sentence with a number, and another one where there is none.
func orNone(ctx context.Context, key string, n int, args ...any) string {
	if n == 0 {
		return page.T(ctx, key+".none", args...)
	}
	return page.T(ctx, key, append(args, "n", n)...)
}

func disagreement(n int) page.Tone {
	if n > 0 {
		return page.Absent
	}
	return ""
}

// judgeKind: the day that nobody has looked at is the one to press for.
func judgeKind(d RehearsedDay) page.Kind {
	if d.Judged {
		return ""
	}
	return page.Main
}
