package alert

import (
	"context"
	"errors"
	"strings"

	"github.com/preau-ent/preau/internal/page"
)

// answerTitle is what the message said, as it stands now.
func answerTitle(ctx context.Context, v answerView) string {
	key := "alert.answer.absent"
	if !Answerable(Episode{State: v.State}) {
		key = "alert.answer.was"
	}
	return page.T(ctx, key, "first", v.First, "initial", v.Initial, "sitting", v.Sitting, "hour", page.Hour(ctx, v.Since))
}

func overText(ctx context.Context, v answerView) string {
	switch v.Because {
	case Arrived:
		return page.T(ctx, "alert.answer.arrived", "first", v.First, "place", v.Place, "hour", page.Hour(ctx, v.OverAt))
	case Corrected:
		return page.T(ctx, "alert.answer.corrected", "first", v.First)
	}
	return page.T(ctx, "alert.answer.following")
}

func overLevel(v answerView) page.Level {
	if v.Because == Arrived || v.Because == Corrected {
		return page.Done
	}
	return page.Info
}

func refusedText(ctx context.Context, err error) string {
	if r, ok := errors.AsType[*page.Refusal](err); ok {
		return r.Sentence(ctx)
	}
	return ""
}

// givenText says what somebody answered last, to themselves.
func givenText(ctx context.Context, a askView) string {
	text := page.T(ctx, "alert.answer.given."+string(a.Last.Answer), "first", a.First)
	if a.Last.Answer != Announced {
		return text
	}
	if a.Last.Span == WholeDay {
		text = page.T(ctx, "alert.answer.given.day", "first", a.First)
	}
	if a.Last.Reason != "" {
		text += " " + page.T(ctx, "alert.answer.given.reason", "reason", page.T(ctx, "alert.answer.reason."+a.Last.Reason))
	}
	return text
}

// voiceText says to the office what somebody of a family answered.
func voiceText(ctx context.Context, f Voice) string {
	who := f.Person.FullName()
	if f.Kinship != "" {
		who = page.T(ctx, "alert.explain.who", "name", who, "role", kinship(f.Kinship).In(ctx))
	}
	text := page.T(ctx, "alert.voice."+string(f.Says), "who", who, "hour", page.Hour(ctx, f.At))
	var more []string
	if f.Reason != "" {
		more = append(more, page.T(ctx, "alert.answer.reason."+f.Reason))
	}
	if f.Span == WholeDay {
		more = append(more, page.T(ctx, "alert.voice.day"))
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text
}

func alarmNote(ctx context.Context, r AlarmRow) string {
	parts := []string{page.T(ctx, "alert.alarm."+string(r.Why)+".note")}
	if r.Class != "" {
		parts = append([]string{r.Class}, parts...)
	}
	return strings.Join(parts, " · ")
}

func answerOptions(ctx context.Context, s serviceView) []page.Option {
	var out []page.Option
	for _, how := range s.Ways {
		out = append(out, page.Option{Value: how, Text: page.T(ctx, "alert.answers."+how), Note: page.T(ctx, "alert.answers."+how+".note")})
	}
	return out
}
